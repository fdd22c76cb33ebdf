"""A distilled classifier as a file that holds values only, and back: loading it runs no code that the file names.

The file is a checkpoint as those of networks are, of plain values and tensors, and what it names passes the same gate
(:mod:`gan_imbalance.trust`). Networks of ours are in it as settings and weights; other estimators in the format of
skops (https://skops.readthedocs.io/en/stable/persistence.html), which tells the types that it needs before it makes
anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from gan_imbalance.checkpoints import admit_module, complete_checkpoint, read_checkpoint, telling_damage
from gan_imbalance.components import build, factory, to_config
from gan_imbalance.distillation.teacher import CrossFittedEnsemble
from gan_imbalance.files import atomic_path, provenance
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.trust import DATA, Component, Gate, Trust
from gan_imbalance.types import InputError

if TYPE_CHECKING:
    from gan_imbalance.distillation.distilled import DistilledClassifier

_KIND = "distilled_classifier"

# beside what skops trusts by itself: scikit-learn's estimators, numpy's arrays and generators, Python's own types
_TRUSTED_TYPES = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRFClassifier",
)
Component.register(BaseEstimator)


def save_distilled(model: DistilledClassifier, path: str | Path) -> None:
    """Write a fitted classifier, atomically; see :meth:`DistilledClassifier.save`."""
    apart = ("transformer_", "teacher_", "student_", "synthetic_")
    learned = {name: value for name, value in _learned(model) if name not in apart}
    rows, is_table = model.synthetic_, isinstance(model.synthetic_, pd.DataFrame)
    settings = {
        **model.get_params(deep=False),
        # the state of a generator of random numbers is no setting
        "random_state": model.random_state if isinstance(model.random_state, int) else None,
    }
    content = {
        "settings": to_config(settings),
        "learned": _dump({**learned, "_seed": model._seed}, "what it learned"),
        "transformer": model.transformer_.state_dict(),
        "teacher": _pack(model.teacher_, "The teacher"),
        "student": _pack(model.student_, "The student"),
        "rows": _pack_table(rows) if is_table else torch.from_numpy(rows),
    }
    with atomic_path(path) as temporary:
        torch.save(provenance(**{_KIND: content}), temporary)


def load_distilled(model_class: type[DistilledClassifier], path: str | Path, trust: Trust) -> Any:
    """Return the classifier of a file; see :meth:`DistilledClassifier.load`."""
    content = read_checkpoint(path, _KIND)[_KIND]
    reader = _Reader(path, trust)
    with telling_damage(path):
        reader.gate.admit(content["settings"])
        reader.gate.admit(content["transformer"], DATA)
        model = model_class(**{name: build(value) for name, value in content["settings"].items()})
        model.__dict__.update(reader.load(content["learned"]))
        model.transformer_ = TabularTransformer.from_state_dict(content["transformer"])
        model.teacher_, model.student_ = reader.unpack(content["teacher"]), reader.unpack(content["student"])
        rows = content["rows"]
        model.synthetic_ = rows.numpy() if isinstance(rows, Tensor) else reader.unpack_table(rows)
    return model


def _learned(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an estimator learned: the attributes that scikit-learn's convention ends in an underscore."""
    return ((name, value) for name, value in vars(estimator).items() if name.endswith("_"))


def _pack(estimator: Any, name: str) -> dict[str, Any]:
    """Return a fitted estimator in plain values."""
    # networks of ours take seconds to import, for which whoever has none need not wait
    from gan_imbalance.classifiers import NetworkClassifier

    if isinstance(estimator, CrossFittedEnsemble):
        learned = dict(_learned(estimator))
        members = {key: _pack(member, f"Member {key!r} of the teacher") for key, member in learned["members_"].items()}
        del learned["members_"]
        return {"settings": to_config(estimator), "learned": _dump(learned, name), "members": members}
    if isinstance(estimator, NetworkClassifier):
        settings = to_config(estimator)
        for key in ("network", "optimizer"):
            settings["init_args"][key] = to_config(factory(settings["init_args"][key]))
        learned = {key: value for key, value in _learned(estimator) if key != "module_"}
        module = complete_checkpoint(estimator.module_)
        return {"settings": settings, "learned": _dump(learned, name), "module": module}
    return {"estimator": _dump(estimator, name)}


