"""The classifier: as a LightningModule and as a scikit-learn estimator; other classifiers of series; and boosting."""

from gan_imbalance.classifiers.classifier import Classifier, classifier_of, load_classifier
from gan_imbalance.classifiers.estimator import (
    ImageClassifier,
    NetworkClassifier,
    SeriesClassifier,
    TableClassifier,
)
from gan_imbalance.classifiers.samme import SAMME
from gan_imbalance.classifiers.series import DTWClassifier, MiniRocket, MiniRocketClassifier

__all__ = [
    "SAMME",
    "Classifier",
    "DTWClassifier",
    "ImageClassifier",
    "MiniRocket",
    "MiniRocketClassifier",
    "NetworkClassifier",
    "SeriesClassifier",
    "TableClassifier",
    "classifier_of",
    "load_classifier",
]
