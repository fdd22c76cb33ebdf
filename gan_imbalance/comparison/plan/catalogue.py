"""The remedies that have a name, kind of data by kind of data, and the choice among them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.components import import_class
from gan_imbalance.distillation import IMAGE_MEMBERS, MEMBERS, SERIES_MEMBERS
from gan_imbalance.kinds import find_kind
from gan_imbalance.types import DataKind, InputError

REAL_ROWS = "real_rows"
HALF_MINORITY = "half_minority"
TEACHER = "teacher"

_GAN_SAMPLER = "gan_imbalance.oversampling.GANOverSampler"
_IMAGE_SAMPLER = "gan_imbalance.oversampling.ImageOverSampler"
_SERIES_SAMPLER = "gan_imbalance.oversampling.TimeSeriesOverSampler"
_SERIES_CONTROLS = "gan_imbalance.oversampling.series_controls."
_CONTROLS = "gan_imbalance.comparison.controls."
_THIRD_PARTY = "gan_imbalance.comparison.third_party."
_IMBLEARN = ("imblearn.over_sampling", "imblearn.under_sampling", "imblearn.combine")


def _sampler(name: str, class_path: str, tune: dict[str, list[Any]] | None = None, **init_args: Any) -> Remedy:
    return Remedy(name, {"class_path": class_path, "init_args": init_args}, tune=tune or {})


# found on the tables of `choose`, see experiments/distillation: two generated rows per real one, of every class
_EVERY_CLASS = {"class_path": "gan_imbalance.comparison.distillation.EveryClass", "init_args": {"amount": 2.0}}
_ENSEMBLE = "gan_imbalance.distillation.CrossFittedEnsemble"
# their members are named, so that a dry run finds their steps
_TEACHERS: dict[str, dict[str, Any]] = {
    "table": {"class_path": _ENSEMBLE, "init_args": {"members": MEMBERS}},
    "image": {"class_path": _ENSEMBLE, "init_args": {"members": IMAGE_MEMBERS}},
    "series": {"class_path": _ENSEMBLE, "init_args": {"members": SERIES_MEMBERS}},
}
_DISTILLATION, _IMAGE_DISTILLATION, _SERIES_DISTILLATION = (
    {"class_path": "gan_imbalance.comparison.distillation.Distillation", "init_args": {"teacher": teacher}}
    for teacher in _TEACHERS.values()
)
_IMAGE_FILTERING = {
    "class_path": "gan_imbalance.comparison.distillation.Filtering",
    "init_args": {"teacher": _TEACHERS["image"]},
}
_TAUGHT = {_DISTILLATION["class_path"], _IMAGE_FILTERING["class_path"]}


def _distilled(name: str, class_path: str, transform: Mapping[str, Any] = _DISTILLATION, **init_args: Any) -> Remedy:
    resampler = {"class_path": class_path, "init_args": {"sampling_strategy": _EVERY_CLASS, **init_args}}
    return Remedy(name, resampler, transform=dict(transform))


def _teacher(kind: DataKind) -> Remedy:
    shared = {**_TEACHERS[kind], "class_path": "gan_imbalance.comparison.distillation.Teacher"}
    return Remedy(TEACHER, estimator=shared, stated_role="control")


_HALVED = _sampler(HALF_MINORITY, f"{_CONTROLS}HalfMinorityUnderSampler")

CONTROLS: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy("nothing"),
        Remedy("tuned_threshold", threshold="tuned"),
        _sampler("jittered_copies", f"{_CONTROLS}JitterOverSampler"),
        _sampler("independent_marginals", f"{_CONTROLS}MarginalOverSampler"),
        _sampler("untrained_generator", _GAN_SAMPLER, gan="WassersteinGAN", max_steps=0),
        Remedy(REAL_ROWS, reserve=True),
        _HALVED,
    )
}
"""What every comparison shows beside its remedies, since a GAN that does not beat them has learned nothing useful."""

DISTILLATION_CONTROLS: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        _distilled("distilled_jitter", f"{_CONTROLS}JitterOverSampler", noise=0.1),
        Remedy("distilled_real", transform=_DISTILLATION, stated_role="control"),
        _teacher("table"),
    )
}
"""What joins where a distilled remedy takes part: is it the generated rows, the teacher's labels, or the teacher?"""

