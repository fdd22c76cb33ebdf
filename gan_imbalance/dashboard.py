"""A workspace and a report in Weights & Biases, with what a researcher looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gan_imbalance.tracking import PROJECT, default_entity, wandb_mode
from gan_imbalance.types import InputError

_STEP = "trainer/global_step"
_INTRODUCTION = (
    "Losses alone do not tell whether a GAN learns. Near 0.5, the two-sample accuracy says that a classifier cannot "
    "tell generated rows from held-out ones; the earth-mover estimate should fall towards 0; a fake-catch rate near "
    "0.5 says that the discriminator guesses; shares of distinct rows and of modes well below 1 say that the generator "
    "collapses."
)


@dataclass(frozen=True)
class Curves:
    """Figures over the generator's steps, one line each."""

    title: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """Pictures as training goes."""

    title: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonTable:
    """A table that a comparison records."""

    title: str
    key: str


Panel = Curves | Pictures | ComparisonTable

SECTIONS: Mapping[str, tuple[Panel, ...]] = {
    "Training": (
        Curves("Losses of both networks", ("train/discriminator_loss", "train/generator_loss")),
        Curves("Two-sample accuracy (0.5 is best)", ("val/c2st", "val/pretraining_c2st")),
        Curves("Earth-mover estimate", ("val/earth_mover",)),
        Curves("Fake-catch rate (0.5: the discriminator guesses)", ("val/fake_catch_rate",)),
        Curves("Variety (1 is best)", ("val/distinct", "val/mode_coverage")),
    ),
    "Samples over time": (Pictures("Real and generated", ("plots/columns", "plots/images")),),
    "Comparisons": (ComparisonTable("Remedies", "remedies"), ComparisonTable("Results of every cell", "cells")),
}
"""What the dashboard shows, section by section."""


@dataclass(frozen=True)
class Dashboard:
    """What was made, or would be.

    Attributes:
        project: that the runs are in.
        workspace: address of the workspace; None where nothing was made.
        report: address of the report; None where nothing was made.
    """

    project: str
    workspace: str | None = None
    report: str | None = None

    def show(self) -> None:
        """Print the addresses, or the panels that would be made."""
        if self.workspace is not None:
            print(f"Workspace: {self.workspace}\nReport: {self.report}")
            return
        print(f"Weights & Biases is offline, so nothing was made. With an account, project {self.project!r} would get:")
        for name, panels in SECTIONS.items():
            print(f"  {name}")
            for panel in panels:
                keys = (panel.key,) if isinstance(panel, ComparisonTable) else panel.keys
                print(f"    {panel.title}: {', '.join(keys)}")
        print("Set an account up by `wandb login`, upload runs by `wandb sync`, and run this again.")


def dashboard(project: str = PROJECT, entity: str | None = None) -> Dashboard:
    """Make a workspace and a report for the runs of a project: losses, monitors, samples and comparisons.

    Args:
        project: that the runs are in.
        entity: user or team that it belongs to; the account's own if not given.

    Returns:
        Their addresses; where Weights & Biases is offline, nothing is made, and it shows what would be.

    Raises:
        InputError: if the package ``wandb-workspaces`` is missing, or Weights & Biases refuses.
    """
    if wandb_mode() != "online":
        return Dashboard(project)
    try:
        owner = entity or default_entity()
        workspace = make_workspace(project, owner).save()
        report = make_report(project, owner).save()
    except ImportError as error:
        raise InputError(
            f"dashboard needs wandb-workspaces ({error}): pip install 'gan-imbalance[dashboard]'."
        ) from error
    except Exception as error:
        raise InputError(f"Weights & Biases made no dashboard: {' '.join(str(error).split())}.") from error
    return Dashboard(project, workspace.url, report.url)


def make_workspace(project: str, entity: str) -> Any:
    """Return the workspace, which is not saved: an object of ``wandb_workspaces.workspaces``."""
    workspaces = _part("workspaces")
    sections = [
        workspaces.Section(name=name, panels=[_panel(panel) for panel in panels], is_open=True)
        for name, panels in SECTIONS.items()
    ]
    return workspaces.Workspace(project=project, entity=entity, name="GANs for rare classes", sections=sections)


def make_report(project: str, entity: str) -> Any:
    """Return the report, which is not saved: an object of ``wandb_workspaces.reports.v2``."""
    v2 = _part("reports.v2")
    blocks: list[Any] = [v2.P(_INTRODUCTION)]
    for name, panels in SECTIONS.items():
        runs = v2.Runset(project=project, entity=entity)
        blocks += [v2.H2(name), v2.PanelGrid(runsets=[runs], panels=[_panel(panel) for panel in panels])]
    return v2.Report(project=project, entity=entity, title="GANs for rare classes", blocks=blocks)


def _part(name: str) -> Any:
    """Return a part of the package, whose names type checkers do not find."""
    return import_module(f"wandb_workspaces.{name}")


def _panel(panel: Panel) -> Any:
    v2 = _part("reports.v2")
    if isinstance(panel, Curves):
        return v2.LinePlot(title=panel.title, x=_STEP, y=list(panel.keys))
    if isinstance(panel, Pictures):
        return v2.MediaBrowser(title=panel.title, media_keys=list(panel.keys))
    return v2.WeavePanelSummaryTable(table_name=panel.key)
