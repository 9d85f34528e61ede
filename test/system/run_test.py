#!/usr/bin/env python3
"""A user trains a small model: what appears on the screen and in RUN_DIR."""

import json
import math
import os
import pty
import re
import threading
from statistics import fmean

from harness import (
    Story,
    hashes,
    main,
    read_json,
    read_log,
    read_table,
    snapshot,
    write_config,
    write_small_run,
    write_table,
)

RESULT_KEYS = {
    "": "schema version name algorithm particles seed data metrics members diversity "
    "calibrated timing execution caches cluster parameters_sha256 state_sha256",
    "data": "train_rows test_rows",
    "timing": "wall_seconds train_seconds particle_steps us_per_particle_step",
    "execution": "mode lanes",
    "cluster": "nodes devices lost_nodes recovered_particles",
}
CACHE_KEYS = "node device capacity hits misses evictions bytes_moved stall_seconds disk_bytes_moved slots_given_up"
METRICS = "rmse nll nll_moment crps coverage_90".split()
PREDICTION_COLUMNS = "row target mean std aleatoric_std epistemic_std q05 q50 q95".split()
COMMANDS = ["", "run", "predict", "report", "config", "config validate", "config print"]


def posse_on_a_terminal(story, *args):
    """Runs posse with a terminal as stderr. @returns (stdout, stderr)."""
    ours, theirs = pty.openpty()
    process = story.start(*args, stderr=theirs)
    os.close(theirs)
    shown = bytearray()

    def read():
        try:
            while data := os.read(ours, 4096):
                shown.extend(data)
        except OSError:  # Linux: the other end was closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = process.wait()
    finally:
        process.close()
        reader.join()
        os.close(ours)
    story.assertEqual(done.code, 0, bytes(shown[-200:]))
    return done.out, shown.decode("utf-8")


