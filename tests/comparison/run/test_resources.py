"""What a step took, wherever it ran."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from gan_imbalance.comparison.run import resources


def test_memory_is_that_of_the_step() -> None:
    with resources.measured() as small:
        pass
    with resources.measured() as large:
        np.ones(2**26, dtype=np.float32).sum()
    assert large.seconds > small.seconds
    assert large.peak_memory_mib > small.peak_memory_mib + 200


def test_it_can_be_imported_where_there_is_no_resource_module() -> None:
    hidden = "import sys; sys.modules['resource'] = None; import gan_imbalance.comparison.run.task"
    subprocess.run([sys.executable, "-c", hidden], check=True)


def test_a_system_that_does_not_tell_of_memory_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "Path", lambda _: type("Nowhere", (), {"exists": lambda self: False})())
    monkeypatch.setattr(resources.sys, "platform", "win32")
    with resources.measured() as usage:
        pass
    assert usage.peak_memory_mib == 0
