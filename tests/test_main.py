"""The command: subcommands, help, exit codes, and one clear sentence for every mistake."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance.data import ImageSet, TabularDataModule
from gan_imbalance.main import FUNCTION_SUBCOMMANDS, LIGHTNING_SUBCOMMANDS, main

SUBCOMMANDS = [*LIGHTNING_SUBCOMMANDS, *FUNCTION_SUBCOMMANDS]
GAN = ("--model", "WassersteinGAN")

Refuse = Callable[..., str]


@pytest.fixture
def rows(workplace: Path, mixed_frame: pd.DataFrame) -> Path:
    path = workplace / "rows.csv"
    mixed_frame.to_csv(path, index=False)
    return path


@pytest.fixture
def images(workplace: Path) -> Path:
    """Return the file of 60 random images of cats and 40 of dogs, grey and 8 pixels wide."""
    path = workplace / "images.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (100, 1, 8, 8), dtype=np.uint8)
    ImageSet(torch.from_numpy(pixels), np.repeat([0, 1], [60, 40]), ("cat", "dog")).save(path)
    return path


# -- help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_names_every_subcommand(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    text = capsys.readouterr().out
    for subcommand in SUBCOMMANDS:
        assert f"\n  {subcommand} " in text


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gan-imbalance {version('gan-imbalance')}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from gan_imbalance.main import main; code = main(['--help']); "
        "heavy = {'torch', 'numpy', 'pandas', 'jsonargparse'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_every_subcommand_has_help(subcommand: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([subcommand, "--help"])
    assert stop.value.code == 0
    assert "--config" in capsys.readouterr().out


_TIMED_HELP = """
import contextlib, io, sys, time
import torch, pytorch_lightning
imports = time.process_time()
from gan_imbalance.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main([sys.argv[1], "--help"])
print((time.process_time() - imports) / imports)
"""


@pytest.mark.slow
@pytest.mark.parametrize("subcommand", ["fit", "compare"])
def test_help_of_a_subcommand_is_not_much_slower_than_the_imports_it_needs(subcommand: str) -> None:
    # A ratio within one process, since whatever else the machine does slows both.
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", _TIMED_HELP, subcommand], check=True, capture_output=True, text=True
        )
        if (ratio := float(done.stdout)) <= 0.3:
            return
    pytest.fail(f"{subcommand} --help takes {ratio:.0%} more than the imports of torch and pytorch_lightning")


def test_the_module_runs_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gan_imbalance", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("gan-imbalance: error: There is no subcommand 'nonsense'")


def test_a_failed_comparison_and_an_interruption_have_codes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    (workplace / "subcommands.py").write_text(
        "def fail() -> int:\n    return 1\n\n\ndef interrupt() -> int:\n    raise KeyboardInterrupt\n"
    )
    for name, code in (("fail", 1), ("interrupt", 130)):
        monkeypatch.setitem(FUNCTION_SUBCOMMANDS, name, (f"subcommands:{name}", "for this test"))
        assert main([name]) == code


def test_a_defect_is_not_taken_for_a_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch, workplace: Path) -> None:
    (workplace / "defect.py").write_text("def subcommand() -> int:\n    return int('no number')\n")
    monkeypatch.setitem(FUNCTION_SUBCOMMANDS, "defect", ("defect:subcommand", "for this test"))
    with pytest.raises(ValueError, match="invalid literal"):
        main(["defect"])


def test_a_file_called_like_a_module_does_not_take_its_place(workplace: Path) -> None:
    for name in ("random", "torch", "pandas"):
        (workplace / f"{name}.py").write_text("raise SystemExit('taken for a module of others')")
    (workplace / "own.py").write_text("print('one of my own')\nclass Gan: pass")
    # without -P, Python itself would look here first
    command = [sys.executable, "-P", "-m", "gan_imbalance", "fit", "--model", "own.Gan"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2, done.stderr
    assert "one of my own" in done.stdout


# -- arguments and configurations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nonsense"], "There is no subcommand 'nonsense': choose one of fit, "),
        (["fit"], "required: data, model; gan-imbalance fit --help lists"),
        (["synthesize"], "required: ckpt_path, counts, output; gan-imbalance synthesize --help lists"),
        (["compare"], "Say where the table is by exactly one of "),
        (["test", "--model", "Classifier"], "required: data;"),
        (["fit", "--nonsense", "1"], "--nonsense 1;"),
        (["fit", "--config", "absent.yaml"], "absent.yaml"),
    ],
)
def test_arguments_that_are_missing_or_unknown(refuse: Refuse, arguments: list[str], expected: str) -> None:
    assert expected in refuse(*arguments)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["--model", "Nonsense"], "model: there is no class 'Nonsense', give a built-in class or module.Class;"),
        (["--model", "nonsense.Gan"], "model: No module named 'nonsense', give a class importable"),
        (["--model", "gan_imbalance.gans.Nonsense"], "has no attribute 'Nonsense', give a class importable"),
        (["--model", "TabularDataModule"], "model: there is no class"),
        (["--model.latent_dim", "many"], "model.latent_dim: expected int, got 'many';"),
        (["--model.latent_dim", "0"], "latent_dim is 0: it must be at least 1."),
        (["--model.loss", "Nonsense"], "model.loss: there is no class 'Nonsense'"),
        (["--data.targget", "label"], "data: there is no option 'targget';"),
        (["--data.batch_size", "0"], "batch_size is 0; it must be at least 1."),
        (
            ["--data.target", "lable"],
            "There is no column 'lable' in the table, as target asks for; did you mean 'label'?",
        ),
        (["--data.drop", "[colours]"], "There is no column 'colours'"),
        (["--data.categorical", "[nonsense]"], "There is no column 'nonsense'"),
        (["--data.derive", "{colour: log10}"], "Column 'colour' should hold numbers"),
        (["--data.keep", "{yes: 1000}"], "keep asks for 1000 rows of class 'yes'"),
        (["--data.keep", "{maybe: 10}"], "Unknown class 'maybe': the classes are 'no', 'yes'."),
        (["--data.test_fraction", "0.95"], "leave no row to train on"),
        (["--data.classes", "majority"], "but the GAN learns"),
        (["--model.classes", "all"], "is not conditional and learns one class"),
        (["--model.classes", "[maybe]"], "Unknown class 'maybe'"),
        (["--plots.columns", "[amount, hue]"], "There is no column 'hue' to draw"),
        (["--ema.decay", "2"], "decay is 2.0: give a number of at least 0 and below 1."),
        (["--trainer.max_epochs", "few"], "trainer.max_epochs: "),
        (["--trainer.accelerator", "abacus"], "abacus"),
        (["--trainer.devices", "-1", "--trainer.accelerator", "cuda"], "accelerator"),
    ],
)
def test_options_that_do_not_work(
    refuse: Refuse, rows: Path, tiny_fit: list[str], changes: list[str], expected: str
) -> None:
    assert expected in refuse(*tiny_fit, *GAN, *changes)


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        (
            "model:\n  class_path: WassersteinGAN\n  init_args: {latent_dimm: 3}",
            "model: there is no option 'latent_dimm';",
        ),
        ("trainr: {max_epochs: 1}", "there is no option 'trainr.max_epochs';"),
        ("trainer: {max_epoch: 1}", "there is no option 'trainer.max_epoch';"),
        (
            "model: {class_path: GAN, init_args: {generator: {class_path: DenseGenerator, init_args: {wide: 3}}}}",
            "model.generator: there is no option 'wide';",
        ),
        (
            "model: {class_path: GAN, init_args: {loss: {class_path: HingeLoss, init_args: {margin: 3}}}}",
            "model.loss: there is no option 'margin';",
        ),
        ("model: [1,", "a YAML file is malformed, while parsing"),
    ],
)
def test_configurations_with_unknown_keys(
    refuse: Refuse, rows: Path, tiny_fit: list[str], yaml: str, expected: str
) -> None:
    Path("config.yaml").write_text(yaml)
    assert expected in refuse(*tiny_fit, *GAN, "--config", "config.yaml")


# the data, `{}` standing for what a subcommand calls them; options without a class are a table's
_KINDS = {
    "bare": "{}.path rows.csv {}.target label",
    "table": "{} TabularDataModule {}.path rows.csv {}.target label",
    "images": "{} ImageDataModule {}.images images.npz",
}
_SUBCOMMANDS = {
    "compare": ("compare", "--data"),
    "mixed": ("fit --model Classifier --data MixedDataModule", "--data.data"),
}


@pytest.mark.parametrize(
    ("kind", "option", "expected"),
    [
        *(
            case
            for kind in _KINDS
            for case in (
                (kind, "{}.batch_size 0", "batch_size is 0; it must be at least 1."),
                (kind, "{}.batch_size few", "{}.batch_size: expected int, got 'few'; gan-imbalance "),
                (kind, "{}.targget 3", "{}: there is no option 'targget'; gan-imbalance "),
                (kind, "{}.keep 5", "{}.keep: expected dict, got '5'; gan-imbalance "),
                (kind, "{}.class_path ImageDatModule", "{}: there is no class 'ImageDatModule', give a built-in"),
            )
        ),
        ("table", "{}.target lable", "did you mean 'label'?"),
        ("images", "{}.imbalance_ratio 0.5", "imbalance_ratio is 0.5; give a number above 1."),
        ("images", '{}.imbalance_ratio 5 {}.keep {"dog":5}', "keep and imbalance_ratio both say how many images stay"),
        ("images", "{}.augmentation FlipCrop {}.augmentation.flip 2", "flip is 2.0; give a number from 0 to 1."),
        ("images", "{}.augmentation FlipCrop {}.augmentation.flip x", "{}.augmentation.flip: expected float, got 'x'"),
        ("images", "{}.augmentation DiffAugment {}.augmentation.policy colour", "has no policy 'colour'"),
        ("images", "{}.augmentation Flipp", "{}.augmentation: there is no class 'Flipp'"),
        ("images", "{}.size 7", "size is 7; give 8 to 64 pixels."),
    ],
)
@pytest.mark.parametrize("subcommand", _SUBCOMMANDS)
def test_data_within_other_arguments_are_told_alike(
    refuse: Refuse, rows: Path, images: Path, subcommand: str, kind: str, option: str, expected: str
) -> None:
    command, name = _SUBCOMMANDS[subcommand]
    given = f"{command} {_KINDS[kind]} {option}".replace("{}", name).split()
    assert expected.replace("{}", name.removeprefix("--")) in refuse(*given)


def test_mistakes_in_the_data_of_a_file_are_told(refuse: Refuse, images: Path) -> None:
    augmentation = "{class_path: gan_imbalance.transforms.DiffAugment, init_args: {policy: colour}}"
    data = f"{{class_path: ImageDataModule, init_args: {{images: images.npz, augmentation: {augmentation}}}}}"
    Path("compare.yaml").write_text(f"data: {data}")
    Path("mixed.yaml").write_text(f"data: {{class_path: MixedDataModule, init_args: {{data: {data}}}}}")
    assert "has no policy 'colour'" in refuse("compare", "--config", "compare.yaml")
    assert "has no policy 'colour'" in refuse("fit", "--config", "mixed.yaml", "--model", "Classifier")


@pytest.mark.parametrize(
    "options",
    [
        ("--data.drop", "[0]"),
        ("--data.numeric", "[0, 2]"),
        ("--data.categorical", "[2]"),
        ("--data.ordinal", "{2: [0, 1, 2]}"),
        ("--data.derive", "{0: log10}"),
        ("--data.missing_values", "[7]"),
        ("--data.target", "3", "--data.drop", "[0]"),
        ("--plots.columns", "[0, 2]"),
    ],
)
def test_columns_called_by_numbers_are_named_by_these(
    workplace: Path, tiny_fit: list[str], options: tuple[str, ...]
) -> None:
    rows = np.arange(40)
    frame = pd.DataFrame({"0": rows, "1": rows % 7, "2": rows % 3, "3": np.where(rows % 4, "no", "yes")})
    frame.to_csv("rows.csv", index=False)
    assert main([*tiny_fit, *GAN, "--data.target", "3", *options]) == 0


def test_evaluate_leaves_out_columns_called_by_numbers(workplace: Path) -> None:
    pd.DataFrame({"0": range(40), "1": np.arange(40) % 7}).to_csv("rows.csv", index=False)
    assert main(["evaluate", "--real", "rows.csv", "--synthetic", "rows.csv", "--drop", "[0]"]) == 0
    assert [column["name"] for column in json.loads(Path("evaluation/evaluation.json").read_text())["columns"]] == ["1"]


# -- tables ---------------------------------------------------------------------------------------------------------


def _with_text_among_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(count=frame["count"].astype(object).where(frame.index != 7, "many"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda frame: frame.assign(label="no"), "The target 'label' has one class only, 'no'"),
        (lambda frame: frame.iloc[:91], "Class 'yes' has 1 row(s), too few to split; give at least 3"),
        (lambda frame: frame.iloc[:92], "Class 'yes' has 2 row(s), too few to split; give at least 3"),
        (
            lambda frame: pd.concat([frame.iloc[:90], frame.iloc[[90] * 30]]),
            "Class 'yes' has no row in the ",
        ),
        (lambda frame: frame.assign(label=frame["label"].where(frame.index != 7)), "is missing in 1 of 120 rows"),
        (lambda frame: frame.assign(rate=np.nan), "Column 'rate' has no value in any row; drop it"),
        (lambda frame: frame.assign(amount=frame["amount"].where(frame.index != 7, np.inf)), "'amount' holds infinite"),
        (_with_text_among_numbers, "Column 'count' mixes types ('26' and 'many')"),
        (lambda frame: frame.rename(columns={"rate": "count"}), "two columns named 'count'"),
        (lambda frame: frame[["label"]], "no column left besides the target 'label'"),
        (lambda frame: frame.iloc[:0], "has no rows"),
    ],
)
def test_tables_that_cannot_be_used(
    refuse: Refuse,
    workplace: Path,
    mixed_frame: pd.DataFrame,
    tiny_fit: list[str],
    change: Callable[[pd.DataFrame], pd.DataFrame],
    expected: str,
) -> None:
    change(mixed_frame).to_csv("rows.csv", index=False)
    assert expected in refuse(*tiny_fit, *GAN)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("absent.csv", None, "There is no file absent.csv"),
        ("empty.csv", b"", "The file empty.csv is empty"),
        ("blank.csv", b"\n\n", "The file blank.csv"),
        ("header.csv", b"a,label\n", "The file header.csv has no rows"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "The file picture.csv cannot be read"),
        ("empty.parquet", b"", "The file empty.parquet cannot be read"),
        ("cut.csv.gz", gzip.compress(b"a,label\n" * 99, mtime=0)[:20], "The file cut.csv.gz cannot be read"),
    ],
)
def test_files_that_are_no_tables(
    refuse: Refuse, workplace: Path, tiny_fit: list[str], name: str, content: bytes | None, expected: str
) -> None:
    if content is not None:
        (workplace / name).write_bytes(content)
    assert expected in refuse(*tiny_fit, *GAN, "--data.path", name)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (["--output", "rows.csv/results"], "Cannot write rows.csv/results/"),
        (["--remedies", "[nonsense]"], "There is no remedy 'nonsense'"),
        (["--remedies", "[wasserstien_gan]"], "did you mean 'wasserstein_gan'?"),
        (["--remedies", "[ADASIN]"], "did you mean 'ADASYN'?"),
        (["--seeds", "0"], "seeds is 0: give a whole number of at least 1."),
        (["--seeds", "few"], "seeds: expected int, got 'few';"),
        (["--practical_difference", "-0.1"], "practical_difference of pr_auc is -0.1: give a number of at least 0."),
        (["--practical_difference", '{"recal": 0.1}'], "There is no metric 'recal'; did you mean 'recall'?"),
        (["--metric", "accuracy"], "There is no metric 'accuracy'"),
        (["--metric", "expected_cost"], "give cost_of_miss and cost_of_false_alarm."),
        (["--cost_of_miss", "-1"], "cost_of_miss is -1.0: give a number of at least 0."),
        (["--cost_of_false_alarm", "-2"], "cost_of_false_alarm is -2.0: give a number of at least 0."),
        (["--cost_of_miss", "0", "--cost_of_false_alarm", "0"], "both 0"),
        (["--until", "decided"], "--until decided needs a bound: give max_splits, max_time or both."),
        (["--until", "tired"], "until: expected"),
        (["--max_splits", "20"], "max_splits bounds a comparison that goes on until it is decided"),
        (["--until", "decided", "--max_splits", "1"], "max_splits is 1: give a whole number of at least 2."),
        (["--until", "decided", "--max_splits", "4"], "max_splits is 4, but 1 times 5 folds come first: raise it"),
        (["--until", "decided", "--max_time", "soon"], "max_time is 'soon': give seconds"),
        (["--until", "decided", "--max_time", "0"], "max_time is"),
        (["--at_recall", "1.5"], "at_recall is 1.5: give a share above 0 and up to 1."),
        (["--folds", "1"], "folds is 1: give at least 2, or 0"),
        (["--data.tarrget", "label"], "data: there is no option 'tarrget';"),
        (["--data.target", "lable"], "did you mean 'label'?"),
        (["--classifiers", '{"mine": {"class_path": "nonsense.Model"}}'], "nonsense"),
    ],
)
def test_comparisons_that_cannot_be_made(refuse: Refuse, rows: Path, option: list[str], expected: str) -> None:
    assert expected in refuse("compare", "--data.path", "rows.csv", "--data.target", "label", *option)


def test_compare_refuses_a_bad_table_too(refuse: Refuse, mixed_frame: pd.DataFrame) -> None:
    mixed_frame.assign(label="no").to_csv("rows.csv", index=False)
    assert "one class only" in refuse("compare", "--data.path", "rows.csv", "--data.target", "label")
    assert "There is no file" in refuse("compare", "--data.path", "absent.csv", "--data.target", "label")


# -- checkpoints ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["synthesize", "--ckpt_path", "classifier.ckpt"], "is not a checkpoint of a generator of gan-imbalance"),
        (["synthesize", "--ckpt_path", "cut.ckpt"], "cut.ckpt is truncated or not a checkpoint"),
        (["synthesize", "--ckpt_path", "rows.csv"], "rows.csv is truncated or not a checkpoint"),
        (["synthesize", "--ckpt_path", "absent.ckpt"], "There is no checkpoint absent.ckpt"),
    ],
)
def test_synthesize_refuses_what_is_no_gans_checkpoint(
    refuse: Refuse, trained: dict[str, Path], rows: Path, arguments: list[str], expected: str
) -> None:
    shutil.copy(trained["classifier"], "classifier.ckpt")
    Path("cut.ckpt").write_bytes(trained["gan"].read_bytes()[:-1000])
    assert expected in refuse(*arguments, "--counts", '{"yes": 3}', "--output", "out.csv")


@pytest.mark.parametrize(
    ("subcommand", "model", "checkpoint", "expected"),
    [
        ("fit", "WassersteinGAN", "classifier", "is not a checkpoint of a generator of gan-imbalance"),
        ("fit", "Classifier", "gan", "is not a checkpoint of a classifier of gan-imbalance"),
        ("test", "Classifier", "gan", "is not a checkpoint of a classifier of gan-imbalance"),
        ("test", "WassersteinGAN", "gan", "A generator has nothing to test: validate it, or synthesize rows with it."),
        ("predict", "WassersteinGAN", "gan", "A generator has nothing to predict"),
        ("test", "Classifier", None, "Say by --ckpt_path which checkpoint to test."),
        ("validate", "WassersteinGAN", None, "Say by --ckpt_path which checkpoint to validate."),
    ],
)
def test_lightnings_subcommands_refuse_a_checkpoint_of_another_kind(
    refuse: Refuse,
    trained: dict[str, Path],
    rows: Path,
    tiny_fit: list[str],
    subcommand: str,
    model: str,
    checkpoint: str | None,
    expected: str,
) -> None:
    given = ["--ckpt_path", str(trained[checkpoint])] if checkpoint else []
    assert expected in refuse(subcommand, *tiny_fit[1:], "--model", model, *given)


def test_fit_refuses_a_truncated_checkpoint(
    refuse: Refuse, trained: dict[str, Path], rows: Path, tiny_fit: list[str]
) -> None:
    Path("cut.ckpt").write_bytes(trained["gan"].read_bytes()[:-1000])
    assert "cut.ckpt is truncated" in refuse(*tiny_fit, *GAN, "--ckpt_path", "cut.ckpt")


def test_fit_refuses_the_checkpoint_of_another_table(
    refuse: Refuse, trained: dict[str, Path], mixed_frame: pd.DataFrame, tiny_fit: list[str]
) -> None:
    resume = (*tiny_fit, *GAN, "--ckpt_path", str(trained["gan"]))
    mixed_frame.drop(columns="colour").to_csv("rows.csv", index=False)
    assert "built for other data" in refuse(*resume)
    mixed_frame.to_csv("rows.csv", index=False)
    assert "built for other data" in refuse(*resume, "--data.split_seed", "1")


@pytest.mark.parametrize(
    ("subcommand", "model", "option"),
    [
        ("fit", "WassersteinGAN", ("--model.latent_dim", "5")),
        ("test", "Classifier", ("--model.network", '{"class_path": "DenseClassifier", "init_args": {"widths": [3]}}')),
    ],
)
def test_checkpoints_of_other_networks_are_refused(
    refuse: Refuse,
    trained: dict[str, Path],
    rows: Path,
    tiny_fit: list[str],
    subcommand: str,
    model: str,
    option: tuple[str, str],
) -> None:
    checkpoint = trained["classifier" if model == "Classifier" else "gan"]
    given = ("--model", model, *option, "--ckpt_path", str(checkpoint))
    assert "differ from the model's: use the model that it was trained with" in refuse(
        subcommand, *tiny_fit[1:], *given
    )


def test_test_refuses_a_split_on_whose_test_rows_the_classifier_may_have_learned(
    refuse: Refuse, trained: dict[str, Path], rows: Path, tiny_fit: list[str]
) -> None:
    judge = ("test", *tiny_fit[1:], "--model", "Classifier", "--ckpt_path", str(trained["classifier"]))
    assert "classes or split differ" in refuse(*judge, "--data.split_seed", "1")


# -- synthetic rows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ('{"maybe": 3}', "Unknown class 'maybe': the classes are 'no', 'yes'."),
        ('{"no": 3}', "This WassersteinGAN never saw class 'no': it generates 'yes'."),
        ('{"yes": -3}', "The count of class 'yes' is -3: give a whole number of at least 0."),
        ('{"yes": 0}', "No rows were asked for"),
        ("{}", "No rows were asked for"),
        ('{"yes": 2.5}', "counts: expected int, got '2.5'"),
        ('{"yes": many}', "counts: expected int, got 'many'"),
        ("1000", "counts: expected dict, got '1000'"),
        ("yes=3", "counts: expected dict, got 'yes=3'"),
        ('{"yes": 3', "counts: expected dict, got '{\"yes\": 3'"),
    ],
)
def test_counts_that_cannot_be_met(refuse: Refuse, trained: dict[str, Path], counts: str, expected: str) -> None:
    arguments = ("--ckpt_path", str(trained["gan"]), "--counts", counts, "--output", "out.csv")
    assert expected in refuse("synthesize", *arguments)


def test_rows_of_a_table_have_no_page_of_samples(refuse: Refuse, trained: dict[str, Path]) -> None:
    arguments = ("synthesize", "--ckpt_path", str(trained["gan"]), "--counts", '{"yes": 3}', "--output", "out.csv")
    assert "data is for a page that rows do not have: omit it." in refuse(*arguments, "--data", "DigitsDataModule")
    assert main([*arguments, "--wandb", "false"]) == 0
    assert not [*trained["rows"].parent.rglob("*samples*"), *Path().rglob("*samples*")]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("a_file/out.csv", "Cannot write a_file/out.csv: "),
        ("out.xlsx", "Cannot write out.xlsx: end its name in .csv, .csv.gz or .parquet."),
        ("out", "Cannot write out: end its name in"),
        ("folder.csv", "Cannot write folder.csv: it is a folder"),
    ],
)
def test_outputs_that_cannot_be_written(refuse: Refuse, trained: dict[str, Path], output: str, expected: str) -> None:
    Path("a_file").write_text("not a folder")
    Path("folder.csv").mkdir()
    arguments = ("--ckpt_path", str(trained["gan"]), "--counts", '{"yes": 3}', "--output", output)
    assert expected in refuse("synthesize", *arguments)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows.assign(colour="violet"), "Column 'colour' holds the unknown category 'violet'"),
        (lambda rows: rows.drop(columns="colour"), "There is no column 'colour'"),
        (lambda rows: rows.assign(count=np.nan), "Column 'count' has missing values, but had none"),
        (lambda rows: rows.assign(amount=np.inf), "Column 'amount' holds infinite values"),
        (lambda rows: rows.assign(label="maybe"), "Unknown class 'maybe'"),
        (lambda rows: rows.drop(columns="label"), "There is no column 'label'"),
    ],
)
def test_synthetic_rows_that_are_not_of_the_tables_form(
    refuse: Refuse,
    rows: Path,
    mixed_frame: pd.DataFrame,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    expected: str,
) -> None:
    change(mixed_frame.iloc[:20]).to_csv("synthetic.csv", index=False)
    split_hash = TabularDataModule(path="rows.csv", target="label").split.hash
    Path("synthetic.csv.json").write_text(json.dumps({"split_hash": split_hash, "target": "label"}))
    assert expected in refuse("fit", *_mixed(), "--data.synthetic", "synthetic.csv")


def test_synthetic_rows_of_another_split_or_without_a_manifest(refuse: Refuse, rows: Path) -> None:
    shutil.copy("rows.csv", "synthetic.csv")
    assert "have no manifest" in refuse("fit", *_mixed(), "--data.synthetic", "synthetic.csv")
    Path("synthetic.csv.json").write_text(json.dumps({"split_hash": "0", "target": "label"}))
    assert "made from another split" in refuse("fit", *_mixed(), "--data.synthetic", "synthetic.csv")
    Path("synthetic.csv.json").write_text("no json")
    assert "synthetic.csv.json" in refuse("fit", *_mixed(), "--data.synthetic", "synthetic.csv")


def _mixed() -> list[str]:
    """Return arguments for a classifier on real and synthetic rows."""
    table = ("--data.data.path", "rows.csv", "--data.data.target", "label")
    return ["--model", "Classifier", "--data", "MixedDataModule", *table, "--trainer.accelerator", "cpu"]


def test_a_gan_is_not_trained_on_synthetic_rows(refuse: Refuse, rows: Path) -> None:
    assert "MixedDataModule feeds classifiers" in refuse("fit", *_mixed(), *GAN)
