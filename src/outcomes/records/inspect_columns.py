"""Which header probably is which field: by its words, and by what its cells look like. A proposal, never a decision."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from importlib import resources

from outcomes.definitions import Codebook
from outcomes.records.columns import column_letter, mask, show_header
from outcomes.records.folding import fold_text
from outcomes.records.identifier_kinds import may_be_birth
from outcomes.records.identifier_patterns import DATE_SHAPE
from outcomes.records.identifiers import find_header_kinds, header_words
from outcomes.records.inspect_values import is_ticked, is_yes_no
from outcomes.records.mapping import FIELDS
from outcomes.records.pain_headers import (
    Time,
    find_time,
    is_rating,
    may_name_pain,
    may_say_after,
    names_episodes,
    names_pain,
)

SURE, MAYBE = 0.62, 0.45
"""Scores from which a column is proposed, and from which it is named as a possibility."""

_MOST_CELLS = 400


def _load_names() -> dict[str, tuple[str, ...]]:
    text = resources.files("outcomes.records").joinpath("inspect_names.csv").read_text(encoding="utf-8")
    return {row["field"]: tuple(row["names"].split("|")) for row in csv.DictReader(text.splitlines())}


NAMES = _load_names()
"""Field -> the names its column has in clinic systems, as words in lower case."""
_ONLY_WHOLE = frozenset(("pt", "chart", "account", "acct", "dossier"))
"""First words of names that are an id as they stand ("Acct #", "Chart no"), and else something else ("Chart notes")."""
_KINDS = {"visit_purpose": "purpose", "function_instrument": "instrument"}
_WORD_FIELDS = ("region", "cause", "trigger", "radiation", "paresthesia", "onset", "sex", "discharge_reason", *_KINDS)
_PAIN = re.compile(r"\s*[+-]?\d{1,3}(?:[.,]\d+)?\s*(?:(?:/\s*100?|-+>?\s*\d{1,3}|→\s*\d{1,3}|mm|%)\s*)?")
_NUMBER = re.compile(r"\s*\d{1,5}(?:[.,]\d{1,3})?\s*")
_WHOLE = re.compile(r"\s*\d{1,5}(?:\.0)?\s*")
_WORDED = re.compile(r"\s*\d{1,2}\.?[ -][^\W\d_]{3,12}\.?[ -](?:19|20)\d{2}\s*")
"""A day whose month is a word of any language: 3 wrz 2026. Which month it is, the mapping has to say."""
_ICD = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.IGNORECASE)
_CPT = re.compile(r"(?:\d{5}|[A-Z]\d{4})(?:-\w\w)*(?: ?x ?\d+)?", re.IGNORECASE)
_BAND = re.compile(r"\s*(?:\d{1,3}\s*(?:-|–|to)\s*\d{1,3}|\d{1,3}\s*\+|[<>≥≤]\s*\d{1,3})\s*")
_PAYERS = re.compile(
    r"\b(?:medicare|medicaid|private|insurance|self|cash|workers|work|wcomp|wc|auto|pip|ppo|hmo|public|statutory)\b",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*[;|,]\s*")
# A header alone is not believed where the cells say nothing of the kind.
_NEEDS_SHAPE = frozenset(
    (
        "visit_date",
        "onset_date",
        "onset_days",
        "pain_pre",
        "pain_post",
        "age",
        "previous_episodes",
        "function_score",
        "diagnoses",
    )
)
_BY_SHAPE_ALONE = frozenset(("diagnoses", "procedure_codes"))
_IDS = frozenset(("patient_id", "clinic_id", "clinician_id"))
_DAYS = frozenset(("visit_date", "onset_date"))
_ANY_NUMBER = frozenset(("age", "previous_episodes", "visit_day", "onset_days", "function_score", *_IDS))
"""Fields that most columns of numbers or codes fit by their cells; their header must be spelt alike."""
_NO_RATINGS = frozenset(("age", "visit_day", *_IDS))
_TIMES = {"pain_pre": Time.BEFORE, "pain_post": Time.AFTER}
_SERIAL_DAY = re.compile(r"\s*4[0-9]\d{3}(?:\.\d+)?\s*")
"""A day from 2009 to 2036 as a spreadsheet counts it."""
_LIFE_DAYS = 40_000
"""More days than anybody has symptoms: dates of our time as serial numbers of a spreadsheet."""
_CERTAIN, _NEAR = 0.9, 0.05
_SHORT, _MISFIT, _MOSTLY, _SPELT = 4, 0.3, 0.5, 0.65
_ALIKE = 0.5
"""A header that is less like the names of a field than this is not like them at all."""
_SAYS_TICKS, _IS_SAID = frozenset(("paresthesia",)), 0.8


@dataclass(frozen=True, slots=True)
class Match:
    """One header and the field it probably is.

    ``score`` is from 0 to 1: 0.6 of it from the words of the header, 0.4 from its cells. ``rivals`` are the headers of
    ratings that fit the field as well and were not proposed for another; ``is_declared`` marks a line of a mapping.
    """

    position: int
    header: str
    field: str
    score: float
    by_name: float
    by_cells: float
    rivals: tuple[str, ...] = ()
    is_declared: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether the column is proposed for the field, not only named as a possibility."""
        return self.score >= SURE


