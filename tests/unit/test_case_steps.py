"""Steps of cleaning that whole exports seldom take, each on a table of a few rows."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from outcomes import arrow
from outcomes.cases import build_episodes, build_visits, values
from outcomes.cases.export import TABLES, export_cases, fill_quarantine
from outcomes.cases.merging import find_told_twice, group_records
from outcomes.cases.remarks import count_rows_aside, list_main_reasons
from outcomes.cases.rules import OLDEST
from outcomes.cases.suspicions import _find_repeated
from outcomes.errors import InputRefused, OutcomesError
from outcomes.ledger import Ledger, Step
from outcomes.records import Mapping, TextColumn
from tables import column, records, records_of

PLAIN = "patient_id | visit_date\np1 | 2024-01-02\np1 | 2024-01-05\np2 | 2024-01-05\n"


def cells(n, **more):
    return {"patient_id": [f"p{i}" for i in range(n)], "visit_date": ["2024-01-02"] * n, **more}


def faults(visits):
    return list(zip(visits.quarantine["code"].to_pylist(), visits.quarantine["column"].to_pylist(), strict=True))


# -- treatments that are ticked ----------------------------------------------------------------------------------------


def ticked(n, **flags):
    return build_visits(replace(records_of(cells(n)), modality_flags={k: column(v) for k, v in flags.items()}))


def test_two_columns_of_treatments_add_up_and_a_row_may_have_both():
    visits = ticked(4, ultrasound=["x", "", "x", ""], massage=["", "x", "x", ""])
    book = visits.codebook
    one, other = (int(book.find_modalities([term]).masks[0]) for term in ("ultrasound", "massage"))
    assert one and other and one != other
    assert visits.columns["modalities"].tolist() == [one, other, one | other, 0]
    assert not visits.columns["modality_unknown"].any()


@pytest.mark.parametrize(
    ("says", "is_asked"),
    [
        (["sí"] * 5 + ["no"] * 15, True),  # half of a language is known: every yes would be lost
        (["sí"] * 4 + ["no"] * 16, False),
        (["maybe"] * 5 + ["no"] * 14 + ["x"], False),
        (["sí"] * 5 + ["no"] * 14, False),  # too few cells to say
        (["sí"] * 5 + ["no"] * 101, False),
    ],
)
@pytest.mark.parametrize("is_ticked", [True, False])
def test_words_beside_nothing_but_no_are_asked_about(says, is_asked, is_ticked):
    def build():
        if is_ticked:
            return ticked(len(says), ultrasound=says)
        return build_visits(records_of(cells(len(says), paresthesia=says)))

    if not is_asked:
        assert {word for _, word, *_ in build().unknown_terms} < {"sí", "maybe"}
        return
    with pytest.raises(InputRefused, match="5 cells are neither a known yes nor a known no, and the other 15") as asked:
        build()
    assert [one.code for one in asked.value.findings] == ["E262"] and "sí" not in str(asked.value)


@pytest.mark.parametrize(
    ("says", "read"),
    [
        (["H", "M", "", "M"], [-1, -1, -1, -1]),  # hombre, mujer
        (["H", "M", "F", "M"], [-1, 1, 0, 1]),
        (["V", "M", "", "M"], [-1, 1, -1, 1]),  # vrouw, man
        (["f", "m", "", "m"], [0, 1, -1, 1]),
        (["weiblich", "männlich", "divers", "Maennlich"], [0, 1, 2, 1]),
        (["Mujer", "Hombre", "femenino", "Masculino"], [0, 1, 0, 1]),
        (["Femme", "HOMME", "Féminin", "masculin"], [0, 1, 0, 1]),
        (["vrouw", "man", "kobieta", "Mężczyzna"], [0, 1, 0, 1]),
    ],
)
def test_m_beside_h_is_no_man(says, read):
    visits = build_visits(records_of(cells(4, sex=says)))
    assert list(visits.codebook.ids("sex")[:2]) == ["female", "male"]
    assert visits.columns["sex"].tolist() == read
    assert any("mujer" in note for note in visits.notes) is (read[1] == -1)


def test_of_several_regions_in_a_cell_the_first_is_used_and_that_is_said():
    visits = build_visits(records_of(cells(3, region=["lumbar; neck", "neck", "lumbar; "])))
    assert "region: 1 record names several, of which the first was used" in visits.notes


@pytest.mark.parametrize("text", ["90+", "≥90", "> 89", "90 and over", ">=90"])
def test_an_age_that_is_cut_already_is_read(text):
    visits = build_visits(records_of(cells(2, age=[text, "90 -"])))
    assert visits.columns["age"].tolist() == [OLDEST] and faults(visits) == [("E241", "age")]


def test_a_column_of_words_that_are_neither_yes_nor_no_is_asked_about_with_its_header():
    odd = ["maybe"] * 10 + ["x"] * 10
    with pytest.raises(InputRefused) as refused:
        ticked(20, ultrasound=odd)
    [finding] = [one for one in refused.value.findings if one.code == "E262"]
    assert finding.message.startswith("50% of 20 filled cells are neither") and "'ultrasound'" in finding.place
    assert "maybe" not in str(refused.value)
    given = records_of(cells(20))
    file = replace(given.files[0], modality_columns={"ultrasound": ("US today", "C")})
    with pytest.raises(InputRefused, match="'US today'"):
        build_visits(replace(given, files=(file,), modality_flags={"ultrasound": column(odd)}))


@pytest.mark.parametrize(("n", "n_odd"), [(19, 19), (20, 9)])
def test_a_few_words_that_are_neither_are_counted_and_not_asked_about(n, n_odd):
    """Of 19 filled cells nothing can be said, and below a half they are slips; they are listed among the unknown."""
    visits = ticked(n, ultrasound=["x"] * (n - n_odd) + ["perhaps"] * n_odd)
    assert [tuple(term) for term in visits.unknown_terms] == [("modalities: ultrasound", "perhaps", n_odd, n_odd)]


def test_codes_alone_say_what_was_given_and_without_any_treatment_column_nothing_is_said():
    codes = ["97035", "", "97110"]
    visits = build_visits(records_of(cells(3, procedure_codes=codes)))
    book = visits.codebook
    assert [bool(mask) for mask in visits.columns["modalities"]] == [True, False, True]
    assert visits.columns["modalities"][0] == book.find_codes(["97035"]).masks[0]
    assert not visits.columns["modality_unknown"].any()
    assert "modalities" not in build_visits(records_of(cells(3))).columns


@pytest.mark.parametrize("aside", [0, 1])
def test_an_unknown_ticked_column_is_listed_only_for_rows_that_are_used(aside):
    rows = cells(2) | {"visit_date": ["2024-13-02" if aside else "2024-01-02", "2024-01-02"]}
    made = replace(records_of(rows), modality_flags={"moon dust": column(["x", ""])})
    assert [tuple(term) for term in build_visits(made).unknown_terms] == [("modalities", "moon xxxx", 1, 1)][aside:]


def test_a_visit_nobody_came_to_is_none_by_its_treatment_too():
    text = "patient_id | visit_date | modalities\np1 | 2024-01-02 | massage\np1 | 2024-01-05 | no show\n"
    visits = build_visits(records(text))
    assert visits.n == 1
    assert next(step for step in visits.ledger.steps if step.name == "validate").not_data == {"no_show": 1}


# -- what was measured -------------------------------------------------------------------------------------------------


def test_symptoms_are_not_older_than_the_patient_and_the_oldest_age_stands_for_more():
    days = {20: "9000", 30: "9000", OLDEST: "40000"}
    visits = build_visits(records_of(cells(3, age=[str(age) for age in days], onset_days=list(days.values()))))
    assert faults(visits) == [("E246", "onset_days")]
    assert visits.columns["age"].tolist() == [30, OLDEST]


def test_the_hour_of_a_clock_change_is_not_kept_and_that_is_said():
    mapping = Mapping.from_dict({"dates": {"timezone": "Europe/Berlin"}})
    rows = cells(2) | {"visit_date": ["2024-03-31 02:30", "2024-04-02 09:15"]}
    visits = build_visits(records_of(rows, mapping))
    assert (np.diff(visits.columns["day"]), faults(visits)) == ([2], [])
    assert [note for note in visits.notes if "clock changes" in note] == [
        "visit_date: 1 time falls where the clock changes; the date was kept, not the hour"
    ]


def test_midnight_is_no_time_of_a_visit():
    """Of two records of a day the first one's rating counts; where one has no time, the higher before treatment."""
    rows = {"patient_id": ["p1", "p1"], "pain_pre": ["3", "5"]}
    timed = build_visits(records_of(rows | {"visit_date": ["2024-01-02 09:15", "2024-01-02 16:00"]}))
    midnight = build_visits(records_of(rows | {"visit_date": ["2024-01-02 00:00", "2024-01-02 16:00"]}))
    assert (timed.columns["pain_pre"].tolist(), midnight.columns["pain_pre"].tolist()) == ([300], [500])
    said = "visit_date: the time 00:00 of 1 record counts as no time recorded"
    assert said in midnight.notes and said not in timed.notes


