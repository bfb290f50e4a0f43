"""p-chart and XmR chart: by hand, against scipy, limits that stay, breaks, gaps, invariants, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.charts import p_chart, xmr_chart

LINES = ("centre", "low", "high", "near_low", "near_high", "sigma")


def same(a, b, where=slice(None), other=slice(None)):
    for name in ("value", *LINES):
        assert np.array_equal(getattr(a, name)[where], getattr(b, name)[other], equal_nan=True), name
    for name in ("signal", "side", "direction", "status"):
        assert (getattr(a, name)[where] == getattr(b, name)[other]).all(), name


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_p_chart_by_hand():
    # Twelve quarters of 100 with 60, then a larger one: pbar 0.6, sigma sqrt(.24 / 100) and sqrt(.24 / 2400) = 0.01.
    found = p_chart([55, 65] * 6 + [1512], [100] * 12 + [2400], laney=False)
    assert found.centre == pytest.approx([0.6] * 13, abs=1e-15)
    assert found.sigma[[0, 12]] == pytest.approx([np.sqrt(0.0024), 0.01], abs=1e-15)
    assert (found.low[12], found.high[12]) == pytest.approx((0.57, 0.63), abs=1e-14)
    assert (found.near_low[12], found.near_high[12]) == pytest.approx((0.58, 0.62), abs=1e-14)
    # 1512 of 2400 is 0.63: on the limit, and so not outside.
    assert found.value[12] == 0.63
    assert found.signal[12] == ""
    assert p_chart([55, 65] * 6 + [1513], [100] * 12 + [2400], laney=False).signal[12] == "outside"
    assert found.side.tolist() == [-1, 1] * 6 + [1]
    (segment,) = found.segments
    assert (segment.first, segment.last, segment.points, segment.limits_from) == (0, 12, 13, 12)
    assert (segment.status, segment.reason, segment.widened) == ("fixed", "", False)
    # z is -+0.05 / sigma, and each moving range 0.10 / sigma.
    assert segment.factor == pytest.approx(0.1 / np.sqrt(0.0024) / 1.128, abs=1e-13)


def test_the_pooled_share_is_not_the_mean_of_shares():
    found = p_chart([30] * 6 + [160] * 6, [100] * 6 + [200] * 6)
    assert found.centre[0] == pytest.approx(1140 / 1800, abs=1e-15)
    assert np.mean(found.value) == pytest.approx(0.55, abs=1e-15)


def test_limits_of_a_share_end_at_0_and_1():
    found = p_chart([2, 8] * 6, [20] * 12, laney=False)
    # pbar 0.25, sigma 0.0968: two sigmas below is 0.056, three would be -0.04.
    assert (found.low == 0).all()
    assert found.near_low == pytest.approx([0.25 - 2 * np.sqrt(0.1875 / 20)] * 12, abs=1e-15)
    assert (p_chart([18, 12] * 6, [20] * 12, laney=False).high == 1).all()


def test_laney_by_hand():
    x, n = [50, 70] * 6, [100] * 12
    plain, wide = p_chart(x, n, laney=False), p_chart(x, n, laney=True)
    factor = 0.2 / np.sqrt(0.0024) / 1.128
    assert wide.segments[0].factor == pytest.approx(factor, abs=1e-13)
    assert wide.sigma == pytest.approx(plain.sigma * factor, abs=1e-15)
    assert wide.segments[0].widened
    # The factor may be below 1 where it is asked for; by default it is then not used.
    calm = p_chart([59, 61] * 6, n, laney=True)
    assert calm.segments[0].factor == pytest.approx(0.02 / np.sqrt(0.0024) / 1.128, abs=1e-13)
    assert calm.sigma[0] < plain.sigma[0]
    assert not p_chart([59, 61] * 6, n).segments[0].widened


def test_by_default_the_factor_needs_more_scatter_than_chance():
    """Sum z^2 of -+d is 12 d^2 / 0.0024; chi-squared with 11 degrees has its 95 % point at 19.675."""
    assert stats.chi2.ppf(0.95, 11) == pytest.approx(19.675, abs=5e-4)
    # 0.06: 18.0, no; 0.07: 24.5, yes. The factor is above 1 for both: it alone would not do.
    calm, wide = p_chart([54, 66] * 6, [100] * 12), p_chart([53, 67] * 6, [100] * 12)
    assert (calm.segments[0].widened, wide.segments[0].widened) == (False, True)
    assert min(calm.segments[0].factor, wide.segments[0].factor) > 1
    # A step scatters as much, yet its moving ranges are small: factor 0.14 * 1 / 11 / sigma / 1.128, not used.
    step = p_chart([53] * 6 + [67] * 6, [100] * 12)
    assert step.segments[0].factor == pytest.approx(0.14 / 11 / np.sqrt(0.0024) / 1.128, abs=1e-13)
    assert not step.segments[0].widened


def test_xmr_by_hand():
    # Values -+1 around 10: each of 11 moving ranges is 2; limits 10 -+ 5.32, near 10 -+ 3.5467.
    found = xmr_chart([9, 11] * 6 + [15.32, 14, 15.33])
    assert found.centre == pytest.approx([10] * 15, abs=1e-14)
    assert found.high == pytest.approx([15.32] * 15, abs=1e-14)
    assert found.low == pytest.approx([4.68] * 15, abs=1e-14)
    assert found.near_high == pytest.approx([10 + 2.66 * 2 * 2 / 3] * 15, abs=1e-14)
    assert found.near_low == pytest.approx([10 - 2.66 * 2 * 2 / 3] * 15, abs=1e-14)
    assert found.signal.tolist() == [""] * 12 + ["two_of_three", "two_of_three", "outside"]
    assert np.isnan(found.segments[0].factor)


def test_xmr_leaves_out_large_moving_ranges_once():
    # Ranges: ten of 1 and one of 10; mean 20/11, 3.267 times it 5.94: the 10 goes, the mean of the rest is 1.
    values = [0, 1] * 5 + [0, 10]
    assert np.abs(np.diff(values)).tolist() == [1] * 10 + [10]
    found = xmr_chart(values)
    assert found.sigma == pytest.approx([2.66 / 3] * 12, abs=1e-14)
    # Once: what is left is not screened again. Ranges 1 x 8, 5, 5, 40 -> mean 58/11; 5 stays though 3.267 * 1.8 < 10.
    values = np.concatenate([[0], np.cumsum([1, -1, 1, -1, 1, -1, 1, -1, 5, -5, 40])])
    assert xmr_chart(values).sigma[0] == pytest.approx(2.66 / 3 * 1.8, abs=1e-13)


def test_a_range_exactly_at_the_bound_goes():
    # k ranges of 1 and one of r are at the bound when r = 3.267 (k + r) / (k + 1), here computed the same way.
    values = np.concatenate([[0.0], np.cumsum([1, -1] * 5 + [8])])
    ranges = np.abs(np.diff(values))
    assert ranges[-1] >= 3.267 * ranges.mean()
    assert xmr_chart(values).sigma[0] == pytest.approx(2.66 / 3, abs=1e-14)


def test_constants_are_those_of_normal_values():
    assert 2 / np.sqrt(np.pi) == pytest.approx(1.128, abs=5e-4)
    assert pytest.approx(2.66, abs=5e-4) == 3 / 1.128
    assert 1 + 3 * np.sqrt(np.pi / 2 - 1) == pytest.approx(3.267, abs=6e-4)


# -- limits that stay, trial limits, none -----------------------------------------------------------------------------


@pytest.mark.parametrize("points", [12, 13, 20])
def test_twelve_points_fix_the_limits(points):
    values = np.array([9.0, 11.0] * 6 + [30.0] * 8)[:points]
    found = xmr_chart(values)
    assert (found.status == "fixed").all()
    assert found.high == pytest.approx([15.32] * points, abs=1e-13)
    # The naive way, limits from all points, moves the limits to the new level.
    if points == 20:
        assert xmr_chart(values, fix_points=20).centre[0] == pytest.approx(18, abs=1e-13)


@given(st.lists(st.integers(30, 90), min_size=13, max_size=25))
def test_later_points_change_nothing_of_the_first_twelve(events):
    n = [120] * len(events)
    same_rule = p_chart(events[:12], n[:12], laney=False)
    found = p_chart(events, n, laney=False)
    if found.segments[0].status == same_rule.segments[0].status == "fixed":
        for name in LINES:
            assert np.array_equal(getattr(found, name)[:12], getattr(same_rule, name))


def test_five_to_eleven_points_are_on_trial():
    values = [9.0, 11.0, 10.0, 12.0, 8.0, 10.0, 9.0, 11.0, 10.0, 13.0, 7.0]
    for k in range(5, 12):
        found = xmr_chart(values[:k])
        assert (found.status == "trial").all()
        assert found.segments[0].limits_from == k
        assert found.centre == pytest.approx([np.mean(values[:k])] * k, abs=1e-14)
    assert len({round(xmr_chart(values[:k]).high[0], 9) for k in range(5, 12)}) == 7
    # A rule may speak on trial.
    assert xmr_chart([1, 2, 3, 4, 5, 6, 7]).signal.tolist() == ["outside", *["trend"] * 5, "outside"]


def test_fewer_than_five_points_have_no_limits_and_no_signals():
    for found in (xmr_chart([1, 2, 3, 100]), p_chart([50, 10, 90, 50], [100] * 4)):
        assert (found.status == "none").all()
        assert (found.signal == "").all()
        assert (found.side == 0).all()
        assert all(np.isnan(getattr(found, name)).all() for name in LINES)
        assert found.segments[0].reason == "4 points; limits need 5."
        assert found.segments[0].limits_from == 0
        assert found.value.size == 4


def test_other_numbers_of_points():
    found = xmr_chart([1, 2, 1, 2, 1, 2], fix_points=4, trial_points=3)
    assert (found.segments[0].status, found.segments[0].limits_from) == ("fixed", 4)
    assert xmr_chart([1, 2, 1], fix_points=4, trial_points=3).status.tolist() == ["trial"] * 3


@pytest.mark.parametrize(("few", "status"), [(5, "fixed"), (6, "none"), (7, "none")])
def test_a_share_needs_five_of_both_outcomes_in_most_points(few, status):
    """With 12 points of pbar 0.5, those of n = 8 expect 4 of each: more than half of the points must expect 5."""
    n = np.array([8] * few + [100] * (12 - few))
    found = p_chart(n / 2 + np.tile([0.5, -0.5], 6), n)
    assert found.segments[0].status == status
    assert ("Fewer than 5 of one of the two outcomes" in found.segments[0].reason) == (status == "none")
    # The rule is about both outcomes: pbar 0.02 and 0.98 with n = 100 fail alike, at 0.06 neither does.
    for events, expected in ((2, "none"), (98, "none"), (6, "fixed"), (94, "fixed")):
        assert p_chart([events] * 12, [100] * 12).segments[0].status == expected


def test_exactly_five_expected_is_enough():
    assert p_chart([5] * 12, [20] * 12).segments[0].status == "fixed"
    assert p_chart([5] * 12, [20] * 11 + [19.9]).segments[0].status == "fixed"
    assert p_chart([4] * 12, [20] * 12).segments[0].status == "none"


def test_no_spread_no_limits():
    assert xmr_chart([7] * 13).segments[0].reason.startswith("The first 12 points do not differ")
    # One jump: the only range that is not 0 is 11 times their mean, and is left out as too large.
    assert xmr_chart([7] * 6 + [9] * 7).segments[0].reason.startswith("The first 12 points do not differ")
    assert xmr_chart([0.1 + 0.2, 0.3] * 6).segments[0].status == "none"
    assert p_chart([50] * 12, [100] * 12, laney=True).segments[0].status == "none"
    # Without the factor the binomial sigma stands.
    assert p_chart([50] * 12, [100] * 12).segments[0].status == "fixed"


# -- breaks and gaps --------------------------------------------------------------------------------------------------


def test_a_break_starts_again():
    first, second = [9.0, 11.0] * 6 + [10.0], [49.0, 53.0] * 4
    found = xmr_chart(first + second, breaks=[13])
    same(found, xmr_chart(first), slice(0, 13))
    same(found, xmr_chart(second), slice(13, None))
    assert [(s.first, s.last, s.status) for s in found.segments] == [(0, 12, "fixed"), (13, 20, "trial")]
    assert (found.signal[:13] == "").all()
    # Without the break the new level is outside.
    assert (xmr_chart(first + second).signal[13:] == "outside").all()


def test_no_run_crosses_a_break():
    values = [9.0, 11.0] * 6 + [9.5, 10.5] * 2 + [11, 10.5, 11, 10.5] + [10.4, 10.6, 9.9, 10.1, 9.0, 11.0]
    one, two = xmr_chart(values), xmr_chart(values, breaks=[18])
    assert (one.signal == "shift").any()
    assert not (two.signal == "shift").any()


@given(st.lists(st.integers(0, 100), min_size=12, max_size=30), st.data())
def test_a_missing_point_is_as_if_it_were_not_there(events, data):
    n = np.full(len(events), 100.0)
    at = data.draw(st.lists(st.integers(0, len(events)), max_size=6).map(sorted))
    with_gaps = np.insert(np.asarray(events, float), at, np.nan)
    there = ~np.isnan(with_gaps)
    same(xmr_chart(events), xmr_chart(with_gaps), slice(None), there)
    same(p_chart(events, n), p_chart(with_gaps, np.full(there.size, 100.0)), slice(None), there)
    empty = np.where(there, 100.0, 0.0)
    same(p_chart(events, n), p_chart(np.where(there, with_gaps, 0), empty), slice(None), there)


def test_at_a_missing_point():
    found = xmr_chart([9.0, 11.0] * 6 + [np.nan, 11.0])
    assert found.high[12] == found.high[13]
    assert (found.signal[12], found.side[12], found.direction[12], found.status[12]) == ("", 0, 0, "fixed")
    found = p_chart([55, 65] * 6 + [0, 60], [100] * 12 + [0, 100])
    assert found.centre[12] == found.centre[13]
    assert np.isnan([found.value[12], found.low[12], found.high[12], found.sigma[12]]).all()
    # A segment may be missing altogether; the others stand.
    found = xmr_chart([9.0, 11.0] * 6 + [np.nan] * 2, breaks=[12])
    assert (found.segments[1].points, found.segments[1].status) == (0, "none")


def test_missing_points_do_not_fix_limits():
    found = xmr_chart([9.0, 11.0] * 5 + [np.nan] * 3 + [9.0])
    assert (found.segments[0].points, found.segments[0].status) == (11, "trial")


# -- invariants -------------------------------------------------------------------------------------------------------

SHARES = st.lists(st.integers(10, 90), min_size=12, max_size=24)


@given(SHARES)
def test_the_other_outcome_mirrors_the_chart(events):
    x, n = np.array(events), np.full(len(events), 100)
    a, b = p_chart(x, n), p_chart(n - x, n)
    assert (a.signal == b.signal).all()
    assert (a.side == -b.side).all()
    assert a.low == pytest.approx(1 - b.high, abs=1e-13, nan_ok=True)
    assert a.segments[0].factor == pytest.approx(b.segments[0].factor, abs=1e-11, nan_ok=True)


@given(SHARES)
def test_four_times_the_cases_halve_sigma_and_keep_the_centre(events):
    x, n = np.array(events), np.full(len(events), 100)
    a, b = p_chart(x, n, laney=False), p_chart(4 * x, 4 * n, laney=False)
    assert a.centre == pytest.approx(b.centre, abs=1e-15, nan_ok=True)
    assert a.sigma == pytest.approx(2 * b.sigma, abs=1e-15, nan_ok=True)


@given(SHARES, st.sampled_from([0.01, 1.0, 60.0]), st.sampled_from([0.0, -5.0, 1e3]))
def test_xmr_in_another_unit(values, unit, zero):
    a, b = xmr_chart(values), xmr_chart(np.multiply(values, unit) + zero)
    assert (a.signal == b.signal).all()
    assert b.high == pytest.approx(a.high * unit + zero, rel=1e-9, nan_ok=True)


def test_the_same_bits_again_and_nothing_written_back():
    x, n = np.array([55.0, 65.0] * 6), np.full(12, 100.0)
    kept = x.copy()
    one, two = p_chart(x, n), p_chart(x, n)
    same(one, two)
    values = np.array([9.0, 11.0] * 6)
    found = xmr_chart(values)
    found.value[0] = 0
    assert values[0] == 9
    assert (x == kept).all()


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", [[0], [12], [3, 3], [5, 2], [1.5], [-1], ["2"], [None], [True]])
def test_breaks_are_positions_inside_in_order(breaks):
    with pytest.raises(InputRefused, match="E811"):
        xmr_chart([1.0, 2.0] * 6, breaks=breaks)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("E812", lambda: xmr_chart([1, 2] * 6, trial_points=1)),
        ("E812", lambda: xmr_chart([1, 2] * 6, fix_points=4)),
        ("E812", lambda: xmr_chart([1, 2] * 6, fix_points=12.5)),
        ("E813", lambda: p_chart([1], [2], laney="yes")),
        ("E814", lambda: p_chart([-1, 2], [2, 2])),
        ("E814", lambda: p_chart([1, 2], [-2, 2])),
        ("E815", lambda: p_chart([3, 2], [2, 2])),
        ("E815", lambda: p_chart([1, 2], [0, 2])),
        ("E603", lambda: p_chart([1, 2, 3], [2, 2])),
        ("E602", lambda: xmr_chart([[1, 2]])),
        ("E605", lambda: xmr_chart([1, np.inf])),
        ("E601", lambda: xmr_chart(["a"])),
    ],
)
def test_refused(code, call):
    with pytest.raises(InputRefused, match=code):
        call()


def test_nothing_to_chart():
    for call in (lambda: xmr_chart([]), lambda: xmr_chart([np.nan] * 13), lambda: p_chart([0, 0], [0, 0])):
        with pytest.raises(NotEstimable, match="every point is missing"):
            call()
