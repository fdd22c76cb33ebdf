"""Two processes that train together learn what one does from their joined batches.

This file is a program, too: ``torchrun`` starts it once, as two processes, which train everything there is to
compare and leave behind what they saw. The tests train the same in one process.

Everything is in double precision, so that what differs does not pass for rounding.
"""

from __future__ import annotations

import functools
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from filelock import FileLock
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, distributed, nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.overrides import TorchFunctionMode

from gan_imbalance import gans
from gan_imbalance.callbacks import CriticMonitor, DistanceMonitor, FidelityMonitor, FiniteLossGuard, GeneratorEMA
from gan_imbalance.callbacks.images import FeatureDistanceMonitor, ImageGrid
from gan_imbalance.classifiers import Classifier
from gan_imbalance.data import DigitsDataModule, TabularDataModule, TimeSeriesDataModule
from gan_imbalance.gans import GAN, BaseGAN, MinorityTransferGAN, MomentMatchingGAN
from gan_imbalance.generators import TabularDiffusion
from gan_imbalance.losses import WassersteinGradientPenalty
from gan_imbalance.networks import (
    DenseClassifier,
    DenseDiscriminator,
    DenseGenerator,
    RecurrentGenerator,
    ResNetDiscriminator,
    SMateDiscriminator,
    SMateGenerator,
    TemporalDiscriminator,
    freeze_blocks,
)
from gan_imbalance.synthesis import save_gan

# one set of two processes for all tests
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 2
BATCH_SIZE = 8
DISCRIMINATOR_STEPS = 2
STEPS_PER_EPOCH = 2

Weights = dict[str, Tensor]