def match_columns(header: Sequence[str], cells: Sequence[Sequence[str]], codebook: Codebook) -> list[Match]:
    """Propose a field for each column; every field and every column at most once, the best score first.

    Parameters
    ----------
    header : sequence of str, length c
    cells : sequence of sequence of str, length c
        Some cells of each column.
    codebook : Codebook
        Whose words the cells are held against.
    """
    scored = []
    for position, name in enumerate(header):
        filled = _distinct(cells[position])
        if not filled and not name.strip():
            continue  # sixteen thousand of them, where somebody wrote into the last column of a sheet
        ticked, says_birth = is_ticked(cells[position]), may_be_birth(header_words(name))
        says_person = bool(find_header_kinds(name)[0])
        for field in FIELDS:
            by_name = score_name(name, field)
            if field == "onset_date":  # words of a duration above dates: how long it lasted is when it began
                by_name = max(by_name, score_name(name, "onset_days"))
            if (by_name < 0.5 and field not in _BY_SHAPE_ALONE) or (says_person and by_name < 1 and field not in _IDS):
                continue  # five digits below "Zip Code" are no procedure
            if (field in _IDS and is_yes_no(filled)) or (field in _DAYS and says_birth):
                continue
            if ticked and field not in _SAYS_TICKS and (by_name < _IS_SAID or field in _TIMES):
                continue  # yes and no are no age, no clinic: "Massage" is like "age" by its letters only
            by_cells = _score_cells(field, filled, cells[position], codebook)
            if (field in _NEEDS_SHAPE and filled and by_cells < _MISFIT) or (by_name < 0.5 and by_cells < 0.8):
                continue
            score = 0.6 * by_name + 0.4 * by_cells if filled else 0.75 * by_name
            score = max(score, 0.65 * by_cells)  # more only where the header is like no name of the field
            if by_name == 1.0:  # its words are unknown to the codebook, which says nothing against the column
                score = max(score, SURE)
            if field in _ANY_NUMBER and by_name < _SPELT:  # "value" has three letters of "alter", and numbers
                score = min(score, SURE - 0.01)
            scored.append(Match(position, name, field, round(score, 2), round(by_name, 2), round(by_cells, 2)))
    said = {m.position for m in scored if m.by_name == 1.0}
    # "Ursache" is a cause word for word, and a clinic by letters it shares with another word.
    scored = [m for m in scored if m.by_name >= _IS_SAID or m.position not in said]
    scored.sort(key=lambda m: (-m.score, -m.by_name, m.position, FIELDS.index(m.field)))
    chosen: dict[str, Match] = {}
    taken: set[int] = set()
    for match in scored:
        if match.score >= MAYBE and match.field not in chosen and match.position not in taken:
            chosen[match.field] = match
            taken.add(match.position)
    return [_with_rivals(chosen[field], scored, taken) for field in FIELDS if field in chosen]


def _distinct(cells: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(fold_text(cell).strip() for cell in cells if cell.strip()))[:_MOST_CELLS]


def _with_rivals(match: Match, scored: Sequence[Match], taken: set[int]) -> Match:
    if match.field not in _TIMES:
        return match
    least = max(SURE, match.score - _NEAR)
    near = [m for m in scored if m.field == match.field and m.score >= least and m.position not in taken]
    return replace(match, rivals=tuple(m.header.strip() for m in sorted(near, key=lambda m: m.position)))


