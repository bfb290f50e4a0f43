"""Distinct texts to typed values: ratings, numbers, yes/no (dates: `dates`).

Every function takes the distinct texts of a column and returns, for each, a value and a fault code (empty = none); the
caller spreads both over the records by look-up, so the cost follows the number of different cells, not of rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS, MISSING

if TYPE_CHECKING:
    from outcomes.records.mapping import Mapping

NEITHER = -2
_WIDEST_RANGE = 3 * HUNDREDTHS
# Bounded: a cell of ten thousand digits is no number, and Python refuses to read it as one.
_NUMBER = re.compile(r"^[+-]?\d{1,18}(\.\d{1,40})?$")
_WHOLE = re.compile(r"^\d{1,18}(\.0{1,40})?$")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(\.\d{3})+$")


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


# What a spreadsheet makes of 3/10 or 3-10: 3-Oct, Oct-3, 2026-10-03, 03/10/2026. Words that are no month,
# as in VAS 7, make no date.
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mrz|mär|mai|okt|dez|fév|fev|avr|aoû|aou|déc|ene|abr|ago|dic)"
)
_MADE_A_DATE = re.compile(
    rf"^(\d{{1,2}}[-. ]\s?{_MONTH}\.?|{_MONTH}\.?[-. ]\d{{1,2}}"
    r"|\d{4}-\d\d?-\d\d?\b.*|\d\d?[/.-]\d\d?[/.-]\d{2,4})$",
    re.IGNORECASE,
)
_TOPS = {"0-1": 1, "0-10": 10, "0-100": 100}
_FRACTION = re.compile(r"^([\d.]+)\s*/\s*(10|100)$")
_RANGE = re.compile(r"^([\d.]+)\s*(?:-|–|to)\s*([\d.]+)$")
_CHANGE = re.compile(r"^([\d.]+)\s*(?:->|→|=>|>)\s*([\d.]+)$")


def parse_pain(texts: Sequence[str], mapping: Mapping) -> Parsed:
    """Read pain ratings as hundredths of a 0-10 point.

    ``6/10`` is 6, ``6-7`` is 6.5 (up to three points apart), and ``8->5`` is 8 before and 5 after treatment
    (``extra``); each such reading is named in ``fixed``. Nothing is clipped.
    """
    top = _TOPS[mapping.pain.scale]
    unit = 10 * HUNDREDTHS // top
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
        if faults[i] == "E231" and _MADE_A_DATE.match(raw):
            faults[i] = "E235"
    fixed[faults != ""] = ""
    return Parsed(before, faults, after, fixed)


def _midpoint(low: str, high: str, unit: int, top: int) -> tuple[int, str]:
    first, fault_low = _hundredths(low, unit, top)
    second, fault_high = _hundredths(high, unit, top)
    if fault_low or fault_high:
        return MISSING, fault_low or fault_high
    # 0-10 is the scale, and 3-10 was 3/10: neither is a rating between two neighbours.
    return ((first + second) // 2, "") if 0 < second - first <= _WIDEST_RANGE else (MISSING, "E231")


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
        if mapping.values.decimal_mark == "," and _THOUSANDS.match(raw):
            faults[i] = "E253"
        elif _NUMBER.match(text):
            values[i] = float(text) + 0.0  # -0 becomes 0
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
