"""What the XML of a sheet says before a parser sees it, a megabyte at a time."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator

from outcomes.records.workbook_container import Refused

MAX_CELLS = 20_000_000
_LETTERS, _LAST_COLUMN = 26, 16_384
_LEAST_SHARE = 0.01
_BLANKS = tuple(b" \t\r\n")
MAX_TOGETHER = 1_048_576 * _LETTERS
"""Cells of all sheets that are parsed, as many as one full sheet to column Z may have."""
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_ROW_NUMBER = re.compile(rb"""\br=["'](\d+)["']""")
# Begins with a literal, which the pattern engine finds fast; a text cell that reads like this only adds a candidate.
_NUMBERED_ROW = re.compile(rb"""row\b[^>]*?\br=["'](\d+)["']""")
_HIDDEN = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb"""\br=["']([A-Z]+)(\d+)["']""")
_IS_ERROR = re.compile(rb"""\bt=["']e["']""")
_IS_TEXT_RESULT = re.compile(rb"""\bt=["']str["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_HAS_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>[^<]")
_FORMULA_TEXT = re.compile(rb"<(?:\w+:)?f\b[^>]*>([^<]*)")
_QUOTED = re.compile(rb'"[^"]*"|&quot;.*?&quot;')
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*?\bref=["'][A-Z]+(\d+):""")
_PERCENT_FORMATS = (b"9", b"10")


def is_dde(cell: bytes) -> bool:
    """Whether a cell's formula calls another program: outside of quotes, a bar stands in no other formula."""
    return any(b"|" in _QUOTED.sub(b"", formula) for formula in _FORMULA_TEXT.findall(cell))


def find_percent_cells(styles: bytes) -> re.Pattern[bytes] | None:
    """Return what matches a cell shown as percent (its column is the group); None when no style is."""
    custom = re.findall(
        rb"""<(?:\w+:)?numFmt\b[^>]*?\bnumFmtId=["'](\d+)["'][^>]*?\bformatCode=["']([^"']*)["']""", styles
    )
    formats = {*_PERCENT_FORMATS, *(number for number, code in custom if b"%" in code)}
    cells = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    used = re.findall(rb"""<(?:\w+:)?xf\b[^>]*?\bnumFmtId=["'](\d+)["']""", cells.group()) if cells else []
    numbers = [str(i).encode() for i, number in enumerate(used) if number in formats]
    if not numbers:
        return None
    return re.compile(rb"""\br=["']([A-Z]+)\d+["'] s=["'](?:%b)["']""" % b"|".join(numbers))


