"""A user's own images by the command line: trained on, generated in two forms, learned from; and mistakes in them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from gan_imbalance import ImageDataModule
from gan_imbalance.data.images import open_images, read_images
from gan_imbalance.main import main

SHORT = (
    *("--trainer.accelerator", "cpu"),
    *("--trainer.max_epochs", "1"),
    *("--trainer.enable_progress_bar", "false"),
    *("--trainer.enable_model_summary", "false"),
)
DATA = (
    *("--data", "ImageDataModule"),
    *("--data.images", "pictures"),
    *("--data.size", "12"),
    *("--data.channels", "1"),
    *("--data.keep", '{"top": 10}'),
    *("--data.steps_per_epoch", "2"),
    *("--data.batch_size", "16"),
)
GAN = "runs/GAN/version_0/checkpoints/last.ckpt"


@pytest.fixture
def pictures(workplace: Path) -> Path:
    """Return a folder of 40 coloured pictures of any shape for each of two classes, in the folder of work."""
    random = np.random.default_rng(0)
    for label in ("T-shirt", "top"):
        (workplace / "pictures" / label).mkdir(parents=True)
        for number in range(40):
            pixels = random.integers(0, 256, (14 + number % 3, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(workplace / "pictures" / label / f"{number}.png")
    return workplace / "pictures"


def test_a_folder_of_pictures_from_training_to_mixed_batches(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "--model", "GAN", *DATA, *SHORT, "--image_distances.classifier_steps", "2"]) == 0
    counts = ("--counts", '{"top": 25}')
    for output in ("made.npz", "made"):
        assert main(["synthesize", "--ckpt_path", GAN, *counts, "--output", output]) == 0
        assert f"Wrote 25 images to {output}" in capsys.readouterr().out
        assert read_images(open_images(output)).images.shape == (25, 1, 12, 12)
        manifest = json.loads(Path(f"{output}.json").read_text())
        assert manifest["checkpoint"]["path"] == GAN
        assert manifest["split_hash"] == split_hash()
        real = [part.replace("--data", "--data.data") for part in DATA]
        mixed = ("--data", "MixedDataModule", *real, "--data.synthetic", output)
        model = ("--model", "Classifier", "--model.network", "SMateCNN")
        assert main(["fit", *model, *mixed, *SHORT]) == 0
    assert main(["synthesize", "--ckpt_path", GAN, *counts, "--output", "made"]) == 2
    assert "it is there already" in capsys.readouterr().err
    assert main(["synthesize", "--ckpt_path", GAN, *counts, "--output", "made.csv"]) == 2
    assert "end its name in .npz" in capsys.readouterr().err


def test_images_can_be_looked_at_beside_the_training_images(
    pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_imbalance.classifiers.features.train_feature_network.__defaults__", (0.1, 2, 0, "cpu"))
    fit = ("fit", "--model", "ConditionalGAN", "--model.classes", "all", *DATA, *SHORT)
    assert main([*fit, "--image_distances.classifier_steps", "2"]) == 0
    run = Path("runs/ConditionalGAN/version_0")
    ckpt = ("synthesize", "--ckpt_path", str(run / "checkpoints/last.ckpt"), "--wandb", "false")
    made = (*ckpt, "--counts", '{"top": 9, "T-shirt": 3}', "--output")
    assert main([*made, "paired.npz", *DATA[:-4]]) == 0
    assert "Look at them in paired.npz.samples.html" in capsys.readouterr().out
    assert main([*made, "alone.npz"]) == 0
    with pytest.warns(UserWarning, match="trained on other data or another split"):
        assert main([*made, "other.npz", *DATA[:-4], "--data.split_seed", "1"]) == 0
    with pytest.warns(UserWarning, match="the generator makes"):
        assert main([*made, "larger.npz", *DATA[:-4], "--data.size", "16"]) == 0
    pages = [
        run / "samples.html",
        *(Path(f"{name}.npz.samples.html") for name in ("paired", "alone", "other", "larger")),
    ]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    assert ["each left of its nearest training image" in text for text in texts] == [True, True, False, False, False]
    assert ["Training images are not shown" in text for text in texts] == [False, False, True, True, True]
    for text in texts:
        assert text.count("<figure") == 2
        assert str(pictures.parent) not in text
        assert "://" not in text
    Path("full.npz.samples.html").mkdir()
    with pytest.warns(UserWarning, match="could not be written"):
        assert main([*made, "full.npz"]) == 0
    assert Path("full.npz.json").is_file()


def split_hash() -> str:
    """Return the hash of the split that the settings of ``DATA`` make."""
    return ImageDataModule(images="pictures", size=12, channels=1, keep={"top": 10}).split.hash


# -- mistakes -------------------------------------------------------------------------------------------------------

NETWORKS = (
    *("--model.generator", "DCGANGenerator"),
    *("--model.generator.width", "2"),
    *("--model.discriminator", "DCGANDiscriminator"),
    *("--model.discriminator.width", "2"),
)
FIT = (*SHORT, *NETWORKS, "--image_distances.classifier_steps", "2")
SETTINGS = {
    "network": {"class_path": "gan_imbalance.networks.SMateCNN", "init_args": {"width": 0.1}},
    "max_steps": 3,
    "accelerator": "cpu",
}
CLASSIFIER = {"tiny": {"class_path": "gan_imbalance.classifiers.ImageClassifier", "init_args": SETTINGS}}
COMPARE = (
    *("--classifiers", json.dumps(CLASSIFIER)),
    *("--seeds", "1", "--folds", "0"),
    *("--controls", "false"),
    *("--wandb", "false"),
    *("--output", "results"),
)
SUBCOMMANDS = {"fit": ("fit", "--model", "GAN", *FIT), "compare": ("compare", *COMPARE, "--remedies", "[smote]")}


def own(images: str, *options: str) -> tuple[str, ...]:
    """Return the arguments that name a user's own images."""
    return "--data", "ImageDataModule", "--data.images", images, *options


