"""Looking up written modalities and muscles: whole term first, then its parts, then without dose, side or code text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from outcomes.definitions.codes import Flags, Masks, ProcedureIndex
from outcomes.definitions.terms import (
    LEFT,
    RIGHT,
    TermIndex,
    has_digit,
    index_distinct,
    normalise_term,
    normalise_terms,
    split_list_key,
    split_pair_key,
    take_dose,
    take_side,
)

_KNOWN, _ASSUMED, _BY_CASE = 1, 2, 4
_LIST = re.compile("[,;|]")
_PAIR, _TIGHT_PAIR = re.compile(r"\s(?:and|with|w/|\+|&)\s", re.IGNORECASE), re.compile("[/+&]")
_SPLITS = (_LIST, _PAIR, _TIGHT_PAIR)
"""What `split_list_key` and `split_pair_key` split at, for texts as they were written."""
_MOST_WORDS = 6
"""No term of the packaged tables has more."""

Found = tuple[int, int]
"""Mask and flags."""
FoundSides = tuple[int, int, bool, int]
"""Left mask, right mask, whether the side is missing, flags."""
_NO_MUSCLE: FoundSides = (0, 0, False, 0)
_NOTHING_SAID: FoundSides = (0, 0, False, _KNOWN)


@dataclass(frozen=True, slots=True)
class ModalityTerms:
    """Modalities of written terms, one entry a text.

    Attributes
    ----------
    masks : uint64 array (n,)
        Bit i is ``Codebook.modality_ids[i]``; of a text known in part, the part that is known.
    known : bool array (n,)
        Whether the whole text is understood; an empty text is known and names nothing.
    assumed : bool array (n,)
        Whether an ambiguous term was taken at its default.
    """

    masks: Masks
    known: Flags
    assumed: Flags


@dataclass(frozen=True, slots=True)
class MuscleTerms:
    """Muscles of written terms with their side, one entry a text.

    Attributes
    ----------
    left, right : uint64 array (n,)
        Bit i is ``Codebook.muscle_ids[i]``; both when the term says both sides or none.
    side_unknown : bool array (n,)
        Whether a muscle is named without its side.
    known, assumed : bool array (n,)
        As in `ModalityTerms`.
    """

    left: Masks
    right: Masks
    side_unknown: Flags
    known: Flags
    assumed: Flags


def find_modality_terms(index: TermIndex, procedures: ProcedureIndex, terms: Sequence[str]) -> ModalityTerms:
    """Look up distinct raw texts as modalities; see `ModalityTerms`."""
    found = _find_modalities(index, procedures, normalise_terms(terms))
    distinct, positions = index_distinct(found)
    spread = np.array(positions, dtype=np.intp)
    masks = np.array([mask for mask, _ in distinct], dtype=np.uint64)[spread]
    flags = np.array([flag for _, flag in distinct], dtype=np.uint8)[spread]
    _undo_lower_case(index, procedures, terms, masks, flags)
    return ModalityTerms(masks, (flags & _KNOWN) != 0, (flags & _ASSUMED) != 0)


def _find_modalities(index: TermIndex, procedures: ProcedureIndex, keys: Sequence[str]) -> list[Found]:
    # every whole key and every list entry met so far; the entries of a million cells are few
    met: dict[str, Found] = {key: (mask, _flags_of(index, key)) for key, mask in index.entries.items()}
    met[""] = (0, _KNOWN)
    return [met.get(key) or _find_by_parts(index, procedures, key, met) for key in keys]


def _find_by_parts(index: TermIndex, procedures: ProcedureIndex, key: str, met: dict[str, Found]) -> Found:
    parts = split_list_key(key)
    if len(parts) == 1:
        return _find_part(index, procedures, parts[0], met)
    found = []
    for part in parts:
        hit = met.get(part)
        if hit is None:
            hit = met[part] = _find_part(index, procedures, part, met)
        found.append(hit)
    return _join(found)


def _find_part(index: TermIndex, procedures: ProcedureIndex, part: str, met: dict[str, Found]) -> Found:
    """Look up one entry of a list: whole, without its doses, as a pair, as a code."""
    value = index.get(part)
    if value is not None:
        return value, _KNOWN
    if has_digit(part):
        rest = take_dose(part)
        if rest not in (part, "") and rest not in index.no_number:
            hit = met.get(rest)
            if hit is None:
                hit = _find_part(index, procedures, rest, met)
                if hit[1] & _KNOWN:
                    met[rest] = hit
            if hit[1] & _KNOWN:
                return hit
    pair = split_pair_key(part)
    if len(pair) > 1:
        return _join([met.get(each) or _find_part(index, procedures, each, met) for each in pair])
    return _find_code_text(procedures, part)


def _find_code_text(procedures: ProcedureIndex, part: str) -> Found:
    code = procedures.find_in(part) if has_digit(part) else None
    return (code.mask, _KNOWN if code.known else 0) if code else (0, 0)


def _join(found: Sequence[Found]) -> Found:
    mask, flags, known = 0, 0, _KNOWN
    for each in found:
        mask |= each[0]
        flags |= each[1]
        known &= each[1]
    return mask, (flags & ~_KNOWN) | known


def _flags_of(index: TermIndex, key: str) -> int:
    return _KNOWN | (_ASSUMED if key in index.assumed else 0) | (_BY_CASE if key in index.upper_case else 0)


def _undo_lower_case(
    index: TermIndex, procedures: ProcedureIndex, terms: Sequence[str], masks: Masks, flags: npt.NDArray[np.uint8]
) -> None:
    """Take back, in place, the terms that count only in capitals where the text has none."""
    rows = np.flatnonzero(flags & _BY_CASE)
    if not len(rows):
        return
    words = "|".join(r"\.?".join(key) for key in index.upper_case)
    capitals = re.compile(rf"\b(?:{words.upper()})\b")
    entries = {key: value for key, value in index.entries.items() if key not in index.upper_case}
    without = TermIndex(entries, index.joined, index.assumed, frozenset(), index.no_number)
    for row in rows.tolist():
        if not capitals.search(terms[row]):
            masks[row], flags[row] = _find_modalities(without, procedures, [normalise_term(terms[row])])[0]


def find_muscle_terms(index: TermIndex, terms: Sequence[str]) -> MuscleTerms:
    """Look up distinct raw texts as muscles with sides; see `MuscleTerms`."""
    distinct, positions = index_distinct(_find_muscles(index, key) for key in normalise_terms(terms))
    spread = np.array(positions, dtype=np.intp)
    left = np.array([each[0] for each in distinct], dtype=np.uint64)[spread]
    right = np.array([each[1] for each in distinct], dtype=np.uint64)[spread]
    side_unknown = np.array([each[2] for each in distinct], dtype=np.bool_)[spread]
    flags = np.array([each[3] for each in distinct], dtype=np.uint8)[spread]
    return MuscleTerms(left, right, side_unknown, (flags & _KNOWN) != 0, (flags & _ASSUMED) != 0)


def _find_muscles(index: TermIndex, key: str) -> FoundSides:
    # the whole term first: "lat" is a muscle and no side, "l spine paraspinals" is not on the left
    mask = index.get(key)
    if mask is not None:
        return _on_side(index, key, mask, 0)
    side, rest = take_side(key)
    mask = index.get(rest) if side else None
    if mask is not None:
        return _on_side(index, rest, mask, side)
    parts = _split_muscles(index, rest)
    if len(parts) < 2:
        return _NO_MUSCLE if key else _NOTHING_SAID
    left, right, side_unknown, flags, known = 0, 0, False, 0, _KNOWN
    for part in parts:
        own, bare = take_side(part) if index.get(part) is None else (0, part)
        mask = index.get(bare)
        hit = _NO_MUSCLE if mask is None else _on_side(index, bare, mask, own or side)
        left, right, side_unknown = left | hit[0], right | hit[1], side_unknown or hit[2]
        flags, known = flags | hit[3], known & hit[3]
    return left, right, side_unknown, (flags & ~_KNOWN) | known


def _split_muscles(index: TermIndex, key: str) -> list[str]:
    parts: list[str] = []
    for part in split_list_key(key):
        parts += [part] if index.get(part) is not None else split_pair_key(part)
    return parts


def _on_side(index: TermIndex, key: str, mask: int, side: int) -> FoundSides:
    flags = _KNOWN | (_ASSUMED if key in index.assumed else 0)
    return (mask if side != RIGHT else 0), (mask if side != LEFT else 0), not side, flags


def find_unknown_parts(texts: Sequence[str], is_known: Callable[[Sequence[str]], Flags]) -> list[list[str]]:
    """Return the parts that make each text unknown, as they are written: a list of terms is read part by part.

    A text with a part of more words than a term has is a note: it stays whole, lest a piece of it pass for a term.

    Parameters
    ----------
    texts : sequence of str
        Unknown as a whole.
    is_known : callable
        Which of some texts are understood; shape as given.
    """
    found = [[text] for text in texts]
    for mark in _SPLITS:
        found = [[part for word in words for piece in mark.split(word) if (part := piece.strip())] for words in found]
        distinct = list(dict.fromkeys(chain.from_iterable(found)))
        known = dict(zip(distinct, is_known(distinct).tolist(), strict=True))
        found = [[part for part in words if not known[part]] for words in found]
    is_list = [bool(words) and all(len(word.split()) <= _MOST_WORDS for word in words) for words in found]
    split = zip(texts, found, is_list, strict=True)
    return [list(dict.fromkeys(words)) if listed else [text] for text, words, listed in split]
