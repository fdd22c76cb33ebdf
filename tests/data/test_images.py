from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from time import sleep
from typing import Any, cast

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonargparse import ArgumentParser
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.datasets import CIFAR10, FashionMNIST, ImageFolder

from gan_imbalance.classifiers import Classifier
from gan_imbalance.data import CIFAR10DataModule, DigitsDataModule, ImageDataModule, ImageSet
from gan_imbalance.data.images import open_images, read_images
from gan_imbalance.data.imbalance import long_tail
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN
from gan_imbalance.transforms import SMateAugment
from gan_imbalance.transforms.image import to_float, to_uint8
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
        (torch.zeros(4, 4, 8, 8, dtype=torch.uint8), [0] * 4, "so 4 channels, but there can be 1 or 3"),
        (torch.zeros(4, 8, 8, 1, dtype=torch.uint8), [0] * 4, r"in the shape \(images, channels, height, width\)"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0] * 3, r"4 images, but the labels are int64 of shape \(3,\)"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0.0] * 4, "labels are float64 .* give one integer for each"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), ["a"] * 4, "the labels are str.* the position of its class"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0, 1, 2, 0], "Image 2 has label 2, but there are 2 classes"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), [0, -1, 1, 0], "Image 1 has label -1"),
    ],
)
def test_images_that_do_not_fit_are_refused(images: Tensor, labels: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageSet(images, np.array(labels), ("a", "b"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": ("cat", "cat")}, "classes holds 'cat' more than once"),
        ({"classes": (["cat"], ["dog"])}, r"classes holds \['cat'\]; give one name or number for each class"),
        ({"test_rows": np.zeros(3, bool)}, r"4 images, but test_rows are bool of shape \(3,\)"),
        ({"test_rows": np.zeros(4, int)}, "test_rows are int64 .* give true or false for each image"),
    ],
)
def test_what_does_not_fit_the_images_is_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    arrays: dict[str, Any] = {"images": np.zeros((4, 1, 8, 8), np.uint8), "labels": np.array([0, 1, 0, 1])}
    arrays |= {"classes": ("cat", "dog"), **settings}
    with pytest.raises(InputError, match=message):
        ImageSet(**arrays)
    np.savez(tmp_path / "images.npz", **arrays)
    with pytest.raises(InputError, match=message):
        ImageSet.load(tmp_path / "images.npz")


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
    loaders = data.train_dataloader(), data.val_dataloader(), data.test_dataloader()
    # a quarter of what floats take on the device
    assert all(loader.features.dtype == torch.uint8 for loader in cast(Any, loaders))
    for batch, labels in loaders[0]:
        assert batch.shape == (7, 3, 8, 8)
        assert [known[image.numpy().tobytes()] for image in batch] == labels.tolist()
    (validation,) = list(loaders[1])
    assert torch.equal(validation[0], data.encoded("validation")[0])
    assert torch.equal(validation[0], to_float(images.images[data.split.validation]))


def test_resuming_between_epochs_ends_where_one_run_does(fit: Fit, tmp_path: Path) -> None:
    def trained(epochs: int, resume: bool = False) -> tuple[BaseGAN, pl.Trainer]:
        gan = tiny_gan(GAN)
        data = DigitsDataModule(augmentation=SMateAugment(flip=0), batch_size=8, steps_per_epoch=3)
        return gan, fit(gan, data, max_epochs=epochs, ckpt_path=tmp_path / "gan.ckpt" if resume else None)

    whole, _ = trained(2)
    _, trainer = trained(1)
    trainer.save_checkpoint(tmp_path / "gan.ckpt")
    resumed, _ = trained(2, resume=True)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


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


# -- the split --------------------------------------------------------------------------------------------------


def test_equal_images_never_straddle_the_split() -> None:
    images = image_set(count=90)
    pixels = images.images[torch.arange(90) % 45].clone()
    data = ImageDataModule(images=ImageSet(pixels, images.labels, images.classes))
    split = data.split
    contents = [{image.numpy().tobytes() for image in pixels[part]} for part in (split.train, split.validation)]
    contents.append({image.numpy().tobytes() for image in pixels[split.test]})
    assert all(contents)
    assert not contents[0] & contents[1]
    assert not contents[0] & contents[2]
    assert not contents[1] & contents[2]


def test_the_test_set_is_the_test_part_and_its_copies_are_nowhere() -> None:
    train, test = image_set(count=90), image_set(count=30)
    pixels = train.images.clone()
    pixels[:30] = 255 - pixels[:30]
    pixels[0] = test.images[0]
    data = ImageDataModule(images=read_images(ImageSet(pixels, train.labels, train.classes), test))
    split = data.split
    assert split.test.tolist() == list(range(90, 120))
    assert sorted([*split.train, *split.validation]) == list(range(1, 90))
    assert split.validation.size == 9


def test_keep_leaves_the_rest_in_reserve_and_every_stage_sees_the_same(fit: Fit) -> None:
    options: dict[str, Any] = {"images": image_set(count=300), "keep": {"b": 7, "c": 0.5}}
    data = ImageDataModule(**options)
    assert data.class_counts() == [70, 7, 35]
    assert data.split.reserve.size == 63 + 35
    whole = ImageDataModule(images=options["images"]).split
    assert data.split.test.tolist() == whole.test.tolist()
    assert data.split.validation.tolist() == whole.validation.tolist()
    # a GAN and a classifier, each with a data module of its own
    gan = tiny_gan(GAN)
    fit(gan, data, max_steps=1)
    again = ImageDataModule(**options)
    assert gan.data_state["split_hash"] == again.split.hash
    assert data.rows("train", "minority").tolist() == again.rows("train", "minority").tolist()
    less = ImageDataModule(images=options["images"], keep={"b": 4})
    assert set(less.rows("train", ["b"])) < set(data.rows("train", ["b"]))


def test_a_gan_of_another_split_is_refused(fit: Fit) -> None:
    gan = tiny_gan(GAN)
    fit(gan, DigitsDataModule(keep={"8": 9}, steps_per_epoch=1), max_epochs=1)
    with pytest.raises(InputError, match="trained on another split"):
        fit(gan, DigitsDataModule(keep={"8": 8}, steps_per_epoch=1), max_epochs=1)


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(200, 5000), min_size=2, max_size=12), ratio=st.floats(1.5, 100))
def test_a_long_tail_falls_exponentially(counts: list[int], ratio: float) -> None:
    kept = long_tail(np.array(counts), ratio)
    assert all(1 <= number <= count for number, count in zip(kept, counts, strict=True))
    steps = len(counts) - 1
    for index, number in enumerate(kept):
        # rounded down, the first class's number, too
        expected = ratio ** (-index / steps)
        assert number - 1 <= (kept[0] + 1) * expected
        assert number + 1 >= kept[0] * expected


