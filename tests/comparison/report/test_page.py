"""The report is one whole, safe file, and its plots can be read by those who do not see them."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison import Remedy, compare, plots
from gan_imbalance.data import TabularDataModule

NASTY = "<script>alert(1)</script>"
LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}


class Page(HTMLParser):
    """Collects the tags of a page, and whether they are closed in order."""

    VOID = ("meta", "link", "img", "br", "wbr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the report on a table whose words are hostile."""
    random = np.random.default_rng(0)
    rare = np.repeat([0, 1], [90, 30])
    frame = pd.DataFrame(
        {
            NASTY: random.normal(size=120) + rare,
            "colour": random.choice(["a&b", NASTY], 120),
            "target": np.where(rare, NASTY, "no"),
        }
    )
    gan = {"class_path": "gan_imbalance.oversampling.GANOverSampler", "init_args": {"gan": "GAN", "max_steps": 4}}
    output = tmp_path_factory.mktemp("report")
    compare(
        data=TabularDataModule(frame=frame, target="target", keep={NASTY: 12}, validation_fraction=0.2),
        remedies=["nothing", "smote", Remedy(f"gan {NASTY}", gan), "real_rows"],
        classifiers={"linear": LOGISTIC, NASTY: LOGISTIC},
        seeds=2,
        folds=0,
        output=str(output),
        wandb=False,
    )
    return (output / "report.html").read_text(encoding="utf-8")


def test_it_is_well_formed_and_starts_with_the_answer(report: str) -> None:
    page = Page(report)
    assert not page.open
    body = report[report.index("<body>") :]
    order = [
        "<h1>",
        'class="headline"',
        "Recommended:",
        "<img",
        "Could it have seen a gain?",
        "What it costs",
        "exploratory",
    ]
    order += ["<details>", "All figures of all remedies", "private?", "Plots", "Protocol", "What could be wrong"]
    places = [body.index(words) for words in order]
    assert places == sorted(places)
    assert len(page.all("details")) >= 6
    assert not [attributes for attributes in page.all("details") if "open" in attributes]


def test_statistics_are_told(report: str) -> None:
    protocol = " ".join(report[report.index("<h2>Protocol") : report.index("<h2>What could be wrong")].split())
    for words in (
        "Bayesian correlated t-test (Benavoli",
        "practical difference, for PR-AUC ±0.01",
        "<em>Primary</em>, one test",
        "<em>Sensitivity</em>: further real rows, and half of the real rare rows",
        "<em>Exploratory</em>: all else",
        "the test rows over all rows that are not tested",
        "Holm-corrected over all remedies and amounts within a classifier, a setting and a metric",
        "kept within what a metric can be",
    ):
        assert words in protocol


def test_fidelity_and_privacy_stand_beside_utility(report: str) -> None:
    part = report[report.index("The added rows: good, and private?") : report.index("<h2>Plots")]
    rows = dict(re.findall(r'<tr><th scope="row">(.+?)</th>(.+?)</tr>', part))
    gan = f"gan {NASTY}".replace("<", "&lt;").replace(">", "&gt;")
    assert {"smote", gan, "real_rows", "jittered_copies"} <= set(rows)
    assert "nothing" not in rows
    for title in ("Two-sample accuracy", "Column-pair trends", "Exact copies", "Membership inference"):
        assert title in part
    assert all(len(re.findall(r"<td>\d\.\d{3} ± ", cells)) >= 5 for cells in rows.values())


def test_words_of_the_user_are_escaped(report: str) -> None:
    assert NASTY not in report
    assert "&lt;script&gt;alert(1)" in report
    assert not Page(report).all("script")


def test_it_needs_no_other_file(report: str) -> None:
    page = Page(report)
    addresses = [tag.get(key) for _, tag in page.tags for key in ("src", "href") if key in tag]
    assert addresses
    assert all(str(address).startswith("data:") for address in addresses)
    assert "url(" not in report
    assert "@import" not in report


def test_it_fits_phone_and_dark_mode(report: str) -> None:
    page = Page(report)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert "prefers-color-scheme: dark" in report
    # wide tables scroll inside their own box
    assert report.count('<div class="scroll"') == len(page.all("table"))


def test_every_picture_is_told_in_words_and_drawn_in_the_readers_ink(report: str) -> None:
    images = Page(report).all("img")
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", report)
    for start in (
        "With linear",
        "With linear: difference in Recall",
        "PR-AUC by",
        "Recall by",
        "Precision and recall",
        "Confusion",
        "Principal",
    ):
        assert any(caption.startswith(start) for caption in captions)
    assert len(images) == len(captions)
    for plot in images:
        assert len(str(plot["alt"])) > 40
        svg = base64.b64decode(str(plot["src"]).partition(",")[2]).decode()
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "currentColor" in svg
        assert "prefers-color-scheme:dark" in svg
        assert NASTY not in svg


def test_alt_texts_carry_the_numbers() -> None:
    summary = pd.DataFrame(
        {
            "classifier": "linear",
            "method": ["nothing", "smote"],
            "role": ["baseline", "standard"],
            "mean": [0.5, 0.75],
            "low": [0.4, np.nan],
            "high": [0.6, np.nan],
        }
    )
    alt = plots.metric_by_remedy(summary, "pr_auc", "PR-AUC").alt
    assert "linear: highest smote (0.750), lowest nothing (0.500)" in alt
    recall = np.linspace(0, 1, 11)
    alt = plots.precision_recall({"smote": (recall, 1 - recall / 2)}, ["smote"], "linear").alt
    assert "smote 0.60" in alt


def test_pictures_of_files_have_safe_names(report: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.getbasetemp()
    names = [path.name for path in folder.rglob("plots/*.png")]
    assert names
    assert all(re.fullmatch(r"[\w.-]+", name) for name in names)


def test_an_interval_need_not_hold_the_mean_and_a_plane_may_be_a_line() -> None:
    summary = pd.DataFrame(
        {
            "classifier": "linear",
            "method": "nothing",
            "role": "baseline",
            "mean": [0.5],
            "low": [0.50001],
            "high": [0.6],
        }
    )
    assert plots.metric_by_remedy(summary, "pr_auc", "PR-AUC").svg()
    one_feature = np.arange(5.0)[:, None]
    assert plots.principal_components(one_feature, {"gan": one_feature}).svg()
