#!/usr/bin/env python3
"""Runs all stories: every *_test.py of this folder, its classes side by side.

usage: POSSE=/path/to/posse suite.py [--jobs N] [NAME...]

NAME is a part of a test's name; default: all tests. N classes run at a time, each
in a process of its own; default: one a core, since a story keeps about one busy.
What a class says is shown when it has ended, and the last lines count all tests as
unittest does.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
import unittest
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness import end_with_parent

HERE = Path(__file__).resolve().parent


@dataclass
class Ended:
    """What became of the tests of one class."""

    output: str
    counts: Counter  # of tests run, failures, errors, ...; empty when it crashed


def loader(names):
    found = unittest.TestLoader()
    if names:
        found.testNamePatterns = [f"*{name}*" for name in names]
    return found


def tests_in(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_in(each)
        else:
            yield each


def classes_in(suite):
    """The names of the test classes, in their order, as `module.Class`; first those
    that say `takes_long`: the others run beside them."""
    found = dict.fromkeys(type(each) for each in tests_in(suite))
    ordered = sorted(found, key=lambda each: not getattr(each, "takes_long", False))
    return [f"{each.__module__}.{each.__qualname__}" for each in ordered]


# -- one class -----------------------------------------------------------------
def run_class(name, names):
    """Runs it here; the counts go to stdout for run_all()."""
    found = loader(names).loadTestsFromName(name)
    result = unittest.TextTestRunner(verbosity=2).run(found)
    counts = {
        "tests": result.testsRun,
        "failures": len(result.failures),
        "errors": len(result.errors),
        "skipped": len(result.skipped),
        "expected failures": len(result.expectedFailures),
        "unexpected successes": len(result.unexpectedSuccesses),
    }
    print(json.dumps(counts))


async def start_class(name, names):
    """Runs it in a process that ends when this one does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--class",
        name,
        *names,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: end_with_parent(signal.SIGTERM),
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    output = err.decode(errors="replace")
    if process.returncode != 0:
        return Ended(f"{output}\n{name}: ended with {process.returncode}\n", Counter())
    return Ended(output, Counter(json.loads(out.splitlines()[-1])))


# -- all classes ---------------------------------------------------------------
async def run_all(classes, jobs, names):
    """@returns the counts of all tests; a class that crashed is one error."""
    free = asyncio.Semaphore(jobs)
    total = Counter()

    async def run(name):
        async with free:
            ended = await start_class(name, names)
        print(ended.output, file=sys.stderr, flush=True)
        total.update(ended.counts or Counter(tests=1, errors=1))

    async with asyncio.TaskGroup() as group:
        for name in classes:
            group.create_task(run(name))
    return total


def say(total, seconds):
    """Says all counts as unittest says those of one program. @returns the exit code."""
    count = total.pop("tests", 0)
    if not count:
        print("NO TESTS RAN", file=sys.stderr)
        return 1
    bad = any(total[kind] for kind in ("failures", "errors", "unexpected successes"))
    extra = ", ".join(f"{kind}={n}" for kind, n in total.items() if n)
    print(f"Ran {count} test{'' if count == 1 else 's'} in {seconds:.3f}s\n", file=sys.stderr)
    print(("FAILED" if bad else "OK") + (f" ({extra})" if extra else ""), file=sys.stderr)
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description="Runs the stories.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="classes at a time")
    parser.add_argument("--class", dest="one", metavar="MODULE.CLASS", help="this class, here")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of a test's name")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f"--jobs {args.jobs}: expected at least 1")
    if args.one:
        run_class(args.one, args.names)
        return 0
    classes = classes_in(loader(args.names).discover(str(HERE), pattern="*_test.py"))
    began = time.monotonic()
    total = asyncio.run(run_all(classes, args.jobs, args.names))
    return say(total, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
