"""The over-sampler of images: exact numbers, shared pretraining, and a penalty taught on the images at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from sklearn.base import clone

from gan_imbalance.checkpoints import read_checkpoint
from gan_imbalance.classifiers import ImageClassifier
from gan_imbalance.gans import ConditionalGAN, MinorityTransferGAN
from gan_imbalance.losses import MajorityPenalty
from gan_imbalance.oversampling import ImageOverSampler
from gan_imbalance.types import InputError

CLASSES = np.array(["cat", "dog", "eel"])
TINY: dict[str, Any] = {
    "generator": {"class_path": "gan_imbalance.networks.DCGANGenerator", "init_args": {"width": 2}},
    "discriminator": {"class_path": "gan_imbalance.networks.DCGANDiscriminator", "init_args": {"width": 2}},
    "latent_dim": 3,
    "discriminator_steps": 1,
}
CLASSIFIER = {
    "class_path": "gan_imbalance.classifiers.ImageClassifier",
    "init_args": {
        "network": {"class_path": "gan_imbalance.networks.SMateCNN", "init_args": {"width": 0.1}},
        "max_steps": 2,
        "batch_size": 8,
        "accelerator": "cpu",
    },
}


@pytest.fixture
def images() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return 26 random images, and their classes: 12, 10 and 4 of each."""
    random = np.random.default_rng(0)
    return random.integers(256, size=(26, 1, 8, 8), dtype=np.uint8), CLASSES.repeat([12, 10, 4])


def sampler(gan: str = "MinorityTransferGAN", settings: dict[str, Any] | None = None, **options: Any) -> Any:
    config = {"class_path": f"gan_imbalance.gans.{gan}", "init_args": {**TINY, **(settings or {})}}
    return ImageOverSampler(config, **{"max_steps": 4, "batch_size": 4, "accelerator": "cpu", **options})


@pytest.mark.parametrize("gan", ["GAN", "ConditionalGAN", "MinorityTransferGAN"])
def test_classes_are_balanced_by_images_behind_the_originals(gan: str, images: Any) -> None:
    X, y = images
    made = sampler(gan, random_state=1)
    resampled, labels = made.fit_resample(X, y)
    assert resampled.dtype == np.uint8
    assert np.array_equal(resampled[:26], X)
    assert np.array_equal(labels[:26], y)
    assert dict(zip(*np.unique(labels[26:], return_counts=True), strict=True)) == {"dog": 2, "eel": 8}
    assert set(made.gans_) == {"dog", "eel"}
    assert len({id(one) for one in made.gans_.values()}) == (1 if gan == "ConditionalGAN" else 2)
    assert {row["class"] for row in made.history_} >= {"dog"}
    again, _ = clone(made).fit_resample(torch.from_numpy(X), y)
    assert np.array_equal(again, resampled)


def test_a_first_phase_is_shared_by_those_that_start_alike(images: Any, tmp_path: Path) -> None:
    X, y = images
    options: dict[str, Any] = {"sampling_strategy": {"eel": 6}, "cache": tmp_path, "random_state": 0}
    frozen = sampler(**options)
    frozen.fit_resample(X, y)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    penalised = {"majority_penalty": {"class_path": "gan_imbalance.losses.MajorityPenalty"}}
    sampler(settings=penalised, classifier=CLASSIFIER, **options).fit_resample(X, y)
    (classifier,) = tmp_path.glob("classifier-*")
    taught = classifier.stat().st_mtime_ns
    sampler(settings=penalised, classifier=CLASSIFIER, pretrain_steps=0, **options).fit_resample(X, y)
    sampler(settings={"freeze_generator_blocks": 2}, **options).fit_resample(X, y)
    sampler(pretrain_steps=0, **options).fit_resample(X, y)
    assert [one.stat().st_mtime_ns for one in tmp_path.glob("pretrained-*")] == [written]
    assert [one.stat().st_mtime_ns for one in tmp_path.glob("classifier-*")] == [taught]
    # another length is another first phase
    sampler(pretrain_steps=1, **options).fit_resample(X, y)
    assert len(list(tmp_path.iterdir())) == 3
    start, end = read_checkpoint(path, "generator")["state_dict"], frozen.gans_["eel"].state_dict()
    unchanged = {name for name in end if torch.equal(start[name], end[name])}
    # GANs train both networks but for the first block of the generator
    assert "generator.blocks.0.0.weight" in unchanged
    assert "generator.blocks.1.0.weight" not in unchanged


