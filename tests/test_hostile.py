"""Files that come from anyone: none runs code, and each that cannot be used is told in one sentence."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance import gans
from gan_imbalance.classifiers.classifier import load_classifier
from gan_imbalance.data.mixed import read_synthetic_set
from gan_imbalance.data.reading import read_table
from gan_imbalance.main import main
from gan_imbalance.synthesis import load_gan
from gan_imbalance.transforms import TabularTransformer
from gan_imbalance.trust import PACKAGES, Gate, packages_of, trusting
from gan_imbalance.types import InputError

MARK = "exploded"
TOUCH = f"open({MARK!r}, 'w').close()"
POPEN = {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", MARK]}}
SYSTEM = {"class_path": "os.system", "init_args": {"command": f"touch {MARK}"}}
LINEAR = {"class_path": "torch.nn.Linear", "init_args": {"in_features": 1, "out_features": 1}}
LOSS = "gan_imbalance.losses.NonSaturatingLoss"

Change = Callable[[dict[str, Any]], Any]


class Bomb:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch {MARK}",)


@pytest.fixture
def place(workplace: Path) -> Path:
    """Work in a folder with a module that leaves a mark when it is imported."""
    (workplace / "planted.py").write_text(
        f"{TOUCH}\nfrom gan_imbalance.gans import WassersteinGAN\n\n\nclass Planted(WassersteinGAN):\n    pass\n"
    )
    return workplace


def told(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Return the one sentence with which the command line ends, nothing having run."""
    code = main(arguments)
    error = capsys.readouterr().err.strip()
    assert code == 2, error
    assert error.startswith("gan-imbalance: error: ")
    assert "\n" not in error
    assert not Path(MARK).exists()
    assert "planted" not in sys.modules
    return error


def changed(checkpoint: Path, change: Change) -> str:
    """Write a checkpoint with something changed, and return its path."""
    content = torch.load(checkpoint, weights_only=True)
    change(content)
    torch.save(content, "changed.ckpt")
    return "changed.ckpt"


def synthesize(path: str) -> list[str]:
    return ["synthesize", "--ckpt_path", path, "--counts", '{"yes": 3}', "--output", "made.csv", "--wandb", "false"]


def set_parameter(**values: Any) -> Change:
    return lambda content: content["hyper_parameters"].update(values)


def set_class(name: Any) -> Change:
    return lambda content: content["generator"].update(class_path=name)


def set_constraints(*constraints: Any) -> Change:
    return lambda content: content["generator"]["data_state"]["transformer"].update(constraints=list(constraints))


PARTS = (
    *("loss", "penalty", "feature_matching", "augmentation", "generator", "discriminator"),
    *("generator_optimizer", "discriminator_optimizer", "scheduler", "latent_dim", "classes", "nonsense"),
)
FACTORIES = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer", "scheduler")

