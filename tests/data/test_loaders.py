from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_imbalance.data.loaders import (
    SequentialLoader,
    TensorLoader,
    draw_balanced,
    draw_mixed,
    draw_uniform,
)


def _loader(rows: int = 10, **options: int | None) -> TensorLoader:
    settings = {"batch_size": 4, "steps_per_epoch": 3, **options}
    features = torch.arange(rows, dtype=torch.float32)[:, None].expand(-1, 2).contiguous()
    return TensorLoader(features, torch.arange(rows), lambda: draw_uniform(torch.arange(rows)), **settings)


def _labels(loader: TensorLoader) -> torch.Tensor:
    return torch.stack([labels for _, labels in loader])


@pytest.mark.parametrize("rows", [1, 3, 10])
def test_shapes_whatever_the_number_of_rows(rows: int) -> None:
    batches = list(_loader(rows))
    assert len(batches) == len(_loader(rows)) == 3
    for features, labels in batches:
        assert features.shape == (4, 2)
        assert torch.equal(features[:, 0].long(), labels)


def test_a_step_may_be_a_stack_of_batches() -> None:
    for features, labels in _loader(batches_per_step=5):
        assert features.shape == (5, 4, 2)
        assert labels.shape == (5, 4)
        assert torch.equal(features[..., 1].long(), labels)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), epoch=st.integers(0, 1000), rank=st.integers(0, 7))
def test_batches_depend_on_seed_epoch_and_rank_alone(seed: int, epoch: int, rank: int) -> None:
    drawn = {}
    for key in [
        (seed, epoch, rank),
        (seed + 1, epoch, rank),
        (seed, epoch + 1, rank),
        (seed, epoch, rank + 1),
    ]:
        loader, again = (_loader(1000, seed=key[0], rank=key[2]) for _ in range(2))
        loader.sampler.set_epoch(key[1])
        again.set_epoch(key[1])
        drawn[key] = _labels(loader)
        assert torch.equal(drawn[key], _labels(again))
    first, *others = drawn.values()
    assert not any(torch.equal(first, other) for other in others)


def test_epochs_go_on_by_themselves() -> None:
    loader = _loader(1000)
    first, second = _labels(loader), _labels(loader)
    assert not torch.equal(first, second)
    loader.set_epoch(1)
    assert torch.equal(_labels(loader), second)


def test_what_is_drawn_from_may_change_between_epochs() -> None:
    rows = torch.arange(5)
    loader = TensorLoader(torch.zeros(10, 1), torch.arange(10), lambda: draw_uniform(rows), 50, 2)
    assert _labels(loader).unique().tolist() == [0, 1, 2, 3, 4]
    rows = torch.arange(5, 10)
    assert _labels(loader).unique().tolist() == [5, 6, 7, 8, 9]


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(0, 300), min_size=1, max_size=5).filter(any), seed=st.integers(0, 1000))
def test_balanced_draws_every_label_equally_and_every_row_of_it(counts: list[int], seed: int) -> None:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]
    rows = torch.arange(len(labels)) + 100
    drawn = draw_balanced(rows, labels)(torch.Size((100, 60)), torch.Generator().manual_seed(seed))
    present = sum(map(bool, counts))
    shares = labels[drawn - 100].flatten().bincount(minlength=len(counts)) / drawn.numel()
    for count, share in zip(counts, shares.tolist(), strict=True):
        # Five standard deviations of a binomial share of 6,000 draws.
        assert abs(share - bool(count) / present) < 5 * (0.25 / 6000) ** 0.5
    rare = (labels == max(range(len(counts)), key=lambda i: (counts[i] > 0, -counts[i]))).nonzero().flatten()
    if len(rare) <= 10:
        assert set((rare + 100).tolist()) <= set(drawn.flatten().tolist())


def test_uniform_draws_every_row_equally() -> None:
    drawn = draw_uniform(torch.arange(4))(torch.Size((100, 100)), torch.Generator().manual_seed(0))
    shares = drawn.flatten().bincount() / drawn.numel()
    torch.testing.assert_close(shares, torch.full((4,), 0.25), atol=0.025, rtol=0)


@pytest.mark.parametrize("second_rows", [0, 3, 8])
def test_mixed_has_exact_shares_in_every_step(second_rows: int) -> None:
    draw = draw_mixed(draw_uniform(torch.arange(5)), draw_uniform(torch.arange(5, 9)), second_rows)
    drawn = draw(torch.Size((20, 8)), torch.Generator().manual_seed(0))
    assert drawn.shape == (20, 8)
    assert ((drawn >= 5).sum(dim=1) == second_rows).all()


@pytest.mark.parametrize("batch_size", [1, 4, 10, 100])
def test_sequential_gives_every_row_once_in_order(batch_size: int) -> None:
    loader = SequentialLoader(torch.zeros(10, 2), torch.arange(10), batch_size=batch_size)
    batches = list(loader)
    assert len(batches) == len(loader)
    assert torch.cat([labels for _, labels in batches]).tolist() == list(range(10))
    assert all(features.shape == (len(labels), 2) for features, labels in batches)


def test_sequential_rows_may_be_chosen_anew() -> None:
    rows = torch.tensor([1, 3])
    loader = SequentialLoader(torch.zeros(10, 2), torch.arange(10), lambda: rows)
    assert next(iter(loader))[1].tolist() == [1, 3]
    rows = torch.tensor([], dtype=torch.long)
    assert list(loader) == []