class StepOfItsOwnGAN(GAN):
    """A user's GAN with a training step of its own, which knows nothing of other processes."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        (real, *_), (conditions, *_) = batch
        losses = {}
        optimizers = dict(zip(("generator", "discriminator"), self.optimizers(), strict=True))
        for name in ("discriminator", "generator"):
            objective = getattr(self, f"{name}_objective")
            # in two parts, each back-propagated by itself
            for share in (0.25, 0.75):
                loss = share * objective(real, self.generate(conditions), conditions)
                self.manual_backward(loss)
            optimizers[name].step()
            for optimizer in optimizers.values():
                optimizer.zero_grad()
            losses[name] = loss.detach()
        return losses


# -- what is trained --------------------------------------------------------------------------------------------------

# what compares the samples of a batch does so within every process, so it is left out here
SETTINGS: dict[type[BaseGAN], dict[str, Any]] = {MomentMatchingGAN: {"moment_weight": 0.0}}
GANS: dict[str, type[BaseGAN]] = {name: getattr(gans, name) for name in gans.__all__ if name != "BaseGAN"}
GANS["StepOfItsOwnGAN"] = StepOfItsOwnGAN

_LEAKY = partial(DenseDiscriminator, widths=(8, 8), activation="leaky_relu")
_SMATE = partial(SMateGenerator, width=0.05)
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"generator": partial(DenseGenerator, widths=(8, 8)), "discriminator": _LEAKY},
    "penalised": {
        "generator": partial(DenseGenerator, widths=(8, 8)),
        "discriminator": _LEAKY,
        "penalty": WassersteinGradientPenalty(),
    },
    "normalised": {"generator": partial(DenseGenerator, widths=(8, 8), batch_norm=True), "discriminator": _LEAKY},
    "images": {"generator": _SMATE, "discriminator": partial(SMateDiscriminator, width=0.05, dropout=0.0)},
    "bounded_images": {"generator": _SMATE, "discriminator": partial(ResNetDiscriminator, width=4)},
    "series": {
        "generator": partial(RecurrentGenerator, widths=(4, 3)),
        "discriminator": partial(TemporalDiscriminator, width=2),
    },
}
TABLE_CASES = [f"{name}-{case}" for name in GANS for case in ("plain-free", "plain-frozen", "penalised-free")]
CASES = [
    *TABLE_CASES,
    "MinorityTransferGAN-images-frozen",
    "AuxiliaryClassifierGAN-bounded_images-free",
    "MinorityTransferGAN-series-frozen",
]
CLASS_WEIGHTS = {"classifier-unweighted": None, "classifier-balanced": "balanced"}
DIFFUSION = "TabularDiffusion"
# those of one loss, which Lightning steps and DDP reduces by themselves
AUTOMATIC = (*CLASS_WEIGHTS, DIFFUSION)
# torch synchronises batch norm on GPUs only
GPU_CASES = ["ConditionalGAN-normalised-free", "MinorityTransferGAN-normalised-frozen"]


class SharedDraws(TorchFunctionMode):
    """Draws the random numbers of the joined batch, whatever the process, and gives it those of its own rows."""

    def __init__(self, rank: int | None) -> None:
        self.ranks = slice(None) if rank is None else slice(rank, rank + 1)
        self.batch = BATCH_SIZE * (PROCESSES if rank is None else 1)
        self.random = torch.Generator().manual_seed(0)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        own = function(*args, **(kwargs or {}))
        kind = getattr(function, "__name__", "").removesuffix("_like")
        if kind not in ("rand", "randn", "randint", "exponential_"):
            return own
        stacked = own.shape[:2] == (DISCRIMINATOR_STEPS, self.batch)
        sizes = own.shape[2:] if stacked else own.shape[1:]
        steps = DISCRIMINATOR_STEPS if stacked else len(own) // self.batch
        shape = (steps, PROCESSES, BATCH_SIZE, *sizes)
        if kind == "exponential_":
            drawn = torch.empty(shape, dtype=own.dtype).exponential_(generator=self.random)
        else:
            draw = partial(torch.randint, *args[:-1]) if kind == "randint" else getattr(torch, kind)
            drawn = draw(shape, generator=self.random, dtype=own.dtype)
        return drawn[:, self.ranks].reshape(own.shape).to(own.device)


@dataclass
class Record(Callback):
    """What one process sees of a training."""

    batches: list[Weights] = field(default_factory=list)
    gradients: list[Weights] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    trained: list[tuple[int, int]] = field(default_factory=list)
    reduced_by_ddp: int = 0
    weights: Weights = field(default_factory=dict)
    final: Weights = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if distributed.is_initialized():
            trainer.strategy.model.register_comm_hook(None, self._count_bucket)

    # torch reads the annotations, and would not know these
    def _count_bucket(self, _, bucket):  # type: ignore[no-untyped-def]
        self.reduced_by_ddp += bucket.buffer().numel()
        return allreduce_hook(distributed.group.WORLD, bucket)

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        self.batches.append({"samples": batch[0].clone(), "labels": batch[1].clone()})
        self.sent.append(0)
        self.trained.append(
            tuple(sum(p.numel() for g in one.param_groups for p in g["params"]) for one in trainer.optimizers)
        )

    def count(self, all_reduce: Callable[..., Any]) -> Callable[..., Any]:
        def counting(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            self.sent[-1] += tensor.numel()
            return all_reduce(tensor, *args, **kwargs)

        return counting

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        stepped = {parameter for group in optimizer.param_groups for parameter in group["params"]}
        named = [(name, parameter) for name, parameter in module.named_parameters() if parameter in stepped]
        self.gradients.append({name: p.grad.clone() for name, p in named if p.grad is not None})

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        self.weights = weights_of(module)

    def on_fit_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.final = weights_of(module)


def weights_of(module: nn.Module) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def rows() -> pd.DataFrame:
    random = np.random.default_rng(0)
    is_yes = np.repeat([0, 1], [60, 40])
    return pd.DataFrame(
        {
            "amount": random.normal(size=100) + is_yes,
            "colour": random.choice(["red", "blue", "green"], 100),
            "flag": random.random(100) < 0.3 + 0.4 * is_yes,
            "label": np.array(["no", "yes"])[is_yes],
        }
    )


def data(batch_size: int, **settings: Any) -> TabularDataModule:
    defaults = {"frame": rows(), "target": "label", "steps_per_epoch": STEPS_PER_EPOCH, "batch_size": batch_size}
    return TabularDataModule(**{**defaults, **settings})


def batches_of(case: str, batch_size: int) -> pl.LightningDataModule:
    if "images" in case:
        return DigitsDataModule(steps_per_epoch=STEPS_PER_EPOCH, batch_size=batch_size)
    if "series" in case:
        settings = {"steps_per_epoch": STEPS_PER_EPOCH, "batch_size": batch_size}
        return TimeSeriesDataModule(bundled="anomalous_sines", **settings)
    return data(batch_size)


def module_of(case: str) -> pl.LightningModule:
    if case == DIFFUSION:
        return TabularDiffusion((8, 8), embedding=4, timesteps=10, optimizer=partial(torch.optim.SGD, lr=0.05))
    return classifier_of(case) if case in CLASS_WEIGHTS else gan_of(case)


def gan_of(case: str) -> BaseGAN:
    name, variant, frozen = case.split("-")
    gan_class = GANS[name]
    settings: dict[str, Any] = {
        "latent_dim": 4,
        "discriminator_steps": DISCRIMINATOR_STEPS,
        "penalty": None,
        **dict.fromkeys(("generator_optimizer", "discriminator_optimizer"), partial(torch.optim.SGD, lr=0.01)),
        **VARIANTS[variant],
        **SETTINGS.get(gan_class, {}),
    }
    blocks = int(frozen == "frozen")
    if gan_class is MinorityTransferGAN:
        freeze = {"freeze_generator_blocks": blocks, "freeze_discriminator_blocks": blocks}
        return gan_class(pretrain_epochs=1, **freeze, **settings)

    def configure_model(gan: BaseGAN) -> None:
        gan_class.configure_model(gan)
        freeze_blocks(gan.generator, blocks)
        freeze_blocks(gan.discriminator, blocks)

    return type(f"{gan_class.__name__}WithFrozenBlocks", (gan_class,), {"configure_model": configure_model})(**settings)


def classifier_of(case: str) -> Classifier:
    network = partial(DenseClassifier, widths=(8, 8), dropout=0.0)
    return Classifier(network, class_weights=CLASS_WEIGHTS[case], optimizer=partial(torch.optim.SGD, lr=0.05))


def train(
    module: pl.LightningModule, module_data: pl.LightningDataModule, rank: int | None = None, **settings: Any
) -> pl.Trainer:
    """Train for two epochs from a seed; as one of the processes if there is a rank."""
    defaults: dict[str, Any] = {
        "max_epochs": 2,
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "devices": 1,
        **({} if rank is None else {"devices": PROCESSES, "strategy": "ddp"}),
    }
    ckpt_path = settings.pop("ckpt_path", None)
    trainer = pl.Trainer(**{**defaults, **settings})
    torch.manual_seed(0)
    trainer.fit(module, datamodule=module_data, ckpt_path=ckpt_path, weights_only=True)
    return trainer


def record_training(case: str, rank: int | None, **settings: Any) -> Record:
    """Train with the random numbers of the joined batch, and return what was seen."""
    record = Record()
    module = module_of(case)
    step = module.training_step

    @functools.wraps(step)
    def watched_step(batch: Any, batch_idx: int) -> Any:
        with draws, patch.object(distributed, "all_reduce", record.count(distributed.all_reduce)):
            return step(batch, batch_idx)

    module.training_step = watched_step
    draws = SharedDraws(rank)
    module_data = batches_of(case, BATCH_SIZE * (PROCESSES if rank is None else 1))
    if case not in CLASS_WEIGHTS:
        settings["limit_val_batches"] = 0
    callbacks = [record] if case in CLASS_WEIGHTS else [record, GeneratorEMA(0.5)]
    trainer = train(module, module_data, rank, callbacks=callbacks, precision="64-true", **settings)
    if case in CLASS_WEIGHTS:
        validated = {name: float(figure) for name, figure in trainer.callback_metrics.items()}
        tested = trainer.test(module, datamodule=module_data, verbose=False)[0]
        record.figures = {name: value for name, value in {**validated, **tested}.items() if "train" not in name}
        record.figures["predicted"] = len(torch.cat(trainer.predict(module, datamodule=module_data)))
    return record


# -- the two processes ------------------------------------------------------------------------------------------------


def train_all(folder: Path, where: str) -> None:
    """Be one of the two processes: train everything, and leave behind what was seen."""
    torch.set_num_threads(1)
    rank = int(os.environ["RANK"])
    if where == "gpu":
        # one GPU for both: to Lightning they are two machines, and NCCL would refuse
        strategy = DDPStrategy(process_group_backend="gloo")
        machines = {"num_nodes": PROCESSES, "devices": 1, "strategy": strategy, "sync_batchnorm": True}
        seen = {case: record_training(case, rank, accelerator="gpu", **machines) for case in GPU_CASES}
        trained: dict[str, Any] = {}
    else:
        seen = {case: record_training(case, rank) for case in (*CASES, *AUTOMATIC)}
        trained = train_as_users_do(folder, rank)
    torch.save({case: asdict(record) for case, record in seen.items()}, folder / f"seen_{rank}.pt")
    torch.save(trained, folder / f"trained_{rank}.pt")


def train_as_users_do(folder: Path, rank: int) -> dict[str, Any]:
    """Train with random numbers of its own, monitors and checkpoints; and again, interrupted in between."""

    def run(name: str, epochs: int, ckpt_path: str | None = None) -> dict[str, Any]:
        gan = MinorityTransferGAN(
            pretrain_epochs=1,
            generator=partial(DenseGenerator, widths=(8, 8)),
            discriminator=partial(DenseDiscriminator, widths=(8, 8), dropout=0.2),
        )
        latents: list[Tensor] = []
        gan.configure_model = add_hook(gan, latents)
        best = ModelCheckpoint(
            folder / name, "{epoch}", monitor="val/c2st", save_top_k=-1, auto_insert_metric_name=False
        )
        monitors = [CriticMonitor(), FidelityMonitor(repeats=1), DistanceMonitor(), FiniteLossGuard(2)]
        trainer = train(
            gan,
            data(BATCH_SIZE, validation_fraction=0.3),
            rank,
            callbacks=[GeneratorEMA(0.5), *monitors, best],
            enable_checkpointing=True,
            max_epochs=epochs,
            ckpt_path=ckpt_path,
            default_root_dir=folder / name,
        )
        if rank == 1:
            # without the others, which are not waited for
            save_gan(gan, folder / name / "alone.ckpt")
        figures = {key: float(value) for key, value in trainer.callback_metrics.items() if key.startswith("val/")}
        return {
            "weights": weights_of(gan),
            "latents": latents,
            "figures": figures,
            "best": (best.best_model_path, best.best_model_score),
        }

    return {
        "whole": run("whole", 3),
        "interrupted": run("interrupted", 2),
        "resumed": run("resumed", 3, str(folder / "interrupted" / "1.ckpt")),
        "images": watch_images(folder, rank),
    }


def watch_images(folder: Path, rank: int) -> dict[str, float]:
    """Train on images for an epoch, and return what the monitors of images say."""
    case = "AuxiliaryClassifierGAN-bounded_images-free"
    monitors = [FeatureDistanceMonitor(classifier_steps=2, max_images=50), ImageGrid(images_per_class=1)]
    settings = {"max_epochs": 1, "default_root_dir": folder / "images", "callbacks": monitors}
    figures = train(gan_of(case), batches_of(case, BATCH_SIZE), rank, **settings).callback_metrics
    return {name: float(value) for name, value in figures.items() if name.startswith("val/")}


def add_hook(gan: BaseGAN, latents: list[Tensor]) -> Callable[[], None]:
    """Return a hook after which the generator keeps the latents that it is given in training."""
    configure_model = gan.configure_model

    def keep(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        if module.training:
            latents.append(args[0])

    def configure_with_hook() -> None:
        configure_model()
        gan.generator.register_forward_pre_hook(keep)

    return configure_with_hook


# -- the tests --------------------------------------------------------------------------------------------------------


class Process(NamedTuple):
    """What one of the two left behind."""

    seen: dict[str, dict[str, Any]]
    trained: dict[str, dict[str, Any]]


ENVIRONMENT = {
    **os.environ,
    **{"OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1", "PYTHONPATH": str(ROOT), "WANDB_MODE": "disabled"},
}


def torchrun(*arguments: str, processes: int = PROCESSES, **rest: Any) -> subprocess.Popen[str]:
    """Start a program in several processes of this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, **rest)


