"""What the stories of runs on nodes share: long runs to hurt, and what becomes of
their nodes."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

from daemons import HOST
from harness import Story, has_started

# Quick to notice, and long enough for a machine that does other things too.
WATCHFUL = {"heartbeat_ms": 100, "timeout_ms": 2000}
LOST_SECONDS = 5  # in which a lost node has ended the run
LONG = ("--set", "infer.steps=2000000")

IDLE_SHARE = 0.3  # of a core; a node that trains takes one or more
IDLE_WINDOW_SECONDS = 0.2


class ClusterStory(Story):
    @contextmanager
    def running(self, nodes, config, out, *args):
        """A run on the nodes inside the block, killed at its end at the latest."""
        run = self.start("run", config, "--out", out, "--quiet", "--cluster", nodes.config, *args)
        try:
            yield run
        finally:
            left = run.close()
        self.assertFalse(left, f"{run} left a process behind")

    def wait_training(self, run, out):
        self.wait_until(run, "training", lambda: has_started(self.folder / out))

    def train_on(self, nodes, config, out, *args):
        """Runs `config` on the nodes into `out`. @returns its result.json."""
        return self.train(config, out, "--cluster", nodes.config, *args)

    def wait_lost(self, run, since):
        """The end of a run that has lost a node at the time `since`."""
        done = run.wait(LOST_SECONDS + 10)
        self.assertLess(time.monotonic() - since, LOST_SECONDS, done)
        return done

    def assert_lost(self, done, nodes, name, had):
        """Asserts that the run ended since it lost node `name`, and says so.

        had: a pattern for what the node had, such as "the particles 1, 3"."""
        self.assertEqual(done.code, 3, done)
        self.assertRegex(
            (done.err.splitlines() or [""])[-1],
            rf"^node {name} at {HOST}:{nodes.ports[name]} was lost: .*; it had ({had})$",
        )

    def wait_idle(self, nodes, since):
        """Waits until no node computes; fails LOST_SECONDS after `since`."""
        busy = {name: 1 for name in nodes.names}
        while busy:
            if time.monotonic() > since + LOST_SECONDS:
                self.fail(f"nodes still compute, with so many cores: {busy}")
            pids = [nodes.pid(name) for name in nodes.names]
            before, began = list(map(cpu_seconds, pids)), time.monotonic()
            time.sleep(IDLE_WINDOW_SECONDS)
            took = time.monotonic() - began
            shares = [(cpu_seconds(pid) - x) / took for pid, x in zip(pids, before)]
            busy = {name: x for name, x in zip(nodes.names, shares) if x > IDLE_SHARE}


# -- looking at processes ------------------------------------------------------
def cpu_seconds(pid):
    """What a process has computed so far, in all of its threads."""
    # The second field is a name in brackets, which may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid}: expected VmRSS, got none")


def open_files(pid):
    """How many files, sockets among them, a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def sockets(pid):
    """How many sockets a process has open."""
    count = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += os.readlink(path).startswith("socket:")
        except FileNotFoundError:
            pass  # just closed
    return count
