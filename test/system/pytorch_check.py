#!/usr/bin/env python3
"""Loads a run's LeNets into PyTorch and compares them with its predictions.

usage: pytorch_check.py RUN_DIR DATA_FOLDER

DATA_FOLDER holds the four idx files that the run was trained on. Needs the
packages torch (a complete installation) and safetensors; no part of the test
suite. Ends with 0 if all probabilities agree to 1e-5.
"""

import sys

import torch
from harness import read_table
from safetensors.torch import load_file
from saved_run import manifest, particle_files, encoded_test_images
from torch import nn

TOLERANCE = 1e-5


class LeNet(nn.Module):
    """LeNet-5 (LeCun et al., 1998) with ReLU and max pooling."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc1(x.flatten(1)))
        return self.fc3(torch.relu(self.fc2(x)))


def load_lenet(path, classes):
    """The network of one particle's file: its tensors without a prefix."""
    net = LeNet(classes)
    tensors = load_file(path)
    net.load_state_dict({name: tensors[name] for name in net.state_dict()})
    return net.eval()


def main(run, folder):
    network = manifest(run)["model"]["network"]
    if network["kind"] != "lenet" or network["activation"] != "relu":
        sys.exit(f"{run}: expected a run of model.kind = lenet with relu")
    classes = network["targets"]
    images = torch.tensor(encoded_test_images(run, folder)).reshape(-1, 1, 28, 28)
    with torch.no_grad():
        each = torch.stack(
            [load_lenet(path, classes)(images).double() for path in particle_files(run)]
        )
    ours = each.softmax(-1).mean(0)
    table = read_table(f"{run}/predictions.csv")
    theirs = torch.tensor([table[f"p{k}"] for k in range(classes)], dtype=torch.float64).T
    if ours.shape != theirs.shape:
        sys.exit(f"expected {len(ours)} test rows, as in {folder}, got {len(theirs)}")
    worst = (ours - theirs).abs().max().item()
    print(f"{len(each)} LeNets, {len(ours)} rows: largest difference {worst:.2e}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
