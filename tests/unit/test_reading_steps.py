"""Steps of reading that whole exports seldom take, each on a few bytes; no row goes without its rule."""

from __future__ import annotations

import itertools
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.errors import ConservationError, InputRefused
from outcomes.ledger import Ledger, Step, check_unbroken
from outcomes.records import Mapping, TextColumn, lines, read_records
from outcomes.records import csv as csv_reader
from outcomes.records.assemble import _declared_rows, _locate
from outcomes.records.csv import _Reader, _whole_lines
from outcomes.records.identifiers_export import _refuse_column
from outcomes.records.kinds import _is_workbook
from outcomes.records.model import Part
from outcomes.records.privacy import Privacy
from outcomes.records.sheets import _find_only
from tables import column

HEADER = "patient_id,visit_date,pain_pre\n"


def read(folder, body, header=HEADER, **sections):
    path = folder / "visits.csv"
    path.write_text(header + body, encoding="utf-8", newline="")
    return read_records(path, Mapping.from_dict(sections))


def rows(records):
    cells = zip(*(column.texts() for column in records.fields.values()), strict=True)
    return list(zip(records.source_row.tolist(), map(",".join, cells), strict=True))


def faults(records):
    return list(zip(records.set_aside.row.tolist(), records.set_aside.code, strict=True))


# -- lines and blocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", range(1, 12))
def test_wherever_a_block_ends_its_lines_are_whole_and_end_alike(cut):
    """Ends of three systems; a block that ends within one of two bytes waits for the next."""
    text = b"a\rb\r\nc\nd\r\n"
    blocks = list(_whole_lines(text[:cut], iter([text[cut:]] if text[cut:] else [])))
    assert b"".join(data for data, _ in blocks).replace(b"\r\n", b"\n") == b"a\nb\nc\nd\n"
    assert [is_last for _, is_last in blocks] == [False] * (len(blocks) - 1) + [True]
    assert all(data.endswith(b"\n") for data, is_last in blocks if not is_last)


@pytest.mark.parametrize(
    ("body", "read_as", "aside"),
    [
        # A line within quotes may have more cells than the table: it is text, and no row that was swallowed.
        ('a,"x\nb,3,4",2\nc,5,6\n', [(2, "a,x\nb,3,4,2"), (4, "c,5,6")], []),
        # Two odd lines of one record are one fault, and a fault of the quotes is one however odd its bytes are.
        ('a,1,"x\ny\0\nz\0"\nb,3,4\n', [(5, "b,3,4")], [(2, "E146")]),
        ('a,"x"y\0,1\nb,3,4\n', [(3, "b,3,4")], [(2, "E145")]),
        # The first quote stands within a cell, so that it opens nothing, though the second could close it.
        ('a,6"1,2\nb",4\nc,5,6\n', [(4, "c,5,6")], [(2, "E145"), (3, "E145")]),
    ],
)
def test_a_record_of_several_lines_is_read_or_set_aside_once(tmp_path, body, read_as, aside):
    records = read(tmp_path, body)
    assert (rows(records), faults(records)) == (read_as, aside)


@pytest.mark.parametrize(("size", "is_refused"), [(700_000, False), (1_000_000, False), (1_100_000, True)])
def test_a_line_is_too_long_from_a_megabyte_on_wherever_it_stands(size, is_refused):
    reader = SimpleNamespace(
        place="visits.csv", part=SimpleNamespace(file=SimpleNamespace(place="visits.csv", name="v"))
    )
    data = b"a,b\n" + b"x" * size + b"\nc,d\n"
    if is_refused:
        with pytest.raises(InputRefused, match="2"):
            _Reader._check_length(reader, data, 1)
    else:
        assert _Reader._check_length(reader, data, 1) is None
    assert csv_reader.MAX_RECORD_BYTES == 1 << 20


@pytest.mark.parametrize("sizes", list(itertools.product((0, 3, 7, 8, 9, 20), repeat=3)))
def test_the_first_line_that_is_too_long_is_named(monkeypatch, sizes):
    """With eight bytes for a megabyte."""
    monkeypatch.setattr(csv_reader, "MAX_RECORD_BYTES", 8)
    reader = SimpleNamespace(place="visits.csv")
    lines = [b"x" * size for size in sizes]
    long = [number for number, size in enumerate(sizes, start=5) if size > 8]
    for data in (b"\n".join(lines), b"\n".join([*lines, b""])):
        if long:
            with pytest.raises(InputRefused, match=f"line {long[0]} is longer"):
                _Reader._check_length(reader, data, 5)
        else:
            _Reader._check_length(reader, data, 5)


