"""Every short text of a cell, a comma, a quote and a line end, taken apart two ways, and held against Python's csv.

Whole blocks and lines of regular quotes are decided at once with numpy; here each line is walked instead. The two must
agree on all, and what they take for records must be what the `csv` module reads from the line they say it begins in.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator

import numpy as np
import pytest

from outcomes.records.lines import (
    MAX_RECORD_BYTES,
    Lines,
    _irregular_lines,
    _sort_regular_block,
    _Walk,
    has_high_controls,
    sort_lines,
)

LONGEST = 6
MARKS = 'a,"\n'


def texts(marks: str = MARKS, longest: int = LONGEST) -> Iterator[str]:
    for length in range(1, longest + 1):
        yield from map("".join, itertools.product(marks, repeat=length))


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


CELL = r'(?:[^",\n]*|"(?:[^"]|"")*")'
RECORD = rf"{CELL}(?:,{CELL})*"
REGULAR = re.compile(rf"(?:{RECORD}\n)*(?:{RECORD})?")
LINE = re.compile(r'(?:[^",\n]*|"(?:[^"\n]|"")*")(?:,(?:[^",\n]*|"(?:[^"\n]|"")*"))*\n?')


def test_only_what_is_irregular_or_may_have_swallowed_a_row_is_walked() -> None:
    """It takes much longer; texts written as RFC 4180 has it are decided at once."""
    n_whole = 0
    for text in texts():
        data = text.encode()
        array = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(array == ord("\n"))
        if not text.endswith("\n"):
            ends = np.append(ends, len(data))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        odd = [i for i, line in enumerate(text.splitlines(keepends=True)) if not LINE.fullmatch(line)]
        assert _irregular_lines(array, starts, ord(",")).tolist() == odd, text
        walked = walk(data, 2, True)
        whole = _sort_regular_block(data, array, starts, ends, ",", 2, True)
        within = [line for i, line in enumerate(text.split("\n")) if i not in walked.rows]
        is_clear = REGULAR.fullmatch(text) and not walked.faults and not any("," in line for line in within)
        assert (whole is not None) >= bool(is_clear), text
        assert whole is None or told(whole) == told(walked), text
        n_whole += whole is not None
    assert n_whole > 1_500


def test_other_delimiters_and_line_ends_are_regular_too() -> None:
    data = b'"a";"b"\r\n"c";"d\r\ne"\r\n'
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == ord("\n"))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    whole = _sort_regular_block(data, array, starts, ends, ";", 2, True)
    assert whole is not None and (whole.rows.tolist(), whole.n_continued) == ([0, 1], 1)
    assert _sort_regular_block(data, array, starts, ends, ",", 2, True) is None
    assert _irregular_lines(array, starts, ord(";")).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "has"), [("a", False), ("\x7f", True), ("\x80", True), ("\x9f", True), ("\xa0", False), ("\xbf", False)]
)
def test_controls_beyond_the_first_are_found(text: str, has: bool) -> None:
    assert has_high_controls(text.encode()) is has


def test_what_is_a_record_is_what_the_csv_module_reads_from_its_first_line() -> None:
    n = 0
    for text in texts():
        found = sort_lines(text.encode(), ",", 2, None, is_last=True)
        lines = text.splitlines(keepends=True)
        kept = list(csv.reader(io.StringIO(found.data.decode(), newline="")))
        alone = [next(csv.reader(lines[row:])) for row in found.rows.tolist()]
        assert kept == alone, text
        if not found.faults:  # and nothing that `csv` mends in silence, such as text after a closing quote
            assert kept == list(csv.reader(io.StringIO(text, newline=""), strict=True)), text
        n += len(kept)
    assert n > 5_000


def test_a_comment_goes_and_the_other_lines_are_read_as_without_it() -> None:
    """Where no quote is about: there what begins with the mark may be text within it."""
    for text in texts("a,#\n", 5):
        found = sort_lines(text.encode(), ",", 2, "#", is_last=True)
        lines = text.splitlines(keepends=True)
        rows = [row for row, line in enumerate(lines) if not line.startswith("#")]
        assert found.rows.tolist() == rows and found.n_comments == len(lines) - len(rows), text
        assert found.data.decode() == "".join(lines[row] for row in rows) and not found.faults, text


def test_a_line_within_quotes_is_no_comment_and_a_quote_within_a_comment_opens_nothing() -> None:
    found = sort_lines(b'1,"two\n# lines"\n#"\n3,4\n', ",", 2, "#", is_last=True)
    assert found.rows.tolist() == [0, 3] and (found.n_continued, found.n_comments) == (1, 1)
    assert found.data == b'1,"two\n# lines"\n3,4\n'


@pytest.mark.parametrize("text", ["1,2\n3,4\n5,6\n", '1,"two\nlines"\n3,4\n5,6\n', '1,2\n3,"four\nand\nmore"\n5,6'])
def test_what_is_odd_in_a_line_sets_its_whole_record_aside(text: str) -> None:
    usual = sort_lines(text.encode(), ",", 2, None, is_last=True)
    starts = usual.rows.tolist()
    for line in range(usual.n_lines):
        owner = max(start for start in starts if start <= line)
        found = sort_lines(text.encode(), ",", 2, None, is_last=True, odd={line: "E150"})
        assert found.faults == [(owner, "E150")]
        assert found.rows.tolist() == [start for start in starts if start != owner]
        assert [row[0] for row in csv.reader(io.StringIO(found.data.decode(), newline=""))] == [
            str(1 + 2 * i) for i, start in enumerate(starts) if start != owner
        ]
    several = sort_lines(text.encode(), ",", 2, None, is_last=True, odd=dict.fromkeys(range(usual.n_lines), "E150"))
    assert [line for line, _ in several.faults] == starts and not len(several.data)


def test_a_record_that_is_set_aside_keeps_its_first_reason() -> None:
    found = sort_lines(b'1,"a"b\n2,3\n', ",", 2, None, is_last=True, odd={0: "E150"})
    assert found.faults == [(0, "E145")] and found.rows.tolist() == [1]


@pytest.mark.parametrize("control", ["\0", "\x1a", "\x1f", "\x7f", "\x80", "\x9f"])
def test_control_characters_set_a_record_aside(control: str) -> None:
    found = sort_lines(f'1,2\n3,"x\n{control}"\n4,5\n'.encode(), ",", 2, None, is_last=True)
    assert found.faults == [(1, "E146")] and found.rows.tolist() == [0, 3]


@pytest.mark.parametrize("text", ["\t", "\r\n", " ", "\xa0", "é", "\xa1"])
def test_tabs_and_what_is_no_control_stay(text: str) -> None:
    found = sort_lines(f"1,2{text}\n3,4\n".encode(), ",", 2, None, is_last=True)
    assert not found.faults


def test_a_quote_closes_before_a_line_end_of_two_bytes() -> None:
    found = sort_lines(b'1,"2"\r\n"3",4\r\n', ",", 2, None, is_last=True)
    assert not found.faults and found.rows.tolist() == [0, 1]
    broken = sort_lines(b'1,"2\r\nx"\r\n"3",4" \r\n', ",", 2, None, is_last=True)
    assert (broken.rows.tolist(), broken.n_continued, broken.faults) == ([0], 1, [(2, "E145")])


@pytest.mark.parametrize(("size", "waits"), [(MAX_RECORD_BYTES - 1, True), (MAX_RECORD_BYTES, False)])
@pytest.mark.parametrize("head", [b"", b"7,8\n"])
def test_an_open_record_is_waited_for_up_to_a_megabyte(head: bytes, size: int, waits: bool) -> None:
    start = b'1,"'
    record = start + b"x" * (size - len(start) - 1) + b"\n"
    assert len(record) == size
    found = sort_lines(head + record, ",", 2, None, is_last=False)
    assert (found.rest == record) is waits
    assert found.faults == ([] if waits else [(bool(head), "E144")])
