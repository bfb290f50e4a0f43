"""Interval-censored regression: by hand, against R, its derivatives, under what must not matter, and its refusals."""

from __future__ import annotations

import csv
import json
import math
from decimal import Decimal, getcontext
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import aft_families, aft_maximum
from outcomes.estimators.aft import aft_interval, time_ratios
from outcomes.estimators.aft_standardise import standardised_cdf, standardised_difference
from outcomes.selftest.stored import REFERENCE

INF = math.inf
FAMILIES = ["weibull", "loglogistic", "lognormal"]


def none(n):
    return np.zeros((n, 0))


def logit(p):
    return math.log(p / (1 - p))


def cloglog(p):
    return math.log(-math.log(1 - p))


def mixed(n=160, seed=5):
    """Rows of every kind, some alike, some in units far from 1, with weights and patients."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 2, n), rng.integers(3, 11, n)]).astype(float)
    time = np.exp(2.5 - 0.4 * X[:, 0] + 0.1 * X[:, 1] + 0.5 * rng.logistic(size=n))
    left = np.floor(time / 7) * 7
    right = left + 7
    kind = rng.integers(0, 6, n)
    left[kind == 0], right[kind == 0] = time[kind == 0], time[kind == 0]
    right[kind == 1], left[kind == 2] = INF, 0.0
    left[kind == 1] = np.maximum(left[kind == 1], 1)
    # As good as exact, but an interval.
    left[kind == 3] = time[kind == 3]
    right[kind == 3] = time[kind == 3] * (1 + 10.0 ** -rng.integers(1, 12, int((kind == 3).sum())))
    return X, left, right, rng.choice([0.25, 0.75, 1.5], n), rng.integers(0, 40, n)


def same(one, other, tolerance=1e-9):
    assert one.coef == pytest.approx(other.coef, rel=0, abs=tolerance)
    assert one.log_scale == pytest.approx(other.log_scale, rel=0, abs=tolerance)
    assert one.covariance == pytest.approx(other.covariance, rel=1e-7, abs=tolerance)
    assert one.loglik == pytest.approx(other.loglik, rel=1e-11)


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_exact_lognormal_times_are_a_mean_and_a_standard_deviation():
    # Logarithms 1, 2, 3, 6: mean 3, mean square of deviations 14 / 4.
    logs = np.array([1.0, 2, 3, 6])
    fit = aft_interval(none(4), np.exp(logs), np.exp(logs), "lognormal")
    assert fit.coef == pytest.approx([3], abs=1e-12)
    assert fit.log_scale == pytest.approx(0.5 * math.log(3.5), abs=1e-12)
    assert fit.covariance == pytest.approx(np.diag([3.5 / 4, 1 / 8]), abs=1e-12)
    # 4 normal densities of the logarithm, each over its time.
    assert fit.loglik == pytest.approx(-2 * math.log(2 * math.pi * 3.5) - 2 - logs.sum(), abs=1e-12)
    assert (fit.n, fit.events, fit.uninformative, fit.patterns) == (4, 4, 0, 4)


def test_exact_lognormal_times_in_two_groups_are_two_means():
    logs = np.array([1.0, 3, 4, 8, 6])
    X = np.array([[0.0], [0], [1], [1], [1]])
    fit = aft_interval(X, np.exp(logs), np.exp(logs), "lognormal")
    assert fit.coef == pytest.approx([2, 4], abs=1e-12)
    assert fit.log_scale == pytest.approx(0.5 * math.log((1 + 1 + 4 + 4 + 0) / 5), abs=1e-12)
    assert fit.covariance[:2, :2] == pytest.approx(np.array([[1 / 2, -1 / 2], [-1 / 2, 1 / 2 + 1 / 3]]) * 2, abs=1e-12)
    ratio, lower, upper = time_ratios(fit)
    reach = 1.959963984540054 * math.sqrt(5 / 3)
    assert [ratio[0], lower[0], upper[0]] == pytest.approx(np.exp([4, 4 - reach, 4 + reach]), rel=1e-12)


@pytest.mark.parametrize(("family", "link"), [("loglogistic", logit), ("weibull", cloglog)])
def test_one_look_each_is_a_line_through_the_links_of_two_shares(family, link):
    # Looked at on day 7: 3 of 10 had the event; on day 28: 6 of 10.
    fit = aft_interval(none(4), [0, 7, 0, 28], [7, INF, 28, INF], family, weights=[3, 7, 6, 4])
    scale = (math.log(28) - math.log(7)) / (link(0.6) - link(0.3))
    assert fit.log_scale == pytest.approx(math.log(scale), abs=1e-12)
    assert fit.coef == pytest.approx([math.log(7) - scale * link(0.3)], abs=1e-11)
    assert fit.loglik == pytest.approx(
        3 * math.log(0.3) + 7 * math.log(0.7) + 6 * math.log(0.6) + 4 * math.log(0.4), abs=1e-12
    )
    # The line meets both shares, so each has its own binomial variance.
    shown = standardised_cdf(fit, none(1), [7, 28])
    assert shown.cdf == pytest.approx([0.3, 0.6], abs=1e-12)
    assert shown.std_err == pytest.approx([math.sqrt(0.021), math.sqrt(0.024)], abs=1e-12)
    reach = 1.959963984540054 * math.sqrt(0.021) / 0.21
    assert shown.lower[0] == pytest.approx(1 / (1 + math.exp(-logit(0.3) + reach)), abs=1e-12)
    assert shown.upper[0] == pytest.approx(1 / (1 + math.exp(-logit(0.3) - reach)), abs=1e-12)


def test_standardised_shares_and_their_difference():
    # Group 0 as above; group 1, looked at on day 7: 5 of 10. Three shares, three parameters.
    X = np.array([[0.0]] * 4 + [[1.0]] * 2)
    left, right, counts = [0, 7, 0, 28, 0, 7], [7, INF, 28, INF, 7, INF], [3, 7, 6, 4, 5, 5]
    fit = aft_interval(X, left, right, "log-logistic", weights=counts)
    scale = math.log(4) / (logit(0.6) - logit(0.3))
    assert fit.coef[1] == pytest.approx(scale * (logit(0.3) - logit(0.5)), abs=1e-11)
    # One row in four is of group 1.
    rows, weights = np.array([[0.0], [1.0], [0.0]]), [2, 1, 1]
    shown = standardised_cdf(fit, rows, 7, weights)
    variances = 0.3 * 0.7 / 10, 0.5 * 0.5 / 10
    assert shown.cdf == pytest.approx([0.75 * 0.3 + 0.25 * 0.5], abs=1e-12)
    assert shown.std_err**2 == pytest.approx([0.75**2 * variances[0] + 0.25**2 * variances[1]], abs=1e-12)
    assert not shown.sampled
    # The rows as a sample: squares of weighted distances from the mean, 0.35, come on top.
    drawn = standardised_cdf(fit, rows, 7, weights, sampled=True)
    off = np.array([0.5, 0.25, 0.25]) * np.array([-0.05, 0.15, -0.05])
    assert drawn.std_err**2 - shown.std_err**2 == pytest.approx([(off**2).sum()], abs=1e-12)
    # Rows 1 and 3 of one patient are added before they are squared.
    together = standardised_cdf(fit, rows, 7, weights, cluster=["a", "b", "a"])
    assert together.std_err**2 - shown.std_err**2 == pytest.approx([0.0375**2 + 0.0375**2], abs=1e-12)
    contrast = standardised_difference(fit, np.ones((3, 1)), np.zeros((3, 1)), 7, weights)
    assert [contrast.one[0], contrast.other[0]] == pytest.approx([0.5, 0.3], abs=1e-12)
    assert contrast.std_err**2 == pytest.approx([sum(variances)], abs=1e-12)
    reach = 1.959963984540054 * math.sqrt(sum(variances)) / (1 - 0.04)
    assert contrast.upper == pytest.approx([math.tanh(math.atanh(0.2) + reach)], abs=1e-12)


def test_clusters_of_exact_times():
    # Mean of logs 0, 2, 4, 6 by patient a, a, b, b: sums of deviations -4 and 4, so the variance of the mean is
    # 32 / 16; taking the rows as independent gives 5 / 4.
    times = np.exp([0.0, 2, 4, 6])
    fit = aft_interval(none(4), times, times, "lognormal", cluster=["a", "a", "b", "b"])
    assert fit.std_err[0] ** 2 == pytest.approx(2, abs=1e-12)
    assert fit.naive_std_err[0] ** 2 == pytest.approx(1.25, abs=1e-12)
    assert fit.clusters == 2


# -- R ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["weibull", "loglogistic"])
def test_breast_cosmesis(family):
    expected = json.loads((REFERENCE / "reference.json").read_text())["cosmesis"][f"aft_{family}"]
    with (REFERENCE / "data" / "cosmesis.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    X = np.array([[row["arm"] == "radiotherapy_chemotherapy"] for row in rows])
    fit = aft_interval(X, [float(r["left"]) for r in rows], [float(r["right"] or "inf") for r in rows], family)
    assert fit.coef == pytest.approx(expected["coef"], rel=0, abs=1e-8)
    assert fit.log_scale == pytest.approx(expected["log_scale"], rel=0, abs=1e-8)
    assert fit.std_err == pytest.approx(expected["se"], rel=0, abs=1e-8)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=0, abs=1e-8)
    assert (fit.n, fit.events) == (94, 56)


@pytest.mark.parametrize("case", ["plain", "weighted", "by_patient", "weighted_by_patient", "no_intervals_by_patient"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_of_row_with_weights_and_clusters(family, case):
    expected = json.loads((REFERENCE / "aft.json").read_text())[family][case]
    with (REFERENCE / "data" / "aft_mixed.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    if "no_intervals" in case:
        rows = [row for row in rows if not row["left"] or not row["right"] or row["left"] == row["right"]]
    fit = aft_interval(
        [[float(row["treated"]), float(row["pain"])] for row in rows],
        [float(row["left"] or 0) for row in rows],
        [float(row["right"] or "inf") for row in rows],
        family,
        weights=[float(row["weight"]) for row in rows] if "weighted" in case else None,
        cluster=[row["patient"] for row in rows] if "patient" in case else None,
    )
    assert fit.coef == pytest.approx(expected["coef"], rel=0, abs=1e-8)
    assert fit.log_scale == pytest.approx(expected["log_scale"], rel=0, abs=1e-8)
    assert fit.std_err == pytest.approx(expected["se"], rel=0, abs=1e-8)
    assert fit.covariance == pytest.approx(np.array(expected["covariance"]), rel=0, abs=1e-8)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=0, abs=1e-8)
    assert fit.gradient < 1e-12
    assert (fit.naive_std_err == fit.std_err).all() == ("patient" not in case)


# -- derivatives and digits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_and_hessian_are_those_of_the_likelihood(family):
    X, left, right, weight, _ = mixed()
    chosen = aft_families.find_family(family)
    design = aft_maximum.build_design(X, left, right, weight, ["a", "b"])
    theta, h = np.array([0.3, -0.4, 0.2, 1.7]), 1e-5
    _, gradient, hessian, _ = aft_maximum.derivatives(chosen, design, theta)
    for j, move in enumerate(np.eye(4) * h):
        up, down = (aft_maximum.derivatives(chosen, design, theta + s * move) for s in (1, -1))
        assert (up[0] - down[0]) / (2 * h) == pytest.approx(gradient[j], rel=1e-7, abs=1e-5)
        assert (up[1] - down[1]) / (2 * h) == pytest.approx(hessian[j], rel=1e-7, abs=1e-5)


def exact_log_probability(family, low, high):
    """Fifty digits, subtracted without mercy."""
    getcontext().prec = 50
    low, high = Decimal(low), Decimal(high)
    if family == "weibull":
        return float(((-low.exp()).exp() - (-high.exp()).exp()).ln())
    return float((1 / (1 + low.exp()) - 1 / (1 + high.exp())).ln())


@pytest.mark.parametrize("family", ["weibull", "loglogistic"])
@pytest.mark.parametrize("low", [-40.0, -20.0, -3.0, 0.0, 2.5, 3.5])
@pytest.mark.parametrize("width", [1e-9, 1e-3, 0.05, 0.125, 0.25, 1.0])
def test_probabilities_keep_their_digits_in_both_tails(family, low, width):
    ends = aft_families.Ends(np.array([low]), np.array([low + width]), np.array([(low + width) - low]))
    value = aft_families.compute_terms(aft_families.find_family(family), ends, 1.0, np.zeros(1)).value[0]
    assert value == pytest.approx(exact_log_probability(family, low, low + width), rel=1e-13)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_two_forms_of_an_interval_agree_where_they_meet(family):
    chosen = aft_families.find_family(family)
    left = np.array([-6.0, -2.0, 0.0, 1.0, 2.0])
    width = 0.2 / (1 + np.abs(chosen.slope(left)))
    ends = aft_families.Ends(left, left + width, width)
    narrow = aft_families._narrow_terms(chosen, ends, 1.0, np.zeros(5))
    wide = aft_families._wide_terms(chosen, ends, 1.0, np.zeros(5))
    assert narrow == pytest.approx(wide, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_narrow_intervals_become_exact_times(family):
    X, time = mixed()[0], np.exp(np.random.default_rng(2).normal(3, 1, 160))
    exact, narrow = aft_interval(X, time, time, family), aft_interval(X, time, time * (1 + 1e-10), family)
    assert narrow.coef == pytest.approx(exact.coef, abs=1e-9)
    assert narrow.std_err == pytest.approx(exact.std_err, abs=1e-9)
    # A probability is a density times a width, and the width keeps its digits.
    assert narrow.loglik == pytest.approx(exact.loglik + np.log(time * (1 + 1e-10) - time).sum(), abs=1e-7)


# -- what must not matter, and what must follow -----------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_what_must_not_matter(family):
    X, left, right, weight, patient = mixed()
    fit = aft_interval(X, left, right, family, weight, patient)
    order = np.random.default_rng(1).permutation(left.size)
    same(aft_interval(X[order], left[order], right[order], family, weight[order], patient[order]), fit)
    twice = [np.concatenate([a, a]) for a in (X, left, right, weight / 2, patient)]
    doubled = aft_interval(*twice[:3], family, *twice[3:])
    same(doubled, fit)
    assert doubled.naive_covariance == pytest.approx(fit.naive_covariance, rel=1e-9)
    assert doubled.n == 2 * fit.n
    same(aft_interval(X, left, right, family, weight, [f"p{99 - i}" for i in patient]), fit)
    # Rows that say nothing, and rows without weight.
    more = aft_interval(
        np.vstack([X, [[5, 5], [0, 1]]]), [*left, 0, 3], [*right, INF, 4], family, [*weight, 2, 0], [*patient, 1, 999]
    )
    same(more, fit)
    assert (more.n, more.uninformative, more.clusters) == (fit.n + 1, 1, fit.clusters)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_must_follow(family):
    X, left, right, weight, patient = mixed()
    fit = aft_interval(X, left, right, family, weight, patient)
    shifted = aft_interval(X + np.array([0, 1000]), left, right, family, weight, patient)
    assert shifted.coef == pytest.approx(fit.coef - [1000 * fit.coef[2], 0, 0], abs=1e-8)
    assert shifted.std_err[1:] == pytest.approx(fit.std_err[1:], abs=1e-9)
    hours = aft_interval(X, left * 24, right * 24, family, weight, patient)
    assert hours.coef == pytest.approx(fit.coef + np.array([math.log(24), 0, 0]), abs=1e-9)
    assert hours.covariance == pytest.approx(fit.covariance, rel=1e-7, abs=1e-9)
    # The narrowest rows differ in the twelfth digit, so times 24 they are not quite as wide.
    exact = weight[left == right].sum()
    assert hours.loglik == pytest.approx(fit.loglik - exact * math.log(24), rel=1e-8)
    scaled = aft_interval(X * [1, 0.01], left, right, family, weight, patient)
    assert scaled.coef[2] == pytest.approx(100 * fit.coef[2], rel=1e-8)
    split = aft_interval(X[:, :1], left, right, family)
    assert aft_interval(1 - X[:, :1], left, right, family).coef[1] == pytest.approx(-split.coef[1], abs=1e-9)


def test_copies_within_a_patient_fool_the_naive_variance_only():
    X, left, right, _, _ = mixed()
    own = np.arange(left.size)
    fit = aft_interval(X, left, right, "weibull", cluster=own)
    four = aft_interval(
        np.repeat(X, 4, 0), np.repeat(left, 4), np.repeat(right, 4), "weibull", cluster=np.repeat(own, 4)
    )
    assert four.std_err == pytest.approx(fit.std_err, rel=1e-8)
    assert four.naive_std_err == pytest.approx(fit.naive_std_err / 2, rel=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_delta_method_is_the_slope_of_the_standardised_share(family):
    # One parameter moved at a time: the variance from slopes by differences is the one reported.
    X, left, right, weight, patient = mixed()
    fit = aft_interval(X, left, right, family, weight, patient)
    days, h = np.array([0.5, 14, 90]), 1e-6
    F = aft_families.find_family(family).log_cdf

    def share(parameters, X):
        z = (np.log(days)[:, None] - parameters[0] - X @ parameters[1:3]) / math.exp(parameters[3])
        return np.exp(F(z)).mean(axis=1)

    def check(answer, value, of):
        at = np.append(fit.coef, fit.log_scale)
        slopes = np.stack([(of(at + s) - of(at - s)) / (2 * h) for s in np.eye(4) * h], axis=1)
        assert value == pytest.approx(of(at), abs=1e-12)
        assert answer.std_err**2 == pytest.approx(np.einsum("kq,qr,kr->k", slopes, fit.covariance, slopes), rel=1e-6)
        assert ((answer.lower < value) & (value < answer.upper)).all()

    shown = standardised_cdf(fit, X, days)
    check(shown, shown.cdf, lambda at: share(at, X))
    assert ((shown.lower > 0) & (shown.upper < 1)).all()
    one, other = X * [0, 1] + [1, 0], X * [0, 1]
    contrast = standardised_difference(fit, one, other, days)
    check(contrast, contrast.difference, lambda at: share(at, one) - share(at, other))
    assert not standardised_difference(fit, X, X, days, sampled=True).std_err.any()


def test_shares_at_the_ends_of_time():
    X, left, right, _, _ = mixed()
    shown = standardised_cdf(aft_interval(X, left, right, "weibull"), X, [0, 1e300])
    assert shown.cdf.tolist() == [0, 1]
    assert shown.lower.tolist() == [0, 1]
    assert shown.upper.tolist() == [0, 1]


def test_family_names_are_read_loosely():
    X, left, right, _, _ = mixed()
    for name in ("log-logistic", "Log Logistic", "LOG_LOGISTIC", "loglogistic"):
        assert aft_interval(X, left, right, name).family == "loglogistic"


# -- refusals ---------------------------------------------------------------------------------------------------------


def rows(n=60):
    rng = np.random.default_rng(8)
    X = rng.integers(0, 2, (n, 2)).astype(float)
    left = np.floor(rng.exponential(30, n) / 7) * 7
    return X, left, left + 7


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("end", ["never", "always"])
def test_separation_names_the_column(family, end):
    X, left, right = rows()
    group = X[:, 1] == 1
    left = np.where(group, 7 if end == "never" else 0, left)
    right = np.where(group & (end == "never"), INF, right)
    with pytest.raises(NotEstimable, match=r"run to infinity \(separation\).* column 1 of X "):
        aft_interval(X, left, right, family)
    with pytest.raises(NotEstimable, match="in rows marked by heat the"):
        aft_interval(X, left, right, family, names=["sex", "heat"])
    # One row on the other side is enough for a finite, if wide, answer.
    first = np.flatnonzero(group)[0]
    left[first], right[first] = 21, 28
    fit = aft_interval(X, left, right, family)
    assert abs(fit.coef[2]) > 0.5
    assert fit.gradient < 1e-9


def test_separation_of_one_row_among_many():
    rng = np.random.default_rng(4)
    left = np.floor(rng.exponential(30, 50_000))
    X = np.zeros((left.size, 1))
    X[77] = 1
    right = left + 1
    left[77], right[77] = 20, INF
    with pytest.raises(NotEstimable, match=r"separation.* column 0 of X "):
        aft_interval(X, left, right, "weibull")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("X", "left", "right", "words"),
    [
        (none(3), [1, 2, 3], [INF] * 3, "never seen in any row"),
        (none(3), [0, 0, 0], [1, 2, 3], "always happened by the first look"),
        (none(2), [0, 0], [INF, INF], "No row says anything"),
        (none(0), [], [], "no rows"),
        (none(3), [5, 5, 5], [10, 10, 10], "scale cannot be estimated"),
        (none(3), [5, 5, 5], [5, 5, 5], "scale cannot be estimated"),
        (none(1), [5], [9], "scale cannot be estimated"),
        (none(2), [0, 5], [5, INF], "scale cannot be estimated"),
        (none(2), [0, 10], [20, INF], "scale cannot be estimated"),
        (none(2), [0, 20], [10, INF], "scale runs to infinity"),
        (none(4), [0, 5, 0, 20], [5, INF, 20, INF], "scale runs to infinity"),
        ([[0], [0], [1], [1]], [3, 3, 20, 20], [9, 9, 30, 30], "column 0 of X"),
        ([[2], [2], [2]], [1, 2, 3], [2, 3, 4], "Constant.* column 0 of X"),
        ([[0, 1, 5], [1, 0, 7], [1, 0, 2], [0, 1, 3]], [1, 2, 3, 4], [2, 3, 4, 5], "column 0 of X and column 1 of X"),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated(family, X, left, right, words):
    with pytest.raises(NotEstimable, match=words):
        aft_interval(X, left, right, family)


def test_a_search_that_finds_no_higher_point_is_refused(monkeypatch):
    monkeypatch.setattr(aft_maximum, "_MAX_HALVINGS", 0)
    with pytest.raises(NotEstimable, match="its likelihood could not be improved"):
        aft_interval(none(4), [1, 2, 3, 9], [2, 4, 5, 11], "weibull")


def test_a_step_that_goes_too_far_is_halved_until_it_is_no_worse(monkeypatch):
    """From 1 along -8 the height of ``-x^2`` is -49, then -9, and at a quarter of the step what it was."""
    design = SimpleNamespace(weight=np.ones(3))
    monkeypatch.setattr(
        aft_maximum, "derivatives", lambda family, design, at: (-float(at[0] ** 2), at, np.eye(2), None)
    )
    trial, value, *_ = aft_maximum._line_search(None, design, np.array([1.0, 1.0]), np.array([-8.0, 0.0]), -1.0)
    assert (trial.tolist(), value) == ([-1.0, 1.0], -1.0)


def test_one_cluster_and_no_weight():
    X, left, right = rows()
    with pytest.raises(NotEstimable, match="one cluster"):
        aft_interval(X, left, right, "weibull", cluster=np.zeros(60))
    with pytest.raises(NotEstimable, match="every weight is zero"):
        aft_interval(X, left, right, "weibull", weights=np.zeros(60))
    with pytest.raises(NotEstimable, match="fewer than two"):
        standardised_cdf(aft_interval(X, left, right, "weibull"), X, 7, cluster=np.zeros(60))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"left": [-1, 2, 3]}, "E671"),
        ({"left": [1, 9, 3]}, "E672"),
        ({"left": [0, 1, 1], "right": [0, 2, 2]}, "E673"),
        ({"left": [INF, 1, 1]}, "E605"),
        ({"right": [2, math.nan, 2]}, "E604"),
        ({"right": [2, 3]}, "E603"),
        ({"family": "gompertz"}, "E674"),
        ({"family": None}, "E674"),
        ({"X": [0, 1, 0]}, "E675"),
        ({"X": [[0], [1]]}, "E603"),
        ({"X": [[0], [1], [math.nan]]}, "E604"),
        ({"X": [["a"], ["b"], ["c"]]}, "E601"),
        ({"names": ["a", "b"]}, "E676"),
        ({"weights": [1, -1, 1]}, "E606"),
        ({"cluster": [1, 2]}, "E679"),
        ({"cluster": ["a", None, "b"]}, "E679"),
        ({"cluster": np.array(["a", 1, "b"], dtype=object)}, "E679"),
        ({"cluster": [1, math.nan, 2]}, "E604"),
        ({"level": 95}, "E607"),
    ],
)
def test_bad_input(change, code):
    arguments = {"X": [[0], [1], [0]], "left": [1, 2, 3], "right": [2, 3, 4], "family": "weibull"} | change
    with pytest.raises(InputRefused) as refused:
        aft_interval(**arguments)
    assert refused.value.findings[0].code == code


@pytest.mark.parametrize(
    ("X", "days", "weights", "code"),
    [([[0]], 7, None, "E678"), ([[0, 1]], -1, None, "E677"), ([[0, 1]], 7, [1, 2], "E603"), ([0, 1], 7, None, "E675")],
)
def test_bad_input_of_the_standardised_share(X, days, weights, code):
    fit = aft_interval(*rows(), "weibull")
    with pytest.raises(InputRefused) as refused:
        standardised_cdf(fit, X, days, weights)
    assert refused.value.findings[0].code == code
    with pytest.raises(InputRefused):
        standardised_difference(fit, X, X, days, weights)
    with pytest.raises(InputRefused, match="aligned"):
        standardised_difference(fit, np.zeros((2, 2)), np.zeros((3, 2)), 7)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"left": ["0", "1", "1"]}, "E601 left"),
        ({"right": np.array([2, 3, 2], "timedelta64[D]")}, "E617 right"),
        ({"X": [[1], [2, 3], [4]]}, "E601 X"),
        ({"X": [["1"], ["2"], ["1"]]}, "E601 X\\[:, 0\\]"),
        ({"X": np.array([[1], [2], [1]], "timedelta64[D]")}, "E617 X\\[:, 0\\]"),
        ({"weights": ["1", "1", "1"]}, "E601 weights"),
        ({"weights": [1e308] * 3}, "E618 weights"),
        ({"cluster": [[1], [2, 3], 4]}, "E679 cluster"),
        ({"cluster": ["a", math.nan, "b"]}, "E679 cluster"),
        ({"cluster": ["a", 1, "b"]}, "E679 cluster"),
        ({"cluster": [1j, 2, 3]}, "E679 cluster"),
        ({"names": 5}, "E676 names"),
        ({"level": None}, "E607 level"),
        ({"level": [0.95]}, "E607 level"),
        ({"cluster": ["a", "b", "c"], "names": ["age"], "weights": np.array([1, 2, 1.5], object)}, None),
    ],
)
def test_arguments_of_another_kind_are_refused_by_name(changed, refusal):
    legal = {"X": [[0], [1], [0]], "left": [1, 2, 5], "right": [4, 6, INF], "family": "weibull"}
    if refusal is None:
        assert np.isfinite(aft_interval(**legal | changed).std_err).all()
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        aft_interval(**legal | changed)


@pytest.mark.parametrize(
    ("days", "refusal"),
    [(["7"], "E601"), ([[1], [2, 3]], "E601"), (np.timedelta64(7, "D"), "E617"), (None, "E604"), (7, None)],
)
def test_days_of_another_kind_are_refused_by_name(days, refusal):
    fit = aft_interval(np.zeros((3, 0)), [1, 2, 5], [4, 6, INF], "weibull")
    if refusal is None:
        assert standardised_cdf(fit, np.zeros((3, 0)), days).cdf.shape == (1,)
        return
    with pytest.raises(InputRefused, match=f"{refusal} days: "):
        standardised_cdf(fit, np.zeros((3, 0)), days)
