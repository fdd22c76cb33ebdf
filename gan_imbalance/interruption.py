"""What ends the command from outside: Ctrl-C, and SIGTERM of a scheduler or ``kill``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """The user or the system asked to end; the exit code is that of shells, 128 and the number of the signal.

    Whoever keeps something says so by ``add_note``.

    Args:
        number: of the signal.
        kept: what is kept, each in a clause.
    """

    def __init__(self, number: int, *kept: str) -> None:
        self.number = number
        self.exit_code = 128 + number
        super().__init__(self.exit_code)
        for note in kept:
            self.add_note(note)

    def __str__(self) -> str:
        """Return one sentence: what happened, and what is kept."""
        return "; ".join((f"ended by {signal.Signals(self.number).name}", *getattr(self, "__notes__", ()))) + "."


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first signal raise :class:`Interrupted` in the block, and a second one of its kind end at once."""
    # Python lets no other thread handle signals
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise Interrupted(number)
