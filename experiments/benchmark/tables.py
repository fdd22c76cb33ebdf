"""The tables of the benchmark: where they lie, what is rare, and what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_imbalance import TabularDataModule

MOST_ROWS = 3000
"""Training rows of a split, at most; of larger tables these are drawn in the classes' own proportions."""


class Table(NamedTuple):
    """A table of the benchmark.

    Attributes:
        group: ``choose`` for those that settings and defaults were chosen on, ``report`` for those that nothing was.
        path: from the folder of the data; empty for what is bundled.
        target: its column; empty for what is bundled.
        options: further arguments of the data module.
    """

    group: Literal["choose", "report"]
    path: str = ""
    target: str = ""
    options: Mapping[str, Any] = {}


TABLES: Mapping[str, Table] = {
    "abalone": Table("choose", "tables/abalone.csv.gz", "old"),
    "yeast_me2": Table("choose", "tables/yeast_me2.csv.gz", "me2"),
    "wine_white": Table("choose", "tables/wine_white.csv.gz", "poor"),
    "software_kc1": Table("choose", "tables/software_kc1.csv.gz", "defects"),
    "contraceptive": Table("choose", "tables/contraceptive.csv.gz", "Contraceptive_method"),
    "chess_krk": Table("choose", "tables/chess_krk.csv.gz", "Class"),
    "law_school": Table("choose", "tables/law_school.csv.gz", "pass_bar"),
    "adult": Table("choose", "adult_train.csv.gz", "income", {"missing_values": ["?"]}),
    "car": Table("choose", "car.csv.gz", "class", {"categorical": ["doors", "persons"]}),
    # scikit-learn's 8 x 8 pixels, of which one digit is made rare
    "digits": Table("choose", options={"keep": {"8": 30}}),
    "satimage": Table("report", "tables/satimage.csv.gz", "damp_grey"),
    "letter_z": Table("report", "tables/letter_z.csv.gz", "is_z"),
    "software_pc1": Table("report", "tables/software_pc1.csv.gz", "defects"),
    "solar_flare": Table("report", "tables/solar_flare.csv.gz", "Class"),
    "vehicle_van": Table("report", "tables/vehicle_van.csv.gz", "Class"),
    "splice": Table("report", "tables/splice.csv.gz", "Class"),
    "bank_marketing": Table("report", "tables/bank_marketing.csv.gz", "y"),
    "card_default": Table("report", "tables/card_default.csv.gz", "default payment"),
    "card_fraud": Table("report", "creditcard_sample.csv.gz", "Class", {"drop_duplicates": True}),
    "lending_club": Table("report", "lending_club.csv.gz", "loan_status"),
    "diabetes": Table("report", "diabetes_binary_health_indicators_BRFSS2015.csv.gz", "Diabetes_binary"),
}


def data_of(folder: Path, name: str) -> TabularDataModule:
    """Return a table whose training parts have at most :data:`MOST_ROWS` rows, in the classes' own proportions.

    Args:
        folder: of the data.
        name: of the table.
    """
    table = TABLES[name]
    source = {"path": str(folder / table.path), "target": table.target} if table.path else {"bundled": name}
    settings: dict[str, Any] = {**source, "validation_fraction": 0.1, **table.options}
    whole = TabularDataModule(**settings)
    counts = dict(zip(whole.samples.classes, whole.class_counts(), strict=True))
    share = MOST_ROWS / sum(counts.values())
    if share >= 1:
        return whole
    keep = {label: int(np.ceil(share * count)) for label, count in counts.items()}
    return TabularDataModule(**settings, keep=keep)
