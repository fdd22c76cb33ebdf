"""What other loggers than Weights & Biases' keep of a run, read back from their files."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from matplotlib import image
from matplotlib.figure import Figure
from pytorch_lightning.loggers import CSVLogger

from gan_imbalance.main import main
from gan_imbalance.tracking import log_figure, log_table

DISTANCES = ("--trainer.callbacks+", "DistanceMonitor")
OFTEN = ("--plots.every_n_epochs", "1", "--trainer.log_every_n_steps", "1")


def is_drawn(picture: bytes | Path) -> bool:
    pixels = image.imread(BytesIO(picture) if isinstance(picture, bytes) else picture, format="png")
    return bool(pixels[..., :3].std() > 0.05)


@pytest.fixture
def fit(workplace: Path, mixed_frame: pd.DataFrame, tiny_fit: list[str]) -> Callable[..., int]:
    """Return a function that trains a GAN by the command, with a logger."""
    mixed_frame.to_csv("rows.csv", index=False)
    return lambda *logger: main([*tiny_fit, "--model", "GAN", *DISTANCES, *OFTEN, "--trainer.logger", *logger])


def test_tensorboard_has_curves_pictures_and_tables(fit: Callable[..., int], workplace: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard")
    assert fit("TensorBoardLogger", "--trainer.logger.save_dir", "boards", "--trainer.logger.name", "mine") == 0
    folder = workplace / "boards" / "mine" / "version_0"
    found = reader.EventAccumulator(str(folder)).Reload()
    assert [point.step for point in found.Scalars("val/c2st")] == [1, 3]
    assert {"train/generator_loss", "val/distance_between"} <= set(found.Tags()["scalars"])
    assert set(found.Tags()["images"]) == {"plots/columns", "plots/distances"}
    for name in found.Tags()["images"]:
        pictures = found.Images(name)
        assert [picture.step for picture in pictures] == [2, 4]
        assert all(is_drawn(picture.encoded_image_string) for picture in pictures)
    (table,) = found.Tensors("tables/distances/text_summary")
    lines = table.tensor_proto.string_val[0].decode().splitlines()
    assert lines[0] == "| step | within_real | within_synthetic | between |"
    assert [line.split()[1] for line in lines[2:]] == ["2", "4"]
    # what is kept beside, as with any logger
    assert (folder / "plots" / "step_0000002.png").is_file()
    assert (folder / "split.json").is_file()


def test_mlflow_has_curves_pictures_and_tables(
    fit: Callable[..., int], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs mlflow or mlflow-skinny")
    # its database needs more packages
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert fit("MLFlowLogger", "--trainer.logger.tracking_uri", "file:./tracked") == 0
    client = mlflow.MlflowClient("file:./tracked")
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    key = run.info.run_id
    assert [point.step for point in client.get_metric_history(key, "val/c2st")] == [1, 3]
    assert run.data.params["split_hash"]
    for name in ("plots/columns", "plots/distances"):
        files = [file.path for file in client.list_artifacts(key, name)]
        assert files == [f"{name}/step_0000002.png", f"{name}/step_0000004.png"]
        assert all(is_drawn(Path(client.download_artifacts(key, file, str(workplace)))) for file in files)
    path = client.download_artifacts(key, "tables/distances/step_0000004.json", str(workplace))
    table = pd.read_json(path, orient="split")
    assert list(table.columns) == ["step", "within_real", "within_synthetic", "between"]
    assert table["step"].tolist() == [2, 4]


def test_a_logger_that_takes_no_pictures_is_left_alone(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path)
    log_figure(logger, "plots/any", Figure(), 1)
    log_table(logger, "tables/any", pd.DataFrame({"a": [1]}), 1)
    assert not list(tmp_path.rglob("*.*"))


def test_a_logger_of_ones_own_may_have_the_methods_of_weights_and_biases() -> None:
    told: list[tuple[str, Any, int]] = []
    logger: Any = SimpleNamespace(
        log_image=lambda name, pictures, step: told.append((name, pictures, step)),
        log_table=lambda name, dataframe, step: told.append((name, dataframe, step)),
    )
    figure, table = Figure(), pd.DataFrame({"a": [1]})
    log_figure(logger, "plots/any", figure, 3)
    log_table(logger, "tables/any", table, 4)
    assert told == [("plots/any", [figure], 3), ("tables/any", table, 4)]
