#!/usr/bin/env python3
"""The daemons' harness notices what it is for: tried on nodes that misbehave."""

import os
import socket
import sys
import time
import tomllib
import unittest
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from daemons import Daemons, descendants_with, free_ports, is_free
from harness import POLL_SECONDS, Story, main

# A node in Python: listens at its port, greets, ends on SIGTERM. FAKE says how
# it misbehaves, FAKE_NAME which node does.
FAKE_NODE = r"""
import os, signal, socket, subprocess, sys, tempfile, time, tomllib

assert sys.argv[1:3] == ["node", "start"], sys.argv
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
name = options["--name"]
with open(options["--config"], "rb") as file:
    nodes = {node["name"]: node for node in tomllib.load(file)["node"]}
fake = os.environ.get("FAKE") if name == os.environ.get("FAKE_NAME", name) else None

def say(text):
    print(text, file=sys.stderr, flush=True)

say(f"I am {name}")
if fake == "dies":
    sys.exit(2)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((nodes[name]["host"], nodes[name]["port"]))
server.listen()
port = server.getsockname()[1]

def end(number, frame):
    if fake == "keeps a file":
        open(os.path.join(tempfile.gettempdir(), "left"), "w").close()
    if fake == "keeps a process":
        subprocess.Popen(["sleep", "600"])
    if fake == "keeps a daemon":  # with the port, out of its group
        subprocess.Popen(["sleep", "600"], start_new_session=True, pass_fds=[server.fileno()])
    sys.exit(3 if fake == "ends badly" else 0)

signal.signal(signal.SIGTERM, signal.SIG_IGN if fake == "is deaf" else end)
if fake == "is silent":
    time.sleep(600)
print("a line before", flush=True)
print(f"ready node={name} port={port + (fake == 'lies')}", flush=True)
if fake == "writes":
    open("cache", "w").close()
if fake == "ends by itself":
    sys.exit(4)
while True:
    with server.accept()[0] as client:
        client.sendall(b"alive")
"""


