"""PusH (github.com/lbai-lab/PusH) on a machine without a GPU, its sources as they are.

PusH calls devices 0, 1, ... and knows those that CUDA has. Here it sees one device, and that is the
CPU. On CUDA an evicted particle is copied to the host; on the CPU `.to("cpu")` gives the same
storage, which the particle that takes its slot would overwrite: what is saved is copied here too.
"""

import sys

import torch
from torch import nn

from peer_models import flat


def _with_cpu_for_device_numbers(to):
    def moved(self, *where, **options):
        if where and type(where[0]) is int:
            where = ("cpu", *where[1:])
        return to(self, *where, **options)

    return moved


def _with_one_device(init):
    def started(self):
        count = torch.cuda.device_count
        torch.cuda.device_count = lambda: 1
        try:
            init(self)
        finally:
            torch.cuda.device_count = count

    return started


def _with_copies(save):
    def saved(self, pid, module):
        save(self, pid, module)
        parameters, gradients = self._module_disk[pid]
        self._module_disk[pid] = (
            [p.clone() for p in parameters],
            [None if g is None else g.clone() for g in gradients],
        )

    return saved


class PushSystem:
    """Particles of PusH with room for all of them, whose first one runs `_lead`."""

    def __init__(self, push, particles, make_network, view_size, make_optimizer, make_schedule, others):
        self._push = push.PusH(make_network, cache_size=particles, view_size=view_size)
        self._push.__enter__()
        self._particles = particles
        for i in range(particles):
            self._push.p_create(
                make_optimizer,
                make_schedule,
                train_key=None,
                receive={"RUN": self._lead} if i == 0 else others,
                state={},
            )

    def _lead(self, particle, steps):
        raise NotImplementedError

    def run(self, steps):
        self._push.p_wait([self._push.p_launch(0, "RUN", steps)])

    def parameters(self):
        return torch.stack([flat(self._push.p_parameters(i)) for i in range(self._particles)])

    def close(self):
        self._push.__exit__(None, None, None)


def load(folder):
    """PusH's module push.push, once for the process; folder: the one that holds push/."""
    sys.path.insert(0, folder)
    from push import push
    from push.lib import context_switch

    torch.Tensor.to = _with_cpu_for_device_numbers(torch.Tensor.to)
    nn.Module.to = _with_cpu_for_device_numbers(nn.Module.to)
    push.PusH._init = _with_one_device(push.PusH._init)
    cache = context_switch.ParticleCache
    cache._save_w_grads = _with_copies(cache._save_w_grads)
    return push
