"""How often the limits for events that come back hold the truth, and how often the test of equal means errs.

Each subject has its own rate, the group's rate times a gamma factor of mean 1, and events come at that rate until the
subject is watched no more, all in whole days. The mean number of events by day t is then ``rate * t``, in truth.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from outcomes.estimators.counts import compare_means, mean_at, mean_cumulative
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.estimators.rates import negative_binomial_rate

RATE = 0.01
DAYS = np.array([90, 180, 270])


def draw_rows(factor, rate, end, rng):
    """Rows of subjects watched from day 0 to `end`, cut where events came."""
    n = end.size
    number = rng.poisson(rate * factor * end)
    own = np.repeat(np.arange(n), number)
    day = np.ceil(rng.random(own.size) * end[own]).astype(int)
    size = int(end.max()) + 1
    key = np.concatenate([own * size + day, np.arange(n) * size + end])
    found, place = np.unique(key, return_inverse=True)
    events = np.bincount(place, weights=np.repeat([1.0, 0.0], [own.size, n]))
    subject, stop = found // size, found % size
    first = np.diff(subject, prepend=-1) != 0
    return subject, np.where(first, 0, np.concatenate([[0], stop[:-1]])), stop, events


def tolerance(share, runs):
    """Three standard errors of a share of runs."""
    return 3 * math.sqrt(share * (1 - share) / runs)


def coverage(n, runs, seed):
    """Share of runs in which the limits hold the truth on each day: robust, and with a Poisson process's variance."""
    rng = np.random.default_rng(seed)
    held, naive = np.zeros(DAYS.size), np.zeros(DAYS.size)
    for _ in range(runs):
        curve = mean_cumulative(*draw_rows(rng.gamma(1, 1, n), RATE, rng.integers(120, 365, n), rng))
        mean, low, high, _ = mean_at(curve, DAYS)
        held += (low <= RATE * DAYS) & (high >= RATE * DAYS)
        poisson = np.cumsum(curve.events / curve.at_risk**2)[np.searchsorted(curve.time, DAYS, side="right") - 1]
        naive += np.abs(np.log(mean / (RATE * DAYS))) <= 1.96 * np.sqrt(poisson) / mean
    return held / runs, naive / runs


def test_a_slice_of_the_mean_function():
    runs = 300
    held, naive = coverage(100, runs, 1)
    assert (np.abs(held - 0.95) < tolerance(0.95, runs)).all()
    assert (naive < 0.88).all()


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 400])
def test_the_mean_function_in_full(n):
    runs = 4000
    held, naive = coverage(n, runs, n)
    assert ((held > 0.95 - 0.01 - tolerance(0.95, runs)) & (held < 0.95 + tolerance(0.95, runs))).all()
    assert (naive < 0.85).all()


def coverage_with_deaths(n, runs, seed):
    """The same where death, at a rate of 1 in 200 days, ends the events: the plain mean is then not the truth."""
    rng, death = np.random.default_rng(seed), 1 / 200
    # Events of the day count if it was lived to its end, so the mean rises by RATE * S(day).
    truth = RATE * np.cumsum(np.exp(-death * np.arange(1, 271)))[DAYS - 1]
    held, plain = np.zeros(DAYS.size), np.zeros(DAYS.size)
    for _ in range(runs):
        dies, end = np.ceil(rng.exponential(1 / death, n)).astype(int), rng.integers(120, 365, n)
        stop = np.minimum(dies - 1, end)
        seen = np.flatnonzero(stop > 0)
        subject, start, until, events = draw_rows(rng.gamma(1, 1, seen.size), RATE, stop[seen], rng)
        subject = seen[subject]
        # Who dies was watched to the day of death, the day after the last one lived.
        dead = np.flatnonzero(dies <= end)
        rows = (
            np.concatenate([subject, dead]),
            np.concatenate([start, stop[dead]]),
            np.concatenate([until, dies[dead]]),
            np.concatenate([events, np.zeros(dead.size)]),
        )
        terminal = np.concatenate([np.zeros(subject.size), np.ones(dead.size)])
        _, low, high, _ = mean_at(mean_cumulative(*rows, terminal=terminal), DAYS)
        held += (low <= truth) & (truth <= high)
        _, low, high, _ = mean_at(mean_cumulative(*rows), DAYS)
        plain += (low <= truth) & (truth <= high)
    return held / runs, plain / runs


def test_a_slice_with_deaths():
    runs = 300
    held, plain = coverage_with_deaths(200, runs, 2)
    assert (np.abs(held - 0.95) < tolerance(0.95, runs)).all()
    assert (plain < [0.8, 0.3, 0.3]).all()


