"""The pictures of comparisons and evaluations; each tells in words what it shows. They know nothing of either."""

from gan_imbalance.comparison.figures.canvas import COLOURS, Figure, Floats, Numbers
from gan_imbalance.comparison.figures.curves import curves_by_step, metric_by_amount, metric_by_axis, training_curves
from gan_imbalance.comparison.figures.forest import forest
from gan_imbalance.comparison.figures.ranking import critical_difference
from gan_imbalance.comparison.figures.remedies import (
    confusion_matrices,
    metric_by_remedy,
    precision_recall,
)
from gan_imbalance.comparison.figures.samples import (
    SHEET,
    correlations,
    distributions,
    image_sheet,
    principal_components,
)

__all__ = [
    "COLOURS",
    "SHEET",
    "Figure",
    "Floats",
    "Numbers",
    "confusion_matrices",
    "correlations",
    "critical_difference",
    "curves_by_step",
    "distributions",
    "forest",
    "image_sheet",
    "metric_by_amount",
    "metric_by_axis",
    "metric_by_remedy",
    "precision_recall",
    "principal_components",
    "training_curves",
]
