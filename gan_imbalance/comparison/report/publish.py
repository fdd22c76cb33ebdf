"""A comparison in Weights & Biases: one run with the answer, a table of the cells, plots and report.

On request also one run per set of added rows and one per cell. Artifacts then tell where a figure comes from: the data
set is used by the run that trains a GAN, which logs the GAN and its rows; these are used by the cells, which log their
results.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from gan_imbalance.comparison.plan.cells import Candidate, Cell, Task, slug
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.plots import SHEETS
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.store import Store
from gan_imbalance.data.split import Part
from gan_imbalance.files import file_hash
from gan_imbalance.synthesis import synthetic_artifact
from gan_imbalance.tracking import (
    in_sweep,
    log_plots,
    log_tables,
    make_artifact,
    make_dataset,
    start_run,
    use_artifact,
)

if TYPE_CHECKING:
    import pandas as pd

    from gan_imbalance.tracking import Artifact


def publish_task(store: Store, study: Study, task: Task, upload: bool) -> None:
    """Record the rows that a task's remedy made, and the results of its cells, as far as there are any.

    In a sweep nothing is recorded: the sweep knows one run of this process, that of the comparison.

    Args:
        store: where they lie.
        study: of the task.
        task: what was run.
        upload: whether rows, GANs and scores of test rows go along, and not only what was made from what.
    """
    if in_sweep():
        return
    choices = [candidate for cell in task.cells for candidate in cell.candidates]
    addresses = dict.fromkeys(task.rows_address_of(study, candidate) for candidate in choices)
    sets = [address for address in addresses if address is not None and store.has_rows(address)]
    if sets:
        _publish_rows(store, study, task, sets, upload)
    for cell in task.cells:
        if store.has(cell.address(study)):
            _publish_cell(store, study, task, cell, upload)


def _dataset(store: Store, study: Study, task: Task) -> Artifact:
    split = study.splits[task.key]
    rows = {part: len(split.rows(part)) for part in get_args(Part)}
    return make_dataset(study.samples.hash, split.hash, rows=rows, classes=list(study.samples.classes))


def _rows_artifact(store: Store, address: str, upload: bool) -> Artifact:
    return synthetic_artifact(store.rows_path(address), upload, lasting=True)


def _publish_rows(store: Store, study: Study, task: Task, addresses: list[str], upload: bool) -> None:
    """Record what the remedy made, once for every setting of its resampler: rows, and GANs if there are any."""
    key, group = task.key, store.folder.name
    config = {
        "seed": key.seed,
        "fold": key.fold,
        **key.setting._asdict(),
        "remedy": task.remedy.name,
        "settings": {"remedy": task.remedy.settings},
        "data_hash": study.samples.hash,
        "split_hash": study.splits[key].hash,
    }
    name = slug(f"{task.remedy.name}-{key.slug}")
    with start_run(store.folder, name=name, group=group, job_type="resample", config=config) as run:
        use_artifact(run, _dataset(store, study, task))
        for address in addresses:
            for checkpoint in store.checkpoint_paths(address):
                gan = f"{task.remedy.name}-{file_hash(checkpoint)}"
                run.log_artifact(make_artifact("model", gan, [checkpoint], upload, lasting=True))
            run.log_artifact(_rows_artifact(store, address, upload))
        # of the last set, where there are several
        usage = store.read_rows(addresses[-1]).manifest["usage"]
        run.summary.update({f"{name}/resample": value for name, value in usage.items()})


def _publish_cell(store: Store, study: Study, task: Task, cell: Cell, upload: bool) -> None:
    """Record a cell's settings, figures and result."""
    address = cell.address(study)
    result = store.read_cell(address)
    figures = {
        **{f"test/{name}": value for name, value in result.pop("metrics").items()},
        **{f"test/tuned_{name}": value for name, value in result.pop("tuned_metrics").items()},
        **{f"seconds/{name}": value for name, value in result.pop("seconds").items()},
        **{f"peak_memory_mib/{name}": value for name, value in result.pop("peak_memory_mib").items()},
    }
    rows, path = task.rows_address_of(study, Candidate(**result["chosen"])), store.cell_path(address)
    with start_run(store.folder, name=address, group=store.folder.name, job_type="cell", config=result) as run:
        is_kept = rows is not None and store.has_rows(rows)
        source = _rows_artifact(store, str(rows), upload) if is_kept else _dataset(store, study, task)
        use_artifact(run, source)
        run.summary.update(figures)
        files = [path, store.scores_path(address)]
        run.log_artifact(make_artifact("result", f"result-{file_hash(path)}", files, upload, lasting=True))


