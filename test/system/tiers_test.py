#!/usr/bin/env python3
"""More particles than slots, and more than host memory: the same bits from disk,
within the budgets, and nothing left behind."""

import os
import time
import unittest
from pathlib import Path
from unittest import mock

from harness import DEADLINE_SECONDS, POLL_SECONDS, Story, hashes, main, write_small_run

ROW_BYTES = 1024  # of a particle of the small run


def limits(slots, host, disk, folder):
    """The settings for so many rows in each place."""
    return [
        word
        for setting in (
            f"local.cache_size={slots}",
            f"local.host_bytes={host * ROW_BYTES or 1}",
            f"local.disk_bytes={disk * ROW_BYTES}",
            f"local.disk_path={folder}",
        )
        for word in ("--set", setting)
    ]


class OnDisk:
    """Mixed into a story for each algorithm."""

    algorithm = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, cls.algorithm, particles=8)
        cls.plain = cls.train(cls.config, "plain")
        cls.spill = Path(cls.folder) / "spill"
        cls.spill.mkdir()

    def check(self, out, *args):
        result = self.train(self.config, out, *args)
        self.assertEqual(hashes(result), hashes(self.plain))
        self.assertGreater(sum(cache["disk_bytes_moved"] for cache in result["caches"]), 0)
        self.assertEqual(list(self.spill.iterdir()), [])

    def test_slots_host_memory_and_disk(self):
        self.check("all", *limits(2, 2, 4, self.spill))

    def test_no_host_memory_at_all(self):
        self.check("disk", *limits(1, 0, 7, self.spill))

    def test_lanes_and_policies(self):
        for policy in ("direct", "lru", "order"):
            with self.subTest(policy=policy):
                self.check(
                    policy,
                    *limits(2, 1, 7, self.spill),
                    "--set",
                    "local.lanes=2",
                    "--set",
                    f"local.cache_policy={policy}",
                )

    def test_on_an_accelerator(self):
        simulated = os.environ.get("POSSE_SIMULATED")
        if not simulated:
            raise unittest.SkipTest("POSSE_SIMULATED is not set")
        with mock.patch.dict(os.environ, {"POSSE": simulated}):
            self.check(
                "sim", *limits(2, 2, 4, self.spill), "--set", "local.devices=[\"sim:0\"]"
            )


class EnsembleOnDisk(OnDisk, Story):
    algorithm = "deep_ensemble"


class SvgdOnDisk(OnDisk, Story):
    algorithm = "svgd"


class ManyParticles(Story):
    def test_memory_keeps_to_the_budgets(self):
        """What 1000 particles of 112 KiB take beyond what 20 do: the room in slots
        and in host memory, and 20 KiB each for what is not their bytes (actor,
        generator, predictions). Without limits it is more."""
        config = write_small_run(self.folder, particles=20, steps=2)
        wide = ["--set", "model.hidden=[1000]", "--set", "local.cache_size=20"]
        room = ["--set", "local.host_bytes=10MiB", "--set", "local.disk_bytes=1GiB"]
        most = 10 * 2**20 + 1000 * 20 * 2**10
        few = self.peak(config, "few", *wide)
        many = ["--set", "infer.particles=1000"]
        self.assertLess(self.peak(config, "disk", *wide, *many, *room) - few, most)
        self.assertGreater(self.peak(config, "memory", *wide, *many) - few, most)

    def peak(self, config, out, *args):
        """Runs it. @returns the most memory that it had, in bytes."""
        process = self.start("run", config, "--out", out, "--quiet", *args)
        most = 0
        end = time.monotonic() + DEADLINE_SECONDS
        try:
            while not process.ended():
                most = max(most, peak_of(process.popen.pid))
                self.assertLess(time.monotonic(), end)
                time.sleep(POLL_SECONDS)
            self.assertEqual(process.wait().code, 0)
        finally:
            process.close()
        return most


def peak_of(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
