"""A label and the number behind it, within one cell: ``Krankenblatt 28942``, ``póliza 8351940``, ``pump no 586462``.

What a header may call a column, a label may call a number; so the words are those of `identifier_headers.csv`. A number
behind a word that names nothing is perhaps one of a person too; a day, a dose, and the code of a service are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from outcomes.records.identifier_kinds import BIRTH, CODE
from outcomes.records.identifier_names import fold
from outcomes.records.identifiers import find_header_kinds

LONGEST = 100
"""Letters of a text that is looked at; a label and a number are shorter, and the patterns need not be quick on more."""
_MARK, _GLUED = re.compile(r"\s*([#:=]+)\s*"), re.compile(r"(?<=[^\W\d_]\.)(?=\d)")
_VALUE = re.compile(
    r"(?=(?:[^\d\s]{0,8}(?: / |[ ./-])?\d){4})"
    r"(?:[A-Za-z]{1,4}[ -])?"
    r"(?:[A-Za-z]{0,4}\d(?:(?: / |[ ./-])?\d){2,24}(?:[-/ ]?[A-Za-z]{1,3}(?!\w))?|[\dA-Za-z][\w./-]{3,40})"
)
_TOKEN = re.compile(r"[A-Za-z@][\w.@-]{3,40}")
_USER = re.compile(r"(?=[\w.@-]*[\d._@-])[A-Za-z@][\w.@-]{3,40}")
_DAY = re.compile(r"(\d{1,4})([./-] ?)(\d{1,2})\2(\d{1,4})\.?")
_COMPACT = re.compile(r"(?:19|20)\d\d(\d\d)(\d\d)"), re.compile(r"(\d\d)(\d\d)(?:19|20)\d\d")
_SHORT = re.compile(r"[12]\d(\d\d)(\d\d)"), re.compile(r"(\d\d)(\d\d)[12]\d")
_FULL_YEAR = re.compile(r"(?:19|20)\d\d")
_PERIOD = re.compile(r"(?:\d{1,2}[./-])?(?:19|20)\d\d(?:[./-]\d{1,4})?")
_WORD_FIRST = re.compile(r"[^\W\d_]+[ -]")
_DIGIT, _RUN = re.compile(r"\d"), re.compile(r"\d+")
_GROUPED = re.compile(r"\d{3,4}(?: \d{3,4}){2,}|\d{2,3}(?:[.-]\d{3}){2}(?:-?\d)?")
_MIXED = re.compile(r"(?=(?:.*\d){5})(?=.*[A-Za-z])[0-9A-Za-z]{10,40}")
_ROUND = 100
_MOST_WORDS, _LABEL_WORDS, _SAID = 12, 3, 2
_LEAST = dict.fromkeys(("insurance", "account", "licence", "device"), 5)
_LEAST |= {"phone": 7, "fax": 7, "ssn": 4, "record": 4, "vehicle": 3, "biometric": 4, "code": 4}
"""Kinds of numbers and codes -> digits that stand behind a label that names them."""
_LEAST_UNNAMED, _LEAST_NUMBERED, _LEAST_RUN = 6, 5, 4
_NUMBERS = frozenset(("no", "nr", "num", "number", "nummer", "numero", "id", "n"))
_CODED = frozenset(
    (
        *("cpt", "hcpcs", "icd", "dx", "snomed", "sct", "loinc", "tarmed", "tardoc", "tarif", "tariff", "ebm", "goa"),
        *("goae", "goz", "got", "ops", "drg", "atc", "pzn", "ndc", "lot", "batch", "charge", "code", "codes", "kode"),
        *("codice", "codigo", "ziffer", "pos", "position", "leistung", "procedure", "billing", "rev", "revenue"),
        *("modifier", "item", "artikel", "article", "sku", "model", "typ", "type", "version", "hmv", "hilfsmittel"),
        *("acte", "ccam", "ngap", "cim", "prestation", "dbc", "diagnosis", "diagnose"),
    )
)
"""Words before the number of a service or a thing."""
_COUNTED = frozenset(
    (
        *("steps", "schritte", "pas", "pasos", "lux", "iu", "ie", "rpm", "freq", "frequency", "frequenz", "since"),
        *("seit", "depuis", "in", "until", "bis", "from", "week", "kw", "year", "jahr", "level", "reps", "sets"),
        *("mal", "times", "x"),
    )
)
"""Words before a dose or a day, where none says that it is a number of something."""


def read_labelled(text: str) -> tuple[str, str] | None:
    """Return what a number or a code in a short text is by the label before it.

    Parameters
    ----------
    text : str

    Returns
    -------
    (kind, label) or None
        The name of a `Kind`. The label is blank where it names the kind; of one that does not, that many others have
        the same says that it is the name of a terminology.
    """
    if len(text) > LONGEST:
        return None
    words = _GLUED.sub(" ", _MARK.sub(r"\1 ", text)).split()[:_MOST_WORDS]
    found = None
    for i in range(1, len(words)):
        rest = " ".join(words[i:])
        if not (value := _VALUE.match(rest) or _TOKEN.match(rest)):
            continue
        kind = _name_kind(" ".join(words[max(0, i - _LABEL_WORDS) : i]), value[0])
        if kind:
            return kind, ""
        # Where a word and a blank come before the number, the word is its label.
        is_last = not (_WORD_FIRST.match(rest) or any(map(str.isalnum, rest[value.end() :])))
        found = (_name_any(words[:i], value[0]) if is_last else None) or found
    return found


def _name_kind(label: str, value: str) -> str:
    """Return the kind that a label names, where the value may be one."""
    kinds = _find_kinds(label)
    n = len(_DIGIT.findall(value))
    if _is_full_day(value) and (_FULL_YEAR.search(value) or not _says_number(label)):
        return BIRTH if BIRTH in kinds.values() else ""
    if (_USER.fullmatch(value) or label.endswith(":")) and "code" in _find_kinds(f"{label} id"):
        return CODE
    if _USER.fullmatch(value) and "url" in kinds:
        return kinds["url"]
    if _PERIOD.fullmatch(value) or _is_round(value):
        return ""
    if n >= _LEAST_NUMBERED:
        kinds = _find_kinds(f"{label} no") | kinds
    return next((name for key, name in kinds.items() if n >= _LEAST.get(key, n + 1)), "")


@lru_cache(maxsize=1 << 12)
def _find_kinds(label: str) -> dict[str, str]:
    return {kind.key: kind.name for kind in find_header_kinds(label)[0]}


def _name_any(words: list[str], value: str) -> tuple[str, str] | None:
    """Return a number behind a word that names nothing."""
    said = [key for word in words if (key := fold(word))][-_SAID:]
    if not said or _DIGIT.search(words[-1]) or _CODED & set(said) or _is_full_day(value) or _PERIOD.fullmatch(value):
        return None
    is_numbered = _says_number(words[-1])
    if not is_numbered and (is_day(value) or _is_round(value) or said[-1] in _COUNTED):
        return None
    if len(_DIGIT.findall(value)) < (_LEAST_NUMBERED if is_numbered else _LEAST_UNNAMED):
        return None
    is_run = " " not in value and (is_numbered or max(map(len, _RUN.findall(value))) >= _LEAST_RUN)
    return (CODE, " ".join(said)) if is_run or _GROUPED.fullmatch(value) or _MIXED.fullmatch(value) else None


def _is_round(value: str) -> bool:
    return value.isdigit() and int(value) % _ROUND == 0


def _says_number(label: str) -> bool:
    return label.endswith("#") or fold(label.split()[-1]) in _NUMBERS


def is_day(text: str) -> bool:
    """Whether a number is a day, or six digits of a day of these years: "120324"."""
    return _is_full_day(text) or any(_may_be_day(int(found[1]), int(found[2])) for found in _match(_SHORT, text))


def _is_full_day(text: str) -> bool:
    """Whether a number is a day with marks, or with its year in full."""
    if found := _DAY.fullmatch(text):
        first, middle, last = int(found[1]), int(found[3]), int(found[4])
        return _may_be_day(first, middle) or _may_be_day(last, middle)
    return any(_may_be_day(int(found[1]), int(found[2])) for found in _match(_COMPACT, text))


def _match(ways: tuple[re.Pattern[str], ...], text: str) -> Iterator[re.Match[str]]:
    return (found for way in ways if (found := way.fullmatch(text)))


def _may_be_day(one: int, other: int) -> bool:
    low, high = sorted((one, other))
    return 1 <= low <= 12 and 1 <= high <= 31


__all__ = ["LONGEST", "is_day", "read_labelled"]
