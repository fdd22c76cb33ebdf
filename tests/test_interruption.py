"""Ctrl-C and SIGTERM: one sentence, the exit code of shells, and what is finished is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
import torch

from gan_imbalance.comparison.store import Store
from gan_imbalance.main import FUNCTION_SUBCOMMANDS, main

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
LOGISTIC = '{"logistic": {"class_path": "sklearn.linear_model.LogisticRegression"}}'
# sends the process a signal in the middle of the second epoch
SENDER = """
import os
from pytorch_lightning import Callback


class Sender(Callback):
    def __init__(self, number: int, epoch: int = 1):
        self.number, self.epoch = number, epoch

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (self.epoch, 1):
            os.kill(os.getpid(), self.number)
"""


@pytest.fixture
def rows(workplace: Path, mixed_frame: pd.DataFrame) -> Path:
    mixed_frame.to_csv(workplace / "rows.csv", index=False)
    (workplace / "sender.py").write_text(SENDER)
    return workplace


def sending(number: int, epoch: int = 1) -> Sequence[str]:
    settings = ("--trainer.callbacks.number", str(int(number)), "--trainer.callbacks.epoch", str(epoch))
    return "--trainer.callbacks+=sender.Sender", *settings


@pytest.mark.parametrize("model", ["GAN", "MinorityTransferGAN", "Classifier"])
def test_fit_goes_on_exactly_where_sigterm_ended_it(
    model: str, rows: Path, tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    phases = ["--model.pretrain_epochs", "1"] if model == "MinorityTransferGAN" else []
    fit = [*tiny_fit, "--model", model, *phases, "--data.steps_per_epoch", "4"]
    last = [Path("runs", model, f"version_{run}", "checkpoints", "last.ckpt") for run in range(3)]
    assert main(fit) == 0
    assert main([*fit, *sending(signal.SIGTERM)]) == 143
    sentence = f"gan-imbalance: ended by SIGTERM; {last[1]} is kept: go on from there with --ckpt_path."
    assert capsys.readouterr().err.splitlines()[-1] == sentence
    assert main([*fit, "--ckpt_path", str(last[1])]) == 0
    whole, broken_off, resumed = (torch.load(path, weights_only=True) for path in last)
    assert whole["global_step"] == resumed["global_step"] > broken_off["global_step"]
    assert all(torch.equal(tensor, resumed["state_dict"][name]) for name, tensor in whole["state_dict"].items())


def test_fit_keeps_the_last_epoch_at_ctrl_c(
    rows: Path, tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*tiny_fit, "--model", "GAN", *sending(signal.SIGINT)]) == 130
    last = "runs/GAN/version_0/checkpoints/last.ckpt"
    sentence = f"gan-imbalance: ended by SIGINT; {last} is kept: go on from there with --ckpt_path."
    assert capsys.readouterr().err.splitlines()[-1] == sentence
    assert torch.load(last, weights_only=True)["epoch"] == 0
    assert main([*tiny_fit, "--model", "GAN", *sending(signal.SIGINT, epoch=0)]) == 130
    sentence = "gan-imbalance: ended by SIGINT; no epoch was complete, so no checkpoint is kept."
    assert capsys.readouterr().err.splitlines()[-1] == sentence


@pytest.mark.parametrize("number", CODES)
def test_compare_keeps_what_is_finished(
    number: signal.Signals, rows: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", "TabularDataModule", "--data.path", "rows.csv", "--data.target", "label")
    some = ("--remedies", "[random_over]", "--classifiers", LOGISTIC, "--seeds", "2")
    compare = ["compare", *data, *some, "--folds", "0", "--wandb", "false", "--output", "out"]
    with monkeypatch.context() as patch:
        write = Store.write

        def write_once(self: Store, *parts: object) -> None:
            write(self, *parts)  # type: ignore[arg-type]
            os.kill(os.getpid(), number)

        patch.setattr(Store, "write", write_once)
        assert main(compare) == CODES[number]
    sentence = f"ended by {number.name}; what is finished is kept in out: the same command goes on from there."
    assert capsys.readouterr().err.splitlines()[-1] == f"gan-imbalance: {sentence}"
    (kept,) = Path("out/cells").glob("*.parquet")
    assert not list(Path("out").glob(".*"))
    before = kept.stat().st_mtime_ns
    assert main(compare) == 0
    assert kept.stat().st_mtime_ns == before


@pytest.mark.parametrize("number", CODES)
def test_any_subcommand_says_what_ended_it(
    number: signal.Signals, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = f"ended_{number}"
    (workplace / f"{module}.py").write_text(f"import os\n\n\ndef end() -> int:\n    os.kill(os.getpid(), {number})\n")
    monkeypatch.setitem(FUNCTION_SUBCOMMANDS, "ended", (f"{module}:end", "for this test"))
    before = signal.getsignal(number)
    assert main(["ended"]) == CODES[number]
    assert capsys.readouterr().err == f"gan-imbalance: ended by {number.name}.\n"
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_at_once() -> None:
    code = (
        "import os, signal, sys\n"
        "from gan_imbalance.interruption import interruptible\n"
        "with interruptible():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    finally:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGINT, "")
