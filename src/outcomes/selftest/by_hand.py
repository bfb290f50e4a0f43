"""Cases small enough for paper, and what must not matter: order of rows, doubling, exact times given as intervals."""

from __future__ import annotations

import math

import numpy as np

from outcomes.estimators.counts import mean_cumulative
from outcomes.estimators.cox import cox
from outcomes.estimators.curves import aalen_johansen, kaplan_meier, survival_at
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.estimators.proportions import newcombe, wilson
from outcomes.selftest.checks import Check, holds, near


def check_small_cases() -> list[Check]:
    """Answers that can be worked out on paper."""
    time, event = [5, 1, 2, 7, 1, 4, 2], [1, 0, 1, 0, 1, 0, 1]
    curve = kaplan_meier(time, event)
    survival = np.array([6 / 7, 6 / 7 * 3 / 5, 6 / 7 * 3 / 5 / 2])
    greenwood = survival * np.sqrt(np.cumsum([1 / (7 * 6), 2 / (5 * 3), 1 / (2 * 1)]))
    ends = aalen_johansen([1, 2, 3, 4], [1, 2, 0, 1])
    # With Breslow's ties the root of the score of these six rows is a square root.
    tied = cox([[1], [1], [1], [0], [0], [0]], [1, 1, 6, 6, 8, 9], [1, 0, 1, 1, 0, 1], ties="breslow")
    low, high = wilson(8, 20)
    z, p, n = 1.959963984540054, 0.4, 20
    centre, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    published = np.ravel(newcombe(56, 70, 48, 80)[1:])
    returns = mean_cumulative([1, 1, 2], [0, 3, 0], [3, 5, 4], [1, 0, 1])
    return [
        near("Kaplan-Meier of seven patients: the product on paper", curve.survival, survival, 1e-15),
        near("Kaplan-Meier of seven patients: Greenwood's sum on paper", curve.std_err, greenwood, 1e-15),
        near("Competing ends of four patients: the sums on paper", ends.incidence[:, -1], [0.75, 0.25], 1e-15),
        near("Cox, six tied rows: log((3 + sqrt 33) / 2)", tied.coef[0], math.log((3 + math.sqrt(33)) / 2), 1e-12),
        near(
            "Wilson interval of 8 in 20: the formula on paper",
            np.ravel([low, high]),
            [(centre - reach) / (1 + z * z / n), (centre + reach) / (1 + z * z / n)],
            1e-14,
        ),
        near("Newcombe interval of 56/70 less 48/80: as published", published, [0.0524, 0.3339], 5e-5),
        near("Mean returns of two patients: the sum on paper", returns.mean, [0.5, 1.0], 1e-15),
    ]


def check_what_must_not_matter() -> list[Check]:
    """Order of rows, doubling with half weights, and exact times written as intervals."""
    rng = np.random.default_rng(20261126)
    time, event = rng.integers(1, 30, 300), (rng.random(300) < 0.6).astype(int)
    curve = kaplan_meier(time, event)
    order = rng.permutation(300)
    shuffled = kaplan_meier(time[order], event[order])
    halves = kaplan_meier(np.tile(time, 2), np.tile(event, 2), np.full(600, 0.5))
    days = np.arange(int(time.max()))
    exact = npmle(time.astype(float), np.where(event == 1, time, np.inf))
    same = np.array_equal(shuffled.survival, curve.survival) and np.array_equal(shuffled.conf_low, curve.conf_low)
    return [
        holds("Kaplan-Meier: the order of rows changes no bit", same, "300 rows shuffled"),
        near("Kaplan-Meier: doubled rows of half the weight", halves.survival, curve.survival, 1e-14),
        near("Turnbull of exact times is Kaplan-Meier", 1 - cdf_at(exact, days)[0], survival_at(curve, days)[0], 1e-12),
    ]
