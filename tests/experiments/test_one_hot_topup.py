"""The study's rows, its figures, and its quick form from one end to the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.one_hot_topup.__main__ import COUNTS, GAN, GANS, PUBLISHED, REMEDIES, cut, losses, study, summarise


def test_two_cuts_have_the_counts_and_share_no_row(shared_data: Callable[[str], Path]) -> None:
    path = str(shared_data("car.csv.gz"))
    (reported, rest), (tuned, _) = (cut(path, "class", COUNTS, other) for other in (False, True))
    for rows in (reported, tuned):
        assert rows["class"].value_counts().to_dict() == COUNTS
    assert not len(reported.merge(tuned))
    assert len(reported) + len(rest) == 1728
    pd.testing.assert_frame_equal(cut(path, "class", COUNTS, False)[0], reported)


def test_a_table_may_be_taken_whole_and_its_target_comes_last(tmp_path: Path) -> None:
    frame = pd.DataFrame({"kind": ["a", "b", None, "a"], "wings": [0, 1, 1, 0]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    rows, rest = cut(str(tmp_path / "rows.csv"), "kind", None, False)
    assert list(rows) == ["wings", "kind"]
    assert (len(rows), len(rest)) == (3, 0)


def test_losses_are_the_cross_entropy_of_every_epoch() -> None:
    probabilities = np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.8, 0.2], [0.4, 0.6]]])
    expected = [-(math.log(0.5) + math.log(0.9)) / 2, -(math.log(0.8) + math.log(0.6)) / 2]
    assert losses(probabilities, np.array([0, 1])).tolist() == pytest.approx(expected)


def test_a_summary_compares_the_same_folds() -> None:
    figures = pd.DataFrame(
        {
            "repetition": [0, 0, 0, 0],
            "fold": [0, 1, 1, 0],
            "remedy": ["none", "none", "smote", "smote"],
            "honest_accuracy": [0.5, 0.9, 0.95, 0.75],
        }
    )
    baseline, smote = summarise(figures, "none").to_dict("records")
    assert (baseline["mean"], baseline["folds"]) == (pytest.approx(0.7), 2)
    assert smote["difference"] == pytest.approx(0.15)
    # the mean and its corrected standard error: (1 / 2 + 1 / 9) times the variance, with one degree of freedom
    error = math.sqrt((1 / 2 + 1 / 9) * 0.02)
    assert smote["difference_high"] == pytest.approx(0.15 + 12.706 * error, rel=1e-3)


def test_every_trick_is_left_out_alone_and_only_known_remedies_have_published_figures() -> None:
    full = GANS[GAN]["init_args"]
    changed = {
        name: {key for key in {*gan["init_args"], *full} if gan["init_args"].get(key) != full.get(key)}
        for name, gan in GANS.items()
    }
    assert not changed.pop(GAN)
    assert len(changed.pop("without any of them")) > 3
    assert changed.pop("without warm restarts") == {"scheduler", "generator_optimizer", "discriminator_optimizer"}
    assert all(len(keys) == 1 for keys in changed.values())
    assert set(PUBLISHED) < set(REMEDIES)


@pytest.mark.slow
def test_the_quick_form_runs_and_goes_on_where_it_was(
    shared_data: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"path": str(shared_data("car.csv.gz")), "output": str(tmp_path), "quick": True}
    study(**settings)
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "quick" / "cells").iterdir()}
    assert len(made) == 6
    tables = (tmp_path / "quick" / "tables.md").read_text()
    assert tables in capsys.readouterr().out
    assert "| none |" in tables
    assert "| without bit flips |" in tables
    assert (tmp_path / "quick" / "training" / "distances.png").is_file()
    study(**settings)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "quick" / "cells").iterdir()} == made
