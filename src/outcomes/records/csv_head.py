"""The lines above a CSV file's records: delimiter, header, and which column is which field."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from outcomes.errors import InputRefused
from outcomes.records.columns import Wanted, choose_columns, count_known, has_required, show_two_rows
from outcomes.records.encodings import Undecodable, find_undecodable, refuse_encoding
from outcomes.records.lines import MAX_RECORD_BYTES
from outcomes.records.mapping import Mapping
from outcomes.records.rules import refuse

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""Delimiter -> its name."""

_SEPARATOR_LINE = re.compile(r"\ufeff*\"?sep=([,;|\t^~:])\"?\s*$", re.IGNORECASE)
_LOOK_AHEAD = 30


@dataclass(slots=True)
class Head:
    """What stands above the first record.

    Attributes
    ----------
    wanted : Wanted
    delimiter : str
    size : int
        Bytes of it in the first block.
    n_lines : int
        Physical lines of it.
    not_data : dict[str, int]
        Reason -> lines; their sum is `n_lines`.
    """

    wanted: Wanted
    delimiter: str
    size: int
    n_lines: int
    not_data: dict[str, int] = field(default_factory=dict)


def read_head(first: bytes, mapping: Mapping, place: str) -> Head:
    """Read the header line from the first block of a file.

    Parameters
    ----------
    first : bytes
        UTF-8 text without byte order mark.
    mapping : Mapping
    place : str
        File name, for messages.

    Raises
    ------
    InputRefused
    """
    lines = _Top(first, mapping, place)
    not_data: dict[str, int] = {}
    separator = _SEPARATOR_LINE.match(lines.text(0))
    target = mapping.file.header_row - 1
    if separator:
        not_data["separator line"] = 1
        target = max(target, 1)
    above = target - len(not_data)
    while mapping.file.comment and lines.text(target).startswith(mapping.file.comment):
        not_data["comment"] = not_data.get("comment", 0) + 1
        target += 1
    if above:
        not_data["above the header"] = above
    text, n_spanned = lines.header(target)
    not_data["header"] = n_spanned
    declared = mapping.file.delimiter or (separator.group(1) if separator else None)
    delimiter = declared or _find_delimiter(text, mapping, place)
    cells = split_line(text, delimiter)
    if declared:
        check_delimiter(text, declared, mapping, place)
    hint = "" if has_required(cells, mapping) else _other_row(lines, target, declared, mapping)
    wanted = choose_columns(cells, mapping, place, hint)
    end = target + n_spanned
    return Head(wanted, delimiter, lines.offset(end), end, not_data)


