"""Return, how often, and the lines beside it: by hand on small tables, and against plain counting on simulated ones."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from courses import SMALL, at, dated_episodes, days_after, small
from outcomes.cases import build_episodes, build_return_rows, build_visits
from outcomes.cases.return_history import build_return_history
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.questions import estimate_recurrence, return_counts
from outcomes.questions.return_composite import estimate_composite
from outcomes.simulate import simulate
from tables import records_of

START = date(2023, 1, 2)
# Relief on day 7 and landmark on day 37 for all; z keeps the clinic open to day 900, 863 days after the landmark.
COURSES = {
    "a": "0:6 7:2 70:6 77:2 200:6",  # back on days 33 and 163 of the clock
    "b": "0:6 7:2 137:6",  # back on day 100
    "c": "0:6 7:2",
    "d": "0:6 7:2 20:3 33:6",  # relapse, six days after the landmark would have begun the clock: day 33 < 37
    "e": "0:6 7:5",  # never relieved
}


def history(courses=COURSES, protocol=SMALL):
    points = [f"{who} {point.replace(':', ' ')}" for who, course in courses.items() for point in course.split()]
    return dated_episodes(days_after(START, *points, "z 900 6"), protocol)


@pytest.fixture(scope="module")
def simulated():
    world = simulate(1200, seed=11, clean=True)
    records = records_of({head: [str(cell) for cell in cells] for head, cells in world.records.items()})
    return build_episodes(build_visits(records))


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_mean_number_of_returns_by_hand():
    found = estimate_recurrence(history())
    assert found.settings["landmark_days"] == SMALL.recurrence.landmark_days
    # Patients a, b, c reach a landmark (d relapses, e is never relieved): 3 returns of 3 patients within a year.
    year = at(found.mean_returns, 365)
    assert (year["n"], year["events"]) == (3, 3)
    assert year["estimate"] == pytest.approx(1.0)
    curve = found.mean_curve.set_index("day")["estimate"]
    assert curve[[32, 33, 99, 100, 162, 163]].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    # Lawless and Nadeau: each patient's returns less the mean, squared and summed, over the square of 3 patients.
    std_err = math.sqrt(((2 - 1) ** 2 + (1 - 1) ** 2 + (0 - 1) ** 2) / 9)
    z = 1.959963984540054
    assert year["conf_low"] == pytest.approx(math.exp(-z * std_err))
    assert year["conf_high"] == pytest.approx(math.exp(z * std_err))
    assert (found.summary["n_followed"], found.summary["n_returns"]) == (3, 3)


def test_the_rate_is_returns_over_years():
    rate = estimate_recurrence(history()).rates.iloc[0]
    assert (rate["n"], rate["events"]) == (3, 3)
    # The landmark day itself is at risk: 864 days of each.
    assert rate["years"] == pytest.approx(3 * 864 / 365.25)
    assert rate["estimate"] == pytest.approx(3 / rate["years"], rel=1e-6)


def test_each_patient_counts_once_beside_each_episode():
    # a has two episodes at risk, both back within a year; b and c have one each, b back.
    found = estimate_recurrence(history())
    assert at(found.table, 365)["estimate"] == pytest.approx(3 / 4)
    assert at(found.per_patient, 365)["estimate"] == pytest.approx(2 / 3)


def test_composite_by_hand():
    found = estimate_recurrence(history()).composite.set_index("measure")
    assert found["n"].tolist() == [9, 5, 4, 9]  # a three episodes, b two, c, d, e and z one: nine eligible
    assert found["events"].tolist() == [5, 4, 1, 1]
    product = found.loc[["relieved", "kept", "not_back"], "estimate"].prod()
    assert found.loc["relieved_and_not_back", "estimate"] == pytest.approx(product)
    assert found.loc["kept", "estimate"] == pytest.approx(4 / 5)
    assert found.loc["not_back", "estimate"] == pytest.approx(1 / 4)


def test_maintenance_care_apart_by_hand():
    # m has a quiet visit on day 51, told to be maintenance once 21 days have passed: day 72, 35 on the clock. The
    # return on day 151 is 79 days into maintenance care.
    courses = COURSES | {"m": "0:6 7:2 51:1 151:6"}
    table = estimate_recurrence(history(courses)).maintenance
    first = table[table["outcome"] == "first_return"].set_index(["part", "horizon_days"])
    assert first.loc[("outside", 365), ["n", "events"]].tolist() == [5, 3]
    assert first.loc[("inside", 90), ["n", "events"]].tolist() == [1, 1]
    assert first.loc[("outside", 90), ["n", "events"]].tolist() == [5, 1]


# -- invariants -------------------------------------------------------------------------------------------------------


def test_first_events_of_histories_are_first_returns(simulated):
    returns, found = build_return_rows(simulated, prevalent=True), build_return_history(simulated)
    by_episode = {int(e): i for i, e in enumerate(returns.episode)}
    first_rows = np.flatnonzero(np.diff(found.patient, prepend=-1) != 0)
    compared = 0
    for row, episode in zip(first_rows, found.episode, strict=True):
        if int(episode) in by_episode:
            i = by_episode[int(episode)]
            assert found.event[row] == returns.event[i]
            assert found.start_days[row] == returns.start_days[i]
            assert found.stop_days[row] == returns.stop_days[i]
            compared += 1
    assert compared > 300


def test_histories_cover_each_patient_without_gap(simulated):
    found = build_return_history(simulated)
    same = found.patient[1:] == found.patient[:-1]
    assert (found.start_days[1:][same] == found.stop_days[:-1][same]).all()
    assert (found.stop_days > found.start_days).all()
    assert found.event[:-1][same].all()
    total = np.bincount(found.patient, weights=found.stop_days - found.start_days)
    assert (total == found.observed_days).all()
    assert np.unique(simulated.columns["patient"][found.episode]).size == found.episode.size


def test_histories_against_plain_loops(simulated):
    found = build_return_history(simulated)
    columns, course, visits = simulated.columns, simulated.course, simulated.visits.columns
    returns = build_return_rows(simulated, prevalent=True)
    flares = {(int(p), int(s), int(d)) for p, s, d in _flares(simulated, returns)}
    for i in range(0, found.episode.size, 5):
        episode, landmark = int(found.episode[i]), int(found.landmark_day[i])
        patient, stream = int(columns["patient"][episode]), int(columns["stream"][episode])
        begin = landmark + int(found.start_days[found.patient == i][0])
        until = int(columns["observable_until_day"][episode])
        days = {d for p, s, d in flares if (p, s) == (patient, stream)}
        for e in np.flatnonzero((columns["patient"] == patient) & (columns["stream"] == stream)):
            row = simulated.starts[e]
            pain, rule = int(course.pain[row]), int(columns["opened_by"][e])
            if rule > 0 and (pain >= 300 or (pain < 0 and rule in (1, 3))):
                days.add(int(course.day[row]))
        expected = sorted(d - landmark for d in days if d >= landmark and begin < d <= until)
        mine = (found.patient == i) & (found.event > 0)
        assert found.stop_days[mine].tolist() == expected
    assert visits["patient"].size == course.n


def _flares(episodes, returns):
    back = returns.reason == 2
    rows = returns.return_row[back]
    patient = returns.patient[back]
    return zip(patient, episodes.columns["stream"][returns.episode[back]], episodes.course.day[rows], strict=True)


def test_groups_split_what_all_together_have(simulated):
    whole, parts = estimate_recurrence(simulated), estimate_recurrence(simulated, by="previous_episodes")
    assert list(dict.fromkeys(parts.table["group"])) == ["0", "1-2", "3 or more", "not recorded"]
    for name in ("table", "mean_returns", "rates"):
        one, many = getattr(whole, name), getattr(parts, name)
        keys = [key for key in ("horizon_days",) if key in one]
        counts = ["n", "events"]
        left = many.groupby(keys)[counts].sum() if keys else many[counts].sum()
        assert left.to_numpy().tolist() == (one[counts] if keys else one.iloc[0][counts]).to_numpy().tolist()
    for name in ("composite", "maintenance", "definitions"):
        assert getattr(parts, name).empty and len(getattr(whole, name))


def test_who_is_not_compared_is_said_of_either_test_by_what_it_counts(simulated):
    strict = Protocol.from_mapping({"reporting_floor": {"compare_min_episodes": 5_000}})
    episodes = replace(simulated, protocol=strict)
    found = [note for note in estimate_recurrence(episodes, by="sex").notes if "ompared with the others" in note]
    # One test is of first returns of episodes, the other of all returns of patients.
    assert len(found) == 2
    assert "fewer than 5000 episodes or 10 with a return: " in found[0]
    assert "fewer than 5000 patients or 10 returns: " in found[1]


def test_the_interval_of_the_composite_holds_its_estimate(simulated):
    table = estimate_composite(simulated, build_return_rows(simulated))
    assert ((table["conf_low"] < table["estimate"]) & (table["estimate"] < table["conf_high"])).all()
    assert (table["events"] <= table["n"]).all()


def test_a_share_of_all_episodes_has_no_interval():
    """Nobody of four relapsed: every draw has 1 too, and "100 to 100 %" would say that nobody ever will."""
    courses = {who: course for who, course in COURSES.items() if who != "d"}
    found = estimate_recurrence(history(courses)).composite.set_index("measure")
    assert found.loc["kept", "estimate"] == 1 and found.loc["kept", ["conf_low", "conf_high"]].isna().all()
    assert found.loc["not_back", ["conf_low", "conf_high"]].notna().all()


def test_the_same_answer_twice(simulated):
    one, two = estimate_recurrence(simulated), estimate_recurrence(simulated)
    for name in ("table", "mean_returns", "rates", "composite", "maintenance", "definitions"):
        assert getattr(one, name).equals(getattr(two, name))


def test_patients_as_clusters_widen_the_interval(simulated):
    # The same episodes as if each were a patient of his or her own.
    found = estimate_recurrence(simulated)
    returns = build_return_rows(simulated)
    from outcomes.questions.return_lines import AtRisk, fit_line

    rows = AtRisk.of(returns)
    alone = fit_line("all", replace(rows, patient=np.arange(rows.patient.size)), simulated.protocol)
    year = at(found.table, 365)
    width, narrow = year["conf_high"] - year["conf_low"], alone.conf_high[365] - alone.conf_low[365]
    assert alone.estimate[365] == pytest.approx(year["estimate"])
    assert width != pytest.approx(narrow, rel=1e-6)


def test_two_groups_of_one_course_do_not_differ_at_all():
    from outcomes.questions.return_lines import AtRisk, compare_hazards

    stop, event = np.tile([30.0, 60.0, 90.0, 120.0], 4), np.tile([True, True, True, False], 4)
    own, group = np.arange(16), np.repeat([0, 1], 8)
    found = compare_hazards(AtRisk(own, own, 0 * stop, stop, event, 0 * stop + 1), own, group)
    assert (found.statistic, found.df) == (pytest.approx(0, abs=1e-12), 1)
    assert found.p_value == pytest.approx(1, abs=1e-6)


# -- what cannot be said ----------------------------------------------------------------------------------------------


def test_under_the_floor_there_is_no_number():
    found = estimate_recurrence(history(protocol=small(reporting_floor={"estimate_min_episodes": 30})))
    for name in ("table", "per_patient", "mean_returns", "rates", "composite", "maintenance", "definitions"):
        assert getattr(found, name)["estimate"].isna().all(), name


def test_nobody_relieved_is_refused():
    with pytest.raises(NotEstimable, match="no episode was relieved"):
        estimate_recurrence(history({"e": "0:6 7:5"}))


def test_groups_known_later_are_refused(simulated):
    with pytest.raises(InputRefused, match="known only later"):
        estimate_recurrence(simulated, by="has_maintenance")


def test_nobody_returns():
    found = estimate_recurrence(history({"b": "0:6 7:2", "c": "0:6 7:2"}))
    assert at(found.table, 365)["estimate"] == 0
    assert math.isnan(at(found.table, 365)["conf_low"])
    assert at(found.mean_returns, 365)["estimate"] == 0
    assert math.isnan(at(found.mean_returns, 365)["conf_high"])
    assert math.isnan(found.rates.iloc[0]["estimate"])


def test_noise_of_ratings_is_said_to_overstate_returns(simulated):
    assert any("noise" in note and "returns are overstated" in note for note in estimate_recurrence(simulated).notes)


def test_no_word_says_that_the_risk_falls(simulated):
    found = estimate_recurrence(simulated)
    said = " ".join((*found.notes, *map(str, found.settings.values()))).lower()
    assert "frequent returners leave the group first" in said
    for claim in ("risk falls", "falls with time", "risk of the next", "reduces", "prevents", "effective"):
        assert claim not in said


def test_rates_that_cannot_be_fitted_are_said_and_counted_all_the_same(simulated, monkeypatch):
    plain = estimate_recurrence(simulated).rates

    def refuse(*_, **__):
        raise NotEstimable("the model did not converge.")

    monkeypatch.setattr(return_counts.rates, "negative_binomial_rate", refuse)
    found = estimate_recurrence(simulated)
    assert "Returns per patient-year cannot be given: the model did not converge." in found.notes
    assert found.rates[["estimate", "conf_low", "conf_high"]].isna().all(axis=None)
    assert plain["estimate"].notna().all()
    counted = [name for name in plain if plain[name].dtype.kind in "if" and found.rates[name].notna().all()]
    assert len(counted) >= 3 and found.rates[counted].equals(plain[counted])