def publish_comparison(findings: Findings, report: Path, upload: bool, in_whole: bool = True) -> None:
    """Record a comparison in one run: settings, answer, cells as a table, plots, report.

    Its summary says how well every remedy does on validation rows, by which a sweep may choose.

    Args:
        findings: of the comparison.
        report: its page.
        upload: whether sheets of real and synthetic images, and a page that shows them, go along.
        in_whole: whether ``upload`` also takes along the files that runs of tasks would have: added rows, GANs, and the
            scores of test rows.
    """
    store, description = findings.store, findings.description
    folder, name = store.folder, store.folder.name
    with start_run(folder, name=name, group=name, job_type="comparison", config=_settings(description)) as run:
        for split in description.content["splits"]:
            use_artifact(run, _described_dataset(description, split))
        plots = sorted((folder / "plots").glob("*.png"))
        sheets = [] if upload else [path for path in plots if path.name.startswith(SHEETS)]
        log_plots(run, (path for path in plots if path not in sheets))
        log_tables(run, {"cells": findings.results, "remedies": findings.summary})
        run.summary.update({**_validation_figures(findings.results), **_verdict(store)})
        files = [folder / file for file in ("answer.json", "results.csv", "summary.csv")]
        files = files if sheets else [report, *files]
        run.log_artifact(make_artifact("report", f"{name}-report", files, upload=True))
        if upload and in_whole:
            cells = [path(address) for address in findings.cells for path in (store.cell_path, store.scores_path)]
            run.log_artifact(make_artifact("result", f"{name}-cells", cells, upload, lasting=True))
            rows = folder / "synthetic"
            if rows.is_dir():
                run.log_artifact(make_artifact("synthetic-set", f"{name}-synthetic", [rows], upload, lasting=True))


def _settings(description: Description) -> dict[str, Any]:
    """Return what a comparison consists of, but for what its table tells cell by cell."""
    left_out = {"splits", "cells", "efforts", "synthetic"}
    settings = {key: value for key, value in description.content.items() if key not in left_out}
    return settings | {"splits": len(description.content["splits"])}


def _described_dataset(description: Description, split: Mapping[str, Any]) -> Artifact:
    """Return the artifact of a split, the one that runs of its tasks use, too."""
    content = description.content
    rows = {part: sum(counts) for part, counts in split["rows"].items()}
    return make_dataset(content["data_hash"], split["hash"], rows=rows, classes=content["classes"])


def _verdict(store: Store) -> dict[str, Any]:
    """Return what the answer at the first setting decides, and the probabilities that it rests on."""
    answers = store.read_answer().get("answers") or []
    if not answers or answers[0]["primary"] is None:
        return {}
    probabilities = answers[0]["primary"]["probabilities"]
    return {
        "verdict": answers[0]["mark"],
        **{f"probability/{name}": value for name, value in probabilities.items() if value is not None},
    }


def _validation_figures(results: pd.DataFrame) -> dict[str, float]:
    """Return PR-AUC on validation rows of every remedy, mean over splits and classifiers, with its best amount.

    A sweep may choose by it, since no test row has a part in it.
    """
    means = results.groupby(["remedy", "amount"], dropna=False)["validation_pr_auc"].mean()
    best = means.groupby("remedy").max()
    return {f"validation_pr_auc/{remedy}": float(value) for remedy, value in best.items()}
