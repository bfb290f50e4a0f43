"""A small clean export, and the files it is written to: what the chapters on ids, dates and values spoil."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from faults.catalogue import Input, Run

Row = dict[str, Any]
CSV, XLSX, PARQUET = "csv", "xlsx", "parquet"
EVERYWHERE = (CSV, XLSX, PARQUET)
N_PATIENTS, N_VISITS = 40, 3
_FIRST = datetime.date(2025, 1, 6)


def clean_rows(n_patients: int = N_PATIENTS) -> list[Row]:
    """Return three visits each of some patients, nine days apart, with nothing wrong in them; every cell a text."""
    return [_row(patient, visit) for patient in range(n_patients) for visit in range(N_VISITS)]


def _row(patient: int, visit: int) -> Row:
    start = _FIRST + datetime.timedelta(days=7 * patient)
    return {
        "patient_id": f"K{101 + patient}",
        "visit_date": (start + datetime.timedelta(days=9 * visit)).isoformat(),
        "clinic_id": ("north", "south")[patient % 2],
        "pain_pre": str(8 - 2 * visit - patient % 2),
        "pain_post": str(7 - 2 * visit - patient % 2),
        "function_score": str(40 - 6 * visit - patient % 5),
        "function_instrument": "odi",
        "region": "lumbar",
        "diagnoses": "M62.830",
        "modalities": ("massage", "heat", "stretching")[visit],
        "onset_date": (start - datetime.timedelta(days=10 + patient)).isoformat(),
        "age": str(25 + patient),
        "sex": ("female", "male")[patient % 2],
    }


def write(folder: Path, kind: str, rows: Sequence[Row], name: str = "visits") -> Path:
    """Write rows as one file of this kind; a cell is written with its own type where the format has types."""
    header = list(rows[0])
    path = folder / f"{name}.{kind}"
    if kind == CSV:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(header)
            writer.writerows([row[head] for head in header] for row in rows)
    elif kind == XLSX:
        import openpyxl

        book = openpyxl.Workbook()
        for line in (header, *([row[head] for head in header] for row in rows)):
            book.active.append(list(line))
        book.save(path)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({head: [row[head] for row in rows] for head in header}), path)
    return path


def spoilt(
    cells: Mapping[tuple[int, str], Any],
    mapping: str = "",
    secrets: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
) -> Callable[[Path, str], Input]:
    """Make an entry of the clean export with some cells, (row from 0, column), written otherwise."""

    def make(folder: Path, kind: str) -> Input:
        rows = clean_rows()
        for (row, column), text in cells.items():
            rows[row][column] = text
        return Input([write(folder, kind, rows)], mapping, secrets=secrets, options=options)

    return make


def rewritten(change: Callable[[Row, int], None], mapping: str = "") -> Callable[[Path, str], Input]:
    """Make an entry of the clean export with every row changed by ``change(row, number)``."""

    def make(folder: Path, kind: str) -> Input:
        rows = clean_rows()
        for number, row in enumerate(rows):
            change(row, number)
        return Input([write(folder, kind, rows)], mapping)

    return make


def of_files(*files: Sequence[Row], mapping: str = "") -> Callable[[Path, str], Input]:
    """Make an entry of several files, named ``q1``, ``q2`` and so on."""

    def make(folder: Path, kind: str) -> Input:
        return Input([write(folder, kind, rows, f"q{i}") for i, rows in enumerate(files, start=1)], mapping)

    return make


def conserved(run: Run) -> None:
    """Every row that came in is accounted for, step by step, and the quarantine holds those set aside."""
    ledger = run.table("ledger")
    assert ledger, run.said
    kept = None
    for step in dict.fromkeys(row["step"] for row in ledger):
        rows = [row for row in ledger if row["step"] == step]
        count = {
            outcome: sum(int(row["n"]) for row in rows if row["outcome"] == outcome)
            for outcome in ("in", "kept", "merged", "set_aside", "not_data")
        }
        assert count["in"] == sum(n for outcome, n in count.items() if outcome != "in")
        assert kept is None or kept == count["in"]
        kept = count["kept"]
    aside = sum(int(row["n"]) for row in ledger if row["outcome"] == "set_aside")
    assert len({(row["source_file"], row["source_row"]) for row in run.table("quarantine")}) == aside


def _first_row(run: Run) -> int:
    """What the reader calls the first row of data: a Parquet file has no header line to count."""
    return 1 if any((run.out.parent / "in").glob(f"*.{PARQUET}")) else 2


def aside(code: str, *rows: int) -> Callable[[Run], None]:
    """Check that exactly these rows (from 0) were set aside, all under this rule."""

    def check(run: Run) -> None:
        conserved(run)
        found, first = run.table("quarantine"), _first_row(run)
        assert {row["code"] for row in found} == {code}
        assert sorted({int(row["source_row"]) - first for row in found}) == sorted(rows)
        for row in found:
            assert row["column"] and row["letter"] and row["remedy"], row

    return check


def told(*words: str) -> Callable[[Run], None]:
    """Check that these words were said, and that no row was lost."""

    def check(run: Run) -> None:
        conserved(run)
        for word in words:
            assert word in run.said, run.said

    return check


def visit_of(run: Run, row: int) -> dict[str, str]:
    """Return the visit whose first record stood in this row (from 0) of the only file."""
    return visits_of(run, [row])[0]


def visits_of(run: Run, rows: Iterable[int]) -> list[dict[str, str]]:
    """Return the visits whose first records stood in these rows (from 0) of the only file."""
    first, visits = _first_row(run), {int(visit["source_row"]): visit for visit in reversed(run.table("visits"))}
    return [visits[row + first] for row in rows]


def reads(row: int, column: str, text: str, *words: str) -> Callable[[Run], None]:
    """Check how one cell was read, and that these words were said."""

    def check(run: Run) -> None:
        told(*words)(run)
        assert visit_of(run, row)[column] == text, visit_of(run, row)

    return check
