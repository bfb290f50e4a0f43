"""The doubly robust difference: by hand, against R and statsmodels, invariants, coverage with a wrong model."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.doubly_robust import augmented_difference
from outcomes.selftest.stored import REFERENCE

NUMBERS = (
    "difference",
    "std_err",
    "low",
    "high",
    "p_value",
    "mean_treated",
    "mean_control",
    "std_err_treated",
    "std_err_control",
    "smallest_propensity",
    "largest_propensity",
    "largest_weight",
    "ess_treated",
    "ess_control",
)


@pytest.fixture(scope="module")
def birthwt():
    d = np.genfromtxt(REFERENCE / "data" / "birthwt.csv", delimiter=",", names=True)
    X = np.column_stack([d["age"], d["lwt"], d["race"] == 2, d["race"] == 3, d["ht"], d["ui"]])
    answers = json.loads((REFERENCE / "doubly_robust.json").read_text(encoding="utf-8"))
    return X.astype(float), d["smoke"], d["low"], d["age"], answers


def draw_rows(n, seed, p=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    treated = rng.random(n) < 1 / (1 + np.exp(-0.6 * X[:, 0]))
    return (
        X,
        treated.astype(int),
        X.sum(axis=1) + treated * (1 + X[:, 1]) + rng.normal(size=n),
        rng.integers(0, n // 3, n),
    )


def values_of(found, *, names=NUMBERS):
    return np.array([getattr(found, name) for name in names])


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_two_strata_by_hand():
    # Of x = 0 (four rows) one was treated, of x = 1 (six rows) three were. With one binary column both models are means
    # of strata, so the mean under a treatment is that of the strata's means: 0.4 and 0.6 of each.
    x = np.repeat([0.0, 1.0], [4, 6])
    treated = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0, 0])
    y = np.array([5.0, 1, 2, 6, 4, 5, 9, 3, 3, 6])
    found = augmented_difference(x[:, None], treated, y)
    assert found.mean_treated == pytest.approx(0.4 * 5 + 0.6 * 6, abs=1e-12)
    assert found.mean_control == pytest.approx(0.4 * 3 + 0.6 * 4, abs=1e-12)
    assert found.difference == pytest.approx(2.0, abs=1e-12)
    # With strata fitted exactly, the fitting adds nothing, and a row's influence is its own value about the mean:
    # under treatment x = 0 is 5 and x = 1 is 6 + 2 (-2, -1, 3); otherwise x = 0 is 3 + 4/3 (-2, -1, 3), x = 1 is 4 + 2
    # (-1, -1, 2).
    one = np.array([5, 5, 5, 5, 2, 4, 12, 6, 6, 6]) - 5.6
    none = np.array([3, 3 - 8 / 3, 3 - 4 / 3, 7, 4, 4, 4, 2, 2, 8]) - 3.6
    for field, influence in (("std_err_treated", one), ("std_err_control", none), ("std_err", one - none)):
        assert getattr(found, field) == pytest.approx(np.sqrt(10 / 9 * (influence @ influence)) / 10, abs=1e-12)
    assert (found.smallest_propensity, found.largest_propensity) == pytest.approx((0.25, 0.5), abs=1e-13)
    # Weights of the treated: 4 and three times 2; of the others: three times 4/3 and three times 2.
    assert found.largest_weight == pytest.approx(0.4, abs=1e-13)
    assert (found.ess_treated, found.ess_control) == pytest.approx((100 / 28, 100 / (16 / 3 + 12)), abs=1e-12)
    assert (found.n_treated, found.n_control, found.clusters) == (4, 6, None)


def test_without_columns_it_is_the_difference_of_the_means():
    treated, y = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([1.0, 2, 6, 1, 1, 2, 0])
    found = augmented_difference(np.empty((7, 0)), treated, y)
    assert (found.mean_treated, found.mean_control) == pytest.approx((3, 1), abs=1e-14)
    # Each arm's own sum of squares over its size squared, times n / (n - 1).
    assert found.std_err**2 == pytest.approx(7 / 6 * (14 / 9 + 2 / 16), abs=1e-13)


# -- other programs ---------------------------------------------------------------------------------------------------


def test_birthwt_as_in_r(birthwt):
    X, smoke, low, age, answers = birthwt
    for cluster, name in ((None, "by_row"), (age, "by_age")):
        found = augmented_difference(X, smoke, low, cluster)
        for field in ("mean_treated", "mean_control", "difference", "smallest_propensity", "largest_propensity"):
            assert getattr(found, field) == pytest.approx(answers[field], abs=1e-12)
        for field in ("std_err", "std_err_treated", "std_err_control", "low", "high"):
            assert getattr(found, field) == pytest.approx(answers[name][field], abs=1e-8)


def statsmodels_answer(X, treated, outcome):
    import statsmodels.api as sm
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    design = sm.add_constant(X / X.std(axis=0))
    chosen = sm.Logit(treated, design).fit(disp=0, method="newton", tol=1e-14)
    effect = TreatmentEffect(sm.OLS(outcome, design), treated, results_select=chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its optimiser complains that it starts at the answer
        return effect.aipw(return_results=False), effect.aipw().results_gmm.bse


def test_point_and_error_as_in_statsmodels(birthwt):
    X, smoke, low, _, _ = birthwt
    for table, arm, outcome in ((X, smoke, low), draw_rows(300, 1)[:3], draw_rows(500, 2, 5)[:3]):
        (difference, control, treated), errors = statsmodels_answer(table, arm, outcome)
        found = augmented_difference(table, arm, outcome)
        assert found.difference == pytest.approx(difference, abs=1e-9)
        assert (found.mean_control, found.mean_treated) == pytest.approx((control, treated), abs=1e-9)
        factor = np.sqrt(arm.size / (arm.size - 1))
        assert (found.std_err, found.std_err_control) == pytest.approx(tuple(factor * errors[:2]), rel=1e-4)


# -- invariants -------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_row_order_arms_units_and_names(seed):
    X, treated, y, of = draw_rows(150, seed)
    found = augmented_difference(X, treated, y, of)
    order = np.random.default_rng(seed).permutation(150)
    again = augmented_difference(X[order], treated[order], y[order], np.array([f"patient {i}" for i in of[order]]))
    np.testing.assert_allclose(values_of(again), values_of(found), rtol=1e-8, atol=1e-11)
    swapped = augmented_difference(X, 1 - treated, y, of)
    assert swapped.difference == pytest.approx(-found.difference, rel=1e-8)
    assert swapped.std_err == pytest.approx(found.std_err, rel=1e-8)
    assert (swapped.mean_treated, swapped.ess_treated) == pytest.approx(
        (found.mean_control, found.ess_control), rel=1e-8
    )
    moved = augmented_difference(X * [1, 1e-4, 1e4] + [100, 0, 0], treated, 3 * y + 1000, of)
    assert moved.difference == pytest.approx(3 * found.difference, rel=1e-7, abs=1e-9)
    assert moved.std_err == pytest.approx(3 * found.std_err, rel=1e-7)


def test_counted_columns_and_doubled_rows():
    rng = np.random.default_rng(7)
    X = rng.integers(0, 3, (400, 2)).astype(float)
    treated = (rng.random(400) < 0.25 + 0.2 * X[:, 0]).astype(int)
    y = X.sum(axis=1) + rng.normal(size=400)
    found = augmented_difference(X, treated, y)  # few distinct rows: the propensity is fitted on counts
    near = augmented_difference(X + 1e-9 * rng.normal(size=X.shape), treated, y)
    np.testing.assert_allclose(values_of(near), values_of(found), rtol=1e-5)
    twice = augmented_difference(*(np.repeat(a, 2, axis=0) for a in (X, treated, y)), np.repeat(np.arange(400), 2))
    same = ("difference", "std_err", "low", "high", "p_value", "mean_treated", "mean_control", "std_err_treated")
    np.testing.assert_allclose(values_of(twice, names=same), values_of(found, names=same), rtol=1e-10)


# -- coverage ---------------------------------------------------------------------------------------------------------


def simulate_differences(runs, seed, *, chosen_by_square, outcome_by_square):
    """The effect is 0.5 + 0.4 x, so 0.5 in the mean; squares of the first column are in neither model."""
    rng, patients = np.random.default_rng(seed), 400
    estimate, crude, held = np.zeros(runs), np.zeros(runs), 0
    of = np.repeat(np.arange(patients), 1 + np.arange(patients) % 2)
    for run in range(runs):
        X = rng.normal(size=(patients, 2))[of]
        chosen = 0.6 * X[:, 0] + (0.5 * (X[:, 0] ** 2 - 1) if chosen_by_square else 0.0)
        treated = (rng.random(of.size) < 1 / (1 + np.exp(-chosen))).astype(int)
        mean = X[:, 0] + 0.5 * X[:, 1] + (0.7 * (X[:, 0] ** 2 - 1) if outcome_by_square else 0.0)
        y = mean + treated * (0.5 + 0.4 * X[:, 0]) + rng.normal(size=patients)[of] + rng.normal(size=of.size)
        found = augmented_difference(X, treated, y, of)
        estimate[run], held = found.difference, held + (found.low <= 0.5 <= found.high)
        crude[run] = y[treated == 1].mean() - y[treated == 0].mean()
    return estimate - 0.5, crude - 0.5, held / runs


@pytest.mark.slow
@pytest.mark.parametrize(("chosen_by_square", "outcome_by_square"), [(False, False), (True, False), (False, True)])
def test_one_right_model_is_enough(chosen_by_square, outcome_by_square):
    runs = 1500
    error, crude, held = simulate_differences(
        runs, 11, chosen_by_square=chosen_by_square, outcome_by_square=outcome_by_square
    )
    print(
        "bias", error.mean() / error.std() * np.sqrt(runs), "Monte-Carlo errors, coverage", held, "crude", crude.mean()
    )
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(runs)
    assert abs(crude.mean()) > 10 * crude.std() / np.sqrt(runs)
    assert abs(held - 0.95) < 3 * np.sqrt(0.95 * 0.05 / runs) + 0.003


@pytest.mark.slow
def test_two_wrong_models_are_not():
    error, _, held = simulate_differences(300, 12, chosen_by_square=True, outcome_by_square=True)
    assert abs(error.mean()) > 10 * error.std() / np.sqrt(300)
    assert held < 0.8


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_estimated_is_said_in_words():
    X, treated, y, _ = draw_rows(60, 3)
    with pytest.raises(NotEstimable, match=r"X\[:, 3\].*separation"):
        augmented_difference(np.column_stack([X, treated + np.arange(60) % 2 * treated]), treated, y)
    with pytest.raises(InputRefused, match=r"E742 X\[:, 3\]"):
        augmented_difference(np.column_stack([X, X[:, 0] - X[:, 1]]), treated, y)
    with pytest.raises(InputRefused, match=r"E741 X\[:, 2\]"):
        augmented_difference(X * [1, 1, 0], treated, y)
    # The column varies among the others only; its values on both sides of theirs leave the propensity in doubt.
    lonely = np.where(treated == 1, 0.0, X[:, 2])
    with pytest.raises(NotEstimable, match=r"outcome of the treated cannot be modelled: among them X\[:, 2\]"):
        augmented_difference(np.column_stack([X[:, :2], lonely]), treated, y)
    with pytest.raises(NotEstimable, match="one value only"):
        augmented_difference(X, treated, np.ones(60))
    with pytest.raises(NotEstimable, match="exactly"):
        augmented_difference(X[:, :0], treated, treated)
    with pytest.raises(NotEstimable, match="one cluster"):
        augmented_difference(X, treated, y, np.zeros(60))


def test_an_arm_of_few_rows():
    rng = np.random.default_rng(1)
    X, treated = rng.normal(size=(40, 3)), (np.arange(40) % 10 == 0).astype(int)
    with pytest.raises(NotEstimable, match="4 rows are too few for 4 coefficients"):
        augmented_difference(X, treated, rng.normal(size=40))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([[1.0], [2.0]], [1, 0, 1], [1, 2, 3]), InputRefused, "E603 X"),
        (([[1], [2], [4]], [1, 0, 2], [1, 2, 3]), InputRefused, "E743 treated"),
        (([[1], [2], [4]], [1, 0, 1], [1, 2]), InputRefused, "E603 outcome"),
        (([[1], [2], [4]], [1, 0, 1], [1, np.nan, 2]), InputRefused, "E604 outcome"),
        (([[1], [2], [4]], [1, 0, 1], [1, 1e101, 2]), InputRefused, "E763 outcome"),
        (([[1], [2], [4]], [1, 0, 1], [1, 2, 5], [1, 2]), InputRefused, "E679 cluster"),
        (([[1], [2], [4]], [1, 0, 1], [1, 2, 5], None, 95), InputRefused, "E607 level"),
        (([[1], [2], [4]], [1, 1, 1], [1, 2, 5]), NotEstimable, "all were treated"),
        ((np.empty((0, 1)), [], []), NotEstimable, "no rows"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        augmented_difference(*arguments)
