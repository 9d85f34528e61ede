#!/usr/bin/env python3
"""Runs on simulated accelerators: the CPU's bits, wherever particles are and
however often they move."""

import os
import unittest
from unittest import mock

from harness import Story, main, write_small_run
from places import add_places, told

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

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not os.environ.get("POSSE_SIMULATED"):
            raise unittest.SkipTest("POSSE_SIMULATED is not set")
        cls.config = write_small_run(cls.folder, cls.algorithm)
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


class SvgdOnAccelerators(OnAccelerators, Story):
    algorithm = "svgd"


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
