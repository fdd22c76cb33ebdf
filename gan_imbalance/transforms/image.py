"""Images between bytes and numbers, and what may happen to them on the way."""

from __future__ import annotations

import torch
from torch import Tensor


def to_float(images: Tensor) -> Tensor:
    """Return uint8 images as networks see them: float32 of the same shape in [-1, 1], 0 as -1 and 255 as 1."""
    return images / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Return images in [-1, 1] as uint8 of the same shape, rounded; what lies outside is clamped."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
