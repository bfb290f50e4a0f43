"""Ids that look like each other: zeros lost on the left, capitals, blanks, O and 0, letters of other scripts.

Taken as they stand, one person becomes two and her follow-up ends between them; taken as one, two people become one.
Neither is guessed. What is compared is a folded id, made by Arrow for all ids at once, so a column without look-alikes
costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.errors import Finding

if TYPE_CHECKING:
    from outcomes.records.model import Records

SAME = "same"
_MOST_SHOWN = 3
# An apostrophe before it marks a text for spreadsheets; quotes stay in a cell that a blank stands before.
_INVISIBLE = r"^'|'$|\"|[\s\p{Cf}]+"
# Cyrillic and Greek small letters that cannot be told from Latin ones in print.
LOOK_ALIKES = dict(zip("авекмнорстухіјѕԁαβεηικνορτυχ", "abekmhopctyxijsdabeniknoptux", strict=True))
LOOK_ALIKES |= dict.fromkeys("‐‑‒–—−", "-")  # a word processor makes a dash of a hyphen
SCIENTIFIC = r"^\s*\d([.,]\d+)?[eE]\+?\d+\s*$"
"""An id that a spreadsheet wrote as 1.2E+05; where decimals have commas, as 1,2E+05."""
WHOLE_DECIMAL = r"^\s*\d+[.,]0+\s*$"
NO_IDS = frozenset(
    (
        *("null", "nan", "none", "n/a", "#n/a", "unknown", "unk", "missing", "not available", "unbekannt", "keine"),
        *("k.a.", "keine angabe", "onbekend", "inconnu", "?", "-", "--", "—", "–", ".", "0", "00", "000", "0000"),
        *("kein", "leer", "no id", "unknown patient", "desconocido", "desconocida", "sin id", "s/n", "s/d", "n/d"),
        *("inconnue", "aucun", "geen", "sconosciuto", "nessuno", "desconhecido", "nieznany", "brak"),
    )
)
"""Words for no id; "NA", "ND" and the like may be initials."""
_REMEDY = (
    'Write them alike in the clinic system, or declare [values] similar_ids = "same" (each pair is one person) or '
    '"apart" (they are different people).'
)


@dataclass(frozen=True, slots=True)
class PatientIds:
    """Ids after the look-alikes were dealt with.

    Attributes
    ----------
    labels : pyarrow.StringArray, shape (k,)
        The ids, sorted.
    codes : ndarray of int32, shape (m,)
        Position in `labels` of each distinct cell; -1 for a blank one.
    lost_zeros : ndarray of bool, shape (m,)
        Cells whose id equals another but for zeros on the left.
    similar : tuple of tuple of int
        Groups of ids (positions in `labels`) that look alike otherwise.
    n_joined : int
        Ids that were taken as another one, as declared.
    """

    labels: pa.StringArray
    codes: NDArray[np.int32]
    lost_zeros: NDArray[np.bool_]
    similar: tuple[tuple[int, ...], ...] = ()
    n_joined: int = 0


def compare_ids(labels: pa.StringArray, codes: NDArray[np.int32], declared: str | None) -> PatientIds:
    """Find ids that look alike, or join them where the mapping says that they are the same.

    Parameters
    ----------
    labels : pyarrow.StringArray, shape (k,)
        Distinct ids, trimmed and sorted.
    codes : ndarray of int32, shape (m,)
        Position in `labels` of each distinct cell; -1 for a blank.
    declared : {"same", "apart", None}
        What the mapping says of ids that look alike.
    """
    none = np.zeros(len(codes), dtype=np.bool_)
    if declared == "apart" or not len(labels):
        return PatientIds(labels, codes, none)
    folded = fold_ids(labels)
    bare = pc.replace_substring_regex(folded, r"^0+([0-9]+)$", r"\1")
    if declared == SAME:
        return _join(labels, codes, bare)
    group = arrow.to_numpy(bare.dictionary_encode().indices, np.int32)
    if len(labels) == int(group.max()) + 1:
        return PatientIds(labels, codes, none)
    alike = arrow.to_numpy(folded.dictionary_encode().indices, np.int32)
    similar = _groups(alike)
    # A group by folding is asked for as a whole; what only stripping zeros brings together is set aside.
    zeros = np.bincount(group)[group] > np.bincount(alike)[alike]
    of_cell = np.zeros(len(codes), dtype=np.bool_)
    of_cell[codes >= 0] = zeros[codes[codes >= 0]]
    return PatientIds(labels, codes, of_cell, similar)


def count_similar(labels: pa.StringArray, declared: str | None) -> tuple[int, int] | None:
    """Count the groups of ids that have to be asked about, and the ids in them; None where there are none."""
    if declared:
        return None
    similar = compare_ids(labels, np.arange(len(labels), dtype=np.int32), None).similar
    return (len(similar), sum(map(len, similar))) if similar else None


def fold_ids(labels: pa.StringArray) -> pa.StringArray:
    """Write ids without what a reader does not see: capitals, blanks, O for 0, letters of other scripts."""
    if not pc.all(pc.string_is_ascii(labels)).as_py():
        labels = pc.utf8_normalize(labels, form="NFKC")
    lowered = pc.replace_substring_regex(pc.utf8_lower(labels), _INVISIBLE, "")
    if not pc.all(pc.string_is_ascii(lowered)).as_py():
        table = str.maketrans(LOOK_ALIKES)
        lowered = arrow.from_texts([text.translate(table) for text in lowered.to_pylist()])
    return pc.replace_substring(lowered, "o", "0")


def _groups(alike: NDArray[np.int32]) -> tuple[tuple[int, ...], ...]:
    several = np.flatnonzero(np.bincount(alike) > 1)
    members = np.flatnonzero(np.isin(alike, several))
    return tuple(tuple(members[alike[members] == one].tolist()) for one in several.tolist())


def _join(labels: pa.StringArray, codes: NDArray[np.int32], bare: pa.StringArray) -> PatientIds:
    """Take ids of one folded form as the first of them."""
    group = arrow.to_numpy(bare.dictionary_encode().indices, np.int32)
    _, firsts, place = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    new = np.append(rank[place], np.int32(-1)).astype(np.int32)
    kept = labels.take(arrow.from_numpy(np.sort(firsts).astype(np.int64)))
    none = np.zeros(len(codes), dtype=np.bool_)
    return PatientIds(kept, new[codes], none, n_joined=len(labels) - len(kept))


def ask_for_similar(records: Records, ids: PatientIds, header: str) -> Finding:
    """Return the question about ids that look alike, with the rows of some pairs and no id."""
    column = records.fields["patient_id"]
    shown = []
    for group in ids.similar[:_MOST_SHOWN]:
        cells = [np.isin(column.codes, np.flatnonzero(ids.codes == place)) for place in group[:2]]
        first = sorted(int(np.argmax(rows)) for rows in cells)
        shown.append(
            " and ".join(f"{records.files[records.source[i]].place} row {records.source_row[i]}" for i in first)
        )
    more = f" and {len(ids.similar) - _MOST_SHOWN} more" if len(ids.similar) > _MOST_SHOWN else ""
    pairs = f"{'; '.join(shown)}{more}"
    words = f"ids differ only in capitals, blanks, O and 0, or letters and dashes that look alike: {pairs}."
    return Finding("E206", words, f"column '{header}' (patient_id)", _REMEDY)
