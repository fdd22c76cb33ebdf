"""From a trained GAN to rows or images in the input's own form."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.checkpoints import load_weights, read_checkpoint
from gan_imbalance.components import import_class
from gan_imbalance.data.images import ImageSet, SyntheticImages
from gan_imbalance.data.schema import TableSchema
from gan_imbalance.files import atomic_path, file_hash, provenance, write_json
from gan_imbalance.gans import ConditionalTabularGAN
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.tracking import make_artifact, start_run, use_artifact
from gan_imbalance.transforms import TabularTransformer
from gan_imbalance.transforms.image import to_uint8
from gan_imbalance.transforms.kinds import require_columns
from gan_imbalance.transforms.levels import find_levels, take
from gan_imbalance.types import InputError, Label, SyntheticSet, find_class

if TYPE_CHECKING:
    from gan_imbalance.tracking import Artifact

_CALIBRATION_SAMPLES = 10_000
_WRITERS = {".csv": "to_csv", ".csv.gz": "to_csv", ".parquet": "to_parquet"}


def load_generator(path: str | Path) -> BaseGenerator:
    """Return the generator of a checkpoint, ready to sample; needs neither data nor the code that configured it.

    Raises:
        InputError: if the file is missing, truncated or no generator's checkpoint, or its class cannot be imported or
            has other networks now.
    """
    checkpoint = read_checkpoint(path, "generator")
    generator_class = import_class(checkpoint["generator"]["class_path"])
    if not issubclass(generator_class, BaseGenerator):
        raise InputError(f"{path} was written by {generator_class.__name__}, which is no generator of gan_imbalance.")
    generator = generator_class(**checkpoint.get("hyper_parameters", {}))
    # who trains it further does not resume that run
    generator.on_load_checkpoint({**checkpoint, "random_states": ()})
    load_weights(generator, checkpoint, path)
    return generator.eval()


def load_gan(path: str | Path) -> BaseGenerator:
    """Return what :func:`load_generator` returns, under the name that says what it is as a rule."""
    return load_generator(path)


def save_gan(gan: BaseGenerator, path: str | Path) -> None:
    """Write a trained GAN as a checkpoint that :func:`load_gan` reads, atomically.

    It is made to sample from: without a trainer there is no state of optimizers to resume with.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(checkpoint_bytes(gan))


def checkpoint_bytes(gan: BaseGenerator) -> bytes:
    """Return the checkpoint that :func:`save_gan` writes."""
    checkpoint = {"state_dict": gan.state_dict(), "hyper_parameters": dict(gan.hparams)}
    gan.on_save_checkpoint(checkpoint)
    file = BytesIO()
    torch.save(checkpoint, file)
    return file.getvalue()


def synthesize(
    gan: BaseGenerator,
    counts: Mapping[Any, int],
    seed: int,
    calibrate: bool = False,
    given: Mapping[str, Any] | None = None,
) -> SyntheticSet | SyntheticImages:
    """Return exactly as many synthetic samples of each class as asked for, in the form of the input.

    Args:
        gan: trained, as from :func:`load_gan`.
        counts: rows per class; classes are matched by value ("1" finds 1).
        seed: the same seed gives the same rows.
        calibrate: whether to give numeric columns the marginals of the training rows (see
            :func:`calibrate_marginals`).
        given: a categorical column and the value (None for missing) that every row is to have, for a
            :class:`~gan_imbalance.gans.ConditionalTabularGAN`; values are matched as classes are.

    Returns:
        A table's rows, or images, as the GAN learned the one or the other.

    Raises:
        InputError: if a class is unknown or one that the GAN never saw, a count is not a whole number of at
            least 0, or all are 0, the GAN, the column or the value is none that ``given`` can be used with, or
            ``calibrate`` or ``given`` are asked of images.
    """
    assert gan.spec is not None, "a GAN is trained or loaded before it generates"
    wanted = _rows_per_class(counts, gan.spec.classes)
    labels = torch.tensor(list(wanted)).repeat_interleave(torch.tensor(list(wanted.values())))
    manifest = provenance(
        gan=type(gan).__name__,
        seed=seed,
        counts={str(gan.spec.classes[index]): rows for index, rows in wanted.items()},
        split_hash=gan.data_state["split_hash"],
    )
    made = generate(gan, labels, seed, calibrate, given)
    if gan.spec.kind == "image":
        return SyntheticImages(ImageSet(made, labels.numpy(), gan.spec.classes), manifest)
    schema = TableSchema.from_dict(gan.data_state["schema"])
    rows = schema.restore(made, [gan.spec.classes[index] for index in labels.tolist()])
    manifest |= {"calibrated": calibrate, "given": dict(given or {}), "dropped_columns": list(schema.dropped)}
    return SyntheticSet(rows=rows, target=schema.target, manifest=manifest)


