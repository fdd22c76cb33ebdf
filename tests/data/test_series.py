"""Time series as data: forms of files, lengths, splits, encodings and mistakes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance.data import MixedDataModule, SeriesSet, SyntheticSeries, TimeSeriesDataModule
from gan_imbalance.data.mixed import read_synthetic_set
from gan_imbalance.data.series import anomalous_sines
from gan_imbalance.data.series_files import read_series
from gan_imbalance.gans import GAN, ConditionalGAN
from gan_imbalance.synthesis import load_gan, save_gan, synthesize, write_synthetic_set
from gan_imbalance.types import InputError

nan = np.nan


def numbers(n: int = 30, length: int = 6) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(n, 2, length)).astype(np.float32)


def classes(n: int = 30) -> np.ndarray[Any, Any]:
    return np.array(["calm", "storm", "calm"])[np.arange(n) % 3]


def ragged(*lengths: int) -> list[np.ndarray[Any, Any]]:
    return [series[:, :length] for series, length in zip(numbers(len(lengths)), lengths, strict=True)]


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz", "a.txt", "b.txt", "c.txt"])
def test_text_has_the_label_first(name: str, tmp_path: Path) -> None:
    separator = {"a": "\t", "b": ",", "c": "  "}[name[0]]
    text = "".join(separator.join(row) + "\n" for row in (["1.0", "0.5", "-2e-1", "3"], ["-1", "1", "2", "4"]))
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    read = read_series(tmp_path / name)
    np.testing.assert_allclose(read.X, [[[0.5, -0.2, 3]], [[1, 2, 4]]], rtol=1e-6)
    assert read.X.dtype == np.float32
    assert read.y.tolist() == [1, -1]
    assert read.y.dtype == np.int64


def test_series_of_text_may_have_any_length(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\t1\t2\t3\nb\t4\t5\nb\t6\t7\tNaN\n")
    read = read_series(tmp_path / "a.tsv")
    np.testing.assert_array_equal(read.X[:, 0], [[1, 2, 3], [4, 5, nan], [6, 7, nan]])
    assert read.y.tolist() == ["a", "b", "b"]


TS = """# a comment
@problemName tiny
@timeStamps false
@univariate false
@classLabel true calm storm
@data
1,2,3:4,5,6:calm
7,8:9,10:storm
"""


def test_ts_has_the_label_last(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text(TS)
    read = read_series(tmp_path / "a.ts")
    np.testing.assert_array_equal(read.X, [[[1, 2, 3], [4, 5, 6]], [[7, 8, nan], [9, 10, nan]]])
    assert read.y.tolist() == ["calm", "storm"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("@timeStamps false", "@timeStamps true"), ("1,2,3:", "(0,1),(1,2):"), ("7,8:9,10:storm", "7")],
)
def test_other_ts_are_left_to_aeon(before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text(TS.replace(before, after))
    with pytest.raises(InputError, match=r"read it with aeon \(pip install aeon\), and give its arrays as X and y"):
        read_series(tmp_path / "a.ts")


@pytest.mark.parametrize("channels", [None, 1, 2])
@pytest.mark.parametrize("grouped", [True, False])
def test_arrays_of_an_npz(channels: int | None, grouped: bool, tmp_path: Path) -> None:
    X = numbers()[:, 0] if channels is None else numbers()[:, :channels]
    groups = {"groups": np.arange(30) // 3} if grouped else {}
    np.savez(tmp_path / "a.npz", X=X, y=classes(), **groups)
    data = TimeSeriesDataModule(path=str(tmp_path / "a.npz"))
    assert np.array_equal(data.samples.X, X.reshape(30, -1, 6))
    assert data.samples.classes == ("calm", "storm")
    assert (data.samples.recordings is not None) == grouped


def long_table() -> pd.DataFrame:
    """Return the rows of series "b", with 3 steps, and "a", with 2, in the order of time."""
    return pd.DataFrame(
        {
            "who": ["b", "a", "b", "a", "b"],
            "when": [1, 1, 2, 3, 9],
            "kind": ["calm", "storm", "calm", "storm", "calm"],
            "x": [1.0, 4.0, 2.0, 5.0, 3.0],
            "z": [0, 0, 1, 1, 1],
        }
    )


NAMES = {"id": "who", "time": "when", "target": "kind"}


@pytest.mark.parametrize("time", ["when", None])
@pytest.mark.parametrize("values", [(), ("z", "x")])
def test_a_long_table_has_a_row_per_step(time: str | None, values: tuple[str, ...], tmp_path: Path) -> None:
    table = long_table() if time is None else long_table()[::-1]
    table = table.drop(columns="when") if time is None else table
    table.to_csv(tmp_path / "a.csv", index=False)
    names = {**NAMES, "time": time, "values": values}
    data = TimeSeriesDataModule(path=str(tmp_path / "a.csv"), lengths="pad", **names)
    X = dict(zip(np.array(data.samples.classes)[data.samples.labels], data.samples.X, strict=True))
    order = slice(None, None, -1) if values else slice(None)
    np.testing.assert_array_equal(X["calm"], [[1, 2, 3], [0, 1, 1]][order])
    np.testing.assert_array_equal(X["storm"], [[4, 5, nan], [0, 1, nan]][order])


def test_a_group_of_a_long_table(tmp_path: Path) -> None:
    long_table().assign(ward=["w", "w", "w", "w", "w"]).to_csv(tmp_path / "a.csv", index=False)
    data = TimeSeriesDataModule(path=str(tmp_path / "a.csv"), group="ward", lengths="cut", **NAMES)
    assert data.samples.X.shape == (2, 2, 2)
    assert data.samples.groups.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "names", "expected"),
    [
        (lambda t: t, {"id": "whom"}, "There is no column 'whom' in the table, as id asks for; did you mean 'who'?"),
        (lambda t: t, {"group": "ward"}, "There is no column 'ward' in the table, as group asks for"),
        (lambda t: t, {"values": ["y"]}, "There is no column 'y' in the table, as values asks for"),
        (lambda t: t, {"id": None}, "a.csv has a row per time step: name with id the column"),
        (lambda t: t, {"target": None}, "name with target the column that tells the class"),
        (lambda t: t[["who", "when", "kind"]], {}, "a.csv has no column of values beside 'who', 'when', 'kind'"),
        (lambda t: t.assign(when=1), {}, "Series 'b' has two rows of one 'when'; keep one of them."),
        (lambda t: t.assign(x="wide"), {}, "Column 'x' holds no numbers; name the channels with values"),
        (lambda t: t.assign(x=t["x"].where(t["x"] != 2)), {}, "Column 'x' has no value in row 2; fill it in."),
        (
            lambda t: t.assign(kind=list("abcbc")),
            {},
            "Column 'kind' differs between the rows of series 'b'; it must be",
        ),
        (
            lambda t: t.assign(kind=t["kind"].where(t["kind"] == "calm")),
            {},
            "The target 'kind' is missing in 1 of 2 rows",
        ),
    ],
)
def test_long_tables_that_cannot_be_used(
    change: Callable[[pd.DataFrame], pd.DataFrame], names: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    change(long_table()).to_csv(tmp_path / "a.csv", index=False)
    data = TimeSeriesDataModule(path=str(tmp_path / "a.csv"), lengths="pad", **{**NAMES, **names})
    with pytest.raises(InputError) as refused:
        _ = data.samples
    assert expected in str(refused.value)


def test_a_test_file_is_the_test_part(tmp_path: Path) -> None:
    X, y = numbers(40), classes(40)
    # one of the test series is among the training series, too
    X[35] = X[0]
    np.savez(tmp_path / "train.npz", X=X[:30], y=y[:30])
    np.savez(tmp_path / "test.npz", X=X[30:], y=y[30:])
    data = TimeSeriesDataModule(path=str(tmp_path / "train.npz"), test_path="test.npz", test_fraction=0.5)
    assert data.split.test.tolist() == list(range(30, 40))
    assert sorted([*data.split.train, *data.split.validation]) == list(range(1, 30))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({"X": numbers()[:, :1], "y": classes()}, "The series have 2 channels, but those of the test file 1."),
        ({"X": numbers(), "y": classes(), "groups": np.arange(30)}, "One of the two files tells the groups"),
        ({"X": numbers(length=7), "y": classes()}, "The series have 6 to 7 time steps; set lengths to pad"),
        ({"X": numbers(), "y": np.arange(30)}, "mixes types"),
    ],
)
def test_test_files_that_do_not_fit(file: dict[str, Any], expected: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", X=numbers(), y=classes())
    np.savez(tmp_path / "test.npz", **file)
    with pytest.raises(InputError, match=expected):
        _ = TimeSeriesDataModule(path=str(tmp_path / "train.npz"), test_path="test.npz").samples


# -- mistakes ---------------------------------------------------------------------------------------------------------


def with_gap(step: int) -> np.ndarray[Any, Any]:
    X = numbers()
    X[4, 1, step] = nan
    return X


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"X": with_gap(2)}, "Series 4 of X has a missing value in step 2 of channel 1; fill it in"),
        ({"X": with_gap(5)}, "Series 4 of X has a missing value in step 5 of channel 1"),
        ({"X": np.where(numbers() > 2.5, np.inf, numbers())}, "of X has an infinite value"),
        ({"X": np.where(np.arange(30)[:, None, None] == 7, nan, numbers())}, "Series 7 of X has no value; remove it."),
        ({"X": numbers(length=1)}, "The series of X have one time step, which a table suits: use TabularDataModule."),
        ({"X": numbers()[:, 0, 0]}, r"The series of X are float32 of shape \(30,\); give numbers of shape"),
        ({"X": numbers().astype(str)}, r"The series of X are <U\d+ of shape"),
        (
            {"X": ragged(*[3, 4] * 15)},
            "The series have 3 to 4 time steps; set lengths to pad, so that a mask is learned",
        ),
        ({"X": [numbers()[0], numbers()[0, :1]] * 15}, r"Series 1 has shape \(1, 6\), but the first \(2, 6\)"),
        ({"X": []}, "There are no series"),
        (
            {"X": np.pad(numbers(), ((0, 0), (0, 0), (0, 2)), constant_values=nan)},
            "no value behind step 5 of any series",
        ),
        ({"y": classes(29)}, "There are 30 series, but 29 y; give one for each series."),
        ({"y": None}, "X was given without y"),
        ({"y": np.array([None, *classes(29)])}, "The target 'y' is missing in 1 of 30 rows"),
        ({"y": classes()[:, None]}, r"y has shape \(30, 1\); give one value for each series."),
        ({"groups": np.array([nan, *range(29)])}, "The group 'groups' is missing in 1 of 30 rows"),
        (
            {"X": ragged(*[1, 4] * 15), "lengths": "cut"},
            "The shortest series has one time step, to which none can be cut",
        ),
    ],
)
def test_arrays_that_cannot_be_used(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        _ = TimeSeriesDataModule(**{"X": numbers(), "y": classes(), **settings}).samples


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="one class only, 'calm'; at least two are needed"):
        _ = TimeSeriesDataModule(X=numbers(), y=["calm"] * 30).split


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "exactly one of path, bundled and X"),
        ({"path": "a.tsv", "bundled": "anomalous_sines"}, "exactly one of path, bundled and X"),
        ({"bundled": "sines"}, "bundled is 'sines'; name one of anomalous_sines."),
        ({"path": "a.tsv", "lengths": "long"}, "lengths is 'long'; name one of equal, pad, cut."),
        ({"bundled": "anomalous_sines", "target": "y"}, "target names 'y', but there is no file with columns"),
    ],
)
def test_settings_that_contradict(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        TimeSeriesDataModule(**settings)


@pytest.mark.parametrize(
    ("name", "content", "settings", "expected"),
    [
        ("a.npz", None, {}, r"a\.npz cannot be read \(.*\); name a file of series"),
        ("a.npz", b"no archive", {}, r"a\.npz cannot be read"),
        ("a.npz", {"images": np.zeros(3)}, {}, r"a\.npz cannot be read \(.*X"),
        (
            "a.npz",
            {"X": numbers(), "y": classes()},
            {"group": "ward"},
            "There is no array 'ward' in a.npz, as group asks",
        ),
        ("a.npz", {"X": numbers(), "y": classes()}, {"target": "y"}, "target names 'y', but a.npz has no columns"),
        ("a.tsv", b"a\t1\t2\n", {"group": "ward"}, "group names 'ward', but a.tsv has no columns with names"),
        ("a.tsv", b"", {}, "There are no series"),
        ("a.tsv", b"a\t1\t2\nb\t1\tx\n", {}, "Line 2 of a.tsv holds something that is no number"),
        ("a.tsv", b"a\t1\t\t2\nb\t1\t2\t3\n", {}, "Series 0 of a.tsv has a missing value in step 1"),
        ("a.tsv", b"\t1\t2\nb\t1\t2\n", {}, "The target 'y' is missing in 1 of 2 rows"),
        ("a.csv", None, {"id": "a", "target": "b"}, "There is no file"),
    ],
)
def test_files_that_cannot_be_used(
    name: str, content: Any, settings: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        np.savez(tmp_path / name, **content)
    with pytest.raises(InputError, match=expected):
        _ = TimeSeriesDataModule(path=str(tmp_path / name), **settings).samples


# -- splits and encodings ---------------------------------------------------------------------------------------------


def test_equal_series_and_those_of_one_recording_never_straddle_the_split() -> None:
    X = numbers(60)
    X[30] = X[0]
    data = TimeSeriesDataModule(
        X=X, y=classes(60), groups=np.arange(60) // 2, test_fraction=0.3, validation_fraction=0.2
    )
    parts = [set(data.split.rows(part)) for part in ("train", "validation", "test")]
    assert all(parts)
    # 0 and 1 are of one recording, 30 and 31 of another, and 0 equals 30
    for together in ({0, 1, 30, 31}, *({row, row + 1} for row in range(0, 60, 2))):
        assert sum(together <= part for part in parts) == 1


def test_the_range_is_that_of_the_training_series_of_the_learned_classes(fit: Any) -> None:
    data = TimeSeriesDataModule(X=numbers(60), y=classes(60), batch_size=4, steps_per_epoch=1)
    gan = GAN(classes=["storm"])
    fit(gan, data, max_epochs=1)
    learned, _ = data.encoded("train", ["storm"])
    assert learned.dtype == torch.float32
    assert learned.amin(dim=(0, 2)).tolist() == [-1, -1]
    assert learned.amax(dim=(0, 2)).tolist() == [1, 1]
    assert data.encoded("train", "all")[0].abs().max() > 1
    np.testing.assert_allclose(
        data.scaler.inverse_transform(learned.numpy()), data.samples.X[data.rows("train", ["storm"])], atol=1e-6
    )
    beyond = torch.full((1, 2, 6), 1.5)
    torch.testing.assert_close(data.as_exported(beyond), torch.ones(1, 2, 6))


def test_kept_rows_are_cut_from_training_alone() -> None:
    whole = TimeSeriesDataModule(bundled="anomalous_sines")
    few = TimeSeriesDataModule(bundled="anomalous_sines", keep={"fault": 0.5})
    assert few.class_counts() == [189, 21, 189]
    assert np.array_equal(few.split.test, whole.split.test)
    assert len(few.split.reserve) == 21


def test_bundled_series_are_drawn_from_a_seed() -> None:
    first, again, other = anomalous_sines(), anomalous_sines(), anomalous_sines(1)
    assert np.array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)
    # a fault stands still, but for noise
    still = np.abs(np.diff(first.X[:, 0], axis=1)) < 0.25
    longest = np.array([max(map(len, "".join("x" if s else " " for s in row).split())) for row in still])
    assert np.median(longest[first.y == "fault"]) > np.median(longest[first.y == "fast"])


def test_series_of_unequal_lengths_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        data = TimeSeriesDataModule(X=ragged(*[3, 4, 6] * 10), y=classes(), lengths="cut")
        assert data.samples.X.shape == (30, 2, 3)
    assert "Series of 3 to 6 time steps are cut to their first 3." in caplog.text
    data.setup()
    assert data.spec.shape == (2, 3)


# what is learned, generated and written


@pytest.fixture
def padded() -> TimeSeriesDataModule:
    data = TimeSeriesDataModule(X=ragged(*[3, 4, 6] * 10), y=classes(), lengths="pad", batch_size=4, steps_per_epoch=2)
    data.setup()
    return data


@pytest.fixture
def synthetic(padded: TimeSeriesDataModule, tmp_path: Path) -> SyntheticSeries:
    gan = ConditionalGAN(latent_dim=3)
    gan.build(padded.spec, (0, 1), padded.state())
    save_gan(gan, tmp_path / "gan.ckpt")
    made = synthesize(load_gan(tmp_path / "gan.ckpt"), {"storm": 5, "calm": 2}, seed=3)
    assert isinstance(made, SyntheticSeries)
    return made


def test_a_mask_is_learned_with_padded_series(padded: TimeSeriesDataModule) -> None:
    assert padded.samples.X.shape == (30, 2, 6)
    assert padded.spec.shape == (3, 6)
    x, _ = padded.encoded("train")
    ends = (x[:, 2] > 0).sum(dim=1)
    assert set(ends.tolist()) <= {3, 4, 6}
    assert not x[:, :2][(x[:, 2:] < 0).expand(-1, 2, -1)].any()


def test_series_are_synthesized_without_data_in_exact_numbers(
    padded: TimeSeriesDataModule, synthetic: SyntheticSeries
) -> None:
    samples = synthetic.samples
    assert samples.X.shape == (7, 2, 6)
    assert samples.labels.tolist() == [1] * 5 + [0] * 2
    assert synthetic.manifest["counts"] == {"storm": 5, "calm": 2}
    assert synthetic.manifest["split_hash"] == padded.split.hash
    for channel in range(2):
        real = padded.samples.X[padded.split.train][:, channel]
        assert np.nanmin(samples.X[:, channel]) >= np.nanmin(real)
        assert np.nanmax(samples.X[:, channel]) <= np.nanmax(real)
    # NaN behind the end, in all channels alike
    missing = np.isnan(samples.X)
    assert np.array_equal(missing[:, 0], missing[:, 1])
    assert (np.diff(missing[:, 0].astype(int), axis=1) >= 0).all()


def test_written_series_are_read_as_they_were_and_feed_a_classifier(
    padded: TimeSeriesDataModule, synthetic: SyntheticSeries, tmp_path: Path
) -> None:
    write_synthetic_set(synthetic, tmp_path / "made.npz")
    read = read_synthetic_set(tmp_path / "made.npz")
    assert isinstance(read, SyntheticSeries)
    assert read.manifest["shape"] == [2, 6]
    np.testing.assert_array_equal(read.samples.X, synthetic.samples.X)
    assert read.samples.labels.tolist() == synthetic.samples.labels.tolist()
    mixed = MixedDataModule(padded, str(tmp_path / "made.npz"), synthetic_share=0.5)
    mixed.setup()
    features, labels = mixed.synthetic_rows()
    assert features.shape == (7, 3, 6)
    assert labels.tolist() == [1] * 5 + [0] * 2
    (x, _), *_ = mixed.train_dataloader()
    assert x.shape == (4, 3, 6)
    with pytest.raises(InputError, match=r"series are written as \.npz"):
        synthetic.samples.save(tmp_path / "made.csv")


def test_synthetic_series_of_one_class_are_read(tmp_path: Path) -> None:
    SeriesSet(numbers(3), np.ones(3, dtype=np.int64), ("calm", "storm"), np.arange(3)).save(tmp_path / "a.npz")
    read = SeriesSet.load(tmp_path / "a.npz")
    assert (read.classes, read.labels.tolist()) == (("storm",), [0, 0, 0])
    assert read.recordings is not None


@pytest.mark.parametrize("end", [1, 4])
def test_generated_series_that_all_end_early_keep_their_length(
    end: int, padded: TimeSeriesDataModule, synthetic: SyntheticSeries, tmp_path: Path
) -> None:
    synthetic.samples.X[..., :end] = 1
    synthetic.samples.X[..., end:] = np.nan
    write_synthetic_set(synthetic, tmp_path / "made.npz")
    np.testing.assert_array_equal(SeriesSet.load(tmp_path / "made.npz").X, synthetic.samples.X)
    mixed = MixedDataModule(padded, str(tmp_path / "made.npz"), synthetic_share=0.5)
    mixed.setup()
    features, _ = mixed.synthetic_rows()
    assert (features[:, 2] > 0).sum(dim=1).tolist() == [end] * 7


def test_synthetic_series_of_another_form_are_refused(padded: TimeSeriesDataModule, synthetic: SyntheticSeries) -> None:
    other = SeriesSet(synthetic.samples.X[..., :4], synthetic.samples.labels, synthetic.samples.classes)
    with pytest.raises(InputError, match=r"The synthetic series have shape \(2, 4\), but those of the data \(2, 6\)"):
        padded.stored_synthetic(SyntheticSeries(other, {}))
    with pytest.raises(InputError, match="The synthetic samples are no series"):
        padded.stored_synthetic(pd.DataFrame())


def test_a_set_must_fit_together() -> None:
    with pytest.raises(InputError, match=r"X is float64 of shape \(2, 3\), and labels have shape \(2,\)"):
        SeriesSet(np.zeros((2, 3)), np.zeros(2, dtype=np.int64), ("calm", "storm"))  # type: ignore[arg-type]


def test_the_hash_changes_with_any_value() -> None:
    samples = TimeSeriesDataModule(X=numbers(), y=classes()).samples
    hashes = {
        samples.hash,
        *(
            TimeSeriesDataModule(**changed).samples.hash
            for changed in (
                {"X": numbers() + 1, "y": classes()},
                {"X": numbers(), "y": np.roll(classes(), 1)},
                {"X": numbers(), "y": classes(), "groups": np.arange(30) // 2},
            )
        ),
    }
    assert len(hashes) == 4


def test_some_of_the_classes_are_taken() -> None:
    y = np.array(["a", "b", "c"])[np.arange(30) % 3]
    data = TimeSeriesDataModule(X=numbers(), y=y, groups=np.arange(30), only=["c", "a"])
    assert data.samples.classes == ("a", "c")
    np.testing.assert_array_equal(data.samples.X, numbers()[y != "b"])
    assert [data.samples.classes[label] for label in data.samples.labels] == y[y != "b"].tolist()
    assert data.samples.recordings is not None
    taken = data.samples.take(data.split.test).recordings
    assert taken is not None
    assert len(taken) == len(data.split.test)
    for only, expected in (
        (["a"], "only names one class, 'a', so there is nothing"),
        (["a", "d"], "Unknown class 'd'"),
    ):
        with pytest.raises(InputError, match=expected):
            _ = TimeSeriesDataModule(X=numbers(), y=y, only=only).samples
