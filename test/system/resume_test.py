#!/usr/bin/env python3
"""A run is interrupted, or its process killed, and goes on later."""

import re
import shlex
import shutil
import signal

from harness import (
    Story,
    has_started,
    hashes,
    main,
    read_json,
    read_log,
    snapshot,
    write_small_run,
)

OFTEN = ["--set", "run.checkpoint_every=0.02"]


def trained(run):
    """Particle-steps of the last checkpoint that the log tells of; 0: none."""
    steps = [event["particle_steps"] for event in read_log(run) if event["event"] == "checkpoint"]
    return steps[-1] if steps else 0


def diagnostics(run):
    """What the log says of single steps, without the times at which it was written."""
    lines = [event for event in read_log(run) if event["event"] == "diagnostics"]
    return [{key: x for key, x in line.items() if key != "time"} for line in lines]


def diagnostics_lines(run):
    """The log's own text of them."""
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    return [line for line in lines if '"event":"diagnostics"' in line]


def learned(run):
    """Which steps of which particles the learning curves tell of."""
    rows = (run / "learning.csv").read_text(encoding="utf-8").splitlines()[1:]
    return [row.split(",")[:2] for row in rows]


class Resume:
    """Mixed into a story for each algorithm."""

    algorithm = ""
    knobs = {}  # more keys of [infer]
    steps = 0  # about half a second: no run ends before it is interrupted

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, cls.algorithm, steps=cls.steps, **cls.knobs)
        cls.unbroken = cls.train(cls.config, "unbroken")

    def stop(self, out, number, *args, when=trained):
        """Starts a run, signals it once `when(RUN_DIR)` holds. @returns Done."""
        process = self.start("run", self.config, "--out", out, "--quiet", *args)
        try:
            self.wait_until(process, "it could be stopped", lambda: when(self.folder / out))
            process.signal(number)
            return process.wait()
        finally:
            process.close()

    def assert_unbroken(self, out):
        result = read_json(self.folder / out / "result.json")
        self.assertEqual(hashes(result), hashes(self.unbroken))
        self.assertEqual(result["timing"]["particle_steps"], 3 * self.steps)
        self.assertEqual(result["metrics"], self.unbroken["metrics"])
        self.assertEqual(
            (self.folder / out / "predictions.csv").read_bytes(),
            (self.folder / "unbroken/predictions.csv").read_bytes(),
        )
        self.assertEqual(learned(self.folder / out), learned(self.folder / "unbroken"))

    def test_an_interrupted_run_says_how_to_go_on_and_that_works(self):
        done = self.stop("interrupted", signal.SIGINT, *OFTEN)
        self.assertEqual((done.code, done.out), (130, ""))
        message = re.fullmatch(
            rf"interrupted at step (\d+) of {self.steps}; resume with: posse (run .*--resume)\n",
            done.err,
        )
        self.assertIsNotNone(message, done.err)
        self.assertTrue(0 < int(message[1]) < self.steps, message[1])
        self.assertFalse((self.folder / "interrupted/result.json").exists())
        self.must(*shlex.split(message[2]), "--quiet")
        self.assert_unbroken("interrupted")

    def test_an_interrupt_writes_the_only_checkpoint(self):
        done = self.stop("early", signal.SIGINT, when=has_started)
        self.assertEqual(done.code, 130, done)
        manifest = read_json(self.folder / "early/checkpoint/manifest.json")
        self.assertLess(manifest["step"]["particle_steps"], 3 * self.steps)
        self.assertIs(manifest["step"]["finished"], False)
        self.train(self.config, "early", "--resume")
        self.assert_unbroken("early")

    def test_a_killed_run_goes_on_from_its_last_checkpoint(self):
        done = self.stop("killed", signal.SIGKILL, *OFTEN)
        self.assertEqual(done.code, -signal.SIGKILL)
        manifest = read_json(self.folder / "killed/checkpoint/manifest.json")
        self.assertTrue(0 < manifest["step"]["particle_steps"] < 3 * self.steps)
        self.train(self.config, "killed", "--resume")
        self.assert_unbroken("killed")

    def test_a_run_goes_on_in_another_place(self):
        self.stop("moving", signal.SIGINT, *OFTEN)
        self.train(
            self.config,
            "moving",
            *("--resume", "--set", 'local.devices=["cpu:0","cpu:1"]'),
            *("--set", "local.cache_size=1"),
        )
        self.assert_unbroken("moving")

    def test_a_finished_run_stays_as_it_is(self):
        shutil.copytree(self.folder / "unbroken", self.folder / "finished")
        self.train(self.config, "finished", "--resume")
        self.assert_unbroken("finished")


