r"""Risk-adjusted cumulative sums: signals that the odds of an event are no longer those expected of the cases.

Steiner, Cook, Farewell and Treasure 2000, doi:10.1093/biostatistics/1.4.441. Case t has the event (y = 1) or not, with
an expected probability p. Its score is the log of the likelihood ratio of odds R times as large, against the odds
expected::

    W_t(R) = y_t log R - log(1 - p_t + R p_t)

    up_t   = max(0, up_{t-1}   + W_t(R))            rises while events come more often than expected
    down_t = max(0, down_{t-1} + W_t(1/R))          rises while they come less often

There is a signal where a sum is above its limit. The limits are simulated: series in which every case has the event
with its expected probability, the same cases in the same order. The two limits are placed so that each side has the
same number of simulated series beyond it, and the share of series with a signal on either side is the one asked for,
over the whole length of this series; where sums come out equal it is less. Of a share a from B simulated series the
standard error is ``sqrt(a (1 - a) / B)``: 0.7 points for 5 % from 999.

**After a signal** that sum starts again at 0 with the next case, the other goes on. The share asked for holds for the
first signal of a series. Later ones have no error rate of their own.

**What the expectation came from.** It must come from other cases: an earlier period, other clinics. If it was fitted
to these same cases, observed and expected agree at the end by construction. Odds 1.5 times as large from the middle of
800 cases on were then found in 24 % of simulated series instead of 77 %, and mostly too early, as too few events in the
half in which nothing had changed. Doubled odds after 500 of 1,000 cases were found in all series, half of them within
111 cases (halved odds: 127), odds 1.3 times as large in a third (``tests/simulation/test_chart_alarms.py``).

The limits take the expectation as known. Where it came from a share among m other cases, 800 stable cases had a signal
in 15, 8 and 6 % of simulated series for m = 300, 1,000 and 3,000 instead of the 5 % asked for: the others should be
more than those watched.

What the caller must guarantee: cases are in order of time and mature, each once; expectations are calibrated where the
series is stable: a wrong level is found like a change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.estimators.checks import FloatArray, check_share, read_number, refused
from outcomes.estimators.signals import SignArray
from outcomes.estimators.simulated_sums import (
    DIGITS,
    Cases,
    CountArray,
    check_simulation,
    rank_of_share,
    read_cases,
    simulate_counts,
)


@dataclass(frozen=True, slots=True)
class RiskAdjustedCusum:
    """Two cumulative sums over m groups of cases, and their limits.

    Attributes
    ----------
    up, down : ndarray, shape (m,)
        Sums at the end of each group, 0 or more, in units of log likelihood; before they start again.
    limit_up, limit_down : float
        A signal is a sum above its limit.
    signal : ndarray of int8, shape (m,)
        1 where `up` is above its limit, -1 where `down` is, 0 elsewhere.
    first_signal : int or None
        Position of the first, counted from 0; its error rate is `false_alarm`.
    odds_ratio : float
    false_alarm : float
        Probability asked for that a stable series has any signal.
    simulated_alarm : float
        Share of the simulated series that have one.
    series, seed, n : int
        Simulated series, their seed, and cases.
    """

    up: FloatArray
    down: FloatArray
    limit_up: float
    limit_down: float
    signal: SignArray
    first_signal: int | None
    odds_ratio: float
    false_alarm: float
    simulated_alarm: float
    series: int
    seed: int
    n: int


def risk_adjusted_cusum(
    outcome: ArrayLike,
    expected: ArrayLike,
    odds_ratio: float = 2.0,
    false_alarm: float = 0.05,
    series: int = 999,
    seed: int = 0,
    group: ArrayLike | None = None,
) -> RiskAdjustedCusum:
    """Return the two cumulative sums, tuned to odds `odds_ratio` times as large and as small, and their signals.

    Parameters
    ----------
    outcome, expected : array_like, shape (n,)
        0 or 1; its probability, inside (0, 1), from other cases than these.
    odds_ratio : float
        R, above 1.
    false_alarm : float
        Probability that a stable series of this length has a signal on either side.
    series, seed : int
        Simulated series, and their seed.
    group : array_like of int, shape (n,), optional
        What is looked at together, for example the day; the order inside a group changes nothing. By default each case
        is looked at as it comes, and the result depends on the order.

    Raises
    ------
    InputRefused
        E820-E822 of `read_cases`; E823, E824 of `check_simulation`; E825 `odds_ratio`; E826 `false_alarm`.
    NotEstimable
        No cases.
    """
    cases = read_cases(outcome, expected, group)
    ratio = read_number(odds_ratio)
    if not 1.0 < ratio < np.inf:
        raise refused("E825", "odds_ratio", "must be one number above 1, for example 2.")
    alarm = check_share("false_alarm", false_alarm, "E826", 0.05)
    series, seed = check_simulation(1.0 - alarm, series, seed)
    up, down = _scores(cases, ratio), _scores(cases, 1.0 / ratio)
    limit_up, limit_down, simulated = _limits(_largest_sums(cases, up, down, series, seed), alarm)
    path_up, path_down = _walk(up.at(cases.observed), limit_up), _walk(down.at(cases.observed), limit_down)
    # Never both: (1 - p + R p) (1 - p + p / R) is 1 or more, so both scores of a group cannot be above 0.
    signal = ((path_up > limit_up).astype(np.int8) - (path_down > limit_down)).astype(np.int8)
    at = np.flatnonzero(signal)
    return RiskAdjustedCusum(
        up=path_up,
        down=path_down,
        limit_up=limit_up,
        limit_down=limit_down,
        signal=signal,
        first_signal=int(at[0]) if at.size else None,
        odds_ratio=ratio,
        false_alarm=alarm,
        simulated_alarm=simulated,
        series=series,
        seed=seed,
        n=cases.outcome.size,
    )


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores added up without ever starting again: ``per_event`` times the events, minus ``drift``, shape (m,)."""

    per_event: float
    drift: FloatArray

    def at(self, observed: FloatArray | CountArray) -> FloatArray:
        """Return the sum, shape (m,) or (m, series), for events counted up to each of the m groups."""
        drift = self.drift if observed.ndim == 1 else self.drift[:, None]
        return self.per_event * observed - drift


