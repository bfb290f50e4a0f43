"""The look at hidden sheets: kinds and counts, never a cell or a header; a bad one keeps nothing from being read."""

from __future__ import annotations

import os
from pathlib import Path

import openpyxl
import pytest

from faults.exports import clean_rows
from faults.workbooks import lines_of, pack, parts, sheet
from outcomes import cli
from outcomes.records import child, hidden_child, read_records
from outcomes.records.columns import mask
from outcomes.records.hidden_child import COLUMNS, ROWS, find_sheet_kinds

GIVEN = ("Jane", "Tobias", "Mary", "Ana", "Linh")
FAMILY = ("Quagmire", "Smith", "Okonkwo", "Garcia", "Nguyen")
PEOPLE = [[f"{GIVEN[i]} {FAMILY[i]}", f"(303) 555-12{i}0"] for i in range(5)]


def workbook(folder: Path, rows: list[list[str]], state: str = "hidden") -> Path:
    book = openpyxl.Workbook()
    for line in lines_of(clean_rows()):
        book.active.append(line)
    hidden = book.create_sheet("Old")
    for row in rows:
        hidden.append(row)
    hidden.sheet_state = state
    book.save(folder / "visits.xlsx")
    return folder / "visits.xlsx"


def note_of(path: Path) -> str:
    records = read_records(path)
    assert records.n == 120
    (note,) = [note for note in records.notes if "hidden sheet" in note]
    return note


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_kinds_and_counts_are_said(tmp_path: Path, state: str) -> None:
    note = note_of(workbook(tmp_path, [["Patient Name", "Home Phone"], *PEOPLE], state))
    assert note == (
        'E908 visits.xlsx: hidden sheet "Old" (6 rows) was not read; it contains columns that look like names (1), '
        "phone numbers (1): delete it before the file is passed on."
    )


def test_a_remark_as_the_name_of_a_sheet_is_shown_by_its_shape(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["a"], ["b"]])
    book = openpyxl.load_workbook(path)
    book["Old"].title = "wife of the baker said so"
    book.save(path)
    assert 'hidden sheet "xxxx xx xxx xxxxx xx…"' in note_of(path)


@pytest.mark.parametrize("name", ["Zqistova", "zqistova_rzik", "Brunhild Zqist", "Walburga", "Dr Q"])
def test_a_hidden_sheet_is_named_only_by_plain_words(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workbook(tmp_path, [["a"], ["b"]])
    book = openpyxl.load_workbook(path)
    book["Old"].title = name
    book.create_sheet("Lookup 2").sheet_state = "hidden"
    book.save(path)
    notes = " ".join(read_records(path).notes)
    assert f'hidden sheet "{mask(name)}" (number 1 of 2 that are hidden, 2 rows) was not read' in notes
    assert 'hidden sheet "Lookup 2" (0 rows)' in notes and name not in notes
    assert cli.main(["inspect", str(path), "--out", str(tmp_path / "m.toml")]) == 0
    said = capsys.readouterr().out + (tmp_path / "m.toml").read_text(encoding="utf-8")
    assert mask(name) in said and '"Lookup 2"' in said and name not in said


def test_codes_of_people_are_counted_in_words(tmp_path: Path) -> None:
    assert "look like codes of one person (1)" in note_of(workbook(tmp_path, [["Badge no"], ["B-44718"], ["B-44719"]]))


def test_every_command_says_it_and_no_cell_or_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = workbook(tmp_path, [["Patient Name", "Jane Quagmire 1970"], *PEOPLE])
    for arguments in (
        ["inspect", str(path)],
        ["clean", str(path), "--out", str(tmp_path / "out")],
        ["report", str(path), "--no-notebooks", "--out", str(tmp_path / "reports"), "--audience", "public"],
    ):
        cli.main(arguments)
        said = " ".join("".join(capsys.readouterr()).split())
        assert 'E908 visits.xlsx: hidden sheet "Old" (6 rows) was not read; it contains columns that look like' in said
        assert not any(word in said for word in (*GIVEN, *FAMILY, "555-12", "Patient Name"))


def test_without_a_header_row_the_first_row_is_looked_at_too() -> None:
    assert find_sheet_kinds([["x1", "jane.roe@mail.example.org"]]) == ({"e-mail address": 1}, {})
    assert find_sheet_kinds(PEOPLE) == ({"name": 1, "phone number": 1}, {})


def test_a_header_below_a_title_is_found() -> None:
    rows = [["Patients", ""], ["", ""], ["MRN", "visits"], ["00771", "3"], ["00772", "4"]]
    assert find_sheet_kinds(rows) == ({"record number": 1}, {})


def test_single_cells_are_counted_by_themselves_and_free_text_is_not_looked_into() -> None:
    rows = [["plan of care", "Notes"], *[["heat", "Jane Smith"]] * 9, ["call 555-0142", "x"], ["ice", ""]]
    kinds, single = find_sheet_kinds(rows)
    assert kinds == {"free text": 2} and single == {}
    rows[0][0] = "what"
    assert find_sheet_kinds(rows) == ({"free text": 1}, {"phone number": 1})


def test_nothing_in_it_is_said_as_no_guarantee(tmp_path: Path) -> None:
    assert find_sheet_kinds([]) == find_sheet_kinds([["", ""]]) == ({}, {})
    assert f"no identifiers were seen in its first {ROWS} rows, which is no guarantee" in note_of(
        workbook(tmp_path, [["code", "n"], ["a", "1"], ["b", "2"]])
    )


def test_the_look_is_bounded(tmp_path: Path) -> None:
    far_down = [["code", "n"], *[["a", "1"]] * ROWS, ["jane.roe@mail.example.org", "2"]]
    assert "no identifiers were seen" in note_of(workbook(tmp_path, far_down))
    far_right = [["a"] * COLUMNS + ["E-mail"], ["b"] * COLUMNS + ["jane.roe@mail.example.org"]]
    assert "no identifiers were seen" in note_of(workbook(tmp_path, far_right))


@pytest.mark.parametrize(
    "hidden",
    [
        sheet([["Patient Name"]], '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'),
        sheet([["Patient Name"]], '<row r="2"><c r="A2"><f>cmd|x</f><v>1</v></c></row>'),
        b"<worksheet><sheetData><row",
    ],
    ids=["a far cell", "a link to a program", "a broken part"],
)
def test_a_hidden_sheet_that_cannot_be_looked_at_is_said_and_the_data_is_read(tmp_path: Path, hidden: bytes) -> None:
    path = pack(tmp_path, parts({"Data": sheet(lines_of(clean_rows())), "Old": hidden}, {"Old": "hidden"}))
    assert "was not read, and it could not be looked at for identifiers" in note_of(path)


def test_a_child_that_dies_of_a_hidden_sheet_takes_nothing_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    monkeypatch.setattr(hidden_child, "find_sheet_kinds", lambda _: os.abort())
    assert "could not be looked at" in note_of(workbook(tmp_path, PEOPLE))
