from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.classifiers import SAMME, ImageClassifier, NetworkClassifier, TableClassifier
from gan_imbalance.losses import FocalLoss, LogitAdjustedLoss
from gan_imbalance.networks import MixedTableClassifier, SMateCNN
from gan_imbalance.transforms import CutMix, DiffAugment
from gan_imbalance.types import InputError, Span

Data = tuple[np.ndarray, np.ndarray]
FAST = {"max_steps": 60, "lr": 1e-2}


@pytest.fixture
def data() -> Data:
    """Return 90 rows of three normal columns in three classes, a few units apart."""
    y = np.array(["low", "middle", "high"])[np.arange(90) % 3]
    centres = {"low": -3.0, "middle": 0.0, "high": 3.0}
    X = np.random.default_rng(0).normal(size=(90, 3)) + np.array([centres[label] for label in y])[:, None]
    return X, y


def test_it_learns(data: Data) -> None:
    model = TableClassifier(**FAST).fit(*data)
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert model.n_features_in_ == 3
    assert model.score(*data) > 0.9
    probabilities = model.predict_proba(data[0])
    assert probabilities.shape == (90, 3)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(model.predict(data[0]), model.classes_[probabilities.argmax(axis=1)])


def test_it_stands_among_scikit_learns_own(data: Data) -> None:
    scores = cross_val_score(make_pipeline(StandardScaler(), TableClassifier(**FAST)), *data, cv=3, error_score="raise")
    assert (scores > 0.8).all()
    copy = clone(TableClassifier(max_steps=7, weight_decay=0.5))
    assert copy.get_params()["max_steps"] == 7
    assert copy.get_params()["weight_decay"] == 0.5


def test_a_seed_makes_it_reproducible_and_the_global_one_is_left_alone(data: Data) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second, other = (
        TableClassifier(max_steps=5, random_state=seed).fit(*data).predict_proba(data[0]) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(1), expected)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_rows_of_no_weight_are_not_learned_from(data: Data) -> None:
    X, y = data
    wrong = np.where(np.arange(90) < 45, y, "low")
    model = TableClassifier(**FAST).fit(X, wrong, sample_weight=(np.arange(90) < 45).astype(float))
    assert model.score(X, y) > 0.9
    assert TableClassifier(**FAST).fit(X, wrong).score(X, y) < 0.9


def test_it_takes_the_steps_it_is_given(data: Data) -> None:
    assert steps_taken(TableClassifier(max_steps=3), data) == 3
    assert steps_taken(TableClassifier(max_steps=301), data) == 301


def steps_taken(model: NetworkClassifier, data: Data) -> int:
    """Train a classifier, and return how many steps it had taken after the last epoch."""
    steps: list[int] = []
    model.fit(*data, on_epoch=lambda step, _: steps.append(step))
    return steps[-1]


@pytest.mark.parametrize("boosted", [False, True])
def test_what_it_learned_from_is_let_go(boosted: bool, data: Data, living_loaders: Callable[[], int]) -> None:
    before = living_loaders()
    learner = TableClassifier(max_steps=1)
    model = (SAMME(learner, n_estimators=2, learning_rate=0.1) if boosted else learner).fit(*data)
    assert living_loaders() == before
    assert model.predict(data[0]).shape == (90,)


def test_it_is_pickled_with_its_weights(data: Data) -> None:
    model = TableClassifier(max_steps=5).fit(*data)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(data[0]), model.predict_proba(data[0]))


def test_misuse_is_told_as_scikit_learn_tells_it(data: Data) -> None:
    with pytest.raises(NotFittedError):
        TableClassifier().predict(data[0])
    model = TableClassifier(max_steps=1).fit(*data)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(data[0][:, :2])
    with pytest.raises(ValueError, match="NaN"):
        TableClassifier().fit(np.full((4, 2), np.nan), [0, 1, 0, 1])


def test_the_best_weights_may_be_kept_instead_of_the_last(data: Data) -> None:
    seen: list[np.ndarray] = []

    def judge(step: int, model: TableClassifier) -> float:
        seen.append(model.predict_proba(data[0]))
        return [0.2, 0.9, 0.4][len(seen) - 1]

    best, last = (TableClassifier(max_steps=150, keep_best=kept) for kept in (True, False))
    assert np.array_equal(best.fit(*data, on_epoch=judge).predict_proba(data[0]), seen[1])
    seen.clear()
    assert np.array_equal(last.fit(*data, on_epoch=judge).predict_proba(data[0]), seen[2])


def test_a_network_named_by_its_class_path_learns_of_the_columns(data: Data) -> None:
    spans = (Span("first", "linear", 0, 1), Span("second", "categorical", 1, 2))
    model = TableClassifier("gan_imbalance.networks.MixedTableClassifier", spans=spans, max_steps=2).fit(*data)
    assert isinstance(model.module_.network, MixedTableClassifier)
    assert len(model.module_.network.blocks[0].embeddings) == 1


