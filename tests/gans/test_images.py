"""What GANs of images hold to beyond the contract: minority transfer as SMate has it, penalties, augmentation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gan_imbalance.callbacks import FiniteLossGuard, GeneratorEMA
from gan_imbalance.classifiers import Classifier
from gan_imbalance.data import ImageDataModule
from gan_imbalance.gans import (
    GAN,
    AuxiliaryClassifierGAN,
    BaseGAN,
    ConditionalGAN,
    ConditionalWassersteinGAN,
    MinorityTransferGAN,
)
from gan_imbalance.losses import (
    GradientPenalty,
    HingeLoss,
    MajorityPenalty,
    NonSaturatingLoss,
    TwoHeadedLoss,
    WassersteinGradientPenalty,
)
from gan_imbalance.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    ResNetDiscriminator,
    ResNetGenerator,
    SMateCNN,
    SMateDiscriminator,
    SMateGenerator,
)
from gan_imbalance.optimizers import AdversarialAdam
from gan_imbalance.synthesis import load_gan
from gan_imbalance.transforms.image import DiffAugment
from gan_imbalance.types import DataSpec, InputError

MakeGAN = Callable[..., BaseGAN]
MakeImages = Callable[..., ImageDataModule]
Fit = Callable[..., pl.Trainer]

DCGAN = {
    "generator": partial(DCGANGenerator, width=2),
    "discriminator": partial(DCGANDiscriminator, width=2, spectral_norm=True),
}
RESNET = {"generator": partial(ResNetGenerator, width=3), "discriminator": partial(ResNetDiscriminator, width=3)}
SMATE = {
    "generator": partial(SMateGenerator, width=0.02),
    "discriminator": partial(SMateDiscriminator, width=0.03),
    "loss": NonSaturatingLoss(),
    "penalty": None,
    "discriminator_steps": 1,
    "latent_distribution": "uniform",
}


class Negative(nn.Module):
    """Turns light into dark, and remembers how many images it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[torch.Size] = []

    def forward(self, images: Tensor) -> Tensor:
        self.shapes.append(images.shape)
        return -images


class Ends(Callback):
    """Keeps what every epoch ends with."""

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.states.append({name: tensor.clone() for name, tensor in gan.state_dict().items()})


class Starts(Callback):
    """Keeps what training starts from."""

    state: dict[str, Tensor]

    def on_train_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.state = {name: tensor.clone() for name, tensor in gan.state_dict().items()}


def part(state: dict[str, Tensor], *prefixes: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name.startswith(prefixes)}


def assert_same(left: Any, right: Any) -> None:
    torch.testing.assert_close(left, right, rtol=0, atol=0)


@pytest.fixture
def make(tiny_gan: MakeGAN) -> MakeGAN:
    """Return a function that makes a minority-transfer GAN of two epochs of pretraining."""
    return partial(tiny_gan, MinorityTransferGAN, **{"pretrain_epochs": 2, **DCGAN})


# -- freezing ---------------------------------------------------------------------------------------------------


def test_smate_as_published_leaves_its_last_two_layers_to_learn() -> None:
    spec = DataSpec("image", (3, 32, 32), tuple(range(10)))
    gan = MinorityTransferGAN(
        generator=SMateGenerator, discriminator=SMateDiscriminator, latent_dim=100, freeze_generator_blocks=3
    )
    gan.build(spec, (9,), {})
    assert sum(p.numel() for p in gan.generator.parameters()) == 1_466_115
    assert sum(p.numel() for p in gan.discriminator.parameters()) == 522_497
    gan._freeze()
    assert sum(p.numel() for p in gan.generator.parameters() if p.requires_grad) == 265_731
    assert sum(p.numel() for p in gan.discriminator.parameters() if p.requires_grad) == 522_497
    (optimizer, _), _ = gan.configure_optimizers()
    assert sum(p.numel() for group in optimizer.param_groups for p in group["params"]) == 265_731


