"""Whatever table comes in, by any of four ways: a result, or one sentence that tells the user's mistake."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance import GANOverSampler, evaluate
from gan_imbalance.main import main
from gan_imbalance.types import InputError
from tests.odd_tables import ARRAYS, FILES, FRAMES, INDICES, NAMES, SHAPES, TARGET, TARGETS, TEXT

# some three times what they take on a machine that does nothing else
SECONDS, WIDE_SECONDS = 10, 60
SAMPLER = {"max_steps": 1, "batch_size": 16, "random_state": 0, "accelerator": "cpu"}
FIT = (
    *("fit", "--model", "WassersteinGAN", "--trainer.accelerator", "cpu", "--trainer.max_epochs", "1"),
    *("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"),
    *("--data", "TabularDataModule", "--data.steps_per_epoch", "1", "--data.batch_size", "16"),
    *("--data.target", TARGET, "--data.path"),
)
LINEAR = '{"linear": {"class_path": "sklearn.linear_model.LogisticRegression"}}'
COMPARE = (
    *("compare", "--quick", "true", "--remedies", "[wasserstein_gan]", "--classifiers", LINEAR, "--controls", "false"),
    *("--seeds", "1", "--folds", "0", "--wandb", "false", "--output", "out", "--data.target", TARGET, "--data.path"),
)

# what takes seconds each is tried for a part, for all by hand
EXHAUSTIVE = bool(os.environ.get("GAN_IMBALANCE_EXHAUSTIVE"))
OF_THE_WHOLE = {**NAMES, **TARGETS, **SHAPES, **INDICES}
PART = [*[*OF_THE_WHOLE][::8], *[name for name in FRAMES if name not in OF_THE_WHOLE][::24]]
CHOSEN = [*FRAMES] if EXHAUSTIVE else PART
SHOWN = [*TEXT, *NAMES, *TARGETS, *SHAPES][:: 1 if EXHAUSTIVE else 8]
JUDGED_FILES = [*FILES][:: 1 if EXHAUSTIVE else 8]

EVERY_FRAME = [pytest.param(name, marks=[pytest.mark.slow] * (name == "3,000 columns")) for name in FRAMES]

Told = Callable[..., str]

# what comes of odd numbers is for other tests to judge
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def timed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let no test take longer than it may, of the processor's time, whatever else the machine does."""
    start = time.process_time()
    yield
    assert time.process_time() - start < (WIDE_SECONDS if "[3,000 columns" in request.node.name else SECONDS)


@pytest.fixture
def command(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Return a function that runs the command and returns the sentence of its refusal, empty where there is none."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        code = main(arguments)
        told = capsys.readouterr().err.splitlines()
        if code == 0:
            return ""
        assert code == 2
        assert told[-1].startswith("gan-imbalance: error: ")
        return sentence(told[-1].removeprefix("gan-imbalance: error: "))

    return run


def sentence(text: str) -> str:
    """Return a refusal that is one short sentence."""
    assert "\n" not in text
    assert len(text) < 400
    assert text.endswith((".", "?"))
    return text


def refusal(call: Callable[[], Any]) -> str:
    """Return the sentence by which a call is refused, empty where it is not.

    Errors of other kinds pass only where scikit-learn or imbalanced-learn raise them on purpose.
    """
    try:
        call()
    except InputError as error:
        return sentence(str(error))
    except (ValueError, TypeError) as error:
        raised_in = extract_tb(error.__traceback__)[-1].filename
        if not any(f"{os.sep}{package}{os.sep}" in raised_in for package in ("sklearn", "imblearn")):
            raise
        return str(error)
    return ""


def written(frame: pd.DataFrame, folder: Path) -> str:
    """Return the file of a table, by its name: Parquet, or CSV where that cannot hold it."""
    for name, write in (("t.parquet", frame.to_parquet), ("t.csv", lambda path: frame.to_csv(path, index=False))):
        try:
            write(folder / name)
        # what of, depends on the writer and on the value
        except Exception:
            continue
        return name
    pytest.skip("no file can hold this table")


def split_off(frame: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """Return features and labels; where there are no labels, those of an ordinary table."""
    if TARGET in frame.columns:
        return frame.drop(columns=TARGET), frame[TARGET]
    return frame, FRAMES["ordinary"]()[TARGET].head(len(frame))


# -- over-sampling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY_FRAME)
def test_a_frame_is_over_sampled_or_refused(name: str) -> None:
    X, y = split_off(FRAMES[name]())
    before = X.copy()

    def resample() -> None:
        more, labels = GANOverSampler(**SAMPLER).fit_resample(X, y)
        assert len(more) == len(labels) >= len(X)
        assert more.dtypes.equals(X.dtypes)
        assert more.columns.equals(X.columns)
        pd.testing.assert_frame_equal(more.head(len(X)), before.reset_index(drop=True))
        assert labels.astype(object).value_counts().nunique() == 1

    refusal(resample)
    pd.testing.assert_frame_equal(X, before)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_over_sampled_or_refused(name: str) -> None:
    X, y = ARRAYS[name]

    def resample() -> None:
        more, labels = GANOverSampler(**SAMPLER).fit_resample(X, y)
        assert type(more) is type(X)
        assert np.shape(more)[0] == np.shape(labels)[0]

    refusal(resample)


# -- evaluation -----------------------------------------------------------------------------------------------------


def evaluated(frame: pd.DataFrame, **options: Any) -> str:
    """Return how an evaluation of a table against itself, in another order, is refused."""
    other = frame.sample(frac=1, random_state=0)
    return refusal(lambda: evaluate(frame, other, frame, TARGET if TARGET in frame.columns else None, **options))


@pytest.mark.parametrize("name", EVERY_FRAME)
def test_a_frame_is_evaluated_or_refused(name: str) -> None:
    evaluated(FRAMES[name](), output=None)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_a_page_shows_an_odd_table(name: str, tmp_path: Path) -> None:
    told = evaluated(FRAMES[name](), output=tmp_path)
    assert (tmp_path / "evaluation.html").exists() == (not told)


@pytest.mark.slow
@pytest.mark.parametrize("name", JUDGED_FILES)
def test_files_are_evaluated_or_refused(name: str, command: Told) -> None:
    path, content = FILES[name]
    Path(path).write_bytes(content())
    command("evaluate", "--real", path, "--synthetic", path, "--holdout", path, "--target", TARGET)


# -- training -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_learned_or_refused(name: str, command: Told) -> None:
    path, content = FILES[name]
    Path(path).write_bytes(content())
    if told := command(*FIT, path, "--trainer.limit_val_batches", "0"):
        assert os.listdir() == [path], "something was left behind"
        assert "pandas" not in told


@pytest.mark.parametrize("name", ["a folder", "a link to itself", "no file", "a pipe"])
def test_what_is_no_file_is_refused(name: str, command: Told) -> None:
    Path("a folder").mkdir()
    Path("a link to itself").symlink_to("a link to itself")
    os.mkfifo("a pipe")
    assert name in command(*FIT, name)
    assert name in command("evaluate", "--real", name, "--synthetic", name)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_table_is_learned_or_refused(name: str, command: Told, workplace: Path) -> None:
    command(*FIT, written(FRAMES[name](), workplace))


# -- comparison -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_table_is_compared_or_refused(name: str, command: Told, workplace: Path) -> None:
    if not command(*COMPARE, written(FRAMES[name](), workplace)):
        assert Path("out/quick/report.html").is_file()
