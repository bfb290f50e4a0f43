"""Rules A, B, C, maintenance and baselines, as small tables a reader can check by hand."""

from __future__ import annotations

import datetime

import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.records import Mapping
from tables import open_clinic, records

WORKED = """
visit_day | pain_pre | visit_purpose | episode | rule
0         | 7        |               | 0       | first
7         | 5        |               | 0       |
28        | 3        |               | 0       |
58        | 6        |               | 1       | B
87        | 6        |               | 1       |
116       | 6        |               | 1       |
206       | 6        |               | 2       | A
219       | 6        | first_exam    | 2       |
233       | 6        | first_exam    | 3       | C
260       | 2        | maintenance   | 3       |
323       | 6        |               | 4       | A
"""

RULE_A_BOUNDARY = """
visit_day | pain_pre | visit_purpose | episode | rule
0         | 7        |               | 0       | first
89        | 7        |               | 0       |
179       | 7        |               | 1       | A
"""

RULE_B_NEEDS_EVERY_PART = """
visit_day | pain_pre | visit_purpose | episode | rule
0         | 8        |               | 0       | first
10        | 4        |               | 0       |
39        | 8        |               | 0       |
50        | 5        |               | 0       |
80        | 8        |               | 0       |
90        | 1        |               | 0       |
120       | 2.5      |               | 0       |
130       | 1        |               | 0       |
160       | 3        |               | 1       | B
"""

BASELINE_MOVES_WITH_RULE_B = """
visit_day | pain_pre | visit_purpose | episode | rule
0         | 10       |               | 0       | first
20        | 5        |               | 0       |
50        | 7        |               | 1       | B
60        | 5        |               | 1       |
90        | 8        |               | 1       |
"""

MAINTENANCE_NEITHER_OPENS_NOR_EXTENDS = """
visit_day | pain_pre | visit_purpose | episode | rule
0         | 6        | maintenance   |         |
10        | 6        |               | 0       | first
40        | 6        | maintenance   | 0       |
99        | 6        |               | 0       |
188       | 6        | maintenance   | 0       |
189       | 6        |               | 1       | A
"""

QUIET_DISTANT_VISIT_IS_MAINTENANCE = """
visit_day | pain_pre | visit_purpose | episode | rule
0         | 6        |               | 0       | first
10        | 4        |               | 0       |
31        | 2        |               | 0       |
52        | 2        |               | 0       |
100       | 6        |               | 1       | A
"""

TABLES = {
    "the docstring's table": WORKED,
    "rule A at 90 days, not at 89": RULE_A_BOUNDARY,
    "rule B needs 30 days, relief, 3 points and a rise of 2": RULE_B_NEEDS_EVERY_PART,
    "an episode opened by rule B has its own baseline": BASELINE_MOVES_WITH_RULE_B,
    "maintenance visits": MAINTENANCE_NEITHER_OPENS_NOR_EXTENDS,
    "the maintenance heuristic": QUIET_DISTANT_VISIT_IS_MAINTENANCE,
}


def episodes_of(text: str, protocol: Protocol | None = None):
    rows = [line for line in text.strip().splitlines() if line.strip()]
    rows = [("patient_id | " if i == 0 else "p1 | ") + line.strip() for i, line in enumerate(rows)]
    table = records("\n".join(rows))
    expected = [table.fields.pop(name) for name in ("episode", "rule")]
    words = [[column.values[int(code)].as_py() for code in column.codes] for column in expected]
    return build_episodes(build_visits(table, protocol)), words


@pytest.mark.parametrize("name", TABLES)
def test_episode_table(name):
    episodes, (expected, rules) = episodes_of(TABLES[name])
    got = ["" if e < 0 else str(e) for e in episodes.visits.columns["episode"].tolist()]
    assert got == expected
    assert episodes.table["opened_by"].tolist() == [rule for rule in rules if rule]


@pytest.mark.parametrize(
    ("table", "recorded", "taken"),
    [
        (QUIET_DISTANT_VISIT_IS_MAINTENANCE, [False] * 5, [False, False, True, True, False]),
        (MAINTENANCE_NEITHER_OPENS_NOR_EXTENDS, [True, False, True, False, True, False], [False] * 6),
    ],
)
def test_visits_say_which_are_maintenance_as_recorded_and_which_are_taken_as_such(table, recorded, taken):
    """The visits of an episode that are neither are its `n_visits`: anybody with the tables can count again."""
    episodes, _ = episodes_of(table)
    visits = episodes.visits.table
    assert visits["is_maintenance"].tolist() == recorded
    assert visits["taken_as_maintenance"].tolist() == taken
    counted = visits[~visits["is_maintenance"] & ~visits["taken_as_maintenance"]].groupby("episode_id").size()
    assert counted.tolist() == episodes.table["n_visits"].tolist()