def generate(
    gan: BaseGenerator, labels: Tensor, seed: int, calibrate: bool = False, given: Mapping[str, Any] | None = None
) -> Any:
    """Return one synthetic sample per label as a model sees it: a DataFrame of features, or uint8 images on the CPU.

    Args:
        gan: trained.
        labels: class indices, (n,).
        seed: the same seed gives the same samples.
        calibrate: see :func:`synthesize`.
        given: see :func:`synthesize`.

    Raises:
        InputError: as :func:`synthesize` does.
    """
    assert gan.spec is not None, "a GAN is trained or loaded before it generates"
    if gan.spec.kind == "image":
        if calibrate or given:
            raise InputError("calibrate and given are for tables, but the GAN makes images; omit them.")
        return to_uint8(gan.sample(labels, seed).float()).cpu()
    transformer = TabularTransformer.from_state_dict(gan.data_state["transformer"])
    if given:
        encoded = _sample_given(gan, transformer, labels, given, seed).float().cpu()
    else:
        encoded = gan.sample(labels, seed).float().cpu()
    if calibrate:
        encoded = calibrate_marginals(gan, transformer, encoded, seed)
    features = transformer.inverse_transform(encoded, seed)
    return features.assign(**_exact_values(gan, given, features)) if given else features


def _sample_given(
    gan: BaseGenerator, transformer: TabularTransformer, labels: Tensor, given: Mapping[str, Any], seed: int
) -> Tensor:
    """Return one encoded sample per label (n,), each with the given value of a categorical column."""
    assert gan.spec is not None
    if not isinstance(gan, ConditionalTabularGAN):
        raise InputError(
            f"A {type(gan).__name__} cannot be told the value of a column: train a ConditionalTabularGAN, "
            "or leave given away."
        )
    columns = {span.name: span for span in gan.spec.categorical_columns}
    told = ", ".join(map(repr, columns)) or "none here"
    if len(given) != 1:
        raise InputError(f"given names {len(given)} columns: give the value of one, of {told}.")
    column, value = next(iter(given.items()))
    if column == gan.data_state["schema"]["target"]:
        raise InputError(f"given names the target {column!r}: say in counts how many rows each class gets.")
    # any row will do: it is there to find the value's place in the encoding
    row = transformer.inverse_transform(np.zeros((1, transformer.width)))
    require_columns([column], row.columns, "given")
    if column not in columns:
        raise InputError(f"given names {column!r}, whose values are not categories that vary: choose one of {told}.")
    encoded = transformer.transform(row.assign(**{column: pd.Series([value], dtype=object)}))[0]
    span = columns[column]
    return gan.sample_given(labels, span.start + int(encoded[span.start : span.stop].argmax()), seed)