@dataclass(frozen=True, slots=True)
class Misfit:
    """A column that is called like a field, word for word, and whose cells are nothing of the kind."""

    header: str
    letter: str
    field: str
    shape: str

    @property
    def words(self) -> str:
        """What is wrong, and with which cells: a shape, no value."""
        what = "dates" if self.field.endswith("_date") else "codes" if self.field == "diagnoses" else "numbers"
        where = f'column "{show_header(self.header)}" ({self.letter})'
        return f"{where} is called {self.field}, but its cells are no {what} this tool reads (shaped {self.shape})"


def find_misfits(
    header: Sequence[str], cells: Sequence[Sequence[str]], matches: Sequence[Match], declared: Collection[str]
) -> tuple[Misfit, ...]:
    """Return the columns that are a field by their header alone, of fields that no other column is and none declares.

    Parameters
    ----------
    header, cells : sequences of length c
        As in `match_columns`.
    matches : sequence of Match
    declared : collection of str
        Fields the mapping has a line for.
    """
    sure = [match for match in matches if match.is_sure]
    taken, read = {match.field for match in sure} | set(declared), {match.position for match in sure}
    found: list[Misfit] = []
    for position, name in enumerate(header):
        filled = _distinct(cells[position]) if position not in read else []
        for field in sorted(_NEEDS_SHAPE - taken):
            # A column of this name that `match_columns` did not take: its cells are the reason.
            if filled and score_name(name, field) == 1.0:
                odd = [cell for cell in filled if not _TESTS[field](cell)][:1]
                found += [Misfit(name.strip(), column_letter(position), field, mask(cell)) for cell in odd]
    return tuple(found)


def ask_about_column(match: Match) -> str:
    """Return what the clinic has to say before a column is read as this field; empty where its header says it."""
    if match.is_sure and not match.is_declared and not match.by_name:
        where = f'column "{show_header(match.header.strip())}" ({column_letter(match.position)})'
        return (
            f"{where} looks like {match.field} by its cells alone, and its header does not say so: look, then "
            f"uncomment {match.field} in the mapping if it is so"
        )
    return ask_about_pain(match)


def ask_about_pain(match: Match) -> str:
    """Return what the clinic has to say before a column is read as this rating; empty where its header says it."""
    if match.field not in _TIMES or not match.is_sure or match.is_declared:
        return ""
    header = f'column "{show_header(match.header.strip())}" ({column_letter(match.position)})'
    line = f"then uncomment {match.field} in the mapping"
    when = f"pain {_TIMES[match.field].value} the treatment"
    if match.rivals:
        others = ", ".join(f'"{show_header(other)}"' for other in match.rivals)
        return f"{header} may be {when}, and so may {others}: choose one, {line}"
    says_so = match.by_name == 1.0 and match.by_cells >= _MOSTLY
    if (match.score < _CERTAIN and not says_so) or not names_pain(header_words(match.header)):
        return f"{header} may be {when} ({match.score:.2f}): look, {line}"
    return ""


@lru_cache(maxsize=1 << 16)  # a header is asked about for the match, for what is left over, and for misfits
def score_name(header: str, field: str) -> float:
    """Return from 0 to 1 how much the words of a header are those of a field."""
    said = header_words(header).strip()
    if field in _TIMES and find_time(said) not in (_TIMES[field], Time.UNSAID):
        return 0.0
    if field in _NO_RATINGS and names_pain(said):  # "Pain at visit" has the letters of "age at visit"
        return 0.0
    if field in _TIMES and is_rating(said, _TIMES[field]):
        return 1.0
    if field == "previous_episodes" and not names_episodes(said):
        return 0.0
    is_alike = field not in _TIMES or may_name_pain(said)  # "ODI before" is "VAS before" but for three letters
    best = 0.0
    for name in (field.replace("_", " "), *NAMES[field]):
        if said == name:
            return 1.0
        if name.partition(" ")[0] in _ONLY_WHOLE:
            continue
        if f" {name} " in f" {said} ":
            best = max(best, 0.55 + 0.4 * len(name) / len(said))
        if is_alike and len(name) > _SHORT:
            best = max(best, _score_spelling(said, name, max(best, _ALIKE)))
    if field == "pain_post" and not may_say_after(said):  # of one rating alone that is the one before the treatment
        best = min(best, 0.95 * score_name(header, "pain_pre"))
    return best if best >= _ALIKE else 0.0


