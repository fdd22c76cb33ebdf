"""Notebooks run, show what they promise, and leave nothing behind in the project."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed; the extra `dev` has it")

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
# of the notebooks on the five systems, the cell with the figures and what it names
SYSTEMS = {
    "card_fraud": ("figures", ["GAN", "WGAN-GP", "told from own", "told from unseen", "copies"]),
    "diabetes": ("figures", ["independent marginals", "pair_trends", "two_sample_trees"]),
    "lending_club": ("classifier", ["real rows only", "half of every batch made", "test/pr_auc"]),
    "one_hot": ("figures", ["with its tricks", "without", "spread", "distinct"]),
    "smate": ("classifier", ["nothing", "repeated", "from scratch", "transfer", "rare ones found"]),
}
# the real data of each, which it takes where they are
REAL = {
    "card_fraud": "creditcard_sample.csv.gz",
    "diabetes": "diabetes_binary_health_indicators_BRFSS2015.csv.gz",
    "lending_club": "lending_club.csv.gz",
    "one_hot": "car.csv.gz",
    "smate": "cifar-10-batches-py",
}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def read(name: str) -> Any:
    (path,) = (one for one in NOTEBOOKS if one.stem == name)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def test_every_system_has_one() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"your_own_data", *SYSTEMS}


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_it_is_saved_without_outputs(name: str) -> None:
    for cell in code_cells(read(name)).values():
        assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_it_defines_nothing(name: str) -> None:
    for cell in code_cells(read(name)).values():
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, _DEFINITIONS)]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for a notebook to run in, with the kernel's own files elsewhere."""
    pytest.importorskip("nbclient", reason="nbclient is not installed; the extra `dev` has it")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed; the extra `dev` has it")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    work = tmp_path / "work"
    work.mkdir()
    return work


def with_few_steps(cell: Any) -> bool:
    """Shorten the trainings of a cell, and return whether it says how long they are."""
    cell.source, found = re.subn(r"^steps = \d+$", "steps = 20", cell.source, flags=re.MULTILINE)
    return bool(found)


def run(notebook: Any, work: Path) -> None:
    import nbclient

    nbclient.NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(work)}}).execute()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "is_real"),
    [
        *((name, False) for name in sorted(SYSTEMS)),
        # the real data of the others take minutes
        *((name, True) for name in (sorted(SYSTEMS) if os.environ.get("GAN_IMBALANCE_EXHAUSTIVE") else ["one_hot"])),
    ],
)
def test_a_system_runs_and_shows_figures(
    name: str, is_real: bool, work: Path, shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = shared_data(REAL[name]) if is_real else work.parent / "nothing" / REAL[name]
    monkeypatch.setenv("GAN_IMBALANCE_DATA", str(where.parent))
    notebook = read(name)
    cells = code_cells(notebook)
    shortened = [with_few_steps(cell) for cell in cells.values()]
    assert sum(shortened) == 1
    run(notebook, work)
    told = "".join(output.get("text", "") for cell in cells.values() for output in cell.outputs)
    assert (f", from {where}" if is_real else f"No {where}: ") in told
    assert "stderr" not in {output.get("name") for cell in cells.values() for output in cell.outputs}
    cell, words = SYSTEMS[name]
    (table,) = shown(cells[cell], "text/plain")
    assert [word for word in words if word not in table] == []
    assert not re.search(r"\bnan\b", table, re.IGNORECASE)
    assert list(work.iterdir()) == []
    if name == "card_fraud":
        own, unseen, copies = map(float, table.splitlines()[-1].split()[-3:])
        assert own < unseen
        assert copies == 1
    if name == "diabetes":
        printed = "".join(output.text for output in cells["form"].outputs if "text" in output)
        assert printed.split() == ["True", "True", "True"]


@pytest.mark.slow
# the kernel imports everything anew; alone it takes less than a minute
@pytest.mark.timeout(600)
def test_your_own_data_runs_and_shows_an_answer(work: Path) -> None:
    notebook = read("your_own_data")
    run(notebook, work)

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
