"""One set of patient draws for all that is read from a group: intervals of relief, ends, and those who stopped.

Patients are drawn once, each with all of his or her episodes, so that the curve, its band, its quartiles, the fates of
those who stopped and the competing ends belong together.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import bootstrap, limits, npmle
from outcomes.estimators.counting import distinct
from outcomes.questions.relief_rows import ENDS, STOPPED, ReliefRows
from outcomes.questions.results import Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.definitions import Protocol

WAYS = 1 + len(ENDS)


@dataclass(frozen=True, slots=True)
class Draws:
    """The data (row 0) and every draw as tables of weights.

    Attributes
    ----------
    intervals : ndarray, shape (1 + draws, patterns)
        Weight of each distinct interval, of all episodes.
    ends : ndarray, shape (1 + draws, days + 1, `WAYS`)
        Weight that ends on each day in each way, of the episodes of whom a stop would be known; the last day stands
        for all later ones.
    stops : ndarray, shape (1 + draws, days)
        Of these, those who stopped, by the day of their last rating.
    told : ndarray, shape (1 + draws,)
        Weight of these episodes.
    """

    intervals: FloatArray
    ends: FloatArray
    stops: FloatArray
    told: FloatArray


def draw_rows(
    group: str, rows: ReliefRows, patterns: npmle.Patterns | None, is_told: Flags, n_days: int, protocol: Protocol
) -> Draws:
    """Draw patients and lay each draw out as tables.

    Parameters
    ----------
    group : str
        Seeds the draws.
    rows : ReliefRows
        All with weight.
    patterns : Patterns or None
        Of their intervals; None where relief was never seen.
    is_told : ndarray of bool, shape (n,)
        Whether a stop of the row would be known by now.
    n_days : int
        Days of the tables.
    """
    interval = np.zeros(rows.patient.size, dtype=np.intp) if patterns is None else patterns.row
    later = (n_days + 1) * WAYS
    end = np.where(is_told, np.minimum(rows.end_day, n_days) * WAYS + rows.end, later)
    last_rating = np.minimum(rows.left_days.astype(np.intp), n_days)
    stop = np.where(is_told & (rows.end == STOPPED), last_rating, n_days)
    sizes = (int(interval.max()) + 1, later + 1, n_days + 1)
    key, joint = distinct((interval * sizes[1] + end) * sizes[2] + stop)
    own = np.bincount(joint, weights=rows.weight, minlength=key.size)
    drawn = bootstrap.draw_counts(joint, rows.patient, *draw_settings(group, protocol), rows.weight)
    counts = np.concatenate([own[None, :], drawn])
    places = (key // (sizes[1] * sizes[2]), key // sizes[2] % sizes[1], key % sizes[2])
    by_interval, by_end, by_stop = (sum_columns(counts, at, size) for at, size in zip(places, sizes, strict=True))
    ends = by_end[:, :-1]
    return Draws(by_interval, ends.reshape(len(counts), n_days + 1, WAYS), by_stop[:, :-1], ends.sum(axis=1))


def draw_settings(group: str, protocol: Protocol) -> tuple[int, list[int]]:
    """Return the number of draws and the seed of a group: its interval does not depend on which others there are."""
    return protocol.inference.bootstrap_draws, [protocol.inference.seed, zlib.crc32(group.encode())]


def daily_limits(share: FloatArray, drawn: FloatArray, level: float, last_day: int) -> tuple[FloatArray, FloatArray]:
    """Limits of a share by each day, widened so that neither falls over time; NaN where every draw is 0.

    Before anything happens the draws have no width to give, and an interval from 0 to 0 would say too much. Days after
    the last one that may be stated widen none before them: too few are left to say anything there.
    """
    low, high = limits.interval_limits(share, drawn, level)
    for days in (slice(0, last_day + 1), slice(last_day + 1, None)):
        low[days] = np.minimum.accumulate(low[days][::-1])[::-1]
        high[days] = np.maximum.accumulate(high[days])
    nothing = ~(drawn > 0).any(axis=0)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def sum_columns(counts: FloatArray, place: IntArray, size: int) -> FloatArray:
    """Add up the columns at each place, shape (draws, size)."""
    order = np.argsort(place, kind="stable")
    there, first = np.unique(place[order], return_index=True)
    out = np.zeros((counts.shape[0], size))
    out[:, there] = np.add.reduceat(counts[:, order], first, axis=1)
    return out