def _score_spelling(said: str, name: str, least: float) -> float:
    """Return how alike two names are spelt, or 0 where it is less than that.

    Their lengths, or the letters they have in common, often show that it is less; to compare the order of letters for
    every name took three quarters of the time that `outcomes inspect` takes for a small file.
    """
    length = len(said) + len(name)
    if _spelt(2 * min(len(said), len(name)) / length) < least:
        return 0.0
    letters = _count_letters(said)
    in_common = sum(min(letters.get(letter, 0), n) for letter, n in _count_letters(name).items())
    if _spelt(2 * in_common / length) < least:
        return 0.0
    score = _spelt(SequenceMatcher(None, said, name).ratio())
    return score if score >= least else 0.0


@lru_cache(maxsize=1 << 12)
def _count_letters(text: str) -> Mapping[str, int]:
    return Counter(text)


def _spelt(ratio: float) -> float:
    """A name that is spelt alike counts less than one that is said."""
    return 0.95 * ratio - 0.05


def _score_cells(field: str, filled: list[str], cells: Sequence[str], codebook: Codebook) -> float:
    if not filled:
        return 0.0
    if field in _WORD_FIELDS:
        terms = [term for cell in filled for term in _SPLIT.split(cell) if term]
        known = codebook.find_ids(_KINDS.get(field, field), terms) >= 0
        return float(known.mean()) if terms else 0.0
    if field in ("muscles_identified", "muscles_treated"):
        return float(codebook.find_muscles([t for cell in filled for t in cell.split(";")]).known.mean())
    if field == "modalities":
        return float(codebook.find_modalities([t for cell in filled for t in _SPLIT.split(cell)]).known.mean())
    if field in _IDS:
        return _score_ids(field, filled, cells)
    test = _TESTS[field]
    return sum(test(cell) for cell in filled) / len(filled)


def _score_ids(field: str, filled: list[str], cells: Sequence[str]) -> float:
    """Few clinics, some clinicians, many patients; short codes or names, no dates, no lists."""
    n = sum(bool(cell.strip()) for cell in cells)
    if any(DATE_SHAPE.match(cell) for cell in filled[:20]) or sum(";" in cell for cell in filled) > 0.1 * len(filled):
        return 0.0
    share = len(filled) / n
    if field == "patient_id":
        return 1.0 if share > 0.02 or len(filled) > 50 else 0.5
    few = 40 if field == "clinic_id" else 400
    return 1.0 if len(filled) <= min(few, max(2, 0.5 * n)) else 0.2


def _parts_are(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda cell: all(pattern.fullmatch(part) for part in re.split(r"[;|, ]+(?!x)", cell) if part)


_TESTS: dict[str, Callable[[str], bool]] = {
    "visit_date": lambda cell: bool(DATE_SHAPE.match(cell) or _SERIAL_DAY.fullmatch(cell) or _WORDED.fullmatch(cell)),
    "onset_date": lambda cell: bool(DATE_SHAPE.match(cell) or _WORDED.fullmatch(cell)),
    "visit_day": lambda cell: bool(_WHOLE.fullmatch(cell)) and float(cell) <= _LIFE_DAYS,
    "pain_pre": lambda cell: bool(_PAIN.fullmatch(cell)),
    "pain_post": lambda cell: bool(_PAIN.fullmatch(cell)),
    "function_score": lambda cell: bool(_NUMBER.fullmatch(cell)),
    "onset_days": lambda cell: bool(_WHOLE.fullmatch(cell)) and float(cell) <= _LIFE_DAYS,
    "previous_episodes": lambda cell: bool(_WHOLE.fullmatch(cell)) and len(cell) < 4,
    "age": lambda cell: bool(_WHOLE.fullmatch(cell)) and float(cell) <= 120,
    "age_band": lambda cell: bool(_BAND.fullmatch(cell)),
    "diagnoses": _parts_are(_ICD),
    "procedure_codes": _parts_are(_CPT),
    "payer": lambda cell: bool(_PAYERS.search(cell)),
}