STANDARD_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy("class_weights", class_weight="balanced"),
        _sampler("random_over", "imblearn.over_sampling.RandomOverSampler"),
        _sampler("random_under", "imblearn.under_sampling.RandomUnderSampler"),
        _sampler("smote", "imblearn.over_sampling.SMOTE", {"k_neighbors": [3, 5, 10]}),
        _sampler("adasyn", "imblearn.over_sampling.ADASYN", {"n_neighbors": [3, 5, 10]}),
        # the small one that is the over-sampler's default
        _sampler("small_wasserstein_gan", _GAN_SAMPLER),
        _distilled("distilled_gan", _GAN_SAMPLER),
    )
}
"""What competes where a configuration names nothing; with categories, ``smote`` becomes SMOTENC or SMOTEN."""

FURTHER_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        _sampler("gan", _GAN_SAMPLER, gan="GAN"),
        _sampler("conditional_gan", _GAN_SAMPLER, gan="ConditionalGAN"),
        _sampler("wasserstein_gan", _GAN_SAMPLER, gan="WassersteinGAN"),
        _sampler("conditional_wasserstein_gan", _GAN_SAMPLER, gan="ConditionalWassersteinGAN"),
        _sampler("auxiliary_classifier_gan", _GAN_SAMPLER, gan="AuxiliaryClassifierGAN"),
        _sampler("minority_transfer_gan", _GAN_SAMPLER, gan="MinorityTransferGAN"),
        _sampler("cramer_gan", _GAN_SAMPLER, gan="CramerGAN"),
        _sampler("info_gan", _GAN_SAMPLER, gan="InfoGAN"),
        _sampler("tabular_diffusion", _GAN_SAMPLER, gan="TabularDiffusion"),
        _sampler("one_hot_gan", _GAN_SAMPLER, gan="OneHotGAN", batch_size=32),
    )
}
"""What takes its time (larger GANs, a diffusion model), and GANs for some kinds of data: named, they compete."""

THIRD_PARTY_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        _sampler("ctgan", f"{_THIRD_PARTY}CTGANOverSampler"),
        _sampler("tvae", f"{_THIRD_PARTY}TVAEOverSampler"),
    )
}
"""Other people's generators, which the ``benchmark`` extra installs."""

TABLE_REMEDIES: Mapping[str, Remedy] = {
    **CONTROLS,
    **STANDARD_REMEDIES,
    **FURTHER_REMEDIES,
    **THIRD_PARTY_REMEDIES,
    **DISTILLATION_CONTROLS,
}
"""All remedies of tables that have a name."""

_SMATE_AUGMENT = {"class_path": "gan_imbalance.transforms.image.SMateAugment"}
_ALL_FREE = {"class_path": "gan_imbalance.gans.MinorityTransferGAN", "init_args": {"freeze_generator_blocks": 0}}
# as images are learned since spectral norm and the hinge loss; configs/gan/auxiliary_classifier_gan_image.yaml
_AUXILIARY = {
    "class_path": "gan_imbalance.gans.AuxiliaryClassifierGAN",
    "init_args": {
        "discriminator": {
            "class_path": "gan_imbalance.networks.DCGANDiscriminator",
            "init_args": {"spectral_norm": True},
        },
        "loss": {
            "class_path": "gan_imbalance.losses.TwoHeadedLoss",
            "init_args": {"adversarial": {"class_path": "gan_imbalance.losses.HingeLoss"}, "classify_fakes": False},
        },
    },
}

IMAGE_CONTROLS: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy("nothing"),
        Remedy("tuned_threshold", threshold="tuned"),
        _sampler("untrained_generator", _IMAGE_SAMPLER, gan="GAN", max_steps=0),
        Remedy(REAL_ROWS, reserve=True),
        _HALVED,
    )
}
"""What every comparison of images shows beside its remedies."""

