"""Pairs of categories: by hand, against the exact permutation distribution, and by simulation."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.stats import fisher_exact

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.proportions import wilson
from outcomes.estimators.transitions import deal_same, transitions


def test_by_hand():
    # lifting -> lifting twice, lifting -> running once, running -> running once, running -> lifting once
    found = transitions([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 2, draws=10)
    assert found.counts.tolist() == [[2, 1], [1, 1]]
    assert found.same == 3 / 5
    assert found.expected == pytest.approx((3 * 3 + 2 * 2) / 25)
    assert found.expected_rows == pytest.approx([3 / 5, 2 / 5])
    low, high = wilson(3, 5)
    assert (found.conf_low, found.conf_high) == (low[0], high[0])


def test_deals_follow_the_exact_permutation_distribution():
    first, second = [0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0]
    exact = Counter(sum(a == b for a, b in zip(first, p, strict=True)) for p in itertools.permutations(second))
    dealt = deal_same(np.array([2, 2, 2]), np.array([2, 2, 2]), 60_000, 1)
    for same in range(7):
        share = exact[same] / 720
        # Six standard errors of 60,000 draws.
        assert np.mean(dealt == same) == pytest.approx(share, abs=6 * np.sqrt(share * (1 - share) / 60_000) + 1e-12)


def test_two_categories_are_fishers_test():
    # With two categories the number of equal pairs decides the whole table, and margins that are equal make the
    # distribution symmetric, so that both tests count the same tables as extreme.
    table = np.array([[14, 6], [6, 14]])
    first, second = np.repeat([0, 0, 1, 1], table.ravel()), np.repeat([0, 1, 0, 1], table.ravel())
    found = transitions(first, second, 2, draws=200_000, seed=3)
    exact = fisher_exact(table).pvalue
    assert found.p_value == pytest.approx(exact, abs=6 * np.sqrt(exact / 200_000))


def test_order_of_pairs_and_seed():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    order = rng.permutation(300)
    one, two = transitions(first, second, 5, 500, 7), transitions(first[order], second[order], 5, 500, 7)
    assert one.p_value == two.p_value and (one.counts == two.counts).all()


def test_size_under_independence():
    rng = np.random.default_rng(5)
    shares = [0.4, 0.3, 0.2, 0.1]
    small = [
        transitions(rng.choice(4, 80, p=shares), rng.choice(4, 80, p=shares), 4, draws=400, seed=i).p_value <= 0.05
        for i in range(600)
    ]
    # A test on whole numbers is at most 5 %; three standard errors of 600 runs are 2.7 points.
    assert 0.02 < np.mean(small) < 0.077


def test_what_cannot_be_used():
    with pytest.raises(InputRefused, match="E691"):
        transitions([0, 3], [0, 1], 3)
    with pytest.raises(InputRefused, match="E691"):
        transitions([0, 0.5], [0, 1], 3)
    with pytest.raises(InputRefused, match="E603"):
        transitions([0, 1], [0], 3)
    with pytest.raises(InputRefused, match="E692"):
        transitions([0, 1], [0, 1], 2, draws=0)
    with pytest.raises(NotEstimable, match="no pairs"):
        transitions([], [], 3)
