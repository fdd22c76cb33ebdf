from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.transforms import TabularTransformer
from gan_imbalance.types import InputError


def many_levels(rows: int = 6000) -> pd.DataFrame:
    random = np.random.default_rng(0)
    names = (random.zipf(1.3, rows) % 3000).astype(str)
    return pd.DataFrame({"name": names, "x": random.normal(size=rows)})


def test_rare_levels_are_one_feature_and_drawn_by_their_frequencies() -> None:
    frame = many_levels()
    transformer = TabularTransformer(max_levels=10).fit(frame)
    assert [(span.name, span.size) for span in transformer.spans] == [("name", 11), ("x", 1)]
    features = transformer.transform(frame)
    back = transformer.inverse_transform(features)
    counts = frame["name"].value_counts()
    frequent = frame["name"].isin(counts.index[:10])
    pd.testing.assert_series_equal(back["name"][frequent], frame["name"][frequent])
    rare = counts.iloc[10:]
    assert set(back["name"][~frequent]) <= set(rare.index)
    only_rare = np.zeros((50_000, 12))
    only_rare[:, 10] = 1
    drawn = transformer.inverse_transform(only_rare, seed=1)["name"]
    shares = drawn.value_counts(normalize=True).reindex(rare.index, fill_value=0)
    np.testing.assert_allclose(shares, rare / rare.sum(), atol=0.005)
    pd.testing.assert_series_equal(transformer.inverse_transform(only_rare, seed=1)["name"], drawn)
    assert not transformer.inverse_transform(only_rare, seed=2)["name"].equals(drawn)


def test_a_rare_level_left_alone_keeps_its_feature() -> None:
    frame = pd.DataFrame({"name": list("aabbc")})
    transformer = TabularTransformer(max_levels=2).fit(frame)
    pd.testing.assert_frame_equal(transformer.inverse_transform(transformer.transform(frame)), frame)


def test_missing_values_beside_rare_levels() -> None:
    frame = many_levels().assign(name=lambda rows: rows["name"].mask(rows.index % 7 == 0))
    transformer = TabularTransformer(max_levels=10).fit(frame)
    back = transformer.inverse_transform(transformer.transform(frame))
    assert back["name"].isna().equals(frame["name"].isna())


def test_at_least_one_level_has_a_feature() -> None:
    with pytest.raises(InputError, match="max_levels is 0"):
        TabularTransformer(max_levels=0)
