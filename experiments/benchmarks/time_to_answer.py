"""How long until ``gan-imbalance compare`` says something, and how long a script by hand would take for the same.

A generated table of 10,000 rows and 30 columns with 3 % rare rows. ``compare`` runs with its defaults and two jobs,
through the command line in a process of its own, as a user runs it. Then the script runs, in a process of its own, too:
imbalanced-learn's samplers, CTGAN with its defaults on the rare rows, and CTGAN on all rows, whose rows an average of
four classifiers labels, on the same splits, with the same classifiers, and PR-AUC of every one; it has two threads. The
last line is a JSON object.

    python -m experiments.benchmarks.time_to_answer [--rows 10000] [--folds 2]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any

import numpy as np
import pandas as pd

from experiments import command

TARGET = "rare"
COLUMNS = 30
SHARE = 0.03


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return a table of 24 correlated numbers and 6 categories, all of which tell a little of the rare class."""
    random = np.random.default_rng(seed)
    rare = random.permutation(rows) < round(SHARE * rows)
    mixing = random.normal(size=(24, 24)) / 5
    direction = random.normal(size=24)
    numbers = random.normal(size=(rows, 24)) @ mixing + 0.35 * rare[:, None] * direction
    numbers[:, ::4] = np.exp(numbers[:, ::4])
    frame = pd.DataFrame(numbers, columns=[f"number_{column}" for column in range(24)])
    for column in range(6):
        levels = np.array([f"level_{level}" for level in range(3 + column)])
        shares = random.dirichlet(np.ones(len(levels)), size=2)
        drawn = [random.choice(levels, size=rows, p=share) for share in shares]
        frame[f"category_{column}"] = np.where(rare & (random.random(rows) < 0.5), drawn[1], drawn[0])
    return frame.assign(**{TARGET: np.where(rare, "yes", "no")})


