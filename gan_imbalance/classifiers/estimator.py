"""The classifier as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from gan_imbalance.classifiers.classifier import Classifier, ClassifierFactory
from gan_imbalance.components import factory
from gan_imbalance.data.loaders import Draw, TensorLoader, draw_mixed, draw_uniform
from gan_imbalance.networks import DenseClassifier
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.types import DataSpec, Span

_STEPS_PER_EPOCH = 100


class TableClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """:class:`Classifier` with scikit-learn's manners, for encoded features.

    Args:
        network: factory of the network, called with the data specification; or its class path.
        spans: which features are one column's, for networks that treat columns apart.
        max_steps: training steps.
        keep_best: end with the weights for which ``on_epoch`` returned the highest score (early stopping); the last
            ones where it returns none.
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
        network: ClassifierFactory | str = DenseClassifier,
        *,
        spans: Sequence[Span] = (),
        max_steps: int = 1000,
        keep_best: bool = False,
        batch_size: int = 128,
        lr: float = 1e-3,
        weight_decay: float = 1e-4,
        accelerator: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.network = network
        self.spans = spans
        self.max_steps = max_steps
        self.keep_best = keep_best
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.accelerator = accelerator
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        added: Any = None,
        added_share: float = 0.5,
        on_epoch: Callable[[int, Self], float | None] | None = None,
    ) -> Self:
        """Train the network.

        Args:
            X: features, (n, d).
            y: labels, (n,).
            sample_weight: how much every row counts, (n,).
            added: mask of synthetic rows, (n,), if they are to have a set share of every batch.
            added_share: that share, in [0, 1].
            on_epoch: called after every 100 steps with the number of steps and this estimator, which predicts
                with the weights it then has; may return how good they are.
        """
        features, labels = validate_data(self, X, y, dtype=np.float32)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        weights = np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight)
        spec = DataSpec("table", (features.shape[1],), tuple(self.classes_.tolist()), tuple(self.spans))
        with quiet_lightning(), torch.random.fork_rng():
            torch.manual_seed(self.random_state)
            optimizer = {
                "class_path": "torch.optim.Adam",
                "init_args": {"lr": self.lr, "weight_decay": self.weight_decay, "fused": True},
            }
            self.module_ = Classifier(factory(self.network), optimizer=optimizer)  # type: ignore[arg-type]
            self.module_.attach(spec, np.bincount(indices).tolist(), {})
            draw = _draw(len(features), added, round(added_share * self.batch_size))
            batches = TensorLoader(
                torch.from_numpy(features),
                torch.from_numpy(indices),
                lambda: draw,
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
                callbacks=[_OnEpoch(self, on_epoch)] if on_epoch else [],
            )
            trainer.fit(self.module_, batches)
        self.module_.cpu().eval()
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return class probabilities, (n, classes)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float32, reset=False)
        with torch.no_grad():
            return self.module_(torch.from_numpy(features).to(self.module_.device)).cpu().numpy()  # type: ignore[no-any-return]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]  # type: ignore[no-any-return]


def _draw(rows: int, added: Any, added_rows: int) -> Draw:
    """Return a uniform draw of all rows, or one with so many of the added rows in every batch."""
    mask = torch.zeros(rows, dtype=torch.bool) if added is None else torch.as_tensor(added)
    if not mask.any():
        return draw_uniform(torch.arange(rows))
    return draw_mixed(draw_uniform((~mask).nonzero()[:, 0]), draw_uniform(mask.nonzero()[:, 0]), added_rows)


class _OnEpoch(Callback):
    """Calls a function at the end of every epoch, with the network ready to predict; ends with the best weights."""

    def __init__(self, estimator: TableClassifier, function: Callable[[int, TableClassifier], float | None]) -> None:
        self.estimator = estimator
        self.function = function
        self.best: tuple[float, dict[str, Tensor]] | None = None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        pl_module.eval()
        score = self.function(trainer.global_step, self.estimator)
        pl_module.train()
        if self.estimator.keep_best and score is not None and (self.best is None or score > self.best[0]):
            self.best = score, {name: tensor.clone() for name, tensor in pl_module.state_dict().items()}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.best is not None:
            pl_module.load_state_dict(self.best[1])
