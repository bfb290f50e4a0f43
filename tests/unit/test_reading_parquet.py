"""Reading Parquet: exact text of plain columns, everything else refused by name."""

from __future__ import annotations

import datetime
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outcomes.errors import InputRefused
from outcomes.records import Mapping, Records, child, read_records
from outcomes.records import parquet_child as parquet_reader

DAY = datetime.date(2024, 3, 1)


def read(folder: Path, table: pa.Table, name: str = "visits.parquet") -> Records:
    path = folder / name
    pq.write_table(table, path)
    return read_records(path)


def table(n: int = 2, **columns: object) -> pa.Table:
    base = {"patient_id": [f"p{i}" for i in range(n)], "visit_date": [DAY] * n}
    return pa.table({**base, **columns})


CELLS = {
    "text": (pa.array(["007", None, " x "]), ["007", "", " x "]),
    "large text": (pa.array(["a", None, "b"], pa.large_string()), ["a", "", "b"]),
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), ["a", "", "a"]),
    "integer": (pa.array([1, None, 2**60]), ["1", "", str(2**60)]),
    "float": (pa.array([3.0, None, 0.1]), ["3", "", "0.1"]),
    "float32": (pa.array([3.0, 6.3, None], pa.float32()), ["3", "6.3", ""]),
    "not a number": (pa.array([float("nan"), float("inf"), 1.0]), ["nan", "inf", "1"]),
    "decimal": (pa.array([1, None, 2]).cast(pa.decimal128(20, 1)), ["1.0", "", "2.0"]),
    "boolean": (pa.array([True, None, False]), ["true", "", "false"]),
    "date": (pa.array([DAY, None, DAY]), ["2024-03-01", "", "2024-03-01"]),
    "time stamp": (
        pa.array([datetime.datetime(2024, 3, 1), None, datetime.datetime(2024, 3, 1, 9, 30)], pa.timestamp("ns")),
        ["2024-03-01", "", "2024-03-01T09:30:00"],
    ),
    "time stamp with zone": (
        pa.array([datetime.datetime(2024, 3, 1, 23), None, None], pa.timestamp("us", "UTC")),
        ["2024-03-01T23:00:00+00:00", "", ""],
    ),
    "nothing": (pa.nulls(3), ["", "", ""]),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_become_exact_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    monkeypatch.setattr(parquet_reader, "_BATCH_ROWS", 2)
    cells, expected = CELLS[name]
    records = read(tmp_path, table(3, pain_pre=cells))
    assert records.fields["pain_pre"].texts() == expected
    assert records.source_row.tolist() == [1, 2, 3]
    assert records.files[0].kind == "parquet"


