"""One GAN per file; importing this package makes them known by their short names."""

from gan_imbalance.gans.auxiliary import AuxiliaryClassifierGAN
from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.gans.conditional import ConditionalGAN
from gan_imbalance.gans.conditional_tabular import ConditionalTabularGAN
from gan_imbalance.gans.conditional_wasserstein import ConditionalWassersteinGAN
from gan_imbalance.gans.cramer import CramerGAN
from gan_imbalance.gans.gan import GAN
from gan_imbalance.gans.info import InfoGAN
from gan_imbalance.gans.minority_transfer import MinorityTransferGAN
from gan_imbalance.gans.moment_matching import MomentMatchingGAN
from gan_imbalance.gans.one_hot import OneHotGAN
from gan_imbalance.gans.wasserstein import WassersteinGAN

__all__ = [
    "GAN",
    "AuxiliaryClassifierGAN",
    "BaseGAN",
    "ConditionalGAN",
    "ConditionalTabularGAN",
    "ConditionalWassersteinGAN",
    "CramerGAN",
    "InfoGAN",
    "MinorityTransferGAN",
    "MomentMatchingGAN",
    "OneHotGAN",
    "WassersteinGAN",
]
