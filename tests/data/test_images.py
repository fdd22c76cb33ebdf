from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.classifiers import Classifier
from gan_imbalance.data import DigitsDataModule, ImageDataModule, ImageSet
from gan_imbalance.data.images import read_images
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN
from gan_imbalance.transforms.image import to_float
from gan_imbalance.types import DataSpec, InputError

Fit = Callable[..., pl.Trainer]


class TinyGenerator(nn.Module):
    """One linear layer to an image."""

    def __init__(self, spec: DataSpec, latent_dim: int, num_conditions: int) -> None:
        super().__init__()
        self.shape, self.num_conditions = spec.shape, num_conditions
        self.layer = nn.Linear(latent_dim + num_conditions, int(np.prod(spec.shape)))

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        told = [] if not self.num_conditions else [F.one_hot(conditions, self.num_conditions).float()]
        return self.layer(torch.cat([latent, *told], dim=1)).tanh().view(-1, *self.shape)


class TinyDiscriminator(nn.Module):
    """One linear layer from an image."""

    def __init__(self, spec: DataSpec, num_conditions: int, num_outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(int(np.prod(spec.shape)), num_outputs)

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        return self.layer(x.flatten(1)).squeeze(1)


class TinyClassifier(nn.Module):
    """One linear layer from an image to a logit per class."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.layer = nn.Linear(int(np.prod(spec.shape)), len(spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        assert x.dtype == torch.float32
        assert x.abs().max() <= 1
        return self.layer(x.flatten(1))


def tiny_gan(gan_class: type[BaseGAN], **settings: Any) -> BaseGAN:
    return gan_class(generator=TinyGenerator, discriminator=TinyDiscriminator, latent_dim=4, **settings)


def image_set(count: int = 60, channels: int = 3, width: int = 8, classes: int = 3) -> ImageSet:
    """Return random images; their classes take turns."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, channels, width, width), dtype=np.uint8)
    return ImageSet(torch.from_numpy(images), np.arange(count) % classes, tuple("abc"[:classes]))


@pytest.fixture
def cifar(shared_data: Callable[[str], Path]) -> Path:
    """Return the folder that holds CIFAR-10."""
    return shared_data("cifar-10-batches-py").parent


# -- the set ----------------------------------------------------------------------------------------------------


def test_equal_images_share_a_group() -> None:
    images = image_set().images.clone()
    images[7] = images[3]
    images[9, 0, 0, 0] += 1
    groups = ImageSet(images, np.zeros(60, int), ("a",)).groups
    assert groups[7] == groups[3]
    assert len(set(groups.tolist())) == 59
    assert groups[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 3]


def test_the_hash_changes_with_pixels_labels_and_classes() -> None:
    first = image_set()
    pixels = first.images.clone()
    pixels[0, 0, 0, 0] ^= 1
    others = [
        ImageSet(pixels, first.labels, first.classes),
        ImageSet(first.images, first.labels[::-1], first.classes),
        ImageSet(first.images, first.labels, ("a", "b", "d")),
        ImageSet(first.images.view(60, 3, 8, 8).transpose(2, 3), first.labels, first.classes),
    ]
    assert len({first.hash, *(other.hash for other in others)}) == 5
    assert first.hash == image_set().hash


def test_a_file_holds_the_same_images(tmp_path: Path) -> None:
    images = read_images(image_set(), image_set(count=9))
    images.save(tmp_path / "images.npz")
    read = ImageSet.load(tmp_path / "images.npz")
    assert read.hash == images.hash
    assert read.test_rows is not None
    assert read.test_rows.tolist() == [False] * 60 + [True] * 9


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(4, 3, 8, 8), [0] * 4, "images are float32"),
        (torch.full((4, 3, 8, 8), torch.nan), [0] * 4, "images are float32"),
        (torch.zeros(4, 8, 8, dtype=torch.uint8), [0] * 4, "shape"),
        (torch.zeros(4, 4, 8, 8, dtype=torch.uint8), [0] * 4, r"4 channel\(s\)"),
        (torch.zeros(4, 1, 8, 9, dtype=torch.uint8), [0] * 4, "8 x 9 pixels"),
        (torch.zeros(4, 1, 7, 7, dtype=torch.uint8), [0] * 4, "7 x 7 pixels"),
        (torch.zeros(4, 1, 65, 65, dtype=torch.uint8), [0] * 4, "65 x 65 pixels"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0] * 3, "4 images, but labels of shape"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0.0] * 4, "one index each"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0, 1, 2, 0], "Image 2 has label 2, but there are 2 classes"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0, -1, 1, 0], "Image 1 has label -1"),
    ],
)
def test_images_that_do_not_fit_are_refused(images: Tensor, labels: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageSet(images, np.array(labels), ("a", "b"))


# -- training ---------------------------------------------------------------------------------------------------


def test_a_gan_learns_from_images(fit: Fit) -> None:
    data = DigitsDataModule(batch_size=16, steps_per_epoch=3)
    gan = tiny_gan(ConditionalGAN, classes=[3, 5], discriminator_steps=2)
    fit(gan, data)
    assert gan.spec == DataSpec("image", (1, 8, 8), tuple(range(10)), condition_classes=(3, 5))
    samples = gan.sample(torch.tensor([3, 5, 5]), seed=0)
    assert samples.shape == (3, 1, 8, 8)
    assert gan.data_state["image"] == {"shape": [1, 8, 8], "classes": list(range(10))}


def test_a_classifier_learns_from_images(fit: Fit) -> None:
    data = DigitsDataModule(batch_size=64, steps_per_epoch=50)
    adam = partial(torch.optim.Adam, lr=1e-2)
    trainer = fit(Classifier(network=TinyClassifier, optimizer=adam), data)
    assert trainer.callback_metrics["val/balanced_accuracy"] > 0.8


def test_batches_are_floats_of_the_images_drawn() -> None:
    images = image_set()
    data = ImageDataModule(images=images, batch_size=7, steps_per_epoch=4)
    data.setup()
    known = {
        to_float(image).numpy().tobytes(): label for image, label in zip(images.images, images.labels, strict=True)
    }
    for batch, labels in data.train_dataloader():
        assert batch.shape == (7, 3, 8, 8)
        assert [known[image.numpy().tobytes()] for image in batch] == labels.tolist()
    (validation,) = list(data.val_dataloader())
    assert torch.equal(validation[0], data.encoded("validation")[0])
    assert torch.equal(validation[0], to_float(images.images[data.split.validation]))


def test_only_training_batches_are_augmented() -> None:
    class Black(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.full_like(images, -1.0)

    data = ImageDataModule(images=image_set(), augmentation=Black(), batch_size=5, steps_per_epoch=2)
    data.setup()
    assert all((batch == -1).all() for batch, _ in data.train_dataloader())
    assert (data.encoded("train")[0] > -1).any()
    assert (next(iter(data.val_dataloader()))[0] > -1).any()


def test_a_class_of_fewer_images_than_a_batch(fit: Fit) -> None:
    data = DigitsDataModule(keep={"8": 3}, batch_size=32, steps_per_epoch=2)
    gan = tiny_gan(GAN)
    fit(gan, data)
    assert gan.trained_classes == (8,)
    assert data.class_counts()[8] == 3
    assert len(data.encoded("train", "minority")[0]) == 3
