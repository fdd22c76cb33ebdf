"""A user's own images by the command line: trained on, generated in two forms, and learned from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
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


def split_hash() -> str:
    """Return the hash of the split that the settings of ``DATA`` make."""
    return ImageDataModule(images="pictures", size=12, channels=1, keep={"top": 10}).split.hash