def test_midnights_of_one_offset_are_days_and_that_is_said():
    rows = cells(2) | {"visit_date": ["2024-01-02T00:00:00+01:00", "2024-01-05T00:00:00+01:00"]}
    visits = build_visits(records_of(rows))
    assert np.diff(visits.columns["day"]).tolist() == [3] and faults(visits) == []
    said = "visit_date: every time is 00:00 at one offset (+01:00): read as days, not as instants"
    assert said in visits.notes


def test_a_score_stands_in_the_range_of_its_questionnaire_and_without_one_anywhere():
    rows = cells(3, function_score=["48", "180", "12.5"], function_instrument=["ODI", "ODI", "ODI"])
    named = build_visits(records_of(rows))
    assert faults(named) == [("E252", "function_score")] and named.columns["function_score"].tolist() == [48.0, 12.5]
    del rows["function_instrument"]
    alone = build_visits(records_of(rows))
    assert faults(alone) == [] and alone.columns["function_score"].tolist() == [48.0, 180.0, 12.5]


def test_ids_that_a_spreadsheet_spoilt_are_at_fault_and_never_guessed():
    rows = cells(6) | {"patient_id": ["1.2E+05", "123.0", "1,2E+05", "4711,0", "12,5", "p4"]}
    found = sorted(faults(build_visits(records_of(rows))))
    assert found == [("E202", "patient_id")] * 2 + [("E207", "patient_id")] * 2


