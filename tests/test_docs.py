"""The pages of docs/ and README: code runs, commands exist, figures are the studies', the site builds."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import gan_imbalance
from gan_imbalance.main import main
from tests.documents import DOCS, PAGES, ROOT, Block, blocks, commands

# what a YAML file or a user of Python names beside the public names of the package itself
SUBPACKAGES = ("losses", "networks", "transforms", "callbacks", "metrics")
# an entry of docs/reference
ENTRY = re.compile(r"^::: (\S+)$", re.MULTILINE)
# pages whose figures are those of studies
TOLD = [page for page in PAGES if "reference" not in page.parts]
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+\.md)[^)]*\)")


def name(page: object) -> str:
    return str(page.relative_to(ROOT)) if isinstance(page, Path) else ""


def pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(block.language in languages for block in blocks(page))]


@pytest.fixture
def folder(workplace: Path) -> Iterator[Path]:
    """Work in a folder that holds the configurations that pages name."""
    for shown in ("configs", "experiments"):
        (workplace / shown).symlink_to(ROOT / shown)
    yield workplace
    for module in [one for one, found in sys.modules.items() if _lies_in(workplace, found)]:
        del sys.modules[module]


def _lies_in(folder: Path, module: object) -> bool:
    return str(getattr(module, "__file__", None) or "").startswith(str(folder))


def save(page: Path, folder: Path) -> None:
    """Save what a page has its readers save."""
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", pages_with("python"), ids=name)
def test_the_python_code_of_a_page_runs(page: Path, folder: Path) -> None:
    """In the order of the page, as one program: later blocks use what earlier ones have made."""
    save(page, folder)
    program: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python" and not block.file:
            exec(compile(block.text, str(page), "exec"), program)


SHOWN = [*PAGES, *sorted(ROOT.glob("experiments/*/README.md"))]
COMMANDS = [(page, command) for page in SHOWN for command in commands(page)]


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=lambda part: name(part) if isinstance(part, Path) else part[0]
)
def test_the_options_of_a_command_exist(
    page: Path, command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(page, folder)
    subcommand, *options = command
    # of settings that the page leaves to its readers, the least that the command asks for
    needed = {"fit": ["--model", "GAN", "--data", "TabularDataModule"], "compare": ["--data", "TabularDataModule"]}
    stated = any(option.startswith(("--data", "--model", "--config")) for option in options)
    code: object = None
    try:
        code = main([subcommand, *([] if stated else needed.get(subcommand, [])), *options, "--print_config"])
    except SystemExit as stop:
        code = stop.code
    assert code == 0, capsys.readouterr().err


def known_options() -> set[str]:
    """Return the options that commands have: arguments of functions, data modules, and of Lightning's subcommands."""
    from gan_imbalance import data
    from gan_imbalance.main import FUNCTION_SUBCOMMANDS

    functions = [place.split(":") for place, _ in FUNCTION_SUBCOMMANDS.values()]
    owners = [getattr(importlib.import_module(module), function) for module, function in functions]
    known = {f"--{one}" for owner in owners for one in inspect.signature(owner).parameters}
    modules = [getattr(data, one) for one in data.__all__ if one.endswith("DataModule")]
    known |= {f"--data.{one}" for module in modules for one in inspect.signature(module.__init__).parameters}
    callbacks = {"--guard.max_weight", "--sample_page.every_n_epochs"}
    return known | callbacks | {"--config", "--ckpt_path", "--help", "--version"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_that_sentences_name_exist(page: Path) -> None:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    others = re.compile(r"\b(python|pip|pytest|ray start|srun|dask\s+worker|wandb) ")
    spans = " ".join(span for span in re.findall(r"`([^`]+)`", text) if not others.search(f"{span} "))
    named = set(re.findall(r"(?<![\w-])--[a-z][\w.]*", spans))
    # settings of Lightning's trainer and of a model are Lightning's and the model's
    named = {one for one in named if not one.startswith(("--trainer.", "--model.", "--checkpoint."))}
    assert sorted(named - known_options()) == []


def test_a_command_with_an_option_that_does_not_exist_is_found_out(folder: Path) -> None:
    command = ["compare", "--data", "TabularDataModule", "--no_such_option", "1", "--print_config"]
    assert main(command) == 2


def test_every_kind_of_block_is_seen() -> None:
    own_gan = blocks(DOCS / "how-to" / "own_gan.md")
    assert [block.file for block in own_gan if block.file] == ["my_gan.py", "mine.yaml"]
    assert all(isinstance(block, Block) and block.text.endswith("\n") for block in own_gan)
    assert len(COMMANDS) > 30
    assert {command[0] for _, command in COMMANDS} >= {"fit", "compare", "synthesize", "evaluate", "report"}


@pytest.mark.parametrize("page", pages_with("yaml"), ids=name)
def test_yaml_is_well_formed(page: Path) -> None:
    for block in blocks(page):
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.text), dict)


def public_names() -> dict[str, object]:
    """Return everything public by the name under which the reference has it."""
    found: dict[str, object] = {f"gan_imbalance.{one}": getattr(gan_imbalance, one) for one in gan_imbalance.__all__}
    for subpackage in SUBPACKAGES:
        module = importlib.import_module(f"gan_imbalance.{subpackage}")
        for one in module.__all__:
            if one not in gan_imbalance.__all__:
                found[f"{module.__name__}.{one}"] = getattr(module, one)
    return found


def referenced() -> list[str]:
    return [entry for page in (DOCS / "reference").glob("*.md") for entry in ENTRY.findall(page.read_text())]


def test_every_public_name_is_in_the_reference_once() -> None:
    entries = referenced()
    assert sorted(set(public_names()) - set(entries)) == []
    assert sorted(entry for entry in set(entries) if entries.count(entry) > 1) == []


