"""What every generator must hold to; one joins the list by being in the ``__all__`` of its package."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor, nn

from gan_imbalance import gans, generators, losses
from gan_imbalance.data import ImageDataModule, TabularDataModule, TimeSeriesDataModule
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN, MinorityTransferGAN, WassersteinGAN
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.losses import (
    AdversarialLoss,
    AuxiliaryLoss,
    DRAGANPenalty,
    FeatureMatching,
    GradientPenalty,
    NonSaturatingLoss,
    TwoHeadedLoss,
    WassersteinGradientPenalty,
)
from gan_imbalance.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    DenseDiscriminator,
    DenseGenerator,
    MixedTableDiscriminator,
    MixedTableGenerator,
    RecurrentDiscriminator,
    RecurrentGenerator,
    ResNetDiscriminator,
    ResNetGenerator,
    SMateDiscriminator,
    SMateGenerator,
    TemporalDiscriminator,
    TemporalGenerator,
)
from gan_imbalance.optimizers import AdversarialAdam, WarmRestarts
from gan_imbalance.synthesis import load_gan, synthesize
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
MakeImages = Callable[..., ImageDataModule]
MakeSeries = Callable[..., TimeSeriesDataModule]
Fit = Callable[..., pl.Trainer]


def subclasses(base: type) -> list[type]:
    """Return the classes of the losses' package that can be used as `base`."""
    found = [item for item in vars(losses).values() if inspect.isclass(item) and issubclass(item, base)]
    return [item for item in found if not inspect.isabstract(item)]


GANS: list[type[BaseGAN]] = [getattr(gans, name) for name in gans.__all__ if name != "BaseGAN"]
OTHERS: list[type[BaseGenerator]] = [getattr(generators, name) for name in generators.__all__ if "Base" not in name]
GENERATORS = [*GANS, *OTHERS]
IMAGE_GANS = [gan for gan in GANS if "image" in gan.kinds]
SERIES_GANS = [gan for gan in GANS if "series" in gan.kinds]
CONDITIONAL = [one for one in GENERATORS if one.conditional]
SETTINGS = {MinorityTransferGAN: {"pretrain_epochs": 1}}
ADVERSARIAL_LOSSES = [NonSaturatingLoss((0.9, 1.0), (0.0, 0.1)), *(loss() for loss in subclasses(AdversarialLoss))]
AUXILIARY_LOSSES = [
    *(TwoHeadedLoss(loss, classify_fakes=True) for loss in ADVERSARIAL_LOSSES),
    *(loss() for loss in subclasses(AuxiliaryLoss)),
]
PENALTIES = [None, *(penalty() for penalty in subclasses(GradientPenalty))]
NETWORKS = {
    "mixed table": (partial(MixedTableGenerator, widths=(8,)), partial(MixedTableDiscriminator, widths=(8,))),
    "residual": (
        partial(DenseGenerator, widths=(8, 8), residual=True),
        partial(DenseDiscriminator, widths=(8, 8), residual=True),
    ),
    "normalised": (
        partial(DenseGenerator, widths=(8,), batch_norm=True, linear_skip=True),
        partial(DenseDiscriminator, widths=(8,), spectral_norm=True),
    ),
    "random": (
        partial(DenseGenerator, widths=(8,), gumbel_temperature=0.5),
        partial(DenseDiscriminator, widths=(8,), dropout=0.3),
    ),
}
IMAGE_NETWORKS = {
    "DCGAN": {"generator": partial(DCGANGenerator, width=2), "discriminator": partial(DCGANDiscriminator, width=2)},
    "SMate": {
        "generator": partial(SMateGenerator, width=0.02),
        "discriminator": partial(SMateDiscriminator, width=0.03, dropout=0.1),
    },
    "ResNet": {
        "generator": partial(ResNetGenerator, width=3),
        "discriminator": partial(ResNetDiscriminator, width=3),
    },
}
IMAGE_EXTRAS = {
    "feature_matching": FeatureMatching(),
    "instance_noise": 0.1,
    "augmentation": nn.AvgPool2d(3, stride=1, padding=1),
    "latent_distribution": "uniform",
    "discriminator": partial(DCGANDiscriminator, width=2, projection=False, spectral_norm=True),
}
SERIES_NETWORKS = {
    "temporal": {
        "generator": partial(TemporalGenerator, width=2),
        "discriminator": partial(TemporalDiscriminator, width=2),
    },
    "recurrent": {
        "generator": partial(RecurrentGenerator, widths=(4,)),
        "discriminator": partial(RecurrentDiscriminator, widths=(4,)),
    },
}
SERIES_EXTRAS = {
    "feature_matching": FeatureMatching(),
    "instance_noise": 0.1,
    "augmentation": nn.AvgPool1d(3, stride=1, padding=1),
    "discriminator": partial(TemporalDiscriminator, width=2, projection=False, spectral_norm=True, dropout=0.1),
}


