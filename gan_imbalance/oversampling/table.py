"""Whatever writes rows, first of all a GAN, as an imbalanced-learn over-sampler."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from pytorch_lightning.callbacks import Timer
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from gan_imbalance.components import build
from gan_imbalance.data import TabularDataModule
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.metrics import warn_of_collapse
from gan_imbalance.oversampling.core import (
    Budget,
    GeneratorOverSampler,
    class_seed,
    draw_seed,
    plain_label,
    refuse_parameters,
)
from gan_imbalance.oversampling.training import EPOCHS
from gan_imbalance.synthesis import generate
from gan_imbalance.transforms.column_types import ColumnType, as_table, infer_column_types, require_unique
from gan_imbalance.transforms.constraints import Constraint
from gan_imbalance.transforms.dtypes import as_dtype, is_null, require_plain, with_columns
from gan_imbalance.transforms.frames import as_pandas, with_rows_of
from gan_imbalance.transforms.numeric import NumericTransform
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.types import InputError, Label

_STEPS = 150

_ADAM = {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 2e-3}}

DEFAULT_GAN: dict[str, Any] = {
    "class_path": "gan_imbalance.gans.WassersteinGAN",
    "init_args": {
        "generator": {
            "class_path": "gan_imbalance.networks.DenseGenerator",
            "init_args": {"widths": [128, 128], "linear_skip": True},
        },
        "discriminator": {
            "class_path": "gan_imbalance.networks.DenseDiscriminator",
            "init_args": {"widths": [128, 128], "activation": "leaky_relu"},
        },
        "penalty": {"class_path": "gan_imbalance.losses.WassersteinGradientPenalty", "init_args": {"weight": 1.0}},
        "discriminator_steps": 2,
        "instance_noise": 0.15,
        "generator_optimizer": _ADAM,
        "discriminator_optimizer": _ADAM,
    },
}
"""A small Wasserstein GAN for classes of a few hundred rows, ``configs/gan/wasserstein_gan_small_data.yaml`` with four
times its learning rate. Chosen on validation rows of ten tables of at most 600 rows (cut as in
``tests/test_oversampling.py``): in 150 steps it comes as close to them as with half the rate in 300."""


class TableOverSampler(BaseOverSampler):  # type: ignore[misc]
    """Tops up rare classes of a table, categories and missing values included; who writes the rows is left open.

    It takes arrays, sparse matrices, lists, and tables of pandas, polars and Arrow. The original rows come first,
    unchanged, in the result; names, dtypes and form are those of the input.

    Args:
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: names of columns to take as categories, where their type does not tell; a column of an array is
            named by its number: ``"0"``.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        synthetic_: the rows added, with their target (called as it is, or "target"), as a DataFrame whose columns are
            named by strings.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, if X has names and all are strings.

    Example:
        A remedy of one's own writes the rows of one class, and takes and returns whatever form the table has:

        >>> from gan_imbalance import TableOverSampler
        >>> class Repetition(TableOverSampler):
        ...     def _generate(self, table, target, label, count, seed):
        ...         return table[table[target] == label].sample(count, replace=True, random_state=seed)
        >>> X, y = Repetition().fit_resample([["red", 1], ["red", 2], ["blue", 3]], ["no", "no", "yes"])
        >>> X
        [['red', 1], ['red', 2], ['blue', 3], ['blue', 3]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "categorical": ["array-like", None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        categorical: list[str] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.categorical = categorical
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return imbalanced-learn's tags: sparse matrices, DataFrames, text, categories and gaps are taken."""
        tags = super().__sklearn_tags__()
        for kind in ("sparse", "dataframe", "string", "categorical", "allow_nan"):
            setattr(tags.input_tags, kind, True)
        return tags

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """Return the original rows and then those added, and their labels; see imbalanced-learn.

        Raises:
            InputError: if labels are missing, of mixed types or no text that files can hold, X is a masked array or a
                LazyFrame, a column cannot be learned, or there are parameters, such as ``sample_weight``.
            ValueError: and TypeError, by scikit-learn and imbalanced-learn, if X or y have not the form that these ask
                for.
        """
        refuse_parameters(params)
        given, given_labels = X, y
        X, y = as_pandas(X), as_pandas(y)
        if isinstance(X, np.ma.MaskedArray):
            raise InputError("X is a masked array, whose mask is not learned; give X.filled(numpy.nan).")
        _require_labels(y)
        more, labels = super().fit_resample(X, y)
        return with_rows_of(given, more), with_rows_of(given_labels, labels)

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, Any, bool]:
        """Return X as it is, lists as arrays; y as a vector; and whether y was encoded one-vs-all."""
        X, y = as_pandas(X), as_pandas(y)
        self._target = str(getattr(y, "name", None) or "target")
        y, binarize_y = check_target_type(y.to_numpy() if isinstance(y, pd.DataFrame) else y, indicate_one_vs_all=True)
        if isinstance(X, pd.DataFrame):
            require_unique(X.columns)
        else:
            # the rows of a list may mix numbers and text, and all would become text
            given = np.array(X, dtype=object) if isinstance(X, list) else X
            X = check_array(given, accept_sparse=True, dtype=None, ensure_all_finite=False)
        check_consistent_length(X, y)
        validate_data(self, X, skip_check_array=True)
        return X, np.asarray(y), binarize_y

    def _fit_resample(self, X: Any, y: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[Any]]:
        features = as_table(X)
        target = self._target
        while target in features.columns:
            target += "_"
        # one type of category holds what one of text or numbers could not
        mixed = {name: "category" for name in features.columns if _is_mixed(features[name])}
        table = with_columns(features.astype(mixed), {target: y})
        self._seed = draw_seed(self.random_state)
        classes = np.unique(y).tolist()
        dtypes = {**features.dtypes, target: table[target].dtype}
        added = [_as_dtypes(table.iloc[:0], dtypes)]
        for label, count in self.sampling_strategy_.items():
            if count:
                own_seed = class_seed(self._seed, classes.index(plain_label(label)))
                rows = self._generate(table, target, label, int(count), own_seed)
                added.append(_as_dtypes(rows.reindex(columns=table.columns), dtypes))
        self.synthetic_ = pd.concat(added, ignore_index=True)
        labels = self.synthetic_[target].to_numpy().astype(y.dtype)
        return _append(X, self.synthetic_[features.columns]), np.concatenate([y, labels])

    @abstractmethod
    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        """Return further rows of a class, in the columns of the table.

        Args:
            table: all rows, with their target.
            target: name of the target column.
            label: the class, as the target column holds it.
            count: how many rows, at least 1.
            seed: no other class has the same.
        """

    def _column_types(self, features: pd.DataFrame) -> dict[str, ColumnType]:
        """Return what every column holds, judged by all rows, as the data modules do."""
        named = self.categorical or ()
        return infer_column_types(features, (), named)


class GANOverSampler(TableOverSampler, GeneratorOverSampler):
    """Tops up rare classes with rows that a GAN made.

    A conditional GAN learns all classes at once; of an unconditional one, each class to be topped up gets its own. A
    :class:`~gan_imbalance.gans.MinorityTransferGAN` first learns the rows of all other classes as one class, and then
    the class: what it learned first is kept in ``cache``, for all that start alike. The original rows come first,
    unchanged, in the result; names, dtypes and form are those of the input, which may be an array, a sparse matrix, a
    list, or a table of pandas, polars or Arrow. A class whose rows are all equal, such as a single one, has nothing to
    learn from: its row is repeated, with a warning. A generator that repeats itself or leaves out kinds of rows is
    warned of too (:class:`~gan_imbalance.metrics.CollapseWarning`).

    Args:
        gan: name of a GAN of ours (``"WassersteinGAN"``), a subclass of :class:`BaseGenerator`, an instance (whose
            settings are used, not its weights), or a ``class_path`` dict. None takes a small Wasserstein GAN that
            learns fast (:data:`DEFAULT_GAN`).
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        max_steps: generator steps of every GAN; 0 samples from an untrained generator.
        epochs: passes of every GAN over the rows that it learns.
        max_time: seconds that training may take, for all GANs together, or a time as Lightning takes it
            (``"00:00:05:00"`` is five minutes). Training ends by whichever of ``max_steps``, ``epochs`` and
            ``max_time`` is reached first; where none is given, after 150 steps.
        pretrain_steps: how many of the steps a minority transfer takes before it sees the class (its own
            ``pretrain_epochs`` and ``pretrain_classes`` do not count here); 0, with nothing frozen, is its control
            from scratch. None takes half of them, and half of the time.
        batch_size: real rows per discriminator step.
        ema_decay: of the generator's moving average.
        validation_fraction: share of rows held out to choose the checkpoint by the two-sample test; 0 trains on
            all rows and takes the last one.
        numeric_transform: what numeric columns become (see :class:`TabularTransformer`); None takes ``quantile``.
        max_levels: categories of a column that a network sees one by one; where there are more, the rarest are one.
            None takes 100.
        point_masses: whether single numbers that far more rows hold than those beside them become categories of their
            own. None means that they do.
        clusters: number of KMeans clusters of each class, on which a conditional GAN is conditioned instead;
            it then learns each class by itself. For these four, :meth:`top_up` takes None as whatever the data say.
        categorical: names of columns to take as categories, where their type does not tell; a column of an array is
            named by its number: ``"0"``.
        ordinal: levels, lowest first, of columns whose categories have an order, by column.
        dates: names of columns to take as dates or times, such as those of text.
        constraints: what holds between columns of the rows, and will hold in every added one (see
            :mod:`~gan_imbalance.transforms.constraints`), or their ``class_path`` dicts.
        calibrate: whether numeric columns get the marginals of the training rows, as far as 1,000 quantiles tell them;
            for unconditional GANs.
        cache: folder where pretrained GANs are kept, by a hash of all that they depend on.
        accelerator: Lightning's: ``"auto"``, ``"cpu"``, ``"gpu"``, ...
        verbose: whether to show a progress bar.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        gans_: the trained GAN of every class that was topped up, except those with nothing to learn from.
        synthetic_: the rows added, with their target, as a DataFrame whose columns are named by strings.
        history_: per epoch of training, the class, step and last losses and metrics.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, if X has names and all are strings.

    Example:
        Over-sample as with SMOTE; the rows stay in the form, and here in the range, of the class they are added to:

        >>> from sklearn.datasets import load_breast_cancer
        >>> from gan_imbalance import GANOverSampler
        >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        >>> sampler = GANOverSampler(max_steps=10, random_state=0)
        >>> X_more, y_more = sampler.fit_resample(X, y)
        >>> y_more.value_counts().to_dict()
        {0: 357, 1: 357}
        >>> bool(sampler.synthetic_["mean area"].between(*X["mean area"][y == 0].agg(["min", "max"])).all())
        True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TableOverSampler._parameter_constraints,
        "max_steps": [Interval(Integral, 0, None, closed="left"), None],
        "epochs": [Interval(Integral, 0, None, closed="left"), None],
        "max_time": [Interval(Real, 0, None, closed="neither"), str, timedelta, dict, None],
        "pretrain_steps": [Interval(Integral, 0, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "numeric_transform": [StrOptions(set(get_args(NumericTransform))), None],
        "max_levels": [Interval(Integral, 1, None, closed="left"), None],
        "point_masses": ["boolean", None],
        "clusters": [Interval(Integral, 2, None, closed="left"), None],
        "ordinal": [dict, None],
        "dates": ["array-like", None],
        "constraints": ["array-like", None],
        "calibrate": ["boolean"],
        "accelerator": [str],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        gan: str | type[BaseGenerator] | BaseGenerator | Mapping[str, Any] | None = None,
        *,
        sampling_strategy: Any = "auto",
        max_steps: int | None = None,
        epochs: int | None = None,
        max_time: float | str | timedelta | dict[str, int] | None = None,
        pretrain_steps: int | None = None,
        batch_size: int = 128,
        ema_decay: float = 0.99,
        validation_fraction: float = 0.0,
        numeric_transform: NumericTransform | None = None,
        max_levels: int | None = None,
        point_masses: bool | None = None,
        clusters: int | None = None,
        categorical: list[str] | None = None,
        ordinal: dict[str, list[Label]] | None = None,
        dates: list[str] | None = None,
        constraints: Sequence[Constraint | Mapping[str, Any]] | None = None,
        calibrate: bool = False,
        cache: str | Path | None = None,
        accelerator: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, categorical=categorical, random_state=random_state)
        self.gan = gan
        self.max_steps = max_steps
        self.epochs = epochs
        self.max_time = max_time
        self.pretrain_steps = pretrain_steps
        self.batch_size = batch_size
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.numeric_transform = numeric_transform
        self.max_levels = max_levels
        self.point_masses = point_masses
        self.clusters = clusters
        self.ordinal = ordinal
        self.dates = dates
        self.constraints = constraints
        self.calibrate = calibrate
        self.cache = cache
        self.accelerator = accelerator
        self.verbose = verbose

    def _fit_resample(self, X: Any, y: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[Any]]:
        self._data: TabularDataModule | None = None
        try:
            return super()._fit_resample(X, y)
        finally:
            del self._data

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        # the same for all classes
        if self._data is None:
            self._data = TabularDataModule(
                frame=table,
                target=target,
                # a column without any value cannot be learned, and stays so
                drop=[name for name in table.columns if table[name].isna().all()],
                categorical=self.categorical or (),
                ordinal=self.ordinal,
                dates=self.dates or (),
                constraints=self._constraints(),
                test_fraction=0.0,
                validation_fraction=0.0,
            )
        data, name = self._data, plain_label(label)
        made = self._make(data, data.samples.classes.index(name), count, seed)
        return data.schema.restore(made, [name] * count)

    @property
    def _given(self) -> Any:
        return DEFAULT_GAN if self.gan is None else self.gan

    def _check_data(self, data: Any) -> None:
        if not isinstance(data, TabularDataModule):
            raise InputError(f"{type(self).__name__} tops up tables: use ImageOverSampler for images.")
        for option in ("categorical", "ordinal", "dates"):
            if getattr(self, option):
                raise InputError(
                    f"The over-sampler has {option}, but what a column is, the data say: move it to the data's "
                    f"{option}."
                )

    def _adapted(self, data: TabularDataModule) -> TabularDataModule:
        changes = {
            "numeric_transform": self.numeric_transform,
            "max_levels": self.max_levels,
            "point_masses": self.point_masses,
            "clusters": self.clusters,
            "constraints": self._constraints() or None,
        }
        return data.adapted(**{name: value for name, value in changes.items() if value is not None})

    def _repeated(self, data: TabularDataModule, index: int, count: int, together: bool) -> pd.DataFrame | None:
        features, own = data.samples.features, _rows_of(data, index)
        learned = data.split.train if together else own
        if (features.iloc[learned].nunique(dropna=False) > 1).any():
            return None
        warnings.warn(
            f"All {len(learned)} row(s) to learn class {data.samples.classes[index]!r} from are equal: there is "
            "nothing to learn, so they are repeated.",
            stacklevel=2,
        )
        repeated: pd.DataFrame = features.iloc[own[[0] * count]].reset_index(drop=True)
        return repeated

    def _sampled(self, gan: BaseGenerator, data: TabularDataModule, index: int, count: int, seed: int) -> pd.DataFrame:
        made: pd.DataFrame = generate(gan, torch.full((count,), index), seed, self.calibrate)
        transformer = TabularTransformer.from_state_dict(gan.data_state["transformer"])
        # judged as the generator saw them
        own = data.samples.features.iloc[_rows_of(data, index)]
        real, synthetic = (transformer.transform(rows, "ignore") for rows in (own, made))
        warn_of_collapse(real, synthetic, seed)
        return made

    def _joined(self, data: TabularDataModule, made: list[pd.DataFrame]) -> pd.DataFrame:
        none: pd.DataFrame = data.samples.features.iloc[:0]
        return pd.concat([none, *made], ignore_index=True).astype(none.dtypes)

    def _constraints(self) -> list[Constraint]:
        return [build(constraint) for constraint in self.constraints or ()]

    def _budget(self, rows: int, together: bool) -> Budget:
        limits = [] if self.max_steps is None else [int(self.max_steps)]
        if self.epochs is not None:
            limits.append(int(self.epochs) * -(-rows // self.batch_size))
        if self.max_time is None:
            return Budget(min(limits, default=_STEPS))
        given = self.max_time
        time = given if isinstance(given, str | dict | timedelta) else timedelta(seconds=float(given))
        seconds = Timer(time).time_remaining()
        assert seconds is not None, "a timer with a duration has time left"
        gans = 1 if together else sum(count > 0 for count in self.sampling_strategy_.values())
        return Budget(min(limits, default=-1), timedelta(seconds=seconds / gans))

    def _training(self, gan: BaseGenerator, data: TabularDataModule, budget: Budget, seed: int) -> dict[str, Any]:
        steps_per_epoch = max(1, (_STEPS if budget.steps < 0 else budget.steps) // EPOCHS)
        batches = data.adapted(classes=None, batch_size=self.batch_size, steps_per_epoch=steps_per_epoch, seed=seed)
        return {
            "data": batches,
            "max_steps": budget.steps,
            "max_time": budget.time,
            "ema_decay": self.ema_decay,
            "monitor": self._hold_out(batches, seed),
            "accelerator": self.accelerator,
            "verbose": self.verbose,
        }


def _require_labels(y: Any) -> None:
    """Refuse labels that cannot tell classes; where they are no plain sequence, scikit-learn judges their form."""
    is_plain = isinstance(y, pd.Series) or (isinstance(y, np.ndarray) and y.ndim == 1)
    if isinstance(y, list):
        is_plain = not any(isinstance(label, list | tuple | np.ndarray) for label in y)
    if not is_plain:
        return
    labels = pd.Series(y, dtype=None if len(y) else object).rename("y")
    require_plain(labels)
    if missing := int(labels.isna().sum()):
        raise InputError(f"y is NaN or missing in {missing} of {len(labels)} rows; remove those rows or fill them in.")
    if pd.api.types.infer_dtype(labels, skipna=False) in ("mixed", "mixed-integer"):
        raise InputError("y mixes types; write all its classes alike.")


def _as_dtypes(rows: pd.DataFrame, dtypes: Mapping[str, Any]) -> pd.DataFrame:
    empty = {name: as_dtype(rows[name], dtype) for name, dtype in dtypes.items() if is_null(dtype)}
    return with_columns(rows.astype({name: dtypes[name] for name in dtypes if name not in empty}), empty)


def _rows_of(data: TabularDataModule, index: int) -> Indices:
    """Return the training rows of a class."""
    train = data.split.train
    own: Indices = train[data.samples.labels[train] == index]
    return own


def _is_mixed(column: pd.Series[Any]) -> bool:
    """Return whether a column holds values of several types, or text of which some but not all could be numbers."""
    content = pd.api.types.infer_dtype(column, skipna=True)
    if content == "string":
        numbers = pd.to_numeric(pd.Series(column.dropna().unique()), errors="coerce").notna()
        return bool(numbers.any() and not numbers.all())
    return content.startswith("mixed") and content != "mixed-integer-float"


def _append(X: Any, added: pd.DataFrame) -> Any:
    """Return the rows of X as they are and then those added, in the form of X."""
    if isinstance(X, pd.DataFrame):
        added = _as_dtypes(added, dict(zip(added.columns, X.dtypes, strict=True))).set_axis(X.columns, axis=1)
        return pd.concat([X, added], ignore_index=True)
    values = added.to_numpy(dtype=X.dtype)
    if sparse.issparse(X):
        return sparse.vstack([X, type(X)(values)], format=X.format)
    return np.concatenate([X, values])
