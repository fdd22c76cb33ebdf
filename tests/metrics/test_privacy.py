"""Copies are found, and only copies; a memorising generator is told from one that learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from gan_imbalance.metrics import distances
from gan_imbalance.metrics.privacy import (
    closest_record_share,
    closest_records,
    data_copying,
    exact_copies,
    membership_inference,
)
from gan_imbalance.types import InputError

RNG = np.random.default_rng(0)
TRAINING, HOLDOUT, FRESH = (RNG.normal(size=(60, 4)) * [1, 10, 100, 0] + 5 for _ in range(3))


def test_exact_copies_are_counted() -> None:
    synthetic = np.concatenate([TRAINING[:3], FRESH[:9]])
    assert exact_copies(synthetic, TRAINING) == pytest.approx(3 / 12)
    assert exact_copies(torch.tensor(synthetic).float(), torch.tensor(TRAINING)) == pytest.approx(3 / 12)
    assert exact_copies(FRESH, TRAINING) == 0


def test_a_close_neighbour_is_no_copy() -> None:
    jitter = 1e-4 * TRAINING.std(axis=0)
    assert exact_copies(TRAINING + jitter, TRAINING) == 0
    # A column that is constant in training still tells rows apart.
    assert exact_copies(TRAINING + np.array([0, 0, 0, 0.5]), TRAINING) == 0
    # Rows far out, where distances lose most digits.
    far = np.concatenate([TRAINING, TRAINING * 1e5])
    assert exact_copies(far[60:], TRAINING) == 0
    assert exact_copies(far, far) == 1


@pytest.mark.parametrize("chunk_elements", [10_000_000, 200])
def test_closest_record_share_equals_nearest_neighbours(chunk_elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_CHUNK_ELEMENTS", chunk_elements)
    scale = np.where(TRAINING.std(axis=0) > 0, TRAINING.std(axis=0), 1)
    scaled = [(rows - TRAINING.mean(axis=0)) / scale for rows in (FRESH, TRAINING, HOLDOUT)]
    near = [NearestNeighbors(n_neighbors=1).fit(rows).kneighbors(scaled[0])[0][:, 0] for rows in scaled[1:]]
    assert closest_record_share(FRESH, TRAINING, HOLDOUT) == pytest.approx((near[0] < near[1]).mean())


def test_share_is_one_for_copies_zero_for_held_out_rows_and_half_for_ties() -> None:
    assert closest_record_share(TRAINING, TRAINING, HOLDOUT) == 1
    assert closest_record_share(HOLDOUT, TRAINING, HOLDOUT) == 0
    assert closest_record_share(FRESH, TRAINING, TRAINING[::-1].copy()) == 0.5
    assert closest_record_share(TRAINING, TRAINING, np.concatenate([HOLDOUT, TRAINING])) == 0.5


def test_columns_count_in_their_own_units() -> None:
    # Unscaled, the wide second column would decide for the held-out row; scaled, the first one does.
    training = np.array([[0.0, 0.0], [1.0, 1000.0]])
    holdout = np.array([[5.0, 100.0], [5.0, 900.0]])
    assert closest_record_share(np.array([[0.0, 120.0]]), training, holdout) == 1


@pytest.mark.parametrize(
    "synthetic",
    [np.empty((0, 4)), FRESH[:, :3], np.where(FRESH > 5, np.nan, FRESH)],
    ids=["none", "width", "nan"],
)
def test_rows_that_cannot_be_compared_are_refused(synthetic: np.ndarray) -> None:
    with pytest.raises(InputError, match="Rows to compare"):
        exact_copies(synthetic, TRAINING)


def test_closest_records_equal_nearest_neighbours() -> None:
    near = [NearestNeighbors(n_neighbors=1).fit(rows).kneighbors(FRESH)[0][:, 0] for rows in (TRAINING, HOLDOUT)]
    found = closest_records(FRESH, TRAINING, HOLDOUT, encoded=True)
    expected = [np.quantile(distances, q) for distances in near for q in (0.5, 0.05)]
    assert found[1:] == pytest.approx(expected)
    assert found.share == pytest.approx((near[0] < near[1]).mean())
    # standardised, the column that spans hundreds counts no more than the others
    assert closest_records(FRESH, TRAINING, HOLDOUT).training_median < 3 < found.training_median


def test_membership_auc_is_that_of_the_distances() -> None:
    synthetic = np.concatenate([TRAINING[:20], FRESH])
    found = membership_inference(synthetic, TRAINING, HOLDOUT, encoded=True)
    nearest = NearestNeighbors(n_neighbors=1).fit(synthetic)
    scores = -nearest.kneighbors(np.concatenate([TRAINING, HOLDOUT]))[0][:, 0]
    assert found.auc == pytest.approx(roc_auc_score(np.repeat([1, 0], 60), scores))
    assert found.auc > 0.55


def test_membership_interval_is_delongs() -> None:
    # distances to the synthetic row 0: members 1, 3, 5; others 2, 4, 4, so that members win (3 + 2 + 0) of 9 pairs
    members, others = (np.array([row]).T for row in ([1.0, 3.0, 5.0], [2.0, 4.0, 4.0]))
    found = membership_inference(np.zeros((1, 1)), members, others, encoded=True)
    wins, losses = np.array([1, 2 / 3, 0]), np.array([1 / 3, 2 / 3, 2 / 3])
    deviation = np.sqrt(wins.var(ddof=1) / 3 + losses.var(ddof=1) / 3)
    assert found.auc == pytest.approx(5 / 9)
    assert found.high - found.auc == pytest.approx(min(4 / 9, 1.96 * deviation), rel=1e-4)
    assert found.low == 0


def test_membership_interval_holds_a_half_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        synthetic, members, others = (random.normal(size=(n, 2)) for n in (100, 60, 60))
        found = membership_inference(synthetic, members, others)
        inside += found.low <= 0.5 <= found.high
    assert 0.9 <= inside / 200 <= 0.99


def test_a_generator_that_copies_is_found_out() -> None:
    found = membership_inference(TRAINING, TRAINING, HOLDOUT)
    assert found.auc == found.high == 1
    assert membership_inference(FRESH, TRAINING, HOLDOUT).low < 0.5


def test_the_nearest_row_is_the_one_of_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_CHUNK_ELEMENTS", 200)
    apart = np.linalg.norm(FRESH[:, None] - TRAINING[None], axis=2)
    found, positions = distances.nearest(*distances.as_matrices(FRESH, TRAINING))
    assert positions.tolist() == apart.argmin(axis=1).tolist()
    assert found.numpy() == pytest.approx(apart.min(axis=1))


def test_data_copying_by_counting_pairs() -> None:
    made, unseen = np.array([1.0, 2.0, 0.0]), np.array([2.0, 3.0, 4.0, 5.0])
    # 12 pairs, one tie, all others nearer: U is 0.5, of mean 6 and variance 12 * 8 / 12
    figures = data_copying(made, unseen)
    assert figures.nearer == pytest.approx(11.5 / 12)
    assert figures.z == pytest.approx((0.5 - 6) / 8**0.5)
    assert figures.very_near == 1
    assert data_copying(unseen, made).z == pytest.approx(-figures.z)


def test_fresh_rows_are_not_taken_for_copies() -> None:
    random = np.random.default_rng(1)
    training, unseen, fresh = distances.as_matrices(*(random.normal(size=(400, 3)) for _ in range(3)))
    unseen_distances = distances.nearest_distances(unseen, training)
    learned = data_copying(distances.nearest_distances(fresh, training), unseen_distances)
    assert abs(learned.z) < 3
    assert learned.nearer == pytest.approx(0.5, abs=0.06)
    assert learned.very_near == pytest.approx(0.05, abs=0.03)
    copied = distances.nearest_distances(torch.cat([training[:40] + 0.01, fresh[:40]]), training)
    assert data_copying(copied, unseen_distances).z < -3


def test_data_copying_needs_rows_of_both_kinds() -> None:
    with pytest.raises(InputError, match="non-empty"):
        data_copying(np.ones(3), np.ones(0))
