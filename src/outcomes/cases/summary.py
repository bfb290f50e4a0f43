"""One row an episode: index, baseline, end and end reason, and what was known at its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.course import Course, Rows, baseline_row
from outcomes.cases.dates import quarter_word
from outcomes.cases.ending import find_ends
from outcomes.cases.schema import (
    END_REASONS,
    HUNDREDTHS,
    MISSING,
    OPENED_BY,
    STATUSES,
    Columns,
    first_known,
)
from outcomes.definitions import (
    CONCORDANCE_LEVELS,
    Protocol,
    compute_concordance,
    compute_muscle_group,
    list_muscle_groups,
)

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits

_FIRST_RECORDED = (
    "region",
    "cause",
    "trigger",
    "radiation",
    "paresthesia",
    "onset",
    "previous_episodes",
    "age",
    "sex",
    "payer",
)


def summarise_episodes(
    visits: Visits, course: Course, opened_by: NDArray[np.int8], starts: Rows, sizes: Rows, protocol: Protocol
) -> tuple[Columns, dict[str, tuple[str, ...]]]:
    """Summarise each episode.

    Parameters
    ----------
    visits : Visits
        With the column ``episode``.
    course : Course
        Their course.
    opened_by : ndarray of int8, shape (visits,)
        Rule that opens an episode at each visit, -1 none.
    starts, sizes : ndarray of int, shape (episodes,)
        First visit and number of visits of each episode.

    Returns
    -------
    columns : dict of ndarray, shape (episodes,)
    labels : dict
        Words behind the codes that only episodes have.
    """
    columns: Columns = {"episode": np.arange(len(starts), dtype=np.int32)}
    columns |= {name: visits.columns[name][starts] for name in ("patient", "stream")}
    early = count_early(course, starts, sizes, protocol)
    # Whoever saw the patient, the clinic says until when the patient would have been seen.
    for name, known in (("clinic", sizes), ("clinician", early)):
        if name in visits.columns:
            columns[name] = first_known(visits.columns[name], starts, known)
    columns["episode_number"] = _number_in_stream(course.stream_start[starts])
    columns["index_day"] = course.day[starts]
    columns["opened_by"] = opened_by[starts]
    columns |= _counts(visits, course, starts, sizes)
    columns |= _baseline(course, starts, protocol)
    columns |= find_ends(visits, course, columns, starts, sizes, protocol)
    columns["is_inception"] = _is_inception(visits, columns, protocol)
    columns["is_eligible"] = columns["is_inception"] & (
        columns["baseline"] >= protocol.baseline.eligible_min_nrs * HUNDREDTHS
    )
    columns |= _at_start(visits, starts, early)
    columns |= _first_treatment(visits, course, columns, starts, sizes)
    labels: dict[str, tuple[str, ...]] = {
        "opened_by": OPENED_BY,
        "status_last": STATUSES,
        "end_reason": END_REASONS,
        "concordance": CONCORDANCE_LEVELS,
        "chronicity": visits.codebook.duration_classes()[0],
        "muscle_group": list_muscle_groups(visits.codebook),
    }
    if visits.has_calendar:
        columns["index_quarter"], labels["index_quarter"] = quarter_codes(columns["index_day"])
    return columns, labels


def _number_in_stream(stream: Rows) -> NDArray[np.int32]:
    is_first = np.r_[True, stream[1:] != stream[:-1]] if len(stream) else np.zeros(0, bool)
    firsts = np.flatnonzero(is_first)
    position = np.arange(len(stream)) - np.repeat(firsts, np.diff(firsts, append=len(stream)))
    return (position + 1).astype(np.int32)


def _counts(visits: Visits, course: Course, starts: Rows, sizes: Rows) -> Columns:
    def count(flags: NDArray[np.bool_]) -> NDArray[np.int32]:
        total = np.r_[0, np.cumsum(flags)]
        return (total[starts + sizes] - total[starts]).astype(np.int32)

    n_visits = count(course.care)
    return {"n_visits": n_visits, "n_measured": count(course.pain >= 0), "has_maintenance": n_visits < sizes}


def _baseline(course: Course, starts: Rows, protocol: Protocol) -> Columns:
    row = baseline_row(course, starts, protocol)
    known = row >= 0
    return {
        "baseline": np.where(known, course.pain[row], MISSING).astype(np.int16),
        "baseline_day": np.where(known, course.day[row] - course.day[starts], MISSING).astype(np.int32),
    }


def _is_inception(visits: Visits, columns: Columns, protocol: Protocol) -> NDArray[np.bool_]:
    """Started at least the washout after the clinic's first day with data; day numbers count from a first visit."""
    if not visits.has_calendar:
        return np.ones(len(columns["index_day"]), dtype=np.bool_)
    clinic = columns.get("clinic", np.full(len(columns["index_day"]), MISSING, dtype=np.int32))
    inception: NDArray[np.bool_] = (
        columns["index_day"] - visits.clinic_first_day[clinic] >= protocol.episode.washout_days
    )
    return inception


