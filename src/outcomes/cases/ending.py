"""How an episode ended, as far as its records can tell.

A recorded discharge or referral goes first. Otherwise the silence after the last visit of any kind decides, once it is
`no_visit_days` long: a patient relieved when last rated *stopped relieved*, one not relieved *stopped silently*, one
never rated *stopped unrated*. Before that the episode is *open at the data cut*; where a new episode opened sooner, a
patient not relieved came with a *new complaint*. ``self_discharged`` says only that the patient stopped, so it counts
like no code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.course import Course, Flags, Rows, is_relieved
from outcomes.cases.schema import END_REASONS, HUNDREDTHS, MISSING, STATUSES, Columns, last_known
from outcomes.definitions import Protocol

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits

_DISCHARGED = ("resolved", "improved", "other")
RELIEVED, RESOLVED, NOT_RELIEVED, NEVER_MEASURED = range(len(STATUSES))


def find_ends(
    visits: Visits, course: Course, columns: Columns, starts: Rows, sizes: Rows, protocol: Protocol
) -> Columns:
    """Find the last visit, the status then, and how and whether each episode ended.

    Parameters
    ----------
    visits, course : Visits, Course
    columns : dict of ndarray, shape (episodes,)
        With ``baseline``, ``index_day`` and, where the export has it, ``clinic``.
    starts, sizes : ndarray of int, shape (episodes,)
    protocol : Protocol

    Returns
    -------
    dict of ndarray, shape (episodes,)
        ``last_day, status_last, is_closed, end_reason, observable_until_day``.
    """
    last_row, rows = starts + sizes - 1, np.arange(course.n, dtype=np.int32)
    last_care_day = course.day[np.maximum.accumulate(np.where(course.care, rows, np.int32(MISSING)))[last_row]]
    clinic = columns.get("clinic", np.full(len(starts), MISSING, dtype=np.int32))
    until = visits.clinic_last_day[clinic]
    stream = course.stream_start[starts]
    has_next = np.append(stream[1:] == stream[:-1], False)[: len(starts)]
    status = _status(course, columns["baseline"], starts, sizes, protocol)
    seen_until = np.where(has_next, np.roll(columns["index_day"], -1), until)
    is_silent = (seen_until != MISSING) & (seen_until - course.day[last_row] >= protocol.dropout.no_visit_days)
    waited = (until != MISSING) & (until - last_care_day >= protocol.episode.close_after_days)
    reason = _reason(status, until, has_next, is_silent)
    _put_recorded(reason, visits, starts, sizes)
    return {
        "last_day": last_care_day,
        "status_last": status,
        "is_closed": has_next | waited,
        "end_reason": reason,
        "observable_until_day": until,
    }


def _status(
    course: Course, baseline: NDArray[np.int16], starts: Rows, sizes: Rows, protocol: Protocol
) -> NDArray[np.int8]:
    """Pain at the last rating against the baseline; without a baseline only the resolved level can be met."""
    pain = last_known(course.pain, starts, sizes)
    status = np.full(len(starts), NOT_RELIEVED, dtype=np.int8)
    status[is_relieved(pain, baseline, protocol)] = RELIEVED
    status[pain <= protocol.resolution.max_nrs * HUNDREDTHS] = RESOLVED
    status[pain == MISSING] = NEVER_MEASURED
    return status


def _reason(status: NDArray[np.int8], until: NDArray[np.int32], has_next: Flags, is_silent: Flags) -> NDArray[np.int8]:
    """What the silence says; later lines overrule earlier ones."""
    reason = np.full(len(status), END_REASONS.index("open_at_data_cut"), dtype=np.int8)
    reason[until == MISSING] = END_REASONS.index("follow_up_unknown")
    reason[has_next] = END_REASONS.index("new_complaint")
    reason[is_silent] = END_REASONS.index("silent_stop")
    reason[is_silent & (status == NEVER_MEASURED)] = END_REASONS.index("stopped_unrated")
    reason[(is_silent | has_next) & np.isin(status, (RELIEVED, RESOLVED))] = END_REASONS.index("stopped_relieved")
    return reason


def _put_recorded(reason: NDArray[np.int8], visits: Visits, starts: Rows, sizes: Rows) -> None:
    """Recorded discharges and referrals overrule what the silence says."""
    purpose = visits.columns.get("purpose")
    if purpose is not None:
        is_discharge = purpose == visits.codebook.ids("purpose").index("discharge")
        ends_recorded = last_known(np.where(is_discharge, 1, MISSING).astype(np.int8), starts, sizes) == 1
        reason[ends_recorded] = END_REASONS.index("discharged")
    recorded = visits.columns.get("discharge_reason")
    if recorded is not None:
        code, ids = last_known(recorded, starts, sizes), visits.codebook.ids("discharge_reason")
        reason[np.isin(code, [ids.index(word) for word in _DISCHARGED])] = END_REASONS.index("discharged")
        reason[code == ids.index("referred")] = END_REASONS.index("referred")