def test_many_patients_at_once_give_what_each_gives_alone():
    alone, together = [], ["patient_id | visit_day | pain_pre | visit_purpose"]
    for number, text in enumerate(TABLES.values()):
        episodes, (_, rules) = episodes_of(text)
        alone += [rule for rule in rules if rule]
        lines = text.strip().splitlines()[1:]
        together += [f"p{number} | " + " | ".join(line.split("|")[:3]) for line in lines]
    episodes = build_episodes(build_visits(records("\n".join(together))))
    assert episodes.table["opened_by"].tolist() == alone


def test_rows_in_another_order_give_the_same_episodes():
    text = "patient_id | visit_day | pain_pre | visit_purpose\n" + "\n".join(
        "p1 | " + " | ".join(line.split("|")[:3]) for line in WORKED.strip().splitlines()[1:]
    )
    head, *rows = text.splitlines()
    forward = build_episodes(build_visits(records(text)))
    backward = build_episodes(build_visits(records("\n".join([head, *reversed(rows)]))))
    assert forward.table.equals(backward.table)


def test_without_rules_b_and_c_only_long_gaps_open_episodes():
    protocol = Protocol.from_mapping({"episode": {"relief_rule": False, "new_onset_rule": False}})
    episodes, _ = episodes_of(WORKED, protocol)
    assert episodes.table["opened_by"].tolist() == ["first", "A", "A"]


def test_regions_are_separate_streams():
    text = """
    patient_id | visit_day | pain_pre | region
    p1         | 0         | 6        | lumbar
    p1         | 3         | 6        | cervical
    p1         | 80        | 6        | pelvic
    p1         | 110       | 6        | cervical
    """
    episodes = build_episodes(build_visits(records(text)))
    table = episodes.table[["stream", "index_day", "n_visits"]].astype({"stream": str})
    assert table.values.tolist() == [["upper", 3, 1], ["upper", 110, 1], ["lower", 0, 2]]


ENDS = """
patient_id | visit_date | pain_pre | discharge_reason | end
a          | 2025-01-01 | 6        |                  |
b          | 2025-01-01 | 6        |                  |
b          | 2025-01-08 | 3        |                  | stopped_relieved
c          | 2025-01-01 | 6        |                  |
c          | 2025-01-08 | 5        |                  | silent_stop
d          | 2025-01-01 | 6        |                  |
d          | 2025-01-08 | 5        | referred         | referred
e          | 2025-01-01 | 6        |                  |
e          | 2025-01-08 | 5        | improved         | discharged
f          | 2025-01-01 | 6        |                  |
f          | 2025-01-08 | 5        | self_discharged  | silent_stop
g          | 2025-12-01 | 6        |                  | open_at_data_cut
h          | 2025-12-31 | 6        |                  | open_at_data_cut
"""


def test_how_episodes_end():
    table = records("\n".join([ENDS.strip(), *open_clinic("2025-01-01", "2025-12-31", "| | ")]))
    table.fields.pop("end")
    episodes = build_episodes(build_visits(table)).table.query("patient_id != 'open'")
    expected = ["silent_stop", "stopped_relieved", "silent_stop", "referred", "discharged", "silent_stop"]
    assert episodes["end_reason"].tolist() == [*expected, "open_at_data_cut", "open_at_data_cut"]
    assert episodes["is_closed"].tolist() == [True] * 6 + [False] * 2
    # The clinic's first day is 2025-01-01: only what starts 90 days later is an inception episode.
    assert episodes["is_inception"].tolist() == [False] * 6 + [True] * 2


def test_closing_at_exactly_ninety_observable_days():
    rows = ["patient_id | visit_date | pain_pre", "a | 2025-10-02 | 6", "b | 2025-10-03 | 6"]
    rows += open_clinic("2025-10-01", "2025-12-31")
    assert build_episodes(build_visits(records("\n".join(rows)))).table["is_closed"].tolist() == [True, False, False]


def test_one_mistyped_year_does_not_lift_the_washout():
    rows = ["patient_id | visit_date | pain_pre", "x | 2015-01-01 | 6"]
    rows += [f"p{i} | 2025-01-{i + 1:02} | 6" for i in range(5)] + ["late | 2025-04-01 | 6"]
    table = build_episodes(build_visits(records("\n".join(rows)))).table.set_index("patient_id")
    inception = table["is_inception"]
    assert not inception[["p0", "p4"]].any()
    assert inception["late"]


def ends_of(rows: list[str], header: str, protocol: Protocol | None = None) -> dict[str, str]:
    """End reason by patient in a clinic open through 2025."""
    extra = "| " * (header.count("|") - 2)
    table = records("\n".join([header, *rows, *open_clinic("2025-01-01", "2025-12-31", extra)]))
    found = build_episodes(build_visits(table, protocol)).table
    return dict(zip(found["patient_id"].astype(str), found["end_reason"].astype(str), strict=True))


