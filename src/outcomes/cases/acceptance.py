"""Whether records are fit to be published from, or somebody has to say first that their state is known.

A report of which a tenth of the rows fell out looks like any other. So more than 5 % of the rows set aside, a required
column more than 20 % empty, and the warnings that nobody but the owner can judge stop it, until the mapping says who
knows: ``[acknowledge]``. The manifest then names both. Full dates stop it where the mapping does not allow them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcomes.cases.remarks import list_main_reasons
from outcomes.cases.rules import NO_FAULTS
from outcomes.errors import Finding, InputRefused
from outcomes.records.acknowledge import Acknowledge
from outcomes.records.full_dates import find_forbidden_dates
from outcomes.records.privacy import CLINIC

if TYPE_CHECKING:
    from outcomes.cases.visits import Visits
    from outcomes.records import Records

MOST_SET_ASIDE_PERCENT = 5.0
MOST_MISSING_PERCENT = 20.0
TO_ACKNOWLEDGE = frozenset({"E209", "E227", "E274", "E281", "E282", "E283", "E285", "E286", "E287"})
"""Warnings that stop a report until they are acknowledged: whether they are harmless the records cannot say."""
WHERE_LISTED = "`outcomes clean` lists each of them with row, column and rule, in quarantine.csv."
"""A refused report writes nothing, and nobody mends rows whose places are not said."""
_EMPTY_CODES = {"E201": "patient_id", "E211": "visit_date"}


@dataclass(frozen=True, slots=True)
class State:
    """How much of the records was used.

    Attributes
    ----------
    n_rows : int
        Rows that are data: without headers, blank lines, totals and appointments that were not kept.
    n_set_aside : int
        Of these, rows set aside under a rule; those outside the case definition, and those that a later file corrects,
        are not counted, for nothing is wrong with them.
    missing_percent : dict of str to float
        Required field -> share of rows without it.
    warnings : tuple of Finding
        Those in `TO_ACKNOWLEDGE`.
    """

    n_rows: int
    n_set_aside: int
    missing_percent: dict[str, float]
    warnings: tuple[Finding, ...]

    @property
    def set_aside_percent(self) -> float:
        """Share of the rows set aside."""
        return 100 * self.n_set_aside / self.n_rows if self.n_rows else 0.0


def describe_state(visits: Visits) -> State:
    """Count what was set aside and what is missing, from the ledger and the quarantine."""
    steps = [step for step in visits.ledger.steps if step.name in ("read", "validate")]
    n_rows = sum(step.rows_in for step in steps if step.name == "read")
    n_rows -= sum(step.n_not_data + step.n_merged for step in steps)
    n_aside = sum(n for step in steps for reason, n in step.set_aside.items() if reason.split()[0] not in NO_FAULTS)
    codes = Counter(visits.quarantine["code"].to_pylist())
    day = "visit_date" if visits.has_calendar else "visit_day"
    names = {**_EMPTY_CODES, "E211": day}
    missing = {name: 100 * codes[code] / n_rows for code, name in names.items() if n_rows}
    known = [warning for warning in visits.warnings if warning.code in TO_ACKNOWLEDGE]
    return State(n_rows, n_aside, missing, tuple(known))


def list_objections(records: Records, visits: Visits, audience: str = CLINIC) -> list[Finding]:
    """Return what stops a report: each with its figure, and the line of the mapping that acknowledges it.

    Returns
    -------
    list of Finding
        E291 rows set aside, E292 a required column empty, E293 a warning, E969 full dates that are not allowed for
        this audience; empty when nothing does.
    """
    said, state = records.mapping.acknowledge, describe_state(visits)
    found = find_forbidden_dates(records, audience)
    accepted = MOST_SET_ASIDE_PERCENT if said.rows_set_aside_percent is None else said.rows_set_aside_percent
    if state.set_aside_percent > accepted:
        words = (
            f"{state.n_set_aside:,} of {state.n_rows:,} rows were set aside ({state.set_aside_percent:.1f} %; "
            f"{accepted:g} % are accepted)."
        )
        line = f"rows_set_aside_percent = {_above(state.set_aside_percent)}"
        found.append(Finding("E291", words, "", f"{WHERE_LISTED} {_remedy(line)}"))
    for name, percent in state.missing_percent.items():
        accepted = said.missing_percent.get(name, MOST_MISSING_PERCENT)
        if percent > accepted:
            words = f"{name} is empty in {percent:.1f} % of the rows ({accepted:g} % are accepted)."
            found.append(Finding("E292", words, "", _remedy(f"missing_percent = {{ {name} = {_above(percent)} }}")))
    open_codes = sorted({warning.code for warning in state.warnings} - set(said.warnings))
    for warning in state.warnings:
        if warning.code in open_codes:
            words = f"Somebody who knows these records must say whether this is as it should be: {warning.message}"
            codes = ", ".join(f'"{code}"' for code in sorted({*said.warnings, *open_codes}))
            found.append(Finding("E293", words, warning.place, _remedy(f"warnings = [{codes}]")))
    return found


def _above(percent: float) -> float:
    """The share, rounded up to a tenth: what the line must say to accept it."""
    return -(-percent * 10 // 1) / 10


def _remedy(line: str) -> str:
    return f'Mend it in the clinic system, or write in the mapping, below [acknowledge]: {line} and by = "your name".'


def check_acceptance(records: Records, visits: Visits, audience: str = CLINIC) -> None:
    """Refuse to publish from records whose state nobody has acknowledged.

    Raises
    ------
    InputRefused
        With every objection, and the three rules that set most rows aside.
    """
    found = list_objections(records, visits, audience)
    if not found:
        return
    if any(finding.code == "E291" for finding in found):
        found += list_main_reasons(visits, most=3, but=NO_FAULTS)
    raise InputRefused("No report is published from these records before this is settled.", found)


def describe_acknowledgement(records: Records | None, visits: Visits) -> dict[str, Any]:
    """Return what was acknowledged and by whom, for the manifest; empty when nothing had to be.

    Only what these records needed is listed: an acknowledgement that is not used says nothing about them.
    """
    if records is None or records.mapping.acknowledge == Acknowledge():
        return {}
    said, state = records.mapping.acknowledge, describe_state(visits)
    used: dict[str, Any] = {}
    if state.set_aside_percent > MOST_SET_ASIDE_PERCENT and said.rows_set_aside_percent is not None:
        accepted = said.rows_set_aside_percent
        used["rows_set_aside_percent"] = {"found": round(state.set_aside_percent, 1), "accepted": accepted}
    empty = {name: share for name, share in state.missing_percent.items() if share > MOST_MISSING_PERCENT}
    if listed := {name: share for name, share in empty.items() if name in said.missing_percent}:
        used["missing_percent"] = {
            name: {"found": round(share, 1), "accepted": said.missing_percent[name]} for name, share in listed.items()
        }
    # What the reader found (E1xx) is not in the visits any more: without the acknowledgement there would be none.
    needed = {warning.code for warning in state.warnings}
    if warnings := sorted(code for code in set(said.warnings) if code in needed or code not in TO_ACKNOWLEDGE):
        used["warnings"] = warnings
    return {**used, "by": said.by} if used else {}
