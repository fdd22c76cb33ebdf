"""One task in, its result out: what no test row can change, and what every remedy does as it says."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from gan_imbalance.comparison import Training
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES, choose_remedies
from gan_imbalance.comparison.plan.cells import Task, group_cells
from gan_imbalance.comparison.plan.planning import plan_cells
from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.comparison.plan.study import Judging, Setting, SplitKey, Study, split_data, split_keys
from gan_imbalance.comparison.run.fitting import share_weights
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.comparison.run.task import TaskResult, fail_task, run_task
from gan_imbalance.data import TabularDataModule
from gan_imbalance.data.tables import Table
from gan_imbalance.metrics import Costs

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
OURS = {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {"max_steps": 4}}


def study_of(data: TabularDataModule, judging: Judging | None = None) -> Study:
    return split_data(data, split_keys([0], 0, [Setting()]), 0, judging)


def run(
    study: Study,
    remedies: Sequence[str | Remedy],
    classifiers: dict[str, dict[str, Any]] | None = None,
    tuning_budget: int = 0,
) -> list[TaskResult]:
    """Run all cells of a study in this process; nothing may fail."""
    chosen = choose_remedies(remedies, controls=False)
    cells = plan_cells(study, chosen, classifiers or {"linear": LOGISTIC}, ["balance"], tuning_budget)
    results = [run_task(study, task, {}) for task in group_cells(cells)]
    assert not [failure for result in results for failure in result.failures]
    return results


def contents(results: Sequence[TaskResult]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the results of cells by classifier, remedy and amount."""
    return {
        (cell.content["classifier"], cell.content["remedy"], cell.content["amount"]): cell.content
        for result in results
        for cell in result.cells
    }


def poisoned(table: Table, test: np.ndarray[Any, Any]) -> Table:
    """Return the table with nonsense in the test rows: labels shuffled, values a thousand times as large."""
    features, labels = table.features.copy(), table.labels.copy()
    for name in ("amount", "count", "rate"):
        features.loc[test, name] *= 1000
    labels[test] = np.random.default_rng(1).permutation(labels[test])
    assert (labels != table.labels).any()
    return replace(table, features=features, labels=labels)


TEACHER = {
    "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
    "init_args": {"members": {"linear": LOGISTIC}, "folds": 3},
}
DISTILLATION = {
    "class_path": "gan_imbalance.comparison.distillation.Distillation",
    "init_args": {"teacher": TEACHER},
}
LEARNERS = [
    "smote",
    "jittered_copies",
    TABLE_REMEDIES["gan"].with_gan_steps(3),
    replace(TABLE_REMEDIES["distilled_gan"].with_gan_steps(3), transform=DISTILLATION),
    replace(TABLE_REMEDIES["teacher"], estimator=TEACHER),
]


def made(results: Sequence[TaskResult]) -> list[RowSet]:
    return [rows for result in results for rows in result.rows.values()]


def test_poisoned_test_rows_change_figures_only(data: TabularDataModule) -> None:
    clean = study_of(data)
    samples = poisoned(clean.samples, clean.splits[SplitKey(0)].test)
    dirty = replace(clean, data=clean.data.adapted(samples=samples))
    classifiers = {"linear": {**LOGISTIC, "tune": {"C": [0.1, 10.0]}}, "ours": OURS}
    one, other = (run(study, LEARNERS, classifiers, tuning_budget=4) for study in (clean, dirty))
    for first, second in zip(made(one), made(other), strict=True):
        assert first.rows == second.rows
        assert first.manifest["quality"] == pytest.approx(second.manifest["quality"], nan_ok=True)
        for weights in zip(first.checkpoints, second.checkpoints, strict=True):
            states = [torch.load(BytesIO(file), weights_only=True)["state_dict"] for file in weights]
            torch.testing.assert_close(*states, rtol=0, atol=0)
    # one of the rare class, and one of each for distillation
    assert sum(len(rows.checkpoints) for rows in made(one)) == 3
    figures = [contents(results) for results in (one, other)]
    for name in ("chosen", "candidates", "tuned_threshold", "validation", "history"):
        told = [{key: cell[name] for key, cell in cells.items()} for cells in figures]
        assert repr(told[0]) == repr(told[1])
    assert all(cell["metrics"] != figures[1][key]["metrics"] for key, cell in figures[0].items())


