"""Worker processes that end with their parent; this module is imported before any slow one."""

from __future__ import annotations

import os
import time
from threading import Thread

from gan_imbalance.slow_imports import import_quickly

_SECONDS_BETWEEN_LOOKS = 0.25


def begin_worker(parent: int) -> None:
    """Make this process end with its parent, and import what tasks need."""
    end_with(parent)
    import_quickly("gan_imbalance.comparison.run.task")


def end_with(parent: int) -> None:
    """Make this process end when ``parent`` ends, unless it is ``parent`` itself.

    Otherwise, a worker whose parent was killed would work through its queue, alongside the workers of a second call.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    if os.getpid() != parent:
        Thread(target=watch, daemon=True).start()
