"""The visits as they stood on a day: what came later is not used, and follow-up ends there.

What is odd about the records is looked for again in the visits that are used: a jump in a later quarter says nothing
about them, and one in what is now the last quarter does.

It answers "what would this report have said then?" with the records of today, corrections included. Three things still
know of later days: words the codebook does not know are counted over the whole export, so are rows set aside, and a
visit without a region may have been put into a stream by a later one of the same patient.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.dates import day_number
from outcomes.cases.jumps import CODES, find_jumps
from outcomes.cases.schema import MISSING
from outcomes.cases.subset import keep_visits
from outcomes.cases.suspicions import say_oddity
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
        With a step in the ledger that counts the visits after the day, and the warnings about those that are left.

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
    return _warn_again(keep_visits(visits, keep, last, step, note), _files_of(visits))


def _warn_again(cut: Visits, files_before: set[str]) -> Visits:
    """Look for jumps in the visits that are left, and forget what was said of files that none of them is from."""
    unused = files_before - _files_of(cut)
    about_files = [found for found in cut.warnings if found.code not in CODES and found.place not in unused]
    clinics = cut.labels["clinic"].to_pylist() if "clinic" in cut.labels else ()
    first, last = int(cut.clinic_first_day[-1]), int(cut.clinic_last_day[-1])
    jumps = find_jumps(cut.columns, first, last, clinics, about_files)
    before = [say_oddity(found) for found in cut.warnings]
    now = [say_oddity(found) for found in (*about_files, *jumps)]
    notes = [note for note in cut.notes if note not in before or note in now]
    return dataclasses.replace(
        cut, warnings=(*about_files, *jumps), notes=(*notes, *(note for note in now if note not in before))
    )


def _files_of(visits: Visits) -> set[str]:
    """Names of the files that visits are from; a visit of several records is from that of its first."""
    names = [step.source for step in visits.ledger.steps if step.name == "validate"]
    return {names[source] for source in np.unique(visits.columns["source"])}


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
