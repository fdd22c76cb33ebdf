"""What every loss, penalty and term must hold to."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from functools import partial
from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

from gan_imbalance import losses
from gan_imbalance.components import build, import_class, to_config
from gan_imbalance.losses import (
    AdversarialLoss,
    AuxiliaryLoss,
    ClassificationLoss,
    ClippedWassersteinLoss,
    DRAGANPenalty,
    FeatureMatching,
    FocalLoss,
    GradientPenalty,
    LogitAdjustedLoss,
    NonSaturatingLoss,
    TwoHeadedLoss,
)

FILES = [import_module(f"{losses.__name__}.{file.name}") for file in pkgutil.iter_modules(losses.__path__)]
CLASSES = [item for item in vars(losses).values() if inspect.isclass(item) and not inspect.isabstract(item)]


def test_the_package_has_every_public_name_of_its_files_and_no_other() -> None:
    own = {
        name
        for file in FILES
        for name, item in vars(file).items()
        if getattr(item, "__module__", None) == file.__name__ and not name.startswith("_")
    }
    assert sorted(own) == sorted(losses.__all__)
    assert {name for name, item in vars(losses).items() if callable(item) and not name.startswith("_")} == own


@pytest.mark.parametrize("loss_class", CLASSES)
def test_it_goes_by_a_checkpoint_and_by_the_name_of_the_package(loss_class: type[nn.Module]) -> None:
    assert isinstance(build(to_config(loss_class())), loss_class)
    assert import_class(f"gan_imbalance.losses.{loss_class.__name__}") is loss_class


def _meta(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta", requires_grad=True)


def _labels() -> Tensor:
    return torch.empty(4, dtype=torch.long, device="meta")


def _adversarial_step(loss: AdversarialLoss) -> None:
    (loss.discriminator_loss(_meta(4), _meta(4)) + loss.generator_loss(_meta(4))).backward()
    loss.constrain(nn.Linear(2, 1, device="meta"))


def _penalty_step(penalty: GradientPenalty) -> None:
    critic = nn.Linear(2, 1, device="meta")
    penalty(lambda x: critic(x)[:, 0].square(), _meta(4, 2), _meta(4, 2)).backward()


def _classification_step(loss: ClassificationLoss) -> None:
    loss.build([3, 2, 1])
    loss.to("meta")(_meta(4, 3), _labels()).mean().backward()


def _auxiliary_step(loss: AuxiliaryLoss) -> None:
    value = loss.discriminator_loss(_meta(4, 3), _labels(), _meta(4, 3), _labels())
    (value + loss.generator_loss(_meta(4, 3), _labels())).backward()


STEPS = {
    AdversarialLoss: _adversarial_step,
    GradientPenalty: _penalty_step,
    AuxiliaryLoss: _auxiliary_step,
    ClassificationLoss: _classification_step,
}


@pytest.mark.parametrize(
    "step",
    [
        *(partial(take_step, one()) for base, take_step in STEPS.items() for one in CLASSES if issubclass(one, base)),
        partial(_adversarial_step, NonSaturatingLoss((0.9, 1.0), (0.0, 0.1))),
        lambda: FeatureMatching()(_meta(4, 3), _meta(4, 3)).backward(),
    ],
)
def test_nothing_waits_for_the_device(step: Callable[[], None]) -> None:
    # Tensors on the meta device have no values: asking for one, as .item() does, raises.
    step()


@pytest.mark.parametrize(
    ("module", "parameters"),
    [
        (NonSaturatingLoss((0.9, 1.0)), {"real_label_range": (0.9, 1.0), "fake_label_range": (0.0, 0.0)}),
        (ClippedWassersteinLoss(0.1), {"clip": 0.1}),
        (DRAGANPenalty(2.0, 0.3), {"weight": 2.0, "noise_scale": 0.3}),
        (TwoHeadedLoss(None, 0.3, True), {"class_weight": 0.3, "classify_fakes": True}),
        (FeatureMatching(3.0), {"weight": 3.0}),
        (FocalLoss(1.5), {"gamma": 1.5}),
        (LogitAdjustedLoss(0.5), {"tau": 0.5}),
    ],
)
def test_parameters_are_kept_under_their_names(module: nn.Module, parameters: dict[str, object]) -> None:
    assert {name: getattr(module, name) for name in parameters} == parameters
