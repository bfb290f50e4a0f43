r"""Weights that undo who is seen when: inverse intensity of visits, and a weighted mean course.

People with some ratings come more often than others, and many stop. An average of what was rated then speaks of the
visitors. Weighting each rating by the inverse of how likely a visit was then and there undoes this as far as ratings
already recorded, time and site say it (Lin, Scharfstein and Rosenheck 2004, doi:10.1111/j.1467-9868.2004.b5543.x;
Buzkova and Lumley 2007, doi:10.1002/cjs.5550350402).

The intensity is that of Andersen and Gill, ``lambda(t | z) = lambda0(t) exp(g'z)``, with lambda0 constant within bands
of days. It is fitted as the pooled Poisson model of person-days that is the same likelihood, on a table of counts: days
at risk and visits in each cell of (days since the start, days since the last rating, last rating, site). A unit is at
risk of a visit from its first rating to the end of observation, also after its last visit: who stopped could still
have come. The days since the last rating carry that stopping; without them the weights miss most of it.

Weights are stabilised by the intensity given time alone, ``lambda0(t) / lambda(t | z)``, and cut at two quantiles.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    check_columns,
    check_days,
    check_numbers,
    check_weights,
    read_number,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import distinct
from outcomes.estimators.linear import sum_rows

IntArray = NDArray[np.intp]

DAY_EDGES = (3.0, 7.0, 14.0, 21.0, 42.0)
WAIT_EDGES = (2.0, 5.0, 9.0, 14.0, 21.0, 35.0)
RATING_EDGES = (1.0, 2.0, 4.0, 6.0)
"""Upper ends, closed on the right, of the bands of days since the start, days since the last rating, and ratings; one
more band lies above the last."""
CUT_QUANTILE = 0.99
LEAST_SITE_VISITS = 20
"""Sites with fewer follow-up visits are one site together."""


@dataclass(frozen=True, slots=True)
class VisitWeights:
    """Weights of n ratings.

    Attributes
    ----------
    weights : ndarray, shape (n,)
        Stabilised and cut; 1 for the first rating of a unit, which is there by design.
    largest : float
        Largest weight before the cut.
    n_cut : int
        Weights moved to one of the two quantiles.
    effective_share : float
        ``(sum w)^2 / (n sum w^2)`` of the follow-up ratings: the share of them that equal weights would need.
    n_visits : int
        Follow-up ratings.
    days_at_risk : float
    """

    weights: FloatArray
    largest: float
    n_cut: int
    effective_share: float
    n_visits: int
    days_at_risk: float


def visit_weights(
    day: ArrayLike,
    rating: ArrayLike,
    unit: ArrayLike,
    end_days: ArrayLike,
    site: ArrayLike,
    cut_quantile: float = CUT_QUANTILE,
) -> VisitWeights:
    """Weight ratings by the inverse of the intensity of visits.

    Parameters
    ----------
    day, rating : array_like, shape (n,)
        Days since the unit's start, ascending within a unit, and points 0-10.
    unit : array_like of int, shape (n,)
        0..m-1, ascending: the unit (episode) of each rating.
    end_days : array_like, shape (m,)
        Last day on which a visit of the unit would have been seen.
    site : array_like of int, shape (m,)
        Where each unit is cared for.
    cut_quantile : float
        Weights are cut at this quantile and at one minus it; 1 for no cut.

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths, negative days, units that are no whole numbers (E638), ratings out of
        order, or a quantile outside [0.5, 1] (E637).
    NotEstimable
        Nobody was rated again, or the model of the visits did not converge.
    """
    t = check_days("day", check_numbers("day", day))
    score, of = check_numbers("rating", rating, t.size), _check_units(unit, t.size)
    if not 0.5 <= read_number(cut_quantile) <= 1.0:
        raise refused("E637", "cut_quantile", "must be one number from 0.5 to 1.")
    m = int(of[-1]) + 1 if of.size else 0
    end = check_days("end_days", check_numbers("end_days", end_days, m))
    where = distinct(check_numbers("site", site, m))[1]
    is_first = np.diff(of, prepend=-1) != 0
    refuse_where(
        (np.diff(of, prepend=0) < 0) | (~is_first & (np.diff(t, prepend=0.0) <= 0)),
        "E609",
        "day",
        "is not later than the one before it in its unit, or units are not together.",
    )
    if is_first.all():
        raise NotEstimable("Visits cannot be modelled: nobody was rated a second time.")
    is_last = np.append(is_first[1:], True)
    stop = np.where(is_last, np.maximum(end[of], t), np.append(t[1:], 0.0))
    band = np.searchsorted(RATING_EDGES, score)
    place = _pool_small(where, np.bincount(where[of][~is_last], minlength=int(where.max()) + 1))[of]
    exposure, visits = _count_cells(t, stop, ~is_last, band, place)
    rate = _fit_rates(exposure, visits)
    by_time = visits.sum(axis=(1, 2, 3)) / np.maximum(exposure.sum(axis=(1, 2, 3)), 1e-300)
    seen = np.flatnonzero(~is_last)
    when = np.searchsorted(DAY_EDGES, stop[seen])
    waited = np.searchsorted(WAIT_EDGES, stop[seen] - t[seen])
    raw = by_time[when] / rate[when, waited, band[seen], place[seen]]
    low, high = np.quantile(raw, [1.0 - cut_quantile, cut_quantile])
    cut = np.clip(raw, low, high)
    weights = np.ones(t.size)
    weights[seen + 1] = cut
    return VisitWeights(
        weights=weights,
        largest=float(raw.max()),
        n_cut=int((cut != raw).sum()),
        effective_share=float(cut.sum() ** 2 / (cut.size * (cut @ cut))),
        n_visits=seen.size,
        days_at_risk=float(exposure.sum()),
    )


def _check_units(unit: ArrayLike, length: int) -> IntArray:
    """Return the units, shape (n,), or refuse numbers with fractions, which would be cut off to another unit."""
    of = check_numbers("unit", unit, length)
    refuse_where((of != np.floor(of)) | (np.abs(of) >= 2.0**52), "E638", "unit", "is not a whole number of a unit.")
    return of.astype(np.intp)


def _pool_small(site: IntArray, visits: IntArray) -> IntArray:
    """Number the sites anew, those with few follow-up visits as one."""
    label = np.where(visits >= LEAST_SITE_VISITS, np.arange(visits.size), -1)
    return np.unique(label[site], return_inverse=True)[1]


def _count_cells(
    start: FloatArray, stop: FloatArray, event: NDArray[np.bool_], band: IntArray, site: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Days at risk and visits by (band of days, band of waiting, band of the last rating, site).

    Each wait ``(start, stop]`` is cut at the edges of both time scales; the loop is over their bands, not over rows.
    """
    n_bands, n_sites = len(RATING_EDGES) + 1, int(site.max()) + 1
    key, size = band * n_sites + site, n_bands * n_sites
    day_edges, wait_edges = (-np.inf, *DAY_EDGES, np.inf), (0.0, *WAIT_EDGES, np.inf)
    shape = (len(day_edges) - 1, len(wait_edges) - 1, size)
    exposure, visits = np.zeros(shape), np.zeros(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            begin = np.maximum(start + wait_edges[j], day_edges[i])
            until = np.minimum(np.minimum(stop, start + wait_edges[j + 1]), day_edges[i + 1])
            exposure[i, j] = np.bincount(key, weights=np.maximum(until - begin, 0.0), minlength=size)
    when, waited = np.searchsorted(DAY_EDGES, stop[event]), np.searchsorted(WAIT_EDGES, (stop - start)[event])
    np.add.at(visits, (when, waited, key[event]), 1.0)
    full = (*shape[:2], n_bands, n_sites)
    return exposure.reshape(full), visits.reshape(full)


def _fit_rates(exposure: FloatArray, visits: FloatArray) -> FloatArray:
    """Fit the log-linear rate of each cell by main effects; cells of a level without a visit stay NaN.

    Such a level has an estimated rate of 0, and leaving its cells out gives the others exactly what that limit gives.
    """
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    usable = exposure > 0
    for axis in range(exposure.ndim):
        others = tuple(a for a in range(exposure.ndim) if a != axis)
        usable &= np.expand_dims(visits.sum(axis=others) > 0, others)
    cells = np.nonzero(usable)
    columns = [np.ones(cells[0].size)]
    for place in cells:
        columns += [(place == level).astype(np.float64) for level in np.unique(place)[1:]]
    design = np.column_stack(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # asked of the result instead
        model = GLM(visits[cells], design, family=Poisson(), offset=np.log(exposure[cells]))
        fit: Any = model.fit(maxiter=100)
    if not fit.converged or not np.isfinite(fit.params).all():
        raise NotEstimable("The model of the visits did not converge.")
    rate = np.full(exposure.shape, np.nan)
    rate[cells] = np.exp(design @ fit.params)
    return rate


def fit_weighted_mean(
    values: ArrayLike, fixed: ArrayLike, cluster: ArrayLike, weights: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """Fit a weighted linear mean, with a variance summed by cluster: GEE with working independence.

    Liang and Zeger 1986, doi:10.1093/biomet/73.1.13. The weights are taken as known, which widens the interval.

    Parameters
    ----------
    values, weights : array_like, shape (n,)
    fixed : array_like, shape (n, p)
    cluster : array_like of int, shape (n,)

    Returns
    -------
    coef : ndarray, shape (p,)
    cov : ndarray, shape (p, p)

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths, a negative weight, columns that are not a table.
    NotEstimable
        No columns, or columns that say the same.
    """
    y = check_numbers("values", values)
    x = check_columns("fixed", fixed, y.size).astype(np.float64, copy=False)
    of = distinct(check_numbers("cluster", cluster, y.size))[1]
    w = check_weights(weights, y.size)
    length = np.sqrt(w @ x**2)
    if not x.shape[1] or not length.all():
        raise NotEstimable("A mean course cannot be fitted: it has no columns, or they say the same.")
    # Columns of one length lose no digits to their units; a triangle is as singular as the columns, and small.
    turned, r = np.linalg.qr(np.sqrt(w)[:, None] * x / length)
    if np.linalg.matrix_rank(r) < x.shape[1]:
        raise NotEstimable("A mean course cannot be fitted: it has no columns, or they say the same.")
    back = np.linalg.inv(r) / length[:, None]
    coef = back @ (turned.T @ (np.sqrt(w) * y))
    scores = sum_rows(x * (w * (y - x @ coef))[:, None], of) @ (back @ back.T)
    return coef, scores.T @ scores
