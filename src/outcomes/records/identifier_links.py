"""Columns that stand for one patient each: any other unique number or code (paragraph R), whatever its shape.

A record number, a plate and a policy are letters and digits like a tariff or a visit. What tells them apart is whose
they are: the same at each visit of a patient, and of no other. So is a name that no list knows. Of many patients that
is enough; of a handful the values must be written alike too, and differ in more places than a few tariffs do.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from outcomes.records.identifier_kinds import CODE, NAME
from outcomes.records.identifier_names import fold, load_more_names
from outcomes.records.identifier_patterns import DATE_SHAPE
from outcomes.records.identifier_words import read_words
from outcomes.records.identifiers import CELLS, KIND_BY_NAME, Likely, make_likely
from outcomes.records.person_shapes import read_as_person

_CODE = re.compile(
    r"(?=\D*\d)(?=.*\d\D{0,2}\d\D{0,2}\d|\S{8})(?=(?:\D{0,2}\d){7}|.*\d{6}|.*[^\W\d_])[\w#*@(][\w ./:#*()-]{4,63}"
)
_NO_CODE = re.compile(
    r"\d+[.,]\d+|\d{1,3}([ .-]\d{1,2}){2}|(?![A-Z]\d{6}$)[A-TV-Z]\d[\dA-Z](\.?\w{1,4})?"
    r"|[\d.,]+ ?(?:[a-zµ]\w{0,4}|[kM]?Hz|[JW])|\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: ?[AaPp][Mm])?|\d{1,4} ?[/x-] ?\d{1,4}"
)
_OWN = re.compile(
    r"\d{5}"  # a short record number, a postcode
    r"|(?=.*\d)(?=.*[^\W\d_]{2})\S+(?: \S+){0,7}"  # a street and its number, a name of a user
    r"|[\w-]+(?:\.[\w-]+)+/\S+"  # a page without its http://
)
_WORDS = re.compile(r"[A-ZÀ-Þ][^\W\d_'’-]*(?:[ '’.-]{1,2}[^\W\d_]+){0,3}\.?")
_WORD = re.compile(r"[A-ZÀ-Þ][^\W\d_]+(?:['’-][^\W\d_]+)*")
_STREET = re.compile(
    r"\d{1,4}[a-z]?,? (?:[^\W\d_]+[.'’]? ?){2,5}|(?=.*[A-ZÀ-Þ])(?:[^\W\d_]+[.'’]? ){2,4}\d{1,4}[a-z]?", re.UNICODE
)
_RUNS = (re.compile(r"[^\W\d_]+"), "a"), (re.compile(r"\d+"), "9")
_LETTER = re.compile(r"[^\W_]")
_UNBROKEN, _BROKEN = re.compile(r"(?=.*(?:\d\d|/))\S{6,64}"), re.compile(r"(?=(?:.*\d){3})[A-Z0-9][A-Z0-9 -]{5,20}")
_LONGEST = 64
_SHAPED = 0.9
_FEWEST, _FEWEST_SAID, _FEWEST_ALIKE = (15, 5), (4, 3), (6, 3)
"""Patients of whom a column must tell, and of whom twice; fewer where its header names a number or a code, or where
its cells are written alike."""
_OWN_SHARE = 0.95
_OWN_NAMES, _OWN_FEW_NAMES = 0.6, 0.8
"""Of patients, those who have a name for themselves: families come together, and of a handful none is known."""
_PLACES_VARIED = 5
"""In so many places the values of a handful must differ: those of a few tariffs and plans have a stem in common."""
_LISTED = 0.3
_MEASURES = 0.3
"""Of numbers of eight digits some begin like a year."""
_SAID = frozenset(("no", "+", "id", "code", "key", "ref", "reference", "referenz", "kod", "codigo", "codice"))


def judge_link(header: str, patients: Sequence[str], cells: Sequence[str]) -> Likely | None:
    """Say whether a column is a number, a code or a name of one patient each, as `stand_for_patients` finds it."""
    found = stand_for_patients(header, patients, cells)
    if not found:
        return None
    kind = CODE if any(map(str.isdigit, found[0])) or "/" in found[0] else NAME
    return make_likely(KIND_BY_NAME[kind], CELLS, found, len(found))


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
    again = [set(own) for own in of_patient.values() if len(own) > 1]
    if not _most(len(own) == 1 for own in again):
        return []
    values = [own[0] for own in of_patient.values()]
    different = list(dict.fromkeys(values))
    share = len(different) / max(len(values), 1)

    def has(fewest: tuple[int, int]) -> bool:
        return len(values) >= fewest[0] and len(again) >= fewest[1]

    is_said = bool(_SAID & set(read_words(header).split()))
    if share >= _OWN_SHARE and has(_FEWEST_SAID if is_said else _FEWEST):
        if _most(map(_is_code, values)) or _most(map(_is_words, values)):
            return different
        if has(_FEWEST) and _most(map(_is_own, values)) and (not values[0].isdigit() or _are_alike(values)):
            return different
    if not has(_FEWEST_ALIKE):
        return []
    own_names = _OWN_NAMES if has(_FEWEST) else _OWN_FEW_NAMES
    return different if (share == 1 and _are_alike(values)) or (share >= own_names and _are_names(values)) else []


def _most(said: Iterable[bool]) -> bool:
    known = list(said)
    return sum(known) >= _SHAPED * len(known)


def _is_code(cell: str) -> bool:
    return bool(_CODE.fullmatch(cell)) and not _is_measure(cell)


def _is_own(cell: str) -> bool:
    return len(cell) <= _LONGEST and bool(_OWN.fullmatch(cell)) and not _is_measure(cell)


def _is_measure(cell: str) -> bool:
    return len(cell) > _LONGEST or bool(_NO_CODE.fullmatch(cell) or DATE_SHAPE.match(cell))


def _is_words(cell: str) -> bool:
    return len(cell) <= _LONGEST and bool(_WORDS.fullmatch(cell))


def _are_alike(values: Sequence[str]) -> bool:
    """Whether values are numbers, codes or addresses in one form, which no handful of tariffs shares."""
    if sum(map(_is_measure, values)) > _MEASURES * len(values):
        return False
    if _most(bool(_STREET.fullmatch(value)) for value in values):
        return True
    forms = Counter(_LETTER.sub("x", value) for value in values)
    form, n = forms.most_common(1)[0]
    if n >= _SHAPED * len(values):
        alike = [value for value in values if _LETTER.sub("x", value) == form]
        n_varied = sum(len(set(column)) > 1 for column in zip(*alike, strict=True))
        return n_varied >= _PLACES_VARIED and _most(any(map(str.isdigit, value)) for value in alike)
    runs = Counter(map(_runs, values)).most_common(1)[0][1]
    return runs >= _SHAPED * len(values) and (
        _most(bool(_UNBROKEN.fullmatch(value)) for value in values)
        or _most(bool(_BROKEN.fullmatch(value)) for value in values)
    )


def _runs(value: str) -> str:
    for pattern, mark in _RUNS:
        value = pattern.sub(mark, value)
    return value


def _are_names(values: Sequence[str]) -> bool:
    """Whether values are people's names by their shape: of two words and more, or of one that lists know."""
    people = [value for value in values if read_as_person(value)]
    if len(people) == len(values) and len(set(values)) == len(values):
        return True
    given, family = load_more_names()
    alone = [value for value in values if _WORD.fullmatch(value)]
    return _most(bool(_WORD.fullmatch(value)) for value in values) and (
        sum(fold(value) in given or fold(value) in family for value in alone) >= _LISTED * len(values)
    )


__all__ = ["judge_link", "stand_for_patients"]