def test_a_long_tail_is_that_of_the_paper() -> None:
    # Cui et al. 2019: CIFAR-10 at an imbalance factor of 100, as their code counts
    expected = [int(5000 * 0.01 ** (index / 9)) for index in range(10)]
    assert long_tail(np.full(10, 5000), 100) == expected == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]


def test_a_data_module_with_a_long_tail() -> None:
    data = ImageDataModule(images=image_set(count=300), imbalance_ratio=10)
    assert data.class_counts() == [70, 22, 7]
    assert data.split.reserve.size == 48 + 63
    assert data.resolve("minority") == (2,)
    assert data.split_with(0, minority_rows=5).reserve.size == 48 + 65


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"imbalance_ratio": 1}, "imbalance_ratio is 1"),
        ({"imbalance_ratio": 5, "keep": {"a": 3}}, "keep and imbalance_ratio both"),
        ({"imbalance_ratio": 1000}, "imbalance_ratio 1000 leaves the last class no row of 14"),
        ({"keep": {"a": 15}}, "keep asks for 15 rows of class 'a', whose training part has 14"),
        ({"keep": {"d": 1}}, "Unknown class 'd'"),
        ({"only": ["a", "d"]}, "Unknown class 'd'"),
        ({"only": ["a"]}, "one class only"),
        ({"size": 7}, "size is 7; give 8 to 64 pixels"),
        ({"channels": 2}, r"channels is 2; give 1 \(grey\) or 3 \(colour\)"),
        ({"max_images": 0}, "max_images is 0"),
        ({"images": None}, "exactly one of dataset and images"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_settings_that_do_not_work_are_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageDataModule(**{"images": image_set(), **options}).setup()


# -- reading ----------------------------------------------------------------------------------------------------


class Items:
    """A data set of given items, without any attribute that torchvision's have."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def test_every_kind_of_item_is_read_alike() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    channels_first = torch.from_numpy(pixels).permute(2, 0, 1)
    kinds = Image.fromarray(pixels), pixels, channels_first, channels_first / 255
    images = read_images(Items(*((one, number % 2) for number, one in enumerate(kinds))))
    assert images.classes == (0, 1)
    assert images.labels.tolist() == [0, 1, 0, 1]
    for image in images.images:
        assert torch.equal(image, channels_first)


def test_images_are_brought_to_a_size_and_to_channels() -> None:
    wide = np.zeros((20, 40, 3), dtype=np.uint8)
    wide[:, 10:30] = (255, 0, 0)
    small = Image.new("L", (9, 9), 200)
    images = read_images(Items((wide, 0), (small, 1)), size=10, channels=3).images
    assert images.shape == (2, 3, 10, 10)
    # the middle of a wide image is what stays, here its red
    assert images[0, :, :, 1:-1].unique(dim=2).flatten(1).unique(dim=1).tolist() == [[255], [0], [0]]
    assert images[1].unique().tolist() == [200]
    grey = read_images(Items((wide, 0), (small, 1)), size=10, channels=1).images
    # the luma of red, ITU-R 601
    assert grey[0, :, :, 1:-1].unique().tolist() == [76]


@pytest.mark.parametrize(
    ("squaring", "columns"),
    # red in the middle half: all that stays, half of the width, or a quarter of the height above and below is black
    [("crop", [255] * 8), ("stretch", [0, 0, 255, 255, 255, 255, 0, 0]), ("pad", [0, 0, 255, 255, 255, 255, 0, 0])],
)
def test_images_that_are_not_square_become_so_as_is_asked_for_with_a_warning(squaring: Any, columns: list[int]) -> None:
    wide = np.zeros((20, 40, 3), dtype=np.uint8)
    wide[:, 10:30] = (255, 0, 0)
    square = Image.new("RGB", (9, 9))
    with pytest.warns(UserWarning, match=rf"1 of 2 images are not square: .* \(squaring: {squaring}; "):
        images = read_images(Items((wide, 0), (square, 1)), size=8, squaring=squaring).images
    # resampling mixes neighbours
    assert (images[0, 0, 4].int() - torch.tensor(columns)).abs().max() <= 64
    assert (images[0, 0, 0].max() == 0) == (squaring == "pad")


def test_another_way_to_square_images_is_refused() -> None:
    with pytest.raises(InputError, match="squaring is 'fold'; give crop, pad, stretch"):
        read_images(Items((np.zeros((9, 9, 3), dtype=np.uint8), 0)), size=8, squaring="fold")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 80, 80), (1, 12, 16), (3, 7, 7)])
def test_arrays_are_brought_to_a_size_as_pictures_are(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    images = ImageSet(torch.from_numpy(pixels), np.arange(20) % 2, ("cat", "dog"))
    images.save(tmp_path / "images.npz")
    images.save(tmp_path / "images")
    height, width = shape[1:]
    with pytest.raises(InputError, match=f"have {width} x {height} pixels, but must be square, 8 to 64 .* give size"):
        ImageDataModule(images=images).setup()
    read = ImageDataModule(images=str(tmp_path / "images.npz"), size=12, channels=1).samples
    assert read.images.shape == (20, 1, 12, 12)
    assert read.labels.tolist() == images.labels.tolist()
    pictures = ImageDataModule(images=str(tmp_path / "images"), size=12, channels=1).samples
    assert torch.equal(read.images[::2], pictures.images[:10])


def test_nothing_is_converted_one_by_one_that_need_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageSet, "__getitem__", lambda *_: pytest.fail("an image was read by itself"))
    images = image_set()
    for options in ({}, {"size": 8}, {"channels": 3}, {"size": 8, "channels": 3}):
        assert torch.equal(read_images(images, images, **options).images, images.images.repeat(2, 1, 1, 1))
    monkeypatch.undo()
    assert read_images(images, channels=1).images.shape == (60, 1, 8, 8)


def test_training_and_test_images_have_one_form() -> None:
    with pytest.raises(InputError, match=r"the training set has 8 x 8 .* the test set has 9 x 9 pixels"):
        read_images(image_set(), image_set(width=9))
    assert len(read_images(image_set(), image_set(width=9), size=8)) == 120


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ((torch.full((3, 8, 8), torch.nan), 0), r"Image 1 of Items cannot be read \(it holds numbers outside \[0, 1\]"),
        ((torch.full((3, 8, 8), 2.0), 0), "outside"),
        ((np.zeros((8, 9, 3), np.uint8), 0), r"first has 8 x 8 pixels .* number 1 has 9 x 8 pixels.* give size"),
        ((np.zeros((8, 8), np.uint8), 0), r"number 1 has 8 x 8 pixels with 1 channel\(s\); give size and channels"),
        ((Image.new("RGBA", (8, 8)), 0), "mode RGBA; give channels, 1 or 3"),
        (("cat.png", 0), "Image 1 of Items cannot be read"),
        ((np.zeros((8, 8, 3), np.uint8), -1), "Image 1 has label -1"),
        ((np.zeros((8, 8, 3), np.uint8), 0.5), "labels of the data set are no class indices"),
        ((np.zeros((8, 8, 3), np.uint8), float("nan")), "labels of the data set are no class indices"),
        ((np.zeros((8, 8, 3), np.uint8), "cat"), "Items is no data set of images and class indices"),
        (np.zeros((8, 8, 3), np.uint8)[0, 0, 0], "Items is no data set of images and class indices"),
    ],
)
def test_items_that_cannot_be_used_are_told(item: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as told:
        read_images(Items((np.zeros((8, 8, 3), np.uint8), 0), item))
    assert len(str(told.value)) < 400


def test_labels_beyond_the_classes_are_told() -> None:
    items = Items((np.zeros((8, 8, 3), np.uint8), 0), (np.zeros((8, 8, 3), np.uint8), 2))
    items.classes = ["cat", "dog"]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="Image 1 has label 2, but there are 2 classes"):
        read_images(items, only=["cat", "dog"])
    with pytest.raises(InputError, match="has no images"):
        read_images(Items())


def test_some_images_of_each_class_may_be_read() -> None:
    images = read_images(image_set(count=300), image_set(count=60), only=["c", "a"], max_images=50)
    assert images.classes == ("a", "c")
    assert images.test_rows is not None
    assert np.bincount(images.labels[~images.test_rows]).tolist() == [25, 25]
    assert np.bincount(images.labels[images.test_rows]).tolist() == [5, 5]
    first = {image.numpy().tobytes() for image in image_set(count=300).images[::3]}
    assert all((image.numpy().tobytes() in first) == (label == 0) for image, label in images)


# -- files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of 20 grey pictures, 12 pixels wide, for each of two classes."""
    random = np.random.default_rng(0)
    for label in ("T-shirt%2Ftop", "dog"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / label / f"{number}.png")
    return tmp_path / "pictures"


def test_a_folder_of_pictures(folder: Path) -> None:
    samples = ImageDataModule(images=str(folder)).samples
    assert samples.images.shape == (40, 1, 12, 12)
    assert samples.classes == ("T-shirt/top", "dog")
    assert samples.labels.tolist() == [0] * 20 + [1] * 20
    # torchvision's own reads pictures in colour
    config = {"class_path": "torchvision.datasets.ImageFolder", "init_args": {"root": str(folder)}}
    coloured = ImageDataModule(dataset=cast(Any, config)).samples
    assert torch.equal(coloured.images, samples.images.expand(-1, 3, -1, -1))


def test_classes_of_a_test_set_are_found_by_name() -> None:
    part = image_set(6)
    train = replace(part, classes=("cat", "dog", "eel"))
    test = replace(part, classes=("eel", "cat", "dog"))
    images = read_images(train, test)
    assert images.classes == train.classes
    told = [images.classes[label] for label in images.labels[6:]]
    assert told == [test.classes[label] for label in test.labels]
    with pytest.raises(InputError, match=r"classes of the test set are not those of training\. Unknown class 'ant'"):
        read_images(train, replace(part, classes=("ant", "cat", "dog")))


@pytest.mark.parametrize("channels", [None, 1])
def test_pixels_of_16_bits_are_brought_to_8(tmp_path: Path, channels: int | None) -> None:
    ramp = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    (tmp_path / "cat").mkdir()
    Image.fromarray(ramp).save(tmp_path / "cat" / "1.png")
    images = read_images(open_images(tmp_path), channels=channels)
    assert images.images.shape == (1, 1, 8, 8)
    assert np.array_equal(images.images[0, 0].numpy(), (ramp / 257).round())
    Image.fromarray(ramp.astype(np.float32)).save(tmp_path / "cat" / "1.tiff")
    with pytest.raises(InputError, match=r"1\.tiff has pixels of mode F.*convert them to 8 bits"):
        read_images(open_images(tmp_path), channels=channels)


def test_a_separate_test_set(folder: Path) -> None:
    make = partial(ImageFolder, str(folder))
    data = ImageDataModule(dataset=make, test_dataset=make, channels=1, size=8, validation_fraction=0)
    assert data.samples.test_rows is not None
    assert data.samples.test_rows.tolist() == [False] * 40 + [True] * 40
    with pytest.raises(InputError, match=r"no row in the|no row to train"):
        data.setup()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: (path / "dog" / "3.png").write_bytes(b"no picture"), r"dog/3\.png cannot be read"),
        (lambda path: _truncate(path / "dog" / "3.png"), r"dog/3\.png cannot be read"),
        (lambda path: Image.new("L", (13, 12)).save(path / "dog" / "0.png"), "number 20 has 13 x 12 pixels"),
        (lambda path: [file.unlink() for file in (path / "dog").iterdir()], "Found no valid file for the classes dog"),
        (lambda path: [file.unlink() for file in path.rglob("*.png")], "Found no valid file"),
        (lambda path: shutil.rmtree(path), "cannot be read"),
        (lambda path: [shutil.rmtree(one) for one in path.iterdir()], "Couldn't find any class folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told(folder: Path, change: Callable[[Path], Any], message: str) -> None:
    change(folder)
    with pytest.raises(InputError, match=message) as told:
        ImageDataModule(images=str(folder)).setup()
    assert len(str(told.value)) < 400


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize(
    "content",
    [None, b"", b"nothing", {"images": np.zeros((2, 1, 8, 8), np.uint8)}, {"images": np.array([None])}],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "images.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)
    with pytest.raises(InputError, match=r"images\.npz cannot be read .* name an \.npz with the arrays"):
        ImageDataModule(images=str(path)).setup()


def test_a_data_set_that_cannot_be_built_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"FashionMNIST cannot be read \(Dataset not found.*set download to true"):
        ImageDataModule(dataset=partial(FashionMNIST, str(tmp_path))).setup()
    with pytest.raises(InputError, match=r"FashionMNIST cannot be read \(.*'root'"):
        ImageDataModule(dataset=FashionMNIST).setup()


@pytest.mark.parametrize(("options", "test"), [([], [0, 9]), (["--data.dataset.train", "false"], [9])])
def test_a_data_set_of_the_command_line_is_as_one_of_python(
    workplace: Path, options: list[str], test: list[int]
) -> None:
    (workplace / "own.py").write_text(
        "import numpy as np\nfrom torch.utils.data import Dataset\n\n\n"
        "class Own(Dataset):\n"
        "    def __init__(self, pixel: int, train: bool = True) -> None:\n"
        "        if pixel > 255:\n"
        "            raise ValueError('too light')\n"
        "        self.targets = [0, 1] * 5\n"
        "        self.images = np.full((10, 8, 8), pixel if train else 9, np.uint8)\n\n"
        "    def __len__(self) -> int:\n"
        "        return 10\n\n"
        "    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:\n"
        "        return self.images[index], self.targets[index]\n"
    )
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--data", type=ImageDataModule)

    def given(pixel: int) -> ImageDataModule:
        command = ["--data.dataset", "own.Own", "--data.dataset.pixel", str(pixel), *options]
        return cast(ImageDataModule, parser.instantiate(parser.parse_args(command)).data)

    assert given(0).samples.images.unique().tolist() == test
    assert (given(0).samples.test_rows is None) == (len(test) == 1)
    with pytest.raises(InputError, match=r"The data set Own cannot be read \(too light\)"):
        given(256).setup()


# -- CIFAR-10 ---------------------------------------------------------------------------------------------------


def test_cifar10_is_read_with_its_test_set(cifar: Path) -> None:
    data = CIFAR10DataModule(root=str(cifar), keep={"truck": 0.1}, only=["truck", "ship"])
    data.setup()
    assert data.spec == DataSpec("image", (3, 32, 32), ("ship", "truck"))
    assert data.class_counts() == [4500, 450]
    assert [data.split.validation.size, data.split.test.size, data.split.reserve.size] == [1000, 2000, 4050]
    published = CIFAR10(str(cifar), train=False)
    trucks = np.array(published.targets) == published.class_to_idx["truck"]
    expected = torch.from_numpy(published.data[trucks]).permute(0, 3, 1, 2)
    assert torch.equal(to_uint8(data.encoded("test", ["truck"])[0]), expected)


def test_processes_download_one_after_the_other(tmp_path: Path) -> None:
    root, inside, seen = tmp_path / "new", Lock(), []

    class Slow(FashionMNIST):
        def __init__(self, root: Path, download: bool = False) -> None:
            if not download:
                raise RuntimeError("Dataset not found")
            seen.append(inside.acquire(blocking=False))
            sleep(0.05)
            inside.release()
            raise RuntimeError("there is no network")

    def read() -> None:
        with pytest.raises(InputError, match="there is no network"):
            ImageDataModule(dataset=partial(Slow, root=root, download=True)).setup()

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 4


def test_what_is_there_is_not_downloaded(tmp_path: Path) -> None:
    class There(FashionMNIST):
        def __init__(self, root: Path, download: bool = False) -> None:
            assert not download
            self.data, self.targets = torch.zeros(6, 8, 8, dtype=torch.uint8), torch.tensor([0, 1] * 3)
            self.transform = self.target_transform = None

    samples = ImageDataModule(dataset=partial(There, root=tmp_path, download=True)).samples
    assert len(samples) == 6
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("state", ["missing", "corrupt"])
def test_cifar10_that_is_missing_or_corrupt_is_told(cifar: Path, tmp_path: Path, name: str, state: str) -> None:
    with pytest.raises(InputError, match=r"data_batch_1 is missing; name with root the folder that holds cifar-10"):
        CIFAR10DataModule(root=str(tmp_path)).setup()
    copy = tmp_path / "cifar-10-batches-py"
    copy.mkdir()
    for path in (cifar / "cifar-10-batches-py").iterdir():
        (copy / path.name).symlink_to(path)
    whole = (copy / name).read_bytes()
    (copy / name).unlink()
    if state == "corrupt":
        (copy / name).write_bytes(whole[:-1])
    with pytest.raises(InputError, match=rf"{name} is {state}; .*or set download to true") as told:
        CIFAR10DataModule(root=str(tmp_path)).setup()
    assert len(str(told.value)) < 400
