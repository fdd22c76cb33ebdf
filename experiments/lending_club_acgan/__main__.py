"""``python -m experiments.lending_club_acgan``: does half a batch of GAN-made loans help where loans are scarce?

The file is cut once in two: 10,000 rows on which all settings were chosen (``--development true``), and 25,000 rows
that took no part in that, for the study. Either part is a comparison as any other (config.yaml, development.yaml):
killed, it goes on where it was. What this adds is a table of differences in the figures that the README reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from jsonargparse import auto_cli

from experiments import as_markdown, command
from gan_imbalance.callbacks.plots import draw_pairs
from gan_imbalance.comparison.analysis.statistics import holm
from gan_imbalance.comparison.analysis.tables import (
    allowance,
    compare_scores,
    grouped,
    results_table,
    scores_by_method,
)
from gan_imbalance.comparison.store import Store
from gan_imbalance.files import atomic_path
from gan_imbalance.main import main
from gan_imbalance.synthesis import manifest_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HERE = Path(__file__).parent
_DEVELOPMENT_ROWS = 10_000
_AT_A_THRESHOLD = ("balanced_accuracy", "f1_Charged Off", "accuracy")
# at 0.5, and of the same fits at the threshold with the best F1 on validation rows; PR-AUC has no threshold
_METRICS = ("pr_auc", *_AT_A_THRESHOLD, *(f"tuned_{name}" for name in _AT_A_THRESHOLD))
_REPORTED = ("pr_auc", "tuned_balanced_accuracy", "tuned_f1_Charged Off")
_QUALITY = ("column_shapes", "pair_trends", "mode_coverage", "two_sample_trees")
_COLLAPSING = ("term", "purpose", "addr_state", "home_ownership", "verification_status")
_CONTROL = "jittered_copies"
_PICTURED = ("grade", "revol_util", "home_ownership", "verification_status")
_BASELINE = ("logistic_regression", "nothing")


def study(
    path: str = "../shared/data/lending_club.csv.gz",
    output: str = "runs/lending_club_acgan",
    development: bool = False,
    quick: bool = False,
    seeds: int = 10,
    wandb: bool = False,
) -> int:
    """Run the comparison, print its differences, and write them beside its own files, with two plots.

    Args:
        path: the Lending Club table.
        output: folder of the results.
        development: the rows and remedies that settings were chosen with, instead of the study's.
        quick: a dry run: one seed and briefly trained networks.
        seeds: number of splits.
        wandb: whether to record everything in Weights & Biases.

    Returns:
        The exit code of ``gan-imbalance compare``.
    """
    # networks of this size are slower with two
    torch.set_num_threads(1)
    part = "development" if development else "study"
    rows, results = Path(output) / f"{part}.csv", Path(output) / part
    with atomic_path(rows) as temporary:
        _part(pd.read_csv(path), development).to_csv(temporary, index=False)
    config = _HERE / ("development.yaml" if development else "config.yaml")
    settings = {"data.path": rows, "output": results, "seeds": seeds, "quick": quick, "wandb": wandb}
    options = [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in settings.items()
    ]
    code = main(["compare", "--config", str(config), *options])
    if code == 0:
        store = Store(results / "quick" if quick else results)
        table = differences(store)
        store.write_table(table, "differences.csv")
        for name, figure in (("columns", _columns(store)), ("differences", _intervals(table))):
            with atomic_path(store.folder / f"{name}.png") as temporary:
                figure.savefig(temporary, dpi=60)
        print(_tables(table, store.read_table("quality.csv"), _largest_shares(store)))
    return code


def _part(table: pd.DataFrame, development: bool) -> pd.DataFrame:
    """Return the rows that settings may be chosen on, or all others, in the order of the file."""
    shuffled = np.random.default_rng(0).permutation(len(table))
    chosen = shuffled[:_DEVELOPMENT_ROWS] if development else shuffled[_DEVELOPMENT_ROWS:]
    return table.iloc[np.sort(chosen)]


def differences(store: Store) -> pd.DataFrame:
    """Return the differences of every classifier and remedy to real rows only, to jittered copies, and to a baseline.

    ``low`` and ``high`` are the 95 % interval of the corrected resampled t-test with the allowance of every comparison,
    test rows over the pool that training rows are drawn from, and ``p_holm`` is its p, corrected over the remedies of a
    classifier, metric and reference. ``low_train``, ``high_train`` and ``p_train_holm`` have test rows over the rows
    trained on, as Nadeau and Bengio (2003) wrote: too much where these are a small random part of the pool.
    """
    description = store.read_plan()
    results = results_table(store.read_finished(description))
    (setting,) = description.settings
    parts = description.rows_of(setting)
    trained = float(np.mean([sum(rows["test"]) / sum(rows["train"]) for rows in parts]))
    ratios = {"": allowance(description, setting), "_train": trained}
    lines = []
    for metric in _METRICS:
        scores = {
            (group.classifier, method.display_name): values
            for group in grouped(description, results)
            for method, values in scores_by_method(group.rows, metric).items()
        }
        for classifier, remedy in scores:
            references = [(classifier, "nothing"), (classifier, _CONTROL), _BASELINE]
            for reference in dict.fromkeys(references):
                if reference in scores and reference != (classifier, remedy):
                    pair = pd.concat([scores[classifier, remedy], scores[reference]], axis=1).dropna()
                    line = {
                        "metric": metric,
                        "classifier": classifier,
                        "remedy": remedy,
                        "against": " ".join(reference),
                    }
                    lines.append({**line, **_compare(pair, ratios)})
    table = pd.DataFrame(lines)
    for name in ratios:
        p = table.groupby(["metric", "classifier", "against"])[f"p{name}"]
        table[f"p{name}_holm"] = p.transform(lambda values: holm(values.to_numpy()))
    return table


def _compare(pair: pd.DataFrame, ratios: Mapping[str, float]) -> dict[str, float]:
    """Return means of two columns of scores by split, their difference, and its interval and p at every ratio."""
    one, other = pair.iloc[:, 0], pair.iloc[:, 1]
    line = {"splits": len(pair), "mean": one.mean(), "mean_against": other.mean(), "difference": (one - other).mean()}
    for name, ratio in ratios.items():
        compared = compare_scores(one, other, ratio)
        limits = (np.nan,) * 3 if compared is None else (compared.low, compared.high, compared.p)
        line |= dict(zip((f"low{name}", f"high{name}", f"p{name}"), limits, strict=True))
    return line


def _tables(table: pd.DataFrame, quality: pd.DataFrame, shares: pd.DataFrame) -> str:
    """Return the tables of the README: means, differences in PR-AUC and at the tuned threshold, and the added rows."""
    own = table[table["against"].eq(table["classifier"] + " nothing")]
    baseline = own.assign(remedy="nothing", mean=own["mean_against"])
    means = pd.concat([baseline, own]).groupby(["classifier", "remedy", "metric"], sort=False)["mean"].first()
    added = quality.pivot(index="remedy", columns="metric", values="mean")[list(_QUALITY)]
    tables = {
        f"Means over {own['splits'].min()} splits": means.unstack("metric").reindex(columns=list(_METRICS)).round(3),
        "Differences (low, high: pool; low_train, high_train: protocol)": own[own["metric"].isin(_REPORTED)]
        .round(3)
        .set_index("metric"),
        "Added rows": added.round(2),
        "Share of the most frequent value, lowest and highest of the splits": shares.round(2),
    }
    return "\n".join(f"{title}:\n\n{as_markdown(shown.reset_index())}" for title, shown in tables.items())


def _largest_shares(store: Store) -> pd.DataFrame:
    """Return the share of the most frequent value of categories, by who wrote the rows: lowest and highest."""
    rows = {"real": [store.read_adapter(store.read_plan()).samples.features]}
    for path in sorted((store.folder / "synthetic").glob("*.parquet")):
        manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
        rows.setdefault(manifest["remedy"]["name"].removesuffix("_taught"), []).append(pd.read_parquet(path))
    shares = {
        name: [[part[column].value_counts(normalize=True).max() for column in _COLLAPSING] for part in parts]
        for name, parts in rows.items()
    }
    lowest, highest = (
        pd.DataFrame({name: extreme(parts, axis=0) for name, parts in shares.items()}, index=list(_COLLAPSING)).T
        for extreme in (np.min, np.max)
    )
    return lowest.join(highest, lsuffix="_lowest", rsuffix="_highest").rename_axis("rows")


def _columns(store: Store) -> Figure:
    """Return the published plots of training rows and of the first GAN's: two numbers, and two categories."""
    description = store.read_plan()
    name, address = next(iter(description.content["synthetic"].items()))
    real, synthetic = store.read_adapter(description).samples.features, pd.read_parquet(store.rows_path(address))
    return draw_pairs(_PICTURED, [real, synthetic.sample(len(real), random_state=0)], ("real", name))


def _intervals(table: pd.DataFrame) -> Figure:
    """Return differences in PR-AUC to real rows only: the protocol's interval thick, by rows trained on thin."""
    import matplotlib.pyplot as plt

    own = table["against"] == table["classifier"] + " nothing"
    lines = table[own & (table["metric"] == "pr_auc")].iloc[::-1].reset_index(drop=True)
    figure, axis = plt.subplots(figsize=(8, 1 + 0.25 * len(lines)), layout="constrained")
    axis.hlines(lines.index, lines["low_train"], lines["high_train"], color="tab:blue", linewidth=1)
    axis.hlines(lines.index, lines["low"], lines["high"], color="tab:blue", linewidth=4)
    axis.plot(lines["difference"], lines.index, "o", color="black", markersize=4)
    axis.axvline(0, color="black", linewidth=0.5)
    axis.set_yticks(lines.index, lines["remedy"] + ", " + lines["classifier"])
    axis.set_xlabel("PR-AUC, difference to real rows only")
    return figure


if __name__ == "__main__":
    command(lambda: auto_cli(study))
