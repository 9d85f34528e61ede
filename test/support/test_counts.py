#!/usr/bin/env python3
"""Counts the test cases behind a `meson test`, whose own unit is a program.

usage: test_counts.py TESTLOG.json MESON_EXIT_STATUS

Reads what Catch2 (v3, console reporter) and Python's unittest wrote at the end
of each program's output. A program that says neither, because it crashed or
because it is no collection of cases, counts as one. The last line printed is
`N passed, N failed` (with `, N skipped` where there are any); the exit status
is 1 if anything failed.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

CATCH_ALL_PASSED = re.compile(
    r"^All tests passed \(.* in (\d+) test cases?\)", re.MULTILINE
)
CATCH_TABLE = re.compile(r"^test cases:(.*)$", re.MULTILINE)
CATCH_SKIP = re.compile(
    r": SKIPPED:\n(?:explicitly with message:\n)?((?:  .*\n)*)"
)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
UNITTEST_SKIP = re.compile(r"\.\.\. skipped ['\"](.*)['\"]$", re.MULTILINE)


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_catch(output):
    """The counts at the end of a Catch2 program's output, or None."""
    if tables := CATCH_TABLE.findall(output):
        words = dict(
            reversed(field.split(maxsplit=1))
            for field in tables[-1].split("|")[1:]
        )
        words = {word.strip(): int(n) for word, n in words.items()}
        # "failed as expected" ([!shouldfail]) is what was wanted.
        return Counts(
            words.get("passed", 0) + words.get("failed as expected", 0),
            words.get("failed", 0),
            words.get("skipped", 0),
        )
    if totals := CATCH_ALL_PASSED.findall(output):
        return Counts(passed=int(totals[-1]))
    return None


def count_unittest(output):
    """The counts at the end of a unittest program's output, or None."""
    ran, end = UNITTEST_RAN.findall(output), UNITTEST_END.findall(output)
    if not ran or not end:
        return None
    extra = dict(
        item.split("=") for item in end[-1].split(", ") if "=" in item
    )
    extra = {word: int(n) for word, n in extra.items()}
    failed = (
        extra.get("failures", 0)
        + extra.get("errors", 0)
        + extra.get("unexpected successes", 0)
    )
    skipped = extra.get("skipped", 0)
    return Counts(int(ran[-1]) - failed - skipped, failed, skipped)


def count_program(entry):
    """The counts of one line of Meson's testlog.json."""
    output = f"{entry.get('stdout', '')}\n{entry.get('stderr', '')}"
    counts = count_catch(output) or count_unittest(output)
    result = entry["result"]
    if result == "SKIP" and not counts:
        return Counts(skipped=1)
    ok = result in ("OK", "EXPECTEDFAIL", "SKIP")
    if counts is None:
        return Counts(passed=int(ok), failed=int(not ok))
    if not ok and counts.failed == 0:
        counts.failed = 1  # crashed, or a sanitizer spoke, after its cases
    return counts


def skip_reasons(entry):
    """What the program's skipped cases gave as reasons, unwrapped."""
    output = f"{entry.get('stdout', '')}\n{entry.get('stderr', '')}"
    reasons = CATCH_SKIP.findall(output) + UNITTEST_SKIP.findall(output)
    return [" ".join(reason.split()) or "no reason given" for reason in reasons]


def main(log, status):
    lines = Path(log).read_text().splitlines() if Path(log).exists() else []
    entries = [json.loads(line) for line in lines]
    total = Counts()
    reasons = {}
    print()
    for entry in sorted(entries, key=lambda e: e["name"]):
        counts = count_program(entry)
        total += counts
        name = entry["name"].split(":")[-1]  # without suite and project
        print(f"{name:<20} {entry['duration']:7.1f} s   {counts}")
        for reason in skip_reasons(entry):
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, n in sorted(reasons.items()):
        print(f"skipped {n}: {reason}")
    if not entries:
        print(f"no test ran (meson test ended with status {status})")
        total.failed = 1
    elif status != 0 and total.failed == 0:
        print(f"meson test ended with status {status} without a failed test")
        total.failed = 1
    print(total)
    return int(total.failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
