"""Worked tables for returns: what counts, from when on, for whom, how often, and what began when."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_return_rows, build_visits
from outcomes.cases.after_relief import NEVER, first_exercise_day, first_maintenance_day
from outcomes.cases.return_history import build_return_history
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from tables import open_clinic, records

# -- return rows: relief on day 10 of 2025, landmark 30 days later, data cut 2025-12-31 --------------------

RETURNS = [
    ("0:6 10:2", ("data_cut", 324)),
    ("0:6 10:2 45:5", ("new_episode", 5)),
    ("0:6 10:2 40:5", ("new_episode", 0)),
    ("0:6 10:2 20:2 39:5", ("relapse", None)),
    ("0:6 10:2 45:3 60:4", ("pain_back", 20)),
    ("0:6 10:2 20:3.9 60:2", ("data_cut", 274)),
    ("0:6 10:1 100:", ("new_episode", 60)),
    ("0:6 10:1 100:2.9", ("data_cut", 324)),
    ("0:6 10:4", ("not relieved", None)),
]


def episodes_of(courses: list[str], washout: int = 0):
    """Episodes of ``day:pain[:region[:modality[:purpose]]]`` points of 2025 at a clinic open all year."""
    start = np.datetime64("2025-01-01")
    rows = ["patient_id | visit_date | pain_pre | region | modalities | visit_purpose"]
    rows += open_clinic("2025-01-01", "2025-12-31", "| lumbar | | ")
    for number, course in enumerate(courses):
        for point in course.split():
            day, pain, region, modality, purpose = (point.split(":") + [""] * 3)[:5]
            rows.append(f"p{number:02} | {start + int(day)} | {pain} | {region or 'lumbar'} | {modality} | {purpose}")
    protocol = Protocol.from_mapping({"episode": {"washout_days": washout}})
    return build_episodes(build_visits(records("\n".join(rows)), protocol))


def return_rows(courses: list[str], *args, washout: int = 0, **options):
    return build_return_rows(episodes_of(courses, washout), *args, **options)


@pytest.mark.parametrize(("course", "expected"), RETURNS)
def test_return(course, expected):
    found = return_rows([course])
    reason, stop = expected
    if stop is None:
        assert len(found.episode) == 0
        assert (found.n_relieved, found.n_relapsed) == ((1, 1) if reason == "relapse" else (0, 0))
    else:
        assert found.table[["start_days", "stop_days", "reason"]].values.tolist() == [[-1, stop, reason]]


def test_all_courses_together_give_what_each_gives_alone():
    together = return_rows([course for course, _ in RETURNS])
    alone = [stop for _, (_, stop) in RETURNS if stop is not None]
    assert together.stop_days.tolist() == alone
    assert (together.n_relieved, together.n_relapsed) == (8, 1)


def test_a_landmark_after_the_data_cut_is_too_young():
    start = np.datetime64("2025-01-01")
    rows = ["patient_id | visit_date | pain_pre", *open_clinic("2024-09-01", str(start + 39))]
    rows += [f"p1 | {start} | 6", f"p1 | {start + 10} | 2"]
    found = build_return_rows(build_episodes(build_visits(records("\n".join(rows)))))
    assert (found.n_relieved, found.n_too_young, len(found.episode)) == (1, 1, 0)


def test_day_numbers_without_an_end_of_observation_are_refused_with_the_remedy():
    with pytest.raises(NotEstimable, match="observed_until_day"):
        build_return_rows(
            build_episodes(build_visits(records("patient_id | visit_day | pain_pre\np | 0 | 6\np | 7 | 2")))
        )


# -- other kinds of return: relief on day 10, landmark day 40 -------------------------------------------------

KINDS = [
    # (course, kind, expected reason and day on the clock)
    ("0:6 10:2 45:3 60:4", "all", ("pain_back", 20)),
    ("0:6 10:2 45:3 60:4", "new_episode", ("data_cut", 324)),
    ("0:6 10:2 50:6:cervical", "all", ("data_cut", 324)),
    ("0:6 10:2 50:6:cervical", "any_region", ("other_region", 10)),
    ("0:6 10:2 50:2.9:cervical", "any_region", ("data_cut", 324)),
    ("0:6 10:2 50:3:cervical", "any_region", ("other_region", 10)),
    ("0:6 10:2 50:6 60:6:cervical", "any_region", ("new_episode", 10)),
    # Any visit counts from as long after the landmark as the landmark lies after relief: day 70 on.
    ("0:6 10:2 69:2 80:2", "any_visit", ("visit", 40)),
    ("0:6 10:2 70:2 80:2", "any_visit", ("visit", 30)),
    ("0:6 10:2 60:6", "any_visit", ("data_cut", 324)),
    ("0:6 10:2 100:1::massage:maintenance", "any_visit", ("data_cut", 324)),
    ("0:6 10:2 100:1:cervical:massage", "any_visit", ("visit", 60)),
]


@pytest.mark.parametrize(("course", "kind", "expected"), KINDS)
def test_kinds_of_return(course, kind, expected):
    found = return_rows([course], kind)
    assert found.table[["reason", "stop_days"]].values.tolist()[0] == list(expected)


def test_the_visit_of_another_patient_is_nobodys_return():
    found = return_rows(["0:6 10:2", "0:6 10:2 70:2 80:2", "0:6 10:2"], "any_visit")
    assert found.table["reason"].tolist() == ["data_cut", "visit", "data_cut"]


@pytest.mark.parametrize(("last", "n_followed"), [(40, 1), (39, 0)])
def test_who_relapsed_is_followed_where_the_landmark_is_on_record(last, n_followed):
    start = np.datetime64("2025-01-01")
    rows = ["patient_id | visit_date | pain_pre", *open_clinic("2024-09-01", str(start + last))]
    rows += [f"p1 | {start + day} | {pain}" for day, pain in ((0, 6), (10, 2), (20, 2), (39, 5))]
    found = build_return_rows(build_episodes(build_visits(records("\n".join(rows)))))
    assert len(found.relapsed_episode) == n_followed
    assert (found.n_relieved, len(found.episode)) == (1, 0)


def test_a_new_episode_before_the_landmark_is_relapse():
    # Baseline 8, relief 1 on day 10; rule B opens an episode with pain 4 on day 52, before a landmark on day 70.
    courses = ["0:8 10:1 52:4 300:6"]
    late, usual = return_rows(courses, landmark_days=60), return_rows(courses)
    assert (late.n_relapsed, late.relapsed_episode.size) == (1, 1)
    assert usual.stop_days.tolist()[0] == 12


def test_a_rating_after_the_landmark_does_not_decide_who_reached_it():
    # Relief on day 10, contradicted on day 35, 25 days later: known at a landmark of 30 days, not at one of 14.
    courses = ["0:6 10:2 35:5"]
    assert return_rows(courses).n_relieved == 0
    early = return_rows(courses, landmark_days=14)
    assert early.table[["stop_days", "reason"]].values.tolist() == [[11, "pain_back"]]


@pytest.mark.parametrize("kind", ["all", "new_episode", "any_region", "any_visit"])
def test_relapse_is_the_same_whatever_counts_as_a_return(kind):
    found = return_rows(["0:6 10:2 20:2 39:5 80:6", "0:6 10:2 20:2 39:5:cervical"], kind)
    assert (found.n_relapsed, found.relapsed_episode.size) == (1, 1)


def test_an_unknown_kind_is_refused_with_the_list():
    with pytest.raises(NotEstimable, match="any_region"):
        return_rows(["0:6 10:2"], "pain")


def test_the_landmark_can_be_moved():
    rows = {days: return_rows(["0:6 10:2 45:5"], landmark_days=days) for days in (14, 30, 36)}
    assert [rows[d].stop_days.tolist() for d in (14, 30)] == [[21], [5]]
    assert (rows[36].n_relapsed, rows[36].episode.size) == (1, 0)


def test_the_visit_that_is_the_return_is_named():
    episodes = episodes_of(["0:6 10:2 45:5", "0:6 10:2"])
    found = build_return_rows(episodes)
    since = episodes.course.day[found.return_row] - found.landmark_day
    assert (found.return_row >= 0).tolist() == [True, False]
    assert since[0] == found.stop_days[0] == 5


def test_a_return_after_the_data_cut_of_the_clinic_is_no_event():
    # Clinic A's records end on day 99; the patient comes to clinic B on day 200, which is open all year.
    start = np.datetime64("2025-01-01")
    rows = ["patient_id | visit_date | pain_pre | clinic_id"]
    for clinic, last in (("A", 99), ("B", 360)):
        rows += [f"open{clinic} | {start + day} | | {clinic}" for day in range(0, last + 1, 9)]
    rows += [
        f"p | {start + day} | {pain} | {clinic}" for day, pain, clinic in ((0, 6, "A"), (10, 2, "A"), (200, 6, "B"))
    ]
    protocol = Protocol.from_mapping({"episode": {"washout_days": 0}})
    found = build_return_rows(build_episodes(build_visits(records("\n".join(rows)), protocol)))
    assert found.table[["stop_days", "event", "reason"]].values.tolist() == [[59, 0, "data_cut"]]
    assert found.n_after_cut == 1


# -- patients in care when the records begin: first visit day 4, washout 86 days, complete from day 90 on --------------


PREVALENT = [
    # relief on day 20, landmark day 50: at risk after day 89, that is 39 on the clock
    ("10:6 20:2 150:6", (39, 100, 1)),
    ("10:6 20:2", (39, 314, 0)),
    ("10:6 20:2 90:6", (39, 40, 1)),
    ("10:6 20:2 89:6", None),  # returned on the last day of the washout: never at risk
    ("10:6 85:2 200:6", (-1, 85, 1)),  # landmark day 115, after the washout: at risk from the landmark itself
]


@pytest.mark.parametrize(("course", "expected"), PREVALENT)
def test_patients_in_care_enter_when_the_records_are_complete(course, expected):
    assert return_rows([course], washout=86).episode.size == 0
    found = return_rows([course], washout=86, prevalent=True)
    got = list(zip(found.start_days.tolist(), found.stop_days.tolist(), found.event.tolist(), strict=True))
    assert got == ([] if expected is None else [expected])
    assert found.early_episode.size == (expected is None)


def test_new_patients_are_followed_the_same_with_and_without_those_in_care():
    courses = ["100:6 110:2 200:6", "120:6 130:2"]
    alone, beside = return_rows(courses, washout=86), return_rows(courses, washout=86, prevalent=True)
    assert alone.table.equals(beside.table)


# -- all returns of a patient ------------------------------------------------------------------------------------

HISTORIES = [
    # relief day 10, landmark day 40, data cut day 364
    ("0:6 10:2", [(-1, 324, 0)]),
    ("0:6 10:2 60:6 70:1 200:6", [(-1, 20, 1), (20, 160, 1), (160, 324, 0)]),
    ("0:6 10:2 45:3 60:4", [(-1, 20, 1), (20, 324, 0)]),
    # An episode that was never relieved ends by its gap; the next one is a return all the same.
    ("0:6 10:2 60:6 70:5 200:6", [(-1, 20, 1), (20, 160, 1), (160, 324, 0)]),
    # A return on the day of the data cut leaves nothing to follow.
    ("0:6 10:2 364:6", [(-1, 324, 1)]),
    # Another stream is another complaint.
    ("0:6 10:2 100:6:cervical 110:2:cervical 250:6:cervical", [(-1, 324, 0)]),
]


@pytest.mark.parametrize(("course", "expected"), HISTORIES)
def test_history(course, expected):
    found = build_return_history(episodes_of([course]))
    got = list(zip(found.start_days.tolist(), found.stop_days.tolist(), found.event.tolist(), strict=True))
    assert got == expected
    assert found.n_returns.tolist() == [sum(event for _, _, event in expected)]
    assert found.observed_days.tolist() == [325]


@pytest.mark.parametrize(("back", "seen"), [(80, []), (89, []), (90, [(39, 40, 1)])])
def test_histories_of_patients_in_care_begin_when_the_records_are_complete(back, seen):
    # Landmark day 50, so day 90, the first on which all is recorded, is 40 on the clock; on day 200 she is back again.
    found = build_return_history(episodes_of([f"10:6 20:2 {back}:6 {back + 5}:2 200:6"], washout=86))
    got = list(zip(found.start_days.tolist(), found.stop_days.tolist(), found.event.tolist(), strict=True))
    assert got == [*seen, (seen[-1][1] if seen else 39, 150, 1), (150, 314, 0)]
    assert found.observed_days.tolist() == [275]


def test_the_account_of_histories_adds_up_to_patients():
    courses = ["0:6 10:2 60:6 70:1 200:6 210:1", "0:6 10:2", "0:6 10:5", "0:6 10:2 20:5", "340:6 350:2"]
    step = build_return_history(episodes_of(courses)).ledger.steps[-1]
    assert (step.rows_in, step.kept) == (5, 2)
    assert dict(step.merged) == {"a later relieved episode of the patient": 2}
    assert dict(step.set_aside) == {"landmark after the data cut": 1}


# -- what began when -----------------------------------------------------------------------------------------------


def first_days(course: str, kind: str = "any"):
    episodes = episodes_of([course, "0:6 10:2:lumbar:rehab_exercise 300:1::massage:maintenance"])
    found = build_return_rows(episodes)
    exercise = first_exercise_day(episodes, found.episode, kind)
    maintenance = first_maintenance_day(episodes, found.relief_row)
    on_clock = [
        None if day == NEVER else int(day) - int(start)
        for day, start in ((exercise[0], found.landmark_day[0]), (maintenance[0], found.landmark_day[0]))
    ]
    return tuple(on_clock)


BEGAN = [
    ("0:6 10:2", "any", (None, None)),
    ("0:6::rehab_exercise 10:2", "any", (-40, None)),
    ("0:6 10:2 50:3::home_exercise", "any", (10, None)),
    ("0:6 10:2 50:3::home_exercise", "supervised", (None, None)),
    ("0:6 10:2 50:3::home_exercise", "home", (10, None)),
    # Recorded maintenance is known on its day, that told by its distance to both neighbours 21 days later.
    ("0:6 10:2 45:1::massage:maintenance", "any", (None, 5)),
    ("0:6 10:2 45:1::massage", "any", (None, 26)),
    ("0:6 10:2 45:1::massage 60:1::massage", "any", (None, None)),
]


@pytest.mark.parametrize(("course", "kind", "expected"), BEGAN)
def test_what_began_when(course, kind, expected):
    assert first_days(course, kind) == expected
