"""Clinics whose highest pain score changes from one quarter to the next: another scale, or another question.

Ratings on 0 to 5 among ratings on 0 to 10 are all within the scale, and nobody set aside: pain seems halved, and
indicators turn for the better.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.dates import quarter_word
from outcomes.cases.schema import HUNDREDTHS, Columns
from outcomes.errors import Finding

_LEAST_PATIENTS, _ABOVE_SHARE = 30, 0.3
"""Patients with a score in each of two quarters, and the share of one's who had one above all of the other's.

That none of thirty has one where three in ten do is chance once in 40,000 clinics and quarters.
"""
_LEAST_STEP = 3
_SCORES, _MOST_SAID = 11, 4
_REMEDY = (
    "Ask on which scale pain was rated there. Take another one out of the export, or bring it to the others' in the "
    "clinic system; if patients rated so on the same one, acknowledge it: [acknowledge] warnings and by in the mapping."
)


def find_moved_tops(columns: Columns, quarter: NDArray[np.int64], clinics: Sequence[str]) -> list[Finding]:
    """Find quarters of a clinic whose scores end three points or more below, or above, those of its quarter before.

    Parameters
    ----------
    columns : dict of ndarray, shape (n,)
        Visits, with ``patient``, ``clinic`` and ``pain_pre`` (hundredths).
    quarter : ndarray of int, shape (n,)
    clinics : sequence of str
        What ``clinic`` counts; empty where the export has none.

    Returns
    -------
    list of Finding
        E287, one for all clinics.
    """
    if "pain_pre" not in columns:
        return []
    scores = columns["pain_pre"]
    rows = np.flatnonzero(scores >= 0)
    if not rows.size:
        return []
    first, n_quarters = int(quarter.min()), int(quarter.max() - quarter.min()) + 1
    clinic = columns["clinic"][rows].astype(np.int64) if clinics else np.zeros(rows.size, np.int64)
    group = (clinic + 1) * n_quarters + quarter[rows] - first
    counts = np.bincount(group * _SCORES + scores[rows] // HUNDREDTHS)
    counts = np.append(counts, np.zeros(-counts.size % _SCORES, np.int64)).reshape(-1, _SCORES)
    top = _SCORES - 1 - (counts[:, ::-1] > 0).argmax(axis=1)
    large = np.flatnonzero(counts.sum(axis=1) >= _LEAST_PATIENTS)
    told = []
    for before, now in pairwise(large.tolist()):
        if before // n_quarters != now // n_quarters or abs(int(top[before]) - int(top[now])) < _LEAST_STEP:
            continue
        low, high = sorted((before, now), key=lambda place: int(top[place]))
        patients = [_count_patients(columns, rows[group == place], int(top[low])) for place in (low, high)]
        if min(n for n, _ in patients) >= _LEAST_PATIENTS and patients[1][1] >= _ABOVE_SHARE * patients[1][0]:
            told.append((now, before, int(top[low]), now == low))
    if not told:
        return []
    said = [_describe(one, n_quarters, first, clinics) for one in told[:_MOST_SAID]]
    more = f"; and {len(told) - _MOST_SAID} more" if len(told) > _MOST_SAID else ""
    return [Finding("E287", f"{'; '.join(said)}{more}.", "", _REMEDY)]


def _count_patients(columns: Columns, rows: NDArray[np.intp], low: int) -> tuple[int, int]:
    """Return how many patients have a score in these visits, and how many one of more than `low` whole points."""
    patient = columns["patient"][rows]
    above = columns["pain_pre"][rows] >= (low + 1) * HUNDREDTHS
    return np.unique(patient).size, np.unique(patient[above]).size


def _describe(one: tuple[int, int, int, bool], n_quarters: int, first: int, clinics: Sequence[str]) -> str:
    now, before, low, is_lower = one
    code = now // n_quarters - 1
    where = f" at clinic {clinics[code]}" if clinics and code >= 0 else ""
    without, with_some = (
        quarter_word(first + place % n_quarters) for place in ((now, before) if is_lower else (before, now))
    )
    return f"no pain score of {without}{where} reaches {low + 1}, and 3 of 10 patients or more had one in {with_some}"
