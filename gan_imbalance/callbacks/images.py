"""Generated images as training goes, beside their nearest real ones, and how far they lie from these."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor, nn

from gan_imbalance.callbacks.plots import OccasionalCallback, TrainingPlots
from gan_imbalance.classifiers import load_classifier
from gan_imbalance.classifiers.features import FEATURE_STEPS, new_feature_network, train_feature_network
from gan_imbalance.components import build
from gan_imbalance.data.images import ImageSet
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.metrics import figure_names, image_distances
from gan_imbalance.metrics.images import ENOUGH
from gan_imbalance.pages.samples import PAGE, RealImages, write_samples
from gan_imbalance.tracking import run_folder
from gan_imbalance.transforms.image import in_chunks, to_uint8
from gan_imbalance.types import ClassSelection, DataKind, InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORST = math.inf


class ImageGrid(TrainingPlots):
    """Draws generated images as training goes, a line per class, always from the same latent vectors.

    Args:
        every_n_epochs: how often, in validation epochs; 0 for never.
        images_per_class: how many of each; of each of its clusters, where it was cut into some.
        seed: of the latent vectors.
    """

    name: ClassVar[str] = "images"
    folder: ClassVar[str] = "images"
    kinds: ClassVar[tuple[DataKind, ...]] = ("image",)
    """The kinds of data that it can watch."""

    def __init__(self, every_n_epochs: int = 10, images_per_class: int = 10, seed: int = 0) -> None:
        super().__init__(every_n_epochs, seed)
        self.images_per_class = images_per_class

    def _figure(self, trainer: Trainer, gan: BaseGenerator) -> Figure:
        import matplotlib.pyplot as plt
        from torchvision.utils import make_grid

        data = trainer.datamodule  # type: ignore[attr-defined]
        images, lines = _sample_lines(gan, data, self.images_per_class, self.seed)
        grid = make_grid(images, nrow=self.images_per_class, padding=1, pad_value=255)
        figure, axis = plt.subplots(
            figsize=(1 + 0.6 * self.images_per_class, (2 + 3 * len(lines)) / 5), layout="constrained"
        )
        axis.imshow(grid.permute(1, 2, 0).numpy())
        height = data.spec.shape[1] + 1
        names = [str(data.spec.classes[label]) for label in lines]
        axis.set_yticks([height * (line + 0.5) for line in range(len(lines))], names)
        axis.set_xticks([])
        axis.set_title(f"step {trainer.global_step}", fontsize="medium")
        return figure


class SamplePage(OccasionalCallback):
    """Writes ``samples.html``: generated images, each beside its nearest training image, and whether they are copies.

    Beside them unseen real ones, for comparison, and how samples looked as training went, as :class:`ImageGrid` has
    drawn them. Images are near by the features of a :class:`FeatureDistanceMonitor`. The page lies in the folder of the
    run, is written again when training ends, and, since it holds real images, goes to no logger.

    Meehan et al. 2020, A Non-Parametric Test to Detect Data-Copying in Generative Models
    (https://arxiv.org/abs/2004.05675).

    Args:
        every_n_epochs: how often, in validation epochs; 0 for never, not even at the end.
        images_per_class: how many are generated of each class; of each of its clusters, where it was cut into some.
        seed: of the generated images.

    Raises:
        InputError: before training, if there is no :class:`FeatureDistanceMonitor` among the trainer's callbacks.
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("image",)
    """The kinds of data that it can watch."""

    def __init__(self, every_n_epochs: int = 10, images_per_class: int = 100, seed: int = 0) -> None:
        super().__init__(every_n_epochs, seed)
        self.images_per_class = images_per_class
        self._written_at = -1
        self._real: dict[tuple[int, ...], RealImages] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make sure that there are features."""
        if self.every_n_epochs:
            _monitor_of(trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the page of the weights that training ended with."""
        is_left_out = not self.every_n_epochs or trainer.fast_dev_run  # type: ignore[attr-defined]
        if trainer.is_global_zero and not is_left_out and self._written_at != trainer.global_step:
            self._look(trainer, cast(BaseGenerator, pl_module))

    def _look(self, trainer: Trainer, gan: BaseGenerator) -> None:
        data, folder = trainer.datamodule, run_folder(trainer)  # type: ignore[attr-defined]
        images, lines = _sample_lines(gan, data, self.images_per_class, self.seed)
        made = ImageSet(images, np.repeat(lines, self.images_per_class), data.spec.classes)
        write_samples(
            folder / PAGE,
            made,
            self._real_images(trainer, gan),
            f"{type(gan).__name__}, step {trainer.global_step}",
            sorted((folder / ImageGrid.folder).glob("step_*.png")),
        )
        self._written_at = trainer.global_step

    def _real_images(self, trainer: Trainer, gan: BaseGenerator) -> RealImages:
        """Return the real images of the classes that the GAN learns now."""
        data, monitor = trainer.datamodule, _monitor_of(trainer)  # type: ignore[attr-defined]
        learned = data.resolve(gan.class_selection)
        if learned not in self._real:
            find = partial(monitor.find_features, trainer)
            self._real[learned] = RealImages.of(data, gan.class_selection, find, f"the network's ({monitor.name})")
        return self._real[learned]


def _sample_lines(gan: BaseGenerator, data: Any, per_line: int, seed: int) -> tuple[Tensor, list[int]]:
    """Return images, uint8, line by line, and each line's class: one for each condition that the GAN learns now."""
    learned = data.resolve(gan.class_selection)
    lines = [(i, label) for i, label in enumerate(data.spec.condition_classes) if label in learned]
    conditions = torch.tensor([condition for condition, _ in lines]).repeat_interleave(per_line)
    images = to_uint8(gan.sample_conditions(conditions.to(gan.device), seed)).cpu()
    return images, [label for _, label in lines]


class FeatureDistanceMonitor(Callback):
    """Logs how far generated images lie from validation ones, in the features of a network.

    ``val/fid_<network>`` and ``val/kid_<network>`` are the Fréchet and the kernel distance,
    ``val/precision_<network>`` and ``val/recall_<network>`` what share of either kind lies among the other, and
    ``val/fid_<network>_<label>`` the Fréchet distance within a class, where there are several
    (:func:`gan_imbalance.metrics.image_distances`). The name of the network belongs to the figure: ``inception`` for
    :class:`InceptionFeatures`, which makes them FID and KID; ``classifier`` for a classifier of ours; ``features`` for
    any other. Each figure can be the monitor of a ``ModelCheckpoint``; those that there are too few validation images
    for are left out. While a GAN is in an earlier phase its figures are ``val/pretraining_...``, and
    ``val/fid_<network>`` stays infinite.

    Args:
        features: maps images, float in [-1, 1], (n, channels, height, width), to features (n, d), or has a method
            ``features`` that does.
        classifier_path: checkpoint of a :class:`Classifier` of such images, whose features to use instead. If neither
            is given, a small classifier of all classes is trained on the training images first, and kept in
            checkpoints, so that a resumed run has the same.
        classifier_steps: for how many steps, of 128 images.
        max_images: how many of each kind are compared at most.
        seed: of the classifier and of the generated images.

    Raises:
        InputError: if both features and classifier_path are given, or, before training, if another callback goes by a
            figure that there are too few validation images for.
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("image",)
    """The kinds of data that it can watch."""

    def __init__(
        self,
        features: nn.Module | None = None,
        classifier_path: str | None = None,
        classifier_steps: int = FEATURE_STEPS,
        max_images: int = 1000,
        seed: int = 0,
    ) -> None:
        if features is not None and classifier_path is not None:
            raise InputError("features and classifier_path both say whose features to compare: give one of them.")
        self.features = features
        self.classifier_path = classifier_path
        self.classifier_steps = classifier_steps
        self.max_images = max_images
        self.seed = seed
        # not the module's, whose state and average it has no place in
        self._network: nn.Module | None = None
        self._resumed_weights: dict[str, Tensor] = {}
        self._real: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

    @property
    def name(self) -> str:
        """What the network is called in the names of the figures."""
        return "classifier" if self.features is None else getattr(self.features, "name", "features")

    @property
    def figure(self) -> str:
        """What a checkpoint is chosen by, the lowest: with few images, the one of the two distances without a bias."""
        return f"val/{self._named('kid')}"

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make sure that there are images enough, and find the network, if it is given."""
        if self._network is None:
            data = trainer.datamodule  # type: ignore[attr-defined]
            self._check_images(trainer, data, cast(BaseGenerator, pl_module).class_selections[-1])
            if self.features is not None:
                self._network = _fixed(build(self.features))
            elif self.classifier_path is not None:
                self._network = _fixed(self._load(self.classifier_path, data.spec.shape))

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train the network, if none is given; in every process the same one."""
        self._ensure_network(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the network, if it was trained here: it is small beside a GAN."""
        if self.features is None and self.classifier_path is None:
            # a resumed one waits for the next validation
            known = self._resumed_weights if self._network is None else self._network.state_dict()
            checkpoint["feature_classifier"] = known

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Remember the network's weights until it is needed."""
        self._resumed_weights = checkpoint.get("feature_classifier", {})

    def find_features(self, trainer: Trainer, images: Tensor) -> Tensor:
        """Return the features of float images in [-1, 1], on the CPU, (n, d)."""
        self._ensure_network(trainer)
        return self._find(images, trainer.strategy.root_device)

    def _ensure_network(self, trainer: Trainer) -> None:
        if self._network is None:
            # not at setup, when a checkpoint is not yet loaded; validation would have no gradients
            with torch.inference_mode(False):
                self._network = _fixed(self._train(trainer))

    def _check_images(self, trainer: Trainer, data: Any, selection: ClassSelection) -> None:
        """Raise if another callback goes by a figure that there are too few validation images for."""
        rows, learned = data.rows("validation", selection), data.resolve(selection)
        labels = torch.from_numpy(data.samples.labels[rows])[self._shown(len(rows))]
        told, possible = (
            {f"val/{self._named(figure)}" for figure in figure_names(images, data.spec.classes)}
            for images in (labels, torch.tensor(learned).repeat(ENOUGH))
        )
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            monitor = getattr(callback, "monitor", None)
            if monitor in possible - told:
                raise InputError(
                    f"{_too_few(len(labels), learned, data)} {monitor}, which {type(callback).__name__} "
                    "monitors: give more images, raise validation_fraction, or name another monitor."
                )

    def _shown(self, count: int) -> Tensor:
        """Return which of n images are compared, (at most max_images,)."""
        return torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))[: self.max_images]

    @staticmethod
    def _load(path: str, shape: tuple[int, ...]) -> nn.Module:
        classifier = load_classifier(path)
        if classifier.spec.shape != shape or not hasattr(classifier.network, "features"):
            raise InputError(
                f"{path} holds a {type(classifier.network).__name__} for samples of shape {classifier.spec.shape}, but "
                f"the features of images of shape {shape} are wanted: give a classifier of such images."
            )
        return classifier.network

    def _train(self, trainer: Trainer) -> nn.Module:
        """Return a small classifier of the training images, of one seed, or the one of the run that is resumed."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        rows = data.rows("train")
        labels = data.samples.labels[rows]
        if self._resumed_weights:
            network = new_feature_network(data.spec.shape, labels)
            network.load_state_dict(self._resumed_weights)
            return network
        steps = 1 if trainer.fast_dev_run else self.classifier_steps  # type: ignore[attr-defined]
        accelerator = trainer.strategy.root_device.type
        return train_feature_network(data.stored(rows), labels, steps=steps, seed=self.seed, accelerator=accelerator)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Generate as many images as there are real ones, of the same classes, and compare."""
        gan, data = cast(BaseGenerator, pl_module), trainer.datamodule  # type: ignore[attr-defined]
        real, conditions = self._validation_images(data, gan)
        earlier = gan.class_selection != gan.class_selections[-1]
        if earlier:
            gan.log(f"val/{self._named('fid')}", WORST, sync_dist=True)
        if len(real) < 2:
            return
        images = data.as_exported(gan.sample_conditions(conditions.to(gan.device), self.seed).cpu())
        labels = torch.tensor(data.spec.condition_classes)[conditions]
        figures = image_distances(real, self._find(images, gan.device), labels, data.spec.classes, self.seed)
        phase = "pretraining_" if earlier else ""
        gan.log_dict({f"val/{phase}{self._named(figure)}": value for figure, value in figures.items()}, sync_dist=True)

    def _named(self, figure: str) -> str:
        """Return what a figure is called with the name of the network in it: ``fid_truck`` is within a class."""
        kind, *label = figure.split("_", 1)
        return "_".join([kind, self.name, *label])

    def _validation_images(self, data: Any, gan: BaseGenerator) -> tuple[Tensor, Tensor]:
        """Return the features of the validation images that the GAN learns now, and their conditions."""
        learned = data.resolve(gan.class_selection)
        if learned not in self._real:
            images, conditions = data.encoded("validation", gan.class_selection)
            shown = self._shown(len(images))
            if len(shown) < 2:
                few = _too_few(len(shown), learned, data)
                rank_zero_warn(f"{few} how far generated ones lie from them: these figures are left out.")
            self._real[learned] = self._find(images[shown], gan.device), conditions[shown]
        return self._real[learned]

    def _find(self, images: Tensor, device: torch.device) -> Tensor:
        """Return the features of images, on the CPU, (n, d)."""
        assert self._network is not None
        network = self._network.to(device)
        find: Callable[[Tensor], Tensor] = getattr(network, "features", network)
        return in_chunks(lambda chunk: find(chunk.to(device)), images)


