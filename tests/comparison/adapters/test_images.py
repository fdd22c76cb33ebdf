"""Images are compared as tables are."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance import gans
from gan_imbalance.classifiers import ImageClassifier
from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.adapters.images import ImageAdapter
from gan_imbalance.comparison.plan.catalogue import IMAGE_REMEDIES, choose_remedies
from gan_imbalance.comparison.plan.cells import group_cells
from gan_imbalance.comparison.plan.planning import plan_cells
from gan_imbalance.comparison.plan.study import Setting, split_data, split_keys
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import make_report
from gan_imbalance.comparison.run.rows import Resampled, resample
from gan_imbalance.comparison.run.task import run_task
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import DigitsDataModule
from gan_imbalance.oversampling import resolve_gan

RARE = 2
LINEAR = {"class_path": "tests.comparison.adapters.test_images.PixelRegression"}
NETWORK = {
    "class_path": "gan_imbalance.classifiers.ImageClassifier",
    "init_args": {
        "network": {"class_path": "gan_imbalance.networks.SMateCNN", "init_args": {"width": 0.1}},
        "max_steps": 20,
        "lr": 1e-3,
        "accelerator": "cpu",
    },
}
TINY_GAN = {
    "class_path": "gan_imbalance.gans.MinorityTransferGAN",
    "init_args": {
        "generator": {"class_path": "gan_imbalance.networks.DCGANGenerator", "init_args": {"width": 2}},
        "discriminator": {"class_path": "gan_imbalance.networks.DCGANDiscriminator", "init_args": {"width": 2}},
    },
}


def transfer(name: str, **init_args: Any) -> Remedy:
    settings = {"gan": TINY_GAN, "max_steps": 4, "accelerator": "cpu", **init_args}
    return Remedy(name, {"class_path": "gan_imbalance.oversampling.ImageOverSampler", "init_args": settings})


@pytest.fixture(autouse=True)
def quick_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the network that features come from for a few steps only."""
    monkeypatch.setattr("gan_imbalance.comparison.adapters.images._FEATURE_STEPS", 5)


@pytest.fixture
def data() -> DigitsDataModule:
    """Return the digits 1, 4 and 8, of which the last has ten training images."""
    return DigitsDataModule(only=[1, 4, 8], keep={"8": 10}, test_fraction=0.3, validation_fraction=0.2)


def apply(remedy: Remedy, data: DigitsDataModule, rows: int | None = 12) -> Resampled:
    return resample(remedy, adapter_of(data.samples, data.split.train), data, RARE, rows)


@pytest.mark.parametrize("name", ["random_over", "smote", "adasyn"])
def test_samplers_of_vectors_give_bytes_back(name: str, data: DigitsDataModule) -> None:
    made = apply(IMAGE_REMEDIES[name], data)
    assert made.added.dtype == np.uint8
    assert made.added.shape[1:] == (1, 8, 8)
    assert set(made.labels.tolist()) == {RARE}
    images, split = data.samples.images.numpy(), data.split
    assert np.array_equal(made.kept, split.train)
    rare = images[split.train[data.samples.labels[split.train] == RARE]].astype(int)
    if name == "random_over":
        assert all((rare == image).all(axis=(1, 2, 3)).any() for image in made.added)
    # between two images of the class: sums of bytes that wrapped around would lie outside
    assert (made.added >= rare.min(axis=0)).all()
    assert (made.added <= rare.max(axis=0)).all()


def test_random_under_sampling_keeps_real_images(data: DigitsDataModule) -> None:
    made = apply(IMAGE_REMEDIES["random_under"], data, rows=None)
    assert np.bincount(data.samples.labels[made.kept]).tolist() == [10, 10, 10]
    assert len(made.added) == 0


def test_no_other_image_than_the_splits_own_is_looked_at(data: DigitsDataModule) -> None:
    remedy = transfer("mine", random_state=0)
    expected, found = apply(remedy, data), apply(remedy, poisoned(data))
    assert np.array_equal(found.added, expected.added)
    assert found.quality == expected.quality


