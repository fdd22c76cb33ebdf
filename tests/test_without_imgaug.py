"""Everything but SMate's own augmentation works where imgaug cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# a process of its own, which has imported nothing yet
HIDDEN = """
import sys

sys.modules["imgaug"] = None

from gan_imbalance.main import main

sys.exit(main())
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command without imgaug."""
    command = [sys.executable, "-c", HIDDEN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


CLASSIFIER = '{"small": {"class_path": "gan_imbalance.classifiers.ImageClassifier", "init_args": {"max_steps": 2}}}'
COMPARISON = (
    *("compare", "--data", "DigitsDataModule", "--data.only", "[1, 8]", "--data.validation_fraction", "0.2"),
    *("--remedies", "[nothing, augmentation]", "--controls", "false", "--classifiers", CLASSIFIER),
    *("--seeds", "1", "--folds", "0", "--output", "out", "--wandb", "false"),
)


@pytest.mark.parametrize("arguments", [("--help",), ("fit", "--help"), ("compare", "--help")])
def test_the_command_line_tells_its_options(workplace: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")


def test_a_comparison_of_images_augments_them(workplace: Path) -> None:
    done = run(*COMPARISON)
    assert done.returncode == 0, done.stderr
    assert list(Path("out/cells").glob("small-augmentation*.json"))


@pytest.mark.parametrize(("augmentation", "code"), [("SMateAugment", 0), ("SMateImgaug", 2)])
def test_the_policy_on_the_device_stands_in_for_it(workplace: Path, augmentation: str, code: int) -> None:
    data = ("--data", "DigitsDataModule", "--data.only", "[1, 8]", "--data.augmentation", augmentation)
    model = ("--model", "Classifier", "--model.network", "SMateCNN", "--trainer.accelerator", "cpu")
    done = run("fit", *model, "--trainer.fast_dev_run", "1", *data)
    assert done.returncode == code, done.stderr
    assert ("imgaug cannot be imported" in done.stderr) == (code == 2)
