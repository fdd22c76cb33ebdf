"""The one-hot GAN."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from pytorch_lightning.cli import LRSchedulerCallable
from torch import Tensor

from gan_imbalance.gans.base import BaseGAN, NetworkFactory
from gan_imbalance.losses import AdversarialLoss, LeastSquaresLoss
from gan_imbalance.networks import OneHotDiscriminator, OneHotGenerator
from gan_imbalance.optimizers import WarmRestarts
from gan_imbalance.types import DataKind, DataSpec, InputError


class OneHotGAN(BaseGAN):
    """Unconditional GAN for small classes of binary attributes; learns one class.

    GAN-SMOTE for one-hot attributes: a sigmoid for every attribute, squared error against 1 and 0, and tricks that
    keep the discriminator from memorising a few dozen training rows. Each trick can be switched off separately: set
    ``bit_flips``, ``bit_noise`` or the discriminator's dropout to 0, its ``distance_noise`` (minibatch discrimination)
    or ``scheduler`` (warm restarts of the learning rate) to None.

    An attribute is a column with two values, such as 0/1 or a boolean, or one level of a column with more. Columns with
    two values are generated independently, so a feature that was one-hot encoded into 0/1 columns may have none or
    several of them set; a plain categorical column is decoded to its highest-scoring level. Rows thus come back in
    their original form. Numbers are neither flipped nor given bit noise.

    Args:
        generator: see :class:`BaseGAN`.
        discriminator: see :class:`BaseGAN`.
        loss: adversarial loss.
        latent_dim: width of the latent vector.
        bit_flips: share of the real rows' bits that is inverted when training starts, in [0, 0.5]; it falls linearly
            to zero by the end of training.
        bit_noise: each real bit is moved towards its other value by U(0, bit_noise), in [0, 0.5], since a sigmoid
            never reaches 0 or 1.
        scheduler: scheduler of both learning rates.
        kwargs: see :class:`BaseGAN`.

    Raises:
        InputError: if a share is out of range.

    Example:
        Columns of 0 and 1 come back as 0 and 1:

        >>> import numpy as np
        >>> from gan_imbalance import GANOverSampler, OneHotGAN
        >>> bits = np.random.default_rng(0).integers(0, 2, (40, 6))
        >>> X, y = GANOverSampler(OneHotGAN(bit_flips=0.1), max_steps=3).fit_resample(bits, [0] * 30 + [1] * 10)
        >>> X.shape, X.dtype == bits.dtype, np.unique(X).tolist()
        ((60, 6), True, [0, 1])
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)

    _bits: Tensor
    _bit_of_feature: Tensor

    def __init__(
        self,
        generator: NetworkFactory = OneHotGenerator,
        discriminator: NetworkFactory = OneHotDiscriminator,
        loss: AdversarialLoss = LeastSquaresLoss(),
        latent_dim: int = 16,
        bit_flips: float = 0.1,
        bit_noise: float = 0.02,
        scheduler: LRSchedulerCallable | None = WarmRestarts,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator=generator,
            discriminator=discriminator,
            loss=loss,
            latent_dim=latent_dim,
            scheduler=scheduler,
            **kwargs,
        )
        self.bit_flips = bit_flips
        self.bit_noise = bit_noise
        for name in ("bit_flips", "bit_noise"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise InputError(f"{name} is {getattr(self, name)}: give a share of at least 0 and at most 0.5.")

    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the networks, and record which features are bits."""
        super().build_networks(spec, num_conditions)
        bits = torch.zeros(spec.shape, dtype=torch.bool)
        bit_of_feature = torch.arange(math.prod(spec.shape)).reshape(spec.shape)
        for span in spec.spans:
            bits[span.start : span.stop] = span.is_categorical
            if span.size == 2:
                # the two levels of a binary column are one bit: they flip together
                bit_of_feature[span.start + 1] = span.start
        self.register_buffer("_bits", bits, persistent=False)
        self.register_buffer("_bit_of_feature", bit_of_feature, persistent=False)

    def on_train_start(self) -> None:
        """Require a finite number of steps, over which bit flips fall to zero."""
        super().on_train_start()
        if self.bit_flips and math.isinf(self.trainer.estimated_stepping_batches):
            raise InputError("bit_flips fall to zero by the end of training: set max_epochs or max_steps.")

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Take the steps of :meth:`BaseGAN.training_step`, with the real bits perturbed."""
        real, conditions = batch
        return super().training_step((self.disturb(real), conditions), batch_idx)

    def disturb(self, real: Tensor) -> Tensor:
        """Return real samples (..., features) with some bits inverted and all of them blurred.

        Inverting and blurring both move a bit towards its other value, all or part of the way.
        """
        remaining = 1 - min(1.0, self.batches_seen / self.trainer.estimated_stepping_batches)
        move = self.bit_noise * torch.rand_like(real)
        if self.bit_flips * remaining:
            flipped = torch.rand_like(real).index_select(-1, self._bit_of_feature) < self.bit_flips * remaining
            move = torch.where(flipped, 1 - move, move)
        return torch.where(self._bits, real + move * (1 - 2 * real), real)
