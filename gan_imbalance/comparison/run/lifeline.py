"""Workers that end with whoever began them; imported before anything slow is."""

from __future__ import annotations

import gc
import os
import time
from importlib import import_module
from threading import Thread

_SECONDS_BETWEEN_LOOKS = 0.25


def begin_worker(parent: int) -> None:
    """Make this process end with its parent, and import what tasks need."""
    end_with(parent)
    # imports make no garbage, and looking for it takes a fifth of their time
    gc.disable()
    import_module("gan_imbalance.comparison.run.task")
    gc.enable()


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
