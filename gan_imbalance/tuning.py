"""Finding good settings of ``fit``: many trainings, each with settings that those before it make look promising."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from filelock import FileLock, Timeout
from pytorch_lightning import Callback, LightningModule, Trainer

from gan_imbalance.callbacks import TrainingDiverged
from gan_imbalance.cli import run_lightning
from gan_imbalance.files import making_room
from gan_imbalance.interruption import Interrupted
from gan_imbalance.shipped_configs import config_path
from gan_imbalance.types import InputError

if TYPE_CHECKING:
    from optuna import Study, Trial

_STUDY = "study.db"
_BEST = "best.yaml"
_NAME = "tune"
# trials that the median pruner waits for before it ends one
_TRIALS_BEFORE_PRUNING = 5
_SHOWN = 10


@dataclass(frozen=True)
class Range:
    """Numbers that a setting may have.

    Attributes:
        low: the smallest.
        high: the largest.
        log: whether the logarithm is even.
        whole: whether they are whole numbers.
        step: between two of them, if they are not continuous.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False
    step: float | None = None

    def suggest(self, trial: Trial, name: str) -> Any:
        """Return a number for a trial."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)


@dataclass(frozen=True)
class Choice:
    """Values that a setting may have, each as the command line would have it."""

    values: tuple[str, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        """Return a value for a trial."""
        return trial.suggest_categorical(name, self.values)


Space = Mapping[str, Range | Choice]


@dataclass(frozen=True)
class Tuned:
    """What ``tune`` found.

    Attributes:
        study: Optuna's.
        metric: what was tuned for.
        best: the whole configuration of the best trial, which ``fit --config`` takes.
    """

    study: Study
    metric: str
    best: Path

    def show(self) -> None:
        """Print the best trials, and where the configuration lies."""
        from optuna.trial import TrialState
        from rich.console import Console
        from rich.table import Table

        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        sign = 1 if self.study.direction.name == "MINIMIZE" else -1
        table = Table("trial", self.metric, *self.study.best_params)
        for trial in sorted(done, key=lambda one: sign * float(one.value or 0))[:_SHOWN]:
            values = (_short(trial.params.get(name)) for name in self.study.best_params)
            table.add_row(str(trial.number), f"{trial.value:.4f}", *values)
        console = Console()
        console.print(table)
        others = len(self.study.trials) - len(done)
        console.print(f"{len(done)} trials were trained to the end, {others} were ended early or failed.")
        console.print(f"The best settings: gan-imbalance fit --config {self.best}", soft_wrap=True)


def tune(
    fit: Sequence[str],
    space: str,
    metric: str = "val/c2st",
    mode: Literal["min", "max"] = "min",
    trials: int = 30,
    prune: bool = True,
    output: str = "runs/tune",
    seed: int = 0,
) -> Tuned:
    """Search for settings of ``fit`` by Optuna's tree-structured Parzen estimator.

    Trials are kept in an SQLite file in ``output``: the same command goes on where it was ended. Each is a run with a
    folder in ``output``/trials; its value is the best that it had in any validation, whose checkpoint it keeps.
    Training is ended early where it is worse than the median of the others was at the same validation. The metric is
    of validation rows; test rows play no part.

    References:
        Akiba et al. 2019, Optuna, https://arxiv.org/abs/1907.10902

    Args:
        fit: options of ``gan-imbalance fit`` that all trials share.
        space: YAML file, or name of a configuration that is shipped, with ``parameters`` as W&B sweeps have them:
            options of ``fit``, each with ``values``, or with ``min`` and ``max`` and, by choice, a ``distribution``
            (uniform, log_uniform_values, int_uniform, q_uniform with ``q``).
        metric: what a run logs at validation: val/c2st, val/pr_auc, ...
        mode: whether less of it is better (min) or more (max).
        trials: how many, with those that an earlier call has finished.
        prune: whether unpromising trials are ended early.
        output: folder of trials and ``best.yaml``.
        seed: of the search; each training's is ``fit``'s seed_everything.

    Raises:
        InputError: if the space or the options cannot be used, or no trial logs the metric.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError(f"tune needs Optuna ({error}): pip install 'gan-imbalance[tune]'.") from error
    if trials < 1:
        raise InputError(f"trials is {trials}: give a whole number of at least 1.")
    searched = read_space(space)
    folder = Path(output)
    # it would show a user's mistake by a traceback
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _alone(folder):
        study = _open_study(folder, metric, mode, seed, prune)
        for killed in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            study.tell(killed.number, state=optuna.trial.TrialState.FAIL)
        objective = _objective(fit, searched, metric, mode, folder)
        finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
        while (done := len(study.get_trials(deepcopy=False, states=finished))) < trials:
            study.optimize(objective, n_trials=1)
            _tell(study, done + 1, trials)
    if not study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
        raise InputError(f"No trial in {folder} came to its end: ask for more, or for gentler settings.")
    best = folder / _BEST
    shutil.copyfile(_trial_folder(folder, study.best_trial.number) / "config.yaml", best)
    return Tuned(study, metric, best)


