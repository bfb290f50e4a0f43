"""Every short text of a cell, a comma, a quote and a line end, taken apart two ways, and held against Python's csv.

Whole blocks and lines of regular quotes are decided at once with numpy; here each line is walked instead. The two must
agree on all, and what they take for records must be what the `csv` module reads from the line they say it begins in.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from outcomes.records.lines import Lines, _Walk, sort_lines

LONGEST = 6
MARKS = 'a,"\n'


def texts() -> Iterator[str]:
    for length in range(1, LONGEST + 1):
        yield from map("".join, itertools.product(MARKS, repeat=length))


def walk(data: bytes, width: int, is_last: bool) -> Lines:
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    walker = _Walk(data, starts, ends, np.zeros(len(starts), np.int8), ",", width, is_last)
    walker.run(np.arange(len(starts)))
    return walker.lines()


def told(found: Lines) -> tuple[object, ...]:
    counts = (found.n_lines, found.n_continued, found.n_comments)
    return found.data, found.rows.tolist(), *counts, found.faults, found.rest


@pytest.mark.parametrize("width", [2, 3])
def test_blocks_lines_and_walks_agree_and_no_line_is_lost(width: int) -> None:
    n = n_faults = 0
    for text in texts():
        for is_last in (True, False) if text.endswith("\n") else (True,):
            data = text.encode()
            found = sort_lines(data, ",", width, None, is_last)
            assert told(found) == told(walk(data, width, is_last)), text
            assert len(found.rows) + found.n_continued + len(found.faults) == found.n_lines, text
            n_rest = len(found.rest.splitlines())
            assert found.n_lines + n_rest == len(text.splitlines()), text
            assert not (is_last and found.rest), text
            n, n_faults = n + 1, n_faults + bool(found.faults)
    assert n > 6_000 and n_faults > 3_000


def test_what_is_a_record_is_what_the_csv_module_reads_from_its_first_line() -> None:
    n = 0
    for text in texts():
        found = sort_lines(text.encode(), ",", 2, None, is_last=True)
        lines = text.splitlines(keepends=True)
        kept = list(csv.reader(io.StringIO(found.data.decode(), newline="")))
        alone = [next(csv.reader(lines[row:])) for row in found.rows.tolist()]
        assert kept == alone, text
        if not found.faults:
            assert kept == list(csv.reader(io.StringIO(text, newline=""))), text
        n += len(kept)
    assert n > 5_000
