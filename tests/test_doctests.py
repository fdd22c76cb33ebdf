"""Every public class shows by an example that runs what is worth knowing of it."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path

import pytest

import gan_imbalance

# described by those that are derived from it
WITHOUT = {"BaseGAN", "BaseGenerator"}
CLASSES = [name for name in gan_imbalance.__all__ if inspect.isclass(getattr(gan_imbalance, name))]


@pytest.mark.parametrize("name", sorted({*CLASSES} - WITHOUT))
@pytest.mark.filterwarnings("ignore")
def test_the_example_of_a_public_class_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = inspect.cleandoc(getattr(gan_imbalance, name).__doc__ or "")
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples, f"{name} has no example in its docstring"
    done = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert done.failed == 0, capsys.readouterr().out
