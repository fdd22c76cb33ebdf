"""The classifier: as a LightningModule and as a scikit-learn estimator."""

from gan_imbalance.classifiers.classifier import Classifier
from gan_imbalance.classifiers.estimator import TableClassifier

__all__ = ["Classifier", "TableClassifier"]
