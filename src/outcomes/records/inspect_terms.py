"""The words of an export that the codebook does not know, with the rows they stand in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from outcomes.definitions import Codebook
from outcomes.definitions.lookups import find_unknown_parts
from outcomes.records.identifiers import find_inside, find_whole
from outcomes.records.mapping import Mapping
from outcomes.records.model import Records, TextColumn
from outcomes.records.person_shapes import starts_with_given
from outcomes.records.plain_words import is_plain

SHOWN_FROM = 5
"""Patients with whom a word must stand to be shown: one of fewer may be about one person."""
LONGEST_SHOWN = 60
"""Letters of a term that is shown: what is longer is a note."""
LISTS = frozenset(("modalities", "muscles_identified", "muscles_treated"))
"""Fields of which the codebook reads a text part by part."""

TERM_KINDS = {"visit_purpose": "purpose", "function_instrument": "instrument"}
"""Field -> kind of its terms, where the two have different names."""
_SINGLE = (
    "visit_purpose",
    "function_instrument",
    "region",
    "cause",
    "trigger",
    "radiation",
    "paresthesia",
    "onset",
    "sex",
    "discharge_reason",
)
_MANY_DIGITS = re.compile(r"\d\D*\d\D*\d\D*\d\D*\d")


@dataclass(frozen=True, slots=True)
class UnknownTerms:
    """Words of one field that are not in the codebook.

    ``shown`` holds (word, rows) of those with at least `SHOWN_FROM` patients and like no identifier, commonest first;
    ``n_others`` counts the other words, ``n_other_rows`` the rows they stand in.
    """

    field: str
    shown: tuple[tuple[str, int], ...]
    n_others: int
    n_other_rows: int


def list_unknown_terms(records: Records, mapping: Mapping, codebook: Codebook) -> list[UnknownTerms]:
    """Look every word of every field up and return what is not known, field by field."""
    found = []
    for field in (*_SINGLE, "muscles_identified", "muscles_treated", "modalities", "procedure_codes", "diagnoses"):
        if field not in records.fields:
            continue
        terms = _list_terms(records.fields[field], mapping)
        words = list(dict.fromkeys(term for own in terms for term in own))
        known = _is_known(field, words, codebook, mapping)
        parts = {word: [word] for word, is_known in zip(words, known, strict=True) if not is_known}
        if field in LISTS:
            split = find_unknown_parts(list(parts), partial(_is_known, field, codebook=codebook, mapping=mapping))
            parts = dict(zip(parts, split, strict=True))
        unknown = [{part for term in own for part in parts.get(term, ())} for own in terms]
        if any(unknown):
            found.append(_describe(records, field, unknown))
    return found


def is_showable(term: str) -> bool:
    """Whether a term that several patients share is a word: no running text, and nothing like an identifier.

    A given name beside a word of no list is somebody of the staff, or a patient all the same.
    """
    if len(term) > LONGEST_SHOWN or find_whole(term) or find_inside(term):
        return False
    return not starts_with_given(term) or any(map(is_plain, term.split()))


def _describe(records: Records, field: str, terms: Sequence[set[str]]) -> UnknownTerms:
    column = records.fields[field]
    rows = np.bincount(column.codes, minlength=len(terms)).tolist()
    unknown: Counter[str] = Counter()
    for own, n in zip(terms, rows, strict=True):
        for word in own:
            unknown[word] += n
    shown = [
        (word, n)
        for word, n in sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
        if n >= SHOWN_FROM
        and not _MANY_DIGITS.search(word)
        and is_showable(word)
        and _count_patients(records, field, [word in own for own in terms]) >= SHOWN_FROM
    ]
    others = {word: n for word, n in unknown.items() if (word, n) not in shown}
    return UnknownTerms(field, tuple(shown), len(others), sum(others.values()))


def _count_patients(records: Records, field: str, holds: Sequence[bool]) -> int:
    rows = np.array(holds, dtype=np.bool_)[records.fields[field].codes]
    return len(np.unique(records.fields["patient_id"].codes[rows]))


def _list_terms(column: TextColumn, mapping: Mapping) -> list[set[str]]:
    """The terms of each distinct cell, as `clean` splits them."""
    glue = re.compile("|".join(re.escape(mark) for mark in mapping.values.separators))
    blank = {"", *mapping.values.missing}
    return [{" ".join(part.split()) for part in glue.split(text)} - blank for text in column.values.to_pylist()]


def _is_known(field: str, words: Sequence[str], codebook: Codebook, mapping: Mapping) -> npt.NDArray[np.bool_]:
    if field.startswith("muscles"):
        return codebook.find_muscles(words).known
    if field == "modalities":
        return codebook.find_modalities(words).known
    if field == "procedure_codes":
        return codebook.find_codes(words).known
    if field == "diagnoses":
        return codebook.find_diagnoses(words).known
    known = codebook.find_ids(TERM_KINDS.get(field, field), words) >= 0
    if field == "paresthesia":
        flags = {word.casefold() for word in (*mapping.values.true, *mapping.values.false)}
        known |= np.array([word.casefold() in flags for word in words], dtype=np.bool_)
    return known