class SheetScan:
    """What the XML of one sheet says before it is parsed: extent, error cells, what is hidden, shown as percent."""

    def __init__(self, percent: re.Pattern[bytes] | None = None) -> None:
        self.last_row = self.last_column = self.n_rows = self.hidden_rows = self.hidden_columns = 0
        self.percent, self.percent_cells = percent, Counter[int]()
        self.has_filter = False
        self.merged_rows: list[int] = []
        self.faults: list[tuple[int, int, str]] = []

    def read(self, archive: zipfile.ZipFile, part: str) -> SheetScan:
        """Scan a part, a megabyte at a time."""
        for chunk in _row_chunks(archive, part):
            self.has_filter = self.has_filter or b"autoFilter" in chunk
            if b"mergeCell" in chunk:
                self.merged_rows += map(int, _MERGED.findall(chunk))
            if self.percent:
                self.percent_cells.update(column_number(cell.group(1)) - 1 for cell in self.percent.finditer(chunk))
            columns = b"cols>" in chunk
            if columns:
                self.hidden_columns += sum(
                    bool(_HIDDEN.search(c)) for c in re.findall(rb"<(?:\w+:)?col\b[^>]*>", chunk)
                )
            self.last_column = max(self.last_column, far_column(chunk))
            self._scan_rows(chunk)
            if self.last_column > _LAST_COLUMN or (self.n_cells > MAX_CELLS and self.last_column > _LETTERS):
                self._refuse_extent()
        # A full sheet to column Z may be a table; one of a few rows and a far cell is none, and takes a gigabyte.
        if self.n_cells > MAX_CELLS and self.n_rows < _LEAST_SHARE * self.last_row:
            self._refuse_extent()
        return self

    def _refuse_extent(self) -> None:
        column = (
            f" and column {self.last_column:,}" if self.last_column else f", of which {self.n_rows:,} hold anything"
        )
        raise Refused(
            "E108",
            f"the sheet reaches row {self.last_row:,}{column}: too many cells.",
            "Delete the far cells, or export the table as CSV.",
        )

    @property
    def n_cells(self) -> int:
        """Cells from the first to the last corner; columns are only told apart beyond Z."""
        return self.last_row * max(self.last_column, _LETTERS)

    def _scan_rows(self, chunk: bytes) -> None:
        odd = any(mark in chunk for mark in (b't="e"', b"t='e'", b"<f", b":f"))
        n_rows, numbers = chunk.count(b"<row") + chunk.count(b":row"), _NUMBERED_ROW.findall(chunk)
        self.n_rows += n_rows
        if not odd and b"hidden" not in chunk and len(numbers) >= n_rows:
            self.last_row = max(self.last_row, *map(int, numbers)) if numbers else self.last_row
            return
        rows = list(_ROW.finditer(chunk))
        for k, row in enumerate(rows):
            number = _ROW_NUMBER.search(row.group(1))
            self.last_row = int(number.group(1)) if number else self.last_row + 1
            self.hidden_rows += bool(_HIDDEN.search(row.group(1)))
            if odd:
                self._scan_cells(chunk[row.end() : rows[k + 1].start() if k + 1 < len(rows) else len(chunk)])

    def _scan_cells(self, cells: bytes) -> None:
        column = 0
        for cell in _CELL.finditer(cells):
            attributes, content = cell.group(1), cell.group(2) or b""
            place = _PLACE.search(attributes)
            column = column_number(place.group(1)) if place else column + 1
            if b"|" in content and is_dde(content):
                raise Refused(
                    "E109", "a formula links to another program (DDE).", "Save a copy with values only as .xlsx or CSV."
                )
            if _IS_ERROR.search(attributes):
                self.faults.append((self.last_row, column - 1, "E147"))
            elif _FORMULA.search(content) and not _HAS_VALUE.search(content) and not _IS_TEXT_RESULT.search(attributes):
                self.faults.append((self.last_row, column - 1, "E148"))


def check_extent(scans: Collection[SheetScan]) -> None:
    """Refuse sheets that each may be parsed, and together may not: they stand in memory side by side."""
    if len(scans) > 1 and sum(scan.n_cells for scan in scans) > MAX_TOGETHER:
        rows = sum(scan.last_row for scan in scans)
        raise Refused(
            "E108",
            f"its visible sheets have {rows:,} rows together: too many cells.",
            "Name those with visits in [file] sheet, or save each as a CSV file of its own.",
        )


def _row_chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the XML of a sheet in pieces that never cut a row in two."""
    carry = b""
    with archive.open(part) as stream:
        if (first := stream.read(1 << 20)).startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Refused("E104", "the workbook is not written in UTF-8.", "Save it again from a spreadsheet.")
        while first:
            carry += first
            first = stream.read(1 << 20)
            cut = max(carry.rfind(b"<row"), carry.rfind(b":row"))
            cut = carry.rfind(b"<", 0, cut + 1) if cut > 0 else 0
            if first and cut > 0:
                yield carry[:cut]
                carry = carry[cut:]
    yield carry


def far_column(chunk: bytes) -> int:
    """Return the number of the farthest column beyond Z that a cell of this XML stands in; 0 when there is none."""
    import numpy as np

    a = np.frombuffer(chunk, np.uint8)
    if len(a) < 6:
        return 0
    letter = (a >= 65) & (a <= 90)
    # An attribute's value of two or three capitals and a digit is a cell's place, ="AB12"; ="UTF-8" is none.
    at = np.flatnonzero((a[:-5] == ord("=")) & letter[2:-3] & letter[3:-2])
    # Of four capitals it is beyond the last column there is: r="AAAA1"; rgb="FFFF0000" is none.
    longest = np.minimum(at + 5, len(a) - 1)
    if (letter[at + 4] & letter[longest] & (a[at - 1] == ord("r")) & np.isin(a[at - 2], _BLANKS)).any():
        return _LAST_COLUMN + 1
    after = np.where(letter[at + 4], at + 5, at + 4)
    at = at[(a[after] >= ord("0")) & (a[after] <= ord("9"))]
    if not len(at):
        return 0
    number = (a[at + 2].astype(np.int64) - 64) * 26 + a[at + 3] - 64
    return int(np.where(letter[at + 4], number * 26 + a[at + 4] - 64, number).max())


def column_number(letters: bytes) -> int:
    """Return the number of a column, A = 1."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
