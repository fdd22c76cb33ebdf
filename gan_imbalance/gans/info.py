"""The information-maximising GAN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gan_imbalance.components import own
from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.losses import CodeInformation


class InfoGAN(BaseGAN):
    """Unconditional GAN part of whose latent vector is a code that its samples must give away.

    Chen et al. 2016, InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial
    Nets (https://arxiv.org/abs/1606.03657), eq. 6. The head that reads the code shares all but the last layer with the
    discriminator, as in the paper: the discriminator's outputs are its score and then the head's. A code that can be
    read works against mode collapse: other codes must make other samples.

    Args:
        code: what the code is, and how the head is judged; its weight is lambda of eq. 6.
        kwargs: see :class:`BaseGAN`.

    Example:
        A code of two kinds of rows; rows are made of either:

        >>> import pandas as pd
        >>> import torch
        >>> from gan_imbalance import GANOverSampler, InfoGAN
        >>> from gan_imbalance.losses import CodeInformation
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> sampler = GANOverSampler(InfoGAN(CodeInformation(categories=2, numbers=0)), max_steps=3)
        >>> _ = sampler.fit_resample(table, labels)
        >>> gan, first_kind = sampler.gans_["rare"], torch.tensor([[1.0, 0.0]]).expand(5, 2)
        >>> rows = gan.generate_from(first_kind, torch.zeros(5, dtype=torch.long))
        >>> tuple(rows.shape)
        (5, 3)
    """

    def __init__(self, code: CodeInformation = CodeInformation(), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.code: CodeInformation = own(code)

    @property
    def latent_width(self) -> int:
        """Return the width of noise and code together."""
        return self.latent_dim + self.code.width

    @property
    def num_outputs(self) -> int:
        """Return one score and what the head makes of the code."""
        return 1 + self.code.width

    def discriminate(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return the discriminator's scores of samples (n, *shape)."""
        outputs: Tensor = self.discriminator(x, conditions)
        return outputs[:, 0]

    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new sample per condition (n,), each of a code of its own: (n, *shape)."""
        return self.generate_from(self.code.draw(len(conditions), conditions.device), conditions)

    def generate_from(self, code: Tensor, conditions: Tensor) -> Tensor:
        """Return one new sample per code (n, code.width) and condition (n,), from the global random state."""
        noise = self.draw_latent(conditions)
        return self.generator(torch.cat([noise, code], dim=1), conditions)  # type: ignore[no-any-return]

    def discriminator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the adversarial loss less the information that the head finds."""
        return super().discriminator_objective(real, fake, conditions) + self.code_term(conditions)

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the adversarial loss less the information that samples give away."""
        return super().generator_objective(real, fake, conditions) + self.code_term(conditions)

    def code_term(self, conditions: Tensor) -> Tensor:
        """Return the weighted bound on the information, negated, of new samples of known codes.

        A discriminator that judges packs reads one code per pack.
        """
        packing = getattr(self.discriminator, "packing", 1)
        code = self.code.draw(len(conditions) // packing, conditions.device)
        samples = self.discriminator_input(self.generate_from(code.repeat_interleave(packing, dim=0), conditions))
        outputs: Tensor = self.discriminator(samples, conditions)
        return self.code(outputs[:, 1:], code)  # type: ignore[no-any-return]
