"""Notebooks lead a newcomer from data to an answer, define nothing, and leave nothing behind in the project."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed; the extra `dev` has it")

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
# of each of the systems that are reproduced: what cells show
SHOWN = {
    "card_fraud_gans": {"figures": ("text/html", "two-sample accuracy")},
    "minority_transfer": {"samples": ("image/png", "")},
    "mixed_table_acgan": {"compare": ("text/html", "GAN-made rows"), "plots": ("image/png", "")},
    "one_hot_topup": {"judge": ("text/html", "one-hot GAN")},
    "table_synthesizer": {"judge": ("text/html", "synthetic"), "train": ("text/html", "old")},
}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def read(name: str) -> Any:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def test_every_notebook_is_tested() -> None:
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == {"your_own_data", *SHOWN}


@pytest.mark.parametrize("name", ["your_own_data", *SHOWN])
def test_it_is_saved_without_outputs_and_defines_nothing(name: str) -> None:
    for cell in code_cells(read(name)).values():
        assert (cell.outputs, cell.execution_count) == ([], None)
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, _DEFINITIONS)]


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[dict[str, Any], Path]]:
    """Return a function that runs a notebook, and returns its cells by name and the folder that it ran in."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed; the extra `dev` has it")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed; the extra `dev` has it")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    # real data would take minutes
    monkeypatch.setenv("GAN_IMBALANCE_DATA", str(tmp_path / "nothing"))
    work = tmp_path / "work"
    work.mkdir()

    def run(name: str) -> tuple[dict[str, Any], Path]:
        notebook = read(name)
        nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(work)}}).execute()
        cells = code_cells(notebook)
        assert "stderr" not in {output.get("name") for cell in cells.values() for output in cell.outputs}
        assert {path.name for path in work.iterdir()} <= {"runs"}
        return cells, work

    return run


@pytest.mark.slow
# the kernel imports everything anew; alone it takes less than a minute
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SHOWN)
def test_a_system_is_shown(name: str, execute: Callable[[str], tuple[dict[str, Any], Path]]) -> None:
    cells, _ = execute(name)
    for cell, (kind, text) in SHOWN[name].items():
        assert text in shown(cells[cell], kind)[-1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_newcomer_is_led_to_an_answer(execute: Callable[[str], tuple[dict[str, Any], Path]]) -> None:
    cells, work = execute("your_own_data")
    assert "GAN-made rows" in shown(cells["compare"], "text/html")[-1]
    verdict = "".join(output.text for output in cells["verdict"].outputs if "text" in output)
    assert "GAN-made rows" in verdict
    assert "Recommended: " in verdict
    decided = shown(cells["verdict"], "text/html")[0]
    assert all(word in decided for word in ("primary", "sensitivity", "half_minority", "probability_equal"))
    table = shown(cells["numbers"], "text/html")[0]
    assert all(word in table for word in ("PR-AUC", "recall", "smote", "wasserstein_gan", "±"))
    assert "nan" not in table
    assert len(shown(cells["plots"], "image/png")) == 2
    rows = shown(cells["rows"], "text/html")[0]
    assert re.search("5 rows . 31 columns", rows)
    assert (work / "runs" / "notebook" / "report.html").is_file()


def shown(cell: Any, kind: str) -> list[str]:
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]
