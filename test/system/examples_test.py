#!/usr/bin/env python3
"""The examples are valid, and those whose data come with posse run."""

from harness import EXAMPLES, Story, main


class Examples(Story):
    as_users_do = True

    def run_shortly(self, name, *args):
        return self.train(EXAMPLES / f"{name}.toml", name, "--set", "infer.steps=20", *args)

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

    def test_randomised_prior_runs(self):
        result = self.run_shortly("randomised_prior")
        self.assertEqual((result["algorithm"], result["particles"]), ("deep_ensemble", 10))

    def test_svgd_runs(self):
        result = self.run_shortly("svgd")
        self.assertEqual((result["algorithm"], result["particles"]), ("svgd", 8))

    def test_annealed_svgd_runs(self):
        result = self.run_shortly("svgd_annealed")
        self.assertEqual(result["diagnostics"]["gamma"], 1)

    def test_swag_runs(self):
        for name, particles in (("swag", 1), ("multi_swag", 5)):
            result = self.run_shortly(name, "--set", "infer.steps=2300")
            self.assertEqual((result["algorithm"], result["particles"]), (name, particles))

    def test_chains_run(self):
        for name in ("sgld", "psgld", "sghmc", "cyclical", "hmc"):
            with self.subTest(name):
                result = self.run_shortly(
                    name, "--set", "infer.steps=80", "--set", "infer.burn_in=10"
                )
                chains = result["chains"]
                self.assertEqual(chains["chains"], result["particles"])
                self.assertGreaterEqual(chains["r_hat"]["worst"], chains["r_hat"]["median"])
                self.assertLessEqual(
                    chains["effective_draws"]["least"], chains["effective_draws"]["median"]
                )

    def test_hmc_tells_of_its_proposals(self):
        fewer = ("--set", "infer.particles=2", "--set", "infer.burn_in=10", "--overwrite")
        result = self.run_shortly("hmc", *fewer)
        self.assertEqual([each["pid"] for each in result["sampler"]], [0, 1])
        for each in result["sampler"]:
            self.assertGreater(each["step_size"], 0)
            self.assertTrue(0 <= each["accepted"] <= 1, each)

    def test_laplace_tells_of_its_fit(self):
        for curvature in ("last_layer", "diagonal"):
            for rule in ("evidence", "validation", "prior"):
                with self.subTest(curvature=curvature, rule=rule):
                    result = self.run_shortly(
                        "laplace",
                        "--set", f"infer.curvature={curvature}",
                        "--set", f"infer.prior_precision={rule}",
                        "--set", "infer.particles=2",
                        "--overwrite",
                    )
                    fits = result["laplace"]
                    self.assertEqual([each["pid"] for each in fits], [0, 1])
                    for fit in fits:
                        self.assertGreater(fit["prior_precision"], 0)
                        self.assertLess(fit["log_evidence"], 0)
                        if rule == "prior":
                            self.assertEqual(fit["prior_precision"], 1)

    def test_vi_runs(self):
        result = self.run_shortly("vi")
        self.assertEqual((result["algorithm"], result["execution"]["mode"]), ("vi", "lanes"))

    def test_mc_dropout_runs(self):
        for masks in ("row", "draw"):
            result = self.run_shortly("mc_dropout", "--set", f"infer.masks={masks}", "--overwrite")
            self.assertEqual((result["algorithm"], result["particles"]), ("mc_dropout", 1))


if __name__ == "__main__":
    main()
