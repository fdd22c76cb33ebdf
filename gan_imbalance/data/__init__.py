"""Tables, images and time series: read once, split once, then tensors."""

from gan_imbalance.data.base import ImbalanceDataModule
from gan_imbalance.data.home import data_home
from gan_imbalance.data.images import CIFAR10DataModule, DigitsDataModule, ImageDataModule, ImageSet, SyntheticImages
from gan_imbalance.data.mixed import MixedDataModule
from gan_imbalance.data.series import SeriesSet, SyntheticSeries, TimeSeriesDataModule
from gan_imbalance.data.tables import TabularDataModule

__all__ = [
    "CIFAR10DataModule",
    "DigitsDataModule",
    "ImageDataModule",
    "ImageSet",
    "ImbalanceDataModule",
    "MixedDataModule",
    "SeriesSet",
    "SyntheticImages",
    "SyntheticSeries",
    "TabularDataModule",
    "TimeSeriesDataModule",
    "data_home",
]
