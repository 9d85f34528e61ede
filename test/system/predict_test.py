#!/usr/bin/env python3
"""A user predicts with a run that another process trained."""

import json
import shutil
from statistics import fmean

from harness import (
    Story,
    main,
    read_table,
    split_table,
    without,
    write_small_run,
    write_table,
)


def pairs_in_order(low, high):
    """The AUROC from its definition."""
    return fmean((x > y) + (x == y) / 2 for x in high for y in low)


class Predictions(Story):
    as_users_do = True
    algorithm = "deep_ensemble"
    knobs = {}  # more keys of [infer]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, cls.algorithm, **cls.knobs)
        cls.result = cls.train(cls.config, "run")
        cls.saved = (cls.folder / "run/predictions.csv").read_text(encoding="utf-8")
        cls.columns, data = split_table((cls.folder / "data.csv").read_text(encoding="utf-8"))
        header, rows = split_table(cls.saved)
        cls.test_rows = [data[int(row[header.index("row")])] for row in rows]

    def file_with(self, name, *columns):
        """A CSV file of the test rows with these columns, in this order."""
        places = [self.columns.index(column) for column in columns]
        write_table(
            self.folder / name, columns, [[row[i] for i in places] for row in self.test_rows]
        )
        return name

    def predict(self, data, *args):
        return self.must("predict", "run", "--data", data, *args)

    def assert_same_numbers(self, out, *but):
        """All columns but `row` and `but` are those of predictions.csv, bit for
        bit: numbers are written so that they read back exactly."""
        self.assertEqual(without(out, "row", *but), without(self.saved, "row", *but))

    def test_are_those_of_the_run_bit_for_bit(self):
        out = self.predict(self.file_with("all.csv", "a", "b", "y"))
        self.assert_same_numbers(out)
        header, rows = split_table(out)
        self.assertEqual(header, split_table(self.saved)[0])
        self.assertEqual([row[0] for row in rows], [str(i) for i in range(len(rows))])

    def test_do_not_depend_on_the_order_of_columns(self):
        self.assert_same_numbers(self.predict(self.file_with("turned.csv", "y", "b", "a")))

    def test_need_no_target(self):
        out = self.predict(self.file_with("new.csv", "b", "a"))
        self.assertNotIn("target", split_table(out)[0])
        self.assert_same_numbers(out, "target")

    def test_go_to_a_file_on_demand(self):
        data = self.file_with("some.csv", "a", "b")
        self.assertEqual(self.predict(data, "--out", "out.csv"), "")
        self.assertEqual((self.folder / "out.csv").read_text(encoding="utf-8"), self.predict(data))

    def test_depend_on_the_features(self):
        rows = [[float(x) + 1 for x in row] for row in self.test_rows]
        write_table(self.folder / "moved.csv", self.columns, rows)
        out = self.predict("moved.csv")
        self.assertNotEqual(without(out, "row", "target"), without(self.saved, "row", "target"))

    def test_need_nothing_but_the_folder_of_the_run(self):
        data = self.file_with("rows.csv", "a", "b", "y")
        shutil.move(self.folder / "run", self.folder / "moved")
        shutil.move(self.folder / "data.csv", self.folder / "hidden.csv")
        try:
            out = self.must("predict", "moved", "--data", data)
        finally:
            shutil.move(self.folder / "moved", self.folder / "run")
            shutil.move(self.folder / "hidden.csv", self.folder / "data.csv")
        self.assert_same_numbers(out)

    def test_find_a_target_that_is_not_the_last_column(self):
        self.train(self.config, "middle", "--set", "data.target=b")
        out = self.must("predict", "middle", "--data", self.file_with("m.csv", "b", "y", "a"))
        saved = (self.folder / "middle/predictions.csv").read_text(encoding="utf-8")
        self.assertEqual(without(out, "row"), without(saved, "row"))


    def shifted(self, *args):
        """Of the test rows with all features moved by 1. @returns the JSON."""
        rows = [[float(x) + 1 for x in row] for row in self.test_rows]
        write_table(self.folder / "shifted.csv", self.columns, rows)
        return json.loads(self.predict("shifted.csv", "--shifted", "--json", *args))

    def test_tell_rows_from_elsewhere_by_their_uncertainty(self):
        report = self.shifted("--out", "elsewhere.csv")
        self.assertEqual((report["test_rows"], report["shifted_rows"]), (12, 12))
        self.assertEqual(
            (self.folder / "elsewhere.csv").read_text(encoding="utf-8"),
            self.predict("shifted.csv"),
        )
        own = read_table(self.folder / "run/predictions.csv")
        other = read_table(self.folder / "elsewhere.csv")
        self.assertEqual(list(report["ensemble"]), ["std", "epistemic_std"])
        for name, area in report["ensemble"].items():
            self.assertAlmostEqual(area, pairs_in_order(own[name], other[name]), places=9)
        particles = self.result["particles"]
        self.assertEqual([x["pid"] for x in report["members"]], list(range(particles)))
        best = max(x["std"] for x in report["members"])
        if particles == 1:
            self.assertNotIn("above_every_member", report)
        else:
            above = report["above_every_member"]
            self.assertEqual(above["std"], report["ensemble"]["std"] > best)
            # Only draws of one particle can disagree among themselves.
            self.assertEqual("epistemic_std" in above, "epistemic_std" in report["members"][0])

    def test_show_that_as_a_table(self):
        report = self.shifted()
        out = self.predict("shifted.csv", "--shifted")
        self.assertIn("AUROC of 12 shifted rows against 12 test rows\n", out)
        area = report["ensemble"]["std"]
        self.assertRegex(out, rf"(?m)^ensemble +{area:.4f}  ")
        for x in report["members"]:
            self.assertRegex(out, rf"(?m)^particle {x['pid']} +{x['std']:.4f}\b")

    def test_are_told_from_the_test_rows_of_the_run_alone(self):
        data = self.file_with("like.csv", "a", "b")
        self.refused(
            *("predict", "run", "--data", data, "--json"),
            pattern="--json.*--shifted",
        )
        table = self.folder / "data.csv"
        kept = table.read_bytes()
        try:
            table.unlink()
            self.refused(
                *("predict", "run", "--data", data, "--shifted"),
                pattern=r"data.path: expected a file, got .*data.csv",
            )
            write_table(table, self.columns, [[i, i * i, i % 3] for i in range(60)])
            self.refused(
                *("predict", "run", "--data", data, "--shifted"),
                pattern=r"data.csv: expected the data of the run, .* changed since",
            )
        finally:
            table.write_bytes(kept)
        self.refused(
            *("predict", "run", "--data", self.file_with("half.csv", "a"), "--shifted"),
            pattern='half.csv:1: .*missing: "b"',
        )
        # Rows of the same distribution are not told from themselves.
        report = json.loads(self.predict(data, "--shifted", "--json"))
        self.assertEqual(report["ensemble"]["std"], 0.5)


class PredictionsOfMultiSwag(Predictions):
    as_users_do = False
    algorithm = "multi_swag"


class PredictionsOfMcDropout(Predictions):
    as_users_do = False
    algorithm = "mc_dropout"


class PredictionsOfThinnedNetworks(Predictions):
    as_users_do = False
    algorithm = "mc_dropout"
    knobs = {"masks": "draw"}

    def test_are_functions_of_the_row(self):
        """Whatever rows there are besides, and however many."""
        rows = self.test_rows
        write_table(self.folder / "once.csv", self.columns, rows)
        write_table(self.folder / "again.csv", self.columns, rows * 200)  # some chunks
        once = split_table(self.predict("once.csv"))[1]
        again = split_table(self.predict("again.csv"))[1]
        self.assertEqual(len(again), 200 * len(once))
        for i in (0, 1, len(again) // 2, len(again) - 1):
            for a, b in zip(again[i][1:], once[i % len(once)][1:]):
                self.assertAlmostEqual(float(a), float(b), places=5)


class PredictionsWithRandomPriors(Predictions):
    as_users_do = False
    knobs = {"random_prior": 3.0}


class PredictionsOfSvgd(Predictions):
    as_users_do = False
    algorithm = "svgd"


if __name__ == "__main__":
    main()
