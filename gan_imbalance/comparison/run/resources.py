"""What a step took: seconds and memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_KIB_PER_MIB = 1024


@dataclass
class Usage:
    """What a step took.

    Attributes:
        seconds: wall time.
        peak_memory_mib: most resident memory of the process while it ran, in MiB; 0 on Windows, which does not tell.
    """

    seconds: float = 0.0
    peak_memory_mib: float = 0.0


@contextmanager
def measured() -> Iterator[Usage]:
    """Measure the block, however it ends; the yielded figures are complete after it."""
    usage = Usage()
    _forget_peak()
    started = perf_counter()
    try:
        yield usage
    finally:
        usage.seconds = perf_counter() - started
        usage.peak_memory_mib = _peak() / _KIB_PER_MIB


def _forget_peak() -> None:
    """Let Linux count the peak of resident memory anew; elsewhere it is the peak since the process began."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def _peak() -> int:
    """Return the peak of resident memory in KiB."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    if sys.platform == "win32":
        return 0
    import resource  # there is none on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # in bytes on a Mac
    return most // _KIB_PER_MIB if sys.platform == "darwin" else most
