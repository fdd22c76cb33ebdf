"""A teacher's labels for generated rows: a student learns from both (model compression, distillation).

References:
    Bucila, Caruana, Niculescu-Mizil 2006, Model Compression, https://doi.org/10.1145/1150402.1150464
    Hinton, Vinyals, Dean 2015, Distilling the Knowledge in a Neural Network, https://arxiv.org/abs/1503.02531
    Fakoor et al. 2020, Fast, Accurate, and Simple Models for Tabular Data via Augmented Distillation,
        https://arxiv.org/abs/2006.14284
"""

from gan_imbalance.distillation.distilled import DistilledClassifier
from gan_imbalance.distillation.soft_labels import LearnedAs, RealLabels, fit_softly, learned_as, real_targets
from gan_imbalance.distillation.teacher import IMAGE_MEMBERS, MEMBERS, SERIES_MEMBERS, CrossFittedEnsemble

__all__ = [
    "IMAGE_MEMBERS",
    "MEMBERS",
    "SERIES_MEMBERS",
    "CrossFittedEnsemble",
    "DistilledClassifier",
    "LearnedAs",
    "RealLabels",
    "fit_softly",
    "learned_as",
    "real_targets",
]
