"""Reading XLSX: exact text, Excel's row numbers, the right sheet; bombs and broken files refused, the process alive."""

from __future__ import annotations

import datetime
import glob
import io
import os
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from outcomes.cases import build_visits
from outcomes.errors import ConfigError, InputRefused
from outcomes.records import Mapping, Records, read_records, workbook_child
from outcomes.records.workbook_container import Refused

HEADER = ["patient_id", "visit_date", "pain_pre"]
DAY = datetime.date(2024, 3, 1)
Rows = list[list[Any]]


def book(folder: Path, sheets: dict[str, Rows], hidden: tuple[str, ...] = (), name: str = "visits.xlsx") -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    workbook.save(folder / name)
    return folder / name


def read(folder: Path, sheets: dict[str, Rows], hidden: tuple[str, ...] = (), **sections: object) -> Records:
    return read_records(book(folder, sheets, hidden), Mapping.from_dict(sections))


def refused(path: Path, **sections: object) -> str:
    with pytest.raises(InputRefused) as caught:
        read_records(path, Mapping.from_dict(sections))
    assert path.name in str(caught.value)
    assert all(finding.remedy for finding in caught.value.findings)
    return str(caught.value)


def repack(path: Path, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None) -> Path:
    """Write a workbook's parts again, changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, **(extra or {})}.items():
            if data is not None:
                archive.writestr(name, data)
    return path


CELLS = {
    "text": ("007", "007"),
    "whole number": (3, "3"),
    "whole float": (3.0, "3"),
    "fraction": (0.1, "0.1"),
    "true": (True, "true"),
    "false": (False, "false"),
    "date": (DAY, "2024-03-01"),
    "time": (datetime.datetime(2024, 3, 1, 9, 30), "2024-03-01T09:30:00"),
    "duration": (datetime.timedelta(hours=30, minutes=5), "30:05:00"),
    "empty": (None, ""),
    "one": (1, "1"),
}


def test_cells_become_exact_text(tmp_path: Path) -> None:
    rows = [HEADER, *[[f"p{i}", DAY, cell] for i, (cell, _) in enumerate(CELLS.values())]]
    records = read(tmp_path, {"Data": rows})
    assert dict(zip(CELLS, records.fields["pain_pre"].texts(), strict=True)) == {
        k: text for k, (_, text) in CELLS.items()
    }
    assert set(records.fields["visit_date"].texts()) == {"2024-03-01"}
    assert records.source_row.tolist() == list(range(2, 2 + len(CELLS)))
    assert (records.files[0].kind, records.files[0].sheet) == ("xlsx", "Data")


def test_rows_as_excel_shows_them(tmp_path: Path) -> None:
    rows: Rows = [["Clinic export"], [], HEADER, ["a", DAY, 1], [None] * 3, ["b", DAY, 2]]
    assert "header_row = 3" in refused(book(tmp_path, {"Data": rows}))
    named = [*rows[:2], ["Client", "Day"], *rows[3:]]
    said = refused(book(tmp_path, {"Data": named}), columns={"patient_id": "Client", "visit_date": "Day"})
    assert "[file] header_row = 3" in said and "Correct that line" not in said
    records = read(tmp_path, {"Data": rows}, file={"header_row": 3})
    assert records.source_row.tolist() == [4, 6]
    step = records.ledger.steps[0]
    assert (step.rows_in, dict(step.not_data)) == (6, {"header": 1, "above the header": 2, "blank line": 1})


@pytest.mark.parametrize(
    ("header_row", "place", "is_seen"), [(1, 31, True), (1, 32, False), (5, 35, True), (5, 36, False)]
)
def test_a_header_is_looked_for_in_the_thirty_rows_below(
    tmp_path: Path, header_row: int, place: int, is_seen: bool
) -> None:
    rows = [["Practice", "North"]] * (place - 1) + [["patient_id", "visit_date"], ["P1", "2024-01-02"]]
    said = refused(book(tmp_path, {"Data": rows}), file={"header_row": header_row})
    assert (f"header_row = {place}" in said) == is_seen


def test_1904_dates(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    for row in (HEADER, ["a", DAY, 1]):
        workbook.active.append(row)
    workbook.save(tmp_path / "mac.xlsx")
    assert read_records(tmp_path / "mac.xlsx").fields["visit_date"].texts() == ["2024-03-01"]


@pytest.mark.parametrize("order", ["excel", "excel-1904"])
def test_serial_numbers_in_a_workbook_that_counts_from_1904_are_counted_so(tmp_path: Path, order: str) -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    for row in (HEADER, ["a", 44255, 1], ["b", 44256.5, 2], ["c", "2025-03-03", 3], ["d", 4425512345, 4]):
        workbook.active.append(row)
    workbook.save(tmp_path / "mac.xlsx")
    visits = build_visits(read_records(tmp_path / "mac.xlsx", Mapping.from_dict({"dates": {"order": order}})))
    days = visits.columns["day"].astype("datetime64[D]").astype(str).tolist()
    assert days == ["2025-03-01", "2025-03-02", "2025-03-03"] and visits.quarantine["source_row"].to_pylist() == [5]
    assert any("counts days from 1904" in note for note in visits.notes) is (order == "excel")


def test_of_a_workbook_that_counts_from_1904_and_holds_no_serial_number_nothing_is_said(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    for row in (HEADER, ["a", "2025-03-03", 3]):
        workbook.active.append(row)
    workbook.save(tmp_path / "mac.xlsx")
    records = read_records(tmp_path / "mac.xlsx", Mapping.from_dict({"dates": {"order": "excel"}}))
    assert records.fields["visit_date"].texts() == ["2025-03-03"]
    assert not [note for note in records.notes if "1904" in note]


def test_merged_cells_among_the_rows_are_said_and_those_above_the_header_are_not(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    for row in (["Clinic", "", ""], HEADER, ["a", DAY, 1], ["b", DAY, 2], ["c", DAY, 3]):
        workbook.active.append(row)
    workbook.active.merge_cells("A1:C1")
    workbook.active.merge_cells("C3:C5")
    workbook.save(tmp_path / "merged.xlsx")
    visits = build_visits(read_records(tmp_path / "merged.xlsx", Mapping.from_dict({"file": {"header_row": 2}})))
    assert visits.columns["pain_pre"].tolist() == [100, -1, -1]
    assert [note.split("; ")[0] for note in visits.notes if "merged" in note] == [
        'merged.xlsx › sheet "Sheet": 1 merged cell stands below the header'
    ]


def test_errors_and_formulas_without_a_value_are_set_aside(tmp_path: Path) -> None:
    rows = [[*HEADER, "x"], ["a", DAY, 1, "#N/A"], ["b", DAY, "#N/A", 1], ["c", DAY, "=1+1", 1], ["d", 1e17, 2, 1]]
    records = read(tmp_path, {"Data": rows})
    assert records.fields["patient_id"].texts() == ["a"]
    aside = records.set_aside
    assert list(zip(aside.row.tolist(), aside.code, strict=True)) == [(3, "E147"), (4, "E148"), (5, "E149")]
    assert aside.detail[0].startswith('column "pain_pre" (C). Mend')


def test_which_sheet(tmp_path: Path) -> None:
    data: Rows = [HEADER, ["a", DAY, 1]]
    records = read(tmp_path, {"Cover": [["Export of 2024"]], "Data": data, "Names": [["Jane"]]}, hidden=("Names",))
    assert records.files[0].sheet == "Data"
    assert sorted(records.notes) == [
        'visits.xlsx: hidden sheet "Names" (1 row) was not read; no identifiers were seen in its first 300 rows, which '
        "is no guarantee; delete it before the file is passed on.",
        'visits.xlsx: sheet "Cover" has no patient and day column and was not read.',
    ]
    two = book(tmp_path, {"Q1": data, "Q2": data, "Old": data}, hidden=("Old",))
    assert 'sheet = "Q1"' in refused(two)
    assert read_records(two, Mapping.from_dict({"file": {"sheet": "Q2"}})).files[0].sheet == "Q2"
    assert "hidden" in refused(two, file={"sheet": "Old"})
    assert '"Q1", "Q2"' in refused(two, file={"sheet": "Q3"})
    assert "E121" in refused(book(tmp_path, {"Data": [["id", "when"], ["a", DAY]]}))


def test_hidden_rows_are_read_and_counted(tmp_path: Path) -> None:
    path = book(tmp_path, {"Data": [HEADER, ["a", DAY, 1], ["b", DAY, 2]]})
    workbook = openpyxl.load_workbook(path)
    workbook.active.row_dimensions[3].hidden = True
    workbook.active.column_dimensions["C"].hidden = True
    workbook.save(path)
    records = read_records(path)
    assert records.n == 2
    assert any("1 hidden row;" in note for note in records.notes)
    assert any("1 hidden column;" in note for note in records.notes)


def test_other_columns_are_not_handed_over(tmp_path: Path) -> None:
    records = read(tmp_path, {"Data": [["name", *HEADER], ["Jane", "a", DAY, 1]]})
    assert records.files[0].unread_columns == ("name",)
    assert records.files[0].field_columns["patient_id"] == ("patient_id", "B")


def far_cell(name: str, data: bytes) -> bytes:
    if name.endswith("sheet1.xml"):
        return data.replace(
            b"</row></sheetData>", b'</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        )
    return data


def doctype(name: str, data: bytes) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY a "b">]>' + data if name.endswith(("sheet1.xml", "workbook.xml")) else data


DANGEROUS: dict[str, tuple[Callable[[Path], object], str]] = {
    "far cell": (lambda p: repack(p, far_cell), "E108"),
    "packed 1000 to 1": (lambda p: repack(p, lambda n, d: d, {"xl/bomb.xml": b" " * 5_000_000}), "E108"),
    "many parts": (lambda p: repack(p, lambda n, d: d, {f"xl/{i}.xml": b"" for i in range(2001)}), "E108"),
    "macros": (lambda p: repack(p, lambda n, d: d, {"xl/vbaProject.bin": b"x"}), "macros"),
    "links": (lambda p: repack(p, lambda n, d: d, {"xl/externalLinks/externalLink1.xml": b"x"}), "links"),
    "entities": (lambda p: repack(p, doctype), "XML entities"),
    "zip of files": (lambda p: repack(p, lambda n, d: None, {"a.csv": b"a"}), "zip archive"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-200]), "E105"),
    "half": (lambda p: p.write_bytes(p.read_bytes()[:1000]), "E105"),
    "no sheet part": (lambda p: repack(p, lambda n, d: None if n.endswith("sheet1.xml") else d), "E105"),
}


@pytest.mark.parametrize("name", DANGEROUS)
def test_dangerous_and_broken_workbooks(tmp_path: Path, name: str) -> None:
    path = book(tmp_path, {"Data": [HEADER, ["a", DAY, 1]]})
    change, expected = DANGEROUS[name]
    change(path)
    assert expected in refused(path)


def test_a_dying_child_is_a_refusal_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from outcomes.records import child, workbook

    monkeypatch.setattr(child, "_can_fork", lambda: True)
    path = book(tmp_path, {"Data": [HEADER, ["a", DAY, 1]]})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for end in (os.abort, lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: bytearray(3 << 30)):
        monkeypatch.setattr(workbook_child, "main", lambda *_, end=end: end())
        assert "E108" in refused(path)
    monkeypatch.setattr(workbook_child, "main", lambda *_: time.sleep(60))
    monkeypatch.setattr(workbook, "SECONDS", 0.5)
    assert "E108" in refused(path)
    assert not glob.glob(str(tmp_path / "outcomes-*"))


def test_memory_is_capped(tmp_path: Path) -> None:
    """A cell that the scan does not see as far (no reference) but whose neighbours are many still cannot hurt."""
    path = book(tmp_path, {"Data": [HEADER, ["a", DAY, 1]]})
    stream = io.BytesIO()
    for row in range(3, 40):
        stream.write(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (row * 5_000, row * 5_000))
    cells = stream.getvalue()

    def change(name: str, data: bytes) -> bytes:
        return data.replace(b"</row></sheetData>", b"</row>" + cells + b"</sheetData>") if "sheet1" in name else data

    records = read_records(repack(path, change))
    assert records.n == 1 + 37


def test_the_list_of_rows_set_aside_names_the_column(tmp_path: Path) -> None:
    rows: Rows = [[*HEADER, "trigger"], ["a", DAY, 1, "lifting"], ["b", DAY, "#N/A", "lifting"]]
    rows += [["c", DAY, "=A1", "lifting"], [1e15 + 1, DAY, 4, "lifting"], ["d", DAY, 5, "call 312-555-0142"]]
    rows += [[patient, DAY, 3, "sitting"] for patient in "efgh"]
    aside = build_visits(read(tmp_path, {"Data": rows})).quarantine.to_pydict()
    places = list(zip(aside["source_row"], aside["code"], aside["column"], aside["letter"], strict=True))
    assert places == [
        (3, "E147", "pain_pre", "C"),
        (4, "E148", "pain_pre", "C"),
        (5, "E149", "patient_id", "A"),
        (6, "E903", "trigger", "D"),
    ]
    (tmp_path / "short.csv").write_text(
        "patient_id,visit_date,pain_pre\na,2024-03-01,1\na,2024-03-02\nb,2024-03-01,#N/A\n"
    )
    aside = build_visits(read_records(tmp_path / "short.csv")).quarantine.to_pydict()
    assert list(zip(aside["code"], aside["column"], strict=True)) == [("E142", ""), ("E147", "pain_pre")]


CLINICS: dict[str, Rows] = {
    "North": [HEADER, ["a", DAY, 1], ["b", DAY, 2]],
    "South": [["pain_pre", "patient_id", "visit_date"], [3, "a", DAY], [None, None, None], [4, "c", "#REF!"]],
}
AS_CLINIC = {"sheet": ["North", "South"], "sheet_as": "clinic_id"}


def test_a_sheet_for_each_clinic(tmp_path: Path) -> None:
    path = book(tmp_path, {"Notes": [["x"]], **CLINICS, "Old": CLINICS["North"]}, hidden=("Old",))
    records = read_records(path, Mapping.from_dict({"file": AS_CLINIC}))
    assert records.fields["patient_id"].texts() == ["a", "b", "a"]
    assert records.fields["pain_pre"].texts() == ["1", "2", "3"]
    assert records.fields["clinic_id"].texts() == ["North", "North", "South"]
    assert records.source_row.tolist() == [2, 3, 2]
    assert [(s.source, s.rows_in, s.kept, s.n_set_aside, s.n_not_data) for s in records.ledger.steps] == [
        ('visits.xlsx › sheet "North"', 3, 2, 0, 1),
        ('visits.xlsx › sheet "South"', 4, 1, 1, 2),
    ]
    assert 'visits.xlsx: sheet "Notes" was not read.' in records.notes
    assert any('hidden sheet "Old"' in note for note in records.notes)
    as_listed = read_records(path, Mapping.from_dict({"file": {"sheet": ["South", "North"]}}))
    assert as_listed.fields["patient_id"].texts() == ["a", "a", "b"] and "clinic_id" not in as_listed.fields


def test_all_visible_sheets(tmp_path: Path) -> None:
    path = book(tmp_path, {**CLINICS, "Blank": [], "Old": CLINICS["North"]}, hidden=("Old",))
    records = read_records(path, Mapping.from_dict({"file": {"sheet": "*", "sheet_as": "clinic_id"}}))
    assert records.fields["clinic_id"].texts() == ["North", "North", "South"]
    assert 'visits.xlsx: sheet "Blank" has no cell.' in records.notes
    path = book(tmp_path, {**CLINICS, "Cover": [["Our clinics"]], "Plan": [["id"]]})
    said = refused(path, file={"sheet": "*"})
    assert 'sheet "Cover"' in said and 'sheet "Plan"' in said and "E121" in said


def test_sheets_that_cannot_be_read_are_named_together(tmp_path: Path) -> None:
    sheets = {**CLINICS, "Blank": [], "Empty": [HEADER], "Old": CLINICS["North"], "Other": [["patient_id", "when"]]}
    path = book(tmp_path, sheets, hidden=("Old",))
    said = refused(path, file={"sheet": ["North", "Old", "East"]})
    assert 'sheet "Old" is hidden' in said and 'no sheet "East"' in said
    assert 'visits.xlsx › sheet "Blank": the sheet has no cell' in refused(path, file={"sheet": ["North", "Blank"]})
    said = refused(path, file={"sheet": ["North", "Other"]})
    assert 'visits.xlsx › sheet "Other"' in said and "visit_date" in said
    read = read_records(path, Mapping.from_dict({"file": {"sheet": ["North", "Empty"]}}))
    assert any('E113 visits.xlsx › sheet "Empty"' in note for note in read.notes)
    renamed = [[*HEADER[:2], "VAS"], ["a", DAY, 1]]
    said = refused(book(tmp_path, {**CLINICS, "New": renamed}), file={"sheet": "*"})
    assert "E120" in said and 'sheet "North"' in said and 'sheet "New"' in said


def test_a_clinic_is_named_once(tmp_path: Path) -> None:
    own = {"North": [[*HEADER, "clinic_id"], ["a", DAY, 1, "N"]], "South": CLINICS["South"]}
    path = book(tmp_path, own)
    said = refused(path, file=AS_CLINIC)
    assert 'E129 visits.xlsx › sheet "North"' in said and 'clinic_id = ""' in said
    read = read_records(path, Mapping.from_dict({"file": AS_CLINIC, "columns": {"clinic_id": ""}}))
    assert read.fields["clinic_id"].texts() == ["North", "South"]
    with pytest.raises(ConfigError, match="both say what the clinic is"):
        Mapping.from_dict({"file": AS_CLINIC, "columns": {"clinic_id": "Clinic"}})
    (tmp_path / "visits.csv").write_text("patient_id,visit_date\na,2024-03-01\n")
    assert "E129" in refused(tmp_path / "visits.csv", file=AS_CLINIC)


@pytest.mark.parametrize("title", ["John Smith", "12 High Street", "anna.keller@example.org", "+41 79 555 01 42"])
def test_a_sheet_named_after_a_person_or_an_address_is_refused(tmp_path: Path, title: str) -> None:
    path = book(tmp_path, {"North": CLINICS["North"], title: CLINICS["South"]})
    said = refused(path, file={"sheet": "*", "sheet_as": "clinic_id"})
    assert "E902" in said and "name of the sheet" in said and 'accept = ["name of the sheet"]' in said
    accepted = {"file": {"sheet": "*", "sheet_as": "clinic_id"}, "privacy": {"accept": ["name of the sheet"]}}
    read = read_records(path, Mapping.from_dict(accepted))
    assert read.fields["clinic_id"].texts()[-1] == title
    assert not any("E907" in note for note in read.notes)


def test_a_sheet_that_is_a_pseudonymous_clinic_is_nowhere_named(tmp_path: Path) -> None:
    key = {"pseudonymise": True, "key": str(tmp_path / "own.key")}
    records = read(tmp_path, CLINICS, file=AS_CLINIC, privacy=key)
    clinics = records.fields["clinic_id"].texts()
    assert clinics[0] == clinics[1] != clinics[2] and len(clinics[0]) == 16
    assert [file.sheet for file in records.files] == ["no. 1", "no. 2"]
    assert "North" not in f"{records.ledger} {records.notes} {records.files}"


def test_limits_hold_over_all_sheets_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def far(name: str, data: bytes) -> bytes:
        row = b'</row><row r="600000"><c r="A600000"><v>1</v></c></row></sheetData>'
        return data.replace(b"</row></sheetData>", row) if "sheets/sheet" in name else data

    class Reached(Exception):
        """A sheet went to the parser."""

    def parse(_: str) -> None:
        raise Reached

    path = repack(book(tmp_path, {**CLINICS, "West": CLINICS["South"]}), far)
    said = refused(path, file={"sheet": "*"})
    assert "E108" in said and "1,200,000 rows together" in said  # those of two: the third was not looked into
    assert read_records(path, Mapping.from_dict({"file": {"sheet": "North"}})).n == 3
    # No cell is parsed before: a parser lays all sheets out in memory, far cells and all.
    monkeypatch.setattr("python_calamine.CalamineWorkbook", SimpleNamespace(from_path=parse))
    request = {"path": str(path), "folder": str(tmp_path), "header_row": 1}
    with pytest.raises(Refused, match="E108"):
        workbook_child._Book({**request, "sheets": None})
    with pytest.raises(Reached):
        workbook_child._Book({**request, "sheets": ("North",)})


def test_mappings_without_sheet_as_keep_their_hash() -> None:
    assert Mapping.from_dict({"file": {"sheet": "Data"}}).hash == "e2a31c0e0b8f"
    hashes = {Mapping.from_dict({"file": file}).hash for file in ({}, {"sheet": "*"}, AS_CLINIC)}
    assert len(hashes) == 3


def test_a_far_cell_below_a_few_rows_is_refused_before_it_takes_a_gigabyte(tmp_path: Path) -> None:
    """To column Z a full sheet may be a table; it was parsed, and the row limit of spreadsheets given as the reason."""
    rows: Rows = [HEADER, *([f"p{i}", DAY, 5] for i in range(40))]
    path = book(tmp_path, {"visits": rows})
    workbook = openpyxl.load_workbook(path)
    workbook["visits"]["A1048576"] = "x"
    workbook.save(path)
    message = refused(path)
    assert (
        "E108" in message
        and "row 1,048,576, of which 42 hold anything" in message
        and "Delete the far cells" in message
    )
    # A stray cell that makes the sheet no larger than one that may be read.
    workbook = openpyxl.load_workbook(book(tmp_path, {"visits": rows}))
    workbook["visits"]["A4000"], workbook["visits"]["B4000"] = "p1", DAY
    workbook.save(path)
    assert len(read_records(path).source) == 41
