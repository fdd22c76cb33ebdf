"""Layers that several networks share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from gan_imbalance.types import DataKind, DataSpec, InputError, Span, plural

Activation = Literal["relu", "leaky_relu"]

Inputs = Tensor | Sequence[Tensor]
"""One input of a layer, or several that lie side by side."""


class Rectifier(nn.LeakyReLU):
    """LeakyReLU, or ReLU with a slope of 0, that overwrites its input and has no second derivative.

    Torch's own have one, of zeros, which a gradient penalty is then led through the whole network by.
    """

    def __init__(self, negative_slope: float) -> None:
        super().__init__(negative_slope, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply what is negative in a tensor of any shape by the slope."""
        if torch.compiler.is_compiling():
            # the compiler, which would stop at what follows, finds both savings by itself
            return F.leaky_relu(x, self.negative_slope)
        return _Rectify.apply(x, self.negative_slope)  # type: ignore[no-any-return]


class _Rectify(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        ctx.mark_dirty(x)
        ctx.slope = slope
        out = F.leaky_relu_(x, slope)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (out,) = ctx.saved_tensors
        # without its history, where no gradient of the gradient would ever be other than zero
        return torch.ops.aten.leaky_relu_backward(gradient, out.detach(), ctx.slope, True), None


def activation_layer(name: Activation) -> nn.Module:
    """Return ReLU, or LeakyReLU with the slope of 0.2 that GANs use."""
    return Rectifier(0.2 if name == "leaky_relu" else 0.0)


def with_spectral_norm(layer: nn.Module, spectral: bool = True) -> nn.Module:
    """Return the layer with its Lipschitz constant bound by its spectral norm, or as it is.

    Miyato et al. 2018 (https://arxiv.org/abs/1802.05957).
    """
    return spectral_norm(layer) if spectral else layer


def require_kind(network: nn.Module, spec: DataSpec, kind: DataKind) -> None:
    """Raise unless the data are of the kind that a network is for.

    Raises:
        InputError: if they are of another.
    """
    if spec.kind != kind:
        raise InputError(
            f"{type(network).__name__} is a network for {plural(kind)}, but the data are {plural(spec.kind)}: choose "
            "another one, or omit the networks."
        )


class Dropout(nn.Dropout):
    """Dropout that takes a processor less than half of the time of torch's own, which is slow to draw its mask."""

    def forward(self, x: Tensor) -> Tensor:
        """Zero units of a tensor of any shape by chance, and scale the others up, in training."""
        if not self.training or x.device.type != "cpu" or not 0 < self.p < 1:
            return super().forward(x)
        # sixteen random bits decide on a unit, which is a third of the work of drawing a number for it
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = words.view(torch.int16)[: x.numel()].view(x.shape).float()
        return x * drawn.ge_((self.p - 0.5) * 2**16).div_(1 - self.p).to(x.dtype)


class JoinedLinear(nn.Module):
    """A linear layer of several inputs side by side and of one-hot conditions, which are never joined in memory.

    It computes what an ``nn.Linear`` of the joined inputs does, and has its initial weights, but lies the other way
    round, input by output: autograd then adds the gradients of real and of generated rows in place, without a copy.
    The weights of the conditions are a table: those that hold are looked up instead of being multiplied by one, and
    the others by zero.

    Args:
        widths: of the inputs.
        outputs: width of the output.
        conditions: how many conditions there are; their positions are then the last input.

    Attributes:
        weight: of the inputs, (sum of widths, outputs).
        table: of the conditions, (conditions, outputs), None if there are none.
        bias: (outputs,).
    """

    table: nn.Parameter | None

    def __init__(self, widths: Sequence[int], outputs: int, conditions: int = 0) -> None:
        super().__init__()
        self.widths = tuple(widths)
        linear = nn.Linear(sum(widths) + conditions, outputs)
        weight, table = linear.weight.detach().t().split((sum(widths), conditions))  # type: ignore[no-untyped-call]
        self.weight = nn.Parameter(weight.contiguous())
        self.bias = linear.bias
        self.register_parameter("table", nn.Parameter(table.contiguous()) if conditions else None)

    def forward(self, inputs: Inputs) -> Tensor:
        """Map inputs, each (n, width), and, if there are conditions, where k of them hold, (n, k), to (n, outputs)."""
        if isinstance(inputs, Tensor):
            return torch.addmm(self.bias, inputs, self.weight)
        dense = list(inputs)
        out: Tensor = self.bias
        if self.table is not None:
            out = out + F.embedding_bag(dense.pop(), self.table, mode="sum")
        weights = self.weight.split(self.widths) if len(dense) > 1 else (self.weight,)  # type: ignore[no-untyped-call]
        for x, weight in zip(dense, weights, strict=True):
            # not in place, where mixed precision would not cast
            out = torch.addmm(out, x, weight)
        return out


class DenseBlock(nn.Module):
    """Linear layer, optional batch norm, activation, optional dropout; optionally residual.

    A residual block passes its inputs on beside its output, as CTGAN's generator does
    (https://arxiv.org/abs/1907.00503, section 4.4).

    Args:
        inputs: width of the input, or widths of several that lie side by side.
        outputs: width of the output of the linear layer.
        activation: ``relu`` or ``leaky_relu``.
        batch_norm: normalise over the batch before the activation.
        dropout: probability of zeroing a unit.
        spectral: whether the layer is given its spectral norm (:func:`with_spectral_norm`).
        residual: pass the inputs on.
        conditions: how many conditions there are; their positions are then the last input.
    """

    def __init__(
        self,
        inputs: int | Sequence[int],
        outputs: int,
        activation: Activation = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
        spectral: bool = False,
        residual: bool = False,
        conditions: int = 0,
    ) -> None:
        super().__init__()
        widths = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        layers: list[nn.Module] = [with_spectral_norm(JoinedLinear(widths, outputs, conditions), spectral)]
        if batch_norm:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(activation_layer(activation))
        if dropout:
            layers.append(Dropout(dropout))
        self.layers = nn.Sequential(*layers)
        self.residual = residual
        # of what comes out
        self.widths = (outputs, *widths) if residual else (outputs,)
        self.conditions = conditions if residual else 0

    def forward(self, inputs: Inputs) -> Inputs:
        """Map inputs, as :class:`JoinedLinear` has them, to (n, outputs), and the inputs after it if residual."""
        out: Tensor = self.layers(inputs)
        if not self.residual:
            return out
        return out, *((inputs,) if isinstance(inputs, Tensor) else inputs)


def manhattan_sums(x: Tensor) -> Tensor:
    """Return the sum of every row's Manhattan distances to all others, (n, features) to (n,), in O(n log n).

    In a sorted feature, the k-th of n values (from 0) is the larger one in k differences and the smaller one in
    n - 1 - k.
    """
    values, order = x.sort(dim=0)
    rank = torch.arange(len(x), device=x.device)[:, None]
    below = values.cumsum(dim=0) - values
    above = values.sum(dim=0) - below - values
    sums = (2 * rank + 1 - len(x)) * values - below + above
    return sums.gather(0, order.argsort(dim=0)).sum(dim=1)


class BatchDistance(nn.Module):
    """How far every sample is from the others of its batch, as one feature: a generator that collapses shows by it.

    Minibatch discrimination (Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 3.2) in the simple form
    of a sum of Manhattan distances, here divided by the number of the others, so that it does not depend on the batch.

    Args:
        noise: in training the distance is multiplied by U(1 - noise, 1 + noise), so that it is known roughly only.
    """

    def __init__(self, noise: float = 0.3) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, features) to (n, 1)."""
        mean = manhattan_sums(x) / max(1, len(x) - 1)
        if self.training and self.noise:
            mean = mean * (1 + self.noise * (2 * torch.rand_like(mean) - 1))
        return mean[:, None]


class TableActivation(nn.Module):
    """The output activation of every column of a table: identity, tanh, or softmax over its categories.

    Categorical columns are padded to whole vector registers, several times as fast as their own widths, and those of
    the same width then share a softmax, so that there are few of them, however many columns there are.

    Args:
        spans: the columns.
        gumbel_temperature: if given, categories are drawn by the Gumbel-softmax trick at this temperature
            (Jang et al. 2017, https://arxiv.org/abs/1611.01144) instead of the plain softmax.
        straight_through: whether what is drawn comes out as one-hot, as real rows are, while gradients are those of
            the Gumbel-softmax (the same, section 2.2).

    Raises:
        InputError: if straight_through lacks a temperature, without which nothing is drawn.
    """

    is_tanh: Tensor
    padded_features: Tensor
    padding: Tensor
    order: Tensor

    def __init__(
        self, spans: Sequence[Span], gumbel_temperature: float | None = None, straight_through: bool = False
    ) -> None:
        super().__init__()
        if straight_through and gumbel_temperature is None:
            raise InputError("straight_through draws categories: give gumbel_temperature too, such as 0.5.")
        self.gumbel_temperature = gumbel_temperature
        self.straight_through = straight_through
        width = max((span.stop for span in spans), default=0)
        is_tanh = torch.zeros(width, dtype=torch.bool)
        for span in spans:
            is_tanh[span.start : span.stop] = span.encoding == "tanh"
        categorical = sorted((span for span in spans if span.is_categorical), key=_padded_width)
        counts = Counter(map(_padded_width, categorical))
        # of the columns that share a softmax, and their width
        self.shapes = [(count, padded) for padded, count in counts.items()]
        features: list[int] = []
        padding: list[float] = []
        # where a feature comes to lie behind those that go in
        order = torch.arange(width)
        for span in categorical:
            order[span.start : span.stop] = width + len(features) + torch.arange(span.size)
            missing = _padded_width(span) - span.size
            features += [*range(span.start, span.stop), *[span.start] * missing]
            padding += [0.0] * span.size + [-torch.inf] * missing
        self.has_tanh = bool(is_tanh.any())
        self.register_buffer("is_tanh", is_tanh, persistent=False)
        self.register_buffer("padded_features", torch.tensor(features, dtype=torch.long), persistent=False)
        self.register_buffer("padding", torch.tensor(padding), persistent=False)
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Activate (n, features) column by column."""
        if self.gumbel_temperature is None:
            return self.expected(x)
        return self._activate(x, (x + _gumbel_noise(x)) / self.gumbel_temperature, self.straight_through)

    def expected(self, x: Tensor) -> Tensor:
        """Return what :meth:`forward` gives on average of its draws: shares for categories, (n, features)."""
        return self._activate(x, x, hard=False)

    def _activate(self, x: Tensor, logits: Tensor, hard: bool) -> Tensor:
        if self.has_tanh:
            x = torch.where(self.is_tanh, x.tanh(), x)
        if not self.shapes:
            return x
        # `index_select`, since the gradient of indexing by a tensor is slow
        padded = logits.index_select(1, self.padded_features) + self.padding
        blocks = torch.split(padded, [math.prod(shape) for shape in self.shapes], dim=1)
        shares = [_shares(block.view(-1, *shape), hard) for block, shape in zip(blocks, self.shapes, strict=True)]
        return torch.cat([x, *shares], dim=1).index_select(1, self.order)


def _padded_width(span: Span) -> int:
    """Return how wide a column is in whole vector registers, which hold 16 numbers."""
    return -(-span.size // 16) * 16


def _shares(logits: Tensor, hard: bool) -> Tensor:
    """Return the softmax of every column of logits (n, columns, width), side by side, (n, columns · width).

    With ``hard`` the largest share of each column becomes 1 and the others 0; gradients stay the shares'.
    """
    shares = logits.softmax(dim=2)
    if hard:
        drawn = torch.zeros_like(shares).scatter_(2, shares.argmax(dim=2, keepdim=True), 1.0)
        shares = drawn + (shares - shares.detach())
    return shares.flatten(1)


def _gumbel_noise(like: Tensor) -> Tensor:
    """Return standard Gumbel noise in the shape of ``like``; by uniform numbers, several times as fast as torch's."""
    uniform = torch.rand_like(like).clamp_(min=torch.finfo(like.dtype).tiny)
    return uniform.log_().neg_().log_().neg_()


def positions(conditions: Tensor | None, num_conditions: int, packing: int = 1) -> list[Tensor]:
    """Return which conditions hold, (n / packing, packing · k), in a list; an empty list if there are none.

    Args:
        conditions: which one holds, (n,), or which k hold, (n, k).
        num_conditions: how many there are.
        packing: rows judged together; each has conditions of its own.
    """
    if not num_conditions:
        return []
    if conditions is None:
        raise InputError(f"This network is conditional on {num_conditions} conditions: pass them.")
    conditions = conditions.view(len(conditions), -1)
    if packing == 1:
        return [conditions]
    firsts = torch.arange(0, packing * num_conditions, num_conditions, device=conditions.device)
    return [pack(conditions, packing) + firsts.repeat_interleave(conditions.shape[1])]


def one_hot(conditions: Tensor | None, num_conditions: int, like: Tensor) -> list[Tensor]:
    """Return the conditions as one tensor (n, num_conditions) in a list; an empty list if there are none.

    Args:
        conditions: which one holds, (n,), or which k hold, (n, k).
        num_conditions: how many there are.
        like: a tensor of the dtype and device to use.
    """
    return [
        like.new_zeros(len(ones), num_conditions).scatter_(1, ones, 1.0)
        for ones in positions(conditions, num_conditions)
    ]


def pack(x: Tensor, packing: int) -> Tensor:
    """Join every ``packing`` consecutive rows into one: (n, d) to (n / packing, packing · d).

    PacGAN, Lin et al. 2018 (https://arxiv.org/abs/1712.04086).

    Raises:
        InputError: if the rows cannot be divided so.
    """
    if packing == 1:
        return x
    if len(x) % packing:
        raise InputError(f"A batch of {len(x)} rows cannot be packed by {packing}: choose a multiple of it.")
    return x.reshape(len(x) // packing, -1)
