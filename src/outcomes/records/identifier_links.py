"""Columns that stand for one patient each: any other unique number or code (paragraph R), whatever its shape.

A record number, a plate and a policy are letters and digits like a tariff or a visit. What tells them apart is whose
they are: the same at each visit of a patient, and of no other. So is a name that no list knows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from outcomes.records.identifier_kinds import CODE, NAME
from outcomes.records.identifier_patterns import DATE_SHAPE
from outcomes.records.identifier_words import read_words
from outcomes.records.identifiers import CELLS, KIND_BY_NAME, Likely, make_likely

_CODE = re.compile(
    r"(?=\D*\d)(?=.*\d\D{0,2}\d\D{0,2}\d|\S{8})(?=(?:\D{0,2}\d){7}|.*\d{6}|.*[^\W\d_])[\w#*@(][\w ./:#*()-]{4,63}"
)
_NO_CODE = re.compile(
    r"\d+[.,]\d+|\d{1,3}([ .-]\d{1,2}){2}|[A-TV-Z]\d[\dA-Z](\.?\w{1,4})?|[\d.,]+ ?(?:[a-zµ]\w{0,4}|[kM]?Hz|[JW])"
)
_WORDS = re.compile(r"[A-ZÀ-Þ][^\W\d_'’-]*(?:[ '’.-]{1,2}[^\W\d_]+){0,3}\.?")
_LONGEST = 64
_SHAPED = 0.9
_FEWEST, _FEWEST_SAID = (15, 5), (4, 3)
"""Patients of whom a column must tell, and of whom twice; fewer where its header names a number or a code."""
_OWN = 0.95
_SAID = frozenset(("no", "+", "id", "code", "key", "ref", "reference", "referenz", "kod", "codigo", "codice"))


def judge_link(header: str, patients: Sequence[str], cells: Sequence[str]) -> Likely | None:
    """Say whether a column is a number, a code or a name of one patient each, as `stand_for_patients` finds it."""
    found = stand_for_patients(header, patients, cells)
    if not found:
        return None
    return make_likely(KIND_BY_NAME[CODE if any(map(str.isdigit, found[0])) else NAME], CELLS, found, len(found))


def stand_for_patients(header: str, patients: Sequence[str], cells: Sequence[str]) -> list[str]:
    """Return the different cells of a column if they are a number, a code or a name of one patient each.

    Parameters
    ----------
    header : str
    patients, cells : sequence of str
        Patient and cell of the same rows.
    """
    of_patient: defaultdict[str, list[str]] = defaultdict(list)
    for patient, cell in zip(patients, cells, strict=False):
        if patient.strip() and cell.strip():
            of_patient[patient.strip()].append(cell.strip())
    is_said = bool(_SAID & set(read_words(header).split()))
    again = [set(own) for own in of_patient.values() if len(own) > 1]
    fewest, fewest_again = _FEWEST_SAID if is_said else _FEWEST
    if len(of_patient) < fewest or len(again) < fewest_again or not _most(len(own) == 1 for own in again):
        return []
    values = [own[0] for own in of_patient.values()]
    different = list(dict.fromkeys(values))
    if len(different) < _OWN * len(values) or not (_most(map(_is_code, values)) or _most(map(_is_words, values))):
        return []
    return different


def _most(said: Iterable[bool]) -> bool:
    known = list(said)
    return sum(known) >= _SHAPED * len(known)


def _is_code(cell: str) -> bool:
    return (
        len(cell) <= _LONGEST
        and bool(_CODE.fullmatch(cell))
        and not _NO_CODE.fullmatch(cell)
        and not DATE_SHAPE.match(cell)
    )


def _is_words(cell: str) -> bool:
    return len(cell) <= _LONGEST and bool(_WORDS.fullmatch(cell))


__all__ = ["judge_link", "stand_for_patients"]