def write_arrays(**changes: Any) -> None:
    """Write images.npz with 60 images of 8 x 8 grey pixels of cats and 40 of dogs, or something else instead."""
    arrays = {
        "images": np.random.default_rng(0).integers(0, 256, (100, 1, 8, 8), dtype=np.uint8),
        "labels": np.repeat([0, 1], [60, 40]),
        "classes": np.array(["cat", "dog"]),
    }
    np.savez("images.npz", **{**arrays, **changes})


def write_cifar10(files: int) -> None:
    """Write files of CIFAR-10 that hold something else."""
    Path("cifar-10-batches-py").mkdir()
    for number in range(1, files + 1):
        Path(f"cifar-10-batches-py/data_batch_{number}").write_bytes(b"no images")


def write_cut_arrays() -> None:
    """Write what :func:`write_arrays` does but for its end."""
    write_arrays()
    Path("images.npz").write_bytes(Path("images.npz").read_bytes()[:5000])


@pytest.mark.parametrize(
    ("change", "data", "expected"),
    [
        (
            lambda: Path("pictures/top/3.png").write_bytes(b"no picture"),
            own("pictures", "--data.size", "12"),
            "The image pictures/top/3.png cannot be read",
        ),
        (lambda: None, own("nowhere"), "nowhere cannot be read"),
        (write_cut_arrays, own("images.npz"), "images.npz cannot be read"),
        (lambda: None, ("--data", "CIFAR10DataModule"), "file data/cifar-10-batches-py/data_batch_1 is missing"),
        (lambda: write_cifar10(0), ("--data", "CIFAR10DataModule", "--data.root", "."), "data_batch_1 is missing"),
        (lambda: write_cifar10(1), ("--data", "CIFAR10DataModule", "--data.root", "."), "data_batch_1 is corrupt"),
        (
            lambda: write_arrays(labels=np.arange(100) % 3),
            own("images.npz"),
            "Image 2 has label 2, but there are 2 classes; labels must be 0 to 1.",
        ),
        (lambda: write_arrays(labels=np.arange(100) % 2 - 1), own("images.npz"), "Image 0 has label -1"),
        (lambda: write_arrays(test_rows=np.ones(5, bool)), own("images.npz"), "test_rows are bool of shape (5,)"),
        (lambda: None, own("pictures"), "the first has 16 x 14 pixels with 3 channel(s) and number 1 has 16 x 15"),
        (
            lambda: write_arrays(images=np.zeros((100, 3, 80, 80), np.uint8)),
            own("images.npz"),
            "The images have 80 x 80 pixels, but must be square, 8 to 64 pixels wide; give size",
        ),
        (write_arrays, own("images.npz", "--data.augmentation", "SMateImgaug"), "imgaug"),
        (
            write_arrays,
            ("--data", "ImageDataModule", "--data.dataset", "torchvision.datasets.MNIST", "--data.dataset.root", "no"),
            "The data set MNIST cannot be read",
        ),
    ],
)
@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_images_that_cannot_be_used(
    pictures: Path,
    refuse: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    subcommand: str,
    change: Callable[[], Any],
    data: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.setitem(sys.modules, "imgaug", None)
    change()
    assert expected in refuse(*SUBCOMMANDS[subcommand], *data)


@pytest.mark.parametrize(
    "options",
    [("--model.freeze_generator_blocks", "7"), ("--model.freeze_discriminator_blocks", "7")],
)
def test_more_frozen_blocks_than_there_are(
    workplace: Path, refuse: Callable[..., str], options: tuple[str, ...]
) -> None:
    write_arrays()
    transfer = ("fit", "--model", "MinorityTransferGAN", *FIT, *own("images.npz"), "--model.pretrain_epochs", "1")
    assert "Cannot freeze 7 blocks" in refuse(*transfer, *options)


@pytest.fixture
def few_dogs(workplace: Path) -> tuple[str, ...]:
    """Return the arguments that name images with three dogs in training and one in validation, and batches of 16."""
    pixels = np.random.default_rng(0).integers(0, 256, (65, 1, 8, 8), dtype=np.uint8)
    write_arrays(images=pixels, labels=np.repeat([0, 1], [60, 5]))
    return own("images.npz", "--data.batch_size", "16", "--data.steps_per_epoch", "2")


@pytest.mark.parametrize(
    "model", [("GAN",), ("ConditionalGAN",), ("MinorityTransferGAN", "--model.pretrain_epochs", "1")]
)
def test_a_gan_learns_a_class_of_fewer_images_than_a_batch(
    few_dogs: tuple[str, ...], model: tuple[str, ...], recwarn: pytest.WarningsRecorder
) -> None:
    assert main(["fit", "--model", *model, *FIT, *few_dogs, "--trainer.max_epochs", "2"]) == 0
    warned = [str(warning.message) for warning in recwarn if "validation image" in str(warning.message)]
    # all classes together have images enough
    assert len(warned) == (model[0] != "ConditionalGAN")
    run = Path("runs", model[0], "version_0/checkpoints/last.ckpt")
    assert main(["synthesize", "--ckpt_path", str(run), "--counts", '{"dog": 20}', "--output", "made.npz"]) == 0


def test_a_class_of_one_validation_image_has_no_distance_to_go_by(
    few_dogs: tuple[str, ...], refuse: Callable[..., str]
) -> None:
    monitor = ("--checkpoint.monitor", "val/fid_classifier")
    expected = "1 validation image(s) of 'dog' are too few to tell val/fid_classifier, which ModelCheckpoint monitors"
    assert expected in refuse(*SUBCOMMANDS["fit"], *few_dogs, *monitor)


def test_a_comparison_works_with_few_images_and_tells_of_a_remedy_that_cannot(
    few_dogs: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gan_imbalance.comparison.adapters.images._FEATURE_STEPS", 2)
    networks = {
        name: {"class_path": f"gan_imbalance.networks.DCGAN{name.title()}", "init_args": {"width": 2}}
        for name in ("generator", "discriminator")
    }

    def transfer(name: str, **settings: int) -> dict[str, Any]:
        gan = {"class_path": "gan_imbalance.gans.MinorityTransferGAN", "init_args": {**networks, **settings}}
        sampler = {
            "class_path": "gan_imbalance.oversampling.ImageOverSampler",
            "init_args": {"gan": gan, "max_steps": 4, "accelerator": "cpu"},
        }
        return {"name": name, "resampler": sampler}

    remedies = json.dumps(["smote", transfer("transfer"), transfer("deep", freeze_generator_blocks=7)])
    # what follows the images is for training by `fit`
    assert main(["compare", *COMPARE, *few_dogs[:-4], "--remedies", remedies]) == 1
    told = capsys.readouterr()
    assert told.out.count("failed: ") == 1
    assert "deep" in (sentence := told.out.split("failed: ")[1])
    assert "Cannot freeze 7 blocks" in sentence
    assert "Traceback" not in told.out + told.err
    assert set(pd.read_csv("results/results.csv")["remedy"]) == {"nothing", "smote", "transfer"}


def test_checkpoints_of_other_networks_or_images_are_refused(workplace: Path, refuse: Callable[..., str]) -> None:
    write_arrays()
    data = own("images.npz", "--data.batch_size", "16", "--data.steps_per_epoch", "2")
    assert main(["fit", "--model", "GAN", *FIT, *data]) == 0
    path = GAN
    resume = ("fit", "--model", "GAN", *FIT, *data, "--ckpt_path", path)
    assert "built for other data" in refuse(*resume, "--data.size", "16")
    assert "built for other data" in refuse(*resume, "--data.channels", "3")
    wider = ("--model.generator.width", "3")
    assert f"The networks of {path} differ from the model's" in refuse(*resume, *wider)
    transfer = ("fit", "--model", "MinorityTransferGAN", *FIT, *data, "--model.pretrained", path)
    assert f"The networks of {path} differ from these" in refuse(*transfer, *wider)
    assert f"The networks of {path} differ from these" in refuse(*transfer, "--data.size", "16")
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"] = {name: weights[None] for name, weights in checkpoint["state_dict"].items()}
    torch.save(checkpoint, "other.ckpt")
    made = ("synthesize", "--ckpt_path", "other.ckpt", "--counts", '{"dog": 3}', "--output", "made.npz")
    assert "The weights in other.ckpt do not fit the networks that it names" in refuse(*made)
