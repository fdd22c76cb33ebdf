"""Whether a generator collapses while it is trained."""

from __future__ import annotations

import warnings
from typing import cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from gan_imbalance.generators import BaseGenerator
from gan_imbalance.metrics import CollapseWarning, describe_collapse, measure_variety

# of kinds whose samples are no rows
_NOUNS = {"image": "image", "series": "series"}


class CollapseMonitor(Callback):
    """Logs how varied generated samples are, and warns once they are less varied than real ones for some time.

    ``val/distinct`` is the share of distinct samples among generated ones over that among as many training samples;
    ``val/mode_coverage`` the share of the groups of similar training samples that generated ones fall into, too
    (:func:`~gan_imbalance.metrics.measure_variety`). Near 1, the generator is as varied as the data.

    Args:
        every_n_epochs: how often, in validation epochs.
        patience: a :class:`~gan_imbalance.metrics.CollapseWarning` is given when this many looks in turn have shown a
            sign of collapse, since a generator that has just begun shows some; again only after one without.
        max_samples: rows, or images, of each kind that are compared at most.
        seed: of the generated samples, the choice of training samples and the groups.
    """

    def __init__(self, every_n_epochs: int = 5, patience: int = 3, max_samples: int = 1000, seed: int = 0) -> None:
        self.every_n_epochs = every_n_epochs
        self.patience = patience
        self.max_samples = max_samples
        self.seed = seed
        self._validations = 0
        self._signs = 0

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look, if it is time."""
        if trainer.sanity_checking:
            return
        self._validations += 1
        if (self._validations - 1) % self.every_n_epochs:
            return
        gan, data = cast(BaseGenerator, pl_module), trainer.datamodule  # type: ignore[attr-defined]
        rows, conditions = data.encoded("train", gan.class_selection)
        shown = torch.randperm(len(rows), generator=torch.Generator().manual_seed(self.seed))[: self.max_samples]
        made = data.as_exported(gan.sample_conditions(conditions[shown].to(gan.device), self.seed).cpu())
        variety = measure_variety(data.as_input(rows[shown]).flatten(1), made.flatten(1), self.seed)
        figures = {
            "val/distinct": variety.distinct / variety.real_distinct,
            "val/mode_coverage": variety.mode_coverage,
        }
        gan.log_dict(figures, sync_dist=True)
        sentences = describe_collapse(variety, _NOUNS.get(data.spec.kind, "row"))
        self._signs = self._signs + 1 if sentences else 0
        if self._signs == self.patience and trainer.is_global_zero:
            for sentence in sentences:
                warnings.warn(f"By step {trainer.global_step}: {sentence}", CollapseWarning, stacklevel=2)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, object]) -> None:
        """Keep how often it has looked, and how many signs there were in turn."""
        checkpoint["collapse"] = [self._validations, self._signs]

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, object]) -> None:
        """Go on in the same rhythm."""
        self._validations, self._signs = cast(list[int], checkpoint.get("collapse", [0, 0]))
