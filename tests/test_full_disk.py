"""A full disk: one sentence, and what was there before is still there; a file size limit stands for it."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pandas as pd
import pytest
import torch
from pytorch_lightning import Callback

from gan_imbalance.callbacks.record import AtomicCheckpointIO
from gan_imbalance.files import atomic_folder, atomic_path
from gan_imbalance.main import main
from gan_imbalance.types import InputError

Full = Callable[[int], AbstractContextManager[None]]


@contextmanager
def full(size: int = 1000) -> Iterator[None]:
    """Let no file become larger than ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FullDisk(Callback):
    """Lets the disk be full from the second epoch on."""

    def on_train_epoch_start(self, trainer: object, pl_module: object) -> None:
        if trainer.current_epoch == 1:  # type: ignore[attr-defined]
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_a_file_stays_what_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("before")
    rows = pd.DataFrame({"x": torch.rand(10_000).numpy()})
    write = rows.to_parquet if name.endswith("parquet") else rows.to_csv
    with pytest.raises(InputError, match=rf"Cannot write .*{name}: .* free some space"), full():  # noqa: SIM117
        with atomic_path(tmp_path / name) as temporary:
            write(temporary)  # type: ignore[operator]
    assert (tmp_path / name).read_text() == "before"
    assert os.listdir(tmp_path) == [name]


def test_a_folder_is_whole_or_absent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot write .*images: .* free some space"), full():  # noqa: SIM117
        with atomic_folder(tmp_path / "images") as temporary:
            (temporary / "image.png").write_bytes(bytes(2000))
    assert os.listdir(tmp_path) == []


def test_another_error_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "rows.csv"):
        (tmp_path / "absent").read_text()


def test_a_checkpoint_is_written_beside_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    path = tmp_path / "runs" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"weight": torch.ones(1000)}, path)
    with pytest.raises(InputError, match="Cannot write"), full():
        AtomicCheckpointIO().save_checkpoint({"weight": torch.zeros(1000)}, path)
    assert torch.load(path, weights_only=True)["weight"].sum() == 1000
    assert os.listdir(path.parent) == ["last.ckpt"]


def test_fit_keeps_its_last_checkpoint(
    workplace: Path, mixed_frame: pd.DataFrame, tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    mixed_frame.to_csv("rows.csv", index=False)
    callback = f"--trainer.callbacks+={__name__}.FullDisk"
    with full(10**9):
        code = main([*tiny_fit, "--model", "GAN", "--trainer.limit_val_batches", "0", callback])
    assert code == 2
    last = "runs/GAN/version_0/checkpoints/last.ckpt"
    (sentence,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert sentence.startswith("gan-imbalance: error: Cannot write runs/GAN/version_0/checkpoints/")
    assert torch.load(last, weights_only=True)["epoch"] == 0


def test_synthesize_and_compare_say_so(
    trained: dict[str, Path], workplace: Path, mixed_frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed_frame.to_csv("rows.csv", index=False)
    arguments = ("--ckpt_path", str(trained["gan"]), "--counts", '{"yes": 100}', "--output", "out.csv")
    with full():
        assert main(["synthesize", *arguments, "--wandb", "false"]) == 2
    assert "Cannot write out.csv: " in capsys.readouterr().err
    assert not Path("out.csv").exists()
    data = ("--data", "TabularDataModule", "--data.path", "rows.csv", "--data.target", "label")
    with full():
        assert main(["compare", *data, "--wandb", "false", "--output", "out"]) == 2
    assert "gan-imbalance: error: Cannot write out/" in capsys.readouterr().err
