"""Plots of real and synthetic rows as training goes: pairs of columns, or principal components."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from gan_imbalance.files import atomic_path
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.tracking import log_figure, run_folder
from gan_imbalance.types import ColumnName, DataKind, InputError, listed, quoted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_LETTERS = 40
_MOST_LEVELS = 20
_MISSING = "missing"


class OccasionalCallback(Callback, ABC):
    """Looks at a generator now and then, in one process.

    Args:
        every_n_epochs: how often, in validation epochs; 0 for never.
        seed: of the generated samples.
    """

    def __init__(self, every_n_epochs: int = 10, seed: int = 0) -> None:
        if every_n_epochs < 0:
            raise InputError(f"every_n_epochs is {every_n_epochs}; give 1 or more, or 0 for never.")
        self.every_n_epochs = every_n_epochs
        self.seed = seed
        self._validations = 0

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look, if it is time."""
        if not trainer.is_global_zero or trainer.sanity_checking or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._validations += 1
        if self.every_n_epochs and (self._validations - 1) % self.every_n_epochs == 0:
            self._look(trainer, cast(BaseGenerator, pl_module))

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep how many validations there were, as many for all of a run."""
        checkpoint["validations"] = self._validations

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on in the same rhythm."""
        self._validations = checkpoint.get("validations", 0)

    @abstractmethod
    def _look(self, trainer: Trainer, gan: BaseGenerator) -> None:
        """Do what is to be done now and then."""


class TrainingPlots(OccasionalCallback):
    """Draws plots as training goes, to files and to loggers.

    Args:
        every_n_epochs: how often, in validation epochs; 0 for never.
        seed: of the generated samples.
    """

    name: ClassVar[str]
    """What loggers call the plots, behind ``plots/``."""
    folder: ClassVar[str]
    """Where they lie within the folder of the run."""

    def _look(self, trainer: Trainer, gan: BaseGenerator) -> None:
        """Draw."""
        import matplotlib.pyplot as plt

        # later ones of a kind keep out of the first one's way
        alike = [one for one in trainer.callbacks if type(one) is type(self)]  # type: ignore[attr-defined]
        suffix = f"-{alike.index(self) + 1}" if alike.index(self) else ""
        # names of columns and values stand as they are, whatever dollars they hold
        with plt.rc_context({"text.parse_math": False}):
            figure = self._figure(trainer, gan)
            with atomic_path(
                run_folder(trainer) / f"{self.folder}{suffix}" / f"step_{trainer.global_step:07d}.png"
            ) as path:
                figure.savefig(path, dpi=80)
            for logger in trainer.loggers:
                log_figure(logger, f"plots/{self.name}{suffix}", figure, trainer.global_step)
        plt.close(figure)

    @abstractmethod
    def _figure(self, trainer: Trainer, gan: BaseGenerator) -> Figure:
        """Return the plot."""


class RowPlots(TrainingPlots):
    """Draws real training rows and synthetic ones as training goes, to files and to loggers.

    Args:
        every_n_epochs: how often, in validation epochs; 0 for never.
        max_rows: rows of each kind that are drawn at most.
        seed: of the generated rows.
    """

    kinds: ClassVar[tuple[DataKind, ...]] = ("table",)
    """The kinds of data that it can watch."""

    def __init__(self, every_n_epochs: int = 10, max_rows: int = 1000, seed: int = 0) -> None:
        super().__init__(every_n_epochs, seed)
        self.max_rows = max_rows

    def _figure(self, trainer: Trainer, gan: BaseGenerator) -> Figure:
        rows, conditions = trainer.datamodule.encoded("train", gan.class_selection)  # type: ignore[attr-defined]
        shown = torch.from_numpy(np.random.default_rng(self.seed).permutation(len(rows))[: self.max_rows])
        synthetic = gan.sample_conditions(conditions[shown].to(gan.device), self.seed).cpu()
        return self._draw(trainer, rows[shown], synthetic)

    @abstractmethod
    def _draw(self, trainer: Trainer, real: Tensor, synthetic: Tensor) -> Figure:
        """Return the plot of encoded rows, (n, features) each, of the same conditions."""


