from __future__ import annotations

import builtins
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.components import build, to_config
from gan_imbalance.data import CIFAR10DataModule, DigitsDataModule
from gan_imbalance.transforms import DiffAugment, FlipCrop, SMateAugment, SMateImgaug
from gan_imbalance.transforms.image import IMAGES_AT_ONCE, in_chunks, to_float, to_uint8
from gan_imbalance.types import InputError

POLICIES = [FlipCrop, SMateImgaug, SMateAugment, DiffAugment]


@pytest.fixture(scope="module")
def photographs(shared_data: Callable[[str], Path]) -> Tensor:
    """Return 1,600 images of CIFAR-10, (n, 3, 32, 32)."""
    root = shared_data("cifar-10-batches-py").parent
    return to_float(CIFAR10DataModule(root=str(root), max_images=1600).samples.images[:1600])


@pytest.fixture(scope="module")
def digits() -> Tensor:
    """Return 200 digits, (n, 1, 8, 8)."""
    return to_float(DigitsDataModule().samples.images[:200])


def test_what_is_found_in_many_images_is_found_in_few_at_a_time() -> None:
    weight = torch.ones(4, requires_grad=True)
    images, sizes = torch.rand(1100, 1, 2, 2), list[int]()

    def find(chunk: Tensor) -> Tensor:
        sizes.append(len(chunk))
        return chunk.flatten(1) @ weight

    found = in_chunks(find, images)
    torch.testing.assert_close(found, images.sum(dim=(1, 2, 3)))
    assert not found.requires_grad
    assert sizes == [IMAGES_AT_ONCE, IMAGES_AT_ONCE, 1100 - 2 * IMAGES_AT_ONCE]


def test_bytes_become_numbers_and_bytes_again() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    floats = to_float(every)
    assert floats.dtype == torch.float32
    assert floats[[0, 255]].tolist() == [-1.0, 1.0]
    assert torch.equal(to_uint8(floats), every)
    assert to_uint8(torch.tensor([-3.0, 0.0, 7.0])).tolist() == [0, 128, 255]


@settings(max_examples=20, deadline=None)
@given(value=st.floats(-1, 1))
def test_bytes_are_the_nearest(value: float) -> None:
    assert abs(float(to_float(to_uint8(torch.tensor(value)))) - value) <= 1 / 255 + 1e-6


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("channels", "width"), [(1, 8), (3, 8), (3, 20), (1, 64)])
def test_a_policy_keeps_the_form(policy: type[nn.Module], channels: int, width: int) -> None:
    images = torch.rand(5, channels, width, width) * 2 - 1
    before = images.clone()
    augmented = policy()(images)
    assert augmented.shape == images.shape
    assert augmented.dtype == torch.float32
    assert torch.equal(images, before)
    assert not torch.equal(augmented, images)
    if policy is not DiffAugment:
        assert augmented.abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_depends_on_torchs_seed_alone(policy: type[nn.Module], digits: Tensor) -> None:
    def augmented(seed: int, one: nn.Module) -> Tensor:
        torch.manual_seed(seed)
        return one(digits)

    first, again = policy(), policy()
    assert torch.equal(augmented(0, first), augmented(0, again))
    assert torch.equal(augmented(0, first), augmented(0, first))
    assert not torch.equal(augmented(0, first), augmented(1, first))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_pickled(policy: type[nn.Module], digits: Tensor) -> None:
    given, expected = policy(), policy()
    given(digits)
    pickled = pickle.loads(pickle.dumps(given))
    torch.manual_seed(1)
    found = pickled(digits)
    torch.manual_seed(1)
    assert torch.equal(found, expected(digits))


@pytest.mark.parametrize("policy", POLICIES)
def test_every_image_is_drawn_for_by_itself(policy: type[nn.Module], digits: Tensor) -> None:
    augmented = policy()(digits[:1].expand(20, -1, -1, -1))
    assert len({one.numpy().tobytes() for one in augmented}) > 10


@pytest.mark.parametrize("policy", [FlipCrop(0.0, 0.25), SMateImgaug(0.0), SMateAugment(0.3), DiffAugment("cutout")])
def test_a_checkpoint_can_hold_a_policy(policy: nn.Module) -> None:
    config = to_config(policy)
    assert to_config(build(config)) == config


