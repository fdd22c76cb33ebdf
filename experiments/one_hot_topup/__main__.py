"""``python -m experiments.one_hot_topup``: 140 rows of Car, every class topped up to the largest, five remedies.

Ten times ten folds. A fold's training rows are cut twice: *as published*, everything outside the fold is learned from,
and the figure is the largest test accuracy of any epoch, a choice by test rows and so too good; *honest*, a validation
part of 14 rows is kept from the over-samplers and the classifier, and its loss chooses the epoch. Beside it, every
trick of the one-hot GAN switched off alone. Settings were chosen on another 140 rows of the table (``--other_cut``),
which share none with these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from imblearn.over_sampling import SMOTE, SMOTEN, RandomOverSampler
from jsonargparse import auto_cli
from pytorch_lightning import Trainer
from scipy.spatial.distance import cdist
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import OneHotEncoder

from experiments import command
from gan_imbalance.callbacks import DistanceMonitor, GeneratorEMA, PrincipalComponentPlots
from gan_imbalance.comparison.analysis.statistics import corrected_resampled_t, holm, paired_comparison
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import atomic_path, content_hash, write_json
from gan_imbalance.oversampling import GANOverSampler, resolve_gan
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import synthesize

COUNTS = {"good": 32, "acc": 37, "vgood": 30, "unacc": 41}
FOLDS = 10
VALIDATION_FRACTION = 0.1
GAN = "one_hot_gan"
REMEDIES = ("none", "random_over", "smote", "smoten", GAN)
PUBLISHED = {
    "none": "68.57 ± 15.13 / 0.686",
    "random_over": "67.86 ± 12.26 / 0.679",
    "smote": "68.57 ± 11.76 / 0.686",
    GAN: "69.29 ± 12.16 / 0.693",
}
LEARNING_RATE = 5e-4
RESTARTS = {"class_path": "gan_imbalance.optimizers.WarmRestarts", "init_args": {"factor": 10.0, "period": 200}}
CLASSIFIER = {"hidden_layer_sizes": (100,), "solver": "sgd", "learning_rate_init": 0.05, "batch_size": 32}
CLASSIFIER_EPOCHS = 100
DRAWINGS = 20


def _adam(lr: float) -> dict[str, Any]:
    return {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": lr}}


def _gan(lr: float = LEARNING_RATE, **init_args: Any) -> dict[str, Any]:
    return {
        "class_path": "gan_imbalance.gans.OneHotGAN",
        "init_args": {
            "generator_optimizer": _adam(lr),
            "discriminator_optimizer": _adam(lr),
            "scheduler": RESTARTS,
            **init_args,
        },
    }


def _discriminator(dropout: float = 0.3, distance_noise: float | None = 0.3) -> dict[str, Any]:
    init_args = {"dropout": dropout, "distance_noise": distance_noise}
    return {"class_path": "gan_imbalance.networks.OneHotDiscriminator", "init_args": init_args}


# without restarts the learning rate is the mean of what it would have been, so that as much is learned
_NO_RESTARTS = {"lr": 5.5 * LEARNING_RATE, "scheduler": None}
GANS: Mapping[str, dict[str, Any]] = {
    GAN: _gan(),
    "without bit flips": _gan(bit_flips=0.0),
    "without bit noise": _gan(bit_noise=0.0),
    "without minibatch discrimination": _gan(discriminator=_discriminator(distance_noise=None)),
    "without the noise on it": _gan(discriminator=_discriminator(distance_noise=0.0)),
    "without warm restarts": _gan(**_NO_RESTARTS),
    "without dropout": _gan(discriminator=_discriminator(dropout=0.0)),
    "without any of them": _gan(bit_flips=0.0, bit_noise=0.0, discriminator=_discriminator(0.0, None), **_NO_RESTARTS),
}


class Settings(NamedTuple):
    """All that every result depends on.

    Attributes:
        table: the rows, with their target in the last column.
        rest: further rows of the table, which nothing learns from, to judge what the GANs generate.
        steps: generator steps per GAN.
        batch_size: real rows per step.
        output: folder of the results.
    """

    table: pd.DataFrame
    rest: pd.DataFrame
    steps: int
    batch_size: int
    output: Path


class Cell(NamedTuple):
    """One result: a remedy in one fold of one repetition."""

    repetition: int
    fold: int
    remedy: str
    honest_only: bool


def study(
    path: str = "../shared/data/car.csv.gz",
    target: str = "class",
    counts: dict[str, int] | None = COUNTS,
    repetitions: int = 10,
    ablation_repetitions: int = 2,
    steps: int = 600,
    batch_size: int = 32,
    other_cut: bool = False,
    jobs: int = 1,
    output: str = "runs/one_hot_topup",
    quick: bool = False,
) -> None:
    """Run the study, print its tables, and write them to ``output``, with a file per repetition, fold and remedy.

    Args:
        path: the table; all its features are taken as categories.
        target: column to predict.
        counts: rows per class to cut the table to; None takes all.
        repetitions: how often the rows are dealt into ten folds anew.
        ablation_repetitions: the same for the GANs with a trick switched off.
        steps: generator steps per GAN.
        batch_size: real rows per step.
        other_cut: whether to use other rows than those reported: settings are chosen there.
        jobs: results that are made at the same time.
        output: folder of the results; what has a file there, made with the same settings, is not made again.
        quick: two folds, two remedies and few steps.
    """
    if quick:
        steps, output = 20, f"{output}/quick"
    table, rest = cut(path, target, counts, other_cut)
    settings = Settings(table, rest, steps, batch_size, Path(output))
    cells = _plan(repetitions, ablation_repetitions, quick)
    results = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_result)(settings, cell) for cell in cells)
    figures = pd.DataFrame(results)
    tables = {
        "results": figures,
        "summary": summarise(figures[~figures["honest_only"]], "none"),
        "ablation": summarise(_ablated(figures), GAN),
    }
    for name, lines in tables.items():
        with atomic_path(settings.output / f"{name}.csv") as temporary:
            lines.to_csv(temporary, index=False)
    text = report(tables["summary"], tables["ablation"])
    with atomic_path(settings.output / "tables.md") as temporary:
        temporary.write_text(text)
    print(text)
    draw(settings)


def cut(path: str, target: str, counts: Mapping[str, int] | None, other: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``counts`` rows per class, always the same ones, and the rest; the target comes last.

    Args:
        path: the table.
        target: column to predict.
        counts: rows per class; None takes all.
        other: whether to take the next rows instead.
    """
    frame = pd.read_csv(path).dropna(subset=[target]).sample(frac=1, random_state=0)
    frame = frame[[*frame.columns.drop(target), target]]
    labels = frame[target].astype(str)
    wanted = labels.map(counts) if counts else labels.map(labels.value_counts())
    place = frame.groupby(target).cumcount() - wanted.fillna(0) * other
    chosen = (place >= 0) & (place < wanted)
    return frame[chosen].reset_index(drop=True), frame[~chosen].reset_index(drop=True)


