"""Cox regression: how the hazard of an event depends on columns, with the course of time left open.

``hazard(t | x) = hazard_0(t) exp(x b)`` (Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x), one baseline a stratum. A
row is at risk at t when ``entry < t <= time``, so the same function fits rows of repeated events: with the calendar of
the subject as time (Andersen and Gill 1982, doi:10.1214/aos/1176345976), where a variance by cluster makes ``exp(b)`` a
ratio of rates that needs no independence of a subject's events (Lin, Wei, Yang and Ying 2000,
doi:10.1111/1467-9868.00259); or with the number of the event as stratum (Prentice, Williams and Peterson 1981,
doi:10.1093/biomet/68.2.373).

The answers are those of R's ``coxph``. What the caller must guarantee: whoever stops being watched does so for a reason
unrelated to the event given the columns; hazards are proportional (`proportional_hazards_test`); without `cluster`,
rows are independent, and with it clusters are, and are many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from outcomes.estimators.checks import FloatArray, check_level, normal_quantile, refused
from outcomes.estimators.cox.likelihood import Model, build_model
from outcomes.estimators.cox.maximum import maximise
from outcomes.estimators.cox.residuals import cluster_covariance
from outcomes.estimators.cox.rows import Given, build_rows, check_given

TIES = ("efron", "breslow")


@dataclass(frozen=True, slots=True)
class Cox:
    """A fitted Cox regression.

    Attributes
    ----------
    coef : ndarray, shape (p,)
        Logarithms of hazard ratios, one a column of X.
    std_err : ndarray, shape (p,)
        From the information, which takes rows as independent.
    robust_std_err : ndarray, shape (p,), or None
        By cluster; None without clusters.
    conf_low, conf_high : ndarray, shape (p,)
        Normal limits of `coef`, from the robust standard error where there is one.
    covariance : ndarray, shape (p, p)
        Inverse of the information.
    robust_covariance : ndarray, shape (p, p), or None
    loglik, null_loglik : float
        Partial log-likelihood at `coef` and at 0.
    level : float
    ties : str
        ``"efron"`` or ``"breslow"``.
    iterations : int
        Newton steps.
    n, n_events : int
        Rows with a weight above 0, and how many of them have the event.
    clusters : int or None
        Number of clusters among these rows.
    patterns : int
        Distinct rows that were fitted.
    strata : tuple
        The labels of the strata, sorted; ``(None,)`` without strata.
    watched : ndarray, shape (s,)
        Last time at which a row of each stratum was watched; -inf where a stratum has no row with weight.
    model : Model
        Counted rows, for the functions that ask more of a fit.
    """

    coef: FloatArray
    std_err: FloatArray
    robust_std_err: FloatArray | None
    conf_low: FloatArray
    conf_high: FloatArray
    covariance: FloatArray
    robust_covariance: FloatArray | None
    loglik: float
    null_loglik: float
    level: float
    ties: str
    iterations: int
    n: int
    n_events: int
    clusters: int | None
    patterns: int
    strata: tuple[Any, ...]
    watched: FloatArray = field(repr=False)
    model: Model = field(repr=False)


def cox(
    X: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    ties: str = "efron",
    level: float = 0.95,
) -> Cox:
    """Fit a Cox regression.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Columns without a constant.
    time : array_like, shape (n,)
        Time of the event or of the last observation, 0 or later, in one unit. Times are tied when they are equal.
    event : array_like, shape (n,)
        1 when the event happened at `time`, 0 when observation ended there.
    entry : array_like, shape (n,), optional
        When each row came under observation: at risk at t when ``entry < t <= time``.
    weights : array_like, shape (n,), optional
        Case weights, 0 or more, fractions allowed; a row of weight 0 is left out. With weights that are not numbers of
        rows give clusters, one a row if rows are independent.
    strata : array_like, shape (n,), optional
        Labels; each stratum has a baseline hazard of its own.
    cluster : array_like, shape (n,), optional
        Who each row belongs to; asks for the variance by cluster.
    ties : str
        ``"efron"`` or ``"breslow"``.
    level : float
        Confidence level of `conf_low` and `conf_high`.

    Returns
    -------
    Cox

    Raises
    ------
    InputRefused
        E701 another word for `ties`; E702 X not a table; E711 X beyond 1e100; negative times, codes other than 0 and 1,
        entry not before time, negative weights, NaN, unequal lengths, missing labels.
    NotEstimable
        No rows, weight or event; one cluster only; E703 constant columns, E704 collinear columns, E705 separation, each
        with the columns at fault as ``X[:, j]``; E706 no convergence.
    """
    if str(ties) not in TIES:
        raise refused("E701", "ties", 'must be "efron" or "breslow".')
    level = check_level(level)
    given = check_given(X, time, event, entry, weights, strata, cluster)
    rows, slots, clusters = build_rows(given)
    model = build_model(rows, slots, ties == "efron")
    found = maximise(model)
    robust = None
    if clusters is not None:
        robust = cluster_covariance(model, found.state, found.inverse, clusters)
    std_err = np.sqrt(np.diag(found.inverse))
    robust_std_err = None if robust is None else np.sqrt(np.diag(robust))
    reach = normal_quantile(level) * (std_err if robust_std_err is None else robust_std_err)
    coef = found.coef
    return Cox(
        coef=coef,
        std_err=std_err,
        robust_std_err=robust_std_err,
        conf_low=coef - reach,
        conf_high=coef + reach,
        covariance=found.inverse,
        robust_covariance=robust,
        loglik=found.state.loglik,
        null_loglik=found.null_loglik,
        level=level,
        ties=ties,
        iterations=found.iterations,
        n=given.end.size,
        n_events=int(given.happened.sum()),
        clusters=None if clusters is None else clusters.count,
        patterns=rows.weight.size,
        strata=given.labels,
        watched=_last_times(given),
        model=model,
    )


def _last_times(given: Given) -> FloatArray:
    last = np.full(len(given.labels), -np.inf)
    if given.stratum is None:
        last[0] = given.end.max()
    else:
        np.maximum.at(last, given.stratum, given.end)
    return last
