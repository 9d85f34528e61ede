#!/usr/bin/env python3
"""A user predicts with a run that another process trained."""

import shutil

from harness import Story, main, split_table, without, write_small_run, write_table


class Predictions(Story):
    as_users_do = True
    algorithm = "deep_ensemble"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, cls.algorithm)
        cls.train(cls.config, "run")
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


class PredictionsOfMultiSwag(Predictions):
    as_users_do = False
    algorithm = "multi_swag"


class PredictionsOfMcDropout(Predictions):
    as_users_do = False
    algorithm = "mc_dropout"


class PredictionsOfSvgd(Predictions):
    as_users_do = False
    algorithm = "svgd"


if __name__ == "__main__":
    main()
