from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import Tensor, nn

from gan_imbalance.callbacks import GeneratorEMA
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, MinorityTransferGAN, WassersteinGAN
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator
from gan_imbalance.synthesis import load_gan
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]

NETWORKS = {
    "generator": partial(DenseGenerator, widths=(8, 8), batch_norm=True),
    "discriminator": partial(DenseDiscriminator, widths=(8, 8)),
}


class Phases(Callback):
    """Keeps what every epoch starts and ends with."""

    def __init__(self) -> None:
        self.labels: list[set[int]] = []
        self.ends: list[dict[str, Tensor]] = []
        self.trained: list[list[int]] = []
        self.modes: list[set[bool]] = []
        self.selections: list[Any] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.labels.append(set())

    def on_train_batch_end(
        self, trainer: pl.Trainer, gan: BaseGAN, outputs: Any, batch: tuple[Tensor, Tensor], batch_idx: int
    ) -> None:
        self.labels[-1] |= set(batch[1].flatten().tolist())

    def on_train_epoch_end(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.selections.append(gan.class_selection)
        self.ends.append({name: tensor.clone() for name, tensor in gan.state_dict().items()})
        self.trained.append([sum(len(group["params"]) for group in o.param_groups) for o in trainer.optimizers])
        self.modes.append({module.training for module in gan.generator.blocks[0].modules()})


@pytest.fixture
def make(tiny_gan: MakeGAN) -> MakeGAN:
    """Return a function that makes a minority-transfer GAN of two epochs of pretraining."""
    return partial(tiny_gan, MinorityTransferGAN, **{"pretrain_epochs": 2, **NETWORKS})


def part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name.startswith(prefix)}