def two_machines() -> tuple[str, ...]:
    """Return the arguments by which two of these programs find each other."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return "--nnodes", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free.getsockname()[1]}"


def wait(*programs: subprocess.Popen[str]) -> None:
    """Make sure that programs end, and end well."""
    try:
        ends = [program.communicate(timeout=200)[1] for program in programs]
    finally:
        for program in programs:
            program.terminate()
    assert not any(program.returncode for program in programs), "".join(end[-4000:] for end in ends)


def left_behind(folder: Path) -> list[Process]:
    return [
        Process(*(torch.load(folder / f"{what}_{rank}.pt", weights_only=False) for what in ("seen", "trained")))
        for rank in range(PROCESSES)
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Process]:
    """Let two processes train everything, once for all tests."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # the folder above is that of all workers, of which one does it for the others
        shared = shared.parent
    folder = shared / "ddp"
    with FileLock(shared / "ddp.lock"):
        if not folder.exists():
            folder.mkdir()
            wait(torchrun("--standalone", __file__, str(folder), "cpu"))
    return left_behind(folder)


@functools.cache
def joined(case: str) -> Record:
    """Train in this process with joined batches, and return what was seen."""
    return record_training(case, rank=None)


@pytest.mark.parametrize("case", [*CASES, *AUTOMATIC])
def test_two_processes_share_the_joined_batch(case: str, both: list[Process]) -> None:
    for first, second, whole in zip(*(one.seen[case]["batches"] for one in both), joined(case).batches, strict=True):
        assert not torch.equal(first["samples"], second["samples"])
        batch_dim = 0 if case in AUTOMATIC else 1
        for key in ("samples", "labels"):
            assert torch.equal(torch.cat([first[key], second[key]], dim=batch_dim), whole[key])


