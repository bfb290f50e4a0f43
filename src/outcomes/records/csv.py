"""CSV: block by block through `pyarrow.csv`, every cell text, every odd line set aside with its line number.

A block without quotes or control characters goes to the parser as it is; the others are taken apart first
(`outcomes.records.lines`). Blocks are parsed by threads and joined in file order, so the result does not depend on
their number.
"""

from __future__ import annotations

import codecs
import os
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from outcomes.records.counted import counted
from outcomes.records.csv_head import DELIMITERS, Head, read_head
from outcomes.records.encodings import MOST_LINES, Undecodable, find_undecodable, refuse_encoding
from outcomes.records.footers import BETWEEN_CELLS, is_footer
from outcomes.records.lines import MAX_RECORD_BYTES, NEWLINE, Lines, has_high_controls, sort_lines
from outcomes.records.mapping import Mapping
from outcomes.records.model import Codes, Part
from outcomes.records.rules import refuse
from outcomes.records.text_columns import join_chunks
from outcomes.records.text_stream import iterate_text

BLOCK_BYTES = 1 << 22
"""Size of a block; the records do not depend on it, but the header must stand in the first one."""

_MOST_WORKERS = 4
_TEXT = pa.dictionary(pa.int32(), pa.string())
_BLANK = re.compile(r'[ \t]*|"[ \t]*"[ \t]*')


@dataclass(slots=True)
class _Parsed:
    """What one block gave: chunks per wanted column, the line of each record, and the lines of another width."""

    chunks: list[list[pa.DictionaryArray]]
    rows: Codes
    invalid: list[tuple[int, int, str]]
    faults: list[tuple[int, str]]
    undecodable: Undecodable = field(default_factory=Undecodable)


@dataclass(slots=True)
class _Tally:
    """Counts that grow while the blocks go by."""

    line: int
    n_continued: int = 0
    n_comments: int = 0


def read_csv(path: Path, mapping: Mapping, name: str) -> Part:
    """Read one CSV file.

    Parameters
    ----------
    path : Path
    mapping : Mapping
    name : str
        By which the file is shown (`name_files`).

    Returns
    -------
    Part
        With the keys of `Wanted.index`.

    Raises
    ------
    InputRefused
        No header with the required columns, no clear delimiter, wrong encoding, or a line of more than 1 MB.
    """
    text = iterate_text(path, mapping.file.encoding, BLOCK_BYTES, name)
    encoding, first = next(text)
    head = read_head(first, mapping, name)
    part = Part(
        file=head.wanted.describe(path, name, "csv", encoding=encoding),
        columns={},
        rows=np.array([], np.int32),
        n_physical=0,
        not_data=dict(head.not_data),
        notes=list(head.wanted.notes),
    )
    _Reader(part, head, mapping).run(_whole_lines(first[head.size :], (data for _, data in text)))
    return part