class _Reader:
    """Makes what a file holds, but nothing that is not trusted.

    Args:
        path: of the file, for messages.
        trust: further packages or classes.
    """

    def __init__(self, path: str | Path, trust: Trust) -> None:
        self.path = path
        self.gate = Gate(path, trust)

    def unpack(self, packed: Mapping[str, Any]) -> Any:
        """Return the estimator that :func:`_pack` packed."""
        if "estimator" in packed:
            return self.load(packed["estimator"])
        self.gate.admit(packed["settings"])
        estimator = build(packed["settings"])
        estimator.__dict__.update(self.load(packed["learned"]))
        if "members" in packed:
            estimator.members_ = {name: self.unpack(member) for name, member in packed["members"].items()}
        else:
            from gan_imbalance.classifiers import Classifier, classifier_of

            admit_module(packed["module"], "classifier", Classifier, self.gate)
            estimator.module_ = classifier_of(packed["module"], self.path)
        return estimator

    def unpack_table(self, packed: Mapping[str, Tensor]) -> pd.DataFrame:
        """Return the table that :func:`_pack_table` packed."""
        table, forgotten = pd.read_parquet(BytesIO(packed["parquet"].numpy().tobytes())), self.load(packed["forgotten"])
        for name in forgotten["nan"]:
            table[name] = table[name].where(table[name].notna(), np.nan)
        categories = forgotten["categories"].items()
        return table.astype({name: pd.CategoricalDtype(values, ordered) for name, (values, ordered) in categories})

    def load(self, content: Tensor) -> Any:
        """Return what skops wrote, unless it needs types that are not trusted."""
        from skops.io import get_untrusted_types, loads

        data = content.numpy().tobytes()
        needed = {*get_untrusted_types(data=data)}
        # the packages that settings may name classes of hold other things, too
        if others := sorted(name for name in needed - {*_TRUSTED_TYPES} if not self.gate.is_given(name)):
            raise self.gate.refusal(*others)
        return loads(data, trusted=sorted(needed))


def _dump(value: Any, name: str) -> Tensor:
    """Return the bytes, uint8, that skops writes of an estimator, or of arrays and plain values."""
    from skops.io import dumps, get_untrusted_types
    from skops.io.exceptions import UnsupportedTypeException

    try:
        data = dumps(value, compression=ZIP_DEFLATED)
    # the first of what it knows and does not take, the others of what it does not know, such as tensors
    except (UnsupportedTypeException, RuntimeError, TypeError) as error:
        raise InputError(
            f"{name} cannot be saved without pickle ({error}): pickle the model, or take another."
        ) from error
    # inside of another estimator, networks of ours would be pulled to pieces that nobody should trust
    for kind in get_untrusted_types(data=data):
        if kind.startswith(("torch.", "gan_imbalance.")):
            raise InputError(
                f"{name} holds a {kind}, which cannot be saved without pickle: pickle the model, or take another."
            )
    return _as_tensor(data)


def _pack_table(table: pd.DataFrame) -> dict[str, Tensor]:
    """Return a table as a Parquet file, and what such a file may forget: categories, and NaN in place of None."""
    try:
        content = table.to_parquet(index=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The generated rows cannot be saved without pickle ({error}): give columns whose values are of one type."
        ) from error
    texts = table.select_dtypes(object)
    forgotten = {
        "categories": {
            name: (dtype.categories.to_numpy(), dtype.ordered)
            for name, dtype in table.dtypes.items()
            if isinstance(dtype, pd.CategoricalDtype)
        },
        "nan": [name for name in texts if any(isinstance(value, float) for value in texts[name])],
    }
    return {"parquet": _as_tensor(content), "forgotten": _dump(forgotten, "The form of the generated rows")}


def _as_tensor(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)
