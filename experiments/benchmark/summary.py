"""What the benchmark found: every remedy against doing nothing over tables, its rank, its cost, and where it helps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from experiments.benchmark.tables import TABLES, data_of
from gan_imbalance import Comparison
from gan_imbalance.comparison import plots
from gan_imbalance.comparison.analysis.ranking import rank_remedies
from gan_imbalance.files import atomic_path
from gan_imbalance.types import InputError

ROPE = 0.01
"""A difference in PR-AUC that does not matter."""

MEASURED = ("pr_auc", "seconds_resample", "seconds_fit", "peak_memory_mib_resample")
RECORDED = Path(__file__).with_name("results.csv")
"""Means of the tables and remedies that have been run, which later runs add to or replace."""

NO_REMEDY = ("teacher",)
"""What stands in the place of the classifier, and so has no rank among its remedies."""

_SAMPLES = 10_000


def summarise(output: Path, folder: Path, tables: Sequence[str], recorded: Path | None, quick: bool = False) -> None:
    """Write results.csv, remedies.csv and the diagrams of all tables that are finished, and print what they say.

    Args:
        output: of the comparisons, a folder per table.
        folder: of the data.
        tables: names; those without any result are left out, and named.
        recorded: file of results that count where ``output`` has none of that table, classifier and remedy.
        quick: whether the comparisons are dry runs.

    Raises:
        InputError: if there is no result at all.
    """
    found = results_of(output, tables, recorded, quick)
    finished = [name for name in tables if (found["table"] == name).any()]
    if len(finished) < len(tables):
        print(f"Not finished: {', '.join(name for name in tables if name not in finished)}")
    _write(found, output / "results.csv")
    groups = {"all": finished, "report": [name for name in finished if TABLES[name].group == "report"]}
    told = []
    for group, names in groups.items():
        rows = found[found["table"].isin(names)]
        if len(names) > 1:
            told += [row | {"group": group} for row in judged(rows)]
            for classifier, of_one in rows.groupby("classifier", sort=False):
                _draw(of_one, f"{classifier}_{group}", output)
    print(found.pivot_table("pr_auc", ["classifier", "table"], "remedy", sort=False).round(3).to_string())
    if not told:
        return
    summary = pd.DataFrame(told)
    _write(summary, output / "remedies.csv")
    for (group, classifier), rows in summary.groupby(["group", "classifier"], sort=False):
        print(f"\n{classifier}, tables: {group}")
        print(rows.drop(columns=["group", "classifier"]).round(3).to_string(index=False))
    print("\nSeconds and memory (MiB) of making the rows, seconds of a fit, and the gain, means over tables")
    print(costs(found).round(3).to_string())
    print("\nRank correlation of the gain with properties of the table")
    properties = pd.DataFrame({name: properties_of(folder, name) for name in finished}).T
    _write(properties.rename_axis("table").reset_index(), output / "properties.csv")
    print(properties.round(3).to_string())
    print(where_it_helps(found, properties).round(2).to_string())


def results_of(output: Path, tables: Sequence[str], recorded: Path | None, quick: bool = False) -> pd.DataFrame:
    """Return the means over splits of every table, classifier and remedy; see :func:`summarise`."""
    folders = {name: _folder(output, name, quick) for name in tables}
    parts = [_means(folder, name) for name, folder in folders.items() if (folder / "report.html").is_file()]
    if recorded is not None and recorded.is_file():
        known = pd.read_csv(recorded)
        splits = {name: part["splits"].iloc[0] for part in parts for name in part["table"].unique()}
        # what a run has over other splits is compared with nothing but itself
        comparable = known["table"].map(splits).fillna(known["splits"]) == known["splits"]
        parts.append(known[known["table"].isin(tables) & comparable])
    if not parts:
        raise InputError(f"There is no finished comparison in {output}: run one without --summarise.")
    # of two, the one of a run
    return pd.concat(parts, ignore_index=True).drop_duplicates(["table", "classifier", "remedy"])


def judged(results: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield, for every classifier, what every remedy brings over doing nothing, and distilled GAN over the remedy.

    Args:
        results: columns table, classifier, remedy, pr_auc: means of a table's splits.

    Yields:
        Mean rank among the remedies (1 is best), mean gain with the ends of its 95 % interval (Student's t over
        tables) and the probability that it is above zero (its posterior under a flat prior); tables with a gain above,
        within and below the region of practical equivalence; the probabilities of the three by the Bayesian
        signed-rank test (Benavoli et al. 2014, http://proceedings.mlr.press/v32/benavoli14.html); and mean and
        probability of the distilled GAN's lead over the remedy.
    """
    for classifier, rows in results.groupby("classifier", sort=False):
        each = rows.pivot_table("pr_auc", "table", "remedy", sort=False).dropna(axis="columns")
        remedies = [name for name in each if name not in NO_REMEDY]
        ranks = dict(zip(remedies, rank_remedies(each[remedies].to_numpy()).ranks, strict=True))
        for remedy in each.columns:
            gain = each[remedy] - each["nothing"]
            row = {"classifier": classifier, "remedy": remedy, "tables": len(each), "rank": ranks.get(remedy, np.nan)}
            row |= over_tables(gain)
            row |= dict(zip(("worse", "equal", "better"), signed_rank(gain), strict=True))
            if "distilled_gan" in each and remedy != "distilled_gan":
                lead = over_tables(each["distilled_gan"] - each[remedy])
                row |= {"distilled_leads": lead["gain"], "p_leads": lead["p_gain"]}
            yield row