def poisoned(data: DigitsDataModule) -> DigitsDataModule:
    """Return the same with inverted test images."""
    test = np.isin(np.arange(len(data.samples)), data.split.test)
    images = data.samples.images.numpy().copy()
    images[test] = 255 - images[test]
    return data.adapted(samples=type(data.samples)(images, data.samples.labels, data.samples.classes))


@pytest.mark.parametrize("name", ["filtered_conditional_gan", "distilled_conditional_gan", "teacher"])
def test_a_teacher_learns_from_no_other_image_than_the_splits_own(name: str, data: DigitsDataModule) -> None:
    remedy = IMAGE_REMEDIES[name]
    if remedy.resampler is not None:
        settings = {"gan": {**TINY_GAN, "class_path": "gan_imbalance.gans.ConditionalGAN"}, "accelerator": "cpu"}
        remedy = remedy.with_init_args(**settings, max_steps=3)
    teacher = {
        "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
        "init_args": {"members": {"network": NETWORK}, "folds": 2},
    }
    if remedy.transform is not None:
        remedy = replace(remedy, transform={**remedy.transform, "init_args": {"teacher": teacher}})
    else:
        remedy = replace(remedy, estimator=teacher)
    found = []
    for images in (data, poisoned(data)):
        study = split_data(images, split_keys([0], 0, [Setting()]), 0)
        (task,) = group_cells(plan_cells(study, [remedy], {"linear": LINEAR, "network": NETWORK}, ["balance"]))
        result = run_task(study, task, {})
        assert not result.failures
        found.append([cell.content for cell in result.cells])
    for clean, dirty in zip(*found, strict=True):
        for told in ("validation", "tuned_threshold", "rows", "quality"):
            assert clean[told] == pytest.approx(dirty[told], nan_ok=True)
        assert clean["metrics"] != dirty["metrics"]


def test_added_images_survive_the_file(data: DigitsDataModule) -> None:
    made = apply(IMAGE_REMEDIES["random_over"], data)
    adapter = adapter_of(data.samples)
    read = Resampled.unpack(made.pack(adapter), adapter)
    assert np.array_equal(read.added, made.added)
    assert np.array_equal(read.labels, made.labels)
    assert read.quality == made.quality
    assert made.quality["exact_copies"] == 1


def test_features_tell_copies_and_other_images_from_the_classs_own(data: DigitsDataModule) -> None:
    adapter, labels = adapter_of(data.samples, data.split.train), data.samples.labels
    known, unseen = (part[labels[part] == 0] for part in (data.split.train, data.split.validation))
    copies = adapter.judge(known, adapter.take(known), unseen, seed=0)
    others = adapter.judge(known, adapter.take(data.split.train[labels[data.split.train] == 1]), unseen, seed=0)
    assert copies["exact_copies"] == 1
    assert others["exact_copies"] == 0
    assert copies["frechet_distance"] < others["frechet_distance"]
    assert copies["precision"] > others["precision"]
    assert copies["closest_record_share"] > 0.6
    assert adapter.judge(known, adapter.take(known[:0]), unseen, seed=0) == {}
    assert "closest_record_share" not in adapter.judge(known, adapter.take(known), unseen[:0], seed=0)


