#!/usr/bin/env python3
"""Compiles every header alone: each includes all that it needs.

usage: headers_test.py ROOT BUILD_FOLDER

The flags are those of the layer's own sources in compile_commands.json, without
the precompiled header, which would hide what is missing. What compiled once is
not compiled again until it, a header it includes, or the flags change.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDERS = ["messages", "runtime", "actors", "apps", "test"]
QUOTED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
JOBS = min(2, int(os.environ.get("POSSE_JOBS", "2")))
# GCC would walk through a heap of a gigabyte a dozen times to make room, which takes
# longer than the rest where memory is slow.
KEEP_GARBAGE = ["--param=ggc-min-heapsize=1000000", "--param=ggc-min-expand=400"]


def strip_outputs(command):
    """The compiler call without input, outputs and precompiled header."""
    words = shlex.split(command)
    if Path(words[0]).name == "ccache":
        words.pop(0)  # it does not cache a check of the syntax
    kept = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MQ", "-MT", "-include"):
            skip = True
        elif word not in ("-c", "-MD", "-Winvalid-pch", "-fpch-preprocess") and (
            word.startswith("-") or word == words[0] or not word.endswith(".cpp")
        ):
            kept.append(word)
    return kept


def flags_of_folders(build):
    """{folder: (compiler call, folder to call it in)}; the first source wins."""
    flags = {}
    database = json.loads((build / "compile_commands.json").read_text())
    for entry in database:
        if not entry["file"].endswith(".cpp"):
            continue
        source = (Path(entry["directory"]) / entry["file"]).resolve()
        flags.setdefault(source, (strip_outputs(entry["command"]), entry["directory"]))
    return flags


def flags_for(header, root, flags):
    """The flags of the source that lies nearest to `header`."""

    def common(source):
        if not source.is_relative_to(root):
            return -1
        pair = zip(source.relative_to(root).parts, header.relative_to(root).parts)
        depth = 0
        for a, b in pair:
            if a != b:
                break
            depth += 1
        return depth

    # Of equally near ones, the one with the most flags: some need fewer libraries. It
    # serves a folder without sources of its own, too.
    def preferred(source):
        return max(common(source), 0), len(flags[source][0])

    best = max(flags, key=preferred)
    return flags[best]


def digest(header, root, call):
    """A hash of the call and of all project files that `header` reaches."""
    seen = set()
    waiting = [header]
    while waiting:
        path = waiting.pop()
        if path not in seen and path.is_file():
            seen.add(path)
            text = path.read_text(encoding="utf-8")
            waiting += [root / name for name in QUOTED.findall(text)]
    total = hashlib.sha256(shlex.join(call).encode())
    for path in sorted(seen):
        total.update(path.read_bytes())
    return total.hexdigest()


def complain(header, call, folder):
    """What the compiler says about `header` alone; empty if it is content."""
    done = subprocess.run(
        [*call, *KEEP_GARBAGE, "-fsyntax-only", "-include", str(header), "-x", "c++", "/dev/null"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def check(root, build):
    """{header: what the compiler said} of all headers that do not stand alone."""
    flags = flags_of_folders(build)
    stamp = build / "headers-stamp.json"
    known = json.loads(stamp.read_text()) if stamp.exists() else {}
    jobs = {}
    for folder in FOLDERS:
        for header in sorted((root / folder).rglob("*.hpp")):
            if header.parent.name == "pch":
                continue  # compiled by every build
            call, where = flags_for(header, root, flags)
            name = header.relative_to(root).as_posix()
            jobs[name] = (header, call, where, digest(header, root, call))
    todo = [name for name, job in jobs.items() if known.get(name) != job[3]]
    with ThreadPoolExecutor(JOBS) as pool:
        said = dict(zip(todo, pool.map(lambda name: complain(*jobs[name][:3]), todo)))
    good = {name: job[3] for name, job in jobs.items() if not said.get(name)}
    stamp.write_text(json.dumps(good, indent=1))
    return {name: text for name, text in said.items() if text}


class TheRuleCanFail(unittest.TestCase):
    def test_a_header_that_lacks_an_include_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            (root / "runtime").mkdir()
            (root / "runtime/good.hpp").write_text("#include <string>\nstd::string f();\n")
            (root / "runtime/bad.hpp").write_text("std::string g();\n")
            (root / "compile_commands.json").write_text(
                json.dumps(
                    [
                        {
                            "directory": folder,
                            "file": "runtime/a.cpp",
                            "command": "ccache g++ -std=c++20 -o a.o -c runtime/a.cpp",
                        }
                    ]
                )
            )
            for _ in range(2):  # a failure must not be remembered as content
                self.assertEqual(list(check(root, root)), ["runtime/bad.hpp"])


class TheTree(unittest.TestCase):
    root = build = Path()

    def test_every_header_stands_alone(self):
        said = check(self.root, self.build)
        self.assertEqual(list(said), [], "\n" + "\n".join(said.values()))


if __name__ == "__main__":
    TheTree.root = Path(sys.argv.pop(1)).resolve()
    TheTree.build = Path(sys.argv.pop(1)).resolve()
    unittest.main()
