#!/usr/bin/env python3
"""A traced run shows what ran when, and that copies run while others compute."""

import os
import signal
import time
from itertools import pairwise
from unittest import mock

from cluster_story import LONG, WATCHFUL, ClusterStory
from daemons import Daemons
from harness import Story, has_started, hashes, main, read_json, read_log, write_small_run
from places import told

TRACED = "run.trace=true"
COMPUTING = ("step", "validate", "finish", "forward", "score", "update_group")
# A step takes some milliseconds, and so does a copy.
SLOW = {"POSSE_SIM_KERNEL_SECONDS": "1e-4", "POSSE_SIM_COPY_BYTES_PER_SECOND": "5e5"}


class Trace:
    """A trace.json, by rows: {(process, thread): [(begin, end, name, args)]}, by
    their names, in nanoseconds and in order."""

    def __init__(self, path):
        content = read_json(path)
        self.other = content["otherData"]
        names = {"process_name": {}, "thread_name": {}}
        for event in content["traceEvents"]:
            if event["ph"] == "M" and event["name"] in names:
                thread = event["tid"] if event["name"] == "thread_name" else None
                names[event["name"]][event["pid"], thread] = event["args"]["name"]
        self.rows = {
            (names["process_name"][process, None], name): []
            for (process, thread), name in names["thread_name"].items()
        }
        for event in content["traceEvents"]:
            if event["ph"] != "X":
                continue
            row = (
                names["process_name"][event["pid"], None],
                names["thread_name"][event["pid"], event["tid"]],
            )
            begin, took = round(event["ts"] * 1000), round(event["dur"] * 1000)
            self.rows[row].append((begin, begin + took, event["name"], event["args"]))
        for row in self.rows.values():
            row.sort(key=lambda event: event[:2])

    def events(self, *names):
        return [event for row in self.rows.values() for event in row if event[2] in names]


def overlap(one, other):
    return max(one[0], other[0]) < min(one[1], other[1])


class TraceStory(Story):
    def trace_of(self, out):
        """The trace in a RUN_DIR, which must make sense."""
        trace = Trace(self.folder / out / "trace.json")
        for name, row in trace.rows.items():
            for before, after in pairwise(row):
                self.assertLessEqual(before[1], after[0], f"{name}: {before}, {after}")
        return trace


