"""The study of SMate: its smallest scale on real images, and the parameter counts of every one."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from experiments.smate_cifar10.__main__ import FIRST, RARE, REST, SCALES, our_gan, published_gan, study
from experiments.smate_cifar10.fake_catch import judge
from experiments.smate_cifar10.network import FullSizeCNN
from gan_imbalance.comparison.store import Store
from gan_imbalance.components import build
from gan_imbalance.types import DataSpec, InputError

PUBLISHED = {"generator": 1_466_115, "discriminator": 522_497}


@pytest.mark.slow
def test_the_smallest_scale_runs_on_cifar(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    root = str(shared_data("cifar-10-batches-py").parent)
    assert study("smoke", root, str(tmp_path), rest=True) == 0
    results = pd.read_csv(tmp_path / "smoke" / "results.csv")
    transfers = {"smate_as_published", "ours", "published_from_scratch", "ours_from_scratch", "ours_nothing_frozen"}
    assert set(results["remedy"]) == {*FIRST, *REST, *transfers}
    assert f"recall_{RARE}" in results
    (split,) = Store(tmp_path / "smoke").read_plan().content["splits"]
    kept = split["rows"]["train"]
    assert kept[-1] == round(0.1 * kept[0])
    # ours with and without frozen blocks start from the same first phase, the published one from another
    assert len(list((tmp_path / "smoke" / "cache").glob("pretrained-*"))) == 2
    assert len(list((tmp_path / "smoke" / "cache").glob("classifier-*"))) == 1
    judged = judge("smoke", root, str(tmp_path))
    assert set(judged["remedy"]) == transfers
    assert judged[["fakes_caught", "real_ones_known"]].stack().between(0, 1).all()
    with pytest.raises(InputError, match=r"holds no GAN: run python -m experiments\.smate_cifar10 --scale cpu first"):
        judge("cpu", root, str(tmp_path))


@pytest.mark.parametrize("classes", [10, 4])
@pytest.mark.parametrize("side", [16, 32])
def test_every_scale_has_the_published_classifier(classes: int, side: int) -> None:
    network = FullSizeCNN(DataSpec("image", (3, side, side), tuple(range(classes))))
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_250_858
    assert network(torch.zeros(2, 3, side, side)).shape == (2, classes)
    assert network.features(torch.zeros(2, 3, side, side)).shape == (2, 512)


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
    spec = DataSpec("image", (3, 32, 32), tuple(range(10)))
    for gan in (published_gan, our_gan):
        pair = build(gan(SCALES["full"].width))
        pair.build(spec, [9], {})
        for part, count in PUBLISHED.items():
            assert sum(parameter.numel() for parameter in getattr(pair, part).parameters()) == count
    assert published_gan(1.0)["init_args"]["freeze_generator_blocks"] == 3
