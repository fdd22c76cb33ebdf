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
    SHEETS,
    correlations,
    distributions,
    dynamics,
    image_sheet,
    neighbourhoods,
    principal_components,
    series_sheet,
)

__all__ = [
    "COLOURS",
    "SHEETS",
    "Numbers",
    "Plot",
    "confusion_matrices",
    "correlations",
    "critical_difference",
    "curves_by_step",
    "distributions",
    "dynamics",
    "forest",
    "image_sheet",
    "metric_by_amount",
    "metric_by_axis",
    "metric_by_remedy",
    "neighbourhoods",
    "precision_recall",
    "principal_components",
    "series_sheet",
    "training_curves",
]