def test_a_loss_of_its_own_is_told_the_counts_and_left_as_it_was(data: Data) -> None:
    X, y = data
    kept = (y != "high") | (np.arange(90) < 15)
    loss = LogitAdjustedLoss()
    model = TableClassifier(loss=loss, **FAST).fit(X[kept], y[kept])
    assert loss.adjustment is None
    expected = np.log([5 / 65, 30 / 65, 30 / 65])
    np.testing.assert_allclose(model.module_.loss.adjustment, expected, rtol=1e-5)
    named = TableClassifier(loss={"class_path": "gan_imbalance.losses.FocalLoss", "init_args": {"gamma": 1.5}}, **FAST)
    assert named.fit(X, y).module_.loss.gamma == 1.5
    assert named.score(X, y) > 0.9


SMALL = {"network": partial(SMateCNN, width=0.5), "lr": 1e-3, "batch_size": 64, "accelerator": "cpu"}


@pytest.fixture(scope="module")
def digits() -> Data:
    """Return 400 pictures of the digits 0 to 3, 1 x 8 x 8, in 0..255, and their names."""
    pixels, labels = load_digits(n_class=4, return_X_y=True)
    images = (pixels.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    return images[:400], np.array(["zero", "one", "two", "three"])[labels[:400]]


def test_images_are_learned(digits: Data) -> None:
    X, y = digits
    model = ImageClassifier(epochs=8, **SMALL)
    assert steps_taken(model, (X[:300], y[:300])) == 8 * 5
    assert model.classes_.tolist() == ["one", "three", "two", "zero"]
    assert model.score(X[300:], y[300:]) > 0.9
    assert np.array_equal(model.predict(torch.from_numpy(X)), model.predict(X))


def test_images_are_judged_a_part_at_a_time(digits: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ImageClassifier(max_steps=1, **SMALL).fit(*digits)
    x = torch.from_numpy(digits[0]).float() / 127.5 - 1
    with torch.no_grad():
        expected = model.module_.network(x).softmax(dim=1)
    monkeypatch.setattr(ImageClassifier, "samples_at_once", 7)
    np.testing.assert_allclose(model.predict_proba(digits[0]), expected, rtol=1e-4, atol=1e-6)


def test_it_does_what_a_loop_by_hand_does(digits: Data) -> None:
    X, y = digits
    weights = np.linspace(0, 2, 400)
    settings = {**SMALL, "network": _Still, "lr": 1e-4, "weight_decay": 0.1}
    batches: list[Tensor] = []

    class Seen(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            batches.append(x)
            return x

    model = ImageClassifier(max_steps=3, augmentation=Seen(), **settings).fit(X, y, sample_weight=weights)
    torch.manual_seed(0)
    network = settings["network"](model.module_.spec)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-4, weight_decay=0.1)
    known = torch.from_numpy(X).float() / 127.5 - 1
    assert len(batches) == 3
    for x in batches:
        rows = torch.cdist(x.flatten(1), known.flatten(1)).argmin(dim=1)
        torch.testing.assert_close(x, known[rows])
        labels = torch.from_numpy(np.searchsorted(model.classes_, y[rows]))
        losses = F.cross_entropy(network(x), labels, reduction="none")
        share = torch.from_numpy(weights[rows]).float()
        optimizer.zero_grad()
        ((losses * share).sum() / share.sum()).backward()
        optimizer.step()
    for ours, theirs in zip(model.module_.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


class _Still(SMateCNN):
    """Without dropout, whose draws depend on what was drawn before."""

    def __init__(self, spec: object) -> None:
        super().__init__(spec, width=0.2)
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0


def test_every_batch_has_its_share_of_added_images(digits: Data) -> None:
    X, y = digits
    marked = np.arange(400) >= 390
    X = np.where(marked[:, None, None, None], 255, X // 2).astype(np.uint8)
    shares: list[float] = []

    class Counted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            shares.append((x.amin(dim=(1, 2, 3)) == 1).float().mean().item())
            return x

    ImageClassifier(max_steps=3, augmentation=Counted(), **SMALL).fit(X, y, added=marked, added_share=0.25)
    assert shares == [0.25] * 3


def test_weights_may_say_how_likely_an_image_is_to_be_drawn(digits: Data) -> None:
    X, y = digits
    X = np.minimum(X, 100)
    X[:10] += 100
    weights = np.where(np.arange(400) < 10, 39.0, 1.0)
    shares: list[float] = []

    class Counted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            shares.append((x.amin(dim=(1, 2, 3)) > -0.9).float().mean().item())
            return x

    model = ImageClassifier(max_steps=30, augmentation=Counted(), weighting="draw", **SMALL)
    model.fit(X, y, sample_weight=weights)
    # five standard deviations
    assert np.mean(shares) == pytest.approx(0.5, abs=0.06)
    shares.clear()
    added = np.arange(400) >= 200
    model.fit(X, y, sample_weight=np.where(np.arange(400) < 10, 1.0, added), added=added, added_share=0.25)
    assert shares == [0.75] * 30


def test_the_rate_may_go_through_one_cycle(digits: Data) -> None:
    rates: list[float] = []

    class Seen(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    ImageClassifier(max_steps=20, schedule="one_cycle", optimizer=Seen, **{**SMALL, "lr": 0.1}).fit(*digits)
    # torch's own, by its formula: from a 25th to the rate in three tenths of the steps, then down by a cosine
    highest = int(np.argmax(rates))
    assert len(rates) == 20
    assert rates[0] == pytest.approx(0.1 / 25)
    assert (highest, rates[highest]) == (5, pytest.approx(0.1))
    assert rates[-1] < 1e-5
    assert np.all(np.diff(rates[:6]) > 0)
    assert np.all(np.diff(rates[5:]) < 0)


def test_images_may_be_mixed_with_their_labels(digits: Data) -> None:
    X, y = digits
    seen: list[tuple[Tensor, Tensor]] = []

    class Halves(nn.Module):
        def forward(self, x: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
            seen.append((x, probabilities))
            return (x + x.flip(0)) / 2, (probabilities + probabilities.flip(0)) / 2

    model = ImageClassifier(max_steps=2, mixing=Halves(), **SMALL).fit(X, y)
    known = torch.from_numpy(X).float() / 127.5 - 1
    for x, probabilities in seen:
        rows = torch.cdist(x.flatten(1), known.flatten(1)).argmin(dim=1)
        assert model.classes_[probabilities.argmax(dim=1)].tolist() == y[rows].tolist()
        assert probabilities.sum(dim=1).tolist() == [1.0] * 64
    with pytest.raises(InputError, match="mixing has no weight for a mixture of samples"):
        model.fit(X, y, sample_weight=np.linspace(0, 1, 400))
    # weights that decide what is drawn are no matter
    ImageClassifier(max_steps=1, mixing=CutMix(), weighting="draw", **SMALL).fit(X, y, np.linspace(0, 1, 400))


def test_an_image_classifier_is_one_of_scikit_learns(digits: Data) -> None:
    model = ImageClassifier(epochs=3, loss=FocalLoss(), random_state=5)
    assert clone(model).get_params()["loss"].gamma == 2
    assert steps_taken(ImageClassifier(max_steps=7), digits) == 7
    settings = {**SMALL, "optimizer": "torch.optim.SGD", "augmentation": DiffAugment()}
    fitted = ImageClassifier(max_steps=1, **settings).fit(*digits)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(digits[0]), fitted.predict(digits[0]))


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 1, 8, 8)), np.zeros((4, 64), np.uint8), np.zeros((0, 1, 8, 8), np.uint8)]
)
def test_what_is_no_image_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="Images are uint8 of shape"):
        ImageClassifier().fit(wrong, np.arange(len(wrong)) % 2)