def test_a_discharge_visit_is_no_silent_stop():
    rows = ["a | 2025-01-01 | 6 | ", "a | 2025-01-10 | 5 | discharge"]
    assert ends_of(rows, "patient_id | visit_date | pain_pre | visit_purpose")["a"] == "discharged"


def test_patients_who_keep_coming_for_maintenance_have_not_stopped():
    days = ["2025-01-01", "2025-01-10", "2025-10-01", "2025-11-01", "2025-12-01"]
    rows = [f"a | {day} | 5 | {'maintenance' if day > '2025-02' else ''}" for day in days]
    assert ends_of(rows, "patient_id | visit_date | pain_pre | visit_purpose")["a"] == "open_at_data_cut"


def test_silence_is_counted_by_its_own_setting():
    rows = ["a | 2025-10-22 | 6"]
    header = "patient_id | visit_date | pain_pre"
    for days, expected in ((60, "silent_stop"), (70, "silent_stop"), (71, "open_at_data_cut")):
        protocol = Protocol.from_mapping({"dropout": {"no_visit_days": days}})
        assert ends_of(rows, header, protocol)["a"] == expected


def test_never_rated_is_an_end_of_its_own():
    assert ends_of(["a | 2025-01-01 | "], "patient_id | visit_date | pain_pre")["a"] == "stopped_unrated"


def test_one_future_date_does_not_lengthen_the_follow_up():
    rows = ["patient_id | visit_date | pain_pre", *open_clinic("2025-01-01", "2025-12-31"), "x | 2048-05-01 | 6"]
    visits = build_visits(records("\n".join(rows)))
    assert build_episodes(visits).table["observable_until_date"].astype(str).unique().tolist() == ["2025-12-31"]
    assert any("1 visit lies after 2025-12-31" in note for note in visits.notes)


def test_a_clinic_that_closed_is_followed_to_its_own_end():
    shut = [f"{row}c1" for row in open_clinic("2025-01-01", "2025-06-30", "| ")]
    rows = ["patient_id | visit_date | pain_pre | clinic_id", *shut]
    rows += [f"{row}c2".replace("open", "other") for row in open_clinic("2025-01-01", "2025-12-31", "| ")]
    mapping = Mapping.from_dict({"dates": {"data_cut": datetime.date(2025, 12, 31)}}, "test")
    visits = build_visits(records("\n".join(rows), mapping))
    until = build_episodes(visits).table.groupby("clinic_id", observed=True)["observable_until_date"].first()
    assert until.astype(str).to_dict() == {"c1": "2025-06-30", "c2": "2025-12-31"}
    assert any("stopped recording long before the data cut: 1" in note for note in visits.notes)


def test_a_first_visit_without_clinic_takes_the_next_known_one():
    rows = ["patient_id | visit_date | pain_pre | clinic_id", "a | 2025-06-01 | 6 | ", "a | 2025-06-05 | 6 | c1"]
    rows += [f"{row}c1" for row in open_clinic("2025-01-01", "2025-12-31", "| ")]
    episodes = build_episodes(build_visits(records("\n".join(rows)))).table.set_index("patient_id")
    assert episodes.loc["a", "clinic_id"] == "c1"
    assert episodes.loc["a", "is_inception"]


@pytest.mark.parametrize(("day", "known"), [("2025-06-01", True), ("2025-06-04", True), ("2025-06-05", False)])
def test_what_is_written_down_after_the_first_days_forms_no_group(day, known):
    # The first rating may be as late as day 3; a trigger noted later may be noted because of how it went on.
    noted = {"2025-06-01": "", "2025-06-04": "", "2025-06-05": "", "2025-06-20": ""} | {day: "lifting"}
    rows = ["patient_id | visit_date | pain_pre | trigger | sex", *open_clinic("2025-01-01", "2025-12-31", "| | ")]
    rows += [f"a | {date} | 6 | {what} | {'f' if what else ''}" for date, what in noted.items()]
    row = build_episodes(build_visits(records("\n".join(rows)))).table.set_index("patient_id").loc["a"]
    assert (row["trigger"] == "lifting") == known
    assert (row["sex"] == "female") == known


def test_visits_are_counted_without_maintenance_and_ratings_with_it_a_0_is_one():
    text = """
    patient_id | visit_day | pain_pre | visit_purpose
    p1         | 0         | 5        | treatment
    p1         | 1         | 0        | treatment
    p1         | 2         |          | treatment
    p1         | 3         | 2        | maintenance
    """
    columns = build_episodes(build_visits(records(text))).columns
    assert [columns[name].tolist() for name in ("n_visits", "n_measured", "has_maintenance")] == [[3], [3], [True]]
