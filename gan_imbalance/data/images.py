"""Images, from wherever they lie, to a leak-proof split and tensors."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, Self, cast, get_args
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from filelock import FileLock
from torch import Tensor, nn
from torch.utils.data import Dataset

from gan_imbalance.components import factory, plain_partial, to_config
from gan_imbalance.data.base import ImbalanceDataModule, require_ratio
from gan_imbalance.data.imbalance import Indices, long_tail
from gan_imbalance.data.loaders import Batch
from gan_imbalance.data.split import Split
from gan_imbalance.files import atomic_folder, atomic_path, content_hash, in_short, require_modest, telling_unreadable
from gan_imbalance.transforms.image import IMAGES_AT_ONCE, to_float, to_uint8
from gan_imbalance.types import LARGEST_IMAGE, SMALLEST_IMAGE, DataKind, DataSpec, InputError, Label, find_class

if TYPE_CHECKING:
    from PIL.Image import Image

Squaring = Literal["crop", "pad", "stretch"]
"""How an image that is not square becomes so: its longer side loses its margins, its shorter side gets black ones, or
its shorter side is stretched."""

_MODES = {1: "L", 3: "RGB"}
_WANTED = "an .npz with the arrays images, labels and classes, or a folder with a folder of image files for each class"
# the parameter by which torchvision's data sets choose their part, and its values for training and test
_PARTS: dict[str, tuple[Any, Any]] = {"train": (True, False), "split": ("train", "test")}


@dataclass(frozen=True)
class ImageSet:
    """n images of one form, and their classes; itself a data set in torchvision's manner.

    Attributes:
        images: uint8 of shape (n, channels, height, width), 1 or 3 channels; of any size, which :func:`read_images`
            brings to one that networks know.
        labels: class index of every image, int64 of shape (n,).
        classes: every class, in the order of the indices.
        test_rows: mask of the images of a separate test set, shape (n,), if there is one.

    Raises:
        InputError: if images, labels and classes do not fit together, or the images have another form.

    Example:
        Arrays become a file that the command line reads, too:

        >>> import numpy as np
        >>> import torch
        >>> from gan_imbalance import ImageSet
        >>> images = ImageSet(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), np.array([0, 0, 1]), ("cat", "dog"))
        >>> images.save("pets.npz")
        >>> ImageSet.load("pets.npz").classes
        ('cat', 'dog')
    """

    kind: ClassVar[DataKind] = "image"

    images: Tensor
    labels: npt.NDArray[np.int64]
    classes: tuple[Label, ...]
    test_rows: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Make sure that everything fits."""
        object.__setattr__(self, "images", torch.as_tensor(self.images))
        object.__setattr__(self, "labels", np.asarray(self.labels))
        object.__setattr__(self, "classes", tuple(self.classes))
        shape = tuple(self.images.shape)
        if self.images.dtype != torch.uint8 or len(shape) != 4:
            raise InputError(
                f"The images are {str(self.images.dtype).removeprefix('torch.')} of shape {shape}; give uint8 of shape "
                "(images, channels, height, width), which transforms.image.to_uint8 makes of numbers in [-1, 1]."
            )
        count, channels, *_ = shape
        if channels not in _MODES:
            raise InputError(
                f"The images have shape {shape}, so {channels} channels, but there can be 1 or 3; give them in the "
                "shape (images, channels, height, width)."
            )
        if self.labels.shape != (count,) or not np.issubdtype(self.labels.dtype, np.integer):
            raise InputError(
                f"There are {count} images, but the labels are {self.labels.dtype.name} of shape {self.labels.shape}; "
                "give one integer for each image, the position of its class among classes."
            )
        object.__setattr__(self, "labels", self.labels.astype(np.int64))
        _require_names(self.classes)
        _require_classes(self.labels, self.classes)
        if self.test_rows is not None and (self.test_rows.shape != (count,) or self.test_rows.dtype != np.bool_):
            raise InputError(
                f"There are {count} images, but test_rows are {self.test_rows.dtype.name} of shape "
                f"{self.test_rows.shape}; give true or false for each image."
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return an image, uint8 (channels, height, width), and its class index."""
        return self.images[index], int(self.labels[index])

    @property
    def targets(self) -> npt.NDArray[np.int64]:
        """The labels, as torchvision calls them."""
        return self.labels

    @cached_property
    def groups(self) -> npt.NDArray[np.int64]:
        """A number for every image, the same for equal ones, ascending by first occurrence, shape (n,)."""
        contents = np.array([image.tobytes() for image in self.images.numpy()], dtype=object)
        return pd.factorize(contents)[0].astype(np.int64)

    @cached_property
    def hash(self) -> str:
        """16 hex digits that change with any pixel, label or class."""
        form = content_hash([list(self.images.shape), list(self.classes)])
        return content_hash(self.images.numpy().tobytes() + self.labels.tobytes() + form.encode())

    def take(self, rows: Indices) -> ImageSet:
        """Return some of the images, in the order of their positions (m,)."""
        test_rows = None if self.test_rows is None else self.test_rows[rows]
        return ImageSet(self.images[torch.from_numpy(rows)], self.labels[rows], self.classes, test_rows)

    def save(self, path: str | Path) -> None:
        """Write the images, atomically: as .npz, or as a folder with a folder of PNG files for each class.

        The .npz has the arrays ``images``, ``labels``, ``classes`` and, if there are any, ``test_rows``, which a folder
        does not tell. What a file system may refuse in a class's name is percent-encoded.

        Raises:
            InputError: if the path has another ending, is a folder that holds something, or cannot be written.
        """
        path = Path(path)
        if not is_image_path(path):
            raise InputError(f"Cannot write {path.name}: end its name in .npz, or name a folder, without an ending.")
        if path.suffix != ".npz":
            with atomic_folder(path) as folder:
                self._save_image_files(folder)
            return
        with atomic_path(path) as temporary:
            temporary.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the .npz that :meth:`save` writes."""
        arrays = {"images": self.images.numpy(), "labels": self.labels, "classes": np.array(self.classes)}
        if self.test_rows is not None:
            arrays["test_rows"] = self.test_rows
        file = BytesIO()
        np.savez(file, allow_pickle=False, **cast(Any, arrays))
        return file.getvalue()

    @classmethod
    def load(cls, path: str | Path | BinaryIO) -> Self:
        """Read an .npz with the arrays ``images``, ``labels`` and ``classes``, as :meth:`save` writes them.

        Raises:
            InputError: if there is no such file, or it holds something else.
        """
        with telling_unreadable(path, _WANTED):
            require_modest(path)
            with np.load(path, allow_pickle=False) as file:
                images, labels, classes = torch.from_numpy(file["images"]), file["labels"], file["classes"]
                return cls(images, labels, tuple(np.atleast_1d(classes).tolist()), file.get("test_rows"))

    def _save_image_files(self, folder: Path) -> None:
        from torchvision.transforms.functional import to_pil_image

        for index in np.unique(self.labels):
            # a name of dots alone would be another folder
            inner = folder / quote(str(self.classes[index]), safe=" ").replace(".", "%2E")
            inner.mkdir()
            for number, row in enumerate(np.flatnonzero(self.labels == index)):
                to_pil_image(self.images[row]).save(inner / f"{number:06d}.png")


@dataclass(frozen=True)
class SyntheticImages:
    """Synthetic images in the input's own form, and what made them.

    Attributes:
        samples: the images, their labels and the classes of the data.
        manifest: generator, seed, counts, split hash and versions (see :func:`gan_imbalance.files.provenance`).

    Example:
        What :func:`~gan_imbalance.synthesis.synthesize` gives of a generator of images:

        >>> from sklearn.datasets import load_digits
        >>> from gan_imbalance import ImageOverSampler, synthesize
        >>> digits = load_digits()
        >>> images = (digits.images * 15).astype("uint8")[:100, None]
        >>> sampler = ImageOverSampler("GAN", sampling_strategy={8: 20}, max_steps=1, accelerator="cpu")
        >>> _ = sampler.fit_resample(images, digits.target[:100])
        >>> made = synthesize(sampler.gans_[8], {8: 5}, seed=0)
        >>> tuple(made.samples.images.shape), made.manifest["counts"]
        ((5, 1, 8, 8), {'8': 5})
    """

    kind: ClassVar[DataKind] = "image"

    samples: ImageSet
    manifest: dict[str, Any]


def is_image_path(path: str | Path) -> bool:
    """Return whether a path is that of images, .npz or a folder (no ending), or else of a table."""
    return Path(path).suffix in ("", ".npz") or Path(path).is_dir()


def open_images(path: str | Path) -> Any:
    """Return the data set of an .npz or a folder of images, in the forms that :meth:`ImageSet.save` writes.

    Args:
        path: an .npz with the arrays ``images``, ``labels`` and ``classes``, or a folder with a folder for each class.

    Raises:
        InputError: if there is nothing, or something else.
    """
    if not Path(path).is_dir():
        return ImageSet.load(path)
    from torchvision.datasets import ImageFolder

    # torchvision's own loader makes every image RGB
    folder = _build(partial(ImageFolder, path, loader=_open_picture))
    folder.classes = [unquote(name) for name in folder.classes]
    return folder


def read_images(
    dataset: Any,
    test_dataset: Any = None,
    size: int | None = None,
    channels: int | None = None,
    only: Sequence[Label] = (),
    max_images: int | None = None,
    squaring: Squaring = "crop",
) -> ImageSet:
    """Read a data set in torchvision's manner, whose items are pairs of image and class index.

    Args:
        dataset: items are images of PIL, arrays (height, width, channels) of uint8, or tensors (channels, height,
            width) of uint8, or of numbers in [0, 1]. Attributes ``classes`` and ``targets`` are used where it has them.
        test_dataset: the same, of a separate test set.
        size: width and height that all images are brought to; a warning tells if some are not square.
        channels: 1 (grey) or 3 (colour), which all images are brought to.
        only: classes to read, of several; they keep their order.
        max_images: how many images to read at most; of each class the same share, and of a test set, too.
        squaring: how those that are not square become so.

    Raises:
        InputError: if an image cannot be read, has another form than the others, or its label is no class.
    """
    if size is not None and not SMALLEST_IMAGE <= size <= LARGEST_IMAGE:
        raise InputError(f"size is {size}; give {SMALLEST_IMAGE} to {LARGEST_IMAGE} pixels.")
    if squaring not in get_args(Squaring):
        raise InputError(f"squaring is {squaring!r}; give {', '.join(get_args(Squaring))}.")
    if channels is not None and channels not in _MODES:
        raise InputError(f"channels is {channels}; give 1 (grey) or 3 (colour).")
    parts = [dataset] if test_dataset is None else [dataset, test_dataset]
    labels = [_labels(part) for part in parts]
    names = getattr(dataset, "classes", None)
    classes = tuple(range(int(labels[0].max(initial=-1)) + 1) if names is None else names)
    _require_classes(labels[0], classes)
    if test_dataset is not None:
        labels[1] = _in_classes(labels[1], getattr(test_dataset, "classes", None), classes)
    wanted = sorted({find_class(label, classes) for label in only}) or list(range(len(classes)))
    share = 1.0 if max_images is None else max_images / max(1, np.isin(labels[0], wanted).sum())
    if share <= 0:
        raise InputError(f"max_images is {max_images}; give at least 1.")
    chosen = [_choose(part, wanted, share) for part in labels]
    if not sum(rows.size for rows in chosen):
        raise InputError("The data set has no images; name one that has.")
    read = [
        _read_rows(part, rows, size, channels, squaring) for part, rows in zip(parts, chosen, strict=True) if rows.size
    ]
    _require_one_form([part.shape[1:] for part in read], "the training set", "the test set")
    height, width = read[0].shape[2:]
    if height != width or not SMALLEST_IMAGE <= height <= LARGEST_IMAGE:
        raise InputError(
            f"The images have {width} x {height} pixels, but must be square, {SMALLEST_IMAGE} to {LARGEST_IMAGE} "
            "pixels wide; give size to bring them to that."
        )
    found = np.concatenate([part[rows] for part, rows in zip(labels, chosen, strict=True)])
    if only:
        found, classes = np.searchsorted(wanted, found), tuple(classes[index] for index in wanted)
    test_rows = getattr(dataset, "test_rows", None)
    if test_dataset is not None:
        test_rows = np.arange(len(found)) >= len(chosen[0])
    elif test_rows is not None:
        test_rows = test_rows[chosen[0]]
    return ImageSet(torch.cat(read), found, classes, test_rows)


class ImageDataModule(ImbalanceDataModule):
    """Images, split once, as batches for a GAN or a classifier (see :class:`ImbalanceDataModule`).

    They lie on the device as uint8. Every batch becomes float32 in [-1, 1], and is augmented in training, there.
    Exactly one of ``dataset`` and ``images`` says where they are. Equal images never straddle the split.

    Args:
        dataset: class of a data set in torchvision's manner with its arguments, such as torchvision's ImageFolder.
            Where it has a test set of its own (by ``train`` or ``split``), that is the test part.
        images: a folder with a folder of image files for each class, or an .npz with the arrays ``images`` (n,
            channels, height, width), ``labels`` and ``classes``, or from Python an :class:`ImageSet`.
        test_dataset: a separate test set, given as ``dataset`` is.
        size: width and height that all images are brought to; a warning tells if some are not square.
        channels: 1 (grey) or 3 (colour), which all images are brought to.
        only: classes to use, of several.
        max_images: how many training images to read at most; of each class the same share, and of a test set, too.
        squaring: how images that are not square become so: ``crop`` cuts off the margins of the longer side, ``pad``
            gives the shorter side black ones, ``stretch`` stretches it.
        imbalance_ratio: make a long tail of the classes, in their order: training images of the first per image of the
            last, above 1; of those between, exponentially fewer. Instead of ``keep``.
        augmentation: what happens to the images of every training batch; maps float images in [-1, 1] to such of the
            same shape.
        kwargs: see :class:`ImbalanceDataModule`.

    Example:
        A long tail of three classes that were equally frequent; validation and test part keep theirs:

        >>> import numpy as np
        >>> import torch
        >>> from gan_imbalance import ImageDataModule, ImageSet
        >>> pixels = np.random.default_rng(0).integers(0, 256, (300, 1, 8, 8), dtype=np.uint8)
        >>> images = ImageSet(torch.from_numpy(pixels), np.repeat([0, 1, 2], 100), ("cat", "dog", "owl"))
        >>> data = ImageDataModule(images=images, imbalance_ratio=7)
        >>> data.setup()
        >>> data.class_counts(), len(data.split.test)
        ([70, 26, 10], 60)
    """

    evaluated_at_once: ClassVar[int] = IMAGES_AT_ONCE

    sources: ClassVar[tuple[str, ...]] = ("dataset", "images", "test_dataset")

    def __init__(
        self,
        dataset: Callable[[], Dataset[Any]] | None = None,
        images: Any = None,
        test_dataset: Callable[[], Dataset[Any]] | None = None,
        size: int | None = None,
        channels: int | None = None,
        only: Sequence[Label] = (),
        max_images: int | None = None,
        squaring: Squaring = "crop",
        imbalance_ratio: float | None = None,
        augmentation: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.images = images
        self.test_dataset = test_dataset
        self.size = size
        self.channels = channels
        self.only = only
        self.max_images = max_images
        self.squaring = squaring
        self.imbalance_ratio = imbalance_ratio
        self.augmentation = augmentation
        require_ratio(imbalance_ratio)
        if imbalance_ratio is not None and self.keep:
            raise InputError("keep and imbalance_ratio both say how many images stay; give one of them.")

    def datasets(self) -> tuple[Any, Any]:
        """Return the data set and, if there is a separate one, the test set; hook for data that are always the same."""
        if (self.dataset is None) == (self.images is None):
            raise InputError("Say where the images are by exactly one of dataset and images.")
        if self.dataset is None:
            return self.images if isinstance(self.images, ImageSet) else open_images(self.images), None
        make = _maker(self.dataset)
        if self.test_dataset is not None:
            return _build(make), _build(_maker(self.test_dataset))
        parameters = inspect.signature(make).parameters
        for option, (train, test) in _PARTS.items():
            if option in parameters and parameters[option].default == train:
                return _build(partial(make, **{option: train})), _build(partial(make, **{option: test}))
        return _build(make), None

    @cached_property
    def samples(self) -> ImageSet:
        """All images."""
        train, test = self.datasets()
        return read_images(train, test, self.size, self.channels, self.only, self.max_images, self.squaring)

    @property
    def encoding(self) -> dict[str, Any]:
        """What happens to images before a generator sees them."""
        return {"augmentation": to_config(self.augmentation), "balanced": self.balanced}

    def kept_rows(self, split: Callable[..., Split]) -> dict[int, int | float]:
        """Return what ``keep`` says, or the numbers of a long tail of ``imbalance_ratio``."""
        if self.imbalance_ratio is None:
            return super().kept_rows(split)
        return dict(enumerate(long_tail(self._count(split().train), self.imbalance_ratio)))

    def fit_encoding(self, trained: tuple[int, ...], given: Mapping[str, Any]) -> DataSpec:
        """Return the form of the images; there is nothing to fit."""
        samples = self.samples
        return DataSpec("image", tuple(samples.images.shape[1:]), samples.classes, condition_classes=trained)

    def stored(self, rows: Indices) -> Tensor:
        """Return images, uint8 of shape (n, channels, height, width)."""
        return self.samples.images[torch.from_numpy(rows)]

    def as_input(self, stored: Tensor) -> Tensor:
        """Return uint8 images as float32 in [-1, 1], (n, channels, height, width)."""
        return to_float(stored)

    def as_training_input(self, stored: Tensor) -> Tensor:
        """Return uint8 images as float32 in [-1, 1], augmented, (n, channels, height, width)."""
        images = self.as_input(stored)
        if self.augmentation is None:
            return images
        with torch.no_grad():
            return cast(Tensor, self.augmentation.to(images.device)(images))

    def stored_synthetic(self, synthetic: Any) -> Batch:
        """Return the images of :class:`SyntheticImages`, uint8 (n, channels, height, width), and their classes (n,)."""
        if not isinstance(synthetic, SyntheticImages):
            raise InputError("The synthetic samples are rows of a table, but the data are images; give images.")
        made, shape = synthetic.samples, tuple(self.spec.shape)
        if tuple(made.images.shape[1:]) != shape:
            raise InputError(
                f"The synthetic images have shape {tuple(made.images.shape[1:])}, but those of the data {shape}; "
                "generate them with a GAN that was trained with the same size and channels."
            )
        classes = np.array([find_class(label, self.spec.classes) for label in made.classes])
        return made.images, torch.from_numpy(classes[made.labels])

    def as_exported(self, samples: Tensor) -> Tensor:
        """Return float images (n, channels, height, width) as they look after rounding to 256 steps."""
        return to_float(to_uint8(samples))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint tells of its data: plain values only."""
        return {
            "image": {"shape": list(self.spec.shape), "classes": list(self.spec.classes)},
            "split_hash": self.split.hash,
        }


class DigitsDataModule(ImageDataModule):
    """scikit-learn's 1,797 handwritten digits, 8 x 8 grey pixels: they need no download.

    Args:
        kwargs: see :class:`ImageDataModule`.

    Example:
        Make one of two digits rare; the images that are left out are the reserve:

        >>> from gan_imbalance import DigitsDataModule
        >>> data = DigitsDataModule(only=[3, 8], keep={"8": 15})
        >>> data.setup()
        >>> data.spec.classes, data.spec.shape, data.class_counts(), len(data.split.reserve)
        ((3, 8), (1, 8, 8), [128, 15], 107)
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dataset=None, images=None, test_dataset=None, **kwargs)

    def datasets(self) -> tuple[Any, Any]:
        """Return the digits, their 17 grey levels spread over 0 to 255."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = torch.from_numpy((digits.images * 255 / 16).round().astype(np.uint8)).unsqueeze(1)
        return ImageSet(images, digits.target, tuple(range(10))), None


class CIFAR10DataModule(ImageDataModule):
    """CIFAR-10: 50,000 training and 10,000 test images of ten classes, 32 x 32 pixels in colour.

    Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images. The official test set is the test part,
    the validation part is cut from the training set.

    Args:
        root: folder that holds ``cifar-10-batches-py``.
        download: whether to download what is not there.
        kwargs: see :class:`ImageDataModule`.

    Example:
        It says which file it misses:

        >>> from gan_imbalance import CIFAR10DataModule
        >>> CIFAR10DataModule(root="downloads").setup()
        Traceback (most recent call last):
            ...
        gan_imbalance.types.InputError: The CIFAR-10 file downloads/cifar-10-batches-py/data_batch_1 is missing; ...
    """

    def __init__(self, root: str = "data", download: bool = False, **kwargs: Any) -> None:
        super().__init__(dataset=None, images=None, test_dataset=None, **kwargs)
        self.root = root
        self.download = download

    def datasets(self) -> tuple[Any, Any]:
        """Return the training and the test set.

        Raises:
            InputError: if a file of them is missing or corrupt.
        """
        from torchvision.datasets import CIFAR10
        from torchvision.datasets.utils import check_integrity

        make = partial(CIFAR10, root=self.root, download=self.download)
        try:
            return _build(partial(make, train=True)), _build(partial(make, train=False))
        except InputError as error:
            meta = CIFAR10.meta["filename"], CIFAR10.meta["md5"]
            for name, checksum in [*CIFAR10.train_list, *CIFAR10.test_list, meta]:
                path = Path(self.root, CIFAR10.base_folder, name)
                if not check_integrity(path, checksum):
                    state = "corrupt" if path.is_file() else "missing"
                    raise InputError(
                        f"The CIFAR-10 file {path} is {state}; name with root the folder that holds "
                        f"{CIFAR10.base_folder}, or set download to true where there is a network."
                    ) from error
            raise


def _open_picture(path: str) -> Image:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()
        return picture


def _maker(dataset: Any) -> Callable[..., Any]:
    make = factory(dataset)
    return plain_partial(make) if isinstance(make, partial) else make


def _build(make: Callable[[], Any]) -> Any:
    """Return a data set, or raise if it cannot be made."""
    given = make.keywords if isinstance(make, partial) else {}
    try:
        return _download(make, Path(given["root"])) if given.get("download") and "root" in given else make()
    except (OSError, RuntimeError, ValueError, TypeError, EOFError) as error:
        made = make.func if isinstance(make, partial) else make
        raise InputError(
            f"The data set {getattr(made, '__name__', made)} cannot be read ({in_short(error)}); check its arguments, "
            "or set download to true where it has that."
        ) from error


def _download(make: Callable[..., Any], root: Path) -> Any:
    """Return a data set, downloaded if it is not there: of several processes, by one after the other."""
    try:
        return make(download=False)
    except RuntimeError:
        # torchvision's for files that are missing or corrupt
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".download.lock")
        with lock:
            dataset = make()
        # whoever comes now finds the files
        Path(lock.lock_file).unlink(missing_ok=True)
        return dataset


def _labels(dataset: Any) -> npt.NDArray[np.int64]:
    """Return the class index of every image, shape (n,)."""
    told = None
    if getattr(dataset, "target_transform", None) is None:
        told = next((getattr(dataset, name) for name in ("targets", "labels") if hasattr(dataset, name)), None)
    try:
        labels = [dataset[index][1] for index in range(len(dataset))] if told is None else told
        exact = np.asarray(labels, dtype=np.float64)
        if exact.ndim != 1 or not np.array_equal(exact, exact.round()):
            raise InputError("The labels of the data set are no class indices; give one whole number from 0 per image.")
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{type(dataset).__name__} is no data set of images and class indices ({in_short(error)}); give one whose "
            "items are pairs of the two."
        ) from error
    return exact.astype(np.int64)


def _require_names(classes: Sequence[Label]) -> None:
    strange = [label for label in classes if not isinstance(label, str | int | float | np.generic)]
    if strange:
        raise InputError(f"classes holds {strange[0]!r}; give one name or number for each class.")
    if len(set(classes)) < len(classes):
        twice = next(label for label in classes if classes.count(label) > 1)
        raise InputError(f"classes holds {twice!r} more than once; give every class a name of its own.")


def _require_classes(labels: npt.NDArray[np.int64], classes: Sequence[Label]) -> None:
    outside = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if outside.size:
        raise InputError(
            f"Image {outside[0]} has label {labels[outside[0]]}, but there are {len(classes)} classes; "
            f"labels must be 0 to {len(classes) - 1}."
        )


def _in_classes(
    labels: npt.NDArray[np.int64], own: Sequence[Label] | None, classes: Sequence[Label]
) -> npt.NDArray[np.int64]:
    """Return the labels of a test set, whose classes may have another order, as positions among those of training."""
    if own is None:
        own = classes
    _require_classes(labels, own)
    try:
        positions = [find_class(label, classes) for label in own]
    except InputError as error:
        raise InputError(f"The classes of the test set are not those of training. {error}") from error
    return np.array(positions, dtype=np.int64)[labels]


def _choose(labels: npt.NDArray[np.int64], wanted: Sequence[int], share: float) -> Indices:
    """Return the positions of some images of each wanted class, ascending."""
    if share >= 1:
        return np.flatnonzero(np.isin(labels, wanted))
    random = np.random.default_rng(0)
    chosen = []
    for label in wanted:
        rows = random.permutation(np.flatnonzero(labels == label))
        chosen.append(rows[: max(1, round(share * rows.size))])
    return np.sort(np.concatenate(chosen))


def _read_rows(dataset: Any, rows: Indices, size: int | None, channels: int | None, squaring: Squaring) -> Tensor:
    """Return images of a data set in the given size and number of channels, uint8 (n, channels, height, width)."""
    from PIL import Image

    if isinstance(dataset, ImageSet):
        depth, height, width = dataset.images.shape[1:]
        if channels in (None, depth) and (size is None or size == height == width):
            return dataset.images[torch.from_numpy(rows)]
    files = getattr(dataset, "samples", None)
    images, oblong = [], 0
    for row in rows.tolist():
        name = f"The image {files[row][0]}" if files else f"Image {row} of {type(dataset).__name__}"
        try:
            picture = _picture(dataset[row][0])
        except (OSError, ValueError, TypeError, SyntaxError) as error:
            raise InputError(f"{name} cannot be read ({in_short(error)}); remove or replace it.") from error
        if picture.mode.startswith("I;16"):
            # PIL would clip what is above 255
            picture = Image.fromarray((np.asarray(picture) / 257).round().astype(np.uint8))
        elif picture.mode in ("I", "F") and not _is_of_bytes(picture):
            raise InputError(
                f"{name} has pixels of mode {picture.mode}, whose range is unknown; convert them to 8 bits."
            )
        if channels is not None:
            picture = picture.convert(_MODES[channels])
        elif picture.mode not in _MODES.values():
            raise InputError(f"{name} is neither grey nor RGB but of mode {picture.mode}; give channels, 1 or 3.")
        if size is not None and picture.size != (size, size):
            oblong += picture.width != picture.height
            picture = _squared(picture, size, squaring)
        images.append(np.atleast_3d(np.asarray(picture)).transpose(2, 0, 1))
    _require_one_form([image.shape for image in images])
    if oblong:
        warnings.warn(
            f"{oblong:,} of {len(images):,} images are not square: {_SQUARED[squaring]} (squaring: {squaring}; "
            f"{', '.join(other for other in _SQUARED if other != squaring)} would do it otherwise).",
            stacklevel=2,
        )
    return torch.from_numpy(np.stack(images))


_SQUARED: dict[Squaring, str] = {
    "crop": "their longer sides lose their margins",
    "pad": "their shorter sides get black margins",
    "stretch": "their shorter sides are stretched",
}


def _squared(picture: Image, size: int, squaring: Squaring) -> Image:
    from PIL import ImageOps
    from PIL.Image import Resampling

    if squaring == "crop":
        return ImageOps.fit(picture, (size, size), Resampling.BILINEAR)
    if squaring == "pad":
        return ImageOps.pad(picture, (size, size), Resampling.BILINEAR)
    return picture.resize((size, size), Resampling.BILINEAR)


def _is_of_bytes(picture: Image) -> bool:
    pixels = np.asarray(picture)
    return bool(pixels.dtype.kind == "i" and pixels.min() >= 0 and pixels.max() <= 255)


def _require_one_form(forms: Sequence[tuple[int, ...]], *names: str) -> None:
    """Raise unless all forms (channels, height, width) are the same."""
    odd = next((number for number, form in enumerate(forms) if form != forms[0]), None)
    if odd is not None:
        first, other = ("{2} x {1} pixels with {0} channel(s)".format(*forms[index]) for index in (0, odd))
        one, another = names or ("the first", f"number {odd}")
        raise InputError(
            f"Images of one data set must have one form, but {one} has {first} and {another} has {other}; "
            "give size and channels to bring them to one."
        )


def _picture(image: Any) -> Image:
    """Return an image of any kind that torchvision knows as an image of PIL."""
    from PIL.Image import Image as Picture
    from torchvision.transforms.functional import to_pil_image

    if isinstance(image, Picture):
        return image
    if not isinstance(image, Tensor | np.ndarray):
        raise TypeError(f"it is a {type(image).__name__}, not an image, array or tensor")
    numbers = torch.as_tensor(image)
    if numbers.is_floating_point() and not bool(((numbers >= 0) & (numbers <= 1)).all()):
        raise ValueError("it holds numbers outside [0, 1], or NaN")
    return cast("Image", to_pil_image(image))
