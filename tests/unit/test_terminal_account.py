"""What the terminal says of rows that are no visit of their own, and of an option that names nothing."""

from __future__ import annotations

import errno
import shutil
import tempfile

import pytest

from outcomes import cli, simulate

HEADER = "patient_id,visit_date,pain_pre,region,modalities\n"
FIRST = "P1,2025-01-08,7,lumbar,massage\n"


def write(folder, name: str, rows: str) -> str:
    (folder / name).write_text(HEADER + rows, encoding="utf-8")
    return str(folder / name)


def clean(folder, capsys, *exports: str) -> str:
    assert cli.main(["clean", *exports, "--out", str(folder / "out")]) in (0, 1)
    return capsys.readouterr().err


def test_an_export_that_overlaps_another_is_accounted_for_file_by_file(tmp_path, capsys) -> None:
    old = write(tmp_path, "old.csv", FIRST + "P2,2025-01-08,7,lumbar,massage\n" + FIRST)
    new = write(tmp_path, "new.csv", FIRST + "P2,2025-01-08,7,lumbar,massage\nP3,2025-01-09,5,lumbar,massage\n")
    said = clean(tmp_path, capsys, old, new)
    assert "3 records the same in every field as one read before, counted once (old.csv: 1; new.csv: 2)" in said
    assert "3 visits in 3 episodes" in said


def test_records_of_one_day_that_make_one_visit_are_counted(tmp_path, capsys) -> None:
    said = clean(tmp_path, capsys, write(tmp_path, "visits.csv", FIRST + FIRST.replace("massage", "ultrasound")))
    assert "1 record of one patient, day and region with another, one visit with it (visits.csv: 1)" in said
    assert "every field" not in said


def test_nothing_is_said_where_every_record_is_a_visit(tmp_path, capsys) -> None:
    assert "(visits.csv" not in clean(tmp_path, capsys, write(tmp_path, "visits.csv", FIRST))


def test_a_line_of_one_field_is_said_to_have_one(tmp_path, capsys) -> None:
    said = clean(tmp_path, capsys, write(tmp_path, "visits.csv", FIRST + "P2;2025-01-08;7;lumbar;massage\n"))
    assert "1 field, the header line has 5, as it has split by semicolon" in said


def test_an_empty_folder_name_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["report", "visits.csv", "--out", ""])
    assert "the name is empty; name a folder" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("code", "named"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_a_full_disk_is_named_by_what_was_to_be_written(tmp_path, capsys, monkeypatch, code, named) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, "no file is named")

    monkeypatch.setattr(simulate, "write_simulation", fail)
    out = str(tmp_path / "out")
    assert cli.main(["simulate", "--patients", "5", "--seed", "1", "--out", out]) == 2
    assert (f"({out})" in capsys.readouterr().err) == named


@pytest.mark.parametrize(
    ("free", "named"), [({"tmp": 0}, "tmp"), ({"tmp": 0, "out": 0}, "out"), ({"out": 0}, "out"), ({}, "out")]
)
def test_a_full_temporary_folder_is_named_where_the_result_has_room(tmp_path, capsys, monkeypatch, free, named):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no file is named")

    folders = {"tmp": tmp_path / "tmp", "out": tmp_path / "results" / "new"}
    folders["tmp"].mkdir()
    (tmp_path / "results").mkdir()
    of = {folders["tmp"]: "tmp", tmp_path / "results": "out"}
    monkeypatch.setattr(simulate, "write_simulation", fail)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folders["tmp"]))
    usage = {name: shutil.disk_usage(tmp_path)._replace(free=free.get(name, 1 << 40)) for name in folders}
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage[of[type(tmp_path)(place)]])
    assert cli.main(["simulate", "--patients", "5", "--seed", "1", "--out", str(folders["out"])]) == 2
    assert f"({folders[named]})" in capsys.readouterr().err
