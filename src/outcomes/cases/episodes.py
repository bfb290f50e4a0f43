"""Visits to episodes of care, by the three rules of the field's two published definitions.

A visit opens an episode when it is the first of its patient and stream that is not maintenance, or when, with *p* the
previous visit that is not maintenance,

- **A** at least `gap_days` (90) passed since *p* (de Vet 2002: an episode of care ends with three months without one);
- **B** at least `relief_gap_days` (30) passed, the patient was relieved when last seen, and pain is back: at least 3,
  and at least 2 above the last rating (Stanton 2009, 2011: recurrence needs a month free of it);
- **C** at least 14 days passed and a new onset lies between the two visits, or a first examination is recorded.

Otherwise it belongs to the episode of *p*. Relieved when last seen means: last rating at most 1, or at most half of the
episode's baseline, or *p* was discharged as resolved. A maintenance visit is an observation of the current episode; it
opens none and extends none.

One patient, one stream, defaults; the same table is the spec test:

===  ====  ===========  ==========================================================================
day  pain  recorded     episode, rule and the sentence that decides it
===  ====  ===========  ==========================================================================
0    7                  1 first
7    5                  1
28   3                  1  pain 3 is below half of 7: relieved
58   6                  2 B: 30 days later, relieved, 6 is at least 3 and 3 above the last rating
87   6                  2  29 days later
116  6                  2  29 days later
206  6                  3 A: 90 days after day 116
219  6     first exam   3  13 days are too few for a new complaint
233  6     first exam   4 C: 14 days and a first examination
260  2     maintenance  4  an observation only
323  6                  5 A: 90 days after day 233, the last visit that is not maintenance
===  ====  ===========  ==========================================================================

Only rule B looks back at the episode it may end (its baseline), so it is decided candidate by candidate in time order,
for all patients at once; there are as many rounds as the busiest patient has candidates.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes.cases.arguments import check_visits, load_protocol
from outcomes.cases.course import Course, Flags, Rows, baseline_row, is_relieved
from outcomes.cases.schema import EPISODE_COLUMNS, HUNDREDTHS, MISSING, OPENED_BY, Columns, Words, to_arrow
from outcomes.cases.summary import summarise_episodes
from outcomes.cases.visits import Visits
from outcomes.definitions import Protocol
from outcomes.files import already
from outcomes.ledger import Ledger, Step, check_unbroken

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

FIRST, RULE_A, RULE_B, RULE_C = range(len(OPENED_BY))
NOT_OPENING = -1


@dataclass(frozen=True, repr=False)
class Episodes:
    """Episodes in patient, stream and time order.

    Attributes
    ----------
    columns : dict of ndarray, shape (n,)
        Inside columns (`schema.EPISODE_COLUMNS`).
    visits : Visits
        The visits, with the columns ``episode`` (-1 for maintenance visits before a first episode) and
        ``taken_as_maintenance``.
    starts, sizes : ndarray of int, shape (n,)
        First row in `visits` and number of visits of each episode.
    course : Course
        What came before and after each visit; the timelines read it.
    """

    columns: Columns
    visits: Visits
    starts: Rows
    sizes: Rows
    labels: dict[str, tuple[str, ...]] = field(repr=False)
    course: Course = field(repr=False)
    ledger: Ledger
    notes: tuple[str, ...]
    protocol: Protocol

    def __repr__(self) -> str:
        return f"Episodes({self.n} episodes of {self.visits.n} visits)"

    @property
    def n(self) -> int:
        """Number of episodes."""
        return len(self.starts)

    @property
    def has_calendar(self) -> bool:
        """Whether days are calendar dates."""
        return self.visits.has_calendar

    def to_arrow(self) -> pa.Table:
        """Show the episodes with words, dates and points."""
        visit_words = self.visits.words
        words = Words({**visit_words.codes, **self.labels}, visit_words.masks, self.has_calendar)
        return to_arrow(self.columns, EPISODE_COLUMNS, words)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The episodes as a pandas frame."""
        return self.to_arrow().to_pandas()


