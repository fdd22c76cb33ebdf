from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_imbalance.networks.layers import (
    BatchDistance,
    DenseBlock,
    Dropout,
    JoinedLinear,
    Rectifier,
    TableActivation,
    activation_layer,
    manhattan_sums,
    one_hot,
    pack,
    positions,
)
from gan_imbalance.types import InputError, Span

SPANS = (
    Span("amount", "linear", 0, 1),
    Span("colour", "categorical", 1, 3),
    Span("rate", "tanh", 4, 1),
    Span("flag", "categorical", 5, 2),
)


def test_activations_are_chosen_by_name() -> None:
    x = torch.tensor([-3.0, -0.0, 0.0, 2.0])
    assert torch.equal(activation_layer("relu")(x.clone()), x.relu())
    assert torch.equal(activation_layer("leaky_relu")(x.clone()), nn.functional.leaky_relu(x, 0.2))


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_a_rectifier_has_torchs_gradients_and_no_second_ones(slope: float) -> None:
    torch.manual_seed(0)
    first, last = nn.Linear(3, 5), nn.Linear(5, 1)
    x = torch.randn(4, 3, requires_grad=True)
    found = []
    for activation in (nn.LeakyReLU(slope), Rectifier(slope)):
        scores = last(activation(first(x)))
        (gradients,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
        weights, bias = torch.autograd.grad(
            gradients.square().sum(), (first.weight, first.bias), retain_graph=True, allow_unused=True
        )
        plain = torch.autograd.grad(scores.sum(), first.bias)
        found.append((scores, gradients, weights, *plain))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
    # torch's own gives zeros, which took a pass through the network
    assert bias is None


def test_a_dense_block_is_linear_and_activation() -> None:
    block = DenseBlock(3, 2)
    x = torch.randn(5, 3)
    assert torch.equal(block(x), block.layers[0](x).relu())
    assert block.widths == (2,)


def test_a_residual_block_passes_its_inputs_on() -> None:
    block = DenseBlock((3, 4), 2, residual=True, conditions=5)
    inputs = torch.randn(5, 3), torch.randn(5, 4), torch.arange(5)[:, None]
    out, *passed = block(inputs)
    assert torch.equal(out, block.layers(inputs))
    assert all(one is other for one, other in zip(passed, inputs, strict=True))
    assert block.widths == (2, 3, 4)
    assert block.conditions == 5


def test_dropout_zeroes_a_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout, ones = Dropout(0.3), torch.ones(400, 100)
    out = dropout(ones)
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.7])
    # four standard deviations
    assert out.count_nonzero().item() / 40_000 == pytest.approx(0.7, abs=0.01)
    assert torch.equal(dropout.eval()(ones), ones)


def test_a_joined_linear_is_a_linear_of_the_joined_inputs() -> None:
    torch.manual_seed(0)
    layer = JoinedLinear((3, 2), 4, conditions=6)
    torch.manual_seed(0)
    joined = nn.Linear(3 + 2 + 6, 4)
    x, y, conditions = torch.randn(5, 3), torch.randn(5, 2), torch.tensor([[0, 3], [1, 5], [2, 4], [0, 4], [0, 5]])
    found, expected = layer((x, y, conditions)), joined(torch.cat([x, y, *one_hot(conditions, 6, like=x)], dim=1))
    torch.testing.assert_close(found, expected)
    direction = torch.randn(5, 4)
    bias, weight, table = torch.autograd.grad(found, [layer.bias, layer.weight, layer.table], direction)
    expected_weight, expected_bias = torch.autograd.grad(expected, [joined.weight, joined.bias], direction)
    torch.testing.assert_close(bias, expected_bias)
    torch.testing.assert_close(torch.cat([weight, table]), expected_weight.T)


def test_inputs_side_by_side_are_cast_in_mixed_precision() -> None:
    layer = JoinedLinear((3, 2), 4, conditions=6)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer([torch.randn(5, 3), torch.randn(5, 2), torch.randint(6, (5, 2))])
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


def test_a_joined_linear_takes_joined_inputs_too() -> None:
    layer = JoinedLinear((3, 2), 4)
    x, y = torch.randn(5, 3), torch.randn(5, 2)
    torch.testing.assert_close(layer((x, y)), layer(torch.cat([x, y], dim=1)))


def test_packed_rows_have_conditions_of_their_own() -> None:
    (places,) = positions(torch.tensor([[0, 2], [1, 2], [0, 1], [1, 2]]), 3, packing=2)
    assert places.tolist() == [[0, 2, 4, 5], [0, 1, 4, 5]]


def test_the_layers_of_a_dense_block_are_in_order() -> None:
    block = DenseBlock(3, 2, "leaky_relu", batch_norm=True, dropout=0.3)
    assert [type(layer) for layer in block.layers] == [JoinedLinear, nn.BatchNorm1d, Rectifier, Dropout]


def test_a_spectrally_normalised_block_is_bounded() -> None:
    torch.manual_seed(0)
    linear = DenseBlock(6, 4, spectral=True).layers[0]
    for _ in range(50):
        linear(torch.ones(1, 6))
    assert torch.linalg.matrix_norm(linear.weight, 2).item() == pytest.approx(1, abs=1e-3)


