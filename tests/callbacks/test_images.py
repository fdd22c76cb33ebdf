from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from matplotlib import image
from torch import Tensor, nn

from gan_imbalance.callbacks import FeatureDistanceMonitor, GeneratorEMA, ImageGrid, InceptionFeatures, SamplePage
from gan_imbalance.classifiers import Classifier
from gan_imbalance.data import DigitsDataModule, ImageDataModule
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN, MinorityTransferGAN
from gan_imbalance.metrics import image_distances
from gan_imbalance.networks import DCGANDiscriminator, DCGANGenerator, SMateCNN
from gan_imbalance.transforms.image import to_uint8
from gan_imbalance.types import InputError

Fit = Callable[..., pl.Trainer]


@pytest.fixture
def digits() -> DigitsDataModule:
    return DigitsDataModule(only=[0, 1, 2], batch_size=8, steps_per_epoch=1, keep={2: 0.5})


@pytest.fixture
def tiny_image_gan(tiny_gan: Callable[..., BaseGAN]) -> Callable[..., BaseGAN]:
    networks = {
        "generator": partial(DCGANGenerator, width=8),
        "discriminator": partial(DCGANDiscriminator, width=8),
        "discriminator_steps": 1,
    }
    return lambda gan_class, **settings: tiny_gan(gan_class, **networks, **settings)


