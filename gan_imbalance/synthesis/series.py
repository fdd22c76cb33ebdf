"""Time series from a generator's samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from gan_imbalance.checkpoints import telling_damage
from gan_imbalance.data.series import SeriesSet, SyntheticSeries
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.transforms.series import Series, SeriesScaler


class SeriesSynthesis:
    """:class:`~gan_imbalance.synthesis.synthesize.Synthesis` of series; samples are float32 (n, channels, length)."""

    noun: ClassVar[str] = "series"
    options: ClassVar[tuple[str, ...]] = ()

    def generate(self, gan: BaseGenerator, labels: Tensor, seed: int) -> Series:
        """Return one series per label; one that is shorter than others is NaN behind its end."""
        encoded = gan.sample(labels, seed).float().cpu().numpy()
        with telling_damage("What the generator knows of the series"):
            return SeriesScaler.from_state_dict(gan.data_state["scaler"]).inverse_transform(encoded)

    def pack(self, gan: BaseGenerator, made: Series, labels: Tensor, manifest: dict[str, Any]) -> SyntheticSeries:
        """Return series with their classes."""
        return SyntheticSeries(SeriesSet(made, labels.numpy(), gan.spec.classes), manifest)

    def write(self, synthetic: SyntheticSeries, path: Path) -> dict[str, Any]:
        """Write an .npz with the arrays ``X`` and ``y``."""
        samples = synthetic.samples
        samples.save(path)
        return {"classes": list(samples.classes), "shape": list(samples.X.shape[1:]), "rows_hash": samples.hash}
