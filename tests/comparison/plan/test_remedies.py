"""Remedies by name and by class, and what may not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from imblearn.over_sampling.base import BaseOverSampler
from jsonargparse import ArgumentParser

from gan_imbalance.comparison.plan.catalogue import (
    CONTROLS,
    DISTILLATION_CONTROLS,
    FURTHER_REMEDIES,
    IMAGE_REMEDIES,
    STANDARD_REMEDIES,
    TABLE_REMEDIES,
    choose_remedies,
)
from gan_imbalance.comparison.plan.remedies import EFFORTS, GAN_STEPS, Remedy
from gan_imbalance.components import build
from gan_imbalance.oversampling import DEFAULT_GAN, GANOverSampler, resolve_gan
from gan_imbalance.types import InputError


def test_all_standard_remedies_are_chosen_by_default_and_can_be_imported() -> None:
    names = [remedy.name for remedy in choose_remedies(None)]
    assert names[0] == "nothing"
    assert set(names) == {*STANDARD_REMEDIES, *CONTROLS, *DISTILLATION_CONTROLS}


@pytest.mark.parametrize("name", list(FURTHER_REMEDIES))
def test_further_gans_compete_where_they_are_named(name: str) -> None:
    remedy = choose_remedies([name])[1]
    assert remedy.name == name
    assert remedy.role == "gan"
    resolve_gan(remedy.init_args.get("gan", DEFAULT_GAN))


def test_controls_of_distillation_join_where_something_is_distilled() -> None:
    own = Remedy("mine", TABLE_REMEDIES["smote"].resampler, transform=TABLE_REMEDIES["distilled_gan"].transform)
    for remedy in ("distilled_gan", own):
        names = {one.name for one in choose_remedies([remedy])}
        assert names >= {"distilled_jitter", "distilled_real", "teacher"}
    for name in ("distilled_conditional_gan", "filtered_conditional_gan"):
        names = {one.name for one in choose_remedies([name], kind="image")}
        assert names >= {"distilled_augmentation", "distilled_real", "teacher"}
        assert "distilled_jitter" not in names
    assert not set(DISTILLATION_CONTROLS) & {one.name for one in choose_remedies(["smote"])}
    assert [one.name for one in choose_remedies(["teacher"], controls=False)] == ["nothing", "teacher"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimator": {"class_path": "sklearn.svm.LinearSVC"}}, "LinearSVC has no predict_proba"),
        (
            {"estimator": {"class_path": "sklearn.naive_bayes.GaussianNB"}, "classifier": {"var_smoothing": 1.0}},
            "has classifier and estimator",
        ),
    ],
)
def test_what_cannot_stand_in_a_classifiers_place(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_remedies([Remedy("mine", **options)])


def test_controls_join_unless_they_are_named_or_not_wanted() -> None:
    named = [remedy.name for remedy in choose_remedies(["real_rows", "smote"])]
    assert named[:3] == ["nothing", "real_rows", "smote"]
    assert set(named) == {"smote", *CONTROLS}
    assert len(named) == len(set(named))
    own = Remedy("real_rows", {"class_path": "imblearn.over_sampling.SMOTE"})
    assert own in choose_remedies([own])


@pytest.mark.parametrize("name", ["BorderlineSMOTE", "SMOTETomek", "NearMiss", "SMOTEN"])
def test_imbalanced_learns_samplers_join_by_name(name: str) -> None:
    remedy = next(remedy for remedy in choose_remedies([name]) if remedy.name == name)
    assert remedy.resampler is not None
    assert remedy.resampler["class_path"].startswith("imblearn.")
    assert remedy.role == "standard"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("nothing", "baseline"),
        ("class_weights", "standard"),
        ("tuned_threshold", "standard"),
        ("smote", "standard"),
        ("wasserstein_gan", "gan"),
        ("untrained_generator", "control"),
        ("jittered_copies", "control"),
        ("independent_marginals", "control"),
        ("ctgan", "gan"),
        ("real_rows", "control"),
        ("half_minority", "control"),
        ("small_wasserstein_gan", "gan"),
        ("distilled_gan", "gan"),
        ("distilled_jitter", "control"),
        ("distilled_real", "control"),
        ("teacher", "control"),
        ("distilled_conditional_gan", "gan"),
        ("filtered_conditional_gan", "gan"),
        ("distilled_augmentation", "control"),
    ],
)
def test_roles(name: str, role: str) -> None:
    assert {**IMAGE_REMEDIES, **TABLE_REMEDIES}[name].role == role


@pytest.mark.parametrize(
    ("name", "sized"),
    [("nothing", False), ("random_under", False), ("random_over", True), ("gan", True), ("real_rows", True)],
)
def test_only_over_samplers_and_real_rows_take_an_amount(name: str, sized: bool) -> None:
    assert TABLE_REMEDIES[name].is_sized is sized


@pytest.mark.parametrize("name", ["SMOTETomek", "SMOTEENN", "NearMiss"])
def test_what_removes_rows_takes_no_amount(name: str) -> None:
    assert not choose_remedies([name])[1].is_sized


def test_a_strategy_of_its_own_is_left_alone() -> None:
    config = {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"sampling_strategy": 0.5}}
    assert not Remedy("half", config).is_sized


def test_nothing_comes_first_and_is_added_where_it_is_missing() -> None:
    assert [remedy.name for remedy in choose_remedies(["smote"], controls=False)] == ["nothing", "smote"]
    own = choose_remedies(["smote", Remedy("idle")])
    assert [remedy.name for remedy in own][:2] == ["idle", "smote"]
    assert [remedy.role for remedy in own].count("baseline") == 1


def test_steps_reach_gans_without_their_own() -> None:
    def steps(remedy: Remedy) -> object:
        return remedy.init_args.get("max_steps")

    gan = TABLE_REMEDIES["gan"]
    assert steps(gan.with_gan_steps(7)) == 7
    assert steps(gan.with_gan_steps(7).with_gan_steps(9)) == 7
    assert steps(gan.with_gan_steps(7).with_gan_steps(9, override=True)) == 9
    assert steps(TABLE_REMEDIES["untrained_generator"].with_gan_steps(9, override=True)) == 0
    assert TABLE_REMEDIES["smote"].with_gan_steps(7) == TABLE_REMEDIES["smote"]
    assert steps(gan) is None


def test_a_gan_without_steps_has_those_that_suit_it() -> None:
    small, large = (TABLE_REMEDIES[name].with_gan_steps(None) for name in ("small_wasserstein_gan", "wasserstein_gan"))
    assert "max_steps" not in small.init_args
    assert large.init_args["max_steps"] == GAN_STEPS
    timed = large.with_init_args(max_steps=None, max_time=5.0)
    assert timed.with_gan_steps(None) == timed.with_gan_steps(7) == timed


def test_a_remedy_may_state_its_role() -> None:
    sampler = {"class_path": "imblearn.over_sampling.SMOTE"}
    assert Remedy("mine", sampler).role == "standard"
    assert Remedy("mine", sampler, stated_role="gan").role == "gan"


@pytest.mark.parametrize(
    ("name", "effort"),
    [
        ("nothing", "nothing"),
        ("tuned_threshold", "a threshold"),
        ("class_weights", "weights or a loss"),
        ("random_over", "repeating or leaving out rows"),
        ("random_under", "repeating or leaving out rows"),
        ("smote", "rows by a sampler"),
        ("small_wasserstein_gan", "a GAN"),
        ("ctgan", "a GAN"),
    ],
)
def test_what_remedies_cost_a_person(name: str, effort: str) -> None:
    assert EFFORTS[TABLE_REMEDIES[name].effort] == effort


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no remedy 'smoke'.*smote"):
        choose_remedies(["smoke"])


def test_two_remedies_of_one_name() -> None:
    with pytest.raises(InputError, match="Two remedies are called 'smote'"):
        choose_remedies(["smote", Remedy("smote", class_weight="balanced")])


@pytest.mark.parametrize(
    ("remedy", "message"),
    [
        (Remedy("x", {"class_path": "no.such.Sampler"}), "Cannot import 'no.such.Sampler'"),
        (Remedy("x", {"class_path": "collections.Counter"}), "has no fit_resample"),
        (Remedy("x", {}, reserve=True), "resampler and reserve"),
        (Remedy("x", class_weight="balanced", tune={"k": [1]}), "no resampler whose k"),
        (Remedy("x", share=0.5), "'x' has share 0.5"),
        (Remedy("x", {"class_path": "imblearn.over_sampling.SMOTE"}, share=0.5), "sampling_strategy of its own"),
    ],
)
def test_remedies_that_could_not_run(remedy: Remedy, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_remedies([remedy])


def test_a_resampler_comes_out_of_a_configuration_as_it_was_written(tmp_path: Path) -> None:
    gan = {
        "class_path": "gan_imbalance.gans.WassersteinGAN",
        "init_args": {
            "generator": {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [8]}},
            "instance_noise": 0.1,
        },
    }
    resampler = {"class_path": "gan_imbalance.oversampling.GANOverSampler", "init_args": {"gan": gan, "max_steps": 0}}
    config = tmp_path / "remedies.json"
    config.write_text(json.dumps({"remedies": [{"name": "mine", "resampler": resampler}, "smote"]}))
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_argument("--remedies", type=list[str | Remedy])
    mine, smote = parser.instantiate(parser.parse_args(["--config", str(config)]))["remedies"]
    assert smote == "smote"
    assert mine.resampler == resampler
    built = build(mine.resampler)
    assert resolve_gan(built.gan)[1]["generator"] == gan["init_args"]["generator"]


class Mine(GANOverSampler):
    """A user's own over-sampler that is one of ours."""


