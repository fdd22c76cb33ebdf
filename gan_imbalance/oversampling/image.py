"""A GAN of images as an imbalanced-learn over-sampler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils.class_weight import compute_sample_weight
from torch import Tensor, nn

from gan_imbalance.callbacks import FeatureDistanceMonitor
from gan_imbalance.checkpoints import read_values
from gan_imbalance.components import build, factory, to_config
from gan_imbalance.data.images import ImageDataModule, ImageSet
from gan_imbalance.files import atomic_path, content_hash, make_once
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.losses import MajorityPenalty
from gan_imbalance.oversampling.arrays import ArrayOverSampler
from gan_imbalance.oversampling.training import Monitor
from gan_imbalance.types import DataSpec, InputError, Label

Images = npt.NDArray[np.uint8]


class ImageOverSampler(ArrayOverSampler):
    """Tops up rare classes of images with images that a GAN made.

    Images are uint8, (n, channels, side, side). The originals come first, unchanged, in the result. A conditional GAN
    learns all classes at once; of an unconditional one, each class to be topped up gets its own. A
    :class:`~gan_imbalance.gans.MinorityTransferGAN` first learns the images of all other classes as one class, and
    then the class: what it learned first is kept in ``cache``, for all that start alike.

    Args:
        gan: name of a GAN of ours (``"WassersteinGAN"``), a subclass of :class:`BaseGenerator`, an instance (whose
            settings are used, not its weights), or a ``class_path`` dict.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        max_steps: generator steps of every GAN, a first phase included; 0 samples from an untrained one. None takes
            2,000.
        pretrain_steps: how many of the steps a minority transfer takes before it sees the class (its own
            ``pretrain_epochs`` and ``pretrain_classes`` do not count here); 0, with nothing frozen, is its control
            from scratch. None takes half of them.
        batch_size: real images per discriminator step.
        ema_decay: of the generator's moving average.
        validation_fraction: share of the images held out to choose the checkpoint by the kernel distance in the
            features of a small classifier of the training images, which has no bias where there are few; 0 trains on
            all images and takes the last one.
        augmentation: what happens to the images that the GAN learns, batch by batch, but not to those that a minority
            transfer learns first; maps float images in [-1, 1] to such of the same shape. For :meth:`top_up`, None
            means what the data say.
        classifier: what judges the samples where the GAN has a majority penalty, in the manner of
            :class:`~gan_imbalance.classifiers.ImageClassifier`, or its ``class_path`` dict. It is trained on the images
            at hand, all classes counting the same, with the seed of the over-sampler.
        cache: folder where pretrained GANs and the penalty's classifiers are kept, by a hash of all that they depend
            on.
        accelerator: Lightning's: ``"auto"``, ``"cpu"``, ``"gpu"``, ...
        verbose: whether to show a progress bar.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: images added per class.
        gans_: the trained GAN of every class that was topped up.
        history_: per epoch of training, the class, step and last losses and metrics.

    Example:
        Few steps of a plain GAN; real images need thousands:

        >>> from sklearn.datasets import load_digits
        >>> from gan_imbalance import ImageOverSampler
        >>> digits = load_digits()
        >>> images = (digits.images * 15).astype("uint8")[:100, None]
        >>> sampler = ImageOverSampler("WassersteinGAN", max_steps=2, accelerator="cpu", random_state=0)
        >>> more, is_eight = sampler.fit_resample(images, digits.target[:100] == 8)
        >>> more.dtype, more.shape[1:], int(is_eight.sum()) * 2 == len(is_eight)
        (dtype('uint8'), (1, 8, 8), True)
    """

    steps = 2000

    def __init__(
        self,
        gan: str | type[BaseGenerator] | BaseGenerator | Mapping[str, Any] = "MinorityTransferGAN",
        *,
        sampling_strategy: Any = "auto",
        max_steps: int | None = None,
        pretrain_steps: int | None = None,
        batch_size: int = 128,
        ema_decay: float = 0.99,
        validation_fraction: float = 0.0,
        augmentation: nn.Module | Mapping[str, Any] | None = None,
        classifier: Any = None,
        cache: str | Path | None = None,
        accelerator: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.gan = gan
        self.max_steps = max_steps
        self.pretrain_steps = pretrain_steps
        self.batch_size = batch_size
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.augmentation = augmentation
        self.classifier = classifier
        self.cache = cache
        self.accelerator = accelerator
        self.verbose = verbose
        self.random_state = random_state

    def _as_array(self, X: Any) -> Images:
        images = X.numpy() if isinstance(X, Tensor) else np.asarray(X)
        if images.dtype != np.uint8 or images.ndim != 4:
            raise InputError(
                f"X is {images.dtype} of shape {images.shape}; give uint8 images of shape (n, channels, side, side)."
            )
        return images

    def _as_data(self, X: Images, labels: npt.NDArray[np.int64], classes: tuple[Label, ...]) -> ImageDataModule:
        images = ImageSet(torch.from_numpy(X), labels, classes)
        return ImageDataModule(images=images, test_fraction=0.0, validation_fraction=0.0)

    def _check_data(self, data: Any) -> None:
        if not isinstance(data, ImageDataModule):
            raise InputError(f"{type(self).__name__} tops up images: use GANOverSampler for tables.")

    def _adapted(self, data: ImageDataModule) -> ImageDataModule:
        return data if self.augmentation is None else data.adapted(augmentation=build(self.augmentation))

    def _sampled(self, gan: BaseGenerator, data: ImageDataModule, index: int, count: int, seed: int) -> Images:
        images: Tensor = super()._sampled(gan, data, index, count, seed)
        return images.numpy()

    def _joined(self, data: ImageDataModule, made: list[Images]) -> Images:
        return np.concatenate([data.samples.images[:0].numpy(), *made])

    def _monitor(self) -> Monitor:
        return FeatureDistanceMonitor()

    def _unchanged(self, data: ImageDataModule) -> ImageDataModule:
        return data.adapted(augmentation=None)

    def _penalty(self, settings: Mapping[str, Any], data: ImageDataModule) -> MajorityPenalty | None:
        """Return the majority penalty, if there is one: with a classifier of the images, unless it names its own."""
        penalty: MajorityPenalty | None = build(to_config(settings.get("majority_penalty")))
        if penalty is None or penalty.classifier_path is not None:
            return penalty
        if self.classifier is None:
            raise InputError("The GAN has a majority_penalty without a classifier: name one with classifier.")
        config, images = to_config(self.classifier), data.samples.take(data.split.train)
        path = self._folder / f"classifier-{content_hash([config, images.hash, self._seed])}.pt"
        classifier = build(config).set_params(random_state=self._seed)
        with make_once(path) as missing:
            if missing:
                weights = compute_sample_weight("balanced", images.labels)
                classifier.fit(images.images.numpy(), images.labels, sample_weight=weights)
                with atomic_path(path) as temporary:
                    torch.save(classifier.module_.network.state_dict(), temporary)
        network = factory(classifier.network)(_spec(images))
        network.load_state_dict(read_values(path))
        penalty.classifier = network
        return penalty


def _spec(data: ImageSet) -> DataSpec:
    return DataSpec("image", tuple(data.images.shape[1:]), data.classes)
