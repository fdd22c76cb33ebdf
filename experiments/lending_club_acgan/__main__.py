"""``python -m experiments.lending_club_acgan``: does half a batch of GAN-made loans help where loans are scarce?

The file is cut once in two: 10,000 rows on which all settings were chosen (``--development true``), and 25,000 rows
that took no part in that, for the study. Either part is a comparison as any other (config.yaml, development.yaml):
killed, it goes on where it was. What this adds is a table of differences in the figures that the README reports.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from jsonargparse import auto_cli

from gan_imbalance.comparison.record import Record
from gan_imbalance.comparison.statistics import holm
from gan_imbalance.comparison.summary import compare_scores, grouped, scores_by_arm
from gan_imbalance.files import atomic_path
from gan_imbalance.main import main

_HERE = Path(__file__).parent
_DEVELOPMENT_ROWS = 10_000
_METRICS = ("pr_auc", "balanced_accuracy", "f1_Charged Off", "accuracy")
# of the same fits, at the threshold with the best F1 on validation rows; PR-AUC has no threshold
_TUNED = ("tuned_balanced_accuracy", "tuned_f1_Charged Off", "tuned_accuracy")
_CONTROL = {"acgan_taught": "jittered_copies_taught", "acgan": "jittered_copies"}


def study(
    path: str = "../shared/data/lending_club.csv.gz",
    output: str = "runs/lending_club_acgan",
    development: bool = False,
    quick: bool = False,
    seeds: int = 10,
    wandb: bool = False,
) -> int:
    """Run the comparison, print its differences, and write them beside its own files as differences.csv.

    Args:
        path: the Lending Club table.
        output: folder of the results.
        development: the rows and remedies that settings were chosen with, instead of the study's.
        quick: a rehearsal: one seed and hardly trained networks.
        seeds: number of splits.
        wandb: whether to record everything in Weights & Biases.

    Returns:
        The exit code of ``gan-imbalance compare``.
    """
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
        table = differences(Record.load(results / "quick" if quick else results))
        with atomic_path(results / "differences.csv") as temporary:
            table.to_csv(temporary, index=False)
        print(table.round(3).to_string(index=False))
    return code


def _part(table: pd.DataFrame, development: bool) -> pd.DataFrame:
    """Return the rows that settings may be chosen on, or all others, in the order of the file."""
    shuffled = np.random.default_rng(0).permutation(len(table))
    chosen = shuffled[:_DEVELOPMENT_ROWS] if development else shuffled[_DEVELOPMENT_ROWS:]
    return table.iloc[np.sort(chosen)]


def differences(record: Record) -> pd.DataFrame:
    """Return, per classifier and remedy, its mean and its difference to real rows only, and to its control.

    ``low`` and ``high`` are the 95 % interval of the corrected resampled t-test with test over training rows, as in
    every comparison, and ``p_holm`` is its p, corrected over the remedies of a classifier, metric and reference.
    Training rows are here a small random part of a pool, so that those of two splits hardly overlap, which the
    correction does not know: ``low_pool`` and ``high_pool`` have test rows over rows of the pool.
    """
    results = pd.read_csv(record.folder / "results.csv", dtype={"amount": str}, keep_default_na=True)
    results["amount"] = results["amount"].fillna("")
    (setting,) = record.settings
    ratio, pool_ratio = record.test_train_ratio(setting), _pool_ratio(record)
    lines = []
    for group in grouped(record, results):
        for metric in (*_METRICS, *_TUNED):
            scores = {arm.name: values for arm, values in scores_by_arm(group.rows, metric).items()}
            pairs = [(name, "nothing") for name in scores if name != "nothing"]
            pairs += [pair for pair in _CONTROL.items() if set(pair) <= set(scores)]
            found = []
            for name, reference in pairs:
                standard, pooled = (compare_scores(scores[name], scores[reference], r) for r in (ratio, pool_ratio))
                if standard is None or pooled is None:
                    continue
                found.append(
                    {
                        "classifier": group.classifier,
                        "metric": metric,
                        "remedy": name,
                        "against": reference,
                        "splits": standard.pairs,
                        "mean": scores[name].mean(),
                        "mean_against": scores[reference].mean(),
                        "difference": standard.difference,
                        "low": standard.low,
                        "high": standard.high,
                        "p": standard.p,
                        "low_pool": pooled.low,
                        "high_pool": pooled.high,
                        "p_pool": pooled.p,
                    }
                )
            frame = pd.DataFrame(found)
            for column in ("p", "p_pool"):
                adjusted = frame.groupby("against")[column].transform(lambda values: holm(values.to_numpy()))
                frame[column.replace("p", "p_holm", 1)] = adjusted
            lines.append(frame)
    return pd.concat(lines, ignore_index=True)


def _pool_ratio(record: Record) -> float:
    """Return test rows over the rows from which training rows are drawn, mean over the splits."""
    rows = [split["rows"] for split in record.content["splits"]]
    return float(np.mean([sum(part["test"]) / (sum(part["train"]) + sum(part["reserve"])) for part in rows]))


if __name__ == "__main__":
    raise SystemExit(auto_cli(study))
