"""Imports go without the search for garbage, and leave it as it was."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from gan_imbalance.slow_imports import import_quickly


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("broken", [True, False])
def test_the_search_is_as_it_was(enabled: bool, broken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"slow_{enabled}_{broken}"
    ending = "\nraise ImportError('broken')" if broken else ""
    (tmp_path / f"{name}.py").write_text(f"import gc\nsearching = gc.isenabled(){ending}\n")
    monkeypatch.syspath_prepend(tmp_path)
    (gc.enable if enabled else gc.disable)()
    try:
        if broken:
            with pytest.raises(ImportError, match="broken"):
                import_quickly(name)
        else:
            assert import_quickly(name).searching is False
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
        sys.modules.pop(name, None)
