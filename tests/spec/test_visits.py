"""Records to visits: merging, duplicates, faults and the ledger, as small tables."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import DIAGNOSIS_TIERS
from outcomes.errors import InputRefused
from outcomes.records import Mapping
from tables import records

MERGE = """
patient_id | visit_date | pain_pre | pain_post | modalities | region | muscles_identified
p1         | 2025-03-01 |          |           | US         | lumbar | QL:L
p1         | 2025-03-01 | 6        | 5         | heat       | lumbar | QL:R
p1         | 2025-03-01 | 4        | 3         |            | lumbar |
p1         | 2025-03-01 | 6        | 5         | heat       | lumbar | QL:R
p1         | 2025-03-02 | 4        |           | US         | lumbar |
p1         | 2025-03-02 | 4        |           | US         | neck   |
"""


def test_records_of_a_day_and_stream_merge():
    visits = build_visits(records(MERGE))
    table = visits.table
    assert table[["stream", "pain_pre_nrs", "pain_post_nrs", "n_records"]].astype({"stream": str}).fillna(
        -1
    ).values.tolist() == [
        ["upper", 4.0, -1.0, 1],
        ["lower", 6.0, 3.0, 4],
        ["lower", 4.0, -1.0, 1],
    ]
    assert table["modalities"].tolist() == [
        "ultrasound_therapy",
        "ultrasound_therapy;heat_therapy",
        "ultrasound_therapy",
    ]
    assert table["muscles_identified_left"].tolist()[1] == "quadratus_lumborum"
    merge = visits.ledger.steps[-1]
    assert dict(merge.merged) == {"exact duplicate": 1, "same patient, stream and day": 2}
    assert (merge.rows_in, merge.kept) == (6, 3)


DAY = """
patient_id | visit_date       | clinic_id | pain_pre | pain_post | function_score | function_instrument
p1         | 2025-03-01       | B         | 4        | 1         | 30             | odi
p1         | 2025-03-01       | A         | 7        | 5         |                |
p1         | 2025-03-01       | A         |          | 2         | 40             | odi
p2         | 2025-03-01 16:10 | B         | 8        | 6         |                |
p2         | 2025-03-01 09:30 | A         | 5        | 3         |                |
"""


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_the_order_of_the_file_says_nothing_about_a_day(order):
    # By falling pain before treatment, those without last; by time where one is recorded, whatever the pain.
    head, *rows = DAY.strip().splitlines()
    table = build_visits(records("\n".join([head, *(rows[i] for i in order)]))).table
    shown = table[["clinic_id", "pain_pre_nrs", "pain_post_nrs", "function_score"]].astype({"clinic_id": str})
    assert shown.fillna(-1).values.tolist() == [["A", 7.0, 2.0, 30.0], ["A", 5.0, 6.0, -1.0]]


FAULTS = """
patient_id | visit_date | pain_pre | age  | expected
p1         | 2025-02-30 | 5        | 40   | E213
p1         | 2025-03-01 | 11       | 40   | E232
p1         | 2025-03-02 | -1       | 40   | E232
p1         | 2025-03-03 | severe   | 40   | E231
           | 2025-03-04 | 5        | 40   | E201