def figures(images: Tensor) -> dict[str, Tensor]:
    """Return what augmentation changes in images (n, 3, h, w): figures of each, (n,)."""
    grey = images.mean(dim=1)
    return {
        "brightness": images.mean(dim=(1, 2, 3)),
        "contrast": images.std(dim=(1, 2, 3)),
        "colour": (images.amax(dim=1) - images.amin(dim=1)).mean(dim=(1, 2)),
        "roughness": grey.diff(dim=2).abs().mean(dim=(1, 2)),
        "black": (images < -0.99).all(dim=1).float().mean(dim=(1, 2)),
        "black on top": (images[:, :, 0] < -0.99).all(dim=1).float().mean(dim=1),
        "black on the left": (images[:, :, :, 0] < -0.99).all(dim=1).float().mean(dim=1),
    }


def test_both_forms_of_smates_policy_agree_on_photographs(photographs: Tensor) -> None:
    torch.manual_seed(0)
    plain = figures(photographs)
    # small batches, for each draws its order anew
    first, second = (
        figures(torch.cat([policy(batch) for batch in photographs.split(16)]))
        for policy in (SMateImgaug(), SMateAugment())
    )
    for name, one in first.items():
        other = second[name]
        spread = torch.sqrt((one.var() + other.var()) / len(one))
        # what is drawn for a batch makes the means vary a little more than independent images would
        assert (one.mean() - other.mean()).abs() < 4 * spread, name
        assert one.std() / other.std() == pytest.approx(1, abs=0.1), name
        quantiles = torch.tensor([0.1, 0.5, 0.9])
        assert (one.quantile(quantiles) - other.quantile(quantiles)).abs().max() < 0.3 * one.std() + 1e-6, name
    # so that agreement says something: both are far from doing nothing
    for name in ("brightness", "contrast", "black"):
        assert (first[name].mean() - plain[name].mean()).abs() > 0.5 * plain[name].std(), name


@pytest.mark.parametrize("policy", [FlipCrop, SMateImgaug, SMateAugment])
@pytest.mark.parametrize("flip", [0.0, 0.5, 1.0])
def test_as_many_images_are_mirrored_as_told(policy: Any, flip: float) -> None:
    # dark on the left, bright on the right, which no other step turns round
    images = torch.linspace(-0.9, 0.9, 16).expand(400, 3, 16, 16)
    torch.manual_seed(0)
    augmented = policy(flip=flip)(images)
    # the middle is inside, however it is moved
    rises = augmented[..., 4:12].diff(dim=3).mean(dim=(1, 2, 3)) > 0
    assert 1 - rises.float().mean() == pytest.approx(flip, abs=0.08)


def test_flip_crop_moves_by_whole_pixels_with_black_around() -> None:
    images = torch.rand(300, 3, 16, 16) + 0.0
    augmented = FlipCrop(flip=0.0)(images)
    padded = F.pad(images, (2, 2, 2, 2), value=-1.0)
    moves = set()
    for index, one in enumerate(augmented):
        found = [
            (i, j) for i in range(5) for j in range(5) if torch.equal(one, padded[index, :, i : i + 16, j : j + 16])
        ]
        assert len(found) == 1
        moves.add(found[0])
    assert len(moves) == 25