STANDARD_IMAGE_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        *(STANDARD_REMEDIES[name] for name in ("class_weights", "random_over", "random_under", "smote", "adasyn")),
        Remedy("focal_loss", classifier={"loss": {"class_path": "gan_imbalance.losses.FocalLoss"}}),
        Remedy("logit_adjustment", classifier={"loss": {"class_path": "gan_imbalance.losses.LogitAdjustedLoss"}}),
        Remedy("augmentation", classifier={"augmentation": _SMATE_AUGMENT}),
        _sampler("gan", _IMAGE_SAMPLER, gan="GAN"),
        _sampler("conditional_gan", _IMAGE_SAMPLER, gan="ConditionalGAN"),
        _sampler("wasserstein_gan", _IMAGE_SAMPLER, gan="WassersteinGAN"),
        _sampler("conditional_wasserstein_gan", _IMAGE_SAMPLER, gan="ConditionalWassersteinGAN"),
        _sampler("auxiliary_classifier_gan", _IMAGE_SAMPLER, gan=_AUXILIARY),
        _sampler("minority_transfer_gan", _IMAGE_SAMPLER, gan="MinorityTransferGAN"),
        _sampler("minority_transfer_nothing_frozen", _IMAGE_SAMPLER, gan=_ALL_FREE),
        _sampler("minority_transfer_from_scratch", _IMAGE_SAMPLER, gan="MinorityTransferGAN", pretrain_steps=0),
    )
}
"""What competes on images where a configuration names nothing."""

FURTHER_IMAGE_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy("mixup", classifier={"mixing": {"class_path": "gan_imbalance.transforms.MixUp"}}),
        Remedy("cutmix", classifier={"mixing": {"class_path": "gan_imbalance.transforms.CutMix"}}),
        _sampler("cramer_gan", _IMAGE_SAMPLER, gan="CramerGAN"),
        _sampler("info_gan", _IMAGE_SAMPLER, gan="InfoGAN"),
        _distilled("distilled_conditional_gan", _IMAGE_SAMPLER, _IMAGE_DISTILLATION, gan="ConditionalGAN"),
        Remedy(
            "filtered_conditional_gan",
            {"class_path": _IMAGE_SAMPLER, "init_args": {"gan": "ConditionalGAN"}},
            transform=_IMAGE_FILTERING,
        ),
    )
}
"""Mixtures of images, further GANs, and what a teacher makes of their images: named, they compete."""

IMAGE_DISTILLATION_CONTROLS: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        _distilled("distilled_augmentation", f"{_CONTROLS}AugmentationOverSampler", _IMAGE_DISTILLATION),
        Remedy("distilled_real", transform=_IMAGE_DISTILLATION, stated_role="control"),
        _teacher("image"),
    )
}
"""What joins where a teacher of images labels or sorts out: real images, augmented, are in the GAN's place."""

IMAGE_REMEDIES: Mapping[str, Remedy] = {
    **IMAGE_CONTROLS,
    **STANDARD_IMAGE_REMEDIES,
    **FURTHER_IMAGE_REMEDIES,
    **IMAGE_DISTILLATION_CONTROLS,
}
"""All remedies of images that have a name."""

SERIES_CONTROLS: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy("nothing"),
        Remedy("tuned_threshold", threshold="tuned"),
        _sampler("jitter", f"{_SERIES_CONTROLS}JitterSeriesSampler"),
        _sampler("time_warp", f"{_SERIES_CONTROLS}TimeWarpSampler"),
        _sampler("untrained_generator", _SERIES_SAMPLER, gan="WassersteinGAN", max_steps=0),
        Remedy(REAL_ROWS, reserve=True),
        _HALVED,
    )
}
"""What every comparison of time series shows beside its remedies."""

STANDARD_SERIES_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        *(STANDARD_REMEDIES[name] for name in ("class_weights", "random_over", "random_under", "smote")),
        _sampler("smote_dtw", f"{_SERIES_CONTROLS}DTWSMOTE", {"k_neighbors": [3, 5, 10]}),
        # the over-sampler's default
        _sampler("gan", _SERIES_SAMPLER),
        _sampler("minority_transfer_gan", _SERIES_SAMPLER, gan="MinorityTransferGAN"),
        _sampler("minority_transfer_from_scratch", _SERIES_SAMPLER, gan="MinorityTransferGAN", pretrain_steps=0),
        _distilled("distilled_gan", _SERIES_SAMPLER, _SERIES_DISTILLATION),
    )
}
"""What competes on time series where a configuration names nothing."""

FURTHER_SERIES_REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        _sampler("conditional_gan", _SERIES_SAMPLER, gan="ConditionalGAN"),
        _sampler("wasserstein_gan", _SERIES_SAMPLER, gan="WassersteinGAN"),
        _sampler("conditional_wasserstein_gan", _SERIES_SAMPLER, gan="ConditionalWassersteinGAN"),
    )
}
"""Further GANs of time series: named, they compete."""

