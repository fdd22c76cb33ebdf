"""Series in the containers of aeon and sktime: to an array, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.transforms.series_containers import unpack
from gan_imbalance.types import InputError

SERIES = np.arange(24, dtype=float).reshape(3, 2, 4)
TIMES = pd.Index([5, 6, 7, 8], name="minute")
CHANNELS = ["pulse", "pressure"]


def nested(series: Any = SERIES) -> pd.DataFrame:
    return pd.DataFrame([[pd.Series(channel, TIMES) for channel in one] for one in series], columns=CHANNELS)


def frames(series: Any = SERIES) -> list[pd.DataFrame]:
    return [pd.DataFrame(one.T, TIMES, CHANNELS) for one in series]


def steps(series: Any = SERIES) -> pd.DataFrame:
    return pd.concat(dict(enumerate(frames(series))), names=["patient"])


CONTAINERS = {"np-list": list(SERIES), "df-list": frames(), "pd-multiindex": steps(), "nested_univ": nested()}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_container_becomes_an_array_and_comes_back(kind: str) -> None:
    array, repack = unpack(CONTAINERS[kind])
    np.testing.assert_array_equal(array, SERIES)
    again, _ = unpack(repack(np.concatenate([SERIES, SERIES])))
    np.testing.assert_array_equal(again, np.concatenate([SERIES, SERIES]))
    assert type(repack(SERIES)) is type(CONTAINERS[kind])


def test_frames_keep_the_names_of_channels_and_times() -> None:
    for frame in (frames()[0], steps().xs(0)):
        _, repack = unpack([frame])
        pd.testing.assert_frame_equal(repack(SERIES[:1])[0], frame)
    _, repack = unpack(steps())
    pd.testing.assert_frame_equal(repack(SERIES), steps())
    _, repack = unpack(nested())
    assert repack(SERIES).columns.tolist() == CHANNELS
    pd.testing.assert_series_equal(repack(SERIES).iloc[1, 0], nested().iloc[1, 0])


def test_series_of_steps_are_in_the_order_of_their_first_rows() -> None:
    given = steps().rename({0: "late", 1: "early", 2: "between"}, level=0)
    np.testing.assert_array_equal(unpack(given)[0], SERIES)


def test_a_wide_frame_has_a_column_per_time_step() -> None:
    wide = pd.DataFrame(SERIES[:, 0], columns=TIMES)
    array, repack = unpack(wide)
    np.testing.assert_array_equal(array, SERIES[:, 0])
    pd.testing.assert_frame_equal(repack(array), wide)


@pytest.mark.parametrize("given", [SERIES, SERIES[:, 0], SERIES[:, 0].tolist(), []])
def test_anything_else_stays_as_it_is(given: Any) -> None:
    array, repack = unpack(given)
    assert array is given
    assert repack(array) is given


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([*SERIES, SERIES[0, :, :3]], r"Series 3 has shape \(2, 3\), but series 0 \(2, 4\)"),
        ([*frames(), frames()[0].iloc[:3]], r"Series 3 has shape \(2, 3\), but series 0 \(2, 4\)"),
        (steps().iloc[:-1], r"Series 2 has shape \(2, 3\), but series 0 \(2, 4\)"),
        (steps().set_index(pd.Index(range(12)), append=True), "The index of X has 3 levels: give it two"),
        (
            nested().map(lambda cell: cell.iloc[: 3 if cell.iloc[0] == 12 else 4]),
            "Series 1 has 3 time steps in column 'pressure', but the first 4",
        ),
    ],
)
def test_other_lengths_are_told(given: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        unpack(given)