def build_episodes(visits: Visits, protocol: Protocol | str | Path | None = None) -> Episodes:
    """Group visits into episodes of care (rules and worked table: this module's docstring).

    Parameters
    ----------
    visits : Visits
        As `build_visits` returns them.
    protocol : Protocol, optional
        Another definition, or the path of its file; the visits' own when not given.

    Returns
    -------
    Episodes
        One row an episode; every visit is accounted for in the ledger.

    Raises
    ------
    InputRefused
        E657 no visits or protocol.
    """
    check_visits(visits)
    protocol = load_protocol(protocol) or visits.protocol
    made_of = (already.Same.of(visits, visits.columns, visits.labels), protocol)
    if isinstance(known := already.recall("episodes", made_of), Episodes):
        return known
    course = Course.of(visits, protocol)
    opened_by = find_openings(course, protocol)
    starts = np.flatnonzero(opened_by != NOT_OPENING)
    sizes = np.minimum(np.append(starts[1:], course.n), course.stream_end[starts]) - starts
    episode = np.cumsum(opened_by != NOT_OPENING, dtype=np.int32) - np.int32(1)
    episode[~_has_episode(course, starts, episode)] = MISSING
    recorded: Flags | bool = visits.columns.get("is_maintenance", False)
    added = {"episode": episode, "taken_as_maintenance": ~course.care & ~np.asarray(recorded)}
    assigned = replace(visits, columns={**visits.columns, **added})
    columns, labels = summarise_episodes(assigned, course, opened_by, starts, sizes, protocol)
    n_before = int((episode == MISSING).sum())
    step = Step(
        "episodes",
        "visits",
        course.n,
        course.n - n_before,
        not_data={"maintenance visit before a first episode": n_before},
    )
    ledger = visits.ledger.with_step(step)
    check_unbroken(ledger, int(sizes.sum()), "visits of episodes")
    episodes = Episodes(columns, assigned, starts, sizes, labels, course, ledger, visits.notes, protocol)
    return already.keep("episodes", made_of, episodes, (*columns.values(), *added.values(), starts, sizes))


def _has_episode(course: Course, starts: Rows, episode: NDArray[np.int32]) -> Flags:
    """Whether the latest opening before a visit is in the visit's own stream."""
    if not len(starts):
        return np.zeros(course.n, dtype=np.bool_)
    return (episode >= 0) & (starts[np.maximum(episode, 0)] >= course.stream_start)


def find_openings(course: Course, protocol: Protocol) -> NDArray[np.int8]:
    """For each visit the rule that opens an episode there (index into `OPENED_BY`), or -1."""
    settings = protocol.episode
    gap = course.gap_days
    opened_by = np.full(course.n, NOT_OPENING, dtype=np.int8)
    if settings.new_onset_rule:
        opened_by[course.care & course.new_complaint & (gap >= settings.new_onset_marker_min_gap_days)] = RULE_C
    opened_by[course.care & (gap >= settings.gap_days)] = RULE_A
    opened_by[course.care & (course.previous_care < 0)] = FIRST
    return _apply_relief_rule(course, opened_by, protocol) if settings.relief_rule else opened_by


def _apply_relief_rule(course: Course, opened_by: NDArray[np.int8], protocol: Protocol) -> NDArray[np.int8]:
    """Decide rule B in time order within each stream, one candidate of every stream at a time."""
    candidates = _relief_rule_candidates(course, opened_by, protocol)
    if not len(candidates):
        return opened_by
    stream = course.stream_start[candidates]
    first_of_stream = np.flatnonzero(np.r_[True, stream[1:] != stream[:-1]])
    rank = np.arange(len(candidates)) - np.repeat(first_of_stream, np.diff(first_of_stream, append=len(candidates)))
    by_rank = np.argsort(rank, kind="stable")
    last_a_or_c = np.maximum.accumulate(np.where(opened_by != NOT_OPENING, np.arange(course.n), MISSING))
    last_b = np.full(course.n, MISSING, dtype=np.intp)  # by stream start: latest opening by rule B so far
    for rows in np.split(candidates[by_rank], np.cumsum(np.bincount(rank))[:-1]):
        own = course.stream_start[rows]
        start = np.maximum(last_a_or_c[rows - 1], last_b[own])
        opens = rows[_relieved_when_last_seen(course, rows, start, protocol)]
        opened_by[opens] = RULE_B
        last_b[course.stream_start[opens]] = opens
    return opened_by


def _relief_rule_candidates(course: Course, opened_by: NDArray[np.int8], protocol: Protocol) -> Rows:
    """Visits for which rule B depends on nothing but whether the patient was relieved when last seen."""
    settings = protocol.episode
    last = course.pain[course.last_measured].astype(np.int32)
    back = (course.pain >= settings.return_min_nrs * HUNDREDTHS) & (
        course.pain - last >= settings.return_min_rise_nrs * HUNDREDTHS
    )
    due = course.care & (course.gap_days >= settings.relief_gap_days) & (course.last_measured >= 0)
    return np.flatnonzero(due & back & (opened_by != RULE_A) & (opened_by != FIRST))


def _relieved_when_last_seen(course: Course, rows: Rows, start: Rows, protocol: Protocol) -> Flags:
    base = baseline_row(course, start, protocol)
    baseline = np.where(base >= 0, course.pain[base], MISSING).astype(np.int16)
    last = course.last_measured[rows]
    seen = last >= start
    relieved: Flags = seen & (
        is_relieved(course.pain[last], baseline, protocol) | course.resolved[course.previous_care[rows]]
    )
    return relieved
