"""Whatever adds samples to rare classes, as imbalanced-learn over-samplers: of tables, images and time series."""

from gan_imbalance.oversampling.image import ImageOverSampler
from gan_imbalance.oversampling.series import TimeSeriesOverSampler
from gan_imbalance.oversampling.series_controls import DTWSMOTE, JitterSeriesSampler, SeriesSMOTE, TimeWarpSampler
from gan_imbalance.oversampling.table import DEFAULT_GAN, GANOverSampler, TableOverSampler
from gan_imbalance.oversampling.training import resolve_gan, train_gan

__all__ = [
    "DEFAULT_GAN",
    "DTWSMOTE",
    "GANOverSampler",
    "ImageOverSampler",
    "JitterSeriesSampler",
    "SeriesSMOTE",
    "TableOverSampler",
    "TimeSeriesOverSampler",
    "TimeWarpSampler",
    "resolve_gan",
    "train_gan",
]