class DeepEnsembles(Resume, Story):
    algorithm = "deep_ensemble"
    steps = 8000

    def test_the_polite_signal_interrupts_as_well(self):
        done = self.stop("told", signal.SIGTERM, when=has_started)
        self.assertEqual(done.code, 130, done)
        self.assertRegex(done.err, "^interrupted at step ")

    def test_a_run_killed_before_its_first_checkpoint_starts_over(self):
        done = self.stop("lost", signal.SIGKILL, when=has_started)
        self.assertEqual(done.code, -signal.SIGKILL)
        self.refused(
            *("run", self.config, "--out", "lost", "--resume"),
            pattern=r"lost holds no checkpoint to resume.*--overwrite",
        )
        self.train(self.config, "lost", "--overwrite")
        self.assert_unbroken("lost")

    def test_two_processes_never_share_a_run(self):
        process = self.start("run", self.config, "--out", "shared", "--quiet")
        try:
            self.wait_until(process, "it started", lambda: has_started(self.folder / "shared"))
            done = self.posse("run", self.config, "--out", "shared", "--overwrite")
            self.assertEqual((done.code, done.out), (2, ""))
            self.assertRegex(done.err, rf"in use by another run.*{process.popen.pid}")
            self.assertEqual(process.wait().code, 0)
        finally:
            process.close()
        self.assert_unbroken("shared")

    def test_predictions_of_an_unfinished_run_come_with_a_warning(self):
        self.stop("half", signal.SIGINT, *OFTEN)
        done = self.posse("predict", "half", "--data", "data.csv")
        self.assertEqual(done.code, 0, done)
        self.assertRegex(done.err, "^warning: .*interrupted")
        self.assertTrue(done.out.startswith("row,target,mean,"))

    def test_another_config_is_refused_by_the_key_that_differs(self):
        before = snapshot(self.folder / "unbroken")
        for change in (
            "infer.learning_rate=0.5",
            "infer.particles=4",
            "infer.steps=50000",
            "model.hidden=[9]",
            "run.seed=9",
            "infer.algorithm=svgd",
            "infer.random_prior=1",
        ):
            key = change.split("=")[0]
            self.refused(
                *("run", self.config, "--out", "unbroken", "--resume", "--set", change),
                pattern=rf"^--set {key}: expected .* as in the saved run, got ",
            )
        self.assertEqual(snapshot(self.folder / "unbroken"), before)


class RandomPriors(Resume, Story):
    """A prior is drawn once; a resumed run has it from the checkpoint."""

    algorithm = "deep_ensemble"
    steps = 8000
    knobs = {"random_prior": 3.0}


class MultiSwag(Resume, Story):
    """Interrupted before and while iterates are taken in."""

    algorithm = "multi_swag"
    steps = 8000


class CyclicalSghmc(Resume, Story):
    """Interrupted in any of its cycles, with noise or without."""

    algorithm = "sghmc"
    steps = 8000
    knobs = {"schedule": "cyclical"}


class Hmc(Resume, Story):
    """Interrupted while its step size adapts, and afterwards."""

    algorithm = "hmc"
    steps = 400

    def assert_unbroken(self, out):
        super().assert_unbroken(out)
        sampler = read_json(self.folder / out / "result.json")["sampler"]
        self.assertEqual(len(sampler), len(self.unbroken["sampler"]))
        for chain, unbroken in zip(sampler, self.unbroken["sampler"]):
            for name, figure in unbroken.items():
                self.assertAlmostEqual(chain[name], figure, places=9)


class Laplace(Resume, Story):
    """Interrupted before it is fitted."""

    algorithm = "laplace"
    steps = 8000

    def assert_unbroken(self, out):
        super().assert_unbroken(out)
        result = read_json(self.folder / out / "result.json")
        self.assertEqual(result["laplace"], self.unbroken["laplace"])


class Vi(Resume, Story):
    algorithm = "vi"
    steps = 8000


class Svgd(Resume, Story):
    algorithm = "svgd"
    steps = 2000

    def assert_unbroken(self, out):
        super().assert_unbroken(out)
        self.assertEqual(diagnostics(self.folder / out), diagnostics(self.folder / "unbroken"))
        result = read_json(self.folder / out / "result.json")
        self.assertEqual(result["diagnostics"], self.unbroken["diagnostics"])

    def test_steps_that_a_resumed_run_repeats_stand_once_in_the_log(self):
        self.stop("twice", signal.SIGINT, *OFTEN)
        run = self.folder / "twice"
        # As a kill leaves it between the lines of a part and its checkpoint.
        begun = len(diagnostics_lines(run))
        lost = diagnostics_lines(self.folder / "unbroken")[begun : begun + 3]
        self.assertTrue(lost)
        with open(run / "log.jsonl", "a", encoding="utf-8") as log:
            log.writelines(lost)
        self.train(self.config, "twice", "--resume")
        self.assert_unbroken("twice")


class AnnealedSvgd(Svgd):
    """The weight of the scores and the logged steps follow from the step alone."""

    knobs = {"kernel": "linear", "annealing": "cyclical"}


if __name__ == "__main__":
    main()
