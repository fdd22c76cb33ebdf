from __future__ import annotations

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from gan_imbalance.transforms.mixtures import fit_mixtures


def test_the_modes_of_many_columns_are_found_at_once() -> None:
    random = np.random.default_rng(0)
    columns = {
        "one": random.normal(5, 2, 4000),
        "two": np.concatenate([random.normal(-4, 1, 4000), random.normal(4, 0.5, 2000)]),
        "three": np.concatenate([random.normal(mean, 10, 2000) for mean in (-100, 0, 300)]),
    }
    mixtures = fit_mixtures([np.sort(values) for values in columns.values()])
    for values, mixture, modes in zip(columns.values(), mixtures, (1, 2, 3), strict=True):
        theirs = GaussianMixture(modes, random_state=0).fit(values[:, None])
        order = theirs.means_[:, 0].argsort()
        spread = values.std()
        assert len(mixture.means) == modes
        np.testing.assert_allclose(mixture.weights, theirs.weights_[order], atol=0.02)
        np.testing.assert_allclose(mixture.means / spread, theirs.means_[order, 0] / spread, atol=0.02)
        np.testing.assert_allclose(
            mixture.deviations / spread, np.sqrt(theirs.covariances_[order, 0, 0]) / spread, atol=0.03
        )
        likeliest = theirs.predict(values[:, None])
        assert (order[mixture.likeliest(values)] == likeliest).mean() > 0.98


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.0, 1.0]),
        np.arange(5.0),
        np.array([0.0] * 50 + [1e6]),
        np.sort(np.random.default_rng(0).pareto(1, 5000)),
    ],
)
def test_any_column_of_two_values_has_a_mixture(values: np.ndarray) -> None:
    (mixture,) = fit_mixtures([values])
    assert np.isfinite(np.concatenate(mixture)).all()
    assert (mixture.deviations > 0).all()
    assert mixture.weights.sum() == pytest.approx(1)
    assert 1 <= len(mixture.means) <= 10
