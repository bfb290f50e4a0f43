"""Fuzz one reader: `python tools/fuzz/fuzz_readers.py csv|xlsx|parquet [libFuzzer options]`; see README.md.

CSV is read whole. Of a workbook everything of ours before the parser runs in this process, then the whole reading in
its child; of a Parquet file what its child does runs here, where libFuzzer sees it.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), *map(str, ROOT.glob(".venv/lib/python3*/site-packages"))]

import atheris  # noqa: E402

with atheris.instrument_imports(include=["outcomes.records", "zipfile", "csv"]):
    from faults.exports import clean_rows, write
    from faults.workbooks import clean_parts
    from outcomes.errors import ConservationError, OutcomesError
    from outcomes.records import parquet_child, read_records
    from outcomes.records.workbook_child import BROKEN
    from outcomes.records.workbook_container import Refused, check_container, check_entities
    from outcomes.records.workbook_scan import SheetScan, find_percent_cells

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
_EVERY = 50


def _read(path: Path) -> None:
    try:
        records = read_records(path)
    except ConservationError:
        raise
    except OutcomesError as refusal:
        if not all(finding.code and finding.remedy for finding in refusal.findings):
            raise
        return
    if not all(step.rows_in >= step.kept for step in records.ledger.steps):
        raise AssertionError("a row was invented")


def fuzz_csv(data: bytes) -> None:
    """Read the bytes as a text file."""
    path = FOLDER / "visits.dat"
    path.write_bytes(data)
    if data:
        _read(path)


def make_xlsx_target() -> Callable[[bytes], None]:
    """Return the target that takes the bytes as a sheet of a good workbook, or as the workbook itself."""
    good, counts = clean_parts(), {"runs": 0}

    def fuzz_xlsx(data: bytes) -> None:
        counts["runs"] += 1
        packed = io.BytesIO(data)
        if not data.startswith(b"PK"):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
                for name, content in good.items():
                    archive.writestr(name, data if name.endswith("sheet1.xml") else content)
        try:
            with zipfile.ZipFile(packed) as archive:
                check_container(archive)
                check_entities(archive)
                SheetScan(find_percent_cells(data)).read(archive, "xl/worksheets/sheet1.xml")
        except (Refused, *BROKEN):
            pass
        if counts["runs"] % _EVERY == 0:
            path = FOLDER / "visits.xlsx"
            path.write_bytes(packed.getvalue())
            _read(path)

    return fuzz_xlsx


def fuzz_parquet(data: bytes) -> None:
    """Do with the bytes what the child of the Parquet reader does."""
    path = FOLDER / "visits.parquet"
    path.write_bytes(data)
    said = io.StringIO()
    wanted = io.StringIO(json.dumps({"columns": [0, 1]}) + "\n")
    parquet_child.main({"path": str(path), "folder": str(FOLDER)}, wanted, said)
    if not said.getvalue().endswith("\n"):
        raise AssertionError("the child said nothing")


def main() -> None:
    """Run the target named first on the command line, from a good file of its kind."""
    kind = sys.argv.pop(1)
    targets = {"csv": fuzz_csv, "xlsx": make_xlsx_target(), "parquet": fuzz_parquet}
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    (corpus / "good").write_bytes(write(FOLDER, kind, clean_rows(4), "good").read_bytes())
    if kind == "xlsx":
        (corpus / "sheet").write_bytes(clean_parts()["xl/worksheets/sheet1.xml"])
    atheris.Setup([*sys.argv, str(corpus)], targets[kind])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
