"""Diagnosis and procedure codes as they stand in exports: lost dots, retired codes, modifiers, units.

A procedure code is only as good as what it says: 97140 is mobilisation or myofascial release or traction. So every
code carries what it *covers*, and `drop_named` leaves out a code whose place a written term has taken already.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from outcomes.definitions.tables import Table, split_list
from outcomes.definitions.terms import index_distinct
from outcomes.definitions.words import CODE_SPECIFICITY, DIAGNOSIS_TIERS, REGIONS

Masks = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Small = npt.NDArray[np.int8]

_PROCEDURE = re.compile(r"(?<![A-Z0-9])(?:[A-Z]\d{4}|\d{5})(?!\d)")
_DIAGNOSIS = re.compile(r"(?<![A-Z0-9])[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?(?![A-Z0-9])")
_DROPPED = str.maketrans(dict.fromkeys(". \t\u00a0\u200b\ufeff", ""))
_LONGEST_CODE = 9
_SHORTEST_LEAF = 4
_INJURY_CODE = 7
_CORE, _BROAD = DIAGNOSIS_TIERS.index("core"), DIAGNOSIS_TIERS.index("broad")


@dataclass(frozen=True, slots=True)
class CodeTerms:
    """What procedure codes say, one entry a text.

    Attributes
    ----------
    masks : uint64 array (n,)
        Modalities.
    first_exam, maintenance : bool array (n,)
        Marker of a first examination, of maintenance care.
    known : bool array (n,)
        Whether every code of the text is in the table; an empty text is known and says nothing.
    specificity : int8 array (n,)
        Index into `CODE_SPECIFICITY`, the vaguest of the text's codes; -1 without one.
    covers : uint64 array (n,)
        Modalities any of which, when written as a term, says better what the code says; see `drop_named`.
    """

    masks: Masks
    first_exam: Flags
    maintenance: Flags
    known: Flags
    specificity: Small
    covers: Masks


@dataclass(frozen=True, slots=True)
class DiagnosisTerms:
    """What diagnosis codes say, one entry a text.

    Attributes
    ----------
    tier, region : int8 array (n,)
        Index into `DIAGNOSIS_TIERS` and `REGIONS`; -1 when unknown, or when the code names no region.
    kind : int8 array (n,)
        Index into ``Codebook.diagnosis_kinds``; -1 when unknown or mixed.
    known : bool array (n,)
        Whether every code of the text was found; an empty text is known and says nothing.
    """

    tier: Small
    region: Small
    kind: Small
    known: Flags


def drop_named(text_masks: Masks, code_masks: Masks, covers: Masks) -> Masks:
    """Return the modalities of codes that no written term of the same record already says; text goes first.

    Parameters
    ----------
    text_masks : uint64 array (n,)
        Modalities from the written terms of the record each code stands in.
    code_masks, covers : uint64 array (n,)
        The code's modalities and what it covers, from `CodeTerms`.
    """
    return np.where((text_masks & covers) != 0, np.uint64(0), code_masks)


class Procedure(NamedTuple):
    """What one code, or several codes of one text, say."""

    mask: int
    covers: int
    specificity: int
    first_exam: bool
    maintenance: bool
    known: bool


@dataclass(frozen=True, slots=True)
class ProcedureIndex:
    """Procedure code -> what it says."""

    entries: dict[str, Procedure]

    def find_in(self, text: str) -> Procedure | None:
        """Return what the codes in a text say together; None when there is no code in it."""
        upper = text.upper()
        entry = self.entries.get(upper)
        if entry is not None:
            return entry
        codes = _PROCEDURE.findall(upper)
        if len(codes) == 1:
            return self.entries.get(codes[0], _NO_PROCEDURE)
        found = [self.entries.get(code, _NO_PROCEDURE) for code in codes]
        return _join_procedures(found) if found else None


_NO_PROCEDURE = Procedure(0, 0, -1, False, False, False)
_NOTHING_SAID = Procedure(0, 0, -1, False, False, True)


def _join_procedures(found: Sequence[Procedure]) -> Procedure:
    mask = covers = 0
    for each in found:
        mask, covers = mask | each.mask, covers | each.covers
    return Procedure(
        mask,
        covers,
        max(each.specificity for each in found),
        any(each.first_exam for each in found),
        any(each.maintenance for each in found),
        all(each.known for each in found),
    )


def build_procedures(table: Table, modality_bits: dict[str, int], families: Sequence[int]) -> ProcedureIndex:
    """Return the index of ``modality_codes.csv``; an inexact code covers its family and what the table adds."""
    entries = {}
    for row in table.rows:
        mask = modality_bits[row["modality_id"]]
        covers = mask
        if row["specificity"] != "exact":
            for family in families:
                covers |= family if family & mask else 0
        for name in split_list(row["covers"]):
            covers |= modality_bits[name]
        specificity, marker = CODE_SPECIFICITY.index(row["specificity"]), row["marker"]
        said = Procedure(mask, covers, specificity, marker == "first_exam", marker == "maintenance", True)
        entries[row["code"].upper()] = said
    return ProcedureIndex(entries)


def find_procedures(index: ProcedureIndex, texts: Sequence[str]) -> CodeTerms:
    """Look up distinct raw texts, each a CPT or HCPCS number with modifiers and units, or several of them."""
    said = (index.find_in(key) or (_NO_PROCEDURE if key else _NOTHING_SAID) for key in map(str.strip, texts))
    distinct, positions = index_distinct(said)
    spread = np.array(positions, dtype=np.intp)
    return CodeTerms(
        masks=np.array([each.mask for each in distinct], dtype=np.uint64)[spread],
        first_exam=np.array([each.first_exam for each in distinct], dtype=np.bool_)[spread],
        maintenance=np.array([each.maintenance for each in distinct], dtype=np.bool_)[spread],
        known=np.array([each.known for each in distinct], dtype=np.bool_)[spread],
        specificity=np.array([each.specificity for each in distinct], dtype=np.int8)[spread],
        covers=np.array([each.covers for each in distinct], dtype=np.uint64)[spread],
    )


Meaning = tuple[int, int, int]
_UNKNOWN: Meaning = (-1, -1, -1)


@dataclass(frozen=True, slots=True)
class DiagnosisIndex:
    """ICD-10 code without dots -> (tier, region, kind), for whole codes and for their beginnings.

    The rule in prose: a code that is in the table says what the table says. A code shorter than the table's keeps tier
    and kind where everything below it agrees, and the region only when nothing but a letter (active, later care, late
    effect) is missing. A longer code means its beginning. The deciding sentence: *what the beginnings disagree about is
    not known*.
    """

    whole: dict[str, Meaning]
    leaves: frozenset[str]
    beginnings: dict[str, Meaning]

    def find(self, key: str) -> tuple[str, Meaning] | None:
        """Return the table's code and meaning of one code without dots, None when it is unknown."""
        meaning = self.whole.get(key)
        if meaning is not None:
            return key, meaning
        if len(key) >= _SHORTEST_LEAF and key in self.beginnings:
            return "", self.beginnings[key]
        if len(key) == _INJURY_CODE and key[:-1] in self.beginnings:
            return "", self.beginnings[key[:-1]]
        for length in range(min(len(key), _LONGEST_CODE) - 1, _SHORTEST_LEAF - 1, -1):
            start = key[:length]
            if start in self.whole and (start in self.leaves or key[length:].isalpha()):
                return start, self.whole[start]
        return None