def _exact_values(gan: BaseGenerator, given: Mapping[str, Any], features: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Return the given column with its value in every row; one of rare levels would else be drawn among them."""
    ((column, value),) = given.items()
    levels = next(state["levels"] for state in gan.data_state["transformer"]["columns"] if state["name"] == column)
    code = find_levels(pd.Series([value], dtype=object, name=column), levels, "error")
    return {column: take(levels, code.repeat(len(features))).astype(features[column].dtype)}


def calibrate_marginals(gan: BaseGenerator, transformer: TabularTransformer, encoded: Tensor, seed: int) -> Tensor:
    """Map every numeric feature by its rank among the generator's own samples to the normal quantile of that rank.

    The quantile transform makes the training rows' marginals standard normal, so decoded rows then have exactly
    those marginals; the dependence between columns (the copula) stays the generator's. Where a column has states
    (spikes, missing values), which one a row is in stays the generator's, too, and the continuous values are ranked
    among themselves. No data is looked at: ranks are taken in 10,000 fresh samples.

    Args:
        gan: the generator of the samples; it learnt one class.
        transformer: its quantile transformer.
        encoded: samples, (n, features).
        seed: of the fresh samples.

    Raises:
        InputError: if the training rows' marginals are not standard normal, because the transform is another, or
            because they are of several classes.
    """
    assert gan.spec is not None
    if transformer.numeric != "quantile" or len(set(gan.spec.condition_classes)) > 1:
        raise InputError(
            "calibrate needs a GAN of one class on quantile-transformed columns: train it with "
            "numeric_transform quantile and one class, or leave calibrate off."
        )
    labels = torch.full((_CALIBRATION_SAMPLES,), gan.trained_classes[0])
    reference = gan.sample(labels, seed + 1).float().cpu()
    states = {span.name: span for span in gan.spec.spans if span.kind == "categorical"}
    calibrated = encoded.clone()
    for span in gan.spec.spans:
        if span.kind == "linear":
            known = reference[:, span.start]
            if span.name in states:
                # the first state is that of continuous values
                block = states[span.name]
                known = known[reference[:, block.start : block.stop].argmax(dim=1) == 0]
            ranks = torch.searchsorted(known.sort().values, encoded[:, span.start].contiguous())
            calibrated[:, span.start] = torch.special.ndtri((ranks + 0.5) / (len(known) + 1))
    return calibrated


def _rows_per_class(counts: Mapping[Any, int], classes: tuple[Label, ...]) -> dict[int, int]:
    wanted: dict[int, int] = {}
    for label, rows in counts.items():
        index = find_class(label, classes)
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            raise InputError(f"The count of class {label!r} is {rows!r}: give a whole number of at least 0.")
        if index in wanted:
            raise InputError(f"Class {classes[index]!r} is counted twice: give one count for each class.")
        wanted[index] = rows
    if not sum(wanted.values()):
        raise InputError("No rows were asked for: give counts such as '{\"1\": 1000}'.")
    return {index: rows for index, rows in wanted.items() if rows}


def write_synthetic_set(synthetic: SyntheticSet | SyntheticImages, output: str | Path) -> None:
    """Write synthetic samples and their manifest (.json beside them), atomically.

    Rows become .csv, .csv.gz or .parquet by the ending; images .npz or, without one, a folder with a folder of PNG
    files for each class (see :meth:`ImageSet.save`).

    Raises:
        InputError: if the ending is another, the folder cannot be written, or that of images is there already.
    """
    output = Path(output)
    if isinstance(synthetic, SyntheticImages):
        samples = synthetic.samples
        samples.save(output)
        form = {"classes": list(samples.classes), "shape": list(samples.images.shape[1:]), "rows_hash": samples.hash}
        write_json(manifest_path(output), synthetic.manifest | form)
        return
    writer = next((writer for ending, writer in _WRITERS.items() if output.name.endswith(ending)), None)
    if writer is None:
        raise InputError(f"Cannot write {output.name}: end its name in .csv, .csv.gz or .parquet.")
    with atomic_path(output) as temporary:
        getattr(synthetic.rows, writer)(temporary, index=False)
        rows_hash = file_hash(temporary)
    write_json(manifest_path(output), {**synthetic.manifest, "target": synthetic.target, "rows_hash": rows_hash})


def manifest_path(rows_path: str | Path) -> Path:
    """Return where the manifest of a synthetic set lies: ``rows.csv`` has ``rows.csv.json``."""
    return Path(f"{rows_path}.json")


def run_synthesize(
    ckpt_path: str,
    counts: dict[str, int],
    output: str,
    seed: int = 0,
    calibrate: bool = False,
    given: dict[str, Any] | None = None,
    wandb: bool = True,
    upload_artifacts: bool = False,
) -> int:
    """Generate exact numbers of synthetic rows or images from a checkpoint, in the form of the input.

    Args:
        ckpt_path: checkpoint that ``gan-imbalance fit`` wrote.
        counts: rows per class, as JSON: '{"1": 1000}'.
        output: file to write: .csv, .csv.gz or .parquet; of images .npz, or a folder of PNG files. A manifest is
            written beside it.
        seed: the same seed gives the same rows.
        calibrate: whether to give numeric columns the marginals of the training rows.
        given: a categorical column and the value that every row is to have, as JSON: '{"colour": "red"}'; for a
            ConditionalTabularGAN.
        wandb: whether to record the run in Weights & Biases (offline without an account).
        upload_artifacts: whether rows and checkpoint go there, too, and not only how many rows were made from what.

    Returns:
        The exit code.
    """
    synthetic = synthesize(load_gan(ckpt_path), counts, seed, calibrate, given)
    synthetic.manifest["checkpoint"] = {"path": str(ckpt_path), "hash": file_hash(ckpt_path)}
    write_synthetic_set(synthetic, output)
    if wandb:
        _record(synthetic, Path(ckpt_path), Path(output), upload_artifacts)
    kind = "rows" if isinstance(synthetic, SyntheticSet) else "images"
    print(f"Wrote {sum(synthetic.manifest['counts'].values())} {kind} to {output}")
    return 0


def _record(synthetic: SyntheticSet | SyntheticImages, checkpoint: Path, output: Path, upload: bool) -> None:
    """Log the synthetic set as an artifact of a run of its own, made from that of the GAN."""
    with start_run(output.parent, job_type="synthesize", config=synthetic.manifest) as run:
        run.summary.update({f"rows/{label}": rows for label, rows in synthetic.manifest["counts"].items()})
        name = f"{synthetic.manifest['gan']}-{file_hash(checkpoint)}"
        use_artifact(run, make_artifact("model", name, [checkpoint], upload))
        run.log_artifact(synthetic_artifact(output, upload))


def synthetic_artifact(rows_path: Path, upload: bool, lasting: bool = False) -> Artifact:
    """Return rows and manifest that :func:`write_synthetic_set` wrote as an artifact of Weights & Biases.

    Args:
        rows_path: file of the rows.
        upload: whether rows and manifest go along.
        lasting: whether the files stay as they are until an offline run is uploaded.
    """
    manifest = manifest_path(rows_path)
    return make_artifact("synthetic-set", f"synthetic-{file_hash(manifest)}", [rows_path, manifest], upload, lasting)
