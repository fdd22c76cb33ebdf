"""The answer in sentences that a person can act on, the same for terminal and page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gan_imbalance.comparison.analysis.answer import Answer, Contest, Recommendation
from gan_imbalance.comparison.analysis.metrics import Metric
from gan_imbalance.comparison.plan.catalogue import HALF_MINORITY, REAL_ROWS

NO_GAN = "No GAN took part, so there is no verdict on GAN-made rows"

_HEADLINES = {
    "helps": "GAN-made rows help",
    "hurts": "GAN-made rows hurt",
    "equal": "GAN-made rows make no practical difference",
    "undecided": "Undecided whether GAN-made rows help",
}
_KNOWN = {REAL_ROWS: "further real rows help", HALF_MINORITY: "losing half of the rare rows hurts"}
MARKS = {"helps": "helps", "hurts": "hurts", "equal": "same", "undecided": "?", "": ""}
"""What tables show for each decision on a remedy against doing nothing."""


def verdict(answer: Answer) -> str:
    """Return the answer in a few words."""
    if answer.primary is None:
        return NO_GAN
    return _HEADLINES[answer.mark]


def because(answer: Answer) -> str:
    """Return the numbers that the verdict rests on; empty where no GAN took part."""
    if answer.primary is None:
        return ""
    return f"{compared(answer)} {probabilities(answer.metric, answer.primary)}"


def compared(answer: Answer) -> str:
    """Return what the GANs and the other remedies reached; empty where no GAN took part."""
    contest, metric = answer.primary, answer.metric
    if contest is None:
        return ""
    lower = "" if metric.higher_is_better else " (lower is better)"
    return (
        f"{metric.display_name}{lower} is {number(metric, contest.mean)} with them ({contest.first}), "
        f"{number(metric, contest.other_mean)} with the best other remedy ({contest.second}): "
        f"{difference(metric, contest, '95 % interval ')} over {_splits(contest.splits)}, {_classifiers(contest)}."
        f"{_idle(contest)}{_beside_controls(answer)}"
    )


def _beside_controls(answer: Answer) -> str:
    """Return whether rows that help do so because a GAN made them; empty where none help, or no control has rows."""
    contest = answer.controls
    if contest is None or answer.mark != "helps":
        return ""
    lead = f"the best control ({contest.second}): {difference(answer.metric, contest)}"
    if contest.mark == "helps":
        return f" They are also ahead of {lead}."
    return f" That it takes a GAN is not shown: they are not surely ahead of {lead}."


def probabilities(metric: Metric, contest: Contest) -> str:
    """Return the probabilities of a contest in a sentence."""
    if contest.splits < 2:
        return "A single split does not show how much is chance."
    if math.isnan(contest.probabilities.equal):
        return "The difference is the same in all splits, which does not show how much is chance."
    worse, equal, better = map(share, contest.probabilities)
    return (
        f"Probability: they help {better}, no practical difference (under {small(metric.practical_difference)}) "
        f"{equal}, they hurt {worse}."
    )


def sensitivity(answer: Answer) -> str:
    """Return whether this comparison could have seen a gain: what known effects it saw, and what it can find."""
    contests, seen = answer.sensitivity, answer.seen
    claims = {name: f"{_KNOWN[name]}, {difference(answer.metric, contests[name])}" for name in contests}
    # effects that are shown not to matter get a sentence of their own
    misses = [claims[name] for name in contests if name not in seen and contests[name].mark != "equal"]
    if not contests:
        told = "That is unknown: neither further real rows nor half of the rare rows were compared."
    elif seen:
        told = f"Yes: {' and '.join(claims[name] for name in seen)}"
        told += "".join(f"; it does not see that {miss}" for miss in misses) + "."
    elif answer.primary is not None and answer.primary.mark in ("helps", "equal"):
        # if a gain is ruled out, it could have been seen
        gain, chance = small(answer.metric.practical_difference), share(answer.primary.probabilities.better)
        ruled_out = f"it leaves a gain of more than {gain} a probability of {chance}"
        told = f"Yes: {'it has seen one' if answer.primary.mark == 'helps' else ruled_out}"
        told += f", although it does not see that {' nor that '.join(misses)}." if misses else "."
    else:
        sees = {0: "", 1: ": it does not see that ", 2: ": it sees neither that "}[len(misses)]
        told = f'No{sees}{" nor that ".join(misses)}, so its "no" means little.'
    return " ".join([f"Could it have seen a gain? {told}", *_beyond(answer)])


def _beyond(answer: Answer) -> Iterator[str]:
    """Yield sentences on effects that are shown not to matter, and on the smallest gain that would be found."""
    contests = answer.sensitivity
    half, real = contests.get(HALF_MINORITY), contests.get(REAL_ROWS)
    if half is not None and half.mark == "equal":
        found = difference(answer.metric, half)
        yield f"Half of the rare rows do as well, {found}: a lack of rare rows is not the problem here."
    if real is not None and real.mark == "equal":
        found = difference(answer.metric, real)
        yield f"Even further real rows gain nothing that matters, {found}, so synthetic ones hardly can."
    contest = answer.primary or half or real
    if contest is not None and math.isfinite(contest.detectable):
        yield f"It finds true gains of {number(answer.metric, contest.detectable)} in four of five cases."


def recommendation(answer: Answer, found: Recommendation | None = None) -> str:
    """Return what to do.

    Args:
        answer: at one setting.
        found: one of its recommendations; the overall one if not given.
    """
    if found is None:
        if not answer.recommendations:
            return "Recommended: unknown, since no remedy has a result on validation rows."
        return " ".join(filter(None, [recommendation(answer, answer.recommendations[0]), teacher(answer)]))
    metric, time = answer.metric, f"{seconds(found.seconds)} s a fit"
    recall = "" if math.isnan(found.tuned_recall) else f", finds {100 * found.tuned_recall:.0f} % of rare rows"
    reached = f"{metric.display_name} {number(metric, found.mean)}"
    if found.against_nothing is None:
        return (
            f"Recommended: nothing, with {found.classifier} ({time}): {reached}{recall}. No remedy is better "
            f"by more than {small(metric.practical_difference)} on validation rows."
        )
    gain = difference(metric, found.against_nothing)
    return (
        f"Recommended: {found.remedy}, with {found.classifier} ({found.effort}, {time}), cheapest of the best: "
        f"{reached}, {gain} against doing nothing{recall}."
    )


def teacher(answer: Answer) -> str:
    """Return what the teacher itself reaches, and so whether to use it; empty where none takes part."""
    contest, metric = answer.teacher, answer.metric
    if contest is None:
        return ""
    reached = f"reaches {metric.display_name} {number(metric, contest.mean)}, {difference(metric, contest)}"
    if contest.mark == "helps":
        return f"The teacher itself {reached} against doing nothing: if you can deploy it, do."
    return f"The teacher itself {reached} against doing nothing."


def alternatives(found: Recommendation) -> str:
    """Return which other remedies are as good as a recommended one; empty where none is."""
    if not found.as_good:
        return ""
    more = len(found.as_good) - 3
    some = "; ".join(found.as_good[:3]) + (f"; and {more} more" if more > 0 else "")
    return f"As good on validation rows, but not cheaper: {some}."


def to_decide(answer: Answer) -> str:
    """Return what would decide an undecided comparison; empty where it is decided or no GAN took part."""
    contest = answer.primary
    if contest is None or contest.mark != "undecided":
        return ""
    if math.isnan(contest.probabilities.equal):
        return "To decide: these are too few splits; run more of them (--seeds, --folds, or --until decided)."
    if contest.splits_to_decide is None:
        return (
            "To decide: no number of splits of these rows would; more rare test rows would "
            f"(a split has {answer.rare_test_rows:.0f})."
        )
    needed = contest.splits_to_decide
    return f"To decide: about {needed} splits in all, if they go on like these: --until decided --max_splits {needed}."


def provisional(answer: Answer) -> str:
    """Return the provisional answer of a running comparison, in one line."""
    start = f"after {answer.splits} of {_splits(answer.planned)}: "
    contest = answer.primary
    if contest is None:
        return start + "no GAN has a result"
    if math.isnan(contest.probabilities.equal):
        return start + "too early to tell"
    worse, equal, better = map(share, contest.probabilities)
    mark = {"equal": "no practical difference"}.get(contest.mark, contest.mark)
    hurts = f", P(hurts) {worse}" if contest.probabilities.worse > contest.probabilities.better else ""
    return f"{start}{mark}, P(helps) {better}, P(no difference) {equal}{hurts}"


def digits(metric: Metric) -> int:
    """Return how many decimals of a metric are meaningful."""
    delta = metric.practical_difference
    return 3 if not delta else min(6, max(0, 1 - math.floor(math.log10(delta) + 1e-9)))


def number(metric: Metric, value: float) -> str:
    """Return a value of a metric as text."""
    return "-" if math.isnan(value) else f"{value:.{digits(metric)}f}"


def small(value: float) -> str:
    """Return a practical difference as text."""
    return f"{value:.3g}"


def signed(metric: Metric, value: float) -> str:
    """Return a difference in a metric with its sign."""
    text = f"{value:+.{digits(metric)}f}"
    # what rounds to zero gets no minus sign
    return text if float(text) else text.replace("-", "+")


def difference(metric: Metric, contest: Contest, named: str = "") -> str:
    """Return the difference of a contest, with its interval, if it has one, labelled ``named``."""
    text = signed(metric, contest.difference)
    if math.isnan(contest.low):
        return text
    return f"{text} ({named}{signed(metric, contest.low)} to {signed(metric, contest.high)})"


def share(value: float) -> str:
    """Return a probability with two digits, but never as 0 or 1."""
    if math.isnan(value):
        return "-"
    if value < 0.005:
        return "below .01"
    return "above .99" if value >= 0.995 else f"{value:.2f}".removeprefix("0")


def seconds(value: float) -> str:
    """Return a duration in seconds, with fewer decimals the longer it is."""
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _splits(count: int) -> str:
    return f"{count} split{'' if count == 1 else 's'}"


def _classifiers(contest: Contest) -> str:
    first, *others = contest.classifiers
    return f"mostly with {first}" if others else f"with {first}"


def _idle(contest: Contest) -> str:
    if not contest.idle:
        return ""
    return f" In {_splits(contest.idle)} the chosen GAN added no rows."
