r"""The scale of a control chart: the centre, and the sigma of which the limits are three away.

p-chart, for x of n in each point and the sums over the points that fix the limits::

    pbar = sum x / sum n,   sigma_i = sqrt( pbar (1 - pbar) / n_i )

A share is near enough to a normal variable only where both outcomes are common. Where ``n_i pbar < 5`` or
``n_i (1 - pbar) < 5`` in half of the segment's points or more, there are no limits: the reason is given instead. Single
points that are too small keep theirs, which are wide, and are cut off at 0 and 1.

Laney 2002 (Improved control charts for attributes, Quality Engineering 14, 531-537) multiplies sigma by what the points
scatter beyond the binomial::

    z_i = (x_i / n_i - pbar) / sigma_i,   factor = mean |z_i - z_{i-1}| / 1.128

XmR, with MR the mean of the moving ranges ``|v_i - v_{i-1}|`` among the points that fix the limits, those at or above
3.267 times their mean left out once::

    3 sigma = 2.66 MR

1.128 is the mean range of two standard normal values, ``2 / sqrt(pi)``; 2.66 is 3 / 1.128, and 3.267 the upper limit of
such a range, ``1 + 3 sqrt(pi / 2 - 1)``, all rounded as the trade does.

**When Laney's factor is used.** By default where two things hold among the points that fix the limits: they scatter
more than shares of one pbar do (``sum z_i^2`` beyond the 95 % point of chi-squared with one degree less than points),
and the factor is above 1. A factor from twelve points is a rough number, above 1 in nearly half of stable series, so it
must not decide alone. Nor may the sum of squares: a step within the twelve points makes it large, the moving ranges
less so.

**What simulation showed** (``tests/simulation/test_chart_alarms.py``; a share of 60 % of 150 cases in each quarter; of
1,000 or 5,000 series, those with any signal, after a step those with a signal from the step on, in per cent):

=====================================  ===========  ==============  ===========  =====
series                                 no factor    by default      always       XmR
=====================================  ===========  ==============  ===========  =====
stable, 12 quarters                    3.5          2.4             4.8          7.0
stable, 20, limits from all 20         11.4         -               -            15.1
stable, 20, limits from the first 12   15.7         14.5            23.5         25.7
12, scatter 1.5 times the binomial     37           5               5            7
20, the same                           64           27              23           25
12, a step of 15 points in the middle  90           50              54           66
20, a step of 10 points after 12       100          100             100          100
=====================================  ===========  ==============  ===========  =====

Limits fixed on the first 12 points carry the chance of these 12 into every later quarter, hence more false alarms than
limits from all points give; those in turn let a slow change move its own limits. The default pays with a step inside
the points that fix the limits, which it sees less often, for not taking every over-dispersed series for a changed one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outcomes.estimators.checks import FloatArray

_MEAN_RANGE = 1.128
_THREE_SIGMAS = 2.66
_RANGE_LIMIT = 3.267
_ENOUGH = 5.0
_DISPERSION_LEVEL = 0.95
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre and sigma, shape (points,), of one segment's points, or the reason why there are none."""

    centre: float = np.nan
    sigma: FloatArray | None = None
    factor: float = np.nan
    widened: bool = False
    reason: str = ""


def scale_shares(x: FloatArray, n: FloatArray, first: int, laney: bool | None) -> Scale:
    """Return pbar and sigma of a segment's shares, shape (points,); the limits from the `first` of them."""
    from scipy.special import chdtri

    pbar = float(x[:first].sum() / n[:first].sum())
    few = (n * pbar < _ENOUGH) | (n * (1.0 - pbar) < _ENOUGH)
    if 2 * int(few.sum()) >= n.size:
        expected = (
            f"Fewer than {_ENOUGH:g} of one of the two outcomes are expected in {int(few.sum())} of {n.size} points"
        )
        remedy = "" if pbar in (0.0, 1.0) else " Use longer periods."
        return Scale(reason=f"{expected}: too few for the limits of a share.{remedy}")
    sigma = np.sqrt(pbar * (1.0 - pbar) / n)
    z = ((x / n - pbar) / sigma)[:first]
    factor = float(np.abs(np.diff(z)).mean()) / _MEAN_RANGE
    scattered = float(z @ z) > float(chdtri(first - 1, 1.0 - _DISPERSION_LEVEL))
    widened = bool(laney) if laney is not None else scattered and factor > 1.0
    if widened and factor <= 0.0:
        return Scale(reason=_no_spread(first))
    return Scale(pbar, sigma * factor if widened else sigma, factor, widened)


def scale_values(values: FloatArray, first: int) -> Scale:
    """Return mean and sigma of a segment's values, shape (points,); the limits from the `first` of them."""
    ranges = np.abs(np.diff(values[:first]))
    mean_range = float(ranges.mean())
    if mean_range <= _SAME * float(np.abs(values[:first]).max()):
        return Scale(reason=_no_spread(first))
    mean_range = float(ranges[ranges < _RANGE_LIMIT * mean_range].mean())
    if mean_range <= 0.0:
        return Scale(reason=_no_spread(first))
    sigma = _THREE_SIGMAS / 3.0 * mean_range
    return Scale(float(values[:first].mean()), np.full(values.size, sigma))


def _no_spread(first: int) -> str:
    return f"The first {first} points do not differ from one to the next: limits cannot be computed from moving ranges."