def test_every_column_is_activated_as_its_kind_demands() -> None:
    x = torch.randn(9, 7)
    out = TableActivation(SPANS)(x)
    expected = torch.cat([x[:, :1], x[:, 1:4].softmax(1), x[:, 4:5].tanh(), x[:, 5:].softmax(1)], dim=1)
    torch.testing.assert_close(out, expected)


def test_a_table_of_numbers_passes_unchanged() -> None:
    x = torch.randn(9, 2)
    assert TableActivation([Span("a", "linear", 0, 1), Span("b", "linear", 1, 1)])(x) is x


def test_gumbel_softmax_draws_categories_as_often_as_their_shares() -> None:
    torch.manual_seed(0)
    shares = torch.tensor([0.2, 0.7, 0.1])
    x = torch.zeros(4000, 7)
    x[:, 1:4] = shares.log()
    out = TableActivation(SPANS, gumbel_temperature=0.1)(x)
    torch.testing.assert_close(out[:, 1:4].sum(1), torch.ones(4000))
    drawn = out[:, 1:4].argmax(1).bincount(minlength=3) / 4000
    # three standard deviations
    torch.testing.assert_close(drawn, shares, atol=0.022, rtol=0)
    assert out.isfinite().all()


def test_straight_through_shows_one_hot_and_learns_by_gumbel_softmax() -> None:
    x = torch.randn(50, 7)
    gradients = []
    for straight_through in (False, True):
        torch.manual_seed(0)
        rows = x.clone().requires_grad_()
        out = TableActivation(SPANS, gumbel_temperature=0.5, straight_through=straight_through)(rows)
        (out * torch.arange(7)).sum().backward()
        gradients.append(rows.grad)
        if straight_through:
            assert out[:, 1:4].detach().unique().tolist() == [0, 1]
            assert torch.equal(out[:, 5:].sum(1), torch.ones(50))
    torch.testing.assert_close(*gradients)


def test_straight_through_needs_a_temperature() -> None:
    with pytest.raises(InputError, match="give gumbel_temperature"):
        TableActivation(SPANS, straight_through=True)


def test_gradients_stay_within_a_column() -> None:
    x = torch.randn(1, 7, requires_grad=True)
    TableActivation(SPANS)(x)[0, 1].backward()
    assert x.grad is not None
    assert x.grad[0].nonzero().flatten().tolist() == [1, 2, 3]


def test_conditions_become_one_hot() -> None:
    (hot,) = one_hot(torch.tensor([2, 0]), 3, like=torch.zeros(1, dtype=torch.float64))
    assert hot.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert hot.dtype == torch.float64
    assert one_hot(torch.tensor([1]), 0, like=hot) == []


def test_several_conditions_may_hold_at_once() -> None:
    (hot,) = one_hot(torch.tensor([[2, 0], [1, 2]]), 4, like=torch.zeros(1))
    assert hot.tolist() == [[1, 0, 1, 0], [0, 1, 1, 0]]


@pytest.mark.parametrize("sizes", [[2, 3, 4, 9, 5, 20], [3, 3], [2]])
def test_every_column_has_a_softmax_of_its_own_whatever_its_size(sizes: list[int]) -> None:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    spans = [Span(str(start), "categorical", start, size) for start, size in zip(starts, sizes, strict=True)]
    x = 50 * torch.randn(6, sum(sizes))
    expected = torch.cat([part.softmax(dim=1) for part in x.split(sizes, dim=1)], dim=1)
    torch.testing.assert_close(TableActivation(spans)(x), expected)


def test_conditions_must_be_given_where_they_are_needed() -> None:
    with pytest.raises(InputError, match="conditional on 3 conditions"):
        one_hot(None, 3, like=torch.zeros(1))


def test_rows_are_packed_one_after_the_other() -> None:
    x = torch.arange(8).reshape(4, 2)
    assert pack(x, 2).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert pack(x, 1) is x
    with pytest.raises(InputError, match="4 rows cannot be packed by 3"):
        pack(x, 3)


@pytest.mark.parametrize("rows", [1, 2, 7, 50])
def test_sums_of_manhattan_distances_are_those_of_all_pairs(rows: int) -> None:
    torch.manual_seed(rows)
    x = torch.randn(rows, 5, dtype=torch.float64).round(decimals=1).requires_grad_()
    pairs = (x[:, None] - x).abs().sum(dim=(1, 2))
    torch.testing.assert_close(manhattan_sums(x), pairs)


def test_the_slope_of_the_sums_is_that_of_all_pairs() -> None:
    x = torch.randn(8, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(8, dtype=torch.float64)
    slopes = [
        torch.autograd.grad((weights * sums).sum(), x)[0]
        for sums in (manhattan_sums(x), (x[:, None] - x).abs().sum(dim=(1, 2)))
    ]
    torch.testing.assert_close(*slopes)


def test_the_distance_to_the_batch_is_noisy_in_training_only() -> None:
    torch.manual_seed(0)
    layer, x = BatchDistance(0.3), torch.randn(400, 4)
    exact = layer.eval()(x)
    torch.testing.assert_close(exact[:, 0], torch.cdist(x, x, p=1).sum(dim=1) / 399)
    noise = layer.train()(x) / exact
    assert noise.min() >= 0.7 - 1e-6
    assert noise.max() <= 1.3 + 1e-6
    assert noise.std().item() == pytest.approx(0.3 / 3**0.5, rel=0.1)
    assert torch.equal(BatchDistance(0.0)(x), exact)
    assert layer(x[:1]).tolist() == [[0.0]]
