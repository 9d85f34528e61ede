#!/usr/bin/env python3
"""A user trains classifiers on images in idx files, zipped or not."""

import json
import math
import random
import shutil
from statistics import fmean

from harness import (
    Story,
    main,
    read_images,
    read_table,
    write_config,
    write_images,
    write_table,
)

CLASSES = 3
COLUMNS = ["row", "target", "predicted", "entropy", "mutual_information", "p0", "p1", "p2"]


class Images:
    """Mixed into a story for each network."""

    model = {}
    zipped = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_images(cls.folder / "images", CLASSES, zipped=cls.zipped)
        write_config(
            cls.folder / "images.toml",
            run={"name": "images", "fuse": "off"},
            data={"kind": "idx", "path": "images"},
            model=cls.model,
            infer={"algorithm": "deep_ensemble", "particles": 2, "epochs": 6, "batch": 16},
        )
        cls.result = cls.train("images.toml", "run")
        cls.table = read_table(cls.folder / "run/predictions.csv")
        cls.probabilities = list(zip(*(cls.table[f"p{k}"] for k in range(CLASSES))))

    def test_columns_are_those_of_classes(self):
        self.assertEqual(list(self.table), COLUMNS)
        self.assertEqual(self.table["row"], [float(i) for i in range(40)])
        self.assertEqual(self.table["target"], [float(i % CLASSES) for i in range(40)])

    def test_probabilities_are_a_distribution_and_the_largest_is_predicted(self):
        for row, predicted in zip(self.probabilities, self.table["predicted"]):
            self.assertAlmostEqual(sum(row), 1, places=9)
            self.assertTrue(all(0 <= p <= 1 for p in row))
            self.assertEqual(row.index(max(row)), predicted)

    def test_entropy_is_that_of_the_probabilities_and_bounds_the_information(self):
        for row, entropy, information in zip(
            self.probabilities, self.table["entropy"], self.table["mutual_information"]
        ):
            self.assertAlmostEqual(entropy, -sum(p * math.log(p) for p in row if p > 0), places=9)
            self.assertTrue(0 <= information <= entropy + 1e-12)

    def test_metrics_follow_from_the_predictions(self):
        metrics = self.result["metrics"]["test"]
        self.assertEqual(list(metrics)[:4], ["accuracy", "nll", "ece", "brier"])
        targets = [int(t) for t in self.table["target"]]
        hits = [t == p for t, p in zip(targets, self.table["predicted"])]
        self.assertAlmostEqual(metrics["accuracy"], fmean(hits), places=12)
        nll = -fmean(math.log(row[t]) for row, t in zip(self.probabilities, targets))
        self.assertAlmostEqual(metrics["nll"], nll, places=9)
        for member in self.result["members"]:
            self.assertIn("accuracy", member["metrics"])

    def test_networks_disagree_as_their_predictions_do(self):
        diversity = self.result["diversity"]
        self.assertEqual(list(diversity), ["disagreement", "pairwise_kl", "collapsed"])
        self.assertTrue(0 <= diversity["disagreement"] <= 1)
        self.assertGreater(diversity["pairwise_kl"], 0)
        self.assertIs(diversity["collapsed"], False)

    def test_validation_images_calibrate_the_probabilities(self):
        calibrated, metrics = self.result["calibrated"], self.result["metrics"]["test"]
        self.assertEqual(
            list(calibrated), ["validation_rows", "temperature", "before", "after", "conformal"]
        )
        self.assertEqual(calibrated["validation_rows"], 8)
        for name, value in calibrated["before"].items():
            self.assertEqual(value, metrics[name], name)
        # The fitted temperature, applied to the predictions.
        temperature = calibrated["temperature"]
        logs = [[math.log(p) / temperature for p in row] for row in self.probabilities]
        nll = -fmean(
            row[int(t)] - math.log(sum(map(math.exp, row)))
            for row, t in zip(logs, self.table["target"])
        )
        self.assertAlmostEqual(calibrated["after"]["nll"], nll, places=9)
        # Eight rows are too few for sets that miss a tenth: all classes it is.
        self.assertEqual(calibrated["conformal"], {"coverage_90": 1, "classes_90": CLASSES})

    def test_images_of_noise_are_told_by_their_entropy(self):
        draw = random.Random(5)
        rows = [[draw.randrange(256) for _ in range(28 * 28)] for _ in range(20)]
        write_table(self.folder / "noise.csv", [f"pixel{i}" for i in range(28 * 28)], rows)
        report = json.loads(
            self.must("predict", "run", "--data", "noise.csv", "--shifted", "--json")
        )
        self.assertEqual((report["test_rows"], report["shifted_rows"]), (40, 20))
        self.assertEqual(list(report["ensemble"]), ["entropy", "mutual_information"])
        self.assertEqual(list(report["members"][0]), ["pid", "entropy"])
        self.assertEqual(list(report["above_every_member"]), ["entropy"])
        self.must("predict", "run", "--data", "noise.csv", "--out", "noise-out.csv")
        other = read_table(self.folder / "noise-out.csv")["entropy"]
        # The run computed its test rows on other threads: equal up to rounding.
        area = fmean((x > y) + (x == y) / 2 for x in other for y in self.table["entropy"])
        self.assertAlmostEqual(report["ensemble"]["entropy"], area, places=2)

    def test_a_folder_of_images_predicts_as_a_table_does(self):
        self.must("predict", "run", "--data", "images", "--out", "folder.csv")
        table = read_table(self.folder / "folder.csv")
        self.assertEqual(list(table), COLUMNS)
        self.assertEqual(table["target"], self.table["target"])
        for k in range(CLASSES):
            for here, there in zip(table[f"p{k}"], self.table[f"p{k}"]):
                self.assertAlmostEqual(here, there, delta=1e-5)  # float32 networks
        write_images(self.folder / "large", CLASSES, side=32)
        self.refused(
            *("predict", "run", "--data", "large"), pattern=r"large: expected .*28.* got .*32 x 32"
        )
        shutil.rmtree(self.folder / "large")

    def test_the_bars_are_learned(self):
        self.assertGreater(self.result["metrics"]["test"]["accuracy"], 0.9)

    def test_rows_of_the_data_are_counted(self):
        self.assertEqual(self.result["data"], {"train_rows": 80, "test_rows": 40})

    def test_a_table_of_pixels_predicts_as_the_images_did(self):
        images = read_images(self.folder / "images", "t10k")
        write_table(
            self.folder / "pixels.csv",
            [f"pixel{i}" for i in range(28 * 28)],
            [list(image) for image in images],
        )
        self.must("predict", "run", "--data", "pixels.csv", "--out", "out.csv")
        table = read_table(self.folder / "out.csv")
        self.assertNotIn("target", table)
        for k in range(CLASSES):
            for here, there in zip(table[f"p{k}"], self.table[f"p{k}"]):
                self.assertAlmostEqual(here, there, delta=1e-5)  # float32 networks


class Lenets(Images, Story):
    model = {"kind": "lenet"}


class Mlps(Images, Story):
    model = {"kind": "mlp", "hidden": [8]}
    zipped = False


if __name__ == "__main__":
    main()
