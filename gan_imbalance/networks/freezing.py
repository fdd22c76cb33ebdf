"""Freezing the first blocks of a network, and evaluating it without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from gan_imbalance.types import InputError


def first_blocks(network: nn.Module, count: int) -> list[nn.Module]:
    """Return the first ``count`` parameterised blocks of ``network.blocks``.

    Activations and reshapes have no parameters and are not counted.

    Args:
        network: keeps its blocks in order in ``blocks``.
        count: how many, fewer than there are; 0 for none.

    Raises:
        InputError: if the network has no ``blocks``, or not more than ``count`` such blocks.
    """
    if count == 0:
        return []
    name = type(network).__name__
    if not hasattr(network, "blocks"):
        raise InputError(
            f"Cannot freeze {count} blocks: {name} has no `blocks`, in the order in which they are passed."
        )
    blocks = [block for block in network.blocks if any(True for _ in block.parameters())]  # type: ignore[union-attr]
    if not 0 < count < len(blocks):
        raise InputError(
            f"Cannot freeze {count} blocks: {name} has {len(blocks)} with parameters, of which one must go on learning."
        )
    return blocks[:count]


def freeze_blocks(network: nn.Module, count: int) -> list[nn.Module]:
    """Freeze the :func:`first_blocks` of a network and return them.

    Frozen blocks take no gradient, and stay in evaluation mode (running statistics of batch norm, dropout) as long
    as the caller keeps them there.

    Args:
        network: keeps its blocks in order in ``blocks``.
        count: how many, fewer than there are; 0 for none.

    Raises:
        InputError: if the network has no ``blocks``, or not more than ``count`` such blocks.
    """
    frozen = first_blocks(network, count)
    for block in frozen:
        block.requires_grad_(False)
        block.eval()
    return frozen


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