def test_a_first_phase_sees_nothing_of_the_class(images: Any, tmp_path: Path) -> None:
    X, y = images
    changed = np.where((y == "eel")[:, None, None, None], 255 - X, X)
    states = []
    for number, content in enumerate((X, changed)):
        folder = tmp_path / str(number)
        sampler(sampling_strategy={"eel": 6}, cache=folder, random_state=0).fit_resample(content, y)
        (path,) = folder.iterdir()
        states.append(read_checkpoint(path, "generator")["state_dict"])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_penaltys_classifier_learns_the_images_at_hand(images: Any) -> None:
    X, y = images
    penalised = sampler(settings={"majority_penalty": MajorityPenalty(weight=0.5)}, classifier=CLASSIFIER)
    penalised.set_params(sampling_strategy={"eel": 5}, random_state=0).fit_resample(X, y)
    gan = penalised.gans_["eel"]
    assert isinstance(gan, MinorityTransferGAN)
    assert gan.majority_penalty is not None
    assert gan.majority_penalty.weight == 0.5
    assert gan.majority_penalty.classifier is not None
    assert gan.majority_penalty.classifier(torch.zeros(2, 1, 8, 8)).shape == (2, 3)


def test_the_penaltys_classifier_is_trained_once_for_all_classes_of_a_seed(images: Any) -> None:
    penalty = MajorityPenalty()
    penalised = sampler(settings={"majority_penalty": penalty}, classifier=CLASSIFIER, random_state=0)
    with patch.object(ImageClassifier, "fit", autospec=True, side_effect=ImageClassifier.fit) as fit:
        penalised.fit_resample(*images)
        assert fit.call_count == 1
        assert len(penalised.gans_) == 2
        penalised.set_params(random_state=1).fit_resample(*images)
    first, second = (call.args[0].random_state for call in fit.call_args_list)
    assert first != second
    # what was given to the sampler stays as it was
    assert penalty.classifier is None


@pytest.mark.parametrize("steps", [{"max_steps": 0}, {"max_steps": 2, "pretrain_steps": 2}])
def test_a_transfer_may_end_before_its_second_phase(steps: dict[str, int], images: Any) -> None:
    _, labels = sampler(**steps).fit_resample(*images)
    assert np.count_nonzero(labels == "eel") == 12


def test_no_two_classes_are_sampled_alike(images: Any) -> None:
    with patch.object(ConditionalGAN, "sample", autospec=True, side_effect=ConditionalGAN.sample) as sample:
        sampler("ConditionalGAN", random_state=0).fit_resample(*images)
    first, second = (call.args[2] for call in sample.call_args_list)
    assert first != second


def test_what_it_cannot_use_is_refused(images: Any) -> None:
    X, y = images
    with pytest.raises(InputError, match=r"float64 of shape \(26, 1, 8, 8\)"):
        sampler().fit_resample(X / 255, y)
    with pytest.raises(InputError, match="pretrain_steps is 5, which is more than the 4 steps in all"):
        sampler(pretrain_steps=5).fit_resample(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze_generator_blocks": 9}, "block"),
        ({"freeze_discriminator_blocks": 9}, "block"),
        ({"majority_penalty": MajorityPenalty()}, "name one with classifier"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_phase(
    settings: dict[str, Any], message: str, images: Any, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        sampler(settings=settings, cache=tmp_path).fit_resample(*images)
    assert not list(tmp_path.iterdir())


def test_a_class_may_have_any_name(images: Any) -> None:
    X, y = images
    _, labels = sampler().fit_resample(X, np.where(y == "eel", "others", y))
    assert np.count_nonzero(labels == "others") == 12


def test_the_checkpoint_may_be_chosen_by_images_held_out(images: Any) -> None:
    X, y = images
    made = sampler("GAN", sampling_strategy={"dog": 12}, max_steps=40, validation_fraction=0.4, random_state=0)
    made.fit_resample(X, y)
    distances = [row["val/kid_classifier"] for row in made.history_]
    assert len(distances) == 20
    assert len(set(distances)) > 1
    last = sampler("GAN", sampling_strategy={"dog": 12}, max_steps=40, random_state=0)
    last.fit_resample(X, y)
    assert "val/kid_classifier" not in last.history_[0]
    with pytest.raises(ValueError, match="validation_fraction"):
        sampler("GAN", validation_fraction=1.0).fit_resample(X, y)
