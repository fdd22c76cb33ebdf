from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_imbalance.types import DataSpec, InputError, Label, Span, find_class


@pytest.mark.parametrize(
    ("label", "classes", "position"),
    [
        ("1", (0, 1), 1),
        ("1", (0.0, 1.0), 1),
        (1, (0.0, 1.0), 1),
        ("1.0", (0, 1), 1),
        (1, ("0", "1"), 1),
        (" yes ", ("no", "yes"), 1),
        ("True", (False, True), 1),
        (True, (False, True), 1),
        ("Charged Off", ("Charged Off", "Fully Paid"), 0),
        ("1", ("1.0", "1"), 1),
    ],
)
def test_a_class_is_found_by_its_value(label: Label, classes: tuple[Label, ...], position: int) -> None:
    assert find_class(label, classes) == position


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="Unknown class 'maybe': the classes are 'no', 'yes'"):
        find_class("maybe", ("no", "yes"))


@pytest.mark.parametrize(("label", "classes"), [(1, ("1", "1.0")), ("2", (2, 2.0))])
def test_two_matching_classes_are_refused(label: Label, classes: tuple[Label, ...]) -> None:
    with pytest.raises(InputError, match="is ambiguous"):
        find_class(label, classes)


@given(st.lists(st.integers() | st.text(), min_size=1, unique=True))
def test_every_class_finds_itself(classes: list[Label]) -> None:
    assert [find_class(label, classes) for label in classes] == list(range(len(classes)))


def test_a_span_stops_after_its_last_feature() -> None:
    assert Span("colour", "categorical", start=2, size=3).stop == 5


def test_a_specification_has_one_condition_per_class_unless_told() -> None:
    spec = DataSpec("table", (2,), ("no", "yes"))
    assert (spec.condition_classes, spec.condition_weights, spec.num_conditions) == ((0, 1), (1.0, 1.0), 2)
    clustered = DataSpec("table", (2,), ("no", "yes"), condition_classes=(1, 1, 1))
    assert clustered.num_conditions == 3


def test_a_specification_survives_as_plain_values() -> None:
    spans = (Span("amount", "linear", 0, 1), Span("colour", "categorical", 1, 3))
    spec = DataSpec("table", (4,), (0, 1), spans, condition_classes=(1, 1), condition_weights=(0.25, 0.75))
    state = spec.to_dict()
    assert type(state["spans"][0]) is dict
    assert DataSpec.from_dict(state) == spec


def test_columns_that_are_categories_and_nothing_else() -> None:
    spans = (
        Span("colour", "categorical", 0, 3),
        Span("rate", "linear", 3, 1),
        Span("rate", "categorical", 4, 2),
        Span("size", "categorical", 6, 2),
    )
    spec = DataSpec("table", (8,), ("no", "yes"), spans)
    assert [span.name for span in spec.categorical_columns] == ["colour", "size"]