@pytest.mark.parametrize("block_bytes", [len(HEADER) + 3, len(HEADER) + 9, 1 << 20])
def test_a_line_of_another_encoding_that_two_blocks_look_at_is_counted_once(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", block_bytes)
    path = tmp_path / "visits.csv"
    path.write_bytes(HEADER.encode() + b'a,"b\xe9\nc",5\nb,2,3\n')
    with pytest.raises(InputRefused, match="line 2 of it is not UTF-8") as refused:
        read_records(path)
    assert str(refused.value).count("line 2") == 2


def test_half_a_megabyte_without_an_end_is_no_line_of_a_megabyte():
    reader = SimpleNamespace(
        place="visits.csv", part=SimpleNamespace(file=SimpleNamespace(place="visits.csv", name="v"))
    )
    data = b"y" * 500_000 + b"\n" + b"x" * 900_000 + b"\n"
    assert _Reader._check_length(reader, data, 1) is None


def test_a_record_that_stays_open_longer_than_one_may_be_is_a_fault_at_once(monkeypatch):
    """Else it would be carried from block to block until the memory is full."""
    data = b'a,1,2\nb,"xxxxxxxx\nyyyy'
    waits = lines.sort_lines(data, ",", 3, None, False, {})
    assert waits.rest == b'b,"xxxxxxxx\nyyyy' and list(waits.faults) == []
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 8)
    found = lines.sort_lines(data, ",", 3, None, False, {})
    assert (1, "E144") in list(found.faults) and b"xxxx" not in found.rest


@pytest.mark.parametrize("data", [b"PK\x03\x04 and nothing else", b"PK\x03\x04"])
def test_what_begins_like_an_archive_and_is_none_is_no_workbook(tmp_path, data):
    path = tmp_path / "visits.xlsx"
    path.write_bytes(data)
    assert not _is_workbook(path)
    with pytest.raises(InputRefused):
        read_records(path)


def test_a_line_that_no_reader_takes_ends_the_search_for_another_header(tmp_path):
    with pytest.raises(InputRefused) as refused:
        read(tmp_path, "y" * 140_000 + "\n" + HEADER, header="one,two,three\n")
    assert "have them" not in str(refused.value) and "yyyy" not in str(refused.value)


@pytest.mark.parametrize("delimiter", [None, ","])
def test_below_a_header_row_far_down_a_line_that_no_reader_takes_ends_the_search(tmp_path, delimiter):
    """Thirty lines are looked through for another header; the one below them is a second row of headers at most."""
    file = {"header_row": 30} | ({"delimiter": delimiter} if delimiter else {})
    with pytest.raises(InputRefused, match="E12") as refused:
        read(tmp_path, "y" * 140_000 + "\n", header="a,b\n" * 29 + "Visits,,\n", file=file)
    assert "yyyy" not in str(refused.value) and "make them one row" not in str(refused.value)
    with pytest.raises(InputRefused, match="make them one row"):
        read(tmp_path, "nr,when,pain\n", header="a,b\n" * 29 + "Visits,,\n", file=file)


@pytest.mark.parametrize("body", ["", "p1,2026-01-02\n", "\n\np1;2026-01-02;3\n"])
def test_an_unknown_header_above_little_else_is_refused_in_words(tmp_path, body):
    with pytest.raises(InputRefused, match="E12"):
        read(tmp_path, body, header="one,two,three\n")


def test_where_another_line_has_the_columns_it_is_named_and_a_spoilt_line_ends_the_search(tmp_path):
    with pytest.raises(InputRefused, match=r"Line 3 has them: write \[file\] header_row = 3"):
        read(tmp_path, HEADER + "p1,2026-01-02,5\n", header="Clinic export\n,,\n")
    with pytest.raises(InputRefused) as spoilt:
        read(tmp_path, HEADER + "p1,2026-01-02,5\n", header='Clinic "export\n,"x"y,\n')
    assert "header_row = 3" not in str(spoilt.value)


# -- columns and sheets ------------------------------------------------------------------------------------------------


def test_rows_that_are_declared_no_visits_are_those_of_a_column_that_is_there():
    part = SimpleNamespace(columns={"visit_purpose": column(["Total", "treatment", ""])}, rows=np.arange(3))
    mapping = Mapping.from_dict({"non_data": {"visit_purpose": ["total"], "clinician_id": ["*"]}})
    assert _declared_rows(part, mapping).tolist() == [True, False, False]


def test_a_column_that_stands_under_two_keys_is_cut_once():
    shared, own = column(["a", "b", "a"]), column(["x", "y", "z"])
    part = Part.__new__(Part)
    part.columns, part.rows = {"one": shared, "two": shared, "three": own}, np.array([2, 3, 4], dtype=np.int32)
    part.keep(np.array([True, False, True]))
    assert part.columns["one"] is part.columns["two"]
    assert [part.columns[key].texts() for key in ("one", "three")] == [["a", "a"], ["x", "z"]]
    assert part.rows.tolist() == [2, 4] and isinstance(own, TextColumn) and len(own.codes) == 3


def test_of_sheets_none_of_which_has_a_cell_there_is_none_to_read():
    with pytest.raises(InputRefused, match=r"E113 .*no visible sheet has any cell"):
        _find_only({"Data": []}, ["Data"], [], Mapping(), "visits.xlsx")


