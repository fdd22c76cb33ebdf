"""Tables and images: read once, split once, then tensors."""

from gan_imbalance.data.mixed import MixedDataModule
from gan_imbalance.data.tables import TabularDataModule

__all__ = ["MixedDataModule", "TabularDataModule"]
