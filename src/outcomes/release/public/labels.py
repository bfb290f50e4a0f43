"""What rows are called that were put together."""

from __future__ import annotations

import re

_SPAN = re.compile(r"^(?P<low>.+?)(?P<link> to |[-–])(?P<high>[^ ]+)(?P<unit> .+)?$")
_OPEN = re.compile(r"^(?P<low>[^ ]+)(?P<unit> .+?)? (?P<words>and over|or more|and more)$")
_UNDER = re.compile(r"^(?P<words>under|up to) (?P<high>.+)$")
EARLIER = "earlier"


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