def _plan(repetitions: int, ablation_repetitions: int, quick: bool) -> list[Cell]:
    """Return all results that are wanted, whole repetitions one after the other."""
    if quick:
        return [Cell(0, *rest) for rest in product(range(2), ("none", GAN), [False])] + [
            Cell(0, *rest) for rest in product(range(2), list(GANS)[1:2], [True])
        ]
    everything = product(range(repetitions), range(FOLDS), REMEDIES, [False])
    ablation = product(range(ablation_repetitions), range(FOLDS), list(GANS)[1:], [True])
    return [*(Cell(*one) for one in everything), *(Cell(*one) for one in ablation)]


def _result(settings: Settings, cell: Cell) -> dict[str, Any]:
    """Return the figures of a cell, from its file if there is one."""
    gan = GANS.get(cell.remedy)
    depends_on = [
        pd.util.hash_pandas_object(settings.table).to_list(),
        *(cell, CLASSIFIER, CLASSIFIER_EPOCHS, VALIDATION_FRACTION),
        *([gan, settings.steps, settings.batch_size] if gan else []),
    ]
    name = f"{cell.repetition:02}-{cell.fold}-{cell.remedy.replace(' ', '_')}-{content_hash(depends_on)}.json"
    path = settings.output / "cells" / name
    if not path.is_file():
        torch.set_num_threads(1)
        write_json(path, {**cell._asdict(), **_run(settings, cell)})
        print(path.name, flush=True)
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures


