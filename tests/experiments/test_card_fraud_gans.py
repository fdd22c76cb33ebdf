"""The study of the card-fraud GANs: its dry run, and what it measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from experiments.card_fraud_gans.__main__ import (
    GANS,
    PAIR,
    PROTOCOLS,
    main,
    make_gan,
    plots_path,
    rows_path,
    run_part,
    variety,
)
from experiments.card_fraud_gans.published import RowsOfAFile, WholeBatchPenalty
from gan_imbalance.losses import WassersteinGradientPenalty
from gan_imbalance.types import InputError


@pytest.mark.slow
def test_the_rehearsal_leaves_every_table_and_picture(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    main(["--quick", "--path", str(shared_data("creditcard_sample.csv.gz")), "--output", str(tmp_path)])
    folder = tmp_path / "quick"
    summary = pd.read_csv(folder / "summary.csv").set_index(["protocol", "gan"])
    assert set(summary.index) == {(protocol, gan) for protocol in PROTOCOLS for gan in GANS}
    # frauds of a generator that has hardly been trained are told from real ones
    assert (summary["last_c2st_own"] > 0.8).all()
    assert summary.loc["corrected", "last_c2st_held_out"].notna().all()
    assert summary.loc["published", "last_c2st_held_out"].isna().all()
    part = folder / "parts" / "published-conditional_wasserstein_gan-0.csv"
    assert set(PAIR) <= set(pd.read_csv(rows_path(part)).columns)
    assert pd.read_csv(plots_path(part))["step"].max() == 2
    for name in ("curves.png", "v10_v17.png", "references.csv"):
        assert (folder / name).stat().st_size > 100
    for protocol in PROTOCOLS:
        results = pd.read_csv(folder / f"recall_{protocol}" / "quick" / "results.csv")
        assert {"nothing", "real_rows", "untrained_generator"} < set(results["remedy"])
        assert "recall_1" in results
    # a part that is there is not run again: it would not find its table
    again = run_part(folder, "no such file", "published", "conditional_wasserstein_gan", 0, 2, 2)
    assert again["step"].tolist() == [0, 2]


def test_the_published_penalty_is_that_of_one_long_gradient() -> None:
    gradients = torch.tensor([[0.6, 0.0], [0.0, 0.8]])
    assert WholeBatchPenalty().penalty(gradients) == pytest.approx(0)
    assert WassersteinGradientPenalty().penalty(gradients) == pytest.approx((0.4**2 + 0.2**2) / 2)


@pytest.mark.parametrize("name", GANS)
def test_only_the_published_wasserstein_gans_have_the_published_penalty(name: str) -> None:
    published, corrected = (make_gan(name, protocol) for protocol in PROTOCOLS)
    assert isinstance(published.penalty, WholeBatchPenalty) == ("wasserstein" in name)
    assert not isinstance(corrected.penalty, WholeBatchPenalty)
    critic_steps = (5, 20) if "wasserstein" in name else (1, 0)
    assert (published.discriminator_steps, published.warmup_steps) == critic_steps
    assert published.conditional == ("conditional" in name)


def test_a_collapsed_generator_spreads_and_covers_nothing() -> None:
    real, fresh = torch.randn(2, 200, 3, generator=torch.Generator().manual_seed(0))
    collapsed = real.mean(dim=0) + 1e-6 * fresh
    assert variety(real, real) == pytest.approx({"spread": 1.0, "coverage": 1.0})
    assert variety(real, fresh)["coverage"] > 0.9
    figures = variety(real, collapsed)
    assert figures["spread"] < 0.01
    assert figures["coverage"] < 0.1


def test_rows_of_a_file_join_whatever_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(8), "b": [0.5] * 8})
    labels = pd.Series([0] * 6 + [1] * 2, name="y")
    file = tmp_path / "rows.csv"
    pd.DataFrame({"b": [1.5, 2.5], "a": [70, 80]}).to_csv(file, index=False)
    rows, _ = RowsOfAFile(str(file), random_state=0).fit_resample(frame, labels)
    assert list(rows.columns) == ["a", "b"]
    assert set(rows["a"][8:]) <= {70, 80}
    assert len(rows) == 12
    pd.DataFrame({"a": [70]}).to_csv(file, index=False)
    with pytest.raises(InputError, match=r"rows\.csv does not hold the columns"):
        RowsOfAFile(str(file)).fit_resample(frame, labels)
