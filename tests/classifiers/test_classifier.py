from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from sklearn.metrics import average_precision_score, f1_score, recall_score
from torch import nn
from torch.nn import functional as F

from gan_imbalance.classifiers import Classifier, load_classifier
from gan_imbalance.data import ImageDataModule, MixedDataModule, TabularDataModule
from gan_imbalance.data.loaders import SequentialLoader
from gan_imbalance.losses import FocalLoss, LogitAdjustedLoss
from gan_imbalance.networks import DenseClassifier, SMateCNN
from gan_imbalance.transforms import FlipCrop
from gan_imbalance.types import DataSpec, InputError

MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]
FAST = {"network": partial(DenseClassifier, widths=(16,), dropout=0.0), "optimizer": partial(torch.optim.Adam, lr=1e-2)}
SPEC = DataSpec(kind="table", shape=(4,), classes=("no", "yes"))


@pytest.fixture
def attached() -> Callable[..., Classifier]:
    def make(counts: tuple[int, int] = (30, 10), **settings: Any) -> Classifier:
        torch.manual_seed(0)
        module = Classifier(**{**FAST, **settings})
        module.build(SPEC, counts, {})
        module.trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
        return module

    return make


def batch(rows: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, 4, generator=generator), torch.randint(2, (rows,), generator=generator)


def test_forward_gives_probabilities(attached: Callable[..., Classifier]) -> None:
    probabilities = attached()(batch()[0])
    assert probabilities.shape == (32, 2)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(32))


@pytest.mark.parametrize(
    ("class_weights", "expected"),
    [(None, [1.0, 1.0]), ("balanced", [40 / 60, 40 / 20]), ([1.0, 5.0], [1.0, 5.0])],
)
def test_the_loss_is_weighted_cross_entropy(
    attached: Callable[..., Classifier], class_weights: Any, expected: list[float]
) -> None:
    module, (x, labels) = attached(class_weights=class_weights), batch()
    expected_loss = F.cross_entropy(module.network(x), labels, weight=torch.tensor(expected))
    torch.testing.assert_close(module.training_step((x, labels), 0), expected_loss)


def test_rows_may_count_by_a_weight_of_their_own(attached: Callable[..., Classifier]) -> None:
    module, (x, labels) = attached(class_weights=[1.0, 3.0]), batch()
    weights = torch.arange(32) % 3
    repeated = torch.arange(32).repeat_interleave(weights)
    loss = module.training_step((x, labels, weights.float()), 0)
    torch.testing.assert_close(loss, module.training_step((x[repeated], labels[repeated]), 0))


