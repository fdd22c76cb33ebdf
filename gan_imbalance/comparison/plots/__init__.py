"""The plots of comparisons and evaluations; each tells in words what it shows. They know nothing of either."""

from gan_imbalance.comparison.plots.canvas import COLOURS, Numbers, Plot
from gan_imbalance.comparison.plots.curves import curves_by_step, metric_by_amount, metric_by_axis, training_curves
from gan_imbalance.comparison.plots.forest import forest
from gan_imbalance.comparison.plots.ranking import critical_difference
from gan_imbalance.comparison.plots.remedies import (
    confusion_matrices,
    metric_by_remedy,
    precision_recall,
)
from gan_imbalance.comparison.plots.samples import (
    SHEET,
    correlations,
    distributions,
    image_sheet,
    principal_components,
)

__all__ = [
    "COLOURS",
    "SHEET",
    "Numbers",
    "Plot",
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
