#!/usr/bin/env python3
"""The suite loses no failure of the classes that it runs in other processes."""

import asyncio
import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from harness import main
from suite import run_all, say

STORIES = """
import os, unittest

class Good(unittest.TestCase):
    def test_one(self): pass
    def test_two(self): pass

class Mixed(unittest.TestCase):
    def test_fails(self): self.fail("because")
    def test_breaks(self): raise ValueError("broken")
    @unittest.skip("no reason")
    def test_waits(self): pass

class Crash(unittest.TestCase):
    def test_crashes(self): os._exit(7)
"""


class Suite(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="posse-suite-")
        self.addCleanup(folder.cleanup)
        Path(folder.name, "told.py").write_text(STORIES, encoding="utf-8")
        patch = mock.patch.dict(os.environ, {"PYTHONPATH": folder.name})
        patch.start()
        self.addCleanup(patch.stop)

    def run_classes(self, *names, only=()):
        """@returns the exit code and what was said."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            total = asyncio.run(run_all([f"told.{name}" for name in names], 2, list(only)))
            code = say(total, 0)
        return code, said.getvalue()

    def test_all_counts_are_added(self):
        code, said = self.run_classes("Good", "Mixed")
        self.assertEqual(code, 1)
        self.assertIn("because", said)
        self.assertRegex(
            said, r"\nRan 5 tests in 0.000s\n\nFAILED \(failures=1, errors=1, skipped=1\)\n\Z"
        )

    def test_good_classes_are_ok(self):
        code, said = self.run_classes("Good")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"\nRan 2 tests in 0.000s\n\nOK\n\Z")

    def test_names_choose_tests(self):
        code, said = self.run_classes("Good", only=["one"])
        self.assertEqual(code, 0)
        self.assertRegex(said, r"\nRan 1 test in 0.000s\n\nOK\n\Z")

    def test_a_crash_is_an_error(self):
        code, said = self.run_classes("Good", "Crash")
        self.assertEqual(code, 1)
        self.assertIn("told.Crash: ended with 7", said)
        self.assertRegex(said, r"\nRan 3 tests in 0.000s\n\nFAILED \(errors=1\)\n\Z")

    def test_no_test_at_all_is_no_success(self):
        code, said = self.run_classes("Good", only=["nosuch"])
        self.assertEqual(code, 1)
        self.assertRegex(said, r"\nNO TESTS RAN\n\Z")


if __name__ == "__main__":
    main()