def takes_auxiliary_loss(gan_class: type[BaseGAN]) -> bool:
    return isinstance(gan_class().loss, AuxiliaryLoss)


def cases() -> Iterator[Any]:
    """Yield every GAN with every loss, with every penalty and with every kind of network.

    Of losses and penalties every pair is there, too, with some GAN: formulas have tests of their own.
    """
    for turn, gan_class in enumerate(GANS):
        settings = SETTINGS.get(gan_class, {})
        pluggable = AUXILIARY_LOSSES if takes_auxiliary_loss(gan_class) else ADVERSARIAL_LOSSES
        for position in range(max(len(pluggable), len(PENALTIES))):
            loss, penalty = pluggable[position % len(pluggable)], PENALTIES[(position + turn) % len(PENALTIES)]
            name = f"{gan_class.__name__}-{_name(loss)}-{_name(penalty)}"
            yield pytest.param(gan_class, {**settings, "loss": loss, "penalty": penalty}, id=name)
        for name, (generator, discriminator) in NETWORKS.items():
            networks = {"generator": generator, "discriminator": discriminator}
            yield pytest.param(gan_class, {**settings, **networks}, id=f"{gan_class.__name__}-{name}")
        extras = {"feature_matching": FeatureMatching(), "instance_noise": 0.1}
        yield pytest.param(gan_class, {**settings, **extras}, id=f"{gan_class.__name__}-extras")
        if not takes_auxiliary_loss(gan_class):
            packing = {"discriminator": partial(DenseDiscriminator, widths=(8,), packing=2)}
            yield pytest.param(gan_class, {**settings, **packing}, id=f"{gan_class.__name__}-packing")


def array_cases(
    gan_classes: list[type[BaseGAN]], all_networks: dict[str, dict[str, Any]], further: dict[str, Any]
) -> Iterator[Any]:
    """Yield every GAN that learns images, or series, with every kind of network, and every loss and penalty."""
    first = next(iter(all_networks.values()))
    for gan_class in gan_classes:
        settings = SETTINGS.get(gan_class, {})
        for name, networks in all_networks.items():
            yield pytest.param(gan_class, {**settings, **networks}, id=f"{gan_class.__name__}-{name}")
        extras = {**settings, **first, **further}
        yield pytest.param(gan_class, extras, id=f"{gan_class.__name__}-extras")
    for name, networks in all_networks.items():
        for penalty in PENALTIES:
            yield pytest.param(GAN, {**networks, "penalty": penalty}, id=f"GAN-{name}-{_name(penalty)}")
    for gan_class, pluggable in ((GAN, ADVERSARIAL_LOSSES), (gans.AuxiliaryClassifierGAN, AUXILIARY_LOSSES)):
        for loss in pluggable:
            settings = {**first, "loss": loss}
            yield pytest.param(gan_class, settings, id=f"{gan_class.__name__}-{_name(loss)}")


def _name(component: nn.Module | None) -> str:
    if isinstance(component, TwoHeadedLoss):
        return f"TwoHeaded({_name(component.adversarial)}, {component.classify_fakes})"
    if isinstance(component, NonSaturatingLoss) and component.real_label_range[0] < 1:
        return "SoftLabels"
    return type(component).__name__ if component else "None"


def weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def gradients(network: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


class Watch(Callback):
    """Watches who learns in each turn, and that the other network rests."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.reached: set[str] = set()
        self.generator: tuple[dict[str, Tensor], ...] = ()
        self.discriminator: tuple[dict[str, Tensor], ...] = ()

    def on_train_batch_start(self, trainer: pl.Trainer, gan: BaseGAN, *args: Any) -> None:
        self.turns.clear()
        self.generator = weights(gan.generator), gradients(gan.generator)

    def on_before_optimizer_step(self, trainer: pl.Trainer, gan: BaseGAN, optimizer: torch.optim.Optimizer) -> None:
        turn = "generator" if optimizer is trainer.optimizers[0] else "discriminator"
        self.turns.append(turn)
        for name, parameter in getattr(gan, turn).named_parameters():
            # losses of differences do not depend on a score's offset: the gradient of that bias is there, and 0
            if parameter.grad is not None and (parameter.ndim == 1 or parameter.grad.any()):
                assert parameter.grad.isfinite().all()
                self.reached.add(f"{turn}.{name}")
        if turn == "discriminator":
            assert same(weights(gan.generator), self.generator[0])
            assert same(gradients(gan.generator), self.generator[1])
            self.discriminator = ({}, gradients(gan.discriminator))
        else:
            assert same(gradients(gan.discriminator), self.discriminator[1])
            self.discriminator = weights(gan.discriminator), {}

    def on_train_batch_end(self, trainer: pl.Trainer, gan: BaseGAN, *args: Any) -> None:
        assert self.turns == ["discriminator"] * gan.discriminator_steps + ["generator"]
        assert same(weights(gan.discriminator), self.discriminator[0])


@pytest.mark.parametrize(("gan_class", "settings"), list(cases()))
def test_every_parameter_learns_in_its_networks_turn_and_one_seed_gives_one_result(
    gan_class: type[BaseGAN], settings: dict[str, Any], tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    every_parameter_learns_in_turn(tiny_gan, gan_class, settings, tiny_data(), fit)


@pytest.mark.parametrize(("gan_class", "settings"), list(array_cases(IMAGE_GANS, IMAGE_NETWORKS, IMAGE_EXTRAS)))
def test_on_images_every_parameter_learns_in_its_networks_turn_and_one_seed_gives_one_result(
    gan_class: type[BaseGAN], settings: dict[str, Any], tiny_gan: MakeGAN, tiny_images: MakeImages, fit: Fit
) -> None:
    every_parameter_learns_in_turn(tiny_gan, gan_class, settings, tiny_images(), fit)


@pytest.mark.parametrize(("gan_class", "settings"), list(array_cases(SERIES_GANS, SERIES_NETWORKS, SERIES_EXTRAS)))
def test_on_series_every_parameter_learns_in_its_networks_turn_and_one_seed_gives_one_result(
    gan_class: type[BaseGAN], settings: dict[str, Any], tiny_gan: MakeGAN, tiny_series: MakeSeries, fit: Fit
) -> None:
    every_parameter_learns_in_turn(tiny_gan, gan_class, settings, tiny_series(), fit)


def every_parameter_learns_in_turn(
    make: MakeGAN, gan_class: type[BaseGAN], settings: dict[str, Any], data: pl.LightningDataModule, fit: Fit
) -> None:
    watch, gan, again = Watch(), make(gan_class, **settings), make(gan_class, **settings)
    fit(gan, data, callbacks=[watch], limit_val_batches=0)
    assert watch.reached == {name for name, _ in gan.named_parameters()}
    fit(again, data)
    assert same(gan.state_dict(), again.state_dict())


@pytest.mark.parametrize("gan_class", GENERATORS)
def test_another_seed_gives_another_result(
    gan_class: type[BaseGAN], tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    settings = SETTINGS.get(gan_class, {})
    gan, other = tiny_gan(gan_class, **settings), tiny_gan(gan_class, **settings)
    fit(gan, tiny_data())
    fit(other, tiny_data(), seed=1)
    assert not same(gan.state_dict(), other.state_dict())


@pytest.fixture(params=GENERATORS)
def trained_on_a_table(
    request: pytest.FixtureRequest, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> tuple[BaseGAN, Path]:
    """Return a GAN of every class that was trained on a table, and its checkpoint."""
    gan = tiny_gan(request.param, **SETTINGS.get(request.param, {}))
    fit(gan, tiny_data()).save_checkpoint(tmp_path / "gan.ckpt")
    return gan, tmp_path / "gan.ckpt"


TRAINED = [(one, "table") for one in GENERATORS]
TRAINED += [(gan, "image") for gan in IMAGE_GANS]
TRAINED += [(gan, "series") for gan in SERIES_GANS]


@pytest.fixture(params=TRAINED)
def trained(
    request: pytest.FixtureRequest,
    tiny_gan: MakeGAN,
    tiny_data: MakeData,
    tiny_images: MakeImages,
    tiny_series: MakeSeries,
    fit: Fit,
    tmp_path: Path,
) -> tuple[BaseGAN, Path]:
    """Return a GAN of every class that was trained on a table, images or series, and its checkpoint."""
    gan_class, kind = request.param
    networks = {"table": {}, "image": IMAGE_NETWORKS["DCGAN"], "series": SERIES_NETWORKS["temporal"]}[kind]
    gan = tiny_gan(gan_class, **SETTINGS.get(gan_class, {}), **networks)
    data = {"table": tiny_data, "image": tiny_images, "series": tiny_series}[kind]()
    fit(gan, data).save_checkpoint(tmp_path / "gan.ckpt")
    return gan, tmp_path / "gan.ckpt"


def labels_of(gan: BaseGAN, count: int) -> Tensor:
    """Return ``count`` labels in turn among the classes that a GAN has learnt."""
    return torch.tensor(gan.trained_classes).repeat(count)[:count]


@pytest.mark.parametrize("count", [1, 7, 20_000])
def test_as_many_samples_as_labels(trained: tuple[BaseGAN, Path], count: int) -> None:
    gan, _ = trained
    samples = gan.sample(labels_of(gan, count), seed=0)
    assert samples.shape == (count, *gan.spec.shape)
    assert samples.isfinite().all()
    assert not samples.requires_grad


def test_sampling_follows_its_seed_and_leaves_no_trace(trained: tuple[BaseGAN, Path], leaves_gpus_alone: None) -> None:
    gan, _ = trained
    labels = labels_of(gan, 8)
    gan.train()
    gan.ema_target.blocks[0].eval()
    modes = [module.training for module in gan.modules()]
    random_state = torch.get_rng_state()
    first = gan.sample(labels, seed=3)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert [module.training for module in gan.modules()] == modes
    torch.rand(5)
    assert torch.equal(gan.sample(labels, seed=3), first)
    assert not torch.equal(gan.sample(labels, seed=4), first)


def test_rows_are_counted_exactly_in_the_form_of_the_input(
    trained_on_a_table: tuple[BaseGAN, Path], separated_frame: pd.DataFrame
) -> None:
    gan, _ = trained_on_a_table
    counts = {gan.spec.classes[index]: 5 + index for index in gan.trained_classes}
    synthetic = synthesize(gan, counts, seed=0)
    assert synthetic.rows["label"].value_counts().to_dict() == counts
    assert synthetic.rows.dtypes.to_dict() == separated_frame.dtypes.to_dict()
    assert list(synthetic.rows) == list(separated_frame)


def test_a_class_it_never_saw_is_refused(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(GAN)
    fit(gan, tiny_data())
    with pytest.raises(InputError, match="This GAN never saw class 'no': it generates 'yes'"):
        gan.sample(torch.tensor([1, 0]), seed=0)


def test_a_checkpoint_needs_neither_data_nor_seed(
    trained: tuple[BaseGAN, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gan, path = trained
    samples = gan.sample(labels_of(gan, 8), seed=0)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(99)
    random_state = torch.get_rng_state()
    loaded = load_gan(path)
    reloaded = type(gan).load_from_checkpoint(path, weights_only=True)
    for copy in (loaded, reloaded):
        assert type(copy) is type(gan)
        assert same(copy.state_dict(), gan.state_dict())
        assert torch.equal(copy.sample(labels_of(gan, 8), seed=0), samples)
        assert copy.trained_classes == gan.trained_classes
    assert not any(module.training for module in loaded.modules())
    assert not torch.equal(torch.get_rng_state(), random_state)


def test_a_loaded_checkpoint_makes_the_same_rows(trained_on_a_table: tuple[BaseGAN, Path]) -> None:
    gan, path = trained_on_a_table
    loaded = load_gan(path)
    counts = {gan.spec.classes[index]: 4 for index in gan.trained_classes}
    pd.testing.assert_frame_equal(synthesize(loaded, counts, seed=1).rows, synthesize(gan, counts, seed=1).rows)


def test_components_survive_a_checkpoint(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    gan = tiny_gan(
        GAN,
        loss=NonSaturatingLoss((0.9, 1.0), (0.0, 0.1)),
        penalty={"class_path": "gan_imbalance.losses.DRAGANPenalty", "init_args": {"noise_scale": 0.2}},
        feature_matching=FeatureMatching(0.3),
        discriminator={
            "class_path": "gan_imbalance.networks.MixedTableDiscriminator",
            "init_args": {"widths": [6], "bottleneck": 3},
        },
        generator_optimizer=partial(AdversarialAdam, lr=0.02, betas=(0.1, 0.8)),
        discriminator_optimizer=torch.optim.RMSprop,
        scheduler=partial(WarmRestarts, period=7),
        latent_dim=5,
        warmup_steps=1,
        classes=["no"],
    )
    fit(gan, tiny_data()).save_checkpoint(tmp_path / "gan.ckpt")
    loaded = load_gan(tmp_path / "gan.ckpt")
    assert same(loaded.state_dict(), gan.state_dict())
    assert list(loaded.loss.fake_label_range) == [0.0, 0.1]
    assert isinstance(loaded.penalty, DRAGANPenalty)
    assert (loaded.penalty.noise_scale, loaded.feature_matching.weight) == (0.2, 0.3)
    (generator_optimizer, discriminator_optimizer), schedules = loaded.configure_optimizers()
    assert generator_optimizer.defaults["lr"] == 0.02
    assert list(generator_optimizer.defaults["betas"]) == [0.1, 0.8]
    assert isinstance(discriminator_optimizer, torch.optim.RMSprop)
    assert [schedule.T_0 for schedule in schedules] == [7, 7]
    assert (loaded.latent_dim, loaded.warmup_steps, loaded.classes) == (5, 1, ["no"])


class PenaltyOfItsOwnGAN(WassersteinGAN):
    """A subclass with a parameter of its own, which it makes one of its base's of."""

    def __init__(self, strength: float, **kwargs: Any) -> None:
        super().__init__(penalty=WassersteinGradientPenalty(strength), latent_dim=3, **kwargs)
        self.strength = strength


class SettledGAN(ConditionalGAN):
    """A subclass that leaves nothing to choose."""

    def __init__(self) -> None:
        super().__init__(latent_dim=3, classes=["yes", "no"])


def test_a_subclass_with_parameters_of_its_own_survives(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    networks = {"generator": DenseGenerator, "discriminator": DenseDiscriminator}
    gan = PenaltyOfItsOwnGAN(strength=3.0, discriminator_steps=2, **networks)
    fit(gan, tiny_data()).save_checkpoint(tmp_path / "gan.ckpt")
    for loaded in (
        load_gan(tmp_path / "gan.ckpt", trust=__name__),
        PenaltyOfItsOwnGAN.load_from_checkpoint(tmp_path / "gan.ckpt"),
    ):
        assert type(loaded) is PenaltyOfItsOwnGAN
        assert (loaded.strength, loaded.penalty.weight, loaded.discriminator_steps) == (3.0, 3.0, 2)
        assert same(loaded.state_dict(), gan.state_dict())


def test_a_subclass_without_parameters_survives(tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    gan = SettledGAN()
    fit(gan, tiny_data()).save_checkpoint(tmp_path / "gan.ckpt")
    for loaded in (
        load_gan(tmp_path / "gan.ckpt", trust=__name__),
        SettledGAN.load_from_checkpoint(tmp_path / "gan.ckpt"),
    ):
        assert same(loaded.state_dict(), gan.state_dict())


@pytest.mark.parametrize("gan_class", [gan for gan in GANS if not gan.conditional])
def test_an_unconditional_gan_learns_one_class(
    gan_class: type[BaseGAN], tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    gan = tiny_gan(gan_class, classes="all", **SETTINGS.get(gan_class, {}))
    with pytest.raises(InputError, match=r"is not conditional .* selects 'no', 'yes'"):
        fit(gan, tiny_data())


@pytest.mark.parametrize("gan_class", CONDITIONAL)
def test_samples_follow_their_labels(
    gan_class: type[BaseGAN], tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    settings: dict[str, Any] = {
        "generator": partial(DenseGenerator, widths=(32,)),
        "discriminator": partial(DenseDiscriminator, widths=(32,), activation="leaky_relu"),
        # with more of either, two of ten seeds go astray
        "generator_optimizer": partial(torch.optim.Adam, lr=5e-3, betas=(0.5, 0.9)),
        "discriminator_optimizer": partial(torch.optim.Adam, lr=5e-3, betas=(0.5, 0.9)),
    }
    settings = settings if issubclass(gan_class, BaseGAN) else {}
    data = tiny_data(batch_size=32, steps_per_epoch=300)
    gan = tiny_gan(gan_class, **settings)
    fit(gan, data, max_epochs=1, limit_val_batches=0)
    rows, conditions = data.encoded("train")
    centres = torch.stack([rows[conditions == label].mean(dim=0) for label in (0, 1)])
    labels = torch.arange(2).repeat(200)
    nearest = torch.cdist(gan.sample(labels, seed=0), centres).argmin(dim=1)
    assert (nearest == labels).float().mean() > 0.9


@pytest.mark.parametrize("gan_class", CONDITIONAL)
def test_clusters_are_conditions_never_classes(
    gan_class: type[BaseGAN], tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    gan = tiny_gan(gan_class, classes="minority")
    fit(gan, tiny_data(clusters=3))
    assert gan.spec.condition_classes == (1, 1, 1)
    assert (gan.spec.num_conditions, gan.trained_classes) == (3, (1,))
    assert sum(gan.spec.condition_weights) == pytest.approx(1)
    assert set(synthesize(gan, {"yes": 50}, seed=0).rows["label"]) == {"yes"}
    for label in ("no", "2"):
        with pytest.raises(InputError):
            synthesize(gan, {label: 1}, seed=0)


def test_clusters_are_drawn_as_often_as_they_have_rows(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(ConditionalGAN, classes="minority")
    fit(gan, tiny_data(clusters=3))
    drawn: list[Tensor] = []
    gan.generator.register_forward_hook(lambda module, args, out: drawn.append(args[1]))
    gan.sample(torch.ones(5000, dtype=torch.long), seed=0)
    shares = torch.cat(drawn).bincount(minlength=3) / 5000
    # more than four standard deviations
    torch.testing.assert_close(shares, torch.tensor(gan.spec.condition_weights), atol=0.03, rtol=0)


def test_other_data_than_it_was_built_for_is_refused(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, separated_frame: pd.DataFrame
) -> None:
    gan = tiny_gan(GAN)
    fit(gan, tiny_data())
    with pytest.raises(InputError, match="another split"):
        fit(gan, tiny_data(split_seed=1))
    gan.data_state = {}
    with pytest.raises(InputError, match="built for other data"):
        fit(gan, tiny_data(frame=separated_frame.drop(columns="count")))


@pytest.mark.parametrize("gan_class", [one for one in GENERATORS if "image" not in one.kinds])
def test_images_and_series_are_not_for_gans_of_tables(
    gan_class: type[BaseGAN], tiny_gan: MakeGAN, tiny_images: MakeImages, tiny_series: MakeSeries, fit: Fit
) -> None:
    for data, kind in ((tiny_images(), "images"), (tiny_series(), "series")):
        with pytest.raises(InputError, match=f"{gan_class.__name__} learns tables, but the data are {kind}: choose"):
            fit(tiny_gan(gan_class), data)


@pytest.mark.parametrize("gan_class", IMAGE_GANS)
def test_networks_are_those_that_suit_the_data(
    gan_class: type[BaseGAN], tiny_data: MakeData, tiny_images: MakeImages, tiny_series: MakeSeries, fit: Fit
) -> None:
    settings = SETTINGS.get(gan_class, {})
    for data, generator, discriminator in (
        (tiny_data(), DenseGenerator, DenseDiscriminator),
        (tiny_images(), DCGANGenerator, DCGANDiscriminator),
        (tiny_series(), TemporalGenerator, TemporalDiscriminator),
    ):
        gan = gan_class(**settings)
        fit(gan, data, fast_dev_run=1, limit_val_batches=0)
        assert isinstance(gan.generator, generator)
        assert isinstance(gan.discriminator, discriminator)


def test_networks_for_other_data_are_refused(
    tiny_gan: MakeGAN, tiny_data: MakeData, tiny_images: MakeImages, fit: Fit
) -> None:
    with pytest.raises(InputError, match="DenseGenerator is a network for tables, but the data are images"):
        fit(tiny_gan(GAN), tiny_images())
    with pytest.raises(InputError, match="DCGANGenerator is a network for images, but the data are tables"):
        fit(tiny_gan(GAN, **IMAGE_NETWORKS["DCGAN"]), tiny_data())


def test_a_packing_discriminator_cannot_name_classes(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(gans.AuxiliaryClassifierGAN, discriminator=partial(DenseDiscriminator, packing=2))
    with pytest.raises(InputError, match="set packing to 1"):
        fit(gan, tiny_data())


def test_every_pair_of_loss_and_penalty_is_tried() -> None:
    tried = [case.values[1] for case in cases() if "loss" in case.values[1]]
    pairs = {(_name(settings["loss"]), _name(settings["penalty"])) for settings in tried}
    assert {(_name(loss), _name(penalty)) for loss in ADVERSARIAL_LOSSES for penalty in PENALTIES} <= pairs


@pytest.mark.parametrize("gan_class", GANS)
def test_no_module_is_shared_with_another_gan(gan_class: type[BaseGAN]) -> None:
    given = {"augmentation": nn.Dropout()}
    first, second = gan_class(**given), gan_class(**given)
    assert not {id(module) for module in first.modules()} & {id(module) for module in second.modules()}
    first.eval()
    assert second.loss.training
