"""How well a classifier tells generated rows from real ones that the generator has not seen."""

from __future__ import annotations

import warnings
from typing import ClassVar, cast

import numpy as np
from pytorch_lightning import Callback, LightningModule, Trainer

from gan_imbalance.generators import BaseGenerator
from gan_imbalance.metrics import TwoSampleAccuracy
from gan_imbalance.types import DataKind, InputError

WORST = 1.0
# that can be halved
_LEAST_ROWS = 2


class FidelityMonitor(Callback):
    """Logs ``val/c2st``: the accuracy of XGBoost telling generated from validation rows; 0.5 is perfect.

    Lopez-Paz and Oquab 2017, Revisiting Classifier Two-Sample Tests (https://arxiv.org/abs/1610.06545). The rows are
    the validation part of the classes that the generator learns, compared in the form in which they would be exported;
    every value of a series is a column to it. Use it as ``ModelCheckpoint(monitor="val/c2st", mode="min")`` or for
    early stopping. While a GAN is in an earlier phase its figure is ``val/pretraining_c2st``, and ``val/c2st`` stays at
    1, the worst value; so it does where there are no two rows to compare, which a warning says once.

    Args:
        max_rows: rows that are compared at most.
        repeats: random halves over which the accuracy is averaged.
        seed: of the generated rows and of the halves.
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table", "series")
    """The kinds of data that it can watch."""

    figure: ClassVar[str] = "val/c2st"
    """What a checkpoint is chosen by, the lowest."""

    def __init__(self, max_rows: int = 2000, repeats: int = 5, seed: int = 0) -> None:
        if max_rows < _LEAST_ROWS:
            raise InputError(f"max_rows is {max_rows}; compare at least {_LEAST_ROWS} rows.")
        self.max_rows = max_rows
        self.repeats = repeats
        self.seed = seed
        self._has_warned = False

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Generate one row per validation row and compare."""
        gan = cast(BaseGenerator, pl_module)
        figure = self._compare(trainer, gan)
        if gan.class_selection != gan.class_selections[-1]:
            gan.log("val/pretraining_c2st", figure, sync_dist=True)
            figure = WORST
        gan.log(self.figure, figure, prog_bar=True, sync_dist=True)

    def _compare(self, trainer: Trainer, gan: BaseGenerator) -> float:
        data = trainer.datamodule  # type: ignore[attr-defined]
        rows, conditions = data.encoded("validation", gan.class_selection)
        # tables are often sorted, so not the first rows
        chosen = np.sort(np.random.default_rng(self.seed).permutation(len(rows))[: self.max_rows])
        rows, conditions = rows[chosen], conditions[chosen]
        if len(rows) < _LEAST_ROWS:
            if not self._has_warned:
                warnings.warn(
                    f"val/c2st stays at {WORST:g}, the worst value: it compares at least {_LEAST_ROWS} validation rows "
                    f"of the classes that are learned, but there are {len(rows)}; raise validation_fraction to see it.",
                    stacklevel=2,
                )
            self._has_warned = True
            return WORST
        fake = gan.sample_conditions(conditions.to(gan.device), self.seed).cpu()
        metric = TwoSampleAccuracy(repeats=self.repeats, seed=self.seed)
        metric.update(rows.flatten(1), data.as_exported(fake).flatten(1))
        return float(metric.compute())
