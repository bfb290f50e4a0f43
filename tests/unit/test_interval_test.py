"""The log-rank type test for intervals: by hand, against the log-rank, what must not matter, its size and power."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import interval_test
from outcomes.estimators.curves.logrank import logrank
from outcomes.estimators.interval_test import compute_curve_share, compute_scores, interval_logrank
from outcomes.estimators.npmle import build_patterns, fit_patterns
from outcomes.selftest.stored import REFERENCE

INF = math.inf


def look(time, gap, stop, rng):
    """Look at each time every 1 to `gap` - 1 days; after each look without the event a share `stop` stay away."""
    n = time.size
    left, right = np.zeros(n), np.full(n, INF)
    day, coming = np.zeros(n), np.ones(n, dtype=bool)
    for _ in range(25):
        day = day + rng.integers(1, gap, n)
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
        coming &= rng.random(n) >= stop
    return left, right


def count_groups(patterns, group, k):
    table = np.zeros((patterns.left.size, k))
    np.add.at(table, (patterns.row, group), 1.0)
    return table


def influences(left, right, group, k):
    """Influence of each row on the groups' sums, the sums, and the small-sample factor."""
    patterns = build_patterns(left, right)
    fit = fit_patterns(patterns)
    score, table = compute_scores(patterns, fit), count_groups(patterns, group, k)
    share, factor = compute_curve_share(patterns, fit, score, table)
    return np.eye(k)[group] * score[patterns.row, None] + share[patterns.row], score @ table, factor


def check_size(size, runs=4000):
    """4 to 6 % is asked of the true size; what the runs say of it has two standard errors either way."""
    error = 2 * math.sqrt(0.05 * 0.95 / runs)
    assert 0.04 - error <= size <= 0.06 + error


def share_below(level, runs, p_value):
    """Share of runs with a p-value below `level`; run i has seed i."""
    return np.mean([p_value(np.random.default_rng([i, 5])) < level for i in range(runs)])


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_four_intervals():
    # The common curve has half its mass on (1,2] and half on (2,3], so S(0) = S(1) = 1, S(2) = 1/2, S(3) = 0. Scores:
    # (0,2]: (0 - ln(1/2)/2) / (1/2) = ln 2;  (1,3]: 0;  (2,4]: (ln(1/2)/2 - 0) / (1/2) = -ln 2;  (0,inf]: 0.
    # Dealt to two groups of two, the variance of a group's sum is (sum of squares / 3) * (2 - 4/4) = 2/3 (ln 2)^2.
    test = interval_logrank([0, 1, 2, 0], [2, 3, 4, INF], ["a", "b", "b", "a"])
    assert test.groups == ("a", "b")
    assert test.n.tolist() == [2, 2]
    assert test.scores_sum == pytest.approx([math.log(2), -math.log(2)], abs=1e-8)
    assert test.covariance[0, 0] == pytest.approx(2 / 3 * math.log(2) ** 2, abs=1e-8)
    assert test.statistic == pytest.approx(1.5, abs=1e-8)
    assert (test.df, test.n_clusters) == (1, None)
    assert test.p_value == pytest.approx(math.erfc(math.sqrt(1.5 / 2)), abs=1e-8)


def test_four_intervals_of_three_patients():
    # With L = ln 2: the rows' derivatives by the masses are s = (2,0), (1,1), (0,2), (1,1), their information is
    # [[6,2],[2,6]], 4 along (1,-1), the only way masses can go. The scores' derivatives along (1,-1) are 2 - 4L, 0, -2,
    # 0, of group a's sum 2 - 4L, so the curve's share is (2 - 4L)/4, 0, -(2 - 4L)/4, 0 and influences are 1/2, 0,
    # L - 1/2, 0. Rows 1 and 3 are one patient's and sum to L; others have 0. Squared, and times 3/2 for 3 patients.
    # Factor: rows 1 and 3 move their own and each other's score by 1/2, -1/2, L - 1/2, 1/2 - L, and the squared scores
    # sum to 2 L^2: 2 L^2 / (1/2 + 2 (L - 1/2)^2).
    log_2 = math.log(2)
    rows = [0, 1, 2, 0], [2, 3, 4, INF]
    influence, _, factor = influences(*rows, np.array([0, 1, 1, 0]), 2)
    assert influence[:, 0] == pytest.approx([0.5, 0, log_2 - 0.5, 0], abs=1e-8)
    assert factor == pytest.approx(2 * log_2**2 / (0.5 + 2 * (log_2 - 0.5) ** 2), rel=1e-6)
    test = interval_logrank(*rows, ["a", "b", "b", "a"], cluster=[7, 8, 7, 9])
    assert test.n_clusters == 3
    assert test.covariance[0, 0] == pytest.approx(1.5 * factor * log_2**2, abs=1e-8)
    assert test.statistic == pytest.approx(1 / (1.5 * factor), abs=1e-8)


