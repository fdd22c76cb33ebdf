from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gan_imbalance.networks import MixedTableClassifier, MixedTableDiscriminator, MixedTableGenerator
from gan_imbalance.types import DataSpec, Span

SPANS = (
    Span("colour", "categorical", 0, 3),
    Span("amount", "linear", 3, 1),
    Span("flag", "categorical", 4, 2),
    Span("rate", "tanh", 6, 1),
)
MIXED = DataSpec("table", (7,), ("no", "yes"), SPANS)
NUMERIC = DataSpec("table", (1,), ("no", "yes"), (Span("amount", "linear", 0, 1),))
CATEGORICAL = DataSpec("table", (3,), ("no", "yes"), (Span("colour", "categorical", 0, 3),))
CONDITIONS = torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize("spec", [MIXED, NUMERIC, CATEGORICAL])
@pytest.mark.parametrize("num_conditions", [0, 2])
def test_rows_pass_from_generator_to_discriminator(spec: DataSpec, num_conditions: int) -> None:
    rows = MixedTableGenerator(spec, 5, num_conditions)(torch.randn(4, 5), CONDITIONS)
    assert rows.shape == (4, *spec.shape)
    for span in spec.spans:
        if span.is_categorical:
            torch.testing.assert_close(rows[:, span.start : span.stop].sum(1), torch.ones(4))
    assert MixedTableDiscriminator(spec, num_conditions, 1)(rows, CONDITIONS).shape == (4,)
    assert MixedTableDiscriminator(spec, num_conditions, 3)(rows, CONDITIONS).shape == (4, 3)
    assert MixedTableDiscriminator(spec, num_conditions, 1, packing=2)(rows, CONDITIONS).shape == (2,)


def reached(path: nn.Module, out: Tensor) -> list[int]:
    """Return the outputs that depend on a path's weights."""
    weights = list(path.parameters())
    gradients = [torch.autograd.grad(out[:, i].sum(), weights, retain_graph=True) for i in range(out.shape[1])]
    return [i for i, of_one in enumerate(gradients) if any(bool(gradient.any()) for gradient in of_one)]


def test_every_column_of_the_generator_has_a_path_of_its_own() -> None:
    torch.manual_seed(0)
    generator = MixedTableGenerator(MIXED, 5, 0, bottleneck=2)
    # without softmax, whose sum over a column's categories has no gradient
    generator.activation = nn.Identity()
    out = generator(torch.randn(64, 5))
    numeric, colour, flag = generator.blocks[-1].paths
    assert [reached(path, out) for path in (numeric, colour, flag)] == [[3, 6], [0, 1, 2], [4, 5]]
    assert colour[0].widths == (2,)


def test_every_one_hot_block_enters_the_discriminator_by_a_path_of_its_own() -> None:
    torch.manual_seed(0)
    embedding = MixedTableDiscriminator(MIXED, 0, 1, bottleneck=2).blocks[0]
    rows = torch.randn(64, 7)
    out = embedding(rows)
    # two numbers as they are, then two bottlenecks
    assert torch.equal(out[:, :2], rows[:, [3, 6]])
    assert [reached(path, out) for path in embedding.embeddings] == [[2, 3], [4, 5]]


def test_features_are_what_the_last_layer_sees() -> None:
    discriminator = MixedTableDiscriminator(MIXED, 2, 1, widths=(5, 6), packing=2)
    rows = torch.randn(4, 7)
    features = discriminator.features(rows, CONDITIONS)
    assert features.shape == (2, 6)
    assert torch.equal(discriminator.blocks[-1](features).squeeze(1), discriminator(rows, CONDITIONS))


def test_the_classifier_is_like_the_discriminator_but_gives_a_logit_per_class() -> None:
    torch.manual_seed(0)
    rows = torch.randn(64, 7)
    classifier = MixedTableClassifier(MIXED, widths=(6, 5), bottleneck=2)
    assert classifier(rows).shape == (64, 2)
    embedding = classifier.blocks[0]
    assert [reached(path, embedding(rows)) for path in embedding.embeddings] == [[2, 3], [4, 5]]
    weights = list(classifier.parameters())
    assert all(bool(gradient.any()) for gradient in torch.autograd.grad(classifier(rows).square().sum(), weights))
