"""A table, from wherever it lies, to a leak-proof split and tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.data.base import ImbalanceDataModule
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.loaders import Batch, SequentialLoader, TensorLoader, draw_by_level, pair_with_levels
from gan_imbalance.data.reading import FileOptions, beside, mark_missing, read_table
from gan_imbalance.data.schema import Derivation, TableSchema
from gan_imbalance.data.split import Part, connected_groups, duplicate_groups
from gan_imbalance.data.targets import find_classes, find_groups
from gan_imbalance.files import content_hash
from gan_imbalance.transforms.column_types import (
    ColumnType,
    convert_columns,
    infer_column_types,
    named_columns,
    require_columns,
    require_plain_values,
    with_text_names,
)
from gan_imbalance.transforms.constraints import Constraint
from gan_imbalance.transforms.frames import as_pandas
from gan_imbalance.transforms.levels import find_levels
from gan_imbalance.transforms.numeric import NumericTransform
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.transforms.written_numbers import (
    DecimalMark,
)
from gan_imbalance.types import (
    ClassSelection,
    ColumnName,
    DataKind,
    DataSpec,
    InputError,
    Label,
    Span,
    SyntheticSet,
    find_class,
    quoted,
)

Bundled = Literal["abalone", "breast_cancer", "wine", "digits", "iris"]
"""A table that is there without a file: ``abalone`` comes with this package, the others with scikit-learn."""

# those in the folder `bundled`, and their targets
_OWN_TARGETS = {"abalone": "old"}


@dataclass(frozen=True)
class Table:
    """A table as a model sees it; n rows.

    Attributes:
        features: n rows without target and dropped columns, derived columns in their new form.
        labels: class index of every row, int64 of shape (n,).
        classes: the values of the target, sorted.
        schema: the form that the table came in.
        column_types: what every feature holds. Like dtypes, they are judged by all rows; whatever is
            fitted is fitted on training rows.
        groups: equal for rows that stay on one side of every split, int64 of shape (n,): those with equal
            features and, if a column groups them, those of one group.
        test_rows: mask of the rows of the separate test file, shape (n,), if there is one.
        ordinal: levels, lowest first, of the columns whose order was named.
        constraints: what holds between columns of every row, and has to hold in synthetic ones.
    """

    kind: ClassVar[DataKind] = "table"

    features: pd.DataFrame
    labels: npt.NDArray[np.int64]
    classes: tuple[Label, ...]
    schema: TableSchema
    column_types: dict[str, ColumnType]
    groups: npt.NDArray[np.int64]
    test_rows: npt.NDArray[np.bool_] | None = None
    ordinal: dict[str, list[Label]] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()

    @cached_property
    def hash(self) -> str:
        """Return 16 hex digits that change with any value, and with the form that the table came in."""
        rows = pd.util.hash_pandas_object(self.features, index=False).to_numpy()
        told = [str(constraint) for constraint in self.constraints]
        form = content_hash([self.schema.to_dict(), self.column_types, self.classes, *told])
        return content_hash(rows.tobytes() + self.labels.tobytes() + form.encode())


def load_table(
    source: str | Path | pd.DataFrame,
    target: str,
    test_path: str | Path | None = None,
    numeric: Sequence[ColumnName] = (),
    categorical: Sequence[ColumnName] = (),
    ordinal: Mapping[str, Sequence[Label]] | None = None,
    dates: Sequence[ColumnName] = (),
    drop: Sequence[ColumnName] = (),
    derive: Mapping[str, Derivation] | None = None,
    missing_values: Sequence[str | int | float] = (),
    drop_duplicates: bool = False,
    group: str | None = None,
    constraints: Sequence[Constraint] = (),
    separator: str | None = None,
    encoding: str | None = None,
    decimal: DecimalMark | None = None,
) -> Table:
    """Read a table and find out what its columns hold.

    Args:
        source: file, see :func:`~gan_imbalance.data.reading.read_table`, or DataFrame. Column names become strings.
        target: column to predict.
        test_path: file of a separate test set, looked for beside ``source`` first.
        numeric: columns to treat as numbers.
        categorical: columns to treat as categories; one of mixed types keeps them.
        ordinal: levels, lowest first, of columns whose categories have an order.
        dates: columns to treat as dates or times; of text, all values are written in one format.
        drop: columns to leave out.
        derive: columns to see in another form (see :class:`~gan_imbalance.data.schema.TableSchema`).
        missing_values: texts or numbers that stand for a missing value, as empty cells do.
        drop_duplicates: keep only the first of several rows with equal features, as the model sees them
            and whatever their target; rows of the test file stay.
        group: column whose equal values stay on one side of every split; it is dropped from the features.
        constraints: what holds between columns of every row.
        separator: of CSV files, see :class:`~gan_imbalance.data.reading.FileOptions`.
        encoding: of CSV files.
        decimal: decimal mark of CSV files, and of texts in columns that are named numbers.

    Raises:
        InputError: if a file is missing, empty or unreadable, a name is unknown or a duplicate, the target has
            missing or mixed values or one class, the group is the target or has missing or mixed values,
            a column cannot be used, or a constraint speaks of a derived one.
    """
    gaps = _texts(missing_values)
    told = FileOptions(separator, encoding, decimal)
    frame = _load(source, gaps, told)
    test_rows = None
    if test_path is not None:
        test = _load(test_path if isinstance(source, pd.DataFrame) else beside(test_path, source), gaps, told)
        require_columns(frame.columns, test.columns, "the training file")
        test_rows = np.arange(len(frame) + len(test)) >= len(frame)
        frame = pd.concat([frame, test[frame.columns]], ignore_index=True)
    levels = {str(name): list(order) for name, order in (ordinal or {}).items()}
    numbers, categories, moments = _texts(numeric), _texts(categorical), _texts(dates)
    for option, names in (("numeric", numbers), ("categorical", categories), ("ordinal", levels), ("dates", moments)):
        require_columns(names, frame.columns, option)
        if target in names:
            raise InputError(f"{option} names {quoted(target)}, which is the target; leave it out.")
    left_out = _texts(drop)
    if group is not None:
        require_columns([group], frame.columns, "group")
        if group == target:
            raise InputError(f"group names {quoted(target)}, which is the target; leave it out.")
        left_out = [*left_out, group] if group not in left_out else left_out
    frame = convert_columns(frame, numbers, decimal)
    schema = TableSchema.of(frame, target, left_out, {str(name): how for name, how in (derive or {}).items()})
    for constraint in constraints:
        if derived := [name for name in constraint.names if name in schema.derivations]:
            raise InputError(
                f"The constraint {constraint} speaks of column {quoted(derived[0])}, which is derived; take it out of "
                "`derive`, or take the constraint out."
            )
    labels, classes = find_classes(frame[target])
    if len(classes) < 2:
        raise InputError(
            f"The target {quoted(target)} has one class only, {quoted(classes[0])}; at least two are needed."
        )
    features = schema.derive(frame)
    _require_values(features)
    orders = {name: levels[name] for name in _among(levels, features)}
    for name, order in orders.items():
        find_levels(features[name], order, "error")
    named = (_among(names, features) for names in (numbers, categories, orders, moments))
    types = infer_column_types(features, *named)
    duplicates = duplicate_groups(features)
    # Groups are connected while duplicates are still there: the one that stays is a row of all their groups.
    groups = duplicates if group is None else connected_groups(duplicates, find_groups(frame[group]))
    if drop_duplicates:
        kept = ~pd.Series(duplicates).duplicated().to_numpy()
        if test_rows is not None:
            kept |= test_rows
            test_rows = test_rows[kept]
        features, labels, groups = features[kept].reset_index(drop=True), labels[kept], groups[kept]
    return Table(features, labels, classes, schema, types, groups, test_rows, orders, tuple(constraints))


class TabularDataModule(ImbalanceDataModule):
    """One table, split once, as batches for a GAN or a classifier (see :class:`ImbalanceDataModule`).

    Exactly one of ``path``, ``bundled``, ``openml`` and ``frame`` says where the table is.

    Args:
        path: CSV or ARFF (also compressed), Parquet or Excel file, see :func:`~gan_imbalance.data.reading.read_table`.
        bundled: a data set that comes with scikit-learn, or ``abalone`` (4,177 rows, 6.2 % of them rare), which
            comes with this package.
        openml: name or number of a data set on OpenML.
        frame: a table of pandas, polars or Arrow, from Python.
        test_path: file of a separate test set; a relative path is looked for beside ``path`` first.
        target: column to predict; bundled and OpenML data sets know theirs.
        numeric: columns to treat as numbers; others are inferred.
        categorical: columns to treat as categories; others are inferred.
        ordinal: levels, lowest first, of columns whose categories have an order, by column.
        dates: columns to treat as dates or times; others are inferred.
        drop: columns to leave out.
        derive: columns to see in another form: ``hour_of_day`` (from seconds) or ``log10`` (of x + 1).
        missing_values: texts or numbers that stand for a missing value, as empty cells do: "?", "NA", -999.
        drop_duplicates: keep only the first of several rows with equal features.
        group: column that says which rows belong together, such as a patient or customer: they stay on one
            side of every split. An identifier, it is dropped from the features.
        clusters: number of KMeans clusters of the one class that is learned, which become the GAN's
            conditions. They are never classes.
        numeric_transform: what continuous numbers become: normal quantiles, standardised, in [-1, 1], or in [-1, 1]
            within a mode of their distribution (``modes``).
        point_masses: whether single numbers that far more rows hold than those beside them, such as zeros, become
            categories of their own beside the continuous feature.
        constraints: what holds between columns of the training rows, and will hold in synthetic rows; they speak of
            columns that are not derived.
        max_levels: categories of a column that a network sees one by one; where there are more, the rarest are one.
        separator: between the fields of CSV files: one character, or ``tab``; found by itself if None.
        encoding: of CSV files, such as ``cp1250``; found by itself if None.
        decimal: decimal mark of numbers in CSV files, and of texts in columns that are named numbers; the other one
            marks thousands. If None, it is found by itself in files whose fields are not separated by commas.
        kwargs: see :class:`ImbalanceDataModule`; ``seed`` is that of the clusters, too.

    Example:
        Make a class rare. Whatever is kept of it, the test part stays the same:

        >>> from gan_imbalance import TabularDataModule
        >>> few, all_rows = (TabularDataModule(bundled="breast_cancer", keep=keep) for keep in ({"0": 30}, None))
        >>> few.setup(), all_rows.setup()
        (None, None)
        >>> few.class_counts(), all_rows.class_counts()
        ([30, 250], [149, 250])
        >>> bool((few.split.test == all_rows.split.test).all())
        True
    """

    sources: ClassVar[tuple[str, ...]] = ("given_frame",)

    def __init__(
        self,
        path: str | None = None,
        bundled: Bundled | None = None,
        openml: int | str | None = None,
        frame: Any = None,
        test_path: str | None = None,
        target: str | None = None,
        numeric: Sequence[ColumnName] = (),
        categorical: Sequence[ColumnName] = (),
        ordinal: dict[str, list[Label]] | None = None,
        dates: Sequence[ColumnName] = (),
        drop: Sequence[ColumnName] = (),
        derive: dict[str, Derivation] | None = None,
        missing_values: Sequence[str | int | float] = (),
        drop_duplicates: bool = False,
        group: str | None = None,
        clusters: int | None = None,
        numeric_transform: NumericTransform = "quantile",
        max_levels: int = 100,
        point_masses: bool = True,
        constraints: Sequence[Constraint] = (),
        separator: str | None = None,
        encoding: str | None = None,
        decimal: DecimalMark | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.bundled = bundled
        self.openml = openml
        self.given_frame = as_pandas(frame)
        self.test_path = test_path
        self.target = target
        self.numeric = numeric
        self.categorical = categorical
        self.ordinal = ordinal
        self.dates = dates
        self.drop = drop
        self.derive = derive
        self.missing_values = missing_values
        self.drop_duplicates = drop_duplicates
        self.group = group
        self.clusters = clusters
        self.numeric_transform = numeric_transform
        self.max_levels = max_levels
        self.point_masses = point_masses
        self.constraints = constraints
        # `encoding` is a property of all data modules
        self.file_options = FileOptions(separator, encoding, decimal)
        self.transformer: TabularTransformer
        self._centres: Tensor | None = None
        if sum(source is not None for source in (path, bundled, openml, frame)) != 1:
            raise InputError("Say where the table is by exactly one of path, bundled, openml and frame.")
        if bundled is not None and bundled not in get_args(Bundled):
            raise InputError(f"bundled is {quoted(bundled)}; name one of {', '.join(get_args(Bundled))}.")
        if max_levels < 1:
            raise InputError(f"max_levels is {max_levels}; it must be at least 1.")
        if frame is not None and not isinstance(self.given_frame, pd.DataFrame):
            raise InputError(
                f"frame is a {type(frame).__name__}; give a table of pandas, polars or Arrow with the target in it."
            )

    @cached_property
    def samples(self) -> Table:
        """The whole table as a model sees it."""
        source, own_target = self._source()
        target = self.target or own_target
        if target is None:
            raise InputError("Name the column to predict with target (on the command line: --data.target).")
        return load_table(
            source,
            target,
            test_path=self.test_path,
            numeric=self.numeric,
            categorical=self.categorical,
            ordinal=self.ordinal,
            dates=self.dates,
            drop=self.drop,
            derive=self.derive,
            missing_values=self.missing_values,
            drop_duplicates=self.drop_duplicates,
            group=self.group,
            constraints=self.constraints,
            separator=self.file_options.separator,
            encoding=self.file_options.encoding,
            decimal=self.file_options.decimal,
        )

    @property
    def table(self) -> Table:
        """The same as :attr:`samples`."""
        return self.samples

    @property
    def encoding(self) -> dict[str, Any]:
        """What becomes of columns, and what conditions are."""
        names = ("numeric_transform", "max_levels", "point_masses", "clusters", "balanced")
        constraints = [constraint.to_config() for constraint in self.constraints]
        return {**{name: getattr(self, name) for name in names}, "constraints": constraints}

    @property
    def schema(self) -> TableSchema:
        """The form that the table came in."""
        return self.table.schema

    def prepare_data(self) -> None:
        """Download an OpenML data set, in one process only."""
        if self.openml is not None and "samples" not in self.__dict__:
            self._source()

    def fit_encoding(self, trained: tuple[int, ...], given: Mapping[str, Any]) -> DataSpec:
        """Fit the encoding on the training rows of the classes that are learned, or take the one that is given."""
        rows = self._rows_of("train", trained)
        if given:
            self.transformer = TabularTransformer.from_state_dict(given["transformer"])
        else:
            self.transformer = self._fit_transformer(rows)
        conditions, weights = trained, (1.0,) * len(trained)
        self._centres = None
        if self.clusters is not None:
            self._centres, weights = self._cluster(rows, self.clusters, trained)
            conditions = trained * self.clusters
        return DataSpec(
            kind="table",
            shape=(self.transformer.width,),
            classes=self.table.classes,
            spans=self.transformer.spans,
            condition_classes=conditions,
            condition_weights=weights,
        )

    def frame(self, part: Part, selection: ClassSelection = "all") -> tuple[pd.DataFrame, Indices]:
        """Return the rows of a part as a model sees them, and their class indices, shape (n,)."""
        rows = self.rows(part, selection)
        return self.table.features.iloc[rows], self.table.labels[rows]

    def stored(self, rows: Indices) -> Tensor:
        """Return encoded rows, float32 of shape (n, d).

        Categories and missing values that the fitted rows did not have are left without a bit.
        """
        return torch.from_numpy(self.transformer.transform(self.table.features.iloc[rows], unknown="ignore"))

    def stored_synthetic(self, synthetic: Any) -> Batch:
        """Return the encoded rows of a :class:`SyntheticSet`, (n, d), and their class indices, (n,)."""
        if not isinstance(synthetic, SyntheticSet):
            raise InputError("The synthetic samples are images, but the data are a table; give synthetic rows of it.")
        features = self.transformer.transform(self.schema.derive(synthetic.rows))
        target = synthetic.rows[synthetic.target]
        classes = {label: find_class(label, self.spec.classes) for label in target.unique().tolist()}
        return torch.from_numpy(features), torch.from_numpy(target.map(classes).to_numpy(dtype="int64"))

    def as_exported(self, features: Tensor) -> Tensor:
        """Return encoded samples, shape (n, d), as they look after export to the input's form and back.

        A sample is judged like this, since export rounds numbers and picks one category.
        """
        labels = [self.table.classes[0]] * len(features)
        exported = self.schema.restore(self.transformer.inverse_transform(features), labels)
        return torch.from_numpy(self.transformer.transform(self.schema.derive(exported)))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs to decode samples: plain values and tensors only."""
        return {
            "transformer": self.transformer.state_dict(),
            "schema": self.schema.to_dict(),
            "split_hash": self.split.hash,
        }

    def train_dataloader(self) -> TensorLoader:
        """Return random batches of the training rows: by their levels, where the module is conditioned on these."""
        loader = super().train_dataloader()
        if columns := self._told_columns():
            sizes, num_classes = [span.size for span in columns], self.spec.num_conditions
            pairs = self._with_levels(loader.features, loader.labels, columns)
            by_level = draw_by_level(pairs, sizes, num_classes, self.balanced)
            loader.labels, loader.labels_per_row = pairs.flatten(0, 1), len(columns)
            loader.draw = lambda: by_level
        return loader

    def _source(self) -> tuple[str | pd.DataFrame, str | None]:
        """Return the table or its path, and the target that it is known to have."""
        if self.bundled is not None:
            return _load_bundled(self.bundled)
        if self.openml is not None:
            return _fetch_openml(self.openml)
        return self.path or self.given_frame, None

    def _fit_transformer(self, rows: Indices) -> TabularTransformer:
        transformer = TabularTransformer(
            self.numeric_transform,
            ordinal_columns=self.table.ordinal,
            max_levels=self.max_levels,
            point_masses=self.point_masses,
            constraints=self.constraints,
            **named_columns(self.table.column_types),
        )
        return transformer.fit(self.table.features.iloc[rows])

    def _conditions(self, stored: Tensor, labels: Indices) -> Tensor:
        conditions = super()._conditions(stored, labels)
        if self._centres is None:
            return conditions
        return torch.where(conditions < 0, -1, torch.cdist(stored, self._centres).argmin(dim=1))

    def _cluster(self, rows: Indices, clusters: int, trained: Sequence[int]) -> tuple[Tensor, tuple[float, ...]]:
        """Return the centres of KMeans, shape (clusters, d), and the share of the rows in each."""
        if len(trained) != 1 or not 2 <= clusters <= rows.size:
            raise InputError(
                f"clusters is {clusters}, but it cuts a single class of at least that many training rows "
                f"into 2 or more; here {len(trained)} class(es) with {rows.size} rows are learned."
            )
        from sklearn.cluster import KMeans

        features = self.transformer.transform(self.table.features.iloc[rows])
        kmeans = KMeans(clusters, n_init=10, random_state=self.seed).fit(features)
        shares = np.bincount(kmeans.labels_, minlength=clusters) / rows.size
        return torch.from_numpy(kmeans.cluster_centers_.astype(np.float32)), tuple(shares.tolist())

    def _told_columns(self) -> tuple[Span, ...]:
        """Return the columns on whose levels the module is conditioned beside the class, if it is."""
        return self.spec.categorical_columns if getattr(self._module(), "conditional_on_levels", False) else ()

    def _with_levels(self, features: Tensor, conditions: Tensor, columns: Sequence[Span]) -> Tensor:
        """Return the class and the level of every row (n, d) and column: (n, columns, 2)."""
        levels = torch.stack([features[:, span.start : span.stop].argmax(dim=1) for span in columns], dim=1)
        return pair_with_levels(conditions, levels, [span.size for span in columns], self.spec.num_conditions)

    def _sequential(self, part: Part) -> SequentialLoader | list[Any]:
        loader = super()._sequential(part)
        columns = self._told_columns()
        if isinstance(loader, SequentialLoader) and columns:
            # of every row one column, in turn
            rows = torch.arange(len(loader.labels), device=loader.labels.device)
            pairs = self._with_levels(loader.features, loader.labels, columns)
            loader.labels = pairs[rows, rows % len(columns)]
        return loader


