"""The Lending Club study rehearses itself, and its teacher teaches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.lending_club_acgan.__main__ import study
from experiments.lending_club_acgan.taught import TaughtClassifier
from gan_imbalance.classifiers import TableClassifier


@pytest.mark.slow
def test_it_rehearses(shared_data: Callable[[str], Path], workplace: Path) -> None:
    path = shared_data("lending_club.csv.gz")
    assert study(str(path), quick=True) == 0
    parts = Path("runs/lending_club_acgan")
    found = pd.read_csv(parts / "study" / "differences.csv")
    against_nothing = found[found["against"] == "wide_deep nothing"]
    assert set(against_nothing["remedy"]) >= {"acgan", "conditional_wasserstein_gan", "two_headed_acgan", "smotenc"}
    assert found["difference"].to_numpy() == pytest.approx(found["mean"] - found["mean_against"], abs=1e-6)
    assert found["splits"].eq(1).all()
    assert len(pd.read_csv(parts / "study.csv")) == 25_000


def test_a_teacher_names_the_classes_of_synthetic_rows() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    added = np.arange(400) >= 100
    wrong = np.where(added, 1 - y, y)
    fits = [kind(max_steps=100).fit(X, wrong, added=added) for kind in (TaughtClassifier, TableClassifier)]
    taught, untaught = (model.score(X[added], y[added]) for model in fits)
    assert taught > 0.85
    assert untaught < taught - 0.2


def test_without_synthetic_rows_nobody_is_taught() -> None:
    X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    one, other = (kind(max_steps=5).fit(X, y).predict_proba(X) for kind in (TaughtClassifier, TableClassifier))
    assert np.array_equal(one, other)
