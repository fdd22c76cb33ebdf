"""A machine without a GPU is not searched for one."""

from __future__ import annotations

import ctypes
import os

import pytest
import torch

from gan_imbalance.devices import spare_gpu_lookups


@pytest.mark.parametrize(("found", "before", "after"), [(False, None, ""), (False, "1", "1"), (True, None, None)])
def test_gpus_are_hidden_only_where_there_are_none(
    monkeypatch: pytest.MonkeyPatch, found: bool, before: str | None, after: str | None
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    # so that the test, too, ends with the setting that it began with
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before or "")
    if before is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    spare_gpu_lookups()
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == after


def test_no_library_of_a_driver_is_loaded_for_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    optimizer = torch.optim.Adam([parameter], fused=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    loaded: list[str] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name, *_, **__: loaded.append(name))
    spare_gpu_lookups()
    optimizer.step()
    assert not loaded
