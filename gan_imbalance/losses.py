"""Adversarial losses, gradient penalties, auxiliary losses and those of classifiers, each a module with its paper.

``D(x)`` is a raw score: positive for real, negative for fake, never squashed by a sigmoid. Nothing here
waits for the device; random draws come from torch's global generator on the tensors' own device.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.types import InputError


class AdversarialLoss(nn.Module, ABC):
    """What the discriminator and the generator minimise; a subclass writes one formula for each."""

    @abstractmethod
    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the discriminator's loss.

        Args:
            real: scores of real samples, ``(n,)``.
            fake: scores of generated samples, ``(m,)``.

        Returns:
            A scalar.
        """

    @abstractmethod
    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return the generator's loss, a scalar, from the scores of its samples, ``(n,)``."""

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return the score below which a sample is taken for a fake, from scores of both kinds: 0 unless overridden."""
        return 0.0

    def constrain(self, discriminator: nn.Module) -> None:
        """Bring the discriminator back into the set that the loss assumes; called after each of its steps."""


class NonSaturatingLoss(AdversarialLoss):
    """Binary cross entropy; the generator maximises ``log D(G(z))`` (Goodfellow et al., 2014, section 3).

    The discriminator's labels may be soft, drawn uniformly for every sample (one-sided smoothing: Salimans
    et al., 2016, section 3.4).

    References:
        Generative Adversarial Nets, https://arxiv.org/abs/1406.2661

    Args:
        real_label_range: lowest and highest label of a real sample, within [0, 1].
        fake_label_range: the same for a generated one.

    Raises:
        InputError: if a range is not ordered within [0, 1].
    """

    def __init__(
        self,
        real_label_range: tuple[float, float] = (1.0, 1.0),
        fake_label_range: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        super().__init__()
        ranges = {"real_label_range": real_label_range, "fake_label_range": fake_label_range}
        for name, (low, high) in ranges.items():
            if not 0 <= low <= high <= 1:
                raise InputError(f"{name} is [{low}, {high}]: give two ordered numbers between 0 and 1.")
        self.real_label_range = real_label_range
        self.fake_label_range = fake_label_range

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``-E[y log D(x) + (1 - y) log(1 - D(x))]`` of real samples plus that of generated ones."""
        real_labels = _uniform_like(real, self.real_label_range)
        fake_labels = _uniform_like(fake, self.fake_label_range)
        return F.binary_cross_entropy_with_logits(real, real_labels) + F.binary_cross_entropy_with_logits(
            fake, fake_labels
        )

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``-E[log D(G(z))]``."""
        return F.softplus(-fake).mean()


class LeastSquaresLoss(AdversarialLoss):
    """Squared distance to 1 for real and 0 for fake (Mao et al., 2017, eq. 9: a = 0, b = c = 1).

    References:
        Least Squares Generative Adversarial Networks, https://arxiv.org/abs/1611.04076
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2``."""
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``E[(D(G(z)) - 1)^2] / 2``."""
        return (fake - 1).square().mean() / 2

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return 1/2, as far from real as from fake."""
        return 0.5


class HingeLoss(AdversarialLoss):
    """Hinge loss (Lim & Ye, 2017; Miyato et al., 2018, eqs. 16 and 17).

    References:
        Geometric GAN, https://arxiv.org/abs/1705.02894;
        Spectral Normalization for Generative Adversarial Networks, https://arxiv.org/abs/1802.05957
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]``."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``-E[D(G(z))]``."""
        return -fake.mean()


class WassersteinLoss(AdversarialLoss):
    """Earth-mover distance in its dual form (Arjovsky et al., 2017, eq. 2).

    The discriminator's loss, negated, estimates the distance if its slope is at most 1: pair it with a
    :class:`WassersteinGradientPenalty` or spectral normalisation.

    References:
        Wasserstein GAN, https://arxiv.org/abs/1701.07875
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``E[D(G(z))] - E[D(x)]``."""
        return fake.mean() - real.mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return ``-E[D(G(z))]``."""
        return -fake.mean()

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return the middle between the mean scores of both kinds: only differences of scores have a meaning."""
        return (real.mean() + fake.mean()) / 2


