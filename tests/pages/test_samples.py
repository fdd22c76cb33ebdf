"""Images stand beside their nearest training images, copies are told from what was learned, and the page is whole."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gan_imbalance.data import DigitsDataModule
from gan_imbalance.data.images import ImageSet
from gan_imbalance.pages.samples import RealImages, compare_samples, write_samples
from gan_imbalance.transforms.image import to_float

PICTURE = r'src="data:image/png;base64,([^"]+)"'


def coarse(images: Tensor) -> Tensor:
    """Find features of digits: sixteen means of neighbouring pixels."""
    return torch.nn.functional.avg_pool2d(images, 2).flatten(1)


@pytest.fixture(scope="module")
def data() -> DigitsDataModule:
    return DigitsDataModule(only=[3, 8], validation_fraction=0.3)


@pytest.fixture(scope="module")
def real(data: DigitsDataModule) -> RealImages:
    return RealImages.of(data, "all", coarse, "coarse")


def taken(data: DigitsDataModule, part: str, rows: int) -> ImageSet:
    """Return the first images of a part as if they had been generated."""
    chosen = data.rows(part)[:rows]  # type: ignore[arg-type]
    return ImageSet(data.stored(chosen), data.samples.labels[chosen], data.samples.classes)


def test_neighbours_are_those_of_brute_force(data: DigitsDataModule, real: RealImages) -> None:
    images = taken(data, "test", 20).images
    pairs = real.pair(images)
    apart = torch.stack(
        [(coarse(to_float(real.training.images)) - coarse(to_float(one[None]))).norm(dim=1) for one in images]
    )
    order = apart.amin(dim=1).argsort()
    assert torch.equal(pairs.images, images[order])
    assert torch.equal(pairs.neighbours, real.training.images[apart.argmin(dim=1)[order]])
    assert pairs.distances.numpy() == pytest.approx(apart.amin(dim=1)[order].numpy(), rel=1e-4)


def test_copies_are_found(data: DigitsDataModule, real: RealImages) -> None:
    for one in compare_samples(taken(data, "train", 40), real):
        assert one.is_copied
        assert one.paired is not None
        assert one.paired.copies == 1
        assert one.copying is not None
        assert one.copying.z < -3


def test_almost_copies_are_found(data: DigitsDataModule, real: RealImages) -> None:
    made = taken(data, "train", 40)
    darker = ImageSet(made.images - made.images // 16, made.labels, made.classes)
    for one in compare_samples(darker, real):
        assert one.paired is not None
        assert one.paired.copies < 1
        assert one.copying is not None
        assert one.copying.z < -3


def test_other_real_images_are_no_copies(data: DigitsDataModule, real: RealImages) -> None:
    classes = compare_samples(taken(data, "test", 70), real)
    assert [one.name for one in classes] == [3, 8]
    for one in classes:
        assert not one.is_copied
        assert one.copying is not None
        assert abs(one.copying.nearer - 0.5) < 0.2


def test_a_class_without_unseen_images_has_no_figures(data: DigitsDataModule, real: RealImages) -> None:
    eights = np.flatnonzero(real.unseen.labels == 1)
    unseen = ImageSet(real.unseen.images[eights], real.unseen.labels[eights], real.unseen.classes)
    three, eight = compare_samples(
        taken(data, "test", 70), RealImages(real.training, unseen, real.find_features, real.features)
    )
    assert three.paired is not None
    assert three.unseen is three.copying is None
    assert eight.copying is not None


@pytest.mark.parametrize(
    ("part", "verdict"), [("train", "Signs of memorising in 3, 8"), ("test", "No sign of memorising")]
)
def test_the_page_has_a_figure_for_each_class(
    part: str, verdict: str, data: DigitsDataModule, real: RealImages, tmp_path: Path
) -> None:
    made = taken(data, part, 60)
    Image.new("RGB", (3, 2)).save(tmp_path / "step_1.png")
    write_samples(tmp_path / "samples.html", made, real, "a GAN", [tmp_path / "step_1.png"] * 9)
    page = (tmp_path / "samples.html").read_text(encoding="utf-8")
    assert verdict in page
    assert page.count("<figure") == 2
    pictures = [Image.open(BytesIO(base64.b64decode(one))) for one in re.findall(PICTURE, page)]
    sheets, stages = pictures[:6], pictures[6:]
    assert len(stages) == 6
    # the nearest pairs of eights: eight in a line, of two images and a line of a pixel each
    nearest = np.asarray(sheets[3])
    assert nearest.shape == (3 + 2 * (8 + 3), 3 + 8 * (17 + 3), 3)
    shown = next(one for one in compare_samples(made, real) if one.name == 8).paired
    assert shown is not None
    assert (nearest[3:11, 3:11, 0] == shown.images[0, 0].numpy()).all()
    assert (nearest[3:11, 12:20, 0] == shown.neighbours[0, 0].numpy()).all()
    # nothing is fetched from elsewhere
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert str(tmp_path) not in page


def test_noise_is_neither_copied_nor_like_real_images(data: DigitsDataModule, real: RealImages, tmp_path: Path) -> None:
    noise = torch.randint(0, 256, (40, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    made = ImageSet(noise, np.full(40, 1), data.samples.classes)
    write_samples(tmp_path / "samples.html", made, real, "a GAN")
    page = (tmp_path / "samples.html").read_text(encoding="utf-8")
    assert "No sign of memorising" in page
    assert "Those of 8 lie farther off" in page


def test_without_training_images_the_page_shows_the_others(data: DigitsDataModule, tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.html", taken(data, "test", 10), None, "a GAN", note="Give <data>.")
    page = (tmp_path / "samples.html").read_text(encoding="utf-8")
    assert "cannot be told" in page
    assert "Give &lt;data&gt;." in page
    assert len(re.findall(PICTURE, page)) == page.count("<figure") == 2
    assert "training image" not in page
