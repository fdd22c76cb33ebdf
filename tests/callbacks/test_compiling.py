"""Compiled networks: the same training, the same checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from gan_imbalance.callbacks import CompileNetworks
from gan_imbalance.data import ImageDataModule
from gan_imbalance.gans import GAN, BaseGAN
from gan_imbalance.losses import WassersteinGradientPenalty
from gan_imbalance.networks import DCGANDiscriminator, DCGANGenerator
from gan_imbalance.synthesis import load_gan

MakeGAN = Callable[..., BaseGAN]
MakeImages = Callable[..., ImageDataModule]
Fit = Callable[..., pl.Trainer]


def narrow(network: Any) -> Any:
    return {"class_path": f"{network.__module__}.{network.__name__}", "init_args": {"width": 2}}


@pytest.mark.parametrize("penalty", [None, WassersteinGradientPenalty()], ids=["free", "penalised"])
def test_compiled_networks_train_the_same_and_load_without_the_compiler(
    penalty: Any, tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit, tmp_path: Path
) -> None:
    graphs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        graphs.append(graph)
        return graph

    torch._dynamo.reset()
    networks = {"generator": narrow(DCGANGenerator), "discriminator": narrow(DCGANDiscriminator), "penalty": penalty}
    states = []
    for callbacks in ([], [CompileNetworks(backend=backend)]):
        torch.manual_seed(0)
        gan = tiny_gan(GAN, **networks)
        trainer = fit(gan, tiny_images(), callbacks=callbacks)
        states.append(gan.state_dict())
    torch.testing.assert_close(*states)
    # each network in one piece, with both of its convolutions
    assert {sum("conv" in str(node.target) for node in graph.graph.nodes) for graph in graphs} == {2}
    # a penalty needs a second derivative, which is not compiled
    compiled = [network._compiled_call_impl is not None for network in (gan.generator, gan.discriminator)]
    assert compiled == [True, penalty is None]
    trainer.save_checkpoint(tmp_path / "gan.ckpt")
    loaded = load_gan(tmp_path / "gan.ckpt")
    labels = torch.ones(3, dtype=torch.long)
    torch.testing.assert_close(loaded.sample(labels, seed=0), gan.sample(labels, seed=0))