def split_line(text: str, delimiter: str) -> list[str]:
    """Return the cells of one line."""
    try:
        rows = list(csv.reader(io.StringIO(text.strip("\ufeff"), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise refuse("E144", f"the header line is not CSV: {error}.", "", "Mend it in the export.") from error
    return rows[0] if rows else []


class _Top:
    """The first lines of a file."""

    def __init__(self, first: bytes, mapping: Mapping, place: str) -> None:
        self.place = place
        n = mapping.file.header_row + 2 * _LOOK_AHEAD
        ends = [match.end() for _, match in zip(range(n), re.finditer(rb"\r\n|\n|\r", first), strict=False)]
        if len(ends) < n and (not ends or ends[-1] < len(first)):
            ends.append(len(first))
        self.ends, self.first = ends, first

    def __len__(self) -> int:
        return len(self.ends)

    def offset(self, n_lines: int) -> int:
        """Return the bytes of the first lines."""
        return self.ends[n_lines - 1] if n_lines else 0

    def text(self, line: int) -> str:
        """Return one line, counted from 0, without its end; empty when there is none."""
        if line >= len(self.ends):
            return ""
        return self._decode(self.first[self.offset(line) : self.ends[line]]).rstrip("\r\n")

    def header(self, line: int) -> tuple[str, int]:
        """Return the header line, joined over line breaks inside quotes, and the number of lines it takes."""
        if line >= len(self.ends):
            raise refuse(
                "E113",
                f"there is no line {line + 1} to take headers from.",
                self.place,
                "Correct [file] header_row in the mapping, or export again.",
            )
        for last in range(line, min(line + _LOOK_AHEAD, len(self.ends))):
            data = self.first[self.offset(line) : self.ends[last]]
            if data.count(b'"') % 2 == 0:
                break
        else:
            raise refuse(
                "E144",
                f"a quote in the header (line {line + 1}) is not closed.",
                self.place,
                "Mend the header line in the export.",
            )
        self._check_no_nul(data)
        if len(data) > MAX_RECORD_BYTES:
            raise refuse(
                "E114", f"line {line + 1} is longer than 1 MB.", self.place, "Check the export: is this one CSV table?"
            )
        return self._decode(data).rstrip("\r\n"), last - line + 1

    def _check_no_nul(self, data: bytes) -> None:
        """Refuse NUL bytes; which half of the signs they are tells the encoding, counted from the start of the file."""
        if b"\0" in data:
            top = self.first[:4096]
            encoding = "utf-16-be" if top[::2].count(0) > top[1::2].count(0) else "utf-16-le"
            raise refuse(
                "E111",
                "the header holds NUL bytes: this may be UTF-16 text without its mark.",
                self.place,
                f'Write [file] encoding = "{encoding}" in the mapping, or save the export as UTF-8.',
            )

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            self._check_no_nul(data)
            found = Undecodable()
            found.add(find_undecodable(data), 1 + self.first.count(b"\n", 0, self.first.find(data)))
            raise refuse_encoding(found, self.place) from error


def _find_delimiter(text: str, mapping: Mapping, place: str) -> str:
    """Return the delimiter under which the header holds most known columns; a tie is asked for."""
    known = {delimiter: count_known(split_line(text, delimiter), mapping) for delimiter in DELIMITERS}
    best = max(known.values())
    if best == 0:
        return max(DELIMITERS, key=lambda delimiter: len(split_line(text, delimiter)))
    found = [delimiter for delimiter in DELIMITERS if known[delimiter] == best]
    if all(len(split_line(text, delimiter)) == 1 for delimiter in found):  # one column: nothing splits it
        return found[0]
    if len(found) > 1:
        names = " and ".join(DELIMITERS[delimiter] for delimiter in found)
        raise refuse(
            "E112",
            f"the header line can be split by {names}; both give known columns.",
            place,
            f'Write [file] delimiter = "{found[0]}" (or the other) in the mapping.',
        )
    return found[0]


def check_delimiter(text: str, declared: str, mapping: Mapping, place: str) -> None:
    """Refuse a declared delimiter that leaves the header whole where another splits it into known columns (E112)."""
    if len(split_line(text, declared)) > 1:
        return
    known = {mark: count_known(split_line(text, mark), mapping) for mark in DELIMITERS if mark != declared}
    best = max(known, key=lambda mark: (known[mark], len(split_line(text, mark))))
    n_columns = len(split_line(text, best))
    if n_columns < 2 or known[best] <= count_known([text], mapping):
        return
    mark = "\\t" if best == "\t" else best
    raise refuse(
        "E112",
        f"the header line is one column with the delimiter declared; a {DELIMITERS[best]} splits it into {n_columns}.",
        place,
        f'Write [file] delimiter = "{mark}" in the mapping; where files differ, take the line out: each is found.',
    )


def _other_row(lines: _Top, target: int, declared: str | None, mapping: Mapping) -> str:
    """Return the advice to take another header row, when one of the first lines has the required columns."""
    for line, delimiter in _candidates(len(lines), declared):
        try:
            cells = split_line(lines.text(line), delimiter)
        except InputRefused:
            return ""
        if line != target and has_required(cells, mapping):
            return f"Line {line + 1} has them: write [file] header_row = {line + 1} in the mapping."
    for delimiter in (declared,) if declared else DELIMITERS:
        try:
            first, second = (split_line(lines.text(line), delimiter) for line in (target, target + 1))
        except InputRefused:
            return ""
        if shown := show_two_rows(first, second, target + 1):
            return shown
    return "" if declared else _other_delimiter(lines.text(target), mapping)


def _other_delimiter(text: str, mapping: Mapping) -> str:
    """Return the advice to take a delimiter nobody would look for, when it splits the line into required columns."""
    marks = sorted(mark for mark in set(text) if mark.isascii() and not mark.isalnum() and mark not in "\"'_\\")
    for mark in marks:
        if mark not in DELIMITERS and has_required(split_line(text, mark), mapping):
            return f'"{mark}" splits it into columns that are: write [file] delimiter = "{mark}" in the mapping.'
    return ""


def _candidates(n_lines: int, declared: str | None) -> Iterator[tuple[int, str]]:
    for line in range(min(n_lines, _LOOK_AHEAD)):
        for delimiter in (declared,) if declared else DELIMITERS:
            yield line, delimiter
