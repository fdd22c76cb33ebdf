"""Terms that are added to an adversarial loss."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.types import InputError


def feature_matching_loss(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """Return ``||E f(x) - E f(G(z))||^2`` (Salimans et al., 2016, section 3.1), a scalar.

    References:
        Improved Techniques for Training GANs, https://arxiv.org/abs/1606.03498

    Args:
        real_features: an inner layer of the discriminator on real samples, ``(n, ...)``.
        fake_features: the same on generated ones, ``(m, ...)``.
    """
    return (real_features.mean(dim=0) - fake_features.mean(dim=0)).square().sum()


class FeatureMatching(nn.Module):
    """An additional term for the generator: :func:`feature_matching_loss`, weighted.

    Args:
        weight: factor of the term.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, real_features: Tensor, fake_features: Tensor) -> Tensor:
        """Return the weighted term, a scalar, from features ``(n, ...)`` and ``(m, ...)``."""
        return self.weight * feature_matching_loss(real_features, fake_features)


class CodeInformation(nn.Module):
    """A lower bound of what samples tell of the code they were made from (Chen et al., 2016, eqs. 5 and 6).

    The code is one category, as one-hot, followed by numbers from U(-1, 1), all independent. The head's outputs are
    the logits of the category and the means of normal distributions, of variance 1, of the numbers.

    References:
        InfoGAN, https://arxiv.org/abs/1606.03657

    Args:
        categories: number of categories, equally likely, at least 2; 0 for a code without one.
        numbers: how many numbers, at least 0.
        weight: factor of the bound.

    Raises:
        InputError: if there is no code, or a single category.
    """

    def __init__(self, categories: int = 4, numbers: int = 1, weight: float = 1.0) -> None:
        super().__init__()
        if categories < 0 or categories == 1 or numbers < 0 or categories + numbers == 0:
            raise InputError(
                f"A code of {categories} categories and {numbers} numbers tells nothing: "
                "give at least 2 categories, or none and at least one number."
            )
        self.categories = categories
        self.numbers = numbers
        self.weight = weight

    @property
    def width(self) -> int:
        """Return the width of the code."""
        return self.categories + self.numbers

    def draw(self, count: int, device: torch.device) -> Tensor:
        """Return ``count`` codes, ``(count, width)``, from the global random state."""
        numbers = 2 * torch.rand(count, self.numbers, device=device) - 1
        if not self.categories:
            return numbers
        chosen = torch.randint(self.categories, (count,), device=device)
        return torch.cat([F.one_hot(chosen, self.categories).to(numbers.dtype), numbers], dim=1)

    def forward(self, predicted: Tensor, code: Tensor) -> Tensor:
        """Return ``-weight (E[log Q(c|x)] + H(c))``, a scalar.

        Args:
            predicted: the head's outputs, ``(n, width)``.
            code: the codes that the samples were made from, ``(n, width)``.
        """
        logits, means = predicted[:, : self.categories], predicted[:, self.categories :]
        category, numbers = code[:, : self.categories], code[:, self.categories :]
        nll = (numbers - means).square().sum(dim=1) / 2 + self.numbers * math.log(2 * math.pi) / 2
        entropy = self.numbers * math.log(2)
        if self.categories:
            nll = nll + F.cross_entropy(logits, category, reduction="none")
            entropy += math.log(self.categories)
        return self.weight * (nll.mean() - entropy)


class MajorityPenalty(nn.Module):
    """A term for the generator: samples that a classifier takes for another class than the intended one are punished.

    A minority sample is taken for a majority class with the probability ``q = 1 - p_y``: of the classifier's softmax
    ``p``, all but the share of the intended class ``y``. The penalty is ``-log(1 - q) = -log p_y``, the cross entropy
    of the intended class, computed from logits ``s`` as ``logsumexp(s) - s_y``. Its slope ``p_c - [c = y]`` in every
    logit is the greatest where the classifier is surest of a majority class; that of ``q``, or of ``log q``, falls to
    zero there with ``p_y``, and would leave the worst samples alone. It is the generator's class term of an
    auxiliary-classifier GAN (Odena et al., 2017, eq. 3), with a classifier that has seen real training samples of all
    classes and learns no more.

    The classifier is no part of this module: it is neither trained, saved nor counted with it, stays in evaluation
    mode, and stays where it is until its GAN starts to train, which takes it to its own device.

    References:
        SMate names such a penalty as its next step; the class term: https://arxiv.org/abs/1610.09585

    Args:
        classifier_path: checkpoint of a :class:`~gan_imbalance.classifiers.Classifier`, which the GAN reads when it
            starts to train; None if ``classifier`` is set from Python.
        weight: factor of the penalty, at least 0.

    Attributes:
        classifier: maps samples (n, *shape) to logits (n, classes); what is set is copied, so that it may be trained
            further elsewhere.

    Raises:
        InputError: if the weight is negative.
    """

    classifier: nn.Module | None

    def __init__(self, classifier_path: str | None = None, weight: float = 1.0) -> None:
        super().__init__()
        if weight < 0:
            raise InputError(f"weight is {weight}: give a number of at least 0.")
        self.classifier_path = classifier_path
        self.weight = weight
        self.classifier = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep the classifier apart from the modules that belong to this one."""
        if name != "classifier":
            super().__setattr__(name, value)
        else:
            frozen = None if value is None else deepcopy(value).eval().requires_grad_(False)
            object.__setattr__(self, name, frozen)

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted mean penalty, a scalar, of samples ``(n, *shape)`` of the intended classes ``(n,)``."""
        if self.classifier is None:
            raise InputError("MajorityPenalty has no classifier: give classifier_path, or set its classifier.")
        return self.weight * F.cross_entropy(self.classifier(samples), labels)
