"""The configurations that are shipped: data, GANs, classifiers, trainers and sweeps, found by their names."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from gan_imbalance.types import InputError

_PACKAGE = Path(__file__).parent
# a wheel holds them within the package, a checkout beside it, where an editable installation looks, too
_FOLDER = next(filter(Path.is_dir, (_PACKAGE / "configs", _PACKAGE.parent / "configs")))
_OPTIONS = ("--config", "-c")


def shipped_configs() -> dict[str, Path]:
    """Return the files by name, such as ``gan/smate``, sorted."""
    paths = sorted(_FOLDER.glob("*/*.yaml"))
    return {path.relative_to(_FOLDER).with_suffix("").as_posix(): path for path in paths}


def find_config(name: str) -> Path:
    """Return the file of a configuration that is shipped.

    Args:
        name: such as ``gan/smate`` or ``gan/smate.yaml``.

    Raises:
        InputError: if none has this name; names those that are like it.
    """
    known, wanted = shipped_configs(), name.removesuffix(".yaml")
    if wanted in known:
        return known[wanted]
    alike = " or ".join(get_close_matches(wanted, known))
    hint = f"did you mean {alike}?" if alike else "gan-imbalance configs lists those that are."
    raise InputError(f"No configuration {name!r} is shipped, nor is there such a file: {hint}")


def with_shipped_configs(arguments: Sequence[str]) -> list[str]:
    """Return a command's arguments with the path of every shipped configuration that ``--config`` names.

    A file of the working folder comes first, which may be named without ``.yaml``, too; settings in place of a name
    stay as they are.

    Args:
        arguments: as the user gave them.

    Raises:
        InputError: if a name is neither a file's nor a shipped configuration's.
    """
    found: list[str] = []
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if found and found[-1] in _OPTIONS:
            found.append(config_path(argument))
        elif equals and option in _OPTIONS:
            found.append(f"{option}={config_path(value)}")
        else:
            found.append(argument)
    return found


def config_path(value: str) -> str:
    """Return the path of a file of one's own, or of a shipped configuration by its name; settings as they are.

    Raises:
        InputError: if it is none of these.
    """
    # YAML of settings has one of these
    if any(mark in value for mark in "{:\n"):
        return value
    own = (name for name in (value, f"{value}.yaml") if Path(name).is_file())
    return next(own, None) or str(find_config(value))


def show_configs(name: str | None = None) -> int:
    """Print a configuration that is shipped, or else the names of all, each with what it is for.

    Args:
        name: such as ``gan/smate``.

    Returns:
        The exit code.

    Raises:
        InputError: if none has this name.
    """
    if name is not None:
        print(find_config(name).read_text(encoding="utf-8"), end="")
        return 0
    configs = shipped_configs()
    width = max(map(len, configs))
    for known, path in configs.items():
        with path.open(encoding="utf-8") as file:
            # the first line says it
            print(f"{known:<{width}}  {file.readline().removeprefix('#').strip().removesuffix('.')}")
    return 0
