"""What a masked array masks is missing: no estimator takes the number beneath the mask for a value."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.errors import InputRefused
from outcomes.estimators.checks import check_array, check_columns, open_mask
from outcomes.estimators.cox import cox, predict_risk
from outcomes.estimators.curves import kaplan_meier, logrank
from outcomes.estimators.funnel import funnel_limits
from outcomes.estimators.linear import linear_regression
from outcomes.estimators.npmle import npmle
from outcomes.estimators.post_strata import kish_effect
from outcomes.estimators.proportions import wilson
from outcomes.estimators.rank_agreement import agree_in_rank
from outcomes.estimators.weighting import overlap_weights

X = np.random.default_rng(1).normal(size=(12, 1))
DAYS, SEEN, GROUP = np.arange(1.0, 13), np.tile([1, 0, 1], 4), np.arange(12) % 2


def masked(values, at=2):
    found = np.ma.array(values)
    found[at] = np.ma.masked
    return found


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: kaplan_meier(masked(DAYS), SEEN), "E604"),
        (lambda: kaplan_meier(DAYS, SEEN, weights=masked(np.ones(12))), "E604"),
        (lambda: npmle(masked(DAYS - 1), DAYS), "E604"),
        (lambda: overlap_weights(masked(X), GROUP), "E604"),
        (lambda: overlap_weights(X, masked(GROUP)), "E604"),
        (lambda: linear_regression(X, masked(DAYS)), "E604"),
        (lambda: linear_regression(X, DAYS, cluster=masked(np.arange(12))), "E679"),
        (lambda: linear_regression(X, DAYS, cluster=masked(np.array(list("abcdefabcdef")))), "E679"),
        (lambda: logrank(DAYS, SEEN, masked(GROUP)), "E681"),
        (lambda: cox(X, DAYS, SEEN, strata=masked(GROUP)), "E681"),
        (lambda: predict_risk(cox(X, DAYS, SEEN, strata=GROUP), X[:2], [5.0], masked(GROUP[:2], 0)), "E709"),
        (lambda: wilson(masked([3, 4, 5]), [10, 10, 10]), "E604"),
        (lambda: kish_effect(masked([1.0, 2.0, 3.0])), "E604"),
        (lambda: funnel_limits(masked([20, 30, 40]), 0.5), "E604"),
    ],
)
def test_what_is_masked_is_refused_as_missing(ask, code):
    with pytest.raises(InputRefused) as refusal:
        ask()
    assert [finding.code for finding in refusal.value.findings] == [code]


def test_a_mask_that_hides_nothing_changes_nothing():
    assert np.array_equal(kaplan_meier(np.ma.array(DAYS), SEEN).survival, kaplan_meier(DAYS, SEEN).survival)
    whole = np.ma.array(np.arange(3))
    assert open_mask(whole) is whole and check_array("x", whole).dtype == np.int64
    assert type(check_columns("X", np.ma.array(X))) is np.ndarray


def test_what_is_masked_of_one_set_of_estimates_is_no_estimate():
    found = agree_in_rank([1.0, 2.0, 3.0], masked([1.0, 2.0, -9.0]))
    assert (found.n, found.tau) == (2, 1.0)


def test_a_mask_of_a_table_keeps_its_shape_and_its_numbers():
    opened = open_mask(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]))
    assert opened.tolist() == [[1, None], [3, 4]]
