"""Drop-off by visit number: by hand, against naive counts, fates, quarters, invariants, refusals."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.questions.attendance import _of_quarter, _summarise, describe_attendance
from outcomes.questions.attendance_steps import Steps, build_steps, estimate_step, horizon_days
from outcomes.records import Mapping
from tables import records_of

TINY = Protocol.from_mapping(
    {
        "reporting_floor": {"estimate_min_episodes": 1, "proportion_min_n": 1, "curve_min_observed": 1},
        "episode": {"washout_days": 0},
    }
)
SMALL = Protocol.from_mapping({"episode": {"washout_days": 0}})
START = np.datetime64("2024-01-01")


def episodes_of(courses, protocol=TINY, last=500, order=None):
    """Episodes of patients written as ``day:pain`` courses; one more, without scores, keeps the clinic open."""
    rows = [{"patient_id": "open", "visit_date": str(START + day), "pain_pre": ""} for day in range(0, last + 1, 2)]
    for i, course in enumerate(courses):
        for point in course.split():
            day, pain = point.split(":")
            rows.append({"patient_id": f"p{i:04}", "visit_date": str(START + int(day)), "pain_pre": pain})
    table = pd.DataFrame(rows)
    table = table if order is None else table.sample(frac=1.0, random_state=order)
    return build_episodes(build_visits(records_of({name: table[name].tolist() for name in table}), protocol))


def steps_of(came, gap, watched, patient=None):
    n = len(came)
    one = np.ones(n, dtype=np.intp)
    of = np.arange(n) if patient is None else np.array(patient)
    return Steps(np.arange(n), of, one, 0 * one, np.array(came, dtype=bool), np.array(gap), np.array(watched))


def row(found, visit, within=89, group="all"):
    table = found.table
    return table[(table["group"] == group) & (table["visit"] == visit) & (table["within_days"] == within)].iloc[0]


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_the_worked_table():
    steps = steps_of([1, 0, 0, 1, 1], [7, -1, -1, 7, 20], [95, 95, 10, 10, 95])
    found = estimate_step(steps, 89, 0.95, 1, 1)
    assert found.estimate == pytest.approx(0.7, abs=1e-12)
    assert (found.n, found.events, found.told) == (5, 3, 3)
    naive, closed_only = 3 / 5, 3 / 4
    assert naive < found.estimate < closed_only
    # Within 10 days nothing is censored before its time: 2 of 5.
    assert estimate_step(steps, 10, 0.95, 1, 1).estimate == pytest.approx(2 / 5)


def test_still_open_are_those_who_did_not_come_and_may_still():
    episodes = episodes_of(["0:6 7:5"], last=200)
    steps = steps_of([1, 0, 0, 0], [7, -1, -1, -1], [10, 10, 88, 89])  # 89 days after a visit the next is a new episode
    assert _summarise(steps, episodes)["n_open"] == 2


def test_a_share_needs_two_patients():
    none = estimate_step(steps_of([0, 0], [-1, -1], [95, 95]), 89, 0.95, 1, 1)
    assert none.estimate == 0 and np.isnan([none.low, none.high]).all()
    came, gap, watched = [1, 0, 0], [7, -1, -1], [95, 95, 95]
    assert estimate_step(steps_of(came, gap, watched, patient=[0, 1, 1]), 89, 0.95, 1, 1).estimate == pytest.approx(
        1 / 3
    )
    assert np.isnan(estimate_step(steps_of(came, gap, watched, patient=[1, 1, 1]), 89, 0.95, 1, 1).estimate)


def test_visits_are_steps_with_gaps_and_days_watched():
    # The second patient comes back after 90 days: a new episode; the third after 89: the same.
    episodes = episodes_of(["0:6 7:5 20:4", "0:6 90:6", "0:6 89:6"], last=200)
    steps = build_steps(episodes)
    named = episodes.table["patient_id"].astype(str).to_numpy()[steps.episode]
    of = {name: named == name for name in ("p0000", "p0001", "p0002")}
    assert steps.visit[of["p0000"]].tolist() == [1, 2, 3]
    assert steps.gap_days[of["p0000"]].tolist() == [7, 13, -1]
    assert steps.watched_days[of["p0000"]].tolist() == [200, 193, 180]
    assert steps.visit[of["p0001"]].tolist() == [1, 1]
    assert steps.visit[of["p0002"]].tolist() == [1, 2]
    assert horizon_days(episodes) == 89


def test_who_came_for_a_quiet_check_up_or_something_new_did_not_come_for_a_further_visit_and_it_is_said():
    # Little pain 25 days later, and nothing after it; relief, and pain that is back 30 days later.
    courses = ["0:6 25:2", "0:6 7:3 37:7"]

    def of_named(protocol):
        episodes = episodes_of(courses, protocol, last=200)
        steps = build_steps(episodes)
        named = episodes.table["patient_id"].astype(str).to_numpy()[steps.episode]
        seen = [(who, int(visit)) for who, visit in zip(named, steps.visit, strict=True) if who != "open"]
        return seen, describe_attendance(episodes).notes

    usual, notes = of_named(TINY)
    assert usual == [("p0000", 1), ("p0001", 1), ("p0001", 2), ("p0001", 1)]
    assert any(
        "opens a new episode is no further visit" in note and "a last visit has one only" in note for note in notes
    )
    plain, notes = of_named(replace(TINY, episode=replace(TINY.episode, maintenance_heuristic=False)))
    assert plain == [("p0000", 1), ("p0000", 2), ("p0001", 1), ("p0001", 2), ("p0001", 1)]
    assert not any("taken as such" in note for note in notes)


def test_steps_and_reach_by_hand():
    courses = ["0:6 7:5 14:4"] * 4 + ["0:6 7:5"] * 4 + ["0:6"] * 2
    found = describe_attendance(episodes_of(courses, SMALL_FLOOR))
    # With the patient who keeps the clinic open there are 11 episodes; that one goes on and on.
    assert row(found, 1)[["n", "events"]].tolist() == [11, 9]
    assert row(found, 1)["estimate"] == pytest.approx(9 / 11)
    assert row(found, 2)["estimate"] == pytest.approx(5 / 9)
    assert row(found, 2)["reach"] == pytest.approx(5 / 11)
    assert np.isnan(row(found, 2, 30)["reach"])


SMALL_FLOOR = Protocol.from_mapping(
    {
        "reporting_floor": {"estimate_min_episodes": 5, "proportion_min_n": 1, "curve_min_observed": 1},
        "episode": {"washout_days": 0},
    }
)


def test_how_those_who_left_had_fared():
    courses = ["0:6 7:5 14:2"] * 3 + ["0:6 7:2"] * 5 + ["0:6 7:6"] * 4 + ["0: 7:"] * 2
    left = describe_attendance(episodes_of(courses, SMALL_FLOOR)).more["left"]
    second = left[left["visit"] == 2].set_index("reason")["events"]
    assert second.to_dict() == {"came": 4, "relieved": 5, "not_relieved": 6, "unrated": 2}
    parts = left[left["reason"] != "unrated"]
    assert parts.groupby("visit")["events"].sum().tolist() == parts.groupby("visit")["n"].first().tolist()


def test_those_not_watched_long_enough_are_in_no_fate():
    courses = ["0:6"] * 6 + ["150:6"] * 6
    left = describe_attendance(episodes_of(courses, SMALL_FLOOR, last=200)).more["left"]
    first = left[left["visit"] == 1].set_index("reason")
    assert first["n"].iloc[0] == 7
    assert first.loc["not_relieved", "events"] == 6


# -- the quarter that is not over -------------------------------------------------------------------------------------


def steady(weeks):
    """Ten patients a week who come on days 0, 10, 20, 30 (9 of 10 each time); the records stop while they do."""
    rng, courses, cut = np.random.default_rng(4), [], 7 * weeks
    for start in np.repeat(np.arange(0, cut, 7), 10):
        n = 1 + int(np.argmin(np.append(rng.random(5) < 0.9, False)))
        days = [start + 10 * k for k in range(n) if start + 10 * k <= cut]
        courses.append(" ".join(f"{day}:6" for day in days))
    return courses, cut


def test_a_naive_count_says_that_the_newest_patients_left():
    courses, cut = steady(78)
    episodes = episodes_of(courses, SMALL, last=cut)
    visits = pd.DataFrame({"n": episodes.table["n_visits"], "quarter": episodes.table["index_quarter"].astype(str)})
    naive = (visits["n"] >= 3).groupby(visits["quarter"]).mean()
    newest, before = naive.index[-1], naive.index[-3]
    assert naive[newest] < naive[before] - 0.08
    found = describe_attendance(episodes, quarter=newest)
    quarters = found.more["by_quarter"].set_index(["quarter", "visit", "within_days"])
    assert not quarters.loc[(newest, 4, 28), "mature"]
    assert quarters.loc[newest, ["estimate", "events"]].isna().all().all()
    # Step by step there is no sign that patients leave: 0.9 each time, to within three standard errors.
    for group, visits in (("all", (1, 2, 3)), (newest, (1,))):
        own = found.table[(found.table["group"] == group) & (found.table["within_days"] == 30)].set_index("visit")
        for visit in visits:
            n = own.loc[visit, "n"]
            assert own.loc[visit, "estimate"] == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / n))


def of_two_kinds(n, quarter_days, watched):
    """Steps of n episodes that began within a quarter: half come again quickly and often."""
    rng, rows = np.random.default_rng(1), []
    start, quick = rng.integers(0, quarter_days, n), rng.random(n) < 0.5
    for i in range(n):
        day = start[i]
        for visit in range(1, 13):
            gap = int(1 + rng.poisson(3 if quick[i] else 25))
            goes = rng.random() < (0.9 if quick[i] else 0.6)
            rows.append((i, visit, day, gap if goes else -1, quarter_days + watched - day))
            day += gap
            if not goes:
                break
    episode, visit, day, gap, left = np.array(rows).T
    seen = left >= 0
    came = (gap >= 0) & (gap <= left)
    return Steps(*(a[seen] for a in (episode, episode, visit, day, came, np.where(came, gap, -1), left)))


@pytest.mark.parametrize(("watched", "off"), [(0, (0.02, 1)), (30, (0.02, 1)), (90, (-0.01, 0.01))])
def test_the_quick_are_watched_longer_from_a_later_visit(watched, off):
    truth = of_two_kinds(20_000, 90, 10_000)
    seen = of_two_kinds(20_000, 90, watched)
    first, later = (
        estimate_step(seen.at(k), 30, 0.95, 30, 20).estimate - estimate_step(truth.at(k), 30, 0.95, 30, 20).estimate
        for k in (1, 4)
    )
    assert abs(first) < 0.01
    assert off[0] < later < off[1]


def test_a_quarter_that_ended_just_now_has_shares_of_the_first_visit_alone():
    courses, cut = steady(78)
    episodes = episodes_of(courses, SMALL, last=cut)
    quarters = describe_attendance(episodes).more["by_quarter"]["quarter"].unique()
    for quarter, young in ((quarters[-1], True), (quarters[-3], False)):
        found = describe_attendance(episodes, quarter=quarter)
        own = found.table[(found.table["group"] == quarter) & (found.table["within_days"] == 30)].set_index("visit")
        assert own.loc[1, ["estimate", "conf_low"]].notna().all()
        assert own.loc[2, ["estimate", "conf_low", "conf_high"]].isna().all() == young
        assert own.loc[2, "n"] > 0
        assert any(f"{quarter} ended fewer than 90 days before the data cut" in note for note in found.notes) == young


def test_quarters_are_equal_where_all_were_watched_as_long():
    courses, cut = steady(78)
    quarters = describe_attendance(episodes_of(courses, SMALL, last=cut)).more["by_quarter"]
    shown = quarters[quarters["mature"] & (quarters["visit"] == 2) & (quarters["within_days"] == 28)]
    assert len(shown) >= 4
    for line in shown.to_dict("records"):
        assert line["estimate"] == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / line["n"]))
        assert line["conf_low"] < line["estimate"] < line["conf_high"]


def test_leaving_out_open_episodes_would_flatter():
    """Most gaps are 40 days, some 5: shortly before the end only the quick are known to have come."""
    rng = np.random.default_rng(6)
    cut, n = 100, 6000
    start = rng.integers(0, cut, n)
    comes, gap = rng.random(n) < 0.6, np.where(rng.random(n) < 0.7, 40, 5)
    watched = cut - start
    seen = comes & (gap <= watched)
    steps = steps_of(seen, np.where(seen, gap, -1), watched)
    found = estimate_step(steps, 89, 0.95, 30, 20)
    told = seen | (watched >= 89)
    assert found.estimate == pytest.approx(0.6, abs=0.03)
    assert found.low < 0.6 < found.high
    assert seen[told].mean() > 0.75
    assert seen.mean() < 0.5


@pytest.mark.slow
def test_limits_hold_the_truth_as_often_as_they_say():
    rng, runs, held = np.random.default_rng(8), 1000, 0
    for _ in range(runs):
        watched = rng.integers(0, 300, 300)
        gap = rng.integers(1, 60, 300)
        came = (rng.random(300) < 0.7) & (gap <= watched)
        found = estimate_step(steps_of(came, np.where(came, gap, -1), watched), 89, 0.95, 30, 20)
        held += found.low <= 0.7 <= found.high
    assert held / runs == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / runs) + 0.005)


# -- invariants -------------------------------------------------------------------------------------------------------


def test_the_order_of_rows_changes_no_bit():
    courses, cut = steady(30)
    one, other = (describe_attendance(episodes_of(courses, SMALL, cut, order), "2024Q1") for order in (1, 2))
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    for name in ("left", "by_quarter"):
        pd.testing.assert_frame_equal(one.more[name], other.more[name], check_exact=True)


def test_two_copies_of_each_patient_change_no_share():
    courses, cut = steady(30)
    one, two = (describe_attendance(episodes_of(times * courses, SMALL, cut)) for times in (1, 2))
    # The patient who keeps the clinic open is there once.
    assert two.table["estimate"].tolist()[:6] == pytest.approx(one.table["estimate"].tolist()[:6], abs=0.01)
    assert two.table["n"].iloc[0] == 2 * one.table["n"].iloc[0] - 1
    width = [table["conf_high"] - table["conf_low"] for table in (one.table, two.table)]
    assert (width[1] / width[0]).iloc[0] == pytest.approx(1 / np.sqrt(2), abs=0.05)


# -- refusals and floors ----------------------------------------------------------------------------------------------


def test_a_step_that_nobody_was_watched_for_has_no_value():
    found = describe_attendance(episodes_of(["0:6 7:5"] * 40, SMALL, last=60))
    assert np.isnan(row(found, 1)["estimate"])
    assert row(found, 1, 30)["estimate"] == 1.0
    assert np.isnan(row(found, 1, 30)["conf_low"])
    assert np.isnan(row(found, 1)["reach"])


def test_a_quarter_within_the_washout_is_not_one_without_episodes():
    days = np.array(["2023-01-09", "2023-02-10", "2023-05-02"], dtype="datetime64[D]").astype(np.int64)
    columns = {"index_day": days, "is_inception": np.array([False, False, True])}
    episodes = SimpleNamespace(has_calendar=True, columns=columns)
    with pytest.raises(NotEstimable, match=r"started in 2023Q1 none began after the washout.*Choose a later quarter"):
        _of_quarter(episodes, "2023Q1")
    assert _of_quarter(episodes, "2023Q2")[1].tolist() == [False, False, True]
    with pytest.raises(NotEstimable, match="No episode started in 2022Q4"):
        _of_quarter(episodes, "2022Q4")


def test_refusals():
    episodes = episodes_of(["0:6 7:5"] * 40, SMALL)
    with pytest.raises(NotEstimable, match="No episode started in 2030Q1"):
        describe_attendance(episodes, "2030Q1")
    with pytest.raises(InputRefused, match="is no quarter"):
        describe_attendance(episodes, "spring")
    late = Protocol.from_mapping({"episode": {"washout_days": 10_000}})
    with pytest.raises(NotEstimable, match="after the washout"):
        describe_attendance(episodes_of(["0:6"], late))


def test_visits_after_the_last_observed_day_are_set_aside():
    """As dates after a data cut are: a visit that nobody could have seen must not stand in the records."""
    cells = {
        "patient_id": [f"p{i:02}" for i in range(10) for _ in range(3)],
        "visit_day": [str(day) for i in range(10) for day in (0, 30, 31 if i < 4 else 20)],
        "pain_pre": ["6"] * 30,
    }
    visits = build_visits(records_of(cells, Mapping.from_dict({"dates": {"observed_until_day": 30}})), TINY)
    assert visits.quarantine["code"].to_pylist() == ["E222"] * 4 and visits.n == 26
    assert "observed_until_day" in visits.quarantine["remedy"][0].as_py()


def test_day_numbers_without_an_end_tell_who_came_and_of_nobody_that_he_did_not():
    cells = {
        "patient_id": [f"p{i:02}" for i in range(40) for _ in range(2 - i % 2)],
        "visit_day": [str(7 * j) for i in range(40) for j in range(2 - i % 2)],
        "pain_pre": ["6" for i in range(40) for _ in range(2 - i % 2)],
    }
    with pytest.raises(NotEstimable, match="observed_until_day"):
        describe_attendance(build_episodes(build_visits(records_of(cells), TINY)))
    declared = records_of(cells, Mapping.from_dict({"dates": {"observed_until_day": 200}}))
    table = describe_attendance(build_episodes(build_visits(declared, TINY))).table
    assert table.query("visit == 1 and within_days == 30")["estimate"].tolist() == [pytest.approx(0.5)]


def test_an_export_without_a_calendar_has_no_quarters():
    cells = {"patient_id": ["a", "a"], "visit_day": ["0", "7"], "pain_pre": ["6", "2"]}
    known = Mapping.from_dict({"dates": {"observed_until_day": 400}})
    with pytest.raises(NotEstimable, match="this export has day numbers and no calendar"):
        describe_attendance(build_episodes(build_visits(records_of(cells, known), TINY)), "2024Q1")
