"""A GAN of one's own, as docs/how-to/own_gan.md tells it, from a file outside the package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from gan_imbalance import GANOverSampler
from gan_imbalance.main import main
from gan_imbalance.synthesis import load_gan
from gan_imbalance.types import InputError
from tests.documents import DOCS, ROOT, blocks, commands

PAGE = DOCS / "how-to" / "own_gan.md"

# the page's commands are for real runs; these options make rehearsals of them
SHORT_FIT = (
    *("--trainer.max_epochs", "2"),
    *("--data.steps_per_epoch", "2"),
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
)
CLASSIFIERS = '{"lr": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 10}}}'
SHORT_COMPARE = ("--quick", "true", "--jobs", "1", "--classifiers", CLASSIFIERS)


@pytest.fixture
def folder(workplace: Path) -> Path:
    """Work in a folder that holds what the page has saved, and the configurations that it names."""
    for block in blocks(PAGE):
        if block.file:
            (workplace / block.file).write_text(block.text)
    for shown in ("configs", "experiments"):
        (workplace / shown).symlink_to(ROOT / shown)
    return workplace


def _commands() -> dict[str, list[str]]:
    """Return the arguments of the page's commands by subcommand."""
    return {command[0]: command for command in commands(PAGE)}


def test_it_takes_no_more_lines_than_promised() -> None:
    (code,) = (block.text for block in blocks(PAGE) if block.language == "python")
    assert len(code.splitlines()) <= 60


def test_it_trains_synthesizes_and_competes(folder: Path) -> None:
    commands = _commands()
    assert main([*commands["fit"], *SHORT_FIT]) == 0
    checkpoint = commands["synthesize"][commands["synthesize"].index("--ckpt_path") + 1]
    with pytest.raises(InputError, match=r"names my_gan\.MeanMatchingGAN, which is not trusted"):
        load_gan(checkpoint)
    gan = load_gan(checkpoint, trust="my_gan")
    assert type(gan).__name__ == "MeanMatchingGAN"
    assert type(gan).__module__ == "my_gan"
    assert gan.mean_weight == 0.5

    assert main(commands["synthesize"]) == 0
    output, counts = (
        commands["synthesize"][commands["synthesize"].index(name) + 1] for name in ("--output", "--counts")
    )
    assert pd.read_csv(output)["target"].astype(str).value_counts().to_dict() == json.loads(counts)

    assert main([*commands["compare"], *SHORT_COMPARE]) == 0
    results = pd.read_csv(next(Path("runs/mine").rglob("results.csv")))
    assert {"nothing", "smote", "mean_matching"} <= set(results["remedy"])
    assert results.loc[results["remedy"] == "mean_matching", "pr_auc"].between(0, 1).all()


def test_a_loss_of_ones_own_trains_and_samples(workplace: Path) -> None:
    page = DOCS / "how-to" / "own_loss.md"
    (saved,) = (block for block in blocks(page) if block.file)
    (workplace / "my_loss.py").write_text(saved.text)
    (workplace / "configs").symlink_to(ROOT / "configs")
    told = {command[0]: command for command in commands(page)}
    assert main([*told["fit"], *SHORT_FIT]) == 0
    assert main(told["synthesize"]) == 0
    assert len(pd.read_csv("mine.csv")) == 100
    gan = load_gan("runs/GAN/version_0/checkpoints/last.ckpt", trust="my_loss")
    assert (type(gan.loss).__name__, gan.loss.margin) == ("MarginLoss", 0.5)


def test_it_joins_the_over_sampler(folder: Path, mixed_frame: pd.DataFrame) -> None:
    gan = {"class_path": "my_gan.MeanMatchingGAN", "init_args": {"mean_weight": 0.25}}
    sampler = GANOverSampler(gan, max_steps=2, batch_size=16, random_state=0)
    _, labels = sampler.fit_resample(mixed_frame.drop(columns="label"), mixed_frame["label"])
    assert labels.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert sampler.gans_["yes"].mean_weight == 0.25


def test_its_checkpoint_says_what_it_needs_where_the_file_is_absent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_commands()["fit"], *SHORT_FIT]) == 0
    monkeypatch.delitem(sys.modules, "my_gan")
    (folder / "my_gan.py").unlink()
    assert main(_commands()["synthesize"]) == 2
    assert "Cannot import 'my_gan.MeanMatchingGAN'" in capsys.readouterr().err
