#!/usr/bin/env python3
"""Nodes and drivers that end or freeze at random moments of a run, and what is
told to end while they do.

The moments come from the seed in POSSE_TEST_SEED, default 1."""

import os
import random
import signal
import sys
import time

from cluster_story import LONG, LOST_SECONDS, WATCHFUL, ClusterStory, sockets
from daemons import HOST, Daemons
from harness import has_started, hashes, main, read_json, write_small_run

SEED = int(os.environ.get("POSSE_TEST_SEED", "1"))
NODES = 3
PARTICLES = 6
STEPS = 150  # the better part of a second
OFTEN = ("--set", "run.checkpoint_every=0.02")


# -- moments: of a run's process, and of what it has written -------------------
def has_dialled(process, run):
    """Whether it has reached, or tries to reach, the first of its nodes."""
    return sockets(process.popen.pid) > 0


def has_begun(process, run):
    """Whether it trains."""
    return has_started(run)


def has_saved(process, run):
    """Whether it has begun to write its first checkpoint."""
    return any(run.glob("checkpoint*"))


class RandomMoments(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, "svgd", particles=PARTICLES, steps=STEPS)
        cls.whole = hashes(cls.train(cls.config, "whole"))

    def draw(self):
        """The random numbers of the test that runs, which says its seed."""
        name = self._testMethodName
        print(f"{name}: POSSE_TEST_SEED={SEED}", file=sys.stderr)
        return random.Random(f"{SEED} {name}")

    def time_run(self, nodes):
        """How many seconds a run takes that nobody hurts."""
        began = time.monotonic()
        self.train_on(nodes, self.config, "timed")
        took = time.monotonic() - began
        self.assert_whole("timed")
        return took

    def assert_whole(self, out):
        self.assertEqual(hashes(read_json(self.folder / out / "result.json")), self.whole)

    def go_on(self, nodes, out, *args):
        """What the user does next: resume `out`, or begin again, to the usual end."""
        saved = (self.folder / out / "checkpoint").exists()
        self.train_on(nodes, self.config, out, "--resume" if saved else "--overwrite", *args)
        self.assert_whole(out)


class LostNodes(RandomMoments):
    """A node is killed or frozen; the run has to end, and the next one to work on the
    nodes that are left."""

    takes_long = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nodes = cls.enterClassContext(Daemons(NODES, cluster=WATCHFUL))

    def hurt_runs(self, when, most_seconds, *args):
        """Four runs, each hurt at some time within `most_seconds` after the moment
        `when`.

        @returns the exit codes."""
        draw = self.draw()
        codes = []
        nodes = self.nodes
        for i, hurt in enumerate(draw.sample(["kill", "freeze"] * 2, 4)):
            name, after = draw.choice(nodes.names), draw.uniform(0, most_seconds)
            out = f"{self._testMethodName}_{i}"
            with self.subTest(seed=SEED, hurt=hurt, node=name, after=after):
                with self.running(nodes, self.config, out, *args) as run:
                    self.wait_until(
                        run, "its moment", lambda: when(run, self.folder / out), 0.001
                    )
                    time.sleep(after)
                    began = time.monotonic()
                    getattr(nodes, hurt)(name)
                    done = self.wait_lost(run, since=began)
                codes.append(done.code)
                self.check_end(done, nodes, name, out)
            rest = [each for each in nodes.names if each != name]
            with self.subTest(seed=SEED, hurt=hurt, node=name, after=after, next=rest):
                self.go_on(nodes, out, "--set", f"run.nodes={rest}")
            if hurt == "kill":
                nodes.restart(name)
            else:
                nodes.thaw(name)
        print(f"{self._testMethodName}: exit codes {codes}", file=sys.stderr)
        return codes

    def check_end(self, done, nodes, name, out):
        if done.code == 0:  # the run had all that it needed of its nodes
            return self.assert_whole(out)
        if has_started(self.folder / out):
            pids = range(nodes.names.index(name), PARTICLES, NODES)
            had = f"the particles {', '.join(map(str, pids))}"
            return self.assert_lost(done, nodes, name, had)
        self.assertFalse((self.folder / out).exists())
        if done.code == 2:  # it was never reached
            return self.assertRegex(
                done.err, rf"\Anode {name} at {HOST}:{nodes.ports[name]}: nobody answers; .*\n\Z"
            )
        return self.assert_lost(done, nodes, name, r"no particles|the particles [\d, ]+")

    def test_while_the_driver_attaches(self):
        codes = self.hurt_runs(has_dialled, 0.04)
        self.assertLessEqual(set(codes), {2, 3})

    def test_in_the_first_steps(self):
        codes = self.hurt_runs(has_begun, 0.02, *LONG)
        self.assertEqual(set(codes), {3})

    def test_in_the_middle(self):
        codes = self.hurt_runs(has_begun, 1, *LONG)
        self.assertEqual(set(codes), {3})

    def test_while_a_checkpoint_is_written(self):
        codes = self.hurt_runs(has_saved, 0.02, *OFTEN)
        self.assertEqual(set(codes), {3})

    def test_while_results_are_written(self):
        codes = self.hurt_runs(has_saved, 0.02)
        self.assertLessEqual(set(codes), {0, 3})