class Foreign(BaseOverSampler):  # type: ignore[misc]
    """Another maker's generator, which says what it is."""

    remedy_role = "gan"

    def __init__(self, max_steps: int | None = None, gan: str = "x") -> None:
        super().__init__()
        self.max_steps, self.gan = max_steps, gan


@pytest.mark.parametrize(
    "class_path",
    ["gan_imbalance.GANOverSampler", "gan_imbalance.oversampling.table.GANOverSampler", f"{__name__}.Mine"],
)
def test_a_gan_is_known_by_its_class(class_path: str) -> None:
    remedy = Remedy("mine", {"class_path": class_path, "init_args": {"gan": "GAN"}})
    assert remedy.role == "gan"
    assert remedy.learns_data
    assert remedy.with_gan_steps(7).init_args["max_steps"] == 7
    assert remedy.with_gan_steps(None).init_args["max_steps"] == GAN_STEPS
    assert Remedy("mine", {"class_path": class_path, "init_args": {"max_steps": 0}}).role == "control"


def test_a_sampler_of_ones_own_says_what_it_is() -> None:
    remedy = Remedy("mine", {"class_path": f"{__name__}.Foreign", "init_args": {"gan": "y"}})
    assert (remedy.role, remedy.learns_data) == ("gan", False)
    assert remedy.with_gan_steps(7).init_args["max_steps"] == 7
    smote = {"class_path": "imblearn.over_sampling.SMOTE"}
    assert Remedy("mine", smote).role == "standard"
    assert Remedy("mine", smote, stated_role="gan").role == "gan"
