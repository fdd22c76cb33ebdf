from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pandas as pd
import pytest

from gan_imbalance import files
from gan_imbalance.files import (
    atomic_folder,
    atomic_path,
    content_hash,
    file_hash,
    is_temporary,
    make_once,
    provenance,
    remove_abandoned,
    write_json,
)
from gan_imbalance.types import InputError


def test_a_file_appears_whole_and_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "rows.csv"
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("before")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_ends_as_the_file_does(tmp_path: Path) -> None:
    # pandas compresses by the ending
    with atomic_path(tmp_path / "rows.csv.gz") as temporary:
        pd.DataFrame({"x": [1]}).to_csv(temporary)
    assert gzip.decompress((tmp_path / "rows.csv.gz").read_bytes()) == b",x\n0,1\n"


def _die_half_way(path: Path, write: Callable[[Path], AbstractContextManager[Path]]) -> None:
    with write(path) as temporary:
        if temporary.is_dir():
            (temporary / "image.png").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("write", [atomic_path, atomic_folder])
def test_the_next_process_removes_what_a_killed_one_left(
    tmp_path: Path, write: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    killed = multiprocessing.get_context("fork").Process(target=_die_half_way, args=(tmp_path / "made", write))
    killed.start()
    killed.join(60)
    assert [is_temporary(path) for path in tmp_path.iterdir()] == [True]
    # stands for a process of its own
    files._tidy.cache_clear()
    with atomic_path(tmp_path / "other"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("write", [atomic_path, atomic_folder])
def test_what_is_being_written_is_not_taken_for_abandoned(
    tmp_path: Path, write: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    with write(tmp_path / "made") as temporary:
        # a lock belongs to a file as it was opened, so that others of this process count as other processes do
        remove_abandoned(tmp_path.iterdir())
        assert temporary.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_is_no_file_of_ours_is_left(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".partial-pipe")
    (tmp_path / ".partial-link").symlink_to(tmp_path / "absent")
    remove_abandoned(tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 2


def test_a_writer_begins_anew_where_its_file_was_removed_before_it_was_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = files._make_file, []

    def make_and_lose(path: Path) -> str:
        made.append(make(path))
        if len(made) == 1:
            remove_abandoned([Path(made[0])])
        return made[-1]

    monkeypatch.setattr(files, "_make_file", make_and_lose)
    with atomic_path(tmp_path / "made") as temporary:
        assert str(temporary) == made[1]
        temporary.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"Cannot write .*file/rows.csv: .*choose a folder"):  # noqa: SIM117
        with atomic_path(tmp_path / "file" / "rows.csv"):
            pass


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot write .*: it is a folder"):  # noqa: SIM117
        with atomic_path(tmp_path):
            pass


def _make_slowly(folder: Path, together: Barrier) -> None:
    """Make folder/made once, and note that it was made, at the same time as others."""
    together.wait(60)
    with make_once(folder / "sub" / "made") as missing:
        if missing:
            with (folder / "times").open("a") as times:
                times.write("made ")
            time.sleep(0.3)
            (folder / "sub" / "made").touch()
    assert (folder / "sub" / "made").is_file()


def test_what_several_processes_ask_for_is_made_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    together = context.Barrier(3)
    askers = [context.Process(target=_make_slowly, args=(tmp_path, together)) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(60)
    assert [asker.exitcode for asker in askers] == [0, 0, 0]
    assert (tmp_path / "times").read_text() == "made "
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["made"]


def test_what_could_not_be_made_is_made_by_the_next(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), make_once(tmp_path / "made") as missing:
        raise KeyboardInterrupt
    with make_once(tmp_path / "made") as missing:
        assert missing
        (tmp_path / "made").touch()
    with make_once(tmp_path / "made") as missing:
        assert not missing
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"Cannot write .*file/x: .*choose a folder"), make_once(tmp_path / "file/x"):
        pass


def test_json_is_written(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": [1, 2.5], "path": Path("b")})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": [1, 2.5], "path": "b"}


def test_a_hash_follows_content_not_order_of_keys(tmp_path: Path) -> None:
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})
    assert len(content_hash({})) == 16
    (tmp_path / "x").write_bytes(b"rows")
    assert file_hash(tmp_path / "x") == content_hash(b"rows")


def test_provenance_adds_versions_and_revision() -> None:
    record = provenance(seed=3)
    assert record["seed"] == 3
    assert {"gan-imbalance", "torch"} <= record["versions"].keys()
    assert record["git_revision"] is None or len(record["git_revision"]) == 40


def test_a_users_repository_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "gan_imbalance"
    package.mkdir(parents=True)
    (package / "files.py").touch()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "mine"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    files._environment.cache_clear()
    assert provenance()["git_revision"] is None
    subprocess.run([*git, "add", "--force", "site-packages"], check=True)
    files._environment.cache_clear()
    assert len(provenance()["git_revision"]) == 40
    files._environment.cache_clear()