def test_a_faulty_text_that_stands_in_no_record_is_no_fault():
    made = records_of(cells(2, pain_pre=["5", "6"]))
    spare = TextColumn(arrow.from_texts(["5", "6", "99"]), np.array([0, 1], dtype=np.int32))
    visits = build_visits(replace(made, fields={**made.fields, "pain_pre": spare}))
    assert visits.n == 2 and faults(visits) == []


def test_an_unknown_word_of_rows_that_were_set_aside_is_not_listed():
    text = "patient_id | visit_date | sex\np1 | 2024-13-02 | moon\np2 | 2024-01-05 | f\n"
    visits = build_visits(records(text))
    assert faults(visits) == [("E213", "visit_date")] and visits.unknown_terms == ()


@pytest.mark.parametrize("word", ["yes", "YES"])
def test_yes_is_1_no_is_0_and_what_is_neither_is_not_guessed(word):
    mapping = Mapping.from_dict({"values": {"missing": ["", "n/a"]}})
    assert values.parse_flags([word, "no", "", "n/a", "perhaps"], mapping).tolist() == [
        1, 0, values.MISSING, values.MISSING, values.NEITHER,
    ]  # fmt: skip


# -- visits and episodes -----------------------------------------------------------------------------------------------


def test_ratings_at_different_minutes_are_two_and_at_the_same_minute_one_told_twice():
    """Pain before treatment of two visits of a day differs as it will; of one visit it cannot."""
    rows = np.arange(4)
    keys = {"patient": np.zeros(4, dtype=np.int32), "day": np.array([5, 5, 9, 9], dtype=np.int32)}
    keys["stream"] = np.zeros(4, dtype=np.int8)
    groups = group_records(keys, rows)
    ratings = {"pain_pre": np.array([500, 300, 500, 300])}
    minutes = {"minute": np.array([540, 900, 540, 540])}
    assert [hit.tolist() for *_, hit in find_told_twice(ratings, groups)] == [rows.tolist()]
    assert [hit.tolist() for *_, hit in find_told_twice(ratings | minutes, groups)] == [[2, 3]]
    assert find_told_twice(minutes, groups) == []


