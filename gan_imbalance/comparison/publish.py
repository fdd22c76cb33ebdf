"""A comparison in Weights & Biases: one run per cell, and one with the report."""

from __future__ import annotations

from pathlib import Path

from gan_imbalance.comparison.cells import Cell, Study, read_result
from gan_imbalance.tracking import start_run


def publish_cell(study: Study, cell: Cell) -> None:
    """Record a cell's settings and figures, if it has a result."""
    path = cell.path(study)
    if not path.is_file():
        return
    result = read_result(path)
    figures = {
        **{f"test/{name}": value for name, value in result.pop("metrics").items()},
        **{f"test/tuned_{name}": value for name, value in result.pop("tuned_metrics").items()},
        **{f"seconds/{name}": value for name, value in result.pop("seconds").items()},
        **{f"peak_memory_mib/{name}": value for name, value in result.pop("peak_memory_mib").items()},
    }
    with start_run(study.output, name=path.stem, group=study.output.name, job_type="cell", config=result) as run:
        run.summary.update(figures)


def publish_report(folder: Path, report: Path) -> None:
    """Record pictures and report of a comparison."""
    import wandb

    with start_run(folder, name=f"{folder.name}-report", group=folder.name, job_type="report") as run:
        run.log({path.stem: wandb.Image(str(path)) for path in sorted((folder / "figures").glob("*.png"))})
        artifact = wandb.Artifact(f"{folder.name}-report", type="report")
        for path in (report, folder / "results.csv", folder / "summary.csv"):
            artifact.add_file(str(path))
        run.log_artifact(artifact)
