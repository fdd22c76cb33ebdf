"""A comparison in Weights & Biases: one run per set of added rows, one per cell, and one with the report.

Artifacts tell where a figure comes from: the data set is used by the run that trains a GAN, which logs the GAN and
its rows; these are used by the cells, which log their results.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pandas as pd

from gan_imbalance.comparison.cells import Candidate, Cell, Study, Unit, read_result, scores_path, slug
from gan_imbalance.comparison.resampling import Resampled
from gan_imbalance.data.split import Part
from gan_imbalance.files import file_hash
from gan_imbalance.synthesis import manifest_path, synthetic_artifact
from gan_imbalance.tracking import in_sweep, make_artifact, make_dataset, start_run, use_artifact

if TYPE_CHECKING:
    from wandb import Artifact


def publish_unit(study: Study, unit: Unit) -> None:
    """Record the rows that a unit's remedy made, and the results of its cells, as far as there are any.

    In a sweep nothing is recorded: the sweep knows one run of this process, that of the report.
    """
    if in_sweep():
        return
    choices = [candidate for cell in unit.cells for candidate in cell.candidates]
    paths = dict.fromkeys(_rows_path(study, unit, candidate) for candidate in choices)
    sets = [path for path in paths if path is not None and Resampled.exists(path)]
    if sets:
        _publish_rows(study, unit, sets)
    for cell in unit.cells:
        if cell.path(study).is_file():
            _publish_cell(study, unit, cell)


def _rows_path(study: Study, unit: Unit, candidate: Candidate) -> Path | None:
    """Return the file of the rows that a candidate takes its part of; None where it takes the data as it is."""
    if candidate.amount == 0 or not unit.remedy.changes_rows:
        return None
    return unit.synthetic_path(study, unit.remedy.with_init_args(**candidate.resampler))


def _dataset(study: Study, unit: Unit) -> Artifact:
    split = study.splits[unit.key]
    path = study.output / "splits" / f"{unit.key.slug}.json"
    rows = {part: len(split.rows(part)) for part in get_args(Part)}
    return make_dataset(study.samples.hash, split.hash, path, rows=rows, classes=list(study.samples.classes))


def _publish_rows(study: Study, unit: Unit, paths: list[Path]) -> None:
    """Record what the remedy made, once for every setting of its resampler: rows, and GANs if there are any."""
    key, settings = unit.key, unit.remedy.settings
    config = {
        "seed": key.seed,
        "fold": key.fold,
        **key.setting._asdict(),
        "remedy": unit.remedy.name,
        "settings": {"remedy": settings},
        "data_hash": study.samples.hash,
        "split_hash": study.splits[key].hash,
    }
    name = slug(f"{unit.remedy.name}-{key.slug}")
    with start_run(study.output, name=name, group=study.output.name, job_type="resample", config=config) as run:
        use_artifact(run, _dataset(study, unit))
        for path in paths:
            manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
            for checkpoint in (path.with_name(file) for file in manifest["checkpoints"]):
                gan = f"{unit.remedy.name}-{file_hash(checkpoint)}"
                run.log_artifact(make_artifact("model", gan, [checkpoint], lasting=True))
            run.log_artifact(synthetic_artifact(path, lasting=True))
        # of the last set, where there are several
        run.summary.update({f"{name}/resample": value for name, value in manifest["usage"].items()})


def _publish_cell(study: Study, unit: Unit, cell: Cell) -> None:
    """Record a cell's settings, figures and result."""
    path = cell.path(study)
    result: dict[str, Any] = read_result(path)
    figures = {
        **{f"test/{name}": value for name, value in result.pop("metrics").items()},
        **{f"test/tuned_{name}": value for name, value in result.pop("tuned_metrics").items()},
        **{f"seconds/{name}": value for name, value in result.pop("seconds").items()},
        **{f"peak_memory_mib/{name}": value for name, value in result.pop("peak_memory_mib").items()},
    }
    rows = _rows_path(study, unit, Candidate(**result["chosen"]))
    with start_run(study.output, name=path.stem, group=study.output.name, job_type="cell", config=result) as run:
        use_artifact(run, _dataset(study, unit) if rows is None else synthetic_artifact(rows, lasting=True))
        run.summary.update(figures)
        files = [path, scores_path(path)]
        run.log_artifact(make_artifact("result", f"result-{file_hash(path)}", files, lasting=True))


def publish_report(folder: Path, report: Path) -> None:
    """Record pictures and report of a comparison, and how well every remedy does on validation rows."""
    import wandb

    with start_run(folder, name=f"{folder.name}-report", group=folder.name, job_type="report") as run:
        run.log({path.stem: wandb.Image(str(path)) for path in sorted((folder / "figures").glob("*.png"))})
        run.summary.update(_validation_figures(folder / "results.csv"))
        artifact = wandb.Artifact(f"{folder.name}-report", type="report")
        for path in (report, folder / "results.csv", folder / "summary.csv"):
            artifact.add_file(str(path))
        run.log_artifact(artifact)


def _validation_figures(results: Path) -> dict[str, float]:
    """Return PR-AUC on validation rows of every remedy, mean over splits and classifiers, with its best amount.

    A sweep may choose by it, since no test row has a part in it.
    """
    table = pd.read_csv(results)
    means = table.groupby(["remedy", "amount"], dropna=False)["validation_pr_auc"].mean()
    best = means.groupby("remedy").max()
    return {f"validation_pr_auc/{remedy}": float(value) for remedy, value in best.items()}
