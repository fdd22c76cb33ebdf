"""imbalanced-learn's own checks of an estimator, all of them, over GANOverSampler; of training, a few steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imblearn.utils.estimator_checks import parametrize_with_checks

from gan_imbalance import GANOverSampler

CONDITIONAL = ("sparse", "dataframe", "string", "allow_nan")
"""The kinds of input of which imbalanced-learn has checks that run only where the tags declare them."""


# a check compares results of several calls, which only a seed makes equal
@parametrize_with_checks([GANOverSampler(max_steps=3, random_state=0)])  # type: ignore[untyped-decorator]
def test_imblearn_checks(estimator: GANOverSampler, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_every_kind_of_input_is_declared() -> None:
    tags = GANOverSampler().__sklearn_tags__()
    assert all(getattr(tags.input_tags, kind) for kind in (*CONDITIONAL, "categorical", "two_d_array"))
    assert tags.estimator_type == "sampler"
    assert tags._skip_test is False