class ASmallRun(Story):
    as_users_do = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)
        cls.out = cls.must("run", cls.config, "--out", "small")
        cls.run_dir = cls.folder / "small"
        cls.result = read_json(cls.run_dir / "result.json")
        cls.table = read_table(cls.run_dir / "predictions.csv")

    def test_leaves_exactly_the_files_that_are_promised(self):
        self.assertEqual(
            list(snapshot(self.run_dir)),
            [
                "checkpoint",
                "checkpoint/manifest.json",
                "checkpoint/particle-00000.safetensors",
                "checkpoint/particle-00001.safetensors",
                "checkpoint/particle-00002.safetensors",
                "config.toml",
                "learning.csv",
                "log.jsonl",
                "predictions.csv",
                "result.json",
            ],
        )

    def test_the_result_has_the_promised_keys_in_their_order(self):
        for key, names in RESULT_KEYS.items():
            part = self.result[key] if key else self.result
            self.assertEqual(list(part), names.split(), key)
        self.assertEqual(list(self.result["metrics"]), ["test"])
        self.assertEqual(list(self.result["caches"][0]), CACHE_KEYS.split())
        self.assertEqual(list(self.result["metrics"]["test"])[: len(METRICS)], METRICS)
        for pid, member in enumerate(self.result["members"]):
            self.assertEqual(list(member), ["pid", "status", "metrics"])
            self.assertEqual((member["pid"], member["status"]), (pid, "ok"))
            self.assertEqual(list(member["metrics"])[:2], METRICS[:2])

    def test_the_result_says_what_was_run(self):
        said = {k: self.result[k] for k in ("schema", "name", "algorithm", "particles", "seed")}
        self.assertEqual(
            said,
            {
                "schema": 1,
                "name": "small",
                "algorithm": "deep_ensemble",
                "particles": 3,
                "seed": 3,
            },
        )
        self.assertEqual(self.result["data"], {"train_rows": 48, "test_rows": 12})
        self.assertEqual(len(self.result["members"]), 3)
        self.assertEqual(self.result["timing"]["particle_steps"], 3 * 40)
        self.assertEqual([c["device"] for c in self.result["caches"]], ["cpu:0"])
        self.assertEqual(self.result["cluster"]["devices"], 1)
        for name in ("parameters_sha256", "state_sha256"):
            self.assertRegex(self.result[name], r"^[0-9a-f]{64}$")
        self.assertNotEqual(*hashes(self.result))

    def test_times_are_positive_and_agree(self):
        timing = self.result["timing"]
        self.assertGreater(timing["train_seconds"], 0)
        self.assertGreaterEqual(timing["wall_seconds"], timing["train_seconds"])
        self.assertAlmostEqual(
            timing["us_per_particle_step"],
            timing["train_seconds"] * 1e6 / timing["particle_steps"],
            places=6,
        )

    def test_predictions_are_of_the_test_rows_in_original_units(self):
        self.assertEqual(list(self.table), PREDICTION_COLUMNS)
        rows = [int(row) for row in self.table["row"]]
        self.assertEqual(len(set(rows)), 12)
        data = read_table(self.folder / "data.csv")
        self.assertEqual(self.table["target"], [data["y"][row] for row in rows])
        for mean in self.table["mean"]:
            self.assertTrue(0 < mean < 40, mean)

    def test_quantiles_rise_and_variances_add_up(self):
        t = self.table
        for i in range(12):
            self.assertLess(t["q05"][i], t["q50"][i])
            self.assertLess(t["q50"][i], t["q95"][i])
            parts = math.hypot(t["aleatoric_std"][i], t["epistemic_std"][i])
            self.assertAlmostEqual(t["std"][i], parts, places=9)
            self.assertGreater(t["epistemic_std"][i], 0)

    def test_metrics_follow_from_the_predictions(self):
        t, metrics = self.table, self.result["metrics"]["test"]
        errors = [y - m for y, m in zip(t["target"], t["mean"])]
        self.assertAlmostEqual(metrics["rmse"], math.sqrt(fmean(e * e for e in errors)), places=9)
        # Of one Gaussian with the mixture's mean and variance.
        moment = fmean(
            0.5 * (math.log(2 * math.pi * s * s) + e * e / (s * s))
            for e, s in zip(errors, t["std"])
        )
        self.assertAlmostEqual(metrics["nll_moment"], moment, places=9)
        covered = fmean(lo <= y <= hi for lo, y, hi in zip(t["q05"], t["target"], t["q95"]))
        self.assertAlmostEqual(metrics["coverage_90"], covered, places=9)

    def test_particles_from_unlike_starts_are_diverse(self):
        diversity = self.result["diversity"]
        self.assertEqual(
            list(diversity), ["spread", "pairwise_kl", "epistemic_ratio", "collapsed"]
        )
        self.assertIs(diversity["collapsed"], False)
        t = self.table
        # Of three particles with one network each, the spread is epistemic.
        spread = math.sqrt(fmean(e * e for e in t["epistemic_std"]))
        self.assertAlmostEqual(diversity["spread"], spread, places=9)
        ratio = fmean(e / s for e, s in zip(t["epistemic_std"], t["std"]))
        self.assertAlmostEqual(diversity["epistemic_ratio"], ratio, places=9)
        self.assertGreater(diversity["pairwise_kl"], 1e-3)
        self.assertNotIn("collapsed", (self.run_dir / "log.jsonl").read_text(encoding="utf-8"))

    def test_five_validation_rows_bound_no_interval(self):
        calibrated = self.result["calibrated"]
        self.assertEqual(calibrated["validation_rows"], 5)
        self.assertEqual(calibrated["conformal"], {"coverage_90": 1, "width_90": None})
        self.assertRegex(self.out, r"calibrated on 5 validation rows: .*; 90 % intervals take 9\n")

    def test_the_log_is_json_lines_from_start_to_finish(self):
        text = (self.run_dir / "log.jsonl").read_text(encoding="utf-8")
        self.assertTrue(text.endswith("\n"))
        events = read_log(self.run_dir)
        for event in events:
            self.assertEqual(list(event)[:3], ["time", "level", "event"])
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(events[0]["event"], "start")
        self.assertEqual(events[-1]["event"], "finished")

    def test_results_go_to_stdout_as_a_table(self):
        self.assertRegex(self.out, r"RMSE +NLL")
        rmse = self.result["metrics"]["test"]["rmse"]
        self.assertRegex(self.out, rf"(?m)^ensemble +{rmse:.4f} ")
        self.assertEqual(len(re.findall(r"(?m)^particle \d ", self.out)), 3)
        for name in ("predictions.csv", "checkpoint"):
            self.assertIn(str(self.run_dir / name), self.out)

    def test_the_resolved_config_is_complete_and_prints_as_itself(self):
        text = (self.run_dir / "config.toml").read_text(encoding="utf-8")
        self.assertEqual(self.must("config", "print", "small/config.toml"), text)

    def test_the_resolved_config_gives_the_same_bits_again(self):
        again = self.train("small/config.toml", "again")
        self.assertEqual(hashes(again), hashes(self.result))
        self.assertEqual(
            (self.folder / "again/predictions.csv").read_bytes(),
            (self.run_dir / "predictions.csv").read_bytes(),
        )

    def test_another_seed_gives_other_bits(self):
        other = self.train(self.config, "other", "--set", "run.seed=4")
        self.assertNotEqual(other["parameters_sha256"], self.result["parameters_sha256"])

    def test_json_prints_the_result(self):
        out = self.must("run", self.config, "--out", "json", "--json", "--quiet")
        self.assertEqual(json.loads(out), read_json(self.folder / "json/result.json"))

    def test_a_folder_in_use_is_refused_and_overwritten_only_on_demand(self):
        self.refused(
            "run", self.config, "--out", "small", pattern=r"small .*--overwrite or --resume"
        )
        first = self.train(self.config, "twice", "--set", "infer.steps=20")
        second = self.train(self.config, "twice", "--overwrite")
        self.assertNotEqual(hashes(first), hashes(second))
        self.assertEqual(hashes(second), hashes(self.result))
        self.assertEqual(list(snapshot(self.folder / "twice")), list(snapshot(self.run_dir)))


