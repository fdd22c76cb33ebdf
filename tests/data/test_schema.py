from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance.data.schema import TableSchema
from gan_imbalance.types import InputError


@pytest.fixture
def payments() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Time": [10.0, 7300.0, 86400 + 3599.0],
            "Class": pd.Series([0, 1, 0], dtype="int8"),
            "Amount": [0.0, 12.34, 25691.16],
            "id": ["x", "y", "z"],
            "kind": pd.Categorical(["a", "b", None], ["b", "a"], ordered=True),
            "seconds": [3600, 0, 7200],
        }
    )


@pytest.fixture
def schema(payments: pd.DataFrame) -> TableSchema:
    derive: Any = {"Time": "hour_of_day", "Amount": "log10", "seconds": "hour_of_day"}
    return TableSchema.of(payments, "Class", drop=["id"], derive=derive)


def test_a_model_sees_derived_columns_in_place(payments: pd.DataFrame, schema: TableSchema) -> None:
    features = schema.derive(payments)
    assert list(features) == schema.features == ["Time", "Amount", "kind", "seconds"]
    assert features["Time"].tolist() == [0, 2, 0]
    np.testing.assert_allclose(features["Amount"], np.log10(payments["Amount"] + 1))


def test_rows_come_back_in_the_form_of_the_input(payments: pd.DataFrame, schema: TableSchema) -> None:
    back = schema.restore(schema.derive(payments), [0, 1, 0])
    expected = payments.drop(columns="id").assign(Time=[0.0, 7200.0, 0.0])
    pd.testing.assert_frame_equal(back, expected, check_exact=True)


def test_state_survives_a_safe_checkpoint(schema: TableSchema) -> None:
    file = io.BytesIO()
    torch.save(schema.to_dict(), file)
    file.seek(0)
    assert TableSchema.from_dict(torch.load(file, weights_only=True)) == schema


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "class"}, "no column 'class'.*target asks for.*did you mean 'Class'"),
        ({"drop": ["ID"]}, "no column 'ID'.*drop"),
        ({"derive": {"Tim": "hour_of_day"}}, "no column 'Tim'.*derive.*'Time'"),
        ({"drop": ["Class"]}, "drop names 'Class', which is the target"),
        ({"derive": {"Class": "log10"}}, "derive names 'Class', which is the target"),
        ({"derive": {"id": "log10"}}, "'id' should hold numbers, but holds 'x'"),
        ({"drop": ["Time", "Amount", "id", "kind", "seconds"]}, "no column left besides the target"),
    ],
)
def test_wrong_settings_are_refused(payments: pd.DataFrame, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TableSchema.of(payments, **{"target": "Class", **options})


def test_what_cannot_be_derived_is_refused(payments: pd.DataFrame, schema: TableSchema) -> None:
    with pytest.raises(InputError, match=r"'Amount' holds -1\.0, but log10 needs 0 or more"):
        schema.derive(payments.assign(Amount=-1.0))
    with pytest.raises(InputError, match="no column 'kind'"):
        schema.derive(payments.drop(columns="kind"))
