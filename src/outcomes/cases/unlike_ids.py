"""Ids that are written unlike all others of their column: in tables a number of their own stands for each.

A name or a number that no list and no pattern knows is an id like another. As a patient it counts; as a text it may
say who that is, so it stands nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases.suspicions import say_count
from outcomes.records.columns import show_header
from outcomes.records.odd_ids import find_unlike

if TYPE_CHECKING:
    import pyarrow as pa

    from outcomes.cases.schema import Columns
    from outcomes.records import Records

UNLIKE = "unlike"
_UNITS = {"patient": "patient_id", "clinician": "clinician_id", "clinic": "clinic_id"}


def hide_unlike(
    labels: dict[str, pa.StringArray], columns: Columns, kept: NDArray[np.intp], records: Records
) -> tuple[dict[str, pa.StringArray], tuple[str, ...]]:
    """Return the labels with ``unlike-1``, ``unlike-2`` for ids of which each is the only one in its form.

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
    for unit, field in _UNITS.items():
        if unit not in labels or field in records.mapping.privacy.replaced:
            continue
        odd = find_unlike(field, labels[unit], columns[unit], kept)
        if not odd:
            continue
        texts = labels[unit].to_pylist()
        free = (name for n in range(1, len(texts) + len(odd) + 1) if (name := f"{UNLIKE}-{n}") not in set(texts))
        for code, name in zip(odd, free, strict=False):
            texts[code] = name
        shown[unit] = arrow.from_texts(texts)
        header, letter = next(f.field_columns[field] for f in records.files if field in f.field_columns)
        place = f'column "{show_header(header)}" ({letter})' if letter else header
        words = f"{say_count(len(odd))} of its ids are written unlike all others"
        notes.append(f'{place}: {words}; in the tables "{UNLIKE}-1" and so on stand for them.')
    return shown, tuple(notes)
