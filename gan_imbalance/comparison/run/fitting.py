"""A classifier on the training rows of a remedy, and what real rows say of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from gan_imbalance.comparison.adapters import DataAdapter, adapter_of
from gan_imbalance.comparison.plan.cells import Candidate, Cell, Task
from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.resources import Usage, measured
from gan_imbalance.comparison.run.rows import Resampled, RowSet, resample
from gan_imbalance.comparison.training import Training
from gan_imbalance.components import build
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.distillation import fit_softly
from gan_imbalance.files import content_hash
from gan_imbalance.metrics import ImbalanceMetrics, correct_prior, tune_threshold
from gan_imbalance.transforms.dtypes import Features

_THRESHOLD_FREE = ("pr_auc", "roc_auc", "brier", "calibration_error", "precision_at_recall", "recall_at_precision")

Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Fitted(NamedTuple):
    """A classifier, and how well it does on validation rows.

    Attributes:
        classifier: fitted.
        candidate: the settings that made it.
        training: what it learned from.
        shares: of the classes in what it learned from, weights and shares of batches counted, (K,).
        validation: probabilities of the validation rows, as they are judged, (n, K).
        pr_auc: of them.
        history: the same while it trained, if it tells.
        usage: what fitting took.
        warnings: that it gave, a line each.
    """

    classifier: Any
    candidate: Candidate
    training: Training
    shares: npt.NDArray[np.float64]
    validation: Features
    pr_auc: float
    history: list[dict[str, float]]
    usage: Usage
    warnings: list[str]


class MetricValues(NamedTuple):
    """What real rows say of a classifier.

    Attributes:
        plain: figures at the remedy's own threshold, and the cost at the tuned one.
        tuned: those that a threshold changes, at the tuned one.
        matrix: confusion matrix at the remedy's own threshold: a row per true class, a column per predicted one.
    """

    plain: dict[str, float]
    tuned: dict[str, float]
    matrix: list[list[int]]


@dataclass(frozen=True)
class Evaluator:
    """A task with the parts of its split as classifiers see them, and the rows that its remedy made.

    Attributes:
        study: of the task's split.
        task: what is run.
        adapter: of the data, fitted on the training part.
        validation: encoded rows.
        test: encoded rows.
        known: row sets that were made before, by address.
        made: row sets that were made here, by address.
        resampled: all that are in use, by address; "" for the training rows as they are.
        trainings: what classifiers learn from, and what its transform took, by what made it.
        fitted: classifiers, by what made them: remedies that differ in what is done afterwards share one.
    """

    study: Study
    task: Task
    adapter: DataAdapter
    validation: npt.NDArray[Any]
    test: npt.NDArray[Any]
    known: Mapping[str, RowSet]
    made: dict[str, RowSet] = field(default_factory=dict)
    resampled: dict[str, Resampled] = field(default_factory=dict)
    trainings: dict[str, tuple[Training, Usage]] = field(default_factory=dict)
    fitted: dict[str, Fitted] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, task: Task, known: Mapping[str, RowSet], cache: Path | None) -> Evaluator:
        """Encode the parts of the split."""
        split = study.splits[task.key]
        adapter = adapter_of(study.samples, split.train, cache)
        validation, test = (adapter.encode(adapter.take(part)) for part in (split.validation, split.test))
        return cls(study, task, adapter, validation, test, known)

    def rows(self, candidate: Candidate) -> Resampled:
        """Return the training rows that a candidate takes its part of, made when they are first asked for."""
        study, key, adapter = self.study, self.task.key, self.adapter
        address = self.task.rows_address_of(study, candidate) or ""
        if address in self.resampled:
            return self.resampled[address]
        split = study.splits[key]
        if not address:
            self.resampled[address] = Resampled(split.train, adapter.take(split.train[:0]), split.train[:0])
            return self.resampled[address]
        packed = self.known.get(address)
        if packed is None:
            remedy = self.task.remedy.with_init_args(**candidate.resampler)
            made = resample(remedy, adapter, study.data.adapted(split=split), study.minority, self.task.cells[0].pool)
            target = adapter.describe().get("schema", {}).get("target")
            packed = made.pack(
                adapter, remedy=remedy.settings, split=key.display_name, split_hash=split.hash, target=target
            )
            self.made[address] = packed
        # always as a file has it, so that a resumed comparison goes on with the very same rows
        self.resampled[address] = Resampled.unpack(packed, adapter)
        return self.resampled[address]

    def training(self, remedy: Remedy, candidate: Candidate) -> tuple[Training, Usage]:
        """Return what every classifier learns from under a remedy's candidate, and what the remedy's transform took."""
        made_from = content_hash([remedy.transform, candidate.amount, candidate.resampler])
        if made_from not in self.trainings:
            training, transform = self._resampled_training(candidate), remedy.transform
            with measured() as usage:
                if transform is not None:
                    training = build(transform)(training, self.task.key.seed)
            self.trainings[made_from] = training, usage
        return self.trainings[made_from]

    def _resampled_training(self, candidate: Candidate) -> Training:
        adapter, key = self.adapter, self.task.key
        chosen = self.rows(candidate).limited_to(self.study.rows_to_add(key, candidate.amount), key.seed)
        labels = np.concatenate([adapter.samples.labels[chosen.kept], chosen.labels])
        features = np.concatenate([adapter.encode(rows) for rows in (adapter.take(chosen.kept), chosen.added)])
        return Training(features, labels, np.arange(len(labels)) >= len(chosen.kept))

    def probabilities(self, fitted: Fitted) -> Features:
        """Return the class probabilities of the test rows as they are judged, (n, K)."""
        return self._corrected(_predict(fitted.classifier, self.test, len(fitted.shares)), fitted.shares)

    def uncorrected_calibration(self, fitted: Fitted, labels: Indices) -> float:
        """Return the calibration error of the test rows before the correction for class shares."""
        probabilities = _predict(fitted.classifier, self.test, len(fitted.shares))
        return self.judge(probabilities, labels, None, 0.5).plain["calibration_error"]

    def _corrected(self, probabilities: Features, shares: npt.NDArray[np.float64]) -> Features:
        if not self.study.judging.correct_prior:
            return probabilities
        labels = self.study.samples.labels[self.study.splits[self.task.key].train]
        true = np.bincount(labels, minlength=len(shares)) / len(labels)
        return correct_prior(probabilities, shares, true).numpy()

    def fit(self, cell: Cell, candidate: Candidate) -> Fitted:
        """Fit a classifier under a candidate, and judge it on validation rows."""
        remedy = cell.remedy
        options = [remedy.transform, remedy.class_weight, remedy.classifier, remedy.share]
        made_from = [cell.fitted, *options, asdict(candidate)]
        key = content_hash(made_from)
        if key not in self.fitted:
            self.fitted[key] = self._fit(cell, candidate)
        return self.fitted[key]

    def _fit(self, cell: Cell, candidate: Candidate) -> Fitted:
        study = self.study
        training, _ = self.training(cell.remedy, candidate)
        positive = study.samples.labels[study.splits[cell.key].validation] == study.minority
        classes = len(study.samples.classes)
        share = candidate.amount if isinstance(candidate.amount, float) else cell.remedy.share
        if not training.added.any():
            share = None
        weights = _weights(cell, training)
        shared = weights if share is None else weights * share_weights(training.added, share)
        shares = _class_sums(training, shared, classes) / shared.sum()
        history: list[dict[str, float]] = []

        def judge(classifier: Any) -> tuple[Features, float]:
            probabilities = self._corrected(_predict(classifier, self.validation, classes), shares)
            return probabilities, _pr_auc(probabilities[:, study.minority], positive)

        def watch(step: int, classifier: Any) -> float:
            history.append({"step": step, "validation_pr_auc": judge(classifier)[1]})
            return history[-1]["validation_pr_auc"]

        classifier = self._new_classifier(cell, candidate)
        options: dict[str, Any] = {}
        if getattr(classifier, "learns_in_batches", False):
            options["on_epoch"] = watch
            if share is not None:
                options |= {"added": training.added, "added_share": share}
                shared = weights
        if share is not None or cell.remedy.class_weight is not None or training.weights is not None:
            options["sample_weight"] = shared
        with measured() as usage, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if training.probabilities is None:
                classifier.fit(training.features, training.labels, **options)
            else:
                fit_softly(classifier, training.features, training.probabilities, cell.key.seed, **options)
        told = sorted({str(warning.message).splitlines()[0] for warning in caught})
        return Fitted(classifier, candidate, training, shares, *judge(classifier), history, usage, told)

    def _new_classifier(self, cell: Cell, candidate: Candidate) -> Any:
        init_args = {**(cell.fitted.get("init_args") or {}), **cell.remedy.classifier, **candidate.classifier}
        classifier = build({"class_path": cell.fitted["class_path"], "init_args": init_args})
        if "random_state" in classifier.get_params() and "random_state" not in init_args:
            classifier.set_params(random_state=cell.key.seed)
        self.adapter.prepare_classifier(classifier)
        return classifier

    def threshold(self, fitted: Fitted) -> float:
        """Return the best threshold on validation rows: by F1, or by cost where mistakes have costs."""
        study, judging = self.study, self.study.judging
        labels = study.samples.labels[study.splits[self.task.key].validation]
        return tune_threshold(fitted.validation, labels, study.minority, judging.costs, judging.positive_rate)

    def judge(self, probabilities: Features, labels: Indices, threshold: float | None, tuned: float) -> MetricValues:
        """Return what rows say.

        Args:
            probabilities: probabilities, (n, K).
            labels: class indices, (n,).
            threshold: of the remedy.
            tuned: found on validation rows.
        """
        plain, matrix = self._judge_at(probabilities, labels, threshold)
        at_tuned, _ = self._judge_at(probabilities, labels, tuned)
        if "expected_cost" in plain:
            # what a mistake costs decides where the threshold lies
            plain["expected_cost"] = at_tuned.pop("expected_cost")
        return MetricValues(plain, {name: at_tuned[name] for name in at_tuned if name not in _THRESHOLD_FREE}, matrix)

    def _judge_at(
        self, probabilities: Features, labels: Indices, threshold: float | None
    ) -> tuple[dict[str, float], list[list[int]]]:
        judging = self.study.judging
        metrics = ImbalanceMetrics(
            self.study.samples.classes,
            self.study.minority,
            threshold,
            at_recall=judging.at_recall,
            at_precision=judging.at_precision,
            costs=judging.costs,
            positive_rate=judging.positive_rate,
        )
        metrics.update(torch.from_numpy(probabilities), torch.from_numpy(labels))
        figures = {name: float(value) for name, value in metrics.compute().items()}
        matrix: list[list[int]] = metrics.confusion_matrix().tolist()
        return figures, matrix


def share_weights(added: Mask, share: float) -> Features:
    """Return weights with which the added rows have the share in the sum that they would have in every batch."""
    count = int(added.sum())
    if not count:
        return np.ones(len(added), dtype=np.float32)
    return np.where(added, share / (1 - share) * (len(added) - count) / count, 1.0)


def _weights(cell: Cell, training: Training) -> Features:
    """Return how much every row counts, (n,): by its class, and by itself."""
    from sklearn.utils.class_weight import compute_sample_weight

    weights: Features = compute_sample_weight(cell.remedy.class_weight, training.labels)
    return weights if training.weights is None else weights * training.weights


def _class_sums(training: Training, weights: Features, classes: int) -> npt.NDArray[np.float64]:
    """Return the sum of the weights of every class, (K,), by probabilities where these are learned."""
    found = training.probabilities
    targets = np.eye(classes)[training.labels] if found is None else found
    return np.asarray(weights @ targets, dtype=np.float64)


def _pr_auc(scores: Features, positive: Mask) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(positive, scores))


def _predict(classifier: Any, features: npt.NDArray[Any], classes: int) -> Features:
    """Return class probabilities, float32 (rows, classes), 0 for a class that the classifier never saw."""
    probabilities = np.zeros((len(features), classes), dtype=np.float32)
    probabilities[:, np.asarray(classifier.classes_, dtype=np.int64)] = classifier.predict_proba(features)
    return probabilities
