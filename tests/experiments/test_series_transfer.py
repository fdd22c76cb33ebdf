"""The study of transfer for few rare series: its dry run on real series, and what its summary sums up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.series_transfer.__main__ import RARE_SERIES, SOURCES, data_of, main, remedies, summary
from gan_imbalance.oversampling.series import DEFAULT_SERIES_GAN


@pytest.mark.slow
def test_the_dry_run_has_every_remedy(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    root = str(shared_data("series"))
    assert main(["--quick", "--root", root, "--output", str(tmp_path), "--jobs", "1"]) == 0
    found = pd.read_csv(tmp_path / "summary.csv")
    names = [one if isinstance(one, str) else one.name for one in remedies()]
    assert found["remedy"].unique().tolist() == names
    assert set(found["classifier"]) == {"resnet1d", "mini_rocket"}
    assert (found["splits"] == 1).all()
    assert (found.loc[found["remedy"] == "nothing", "to_nothing"] == 0).all()


@pytest.mark.parametrize("name", SOURCES)
def test_every_set_has_rare_series_to_keep_and_to_set_aside(name: str, shared_data: Callable[[str], Path]) -> None:
    data = data_of(name, str(shared_data("series")))
    samples, source = data.samples, SOURCES[name]
    assert samples.classes == (*source.common, source.rare)
    rare = len(source.common)
    split = data.split_with(0, None, None, RARE_SERIES[-1])
    counts = {part: np.bincount(samples.labels[split.rows(part)]) for part in ("train", "test", "reserve")}
    assert counts["train"].argmin() == rare
    assert counts["train"][rare] == RARE_SERIES[-1]
    assert counts["test"][rare] > 90
    assert counts["reserve"][rare] > 20


def test_both_gans_have_the_same_settings_and_steps() -> None:
    settings = {one.name: one.init_args for one in remedies() if not isinstance(one, str)}
    for taken in settings.values():
        assert taken["gan"]["init_args"] == DEFAULT_SERIES_GAN["init_args"]
        assert taken["max_steps"] == settings["gan"]["max_steps"]
    assert settings["distilled_gan"] == settings["gan"]


def test_differences_are_to_nothing_on_the_same_split() -> None:
    rows = [
        {"seed": seed, "remedy": remedy, "pr_auc": 0.5 * seed + gain, "balanced_accuracy": 0.5}
        for seed in (0, 1)
        for remedy, gain in (("nothing", 0.1), ("gan", 0.15))
    ]
    found = summary(pd.DataFrame(rows).assign(set="A", minority_rows=10, classifier="one"))
    assert found["to_nothing"].tolist() == pytest.approx([0.0, 0.05])
    assert found["splits"].tolist() == [2, 2]