def _scores(cases: Cases, ratio: float) -> _Scores:
    """Return the scores for odds `ratio` times as large."""
    return _Scores(float(np.log(ratio)), cases.sum_to_ends(np.log1p((ratio - 1.0) * cases.expected)))


def _largest_sums(cases: Cases, up: _Scores, down: _Scores, series: int, seed: int) -> FloatArray:
    """Return the largest value of both sums in each simulated series, shape (2, series)."""
    largest, lowest = np.zeros((2, series)), np.zeros((2, series))
    for groups, counts in simulate_counts(cases, series, seed):
        for side, scores in enumerate((up, down)):
            total = _Scores(scores.per_event, scores.drift[groups]).at(counts)
            floor = np.minimum(np.minimum.accumulate(total, axis=0), lowest[side])
            lowest[side] = floor[-1]
            np.maximum(largest[side], (total - floor).max(axis=0), out=largest[side])
    return np.round(largest, DIGITS)


def _limits(largest: FloatArray, alarm: float) -> tuple[float, float, float]:
    """Return the limits of both sums, and the share of series, shape (2, series), beyond either."""
    series = largest.shape[1]
    ordered = np.sort(largest, axis=1)
    ranks = [np.searchsorted(side, own, side="right") for side, own in zip(ordered, largest, strict=True)]
    kept = rank_of_share(1.0 - alarm, series)
    rank = int(np.sort(np.maximum(*ranks))[kept - 1])
    limits = ordered[:, rank - 1]
    return float(limits[0]), float(limits[1]), float((largest > limits[:, None]).any(axis=0).mean())


def _walk(total: FloatArray, limit: float) -> FloatArray:
    """Return the sum that never falls below 0 and starts again after a signal, from the plain sum, shape (m,)."""
    path = np.empty(total.size)
    start, base = 0, 0.0
    while start < total.size:
        rest = total[start:] - base
        path[start:] = np.round(rest - np.minimum(np.minimum.accumulate(rest), 0.0), DIGITS)
        beyond = path[start:] > limit
        if not beyond.any():
            break
        start += int(beyond.argmax()) + 1
        base = float(total[start - 1])
    return path
