"""How good, and how private, synthetic samples are: one set of figures for every report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from gan_imbalance.metrics import (
    DensityCoverage,
    LogisticTwoSampleAccuracy,
    PrecisionRecall,
    TwoSampleAccuracy,
    autocorrelation_distance,
    closest_records,
    closest_series,
    column_pair_trends,
    column_shapes,
    discriminative_score,
    exact_copies,
    frechet_distance,
    log_spectral_distance,
    measure_variety,
    membership_inference,
    predictive_score,
)
from gan_imbalance.transforms.dtypes import Features, to_numbers
from gan_imbalance.transforms.series import Series
from gan_imbalance.transforms.table import TabularTransformer

_REPEATS = 5
# counting is cheap, and few rows hide small differences of shares: distances take max_rows, columns so many times that
COLUMN_ROWS = 10
# of the synthetic rows; they are compared with every training row
_ROWS_FOR_COPIES = 1000
# of networks that judge series, for a second or two of processor time
_JUDGING_STEPS = 50
_SERIES_AT_MOST = 500
_FEWEST_SERIES = 4


@dataclass(frozen=True)
class QualityMetric:
    """A metric of synthetic rows, as tables show it.

    Attributes:
        name: its column.
        display_name: what tables call it.
        best: what a generator reaches that learned the distribution and no more, in words.
    """

    name: str
    display_name: str
    best: str


QUALITY_METRICS = (
    QualityMetric("column_shapes", "Column shapes", "1"),
    QualityMetric("pair_trends", "Column-pair trends", "1"),
    QualityMetric("two_sample_trees", "Two-sample accuracy, boosted trees", "0.5 or less"),
    QualityMetric("two_sample_logistic", "Two-sample accuracy, logistic", "0.5 or less"),
    QualityMetric("precision", "Precision", "that of real rows, below 1"),
    QualityMetric("recall", "Recall", "that of real rows, below 1"),
    QualityMetric("density", "Density", "1"),
    QualityMetric("coverage", "Coverage", "1"),
    QualityMetric("distinct_share", "Distinct rows", "as among real rows"),
    QualityMetric("real_distinct_share", "Distinct rows among as many real ones", ""),
    QualityMetric("mode_coverage", "Modes covered", "1"),
    QualityMetric("exact_copies", "Exact copies of training rows", "0, or as among held-out rows"),
    QualityMetric("holdout_copies", "Held-out rows that equal a training row", ""),
    QualityMetric("closest_record_share", "Nearer to a training than to a held-out row", "0.5"),
    QualityMetric("training_distance", "Distance to the closest training row, median", "as to held-out rows"),
    QualityMetric("holdout_distance", "Distance to the closest held-out row, median", ""),
    QualityMetric(
        "training_distance_low", "Distance to the closest training row, 5th percentile", "as to held-out rows"
    ),
    QualityMetric("holdout_distance_low", "Distance to the closest held-out row, 5th percentile", ""),
    QualityMetric("membership_auc", "Membership inference, AUC", "0.5"),
    QualityMetric("membership_low", "Membership inference, AUC, lower end of 95 %", ""),
    QualityMetric("membership_high", "Membership inference, AUC, upper end of 95 %", ""),
)
"""Every figure that :func:`evaluate_synthetic` returns, in order; :func:`judge_features` returns some of them."""

FRECHET_DISTANCE = QualityMetric("frechet_distance", "Fréchet distance of features", "as between real samples")
"""The figure that only :func:`judge_features` returns."""

SERIES_METRICS = (
    QualityMetric("discriminative_score", "Discriminative score", "0"),
    QualityMetric("predictive_score", "Predictive score, learned from synthetic series", "as from real series"),
    QualityMetric("real_predictive_score", "Predictive score, learned from real series", ""),
    QualityMetric("autocorrelation_distance", "Autocorrelation distance", "as between real series"),
    QualityMetric("log_spectral_distance", "Spectrum distance, decibels", "as between real series"),
    QualityMetric("exact_copies", "Exact copies of training series", "0, or as among held-out series"),
    QualityMetric("closest_record_share", "Nearer to a training than to a held-out series", "0.5"),
)
"""Every figure that :func:`judge_series` returns, in order."""


def plain(frame: pd.DataFrame, encoder: TabularTransformer) -> pd.DataFrame:
    """Return the encoder's columns with numbers as float64, and categories as text, whatever their types.

    Raises:
        InputError: if a numeric column holds something that is no number.
    """
    numbers = {name: to_numbers(frame[name]) for name in encoder.numeric_columns or ()}
    texts = {name: spelled(frame[name]) for name in encoder.categorical_columns or ()}
    columns = {**numbers, **texts}
    return pd.DataFrame({name: columns[name] for name in frame.columns if name in columns})


def spelled(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return values ``(n,)`` as text, whole numbers alike whatever their type; missing ones stay missing."""
    codes, uniques = pd.factorize(column)
    texts = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for value in pd.Index(uniques).tolist()
    ]
    return np.array([*texts, np.nan], dtype=object)[codes]