def test_images_of_another_size_are_refused(digits: Data) -> None:
    model = ImageClassifier(max_steps=1, **SMALL).fit(*digits)
    with pytest.raises(InputError, match=r"Images of 3 x 8 x 8 .* were given to a classifier of images of 1 x 8 x 8"):
        model.predict(np.zeros((2, 3, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ImageClassifier().fit(digits[0], digits[1][:-1])


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        ({"weighting": "drawn"}, {}, "weighting is 'drawn': give loss or draw"),
        ({"schedule": "cosine"}, {}, "schedule is 'cosine': give constant or one_cycle"),
        ({}, {"added": np.ones(400, bool)}, "added marks all samples as added ones"),
        ({}, {"added_share": 1.5}, r"added_share is 1\.5: give a share from 0 to 1"),
        ({}, {"sample_weight": np.ones(399)}, "inconsistent numbers of samples"),
        ({}, {"sample_weight": np.zeros(400)}, "sample_weight is 0 for all samples"),
        ({"weighting": "draw"}, {"sample_weight": np.ones(399)}, "inconsistent numbers of samples"),
        ({}, {"added": np.arange(399) > 300}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_trained_with_is_refused(
    settings: dict[str, Any], options: dict[str, Any], message: str, digits: Data
) -> None:
    with pytest.raises(ValueError, match=message):
        ImageClassifier(max_steps=1, **{**SMALL, **settings}).fit(*digits, **options)
