#!/usr/bin/env python3
"""A checkpoint is of use without posse: other programs compute its networks.

The LeNet needs the packages numpy and safetensors, of the Python that the
environment variable POSSE_PYTHON names (default: the one that runs this).
"""

import json
import math
import os
import subprocess
import sys
import unittest
from pathlib import Path
from statistics import fmean

from harness import Story, main, read_table, write_config, write_images, write_small_run
from saved_run import load_tensors, manifest, particle_files

PYTHON = os.environ.get("POSSE_PYTHON") or sys.executable
TOLERANCE = 1e-5  # float32 networks against float64 ones
VARIANCE_FLOOR = 1e-4  # runtime/model/likelihood.hpp


def missing_packages():
    """Why numpy_lenet.py cannot run; empty if it can."""
    tried = subprocess.run(
        [PYTHON, "-c", "import numpy, safetensors"], capture_output=True, text=True, check=False
    )
    return tried.stderr.strip().splitlines()[-1] if tried.returncode else ""


NO_PACKAGES = missing_packages()


def linear(tensors, layer, x):
    (rows, columns), weight = tensors[f"{layer}.weight"]
    _, bias = tensors[f"{layer}.bias"]
    return [
        bias[i] + math.fsum(w * v for w, v in zip(weight[i * columns :], x)) for i in range(rows)
    ]


def mlp(tensors, x):
    """The MLP with one hidden layer, in plain Python: (mean, variance)."""
    hidden = [max(0.0, h) for h in linear(tensors, "layers.0", x)]
    mean, raw = linear(tensors, "layers.1", hidden)
    return mean, math.log1p(math.exp(raw)) + VARIANCE_FLOOR


class AnMlp(Story):
    def test_computed_from_its_file_alone_predicts_the_same(self):
        self.train(write_small_run(self.folder, steps=300), "run")
        run = self.folder / "run"
        encoding = manifest(run)["data"]
        self.assertEqual((encoding["features"], encoding["target"]), (["a", "b"], "y"))
        members = [load_tensors(path) for path in particle_files(run)]
        data = read_table(self.folder / "data.csv")
        saved = read_table(run / "predictions.csv")
        shift, scale = encoding["output"]["mean"], encoding["output"]["sd"]
        for i, row in enumerate(map(int, saved["row"])):
            x = [
                (data[name][row] - s["mean"]) / s["sd"]
                for name, s in zip(encoding["features"], encoding["inputs"])
            ]
            means, variances = zip(*(mlp(tensors, x) for tensors in members))
            mean = fmean(means)
            epistemic = math.sqrt(fmean((m - mean) ** 2 for m in means))
            for column, expected in (
                ("mean", mean * scale + shift),
                ("aleatoric_std", math.sqrt(fmean(variances)) * scale),
                ("epistemic_std", epistemic * scale),
            ):
                self.assertAlmostEqual(
                    saved[column][i], expected, delta=TOLERANCE * max(1, abs(expected)), msg=column
                )


class ALenet(Story):
    @unittest.skipIf(NO_PACKAGES, f"no LeNet in NumPy: {NO_PACKAGES} (set POSSE_PYTHON)")
    def test_computed_in_numpy_gives_the_same_probabilities(self):
        write_images(self.folder / "images", classes=10)
        write_config(
            self.folder / "lenet.toml",
            data={"kind": "idx", "path": "images"},
            model={"kind": "lenet"},
            infer={"algorithm": "deep_ensemble", "particles": 2, "steps": 20, "batch": 16},
        )
        self.train("lenet.toml", "run")
        done = subprocess.run(
            [PYTHON, Path(__file__).with_name("numpy_lenet.py"), "run", "images"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["parameters"], [61_706, 61_706])
        saved = read_table(self.folder / "run/predictions.csv")
        for i, row in enumerate(answer["probabilities"]):
            self.assertAlmostEqual(sum(row), 1)
            for k, probability in enumerate(row):
                self.assertAlmostEqual(saved[f"p{k}"][i], probability, delta=TOLERANCE)


if __name__ == "__main__":
    main()
