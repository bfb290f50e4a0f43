"""Readers against files nobody wrote: a second tokenizer, and good files spoilt byte by byte.

What a reader gives, Python's `csv` gives too, cell for cell from that line on; what it does not give, it has set aside
or refused. Only `OutcomesError` escapes, within 60 s and 2 GiB.
"""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from outcomes.errors import ConservationError, OutcomesError
from outcomes.records import Records, read_records
from support.mutated_files import KINDS, spoil_and_read

HEADER = "patient_id,visit_date,pain_pre\n"
PIECES = (
    *("a", "b7", "12", "é", " ", "NA", '"', '"', '"', ",", ",", ",", ",", ";", "\t", "\n", "\n", "\n", "\r\n", "\r"),
    *("Total", '"x"', '"x,y"', '"x\ny"', 'a"b', "\x00", "\x7f", "\u200b", "#N/A", "2025-01-06", "patient_id", ",,\n"),
)
LINES = (
    *("a,1,2\n", "b,3,4\r\n", '"a","1","2"\n', 'c,"1,5",2\n', '"d ""x""",1,2\n', "é,7,\n", ",5,6\n", 'e,6" or 7",2\n'),
    *('f,"two\nlines",3\n', '"g\n\n",1,"2\r\n"\n', '"a,1,2\n', 'a,1,"2\n', 'h",1,2\n', "i,1\n", "j,1,2,3\n", "\n"),
)
TEXTS = st.lists(
    st.one_of(st.sampled_from(LINES[:8]), st.sampled_from(LINES), st.sampled_from(PIECES)), max_size=40
).map("".join)
FOLDED = str.maketrans("", "", "\u200b")


def cells_of(records: Records) -> list[list[str]]:
    return [
        list(row) for row in zip(*(records.fields[name].texts() for name in HEADER.strip().split(",")), strict=True)
    ]


def check_text(path: Path, text: str) -> str:
    """Read one text both ways; return what came of it."""
    path.write_bytes((HEADER + text).encode("utf-8"))
    try:
        records = read_records(path)
    except ConservationError:
        raise
    except OutcomesError as refusal:
        assert all(finding.code and finding.remedy for finding in refusal.findings)
        return refusal.findings[0].code
    # Our lines end with LF, CR LF or CR; so do those of the csv module in its universal mode.
    lines = (HEADER + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for row, cells in zip(records.source_row.tolist(), cells_of(records), strict=True):
        reader = csv.reader(line + "\n" for line in itertools.islice(lines, row - 1, None))
        theirs = [cell.translate(FOLDED) for cell in next(reader)]
        assert [cell.replace("\r\n", "\n") for cell in cells] == theirs, (row, text)
    step = records.ledger.steps[0]
    if not len(records.set_aside) and set(step.not_data) <= {"header", "blank line"}:
        rows = csv.reader(io.StringIO("\n".join(lines)))
        theirs = [row for row in itertools.islice(rows, 1, None) if any(cell.strip() for cell in row)]
        assert len(theirs) == records.n, text
    return "set aside" if len(records.set_aside) else "read"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
@example('a,"1,2\nb,3,4\nc,5",6\n')
@example('a,1,"2\n')
@example('"a""",1,2\n')
@example('a,1,2\n","')  # this and the next were counted as blank lines
@example('a,1,2\n ""')
def test_csv_module_agrees_or_we_refuse(tmp_path: Path, text: str) -> None:
    check_text(tmp_path / "visits.csv", text)


@pytest.mark.slow
@settings(
    max_examples=100_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(TEXTS)
def test_csv_module_agrees_or_we_refuse_on_many(tmp_path: Path, text: str) -> None:
    check_text(tmp_path / "visits.csv", text)


@pytest.mark.parametrize("kind", KINDS)
def test_spoilt_files_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    n = 60 if kind == "csv" else 15  # the others start a child for each file
    outcomes = spoil_and_read(tmp_path, kind, n=n, seed=20260101)
    assert sum(outcomes.values()) == n and len(outcomes) > 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_spoilt_files_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    outcomes = spoil_and_read(tmp_path, kind, n=2_000, seed=1)
    print(kind, dict(outcomes.most_common()))
    assert sum(outcomes.values()) == 2_000 and len(outcomes) > 2
