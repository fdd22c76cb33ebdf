"""The classifier: as a LightningModule and as a scikit-learn estimator; and boosting."""

from gan_imbalance.classifiers.classifier import Classifier, classifier_of, load_classifier
from gan_imbalance.classifiers.estimator import ImageClassifier, NetworkClassifier, TableClassifier
from gan_imbalance.classifiers.samme import SAMME

__all__ = [
    "SAMME",
    "Classifier",
    "ImageClassifier",
    "NetworkClassifier",
    "TableClassifier",
    "classifier_of",
    "load_classifier",
]
