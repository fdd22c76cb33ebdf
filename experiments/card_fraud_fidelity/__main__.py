"""``python -m experiments.card_fraud_fidelity``: a GAN learns one half of the frauds and is judged by the other.

For each of ten random halvings: the generator, and all that is fitted, sees the training half only, with a fixed
number of steps, so that nothing is chosen; XGBoost (depth 4, 10 rounds) then tells the held-out half from as many
generated rows. Rows of the table beside it: the training half itself, a Gaussian copula, SMOTE, and copies with 5 %
jitter.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from jsonargparse import auto_cli

from experiments import command
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import atomic_path
from gan_imbalance.gans import BaseGAN, WassersteinGAN
from gan_imbalance.losses import WassersteinGradientPenalty
from gan_imbalance.metrics import TwoSampleAccuracy, closest_record_share, exact_copies
from gan_imbalance.oversampling import train_gan
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import synthesize

_SETTINGS = {
    "generator": {
        "class_path": "gan_imbalance.networks.DenseGenerator",
        "init_args": {"widths": [128, 128], "linear_skip": True},
    },
    "discriminator": {
        "class_path": "gan_imbalance.networks.DenseDiscriminator",
        "init_args": {"widths": [128, 128], "activation": "leaky_relu"},
    },
    "penalty": WassersteinGradientPenalty(weight=1.0),
    "latent_dim": 32,
    "discriminator_steps": 2,
    "generator_optimizer": {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 5e-4}},
    "discriminator_optimizer": {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 5e-4}},
}


def study(
    path: str = "../shared/data/creditcard_sample.csv.gz",
    splits: int = 10,
    first_split: int = 0,
    steps: int = 1250,
    instance_noise: float = 0.15,
    rows: int = 5000,
    output: str = "runs/card_fraud_fidelity",
    quick: bool = False,
) -> None:
    """Run the study, print its table, and write it to ``output``: a file per split, results.csv, summary.csv.

    Args:
        path: the card-fraud table.
        splits: number of random halvings.
        first_split: seed of the first; settings are tuned on seeds from 100 and reported on seeds from 0.
        steps: generator steps.
        instance_noise: of the GAN.
        rows: rows generated per split, from which ten sets are drawn.
        output: folder of the results; a split that has a file there is not run again.
        quick: two splits and few steps.
    """
    if quick:
        splits, steps, output = 2, 20, f"{output}/quick"
    parts = []
    for seed in range(first_split, first_split + splits):
        part = Path(output) / f"split-{seed}.csv"
        if not part.is_file():
            with atomic_path(part) as temporary:
                _split(path, seed, steps, instance_noise, rows).to_csv(temporary, index=False)
        parts.append(pd.read_csv(part))
        print(f"split {seed}\n{parts[-1].to_string(index=False)}", flush=True)
    results = pd.concat(parts, ignore_index=True)
    figures = results.drop(columns="split").groupby("rows", sort=False)
    summary = figures.mean().join(figures.sem().add_suffix("_se"))
    told = results.pivot(index="split", columns="rows", values="c2st_held_out")
    against_smote = told.sub(told["SMOTE"], axis=0)
    summary["less_smote"], summary["less_smote_se"] = against_smote.mean(), against_smote.sem()
    for name, table in (("results", results), ("summary", summary.reset_index())):
        with atomic_path(Path(output) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    print(summary.round(3).to_string())


def _split(path: str, seed: int, steps: int, instance_noise: float, rows: int) -> pd.DataFrame:
    """Return one line per kind of rows for one halving."""
    data = TabularDataModule(
        path=path,
        target="Class",
        derive={"Time": "hour_of_day", "Amount": "log10"},
        drop_duplicates=True,
        # frequent amounts stay numbers, as when the settings were tuned
        point_masses=False,
        test_fraction=0.5,
        validation_fraction=0.0,
        split_seed=seed,
        seed=seed,
    )
    training, held_out = (data.frame(part, [1])[0].to_numpy(float) for part in ("train", "test"))
    started = perf_counter()
    gan = _train(data, seed, steps, instance_noise)
    seconds = perf_counter() - started
    kinds = {"training half (real)": training}
    for name, calibrate in (("WGAN-GP, calibrated", True), ("WGAN-GP, as it comes", False)):
        frame = synthesize(gan, {"1": rows}, seed, calibrate=calibrate).rows
        kinds[name] = data.schema.derive(frame).to_numpy(float)
    kinds["Gaussian copula"] = _copula(data, rows, seed)
    kinds["SMOTE"] = smote(training, rows, seed)
    kinds["copies with 5 % jitter"] = _jitter(training, rows, seed)
    lines = [{"split": seed, "rows": name, **judge(kind, training, held_out, seed)} for name, kind in kinds.items()]
    return pd.DataFrame(lines).assign(seconds=[seconds if line["rows"].startswith("WGAN") else 0.0 for line in lines])


def _train(data: TabularDataModule, seed: int, steps: int, instance_noise: float) -> BaseGAN:
    torch.manual_seed(seed)
    gan = WassersteinGAN(instance_noise=instance_noise, **_SETTINGS)
    with quiet_lightning():
        return train_gan(gan, data, 1, steps, ema_decay=0.999)[0]


def smote(training: np.ndarray, rows: int, seed: int) -> np.ndarray:
    """Return rows between each training row and one of its five nearest, in standardised columns."""
    from imblearn.over_sampling import SMOTE

    mean, scale = training.mean(axis=0), training.std(axis=0)
    # SMOTE wants a majority to catch up with: one that lies nowhere near
    far = np.full((len(training) + rows, training.shape[1]), 1e6)
    features = np.concatenate([(training - mean) / scale, far])
    labels = np.repeat([1, 0], [len(training), len(far)])
    resampled, _ = SMOTE(k_neighbors=5, random_state=seed).fit_resample(features, labels)
    return resampled[len(features) :] * scale + mean


def _copula(data: TabularDataModule, rows: int, seed: int) -> np.ndarray:
    """Return rows with the training half's marginals and the correlations of its normal scores."""
    scores = data.encoded("train", [1])[0].numpy()
    random = np.random.default_rng(seed)
    drawn = random.multivariate_normal(scores.mean(axis=0), np.cov(scores.T), size=rows)
    return data.transformer.inverse_transform(drawn.astype(np.float32)).to_numpy(float)


def _jitter(training: np.ndarray, rows: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    copies = training[random.integers(len(training), size=rows)]
    return copies + random.normal(size=copies.shape) * 0.05 * training.std(axis=0)


def judge(kind: np.ndarray, training: np.ndarray, held_out: np.ndarray, seed: int) -> dict[str, float]:
    """Return the two-sample accuracy against both halves, and the two privacy figures."""
    equal = min(len(training), len(held_out))
    figures = {}
    for name, real in (("c2st_held_out", held_out), ("c2st_training_half", training)):
        metric = TwoSampleAccuracy(repeats=10, seed=seed)
        metric.update(torch.from_numpy(real), torch.from_numpy(kind))
        figures[name] = float(metric.compute())
    return {
        **figures,
        "copies_per_200": 200 * exact_copies(kind, training),
        "closest_record_share": closest_record_share(kind, training[:equal], held_out[:equal]),
    }


if __name__ == "__main__":
    command(lambda: auto_cli(study))
