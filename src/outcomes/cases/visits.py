"""Records to visits: one row a patient, region stream and day.

Several records of one day become one visit: the sets are united, the pain before treatment is the first recorded, the
pain after treatment the last, and every other field is the first recorded. A record equal to another in every field
that was read is an exact duplicate and counted as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes.cases.contract import Typed, type_records
from outcomes.cases.merging import group_records, merge_records
from outcomes.cases.quarantine import build_quarantine
from outcomes.cases.rules import OUTSIDE_CASE_DEFINITION
from outcomes.cases.schema import (
    MISSING,
    STREAMS,
    VISIT_COLUMNS,
    Columns,
    Words,
    to_arrow,
)
from outcomes.cases.values import day_number
from outcomes.definitions import REGIONS, Codebook, Protocol
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.records import Records

UPPER, LOWER, UNSPECIFIED = range(3)
_BUSY_VISITS, _BUSY_WINDOW_DAYS, _CENTURY_DAYS = 5, 30, 36_525


@dataclass(frozen=True)
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
        First busy day (`_first_busy_day`) and last observable day of each clinic; the last entry is for visits without
        a clinic.
        -1 where the last observable day is unknown (day numbers without a declared end).
    quarantine : pyarrow.Table
        Every fault of every record set aside.
    unknown_terms : tuple of (field, term, records)
        Words the codebook does not know; the visits that carry them are kept.
    """

    columns: Columns
    labels: dict[str, pa.StringArray]
    has_calendar: bool
    clinic_first_day: NDArray[np.int32]
    clinic_last_day: NDArray[np.int32]
    quarantine: pa.Table
    unknown_terms: tuple[tuple[str, str, int], ...]
    notes: tuple[str, ...]
    ledger: Ledger
    protocol: Protocol
    codebook: Codebook = field(repr=False)

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


def build_visits(records: Records, protocol: Protocol | None = None, codebook: Codebook | None = None) -> Visits:
    """Type, validate, merge and account for every record.

    Parameters
    ----------
    records : Records
        As `read_records` returns them.
    protocol, codebook : optional
        Definitions; the packaged defaults when not given.

    Returns
    -------
    Visits
        With `quarantine` and `ledger`: records = visits + merged + set aside + not data, per file and per step.

    Raises
    ------
    InputRefused
        When a date column reads both ways and no order is declared.
    ConservationError
        When a step lost a row; a fault of the package.
    """
    protocol, codebook = protocol or Protocol(), codebook or Codebook.load()
    typed = type_records(records, protocol, codebook)
    kept, validate_steps = _select(records, typed)
    quarantine = build_quarantine(records, typed.faults)
    columns = typed.columns
    columns["stream"] = _streams(columns, kept, len(typed.labels["patient"]), protocol)
    merged, merge_steps = merge_records(records, columns, group_records(columns, kept))
    first, last = _observed_days(merged, typed.labels.get("clinic"), records)
    return Visits(
        columns=merged,
        labels=typed.labels,
        has_calendar="visit_date" in records.fields,
        clinic_first_day=first,
        clinic_last_day=last,
        quarantine=quarantine,
        unknown_terms=tuple(typed.unknown_terms),
        notes=(*records.notes, *typed.notes),
        ledger=records.ledger.with_step(*validate_steps, *merge_steps),
        protocol=protocol,
        codebook=codebook,
    )


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
    steps = [_select_step(records, fate, source, file.name, reasons) for source, file in enumerate(records.files)]
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


# -- streams and order ---------------------------------------------------------------------------------------------


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


# -- what each clinic could have seen --------------------------------------------------------------------------------


def _observed_days(
    columns: Columns, clinics: pa.StringArray | None, records: Records
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First day with data and last observable day of each clinic (one more entry for visits without a clinic)."""
    n_clinics = 0 if clinics is None else len(clinics)
    last = np.full(n_clinics + 1, MISSING, dtype=np.int32)
    clinic = columns.get("clinic", np.full(len(columns["day"]), MISSING, dtype=np.int32))
    first = _first_busy_day(columns["day"], clinic, n_clinics)
    dates = records.mapping.dates
    if "visit_date" not in records.fields:
        declared = dates.observed_until_day
        return np.zeros_like(first), np.full_like(last, MISSING if declared is None else declared)
    if dates.data_cut is not None:
        return first, np.full_like(last, day_number(dates.data_cut))
    np.maximum.at(last, clinic, columns["day"])
    return first, last


def _first_busy_day(day: NDArray[np.int32], clinic: NDArray[np.int32], n_clinics: int) -> NDArray[np.int32]:
    """First day of each clinic that begins five visits within thirty days; its first visit where there are fewer.

    The washout counts from here. A single mistyped year must not move it: with the plain first day one such record
    would let every episode of the clinic's true first months pass as newly begun.
    """
    of_clinic = np.where(clinic < 0, n_clinics, clinic)
    first = np.full(n_clinics + 1, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(first, of_clinic, day)
    if not len(day):
        return first
    # A day by clinic table; what lies a century before the newest visit is not looked at.
    low = max(int(day.min()), int(day.max()) - _CENTURY_DAYS)
    n_days = int(day.max()) - low + 1
    recent = day >= low
    place = of_clinic[recent].astype(np.int64) * n_days + (day[recent] - low)
    visits = np.bincount(place, minlength=(n_clinics + 1) * n_days).reshape(n_clinics + 1, n_days)
    until = np.cumsum(visits, axis=1)
    ahead = until[:, np.minimum(np.arange(n_days) + _BUSY_WINDOW_DAYS, n_days - 1)] - until + visits
    busy = (visits > 0) & (ahead >= _BUSY_VISITS)
    found = busy.any(axis=1)
    first[found] = busy.argmax(axis=1)[found] + low
    return first
