"""Distinct texts to typed values: dates, ratings, numbers, yes/no.

Every function takes the distinct texts of a column and returns, for each, a value and a fault code (empty = none); the
caller spreads both over the records by look-up, so the cost follows the number of different cells, not of rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS, MISSING
from outcomes.errors import Finding, InputRefused

if TYPE_CHECKING:
    from outcomes.records.mapping import Mapping

_EPOCH = date(1970, 1, 1).toordinal()
_EXCEL_EPOCH = date(1899, 12, 30).toordinal() - _EPOCH
_SENTINELS = frozenset(
    date(*ymd).toordinal() - _EPOCH for ymd in ((1900, 1, 1), (1899, 12, 30), (1970, 1, 1), (9999, 12, 31))
)
_TIME = (
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
)
_ORDERS = {
    "iso": re.compile(r"^(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})" + _TIME),
    "ymd": re.compile(r"^(?P<y>\d{4})[./-]?(?P<m>\d{2})[./-]?(?P<d>\d{2})" + _TIME),
    "dmy": re.compile(r"^(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{4}|\d{2})" + _TIME),
    "mdy": re.compile(r"^(?P<m>\d{1,2})[./-](?P<d>\d{1,2})[./-](?P<y>\d{4}|\d{2})" + _TIME),
}
NEITHER = -2
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$")
_WHOLE = re.compile(r"^\d+(\.0+)?$")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Values and fault codes of distinct texts, shape (m,); ``extra`` is a second value in the same text (-1 none).

    ``fixed`` names the loss-free reading of a text that was not a plain value.
    """

    values: NDArray[np.int32]
    faults: NDArray[np.str_]
    extra: NDArray[np.int32]
    fixed: NDArray[np.str_]


def _plain(values: NDArray[np.int32]) -> NDArray[np.str_]:
    return np.zeros(len(values), dtype="<U13")


@dataclass(frozen=True, slots=True)
class DateOrder:
    """The order dates are read in, and the sentence that says why."""

    order: str
    reason: str


def find_date_order(texts: Sequence[str], mapping: Mapping, field: str, header: str) -> DateOrder:
    """Decide the order of a date column from the declaration or from what its values allow.

    Raises
    ------
    InputRefused
        When every value reads as day/month and as month/day, or when some allow only one and some only the other.
    """
    if mapping.dates.order:
        return DateOrder(mapping.dates.order, f"{field}: order declared in the mapping")
    filled = [text for text in texts if text]
    slashed = [match for text in filled if (match := _ORDERS["dmy"].match(text))]
    if not slashed:
        compact = not any("-" in text[:5] for text in filled) and any(_ORDERS["ymd"].match(text) for text in filled)
        return DateOrder("ymd" if compact else "iso", f"{field}: read as year, month, day")
    only_dmy = sum(int(match["d"]) > 12 for match in slashed)
    only_mdy = sum(int(match["m"]) > 12 for match in slashed)
    if only_dmy and not only_mdy:
        return DateOrder("dmy", f"{field}: read as day/month/year because {only_dmy} different dates allow only that")
    if only_mdy and not only_dmy:
        return DateOrder("mdy", f"{field}: read as month/day/year because {only_mdy} different dates allow only that")
    evidence = (
        f"{only_dmy} different dates allow only day/month and {only_mdy} only month/day"
        if only_dmy
        else "every date reads both as day/month and as month/day"
    )
    finding = Finding(
        "E210",
        evidence + ".",
        f"column '{header}'",
        'Add one line to the mapping under [dates]: order = "dmy" (or "mdy").',
    )
    raise InputRefused("The order of day and month must be declared; it is never guessed.", [finding])


def parse_dates(texts: Sequence[str], order: str, mapping: Mapping) -> Parsed:
    """Read dates in one declared order.

    Returns
    -------
    Parsed
        Days since 1970-01-01 (-1 missing); ``extra`` is the minute of the day, -1 where no time is given.
    """
    days = np.full(len(texts), MISSING, dtype=np.int32)
    minutes = np.full(len(texts), MISSING, dtype=np.int32)
    faults = np.zeros(len(texts), dtype="<U4")
    for i, text in enumerate(texts):
        if not text or text in mapping.values.missing:
            faults[i] = "E211"
        elif order == "excel" and _NUMBER.match(text):
            days[i] = int(float(text)) + _EXCEL_EPOCH
        else:
            days[i], minutes[i], faults[i] = _parse_date(text, order, mapping)
        if days[i] in _SENTINELS:
            days[i], faults[i] = MISSING, "E214"
    return Parsed(days, faults, minutes, _plain(days))


def _parse_date(text: str, order: str, mapping: Mapping) -> tuple[int, int, str]:
    # Spreadsheet dates arrive as ISO whatever the text columns of the same clinic look like.
    match = _ORDERS.get(order, _ORDERS["iso"]).match(text) or _ORDERS["iso"].match(text)
    if not match:
        return MISSING, MISSING, "E212"
    year = int(match["y"])
    if len(match["y"]) == 2:
        pivot = mapping.dates.two_digit_year_pivot
        if pivot is None:
            return MISSING, MISSING, "E216"
        year += 2000 if year <= pivot else 1900
    try:
        day = date(year, int(match["m"]), int(match["d"]))
    except ValueError:
        return MISSING, MISSING, "E213"
    if match["hour"] is None:
        return day.toordinal() - _EPOCH, MISSING, ""
    return _with_time(day, match, mapping)


