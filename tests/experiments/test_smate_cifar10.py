"""The study of SMate: its smallest scale on real images, and the parameter counts of every one."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.smate_cifar10 import recipes, speed
from experiments.smate_cifar10.__main__ import RARE, SCALES, classifier_of, published_gan, remedies_of, study
from experiments.smate_cifar10.fake_catch import judge
from experiments.smate_cifar10.nearest import draw_nearest
from gan_imbalance.comparison.store import Store
from gan_imbalance.components import build
from gan_imbalance.types import DataSpec, InputError

PUBLISHED = {"generator": 1_466_115, "discriminator": 522_497}


@pytest.mark.slow
def test_the_smallest_scale_runs_on_cifar(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    root = str(shared_data("cifar-10-batches-py").parent)
    # the others have names of the package's own, which tests of the comparison run
    shown = [one for one in remedies_of(SCALES["smoke"]) if one in ("nothing", "cutmix") or not isinstance(one, str)]
    remedies = [one if isinstance(one, str) else one.name for one in shown]
    assert study("smoke", root, str(tmp_path), remedies=remedies) == 0
    results = pd.read_csv(tmp_path / "smoke" / "results.csv")
    assert results["remedy"].tolist() == remedies
    assert f"recall_{RARE}" in results
    (split,) = Store(tmp_path / "smoke").read_plan().content["splits"]
    kept = split["rows"]["train"]
    assert kept[-1] == round(0.1 * kept[0])
    # ours, whatever is frozen, start from the same first phase, the published one from another
    assert len(list((tmp_path / "smoke" / "cache").glob("pretrained-*"))) == 2
    judged = judge("smoke", root, str(tmp_path))
    assert {"smate_as_published", "transfer_0_frozen", "from_scratch"} <= set(judged["remedy"]) <= set(remedies)
    assert judged[["fakes_caught", "real_ones_known"]].stack().between(0, 1).all()
    draw_nearest("smoke", root, str(tmp_path), tmp_path / "nearest.png", images=2)
    assert (tmp_path / "nearest.png").stat().st_size > 5000
    with pytest.raises(
        InputError, match=r"holds no images of conditional_gan: run python -m experiments\.smate_cifar10"
    ):
        draw_nearest("cpu", root, str(tmp_path), tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
    with pytest.raises(InputError, match=r"holds no GAN: run python -m experiments\.smate_cifar10 --scale cpu first"):
        judge("cpu", root, str(tmp_path))


@pytest.mark.slow
def test_recipes_of_the_classifier_are_tried_on_cifar(
    shared_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(shared_data("cifar-10-batches-py").parent)
    assert recipes.main(["--root", root, "--only", "as it is", "1,400 steps, momentum", "--steps", "2"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()[-3:]
    assert header.split() == ["recipe", "recall", "precision", "pr_auc", "balanced_accuracy", "seconds"]
    assert [row.split()[:1] for row in rows] == [["as"], ["1,400"]]
    assert speed.main(["--root", root, "--epochs", "1", "--images", "128"]) == 0
    assert "An epoch of the study's classifier is" in capsys.readouterr().out


def test_all_remedies_take_the_same_steps_of_the_same_classifier() -> None:
    scale = SCALES["cpu"]
    shared = classifier_of(scale)["init_args"]
    assert shared["max_steps"] == scale.classifier_steps
    for remedy in remedies_of(scale):
        if not isinstance(remedy, str):
            assert not {"max_steps", "epochs", "batch_size", "network"} & set(remedy.classifier)
            if remedy.takes_steps:
                assert remedy.init_args["max_steps"] == scale.steps


def test_a_remedy_that_the_study_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The study has no remedy 'transfer': it has .nothing., .class_weights., "):
        study("smoke", output=str(tmp_path), remedies=["nothing", "transfer"])


@pytest.mark.parametrize("arguments", ["smate_cifar10 --scale smoke", "smate_cifar10.policies"])
def test_missing_images_end_it_with_one_sentence(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, *options = arguments.split()
    output = str(tmp_path / "output")
    monkeypatch.setattr(sys, "argv", [module, *options, "--root", str(tmp_path), "--output", output])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module(f"experiments.{module}", run_name="__main__", alter_sys=True)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "data_batch_1 is missing" in line
    assert not list(tmp_path.iterdir())


def test_the_published_networks_are_the_published_ones() -> None:
    pair = build(published_gan(SCALES["full"].published_width))
    pair.build(DataSpec("image", (3, 32, 32), tuple(range(10))), [9], {})
    for part, count in PUBLISHED.items():
        assert sum(parameter.numel() for parameter in getattr(pair, part).parameters()) == count
    assert published_gan(1.0)["init_args"]["freeze_generator_blocks"] == 3