def evaluate_synthetic(
    encoder: TabularTransformer,
    training: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    max_rows: int = 1000,
    max_pairs: int | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Return the figures of synthetic rows, by the names of :data:`QUALITY_METRICS`.

    Columns and their pairs are compared with the training rows, variety with theirs; two-sample tests and
    neighbourhoods with held-out rows, against which a generator that copies does not look perfect. Without held-out
    rows these take the training rows, and what needs both kinds is missing. Rows are drawn at random where there
    are more than ``max_rows``, and where kinds must be equally many.

    Args:
        encoder: fitted on real training rows, with the names of numeric and categorical columns.
        training: rows that the generator learned from.
        synthetic: rows that it made.
        holdout: real rows that it has not seen.
        max_rows: of every kind, at most; ten times as many where columns and their pairs are compared.
        max_pairs: pairs of columns, at most; None for all.
        seed: of all draws.

    Returns:
        Figures; NaN where there are too few rows for one. Nothing where there are no synthetic rows.
    """
    if not len(synthetic) or not len(training):
        return {}
    random = np.random.default_rng(seed)

    def draw(frame: pd.DataFrame, rows: int = max_rows) -> pd.DataFrame:
        return frame.iloc[random.permutation(len(frame))[:rows]]

    made, known = draw(synthetic), draw(training)
    unseen = draw(holdout) if holdout is not None and len(holdout) else None
    encoded_made, encoded_known = _encode(encoder, made), _encode(encoder, known)
    encoded_all = encoded_known if len(known) == len(training) else _encode(encoder, training)
    categorical = encoder.categorical_columns or ()
    real, fake = (plain(draw(frame, COLUMN_ROWS * max_rows), encoder) for frame in (training, synthetic))
    figures = dict.fromkeys((figure.name for figure in QUALITY_METRICS), np.nan)
    figures["column_shapes"] = float(column_shapes(real, fake, categorical).mean())
    figures["pair_trends"] = float(column_pair_trends(real, fake, categorical, max_pairs, seed).mean())
    reference = encoded_known if unseen is None else _encode(encoder, unseen)
    figures |= _distribution(reference, encoded_made, seed)
    variety = measure_variety(encoded_known, encoded_made, seed)
    figures["distinct_share"], figures["real_distinct_share"] = variety.distinct, variety.real_distinct
    figures["mode_coverage"] = variety.mode_coverage
    figures["exact_copies"] = exact_copies(encoded_made[:_ROWS_FOR_COPIES], encoded_all, encoded=True)
    if unseen is not None:
        figures["holdout_copies"] = exact_copies(reference[:_ROWS_FOR_COPIES], encoded_all, encoded=True)
        figures |= _privacy(encoded_made, encoded_known, reference)
    return figures


def judge_features(
    training: Features, synthetic: Features, holdout: Features, max_rows: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Return the figures of synthetic samples that need no columns, of features such as a classifier's of images.

    The distribution is compared with the held-out samples, and with the training samples where there are none.

    Args:
        training: features of samples that the generator learned from, (n, d).
        synthetic: of those that it made, (m, d).
        holdout: of real ones that it has not seen, (k, d).
        max_rows: of every kind, at most, drawn at random.
        seed: of all draws.

    Returns:
        Figures, by the names of :data:`QUALITY_METRICS` and :data:`FRECHET_DISTANCE`; none that has too few samples.
    """
    random = np.random.default_rng(seed)
    known, made, unseen = (part[random.permutation(len(part))[:max_rows]] for part in (training, synthetic, holdout))
    reference = unseen if len(unseen) else known
    figures = _distribution(reference, made, seed)
    if min(len(reference), len(made)) >= 2:
        figures["frechet_distance"] = frechet_distance(torch.from_numpy(reference), torch.from_numpy(made))
    figures["exact_copies"] = exact_copies(made[:_ROWS_FOR_COPIES], training, encoded=True)
    if len(unseen):
        figures["holdout_copies"] = exact_copies(unseen[:_ROWS_FOR_COPIES], training, encoded=True)
        figures |= _privacy(made, known, unseen)
    return figures


def judge_series(
    training: Series, synthetic: Series, holdout: Series | None = None, max_rows: int = _SERIES_AT_MOST, seed: int = 0
) -> dict[str, float]:
    """Return the figures of synthetic time series: dynamics, whether they can be told apart, what they teach, copies.

    They are compared with held-out series, against which a generator that copies does not look perfect, and with the
    training series where there are none; copies are of training series.

    Args:
        training: series that the generator learned from, (n, channels, length).
        synthetic: series that it made, (m, channels, length).
        holdout: real series that it has not seen, (k, channels, length); None or empty if there are none.
        max_rows: of every kind, at most, drawn at random.
        seed: of all draws and networks.

    Returns:
        Figures, by the names of :data:`SERIES_METRICS`; none that has too few series.

    Raises:
        InputError: if they are no series, or of different shapes.
    """
    random = np.random.default_rng(seed)
    given = training, synthetic, training[:0] if holdout is None else holdout
    known, made, unseen = (part[random.permutation(len(part))[:max_rows]] for part in given)
    reference = unseen if len(unseen) else known
    figures: dict[str, float] = {}
    if min(len(reference), len(made)) >= _FEWEST_SERIES:
        figures["discriminative_score"] = discriminative_score(reference, made, _JUDGING_STEPS, seed)
    if len(unseen):
        figures["predictive_score"] = predictive_score(made, unseen, _JUDGING_STEPS, seed)
        figures["real_predictive_score"] = predictive_score(known, unseen, _JUDGING_STEPS, seed)
    figures["autocorrelation_distance"] = autocorrelation_distance(reference, made, made.shape[2] // 2)
    figures["log_spectral_distance"] = log_spectral_distance(reference, made)
    flat_made, flat_known = (part.reshape(len(part), -1) for part in (made, training))
    figures["exact_copies"] = exact_copies(flat_made, flat_known, encoded=True)
    if len(unseen):
        size = min(len(known), len(unseen))
        figures["closest_record_share"] = closest_series(made, known[:size], unseen[:size]).share
    return figures


def _encode(encoder: TabularTransformer, frame: pd.DataFrame) -> Features:
    return encoder.transform(frame, unknown="ignore")


def _distribution(real: Features, made: Features, seed: int) -> dict[str, float]:
    """Return the two-sample tests and neighbourhood figures, of equally many rows."""
    size = min(len(real), len(made))
    rows = torch.from_numpy(real[:size]), torch.from_numpy(made[:size])
    figures: dict[str, float] = {}
    tests: dict[str, Callable[[], TwoSampleAccuracy]] = {
        "two_sample_trees": lambda: TwoSampleAccuracy(repeats=_REPEATS, seed=seed),
        "two_sample_logistic": lambda: LogisticTwoSampleAccuracy(repeats=_REPEATS, seed=seed),
    }
    for name, test in tests.items():
        if size >= 2:
            metric = test()
            metric.update(*rows)
            figures[name] = float(metric.compute())
    for neighbours in (PrecisionRecall(), DensityCoverage()):
        if size > neighbours.k:
            neighbours.update(*rows)
            figures |= {name: float(value) for name, value in neighbours.compute().items()}
    return figures


def _privacy(made: Features, known: Features, unseen: Features) -> dict[str, float]:
    """Return what needs equally many training and held-out rows."""
    size = min(len(known), len(unseen))
    records = closest_records(made, known[:size], unseen[:size], encoded=True)
    attack = membership_inference(made, known[:size], unseen[:size], encoded=True)
    return {
        "closest_record_share": records.share,
        "training_distance": records.training_median,
        "holdout_distance": records.holdout_median,
        "training_distance_low": records.training_low,
        "holdout_distance_low": records.holdout_low,
        "membership_auc": attack.auc,
        "membership_low": attack.low,
        "membership_high": attack.high,
    }
