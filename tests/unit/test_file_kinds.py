"""What a file is, by its first bytes and its name: one small file of each kind."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest

from outcomes.errors import InputRefused
from outcomes.records.kinds import find_kind

TABLE = b"patient_id,visit_date\na,2026-01-05\n"
AS_CSV, UNPACK = "Export the table as CSV.", "Unpack it first, and give the table in it."
RESAVE = "Open it in a spreadsheet and save it as .xlsx or CSV."


def packed(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "x")  # of one date: the bytes name a test
    return data.getvalue()


def tarred() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("visits.csv"))
    return data.getvalue()


BOOK, ARCHIVE = packed("[Content_Types].xml", "xl/workbook.xml"), packed("visits.csv")


def kind_of(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return find_kind(folder / name)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("v.csv", TABLE, "csv"),
        ("v.TSV", TABLE, "csv"),
        ("v", TABLE, "csv"),
        ("v.csv", b"", "csv"),
        ("v.csv", b"cid\nos\n1\n", "csv"),  # no pickle: its second letter is a column's
        ("v.csv", b"ustar,x\n" + TABLE, "csv"),
        ("v.xlsx", BOOK, "xlsx"),
        ("v.XLSM", BOOK, "xlsx"),
        ("v", BOOK, "xlsx"),
        ("v.xlsx", packed(), "xlsx"),
        ("v.pq", b"PAR1....", "parquet"),
        ("v", b"PAR1....", "parquet"),
        # an archive that is no workbook is left to the reader of workbooks, which says what it is
        ("v.zip", ARCHIVE, "xlsx"),
        ("v.csv", ARCHIVE, "xlsx"),
        ("v.csv", BOOK[:60], "xlsx"),
    ],
)
def test_what_is_read_is_told_by_its_first_bytes(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    assert kind_of(tmp_path, name, data) == kind


@pytest.mark.parametrize(
    ("name", "data", "what", "ending"),
    [
        ("v.csv", BOOK, "an Excel workbook (.xlsx)", ".xlsx"),
        ("v.zip", BOOK, "an Excel workbook (.xlsx)", ".xlsx"),
        ("v.parquet", BOOK, "an Excel workbook (.xlsx)", ".xlsx"),
        ("v.xlsx", TABLE, "a text table (CSV)", ".csv"),
        ("v.parq", TABLE, "a text table (CSV)", ".csv"),
        ("v.pdf", TABLE, "a text table (CSV)", ".csv"),
        ("v.csv", b"PAR1....", "a Parquet file", ".parquet"),
        ("v.xlsx", b"PAR1....", "a Parquet file", ".parquet"),
    ],
)
def test_a_name_that_says_another_kind_is_refused(tmp_path: Path, name: str, data: bytes, what: str, ending: str):
    with pytest.raises(InputRefused) as caught:
        kind_of(tmp_path, name, data)
    (finding,) = caught.value.findings
    assert (finding.code, finding.place) == ("E116", name)
    assert finding.message == f"the name ends in {Path(name).suffix}, but this is {what}."
    assert finding.remedy.endswith(f"rename it to end in {ending}.")


@pytest.mark.parametrize(
    ("name", "data", "what", "remedy"),
    [
        (
            "v.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an old Excel workbook (.xls) or a workbook with a password",
            "",
        ),
        ("v.csv", bytes(12) + b"\xc2\xea\x81\x60\xb3\x14", "a SAS data set", AS_CSV),
        ("v.csv", b"\x1f\x8b\x08", "a gzip archive (or an R data file)", UNPACK),
        ("v.csv", b"%PDF-1.7", "a PDF", AS_CSV),
        ("v.csv", tarred(), "a tar archive", UNPACK),
        ("v.csv", b'{"patient_id": 1}', "JSON", AS_CSV),
        ("v.csv", b'\xef\xbb\xbf\n [{"patient_id": 1}]', "JSON", AS_CSV),
        *(
            ("v.csv", pickle.dumps({"a": 1}, protocol), "a Python pickle, which can run code when it is opened", AS_CSV)
            for protocol in (0, 2, 3, 4, 5)
        ),
        ("v.csv", b"cos\nsystem\n(S'ls'\ntR.", "a Python pickle, which can run code when it is opened", AS_CSV),
        ("v.xls", b"<html><table>", "an HTML page, whatever its name says", RESAVE),
        ("v.xls", b" \r\n<TABLE><tr>", "an HTML page, whatever its name says", RESAVE),
        ("v.xls", b'<?xml version="1.0"?><Workbook>', "an XML file, whatever its name says", RESAVE),
        ("v.xls", b'<?xml version="1.0"?><html>', "an HTML page, whatever its name says", RESAVE),
        # by the name, whatever stands in it
        ("v.pkl", TABLE, "a Python pickle, which can run code when it is opened, by its name", AS_CSV),
        ("v.SAV", TABLE, "an SPSS file, by its name", AS_CSV),
        ("v.ods", BOOK, "a spreadsheet of another kind, by its name", AS_CSV),
    ],
)
def test_what_is_not_read_is_called_by_what_it_is(tmp_path: Path, name: str, data: bytes, what: str, remedy: str):
    with pytest.raises(InputRefused) as caught:
        kind_of(tmp_path, name, data)
    (finding,) = caught.value.findings
    supported = "Supported are CSV (text), Excel workbooks (.xlsx) and Parquet."
    assert (finding.code, finding.message) == ("E104", f"this is {what}. {supported}")
    assert finding.remedy == (remedy or "Save an unprotected copy as .xlsx or CSV.")


def test_a_file_is_called_as_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes(b"%PDF-1.7")
    with pytest.raises(InputRefused, match=r"E104 no\. 1: "):
        find_kind(tmp_path / "v.csv", "no. 1")
    (tmp_path / "w.csv").write_bytes(b"PAR1....")
    with pytest.raises(InputRefused, match=r"E116 no\. 2: "):
        find_kind(tmp_path / "w.csv", "no. 2")
