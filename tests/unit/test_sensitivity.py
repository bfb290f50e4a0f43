"""E-values, corrections of misclassification and detectable differences: by hand, against R, by counting, refusals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.sensitivity import correct_misclassification, detectable_difference, e_value
from outcomes.selftest.stored import REFERENCE


@pytest.fixture(scope="module")
def answers():
    return json.loads((REFERENCE / "shrinkage.json").read_text(encoding="utf-8"))


# -- E-values ---------------------------------------------------------------------------------------------------------


def test_e_value_by_hand():
    found = e_value(2, 1.5, 3)
    assert (found.estimate, found.limit) == pytest.approx((2 + math.sqrt(2), 1.5 + math.sqrt(0.75)), abs=1e-14)
    assert e_value(2, 0.9, 3).limit == 1
    assert e_value(1, 0.5, 2).estimate == 1
    assert e_value(1.2, 1, 3).limit == 1


def test_e_value_as_published():
    # Smoking and lung cancer, ratio 10.73 (8.02 to 14.36): 20.9 and 15.5 in the paper.
    found = e_value(10.73, 8.02, 14.36)
    assert (found.estimate, found.limit) == pytest.approx((20.94777, 15.52336), abs=5e-6)


@given(st.floats(0.01, 100), st.floats(0.01, 1), st.floats(1, 100))
def test_a_ratio_below_one_is_inverted(ratio, down, up):
    low, high = ratio * down, ratio * up
    one, other = e_value(ratio, low, high), e_value(1 / ratio, 1 / high, 1 / low)
    assert (one.estimate, one.limit) == pytest.approx((other.estimate, other.limit), rel=1e-6)
    assert one.estimate >= one.limit * (1 - 1e-9)
    # The bound that the E-value inverts: a cause of strength E on both sides makes E^2 / (2 E - 1).
    assert one.estimate**2 / (2 * one.estimate - 1) == pytest.approx(max(ratio, 1 / ratio), rel=1e-9)


def test_limits_at_the_ends():
    assert e_value(3, 0, math.inf).limit == 1
    assert e_value(0.5, 0, 0.8).limit == pytest.approx(1.25 + math.sqrt(1.25 * 0.25), abs=1e-14)
    assert math.isfinite(e_value(1e200, 1e199, 1e201).estimate)


@pytest.mark.parametrize(
    "ratios", [(0, 0, 1), (-1, -2, 1), (2, 3, 4), (2, 1, 1.5), (np.nan, 1, 2), (np.inf, 1, 2), (2, -1, 3), ("2", 1, 3)]
)
def test_e_value_refuses(ratios):
    with pytest.raises(InputRefused, match="E767"):
        e_value(*ratios)


# -- misclassification ------------------------------------------------------------------------------------------------


def test_an_outcome_recorded_with_error_by_counting():
    # Of 1000 in each group 600 and 500 have it; Se = 0.9 and Sp = 0.8 record 540 + 80 and 450 + 100.
    assert correct_misclassification(0.62 - 0.55, 0.9, 0.8) == pytest.approx([0.1], abs=1e-15)
    assert correct_misclassification([0.07, -0.014], 0.9, 0.8) == pytest.approx([0.1, -0.02], abs=1e-15)
    assert correct_misclassification(0.07, 1, 1) == pytest.approx([0.07])


@given(st.floats(0.05, 0.95), st.floats(0.55, 1), st.floats(0.55, 1), st.floats(0, 1), st.floats(0, 1))
def test_an_exposure_recorded_with_error_by_counting(truly, one, other, with_it, without):
    recorded = one * truly + (1 - other) * (1 - truly)
    seen = (one * truly * with_it + (1 - other) * (1 - truly) * without) / recorded
    missed = ((1 - one) * truly * with_it + other * (1 - truly) * without) / (1 - recorded)
    found = correct_misclassification(seen - missed, one, other, recorded)
    assert found == pytest.approx([with_it - without], abs=1e-9)


def test_an_exposure_of_one_half_with_equal_errors_needs_no_share():
    assert correct_misclassification(0.06, 0.8, 0.8, 0.5) == pytest.approx(correct_misclassification(0.06, 0.8, 0.8))
    # A rare one is hidden more: one in five exposed, 0.32 recorded as exposed.
    assert correct_misclassification(0.06, 0.8, 0.8, 0.32) == pytest.approx([0.1 * 0.32 * 0.68 / 0.16], abs=1e-14)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0.1, 0.5, 0.5), NotEstimable, "sum to 1 or less"),
        ((0.1, 0.2, 0.7), NotEstimable, "sum to 1 or less"),
        ((0.1, 1.2, 0.7), InputRefused, "E768 sensitivity"),
        ((0.1, 0.9, np.nan), InputRefused, "E768 specificity"),
        ((0.1, 0.9, 0.9, 1), InputRefused, "E768 share_exposed"),
        ((0.1, 0.9, 0.8, 0.1), NotEstimable, "so few"),
        ((0.1, 0.8, 0.9, 0.85), NotEstimable, "so many"),
        ((np.nan, 0.9, 0.9), InputRefused, "E604 difference"),
    ],
)
def test_correction_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        correct_misclassification(*arguments)


# -- detectable differences -------------------------------------------------------------------------------------------


def test_equal_sizes_as_in_r(answers):
    found = detectable_difference(answers["size_60_70"], answers["size_60_70"], 0.6)
    assert answers["size_60_70"] == pytest.approx(355.94, abs=0.01)
    assert found.up == pytest.approx(0.1, abs=1e-11)
    size = answers["size_60_50_level_99"]
    assert detectable_difference(size, size, 0.6, power=0.9, level=0.99).down == pytest.approx(-0.1, abs=1e-11)
    for one in answers["equal"]:
        found = detectable_difference(one["n"], one["n"], one["share"])
        assert (found.up, found.down) == pytest.approx((one["up"], one["down"]), abs=1e-10)


def test_unequal_sizes_as_in_r(answers):
    for one in answers["unequal"]:
        found = detectable_difference(one["m"], one["n"], one["q"], one["power"], one["level"])
        assert found.up == pytest.approx(one["up"], abs=1e-10)


def test_half_power_from_nothing_by_hand():
    # With power 1/2 the second term is 0; from a share of 0 with m = n, d^2 = z^2 (d/2)(1 - d/2) 2/n.
    z2, n = 1.959963984540054**2, 100
    expected = (z2 / n) / (1 + z2 / (2 * n))
    assert detectable_difference(n, n, 0, power=0.5).up == pytest.approx(expected, abs=1e-13)


def test_what_cannot_be_shown_is_nan():
    found = detectable_difference(20, 20, 0.9)
    assert math.isnan(found.up)
    assert found.down < 0
    assert math.isnan(detectable_difference(20, 20, 0).down)
    assert math.isnan(detectable_difference(20, 20, 1).up)
    assert math.isnan(detectable_difference(0.5, 0.5, 0.5).up)


@given(st.floats(5, 1e7), st.floats(5, 1e7), st.floats(0, 1), st.sampled_from([0.5, 0.8, 0.95]))
def test_both_sides_mirror_each_other_and_more_rows_show_less(m, n, share, power):
    found, mirror = (detectable_difference(m, n, q, power) for q in (share, 1 - share))
    assert found.up == pytest.approx(-mirror.down, rel=1e-6, nan_ok=True)
    larger = detectable_difference(4 * m, 4 * n, share, power)
    for one, other in ((found.up, larger.up), (-found.down, -larger.down)):
        assert math.isnan(one) or 0 < other < one


def test_power_by_simulation():
    rng, m, n, share, runs = np.random.default_rng(3), 150, 400, 0.55, 20_000
    for step in (detectable_difference(m, n, share).up, detectable_difference(m, n, share).down):
        one, other = rng.binomial(m, share + step, runs), rng.binomial(n, share, runs)
        r = (one + other) / (m + n)
        score = (one / m - other / n) / np.sqrt(r * (1 - r) * (1 / m + 1 / n))
        # The formula is a normal one for whole counts: a point off is what it may be.
        assert (np.abs(score) > 1.959964).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 10, 0.5), "E769 n_one"),
        ((10, np.inf, 0.5), "E769 n_other"),
        ((10, 10, 1.1), "E769 share_other"),
        ((10, 10, 0.5, 0.4), "E769 power"),
        ((10, 10, 0.5, 80), "E769 power"),
        ((10, 10, 0.5, 0.8, 95), "E607 level"),
        (("10", 10, 0.5), "E769 n_one"),
    ],
)
def test_detectable_difference_refuses(arguments, words):
    with pytest.raises(InputRefused, match=words):
        detectable_difference(*arguments)
