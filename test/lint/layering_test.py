#!/usr/bin/env python3
"""Reads every #include and fails when the layers do not hold.

usage: layering_test.py [ROOT]

A layer may include itself and those above it in this list: messages, runtime,
actors, apps. Besides, messages/ is free of LibTorch and CUDA, runtime/ is free
of CAF and sees only the CAF-free vocabulary of messages/, no header pulls in
all of LibTorch, and no header includes itself through others. The rules are
tried on made-up trees first: a test that cannot fail says nothing.
"""

import re
import sys
import tempfile
import unittest
from pathlib import Path

LAYERS = ["messages", "runtime", "actors", "apps"]
SUFFIXES = {".hpp", ".cpp", ".cu", ".cuh"}
EXAMPLES = "apps/examples"  # projects of their own, which find posse by pkg-config

# What runtime/ may see of messages/, and what must stay free of CAF for it.
VOCABULARY = {
    f"messages/{name}.hpp"
    for name in (
        "errc",
        "failure",
        "overloaded",
        "particle_id",
        "real64",
        "tensor_blob",
        "trace_log",
        "value",
        "codec",
        "batch_ref",
        "version",
        "transfer/chunk",
        "transfer/chunk_memory",
        "transfer/crc32c",
        "transfer/growing_buffer",
        "transfer/payload_codec",
        "transfer/payload_mapping",
        "transfer/scattered_payload",
        "transfer/shared_bytes",
        "transfer/transfer_events",
        "transfer/transfer_limits",
        "transfer/transfer_receiver",
        "transfer/transfer_sender",
    )
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
CAF = re.compile(r"caf/")
LIBTORCH = re.compile(r"(torch|ATen|c10)/")
CUDA = re.compile(r"(cuda|nvtx|cublas|driver_types)")
ALL_OF_LIBTORCH = {"torch/torch.h", "ATen/ATen.h"}


def read_tree(root):
    """{path: (quoted includes, angle includes)} of the layers' sources."""
    tree = {}
    for layer in LAYERS:
        for path in sorted((root / layer).rglob("*")):
            if path.is_relative_to(root / EXAMPLES):
                continue
            if path.suffix in SUFFIXES and path.is_file():
                found = INCLUDE.findall(path.read_text(encoding="utf-8"))
                tree[path.relative_to(root).as_posix()] = (
                    [quoted for quoted, _ in found if quoted],
                    [angle for _, angle in found if angle],
                )
    return tree


def check_quoted(root, path, include):
    """Yields what is wrong with `path` including the project's `include`."""
    layer = LAYERS.index(path.split("/")[0])
    folder = include.split("/")[0]
    if folder not in LAYERS:
        yield f'"{include}": expected a path from the root, in {", ".join(LAYERS)}'
    elif LAYERS.index(folder) > layer:
        yield f'"{include}": {path.split("/")[0]}/ may not include {folder}/'
    elif not (root / include).exists() and not (root / f"{include}.in").exists():
        yield f'"{include}": no such file'
    elif folder == "messages" and include not in VOCABULARY:
        if LAYERS[layer] == "runtime":
            yield (
                f'"{include}": runtime/ may see only the vocabulary of messages/'
                f" ({', '.join(sorted(VOCABULARY))})"
            )
        elif is_vocabulary(path):
            yield f'"{include}": the vocabulary may not include other messages'


def is_vocabulary(path):
    return path.rsplit(".", 1)[0] + ".hpp" in VOCABULARY


def check_angle(path, include):
    """Yields what is wrong with `path` including the library's `include`."""
    layer = path.split("/")[0]
    if layer == "messages" and (LIBTORCH.match(include) or CUDA.match(include)):
        yield f"<{include}>: messages/ may not need LibTorch or CUDA"
    if CAF.match(include):
        if layer == "runtime":
            yield f"<{include}>: runtime/ may not need CAF"
        elif is_vocabulary(path):
            yield f"<{include}>: the vocabulary of messages/ is free of CAF"
    is_light = path.endswith(".hpp") and "/pch/" not in path
    if is_light and include in ALL_OF_LIBTORCH:
        yield f"<{include}>: only .cpp files may include it (13 s to compile)"


def find_cycles(tree):
    """Yields one line a cycle of #includes."""
    state = {}  # absent: not seen; 1: on the current path; 2: done

    def visit(path, trail):
        state[path] = 1
        for include in tree[path][0]:
            if state.get(include) == 1:
                cycle = trail[trail.index(include) :] + [include]
                yield f"{path}: cycle: {' -> '.join(cycle)}"
            elif include in tree and include not in state:
                yield from visit(include, trail + [include])
        state[path] = 2

    for path in tree:
        if path not in state:
            yield from visit(path, [path])


def check(root):
    """All complaints about the tree at `root`, one a line."""
    tree = read_tree(root)
    complaints = []
    for path, (quoted, angle) in tree.items():
        for include in quoted:
            complaints += [f"{path}: {c}" for c in check_quoted(root, path, include)]
        for include in angle:
            complaints += [f"{path}: {c}" for c in check_angle(path, include)]
    return complaints + list(find_cycles(tree))


class TheRulesCanFail(unittest.TestCase):
    def complaints(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check(Path(folder))

    def assert_one(self, files, part):
        complaints = self.complaints(files)
        self.assertEqual(len(complaints), 1, complaints)
        self.assertIn(part, complaints[0])

    def test_a_tree_that_keeps_the_rules_has_no_complaints(self):
        good = {
            "messages/errc.hpp": "#include <string>\n",
            "messages/step.hpp": '#include "messages/errc.hpp"\n#include <caf/all.hpp>\n',
            "runtime/a.hpp": '#include "messages/errc.hpp"\n#include <ATen/core/Tensor.h>\n',
            "runtime/a.cpp": '#include "runtime/a.hpp"\n#include <torch/torch.h>\n',
            "runtime/pch/all.hpp": "#include <torch/torch.h>\n",
            "actors/b.hpp": '#include "runtime/a.hpp"\n#include "messages/step.hpp"\n',
            "apps/main.cpp": '#include "apps/version.hpp"\n#include "actors/b.hpp"\n',
            "apps/version.hpp.in": "",
        }
        self.assertEqual(self.complaints(good), [])

    def test_a_layer_may_not_include_one_below(self):
        files = {
            "messages/a.hpp": '  #  include "actors/b.hpp"\n',
            "actors/b.hpp": "",
        }
        self.assert_one(files, "messages/ may not include actors/")

    def test_a_path_must_start_at_the_root(self):
        files = {"runtime/a.cpp": '#include "a.hpp"\n', "runtime/a.hpp": ""}
        self.assert_one(files, "expected a path from the root")

    def test_a_file_must_exist(self):
        self.assert_one({"runtime/a.cpp": '#include "runtime/b.hpp"\n'}, "no such file")

    def test_runtime_sees_only_the_vocabulary(self):
        files = {
            "messages/step.hpp": "",
            "runtime/a.cpp": '#include "messages/step.hpp"\n',
        }
        self.assert_one(files, "only the vocabulary")

    def test_runtime_is_free_of_caf(self):
        self.assert_one({"runtime/a.cpp": "#include <caf/actor.hpp>\n"}, "CAF")

    def test_the_vocabulary_is_free_of_caf(self):
        self.assert_one({"messages/value.cpp": "#include <caf/actor.hpp>\n"}, "CAF")
        files = {
            "messages/value.hpp": '#include "messages/step.hpp"\n',
            "messages/step.hpp": "",
        }
        self.assert_one(files, "the vocabulary may not")

    def test_messages_are_free_of_libtorch_and_cuda(self):
        for header in (
            "torch/nn.h",
            "ATen/core/Tensor.h",
            "c10/core/Device.h",
            "cuda_runtime_api.h",
        ):
            files = {"messages/a.hpp": f"#include <{header}>\n"}
            self.assert_one(files, "LibTorch or CUDA")

    def test_headers_do_not_pull_in_all_of_libtorch(self):
        files = {"runtime/a.hpp": "#include <torch/torch.h>\n"}
        self.assert_one(files, "only .cpp files")

    def test_a_cycle_is_found(self):
        files = {
            "runtime/a.hpp": '#include "runtime/b.hpp"\n',
            "runtime/b.hpp": '#include "runtime/c.hpp"\n',
            "runtime/c.hpp": '#include "runtime/b.hpp"\n',
        }
        self.assert_one(files, "cycle: runtime/b.hpp -> runtime/c.hpp -> runtime/b.hpp")


class TheTree(unittest.TestCase):
    root = Path(__file__).resolve().parents[2]

    def test_the_layers_hold(self):
        complaints = check(self.root)
        self.assertEqual(complaints, [], "\n" + "\n".join(complaints))

    def test_every_layer_was_read(self):
        read = {path.split("/")[0] for path in read_tree(self.root)}
        self.assertLessEqual({"messages", "runtime"}, read)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TheTree.root = Path(sys.argv.pop(1)).resolve()
    unittest.main()
