from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser
from pytorch_lightning.cli import OptimizerCallable
from torch import nn

from gan_imbalance.components import build, factory, import_class, plain_partial, to_config
from gan_imbalance.gans import WassersteinGAN
from gan_imbalance.losses import DRAGANPenalty, HingeLoss, NonSaturatingLoss, TwoHeadedLoss
from gan_imbalance.networks import DenseGenerator
from gan_imbalance.optimizers import AdversarialAdam
from gan_imbalance.types import InputError


class Forgetful(nn.Module):
    def __init__(self, weight: float) -> None:
        super().__init__()


def given(name: str, *options: str) -> Any:
    """Return what the command line makes of an optimizer."""
    parser = ArgumentParser()
    parser.add_argument("--make", type=OptimizerCallable)
    return parser.instantiate(parser.parse_args([f"--make=gan_imbalance.optimizers.{name}", *options])).make


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "minority", [1, "a"], {"a": [1.5, None]}])
def test_plain_values_stay(value: Any) -> None:
    assert to_config(value) == value


def test_sequences_and_paths_become_plain() -> None:
    assert to_config((0.5, 0.9)) == [0.5, 0.9]
    assert to_config(Path("a") / "b") == "a/b"


def test_a_module_survives_with_all_its_parameters() -> None:
    config = json.loads(json.dumps(to_config(DRAGANPenalty(weight=3.0, noise_scale=0.2))))
    penalty = build(config)
    assert isinstance(penalty, DRAGANPenalty)
    assert (penalty.weight, penalty.noise_scale) == (3.0, 0.2)


def test_a_module_inside_a_module_survives() -> None:
    loss = build(to_config(TwoHeadedLoss(HingeLoss(), class_weight=0.3)))
    assert isinstance(loss.adversarial, HingeLoss)
    assert loss.class_weight == 0.3


def test_a_gan_survives_with_what_it_passes_on_to_its_bases() -> None:
    generator = {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [8]}}
    config = json.loads(json.dumps(to_config(WassersteinGAN(generator=generator, instance_noise=0.1))))
    gan = build(config)
    assert gan.instance_noise == 0.1
    assert gan.hparams["generator"] == generator
    assert to_config(gan) == config


@pytest.mark.parametrize(
    "value",
    [
        partial(AdversarialAdam, lr=0.01, betas=(0.0, 0.9)),
        given("AdversarialAdam", "--make.lr=0.01", "--make.betas=[0.0, 0.9]"),
        {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 0.01, "betas": [0.0, 0.9]}},
    ],
)
def test_a_factory_survives_with_its_arguments(value: Any) -> None:
    config = to_config(value)
    assert config["class_path"] == "gan_imbalance.optimizers.AdversarialAdam"
    optimizer = factory(config)([nn.Parameter(torch.zeros(1))])
    assert isinstance(optimizer, AdversarialAdam)
    assert optimizer.defaults["lr"] == 0.01
    assert list(optimizer.defaults["betas"]) == [0.0, 0.9]


def test_a_class_is_a_factory_without_arguments() -> None:
    config = to_config(DenseGenerator)
    assert config == {"class_path": "gan_imbalance.networks.mlp.DenseGenerator", "init_args": {}}
    assert factory({"class_path": config["class_path"]}).func is DenseGenerator


def test_what_is_built_already_is_left_alone() -> None:
    loss = NonSaturatingLoss()
    assert build(loss) is loss
    assert factory(DenseGenerator) is DenseGenerator


def test_a_module_that_forgets_a_parameter_is_refused() -> None:
    with pytest.raises(InputError, match=r"Forgetful does not keep its constructor parameter 'weight'"):
        to_config(Forgetful(1.0))
    # its parts would be lost
    with pytest.raises(InputError, match=r"Sequential does not keep its constructor parameter 'args'"):
        to_config(nn.Sequential(nn.Identity()))


@pytest.mark.parametrize("value", [lambda spec: None, partial(given), object()])
def test_what_cannot_be_described_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="A checkpoint cannot hold"):
        to_config(value)


@pytest.mark.parametrize("path", ["nothing", "no_such_module.Class", "torch.NoSuchClass", ".relative.Class", ""])
def test_a_class_that_cannot_be_imported_is_named(path: str) -> None:
    with pytest.raises(InputError, match=f"Cannot import '{path}'"):
        import_class(path)


def test_a_factory_may_be_named() -> None:
    assert factory("gan_imbalance.networks.DenseGenerator") is DenseGenerator


def test_a_gan_survives_with_what_it_passes_on_to_its_base() -> None:
    settings = {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [3]}}
    gan = build(to_config(WassersteinGAN(generator=settings, latent_dim=5)))
    assert gan.latent_dim == 5
    assert gan.make_generator.keywords == {"widths": [3]}


def test_a_function_that_makes_a_class_is_left_alone() -> None:
    def make(target: type, count: int) -> Any:
        return target([count])

    value = partial(make, list, count=2)
    assert plain_partial(value) is value
