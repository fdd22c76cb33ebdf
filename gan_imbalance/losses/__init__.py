"""Losses, penalties and terms, a file for each family, every one a module with its paper.

Nothing here waits for the device; random draws come from torch's global generator on the tensors' own device.
"""

from gan_imbalance.losses.adversarial import (
    AdversarialLoss,
    ClippedWassersteinLoss,
    HingeLoss,
    LeastSquaresLoss,
    NonSaturatingLoss,
    WassersteinLoss,
    cramer_scores,
    energy_distance_loss,
)
from gan_imbalance.losses.auxiliary import AuxiliaryLoss, KPlusOneLoss, TwoHeadedLoss
from gan_imbalance.losses.classification import (
    ClassBalancedLoss,
    ClassificationLoss,
    CrossEntropy,
    FocalLoss,
    LogitAdjustedLoss,
)
from gan_imbalance.losses.penalties import DRAGANPenalty, GradientPenalty, R1Penalty, WassersteinGradientPenalty
from gan_imbalance.losses.terms import CodeInformation, FeatureMatching, MajorityPenalty, feature_matching_loss

__all__ = [
    "AdversarialLoss",
    "AuxiliaryLoss",
    "ClassBalancedLoss",
    "ClassificationLoss",
    "ClippedWassersteinLoss",
    "CodeInformation",
    "CrossEntropy",
    "DRAGANPenalty",
    "FeatureMatching",
    "FocalLoss",
    "GradientPenalty",
    "HingeLoss",
    "KPlusOneLoss",
    "LeastSquaresLoss",
    "LogitAdjustedLoss",
    "MajorityPenalty",
    "NonSaturatingLoss",
    "R1Penalty",
    "TwoHeadedLoss",
    "WassersteinGradientPenalty",
    "WassersteinLoss",
    "cramer_scores",
    "energy_distance_loss",
    "feature_matching_loss",
]
