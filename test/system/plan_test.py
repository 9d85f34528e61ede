#!/usr/bin/env python3
"""What a run needs, and whether it fits, before it starts."""

import os
import re
import unittest
from unittest import mock

from harness import EXAMPLES, Story, main, snapshot, write_small_run

ROW_BYTES = 1024  # of the small run: parameters, two moments and the best so far


class Plan(Story):
    def setUp(self):
        self.config = write_small_run(self.folder)

    def plan(self, *args):
        return self.must("plan", self.config, *args)

    def table(self, *args):
        """The rows of the plan's table, as lists of words."""
        lines = self.plan(*args).splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("device "))
        rows = lines[first + 1 : lines.index("", first)]
        return [[word.strip() for word in row.split("  ") if word.strip()] for row in rows]

    def test_an_example_fits_and_nothing_is_written(self):
        before = snapshot(self.folder)
        text = self.must("plan", EXAMPLES / "energy.toml")
        self.assertIn("energy: deep_ensemble of 5 particles, 622 training rows", text)
        self.assertIn("mlp: 552 parameters; a particle takes 9.2 KiB: parameters", text)
        self.assertIn("It fits.", text)
        self.assertEqual(snapshot(self.folder), before)

    def test_particles_go_to_slots_then_host_memory_then_disk(self):
        self.assertIn(f"a particle takes {ROW_BYTES / 1024:.1f} KiB", self.plan())
        (row,) = self.table(
            "--set",
            "local.cache_size=1",
            "--set",
            f"local.host_bytes={ROW_BYTES}",
            "--set",
            f"local.disk_bytes={ROW_BYTES}",
        )
        self.assertEqual(row, ["cpu:0", "3", "1", "1.0 KiB", "1.0 KiB", "1.0 KiB"])

    def test_the_run_says_what_the_plan_said(self):
        sets = ["--set", "local.cache_size=1", "--set", f"local.host_bytes={ROW_BYTES}"]
        pattern = (
            rf"local.devices: .*a particle needs {ROW_BYTES} bytes; there are 1 "
            rf"slots, and host memory \(host_bytes = {ROW_BYTES}\) and disk \(disk_bytes = 0\) have "
            rf"room for 1 more particles"
        )
        self.refused("plan", self.config, *sets, pattern=pattern)
        self.refused("run", self.config, "--out", "none", *sets, pattern=pattern)
        advice = f"for 3 particles set disk_bytes to at least {ROW_BYTES}"
        self.refused("plan", self.config, *sets, pattern=advice)
        enough = ["--set", f"local.disk_bytes={ROW_BYTES}"]
        self.plan(*sets, *enough)
        self.must("run", self.config, "--out", "enough", *sets, *enough)

    def test_nodes_are_listed_by_name_with_their_particles(self):
        (self.folder / "nodes.toml").write_text(
            "".join(
                f'[[node]]\nname = "{name}"\nport = {port}\ncache_size = 2\nhost_bytes = 1\n'
                for name, port in (("a", 7101), ("b", 7102))
            ),
            encoding="utf-8",
        )
        rows = self.table("--cluster", "nodes.toml", "--set", "infer.particles=4")
        self.assertEqual([row[:3] for row in rows], [["a/cpu:0", "2", "2"], ["b/cpu:0", "2", "2"]])
        self.refused(
            "plan",
            self.config,
            "--cluster",
            "nodes.toml",
            "--set",
            "infer.particles=5",
            pattern="a/cpu:0: a particle needs",
        )

    def test_particles_are_counted_as_they_are_placed(self):
        two = ["--set", 'local.devices=["cpu:0","cpu:1"]', "--set", "local.cache_size=2"]
        tight = ["--set", "local.host_bytes=1"]
        for placement in ("pack", "round_robin"):
            rows = self.table(*two, *tight, "--set", f"run.placement={placement}")
            self.assertEqual([row[:2] for row in rows], [["cpu:0", "2"], ["cpu:1", "1"]])
        rows = self.table(
            *two,
            *tight,
            "--set",
            "infer.particles=2",
            "--set",
            "run.placement=explicit",
            "--set",
            'run.places=["cpu:1","cpu:1"]',
        )
        self.assertEqual([row[0] for row in rows], ["cpu:1"])

    def test_more_than_the_memory_that_is_there_is_refused(self):
        self.refused(
            "plan",
            self.config,
            "--set",
            "infer.particles=1000000",
            "--set",
            "model.hidden=[1000, 1000]",
            pattern="the particles need .*TiB of host memory, .* can be had",
        )

    def test_a_folder_that_is_none_is_refused(self):
        gone = ["--set", "local.disk_bytes=1MiB", "--set", "local.disk_path=gone"]
        for command in (["plan", self.config], ["run", self.config, "--out", "none"]):
            self.refused(
                *command,
                *gone,
                pattern="local.disk_path: expected a folder as disk_path, got .*gone, which is none",
            )

    def test_what_is_no_run_is_refused(self):
        self.refused("plan", "gone.toml", pattern="gone.toml")
        self.refused("plan", EXAMPLES / "cluster.toml", pattern="data.path")
        self.refused(
            "plan", self.config, "--set", "local.devices=[\"cuda:99\"]", pattern="local.devices"
        )

    def test_an_accelerator_says_the_largest_cache_that_fits(self):
        simulated = os.environ.get("POSSE_SIMULATED")
        if not simulated:
            raise unittest.SkipTest("POSSE_SIMULATED is not set")
        limit = {"POSSE": simulated, "POSSE_SIM_LIMIT_BYTES": str(8 * ROW_BYTES)}
        sets = ["--set", "local.devices=[\"sim:0\"]", "--set", "infer.particles=16"]
        with mock.patch.dict(os.environ, limit):
            pattern = (
                f"room for 9 particles needs {9 * ROW_BYTES} bytes, {ROW_BYTES} each; the "
                f"largest cache_size that fits is 8, with {8 * ROW_BYTES} bytes"
            )
            nine = ["--set", "local.cache_size=9"]
            self.refused("plan", self.config, *sets, *nine, pattern=pattern)
            self.refused("run", self.config, "--out", "none", *sets, *nine, pattern=pattern)
            # Eight would leave nothing to compute in.
            text = self.plan(*sets, "--set", "local.cache_size=8")
            largest = int(re.search(r"the largest cache_size that fits is (\d+)", text)[1])
            self.assertNotIn("largest", self.plan(*sets, "--set", f"local.cache_size={largest}"))


if __name__ == "__main__":
    main()
