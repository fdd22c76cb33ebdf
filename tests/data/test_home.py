from __future__ import annotations

from pathlib import Path

import pytest

import gan_imbalance
from gan_imbalance.data import data_home


def test_the_environment_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GAN_IMBALANCE_DATA", str(tmp_path))
    assert data_home() == tmp_path


@pytest.mark.parametrize("said", [None, ""])
def test_else_it_lies_beside_the_checkout(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAN_IMBALANCE_DATA", raising=False)
    if said is not None:
        monkeypatch.setenv("GAN_IMBALANCE_DATA", said)
    assert data_home() == Path(gan_imbalance.__file__).parents[2] / "shared" / "data"