@pytest.mark.parametrize("fit", [0, 2])
def test_of_several_sheets_none_is_guessed(fit):
    head = [["patient_id", "visit_date"]] * fit + [["what", "else"]] * (2 - fit)
    top = {name: [cells, ["p1", "2026-01-02"]] for name, cells in zip(("Jan", "Feb"), head, strict=True)}
    with pytest.raises(InputRefused, match="Several sheets have" if fit else "No sheet has") as refused:
        _find_only(top, list(top), list(top), Mapping(), "visits.xlsx")
    assert ("to read several" in str(refused.value)) == bool(fit)


def test_a_tar_archive_is_called_by_its_name(tmp_path):
    path = tmp_path / "visits.csv"
    with tarfile.open(path, "w") as archive:
        (tmp_path / "inside.csv").write_text(HEADER, encoding="utf-8")
        archive.add(tmp_path / "inside.csv", "inside.csv")
    with pytest.raises(InputRefused, match="a tar archive"):
        read_records(path)


def test_a_patient_who_is_called_like_a_column_is_a_patient(tmp_path):
    records = read(tmp_path, "pain_pre,2026-01-05,3\npatient_id,visit_date,pain_pre\np1,2026-01-06,4\n")
    assert rows(records) == [(2, "pain_pre,2026-01-05,3"), (4, "p1,2026-01-06,4")]
    assert dict(records.ledger.steps[0].not_data) == {"header": 1, "repeated header": 1}


# -- ids and keys ------------------------------------------------------------------------------------------------------


def test_a_column_that_is_no_id_is_mapped_elsewhere_and_one_of_ids_gets_pseudonyms():
    plain = _refuse_column("muscles_treated", "Name", "visits.csv", "looks like a name.")
    ids = _refuse_column("patient_id", "Name", "visits.csv", "looks like a name.")
    assert plain.code == "E902" and plain.remedy.startswith("Map another column to muscles_treated")
    assert "pseudonym" in ids.remedy and not ids.remedy.startswith("Map another")


def test_a_column_that_is_not_read_is_judged_by_the_rows_before_one_that_no_reader_takes(tmp_path):
    """A short row has no cell of it, and a note of 140,000 letters ends the sample."""
    header = "patient_id,visit_date,note,Contact\n"
    found = [f"p{i},2026-01-{i:02},x,a{i}@example.org\n" for i in range(1, 9)]
    ends = ["p8,2026-01-08\n", "p9,2026-01-09," + "y" * 140_000 + ",none\n"]
    with pytest.raises(InputRefused, match=r"(?s)E901 .*Contact.*e-mail address.*\(8 of 8 different cells looked at"):
        read(tmp_path, "".join([*found, *ends, *["p9,2026-01-10,x,none\n"] * 9]), header=header)


def test_the_key_is_named_from_another_folder_and_whole_where_there_is_no_way_to_it(tmp_path, monkeypatch):
    privacy = Privacy(pseudonymise=True, key="ids.key", folder=tmp_path / "here")
    assert privacy.key_from(tmp_path / "here") == "ids.key"
    assert privacy.key_from(tmp_path / "there") == "../here/ids.key"

    def another_drive(*_):
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr("outcomes.records.privacy.os.path.relpath", another_drive)
    assert privacy.key_from(tmp_path / "there") == (tmp_path / "here" / "ids.key").as_posix()
    assert Privacy().key_from(Path("elsewhere")) is None


# -- the account -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [6, 8])
def test_a_step_that_loses_or_invents_a_row_is_refused(kept):
    told = {"merged": {"same": 1}, "set_aside": {"E213": 1, "E232": 0}, "not_data": {"header": 1}}
    assert Step("read", "rows", 10, 7, **told).set_aside == {"E213": 1}
    with pytest.raises(ConservationError, match=f"10 rows came in, {kept + 3} are accounted for"):
        Step("read", "rows", 10, kept, **told)


def test_steps_follow_each_other_without_a_gap_and_files_count_together():
    files = (
        Step("clean", "records", 6, 5, set_aside={"E213": 1}, source="a"),
        Step("clean", "records", 4, 4, source="b"),
    )
    later = Step("merge", "records", 9, 8, merged={"same": 1})
    check_unbroken(Ledger((*files, later)), 8, "visits")
    with pytest.raises(ConservationError):
        check_unbroken(Ledger((*files, later)), 9, "visits")
    with pytest.raises(ConservationError):
        check_unbroken(Ledger((files[0], later)), 8, "visits")
    # Of an account that has not begun there is nothing to hold it against.
    check_unbroken(Ledger(()), 3, "visits")


def test_a_record_of_the_second_file_is_named_by_its_own_row():
    files = (SimpleNamespace(place=f"{name}.csv", field_columns={"pain_pre": ("Pain", "C")}) for name in "ab")
    parts = [SimpleNamespace(file=file, rows=np.arange(2, 5)) for file in files]
    assert _locate(parts, [3, 3], "pain_pre", 2) == ("row 4 of a.csv", 'a.csv › column "Pain" (C)')
    assert _locate(parts, [3, 3], "pain_pre", 3) == ("row 2 of b.csv", 'b.csv › column "Pain" (C)')
