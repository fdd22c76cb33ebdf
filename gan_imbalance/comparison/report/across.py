"""Several comparisons, one per data set, together: which remedy ranks best over data sets?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gan_imbalance.checkpoints import telling_damage
from gan_imbalance.comparison import plots
from gan_imbalance.comparison.analysis.metrics import Metric, headline_metrics
from gan_imbalance.comparison.analysis.ranking import Ranking, rank_remedies, wilcoxon_signed_rank
from gan_imbalance.comparison.analysis.statistics import holm
from gan_imbalance.comparison.analysis.tables import grouped, results_table, scores_by_method
from gan_imbalance.comparison.plan.cells import Method
from gan_imbalance.comparison.plots import Plot
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import make_report
from gan_imbalance.comparison.report.templates import show
from gan_imbalance.comparison.report.terminal import print_report
from gan_imbalance.comparison.store import Store
from gan_imbalance.files import atomic_path, provenance
from gan_imbalance.pages import render
from gan_imbalance.types import InputError

SIGNIFICANT = 0.05
"""Differences over data sets are called shown where the adjusted p is below."""


def report(runs: list[str], output: str = "runs/ranking", verbose: bool = False) -> int:
    """Make tables and reports of comparisons again, from their files alone; several are ranked over data sets.

    Args:
        runs: output folders of comparisons.
        output: folder of ranking.csv and ranking.html, where there are several runs.
        verbose: whether to print the tables of all classifiers and of the added rows, too.

    Returns:
        The exit code.

    Raises:
        InputError: if a folder holds no comparison or no finished cell, or the comparisons have no classifier or
            fewer than two remedies in common.
    """
    for run in runs:
        with telling_damage(run):
            findings = Findings.of(Store(run))
            page = make_report(findings)
        print_report(findings, page, verbose)
    if len(runs) > 1:
        print(f"Ranking: {rank_over_data_sets(runs, output)}")
    return 0


class _Block(NamedTuple):
    """Mean scores of the remedies of one classifier in one metric.

    Attributes:
        classifier: its name.
        metric: which one.
        scores: a row per data set, a column per remedy, the baseline first.
    """

    classifier: str
    metric: Metric
    scores: pd.DataFrame

    @property
    def display_name(self) -> str:
        """Return display name of the metric."""
        return self.metric.display_name

    @property
    def gains(self) -> pd.DataFrame:
        """Return the scores, the higher the better."""
        return self.scores if self.metric.higher_is_better else -self.scores

    @property
    def ranking(self) -> Ranking:
        """Return the remedies' mean ranks and by how much they must differ."""
        return rank_remedies(self.gains.to_numpy())


