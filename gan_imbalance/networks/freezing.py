"""Freezing the first blocks of a network, and evaluating it without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from gan_imbalance.types import InputError


def freeze_blocks(network: nn.Module, count: int) -> list[nn.Module]:
    """Freeze the first ``count`` parameterised blocks of ``network.blocks`` and return them.

    Activations and reshapes have no parameters and are not counted. Frozen blocks take no gradient, and stay
    in evaluation mode (running statistics of batch norm, dropout) as long as the caller keeps them there.

    Raises:
        InputError: if the network has fewer such blocks.
    """
    blocks = [block for block in network.blocks if any(True for _ in block.parameters())]  # type: ignore[union-attr]
    if not 0 <= count <= len(blocks):
        raise InputError(
            f"Cannot freeze {count} blocks: {type(network).__name__} has {len(blocks)} blocks with parameters."
        )
    for block in blocks[:count]:
        block.requires_grad_(False)
        block.eval()
    return blocks[:count]


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put all modules of ``network`` in evaluation mode, and each back in its own mode afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
