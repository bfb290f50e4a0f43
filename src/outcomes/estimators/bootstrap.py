"""Intervals by drawing patients again, with replacement (Efron and Tibshirani 1993, doi:10.1201/9780429246593).

A patient comes with all of his or her rows, because they resemble each other. Patients whose rows show the same
patterns are interchangeable, so a draw is not a list of patients but one multinomial vector of counts over classes of
patients, and a fit of a draw is a fit with other weights on the same table. All draws are made at once from one seed
before anything is fitted: the answer cannot depend on how, or by how many workers, the fits are done.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_level, check_numbers, refuse_where
from outcomes.estimators.counting import distinct
from outcomes.estimators.npmle import Npmle, Patterns, find_cells, maximise
from outcomes.estimators.refits import refit

IntArray = NDArray[np.intp]

# A draw moves the curve by whole points; its own fit need not be better than a millionth.
_GAP = 1e-7
# Draws are fitted together as long as a table of them has no more numbers than this: it stays in the cache.
_NUMBERS_AT_ONCE = 30_000


def draw_counts(pattern: ArrayLike, patient: ArrayLike, draws: int, seed: int | list[int]) -> NDArray[np.int64]:
    """Draw patients with replacement and count the patterns of their rows.

    Parameters
    ----------
    pattern : array_like of int, shape (n,)
        Pattern of each row, 0 or more.
    patient : array_like of int, shape (n,)
        Patient of each row.
    draws : int
        Number of draws.
    seed : int or list of int
        Entropy of the generator.

    Returns
    -------
    ndarray of int, shape (draws, patterns)
        Rows of each pattern in each draw. Every draw has as many patients as the data.

    Raises
    ------
    InputRefused
        Unequal lengths, negative patterns, fewer than one draw.
    NotEstimable
        No rows.
    """
    from scipy.sparse import csr_array

    kind = check_numbers("pattern", pattern).astype(np.intp)
    who = check_numbers("patient", patient, kind.size)
    refuse_where(kind < 0, "E641", "pattern", "is negative.")
    refuse_where(np.array([draws < 1]), "E642", "draws", "must be 1 or more.")
    if not kind.size:
        raise NotEstimable("Nothing to draw from: no rows were given.")
    of_class, of_pattern, times, patients = _classes(kind, distinct(who)[1])
    content = csr_array((times, (of_class, of_pattern)), shape=(patients.size, int(kind.max()) + 1))
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    n = int(patients.sum())
    drawn = generator.multinomial(n, patients / n, size=draws)
    return np.asarray(drawn @ content)


def _classes(kind: IntArray, who: IntArray) -> tuple[IntArray, IntArray, NDArray[np.int64], NDArray[np.int64]]:
    """Sort patients into classes with the same rows.

    Returns (class, pattern, 1) for every row of one patient of each class, and the number of patients in each class.
    The loop runs over the number of rows a patient has, not over patients; the order of rows plays no part.
    """
    order = np.lexsort((kind, who))
    kind = kind[order]
    n_rows = np.bincount(who)
    begin = np.cumsum(n_rows) - n_rows
    of_class, of_pattern, patients = [], [], []
    made = 0
    for size in np.unique(n_rows[n_rows > 0]).tolist():
        rows = kind[begin[n_rows == size][:, None] + np.arange(size)]
        contents, count = np.unique(rows, axis=0, return_counts=True)
        of_class.append(np.repeat(np.arange(made, made + len(contents)), size))
        of_pattern.append(contents.ravel())
        patients.append(count)
        made += len(contents)
    classes = np.concatenate(of_class)
    counts = np.concatenate(patients).astype(np.int64)
    return classes, np.concatenate(of_pattern), np.ones(classes.size, dtype=np.int64), counts


def npmle_draws(patterns: Patterns, fit: Npmle, counts: NDArray[Any], days: ArrayLike) -> FloatArray:
    """Fit the interval-censored curve to every draw and read its lower bound at given times.

    Parameters
    ----------
    patterns : Patterns
        From `npmle.build_patterns` on the full data.
    fit : Npmle
        The full data's fit; every draw starts from it.
    counts : ndarray, shape (draws, patterns)
        From `draw_counts` with ``patterns.row``.
    days : array_like, shape (k,)

    Returns
    -------
    ndarray, shape (draws, k)
        Share with the event by each time; mass counted at the end of its interval, as in `npmle.cdf_at`.
    """
    at = check_numbers("days", np.atleast_1d(np.asarray(days, dtype=np.float64)))
    order = np.argsort(at, kind="stable")
    # The first of the times at which a mass that ends at each value is counted.
    first_day = np.searchsorted(at[order], patterns.values, side="left")
    out = np.empty((counts.shape[0], at.size))
    together = max(1, _NUMBERS_AT_ONCE // (patterns.left.size + at.size))
    for begin in range(0, counts.shape[0], together):
        part = slice(begin, begin + together)
        mass, end, reached = refit(patterns, fit, counts[part], _GAP)
        size = at.size + 1
        slot = np.arange(mass.shape[0])[:, None] * size + first_day[end]
        steps = np.bincount(slot.ravel(), weights=mass.ravel(), minlength=mass.shape[0] * size)
        out[part][:, order] = np.cumsum(steps.reshape(-1, size)[:, :-1], axis=1)
        for i in np.flatnonzero(~reached) + begin:
            out[i] = _fit_alone(patterns, counts[i], at)
    return out


def _fit_alone(patterns: Patterns, count: NDArray[Any], at: FloatArray) -> FloatArray:
    """Fit one draw from the start every fit has: slower, and steadier where the joint steps got stuck."""
    there = np.flatnonzero(count)
    cells = find_cells(patterns.left_place[there], patterns.right_place[there])
    mass = maximise(cells, count[there].astype(np.float64), gap_wanted=_GAP)[0]
    total = np.concatenate([[0.0], np.cumsum(mass)])
    share: FloatArray = total[np.searchsorted(patterns.values[cells.right_place // 3], at, side="right")]
    return share


def percentile_limits(drawn: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return the percentile interval of each column of draws, shape (draws, k)."""
    tail = (1.0 - check_level(level)) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return low, high
