"""Nodes of a cluster as processes of this machine, for tests to hurt.

    with Daemons(3, cluster={"heartbeat_ms": 50, "timeout_ms": 200}) as nodes:
        ...                      # posse run CONFIG --cluster nodes.config
        nodes.freeze("b")

Nodes are called a, b, c, ... Each works in a folder of its own, which is also
its TMPDIR. Leaving the block ends all of them and fails the test if one had
ended by itself, did not end well, or left a process, a port or a file behind.
"""

import os
import random
import re
import shutil
import signal
import socket
import string
import tempfile
import time
from pathlib import Path

from harness import POLL_SECONDS, Process, write_config

READY_SECONDS = 10
STOP_SECONDS = 5  # what the interface promises after SIGTERM
HOST = "127.0.0.1"
# Below the range from which Linux takes ports for outgoing connections: nobody
# is given one of these between the search for it and its use.
PORTS = range(20_000, 32_000)
READY = re.compile(r"^ready node=(\S+) port=(\d+)\n", re.MULTILINE)


def is_free(port):
    """Whether nobody listens there; connections that are fading away are no one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Different ports that are free now, drawn so that parallel tests differ."""
    draw = random.SystemRandom()
    found = set()
    while len(found) < count:
        port = draw.choice(PORTS)
        if is_free(port):
            found.add(port)
    return list(found)


def descendants_with(text):
    """The ids of all processes whose environment holds `text`, and their commands.

    This finds also those that left their process group or lost their parent."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                found[int(folder.name)] = command
        except OSError:
            continue  # ended, or another user's
    return found


def end_stray(pid):
    """Kills a process that is no child of ours; returns when it holds no port."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # just ended
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        # Its files are closed before it waits for its parent.
        if stat.rpartition(")")[2].split()[0] in "ZX":
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"process {pid} was killed and has not ended in {STOP_SECONDS} s")


