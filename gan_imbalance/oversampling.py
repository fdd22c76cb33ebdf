"""Whatever writes rows, first of all a GAN, as an imbalanced-learn over-sampler."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from numbers import Integral, Real
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, cast, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint, Timer
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

import gan_imbalance.gans
from gan_imbalance.callbacks import FidelityMonitor, FiniteLossGuard, GeneratorEMA
from gan_imbalance.components import build, import_class
from gan_imbalance.data import ImbalanceDataModule, TabularDataModule
from gan_imbalance.data.schema import TableSchema
from gan_imbalance.gans import BaseGAN
from gan_imbalance.metrics import warn_of_collapse
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import load_gan, synthesize
from gan_imbalance.transforms.constraints import Constraint
from gan_imbalance.transforms.kinds import Kind, column_kinds, require_unique
from gan_imbalance.transforms.numeric import NumericTransform
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.types import InputError, Label, SyntheticSet

EPOCHS = 20
"""How often a training is looked at, whatever its length."""
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

    It takes arrays, sparse matrices, lists and DataFrames. The original rows come first, unchanged, in the result;
    names, dtypes and form are those of the input.

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

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, Any, bool]:
        """Return X as it is, lists as arrays; y as a vector; and whether y was encoded one-vs-all."""
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
        features = _as_table(X)
        target = self._target
        while target in features.columns:
            target += "_"
        # one type of category holds what one of text or numbers could not
        mixed = {name: "category" for name in features.columns if _is_mixed(features[name])}
        table = features.astype(mixed).assign(**{target: y})
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        dtypes = {**features.dtypes, target: table[target].dtype}
        added = [table.iloc[:0].astype(dtypes)]
        for label, count in self.sampling_strategy_.items():
            if count:
                rows = self._generate(table, target, label, int(count), seed)
                added.append(rows.reindex(columns=table.columns).astype(dtypes))
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
            seed: the same for every class.
        """

    def _kinds(self, features: pd.DataFrame) -> dict[str, Kind]:
        """Return what every column holds, judged by all rows, as :func:`load_table` does."""
        named = self.categorical or ()
        return column_kinds(features, (), named)


