"""Remedies ranked over several comparisons, from files alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.analysis.ranking import friedman, wilcoxon_signed_rank
from gan_imbalance.comparison.analysis.statistics import holm
from gan_imbalance.comparison.plan.study import Judging
from gan_imbalance.comparison.report.across import rank_over_data_sets
from gan_imbalance.data import TabularDataModule
from gan_imbalance.main import main
from gan_imbalance.metrics import Costs
from gan_imbalance.types import InputError

DATA_SETS = 3

Compare = Callable[..., str]


@pytest.fixture(scope="module")
def compare_one(run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Compare:
    """Return a function that compares two remedies on a table of its own, and gives the folder."""
    root = tmp_path_factory.mktemp("runs")

    def compared(
        number: int, remedies: tuple[str, ...] = ("smote", "random_under"), name: str = "", **options: Any
    ) -> str:
        random = np.random.default_rng(number)
        rare = np.repeat([0, 1], [90, 20])
        frame = pd.DataFrame(random.normal(size=(110, 3)) + rare[:, None], columns=["a", "b", "c"]).assign(rare=rare)
        folder = root / (name or f"set{number}")
        data = TabularDataModule(frame=frame, target="rare", validation_fraction=0.2)
        run(folder, data=data, remedies=["nothing", *remedies], **options)
        return str(folder)

    return compared


@pytest.fixture(scope="module")
def runs(compare_one: Compare) -> list[str]:
    return [compare_one(number) for number in range(DATA_SETS)]


def test_ranks_and_tests_are_those_of_the_mean_scores(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *runs, "--output", str(tmp_path)]) == 0
    assert f"Ranking: {tmp_path / 'ranking.html'}" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "ranking.csv")
    found = table[table["metric"] == "PR-AUC"].set_index("remedy")
    results = [pd.read_csv(Path(run) / "results.csv") for run in runs]
    names = ["nothing", "smote", "random_under"]
    means = np.array([[one[one["remedy"] == name]["pr_auc"].mean() for name in names] for one in results])
    assert found.loc[names, "mean_rank"].tolist() == pytest.approx(friedman(means).ranks.tolist())
    p = [wilcoxon_signed_rank(means[:, column] - means[:, 0]).p for column in (1, 2)]
    assert found.loc[names[1:], "p"].tolist() == pytest.approx(p)
    assert found.loc[names[1:], "p_holm"].tolist() == pytest.approx(holm(p).tolist())
    assert (found["better"] + found["worse"] <= DATA_SETS).all()


def test_the_page_says_what_so_few_data_sets_allow(runs: list[str], tmp_path: Path) -> None:
    page = rank_over_data_sets(runs, tmp_path).read_text(encoding="utf-8")
    assert "over 3 data sets" in page
    assert "no difference between nothing and any remedy could be shown" in page
    assert page.index('class="verdict"') < page.index("<img") < page.index("What could be wrong")
    assert len(list((tmp_path / "plots").glob("*_critical_difference.png"))) == 2


def test_only_what_all_comparisons_have_is_ranked(compare_one: Compare, runs: list[str], tmp_path: Path) -> None:
    rank_over_data_sets([runs[0], compare_one(7, remedies=("smote",))], tmp_path)
    assert set(pd.read_csv(tmp_path / "ranking.csv")["remedy"]) == {"nothing", "smote"}


def test_a_data_set_counts_once(compare_one: Compare, runs: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="same data set"):
        rank_over_data_sets([runs[0], compare_one(0, name="again")], tmp_path)
    assert not list(tmp_path.iterdir())


def test_less_cost_ranks_higher(compare_one: Compare, tmp_path: Path) -> None:
    told = {"metric": "expected_cost", "judging": Judging(costs=Costs(10, 1))}
    runs = [compare_one(number, name=f"cost{number}", **told) for number in range(2)]
    assert main(["report", *runs, "--output", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "ranking.csv")
    found = table[table["metric"] == "Expected cost per row"].set_index("remedy")
    means = [pd.read_csv(Path(run) / "results.csv").groupby("remedy")["expected_cost"].mean() for run in runs]
    for name in ("nothing", "smote", "random_under"):
        assert found.loc[name, "better"] == sum(mean[name] < mean["nothing"] for mean in means)
        assert found.loc[name, "mean_rank"] == pytest.approx(np.mean([mean.rank()[name] for mean in means]))


@pytest.mark.parametrize("subcommand", [["report"], ["report", "nowhere"]])
def test_without_a_comparison_there_is_no_report(subcommand: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(subcommand) == 2
    assert "gan-imbalance: error: " in capsys.readouterr().err
