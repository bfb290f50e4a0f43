"""What stands above the records of a CSV file: separator line, comments, header, delimiter; on a few lines each."""

from __future__ import annotations

import pytest

from outcomes.errors import InputRefused
from outcomes.records.csv_head import _LOOK_AHEAD, _other_delimiter, _Top, check_delimiter, read_head, split_line
from outcomes.records.lines import MAX_RECORD_BYTES
from outcomes.records.mapping import Mapping

HEADER = "patient_id,visit_date,pain_pre"


def head(text: str | bytes, **file: object):
    return read_head(text.encode() if isinstance(text, str) else text, Mapping.from_dict({"file": file}), "v.csv")


def refused(text: str | bytes, **file: object) -> str:
    with pytest.raises(InputRefused) as caught:
        head(text, **file)
    (finding,) = caught.value.findings
    return f"{finding.code} {finding}"


@pytest.mark.parametrize(
    ("above", "file", "not_data"),
    [
        ("", {}, {"header": 1}),
        ("sep=;\n", {}, {"separator line": 1, "header": 1}),
        ('"sep=;"\r\n', {}, {"separator line": 1, "header": 1}),
        ("# made by hand\n# twice\n", {"comment": "#"}, {"comment": 2, "header": 1}),
        ("Clinic export\n\n", {"header_row": 3}, {"above the header": 2, "header": 1}),
        ("sep=;\n", {"header_row": 2}, {"separator line": 1, "header": 1}),
        ("sep=;\nClinic\n", {"header_row": 3}, {"separator line": 1, "above the header": 1, "header": 1}),
        ("sep=;\n# a\n", {"comment": "#"}, {"separator line": 1, "comment": 1, "header": 1}),
        ("Clinic\n# a\n", {"comment": "#", "header_row": 2}, {"above the header": 1, "comment": 1, "header": 1}),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_above_the_records_is_counted(above: str, file: dict[str, object], not_data, end: str) -> None:
    header = HEADER.replace(",", ";" if "sep" in above else ",")
    text = f"{above}{header}\n".replace("\r\n", "\n").replace("\n", end)
    found = head(text + "a,1,2", **file)
    assert found.not_data == not_data and found.n_lines == sum(not_data.values())
    assert found.size == len(text) and found.delimiter == (";" if "sep" in above else ",")
    assert list(found.wanted.header) == HEADER.split(",")


def test_a_header_over_several_lines_counts_them() -> None:
    found = head('patient_id,"visit\n date",visit_date\na,1,2\n')
    assert (found.n_lines, found.not_data, found.size) == (2, {"header": 2}, 36)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        (HEADER, ","),
        (HEADER.replace(",", ";"), ";"),
        (HEADER.replace(",", "\t"), "\t"),
        (HEADER.replace(",", "|"), "|"),
        ("patient_id;visit_date;pain, before", ";"),
        ("patient_id|visit_date|note,pain,x,y", "|"),
    ],
)
def test_the_delimiter_is_the_one_that_gives_most_known_columns(text: str, delimiter: str) -> None:
    assert head(text + "\n").delimiter == delimiter


def test_delimiters_that_give_as_many_are_asked_for() -> None:
    said = refused("patient_id,visit_date;patient_id\n")
    assert said.startswith("E112") and "can be split by comma and semicolon" in said and 'delimiter = ","' in said


@pytest.mark.parametrize(
    ("text", "declared", "mark"),
    [
        ("patient_id;visit_date", ",", ";"),
        ("patient_id\tvisit_date", ";", "\\t"),
        ("patient_id,visit_date", ",", None),
        ("one column", ",", None),
        ("x;y", ",", None),  # nothing known in it: nothing says that it is the delimiter
        ("patient_id", ";", None),
    ],
)
def test_a_declared_delimiter_that_splits_nothing_is_told_with_the_one_that_does(text, declared, mark) -> None:
    if mark is None:
        check_delimiter(text, declared, Mapping(), "v.csv")
        return
    with pytest.raises(InputRefused) as caught:
        check_delimiter(text, declared, Mapping(), "v.csv")
    said = str(caught.value)
    assert "E112" in said and "splits it into 2" in said and f'delimiter = "{mark}"' in said


def test_another_row_with_the_headers_is_proposed_among_the_first() -> None:
    for n in (1, 2, _LOOK_AHEAD - 1):
        assert f"Line {n + 1} has them: write [file] header_row = {n + 1}" in refused("Clinic\n" * n + HEADER + "\n")
    assert "has them" not in refused("Clinic\n" * _LOOK_AHEAD + HEADER + "\n")
    assert "Line 2 has them" in refused(f"Clinic\n{HEADER}\n", delimiter=",")
    assert "has them" not in refused(f"Clinic\n{HEADER}\n", delimiter=";")


@pytest.mark.parametrize(
    ("text", "mark"),
    [("patient_id^visit_date^x", "^"), ("patient_id~visit_date", "~"), ("patient_id,visit_date", None), ("abc", None)]
    + [(f"patient_id{mark}visit_date", None) for mark in "zZ7'\"_\\§"],
)
def test_a_delimiter_nobody_looks_for_is_named(text: str, mark: str | None) -> None:
    said = _other_delimiter(text, Mapping())
    assert said == (
        f'"{mark}" splits it into columns that are: write [file] delimiter = "{mark}" in the mapping.' if mark else ""
    )


def test_cells_of_a_line() -> None:
    assert split_line('\ufeffa,"b,c"', ",") == ["a", "b,c"]
    assert split_line("", ",") == []
    with pytest.raises(InputRefused, match="E144"):
        split_line("x" * 200_000, ",")


