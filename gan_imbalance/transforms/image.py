"""Images between bytes and numbers, and augmentation: modules from float images in [-1, 1] to such of the same shape.

They draw anew for every image of every batch, from torch's global random state, and work on the device that the images
lie on (imgaug's excepted).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.types import InputError

_BLACK = -1.0


IMAGES_AT_ONCE = 512
"""As many as the largest activations of a network leave in a processor's memory."""


def in_chunks(find: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return what ``find`` makes of images, (n, ...), some at a time, without gradient, on the CPU."""
    with torch.no_grad():
        return torch.cat([find(chunk).cpu() for chunk in torch.split(images, IMAGES_AT_ONCE)])


def to_float(images: Tensor) -> Tensor:
    """Return uint8 images as networks see them: float32 of the same shape in [-1, 1], 0 as -1 and 255 as 1."""
    return images / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Return images in [-1, 1] as uint8 of the same shape, rounded; what lies outside is clamped."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


class FlipCrop(nn.Module):
    """The light standard of CIFAR-10 classifiers: mirrored half of the time, moved by up to an eighth of the width.

    He et al. 2016, Deep Residual Learning for Image Recognition (https://arxiv.org/abs/1512.03385), section 4.2: four
    black pixels are added on each side of 32, and a crop of the old size is taken.

    Args:
        flip: probability of mirroring left to right; 0 where that changes what is seen, as with digits.
        shift: how far an image is moved at most, up and down and left and right, as a share of its width.

    Raises:
        InputError: if one of them is not in [0, 1].
    """

    def __init__(self, flip: float = 0.5, shift: float = 0.125) -> None:
        super().__init__()
        _require_shares(flip=flip, shift=shift)
        self.flip = flip
        self.shift = shift

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to such."""
        return _shifted(_mirrored(images, self.flip), self.shift, _BLACK)


class SMateImgaug(nn.Module):
    """The augmentation of SMate, which made 5,000 images of 500, by imgaug: on the CPU, whatever device they lie on.

    In an order drawn for every batch: mirroring; a crop of up to 10 % on every side; blur (half of the images);
    contrast; noise, per pixel or per pixel and channel; brightness, of all channels or (every fifth image) of each; an
    affine map, with black around. It is the example of imgaug's manual, which SMate used as it stands.

    Args:
        flip: probability of mirroring left to right; 0 where that changes what is seen, as with digits.

    Raises:
        InputError: if ``flip`` is not in [0, 1], or imgaug cannot be imported.
    """

    def __init__(self, flip: float = 0.5) -> None:
        super().__init__()
        _require_shares(flip=flip)
        self.flip = flip
        augmenters = _import_imgaug()
        self._policy = augmenters.Sequential(
            [
                augmenters.Fliplr(flip),
                augmenters.Crop(percent=(0, 0.1)),
                augmenters.Sometimes(0.5, augmenters.GaussianBlur(sigma=(0, 0.5))),
                augmenters.LinearContrast((0.75, 1.5)),
                augmenters.AdditiveGaussianNoise(loc=0, scale=(0.0, 0.05 * 255), per_channel=0.5),
                augmenters.Multiply((0.8, 1.2), per_channel=0.2),
                augmenters.Affine(
                    scale={"x": (0.8, 1.2), "y": (0.8, 1.2)},
                    translate_percent={"x": (-0.2, 0.2), "y": (-0.2, 0.2)},
                    rotate=(-25, 25),
                    shear=(-8, 8),
                ),
            ],
            random_order=True,
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to such, in steps of 1/127.5."""
        self._policy.seed_(int(torch.randint(2**31, ())))
        pixels = to_uint8(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        augmented = torch.from_numpy(np.ascontiguousarray(self._policy(images=pixels)))
        return to_float(augmented.to(images.device).permute(0, 3, 1, 2).contiguous())


class SMateAugment(nn.Module):
    """The augmentation of SMate (see :class:`SMateImgaug`) as operations on the device, without rounding between them.

    Args:
        flip: probability of mirroring left to right; 0 where that changes what is seen, as with digits.

    Raises:
        InputError: if ``flip`` is not in [0, 1].
    """

    def __init__(self, flip: float = 0.5) -> None:
        super().__init__()
        _require_shares(flip=flip)
        self.flip = flip

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to such."""
        steps: list[Callable[[Tensor], Tensor]] = [
            lambda x: _mirrored(x, self.flip),
            _cropped,
            _blurred,
            _contrasted,
            _noisy,
            _brightened,
            _mapped,
        ]
        # the order is drawn on the CPU, for which the device need not be waited for
        for step in torch.randperm(len(steps)).tolist():
            images = steps[step](images)
        return images


class DiffAugment(nn.Module):
    """Differentiable augmentation, for all that a discriminator is shown, real or fake.

    Zhao et al. 2020, Differentiable Augmentation for Data-Efficient GAN Training (https://arxiv.org/abs/2006.10738).
    Values may leave [-1, 1].

    Args:
        policy: parts of it, separated by commas: ``color`` (brightness, saturation, contrast), ``translation`` (by up
            to an eighth of the width, with grey around), ``cutout`` (of a grey square half as wide as the image).

    Raises:
        InputError: if a part is unknown.
    """

    def __init__(self, policy: str = "color,translation,cutout") -> None:
        super().__init__()
        self.policy = policy
        known: dict[str, tuple[Callable[[Tensor], Tensor], ...]] = {
            "color": (_add_brightness, _scale_saturation, _scale_contrast),
            "translation": (partial(_shifted, share=0.125, fill=0.0),),
            "cutout": (_cut_out,),
        }
        names = [name.strip() for name in policy.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise InputError(f"DiffAugment has no policy {name!r}; give some of {', '.join(known)}.")
        self._steps = [step for name in names for step in known[name]]

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to such, with gradient."""
        for step in self._steps:
            images = step(images)
        return images


def _import_imgaug() -> Any:
    """Return imgaug's augmenters; the only place that imports it."""
    # imgaug 0.4, of 2020, reads np.sctypes while it is imported, which numpy 2 has no more
    sctypes = {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
    }
    missing = not hasattr(np, "sctypes")
    if missing:
        vars(np)["sctypes"] = sctypes
    try:
        from imgaug import augmenters
    # a module that was built for another numpy or OpenCV may raise anything while it is imported
    except Exception as error:
        raise InputError(
            f"imgaug cannot be imported ({error}); install it, and on Debian the packages libgl1 and libglib2.0-0 "
            "that its OpenCV needs, or use SMateAugment, which does without it."
        ) from error
    finally:
        if missing:
            del vars(np)["sctypes"]
    return augmenters


def _require_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"{name} is {share}; give a number from 0 to 1.")


def _uniform(images: Tensor, low: float, high: float, *shape: int) -> Tensor:
    """Return numbers drawn for every image, (n, *shape)."""
    return torch.empty(len(images), *shape, device=images.device).uniform_(low, high)


def _happens(images: Tensor, probability: float) -> Tensor:
    """Return for every image whether something happens to it, (n, 1, 1, 1)."""
    return _uniform(images, 0, 1, 1, 1, 1) < probability


def _mirrored(images: Tensor, probability: float) -> Tensor:
    return torch.where(_happens(images, probability), images.flip(-1), images)


def _shifted(images: Tensor, share: float, fill: float) -> Tensor:
    """Return images moved by whole pixels, up to a share of their height and width, with ``fill`` around."""
    count, channels, height, width = images.shape

    def positions(size: int) -> Tensor:
        furthest = int(size * share + 0.5)
        by = torch.randint(-furthest, furthest + 1, (count, 1), device=images.device)
        # all that lies outside is the one pixel that is put around
        return (torch.arange(size, device=images.device) + by + 1).clamp(0, size + 1)

    rows, columns = positions(height), positions(width)
    each = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=images.device).view(-1, 1, 1)
    return F.pad(images, (1, 1, 1, 1), value=fill)[each, channel, rows[:, None, :, None], columns[:, None, None, :]]


# -- SMate's steps ----------------------------------------------------------------------------------------------


def _warped(images: Tensor, matrices: Tensor, padding: str) -> Tensor:
    """Return images whose pixels come from where the matrices (n, 2, 3) map theirs to, in coordinates from -1 to 1."""
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    # what lies outside counts as 0, which is to be black
    return F.grid_sample(images - _BLACK, grid, padding_mode=padding, align_corners=False) + _BLACK


def _cropped(images: Tensor) -> Tensor:
    left, right, top, bottom = _uniform(images, 0, 0.1, 4).unbind(1)
    zero = torch.zeros_like(left)
    matrices = torch.stack([1 - left - right, zero, left - right, zero, 1 - top - bottom, top - bottom], dim=1)
    return _warped(images, matrices.view(-1, 2, 3), "border")


def _blurred(images: Tensor) -> Tensor:
    sigma = _uniform(images, 1e-3, 0.5, 1, 1, 1)
    weights = [(-(distance**2) / (2 * sigma**2)).exp() for distance in range(-2, 3)]
    total = sum(weights)
    size = images.shape[-1]
    blurred = images
    for dim, padding in ((-1, (2, 2, 0, 0)), (-2, (0, 0, 2, 2))):
        padded = F.pad(blurred, padding, mode="reflect")
        blurred = sum(w / total * padded.narrow(dim, i, size) for i, w in enumerate(weights))  # type: ignore[assignment]
    return torch.where(_happens(images, 0.5), blurred, images)


def _contrasted(images: Tensor) -> Tensor:
    return (images * _uniform(images, 0.75, 1.5, 1, 1, 1)).clamp(-1, 1)


def _noisy(images: Tensor) -> Tensor:
    # 0.05 of the range, which is 2
    scale = _uniform(images, 0, 0.1, 1, 1, 1)
    noise = torch.randn_like(images)
    noise = torch.where(_happens(images, 0.5), noise, noise[:, :1])
    return (images + scale * noise).clamp(-1, 1)


def _brightened(images: Tensor) -> Tensor:
    factors = _uniform(images, 0.8, 1.2, images.shape[1], 1, 1)
    factors = torch.where(_happens(images, 0.2), factors, factors[:, :1])
    return ((images - _BLACK) * factors + _BLACK).clamp(-1, 1)


def _mapped(images: Tensor) -> Tensor:
    """Return images scaled, sheared, rotated and moved, with black around."""
    scale, shift = _uniform(images, 0.8, 1.2, 2), _uniform(images, -0.2, 0.2, 2)
    angle = _uniform(images, -math.radians(25), math.radians(25))
    slant = _uniform(images, -math.radians(8), math.radians(8)).tan()
    one, zero = torch.ones_like(slant), torch.zeros_like(slant)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=1).view(-1, 2, 2)

    # where pixels come from: the inverses of the maps, the last one first
    rotate = matrix(angle.cos(), angle.sin(), -angle.sin(), angle.cos())
    shear = matrix(one, zero, -slant, one) @ matrix(one, -slant, zero, one)
    back = torch.diag_embed(1 / scale) @ shear @ rotate
    # 2 is the width in these coordinates
    return _warped(images, torch.cat([back, -back @ (2 * shift).unsqueeze(2)], dim=2), "zeros")


# -- DiffAugment's steps ----------------------------------------------------------------------------------------


def _add_brightness(images: Tensor) -> Tensor:
    return images + _uniform(images, -0.5, 0.5, 1, 1, 1)


def _scale_saturation(images: Tensor) -> Tensor:
    grey = images.mean(dim=1, keepdim=True)
    return (images - grey) * _uniform(images, 0, 2, 1, 1, 1) + grey


def _scale_contrast(images: Tensor) -> Tensor:
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * _uniform(images, 0.5, 1.5, 1, 1, 1) + mean


def _cut_out(images: Tensor) -> Tensor:
    """Return images with a grey square of half their width, some of which may lie outside."""

    def covered(size: int) -> Tensor:
        side = int(size / 2 + 0.5)
        centre = torch.randint(0, size + (1 - side % 2), (len(images), 1), device=images.device)
        first = centre - side // 2
        pixels = torch.arange(size, device=images.device)
        return (pixels >= first) & (pixels < first + side)

    rows, columns = covered(images.shape[2]), covered(images.shape[3])
    return images.masked_fill((rows[:, :, None] & columns[:, None, :]).unsqueeze(1), 0.0)
