from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_imbalance.data.loaders import (
    SequentialLoader,
    TensorLoader,
    draw_balanced,
    draw_by_level,
    draw_mixed,
    draw_uniform,
    draw_weighted,
    pair_with_levels,
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
@given(seed=st.integers(0, 2**31), epoch=st.integers(0, 1000))
def test_batches_depend_on_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    drawn = {}
    for key in [(seed, epoch), (seed + 1, epoch), (seed, epoch + 1)]:
        loader, again = (_loader(1000, seed=key[0]) for _ in range(2))
        loader.sampler.set_epoch(key[1])
        again.set_epoch(key[1])
        drawn[key] = _labels(loader)
        assert torch.equal(drawn[key], _labels(again))
    first, *others = drawn.values()
    assert not any(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("batches_per_step", [None, 3])
@pytest.mark.parametrize("kind", ["uniform", "balanced", "by_level"])
def test_processes_share_the_joined_batch_without_overlap(kind: str, batches_per_step: int | None) -> None:
    world_size, rows = 3, torch.arange(90)
    draws = {
        "uniform": draw_uniform(rows),
        "balanced": draw_balanced(rows, (rows >= 80).long()),
        "by_level": draw_by_level(_pairs()[:90], [2, 3], 2, balanced=True),
    }

    def batches(**options: int) -> torch.Tensor:
        labels = torch.arange(180)
        loader = TensorLoader(
            labels.float(), labels, lambda: draws[kind], steps_per_epoch=4, batches_per_step=batches_per_step, **options
        )
        loader.set_epoch(7)
        return _labels(loader)

    joined = batches(batch_size=4 * world_size)
    shares = [batches(batch_size=4, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert torch.equal(torch.cat(shares, dim=-1), joined)
    assert not torch.equal(shares[0], shares[1])


def test_every_process_has_the_set_share_of_mixed_rows() -> None:
    def batches(real: int, synthetic: int, **options: int) -> torch.Tensor:
        draw = draw_mixed(draw_uniform(torch.arange(50)), draw_uniform(torch.arange(50, 90)), synthetic)
        labels = torch.arange(90)
        return _labels(TensorLoader(labels, labels, lambda: draw, real + synthetic, 20, **options))

    shares = [batches(5, 3, rank=rank, world_size=2) for rank in (0, 1)]
    assert all(((share >= 50).sum(dim=1) == 3).all() for share in shares)
    together = torch.cat(shares, dim=1).sort(dim=1).values
    assert torch.equal(together, batches(10, 6).sort(dim=1).values)


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


def test_labels_are_drawn_as_often_as_their_weights() -> None:
    weights = torch.tensor([0.0, 3.0, 1.0])
    drawn = draw_balanced(torch.arange(4), torch.tensor([1, 0, 2, 1]), weights)(torch.Size((10, 1000)), _random())
    shares = drawn.flatten().bincount(minlength=4) / drawn.numel()
    # three standard deviations and more
    torch.testing.assert_close(shares, torch.tensor([0.375, 0.0, 0.25, 0.375]), atol=0.02, rtol=0)


def _random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _pairs() -> torch.Tensor:
    """Return the pairs of 100 rows of two classes and columns of 2 and 3 levels, the second of the class itself."""
    classes = torch.repeat_interleave(torch.arange(2), torch.tensor([80, 20]))
    first = (torch.arange(100) % 10 == 0).long()
    return pair_with_levels(classes, torch.stack([first, 2 * classes], dim=1), [2, 3], num_classes=2)


def test_pairs_count_levels_on_from_the_classes() -> None:
    assert _pairs()[[0, 1, 99]].tolist() == [[[0, 3], [0, 4]], [[0, 2], [0, 4]], [[1, 2], [1, 6]]]


@pytest.mark.parametrize("balanced", [True, False])
def test_training_by_sampling_draws_columns_equally_and_levels_by_log_frequency(balanced: bool) -> None:
    pairs = _pairs()
    drawn = draw_by_level(pairs, [2, 3], 2, balanced)(torch.Size((40, 1000)), _random()).flatten()
    classes, levels = pairs.flatten(0, 1)[drawn].unbind(1)
    expected = torch.zeros(2, 7)
    for label, (plain, marked), share in ((0, (72, 8), 0.8), (1, (18, 2), 0.2)):
        logs = torch.tensor([plain, marked]).log1p()
        expected[label, 2:4] = 0.5 * logs / logs.sum() * (0.5 if balanced else share)
        expected[label, 4 + 2 * label] = 0.5 * (0.5 if balanced else share)
    shares = (classes * 7 + levels).bincount(minlength=14).view(2, 7) / len(drawn)
    # four standard deviations
    torch.testing.assert_close(shares, expected, atol=0.01, rtol=0)


def test_a_batch_has_the_row_and_the_pair_of_every_position() -> None:
    pairs = _pairs()
    features = torch.arange(100.0)[:, None]
    draw = draw_by_level(pairs, [2, 3], 2, balanced=True)
    loader = TensorLoader(features, pairs.flatten(0, 1), lambda: draw, 16, 3, batches_per_step=2, labels_per_row=2)
    for rows, conditions in loader:
        assert rows.shape == (2, 16, 1)
        assert conditions.shape == (2, 16, 2)
        own = pairs[rows.long().flatten()]
        assert (own == conditions.view(-1, 1, 2)).all(dim=2).any(dim=1).all()


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


def test_rows_are_drawn_as_their_weights_say() -> None:
    draw = draw_weighted(torch.tensor([7, 2, 5]), torch.tensor([1.0, 0.0, 3.0]))
    drawn = draw(torch.Size((100, 40)), torch.Generator().manual_seed(0))
    assert drawn.shape == (100, 40)
    assert set(drawn.unique().tolist()) == {5, 7}
    # five standard deviations
    assert (drawn == 5).float().mean().item() == pytest.approx(0.75, abs=0.034)
