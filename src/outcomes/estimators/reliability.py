r"""How far units truly differ, how much of what is seen of one is not chance, and the best guess at each.

Unit u has n_u episodes and the share ``y_u = O_u / n_u``; O need not be whole (pseudo-observations sum to real
numbers). Seen shares spread by the true differences between units (``tau2``) and by chance (``within / n_u``)::

    tau2 = max(0, ( sum n_u (y_u - y)^2 - (U - 1) within ) / ( N - sum n_u^2 / N )),   y = sum O_u / N

the moment estimator of a one-way layout (Kleinman 1973, doi:10.1080/01621459.1973.10481332). `within` is the variance
of one episode about its own unit's share. Of counts of yes and no it is ``sum n_u y_u (1 - y_u) / (N - U)``; else it is
the caller's, from the residuals.

**Reliability** of a unit is the share of its seen variance that is true, ``rho = tau2 / (tau2 + within / n)``: what two
samples of n episodes of the same units would correlate by. ``icc = tau2 / (tau2 + within)``, and a reliability of rho
asks for ``n = rho / (1 - rho) * (1 - icc) / icc`` episodes: for 0.7 and an icc of .02, .03, .05, .10 that is 114, 75,
44 and 21. (With ``p (1 - p)``, the whole variance, in the place of `within` it would be 117, 78, 47 and 23.)

**Shrunken** shares are those of the beta-binomial model with its two numbers by moments: ``a = M y``,
``b = M (1 - y)``, ``M = within / tau2``, and ``(a + O) / (a + b + n)``, which is ``rho y_u + (1 - rho) y``.

**On the logit scale** the spread is that of the normal distribution of logits whose shares have mean y and variance
tau2, found by quadrature; the median odds ratio is ``exp(sqrt(2 tau2_logit) * 0.6745)``: of two units drawn at random,
the odds at the one with the higher share over those at the other, in the median (Larsen and Merlo 2005,
doi:10.1093/aje/kwi017).

With few units tau2 is hardly known, and it comes out as 0 in nearly half of the cases in which it is small. A tau2 of 0
says that these records show no differences, not that there are none.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_number, check_numbers, check_share, refuse_where, refused

WANTED = 0.7
"""Reliability from which a unit may be compared."""
_MEDIAN_NORMAL = 0.6744897501960817
_NODES = 101
_WIDEST = 12.0
"""Standard deviation of logits beyond which every share is 0 or 1."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Spread between units, and what it leaves of each.

    Attributes
    ----------
    mean : float
        Share over all episodes.
    tau2, within : float
        Variance between units' true shares; variance of one episode about its unit's share.
    icc : float
        ``tau2 / (tau2 + within)``.
    tau2_logit, median_odds_ratio : float
        The same spread on the logit scale.
    rho : ndarray, shape (units,)
        Reliability of each unit.
    shrunken : ndarray, shape (units,)
        Best guess at each unit's share.
    needed_n : float
        Episodes for a reliability of `WANTED`; inf where tau2 is 0.
    """

    mean: float
    tau2: float
    within: float
    icc: float
    tau2_logit: float
    median_odds_ratio: float
    rho: FloatArray
    shrunken: FloatArray
    needed_n: float


def estimate_reliability(
    observed: ArrayLike, n: ArrayLike, within: float | None = None, tau2: float | None = None
) -> Reliability:
    """Estimate the spread between units, the reliability of each and its shrunken share.

    Parameters
    ----------
    observed : array_like, shape (units,)
        Sum of the outcomes of each unit; real numbers are allowed.
    n : array_like, shape (units,)
        Episodes of each unit, above 0.
    within : float, optional
        Variance of one episode about its unit's share, above 0. When not given the outcomes are yes and no, and it is
        that of their shares.
    tau2 : float, optional
        Variance between units where it is known from elsewhere, 0 or more.

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths; E855 a number of episodes that is not above 0; E856 more yes than
        episodes (or fewer than none) where `within` is not given; E857 `within` not above 0 or `tau2` below 0.
    NotEstimable
        Fewer than two units; every episode had one answer; a mean share outside 0..1.
    """
    total = check_numbers("observed", observed)
    sizes = check_numbers("n", n, total.size)
    refuse_where(sizes <= 0, "E855", "n", "is not above 0.")
    if total.size < 2:
        raise NotEstimable("Units cannot be told apart from chance: there is one; at least two are needed.")
    order = np.lexsort((total, sizes))
    mean = float(total[order].sum() / sizes[order].sum())
    if not 0.0 < mean < 1.0:
        raise NotEstimable("The spread between units cannot be estimated: the share over all of them is 0 or 1.")
    spread = _find_within(total[order], sizes[order]) if within is None else check_number("within", within)
    if not spread > 0.0:
        raise refused("E857", "within", "must be above 0.")
    found = _between(total[order], sizes[order], mean, spread) if tau2 is None else check_number("tau2", tau2)
    if found < 0.0:
        raise refused("E857", "tau2", "must be 0 or more.")
    rho = found / (found + spread / sizes)
    icc = found / (found + spread)
    logit = logit_variance(mean, min(found, 0.999 * mean * (1.0 - mean)))
    return Reliability(
        mean=mean,
        tau2=found,
        within=spread,
        icc=icc,
        tau2_logit=logit,
        median_odds_ratio=median_odds_ratio(logit),
        rho=rho,
        shrunken=rho * (total / sizes) + (1.0 - rho) * mean,
        needed_n=needed_n(icc) if icc > 0.0 else float("inf"),
    )


def _find_within(observed: FloatArray, n: FloatArray) -> float:
    """Variance of one yes or no about its unit's share, without bias; refused where there is none."""
    refuse_where((observed < 0) | (observed > n), "E856", "observed", "lies outside 0..n.")
    if n.sum() <= n.size:
        raise NotEstimable("Chance cannot be told from differences: every unit has a single episode.")
    spread = float((observed * (1.0 - observed / n)).sum() / (n.sum() - n.size))
    if spread <= 0.0:
        raise NotEstimable("Chance cannot be told from differences: within each unit all episodes had one answer.")
    return spread


