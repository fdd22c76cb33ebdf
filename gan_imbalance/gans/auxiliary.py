"""The auxiliary-classifier GAN."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from torch import Tensor

from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.losses import AuxiliaryLoss, TwoHeadedLoss
from gan_imbalance.types import ClassSelection, InputError


class AuxiliaryClassifierGAN(BaseGAN):
    """GAN whose discriminator is not conditioned on the class but has to find it, with K + 1 outputs for K classes.

    Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs
    (https://arxiv.org/abs/1610.09585). :class:`TwoHeadedLoss` is the standard form, one adversarial and K class
    outputs; :class:`~gan_imbalance.losses.KPlusOneLoss` has the K classes and "synthetic" compete in one softmax, as
    the mixed-table GAN for Lending Club does.

    Args:
        loss: of both networks, on all K + 1 outputs.
        classes: what it learns.
        kwargs: see :class:`BaseGAN`.

    Example:
        Of two classes, with one softmax over both and "synthetic":

        >>> import pandas as pd
        >>> from gan_imbalance import AuxiliaryClassifierGAN, GANOverSampler
        >>> from gan_imbalance.losses import KPlusOneLoss
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> sampler = GANOverSampler(AuxiliaryClassifierGAN(KPlusOneLoss()), max_steps=3)
        >>> _ = sampler.fit_resample(table, labels)
        >>> sampler.gans_["rare"].num_outputs
        3
    """

    conditional: ClassVar[bool] = True

    def __init__(self, loss: AuxiliaryLoss = TwoHeadedLoss(), classes: ClassSelection = "all", **kwargs: Any) -> None:
        # the base class only keeps the loss; its objectives, which call it, are overridden here
        super().__init__(loss=loss, classes=classes, **kwargs)  # type: ignore[arg-type]
        self.auxiliary_loss = cast(AuxiliaryLoss, self.loss)

    @property
    def num_outputs(self) -> int:
        """Return K + 1."""
        return self.spec.num_conditions + 1

    def discriminator_conditions(self, num_conditions: int) -> int:
        """Return 0: the discriminator has to find the class."""
        return 0

    def discriminate(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return one score per sample, positive for real."""
        return self.auxiliary_loss.adversarial_scores(self._outputs(x))

    def discriminator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the discriminator's adversarial and class loss."""
        real_out, fake_out = self.judge_both(lambda x, _: self._outputs(x), real, fake, conditions)
        loss = self.auxiliary_loss.discriminator_loss(real_out, conditions, fake_out, conditions)
        return loss + self.penalty_term(real, fake, conditions)

    def generator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
        """Return the generator's adversarial and class loss."""
        loss = self.auxiliary_loss.generator_loss(self._outputs(fake), conditions)
        return loss + self.feature_matching_term(real, fake, conditions)

    def _outputs(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.discriminator(x)
        if len(outputs) != len(x):
            raise InputError("AuxiliaryClassifierGAN names the class of every sample: set packing to 1.")
        return outputs
