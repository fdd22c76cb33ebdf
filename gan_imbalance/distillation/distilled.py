"""A classifier taught by a better one, on real rows and on generated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from gan_imbalance.components import build
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.distillation.saving import load_distilled, save_distilled
from gan_imbalance.distillation.soft_labels import LearnedAs, RealLabels, fit_softly, learned_as, real_targets
from gan_imbalance.distillation.teacher import CrossFittedEnsemble
from gan_imbalance.transforms.column_types import as_table, infer_column_types, named_columns
from gan_imbalance.transforms.dtypes import Features
from gan_imbalance.transforms.frames import as_pandas
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.trust import Trust
from gan_imbalance.types import InputError

STUDENT: Mapping[str, Any] = {
    "class_path": "xgboost.XGBClassifier",
    "init_args": {"n_estimators": 100, "max_depth": 4},
}
"""The student unless another is given."""

_HELD_OUT = 0.2


class DistilledClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that learns from generated rows what a teacher thinks of them.

    The teacher, a cross-fitted ensemble, learns from the training rows; a generator writes further rows of every class,
    in the proportions that the classes have; and the student learns from real and generated rows together, of which
    the generated ones have the teacher's probabilities for labels. So rows that look like one class, but were made
    for another, do no harm, and a small fast model comes closer to a large slow one. Rows are encoded for teacher and
    student: numbers standardised, gaps imputed and marked, categories one-hot.

    Args:
        student: any classifier with ``predict_proba``. None takes XGBoost (100 trees of depth 4). It learns soft labels
            as ``student_learned_as_`` says: networks of ours as they are, others as weighted copies of the rows, or,
            where ``fit`` takes no ``sample_weight``, as labels drawn from them.
        generator: any over-sampler whose ``sampling_strategy`` may be a dict; those of tables see the rows as they are,
            others their encoding. None takes :class:`~gan_imbalance.GANOverSampler` with its small default GAN.
        teacher: classifier that has ``out_of_fold_``, the probabilities of the rows that it was fitted on, after
            ``fit``. None takes :class:`CrossFittedEnsemble`.
        amounts: generated rows per real one. Of several, the one with which the student has the best PR-AUC for the
            rarest class on a held-out fifth of the rows is taken, and all is fitted again on all rows; 0 generates
            none.
        real: what the real rows have for labels, see :data:`RealLabels`.
        categorical: names of columns to take as categories, where their type does not tell; a column of an array is
            named by its number: ``"0"``.
        random_state: seed, or a numpy random state.

    Attributes:
        classes_: labels, in the order of the probabilities.
        amount_: the amount taken.
        scores_: PR-AUC by amount, where there was a choice.
        teacher_: the fitted teacher, for encoded rows.
        student_: the fitted student, for encoded rows; its classes are 0 to K - 1.
        student_learned_as_: how it learned soft labels: ``probabilities``, ``weights`` or ``draws``.
        synthetic_: the generated rows, as a DataFrame, or an array where the generator saw encoded rows.
        soft_labels_: their labels, (n, K).
        transformer_: what encodes rows.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, if X has names and all are strings.

    Example:
        A shallow tree learns more from a teacher than from the labels alone:

        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.metrics import log_loss
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from gan_imbalance import DistilledClassifier
        >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[:400], y[:400])
        >>> model = DistilledClassifier(DecisionTreeClassifier(max_depth=3, random_state=0), random_state=0)
        >>> model.fit(X[:400], y[:400]).student_learned_as_, len(model.synthetic_)
        ('weights', 800)
        >>> log_loss(y[400:], model.predict_proba(X[400:])) < log_loss(y[400:], tree.predict_proba(X[400:])) / 2
        True

        It comes back from a file, which holds values only and can run nothing:

        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/model.ckpt"
        >>> model.save(path)
        >>> bool((DistilledClassifier.load(path).predict_proba(X) == model.predict_proba(X)).all())
        True
    """

    def __init__(
        self,
        student: Any = None,
        *,
        generator: Any = None,
        teacher: Any = None,
        amounts: Sequence[float] = (2.0,),
        real: RealLabels = "both",
        categorical: list[str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.student = student
        self.generator = generator
        self.teacher = teacher
        self.amounts = amounts
        self.real = real
        self.categorical = categorical
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: DataFrames, text, categories and gaps are taken."""
        tags = super().__sklearn_tags__()
        for kind in ("string", "categorical", "allow_nan"):
            setattr(tags.input_tags, kind, True)
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Fit teacher and generator, and the student on what they say.

        Args:
            X: rows, (n, d): a table of pandas, polars or Arrow, or an array.
            y: labels, (n,).

        Raises:
            InputError: if an amount is negative or none is given, the student has no ``predict_proba``, or the teacher
                or the generator cannot learn the rows.
        """
        if not len(self.amounts) or min(self.amounts) < 0:
            raise InputError(f"amounts is {self.amounts!r}: give numbers of generated rows per real one, at least 0.")
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        # before anything is learned in vain
        learned_as(self._new_student())
        table = self._table(X, reset=True)
        y = column_or_1d(as_pandas(y), warn=True)
        check_consistent_length(table, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            (label,) = self.classes_.tolist()
            raise InputError(f"All rows are of one class, {label!r}: a classifier needs rows of at least two classes.")
        self.amount_ = float(self.amounts[0])
        if len(self.amounts) > 1:
            self.scores_ = self._try_amounts(table, labels)
            # of equally good ones the smallest
            self.amount_ = max(sorted(self.scores_), key=lambda amount: self.scores_[amount])
        learned = self._learn(table, labels, self.amount_)
        self.transformer_, self.teacher_ = learned.transformer, learned.teacher
        self.synthetic_, self.soft_labels_ = learned.rows, learned.probabilities
        self.student_, self.student_learned_as_ = self._student(learned, labels, self.amount_)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return the student's class probabilities, (n, classes)."""
        check_is_fitted(self)
        features = self.transformer_.transform(self._table(X, reset=False), unknown="ignore")
        found = np.zeros((len(features), len(self.classes_)))
        found[:, np.asarray(self.student_.classes_, dtype=np.int64)] = self.student_.predict_proba(features)
        return found

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]  # type: ignore[no-any-return]

    def save(self, path: str | Path) -> None:
        """Write the fitted classifier to a file of values, which :meth:`load` reads; it is whole or not there.

        It holds the settings, the encoding, student and teacher, the generated rows and their soft labels. The
        generator's networks are left out, as they have no part in predictions: of it, the settings are kept. So is the
        state of a ``random_state`` that is no number, of which None is kept.

        Args:
            path: file to write.

        Raises:
            InputError: if student or teacher, or a setting, cannot be told in values, or the file not be written.
        """
        check_is_fitted(self)
        save_distilled(self, path)

    @classmethod
    def load(cls, path: str | Path, trust: Trust = ()) -> Self:
        """Return the classifier of a file that :meth:`save` wrote, equal to it bit for bit.

        What the file names is looked at before anything is made: estimators of scikit-learn, XGBoost and this package
        are, any other class only by ``trust``; nothing is unpickled. Estimators of other packages are kept as their
        attributes, which other versions of them may not understand.

        Args:
            path: the file.
            trust: further classes, or packages, that the file may name: ``"package.Class"``.

        Raises:
            InputError: if the file is missing, damaged or of another kind, or names a class that is not trusted.
        """
        return load_distilled(cls, path, trust)  # type: ignore[no-any-return]

    def _table(self, X: Any, reset: bool) -> pd.DataFrame:
        """Return rows as a DataFrame whose columns are named by strings; refuse what differs from the training rows."""
        X = as_pandas(X)
        if not isinstance(X, pd.DataFrame):
            X = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
        validate_data(self, X, skip_check_array=True, reset=reset)
        return as_table(X)

    def _try_amounts(self, table: pd.DataFrame, labels: Indices) -> dict[float, float]:
        """Return the PR-AUC for the rarest class of every amount, on held-out rows."""
        seed, rarest = self._seed, int(np.bincount(labels).argmin())
        train, held_out = train_test_split(
            np.arange(len(labels)), test_size=_HELD_OUT, stratify=labels, random_state=seed
        )
        learned = self._learn(table.iloc[train].reset_index(drop=True), labels[train], max(self.amounts))
        unseen = learned.transformer.transform(table.iloc[held_out].reset_index(drop=True), unknown="ignore")
        scores = {}
        for amount in self.amounts:
            student, _ = self._student(learned, labels[train], amount)
            column = list(student.classes_).index(rarest)
            scores[float(amount)] = float(
                average_precision_score(labels[held_out] == rarest, student.predict_proba(unseen)[:, column])
            )
        return scores

    def _learn(self, table: pd.DataFrame, labels: Indices, amount: float) -> _Learned:
        """Fit encoding, teacher and generator, and return them with the rows that were generated, in random order."""
        random = np.random.RandomState(self._seed)
        types = infer_column_types(table, (), self.categorical or ())
        transformer = TabularTransformer("standard", point_masses=False, **named_columns(types)).fit(table)
        features = transformer.transform(table)
        teacher = _seeded(CrossFittedEnsemble() if self.teacher is None else self.teacher, random)
        teacher.fit(features, labels)
        counts = np.bincount(labels)
        wanted = {index: int(count + round(amount * count)) for index, count in enumerate(counts)}
        rows: Any = table.iloc[:0]
        if amount > 0:
            # imbalanced-learn takes half a second, which whoever only wants a teacher need not wait
            from gan_imbalance.oversampling import GANOverSampler, TableOverSampler

            generator = _seeded(GANOverSampler() if self.generator is None else self.generator, random)
            generator.set_params(sampling_strategy=wanted)
            sees_rows = isinstance(generator, TableOverSampler)
            if sees_rows and generator.categorical is None and self.categorical:
                generator.set_params(categorical=self.categorical)
            given = table if sees_rows else features
            made, _ = generator.fit_resample(given, labels)
            # an amount takes the first of them, which must not be of one class
            order = random.permutation(np.arange(len(table), len(made)))
            rows = made.iloc[order].reset_index(drop=True) if isinstance(made, pd.DataFrame) else made[order]
        encoded = transformer.transform(rows, unknown="ignore") if isinstance(rows, pd.DataFrame) else rows
        probabilities = teacher.predict_proba(encoded) if len(encoded) else np.zeros((0, len(counts)))
        return _Learned(transformer, teacher, features, rows, encoded, probabilities)

    def _student(self, learned: _Learned, labels: Indices, amount: float) -> tuple[Any, LearnedAs]:
        """Return the student, fitted on the real rows and an amount of the generated ones, and how it learned."""
        added = round(amount * len(labels))
        real, kept = real_targets(labels, learned.teacher, self.real)
        features = np.concatenate([learned.features[kept], learned.encoded[:added]])
        probabilities = np.concatenate([real[kept], learned.probabilities[:added]])
        if not len(features):
            raise InputError("There is nothing to learn: real is 'none' and the amount 0; let one of the two be.")
        student = self._new_student()
        return fit_softly(student, features, probabilities, self._seed), learned_as(student)

    def _new_student(self) -> Any:
        return _seeded(STUDENT if self.student is None else self.student, np.random.RandomState(self._seed))


class _Learned(NamedTuple):
    """What teacher and generator know: the encoding, the encoded real rows, and the generated ones with labels."""

    transformer: TabularTransformer
    teacher: Any
    features: Features
    rows: Any
    encoded: Features
    probabilities: npt.NDArray[Any]


def _seeded(estimator: Any, random: np.random.RandomState) -> Any:
    """Return a copy of an estimator, or what a ``class_path`` dict describes, with a seed where it has none."""
    made = build(estimator) if isinstance(estimator, Mapping) else clone(estimator)
    seed = int(random.randint(2**31 - 1))
    parameters = made.get_params()
    if "random_state" in parameters and parameters["random_state"] is None:
        made.set_params(random_state=seed)
    return made
