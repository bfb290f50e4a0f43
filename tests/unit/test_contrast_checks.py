"""Lines beside the main one: what refuses one of them stops no other, none of them is a test, and controls speak up."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from contrasts import DAY, FEW, compare_electrical, write_episodes
from courses import small
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.estimators.doubly_robust import augmented_difference
from outcomes.questions import contrast_checks
from outcomes.questions.contrast_checks import (
    draw_clinics,
    find_clinics,
    first_episodes,
    pain_lines,
    without_clinic,
)
from outcomes.questions.contrast_lines import ADJUSTED, NOT_ESTIMABLE, POINTS, Line, fit_contrast
from outcomes.questions.modality_families import compare_families, head_line
from outcomes.questions.other_outcomes import build_rule_rows, judge_otherwise
from outcomes.questions.treatment_arms import family_arms
from outcomes.records import read_records
from outcomes.simulate import simulate, write_simulation
from tables import records, records_of


@pytest.fixture(scope="module")
def episodes():
    return compare_electrical()[0]


@pytest.fixture(scope="module")
def contrast():
    return compare_electrical()[1]


@pytest.fixture(scope="module")
def head():
    return compare_electrical()[2]


def test_no_line_beside_the_main_one_is_a_test(episodes, contrast, head):
    lines = [
        *pain_lines(episodes, contrast, head),
        *judge_otherwise(episodes, contrast, head, build_rule_rows(episodes)),
        first_episodes(episodes, contrast, head),
        *(without_clinic(episodes, contrast, head, code) for code in find_clinics(episodes, contrast)),
    ]
    shown = [line for line in lines if line.tag != NOT_ESTIMABLE]
    assert len(shown) >= 6
    assert np.isfinite([line.estimate for line in shown]).all()
    assert np.isnan([line.p_value for line in lines]).all()


# -- a clinic left out ------------------------------------------------------------------------------------------------


def test_without_a_clinic_it_is_the_estimate_of_the_others_alone(episodes, contrast, head):
    clinic = episodes.visits.columns["clinic"][contrast.arms.rows.row]
    codes = find_clinics(episodes, contrast)
    assert len(codes) == 6
    for code in codes:
        line = without_clinic(episodes, contrast, head, code)
        by_hand = fit_contrast(episodes, contrast.arms.take(clinic != code), DAY, 10).shown
        assert line.estimate == by_hand.difference[0]
        assert (line.with_value, line.without_value) == (by_hand.share_treated[0], by_hand.share_control[0])
        assert np.isnan([line.conf_low, line.conf_high, line.p_value]).all()


# -- clinics as drawn -------------------------------------------------------------------------------------------------

WITHOUT = (0.11, 0.09, 0.1, 0.12, 0.08, 0.1, 0.105, 0.095, 0.13, 0.07)


def left_out(head, estimates):
    main = dataclasses.replace(head, estimate=0.1, conf_low=0.05, conf_high=0.15, p_value=0.01)
    beside = [dataclasses.replace(head, analysis="without_clinic", estimate=value) for value in estimates]
    return main, [dataclasses.replace(head, analysis="first_episode", estimate=0.5), *beside]


def test_the_interval_of_clinics_as_drawn_is_that_of_the_jackknife_on_fishers_scale(episodes, contrast, head):
    (line,) = draw_clinics(episodes, contrast, *left_out(head, WITHOUT))
    turned = [math.atanh(value) for value in WITHOUT]
    mean = sum(turned) / 10
    half = 2.2621571628 * math.sqrt(0.9 * sum((one - mean) ** 2 for one in turned))  # Student's t, 9 degrees of freedom
    assert (line.analysis, line.tag, line.estimate) == ("clinics_drawn", ADJUSTED, 0.1)
    assert line.conf_low == pytest.approx(math.tanh(math.atanh(0.1) - half), abs=1e-10)
    assert line.conf_high == pytest.approx(math.tanh(math.atanh(0.1) + half), abs=1e-10)
    assert np.isnan(line.p_value)
    assert draw_clinics(episodes, contrast, *left_out(head, WITHOUT[::-1])) == [line]


def test_fewer_than_ten_clinics_have_no_such_line(episodes, contrast, head):
    assert draw_clinics(episodes, contrast, *left_out(head, WITHOUT[:9])) == []


def test_a_clinic_without_which_there_is_no_estimate_leaves_no_interval(episodes, contrast, head):
    main, beside = left_out(head, WITHOUT)
    (line,) = draw_clinics(episodes, contrast, main, [*beside[:-2], *(one.refuse("few") for one in beside[-2:])])
    assert line.reason == "without one of the clinics there is no estimate (so of 2 of 10)"
    assert (line.analysis, line.tag) == ("clinics_drawn", NOT_ESTIMABLE) and np.isnan(
        [line.conf_low, line.conf_high]
    ).all()


def test_episodes_of_an_unknown_clinic_leave_no_interval(contrast, head):
    episodes = write_episodes()
    columns = dict(episodes.visits.columns)
    columns["clinic"] = columns["clinic"].copy()
    columns["clinic"][contrast.arms.rows.row[0]] = -1
    unknown = dataclasses.replace(episodes, visits=dataclasses.replace(episodes.visits, columns=columns))
    (line,) = draw_clinics(unknown, contrast, *left_out(head, WITHOUT))
    assert line.reason == "the clinic of some episodes is not recorded"


@pytest.mark.parametrize(
    ("clinics", "said"), [(10, "The interval by clinic takes the 10 clinics"), (3, "these 3 clinics as")]
)
def test_a_chain_is_told_which_intervals_take_its_clinics_as_drawn(tmp_path, clinics, said):
    write_simulation(tmp_path, 2500, 5, clean=True, clinics=clinics)
    visits = build_visits(read_records(tmp_path / "visits.csv", tmp_path / "mapping.toml"), FEW)
    found = compare_families(build_episodes(visits), families=["electrical"])
    table = found.table.set_index("analysis")
    assert [note for note in found.notes if said in note]
    assert ("clinics_drawn" in table.index) == (clinics == 10)
    if clinics == 10:
        main, drawn = table.loc["adjusted"], table.loc["clinics_drawn"]
        main = main[main["scale"] == "difference"].iloc[0]
        assert drawn["estimate"] == main["estimate"] and drawn["conf_low"] < drawn["estimate"] < drawn["conf_high"]
        assert (drawn["n_with"], drawn["events_without"]) == (main["n_with"], main["events_without"])


def test_a_clinic_that_treats_all_alike_is_not_told_among_those_drawn():
    cells = simulate(2500, seed=5, clean=True, clinics=11).records
    cells = {name: [str(cell) for cell in column] for name, column in cells.items()}
    modalities, clinic, said = cells["modalities"], cells["clinic_id"], {}
    names = sorted(set(clinic))
    for one_sided in (1, 2):
        given = [
            f"{cell};tens" if at in names[:one_sided] else cell for cell, at in zip(modalities, clinic, strict=True)
        ]
        episodes = build_episodes(build_visits(records_of(cells | {"modalities": given}), FEW))
        found = compare_families(episodes, families=["electrical", "education"])
        table = found.table.set_index(["contrast", "analysis"])
        assert len(table.loc[("electrical", "without_clinic")]) == 11 - one_sided
        assert (("electrical", "clinics_drawn") in table.index) == (one_sided == 1)
        said[one_sided] = [note for note in found.notes if "clinics as drawn" in note or "There is none" in note]
    assert len(said[1]) == 1 and "takes the 10 to 11 clinics as drawn" in said[1][0]
    assert "takes the 11 clinics as drawn" in said[2][0]
    assert said[2][1:] == [
        "There is none, for too few clinics can be compared or left out, of: electrical stimulation."
    ]
    (alone,) = [note for note in compare_families(episodes, families=["electrical"]).notes if "as drawn" in note]
    assert "these 11 clinics as they are" in alone


# -- the first episode of each patient --------------------------------------------------------------------------------


def test_the_first_episode_is_the_earliest_of_each_patient(episodes, contrast, head):
    rows = contrast.arms.rows
    earliest = {}
    for i, (who, day) in enumerate(zip(rows.patient.tolist(), episodes.course.day[rows.row].tolist(), strict=True)):
        if who not in earliest or day < earliest[who][0]:
            earliest[who] = day, i
    part = np.zeros(rows.n, dtype=bool)
    part[[i for _, i in earliest.values()]] = True
    assert 0 < part.sum() < rows.n
    line = first_episodes(episodes, contrast, head)
    by_hand = fit_contrast(episodes, contrast.arms.take(part), DAY, 10)
    assert line.analysis == "first_episode"
    assert line.n_with + line.n_without == by_hand.arms.rows.n <= part.sum()
    assert line.estimate == by_hand.shown.difference[0]
    assert line.conf_low == by_hand.shown.difference_low[0]


def test_too_few_patients_are_the_reason_of_that_line():
    """Forty episodes of four patients pass a floor of ten; four first ones do not."""
    text = ["patient_id | visit_day | pain_pre | modalities"]
    for who in range(4):
        for time in range(10):
            start = 200 * time
            done = "massage;ultrasound" if (who + time) % 2 else "massage"
            end = 3 if time % 3 else 6
            text += [f"p{who} | {start} | 6 | {done}"]
            text += [f"p{who} | {start + day} | {pain} |" for day, pain in ((7, 6), (20, end), (35, end), (50, end))]
    floors = {"compare_min_episodes": 10, "compare_min_events": 1, "compare_min_effective_n": 2}
    episodes = build_episodes(build_visits(records("\n".join(text)), small(reporting_floor=floors)))
    arms = family_arms(episodes, build_treatment_rows(episodes), "ultrasound")
    contrast = fit_contrast(episodes, arms, DAY, 10)
    assert contrast.shown is not None
    line = first_episodes(episodes, contrast, head_line(episodes, arms))
    assert (line.n_with, line.n_without) == (2, 2)
    assert line.reason.startswith("too few episodes")


# -- pain -------------------------------------------------------------------------------------------------------------


def test_pain_is_refused_like_relief_where_the_arms_of_those_rated_are_too_small(episodes, contrast, head):
    plain = pain_lines(episodes, contrast, head)
    assert [line.scale for line in plain] == [POINTS, POINTS]
    assert np.isfinite([line.estimate for line in plain]).all()
    smaller = min(plain[0].n_with, plain[0].n_without)
    strict = write_episodes(
        Protocol.from_mapping(
            {"inference": {"bootstrap_draws": 10}, "reporting_floor": {"compare_min_effective_n": int(smaller)}}
        )
    )
    for line in pain_lines(strict, contrast, head):
        assert line.tag == NOT_ESTIMABLE
        assert "counts for fewer than" in line.reason


def test_pain_near_a_day_outside_the_window_is_refused(episodes, contrast, head):
    """A rating of day 21 is none near day 14, nor one of day 42 near day 90."""
    for day in (14, 90):
        for line in pain_lines(episodes, contrast, dataclasses.replace(head, horizon_days=day)):
            assert (line.tag, line.scale) == (NOT_ESTIMABLE, POINTS)
            assert line.reason == f"pain is read from day 21 to 42, and day {day} is not among them"
            assert np.isnan([line.estimate, line.conf_low, line.with_value]).all()
    for day in (21, 42):
        for line in pain_lines(episodes, contrast, dataclasses.replace(head, horizon_days=day)):
            assert "pain is read" not in line.reason


def test_weights_that_leave_an_arm_of_few_refuse_the_doubly_robust_mean(episodes, contrast):
    rng = np.random.default_rng(2)
    n = contrast.arms.rows.n
    x = rng.normal(size=n)
    arm = rng.random(n) < 1.0 / (1.0 + np.exp(-3.0 * x + 4.0))
    arms = dataclasses.replace(contrast.arms, treated=arm)
    pain = 4.0 + x + rng.normal(size=n)
    least = augmented_difference(x[:, None], arm, pain, cluster=arms.rows.patient).ess_treated
    assert 2 < least < 30
    line = Line("a", "A", "pain_doubly_robust", "", POINTS, DAY)
    refused = contrast_checks._doubly_robust(line, x[:, None], arms, pain, episodes)
    assert refused.tag == NOT_ESTIMABLE
    assert np.isnan(refused.estimate)
    assert f"those {arms.with_words} and rated near that day count for fewer than 30" in refused.reason
    fair = dataclasses.replace(arms, treated=rng.random(n) < 0.5)
    assert np.isfinite(contrast_checks._doubly_robust(line, x[:, None], fair, pain, episodes).estimate)


def test_pain_of_too_few_who_were_rated_is_refused(episodes, contrast, head, monkeypatch):
    def few(*asked):
        pain, rated = read_pain(*asked)
        return pain, rated & (np.cumsum(rated & contrast.arms.treated) <= 5)

    read_pain = contrast_checks.read_pain
    monkeypatch.setattr(contrast_checks, "read_pain", few)
    for line in pain_lines(episodes, contrast, head):
        assert (line.tag, line.reason) == (NOT_ESTIMABLE, "too few of an arm were rated near that day")
        assert np.isnan(line.estimate)


@pytest.mark.parametrize("which", ["augmented_difference", "overlap_weights"])
def test_pain_that_cannot_be_fitted_names_the_fact_and_not_its_column(episodes, contrast, head, monkeypatch, which):
    """Weights refuse both lines, one estimate only its own."""

    def refuse(*_, **__):
        raise NotEstimable("The arms cannot be compared: X[:, 0] tells who was treated.")

    monkeypatch.setattr(contrast_checks, which, refuse)
    lines = pain_lines(episodes, contrast, head)
    refused = lines if which == "overlap_weights" else lines[:1]
    assert [line.tag == NOT_ESTIMABLE for line in lines] == [True, which == "overlap_weights"]
    for line in refused:
        assert line.reason.startswith("the arms cannot be compared: ") and "X[" not in line.reason
        assert line.reason.endswith("tells who was treated")


def test_without_a_rating_after_the_first_treatment_there_is_no_pain_near_a_day():
    text = "patient_id | visit_day | pain_pre | modalities\na | 0 | 6 |\na | 3 | | massage\na | 27 | | massage"
    episodes = build_episodes(build_visits(records(text), small()))
    pain, rated = contrast_checks.read_pain(episodes, build_treatment_rows(episodes), DAY)
    assert np.isnan(pain).tolist() == [True] and rated.tolist() == [False]


def test_a_comparison_refused_before_its_columns_are_chosen_has_no_table(contrast):
    assert contrast.table.shape[0] == contrast.arms.rows.n
    with pytest.raises(NotEstimable, match="too few episodes of an arm"):
        _ = dataclasses.replace(contrast, chosen=None, reason="too few episodes of an arm").table
