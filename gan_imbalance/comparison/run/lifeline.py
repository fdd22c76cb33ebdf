"""Workers that end with whoever began them; imported before anything slow is."""

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
    """Make this process, unless it is ``parent`` itself, end with it.

    A worker whose parent was killed would go on with what waits in its queue, beside a second call's workers.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    if os.getpid() != parent:
        Thread(target=watch, daemon=True).start()