def test_lines_of_the_first_block() -> None:
    top = _Top(b"a\r\nb\rc\nd", Mapping(), "v.csv")
    assert [top.text(i) for i in range(5)] == ["a", "b", "c", "d", ""]
    assert len(top) == 4 and [top.offset(i) for i in range(5)] == [0, 3, 5, 7, 8]
    ended = _Top(b"a\n", Mapping(), "v.csv")
    assert len(ended) == 1 and len(_Top(b"", Mapping(), "v.csv")) == 1


def test_so_many_lines_are_looked_at() -> None:
    row = Mapping.from_dict({"file": {"header_row": 7}})
    assert len(_Top(b"a\n" * 500, row, "v.csv")) == 7 + 2 * _LOOK_AHEAD
    assert len(_Top(b"a\n" * (6 + 2 * _LOOK_AHEAD) + b"b", row, "v.csv")) == 7 + 2 * _LOOK_AHEAD


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "E113", "no line 3 to take headers from"),
        ("a\nb\n", "E113", "no line 3 to take headers from"),
        ('a\nb\npatient_id,"visit\n', "E144", "a quote in the header (line 3) is not closed"),
        (b"a\nb\np\0a\0t\0\n", "E111", "utf-16-le"),
        (b"a\nb\n\0p\0a\0t\0\n", "E111", "utf-16-be"),
        (b"a\nb\np\xfctient\n", "E111", ""),
        ("a\nb\n" + "x" * MAX_RECORD_BYTES + "\n", "E114", "line 3 is longer than 1 MB"),
    ],
)
def test_a_header_that_cannot_be_taken_is_told_with_its_line(text: str | bytes, code: str, words: str) -> None:
    said = refused(text, header_row=3)
    assert said.startswith(code) and words in said


def test_a_quote_may_close_in_the_last_line_that_is_looked_at() -> None:
    opened = 'patient_id,visit_date,"x' + "\n" * (_LOOK_AHEAD - 1) + 'y"\n'
    assert head(opened).not_data == {"header": _LOOK_AHEAD}
    assert refused('patient_id,visit_date,"x' + "\n" * _LOOK_AHEAD + 'y"\n').startswith("E144")


def test_a_header_may_take_a_megabyte_with_the_end_of_its_line() -> None:
    cells = HEADER + "".join("," + letter * 100_000 for letter in "abcdefghij") + ","
    full = cells + "x" * (MAX_RECORD_BYTES - len(cells) - 1) + "\n"
    assert head(full, delimiter=",").size == MAX_RECORD_BYTES
    assert refused("x" + full, delimiter=",").startswith("E114")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (HEADER, "utf-16-le"),
        (HEADER, "utf-16-be"),
        ("日,日", "utf-16-le"),
        ("日,日", "utf-16-be"),
        # a letter such as U+0200 has its NUL in the other half
        ("Ȁ,", "utf-16-le"),
        ("Ȁ,日,", "utf-16-le"),
        ("Ȁ,日,", "utf-16-be"),
    ],
)
def test_which_utf_16_it_is_is_told_by_the_half_with_more_nul_bytes(text: str, encoding: str) -> None:
    assert f'encoding = "{encoding}"' in refused(text.encode(encoding))


@pytest.mark.parametrize(
    ("text", "row", "line"),
    [
        (b"p\xfctient_id,visit_date\n", 1, 1),
        (b"\n\np\xfctient_id,visit_date\na,1\n", 3, 3),
        (b'Klinik\r\n"p\xfctient\nid",visit_date\r\n', 2, 2),
    ],
)
def test_a_header_in_another_encoding_is_shown_masked_with_its_line(text: bytes, row: int, line: int) -> None:
    said = refused(text, header_row=row)
    assert f"line {line} of it is not UTF-8 text" in said and f'line {line} "' in said and "xüxxxxx" in said


def test_a_delimiter_that_is_declared_wrongly_is_told_before_what_is_missing() -> None:
    assert refused("patient_id;visit_date\n", delimiter=",").startswith("E112")
    assert refused("sep=,\npatient_id;visit_date\n").startswith("E112")


def test_a_header_of_one_column_is_no_riddle() -> None:
    said = refused("patient_id\na\n")
    assert said.startswith("E121") and "headers found: 'patient_id'." in said


@pytest.mark.parametrize(
    ("text", "file", "hint"),
    [
        ("Visit,,Pain,\nid,day,before,after\np1,1,2,3\n", {}, "Rows 1 and 2 look like one header of two rows"),
        ("Visit;;Pain;\nid;day;before;after\n", {}, "Rows 1 and 2 look like one header of two rows"),
        ("Clinic\nVisit,,Pain,\nid,day,before,after\n", {"header_row": 2}, "Rows 2 and 3 look like one header"),
        ("Visit,,Pain,\nid,day,before,after\n", {"delimiter": ","}, "Rows 1 and 2 look like one header of two rows"),
        ("patient_id^visit_date\n", {}, '"^" splits it into columns that are'),
        ("Clinic\npatient_id^visit_date\n", {"header_row": 2}, '"^" splits it into columns that are'),
        ("patient_id^visit_date\n", {"delimiter": ","}, None),
        ("Visit,,Pain,\np1,2026-01-05,2,3\n", {}, None),
        ("Visit,Pain\nid,before\n", {}, None),
    ],
)
def test_what_is_proposed_where_no_row_has_a_patient_and_a_day(text: str, file: dict[str, object], hint) -> None:
    said = refused(text, **file)
    assert said.startswith("E121") and (hint is None or hint in said)
    assert hint is not None or not ("Rows" in said or "splits" in said)


def test_a_delimiter_that_splits_the_header_is_taken_as_declared() -> None:
    check_delimiter("x,y;pain_pre", ",", Mapping(), "v.csv")
