"""Losses of classifiers, one for every sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.types import InputError


class ClassificationLoss(nn.Module, ABC):
    """What a classifier minimises: a weighted mean, over the samples of a batch, of what a subclass computes."""

    def build(self, class_counts: Sequence[int]) -> None:
        """Learn how many training samples every class has, for losses that depend on it."""

    @abstractmethod
    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of every sample, ``(n,)``, before any weights.

        Args:
            logits: ``(n, K)``.
            labels: in 0..K-1, ``(n,)``.
        """


class CrossEntropy(ClassificationLoss):
    """``-log p``, with p the probability of the true class."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return ``-log softmax(logits)[labels]``, ``(n,)``."""
        return F.cross_entropy(logits, labels, reduction="none")


class FocalLoss(ClassificationLoss):
    """``-(1 - p)^gamma log p``: samples that are classified easily count little (Lin et al., 2017, eq. 4).

    The paper's alpha is a weight of the class.

    References:
        Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002

    Args:
        gamma: how much less they count, at least 0, where it is the cross entropy; 2 in the paper.

    Raises:
        InputError: if gamma is negative.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        if gamma < 0:
            raise InputError(f"gamma is {gamma}: give a number of at least 0.")
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return ``-(1 - p)^gamma log p`` of the labels, ``(n,)``."""
        nll = F.cross_entropy(logits, labels, reduction="none")
        # 1 - p, kept above 0, where a power below 1 has no slope
        complement = -torch.expm1(-nll).clamp(max=-torch.finfo(nll.dtype).tiny)
        return complement**self.gamma * nll


class ClassBalancedLoss(ClassificationLoss):
    """Cross entropy, weighted by the inverse of the effective number of the class's samples (Cui et al., 2019, eq. 3).

    Of n samples that overlap, ``(1 - beta^n) / (1 - beta)`` count; the weights have mean 1 over the classes. Where
    beta is 0 all classes weigh the same, near 1 by the inverse of their frequency.

    References:
        Class-Balanced Loss Based on Effective Number of Samples, https://arxiv.org/abs/1901.05555

    Args:
        beta: in [0, 1); the paper tries 0.9, 0.99, 0.999 and 0.9999.

    Raises:
        InputError: if beta is outside of it.
    """

    weight: Tensor | None

    def __init__(self, beta: float = 0.999) -> None:
        super().__init__()
        if not 0 <= beta < 1:
            raise InputError(f"beta is {beta}: give a number of at least 0 and below 1.")
        self.beta = beta
        # made anew from the class counts
        self.register_buffer("weight", None, persistent=False)

    def build(self, class_counts: Sequence[int]) -> None:
        """Compute the weights."""
        counts = torch.tensor(class_counts, dtype=torch.double)
        # a class without samples has no loss, whatever its weight
        effective = (1 - self.beta ** counts.clamp_min(1)) / (1 - self.beta)
        self.weight = ((1 / effective) * len(counts) / (1 / effective).sum()).float()

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted cross entropy, ``(n,)``."""
        assert self.weight is not None, "build() comes first"
        return self.weight[labels] * F.cross_entropy(logits, labels, reduction="none")


class LogitAdjustedLoss(ClassificationLoss):
    """Cross entropy of logits to which the logarithm of the class's share is added (Menon et al., 2021, eq. 10).

    The logits themselves then tell the classes as if all were equally frequent. Shares are those of the training
    samples, whatever their weights.

    References:
        Long-tail learning via logit adjustment, https://arxiv.org/abs/2007.07314

    Args:
        tau: factor of the logarithm, 1 in the paper; 0 is the cross entropy.
    """

    adjustment: Tensor | None

    def __init__(self, tau: float = 1.0) -> None:
        super().__init__()
        self.tau = tau
        # made anew from the class counts
        self.register_buffer("adjustment", None, persistent=False)

    def build(self, class_counts: Sequence[int]) -> None:
        """Compute what is added to the logits."""
        counts = torch.tensor(class_counts, dtype=torch.float)
        self.adjustment = self.tau * (counts / counts.sum()).log()

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross entropy of the adjusted logits, ``(n,)``."""
        assert self.adjustment is not None, "build() comes first"
        return F.cross_entropy(logits + self.adjustment, labels, reduction="none")
