"""What the stories share: starting posse, folders that vanish, tiny data sets.

The program's path comes in the environment variable POSSE. Every process is the
leader of a process group of its own and has a deadline; what is left of a group
when its test ends is killed by its id, and that fails the test.

Loading LibTorch is most of what a short command takes. Where POSSE_LOADED names the
program of loaded_program.cpp, commands that a story runs to their end are forked from
it; what a story starts, signals or gives an environment is started as users do.
"""

import ctypes
import functools
import gzip
import json
import math
import os
import random
import resource
import signal
import struct
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

from loaded import LoadedProgram, kill_group

EXAMPLES = Path(__file__).resolve().parents[2] / "apps/examples"
DEADLINE_SECONDS = 120  # of one command; each takes about a second
POLL_SECONDS = 0.01

# A test that is told to end does as with Ctrl-C: it still removes its folders.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# Where posse remembers trials: not in the user's folder, where they would decide how
# these stories compute. Tools of the build keep the user's, and ccache what it knows.
CACHE = tempfile.TemporaryDirectory(prefix="posse-stories-")

USERS_ENVIRONMENT = dict(os.environ)

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>


def end_with_parent(number):
    """Has this process, just started, get a signal when its parent ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, number)


def with_own_cache(environment):
    return {**environment, "XDG_CACHE_HOME": CACHE.name}


@functools.cache
def loaded_program():
    """The program of loaded_program.cpp, started; None where none was built."""
    path = os.environ.get("POSSE_LOADED")
    if not path:
        return None
    return LoadedProgram(path, with_own_cache(os.environ), lambda: end_with_parent(signal.SIGKILL))


def program():
    """The absolute path of the program under test."""
    path = os.environ.get("POSSE")
    if not path:
        raise SystemExit("POSSE is not set: give the path of the program posse")
    path = os.path.abspath(path)
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise SystemExit(f"POSSE={path}: expected a program")
    return path


@dataclass
class Done:
    """What a command that has ended left behind."""

    code: int
    out: str
    err: str


class Process:
    """A running posse, in a process group of its own."""

    def __init__(
        self,
        args,
        cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        memory_bytes=None,
        env=None,
    ):
        def prepare():
            end_with_parent(signal.SIGKILL)  # even if its test is killed
            if memory_bytes:
                resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

        self.args = [str(arg) for arg in args]
        self.popen = subprocess.Popen(
            [program(), *self.args],
            cwd=cwd,
            env=with_own_cache(os.environ if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=prepare,
        )

    def wait(self, seconds=DEADLINE_SECONDS):
        """Waits for its end; kills it and fails loudly after the deadline."""
        try:
            out, err = self.popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.popen.communicate()
            raise late(self, seconds, out, err) from None
        return Done(self.popen.returncode, out or "", err or "")

    def ended(self):
        return self.popen.poll() is not None

    def signal(self, number):
        """Signals the program alone, as `kill` does."""
        self.popen.send_signal(number)

    def kill(self):
        """Kills its group. @returns whether any of it was still there."""
        return kill_group(self.popen.pid)

    def close(self):
        """Ends it. @returns whether a process of its group was left over."""
        running = not self.ended()
        left = self.kill()
        if running:
            self.popen.wait()
        for stream in (self.popen.stdout, self.popen.stderr):
            if stream:
                stream.close()
        return left and not running

    def __str__(self):
        return " ".join(["posse", *self.args])


def late(command, seconds, out, err):
    return AssertionError(f"{command} did not end in {seconds} s\nstdout: {out}\nstderr: {err}")


class Story(unittest.TestCase):
    """Tests in one temporary folder, `self.folder`, in which posse is started.

    setUpClass() of a subclass may fill the folder for all of its tests."""

    maxDiff = 4000
    as_users_do = False  # True: every command loads LibTorch itself

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="posse-system-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name).resolve()

    @classmethod
    def start(cls, *args, **options):
        """Starts posse; the caller closes it."""
        return Process(args, cls.folder, **options)

    @classmethod
    def posse(cls, *args, **options):
        """Runs posse to its end."""
        if not (options or cls.as_users_do) and os.environ == USERS_ENVIRONMENT:
            if loaded := loaded_program():
                return cls.run_loaded(loaded, args)
        process = cls.start(*args, **options)
        try:
            return process.wait()
        finally:
            if process.close():
                raise AssertionError(f"{process} left a process behind")

    @classmethod
    def run_loaded(cls, loaded, args):
        command = " ".join(["posse", *map(str, args)])
        code, out, err, left = loaded.run(args, cls.folder, DEADLINE_SECONDS)
        if code is None:
            raise late(command, DEADLINE_SECONDS, out, err)
        if left:
            raise AssertionError(f"{command} left a process behind")
        return Done(code, out, err)

    @classmethod
    def must(cls, *args, **options):
        """Runs posse, which has to end well. @returns its stdout."""
        done = cls.posse(*args, **options)
        if done.code != 0:
            raise AssertionError(
                f"posse {' '.join(map(str, args))} ended with {done.code}\n{done.err}"
            )
        return done.out

    @classmethod
    def train(cls, config, out, *args):
        """Runs `config` into `out`. @returns its result.json."""
        cls.must("run", config, "--out", out, "--quiet", *args)
        return read_json(cls.folder / out / "result.json")

    def refused(self, *args, pattern, **options):
        """Asserts that posse calls the user's input wrong: exit code 2, one line
        on stderr that matches `pattern`, nothing on stdout, nothing written."""
        before = snapshot(self.folder)
        done = self.posse(*args, **options)
        lines = done.err.splitlines()
        self.assertEqual(done.code, 2, done)
        self.assertEqual(len(lines), 1, done.err)
        self.assertRegex(lines[0], pattern)
        self.assertEqual(done.out, "")
        self.assertEqual(snapshot(self.folder), before)

    def wait_until(self, process, what, condition, poll_seconds=POLL_SECONDS):
        """Polls until `condition()` holds; fails when `process` ends before."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if process.ended():
                self.fail(f"{process} ended before {what}: {process.wait()}")
            if time.monotonic() > end:
                self.fail(f"{process}: waited {DEADLINE_SECONDS} s for {what}")
            time.sleep(poll_seconds)


