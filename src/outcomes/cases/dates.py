"""Distinct texts to days: the order of day and month, stand-ins, serial numbers, times with zones, names of months.

As in `values`, every function takes the distinct texts of a column; a fault code is empty where nothing is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.cases.values import Parsed
from outcomes.errors import Finding, InputRefused
from outcomes.records.counted import agreeing
from outcomes.records.midnights import find_midnight_zone, take_midnight

if TYPE_CHECKING:
    from outcomes.records.mapping import Mapping

_EPOCH = date(1970, 1, 1).toordinal()
_SERIAL_ZERO = {"excel": date(1899, 12, 30).toordinal() - _EPOCH, "excel-1904": date(1904, 1, 1).toordinal() - _EPOCH}
_STAND_INS = (
    *((1, 1, 1), (1753, 1, 1), (1899, 12, 30), (1899, 12, 31), (1900, 1, 1), (1901, 1, 1), (1904, 1, 1), (1970, 1, 1)),
    *((2099, 12, 31), (2999, 12, 31), (3000, 1, 1), (9999, 12, 31)),
)
_SENTINELS = frozenset(date(*ymd).toordinal() - _EPOCH for ymd in _STAND_INS)
_FIRST_DAY, _END = (date(year, 1, 1).toordinal() - _EPOCH for year in (1900, 2100))
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
_SERIAL = re.compile(r"^\d{1,7}(\.\d{1,20})?$")
_LIKELY_SERIAL = re.compile(r"^[2-7]\d{4}(\.\d+)?$")  # 20000 to 79999: the years 1954 to 2119
_NAME = r"(?P<name>[^\W\d_]+)\.?"
_NAMED = (
    re.compile(r"^(?P<d>\d{1,2})(?:st|nd|rd|th)?\.?[ ./-]*" + _NAME + r"[ ,./-]+(?P<y>\d{4}|\d{2})(?P<time>\D.*)?$"),
    re.compile(r"^" + _NAME + r"[ ./-]*(?P<d>\d{1,2})(?:st|nd|rd|th)?[ ,./-]+(?P<y>\d{4}|\d{2})(?P<time>\D.*)?$"),
    re.compile(r"^(?P<y>\d{4})[ ./-]+" + _NAME + r"[ ./-]+(?P<d>\d{1,2})(?P<time>\D.*)?$"),
)
_LONGEST, _MONTHS = 64, 12
_SHORTEST_NAME = 3
CLOCK_CHANGE = "clock change"


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
        return DateOrder("dmy", f"{field}: read as day/month/year because {_that_allow(only_dmy)} only that")
    if only_mdy and not only_dmy:
        return DateOrder("mdy", f"{field}: read as month/day/year because {_that_allow(only_mdy)} only that")
    evidence = (
        f"{_that_allow(only_dmy)} only day/month and {only_mdy} only month/day"
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


def is_turned(text: str, order: str) -> bool:
    """Whether a date is none in the declared order of day and month, and one in the other."""
    match = _ORDERS[order].match(text.strip()) if order in ("dmy", "mdy") else None
    return match is not None and int(match["m"]) > _MONTHS and 1 <= int(match["d"]) <= _MONTHS


def _that_allow(n: int) -> str:
    return agreeing(n, "different date", "allows", "allow")


def parse_dates(texts: Sequence[str], order: str, mapping: Mapping) -> Parsed:
    """Read dates in one declared order; where every time is 00:00 with one offset, they are days as they stand.

    Returns
    -------
    Parsed
        Days since 1970-01-01 (-1 missing); ``extra`` is the minute of the day, -1 where no time is given; ``fixed``
        is `CLOCK_CHANGE` where the hour comes twice or not at all, so that only the date was kept.
    """
    days = np.full(len(texts), MISSING, dtype=np.int32)
    minutes = np.full(len(texts), MISSING, dtype=np.int32)
    faults = np.zeros(len(texts), dtype="<U4")
    fixed = np.zeros(len(texts), dtype="<U13")
    names = tuple(name.strip(" .").casefold() for name in mapping.dates.month_names)
    if find_midnight_zone(texts):
        texts = [take_midnight(text) for text in texts]
    for i, text in enumerate(texts):
        if not text or text in mapping.values.missing:
            faults[i] = "E211"
        elif order in _SERIAL_ZERO and _SERIAL.match(text):
            days[i], faults[i] = _checked(int(float(text)) + _SERIAL_ZERO[order])
        else:
            days[i], minutes[i], faults[i] = _parse_date(text, order, names, mapping)
        if minutes[i] >= 0 and mapping.dates.timezone and not _comes_once(int(days[i]), int(minutes[i]), mapping):
            minutes[i], fixed[i] = MISSING, CLOCK_CHANGE
    return Parsed(days, faults, minutes, fixed)


def quarter_word(number: int) -> str:
    """Write a quarter, counted from 1970 on, as ``2026Q3``."""
    return f"{1970 + number // 4}Q{number % 4 + 1}"


def day_number(day: date) -> int:
    """Days from 1970-01-01 to a date."""
    return day.toordinal() - _EPOCH


def _checked(day: int) -> tuple[int, str]:
    """A day, unless it stands for 'unknown' or lies in no century a visit can lie in."""
    if day in _SENTINELS:
        return MISSING, "E214"
    return (day, "") if _FIRST_DAY <= day < _END else (MISSING, "E218")


def _parse_date(text: str, order: str, names: tuple[str, ...], mapping: Mapping) -> tuple[int, int, str]:
    if len(text) > _LONGEST:
        return MISSING, MISSING, "E212"
    if names:
        text, order = _spell_month(text, order, names)
    # Spreadsheet dates arrive as ISO whatever the text columns of the same clinic look like.
    match = _ORDERS.get(order, _ORDERS["iso"]).match(text) or _ORDERS["iso"].match(text)
    if not match:
        return MISSING, MISSING, "E219" if _LIKELY_SERIAL.match(text) else "E212"
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
    number, minute, fault = day_number(day), MISSING, ""
    if match["hour"] is not None:
        number, minute, fault = _with_time(day, match, mapping)
    number, odd = (MISSING, "") if fault else _checked(number)
    return number, MISSING if odd else minute, fault or odd


def _spell_month(text: str, order: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Write a date with a declared name of a month in digits; any other text as it stands."""
    for pattern in _NAMED:
        match = pattern.match(text)
        if not match:
            continue
        word = match["name"].casefold()
        known = [i for i, name in enumerate(names, start=1) if name == word or _shortens(name, word)]
        if len(known) == 1:
            return f"{match['d']}/{known[0]}/{match['y']}{match['time'] or ''}", "dmy"
    return text, order


def _shortens(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _SHORTEST_NAME and longer.startswith(shorter)


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

        sign, digits = -1 if zone[0] == "-" else 1, zone[1:].replace(":", "")
        try:
            offset = UTC if zone == "Z" else timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=offset).astimezone(
                ZoneInfo(mapping.dates.timezone)
            )
        except (ValueError, OverflowError):
            return MISSING, MISSING, "E213"
        day, hour, minute = local.date(), local.hour, local.minute
    return day_number(day), hour * 60 + minute, ""


def _comes_once(day: int, minute: int, mapping: Mapping) -> bool:
    """Whether the clock of the declared zone shows this hour of the day exactly once."""
    from zoneinfo import ZoneInfo

    local = datetime.fromordinal(day + _EPOCH) + timedelta(minutes=minute)
    early = local.replace(tzinfo=ZoneInfo(mapping.dates.timezone or "UTC"))
    return early.utcoffset() == early.replace(fold=1).utcoffset()
