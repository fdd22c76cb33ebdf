"""The classifier as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from pytorch_lightning import Trainer
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gan_imbalance.classifiers.classifier import Classifier, ClassifierFactory
from gan_imbalance.data.loaders import TensorLoader, draw_uniform
from gan_imbalance.networks import DenseClassifier
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.types import DataSpec

_STEPS_PER_EPOCH = 100


class TableClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """:class:`Classifier` with scikit-learn's manners, for encoded features.

    Args:
        network: factory of the network, called with the data specification.
        max_steps: training steps.
        batch_size: rows per step, drawn with replacement.
        lr: learning rate of Adam.
        weight_decay: L2 penalty.
        accelerator: Lightning's.
        random_state: seed of weights and batches.

    Attributes:
        classes_: labels, in the order of the probabilities.
        module_: the trained :class:`Classifier`.
    """

    def __init__(
        self,
        network: ClassifierFactory = DenseClassifier,
        *,
        max_steps: int = 1000,
        batch_size: int = 128,
        lr: float = 1e-3,
        weight_decay: float = 1e-4,
        accelerator: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.network = network
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.accelerator = accelerator
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on features (n, d) and labels (n,), each row counting by its weight (n,)."""
        features, labels = validate_data(self, X, y, dtype=np.float32)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight)
        spec = DataSpec(kind="table", shape=(features.shape[1],), classes=tuple(self.classes_.tolist()))
        with quiet_lightning(), torch.random.fork_rng():
            torch.manual_seed(self.random_state)
            optimizer = {
                "class_path": "torch.optim.Adam",
                "init_args": {"lr": self.lr, "weight_decay": self.weight_decay, "fused": True},
            }
            self.module_ = Classifier(self.network, optimizer=optimizer)  # type: ignore[arg-type]
            self.module_.attach(spec, np.bincount(indices).tolist(), {})
            batches = TensorLoader(
                torch.from_numpy(features),
                torch.from_numpy(indices),
                lambda: draw_uniform(torch.arange(len(features))),
                batch_size=self.batch_size,
                steps_per_epoch=min(_STEPS_PER_EPOCH, self.max_steps),
                seed=self.random_state,
                weights=torch.from_numpy(weights).float(),
            )
            trainer = Trainer(
                max_steps=self.max_steps,
                max_epochs=-1,
                accelerator=self.accelerator,
                devices=1,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(self.module_, batches)
        self.module_.eval()
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return class probabilities, (n, classes)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float32, reset=False)
        with torch.no_grad():
            return self.module_.cpu()(torch.from_numpy(features)).numpy()  # type: ignore[no-any-return]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]  # type: ignore[no-any-return]