class ColumnPairPlots(RowPlots):
    """Draws pairs of columns of real training rows beside synthetic ones, to files and to loggers.

    Two columns of numbers make a scatter plot, anything else a two-dimensional histogram. Every pair has a line of
    the plot.

    Args:
        columns: the columns, two by two; by default the two that XGBoost ranks first for the task.
        every_n_epochs: how often, in validation epochs; 0 for never.
        max_rows: rows of each kind that are drawn at most.
        seed: of the generated rows.
    """

    name: ClassVar[str] = "columns"
    folder: ClassVar[str] = "plots"

    def __init__(
        self,
        columns: Sequence[ColumnName] | None = None,
        every_n_epochs: int = 10,
        max_rows: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(every_n_epochs, max_rows, seed)
        self.columns: Sequence[str] | None = None if columns is None else [str(name) for name in columns]
        if columns is not None and (len(columns) % 2 or not columns):
            raise InputError(f"columns are drawn two by two, but it names {len(columns)}: {list(columns)}.")

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Choose the columns, or make sure that they exist."""
        features = trainer.datamodule.table.features  # type: ignore[attr-defined]
        unknown = [name for name in self.columns or () if name not in features]
        if unknown:
            raise InputError(
                f"There is no column {quoted(unknown[0])} to draw: the columns are {listed(list(features))}."
            )
        if self.columns is None:
            self.columns = self._most_important(trainer)

    def _draw(self, trainer: Trainer, real: Tensor, synthetic: Tensor) -> Figure:
        decode = trainer.datamodule.transformer.inverse_transform  # type: ignore[attr-defined]
        titles = "real", f"synthetic, step {trainer.global_step}"
        return draw_pairs(self.columns or (), [decode(real), decode(synthetic)], titles)

    @staticmethod
    def _most_important(trainer: Trainer) -> tuple[str, str]:
        """Return the two columns that tell the classes apart best, by XGBoost's gain on training rows."""
        import xgboost

        data = trainer.datamodule  # type: ignore[attr-defined]
        frame, labels = data.frame("train")
        codes = pd.DataFrame(
            {
                name: column if pd.api.types.is_numeric_dtype(column) else pd.factorize(column)[0]
                for name, column in frame.items()
            }
        )
        model = xgboost.XGBClassifier(n_estimators=10, max_depth=4, n_jobs=torch.get_num_threads())
        model.fit(codes.astype(float).to_numpy(), np.unique(labels, return_inverse=True)[1])
        ranking = np.argsort(-model.feature_importances_, kind="stable")
        # the only column of a table is drawn against itself
        first, second = frame.columns[np.resize(ranking, max(2, len(ranking)))[:2]]
        return str(first), str(second)


class PrincipalComponentPlots(RowPlots):
    """Draws the first two principal components of real training rows and of synthetic ones in one scatter plot.

    The components are those of the real rows, so the axes stay the same while training goes. Synthetic rows are drawn
    in the form in which they would be exported; points of rows with few attributes are moved a little apart.

    Args:
        every_n_epochs: how often, in validation epochs; 0 for never.
        max_rows: rows of each kind that are drawn at most.
        seed: of the generated rows.
    """

    name: ClassVar[str] = "principal_components"
    folder: ClassVar[str] = "principal_components"

    def _draw(self, trainer: Trainer, real: Tensor, synthetic: Tensor) -> Figure:
        import matplotlib.pyplot as plt

        centre = real.mean(dim=0)
        _, _, components = torch.linalg.svd(real - centre, full_matrices=False)
        exported = trainer.datamodule.as_exported(synthetic)  # type: ignore[attr-defined]
        random = torch.Generator().manual_seed(self.seed)
        figure, axis = plt.subplots(figsize=(5, 4), layout="constrained")
        for rows, label in ((real, "real"), (exported, f"synthetic, step {trainer.global_step}")):
            points = (rows - centre) @ components[:2].T
            jittered = points + 0.02 * torch.randn(points.shape, generator=random)
            axis.scatter(jittered[:, 0], jittered[:, -1], s=12, alpha=0.5, linewidths=0, label=label)
        axis.set(xlabel="first component", ylabel="second component")
        axis.legend(loc="upper right")
        return figure


def draw_pairs(columns: Sequence[str], frames: Sequence[pd.DataFrame], titles: Sequence[str]) -> Figure:
    """Return a figure with a line per pair of columns, and the frames side by side in it.

    Args:
        columns: their names, two by two.
        frames: kinds of rows.
        titles: what they are called.
    """
    import matplotlib.pyplot as plt

    pairs = list(zip(columns[::2], columns[1::2], strict=True))
    shape = len(pairs), len(frames)
    figure, grid = plt.subplots(
        *shape, figsize=(4 * shape[1], 4 * shape[0]), sharex="row", sharey="row", squeeze=False, layout="constrained"
    )
    for axes, pair in zip(grid, pairs, strict=True):
        for axis, frame, title in zip(axes, frames, titles, strict=True):
            draw_pair(axis, frame, pair, frames)
            axis.set_title(title)
    return figure


def draw_pair(axis: Axes, frame: pd.DataFrame, columns: Sequence[str], scale: Sequence[pd.DataFrame]) -> None:
    """Draw two columns of ``frame``: points for two columns of numbers, shares of every pair of levels otherwise.

    Args:
        axis: where.
        frame: the rows.
        columns: the names of the two columns.
        scale: all frames drawn side by side, which share their levels and colours.
    """
    across, up = columns
    if all(_holds_numbers(frame[name]) for name in columns):
        axis.scatter(frame[across], frame[up], s=6, alpha=0.5, linewidths=0)
    else:
        shares = _shares(frame, columns, scale)
        highest = max(_shares(part, columns, scale).to_numpy().max() for part in scale)
        axis.imshow(shares, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=highest)
        axis.set_xticks(range(shares.shape[1]), [_short(level) for level in shares.columns], rotation=90)
        axis.set_yticks(range(shares.shape[0]), [_short(level) for level in shares.index])
    axis.set_xlabel(_short(across))
    axis.set_ylabel(_short(up))


def _short(text: str) -> str:
    """Return a text as far as it has room; matplotlib draws every letter, within the picture or not."""
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 3]}..."


def _shares(frame: pd.DataFrame, columns: Sequence[str], scale: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the share of rows of every pair of levels: those of the second column by those of the first."""
    x, y = (_in_levels(frame[name], [part[name] for part in scale]) for name in columns)
    shares = np.zeros((len(y.categories), len(x.categories)))
    np.add.at(shares, (y.codes, x.codes), 1 / len(frame))
    return pd.DataFrame(shares, index=y.categories, columns=x.categories)


def _holds_numbers(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _in_levels(column: pd.Series[Any], scale: Sequence[pd.Series[Any]]) -> pd.Categorical:
    """Return a column in the levels, in order, that it shares with those beside it; many numbers are binned."""
    values = pd.concat(scale)
    if _holds_numbers(values) and values.nunique() > _MOST_LEVELS:
        values = pd.cut(values.astype(float), _MOST_LEVELS)
        column = pd.cut(column.astype(float), values.cat.categories)
    # sorts values of mixed types, too
    levels = [str(value) for value in pd.factorize(values, sort=True)[1]]
    missing = [_MISSING] if values.isna().any() else []
    return pd.Categorical(column.astype(str).where(column.notna(), _MISSING), [*levels, *missing])
