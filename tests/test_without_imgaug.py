"""Everything but SMate's own augmentation works where imgaug cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

# a process of its own, which has imported nothing yet
HIDDEN = """
import contextlib, io, json, sys

sys.modules["imgaug"] = None

from gan_imbalance.main import main

ends = {}
for name, arguments in json.loads(sys.argv[1]).items():
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
    ends[name] = code, out.getvalue(), err.getvalue()
json.dump(ends, open("ends.json", "w"))
"""
CLASSIFIER = '{"small": {"class_path": "gan_imbalance.classifiers.ImageClassifier", "init_args": {"max_steps": 2}}}'
COMPARISON = (
    *("compare", "--data", "DigitsDataModule", "--data.only", "[1, 8]", "--data.validation_fraction", "0.2"),
    *("--remedies", "[nothing, augmentation]", "--controls", "false", "--classifiers", CLASSIFIER),
    *("--seeds", "1", "--folds", "0", "--output", "out", "--wandb", "false"),
)
FIT = (
    *("fit", "--model", "Classifier", "--model.network", "SMateCNN", "--trainer.accelerator", "cpu"),
    *("--trainer.fast_dev_run", "1", "--data", "DigitsDataModule", "--data.only", "[1, 8]", "--data.augmentation"),
)
COMMANDS = {
    "usage": ("--help",),
    "help of fit": ("fit", "--help"),
    "help of compare": ("compare", "--help"),
    "compare": COMPARISON,
    "stand-in": (*FIT, "SMateAugment"),
    "SMate's own": (*FIT, "SMateImgaug"),
}


class End(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, End]:
    """Run all commands without imgaug, one after the other, in a folder of their own."""
    folder = tmp_path_factory.mktemp("without_imgaug")
    command = [sys.executable, "-c", HIDDEN, json.dumps(COMMANDS)]
    subprocess.run(command, cwd=folder, check=True, timeout=200)
    ends = json.loads((folder / "ends.json").read_text())
    return {name: End(*end) for name, end in ends.items()} | {"folder": End(0, str(folder), "")}


@pytest.mark.parametrize("name", ["usage", "help of fit", "help of compare"])
def test_the_command_line_tells_its_options(ends: dict[str, End], name: str) -> None:
    assert ends[name].code == 0, ends[name].err
    assert ends[name].out.startswith("usage: ")


def test_a_comparison_of_images_augments_them(ends: dict[str, End]) -> None:
    assert ends["compare"].code == 0, ends["compare"].err
    assert list(Path(ends["folder"].out).glob("out/cells/small-augmentation*.json"))


@pytest.mark.parametrize(("name", "code"), [("stand-in", 0), ("SMate's own", 2)])
def test_the_policy_on_the_device_stands_in_for_it(ends: dict[str, End], name: str, code: int) -> None:
    assert ends[name].code == code, ends[name].err
    assert ("imgaug cannot be imported" in ends[name].err) == (code == 2)
