#!/usr/bin/env python3
"""Reads every text of the repository and fails on words that do not belong.

usage: text_test.py [ROOT]

No file names a package registry's host (a mirror is read from the machine's own
settings), a path of one machine, or work left undone without an owner. The
patterns below are written so that they do not find themselves.
"""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

RULES = {
    "a registry's host name": re.compile(
        r"pypi\.org|pythonhosted\.org|(deb|security|snapshot)\.debian\.org"
        r"|(archive|security|ports)\.ubuntu\.com|download\.pytorch\.org"
        r"|developer\.download\.nvidia\.com|anaconda\.(org|com)"
        r"|registry\.npmjs\.org|\bcrates\.io|\b(ghcr|docker|quay)\.io\b",
        re.IGNORECASE,
    ),
    "a path of one machine": re.compile(
        r"(?<![\w.}$/-])/(root|work|home/\w+|Users/\w+)/(?!\*)|/tmp/(wt|probe)\b"
    ),
    "work without an owner": re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b(?!\(\S+\))"),
}
SKIP = {".csv", ".png", ".gz", ".safetensors", ".npy"}


def tracked_files(root):
    """What git tracks or would track; an exported tree has no git: all."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [root / name for name in listed.stdout.split("\0") if name]
    return [
        path
        for path in root.rglob("*")
        if path.relative_to(root).parts[0] not in ("build", ".git")
    ]


def check(root):
    """All complaints about the files under `root`, one a line."""
    complaints = []
    for path in tracked_files(root):
        if path.suffix in SKIP or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(
            data.decode("utf-8", errors="replace").splitlines(), start=1
        ):
            for what, pattern in RULES.items():
                if match := pattern.search(line):
                    complaints.append(
                        f"{path.relative_to(root)}:{number}: {what}: {match[0]}"
                    )
    return complaints


class TheRulesCanFail(unittest.TestCase):
    def complaints(self, text):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.md").write_text(text, encoding="utf-8")
            return check(Path(folder))

    def test_plain_text_has_no_complaints(self):
        self.assertEqual(
            self.complaints("pip install torch\n/path/to/root/x\n# TODO(ann): x\n"), []
        )

    def test_each_rule_finds_what_it_is_for(self):
        for text in (
            "https://" + "py" + "pi.org/simple",
            "deb http://" + "deb" + ".debian.org/debian",
            "/ro" + "ot/x",
            'cd "/ho' + 'me/ann/posse"',
            "// TO" + "DO: later",
        ):
            self.assertEqual(len(self.complaints(text)), 1, text)


class TheTree(unittest.TestCase):
    root = Path(__file__).resolve().parents[2]

    def test_no_file_holds_such_words(self):
        complaints = check(self.root)
        self.assertEqual(complaints, [], "\n" + "\n".join(complaints))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TheTree.root = Path(sys.argv.pop(1)).resolve()
    unittest.main()