def _run(settings: Settings, cell: Cell) -> dict[str, float]:
    """Train over-sampler and classifier in one fold, and judge them by its test rows."""
    started = perf_counter()
    target = settings.table.columns[-1]
    data = TabularDataModule(
        frame=settings.table,
        target=target,
        categorical=list(settings.table.columns[:-1]),
        validation_fraction=VALIDATION_FRACTION,
    )
    split = data.split_with(cell.repetition, cell.fold, FOLDS)
    columns = settings.table.drop(columns=target)
    labels, classes = pd.factorize(settings.table[target], sort=True)
    encoder = OneHotEncoder(drop="if_binary", sparse_output=False).fit(columns)
    encoded = encoder.transform(columns)
    seed = FOLDS * cell.repetition + cell.fold

    def learn(known: npt.NDArray[np.int64]) -> tuple[Any, npt.NDArray[np.float64]]:
        """Top the known rows up and learn from them; return the sampler, and what is predicted for all rows."""
        sampler = _sampler(cell.remedy, settings, seed)
        if sampler is None:
            return None, predictions(encoded[known], labels[known], encoded)
        if cell.remedy == "smote":
            features, targets = sampler.fit_resample(encoded[known], labels[known])
        else:
            rows, targets = sampler.fit_resample(columns.iloc[known], labels[known])
            features = encoder.transform(rows)
        return sampler, predictions(features, targets, encoded)

    sampler, predicted = learn(split.train)
    epoch = losses(predicted[:, split.validation], labels[split.validation]).argmin()
    figures = {"epoch": epoch, **_figures("honest", predicted[epoch, split.test], labels[split.test])}
    if cell.remedy in GANS:
        unseen = settings.table.drop(index=split.train)
        figures |= _judge(sampler, classes, settings.table.iloc[split.train], pd.concat([settings.rest, unseen]), seed)
    if not cell.honest_only:
        _, predicted = learn(np.concatenate([split.train, split.validation]))
        epoch = (predicted[:, split.test].argmax(axis=2) == labels[split.test]).mean(axis=1).argmax()
        figures |= _figures("published", predicted[epoch, split.test], labels[split.test])
    return {**{name: float(figure) for name, figure in figures.items()}, "seconds": perf_counter() - started}


def _sampler(remedy: str, settings: Settings, seed: int) -> Any:
    if remedy == "none":
        return None
    if remedy in GANS:
        return GANOverSampler(
            GANS[remedy],
            max_steps=settings.steps,
            batch_size=settings.batch_size,
            categorical=list(settings.table.columns[:-1]),
            random_state=seed,
        )
    return {"random_over": RandomOverSampler, "smote": SMOTE, "smoten": SMOTEN}[remedy](random_state=seed)