@pytest.mark.parametrize("case", [*CASES, *AUTOMATIC])
def test_gradients_are_those_of_the_joined_batch(case: str, both: list[Process]) -> None:
    alone = joined(case).gradients
    # every parameter that is not frozen was reached, in every step of its optimizer
    assert alone
    for process in both:
        torch.testing.assert_close(process.seen[case]["gradients"], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", [*CASES, *AUTOMATIC])
def test_weights_are_the_same_in_all_processes(case: str, both: list[Process]) -> None:
    first, second = (process.seen[case] for process in both)
    # the raw ones, and after training the average of the generator's
    for which in ("weights", "final"):
        torch.testing.assert_close(first[which], second[which], rtol=0, atol=0)
        torch.testing.assert_close(first[which], getattr(joined(case), which), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("StepOfItsOwn")])
def test_only_what_is_trained_is_sent(case: str, both: list[Process]) -> None:
    for process in both:
        seen = process.seen[case]
        assert seen["reduced_by_ddp"] == 0
        assert seen["sent"] == [
            generator + DISCRIMINATOR_STEPS * discriminator for generator, discriminator in seen["trained"]
        ]


@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("name", GANS)
def test_frozen_blocks_cost_nothing(name: str, network: str, both: list[Process]) -> None:
    free, frozen = (both[0].seen[f"{name}-plain-{how}"] for how in ("free", "frozen"))
    which = ("generator", "discriminator").index(network)
    first_block = sum(w.numel() for key, w in free["weights"].items() if key.startswith(f"{network}.blocks.0."))
    saved = [all_of[which] - without[which] for all_of, without in zip(free["trained"], frozen["trained"], strict=True)]
    # the minority-transfer GAN freezes after its first epoch, when DDP has long taken its parameters
    learns_first = name == "MinorityTransferGAN"
    assert saved == [0 if learns_first and step < STEPS_PER_EPOCH else first_block for step in range(len(saved))]


