"""Columns that never change, ages that do, scores typed in ahead, months without visits, a last quarter unlike others.

A broken interface seldom breaks loudly: a field stops being filled, a default takes its place, half the visits stay
behind. A real change in practice looks the same, so somebody has to look; nothing is set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.continuity import find_new_numbers
from outcomes.cases.dates import quarter_word
from outcomes.cases.rules import OLDEST
from outcomes.cases.schema import HUNDREDTHS, MISSING, Columns
from outcomes.cases.score_tops import find_moved_tops
from outcomes.cases.suspicions import quarter_of, say_count
from outcomes.errors import Finding

CODES = frozenset({"E247", "E271", "E273", "E274", "E281", "E282", "E283", "E284", "E287"})
"""What `find_jumps` can find."""
_CONSTANT = ("day", "pain_pre", "pain_post", "function_score", "age", "onset_days")
_LEAST_CELLS, _LEAST_PATIENTS = 50, 10
_FIRST_ROWS = 1_000
_HOLE_SHARE, _USUAL_SHARE, _LEAST_A_MONTH, _LEAST_MONTHS = 0.1, 0.5, 20, 6
_LEAST_SCORES, _SAME_SHARE, _MOST_PLACES = 30, 0.95, 4
_LEAST_VISITS = 100
_VOLUME_SHARE, _MISSING_POINTS, _MADS = 0.4, 20, 3
_RATINGS = ("pain_pre", "pain_post")
_SETS = ("modalities", "muscles_identified_left", "muscles_identified_right")
_QUARTER_DAYS = 92
_CLOSED_DAYS = 4
"""A weekend and two holidays: so many days without a visit at the edge of a quarter leave it complete."""
_ASK = "Check the export; if the change is real, acknowledge it: [acknowledge] warnings and by in the mapping."


def find_jumps(
    columns: Columns, first_day: int, last_day: int, clinics: Sequence[str] = (), known: Sequence[Finding] = ()
) -> list[Finding]:
    """Find columns that never change, ages that change too fast, and a last quarter unlike the one before.

    Parameters
    ----------
    columns : dict of ndarray, shape (n,)
        Visits in patient, stream and day order.
    first_day, last_day : int
        First and last day the records cover; -1 where they have no calendar.
    clinics : sequence of str
        What ``clinic`` counts; empty where the export has none.
    known : sequence of Finding
        What was found of whole files: where their ids do not meet (E209), that is not said once more.

    Returns
    -------
    list of Finding
        E271 constant column, E247 ages, E273 one score at a clinic in a quarter, E274 ids numbered anew
        (`continuity`), E281 median, E282 missing values, E283 number of visits, E284 months nearly without visits,
        E287 highest scores (`score_tops`).
    """
    found = [*_find_constant(columns), *_find_odd_ages(columns)]
    if first_day < 0 or last_day < 0 or not len(columns["day"]):
        return found
    quarter = quarter_of(columns["day"])
    if "E271" not in {one.code for one in found if "pain_pre" in one.message}:
        found += _find_same_scores(columns, quarter, clinics)
    found += _find_holes(columns, clinics)
    if "E209" not in {one.code for one in known}:
        found += find_new_numbers(columns, clinics)
    last = _last_complete(last_day)
    # Where the quarter before the last one is not complete, they are not compared.
    if quarter_of(np.array([first_day - 1 - _CLOSED_DAYS], dtype=np.int32))[0] < last - 1:
        found += _compare_quarters(columns, quarter == last, quarter == last - 1, last)
    if not any(one.code == "E281" and "pain_pre" in one.message for one in found):  # else the same is said twice
        found += find_moved_tops(columns, quarter, clinics)
    return found


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
    words = f"nearly all pain scores before treatment are one number: {_list_places(places, quarter_word)}."
    return [Finding("E273", f"{words} A default, or typed in ahead?", "", "Check how the score is asked for there.")]


def _find_holes(columns: Columns, clinics: Sequence[str]) -> list[Finding]:
    """Months in the midst of a clinic's records with hardly a visit: a month that was not exported looks like that.

    Nobody can be seen coming back in them, and those who came before them look like those who stopped.
    """
    day = columns["day"]
    days = np.arange(day.min(), day.max() + 1, dtype=np.int64)  # each day once: visits are many
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first, step = int(months[0]), int(months[-1] - months[0]) + 1
    month = (months - first)[day - days[0]]
    everywhere = _empty_months(np.bincount(month, minlength=step))
    places = {"": [first + at for at in everywhere]} if everywhere else {}
    if clinics:
        own = columns["clinic"] >= 0
        place = columns["clinic"][own].astype(np.int64) * step + month[own]
        counts = np.bincount(place, minlength=len(clinics) * step)
        for code, row in enumerate(counts.reshape(-1, step)):
            if alone := [first + at for at in _empty_months(row) if at not in everywhere]:
                places[f"clinic {clinics[code]}"] = alone
    if not places:
        return []
    words = f"hardly a visit in some months in the midst of the records: {_list_places(places, _name_month)}."
    return [Finding("E284", f"{words} Closed, or not exported?", "", _ASK)]


def _empty_months(counts: NDArray[np.int64]) -> list[int]:
    """Positions of months with less than a tenth of the visits of the others, after and before months that are usual.

    A practice that begins, or a few visits dated long before all others, is no hole.
    """
    filled = counts[counts > 0]
    if filled.size < _LEAST_MONTHS or np.median(filled) < _LEAST_A_MONTH:
        return []
    usual = np.flatnonzero(counts >= _USUAL_SHARE * np.median(filled))
    inside = np.arange(usual[0], usual[-1])
    empty: list[int] = inside[counts[inside] < _HOLE_SHARE * np.median(filled)].tolist()
    return empty


def _list_places(places: dict[str, list[int]], write: Callable[[int], str]) -> str:
    """Write clinics with their quarters or months, not all of very many; the export as a whole has no name."""
    said = [f"{name} ({_span(found, write)})" if name else _span(found, write) for name, found in places.items()]
    more = f" and {len(said) - _MOST_PLACES} more" if len(said) > _MOST_PLACES else ""
    return ", ".join(said[:_MOST_PLACES]) + more


def _name_month(number: int) -> str:
    return str(np.datetime64(number, "M"))


def _span(numbers: list[int], write: Callable[[int], str]) -> str:
    """Write quarters or months in order: 2025Q3 to 2026Q2, or one by one where others lie between."""
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{write(numbers[0])} to {write(numbers[-1])}"
    return ", ".join(map(write, numbers))


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
    place = f"quarter {quarter_word(last)}"
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
