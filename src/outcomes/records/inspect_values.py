"""How the cells of an export are written: evidence by count, and the line of the mapping it speaks for."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from outcomes.records.busy_days import CENTURY_DAYS, find_busy_span
from outcomes.records.counted import agreeing, counted
from outcomes.records.midnights import find_midnight_zone

Counts = Mapping[str, int]
"""Distinct cell -> rows it stands in."""

_MONTH_WORD = re.compile(r"\d\W{0,3}[^\W\d_]{3,12}\W{0,3}\d|^\W*[^\W\d_]{3,12}\W{1,3}\d")
_SLASHED = re.compile(r"^\s*(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})\b")
_YEAR_FIRST = re.compile(r"^\s*(\d{4})[./-]?(\d{2})[./-]?(\d{2})(?!\d)|^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_SERIAL = re.compile(r"^\s*[3-5]\d{4}(?:\.\d+)?\s*$")
_ZONE = re.compile(r"(?::\d{2}(?:[.,]\d+)?|[T ]\d{4}(?:\d{2})?)\s*(?:Z|[+-]\d{2}:?\d{2})\s*$")
"""A zone after a time: the year of 13-01-2024 looks like one."""
_COMMA = re.compile(r"^\s*\d+,\d+\s*$")
_POINT = re.compile(r"^\s*\d+\.\d+\s*$")
_NUMBER = re.compile(r"^\s*(\d{1,3}(?:[.,]\d+)?)\s*$")
_MARKS = frozenset(
    (
        "n/a",
        "na",
        "n.a.",
        "n. a.",
        "-",
        "--",
        "—",
        "–",
        ".",
        "?",
        "null",
        "nan",
        "none",
        "not asked",
        "not recorded",
        "not done",
        "nd",
        "missing",
        "unknown",
        "unk",
        "not available",
        "keine angabe",
        "k.a.",
        "nr",
        "refused",
        "declined",
    )
)
_TRUE = frozenset(("true", "yes", "y", "1", "x", "ja", "j", "oui", "o", "si", "sí", "s", "t", "wahr", "vrai"))
_FALSE = frozenset(("false", "no", "n", "0", "nein", "non", "f", "falsch", "faux"))
_SEPARATORS = (";", "|", "\n")
_MOSTLY = 0.95
_LEAST_GAP_DAYS = 31
_TOTAL = re.compile(r"^\s*(?:grand |sub)?-?totals?\s*:?\s*$", re.IGNORECASE)
MONTHS_ARE_WORDS = (
    "months are words: write the twelve of them, January first, as they stand in the cells in [dates] month_names, "
    "and the order of day and month"
)
MONTHS_DECLARED = "months are words; they and the order are declared"
NO_DATES = "no dates were seen"
"""The evidence of a column without a date, of which there is nothing to ask."""
_PRINTED = re.compile(r"(?:printed|exported|created|generated|as of|stand)\D{0,12}(\d{4}-\d{2}-\d{2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DateEvidence:
    """What the dates of one column allow.

    Attributes
    ----------
    order : str
        ``"iso"``, ``"ymd"``, ``"dmy"``, ``"mdy"``, ``"excel"``; ``""`` when they do not say.
    words : str
        The evidence as a sentence, with counts of rows.
    short_years : bool
        Whether some have a year of two digits.
    zones : bool
        Whether some carry a time zone that tells which day they are of.
    latest : int
        Latest year written with four digits; 0 when there is none.
    """

    order: str
    words: str
    short_years: bool = False
    zones: bool = False
    latest: int = 0


def weigh_dates(cells: Counts) -> DateEvidence:
    """Say in which order the days, months and years of a column stand, and how many rows say so."""
    cells = {text: n for text, n in cells.items() if text.strip() and text.strip().casefold() not in _MARKS}
    n_dates = sum(cells.values())
    if not n_dates:
        return DateEvidence("", NO_DATES)
    slashed = {text: match for text in cells if (match := _SLASHED.match(text))}
    n_slashed = sum(cells[text] for text in slashed)
    short = any(len(match[3]) == 2 for match in slashed.values())
    zones = any(_ZONE.search(text) for text in cells) and not find_midnight_zone(cells)
    years = [int(match[3]) for match in slashed.values() if len(match[3]) == 4]
    first = [int(match[1] or match[4]) for text in cells if (match := _YEAR_FIRST.match(text))]
    latest = max((year for year in years + first if year < 2100), default=0)
    if n_slashed < 0.5 * n_dates:
        order, words = _weigh_others(cells, n_dates)
        return DateEvidence(order, words, short, zones, latest)
    only_dmy = sum(cells[text] for text, match in slashed.items() if int(match[1]) > 12)
    only_mdy = sum(cells[text] for text, match in slashed.items() if int(match[2]) > 12)
    (mark, _), *_ = Counter(
        mark for match in slashed.values() for mark in match[0].strip() if mark in "./-"
    ).most_common()
    order, words = _decide(only_dmy, only_mdy, mark)
    return DateEvidence(order, words, short, zones, latest)


def _decide(only_dmy: int, only_mdy: int, mark: str) -> tuple[str, str]:
    one_way = only_dmy + only_mdy
    day_first, month_first = (mark.join(parts) for parts in (("DD", "MM", "YYYY"), ("MM", "DD", "YYYY")))
    if not one_way:
        return "", f"every date reads both as {day_first} and as {month_first}: ask the clinic"
    order, n, rest = ("dmy", only_dmy, only_mdy) if only_dmy >= only_mdy else ("mdy", only_mdy, only_dmy)
    shape, other = (day_first, month_first) if order == "dmy" else (month_first, day_first)
    if n < _MOSTLY * one_way:
        return "", f"{_allow(only_dmy)} {day_first} and {only_mdy:,} only {month_first}: ask the clinic"
    more = f"; {rest:,} {'allows' if rest == 1 else 'allow'} only {other} and will be set aside" if rest else ""
    return order, f"dates read as {shape} because {_allow(n)} that{more}"


def _allow(n: int) -> str:
    return f"{agreeing(n, 'row', 'allows', 'allow')} only"


def _weigh_others(cells: Counts, n_dates: int) -> tuple[str, str]:
    n_serial = sum(n for text, n in cells.items() if _SERIAL.match(text))
    if n_serial > 0.5 * n_dates:
        return "excel", f"{agreeing(n_serial, 'row', 'holds', 'hold')} serial numbers of a spreadsheet, not dates"
    n_first = sum(n for text, n in cells.items() if _YEAR_FIRST.match(text))
    dashed = sum(n for text, n in cells.items() if re.match(r"^\s*\d{4}-\d{1,2}-\d{1,2}", text))
    if n_first > 0.5 * n_dates:
        order = "iso" if dashed >= 0.5 * n_first else "ymd"
        return order, f"the year comes first in {counted(n_first, 'row')}"
    if sum(n for text, n in cells.items() if _MONTH_WORD.search(text)) > 0.5 * n_dates:
        return "", MONTHS_ARE_WORDS
    return "", "most cells are no dates this tool knows"


def weigh_decimal_mark(columns: Iterable[Counts]) -> tuple[str, str]:
    """Return the decimal mark and the rows that speak for it."""
    comma = point = 0
    for cells in columns:
        comma += sum(n for text, n in cells.items() if _COMMA.match(text))
        point += sum(n for text, n in cells.items() if _POINT.match(text))
    if comma > point:
        return ",", f"{agreeing(comma, 'row', 'has', 'have')} a decimal comma, {point:,} a point"
    if not point:
        return ".", "no decimals were seen"
    return ".", f"{agreeing(point, 'row', 'has', 'have')} a decimal point, {comma:,} a comma"


def weigh_pain_scale(columns: Iterable[Counts]) -> tuple[str, str]:
    """Return the scale of the pain ratings, ``""`` when both could be, and the rows that speak for it."""
    low = high = beyond = part = above = 0
    for cells in columns:
        for text, n in cells.items():
            if match := _NUMBER.match(text):
                value = float(match[1].replace(",", "."))
                low, high, beyond = low + n * (value <= 10), high + n * (10 < value <= 100), beyond + n * (value > 100)
                part, above = part + n * (0 < value < 1), above + n * (1 < value < 2)
    n = low + high + beyond
    words = f"{low:,} of {counted(n, 'rating')} {'is' if n == 1 else 'are'} 10 or less, {high:,} from 11 to 100"
    if not n:
        return "0-10", "no ratings were seen"
    if part >= 0.2 * n and above <= 0.25 * part:
        seen = f"{agreeing(part, 'rating', 'lies', 'lie')} between 0 and 1: parts of 1, or percent?"
        return "", f'{words}, {seen} "0-1" reads 0.7 as 7 of 10'
    if low >= 0.9 * n:
        return "0-10", words
    return ("0-100", words) if high >= 0.5 * n else ("", f"{words}: two scales in one column? ask the clinic")


def find_missing_marks(columns: Iterable[Counts]) -> list[str]:
    """Return the words for "nothing" that stand where a number or a date should, as they are written."""
    words = {text.strip() for cells in columns for text in cells}
    return sorted(word for word in words if word and word.casefold() in _MARKS)


def find_flags(columns: Iterable[Iterable[str]]) -> tuple[list[str], list[str]]:
    """Return the yes and the no words of columns that hold nothing else, beyond those that are known anyway."""
    true: set[str] = set()
    false: set[str] = set()
    for cells in columns:
        words = {text.strip().casefold() for text in cells if text.strip()}
        true |= words & _TRUE
        false |= words & _FALSE
    return sorted(true), sorted(false)


def is_yes_no(cells: Sequence[str]) -> bool:
    """Whether the different cells of a column are a yes and a no; letters and digits alone could be names as well."""
    words = {text.strip().casefold() for text in cells if text.strip()}
    return bool(words) and words <= _TRUE | _FALSE and any(len(word) > 1 for word in words)


def is_ticked(cells: Iterable[str]) -> bool:
    """Whether a column holds yes and no (or yes and nothing) and no other word: ``1`` and ``0``, ``x`` and blank."""
    words = {text.strip().casefold() for text in cells}
    filled = words - {""}
    return bool(filled & _TRUE) and filled <= _TRUE | _FALSE and ("" in words or bool(filled & _FALSE))


def count_yes(cells: Iterable[str]) -> int:
    """Return how many cells of a yes/no column are a yes."""
    return sum(text.strip().casefold() in _TRUE for text in cells)


def find_separators(columns: Iterable[Counts]) -> list[str]:
    """Return the marks between several terms of one cell, the commonest first."""
    n: Counter[str] = Counter()
    for cells in columns:
        for text, rows in cells.items():
            for mark in _SEPARATORS:
                n[mark] += rows * (mark in text)
    most = max(n.values(), default=0)
    return [mark for mark, rows in n.most_common() if rows and rows >= 0.05 * most]


def find_totals(cells: Iterable[str]) -> list[str]:
    """Return the words of rows of totals among the cells of a column."""
    return sorted({cell.strip() for cell in cells if _TOTAL.match(cell)})


def find_data_cut(days: Mapping[datetime.date, int], foot: str) -> tuple[datetime.date | None, str]:
    """Say up to which day the export is complete, when a few visits lie far beyond it.

    The last days of a small practice hold hardly a visit and are its own: only what comes more than a month after them
    is taken for mistyped.

    Parameters
    ----------
    days : mapping of date to int
        Visits on each day, in the order proposed.
    foot : str
        The last lines of the file, where the day of the export may stand.

    Returns
    -------
    tuple of (date or None, str)
        None when no visit lies beyond the day that looks like the last.
    """
    if not days:
        return None, ""
    if found := _PRINTED.search(foot):
        printed = datetime.date.fromisoformat(found[1])
        late = sum(n for day, n in days.items() if day > printed)
        if late <= 0.02 * sum(days.values()):
            return printed, _say_printed(late)
    last, following = _find_last_busy(days)
    late = sum(n for day, n in days.items() if day > last)
    if not late or late > 0.01 * sum(days.values()) or (following - last).days <= _LEAST_GAP_DAYS:
        return None, ""
    return last, f"after it only {counted(late, 'row')}, more than a month later"


def _say_printed(late: int) -> str:
    return f"the file says so itself; {agreeing(late, 'row', 'has', 'have')} a later date"


def _find_last_busy(days: Mapping[datetime.date, int]) -> tuple[datetime.date, datetime.date]:
    """Return the last day with visits as usual, by the rule that ends follow-up, and the first day with one after it.

    The two are the same where nothing follows.
    """
    numbers = np.array([day.toordinal() for day in days])
    visits = np.fromiter(days.values(), np.int64, len(days))
    middle = int(np.median(np.repeat(numbers, visits)))
    near = np.abs(numbers - middle) <= CENTURY_DAYS
    low = int(numbers[near].min())
    last = low + find_busy_span(np.bincount(numbers[near] - low, weights=visits[near]).astype(np.int64))[1]
    following = min(numbers[numbers > last].tolist(), default=last)
    return datetime.date.fromordinal(last), datetime.date.fromordinal(following)


def parse_day(text: str, order: str) -> datetime.date | None:
    """Read a date with a four-digit year in a known order; None for anything else."""
    if match := _YEAR_FIRST.match(text):
        parts = [int(part) for part in (match.groups()[:3] if match[1] else match.groups()[3:])]
    elif (match := _SLASHED.match(text)) and len(match[3]) == 4 and order in ("dmy", "mdy"):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        parts = [year, second, first] if order == "dmy" else [year, first, second]
    else:
        return None
    try:
        return datetime.date(*parts)
    except ValueError:
        return None


def join_words(words: Sequence[str]) -> str:
    """Return a list of texts as TOML."""
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for word in words)
    return "[" + ", ".join(f'"{word}"' for word in quoted) + "]"
