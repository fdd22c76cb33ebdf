"""Plain networks, built by a factory on the :class:`~gan_imbalance.types.DataSpec`."""

from gan_imbalance.networks.cnn import ResNet20, SMateCNN
from gan_imbalance.networks.dcgan import DCGANDiscriminator, DCGANGenerator, SMateDiscriminator, SMateGenerator
from gan_imbalance.networks.freezing import evaluation_mode, first_blocks, freeze_blocks
from gan_imbalance.networks.mlp import DenseClassifier, DenseDiscriminator, DenseGenerator
from gan_imbalance.networks.one_hot import OneHotDiscriminator, OneHotGenerator
from gan_imbalance.networks.recurrent import RecurrentDiscriminator, RecurrentGenerator
from gan_imbalance.networks.resnet import ResNetDiscriminator, ResNetGenerator
from gan_imbalance.networks.resnet1d import ResNet1D
from gan_imbalance.networks.series import TemporalDiscriminator, TemporalGenerator
from gan_imbalance.networks.table import MixedTableClassifier, MixedTableDiscriminator, MixedTableGenerator

__all__ = [
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DenseClassifier",
    "DenseDiscriminator",
    "DenseGenerator",
    "MixedTableClassifier",
    "MixedTableDiscriminator",
    "MixedTableGenerator",
    "OneHotDiscriminator",
    "OneHotGenerator",
    "RecurrentDiscriminator",
    "RecurrentGenerator",
    "ResNet1D",
    "ResNet20",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "SMateCNN",
    "SMateDiscriminator",
    "SMateGenerator",
    "TemporalDiscriminator",
    "TemporalGenerator",
    "evaluation_mode",
    "first_blocks",
    "freeze_blocks",
]