class GANOverSampler(TableOverSampler):
    """Tops up rare classes with rows that a GAN made.

    A conditional GAN learns all classes at once; of an unconditional one, each class to be topped up gets its own.
    The original rows come first, unchanged, in the result; names, dtypes and form are those of the input, which may
    be an array, a sparse matrix, a list or a DataFrame. A class whose rows are all equal, such as a single one, has
    nothing to learn from: its row is repeated, with a warning. A generator that repeats itself or leaves out kinds of
    rows is warned of too (:class:`~gan_imbalance.metrics.CollapseWarning`).

    Args:
        gan: name of a GAN of ours (``"WassersteinGAN"``), a subclass of :class:`BaseGAN`, an instance (whose
            settings are used, not its weights), or a ``class_path`` dict. None takes a small Wasserstein GAN that
            learns fast (:data:`DEFAULT_GAN`).
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        max_steps: generator steps of every GAN; 0 samples from an untrained generator.
        epochs: passes of every GAN over the rows that it learns.
        max_time: seconds that training may take, for all GANs together, or a time as Lightning takes it
            (``"00:00:05:00"`` is five minutes). Training ends by whichever of ``max_steps``, ``epochs`` and
            ``max_time`` is reached first; where none is given, after 150 steps.
        batch_size: real rows per discriminator step.
        ema_decay: of the generator's moving average.
        validation_fraction: share of rows held out to choose the checkpoint by the two-sample test; 0 trains on
            all rows and takes the last one.
        numeric_transform: what numeric columns become (see :class:`TabularTransformer`).
        clusters: cut each class into so many KMeans clusters, which a conditional GAN is told instead of the class;
            it then learns each class by itself.
        categorical: names of columns to take as categories, where their type does not tell; a column of an array is
            named by its number: ``"0"``.
        ordinal: levels, lowest first, of columns whose categories have an order, by column.
        dates: names of columns to take as dates or times, such as those of text.
        constraints: what holds between columns of the rows, and will hold in every added one (see
            :mod:`~gan_imbalance.transforms.constraints`), or their ``class_path`` dicts.
        calibrate: whether numeric columns get exactly the marginals of the training rows; for unconditional GANs.
        accelerator: Lightning's: ``"cpu"``, ``"gpu"``, ``"auto"``, ...
        verbose: whether to show a progress bar.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        gans_: the trained GAN of every class that was topped up, except those with nothing to learn from.
        synthetic_: the rows added, with their target, as a DataFrame whose columns are named by strings.
        history_: per epoch of training, the class, step and last losses and metrics.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, if X has names and all are strings.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TableOverSampler._parameter_constraints,
        "max_steps": [Interval(Integral, 0, None, closed="left"), None],
        "epochs": [Interval(Integral, 0, None, closed="left"), None],
        "max_time": [Interval(Real, 0, None, closed="neither"), str, timedelta, dict, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "numeric_transform": [StrOptions(set(get_args(NumericTransform)))],
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
        gan: str | type[BaseGAN] | BaseGAN | Mapping[str, Any] | None = None,
        *,
        sampling_strategy: Any = "auto",
        max_steps: int | None = None,
        epochs: int | None = None,
        max_time: float | str | timedelta | dict[str, int] | None = None,
        batch_size: int = 128,
        ema_decay: float = 0.99,
        validation_fraction: float = 0.0,
        numeric_transform: NumericTransform = "quantile",
        clusters: int | None = None,
        categorical: list[str] | None = None,
        ordinal: dict[str, list[Label]] | None = None,
        dates: list[str] | None = None,
        constraints: Sequence[Constraint | Mapping[str, Any]] | None = None,
        calibrate: bool = False,
        accelerator: str = "cpu",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, categorical=categorical, random_state=random_state)
        self.gan = gan
        self.max_steps = max_steps
        self.epochs = epochs
        self.max_time = max_time
        self.batch_size = batch_size
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.numeric_transform = numeric_transform
        self.clusters = clusters
        self.ordinal = ordinal
        self.dates = dates
        self.constraints = constraints
        self.calibrate = calibrate
        self.accelerator = accelerator
        self.verbose = verbose

    def _fit_resample(self, X: Any, y: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[Any]]:
        self.gans_: dict[Label, BaseGAN] = {}
        self.history_: list[dict[str, Any]] = []
        with quiet_lightning(), torch.random.fork_rng():
            return super()._fit_resample(X, y)

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        gan_class, settings = resolve_gan(DEFAULT_GAN if self.gan is None else self.gan)
        rows = table[table[target] == label]
        together = self._learns_all_classes(gan_class)
        learned = table if together else rows
        if not (learned.drop(columns=target).nunique(dropna=False) > 1).any():
            warnings.warn(
                f"All {len(learned)} row(s) to learn class {plain_label(label)!r} from are equal: there is nothing to "
                "learn, so they are repeated.",
                stacklevel=2,
            )
            return rows.iloc[[0] * count]
        if together and self.gans_:
            self.gans_[label] = next(iter(self.gans_.values()))
        else:
            classes = "all" if together else [plain_label(label)]
            gan = gan_class(**{**settings, "classes": classes})
            self.gans_[label] = self._train(gan, table, target, label, len(learned), seed)
        made = cast(SyntheticSet, synthesize(self.gans_[label], {plain_label(label): count}, seed, self.calibrate)).rows
        _warn_of_collapse(self.gans_[label], rows, made, seed)
        return made

    def _learns_all_classes(self, gan_class: type[BaseGAN]) -> bool:
        return gan_class.conditional and self.clusters is None

    def _train(self, gan: BaseGAN, table: pd.DataFrame, target: str, label: Label, rows: int, seed: int) -> BaseGAN:
        """Return the GAN, trained on as many rows of the table as are of the classes that it learns."""
        max_steps, max_time = self._budget(rows, self._learns_all_classes(type(gan)))
        torch.manual_seed(seed)
        data = TabularDataModule(
            frame=table,
            target=target,
            # a column without any value cannot be learned, and stays so
            drop=[name for name in table.columns if table[name].isna().all()],
            categorical=self.categorical or (),
            ordinal=self.ordinal,
            dates=self.dates or (),
            constraints=[build(constraint) for constraint in self.constraints or ()],
            numeric_transform=self.numeric_transform,
            clusters=self.clusters,
            test_fraction=0.0,
            validation_fraction=self.validation_fraction,
            split_seed=seed,
            batch_size=self.batch_size,
            steps_per_epoch=max(1, (_STEPS if max_steps < 0 else max_steps) // EPOCHS),
            seed=seed,
        )
        monitor = FidelityMonitor() if self.validation_fraction else None
        gan, history = train_gan(
            gan, data, label, max_steps, max_time, self.ema_decay, monitor, self.accelerator, self.verbose
        )
        self.history_ += history
        return gan

    def _budget(self, rows: int, together: bool) -> tuple[int, timedelta | None]:
        """Return the steps of a GAN that learns so many rows (-1: no limit), and its share of the time."""
        limits = [] if self.max_steps is None else [int(self.max_steps)]
        if self.epochs is not None:
            limits.append(int(self.epochs) * -(-rows // self.batch_size))
        if self.max_time is None:
            return min(limits, default=_STEPS), None
        given = self.max_time
        time = given if isinstance(given, str | dict | timedelta) else timedelta(seconds=float(given))
        seconds = Timer(time).time_remaining()
        assert seconds is not None, "a timer with a duration has time left"
        gans = 1 if together else sum(count > 0 for count in self.sampling_strategy_.values())
        return min(limits, default=-1), timedelta(seconds=seconds / gans)


def train_gan(
    gan: BaseGAN,
    data: ImbalanceDataModule,
    label: Label,
    max_steps: int,
    max_time: timedelta | None = None,
    ema_decay: float = 0.99,
    monitor: FidelityMonitor | None = None,
    accelerator: str = "cpu",
    verbose: bool = False,
) -> tuple[BaseGAN, list[dict[str, Any]]]:
    """Train a GAN for an over-sampler: without logger, and without files that stay.

    Args:
        gan: to be trained.
        data: what it learns from.
        label: the class that it is trained for, as the history tells it.
        max_steps: generator steps; -1 for no limit.
        max_time: at most.
        ema_decay: of the generator's moving average.
        monitor: what chooses the checkpoint, on validation rows; None takes the last one.
        accelerator: Lightning's.
        verbose: whether to show a progress bar.

    Returns:
        The GAN, ready to sample, and per epoch the class, step and last losses and metrics.
    """
    history = _History(label)
    callbacks: list[Callback] = [GeneratorEMA(ema_decay), FiniteLossGuard(), history]
    with TemporaryDirectory() as folder:
        best = None
        if monitor is not None:
            best = ModelCheckpoint(folder, monitor="val/c2st", mode="min")
            callbacks += [monitor, best]
        Trainer(
            max_steps=max_steps,
            max_epochs=-1,
            max_time=max_time,
            accelerator=accelerator,
            devices=1,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=best is not None,
            enable_progress_bar=verbose,
            enable_model_summary=False,
            limit_val_batches=1.0 if best else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=data.steps_per_epoch,
            default_root_dir=folder,
        ).fit(gan, data)
        # the trainer holds the data, on the device
        gan.trainer = None
        return (load_gan(best.best_model_path) if best else gan.cpu().eval()), history.rows


def resolve_gan(
    gan: str | type[BaseGAN] | BaseGAN | Mapping[str, Any],
) -> tuple[type[BaseGAN], dict[str, Any]]:
    """Return the class and the constructor arguments that ``gan`` stands for.

    Raises:
        InputError: if it stands for no GAN.
    """
    settings: dict[str, Any] = {}
    found: Any = gan
    if isinstance(gan, Mapping):
        found, settings = str(gan["class_path"]), dict(gan.get("init_args") or {})
    elif isinstance(gan, BaseGAN):
        found, settings = type(gan), dict(gan.hparams)
    if isinstance(found, str):
        found = getattr(gan_imbalance.gans, found, None) or import_class(found)
    if not (isinstance(found, type) and issubclass(found, BaseGAN)):
        raise InputError(f"{gan!r} is not a GAN: choose one of {', '.join(gan_imbalance.gans.__all__)}.")
    return found, settings


def _warn_of_collapse(gan: BaseGAN, real: pd.DataFrame, made: pd.DataFrame, seed: int) -> None:
    """Warn where the generator repeats itself or leaves out kinds of the class's rows, judged as it saw them."""
    transformer = TabularTransformer.from_state_dict(gan.data_state["transformer"])
    schema = TableSchema.from_dict(gan.data_state["schema"])
    encoded_real, encoded_made = (transformer.transform(schema.derive(rows), "ignore") for rows in (real, made))
    warn_of_collapse(encoded_real, encoded_made, seed)


