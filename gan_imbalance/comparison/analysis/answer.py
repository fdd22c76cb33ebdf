"""The answer: does a GAN help, could the comparison have seen it, what is recommended, and what would decide it?

Three families of claims are fixed beforehand. *Primary*: in every split the classifier, and with it the GAN and the
other remedy, that the split's own validation rows choose; one test. *Sensitivity*: with the same classifiers further
real rows, and half of the real rare rows, against doing nothing; tested on their own, since what they do is known
beforehand. Everything else is *exploratory*, and corrected within itself
(:mod:`~gan_imbalance.comparison.analysis.tables`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison.analysis.decision import (
    Mark,
    Probabilities,
    decide,
    detectable_difference,
    posterior,
    splits_to_decide,
)
from gan_imbalance.comparison.analysis.metrics import Metric, verdict_metric
from gan_imbalance.comparison.analysis.statistics import corrected_resampled_t
from gan_imbalance.comparison.analysis.tables import SPLIT, allowance, by_split, grouped
from gan_imbalance.comparison.plan.catalogue import HALF_MINORITY, REAL_ROWS, TEACHER
from gan_imbalance.comparison.plan.cells import Method
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.remedies import EFFORTS
from gan_imbalance.comparison.plan.study import Setting

_METHOD = list(Method._fields)
_MOST_SPLITS = 200
# controls that are not other rows in a GAN's place
_NO_ROWS = (REAL_ROWS, HALF_MINORITY, TEACHER)


@dataclass(frozen=True)
class Contest:
    """Two sides compared on the same splits.

    Attributes:
        first: the remedy that most splits took for the first side.
        second: the same of the second.
        classifiers: of the splits, the most frequent first; both sides have the same one.
        splits: that both have.
        idle: splits in which the first side added no rows.
        mean: of the first.
        other_mean: of the second.
        difference: of the first to the second.
        low: lower end of its 95 % interval, within what the metric can be; NaN where the splits tell nothing of chance.
        high: upper end.
        p: two-sided, of no difference at all.
        probabilities: that the first is worse, practically equal, better; NaN for a single split, and where all splits
            differ by the very same.
        mark: what they decide.
        detectable: smallest true gain that this many such splits decide as one in four of five comparisons.
        splits_to_decide: number of splits that would probably decide, if they go on as these did; None if no number
            would.
        any_gain: probability that the first is better at all, however little.
    """

    first: str
    second: str
    classifiers: tuple[str, ...]
    splits: int
    idle: int
    mean: float
    other_mean: float
    difference: float
    low: float
    high: float
    p: float
    probabilities: Probabilities
    mark: Mark
    detectable: float
    splits_to_decide: int | None
    any_gain: float = float("nan")


@dataclass(frozen=True)
class Recommendation:
    """The cheapest of the remedies that are as good as the best.

    Attributes:
        classifier: which one.
        remedy: with its amount.
        effort: what the remedy costs a person.
        seconds: that a fit takes, added rows included, on average.
        mean: of the verdict's metric on test rows.
        tuned_recall: of the rare class on test rows, at the threshold that validation rows choose.
        against_nothing: the remedy against doing nothing; None where that is what is recommended.
        as_good: the others that are within the practical difference of the best on validation rows.
    """

    classifier: str
    remedy: str
    effort: str
    seconds: float
    mean: float
    tuned_recall: float
    against_nothing: Contest | None
    as_good: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a comparison says at one setting.

    Attributes:
        setting: which one.
        metric: what it is about.
        splits: that are finished.
        planned: splits that there are.
        allowance: for rows that splits share.
        rare_test_rows: rare rows that a split tests on, on average.
        primary: the GANs against the other remedies; None where either is missing.
        sensitivity: by its name, what is known to help or to hurt, against nothing.
        by_classifier: the primary contest with each classifier alone; exploratory.
        recommendations: the overall one first, then one per classifier where there are several.
        teacher: the teacher of what is distilled, against nothing; None where none takes part; exploratory.
        controls: the GANs of the primary contest against the controls that are rows of no trained GAN; None where
            either is missing; exploratory.
    """

    setting: Setting
    metric: Metric
    splits: int
    planned: int
    allowance: float
    rare_test_rows: float
    primary: Contest | None
    sensitivity: dict[str, Contest]
    by_classifier: dict[str, Contest]
    recommendations: tuple[Recommendation, ...]
    teacher: Contest | None = None
    controls: Contest | None = None

    @property
    def mark(self) -> Mark:
        """Return what the primary contest decides."""
        return "undecided" if self.primary is None else self.primary.mark

    @property
    def seen(self) -> list[str]:
        """Return which of the known effects this comparison sees."""
        wanted = {REAL_ROWS: "helps", HALF_MINORITY: "hurts"}
        return [name for name, contest in self.sensitivity.items() if contest.mark == wanted[name]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file."""
        return {**asdict(self), "setting": self.setting.display_name, "mark": self.mark, "seen": self.seen}


def find_answers(description: Description, results: pd.DataFrame) -> list[Answer]:
    """Return the answer at every setting that has results, in order.

    Args:
        description: of the comparison.
        results: of :func:`~gan_imbalance.comparison.analysis.tables.results_table`, complete splits only.
    """
    rows = {setting: [] for setting in description.settings}  # type: ignore[var-annotated]
    for group in grouped(description, results) if len(results) else ():
        rows[group.setting].append(group.rows)
    return [_answer(description, setting, pd.concat(parts)) for setting, parts in rows.items() if parts]


def complete_splits(description: Description, results: pd.DataFrame, failed: Collection[str] = ()) -> pd.DataFrame:
    """Return the results of the splits all of whose cells were tried, or of all splits if there is none such.

    Args:
        description: of the comparison.
        results: of :func:`~gan_imbalance.comparison.analysis.tables.results_table`.
        failed: addresses of cells that were tried in vain.
    """
    if results.empty:
        return results
    tried = {*results["address"], *failed}
    unfinished = {entry.key for entry in description.entries if entry.address not in tried}
    of_complete = {entry.address for entry in description.entries if entry.key not in unfinished}
    chosen = results[results["address"].isin(of_complete)]
    return chosen if len(chosen) else results


def _answer(description: Description, setting: Setting, rows: pd.DataFrame) -> Answer:
    metric = verdict_metric(description)
    ratio = allowance(description, setting)

    def primary(of: pd.DataFrame) -> Contest | None:
        return contest(metric, ratio, preferred(of, metric, ("gan",)), preferred(of, metric, ("baseline", "standard")))

    chosen = _with_best_classifier(rows, metric)
    classifiers = list(dict.fromkeys(rows["classifier"]))
    apart = {name: primary(rows[rows["classifier"] == name]) for name in classifiers}
    return Answer(
        setting=setting,
        metric=metric,
        splits=len(by_split(rows).index.unique()),
        planned=len(description.rows_of(setting)),
        allowance=ratio,
        rare_test_rows=description.rare_test_rows(setting),
        primary=primary(chosen),
        sensitivity=dict(_sensitivity(metric, ratio, chosen)),
        by_classifier={name: found for name, found in apart.items() if found is not None},
        recommendations=tuple(_recommend(description, metric, ratio, rows)),
        teacher=_against_nothing(metric, ratio, chosen, TEACHER),
        controls=contest(
            metric,
            ratio,
            preferred(chosen, metric, ("gan",)),
            preferred(chosen[~chosen["remedy"].isin(_NO_ROWS)], metric, ("control",)),
        ),
    )


def _with_best_classifier(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the results of the classifier that is best on each split's validation rows with any remedy.

    Two sides with classifiers of their own would differ by these, too, which hides what a remedy does.
    """
    best = preferred(rows, metric, ("baseline", "standard", "gan"))["classifier"]
    wanted = best.reindex(by_split(rows).index).to_numpy()
    chosen: pd.DataFrame = rows.loc[rows["classifier"].to_numpy() == wanted]
    return chosen


def _sensitivity(metric: Metric, ratio: float, rows: pd.DataFrame) -> Iterator[tuple[str, Contest]]:
    for remedy in (REAL_ROWS, HALF_MINORITY):
        found = _against_nothing(metric, ratio, rows, remedy)
        if found is not None:
            yield remedy, found


def _against_nothing(metric: Metric, ratio: float, rows: pd.DataFrame, remedy: str) -> Contest | None:
    """Return a remedy, as it is, against nothing; None where it takes no part."""
    of = _untuned(rows[rows["remedy"] == remedy])
    if of.empty:
        return None
    # of several amounts the last, as tables do
    most = of[of["amount"] == of["amount"].iloc[-1]]
    return contest(metric, ratio, preferred(most, metric), preferred(_untuned(rows), metric, ("baseline",)))


def _untuned(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["amount"] != "tuned"]


def preferred(rows: pd.DataFrame, metric: Metric, roles: Collection[str] | None = None) -> pd.DataFrame:
    """Return, of every split, the result that is best on that split's own validation rows; of equals the first.

    The validation rows of one split are test rows of others, so a choice over all splits would know the test rows.

    Args:
        rows: results, of any classifiers and remedies.
        metric: to choose by.
        roles: of remedies; all if not given.
    """
    candidates = by_split(rows if roles is None else rows[rows["role"].isin(roles)])
    values = metric.gains(candidates[metric.validation_name].astype(float))
    chosen = candidates[values == values.groupby(level=SPLIT).transform("max")]
    return chosen[~chosen.index.duplicated()]


def contest(metric: Metric, ratio: float, first: pd.DataFrame, second: pd.DataFrame) -> Contest | None:
    """Compare two sides, results with one row per split each; None where they have no split in common.

    Args:
        metric: to compare.
        ratio: allowance for rows that splits share.
        first: of :func:`preferred`.
        second: of :func:`preferred`.
    """
    pair = pd.concat([first[metric.name], second[metric.name]], axis=1, keys=["first", "second"]).astype(float).dropna()
    if pair.empty:
        return None
    differences = pair["first"] - pair["second"]
    gains = metric.gains(differences)
    other_mean, delta = float(pair["second"].mean()), metric.practical_difference
    test = corrected_resampled_t(differences, ratio)
    # recall moves in whole rows, so a few splits may differ by the very same; that tells nothing of their spread
    told = len(gains) > 1 and np.isfinite(test.t)
    probabilities = posterior(gains, ratio, delta) if told else Probabilities(*[float("nan")] * 3)
    deviation = float(gains.std(ddof=1)) if told else float("nan")
    low, high = metric.bounded(test.low, test.high, other_mean) if told else (float("nan"),) * 2
    return Contest(
        first=_most_frequent(first.loc[pair.index]),
        second=_most_frequent(second.loc[pair.index]),
        classifiers=tuple(map(str, first.loc[pair.index, "classifier"].value_counts().index)),
        splits=len(pair),
        idle=int((first.loc[pair.index, "rows_added"] == 0).sum()),
        mean=float(pair["first"].mean()),
        other_mean=other_mean,
        difference=float(differences.mean()),
        low=low,
        high=high,
        p=test.p,
        probabilities=probabilities,
        mark=decide(probabilities),
        detectable=detectable_difference(deviation, len(gains), ratio, delta) if told else float("inf"),
        splits_to_decide=(
            splits_to_decide(float(gains.mean()), deviation, ratio, delta, most=_MOST_SPLITS) if told else None
        ),
        any_gain=posterior(gains, ratio, 0.0).better if told else float("nan"),
    )


def _most_frequent(rows: pd.DataFrame) -> str:
    """Return how the remedy is called that most splits chose, and how many did where not all."""
    names = [Method(*map(str, method)).display_name for method in rows[_METHOD].itertuples(index=False, name=None)]
    counts = pd.Series(names).value_counts(sort=False)
    name = str(counts.idxmax())
    return name if len(counts) == 1 else f"{name} in {counts.max()} of {len(names)} splits, {len(counts) - 1} more"


def _recommend(description: Description, metric: Metric, ratio: float, rows: pd.DataFrame) -> Iterator[Recommendation]:
    """Yield the recommendation over all classifiers, and then with each where there are several."""
    classifiers = list(dict.fromkeys(rows["classifier"]))
    for allowed in [classifiers, *([name] for name in classifiers if len(classifiers) > 1)]:
        found = _cheapest_of_the_best(description, metric, ratio, rows[rows["classifier"].isin(allowed)])
        if found is not None:
            yield found


def _cheapest_of_the_best(
    description: Description, metric: Metric, ratio: float, rows: pd.DataFrame
) -> Recommendation | None:
    allowed = rows[rows["role"] != "control"]
    by_method = allowed.assign(
        chosen_by=metric.gains(allowed[metric.validation_name].astype(float)),
        seconds=allowed["seconds_resample"] + allowed["seconds_fit"],
    ).groupby(["classifier", *_METHOD], sort=False)
    methods = by_method[["chosen_by", "seconds"]].mean().reset_index().dropna(subset="chosen_by")
    if methods.empty:
        return None
    efforts = description.content["efforts"]
    # settings that are tuned cost as many fits as are tried
    methods["effort"] = methods["remedy"].map(efforts).astype(int) + 0.5 * (methods["amount"] == "tuned")
    best = methods["chosen_by"].max()
    as_good = methods[methods["chosen_by"] >= best - metric.practical_difference].sort_values(["effort", "seconds"])
    cheapest = as_good.iloc[0]
    method = Method(*map(str, cheapest[_METHOD]))
    of_classifier = allowed[allowed["classifier"] == cheapest["classifier"]]
    mine = of_classifier[(of_classifier["remedy"] == method.remedy) & (of_classifier["amount"] == method.amount)]
    nothing = _untuned(of_classifier[of_classifier["role"] == "baseline"])
    others = [
        f"{Method(*map(str, other[:3])).display_name} with {other[3]}"
        for other in as_good[[*_METHOD, "classifier"]].iloc[1:].itertuples(index=False, name=None)
    ]
    return Recommendation(
        classifier=str(cheapest["classifier"]),
        remedy=method.display_name,
        effort=EFFORTS[int(cheapest["effort"])],
        seconds=float(cheapest["seconds"]),
        mean=float(mine[metric.name].astype(float).mean()),
        tuned_recall=float(np.nanmean(mine[f"tuned_recall_{description.minority_label}"].astype(float))),
        against_nothing=None if method.is_baseline else contest(metric, ratio, by_split(mine), by_split(nothing)),
        as_good=tuple(others),
    )
