"""``python -m experiments.diabetes_synthesizer``: a synthetic table of the diabetes indicators, 100,000 rows per class.

For each of several random splits, generators see the training rows only, for a fixed number of steps, so that nothing
is chosen. Their tables, one made of independent columns, and the training rows themselves are then judged by the same
held-out rows. The first split's table is also shown beside the real one, as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from jsonargparse import auto_cli

from experiments import as_markdown, command
from gan_imbalance import evaluate
from gan_imbalance.comparison.analysis.statistics import mean_interval, paired_comparison
from gan_imbalance.comparison.controls import MarginalOverSampler
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import atomic_path
from gan_imbalance.gans import BaseGAN, MomentMatchingGAN, WassersteinGAN
from gan_imbalance.metrics import (
    TwoSampleAccuracy,
    closest_records,
    column_pair_trends,
    column_shapes,
    exact_copies,
    train_and_test,
)
from gan_imbalance.oversampling import train_gan
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import load_gan, save_gan, synthesize

TARGET = "Diabetes_binary"
NUMERIC = ["BMI", "MentHlth", "PhysHlth"]
TEST_FRACTION = 0.2
_ROWS_FOR_PAIRS = 30_000
_ROWS_FOR_PRIVACY = 5_000


@dataclass(frozen=True)
class Synthesizer:
    """GANs that make a table together.

    Attributes:
        gan_class: of each.
        settings: of each.
        selections: the classes that each learns, in order of training.
        batch_size: rows per batch.
        decay: whether the learning rate falls along a cosine to zero.
    """

    gan_class: type[BaseGAN]
    settings: dict[str, Any]
    selections: tuple[Any, ...] = ("minority", "majority")
    batch_size: int = 500
    decay: bool = True


_COSINE = {"class_path": "torch.optim.lr_scheduler.CosineAnnealingLR"}
_OPTIMIZER = {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 5e-4}}
_OURS: dict[str, Any] = {"generator_optimizer": _OPTIMIZER, "discriminator_optimizer": _OPTIMIZER}
# the library's defaults: learning rate 1e-4, width 128, doubled from layer to layer, latent 264, one critic step
_PUBLISHED: dict[str, Any] = {
    "generator": {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [128, 256, 512]}},
    "discriminator": {
        "class_path": "gan_imbalance.networks.DenseDiscriminator",
        "init_args": {"widths": [512, 256, 128]},
    },
    "latent_dim": 264,
    "discriminator_steps": 1,
}
REAL, MARGINALS, PER_CLASS = "training rows (real)", "independent marginals", "one WGAN-GP per class"
SYNTHESIZERS = {
    PER_CLASS: Synthesizer(MomentMatchingGAN, _OURS),
    "one conditional WGAN-GP": Synthesizer(MomentMatchingGAN, _OURS, selections=("all",)),
    "per class, moments not matched": Synthesizer(MomentMatchingGAN, {**_OURS, "moment_weight": 0.0}),
    "per class, as published": Synthesizer(WassersteinGAN, _PUBLISHED, batch_size=128, decay=False),
}
KINDS = [REAL, MARGINALS, *SYNTHESIZERS]
TITLES = {
    "impossible_values": ("impossible values", 0),
    "lowest_column_score": ("lowest column score", 3),
    "MentHlth": ("MentHlth", 3),
    "PhysHlth": ("PhysHlth", 3),
    "pair_trend_error": ("pair-trend error", 4),
    "two_sample": ("told from held-out rows", 3),
    "pr_auc": ("PR-AUC on real rows", 3),
    "copies_of_training": ("equal a training row", 3),
    "copies_of_held_out": ("equal a held-out row", 3),
    "closest_record_share": ("nearer to a training row", 3),
    "training_cpu_seconds": ("seconds to train", 0),
}
"""Figures of the README's table, their titles and decimals."""


