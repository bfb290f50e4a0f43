"""What the files of a run are called, and that two of one name are told apart everywhere they are named."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from outcomes import cli
from outcomes.errors import InputRefused
from outcomes.records import read_records
from outcomes.records.file_names import name_files
from outcomes.records.remarks import list_remarks
from outcomes.release.manifest import _describe_file

HEADER = "patient_id,visit_date,pain_pre\n"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/a/place/d1/w.csv"], ["w.csv"]),
        (["/a/place/d1/w.csv", "/a/place/d1/v.csv"], ["w.csv", "v.csv"]),
        (["/a/place/d1/w.csv", "/a/place/d2/w.csv", "v.csv"], ["d1/w.csv", "d2/w.csv", "v.csv"]),
        (["/a/place/w.csv", "/a/place/d2/w.csv"], ["w.csv", "d2/w.csv"]),
        (["/x/north/q1/w.csv", "/x/south/q1/w.csv"], ["north/q1/w.csv", "south/q1/w.csv"]),
        (["/x/north/q1/w.csv", "/x/south/q2/w.csv"], ["q1/w.csv", "q2/w.csv"]),
        (["/x/d/w.csv", "/x/e/d/w.csv", "/x/f/w.csv"], ["d/w.csv", "e/d/w.csv", "f/w.csv"]),
        (["/x/w.csv", "/x/w.csv"], ["w.csv", "w.csv"]),
        (["d1/../d1/w.csv", "d1/w.csv"], ["w.csv", "w.csv"]),
        (["/folder/anna/.."], [".."]),  # as it was given: the folder it means may bear a name
        (["../w.csv", "w.csv"], ["w.csv", "north/w.csv"]),
    ],
)
def test_the_shortest_tail_that_tells_two_files_apart(tmp_path, monkeypatch, paths, names) -> None:
    (tmp_path / "north").mkdir()
    monkeypatch.chdir(tmp_path / "north")
    assert name_files([Path(path) for path in paths]) == names


@pytest.fixture
def two(tmp_path) -> list[Path]:
    paths = [tmp_path / "anna" / folder / "w.csv" for folder in ("d1", "d2")]
    for i, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        rows = [f"P{i}{day},2026-03-{day:02},{99 if day == 4 else 5}" for day in range(2, 9)]
        path.write_text(HEADER + "\n".join(rows) + "\nTotal,,\n", encoding="utf-8")
    return paths


def test_two_files_of_one_name_are_told_apart_everywhere(two, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert cli.main(["clean", *map(str, two), "--out", str(out), "--format", "csv"]) == 1
    said = capsys.readouterr().err
    assert "reading d1/w.csv, d2/w.csv ..." in said and "d2/w.csv › row 4" in said
    assert "anna" not in said and " w.csv" not in said
    for table, column in (("quarantine", "source_file"), ("ledger", "source")):
        with (out / f"{table}.csv").open(encoding="utf-8") as stream:
            assert {row[column] for row in csv.DictReader(stream)} - {""} == {"d1/w.csv", "d2/w.csv"}
    records = read_records(two)
    assert [_describe_file(file)["name"] for file in records.files] == ["d1/w.csv", "d2/w.csv"]
    assert "anna" not in json.dumps([*map(_describe_file, records.files), *list_remarks(records)])


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"PAR1broken", b"colour,size\nred,3\n"])
def test_a_refusal_names_the_file_it_is_about(two, content) -> None:
    two[1].write_bytes(content)
    with pytest.raises(InputRefused, match=r"d2/w\.csv") as caught:
        read_records(two)
    assert "anna" not in str(caught.value)


def test_the_same_bytes_under_one_name_are_read_once(two) -> None:
    two[1].write_bytes(two[0].read_bytes())
    assert "d2/w.csv holds the same bytes as d1/w.csv and was read once." in read_records(two).notes


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/x/Maria Keller.csv"], ["xxxxx xxxxxx.csv"]),
        (["/x/visits_Maria_Keller.csv.gz"], ["xxxxxx_xxxxx_xxxxxx.csv.gz"]),
        (["/x/MariaKeller.xlsx"], ["xxxxxxxxxxx.xlsx"]),
        (["/x/m.keller@qvist.org.csv"], ["x.xxxxxx@xxxxx.xxx.csv"]),
        (["/x/qvist@clinic.csv"], ["xxxxx@xxxxxx.csv"]),
        (["/x/dob 4-7-1951.xlsx"], ["xxx 9-9-9999.xlsx"]),
        (["/x/call 555-0142.csv"], ["xxxx 999-9999.csv"]),
        (["/x/Maria Keller.csv", "/x/Paula Becker.csv"], ["xxxxx xxxxxx.csv", "xxxxx xxxxxx (2).csv"]),
        (["/x/Maria Keller/w.csv", "/x/q2/w.csv"], ["xxxxx xxxxxx/w.csv", "q2/w.csv"]),
        (["/x/Maria Keller.csv", "/x/Maria Keller.csv"], ["xxxxx xxxxxx.csv", "xxxxx xxxxxx.csv"]),
        (["/x/Maria Keller"], ["xxxxx xxxxxx"]),
        (["/x/visits_2024-01-01_2024-12-31.csv"], ["visits_2024-01-01_2024-12-31.csv"]),
        (["/x/Praxis Nord 2026Q2 v1.2.xlsx"], ["Praxis Nord 2026Q2 v1.2.xlsx"]),
        (["/x/export 20260430-1015.csv"], ["export 20260430-1015.csv"]),
    ],
)
def test_of_a_file_called_by_a_person_the_shape_is_shown(paths, names) -> None:
    assert name_files([Path(path) for path in paths]) == names


def test_the_name_of_a_file_called_by_a_person_stands_nowhere(tmp_path: Path, capfd) -> None:
    export = tmp_path / "Walburga Keller.csv"
    rows = [f"K{i // 4:02},2024-0{i % 9 + 1}-02,{i % 7}\n" for i in range(80)]
    export.write_text(HEADER + "".join(rows), encoding="utf-8")
    mapping, out = tmp_path / "m.toml", tmp_path / "out"
    cli.main(["inspect", str(export), "--out", str(mapping)])
    said = "\n".join(line for line in capfd.readouterr().out.splitlines() if "outcomes " not in line)
    assert cli.main(["clean", str(export), "--out", str(out), "--format", "csv"]) == 0
    said += "".join(capfd.readouterr()) + mapping.read_text("utf-8")
    said += "".join(path.read_text("utf-8") for path in out.rglob("*.csv"))
    assert "xxxxxxxx xxxxxx.csv" in said and "Walburga" not in said.replace(str(tmp_path), "")
