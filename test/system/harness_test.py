#!/usr/bin/env python3
"""The harness notices what it is for: tried on programs that misbehave."""

import os
import unittest
from unittest import mock

from harness import Process, Story, main


class Misbehaviour(Story):
    def pretend(self, script):
        """Makes a shell script the program under test."""
        path = self.folder.parent / f"{self.folder.name}-program"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o700)
        self.addCleanup(path.unlink)
        patch = mock.patch.dict(os.environ, {"POSSE": str(path)})
        patch.start()
        self.addCleanup(patch.stop)

    def assert_refusal_fails(self, script):
        self.pretend(script)
        with self.assertRaises(AssertionError):
            self.refused(pattern="^wrong: x$")

    def test_one_line_and_exit_code_2_is_a_refusal(self):
        self.pretend("echo 'wrong: x' >&2; exit 2")
        self.refused(pattern="^wrong: x$")

    def test_another_exit_code_is_none(self):
        self.assert_refusal_fails("echo 'wrong: x' >&2; exit 3")

    def test_two_lines_are_none(self):
        self.assert_refusal_fails("echo 'wrong: x' >&2; echo 'and y' >&2; exit 2")

    def test_another_text_is_none(self):
        self.assert_refusal_fails("echo 'wrong: y' >&2; exit 2")

    def test_something_on_stdout_is_none(self):
        self.assert_refusal_fails("echo 'wrong: x' >&2; echo result; exit 2")

    def test_something_written_is_none(self):
        self.assert_refusal_fails("mkdir new; echo 'wrong: x' >&2; exit 2")

    def test_a_program_that_hangs_is_killed_after_its_deadline(self):
        self.pretend("echo begun; sleep 600 & sleep 600")
        process = Process(["run"], self.folder)
        # Returns only when nobody holds its stdout: its child ended as well.
        with self.assertRaisesRegex(AssertionError, "not end in 0.5 s\nstdout: begun"):
            process.wait(seconds=0.5)
        process.close()

    def test_a_process_that_is_left_behind_is_found(self):
        self.pretend("sleep 600 >/dev/null 2>&1 &")
        with self.assertRaisesRegex(AssertionError, "left a process behind"):
            self.posse()

    def test_a_failed_command_shows_why(self):
        self.pretend("echo because >&2; exit 3")
        with self.assertRaisesRegex(AssertionError, "because"):
            self.must("run")


class NoProgram(unittest.TestCase):
    def test_is_said(self):
        for path in ("", "/no/such/program", "/"):
            with mock.patch.dict(os.environ, {"POSSE": path}):
                with self.assertRaises(SystemExit):
                    Process(["run"], "/")


if __name__ == "__main__":
    main()