def read_space(path: str | Path) -> dict[str, Range | Choice]:
    """Return the settings to search, by the option of ``fit``.

    Raises:
        InputError: if the file cannot be read, or a parameter has neither values nor bounds.
    """
    try:
        content = yaml.safe_load(Path(config_path(str(path))).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"The search space {path} cannot be read: {' '.join(str(error).split())}.") from error
    parameters = content.get("parameters") if isinstance(content, dict) else None
    if not isinstance(parameters, dict) or not parameters:
        raise InputError(f"{path} has no parameters: list options of fit under it, each with values or min and max.")
    return {str(name): _parameter(str(name), given) for name, given in parameters.items()}


def _parameter(name: str, given: Any) -> Range | Choice:
    if isinstance(given, dict) and isinstance(given.get("values"), list) and given["values"]:
        return Choice(tuple(one if isinstance(one, str) else json.dumps(one) for one in given["values"]))
    if isinstance(given, dict) and "value" in given:
        return Choice((given["value"] if isinstance(given["value"], str) else json.dumps(given["value"]),))
    low, high = (given.get("min"), given.get("max")) if isinstance(given, dict) else (None, None)
    if not (isinstance(low, int | float) and isinstance(high, int | float) and low < high):
        raise InputError(f"The parameter {name!r} has neither values nor a min below a max: give it one of them.")
    kind = given.get("distribution", "int_uniform" if isinstance(low, int) and isinstance(high, int) else "uniform")
    if kind not in ("uniform", "log_uniform_values", "int_uniform", "q_uniform"):
        raise InputError(
            f"The parameter {name!r} has the distribution {kind!r}: choose uniform, log_uniform_values, int_uniform "
            "or q_uniform."
        )
    if kind == "log_uniform_values" and low <= 0:
        raise InputError(f"The parameter {name!r} has min {low}: a logarithm needs one above 0.")
    step = given.get("q", 1) if kind == "q_uniform" else None
    return Range(low, high, log=kind == "log_uniform_values", whole=kind == "int_uniform", step=step)


