"""What is left of a comparison: the only room that knows files and folders."""

from gan_imbalance.comparison.store.store import Store

__all__ = ["Store"]
