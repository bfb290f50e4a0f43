"""Records to visits: one row a patient, region stream and day.

Several records of one day become one visit: the sets are united, the pain before treatment is the first of the day, the
pain after treatment the last, and every other field the first recorded. What is first is told by the times of the
records or, where there are none, by falling pain (`merging`), never by the order of the file. A record equal to another
in every field that was read is an exact duplicate and counted as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes.cases.arguments import check_records, load_codebook, load_protocol
from outcomes.cases.contract import type_records
from outcomes.cases.dates import day_number
from outcomes.cases.jumps import find_jumps
from outcomes.cases.merging import Groups, find_told_twice, group_records, merge_records, tell_disagreements
from outcomes.cases.quarantine import build_quarantine
from outcomes.cases.rules import OUTSIDE_CASE_DEFINITION, Fault
from outcomes.cases.schema import (
    MISSING,
    STREAMS,
    VISIT_COLUMNS,
    Columns,
    Words,
    to_arrow,
)
from outcomes.cases.suspicions import find_suspicions, say_oddity
from outcomes.cases.typed import Typed, UnknownTerm
from outcomes.cases.unlike_ids import hide_unlike, tell_rare_words
from outcomes.definitions import REGIONS, Codebook, Protocol
from outcomes.errors import Finding
from outcomes.files import already
from outcomes.ledger import Ledger, Step, check_sum, check_unbroken
from outcomes.records.busy_days import CENTURY_DAYS, find_busy_span
from outcomes.records.counted import agreeing
from outcomes.records.mapping_rules import MERGE, SET_ASIDE

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from outcomes.cases.clinicians import Clinicians
    from outcomes.records import Records

UPPER, LOWER, UNSPECIFIED = range(3)
RECORDS_END = "records end on"
"""What begins the note of an export that stops long before its declared data cut; the first page repeats it."""
_SHARED_ID_SHARE = 0.05


@dataclass(frozen=True, repr=False)
class Visits:
    """Visits in patient, stream and day order, with the account of how the records became these rows.

    Attributes
    ----------
    columns : dict of ndarray, shape (n,)
        Inside columns (`schema.VISIT_COLUMNS`); a field the export lacks is absent.
    labels : dict of pyarrow.StringArray
        Words behind pseudonyms (``patient``, ``clinic``, ``clinician``, ``payer``).
    has_calendar : bool
        False for exports with day numbers instead of dates.
    clinic_first_day, clinic_last_day : ndarray of int32, shape (number of clinics + 1,)
        First busy day and last observable day of each clinic (`_busy_span`); the last entry, all clinics together, is
        for visits without one.
        -1 where the last observable day is unknown (day numbers without a declared end).
    quarantine : pyarrow.Table
        Every fault of every record set aside.
    unknown_terms : tuple of (field, term, records, patients)
        Words the codebook does not know, of the records behind the visits; what was set aside is not counted.
    warnings : tuple of Finding
        What is odd about whole files, columns and quarters; no row is set aside for it (`suspicions`, `jumps`).
    """

    columns: Columns
    labels: dict[str, pa.StringArray]
    has_calendar: bool
    clinic_first_day: NDArray[np.int32]
    clinic_last_day: NDArray[np.int32]
    quarantine: pa.Table
    unknown_terms: tuple[UnknownTerm, ...]
    notes: tuple[str, ...]
    ledger: Ledger
    protocol: Protocol
    codebook: Codebook = field(repr=False)
    warnings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        return f"Visits({self.n} visits, columns: {', '.join(self.columns)})"

    @property
    def n(self) -> int:
        """Number of visits."""
        return len(self.columns["patient"])

    @property
    def words(self) -> Words:
        """The lists behind codes and masks."""
        return make_words(self.labels, self.codebook, self.has_calendar)

    def to_arrow(self) -> pa.Table:
        """Show the visits with words, dates and points."""
        return to_arrow(self.columns, VISIT_COLUMNS, self.words)

    @cached_property
    def clinicians(self) -> Clinicians:
        """Who is one clinician, of an export that records any."""
        from outcomes.cases.clinicians import find_clinicians

        return find_clinicians(self)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The visits as a pandas frame, one row a patient, stream and day."""
        return self.to_arrow().to_pandas()