class ClippedWassersteinLoss(WassersteinLoss):
    """Wasserstein loss with the critic's weights clipped to a box (Arjovsky et al., 2017, algorithm 1).

    References:
        Wasserstein GAN, https://arxiv.org/abs/1701.07875

    Args:
        clip: largest absolute weight.

    Raises:
        InputError: if ``clip`` is not positive.
    """

    def __init__(self, clip: float = 0.01) -> None:
        super().__init__()
        if clip <= 0:
            raise InputError(f"clip is {clip}: give a positive number.")
        self.clip = clip

    @torch.no_grad()
    def constrain(self, discriminator: nn.Module) -> None:
        """Clip every trainable weight, in place; frozen ones stay as they are."""
        for weight in discriminator.parameters():
            if weight.requires_grad:
                weight.clamp_(-self.clip, self.clip)


class GradientPenalty(nn.Module, ABC):
    """A penalty on the gradient of the score with respect to the sample, one norm **per sample**.

    Args:
        weight: factor of the penalty.
    """

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, discriminate: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """Return the weighted penalty, a scalar through which the discriminator's weights get gradients.

        Args:
            discriminate: gives the scores, ``(n,)``, of samples; conditions are bound already. One that
                packs samples gives ``(n / packing,)``, and the norm is then taken over each pack.
            real: ``(n, ...)``.
            fake: ``(n, ...)``.
        """
        points = self.points(real, fake).detach().requires_grad_()
        scores = discriminate(points)
        (gradients,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
        return self.weight * self.penalty(gradients.reshape(scores.shape[0], -1))

    @abstractmethod
    def points(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the samples, ``(n, ...)``, at which the gradient is taken."""

    def penalty(self, gradients: Tensor) -> Tensor:
        """Return the unweighted penalty of gradients ``(scores, features)``: ``E[(||g|| - 1)^2]``."""
        norms: Tensor = torch.linalg.vector_norm(gradients, dim=1)
        return (norms - 1).square().mean()


class WassersteinGradientPenalty(GradientPenalty):
    """Unit gradient norm between real and fake samples (Gulrajani et al., 2017, eq. 3, algorithm 1).

    References:
        Improved Training of Wasserstein GANs, https://arxiv.org/abs/1704.00028
    """

    def points(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``e x + (1 - e) G(z)``, one ``e ~ U(0, 1)`` per sample."""
        # in mixed precision networks give out less of it than real samples have
        return torch.lerp(fake.to(real.dtype), real, _uniform_per_sample(real))


class DRAGANPenalty(GradientPenalty):
    """Unit gradient norm around real samples, ``E[(||grad D(x + d)|| - 1)^2]`` (Kodali et al., 2017).

    The paper draws ``d`` from a normal distribution; its authors' code, followed here, from uniform ones.

    References:
        On Convergence and Stability of GANs, https://arxiv.org/abs/1705.07215

    Args:
        weight: factor of the penalty.
        noise_scale: largest perturbation, in standard deviations of the batch.
    """

    def __init__(self, weight: float = 10.0, noise_scale: float = 0.5) -> None:
        super().__init__(weight)
        self.noise_scale = noise_scale

    def points(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return ``x + a u noise_scale std(x)``: ``a ~ U(0, 1)`` per sample and ``u`` per feature."""
        reach = self.noise_scale * real.std(correction=0)
        return real + _uniform_per_sample(real) * reach * torch.rand_like(real)


class R1Penalty(GradientPenalty):
    """Zero gradient at real samples: ``weight / 2 * E[||grad D(x)||^2]`` (Mescheder et al., 2018, eq. 9).

    References:
        Which Training Methods for GANs do actually Converge?, https://arxiv.org/abs/1801.04406
    """

    def points(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the real samples."""
        return real

    def penalty(self, gradients: Tensor) -> Tensor:
        """Return ``E[||g||^2] / 2``."""
        return gradients.square().sum(dim=1).mean() / 2


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


def cramer_scores(vectors: Tensor, others: Tensor) -> Tensor:
    """Return ``f(x) = ||h(x) - h(x')|| - ||h(x)||`` (Bellemare et al., 2017, algorithm 1), ``(n,)``.

    In place of a second real sample it takes zero: its expectation on real samples less that on fakes is the paper's
    surrogate for the energy distance.

    References:
        The Cramer Distance as a Solution to Biased Wasserstein Gradients, https://arxiv.org/abs/1705.10743

    Args:
        vectors: ``h(x)``, the critic's vectors of the samples to score, ``(n, k)``.
        others: ``h(x')``, those of independent fakes, ``(n, k)``.
    """
    distances: Tensor = torch.linalg.vector_norm(vectors - others, dim=1)
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=1)
    return distances - lengths


def energy_distance_loss(real: Tensor, fake: Tensor, other: Tensor) -> Tensor:
    """Return ``E||r - g|| + E||r - g'|| - E||g - g'||`` (Bellemare et al., 2017, algorithm 1), a scalar.

    This is the energy distance up to ``E||r - r'||``, on which the generator has no influence.

    References:
        The Cramer Distance as a Solution to Biased Wasserstein Gradients, https://arxiv.org/abs/1705.10743

    Args:
        real: the critic's vectors of real samples, ``(n, k)``.
        fake: those of fakes, ``(n, k)``.
        other: those of fakes that are independent of the first, ``(n, k)``.
    """
    pairs = torch.stack([real - fake, real - other, fake - other])
    distances: Tensor = torch.linalg.vector_norm(pairs, dim=2)
    means = distances.mean(dim=1)
    return means[0] + means[1] - means[2]


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
        """Return so many codes, ``(count, width)``, from the global random state."""
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
        surprise = (numbers - means).square().sum(dim=1) / 2 + self.numbers * math.log(2 * math.pi) / 2
        entropy = self.numbers * math.log(2)
        if self.categories:
            surprise = surprise + F.cross_entropy(logits, category, reduction="none")
            entropy += math.log(self.categories)
        return self.weight * (surprise.mean() - entropy)


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


class ClassificationLoss(nn.Module, ABC):
    """What a classifier minimises: a weighted mean, over the samples of a batch, of what a subclass computes."""

    def attach(self, class_counts: Sequence[int]) -> None:
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
    """``-(1 - p)^gamma log p``: samples that are told easily count little (Lin et al., 2017, eq. 4).

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
        surprise = F.cross_entropy(logits, labels, reduction="none")
        # a power below 1 has no slope at 0
        doubt = -torch.expm1(-surprise).clamp(max=-torch.finfo(surprise.dtype).tiny)
        return doubt**self.gamma * surprise


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

    def attach(self, class_counts: Sequence[int]) -> None:
        """Compute what is added to the logits."""
        counts = torch.tensor(class_counts, dtype=torch.float)
        self.adjustment = self.tau * (counts / counts.sum()).log()

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross entropy of the adjusted logits, ``(n,)``."""
        assert self.adjustment is not None, "attach() comes first"
        return F.cross_entropy(logits + self.adjustment, labels, reduction="none")


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


def _uniform_like(scores: Tensor, limits: tuple[float, float]) -> Tensor:
    """Return a label for every score; fixed ones leave the random stream where it is."""
    low, high = limits
    return torch.full_like(scores, low) if low == high else torch.empty_like(scores).uniform_(low, high)


def _uniform_per_sample(samples: Tensor) -> Tensor:
    """Return one number in [0, 1) per sample, ``(n, 1, ...)``, to broadcast over its features."""
    shape = (samples.shape[0],) + (1,) * (samples.dim() - 1)
    return torch.rand(shape, device=samples.device, dtype=samples.dtype)
