"""Relief intervals, as small tables a reader can check by hand."""

from __future__ import annotations

import pytest

from outcomes.cases import build_episodes, build_relief_intervals, build_visits
from outcomes.errors import NotEstimable
from tables import records

INF = float("inf")

# pain at days of one episode; expected interval by rule: any, confirmed, strict
CASES = [
    ("0:6 7:5 14:3", (7, 14), (7, 14), (14, INF), "unconfirmed"),
    ("0:6 7:3 14:2", (0, 7), (0, 7), (0, 7), "confirmed"),
    ("0:6 7:3 14:5 21:2", (0, 7), (14, 21), (21, INF), "unconfirmed"),
    ("0:6 7:3 40:4", (0, 7), (0, 7), (40, INF), "unconfirmed"),
    ("0:6 7:3 37:4", (0, 7), (37, INF), (37, INF), None),
    ("0:6 7:4", (7, INF), (7, INF), (7, INF), None),
    ("0:6", (0, INF), (0, INF), (0, INF), None),
    ("0:6 5: 9:3", (0, 9), (0, 9), (9, INF), "unconfirmed"),
    ("0: 2:6 9:3", (2, 9), (2, 9), (9, INF), "unconfirmed"),
    ("0:7 7:3.5", (0, 7), (0, 7), (7, INF), "unconfirmed"),
    ("0:7 7:3.6", (7, INF), (7, INF), (7, INF), None),
]


def table_of(courses: list[str]) -> str:
    rows = ["patient_id | visit_day | pain_pre"]
    for number, course in enumerate(courses):
        for point in course.split():
            day, pain = point.split(":")
            rows.append(f"p{number:02} | {day} | {pain}")
    return "\n".join(rows)


@pytest.mark.parametrize(("rule", "place"), [("any", 1), ("confirmed", 2), ("strict", 3)])
def test_intervals(rule, place):
    episodes = build_episodes(build_visits(records(table_of([case[0] for case in CASES]))))
    found = build_relief_intervals(episodes, rule)
    got = list(zip(found.left_days.tolist(), found.right_days.tolist(), strict=True))
    assert got == [case[place] for case in CASES]


def test_reasons_say_how_relief_was_confirmed():
    episodes = build_episodes(build_visits(records(table_of([case[0] for case in CASES]))))
    reasons = build_relief_intervals(episodes).table["reason"].tolist()
    assert reasons == [case[4] or "follow_up_unknown" for case in CASES]


@pytest.mark.parametrize(
    ("rule", "course", "expected"),
    [
        ("resolved", "0:6 7:3 14:1", (7, 14)),
        ("resolved", "0:6 7:1 14:2", (14, INF)),
        ("zero", "0:6 7:1 14:0", (7, 14)),
        ("pct30_and_2", "0:10 7:7", (0, 7)),
        ("pct30_and_2", "0:5 7:3.5", (7, INF)),
        ("pct30_and_2", "0:5 7:3", (0, 7)),
    ],
)
def test_other_rules(rule, course, expected):
    found = build_relief_intervals(build_episodes(build_visits(records(table_of([course])))), rule)
    assert (found.left_days[0], found.right_days[0]) == expected


@pytest.mark.parametrize(
    ("rule", "confirm", "course", "expected"),
    [
        ("zero", "any", "0:6 7:0 14:4", (0, 7)),
        ("zero", "if_observable", "0:6 7:0 14:4", (14, INF)),
        ("zero", "strict", "0:6 7:0", (7, INF)),
        ("zero", "strict", "0:6 7:0 14:0", (0, 7)),
        ("resolved", "strict", "0:6 7:1 14:2 21:1 28:0", (14, 21)),
        ("pct30_and_2", "any", "0:6 7:4 14:6", (0, 7)),
    ],
)
def test_a_threshold_with_another_confirmation(rule, confirm, course, expected):
    found = build_relief_intervals(build_episodes(build_visits(records(table_of([course])))), rule, confirm)
    assert (found.left_days[0], found.right_days[0]) == expected


def test_low_or_missing_baselines_are_counted_not_dropped():
    episodes = build_episodes(build_visits(records(table_of(["0:2 7:0", "0: 5:6 9:1", "0:3 7:1"]))))
    found = build_relief_intervals(episodes)
    assert found.episode.tolist() == [2]
    aside = dict(found.ledger.steps[-1].set_aside)
    assert aside == {"no pain rating at the start": 1, "baseline pain too low for relief to be definable": 1}


def test_an_unknown_rule_is_refused_with_the_list():
    episodes = build_episodes(build_visits(records(table_of(["0:6"]))))
    with pytest.raises(NotEstimable, match="confirmed"):
        build_relief_intervals(episodes, "ever")
    with pytest.raises(NotEstimable, match="if_observable"):
        build_relief_intervals(episodes, "zero", "twice")
