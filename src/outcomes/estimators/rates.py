"""Events per unit of exposure, for subjects who differ more than a Poisson count allows.

Each subject has a count of events over its own exposure. Counts follow the negative binomial law with variance
``mean + dispersion * mean^2`` (NB2; Hilbe 2011, Cambridge University Press): events of one subject come at one rate,
and rates differ between subjects by a gamma factor. One dispersion is shared by all groups. Rates and ratios are fitted
by maximum likelihood; the limits are normal on the logarithm, from the observed information. Subjects with the same
count, exposure and group are counted first.

Where the counts spread no more than Poisson counts do, the likelihood is highest at a dispersion of 0. Then the answer
is the Poisson one, and `is_poisson` says so: its standard errors take the dispersion as known.

What the caller must guarantee: one row a subject, subjects independent, exposure unrelated to a subject's own rate, and
a rate that does not change over the time watched. Where that is in doubt, `counts.mean_cumulative` assumes neither the
law nor a constant rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    check_counts,
    check_level,
    check_numbers,
    normal_quantile,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import sum_by
from outcomes.estimators.curves.logrank import number_labels
from outcomes.estimators.rates_maximum import maximise

IntArray = NDArray[np.intp]
MOST_GROUPS = 50
# The likelihood is summed up to the largest count.
_LARGEST_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class NegativeBinomialRate:
    """Rates of k groups; arrays of shape (k,), in the order of `groups`.

    Attributes
    ----------
    groups : tuple, length k
        The labels, sorted; ``(None,)`` where no groups were given.
    subjects : ndarray of int
    events, exposure : ndarray
        Sums in each group.
    rate, conf_low, conf_high : ndarray
        Events per unit of exposure, and limits.
    log_std_err : ndarray
        Standard error of ``log(rate)``.
    ratio, ratio_low, ratio_high, ratio_p : ndarray
        Rate over that of the reference group, limits, and two-sided p-value of a ratio of 1. For the reference itself
        the ratio is 1 and the rest NaN.
    reference : object
        Label of the reference group.
    dispersion : float
        0 where `is_poisson`.
    is_poisson : bool
        Whether the likelihood is highest without dispersion.
    loglik : float
    level : float
    """

    groups: tuple[Any, ...]
    subjects: IntArray
    events: FloatArray
    exposure: FloatArray
    rate: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    log_std_err: FloatArray
    ratio: FloatArray
    ratio_low: FloatArray
    ratio_high: FloatArray
    ratio_p: FloatArray
    reference: Any
    dispersion: float
    is_poisson: bool
    loglik: float
    level: float


def negative_binomial_rate(
    events: ArrayLike,
    exposure: ArrayLike,
    group: ArrayLike | None = None,
    level: float = 0.95,
    reference: Any = None,
) -> NegativeBinomialRate:
    """Estimate the rate of each group and its ratio to a reference group.

    Parameters
    ----------
    events : array_like, shape (n,)
        Events of each subject, 0, 1, 2, ...
    exposure : array_like, shape (n,)
        Time each subject was watched, above 0, in the unit the rate shall be per.
    group : array_like, shape (n,), optional
        Labels that can be sorted, numbers or text. One group when not given.
    level : float
        Confidence level.
    reference : object, optional
        Label of the group the others are compared with; the first in sorted order when not given.

    Raises
    ------
    InputRefused
        E730 `events` not a whole number, 0 or more; E731 `exposure` not above 0; E732 `reference` is no group; E733
        more than 50 groups; E734 a count above 1,000,000; and what every argument is checked for: NaN, infinite,
        unequal lengths, missing labels.
    NotEstimable
        No rows; no more rows than groups; a group without any event, whose rate has no logarithm (merge it or leave it
        out); no maximum of the likelihood was found.
    """
    count = check_counts("events", events)
    refuse_where((count < 0) | (count % 1 != 0), "E730", "events", "must be a whole number, 0 or more.")
    refuse_where(count > _LARGEST_COUNT, "E734", "events", f"is more than {_LARGEST_COUNT:,}.")
    watched = check_numbers("exposure", exposure, count.size)
    refuse_where(watched <= 0, "E731", "exposure", "must be above 0.")
    level = check_level(level)
    if not count.size:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    code, groups = np.zeros(count.size, dtype=np.intp), (None,)
    if group is not None:
        code, groups = number_labels("group", group, count.size)
    chosen = _find_reference(reference, groups)
    y, k = count.astype(np.float64), len(groups)
    total, time = sum_by(code, y, k), sum_by(code, watched, k)
    _refuse_small(total, y.size)
    log_rate, covariance, dispersion, loglik = maximise(y, watched, code, total / time)
    log_std_err = np.sqrt(np.diag(covariance))
    z = normal_quantile(level)
    ratios = _compare(log_rate, covariance, chosen, z)
    return NegativeBinomialRate(
        groups=groups,
        subjects=np.bincount(code, minlength=k),
        events=total,
        exposure=time,
        rate=np.exp(log_rate),
        conf_low=np.exp(log_rate - z * log_std_err),
        conf_high=np.exp(log_rate + z * log_std_err),
        log_std_err=log_std_err,
        ratio=ratios[0],
        ratio_low=ratios[1],
        ratio_high=ratios[2],
        ratio_p=ratios[3],
        reference=groups[chosen],
        dispersion=dispersion,
        is_poisson=dispersion == 0.0,
        loglik=loglik,
        level=level,
    )


def _find_reference(reference: Any, groups: tuple[Any, ...]) -> int:
    refuse_where(np.array([len(groups) > MOST_GROUPS]), "E733", "group", f"has more than {MOST_GROUPS} labels.")
    if reference is None:
        return 0
    if np.ndim(reference) != 0 or reference not in groups:
        raise refused("E732", "reference", "is not a label that occurs in group.")
    return groups.index(reference)


def _refuse_small(total: FloatArray, rows: int) -> None:
    k = total.size
    if rows <= k:
        raise NotEstimable("The rates cannot be estimated: there are no more rows than groups.")
    for i in np.flatnonzero(total == 0):
        raise NotEstimable(
            f"Group {i + 1} of {k}, in sorted order, has no events: its rate is 0, and limits on the logarithm do not "
            "exist. Merge it with another group or leave it out."
        )


def _compare(
    log_rate: FloatArray, covariance: FloatArray, chosen: int, z: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return ratios to the chosen group, limits and p-values, shape (k,) each; NaN for the chosen group."""
    spread = np.diag(covariance)
    difference = log_rate - log_rate[chosen]
    std_err = np.sqrt(spread + spread[chosen] - 2.0 * covariance[chosen])
    std_err[chosen] = np.nan
    p_value = np.array([math.erfc(x / math.sqrt(2.0)) for x in (np.abs(difference) / std_err).tolist()])
    return np.exp(difference), np.exp(difference - z * std_err), np.exp(difference + z * std_err), p_value