def _between(observed: FloatArray, n: FloatArray, mean: float, within: float) -> float:
    squares = float((n * (observed / n - mean) ** 2).sum())
    return max(0.0, squares - (n.size - 1) * within) / (float(n.sum()) - float((n * n).sum()) / float(n.sum()))


def needed_n(icc: float, reliability: float = WANTED) -> float:
    """Return the episodes a unit needs for a reliability: 114.3 for 0.7 and an icc of 0.02; not rounded.

    Raises
    ------
    InputRefused
        E858 a number outside (0, 1).
    """
    rho, share = check_share("reliability", reliability, "E858", 0.7), check_share("icc", icc, "E858", 0.05)
    return rho / (1.0 - rho) * (1.0 - share) / share


def median_odds_ratio(tau2_logit: float) -> float:
    """Return the median odds ratio of a variance on the logit scale, 0 or more."""
    variance = check_number("tau2_logit", tau2_logit)
    if variance < 0.0:
        raise refused("E857", "tau2_logit", "must be 0 or more.")
    return float(np.exp(np.sqrt(2.0 * variance) * _MEDIAN_NORMAL))


def logit_variance(mean: float, tau2: float) -> float:
    """Return the variance of normal logits whose shares have this mean and variance.

    Parameters
    ----------
    mean : float
        Between 0 and 1.
    tau2 : float
        0 or more and below ``mean (1 - mean)``, the variance of shares that are all 0 or 1.

    Raises
    ------
    InputRefused
        E859 a variance that shares with this mean cannot have; E858 a mean outside (0, 1).
    """
    from scipy.optimize import brentq

    centre = check_share("mean", mean, "E858", 0.5)
    variance = check_number("tau2", tau2)
    most = centre * (1.0 - centre)
    if not 0.0 <= variance < most:
        raise refused("E859", "tau2", "must be 0 or more and below mean (1 - mean).")
    if variance == 0.0:
        return 0.0

    def excess(sd: float) -> float:
        return _share_variance(centre, sd) - variance

    if excess(_WIDEST) < 0.0:
        return _WIDEST**2
    return float(brentq(excess, 0.0, _WIDEST, xtol=1e-12)) ** 2


@functools.cache
def _normal_nodes() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the mean over a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def _share_variance(mean: float, sd: float) -> float:
    """Variance of shares with normal logits of this standard deviation, centred so that their mean is `mean`."""
    from scipy.optimize import brentq
    from scipy.special import expit, logit

    nodes, weights = _normal_nodes()

    def shares(centre: float) -> FloatArray:
        return np.asarray(expit(centre + sd * nodes), dtype=np.float64)

    at = float(logit(mean))
    reach = 1.0 + sd * sd
    centre = brentq(lambda c: float(weights @ shares(c)) - mean, at - reach, at + reach, xtol=1e-13)
    return float(weights @ (shares(float(centre)) - mean) ** 2)
