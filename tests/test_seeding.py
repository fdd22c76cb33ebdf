from __future__ import annotations

import pytest
import torch

from gan_imbalance.seeding import seeded

CUDA = torch.device("cuda")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def test_it_draws_as_after_a_seed_and_leaves_no_trace() -> None:
    torch.manual_seed(7)
    of_the_seed = torch.randn(5)
    torch.manual_seed(3)
    # an odd number of normal draws leaves one in store
    expected = [torch.randn(3), torch.randn(3)]
    torch.manual_seed(3)
    found = [torch.randn(3)]
    with seeded(7):
        drawn = torch.randn(5)
    found.append(torch.randn(3))
    assert torch.equal(drawn, of_the_seed)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_an_error_within_leaves_no_trace_either() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(7):
        torch.randn(1 // 0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures("leaves_gpus_alone")
def test_other_devices_are_not_seeded() -> None:
    with pytest.raises(AttributeError):
        torch.manual_seed(7)
    with seeded(7):
        torch.randn(1)


@needs_cuda
def test_a_gpu_draws_as_after_a_seed_and_leaves_no_trace() -> None:
    torch.manual_seed(7)
    of_the_seed = torch.randn(5), torch.randn(5, device=CUDA)
    torch.manual_seed(3)
    expected = torch.randn(5, device=CUDA)
    torch.manual_seed(3)
    with seeded(7, CUDA):
        drawn = torch.randn(5), torch.randn(5, device=CUDA)
    torch.testing.assert_close(drawn, of_the_seed, rtol=0, atol=0)
    assert torch.equal(torch.randn(5, device=CUDA), expected)


@needs_cuda
def test_what_draws_on_the_cpu_leaves_a_gpu_alone() -> None:
    before = torch.cuda.get_rng_state()
    with seeded(7):
        torch.randn(1)
    assert torch.equal(torch.cuda.get_rng_state(), before)
