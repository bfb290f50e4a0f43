"""Parsers in processes of their own: dying, hanging, greedy; forked and started anew; containers refused at once."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outcomes.errors import InputRefused
from outcomes.records import child, parquet, parquet_child, read_records
from outcomes.records.workbook_scan import far_column

DAY = datetime.date(2024, 3, 1)
ENDS = {
    "aborts": os.abort,
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "takes too much memory": lambda: bytearray(3 << 30),
    "ends": lambda: os._exit(0),
}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"patient_id": ["a", "b"], "visit_date": [DAY, DAY]}), tmp_path / "visits.parquet")
    return tmp_path / "visits.parquet"


@pytest.fixture
def another_thread() -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.parametrize("end", ENDS)
def test_a_dying_child_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, export: Path, end: str) -> None:
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(parquet_child, "main", lambda *_: ENDS[end]())
    with pytest.raises(InputRefused, match=r"E108 visits\.parquet: the Parquet file cannot be parsed"):
        read_records(export)
    assert not list(tmp_path.glob("outcomes-*"))


def test_it_may_die_in_the_middle_too(monkeypatch: pytest.MonkeyPatch, export: Path) -> None:
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    monkeypatch.setattr(parquet_child, "_write", lambda *_: os.abort())
    with pytest.raises(InputRefused, match="E108"):
        read_records(export)


def test_a_hanging_child_is_ended(monkeypatch: pytest.MonkeyPatch, export: Path) -> None:
    monkeypatch.setattr(child, "_can_fork", lambda: True)
    monkeypatch.setattr(parquet_child, "main", lambda *_: time.sleep(60))
    monkeypatch.setattr(parquet, "SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(InputRefused, match="E108"):
        read_records(export)
    assert time.monotonic() - started < 10


def test_beside_other_threads_it_is_started_anew(another_thread: None, export: Path) -> None:
    assert not child._can_fork()
    assert read_records(export).fields["patient_id"].texts() == ["a", "b"]


def test_limits_hold_in_the_child() -> None:
    code = (
        "import resource\nfrom outcomes.records.child import limit_process\nlimit_process()\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_CPU)[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    memory, seconds = map(int, said.stdout.split())
    assert 2 << 30 <= memory < 5 << 30 and seconds == 120


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(child.__file__).resolve().parents[2])}


_MEASURED = """
import json, resource, sys, time
from outcomes.errors import InputRefused
from outcomes.records import read_records
import outcomes.records.workbook, outcomes.records.parquet
told = []
for path in sys.argv[1:]:
    started = time.perf_counter()
    try:
        read_records(path)
    except InputRefused as refusal:
        told.append([refusal.findings[0].code, time.perf_counter() - started])
# What the system calls the most this process used also counts the process that started it; its own is in /proc.
own = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
used = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(json.dumps([told, used / 1024]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
def test_containers_are_refused_at_once_and_in_little_memory(tmp_path: Path) -> None:
    """A second and 200 MB each; the clock of a busy machine gets five."""
    workbook = openpyxl.Workbook()
    for row in (["patient_id", "visit_date"], ["a", DAY]):
        workbook.active.append(row)
    workbook.save(tmp_path / "good.xlsx")
    with zipfile.ZipFile(tmp_path / "good.xlsx") as archive:
        good = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    far = good[sheet].replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    spoilt = {
        "bomb": {"xl/media/a.bin": bytes(60_000_000)},
        "many": {f"xl/{i}.xml": b"" for i in range(2_001)},
        "far": {sheet: far},
        "entities": {"xl/theme/theme1.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'},
    }
    paths = []
    for name, parts in spoilt.items():
        paths.append(tmp_path / f"{name}.xlsx")
        with zipfile.ZipFile(paths[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            for part, data in {**good, **parts}.items():
                archive.writestr(part, data)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
    )
    told, megabytes = json.loads(done.stdout)
    assert [code for code, _ in told] == ["E108", "E108", "E108", "E109"]
    assert max(seconds for _, seconds in told) < 5
    assert megabytes < 200


def test_what_excel_writes_above_a_sheet_is_no_far_cell() -> None:
    """The word UTF-8 once read as column 14,722, and a real workbook of 1,400 rows was refused."""
    top = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet><sheetData><row r="1"><c r="C1"/></row>'
    assert far_column(top) == 0
    assert far_column(top + b'<row r="2"><c r="AB2"/><c r="XFD2"/></row>') == 16_384
    assert far_column(top + b'<sheetPr><tabColor rgb="FFFF0000"/></sheetPr><row r="2"><c t="BOOL" r="A2"/></row>') == 0


@pytest.mark.parametrize("place", ["AAAA2", "ZZZ2", "XFE2"])
def test_a_column_beyond_the_last_of_a_spreadsheet_is_refused(tmp_path: Path, place: str) -> None:
    """Half a million columns of one cell were read, for a minute, and the file accepted."""
    path = tmp_path / "visits.xlsx"
    workbook = openpyxl.Workbook()
    workbook.active.append(["patient_id", "visit_date"])
    workbook.active.append(["p1", "2024-01-01"])
    workbook.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(
        b"</row></sheetData>", b'<c r="%b"><v>1</v></c></row></sheetData>' % place.encode()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    with pytest.raises(InputRefused, match="E108"):
        read_records(path)


def test_an_encrypted_column_is_named(tmp_path: Path) -> None:
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Keys(encryption.KmsClient):
        def __init__(self, _: object) -> None:
            super().__init__()

        def wrap_key(self, key: bytes, _: str) -> bytes:
            return key.hex().encode()

        def unwrap_key(self, key: bytes, _: str) -> bytes:
            return bytes.fromhex(key.decode())

    settings = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["visit_date"]}, plaintext_footer=True
    )
    factory = encryption.CryptoFactory(Keys)
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    table = pa.table({"patient_id": ["a"], "visit_date": ["2024-03-01"]})
    path = tmp_path / "visits.parquet"
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(InputRefused, match=r'column "visit_date" \(B\): the column is encrypted'):
        read_records(path)
