"""Relieved and not back: the measure that a clinic with few, easy relieved episodes cannot look good on.

Only relieved episodes are at risk of return, so a low share of returns may mean that few were relieved. The composite
multiplies what an eligible episode has to come through: relief by a day, no relapse up to the landmark, no return up to
the horizon after it. Its interval draws patients, each with all episodes, and estimates all three again in every draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import bootstrap, limits, npmle
from outcomes.estimators.counting import distinct
from outcomes.estimators.day_tables import incidence_by_day
from outcomes.questions.relief_draws import draw_settings, sum_columns
from outcomes.questions.relief_fit import fit_curve
from outcomes.questions.relief_rows import ReliefRows, build_rows
from outcomes.questions.results import FloatArray, IntArray
from outcomes.questions.return_lines import AtRisk, fit_line

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.returns import ReturnRows
    from outcomes.definitions import Protocol

COLUMNS = ("measure", "label", "relief_by_days", "horizon_days", "estimate", "conf_low", "conf_high", "n", "events")
MEASURES = ("relieved", "kept", "not_back", "relieved_and_not_back")
_NOT_KNOWN, _RELAPSED, _FIRST_DAY = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Path:
    """What is known of each eligible episode; arrays of shape (n,).

    ``fate`` is 0 where no landmark was reached or relief not seen, 1 for relapse, and from 2 on twice the days from the
    landmark (those after the horizon as one day more), one more for a return.
    """

    patient: IntArray
    pattern: IntArray
    fate: IntArray


def estimate_composite(episodes: Episodes, returns: ReturnRows) -> pd.DataFrame:
    """Estimate the three shares and their product (`COLUMNS`); NaN where one of them cannot be stated.

    Relief counts up to the last of the protocol's days that can be stated, ``relief_by_days``: by another day it is
    another measure.

    Parameters
    ----------
    episodes : Episodes
    returns : ReturnRows
        As reported; `events` counts episodes known to have come through.
    """
    import pandas as pd

    protocol = episodes.protocol
    day, wait = protocol.horizons_days.primary_recurrence, protocol.recurrence.landmark_days
    rows = build_rows(episodes)
    relief, patterns, fit = fit_curve("composite", rows, protocol)
    stated = [h for h in protocol.horizons_days.relief if h <= relief.last_day]
    by = stated[-1] if stated else max(protocol.horizons_days.relief)
    labels = (
        f"relieved by day {by}",
        f"no relapse within {wait} days of relief",
        f"not back within {day} days after that",
        f"relieved by day {by}, no relapse, not back within {day} days",
    )
    fate = _find_fates(episodes, returns, rows.episode, day)
    counts = _count(rows, fate, by, day)
    known = fit_line("composite", AtRisk.of(returns), protocol)
    shares, low, high = (np.full(len(MEASURES), np.nan) for _ in range(3))
    if patterns is not None and fit is not None and stated and day <= known.last_day:
        draws = _draw(_Path(rows.patient, patterns.row, fate), patterns.left.size, day, protocol)
        relieved = _relieved_shares(patterns, fit, draws[0], by)
        parts = np.column_stack([relieved, *_later_shares(draws[1], day)])
        parts = np.column_stack([parts, parts.prod(axis=1)])
        shares = parts[0]
        low, high = limits.interval_limits(shares, parts[1:], protocol.inference.level)
        # A share that is 0 or 1 in every draw is no sure one: as in the curves, it has no interval.
        low, high = (np.where(high > low, bound, np.nan) for bound in (low, high))
    found = zip(MEASURES, labels, (by,) * len(MEASURES), (by, wait, day, day), shares, low, high, *counts, strict=True)
    return pd.DataFrame(list(found), columns=list(COLUMNS))


def _find_fates(episodes: Episodes, returns: ReturnRows, episode: IntArray, day: int) -> IntArray:
    """The fate of each of the eligible episodes, coded as `_Path` says."""
    code = np.full(episodes.n, _NOT_KNOWN, dtype=np.intp)
    code[returns.relapsed_episode] = _RELAPSED
    stop = returns.stop_days.astype(np.intp)
    returned = (returns.event > 0) & (stop <= day)
    code[returns.episode] = _FIRST_DAY + 2 * np.minimum(stop, day + 1) + returned
    return code[episode]


def _count(rows: ReliefRows, fate: IntArray, by: int, day: int) -> tuple[list[int], list[int]]:
    """Episodes that each measure is about, and those of them known to have come through."""
    at_risk = fate >= _FIRST_DAY
    through = at_risk & (fate % 2 == 0) & (fate >= _FIRST_DAY + 2 * day)
    n_at_risk, n_through = int(at_risk.sum()), int(through.sum())
    n_seen = int((rows.seen & (rows.last_seen_days <= by)).sum())
    n_kept = n_at_risk + int((fate == _RELAPSED).sum())
    in_time = int((through & (rows.last_seen_days <= by)).sum())
    return [fate.size, n_kept, n_at_risk, fate.size], [n_seen, n_at_risk, n_through, in_time]


def _draw(path: _Path, n_patterns: int, day: int, protocol: Protocol) -> tuple[FloatArray, FloatArray]:
    """The data (row 0) and every draw: rows of each interval, and rows of each fate."""
    n_fates = _FIRST_DAY + 2 * (day + 2)
    key, joint = distinct(path.pattern * n_fates + path.fate)
    own = np.bincount(joint, minlength=key.size)
    drawn = bootstrap.draw_counts(joint, path.patient, *draw_settings("composite", protocol))
    counts = np.concatenate([own[None, :], drawn]).astype(np.float64)
    return sum_columns(counts, key // n_fates, n_patterns), sum_columns(counts, key % n_fates, n_fates)


def _relieved_shares(patterns: npmle.Patterns, fit: npmle.Npmle, counts: FloatArray, by: int) -> FloatArray:
    """Share relieved by a day in the data (row 0) and in every draw."""
    drawn = bootstrap.npmle_draws(patterns, fit, counts[1:], np.array([by]))[:, 0]
    return np.concatenate([npmle.cdf_at(fit, [by])[0], drawn])


def _later_shares(fates: FloatArray, day: int) -> tuple[FloatArray, FloatArray]:
    """Share without relapse, and share not back by the horizon, in every row; 1 in a draw that has nobody at risk."""
    leaving = fates[:, _FIRST_DAY:].reshape(len(fates), day + 2, 2)
    at_risk = leaving.sum(axis=(1, 2))
    reached = at_risk + fates[:, _RELAPSED]
    kept = np.divide(at_risk, reached, out=np.ones_like(reached), where=reached > 0)
    not_back = np.ones_like(at_risk)
    some = at_risk > 0
    not_back[some] = 1.0 - incidence_by_day(leaving[some])[:, 0, day]
    return kept, not_back
