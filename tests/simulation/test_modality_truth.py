"""Comparisons of treatments in clinics in which it is known what each of them does.

In the first world none does anything, and electrical stimulation and heat are given the more the worse the pain: those
who get them began worse, and a first rating far above what is usual falls by itself. In the second, manual work does
something and is given the more the worse the pain. In the last two a treatment cannot be told from the clinician, or
from another treatment.

200 clinics of 2,500 patients of each of the first two; they take about 45 minutes of processor time.
"""

from __future__ import annotations

import math

import pytest

from support.modality_world import (
    World,
    ask_clinics,
    find_truth,
    give_by_one_clinician,
    give_together,
    make_profile,
    mean_and_error,
    pick,
    set_shares,
)

pytestmark = pytest.mark.slow

CLINICS = 200
# Enough for signals: Student's t allows for a spread judged from few draws.
DRAWS = 100
EVERY_LINE = (("one_family", "adjusted"), ("all_families", "joint"))
NULL = World(make_profile(odds_per_point=2.0), draws=DRAWS)
PLANTED = World(
    make_profile({"shift_manual": -0.30}, shares=set_shares(manual=0.5), odds_per_point=2.0),
    indicated=("manual", "thermal"),
    families=("manual_soft_tissue",),
    draws=DRAWS,
)
MANUAL = "manual_soft_tissue"


@pytest.fixture(scope="module")
def null():
    return ask_clinics(NULL, range(1, CLINICS + 1))


@pytest.fixture(scope="module")
def planted():
    return ask_clinics(PLANTED, range(1, CLINICS + 1))


@pytest.fixture(scope="module")
def truth():
    return find_truth(PLANTED, MANUAL, range(1001, 1009))


def coverage(lines, value=0.0):
    lines = lines[lines["conf_low"].notna()]
    return float(((lines["conf_low"] <= value) & (value <= lines["conf_high"])).mean()), len(lines)


@pytest.mark.parametrize(("question", "analysis"), EVERY_LINE)
@pytest.mark.parametrize("family", ["ultrasound", "electrical"])
def test_what_does_nothing_is_found_to_do_nothing(null, question, analysis, family):
    lines = pick(null, question, family, analysis)
    assert len(lines) >= 0.9 * CLINICS
    mean, error = mean_and_error(lines["estimate"])
    assert abs(mean) < 2 * error, (mean, error)


def test_and_unadjusted_it_seems_to_do_something(null):
    mean, error = mean_and_error(pick(null, "one_family", "electrical", "unadjusted")["estimate"])
    assert mean > 4 * error


@pytest.mark.parametrize(("question", "analysis"), EVERY_LINE)
def test_intervals_of_what_does_nothing_hold_none(null, question, analysis):
    lines = null[(null["question"] == question) & (null["analysis"] == analysis)]
    share, n = coverage(lines)
    assert n > 6 * CLINICS
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize(("question", "analysis"), EVERY_LINE)
def test_at_most_one_clinic_in_ten_finds_a_signal_where_there_is_none(null, question, analysis):
    lines = null[(null["question"] == question) & (null["analysis"] == analysis)]
    signal = lines.groupby("seed")["q_value"].min() <= 0.10
    assert signal.mean() <= 0.10


@pytest.mark.parametrize(("question", "analysis"), EVERY_LINE)
def test_what_works_is_found_as_large_as_by_lot(planted, truth, question, analysis):
    lines = pick(planted, question, MANUAL, analysis)
    assert len(lines) >= 0.9 * CLINICS
    mean, error = mean_and_error(lines["estimate"])
    value, its_error = truth
    assert value > 0.05
    assert abs(mean - value) < 2.5 * math.hypot(error, its_error), (mean, error, truth)


@pytest.mark.parametrize(("question", "analysis"), EVERY_LINE)
def test_intervals_of_what_works_hold_it(planted, truth, question, analysis):
    share, n = coverage(pick(planted, question, MANUAL, analysis), truth[0])
    # One contrast a clinic: twice its Monte-Carlo error on either side.
    error = math.sqrt(0.95 * 0.05 / n)
    assert 0.93 - 2 * error <= share <= 0.97 + 2 * error, share


def test_what_one_clinician_alone_does_is_refused_every_time():
    world = World(make_profile(), families=("ultrasound",), patients=1200, change=give_by_one_clinician)
    lines = ask_clinics(world, range(1, 21))
    lines = lines[(lines["contrast"] == "ultrasound") & lines["analysis"].isin(["adjusted", "joint"])]
    assert len(lines) == 40
    assert lines["estimate"].isna().all()
    assert (lines["reason"] != "").all()


def test_two_always_given_together_are_refused_or_stand_as_one_every_time():
    world = World(make_profile(), families=("electrical", "thermal"), patients=1200, change=give_together)
    lines = ask_clinics(world, range(1, 21))
    single = lines[(lines["question"] == "one_family") & (lines["analysis"] == "adjusted")]
    assert len(single) == 40
    assert single["estimate"].isna().all()
    joint = lines[lines["question"] == "all_families"]
    assert not joint["contrast"].isin(["electrical", "thermal"]).any()
    bundle = joint[joint["contrast"] == "electrical+thermal"]
    assert len(bundle) == 20
    assert bundle["estimate"].notna().all()
