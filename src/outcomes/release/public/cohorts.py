"""Who a public page is about: distinct patients, each with one episode, and where each of them stands.

**Patients.** Of every patient the first episode whose relief can be told counts, and no other: it began after the
clinic's washout, its first pain rating leaves room for relief, and its clinic was observed for so long that relief by
the primary day would be on record by now (the day, and `quarter_indicators.LAG_DAYS` more).

**State at the primary day** (28 by default). Relief is the protocol's main rule.

=============  ======================================================================================================
``relief``     a rating on or before the day meets the rule
``no_relief``  none does, and the patient was rated on that day or later
``unknown``    none does, and the patient was not rated on that day or later: nobody knows
=============  ======================================================================================================

**After relief**, of those with relief by the primary day: ``back``, pain back before the landmark or a return within
`RETURN_DAYS` of it (`cases.returns`); ``not_back``, followed for as long without either; ``too_early``, not followed
long enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.returns import build_return_rows
from outcomes.cases.schema import MISSING
from outcomes.errors import NotEstimable
from outcomes.questions.quarter_dates import check_dates
from outcomes.questions.quarter_indicators import LAG_DAYS, RETURN_DAYS
from outcomes.questions.quarters import quarter_end, quarter_number, quarter_word, read_quarter
from outcomes.questions.relief_rows import ReliefRows, build_rows
from outcomes.questions.results import IntArray

if TYPE_CHECKING:
    from outcomes.cases import Episodes

STATES = ("relief", "no_relief", "unknown")
AFTER = ("back", "not_back", "too_early")
RELIEF, NO_RELIEF, UNKNOWN = range(len(STATES))
BACK, NOT_BACK, TOO_EARLY = range(len(AFTER))


@dataclass(frozen=True, slots=True)
class People:
    """Distinct patients, one row each; arrays of shape (n,). Never leaves the process.

    Attributes
    ----------
    rows : ReliefRows
        Their first episodes, with the interval in which relief came.
    state : ndarray of int
        Place in `STATES`.
    after : ndarray of int
        Place in `AFTER`; -1 without relief by the primary day.
    quarter : str
        The last quarter in which one of them may have started; empty without a calendar.
    """

    rows: ReliefRows
    state: IntArray
    after: IntArray
    quarter: str

    @property
    def n(self) -> int:
        """Number of patients."""
        return self.rows.episode.size


def find_people(episodes: Episodes, quarter: str | None = None) -> People:
    """Choose one episode a patient, and tell each one's state (this module's docstring).

    Parameters
    ----------
    episodes : Episodes
    quarter : str, optional
        Patients who started after it are left out; the newest quarter that can be judged when not given.

    Raises
    ------
    NotEstimable
        The end of observation is unknown, nobody is followed long enough, or there is no such quarter.
    """
    until = episodes.columns["observable_until_day"].astype(np.int64)
    if not (until != MISSING).any():
        raise NotEstimable(
            "A public page needs the day up to which every patient would have been seen. This export has day numbers "
            "and no calendar; declare [dates] observed_until_day in the mapping if that day is known."
        )
    name, last_start = _choose_quarter(episodes, quarter, until)
    rows = build_rows(episodes)
    start = episodes.columns["index_day"].astype(np.int64)[rows.episode]
    old = until[rows.episode] - start >= episodes.protocol.horizons_days.primary + LAG_DAYS
    used = np.flatnonzero(old & (until[rows.episode] != MISSING) & (start <= last_start))
    first = used[_first_of_each(rows.patient[used], start[used], rows.episode[used])]
    if not first.size:
        raise NotEstimable(
            "A public page cannot be made: no patient has an episode that began after the washout with a pain rating "
            f"high enough for relief, and was followed for {episodes.protocol.horizons_days.primary} days."
        )
    rows = rows.take(first)
    state = _states(rows, episodes.protocol.horizons_days.primary)
    return People(rows, state, _after_relief(episodes, rows, state), name)


def _choose_quarter(episodes: Episodes, quarter: str | None, until: IntArray) -> tuple[str, int]:
    """Name of the last quarter patients may have started in, and its last day; no name without a calendar."""
    everything = int(np.iinfo(np.int64).max)
    days = episodes.protocol.horizons_days.primary + LAG_DAYS
    if not episodes.has_calendar or not _has_true_dates(episodes):
        if quarter is not None:
            raise NotEstimable("A quarter cannot be chosen: this export has no true dates. Leave --quarter out.")
        return "", everything
    started = np.unique(quarter_number(episodes.columns["index_day"])).tolist()
    last_day = int(until.max()) - days
    mature = [number for number in started if quarter_end(number) <= last_day]
    if not mature:
        raise NotEstimable(
            "A public page cannot be made yet: the first quarter in which an episode started must lie "
            f"{days} days before the end of the records with its last day."
        )
    number = mature[-1] if quarter is None else read_quarter(quarter)
    if number > mature[-1] or number < started[0]:
        newest, oldest = quarter_word(mature[-1]), quarter_word(started[0])
        raise NotEstimable(
            f"There is no public page for {quarter_word(number)}. The first quarter on record is {oldest}; the newest "
            f"that can be judged is {newest}."
        )
    return quarter_word(number), quarter_end(number)


def _has_true_dates(episodes: Episodes) -> bool:
    try:
        check_dates(episodes)
    except NotEstimable:
        return False
    return True


def _first_of_each(patient: IntArray, day: IntArray, episode: IntArray) -> IntArray:
    """Place of each patient's earliest episode; of two that start on one day, the one listed first."""
    order = np.lexsort((episode, day, patient))
    is_first = np.ones(order.size, dtype=np.bool_)
    is_first[1:] = patient[order][1:] != patient[order][:-1]
    found: IntArray = np.sort(order[is_first])
    return found


def _states(rows: ReliefRows, day: int) -> IntArray:
    relief = rows.right_days <= day
    seen_later = np.where(rows.seen, rows.right_days > day, rows.left_days >= day)
    return np.where(relief, RELIEF, np.where(seen_later, NO_RELIEF, UNKNOWN)).astype(np.intp)


def _after_relief(episodes: Episodes, rows: ReliefRows, state: IntArray) -> IntArray:
    """What is known of each patient after relief; -1 for those without relief by the primary day."""
    found = build_return_rows(episodes)
    place = np.full(episodes.n, TOO_EARLY, dtype=np.intp)
    place[found.relapsed_episode] = BACK
    within = found.stop_days <= RETURN_DAYS
    place[found.episode[found.stop_days >= RETURN_DAYS]] = NOT_BACK
    place[found.episode[within & (found.event == 1)]] = BACK
    return np.where(state == RELIEF, place[rows.episode], MISSING)
