"""A table in a comparison: how its rows are shown to samplers and classifiers, kept in files, judged and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.comparison import plots
from gan_imbalance.comparison.adapters import DataAdapter
from gan_imbalance.comparison.plots import Plot
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.schema import TableSchema
from gan_imbalance.data.tables import Table
from gan_imbalance.quality import evaluate_synthetic
from gan_imbalance.transforms.column_types import named_columns
from gan_imbalance.transforms.dtypes import Features
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.types import DataKind, Label, Span

# pairs of columns, the same ones for all remedies; more would take longer than many a remedy
_JUDGED_PAIRS = 50
_SHOWN_COLUMNS = 4
_CLASS = "class_index"


@dataclass(frozen=True)
class TableAdapter(DataAdapter):
    """:class:`~gan_imbalance.comparison.adapters.DataAdapter` of a table; content is a DataFrame of features."""

    kind: ClassVar[DataKind] = "table"
    suffix: ClassVar[str] = ".parquet"
    shown_quality: ClassVar[tuple[str, ...]] = (
        "two_sample_trees",
        "column_shapes",
        "pair_trends",
        "mode_coverage",
        "exact_copies",
        "closest_record_share",
        "membership_auc",
    )
    quality_text: ClassVar[str] = (
        "Two-sample accuracy, closest records and membership inference compare with real validation rows (0.5 is best "
        "in all three); shapes, pair trends and modes (1 is best) and copies (0 is best) with training rows. No test "
        "row is looked at."
    )
    quality_method: ClassVar[str] = (
        "All rows that a remedy makes for a split, at most 1,000 of each kind drawn at random (10,000 for shapes and "
        f"trends). Shapes and trends (at most {_JUDGED_PAIRS} pairs of columns, the same for all remedies) are "
        "sdmetrics'; two-sample accuracy is that of boosted trees (Lopez-Paz and Oquab, 2017), mean of five halvings; "
        "modes are up to twenty KMeans clusters; distances are Euclidean between encoded rows, and training and "
        "validation rows equally many (Platzer and Reutterer, 2021; Chen et al., 2020). quality.csv has the figures, "
        "results.csv those of every split. With few validation rows they are rough."
    )

    samples: Table

    @cached_property
    def transformer(self) -> TabularTransformer:
        """The encoding that classifiers and imbalanced-learn's samplers see."""
        table = self.samples
        # a classifier needs no states, and SMOTE would copy them from a neighbour
        transformer = TabularTransformer(
            "standard", point_masses=False, ordinal_columns=table.ordinal, **named_columns(table.column_types)
        )
        return transformer.fit(self.take(self.fitted_on))

    def take(self, rows: Indices) -> pd.DataFrame:
        """Return features by their positions in the table."""
        return self.samples.features.iloc[rows].reset_index(drop=True)

    def encode(self, content: pd.DataFrame) -> Features:
        """Return standardised, imputed numbers, and categories one-hot; unknown ones as none."""
        return self.transformer.transform(content, unknown="ignore")

    def prepare_classifier(self, classifier: Any) -> None:
        """Tell a classifier that asks which features are one column's."""
        if "spans" in classifier.get_params():
            classifier.set_params(spans=self.transformer.spans)

    def adapt_resampler(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Make SMOTE the variant that suits the columns."""
        adapted, notes, spans = dict(config), [], self.transformer.spans
        categorical = [position for position, span in enumerate(spans) if span.is_categorical]
        if config["class_path"] == "imblearn.over_sampling.SMOTE" and categorical:
            variant = "SMOTENC" if len(categorical) < len(spans) else "SMOTEN"
            notes = [f"{variant}, since there are categories or missing values"]
            adapted["class_path"] = f"imblearn.over_sampling.{variant}"
        if adapted["class_path"] == "imblearn.over_sampling.SMOTENC":
            adapted["init_args"] = {"categorical_features": categorical, **(config.get("init_args") or {})}
        return adapted, notes

    def view(self, sampler: Any) -> _TableView | _ArrayView:
        """Show an over-sampler of tables the rows as they are, others their encoding."""
        # imbalanced-learn takes half a second, which whoever only reads a report or asks for help need not wait
        from gan_imbalance.oversampling import TableOverSampler

        if not isinstance(sampler, TableOverSampler):
            return _ArrayView(self.transformer, _wants_codes(sampler))
        # told, since it infers from the rows what the configuration may say otherwise
        if sampler.categorical is None:
            sampler.categorical = named_columns(self.samples.column_types)["categorical_columns"]
        return _TableView(self.samples)

    def judge(self, known: Indices, made: pd.DataFrame, unseen: Indices, seed: int) -> dict[str, float]:
        """Return the figures of :func:`~gan_imbalance.quality.evaluate_synthetic`."""
        return evaluate_synthetic(
            self.transformer, self.take(known), made, self.take(unseen), max_pairs=_JUDGED_PAIRS, seed=seed
        )

    def dump(self, content: pd.DataFrame, labels: Indices) -> bytes:
        """Return rows in the input's form as Parquet."""
        rows = self.samples.schema.restore(content, [self.samples.classes[label] for label in labels])
        return rows.to_parquet(index=False)

    def load(self, file: bytes) -> tuple[pd.DataFrame, Indices]:
        """Return the rows that :meth:`dump` made a file of."""
        table = self.samples
        rows = pd.read_parquet(BytesIO(file))
        codes = pd.Categorical(rows[table.schema.target].astype(object), categories=list(table.classes)).codes
        # an empty file has forgotten the categories
        return table.schema.derive(rows).astype(table.features.dtypes), codes.astype(np.int64)

    def describe(self) -> dict[str, Any]:
        """Return columns and schema."""
        return {"column_types": self.samples.column_types, "schema": self.samples.schema.to_dict()}

    def dump_reference(self, rows: Indices) -> bytes:
        """Return features and class of some rows as Parquet."""
        index = pd.Index(self.samples.labels[rows], name=_CLASS)
        return self.take(rows).set_axis(index).to_parquet()

    @classmethod
    def of_description(cls, content: Mapping[str, Any], reference: bytes) -> Self:
        """Return the rows of a reference, all of which are fitted on."""
        frame = pd.read_parquet(BytesIO(reference))
        labels = frame.index.to_numpy(dtype=np.int64)
        table = Table(
            frame.reset_index(drop=True),
            labels,
            tuple(content["classes"]),
            TableSchema.from_dict(content["schema"]),
            content["column_types"],
            groups=np.arange(len(labels)),
        )
        return cls(table, np.arange(len(labels)))

    def facts(self, count: int) -> dict[str, str]:
        """Return what a reader must know of the table."""
        return {
            "Table": f"{count:,} rows, {len(self.samples.column_types)} features",
            "Target": self.samples.schema.target,
        }

    def plots(self, made: Mapping[str, pd.DataFrame], minority: int) -> Iterator[Plot]:
        """Yield the columns that part the classes most, and principal components, real against synthetic."""
        table = self.samples
        rare = table.labels == minority
        encoded = self.transformer.transform(table.features)
        # features are standardised or one-hot, so the gaps between the classes' means can be compared
        gaps = np.abs(encoded[rare].mean(axis=0) - encoded[~rare].mean(axis=0))
        order = sorted(self.transformer.spans, key=lambda span: -float(gaps[span.start : span.stop].max()))
        columns = list(dict.fromkeys(span.name for span in order))[:_SHOWN_COLUMNS]
        categorical = [name for name in columns if table.column_types[name] != "numeric"]
        real = table.features[rare]
        for name, rows in made.items():
            yield plots.distributions(real[columns], rows[columns], categorical, name)
        yield plots.principal_components(encoded[rare], {name: self.encode(rows) for name, rows in made.items()})


@dataclass(frozen=True)
class _TableView:
    """The table as it is, classes and the target's name included."""

    table: Table

    @property
    def classes(self) -> list[Label]:
        """Return the classes as the sampler sees them: scikit-learn takes 0.5 and 1.5 for no classes at all."""
        classes = list(self.table.classes)
        fractions = any(isinstance(label, float) and not label.is_integer() for label in classes)
        return list(range(len(classes))) if fractions else classes

    def label(self, index: int) -> Label:
        return self.classes[index]

    def encode(self, content: pd.DataFrame, labels: Indices) -> tuple[pd.DataFrame, pd.Series[Any]]:
        classes = self.classes
        target = pd.Series([classes[index] for index in labels], name=self.table.schema.target)
        return content, target

    def decode(self, content: pd.DataFrame, labels: pd.Series[Any]) -> tuple[pd.DataFrame, Indices]:
        codes = pd.Categorical(labels.astype(object), categories=self.classes).codes
        return content.reset_index(drop=True), codes.astype(np.int64)


@dataclass(frozen=True)
class _ArrayView:
    """Encoded features, or one number per column: its standardised value or the code of its category."""

    transformer: TabularTransformer
    as_codes: bool

    def label(self, index: int) -> Label:
        return index

    def encode(self, content: pd.DataFrame, labels: Indices) -> tuple[Features, Indices]:
        features = self.transformer.transform(content)
        if not self.as_codes:
            return features, labels
        blocks = [features[:, span.start : span.stop] for span in self.transformer.spans]
        columns = [block.argmax(axis=1) if block.shape[1] > 1 else block[:, 0] for block in blocks]
        return np.column_stack(columns).astype(np.float32), labels

    def decode(self, content: npt.NDArray[Any], labels: Indices) -> tuple[pd.DataFrame, Indices]:
        if self.as_codes:
            columns = zip(self.transformer.spans, content.T, strict=True)
            content = np.hstack([_one_hot(column, span) for span, column in columns])
        return self.transformer.inverse_transform(content), np.asarray(labels, dtype=np.int64)


def _wants_codes(sampler: Any) -> bool:
    from imblearn.over_sampling import SMOTEN, SMOTENC

    return isinstance(sampler, SMOTENC | SMOTEN)


def _one_hot(column: npt.NDArray[Any], span: Span) -> npt.NDArray[Any]:
    return np.eye(span.size)[column.astype(np.int64)] if span.is_categorical else column[:, None]
