#!/usr/bin/env python3
"""Many nodes, and many strangers at a node's port."""

import random
import socket
import sys
import time
from contextlib import ExitStack, contextmanager

from cluster_story import ClusterStory, open_files, resident_bytes
from daemons import HOST, Daemons
from harness import POLL_SECONDS, hashes, main, read_json, write_small_run

SECONDS = 120  # in which 16 nodes have started, trained and ended
CONNECTIONS = 300
RESTLESS = {"heartbeat_ms": 20, "timeout_ms": 5000}
PATIENCE_SECONDS = 10  # until a node has noticed what happened at its port
MOST_GROWTH_BYTES = 64 << 20
HEADER_BYTES = 32  # what CAF reads of a message first; its first byte is the type
MESSAGE_TYPES = 7


class ManyNodes(ClusterStory):
    def test_sixteen_nodes_train_32_particles_to_the_same_bits(self):
        config = write_small_run(self.folder, "svgd", particles=32)
        alone = self.train(config, "alone")
        began = time.monotonic()
        with Daemons(16, node={"lanes": 1}, ready_seconds=SECONDS) as nodes:
            result = self.train_on(nodes, config, "on_16")
            self.assertEqual(hashes(result), hashes(alone))
            self.assertEqual(result["cluster"]["nodes"], 16)
            for cache in result["caches"]:
                self.assertGreater(cache["hits"] + cache["misses"], 0, cache)
        self.assertLess(time.monotonic() - began, SECONDS)

    def test_nodes_meet_however_often_their_hearts_beat(self):
        # A dial that meets a beat is dropped: it takes a second one.
        config = write_small_run(self.folder, "svgd", steps=1)
        with Daemons(8, cluster=RESTLESS, node={"lanes": 1}, ready_seconds=SECONDS) as nodes:
            self.train_on(nodes, config, "on_8")


def is_open(connection):
    """Whether the other side has not ended it, whatever it has said."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True


class Strangers(ClusterStory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, "svgd", steps=1000)
        cls.alone = hashes(cls.train(cls.config, "alone"))

    def wait_open_files(self, nodes, most):
        """Waits until node a has let go of what strangers held."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (count := open_files(nodes.pid("a"))) > most:
            if time.monotonic() > end:
                self.fail(f"node a has {count} files open, expected {most} at most")
            time.sleep(POLL_SECONDS)

    @contextmanager
    def unharmed(self, nodes):
        """Asserts that node a is after the block as it was before."""
        # Once, for a first run loads what later ones find.
        self.train_on(nodes, self.config, "before", "--overwrite")
        files, memory = open_files(nodes.pid("a")), resident_bytes(nodes.pid("a"))
        yield
        self.wait_open_files(nodes, files)
        grown = resident_bytes(nodes.pid("a")) - memory
        print(f"{self._testMethodName}: {grown >> 10} KiB more", file=sys.stderr)
        self.assertLess(grown, MOST_GROWTH_BYTES)
        after = self.train_on(nodes, self.config, "after", "--overwrite")
        self.assertEqual(hashes(after), self.alone)

    def test_hundreds_of_silent_connections_change_nothing(self):
        with Daemons(2) as nodes, self.unharmed(nodes), ExitStack() as held:
            strangers = [
                held.enter_context(socket.create_connection((HOST, nodes.ports["a"])))
                for _ in range(CONNECTIONS)
            ]
            result = self.train_on(nodes, self.config, "silence")
            self.assertEqual(hashes(result), self.alone)
            for each in strangers:
                self.assertTrue(is_open(each), "it was there all the time")

    def test_random_bytes_change_nothing(self):
        draw = random.Random(17)
        with Daemons(2) as nodes, self.unharmed(nodes), ExitStack() as held:
            sent = sent_in_run = 0
            with self.running(nodes, self.config, "noise") as run:
                while sent < CONNECTIONS or (sent < 2 * CONNECTIONS and not run.ended()):
                    client = held.enter_context(
                        socket.create_connection((HOST, nodes.ports["a"]), PATIENCE_SECONDS)
                    )
                    noise = random_noise(draw)
                    client.sendall(noise)
                    if len(noise) >= HEADER_BYTES:
                        wait_closed(client)
                    sent += 1
                    sent_in_run += not run.ended()
                done = run.wait()
            self.assertEqual(done.code, 0, done)
            self.assertGreater(sent_in_run, CONNECTIONS // 10)
            self.assertEqual(
                hashes(read_json(self.folder / "noise" / "result.json")), self.alone
            )


def random_noise(draw):
    """Bytes that do not start as a message of CAF does: it trusts those, so that
    a few of them may end or fill a node (docs/cluster.md, What is not, yet)."""
    while True:
        noise = draw.randbytes(draw.choice((1, 31, 32, 33, 100, 1000, 10_000)))
        if noise[0] >= MESSAGE_TYPES:
            return noise


def wait_closed(client):
    """Reads until the other side has closed; TimeoutError if it does not."""
    try:
        while client.recv(4096):
            pass
    except ConnectionResetError:
        pass  # it had not read all


if __name__ == "__main__":
    main()
