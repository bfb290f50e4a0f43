"""Mean time without the event up to a horizon: the area under the Kaplan-Meier curve.

A difference of two means is in days and asks nothing of the shape of the curves, unlike a hazard ratio (Royston and
Parmar 2013, doi:10.1186/1471-2288-13-152). The variance is Greenwood's, each event weighted by the area that lies
beyond it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import check_level, check_number, normal_quantile, refuse_where
from outcomes.estimators.curves.kaplan_meier import KaplanMeier, refuse_clusters


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Mean time without the event up to `horizon`, in the curve's unit, with its standard error."""

    value: float
    std_err: float
    horizon: float


def restricted_mean(curve: KaplanMeier, horizon: float) -> RestrictedMean:
    """Return the area under the curve up to `horizon` (Royston and Parmar 2013, doi:10.1186/1471-2288-13-152).

    Raises
    ------
    NotEstimable
        Observation ended before `horizon` while some were still without the event: the rest of the area is unknown.
    InputRefused
        `horizon` is not a finite number above 0; E736 a curve with clusters, whose variance this is not.
    """
    horizon = check_number("horizon", horizon)
    refuse_where(np.array([horizon <= 0]), "E616", "horizon", "must be above 0.")
    refuse_clusters(curve)
    ended = curve.survival.size > 0 and curve.survival[-1] == 0
    if horizon > curve.watched_time[-1] and not ended:
        raise NotEstimable(
            f"The mean up to {horizon:g} cannot be computed: nobody was observed that long. Choose an earlier horizon."
        )
    used = curve.time < horizon
    steps = np.concatenate([[0.0], curve.time[used], [horizon]])
    heights = np.concatenate([[1.0], curve.survival[used]])
    areas = heights * np.diff(steps)
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    d, n = curve.events[used], curve.at_risk[used]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(beyond > 0, beyond**2 * d / (n * (n - d)), 0.0)
    return RestrictedMean(float(areas.sum()), float(np.sqrt(parts.sum())), horizon)


@dataclass(frozen=True, slots=True)
class RestrictedMeanDifference:
    """Difference of two restricted means, in the curves' unit, with standard error, limits and two-sided p-value."""

    value: float
    std_err: float
    conf_low: float
    conf_high: float
    p_value: float
    horizon: float
    level: float


def restricted_mean_difference(
    curve: KaplanMeier, other: KaplanMeier, horizon: float, level: float = 0.95
) -> RestrictedMeanDifference:
    """Return the restricted mean of `curve` minus that of `other`, two curves of different, independent rows.

    Parameters
    ----------
    curve, other : KaplanMeier
    horizon : float
        Above 0, in the curves' unit.
    level : float
        Confidence level of the normal limits.

    Raises
    ------
    NotEstimable
        Observation of either ended before `horizon`, or neither has a standard error above 0 to measure a difference
        by.
    InputRefused
        `horizon` is not a finite number above 0, or `level` lies outside (0, 1).
    """
    level = check_level(level)
    one, two = restricted_mean(curve, horizon), restricted_mean(other, horizon)
    value, std_err = one.value - two.value, math.hypot(one.std_err, two.std_err)
    if std_err == 0:
        raise NotEstimable(
            f"The difference of the means up to {horizon:g} cannot be tested: neither curve has a standard error "
            "above 0, so there is nothing to measure the difference by."
        )
    reach = normal_quantile(level) * std_err
    p_value = math.erfc(abs(value) / std_err / math.sqrt(2.0))
    return RestrictedMeanDifference(value, std_err, value - reach, value + reach, p_value, float(horizon), level)
