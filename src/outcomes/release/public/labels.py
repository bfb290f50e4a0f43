"""What rows are called that were put together, and which rows of one release make up a row of another."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from outcomes.questions.quarters import quarter_word, read_quarter

Rows = tuple[str, ...]
"""Source rows put together in one."""
_SPAN = re.compile(r"^(?P<low>.+?)(?P<link> to |[-–])(?P<high>[^ ]+)(?P<unit> .+)?$")
_OPEN = re.compile(r"^(?P<low>[^ ]+)(?P<unit> .+?)? (?P<words>and over|or more|and more)$")
_UNDER = re.compile(r"^(?P<words>under|up to) (?P<high>.+)$")
_QUARTER = re.compile(r"\d{4}Q[1-4]")
EARLIER = "earlier"
_BEGIN = read_quarter("1990Q1")
"""Nothing on record is older than this: a row "2024Q2 and earlier" holds all quarters from here."""


def merge_labels(first: str, last: str) -> str:
    """Return what a row is called that reaches from one ordered row to a later one.

    >>> merge_labels("0 to 14 days", "15 to 42 days")
    '0 to 42 days'
    >>> merge_labels("50-69", "70 and over")
    '50 and over'
    >>> merge_labels("under 30", "30-49")
    'under 50'
    >>> merge_labels("2025Q1", "2025Q2")
    '2025Q1 to 2025Q2'
    >>> merge_labels("earlier", "2025Q1")
    '2025Q1 and earlier'
    """
    head, tail = _SPAN.match(first), _SPAN.match(last)
    end = tail["high"] if tail else last
    unit = (tail["unit"] or "") if tail else ""
    if first == EARLIER or first.endswith(f" and {EARLIER}"):
        return f"{end}{unit} and {EARLIER}"
    if opened := _OPEN.match(last):
        if _UNDER.match(first):
            return f"{first} to {last}"
        return f"{head['low'] if head else first}{opened['unit'] or ''} {opened['words']}"
    if below := _UNDER.match(first):
        # "under 30" is open at its end, "30-49" closed: the next whole number.
        until = str(int(end) + 1) if below["words"] == "under" and end.isdigit() else end
        return f"{below['words']} {until}{unit}"
    if head and tail:
        return f"{head['low']}{head['link']}{end}{unit}"
    return f"{head['low'] if head else first}{tail['link'] if tail else ' to '}{end}{unit}"


def name_rest(quarter: str) -> str:
    """Return what the row of a quarter and all before it is called."""
    return f"{quarter} and {EARLIER}"


def name_source(rows: Rows) -> Rows:
    """Return the one name of rows put together: of "2024Q2 and earlier" and 2024Q3, "2024Q3 and earlier"."""
    is_rest = len(rows) > 1 and rows[0].endswith(f" and {EARLIER}") and _QUARTER.fullmatch(rows[-1])
    return (name_rest(rows[-1]),) if is_rest else rows


def is_rest(rows: Rows) -> bool:
    """Whether a row holds a quarter and all before."""
    return len(rows) == 1 and rows[0].endswith(f" and {EARLIER}")


@lru_cache(maxsize=4096)
def spread(rows: Rows) -> frozenset[str]:
    """Return all that rows hold, quarter by quarter where one reaches back to the beginning."""
    found = set()
    for row in rows:
        last = row.removesuffix(f" and {EARLIER}")
        is_rest = last != row and _QUARTER.fullmatch(last)
        found |= {quarter_word(q) for q in range(_BEGIN, read_quarter(last) + 1)} if is_rest else {row}
    return frozenset(found)


def find_parts(whole: Rows, others: Collection[Rows]) -> list[Rows]:
    """Return the rows of another release that make up a row of this one; none where they do not.

    The rows of a table hold all patients, so what lies within the row is all of it, unless one reaches over its edge or
    the other release ends before it does.
    """
    inside = spread(whole)
    parts = [rows for rows in others if spread(rows) <= inside]
    is_cut = any(spread(rows) & inside for rows in others if rows not in parts)
    newest = max((max(spread(rows)) for rows in others), default="")
    return [] if is_cut or (_QUARTER.fullmatch(max(inside)) and max(inside) > newest) else parts
