"""From a trained GAN to rows, images or series in the input's own form."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import torch
from torch import Tensor

from gan_imbalance.components import import_class
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.images import SyntheticImages
from gan_imbalance.data.series import SyntheticSeries
from gan_imbalance.files import file_hash, provenance, without_folders, write_json
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.kinds import find_kind
from gan_imbalance.synthesis.checkpoints import load_generator
from gan_imbalance.tracking import make_artifact, start_run, use_artifact
from gan_imbalance.types import InputError, Label, SyntheticSet, find_class

if TYPE_CHECKING:
    from gan_imbalance.tracking import Artifact


class Synthesis(Protocol):
    """How the samples of a kind of data come out.

    Attributes:
        noun: what they are called.
        options: of ``calibrate`` and ``given``, those that the kind has; others are refused.
    """

    noun: ClassVar[str]
    options: ClassVar[tuple[str, ...]]

    def generate(self, gan: BaseGenerator, labels: Tensor, seed: int, **options: Any) -> Any:
        """Return one sample per label (n,) as a model sees it; ``options`` are those that were asked for."""
        ...

    def pack(self, gan: BaseGenerator, made: Any, labels: Tensor, manifest: dict[str, Any], **options: Any) -> Any:
        """Return samples and classes in the form of the input, with ``kind`` and ``manifest`` as attributes."""
        ...

    def write(self, synthetic: Any, path: Path) -> dict[str, Any]:
        """Write what :meth:`pack` returned, atomically, and return what the manifest further tells of it."""
        ...


def synthesis_of(kind: str) -> Synthesis:
    """Return how samples of a kind come out."""
    return cast(Synthesis, import_class(find_kind(kind).synthesis)())


def synthesize(
    gan: BaseGenerator,
    counts: Mapping[Any, int],
    seed: int,
    calibrate: bool = False,
    given: Mapping[str, Any] | None = None,
) -> Any:
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
        A table's rows, images or series, whichever the GAN learned.

    Raises:
        InputError: if a class is unknown or one that the GAN never saw, a count is not a whole number of at
            least 0, or all are 0, the GAN, the column or the value is none that ``given`` can be used with, or
            ``calibrate`` or ``given`` are asked of a kind of data that does not have them.
    """
    wanted = _rows_per_class(counts, gan.spec.classes)
    labels = torch.tensor(list(wanted)).repeat_interleave(torch.tensor(list(wanted.values())))
    manifest = provenance(
        gan=type(gan).__name__,
        seed=seed,
        counts={str(gan.spec.classes[index]): rows for index, rows in wanted.items()},
        split_hash=gan.data_state["split_hash"],
    )
    made = generate(gan, labels, seed, calibrate, given)
    options = _asked_for(gan, calibrate, given)
    return synthesis_of(gan.spec.kind).pack(gan, made, labels, {"kind": gan.spec.kind, **manifest}, **options)


def generate(
    gan: BaseGenerator, labels: Tensor, seed: int, calibrate: bool = False, given: Mapping[str, Any] | None = None
) -> Any:
    """Return one synthetic sample per label: a DataFrame of features, uint8 images on the CPU, or float32 series.

    Args:
        gan: trained.
        labels: class indices, (n,).
        seed: the same seed gives the same samples.
        calibrate: see :func:`synthesize`.
        given: see :func:`synthesize`.

    Raises:
        InputError: as :func:`synthesize` does.
    """
    return synthesis_of(gan.spec.kind).generate(gan, labels, seed, **_asked_for(gan, calibrate, given))


def _asked_for(gan: BaseGenerator, calibrate: bool, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options that are not left at their defaults; refuse those that the kind of data does not have."""
    synthesis = synthesis_of(gan.spec.kind)
    asked = {name: value for name, value in (("calibrate", calibrate), ("given", given)) if value}
    for name in asked:
        if name not in synthesis.options:
            raise InputError(f"{name} is not for {synthesis.noun}, which this {type(gan).__name__} makes: omit it.")
    return asked


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


def write_synthetic_set(synthetic: Any, output: str | Path) -> None:
    """Write synthetic samples and their manifest (.json beside them), atomically.

    Rows become .csv, .csv.gz or .parquet by the ending; images .npz or, without one, a folder with a folder of PNG
    files for each class (see :meth:`ImageSet.save`); series .npz (see :meth:`SeriesSet.save`).

    Raises:
        InputError: if the ending is another, the folder cannot be written, or that of images is there already.
    """
    form = synthesis_of(synthetic.kind).write(synthetic, Path(output))
    write_json(manifest_path(output), {**synthetic.manifest, **form})


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
    data: ImbalanceDataModule | None = None,
    trust: str | list[str] | None = None,
    wandb: bool = True,
    upload_artifacts: bool = False,
) -> int:
    """Generate exact numbers of synthetic rows, images or series from a checkpoint, in the form of the input.

    Images have a page beside them, ``<output>.samples.html``, which is for looking at them and goes nowhere else.

    Args:
        ckpt_path: checkpoint that ``gan-imbalance fit`` wrote.
        counts: rows per class, as JSON: '{"1": 1000}'.
        output: file to write: .csv, .csv.gz or .parquet; of images .npz, or a folder of PNG files; of series .npz. A
            manifest is written beside it.
        seed: the same seed gives the same rows.
        calibrate: whether to give numeric columns the marginals of the training rows.
        given: a categorical column and the value that every row is to have, as JSON: '{"colour": "red"}'; for a
            ConditionalTabularGAN.
        data: of images, the data settings that the generator was trained with: a page beside the output then shows
            each image beside its nearest training image, and whether it is a copy.
        trust: packages or classes of one's own that the checkpoint may name, which then run: my_package.
        wandb: whether to record the run in Weights & Biases (offline without an account).
        upload_artifacts: whether rows and checkpoint go there, too, and not only how many rows were made from what.

    Returns:
        The exit code.
    """
    gan = load_generator(ckpt_path, trust or ())
    if data is not None and not find_kind(gan.spec.kind).samples_page:
        raise InputError(f"data is for a page that {synthesis_of(gan.spec.kind).noun} do not have: omit it.")
    synthetic = synthesize(gan, counts, seed, calibrate, given)
    synthetic.manifest["checkpoint"] = without_folders({"path": ckpt_path, "hash": file_hash(ckpt_path)})
    write_synthetic_set(synthetic, output)
    if wandb:
        _record(synthetic, Path(ckpt_path), Path(output), upload_artifacts)
    noun = synthesis_of(synthetic.kind).noun
    print(f"Wrote {sum(synthetic.manifest['counts'].values())} {noun} to {output}")
    _write_page(gan, synthetic, output, data)
    return 0


def _write_page(gan: BaseGenerator, synthetic: Any, output: str, data: ImbalanceDataModule | None) -> None:
    """Write the page of samples beside the output, if the kind has one; the samples are there without it, too."""
    write = find_kind(synthetic.kind).samples_page
    if not write:
        return
    page = Path(f"{output}.samples.html")
    try:
        cast(Any, import_class(write))(gan, synthetic, page, data)
    except (ValueError, OSError) as error:
        warnings.warn(f"{page} could not be written: {error}", stacklevel=2)
    else:
        print(f"Look at them in {page}")


def _record(
    synthetic: SyntheticSet | SyntheticImages | SyntheticSeries, checkpoint: Path, output: Path, upload: bool
) -> None:
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
