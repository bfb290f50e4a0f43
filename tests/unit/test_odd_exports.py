"""Exports as people make them by hand: what is said of each, so that the next step is plain."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest

from outcomes import cli
from outcomes.cases import build_visits
from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records.columns import show_header


def write(folder: Path, text: str) -> Path:
    path = folder / "visits.csv"
    path.write_text(text, encoding="utf-8")
    return path


def book(folder: Path, rows: list[list[object]], pain_format: str = "General") -> Path:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for cell in made.active["C"][1:] if pain_format != "General" else ():
        cell.number_format = pain_format
    made.save(folder / "visits.xlsx")
    return folder / "visits.xlsx"


@pytest.mark.parametrize(("word", "is_told"), [("NULL", True), ("unknown", True), (" 0 ", True), ("NA", False)])
def test_ids_that_say_there_is_none_are_told_and_can_be_set_aside(tmp_path, word, is_told) -> None:
    rows = [f"{who},2026-01-0{i},5" for i in range(1, 10) for who in (word, f"P{i}")]
    path = write(tmp_path, "\n".join(["patient_id,visit_date,pain_pre", *rows]) + "\n")
    found = [warning for warning in build_visits(read_records(path)).warnings if warning.code == "E224"]
    assert bool(found) == is_told
    if is_told:
        assert 'column "patient_id" (A)' in str(found[0]) and "(9 records)" in str(found[0])
        given = Mapping.from_dict({"values": {"missing": ["", word.strip()]}})
        visits = build_visits(read_records(path, given))
        assert visits.n == 9 and not [warning for warning in visits.warnings if warning.code == "E224"]


def test_several_words_for_no_id_are_told_though_each_comes_once(tmp_path) -> None:
    path = write(tmp_path, "patient_id,visit_date\n?,2026-01-02\nKein,2026-01-03\nP1,2026-01-03\n")
    (found,) = build_visits(read_records(path)).warnings
    assert found.code == "E224" and '"?" (fewer than 5 records), "Kein" (fewer than 5 records)' in found.message


def test_a_single_visit_of_such_an_id_says_nothing(tmp_path) -> None:
    path = write(tmp_path, "patient_id,visit_date\nNULL,2026-01-02\nP1,2026-01-03\n")
    assert build_visits(read_records(path)).warnings == ()


def test_ratings_shown_as_dates_are_no_birth_dates(tmp_path) -> None:
    rows = [["patient_id", "visit_date", "pain_pre"]]
    rows += [[f"P{i % 5}", datetime.date(2026, 1, 1 + i), 1 + i % 9] for i in range(28)]
    with pytest.raises(InputRefused) as caught:
        build_visits(read_records(book(tmp_path, rows, "yyyy-mm-dd")))
    assert [finding.code for finding in caught.value.findings] == ["E235"]


@pytest.mark.parametrize(("mark", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_a_text_file_in_one_column_of_a_workbook_is_seen(tmp_path, mark, name) -> None:
    lines = [["patient_id", "visit_date", "pain_pre"], ["P1", "2026-01-02", "5"], ["P2", "2026-01-03", "6"]]
    with pytest.raises(InputRefused) as caught:
        read_records(book(tmp_path, [[mark.join(line)] for line in lines]))
    said = str(caught.value)
    assert "E121" in said and f"3 names with a {name} between them" in said and "Text to Columns" in said
    assert "[columns]" not in said


def test_a_file_of_one_column_lacks_the_other_and_is_no_question_of_delimiters(tmp_path) -> None:
    with pytest.raises(InputRefused) as caught:
        read_records(write(tmp_path, "patient_id\nP1\nP2\n"))
    assert "E121" in str(caught.value) and "E112" not in str(caught.value)


def test_a_line_break_in_a_header_does_not_break_a_message() -> None:
    assert show_header("Pain\r\nbefore") == "Pain before"


@pytest.mark.parametrize("form", ['="{}"', '"=""{}"""'])
def test_cells_guarded_against_a_spreadsheet_are_read_as_what_they_guard(tmp_path, form) -> None:
    """An export that guards its ids and one that does not have the same patients."""
    plain = [[f"00{i % 4}", f"2026-01-{1 + i:02}", str(i % 9)] for i in range(8)]
    lines = [",".join(form.format(cell) for cell in row) for row in plain]
    guarded = read_records(write(tmp_path, "\n".join(["patient_id,visit_date,pain_pre", *lines]) + "\n"))
    assert [list(row) for row in zip(*(guarded.fields[n].texts() for n in guarded.fields), strict=True)] == plain
    assert any("patient_id (8 cells)" in note and '="..."' in note for note in guarded.notes)
    assert build_visits(guarded).n == 8


@pytest.mark.parametrize("cell", ['="a"&"b"', '="', "=1+1", "'7", '="a'])
def test_what_is_no_guard_stays_as_it_is(tmp_path, cell) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    records = read_records(write(tmp_path, f"patient_id,visit_date\n{quoted},2026-01-02\nP1,2026-01-03\n"))
    assert records.fields["patient_id"].texts() == [cell, "P1"]


def test_a_guarded_id_and_the_same_without_are_asked_about(tmp_path) -> None:
    path = write(tmp_path, 'patient_id,visit_date\n="007",2026-01-02\n007,2026-01-03\n')
    with pytest.raises(InputRefused, match="E118"):
        read_records(path)
    records = read_records(path, Mapping.from_dict({"values": {"similar_ids": "same"}}))
    assert records.fields["patient_id"].texts() == ["007", "007"]


def test_terms_below_each_other_in_a_cell_are_proposed_to_be_split(tmp_path, capsys) -> None:
    rows = [f'P{i},2026-01-0{i},"massage\nheat"' for i in range(1, 10)]
    path, out = write(tmp_path, "\n".join(["patient_id,visit_date,modalities", *rows]) + "\n"), tmp_path / "m.toml"
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "o"), "--quiet"]) == 0
    assert "modalities: massage heat (9 records)" in capsys.readouterr().err  # in one line
    assert cli.main(["inspect", str(path), "--out", str(out)]) == 0
    assert Mapping.load(out).values.separators == ("\n",)
    visits = build_visits(read_records(path, Mapping.load(out)))
    assert visits.unknown_terms == () and visits.columns["modality_unknown"].sum() == 0


@pytest.mark.parametrize("foot", ["Signed: J. Doe", "Summary", "Gemiddelde", "Durchschnitt:", "Totaal"])
def test_what_stands_below_a_list_is_no_visit(tmp_path, foot) -> None:
    rows = [f"P{i},2026-01-0{i},5" for i in range(1, 10)]
    records = read_records(write(tmp_path, "\n".join(["patient_id,visit_date,pain_pre", *rows, f"{foot},,45"]) + "\n"))
    assert records.n == 9 and len(records.set_aside) == 0


def test_a_patient_called_so_keeps_the_visit(tmp_path) -> None:
    records = read_records(write(tmp_path, "patient_id,visit_date\nSummary,2026-01-02\nGemiddelde,2026-01-03\n"))
    assert records.n == 2
