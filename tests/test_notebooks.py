"""The notebook leads a newcomer from a table to an answer, and leaves nothing behind in the project."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed; the extra `dev` has it")

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "your_own_data.ipynb"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@pytest.fixture
def notebook() -> Any:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def test_it_is_saved_without_outputs(notebook: Any) -> None:
    for cell in code_cells(notebook).values():
        assert (cell.outputs, cell.execution_count) == ([], None)


def test_it_defines_nothing(notebook: Any) -> None:
    for cell in code_cells(notebook).values():
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, _DEFINITIONS)]


@pytest.mark.slow
# the kernel imports everything anew; alone it takes less than a minute
@pytest.mark.timeout(600)
def test_it_runs_and_shows_an_answer(notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed; the extra `dev` has it")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed; the extra `dev` has it")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    work = tmp_path / "work"
    work.mkdir()
    nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(work)}}).execute()

    cells = code_cells(notebook)
    outputs = [output for cell in cells.values() for output in cell.outputs]
    assert "stderr" not in {output.get("name") for output in outputs}
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
    assert [path.name for path in work.iterdir()] == ["runs"]
    assert (work / "runs" / "notebook" / "report.html").is_file()


def shown(cell: Any, kind: str) -> list[str]:
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]
