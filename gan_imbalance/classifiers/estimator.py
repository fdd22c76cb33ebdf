"""The classifier as a scikit-learn estimator, for encoded features, for images and for time series."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import torch
from pytorch_lightning.cli import OptimizerCallable
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from gan_imbalance.classifiers.classifier import Classifier, ClassifierFactory
from gan_imbalance.components import build, factory
from gan_imbalance.data.loaders import Draw, TensorLoader, draw_mixed, draw_uniform, draw_weighted
from gan_imbalance.losses import ClassificationLoss, CrossEntropy
from gan_imbalance.metrics.distances import as_series, channel_scale, like_series
from gan_imbalance.networks import DenseClassifier, ResNet1D, SMateCNN
from gan_imbalance.seeding import seeded
from gan_imbalance.transforms.image import IMAGES_AT_ONCE, to_float
from gan_imbalance.types import DataSpec, InputError, Span

Weighting = Literal["loss", "draw"]
Schedule = Literal["constant", "one_cycle"]


class NetworkClassifier(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """:class:`Classifier` with scikit-learn's manners; a subclass says in which form its samples come.

    Attributes:
        classes_: labels, in the order of the probabilities.
        module_: the trained :class:`Classifier`.
    """

    network: ClassifierFactory | str | dict[str, Any]
    keep_best: bool
    batch_size: int
    lr: float
    weight_decay: float
    optimizer: OptimizerCallable | str | dict[str, Any]
    loss: ClassificationLoss
    augmentation: nn.Module | dict[str, Any] | None = None
    mixing: nn.Module | dict[str, Any] | None = None
    weighting: Weighting = "loss"
    schedule: Schedule = "constant"
    accelerator: str
    random_state: int

    samples_at_once: ClassVar[int]
    """How many samples are judged at once when predicting."""

    learns_in_batches: ClassVar[bool] = True
    """Says that ``fit`` takes ``on_epoch``, ``added`` and ``added_share``; a comparison asks for it."""

    learns_probabilities: ClassVar[bool] = True
    """Says that ``fit`` takes ``probabilities``; whoever distils asks for it."""

    builds_components: ClassVar[bool] = True
    """Says that components may be given as ``class_path`` dicts."""

    @abstractmethod
    def _training_set(self, X: Any, y: Any) -> tuple[Tensor, npt.NDArray[Any]]:
        """Return samples as they are kept, (n, *shape), and labels, (n,); refuse what cannot be learned from."""

    @abstractmethod
    def _unseen(self, X: Any) -> Tensor:
        """Return samples as they are kept, (n, *shape); refuse what differs from the training set."""

    @abstractmethod
    def _spec(self, shape: tuple[int, ...]) -> DataSpec:
        """Return what the network must know of samples of a shape."""

    @abstractmethod
    def _steps(self, samples: int) -> tuple[int, int]:
        """Return how many steps to take in all, and how many of them make an epoch, for a number of samples."""

    def _prepared(self, samples: Tensor) -> Tensor:
        """Return samples in the form that the network sees, from that in which they are kept."""
        return samples

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        added: Any = None,
        added_share: float = 0.5,
        on_epoch: Callable[[int, Self], float | None] | None = None,
        probabilities: Any = None,
    ) -> Self:
        """Train the network.

        Args:
            X: samples, (n, *shape).
            y: labels, (n,).
            sample_weight: how much every sample counts, (n,).
            added: mask of synthetic samples, (n,), if they are to have a set share of every batch.
            added_share: that share, in [0, 1].
            on_epoch: called after every epoch with the number of steps taken and this estimator, which predicts
                with the weights it then has; may return how good they are.
            probabilities: of the classes in their order, (n, K), to be learned in place of the labels, which then only
                say what the classes are.

        Raises:
            InputError: if there is no such weighting or schedule, ``added_share`` is not in [0, 1], all samples are
                added ones, or ``probabilities`` has another shape.
        """
        for option, choices in (("weighting", get_args(Weighting)), ("schedule", get_args(Schedule))):
            if getattr(self, option) not in choices:
                raise InputError(f"{option} is {getattr(self, option)!r}: give {' or '.join(choices)}.")
        if not 0 <= added_share <= 1:
            raise InputError(f"added_share is {added_share}: give a share from 0 to 1.")
        samples, labels = self._training_set(X, y)
        check_consistent_length(samples, sample_weight, added)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        targets, counts = torch.from_numpy(indices), np.bincount(indices)
        if probabilities is not None:
            targets = torch.from_numpy(np.asarray(probabilities, dtype=np.float32))
            if targets.shape != (len(samples), len(self.classes_)):
                raise InputError(
                    f"probabilities has shape {tuple(targets.shape)}: give one per sample and class, "
                    f"{(len(samples), len(self.classes_))}."
                )
            counts = targets.sum(dim=0).round().numpy().astype(np.int64)
        weights = None if sample_weight is None else torch.from_numpy(np.asarray(sample_weight, dtype=np.float32))
        if weights is not None and not weights.any():
            raise InputError("sample_weight is 0 for all samples, so none is learned: give some of them a weight.")
        max_steps, steps_per_epoch = self._steps(len(samples))
        device = self._device()
        with seeded(self.random_state, device):
            self.module_ = Classifier(
                factory(self.network),
                optimizer=self._optimizer(),
                loss=self.loss,
                augmentation=build(self.augmentation),
                mixing=build(self.mixing),
            )
            self.module_.build(self._spec(tuple(samples.shape[1:])), counts.tolist(), {})
            draw_weights, factors = (weights, None) if self.weighting == "draw" else (None, weights)
            draw = _draw(len(samples), draw_weights, added, round(added_share * self.batch_size))
            batches = TensorLoader(
                samples.to(device),
                targets.to(device),
                lambda: draw,
                batch_size=self.batch_size,
                steps_per_epoch=steps_per_epoch,
                seed=self.random_state,
                weights=None if factors is None else factors.to(device),
                transform=self._prepared,
            )
            self._train(batches, max_steps, on_epoch)
        self.module_.cpu().eval()
        return self

    def _train(
        self, batches: TensorLoader, max_steps: int, on_epoch: Callable[[int, Self], float | None] | None
    ) -> None:
        """Take the steps, by a plain loop: of a small network's step, a Trainer's own work is a third."""
        module = self.module_.to(batches.features.device).train()
        optimizer = module.configure_optimizers()
        schedule = OneCycleLR(optimizer, self.lr, max_steps) if self.schedule == "one_cycle" else None
        best: tuple[float, dict[str, Tensor]] | None = None
        for done in range(0, max_steps, len(batches)):
            for batch in islice(batches, max_steps - done):
                optimizer.zero_grad()
                module.loss_of(batch).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if schedule is not None:
                    schedule.step()
            if on_epoch is None:
                continue
            module.eval()
            score = on_epoch(min(done + len(batches), max_steps), self)
            module.train()
            if self.keep_best and score is not None and (best is None or score > best[0]):
                best = score, {name: tensor.clone() for name, tensor in module.state_dict().items()}
        if best is not None:
            module.load_state_dict(best[1])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return class probabilities, (n, classes)."""
        check_is_fitted(self)
        samples, home = self._unseen(X), self.module_.device
        module = self.module_.to(self._device())
        with torch.no_grad():
            probabilities = [
                module(self._prepared(chunk.to(module.device))).cpu()
                for chunk in torch.split(samples, self.samples_at_once)
            ]
        module.to(home)
        return torch.cat(probabilities).numpy()

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]  # type: ignore[no-any-return]

    def _optimizer(self) -> OptimizerCallable:
        """Return the optimizer with its settings; fused into one kernel per step, where it can be."""
        optimizer = factory(self.optimizer)
        settings: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay}
        if "fused" in inspect.signature(optimizer).parameters:
            settings["fused"] = True
        return partial(optimizer, **settings)

    def _device(self) -> torch.device:
        """Return where to train and predict; in between the network is on the processor, to be kept in files."""
        return torch.device("cuda" if self.accelerator != "cpu" and torch.cuda.is_available() else "cpu")