def test_a_task_and_its_result_travel(data: TabularDataModule) -> None:
    """No file goes from one to the other: an engine may run it anywhere."""
    study = study_of(data)
    (cell,) = plan_cells(study, [LEARNERS[2]], {"linear": LOGISTIC}, ["balance"])  # type: ignore[list-item]
    study, task = pickle.loads(pickle.dumps((study.only(cell.key), group_cells([cell])[0])))
    result = pickle.loads(pickle.dumps(run_task(study, task, {})))
    ((address, rows),) = result.rows.items()
    assert result.cells[0].address == cell.address(study)
    again = run_task(study, task, {address: rows})
    assert not again.rows
    assert again.cells[0].content["metrics"] == result.cells[0].content["metrics"]


def test_scores_of_every_test_row_come_back(data: TabularDataModule) -> None:
    study = study_of(data)
    scores = run(study, ["nothing"])[0].cells[0].scores
    test = study.splits[SplitKey(0)].test
    assert np.array_equal(scores["row"], test)
    assert np.array_equal(scores["label"], study.samples.labels[test])
    assert np.allclose(scores["probability_no"] + scores["probability_yes"], 1, atol=1e-6)


def test_remedies_differ_as_they_say(data: TabularDataModule) -> None:
    cells = contents(run(study_of(data), ["nothing", "tuned_threshold", "class_weights", "half_minority"]))
    nothing, tuned, weights, half = (
        cells["linear", name, ""] for name in ("nothing", "tuned_threshold", "class_weights", "half_minority")
    )
    assert tuned["threshold"] == nothing["tuned_threshold"]
    assert nothing["threshold"] is None
    assert tuned["metrics"]["pr_auc"] == nothing["metrics"]["pr_auc"]
    assert tuned["metrics"]["f1_yes"] == nothing["tuned_metrics"]["f1_yes"]
    assert weights["metrics"]["recall_yes"] > nothing["metrics"]["recall_yes"]
    assert half["rows"]["train"] == nothing["rows"]["train"] - 6
    assert nothing["validation"]["pr_auc"] == pytest.approx(nothing["candidates"][0]["validation_pr_auc"], abs=1e-6)


def test_zero_rows_are_the_training_rows_as_they_are(data: TabularDataModule) -> None:
    cells = contents(run(study_of(data), ["random_under"], tuning_budget=1))
    nothing = cells["linear", "nothing", ""]
    assert cells["linear", "random_under", "tuned"]["metrics"] == nothing["metrics"]
    assert cells["linear", "random_under", ""]["metrics"] != nothing["metrics"]


def test_costs_decide_the_threshold_of_every_remedy(data: TabularDataModule) -> None:
    def costs(miss: float, false_alarm: float) -> dict[str, float]:
        study = study_of(data, Judging(costs=Costs(miss, false_alarm)))
        cell = contents(run(study, ["nothing"]))["linear", "nothing", ""]
        return {"cost": cell["metrics"]["expected_cost"], "threshold": cell["tuned_threshold"]}

    cheap, dear = costs(1.0, 1.0), costs(50.0, 1.0)
    assert dear["threshold"] < cheap["threshold"]
    share = np.mean(data.table.labels[data.split.test] == 1)
    assert cheap["cost"] <= 1.0
    assert dear["cost"] <= 50 * share + 1