def test_four_exact_times():
    # S falls 1, 3/4, 1/2, 1/4, 0. The second group has the last two: score 0 and, by the limit, ln(1/4).
    test = interval_logrank([1, 2, 3, 4], [1, 2, 3, 4], [1, 1, 2, 2])
    assert test.scores_sum == pytest.approx([2 * math.log(2), -2 * math.log(2)], abs=1e-9)


def test_a_row_censored_at_the_time_of_an_event_outlived_it():
    # Mass 1/2 at 2 exactly, 1/2 beyond: the row (2, inf] scores ln(1/2), the row [2, 2] scores ln 2.
    patterns = build_patterns([2, 2], [2, INF])
    score = compute_scores(patterns, fit_patterns(patterns))[patterns.row]
    assert score == pytest.approx([math.log(2), -math.log(2)], abs=1e-9)


# -- what it should be ------------------------------------------------------------------------------------------------


def test_scores_are_the_derivative_of_the_likelihood():
    rng = np.random.default_rng(1)
    left, right = look(rng.exponential(30, 60), 14, 0.1, rng)
    exact = rng.random(60) < 0.2
    left[exact & np.isfinite(right)] = right[exact & np.isfinite(right)]
    patterns = build_patterns(left, right)
    fit = fit_patterns(patterns)
    step = 1e-6

    def loglik(a, b, log_ratio):
        open_end = a < b
        after = [fit.mass[(fit.right > a) if open_end else (fit.right >= a)].sum(), fit.mass[fit.right > b].sum()]
        return math.log(after[0] ** math.exp(log_ratio) - after[1] ** math.exp(log_ratio))

    slope = [
        (loglik(a, b, step) - loglik(a, b, -step)) / (2 * step)
        for a, b in zip(patterns.left, patterns.right, strict=True)
    ]
    score = compute_scores(patterns, fit)
    assert score == pytest.approx(slope, abs=1e-6)
    assert patterns.weight @ score == pytest.approx(0, abs=1e-6)


def mixed(kind, n, seed):
    """Intervals, intervals with exact times among them, or exact times with right-censored ones."""
    rng = np.random.default_rng(seed)
    left, right = look(rng.exponential(30, n), 14, 0.1, rng)
    if kind == "mixed":
        exact = (rng.random(n) < 0.3) & np.isfinite(right)
        left[exact] = right[exact]
    if kind == "exact":
        event, end = rng.exponential(30, n).round(), rng.exponential(40, n).round()
        left, right = np.minimum(event, end), np.where(event <= end, event, INF)
    return left, right, rng.integers(0, 3, n)


@pytest.mark.parametrize("kind", ["intervals", "mixed", "exact"])
def test_influences_are_the_derivative_by_the_weight_when_the_curve_is_fitted_anew(kind):
    left, right, group = mixed(kind, 50, 4)
    influence, sums, _ = influences(left, right, group, 3)

    def weighted(row, step):
        weight = np.ones(group.size)
        weight[row] += step
        patterns = build_patterns(left, right, weight)
        return (weight * compute_scores(patterns, fit_patterns(patterns))[patterns.row]) @ np.eye(3)[group]

    slope = [(weighted(i, 1e-4) - weighted(i, -1e-4)) / 2e-4 for i in range(group.size)]
    assert influence == pytest.approx(np.array(slope), rel=1e-4, abs=1e-4 * np.abs(influence).max())
    assert influence.sum(axis=0) == pytest.approx(sums, abs=1e-9)
    assert influence.sum(axis=1) == pytest.approx(np.zeros(group.size), abs=1e-6)