class TableClassifier(NetworkClassifier):
    """:class:`Classifier` with scikit-learn's manners, for encoded features.

    ``fit`` calls ``on_epoch`` after every 50 steps. Batches are large and the steps few, since most of a small
    network's step is no arithmetic: it sees as many rows as in a thousand steps of 128 in half of the time.

    Args:
        network: factory of the network, called with the data specification; or its class path.
        spans: which features are one column's, for networks that treat columns apart.
        max_steps: training steps.
        keep_best: end with the weights for which ``on_epoch`` returned the highest score (early stopping); the last
            ones where it returns none.
        batch_size: rows per step, drawn with replacement.
        lr: learning rate.
        weight_decay: L2 penalty.
        optimizer: class, or its class path; it is given learning rate and weight decay.
        loss: what is minimised.
        accelerator: "cpu"; with anything else, a CUDA device where there is one.
        random_state: seed of weights and batches.

    Attributes:
        classes_: labels, in the order of the probabilities.
        module_: the trained :class:`Classifier`.

    Example:
        It stands in any pipeline, and takes losses for rare classes:

        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from gan_imbalance import TableClassifier
        >>> from gan_imbalance.losses import FocalLoss
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = make_pipeline(StandardScaler(), TableClassifier(max_steps=100, loss=FocalLoss()))
        >>> model.fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.9
        True
    """

    samples_at_once: ClassVar[int] = 2**16
    _steps_per_epoch: ClassVar[int] = 50

    def __init__(
        self,
        network: ClassifierFactory | str | dict[str, Any] = DenseClassifier,
        *,
        spans: Sequence[Span] = (),
        max_steps: int = 200,
        keep_best: bool = False,
        batch_size: int = 256,
        lr: float = 3e-3,
        weight_decay: float = 1e-4,
        optimizer: OptimizerCallable | str | dict[str, Any] = torch.optim.Adam,
        loss: ClassificationLoss = CrossEntropy(),
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
        self.optimizer = optimizer
        self.loss = loss
        self.accelerator = accelerator
        self.random_state = random_state

    def _training_set(self, X: Any, y: Any) -> tuple[Tensor, npt.NDArray[Any]]:
        features, labels = validate_data(self, X, y, dtype=np.float32)
        return torch.from_numpy(features), labels

    def _unseen(self, X: Any) -> Tensor:
        return torch.from_numpy(validate_data(self, X, dtype=np.float32, reset=False))

    def _spec(self, shape: tuple[int, ...]) -> DataSpec:
        return DataSpec("table", shape, tuple(self.classes_.tolist()), tuple(self.spans))

    def _steps(self, samples: int) -> tuple[int, int]:
        return self.max_steps, min(self._steps_per_epoch, self.max_steps)


class ImageClassifier(NetworkClassifier):
    """:class:`Classifier` with scikit-learn's manners, for images.

    Images are uint8, (n, channels, side, side), in numpy or torch; they lie on the device as they are, and become
    numbers in [-1, 1] batch by batch. An epoch is as many steps as show every image once on average.

    Args:
        network: factory of the network, called with the data specification; or its class path.
        epochs: training epochs.
        max_steps: training steps, instead of epochs.
        keep_best: end with the weights for which ``on_epoch`` returned the highest score (early stopping); the last
            ones where it returns none.
        batch_size: images per step, drawn with replacement.
        lr: learning rate.
        weight_decay: L2 penalty.
        optimizer: class, or its class path; it is given learning rate and weight decay.
        loss: what is minimised.
        augmentation: maps training images, float in [-1, 1], to others of the same shape; or its class path and
            arguments.
        mixing: maps training images and class probabilities to mixtures, such as
            ``{"class_path": "gan_imbalance.transforms.CutMix"}``; not beside sample weights in the loss.
        weighting: what a sample's weight is: a factor of its ``loss``, or how likely it is to be in a batch
            (``draw``), which keeps few heavy samples from ruling a batch.
        schedule: of the learning rate: ``constant``, or ``one_cycle``, which rises to ``lr`` and falls to almost 0 by
            the last step, with the first moment's decay going the other way (Smith and Topin 2018,
            https://arxiv.org/abs/1708.07120): fewer epochs to the same accuracy.
        accelerator: "cpu"; with anything else, a CUDA device where there is one.
        random_state: seed of weights and batches.

    Attributes:
        classes_: labels, in the order of the probabilities.
        module_: the trained :class:`Classifier`.

    Example:
        Images go in as they are, as uint8; few steps of a small network already tell the digits 0 and 1 apart:

        >>> from functools import partial
        >>> from sklearn.datasets import load_digits
        >>> from gan_imbalance import ImageClassifier
        >>> from gan_imbalance.networks import SMateCNN
        >>> digits = load_digits(n_class=2)
        >>> images = (digits.images * 15).astype("uint8")[:, None]
        >>> model = ImageClassifier(partial(SMateCNN, width=0.1), max_steps=20, lr=1e-3, accelerator="cpu")
        >>> model.fit(images[:200], digits.target[:200]).predict_proba(images[200:]).shape
        (160, 2)
    """

    samples_at_once: ClassVar[int] = IMAGES_AT_ONCE

    def __init__(
        self,
        network: ClassifierFactory | str | dict[str, Any] = SMateCNN,
        *,
        epochs: int = 100,
        max_steps: int | None = None,
        keep_best: bool = False,
        batch_size: int = 256,
        lr: float = 1e-4,
        weight_decay: float = 0.0,
        optimizer: OptimizerCallable | str | dict[str, Any] = torch.optim.RMSprop,
        loss: ClassificationLoss = CrossEntropy(),
        augmentation: nn.Module | dict[str, Any] | None = None,
        mixing: nn.Module | dict[str, Any] | None = None,
        weighting: Weighting = "loss",
        schedule: Schedule = "constant",
        accelerator: str = "auto",
        random_state: int = 0,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.max_steps = max_steps
        self.keep_best = keep_best
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.loss = loss
        self.augmentation = augmentation
        self.mixing = mixing
        self.weighting = weighting
        self.schedule = schedule
        self.accelerator = accelerator
        self.random_state = random_state

    def _training_set(self, X: Any, y: Any) -> tuple[Tensor, npt.NDArray[Any]]:
        images, labels = _as_images(X), column_or_1d(y)
        check_consistent_length(images, labels)
        check_classification_targets(labels)
        return images, labels

    def _unseen(self, X: Any) -> Tensor:
        images, spec = _as_images(X), self.module_.spec
        if images.shape[1:] != spec.shape:
            raise InputError(
                f"Images of {_told(images.shape[1:])} (channels, height, width) were given to a classifier of images "
                f"of {_told(spec.shape)}: bring them to that form."
            )
        return images

    def _spec(self, shape: tuple[int, ...]) -> DataSpec:
        return DataSpec("image", shape, tuple(self.classes_.tolist()))

    def _steps(self, samples: int) -> tuple[int, int]:
        steps_per_epoch = -(-samples // self.batch_size)
        if self.max_steps is None:
            return self.epochs * steps_per_epoch, steps_per_epoch
        return self.max_steps, min(steps_per_epoch, self.max_steps)

    def _prepared(self, samples: Tensor) -> Tensor:
        return to_float(samples)


class SeriesClassifier(NetworkClassifier):
    """:class:`Classifier` with scikit-learn's manners, for time series.

    Series are numbers, (n, channels, length), or (n, length) of one channel, in numpy or torch. Every channel is
    standardised by its mean and deviation over all training series, so neither scales nor units matter, while level and
    size of a series still do. ``fit`` calls ``on_epoch`` after every 50 steps.

    Args:
        network: factory of the network, called with the data specification; or its class path.
        max_steps: training steps.
        keep_best: end with the weights for which ``on_epoch`` returned the highest score (early stopping); the last
            ones where it returns none.
        batch_size: series per step, drawn with replacement.
        lr: learning rate.
        weight_decay: L2 penalty.
        optimizer: class, or its class path; it is given learning rate and weight decay.
        loss: what is minimised.
        augmentation: maps standardised training series to others of the same shape; or its class path and arguments.
        weighting: what a sample's weight is: a factor of its ``loss``, or how likely it is to be in a batch
            (``draw``), which keeps few heavy samples from ruling a batch.
        accelerator: "cpu"; with anything else, a CUDA device where there is one.
        random_state: seed of weights and batches.

    Attributes:
        classes_: labels, in the order of the probabilities.
        module_: the trained :class:`Classifier`.
        mean_: of every channel, (channels, 1).
        scale_: standard deviation of every channel, (channels, 1); 1 where it is constant.

    Example:
        Slow and fast sines, wherever they begin, told apart after few steps of a narrow network:

        >>> from functools import partial
        >>> import numpy as np
        >>> from gan_imbalance import SeriesClassifier
        >>> from gan_imbalance.networks import ResNet1D
        >>> random = np.random.default_rng(0)
        >>> y = np.array(["slow", "fast"])[np.arange(200) % 2]
        >>> speed = np.where(y == "slow", 0.2, 0.6)[:, None]
        >>> X = np.sin(speed * np.arange(50) + 6 * random.random((200, 1)))
        >>> model = SeriesClassifier(partial(ResNet1D, width=4), max_steps=50)
        >>> model.fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.9
        True
    """

    samples_at_once: ClassVar[int] = 256
    _steps_per_epoch: ClassVar[int] = 50

    def __init__(
        self,
        network: ClassifierFactory | str | dict[str, Any] = ResNet1D,
        *,
        max_steps: int = 500,
        keep_best: bool = False,
        batch_size: int = 32,
        lr: float = 1e-3,
        weight_decay: float = 1e-4,
        optimizer: OptimizerCallable | str | dict[str, Any] = torch.optim.Adam,
        loss: ClassificationLoss = CrossEntropy(),
        augmentation: nn.Module | dict[str, Any] | None = None,
        weighting: Weighting = "loss",
        accelerator: str = "auto",
        random_state: int = 0,
    ) -> None:
        self.network = network
        self.max_steps = max_steps
        self.keep_best = keep_best
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.loss = loss
        self.augmentation = augmentation
        self.weighting = weighting
        self.accelerator = accelerator
        self.random_state = random_state

    def _training_set(self, X: Any, y: Any) -> tuple[Tensor, npt.NDArray[Any]]:
        series, labels = as_series(X), column_or_1d(y)
        check_consistent_length(series, labels)
        check_classification_targets(labels)
        self.mean_, self.scale_ = channel_scale(series)
        return torch.from_numpy((series - self.mean_) / self.scale_), labels

    def _unseen(self, X: Any) -> Tensor:
        return torch.from_numpy((like_series(X, self.module_.spec.shape) - self.mean_) / self.scale_)

    def _spec(self, shape: tuple[int, ...]) -> DataSpec:
        return DataSpec("series", shape, tuple(self.classes_.tolist()))

    def _steps(self, samples: int) -> tuple[int, int]:
        return self.max_steps, min(self._steps_per_epoch, self.max_steps)


def _as_images(X: Any) -> Tensor:
    """Return images as a tensor, having made sure that they are some."""
    images = X if isinstance(X, Tensor) else torch.from_numpy(np.ascontiguousarray(X))
    if images.dtype != torch.uint8 or images.dim() != 4 or not len(images):
        raise InputError(
            f"Images are uint8 of shape (n, channels, height, width), n above 0, but X is {images.dtype} of shape "
            f"{tuple(images.shape)}: convert it."
        )
    return images


def _told(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _draw(samples: int, weights: Tensor | None, added: Any, added_samples: int) -> Draw:
    """Return a draw of all samples by their weights, or one with a fixed number of the added ones in every batch."""

    def draw_from(rows: Tensor) -> Draw:
        return draw_uniform(rows) if weights is None else draw_weighted(rows, weights[rows])

    mask = torch.zeros(samples, dtype=torch.bool) if added is None else torch.as_tensor(added)
    if mask.all():
        raise InputError("added marks all samples as added ones: leave it out, or give real ones, too.")
    if not mask.any():
        return draw_from(torch.arange(samples))
    return draw_mixed(draw_from((~mask).nonzero()[:, 0]), draw_from(mask.nonzero()[:, 0]), added_samples)
