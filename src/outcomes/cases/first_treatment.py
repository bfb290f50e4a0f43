"""Episodes to treatment rows: the clock from the first treatment visit, and what was done there.

A comparison of treatments needs one moment at which eligibility is judged, the groups are formed and the clock starts;
where the three fall apart, time is given to one of the groups that it did not live through (Hernan et al. 2016,
doi:10.1016/j.jclinepi.2016.04.014). Here it is the first visit at which anything was treated. What is given later does
not count: it answers to how the patient is doing. The rating that relief is held against is the one before treatment
that day, or the last one before it within the baseline window.

Baseline 6, default rule, treatment of interest T; days from the first visit:

=========================  ==========  =================  ======================================================
pain at days               treated at  interval           the deciding sentence
=========================  ==========  =================  ======================================================
0:6  7:5  14:3             0           (7, 14]            as for time to relief
0:6  4:6  14:3             4           (0, 10]            the clock starts on day 4, and a rating on it counts
0:6  2:   14:3             2           (0, 12]            day 0 is within 3 days before day 2
0:6  9:   14:3             9           set aside          no rating within 3 days up to the treatment
0:   2:6  14:3             0           set aside          the first rating came after the first treatment
0:6  7:2  14:2             7           set aside          pain is 2 when treatment begins: relief is not definable
0:6                        (never)     set aside          no treatment is recorded
0:6  2:6  14:3             0 (?), 2    set aside          on day 0 something was done that the codebook does not know
=========================  ==========  =================  ======================================================

With a window of w days what was given from day 0 to day w of this clock counts, and the clock starts again on day w for
those who were by then neither seen relieved nor out of sight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.course import Flags, Rows
from outcomes.cases.schema import HUNDREDTHS, MISSING
from outcomes.cases.summary import count_early, find_first_treatment, recollect_facts
from outcomes.cases.timeline import find_measured_rows, find_relief, read_rule
from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

Masks = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class TreatmentRows:
    """Eligible episodes on the clock from their first treatment; arrays of shape (n,), ascending by episode.

    Attributes
    ----------
    episode, patient : ndarray of int
        Row of the episode table, code of the patient.
    row : ndarray of int
        Row of the first treatment visit among the visits.
    baseline : ndarray of int16
        Rating before that treatment, in hundredths.
    given : ndarray of uint64
        What was done at that visit, or within the window, as a bit mask of modalities.
    left_days, right_days : ndarray of float64
        Relief happened in ``(left_days, right_days]``, from the treatment (or the end of the window); inf: not seen.
    n_ratings : ndarray of int
        Ratings after the treatment up to the primary day, of whatever height.
    window_days : int
        Days within which treatments count; 0 for that visit alone.
    ledger : Ledger
    """

    episode: Rows
    patient: Rows
    row: Rows
    baseline: NDArray[np.int16]
    given: Masks
    left_days: NDArray[np.float64]
    right_days: NDArray[np.float64]
    n_ratings: Rows
    window_days: int
    ledger: Ledger

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.episode.size

    @property
    def seen(self) -> Flags:
        """Whether relief was seen."""
        return np.isfinite(self.right_days)

    def take(self, part: Flags | Rows) -> TreatmentRows:
        """Return some of the rows."""
        names = ("episode", "patient", "row", "baseline", "given", "left_days", "right_days", "n_ratings")
        return replace(self, **{name: getattr(self, name)[part] for name in names})


def build_treatment_rows(
    episodes: Episodes, rule: str | None = None, confirm: str | None = None, window_days: int = 0
) -> TreatmentRows:
    """Bound relief from the first treatment visit on (worked table: this module's docstring).

    Parameters
    ----------
    episodes : Episodes
        Of an export that records treatments.
    rule, confirm : str, optional
        As in `build_relief_intervals`.
    window_days : int
        Days of the clock within which treatments count.

    Raises
    ------
    NotEstimable
        The export has no treatment column, or there is no such rule.
    """
    if "modalities" not in episodes.visits.columns:
        raise NotEstimable("Treatments cannot be compared: this export has no treatment column. Map one.")
    _, *parts = read_rule(episodes, rule, confirm)
    protocol, course = episodes.protocol, episodes.course
    row = find_first_treatment(episodes.visits, episodes.starts, episodes.sizes)
    first = _find_baseline(episodes, row)
    pain = np.where(first >= 0, course.pain[first], np.int16(MISSING))
    low = pain < protocol.baseline.eligible_min_nrs * HUNDREDTHS
    inception, hidden = episodes.columns["is_inception"], _has_unknown_before(episodes, row)
    fit = inception & (row >= 0) & ~hidden
    kept = np.flatnonzero(fit & (first >= 0) & ~low)
    window = protocol.resolution if parts[0] == "resolved" else protocol.relief
    last, hit, _ = find_relief(
        episodes, kept, first[kept], pain[kept], (parts[0], parts[1]), window.confirm_within_days
    )
    origin = course.day[row[kept]]
    step = Step(
        "treated, with a rating before",
        "episodes",
        episodes.n,
        kept.size,
        set_aside={
            "started within the clinic's washout": int((~inception).sum()),
            "no treatment recorded": int((inception & (row < 0)).sum()),
            "before it something was done that the codebook does not know": int((inception & hidden).sum()),
            "no pain rating before the first treatment": int((fit & (first < 0)).sum()),
            "pain too low at the first treatment for relief to be definable": int((fit & (first >= 0) & low).sum()),
        },
    )
    rows = TreatmentRows(
        episode=kept,
        patient=episodes.columns["patient"][kept].astype(np.intp),
        row=row[kept],
        baseline=pain[kept],
        given=episodes.visits.columns["modalities"][row[kept]],
        # The rating may be older than the treatment; what happened in between happened before the clock.
        left_days=np.maximum(course.day[last] - origin, 0).astype(np.float64),
        right_days=np.where(hit >= 0, course.day[hit] - origin, np.inf),
        n_ratings=_count_ratings(episodes, kept, row[kept]),
        window_days=0,
        ledger=episodes.ledger.with_step(step),
    )
    return _restart(episodes, rows, window_days) if window_days else rows


def keep_known_facts(episodes: Episodes) -> Episodes:
    """Return the episodes with only those facts that were written down by the first treatment visit.

    What is noted later, or whether anything is, may answer to how the treatment went. Episodes without a treatment keep
    what their first visit says.
    """
    if "modalities" not in episodes.visits.columns:
        return episodes
    row = find_first_treatment(episodes.visits, episodes.starts, episodes.sizes)
    early = count_early(episodes.course, episodes.starts, episodes.sizes, episodes.protocol)
    sizes = np.minimum(np.maximum(row - episodes.starts, 0) + 1, early)
    return replace(episodes, columns=recollect_facts(episodes.visits, episodes.columns, episodes.starts, sizes))


def _find_baseline(episodes: Episodes, row: Rows) -> Rows:
    """Row of the rating on the day of each treatment or shortly before it, in the episode; -1 for none."""
    course, at = episodes.course, np.maximum(row, 0)
    before = np.where(course.pain[at] >= 0, at, course.last_measured[at])
    wait = course.day[at] - course.day[np.maximum(before, 0)]
    usable = (row >= 0) & (before >= episodes.starts) & (wait <= episodes.protocol.baseline.window_days)
    return np.where(usable, before, MISSING)


def _has_unknown_before(episodes: Episodes, row: Rows) -> Flags:
    """Whether a visit of each episode before its first treatment has a term that the codebook does not know.

    It may have been a treatment: then the clock would start too late, and in the wrong arm.
    """
    total = np.append(0, np.cumsum(episodes.visits.columns["modality_unknown"]))
    has: Flags = (row >= 0) & (total[np.maximum(row, episodes.starts)] > total[episodes.starts])
    return has


def _count_ratings(episodes: Episodes, episode: Rows, row: Rows) -> Rows:
    course = episodes.course
    measured, place, _ = find_measured_rows(episodes, course, episode, row)
    days = course.day[measured] - course.day[row[place]]
    inside = (days > 0) & (days <= episodes.protocol.horizons_days.primary)
    return np.bincount(place[inside], minlength=episode.size)


def _restart(episodes: Episodes, rows: TreatmentRows, window_days: int) -> TreatmentRows:
    """Count what was given within the window, and start the clock again at its end for those still at risk."""
    relieved = rows.right_days <= window_days
    gone = ~rows.seen & (rows.left_days < window_days)
    step = Step(
        f"at risk {window_days} days after the first treatment",
        "episodes",
        rows.n,
        int((~relieved & ~gone).sum()),
        set_aside={"relieved within the window": int(relieved.sum()), "out of sight by its end": int(gone.sum())},
    )
    kept = rows.take(~relieved & ~gone)
    return replace(
        kept,
        given=_given_within(episodes, kept, window_days),
        left_days=np.maximum(kept.left_days - window_days, 0.0),
        right_days=kept.right_days - window_days,
        window_days=window_days,
        ledger=rows.ledger.with_step(step),
    )


def _given_within(episodes: Episodes, rows: TreatmentRows, window_days: int) -> Masks:
    """Union of what was done from each treatment visit to the end of the window, in its episode."""
    masks, given = episodes.visits.columns["modalities"], rows.given.copy()
    last = _find_last(episodes, rows, window_days)
    # The loop runs over the visits a window can hold, not over episodes.
    for step in range(1, int((last - rows.row).max(initial=0)) + 1):
        there = rows.row + step <= last
        given[there] |= masks[rows.row[there] + step]
    return given


def find_window_end(episodes: Episodes, rows: TreatmentRows) -> Rows:
    """Return the row of the last visit of each episode within the window in which treatments count."""
    return _find_last(episodes, rows, rows.window_days)


def _find_last(episodes: Episodes, rows: TreatmentRows, days: int) -> Rows:
    day, end = episodes.course.day, (episodes.starts + episodes.sizes)[rows.episode]
    last = rows.row.copy()
    moving = np.arange(rows.n)
    while moving.size:
        following = last[moving] + 1
        inside = following < end[moving]
        inside[inside] = day[following[inside]] - day[rows.row[moving[inside]]] <= days
        moving = moving[inside]
        last[moving] += 1
    return last
