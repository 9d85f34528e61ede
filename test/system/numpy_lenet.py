#!/usr/bin/env python3
"""A run's LeNets in NumPy, from nothing but its checkpoint.

usage: numpy_lenet.py RUN_DIR DATA_FOLDER

Opens the particles with the package safetensors, computes them on the test
images (LeCun et al., 1998, with ReLU and max pooling), and prints JSON: the
number of parameters of each, and the mean of their probabilities for each row.
"""

import json
import sys

import numpy as np
from saved_run import particle_files, encoded_test_images
from safetensors.numpy import load_file

LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")


def convolve(x, weight, bias, padding):
    """Cross-correlation of [n, c, h, w] with [o, c, k, k], stride 1."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]


def pool(x):
    """The maximum of each 2 x 2 pixels."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def relu(x):
    return np.maximum(x, 0)


def logits(tensors, x):
    """Of images [n, 1, 28, 28]."""
    w = {name: tensors[f"{name}.weight"].astype(np.float64) for name in LAYERS}
    b = {name: tensors[f"{name}.bias"].astype(np.float64) for name in LAYERS}
    x = pool(relu(convolve(x, w["conv1"], b["conv1"], padding=2)))
    x = pool(relu(convolve(x, w["conv2"], b["conv2"], padding=0)))
    x = x.reshape(len(x), -1)
    x = relu(x @ w["fc1"].T + b["fc1"])
    x = relu(x @ w["fc2"].T + b["fc2"])
    return x @ w["fc3"].T + b["fc3"]


def softmax(x):
    x = np.exp(x - x.max(1, keepdims=True))
    return x / x.sum(1, keepdims=True)


def main(run, folder):
    images = np.array(encoded_test_images(run, folder)).reshape(-1, 1, 28, 28)
    members = [load_file(path) for path in particle_files(run)]
    each = [softmax(logits(tensors, images)) for tensors in members]
    sizes = [
        sum(tensors[f"{name}.{part}"].size for name in LAYERS for part in ("weight", "bias"))
        for tensors in members
    ]
    print(json.dumps({"parameters": sizes, "probabilities": np.mean(each, 0).tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
