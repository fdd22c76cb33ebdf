"""The ``gan-imbalance`` command."""

from __future__ import annotations

import os
import re
import signal
import sys
from argparse import ArgumentError
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from inspect import signature
from typing import Any

from gan_imbalance.files import telling_of_a_full_disk
from gan_imbalance.interruption import Interrupted, interruptible
from gan_imbalance.shipped_configs import with_shipped_configs
from gan_imbalance.slow_imports import import_quickly
from gan_imbalance.types import InputError

LIGHTNING_SUBCOMMANDS = {
    "fit": "train a GAN or a classifier",
    "validate": "run the monitors of a checkpoint on its validation rows",
    "test": "evaluate a classifier's checkpoint on real test rows",
    "predict": "compute a classifier's class probabilities",
}
FUNCTION_SUBCOMMANDS = {
    "synthesize": (
        "gan_imbalance.synthesis:run_synthesize",
        "generate exact numbers of rows from a checkpoint",
    ),
    "evaluate": (
        "gan_imbalance.evaluation:run_evaluate",
        "measure the quality and privacy of synthetic rows",
    ),
    "compare": (
        "gan_imbalance.comparison.command:compare",
        "find out whether a GAN helps, compared with every standard remedy",
    ),
    "tune": (
        "gan_imbalance.tuning:tune",
        "search for settings of fit, all of whose options it takes, too",
    ),
    "dashboard": (
        "gan_imbalance.dashboard:dashboard",
        "make a workspace and a report in Weights & Biases",
    ),
    "report": (
        "gan_imbalance.comparison.report.across:report",
        "rebuild the report of a comparison from its files, or rank remedies across several",
    ),
    "configs": (
        "gan_imbalance.shipped_configs:show_configs",
        "list the configurations that --config knows by name, or print one",
    ),
}
# positional arguments: name, how many, and help
_POSITIONAL = {
    "report": ("runs", "+", "output folders of comparisons"),
    "configs": ("name", "?", "of the configuration to print"),
}
# by the parameter that takes them: options that another subcommand has, and that are passed on
_PASSED_ON = {"tune": "fit"}

# jsonargparse's messages for a user's mistakes, and plainer ones
_PLAIN_WORDS = (
    (r"^Option (.+) is not accepted$", r"there is no option \1"),
    (r"^Subcommand '.+' does not accept option", "there is no option"),
    (r"^Expected a dot import path string: (.+)$", r"there is no class '\1', give a built-in class or module.Class"),
    (r"^(No module named .+|module .+ has no attribute .+)$", r"\1, give a class importable from the current folder"),
    (r"^while (?=parsing|scanning)", "a YAML file is malformed, while "),
    (r"^Expected an? (.+)\. Got value: (.*)$", r"expected \1, got '\2'"),
    (r"<class '(.+?)'>|typing\.", r"\1"),
)