def greeting(port, seconds=5):
    """What the node at `port` says; TimeoutError if it says nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        return client.recv(16)


def wait_for_any_end():
    """Returns when a node has ended; who started it still learns its exit code."""
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)


class FakeNodes(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = cls.folder / "fake-posse"
        path.write_text(f"#!{sys.executable}\n{FAKE_NODE}", encoding="utf-8")
        path.chmod(0o700)
        patch = mock.patch.dict(os.environ, {"POSSE": str(path)})
        patch.start()
        cls.addClassCleanup(patch.stop)

    def pretend(self, fake, name="b"):
        """Makes node `name` misbehave."""
        patch = mock.patch.dict(os.environ, {"FAKE": fake, "FAKE_NAME": name})
        patch.start()
        self.addCleanup(patch.stop)

    @contextmanager
    def assert_wrong(self, *patterns):
        """Asserts that the block fails with a message that matches all patterns,
        and that nothing is left of its nodes all the same."""
        used = []
        enter = Daemons.__enter__

        def remembered(nodes):
            used.append(nodes)
            return enter(nodes)

        with mock.patch.object(Daemons, "__enter__", remembered):
            with self.assertRaises(AssertionError) as caught:
                yield
        for pattern in patterns:
            self.assertRegex(str(caught.exception), pattern)
        self.assert_gone(*used)

    def assert_gone(self, *used):
        self.assertTrue(used)
        for nodes in used:
            self.assertFalse(nodes.folder.exists())
            self.wait_gone(nodes)
            for port in nodes.ports.values():
                self.assertTrue(is_free(port) or port == 0, port)

    def wait_gone(self, nodes):
        """A process that was killed by its id takes a moment."""
        for _ in range(500):
            if not descendants_with(str(nodes.folder)):
                return
            time.sleep(POLL_SECONDS)
        self.fail(f"left: {descendants_with(str(nodes.folder))}")

    # -- nodes that behave -----------------------------------------------------
    def test_nodes_are_ready_inside_the_block_and_gone_after_it(self):
        with Daemons(3) as nodes:
            self.assertEqual(nodes.names, ["a", "b", "c"])
            self.assertEqual(len(set(nodes.ports.values())), 3)
            for name in nodes.names:
                self.assertEqual(greeting(nodes.ports[name]), b"alive")
                self.assertIn(f"I am {name}", nodes.err(name))
                self.assertFalse(is_free(nodes.ports[name]))
        self.assert_gone(nodes)

    def test_the_config_says_what_the_test_wants(self):
        cluster = {"heartbeat_ms": 50, "timeout_ms": 200}
        one = {"b": {"lanes": 2, "port": 0}}
        with Daemons(2, cluster=cluster, node={"lanes": 1}, nodes=one) as nodes:
            config = tomllib.loads(Path(nodes.config).read_text(encoding="utf-8"))
            self.assertEqual(config["cluster"], cluster)
            self.assertEqual([node["name"] for node in config["node"]], ["a", "b"])
            self.assertEqual([node["lanes"] for node in config["node"]], [1, 2])
            self.assertEqual(config["node"][0]["port"], nodes.ports["a"])
            # Port 0: the node has chosen one.
            self.assertEqual(config["node"][1]["port"], 0)
            self.assertEqual(greeting(nodes.ports["b"]), b"alive")
        self.assert_gone(nodes)

    def test_a_frozen_node_says_nothing_until_it_is_thawed(self):
        with Daemons(2) as nodes:
            for _ in range(2):
                nodes.freeze("b")
                with self.assertRaises(TimeoutError):
                    greeting(nodes.ports["b"], seconds=0.1)
                self.assertEqual(greeting(nodes.ports["a"]), b"alive")
                nodes.thaw("b")
                self.assertEqual(greeting(nodes.ports["b"]), b"alive")

    def test_a_node_that_was_ended_comes_back_at_its_port(self):
        with Daemons(2) as nodes:
            port = nodes.ports["b"]
            for end in (nodes.kill, nodes.stop):
                before = nodes.pid("b")
                end("b")
                self.assertTrue(is_free(port))
                with self.assertRaises(ValueError):
                    nodes.pid("b")
                nodes.restart("b")
                self.assertNotEqual(nodes.pid("b"), before)
                self.assertEqual(nodes.ports["b"], port)
                self.assertEqual(greeting(port), b"alive")
            before = nodes.pid("b")
            nodes.restart("b")  # stops it by itself
            self.assertNotEqual(nodes.pid("b"), before)

    def test_the_block_ends_with_nodes_stopped_killed_and_frozen(self):
        with Daemons(4) as nodes:
            nodes.stop("a")
            nodes.kill("b")
            nodes.freeze("c")
        self.assert_gone(nodes)

    def test_a_frozen_node_can_be_stopped(self):
        with Daemons(1) as nodes:
            nodes.freeze("a")
            nodes.stop("a")

    # -- nodes that do not -----------------------------------------------------
    def test_a_node_that_is_never_ready_is_named_with_what_it_said(self):
        self.pretend("is silent")
        with self.assert_wrong("^node b: was not ready in 0.5 s", "stderr: I am b"):
            with Daemons(3, ready_seconds=0.5):
                self.fail("began without b")

    def test_a_node_that_dies_early_is_named_with_what_it_said(self):
        self.pretend("dies")
        with self.assert_wrong("^node b: ended with 2 before it was ready", "stderr: I am b"):
            with Daemons(3):
                self.fail("began without b")

    def test_a_node_at_another_port_is_none(self):
        self.pretend("lies")
        with self.assert_wrong(r'^node b: expected "ready node=b port=\d+"', "stdout: a line"):
            with Daemons(2):
                self.fail("began with the wrong port")

    def test_a_node_that_ignores_sigterm_is_found(self):
        self.pretend("is deaf")
        with self.assert_wrong("node b: did not end in 0.3 s after SIGTERM"):
            with Daemons(2, stop_seconds=0.3):
                pass
        with self.assert_wrong("node b: did not end in 0.3 s after SIGTERM"):
            with Daemons(2, stop_seconds=0.3) as nodes:
                nodes.stop("b")

    def test_a_node_that_ends_badly_is_found(self):
        self.pretend("ends badly")
        with self.assert_wrong("node b: expected exit code 0 after SIGTERM, got 3"):
            with Daemons(2):
                pass

    def test_a_node_that_ends_by_itself_is_found(self):
        self.pretend("ends by itself")
        with self.assert_wrong("node b: ended by itself with 4", "stderr: I am b"):
            with Daemons(2) as nodes:
                wait_for_any_end()
        with self.assert_wrong("node b: ended by itself with 4"):
            with Daemons(2) as nodes:
                wait_for_any_end()
                nodes.freeze("b")

    def test_a_node_may_end_when_the_test_waits_for_it(self):
        self.pretend("ends by itself")
        with Daemons(2) as nodes:
            nodes.wait_end("b", code=4)
        self.assert_gone(nodes)
        with self.assert_wrong("node b: expected exit code 0 after it was told to, got 4"):
            with Daemons(2) as nodes:
                nodes.wait_end("b")
        with self.assert_wrong("node a: did not end in 0.3 s after it was told to"):
            with Daemons(1, stop_seconds=0.3) as nodes:
                nodes.wait_end("a")

    def test_a_file_that_is_left_is_found(self):
        for fake in ("keeps a file", "writes"):
            self.pretend(fake)
            with self.assert_wrong("^node b left files behind: .*/b/(left|cache)$"):
                with Daemons(2):
                    pass

    def test_a_killed_node_may_leave_files_until_it_is_started_again(self):
        self.pretend("writes")
        with Daemons(2) as nodes:
            nodes.kill("b")
        self.assert_gone(nodes)
        with self.assert_wrong("node b left files behind"):
            with Daemons(2) as nodes:
                nodes.kill("b")
                nodes.restart("b")

    def test_a_process_that_is_left_is_found(self):
        self.pretend("keeps a process")
        with self.assert_wrong("node b: left a process of its group behind"):
            with Daemons(2):
                pass

    def test_a_daemon_and_its_port_that_are_left_are_found(self):
        self.pretend("keeps a daemon")
        with self.assert_wrong(
            r"node b left its port \d+ taken", r"left the process \d+ behind: sleep 600"
        ):
            with Daemons(2):
                pass

    def test_a_failure_inside_the_block_stays_the_first(self):
        self.pretend("ends badly")
        with self.assertRaisesRegex(KeyError, "mine") as caught:
            with Daemons(2) as nodes:
                raise KeyError("mine")
        self.assertIn("expected exit code 0", "\n".join(caught.exception.__notes__))
        self.assert_gone(nodes)


class Ports(unittest.TestCase):
    def test_free_ports_differ_and_are_free(self):
        ports = free_ports(50)
        self.assertEqual(len(set(ports)), 50)
        self.assertTrue(all(map(is_free, ports)))

    def test_a_port_where_somebody_listens_is_not_free(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.assertFalse(is_free(server.getsockname()[1]))


class Arguments(unittest.TestCase):
    def test_more_nodes_than_names_are_refused(self):
        with self.assertRaisesRegex(ValueError, "at most 26 nodes, got 27"):
            Daemons(27)

    def test_options_of_an_unknown_node_are_refused(self):
        with self.assertRaisesRegex(ValueError, r"got \['z'\]"):
            with Daemons(1, nodes={"z": {}}):
                self.fail("began")


if __name__ == "__main__":
    main()
