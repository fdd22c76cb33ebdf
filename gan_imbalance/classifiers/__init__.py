"""The classifier: as a LightningModule and as a scikit-learn estimator."""

from gan_imbalance.classifiers.classifier import Classifier
from gan_imbalance.classifiers.estimator import ImageClassifier, NetworkClassifier, TableClassifier

__all__ = ["Classifier", "ImageClassifier", "NetworkClassifier", "TableClassifier"]
