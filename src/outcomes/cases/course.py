"""The course of each patient in a region stream: what came before a visit, what was measured, what is maintenance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS, MISSING, Columns
from outcomes.cases.visits import Visits
from outcomes.definitions import Protocol

Rows = NDArray[np.signedinteger]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Course:
    """The visits of each patient and stream in time order; every array has shape (n,).

    ``pain`` is in hundredths, -1 missing. ``care`` marks visits that are not maintenance. ``previous_care`` is the
    row of the previous such visit of the stream (-1 none); ``last_measured`` the row of the latest rating before
    the visit (-1 none) and ``next_measured`` that of the first rating at or after it (n none).
    """

    day: NDArray[np.int32]
    pain: NDArray[np.int16]
    care: Flags
    new_complaint: Flags
    resolved: Flags
    stream_start: Rows
    stream_end: Rows
    previous_care: Rows
    last_measured: Rows
    next_measured: Rows

    @property
    def n(self) -> int:
        """Number of visits."""
        return len(self.day)

    @property
    def gap_days(self) -> NDArray[np.int32]:
        """Days since the previous visit that is not maintenance; -1 where there is none."""
        return np.where(self.previous_care >= 0, self.day - self.day[self.previous_care], np.int32(MISSING))

    @classmethod
    def of(cls, visits: Visits, protocol: Protocol) -> Course:
        """Lay out the visits (they are sorted by patient, stream and day)."""
        columns, n = visits.columns, visits.n
        patient, stream, day = columns["patient"], columns["stream"], columns["day"]
        is_first = np.ones(n, dtype=np.bool_)
        is_first[1:] = (patient[1:] != patient[:-1]) | (stream[1:] != stream[:-1])
        # 32 bits a row halve the memory of the course.
        firsts = np.flatnonzero(is_first).astype(np.int32)
        lengths = np.diff(firsts, append=np.int32(n))
        stream_start, stream_end = np.repeat(firsts, lengths), np.repeat(firsts + lengths, lengths)
        pain = columns.get("pain_pre", np.full(n, MISSING, dtype=np.int16))
        onset = _onset_since_previous(columns, n)
        care = ~_maintenance(columns, day, pain, onset, stream_start, stream_end, protocol)
        measured = pain >= 0
        before = _latest_before(measured, stream_start)
        previous_care = _latest_before(care, stream_start)
        return cls(
            day=day,
            pain=pain,
            care=care,
            new_complaint=columns.get("is_first_exam", np.zeros(n, bool)) | _onset_after(columns, day, previous_care),
            resolved=_is_resolved(visits),
            stream_start=stream_start,
            stream_end=stream_end,
            previous_care=previous_care,
            last_measured=before,
            next_measured=_first_from(measured),
        )


def _latest_before(flags: Flags, stream_start: Rows) -> Rows:
    """Row of the latest flagged visit strictly before each visit, in its stream; -1 where there is none."""
    latest = np.maximum.accumulate(np.where(flags, np.arange(len(flags), dtype=np.int32), np.int32(MISSING)))
    before = np.empty_like(latest)
    before[:1] = MISSING
    before[1:] = latest[:-1]
    before[before < stream_start] = MISSING
    return before


def _first_from(flags: Flags) -> Rows:
    """Row of the first flagged visit at or after each visit; n where there is none (the caller checks the stream)."""
    n = len(flags)
    return np.minimum.accumulate(np.where(flags, np.arange(n, dtype=np.int32), np.int32(n))[::-1])[::-1]


def _onset_after(columns: Columns, day: NDArray[np.int32], previous: Rows) -> Flags:
    """Whether the recorded onset lies after the previous visit: in ``(previous day, day]``."""
    onset_days = columns.get("onset_days")
    if onset_days is None:
        return np.zeros(len(day), dtype=np.bool_)
    return (onset_days >= 0) & (previous >= 0) & (day - onset_days > day[previous])


def _onset_since_previous(columns: Columns, n: int) -> Flags:
    """The same against the visit just before, maintenance or not: what the maintenance heuristic looks at."""
    marked: Flags = columns.get("is_first_exam", np.zeros(n, dtype=np.bool_))
    if "onset_days" not in columns:
        return marked
    return marked | _onset_after(columns, columns["day"], np.arange(-1, n - 1, dtype=np.int32))


def _maintenance(
    columns: Columns,
    day: NDArray[np.int32],
    pain: NDArray[np.int16],
    onset: Flags,
    stream_start: Rows,
    stream_end: Rows,
    protocol: Protocol,
) -> Flags:
    """Recorded maintenance visits, and quiet visits far from both neighbours (the last visit has only one)."""
    settings, n = protocol.episode, len(day)
    recorded: Flags = columns.get("is_maintenance", np.zeros(n, dtype=np.bool_))
    if not settings.maintenance_heuristic:
        return recorded
    row = np.arange(n, dtype=np.int32)
    far_before = (row > stream_start) & (np.diff(day, prepend=day[:1]) >= settings.maintenance_min_gap_days)
    far_after = (row == stream_end - 1) | (np.diff(day, append=day[-1:]) >= settings.maintenance_min_gap_days)
    quiet = (pain >= 0) & (pain <= settings.maintenance_max_nrs * HUNDREDTHS)
    return recorded | (quiet & far_before & far_after & ~onset)


def _is_resolved(visits: Visits) -> Flags:
    reason = visits.columns.get("discharge_reason")
    if reason is None:
        return np.zeros(visits.n, dtype=np.bool_)
    resolved: Flags = reason == visits.codebook.ids("discharge_reason").index("resolved")
    return resolved


def baseline_row(course: Course, starts: Rows, protocol: Protocol) -> Rows:
    """Row of the baseline rating of an episode that starts at each of `starts`; -1 where none is in the window."""
    found = course.next_measured[starts]
    inside = np.minimum(found, course.n - 1)
    usable = (found < course.stream_end[starts]) & (
        course.day[inside] - course.day[starts] <= protocol.baseline.window_days
    )
    return np.where(usable, inside, MISSING)


def is_relieved(pain: NDArray[np.int16], baseline: NDArray[np.int16], protocol: Protocol) -> Flags:
    """At most the resolved level, or at least `pct_reduction` below a known baseline; integers decide."""
    low = pain <= protocol.resolution.max_nrs * HUNDREDTHS
    share = pain.astype(np.int32) * 100 <= baseline.astype(np.int32) * (100 - protocol.relief.pct_reduction)
    relieved: Flags = (pain >= 0) & (low | (share & (baseline >= 0)))
    return relieved
