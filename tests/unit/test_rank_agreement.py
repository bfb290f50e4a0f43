"""Order and sign agreement of two sets of estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.rank_agreement import agree_in_rank


def test_four_things_worked_by_hand():
    # Pairs of (1, 2, 3, 4) and (1, 3, 2, 4): five agree, one (the middle two) does not.
    found = agree_in_rank([1, 2, 3, 4], [1, 3, 2, 4])
    assert found.tau == pytest.approx((5 - 1) / 6) and found.n == 4 and found.sign_share == 1.0


def test_ties_worked_by_hand():
    # First: one tied pair of three (2 untied); second: none (3 untied). Concordant 2, discordant 0.
    assert agree_in_rank([1, 1, 2], [1, 2, 3]).tau == pytest.approx(2 / np.sqrt(2 * 3))


def test_signs_worked_by_hand():
    found = agree_in_rank([0.1, -0.2, 0.3, 0.0, np.nan], [0.2, 0.1, 0.4, 0.1, 5.0])
    assert found.n == 4 and found.sign_share == 0.5  # 0.1 and 0.3 agree; an exact zero is on neither side


VALUES = st.lists(st.integers(-4, 4), min_size=2, max_size=12)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.randoms(use_true_random=False))
def test_tau_is_that_of_scipy_and_knows_no_order_of_rows(values, random):
    other = [random.randint(-4, 4) for _ in values]
    expected = kendalltau(values, other).statistic
    found = agree_in_rank(values, other)
    assert found.tau == pytest.approx(expected, abs=1e-12, nan_ok=True)
    rows = list(range(len(values)))
    random.shuffle(rows)
    shuffled = agree_in_rank([values[i] for i in rows], [other[i] for i in rows])
    assert shuffled == found or (np.isnan(found.tau) and np.isnan(shuffled.tau))
    assert agree_in_rank(np.exp(values), other).tau == pytest.approx(found.tau, nan_ok=True)
    assert agree_in_rank([-v for v in values], other).tau == pytest.approx(-found.tau, nan_ok=True)


def test_orders_that_have_nothing_to_do_with_each_other_agree_by_chance_only():
    rng, k, n_runs = np.random.default_rng(4), 9, 2000
    taus = [agree_in_rank(rng.normal(size=k), rng.normal(size=k)).tau for _ in range(n_runs)]
    variance = 2 * (2 * k + 5) / (9 * k * (k - 1))  # Kendall 1938
    assert abs(np.mean(taus)) < 4 * np.sqrt(variance / n_runs)
    assert np.var(taus) == pytest.approx(variance, rel=4 * np.sqrt(2 / n_runs))


def test_correlation_would_say_something_else():
    first, second = [1, 2, 3, 4, 100], [1, 3, 2, 4, -50]
    assert np.corrcoef(first, second)[0, 1] < -0.9 < agree_in_rank(first, second).tau == 0.0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(NotEstimable, match="fewer than two"):
        agree_in_rank([1, np.nan, 2], [np.nan, 1, 2])
    for first, second in (([1, 2], [1]), ([1, np.inf], [1, 2])):
        with pytest.raises(InputRefused, match="E888"):
            agree_in_rank(first, second)
