#!/usr/bin/env python3
"""The examples are valid, and those whose data come with posse run."""

from harness import EXAMPLES, Story, main


class Examples(Story):
    as_users_do = True

    def run_shortly(self, name):
        return self.train(EXAMPLES / f"{name}.toml", name, "--set", "infer.steps=20")

    def test_all_are_valid(self):
        found = sorted(EXAMPLES.glob("*.toml"))
        self.assertGreaterEqual(len(found), 2)
        for path in found:
            self.must("config", "validate", path)
            self.must("config", "print", path)

    def test_energy_runs_on_the_split_of_its_paper(self):
        result = self.run_shortly("energy")
        self.assertEqual(result["algorithm"], "deep_ensemble")
        self.assertEqual(result["data"], {"train_rows": 691, "test_rows": 77})
        self.assertEqual(result["timing"]["particle_steps"], 5 * 20)

    def test_concrete_runs(self):
        self.assertEqual(self.run_shortly("concrete")["algorithm"], "deep_ensemble")

    def test_svgd_runs(self):
        result = self.run_shortly("svgd")
        self.assertEqual((result["algorithm"], result["particles"]), ("svgd", 8))


if __name__ == "__main__":
    main()
