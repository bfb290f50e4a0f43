"""The words of an export that the codebook does not know, with the rows they stand in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from outcomes.definitions import Codebook
from outcomes.records.identifiers import find_inside, find_whole
from outcomes.records.mapping import Mapping
from outcomes.records.model import Records, TextColumn

SHOWN_FROM = 5
"""Patients with whom a word must stand to be shown: one of fewer may be about one person."""

_KINDS = {"visit_purpose": "purpose", "function_instrument": "instrument"}
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
        terms = _count_terms(records.fields[field], mapping)
        words = list(terms)
        known = _is_known(field, words, codebook, mapping)
        unknown = Counter({word: terms[word] for word, is_known in zip(words, known, strict=True) if not is_known})
        if unknown:
            found.append(_describe(records, field, unknown, mapping))
    return found


def _describe(records: Records, field: str, unknown: Counter[str], mapping: Mapping) -> UnknownTerms:
    shown = [
        (word, n)
        for word, n in sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
        if n >= SHOWN_FROM
        and not _MANY_DIGITS.search(word)
        and not (find_whole(word) or find_inside(word))
        and _count_patients(records, field, word, mapping) >= SHOWN_FROM
    ]
    others = {word: n for word, n in unknown.items() if (word, n) not in shown}
    return UnknownTerms(field, tuple(shown), len(others), sum(others.values()))


def _count_patients(records: Records, field: str, word: str, mapping: Mapping) -> int:
    column, glue = records.fields[field], _glue(mapping)
    holds = [word in {part.strip() for part in glue.split(text)} for text in column.values.to_pylist()]
    rows = np.array(holds, dtype=np.bool_)[column.codes]
    return len(np.unique(records.fields["patient_id"].codes[rows]))


def _glue(mapping: Mapping) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in mapping.values.separators))


def _count_terms(column: TextColumn, mapping: Mapping) -> Counter[str]:
    rows = np.bincount(column.codes, minlength=len(column.values)).tolist()
    glue = _glue(mapping)
    terms: Counter[str] = Counter()
    for text, n in zip(column.values.to_pylist(), rows, strict=True):
        for term in {part.strip() for part in glue.split(text)}:
            if term and term not in mapping.values.missing:
                terms[term] += n
    return terms


def _is_known(field: str, words: Sequence[str], codebook: Codebook, mapping: Mapping) -> npt.NDArray[np.bool_]:
    if field.startswith("muscles"):
        return codebook.find_muscles(words).known
    if field == "modalities":
        return codebook.find_modalities(words).known
    if field == "procedure_codes":
        return codebook.find_codes(words).known
    if field == "diagnoses":
        return codebook.find_diagnoses(words).known
    known = codebook.find_ids(_KINDS.get(field, field), words) >= 0
    if field == "paresthesia":
        flags = {word.casefold() for word in (*mapping.values.true, *mapping.values.false)}
        known |= np.array([word.casefold() in flags for word in words], dtype=np.bool_)
    return known