def test_a_split_has_one_feature_network_however_many_ask_at_once(
    data: DigitsDataModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[int] = []
    learn = ImageClassifier.fit

    def counted(self: ImageClassifier, X: Any, y: Any) -> ImageClassifier:
        fits.append(len(X))
        time.sleep(0.2)
        return learn(self, X, y)

    monkeypatch.setattr(ImageClassifier, "fit", counted)
    images = torch.rand(5, 1, 8, 8) * 2 - 1
    train, fewer = data.split.train, data.split.train[:-1]

    def features(rows: Any) -> torch.Tensor:
        adapter = adapter_of(data.samples, rows, tmp_path)
        # without the lock that Python 3.11's cached_property has between threads, but not between processes
        network = ImageAdapter.feature_network.func(adapter)
        with torch.no_grad():
            return network.features(images)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(features, [train, train])
    assert torch.equal(first, second)
    assert fits == [len(train)]
    assert torch.equal(features(train), first)
    assert fits == [len(train)]
    # another split may learn from other images
    assert not torch.equal(features(fewer), first)
    assert fits == [len(train), len(fewer)]
    assert len(list(tmp_path.iterdir())) == 2


def test_standard_remedies_of_images_are_named() -> None:
    chosen = {remedy.name: remedy for remedy in choose_remedies(None, kind="image")}
    assert {"focal_loss", "augmentation", "real_rows", "minority_transfer_from_scratch"} < set(chosen)
    assert "jittered_copies" not in chosen
    assert chosen["focal_loss"].role == chosen["augmentation"].role == "standard"
    assert chosen["untrained_generator"].role == "control"
    quick = chosen["minority_transfer_from_scratch"].with_gan_steps(3, override=True)
    assert (quick.init_args["max_steps"], quick.init_args["pretrain_steps"]) == (3, 0)
    assert transfer("mine", pretrain_steps=3).with_gan_steps(2, override=True).init_args["pretrain_steps"] is None


@pytest.mark.parametrize("name", [name for name, remedy in IMAGE_REMEDIES.items() if remedy.takes_steps])
def test_every_gan_with_a_name_makes_images(name: str, data: DigitsDataModule) -> None:
    remedy = IMAGE_REMEDIES[name].with_gan_steps(2, override=True).with_init_args(batch_size=4, accelerator="cpu")
    made = apply(remedy, data)
    assert made.added.shape == (12 if remedy.is_sized else 2 * len(data.split.train), 1, 8, 8)
    assert made.added.std() > 0


def test_every_gan_of_images_has_a_name() -> None:
    named = {resolve_gan(remedy.init_args["gan"])[0] for remedy in IMAGE_REMEDIES.values() if remedy.takes_steps}
    assert named == {gan for name in gans.__all__ if "image" in (gan := getattr(gans, name)).kinds} - {gans.BaseGAN}


def test_images_are_compared_and_reported(
    data: DigitsDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remedies = [
        "class_weights",
        "focal_loss",
        "smote",
        transfer("transfer"),
        transfer("scratch", pretrain_steps=0),
    ]
    classifiers = {"network": NETWORK, "linear": LINEAR}

    def run() -> int:
        options: dict[str, Any] = {"seeds": 1, "folds": 0, "controls": False, "wandb": False}
        found = compare(data, remedies, classifiers, output=str(tmp_path), **options)
        found.show()
        return found.exit_code

    assert run() == 0
    results = pd.read_csv(tmp_path / "results.csv")
    assert len(results) == 2 * 6 - 1
    assert {"recall_8", "quality_frechet_distance"} < set(results)
    record = json.loads((tmp_path / "comparison.json").read_text())
    assert record["left_out"] == {"focal_loss with linear": "the classifier has no argument 'loss'"}
    assert (record["kind"], record["shape"]) == ("image", [1, 8, 8])
    # one feature network, and one first phase: that of "transfer"
    assert len(list((tmp_path / "cache").iterdir())) == 2
    page = (tmp_path / "report.html").read_text()
    assert "8 x 8 pixels, grey" in page
    assert "Fréchet distance of features" in page
    assert {"images_transfer.png", "images_scratch.png"} < {path.name for path in (tmp_path / "plots").iterdir()}
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()}
    assert run() == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()} == times
    make_report(Findings.of(Store(tmp_path)), save_plots=False)
    assert "Report:" in capsys.readouterr().out


class PixelRegression:
    """A logistic regression of pixels, whose probabilities any classifier in scikit-learn's manner may have."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PixelRegression:
        """Learn from uint8 images."""
        from sklearn.linear_model import LogisticRegression

        self.model = LogisticRegression(max_iter=200).fit(X.reshape(len(X), -1) / 255, y, sample_weight)
        self.classes_ = self.model.classes_
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return probabilities, (n, classes)."""
        return self.model.predict_proba(X.reshape(len(X), -1) / 255)