def count_early(course: Course, starts: Rows, sizes: Rows, protocol: Protocol) -> Rows:
    """Visits of each episode within the window of the first rating.

    What is written down later, or whether it is, may depend on how the episode went on.
    """
    if not len(starts):
        return sizes
    begins = np.zeros(course.n, dtype=np.intp)
    begins[starts] = starts
    begins = np.maximum.accumulate(begins)
    total = np.r_[0, np.cumsum(course.day - course.day[begins] <= protocol.baseline.window_days)]
    return total[starts + sizes] - total[starts]


def _at_start(visits: Visits, starts: Rows, sizes: Rows) -> Columns:
    found: Columns = {
        name: first_known(visits.columns[name], starts, sizes) for name in _FIRST_RECORDED if name in visits.columns
    }
    # Muscle and duration are taken at the first visit only: later findings react to how the patient is doing.
    for name in ("onset_days", "muscles_identified_left", "muscles_identified_right"):
        if name in visits.columns:
            found[name] = visits.columns[name][starts]
    if "muscles_identified_left" in found:
        sides = (found[f"muscles_identified_{side}"] for side in ("left", "right"))
        found["muscle_group"] = compute_muscle_group(visits.codebook, *sides)
    if "onset_days" in found:
        from_day = np.array(visits.codebook.duration_classes()[1])
        bins = np.searchsorted(from_day, found["onset_days"], side="right") - 1
        found["chronicity"] = np.where(found["onset_days"] >= 0, bins, MISSING).astype(np.int8)
    return found


def recollect_facts(visits: Visits, columns: Columns, starts: Rows, sizes: Rows) -> Columns:
    """Return the columns with only those facts of the start that the first `sizes` visits of each episode record."""
    found = {
        name: first_known(visits.columns[name], starts, sizes) for name in _FIRST_RECORDED if name in visits.columns
    }
    return columns | found


def _first_treatment(visits: Visits, course: Course, columns: Columns, starts: Rows, sizes: Rows) -> Columns:
    """The first visit at which anything was treated, what was done there, and whether it met the identified muscle."""
    if "modalities" not in visits.columns:
        return {}
    modalities, row = visits.columns["modalities"], find_first_treatment(visits, starts, sizes)
    found: Columns = {
        "first_treatment_day": np.where(row >= 0, course.day[row], MISSING).astype(np.int32),
        "modalities_first": np.where(row >= 0, modalities[row], np.uint64(0)),
    }
    if "muscles_treated_left" in visits.columns and "muscles_identified_left" in columns:
        treated = [
            np.where(row >= 0, visits.columns[f"muscles_treated_{s}"][row], np.uint64(0)) for s in ("left", "right")
        ]
        identified = [columns[f"muscles_identified_{side}"] for side in ("left", "right")]
        met = compute_concordance(visits.codebook, *identified, *treated)
        found |= {"concordance": met.level, "known_mismatch": met.known_mismatch_only}
    return found


def find_first_treatment(visits: Visits, starts: Rows, sizes: Rows) -> Rows:
    """Row of the first visit of each episode at which anything was treated; -1 for none. Needs treatments recorded."""
    treats = (visits.columns["modalities"] & np.uint64(visits.codebook.treatment_mask)) != 0
    return first_known(np.where(treats, np.arange(treats.size), MISSING), starts, sizes)


def quarter_codes(days: NDArray[np.int32]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Quarter of each day (days since 1970-01-01): codes, and the words ``2026Q3`` of all quarters between."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)
    quarters = months // 3
    if not len(quarters):
        return quarters, ()
    first, last = int(quarters.min()), int(quarters.max())
    words = tuple(map(quarter_word, range(first, last + 1)))
    return quarters - first, words
