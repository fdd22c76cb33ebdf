"""Plots, monitors, averaging and safety: everything that is not the algorithm."""

from gan_imbalance.callbacks.collapse import CollapseMonitor
from gan_imbalance.callbacks.compiling import CompileNetworks
from gan_imbalance.callbacks.critic import CriticMonitor
from gan_imbalance.callbacks.distances import DistanceMonitor
from gan_imbalance.callbacks.ema import GeneratorEMA
from gan_imbalance.callbacks.fidelity import FidelityMonitor
from gan_imbalance.callbacks.guard import FiniteLossGuard, TrainingDiverged
from gan_imbalance.callbacks.images import FeatureDistanceMonitor, ImageGrid, InceptionFeatures, SamplePage
from gan_imbalance.callbacks.plots import ColumnPairPlots, PrincipalComponentPlots
from gan_imbalance.callbacks.record import RunRecord
from gan_imbalance.callbacks.series import SeriesPlots, draw_dynamics, draw_embeddings, draw_series

__all__ = [
    "CollapseMonitor",
    "ColumnPairPlots",
    "CompileNetworks",
    "CriticMonitor",
    "DistanceMonitor",
    "FeatureDistanceMonitor",
    "FidelityMonitor",
    "FiniteLossGuard",
    "GeneratorEMA",
    "ImageGrid",
    "InceptionFeatures",
    "PrincipalComponentPlots",
    "RunRecord",
    "SamplePage",
    "SeriesPlots",
    "TrainingDiverged",
    "draw_dynamics",
    "draw_embeddings",
    "draw_series",
]