def make_words(labels: dict[str, pa.StringArray], codebook: Codebook, has_calendar: bool) -> Words:
    """Collect the word lists of codes and masks."""
    kinds = ("cause", "trigger", "radiation", "region", "sex", "onset", "discharge_reason")
    codes: dict[str, Any] = {kind: codebook.ids(kind) for kind in kinds}
    codes |= {"purpose": codebook.ids("purpose"), "function_instrument": codebook.ids("instrument"), "stream": STREAMS}
    muscles = {f"muscles_{k}_{s}": codebook.muscle_ids for k in ("identified", "treated") for s in ("left", "right")}
    masks = {"modalities": codebook.modality_ids, "modalities_first": codebook.modality_ids, **muscles}
    return Words(codes | labels, masks, has_calendar)


def build_visits(
    records: Records, protocol: Protocol | str | Path | None = None, codebook: Codebook | str | Path | None = None
) -> Visits:
    """Type, validate, merge and account for every record.

    Parameters
    ----------
    records : Records
        As `read_records` returns them.
    protocol, codebook : optional
        Definitions, or the paths of their file and folder; the packaged defaults when not given.

    Returns
    -------
    Visits
        With `quarantine` and `ledger`: records = visits + merged + set aside + not data, per file and per step.

    Raises
    ------
    InputRefused
        When a date column reads both ways and no order is declared; E657 no records or definitions.
    ConservationError
        When a step lost a row; a fault of the package.
    """
    check_records(records)
    protocol, codebook = load_protocol(protocol) or Protocol(), load_codebook(codebook) or Codebook.load()
    made_of = (already.Same.of(records, records.fields, records.modality_flags), protocol, codebook.hash)
    if isinstance(known := already.recall("visits", made_of), Visits):
        return known
    typed = type_records(records, protocol, codebook)
    kept, validate_steps = _select(records, typed)
    groups = _group(typed, kept, protocol)
    if told_twice := _find_told_twice(records, typed, groups):
        typed.faults += told_twice
        kept, validate_steps = _select(records, typed)
        groups = _group(typed, kept, protocol)
    quarantine = build_quarantine(records, typed.faults, is_any_left=len(kept) > 0)
    columns = typed.columns
    who_and_when = {name: columns[name] for name in ("patient", "day")}
    disagreed = tell_disagreements(columns, groups)
    labels, hidden = hide_unlike(typed.labels, columns, kept, records)
    rare = tell_rare_words(typed.unknown_terms, records)
    merged, merge_steps = merge_records(records, columns, groups)
    first, last, observed = _observed_days(merged, typed.labels.get("clinic"), records, protocol)
    has_calendar = "visit_date" in records.fields
    odd = find_suspicions(records, who_and_when, kept, merge_steps, typed.labels["patient"])
    clinics = labels["clinic"].to_pylist() if "clinic" in labels else ()
    odd += find_jumps(merged, int(first[-1]) if has_calendar else MISSING, int(last[-1]), clinics, odd)
    ledger = records.ledger.with_step(*validate_steps, *merge_steps)
    check_sum(sum(step.rows_in for step in validate_steps), records.n, "records held against the rules")
    check_unbroken(ledger, len(merged["patient"]), "visits")
    check_sum(int(merged["n_records"].sum()), len(kept), "records behind the visits")
    visits = Visits(
        columns=merged,
        labels=labels,
        has_calendar=has_calendar,
        clinic_first_day=first,
        clinic_last_day=last,
        quarantine=quarantine,
        unknown_terms=tuple(typed.unknown_terms),
        notes=(
            *records.notes,
            *typed.notes,
            *_shared_ids(merged),
            *observed,
            *disagreed,
            *hidden,
            *rare,
            *map(say_oddity, odd),
        ),
        ledger=ledger,
        protocol=protocol,
        codebook=codebook,
        warnings=tuple(odd),
    )
    return already.keep("visits", made_of, visits, (*merged.values(), first, last))


