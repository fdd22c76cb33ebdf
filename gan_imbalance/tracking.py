"""Where a run's files lie, and Weights & Biases without asking anybody anything."""

from __future__ import annotations

import netrc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import WandbLogger
    from wandb import Settings
    from wandb.sdk.wandb_run import Run

PROJECT = "gan_imbalance"


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


@contextmanager
def start_run(folder: str | Path, **settings: Any) -> Iterator[Run]:
    """Give a run whose files lie in ``folder``/wandb, and close it.

    Args:
        folder: made if need be.
        settings: for ``wandb.init``: name, group, job_type, config, tags.
    """
    import wandb

    try:
        with wandb.init(project=PROJECT, dir=_made(folder), mode=wandb_mode(), settings=_quiet(), **settings) as run:
            yield run
    finally:
        # a disabled run stays open otherwise
        finish_run()


def _made(folder: str | Path) -> str:
    """Make the folder, and return its absolute path: the process of wandb that writes may work in another one."""
    path = Path(folder).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return str(path)


def _quiet() -> Settings:
    import wandb

    return wandb.Settings(silent=True, console="off")


def finish_run() -> None:
    """Close the run that is open in this process, if any, so that the next one is a run of its own."""
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        wandb.finish()


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
