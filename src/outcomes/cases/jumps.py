"""Columns that never change, ages that do, scores typed in ahead, and a last quarter unlike the one before it.

A broken interface seldom breaks loudly: a field stops being filled, a default takes its place, half the visits stay
behind. A real change in practice looks the same, so somebody has to look; nothing is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.rules import OLDEST
from outcomes.cases.schema import HUNDREDTHS, MISSING, Columns
from outcomes.cases.suspicions import name_quarter, quarter_of, say_count
from outcomes.errors import Finding

CODES = frozenset({"E247", "E271", "E273", "E281", "E282", "E283"})
"""What `find_jumps` can find."""
_CONSTANT = ("day", "pain_pre", "pain_post", "function_score", "age", "onset_days")
_LEAST_CELLS, _LEAST_PATIENTS = 50, 10
_FIRST_ROWS = 1_000
_LEAST_SCORES, _SAME_SHARE, _MOST_PLACES = 30, 0.95, 4
_LEAST_VISITS = 100
_VOLUME_SHARE, _MISSING_POINTS, _MADS = 0.4, 20, 3
_RATINGS = ("pain_pre", "pain_post")
_SETS = ("modalities", "muscles_identified_left", "muscles_identified_right")
_QUARTER_DAYS = 92
_CLOSED_DAYS = 4
"""A weekend and two holidays: so many days without a visit at the edge of a quarter leave it complete."""
_ASK = "Check the export; if the change is real, acknowledge it: [acknowledge] warnings and by in the mapping."


def find_jumps(columns: Columns, first_day: int, last_day: int, clinics: Sequence[str] = ()) -> list[Finding]:
    """Find columns that never change, ages that change too fast, and a last quarter unlike the one before.

    Parameters
    ----------
    columns : dict of ndarray, shape (n,)
        Visits in patient, stream and day order.
    first_day, last_day : int
        First and last day the records cover; -1 where they have no calendar.
    clinics : sequence of str
        What ``clinic`` counts; empty where the export has none.

    Returns
    -------
    list of Finding
        E271 constant column, E247 ages, E273 one score at a clinic in a quarter, E281 median, E282 missing values,
        E283 number of visits.
    """
    found = [*_find_constant(columns), *_find_odd_ages(columns)]
    if first_day < 0 or last_day < 0 or not len(columns["day"]):
        return found
    quarter = quarter_of(columns["day"])
    if "E271" not in {one.code for one in found if "pain_pre" in one.message}:
        found += _find_same_scores(columns, quarter, clinics)
    last = _last_complete(last_day)
    if quarter_of(np.array([first_day - 1 - _CLOSED_DAYS], dtype=np.int32))[0] >= last - 1:
        return found  # the quarter before the last one is not complete
    return found + _compare_quarters(columns, quarter == last, quarter == last - 1, last)


def _last_complete(last_day: int) -> int:
    """The newest quarter that is covered to its end, but for days on which the practice may have been closed."""
    return int(quarter_of(np.array([last_day + 1 + _CLOSED_DAYS], dtype=np.int32))[0]) - 1


def _find_constant(columns: Columns) -> list[Finding]:
    found = []
    for name in _CONSTANT:
        values = columns.get(name)
        if values is None or _varies(name, values[:_FIRST_ROWS]) or _varies(name, values):
            continue  # almost every column varies within its first rows, and the rest need not be looked at
        recorded = _recorded(name, values)
        n = int(recorded.sum())
        if n >= _LEAST_CELLS and len(np.unique(columns["patient"][recorded])) >= _LEAST_PATIENTS:
            words = f"all {n:,} recorded values of {name} are the same: a default, or a stale export?"
            found.append(Finding("E271", words, "", "Check the export of this column, or do not map it."))
    return found


def _find_same_scores(columns: Columns, quarter: NDArray[np.int64], clinics: Sequence[str]) -> list[Finding]:
    """Quarters of a clinic in which nearly all scores before treatment are one whole number: no patient was asked."""
    scores = columns.get("pain_pre", np.zeros(0, np.int16))
    rows = np.flatnonzero(scores >= 0)
    if not rows.size:
        return []
    first, step = int(quarter.min()), int(quarter.max() - quarter.min()) + 1
    clinic = columns["clinic"][rows] if clinics else np.zeros(rows.size, np.int64)
    group = (clinic.astype(np.int64) + 1) * step + quarter[rows] - first
    n = np.bincount(group)
    whole = scores[rows] % HUNDREDTHS == 0
    score = group[whole] * 11 + scores[rows[whole]] // HUNDREDTHS
    most = np.bincount(score, minlength=n.size * 11).reshape(-1, 11).max(axis=1)
    places: dict[str, list[int]] = {}
    for place in np.flatnonzero((n >= _LEAST_SCORES) & (most >= _SAME_SHARE * n)).tolist():
        if len(np.unique(columns["patient"][rows[group == place]])) >= _LEAST_PATIENTS:
            code = place // step - 1
            name = f"clinic {clinics[code]}" if clinics and code >= 0 else ""
            places.setdefault(name, []).append(first + place % step)
    if not places:
        return []
    said = [f"{name} ({when})" if name else when for name, when in ((k, _span(v)) for k, v in places.items())]
    more = f" and {len(said) - _MOST_PLACES} more" if len(said) > _MOST_PLACES else ""
    listed = ", ".join(said[:_MOST_PLACES]) + more
    words = f"nearly all pain scores before treatment are one number: {listed}. A default, or typed in ahead?"
    return [Finding("E273", words, "", "Check how the score is asked for and entered there.")]


def _span(quarters: list[int]) -> str:
    """Write quarters in order: 2025Q3 to 2026Q2, or one by one where others lie between."""
    if len(quarters) > 1 and quarters[-1] - quarters[0] == len(quarters) - 1:
        return f"{name_quarter(quarters[0])} to {name_quarter(quarters[-1])}"
    return ", ".join(map(name_quarter, quarters))


def _varies(name: str, values: NDArray[Any]) -> bool:
    recorded = values[_recorded(name, values)]
    return bool(len(recorded) and (recorded != recorded[0]).any())


def _recorded(name: str, values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return ~np.isnan(values)
    return values != 0 if name in _SETS else values != MISSING


def _find_odd_ages(columns: Columns) -> list[Finding]:
    if "age" not in columns:
        return []
    age, patient, day = columns["age"], columns["patient"], columns["day"]
    found = []
    if n_zero := int((age == 0).sum()):
        words = f"{say_count(n_zero)} visits are by patients of age 0: infants, or a stand-in for unknown?"
        found.append(Finding("E247", words, "", 'If 0 stands for unknown, declare it: [values] missing = ["", "0"].'))
    known = (age >= 0) & (age < OLDEST)
    if not known.all():
        age, patient, day = age[known], patient[known], day[known]
    # Visits stand in patient, stream and day order: the neighbour is the same person at nearly the same time.
    jumps = np.flatnonzero((np.abs(np.diff(age)) > 1) & (np.diff(patient) == 0))
    jumps = jumps[np.abs(day[jumps + 1] - day[jumps]) <= _QUARTER_DAYS]
    if n := len(np.unique(patient[jumps])):
        words = f"{say_count(n)} patients grow older or younger by more than a year within a quarter."
        found.append(Finding("E247", words, "", "Check whether ids are shared, or ages typed by hand."))
    return found


def _compare_quarters(columns: Columns, now: NDArray[np.bool_], then: NDArray[np.bool_], last: int) -> list[Finding]:
    n_now, n_then = int(now.sum()), int(then.sum())
    if n_then < _LEAST_VISITS:
        return []
    place = f"quarter {name_quarter(last)}"
    found = []
    if abs(n_now / n_then - 1) > _VOLUME_SHARE:
        words = f"{say_count(n_now)} visits, after {n_then:,} in the quarter before ({n_now / n_then - 1:+.0%})."
        found.append(Finding("E283", words, place, _ASK))
    if n_now < _LEAST_VISITS:
        return found
    for name, values in columns.items():
        if values.dtype.kind == "b" or name in ("patient", "day", "stream", "n_records", "source", "source_row"):
            continue
        recorded = _recorded(name, values)
        shares = [100 * (1 - float(recorded[rows].mean())) for rows in (now, then)]
        if abs(shares[0] - shares[1]) > _MISSING_POINTS:
            words = f"{name} is missing at {shares[0]:.0f} % of visits, after {shares[1]:.0f} % in the quarter before."
            found.append(Finding("E282", words, place, _ASK))
        if name in _RATINGS:
            found += _compare_medians(name, values[now & recorded], values[then & recorded], place)
    return found


def _compare_medians(name: str, now: NDArray[Any], then: NDArray[Any], place: str) -> list[Finding]:
    """A median that moved by more than three median absolute deviations of the quarter before, and by a point."""
    if min(len(now), len(then)) < _LEAST_VISITS:
        return []
    middle = float(np.median(then))
    spread = float(np.median(np.abs(then - middle)))
    moved = float(np.median(now)) - middle
    if abs(moved) <= max(_MADS * spread, HUNDREDTHS):
        return []
    words = f"the median of {name} moved by {moved / HUNDREDTHS:+.1f} points from one quarter to the next."
    return [Finding("E281", words, place, _ASK)]
