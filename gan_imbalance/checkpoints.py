"""Reading checkpoints: plain tensors and dicts only, nothing is executed, and nothing made that is not trusted."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile, is_zipfile

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gan_imbalance.trust import DATA, Gate, Place, Trust
from gan_imbalance.types import InputError

Module = TypeVar("Module", bound=nn.Module)

# what reading values that were damaged, or changed by hand, ends in
_DAMAGE: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, BadZipFile, EOFError, LookupError, MemoryError, OSError, RuntimeError),
    *(TypeError, ValueError, pickle.UnpicklingError),
)

# that networks may need besides their weights, such as a fixed network of features
_SPARE_NUMBERS = 2 * 10**8
# what takes memory without having any given
_MAKERS = (
    *(torch.arange, torch.empty, torch.empty_strided, torch.eye, torch.full, torch.linspace, torch.ones, torch.rand),
    *(torch.randint, torch.randn, torch.randperm, torch.zeros),
)


def complete_checkpoint(module: Any) -> dict[str, Any]:
    """Return the checkpoint of a trained module of ours that needs no trainer: weights, settings, the data's form."""
    checkpoint = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    module.on_save_checkpoint(checkpoint)
    return checkpoint


@contextmanager
def telling_damage(path: str | Path) -> Iterator[None]:
    """Tell in one sentence what using the values of a damaged file, or of one changed by hand, ends in.

    Raises:
        InputError: in place of the error.
    """
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} is damaged, or of other versions of the packages than those installed "
            f"({type(error).__name__}: {reason}): make it again, or take another one."
        ) from error


def read_checkpoint(path: str | Path, *kinds: str) -> dict[str, Any]:
    """Return a checkpoint of one of the given kinds, its tensors on the CPU.

    Args:
        path: the file.
        kinds: keys under which modules describe themselves: ``generator``, ``classifier``.

    Raises:
        InputError: if the file is missing, truncated, of another kind, or holds other than plain values.
    """
    checkpoint = read_values(path)
    if not isinstance(checkpoint, dict) or not any(kind in checkpoint for kind in kinds):
        raise InputError(f"{path} is not a checkpoint of a {' or '.join(kinds)} of gan-imbalance: give another one.")
    return checkpoint


def read_values(path: str | Path) -> Any:
    """Return the plain values and tensors of a file that ``torch.save`` wrote, tensors on the CPU; nothing else.

    Raises:
        InputError: if the file is missing, truncated, compressed, or holds anything else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}: check the path.")
    unreadable = f"{path} is truncated or not a checkpoint: train again, or take another one."
    # torch takes what is no archive for a bare pickle, and fails on it in any way
    if not is_zipfile(path):
        raise InputError(unreadable)
    try:
        with ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > path.stat().st_size:
            raise InputError(f"{path} is compressed, as no checkpoint is, to {unpacked:,} bytes: take another one.")
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} holds something else than tensors and plain values, which could run code, so nothing was loaded: "
            "take another one."
        ) from error
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(unreadable) from error


def read_module(path: str | Path, key: str) -> dict[str, Any]:
    """Return the checkpoint of a module of ours with all its parts; what it names is not looked at.

    Args:
        path: the file.
        key: under which the module describes itself: ``generator`` or ``classifier``.

    Raises:
        InputError: if it is no such checkpoint, or a part is missing or of another form.
    """
    checkpoint = read_checkpoint(path, key)
    module = checkpoint[key]
    parts = module if isinstance(module, Mapping) else {}
    forms = [
        (key, module, Mapping),
        ("state_dict", checkpoint.get("state_dict"), Mapping),
        ("hyper_parameters", checkpoint.get("hyper_parameters", {}), Mapping),
        ("class_path", parts.get("class_path"), str),
        ("spec", parts.get("spec"), Mapping),
        ("classes", parts.get("classes"), list),
        ("data_state", parts.get("data_state"), Mapping),
    ]
    for name, part, form in forms:
        if not isinstance(part, form):
            raise InputError(f"{path} is damaged, its {name} is missing or of another form: take another one.")
    for name, tensor in checkpoint["state_dict"].items():
        if not isinstance(tensor, Tensor) or tensor.layout is not torch.strided or _bytes(tensor) > _held(tensor):
            raise InputError(f"{path} is damaged, its weights {name!r} are no whole tensor: take another one.")
    return checkpoint


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _held(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()


def admit_module(checkpoint: Mapping[str, Any], key: str, kind: type[nn.Module], gate: Gate) -> None:
    """Refuse a module's checkpoint that names what is not trusted, or not of the kind that stands there.

    Args:
        checkpoint: as :func:`read_module` returns it.
        key: under which the module describes itself.
        kind: of the module itself.
        gate: of the file.

    Raises:
        InputError: that tells the first; nothing was imported or called by then that is not trusted.
    """
    described = checkpoint[key]
    settings = {"class_path": described["class_path"], "init_args": checkpoint.get("hyper_parameters", {})}
    if "." not in settings["class_path"]:
        raise gate.refusal(settings["class_path"])
    gate.admit(settings, Place((kind,), by_name=False))
    gate.admit(described["data_state"], DATA)


def read_trusted_module(path: str | Path, key: str, kind: type[nn.Module], trust: Trust) -> dict[str, Any]:
    """Return the checkpoint of a module of ours, whole, that names only what is trusted; see :func:`admit_module`.

    Raises:
        InputError: if it is no such checkpoint.
    """
    checkpoint = read_module(path, key)
    with telling_damage(path):
        admit_module(checkpoint, key, kind, Gate(path, trust))
    return checkpoint


def load_module(make: Callable[[], Module], checkpoint: Mapping[str, Any], path: str | Path) -> Module:
    """Return the module of a checkpoint, ready to use, with its weights.

    Args:
        make: returns it with networks of any weights.
        checkpoint: as :func:`read_module` returns it.
        path: of the file, for messages.

    Raises:
        InputError: if its weights are of other networks, of which no memory is taken that the weights do not suggest.
    """
    held = sum(tensor.numel() for tensor in checkpoint["state_dict"].values())
    too_large = InputError(f"{path} asks for far larger networks than it holds weights of: take another one.")
    with telling_damage(path):
        with _Bounded(10 * held + _SPARE_NUMBERS, too_large):
            module = make()
        _load_weights(module, checkpoint, path)
    return module.eval()


class _Bounded(TorchFunctionMode):
    """Takes memory for new tensors as long as they hold no more numbers than a limit, all together.

    Args:
        limit: of numbers.
        error: raised before more are taken.
    """

    def __init__(self, limit: int, error: InputError) -> None:
        super().__init__()
        self._left = limit
        self._error = error

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation of torch, if what it makes is not too large."""
        kwargs = kwargs or {}
        if func in _MAKERS:
            # whose shape costs nothing, and draws nothing
            form = {key: value for key, value in kwargs.items() if key not in ("generator", "out", "pin_memory")}
            self._left -= func(*args, **{**form, "device": "meta"}).numel()
            if self._left < 0:
                raise self._error
        return func(*args, **kwargs)


def _load_weights(module: nn.Module, checkpoint: Mapping[str, Any], path: str | Path) -> None:
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise _unfit(path) from error


def _unfit(path: str | Path) -> InputError:
    return InputError(
        f"The weights in {path} do not fit the networks that it names: make their classes what they were when it "
        "was written, or train again."
    )
