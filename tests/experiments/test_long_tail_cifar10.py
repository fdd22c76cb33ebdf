"""The long tail of CIFAR-10: its groups of classes, and their accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.long_tail_cifar10.__main__ import GROUPS, RATIO, group_accuracy, main, remedies
from gan_imbalance.comparison.plan.catalogue import choose_remedies
from gan_imbalance.data.imbalance import long_tail
from gan_imbalance.types import InputError

CIFAR = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def test_groups_are_those_of_the_tail() -> None:
    assert [label for labels in GROUPS.values() for label in labels] == CIFAR
    share = dict(zip(CIFAR, np.array(long_tail(np.full(10, 4500), RATIO)) / 4500, strict=True))
    assert min(share[label] for label in GROUPS["many"]) > 1 / 3
    assert max(share[label] for label in GROUPS["few"]) < 1 / 20


def test_a_group_has_the_mean_recall_of_its_classes() -> None:
    recalls = {f"recall_{label}": [number / 10, 0.0] for number, label in enumerate(CIFAR)}
    results = pd.DataFrame({"seed": [0, 1], "remedy": "nothing", **recalls, "balanced_accuracy": [0.45, 0.0]})
    found = group_accuracy(results)
    assert found.loc[0, ["many", "medium", "few", "all"]].tolist() == pytest.approx([0.1, 0.45, 0.8, 0.45])
    assert found.loc[1, "few"] == 0


def test_its_remedies_can_run_and_missing_images_are_told() -> None:
    names = [remedy.name for remedy in choose_remedies(remedies(), controls=False, kind="image")]
    assert names[0] == "nothing"
    assert {"class_balanced", "conditional_gan", "distilled_gan", "real_rows"} < set(names)
    with pytest.raises(InputError, match="data_batch_1 is missing"):
        main(["--quick", "--root", "nowhere", "--output", "none"])


@pytest.mark.slow
def test_the_dry_run_takes_less_than_half_a_minute(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    root, started = str(shared_data("cifar-10-batches-py").parent), time.process_time()
    assert main(["--quick", "--root", root, "--output", str(tmp_path), "--jobs", "1"]) == 0
    # of this process alone, whatever else runs
    assert time.process_time() - started < 30
    found = pd.read_csv(tmp_path / "quick" / "groups.csv")
    assert found["remedy"].tolist() == [one if isinstance(one, str) else one.name for one in remedies()]
    assert found[["many", "medium", "few", "all"]].stack().between(0, 1).all()
