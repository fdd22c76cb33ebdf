"""A further kind of data is one file and one registration: here vectors of which some numbers are masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan_imbalance import ConditionalGAN, compare, kinds
from gan_imbalance.comparison import Remedy
from gan_imbalance.comparison.adapters import DataAdapter, EncodedView
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.files import content_hash, write_json
from gan_imbalance.gans import BaseGAN
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.kinds import Kind, find_kind, register_kind
from gan_imbalance.main import main
from gan_imbalance.oversampling.core import GeneratorOverSampler
from gan_imbalance.synthesis import load_gan, synthesize, write_synthetic_set
from gan_imbalance.types import DataSpec, InputError, Label

Vectors = np.ndarray[Any, Any]

# -- the kind: a masked number is NaN; networks see numbers and mask side by side


@dataclass(frozen=True)
class Masked:
    kind: ClassVar[str] = "masked"
    vectors: Vectors
    labels: np.ndarray[Any, Any]
    classes: tuple[Label, ...] = ("no", "yes")
    manifest: dict[str, Any] = field(default_factory=dict)
    test_rows: None = None

    @property
    def groups(self) -> np.ndarray[Any, Any]:
        return np.arange(len(self.labels))

    @property
    def hash(self) -> str:
        return content_hash(self.vectors.tobytes() + self.labels.tobytes())


def encode(vectors: Vectors) -> np.ndarray[Any, Any]:
    mask = np.isnan(vectors)
    return np.hstack([np.where(mask, 0, vectors), mask]).astype(np.float32)


def decode(encoded: np.ndarray[Any, Any]) -> Vectors:
    numbers, mask = np.hsplit(np.asarray(encoded), 2)
    return np.where(mask > 0.5, np.nan, numbers)


class MaskedDataModule(ImbalanceDataModule):
    samples: Any = None

    def __init__(self, samples: Masked, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.samples = samples

    @property
    def encoding(self) -> dict[str, Any]:
        return {"balanced": self.balanced}

    def fit_encoding(self, trained: tuple[int, ...], given: Mapping[str, Any]) -> DataSpec:
        shape = (2 * self.samples.vectors.shape[1],)
        return DataSpec("masked", shape, self.samples.classes, condition_classes=trained)

    def stored(self, rows: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(encode(self.samples.vectors[rows]))

    def stored_synthetic(self, synthetic: Masked) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(encode(synthetic.vectors)), torch.from_numpy(synthetic.labels)

    def as_exported(self, samples: Tensor) -> Tensor:
        return torch.from_numpy(encode(decode(samples.cpu().numpy())))

    def state(self) -> dict[str, Any]:
        return {"split_hash": self.split.hash}


class Dense(nn.Sequential):
    def __init__(self, inputs: int, num_conditions: int, outputs: int) -> None:
        super().__init__(nn.Linear(inputs + num_conditions, 16), nn.LeakyReLU(), nn.Linear(16, outputs))
        self.conditions = num_conditions

    def forward(self, x: Tensor, conditions: Tensor) -> Tensor:
        told = [nn.functional.one_hot(conditions, self.conditions).float()] if self.conditions else []
        return super().forward(torch.cat([x, *told], dim=1)).squeeze(1)  # type: ignore[no-any-return]


class Maker(Dense):
    def __init__(self, spec: DataSpec, latent_dim: int, num_conditions: int) -> None:
        super().__init__(latent_dim, num_conditions, spec.shape[0])


class Judge(Dense):
    def __init__(self, spec: DataSpec, num_conditions: int, num_outputs: int) -> None:
        super().__init__(spec.shape[0], num_conditions, num_outputs)


class MaskedSynthesis:
    noun: ClassVar[str] = "vectors"
    options: ClassVar[tuple[str, ...]] = ()

    def generate(self, gan: BaseGenerator, labels: Tensor, seed: int) -> Vectors:
        return decode(gan.sample(labels, seed).cpu().numpy())

    def pack(self, gan: Any, made: Vectors, labels: Tensor, manifest: dict[str, Any]) -> Masked:
        return Masked(made, labels.numpy(), gan.spec.classes, manifest)

    def write(self, synthetic: Masked, path: Path) -> dict[str, Any]:
        write_json(path, {"vectors": synthetic.vectors.tolist(), "labels": synthetic.labels.tolist()})
        return {"rows_hash": synthetic.hash}


class MaskedOverSampler(GeneratorOverSampler):
    def __init__(self, gan: Any = "GAN", max_steps: int = 4, sampling_strategy: Any = "auto", random_state: Any = None):
        super().__init__(sampling_strategy=sampling_strategy)
        self.gan, self.max_steps, self.random_state = gan, max_steps, random_state

    def _joined(self, data: Any, made: list[Any]) -> Vectors:
        return np.concatenate([data.samples.vectors[:0], *made])


class MaskedAdapter(DataAdapter):
    kind, suffix = "masked", ".npz"

    def take(self, rows: Any) -> Vectors:
        return self.samples.vectors[rows]  # type: ignore[no-any-return]

    def encode(self, content: Vectors) -> np.ndarray[Any, Any]:
        return encode(content)

    def view(self, sampler: Any) -> EncodedView:
        return EncodedView(encode, decode)

    def dump(self, content: Vectors, labels: Any) -> bytes:
        np.savez(file := BytesIO(), vectors=content, labels=labels)
        return file.getvalue()

    def load(self, file: bytes) -> tuple[Any, Any]:
        arrays = np.load(BytesIO(file))
        return arrays["vectors"], arrays["labels"]

    @classmethod
    def of_description(cls, content: Mapping[str, Any], reference: bytes) -> MaskedAdapter:
        arrays = np.load(BytesIO(reference))
        samples = Masked(arrays["vectors"], arrays["labels"], tuple(content["classes"]))
        return cls(samples, np.arange(len(samples.labels)))


HERE = __name__
MASKED = Kind("masked", *(f"{HERE}.{name}" for name in ("MaskedSynthesis", "MaskedAdapter", "Maker", "Judge")))

# -- and what comes of it


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> MaskedDataModule:
    """Return 60 vectors of "no" and 20 of "yes", which lie higher; a third of the last number is masked."""
    monkeypatch.setattr(kinds, "_KINDS", {**kinds._KINDS})
    register_kind(MASKED)
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    vectors = random.normal(size=(80, 3)) + 4 * labels[:, None]
    vectors[::3, 2] = np.nan
    return MaskedDataModule(Masked(vectors, labels), validation_fraction=0.2)


def test_it_is_learned_saved_and_synthesized(data: MaskedDataModule, fit: Any, tmp_path: Path) -> None:
    gan = ConditionalGAN(classes="all")
    data.batch_size, data.steps_per_epoch = 16, 2
    fit(gan, data).save_checkpoint(tmp_path / "gan.ckpt")
    assert isinstance(gan.generator, Maker)
    loaded = load_gan(tmp_path / "gan.ckpt")
    made = synthesize(loaded, {"yes": 5, "no": 2}, seed=0)
    assert made.vectors.shape == (7, 3)
    assert made.labels.tolist() == [1] * 5 + [0] * 2
    write_synthetic_set(made, tmp_path / "made.json")
    manifest = json.loads((tmp_path / "made.json.json").read_text())
    assert (manifest["kind"], manifest["counts"]) == ("masked", {"yes": 5, "no": 2})
    request = ("--ckpt_path", str(tmp_path / "gan.ckpt"), "--counts", '{"yes": 5, "no": 2}', "--wandb", "false")
    assert main(["synthesize", *request, "--output", str(tmp_path / "again.json")]) == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "made.json").read_bytes()


def test_it_is_compared(data: MaskedDataModule, tmp_path: Path) -> None:
    sampler = {"class_path": f"{HERE}.MaskedOverSampler"}
    trees = {"class_path": "sklearn.tree.DecisionTreeClassifier", "init_args": {"max_depth": 2}}
    found = compare(
        data,
        ["class_weights", Remedy("mine", sampler), "half_minority"],
        {"trees": trees},
        seeds=1,
        folds=2,
        controls=False,
        output=str(tmp_path),
        wandb=False,
    )
    assert found.exit_code == 0
    assert "GAN-made rows" in found.verdict
    mine = found.results[found.results["remedy"] == "mine"]
    assert (mine["rows_added"] > 0).all()
    assert mine["quality_exact_copies"].between(0, 1).all()


def test_a_kind_takes_few_lines() -> None:
    source = Path(__file__).read_text().split("# -- ")[1]
    assert len([line for line in source.splitlines() if line.strip()]) < 120


def test_networks_without_a_default_must_be_named(data: MaskedDataModule, fit: Any) -> None:
    register_kind(MASKED._replace(generator=""))
    with pytest.raises(InputError, match="No generator suits data of the kind 'masked' by default: name one"):
        fit(ConditionalGAN(classes="all"), data)


def test_a_kind_that_is_not_registered_is_told() -> None:
    with pytest.raises(InputError, match=r"No kind of data is called 'sound': .* \(known are table, image, series\)"):
        find_kind("sound")


def test_gans_learn_any_kind_unless_they_say_otherwise() -> None:
    assert "sound" in BaseGAN.kinds
