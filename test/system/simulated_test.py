#!/usr/bin/env python3
"""Runs on simulated accelerators: the CPU's bits, wherever particles are and
however often they move."""

import os
import re
import unittest
from unittest import mock

from harness import Story, hashes, main, read_json, write_small_run
from places import add_places, told

ROW_BYTES = 1024  # of a particle of the small run

PLACES = {
    "on_one_device": ['local.devices=["sim:0"]'],
    "on_two_devices": ['local.devices=["sim:0","sim:1"]'],
    "on_cpu_and_accelerator": ['local.devices=["cpu:0","sim:0"]'],
    "with_one_particle_resident": ['local.devices=["sim:0"]', "local.cache_size=1"],
    "with_two_particles_resident": ['local.devices=["sim:0"]', "local.cache_size=2"],
    "without_prefetch": [
        'local.devices=["sim:0"]',
        "local.cache_size=2",
        "local.prefetch=false",
    ],
    "on_two_lanes": ['local.devices=["sim:0"]', "local.lanes=2", "local.cache_size=2"],
}


def on_accelerators():
    """The program on a machine with two simulated accelerators, to which copies
    take longer than what computes there."""
    there = {
        "POSSE": os.environ["POSSE_SIMULATED"],
        "POSSE_SIM_COPY_BYTES_PER_SECOND": "1e7",
    }
    return mock.patch.dict(os.environ, there)


class OnAccelerators:
    """Mixed into a story for each algorithm."""

    algorithm = ""
    knobs = {}  # more keys of [infer]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not os.environ.get("POSSE_SIMULATED"):
            raise unittest.SkipTest("POSSE_SIMULATED is not set")
        cls.config = write_small_run(cls.folder, cls.algorithm, **cls.knobs)
        cls.plain = cls.train(cls.config, "plain")
        cls.enterClassContext(on_accelerators())

    def test_what_has_been_moved_is_counted(self):
        result = self.train(self.config, "counted", *told(PLACES["with_one_particle_resident"]))
        (cache,) = result["caches"]
        self.assertEqual((cache["device"], cache["capacity"]), ("sim:0", 1))
        self.assertGreater(cache["evictions"], 0)
        self.assertGreater(cache["bytes_moved"], 0)


add_places(OnAccelerators, PLACES)


class DeepEnsembleOnAccelerators(OnAccelerators, Story):
    algorithm = "deep_ensemble"


class RandomPriorsOnAccelerators(OnAccelerators, Story):
    algorithm = "deep_ensemble"
    knobs = {"random_prior": 3.0}


class McDropoutOnAccelerators(OnAccelerators, Story):
    algorithm = "mc_dropout"


class ThinnedNetworksOnAccelerators(OnAccelerators, Story):
    algorithm = "mc_dropout"
    knobs = {"masks": "draw"}


class SvgdOnAccelerators(OnAccelerators, Story):
    algorithm = "svgd"


class ShortOfMemory(Story):
    """A device that has room for all particles, but then not for a step."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not os.environ.get("POSSE_SIMULATED"):
            raise unittest.SkipTest("POSSE_SIMULATED is not set")
        cls.config = write_small_run(cls.folder, particles=16)
        cls.plain = cls.train(cls.config, "plain")
        cls.sets = told(['local.devices=["sim:0"]', "local.cache_size=16"])

    def with_memory(self, limit):
        there = {"POSSE": os.environ["POSSE_SIMULATED"], "POSSE_SIM_LIMIT_BYTES": str(limit)}
        self.enterContext(mock.patch.dict(os.environ, there))

    def test_the_run_gives_slots_up_and_the_plan_said_how_many(self):
        self.with_memory(16 * ROW_BYTES + 2048)
        plan = self.must("plan", self.config, *self.sets)
        said = re.search(
            r"^sim:0: 16 slots leave no memory to compute in: the largest cache_size "
            r"that fits is (\d+)$",
            plan,
            re.MULTILINE,
        )
        self.assertIsNotNone(said, plan)
        largest = int(said[1])
        done = self.posse("run", self.config, "--out", "tight", "--quiet", *self.sets)
        self.assertEqual(done.code, 0, done)
        result = read_json(self.folder / "tight/result.json")
        self.assertEqual(hashes(result), hashes(self.plain))
        (cache,) = result["caches"]
        self.assertGreater(cache["slots_given_up"], 0)
        self.assertEqual(cache["slots_given_up"] + cache["capacity"], 16)
        self.assertLessEqual(cache["capacity"], largest)
        self.assertEqual(
            done.err,
            f"warning: sim:0 of node local ran out of memory and gave up "
            f"{cache['slots_given_up']} of its 16 slots for particles; local.cache_size = "
            f"{cache['capacity']} takes no more than there is\n",
        )
        # What the plan said is exact: all of it fits, and one more does not.
        for size, gives_up in ((largest, False), (largest + 1, True)):
            out = f"with_{size}"
            sets = told(['local.devices=["sim:0"]', f"local.cache_size={size}"])
            done = self.posse("run", self.config, "--out", out, "--quiet", *sets)
            self.assertEqual((done.code, bool(done.err)), (0, gives_up), done)

    def test_no_room_for_one_particle_is_one_line(self):
        self.with_memory(ROW_BYTES + 512)
        sets = told(['local.devices=["sim:0"]', "local.cache_size=1"])
        self.refused(
            "plan",
            self.config,
            *sets,
            pattern=r"sim:0: what a particle computes with a batch of \d+ rows does not fit in "
            rf"the {ROW_BYTES + 512} bytes that are free: no cache_size leaves room$",
        )
        done = self.posse("run", self.config, "--out", "none", "--quiet", *sets)
        self.assertEqual(done.code, 3, done)
        self.assertRegex(
            done.err,
            r"\Aparticle \d+ on sim:0 of node local: step: sim:0: out of memory: asked for "
            rf"\d+ bytes with \d+ of {ROW_BYTES + 512} in use; it has as few slots as it can, "
            rf"1 of {ROW_BYTES} bytes: no cache_size leaves more room\n\Z",
        )


class WithoutAccelerators(Story):
    def test_they_are_refused(self):
        config = write_small_run(self.folder, "deep_ensemble")
        self.refused(
            "run",
            config,
            "--set",
            'local.devices=["sim:0"]',
            pattern=r"sim:0: simulated devices exist in tests only",
        )


if __name__ == "__main__":
    main()
