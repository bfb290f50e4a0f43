"""Treating the muscle found in made-up clinics in which it does something, much, or nothing.

There the muscle named is right seven times of ten, and what is treated is chosen by what is named. So the recorded arms
are mixtures of the true ones; the truth says how much of each is right, and the correction with these shares must give
the true difference back.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions import Protocol
from outcomes.estimators.sensitivity import correct_misclassification
from outcomes.questions.concordance_classes import DEFAULT, read_classes
from outcomes.questions.concordant_treatment import compare_concordance
from outcomes.questions.contrast_lines import fit_contrast, fit_unadjusted
from outcomes.questions.treatment_arms import Arms
from outcomes.simulate import simulate, values
from outcomes.simulate.world import draw_world
from tables import records_of

PATIENTS, DAY = 2500, 28
# The mean of the estimates is looked at, not their intervals: few draws will do.
PROTOCOL = Protocol.from_mapping({"inference": {"bootstrap_draws": 2}})


def clinic(seed):
    """One clinic: the line found, the mistake of merging, and the truth about the same episodes."""
    # Without rating error, so that relief as recorded is relief of the latent pain, up to the days of the visits.
    world = simulate(PATIENTS, seed=seed, clean=True, noise=False)
    records = records_of({head: [str(cell) for cell in cells] for head, cells in world.records.items()})
    episodes = build_episodes(build_visits(records, PROTOCOL))
    rows = build_treatment_rows(episodes)
    classes = read_classes(episodes, rows)
    table = compare_concordance(episodes, beside=False).table
    main = table[(table["analysis"] == "adjusted") & (table["scale"] == "difference")].iloc[0]
    concordant = classes.level >= DEFAULT
    merged = Arms("merged", "unknown taken for discordant", rows, concordant, (), ("muscle_group",), "", "")
    adjusted = fit_contrast(episodes, merged, DAY, 2).found
    return {
        "found": main["estimate"],
        "merged": adjusted.difference[0] if adjusted is not None else np.nan,
        "merged_unadjusted": fit_unadjusted(episodes, merged, DAY, 2).difference[0],
        "unknown": 1.0 - classes.known.mean(),
        **truth_of(world, episodes, rows, classes.known, concordant),
    }


def truth_of(world, episodes, rows, known, concordant):
    """The true difference, and of those recorded by name how many truly are what they are recorded as."""
    first_record = episodes.visits.columns["source_row"][episodes.starts[rows.episode]] - 2
    place = world.episode_of_record[first_record]
    is_true = world.truth["concordant_true"][place] > 0
    relieved = world.truth["half_day"][place] <= DAY
    return {
        "true": relieved[is_true].mean() - relieved[~is_true].mean(),
        "latent": relieved[known & concordant].mean() - relieved[known & ~concordant].mean(),
        "right_concordant": is_true[known & concordant].mean(),
        "right_discordant": (~is_true[known & ~concordant]).mean(),
        "sensitivity": concordant[known & is_true].mean(),
        "specificity": (~concordant[known & ~is_true]).mean(),
        "share": concordant[known].mean(),
    }


def run(n, seed=1, log_tau=0.0, sd_clinician=0.15, recorded_by_outcome=False):
    patch = pytest.MonkeyPatch()
    chiro = values.PROFILES["chiro"]
    course = dataclasses.replace(chiro.course, shift_concordant=log_tau, sd_clinician=sd_clinician)
    patch.setitem(values.PROFILES, "chiro", dataclasses.replace(chiro, course=course))
    if recorded_by_outcome:
        # Those whose patients are slow to get better (a positive effect) leave the muscles empty more often.
        def draw(*given):
            world = draw_world(*given)
            return dataclasses.replace(world, muscle_habit=1.5 * world.effect / sd_clinician)

        patch.setattr("outcomes.simulate.draw_world", draw)
    try:
        return pd.DataFrame([clinic(each) for each in range(seed, seed + n)])
    finally:
        patch.undo()


@pytest.fixture(scope="module")
def planted():
    return run(30, log_tau=-0.15)


@pytest.fixture(scope="module")
def strong():
    return run(30, seed=101, log_tau=-0.6)


def corrected(clinics, column="found"):
    """The mean difference of a column, and its Monte-Carlo error, as they would be between the true arms."""
    right = clinics["right_concordant"].mean(), clinics["right_discordant"].mean()
    mean, error = correct_misclassification([clinics[column].mean(), clinics[column].sem()], *right)
    return mean, error


@pytest.mark.slow
def test_the_planted_difference_is_found_in_sign_and_after_correction_in_size(planted):
    assert planted["found"].count() >= 25
    assert planted["true"].mean() > 0.03
    assert planted["found"].mean() > 2 * planted["found"].sem()
    # Errors make it smaller than it is.
    assert planted["found"].mean() < planted["true"].mean()
    mean, error = corrected(planted)
    assert abs(mean - planted["true"].mean()) < 2.5 * np.hypot(error, planted["true"].sem())


@pytest.mark.slow
def test_a_strong_one_comes_back_too(strong):
    mean, error = corrected(strong)
    assert strong["found"].mean() < 0.7 * strong["true"].mean()
    assert abs(mean - strong["true"].mean()) < 2.5 * np.hypot(error, strong["true"].sem())


@pytest.mark.slow
def test_the_correction_of_latent_relief_is_exact_and_the_shortcut_is_not(strong):
    """Between the recorded arms, with nothing estimated: the truth about relief itself."""
    mean, error = corrected(strong, "latent")
    assert abs(mean - strong["true"].mean()) < 2.5 * error
    # Sensitivity, specificity and the share recorded as concordant say the same; without the share it is too large.
    rates = strong[["sensitivity", "specificity", "share"]].mean()
    (by_share,) = correct_misclassification(strong["latent"].mean(), *rates)
    assert by_share == pytest.approx(mean, rel=0.02)
    (shortcut,) = correct_misclassification(strong["latent"].mean(), *rates[:2])
    assert shortcut - strong["true"].mean() > 3 * error


@pytest.mark.slow
def test_unknown_taken_for_discordant_is_another_answer(strong):
    assert strong["unknown"].mean() > 0.3
    apart = strong["found"] - strong["merged"]
    # The line found leaves out numbers of muscles that one arm hardly has, so that the two share fewer episodes.
    assert apart.mean() > 3 * apart.sem()


@pytest.mark.slow
def test_nothing_is_found_where_there_is_nothing():
    null = run(30, seed=201)
    assert abs(null["true"].mean()) < 3 * null["true"].sem()
    assert abs(null["found"].mean()) < 2.5 * null["found"].sem()


@pytest.mark.slow
def test_where_those_with_slow_patients_write_less_down_merging_makes_a_difference_out_of_nothing():
    null = run(20, seed=301, sd_clinician=0.5, recorded_by_outcome=True)
    assert abs(null["found"].mean()) < 2.5 * null["found"].sem()
    assert null["merged_unadjusted"].mean() > 5 * null["merged_unadjusted"].sem()
    assert null["merged_unadjusted"].mean() > 0.03
