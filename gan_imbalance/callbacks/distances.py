"""How far rows lie apart: within real ones, within synthetic ones, and between the two."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from gan_imbalance.files import atomic_path
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.tracking import log_figure, log_table, run_folder
from gan_imbalance.types import DataKind

_CURVES = ("within_real", "within_synthetic", "between")


class DistanceMonitor(Callback):
    """Logs three mean Manhattan distances at every validation, and draws their curves.

    ``val/distance_within_real`` is that between two different training rows, ``val/distance_within_synthetic`` that
    between two generated ones, in the form in which they would be exported, ``val/distance_between`` that from one to
    the other. Where all three meet, the generator does well; where the second lies below the first, it collapses;
    where the third lies above both, it generates something else. The curves are ``distances.png`` and
    ``distances.csv`` in the folder of the run, and go to its loggers.

    Args:
        max_rows: rows of each kind that are compared at most.
        seed: of the generated rows.
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)
    """The kinds of data that it can watch."""

    def __init__(self, max_rows: int = 500, seed: int = 0) -> None:
        self.max_rows = max_rows
        self.seed = seed
        self._curves: list[dict[str, float]] = []

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure, log and draw."""
        gan, data = cast(BaseGenerator, pl_module), trainer.datamodule  # type: ignore[attr-defined]
        rows, conditions = data.encoded("train", gan.class_selection)
        shown = torch.randperm(len(rows), generator=torch.Generator().manual_seed(self.seed))[: self.max_rows]
        made = data.as_exported(gan.sample_conditions(conditions[shown].to(gan.device), self.seed).cpu())
        figures = dict(zip(_CURVES, mean_distances(rows[shown], made), strict=True))
        gan.log_dict({f"val/distance_{name}": figure for name, figure in figures.items()}, sync_dist=True)
        if trainer.is_global_zero and not (trainer.sanity_checking or trainer.fast_dev_run):  # type: ignore[attr-defined]
            self._curves.append({"step": trainer.global_step, **figures})
            self._draw(trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the curves as a table."""
        if trainer.is_global_zero and self._curves:
            for logger in trainer.loggers:
                log_table(logger, "tables/distances", pd.DataFrame(self._curves), trainer.global_step)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the curves."""
        checkpoint["distances"] = self._curves

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on with the curves."""
        self._curves = checkpoint.get("distances", [])

    def _draw(self, trainer: Trainer) -> None:
        import matplotlib.pyplot as plt

        curves = pd.DataFrame(self._curves)
        with atomic_path(run_folder(trainer) / "distances.csv") as path:
            curves.to_csv(path, index=False)
        figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
        for name in _CURVES:
            axis.plot(curves["step"], curves[name], marker=".", label=name.replace("_", " "))
        axis.set(xlabel="step", ylabel="mean Manhattan distance", ylim=(0, None))
        axis.legend()
        with atomic_path(run_folder(trainer) / "distances.png") as path:
            figure.savefig(path, dpi=80)
        for logger in trainer.loggers:
            log_figure(logger, "plots/distances", figure, trainer.global_step)
        plt.close(figure)


def mean_distances(real: Tensor, synthetic: Tensor) -> tuple[float, float, float]:
    """Return the mean Manhattan distance within real rows, within synthetic ones, and between the two.

    Args:
        real: (n, features).
        synthetic: (m, features).

    Returns:
        The first two over pairs of different rows; 0 for a single row.
    """
    real, synthetic = real.double(), synthetic.double()
    within = (torch.cdist(rows, rows, p=1).sum() / max(1, len(rows) * (len(rows) - 1)) for rows in (real, synthetic))
    between = torch.cdist(real, synthetic, p=1).mean()
    first, second, third = torch.stack([*within, between]).tolist()
    return first, second, third
