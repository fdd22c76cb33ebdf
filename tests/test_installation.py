"""What is installed is whole: a wheel in an environment of its own, in an empty folder far from the checkout."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from packaging.requirements import Requirement

from gan_imbalance.shipped_configs import shipped_configs

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "gan_imbalance", "configs")
# README's commands are for real runs; these options make rehearsals of them
SHORT = {
    "fit": (
        *("--trainer.max_epochs", "1"),
        *("--data.steps_per_epoch", "2"),
        *("--trainer.accelerator", "cpu"),
        *("--trainer.enable_progress_bar", "false"),
    ),
    "compare": (
        *("--classifiers", '{"linear": {"class_path": "sklearn.linear_model.LogisticRegression"}}'),
        *("--remedies", "[smote, gan]"),
        *("--controls", "false"),
    ),
}


def project() -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return content


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Return what a program prints, which knows nothing of the checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"WANDB_MODE": "disabled", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def new_environment(folder: Path, wheel: Path) -> Path:
    """Install into an environment that shares this one's dependencies, and return the folder of its programs."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    install = ("install", "--no-deps", "--no-index", "--quiet", wheel)
    run(sys.executable, "-m", "pip", "--python", programs / "python", *install, cwd=folder.parent)
    # only now, so that pip leaves alone what is installed here
    site = run(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(site, "shared.pth").write_text(sysconfig.get_path("purelib"))
    return programs


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what is built from, without anything that was built before."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        path = ROOT / name
        skip = shutil.ignore_patterns("__pycache__")
        (shutil.copytree(path, folder / name, ignore=skip) if path.is_dir() else shutil.copy(path, folder / name))
    return folder


@pytest.fixture(scope="module")
def programs(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("installed")
    build = ("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--wheel-dir", folder, sources)
    run(sys.executable, "-m", "pip", *build, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return new_environment(folder / "environment", wheel)


def documented(*starts: str) -> list[list[str]]:
    """Return the first command of README, or of the page on rows, that starts with each of these."""
    pages = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/how-to/rows.md"))
    blocks = re.findall(r"```bash\n(.*?)```", pages, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(next(line for line in lines if line.startswith(start)), comments=True) for start in starts]


@pytest.mark.slow
def test_documented_commands_work_without_the_checkout(programs: Path, tmp_path: Path) -> None:
    where = "import gan_imbalance; print(gan_imbalance.__file__)"
    assert programs.parent in Path(run(programs / "python", "-c", where, cwd=tmp_path).strip()).parents
    assert run(programs / "gan-imbalance", "--version", cwd=tmp_path) == f"gan-imbalance {project()['version']}\n"

    listing, one, compare, fit, synthesize = documented(
        "gan-imbalance configs  ",
        "gan-imbalance configs gan/",
        "gan-imbalance compare --config data/",
        "gan-imbalance fit --config data/",
        "gan-imbalance synthesize",
    )
    printed = [run(programs / command[0], *command[1:], cwd=tmp_path) for command in (listing, one)]
    assert [line.split()[0] for line in printed[0].splitlines()] == list(shipped_configs())
    assert printed[1] == shipped_configs()[one[-1]].read_text(encoding="utf-8")
    for command in (compare, fit, synthesize):
        run(programs / command[0], *command[1:], *SHORT.get(command[1], ()), cwd=tmp_path)
    results = pd.read_csv(tmp_path / "runs" / "abalone" / "quick" / "results.csv")
    assert set(results["remedy"]) == {"nothing", "smote", "gan"}
    assert (tmp_path / "runs" / "abalone" / "quick" / "report.html").is_file()
    assert np.unique(pd.read_csv(tmp_path / "rows.csv")["target"], return_counts=True) == ([0], [1000])


def test_an_editable_installation_finds_the_checkouts_configurations(sources: Path, tmp_path: Path) -> None:
    # not by pip, which would look for setuptools in the environment
    build = f"from setuptools import build_meta; build_meta.build_editable({str(tmp_path)!r})"
    run(sys.executable, "-c", build, cwd=sources)
    (wheel,) = tmp_path.glob("*.whl")
    programs = new_environment(tmp_path / "environment", wheel)
    code = "from gan_imbalance.shipped_configs import find_config; print(find_config('gan/smate'))"
    assert (
        Path(run(programs / "python", "-c", code, cwd=tmp_path).strip()) == sources / "configs" / "gan" / "smate.yaml"
    )


def test_the_citation_is_that_of_the_package() -> None:
    citation, about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")), project()
    assert (str(citation["version"]), citation["license"]) == (about["version"], about["license"])
    assert citation["keywords"] == about["keywords"]
    assert version("gan-imbalance") == about["version"]
    (bibtex,) = re.findall(r"```bibtex\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    told = dict(re.findall(r"(\w+) = \{+(.*?)\}+,?\n", bibtex.replace("\\_", "_")))
    (author,) = citation["authors"]
    assert (told["title"], told["author"]) == (citation["title"], author["name"])
    assert told["version"] == about["version"]


def test_the_lowest_versions_are_those_that_are_claimed() -> None:
    about = project()
    optional = (needed for extra, needed in about["optional-dependencies"].items() if extra != "dev")
    claimed = {
        f"{one.name}=={bound.version}"
        for text in (*about["dependencies"], *(text for needed in optional for text in needed))
        for one in [Requirement(text)]
        for bound in one.specifier
        if bound.operator == ">="
    }
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == sorted(claimed, key=str.lower)
