"""Imports point one way, and the package itself imports nothing slow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import gan_imbalance
from gan_imbalance import gans

PACKAGE = Path(gan_imbalance.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))

# what every part may import of ours, apart from itself
_LEAVES = {"types", "files", "seeding"}
_NETWORKS = {
    *_LEAVES,
    "kinds",
    "networks",
    "losses",
    "optimizers",
    "components",
    "trust",
    "checkpoints",
    "modules",
    "distributed",
}
_BELOW_SYNTHESIS = {*_NETWORKS, "generators", "gans", "data", "transforms", "tracking"}
ALLOWED: dict[str, set[str]] = {
    "types": set(),
    "kinds": {"types"},
    "losses": {"types"},
    "optimizers": set(),
    "quiet": set(),
    "seeding": set(),
    "interruption": set(),
    "slow_imports": set(),
    "trust": {"types", "components"},
    "devices": set(),
    "distributed": set(),
    "modules": {"types", "files", "distributed"},
    "tracking": set(),
    "files": {"types"},
    "metrics": _LEAVES,
    "pages": {*_LEAVES, "data", "metrics", "transforms"},
    "checkpoints": {*_LEAVES, "trust"},
    "components": _LEAVES,
    "networks": _LEAVES,
    "transforms": {*_LEAVES, "components", "trust"},
    "data": {*_LEAVES, "components", "transforms", "trust"},
    "generators": _NETWORKS,
    "gans": {*_NETWORKS, "generators"},
    "classifiers": {*_NETWORKS, "metrics", "data", "quiet", "transforms"},
    "callbacks": {
        *_LEAVES,
        "classifiers",
        "components",
        "data",
        "generators",
        "gans",
        "metrics",
        "networks",
        "pages",
        "tracking",
        "transforms",
    },
    "quality": {*_LEAVES, "metrics", "transforms"},
    "synthesis": {*_BELOW_SYNTHESIS, "classifiers", "pages"},
    "oversampling": {*_BELOW_SYNTHESIS, "callbacks", "metrics", "quiet", "synthesis"},
    "distillation": {
        *_LEAVES,
        "checkpoints",
        "classifiers",
        "components",
        "data",
        "oversampling",
        "transforms",
        "trust",
    },
    "comparison": {
        *_BELOW_SYNTHESIS,
        "classifiers",
        "distillation",
        "metrics",
        "devices",
        "interruption",
        "oversampling",
        "pages",
        "quality",
        "quiet",
        "slow_imports",
        "synthesis",
    },
    "evaluation": {*_LEAVES, "comparison", "data", "metrics", "pages", "quality", "transforms"},
    "cli": {*_BELOW_SYNTHESIS, "callbacks", "classifiers", "devices", "interruption"},
    "dashboard": {"tracking", "types"},
    "tuning": {"types", "callbacks", "cli", "files", "interruption", "shipped_configs"},
    "shipped_configs": {"types"},
    "main": {"types", "cli", "files", "interruption", "shipped_configs", "slow_imports"},
    "__main__": {"main"},
    # for type checkers only
    "__init__": {
        "classifiers",
        "comparison",
        "data",
        "distillation",
        "evaluation",
        "gans",
        "generators",
        "oversampling",
        "synthesis",
        "transforms",
        "types",
    },
}


def part_of(file: Path) -> str:
    """Return the module or sub-package of ours that a file belongs to."""
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(file: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            if node.module == "gan_imbalance":
                yield from (f"gan_imbalance.{name.name}" for name in node.names)
            else:
                yield str(node.module)


def test_every_part_has_a_place_in_the_order() -> None:
    assert {part_of(file) for file in FILES} == set(ALLOWED)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_one_way(file: Path) -> None:
    part = part_of(file)
    ours = {name.split(".")[1] for name in imported(file) if name.startswith("gan_imbalance.")}
    assert ours - {part} <= ALLOWED[part]


def test_the_order_has_no_circle() -> None:
    placed: set[str] = set()
    while placed != set(ALLOWED):
        ready = {part for part, below in ALLOWED.items() if below <= placed} - placed
        assert ready, f"a circle among {set(ALLOWED) - placed}"
        placed |= ready


# the rooms of a comparison, in the order in which data passes them; what comes first is imported by what follows
ROOMS = (
    "plots",
    "adapters",
    "training",
    "distillation",
    "plan",
    "run",
    "store",
    "analysis",
    "report",
    "driver",
    "result",
    "command",
)


def room_of(name: str) -> str:
    """Return the room of a dotted name within the comparison."""
    parts = name.removeprefix("gan_imbalance.comparison").strip(".").split(".")
    return parts[0]


@pytest.mark.parametrize(
    "file", sorted((PACKAGE / "comparison").rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_data_passes_the_rooms_of_a_comparison_once(file: Path) -> None:
    room = file.relative_to(PACKAGE / "comparison").parts[0].removesuffix(".py")
    names = {name for name in imported(file) if name.startswith("gan_imbalance.comparison.")}
    used = {room_of(name) for name in names} - {room}
    if room == "__init__":
        # public names lead to their homes
        return
    if room not in ROOMS:
        # samplers that a remedy may name
        assert not used & set(ROOMS), file
        return
    assert used <= set(ROOMS[: ROOMS.index(room)]), file


def test_families_of_losses_stand_apart() -> None:
    # that of a discriminator with classes has an adversarial one for its first column
    allowed = {"auxiliary": {"adversarial"}, "__init__": {file.stem for file in (PACKAGE / "losses").glob("*.py")}}
    for file in (PACKAGE / "losses").glob("*.py"):
        names = {name for name in imported(file) if name.startswith("gan_imbalance.losses.")}
        assert {name.split(".")[2] for name in names} <= allowed.get(file.stem, set()), file


def test_no_file_of_a_comparison_is_long() -> None:
    for file in (PACKAGE / "comparison").rglob("*"):
        if file.suffix in (".py", ".html"):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 400, file


def test_nothing_imports_what_stands_outside() -> None:
    outside = {"tests", "experiments", "notebooks"}
    for file in FILES:
        assert not outside & {name.split(".")[0] for name in imported(file)}, file


@pytest.mark.parametrize("module", ["gan_imbalance", "gan_imbalance.main", "gan_imbalance.tracking"])
def test_importing_it_is_quick(module: str) -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'wandb', 'sklearn', 'matplotlib', 'xgboost'}"
    code = f"import sys, {module}; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_line_leaves_out_what_it_may_not_need() -> None:
    heavy = "{'wandb', 'xgboost', 'imblearn', 'sklearn.ensemble'}"
    code = f"import sys, gan_imbalance.cli; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("package", "door"), [("wandb", "tracking.py"), ("imgaug", "transforms/image.py")])
def test_what_may_have_to_go_has_one_door(package: str, door: str) -> None:
    users = {file for file in FILES if package in {name.split(".")[0] for name in imported(file)}}
    assert users == {PACKAGE / door}


def test_every_public_name_exists() -> None:
    for name in gan_imbalance.__all__:
        assert getattr(gan_imbalance, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = gan_imbalance.nonsense
    assert gan_imbalance.__version__ == version("gan-imbalance")
    assert {*gan_imbalance.__all__, "__version__"} <= set(dir(gan_imbalance))


def test_type_checkers_see_the_public_names() -> None:
    tree = ast.parse(Path(gan_imbalance.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {name.asname: f"{node.module}.{name.name}" for node in imports for name in node.names}
    assert seen == {name: f"gan_imbalance.{home}.{name}" for name, home in gan_imbalance._HOMES.items()}


def test_every_gan_is_a_public_name() -> None:
    assert set(gans.__all__) <= set(gan_imbalance.__all__)


def test_no_public_name_is_hidden_by_a_module() -> None:
    # importing the module would bind the name to it
    assert not set(gan_imbalance.__all__) & {part_of(file) for file in FILES}