def build_diagnoses(leaf_table: Table, other_table: Table, kinds: Sequence[str]) -> DiagnosisIndex:
    """Return the index of ``icd10cm.csv`` (leaf codes) and ``icd10_other.csv`` (retired and WHO codes)."""
    whole: dict[str, Meaning] = {}
    beginnings: dict[str, Meaning | None] = {}
    for table in (leaf_table, other_table):
        for row in table.rows:
            code = compact_code(row["code"])
            region = REGIONS.index(row["region"]) if row["region"] in REGIONS else -1
            meaning = (DIAGNOSIS_TIERS.index(row["tier"]), region, kinds.index(row["kind"]))
            whole.setdefault(code, meaning)
            if table is leaf_table:
                _add_beginnings(beginnings, code, meaning)
    agreed = {start: meaning for start, meaning in beginnings.items() if meaning is not None}
    return DiagnosisIndex(whole, frozenset(compact_code(row["code"]) for row in leaf_table.rows), agreed)


def _add_beginnings(beginnings: dict[str, Meaning | None], code: str, meaning: Meaning) -> None:
    tier, region, kind = meaning
    for length in range(_SHORTEST_LEAF, len(code)):
        here = (tier, region if code[length:].isalpha() else -1, kind)
        before = beginnings.setdefault(code[:length], here)
        if before is None or before[0] != tier:
            beginnings[code[:length]] = None
        else:
            same_region, same_kind = before[1] == here[1], before[2] == kind
            beginnings[code[:length]] = (tier, here[1] if same_region else -1, kind if same_kind else -1)