def _whole_lines(first: bytes, more: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Cut a stream of UTF-8 text at line ends; lone carriage returns become newlines.

    Yields
    ------
    tuple of (bytes, bool)
        Whole lines, and whether the file ends here.
    """
    carry, data = b"", first
    while True:
        following = next(more, None)
        block = carry + data if carry else data
        held = b""
        if following is not None and block.endswith(b"\r"):
            block, held = block[:-1], b"\r"
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if following is None:
            yield block, True
            return
        whole, end, carry = block.rpartition(b"\n")
        carry += held
        if not end and len(carry) > 2 * MAX_RECORD_BYTES:
            # No end of a line in sight: handed over to be refused, before it fills the memory.
            whole, carry = carry, b""
        if whole or end:
            yield whole + end, False
        data = following


class _Reader:
    """Feeds blocks to the parser threads and collects what they return, in file order."""

    def __init__(self, part: Part, head: Head, mapping: Mapping) -> None:
        self.part, self.head, self.comment = part, head, mapping.file.comment
        self.place = part.file.name
        self.words = {word.strip().casefold() for words in mapping.non_data.values() for word in words} - {"*"}
        self.positions = head.wanted.positions
        self.chunks: list[list[pa.DictionaryArray]] = [[] for _ in self.positions]
        self.rows: list[Codes] = []
        self.tally = _Tally(line=head.n_lines)
        self.unfinished_line = 0
        self.undecodable = Undecodable()

    def run(self, blocks: Iterator[tuple[bytes, bool]]) -> None:
        """Read every block and fill the part."""
        pending: deque[tuple[int, Future[_Parsed]]] = deque()
        workers = min(_MOST_WORKERS, os.cpu_count() or 1)
        rest = b""
        with ThreadPoolExecutor(workers) as pool:
            for data, is_last in blocks:
                data, rest = rest + data if rest else data, b""
                if not data:
                    continue
                start = self.tally.line + 1
                self._check_length(data, start)
                if b'"' in data or self.comment:
                    # Where a record ends may depend on the block before: these are taken apart one after the other.
                    lines = self._take_apart(data, start, is_last)
                    rest = lines.rest
                    pending.append((start, pool.submit(self._parse, lines)))
                else:
                    n_lines = self._count_lines(data, is_last)
                    pending.append((start, pool.submit(self._parse_plain, data, start, n_lines)))
                if len(pending) > workers:
                    self._collect(*pending.popleft())
            while pending:
                self._collect(*pending.popleft())
            self._finish(pool)

    def _count_lines(self, data: bytes, is_last: bool) -> int:
        """Count the lines of a block without quotes: all that the next block needs to know of it."""
        unfinished = data[-1] != NEWLINE
        n_lines = int(np.count_nonzero(np.frombuffer(data, np.uint8) == NEWLINE)) + unfinished
        self.tally.line += n_lines
        if is_last and unfinished:
            self.unfinished_line = self.tally.line
        return n_lines

    def _parse_plain(self, data: bytes, start: int, n_lines: int) -> _Parsed:
        """Check and parse a block without quotes (in a thread)."""
        undecodable = Undecodable() if data.isascii() else find_undecodable(data)
        n_low = int(np.count_nonzero(np.frombuffer(data, np.uint8) < 32))
        n_newlines = n_lines - (data[-1] != NEWLINE)
        is_plain = n_low == n_newlines + data.count(b"\r") + data.count(b"\t")
        if is_plain and not undecodable.lines and not has_high_controls(data):
            parsed = self._parse(Lines(data, np.arange(n_lines), n_lines))
        else:
            width = len(self.head.wanted.header)
            parsed = self._parse(sort_lines(data, self.head.delimiter, width, None, True, undecodable.codes))
        parsed.undecodable = undecodable
        return parsed

    def _take_apart(self, data: bytes, start: int, is_last: bool) -> Lines:
        """Check a block with quotes or comments and find its records."""
        found = Undecodable() if data.isascii() else find_undecodable(data)
        width = len(self.head.wanted.header)
        lines = sort_lines(data, self.head.delimiter, width, self.comment, is_last, found.codes)
        # What is left for the next block is looked at again there.
        found.lines = [line for line in found.lines if line[0] < lines.n_lines]
        self.undecodable.add(found, start)
        if is_last and data[-1] != NEWLINE and not lines.ends_in_comment:
            self.unfinished_line = start + max([*lines.rows.tolist(), *(line for line, _ in lines.faults)])
        self.tally.line += lines.n_lines
        self.tally.n_continued += lines.n_continued
        self.tally.n_comments += lines.n_comments
        return lines

    def _check_length(self, data: bytes, start: int) -> None:
        """Refuse a line of more than 1 MB: such a file is no table, and memory stays bounded."""
        begin = 0
        while len(data) - begin > MAX_RECORD_BYTES:
            end = data.rfind(b"\n", begin, begin + MAX_RECORD_BYTES + 1)
            if end < 0:
                line = start + data.count(b"\n", 0, begin)
                raise refuse(
                    "E114", f"line {line} is longer than 1 MB.", self.place, "Check the export: is this one CSV table?"
                )
            begin = end + 1

    def _parse(self, lines: Lines) -> _Parsed:
        """Parse the records of one block (in a thread)."""
        invalid: list[tuple[int, int, str]] = []

        def handle(row: pacsv.InvalidRow) -> str:
            invalid.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        if not len(lines.data):
            return _Parsed([], np.array([], np.int32), [], lines.faults)
        names = [str(i) for i in range(len(self.head.wanted.header))]
        wanted = [names[i] for i in self.positions]
        has_quotes = b'"' in lines.data
        table = pacsv.read_csv(
            pa.BufferReader(lines.data),
            read_options=pacsv.ReadOptions(
                column_names=names, use_threads=False, block_size=max(len(lines.data) + 1, 1024)
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.head.delimiter,
                quote_char='"' if has_quotes else False,
                ignore_empty_lines=False,
                newlines_in_values=has_quotes,
                invalid_row_handler=handle,
            ),
            convert_options=pacsv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, _TEXT),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        rows = lines.rows
        if invalid:
            rows = np.delete(rows, [number for number, _, _ in invalid])
        bad = [(int(lines.rows[number]), n_fields, text) for number, n_fields, text in invalid]
        chunks = [table.column(name).chunks for name in wanted]
        return _Parsed(chunks, rows.astype(np.int32), bad, lines.faults)

    def _collect(self, start: int, block: Future[_Parsed]) -> None:
        """Add one parsed block."""
        parsed = block.result()
        for column, chunks in zip(self.chunks, parsed.chunks, strict=False):
            column += chunks
        self.rows.append(parsed.rows + np.int32(start))
        for line, code in parsed.faults:
            is_cut = code == "E144" and start + line == self.unfinished_line
            self.part.faults.append((start + line, *(("E143", "in a quoted cell") if is_cut else (code, ""))))
        self.undecodable.add(parsed.undecodable, start)
        if len(self.undecodable.lines) > MOST_LINES and not self.undecodable.n_other:
            raise refuse_encoding(self.undecodable, self.place)
        for line, n_fields, text in parsed.invalid:
            self._collect_invalid(start + line, n_fields, text)

    def _collect_invalid(self, row: int, n_fields: int, text: str) -> None:
        """Count a line of another width: blank, no data, a footer, or set aside."""
        width = len(self.head.wanted.header)
        is_wider = n_fields > width
        pieces = text.split(self.head.delimiter)
        cells = [piece.strip(' \t"') for piece in pieces]
        first = next((cell for cell in cells if cell), "")
        # A delimiter in quotes, or quotes that open no cell, are odd cells, but no blank ones.
        if n_fields == len(pieces) and all(_BLANK.fullmatch(piece) for piece in pieces):
            self._count("blank line")
        elif first.casefold() in self.words:
            self._count("declared non-data")
        elif is_footer(first, has_day=is_wider):
            self._count("totals and footers")
            self.part.footers.append((row, BETWEEN_CELLS.join(cell for cell in cells if cell)))
        else:
            code = "E141" if is_wider else "E143" if row == self.unfinished_line else "E142"
            detail = f"{counted(n_fields, 'field')}, the header line has {width}"
            others = [name for mark, name in DELIMITERS.items() if mark != self.head.delimiter and text.count(mark)]
            fits = [name for mark, name in DELIMITERS.items() if name in others and text.count(mark) + 1 == width]
            self.part.faults.append((row, code, detail + (f", as it has split by {fits[0]}" if fits else "")))

    def _count(self, reason: str) -> None:
        self.part.not_data[reason] = self.part.not_data.get(reason, 0) + 1

    def _finish(self, pool: ThreadPoolExecutor) -> None:
        part, tally = self.part, self.tally
        part.n_physical = tally.line
        self._settle_encoding()
        if tally.n_comments:
            part.not_data["comment"] = part.not_data.get("comment", 0) + tally.n_comments
        if tally.n_continued:
            part.merged["line break inside quotes"] = tally.n_continued
        part.rows = np.concatenate(self.rows) if self.rows else np.array([], np.int32)
        joined = dict(zip(self.positions, pool.map(join_chunks, self.chunks), strict=True))
        part.columns = {key: joined[i] for key, i in self.head.wanted.index.items()}
        if self.unfinished_line and len(part.rows) and part.rows[-1] == self.unfinished_line:
            part.notes.append(
                f"{self.place}: the last line (row {self.unfinished_line}) has no line end; if the export was cut off "
                "there, its last cell may be incomplete."
            )

    def _settle_encoding(self) -> None:
        """Ask for the encoding when no line is UTF-8 beyond ASCII; otherwise say where the odd bytes are."""
        if not self.undecodable.lines:
            return
        if self._is_cut_within_a_character():
            cut = self.unfinished_line
            self.part.faults = [
                (row, "E143", "within a character") if row == cut else (row, code, detail)
                for row, code, detail in self.part.faults
            ]
            return
        if not self.undecodable.n_other:
            raise refuse_encoding(self.undecodable, self.place)
        position = {line: position for line, position, _ in self.undecodable.lines}
        self.part.faults = [
            (row, code, f"byte {position[row]} of the line" if code == "E150" and row in position else detail)
            for row, code, detail in self.part.faults
        ]

    def _is_cut_within_a_character(self) -> bool:
        """Whether nothing is odd but the last bytes of a file without a line end: the start of one more letter."""
        (line, _, text), *more = self.undecodable.lines
        if more or line != self.unfinished_line:
            return False
        try:
            codecs.utf_8_decode(text, "strict", False)  # to which the start of one more letter is no fault
        except UnicodeDecodeError:
            return False
        return True
