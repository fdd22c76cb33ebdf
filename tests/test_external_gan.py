"""A GAN of one's own, as README tells it, from a file outside the package."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest

from gan_imbalance import GANOverSampler
from gan_imbalance.main import main
from gan_imbalance.synthesis import load_gan
from gan_imbalance.types import InputError

README = Path(__file__).resolve().parents[1] / "README.md"

# README's commands are for real runs; these options make rehearsals of them
SHORT_FIT = (
    *("--trainer.max_epochs", "2"),
    *("--data.steps_per_epoch", "2"),
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
)
CLASSIFIERS = '{"lr": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 10}}}'
SHORT_COMPARE = ("--quick", "true", "--jobs", "1", "--classifiers", CLASSIFIERS)


@pytest.fixture(scope="module")
def chapter() -> str:
    """Return README's chapter."""
    (found,) = re.findall(r"## Your own GAN in 60 lines\n(.*?)\n## ", README.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture
def folder(chapter: str, workplace: Path) -> Path:
    """Work in a folder that holds what the chapter has saved."""
    (workplace / "my_gan.py").write_text(_blocks(chapter, "python")[0])
    (workplace / "mine.yaml").write_text(_blocks(chapter, "yaml")[0])
    return workplace


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _commands(chapter: str) -> dict[str, list[str]]:
    """Return the arguments of the chapter's commands by subcommand."""
    lines = "\n".join(_blocks(chapter, "bash")).replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines if line.strip()]
    assert all(command[0].endswith("gan-imbalance") for command in commands)
    return {command[1]: command[1:] for command in commands}


def test_it_takes_no_more_lines_than_promised(chapter: str) -> None:
    assert len(_blocks(chapter, "python")[0].splitlines()) <= 60


def test_it_trains_synthesizes_and_competes(chapter: str, folder: Path) -> None:
    commands = _commands(chapter)
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


def test_it_joins_the_over_sampler(folder: Path, mixed_frame: pd.DataFrame) -> None:
    gan = {"class_path": "my_gan.MeanMatchingGAN", "init_args": {"mean_weight": 0.25}}
    sampler = GANOverSampler(gan, max_steps=2, batch_size=16, random_state=0)
    _, labels = sampler.fit_resample(mixed_frame.drop(columns="label"), mixed_frame["label"])
    assert labels.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert sampler.gans_["yes"].mean_weight == 0.25


def test_its_checkpoint_says_what_it_needs_where_the_file_is_absent(
    chapter: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_commands(chapter)["fit"], *SHORT_FIT]) == 0
    monkeypatch.delitem(sys.modules, "my_gan")
    (folder / "my_gan.py").unlink()
    assert main(_commands(chapter)["synthesize"]) == 2
    assert "Cannot import 'my_gan.MeanMatchingGAN'" in capsys.readouterr().err
