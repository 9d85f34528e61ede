"""The networks of `posse bench`, as a user of PyTorch writes them, and made-up batches for them."""

import torch
from torch import nn

LEARNING_RATE = 1e-3
BATCHES = 8


def gaussian_nll(outputs, targets):
    """Mean negative log likelihood, but for a constant, of a mean and a raw variance."""
    mean, raw = outputs.chunk(2, -1)
    variance = nn.functional.softplus(raw) + 1e-4
    return (variance.log() + (mean - targets).square() / variance).mean() / 2


def network(model, outputs=1):
    if model == "mlp13":
        return nn.Sequential(nn.Linear(13, 50), nn.ReLU(), nn.Linear(50, outputs))
    if model == "mlp784":
        return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def networks(model, particles, outputs=1):
    torch.manual_seed(0)
    return [network(model, outputs) for _ in range(particles)]


def batches(model):
    """Inputs and targets, the same for every particle and system."""
    random = torch.Generator().manual_seed(1)

    def one():
        if model == "mlp13":
            return torch.randn(32, 13, generator=random), torch.randn(32, 1, generator=random)
        shape = (64, 784) if model == "mlp784" else (64, 1, 28, 28)
        return torch.randn(shape, generator=random), torch.randint(0, 10, (64,), generator=random)

    return [one() for _ in range(BATCHES)]


def flat(parameters):
    return torch.cat([p.detach().reshape(-1) for p in parameters])


class Batches:
    """The batches in turn, on and on."""

    def __init__(self, model):
        self._all = batches(model)
        self._next = 0

    def take(self):
        batch = self._all[self._next % BATCHES]
        self._next += 1
        return batch
