"""A step of stochastic gradient descent of N networks, by systems in Python."""

import copy

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

from peer_models import LEARNING_RATE, Batches, flat, networks
from push_on_cpu import PushSystem

MODELS = ["mlp13", "mlp784", "lenet"]


def systems(model):
    """Weights of convolutions are not stacked by hand."""
    by_hand = [] if model == "lenet" else ["hand-stacked"]
    return ["python-loop", "vmap", *by_hand, "push"]


def loss_of(model):
    return nn.MSELoss() if model == "mlp13" else nn.CrossEntropyLoss()


class Loop:
    """One network after the other; all threads within an operation."""

    def __init__(self, model, particles):
        self._batches, self._loss = Batches(model), loss_of(model)
        self._nets = networks(model, particles)
        self._optimizers = [torch.optim.SGD(n.parameters(), lr=LEARNING_RATE) for n in self._nets]

    def run(self, steps):
        for _ in range(steps):
            x, y = self._batches.take()
            for net, optimizer in zip(self._nets, self._optimizers):
                loss = self._loss(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss.item()

    def parameters(self):
        return torch.stack([flat(n.parameters()) for n in self._nets])

    def close(self):
        pass


class Vmap:
    """torch.func: a vmapped gradient of a functional call."""

    def __init__(self, model, particles):
        self._batches, loss = Batches(model), loss_of(model)
        nets = networks(model, particles)
        base = copy.deepcopy(nets[0]).to("meta")
        self._stacked, _ = torch.func.stack_module_state(nets)
        self._stacked = {k: v.detach() for k, v in self._stacked.items()}
        self._step = vmap(
            grad_and_value(lambda p, x, y: loss(functional_call(base, p, (x,)), y)),
            in_dims=(0, None, None),
        )

    def run(self, steps):
        for _ in range(steps):
            x, y = self._batches.take()
            gradients, losses = self._step(self._stacked, x, y)
            for name, parameter in self._stacked.items():
                parameter.add_(gradients[name], alpha=-LEARNING_RATE)
            losses.tolist()

    def parameters(self):
        return torch.cat([p.flatten(1) for p in self._stacked.values()], 1)

    def close(self):
        pass


class HandStacked:
    """Two layers written out: one product for the first, which shares its inputs, a batched one for
    the second, one gradient for all."""

    def __init__(self, model, particles):
        self._batches, self._model = Batches(model), model
        nets = networks(model, particles)
        self._parameters = [
            torch.stack(all_of_one).detach().requires_grad_()
            for all_of_one in zip(*(n.parameters() for n in nets))
        ]

    def _losses(self, x, y):
        weights, bias, last_weights, last_bias = self._parameters
        particles, units, _ = weights.shape
        hidden = torch.addmm(bias.view(-1), x, weights.flatten(0, 1).t()).relu()
        hidden = hidden.view(-1, particles, units).transpose(0, 1)
        outputs = torch.baddbmm(last_bias.unsqueeze(1), hidden, last_weights.transpose(1, 2))
        if self._model == "mlp13":
            return (outputs - y).square().mean((1, 2))
        each = nn.functional.cross_entropy(
            outputs.flatten(0, 1), y.repeat(particles), reduction="none"
        )
        return each.view(particles, -1).mean(1)

    def run(self, steps):
        for _ in range(steps):
            losses = self._losses(*self._batches.take())
            gradients = torch.autograd.grad(losses.sum(), self._parameters)
            with torch.no_grad():
                for parameter, gradient in zip(self._parameters, gradients):
                    parameter.add_(gradient, alpha=-LEARNING_RATE)
            losses.tolist()

    def parameters(self):
        return torch.cat([p.detach().flatten(1) for p in self._parameters], 1)

    def close(self):
        pass


class Push(PushSystem):
    """PusH's deep ensemble: its first particle has all others step."""

    def __init__(self, push, model, particles):
        from push.bayes.ensemble import _ensemble_step

        self._batches, self._loss = Batches(model), loss_of(model)
        nets = iter(networks(model, particles))
        super().__init__(
            push,
            particles,
            make_network=lambda: next(nets),
            view_size=1,
            make_optimizer=lambda parameters: torch.optim.SGD(parameters, lr=LEARNING_RATE),
            make_schedule=None,
            others={"ENSEMBLE_STEP": _ensemble_step},
        )

    def _lead(self, particle, steps):
        others = particle.other_particles()
        for _ in range(steps):
            x, y = self._batches.take()
            particle.step(self._loss, x, y).wait()
            for other in others:
                particle.send(other, "ENSEMBLE_STEP", self._loss, x, y)


def open_system(system, model, particles, push):
    if system == "push":
        return Push(push, model, particles)
    return {"python-loop": Loop, "vmap": Vmap, "hand-stacked": HandStacked}[system](model, particles)