def run_compare(path: Path, output: Path, *options: str) -> dict[str, float]:
    """Run ``compare`` with its defaults, but for options; return the seconds until its first verdict, and in all."""
    arguments = ["--data.path", str(path), "--data.target", TARGET, "--jobs", "2", "--wandb", "false"]
    started, begun = perf_counter(), time()
    subprocess.run(
        [sys.executable, "-m", "gan_imbalance", "compare", *arguments, *options, "--output", str(output)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    total = perf_counter() - started
    looks = json.loads((output / "answer.json").read_text(encoding="utf-8"))["looks"]
    # looks are timed from the driver's start on, before which there are start-up and reading
    before = (output / "comparison.json").stat().st_mtime - begun
    return {"first_verdict_s": round(before + looks[0]["seconds"], 1), "total_s": round(total, 1)}


def by_hand(path: Path, output: Path) -> Iterator[dict[str, Any]]:
    """Yield PR-AUC of every split, remedy and classifier as a short script by hand finds it.

    Args:
        path: of the table.
        output: of ``compare``, whose splits are used.
    """
    from ctgan import CTGAN
    from imblearn.over_sampling import ADASYN, SMOTENC, RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import ExtraTreesClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.utils.class_weight import compute_sample_weight
    from xgboost import XGBClassifier

    from gan_imbalance import TableClassifier

    frame = pd.read_csv(path)
    features, labels = frame.drop(columns=TARGET), (frame[TARGET] == "yes").astype(int)
    categories = [name for name in features.columns if name.startswith("category")]
    for file in sorted((output / "splits").glob("*.json")):
        split = json.loads(file.read_text(encoding="utf-8"))
        train, test = split["train"], split["test"]
        x, y = features.iloc[train], labels.iloc[train]
        missing = int((y == 0).sum() - (y == 1).sum())
        ctgan = CTGAN(enable_gpu=False)
        ctgan.fit(x[y == 1], discrete_columns=categories)
        made = ctgan.sample(missing)
        ctgan_of_all = CTGAN(enable_gpu=False)
        ctgan_of_all.fit(x.assign(**{TARGET: y}), discrete_columns=[*categories, TARGET])
        to_label = ctgan_of_all.sample(2 * len(x)).drop(columns=TARGET)
        sets = {
            "nothing": (x, y),
            "class_weights": (x, y),
            "random_over": RandomOverSampler(random_state=0).fit_resample(x, y),
            "random_under": RandomUnderSampler(random_state=0).fit_resample(x, y),
            "smote": SMOTENC(categories, random_state=0).fit_resample(x, y),
            "ctgan": (pd.concat([x, made]), pd.concat([y, pd.Series(np.ones(missing, dtype=int))])),
        }
        encoder = ColumnTransformer(
            [("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories)],
            remainder=StandardScaler(),
        ).fit(x)
        encoded = {name: (encoder.transform(rows), np.asarray(of)) for name, (rows, of) in sets.items()}
        encoded["adasyn"] = ADASYN(random_state=0).fit_resample(*encoded["nothing"])
        unseen = encoder.transform(features.iloc[test])
        classifiers = {
            "xgboost": XGBClassifier(n_estimators=100, max_depth=4),
            "logistic_regression": LogisticRegression(max_iter=1000),
            "mlp": TableClassifier(),
        }
        teacher = VotingClassifier(
            [
                ("boosted_trees", XGBClassifier(n_estimators=200, max_depth=4, learning_rate=0.1, subsample=0.8)),
                ("extra_trees", ExtraTreesClassifier(300, min_samples_leaf=2)),
                ("logistic_regression", LogisticRegression(max_iter=1000)),
                ("mlp", TableClassifier()),
            ],
            voting="soft",
        ).fit(*encoded["nothing"])
        labelled = encoder.transform(to_label)
        features_of_real, labels_of_real = encoded["nothing"]
        # each generated row enters once as either class, and counts by the teacher's probability of it
        encoded["distilled_ctgan"] = (
            np.concatenate([features_of_real, labelled, labelled]),
            np.concatenate([labels_of_real, np.repeat([0, 1], len(labelled))]),
        )
        weights = {
            "class_weights": compute_sample_weight("balanced", labels_of_real),
            "distilled_ctgan": np.concatenate([np.ones(len(x)), *teacher.predict_proba(labelled).T]),
        }
        for remedy, (rows, of) in encoded.items():
            for name, classifier in classifiers.items():
                scores = classifier.fit(rows, of, sample_weight=weights.get(remedy)).predict_proba(unseen)[:, 1]
                pr_auc = average_precision_score(labels.iloc[test], scores)
                yield {"split": file.stem, "remedy": remedy, "classifier": name, "pr_auc": float(pr_auc)}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print its JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--folds", type=int, default=None, help="a dry run: this many folds, once, instead of 2 x 5")
    parser.add_argument("--script", nargs=2, metavar=("TABLE", "OUTPUT"), help="run the script alone")
    options = parser.parse_args(arguments)
    if options.script:
        warnings.simplefilter("ignore")
        found = pd.DataFrame(by_hand(*map(Path, options.script)))
        print(found.groupby(["classifier", "remedy"])["pr_auc"].mean().unstack().round(3).to_string())
        return
    with TemporaryDirectory() as folder:
        path, output = Path(folder) / "table.csv", Path(folder) / "run"
        table(options.rows).to_csv(path, index=False)
        fewer = () if options.folds is None else ("--seeds", "1", "--folds", str(options.folds))
        figures = run_compare(path, output, *fewer)
        print(f"compare, with its defaults and two jobs: {figures}", flush=True)
        started = perf_counter()
        script = [sys.executable, "-m", "experiments.benchmarks.time_to_answer", "--script", str(path), str(output)]
        subprocess.run(script, check=True)
        seconds = perf_counter() - started
        print(f"the script, two threads: {seconds:.1f} s")
    print(json.dumps({**figures, "ratio_to_script": round(seconds / figures["total_s"], 2)}))


if __name__ == "__main__":
    command(main)
