"""Plots of ranks and of lines: what they draw is in the numbers, and their words tell it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison import plots
from gan_imbalance.comparison.plots import Plot

DEMSAR = {"C4.5": 3.143, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}
NAMES = {
    "baseline": ("nothing",),
    "standard": ("class_weights", "random_over", "random_under", "smote"),
    "gan": ("gan", "conditional_gan", "conditional_wasserstein_gan", "minority_transfer_gan"),
    "control": ("untrained_generator", "real_rows"),
}
ROLES = {name: role for role, names in NAMES.items() for name in names}
UNSIZED = ("nothing", "class_weights", "random_under")
FEW = ("nothing", "class_weights", "smote", "gan", "real_rows")
AMOUNTS = (100, 500, 1000)


def _summary(remedies: tuple[str, ...], column: str, numbers: tuple[float, ...]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for position, name in enumerate(remedies):
        for number in (0,) if column == "rows_added" and name in UNSIZED else numbers:
            mean = 0.5 + 0.01 * position + number / 10_000
            interval = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}
            rows.append({"remedy": name, "role": ROLES[name], column: number, **interval})
    return pd.DataFrame(rows)


def _histories() -> dict[str, pd.DataFrame]:
    # two splits, of which the second is 0.2 higher
    splits = [pd.DataFrame({"step": [10, 20, 30], "value": [0.1, 0.5, 0.4 + more]}) for more in (0.0, 0.2)]
    return {"nothing": splits[0], "smote": pd.concat(splits)}


def _by_amount(remedies: tuple[str, ...] = FEW, amounts: tuple[float, ...] = AMOUNTS) -> Plot:
    return plots.metric_by_amount(_summary(remedies, "rows_added", amounts), "recall", "Recall", "linear")


def _by_axis(remedies: tuple[str, ...] = FEW, numbers: tuple[float, ...] = (10, 20, 100)) -> Plot:
    return plots.metric_by_axis(_summary(remedies, "x", numbers), "imbalance ratio", "Recall", "linear")


def _lines(figure: Plot, panel: int = 0) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_xydata()) for line in figure.drawing.axes[panel].get_lines()}


@pytest.mark.parametrize(
    "figure",
    [
        plots.critical_difference(DEMSAR, 1.25, 14, "PR-AUC"),
        plots.critical_difference({f"remedy_{number}": 1 + number * 0.9 for number in range(20)}, 4, 14, "PR-AUC"),
        _by_amount(),
        _by_amount(tuple(ROLES), (10, 100, 10_000)),
        _by_axis(tuple(ROLES)),
        _by_axis(FEW, (10, 1000)),
        plots.curves_by_step(_histories(), "PR-AUC on validation rows", "linear"),
        plots.forest(
            pd.DataFrame(
                {
                    "method": [f"conditional_wasserstein_gan_{number} +231" for number in range(16)],
                    "role": "gan",
                    **{
                        name: np.linspace(-0.1, 0.1, 16) for name in ("difference", "difference_low", "difference_high")
                    },
                }
            ),
            "precision_at_recall",
            "Precision at recall 0.8",
            "gradient_boosted_trees",
            0.02,
        ),
    ],
    ids=lambda figure: figure.name,
)
def test_they_can_be_drawn_in_the_readers_ink_with_nothing_cut_off(figure: Plot, tmp_path: Path) -> None:
    figure.save_png(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5000
    box = figure.drawing.get_tightbbox()
    width, height = figure.drawing.get_size_inches()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0
    svg = figure.svg()
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    # nothing keeps matplotlib's black, which dark mode would swallow
    assert "text{fill:currentColor}" in svg
    assert "#000000" not in svg
    assert re.fullmatch(r"[\w.-]+", figure.name)
    assert len(figure.alt) > 40


@pytest.mark.parametrize(
    ("places", "difference", "groups"),
    [
        ([1.964, 2.0, 2.893, 3.143], 1.25, [(0, 3)]),
        ([1.0, 2.0, 3.0, 4.0], 1.5, [(0, 1), (1, 2), (2, 3)]),
        # a bar inside another says nothing more
        ([1.0, 1.5, 2.0, 4.0], 2.2, [(0, 2), (2, 3)]),
        # ranks must differ by less than the critical difference
        ([1.0, 2.0, 3.0], 1.0, []),
        ([2.0, 2.0, 2.0], 0.5, [(0, 2)]),
    ],
)
def test_bars_join_the_largest_groups(places: list[float], difference: float, groups: list[tuple[int, int]]) -> None:
    names = {f"remedy_{number}": place for number, place in enumerate(places)}
    figure = plots.critical_difference(names, difference, 10, "PR-AUC")
    bars = [line for line in figure.drawing.axes[0].get_lines() if line.get_color() == plots.COLOURS[1]]
    drawn = [tuple(np.asarray(bar.get_xdata())) for bar in bars[:-1]]
    assert drawn == [(places[first], places[last]) for first, last in groups]
    # the last one is the ruler
    assert np.ptp(np.asarray(bars[-1].get_xdata())) == pytest.approx(difference)
    heights: dict[float, list[tuple[Any, ...]]] = {}
    for bar, ends in zip(bars, drawn, strict=False):
        heights.setdefault(float(np.asarray(bar.get_ydata())[0]), []).append(ends)
    for bars_of_one_height in heights.values():
        assert all(left[1] < right[0] for left, right in pairwise(bars_of_one_height))


def test_ranks_are_told() -> None:
    figure = plots.critical_difference(DEMSAR, 1.0, 14, "PR-AUC")
    assert "14 data sets" in figure.alt
    assert "C4.5+m+cf 1.96, C4.5+m 2.00, C4.5+cf 2.89, C4.5 3.14. Critical difference 1.00." in figure.alt
    assert figure.alt.endswith("Not told apart: C4.5+m+cf, C4.5+m, C4.5+cf; C4.5+cf, C4.5.")
    assert plots.critical_difference({"a": 1, "b": 2}, 0.5, 9, "PR-AUC").alt.endswith("Not told apart: none.")


def test_lines_by_amount_start_from_nothing() -> None:
    figure = _by_amount()
    lines = _lines(figure)
    np.testing.assert_allclose(lines["smote"], [[0, 0.5], [100, 0.53], [500, 0.57], [1000, 0.62]])
    # what adds no rows is drawn across
    np.testing.assert_allclose(lines["nothing"], [[0, 0.5], [1, 0.5]])
    np.testing.assert_allclose(lines["class_weights"], [[0, 0.51], [1, 0.51]])
    assert "nothing 0.500 at 0; class_weights 0.510 at 0; smote 0.530 at 100 to 0.620 at 1000;" in figure.alt
    assert figure.name == "recall_by_added_rows_linear"


def test_many_remedies_get_a_panel_for_each_role_beside_the_real_rows() -> None:
    figure = _by_amount(tuple(ROLES))
    assert len(figure.drawing.axes) == 3
    for panel, role in enumerate(("standard", "gan", "control")):
        assert set(_lines(figure, panel)) == {"nothing", "real_rows", *NAMES[role]}
    assert len(_by_amount().drawing.axes) == 1


@pytest.mark.parametrize(
    ("amounts", "scale"), [((100, 500, 1000), "linear"), ((100, 2000), "linear"), ((100, 5000), "symlog")]
)
def test_amounts_of_different_magnitude_get_equal_room(amounts: tuple[float, ...], scale: str) -> None:
    assert _by_amount(amounts=amounts).drawing.axes[0].get_xscale() == scale


def test_lines_by_axis_hold_every_remedy_at_its_numbers() -> None:
    figure = _by_axis()
    assert set(_lines(figure)) == set(FEW)
    np.testing.assert_allclose(_lines(figure)["nothing"], [[10, 0.501], [20, 0.502], [100, 0.51]])
    assert "against imbalance ratio" in figure.alt
    assert "smote 0.521 at 10 to 0.530 at 100" in figure.alt
    assert figure.name == "recall_by_imbalance_ratio_linear"
    # a single number is a point, not a claim about all others
    assert _lines(_by_axis(numbers=(10,)))["smote"].tolist() == [[10, pytest.approx(0.521)]]


def test_unknown_intervals_leave_the_means() -> None:
    summary = _summary(FEW, "x", (10, 20)).assign(low=np.nan, high=np.nan)
    figure = plots.metric_by_axis(summary, "imbalance ratio", "Recall", "linear")
    low, high = figure.drawing.axes[0].get_ylim()
    assert low < 0.501
    assert high > 0.542


def test_names_are_taken_literally(tmp_path: Path) -> None:
    histories = dict(zip(("$$", r"$\frac{$"), _histories().values(), strict=False))
    figure = plots.curves_by_step(histories, r"$\frac{$", "$$")
    figure.save_png(tmp_path / "plot.png")
    assert r"$\frac{$" in figure.svg()


def test_curves_are_means_of_the_splits() -> None:
    figure = plots.curves_by_step(_histories(), "PR-AUC on validation rows", "linear")
    np.testing.assert_allclose(_lines(figure)["smote"], [[10, 0.1], [20, 0.5], [30, 0.5]])
    assert "nothing 0.400 at step 30, highest 0.500 at 20; smote 0.500 at step 30" in figure.alt


def _differences() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": ["nothing", "wgan", "smote", "real_rows", "one_split"],
            "role": ["baseline", "gan", "standard", "control", "standard"],
            "difference": [np.nan, -0.1, 0.05, 0.1, 0.0],
            "difference_low": [np.nan, -0.2, 0.02, 0.05, np.nan],
            "difference_high": [np.nan, 0.0, 0.08, 0.15, np.nan],
        }
    )


def test_a_forest_is_sorted_and_marks_its_roles(tmp_path: Path) -> None:
    figure = plots.forest(_differences(), "pr_auc", "PR-AUC", "linear", 0.01)
    axis = figure.drawing.axes[0]
    labels = axis.get_yticklabels()
    assert [label.get_text() for label in labels] == ["real_rows", "smote", "one_split", "wgan"]
    assert [label.get_fontweight() for label in labels] == ["normal", "normal", "normal", "bold"]
    points = {str(bars.get_label()): bars.lines[0] for bars in axis.containers}
    np.testing.assert_allclose(points["GAN"].get_xydata(), [[-0.1, 3]])
    np.testing.assert_allclose(points["other remedy"].get_xydata(), [[0.05, 1], [0.0, 2]])
    assert points["GAN"].get_marker() != points["other remedy"].get_marker()
    assert points["control"].get_alpha() < 1
    (band,) = axis.patches
    np.testing.assert_allclose(band.get_extents().transformed(axis.transData.inverted()).intervalx, [-0.01, 0.01])
    assert "real_rows +0.100 (+0.050 to +0.150); smote +0.050" in figure.alt
    assert "one_split +0.000; wgan -0.100" in figure.alt
    assert "nothing +" not in figure.alt
    assert figure.name == "pr_auc_forest_linear"


def test_of_costs_the_least_comes_first() -> None:
    figure = plots.forest(_differences(), "expected_cost", "Expected cost", "linear", 0.01, higher_is_better=False)
    assert figure.drawing.axes[0].get_yticklabels()[0].get_text() == "wgan"


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_shows_the_first_images_in_rows(channels: int) -> None:
    random = np.random.default_rng(0)
    real, made = (random.integers(255, size=(n, channels, 8, 8), dtype=np.uint8) for n in (5, 100))
    figure = plots.image_sheet(real, made, "mine")
    assert "5 real images above 48 of mine" in figure.alt
    above, below = (axis.images[0].get_array() for axis in figure.drawing.axes)
    pixels = [np.moveaxis(images, 1, -1).squeeze() for images in (real, made)]
    assert np.array_equal(above[:8, 9:17], pixels[0][1])
    # rows of twelve, one white pixel apart
    assert np.array_equal(below[9:17, :8], pixels[1][12])
    assert (below[8] == 255).all()
    assert len(above) == 9