def test_hazards_and_information_of_the_masses_give_the_same_curve_share():
    left, right, group = mixed("exact", 200, 6)
    patterns = build_patterns(left, right)
    fit = fit_patterns(patterns)
    score, table = compute_scores(patterns, fit), count_groups(patterns, group, 3)
    low, after = interval_test._find_runs(patterns, fit)
    slope = interval_test._slope_by_mass(fit.mass, low, after, score, table)
    arguments = fit.mass, low, after, table.sum(axis=1), score, slope
    share, change = interval_test._product_limit_share(*arguments)
    again, change_again = interval_test._solved_share(*arguments)
    assert share == pytest.approx(again, abs=1e-9)
    assert change == pytest.approx(change_again, rel=1e-5)


@pytest.mark.parametrize("kind", ["intervals", "mixed", "exact"])
def test_over_reassignments_the_mean_square_times_the_factor_is_the_permutation_variance(kind):
    # With each row a group of its own the influences are the matrix A that takes any groups Z to theirs, A Z. Its rows
    # sum to 0, so the mean over reassignments of the squares of A Z is (sum of A^2) times the variance of an indicator;
    # the permutation variance is (sum of squared scores) times the same.
    left, right, group = mixed(kind, 60, 7)
    matrix, score, factor = influences(left, right, np.arange(60), 60)
    influence, _, same_factor = influences(left, right, group, 3)
    assert matrix @ np.eye(3)[group] == pytest.approx(influence, abs=1e-9)
    assert matrix.sum(axis=1) == pytest.approx(np.zeros(60), abs=1e-6)
    assert factor * (matrix**2).sum() == pytest.approx((score**2).sum(), rel=1e-5)
    assert same_factor == pytest.approx(factor, rel=1e-9)
    assert factor > 1.02


def test_right_censored_times_come_nearer_the_log_rank_than_by_permutation():
    # One group is censored far sooner: the hypergeometric variance follows who is at risk, permutation does not.
    apart = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        group = rng.integers(0, 2, 200)
        event, end = rng.exponential(30, 200), rng.exponential(np.where(group == 1, 15, 80))
        time, happened = np.minimum(event, end), event <= end
        rows = time, np.where(happened, time, INF), group
        usual = logrank(time, happened, group).statistic
        tests = interval_logrank(*rows, np.arange(200)), interval_logrank(*rows)
        apart.append([abs(test.statistic - usual) for test in tests])
    by_influence, by_permutation = np.mean(apart, axis=0)
    assert by_influence < 0.5 * by_permutation


@pytest.mark.parametrize("n", [50, 500, 5000])
def test_right_censored_times_give_the_log_rank_up_to_half_an_event(n):
    # The log-rank adds up events / at risk where this test takes the logarithm of the Kaplan-Meier curve. They part by
    # 1 / (2 * at risk) at each event, which sums to less than half an event in a group, whatever the size.
    rng = np.random.default_rng(n)
    group = rng.integers(0, 3, n)
    event, end = rng.exponential(30, n), rng.exponential(40, n)
    time, happened = np.minimum(event, end), event <= end
    test = interval_logrank(time, np.where(happened, time, INF), group)
    usual = logrank(time, happened, group)
    assert test.scores_sum == pytest.approx(usual.observed - usual.expected, abs=0.5)
    assert test.statistic == pytest.approx(usual.statistic, rel=0.1, abs=0.3)
    assert test.p_value == pytest.approx(usual.p_value, abs=0.06)


