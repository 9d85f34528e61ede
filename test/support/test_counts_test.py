"""Tests of test_counts.py: a count that is wrong would hide a failed test."""

import contextlib
import io
import unittest

from test_counts import Counts, count_program, main, skip_reasons


def program(stdout="", stderr="", result="OK"):
    return {"name": "x", "stdout": stdout, "stderr": stderr, "result": result}


class TestCounts(unittest.TestCase):
    def test_catch_counts_cases_not_assertions(self):
        text = "All tests passed (42 assertions in 7 test cases)\n"
        self.assertEqual(count_program(program(text)), Counts(passed=7))

    def test_catch_table_holds_failed_and_skipped(self):
        text = (
            "test cases:  9 |  6 passed | 1 failed | 2 skipped\n"
            "assertions: 20 | 19 passed | 1 failed\n"
        )
        self.assertEqual(
            count_program(program(text, result="FAIL")), Counts(6, 1, 2)
        )

    def test_catch_expected_failures_pass(self):
        text = "test cases: 3 | 2 passed | 1 failed as expected\n"
        self.assertEqual(count_program(program(text)), Counts(passed=3))

    def test_unittest_counts_errors_as_failures(self):
        text = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n"
        self.assertEqual(
            count_program(program(stderr=text, result="FAIL")), Counts(2, 2, 1)
        )

    def test_unittest_all_passed(self):
        text = "Ran 1 test in 0.000s\n\nOK\n"
        self.assertEqual(count_program(program(stderr=text)), Counts(passed=1))

    def test_a_crash_without_a_summary_is_one_failure(self):
        self.assertEqual(count_program(program(result="FAIL")), Counts(failed=1))
        self.assertEqual(
            count_program(program(result="TIMEOUT")), Counts(failed=1)
        )

    def test_a_crash_after_all_cases_is_a_failure_too(self):
        text = "All tests passed (2 assertions in 2 test cases)\n"
        self.assertEqual(
            count_program(program(text, result="FAIL")), Counts(2, 1)
        )

    def test_a_wrapped_reason_for_a_skip_is_put_together(self):
        text = (
            "a_test.cpp:3: SKIPPED:\nexplicitly with message:\n"
            "  no GPU: the driver\n  is missing\n\nmore\n"
        )
        self.assertEqual(
            skip_reasons(program(text)), ["no GPU: the driver is missing"]
        )

    def test_a_run_without_any_test_is_a_failure(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertEqual(main("/nonexistent/testlog.json", 0), 1)
        self.assertEqual(said.getvalue().splitlines()[-1], "0 passed, 1 failed")


if __name__ == "__main__":
    unittest.main()
