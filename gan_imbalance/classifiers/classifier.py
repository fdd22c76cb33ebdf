"""The classifier that learns from real, resampled or mixed batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn
from torchmetrics.utilities.data import dim_zero_cat

from gan_imbalance.checkpoints import load_module, read_trusted_module
from gan_imbalance.components import factory, own, to_config
from gan_imbalance.distributed import mean_over_processes, processes
from gan_imbalance.losses import ClassificationLoss, CrossEntropy
from gan_imbalance.metrics import ImbalanceMetrics, tune_threshold
from gan_imbalance.modules import DataBoundModule
from gan_imbalance.networks import DenseClassifier
from gan_imbalance.trust import Trust
from gan_imbalance.types import IMAGE_AXES, DataSpec, InputError

ClassifierFactory = Callable[[DataSpec], nn.Module]


class Classifier(DataBoundModule):
    """Classifier of rows or images, judged by the metrics that matter for rare classes.

    ``val/...`` and ``test/...`` are computed on real rows only; ``test/tuned/...`` are the same metrics at the
    threshold of the minority's probability that had the best F1 on the validation rows.

    Args:
        network: factory of the network, called with the data specification.
        class_weights: ``balanced`` (inversely to the class's frequency in training), one weight per class in the
            order of the classes, or None.
        optimizer: called with the network's parameters.
        loss: of every sample; the mean is weighted by class and, where batches have them, by sample weights.
        augmentation: maps training samples (n, *shape) to as many of the same shape, on their device.
        mixing: maps training samples (n, *shape), augmented, and class probabilities (n, classes) to such of mixed
            samples, as :class:`~gan_imbalance.transforms.CutMix` does; batches then have no sample weights.

    Loss, augmentation and mixing may also be given as ``class_path`` dicts, as checkpoints and YAML hold them.

    Example:
        Train it on a table, and judge it on test rows that nothing has seen:

        >>> from pytorch_lightning import Trainer
        >>> from gan_imbalance import Classifier, TabularDataModule
        >>> data = TabularDataModule(bundled="breast_cancer")
        >>> trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        ...                   enable_progress_bar=False, enable_model_summary=False)
        >>> classifier = Classifier(class_weights="balanced")
        >>> trainer.fit(classifier, data)
        >>> (figures,) = trainer.test(classifier, data, verbose=False)
        >>> figures["test/pr_auc"] > 0.9
        True
    """

    network: nn.Module
    threshold: Tensor
    weight: Tensor | None

    checkpoint_key: ClassVar[str] = "classifier"

    def __init__(
        self,
        network: ClassifierFactory = DenseClassifier,
        class_weights: Literal["balanced"] | Sequence[float] | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        loss: ClassificationLoss = CrossEntropy(),
        augmentation: nn.Module | None = None,
        mixing: nn.Module | None = None,
    ) -> None:
        super().__init__()
        arguments = {
            "network": network,
            "class_weights": class_weights,
            "optimizer": optimizer,
            "loss": loss,
            "augmentation": augmentation,
            "mixing": mixing,
        }
        self.save_hyperparameters({name: to_config(value) for name, value in arguments.items()})
        # its own ones, since the loss depends on the data, and all go where the network goes
        self.loss: ClassificationLoss = own(loss)
        self.augmentation: nn.Module | None = own(augmentation)
        self.mixing: nn.Module | None = own(mixing)
        self.make_network: ClassifierFactory = factory(network)
        self.make_optimizer: OptimizerCallable = factory(optimizer)
        self.class_weights = class_weights
        self.minority = 0
        # made anew from the class counts
        self.register_buffer("weight", None, persistent=False)
        self.register_buffer("threshold", torch.tensor(0.5))

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Return the number of real training rows of each class."""
        return self.classes_given

    def build(self, spec: DataSpec, classes: Sequence[int], data_state: dict[str, Any]) -> None:
        """Build the network and metrics for the data at hand, or make sure that they were built for it.

        Args:
            spec: what the network must know of the data.
            classes: number of real training rows of each class.
            data_state: the data module's plain state, kept in checkpoints.

        Raises:
            InputError: if the network was built for other data, or the number of weights is wrong.
        """
        counts = torch.tensor(classes, dtype=torch.float)
        if self.class_weights == "balanced":
            self.weight = counts.sum() / (len(counts) * counts)
        elif self.class_weights is not None:
            self.weight = torch.tensor(list(self.class_weights), dtype=torch.float)
            if len(self.weight) != len(counts):
                raise InputError(f"class_weights has {len(self.weight)} weights, but there are {len(counts)} classes.")
        super().build(spec, classes, data_state)
        self.loss.build(classes)
        self.minority = int(counts.argmin())
        # every process judges all rows, so there is nothing to gather
        metrics = partial(ImbalanceMetrics, spec.classes, self.minority, sync_on_compute=False)
        self.validation_metrics, self.test_metrics, self.tuned_test_metrics = metrics(), metrics(), metrics()

    def _build_networks(self, spec: DataSpec) -> None:
        self.network = self.make_network(spec)
        if len(spec.shape) == IMAGE_AXES:
            # convolutions go by their weights; a fifth faster on processors
            self.network.to(memory_format=torch.channels_last)

    def _classes_of(self, data: Any) -> Sequence[int]:
        return data.class_counts()  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Map samples (n, *shape) to class probabilities (n, classes)."""
        return self.network(x).softmax(dim=1)  # type: ignore[no-any-return]

    def loss_of(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the weighted loss, (), of samples, labels and, if there is a third tensor, sample weights.

        Labels are class indices, (n,), or probabilities of the classes, (n, classes), under which a sample's loss and
        weight are expectations. The loss is 0 where all weights are.
        """
        x, labels, *sample_weights = batch
        if self.augmentation is not None:
            x = self.augmentation(x)
        if self.mixing is not None:
            x, labels = self._mixed(x, labels, sample_weights)
        losses = self._losses(self.network(x), labels)
        weights = sample_weights[0] if sample_weights else torch.ones_like(losses)
        if self.weight is not None:
            weights = weights * (labels @ self.weight if labels.is_floating_point() else self.weight[labels])
        # the mean over all that is in the joined batch of all processes, as DDP averages their gradients
        total = mean_over_processes(weights.sum(), processes(self))
        return (losses * weights).sum() / total.clamp_min(torch.finfo(total.dtype).tiny)

    def _mixed(self, x: Tensor, labels: Tensor, sample_weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        assert self.mixing is not None
        if sample_weights:
            raise InputError("mixing has no weight for a mixture of samples: leave out either mixing or the weights.")
        if not labels.is_floating_point():
            labels = nn.functional.one_hot(labels, len(self.spec.classes)).to(x.dtype)
        mixed: tuple[Tensor, Tensor] = self.mixing(x, labels)
        return mixed

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses: Tensor
        if labels.is_floating_point():
            classes = torch.arange(labels.shape[1], device=labels.device)
            each = torch.stack([self.loss(logits, index.expand(len(labels))) for index in classes], dim=1)
            losses = (labels * each).sum(dim=1)
        else:
            losses = self.loss(logits, labels)
        return losses

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        """Return, and now and then log, the weighted loss of a batch."""
        loss = self.loss_of(batch)
        every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        # a trainer that logs every 0 steps never logs; the end of an epoch is for those who go by its loss
        if every and ((self.global_step + 1) % every == 0 or self.trainer.is_last_batch):
            self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Collect probabilities and labels."""
        self.validation_metrics.update(self(batch[0]), batch[1])

    def on_validation_epoch_end(self) -> None:
        """Log the metrics, and tune the threshold if the minority was seen."""
        figures = self.validation_metrics
        self.log_dict({f"val/{name}": value for name, value in figures.compute().items()}, sync_dist=True)
        probabilities, labels = dim_zero_cat(figures.probabilities), dim_zero_cat(figures.targets)
        # of rows sorted by class, the first batches have but one
        if not self.trainer.sanity_checking and (labels == self.minority).any():
            self.threshold.fill_(tune_threshold(probabilities, labels, self.minority))
        figures.reset()

    def on_test_start(self) -> None:
        """Use the threshold that validation tuned."""
        self.tuned_test_metrics.threshold = float(self.threshold)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Collect probabilities and labels."""
        probabilities = self(batch[0])
        self.test_metrics.update(probabilities, batch[1])
        self.tuned_test_metrics.update(probabilities, batch[1])

    def on_test_epoch_end(self) -> None:
        """Log the metrics at the default and at the tuned threshold."""
        for stage, figures in (("test", self.test_metrics), ("test/tuned", self.tuned_test_metrics)):
            self.log_dict({f"{stage}/{name}": value for name, value in figures.compute().items()}, sync_dist=True)
            figures.reset()

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return class probabilities."""
        return self(batch[0])  # type: ignore[no-any-return]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer of the network's parameters."""
        return self.make_optimizer(self.network.parameters())


def load_classifier(path: str | Path, trust: Trust = ()) -> Classifier:
    """Return the classifier of a checkpoint, ready to predict; needs no data.

    Args:
        path: the file.
        trust: packages or classes, besides those of this package, that the file may name: ``my_package``.

    Raises:
        InputError: if the file is missing, damaged or no classifier's checkpoint, names what is not trusted, or its
            network is another one now.
    """
    return classifier_of(read_trusted_module(path, "classifier", Classifier, trust), path)


def classifier_of(checkpoint: Mapping[str, Any], path: str | Path) -> Classifier:
    """Return the classifier of a checkpoint whose names are trusted, ready to predict.

    Raises:
        InputError: if its network is another one now.
    """

    def make() -> Classifier:
        classifier = Classifier(**checkpoint["hyper_parameters"])
        # who trains it further does not resume that run
        classifier.on_load_checkpoint({**checkpoint, "random_states": ()})
        return classifier

    return load_module(make, checkpoint, path)
