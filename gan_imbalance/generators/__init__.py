"""What generators share, and those that are no GANs (see :mod:`gan_imbalance.gans`), one per file."""

from gan_imbalance.generators.base import BaseGenerator
from gan_imbalance.generators.tabular_diffusion import TabularDiffusion

__all__ = ["BaseGenerator", "TabularDiffusion"]