p1         | 1900-01-01 | 5        | 40   | E214
p1         |            | 5        | 40   | E211
p1         | March 5    | 5        | 40   | E212
p1         | 2025-03-06 | 5        | 130  | E241
p1         | 2025-03-07 | 6/10     | 40   |
p1         | 2025-03-08 | 6-7      | 40   |
p1         | 2025-03-09 | 8->5     | 40   |
p1         | 2025-03-10 | 5.0      | 40.0 |
p1         | 2025-03-11 |          |      |
"""


def test_every_fault_is_found_in_one_pass():
    table = records(FAULTS)
    expected = table.fields.pop("expected")
    codes = [expected.values[int(code)].as_py() for code in expected.codes]
    visits = build_visits(table)
    found = dict(zip(visits.quarantine["source_row"].to_pylist(), visits.quarantine["code"].to_pylist(), strict=True))
    assert found == {row + 2: code for row, code in enumerate(codes) if code}
    assert visits.table["pain_pre_nrs"].dropna().tolist() == [6.0, 6.5, 8.0, 5.0]
    assert visits.table["pain_post_nrs"].dropna().tolist() == [5.0]
    step = next(step for step in visits.ledger.steps if step.name == "validate")
    assert step.n_set_aside == 9


def test_the_quarantine_masks_what_could_identify():
    visits = build_visits(records("patient_id | visit_date\nJane Doe 12 | tomorrow\n"))
    assert "Jane" not in str(visits.quarantine.to_pylist())
    assert visits.quarantine["value_masked"].to_pylist() == ["xxxxxxxx"]


def test_one_row_with_two_faults_is_set_aside_once_and_named_twice():
    visits = build_visits(records("patient_id | visit_date | pain_pre\np1 | 2025-13-01 | 12\np1 | 2025-01-01 | 5\n"))
    assert visits.quarantine["code"].to_pylist() == ["E213", "E232"]
    assert sum(step.n_set_aside for step in visits.ledger.steps) == 1


def test_no_shows_are_not_visits_and_not_faults():
    text = """
    patient_id | visit_date | visit_purpose    | pain_pre
    p1         | 2025-01-01 | treatment        | 5
    p1         | 2025-01-03 | no show          | 99
    p1         | 2025-01-05 | daily note; DNA  |
    p1         | 2025-01-08 | cancelled        |
    """
    visits = build_visits(records(text))
    step = next(step for step in visits.ledger.steps if step.name == "validate")
    assert dict(step.not_data) == {"no_show": 2, "cancelled": 1}
    assert visits.n == 1
    assert visits.quarantine.num_rows == 0


def test_an_ambiguous_date_column_is_asked_for():
    text = "patient_id | visit_date\np1 | 03/04/2025\np1 | 05/06/2025\n"
    with pytest.raises(InputRefused, match='order = "dmy"'):
        build_visits(records(text))
    mapping = dataclasses.replace(Mapping(), dates=dataclasses.replace(Mapping().dates, order="dmy"))
    assert str(build_visits(records(text, mapping)).table["visit_date"].iloc[0]) == "2025-04-03"


def test_one_date_that_allows_a_single_order_decides_and_is_said():
    visits = build_visits(records("patient_id | visit_date\np1 | 03/04/2025\np1 | 25/06/2025\n"))
    assert any("day/month/year" in note for note in visits.notes)


def test_dates_that_contradict_each_other_are_asked_for():
    with pytest.raises(InputRefused, match="only month/day"):
        build_visits(records("patient_id | visit_date\np1 | 13/04/2025\np1 | 04/25/2025\n"))


def test_an_id_used_by_two_people_is_set_aside_whole():
    text = """
    patient_id | visit_date | sex | age
    p1         | 2025-01-01 | F   | 30
    p1         | 2025-01-09 | M   | 30
    p2         | 2025-01-01 | F   | 30
    p2         | 2025-06-01 | F   | 31
    p3         | 2025-01-01 | F   | 30
    p3         | 2025-06-01 | F   | 62
    p4         | 2022-01-01 | F   | 30
    p4         | 2025-06-01 | F   | 30
    p4         | 2025-06-02 | F   |
    """
    visits = build_visits(records(text))
    assert visits.table["patient_id"].tolist() == ["p2", "p2", "p4", "p4", "p4"]
    assert sorted(set(visits.quarantine["code"].to_pylist())) == ["E203", "E204"]


AGES = """
patient_id | visit_date | age | is_one
kept       | 2022-03-01 | 43  | yes
kept       | 2024-11-30 | 43  | yes
kept       | 2025-05-02 | 46  | yes
kept       | 2025-12-09 | 46  | yes
at visit   | 2021-01-01 | 50  | yes
at visit   | 2024-12-01 | 54  | yes
falls      | 2022-03-01 | 43  | no
falls      | 2025-03-01 | 40  | no
leaps      | 2024-03-01 | 43  | no
leaps      | 2025-03-01 | 47  | no
"""


def test_an_age_kept_through_an_episode_is_one_persons():
    # Noted when the episode began and again with the next: three years at once, in three years.
    table = records(AGES)
    is_one = table.fields.pop("is_one")
    wanted = [is_one.values[int(code)].as_py() == "yes" for code in is_one.codes]
    visits = build_visits(table)
    assert visits.quarantine["source_row"].to_pylist() == [i + 2 for i, one in enumerate(wanted) if not one]
    assert set(visits.quarantine["code"].to_pylist()) == {"E204"}


def test_visits_outside_the_case_definition_are_counted_apart():
    text = """
    patient_id | visit_date | diagnoses
    p1         | 2025-01-01 | M62.830; M99.03
    p1         | 2025-01-02 | m62830
    p1         | 2025-01-03 | M54.5
    p1         | 2025-01-04 | J45.909
    p1         | 2025-01-05 |
    """
    visits = build_visits(records(text))
    assert visits.n == 4
    assert visits.quarantine["code"].to_pylist() == ["E301"]
    assert visits.quarantine["remedy"].to_pylist() == ["Nothing to mend: the visit is not a back-spasm visit."]


def test_the_best_code_says_how_surely_and_where_unless_a_region_is_stated():
    text = """
    patient_id | visit_date | region | diagnoses
    p1         | 2025-01-01 |        | M54.12; M54.50
    p2         | 2025-01-01 |        | M54.2
    p3         | 2025-01-01 | neck   | M54.50
    p4         | 2025-01-01 |        |
    p5         | 2025-01-01 |        | M62.830
    """
    visits = build_visits(records(text))
    tiers = [(*DIAGNOSIS_TIERS, None)[i] for i in visits.columns["diagnosis_tier"]]
    assert tiers == ["broad", "broad", "broad", None, "core"]  # M54.12, of a nerve in the neck, is supportive
    assert visits.table["region"].astype(object).fillna("").tolist() == ["lumbar", "cervical", "cervical", "", ""]
    assert visits.table["stream"].tolist() == ["lower", "upper", "upper", "unspecified", "unspecified"]


def test_where_the_case_definition_leaves_nothing_the_mapping_of_its_column_is_asked_about():
    text = """
    patient_id | visit_date | diagnoses | visit_purpose
    p1         | 2025-01-01 | K01       | treatment
    p1         | 2025-01-02 | K02       | treatment
    p1         | 2025-01-03 | K02       | no show
    """
    visits = build_visits(records(text))
    assert visits.n == 0 and visits.quarantine["code"].to_pylist() == ["E301", "E301"]
    (remedy,) = set(visits.quarantine["remedy"].to_pylist())
    assert 'diagnoses = ""' in remedy and "Nothing to mend" not in remedy


def test_unknown_terms_are_counted_and_their_visits_kept():
    text = """
    patient_id | visit_date | modalities     | trigger
    p1         | 2025-01-01 | US; moon beams | juggling
    p1         | 2025-01-02 | moon beams     | lifting
    """
    visits = build_visits(records(text))
    assert set(visits.unknown_terms) == {("modalities", "moon beams", 2, 1), ("trigger", "juggling", 1, 1)}
    assert visits.table["modality_unknown"].tolist() == [True, True]
    assert visits.table["modalities"].tolist() == ["ultrasound_therapy", ""]


def test_codes_speak_only_where_text_is_silent():
    text = """
    patient_id | visit_date | modalities | procedure_codes
    p1         | 2025-01-01 | massage    | 97140
    p1         | 2025-01-02 |            | 97140; 97035
    p1         | 2025-01-03 |            | G0283; 97014
    """
    table = build_visits(records(text)).table
    assert table["modalities"].tolist() == [
        "massage",
        "manual_therapy_unspecified;ultrasound_therapy",
        "electrical_stimulation",
    ]


def test_visits_without_region_join_the_stream_next_to_them():
    text = """
    patient_id | visit_date | region
    p1         | 2025-01-01 | lumbar
    p1         | 2025-01-02 |
    p2         | 2025-01-01 |
    p3         | 2025-01-01 | neck
    p3         | 2025-01-05 |
    p3         | 2025-01-09 | lumbar
    p3         | 2025-01-12 |
    """
    table = build_visits(records(text)).table.sort_values(["patient_id", "visit_date"])
    assert table["stream"].astype(str).tolist() == ["lower", "lower", "unspecified", "upper", "upper", "lower", "lower"]


def test_an_export_without_a_single_valid_row_still_adds_up():
    visits = build_visits(records("patient_id | visit_date | pain_pre | modalities\n | 2025-01-01 | 4 | US\n"))
    assert visits.n == 0
    assert visits.quarantine.num_rows == 1


def many(rows: list[str], header: str = "patient_id | visit_date | pain_pre") -> str:
    return "\n".join([header, *(row.replace("#", f"{i:03}") for i in range(10) for row in rows)])


@pytest.mark.parametrize(
    ("rows", "settings", "says"),
    [
        (["p# | 2025-01-01 | 72", "p# | 2025-01-08 | 6"], {}, 'scale = "0-100"'),
        (["p# | 2025-01-01 | 7", "p# | 2025-01-08 | 6"], {"pain": {"scale": "0-100"}}, "Take"),
        (["p# | 2025-01-01 | 7,5", "p# | 2025-01-08 | 6,5"], {}, "decimal_mark"),
        (["p# | 01/25/2025 | 7", "p# | 02/03/2025 | 6"], {"dates": {"order": "dmy"}}, "order"),
        (["p# | 2025-01-01T10:00:00Z | 7", "p# | 2025-01-08T10:00:00Z | 6"], {}, "timezone"),
    ],
)
def test_a_column_that_mostly_breaks_one_rule_is_asked_for_not_set_aside(rows, settings, says):
    with pytest.raises(InputRefused, match="mapping does not fit") as refusal:
        build_visits(records(many(rows), Mapping.from_dict(settings)))
    assert says in str(refusal.value)


def test_unknown_terms_count_patients_not_only_records():
    rows = ["p1 | 2025-01-01 | moon", "p1 | 2025-01-02 | moon; sun", "p2 | 2025-01-01 | sun"]
    text = "\n".join(["patient_id | visit_date | modalities", *rows])
    found = build_visits(records(text)).unknown_terms
    assert set(found) == {("modalities", "moon", 2, 1), ("modalities", "sun", 2, 2)}


def test_of_a_list_in_one_cell_only_the_unknown_term_is_named_and_counted():
    text = """
    patient_id | visit_date | modalities                     | muscles_treated
    p1         | 2025-01-01 | heat, xyz therapy, tens        | left trap, foo
    p1         | 2025-01-08 | Xyz Drops and heat             | foo and L trap
    p2         | 2025-01-01 | xyz therapy / moon; tens       | glutes
    p2         | 2025-01-08 | tens; xyz therapy, xyz therapy | foo
    p3         | 2025-01-01 | heat, tens                     |
    """
    visits = build_visits(records(text))
    assert set(visits.unknown_terms) == {
        ("modalities", "xyz therapy", 3, 2),
        ("modalities", "Xyz Drops", 1, 1),
        ("modalities", "moon", 1, 1),
        ("muscles_treated", "foo", 3, 2),
    }
    assert visits.table["modality_unknown"].tolist() == [True, True, True, True, False]


def test_no_piece_of_a_note_passes_for_a_term():
    note = "sleeps better in the new bed than before, work, Mrs Smith said"
    text = f"patient_id | visit_date | modalities\np1 | 2025-01-01 | {note}\np1 | 2025-01-02 | work, heat"
    assert set(build_visits(records(text)).unknown_terms) == {("modalities", note, 1, 1), ("modalities", "work", 1, 1)}


def test_unknown_terms_of_rows_set_aside_are_not_counted():
    rows = ["p1 | 2025-01-01 | 5 | moon", "p2 | 2025-01-02 | 99 | moon; sun", "p3 | 2025-01-03 | 5 | heat"]
    text = "\n".join(["patient_id | visit_date | pain_pre | modalities", *rows])
    assert build_visits(records(text)).unknown_terms == (("modalities", "moon", 1, 1),)


def test_nothing_of_a_patient_is_in_the_short_form_of_a_table():
    table = records("patient_id | visit_date | pain_pre\nsecret7 | 2025-01-01 | 6\n")
    visits = build_visits(table)
    episodes = build_episodes(visits)
    assert "secret7" not in repr(table) + repr(visits) + repr(episodes) + repr(table.fields)
    assert len(repr(episodes)) < 100


SAME_DAY = """
patient_id | visit_date | pain_pre | pain_post | function_score | modalities
p1         | 2025-01-01 | 5        | 2         |                | heat
p1         | 2025-01-01 | 8        | 2         |                | heat
p1         | 2025-01-01 | 7        | 2         |                | ultrasound
p1         | 2025-01-01 |          | 2         |                | heat
p2         | 2025-01-01 | 5        | 2         |                | heat
p2         | 2025-01-01 | 5        | 2         |                | heat
p3         | 2025-01-01 | 5        | 2         | 20             | heat
p3         | 2025-01-01 | 8        | 2         | 21             | heat
p4         | 2025-01-01 | 5        | 2         |                | heat
p4         | 2025-01-01 | 5        | 3         |                | heat
"""


@pytest.mark.parametrize(
    ("declared", "aside", "pain"),
    [
        # The same but for a rating: neither is more to be believed. p1 keeps another treatment and an unrated record.
        (None, [2, 3, 10, 11], {"p1": 7, "p2": 5, "p3": 8}),
        ("merge", [], {"p1": 8, "p2": 5, "p3": 8, "p4": 5}),
        ("set_aside", [2, 3, 4, 8, 9, 10, 11], {"p1": None, "p2": 5}),
    ],
)
def test_records_that_differ_in_their_ratings_alone_are_set_aside(declared, aside, pain):
    mapping = Mapping.from_dict({"values": {"same_day": declared} if declared else {}})
    visits = build_visits(records(SAME_DAY, mapping))
    assert sorted(set(visits.quarantine["source_row"].to_pylist())) == aside
    assert set(visits.quarantine["code"].to_pylist()) <= {"E223"}
    found = visits.table.set_index("patient_id")["pain_pre_nrs"]
    assert {name: None if value != value else int(value) for name, value in found.items()} == pain


@pytest.mark.parametrize(
    ("times", "pre", "post", "order"),
    [
        (("08:00", "09:00"), 5, 7, "by time"),
        # Midnight stands for an unknown time: whether 5 or 8 came first is told by the fall, not by the clock.
        (("00:00", "00:00"), 8, 2, "by falling pain before treatment, no time being recorded"),
        (("00:00", "09:00"), 8, 2, "by time, or by falling pain before treatment where one of the day has no time"),
        (("12:00 AM", "12:30 PM"), 8, 2, "by time, or by falling pain"),
    ],
)
def test_midnight_is_no_time(times, pre, post, order):
    text = f"""
    patient_id | visit_date          | pain_pre | pain_post
    p1         | 2025-01-01 {times[0]} | 5 | 2
    p1         | 2025-01-01 {times[1]} | 8 | 7
    """
    visits = build_visits(records(text, Mapping.from_dict({"values": {"same_day": "merge"}})))
    assert visits.table["pain_pre_nrs"].tolist() == [pre]
    assert visits.table["pain_post_nrs"].tolist() == [post]
    n = sum(time in ("00:00", "12:00 AM") for time in times)
    said = [note for note in visits.notes if "00:00" in note]
    assert said == (
        [f"visit_date: the time 00:00 of {n} record{'s' * (n > 1)} counts as no time recorded"] if n else []
    )
    assert any(order in note for note in visits.notes)
