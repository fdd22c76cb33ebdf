"""Files that are whole or absent, and that tell what made them."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

from gan_imbalance.types import InputError

_RECORDED_PACKAGES = ("gan-imbalance", "torch", "pytorch-lightning", "numpy", "pandas", "scikit-learn")
# no space, no quota, or more than a file may hold
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

PARTIAL = ".partial-"
"""How the names of half-written files and folders begin."""

MAX_UNPACKED = "GAN_IMBALANCE_MAX_UNPACKED"
"""The variable of the environment that says how many GiB a compressed file may unpack to; 8 unless it is set."""

# what reading a file of arrays that was damaged, or changed by hand, ends in
_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, MemoryError, RuntimeError, BadZipFile),
    zlib.error,
)

_OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_CHUNK = 2**20


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends without an error.

    Raises:
        InputError: if the folder cannot be made or written, ``path`` is a folder itself, or the disk is full; what was
            at ``path`` before is then still there.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"Cannot write {path}: it is a folder; name a file in it.")
    with _temporary(path, partial(_make_file, path)) as temporary:
        try:
            yield temporary
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that becomes it when the block ends without an error.

    Raises:
        InputError: if there is something at ``path`` already, the folder cannot be made, or the disk is full.
    """
    path = Path(path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise InputError(f"Cannot write {path}: it is there already; remove it, or name another folder.")
    with _temporary(path, partial(_make_folder, path)) as temporary:
        try:
            yield temporary
            os.chmod(temporary, 0o755)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _make_file(path: Path) -> str:
    # an ending tells writers how to compress
    handle, name = tempfile.mkstemp(prefix=f"{PARTIAL}{path.stem}.", suffix="".join(path.suffixes), dir=path.parent)
    os.close(handle)
    return name


def _make_folder(path: Path) -> str:
    return tempfile.mkdtemp(prefix=f"{PARTIAL}{path.name}.", dir=path.parent)


@contextmanager
def _temporary(path: Path, make: Callable[[], str]) -> Iterator[Path]:
    """Yield what is made beside ``path``, and hold it, so that nobody takes it for abandoned."""
    with ExitStack() as holds:
        with making_room(path):
            _tidy(path.parent.resolve())
            while True:
                temporary = Path(make())
                holds.enter_context(_held(temporary))
                # unless another process removed it before it was held
                if temporary.exists():
                    break
        with telling_of_a_full_disk(path):
            yield temporary


@contextmanager
def _held(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold a temporary file or folder, and yield whether that could be done; the system lets go for a killed process.

    Args:
        path: of it.
        wait: until nobody else holds it.
    """
    # neither can an open file be renamed there, nor a lock be set on a folder
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    with ExitStack() as opened:
        try:
            # a file on NFS is locked only by those who may write it
            handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
            opened.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove temporary files and folders that nobody holds, since the process that did was killed; not on Windows.

    Args:
        paths: of half-written files and folders, and of locks: :func:`is_temporary` is true of them.
    """
    for path in paths:
        # no temporary file is a link, and a pipe would wait for a writer
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            continue
        with _held(path, wait=False) as held:
            if held and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif held:
                path.unlink(missing_ok=True)


@lru_cache
def _tidy(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; once, since a folder may hold many thousand files."""
    remove_abandoned(folder.glob(f"{PARTIAL}*"))


@contextmanager
def make_once(path: str | Path) -> Iterator[bool]:
    """Yield whether ``path`` is missing and to be made in the block, once however many processes or threads ask.

    The others wait for whoever makes it, and then find it there; if that fails, the next one is asked. The block must
    write the file whole (:func:`atomic_path`), since one that is there is taken without waiting.

    Raises:
        InputError: if the folder cannot be made or written.
    """
    # the command imports this module, and its help should not wait
    from filelock import FileLock

    path = Path(path)
    if path.exists():
        yield False
        return
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    with making_room(path):
        lock.acquire()
    try:
        yield not path.exists()
    finally:
        lock.release()
    # from here on nobody who waits or comes has anything left to make; after an error, those who wait still need it
    Path(lock.lock_file).unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Return whether a path has the name of a half-written file or folder, or of a lock; one that ends removes them."""
    return path.name.startswith(PARTIAL) or (path.name.startswith(".") and path.name.endswith(".lock"))


@contextmanager
def making_room(path: Path) -> Iterator[None]:
    """Make the folder that ``path`` will lie in, and say so plainly if it, or the block, cannot write there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(
            f"Cannot write {path}: {error.strerror or error}; choose a folder you can write to."
        ) from error


def without_folders(value: Any) -> Any:
    """Return settings with the names of files in place of absolute paths, which tell of a machine and its user."""
    if isinstance(value, list | tuple):
        return [without_folders(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    # lists hold the names of columns and classes
    return {
        key: Path(item).name if isinstance(item, str | Path) and Path(item).is_absolute() else without_folders(item)
        for key, item in value.items()
    }


def without_own_folders(text: str) -> str:
    """Return a text, such as a traceback, with paths of code and files from where they are looked for on."""
    folders = {*sys.path, os.getcwd(), os.path.expanduser("~")} - {"", "/"}
    for folder in sorted(folders, key=len, reverse=True):
        text = text.replace(f"{folder.rstrip('/')}/", "")
    return text


def require_modest(file: str | Path | BinaryIO) -> None:
    """Refuse a compressed file that unpacks to more than it may, by :data:`MAX_UNPACKED`; others pass.

    Args:
        file: an archive (.npz, .zip), a Parquet file, or one by gzip, bz2 or xz; told by the ending of its name. One
            that has none is an archive.

    Raises:
        InputError: if it is too large, or the variable no number.
        OSError: if it cannot be read.
    """
    given = os.environ.get(MAX_UNPACKED, "8")
    try:
        limit = int(float(given) * 2**30)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{MAX_UNPACKED} is {given!r}: give a number of GiB.") from error
    if _unpacked(file, limit) > limit:
        name = file if isinstance(file, str | Path) else "An archive"
        raise InputError(f"{name} unpacks to more than {given} GiB: set {MAX_UNPACKED} to more if it may.")


@contextmanager
def telling_unreadable(path: str | Path | BinaryIO, wanted: str) -> Iterator[None]:
    """Tell in one sentence what reading a file ends in that is missing, damaged, or changed by hand.

    Args:
        path: the file.
        wanted: which file to name instead.

    Raises:
        InputError: in place of the error.
    """
    try:
        yield
    except InputError:
        raise
    except _UNREADABLE as error:
        raise InputError(f"{path} cannot be read ({in_short(error)}); name {wanted}.") from error


def in_short(error: Exception) -> str:
    """Return what an error says, in one line of at most 160 characters and dots."""
    reason = " ".join(str(error).split())
    return reason if len(reason) < 160 else f"{reason[:160]} ..."


def _unpacked(file: str | Path | BinaryIO, limit: int) -> int:
    """Return the bytes that a file unpacks to, as far as they matter to a limit; 0 of one that is not compressed."""
    suffix = Path(file).suffix if isinstance(file, str | Path) else ".zip"
    if suffix in (".npz", ".zip"):
        with ZipFile(file) as archive:
            return sum(part.file_size for part in archive.infolist())
    if suffix.lower() in (".parquet", ".pq"):
        from pyarrow.parquet import read_metadata

        told = read_metadata(file)
        groups = sum(told.row_group(group).total_byte_size for group in range(told.num_row_groups))
        # equal values take no room in the file
        return int(max(groups, 8 * told.num_rows * told.num_columns))
    unpacked = 0
    if suffix in _OPENERS:
        with _OPENERS[suffix](file, "rb") as content:
            while unpacked <= limit and (chunk := content.read(_CHUNK)):
                unpacked += len(chunk)
    return unpacked


@contextmanager
def telling_of_a_full_disk(path: str | Path | None = None) -> Iterator[None]:
    """Say so plainly if the disk is full before the block has written ``path``, or if none is named, some file.

    Raises:
        InputError: if it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        where = path or error.filename or "a file"
        raise InputError(
            f"Cannot write {where}: {os.strerror(error.errno or 0)}; free some space, or choose another place."
        ) from error


def write_json(path: str | Path, content: Any) -> None:
    """Write ``content`` as JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def content_hash(content: Any) -> str:
    """Return 16 hex digits that change with any part of ``content`` (bytes, or anything JSON can hold)."""
    if not isinstance(content, bytes):
        content = json.dumps(content, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def file_hash(path: str | Path) -> str:
    """Return 16 hex digits of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def provenance(**made_from: Any) -> dict[str, Any]:
    """Return ``made_from`` (configuration, seed, hashes of inputs) with the versions and git revision in force."""
    return {**made_from, **_environment()}


@lru_cache
def _environment() -> dict[str, Any]:
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        # an installed package may lie, ignored, in a repository of the user's
        subprocess.run([*git, "ls-files", "--error-unmatch", Path(__file__).name], capture_output=True, check=True)
        revision = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        revision = None
    return {"versions": {name: version(name) for name in _RECORDED_PACKAGES}, "git_revision": revision}