def study(
    path: str = "../shared/data/diabetes_binary_health_indicators_BRFSS2015.csv.gz",
    splits: int = 3,
    first_split: int = 2,
    steps: int = 1200,
    rows: int = 100_000,
    output: str = "runs/diabetes_synthesizer",
    kinds: list[str] | None = None,
    quick: bool = False,
) -> None:
    """Run the study, print its table, and write files to ``output``.

    Per split and kind of rows: split-N/KIND.csv, KIND-columns.csv (a line per column) and checkpoints; of the first
    split the table of the GANs per class, and its profile beside the training rows, profile/evaluation.html. Over all
    splits: results.csv, summary.csv, comparison.csv (paired with the marginals), asked.csv (what is to hold),
    columns.csv (the least score of every column), timing.csv, and tables.md, the README's tables.

    Args:
        path: the table.
        splits: number of random splits.
        first_split: seed of the first of them; settings were chosen while looking at 0 and 1.
        steps: generator steps of every GAN that sees 500 rows in each; of others, as many as show as many rows.
        rows: synthetic rows per class.
        output: folder of the results; what has its files there is not run again.
        kinds: kinds of rows to make and judge; by default all.
        quick: two splits of a small part of the table, and few steps.
    """
    frame = pd.read_csv(path)
    if quick:
        frame = frame.groupby(TARGET).sample(1000, random_state=0)
        splits, steps, rows, output = 2, 2, 500, f"{output}/quick"
    folder = Path(output)
    results, columns = [], []
    for kind in kinds or KINDS:
        for seed in range(first_split, first_split + splits):
            part = folder / f"split-{seed}" / f"{kind.replace(' ', '_')}.csv"
            column_part = part.with_name(f"{part.stem}-columns.csv")
            if not part.is_file():
                figures, scores = _run(frame, seed, kind, steps, rows, folder)
                _write(scores.rename_axis("column").reset_index(name="score").assign(rows=kind), column_part)
                _write(pd.DataFrame([{"split": seed, "rows": kind, **figures}]), part)
            results.append(pd.read_csv(part))
            columns.append(pd.read_csv(column_part))
            print(f"{results[-1].T.to_string(header=False)}\n", flush=True)
    timing = _time(kinds or KINDS, rows, folder / f"split-{first_split}", first_split)
    table = pd.concat(results, ignore_index=True)
    least = pd.concat(columns).groupby(["rows", "column"], sort=False)["score"].min()
    tables = {
        "results": table,
        "summary": _summarise(table),
        "comparison": _compare(table),
        "asked": _check(table, timing),
        "timing": timing,
        "columns": least.unstack("rows").reset_index(),
    }
    for name, content in tables.items():
        _write(content, folder / f"{name}.csv")
    with atomic_path(folder / "tables.md") as temporary:
        shown = _for_readers(tables["summary"]), tables["asked"].round(4)
        temporary.write_text("\n".join(map(as_markdown, shown)), encoding="utf-8")
    print((folder / "tables.md").read_text(encoding="utf-8"))
    print(tables["comparison"].to_string(index=False))


def _run(
    frame: pd.DataFrame, seed: int, kind: str, steps: int, rows: int, folder: Path
) -> tuple[dict[str, float], pd.Series[float]]:
    """Return the figures of one kind of rows on one split, and the score of every column."""
    data = _data(frame, seed)
    training, held_out = _rows(data, "train"), _rows(data, "test")
    seconds: dict[str, float] = {}
    if kind == REAL:
        table = training
    elif kind == MARGINALS:
        table = _marginals(training, rows, seed)
    else:
        table, seconds = _make(frame, SYNTHESIZERS[kind], seed, steps, rows, folder / f"split-{seed}" / kind)
    if kind == PER_CLASS and not (folder / "profile").exists():
        _profile(table, training, held_out, folder)
    figures, scores = _judge(table, training, held_out, seed)
    if kind == REAL:
        privacy = _copies_among(pd.concat([training, held_out]), seed)
    else:
        privacy = _privacy(table, training, held_out, seed)
    return {**figures, **privacy, **seconds}, scores


