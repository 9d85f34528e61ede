"""An iteration of SVGD (Liu and Wang 2016) of N networks, by systems in Python.

The length scale of the kernel is fixed, as in PusH; posse's is the median of the iteration.
"""

import copy

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

from peer_models import LEARNING_RATE, Batches, flat, gaussian_nll, network, networks
from push_on_cpu import PushSystem

MODELS = ["mlp13", "mlp784"]
LENGTH_SCALE = 10.0


def systems(model):
    return ["python-matrix", "python-kernel", "push"] if model in MODELS else []


def loss_of(model):
    return gaussian_nll if model == "mlp13" else nn.CrossEntropyLoss()


class Matrix:
    """Parameters as one matrix, gradients by vmap, distances by one product."""

    def __init__(self, model, particles, only_kernel=False):
        self._batches, loss = Batches(model), loss_of(model)
        nets = networks(model, particles, outputs=2)
        base = copy.deepcopy(nets[0]).to("meta")
        shapes = [(name, p.shape, p.numel()) for name, p in nets[0].named_parameters()]
        self._theta = torch.stack([flat(n.parameters()) for n in nets])

        def loss_of_row(row, x, y):
            pieces = row.split([count for _, _, count in shapes])
            named = {name: p.view(shape) for (name, shape, _), p in zip(shapes, pieces)}
            return loss(functional_call(base, named, (x,)), y)

        self._gradient = vmap(grad_and_value(loss_of_row), in_dims=(0, None, None))
        self._kept = self._gradient(self._theta, *self._batches.take())[0] if only_kernel else None

    def run(self, steps):
        for _ in range(steps):
            if self._kept is None:
                slopes, losses = self._gradient(self._theta, *self._batches.take())
                losses.tolist()
            else:
                slopes = self._kept
            self._move(slopes)

    def _move(self, slopes):
        theta, scale = self._theta, 1 / LENGTH_SCALE**2
        norms = theta.square().sum(1)
        squares = torch.addmm(norms[:, None] + norms, theta, theta.t(), alpha=-2).clamp_(min=0)
        squares.fill_diagonal_(0)
        kernel = squares.mul_(-scale / 2).exp_()
        # The repulsion of row i: sum_j K_ij (theta_i - theta_j) / scale^2.
        direction = torch.addmm(kernel @ slopes, kernel, theta, alpha=scale)
        direction.addcmul_(theta, kernel.sum(1, keepdim=True), value=-scale)
        theta.add_(direction, alpha=-LEARNING_RATE / len(theta))

    def parameters(self):
        return self._theta

    def close(self):
        pass


class Push(PushSystem):
    """PusH's SVGD, whose leader computes N^2 pairs; room for all views."""

    def __init__(self, push, model, particles):
        from push.bayes import stein_vgd

        self._batches, self._loss, self._leader = Batches(model), loss_of(model), stein_vgd._svgd_leader
        nets = iter(networks(model, particles, outputs=2))
        super().__init__(
            push,
            particles,
            # Views take networks of their own, whose weights do not matter.
            make_network=lambda: next(nets, None) or network(model, 2),
            view_size=particles,
            make_optimizer=stein_vgd.mk_empty_optim,
            make_schedule=stein_vgd.mk_empty_scheduler,
            others={"SVGD_STEP": stein_vgd._svgd_step, "SVGD_FOLLOW": stein_vgd._svgd_follow},
        )

    def _lead(self, particle, steps):
        part = [self._batches.take() for _ in range(steps)]
        self._leader(particle, None, self._loss, LENGTH_SCALE, LEARNING_RATE, part, 1)


def open_system(system, model, particles, push):
    if system == "push":
        return Push(push, model, particles)
    return Matrix(model, particles, only_kernel=system == "python-kernel")