def compact_code(text: str) -> str:
    """Return a diagnosis code in capitals without dots and blanks."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.upper().translate(_DROPPED)


def find_diagnosis_codes(index: DiagnosisIndex, texts: Sequence[str], core: Collection[str] | None) -> DiagnosisTerms:
    """Look up distinct raw texts: a code, with or without words, or several codes, of which the best tier counts."""
    wanted = None if core is None else frozenset(map(compact_code, core))
    met: dict[str, tuple[Meaning, bool]] = {}
    found, positions = index_distinct(_find_text(index, text, wanted, met) for text in texts)
    spread = np.array(positions, dtype=np.intp)
    meanings = np.array([meaning for meaning, _ in found], dtype=np.int8).reshape(-1, 3)
    tier, region, kind = (meanings[spread, column] for column in range(3))
    return DiagnosisTerms(tier, region, kind, np.array([known for _, known in found], dtype=np.bool_)[spread])


def _find_text(
    index: DiagnosisIndex, text: str, core: frozenset[str] | None, met: dict[str, tuple[Meaning, bool]]
) -> tuple[Meaning, bool]:
    key = compact_code(text)
    if not key:
        return _UNKNOWN, True
    if len(key) <= _LONGEST_CODE:
        hit = met.get(key)
        if hit is None:
            meaning = _find_code(index, key, core)
            hit = met[key] = (meaning, True) if meaning else (_UNKNOWN, False)
        if hit[1]:
            return hit
    codes = tuple(_DIAGNOSIS.findall(text.upper()))
    joined = " ".join(codes)
    if joined not in met:
        met[joined] = _join_diagnoses([_find_code(index, compact_code(code), core) for code in codes])
    return met[joined]


def _join_diagnoses(found: Sequence[Meaning | None]) -> tuple[Meaning, bool]:
    meanings = sorted(meaning for meaning in found if meaning is not None)
    if not meanings:
        return _UNKNOWN, False
    tier, region, kind = meanings[0]
    regions = {meaning[1] for meaning in meanings} - {-1}
    if region < 0 and len(regions) == 1:
        region = regions.pop()
    return (tier, region, kind), None not in found


def _find_code(index: DiagnosisIndex, key: str, core: frozenset[str] | None) -> Meaning | None:
    hit = index.find(key)
    if core is None:
        return hit[1] if hit else None
    if key in core or (hit and hit[0] in core):
        return (_CORE, *hit[1][1:]) if hit else (_CORE, -1, -1)
    if hit and hit[1][0] == _CORE:
        return (_BROAD, *hit[1][1:])
    return hit[1] if hit else None
