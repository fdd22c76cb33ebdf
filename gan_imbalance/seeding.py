"""Random numbers of a seed, without a trace in those of everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Draw from a seed, on the CPU and on ``device``, and leave the global random state as it was.

    ``torch.manual_seed`` within ``torch.random.fork_rng`` would not: it seeds every device there is, but only those
    that were named are restored.
    """
    device = torch.device(device)
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices, device_type=device.type):
        torch.default_generator.manual_seed(seed)
        for one in devices:
            torch.get_device_module(one).set_rng_state(torch.Generator(one).manual_seed(seed).get_state(), one)
        yield