def test_a_batch_without_any_weight_teaches_nothing(attached: Callable[..., Classifier]) -> None:
    module, (x, labels) = attached(), batch()
    loss = module.training_step((x, labels, torch.zeros(32)), 0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss == 0
    assert all(not parameter.grad.any() for parameter in module.parameters() if parameter.grad is not None)


def test_any_loss_is_weighted_by_class_and_row(attached: Callable[..., Classifier]) -> None:
    module, (x, labels) = attached(class_weights=[1.0, 3.0], loss=FocalLoss(1.0)), batch()
    rows = torch.linspace(0, 1, 32)
    share = torch.tensor([1.0, 3.0])[labels] * rows
    p = module(x)[torch.arange(32), labels]
    expected = -(share * (1 - p) * p.log()).sum() / share.sum()
    torch.testing.assert_close(module.training_step((x, labels, rows), 0), expected)


def test_a_loss_is_told_the_training_rows_of_every_class(attached: Callable[..., Classifier]) -> None:
    given = LogitAdjustedLoss()
    module, (x, labels) = attached(loss=given), batch()
    expected = F.cross_entropy(module.network(x) + torch.tensor([0.75, 0.25]).log(), labels)
    torch.testing.assert_close(module.training_step((x, labels), 0), expected)
    assert given.adjustment is None


def test_an_augmentation_meets_training_samples_only(attached: Callable[..., Classifier]) -> None:
    plain, module, (x, labels) = attached(), attached(augmentation=Shift(3.0)), batch()
    torch.testing.assert_close(module.training_step((x, labels), 0), plain.training_step((x + 3, labels), 0))
    torch.testing.assert_close(module(x), plain(x))


class Shift(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.by


def test_loss_and_augmentation_are_kept_in_the_checkpoint(tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    data = tiny_data()
    module = Classifier(loss=LogitAdjustedLoss(0.5), augmentation=nn.Dropout(0.2), **FAST)
    fit(module, data).save_checkpoint(tmp_path / "classifier.ckpt")
    loaded = Classifier.load_from_checkpoint(tmp_path / "classifier.ckpt", weights_only=True)
    assert isinstance(loaded.loss, LogitAdjustedLoss)
    assert loaded.loss.tau == 0.5
    counts = np.bincount(data.frame("train")[1])
    torch.testing.assert_close(loaded.loss.adjustment, torch.tensor(0.5 * np.log(counts / counts.sum())).float())
    assert isinstance(loaded.augmentation, nn.Dropout)
    assert loaded.augmentation.p == 0.2


def test_weights_that_do_not_fit_the_classes_are_refused(attached: Callable[..., Classifier]) -> None:
    with pytest.raises(InputError, match="class_weights has 3 weights, but there are 2 classes"):
        attached(class_weights=[1.0, 2.0, 3.0])


def test_it_learns_and_is_judged_on_real_test_rows(
    tiny_data: MakeData, fit: Fit, separated_frame: pd.DataFrame
) -> None:
    data = tiny_data(steps_per_epoch=30, validation_fraction=0.2)
    module = Classifier(**FAST)
    trainer = fit(module, data)
    assert {"val/pr_auc", "val/recall_yes", "val/g_mean", "train/loss"} <= set(trainer.callback_metrics)
    (figures,) = trainer.test(module, data, verbose=False)
    features, labels = data.encoded("test")
    with torch.no_grad():
        probabilities = module.eval()(features)[:, 1].numpy()
    assert module.minority == 1
    assert figures["test/pr_auc"] == pytest.approx(average_precision_score(labels, probabilities))
    assert figures["test/recall_yes"] == pytest.approx(recall_score(labels, probabilities >= 0.5))
    tuned = probabilities >= float(module.threshold)
    assert figures["test/tuned/f1_yes"] == pytest.approx(f1_score(labels, tuned))
    assert figures["test/pr_auc"] > 0.95


@pytest.mark.parametrize(
    ("settings", "tuned"),
    [
        ({"max_epochs": 1, "num_sanity_val_steps": 1, "limit_val_batches": 0.5}, False),
        ({"fast_dev_run": True}, False),
        ({"max_epochs": 1, "num_sanity_val_steps": 1}, True),
    ],
)
def test_batches_without_the_minority_leave_the_threshold_alone(
    settings: dict[str, Any], tuned: bool, tiny_data: MakeData, fit: Fit
) -> None:
    module, data = Classifier(**FAST), tiny_data(validation_fraction=0.2)
    data.setup()
    features, labels = data.encoded("validation")
    rows = labels.argsort()
    by_class = SequentialLoader(features[rows], labels[rows], batch_size=10)
    assert not next(iter(by_class))[1].any()
    data.val_dataloader = lambda: by_class  # type: ignore[method-assign]
    fit(module, data, **settings)
    assert (module.threshold != 0.5) == tuned


@pytest.mark.parametrize(
    ("settings", "steps"), [({"log_every_n_steps": 3}, [3, 5, 6]), ({"barebones": True, "logger": None}, [])]
)
def test_the_loss_is_logged_as_often_as_told_and_once_an_epoch(
    settings: dict[str, Any], steps: list[int], tiny_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[int] = []
    monkeypatch.setattr(Classifier, "log", lambda self, name, *args, **_: logged.append(self.global_step + 1))
    trainer = pl.Trainer(**{"accelerator": "cpu", "max_steps": 7, "limit_val_batches": 0, "logger": False, **settings})
    trainer.fit(Classifier(**FAST), tiny_data(steps_per_epoch=5))
    assert logged == steps


def test_predictions_are_those_of_the_test_rows(tiny_data: MakeData, fit: Fit) -> None:
    data = tiny_data()
    module = Classifier(**FAST)
    trainer = fit(module, data)
    (predicted,) = trainer.predict(module, data)
    with torch.no_grad():
        torch.testing.assert_close(predicted, module.eval()(data.encoded("test")[0]))


def test_a_checkpoint_is_complete_and_safe(tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    data = tiny_data()
    module = Classifier(class_weights="balanced", **FAST)
    fit(module, data).save_checkpoint(tmp_path / "classifier.ckpt")
    loaded = Classifier.load_from_checkpoint(tmp_path / "classifier.ckpt", weights_only=True).eval()
    assert loaded.spec == data.spec
    assert torch.equal(loaded.threshold, module.threshold)
    assert torch.equal(loaded.weight, module.weight)
    assert loaded.data_state["split_hash"] == data.split.hash
    features = data.encoded("test")[0]
    assert torch.equal(loaded(features), module.eval()(features))


def test_a_loaded_classifier_predicts_as_the_saved_one_without_data(
    tiny_images: Callable[..., ImageDataModule], fit: Fit, tmp_path: Path
) -> None:
    module, data = Classifier(partial(SMateCNN, width=0.1), loss=FocalLoss(), augmentation=FlipCrop()), tiny_images()
    fit(module, data).save_checkpoint(tmp_path / "classifier.ckpt")
    loaded = load_classifier(tmp_path / "classifier.ckpt")
    assert not loaded.training
    assert loaded.spec == data.spec
    assert torch.equal(loaded.threshold, module.threshold)
    images = data.encoded("test")[0]
    with torch.no_grad():
        assert torch.equal(loaded(images), module.eval()(images))
    with pytest.raises(InputError, match=r"There is no checkpoint .*absent\.ckpt"):
        load_classifier(tmp_path / "absent.ckpt")


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    def train(epochs: int, ckpt_path: Path | None = None, seed: int = 0) -> pl.Trainer:
        # both draw in every step
        network = partial(DenseClassifier, widths=(16,), dropout=0.2)
        module = Classifier(network, augmentation=nn.Dropout(0.1), optimizer=FAST["optimizer"])
        return fit(module, tiny_data(), max_epochs=epochs, ckpt_path=ckpt_path, seed=seed)

    train(4).save_checkpoint(tmp_path / "whole.ckpt")
    train(2).save_checkpoint(tmp_path / "half.ckpt")
    train(4, tmp_path / "half.ckpt", seed=7).save_checkpoint(tmp_path / "resumed.ckpt")
    whole, resumed = (torch.load(tmp_path / f"{run}.ckpt", weights_only=True) for run in ("whole", "resumed"))
    for key in ("state_dict", "optimizer_states", "random_states", "global_step"):
        torch.testing.assert_close(resumed[key], whole[key], rtol=0, atol=0)


def test_a_checkpoint_meets_its_own_data_and_split_only(
    tiny_data: MakeData, fit: Fit, tmp_path: Path, separated_frame: pd.DataFrame
) -> None:
    path = tmp_path / "classifier.ckpt"
    fit(Classifier(**FAST), tiny_data()).save_checkpoint(path)
    trainer = pl.Trainer(logger=False, enable_progress_bar=False, enable_model_summary=False)
    for other in (tiny_data(split_seed=1), tiny_data(frame=separated_frame.drop(columns="colour"))):
        with pytest.raises(InputError, match="built for other data than this"):
            trainer.test(Classifier(**FAST), other, ckpt_path=path, weights_only=True)


def test_synthetic_rows_never_reach_validation_or_the_weights_of_classes(tiny_data: MakeData, fit: Fit) -> None:
    data = tiny_data()
    module = Classifier(class_weights="balanced", **FAST)
    fit(module, MixedDataModule(data))
    counts = np.bincount(data.frame("train")[1])
    torch.testing.assert_close(module.weight, torch.tensor(counts.sum() / (2 * counts), dtype=torch.float))
