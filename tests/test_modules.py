"""A module is built for the data that it meets, once, or it is not built."""

from __future__ import annotations

import pytest
import torch

from gan_imbalance.classifiers import Classifier
from gan_imbalance.gans import GAN
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator
from gan_imbalance.types import DataSpec, InputError, Span

IMAGES = DataSpec("image", (1, 8, 8), ("no", "yes"))
ROWS = DataSpec("table", (2,), ("no", "yes"), (Span("a", "linear", 0, 1), Span("b", "linear", 1, 1)))


@pytest.mark.parametrize("module", [GAN(), Classifier()])
def test_without_networks_there_is_nothing_that_they_were_built_for(module: GAN | Classifier) -> None:
    assert not module.is_built
    with pytest.raises(RuntimeError, match=rf"The networks of this {type(module).__name__} are not built yet"):
        _ = module.spec


def test_networks_that_do_not_suit_the_data_leave_a_module_that_others_suit() -> None:
    gan = GAN(DenseGenerator, DenseDiscriminator)
    with pytest.raises(InputError, match="image"):
        gan.build(IMAGES, (1,), {})
    assert not gan.is_built
    gan.build(ROWS, (1,), {"split_hash": "one"})
    assert gan.spec == ROWS
    assert gan.trained_classes == (1,)
    assert gan.sample(torch.ones(3, dtype=torch.long), seed=0).shape == (3, 2)


def test_networks_are_built_once_and_for_one_split() -> None:
    gan = GAN(DenseGenerator, DenseDiscriminator)
    gan.build(ROWS, (1,), {"split_hash": "one"})
    network = gan.generator
    gan.build(ROWS, (1,), {"split_hash": "one"})
    assert gan.generator is network
    with pytest.raises(InputError, match="built for other data than this"):
        gan.build(ROWS, (1,), {"split_hash": "another"})