def test_the_reference_shows_classes_and_functions_and_not_modules_of_the_same_name() -> None:
    griffe = pytest.importorskip("griffe", reason="griffelib is not installed; the extra `docs` has it")
    package = griffe.load("gan_imbalance", search_paths=[ROOT])
    for path, thing in public_names().items():
        shown = package[path.removeprefix("gan_imbalance.")]
        assert shown.kind.value == ("class" if inspect.isclass(thing) else "function"), path


def test_every_public_name_has_a_docstring_and_so_has_what_it_offers() -> None:
    silent = []
    for path, thing in public_names().items():
        members = vars(thing).items() if inspect.isclass(thing) else ()
        own = [(f"{path}.{key}", value) for key, value in members if not key.startswith("_")]
        for where, what in [(path, thing), *own]:
            is_code = callable(what) or isinstance(what, property | classmethod | staticmethod)
            if is_code and not (inspect.getdoc(what) or "").strip():
                silent.append(where)
    assert silent == []


def has_parameters(thing: object) -> bool:
    """Return whether something has parameters of its own: a class that inherits its constructor need not tell again."""
    if inspect.isclass(thing):
        return "__init__" in vars(thing) and not issubclass(thing, tuple | BaseException)
    return inspect.isfunction(thing)


@pytest.mark.parametrize("path", sorted(path for path, thing in public_names().items() if has_parameters(thing)))
def test_a_docstring_tells_of_every_parameter(path: str) -> None:
    thing = public_names()[path]
    described = inspect.getdoc(thing) or ""
    signature = inspect.signature(thing.__init__ if isinstance(thing, type) else thing)  # type: ignore[arg-type, misc]
    fields = re.split(r"\n(?:Args|Attributes):\n", described)[1:]
    told = {entry for field in fields for entry in re.findall(r"^    (\w+):", field, re.MULTILINE)}
    missing = [one for one in signature.parameters if one not in told and one != "self"]
    # a single one is told of by the sentence before
    assert len(missing) <= (0 if told else 1), f"{path} does not say what {missing} are"


def linked(page: Path, text: str) -> set[Path]:
    """Return the pages that a text of a page links to."""
    return {(page.parent / link).resolve() for link in _LINK.findall(text)}


def figures(text: str) -> set[str]:
    """Return the decimal numbers of a text, in one way of writing them: .5, not 0.5."""
    return {figure.lstrip("0") for figure in re.findall(r"(?<![\w.])\d*\.\d+", text)}


def studied(pages: set[Path]) -> set[str]:
    """Return the figures of those of the pages that are studies'."""
    return set().union(*(figures(one.read_text(encoding="utf-8")) for one in pages if "experiments" in one.parts))


@pytest.mark.parametrize("page", TOLD, ids=name)
def test_figures_are_those_of_the_studies_that_a_page_leads_to(page: Path) -> None:
    """Of the studies that the paragraph, list item or line of a table names; where it names none, of the page's.

    A page may also have figures of the studies of those pages that it links to.
    """
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    near = {one for one in linked(page, text) if "reference" not in one.parts}
    pages = near.union(*(linked(one, one.read_text(encoding="utf-8")) for one in near if DOCS in one.parents))
    for part in re.split(r"\n\n|\n(?=\||- |\d+\. )", text):
        told = figures(re.sub(r"`[^`]*`|\]\([^)]*\)|Python 3\.\d+", "", part))
        named = studied(linked(page, part))
        assert sorted(told - (named or studied(pages))) == [], part


def test_there_are_figures_to_be_checked() -> None:
    assert len(figures((DOCS / "choose.md").read_text(encoding="utf-8"))) > 40


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed; the extras `docs` and `dev` have it")
    pytest.importorskip("mkdocstrings_handlers.python", reason="mkdocstrings is not installed; the extra `docs` has it")
    pytest.importorskip("material", reason="mkdocs-material is not installed; the extras `docs` and `dev` have it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(site)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_has_all_pages_and_their_pictures(site: Path) -> None:
    assert all((site / page.relative_to(DOCS)).with_suffix(".html").is_file() for page in PAGES if DOCS in page.parents)
    assert (site / "experiments" / "demo" / "report.png").is_file()
    assert (site / "experiments" / "benchmark" / "index.html").is_file()
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"?(?:https?:)?//[^\s\">]*")
    found = {match for page in site.rglob("*.html") for match in fetched.findall(page.read_text(encoding="utf-8"))}
    assert found == set()


@pytest.mark.slow
def test_the_reference_shows_links_and_no_roles(site: Path) -> None:
    text = (site / "reference" / "gans.html").read_text(encoding="utf-8")
    assert ":class:" not in text
    assert "<autoref" not in text
    assert re.search(r'<a[^>]*href="losses.html#gan_imbalance.losses.KPlusOneLoss"[^>]*>', text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("[gone](../experiments/gone/README.md)", "gone/README.md"),
        ("[gone](tutorials/gone.md)", "tutorials/gone.md"),
        ("![gone](../experiments/demo/gone.png)", "demo/gone.png"),
        ("::: gan_imbalance.Gone", "gan_imbalance.Gone"),
    ],
)
def test_what_leads_nowhere_ends_the_build(page: str, expected: str, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(f"# A page\n\n{page}\n")
    settings = (ROOT / "mkdocs.yml").read_text().replace("docs_dir: docs", f"docs_dir: {docs}")
    settings = re.sub(r"\nnav:\n(  .*\n)+", "\n", settings).replace("omitted_files: warn", "omitted_files: ignore")
    settings = settings.replace("docs/_tools", str(DOCS / "_tools")).replace("paths: [.]", f"paths: [{ROOT}]")
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert expected in done.stderr
