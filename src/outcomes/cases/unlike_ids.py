"""What may name a patient though no list and no pattern knows it: told with its column, and shown in no table.

An id that is written unlike all others of its column counts as a patient, and a number of its own stands for it. A term
of few patients in which a word is none of any list is an unknown term, and its shape stands for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases.schema import UNNAMED
from outcomes.cases.suspicions import say_count
from outcomes.records.columns import show_header
from outcomes.records.inspect_terms import SHOWN_FROM
from outcomes.records.odd_ids import find_unlike
from outcomes.records.plain_words import mask_person

if TYPE_CHECKING:
    import pyarrow as pa

    from outcomes.cases.schema import Columns
    from outcomes.cases.typed import UnknownTerm
    from outcomes.records import Records

_UNITS = {
    "patient": ("patient_id", "unlike-"),
    "clinician": ("clinician_id", f"{UNNAMED} clinician "),
    "clinic": ("clinic_id", f"{UNNAMED} clinic "),
}
"""Unit -> field, and what stands before the number; that of a clinic of few patients has its name already."""


def hide_unlike(
    labels: dict[str, pa.StringArray], columns: Columns, kept: NDArray[np.intp], records: Records
) -> tuple[dict[str, pa.StringArray], tuple[str, ...]]:
    """Return the labels with ``unlike-1``, ``unnamed clinic 2`` for ids of which each is the only one in its form.

    Parameters
    ----------
    labels : dict of str to StringArray
        Unit -> its different ids.
    columns : dict of ndarray, shape (n,)
        Typed records.
    kept : ndarray of int
        Records that became visits.
    records : Records

    Returns
    -------
    labels : dict of str to StringArray
    notes : tuple of str
        How many there are, by column.
    """
    shown, notes = dict(labels), []
    for unit, (field, stem) in _UNITS.items():
        if unit not in labels or field in records.mapping.privacy.replaced:
            continue
        odd = find_unlike(field, labels[unit], columns[unit], kept)
        if unit != "patient":
            odd = [code for code in odd if not labels[unit][code].as_py().startswith(stem)]
        if not odd:
            continue
        texts = labels[unit].to_pylist()
        taken = set(texts)
        free = (name for n in count(1) if (name := f"{stem}{n}") not in taken)
        for code, name in zip(odd, free, strict=False):
            texts[code] = name
        shown[unit] = arrow.from_texts(texts)
        words = f"{say_count(len(odd))} of its ids are written unlike all others"
        notes.append(f'{_name_column(field, records)}: {words}; in the tables "{stem}1" and so on stand for them.')
    return shown, tuple(notes)


def tell_rare_words(unknown_terms: Sequence[UnknownTerm], records: Records) -> Iterator[str]:
    """Say of each column how many of its unknown terms of few patients hold a word or a number that no list knows.

    One may name a patient. None is shown in any table, and no row is set aside for it.
    """
    odd = Counter(field for field, term, _, n in unknown_terms if n < SHOWN_FROM and mask_person(term) != term)
    for field, n in odd.items():
        if any(field in file.field_columns for file in records.files):
            words = f"{say_count(n)} of its terms stand with fewer than {SHOWN_FROM} patients and hold words or numbers"
            remedy = "should one name a patient, mend it; they are shown by their shapes, in unknown_terms only"
            yield f"{_name_column(field, records)}: {words} that no list knows; {remedy}."


def _name_column(field: str, records: Records) -> str:
    header, letter = next(f.field_columns[field] for f in records.files if field in f.field_columns)
    return f'column "{show_header(header)}" ({letter})' if letter else header
