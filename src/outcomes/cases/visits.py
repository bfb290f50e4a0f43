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
from outcomes.cases.quarantine import build_quarantine
from outcomes.cases.rules import OUTSIDE_CASE_DEFINITION
from outcomes.cases.schema import (
    MISSING,
    STREAMS,
    VISIT_COLUMNS,
    Columns,
    Words,
    first_known,
    last_known,
    to_arrow,
)
from outcomes.cases.values import day_number
from outcomes.definitions import REGIONS, Codebook, Protocol
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.records import Records

_UNITED = frozenset(
    ["modalities", *(f"muscles_{kind}_{side}" for kind in ("identified", "treated") for side in ("left", "right"))]
)
_ANY = frozenset(["modality_unknown", "is_first_exam", "is_maintenance"])
_LAST = frozenset(["pain_post", "discharge_reason"])
UPPER, LOWER, UNSPECIFIED = range(3)
_BUSY_VISITS, _BUSY_WINDOW_DAYS = 5, 30


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
    order = _sort(columns, kept)
    merged, merge_steps = _merge(records, columns, order)
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


def _sort(columns: Columns, kept: NDArray[np.intp]) -> NDArray[np.intp]:
    """Order records by patient, stream, day, time of day and file row, through one packed integer key where it fits."""
    patient, day = columns["patient"][kept].astype(np.uint64), columns["day"][kept]
    if not len(kept):
        return kept
    first_day = int(day.min())
    bits_row = max(1, int(kept[-1]).bit_length())
    bits_day = max(1, int(day.max() - first_day).bit_length())
    if "minute" in columns or int(patient.max()).bit_length() + 2 + bits_day + bits_row > 64:
        minute = columns.get("minute", np.zeros(len(columns["day"]), dtype=np.int16))[kept]
        return kept[np.lexsort((kept, minute, day, columns["stream"][kept], columns["patient"][kept]))]
    key = patient << np.uint64(2)
    key |= columns["stream"][kept].astype(np.uint64)
    key <<= np.uint64(bits_day)
    key |= (day - first_day).astype(np.uint64)
    key <<= np.uint64(bits_row)
    key |= kept.astype(np.uint64)
    key.sort()
    return (key & np.uint64((1 << bits_row) - 1)).astype(np.intp)


# -- one row a patient, stream and day ------------------------------------------------------------------------------


def _merge(records: Records, columns: Columns, order: NDArray[np.intp]) -> tuple[Columns, list[Step]]:
    patient, stream, day = (columns[name][order] for name in ("patient", "stream", "day"))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (patient[1:] != patient[:-1]) | (day[1:] != day[:-1]) | (stream[1:] != stream[:-1])
    starts = np.flatnonzero(is_new)
    sizes = np.diff(starts, append=len(order))
    merged: Columns = {"patient": patient[starts], "stream": stream[starts], "day": day[starts]}
    for name in [name for name in columns if name not in merged and name != "minute"]:
        merged[name] = _merge_column(name, columns[name][order], starts, sizes)
        # Each typed column is as long as the export; it is given back as soon as its visits exist.
        del columns[name]
    merged["n_records"] = sizes.astype(np.int32)
    merged["source"] = records.source[order[starts]]
    merged["source_row"] = records.source_row[order[starts]]
    return merged, _merge_steps(records, order, is_new, starts, sizes)


def _merge_column(name: str, values: NDArray[Any], starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[Any]:
    if len(starts) == len(values):
        return values
    if name in _UNITED:
        return np.bitwise_or.reduceat(values, starts) if len(starts) else values
    if name in _ANY:
        return np.logical_or.reduceat(values, starts) if len(starts) else values
    if name == "function_score":
        return values[starts]
    return (last_known if name in _LAST else first_known)(values, starts, sizes)


def _merge_steps(
    records: Records,
    order: NDArray[np.intp],
    is_new: NDArray[np.bool_],
    starts: NDArray[np.intp],
    sizes: NDArray[np.intp],
) -> list[Step]:
    duplicate = _find_exact_duplicates(records, order, starts, sizes)
    source = records.source[order]
    steps = []
    for number, file in enumerate(records.files):
        of_file = source == number
        n_in, n_kept = int(of_file.sum()), int((of_file & is_new).sum())
        n_same = int((of_file & duplicate).sum())
        merged = {"exact duplicate": n_same, "same patient, stream and day": n_in - n_kept - n_same}
        steps.append(Step("merge", "records", n_in, n_kept, merged=merged, source=file.name))
    return steps


def _find_exact_duplicates(
    records: Records, order: NDArray[np.intp], starts: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Mark records equal in every field read to another record of their visit that is kept or merged before them."""
    duplicate = np.zeros(len(order), dtype=np.bool_)
    places = np.flatnonzero(np.repeat(sizes > 1, sizes))
    if not places.size:
        return duplicate
    visit = np.repeat(np.arange(len(starts)), sizes)[places]
    rows = order[places]
    texts = [column.codes[rows] for column in (*records.fields.values(), *records.modality_flags.values())]
    keys: list[NDArray[Any]] = [places, *texts, visit]
    ranked = np.lexsort(keys)
    same = visit[ranked][1:] == visit[ranked][:-1]
    for codes in texts:
        same &= codes[ranked][1:] == codes[ranked][:-1]
    duplicate[places[ranked[1:][same]]] = True
    return duplicate


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
    order = np.lexsort((day, of_clinic))
    days, clinics = day[order], of_clinic[order]
    ahead = _BUSY_VISITS - 1
    busy = np.zeros(len(days), dtype=np.bool_)
    if len(days) > ahead:
        busy[:-ahead] = (clinics[ahead:] == clinics[:-ahead]) & (days[ahead:] - days[:-ahead] <= _BUSY_WINDOW_DAYS)
    first = np.full(n_clinics + 1, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(first, clinics[busy], days[busy])
    quiet = first[clinics] == np.iinfo(np.int32).max
    np.minimum.at(first, clinics[quiet], days[quiet])
    return first
