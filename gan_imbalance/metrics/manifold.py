"""Whether synthetic rows lie where real ones do, and everywhere where real ones do.

Both metrics draw around every row the closed ball that reaches to its k-th nearest neighbour of its own kind. Give
rows in comparable units (a transformer's features), equal numbers of both kinds, and real rows that the generator has
not seen.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from gan_imbalance.metrics.distances import as_matrices, exact_distances, neighbour_radii
from gan_imbalance.types import InputError


class _NeighbourhoodMetric(Metric):
    """Collects rows of both kinds.

    Args:
        k: which neighbour a ball reaches to, at least 1.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    real: list[Tensor]
    fake: list[Tensor]

    def __init__(self, k: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k = k
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("fake", default=[], dist_reduce_fx="cat")

    def update(self, real: Tensor, fake: Tensor) -> None:
        """Collect real rows ``(n, d)`` and synthetic rows ``(m, d)``."""
        self.real.append(real.detach())
        self.fake.append(fake.detach())

    def _rows(self) -> tuple[Tensor, Tensor]:
        real, fake = as_matrices(dim_zero_cat(self.real), dim_zero_cat(self.fake))
        if min(len(real), len(fake)) <= self.k:
            raise InputError(
                f"Neighbourhoods of {self.k} rows need more rows of each kind than that, but there are {len(real)} "
                f"real and {len(fake)} synthetic: give more."
            )
        return real, fake


class PrecisionRecall(_NeighbourhoodMetric):
    """Improved precision and recall (Kynkaanniemi et al., 2019, equations 1 to 3).

    :meth:`compute` returns, in [0, 1]: ``precision``, the share of synthetic rows inside a ball of some real row;
    ``recall``, the share of real rows inside a ball of some synthetic row.

    References:
        Improved Precision and Recall Metric for Assessing Generative Models, https://arxiv.org/abs/1904.06991

    Args:
        k: which neighbour a ball reaches to; 3 in the paper.
        kwargs: of ``torchmetrics.Metric``.
    """

    def __init__(self, k: int = 3, **kwargs: Any) -> None:
        super().__init__(k, **kwargs)

    def compute(self) -> dict[str, Tensor]:
        """Return both shares.

        Raises:
            InputError: if there are not more than k rows of each kind, or a value is not finite.
        """
        real, fake = self._rows()
        return {"precision": self._share_inside(fake, real), "recall": self._share_inside(real, fake)}

    def _share_inside(self, rows: Tensor, reference: Tensor) -> Tensor:
        """Return the share of the rows that lie in a ball of some reference row."""
        radii = neighbour_radii(reference, self.k)
        inside = [(block <= radii).any(dim=1) for block in exact_distances(rows, reference)]
        return torch.cat(inside).float().mean()


class DensityCoverage(_NeighbourhoodMetric):
    """Density and coverage (Naeem et al., 2020, equations 5 and 6).

    :meth:`compute` returns ``density``, in how many of k balls of real rows a synthetic row lies (1 is expected of
    the same distribution; more is possible), and ``coverage``, in [0, 1], the share of real rows in whose ball lies a
    synthetic row.

    References:
        Reliable Fidelity and Diversity Metrics for Generative Models, https://arxiv.org/abs/2002.09797

    Args:
        k: which neighbour a ball reaches to; 5 in the paper.
        kwargs: of ``torchmetrics.Metric``.
    """

    def __init__(self, k: int = 5, **kwargs: Any) -> None:
        super().__init__(k, **kwargs)

    def compute(self) -> dict[str, Tensor]:
        """Return both figures.

        Raises:
            InputError: if there are not more than k rows of each kind, or a value is not finite.
        """
        real, fake = self._rows()
        radii = neighbour_radii(real, self.k)
        hits = torch.zeros(len(real), dtype=torch.int64, device=real.device)
        for block in exact_distances(fake, real):
            hits += (block <= radii).sum(dim=0)
        return {"density": hits.sum() / (self.k * len(fake)), "coverage": (hits > 0).float().mean()}
