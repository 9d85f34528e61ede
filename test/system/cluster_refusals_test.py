#!/usr/bin/env python3
"""Runs that nodes refuse: other data, another build, another processor; and nodes
that cannot answer."""

import os
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from cluster_story import LOST_SECONDS, WATCHFUL, ClusterStory
from daemons import HOST, Daemons
from harness import hashes, main, program, write_regression, write_small_run

# A path that means another file to every process: each works in its own folder.
OWN_DATA = "/proc/self/cwd/data.csv"


class OtherData(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)
        cls.alone = hashes(cls.train(cls.config, "alone", "--set", f"data.path={OWN_DATA}"))

    def refused_on(self, nodes, pattern):
        run = ("run", self.config, "--set", f"data.path={OWN_DATA}", "--cluster", nodes.config)
        self.refused(*run, "--out", "none", pattern=pattern)

    def test_a_file_that_a_node_lacks_or_has_otherwise_is_named_with_the_node(self):
        with Daemons(2) as nodes:
            for name in nodes.names:
                shutil.copy(self.folder / "data.csv", nodes.folder / name)
            own = nodes.folder / "b" / "data.csv"
            own.unlink()
            self.refused_on(nodes, rf"^node b: .*{OWN_DATA}")
            write_regression(own, rows=61)
            self.refused_on(
                nodes,
                rf"^node b: {OWN_DATA}: expected the driver's file "
                r"\(sha256 \w{64}\), got another \(\w{64}\)",
            )
            shutil.copy(self.folder / "data.csv", own)
            same = self.train_on(nodes, self.config, "same", "--set", f"data.path={OWN_DATA}")
            self.assertEqual(hashes(same), self.alone)
            for name in nodes.names:
                (nodes.folder / name / "data.csv").unlink()


class OtherPrograms(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)

    def refused_on(self, nodes, pattern, **options):
        self.refused(
            *("run", self.config, "--cluster", nodes.config, "--out", "none"),
            pattern=rf"^node a at {HOST}:\d+: hello: {pattern}$",
            **options,
        )

    def test_a_driver_of_another_build_is_refused(self):
        number = self.posse("--version").out.strip()
        other = f"9{number[1:]}"
        own = Path(program()).read_bytes()
        self.assertEqual(own.count(f"{number}\0".encode()), 1)
        path = self.folder / "other-posse"
        path.write_bytes(own.replace(f"{number}\0".encode(), f"{other}\0".encode()))
        path.chmod(0o700)
        self.addCleanup(path.unlink)
        with Daemons(1) as nodes, mock.patch.dict(os.environ, {"POSSE": str(path)}):
            self.refused_on(nodes, rf'build: expected "posse {number},.*", got "posse {other},.*"')

    def test_a_driver_with_another_instruction_set_is_refused(self):
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
        if not {"avx2", "fma"} <= set(flags):
            self.skipTest("this processor has no AVX2: nothing differs")
        with Daemons(1) as nodes:
            self.refused_on(
                nodes,
                r'instruction set: expected "AVX\w*", got "DEFAULT"',
                env={**os.environ, "ATEN_CPU_CAPABILITY": "default"},
            )


class SilentNodes(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)

    def test_a_node_that_greets_and_says_nothing_more_ends_the_run(self):
        with Daemons(1, cluster=WATCHFUL) as nodes:
            port = nodes.ports["a"]
            with socket.create_connection((HOST, port), timeout=LOST_SECONDS) as client:
                greeting = client.recv(4096)
            self.assertTrue(greeting)
            config = self.folder / "silent.toml"
            config.write_bytes(nodes.config.read_bytes())
            self.addCleanup(config.unlink)
        with parrot(port, greeting):
            began = time.monotonic()
            done = self.posse("run", self.config, "--cluster", config, "--out", "none")
            self.assertLess(time.monotonic() - began, LOST_SECONDS, done)
        self.assertEqual(done.code, 3, done)
        self.assertRegex(done.err, rf"\Anode a at {HOST}:{port} was lost: .*\n\Z")
        self.assertFalse((self.folder / "none").exists())

    def test_a_node_that_is_frozen_answers_nobody_until_it_is_thawed(self):
        with Daemons(2, cluster=WATCHFUL) as nodes:
            nodes.freeze("b")
            began = time.monotonic()
            self.refused(
                *("run", self.config, "--cluster", nodes.config, "--out", "none"),
                pattern=rf"^node b at {HOST}:{nodes.ports['b']}: nobody answers",
            )
            self.assertLess(time.monotonic() - began, LOST_SECONDS)
            nodes.thaw("b")
            self.train_on(nodes, self.config, "thawed")


@contextmanager
def parrot(port, greeting):
    """Listens at `port`, greets everybody, and never answers."""
    held = []

    def serve(server):
        while True:
            try:
                held.append(server.accept()[0])
                held[-1].sendall(greeting)
            except OSError:  # closed
                return

    server = socket.create_server((HOST, port))
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()
        for each in held:
            each.close()


if __name__ == "__main__":
    main()