def test_breast_cosmesis():
    # The two arms differ at about 1 % in every published analysis of these data; sum and variance are our own.
    with (REFERENCE / "data" / "cosmesis.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    left, right = [float(row["left"]) for row in rows], [float(row["right"] or "inf") for row in rows]
    test = interval_logrank(left, right, [row["arm"] for row in rows])
    assert test.scores_sum == pytest.approx([-9.944182, 9.944182], abs=1e-5)
    assert test.statistic == pytest.approx(7.203298, abs=1e-5)
    # Permutation, the thing itself: deal the arms again and count the sums as far out.
    patterns = build_patterns(left, right)
    score = compute_scores(patterns, fit_patterns(patterns))[patterns.row]
    rng, runs = np.random.default_rng(1), 20_000
    dealt = np.array([score[rng.permutation(score.size)[:46]].sum() for _ in range(runs)])
    share = (np.abs(dealt) >= abs(test.scores_sum[0]) - 1e-9).mean()
    assert share == pytest.approx(test.p_value, abs=3 * math.sqrt(0.0073 / runs) + 0.001)
    assert dealt.var() == pytest.approx(test.covariance[0, 0], rel=0.04)


# -- what must not matter ---------------------------------------------------------------------------------------------


def sample(n=240, seed=2):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    return (*look(rng.exponential(np.array([20, 30, 40])[group]), 14, 0.1, rng), group, rng.integers(0, n // 2, n))


def test_names_and_order_do_not_matter():
    left, right, group, patient = sample()
    for cluster in (None, patient):
        test = interval_logrank(left, right, group, cluster)
        order = np.random.default_rng(3).permutation(group.size)
        named = np.array(["z", "m", "a"])[group]
        moved = None if cluster is None else 1000 - cluster[order]
        again = interval_logrank(left[order], right[order], named[order], moved)
        assert again.groups == ("a", "m", "z")
        assert again.statistic == pytest.approx(test.statistic, rel=1e-9)
        assert again.scores_sum[::-1] == pytest.approx(test.scores_sum, abs=1e-9)
        assert again.covariance[::-1, ::-1] == pytest.approx(test.covariance, abs=1e-9)


def test_scores_sum_to_nothing_and_so_does_the_covariance():
    left, right, group, patient = sample()
    for cluster in (None, patient):
        test = interval_logrank(left, right, group, cluster)
        assert (test.df, test.n.sum()) == (2, 240)
        assert test.scores_sum.sum() == pytest.approx(0, abs=1e-6)
        assert test.covariance.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
        assert test.scores_sum[0] > 0 > test.scores_sum[2]


def test_the_unit_of_time_does_not_matter():
    left, right, group, _ = sample()
    weeks = interval_logrank(left / 7, right / 7, group)
    assert weeks.statistic == pytest.approx(interval_logrank(left, right, group).statistic, rel=1e-6)


def test_doubled_patients_double_the_statistic_and_doubled_rows_of_a_patient_do_not():
    left, right, group, _ = sample()
    n = group.size
    once = interval_logrank(left, right, group, np.arange(n))
    twice = [np.tile(values, 2) for values in (left, right, group)]
    others = interval_logrank(*twice, np.arange(2 * n))
    same = interval_logrank(*twice, np.tile(np.arange(n), 2))
    # The small-sample factor counts rows: what it adds is halved.
    factor, less = influences(left, right, group, 3)[2], influences(*twice, 3)[2]
    assert 1 / less - 1 == pytest.approx((1 / factor - 1) / 2, rel=1e-5)
    assert others.statistic * less * (2 * n / (2 * n - 1)) == pytest.approx(
        2 * once.statistic * factor * n / (n - 1), rel=1e-6
    )
    assert same.statistic * less == pytest.approx(once.statistic * factor, rel=1e-6)
    assert same.statistic == pytest.approx(once.statistic, rel=0.05)


# -- size and power ---------------------------------------------------------------------------------------------------


def test_size_and_power():
    def p_value(ratio):
        def run(rng):
            group = rng.integers(0, 2, 150)
            time = rng.exponential(30, 150) / np.where(group == 1, ratio, 1.0)
            return interval_logrank(*look(time, 14, 0.1, rng), group).p_value

        return run

    runs = 150
    assert abs(share_below(0.05, runs, p_value(1.0)) - 0.05) < 3 * math.sqrt(0.05 * 0.95 / runs)
    # A hazard ratio of 2 with D events seen has power Phi(ln 2 * sqrt(D / 4) - 1.96): .96 at D = 117, the mean here.
    assert share_below(0.05, 50, p_value(2.0)) > 0.85


def repeated(n_patients, rng):
    """One to six episodes of a patient with a common frailty; patients, not episodes, are in groups."""
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 7, n_patients))
    time = rng.exponential(20, patient.size) / rng.gamma(1.0, 1.0, n_patients)[patient]
    return *look(time, 14, 0.1, rng), rng.integers(0, 2, n_patients)[patient], patient


def test_the_naive_test_of_repeated_patients_rejects_too_often():
    runs = 100
    naive = share_below(0.05, runs, lambda rng: interval_logrank(*repeated(80, rng)[:3]).p_value)
    by_patient = share_below(0.05, runs, lambda rng: interval_logrank(*repeated(80, rng)).p_value)
    assert naive > 0.12
    assert abs(by_patient - 0.05) < 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.slow
@pytest.mark.parametrize("n_patients", [60, 200])
def test_size_with_repeated_patients(n_patients):
    size = share_below(0.05, 4000, lambda rng: interval_logrank(*repeated(n_patients, rng)).p_value)
    check_size(size)


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 300])
def test_size_with_three_groups(n):
    def run(rng):
        return interval_logrank(*look(rng.exponential(30, n), 14, 0.1, rng), rng.integers(0, 3, n)).p_value

    check_size(share_below(0.05, 4000, run))


