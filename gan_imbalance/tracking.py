"""Where a run's files lie, what loggers are told, and Weights & Biases without asking anybody anything.

The only file that imports wandb.
"""

from __future__ import annotations

import netrc
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import Logger, WandbLogger
    from wandb import Artifact as Artifact
    from wandb import Settings
    from wandb.sdk.wandb_run import Run

PROJECT = "gan_imbalance"
# where wandb keeps copies of what is to be uploaded: in the user's home, and for ever, unless this names a folder
_COPIES = "WANDB_DATA_DIR"


def wandb_mode() -> Literal["online", "offline", "disabled"]:
    """Return what ``WANDB_MODE`` says; else ``online`` where an account is set up, ``offline`` where none is."""
    chosen = os.environ.get("WANDB_MODE")
    if chosen in ("online", "offline", "disabled"):
        return chosen  # type: ignore[return-value]
    return "online" if os.environ.get("WANDB_API_KEY") or _has_netrc_entry() else "offline"


def _has_netrc_entry() -> bool:
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(str(path)).authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False


def default_entity() -> str:
    """Return the user or team that the account's runs belong to by default."""
    import wandb

    return str(wandb.Api().default_entity)


@contextmanager
def start_run(folder: str | Path, **settings: Any) -> Iterator[Run]:
    """Give a run whose files lie in ``folder``/wandb, and close it.

    Args:
        folder: made if need be.
        settings: for ``wandb.init``: name, group, job_type, config, tags.
    """
    import wandb

    exit_code = 1
    try:
        yield wandb.init(project=PROJECT, dir=_made(folder), mode=wandb_mode(), settings=_quiet(), **settings)
        exit_code = 0
    finally:
        finish_run(exit_code)


def _made(folder: str | Path) -> str:
    """Make the folder, and return its absolute path: the process of wandb that writes may work in another one."""
    path = Path(folder).resolve()
    path.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault(_COPIES, str(path / "wandb"))
    return str(path)


def _quiet() -> Settings:
    import wandb

    # what it would tell of its own accord: host, user, folders, the command
    return wandb.Settings(silent=True, console="off", x_disable_meta=True)


def finish_run(exit_code: int = 0) -> None:
    """Close the run that is open in this process, if any, so that the next one is a run of its own."""
    wandb = sys.modules.get("wandb")
    if wandb is None or wandb.run is None:
        return
    run, is_offline = Path(wandb.run.dir).parent, wandb.run.offline
    wandb.finish(exit_code)
    # its logs tell of folders; copies are needed as long as they are not uploaded
    shutil.rmtree(run / "logs", ignore_errors=True)
    for link in run.parent.glob("debug*.log"):
        link.unlink(missing_ok=True)
    if os.environ.get(_COPIES) == str(run.parent):
        del os.environ[_COPIES]
        if not is_offline:
            shutil.rmtree(run.parent / "artifacts" / "staging", ignore_errors=True)


@contextmanager
def at_no_risk(what: str) -> Iterator[None]:
    """Warn where something cannot be recorded in Weights & Biases, for results that are in files already.

    Args:
        what: is recorded, to begin a sentence with.
    """
    try:
        yield
    # whatever fails there, be it the network or an account
    except Exception as error:
        warnings.warn(f"{what} could not be recorded in Weights & Biases: {error}", stacklevel=3)


def in_sweep() -> bool:
    """Return whether a sweep's agent started this process: whichever run it opens is then the sweep's one."""
    return bool(os.environ.get("WANDB_SWEEP_ID"))


def make_artifact(
    kind: str, name: str, files: Iterable[str | Path], upload: bool, lasting: bool = False, **metadata: Any
) -> Artifact:
    """Return files as an artifact, the same one wherever name and content are the same.

    Args:
        kind: its type: ``dataset``, ``model``, ``synthetic-set``, ``result`` or ``report``.
        name: ends in a hash of its content, unless it is a report's.
        files: what it consists of, folders whole.
        upload: whether the files go along; else the artifact only tells, by its name, what made what: rows and weights
            may tell of people.
        lasting: whether the files stay as they are until an offline run is uploaded; copies of others are kept.
        metadata: what else there is to know.
    """
    import wandb

    artifact = wandb.Artifact(re.sub(r"[^A-Za-z0-9._-]", "_", name), kind, metadata=metadata)
    policy: Literal["immutable", "mutable"] = "immutable" if lasting else "mutable"
    for path in map(Path, files if upload else ()):
        # not `add_dir`, which writes to the terminal
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            artifact.add_file(str(file.absolute()), str(file.relative_to(path.parent)), policy=policy)
    return artifact


