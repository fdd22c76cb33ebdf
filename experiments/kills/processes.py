"""Commands in processes that can be killed; they fork from one that has imported all, so that few kills hit imports."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from multiprocessing.process import BaseProcess as BaseProcess
from pathlib import Path

from gan_imbalance.main import main
from gan_imbalance.types import InputError

SECONDS_UNTIL_GONE = 2.0
"""How long workers may live on without the command that began them."""

_LOG = "log.txt"
_PRELOADED = ("gan_imbalance.cli", "gan_imbalance.comparison.command", "gan_imbalance.synthesis")


def begin(arguments: list[str], folder: Path) -> BaseProcess:
    """Begin the command in a folder, in a process that has imported what it needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_PRELOADED])
    process = context.Process(target=_run, args=(arguments, folder))
    process.start()
    return process


def run(arguments: list[str], folder: Path) -> float:
    """Run the command in a folder, and return how many seconds it took.

    Raises:
        InputError: if it fails.
    """
    started = time.perf_counter()
    process = begin(arguments, folder)
    process.join()
    require_success(process, folder)
    return time.perf_counter() - started


def require_success(process: BaseProcess, folder: Path) -> None:
    """Refuse a command that has failed.

    Raises:
        InputError: with the end of what it said.
    """
    if process.exitcode:
        said = (folder / _LOG).read_text(encoding="utf-8").strip().splitlines()[-1:]
        raise InputError(f"The command in {folder} ended with {process.exitcode}: {' '.join(said)}")


def _run(arguments: list[str], folder: Path) -> None:
    os.chdir(folder)
    os.environ["WANDB_MODE"] = "disabled"
    log = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    sys.exit(main(arguments))


def descendants(process: int) -> set[int]:
    """Return the processes that a process has begun, directly or not."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return set()
    return {int(child) for child in children} | {one for child in children for one in descendants(int(child))}


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that has ended and waits for its parent to ask does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def seconds_until_gone(processes: set[int]) -> float:
    """Wait until processes have ended, at most five times as long as they may take, and return for how long."""
    started = time.perf_counter()
    while any(map(is_alive, processes)) and time.perf_counter() - started < 5 * SECONDS_UNTIL_GONE:
        time.sleep(0.01)
    return time.perf_counter() - started
