"""That the intervals of the Cox regression cover planted truths, with repeated events of patients who are unlike.

Every patient has a constant rate of returns, ``0.5 a year * exp(-0.40 treated) * frailty``, with a gamma frailty of
mean 1, and is watched for one to three years. Given the frailty the events are a Poisson process, so averaged over
patients the rate is 0.5 in one group and ``0.5 exp(-0.40)`` in the other at all times: the ratio of rates, which is
what Andersen-Gill rows with a variance by cluster estimate (Lin, Wei, Yang and Ying 2000,
doi:10.1111/1467-9868.00259), is exactly ``exp(-0.40)``, whatever the frailty. The hazard of the next return given those
before is not in that ratio: strata by number of the event and gaps as time give a smaller one, because patients who
come to a late return without treatment are the frail and those under treatment the very frail.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from outcomes.estimators.cox import cox, predict_risk, standardised_risk_difference

LOG_RATIO = -0.40
YEAR = 365
Z = 1.959963984540054


def returns(n, rng, spread=0.8, rate=0.5 / YEAR):
    """Rows (start, stop] in whole days: patient, treated, start, stop, event, number of the event."""
    treated = rng.integers(0, 2, n)
    frailty = rng.gamma(1 / spread, spread, n)
    last = rng.integers(YEAR, 3 * YEAR + 1, n)
    count = rng.poisson(rate * np.exp(LOG_RATIO * treated) * frailty * last)
    patient = np.concatenate([np.repeat(np.arange(n), count), np.arange(n)])
    stop = np.concatenate([np.ceil(rng.random(int(count.sum())) * np.repeat(last, count)), last + 0.0])
    event = np.repeat([1, 0], [int(count.sum()), n])
    order = np.lexsort((1 - event, stop, patient))
    patient, stop, event = patient[order], stop[order], event[order]
    first = np.diff(patient, prepend=-1) != 0
    start = np.where(first, 0.0, np.concatenate([[0.0], stop[:-1]]))
    number = np.arange(patient.size) - np.flatnonzero(first)[np.cumsum(first) - 1]
    # Two returns on one day are one, and a row without days says nothing.
    kept = stop > start
    return patient[kept], treated[patient[kept], None], start[kept], stop[kept], event[kept], number[kept]


def rate_ratios(n, runs, seed):
    rng, found = np.random.default_rng(seed), []
    for _ in range(runs):
        patient, X, start, stop, event, _ = returns(n, rng)
        fit = cox(X, stop, event, start, cluster=patient)
        found.append((fit.coef[0], fit.std_err[0], fit.robust_std_err[0]))
    return np.array(found).T


def test_the_ratio_of_rates_is_recovered_and_covered_a_slice():
    runs = 300
    coef, naive, robust = rate_ratios(400, runs, 20260501)
    error = 3 * coef.std() / math.sqrt(runs)
    assert abs(coef.mean() - LOG_RATIO) < error + 0.005
    covered = (np.abs(coef - LOG_RATIO) <= Z * robust).mean()
    assert abs(covered - 0.95) < 3 * math.sqrt(0.95 * 0.05 / runs)
    assert abs(robust.mean() / coef.std() - 1) < 3 / math.sqrt(2 * runs) + 0.02
    # Rows of a patient are alike, and the error that takes them as independent is too small.
    assert (np.abs(coef - LOG_RATIO) <= Z * naive).mean() < 0.93


@pytest.mark.slow
def test_the_ratio_of_rates_is_covered():
    runs = 3000
    coef, _, robust = rate_ratios(500, runs, 20260502)
    assert abs(coef.mean() - LOG_RATIO) < 3 * coef.std() / math.sqrt(runs) + 0.003
    assert 0.93 < (np.abs(coef - LOG_RATIO) <= Z * robust).mean() < 0.97


def test_gaps_by_number_of_the_event_give_a_smaller_ratio():
    patient, X, start, stop, event, number = returns(40_000, np.random.default_rng(7))
    rates = cox(X, stop, event, start, cluster=patient)
    gaps = cox(X, stop - start, event, strata=number, cluster=patient)
    assert abs(rates.coef[0] - LOG_RATIO) < 3 * rates.robust_std_err[0]
    assert gaps.coef[0] - LOG_RATIO > 3 * gaps.robust_std_err[0]


def test_risks_and_their_difference_are_covered():
    # Weibull times with hazards in proportion, so the risk at day 100 is known for every row.
    rng, runs, covered = np.random.default_rng(20260503), 250, np.zeros(3)
    truth, at = np.array([0.7, -0.3]), 100
    for _ in range(runs):
        X = np.column_stack([rng.integers(0, 2, 250), rng.normal(size=250)])
        time = np.ceil(150 * (rng.exponential(size=250) * np.exp(-X @ truth)) ** (1 / 1.3))
        stop = rng.integers(60, 400, 250)
        fit = cox(X, np.minimum(time, stop), time <= stop)
        covered[0] += abs(fit.coef[0] - truth[0]) <= Z * fit.std_err[0]
        true_risk = 1 - math.exp(-((at / 150) ** 1.3) * math.exp(truth[0] - 0.3 * 0.5))
        one = predict_risk(fit, [[1, 0.5]], at)
        covered[1] += one.conf_low[0, 0] <= true_risk <= one.conf_high[0, 0]
        settings = [np.column_stack([np.full(250, a), X[:, 1]]) for a in (1.0, 0.0)]
        true = [-np.expm1(-((at / 150) ** 1.3) * np.exp(table @ truth)).mean() for table in settings]
        found = standardised_risk_difference(fit, *settings, at)
        covered[2] += found.conf_low[0] <= true[0] - true[1] <= found.conf_high[0]
    assert (np.abs(covered / runs - 0.95) < 3 * math.sqrt(0.95 * 0.05 / runs)).all()
