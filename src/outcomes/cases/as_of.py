"""The visits as they stood on a day: what came later is not used, and follow-up ends there.

It answers "what would this report have said then?" with the records of today, corrections included. Three things still
know of later days: words the codebook does not know are counted over the whole export, so are rows set aside, and a
visit without a region may have been put into a stream by a later one of the same patient.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.dates import day_number
from outcomes.cases.schema import MISSING
from outcomes.cases.subset import keep_visits
from outcomes.errors import Finding, InputRefused
from outcomes.ledger import Step

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits


def cut_visits(visits: Visits, as_of: datetime.date) -> Visits:
    """Return the visits up to and including a day, each clinic observed no longer than that.

    Parameters
    ----------
    visits : Visits
    as_of : date

    Returns
    -------
    Visits
        With a step in the ledger that counts the visits after the day.

    Raises
    ------
    InputRefused
        E881 the export has no calendar; E882 the day is after the data cut; E883 no visit is left.
    """
    day = day_number(as_of)
    _check_day(visits, as_of, day)
    keep = visits.columns["day"] <= day
    n = int(keep.sum())
    if not n:
        raise _refuse("E883", "lies before the first visit.", as_of, "Name a later day.")
    reason = {"after the as-of date": visits.n - n}
    step = Step(f"as of {as_of.isoformat()}", "records", visits.n, n, not_data=reason)
    last = np.minimum(visits.clinic_last_day, np.int32(day))
    note = f"visits after {as_of.isoformat()}, the as-of date, were not used"
    return keep_visits(visits, keep, last, step, note)


def describe_as_of(visits: Visits, asked: datetime.date | None) -> str:
    """Say as of which day a report is, and why that day."""
    if asked is not None:
        return f"{asked.isoformat()}, as asked; later visits are counted and not used"
    last = int(visits.clinic_last_day.max()) if visits.has_calendar else MISSING
    return f"{np.datetime64(last, 'D')}, the data cut" if last >= 0 else "no date: this export has no calendar"


def _check_day(visits: Visits, as_of: datetime.date, day: int) -> None:
    if not visits.has_calendar:
        raise _refuse("E881", "is a date; this export has day numbers and no calendar.", as_of, "Leave it out.")
    cut = int(visits.clinic_last_day.max())
    if day > cut:
        until = np.datetime64(cut, "D")
        what = f"is after {until}, when these records end: nobody could have been seen coming back."
        raise _refuse("E882", what, as_of, f"Name {until} or a day before, or declare [dates] data_cut.")


def _refuse(code: str, what: str, as_of: datetime.date, remedy: str) -> InputRefused:
    return InputRefused("The as-of date cannot be used.", [Finding(code, what, f"--as-of {as_of.isoformat()}", remedy)])