class TracedRuns(TraceStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)
        cls.plain = cls.train(cls.config, "plain")

    def test_there_is_none_unless_it_is_asked_for(self):
        self.assertFalse((self.folder / "plain/trace.json").exists())

    def test_on_lanes(self):
        sets = told([TRACED, "local.lanes=2", "local.cache_size=2"])
        result = self.train(self.config, "lanes", *sets)
        trace = self.trace_of("lanes")
        self.assertEqual(
            list(trace.rows),
            [("node local", "cpu:0 lane 0"), ("node local", "cpu:0 lane 1")],
        )
        steps = trace.events("step")
        self.assertEqual(len(steps), result["timing"]["particle_steps"])
        self.assertEqual(
            sorted((args["particle"], args["step"]) for *_, args in steps),
            [(pid, step) for pid in range(3) for step in range(1, 41)],
        )
        self.assertEqual(len(trace.events("finish")), 3)
        self.assertTrue(trace.events("swap in 0", "swap in 1", "swap in 2"))
        self.assertEqual(trace.other["dropped_events"], {})
        self.assertEqual(hashes(result), hashes(self.plain))
        log = [event for event in read_log(self.folder / "lanes") if event["event"] == "trace"]
        self.assertEqual(log[0]["events"], sum(map(len, trace.rows.values())))
        self.must("run", self.config, "--out", "lanes", "--quiet", "--overwrite")
        self.assertFalse((self.folder / "lanes/trace.json").exists())

    def test_copies_run_while_others_compute(self):
        simulated = os.environ.get("POSSE_SIMULATED")
        if not simulated:
            self.skipTest("POSSE_SIMULATED is not set")
        sets = told([TRACED, 'local.devices=["sim:0"]', "local.cache_size=2"])
        with mock.patch.dict(os.environ, {"POSSE": simulated, **SLOW}):
            result = self.train(self.config, "copies", *sets)
        trace = self.trace_of("copies")
        self.assertEqual(
            list(trace.rows), [("node local", "sim:0 lane 0"), ("node local", "sim:0 copies")]
        )
        lane, copies = trace.rows.values()
        self.assertEqual(len(trace.events("step")), result["timing"]["particle_steps"])
        kinds = {name.rpartition(" ")[0] for _, _, name, _ in copies}
        self.assertEqual(kinds, {"load", "write back"})
        computing = [event for event in lane if event[2] in COMPUTING]
        hidden = [copy for copy in copies if any(overlap(copy, each) for each in computing)]
        self.assertTrue(hidden, "no copy ran while the lane computed")
        self.assertEqual(hashes(result), hashes(self.plain))

    def test_an_interrupted_run_and_its_rest_have_one_each(self):
        args = ("--set", "infer.steps=8000", "--set", TRACED)
        run = ("run", self.config, "--out", "rest", "--quiet", *args)
        process = self.start(*run)
        try:
            self.wait_until(process, "training", lambda: has_started(self.folder / "rest"))
            process.signal(signal.SIGINT)
            done = process.wait()
        finally:
            process.close()
        self.assertEqual(done.code, 130, done)
        manifest = read_json(self.folder / "rest/checkpoint/manifest.json")
        before = manifest["step"]["particle_steps"]
        self.assertEqual(len(self.trace_of("rest").events("step")), before)
        self.must(*run, "--resume")
        self.assertEqual(len(self.trace_of("rest").events("step")), 3 * 8000 - before)

    def test_a_run_that_fails_has_one(self):
        sets = told([TRACED, "infer.optimizer=sgd", "infer.learning_rate=1e30"])
        done = self.posse("run", self.config, "--out", "failed", "--quiet", *sets)
        self.assertEqual(done.code, 3, done)
        self.assertIn("particle", done.err.splitlines()[-1])
        self.assertTrue(self.trace_of("failed").events("step"))

    def test_what_does_not_fit_is_counted(self):
        # Room is for 262144 events of a device; in groups they come fast.
        steps = ["infer.particles=64", "infer.steps=4200", "model.hidden=[1]", "run.fuse=on"]
        sets = told([TRACED, *steps])
        done = self.posse("run", self.config, "--out", "full", "--quiet", *sets)
        self.assertEqual(done.code, 0, done)
        trace = self.trace_of("full")
        kept = sum(map(len, trace.rows.values()))
        self.assertEqual(kept, 1 << 18)
        dropped = trace.other["dropped_events"]["local cpu:0"]
        self.assertGreaterEqual(kept + dropped, 64 * 4200)
        self.assertRegex(
            done.err, rf"\Awarning: .*/full/trace.json: {dropped} later events are not in it; .*\n\Z"
        )


def steps_of(manifest):
    """What all particles have done by the last checkpoint; 0 without one."""
    try:
        return read_json(manifest)["step"]["particle_steps"]
    except OSError:
        return 0


class TracedNodes(TraceStory, ClusterStory):
    def test_every_node_is_a_process(self):
        config = write_small_run(self.folder)
        with Daemons(2) as nodes:
            result = self.train_on(nodes, config, "nodes", "--set", TRACED)
        trace = self.trace_of("nodes")
        self.assertEqual({process for process, _ in trace.rows}, {"node a", "node b"})
        for node in ("node a", "node b"):
            ran = [x for (process, _), row in trace.rows.items() if process == node for x in row]
            self.assertTrue([x for x in ran if x[2] == "step"], node)
        self.assertEqual(len(trace.events("step")), result["timing"]["particle_steps"])
        offsets = trace.other["node_offset_us"]
        self.assertEqual((set(offsets), min(offsets.values())), ({"a", "b"}, 0))

    def test_those_that_are_left_tell_of_a_run_that_lost_a_node(self):
        config = write_small_run(self.folder, name="lost")
        args = (*LONG, "--set", TRACED, "--set", "run.checkpoint_every=0.1")
        with Daemons(2, cluster=WATCHFUL) as nodes, self.running(nodes, config, "lost", *args) as run:
            manifest = self.folder / "lost/checkpoint/manifest.json"
            self.wait_until(run, "steps", lambda: steps_of(manifest) > 0)
            nodes.kill("b")
            done = self.wait_lost(run, time.monotonic())
            self.assert_lost(done, nodes, "b", r"the particles? 1")
        trace = self.trace_of("lost")
        self.assertEqual({process for process, _ in trace.rows}, {"node a"})
        self.assertTrue(trace.events("step"))
        (missing,) = trace.other["missing_devices"]
        self.assertRegex(missing, r"^b cpu:0: .*lost")


if __name__ == "__main__":
    main()
