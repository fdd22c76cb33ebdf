"""Metrics that torchmetrics and sdmetrics lack: for imbalanced classes, for fidelity and for privacy."""

from gan_imbalance.metrics.classification import (
    ImbalanceMetrics,
    predict_classes,
    reweighted_precision,
    tune_threshold,
)
from gan_imbalance.metrics.fidelity import TwoSampleAccuracy
from gan_imbalance.metrics.privacy import closest_record_share, exact_copies

__all__ = [
    "ImbalanceMetrics",
    "TwoSampleAccuracy",
    "closest_record_share",
    "exact_copies",
    "predict_classes",
    "reweighted_precision",
    "tune_threshold",
]
