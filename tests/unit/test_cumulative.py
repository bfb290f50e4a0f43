"""Observed minus expected over time: by hand, against real permutations, and how often it cries wolf."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.errors import InputRefused
from outcomes.estimators.cumulative import cumulative_difference


def test_sums_and_their_variance_by_hand():
    # One stratum, mean 1/2: sums 1, 1, 0. Variance of one of four draws: v (1 - 1/4), v = 1/3.
    found = cumulative_difference([1, 1, 0, 0], [0, 0, 0, 0], [1, 2, 2, 3])
    assert found.difference == pytest.approx([0.5, 0.5, 0.0])
    assert found.n.tolist() == [1, 2, 1]
    assert found.high[0] ** 2 / found.high[1] ** 2 == pytest.approx((1 - 1 / 4) / (3 - 9 / 4))
    assert found.high[2] == 0.0 and not found.beyond[2]


def test_strata_take_their_own_means():
    # Severe cases come first; each stratum is stable, so nothing is left. The naive sum, without strata, is a hill.
    outcome, stratum = np.array([0, 1] * 20 + [1, 1, 1, 0] * 10), np.repeat([0, 1], 40)
    time = np.repeat(np.arange(20), 4)
    found = cumulative_difference(outcome, stratum, time)
    assert np.abs(found.difference).max() < 1e-9
    naive = cumulative_difference(outcome, np.zeros(80), time)
    assert naive.difference.min() == pytest.approx(-5.0)


def test_the_variance_is_that_of_permutations_within_strata():
    rng = np.random.default_rng(8)
    stratum, time = rng.integers(0, 3, 300), rng.integers(0, 12, 300)
    outcome = rng.random(300) < np.array([0.2, 0.5, 0.8])[stratum]
    found = cumulative_difference(outcome, stratum, time, series=999)
    walks = []
    for _ in range(2000):
        mixed = outcome.astype(float).copy()
        for s in range(3):
            mixed[stratum == s] = rng.permutation(mixed[stratum == s])
        walks.append(cumulative_difference(mixed, stratum, time, series=99).difference)
    walks = np.array(walks)
    spread = walks.std(axis=0)[:-1]
    reach = found.high[:-1] / spread
    # The limits are one multiple of the permutations' standard deviations, and hold 95 % of whole permuted series.
    assert reach.std() / reach.mean() < 0.03
    inside = (np.abs(walks) <= found.high + 1e-9).all(axis=1).mean()
    assert abs(inside - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000) + 0.01


def test_row_order_and_names_of_strata_change_no_bit():
    rng = np.random.default_rng(2)
    outcome, stratum, time = rng.normal(size=200), rng.integers(0, 4, 200), rng.integers(0, 9, 200)
    found = cumulative_difference(outcome, stratum, time, seed=5)
    order = rng.permutation(200)
    again = cumulative_difference(outcome[order], stratum[order], time[order], seed=5)
    for name in ("difference", "low", "high"):
        assert (getattr(found, name) == getattr(again, name)).all()
    assert found.p_value == again.p_value


def test_false_alarms_and_a_shift():
    rng = np.random.default_rng(11)
    stratum, time = np.tile([0, 1], 400), np.repeat(np.arange(20), 40)
    chance = np.array([0.3, 0.6])[stratum]
    runs = 400
    alarms = [
        cumulative_difference(rng.random(800) < chance, stratum, time, series=499).beyond.any() for _ in range(runs)
    ]
    assert abs(np.mean(alarms) - 0.05) < 3.5 * np.sqrt(0.05 * 0.95 / runs)
    shifted = chance + 0.12 * (time >= 10)
    found = [
        cumulative_difference(rng.random(800) < shifted, stratum, time, series=499).beyond.any() for _ in range(60)
    ]
    assert np.mean(found) > 0.8


def test_where_nothing_varies_nothing_is_said():
    found = cumulative_difference(np.ones(12), np.zeros(12), np.arange(12))
    assert not found.beyond.any() and np.isnan(found.p_value) and (found.high == 0).all()


@pytest.mark.parametrize(
    ("options", "code"), [({"series": 10}, "E836"), ({"seed": -1}, "E836"), ({"level": 95}, "E607")]
)
def test_what_is_refused(options, code):
    with pytest.raises(InputRefused, match=code):
        cumulative_difference([0, 1], [0, 0], [0, 1], **options)


def test_one_case_is_refused():
    with pytest.raises(InputRefused, match="E835"):
        cumulative_difference([1], [0], [0])