class _Watch(Callback):
    """Tells Optuna of a metric at every validation, and ends a trial that is not promising."""

    def __init__(self, trial: Trial, metric: str, better: Callable[[float, float], float]) -> None:
        self.trial, self.metric, self.better = trial, metric, better
        self.best: float | None = None
        self.is_pruned = False
        self._validations = 0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report, and stop if the others were better by now."""
        if trainer.sanity_checking:
            return
        if self.metric not in trainer.callback_metrics:
            known = ", ".join(sorted(name for name in trainer.callback_metrics if name.startswith("val/")))
            raise InputError(
                f"A validation logs no {self.metric}, but {known or 'nothing'}: name one of them by --metric."
            )
        value = float(trainer.callback_metrics[self.metric])
        self.best = value if self.best is None else self.better(self.best, value)
        self.trial.report(self.best, self._validations)
        self._validations += 1
        self.is_pruned = self.trial.should_prune()
        trainer.should_stop = trainer.should_stop or self.is_pruned


def _objective(
    fit: Sequence[str], space: Space, metric: str, mode: Literal["min", "max"], folder: Path
) -> Callable[[Trial], float]:
    """Return what trains a trial, and returns its value."""

    def train(trial: Trial) -> float:
        from optuna import TrialPruned

        chosen = [f"--{name}={setting.suggest(trial, name)}" for name, setting in space.items()]
        own = _trial_folder(folder, trial.number)
        # of a trial that was killed
        shutil.rmtree(own, ignore_errors=True)
        logger = {
            "class_path": "pytorch_lightning.loggers.CSVLogger",
            "init_args": {"save_dir": str(own.parent.parent), "name": own.parent.name, "version": own.name},
        }
        quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
        keep = [f"--checkpoint.monitor={metric}", f"--checkpoint.mode={mode}"]
        watch = _Watch(trial, metric, min if mode == "min" else max)
        arguments = ["fit", *quiet, *keep, *fit, *chosen, f"--trainer.logger={json.dumps(logger)}"]
        try:
            # the paths of checkpoints
            with redirect_stdout(StringIO()):
                run_lightning(arguments, [watch])
        except TrainingDiverged as error:
            raise TrialPruned(str(error)) from error
        if watch.best is None:
            raise InputError(f"Training ended before a validation, so there is no {metric}: raise trainer.max_epochs.")
        if watch.is_pruned:
            raise TrialPruned
        return watch.best

    return train


def _trial_folder(folder: Path, number: int) -> Path:
    return folder / "trials" / f"trial_{number:04d}"


def _open_study(folder: Path, metric: str, mode: str, seed: int, prune: bool) -> Study:
    """Return the study of a folder, or a new one.

    Raises:
        InputError: if the values of its trials are of another metric.
    """
    import optuna

    storage = f"sqlite:///{(folder / _STUDY).resolve()}"

    def make() -> Study:
        return optuna.create_study(
            storage=storage,
            study_name=_NAME,
            direction="minimize" if mode == "min" else "maximize",
            sampler=optuna.samplers.TPESampler(seed=seed),
            pruner=optuna.pruners.MedianPruner(_TRIALS_BEFORE_PRUNING) if prune else optuna.pruners.NopPruner(),
            load_if_exists=True,
        )

    study = make()
    known = study.user_attrs.get("metric", metric), study.user_attrs.get("mode", mode)
    if known != (metric, mode):
        if any(trial.state.is_finished() and trial.value is not None for trial in study.get_trials(deepcopy=False)):
            raise InputError(
                f"{folder} was tuned for {known[0]} ({known[1]}), not for {metric} ({mode}): name another output."
            )
        # a mistake, of which nothing came
        optuna.delete_study(study_name=_NAME, storage=storage)
        study = make()
    study.set_user_attr("metric", metric)
    study.set_user_attr("mode", mode)
    return study


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only call that tunes in a folder, which is made.

    Raises:
        InputError: if another one does.
    """
    lock = FileLock(folder / ".tune.lock")
    with making_room(folder / _STUDY):
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InputError(
                f"Another call is tuning in {folder}: wait until it has ended, or name another output."
            ) from error
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as interruption:
        interruption.add_note(f"trials that are finished are kept in {folder}: the same command goes on from there")
        raise
    finally:
        lock.release()


def _tell(study: Study, done: int, trials: int) -> None:
    from optuna.trial import TrialState

    last = study.get_trials(deepcopy=False)[-1]
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best = f"best {study.best_value:.4f} (trial {study.best_trial.number})" if complete else "none complete yet"
    value = f"{last.value:.4f}" if last.state == TrialState.COMPLETE and last.value is not None else "ended early"
    print(f"trial {last.number}: {value}; {done} of {trials}, {best}", flush=True)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
