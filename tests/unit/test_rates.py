"""Negative binomial rates: by hand, against R, under what must not matter, and what is refused."""

from __future__ import annotations

import csv
import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import rates_maximum
from outcomes.estimators.rates import negative_binomial_rate
from outcomes.selftest.stored import REFERENCE

Z = 1.959963984540054


@pytest.fixture(scope="module")
def cgd():
    """Events, days watched and treatment of each patient."""
    with (REFERENCE / "data" / "cgd.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    patients = sorted({int(row["id"]) for row in rows})
    events, days, treat = {}, {}, {}
    for row in rows:
        i = int(row["id"])
        events[i] = events.get(i, 0) + int(row["event"])
        days[i] = days.get(i, 0) + float(row["stop"]) - float(row["start"])
        treat[i] = row["treat"]
    return [[column[i] for i in patients] for column in (events, days, treat)]


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_counts_without_spread_are_poisson():
    result = negative_binomial_rate([1, 2, 2, 4, 3, 5], [1, 2, 2, 2, 2, 2], list("aaabbb"))
    assert (result.is_poisson, result.dispersion, result.reference) == (True, 0.0, "a")
    assert result.rate == pytest.approx([1, 2], abs=1e-14)
    assert result.log_std_err == pytest.approx([math.sqrt(1 / 5), math.sqrt(1 / 12)], abs=1e-14)
    assert result.conf_low == pytest.approx(result.rate * np.exp(-Z * result.log_std_err), rel=1e-13)
    assert result.ratio == pytest.approx([1, 2], abs=1e-14)
    se = math.sqrt(1 / 5 + 1 / 12)
    assert result.ratio_low[1] == pytest.approx(2 * math.exp(-Z * se), rel=1e-13)
    assert result.ratio_high[1] == pytest.approx(2 * math.exp(Z * se), rel=1e-13)
    assert result.ratio_p[1] == pytest.approx(math.erfc(math.log(2) / se / math.sqrt(2)), rel=1e-12)
    assert np.isnan([result.ratio_low[0], result.ratio_high[0], result.ratio_p[0]]).all()
    log_likelihood = sum(
        y * math.log(m) - m - math.lgamma(y + 1) for y, m in ((1, 1), (2, 2), (2, 2), (4, 4), (3, 4), (5, 4))
    )
    assert result.loglik == pytest.approx(log_likelihood, abs=1e-12)


def test_equal_exposure_gives_the_mean_and_its_known_variance():
    # With one exposure the rate is the mean count, and the variance of its logarithm (1/mean + dispersion)/n.
    y = [0, 0, 1, 7, 2, 0, 12, 3]
    result = negative_binomial_rate(y, [2.0] * 8)
    assert result.rate[0] == pytest.approx(25 / 16, rel=1e-9)
    assert result.log_std_err[0] == pytest.approx(math.sqrt((8 / 25 + result.dispersion) / 8), rel=1e-7)
    # The dispersion solves the score equation: sum over j < y of 1/(1 + a j) equals n log(1 + a m)/a ...
    a, m = result.dispersion, 25 / 8
    left = sum(1 / (1 / a + j) for count in y for j in range(count))
    assert left == pytest.approx(8 * math.log(1 + a * m), rel=1e-8)
    assert (result.groups, result.subjects.tolist(), result.events.tolist()) == ((None,), [8], [25])
    assert result.exposure.tolist() == [16]


# -- against R --------------------------------------------------------------------------------------------------------


def test_cgd_by_treatment(cgd):
    answer = json.loads((REFERENCE / "counts.json").read_text())["rates"]
    result = negative_binomial_rate(*cgd)
    assert list(result.groups) == answer["groups"]
    np.testing.assert_allclose(np.log(result.rate), answer["log_rate"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.log_std_err, answer["log_std_err"], rtol=1e-10)
    assert result.dispersion == pytest.approx(answer["dispersion"], rel=1e-10)
    assert math.log(result.ratio[1]) == pytest.approx(answer["log_ratio"], abs=1e-10)
    reach = Z * answer["log_ratio_std_err"]
    assert math.log(result.ratio_high[1]) == pytest.approx(answer["log_ratio"] + reach, abs=1e-10)
    assert result.ratio_p[1] == pytest.approx(answer["p"], rel=1e-9)
    assert result.loglik == pytest.approx(answer["loglik"], abs=1e-9)
    assert not result.is_poisson
    # glm.nb takes the expected information: near ours, not equal.
    np.testing.assert_allclose(result.log_std_err, answer["glm_nb"]["log_std_err"], rtol=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_against_statsmodels(seed):
    from statsmodels.discrete.discrete_model import NegativeBinomial

    rng = np.random.default_rng(seed)
    n, k = 150, 3
    group, years = np.arange(n) % k, rng.uniform(0.3, 3, n)
    y = rng.poisson(rng.gamma(1.5, 1 / 1.5, n) * years * np.array([0.5, 1, 3])[group])
    result = negative_binomial_rate(y, years, group)
    at = np.append(np.log(result.rate), result.dispersion)
    # Begun at our maximum, statsmodels stays there, and its curvature gives our standard errors.
    other = NegativeBinomial(y, np.eye(k)[group], exposure=years).fit(start_params=at, method="newton", disp=0)
    np.testing.assert_allclose(other.params, at, rtol=1e-8)
    np.testing.assert_allclose(result.log_std_err, other.bse[:k], rtol=1e-8)
    assert result.loglik == pytest.approx(other.llf, abs=1e-8)


@pytest.mark.parametrize("dispersion", [1e-12, 1e-6, 1e-3, 0.02, 0.7, 40.0])
def test_derivatives_keep_their_digits(dispersion):
    """Against complex steps of the log-likelihood, and their differences, down to no dispersion."""
    rng = np.random.default_rng(4)
    counted = rates_maximum._count_patterns(
        rng.poisson(3.0, 60).astype(float), rng.uniform(0.5, 2, 60), np.arange(60) % 2
    )
    at = np.array([0.9, 1.2])

    def slope(log_rate, a):
        mean = np.exp(log_rate)[counted.code] * counted.exposure
        return sum(
            w * (sum(j / (1 + a * j) for j in range(int(y))) + mpart(a * m) * m**2 - y * m / (1 + a * m))
            for y, m, w in zip(counted.y, mean, counted.weight, strict=True)
        )

    def mpart(x):
        # The integral of u/(1 + u x)^2 over 0..1. By Gauss's rule it is no difference of near equal numbers.
        if x.real > 1:
            return (np.log(1 + x) - x / (1 + x)) / x**2
        nodes, weights = np.polynomial.legendre.leggauss(60)
        u = (nodes + 1) / 2
        return (weights / 2 * u / (1 + u * x) ** 2).sum()

    gradient, hessian = rates_maximum._derivatives(counted, at, dispersion)
    assert gradient[2] == pytest.approx(slope(at, dispersion), rel=1e-9)
    h = 1e-30
    assert hessian[2, 2] == pytest.approx(np.imag(slope(at, dispersion + h * 1j)) / h, rel=1e-9)
    for i in (0, 1):
        moved = at.astype(complex)
        moved[i] += h * 1j
        assert hessian[i, 2] == pytest.approx(np.imag(slope(moved, dispersion)) / h, rel=1e-9)


# -- what must not matter ---------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([0.0, 0.1, 0.5, 2.0]))
def test_order_labels_and_unit_do_not_matter(seed, k, spread):
    rng = np.random.default_rng(seed)
    n = 40 * k
    group, years = np.arange(n) % k, rng.uniform(0.3, 3, n)
    factor = rng.gamma(1 / spread, spread, n) if spread else np.ones(n)
    y = rng.poisson(1.2 * factor * years)
    result = negative_binomial_rate(y, years, group)
    order = rng.permutation(n)
    again = negative_binomial_rate(y[order], years[order], [f"g{g}" for g in group[order]])
    in_days = negative_binomial_rate(y, years * 365, group)
    for other, unit in ((again, 1), (in_days, 365)):
        assert other.is_poisson == result.is_poisson
        np.testing.assert_allclose(other.rate * unit, result.rate, rtol=1e-6)
        np.testing.assert_allclose(other.log_std_err, result.log_std_err, rtol=1e-5)
        np.testing.assert_allclose(other.ratio_p, result.ratio_p, rtol=1e-4, atol=1e-12)
    back = negative_binomial_rate(y, years, group, reference=k - 1)
    np.testing.assert_allclose(back.ratio, result.ratio / result.ratio[-1], rtol=1e-8)
    assert back.reference == k - 1


def test_nothing_leaks_to_the_user(cgd, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        negative_binomial_rate(*cgd)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(30))
def test_near_the_boundary_there_is_an_answer(seed):
    rng = np.random.default_rng(seed)
    result = negative_binomial_rate(rng.poisson(2.0, 300), np.ones(300))
    assert result.is_poisson == (result.dispersion == 0)
    assert result.dispersion < 0.2
    assert result.log_std_err[0] == pytest.approx(math.sqrt((1 / result.rate[0] + result.dispersion) / 300), rel=1e-4)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"events": [1, 2, -1, 4]}, "E730 events"),
        ({"events": [1, 2, 0.5, 4]}, "E730 events"),
        ({"events": [1, 2, 10**7, 4]}, "E734 events"),
        ({"events": [1, 2, math.nan, 4]}, "E604 events"),
        ({"events": ["1", "2", "3", "4"]}, "E601 events"),
        ({"exposure": [1, 0, 1, 1]}, "E731 exposure"),
        ({"exposure": [1, 1, 1]}, "E603 exposure"),
        ({"exposure": [1, math.inf, 1, 1]}, "E605 exposure"),
        ({"group": [0, 0, 1]}, "E603 group"),
        ({"group": ["a", None, "b", "b"]}, "E681 group"),
        ({"reference": "c"}, "E732 reference"),
        ({"reference": [0, 1]}, "E732 reference"),
        ({"reference": np.array(["a", "b"])}, "E732 reference"),
        ({"level": 95}, "E607 level"),
    ],
)
def test_refuses_by_name(changed, code):
    good = {"events": [1, 2, 3, 4], "exposure": [1, 1, 1, 1], "group": list("aabb")}
    negative_binomial_rate(**good)
    with pytest.raises(InputRefused, match=f"{code}: "):
        negative_binomial_rate(**(good | changed))


def test_too_many_groups_are_refused():
    with pytest.raises(InputRefused, match="E733 group"):
        negative_binomial_rate(np.ones(102), np.ones(102), np.arange(102) // 2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (([], []), "no rows"),
        (([3], [1]), "no more rows than groups"),
        (([3, 1], [1, 1], [0, 1]), "no more rows than groups"),
        (([3, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]), "Group 2 of 2, in sorted order, has no events"),
        (([0, 0], [1, 1]), "Group 1 of 1, in sorted order, has no events"),
    ],
)
def test_says_why_there_is_no_answer(arguments, reason):
    with pytest.raises(NotEstimable, match=reason):
        negative_binomial_rate(*arguments)


def test_a_search_that_ends_elsewhere_is_refused(monkeypatch, cgd):
    monkeypatch.setattr(rates_maximum, "_find_maximum", lambda counted, log_rate: (log_rate + 5.0, 100.0))
    with pytest.raises(NotEstimable, match="no maximum"):
        negative_binomial_rate(*cgd)
