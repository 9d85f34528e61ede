#!/usr/bin/env python3
"""What README.md and docs/ tell a user to type is there, and parses."""

import re
import shlex
import unittest
from pathlib import Path

from harness import Story, main

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = ("", "sh", "bash", "console")  # what the blocks of commands are called
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")
PROGRAMS = ("posse", "build/release/apps/posse")
INPUTS = re.compile(r"^(apps|docs|test)/[\w./-]+\.\w+$")


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(text):
    """The command lines of a document's shell blocks, as lists of words."""
    found = []
    for language, block in BLOCK.findall(text):
        if language not in SHELL:
            continue
        for line in block.replace("\\\n", " ").splitlines():
            try:
                words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            except ValueError:
                continue  # a drawing with a lonely quote: no command
            if words:
                found.append(words)
    return found


def is_placeholder(word):
    """CONFIG, RUN_DIR, [--out DIR], ...: a synopsis is no command."""
    return word == "..." or bool(re.fullmatch(r"\[?[A-Z_]{2,}\S*|\[.*|.*\]", word))


class TheParser(unittest.TestCase):
    def test_finds_the_commands_of_shell_blocks_alone(self):
        text = "x\n```sh\n# a\n$ posse run a.toml \\\n  --quiet  # b\n```\n```toml\nrun = 1\n```\n"
        self.assertEqual(commands(text), [["posse", "run", "a.toml", "--quiet"]])


class Documentation(Story):
    def posse_commands(self):
        for path in documents():
            for words in commands(path.read_text(encoding="utf-8")):
                if words[0] in PROGRAMS and not any(map(is_placeholder, words)):
                    yield path.name, words[1:]

    def test_commands_and_their_options_are_known(self):
        helps = {}
        checked = 0
        for name, words in self.posse_commands():
            depth = 2 if words[0] in ("config", "node", "cluster") else 1
            command = tuple(words[:depth]) if not words[0].startswith("-") else ()
            if command not in helps:
                helps[command] = self.must(*command, "--help")
            for word in words:
                if word.startswith("--"):
                    known = rf"{re.escape(word.split('=')[0])}\b"
                    self.assertRegex(helps[command], known, f"{name}: {' '.join(words)}")
            checked += 1
        self.assertGreater(checked, 0, "README.md shows no command of posse")

    def test_configs_of_commands_are_valid(self):
        for name, words in self.posse_commands():
            configs = [word for word in words if word.endswith(".toml") and (ROOT / word).exists()]
            if words[0] not in ("run", "plan", "config") or not configs:
                continue
            sets = [
                word
                for here, there in zip(words, words[1:])
                if here == "--set"
                for word in ("--set", there)
            ]
            done = self.posse("config", "validate", ROOT / configs[0], *sets)
            self.assertEqual(done.code, 0, f"{name}: {' '.join(words)}: {done.err}")

    def test_keys_of_the_examples_have_a_row(self):
        text = (ROOT / "docs/config.md").read_text(encoding="utf-8")
        rows = set(re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE))
        for path in sorted((ROOT / "apps/examples").glob("*.toml")):
            printed = self.must("config", "print", path)
            keys = set(re.findall(r"^(\w+) = ", printed, re.MULTILINE))
            self.assertGreater(len(keys), 5, path.name)
            self.assertLessEqual(keys, rows, path.name)

    def test_files_of_commands_are_there(self):
        for path in documents():
            for words in commands(path.read_text(encoding="utf-8")):
                for word in words:
                    if INPUTS.match(word):
                        self.assertTrue((ROOT / word).exists(), f"{path.name}: {word}")

    def test_code_of_plugins_is_that_of_the_example(self):
        text = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
        shown = [block for language, block in BLOCK.findall(text) if language == "cpp"]
        self.assertGreater(len(shown), 0)
        sources = [
            path.read_text(encoding="utf-8")
            for path in (ROOT / "apps/examples/plugin").iterdir()
            if path.suffix in (".cpp", ".hpp")
        ]
        for block in shown:
            self.assertTrue(any(block in source for source in sources), block)

    def test_commands_of_dev_are_known(self):
        usage = (ROOT / "dev").read_text(encoding="utf-8")
        for path in documents():
            for words in commands(path.read_text(encoding="utf-8")):
                if words[0] == "./dev" and len(words) > 1:
                    self.assertRegex(usage, rf"(?m)^  {re.escape(words[1])}\b", path.name)

    def test_links_lead_somewhere(self):
        for path in documents():
            for link in LINK.findall(path.read_text(encoding="utf-8")):
                self.assertTrue((path.parent / link).exists(), f"{path.name}: {link}")


if __name__ == "__main__":
    main()