def _monitor_of(trainer: Trainer) -> FeatureDistanceMonitor:
    monitors = (one for one in trainer.callbacks if isinstance(one, FeatureDistanceMonitor))  # type: ignore[attr-defined]
    if (monitor := next(monitors, None)) is None:
        raise InputError(
            "SamplePage finds the nearest images by the features of a FeatureDistanceMonitor: add one to the callbacks."
        )
    return monitor


def _fixed(network: Any) -> nn.Module:
    return cast(nn.Module, network).eval().requires_grad_(False)


def _too_few(count: int, learned: tuple[int, ...], data: Any) -> str:
    names = ", ".join(repr(data.spec.classes[index]) for index in learned)
    return f"{count} validation image(s) of {names} are too few to tell"


class InceptionFeatures(nn.Module):
    """What Inception v3, trained on ImageNet, finds in images: the features of FID and KID.

    Needs the package torch-fidelity, which fetches the weights when they are first used.

    Args:
        weights_path: file of the weights, where they cannot be fetched.

    Raises:
        InputError: if the package or the weights are missing.
    """

    name: ClassVar[str] = "inception"

    def __init__(self, weights_path: str | None = None) -> None:
        from torchmetrics.image import fid

        super().__init__()
        self.weights_path = weights_path
        try:
            self.network = fid.NoTrainInceptionV3("inception-v3-compat", ["2048"], weights_path)
        except (ModuleNotFoundError, OSError) as error:
            raise InputError(
                "Inception's features need the package torch-fidelity and its weights (weights_path, where they cannot "
                f"be fetched), but: {str(error).splitlines()[0]} Install it, or compare a classifier's features."
            ) from error

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, 1 or 3, side, side) in [-1, 1] to features (n, 2048)."""
        return self.network(to_uint8(images.expand(-1, 3, -1, -1)))  # type: ignore[no-any-return]
