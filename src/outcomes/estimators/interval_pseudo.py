"""Pseudo-observations of the share with the event, where the event is only known to lie in ``(left, right]``.

One number a row, whose mean is the curve up to order 1/n, to be used where an outcome that was never seen cannot be:
a regression on them tells how the share with the event by a day depends on covariates (Andersen, Klein and Rosthøj
2003, doi:10.1093/biomet/90.1.15). The value of a row is::

    n F(t) - (n - 1) F_without_the_row(t)

with F the nonparametric maximum-likelihood curve of `npmle`, counted at the ends of its intervals (the lower count of
`npmle.cdf_at`), fitted again without the row. Rows with one interval have one value, so there is one fit a pattern.
Most leave the steps of the curve where they are: their fits share one matrix (`npmle_without`). The others are done
together (`refits`), from the full data's answer. Each is taken further than a curve needs, because n multiplies what is
left over.

For intervals others take a smooth model of the curve for F, because its influence is known in closed form (Bouaziz
2023, doi:10.1002/bimj.202200071) or because the nonparametric curve converges more slowly than ``1 / sqrt(n)``
(Johansen and others 2021, doi:10.1186/s12874-021-01227-8). Here times are whole days within some weeks: the curve then
has few steps beside many rows. What the values do there, and where they fail, was simulated
(``tests/simulation/test_pseudo_truth.py``).

What the caller must guarantee: when somebody is looked at depends neither on the event nor on the covariates of the
regression. One curve stands for all rows, and it leans on those who are looked at more often. In the simulation, looks
three times as often with a treatment moved its difference of 15 points by about one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_days
from outcomes.estimators.npmle import Npmle, Patterns, build_patterns, find_cells, fit_patterns, maximise
from outcomes.estimators.refits import Layout, refit

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

# The excess of a gradient that is left over moves a curve by about as much, and a value by n times that.
_GAP = 1e-12
# Newton's last step goes far beyond the gap asked; the smaller steps of `npmle_without` end just below it.
_FURTHER = 1e-2
# Fits made together; a table of them by patterns then stays in the cache.
_NUMBERS_AT_ONCE = 30_000


def interval_pseudo(left: ArrayLike, right: ArrayLike, at: ArrayLike) -> FloatArray:
    """Return pseudo-observations of the share with the event by given days.

    Parameters
    ----------
    left, right : array_like, shape (n,)
        Interval ends, 0 or later, in one unit. ``right = inf``: not happened by `left`. ``left == right``: exactly
        then.
    at : array_like, shape (k,) or a number
        Days to answer for, 0 or later.

    Returns
    -------
    ndarray, shape (n, k)
        Values may lie below 0 or above 1, the further the fewer rows tell of a day; 1 minus those of survival. A row
        ``(0, inf]`` has the curve itself.

    Raises
    ------
    InputRefused
        Negative or non-finite days, and what `npmle.npmle` refuses.
    NotEstimable
        Fewer than two rows, the event never seen, a day after the last end that was seen while some were without the
        event, or a curve that does not reach its optimality condition.
    """
    days = check_days("at", at)
    patterns = build_patterns(left, right)
    n, m = patterns.row.size, patterns.left.size
    if n < 2:
        raise NotEstimable("Nothing is left when the only row is left out: two rows are needed.")
    fit = fit_patterns(patterns)
    _refuse_late(patterns, fit, days)
    layout = Layout.of(patterns, fit)
    # The last of the fits leaves out nothing: the full curve, taken as far as the others.
    share, is_known = np.empty((m + 1, days.size)), np.zeros(m + 1, dtype=np.bool_)
    _drop_each(layout, days, share, is_known)
    together = max(1, _NUMBERS_AT_ONCE // (m + days.size))
    rest = np.flatnonzero(~is_known)
    for begin in range(0, rest.size, together):
        block = rest[begin : begin + together]
        share[block] = _shares_without(layout, block, days)
    return np.take(n * share[m] - (n - 1) * share[:m], patterns.row, axis=0)


def _refuse_late(patterns: Patterns, fit: Npmle, days: FloatArray) -> None:
    seen = patterns.values[np.isfinite(patterns.values)][-1]
    late = np.flatnonzero(days > seen)
    if late.size and np.isinf(fit.right[-1]):
        raise NotEstimable(
            f"Pseudo-observations at {days[late[0]]:g} cannot be computed: nobody was looked at that late. "
            "Choose an earlier day."
        )


def _drop_each(layout: Layout, days: FloatArray, share: FloatArray, is_known: Flags) -> None:
    """Write the shares without one row of each pattern whose ends other rows have too, where they are near the full."""
    # numba takes half a second to import: only who needs it waits for it.
    from outcomes.estimators.npmle_without import MOST_SUPPORT, drop_each

    patterns = layout.patterns
    mass, end, reached = refit(layout, patterns.weight[None, :], _GAP)
    there = mass[0] > 0
    if not (reached[0] and days.size and there.sum() <= MOST_SUPPORT):
        return
    run = np.empty(patterns.left.size, dtype=np.intp)
    run[layout.by_run] = np.repeat(np.arange(layout.low.size), np.diff(layout.run_starts, append=run.size))
    ends = np.concatenate([patterns.left_place, patterns.right_place])
    rows = np.bincount(ends, weights=np.tile(patterns.weight, 2))
    own = 1 + (patterns.left_place == patterns.right_place)
    kept = np.flatnonzero((rows[patterns.left_place] > own) & (rows[patterns.right_place] > own))
    dropped, of = np.unique(run[kept], return_inverse=True)
    found = np.full((dropped.size, days.size), np.nan)
    at = np.searchsorted(patterns.values[end[0][there]], days, side="right")
    weight = np.add.reduceat(patterns.weight[layout.by_run], layout.run_starts).astype(np.float64)
    drop_each(weight, mass[0], layout.low, layout.high, dropped, at, _GAP * _FURTHER, found)
    share[kept] = found[of]
    is_known[kept] = ~np.isnan(found[of, 0])
    share[-1], is_known[-1] = _read_shares(mass, patterns.values[end], days)[0], True


def _shares_without(layout: Layout, out: IntArray, days: FloatArray) -> FloatArray:
    """Share with the event by each day without one row of each pattern of `out`, shape (block, k)."""
    patterns = layout.patterns
    counts = np.repeat(patterns.weight[None, :], out.size, axis=0)
    one = np.flatnonzero(out < patterns.left.size)
    counts[one, out[one]] -= 1.0
    mass, end, reached = refit(layout, counts, _GAP)
    share = _read_shares(mass, patterns.values[end], days)
    for i in np.flatnonzero(~reached):
        share[i] = _fit_alone(patterns, counts[i], days)
    return share


def _fit_alone(patterns: Patterns, count: FloatArray, days: FloatArray) -> FloatArray:
    """Fit from the start every fit has: slower, and steadier where the joint steps got stuck."""
    there = np.flatnonzero(count)
    cells = find_cells(patterns.left_place[there], patterns.right_place[there])
    mass = maximise(cells, count[there], gap_wanted=_GAP)[0]
    return _read_shares(mass[None, :], patterns.values[cells.right_place // 3][None, :], days)[0]


def _read_shares(mass: FloatArray, ends: FloatArray, days: FloatArray) -> FloatArray:
    """Mass that has ended by each day, shape (block, k); the loop is over days."""
    share = np.empty((mass.shape[0], days.size))
    for j, day in enumerate(days):
        share[:, j] = np.where(ends <= day, mass, 0.0).sum(axis=1)
    return share