def _select(records: Records, typed: Typed) -> tuple[NDArray[np.intp], list[Step]]:
    """Decide each record's fate once, in the order not data, outside the definition, faults; account for it by file."""
    reasons: list[tuple[str, str]] = []
    fate = np.zeros(records.n, dtype=np.int8)
    outside = [fault for fault in typed.faults if fault[1] == OUTSIDE_CASE_DEFINITION]
    wrong = [fault for fault in typed.faults if fault[1] != OUTSIDE_CASE_DEFINITION]
    for kind, entries in (
        ("not_data", typed.not_data),
        ("set_aside", [(code, rows) for _, code, rows in wrong]),
        ("set_aside", [(code, rows) for _, code, rows in outside]),
    ):
        for reason, rows in entries:
            reasons.append((kind, reason))
            undecided = rows[fate[rows] == 0]
            fate[undecided] = len(reasons)
    typed.faults = [(name, code, rows[_is_set_aside(fate[rows], reasons)]) for name, code, rows in typed.faults]
    steps = [_select_step(records, fate, source, file.place, reasons) for source, file in enumerate(records.files)]
    return np.flatnonzero(fate == 0), steps


def _is_set_aside(fate: NDArray[np.int8], reasons: list[tuple[str, str]]) -> NDArray[np.bool_]:
    """A no-show row with an odd rating is not data, and is not held against the rules."""
    return np.array([False] + [kind == "set_aside" for kind, _ in reasons])[fate]


def _select_step(
    records: Records, fate: NDArray[np.int8], source: int, name: str, reasons: list[tuple[str, str]]
) -> Step:
    counts = np.bincount(fate[records.source == source], minlength=len(reasons) + 1)
    parts: dict[str, dict[str, int]] = {"not_data": {}, "set_aside": {}}
    for (kind, reason), n in zip(reasons, counts[1:].tolist(), strict=True):
        parts[kind][reason] = parts[kind].get(reason, 0) + n
    return Step("validate", "records", int(counts.sum()), int(counts[0]), source=name, **parts)


def _find_told_twice(records: Records, typed: Typed, groups: Groups) -> list[Fault]:
    """Records of a day that cannot all be true, as far as the mapping does not say that they are."""
    same_day = records.mapping.values.same_day
    if same_day == MERGE:
        return []
    are_others = records.mapping.file.later_file_corrects is False
    file = records.source if are_others else None
    return find_told_twice(typed.columns, groups, same_day == SET_ASIDE, file)


# -- streams and order ---------------------------------------------------------------------------------------------


def _group(typed: Typed, kept: NDArray[np.intp], protocol: Protocol) -> Groups:
    """Find the stream of each record, and which records are one visit."""
    typed.columns["stream"] = _streams(typed.columns, kept, len(typed.labels["patient"]), protocol)
    return group_records(typed.columns, kept)


def _streams(columns: Columns, kept: NDArray[np.intp], n_patients: int, protocol: Protocol) -> NDArray[np.int8]:
    """Region stream of each record; one without a region joins the patient's only stream, else the latest one."""
    n = len(columns["patient"])
    if protocol.episode.one_stream or "region" not in columns:
        return np.full(n, UNSPECIFIED, dtype=np.int8)
    settings = protocol.case_definition
    of_region = [
        UPPER if r in settings.upper_regions else LOWER if r in settings.lower_regions else UNSPECIFIED for r in REGIONS
    ]
    streams = np.array([*of_region, UNSPECIFIED], dtype=np.int8)[columns["region"]]
    unknown = kept[streams[kept] == UNSPECIFIED]
    if not unknown.size:
        return streams
    patient = columns["patient"]
    seen = np.zeros((2, n_patients), dtype=np.bool_)
    for stream in (UPPER, LOWER):
        seen[stream, patient[kept[streams[kept] == stream]]] = True
    only = np.where(seen[UPPER] & ~seen[LOWER], UPPER, np.where(seen[LOWER] & ~seen[UPPER], LOWER, UNSPECIFIED))
    streams[unknown] = only[patient[unknown]].astype(np.int8)
    both = seen[UPPER] & seen[LOWER]
    rows = kept[both[patient[kept]]]
    return _fill_from_neighbours(columns, streams, rows) if rows.size else streams


def _fill_from_neighbours(columns: Columns, streams: NDArray[np.int8], rows: NDArray[np.intp]) -> NDArray[np.int8]:
    """For patients seen in both streams, take the stream of the nearest earlier record that has one, else the next."""
    rows = rows[np.lexsort((rows, columns["day"][rows], columns["patient"][rows]))]
    patient, found = columns["patient"][rows], streams[rows]
    position = np.arange(len(rows))
    earlier = np.maximum.accumulate(np.where(found != UNSPECIFIED, position, -1))
    later = np.minimum.accumulate(np.where(found != UNSPECIFIED, position, len(rows))[::-1])[::-1]
    usable = (earlier >= 0) & (patient[earlier] == patient)
    streams[rows] = found[np.where(usable, earlier, np.minimum(later, len(rows) - 1))]
    return streams


