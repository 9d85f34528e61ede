#!/usr/bin/env python3
"""Runs all stories: every *_test.py of this folder.

usage: POSSE=/path/to/posse suite.py [NAME...]    (default: all; NAME is a part
of a test's name)
"""

import sys
import unittest
from pathlib import Path


def main(names):
    loader = unittest.TestLoader()
    if names:
        loader.testNamePatterns = [f"*{name}*" for name in names]
    found = loader.discover(str(Path(__file__).parent), pattern="*_test.py")
    result = unittest.TextTestRunner(verbosity=2).run(found)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
