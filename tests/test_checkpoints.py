from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_imbalance.checkpoints import read_checkpoint
from gan_imbalance.types import InputError


class Dangerous:
    """Anything but tensors and plain values."""


def test_a_checkpoint_of_the_right_kind_is_read(tmp_path: Path) -> None:
    torch.save({"generator": {"spec": 1}, "state_dict": {"weight": torch.ones(2)}}, tmp_path / "x.ckpt")
    checkpoint = read_checkpoint(tmp_path / "x.ckpt", "generator", "classifier")
    assert torch.equal(checkpoint["state_dict"]["weight"], torch.ones(2))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no checkpoint .*x\.ckpt"):
        read_checkpoint(tmp_path / "x.ckpt", "generator")


@pytest.mark.parametrize("content", [{"classifier": {}}, {"state_dict": {}}, [1], torch.ones(2)])
def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=r"is not a checkpoint of a generator of"):
        read_checkpoint(tmp_path / "x.ckpt", "generator")


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "x.ckpt"
    torch.save({"generator": {}, "state_dict": {"weight": torch.ones(1000)}}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(InputError, match="is truncated or not a checkpoint"):
        read_checkpoint(path, "generator")


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    torch.save({"generator": Dangerous()}, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match="holds something else than tensors and plain values"):
        read_checkpoint(tmp_path / "x.ckpt", "generator")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | st.binary(max_size=20).map(lambda tail: b"\x80\x02" + tail))
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_checkpoint(path, "generator")


def test_an_archive_of_other_things_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as archive:
        archive.writestr("rows.csv", "a,b")
    with pytest.raises(InputError, match="is truncated or not a checkpoint"):
        read_checkpoint(tmp_path / "x.ckpt", "generator")
