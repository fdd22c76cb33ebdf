"""A task as bytes, which only its worker opens; this module is imported before any slow one.

So a scheduler between the driver and the worker need not import what a task consists of, and no two tasks share an
object.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from threading import Lock

from gan_imbalance.slow_imports import import_quickly

# a worker of Dask may have several threads, but torch has one random state
_alone = Lock()


def run_parcel(shared: bytes, parcel: bytes) -> bytes:
    """Run a task on a worker.

    Args:
        shared: the study of all tasks, without its splits.
        parcel: the task's split, and the arguments of :func:`~gan_imbalance.comparison.run.task.run_task` after the
            study.

    Returns:
        The task's result.
    """
    with _alone:
        run_task = import_quickly("gan_imbalance.comparison.run.task").run_task
        split, task, *others = pickle.loads(parcel)
        study = replace(pickle.loads(shared), splits={task.key: split})
        return pickle.dumps(run_task(study, task, *others))