def test_no_visits_are_no_episodes():
    """Every row was set aside: the tables are there, and empty."""
    visits = build_visits(records("patient_id | visit_date | pain_pre\np1 | 2024-13-02 | 5\n"))
    episodes = build_episodes(visits)
    assert (visits.n, episodes.n, episodes.labels["index_quarter"]) == (0, 0, ())
    assert episodes.to_arrow().num_rows == 0


# -- what is said ------------------------------------------------------------------------------------------------------


def test_rules_that_are_no_faults_are_left_out_of_the_reasons():
    visits = build_visits(records("patient_id | visit_date | pain_pre\np1 | 2024-13-02 | 5\np2 | 2024-01-02 | 99\n"))
    assert [one.code for one in list_main_reasons(visits)] == ["E213", "E232"]
    assert [one.code for one in list_main_reasons(visits, but=("E213",))] == ["E232"]


def test_only_steps_that_count_rows_set_rows_aside():
    visits = build_visits(records("patient_id | visit_date\np1 | 2024-13-02\np2 | 2024-01-02\n"))
    later = Step("episodes", "visits", 1, 0, set_aside={"E213 of another unit": 1})
    steps = replace(visits, ledger=Ledger((*visits.ledger.steps, later)))
    assert count_rows_aside(steps) == count_rows_aside(visits) == {"E213": 1}


@pytest.mark.parametrize(("rows_in", "repeated", "is_told"), [(20, 20, True), (19, 19, False), (20, 19, False)])
def test_an_export_given_before_is_suspected_from_twenty_rows_when_none_is_new(rows_in, repeated, is_told):
    merged = {"exact duplicate": repeated}
    step = Step("merge", "records", rows_in, rows_in - repeated, merged=merged, source="b.csv")
    found = list(_find_repeated([step]))
    assert [(one.code, one.place) for one in found] == [("E272", "b.csv")] * is_told


# -- tables in a folder ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def episodes():
    return build_episodes(build_visits(records(PLAIN + "p3 | 2024-13-05\n")))


@pytest.mark.parametrize(
    ("fmt", "endings"), [("csv", {".csv"}), ("parquet", {".parquet"}), ("both", {".csv", ".parquet"})]
)
def test_tables_are_written_as_asked_and_an_earlier_result_is_replaced(tmp_path, episodes, fmt, endings):
    out = tmp_path / "cleaned"
    export_cases(episodes, out)
    export_cases(episodes, out, ("visits", "quarantine"), fmt)
    files = {path for path in out.iterdir() if path.suffix}
    assert {path.stem for path in files} == {"visits", "quarantine"} and {path.suffix for path in files} == endings
    assert all(path.stat().st_mode & 0o077 == 0 for path in files if path.stem == "quarantine")


def test_a_table_that_does_not_exist_is_refused_before_anything_is_made(tmp_path, episodes):
    with pytest.raises(OutcomesError, match=f"no table visit; choose from {', '.join(TABLES)}"):
        export_cases(episodes, tmp_path / "cleaned", ("visit",))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_and_one_with_files_of_theirs_are_left_as_they_are(tmp_path, episodes):
    theirs = tmp_path / "letters"
    theirs.mkdir()
    (theirs / "letter.txt").write_text("Dear", encoding="utf-8")
    with pytest.raises(OutcomesError, match="not an earlier result"):
        export_cases(episodes, theirs)
    out = tmp_path / "cleaned"
    export_cases(episodes, out, ("visits",), "csv")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutcomesError, match=r"files of yours \(notes\.txt\)"):
        export_cases(episodes, out, ("visits",), "csv")
    assert (theirs / "letter.txt").read_text(encoding="utf-8") == "Dear"
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_rows_set_aside_fill_a_file_and_without_any_there_is_none(tmp_path, episodes):
    path = tmp_path / "aside.csv"
    assert fill_quarantine(episodes, path)
    with path.open(encoding="utf-8", newline="") as stream:
        [line] = csv.DictReader(stream)
    assert (line["code"], line["source_row"], line["column"]) == ("E213", "5", "visit_date")
    clean = build_episodes(build_visits(records(PLAIN)))
    assert not fill_quarantine(clean, tmp_path / "none.csv") and not (tmp_path / "none.csv").exists()
    assert isinstance(clean.visits.quarantine, pa.Table)
