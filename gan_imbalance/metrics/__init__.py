"""Metrics that torchmetrics and sdmetrics lack: for imbalanced classes, fidelity and privacy, and time series."""

from gan_imbalance.metrics.classification import ImbalanceMetrics
from gan_imbalance.metrics.collapse import CollapseWarning, describe_collapse, measure_variety, warn_of_collapse
from gan_imbalance.metrics.columns import column_pair_trends, column_shapes
from gan_imbalance.metrics.decisions import (
    Costs,
    correct_prior,
    predict_classes,
    reweighted_precision,
    tune_threshold,
)
from gan_imbalance.metrics.fidelity import LogisticTwoSampleAccuracy, TwoSampleAccuracy
from gan_imbalance.metrics.images import figure_names, frechet_distance, image_distances, kernel_distance
from gan_imbalance.metrics.manifold import DensityCoverage, PrecisionRecall
from gan_imbalance.metrics.privacy import (
    closest_record_share,
    closest_records,
    data_copying,
    exact_copies,
    membership_inference,
)
from gan_imbalance.metrics.series import (
    autocorrelation,
    autocorrelation_distance,
    closest_series,
    discriminative_score,
    log_spectral_distance,
    power_spectrum,
    predictive_score,
)
from gan_imbalance.metrics.utility import train_and_test

__all__ = [
    "CollapseWarning",
    "Costs",
    "DensityCoverage",
    "ImbalanceMetrics",
    "LogisticTwoSampleAccuracy",
    "PrecisionRecall",
    "TwoSampleAccuracy",
    "autocorrelation",
    "autocorrelation_distance",
    "closest_record_share",
    "closest_records",
    "closest_series",
    "column_pair_trends",
    "column_shapes",
    "correct_prior",
    "data_copying",
    "describe_collapse",
    "discriminative_score",
    "exact_copies",
    "figure_names",
    "frechet_distance",
    "image_distances",
    "kernel_distance",
    "log_spectral_distance",
    "measure_variety",
    "membership_inference",
    "power_spectrum",
    "predict_classes",
    "predictive_score",
    "reweighted_precision",
    "train_and_test",
    "tune_threshold",
    "warn_of_collapse",
]
