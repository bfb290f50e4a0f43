"""Two exports that cover the same weeks: what the newer one no longer has, and which of them was named as the later."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import MISSING
from outcomes.errors import Finding
from outcomes.records.counted import counted

if TYPE_CHECKING:
    from outcomes.cases.schema import Columns
    from outcomes.records import Records

_LEAST_SHARED, _SHARE_SHARED, _LATER_DAYS = 20, 0.5, 7
_FEW = 5
_BITS, _DAY = 32, (1 << 32) - 1


def find_overlaps(records: Records, columns: Columns) -> Iterator[Finding]:
    """Find what is odd about files that tell of the same days of the same patients.

    Parameters
    ----------
    records : Records
    columns : dict of ndarray, shape (n,)
        Typed records, with ``patient`` and ``day``.

    Yields
    ------
    Finding
        E228 days that stand in the older of two exports only, E229 the file that corrects the other ends before it.
    """
    if len(records.files) < 2:
        return
    days = [_list_days(columns, records.source == i) for i in range(len(records.files))]
    for i, j in combinations(range(len(days)), 2):
        if not (days[i].size and days[j].size):
            continue
        ends = [int(np.percentile(days[k] & _DAY, 99, method="nearest")) for k in (i, j)]
        older, newer = (i, j) if ends[0] <= ends[1] else (j, i)
        shared = np.isin(days[older], days[newer], assume_unique=True)
        if not shared.any():
            continue
        names = [records.files[k].place for k in (older, newer)]
        if records.mapping.file.later_file_corrects and ends[1] + _LATER_DAYS < ends[0]:
            words = f"it is named later than {names[1]}, and counts where they differ, but its visits end before those"
            yield Finding("E229", f"{words}.", names[0], "If it is the older export, name the files oldest first.")
        # Where most of the days of these weeks stand in both, the newer one has all it knows of them.
        day = days[older] & _DAY
        first, last = np.percentile(day[shared], (1, 99), method="nearest")
        within = (day >= first) & (day <= last)
        n_shared, n_gone = int((within & shared).sum()), int((within & ~shared).sum())
        if n_gone and n_shared >= _LEAST_SHARED and n_shared >= _SHARE_SHARED * within.sum():
            count = counted(n_gone, "day") if n_gone >= _FEW else f"fewer than {_FEW} days"
            words = (
                f"{count} of patients in weeks that {names[1]} covers too are not in that: deleted since, or moved to "
            )
            remedy = "If the newer export is right, leave these weeks out of the older one."
            yield Finding("E228", f"{words}another day? They count.", names[0], remedy)


def _list_days(columns: Columns, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number each different patient-day: the patient, and in the lower 32 bits the day."""
    rows = np.flatnonzero(which & (columns["day"] != MISSING))
    return np.unique(columns["patient"][rows].astype(np.int64) << _BITS | columns["day"][rows])
