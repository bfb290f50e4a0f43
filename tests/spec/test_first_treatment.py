"""The clock from the first treatment, as small tables a reader can check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_relief_intervals, build_visits
from outcomes.cases.first_treatment import build_treatment_rows, keep_known_facts
from outcomes.errors import NotEstimable
from tables import records

INF = float("inf")

# day:pain:what was done; expected interval, or None for set aside
CASES = [
    ("0:6:massage 7:5: 14:3:", (7, 14)),
    ("0:6: 4:6:massage 14:3:", (0, 10)),
    ("0:6: 2::massage 14:3:", (0, 12)),
    ("0:6: 9::massage 14:3:", None),
    ("0::massage 2:6: 14:3:", None),
    ("0:6: 7:2:massage 14:2:", None),
    ("0:6:", None),
    ("0:6:massage 7:5:ultrasound", (7, INF)),
    # Half of the rating before the treatment counts, not half of the first rating of the episode.
    ("0:9: 5:6:massage 12:4: 20:3:", (7, 15)),
    # An examination is no treatment.
    ("0:6:evaluation 3:5:massage 9:2:", (0, 6)),
    # Something unknown was done before: the clock would start too late.
    ("0:6:blorptherapy 2:6:massage 14:3:", None),
    ("0:6:massage;blorptherapy 14:3:", (0, 14)),
]


def episodes_of(courses):
    rows = ["patient_id | visit_day | pain_pre | modalities"]
    for number, course in enumerate(courses):
        for point in course.split():
            day, pain, done = point.split(":")
            rows.append(f"p{number:02} | {day} | {pain} | {done}")
    return build_episodes(build_visits(records("\n".join(rows))))


def test_the_worked_table():
    rows = build_treatment_rows(episodes_of([case[0] for case in CASES]))
    found = dict(zip(rows.episode.tolist(), zip(rows.left_days, rows.right_days, strict=True), strict=True))
    assert found == {i: wanted for i, (_, wanted) in enumerate(CASES) if wanted is not None}
    step = rows.ledger.steps[-1]
    assert step.set_aside == {
        "no treatment recorded": 1,
        "before it something was done that the codebook does not know": 1,
        "no pain rating before the first treatment": 2,
        "pain too low at the first treatment for relief to be definable": 1,
    }
    assert step.rows_in == len(CASES)


def test_groups_are_what_was_done_at_the_first_treatment():
    episodes = episodes_of(["0:6:massage;ultrasound 7:5:heat", "0:6:evaluation 3:6:heat 9:6:massage"])
    rows = build_treatment_rows(episodes)
    names = [episodes.visits.codebook.modality_names(mask) for mask in rows.given.tolist()]
    assert [set(each) for each in names] == [{"massage", "ultrasound_therapy"}, {"heat_therapy"}]


def test_where_treatment_begins_at_the_first_rated_visit_it_is_time_to_relief():
    courses = ["0:6:massage 7:5: 14:3:", "0:8:heat 3:4: 9:5: 20:2:", "0:5:massage", "0:7:massage 10:7:"]
    episodes = episodes_of(courses)
    for rule in ("any", "confirmed", "strict", "resolved", "pct30_and_2", "zero"):
        rows, relief = build_treatment_rows(episodes, rule), build_relief_intervals(episodes, rule)
        np.testing.assert_array_equal(rows.episode, relief.episode)
        np.testing.assert_array_equal(rows.left_days, relief.left_days)
        np.testing.assert_array_equal(rows.right_days, relief.right_days)


def test_a_window_counts_what_is_given_in_it_and_starts_the_clock_again():
    courses = [
        "0:6:massage 4:6:heat 9:6:ultrasound 20:3:",  # (9, 20] becomes (2, 13]; ultrasound came on day 9
        "0:6:massage 5:3: 8:3:",  # relieved on day 5
        "0:6:massage 6:5:",  # out of sight after day 6
        "0:6:massage 7:6:heat 12:3:",  # day 7 is inside; (7, 12] becomes (0, 5]
        "0:6:massage 12:3:",  # (0, 12] becomes (0, 5]: not seen by day 7, and not seen gone
    ]
    episodes = episodes_of(courses)
    rows = build_treatment_rows(episodes, window_days=7)
    assert rows.episode.tolist() == [0, 3, 4]
    assert list(zip(rows.left_days, rows.right_days, strict=True)) == [(2, 13), (0, 5), (0, 5)]
    names = [set(episodes.visits.codebook.modality_names(mask)) for mask in rows.given.tolist()]
    assert names == [{"massage", "heat_therapy"}, {"massage", "heat_therapy"}, {"massage"}]
    assert rows.ledger.steps[-1].set_aside == {"relieved within the window": 1, "out of sight by its end": 1}


def test_facts_are_those_written_down_by_the_first_treatment():
    table = """
    patient_id | visit_day | pain_pre | modalities | cause | radiation
    a | 0 | 6 | massage |          | none
    a | 2 | 6 | massage | posture  | arm
    b | 0 | 6 |         |          |
    b | 2 | 6 | massage | trauma   | arm
    b | 3 | 6 | heat    |          | hand
    """
    episodes = build_episodes(build_visits(records(table)))
    assert episodes.table["cause"].tolist() == ["posture", "trauma"]
    known = keep_known_facts(episodes).table
    assert known["cause"].astype(object).fillna("").tolist() == ["", "trauma"]
    assert known["radiation"].tolist() == ["none", "arm"]


def test_ratings_are_counted_from_the_treatment_to_the_primary_day():
    rows = build_treatment_rows(episodes_of(["0:6: 2:6:massage 9:5: 30:4: 31:4:", "0:6:heat"]))
    # Days 7 and 28 of the clock count; day 0 and day 29 do not.
    assert rows.n_ratings.tolist() == [2, 0]


def test_no_treatment_column_is_refused():
    episodes = build_episodes(build_visits(records("patient_id | visit_day | pain_pre\np | 0 | 6\np | 9 | 3")))
    with pytest.raises(NotEstimable, match="no treatment column"):
        build_treatment_rows(episodes)