def predictions(
    features: npt.NDArray[np.float64], labels: npt.ArrayLike, judged: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Train the classifier, always from the same initial weights; return its probabilities after every epoch.

    Args:
        features: encoded training rows, (n, d).
        labels: their classes as whole numbers from 0, each of which occurs, (n,).
        judged: the rows to predict, (m, d).

    Returns:
        Of shape (epochs, m, classes).
    """
    classes = np.unique(labels)
    classifier = MLPClassifier(**CLASSIFIER, random_state=np.random.RandomState(0))
    epochs = []
    for _ in range(CLASSIFIER_EPOCHS):
        classifier.partial_fit(features, labels, classes=classes)
        epochs.append(classifier.predict_proba(judged))
    return np.stack(epochs)


def losses(probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the cross entropy after every epoch, from probabilities (epochs, m, classes) and classes (m,)."""
    likely: npt.NDArray[np.float64] = probabilities[:, np.arange(len(truth)), truth]
    return -np.log(likely.clip(1e-12)).mean(axis=1)  # type: ignore[no-any-return]


def _figures(protocol: str, probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return accuracy and macro F1 of probabilities (m, classes)."""
    predicted, classes = probabilities.argmax(axis=1), range(probabilities.shape[1])
    return {
        f"{protocol}_accuracy": accuracy_score(truth, predicted),
        f"{protocol}_f1": f1_score(truth, predicted, labels=classes, average="macro", zero_division=0),
    }


def _judge(
    sampler: GANOverSampler, classes: pd.Index[Any], train: pd.DataFrame, unseen: pd.DataFrame, seed: int
) -> dict[str, float]:
    """Return what the rows of a fold's GANs are like, mean over the classes topped up; 200 rows of each.

    ``spread`` is the mean distance between generated rows by that between training rows: below 1 they collapse.
    ``marginal_error`` is the total variation per column from real rows of the class that no GAN has seen. ``copies``
    is the share of generated rows that are training rows of their class, ``distinct`` that of different ones.
    """
    target = train.columns[-1]
    lines = []
    for index, gan in sampler.gans_.items():
        made = synthesize(gan, {index: 200}, seed).rows.iloc[:, :-1].astype(str)
        known, others = (
            rows[rows[target] == classes[index]].drop(columns=target).astype(str) for rows in (train, unseen)
        )
        keys, known_keys = made.agg("|".join, axis=1), known.agg("|".join, axis=1)
        errors = [
            made[name].value_counts(normalize=True).sub(others[name].value_counts(normalize=True), fill_value=0)
            for name in made
        ]
        lines.append(
            {
                "spread": _mean_distance(made) / _mean_distance(known),
                "marginal_error": np.mean([error.abs().sum() / 2 for error in errors]),
                "copies": keys.isin(known_keys).mean(),
                "distinct": keys.nunique() / len(keys),
            }
        )
    return dict(pd.DataFrame(lines).mean())


def _mean_distance(rows: pd.DataFrame) -> float:
    """Return the mean share of columns in which two different rows differ."""
    codes = rows.apply(lambda column: pd.factorize(column)[0]).to_numpy()
    return float(cdist(codes, codes, "hamming").sum() / (len(codes) * (len(codes) - 1)))


def _ablated(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of all GANs, of the repetitions that all have."""
    ablated = figures[figures["honest_only"]]
    shared = figures["repetition"].isin(ablated["repetition"]) & figures["fold"].isin(ablated["fold"])
    return figures[shared & figures["remedy"].isin(GANS)].dropna(axis=1)


def summarise(figures: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Return a line per remedy and figure: mean, interval, difference to the baseline with interval and p.

    Intervals and tests are those of :func:`corrected_resampled_t`; p is Holm's over the remedies.
    """
    ratio = 1 / (FOLDS - 1)
    lines = []
    names = [name for name in figures if name.startswith(("published", "honest_a", "honest_f"))]
    names += [name for name in ("spread", "marginal_error", "copies", "distinct") if name in figures.dropna(axis=1)]
    for name in names:
        table = figures.pivot(index=["repetition", "fold"], columns="remedy", values=name)
        others = [remedy for remedy in figures["remedy"].unique() if remedy != baseline]
        compared = {remedy: paired_comparison(table[remedy], table[baseline], ratio) for remedy in others}
        adjusted = dict(zip(others, holm([compared[remedy].p for remedy in others]), strict=True))
        for remedy in (baseline, *others):
            test = corrected_resampled_t(table[remedy], ratio)
            line = {"figure": name, "remedy": remedy, "folds": len(table), "mean": table[remedy].mean()}
            line |= {"low": test.low, "high": test.high, "between_folds": table[remedy].std()}
            if remedy != baseline:
                one = compared[remedy]
                line |= {"difference": one.difference, "difference_low": one.low, "difference_high": one.high}
                line |= {"p": adjusted[remedy]}
            lines.append(line)
    return pd.DataFrame(lines)


def report(summary: pd.DataFrame, ablation: pd.DataFrame) -> str:
    """Return both summaries as tables in Markdown."""
    titles = {"published": "as published (optimistic)", "honest": "honest"}
    lines = []
    for protocol, title in titles.items():
        lines += ["", f"| {title} | accuracy | against none | macro F1 | against none | published: accuracy / F1 |"]
        lines += ["|---|---|---|---|---|---|"]
        accuracy, f1 = (summary[summary["figure"] == f"{protocol}_{name}"] for name in ("accuracy", "f1"))
        for (_, one), (_, other) in zip(accuracy.iterrows(), f1.iterrows(), strict=True):
            known = PUBLISHED.get(one["remedy"], "not given")
            cells = (one["remedy"], _mean(one, 100), _gain(one, 100), _mean(other), _gain(other), known)
            lines.append(f"| {' | '.join(cells)} |")
    names = list(ablation["figure"].unique())
    lines += ["", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for remedy, rows in ablation.groupby("remedy", sort=False):
        cells = [_mean(row) + ("" if np.isnan(row["p"]) else f", {_gain(row)}") for _, row in rows.iterrows()]
        lines.append(f"| {remedy} | {' | '.join(cells)} |")
    return "\n".join(lines[1:]) + "\n"


def _mean(row: pd.Series[Any], scale: int = 1) -> str:
    """Return the mean, the standard deviation between folds, and the mean's interval."""
    mean, spread, low, high = (scale * row[["mean", "between_folds", "low", "high"]]).astype(float)
    return f"{mean:.2f} ± {spread:.2f} ({low:.2f} to {high:.2f})"


def _gain(row: pd.Series[Any], scale: int = 1) -> str:
    """Return the difference to the baseline, its interval and p."""
    if np.isnan(row["p"]):
        return ""
    mean, low, high = (scale * row[["difference", "difference_low", "difference_high"]]).astype(float)
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f}), p {row['p']:.2f}"


def draw(settings: Settings) -> None:
    """Train a GAN of the rarest class with its tuning aids, which leave their plots in the output folder."""
    target = settings.table.columns[-1]
    steps_per_drawing = max(10, settings.steps // DRAWINGS)
    data = TabularDataModule(
        frame=settings.table,
        target=target,
        categorical=list(settings.table.columns[:-1]),
        test_fraction=VALIDATION_FRACTION,
        validation_fraction=VALIDATION_FRACTION,
        batch_size=settings.batch_size,
        steps_per_epoch=steps_per_drawing,
    )
    gan_class, init_args = resolve_gan(GANS[GAN])
    torch.manual_seed(0)
    with quiet_lightning():
        Trainer(
            max_epochs=settings.steps // steps_per_drawing,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            callbacks=[GeneratorEMA(), DistanceMonitor(), PrincipalComponentPlots(every_n_epochs=1)],
            default_root_dir=settings.output / "training",
        ).fit(gan_class(**init_args), data)


if __name__ == "__main__":
    command(lambda: auto_cli(study))
