"""``python -m experiments.card_fraud_gans [--quick]``: four GANs on card fraud, as published and corrected.

1. Curves through training, of each GAN by each protocol and seed: how well XGBoost tells generated frauds from real
   ones, the critic's earth-mover estimate, signs of collapse, and V10 against V17 at chosen steps.
2. Recall against added rows (``gan-imbalance compare``): 100 real frauds plus further real, generated, or untrained
   ones, with rows of a GAN that saw the test frauds (as published) and of GANs that saw the 100 only (config.yaml).

Every training is a file in ``parts``, every cell of a comparison one in its ``cells``: a run that was killed goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
import yaml
from pytorch_lightning import Callback, LightningModule, Trainer

from experiments import as_markdown, command
from experiments.card_fraud_fidelity.__main__ import judge, smote
from experiments.card_fraud_gans.published import WholeBatchPenalty
from gan_imbalance.callbacks import FiniteLossGuard
from gan_imbalance.callbacks.plots import draw_pair
from gan_imbalance.comparison.plots import COLOURS
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import atomic_path
from gan_imbalance.gans import BaseGAN
from gan_imbalance.main import main as gan_imbalance
from gan_imbalance.metrics import DensityCoverage, TwoSampleAccuracy
from gan_imbalance.oversampling import resolve_gan
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import synthesize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Protocol = Literal["published", "corrected"]

HERE = Path(__file__).parent
GANS = {
    "gan": "GAN",
    "conditional_gan": "CGAN",
    "wasserstein_gan": "WGAN-GP",
    "conditional_wasserstein_gan": "conditional WGAN-GP",
}
"""The published settings are those of configs/gan, by these names."""

PROTOCOLS: tuple[Protocol, ...] = ("published", "corrected")
PAIR = ("V10", "V17")
PICTURED_SHARES = (0.0, 0.02, 0.1, 0.2, 0.5, 1.0)
BEST_ROWS = 2000


def study(
    path: str = "../shared/data/creditcard_sample.csv.gz",
    seeds: int = 3,
    rounds: int = 5000,
    every: int = 100,
    output: str = "runs/card_fraud_gans",
    parts: Literal["all", "curves", "recall"] = "all",
    quick: bool = False,
) -> None:
    """Run what is missing of the study, print its tables, and write them and its figures to ``output``.

    Args:
        path: the card-fraud table.
        seeds: corrected trainings of each GAN, each on another halving of the frauds; as published it is trained once.
        rounds: generator steps.
        every: steps between two looks.
        output: folder of the results.
        parts: what to run: the curves, the recall comparisons (which need the published curves of seed 0), or all.
        quick: a dry run: one seed and hardly any steps.
    """
    # networks of this size are slower with two
    torch.set_num_threads(1)
    if quick:
        seeds, rounds, every, output = 1, 2, 2, f"{output}/quick"
    folder = Path(output)
    if parts != "recall":
        trained = [
            run_part(folder, path, protocol, name, seed, rounds, every)
            for seed in range(seeds)
            # published was one run of each
            for protocol in (PROTOCOLS if seed == 0 else PROTOCOLS[1:])
            for name in GANS
        ]
        frauds = make_data(path, "corrected", 0, clusters=None).frame("train", [1])[0]
        report_curves(folder, pd.concat(trained, ignore_index=True), references(path, seeds), frauds)
    if parts != "curves":
        compare(folder, path, quick)


# -- 1. curves --------------------------------------------------------------------------------------------------------


def make_gan(name: str, protocol: Protocol) -> BaseGAN:
    """Return a GAN in its published settings; as published, also with the published penalty."""
    config = yaml.safe_load((HERE.parents[1] / "configs" / "gan" / f"{name}.yaml").read_text(encoding="utf-8"))
    gan_class, settings = resolve_gan(config["model"])
    if protocol == "published" and gan_class().penalty is not None:
        settings["penalty"] = WholeBatchPenalty()
    return gan_class(**{**settings, "classes": "minority"})


def make_data(path: str, protocol: Protocol, seed: int, clusters: int | None) -> TabularDataModule:
    """Return the frauds: all of them, duplicates too, as published; else half of the distinct ones to learn from."""
    corrected = protocol == "corrected"
    return TabularDataModule(
        path=path,
        target="Class",
        derive={"Time": "hour_of_day", "Amount": "log10"},
        drop_duplicates=corrected,
        clusters=clusters,
        test_fraction=0.5 if corrected else 0.0,
        validation_fraction=0.0,
        split_seed=seed,
        numeric_transform="standard",
        point_masses=False,
        balanced=False,
        seed=seed,
    )


def run_part(
    folder: Path, path: str, protocol: Protocol, name: str, seed: int, rounds: int, every: int
) -> pd.DataFrame:
    """Return the curve of one training from its file, after training if there is none."""
    part = folder / "parts" / f"{protocol}-{name}-{seed}.csv"
    if not part.is_file():
        curve = _train(part, path, protocol, name, seed, rounds, every)
        # the curve comes last, since its presence says that the part is done
        with atomic_path(part) as temporary:
            curve.to_csv(temporary, index=False)
        last = curve.iloc[-1]
        print(f"{part.stem}: {last['c2st_own']:.3f} at the end, {curve['c2st_own'].min():.3f} at best", flush=True)
    return pd.read_csv(part).assign(protocol=protocol, gan=name, seed=seed)


def rows_path(part: Path) -> Path:
    """Return where the rows of a part's best checkpoint lie, as a model sees them."""
    return part.with_name(f"{part.stem}-rows.csv.gz")