class _History(Callback):
    """Keeps the last losses and metrics of every epoch."""

    def __init__(self, label: Label) -> None:
        self.label = label
        self.rows: list[dict[str, Any]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"class": self.label, "step": trainer.global_step, **figures})


def plain_label(label: Any) -> Label:
    """Return a numpy scalar as Python's own."""
    return label.item() if isinstance(label, np.generic) else label  # type: ignore[no-any-return]


def _as_table(X: Any) -> pd.DataFrame:
    """Return the rows as a dense DataFrame whose columns are named by strings, those of arrays by number."""
    if not isinstance(X, pd.DataFrame):
        X = pd.DataFrame(X.toarray() if sparse.issparse(X) else X).infer_objects()
    table: pd.DataFrame = X.set_axis([str(name) for name in X.columns], axis=1).reset_index(drop=True)
    require_unique(table.columns)
    dense = {
        str(name): np.asarray(column) for name, column in table.items() if isinstance(column.dtype, pd.SparseDtype)
    }
    return table.assign(**dense)


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
        added = added.set_axis(X.columns, axis=1).astype(X.dtypes)
        return pd.concat([X, added], ignore_index=True)
    values = added.to_numpy(dtype=X.dtype)
    if sparse.issparse(X):
        return sparse.vstack([X, type(X)(values)], format=X.format)
    return np.concatenate([X, values])
