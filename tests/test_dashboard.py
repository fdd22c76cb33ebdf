from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docs._tools.dashboard import draw
from docs._tools.recorded_runs import RecordedRun, read_runs
from gan_imbalance import dashboard as module
from gan_imbalance.dashboard import SECTIONS, ComparisonTable, Curves, Pictures, make_report, make_workspace
from gan_imbalance.main import main


def keys(*kinds: type) -> set[str]:
    panels = [panel for panels in SECTIONS.values() for panel in panels if isinstance(panel, kinds)]
    return {key for panel in panels for key in ((panel.key,) if isinstance(panel, ComparisonTable) else panel.keys)}


def test_a_training_logs_what_is_shown(
    trained: dict[str, Path], workplace: Path, tiny_fit: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    shutil.copy(trained["rows"], "rows.csv")
    every_step = ["--trainer.log_every_n_steps", "1"]
    assert main([*tiny_fit, *every_step, "--model", "MinorityTransferGAN", "--model.pretrain_epochs", "1"]) == 0
    (run,) = read_runs(workplace / "runs")
    logged = {name.removesuffix("/_type") for row in run.history for name in row}
    assert keys(Curves) <= logged
    assert any(name.startswith("plots/columns") for name in logged)
    assert run.axes["*"] == "trainer/global_step"


def test_a_picture_has_every_panel_and_none_is_empty(tmp_path: Path) -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra dashboard is not installed")
    from matplotlib.image import imsave

    curves = [{"trainer/global_step": step, **dict.fromkeys(keys(Curves), 0.5)} for step in (1, 2)]
    told = {"columns": ["remedy", "pr_auc"], "data": [["nothing", 0.25], ["smote", None]]}
    (tmp_path / "table.json").write_text(json.dumps(told))
    imsave(tmp_path / "columns.png", [[0.0, 1.0]])
    pictures = {"plots/columns/filenames": ["columns.png"]}
    tables = {f"{key}/path": "table.json" for key in keys(ComparisonTable)}
    workspace = make_workspace("mine", "me")
    panels = [panel for section in workspace.sections for panel in section.panels]

    def filled(history: list[dict[str, Any]]) -> list[str]:
        places = draw(workspace, [RecordedRun(tmp_path, history=history)]).axes
        return [one.get_title() for one in places if one.lines or one.images or one.tables]

    assert filled([*curves, pictures, tables]) == [
        getattr(panel, "title", None) or panel.table_name for panel in panels
    ]
    assert len(panels) == sum(map(len, SECTIONS.values()))
    assert filled([pictures]) == ["Real and generated"]


def test_a_workspace_has_the_panels() -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra dashboard is not installed")
    view = make_workspace("mine", "me")._to_model()
    sections = view.spec.section.panel_bank_config.sections
    assert [section.name for section in sections if section.panels] == [*SECTIONS]
    told = view.model_dump_json()
    assert all(key in told for key in keys(Curves, Pictures, ComparisonTable))


def test_both_are_saved_where_there_is_an_account(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra dashboard is not installed")
    from wandb_workspaces import workspaces
    from wandb_workspaces.reports import v2

    saved: list[Any] = []

    def save(self: Any) -> Any:
        saved.append(self)
        return SimpleNamespace(url=f"https://example.org/{type(self).__name__}")

    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(workspaces.Workspace, "save", save)
    monkeypatch.setattr(v2.Report, "save", save)
    assert main(["dashboard", "--project", "mine", "--entity", "me"]) == 0
    assert {type(one).__name__: (one.project, one.entity) for one in saved} == {
        "Workspace": ("mine", "me"),
        "Report": ("mine", "me"),
    }
    headings = [block.text for block in saved[1].blocks if isinstance(block, v2.H2)]
    assert headings == [*SECTIONS]
    assert "https://example.org/Workspace" in capsys.readouterr().out
    assert make_report("mine", "me").title == saved[1].title


def test_offline_it_says_what_it_would_make(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert main(["dashboard"]) == 0
    told = capsys.readouterr().out
    assert all(key in told for key in keys(Curves, Pictures, ComparisonTable))
    assert "wandb login" in told


def test_refusals_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("wandb_workspaces", reason="the extra dashboard is not installed")

    def refuse(*_: Any) -> Any:
        raise RuntimeError("no such\nproject")

    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(module, "make_workspace", refuse)
    assert main(["dashboard", "--entity", "me"]) == 2
    assert "Weights & Biases made no dashboard: no such project." in capsys.readouterr().err
