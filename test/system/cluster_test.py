#!/usr/bin/env python3
"""Runs on node daemons: the same bits, and what becomes of a run when a node, a
driver or the data is not what it should be."""

import re
import shutil
import signal
import time

from cluster_story import LONG, LOST_SECONDS, WATCHFUL, ClusterStory
from daemons import Daemons
from harness import (
    EXAMPLES,
    Story,
    has_started,
    hashes,
    main,
    write_config,
    write_small_run,
)


class SameBitsOnNodes:
    """Mixed into a story for each run, on all or some of three nodes."""

    args = ()
    longer = "infer.steps=1500"  # lest a run ends before it is interrupted

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = cls.find_config()
        cls.alone = cls.train(cls.config, "alone", *cls.args)
        cls.nodes = cls.enterClassContext(Daemons(3))

    def on(self, count):
        """Arguments of a run on the first so many nodes."""
        return ("--cluster", self.nodes.config, "--set", f"run.nodes={self.nodes.names[:count]}")

    def test_as_on_the_embedded_node(self):
        for count in (1, 2, 3):
            with self.subTest(nodes=count):
                result = self.train(self.config, f"on_{count}", *self.args, *self.on(count))
                self.assertEqual(hashes(result), hashes(self.alone))
                self.assertEqual(result["cluster"]["nodes"], count)
                self.assertEqual(
                    [cache["node"] for cache in result["caches"]],
                    self.nodes.names[:count],
                    result["caches"],
                )

    def test_interrupted_on_two_and_resumed_on_three(self):
        out = "moved"
        args = (*self.args, "--set", self.longer)
        run = ("run", self.config, "--out", out, *args)
        self.must("run", self.config, "--out", "whole", "--quiet", *args)
        started = self.start(*run, *self.on(2))
        try:
            self.wait_until(started, "training", lambda: has_started(self.folder / out))
            started.signal(signal.SIGINT)
            done = started.wait()
        finally:
            started.close()
        self.assertEqual(done.code, 130, done)
        self.must(*run, *self.on(3), "--resume", "--quiet")
        self.assertEqual(self.hashes_of(out), self.hashes_of("whole"))

    def hashes_of(self, out):
        text = (self.folder / out / "result.json").read_text()
        return re.findall(r'"(?:parameters|state)_sha256": "(\w+)"', text)


class DeepEnsemblesOnNodes(SameBitsOnNodes, Story):
    longer = "infer.steps=10000"

    @classmethod
    def find_config(cls):
        return write_small_run(cls.folder, "deep_ensemble")


class SvgdOnNodes(SameBitsOnNodes, Story):
    @classmethod
    def find_config(cls):
        return write_small_run(cls.folder, "svgd")


class EnergyOnNodes(SameBitsOnNodes, Story):
    args = ("--set", "run.fuse=off")
    longer = "infer.steps=8000"

    @classmethod
    def find_config(cls):
        return EXAMPLES / "energy.toml"


class EnergyBySvgdOnNodes(SameBitsOnNodes, Story):
    args = ("--set", "run.fuse=off", "--set", "infer.steps=600")
    longer = "infer.steps=800"

    @classmethod
    def find_config(cls):
        return EXAMPLES / "svgd.toml"


class SvgdThatNodesShare(ClusterStory):
    def test_has_the_bits_of_the_embedded_node(self):
        config = write_small_run(self.folder, "svgd", steps=5)
        # More than 1 MiB of rows: every node takes some columns of all particles.
        large = ("--set", "model.hidden=[256, 256]", "--set", "infer.particles=5")
        alone = self.train(config, "alone", *large)
        with Daemons(3) as nodes:
            for count in (2, 3):
                with self.subTest(nodes=count):
                    used = ("--set", f"run.nodes={nodes.names[:count]}")
                    result = self.train_on(nodes, config, f"on_{count}", *large, *used)
                    self.assertEqual(hashes(result), hashes(alone))
                    # Nothing is left that keeps the network's thread busy.
                    self.wait_idle(nodes, since=time.monotonic())


