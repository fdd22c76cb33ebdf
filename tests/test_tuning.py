from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan_imbalance.main import main
from gan_imbalance.tuning import Choice, Range, Tuned, read_space, tune
from gan_imbalance.types import InputError

optuna = pytest.importorskip("optuna", reason="tune needs Optuna")

SWEEPS = Path(__file__).resolve().parents[1] / "configs" / "sweeps"
SPACE = {
    "parameters": {
        "model.generator_optimizer.lr": {"min": 1e-6, "max": 1e-1, "distribution": "log_uniform_values"},
        "model.latent_dim": {"min": 2, "max": 40},
        "model.discriminator_steps": {"values": [1, 2]},
    }
}


@pytest.fixture
def search(trained: dict[str, Path], workplace: Path, tiny_fit: list[str]) -> Callable[..., Tuned]:
    """Return a function that searches settings of a tiny GAN."""
    shutil.copy(trained["rows"], "rows.csv")
    Path("space.yaml").write_text(yaml.safe_dump(SPACE))

    def run(trials: int, **settings: Any) -> Tuned:
        fit = [*tiny_fit[1:], "--model", "GAN", "--model.generator_optimizer", "torch.optim.Adam"]
        return tune(fit, "space.yaml", trials=trials, output="tuned", **settings)

    return run


def test_ten_trials_beat_the_first_and_fit_takes_the_best(search: Callable[..., Tuned], tiny_fit: list[str]) -> None:
    found = search(10, metric="val/earth_mover")
    values = [trial.value for trial in found.study.trials if trial.state.name == "COMPLETE"]
    assert found.study.best_value == min(values) < values[0]
    best = yaml.safe_load(found.best.read_text())
    assert best["model"]["init_args"]["latent_dim"] == found.study.best_params["model.latent_dim"]
    number = found.study.best_trial.number
    checkpoints = {path.name for path in Path("tuned", "trials", f"trial_{number:04d}", "checkpoints").iterdir()}
    assert "last.ckpt" in checkpoints
    assert len(checkpoints) == 2
    assert main(["fit", "--config", str(found.best), "--trainer.logger", "false"]) == 0


def test_it_goes_on_where_it_was(search: Callable[..., Tuned]) -> None:
    first = search(2)
    # as a killed one is left behind
    first.study.ask()
    begun = [trial.params for trial in first.study.trials[:2]]
    again = search(4)
    states = [trial.state.name for trial in again.study.trials]
    assert states.count("FAIL") == 1
    assert len(states) - 1 == 4
    assert [trial.params for trial in again.study.trials[:2]] == begun
    assert search(4).study.trials == again.study.trials


def test_unpromising_trials_end_early(search: Callable[..., Tuned], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    found = search(3)
    assert [trial.state.name for trial in found.study.trials] == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert [len(trial.intermediate_values) for trial in found.study.trials] == [2, 1, 2]


def test_a_training_that_diverges_costs_its_own_trial(search: Callable[..., Tuned]) -> None:
    space = {"parameters": {"model.generator_optimizer.lr": {"values": [1e-4, 1e3]}}}
    Path("space.yaml").write_text(yaml.safe_dump(space))
    found = search(6)
    by_rate = {trial.params["model.generator_optimizer.lr"]: trial.state.name for trial in found.study.trials}
    assert by_rate == {"0.0001": "COMPLETE", "1000.0": "PRUNED"}


def test_the_command(search: Callable[..., Tuned], tiny_fit: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    fit = [*tiny_fit[1:], "--model", "GAN", "--model.generator_optimizer", "torch.optim.Adam"]
    assert main(["tune", "--space", "space.yaml", *fit, "--trials=2", "--output", "tuned"]) == 0
    told = capsys.readouterr().out
    assert "2 of 2, best " in told
    assert "fit --config tuned/best.yaml" in told
    assert not Path("runs").exists()


def test_shipped_sweeps_are_spaces() -> None:
    spaces = {path.stem: read_space(path) for path in SWEEPS.glob("*.yaml")}
    rate = spaces["learning_rates"]["model.generator_optimizer.init_args.lr"]
    assert rate == Range(1e-5, 1e-2, log=True)
    assert all(isinstance(one, Range | Choice) for space in spaces.values() for one in space.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "cannot be read"),
        ("a: 1", "has no parameters"),
        ("parameters: {a: {min: 1}}", "'a' has neither values nor a min below a max"),
        ("parameters: {a: {min: 2, max: 1}}", "'a' has neither values nor a min below a max"),
        ("parameters: {a: {min: 1, max: 2, distribution: beta}}", "'a' has the distribution 'beta': choose uniform"),
        ("parameters: {a: {min: 0.0, max: 2, distribution: log_uniform_values}}", "a logarithm needs one above 0"),
    ],
)
def test_spaces_that_cannot_be_used(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(content)
    with pytest.raises(InputError, match=message):
        read_space(tmp_path / "space.yaml")


def test_mistakes_are_told(search: Callable[..., Tuned]) -> None:
    with pytest.raises(InputError, match=r"logs no val/nonsense, but val/c2st, .*name one of them by --metric"):
        search(1, metric="val/nonsense")
    # nothing came of it
    search(1)
    with pytest.raises(InputError, match=r"tuned was tuned for val/c2st \(min\), not for val/distinct \(max\)"):
        search(2, metric="val/distinct", mode="max")
    with pytest.raises(InputError, match="trials is 0"):
        search(0)