def _data(frame: pd.DataFrame, seed: int, batch_size: int = 500) -> TabularDataModule:
    """Return the table, split; days are counted from 0 to 30 with most at 0, so they are levels, not a density."""
    return TabularDataModule(
        frame=frame,
        target=TARGET,
        numeric=["BMI"],
        categorical=[name for name in frame.columns if name not in ("BMI", TARGET)],
        test_fraction=TEST_FRACTION,
        split_seed=seed,
        batch_size=batch_size,
        seed=seed,
    )


def _rows(data: TabularDataModule, part: Any) -> pd.DataFrame:
    """Return the rows of a part as the table has them."""
    features, labels = data.frame(part)
    return data.schema.restore(features, [data.table.classes[label] for label in labels])


def _make(
    frame: pd.DataFrame, synthesizer: Synthesizer, seed: int, steps: int, rows: int, folder: Path
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return as many rows of every class, and the processor's seconds that training took; write the checkpoints."""
    started = process_time()
    for selection in synthesizer.selections:
        scheduler = {**_COSINE, "init_args": {"T_max": steps}} if synthesizer.decay else None
        gan = synthesizer.gan_class(**synthesizer.settings, scheduler=scheduler, classes=selection)
        data = _data(frame, seed, synthesizer.batch_size)
        torch.manual_seed(seed)
        with quiet_lightning():
            gan, _ = train_gan(gan, data, selection, round(steps * 500 / synthesizer.batch_size), ema_decay=0.999)
        save_gan(gan, folder / f"{selection}.ckpt")
    trained = process_time()
    return _sample(synthesizer, seed, rows, folder), {"training_cpu_seconds": trained - started}


def _sample(synthesizer: Synthesizer, seed: int, rows: int, folder: Path) -> pd.DataFrame:
    """Return as many rows of every class from the checkpoints in a folder."""
    parts = []
    for selection in synthesizer.selections:
        gan = load_gan(folder / f"{selection}.ckpt")
        parts.append(synthesize(gan, {gan.spec.classes[index]: rows for index in gan.trained_classes}, seed).rows)
    return pd.concat(parts, ignore_index=True)


def _time(kinds: list[str], rows: int, folder: Path, seed: int) -> pd.DataFrame:
    """Return the seconds of processor time, over all threads, from the checkpoints of a split to all rows."""
    lines = []
    for kind in kinds:
        if kind in SYNTHESIZERS:
            started = process_time()
            count = len(_sample(SYNTHESIZERS[kind], seed, rows, folder / kind))
            lines.append({"rows": kind, "count": count, "sampling_cpu_seconds": process_time() - started})
    return pd.DataFrame(lines)


def _marginals(training: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Return rows whose columns are drawn independently of each other within each class."""
    labels = training[TARGET]
    wanted = {label: count + rows for label, count in labels.value_counts().items()}
    sampler = MarginalOverSampler(sampling_strategy=wanted, random_state=seed)
    sampler.fit_resample(training.drop(columns=TARGET), labels)
    table: pd.DataFrame = sampler.synthetic_[training.columns]
    return table


def _judge(
    table: pd.DataFrame, training: pd.DataFrame, held_out: pd.DataFrame, seed: int
) -> tuple[dict[str, float], pd.Series[float]]:
    """Return figures of a table, and the score of each of its columns.

    Classes are equally many in what is compared; the classifier learns from the whole table, and is judged by all
    held-out rows.
    """
    random = np.random.default_rng(seed)
    reference, made = balanced(held_out, random), balanced(table, random)
    categorical = [name for name in table.columns if name not in NUMERIC]
    scores = column_shapes(reference, made, categorical)
    few = made.iloc[random.permutation(len(made))[:_ROWS_FOR_PAIRS]]
    trends = column_pair_trends(reference, few, categorical)
    two_sample = TwoSampleAccuracy(repeats=5, seed=seed)
    two_sample.update(*(torch.from_numpy(rows.to_numpy(np.float32)) for rows in (reference, made)))
    worth = _worth(table, held_out, seed)
    figures = {
        "impossible_values": float(count_impossible(table, training)),
        "lowest_column_score": scores.min(),
        **{name: scores[name] for name in ("MentHlth", "PhysHlth")},
        "pair_trend_error": 1 - trends.mean(),
        "two_sample": float(two_sample.compute()),
        **{name: worth[name] for name in ("pr_auc", "roc_auc")},
    }
    return figures, scores


def balanced(table: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Return as many rows of every class as the rarest has, in random order."""
    rows = int(table[TARGET].value_counts().min())
    return table.iloc[random.permutation(len(table))].groupby(TARGET).head(rows)


def count_impossible(table: pd.DataFrame, training: pd.DataFrame) -> int:
    """Return the number of values of another dtype, out of range, no whole numbers, or codes not seen in training."""
    count = 0
    for name in training.columns:
        possible = table[name].isin(training[name].unique())
        if name in NUMERIC:
            possible = table[name].between(training[name].min(), training[name].max()) & (table[name] % 1 == 0)
        possible &= table[name].dtype == training[name].dtype
        count += int((~possible).sum())
    return count


def _worth(table: pd.DataFrame, held_out: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return figures on held-out rows of boosted trees that learned from the table."""
    features, labels, test_features, test_labels = (
        part.to_numpy(np.float32) if part.ndim == 2 else part.to_numpy(np.int64)
        for rows in (table, held_out)
        for part in (rows.drop(columns=TARGET), rows[TARGET])
    )
    return train_and_test(features, labels, test_features, test_labels, [0.0, 1.0], minority=1, seed=seed)


def _privacy(table: pd.DataFrame, training: pd.DataFrame, held_out: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return how much nearer rows are to training rows than to as many held-out ones.

    Few columns with few values make equal rows likely: what tells is whether more equal a training row than a
    held-out one, which never equal each other across the split.
    """
    random = np.random.default_rng(seed)
    kinds = [_minority(rows, random) for rows in (table, training, held_out)]
    equal = min(_ROWS_FOR_PRIVACY, *map(len, kinds))
    made, known, unseen = (rows[:equal] for rows in kinds)
    records = closest_records(made, known, unseen)
    return {
        "copies_of_training": exact_copies(made, known),
        "copies_of_held_out": exact_copies(made, unseen),
        "closest_record_share": records.share,
        "training_distance": records.training_median,
        "held_out_distance": records.holdout_median,
    }


def _copies_among(real: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return the share of real rows that equal one of as many other real rows, split without regard to duplicates."""
    rows = _minority(real, np.random.default_rng(seed))
    equal = min(_ROWS_FOR_PRIVACY, len(rows) // 2)
    return {"copies_of_training": exact_copies(rows[:equal], rows[equal : 2 * equal])}


def _minority(table: pd.DataFrame, random: np.random.Generator) -> np.ndarray[Any, Any]:
    rows: np.ndarray[Any, Any] = random.permutation(table.loc[table[TARGET] == 1].drop(columns=TARGET).to_numpy(float))
    return rows


def _profile(table: pd.DataFrame, training: pd.DataFrame, held_out: pd.DataFrame, folder: Path) -> None:
    """Write the table, and its profile beside as many training rows of every class."""
    random = np.random.default_rng(0)
    names = {"synthetic": table, "training": balanced(training, random), "held_out": balanced(held_out, random)}
    for name, rows in names.items():
        _write(rows, folder / f"{name}.csv")
    paths = {name: str(folder / f"{name}.csv") for name in names}
    evaluate(paths["training"], paths["synthetic"], paths["held_out"], TARGET, folder / "profile").show()


def _summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Return mean and 95 % interval of every figure over the splits, a line per kind of rows and figure."""
    lines = []
    for name, group in results.drop(columns="split").groupby("rows", sort=False):
        for figure, values in group.drop(columns="rows").items():
            if values.notna().any():
                values = values.dropna()
                mean, low, high = mean_interval(values)
                extremes = {"least": values.min(), "most": values.max()}
                lines.append({"rows": name, "figure": figure, "mean": mean, "low": low, "high": high, **extremes})
    return pd.DataFrame(lines)


def _compare(results: pd.DataFrame) -> pd.DataFrame:
    """Return every GAN's differences to independent marginals, paired over the splits.

    The test is the corrected resampled t-test; ``ratio`` is that of the means.
    """
    figures = ("pair_trend_error", "two_sample", "pr_auc")
    by_kind = {name: group.set_index("split") for name, group in results.groupby("rows", sort=False)}
    lines = []
    for name in (kind for kind in SYNTHESIZERS if kind in by_kind and MARGINALS in by_kind):
        for figure in figures:
            ours, theirs = by_kind[name][figure].align(by_kind[MARGINALS][figure], join="inner")
            test = paired_comparison(ours, theirs, TEST_FRACTION / (1 - TEST_FRACTION))
            of_test = {key: getattr(test, key) for key in ("pairs", "difference", "low", "high", "p")}
            lines.append({"rows": name, "figure": figure, "ratio": ours.mean() / theirs.mean(), **of_test})
    return pd.DataFrame(lines)


def _check(results: pd.DataFrame, timing: pd.DataFrame) -> pd.DataFrame:
    """Return what is asked of every GAN, and whether it holds on average and in every split."""
    by_kind = {name: group.set_index("split") for name, group in results.groupby("rows", sort=False)}
    if not {REAL, MARGINALS} <= by_kind.keys():
        return pd.DataFrame()
    real, marginals = by_kind[REAL], by_kind[MARGINALS]
    lines = []
    for name in (kind for kind in SYNTHESIZERS if kind in by_kind):
        ours = by_kind[name]
        asked = {
            "seconds for all rows, at most 10": 10 - timing.set_index("rows").loc[[name], "sampling_cpu_seconds"],
            "impossible values, none": -ours["impossible_values"],
            "lowest column score, at least 0.90": ours["lowest_column_score"] - 0.9,
            "pair-trend error, at most half of the marginals'": (
                marginals["pair_trend_error"] / 2 - ours["pair_trend_error"]
            ),
            "two-sample accuracy, below the marginals'": marginals["two_sample"] - ours["two_sample"],
            "PR-AUC, at least 0.95 of real rows'": ours["pr_auc"] - 0.95 * real["pr_auc"],
            "PR-AUC, above the marginals'": ours["pr_auc"] - marginals["pr_auc"],
        }
        for what, margins in asked.items():
            margin = margins.dropna()
            holds = {"in_the_mean": bool(margin.mean() >= 0), "in_splits": f"{(margin >= 0).sum()} of {len(margin)}"}
            lines.append({"rows": name, "asked": what, "margin": margin.mean(), **holds})
    return pd.DataFrame(lines)


def _for_readers(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the table of the README: mean over the splits, and half of the 95 % interval's width."""
    lines = []
    for name, group in summary.groupby("rows", sort=False):
        found = group.set_index("figure")
        cells = {"rows": name} | dict.fromkeys((title for title, _ in TITLES.values()), "")
        for figure in found.index.intersection(list(TITLES)):
            title, decimals = TITLES[figure]
            mean, reach = found.at[figure, "mean"], found.at[figure, "high"] - found.at[figure, "mean"]
            cells[title] = f"{mean:.{decimals}f}" + (f" ± {reach:.{decimals}f}" if reach > 0 else "")
        lines.append(cells)
    return pd.DataFrame(lines)


def _write(table: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    command(lambda: auto_cli(study))