# -- reading what runs leave ---------------------------------------------------
def snapshot(folder):
    """{path: contents} of all files, None for folders, below `folder`.

    Locks are no results: a refused resume may have held one."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.name != ".lock"
    }


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_log(run):
    """The lines of a run's log that are complete; none before it has one."""
    path = Path(run) / "log.jsonl"
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def has_started(run):
    """Whether a run has begun to train."""
    return any(event["event"] == "start" for event in read_log(run))


def split_table(text):
    """(columns, rows of texts) of comma-separated text."""
    header, *rows = [line.split(",") for line in text.splitlines()]
    return header, rows


def read_table(path):
    """{column: [number]} of a CSV file."""
    header, rows = split_table(Path(path).read_text(encoding="utf-8"))
    return {name: [float(row[i]) for row in rows] for i, name in enumerate(header)}


def without(text, *columns):
    """Comma-separated text without some of its columns."""
    header, rows = split_table(text)
    kept = [i for i, name in enumerate(header) if name not in columns]
    return [[row[i] for i in kept] for row in [header, *rows]]


def hashes(result):
    """What equal runs have in common, to the bit."""
    return result["parameters_sha256"], result["state_sha256"]


# -- making what runs read -----------------------------------------------------
def write_table(path, columns, rows):
    lines = [",".join(columns), *(",".join(str(x) for x in row) for row in rows)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_regression(path, rows=60):
    """Two features and a noisy sum of functions of them, the last column."""
    draw = random.Random(7)
    table = []
    for _ in range(rows):
        a, b = draw.uniform(-2, 2), draw.uniform(-2, 2)
        table.append([a, b, 20 + 3 * math.sin(a) + b + draw.gauss(0, 0.3)])
    write_table(path, ["a", "b", "y"], table)


def write_config(path, **sections):
    """Writes a TOML file; JSON's literals are TOML's as well. A list of sections
    becomes an array of tables."""
    lines = []
    for name, section in sections.items():
        many = isinstance(section, list)
        for keys in section if many else [section]:
            lines.append(f"[[{name}]]" if many else f"[{name}]")
            lines += [f"{key} = {json.dumps(x)}" for key, x in keys.items()]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_small_run(folder, algorithm="deep_ensemble", name="small", fuse="off", **infer):
    """NAME.toml and data.csv: three tiny networks on the regression data.

    @returns the config's file name."""
    write_regression(Path(folder) / "data.csv")
    config = f"{name}.toml"
    write_config(
        Path(folder) / config,
        run={"name": name, "seed": 3, "fuse": fuse},
        data={"path": "data.csv", "test_fraction": 0.2},
        model={"hidden": [8]},
        infer={
            "algorithm": algorithm,
            "particles": 3,
            "steps": 40,
            **({} if algorithm == "hmc" else {"batch": 16}),  # which takes all rows
            **infer,
        },
    )
    return config


def write_images(folder, classes, train=80, test=40, side=28, zipped=True):
    """The four idx files: noise, and a bright bar whose place tells the class."""
    draw = random.Random(11)
    folder = Path(folder)
    folder.mkdir()
    for prefix, count in (("train", train), ("t10k", test)):
        labels = bytes(i % classes for i in range(count))
        pixels = bytearray(draw.randrange(60) for _ in range(count * side * side))
        for i, label in enumerate(labels):
            row = i * side + 2 + label * (side - 4) // classes
            for j in range(row * side + 4, row * side + side - 4):
                pixels[j] = 255
        for name, data in (
            (f"{prefix}-images-idx3-ubyte", struct.pack(">4I", 2051, count, side, side) + pixels),
            (f"{prefix}-labels-idx1-ubyte", struct.pack(">2I", 2049, count) + labels),
        ):
            if zipped:
                (folder / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (folder / name).write_bytes(data)


def read_images(folder, prefix):
    """The images of an idx file, zipped or not, as bytes each."""
    path = Path(folder) / f"{prefix}-images-idx3-ubyte"
    data = (
        path.read_bytes()
        if path.exists()
        else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
    )
    magic, count, height, width = struct.unpack_from(">4I", data)
    if magic != 2051 or len(data) != 16 + count * height * width:
        raise ValueError(f"{path}: expected an idx file of images")
    size = height * width
    return [data[16 + i * size : 16 + (i + 1) * size] for i in range(count)]


def main():
    """Runs the stories of the file that was started."""
    unittest.main(module="__main__", verbosity=2)
