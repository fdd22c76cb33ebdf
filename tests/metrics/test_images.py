from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from gan_imbalance.metrics import frechet_distance, image_distances, kernel_distance
from gan_imbalance.types import InputError


def normal(rows: int, width: int = 5, mean: float = 0.0, scale: float = 1.0, seed: int = 0) -> Tensor:
    return mean + scale * torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


class Given(nn.Identity):
    """Stands in for the network that finds the features."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def test_the_frechet_distance_is_its_formula() -> None:
    real, fake = normal(300) @ normal(5, seed=1), normal(200, mean=0.5, seed=2) @ normal(5, seed=3)
    (m, c), (n, d) = ((x.double().numpy().mean(0), np.cov(x.double().numpy().T)) for x in (real, fake))
    expected = ((m - n) ** 2).sum() + np.trace(c + d - 2 * scipy.linalg.sqrtm(c @ d).real)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("rows", "width"), [((40, 30), 8), ((40, 5), 8), ((5, 6), 8)])
def test_the_frechet_distance_is_that_of_torchmetrics(rows: tuple[int, int], width: int) -> None:
    real, fake = normal(rows[0], width).relu(), normal(rows[1], width, mean=0.3, seed=1).relu()
    metric = FrechetInceptionDistance(feature=Given(width))
    metric.update(real.double(), real=True)
    metric.update(fake.double(), real=False)
    assert frechet_distance(real, fake) == pytest.approx(float(metric.compute()), rel=1e-5)


@pytest.mark.parametrize("width", [5, 50, 1024])
def test_the_frechet_distance_of_equal_features_is_never_negative(width: int) -> None:
    for seed in range(5):
        real = 100 * normal(40, width, seed=seed).relu()
        assert 0 <= frechet_distance(real, real) < 1e-6


def test_the_frechet_distance_of_known_normal_distributions() -> None:
    # of N(0, I) and N(a, s^2 I) in d dimensions: d a^2 + d (1 - s)^2
    found = frechet_distance(normal(100_000), normal(100_000, mean=2.0, scale=3.0, seed=1))
    assert found == pytest.approx(5 * 2**2 + 5 * (3 - 1) ** 2, rel=0.02)
    assert frechet_distance(normal(100), normal(100)) == pytest.approx(0, abs=1e-6)


def test_it_is_defined_for_fewer_images_than_features() -> None:
    assert frechet_distance(normal(10, 64), normal(10, 64, seed=1)) > 0


def test_the_kernel_distance_is_its_formula() -> None:
    # Gretton et al. 2012, equation 3: the unbiased estimate, here over explicit pairs
    real, fake = normal(30).double(), normal(30, mean=0.3, seed=1).double()

    def kernel(x: Tensor, y: Tensor) -> float:
        return (float(x @ y) / 5 + 1) ** 3

    pairs = [(i, j) for i in range(30) for j in range(30)]
    within = [np.mean([kernel(x[i], x[j]) for i, j in pairs if i != j]) for x in (real, fake)]
    across = np.mean([kernel(real[i], fake[j]) for i, j in pairs])
    assert kernel_distance(real, fake) == pytest.approx(sum(within) - 2 * across, rel=1e-6)


@pytest.mark.usefixtures("leaves_gpus_alone")
def test_the_kernel_distance_has_no_bias_and_its_subsets_a_seed() -> None:
    same = [kernel_distance(normal(400, seed=2 * i), normal(400, seed=2 * i + 1), subset_size=50) for i in range(8)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(8)
    before = torch.get_rng_state()
    real, fake = normal(60), normal(90, seed=1)
    first, again, other = (kernel_distance(real, fake, subset_size=20, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert first == again != other


def test_all_figures_come_with_those_within_classes() -> None:
    labels = torch.arange(90) % 3
    real = normal(90) + 10 * labels[:, None]
    # the first class is another one, the last one is gone
    fake = normal(90, seed=1) + torch.tensor([4.0, 10.0, 10.0])[labels][:, None]
    figures = image_distances(real, fake, labels, ["a", "b", "c"])
    assert list(figures) == ["fid", "kid", "precision", "recall", "fid_a", "fid_b", "fid_c"]
    assert figures["fid"] == frechet_distance(real, fake)
    assert figures["kid"] == kernel_distance(real, fake)
    assert figures["fid_a"] == frechet_distance(real[labels == 0], fake[labels == 0]) == pytest.approx(80, rel=0.3)
    assert figures["fid_b"] < 3
    assert figures["fid_c"] == pytest.approx(500, rel=0.2)
    assert figures["precision"] == pytest.approx(2 / 3, abs=0.15)
    assert figures["recall"] == pytest.approx(1 / 3, abs=0.15)


def test_one_class_and_few_images_have_the_figures_that_have_a_meaning() -> None:
    labels = torch.tensor([1, 1, 1])
    assert list(image_distances(normal(3), normal(3, seed=1), labels, ["a", "b"])) == ["fid", "kid"]
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    figures = image_distances(normal(6), normal(6, seed=1), labels, ["a", "b", "c"])
    assert list(figures) == ["fid", "kid", "precision", "recall", "fid_a", "fid_b"]


def test_too_few_images_and_features_that_are_no_numbers_are_refused() -> None:
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(InputError, match="need two of each kind at least, but there are 1 real and 4 generated"):
            distance(normal(1), normal(4))
        with pytest.raises(InputError, match="finite"):
            distance(normal(4), normal(4) / 0)
