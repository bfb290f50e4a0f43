"""Drawing patients: what a draw holds, what it does not depend on, its fits, and the limits made of draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interval_data import simulate
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import bootstrap, limits
from outcomes.estimators.npmle import build_patterns, cdf_at, fit_patterns, npmle

INF = math.inf


# -- draws ------------------------------------------------------------------------------------------------------------


def test_draws_have_all_patients_and_only_their_rows():
    pattern, patient = np.array([0, 1, 1, 2, 0, 1]), np.array([7, 7, 3, 3, 5, 9])
    # patients: 7 = {0,1}, 3 = {1,2}, 5 = {0}, 9 = {1}
    counts = bootstrap.draw_counts(pattern, patient, 4000, 1)
    assert counts.shape == (4000, 3)
    assert set(counts.sum(axis=1)) <= set(range(4, 9))
    assert counts.mean(axis=0) == pytest.approx([2, 3, 1], abs=0.1)
    # Row 2 comes only with patient 3, who also brings a row 1.
    assert (counts[:, 1] >= counts[:, 2]).all()


def test_draws_follow_the_seed_and_not_the_order():
    left, right = simulate(60, 9)
    patterns, patient = build_patterns(left, right), np.arange(60) // 2
    one = bootstrap.draw_counts(patterns.row, patient, 50, [1, 2])
    np.testing.assert_array_equal(one, bootstrap.draw_counts(patterns.row, patient, 50, [1, 2]))
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_array_equal(one, bootstrap.draw_counts(patterns.row[order], 100 - patient[order], 50, [1, 2]))
    assert (one != bootstrap.draw_counts(patterns.row, patient, 50, [1, 3])).any()


def test_large_and_small_classes_are_drawn_alike():
    # 300 patients of one kind come out of the multinomial vector, 5 of five other kinds one by one; both counts have
    # the mean and variance of a multinomial draw.
    pattern = np.concatenate([np.zeros(300, dtype=int), np.arange(1, 6)])
    counts = bootstrap.draw_counts(pattern, np.arange(305), 20_000, 5)
    assert (counts.sum(axis=1) == 305).all()
    assert counts.mean(axis=0) == pytest.approx([300, 1, 1, 1, 1, 1], abs=0.04)
    assert counts.var(axis=0) == pytest.approx(305 * np.array([300 * 5, *[304] * 5]) / 305**2, rel=0.06)
    assert np.cov(counts[:, 1], counts[:, 2])[0, 1] == pytest.approx(-1 / 305, abs=0.03)


def test_patients_bring_their_weights():
    pattern, patient = np.array([0, 1, 1, 2, 0, -1]), np.array([7, 7, 3, 3, 5, 4])
    weight = np.array([0.5, 0.25, 2.0, 1.5, 3.0, 0.0])
    counts = bootstrap.draw_counts(pattern, patient, 4000, 1, weight)
    assert counts.dtype == np.float64
    # Patient 4 weighs nothing but is drawn like the others, so a draw may have less than four patients' rows.
    assert counts.mean(axis=0) == pytest.approx([3.5, 2.25, 1.5], abs=0.12)
    # Row 2 comes only with patient 3, whose row 1 weighs 2 / 1.5 of it.
    assert (counts[:, 1] >= counts[:, 2] * 2 / 1.5 - 1e-12).all()
    ones = bootstrap.draw_counts(pattern[:5], patient[:5], 50, 1, np.ones(5))
    np.testing.assert_array_equal(ones, bootstrap.draw_counts(pattern[:5], patient[:5], 50, 1))


def test_weighted_draws_do_not_follow_order_or_names():
    left, right = simulate(60, 9)
    weight = np.random.default_rng(1).choice([0.0, 0.5, 1.25], 60)
    patterns, patient = build_patterns(left, right, weight), np.arange(60) // 3
    one = bootstrap.draw_counts(patterns.row, patient, 50, 4, weight)
    order = np.random.default_rng(0).permutation(60)
    again = bootstrap.draw_counts(patterns.row[order], (100 - patient)[order], 50, 4, weight[order])
    np.testing.assert_array_equal(one, again)


def test_doubled_rows_with_half_weights_are_the_same_draws():
    left, right = simulate(60, 9)
    patterns, patient = build_patterns(left, right), np.arange(60) // 3
    once = bootstrap.draw_counts(patterns.row, patient, 50, 4, np.ones(60))
    twice = bootstrap.draw_counts(np.tile(patterns.row, 2), np.tile(patient, 2), 50, 4, np.full(120, 0.5))
    np.testing.assert_allclose(once, twice)


def test_leaving_out_one_patient_of_each_class():
    # Patients 1 and 2 have the same rows, patient 3 others.
    counts, multiplicity = bootstrap.jackknife_counts([0, 1, 1, 0, 2], [1, 1, 2, 2, 3])
    found = dict(zip(multiplicity.tolist(), counts.tolist(), strict=True))
    assert found == {2: [1, 1, 1], 1: [2, 2, 0]}
    with pytest.raises(NotEstimable, match="only patient"):
        bootstrap.jackknife_counts([0, 1], [1, 1])


# -- fits -------------------------------------------------------------------------------------------------------------


def test_a_draw_is_the_fit_of_its_own_rows():
    left, right = simulate(90, 10)
    patterns, days = build_patterns(left, right), np.arange(0, 70, 7)
    counts = bootstrap.draw_counts(patterns.row, np.arange(90), 25, 1)
    drawn = bootstrap.npmle_draws(patterns, fit_patterns(patterns), counts, days)
    for row, found in zip(counts, drawn, strict=True):
        there = row > 0
        fresh = npmle(patterns.left[there], patterns.right[there], row[there])
        assert found == pytest.approx(cdf_at(fresh, days)[0], abs=1e-4)


def test_drawing_patients_is_wider_than_drawing_rows_when_rows_repeat():
    left, right = simulate(100, 11)
    left, right, patient = np.repeat(left, 4), np.repeat(right, 4), np.repeat(np.arange(100), 4)
    patterns = build_patterns(left, right)
    fit = fit_patterns(patterns)

    def width(of):
        counts = bootstrap.draw_counts(patterns.row, of, 200, 1)
        low, high = limits.percentile_limits(bootstrap.npmle_draws(patterns, fit, counts, [28]))
        return high[0] - low[0]

    assert width(patient) > 1.6 * width(np.arange(400))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_number_of_workers_changes_no_bit(weighted):
    left, right = simulate(300, 12)
    weight = np.random.default_rng(2).random(300) + 0.1 if weighted else None
    patterns = build_patterns(left, right, weight)
    fit, days = fit_patterns(patterns), np.arange(60)
    counts = bootstrap.draw_counts(patterns.row, np.arange(300) // 2, 300, 1, weight)
    one = bootstrap.npmle_draws(patterns, fit, counts, days)
    for workers in (2, 8):
        np.testing.assert_array_equal(one, bootstrap.npmle_draws(patterns, fit, counts, days, workers))


def test_a_weighted_draw_is_the_fit_of_its_own_weights():
    left, right = simulate(90, 10)
    weight = np.random.default_rng(3).random(90) * 2
    patterns, days = build_patterns(left, right, weight), np.arange(0, 70, 7)
    counts = bootstrap.draw_counts(patterns.row, np.arange(90) // 2, 20, 1, weight)
    drawn = bootstrap.npmle_draws(patterns, fit_patterns(patterns), counts, days)
    for row, found in zip(counts, drawn, strict=True):
        fresh = npmle(patterns.left, patterns.right, row)
        assert found == pytest.approx(cdf_at(fresh, days)[0], abs=1e-4)


# -- limits -----------------------------------------------------------------------------------------------------------


def test_interval_by_hand():
    # Draws .4 and .6: mean 1/2, spread sqrt(.02), so the limits are expit(-+12.7 * .1414 / .25) = .001 and .999 (t
    # with one degree of freedom), kept inside the draws, for half of them stand at each end.
    low, high = limits.interval_limits([0.5], np.array([[0.4], [0.6]]))
    assert (low[0], high[0]) == (0.4, 0.6)
    # 2000 draws, half at .45 and half at .55, and one each at 0.1 and 0.9 so that nothing piles up at the ends.
    drawn = np.array([0.1, 0.9] + [0.45, 0.55] * 999)[:, None]
    # t with 1,999 degrees of freedom, from a table.
    reach = 1.9611514 * drawn.std(ddof=1) / 0.25
    low, high = limits.interval_limits([0.5], drawn)
    assert (low[0], high[0]) == (pytest.approx(1 / (1 + math.exp(reach))), pytest.approx(1 / (1 + math.exp(-reach))))


def test_a_limit_passes_the_last_draw_but_not_draws_that_pile_up():
    rng = np.random.default_rng(5)
    # Shares near one half, so that the logit is straight: 40 normal draws around each estimate of one half. Their mean
    # is off by a fortieth of the variance, too: beyond 2.0227 / sqrt(1 + 1/40) lie 5.3 % of t with 39 degrees.
    at = 0.5 + 0.001 * rng.normal(size=20_000)
    low, high = limits.interval_limits(at, at + 0.001 * rng.normal(size=(40, 20_000)))
    assert np.mean((low > 0.5) | (high < 0.5)) == pytest.approx(0.053, abs=0.004)
    # A tenth of the draws at 0: the limit stays there, and the other end, where one draw stands, is passed.
    few = np.concatenate([np.zeros(4), np.linspace(0.05, 0.06, 36)])[:, None]
    assert limits.drawn_bounds(few)[0] == 0 and limits.drawn_bounds(few)[1] == math.inf
    assert limits.drawn_bounds(few[1:])[0] == -math.inf
    assert limits.interval_limits([0.05], few)[1][0] > 0.06


def test_interval_contains_the_estimate_and_stays_a_share():
    rng = np.random.default_rng(1)
    drawn = np.concatenate(
        [np.zeros((200, 1)), rng.binomial(60, [0.01, 0.3, 0.99], (200, 3)) / 60, np.ones((200, 1))], 1
    )
    drawn[:, 4] += 1e-16 * rng.integers(-1, 2, 200)
    at = np.array([0.0, 0.05, 0.6, 0.97, 1.0])
    for low, high in (limits.interval_limits(at, drawn), limits.sup_t_band(at, drawn)):
        assert ((low <= at) & (at <= high)).all()
        assert ((low >= 0) & (high <= 1 + 1e-12)).all()
        assert (low[0], high[0]) == (0, 0)


def test_interval_of_a_share_is_about_wilson():
    # Draws of a share of 20 in 100: the limits come near those of Wilson, .133 and .289.
    drawn = np.random.default_rng(2).binomial(100, 0.2, (20_000, 1)) / 100
    low, high = limits.interval_limits([0.2], drawn)
    assert (low[0], high[0]) == (pytest.approx(0.133, abs=0.005), pytest.approx(0.289, abs=0.005))


def test_draws_close_to_one_do_not_throw_the_limit_to_the_other_end():
    # 494 of 500 draws at 1, four near it and two at .97: a mean of .9998 and, on the logit scale, a spread of 9.
    drawn = np.array([1.0] * 494 + [0.999] * 4 + [0.968, 0.97])[:, None]
    for way in (limits.interval_limits, limits.sup_t_band):
        low, high = way([1.0], drawn)
        assert 0.968 <= low[0] <= high[0] == 1
        low, high = way([0.0], 1 - drawn)
        assert 0 == low[0] <= high[0] <= 0.032 + 1e-12
    # Beside such a time the band of another is no wider than alone.
    beside = np.random.default_rng(4).normal(0.5, 0.02, (500, 1))
    alone = limits.sup_t_band([0.5], beside)
    both = limits.sup_t_band([0.5, 1.0], np.concatenate([beside, drawn], axis=1))
    assert both[1][0] - both[0][0] < 1.3 * (alone[1][0] - alone[0][0])


def test_a_share_of_one_in_many_is_still_an_interval_of_the_logit():
    # One event among 200: the draws have 0, 1, 2, ... events, a standard error of one logit: 1 / 200 times e^2.
    drawn = np.random.default_rng(6).binomial(200, 1 / 200, (500, 1)) / 200
    low, high = limits.interval_limits([1 / 200], drawn)
    assert 0 < low[0] < 0.001
    assert 0.02 < high[0] < 0.06


def test_mirrored_draws_give_the_mirrored_interval():
    drawn = np.random.default_rng(3).beta(2, 5, (400, 3))
    low, high = limits.interval_limits(drawn.mean(axis=0), drawn)
    again = limits.interval_limits(1 - drawn.mean(axis=0), 1 - drawn)
    assert 1 - again[1] == pytest.approx(low, abs=1e-12)
    assert 1 - again[0] == pytest.approx(high, abs=1e-12)


def test_bca_of_the_law_school_data():
    # Fifteen schools; the correlation of LSAT and grade point average is .776 (Efron and Tibshirani 1993, chapter 14:
    # BCa .90 interval .43 to .92 against the percentile interval .52 to .95).
    lsat = np.array([576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594])
    gpa = np.array([3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96])
    table = np.stack([lsat, gpa])
    rows = np.random.default_rng(1).integers(0, 15, (20_000, 15))
    x, y = lsat[rows] - lsat[rows].mean(axis=1, keepdims=True), gpa[rows] - gpa[rows].mean(axis=1, keepdims=True)
    drawn = ((x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1)))[:, None]
    at = np.corrcoef(table)[0, 1]
    left_out = np.array([[np.corrcoef(np.delete(table, i, axis=1))[0, 1]] for i in range(15)])
    low, high = limits.bca_limits([at], drawn, left_out, np.ones(15), level=0.9)
    assert (low[0], high[0]) == (pytest.approx(0.43, abs=0.02), pytest.approx(0.92, abs=0.01))
    usual = limits.percentile_limits(drawn, 0.9)
    assert (usual[0][0], usual[1][0]) == (pytest.approx(0.52, abs=0.02), pytest.approx(0.95, abs=0.01))
    # A class of two patients is the same as two patients.
    left_out[1] = left_out[0]
    keep = np.arange(15) != 1
    merged = limits.bca_limits([at], drawn, left_out[keep], np.where(np.arange(15) == 0, 2, 1)[keep], level=0.9)
    assert merged[0] == pytest.approx(limits.bca_limits([at], drawn, left_out, np.ones(15), level=0.9)[0])


def test_bca_of_a_curve_from_its_own_jackknife():
    left, right = simulate(80, 13)
    patterns, patient = build_patterns(left, right), np.arange(80) // 2
    fit, days = fit_patterns(patterns), [0, 14, 28]
    drawn = bootstrap.npmle_draws(patterns, fit, bootstrap.draw_counts(patterns.row, patient, 200, 1), days)
    counts, multiplicity = bootstrap.jackknife_counts(patterns.row, patient)
    left_out = bootstrap.npmle_draws(patterns, fit, counts, days)
    at = cdf_at(fit, days)[0]
    low, high = limits.bca_limits(at, drawn, left_out, multiplicity)
    assert (low[0], high[0]) == (0, 0)
    assert ((low <= at) & (at <= high)).all()


def test_band_by_hand():
    # Four draws of two times; at 75 % one may leave the band. The first draw is the lowest at the first time and the
    # last the highest at the second: leaving out either needs a cut of one on both sides, which leaves out both.
    drawn = np.array([[0.1, 0.3], [0.2, 0.4], [0.2, 0.4], [0.3, 0.5]])
    # The standardised form: means .2 and .4, standard deviations sqrt(.005); the largest deviations of the draws are
    # sqrt(2), 0, 0, sqrt(2), of which three in four are at most sqrt(2). On the logit scale that reaches sqrt(2) times
    # sqrt(.005) over m (1 - m): .1 / .16 and .1 / .24. The band is the wider of the two at each time.
    low, high = limits.sup_t_band([0.2, 0.4], drawn, 0.75)

    def moved(m, reach):
        return 1 / (1 + math.exp(-(math.log(m / (1 - m)) + reach)))

    assert low == pytest.approx([min(0.1, moved(0.2, -0.1 / 0.16)), min(0.3, moved(0.4, -0.1 / 0.24))])
    assert high == pytest.approx([max(0.3, moved(0.2, 0.1 / 0.16)), max(0.5, moved(0.4, 0.1 / 0.24))])
    assert low == pytest.approx([0.1, 0.3])  # the quantile form below
    assert high == pytest.approx([moved(0.2, 0.1 / 0.16), moved(0.4, 0.1 / 0.24)])  # the standardised one above


def test_band_holds_whole_curves_and_limits_do_not():
    left, right = simulate(120, 14)
    patterns = build_patterns(left, right)
    fit, days = fit_patterns(patterns), np.arange(60)
    counts = bootstrap.draw_counts(patterns.row, np.arange(120), 800, 1)
    drawn = bootstrap.npmle_draws(patterns, fit, counts, days)
    at = cdf_at(fit, days)[0]

    def whole(limits):
        return ((limits[0] - 1e-12 <= drawn) & (drawn <= limits[1] + 1e-12)).all(axis=1).mean()

    band = limits.sup_t_band(at, drawn)
    assert 0.95 <= whole(band) < 0.99
    assert whole(limits.percentile_limits(drawn)) < 0.8
    assert limits.sup_t_band(at[:0], drawn[:, :0])[0].size == 0
    order = np.random.default_rng(0).permutation(800)
    np.testing.assert_allclose(limits.sup_t_band(at, drawn[order]), band, atol=1e-12)


# -- bad input --------------------------------------------------------------------------------------------------------


def test_draws_refuse_by_name():
    with pytest.raises(InputRefused, match="E642"):
        bootstrap.draw_counts([0], [0], 0, 1)
    with pytest.raises(InputRefused, match="E603"):
        bootstrap.draw_counts([0, 1], [0], 5, 1)
    with pytest.raises(InputRefused, match="E641"):
        bootstrap.draw_counts([0, -1], [0, 1], 5, 1)
    with pytest.raises(InputRefused, match="E606"):
        bootstrap.draw_counts([0, 1], [0, 1], 5, 1, [1, -1])
    with pytest.raises(NotEstimable, match="no rows"):
        bootstrap.draw_counts([], [], 5, 1)
    with pytest.raises(NotEstimable, match="every weight is zero"):
        bootstrap.draw_counts([0, 1], [0, 1], 5, 1, [0, 0])


def test_fits_of_draws_refuse_by_name():
    patterns = build_patterns([0, 1], [2, 3])
    fit = fit_patterns(patterns)
    with pytest.raises(InputRefused, match="E603"):
        bootstrap.npmle_draws(patterns, fit, np.ones((3, 5)), [1])
    with pytest.raises(InputRefused, match="E644"):
        bootstrap.npmle_draws(patterns, fit, np.ones((3, 2)), [1], workers=0)
    with pytest.raises(NotEstimable, match="no weight"):
        bootstrap.npmle_draws(patterns, fit, np.array([[1, 1], [0, 0]]), [1])


@pytest.mark.parametrize("way", [limits.interval_limits, limits.sup_t_band])
def test_limits_refuse_by_name(way):
    drawn = np.array([[0.1, 0.2], [0.3, 0.4]])
    with pytest.raises(InputRefused, match="E603"):
        way([0.1], drawn)
    with pytest.raises(InputRefused, match="E604"):
        way([0.1, float("nan")], drawn)
    with pytest.raises(InputRefused, match="E643"):
        way([0.1, 0.2], np.where(drawn == 0.3, np.nan, drawn))
    with pytest.raises(InputRefused, match="E607"):
        way([0.1, 0.2], drawn, 95)
    with pytest.raises(NotEstimable, match="no draws"):
        way([0.1, 0.2], drawn[:0])


def fits_of(counts, days=(1,), workers=1):
    patterns = build_patterns([0, 1], [2, 3])
    return bootstrap.npmle_draws(patterns, fit_patterns(patterns), counts, days, workers)


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: bootstrap.draw_counts([0.5, 1.7, 2], [0, 1, 2], 2, 1), "E648 pattern"),
        (lambda: bootstrap.draw_counts([0.0, 1.0, 2.0], [0, 1, 2], 2, 1), None),
        (lambda: bootstrap.draw_counts([10**12], [0], 2, 1), "E649 pattern"),
        (lambda: bootstrap.draw_counts([1e300], [0], 2, 1), "E649 pattern"),
        (lambda: bootstrap.draw_counts(np.array([2**64 - 1], np.uint64), [0], 2, 1), "E649 pattern"),
        (lambda: bootstrap.jackknife_counts([10**12, 0], [0, 1]), "E649 pattern"),
        (lambda: bootstrap.draw_counts([100_128], [0], 2, 1), None),
        (lambda: bootstrap.draw_counts([100_129], [0], 2, 1), "E649 pattern"),
        (lambda: bootstrap.draw_counts([0, -1], [0, 1], 2, 1, [1, 0]), None),
        (lambda: bootstrap.draw_counts(["0", "1"], [0, 1], 2, 1), "E601 pattern"),
        (lambda: bootstrap.draw_counts([0, 1], ["a", "b"], 2, 1), "E601 patient"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, 1, ["1", "2"]), "E601 weights"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], None, 1), "E642 draws"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], "2", 1), "E642 draws"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], [2], 1), "E642 draws"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 1.5, 1), "E642 draws"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], np.int64(2), 1), None),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, -1), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, 1.5), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, "1"), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, None), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, []), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, [1, -1]), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, [1, [2]]), "E647 seed"),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, [1, 2**64]), None),
        (lambda: bootstrap.draw_counts([0, 1], [0, 1], 2, np.uint32(0)), None),
        (lambda: fits_of([[-1, 2]]), "E640 counts"),
        (lambda: fits_of([[math.nan, 2]]), "E604 counts\\[:, 0\\]"),
        (lambda: fits_of([[math.inf, 2]]), "E605 counts\\[:, 0\\]"),
        (lambda: fits_of([["1", "2"]]), "E601 counts\\[:, 0\\]"),
        (lambda: fits_of([[1e308, 1e308]]), "E618 counts"),
        (lambda: fits_of([[1, 2, 3]]), "E603 counts"),
        (lambda: fits_of([1, 2]), "E602 counts"),
        (lambda: fits_of([[1, 2], [0, 2]]), None),
        (lambda: fits_of([[1, 2]], ["1"]), "E601 days"),
        (lambda: fits_of([[1, 2]], [-1]), "E614 days"),
        (lambda: fits_of([[1, 2]], 1), None),
        (lambda: fits_of([[1, 2]], workers="2"), "E644 workers"),
        (lambda: fits_of([[1, 2]], workers=None), "E644 workers"),
        (lambda: fits_of([[1, 2]], workers=1.5), "E644 workers"),
        (lambda: fits_of([[1, 2]], workers=2), None),
    ],
)
def test_draws_of_another_kind_are_refused_by_name(call, refusal):
    if refusal is None:
        call()
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        call()


def test_a_list_of_counts_is_a_table_of_counts():
    table = np.array([[1, 2], [2, 1]])
    for counts in (table.tolist(), table.astype(np.uint8), table.astype(np.float64)):
        np.testing.assert_array_equal(fits_of(counts), fits_of(table))
    assert fits_of(np.array([[True, True]])).tolist() == fits_of([[1, 1]]).tolist()
    with pytest.raises(NotEstimable, match="no draws"):
        fits_of(np.zeros((0, 2)))


NAN, INF = float("nan"), float("inf")
DRAWN = [[0.4], [0.6]]


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: limits.percentile_limits([[NAN], [1.0]]), "E643 drawn"),
        (lambda: limits.percentile_limits([[INF], [1.0]]), "E643 drawn"),
        (lambda: limits.percentile_limits([["a"], ["b"]]), "E601 drawn"),
        (lambda: limits.percentile_limits([[1], [2, 3]]), "E601 drawn"),
        (lambda: limits.percentile_limits(DRAWN, None), "E607 level"),
        (lambda: limits.percentile_limits([[-3.0], [40.0]]), None),
        (lambda: limits.sup_t_band([0.5], [[0.4], [INF]]), "E643 drawn"),
        (lambda: limits.sup_t_band([0.5], [[0.4], [NAN]]), "E643 drawn"),
        (lambda: limits.sup_t_band([0.5], DRAWN, "0.9"), "E607 level"),
        (lambda: limits.sup_t_band(0.5, DRAWN), None),
        (lambda: limits.interval_limits([5.0], DRAWN), "E639 estimate"),
        (lambda: limits.interval_limits([-0.1], DRAWN), "E639 estimate"),
        (lambda: limits.interval_limits([0.5], [[3.0], [0.4]]), "E639 drawn.*positions 0 "),
        (lambda: limits.interval_limits([0.5], [[0.4], [-INF]]), "E643 drawn"),
        (lambda: limits.interval_limits(["a"], DRAWN), "E601 estimate"),
        (lambda: limits.interval_limits([1 + 1e-12], [[1 + 1e-12], [-1e-12]]), None),
        (lambda: limits.bca_limits([0.5], DRAWN, [[NAN], [0.5]], [1, 1]), "E604 jackknife\\[:, 0\\]"),
        (lambda: limits.bca_limits([0.5], DRAWN, [[INF], [0.5]], [1, 1]), "E605 jackknife\\[:, 0\\]"),
        (lambda: limits.bca_limits([0.5], DRAWN, [[0.5, 0.3], [0.5, 0.2]], [1, 1]), "E603 jackknife"),
        (lambda: limits.bca_limits([0.5], DRAWN, [0.5, 0.3], [1, 1]), "E602 jackknife"),
        (lambda: limits.bca_limits([0.5], DRAWN, [[0.5], [0.3]], [1, -1]), "E606 multiplicity"),
        (lambda: limits.bca_limits([0.5], DRAWN, [[0.5], [0.3]], [1]), "E603 multiplicity"),
        (lambda: limits.bca_limits([0.5], DRAWN, [[0.5], [0.3]], [1, 1]), None),
    ],
)
def test_limits_of_another_kind_are_refused_by_name(call, refusal):
    if refusal is None:
        low, high = call()
        assert np.isfinite([low, high]).all()
        return
    with pytest.raises(InputRefused, match=refusal):
        call()


@pytest.mark.parametrize("drawn", [None, 3, [], [0.4, 0.6], np.zeros((0, 1))])
def test_draws_that_are_no_table_give_no_limits(drawn):
    for call in (
        lambda: limits.percentile_limits(drawn),
        lambda: limits.interval_limits([0.5], drawn),
        lambda: limits.sup_t_band([0.5], drawn),
        lambda: limits.bca_limits([0.5], drawn, [[0.5], [0.3]], [1, 1]),
    ):
        with pytest.raises(NotEstimable, match="not a table"):
            call()
