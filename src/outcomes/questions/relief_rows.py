"""What the clock of relief reads of each episode: its interval, and how the episode ended if relief was not seen.

An episode ends once, in one of three ways, all counted in days from the first visit:

==========  =============================================================================  ========================
end         what happened                                                                  its day
==========  =============================================================================  ========================
relief      relief was recorded                                                            that visit
stopped     the patient stopped coming, without relief by the rule and without discharge   the last visit
sent_on     discharged or referred without relief by the rule                              the last visit
(none)      still open at the data cut, follow-up unknown, or a new complaint took over    the last visit, censored
==========  =============================================================================  ========================

A stop can be told only after the silence the protocol asks for (`cases.ending`). An episode that started less than that
before the clinic's data cut could be seen relieved but not seen to stop; among such episodes relief would win the race.
So ends, and the fates of those who stopped, are counted among episodes old enough (`told_days`), and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.cases.schema import END_REASONS, MISSING
from outcomes.errors import Finding, InputRefused
from outcomes.estimators.checks import check_weights
from outcomes.ledger import Ledger
from outcomes.questions.results import FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

ENDS = ("relief", "stopped", "sent_on")
CENSORED, RELIEF, STOPPED, SENT_ON = range(1 + len(ENDS))
_END_OF_REASON = {
    "silent_stop": STOPPED,
    "stopped_relieved": STOPPED,  # relieved at the last rating, but not by a rule that asks for more
    "discharged": SENT_ON,
    "referred": SENT_ON,
}


@dataclass(frozen=True, slots=True)
class ReliefRows:
    """The eligible episodes, one row each; arrays of shape (n,).

    Attributes
    ----------
    episode : ndarray of int
        Row of the episode table.
    patient : ndarray of int
    left_days, right_days : ndarray of float
        Relief happened in ``(left_days, right_days]``; inf where it was not seen.
    weight : ndarray of float
    end : ndarray of int
        0 censored, else 1 + position in `ENDS`.
    end_day : ndarray of int
        Day of the end, or of the last visit.
    told_days : ndarray of int
        Last day on which a stop would be known by now; -1 where none would, or the data cut is unknown.
    ledger : Ledger
    """

    episode: IntArray
    patient: IntArray
    left_days: FloatArray
    right_days: FloatArray
    weight: FloatArray
    end: IntArray
    end_day: IntArray
    told_days: IntArray
    ledger: Ledger

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether relief was seen."""
        return np.isfinite(self.right_days)

    @property
    def last_seen_days(self) -> FloatArray:
        """Day of relief, or of the last rating without it."""
        return np.where(self.seen, self.right_days, self.left_days)

    def take(self, part: IntArray, weight: FloatArray | None = None) -> ReliefRows:
        """Return some of the rows, with other weights where given; rows without weight are left out."""
        given = self.weight[part] if weight is None else weight
        part, given = part[given > 0], given[given > 0]
        return ReliefRows(
            self.episode[part],
            self.patient[part],
            self.left_days[part],
            self.right_days[part],
            given,
            self.end[part],
            self.end_day[part],
            self.told_days[part],
            self.ledger,
        )


def build_rows(
    episodes: Episodes, rule: str | None = None, weights: ArrayLike | None = None, confirm: str | None = None
) -> ReliefRows:
    """Bound relief and find the end of every eligible episode.

    Parameters
    ----------
    episodes : Episodes
    rule, confirm : str, optional
        As in `build_relief_intervals`.
    weights : array_like, shape (episodes.n,), optional
        One weight an episode of the table, 0 or more; those of episodes that are not eligible play no part.

    Raises
    ------
    InputRefused
        Weights that are negative, not numbers, or not one an episode.
    NotEstimable
        No such rule, or no weight.
    """
    from outcomes.cases.timeline import build_relief_intervals

    if weights is not None and np.shape(weights) != (episodes.n,):
        what = f"must have one entry a row of episodes.table, {episodes.n} in all; the shape is {np.shape(weights)}."
        raise InputRefused("Relief cannot be estimated.", [Finding("E603", what, "weights")])
    found = build_relief_intervals(episodes, rule, confirm)
    rows = found.episode.astype(np.intp)
    columns = episodes.columns
    weight = np.ones(rows.size) if weights is None else check_weights(weights, episodes.n)[rows]
    seen = np.isfinite(found.right_days)
    by_reason = np.array([_END_OF_REASON.get(word, CENSORED) for word in END_REASONS])
    end = by_reason[columns["end_reason"]]
    end = np.where((end == STOPPED) & _next_took_over(episodes), CENSORED, end)[rows]
    until = columns["observable_until_day"].astype(np.intp)
    silence = episodes.protocol.dropout.no_visit_days
    told = np.where(until == MISSING, -1, np.maximum(until - columns["index_day"] - silence, -1))[rows]
    last_visit = (columns["last_day"] - columns["index_day"])[rows]
    # A rating can be the last thing recorded of an episode, at a visit that is maintenance.
    last_day = np.maximum(last_visit, found.left_days.astype(np.intp))
    return ReliefRows(
        episode=rows,
        patient=columns["patient"][rows].astype(np.intp),
        left_days=found.left_days,
        right_days=found.right_days,
        weight=weight,
        end=np.where(seen, RELIEF, end),
        end_day=np.where(seen, np.where(seen, found.right_days, 0).astype(np.intp), last_day),
        told_days=told,
        ledger=found.ledger,
    )


def _next_took_over(episodes: Episodes) -> NDArray[np.bool_]:
    """Whether the patient's next episode in the stream opened before the silence that makes a stop, shape (n,)."""
    columns = episodes.columns
    same = (columns["patient"][1:] == columns["patient"][:-1]) & (columns["stream"][1:] == columns["stream"][:-1])
    wait = columns["index_day"][1:] - columns["last_day"][:-1]
    return np.append(same & (wait < episodes.protocol.dropout.no_visit_days), False)
