"""Physical lines of a CSV block: which begin a record, which continue one, and which cannot be read as they stand.

The usual readers let one stray quote swallow the rows after it. Here a quote may only hide a line break when nothing
that could be a row of its own is swallowed:

=======================================================  ==================================================
lines (3 columns)                                        reading
=======================================================  ==================================================
``1,"two<newline>lines",3``                              one record; its row is that of its first line
``1,"stray,3<newline>2,b,4<newline>5,c",6``              row 1 set aside (E144); 2 is read; 5 set aside (E145)
``1,6" or 7",3``                                         one record, the quotes are text
``1,"a"b,3``                                             set aside (E145): text after a closing quote
=======================================================  ==================================================

A quote is *regular* when it opens a cell after a delimiter, closes one before a delimiter, or is one of a doubled pair
inside. Whole blocks of regular quotes are decided at once with numpy, and so are regular lines; only what is left is
looked at line by line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

MAX_RECORD_BYTES = 1 << 20
"""A record longer than this is not waited for."""

_HIGH_CONTROLS = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
QUOTE, NEWLINE, RETURN, TAB = 34, 10, 13, 9
_RECORD, _CONTINUED, _COMMENT, _FAULT = 0, 1, 2, 3

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]


@dataclass(slots=True)
class Lines:
    """One block taken apart.

    Attributes
    ----------
    data : bytes
        The lines to parse: every one belongs to a record.
    rows : numpy.ndarray of int64, shape (r,)
        Line of each record's start, counted from 0 in the block.
    n_lines : int
        Physical lines looked at, `rest` not included.
    n_continued, n_comments : int
        Lines that continue a quoted cell; comment lines.
    faults : list of (line, code)
    rest : bytes
        A record still open at the end of the block.
    ends_in_comment : bool
        Whether the last line is a comment.
    """

    data: bytes
    rows: Positions
    n_lines: int
    n_continued: int = 0
    n_comments: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)
    rest: bytes = b""
    ends_in_comment: bool = False


def sort_lines(
    data: bytes, delimiter: str, width: int, comment: str | None, is_last: bool, odd: Mapping[int, str] | None = None
) -> Lines:
    """Take a block of whole lines apart.

    Parameters
    ----------
    data : bytes
        UTF-8; lines end with LF or CR LF; ends with a line end unless it is the end of the file.
    delimiter : str
        One ASCII character.
    width : int
        Fields of a record.
    comment : str or None
        Lines that start with this character are comments.
    is_last : bool
        Whether the file ends here; otherwise an open record is handed back as `Lines.rest`.
    odd : mapping of int to str, optional
        Line, counted from 0 -> code under which its record is set aside whatever it holds.
    """
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE)
    if len(data) and data[-1] != NEWLINE:
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    set_aside = dict.fromkeys(_control_lines(data, array, ends).tolist(), "E146") | dict(odd or {})
    if not comment and not set_aside:
        lines = _sort_regular_block(data, array, starts, ends, delimiter, width, is_last)
        if lines:
            return lines
    kind = np.zeros(len(starts), np.int8)
    if comment:
        # A blank last line has no first character to look at.
        kind[array[np.minimum(starts, len(data) - 1)] == ord(comment)] = _COMMENT
    walk = _Walk(data, starts, ends, kind, delimiter, width, is_last)
    walk.set_aside = set_aside
    walk.run(_irregular_lines(array, starts, ord(delimiter)))
    return walk.lines()


def _sort_regular_block(
    data: bytes, array: Bytes, starts: Positions, ends: Positions, delimiter: str, width: int, is_last: bool
) -> Lines | None:
    """Take a block apart in which every quote is regular; None when one is not, or a row may have been swallowed.

    A block begins with a record. If then every even quote follows a delimiter, a line end or a quote, and every odd
    one precedes a delimiter, a line end or a quote, by induction each even one opens (or reopens) and each odd one
    closes, also across lines.
    """
    quotes = np.flatnonzero(array == QUOTE)
    n_lines, is_open = len(starts), bool(len(quotes) % 2)
    can_open, can_close = np.zeros((2, 256), bool)
    can_open[[ord(delimiter), NEWLINE, QUOTE]] = True
    can_close[[ord(delimiter), NEWLINE, RETURN, QUOTE]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = array[opening[1:] - 1] if len(opening) and opening[0] == 0 else array[opening - 1]
    after = array[closing[:-1] + 1] if len(closing) and closing[-1] == len(array) - 1 else array[closing + 1]
    if (is_open and is_last) or not can_open[before].all() or not can_close[after].all():
        return None
    inside = np.searchsorted(quotes, ends) & 1
    if not inside.any():
        return Lines(data, np.arange(n_lines), n_lines)
    continued = np.concatenate([[False], inside[:-1] == 1])
    delimiters = np.flatnonzero(array == ord(delimiter))
    swallowed = np.flatnonzero(continued)
    n_cells = np.searchsorted(delimiters, ends[swallowed]) - np.searchsorted(delimiters, starts[swallowed]) + 1
    if (n_cells >= width).any():
        return None
    cut, first_open = len(data), n_lines
    if is_open:
        first_open = int(np.flatnonzero(~continued)[-1])
        cut = int(starts[first_open])
        if len(data) - cut >= MAX_RECORD_BYTES:
            return None
    rows = np.flatnonzero(~continued[:first_open])
    return Lines(data[:cut], rows, first_open, n_continued=first_open - len(rows), rest=data[cut:])


def _control_lines(data: bytes, array: Bytes, ends: Positions) -> Positions:
    """Return the lines that hold a NUL or another control character, those beyond ASCII among them."""
    low = array < 32
    low &= (array != NEWLINE) & (array != RETURN) & (array != TAB)
    places = np.flatnonzero(low)
    if has_high_controls(data):
        places = np.append(places, [match.start() for match in _HIGH_CONTROLS.finditer(data)])
    return np.unique(np.searchsorted(ends, places, side="left"))


def has_high_controls(data: bytes) -> bool:
    """Whether UTF-8 text holds DEL or a control character beyond ASCII."""
    return b"\x7f" in data or (b"\xc2" in data and _HIGH_CONTROLS.search(data) is not None)


def _irregular_lines(array: Bytes, starts: Positions, delimiter: int) -> Positions:
    """Return the lines whose quotes are not all paired and placed as RFC 4180 has it, in order.

    Within a line quotes alternate: even ones open, odd ones close, a doubled quote closes and opens again. If each
    even quote follows a delimiter, the line's start or a quote, and each odd one precedes a delimiter, the line's end
    or a quote, then by induction the line is regular.
    """
    quotes = np.flatnonzero(array == QUOTE)
    if not len(quotes):
        return quotes
    first = np.searchsorted(quotes, starts)
    counts = np.diff(np.append(first, len(quotes)))
    line = np.repeat(np.arange(len(starts)), counts)
    closes = ((np.arange(len(quotes)) - first[line]) & 1).astype(bool)
    before = np.where(quotes > 0, array[quotes - 1], NEWLINE)
    after = np.where(quotes + 1 < len(array), array[np.minimum(quotes + 1, len(array) - 1)], NEWLINE)
    can_open = np.isin(before, (delimiter, NEWLINE, QUOTE))
    can_close = np.isin(after, (delimiter, NEWLINE, RETURN, QUOTE))
    good = np.where(closes, can_close, can_open)
    return np.unique(np.concatenate([line[~good], np.flatnonzero(counts & 1)]))


class _Walk:
    """Looks at the irregular lines in order and marks what each line is."""

    def __init__(
        self,
        data: bytes,
        starts: Positions,
        ends: Positions,
        kind: npt.NDArray[np.int8],
        delimiter: str,
        width: int,
        is_last: bool,
    ) -> None:
        self.data, self.starts, self.ends, self.kind = data, starts, ends, kind
        self.delimiter, self.width, self.is_last = delimiter.encode(), width, is_last
        self.quoted = re.compile(rb'"(?:[^"]++|"")*+"')
        self.plain = re.compile(rb"[^\n" + re.escape(self.delimiter) + rb"]*+")
        self.set_aside: dict[int, str] = {}
        self.faults: list[tuple[int, str]] = []
        self.n_lines = len(starts)

    def run(self, irregular: Positions) -> None:
        """Mark continuation lines and faults."""
        resume = 0
        for i in irregular.tolist():
            if i < resume or self.kind[i] == _COMMENT:
                continue
            resume = self._look(i)
            if resume < 0:
                self.n_lines = i
                break
        for i in sorted(self.set_aside):
            if i < self.n_lines and self.kind[i] in (_RECORD, _CONTINUED):
                self._drop_record(i, self.set_aside[i])

    def _look(self, i: int) -> int:
        """Decide on line `i`; return the next line to look at, -1 when the record is still open at the block's end."""
        status, end, _, has_text_quotes = self._scan(int(self.starts[i]), len(self.data))
        if status == "open" and not self.is_last and len(self.data) - int(self.starts[i]) < MAX_RECORD_BYTES:
            return -1
        last = int(np.searchsorted(self.ends, end - 1)) if status == "ok" else i
        if status == "ok" and last == i:
            line = self.data[self.starts[i] : self.ends[i]]
            if has_text_quotes and line.count(b'"') % 2:
                return self._fault(i, "E145")
            return i + 1
        if status == "stray" and end <= self.ends[i]:
            return self._fault(i, "E145")
        if status != "ok" or has_text_quotes or any(self._is_record(k) for k in range(i + 1, last + 1)):
            return self._fault(i, "E144")
        self.kind[i + 1 : last + 1] = _CONTINUED
        return last + 1

    def _fault(self, i: int, code: str) -> int:
        self.kind[i] = _FAULT
        self.faults.append((i, code))
        return i + 1

    def _drop_record(self, i: int, code: str) -> None:
        """Set the whole record aside that has something odd in line `i`."""
        while self.kind[i] == _CONTINUED:
            i -= 1
        if self.kind[i] == _FAULT:
            return
        self._fault(i, code)

    def _scan(self, start: int, stop: int) -> tuple[str, int, int, bool]:
        """Read one record; return (ok, stray or open; where; fields; whether an unquoted cell holds quotes)."""
        position, fields, has_text_quotes = start, 0, False
        while True:
            if self.data[position : position + 1] == b'"' and position < stop:
                match = self.quoted.match(self.data, position, stop)
                if match is None:
                    return "open", position, fields, has_text_quotes
            else:
                match = self.plain.match(self.data, position, stop)
                has_text_quotes = has_text_quotes or (match is not None and b'"' in match.group())
            # An unquoted cell may be empty: its pattern always matches.
            position, fields = match.end() if match else position, fields + 1
            if position >= stop:
                return "ok", stop, fields, has_text_quotes
            if self.data[position : position + 1] == self.delimiter:
                position += 1
            elif self.data.startswith((b"\n", b"\r\n"), position):
                return "ok", self.data.index(b"\n", position) + 1, fields, has_text_quotes
            else:
                return "stray", position, fields, has_text_quotes

    def _is_record(self, k: int) -> bool:
        """Whether line `k` would be a record by itself."""
        start, stop = int(self.starts[k]), int(self.ends[k])
        if self.data.count(self.delimiter, start, stop) + 1 == self.width:
            return True
        if self.data.find(b'"', start, stop) < 0:
            return False
        status, _, fields, _ = self._scan(start, stop)
        return status == "ok" and fields == self.width

    def lines(self) -> Lines:
        """Return what was found; faulty records and comments are cut out of the data."""
        kind = self.kind[: self.n_lines]
        is_start = kind == _RECORD
        # A continued line goes with the line that began its record.
        owner = np.maximum.accumulate(np.where(kind == _CONTINUED, -1, np.arange(self.n_lines)))
        keep = is_start[owner] if self.n_lines else is_start
        data = self.data
        cut = int(self.starts[self.n_lines]) if self.n_lines < len(self.starts) else len(self.data)
        if not keep.all():
            edges = np.flatnonzero(np.diff(keep.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
            limits = np.append(self.starts, len(self.data))
            data = b"".join(self.data[limits[a] : limits[b]] for a, b in edges.tolist())
        elif cut < len(self.data):
            data = self.data[:cut]
        return Lines(
            data=data,
            rows=np.flatnonzero(is_start),
            n_lines=self.n_lines,
            n_continued=int(np.count_nonzero(kind == _CONTINUED)),
            n_comments=int(np.count_nonzero(kind == _COMMENT)),
            faults=sorted(self.faults),
            rest=self.data[cut:],
            ends_in_comment=kind[-1:].tolist() == [_COMMENT],
        )
