"""The report as a browser shows it: nothing is fetched, nothing overflows, all can be read in light and dark."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import make_report
from gan_imbalance.data import TabularDataModule
from gan_imbalance.evaluation import evaluate

# Playwright rather than Selenium: its driver is in its wheel and works with any recent Chromium, it waits by itself,
# and tells of console, requests and page errors without polling logs.
_ARGUMENTS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_WIDTHS = (320, 400, 800, 1200)
_LONG = "wasserstein_gan_with_a_name_that_is_far_longer_than_a_phone_is_wide"
_LONG_COLUMN = "a_column_whose_name_goes_on_and_on_without_a_single_space_until_it_is_wider_than_a_phone"

# of every element with text of its own: what it says, and the contrast of its ink with the ground below it
_CONTRASTS = """() => {
  const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const ground = element => {
    const colour = parts(getComputedStyle(element).backgroundColor);
    return colour.length === 3 || colour[3] === 1 || !element.parentElement ? colour : ground(element.parentElement);
  };
  return [...document.body.querySelectorAll("*")]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(element => {
      const [ink, below] = [luminance(parts(getComputedStyle(element).color)), luminance(ground(element))];
      const ratio = (Math.max(ink, below) + 0.05) / (Math.min(ink, below) + 0.05);
      return {text: element.tagName + " " + element.textContent.trim().slice(0, 40), ink, below, ratio};
    });
}"""

# what reaches beyond the window and does not scroll in a box of its own, to tell who is to blame
_TOO_WIDE = """() => [...document.body.querySelectorAll("*")]
  .filter(element => element.scrollWidth > document.documentElement.clientWidth && !element.closest(".scroll"))
  .map(element => element.tagName + " " + element.textContent.trim().slice(0, 40))"""

_UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a browser without a window, or skip where there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; the extra `dev` has it"
    )
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not on the PATH; Debian's package of that name brings it")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a report with two classifiers, a GAN, a failure and long names."""
    random = np.random.default_rng(0)
    rare = np.repeat([0, 1], [90, 30])
    frame = pd.DataFrame(
        {
            "amount": random.normal(size=120) + rare,
            _LONG_COLUMN: random.normal(size=120) - rare,
            "colour": random.choice(["red", "blue"], 120),
            "target": np.where(rare, "fraud", "no"),
        }
    )
    gan = {"class_path": "gan_imbalance.oversampling.GANOverSampler", "init_args": {"gan": "GAN", "max_steps": 6}}
    broken = {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": "many"}}
    output = tmp_path_factory.mktemp("browser") / "a_folder_whose_name_is_longer_than_it_should_be"
    linear = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
    trees = {"class_path": "sklearn.tree.DecisionTreeClassifier", "init_args": {"max_depth": 3}}
    found = compare(
        data=TabularDataModule(frame=frame, target="target", keep={"fraud": 12}, validation_fraction=0.2),
        remedies=["nothing", "smote", Remedy(_LONG, gan), Remedy("a broken remedy", broken), "real_rows"],
        classifiers={"logistic_regression": linear, "decision_trees": trees},
        seeds=2,
        folds=0,
        controls=False,
        output=str(output),
        wandb=False,
    )
    assert found.exit_code == 1
    return found.report.as_uri()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens an address; the page has lists of its `requests` and `complaints`."""
    contexts = []

    def open_page(address: str, width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("requestfailed", lambda request: page.complaints.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: page.complaints.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: page.complaints.append(f"{message.type}: {message.text}"),
        )
        page.goto(address, wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_the_watch_itself_notices_errors_and_requests(visit: Callable[..., Any], tmp_path: Path) -> None:
    text = "<script>console.warn('look'); throw Error('ouch')</script><img src=absent.png>"
    (tmp_path / "bad.html").write_text(text, encoding="utf-8")
    page = visit((tmp_path / "bad.html").as_uri())
    assert {"bad.html", "absent.png"} <= {url.rpartition("/")[2] for url in page.requests}
    told = " ".join(page.complaints)
    assert all(word in told for word in ("warning: look", "error: ouch", "failed: file:"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_loads_without_complaint_and_fetches_nothing(visit: Callable[..., Any], report: str, scheme: str) -> None:
    page = visit(report, scheme=scheme)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [report]


@pytest.mark.parametrize("width", _WIDTHS)
def test_it_does_not_scroll_sideways(visit: Callable[..., Any], report: str, width: int) -> None:
    page = visit(report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(_TOO_WIDE)
    # the widest names leave room for the numbers beside them, which is what a reader scrolls for
    names = page.locator("tbody th").evaluate_all("cells => cells.map(cell => cell.offsetWidth)")
    assert max(names) < 0.6 * width


def test_every_picture_is_loaded_and_told_in_words(visit: Callable[..., Any], report: str) -> None:
    plots = (
        visit(report)
        .locator("img")
        .evaluate_all("plots => plots.map(one => [one.complete && one.naturalWidth, one.getAttribute('alt')])")
    )
    assert len(plots) > 5
    assert all(width > 0 and alt.strip() for width, alt in plots)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(visit: Callable[..., Any], report: str, scheme: str) -> None:
    texts = visit(report, scheme=scheme).evaluate(_CONTRASTS)
    assert len(texts) > 50
    assert [text for text in texts if text["ratio"] < 4.5] == []
    assert all((text["below"] < text["ink"]) == (scheme == "dark") for text in texts)


def test_pictures_follow_dark_mode(visit: Callable[..., Any], report: str) -> None:
    pages = [visit(report, scheme=scheme) for scheme in ("light", "dark")]
    for page in pages:
        page.evaluate(_UNFOLD)
    light, dark = (page.locator("img") for page in pages)
    for number in range(dark.count()):
        # colour aside: bars and lines have some, ground, axes and letters none
        grey, ground = _greys(light.nth(number).screenshot())
        assert ground > 0.9
        assert np.mean(grey < 0.4) > 0.001
        grey, ground = _greys(dark.nth(number).screenshot())
        assert ground < 0.15
        assert np.mean(grey > 0.6) > 0.001


def _greys(screenshot: bytes) -> tuple[np.ndarray, float]:
    """Return the brightness of all grey pixels of a PNG, and of most of them."""
    pixels = imread(io.BytesIO(screenshot), format="png")[..., :3]
    grey = pixels[np.ptp(pixels, axis=-1) < 0.05].mean(axis=-1)
    return grey, float(np.median(grey))


def test_the_answer_comes_first_and_headings_are_in_order(visit: Callable[..., Any], report: str) -> None:
    page = visit(report)
    assert page.evaluate("document.body.firstElementChild.tagName") == "H1"
    assert page.evaluate("document.querySelector('h1').nextElementSibling.className").startswith("verdict ")
    headline = page.locator(".headline")
    assert "GAN-made rows" in headline.inner_text()
    sizes = page.locator("body *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert headline.evaluate("one => parseFloat(getComputedStyle(one).fontSize)") == max(sizes)
    levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all("all => all.map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.get_by_role("heading", name="What failed").count() == 1


@pytest.fixture(scope="module")
def three(fabricate: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a report with all standard remedies and three classifiers."""
    random = np.random.default_rng(3)
    names = ("tuned_threshold", "class_weights", "random_over", "random_under", "smote", "adasyn")
    names += ("small_wasserstein_gan", "conditional_wasserstein_gan", "minority_transfer_gan", "jittered_copies")
    names += ("independent_marginals", "untrained_generator", "real_rows", "half_minority")
    gains = {name: 0.02 + 0.02 * random.standard_normal(6) for name in names}
    linear = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
    classifiers = dict.fromkeys(("logistic_regression", "xgboost", "ours"), linear)
    shares = {"xgboost": 0.7, "ours": -0.3}
    store = fabricate(tmp_path_factory.mktemp("three"), gains, splits=6, classifiers=classifiers, shares=shares)
    return str(make_report(Findings.of(store), save_plots=False).as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_answer_and_forests_of_three_classifiers_fill_the_first_screen(
    visit: Callable[..., Any], three: str, scheme: str
) -> None:
    page = visit(three, 1200, scheme)
    assert page.evaluate("innerHeight") == 900
    assert page.locator(".forests img").count() == 3
    for part in (".headline", ".verdict", ".forests figure"):
        boxes = page.locator(part).evaluate_all("all => all.map(one => one.getBoundingClientRect().bottom)")
        assert max(boxes) <= 900
    # side by side, and large enough to be read
    tops = page.locator(".forests img").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    widths = page.locator(".forests img").evaluate_all("all => all.map(one => one.offsetWidth / one.naturalWidth)")
    assert min(widths) >= 0.9


@pytest.mark.parametrize("width", _WIDTHS)
def test_the_unfolded_page_does_not_scroll_sideways(visit: Callable[..., Any], three: str, width: int) -> None:
    page = visit(three, width)
    page.evaluate(_UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.evaluate(_TOO_WIDE)


def test_it_needs_no_script(browser: Any, three: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 800, "height": 900})
    page = context.new_page()
    page.goto(three)
    assert "GAN-made rows" in page.locator(".headline").inner_text()
    protocol = page.get_by_text("Which claims were fixed beforehand")
    assert not protocol.is_visible()
    page.get_by_role("heading", name="Protocol").click()
    assert protocol.is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_everything_is_unfolded_and_dark_on_light(visit: Callable[..., Any], three: str, scheme: str) -> None:
    # A4 at 96 dots an inch
    page = visit(three, 794, scheme)
    hidden = "all => all.filter(one => !one.checkVisibility({contentVisibilityAuto: true})).length"
    folded = page.locator("details > :not(summary)")
    assert folded.evaluate_all(hidden) > 5
    page.emulate_media(media="print", color_scheme=scheme)
    assert folded.evaluate_all(hidden) == 0
    assert folded.evaluate_all("all => Math.min(...all.map(one => one.getBoundingClientRect().height))") > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 794, page.evaluate(_TOO_WIDE)
    # no table is hidden behind an edge that paper cannot scroll
    assert page.locator("table").evaluate_all("all => Math.max(...all.map(one => one.scrollWidth))") <= 794
    texts = page.evaluate(_CONTRASTS)
    assert [text for text in texts if text["ratio"] < 4.5 or text["ink"] > text["below"]] == []


def test_it_says_its_language_and_title(visit: Callable[..., Any], report: str) -> None:
    page = visit(report)
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title().startswith("a_folder_whose_name")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_two_tables_reads_as_well(
    visit: Callable[..., Any], workplace: Path, mixed_frame: pd.DataFrame, scheme: str
) -> None:
    real = mixed_frame.rename(columns={"amount": _LONG_COLUMN})
    made = real.sample(frac=1, random_state=0).assign(colour="a colour that no real row has")
    for name, rows in {"real": real, "made": made}.items():
        rows.to_csv(f"{name}.csv", index=False)
    report = evaluate("real.csv", "made.csv", holdout="real.csv", target="label").report
    assert report is not None
    address = (workplace / report).as_uri()
    page = visit(address, 400, scheme)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [address]
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, page.evaluate(_TOO_WIDE)
    texts = page.evaluate(_CONTRASTS)
    assert [text for text in texts if text["ratio"] < 4.5] == []
    assert all((text["below"] < text["ink"]) == (scheme == "dark") for text in texts)
    # words have room enough to be read, beyond the edge where need be
    assert page.locator("th.wide").evaluate_all("cells => Math.min(...cells.map(cell => cell.offsetWidth))") >= 192
