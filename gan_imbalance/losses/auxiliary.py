"""Losses of GANs whose discriminator also classifies."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.losses.adversarial import AdversarialLoss, NonSaturatingLoss


class AuxiliaryLoss(nn.Module, ABC):
    """The losses of a GAN whose discriminator also tells K classes apart, with K + 1 outputs per sample."""

    @abstractmethod
    def discriminator_loss(
        self, real_out: Tensor, real_labels: Tensor, fake_out: Tensor, fake_labels: Tensor
    ) -> Tensor:
        """Return the discriminator's loss.

        Args:
            real_out: outputs on real samples, ``(n, K + 1)``.
            real_labels: their classes, int64 ``(n,)``, in 0..K-1.
            fake_out: outputs on generated samples, ``(m, K + 1)``.
            fake_labels: the classes they were generated for, int64 ``(m,)``.

        Returns:
            A scalar.
        """

    @abstractmethod
    def generator_loss(self, fake_out: Tensor, fake_labels: Tensor) -> Tensor:
        """Return the generator's scalar loss from outputs ``(n, K + 1)`` and intended classes ``(n,)``."""

    @abstractmethod
    def adversarial_scores(self, out: Tensor) -> Tensor:
        """Return one score per sample, ``(n,)``, from outputs ``(n, K + 1)``: positive means real."""

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return the score below which a sample is taken for a fake, from scores of both kinds: 0 unless overridden."""
        return 0.0

    def constrain(self, discriminator: nn.Module) -> None:
        """Bring the discriminator back into the set that the loss assumes; called after each of its steps."""


class TwoHeadedLoss(AuxiliaryLoss):
    """An adversarial logit (column 0) beside K class logits (Odena et al., 2017, eqs. 2 and 3).

    In the paper the discriminator also learns to classify generated samples. That teaches it the early
    generator's mistakes and costs diversity, so it is off by default.

    References:
        Conditional Image Synthesis with Auxiliary Classifier GANs, https://arxiv.org/abs/1610.09585

    Args:
        adversarial: loss of column 0; :class:`NonSaturatingLoss` if None.
        class_weight: factor of the class term, for both networks.
        classify_fakes: whether the discriminator's class term includes generated samples.
    """

    def __init__(
        self,
        adversarial: AdversarialLoss | None = None,
        class_weight: float = 1.0,
        classify_fakes: bool = False,
    ) -> None:
        super().__init__()
        self.adversarial = NonSaturatingLoss() if adversarial is None else adversarial
        self.class_weight = class_weight
        self.classify_fakes = classify_fakes

    def discriminator_loss(
        self, real_out: Tensor, real_labels: Tensor, fake_out: Tensor, fake_labels: Tensor
    ) -> Tensor:
        """Return the adversarial loss plus ``class_weight`` times the classes' cross entropy."""
        classes = F.cross_entropy(real_out[:, 1:], real_labels)
        if self.classify_fakes:
            classes = classes + F.cross_entropy(fake_out[:, 1:], fake_labels)
        source = self.adversarial.discriminator_loss(
            self.adversarial_scores(real_out), self.adversarial_scores(fake_out)
        )
        return source + self.class_weight * classes

    def generator_loss(self, fake_out: Tensor, fake_labels: Tensor) -> Tensor:
        """Return the adversarial loss plus ``class_weight`` times the classes' cross entropy."""
        source = self.adversarial.generator_loss(self.adversarial_scores(fake_out))
        return source + self.class_weight * F.cross_entropy(fake_out[:, 1:], fake_labels)

    def adversarial_scores(self, out: Tensor) -> Tensor:
        """Return column 0."""
        return out[:, 0]

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return that of the adversarial loss."""
        return self.adversarial.boundary(real, fake)

    def constrain(self, discriminator: nn.Module) -> None:
        """Apply the adversarial loss's own constraint."""
        self.adversarial.constrain(discriminator)


class KPlusOneLoss(AuxiliaryLoss):
    """One softmax over the K classes and "synthetic", the last column (Salimans et al., 2016, section 5).

    References:
        Improved Techniques for Training GANs, https://arxiv.org/abs/1606.03498
    """

    def discriminator_loss(
        self, real_out: Tensor, real_labels: Tensor, fake_out: Tensor, fake_labels: Tensor
    ) -> Tensor:
        """Return the cross entropy of real samples (their class) plus that of fake ones ("synthetic")."""
        synthetic = torch.full_like(fake_labels, fake_out.shape[1] - 1)
        return F.cross_entropy(real_out, real_labels) + F.cross_entropy(fake_out, synthetic)

    def generator_loss(self, fake_out: Tensor, fake_labels: Tensor) -> Tensor:
        """Return the cross entropy of generated samples (the class asked for)."""
        return F.cross_entropy(fake_out, fake_labels)

    def adversarial_scores(self, out: Tensor) -> Tensor:
        """Return the log odds of being real: of any of the K classes against "synthetic"."""
        return out[:, :-1].logsumexp(dim=1) - out[:, -1]
