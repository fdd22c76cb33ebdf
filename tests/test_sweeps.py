"""Every sweep that is shipped asks for options that the command line has, and for a figure that a run logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from gan_imbalance.main import main

SWEEPS = sorted((Path(__file__).resolve().parents[1] / "configs" / "sweeps").glob("*.yaml"))
KEYS = {"project", "name", "program", "method", "metric", "parameters", "command"}
SHORT = {
    "fit": (
        *("--trainer.max_epochs", "1"),
        *("--trainer.check_val_every_n_epoch", "1"),
        *("--trainer.accelerator", "cpu"),
        *("--trainer.enable_progress_bar", "false"),
        *("--trainer.enable_model_summary", "false"),
        *("--data.steps_per_epoch", "1"),
        *("--data.batch_size", "16"),
        *("--fidelity.repeats", "1"),
        *("--plots.max_rows", "50"),
    ),
    "compare": (
        *("--quick", "true"),
        *("--classifiers", '{"linear": {"class_path": "sklearn.linear_model.LogisticRegression"}}'),
    ),
}


def name(path: Path) -> str:
    return path.stem


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def ends(parameter: dict[str, Any]) -> tuple[Any, Any]:
    """Return the first and last value, or the least and the greatest."""
    values = parameter.get("values") or [parameter["min"], parameter["max"]]
    return values[0], values[-1]


def command(sweep: dict[str, Any], arguments: list[str]) -> list[str]:
    """Return what stands behind the program when an agent runs the sweep, in whatever folder."""
    words = sweep["command"]
    assert words[0] == "${program}"
    place = words.index("${args}")
    return [*words[1:place], *arguments, *words[place + 1 :]]


def test_there_are_sweeps() -> None:
    assert {"amounts", "learning_rates", "loss", "penalty"} <= {path.stem for path in SWEEPS}


@pytest.mark.parametrize("path", SWEEPS, ids=name)
def test_its_shape(path: Path) -> None:
    sweep = read(path)
    assert set(sweep) == KEYS
    assert (sweep["project"], sweep["name"], sweep["program"]) == ("gan_imbalance", path.stem, "gan-imbalance")
    assert sweep["method"] in ("grid", "random", "bayes")
    assert set(sweep["metric"]) == {"name", "goal"}
    assert sweep["metric"]["goal"] in ("minimize", "maximize")
    assert all(isinstance(word, str) for word in sweep["command"])
    assert sweep["command"].count("${args}") == 1
    saved = f"gan-imbalance configs sweeps/{path.stem} > {path.name}\n#   wandb sweep {path.name}\n"
    assert saved in path.read_text(encoding="utf-8")
    for parameter in sweep["parameters"].values():
        if sweep["method"] == "grid":
            assert set(parameter) == {"values"}
        if "values" in parameter:
            assert len({json.dumps(value) for value in parameter["values"]}) == len(parameter["values"]) > 1
        else:
            assert set(parameter) == {"distribution", "min", "max"}
            # YAML reads 1e-5 as text
            assert 0 < float(parameter["min"]) < float(parameter["max"])
            assert isinstance(parameter["min"], float)


@pytest.mark.parametrize("end", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("path", SWEEPS, ids=name)
def test_it_runs_and_logs_its_metric(path: Path, end: int, workplace: Path) -> None:
    sweep = read(path)
    chosen = {option: ends(parameter)[end] for option, parameter in sweep["parameters"].items()}
    arguments = [f"--{option}={value}" for option, value in chosen.items()]
    # an agent gives them in any order
    arguments = command(sweep, arguments if end == 0 else arguments[::-1])
    assert main([*arguments, *SHORT[arguments[0]]]) == 0
    metric = sweep["metric"]["name"]
    if arguments[0] == "fit":
        (figures,) = (workplace / "runs").glob("*/version_0/metrics.csv")
        assert pd.read_csv(figures)[metric].notna().any()
        (config,) = (workplace / "runs").glob("*/version_0/config.yaml")
        assert {option: value_of(read(config), option) for option in chosen} == chosen
    else:
        # as publish_comparison writes it
        column, remedy = metric.split("/")
        (figures,) = (workplace / "runs").glob("*/quick/results.csv")
        results = pd.read_csv(figures)
        assert results.set_index("remedy").loc[[remedy], column].notna().all()


def value_of(config: dict[str, Any], option: str) -> Any:
    """Return what a run's configuration says of an option; of a component, its class."""
    node: Any = config
    for key in option.split("."):
        node = node[key] if key in node else node["init_args"][key]
    return node["class_path"] if isinstance(node, dict) else node
