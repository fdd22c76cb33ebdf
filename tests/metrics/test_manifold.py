"""Neighbourhood figures, against their formulas written as loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

from gan_imbalance.metrics import DensityCoverage, PrecisionRecall, distances
from gan_imbalance.types import InputError


def rows(n: int, seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed)) + shift


def measure(metric: Metric, real: Tensor, fake: Tensor) -> dict[str, float]:
    metric.update(real, fake)
    return {name: float(value) for name, value in metric.compute().items()}


def radius(group: np.ndarray, i: int, k: int) -> float:
    others = [np.linalg.norm(group[i] - group[j]) for j in range(len(group)) if j != i]
    return sorted(others)[k - 1]


def is_inside(row: np.ndarray, group: np.ndarray, i: int, k: int) -> bool:
    return bool(np.linalg.norm(row - group[i]) <= radius(group, i, k))


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("chunk_elements", [10_000_000, 60])
def test_figures_equal_their_formulas(k: int, chunk_elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_CHUNK_ELEMENTS", chunk_elements)
    real, fake = rows(20, 0), rows(25, 1, shift=0.7)
    r, f = real.double().numpy(), fake.double().numpy()
    hits = np.array([[is_inside(row, r, i, k) for i in range(20)] for row in f])
    back = np.array([[is_inside(row, f, i, k) for i in range(25)] for row in r])
    found = measure(PrecisionRecall(k), real, fake) | measure(DensityCoverage(k), real, fake)
    expected = {
        "precision": hits.any(axis=1).mean(),
        "recall": back.any(axis=1).mean(),
        "density": hits.sum() / (k * 25),
        "coverage": hits.any(axis=0).mean(),
    }
    assert found == pytest.approx(expected)
    assert 0 < found["precision"] < 1


def test_the_same_distribution_scores_well_and_lost_modes_cost_recall_and_coverage_only() -> None:
    real = torch.cat([rows(300, 0), rows(300, 1, shift=20)])
    same = torch.cat([rows(300, 2), rows(300, 3, shift=20)])
    half = rows(600, 4)
    good = measure(PrecisionRecall(), real, same) | measure(DensityCoverage(), real, same)
    bad = measure(PrecisionRecall(), real, half) | measure(DensityCoverage(), real, half)
    assert min(good["precision"], good["recall"], good["coverage"]) > 0.85
    assert good["density"] == pytest.approx(1, abs=0.15)
    assert bad["precision"] > 0.85
    assert max(bad["recall"], bad["coverage"]) <= 0.5


def test_equal_rows_count_as_near() -> None:
    # balls of radius 0, since every row is there many times
    real = torch.tensor([[0.1], [0.7]]).repeat(10, 1)
    assert measure(DensityCoverage(), real, real[:12])["coverage"] == 1
    assert measure(PrecisionRecall(), real, real[:12] + 0.01) == {"precision": 0, "recall": 0}


def test_batches_add_up() -> None:
    real, fake = rows(60, 0), rows(60, 1)
    metric = PrecisionRecall()
    for batch in zip(real.split(13), fake.split(13), strict=True):
        metric.update(*batch)
    assert {name: float(value) for name, value in metric.compute().items()} == measure(PrecisionRecall(), real, fake)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="5 rows need more rows of each kind"):
        measure(DensityCoverage(), rows(5, 0), rows(50, 1))
