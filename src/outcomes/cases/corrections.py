"""One day told twice: by an earlier export and, differently, by a later one.

Records of one day in one file are parts of one visit and are merged. In two files they are the same visit exported
twice, and where they differ somebody corrected it: merged, the two versions would be mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.errors import Finding
from outcomes.records.counted import counted

if TYPE_CHECKING:
    from outcomes.cases.schema import Columns
    from outcomes.records import Records

Rows = NDArray[np.intp]
_REMEDY = (
    "Name the files oldest first and declare [file] later_file_corrects = true (the later file counts), or false "
    "(both are records of that day)."
)


def find_corrected(records: Records, columns: Columns, used: NDArray[np.bool_]) -> tuple[Rows, Finding | None]:
    """Find the days that two files tell differently.

    Parameters
    ----------
    records : Records
    columns : dict of ndarray, shape (n,)
        Typed records: ``patient``, ``day`` and, where the export has it, ``clinic``.
    used : ndarray of bool, shape (n,)
        Records without a fault.

    Returns
    -------
    rows : ndarray of int
        Records that a later file corrects; empty unless ``[file] later_file_corrects = true``.
    question : Finding or None
        E208, where the mapping does not say which file counts.
    """
    none = np.zeros(0, dtype=np.intp)
    declared = records.mapping.file.later_file_corrects
    if len(records.files) < 2 or declared is False:
        return none, None
    rows, day = _told_twice(records, columns, used)
    if not rows.size:
        return none, None
    source = records.source[rows]
    changed = _differs(_contents(records, rows), day, source)[day]
    if not changed.any():
        return none, None
    if declared:
        latest = np.full(int(day.max()) + 1, -1, dtype=source.dtype)
        np.maximum.at(latest, day, source)
        return rows[changed & (source < latest[day])], None
    names = ", ".join(records.files[i].place for i in np.unique(source[changed]).tolist())
    n = len(np.unique(day[changed]))
    told = f"{counted(n, 'day')} of {'a patient is' if n == 1 else 'patients are'} told differently"
    words = f"{told} by several files ({names}): a later correction?"
    return none, Finding("E208", words, "", _REMEDY)


def _told_twice(records: Records, columns: Columns, used: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.int32]]:
    """Records of patient-days (at one clinic) that stand in several files, and the number of that day."""
    rows = np.flatnonzero(used)
    day = columns["patient"][rows].astype(np.int64)
    for name in ("day", "clinic"):
        if name in columns:
            part = columns[name][rows].astype(np.int64)
            low = int(part.min(initial=0))
            _, codes = arrow.encode(day * (int(part.max(initial=0)) - low + 1) + part - low)
            day = codes.astype(np.int64)
    number = day.astype(np.int32)
    first = np.full(int(number.max(initial=-1)) + 1, np.iinfo(np.int16).max, dtype=np.int16)
    last = np.full(len(first), -1, dtype=np.int16)
    np.minimum.at(first, number, records.source[rows])
    np.maximum.at(last, number, records.source[rows])
    several = (first != last)[number]
    return rows[several], number[several]


def _contents(records: Records, rows: Rows) -> NDArray[np.int32]:
    """Number the distinct contents of records: equal numbers, equal in every field that was read."""
    content = np.zeros(len(rows), dtype=np.int32)
    for column in (*records.fields.values(), *records.modality_flags.values()):
        width = max(1, len(column.values))
        _, content = arrow.encode(content.astype(np.int64) * width + column.codes[rows])
    return content


def _differs(content: NDArray[np.int32], day: NDArray[np.int32], source: NDArray[np.int16]) -> NDArray[np.bool_]:
    """For each day, whether some file tells it otherwise than another; shape (days,)."""
    triples = np.unique(np.column_stack([day, content, source]).astype(np.int64), axis=0)
    n_days = int(day.max()) + 1
    files = np.unique(triples[:, [0, 2]], axis=0)
    n_files = np.bincount(files[:, 0], minlength=n_days)
    pairs, n_with = np.unique(triples[:, :2], axis=0, return_counts=True)
    differs = np.zeros(n_days, dtype=np.bool_)
    differs[pairs[n_with != n_files[pairs[:, 0]], 0]] = True
    return differs