def published_diff_augment(x: Tensor) -> Tensor:
    """DiffAugment as its authors wrote it (github.com/mit-han-lab/data-efficient-gans, DiffAugment_pytorch.py)."""
    x = x + (torch.rand(x.size(0), 1, 1, 1) - 0.5)
    x_mean = x.mean(dim=1, keepdim=True)
    x = (x - x_mean) * (torch.rand(x.size(0), 1, 1, 1) * 2) + x_mean
    x_mean = x.mean(dim=[1, 2, 3], keepdim=True)
    x = (x - x_mean) * (torch.rand(x.size(0), 1, 1, 1) + 0.5) + x_mean
    shift_x, shift_y = int(x.size(2) * 0.125 + 0.5), int(x.size(3) * 0.125 + 0.5)
    translation_x = torch.randint(-shift_x, shift_x + 1, size=[x.size(0), 1, 1])
    translation_y = torch.randint(-shift_y, shift_y + 1, size=[x.size(0), 1, 1])
    grid_batch, grid_x, grid_y = torch.meshgrid(
        torch.arange(x.size(0)), torch.arange(x.size(2)), torch.arange(x.size(3)), indexing="ij"
    )
    grid_x = torch.clamp(grid_x + translation_x + 1, 0, x.size(2) + 1)
    grid_y = torch.clamp(grid_y + translation_y + 1, 0, x.size(3) + 1)
    x_pad = F.pad(x, [1, 1, 1, 1, 0, 0, 0, 0])
    x = x_pad.permute(0, 2, 3, 1).contiguous()[grid_batch, grid_x, grid_y].permute(0, 3, 1, 2)
    cutout_size = int(x.size(2) * 0.5 + 0.5), int(x.size(3) * 0.5 + 0.5)
    offset_x = torch.randint(0, x.size(2) + (1 - cutout_size[0] % 2), size=[x.size(0), 1, 1])
    offset_y = torch.randint(0, x.size(3) + (1 - cutout_size[1] % 2), size=[x.size(0), 1, 1])
    grid_batch, grid_x, grid_y = torch.meshgrid(
        torch.arange(x.size(0)), torch.arange(cutout_size[0]), torch.arange(cutout_size[1]), indexing="ij"
    )
    grid_x = torch.clamp(grid_x + offset_x - cutout_size[0] // 2, min=0, max=x.size(2) - 1)
    grid_y = torch.clamp(grid_y + offset_y - cutout_size[1] // 2, min=0, max=x.size(3) - 1)
    mask = torch.ones(x.size(0), x.size(2), x.size(3))
    mask[grid_batch, grid_x, grid_y] = 0
    return x * mask.unsqueeze(1)


@pytest.mark.parametrize("width", [8, 14, 32])
def test_diff_augment_is_the_published_one(width: int) -> None:
    images = torch.rand(50, 3, width, width) * 2 - 1
    torch.manual_seed(3)
    expected = published_diff_augment(images)
    torch.manual_seed(3)
    torch.testing.assert_close(DiffAugment()(images), expected)


def test_diff_augment_passes_gradients_twice() -> None:
    images = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    policy = DiffAugment()

    def augmented(x: Tensor) -> Tensor:
        torch.manual_seed(0)
        return policy(x).pow(2)

    assert torch.autograd.gradcheck(augmented, (images,))
    (slope,) = torch.autograd.grad(augmented(images).sum(), images, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.pow(2).sum(), images)
    assert curvature.abs().sum() > 0


def test_diff_augment_does_what_it_is_told() -> None:
    images = torch.rand(200, 3, 8, 8) * 0.5 + 0.25
    assert torch.equal(DiffAugment("")(images), images)
    cut = DiffAugment("cutout")(images)
    assert torch.equal(cut[cut != 0], images[cut != 0])
    # at most half as wide and half as high as the image
    assert (cut == 0).all(dim=1).sum(dim=(1, 2)).max() == 16
    colored = DiffAugment("color")(images)
    assert (colored != 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DiffAugment("colour"), "DiffAugment has no policy 'colour'; give some of color, translation, cutout"),
        (lambda: FlipCrop(flip=1.5), "flip is 1.5"),
        (lambda: FlipCrop(shift=-0.1), "shift is -0.1"),
        (lambda: SMateAugment(flip=2), "flip is 2"),
        (lambda: SMateImgaug(flip=-1), "flip is -1"),
    ],
)
def test_settings_are_checked(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_imgaug_that_cannot_be_imported_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def broken(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("imgaug"):
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(InputError, match=r"imgaug cannot be imported \(libGL\.so\.1.*libgl1 and libglib2\.0-0") as told:
        SMateImgaug()
    assert len(str(told.value)) < 400
    assert not hasattr(np, "sctypes")


def test_numpy_is_left_as_it_was() -> None:
    SMateImgaug()
    assert not hasattr(np, "sctypes")
