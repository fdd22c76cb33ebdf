"""Gradient penalties, which keep the slope of the discriminator in bounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn


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


def _uniform_per_sample(samples: Tensor) -> Tensor:
    """Return one number in [0, 1) per sample, ``(n, 1, ...)``, to broadcast over its features."""
    shape = (samples.shape[0],) + (1,) * (samples.dim() - 1)
    return torch.rand(shape, device=samples.device, dtype=samples.dtype)