def _with_time(day: date, match: re.Match[str], mapping: Mapping) -> tuple[int, int, str]:
    hour, minute = int(match["hour"]), int(match["minute"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    if hour > 23 or minute > 59:
        return MISSING, MISSING, "E213"
    zone = match["zone"]
    if zone:
        if mapping.dates.timezone is None:
            return MISSING, MISSING, "E217"
        from zoneinfo import ZoneInfo

        sign = -1 if zone[0] == "-" else 1
        digits = zone[1:].replace(":", "")
        offset = UTC if zone == "Z" else timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=offset).astimezone(
            ZoneInfo(mapping.dates.timezone)
        )
        day, hour, minute = local.date(), local.hour, local.minute
    return day.toordinal() - _EPOCH, hour * 60 + minute, ""


_FRACTION = re.compile(r"^([\d.]+)\s*/\s*(10|100)$")
_RANGE = re.compile(r"^([\d.]+)\s*(?:-|–|to)\s*([\d.]+)$")
_CHANGE = re.compile(r"^([\d.]+)\s*(?:->|→|=>|>)\s*([\d.]+)$")


def parse_pain(texts: Sequence[str], mapping: Mapping) -> Parsed:
    """Read pain ratings as hundredths of a 0-10 point.

    ``6/10`` is 6, ``6-7`` is 6.5, and ``8->5`` is 8 before and 5 after treatment (``extra``); each such reading is
    named in ``fixed``. Nothing is clipped.
    """
    unit = HUNDREDTHS if mapping.pain.scale == "0-10" else HUNDREDTHS // 10
    top = 10 if mapping.pain.scale == "0-10" else 100
    before = np.full(len(texts), MISSING, dtype=np.int32)
    after = np.full(len(texts), MISSING, dtype=np.int32)
    faults = np.zeros(len(texts), dtype="<U4")
    fixed = np.zeros(len(texts), dtype="<U13")
    for i, raw in enumerate(texts):
        if raw in mapping.values.missing or not raw:
            continue
        text = raw.replace(mapping.values.decimal_mark, ".")
        if match := _FRACTION.match(text):
            if int(match[2]) != top:
                faults[i] = "E232"
                continue
            text, fixed[i] = match[1], "n/10"
        if match := _CHANGE.match(text):
            after[i], faults[i] = _hundredths(match[2], unit, top)
            text, fixed[i] = match[1], "before->after"
        elif match := _RANGE.match(text):
            before[i], faults[i] = _midpoint(match[1], match[2], unit, top)
            fixed[i] = "a-b"
            continue
        if not faults[i]:
            before[i], faults[i] = _hundredths(text, unit, top)
    return Parsed(before, faults, after, fixed)


def _midpoint(low: str, high: str, unit: int, top: int) -> tuple[int, str]:
    first, fault_low = _hundredths(low, unit, top)
    second, fault_high = _hundredths(high, unit, top)
    if fault_low or fault_high:
        return MISSING, fault_low or fault_high
    return ((first + second) // 2, "") if first < second else (MISSING, "E231")


def _hundredths(text: str, unit: int, top: int) -> tuple[int, str]:
    if not _NUMBER.match(text):
        return MISSING, "E231"
    whole, _, decimals = text.lstrip("+").partition(".")
    if whole.startswith("-") and float(text) != 0:
        return MISSING, "E232"
    # Digits, not floats, decide: 0.29 * 100 is not 29 in binary.
    scaled = int(whole.lstrip("-") or "0") * 10**6 + int((decimals + "000000")[:6])
    if scaled > top * 10**6:
        return MISSING, "E232"
    value, rest = divmod(scaled * unit, 10**6)
    return (MISSING, "E233") if rest or decimals[6:].strip("0") else (value, "")


def parse_whole(texts: Sequence[str], mapping: Mapping, fault: str, high: int = 2**31 - 1) -> Parsed:
    """Read whole numbers from 0 to `high` (``12`` or ``12.0``); anything else carries `fault`."""
    values = np.full(len(texts), MISSING, dtype=np.int32)
    faults = np.zeros(len(texts), dtype="<U4")
    for i, text in enumerate(texts):
        if not text or text in mapping.values.missing:
            continue
        if _WHOLE.match(text) and int(float(text)) <= high:
            values[i] = int(float(text))
        else:
            faults[i] = fault
    return Parsed(values, faults, np.full_like(values, MISSING), _plain(values))


def parse_floats(texts: Sequence[str], mapping: Mapping, fault: str) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Read decimal numbers; missing is nan, anything unreadable carries `fault`."""
    values = np.full(len(texts), np.nan)
    faults = np.zeros(len(texts), dtype="<U4")
    for i, raw in enumerate(texts):
        if not raw or raw in mapping.values.missing:
            continue
        text = raw.replace(mapping.values.decimal_mark, ".")
        if _NUMBER.match(text):
            values[i] = float(text)
        else:
            faults[i] = fault
    return values, faults


def parse_flags(texts: Sequence[str], mapping: Mapping) -> NDArray[np.int32]:
    """Read the declared yes/no words: 1, 0, -1 for missing, `NEITHER` for any other word."""
    true = {word.casefold() for word in mapping.values.true}
    false = {word.casefold() for word in mapping.values.false}
    values = np.full(len(texts), MISSING, dtype=np.int32)
    for i, raw in enumerate(texts):
        text = raw.casefold()
        if text in true:
            values[i] = 1
        elif text in false:
            values[i] = 0
        elif text and raw not in mapping.values.missing:
            values[i] = NEITHER
    return values


def day_number(day: date) -> int:
    """Days from 1970-01-01 to a date."""
    return day.toordinal() - _EPOCH