@pytest.mark.parametrize("case", CLASS_WEIGHTS)
def test_figures_count_every_row_once(case: str, both: list[Process]) -> None:
    alone = joined(case).figures
    assert {"val/recall_yes", "test/recall_yes", "test/tuned/f1_yes", "test/calibration_error"} <= alone.keys()
    assert alone["predicted"] == 20
    for process in both:
        assert process.seen[case]["figures"] == pytest.approx(alone, abs=1e-6)


def test_every_process_has_noise_of_its_own(both: list[Process]) -> None:
    first, second = (process.trained["whole"]["latents"] for process in both)
    assert len(first) == len(second) == 3 * STEPS_PER_EPOCH * 2
    assert not any(torch.equal(own, other) for own, other in itertools.product(first, second))


def test_monitors_agree_in_all_processes(both: list[Process]) -> None:
    first, second = (process.trained["whole"] for process in both)
    assert {"val/c2st", "val/earth_mover", "val/distance_between"} <= first["figures"].keys()
    assert first["figures"] == second["figures"]
    assert first["best"] == second["best"]
    torch.testing.assert_close(first["weights"], second["weights"], rtol=0, atol=0)


def test_monitors_of_images_agree_in_all_processes(both: list[Process]) -> None:
    first, second = (process.trained["images"] for process in both)
    assert {"val/fid_classifier", "val/kid_classifier"} <= first.keys()
    assert first == pytest.approx(second, nan_ok=True, abs=0)