def plots_path(part: Path) -> Path:
    """Return where the pictured pair of columns lies, at every pictured step of a part."""
    return part.with_name(f"{part.stem}-plots.csv.gz")


def _train(part: Path, path: str, protocol: Protocol, name: str, seed: int, rounds: int, every: int) -> pd.DataFrame:
    """Train a GAN, write its best rows and its plots, and return its curve."""
    torch.manual_seed(seed)
    gan = make_gan(name, protocol)
    data = make_data(path, protocol, seed, clusters=2 if gan.conditional else None)
    watch = Watch(data, protocol, every, {round(share * rounds / every) * every for share in PICTURED_SHARES}, seed)
    with quiet_lightning(), TemporaryDirectory() as scratch:
        Trainer(
            max_steps=rounds,
            max_epochs=-1,
            accelerator="cpu",
            callbacks=[FiniteLossGuard(), watch],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_val_batches=0,
            default_root_dir=scratch,
        ).fit(gan, data)
    gan.generator.load_state_dict(watch.best_state)
    best = data.schema.derive(synthesize(gan, {"1": BEST_ROWS}, seed).rows)
    for target, table in ((rows_path(part), best), (plots_path(part), pd.concat(watch.plots))):
        with atomic_path(target) as temporary:
            table.to_csv(temporary, index=False)
    return pd.DataFrame(watch.curve)


class Watch(Callback):
    """Looks at a GAN at regular steps, and keeps the generator that is told worst from its own training rows.

    As published, XGBoost compares what the generator gives with the frauds that it was trained on, once. Corrected,
    it compares exported rows, five times, with those and with as many that nothing was fitted on. The checkpoint is
    chosen by training rows in both, since held-out rows are for the judgement.

    Args:
        data: what the GAN is trained on.
        protocol: by which it is judged.
        every: steps between two looks.
        pictured: steps whose generated rows are kept for plots.
        seed: of everything drawn.
    """

    def __init__(self, data: TabularDataModule, protocol: Protocol, every: int, pictured: set[int], seed: int) -> None:
        self.data = data
        self.protocol = protocol
        self.every = every
        self.pictured = pictured
        self.seed = seed
        self.curve: list[dict[str, float]] = []
        self.plots: list[pd.DataFrame] = []
        self.best_state: dict[str, torch.Tensor] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the untrained generator."""
        self._look(pl_module, 0)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Look, if it is time; steps of the critic alone are not counted."""
        step = trainer.global_step
        if step % self.every == 0 and step != self.curve[-1]["step"]:
            self._look(pl_module, step)

    def _look(self, gan: Any, step: int) -> None:
        own = self.data.encoded("train", "minority")[0]
        generated = gan.sample(torch.full((len(own),), gan.trained_classes[0]), self.seed)
        exported = self.data.schema.derive(synthesize(gan, {"1": len(own)}, self.seed).rows)
        figures = {"step": step, **variety(own, generated), **self._earth_mover(gan)}
        if self.protocol == "published":
            figures["c2st_own"] = _told_apart(own, generated, repeats=1, seed=step)
        else:
            for part, name in (("train", "c2st_own"), ("test", "c2st_held_out")):
                real = self.data.frame(part, "minority")[0]  # type: ignore[arg-type]
                figures[name] = _told_apart(*(_tensor(rows) for rows in (real, exported)), repeats=5, seed=step)
        if not self.curve or figures["c2st_own"] < min(look["c2st_own"] for look in self.curve):
            self.best_state = {key: weight.clone() for key, weight in gan.generator.state_dict().items()}
        if step in self.pictured:
            self.plots.append(exported[list(PAIR)].assign(step=step))
        self.curve.append(figures)

    @torch.no_grad()
    def _earth_mover(self, gan: Any) -> dict[str, float]:
        """Return the mean score of real rows minus that of generated ones of the same conditions."""
        figures = {}
        for part, name in (("train", "own"), ("test", "held_out")):
            real, conditions = self.data.encoded(part, "minority")  # type: ignore[arg-type]
            if len(real):
                fake = gan.sample_conditions(conditions, self.seed)
                scores = (gan.discriminate(rows, conditions).mean() for rows in (real, fake))
                figures[f"earth_mover_{name}"] = float(next(scores) - next(scores))
        return figures