HOSTILE = {
    **{f"Popen as {part}": set_parameter(**{part: POPEN}) for part in PARTS},
    **{f"os.system as {part}": set_parameter(**{part: SYSTEM}) for part in ("loss", "generator")},
    **{f"Popen by name as {part}": set_parameter(**{part: "subprocess.Popen"}) for part in FACTORIES},
    "Popen within a loss": set_parameter(loss={"class_path": LOSS, "init_args": {"reduction": POPEN}}),
    "Popen beside a loss": set_parameter(loss={"class_path": LOSS, "init_args": {}, "more": POPEN}),
    "Popen in a list": set_parameter(augmentation=[POPEN]),
    "Popen within a network": set_parameter(
        generator={"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [POPEN]}}
    ),
    "Popen as constraint": set_constraints(POPEN),
    "Popen in the data's state": lambda content: content["generator"]["data_state"].update(more=[POPEN]),
    "a planted module as constraint": set_constraints({"class_path": "planted.Planted"}),
    **{
        f"{name!r} as GAN": set_class(name)
        for name in (
            *("os.system", "subprocess.Popen", "planted.Planted", "planted", "builtins.exec", "Popen", ""),
            *("gan_imbalance.__main__.command", "gan_imbalance.main.command", "gan_imbalance.gans.planted.Planted"),
            *("gan_imbalance..planted.Planted", "planted\n.Planted", "torch.nn.Linear", "gan_imbalance.gans.Nonsense"),
            # imported there from elsewhere
            *("gan_imbalance.generators.base.DataBoundModule", "gan_imbalance_planted.Planted"),
        )
    },
    "a planted module as loss": set_parameter(loss={"class_path": "planted.Planted"}),
    "a network as loss": set_parameter(loss=LINEAR),
    "a loss as network": set_parameter(generator={"class_path": "torch.optim.Adam"}),
    "a loss as penalty": set_parameter(penalty={"class_path": LOSS}),
    "a network as constraint": set_constraints(LINEAR),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_gan_runs_nothing_that_its_checkpoint_names(
    change: Change, trained: dict[str, Path], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = told(capsys, synthesize(changed(trained["gan"], change)))
    assert len(error) < 500
    assert not Path("made.csv").exists()


def without(*keys: str) -> Change:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def put(value: Any, *keys: str) -> Change:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


DEEP = {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [4096] * 1000}}


def widened(content: dict[str, Any]) -> None:
    """Ask for networks of a billion features, with weights that take no room."""
    spec = content["generator"]["spec"]
    spec["shape"] = [10**9]
    spec["spans"] = [{"name": "x", "encoding": "linear", "start": 0, "size": 10**9}]


def spread(content: dict[str, Any]) -> None:
    widened(content)
    name = next(name for name in content["state_dict"] if name.startswith("generator") and name.endswith("weight"))
    content["state_dict"][name] = torch.zeros(1).expand(10**9, 256)


DAMAGED = {
    "no state_dict": (without("state_dict"), "its state_dict is missing"),
    "weights in a list": (put([], "state_dict"), "its state_dict is missing or of another form"),
    "weights that are none": (put({"generator.x": 1}, "state_dict"), "'generator.x' are no whole tensor"),
    "no weights": (put({}, "state_dict"), "do not fit the networks"),
    "gan a list": (put([], "generator"), "its generator is missing or of another form"),
    "no spec": (without("generator", "spec"), "its spec is missing"),
    "an empty spec": (put({}, "generator", "spec"), "is damaged"),
    "a spec of words": (put({"kind": "table", "shape": ["a"]}, "generator", "spec"), "is damaged"),
    "a kind that is none": (put("planted", "generator", "spec", "kind"), "learns tables|No kind of data"),
    "no class": (without("generator", "class_path"), "its class_path is missing"),
    "class a number": (put(1, "generator", "class_path"), "its class_path is missing or of another form"),
    "no data state": (without("generator", "data_state"), "its data_state is missing"),
    "no transformer": (without("generator", "data_state", "transformer"), "is damaged"),
    "classes a number": (put(1, "generator", "classes"), "its classes is missing or of another form"),
    "an unknown hyper-parameter": (put(1, "hyper_parameters", "nonsense"), "unexpected keyword argument 'nonsense'"),
    "hyper-parameters a list": (put([], "hyper_parameters"), "its hyper_parameters is missing or of another form"),
    "a width of words": (put("wide", "hyper_parameters", "latent_dim"), "is damaged"),
    "another width": (put(5, "hyper_parameters", "latent_dim"), "do not fit the networks"),
    "a width of a billion": (put(10**9, "hyper_parameters", "latent_dim"), "far larger networks than it holds"),
    "a billion columns": (widened, "far larger networks than it holds"),
    "a thousand layers": (put(DEEP, "hyper_parameters", "generator"), "far larger networks than it holds"),
    "a billion columns with weights": (spread, "are no whole tensor"),
}


@pytest.mark.parametrize(("change", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_of_a_checkpoint_is_told(
    change: Change, message: str, trained: dict[str, Path], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = told(capsys, synthesize(changed(trained["gan"], change)))
    assert any(part in error for part in message.split("|")), error


def packed(path: str) -> None:
    """Write an archive that unpacks to far more than its own size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))


WRITERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "a pickle": (lambda path: Path(path).write_bytes(pickle.dumps(Bomb())), "not a checkpoint"),
    "a pickle of torch": (
        lambda path: torch.save(Bomb(), path, _use_new_zipfile_serialization=False),
        "not a checkpoint",
    ),
    "a pickle in an archive": (lambda path: torch.save(Bomb(), path), "something else than tensors and plain values"),
    "a pickle among values": (
        lambda path: torch.save({"generator": {"spec": Bomb()}, "classifier": {}}, path),
        "something else than tensors and plain values",
    ),
    "an archive that is a bomb": (packed, "is compressed, as no checkpoint is, to 10,000,000 bytes"),
    "an empty file": (lambda path: Path(path).touch(), "not a checkpoint"),
}
COMMANDS: dict[str, list[str]] = {
    "synthesize": synthesize("hostile.ckpt"),
    "fit": ["fit", "--model", "WassersteinGAN", "--ckpt_path", "hostile.ckpt"],
    "validate": ["validate", "--model", "WassersteinGAN", "--ckpt_path", "hostile.ckpt"],
    "test": ["test", "--model", "Classifier", "--ckpt_path", "hostile.ckpt"],
    "predict": ["predict", "--model", "Classifier", "--ckpt_path", "hostile.ckpt"],
    "pretrained": ["fit", "--model", "MinorityTransferGAN", "--model.pretrained", "hostile.ckpt"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("write", "message"), WRITERS.values(), ids=WRITERS)
def test_no_command_unpickles_a_checkpoint(
    write: Callable[[str], Any],
    message: str,
    command: str,
    trained: dict[str, Path],
    place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("hostile.ckpt")
    data = [] if command == "synthesize" else ["--data.class_path", "TabularDataModule", "--data.path"]
    data += [] if command == "synthesize" else [str(trained["rows"]), "--data.target", "label"]
    assert message in told(capsys, [*COMMANDS[command], *data])


@pytest.mark.parametrize(
    ("part", "hostile"),
    [
        *product(("network", "loss", "augmentation", "optimizer"), (POPEN, SYSTEM, {"class_path": "planted.Planted"})),
        *product(("loss", "optimizer"), (LINEAR,)),
        *product(("network", "optimizer"), ("subprocess.Popen", "planted.Planted")),
    ],
    ids=str,
)
def test_a_classifier_runs_nothing_that_its_checkpoint_names(
    part: str, hostile: Any, trained: dict[str, Path], place: Path
) -> None:
    path = changed(trained["classifier"], set_parameter(**{part: hostile}))
    with pytest.raises(InputError, match=r"^changed\.ckpt names ") as error:
        load_classifier(path)
    assert "\n" not in str(error.value)
    assert not Path(MARK).exists()
    assert "planted" not in sys.modules


def test_the_classifier_of_a_penalty_passes_the_gate(
    trained: dict[str, Path], place: Path, capsys: pytest.CaptureFixture[str], tiny_fit: list[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    for network in ("planted.Planted", POPEN, "os.system"):
        path = changed(trained["classifier"], set_parameter(network=network))
        gan = ["--model", "MinorityTransferGAN", "--model.majority_penalty", "gan_imbalance.losses.MajorityPenalty"]
        told(capsys, [*tiny_fit, *gan, "--model.majority_penalty.classifier_path", path])


def test_the_checkpoint_that_a_transfer_starts_from_passes_the_gate(
    trained: dict[str, Path], place: Path, capsys: pytest.CaptureFixture[str], tiny_fit: list[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    path = changed(trained["gan"], set_constraints(POPEN))
    error = told(capsys, [*tiny_fit, "--model", "MinorityTransferGAN", "--model.pretrained", path])
    assert "names subprocess.Popen" in error


@pytest.mark.parametrize("trust", ["planted", ["planted"], "planted.Planted"])
def test_what_is_trusted_runs(trust: str | list[str], trained: dict[str, Path], place: Path) -> None:
    path = changed(trained["gan"], set_class("planted.Planted"))
    assert main([*synthesize(path), "--trust", json.dumps(trust) if isinstance(trust, list) else trust]) == 0
    assert Path(MARK).exists()
    assert type(load_gan(path, trust)).__name__ == "Planted"
    with trusting(trust):
        assert type(load_gan(path)).__name__ == "Planted"
    with pytest.raises(InputError, match=r"planted\.Planted, which is not trusted.*--trust planted\.Planted"):
        load_gan(path)
    del sys.modules["planted"]


def test_a_trusted_package_is_no_licence_for_another_kind(trained: dict[str, Path], place: Path) -> None:
    path = changed(trained["gan"], set_parameter(loss=POPEN))
    with pytest.raises(InputError, match=r"names subprocess\.Popen in place of a AdversarialLoss"):
        load_gan(path, trust="subprocess")
    assert not Path(MARK).exists()


@pytest.mark.parametrize("name", gans.__all__)
@pytest.mark.parametrize(
    ("part", "other"),
    [("loss", LINEAR), ("penalty", LINEAR), ("generator", "torch.optim.Adam"), ("generator_optimizer", LINEAR)],
    ids=str,
)
def test_every_gan_knows_what_stands_at_its_parameters(part: str, other: Any, name: str) -> None:
    settings = {"class_path": f"gan_imbalance.gans.{name}", "init_args": {part: other}}
    with pytest.raises(InputError, match=r"x\.ckpt names torch\.\S+ in place of a "):
        Gate("x.ckpt").admit(settings)


class Untold(gans.WassersteinGAN):
    """A GAN that does not say what one of its parameters is."""

    def __init__(self, text="", named: str = "", **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)


def test_text_is_told_from_classes_by_its_annotation() -> None:
    gate = Gate("x.ckpt", __name__)
    settings: dict[str, Any] = {"class_path": f"{__name__}.Untold", "init_args": {"text": "a", "named": "planted.X"}}
    gate.admit(settings)
    for text, message in {"rows.csv": r"trust=\['rows\.csv'\]", "v1.2": "names 'v1.2' in place of a class"}.items():
        settings["init_args"]["text"] = text
        with pytest.raises(InputError, match=message):
            gate.admit(settings)


def test_a_state_of_constraints_makes_constraints_only(trained: dict[str, Path], place: Path) -> None:
    state = torch.load(trained["gan"], weights_only=True)["generator"]["data_state"]["transformer"]
    with pytest.raises(InputError, match="stands in place of a constraint"):
        TabularTransformer.from_state_dict({**state, "constraints": [POPEN]})


@pytest.mark.parametrize(
    ("value", "packages"),
    [
        (torch.nn.Linear, ("torch",)),
        (torch.nn.Linear(1, 1), ("torch",)),
        (
            [{"class_path": "my_gan.MyGAN", "init_args": {"loss": {"class_path": "my_loss.MyLoss"}}}],
            ("my_gan", "my_loss"),
        ),
        ({"a": "no.class", "class_path": 1}, ()),
    ],
)
def test_packages_of_settings(value: Any, packages: tuple[str, ...]) -> None:
    assert packages_of(value) == packages


def test_nothing_is_trusted_by_the_beginning_of_its_name() -> None:
    for name in (*(f"{package}x.Thing" for package in PACKAGES), "torch.Thing", "torch.hub.load", "gan_imbalance"):
        assert not Gate("x.ckpt").trusts(name)


YAML = f"data: !!python/object/apply:os.system ['touch {MARK}']\n"


def an_archive(path: str) -> None:
    np.savez(path, images=np.array([Bomb()], dtype=object), labels=np.zeros(1), classes=np.array(["a"]))


def a_large_archive(path: str) -> None:
    np.savez_compressed(path, images=np.zeros(2**21, np.uint8), labels=np.zeros(1), classes=np.array(["a"]))


def a_large_table(path: str) -> None:
    with gzip.open(path, "wt") as file:
        file.write("x,label\n" + "0,a\n" * 2**19)


def a_large_parquet(path: str) -> None:
    pd.DataFrame({"x": np.zeros(2**18), "label": "a"}).to_parquet(path)


TABLE = ["--data.class_path", "TabularDataModule", "--data.target", "label", "--data.path"]
IMAGES = ["--data.class_path", "ImageDataModule", "--data.images"]
FIT = ["fit", "--model", "ConditionalGAN"]
DATA_FILES: dict[str, tuple[str, Callable[[str], Any], list[str], str]] = {
    "a configuration": ("x.yaml", lambda path: Path(path).write_text(YAML), ["fit", "--config"], ""),
    "a configuration of a comparison": (
        "x.yaml",
        lambda path: Path(path).write_text(YAML),
        ["compare", "--config"],
        "",
    ),
    "objects as images": ("x.npz", an_archive, [*FIT, *IMAGES], "cannot be read"),
    "many images": ("x.npz", a_large_archive, [*FIT, *IMAGES], "unpacks to more than 0.001 GiB"),
    "many rows": ("x.csv.gz", a_large_table, [*FIT, *TABLE], "unpacks to more than 0.001 GiB"),
    "many equal rows": ("x.parquet", a_large_parquet, [*FIT, *TABLE], "unpacks to more than 0.001 GiB"),
    "a pickle as CSV": ("x.csv", lambda path: Path(path).write_bytes(pickle.dumps(Bomb())), [*FIT, *TABLE], ""),
    "a pickle as gzip": ("x.csv.gz", lambda path: Path(path).write_bytes(pickle.dumps(Bomb())), [*FIT, *TABLE], ""),
    "a pickle as Parquet": ("x.parquet", lambda path: Path(path).write_bytes(pickle.dumps(Bomb())), [*FIT, *TABLE], ""),
    "a pickle to evaluate": (
        "x.csv.gz",
        lambda path: Path(path).write_bytes(pickle.dumps(Bomb())),
        ["evaluate", "--synthetic", "x.csv.gz", "--real"],
        "cannot be read",
    ),
}


@pytest.mark.parametrize(("name", "write", "command", "message"), DATA_FILES.values(), ids=DATA_FILES)
def test_data_and_settings_run_nothing(
    name: str,
    write: Callable[[str], Any],
    command: list[str],
    message: str,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GAN_IMBALANCE_MAX_UNPACKED", "0.001")
    write(name)
    assert message in told(capsys, [*command, name])


@pytest.mark.parametrize("content", [pickle.dumps(Bomb()), b"[", b"[1]", b'{"target": {"class_path": "os.system"}}'])
def test_a_manifest_runs_nothing(content: bytes, trained: dict[str, Path], place: Path) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    Path("rows.csv.json").write_bytes(content)
    with pytest.raises(InputError, match=r"rows\.csv\.json"):
        read_synthetic_set("rows.csv")
    assert not Path(MARK).exists()


def test_the_limit_is_a_number(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_IMBALANCE_MAX_UNPACKED", "much")
    a_large_table("x.csv.gz")
    with pytest.raises(InputError, match="GAN_IMBALANCE_MAX_UNPACKED is 'much': give a number of GiB"):
        read_table("x.csv.gz")


def test_a_checkpoint_that_lightning_finds_runs_nothing(
    trained: dict[str, Path], place: Path, capsys: pytest.CaptureFixture[str], tiny_fit: list[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    content = torch.load(trained["gan"], weights_only=True)
    Path("run").mkdir()
    torch.save({**content, "more": Bomb()}, "run/last.ckpt")
    fit = [*tiny_fit, "--model", "WassersteinGAN", "--checkpoint.dirpath", "run", "--ckpt_path", "last"]
    assert main(fit) == 2
    assert "which could run code, so nothing was loaded" in capsys.readouterr().err.splitlines()[-1]
    assert not Path(MARK).exists()


def test_settings_may_trust_what_a_checkpoint_names(
    trained: dict[str, Path], place: Path, tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    Path("my_nets.py").write_text(
        "from gan_imbalance.networks import DenseClassifier as Base\n\n\nclass Net(Base):\n    pass\n"
    )
    assert (
        main([*tiny_fit, "--model", "Classifier", "--model.network", "my_nets.Net", "--checkpoint.dirpath", "."]) == 0
    )
    gan = [*tiny_fit, "--model", "MinorityTransferGAN", "--model.pretrain_epochs", "1"]
    gan += ["--model.majority_penalty", "gan_imbalance.losses.MajorityPenalty"]
    gan += ["--model.majority_penalty.classifier_path", "last.ckpt"]
    assert main(gan) == 2
    assert "names my_nets.Net, which is not trusted" in capsys.readouterr().err.splitlines()[-1]
    assert main([*gan, "--trust", "my_nets"]) == 0
    del sys.modules["my_nets"]