def rank_over_data_sets(runs: Sequence[str], output: str | Path) -> Path:
    """Rank the remedies that all comparisons share, and return the path of ranking.html.

    The score of a remedy on a data set is its mean over the splits at the first setting, with the last of the amounts
    that all comparisons have. Ranks are compared by the Friedman and Nemenyi tests, every remedy
    with doing nothing by Wilcoxon's signed-rank test with Holm's correction (Demsar, 2006,
    https://jmlr.org/papers/v7/demsar06a.html).

    Args:
        runs: output folders of comparisons, each of another data set.
        output: folder to write to.

    Raises:
        InputError: see :func:`report`.
    """
    stores = {Path(run).resolve().name: Store(run) for run in runs}
    hashes = [store.read_plan().content["data_hash"] for store in stores.values()]
    if len(stores) < len(runs) or len(set(hashes)) < len(runs):
        raise InputError("Two of the comparisons are of the same data set, or called alike: name each data set once.")
    blocks = list(_blocks(stores))
    if not blocks:
        raise InputError("The comparisons have no classifier with two remedies in common: nothing can be ranked.")
    table = pd.concat([_ranked(block) for block in blocks], ignore_index=True)
    folder = Path(output)
    with atomic_path(folder / "ranking.csv") as temporary:
        table.to_csv(temporary, index=False)
    drawn = list(_plots(blocks, folder))
    page = render(
        "ranking.html",
        package="gan_imbalance.comparison.report",
        title=folder.resolve().name,
        data_sets=list(stores),
        verdicts=[_verdict(block) for block in blocks],
        blocks=[(block, table[_of(table, block)].to_dict(orient="records")) for block in blocks],
        plots=show(drawn),
        significant=SIGNIFICANT,
        enough=_enough(max(block.scores.shape[1] for block in blocks) - 1),
        made_by=provenance(),
    )
    path = folder / "ranking.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _blocks(stores: Mapping[str, Store]) -> Iterator[_Block]:
    """Yield the scores of every classifier and headline metric that all comparisons share."""
    scores: dict[tuple[str, str], dict[str, dict[Method, float]]] = {}
    metrics: dict[str, Metric] = {}
    for name, store in stores.items():
        description = store.read_plan()
        results = results_table(store.read_finished(description))
        for group in reversed(grouped(description, results)) if len(results) else ():
            for metric in headline_metrics(description):
                metrics[metric.display_name] = metric
                by_method = scores_by_method(group.rows, metric.name)
                # settings run backwards, so that the first one stays
                means = {method: float(values.mean()) for method, values in by_method.items()}
                scores.setdefault((group.classifier, metric.display_name), {})[name] = means
    for (classifier, display_name), by_data_set in sorted(scores.items(), key=lambda item: item[0][1]):
        if len(by_data_set) == len(stores):
            shared = pd.DataFrame.from_dict(by_data_set, orient="index").dropna(axis="columns")
            methods = sorted((Method(*method) for method in shared.columns), key=lambda method: not method.is_baseline)
            if not methods or not methods[0].is_baseline:
                raise InputError(f"With {classifier}, a comparison has no result of doing nothing: finish it first.")
            last = {method.remedy: method for method in methods if method.is_baseline or method.role != "baseline"}
            if len(last) > 1:
                names = {method: method.remedy for method in last.values()}
                in_order = shared[list(names)].set_axis(list(names.values()), axis=1)
                yield _Block(classifier, metrics[display_name], in_order)


def _enough(remedies: int) -> int:
    """Return from how many data sets on a signed-rank test can show anything, corrected for the number of remedies."""
    return next(sets for sets in count(1) if remedies * 2.0 ** (1 - sets) < SIGNIFICANT)


def _of(table: pd.DataFrame, block: _Block) -> Any:
    return (table["classifier"] == block.classifier) & (table["metric"] == block.display_name)


def _ranked(block: _Block) -> pd.DataFrame:
    """Return a row per remedy, the best first."""
    gains = block.gains
    baseline = gains.iloc[:, 0]
    tests = [wilcoxon_signed_rank(gains[name] - baseline) for name in gains.columns[1:]]
    p = np.array([np.nan, *(test.p for test in tests)])
    table = pd.DataFrame(
        {
            "classifier": block.classifier,
            "metric": block.display_name,
            "remedy": block.scores.columns,
            "data_sets": len(block.scores),
            "mean_rank": block.ranking.ranks,
            "mean": block.scores.mean().to_numpy(),
            "better": gains.gt(baseline, axis=0).sum().to_numpy(),
            "worse": gains.lt(baseline, axis=0).sum().to_numpy(),
            "p": p,
            "p_holm": holm(p),
        }
    )
    return table.sort_values("mean_rank", kind="stable")


def _verdict(block: _Block) -> str:
    """Return one sentence that the tests allow."""
    ranking, table = block.ranking, _ranked(block)
    best, baseline = table.iloc[0], block.scores.columns[0]
    shown = table[table["p_holm"] < SIGNIFICANT]["remedy"].tolist()
    told = (
        f"With {block.classifier}, {best['remedy']} has the best mean rank in {block.metric.name_in_text}, "
        f"{best['mean_rank']:.2f} of {len(table)} over {len(block.scores)} data sets (Friedman p {ranking.p:.2f}, "
        f"critical difference {ranking.critical_difference:.2f}); "
    )
    if not shown:
        return told + f"no difference between {baseline} and any remedy could be shown."
    return told + f"a difference to {baseline} could be shown for {', '.join(shown)}."


def _plots(blocks: Sequence[_Block], folder: Path) -> Iterator[Plot]:
    for block in blocks:
        ranks = dict(zip(block.scores.columns, block.ranking.ranks.tolist(), strict=True))
        plot = plots.critical_difference(
            ranks, block.ranking.critical_difference, len(block.scores), f"{block.display_name} with {block.classifier}"
        )
        with atomic_path(folder / "plots" / f"{plot.name}.png") as temporary:
            plot.save_png(temporary)
        yield plot