def _tensor(frame: pd.DataFrame) -> torch.Tensor:
    return torch.from_numpy(frame.to_numpy(float))


def _told_apart(real: torch.Tensor, generated: torch.Tensor, repeats: int, seed: int) -> float:
    metric = TwoSampleAccuracy(repeats=repeats, seed=seed)
    metric.update(real, generated)
    return float(metric.compute())


def variety(real: torch.Tensor, generated: torch.Tensor) -> dict[str, float]:
    """Return two signs of collapse: the generated rows' spread, and how much of the real rows they cover.

    ``spread`` is the mean over columns of the ratio of standard deviations, 1 for real rows; ``coverage`` is that of
    :class:`DensityCoverage`, of which two samples of one distribution reach 0.97.

    Args:
        real: standardised rows, (n, features).
        generated: as many, (n, features).
    """
    coverage = DensityCoverage()
    coverage.update(real, generated)
    spread = (generated.std(dim=0) / real.std(dim=0)).mean()
    return {"spread": float(spread), "coverage": float(coverage.compute()["coverage"])}


def references(path: str, seeds: int) -> pd.DataFrame:
    """Return the figures of SMOTE, and of the training half itself, on the halves of the corrected protocol."""
    lines = []
    for seed in range(seeds):
        data = make_data(path, "corrected", seed, clusters=None)
        own, held_out = (data.frame(part, [1])[0].to_numpy(float) for part in ("train", "test"))
        for name, rows in (("real: the training half", own), ("SMOTE", smote(own, 5000, seed))):
            lines.append({"rows": name, "seed": seed, **judge(rows, own, held_out, seed)})
    reference = pd.DataFrame(lines)
    # rows against themselves say nothing
    reference.loc[reference["rows"] != "SMOTE", "c2st_training_half"] = np.nan
    return reference


