"""Reading CSV: what is read, what is set aside with its line, what is refused; nothing shifted, nothing lost."""

from __future__ import annotations

import csv
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import outcomes.records.csv as csv_reader
from outcomes.errors import InputRefused
from outcomes.records import Mapping, Records, assemble, hash_file, mask, read_records

HEADER = "patient_id,visit_date,pain_pre\n"


def write(folder: Path, data: str | bytes, name: str = "visits.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(folder: Path, data: str | bytes, **sections: object) -> Records:
    return read_records(write(folder, data), Mapping.from_dict(sections))


def rows(records: Records) -> list[tuple[str, ...]]:
    return list(zip(*(column.texts() for column in records.fields.values()), strict=True))


def faults(records: Records) -> list[tuple[int, str]]:
    return list(zip(records.set_aside.row.tolist(), records.set_aside.code, strict=True))


def refused(folder: Path, data: str | bytes, **sections: object) -> str:
    with pytest.raises(InputRefused) as caught:
        read(folder, data, **sections)
    return str(caught.value)


# body below the header | records as (row, cells) | set aside as (row, code) | ledger's reasons for no data
LINES = {
    "plain": ("a,1,2\nb,3,4\n", [(2, "a,1,2"), (3, "b,3,4")], [], {}),
    "no end of line at the end": ("a,1,2\nb,3,4", [(2, "a,1,2"), (3, "b,3,4")], [], {}),
    "trailing delimiter": ("a,1,2\nb,3,4,\nc,5,6\n", [(2, "a,1,2"), (4, "c,5,6")], [(3, "E141")], {}),
    "too short": ("a,1,2\nb,3\nc,5,6\n", [(2, "a,1,2"), (4, "c,5,6")], [(3, "E142")], {}),
    "truncated": ("a,1,2\nb,3", [(2, "a,1,2")], [(3, "E143")], {}),
    "truncated in a quoted cell": ('a,1,2\nb,3,"cut o', [(2, "a,1,2")], [(3, "E143")], {}),
    "truncated in a quoted cell, after a quoted one": ('a,"1",2\nb,"3","cut o', [(2, "a,1,2")], [(3, "E143")], {}),
    "truncated in the second line of a cell": ('a,1,2\nb,3,"c\no', [(2, "a,1,2")], [(3, "E144"), (4, "E143")], {}),
    "blank lines": ("a,1,2\n\n  \n,,\n,,,\nb,3,4\n", [(2, "a,1,2"), (7, "b,3,4")], [], {"blank line": 4}),
    "repeated header": (
        "a,1,2\npatient_id,visit_date,pain_pre\nb,3,4\n",
        [(2, "a,1,2"), (4, "b,3,4")],
        [],
        {"repeated header": 1},
    ),
    "NUL": ("a,1,2\nb,3,5\0\nc,5,6\n", [(2, "a,1,2"), (4, "c,5,6")], [(3, "E146")], {}),
    "DOS end of file": ("a,1,2\n\x1a", [(2, "a,1,2")], [(3, "E146")], {}),
    "words that others read as missing": ("NA,null,nan\n", [(2, "NA,null,nan")], [], {}),
    "leading zeros and exponents": ("007,1e5,1.0\n", [(2, "007,1e5,1.0")], [], {}),
    "quoted": ('"a","1","2"\n"b,c",3,"4 ""x"""\n', [(2, "a,1,2"), (3, 'b,c,3,4 "x"')], [], {}),
    "inch marks in pairs are text": ('a,6" or 7",2\n', [(2, 'a,6" or 7",2')], [], {}),
    "one inch mark": ('a,6",2\nb,3,4\n', [(3, "b,3,4")], [(2, "E145")], {}),
    "text after a closing quote": ('a,"1"x,2\nb,3,4\n', [(3, "b,3,4")], [(2, "E145")], {}),
    "line break inside quotes": ('a,"1\nx",2\nb,3,4\n', [(2, "a,1\nx,2"), (4, "b,3,4")], [], {}),
    "blank line inside quotes": ('a,1,"x\n\ny"\nb,3,4\n', [(2, "a,1,x\n\ny"), (5, "b,3,4")], [], {}),
    "stray quote that would swallow a row": (
        'a,"1,2\nb,3,4\nc,5",6\nd,7,8\n',
        [(3, "b,3,4"), (5, "d,7,8")],
        [(2, "E144"), (4, "E145")],
        {},
    ),
    "stray quote whose merged row has the right width": (
        'a,"1,2\nb,3",4\nc,5,6\n',
        [(4, "c,5,6")],
        [(2, "E144"), (3, "E145")],
        {},
    ),
    "a quote is the last byte": ('a,"1","2"', [(2, "a,1,2")], [], {}),
    "three lines inside quotes above inch marks": (
        'a,"1\nx\ny",2\nb,6" or 7",4\n',
        [(2, "a,1\nx\ny,2"), (5, 'b,6" or 7",4')],
        [],
        {},
    ),
    "quote never closed": ('a,1,2\nb,"3,4\nc,5,6\n', [(2, "a,1,2"), (4, "c,5,6")], [(3, "E144")], {}),
    "even but open at the line's end": ('a"b,"1,2\nc,5,6\n', [(3, "c,5,6")], [(2, "E144")], {}),
    "NUL inside a quoted line break": ('a,1,"x\n\0y"\nb,3,4\n', [(4, "b,3,4")], [(2, "E146")], {}),
    "wide row with a line break": ('a,1,"x\ny",9\nb,3,4\n', [(4, "b,3,4")], [(2, "E141")], {}),
}


@pytest.mark.parametrize("layout", ["one block", "small blocks", "small blocks of UTF-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", LINES)
def test_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, end: str, layout: str) -> None:
    body, expected, aside, not_data = LINES[name]
    data = (HEADER + body).replace("\n", end).encode("utf-16" if "UTF-16" in layout else "utf-8")
    if "small" in layout:  # every block ends somewhere inside a record or two
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", (len(HEADER) + 3) * (2 if "UTF-16" in layout else 1))
    records = read(tmp_path, data)
    kept = "\n" if end == "\r" else end
    assert [(row, ",".join(cells)) for row, cells in zip(records.source_row.tolist(), rows(records), strict=True)] == [
        (row, cells.replace("\n", kept)) for row, cells in expected
    ]
    assert faults(records) == aside
    step = records.ledger.steps[0]
    assert dict(step.not_data) == {"header": 1, **not_data}
    assert step.rows_in == (HEADER + body).count("\n") + (not body.endswith("\n"))


@pytest.mark.parametrize("n_cpus", [1, 2, 8])
def test_more_blocks_than_there_are_workers_for_come_in_the_order_of_the_file(tmp_path, monkeypatch, n_cpus) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", len(HEADER) + 3)
    monkeypatch.setattr(os, "cpu_count", lambda: n_cpus)
    lines = [f'p{i},{i},"{i}"' if i % 7 == 6 else f"p{i},{i},{i}" for i in range(60)]
    records = read(tmp_path, HEADER + "".join(f"{line}\n" for line in lines))
    assert rows(records) == [(f"p{i}", f"{i}", f"{i}") for i in range(60)]
    assert records.source_row.tolist() == list(range(2, 62))


@pytest.mark.parametrize("body", ["a,1,2\nb,3,4", 'a,1,2\nb,"3",4'])
def test_a_last_line_without_an_end_is_named(tmp_path: Path, body: str) -> None:
    assert [note for note in read(tmp_path, HEADER + body).notes if "the last line (row 3) has no line end" in note]
    assert not [note for note in read(tmp_path, HEADER + body + "\n").notes if "no line end" in note]


@pytest.mark.parametrize("block_bytes", [1 << 20, len(HEADER) + 3])
def test_a_last_line_that_is_a_comment_is_no_row_without_an_end(tmp_path, monkeypatch, block_bytes) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", block_bytes)
    for body, row in (("a,1,2\n# end", 0), ("a,1,2\n# end\nb,3,4", 4), ('a,1,"2\n# end"', 2)):
        notes = read(tmp_path, HEADER + body, file={"comment": "#"}).notes
        said = [note.partition("(row ")[2].partition(")")[0] for note in notes if "no line end" in note]
        assert said == ([str(row)] if row else []), body


def test_mixed_line_ends(tmp_path: Path) -> None:
    records = read(tmp_path, HEADER + "a,1,2\r\nb,3,4\rc,5,6\n")
    assert records.source_row.tolist() == [2, 3, 4]


def test_a_row_with_a_quoted_line_break_counts_its_lines(tmp_path: Path) -> None:
    step = read(tmp_path, HEADER + 'a,"1\nx\ny",2\nb,3,4\n').ledger.steps[0]
    assert (step.rows_in, step.kept, dict(step.merged)) == (5, 2, {"line break inside quotes": 2})


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\xef\xbb\xbf" + HEADER.encode() + "Zoë,1,2\n".encode(), "utf-8"),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + HEADER.encode() + "Zoë,1,2\n".encode(), "utf-8"),
        ((HEADER + "Zoë,1,2\n").encode("utf-16"), "utf-16-le"),
        (b"\xfe\xff" + (HEADER + "Zoë,1,2\n").encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_byte_order_marks(tmp_path: Path, data: bytes, encoding: str) -> None:
    records = read(tmp_path, data)
    assert rows(records) == [("Zoë", "1", "2")]
    assert records.files[0].encoding == encoding


def test_declared_encoding_is_strict(tmp_path: Path) -> None:
    data = (HEADER + "a,1,2\nZoë,1,€\n").encode("cp1252")
    assert rows(read(tmp_path, data, file={"encoding": "cp1252"}))[1] == ("Zoë", "1", "€")
    message = refused(tmp_path, data)
    assert "visits.csv" in message and "line 3" in message and 'encoding = "cp1252"' in message and "Zo" not in message
    message = refused(tmp_path, HEADER.encode() + b"a,1,\x81\n", file={"encoding": "cp1252"})
    assert "line 2" in message
    assert "utf-16-le" in refused(tmp_path, (HEADER + "a,1,2\n").encode("utf-16-le"))
    for encoding in ("utf-16-le", "utf-16-be"):  # a letter beyond ASCII in the header made it "cp1252"
        text = "patient_id,visit_date,Auslöser\na,1,2\n".encode(encoding)
        assert f'encoding = "{encoding}"' in refused(tmp_path, text)


NAMED = {"patient_id": "Client", "visit_date": "Day", "pain_pre": "NRS"}


@pytest.mark.parametrize("above", ["Visit list\nprinted 2025-07-01\n", "Visit list,,\nprinted,2025-07-01,\n", "\n\n"])
def test_another_header_row_is_proposed_where_the_mapping_names_the_headers(tmp_path: Path, above: str) -> None:
    """The mapping is right: what it names stands in another row, and nothing is said of its lines."""
    text = above + "Client,Day,NRS\na,2025-01-02,3\n"
    said = refused(tmp_path, text, columns=NAMED)
    assert "[file] header_row = 3" in said and said.count("E123") == 1 and "Correct that line" not in said
    assert rows(read(tmp_path, text, columns=NAMED, file={"header_row": 3})) == [("a", "2025-01-02", "3")]
    moved = refused(tmp_path, "Client,Day,NRS\na,2025-01-02,3\n", columns=NAMED, file={"header_row": 2})
    assert "[file] header_row = 1" in moved


def test_a_header_renamed_in_a_later_file_is_not_blamed_on_the_mapping(tmp_path: Path) -> None:
    paths = [tmp_path / "q1.csv", tmp_path / "q2.csv"]
    paths[0].write_text("Client,Day,NRS\na,2025-01-02,3\n")
    paths[1].write_text("Client,Day,VAS\nb,2025-04-02,3\n")
    with pytest.raises(InputRefused) as caught:
        read_records(paths, Mapping.from_dict({"columns": NAMED}))
    last = caught.value.findings[-1]
    assert (last.code, last.place) == ("E123", "q2.csv")
    assert "q1.csv has the columns" in last.message and "the same headers" in last.remedy
    assert str(caught.value).count("cannot be read") == 1
    with pytest.raises(InputRefused) as alone:
        read_records(paths[1], Mapping.from_dict({"columns": NAMED}))
    assert len(alone.value.findings) == len(caught.value.findings) - 1


@pytest.mark.parametrize(
    ("below", "said"), [("after\n", True), ("after\n4\n", True), ("4\n", False), ("after\nbefore\n", False)]
)
def test_a_word_below_no_header_and_above_numbers_is_shown(tmp_path: Path, below: str, said: bool) -> None:
    """The second row of a header of two, whose first row has what is required."""
    lines = [f"a{i},2025-01-0{i + 1},{cell}" for i, cell in enumerate(below.split())]
    text = "patient_id,visit_date,\n" + "\n".join(lines) + "\nz,2025-02-01,5\n"
    found = refused(tmp_path, text)
    assert "E119" in found and ("'after'" in found and "two rows" in found) == said


@pytest.mark.parametrize("columns", [{}, NAMED])
@pytest.mark.parametrize("mark", ["^", "~", ":", "#"])
def test_a_delimiter_nobody_looks_for_is_proposed(tmp_path: Path, mark: str, columns: dict[str, str]) -> None:
    text = (("Client,Day,NRS\n" if columns else HEADER) + "a,2025-01-02,3\n").replace(",", mark)
    assert f'[file] delimiter = "{mark}"' in refused(tmp_path, text, columns=columns)
    assert rows(read(tmp_path, text, columns=columns, file={"delimiter": mark})) == [("a", "2025-01-02", "3")]


@pytest.mark.parametrize(
    ("body", "said"), [("a,1,2\nb,3,4", True), ('a,1,2\nb,"3",4', True), ('a,1,2\nb,3,"4', False), ("a,1,2\nb", False)]
)
def test_a_last_line_without_end_is_said_where_it_is_read(tmp_path: Path, body: str, said: bool) -> None:
    """Set aside, it has a message of its own, and no other line is called the last one."""
    notes = [note for note in read(tmp_path, HEADER + body).notes if "has no line end" in note]
    assert len(notes) == said and all("row 3)" in note for note in notes)


@pytest.mark.parametrize("end", ["", "\n\n", ",,\n,,\n", "Total,,\n"])
@pytest.mark.parametrize("n", [8, 9, 10])
def test_what_stands_below_a_table_that_was_cut_off_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, end: str
) -> None:
    monkeypatch.setattr(assemble, "_ROW_LIMITS", {10})
    body = "".join(f"p{i},1,2\n" for i in range(n)) + end
    assert "E107" in refused(tmp_path, HEADER + body)
    assert len(rows(read(tmp_path, HEADER + body, file={"accept_row_limit": True}))) == n


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_by_known_headers(tmp_path: Path, delimiter: str) -> None:
    text = "patient_id;visit_date;note, or so, or\na;1;b\n".replace(";", delimiter)
    if delimiter != ",":
        assert rows(read(tmp_path, text)) == [("a", "1")]
    assert rows(read(tmp_path, HEADER.replace(",", delimiter) + f"a{delimiter}1{delimiter}2\n")) == [("a", "1", "2")]


def test_separator_line_comments_and_header_row(tmp_path: Path) -> None:
    assert rows(read(tmp_path, "sep=;\npatient_id;visit_date\na,b;1\n")) == [("a,b", "1")]
    records = read(tmp_path, "# made by X\n" + HEADER + "a,1,2\n#b,1,2\nc,1,2\n", file={"comment": "#"})
    assert records.source_row.tolist() == [3, 5]
    assert dict(records.ledger.steps[0].not_data) == {"comment": 2, "header": 1}
    text = "Clinic export\n\n" + HEADER + "a,1,2\n"
    assert "header_row = 3" in refused(tmp_path, text)
    records = read(tmp_path, text, file={"header_row": 3})
    assert records.source_row.tolist() == [4]
    assert dict(records.ledger.steps[0].not_data) == {"above the header": 2, "header": 1}


def test_a_tie_of_delimiters_is_asked_for(tmp_path: Path) -> None:
    text = "patient_id;visit_date,patient_id\na;1,b\n"
    assert 'delimiter = ","' in refused(tmp_path, text)


def test_only_wanted_columns_are_read_in_any_order_and_case(tmp_path: Path) -> None:
    records = read(tmp_path, " Visit_Date ,name,PATIENT_ID,\n1,Jane,a,\n")
    assert rows(records) == [("a", "1")]
    file = records.files[0]
    assert file.field_columns == {"patient_id": ("PATIENT_ID", "C"), "visit_date": ("Visit_Date", "A")}
    assert file.unread_columns == ("name", "(column D, no header)")


def test_mapped_columns(tmp_path: Path) -> None:
    text = "Subject,study_day,vas,pain_pre,US,status\na,0,55,9,yes,ok\nb,0,60,9,no,cancelled\n"
    records = read(
        tmp_path,
        text,
        columns={"patient_id": "subject", "visit_day": "study_day", "pain_pre": "VAS"},
        modality_columns={"US": "ultrasound"},
        non_data={"status": ["Cancelled"]},
    )
    assert {name: column.texts() for name, column in records.fields.items()} == {
        "patient_id": ["a"], "visit_day": ["0"], "pain_pre": ["55"],
    }  # fmt: skip
    assert records.modality_flags["ultrasound"].texts() == ["yes"]
    assert records.files[0].unread_columns == ("pain_pre",)
    assert dict(records.ledger.steps[0].not_data) == {"header": 1, "declared non-data": 1}


def test_a_field_can_be_left_out(tmp_path: Path) -> None:
    assert list(read(tmp_path, HEADER + "a,1,2\n", columns={"pain_pre": ""}).fields) == ["patient_id", "visit_date"]


def test_declared_totals_and_footers(tmp_path: Path) -> None:
    words = {"patient_id": ["Total", "End of report"]}
    records = read(tmp_path, HEADER + "a,1,2\nTOTAL,,2\nEnd of report\nb,1,2\n", non_data=words)
    assert records.source_row.tolist() == [2, 5]
    assert dict(records.ledger.steps[0].not_data) == {"header": 1, "declared non-data": 2}
    assert faults(read(tmp_path, HEADER + "a,1,2\nHandwritten remark\n")) == [(3, "E142")]


REFUSED = {
    "empty": (b"", "E103"),
    "header only": (HEADER.encode(), "E113"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Excel workbook"),
    "html": (b"<html><table><tr><td>1</td></tr></table></html>", "HTML page"),
    "pickle": (b"\x80\x04\x95\x00", "pickle"),
    "npy": (b"\x93NUMPY\x01\x00", "NumPy"),
    "feather": (b"ARROW1\x00\x00", "Feather"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "HDF5"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip"),
    "json": (b'{"resourceType": "Bundle"}', "JSON"),
    "no patient": (b"Patient-ID,visit_date\na,1\n", 'patient_id = "Patient-ID"'),
    "no fields": (b"subject,study_day,vas_mm\na,1,2\n", 'patient_id = "subject"; visit_day = "study_day"'),
    "no date": (b"patient_id,date of visit\na,1\n", "visit_date (or visit_day)"),
    "twice": (b"patient_id,visit_date,Pain_Pre,pain_pre\na,1,2,3\n", "header 'Pain_Pre' stands in 2 columns (C, D)"),
    "other order": ((HEADER + "a,1,2\npain_pre,visit_date,patient_id\n3,1,b\n").encode(), "row 3"),
    "all rows wide": ((HEADER + "a,1,2,\nb,1,2,\n").encode(), "E115"),
    "long line": (HEADER.encode() + b"a,1,2\nb,1," + b"x" * 1_500_000 + b"\nc,1,2\n", "line 3 is longer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_file_reason_and_remedy(tmp_path: Path, name: str) -> None:
    data, expected = REFUSED[name]
    with pytest.raises(InputRefused) as caught:
        read_records(write(tmp_path, data))
    assert expected in str(caught.value) and "visits.csv" in str(caught.value)
    assert all(finding.remedy for finding in caught.value.findings)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"(?s)no such file.*folder"):
        read_records([tmp_path / "none.csv", tmp_path])


def test_a_file_without_headers_shows_no_patient(tmp_path: Path) -> None:
    message = refused(tmp_path, "P001234,2024-05-06,7\nP001235,2024-05-07,6\n")
    assert "P001234" not in message and "x999999" in message


def test_declared_column_that_is_not_there(tmp_path: Path) -> None:
    message = refused(tmp_path, HEADER + "a,1,2\n", columns={"pain_pre": "pain_now"})
    assert "pain_now" in message and "nearest header is 'pain_pre'" in message


def test_several_files_and_the_same_twice(tmp_path: Path) -> None:
    one = write(tmp_path, HEADER + "a,1,2\nx,1,2,3\n", "one.csv")
    two = write(tmp_path, "visit_date;patient_id;sex\n3;b;f\n4;a;m\n", "two.csv")
    again = write(tmp_path, one.read_bytes(), "again.csv")
    records = read_records([two, one, again])
    assert [file.name for file in records.files] == ["two.csv", "one.csv"]
    assert records.source.tolist() == [0, 0, 1] and records.source_row.tolist() == [2, 3, 2]
    assert rows(records) == [("b", "3", "", "f"), ("a", "4", "", "m"), ("a", "1", "2", "")]
    assert records.set_aside.source.tolist() == [1] and faults(records) == [(3, "E141")]
    assert "again.csv holds the same bytes as one.csv" in records.notes[0]
    assert any("pain_pre is in other files but not in two.csv" in note for note in records.notes)
    assert hash_file(one) == hash_file(again) == records.files[1].sha256
    assert len(set(records.fields["patient_id"].values.to_pylist())) == len(records.fields["patient_id"].values)


def test_row_limit_of_a_spreadsheet(tmp_path: Path) -> None:
    text = HEADER + "a,1,2\n" * 65_535
    assert "65,536" in refused(tmp_path, text)
    assert read(tmp_path, text, file={"accept_row_limit": True}).n == 65_535


def test_table_for_people(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER + "a,1,2\n").table
    assert table.to_dict("records") == [
        {"patient_id": "a", "visit_date": "1", "pain_pre": "2", "source_file": "visits.csv", "source_sheet": "",
         "source_row": 2}
    ]  # fmt: skip


def test_mask() -> None:
    assert mask("Jane Doe 1970-01-02") == "xxxx xxx 9999-99-99"
    assert mask("x" * 30) == "x" * 20 + "…"


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + 'a,1,2\nb,3\n\nc,1,"x\ny"\n' + "d,1,2\n" * 1000)
    other = write(tmp_path, HEADER + "é,1,2\n", "other.csv")
    code = (
        "import sys; from outcomes.records import read_records, Mapping; "
        f"r = read_records([{str(path)!r}, {str(other)!r}], Mapping(non_data={{'patient_id': ('d',)}})); "
        "assert r.n == 3 and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def read_from(text: str, row: int) -> list[str]:
    """Return the fields Python's csv module reads when it starts at a physical row, counted from 1."""
    return next(csv.reader(io.StringIO("".join(text.splitlines(keepends=True)[row - 1 :]), newline="")))


CELL = st.text(alphabet=st.sampled_from('ab1 ,;"\né'), max_size=6)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_reads_back(
    tmp_path: Path, body: list[tuple[str, str, str]], quoting: int, end: str
) -> None:
    """Every cell as written; only where a line break hides what looks like a row may rows be set aside."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=quoting, lineterminator=end)
    writer.writerow(HEADER.strip().split(","))
    writer.writerows(body)
    expected = [row for row in body if any(cell.strip() for cell in row)]
    has_breaks = any("\n" in cell for row in body for cell in row)
    try:
        records = read_records(write(tmp_path, buffer.getvalue()))
    except InputRefused as refusal:
        assert not expected or (has_breaks and "E115" in str(refusal))
        return
    if not has_breaks:
        assert len(records.set_aside) == 0
    if len(records.set_aside) == 0:
        assert rows(records) == expected


def test_against_the_csv_module(tmp_path: Path) -> None:
    """On random awkward text each record is what Python's reader gives from its line on, or the line is set aside."""
    draw = random.Random(20260101)
    cells = ["a", "b", "12", "", '"c"', '"d,e"', '"f""g"', '"h\ni"', '"j', 'k"', '6" or 7"', '"l"m', '""', '"', '"""']
    weights = [9, 9, 9, 5, 9, 5, 5, 4, 1, 1, 1, 1, 2, 1, 1]
    n_records = n_aside = n_continued = 0
    for number in range(150):
        lines = [draw.choices(cells, weights, k=draw.choices((3, 2, 4), (20, 1, 1))[0]) for _ in range(8)]
        text = HEADER + "".join(",".join(line) + draw.choice(("\n", "\r\n")) for line in lines)
        try:
            records = read_records(write(tmp_path, text, f"{number}.csv"))
        except InputRefused:
            continue
        for row, fields in zip(records.source_row.tolist(), rows(records), strict=True):
            assert list(fields) == read_from(text, row), text
        n_records, n_aside = n_records + records.n, n_aside + len(records.set_aside)
        n_continued += records.ledger.steps[0].n_merged
    assert n_records > 450 and n_aside > 150 and n_continued > 60


@pytest.mark.parametrize(("declared", "written", "shown"), [(",", ";", ";"), (";", "\t", "\\\\t"), ("|", ",", ",")])
def test_a_delimiter_that_leaves_the_header_whole_is_the_one_fault_told(tmp_path, declared, written, shown) -> None:
    said = refused(
        tmp_path,
        "Nr;Datum;NRS\na;2025-01-02;3\n".replace(";", written),
        file={"delimiter": declared},
        columns={"patient_id": "Nr", "visit_date": "Datum", "pain_pre": "NRS"},
    )
    assert "E112" in said and "splits it into 3" in said and "E123" not in said
    assert f'delimiter = "{shown}"' in said.replace("\\", "\\\\")
    lone = refused(tmp_path, "Name;of;nothing\na\n", file={"delimiter": ","}, columns={"patient_id": "Nr"})
    assert "E112" not in lone and "E123" in lone


def test_one_line_in_another_encoding_is_one_line(tmp_path: Path) -> None:
    first, more = HEADER.encode(), b"Zo\xeb,2025-01-01,3\n"
    assert "line 2 of it is not UTF-8 text" in refused(tmp_path, first + more)
    assert "2 lines or more of it are not UTF-8 text" in refused(tmp_path, first + more + more)
