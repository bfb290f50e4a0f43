"""Some of the visits: those of one clinic, and what any choice of visits has to keep in step."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.arguments import check_visits
from outcomes.cases.schema import MISSING, UNNAMED
from outcomes.errors import Finding, InputRefused
from outcomes.ledger import Step, check_unbroken
from outcomes.records.inspect_terms import SHOWN_FROM

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits


def select_clinic(visits: Visits, clinic: str) -> Visits:
    """Return the visits recorded at one clinic.

    Someone who also went to another clinic is followed at this one only, as its owner sees it.

    Parameters
    ----------
    visits : Visits
    clinic : str
        Its pseudonym, as it stands in the export.

    Returns
    -------
    Visits
        With a step in the ledger that counts the visits elsewhere.

    Raises
    ------
    InputRefused
        E657 no visits, or a clinic that is no text; E880 the export has no clinics, or no such one.
    """
    check_visits(visits)
    if "clinic" not in visits.columns:
        raise _refused(clinic, "cannot be chosen: this export has no clinic_id.", "Leave it out.")
    known = [str(name) for name in visits.labels["clinic"].to_pylist()]
    if clinic not in known:
        raise _unknown(clinic, known)
    keep = visits.columns["clinic"] == known.index(clinic)
    step = Step(
        f"clinic {clinic}", "records", visits.n, int(keep.sum()), not_data={"at another clinic": int((~keep).sum())}
    )
    return keep_visits(visits, keep, visits.clinic_last_day, step, f"only visits at clinic {clinic} were used")


def keep_visits(
    visits: Visits, keep: NDArray[np.bool_], clinic_last_day: NDArray[np.int32], step: Step, note: str
) -> Visits:
    """Return the visits kept; clinics without one are forgotten, with their first and last days.

    Parameters
    ----------
    visits : Visits
    keep : ndarray of bool, shape (visits,)
    clinic_last_day : ndarray of int32, shape (clinics + 1,)
        As that of `visits`, or earlier.
    step : Step
        For the ledger.
    note : str
    """
    columns = {name: values[keep] for name, values in visits.columns.items()}
    first, last, labels = visits.clinic_first_day, clinic_last_day, dict(visits.labels)
    if "clinic" in labels:
        seen = np.unique(columns["clinic"][columns["clinic"] >= 0])
        place = np.full(len(labels["clinic"]) + 1, MISSING, dtype=columns["clinic"].dtype)
        place[seen] = np.arange(len(seen))
        columns["clinic"] = place[columns["clinic"]]  # -1, no clinic, is the last place and stays -1
        labels["clinic"] = labels["clinic"].take(seen.tolist())
        first, last = (np.append(days[seen], days[-1]) for days in (first, last))
    check_unbroken(visits.ledger.with_step(step), int(keep.sum()), "visits")
    return dataclasses.replace(
        visits,
        columns=columns,
        labels=labels,
        clinic_first_day=first,
        clinic_last_day=last,
        notes=(*visits.notes, note),
        ledger=visits.ledger.with_step(step),
    )


def name_clinics(clinic: str, known: Sequence[str]) -> str:
    """Return what to choose instead of a clinic that is not known: the one it may be meant for, or those there are."""
    near = difflib.get_close_matches(clinic, known, 1)
    choice = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known[:12])}."
    has_unnamed = any(name.startswith(UNNAMED) for name in known)
    return f"{choice} One of fewer than {SHOWN_FROM} patients has no name here." if has_unnamed else choice


def _unknown(clinic: Any, known: list[str]) -> InputRefused:
    if not isinstance(clinic, str):
        what = f"is {type(clinic).__name__}, not the name of a clinic."
        return _refused(clinic, what, name_clinics("", known), "E657")
    return _refused(clinic, "is not a clinic of these records.", name_clinics(clinic, known))


def _refused(clinic: object, what: str, remedy: str, code: str = "E880") -> InputRefused:
    return InputRefused("This clinic cannot be looked at alone.", [Finding(code, what, f"clinic {clinic}", remedy)])
