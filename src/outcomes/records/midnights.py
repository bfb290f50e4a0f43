"""Days that an export writes as instants: each at 00:00 of one offset, for it knows no time.

Taken for instants they would fall on the day before wherever the clinic lies west of that offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TIMED = re.compile(r"\d[T ]+\d{1,2}:\d{2}")
_MIDNIGHT = re.compile(
    r"[T ]+(?:0?0:00(?::00(?:[.,]0+)?)?\s*(?:[Aa][Mm])?|12:00(?::00(?:[.,]0+)?)?\s*[Aa][Mm])"
    r"\s*(Z|[+-]\d{2}:?\d{2})\s*$"
)
_UTC = frozenset(("Z", "+0000", "-0000"))


def find_midnight_zone(texts: Iterable[str]) -> str:
    """Return the offset of a column whose every time is 00:00 with it; empty for any other.

    Parameters
    ----------
    texts : iterable of str
        Different cells of a date column. Those without a time say nothing.

    Returns
    -------
    str
        ``Z`` or for example ``+01:00``, as it is first written.
    """
    zones: dict[str, str] = {}
    for text in texts:
        if not _TIMED.search(text):
            continue
        match = _MIDNIGHT.search(text)
        if match is None:
            return ""
        offset = match[1].replace(":", "")
        zones.setdefault("Z" if offset in _UTC else offset, match[1])
        if len(zones) > 1:
            return ""
    return next(iter(zones.values()), "")


def take_midnight(text: str) -> str:
    """Return a date without the 00:00 and the offset behind it."""
    return _MIDNIGHT.sub("", text)