def test_other_columns_are_not_read_and_the_name_must_not_lie(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E116"):
        read(tmp_path, table(), "visits.csv")
    records = read(tmp_path, table(note=[["x"], ["y"]]), "visits.dat")
    assert list(records.fields) == ["patient_id", "visit_date"]
    assert records.files[0].unread_columns == ("note",)


def test_inexact_numbers_are_set_aside(tmp_path: Path) -> None:
    records = read(tmp_path, pa.table({"patient_id": [1.0, 1.2e17, 3.0], "visit_date": [DAY] * 3}))
    assert records.fields["patient_id"].texts() == ["1", "3"]
    assert records.set_aside.row.tolist() == [2] and records.set_aside.code == ("E149",)
    assert records.set_aside.detail[0].startswith('column "patient_id" (A). Store')


PANDAS_TEXT = {"as read": "str", "string": "string", "category": "category", "Python": "object"}


@pytest.mark.parametrize("name", PANDAS_TEXT)
def test_text_that_pandas_wrote_is_text(tmp_path: Path, name: str) -> None:
    # pandas 3 writes that its text is of "object"; it is Arrow text all the same.
    rows = "patient_id,visit_date,pain_pre,region\na,2024-03-01,4,cervical\nb,2024-03-02,5,\n"
    frame = pd.read_csv(io.StringIO(rows))
    texts = ["patient_id", "visit_date", "region"]
    frame[texts] = frame[texts].astype(PANDAS_TEXT[name])
    frame["pain_pre"] = frame["pain_pre"].astype("category")
    frame["waited"] = pd.to_timedelta([1, 2], unit="h")
    frame.to_parquet(tmp_path / "visits.parquet")
    records = read_records(tmp_path / "visits.parquet")
    assert records.fields["patient_id"].texts() == ["a", "b"]
    assert records.fields["visit_date"].texts() == ["2024-03-01", "2024-03-02"]
    assert records.fields["region"].texts() == ["cervical", ""] and records.fields["pain_pre"].texts() == ["4", "5"]


@pytest.mark.parametrize("word", ["object", "mixed", "pickle"])
@pytest.mark.parametrize(
    "cells",
    [pa.array([b"a", b"b"]), pa.array([b"a", b"b"], pa.large_binary()), pa.array([[b"a"], [b"b"]])],
    ids=lambda cells: str(cells.type),
)
def test_bytes_that_are_said_to_be_objects_are_refused_also_unread(tmp_path: Path, cells: pa.Array, word: str) -> None:
    said = json.dumps({"columns": [{"name": "note", "field_name": "note", "pandas_type": word}]})
    with pytest.raises(InputRefused, match=r'E128 .*column "note" \(C\)'):
        read(tmp_path, table(note=cells).replace_schema_metadata({"pandas": said}))


def test_blank_rows_are_no_data(tmp_path: Path) -> None:
    records = read(tmp_path, pa.table({"patient_id": ["a", None], "visit_date": [DAY, None]}))
    assert dict(records.ledger.steps[0].not_data) == {"blank line": 1}


@pytest.mark.parametrize(
    "cells", [pa.array([["a"], ["b"]]), pa.array([{"a": 1}, {"a": 2}]), pa.array([b"a", b"b"])], ids=str
)
def test_a_wanted_column_that_is_not_plain_is_refused(tmp_path: Path, cells: pa.Array) -> None:
    with pytest.raises(InputRefused, match=r'visits\.parquet › column "modalities" \(C\)'):
        read(tmp_path, table(modalities=cells))


def test_refused_from_the_footer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    monkeypatch.setattr(parquet_reader, "MAX_ROWS", 1)
    with pytest.raises(InputRefused, match="declares 2 rows"):
        read(tmp_path, table())


def test_a_page_whose_checksum_does_not_hold_is_broken(tmp_path: Path) -> None:
    """A bit that was turned on the disk changes a rating, and nothing else notices."""
    path = tmp_path / "visits.parquet"
    rows = pa.table({"patient_id": ["a"] * 9, "visit_date": ["2024-03-01"] * 9, "pain_pre": ["4"] * 9})
    pq.write_table(rows, path, compression="none", use_dictionary=False, write_page_checksum=True)
    assert read_records(path, Mapping()).fields["pain_pre"].texts() == ["4"] * 9
    path.write_bytes(path.read_bytes().replace(b"\1\0\0\x004", b"\1\0\0\x005", 1))
    with pytest.raises(InputRefused, match="E105"):
        read_records(path, Mapping())


def test_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "visits.parquet"
    pq.write_table(table(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputRefused, match="E105"):
        read_records(path, Mapping())
    with pytest.raises(InputRefused, match="E121"):
        read(tmp_path, pa.table({"id": ["a"]}))
    with pytest.raises(InputRefused, match="E113"):
        read(tmp_path, table().slice(0, 0))


def test_an_id_that_is_not_a_number_is_no_patient(tmp_path: Path) -> None:
    cells = {key: pa.array([7.0, float("nan"), None]) for key in ("patient_id", "clinic_id")}
    records = read(tmp_path, pa.table({**cells, "visit_date": [DAY] * 3}))
    assert all(records.fields[key].texts() == ["7", "", ""] for key in cells)