def over_tables(gain: pd.Series, rope: float = ROPE) -> dict[str, float]:
    """Return mean, interval, the probability that the mean is above zero, and wins, ties and losses of gains."""
    mean, error = gain.mean(), gain.sem()
    half = stats.t.ppf(0.975, len(gain) - 1) * error
    # of no differences at all, neither sign is more likely
    p_gain = float(stats.t.sf(-mean / error, len(gain) - 1)) if error > 0 else 0.5
    won, lost = int((gain > rope).sum()), int((gain < -rope).sum())
    counts = {"won": won, "tied": len(gain) - won - lost, "lost": lost}
    return {"gain": mean, "low": mean - half, "high": mean + half, "p_gain": p_gain, **counts}


def signed_rank(gain: pd.Series, rope: float = ROPE) -> tuple[float, float, float]:
    """Return the probabilities that gains are for the most part below, within and above the practical difference.

    Each is the share of posterior samples in which that has the largest weight.
    """
    from baycomp import SignedRankTest

    values = gain.to_numpy()
    lost, tied, won = SignedRankTest.probs(np.zeros_like(values), values, rope=rope, nsamples=_SAMPLES, random_state=0)
    return float(lost), float(tied), float(won)


def costs(results: pd.DataFrame) -> pd.DataFrame:
    """Return what a remedy takes and brings, means over tables; the gain with every classifier."""
    table = results.set_index(["table", "classifier", "remedy"])["pr_auc"].unstack("remedy")
    gains = table.sub(table["nothing"], axis=0).groupby("classifier", sort=False).mean().T
    taken = results.groupby("remedy", sort=False)[list(MEASURED[1:])].mean()
    return taken.join(gains)


def properties_of(folder: Path, name: str) -> dict[str, float]:
    """Return what may decide whether a remedy helps: of the training part of the first split."""
    data = data_of(folder, name)
    counts, types = data.class_counts(), data.samples.column_types
    return {
        "rows": sum(counts),
        "rare_rows": min(counts),
        "imbalance": max(counts) / min(counts),
        "columns": len(types),
        "categories": sum(kind != "numeric" for kind in types.values()) / len(types),
    }


def where_it_helps(results: pd.DataFrame, properties: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's rank correlation over tables between the gain of a remedy and properties of the table."""
    found = {}
    for classifier, rows in results.groupby("classifier", sort=False):
        each = rows.pivot_table("pr_auc", "table", "remedy", sort=False)
        known = properties.loc[each.index].assign(pr_auc_of_nothing=each["nothing"])
        for remedy in each.columns.drop("nothing"):
            gain = (each[remedy] - each["nothing"]).dropna()
            of_these = known.loc[gain.index]
            if gain.nunique() > 1:
                found[classifier, remedy] = {
                    name: stats.spearmanr(gain, of_these[name]).statistic
                    for name in of_these
                    if of_these[name].nunique() > 1
                }
    return pd.DataFrame(found).T


def _folder(output: Path, name: str, quick: bool) -> Path:
    return output / name / "quick" if quick else output / name


def _means(folder: Path, name: str) -> pd.DataFrame:
    results = Comparison.load(folder).results
    means = results.groupby(["classifier", "remedy"], sort=False)[list(MEASURED)].mean().reset_index()
    return means.assign(table=name, splits=results.groupby(["seed", "fold"]).ngroups)


def _draw(rows: pd.DataFrame, title: str, output: Path) -> None:
    each = rows.pivot_table("pr_auc", "table", "remedy", sort=False).drop(columns=list(NO_REMEDY), errors="ignore")
    each = each.dropna(axis="columns")
    ranking = rank_remedies(each.to_numpy())
    ranks = dict(zip(each.columns, ranking.ranks.tolist(), strict=True))
    plot = plots.critical_difference(ranks, ranking.critical_difference, len(each), f"PR-AUC with {title}")
    with atomic_path(output / "plots" / f"{title}.png") as path:
        plot.save_png(path)


def _write(table: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