class LostDrivers(RandomMoments):
    def test_nodes_are_idle_and_usable_again(self):
        draw = self.draw()
        with Daemons(NODES, cluster=WATCHFUL) as nodes:
            whole = self.time_run(nodes)
            for i in range(6):
                after, out = draw.uniform(0, whole), f"left_{i}"
                with self.subTest(seed=SEED, after=after):
                    with self.running(nodes, self.config, out) as run:
                        time.sleep(after)
                        run.kill()
                        run.popen.wait()
                        killed = time.monotonic()
                    self.wait_idle(nodes, since=killed)
                    began = time.monotonic()
                    with self.running(nodes, self.config, f"next_{i}") as run:
                        self.wait_training(run, f"next_{i}")
                        self.assertLess(time.monotonic() - began, LOST_SECONDS)
                        self.assertEqual(run.wait().code, 0)
                    self.assert_whole(f"next_{i}")


class ToldToEnd(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, "svgd")
        cls.whole = hashes(cls.train(cls.config, "whole"))

    def assert_usable(self, nodes, out):
        self.assertEqual(hashes(self.train_on(nodes, self.config, out)), self.whole)

    def test_an_interrupted_run_whose_node_is_frozen_ends(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            with self.running(nodes, self.config, "once", *LONG) as run:
                self.wait_training(run, "once")
                nodes.freeze("b")
                frozen = time.monotonic()
                run.signal(signal.SIGINT)
                done = self.wait_lost(run, since=frozen)
            self.assert_lost(done, nodes, "b", "the particles 1")
            nodes.thaw("b")
            self.assert_usable(nodes, "after_once")

    def test_a_second_interrupt_does_not_wait_for_a_frozen_node(self):
        patient = {"heartbeat_ms": 1000, "timeout_ms": 60_000}
        with Daemons(2, cluster=patient) as nodes:
            with self.running(nodes, self.config, "twice", *LONG) as run:
                self.wait_training(run, "twice")
                nodes.freeze("b")
                run.signal(signal.SIGINT)
                time.sleep(0.6)  # what comes within half a second is the same wish
                self.assertFalse(run.ended())
                run.signal(signal.SIGINT)
                self.assertEqual(run.wait(LOST_SECONDS).code, 130)
            nodes.thaw("b")
            self.assert_usable(nodes, "after_twice")

    def test_a_node_that_waits_for_a_frozen_one_ends(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            with self.running(nodes, self.config, "stuck", *LONG) as run:
                self.wait_training(run, "stuck")
                nodes.freeze("b")
                nodes.stop("a")  # fails if it takes longer than STOP_SECONDS
                done = self.wait_lost(run, since=time.monotonic())
            self.assertEqual(done.code, 3, done)
            nodes.thaw("b")
            nodes.restart("a")
            self.assert_usable(nodes, "after_stuck")

    def test_a_node_that_is_told_to_end_is_named(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            for name, pids in (("a", "0, 2"), ("b", "1")):  # a has the leader
                with self.subTest(node=name):
                    with self.running(nodes, self.config, f"without_{name}", *LONG) as run:
                        self.wait_training(run, f"without_{name}")
                        began = time.monotonic()
                        nodes.stop(name)
                        done = self.wait_lost(run, since=began)
                    self.assert_lost(done, nodes, name, f"the particles {pids}")
                nodes.restart(name)

    def test_all_at_once(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            with self.running(nodes, self.config, "all", *LONG) as run:
                self.wait_training(run, "all")
                run.signal(signal.SIGTERM)
                for name in nodes.names:
                    os.kill(nodes.pid(name), signal.SIGTERM)
                done = run.wait(LOST_SECONDS)
                for name in nodes.names:
                    nodes.wait_end(name)
            # Whether it still got the states for its checkpoint is a race.
            self.assertIn(done.code, (3, 130), done)


if __name__ == "__main__":
    main()