SERIES_DISTILLATION_CONTROLS: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        _distilled("distilled_time_warp", f"{_SERIES_CONTROLS}TimeWarpSampler", _SERIES_DISTILLATION),
        Remedy("distilled_real", transform=_SERIES_DISTILLATION, stated_role="control"),
        _teacher("series"),
    )
}
"""What joins where a teacher of time series takes part: real series, warped in time, are in the GAN's place."""

SERIES_REMEDIES: Mapping[str, Remedy] = {
    **SERIES_CONTROLS,
    **STANDARD_SERIES_REMEDIES,
    **FURTHER_SERIES_REMEDIES,
    **SERIES_DISTILLATION_CONTROLS,
}
"""All remedies of time series that have a name."""

# of any other kind, what needs nothing but rows
_STANDARD_ELSEWHERE = {name: STANDARD_REMEDIES[name] for name in ("class_weights", "random_over", "random_under")}
_CONTROLS_ELSEWHERE = {name: CONTROLS[name] for name in ("nothing", "tuned_threshold", REAL_ROWS, HALF_MINORITY)}


class Offer(NamedTuple):
    """The remedies of a kind of data that have a name.

    Attributes:
        standard: what competes where a configuration names nothing.
        controls: what joins in any case.
        named: all of them, and those that compete where they are named.
        taught: the controls that join where a teacher labels rows or sorts them out.
    """

    standard: Mapping[str, Remedy]
    controls: Mapping[str, Remedy]
    named: Mapping[str, Remedy]
    taught: Mapping[str, Remedy]


TABLES = Offer(STANDARD_REMEDIES, CONTROLS, TABLE_REMEDIES, DISTILLATION_CONTROLS)
IMAGES = Offer(STANDARD_IMAGE_REMEDIES, IMAGE_CONTROLS, IMAGE_REMEDIES, IMAGE_DISTILLATION_CONTROLS)
SERIES = Offer(STANDARD_SERIES_REMEDIES, SERIES_CONTROLS, SERIES_REMEDIES, SERIES_DISTILLATION_CONTROLS)
ANY_KIND = Offer(_STANDARD_ELSEWHERE, _CONTROLS_ELSEWHERE, {**_STANDARD_ELSEWHERE, **_CONTROLS_ELSEWHERE}, {})


def choose_remedies(
    given: Sequence[str | Remedy] | None, controls: bool = True, kind: DataKind = "table"
) -> tuple[Remedy, ...]:
    """Return the remedies of a comparison, "nothing" first: what all others are compared with.

    Args:
        given: names of :data:`TABLE_REMEDIES`, :data:`IMAGE_REMEDIES` or :data:`SERIES_REMEDIES`, or of
            imbalanced-learn's samplers ("BorderlineSMOTE"), and remedies of one's own; None means all standard ones.
        controls: whether the controls that are not given join.
        kind: of the data.

    Raises:
        InputError: if a name is unknown or a duplicate, or a remedy could not run.
    """
    offer: Any = import_class(find_kind(kind).remedies)
    chosen = [_by_name(item, offer) if isinstance(item, str) else item for item in given or offer.standard]
    names = [remedy.name for remedy in chosen]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise InputError(f"Two remedies are called {duplicate!r}: give each a name of its own.")
    for remedy in chosen:
        remedy.check()
    baseline = next((remedy for remedy in chosen if remedy.role == "baseline"), CONTROLS["nothing"])
    expected = dict(offer.controls)
    if any((remedy.transform or {}).get("class_path") in _TAUGHT for remedy in chosen):
        expected |= offer.taught
    absent = [one for name, one in expected.items() if name not in names and one.role != "baseline"]
    return (baseline, *(remedy for remedy in chosen if remedy is not baseline), *(absent if controls else ()))


def _by_name(name: str, offer: Offer) -> Remedy:
    named = offer.named
    if name in named:
        return named[name]
    samplers = {sampler: module for module in _IMBLEARN for sampler in import_module(module).__all__}
    if name in samplers:
        return _sampler(name, f"{samplers[name]}.{name}")
    close = difflib.get_close_matches(name, [*named, *samplers], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"name one of {', '.join(offer.standard)}, ..."
    raise InputError(f"There is no remedy {name!r}, nor imbalanced-learn sampler; {hint}")
