"""What is passed on tells nothing of the machine that made it, or of its user."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_imbalance.files import without_folders
from gan_imbalance.main import main


def told(value: Any) -> str:
    """Return all that plain values tell, as text."""
    return json.dumps(value, default=lambda other: "" if isinstance(other, torch.Tensor) else repr(other))


def secrets(folder: Path) -> list[str]:
    """Return what nobody else needs to know; short names are in many a word."""
    names = (getpass.getuser(), socket.gethostname())
    return [str(folder), os.path.realpath(folder), "kept to oneself", *(name for name in names if len(name) > 5)]


def test_artefacts_tell_nothing_of_the_machine(
    trained: dict[str, Path], workplace: Path, monkeypatch: pytest.MonkeyPatch, tiny_fit: list[str]
) -> None:
    monkeypatch.setenv("GAN_IMBALANCE_SECRET", "kept to oneself")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("HOME", str(home := workplace.parent / "home"))
    shutil.copy(trained["rows"], "rows.csv")
    fit = [part if part != "rows.csv" else str(workplace / "rows.csv") for part in tiny_fit]
    fit += ["--model", "MinorityTransferGAN", "--model.pretrained", str(workplace / "first" / "last.ckpt")]
    first = [*tiny_fit, "--model", "WassersteinGAN", "--checkpoint.dirpath", str(workplace / "first")]
    assert main(first) == 0
    assert main([*fit, "--checkpoint.dirpath", str(workplace / "made")]) == 0
    path = str(workplace / "made" / "last.ckpt")
    rows = str(workplace / "rows-made.csv")
    assert main(["synthesize", "--ckpt_path", path, "--counts", '{"yes": 3}', "--output", rows]) == 0

    checkpoints = [told(torch.load(file, weights_only=True)) for file in workplace.rglob("*.ckpt")]
    texts = [file.read_text() for file in (*workplace.rglob("*.csv.json"), *workplace.rglob("split.json"))]
    records = [file.read_bytes().decode("latin-1") for file in workplace.rglob("*.wandb")]
    assert len(checkpoints) >= 4
    assert len(texts) >= 2
    assert len(records) == 3
    for text in (*checkpoints, *texts):
        assert not [secret for secret in secrets(workplace) if secret in text]
    for text in records:
        assert not [secret for secret in (*secrets(workplace), str(home)) if secret in text]
    assert not [*workplace.rglob("debug*.log")]
    assert not [path for path in home.rglob("*") if path.is_file() and "staging" in path.parts]


def test_a_resumed_run_knows_its_best_checkpoint(
    trained: dict[str, Path], workplace: Path, tiny_fit: list[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    fit = [*tiny_fit, "--model", "WassersteinGAN", "--checkpoint.dirpath", "made", "--checkpoint.monitor", "val/c2st"]
    assert main(fit) == 0
    (name,) = (path.name for path in Path("made").glob("epoch_*"))
    # of a folder that has moved meanwhile
    os.rename("made", "moved")
    fit[fit.index("made")] = "moved"
    last = torch.load("moved/last.ckpt", weights_only=True)
    states = [state for key, state in last["callbacks"].items() if key.startswith("ModelCheckpoint")]
    assert [state["best_model_path"] for state in states] == [name]
    assert [list(state["best_k_models"]) for state in states] == [[name]]
    assert main([*fit, "--trainer.max_epochs", "3", "--ckpt_path", "moved/last.ckpt"]) == 0
    # one is kept, be it the old or a better one
    assert len(list(Path("moved").glob("epoch_*"))) == 1


def test_names_of_classes_are_no_paths() -> None:
    settings = {"path": "/home/me/rows.csv", "classes": ["/b"], "parts": [{"file": Path("/a/b.csv")}], "own": "a/b.csv"}
    assert without_folders(settings) == {
        "path": "rows.csv",
        "classes": ["/b"],
        "parts": [{"file": "b.csv"}],
        "own": "a/b.csv",
    }


def test_comparisons_and_reports_tell_nothing_of_the_machine(
    trained: dict[str, Path], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_IMBALANCE_SECRET", "kept to oneself")
    rows = workplace / "rows.csv"
    shutil.copy(trained["rows"], rows)
    linear = '{"linear": {"class_path": "sklearn.linear_model.LogisticRegression"}}'
    data = ["--data", "TabularDataModule", "--data.path", str(rows), "--data.target", "label", "--classifiers", linear]
    # a remedy that fails keeps its traceback
    sampler = '{"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": -1}}'
    broken = f'{{"name": "broken", "resampler": {sampler}}}'
    remedies = f'["random_over", "wasserstein_gan", {broken}]'
    quick = ["--quick", "true", "--output", str(workplace / "compared")]
    assert main(["compare", *data, "--remedies", remedies, *quick]) == 1
    page = ["--target", "label", "--output", str(workplace / "judged")]
    assert main(["evaluate", "--real", str(rows), "--synthetic", str(rows), *page]) == 0
    texts = [path for path in workplace.rglob("*") if path.suffix in (".json", ".html", ".csv") and path != rows]
    assert {"answer.json", "comparison.json", "results.csv", "report.html"} <= {path.name for path in texts}
    assert [path for path in texts if path.name.endswith(".failed.json")]
    assert [path for path in texts if path.parent.name == "judged" and path.suffix == ".html"]
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert not [secret for secret in secrets(workplace) if secret in text], path