class Corner(nn.Module):
    """Four pixels."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 3:5, 3:5].flatten(1)


@pytest.mark.parametrize(("gan_class", "lines"), [(GAN, 1), (ConditionalGAN, 3)])
def test_a_grid_has_a_line_per_class(
    gan_class: type[BaseGAN],
    lines: int,
    tiny_image_gan: Callable[..., BaseGAN],
    digits: DigitsDataModule,
    fit: Fit,
    tmp_path: Path,
) -> None:
    grid = ImageGrid(every_n_epochs=2, images_per_class=5)
    fit(tiny_image_gan(gan_class), digits, max_epochs=3, callbacks=[grid])
    drawn = sorted((tmp_path / "images").iterdir())
    assert [path.name for path in drawn] == ["step_0000001.png", "step_0000003.png"]
    first, last = (image.imread(path)[..., :3] for path in drawn)
    assert first.shape == (round(80 * (0.4 + 0.6 * lines)), 80 * 4, 3)
    assert first.std() > 0.05
    assert (first != last).any()


def test_a_grid_always_starts_from_the_same_latent_vectors(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit
) -> None:
    gan, grid = tiny_image_gan(ConditionalGAN), ImageGrid(images_per_class=2)
    trainer = fit(gan, digits, max_epochs=1)
    asked: list[Tensor] = []
    sample = gan.sample_conditions
    gan.sample_conditions = lambda *arguments: asked.append(sample(*arguments)) or asked[-1]  # type: ignore
    drawn = [torch.as_tensor(grid._figure(trainer, gan).axes[0].images[0].get_array()) for _ in range(2)]
    assert torch.equal(*asked)
    assert torch.equal(*drawn)
    assert drawn[0].shape == (3 * 9 + 1, 2 * 9 + 1, 3)
    assert [text.get_text() for text in grid._figure(trainer, gan).axes[0].get_yticklabels()] == ["0", "1", "2"]
    # the second image of class 2, in grey
    shown = ((asked[0][5, 0] + 1) * 127.5).round()
    assert torch.equal(drawn[0][19:27, 10:18, 1].float(), shown)


def test_a_page_shows_classes_and_stages(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit, tmp_path: Path
) -> None:
    callbacks = [FeatureDistanceMonitor(Corner()), ImageGrid(1, 2), SamplePage(every_n_epochs=2, images_per_class=5)]
    fit(tiny_image_gan(ConditionalGAN), digits, max_epochs=3, callbacks=callbacks)
    page = (tmp_path / "samples.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 3
    assert [f"step_000000{step}" in page for step in range(1, 4)] == [True] * 3
    assert "ConditionalGAN, step 3" in page


def test_a_page_is_written_when_training_ends_of_the_weights_that_it_ends_with(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr("gan_imbalance.callbacks.images.write_samples", lambda *arguments: made.append(arguments))
    gan = tiny_image_gan(ConditionalGAN)
    callbacks = [GeneratorEMA(), FeatureDistanceMonitor(Corner()), SamplePage(every_n_epochs=2, images_per_class=3)]
    fit(gan, digits, max_epochs=2, callbacks=callbacks)
    assert [generator for *_, generator, _ in made] == ["ConditionalGAN, step 1", "ConditionalGAN, step 2"]
    _, images, real, *_ = made[-1]
    assert images.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert torch.equal(images.images, to_uint8(gan.sample(torch.tensor(images.labels), 0)))
    assert real is made[0][2]
    assert len(real.training) == len(digits.rows("train"))
    assert len(real.unseen) == len(digits.rows("validation"))


@pytest.mark.parametrize("settings", [{"every_n_epochs": 0}, {}], ids=["left_out", "without_validation"])
def test_a_page_can_be_left_out_and_needs_no_validation(
    settings: dict[str, int],
    tiny_image_gan: Callable[..., BaseGAN],
    digits: DigitsDataModule,
    fit: Fit,
    tmp_path: Path,
) -> None:
    page = SamplePage(**settings, images_per_class=3)
    monitor = FeatureDistanceMonitor(classifier_steps=2)
    fit(tiny_image_gan(GAN), digits, max_epochs=1, limit_val_batches=0, callbacks=[monitor, page])
    assert (tmp_path / "samples.html").exists() == (not settings)


def test_a_page_needs_features(tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit) -> None:
    with pytest.raises(InputError, match="add one to the callbacks"):
        fit(tiny_image_gan(GAN), digits, callbacks=[SamplePage()])
    with pytest.raises(InputError, match="every_n_epochs is -1"):
        SamplePage(every_n_epochs=-1)


def test_distances_are_those_of_the_validation_images(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit
) -> None:
    gan = tiny_image_gan(ConditionalGAN)
    trainer = fit(gan, digits, callbacks=[GeneratorEMA(), FeatureDistanceMonitor(Corner())])
    real, labels = digits.encoded("validation")
    shown = torch.randperm(len(real), generator=torch.Generator().manual_seed(0))
    real, labels = real[shown], labels[shown]
    fake = digits.as_exported(gan.sample_conditions(labels, seed=0))
    expected = image_distances(Corner()(real), Corner()(fake), labels, [0, 1, 2])
    found = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
    assert found == pytest.approx(
        {
            "val/fid_features": expected["fid"],
            "val/kid_features": expected["kid"],
            "val/precision_features": expected["precision"],
            "val/recall_features": expected["recall"],
            **{f"val/fid_features_{label}": expected[f"fid_{label}"] for label in range(3)},
        },
        rel=1e-4,
    )


def test_it_is_the_monitor_of_a_checkpoint_and_no_part_of_it(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit, tmp_path: Path
) -> None:
    monitor = FeatureDistanceMonitor(SMateCNN(digits_spec(digits), width=0.1), max_images=20)
    best = pl.callbacks.ModelCheckpoint(tmp_path, monitor="val/fid_features", mode="min")
    trainer = fit(tiny_image_gan(GAN), digits, enable_checkpointing=True, callbacks=[monitor, best])
    assert best.best_model_score == min(best.best_k_models.values())
    saved = torch.load(best.best_model_path, weights_only=True)
    assert {name.split(".")[0] for name in saved["state_dict"]} == {"generator", "discriminator"}
    assert trainer.callback_metrics["val/fid_features"].isfinite()


def digits_spec(data: DigitsDataModule) -> Any:
    data.setup()
    return data.spec


def test_a_classifier_of_ours_is_trained_on_training_images_where_no_features_are_given(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit
) -> None:
    monitor = FeatureDistanceMonitor(classifier_steps=60)
    torch.manual_seed(0)
    gan = tiny_image_gan(GAN)
    trainer = fit(gan, digits, callbacks=[monitor])
    assert trainer.callback_metrics["val/fid_classifier"] > 0
    images, _ = digits.encoded("validation", "all")
    classes = torch.from_numpy(digits.samples.labels[digits.rows("validation")])
    assert monitor._network is not None
    with torch.no_grad():
        assert (monitor._network(images).argmax(dim=1) == classes).float().mean() > 0.9
    alone = tiny_image_gan(GAN)
    fit(alone, digits)
    for with_monitor, without in zip(gan.parameters(), alone.parameters(), strict=True):
        assert torch.equal(with_monitor, without)


def test_the_classifiers_training_leaves_no_trace(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit, request: pytest.FixtureRequest
) -> None:
    trainer = fit(tiny_image_gan(GAN), digits, max_epochs=1)
    before = torch.get_rng_state()
    request.getfixturevalue("leaves_gpus_alone")
    FeatureDistanceMonitor(classifier_steps=1)._train(trainer)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_resumed_run_compares_by_the_same_classifier(
    tiny_image_gan: Callable[..., BaseGAN],
    digits: DigitsDataModule,
    fit: Fit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = tmp_path / "last.ckpt"
    first, between, second = (FeatureDistanceMonitor(classifier_steps=2) for _ in range(3))
    fit(tiny_image_gan(GAN), digits, max_epochs=1, callbacks=[first]).save_checkpoint(last)
    monkeypatch.delattr("gan_imbalance.callbacks.images.train_feature_network")
    # one that is saved again before it has validated
    unvalidated: dict[str, Any] = {"max_epochs": 2, "limit_val_batches": 0, "callbacks": [between]}
    fit(tiny_image_gan(GAN), digits, ckpt_path=last, **unvalidated).save_checkpoint(last)
    fit(tiny_image_gan(GAN), digits, max_epochs=3, callbacks=[second], ckpt_path=last)
    assert first._network is not None
    assert second._network is not None
    torch.testing.assert_close(second._network.state_dict(), first._network.state_dict(), rtol=0, atol=0)


def test_a_classifier_may_be_read_from_its_checkpoint(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit, tmp_path: Path
) -> None:
    module = Classifier(partial(SMateCNN, width=0.1))
    fit(module, digits).save_checkpoint(tmp_path / "classifier.ckpt")
    monitor = FeatureDistanceMonitor(classifier_path=str(tmp_path / "classifier.ckpt"))
    trainer = fit(tiny_image_gan(GAN), digits, max_epochs=1, callbacks=[monitor])
    assert "val/fid_classifier" in trainer.callback_metrics
    assert monitor._network is not None
    assert torch.equal(monitor._network.blocks[-1].weight, module.network.blocks[-1].weight)
    larger = DigitsDataModule(only=[0, 1], size=16, batch_size=8, steps_per_epoch=1)
    with pytest.raises(InputError, match=r"holds a SMateCNN for samples of shape \(1, 8, 8\), but .* \(1, 16, 16\)"):
        fit(tiny_image_gan(GAN), larger, callbacks=[FeatureDistanceMonitor(classifier_path=monitor.classifier_path)])


def test_a_phase_before_the_last_never_has_the_best_figure(
    tiny_image_gan: Callable[..., BaseGAN], digits: DigitsDataModule, fit: Fit
) -> None:
    gan = tiny_image_gan(MinorityTransferGAN, pretrain_epochs=2)
    figures: list[dict[str, float]] = []

    class Watch(pl.Callback):
        def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            figures.append({name: float(value) for name, value in trainer.callback_metrics.items()})

    fit(gan, digits, max_epochs=3, callbacks=[FeatureDistanceMonitor(Corner()), Watch()])
    assert [figure["val/fid_features"] for figure in figures[:2]] == [math.inf] * 2
    assert 0 < figures[0]["val/pretraining_fid_features"] < math.inf
    assert "val/pretraining_fid_features_1" in figures[0]
    assert figures[2]["val/fid_features"] < math.inf


@pytest.mark.parametrize(("count", "told"), [(1, []), (2, ["fid", "kid"]), (5, ["fid", "kid", "precision", "recall"])])
def test_figures_of_too_few_images_are_left_out(
    tiny_image_gan: Callable[..., BaseGAN], fit: Fit, count: int, told: list[str], recwarn: pytest.WarningsRecorder
) -> None:
    trainer = fit(tiny_image_gan(GAN), rare_digits(count), callbacks=[FeatureDistanceMonitor(Corner())])
    found = {name for name in trainer.callback_metrics if name.endswith("_features")}
    assert found == {f"val/{figure}_features" for figure in told}
    warned = [str(warning.message) for warning in recwarn if "validation image" in str(warning.message)]
    few = "1 validation image(s) of 1 are too few to tell how far generated ones lie from them"
    assert warned == ([] if told else [f"{few}: these figures are left out."])


@pytest.mark.parametrize(
    ("gan_class", "count", "monitor", "enough"),
    [
        (GAN, 1, "fid_features", False),
        (GAN, 2, "fid_features", True),
        (GAN, 2, "precision_features", False),
        (GAN, 5, "precision_features", True),
        (ConditionalGAN, 1, "fid_features", True),
        (ConditionalGAN, 1, "fid_features_1", False),
        (ConditionalGAN, 2, "fid_features_1", True),
    ],
)
def test_figures_of_too_few_images_are_no_monitors(
    tiny_image_gan: Callable[..., BaseGAN],
    fit: Fit,
    tmp_path: Path,
    gan_class: type[BaseGAN],
    count: int,
    monitor: str,
    enough: bool,
) -> None:
    best = pl.callbacks.ModelCheckpoint(tmp_path, monitor=f"val/{monitor}", mode="min")
    settings: dict[str, Any] = {"enable_checkpointing": True, "callbacks": [FeatureDistanceMonitor(Corner()), best]}
    gan = tiny_image_gan(gan_class)
    if enough:
        fit(gan, rare_digits(count), **settings)
        assert best.best_model_score is not None
        return
    with pytest.raises(
        InputError, match=f"are too few to tell val/{monitor}, which ModelCheckpoint monitors: give more"
    ):
        fit(gan, rare_digits(count), **settings)
    assert not list(tmp_path.iterdir())


def rare_digits(validation_images: int) -> ImageDataModule:
    """Return zeros, and so few ones that the validation part has a given number."""
    digits = DigitsDataModule(only=[0, 1]).samples
    rows = np.concatenate([np.flatnonzero(digits.labels == 0), np.flatnonzero(digits.labels)[: 10 * validation_images]])
    return ImageDataModule(images=digits.take(rows), batch_size=8, steps_per_epoch=1)


def test_features_have_one_source() -> None:
    with pytest.raises(InputError, match="give one of them"):
        FeatureDistanceMonitor(Corner(), "classifier.ckpt")


def test_inceptions_features_need_their_package() -> None:
    pytest.importorskip("torchmetrics")
    with pytest.raises(InputError, match="Inception's features need the package torch-fidelity and its weights"):
        InceptionFeatures("nowhere.pth")


def test_inception_is_shown_bytes_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shown(nn.Module):
        def __init__(self, *arguments: Any) -> None:
            super().__init__()
            self.arguments = arguments

        def forward(self, images: Tensor) -> Tensor:
            assert images.dtype == torch.uint8
            return images.flatten(1)

    monkeypatch.setattr("torchmetrics.image.fid.NoTrainInceptionV3", Shown)
    network = InceptionFeatures("weights.pth")
    assert network.network.arguments == ("inception-v3-compat", ["2048"], "weights.pth")
    assert network(torch.tensor([-1.0, 0.6, 1.0]).view(3, 1, 1, 1)).tolist() == [[0] * 3, [204] * 3, [255] * 3]
    assert FeatureDistanceMonitor(network).name == "inception"