def _load(source: str | Path | pd.DataFrame, missing_values: Sequence[str], options: FileOptions) -> pd.DataFrame:
    """Return the table of a file or DataFrame, with its missing values marked."""
    if not isinstance(source, pd.DataFrame):
        return read_table(source, missing_values, options)
    if source.empty:
        raise InputError("The DataFrame has no rows or no columns; give a table with both.")
    frame = with_text_names(source).reset_index(drop=True)
    require_plain_values(frame)
    return mark_missing(frame, missing_values)


def _texts(names: Sequence[ColumnName]) -> list[str]:
    """Return names of columns, or values, as texts: YAML and Python may give those that are numbers as such."""
    return [str(name) for name in names]


def _require_values(features: pd.DataFrame) -> None:
    empty = features.columns[features.isna().all()]
    if len(empty):
        raise InputError(f"Column {quoted(empty[0])} has no value in any row; drop it (drop: [{quoted(empty[0])}]).")


def _among(names: Iterable[str], features: pd.DataFrame) -> list[str]:
    return [name for name in names if name in features.columns]


def _load_bundled(name: Bundled) -> tuple[pd.DataFrame, str]:
    if name in _OWN_TARGETS:
        with resources.as_file(resources.files("gan_imbalance.data") / "bundled" / f"{name}.csv.gz") as path:
            return read_table(path), _OWN_TARGETS[name]
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(as_frame=True).frame, "target"


def _fetch_openml(name: int | str) -> tuple[pd.DataFrame, str | None]:
    from sklearn.datasets import fetch_openml

    number = int(name) if str(name).isdigit() else None
    try:
        fetched = fetch_openml(name=None if number else str(name), data_id=number, as_frame=True)
    except (OSError, ValueError) as error:
        raise InputError(f"OpenML data set {quoted(name)} cannot be fetched: {error}") from error
    return fetched.frame, fetched.target_names[0] if fetched.target_names else None