def make_dataset(table_hash: str, split_hash: str, **metadata: Any) -> Artifact:
    """Return what is known of a split of a table as an artifact, without any of its values.

    Args:
        table_hash: of the table.
        split_hash: of the split.
        metadata: rows, classes.
    """
    metadata |= {"table_hash": table_hash, "split_hash": split_hash}
    # not the file of the split, which an offline run would name by its path
    return make_artifact("dataset", f"dataset-{table_hash}-{split_hash}", [], upload=False, **metadata)


def use_artifact(run: Run, artifact: Artifact) -> None:
    """Say that a run was made from an artifact, whether another run has logged it already or not."""
    if not run.offline:
        run.use_artifact(artifact)
        return
    try:
        # as use_artifact does, which then waits for the upload, and so refuses to work offline; there is no public way
        run._log_artifact(artifact, is_user_created=True, use_after_commit=True)
    except (AttributeError, TypeError):
        warnings.warn(
            f"This version of wandb cannot say offline that a run was made from {artifact.name}, so its record says "
            "nothing of it.",
            stacklevel=2,
        )


def log_plots(run: Run, paths: Iterable[Path]) -> None:
    """Log plots, each by the name of its file."""
    import wandb

    run.log({path.stem: wandb.Image(str(path)) for path in paths})


def log_tables(run: Run, tables: Mapping[str, pd.DataFrame]) -> None:
    """Log tables by their names, without their indices; missing values are empty."""
    import wandb

    def as_table(frame: pd.DataFrame) -> wandb.Table:
        rows: list[Iterable[Any]] = [*frame.astype(object).replace({float("nan"): None}).itertuples(index=False)]
        # a column of numbers and words is shown, too
        return wandb.Table(columns=list(frame.columns), data=rows, allow_mixed_types=True)

    run.log({name: as_table(frame) for name, frame in tables.items()})


def log_figure(logger: Logger, name: str, figure: Figure, step: int) -> None:
    """Log a drawing to one of Lightning's loggers; one that takes none, such as ``CSVLogger``, is left alone.

    Args:
        logger: of Weights & Biases, TensorBoard, MLflow, or another with the methods of one of the first two.
        name: may have parts, as in ``plots/columns``.
        figure: stays open.
        step: of training.
    """
    from pytorch_lightning.loggers import MLFlowLogger

    experiment: Any = getattr(logger, "experiment", None)
    if isinstance(logger, MLFlowLogger):
        # an artifact, which has no step of its own
        experiment.log_figure(logger.run_id, figure, f"{name}/step_{step:07d}.png")
    elif hasattr(logger, "log_image"):
        logger.log_image(name, [figure], step=step)
    elif hasattr(experiment, "add_figure"):
        experiment.add_figure(name, figure, step, close=False)


def log_table(logger: Logger, name: str, table: pd.DataFrame, step: int) -> None:
    """Log a table to one of Lightning's loggers; one that takes none, such as ``CSVLogger``, is left alone.

    TensorBoard, which knows no tables, shows it as text.

    Args:
        logger: of Weights & Biases, TensorBoard, MLflow, or another with the methods of one of the first two.
        name: may have parts, as in ``tables/distances``.
        table: without its index.
        step: of training.
    """
    from pytorch_lightning.loggers import MLFlowLogger

    experiment: Any = getattr(logger, "experiment", None)
    if isinstance(logger, MLFlowLogger):
        experiment.log_table(logger.run_id, table, f"{name}/step_{step:07d}.json")
    elif hasattr(logger, "log_table"):
        logger.log_table(name, dataframe=table, step=step)
    elif hasattr(experiment, "add_text"):
        lines: list[Iterable[Any]] = [table.columns, ["---"] * table.shape[1], *table.itertuples(index=False)]
        experiment.add_text(name, "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines), step)


def run_folder(trainer: Trainer) -> Path:
    """Return the folder of this run's files, the one that ``ModelCheckpoint`` saves in, too."""
    if trainer.loggers:
        logger = trainer.loggers[0]
        root = logger.save_dir or trainer.default_root_dir
        version = logger.version
        return Path(root) / str(logger.name) / (version if isinstance(version, str) else f"version_{version}")
    return Path(trainer.default_root_dir)


def wandb_logger(folder: str | Path) -> WandbLogger:
    """Return Lightning's logger for a run whose files lie in ``folder``/wandb."""
    from pytorch_lightning.loggers import WandbLogger

    return WandbLogger(project=PROJECT, save_dir=_made(folder), mode=wandb_mode(), settings=_quiet())