def assert_same(left: Any, right: Any) -> None:
    torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_it_learns_the_majority_then_the_minority(make: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    phases = Phases()
    gan = make()
    fit(gan, tiny_data(), max_epochs=4, callbacks=[phases])
    assert phases.labels == [{0}, {0}, {1}, {1}]
    assert phases.selections == ["majority", "majority", "minority", "minority"]
    assert gan.trained_classes == (1,)


def test_frozen_blocks_keep_weights_and_statistics(make: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    phases = Phases()
    gan = make(freeze_discriminator_blocks=2)
    fit(gan, tiny_data(), max_epochs=4, callbacks=[phases])
    pretrained, end = phases.ends[1], phases.ends[3]
    for frozen in ("generator.blocks.0.", "discriminator.blocks.0.", "discriminator.blocks.1."):
        assert_same(part(end, frozen), part(pretrained, frozen))
    assert "generator.blocks.0.layers.1.running_mean" in end
    for learning in ("generator.blocks.1.layers.0.weight", "generator.blocks.2.", "discriminator.blocks.2.weight"):
        for name, tensor in part(end, learning).items():
            assert not torch.equal(tensor, pretrained[name]), name
    # before the switch they did learn
    assert not torch.equal(
        pretrained["generator.blocks.0.layers.1.running_mean"],
        phases.ends[0]["generator.blocks.0.layers.1.running_mean"],
    )
    assert phases.modes == [{True}, {True}, {False}, {False}]
    assert gan.train().generator.blocks[1].training
    assert not any(module.training for module in gan.generator.blocks[0].modules())


def test_optimizers_start_anew_without_what_is_frozen(make: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    phases = Phases()
    trainer = fit(make(freeze_discriminator_blocks=1), tiny_data(), max_epochs=3, callbacks=[phases])
    # weight and bias of three linear layers each, and of the generator's two batch norms
    assert phases.trained == [[10, 6], [10, 6], [6, 4]]
    assert {int(state["step"]) for state in trainer.optimizers[0].state.values()} == {2}
    assert trainer.global_step == 6


@pytest.mark.parametrize("interrupted_after", [1, 2, 3])
def test_a_run_resumed_in_either_phase_goes_on_exactly(
    interrupted_after: int, make: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    def train(folder: str, epochs: int, ckpt_path: Path | None = None) -> BaseGAN:
        gan = make(freeze_discriminator_blocks=1)
        keep = ModelCheckpoint(tmp_path / folder, "{epoch}", save_top_k=-1)
        settings = {"callbacks": [GeneratorEMA(0.5), keep], "enable_checkpointing": True, "max_epochs": epochs}
        fit(gan, tiny_data(), ckpt_path=ckpt_path, seed=len(folder), **settings)
        return gan

    whole = train("whole", 4)
    checkpoint = tmp_path / "whole" / f"epoch={interrupted_after - 1}.ckpt"
    assert torch.load(checkpoint, weights_only=True)["generator"]["transferred"] is (interrupted_after > 2)
    resumed = train("resumed", 4, checkpoint)
    assert_same(resumed.state_dict(), whole.state_dict())
    last = [torch.load(tmp_path / run / "epoch=3.ckpt", weights_only=True) for run in ("whole", "resumed")]
    assert_same(last[0]["optimizer_states"], last[1]["optimizer_states"])
    assert_same(last[0]["generator_ema"], last[1]["generator_ema"])
    pretrained = torch.load(tmp_path / "whole" / "epoch=1.ckpt", weights_only=True)["generator_ema"]["raw"]
    assert_same(part(last[1]["generator_ema"]["raw"], "blocks.0."), part(pretrained, "blocks.0."))


@pytest.fixture
def pretrained(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> Path:
    """Return the checkpoint of a GAN that learnt the majority."""
    gan = tiny_gan(WassersteinGAN, classes="majority", **NETWORKS)
    fit(gan, tiny_data()).save_checkpoint(tmp_path / "pretrained.ckpt")
    return tmp_path / "pretrained.ckpt"


def test_it_starts_from_a_checkpoints_weights_and_transformer(
    make: MakeGAN, tiny_data: MakeData, fit: Fit, pretrained: Path
) -> None:
    phases = Phases()
    gan, data = make(pretrained=str(pretrained)), tiny_data()
    start: dict[str, Tensor] = {}

    class Start(Callback):
        def on_fit_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
            start.update({name: tensor.clone() for name, tensor in gan.state_dict().items()})

    fit(gan, data, callbacks=[Start(), phases])
    given = torch.load(pretrained, weights_only=True)
    assert_same(start, dict(given["state_dict"]))
    transformers = [str(state["transformer"]) for state in (gan.data_state, given["generator"]["data_state"])]
    assert transformers[0] == transformers[1]
    assert phases.labels == [{0}, {0}]  # the one condition there is: the minority's
    assert data.spec.condition_classes == (1,)
    assert_same(part(gan.state_dict(), "generator.blocks.0."), part(start, "generator.blocks.0."))
    assert not torch.equal(gan.generator.blocks[2].weight, start["generator.blocks.2.weight"])


def test_its_own_checkpoint_does_not_need_the_one_it_started_from(
    make: MakeGAN, tiny_data: MakeData, fit: Fit, pretrained: Path, tmp_path: Path
) -> None:
    gan = make(pretrained=str(pretrained))
    fit(gan, tiny_data()).save_checkpoint(tmp_path / "gan.ckpt")
    pretrained.unlink()
    for loaded in (load_gan(tmp_path / "gan.ckpt"), MinorityTransferGAN.load_from_checkpoint(tmp_path / "gan.ckpt")):
        assert_same(loaded.state_dict(), gan.state_dict())
        assert_same(loaded.sample(torch.ones(5, dtype=torch.long), 0), gan.sample(torch.ones(5, dtype=torch.long), 0))


def test_a_checkpoint_of_other_networks_or_of_another_split_is_refused(
    make: MakeGAN, tiny_data: MakeData, fit: Fit, pretrained: Path
) -> None:
    with pytest.raises(InputError, match=r"The networks of .*pretrained.ckpt differ"):
        fit(make(pretrained=str(pretrained), latent_dim=9), tiny_data())
    with pytest.raises(InputError, match="another split"):
        fit(make(pretrained=str(pretrained)), tiny_data(split_seed=1))
    with pytest.raises(InputError, match=r"There is no checkpoint nowhere\.ckpt"):
        fit(make(pretrained="nowhere.ckpt"), tiny_data())


def test_from_scratch_is_a_wasserstein_gan(make: MakeGAN, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    control, plain = make(pretrain_epochs=0, freeze_generator_blocks=0), tiny_gan(WassersteinGAN, **NETWORKS)
    fit(control, tiny_data())
    fit(plain, tiny_data())
    assert_same(control.state_dict(), plain.state_dict())


def test_nothing_frozen_fine_tunes_everything(make: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    phases = Phases()
    fit(make(freeze_generator_blocks=0), tiny_data(), max_epochs=3, callbacks=[phases])
    assert phases.trained[-1] == [10, 6]
    for name, parameter in phases.ends[2].items():
        if name.endswith("weight"):
            assert not torch.equal(parameter, phases.ends[1][name]), name


def test_several_classes_can_be_learnt_first(
    make: MakeGAN, tiny_data: MakeData, fit: Fit, separated_frame: pd.DataFrame
) -> None:
    phases = Phases()
    frame = separated_frame.assign(label=[0] * 50 + [1] * 30 + [2] * 20)
    gan = make(pretrain_classes="all", pretrain_epochs=1)
    fit(gan, tiny_data(frame=frame, steps_per_epoch=4), callbacks=[phases])
    assert phases.labels == [{0, 1, 2}, {2}]
    assert gan.sample(torch.full((3,), 2), seed=0).shape == (3, *gan.spec.shape)


def test_it_does_not_sample_in_its_first_phase(make: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    keep = ModelCheckpoint(tmp_path, "{epoch}", save_top_k=-1)
    gan = make()
    fit(gan, tiny_data(), max_epochs=3, callbacks=[keep], enable_checkpointing=True)
    assert gan.sample(torch.tensor([1]), seed=0).shape[0] == 1
    with pytest.raises(InputError, match="still in its first phase"):
        load_gan(tmp_path / "epoch=1.ckpt").sample(torch.tensor([1]), seed=0)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("count", [-1, 3, 4])
def test_as_many_blocks_are_frozen_as_leave_one_to_learn(
    network: str, count: int, make: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    phases = Phases()
    with pytest.raises(InputError, match=f"Cannot freeze {count} blocks"):
        fit(make(**{f"freeze_{network}_blocks": count}), tiny_data(), max_epochs=4, callbacks=[phases])
    # not found out only when the first phase is over
    assert phases.labels == []


@pytest.mark.parametrize("limits", [{"max_epochs": 2}, {"max_epochs": -1, "max_steps": 4}])
def test_training_must_reach_the_second_phase(
    limits: dict[str, int], make: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    with pytest.raises(InputError, match=r"Training ends before pretrain_epochs=2 are over"):
        fit(make(), tiny_data(), **limits)


def test_steps_left_out_while_warming_up_do_not_count(make: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = make(warmup_steps=3)
    fit(gan, tiny_data(), max_epochs=-1, max_steps=2)
    assert gan.transferred


def test_there_must_be_something_learnt_to_freeze() -> None:
    with pytest.raises(InputError, match="Nothing is learnt before blocks are frozen"):
        MinorityTransferGAN(pretrain_epochs=0)
    with pytest.raises(InputError, match="pretrain_epochs is -1"):
        MinorityTransferGAN(pretrain_epochs=-1)


def test_frozen_blocks_are_modules_in_evaluation_whatever_is_said(
    make: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    gan = make()
    fit(gan, tiny_data(), max_epochs=3).save_checkpoint(tmp_path / "gan.ckpt")
    loaded = load_gan(tmp_path / "gan.ckpt").train()
    frozen: nn.Module = loaded.generator.blocks[0]
    assert not any(module.training for module in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert loaded.generator.blocks[1].training