def main(args: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        args: the command line's arguments after ``gan-imbalance``; those of ``sys.argv`` if None.

    Returns:
        The exit code: 0, 1 if a comparison has failed cells or training diverged, 2 for a user's mistake, 130 after
        Ctrl-C, 143 after SIGTERM.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    subcommand = arguments[0] if arguments else "--help"
    if subcommand in ("-h", "--help"):
        print(_usage())
        return 0
    if subcommand == "--version":
        print(f"gan-imbalance {version('gan-imbalance')}")
        return 0
    # classes named by class_path may be defined in the current folder; last, so that a file that is called like a
    # module of Python or of a package does not take its place
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        with interruptible(), telling_of_a_full_disk():
            arguments = with_shipped_configs(arguments)
            if subcommand in LIGHTNING_SUBCOMMANDS:
                from gan_imbalance.cli import run_lightning

                return run_lightning(arguments)
            if subcommand in FUNCTION_SUBCOMMANDS:
                function, options = _parse(subcommand, arguments[1:])
                return _show(function(**options))
            known = ", ".join((*LIGHTNING_SUBCOMMANDS, *FUNCTION_SUBCOMMANDS))
            raise InputError(f"There is no subcommand {subcommand!r}: choose one of {known}.")
    except (ArgumentError, ValueError) as error:
        mistake = _mistake(error, subcommand)
        if mistake is None:
            raise
        print(f"gan-imbalance: error: {mistake}", file=sys.stderr)
        return mistake.exit_code
    # a library may have handlers of its own, and raise the latter
    except (Interrupted, KeyboardInterrupt) as error:
        interruption = error if isinstance(error, Interrupted) else Interrupted(signal.SIGINT)
        print(f"gan-imbalance: {interruption}", file=sys.stderr)
        return interruption.exit_code


def _usage() -> str:
    subcommands = LIGHTNING_SUBCOMMANDS | {subcommand: text for subcommand, (_, text) in FUNCTION_SUBCOMMANDS.items()}
    listed = "\n".join(f"  {subcommand:<12}{text}" for subcommand, text in subcommands.items())
    return (
        "usage: gan-imbalance SUBCOMMAND [options]\n\n"
        "Do GAN-made minority samples help your classifier?\n\n"
        f"subcommands:\n{listed}\n\n"
        "gan-imbalance SUBCOMMAND --help lists the options of a subcommand, gan-imbalance --version prints the version."
    )


def _mistake(error: Exception, subcommand: str) -> InputError | None:
    """Return the user's mistake behind an error in one sentence, or None if it is not the user's.

    jsonargparse wraps every error, an ``InputError`` too, once per level of nesting; the innermost gives the reason.
    """
    cause: BaseException = error
    while cause.__cause__ is not None and not isinstance(cause, InputError):
        cause = cause.__cause__
    if isinstance(cause, InputError):
        return cause
    if not isinstance(error, ArgumentError):
        return None
    keys = ".".join(re.findall(r'Parser key "(.+?)"', str(error)))
    reason = " ".join(str(cause).split()).rstrip(".").replace(f" {subcommand}.", " ")
    for pattern, plain in _PLAIN_WORDS:
        reason = re.sub(pattern, plain, reason)
    return InputError(f"{keys + ': ' if keys else ''}{reason}; gan-imbalance {subcommand} --help lists the options.")


def _parse(subcommand: str, arguments: Sequence[str]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the function behind a subcommand, and its arguments."""
    from jsonargparse import ArgumentParser

    module, name = FUNCTION_SUBCOMMANDS[subcommand][0].split(":")
    function: Callable[..., Any] = getattr(import_quickly(module), name)
    passing = _PASSED_ON.get(subcommand)
    parser = ArgumentParser(
        prog=f"gan-imbalance {subcommand}",
        description=FUNCTION_SUBCOMMANDS[subcommand][1],
        epilog=f"All options of gan-imbalance {passing}, such as --config, are taken, too." if passing else None,
        exit_on_error=False,
    )
    if not passing:
        text = "YAML file with any of the options below, or the name of one that is shipped; may be repeated"
        parser.add_argument("--config", action="config", help=text)
    positional, number, text = _POSITIONAL.get(subcommand, (None, None, ""))
    if positional:
        parser.add_argument(positional, nargs=number, type=str, help=text)
    skipped: set[str | int] = {name for name in (positional, passing) if name}
    parser.add_function_arguments(function, fail_untyped=False, skip=skipped)
    passed: list[str] = []
    if passing:
        own = {name for name in signature(function).parameters if name != passing}
        arguments, passed = _split(arguments, own | {"help"})
    options = dict(parser.instantiate(parser.parse_args(arguments)))
    options.pop("config", None)
    return function, options | ({passing: passed} if passing else {})


def _split(arguments: Sequence[str], own: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the options that are a subcommand's own, with their values, and all others."""
    parts: tuple[list[str], list[str]] = [], []
    part = parts[1]
    for argument in arguments:
        if argument == "-h" or argument.startswith("--"):
            part = parts[0 if argument == "-h" or argument[2:].partition("=")[0] in own else 1]
        part.append(argument)
    return parts


def _show(result: Any) -> int:
    """Print the result of a subcommand's function, and return the exit code."""
    if isinstance(result, int):
        return result
    result.show()
    return int(getattr(result, "exit_code", 0))


def command() -> None:
    """Entry point of the console script."""
    sys.exit(main())


if __name__ == "__main__":
    command()
