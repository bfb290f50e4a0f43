"""A day on which patients stop and as many others begin: their ids were numbered anew, all of them or a part.

Who comes both before and after a day goes on across it. The number of those moves slowly from day to day. Where the
same people come on under other ids it falls on one day and rises again after it, and as many more ids end before that
day as begin on it; around a closure fewer go on too, but nobody takes their place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import Columns
from outcomes.errors import Finding

Counts = NDArray[np.int64]
_NEAR, _FAR = 28, 84
_LEAST_EXPECTED, _LEAST_GONE, _LEAST_ERRORS, _LEAST_REPLACED = 10, 0.15, 1.5, 0.5
_MOST_PLACES = 4


def find_new_numbers(columns: Columns, clinics: Sequence[str] = ()) -> list[Finding]:
    """Find days on which ids seem to have been numbered anew, in the export as a whole or at a clinic.

    Across such a day at least 15 % fewer ids go on than across the days one to three months before and after (and 1.5
    standard errors of a count), and for half of them at least one more than usual ends in the month before the day, and
    one more begins in the month after it.

    Parameters
    ----------
    columns : dict of ndarray, shape (n,)
        Visits in the order of patients.
    clinics : sequence of str
        What ``clinic`` counts; empty where the export has none. A patient is looked at where his visits begin.

    Returns
    -------
    list of Finding
        E274, at most one, with the day; where it shows at some clinics only, with the day of each.
    """
    day = columns["day"]
    if not day.size or int(day.max()) - int(day.min()) < 2 * _FAR:
        return []
    begin = int(day.min())
    day = day - begin
    patient = columns["patient"]
    starts = np.r_[0, 1 + np.flatnonzero(patient[1:] != patient[:-1])]
    first, last = np.minimum.reduceat(day, starts), np.maximum.reduceat(day, starts)
    n_days = int(day.max()) + 1
    found = _find_dip(first, last, n_days)
    places = [] if found is None else [str(np.datetime64(begin + found, "D"))]
    if clinics and not places:
        home = columns["clinic"][starts]
        dips = ((name, _find_dip(first[home == code], last[home == code], n_days)) for code, name in enumerate(clinics))
        places = [f"{np.datetime64(begin + dip, 'D')} at clinic {name}" for name, dip in dips if dip is not None]
    if not places:
        return []
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    words = (
        f"many patients stop, and as many others begin, about {', '.join(places[:_MOST_PLACES])}{more}. Were they "
        "given other ids? Then nobody can be followed across it."
    )
    return [Finding("E274", words, "", "Export all visits with the ids of one numbering.")]


def _find_dip(first: Counts, last: Counts, n_days: int) -> int | None:
    """Return the day across which fewer patients go on than around it, the worst one; None if there is none.

    How large a part was numbered anew it does not say: those who went on around the day are fewer for it, too.

    Parameters
    ----------
    first, last : ndarray of int, shape (patients,)
        Day of the first and of the last visit.
    n_days : int
        From the first visit of all to the last.
    """
    begun, ended = np.bincount(first, minlength=n_days), np.bincount(last + 1, minlength=n_days + 1)[:n_days]
    across = np.cumsum(np.r_[0, begun[:-1]] - ended)  # before the day and on it or later
    total, n_first, n_last = (np.r_[0, np.cumsum(counts)] for counts in (across, begun, ended))
    at = np.arange(_FAR, n_days - _FAR)
    expected = np.minimum(*_sum_around(total, at)) / (_FAR - _NEAR)
    gone = expected - across[at]
    months = (_FAR - _NEAR) / _NEAR
    more_first = n_first[at + _NEAR] - n_first[at] - np.maximum(*_sum_around(n_first, at)) / months
    more_last = n_last[at + 1] - n_last[at + 1 - _NEAR] - np.maximum(*_sum_around(n_last, at)) / months
    is_dip = (expected >= _LEAST_EXPECTED) & (gone >= _LEAST_GONE * expected)
    is_dip &= gone >= _LEAST_ERRORS * np.sqrt(expected)
    is_dip &= np.minimum(more_first, more_last) >= _LEAST_REPLACED * gone
    if not is_dip.any():
        return None
    share = np.where(is_dip, gone, 0) / np.maximum(expected, 1)
    worst = int(np.flatnonzero(share == share.max())[-1])  # the last ones under the old ids came some days before
    return int(at[worst])


def _sum_around(total: Counts, at: Counts) -> tuple[Counts, Counts]:
    """Return the sums over the days one to three months before each day, and after it, from the running total."""
    return total[at - _NEAR] - total[at - _FAR], total[at + _FAR] - total[at + _NEAR]
