"""Configurations are found by name in any folder, listed and printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gan_imbalance.main import main
from gan_imbalance.shipped_configs import find_config, shipped_configs, with_shipped_configs
from gan_imbalance.types import InputError

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def test_all_are_shipped() -> None:
    assert set(shipped_configs().values()) == {path for path in CONFIGS.rglob("*") if path.is_file()}
    assert {name.split("/")[0] for name in shipped_configs()} == {"classifier", "data", "gan", "sweeps", "trainer"}


@pytest.mark.parametrize("name", shipped_configs())
def test_the_first_line_says_what_it_is_for(name: str) -> None:
    first, second = find_config(name).read_text(encoding="utf-8").splitlines()[:2]
    assert first.startswith("# ")
    # a sentence of its own
    assert first.endswith(".") or not second.startswith("#")


def test_they_are_listed_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_configs())
    (smate,) = (line for line in lines if line.startswith("gan/smate "))
    assert smate.split(maxsplit=1)[1] == "Minority transfer as SMate published it, for images of 8, 16, ... 64 pixels"


@pytest.mark.parametrize("name", ["gan/smate", "gan/smate.yaml"])
def test_one_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configs", name]) == 0
    assert capsys.readouterr().out == (CONFIGS / "gan" / "smate.yaml").read_text(encoding="utf-8")


def test_a_file_of_the_working_folder_comes_first(workplace: Path) -> None:
    arguments = [
        "fit",
        "--config",
        "gan/smate.yaml",
        "--config=gan/gan",
        "-c",
        "data/adult",
        "--seed_everything",
        "gan/gan",
    ]
    (workplace / "gan").mkdir()
    (workplace / "gan" / "smate.yaml").touch()
    assert with_shipped_configs(["fit", "--config", "gan/smate"]) == ["fit", "--config", "gan/smate.yaml"]
    gan, adult = str(CONFIGS / "gan" / "gan.yaml"), str(CONFIGS / "data" / "adult.yaml")
    expected = ["fit", "--config", "gan/smate.yaml", f"--config={gan}", "-c", adult, "--seed_everything", "gan/gan"]
    assert with_shipped_configs(arguments) == expected


@pytest.mark.parametrize("settings", ["{seeds: 3}", "seeds: 3", "seeds: 3\nfolds: 0"])
def test_settings_in_place_of_a_name_stay_as_they_are(settings: str) -> None:
    assert with_shipped_configs(["compare", "--config", settings]) == ["compare", "--config", settings]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gan/wasserstien_gan", "did you mean gan/wasserstein_gan"),
        ("breast_cancer", "did you mean data/breast_cancer?"),
        ("nothing_like_it", "gan-imbalance configs lists those that are."),
    ],
)
@pytest.mark.parametrize("arguments", [("configs",), ("fit", "--config"), ("compare", "--config")], ids=" ".join)
def test_an_unknown_name_is_answered_by_those_like_it(
    arguments: tuple[str, ...], name: str, hint: str, refuse: Callable[..., str]
) -> None:
    sentence = refuse(*arguments, name)
    assert sentence.startswith(f"No configuration {name!r} is shipped, nor is there such a file: ")
    assert hint in sentence


def test_a_name_without_a_file_is_refused_in_python() -> None:
    with pytest.raises(InputError, match="did you mean gan/smate"):
        find_config("gan/smaet")


def test_names_mean_what_their_files_mean(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def parsed(*configs: str) -> object:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(["fit", *(part for config in configs for part in ("--config", config)), "--print_config"])
        return yaml.safe_load(capsys.readouterr().out)

    files = [str(CONFIGS / "data" / "breast_cancer.yaml"), str(CONFIGS / "gan" / "gan.yaml")]
    assert parsed("data/breast_cancer", "gan/gan.yaml") == parsed(*files)
