"""What a value of a mapping must be: each says what is wrong with one, or nothing."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

DATE_ORDERS = ("iso", "dmy", "mdy", "ymd", "excel", "excel-1904")
PAIN_SCALES = ("0-10", "0-100", "0-1")
SIMILAR_IDS = ("same", "apart")
MERGE, SET_ASIDE = "merge", "set_aside"
ALL_SHEETS, CLINIC_ID = "*", "clinic_id"


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    """Return ``Did you mean 'x'?`` for the known word most like `word`, or an empty string."""
    found = get_close_matches(word, known)
    return f"Did you mean '{found[0]}'?" if found else ""


def _encoding(value: Any) -> str:
    if not isinstance(value, str):
        return "must be a text."
    try:
        "".encode(value)
    except (LookupError, ValueError):
        return 'is not an encoding Python knows; for example "utf-8", "cp1252", "utf-16".'
    return ""


def _one_character(value: Any) -> str:
    fits = isinstance(value, str) and len(value) == 1 and value.isascii() and not value.isalnum()
    return "" if fits and value not in '"\r\n\0' else "must be one ASCII character that is no letter, digit or quote."


def _row(value: Any) -> str:
    return "" if type(value) is int and value >= 1 else "must be a whole number from 1."


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false."


def _date(value: Any) -> str:
    return "" if type(value) is datetime.date else "must be a date without quotes, for example 2026-09-30."


def _day(value: Any) -> str:
    return "" if type(value) is int and 0 <= value <= 100_000 else "must be a whole number of days, 0 to 100000."


def _pivot(value: Any) -> str:
    return "" if type(value) is int and 0 <= value <= 99 else "must be a whole number 0 to 99."


def _timezone(value: Any) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):
        return 'is not a time zone name, for example "Europe/Zurich".'
    return ""


def _one_of(*allowed: str) -> Callable[[Any], str]:
    words = ", ".join(f'"{word}"' for word in allowed)

    def check(value: Any) -> str:
        if isinstance(value, str) and value in allowed:
            return ""
        return f"must be one of {words}. {nearest(value, allowed) if isinstance(value, str) else ''}".strip()

    return check


def check_texts(value: Any) -> str:
    """Say what is wrong with a value that should be a list of texts; empty when nothing is."""
    fits = isinstance(value, list) and all(isinstance(word, str) for word in value)
    return "" if fits else 'must be a list of texts, for example ["yes", "1"].'


def _sheets(value: Any) -> str:
    names = value if isinstance(value, list) else [value]
    fits = all((isinstance(name, str) and name) or (type(name) is int and name >= 1) for name in names)
    if names and fits and len(set(names)) == len(names):
        return ""
    return 'must be a name or a place from 1, or a list of these, each once: "Visits", 2, ["North", "South"].'


def _months(value: Any) -> str:
    names = [name.strip(" .").casefold() for name in value] if not check_texts(value) else []
    fits = len(names) == 12 and len(set(names)) == 12 and all(name.isalpha() for name in names)
    return "" if fits else 'must list twelve names, January first, for example ["Jan", "Feb", ...].'


def _separators(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return 'must be a list of characters, for example [";"].'
    fits = all(word == "\n" or not _one_character(word) for word in value)
    return "" if fits else "each must be one character, no letter or digit."


Rules = dict[str, Callable[[Any], str]]
FILE: Rules = {
    "encoding": _encoding,
    "delimiter": _one_character,
    "header_row": _row,
    "sheet": _sheets,
    "sheet_as": _one_of(CLINIC_ID),
    "comment": _one_character,
    "accept_row_limit": _flag,
    "later_file_corrects": _flag,
}
DATES: Rules = {
    "order": _one_of(*DATE_ORDERS),
    "timezone": _timezone,
    "data_cut": _date,
    "observed_until_day": _day,
    "two_digit_year_pivot": _pivot,
    "month_names": _months,
}
VALUES: Rules = {
    "decimal_mark": _one_of(".", ","),
    "separators": _separators,
    "true": check_texts,
    "false": check_texts,
    "missing": check_texts,
    "similar_ids": _one_of(*SIMILAR_IDS),
    "same_day": _one_of(MERGE, SET_ASIDE),
}
PAIN: Rules = {"scale": _one_of(*PAIN_SCALES)}