class Daemons:
    """`count` nodes that accept work inside the `with` block.

    cluster and node hold keys of [cluster] and of every [[node]]; nodes holds
    {name: keys} for single ones, such as {"b": {"port": 0}}."""

    def __init__(
        self,
        count,
        cluster=None,
        node=None,
        nodes=None,
        ready_seconds=READY_SECONDS,
        stop_seconds=STOP_SECONDS,
    ):
        self.names = list(string.ascii_lowercase[:count])
        if len(self.names) != count:
            raise ValueError(f"expected at most {len(string.ascii_lowercase)} nodes, got {count}")
        self.ready_seconds = ready_seconds
        self.stop_seconds = stop_seconds
        self.ports = {}  # by name; of those with port 0 once they are ready
        self.folder = None
        self.config = None
        self._sections = (cluster or {}, node or {}, nodes or {})
        self._running = {}  # Process by name
        self._killed = set()  # names whose last end was none of their making

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="posse-daemons-")).resolve()
        self.config = self.folder / "cluster.toml"
        try:
            self._write_config()
            for name in self.names:
                (self.folder / name).mkdir()
                self._start(name)
            for name in self.names:
                self._wait_ready(name)
        except BaseException as error:
            self._leave(error)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self._leave(error)

    # -- what a test does to its nodes -----------------------------------------
    def kill(self, name):
        """Ends a node as a power cut does."""
        process = self._alive(name)
        process.kill()
        process.popen.wait()
        self._forget(name)
        self._killed.add(name)

    def freeze(self, name):
        """Stops a node's clock; returns when it stands still."""
        process = self._alive(name)
        process.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.popen.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self._alive(name)

    def thaw(self, name):
        """Lets a frozen node go on."""
        self._alive(name).signal(signal.SIGCONT)

    def stop(self, name):
        """Ends a node, frozen or not, as its user does; it has to end well."""
        self._alive(name)
        self._terminate(name)
        wrong = self._wait_end(name)
        if wrong:
            raise AssertionError("\n".join(wrong))

    def wait_end(self, name, code=0):
        """Waits for a node that something else ends, such as `posse node stop`."""
        wrong = self._wait_end(name, "it was told to", code)
        if wrong:
            raise AssertionError("\n".join(wrong))

    def restart(self, name):
        """Starts a node again, at its old port; one that runs is stopped first."""
        if name in self._running:
            self.stop(name)
        self._start(name)
        self._wait_ready(name)

    # -- what a test may look at -----------------------------------------------
    def pid(self, name):
        return self._alive(name).popen.pid

    def out(self, name):
        """What a node has printed on stdout since its last start."""
        return self._output(name, "out")

    def err(self, name):
        """What a node has printed on stderr since its last start."""
        return self._output(name, "err")

    # -- starting --------------------------------------------------------------
    def _write_config(self):
        cluster, every, single = self._sections
        unknown = set(single) - set(self.names)
        if unknown:
            raise ValueError(f"expected nodes of {self.names}, got {sorted(unknown)}")
        tables = [
            {"name": name, "host": HOST, "port": port, **every, **single.get(name, {})}
            for name, port in zip(self.names, free_ports(len(self.names)))
        ]
        self.ports = {table["name"]: table["port"] for table in tables}
        write_config(self.config, cluster=cluster, node=tables)

    def _start(self, name):
        args = ["node", "start", "--config", self.config, "--name", name]
        own = self.folder / name
        with (
            open(self.folder / f"{name}.out", "wb") as out,
            open(self.folder / f"{name}.err", "wb") as err,
        ):
            env = {**os.environ, "TMPDIR": str(own)}
            self._running[name] = Process(args, own, stdout=out, stderr=err, env=env)
        self._killed.discard(name)

    def _wait_ready(self, name):
        process = self._running[name]
        end = time.monotonic() + self.ready_seconds
        while not (ready := READY.search(self.out(name))):
            if process.ended():
                self._fail(name, f"ended with {process.popen.returncode} before it was ready")
            if time.monotonic() > end:
                self._fail(name, f"was not ready in {self.ready_seconds} s")
            time.sleep(POLL_SECONDS)
        expected = (name, str(self.ports[name] or ready[2]))
        if ready.groups() != expected:
            self._fail(name, f'expected "ready node={expected[0]} port={expected[1]}"')
        self.ports[name] = int(ready[2])

    # -- ending ----------------------------------------------------------------
    def _terminate(self, name):
        process = self._running[name]
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)

    def _wait_end(self, name, when="SIGTERM", code=0):
        """Waits for the end of a node that was told to. @returns complaints."""
        process = self._running[name]
        wrong = []
        end = time.monotonic() + self.stop_seconds
        while not process.ended() and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        if not process.ended():
            wrong.append(self._about(name, f"did not end in {self.stop_seconds} s after {when}"))
        elif process.popen.returncode != code:
            got = process.popen.returncode
            wrong.append(self._about(name, f"expected exit code {code} after {when}, got {got}"))
        if self._forget(name):
            wrong.append(self._about(name, "left a process of its group behind"))
        return wrong

    def _forget(self, name):
        """Ends what is left. @returns whether a process outlived the node."""
        return self._running.pop(name).close()

    def _leave(self, error):
        wrong = self._end_all() + self._find_leftovers()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            wrong.append(f"{self.folder} cannot be removed")
        if wrong and error is None:
            raise AssertionError("\n".join(wrong))
        for line in wrong:
            error.add_note(line)

    def _end_all(self):
        wrong = []
        for name, process in list(self._running.items()):
            if process.ended():
                code = process.popen.returncode
                wrong.append(self._about(name, f"ended by itself with {code}"))
                if self._forget(name):
                    wrong.append(self._about(name, "left a process of its group behind"))
        for name in self._running:
            self._terminate(name)
        for name in list(self._running):
            wrong += self._wait_end(name)
        return wrong

    def _find_leftovers(self):
        wrong = []
        for name, port in self.ports.items():
            if port and not is_free(port):
                wrong.append(f"node {name} left its port {port} taken")
        for pid, command in descendants_with(str(self.folder)).items():
            wrong.append(f"a node left the process {pid} behind: {command}")
            end_stray(pid)
        for name in self.names:
            # What a power cut leaves is for the next start to clear.
            left = [] if name in self._killed else sorted((self.folder / name).rglob("*"))
            if left:
                wrong.append(f"node {name} left files behind: {', '.join(map(str, left))}")
        return wrong

    # -- helpers ---------------------------------------------------------------
    def _alive(self, name):
        process = self._running.get(name)
        if process is None:
            raise ValueError(f"node {name}: expected one that runs, known are {self.names}")
        if process.ended():
            self._fail(name, f"ended by itself with {process.popen.returncode}")
        return process

    def _output(self, name, which):
        path = self.folder / f"{name}.{which}"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _about(self, name, what):
        return f"node {name}: {what}\nstdout: {self.out(name)}\nstderr: {self.err(name)}"

    def _fail(self, name, what):
        raise AssertionError(self._about(name, what))