@pytest.mark.parametrize(("networks", "generator_blocks"), [(DCGAN, 2), (RESNET, 3), (SMATE, 4)])
def test_every_number_of_blocks_can_be_frozen_but_all(
    networks: dict[str, Any], generator_blocks: int, make: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    for count in range(1, generator_blocks + 1):
        ends = Ends()
        gan = make(pretrain_epochs=1, freeze_generator_blocks=count, **networks)
        fit(gan, tiny_images(), callbacks=[ends], limit_val_batches=0)
        parameterised = [i for i, block in enumerate(gan.generator.blocks) if list(block.parameters())]
        frozen = tuple(f"generator.blocks.{i}." for i in parameterised[:count])
        learning = tuple(f"generator.blocks.{i}." for i in parameterised[count:])
        # batch norm's statistics among them
        assert_same(part(ends.states[1], *frozen), part(ends.states[0], *frozen))
        weights = [name for name in part(ends.states[1], *learning) if name.endswith("weight")]
        assert weights
        assert not any(torch.equal(ends.states[1][name], ends.states[0][name]) for name in weights)
    with pytest.raises(InputError, match=f"Cannot freeze {generator_blocks + 1} blocks: .* has {len(parameterised)}"):
        fit(make(freeze_generator_blocks=generator_blocks + 1, **networks), tiny_images())


@pytest.mark.parametrize("networks", [DCGAN, RESNET], ids=["DCGAN", "ResNet"])
def test_frozen_blocks_keep_weights_and_all_statistics_over_a_resumed_run(
    networks: dict[str, Any], make: MakeGAN, tiny_images: MakeImages, fit: Fit, tmp_path: Path
) -> None:
    def train(folder: str, ckpt_path: Path | None = None) -> list[dict[str, Tensor]]:
        ends, keep = Ends(), ModelCheckpoint(tmp_path / folder, "{epoch}", save_top_k=-1)
        gan = make(freeze_generator_blocks=2, freeze_discriminator_blocks=1, **networks)
        settings = {"callbacks": [GeneratorEMA(0.5), ends, keep], "enable_checkpointing": True, "max_epochs": 4}
        fit(gan, tiny_images(), ckpt_path=ckpt_path, seed=len(folder), **settings)
        return [*ends.states, gan.state_dict()]

    whole = train("whole")
    resumed = train("resumed", tmp_path / "whole" / "epoch=2.ckpt")
    assert_same(resumed[-1], whole[-1])
    frozen = ("generator.blocks.0.", "generator.blocks.1.", "discriminator.blocks.0.")
    # running means and variances, and the vectors that the spectral norm is estimated by
    for kind in ("running_mean", "_u"):
        assert any(name.endswith(kind) for name in part(whole[1], *frozen))
    for state in (whole[2], whole[3], resumed[0]):
        assert_same(part(state, *frozen), part(whole[1], *frozen))
    learning = [name for name in part(whole[1], "discriminator.blocks.1.") if name.endswith("_u")]
    assert not any(torch.equal(whole[1][name], whole[3][name]) for name in learning)


# -- where it starts from ---------------------------------------------------------------------------------------


@pytest.fixture
def pretrained(tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit, tmp_path: Path) -> Path:
    """Return the checkpoint of a GAN that learnt the majority's images."""
    gan = tiny_gan(GAN, classes="majority", **DCGAN)
    fit(gan, tiny_images()).save_checkpoint(tmp_path / "pretrained.ckpt")
    return tmp_path / "pretrained.ckpt"


def test_it_goes_on_from_generator_and_discriminator_of_a_checkpoint(
    make: MakeGAN, tiny_images: MakeImages, fit: Fit, pretrained: Path
) -> None:
    gan = make(pretrained=str(pretrained), augmentation=nn.AvgPool2d(1))
    start: dict[str, Tensor] = {}

    class Start(Callback):
        def on_fit_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
            start.update({name: tensor.clone() for name, tensor in gan.state_dict().items()})

    fit(gan, tiny_images(), callbacks=[Start()])
    assert_same(start, dict(torch.load(pretrained, weights_only=True)["state_dict"]))
    assert_same(part(gan.state_dict(), "generator.blocks.0."), part(start, "generator.blocks.0."))


@pytest.mark.parametrize("other", [{"generator": partial(DCGANGenerator, width=3)}, RESNET, {"latent_dim": 9}])
def test_a_checkpoint_of_other_networks_is_refused(
    other: dict[str, Any], make: MakeGAN, tiny_images: MakeImages, fit: Fit, pretrained: Path
) -> None:
    with pytest.raises(InputError, match=r"The networks of .*pretrained.ckpt differ from these: use the same") as told:
        fit(make(pretrained=str(pretrained), **other), tiny_images())
    assert len(str(told.value)) < 400


def test_a_checkpoint_is_refused_for_images_of_another_size(
    make: MakeGAN, tiny_images: MakeImages, fit: Fit, pretrained: Path
) -> None:
    with pytest.raises(InputError, match=r"The networks of .*pretrained.ckpt differ|another split"):
        fit(make(pretrained=str(pretrained)), tiny_images(size=16))
    with pytest.raises(InputError, match="built for other data"):
        load_gan(pretrained).build(DataSpec("image", (1, 16, 16), ("no", "yes")), (0,), {})


# -- augmentation -----------------------------------------------------------------------------------------------


def test_the_discriminator_is_shown_augmented_images_only(
    tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    gan = tiny_gan(GAN, augmentation=Negative(), **DCGAN)
    monkeypatch.setattr(gan, "discriminate", lambda x, c: seen.append(x.detach()) or GAN.discriminate(gan, x, c))
    fit(gan, tiny_images(), max_epochs=1, limit_val_batches=0)
    generated: list[Tensor] = []
    for x in seen:
        real, fake = x.chunk(2) if len(x) == 16 else (None, x)
        if real is not None:
            # the images of the class are light
            assert real.mean() < -0.3
        generated.append(fake)
    # fakes of the last discriminator step are those of the generator's, augmented once
    assert_same(generated[1], generated[2])
    assert (
        gan.augmentation.shapes == [torch.Size([8, 1, 8, 8]), torch.Size([8, 1, 8, 8]), torch.Size([16, 1, 8, 8])] * 2
    )


def test_the_generator_learns_through_the_augmentation(tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit) -> None:
    gan = tiny_gan(GAN, augmentation=Negative(), **DCGAN)
    fit(gan, tiny_images(), fast_dev_run=1)
    latent = gan.draw_latent(torch.zeros(4, dtype=torch.long))
    shown = gan.discriminator_input(gan.generator(latent))
    assert_same(shown, -gan.generator(latent))
    gan.discriminator(shown).sum().backward()
    assert gan.generator.blocks[0][0].weight.grad.any()


def test_sampling_is_not_augmented(tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit, tmp_path: Path) -> None:
    gan = tiny_gan(GAN, augmentation=nn.AvgPool2d(3, stride=1, padding=1), **DCGAN)
    fit(gan, tiny_images()).save_checkpoint(tmp_path / "gan.ckpt")
    labels = torch.ones(4, dtype=torch.long)
    samples = gan.sample(labels, seed=0)
    loaded = load_gan(tmp_path / "gan.ckpt")
    assert (loaded.augmentation.kernel_size, loaded.augmentation.padding) == (3, 1)
    loaded.augmentation = None
    assert_same(loaded.sample(labels, seed=0), samples)


@pytest.mark.parametrize("gan_class", [GAN, MinorityTransferGAN])
def test_latent_vectors_are_uniform_in_training_and_sampling(gan_class: type[BaseGAN]) -> None:
    gan = gan_class(latent_distribution="uniform", latent_dim=500)
    torch.manual_seed(0)
    latent = gan.draw_latent(torch.zeros(100))
    assert latent.shape == (100, 500)
    assert latent.abs().max() <= 1
    assert latent.mean().item() == pytest.approx(0, abs=0.01)
    assert latent.square().mean().item() == pytest.approx(1 / 3, abs=0.005)
    with pytest.raises(InputError, match="latent_distribution is 'cauchy'"):
        gan_class(latent_distribution="cauchy")


def test_only_the_minority_is_augmented_and_only_in_its_phase(make: MakeGAN, tiny_images: MakeImages, fit: Fit) -> None:
    reals = []

    class Recording(MinorityTransferGAN):
        def discriminator_objective(self, real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
            reals.append((int(conditions[0]), real.mean().item()))
            return super().discriminator_objective(real, fake, conditions)

    settings = {"pretrain_epochs": 1, "latent_dim": 4, **DCGAN, "discriminator_steps": 2}
    gan = Recording(minority_augmentation=Negative(), **settings)
    fit(gan, tiny_images(), limit_val_batches=0)
    assert [condition for condition, _ in reals] == [0] * 4 + [1] * 4
    # the majority's images are dark, and the minority's were light
    assert all(mean < -0.3 for _, mean in reals)
    assert isinstance(gan.minority_augmentation, Negative)
    assert gan.minority_augmentation.shapes == [torch.Size([16, 1, 8, 8])] * 2


# -- the majority penalty ---------------------------------------------------------------------------------------


@pytest.fixture
def classifier(tiny_images: MakeImages, fit: Fit, tmp_path: Path) -> Path:
    """Return the checkpoint of a classifier that tells light images from dark ones."""
    model = Classifier(network=partial(SMateCNN, width=0.1), optimizer=partial(torch.optim.Adam, lr=1e-2))
    fit(model, tiny_images(steps_per_epoch=20)).save_checkpoint(tmp_path / "classifier.ckpt")
    return tmp_path / "classifier.ckpt"


def test_the_majority_penalty_turns_samples_towards_their_class(
    make: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    brightness = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(1, 2))
    brightness[-1].load_state_dict({"weight": torch.tensor([[-5.0], [5.0]]), "bias": torch.zeros(2)})
    means: list[float] = []
    for weight in (0.0, 10.0):
        penalty = MajorityPenalty(weight=weight)
        penalty.classifier = brightness
        gan = make(pretrain_epochs=1, **SMATE, majority_penalty=penalty)
        fit(gan, tiny_images(steps_per_epoch=5), limit_val_batches=0)
        means.append(gan.sample(torch.ones(64, dtype=torch.long), seed=0).mean().item())
    # the minority's images are light
    assert means[1] > means[0] + 0.1


def test_the_penaltys_classifier_stays_as_it_is_and_out_of_everything(
    make: MakeGAN, tiny_images: MakeImages, fit: Fit, classifier: Path, tmp_path: Path
) -> None:
    ema = GeneratorEMA(0.5)
    gan = make(majority_penalty=MajorityPenalty(str(classifier), 2.0), pretrain_epochs=1)
    trainer = fit(gan, tiny_images(), callbacks=[ema])
    kept = gan.majority_penalty.classifier
    given = torch.load(classifier, weights_only=True)["state_dict"]
    for name, tensor in kept.state_dict().items():
        assert_same(tensor, given[f"network.{name}"])
    assert not any(module.training for module in kept.modules())
    assert not any(parameter.grad is not None for parameter in kept.parameters())
    assert {name.split(".")[0] for name in gan.state_dict()} == {"generator", "discriminator"}
    learning = {id(p) for optimizer in trainer.optimizers for group in optimizer.param_groups for p in group["params"]}
    assert not learning & {id(parameter) for parameter in kept.parameters()}
    trainer.save_checkpoint(tmp_path / "gan.ckpt")
    classifier.unlink()
    loaded = load_gan(tmp_path / "gan.ckpt")
    assert (loaded.majority_penalty.classifier_path, loaded.majority_penalty.weight) == (classifier.name, 2.0)
    assert_same(loaded.sample(torch.tensor([1]), 0), gan.sample(torch.tensor([1]), 0))


def test_the_penalty_counts_in_the_second_phase_only_and_by_the_intended_class(
    make: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    asked: list[list[int]] = []

    class Asked(MajorityPenalty):
        def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
            asked.append(labels.tolist())
            return super().forward(samples, labels)

    penalty = Asked()
    penalty.classifier = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    fit(make(pretrain_epochs=1, majority_penalty=penalty), tiny_images(), limit_val_batches=0)
    assert asked == [[1] * 8] * 2


def test_the_penaltys_classifier_goes_along_with_its_gan(make: MakeGAN, tiny_images: MakeImages, fit: Fit) -> None:
    penalty = MajorityPenalty()
    penalty.classifier = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    gan = make(pretrain_epochs=1, majority_penalty=penalty)
    fit(gan, tiny_images(), limit_val_batches=0, precision="64-true")
    assert [parameter.dtype for parameter in gan.majority_penalty.classifier.parameters()] == [torch.float64] * 2


def test_a_classifier_that_knows_other_samples_is_refused(
    make: MakeGAN, tiny_images: MakeImages, fit: Fit, classifier: Path, pretrained: Path
) -> None:
    def fit_with(data: ImageDataModule, **settings: Any) -> None:
        fit(make(majority_penalty=MajorityPenalty(**settings)), data)

    for data in (tiny_images(split_seed=1), tiny_images(size=16)):
        with pytest.raises(InputError, match=r"The classifier of .*classifier.ckpt was trained on other data") as told:
            fit_with(data, classifier_path=str(classifier))
        assert len(str(told.value)) < 400
    with pytest.raises(InputError, match="is not a checkpoint of a classifier"):
        fit_with(tiny_images(), classifier_path=str(pretrained))
    with pytest.raises(InputError, match="majority_penalty has no classifier"):
        fit_with(tiny_images())


# -- the auxiliary classifier -----------------------------------------------------------------------------------


def test_an_auxiliary_classifier_gan_goes_with_hinge_spectral_norm_and_ema(
    tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    gan = tiny_gan(AuxiliaryClassifierGAN, loss=TwoHeadedLoss(HingeLoss()), **DCGAN)
    data = tiny_images(batch_size=16, steps_per_epoch=100)
    fit(gan, data, max_epochs=1, callbacks=[GeneratorEMA(0.9)], limit_val_batches=0)
    images = gan.sample(torch.arange(2).repeat(100), seed=0)
    dark, light = images[::2].mean(dim=(1, 2, 3)), images[1::2].mean(dim=(1, 2, 3))
    assert light.mean() > dark.mean() + 0.5


def test_the_average_of_a_generator_has_its_batch_norms_statistics(
    tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit, tmp_path: Path
) -> None:
    gan, ends = tiny_gan(GAN, **DCGAN), Ends()
    fit(gan, tiny_images(), callbacks=[GeneratorEMA(0.9), ends]).save_checkpoint(tmp_path / "gan.ckpt")
    raw, average = ends.states[-1], gan.state_dict()
    for name, tensor in part(raw, "generator.").items():
        # statistics are those of the last step; weights lag behind
        assert torch.equal(tensor, average[name]) == ("running" in name or "batches" in name), name


# -- speed and memory -------------------------------------------------------------------------------------------


def test_networks_of_images_are_channels_last(tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit) -> None:
    gan = tiny_gan(GAN, **DCGAN)
    fit(gan, tiny_images())
    for convolution in (gan.generator.blocks[1][0], gan.discriminator.blocks[1][0]):
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("size", "largest"), [(8, 2048), (32, 256), (64, 64)])
def test_large_images_are_sampled_a_few_at_a_time(size: int, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gan = GAN(latent_dim=2, **DCGAN)
    gan.build(DataSpec("image", (1, size, size), ("no", "yes")), (1,), {})
    asked: list[int] = []
    monkeypatch.setattr(gan, "generate", lambda conditions: asked.append(len(conditions)) or conditions[:, None])
    samples = gan.sample(torch.ones(2 * largest + 1, dtype=torch.long), seed=0)
    assert len(samples) == 2 * largest + 1
    assert asked == [largest, largest, 1]


FUSED = {"generator_optimizer": AdversarialAdam, "discriminator_optimizer": AdversarialAdam}
WATCHED = [
    pytest.param(GAN, {**SMATE, **FUSED}, id="GAN-SMate"),
    pytest.param(
        ConditionalGAN,
        {**RESNET, **FUSED, "loss": HingeLoss(), "augmentation": DiffAugment()},
        id="ConditionalGAN-ResNet",
    ),
    pytest.param(ConditionalWassersteinGAN, {**DCGAN, **FUSED}, id="ConditionalWassersteinGAN-DCGAN"),
    pytest.param(AuxiliaryClassifierGAN, {**DCGAN, **FUSED}, id="AuxiliaryClassifierGAN-DCGAN"),
]


class Waiting(TorchDispatchMode):
    """Raises where a device would have to be waited for: where what comes next depends on what it computed."""

    OPERATIONS = frozenset({"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2"})

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        by_mask = operation.name().startswith("aten::index") and any(
            isinstance(one, Tensor) and one.dtype == torch.bool for one in tree_leaves(args)
        )
        if operation.name() in self.OPERATIONS or by_mask:
            raise AssertionError(f"{operation} waits for the device")
        return operation(*args, **(kwargs or {}))


def test_waiting_is_noticed() -> None:
    numbers = torch.arange(3.0)
    for wait in (lambda: numbers.sum().item(), lambda: numbers[numbers > 1], lambda: bool(numbers.isnan().any())):
        with Waiting(), pytest.raises(AssertionError, match="waits for the device"):
            wait()


@pytest.mark.parametrize(("gan_class", "settings"), WATCHED)
def test_no_step_waits_for_the_device(
    gan_class: type[BaseGAN],
    settings: dict[str, Any],
    tiny_gan: MakeGAN,
    tiny_images: MakeImages,
    fit: Fit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[int] = []
    original = BaseGAN.training_step

    def watched(gan: BaseGAN, batch: Any, batch_idx: int) -> Any:
        steps.append(batch_idx)
        with Waiting():
            return original(gan, batch, batch_idx)

    monkeypatch.setattr(BaseGAN, "training_step", watched)
    fit(tiny_gan(gan_class, **settings), tiny_images(), max_epochs=1)
    assert steps == [0, 1]


class Impatient(Callback):
    """Has CUDA raise wherever the processor waits for it, from an epoch's second step to its last."""

    def on_train_batch_start(self, trainer: pl.Trainer, gan: BaseGAN, batch: Any, batch_idx: int) -> None:
        if batch_idx == 1:
            torch.cuda.set_sync_debug_mode("error")

    def on_train_batch_end(self, trainer: pl.Trainer, gan: BaseGAN, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx == trainer.num_training_batches - 1:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU to wait for")
@pytest.mark.parametrize(("gan_class", "settings"), WATCHED)
def test_no_step_waits_for_a_gpu(
    gan_class: type[BaseGAN], settings: dict[str, Any], tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    data = tiny_images(steps_per_epoch=5)
    try:
        fit(tiny_gan(gan_class, **settings), data, accelerator="gpu", devices=1, callbacks=[Impatient()])
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("networks", [DCGAN, RESNET, SMATE], ids=["DCGAN", "ResNet", "SMate"])
@pytest.mark.parametrize("penalty", [None, WassersteinGradientPenalty()], ids=["free", "penalised"])
def test_mixed_precision_trains_every_weight(
    networks: dict[str, Any], penalty: GradientPenalty | None, tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    # weights that were rounded once a step, and not anew for every network's turn, would miss their gradients
    gan, starts = tiny_gan(GAN, **{**networks, "penalty": penalty, "discriminator_steps": 2}), Starts()
    fit(gan, tiny_images(), precision="bf16-mixed", callbacks=[starts, FiniteLossGuard(1)])
    before, after = starts.state, gan.state_dict()
    assert not [name for name, _ in gan.named_parameters() if torch.equal(before[name], after[name])]
    samples = gan.sample(torch.ones(3, dtype=torch.long), seed=0)
    assert samples.dtype == torch.float
    assert samples.isfinite().all()