def report_curves(folder: Path, curves: pd.DataFrame, reference: pd.DataFrame, frauds: pd.DataFrame) -> None:
    """Write and print summary and references, and draw curves.png and v10_v17.png, with the real ``frauds``."""
    by_training = curves.groupby(["protocol", "gan", "seed"], sort=False)
    chosen = curves.loc[by_training["c2st_own"].idxmin()].set_index(["protocol", "gan", "seed"])
    last = curves.loc[by_training["step"].idxmax()].set_index(["protocol", "gan", "seed"])
    columns = ["c2st_own", "c2st_held_out", "earth_mover_own", "earth_mover_held_out", "spread", "coverage"]
    trainings = chosen[["step", *columns]].add_prefix("best_").join(last[columns].add_prefix("last_"))
    groups = trainings.groupby(["protocol", "gan"], sort=False)
    summary = groups.size().to_frame("trainings").join(groups.mean()).join(groups.sem().add_suffix("_se"))
    by_kind = reference.drop(columns="seed").groupby("rows", sort=False)
    lines = by_kind.mean().join(by_kind.sem().add_suffix("_se"))
    for name, table in (("curves", curves), ("summary", summary.reset_index()), ("references", lines.reset_index())):
        with atomic_path(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    for name, drawing in (("curves", _draw_curves(curves)), ("v10_v17", _draw_pair(folder, frauds))):
        with atomic_path(folder / f"{name}.png") as temporary:
            drawing.savefig(temporary, dpi=100)
    shown = ["best_step", "best_c2st_own", "best_c2st_held_out", "last_c2st_own", "last_c2st_held_out"]
    shown += ["last_earth_mover_own", "last_earth_mover_held_out", "last_spread", "last_coverage"]
    _write_markdown(folder / "curves.md", summary, shown)
    _write_markdown(folder / "references.md", lines, ["c2st_training_half", "c2st_held_out"])


def _draw_curves(curves: pd.DataFrame) -> Figure:
    """Draw accuracy, earth-mover estimate and coverage by step: own rows solid, held-out ones dashed."""
    from matplotlib.figure import Figure

    panels = (("c2st", "accuracy of XGBoost"), ("earth_mover", "earth-mover estimate"), ("coverage", "coverage"))
    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplots(len(panels), len(PROTOCOLS), sharex=True, squeeze=False)
    for column, protocol in enumerate(PROTOCOLS):
        axes[0, column].set_title(f"{protocol} (seed 0)")
        for colour, (name, title) in zip(COLOURS, GANS.items(), strict=False):
            curve = curves.query("protocol == @protocol and gan == @name and seed == 0")
            for row, (figure_name, label) in enumerate(panels):
                for suffix, style in (("", "-"), ("_own", "-"), ("_held_out", "--")):
                    if f"{figure_name}{suffix}" in curve and (row != 1 or "wasserstein" in name):
                        values = curve[f"{figure_name}{suffix}"]
                        axes[row, column].plot(curve["step"], values, style, color=colour, lw=1, label=title)
                axes[row, column].set_ylabel(label if column == 0 else "")
        axes[-1, column].set_xlabel("generator step")
        axes[0, column].set_ylim(0.4, 1.02)
    axes[-1, 0].legend(frameon=False, fontsize=8)
    return figure


def _draw_pair(folder: Path, frauds: pd.DataFrame) -> Figure:
    """Draw V10 against V17 of real frauds and of the corrected trainings of seed 0, a row per GAN, by step."""
    from matplotlib.figure import Figure

    made = {name: pd.read_csv(plots_path(folder / "parts" / f"corrected-{name}-0.csv")) for name in GANS}
    steps = sorted(next(iter(made.values()))["step"].unique())
    figure = Figure(figsize=(1.6 * len(steps) + 2.2, 1.6 * len(GANS) + 0.4), layout="constrained")
    axes = figure.subplots(len(GANS), len(steps) + 1, sharex=True, sharey=True, squeeze=False)
    for row, (name, frame) in enumerate(made.items()):
        shown = {"real": frauds, **{f"step {step}": frame[frame["step"] == step] for step in steps}}
        for axis, (title, rows) in zip(axes[row], shown.items(), strict=True):
            draw_pair(axis, rows, PAIR, [rows])
            axis.set(xlabel="", ylabel=GANS[name] if title == "real" else "", title=title if row == 0 else "")
    figure.supxlabel(PAIR[0], fontsize=9)
    figure.supylabel(PAIR[1], fontsize=9)
    return figure


def _write_markdown(path: Path, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Print columns of a table, with the errors that stand beside them in it, and write them as Markdown."""
    shown = table[list(columns)].map(lambda mean: "" if np.isnan(mean) else f"{mean:.3f}")
    for name in columns:
        if f"{name}_se" in table:
            shown[name] += table[f"{name}_se"].map(lambda error: "" if np.isnan(error) else f" ± {error:.3f}")
    shown = shown.rename(index=GANS).reset_index()
    text = as_markdown(shown)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"{path}\n{text}", flush=True)


# -- 2. recall against added rows -------------------------------------------------------------------------------------


def compare(folder: Path, path: str, quick: bool) -> None:
    """Run both comparisons; the published one differs in who wrote the rows, and keeps duplicates."""
    corrected = yaml.safe_load((HERE / "config.yaml").read_text(encoding="utf-8"))
    corrected["data"]["init_args"]["path"] = path
    published = {**corrected, "data": {**corrected["data"], "init_args": {**corrected["data"]["init_args"]}}}
    published["data"]["init_args"]["drop_duplicates"] = False
    published["remedies"] = [
        {
            "name": f"{GANS[name]} that saw the test frauds",
            "resampler": {
                "class_path": "experiments.card_fraud_gans.published.RowsOfAFile",
                "init_args": {"path": str(rows_path(folder / "parts" / f"published-{name}-0.csv"))},
            },
        }
        for name in GANS
    ]
    for protocol, config in zip(PROTOCOLS, (published, corrected), strict=True):
        config["output"] = str(folder / f"recall_{protocol}")
        with atomic_path(folder / f"recall_{protocol}.yaml") as temporary:
            temporary.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        arguments = ["compare", "--config", str(folder / f"recall_{protocol}.yaml"), "--quick", str(quick).lower()]
        if gan_imbalance(arguments):
            raise SystemExit(f"Cells of the {protocol} comparison failed: see the report in {config['output']}.")
        summary = pd.read_csv(Path(config["output"]) / ("quick" if quick else "") / "summary.csv")
        summary["half"] = (summary["high"] - summary["low"]) / 2
        shown = {"recall_1": "recall", "pr_auc": "PR-AUC", "f1_1": "F1", "precision_1": "precision"}
        table = summary[summary["metric"].isin(shown)].replace({"metric": shown})
        table = table.pivot(index="method", columns="metric", values=["mean", "half"]).reindex(table["method"].unique())
        table.columns = [name if kind == "mean" else f"{name}_se" for kind, name in table.columns]
        _write_markdown(folder / f"recall_{protocol}.md", table, list(shown.values()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", default="../shared/data/creditcard_sample.csv.gz")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--output", default="runs/card_fraud_gans")
    parser.add_argument("--parts", choices=["all", "curves", "recall"], default="all")
    parser.add_argument("--quick", action="store_true")
    study(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    command(main)
