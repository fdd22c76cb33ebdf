from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from gan_imbalance.data import ImageDataModule, ImageSet, MixedDataModule, SyntheticImages, TabularDataModule
from gan_imbalance.data.images import open_images, read_images
from gan_imbalance.data.mixed import read_synthetic_set
from gan_imbalance.gans import ConditionalGAN
from gan_imbalance.synthesis import load_gan, save_gan, synthesize, write_synthetic_set
from gan_imbalance.transforms.image import to_uint8
from gan_imbalance.types import InputError, SyntheticSet

CLASSES = ("cat", "T-shirt/top", "../d.o g")


def image_set(channels: int = 3, width: int = 8, count: int = 30) -> ImageSet:
    """Return random images; their classes take turns."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, channels, width, width), dtype=np.uint8)
    return ImageSet(torch.from_numpy(images), np.arange(count) % 3, CLASSES)


@pytest.fixture(params=[1, 3])
def data(request: pytest.FixtureRequest) -> ImageDataModule:
    made = ImageDataModule(images=image_set(request.param), batch_size=9, steps_per_epoch=4)
    made.setup()
    return made


@pytest.fixture
def gan(data: ImageDataModule) -> ConditionalGAN:
    """Return an untrained GAN of the classes 0 and 2."""
    made = ConditionalGAN(classes=["cat", "../d.o g"], latent_dim=3)
    made.build(data.spec, (0, 2), data.state())
    return made


@pytest.fixture
def synthetic(gan: ConditionalGAN) -> SyntheticImages:
    made = synthesize(gan, {"../d.o g": 5, "cat": 2}, seed=3)
    assert isinstance(made, SyntheticImages)
    return made


def by_class(images: ImageSet) -> dict[str, list[bytes]]:
    return {
        str(label): sorted(image.numpy().tobytes() for image in images.images[images.labels == index])
        for index, label in enumerate(images.classes)
        if (images.labels == index).any()
    }


def test_images_come_in_exact_numbers(
    gan: ConditionalGAN, data: ImageDataModule, synthetic: SyntheticImages, tmp_path: Path
) -> None:
    assert synthetic.samples.classes == CLASSES
    assert synthetic.samples.labels.tolist() == [2] * 5 + [0] * 2
    expected = to_uint8(gan.sample(torch.tensor([2] * 5 + [0] * 2), 3))
    assert torch.equal(synthetic.samples.images, expected)
    assert synthetic.manifest["counts"] == {"../d.o g": 5, "cat": 2}
    assert synthetic.manifest["split_hash"] == data.split.hash
    save_gan(gan, tmp_path / "gan.ckpt")
    again = synthesize(load_gan(tmp_path / "gan.ckpt"), {"../d.o g": 5, "cat": 2}, seed=3)
    assert isinstance(again, SyntheticImages)
    assert again.samples.hash == synthetic.samples.hash


@pytest.mark.parametrize("options", [{"calibrate": True}, {"given": {"colour": "red"}}])
def test_what_is_for_tables_is_refused(gan: ConditionalGAN, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"is not for images, which this .* makes: omit it"):
        synthesize(gan, {"cat": 1}, seed=0, **options)


@pytest.mark.parametrize("name", ["made.npz", "made"])
def test_written_images_are_read_as_they_were(synthetic: SyntheticImages, tmp_path: Path, name: str) -> None:
    write_synthetic_set(synthetic, tmp_path / "new" / name)
    read = read_synthetic_set(tmp_path / "new" / name)
    assert isinstance(read, SyntheticImages)
    assert by_class(read.samples) == by_class(synthetic.samples)
    assert read.manifest["counts"] == {"../d.o g": 5, "cat": 2}
    assert read.manifest["rows_hash"] == synthetic.samples.hash
    # nothing else is left behind
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [name, f"{name}.json"]


def test_a_folder_has_one_of_png_files_for_each_class(synthetic: SyntheticImages, tmp_path: Path) -> None:
    write_synthetic_set(synthetic, tmp_path / "made")
    files = sorted(str(path.relative_to(tmp_path / "made")) for path in (tmp_path / "made").rglob("*.png"))
    names = ["%2E%2E%2Fd%2Eo g"] * 5 + ["cat"] * 2
    assert files == [f"{name}/{number:06d}.png" for name, number in zip(names, [0, 1, 2, 3, 4, 0, 1], strict=True)]
    assert len(ImageFolder(str(tmp_path / "made"))) == 7
    assert json.loads((tmp_path / "made.json").read_text())["classes"] == list(CLASSES)


def test_a_folder_that_cannot_be_finished_is_not_begun(
    synthetic: SyntheticImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = Image.Image.save
    left = [3]

    def fails_in_time(self: Image.Image, *args: Any, **options: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("No space left on device")
        saved(self, *args, **options)

    monkeypatch.setattr(Image.Image, "save", fails_in_time)
    with pytest.raises(OSError, match="No space"):
        write_synthetic_set(synthetic, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_told(synthetic: SyntheticImages, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot write made\.csv: end its name in \.npz, or name a folder"):
        write_synthetic_set(synthetic, tmp_path / "made.csv")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(InputError, match="it is there already"):
        write_synthetic_set(synthetic, tmp_path / "full")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]
    (tmp_path / "empty").mkdir()
    write_synthetic_set(synthetic, tmp_path / "empty")
    assert len(read_images(open_images(tmp_path / "empty"))) == 7


@pytest.mark.parametrize("name", ["made.npz", "made", None])
@pytest.mark.parametrize(("share", "rows"), [(0.0, 0), (0.5, 4), (1.0, 9)])
def test_every_batch_has_its_share_of_synthetic_images(
    data: ImageDataModule, synthetic: SyntheticImages, tmp_path: Path, name: str | None, share: float, rows: int
) -> None:
    if name is not None:
        write_synthetic_set(synthetic, tmp_path / name)
    mixed = MixedDataModule(data, synthetic if name is None else str(tmp_path / name), share)
    mixed.setup()
    real = {image.numpy().tobytes() for image in data.encoded("train")[0]}
    loader = mixed.train_dataloader()
    assert loader.features.dtype == torch.uint8
    batches = list(loader)
    assert len(batches) == 4
    for images, labels in batches:
        assert images.dtype == torch.float32
        made = torch.tensor([image.numpy().tobytes() not in real for image in images])
        assert made.sum() == rows
        assert set(labels[made].tolist()) <= {0, 2}
    (validation,) = list(mixed.val_dataloader())
    assert torch.equal(validation[0], data.encoded("validation")[0])


def test_what_does_not_fit_is_refused(data: ImageDataModule, synthetic: SyntheticImages, tmp_path: Path) -> None:
    def refused(samples: ImageSet, **manifest: Any) -> str:
        with pytest.raises(InputError) as told:
            MixedDataModule(data, SyntheticImages(samples, {**synthetic.manifest, **manifest})).setup()
        return str(told.value)

    made = synthetic.samples
    assert "made from another split" in refused(made, split_hash="0")
    larger = ImageSet(torch.zeros(1, 3, 16, 16, dtype=torch.uint8), np.zeros(1, int), CLASSES)
    assert "shape (3, 16, 16), but those of the data" in refused(larger)
    assert "Unknown class 'dog'" in refused(ImageSet(made.images, made.labels, ("cat", "dog", "x")))
    write_synthetic_set(synthetic, tmp_path / "made.npz")
    (tmp_path / "made.npz.json").unlink()
    with pytest.raises(InputError, match="have no manifest"):
        MixedDataModule(data, str(tmp_path / "made.npz")).setup()
    with pytest.raises(InputError, match=r"none\.npz cannot be read"):
        MixedDataModule(data, str(tmp_path / "none.npz")).setup()
    with pytest.raises(InputError, match="rows of a table, but the data are images"):
        MixedDataModule(data, SyntheticSet(pd.DataFrame(), "y", synthetic.manifest)).setup()


def test_images_do_not_fit_a_table(mixed_frame: pd.DataFrame, synthetic: SyntheticImages) -> None:
    table = TabularDataModule(frame=mixed_frame, target="label")
    images = SyntheticImages(synthetic.samples, {"split_hash": table.split.hash})
    with pytest.raises(InputError, match="images, but the data are a table"):
        MixedDataModule(table, images).setup()