class OtherWishes(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)

    def test_progress_goes_to_the_terminal_and_results_do_not(self):
        # Long enough for a bar, which comes after a tenth of a second.
        out, shown = posse_on_a_terminal(
            self, "run", self.config, "--out", "bar", "--set", "infer.steps=6000"
        )
        self.assertRegex(shown, r"\d+ of 6000 steps")
        self.assertNotIn("RMSE", shown)
        self.assertNotIn("of 6000 steps", out)
        self.assertIn("RMSE", out)

    def test_quiet_shows_no_progress(self):
        out, shown = posse_on_a_terminal(
            self, "run", self.config, "--out", "quiet", "--quiet", "--set", "infer.steps=6000"
        )
        self.assertEqual(shown, "")
        self.assertIn("RMSE", out)

    def test_two_keys_alone_make_a_run_beside_its_config(self):
        (self.folder / "elsewhere").mkdir()
        write_config(
            self.folder / "elsewhere/two.toml",
            data={"path": "../data.csv"},
            infer={"algorithm": "svgd"},
        )
        self.must("run", "elsewhere/two.toml", "--set", "infer.steps=30")
        result = read_json(self.folder / "elsewhere/runs/run/result.json")
        self.assertEqual((result["algorithm"], result["particles"]), ("svgd", 8))

    def test_svgd_logs_what_its_particles_are_like(self):
        config = write_small_run(self.folder, "svgd", "svgd", steps=60, annealing="linear")
        result = self.train(config, "svgd")
        lines = [x for x in read_log(self.folder / "svgd") if x["event"] == "diagnostics"]
        self.assertEqual([line["step"] for line in lines], [25, 50, 60])
        self.assertEqual([line["gamma"] for line in lines], [25 / 48, 1, 1])
        for line in lines:
            for key in ("bandwidth", "mean_distance", "ksd_squared", "max_direction"):
                self.assertGreater(line[key], 0, key)
            self.assertIs(line["collapsed"], False)
            self.assertIn("loss", line)
        self.assertEqual(result["diagnostics"], {k: lines[-1][k] for k in result["diagnostics"]})
        self.assertIn("ksd_squared", result["diagnostics"])
        linear = self.train(config, "linear", "--set", "infer.kernel=linear")
        self.assertNotIn("bandwidth", linear["diagnostics"])
        self.assertGreater(linear["diagnostics"]["ksd_squared"], 0)

    def test_paths_of_set_are_relative_to_the_working_directory(self):
        (self.folder / "there").mkdir()
        write_config(
            self.folder / "there/run.toml",
            data={"path": "no-such.csv"},
            infer={"algorithm": "deep_ensemble"},
        )
        result = self.train(
            "there/run.toml", "here", "--set", "data.path=data.csv", "--set", "infer.steps=20"
        )
        self.assertEqual(result["data"]["train_rows"] + result["data"]["test_rows"], 60)

    def test_constant_columns_do_no_harm(self):
        rows = [[5, i % 7, 3] for i in range(40)]
        write_table(self.folder / "constant.csv", ["always", "x", "y"], rows)
        self.train(self.config, "constant", "--set", "data.path=constant.csv")
        table = read_table(self.folder / "constant/predictions.csv")
        for column in table.values():
            self.assertTrue(all(map(math.isfinite, column)))
        for mean in table["mean"]:
            self.assertAlmostEqual(mean, 3, delta=3)

    def test_a_point_head_has_no_density(self):
        result = self.train(self.config, "point", "--set", "model.head=point")
        self.assertNotIn("nll", result["metrics"]["test"])
        self.assertIn("rmse", result["metrics"]["test"])
        table = read_table(self.folder / "point/predictions.csv")
        self.assertEqual(list(table)[:4], PREDICTION_COLUMNS[:4])
        self.assertEqual(table["std"], table["epistemic_std"])
        self.assertEqual(list(result["calibrated"]), ["validation_rows", "conformal"])

    def test_a_factor_scales_the_deviations_of_the_test_rows(self):
        out = self.must("run", self.config, "--out", "scaled", "--set", "infer.particles=1")
        result = read_json(self.folder / "scaled/result.json")
        calibrated, metrics = result["calibrated"], result["metrics"]["test"]
        self.assertEqual(
            list(calibrated),
            ["validation_rows", "deviation_scale", "before", "after", "conformal"],
        )
        scores = ["nll", "crps", "coverage_90", "sharpness_90", "interval_score_90"]
        for name in ("before", "after"):
            self.assertEqual(list(calibrated[name]), scores)
        for name, score in calibrated["before"].items():
            self.assertEqual(score, metrics[name], name)
        factor, after = calibrated["deviation_scale"], calibrated["after"]
        self.assertTrue(0.01 <= factor <= 100)
        # One network's Gaussian, its deviations times the factor.
        t = read_table(self.folder / "scaled/predictions.csv")
        rows = [(y - m, factor * s) for y, m, s in zip(t["target"], t["mean"], t["std"])]
        nll = fmean(0.5 * math.log(2 * math.pi * s * s) + e * e / (2 * s * s) for e, s in rows)
        self.assertAlmostEqual(after["nll"], nll, places=9)
        self.assertAlmostEqual(
            after["sharpness_90"], factor * metrics["sharpness_90"], delta=1e-9 * factor
        )
        self.assertIn(f"NLL {after['nll']:.4f} with deviations times {factor:.3f}; 90 %", out)

    def test_conformal_intervals_are_multiples_of_the_deviation(self):
        out = self.must(
            "run", self.config, "--out", "wide", "--set", "infer.validation_fraction=0.3"
        )
        calibrated = read_json(self.folder / "wide/result.json")["calibrated"]
        self.assertEqual(calibrated["validation_rows"], 14)
        width, covered = calibrated["conformal"]["width_90"], calibrated["conformal"]["coverage_90"]
        self.assertIn(f"; 90 % intervals cover {covered:.4f}, {width:.4g} wide\n", out)
        t = read_table(self.folder / "wide/predictions.csv")
        q = width / (2 * fmean(t["std"]))
        scores = [abs(y - m) / s for y, m, s in zip(t["target"], t["mean"], t["std"])]
        self.assertAlmostEqual(covered, fmean(score <= q for score in scores), places=9)

    def test_no_validation_rows_calibrate_nothing(self):
        out = self.must("run", self.config, "--out", "none", "--set", "infer.validation_fraction=0")
        self.assertNotIn("calibrated", read_json(self.folder / "none/result.json"))
        self.assertNotIn("calibrated", out)

    def test_one_particle_has_no_diversity(self):
        result = self.train(self.config, "one", "--set", "infer.particles=1")
        self.assertNotIn("diversity", result)

    def test_particles_that_all_predict_the_same_are_called_collapsed(self):
        # A prior this narrow leaves no weight: every network is the same constant.
        done = self.posse(
            *("run", self.config, "--out", "alike", "--quiet"),
            *("--set", "prior.std=1e-3", "--set", "infer.steps=3000"),
            *("--set", "infer.validation_fraction=0"),
        )
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.err, r"^warning: the particles collapsed: all 3 predict the same")
        diversity = read_json(self.folder / "alike/result.json")["diversity"]
        self.assertIs(diversity["collapsed"], True)
        self.assertLess(diversity["pairwise_kl"], 1e-6)
        (event,) = [e for e in read_log(self.folder / "alike") if e["event"] == "alike"]
        self.assertEqual(event["level"], "warning")

    def test_epochs_count_passes_over_the_training_rows(self):
        write_config(
            self.folder / "epochs.toml",
            data={"path": "data.csv", "test_fraction": 0.2},
            model={"hidden": [8]},
            infer={
                "algorithm": "deep_ensemble",
                "particles": 2,
                "epochs": 4,
                "batch": 16,
                "validation_fraction": 0,
            },
        )
        result = self.train("epochs.toml", "epochs")
        # 48 training rows without validation, 16 a step: 3 steps an epoch.
        self.assertEqual(result["timing"]["particle_steps"], 2 * 4 * 3)

    def test_every_command_has_help_with_an_example(self):
        for command in COMMANDS:
            out = self.must(*command.split(), "--help")
            self.assertIn("Example:", out, command)

    def test_the_version_is_the_results(self):
        version = self.must("--version").strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.train(self.config, "version")["version"], version)


if __name__ == "__main__":
    main()
