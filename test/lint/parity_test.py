#!/usr/bin/env python3
"""docs/push-parity.md keeps its word: each row has a header and a test that runs.

usage: parity_test.py ROOT PROGRAM...

PROGRAM is a program of Catch2 tests, whose visible tests count as run: the
suites run all of them.
"""

import difflib
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path()
PROGRAMS = []

# A row of a table, and a cell of it: vertical bars in code would end neither.
ROW = re.compile(r"^\| (`.*) \|$", re.MULTILINE)
COLUMNS = 5  # PusH's name, ours, header, test, different on purpose
NOT_YET = "not yet"


def rows(text):
    """The cells of each row that begins with a name of PusH."""
    return [[cell.strip() for cell in row.split("|")] for row in ROW.findall(text)]


def visible_tests(program):
    """The names of the tests that the program runs when it is given none."""
    listed = subprocess.run(
        [program, "--list-tests", "~[.]", "--verbosity", "quiet"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(listed.stdout.splitlines())


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows((ROOT / "docs/push-parity.md").read_text(encoding="utf-8"))
        cls.tests = set().union(*map(visible_tests, PROGRAMS))

    def for_each_row(self, check):
        for row in self.rows:
            with self.subTest(row=row[0]):
                check(*row)

    def test_rows_are_complete(self):
        self.assertGreater(len(self.rows), 100)
        for row in self.rows:
            with self.subTest(row=row[0]):
                self.assertEqual(len(row), COLUMNS)

    def test_no_item_has_two_rows(self):
        names = [row[0] for row in self.rows]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_headers_are_there(self):
        def check(_name, ours, header, *_rest):
            if ours != NOT_YET:
                self.assertTrue((ROOT / header.strip("`")).is_file(), header)

        self.for_each_row(check)

    def test_tests_are_run(self):
        def check(_name, ours, _header, test, _different):
            if ours != NOT_YET:
                near = difflib.get_close_matches(test, self.tests, 1)
                self.assertTrue(test in self.tests, f'no test "{test}" is run; nearest: {near}')

        self.for_each_row(check)


class Reading(unittest.TestCase):
    def test_a_row_has_its_cells(self):
        table = "| PusH | posse |\n|---|---|\n| `A.b` | `c` | d.hpp | a test | |\n"
        self.assertEqual(rows(table), [["`A.b`", "`c`", "d.hpp", "a test", ""]])


if __name__ == "__main__":
    ROOT = Path(sys.argv[1])
    PROGRAMS = sys.argv[2:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
