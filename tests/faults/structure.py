"""Headers, sheets and the shape of the table: entries 40 to 54."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.comments import Comment

from faults.catalogue import ASK, FIX, KEEP, QUAR, REFUSE, WARN, Fault, Input, Run, says
from faults.exports import CSV, EVERYWHERE, PARQUET, XLSX, Row, clean_rows, conserved, visit_of, write
from faults.syntax import all_read, given
from faults.workbooks import lines_of

Make = Callable[[Path, str], Input]
_MAP = "Write the header in the mapping, below [columns]."
_TWO_LEVELS = ("Patient", "Visit", "", "", "", "", "", "", "", "", "", "", "")


def _renamed(names: dict[str, str], mapping: str = "") -> Make:
    """The clean export with other headers."""

    def make(folder: Path, kind: str) -> Input:
        rows = [{names.get(key, key): cell for key, cell in row.items()} for row in clean_rows()]
        return Input([write(folder, kind, rows)], mapping)

    return make


def _without(*columns: str) -> Make:
    def make(folder: Path, kind: str) -> Input:
        rows = [{key: cell for key, cell in row.items() if key not in columns} for row in clean_rows()]
        return Input([write(folder, kind, rows)])

    return make


def _with(name: str, cell: Callable[[int], str]) -> Make:
    """The clean export with a column more."""

    def make(folder: Path, kind: str) -> Input:
        return Input([write(folder, kind, [{**row, name: cell(i)} for i, row in enumerate(clean_rows())])])

    return make


def _twice_pain(folder: Path, kind: str) -> Input:
    if kind == CSV:
        return given(lambda text: text.replace("pain_post", "pain_pre", 1))(folder, kind)
    if kind == PARQUET:
        import pyarrow.parquet as pq

        table = pq.read_table(write(folder, kind, clean_rows()))
        names = ["pain_pre" if name == "pain_post" else name for name in table.column_names]
        pq.write_table(table.rename_columns(names), folder / "visits.parquet")
        return Input([folder / "visits.parquet"])
    return _book(lambda sheet: _set(sheet, "E1", "pain_pre"))(folder, kind)


def _set(sheet: Any, place: str, value: Any) -> None:
    sheet[place] = value


def _book(change: Callable[[Any], None], mapping: str = "") -> Make:
    """The clean workbook, its sheet changed."""

    def make(folder: Path, _: str) -> Input:
        path = write(folder, XLSX, clean_rows())
        workbook = openpyxl.load_workbook(path)
        change(workbook.active)
        workbook.save(path)
        return Input([path], mapping)

    return make


def _blank_header(filled: bool) -> Make:
    def change(text: str) -> str:
        lines = text.splitlines()
        return "".join(f"{line},{i if filled and i else ''}\n" for i, line in enumerate(lines))

    def make(folder: Path, kind: str) -> Input:
        if kind == CSV:
            return given(change)(folder, kind)

        def add(sheet: Any) -> None:
            for i in range(2, 122):
                sheet.cell(i, 14).value = i if filled else " "

        return _book(add)(folder, kind)

    return make


def _index_column(text: str) -> str:
    """As pandas writes a table unless told otherwise: a first column of numbers without a header."""
    lines = text.splitlines()
    return "".join(f"{i - 1 if i else ''},{line}\n" for i, line in enumerate(lines))


def _quarters(change: Callable[[Row], Row], mapping: str = "") -> Make:
    """Two quarters, the second with other columns."""

    def make(folder: Path, kind: str) -> Input:
        rows = clean_rows()
        first = [row for row in rows if int(row["patient_id"][1:]) < 121]
        second = [change(row) for row in rows if int(row["patient_id"][1:]) >= 121]
        return Input([write(folder, kind, first, "q1"), write(folder, kind, second, "q2")], mapping)

    return make


def _rename_pain(row: Row) -> Row:
    return {"VAS" if key == "pain_pre" else key: cell for key, cell in row.items()}


def _two_header_rows(folder: Path, kind: str) -> Input:
    lines = [list(_TWO_LEVELS), *([cell.replace("_", " ") for cell in line] for line in lines_of(clean_rows())[:1])]
    lines += lines_of(clean_rows())[1:]
    if kind == CSV:
        path = folder / "visits.csv"
        path.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")
        return Input([path])
    workbook = openpyxl.Workbook()
    for line in lines:
        workbook.active.append(line)
    workbook.active.merge_cells("B1:M1")
    workbook.save(folder / "visits.xlsx")
    return Input([folder / "visits.xlsx"])


def _hidden_sheet(state: str) -> Make:
    def make(folder: Path, _: str) -> Input:
        path = write(folder, XLSX, clean_rows())
        workbook = openpyxl.load_workbook(path)
        hidden = workbook.create_sheet("Names")
        for line in (["id", "name"], ["K101", "Zebulon Quist"]):
            hidden.append(line)
        hidden.sheet_state = state
        workbook.save(path)
        return Input([path], secrets=("Zebulon",))

    return make


_HIDDEN_PEOPLE = [
    ["Patients of 2019, list of Jane Quagmire"],
    ["Patient", "Patient Name", "Home Phone", "Remark", "Field 7"],
    *(
        [f"K{101 + i}", f"{given} {family}", f"(303) 555-{1200 + i}", f"rang {given}", f"x{i}@mail.example.org"]
        for i, (given, family) in enumerate(
            (("Jane", "Quagmire"), ("Tobias", "Smith"), ("Mary", "Okonkwo"), ("Ana", "Garcia"), ("Linh", "Nguyen"))
        )
    ),
]


def _hidden_people(state: str) -> Make:
    def make(folder: Path, _: str) -> Input:
        path = write(folder, XLSX, clean_rows())
        workbook = openpyxl.load_workbook(path)
        hidden = workbook.create_sheet("Old")
        for line in _HIDDEN_PEOPLE:
            hidden.append(line)
        hidden.sheet_state = state
        workbook.save(path)
        return Input([path], secrets=("Quagmire", "Tobias", "555-12", "mail.example", "Patient Name", "Field 7"))

    return make


_KINDS_SAID = "columns that look like names (1), phone numbers (1), free text (1), e-mail addresses (1): delete it"


def _hide(sheet: Any) -> None:
    sheet.row_dimensions[5].hidden = True
    sheet.column_dimensions["C"].hidden = True
    sheet.auto_filter.ref = "A1:M121"


def _sheets(names: tuple[str, ...], mapping: str = "") -> Make:
    """A cover sheet and sheets of data after it."""

    def make(folder: Path, _: str) -> Input:
        workbook = openpyxl.Workbook()
        workbook.active.title = "Cover"
        workbook.active["A1"] = "Visits of the quarter"
        for name in names:
            sheet = workbook.create_sheet(name)
            for line in lines_of(clean_rows()):
                sheet.append(line)
        workbook.save(folder / "visits.xlsx")
        return Input([folder / "visits.xlsx"], mapping)

    return make


def _cell(place: str, value: Any) -> Make:
    return _book(lambda sheet: _set(sheet, place, value))


def _error_text(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    rows[4]["pain_pre"], rows[7]["modalities"] = "#DIV/0!", "#N/A"
    return Input([write(folder, kind, rows)])


def _clinic_sheets(*names: str) -> Make:
    """The clean export cut in two, a sheet each, without a column of clinics."""

    def make(folder: Path, _: str) -> Input:
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        header, *rows = lines_of(clean_rows())
        kept = [i for i, name in enumerate(header) if name != "clinic_id"]
        half = len(rows) // 2
        for name, part in zip(names, (rows[:half], rows[half:]), strict=True):
            sheet = workbook.create_sheet(name)
            for line in (header, *part):
                sheet.append([line[i] for i in kept])
        workbook.save(folder / "visits.xlsx")
        return Input([folder / "visits.xlsx"], '[file]\nsheet = "*"\nsheet_as = "clinic_id"\n')

    return make


def _formula_with_a_comment(sheet: Any) -> None:
    sheet["A3"].comment = Comment("call Zebulon Quist", "Zebulon Quist")
    sheet.parent.properties.creator = "Zebulon Quist"


def _carries(folder: Path, kind: str) -> Input:
    made = _book(_formula_with_a_comment)(folder, kind)
    return Input(made.files, secrets=("Zebulon",))


def _wide(dates_as_headers: bool) -> Make:
    def make(folder: Path, kind: str) -> Input:
        rows = []
        for i in range(0, 120, 3):
            visits = clean_rows()[i : i + 3]
            row: Row = {"patient_id": visits[0]["patient_id"]}
            for k, visit in enumerate(visits, start=1):
                if dates_as_headers:
                    row[f"2025-0{k}-15"] = visit["pain_pre"]
                else:
                    row |= {f"visit{k}_date": visit["visit_date"], f"visit{k}_pain": visit["pain_pre"]}
            rows.append(row)
        return Input([write(folder, kind, rows)])

    return make


def _wide_beside(folder: Path, kind: str) -> Input:
    """Three visits a row, the first of them under the names of the fields."""
    rows = []
    for i in range(0, 120, 3):
        visits = clean_rows()[i : i + 3]
        row: Row = {name: visits[0][name] for name in ("patient_id", "visit_date", "pain_pre")}
        for k, visit in enumerate(visits[1:], start=2):
            row |= {f"visit_date_{k}": visit["visit_date"], f"pain_pre_{k}": visit["pain_pre"]}
        rows.append(row)
    return Input([write(folder, kind, rows)])


def _twice_unread(folder: Path, kind: str) -> Input:
    rows = [{**row, "room": "1", "bill": "2"} for row in clean_rows()]
    path = write(folder, kind, rows)
    if kind == CSV:
        path.write_text(path.read_text("utf-8").replace("bill", "room", 1), "utf-8")
    else:
        book = openpyxl.load_workbook(path)
        for cell in book.active[1]:
            cell.value = "room" if cell.value == "bill" else cell.value
        book.save(path)
    return Input([path])


def _numbers_as_text(folder: Path, kind: str) -> Input:
    return Input([write(folder, kind, clean_rows())])


def _percent(sheet: Any, columns: Sequence[int] = (4,)) -> None:
    for i in range(2, 122):
        for column in columns:
            cell = sheet.cell(i, column)
            cell.value, cell.number_format = int(cell.value) / 10, "0%"


def _both_percent(sheet: Any) -> None:
    _percent(sheet, (4, 5))


def _set_aside(*found: tuple[str, int]) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        conserved(run)
        shift = 1 if any((run.out.parent / "in").glob("*.parquet")) else 2
        assert [(row["code"], int(row["source_row"]) - shift) for row in run.table("quarantine")] == list(found)
        for row in run.table("quarantine"):
            assert 'column "' in row["remedy"] or row["column"], row

    return check


def _same_tables(run: Run) -> None:
    all_read()(run)
    assert visit_of(run, 0)["pain_pre_nrs"] == "8" and visit_of(run, 0)["age"] == "25"


FAULTS: tuple[Fault, ...] = (
    Fault(
        40,
        "no-patient-column",
        "A required column is missing",
        REFUSE,
        ("E121",),
        _renamed({"patient_id": "subject"}),
        EVERYWHERE,
        _MAP,
        says("headers found: 'subject', 'visit_date'", 'patient_id = "subject"'),
    ),
    Fault(
        40,
        "no-day-column",
        "No column of days",
        REFUSE,
        ("E121",),
        _without("visit_date"),
        EVERYWHERE,
        _MAP,
        says("visit_date (or visit_day)"),
    ),
    Fault(
        40,
        "declared-column-missing",
        "A column the mapping names is missing",
        REFUSE,
        ("E123",),
        _renamed({}, '[columns]\npain_pre = "pain_now"\n'),
        EVERYWHERE,
        "Correct that line of the mapping.",
        says("pain_now"),
    ),
    Fault(
        41,
        "extra-column",
        "A column nobody asked for",
        KEEP,
        (),
        _with("machine", lambda i: "m2"),
        EVERYWHERE,
        "Nothing.",
        all_read("not read from visits", "machine"),
    ),
    Fault(
        42,
        "header-twice",
        "One header over two columns",
        REFUSE,
        ("E122",),
        _twice_pain,
        EVERYWHERE,
        "Rename or delete one of them.",
        says("(D, E)"),
    ),
    Fault(
        42,
        "unread-header-twice",
        "One header over two columns that are not read",
        WARN,
        (),
        _twice_unread,
        (CSV, XLSX),
        "Nothing, if neither is meant.",
        all_read("header 'room' stands in 2 columns", "none is read"),
    ),
    Fault(
        43,
        "blank-header",
        "A column of cells without a header",
        REFUSE,
        ("E119",),
        _blank_header(True),
        (CSV, XLSX),
        "Give the column a header, or delete it.",
        says("column N has no header, but 120 cells"),
    ),
    Fault(
        43,
        "index-column",
        "A first column of row numbers without a header, as pandas writes it",
        REFUSE,
        ("E119",),
        given(_index_column),
        (CSV,),
        "Give the column a header, or delete it.",
        says("column A has no header"),
    ),
    Fault(
        43,
        "blank-column",
        "An empty column without a header",
        KEEP,
        (),
        _blank_header(False),
        (CSV, XLSX),
        "Nothing.",
        all_read(),
    ),
    Fault(
        44,
        "columns-in-other-order",
        "Columns in another order in the second quarter",
        FIX,
        (),
        _quarters(lambda row: dict(reversed(row.items()))),
        EVERYWHERE,
        "Nothing.",
        all_read(),
    ),
    Fault(
        45,
        "column-renamed",
        "A column with another name in the second quarter",
        ASK,
        ("E120",),
        _quarters(_rename_pain),
        EVERYWHERE,
        "Give both exports the same header, or [acknowledge] warnings.",
        says('"VAS"', 'warnings = ["E120"]'),
    ),
    Fault(
        45,
        "other-column-acknowledged",
        "Another column in the second quarter, known",
        WARN,
        (),
        _quarters(_rename_pain, '[acknowledge]\nwarnings = ["E120"]\nby = "reception"\n'),
        EVERYWHERE,
        "Nothing.",
        all_read("it counts as not recorded there"),
    ),
    Fault(
        45,
        "patient-column-renamed",
        "The patient column with another name in the second quarter",
        REFUSE,
        ("E121",),
        _quarters(lambda row: {"case" if key == "patient_id" else key: cell for key, cell in row.items()}),
        EVERYWHERE,
        _MAP,
        says("q2.", 'patient_id = "case"'),
    ),
    Fault(
        46,
        "two-header-rows",
        "A header of two rows, or with merged cells",
        ASK,
        ("E121",),
        _two_header_rows,
        (CSV, XLSX),
        "Make them one row, or [file] header_row = 2.",
        says("look like one header of two rows", "'Visit'", "'patient id'"),
    ),
    Fault(
        47,
        "hidden-sheet",
        "A hidden sheet",
        WARN,
        (),
        _hidden_sheet("hidden"),
        (XLSX,),
        "Delete it before passing it on.",
        all_read('hidden sheet "Names" (2 rows) was not read'),
    ),
    Fault(
        47,
        "very-hidden-sheet",
        "A sheet that only a program can show",
        WARN,
        (),
        _hidden_sheet("veryHidden"),
        (XLSX,),
        "Delete it before passing it on.",
        all_read('hidden sheet "Names"'),
    ),
    *(
        Fault(
            47,
            f"{state}-sheet-of-people",
            f"{what} of names and phone numbers: not read, and the kinds of identifier in it are counted",
            WARN,
            ("E908",),
            _hidden_people(state),
            (XLSX,),
            "Delete the sheet before passing the file on.",
            all_read(f'hidden sheet "Old" (7 rows) was not read; it contains {_KINDS_SAID}'),
        )
        for state, what in (("hidden", "A hidden sheet"), ("veryHidden", "A sheet that only a program can show"))
    ),
    Fault(
        48,
        "hidden-rows",
        "Hidden rows and columns, a filter",
        WARN,
        (),
        _book(_hide),
        (XLSX,),
        "Nothing: they are read like the others.",
        all_read("1 hidden row;", "1 hidden column;", "a filter is set"),
    ),
    Fault(
        49,
        "data-on-second-sheet",
        "The data on another than the first sheet",
        FIX,
        (),
        _sheets(("Data",)),
        (XLSX,),
        "Nothing.",
        all_read('sheet "Cover" has no patient and day column'),
    ),
    Fault(
        49,
        "two-sheets",
        "Two sheets of data",
        ASK,
        ("E110",),
        _sheets(("Q1", "Q2")),
        (XLSX,),
        '[file] sheet = "Q1", or sheet = ["Q1", "Q2"] to read both',
        says('sheet = ["Q1", "Q2"]'),
    ),
    Fault(
        49,
        "sheet-declared",
        "Two sheets of data, one declared",
        FIX,
        (),
        _sheets(("Q1", "Q2"), '[file]\nsheet = "Q2"\n'),
        (XLSX,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        49,
        "sheet-a-clinic",
        "A sheet for each clinic, declared",
        FIX,
        (),
        _clinic_sheets("North", "South"),
        (XLSX,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        49,
        "sheets-of-other-headers",
        "Several sheets to read, one without the required columns",
        REFUSE,
        ("E121",),
        _sheets(("North", "South"), '[file]\nsheet = "*"\n'),
        (XLSX,),
        "Name the sheets with visits in [file] sheet.",
        says('sheet "Cover"'),
    ),
    Fault(
        49,
        "sheet-of-a-person",
        "A sheet named after a person, its name being the clinic",
        REFUSE,
        ("E902",),
        _clinic_sheets("North", "John Smith"),
        (XLSX,),
        "Give the sheet another name.",
        says("name of the sheet"),
    ),
    Fault(
        49,
        "two-clinics-of-a-sheet",
        "A sheet with a clinic column, its name being the clinic",
        ASK,
        ("E129",),
        _sheets(("North",), '[file]\nsheet = "North"\nsheet_as = "clinic_id"\n'),
        (XLSX,),
        'Take sheet_as out, or write clinic_id = "" below [columns].',
        says('clinic_id = ""'),
    ),
    Fault(
        50,
        "error-value",
        "A cell with an error value (#N/A)",
        QUAR,
        ("E147",),
        _cell("D5", "#N/A"),
        (XLSX,),
        "Mend the formula.",
        _set_aside(("E147", 3)),
    ),
    Fault(
        50,
        "formula-without-value",
        "A formula that was never calculated",
        QUAR,
        ("E148",),
        _cell("D5", "=3+4"),
        (XLSX,),
        "Open it in a spreadsheet and save it.",
        _set_aside(("E148", 3)),
    ),
    Fault(
        50,
        "error-text",
        "Error values as text",
        QUAR,
        ("E147",),
        _error_text,
        EVERYWHERE,
        "Mend the formula.",
        _set_aside(("E147", 4), ("E147", 7)),
    ),
    Fault(
        51,
        "comments-and-author",
        "Comments and an author's name in a workbook",
        WARN,
        (),
        _carries,
        (XLSX,),
        "Nothing: neither read nor copied.",
        all_read("also carries comments, what looks like its author's name"),
    ),
    Fault(
        52,
        "wide",
        "A column a visit instead of a row a visit",
        REFUSE,
        ("E126",),
        _wide(False),
        EVERYWHERE,
        "Export the list of visits, one row each.",
        says("one row a patient", "visit#_"),
    ),
    Fault(
        52,
        "wide-beside-the-first",
        "Further visits as columns beside those of the first",
        REFUSE,
        ("E126",),
        _wide_beside,
        EVERYWHERE,
        "Export the list of visits, one row each.",
        says("one row a patient", "come again with the number 2, 3"),
    ),
    Fault(
        52,
        "wide-by-date",
        "Dates as headers",
        REFUSE,
        ("E126",),
        _wide(True),
        EVERYWHERE,
        "Export the list of visits, one row each.",
        says("3 headers are dates"),
    ),
    Fault(
        53,
        "numbers-as-text",
        "Numbers stored as text",
        FIX,
        (),
        _numbers_as_text,
        (XLSX, PARQUET),
        "Nothing.",
        _same_tables,
    ),
    Fault(
        54,
        "percent",
        "Ratings shown as percent",
        ASK,
        ("E127",),
        _book(_percent),
        (XLSX,),
        '[pain] scale = "0-1", or format the column as plain numbers.',
        says("120 cells", 'column "pain_pre" (D)', 'scale = "0-1"'),
    ),
    Fault(
        54,
        "percent_declared",
        "Ratings shown as percent, declared: 70 % is 7 of 10",
        FIX,
        (),
        lambda folder, kind: dataclasses.replace(_book(_both_percent)(folder, kind), mapping='[pain]\nscale = "0-1"\n'),
        (XLSX,),
        "Nothing.",
        _same_tables,
    ),
)
