"""Certified answers of the NIST Statistical Reference Datasets (https://www.itl.nist.gov/div898/strd).

Longley and the Wampler sets are hard for least squares: columns of very unequal size, nearly alike. The NumAcc sets are
hard for means: a spread of 0.1 on numbers of ten million.
"""

import numpy as np
import pytest
from scipy.special import stdtrit
from statsmodels.datasets import longley

from outcomes.estimators.linear import linear_regression
from outcomes.estimators.means import clustered_mean

LONGLEY = (
    *(-3482258.63459582, 15.0618722713733, -0.0358191792925910, -2.02022980381683),
    *(-1.03322686717359, -0.0511041056535807, 1829.15146461355),
)
LONGLEY_RESIDUAL_SD = 304.854073561965
WAMPLER_NOISE = (
    *(759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048),
    *(-2048, 1838, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 759),
)
WAMPLER_RESIDUAL_SD = 2360.14502379268


def residual_sd(fit, columns, outcome):
    left_over = outcome - fit.coef[0] - columns @ fit.coef[1:]
    return float(np.sqrt(left_over @ left_over / (outcome.size - fit.coef.size)))


def test_longley():
    data = longley.load_pandas()
    columns, outcome = data.exog.to_numpy(float), data.endog.to_numpy(float)
    fit = linear_regression(columns, outcome)
    assert fit.coef == pytest.approx(LONGLEY, rel=1e-12)
    assert residual_sd(fit, columns, outcome) == pytest.approx(LONGLEY_RESIDUAL_SD, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "noise", "digits"), [("Wampler3", 1, 1e-7), ("Wampler4", 100, 1e-7), ("5", 1e4, 1e-6)]
)
def test_wampler(name, noise, digits):
    x = np.arange(21.0)
    columns = x[:, None] ** np.arange(1, 6)
    outcome = 1.0 + columns.sum(axis=1) + noise * np.array(WAMPLER_NOISE)
    fit = linear_regression(columns, outcome)
    assert fit.coef == pytest.approx(np.ones(6), rel=digits), name
    assert residual_sd(fit, columns, outcome) == pytest.approx(noise * WAMPLER_RESIDUAL_SD, rel=1e-10)


@pytest.mark.parametrize(("base", "least_digits"), [(1_000_000.2, 8), (10_000_000.2, 7)])
def test_numerical_accuracy_of_a_mean(base, least_digits):
    """NumAcc3 and NumAcc4: mean `base` and standard deviation 0.1, both exact."""
    values = np.concatenate([[base], np.tile([base - 0.1, base + 0.1], 500)])
    mean, low, high = clustered_mean(values, np.arange(values.size))
    sd = (high - low) / 2.0 / stdtrit(values.size - 1, 0.975) * np.sqrt(values.size)
    assert mean == pytest.approx(base, rel=1e-15)
    assert sd == pytest.approx(0.1, rel=10.0**-least_digits)