@pytest.mark.slow
def test_with_deaths_in_full():
    runs = 3000
    held, _ = coverage_with_deaths(200, runs, 3)
    assert ((held > 0.95 - 0.01 - tolerance(0.95, runs)) & (held < 0.95 + tolerance(0.95, runs))).all()


def rejections(sizes, ratio, runs, seed):
    """Share of runs in which the test of equal means says no at 5 %; the first group is watched for less time."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    rate = RATE * np.array(ratio)[group]
    found = 0
    for _ in range(runs):
        end = np.where(group == 0, rng.integers(60, 200, group.size), rng.integers(150, 365, group.size))
        rows = draw_rows(rng.gamma(1, 1, group.size), rate, end, rng)
        found += compare_means(*rows, group[rows[0]]).p_value < 0.05
    return found / runs


def test_a_slice_of_the_test_of_equal_means():
    runs = 400
    assert abs(rejections((60, 200), (1, 1), runs, 4) - 0.05) < tolerance(0.05, runs) + 0.01
    assert rejections((60, 200), (0.5, 1), 100, 5) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(60, 200), (200, 60), (200, 200), (60, 100, 200)])
def test_the_test_of_equal_means_in_full(sizes):
    # 4 to 6 % is what is asked for; three standard errors of the runs are added.
    runs = 4000
    share = rejections(sizes, (1,) * len(sizes), runs, sum(sizes))
    assert 0.04 - tolerance(0.05, runs) < share < 0.06 + tolerance(0.05, runs)


def coverage_by_cluster(patients, runs, seed):
    """Episodes of patients who share a factor: limits by patient, and Greenwood's, on day 28; and mean widths."""
    rng, day, spread = np.random.default_rng(seed), 28, 1.0
    truth = (1 + spread * day / 40) ** (-1 / spread)
    held, width = np.zeros(2), np.zeros(2)
    for _ in range(runs):
        patient = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
        factor = rng.gamma(1 / spread, spread, patients)[patient]
        time = np.ceil(rng.exponential(40 / factor)).astype(int)
        end = rng.integers(20, 90, patient.size)
        rows = (np.minimum(time, end), time <= end)
        for which, cluster in enumerate((patient, None)):
            _, low, high, _ = survival_at(kaplan_meier(*rows, cluster=cluster), day)
            held[which] += low[0] <= truth <= high[0]
            width[which] += high[0] - low[0]
    return held / runs, width / runs


def test_a_slice_of_the_curve_by_patient():
    runs = 400
    held, width = coverage_by_cluster(100, runs, 6)
    assert abs(held[0] - 0.95) < tolerance(0.95, runs)
    assert held[1] < held[0]
    assert width[1] < 0.9 * width[0]


@pytest.mark.slow
@pytest.mark.parametrize("patients", [60, 150])
def test_the_curve_by_patient_in_full(patients):
    runs = 4000
    held, _ = coverage_by_cluster(patients, runs, patients)
    assert 0.95 - 0.01 - tolerance(0.95, runs) < held[0] < 0.95 + tolerance(0.95, runs)
    assert held[1] < 0.925


def coverage_of_rates(n, dispersion, runs, seed):
    """Share of runs in which the limits hold the first group's rate, and the ratio of the second to it."""
    rng, held = np.random.default_rng(seed), np.zeros(2)
    group = np.arange(n) % 2
    for _ in range(runs):
        years = rng.uniform(0.5, 2, n)
        factor = rng.gamma(1 / dispersion, dispersion, n) if dispersion else np.ones(n)
        result = negative_binomial_rate(rng.poisson(factor * years * np.array([1.0, 1.5])[group]), years, group)
        held += [
            result.conf_low[0] <= 1.0 <= result.conf_high[0],
            result.ratio_low[1] <= 1.5 <= result.ratio_high[1],
        ]
    return held / runs


def test_a_slice_of_the_rates():
    runs = 200
    assert (np.abs(coverage_of_rates(120, 0.8, runs, 7) - 0.95) < tolerance(0.95, runs)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("n", "dispersion"), [(100, 1.0), (300, 1.0), (100, 0.0)])
def test_the_rates_in_full(n, dispersion):
    runs = 3000
    held = coverage_of_rates(n, dispersion, runs, n)
    assert ((held > 0.95 - 0.01 - tolerance(0.95, runs)) & (held < 0.95 + 0.01 + tolerance(0.95, runs))).all()