def test_a_resumed_run_goes_on_exactly(both: list[Process]) -> None:
    for process in both:
        whole, interrupted, resumed = (process.trained[run] for run in ("whole", "interrupted", "resumed"))
        torch.testing.assert_close(resumed["weights"], whole["weights"], rtol=0, atol=0)
        assert not torch.equal(
            *(run["weights"]["discriminator.blocks.0.layers.0.weight"] for run in (whole, interrupted))
        )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch synchronises batch norm on GPUs only")
@pytest.mark.parametrize("case", GPU_CASES)
def test_synchronised_batch_norm_is_that_of_the_joined_batch(case: str, on_gpu: list[Process]) -> None:
    alone = record_training(case, None, accelerator="gpu")
    for process in on_gpu:
        seen = process.seen[case]
        torch.testing.assert_close(seen["gradients"], alone.gradients, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(seen["final"], alone.final, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory: pytest.TempPathFactory) -> list[Process]:
    """Let two processes train on one GPU."""
    folder = tmp_path_factory.mktemp("gpu")
    rendezvous = two_machines()
    wait(*(torchrun(*rendezvous, __file__, str(folder), "gpu", processes=1) for _ in range(PROCESSES)))
    return left_behind(folder)


DOOMED = """
import os
import signal

from pytorch_lightning import Callback


class Doomed(Callback):
    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.global_rank == 1 and trainer.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_lost_process_ends_the_run_and_two_machines_go_on(tmp_path: Path, tiny_fit: list[str]) -> None:
    rows().to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "doomed.py").write_text(DOOMED)
    together = ("--trainer.strategy", "ddp", "--trainer.devices", str(PROCESSES), "--trainer.max_epochs", "3")
    fit = [*tiny_fit, *together, "--model", "WassersteinGAN"]
    doomed = [sys.executable, "-m", "gan_imbalance", *fit, "--trainer.callbacks+=doomed.Doomed"]
    ended = subprocess.run(doomed, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 1
    assert "RuntimeError" in ended.stderr
    runs = tmp_path / "runs" / "WassersteinGAN"
    first, last = (runs / f"version_{run}" / "checkpoints" / "last.ckpt" for run in (0, 1))
    assert torch.load(first, weights_only=True)["global_step"] == 2
    machine = ("--trainer.num_nodes", "2", "--trainer.devices", "1", "--ckpt_path", str(first))
    resume = (*two_machines(), "-m", "gan_imbalance", *fit, *machine)
    wait(*(torchrun(*resume, processes=1, cwd=tmp_path) for _ in range(PROCESSES)))
    resumed = torch.load(last, weights_only=True)
    assert resumed["global_step"] == 6
    assert len(resumed["random_states"]) == PROCESSES
    # one run, however many processes
    assert sorted(path.name for path in runs.iterdir()) == ["version_0", "version_1"]


if __name__ == "__main__":
    train_all(Path(sys.argv[1]), sys.argv[2])
