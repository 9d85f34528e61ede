#!/usr/bin/env python3
"""Nodes in the background: ready when the command returns, gone when told to."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from daemons import STOP_SECONDS, Daemons, descendants_with, free_ports, is_free
from harness import POLL_SECONDS, Story, hashes, main, program, write_config, write_small_run

CLUSTER = {"heartbeat_ms": 100, "timeout_ms": 2000}


def is_running(pid):
    """Whether the process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def target(pid, name):
    return os.readlink(f"/proc/{pid}/{name}")


class Detached(Story):
    def setUp(self):
        (self.port,) = free_ports(1)
        self.config = f"{self._testMethodName}.toml"
        write_config(
            self.folder / self.config, cluster=CLUSTER, node=[{"name": "a", "port": self.port}]
        )
        # What tells this test's processes from all others.
        self.mark = f"POSSE_DETACH_TEST={self.folder}/{self._testMethodName}"
        name, _, text = self.mark.partition("=")
        self.env = {**os.environ, name: text}
        self.addCleanup(self.end_what_is_left)

    def end_what_is_left(self):
        left = descendants_with(self.mark)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(left, {})

    def args(self, *more):
        return ["node", "start", "--config", self.config, "--name", "a", "--detach", *more]

    def start_detached(self, *more):
        """Starts the node. @returns its process id."""
        # Returns only when nobody has the command's stdout and stderr any more.
        done = self.posse(*self.args(*more), env=self.env)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.out, f"ready node=a port={self.port}\n")
        said = re.fullmatch(r"pid=(\d+)\n", done.err)
        self.assertTrue(said, done)
        pid = int(said[1])
        self.assertEqual(list(descendants_with(self.mark)), [pid])
        self.assertTrue(is_running(pid))
        return pid

    def wait_gone(self, pid):
        end = time.monotonic() + STOP_SECONDS
        while is_running(pid):
            self.assertLess(time.monotonic(), end, f"process {pid} did not end")
            time.sleep(POLL_SECONDS)
        self.assertTrue(is_free(self.port))

    def stop(self, pid):
        out = self.must("node", "stop", "--config", self.config, "--name", "a")
        self.assertEqual(out, "stopped node=a\n")
        self.wait_gone(pid)

    def test_serves_runs_until_it_is_stopped(self):
        run = write_small_run(self.folder)
        pid = self.start_detached()
        try:
            alone = self.train(run, "alone")
            there = self.train(run, "there", "--cluster", self.config)
            self.assertEqual(hashes(there), hashes(alone))
            self.assertEqual([cache["node"] for cache in there["caches"]], ["a"])
        finally:
            self.stop(pid)

    def test_keeps_nothing_of_who_started_it(self):
        pid = self.start_detached()
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(target(pid, "cwd"), "/")
        for fd in (0, 1, 2):
            self.assertEqual(target(pid, f"fd/{fd}"), "/dev/null")
        self.stop(pid)

    def test_closes_what_the_shell_had_open(self):
        held = self.folder / "held"
        with open(held, "wb") as file:
            subprocess.run(
                [program(), *self.args()],
                cwd=self.folder,
                env=self.env,
                pass_fds=[file.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
            )
        ((pid, _),) = descendants_with(self.mark).items()
        files = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
        self.assertNotIn(str(held), files)
        self.stop(pid)

    def test_appends_to_a_log(self):
        log = self.folder / "a.log"
        log.write_text("before\n")
        pid = self.start_detached("--log", "a.log")
        self.assertEqual(target(pid, "fd/0"), "/dev/null")
        for fd in (1, 2):
            self.assertEqual(target(pid, f"fd/{fd}"), str(log))
        self.stop(pid)
        self.assertTrue(log.read_text().startswith("before\n"))

    def test_ends_on_sigterm(self):
        pid = self.start_detached()
        os.kill(pid, signal.SIGTERM)
        self.wait_gone(pid)

    def start_refused(self, args, pattern):
        self.refused(*args, pattern=pattern, env=self.env)
        self.assertEqual(descendants_with(self.mark), {})

    def test_a_port_that_is_taken(self):
        with Daemons(1) as nodes:
            port = nodes.ports["a"]
            args = ("node", "start", "--config", nodes.config, "--name", "a", "--detach")
            self.start_refused(args, rf"node a: cannot listen on 127\.0\.0\.1:{port}")

    def test_a_node_that_nobody_knows(self):
        args = ("node", "start", "--config", self.config, "--name", "b", "--detach")
        self.start_refused(args, r'^unknown node "b"; known: a$')

    def test_a_config_that_is_not_there(self):
        args = ("node", "start", "--config", "none.toml", "--name", "a", "--detach")
        self.start_refused(args, r"none\.toml: expected a TOML file, found none")

    def test_a_log_that_cannot_be_written(self):
        self.start_refused(
            self.args("--log", "no/such/a.log"), r"^--log: no/such/a\.log: cannot open: "
        )
        self.assertTrue(is_free(self.port))

    def test_a_log_without_detach(self):
        args = ("node", "start", "--config", self.config, "--name", "a", "--log", "a.log")
        self.start_refused(args, r"--log requires --detach")

    def test_a_daemon_that_nobody_waits_for_ends(self):
        for _ in range(20):
            command = self.start(*self.args(), env=self.env)
            try:
                if not self.orphan(command):
                    continue
                end = time.monotonic() + STOP_SECONDS
                while descendants_with(self.mark):
                    self.assertLess(time.monotonic(), end, "the daemon goes on")
                    time.sleep(POLL_SECONDS)
                return
            finally:
                self.assertFalse(command.close())
        self.fail("the daemon was always ready before the command could be killed")

    def orphan(self, command):
        """Kills the command before its daemon is ready. @returns whether it could."""

        def daemons():
            return [pid for pid in descendants_with(self.mark) if pid != command.popen.pid]

        self.wait_until(command, "there is a process behind it", daemons)
        (pid,) = daemons()
        os.kill(pid, signal.SIGSTOP)
        in_time = os.getsid(pid) != pid  # it leaves the session once it is ready
        # Who forks with threads leaves their locks closed in the new process.
        status = Path(f"/proc/{command.popen.pid}/status").read_text()
        self.assertRegex(status, r"(?m)^Threads:\s+1$")
        command.signal(signal.SIGKILL)
        command.popen.wait()
        os.kill(pid, signal.SIGCONT if in_time else signal.SIGKILL)
        return in_time


if __name__ == "__main__":
    main()