def stopping(n, rng):
    """Visits about every 6 days to day 90, but before each 2 % of one group and 35 % of the other stay away."""
    group = rng.integers(0, 2, n)
    time, stop = rng.exponential(25, n), np.array([0.02, 0.35])[group]
    left, right, day, coming = np.zeros(n), np.full(n, INF), np.zeros(n), np.ones(n, dtype=bool)
    while coming.any():
        coming &= (day < 90) & (rng.random(n) >= stop)
        day = day + np.maximum(1, rng.poisson(6, n))
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
    return left, right, group


def test_groups_that_stop_at_different_rates_are_not_cautious():
    # The spread of the standardised sum over runs is known to 1 / sqrt(2 * runs); by permutation it is near .8.
    runs, spread = 150, []
    for i in range(runs):
        rows = stopping(100, np.random.default_rng([i, 9]))
        tests = interval_logrank(*rows, np.arange(100)), interval_logrank(*rows)
        spread.append([test.scores_sum[0] / math.sqrt(test.covariance[0, 0]) for test in tests])
    by_influence, by_permutation = np.std(spread, axis=0)
    assert abs(by_influence - 1.0) < 3 / math.sqrt(2 * runs)
    assert by_permutation < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 300])
def test_size_when_groups_stop_at_different_rates(n):
    def run(rng):
        return interval_logrank(*stopping(n, rng), np.arange(n)).p_value

    check_size(share_below(0.05, 4000, run))


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 300])
def test_size_when_groups_are_looked_at_differently(n):
    # One group every week and loyal, the other every two weeks and a quarter gone after each visit.
    def run(rng):
        group = rng.integers(0, 2, n)
        seen = look(rng.exponential(30, n), np.array([8, 28])[group], np.array([0.05, 0.25])[group], rng)
        return interval_logrank(*seen, group, np.arange(n)).p_value

    check_size(share_below(0.05, 4000, run))


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([0, 1], [2, 3], [1, 1]), NotEstimable, "one group"),
        (([0, 1], [INF, INF], [1, 2]), NotEstimable, "never seen"),
        (([], [], []), NotEstimable, "no rows"),
        (([0, 1, 0], [2, 3, INF], [1, 1, 2]), NotEstimable, "Group 2 of 2"),
        (([0, 0, 0], [2, 2, 2], [1, 1, 2]), NotEstimable, "no variance"),
        (([0, 0, 0], [2, 2, 2], [1, 1, 2], [1, 2, 3]), NotEstimable, "no variance"),
        (([0, 1, 2, 0], [2, 3, 4, INF], [1, 2, 2, 1], [1, 2, 2, 1]), NotEstimable, "2 patients are too few"),
        (([-1, 1], [2, 3], [1, 2]), InputRefused, "E631"),
        (([4, 1], [2, 3], [1, 2]), InputRefused, "E632"),
        (([float("nan"), 1], [2, 3], [1, 2]), InputRefused, "E604"),
        (([0, 1], [2, 3], [1, 2, 1]), InputRefused, "E603"),
        (([0, 1], [2, 3], ["a", None]), InputRefused, "E681"),
        (([0, 1], [2, 3], [1, 2], [1]), InputRefused, "E603"),
        ((np.arange(300), np.arange(300) + 5, np.arange(300)), InputRefused, "E682"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        interval_logrank(*arguments)