def test_probabilities_are_brought_back_to_the_classes_own_shares(data: TabularDataModule) -> None:
    study, plain = study_of(data, Judging(correct_prior=True)), study_of(data)
    corrected, shifted = (contents(run(one, ["class_weights", "random_over"])) for one in (study, plain))
    for remedy, amount in (("class_weights", ""), ("random_over", "balance")):
        cell = corrected["linear", remedy, amount]["metrics"]
        assert (
            cell["calibration_error_uncorrected"] == shifted["linear", remedy, amount]["metrics"]["calibration_error"]
        )
        assert cell["calibration_error"] < cell["calibration_error_uncorrected"]
        assert cell["pr_auc"] == pytest.approx(shifted["linear", remedy, amount]["metrics"]["pr_auc"], abs=1e-6)
    nothing = corrected["linear", "nothing", ""]["metrics"]
    assert nothing["calibration_error"] == pytest.approx(nothing["calibration_error_uncorrected"], abs=1e-6)


def test_a_task_that_cannot_be_run_names_all_its_cells(data: TabularDataModule) -> None:
    study = study_of(data)
    cells = plan_cells(study, [Remedy("nothing")], {"one": LOGISTIC, "two": LOGISTIC}, ["balance"])
    result = fail_task(study, group_cells(cells)[0], RuntimeError("killed"))
    (failure,) = result.failures
    assert (failure.name, failure.reason) == ("nothing, seed 0", "RuntimeError: killed")
    assert failure.addresses == tuple(cell.address(study) for cell in cells)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_weights_give_added_rows_their_share(share: float) -> None:
    added = np.arange(50) >= 40
    weights = share_weights(added, share)
    assert weights[added].sum() / weights.sum() == pytest.approx(share)
    assert (weights[~added] == 1).all()
    assert (share_weights(added & False, share) == 1).all()


class CountSyntheticTwice:
    """Gives added rows a weight, and takes the others' last one out."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, training: Training, seed: int) -> Training:
        kept = np.arange(len(training.labels)) != np.flatnonzero(~training.added)[-1]
        weights = np.where(training.added, self.weight, 1.0)
        return Training(training.features[kept], training.labels[kept], training.added[kept], weights[kept])


class RememberingRegression(LogisticRegression):
    """Keeps what it was fitted on."""

    seen: ClassVar[list[tuple[Any, ...]]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.seen.append((X, y, sample_weight))
        return super().fit(X, y, sample_weight)


def test_rows_labels_and_weights_may_change_between_resampling_and_fitting(data: TabularDataModule) -> None:
    study, RememberingRegression.seen = study_of(data), []
    path = f"{__name__}.CountSyntheticTwice"
    plain = TABLE_REMEDIES["smote"]
    changed = replace(plain, name="changed", transform={"class_path": path, "init_args": {"weight": 2.0}})
    for remedy in (plain, changed):
        run(study, [remedy], {"linear": {"class_path": f"{__name__}.RememberingRegression"}})
    # each time after nothing
    _, (X, _, weights), _, (other_X, other_y, other_weights) = RememberingRegression.seen
    assert weights is None
    assert len(other_X) == len(other_y) == len(X) - 1
    assert sorted(set(other_weights)) == [1.0, 2.0]
    assert (other_weights == 2).sum() == len(X) - len(study.splits[SplitKey(0)].train)
    cells = [plan_cells(study, [remedy], {"linear": LOGISTIC}, ["balance"])[0] for remedy in (plain, changed)]
    assert cells[0].address(study) != cells[1].address(study)
    # the same rows serve both, and a transform of one leaves the other's alone
    (task,) = group_cells(cells)
    result = run_task(study, task, {})
    assert [*result.rows] == [task.rows_address(study)]
    apart = [run_task(study, Task((cell,), "smote"), {}) for cell in cells]
    for together, (alone,) in zip(result.cells, (one.cells for one in apart), strict=True):
        pd.testing.assert_frame_equal(together.scores, alone.scores)
    assert not result.cells[0].scores.equals(result.cells[1].scores)