class LostNodes(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, "svgd")

    def lose(self, nodes, hurt, out):
        """Starts a long run, and hurts node b."""
        with self.running(nodes, self.config, out, *LONG) as run:
            self.wait_training(run, out)
            time.sleep(0.2)
            began = time.monotonic()
            hurt("b")
            done = self.wait_lost(run, since=began)
        self.assert_lost(done, nodes, "b", "the particles 1")

    def test_a_node_that_is_killed_ends_the_run_and_the_rest_go_on(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            self.lose(nodes, nodes.kill, "killed")
            nodes.restart("b")
            self.train_on(nodes, self.config, "after_kill")

    def test_a_node_that_is_frozen_ends_the_run(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            self.lose(nodes, nodes.freeze, "frozen")
            nodes.thaw("b")
            self.train_on(nodes, self.config, "after_thaw")

    def test_a_driver_that_is_killed_leaves_its_nodes_usable(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            with self.running(nodes, self.config, "orphan", *LONG) as run:
                self.wait_training(run, "orphan")
                run.kill()
                run.popen.wait()
            began = time.monotonic()
            self.train_on(nodes, self.config, "next")
            self.assertLess(time.monotonic() - began, LOST_SECONDS)

    def test_a_second_driver_is_refused_with_a_word(self):
        with Daemons(1, cluster=WATCHFUL) as nodes:
            with self.running(nodes, self.config, "first", *LONG) as run:
                self.wait_training(run, "first")
                second = self.posse("run", self.config, "--out", "no", "--cluster", nodes.config)
                self.assertEqual(second.code, 2, second)
                self.assertRegex(
                    second.err, r"^node a at .*: node a is in use by the driver with process id"
                )
                self.assertFalse((self.folder / "no").exists())
                run.signal(signal.SIGINT)
                self.assertEqual(run.wait().code, 130)


class Refusals(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, "deep_ensemble")

    def test_nobody_listens(self):
        write_config(
            self.folder / "silent.toml",
            cluster={"heartbeat_ms": 50, "timeout_ms": 300},
            node=[{"name": "a", "port": 19}],
        )
        self.refused(
            "run",
            self.config,
            "--cluster",
            "silent.toml",
            "--out",
            "none",
            pattern=r"node a at 127\.0\.0\.1:19: nobody answers; start it with: posse node start",
        )

    def test_another_secret(self):
        with Daemons(1, cluster={"secret": "the secret of the nodes"}) as nodes:
            text = nodes.config.read_text()
            other = self.folder / "other.toml"
            other.write_text(text.replace("the secret of the nodes", "what the driver thinks"))
            done = self.posse("run", self.config, "--cluster", "other.toml", "--out", "none")
            other.unlink()
            self.assertEqual(done.code, 2, done)
            self.assertIn("hello: the secret of [cluster] differs", done.err)
            self.assertNotIn("what the driver thinks", done.err)

    def test_another_cluster_file(self):
        with Daemons(1) as nodes:
            other = self.folder / "other.toml"
            other.write_text(nodes.config.read_text() + "lanes = 7\n")
            done = self.posse("run", self.config, "--cluster", "other.toml", "--out", "none")
            other.unlink()
            self.assertEqual(done.code, 2, done)
            self.assertRegex(done.err, r'hello: cluster: expected "\w{64}", got "\w{64}"')

    def start_refused(self, nodes, name, pattern):
        self.refused(
            "node", "start", "--config", nodes.config, "--name", name, pattern=pattern
        )

    def test_a_node_that_nobody_knows(self):
        with Daemons(1) as nodes:
            self.start_refused(nodes, "bb", r'unknown node "bb"; known: a')

    def test_a_port_that_is_taken(self):
        with Daemons(1) as nodes:
            port = nodes.ports["a"]
            self.start_refused(nodes, "a", rf"node a: cannot listen on 127\.0\.0\.1:{port}")


class Stopping(ClusterStory):
    def test_in_a_run_that_ends_with_it(self):
        config = write_small_run(self.folder, "svgd")
        # Both nodes: b is told to end in the run, a has lost it in the run.
        with Daemons(2, cluster=WATCHFUL, stop_seconds=3) as nodes:
            with self.running(nodes, config, "left", *LONG) as run:
                self.wait_training(run, "left")
                nodes.stop("b")
                self.assertEqual(run.wait().code, 3)

    def test_by_command(self):
        with Daemons(2) as nodes:
            out = self.must("node", "stop", "--config", nodes.config, "--name", "a")
            self.assertEqual(out, "stopped node=a\n")
            nodes.wait_end("a")
            shutil.rmtree(nodes.folder / "a", ignore_errors=True)

    def test_twenty_restarts_on_one_port(self):
        with Daemons(1) as nodes:
            for _ in range(20):
                nodes.restart("a")


if __name__ == "__main__":
    main()
