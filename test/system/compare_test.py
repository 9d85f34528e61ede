#!/usr/bin/env python3
"""A user holds one posterior against another: `posse compare`."""

import json

from harness import Story, main, write_config, write_images, write_small_run


class Comparisons(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)
        cls.train(cls.config, "one")
        cls.train(cls.config, "other", "--set", "run.seed=4")

    def compare(self, *args):
        return json.loads(self.must("compare", *args, "--json"))

    def test_a_run_is_like_itself(self):
        found = self.compare("one", "one")
        self.assertAlmostEqual(found["total_variation"], 0, places=9)
        self.assertAlmostEqual(found["mean_difference"], 0, places=9)
        self.assertAlmostEqual(found["std_ratio"], 1, places=9)

    def test_what_the_table_says_is_what_json_says(self):
        self.train(self.config, "longer", "--set", "infer.steps=80")
        found = self.compare("longer", "one")
        self.assertTrue(0 < found["total_variation"] < 1, found)
        lines = self.must("compare", "longer", "one").splitlines()
        self.assertEqual([line.split()[0] for line in lines], list(found))
        for line in lines:
            name, value = line.split()
            self.assertAlmostEqual(float(value), found[name], places=4)

    def test_what_cannot_be_compared_is_refused(self):
        self.refused("compare", "one", "nowhere", pattern="nowhere: expected the folder of a run")
        # Another seed draws other test rows.
        self.refused("compare", "other", "one", pattern="other: expected the data and split")
        self.refused("compare", "one", pattern="REFERENCE_RUN_DIR")

    def test_classes_are_compared_by_their_probabilities(self):
        write_images(self.folder / "images", classes=3, side=8)
        write_config(
            self.folder / "classes.toml",
            run={"name": "classes", "seed": 3},
            data={"kind": "idx", "path": "images"},
            model={"hidden": [8]},
            infer={"particles": 2, "steps": 60, "batch": 16},
        )
        self.train("classes.toml", "classes")
        self.train("classes.toml", "classes_again", "--set", "run.seed=5")
        self.assertEqual(
            self.compare("classes", "classes"), {"agreement": 1.0, "total_variation": 0.0}
        )
        found = self.compare("classes_again", "classes")
        self.assertTrue(0 < found["total_variation"] < 1, found)
        self.assertTrue(0 < found["agreement"] <= 1, found)
        self.refused("compare", "classes", "one", pattern="expected the data and split")


if __name__ == "__main__":
    main()
