"""The first rows of an export: encoding, delimiter and header row, on a few lines each."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from outcomes.errors import InputRefused
from outcomes.records.identifiers_unread import SAMPLE_ROWS
from outcomes.records.inspect_head import (
    _LINES_GUESSED_BY,
    _LOOK_AHEAD,
    ASK_WHAT_SHEETS_ARE,
    Sheet,
    _ask_which_sheet,
    _decode,
    _find_delimiter,
    _find_header_row,
    _has_header,
    _holds_visits,
    _names_clinic,
    _split,
    read_top,
    score_header,
)
from outcomes.records.mapping import FileOptions, Mapping

NONE = FileOptions()


@pytest.mark.parametrize(
    ("cells", "n"),
    [
        (("patient_id", "Visit Date", "x"), 2),
        (("Patient No", "Date of visit", "Area", " "), 3),
        (("", " "), 0),
        (("Clinic export", "printed"), 0),
    ],
)
def test_headers_are_told_by_the_names_columns_of_visits_have(cells: tuple[str, ...], n: int) -> None:
    assert score_header(cells) == n


@pytest.mark.parametrize(
    ("data", "text", "encoding", "why"),
    [
        (b"a\nb\nhalf", "a\nb\n", "utf-8", "all bytes looked at are valid"),
        (b"no end", "no end", "utf-8", "all bytes looked at are valid"),
        (b"\xef\xbb\xbfa\nb", "a\n", "utf-8", "the mark of UTF-8 at its start"),
        ("\ufeffa\nb".encode("utf-16-le"), "a\nb", "utf-8", "the mark of UTF-16 at its start"),
        ("\ufeffa\nb".encode("utf-16-be"), "a\nb", "utf-8", "the mark of UTF-16 at its start"),
        ("a\nMüller\n".encode("cp1252"), "a\nMüller\n", "cp1252", "not UTF-8: a guess, check a name with an accent"),
    ],
)
def test_bytes_become_text(data: bytes, text: str, encoding: str, why: str) -> None:
    found, options, words = _decode(data, NONE)
    assert (found, options.encoding, words) == (text, encoding, why)


def test_a_declared_encoding_stands_while_it_fits() -> None:
    assert _decode("Müller\n".encode("cp1252"), replace(NONE, encoding="cp1252"))[0] == "Müller\n"


def test_so_many_lines_beyond_ascii_are_asked_which_encoding_it_is() -> None:
    """Polish after as many lines that are the same in both: not looked at any more."""
    same = "Müller\n".encode("cp1252") * _LINES_GUESSED_BY
    polish = "zażółć gęślą jaźń\n".encode("cp1250")
    assert _decode(same + polish, NONE)[1].encoding == "cp1252"
    assert _decode(polish + same, NONE)[1].encoding == "cp1250"


def test_cells_are_read_up_to_a_number_of_rows_and_to_one_no_reader_takes() -> None:
    assert _split('a,b\n"c,d",\0e\n', ",") == [["a", "b"], ["c,d", "e"]]
    assert len(_split("a\n" * (SAMPLE_ROWS + 100), ",")) == SAMPLE_ROWS + 60
    assert _split("a,b\n" + "x" * 200_000 + "\n", ",") == [["a", "b"]]


@pytest.mark.parametrize(
    ("lines", "delimiter", "why"),
    [
        (["patient_id;visit_date", "a;1", "b;2"], ";", "3 of the first 3 lines have 2 cells with it"),
        # known headers go before what splits more lines, and more cells
        (["patient_id;visit_date", "a;1,5,6", "b;2,5,6"], ";", "3 of the first 3 lines have 2 cells with it"),
        # without known headers: the mark that splits most lines alike, then the one that gives most cells
        (["x|y", "a|1", "b|2,5"], "|", "3 of the first 3 lines have 2 cells with it"),
        (["x|y,z,w", "a|1,2,3"], ",", "2 of the first 2 lines have 3 cells with it"),
        (["x\ty\tz", "", "a\tb\tc"], "\t", "2 of the first 2 lines have 3 cells with it"),
        (["one", "two"], ",", "2 of the first 2 lines have 1 cells with it"),
    ],
)
def test_the_delimiter_with_its_evidence(lines: list[str], delimiter: str, why: str) -> None:
    options, words = _find_delimiter(lines, NONE)
    assert (options.delimiter, words) == (delimiter, why)


def test_a_declared_delimiter_stands() -> None:
    declared = replace(NONE, delimiter="|")
    assert _find_delimiter(["patient_id;visit_date"], declared) == (declared, "declared")


HEADER = ["patient_id", "visit_date", "x"]


@pytest.mark.parametrize(
    ("rows", "row", "why"),
    [
        ([HEADER, ["a", "1", "2"]], 1, "2 of its 3 cells are known headers"),
        ([["Clinic"], [], HEADER, ["a", "1", "2"], ["b", "1", "2"]], 3, "2 of its 3 cells are known headers"),
        ([["u", "v", "w"], HEADER, HEADER], 2, "2 of its 3 cells are known headers"),  # the first of the best
        ([["u", "v", "w"], ["a", "b", "c"]], 1, "0 of its 3 cells are known headers"),
        # rows as wide as most are asked
        ([["patient_id", "visit_date"], ["u", "v", "w"], ["a", "b", "c"]], 2, "0 of its 3 cells are known headers"),
        ([["one"], ["two"]], 1, "the first row"),
        ([*([["n"]] * (_LOOK_AHEAD - 1)), HEADER, HEADER], _LOOK_AHEAD, "2 of its 3 cells are known headers"),
        ([*([["n"]] * _LOOK_AHEAD), HEADER, HEADER], 1, "the first row"),
    ],
)
def test_the_header_row_is_the_one_with_most_known_words(rows: list[list[str]], row: int, why: str) -> None:
    options, words = _find_header_row(rows, NONE, "visits.csv", Mapping())
    assert (options.header_row, words) == (row, why)


def test_a_declared_header_row_stands_where_there_is_one() -> None:
    declared = replace(NONE, header_row=2)
    assert _find_header_row([["a"], HEADER], declared, "visits.csv", Mapping()) == (declared, "declared")
    with pytest.raises(InputRefused, match="there is no row 2 to take headers from"):
        _find_header_row([HEADER], declared, "visits.csv", Mapping())


def test_sheets_are_alike_by_their_headers_in_any_order() -> None:
    assert _has_header([["B ", "a"]], 1, ["A", "b"])
    assert _has_header([["t"], ["b", "a"]], 2, ["a", "b"])
    assert not _has_header([["b", "a"]], 2, ["a", "b"])
    assert not _has_header([["b", "a", "c"]], 1, ["a", "b"])


def test_a_header_that_names_the_clinic() -> None:
    assert _names_clinic(["Patient", "Standort"]) and _names_clinic(["clinic_id"])
    assert not _names_clinic(["Patient", "Notes"])


def test_headers_are_looked_for_in_the_first_rows_of_a_sheet() -> None:
    header = ["Patient", "Visit date"]
    assert _holds_visits([["x"]] * (_LOOK_AHEAD - 1) + [header], ["Ort"])
    assert not _holds_visits([["x"]] * _LOOK_AHEAD + [header], ["Ort"])
    assert not _holds_visits([["Ort"]], ["Ort"])  # a single word is no header line


def test_sheets_to_choose_from_are_named_and_those_alike_can_be_read_together() -> None:
    assert _ask_which_sheet(["Q1", "Q2"], ["Q1"]) == (
        '[file] sheet: "Q1", "Q2" each look like visits, and one is read: name it'
    )
    assert _ask_which_sheet(["Q1", "Q2", "Q3"], ["Q1", "Q3"]).endswith(
        'name it; those with one header line can be read together, sheet = ["Q1", "Q3"]'
    )


def test_the_top_and_the_foot_of_a_file(tmp_path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("Clinic export\npatient_id,visit_date\na,2024-01-02\nb\nPrinted 2024-02-01\n")
    top = read_top(path, Mapping())
    assert (top.kind, top.options.header_row, top.options.delimiter) == ("csv", 2, ",")
    assert top.header == ("patient_id", "visit_date")
    assert top.cells == (["a", "b", "Printed 2024-02-01"], ["2024-01-02"])
    assert top.foot.endswith("Printed 2024-02-01\n") and "Printed" not in repr(top).replace(repr(top.cells), "")


def test_of_the_foot_so_much_is_kept(tmp_path) -> None:
    path = tmp_path / "visits.csv"
    body = "patient_id,visit_date\n" + "a,2024-01-02\n" * 1000
    path.write_text(body)
    assert read_top(path, Mapping()).foot == body[-4096:]


VISITS = [["Patient", "Visit date", "Pain"], ["p1", "2026-01-01", 3], ["p2", "2026-01-02", 4]]


def book_of(folder, hidden=(), **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    book.save(folder / "visits.xlsx")
    return folder / "visits.xlsx"


def test_of_a_workbook_the_sheet_most_like_visits_is_read_and_all_are_named(tmp_path) -> None:
    top = read_top(book_of(tmp_path, hidden=("Old",), Cover=[["Clinic"]], Data=VISITS, Old=VISITS), Mapping())
    assert top.sheets == (Sheet("Cover", False), Sheet("Data", False, is_read=True), Sheet("Old", True, 3))
    assert (top.options.sheet, top.options.header_row) == ("Data", 1)
    assert top.header == ("Patient", "Visit date", "Pain")
    assert top.cells == (["p1", "p2"], ["2026-01-01", "2026-01-02"], ["3", "4"])
    assert top.evidence["sheet"] == "of 2 visible sheets with cells the one most like visits"
    assert top.open_questions == ()


def test_a_single_sheet_needs_no_name(tmp_path) -> None:
    assert read_top(book_of(tmp_path, hidden=("Old",), Data=VISITS, Old=VISITS), Mapping()).options.sheet is None


def test_sheets_with_one_header_line_are_read_together_and_may_be_clinics(tmp_path) -> None:
    path = book_of(tmp_path, North=VISITS, South=VISITS)
    top = read_top(path, Mapping())
    assert top.options.sheet == ("North", "South")
    assert top.evidence["sheet"] == "all have one header line and are read like files of their own"
    assert top.open_questions == (ASK_WHAT_SHEETS_ARE,)
    declared = Mapping.from_dict({"file": {"sheet_as": "clinic_id"}})
    assert read_top(path, declared).open_questions == ()
    named = [[*row, word] for row, word in zip(VISITS, ("Standort", "a", "b"), strict=True)]
    assert read_top(book_of(tmp_path, North=named, South=named), Mapping()).open_questions == ()
    one = read_top(book_of(tmp_path, North=VISITS, South=VISITS), Mapping.from_dict({"file": {"sheet": "South"}}))
    assert one.options.sheet == "South" and one.open_questions == ()


def test_a_sheet_with_the_two_headers_of_another_is_like_it() -> None:
    assert _holds_visits([["Ort", "Raum"]], ["Ort", "Raum"])


def test_a_declared_delimiter_that_splits_nothing_is_refused_where_the_header_is_looked_at(tmp_path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("Clinic;export\npatient_id;visit_date\na;2024-01-02\n")
    mapping = Mapping.from_dict({"file": {"delimiter": ",", "header_row": 2}})
    with pytest.raises(InputRefused, match="E112"):
        read_top(path, mapping)
    path.write_text("patient_id,visit_date\n")
    with pytest.raises(InputRefused, match="E113"):
        read_top(path, mapping)


def test_a_file_as_long_as_its_foot_is_all_foot(tmp_path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("patient_id,visit_date\na,2024-01-02\n")
    assert read_top(path, Mapping()).foot == path.read_text()


@pytest.mark.parametrize(
    ("row", "header", "holds"),
    [
        (["Patient", "Visit date"], ["u"], True),
        (["", "Patient", " ", "visit_day", "x"], ["u"], True),
        (["Patient", "Ort"], ["u"], False),  # a patient and no day
        (["Visit date", "Ort"], ["u"], False),
        # most of the headers of the other sheet, blank ones aside: four of five are
        (["u", "v", "w", "x"], ["u", "v", "w", "x", "y", " "], True),
        (["u", "v", "w", "o", "p"], ["u", "v", "w", "x", "y"], False),
        (["o", "p", "q", "r", "s"], ["u", "v", "w", "x", "y"], False),
        (["u", " "], ["u"], False),
    ],
)
def test_a_row_that_names_a_patient_and_a_day_or_most_headers_makes_a_sheet_of_visits(row, header, holds) -> None:
    assert _holds_visits([["Clinic"], row], header) == holds


def test_headers_a_mapping_names_count_as_known() -> None:
    declared = Mapping.from_dict({"columns": {"patient_id": "Zzz Code", "visit_date": ""}})
    assert score_header(["zzz_code", "Visit date", ""], declared) == 2 and score_header(["Zzz Code"]) == 0


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["x|y", "a|1", "b|2", "note"], "|"),  # a mark that splits no line is none, however alike the lines are
        (["a|b;c;d", "e|f;g;h", "i|j", "k|l;m", "n;o;p;q"], "|"),  # two cells are a table
        (["x" * 200_000], ","),  # a line that no reader takes
    ],
)
def test_without_known_headers_the_mark_is_the_one_that_splits_most_lines_alike(lines: list[str], delimiter: str):
    assert _find_delimiter(lines, NONE)[0].delimiter == delimiter


def test_a_table_of_two_columns_has_its_header_below_a_title(tmp_path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("Clinic\npatient_id;visit_date\n" + "a;2024-01-02\n" * 100)
    top = read_top(path, Mapping())
    assert (top.header, top.options.header_row) == (("patient_id", "visit_date"), 2)
    assert top.evidence["delimiter"] == "60 of the first 61 lines have 2 cells with it"
    assert top.evidence["header_row"] == "2 of its 2 cells are known headers"


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n"])
def test_a_file_without_a_cell_is_refused(tmp_path, text: str) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(text)
    with pytest.raises(InputRefused, match=r"E113 visits\.csv: there is no row with a cell"):
        read_top(path, Mapping())


def test_a_delimiter_declared_wrongly_is_told_of_a_file_that_ends_with_its_header(tmp_path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("patient_id;visit_date")
    with pytest.raises(InputRefused, match="E112"):
        read_top(path, Mapping.from_dict({"file": {"delimiter": ","}}))


def test_of_a_workbook_without_a_cell_nothing_is_proposed(tmp_path) -> None:
    with pytest.raises(InputRefused, match=r"E113 .*no visible sheet has any cell"):
        read_top(book_of(tmp_path, hidden=("Old",), Blank=[], Old=VISITS), Mapping())


def test_of_sheets_of_visits_with_other_headers_it_is_asked_which_one_is_meant(tmp_path) -> None:
    other = [["Patient", "Visit date", "Area", "Note"], ["p1", "2026-01-01", "low back", ""]]
    top = read_top(book_of(tmp_path, Cover=[["Clinic"]], Q1=VISITS, Q2=other), Mapping())
    assert top.open_questions == ('[file] sheet: "Q1", "Q2" each look like visits, and one is read: name it',)
    assert isinstance(top.options.sheet, str)