def _shared_ids(columns: Columns) -> list[str]:
    """Say when many patient ids occur at several clinics: those may be different people with the same number."""
    if "clinic" not in columns:
        return []
    known = columns["clinic"] >= 0
    patient, clinic = columns["patient"][known], columns["clinic"][known]
    lowest, highest = (np.full(int(patient.max(initial=0)) + 1, edge, dtype=np.int32) for edge in (2**31 - 1, MISSING))
    np.minimum.at(lowest, patient, clinic)
    np.maximum.at(highest, patient, clinic)
    seen = highest >= 0
    share = float((lowest != highest)[seen].mean()) if seen.any() else 0.0
    if share <= _SHARED_ID_SHARE:
        return []
    return [
        f"{share:.0%} of patient ids occur at more than one clinic; if clinics number their patients separately, "
        "these are different people: put the clinic in front of the id before exporting"
    ]


# -- what each clinic could have seen --------------------------------------------------------------------------------


def _observed_days(
    columns: Columns, clinics: pa.StringArray | None, records: Records, protocol: Protocol
) -> tuple[NDArray[np.int32], NDArray[np.int32], list[str]]:
    """First day with data and last observable day of each clinic, and what a reader should know about them.

    One more entry at the end is for visits without a clinic: all clinics together.
    """
    n_clinics = 0 if clinics is None else len(clinics)
    dates = records.mapping.dates
    if "visit_date" not in records.fields:
        until = MISSING if dates.observed_until_day is None else dates.observed_until_day
        return np.zeros(n_clinics + 1, np.int32), np.full(n_clinics + 1, until, dtype=np.int32), []
    first, last = _busy_span(columns, n_clinics)
    n_late = int((columns["day"] > last[-1]).sum())
    if dates.data_cut is None:
        late = (
            f"{agreeing(n_late, 'visit', 'lies', 'lie')} after {_iso(last[-1])}, when records end; "
            f"if {'it is' if n_late == 1 else 'they are'} real, declare [dates] data_cut"
        )
        return first, last, [late] if n_late else []
    cut = day_number(dates.data_cut)
    # A clinic that stopped long before the export was made could not have seen anybody come back.
    stopped = (last != MISSING) & (last + protocol.episode.close_after_days < cut)
    notes = []
    if stopped[-1]:
        notes = [f"{RECORDS_END} {_iso(last[-1])}, long before the declared data cut {_iso(cut)}: follow-up ends there"]
    elif n_stopped := int(stopped[:-1].sum()):
        notes = [f"clinics that stopped recording long before the data cut: {n_stopped}; their follow-up ends there"]
    return first, np.where(stopped, last, cut).astype(np.int32), notes


def _iso(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def _busy_span(columns: Columns, n_clinics: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First and last busy day (`find_busy_span`) of each clinic, and of all together.

    The washout counts from the first, follow-up to the last: with plain extremes one mistyped year would let the
    clinic's true first months pass as newly begun episodes, or add decades in which nobody came back.
    """
    day = columns["day"]
    first, last = (np.full(n_clinics + 1, MISSING, dtype=np.int32) for _ in range(2))
    if not len(day):
        return first, last
    clinic = columns.get("clinic", np.full(len(day), MISSING, dtype=np.int32))
    # A day by clinic table; the century around the median visit is all that is looked at.
    middle = int(np.median(day))
    low, high = max(int(day.min()), middle - CENTURY_DAYS), min(int(day.max()), middle + CENTURY_DAYS)
    inside = (day >= low) & (day <= high)
    place = np.where(clinic < 0, n_clinics, clinic)[inside].astype(np.int64) * (high - low + 1) + day[inside] - low
    visits = np.bincount(place, minlength=(n_clinics + 1) * (high - low + 1)).reshape(n_clinics + 1, -1)
    visits[-1] = visits.sum(axis=0)
    for number, counts in enumerate(visits):
        if counts.any():
            start, end = find_busy_span(counts)
            first[number], last[number] = low + start, low + end
    return first, last
