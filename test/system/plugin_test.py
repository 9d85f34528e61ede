#!/usr/bin/env python3
"""A user's code: posse is installed, the example project is built against it, and its
plugin and its own program train the same particles.

POSSE_BUILD is the folder in which posse was built; without it these tests are skipped.
They compile, which takes a minute on a small machine.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from cluster_story import ClusterStory
from daemons import Daemons
from harness import Story, main, read_json, write_config, write_small_run

BUILD_SECONDS = 400
STEPS = "infer.steps=120"
PLUGIN = "libgossip.so"


def tool_path():
    """PATH with the folder of the Python that runs posse's tools, which has Meson."""
    python = os.environ.get("POSSE_PYTHON", sys.executable)
    return os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])


def run_tool(*args, cwd, env=None):
    """Runs a tool of the build to its end, which has to be a good one."""
    done = subprocess.run(
        [str(arg) for arg in args],
        cwd=cwd,
        env={**os.environ, "PATH": tool_path(), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: {done.returncode}\n{done.stdout}")
    return done.stdout


def compile_library(folder, name, source):
    """@returns the path of a shared library that posse knows nothing of."""
    (folder / f"{name}.c").write_text(source, encoding="utf-8")
    run_tool("cc", "-shared", "-fPIC", "-o", f"{name}.so", f"{name}.c", cwd=folder)
    return folder / f"{name}.so"


class RefusedPlugins(Story):
    """What is wrong with a plugin is one line, and nothing of it has run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_small_run(cls.folder)
        text = (cls.folder / "small.toml").read_text(encoding="utf-8")
        (cls.folder / "one.toml").write_text(f'plugins = ["mine.so"]\n{text}', encoding="utf-8")
        cls.path = cls.folder / "mine.so"

    def tearDown(self):
        self.path.unlink(missing_ok=True)

    def refused_everywhere(self, pattern):
        whole = rf"^one\.toml:1: plugins\[0\]: {pattern}$"
        for command in (("config", "validate"), ("config", "print"), ("run",)):
            self.refused(*command, "one.toml", pattern=whole)

    def test_a_missing_file(self):
        self.refused_everywhere(
            rf"expected a shared library, got {self.path}, which is not there"
        )

    def test_a_text(self):
        self.path.write_text("plugins are libraries\n", encoding="utf-8")
        self.refused_everywhere(rf"expected a shared library, got {self.path}, which is none")

    def test_a_library_that_is_no_plugin(self):
        made = compile_library(self.folder, "plain", "int one(void) { return 1; }\n")
        made.rename(self.path)
        self.refused_everywhere(rf"expected a plugin, got {self.path}, which has no POSSE_PLUGIN")

    def test_a_plugin_of_another_build_does_not_run(self):
        made = compile_library(
            self.folder,
            "old",
            'const char posse_plugin_abi[] = "posse 0.0.1 (headers 0)";\n'
            "#include <stdio.h>\n"
            '__attribute__((constructor)) void run(void) { fclose(fopen("ran", "w")); }\n',
        )
        made.rename(self.path)
        number = self.posse("--version").out.strip()
        self.refused_everywhere(
            rf"expected a plugin for posse {number} \(headers \w{{12}}\), LibTorch .*, CAF .*"
            r", got one for posse 0\.0\.1 \(headers 0\)"
        )

    def test_set_names_plugins_too(self):
        self.refused(
            *("config", "validate", "small.toml", "--set", 'plugins=["none.so"]'),
            pattern=r"^--set plugins\[0\]: expected a shared library, got .*, which is not there$",
        )


class InstalledPosse(ClusterStory):
    """Everything here is of the installed files: the program, the example, its data."""

    takes_long = True  # it compiles

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        build = os.environ.get("POSSE_BUILD")
        if not build:
            raise unittest.SkipTest("POSSE_BUILD is not set: where posse was built")
        place = cls.own_place(Path(build) / "installed_posse")
        root = place / "root"
        run_tool("meson", "install", "--no-rebuild", "--destdir", root, cwd=build)
        (cls.pc,) = root.rglob("posse.pc")
        (installed,) = root.rglob("bin/posse")
        replaced = mock.patch.dict(os.environ, {"POSSE": str(installed)})
        replaced.start()
        cls.addClassCleanup(replaced.stop)
        (examples,) = root.rglob("share/posse/examples")
        cls.project = place / "examples/plugin"
        shutil.copytree(examples, cls.project.parent)
        env = {"PKG_CONFIG_PATH": str(cls.pc.parent)}
        # As its user would, but for what takes the compiler longest.
        run_tool("meson", "setup", "-Doptimization=0", "build", cwd=cls.project, env=env)
        run_tool("meson", "compile", "-C", "build", cwd=cls.project)
        cls.config = cls.project / "gossip.toml"
        # Not by a timing, which may come out either way.
        text = cls.config.read_text()
        cls.config.write_text(text.replace("[run]", '[run]\nfuse = "off"', 1))
        cls.alone = cls.train(cls.config, "alone", "--set", STEPS, "--set", "local.lanes=1")

    @classmethod
    def own_place(cls, place):
        """An empty folder at `place`, of one process at a time: where the paths of the
        headers are those of the last time, ccache knows what comes of them."""
        lock = place.with_suffix(".lock").open("w", encoding="utf-8")
        cls.addClassCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        cls.addClassCleanup(shutil.rmtree, place)
        return place

    def test_particles_have_exchanged_their_weights(self):
        """Both are the mean of both, which nobody becomes alone."""
        self.assertEqual(self.alone["algorithm"], "gossip")
        self.assertEqual(self.alone["timing"]["particle_steps"], 2 * 120)
        first, second = (
            (self.folder / "alone/checkpoint" / f"particle-0000{pid}.safetensors").read_bytes()
            for pid in range(2)
        )
        self.assertEqual(*(each["metrics"] for each in self.alone["members"]))
        self.assertNotEqual(first, second)  # their moments are their own
        apart = self.train(
            self.config, "apart", "--set", STEPS, "--set", "infer.algorithm=deep_ensemble"
        )
        self.assertNotEqual(*(each["metrics"] for each in apart["members"]))

    def test_bits_do_not_depend_on_lanes(self):
        two = self.train(self.config, "two", "--set", STEPS, "--set", "local.lanes=2")
        self.assertEqual(two["parameters_sha256"], self.alone["parameters_sha256"])
        self.assertEqual(two["state_sha256"], self.alone["state_sha256"])

    def test_its_network_computes_in_groups(self):
        fused = self.train(
            *(self.config, "fused", "--set", STEPS),
            *("--set", "run.fuse=on", "--set", "local.lanes=1"),
        )
        self.assertEqual(fused["execution"]["mode"], "fused")
        self.assertNotEqual(fused["parameters_sha256"], self.alone["parameters_sha256"])
        for name, alone in self.alone["metrics"]["test"].items():
            # Roundings of float, after 120 steps.
            self.assertAlmostEqual(fused["metrics"]["test"][name], alone, delta=1e-3)

    def test_a_program_of_ones_own_trains_the_same_particles(self):
        said = run_tool(
            self.project / "build/own_main", self.config, STEPS, cwd=self.folder
        ).splitlines()
        self.assertRegex(said[0], r"^trained .*\"finished\": true")
        self.assertEqual(
            said[1:], [f"parameters_sha256 {self.alone['parameters_sha256']}", "equal yes"]
        )

    def test_names_of_the_plugin_are_hinted_at(self):
        self.refused(
            *("config", "validate", self.config, "--set", "infer.loss=crsp"),
            pattern=r'^--set infer\.loss: expected .*crps.*, got "crsp"; did you mean "crps"\?$',
        )
        printed = self.must("config", "print", self.config)
        self.assertIn(f'plugins = ["{self.project}/build/{PLUGIN}"]', printed)

    def test_predict_finds_the_plugin_by_the_run(self):
        rows = (self.project.parent / "data/energy.csv").read_text(encoding="utf-8")
        (self.folder / "new.csv").write_text("\n".join(rows.splitlines()[:4]), encoding="utf-8")
        predicted = self.must("predict", "alone", "--data", "new.csv").splitlines()
        self.assertEqual(len(predicted), 4)

    def test_a_finished_run_is_resumed_with_its_plugin(self):
        again = self.train(
            self.config, "alone", "--set", STEPS, "--set", "local.lanes=2", "--resume"
        )
        self.assertEqual(again["state_sha256"], self.alone["state_sha256"])

    def test_a_run_goes_on_with_the_plugins_it_had(self):
        other = self.folder / "other.so"
        shutil.copy(self.project / "build" / PLUGIN, other)
        self.addCleanup(other.unlink)
        self.refused(
            *("run", self.config, "--out", "alone", "--resume", "--set", STEPS),
            *("--set", f'plugins=["{other}"]'),
            pattern=rf'^--set plugins: expected \["{self.project}/build/{PLUGIN}"\] as in the '
            rf'saved run, got \["{other}"\]$',
        )

    def test_nodes_load_the_plugin(self):
        with Daemons(2) as nodes:
            result = self.train_on(nodes, self.config, "nodes", "--set", STEPS)
        self.assertEqual(result["parameters_sha256"], self.alone["parameters_sha256"])

    def test_a_node_that_has_another_plugin_or_none_is_named(self):
        """By a path that is another file to every process."""
        made = self.project / "build" / PLUGIN
        here = self.folder / PLUGIN
        shutil.copy(made, here)
        self.addCleanup(here.unlink)
        sets = ("--set", f'plugins=["/proc/self/cwd/{PLUGIN}"]', "--set", STEPS)
        with Daemons(2) as nodes:
            shutil.copy(made, nodes.folder / "a")
            own = nodes.folder / "b" / PLUGIN
            run = ("run", self.config, "--cluster", nodes.config, "--out", "none", *sets)
            self.refused(
                *run,
                pattern=rf"^node b: plugins\[0\]: expected a shared library, got /proc/self/cwd/"
                rf"{PLUGIN}, which is not there$",
            )
            own.write_bytes(made.read_bytes() + b"\n")
            self.refused(
                *run,
                pattern=r"^node b: plugins\[0\]: expected the driver's file \(sha256 \w{64}\), "
                rf"got another \(\w{{64}}\) in /proc/self/cwd/{PLUGIN}$",
            )
            shutil.copy(made, own)
            self.assertEqual(
                self.train_on(nodes, self.config, "same", *sets)["parameters_sha256"],
                self.alone["parameters_sha256"],
            )
            # All have another build of it, but the nodes have loaded the first.
            for folder in (self.folder, *(nodes.folder / name for name in nodes.names)):
                (folder / PLUGIN).unlink()
                (folder / PLUGIN).write_bytes(made.read_bytes() + b"\n")
            self.refused(
                *run,
                pattern=r'^node a: plugins\[0\]: expected one plugin "gossip", got another than '
                rf"/proc/self/cwd/{PLUGIN}, which this process keeps until it ends$",
            )
            for name in nodes.names:
                (nodes.folder / name / PLUGIN).unlink()


if __name__ == "__main__":
    main()
