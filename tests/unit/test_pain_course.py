"""The mean pain course: model, weights and question, on cases a reader can check, R's answers, and refusals."""

from __future__ import annotations

import csv
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.optimize import minimize

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.pain_course import build_pain_course
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.course_basis import course_basis, slope_columns
from outcomes.estimators.mixed_course import fit_mixed
from outcomes.estimators.visit_weights import _count_cells, fit_weighted_mean, visit_weights
from outcomes.questions import course_lines, pain_course
from outcomes.questions.course_lines import IIW, MIXED, VISITS
from outcomes.questions.pain_course import estimate_pain_course
from outcomes.release.course_figure import pain_course as draw
from outcomes.selftest.stored import REFERENCE
from tables import open_clinic, records

FLOORS = {"estimate_min_episodes": 5, "curve_min_observed": 3, "curve_min_share": 0.01, "compare_min_episodes": 5}
SMALL = Protocol.from_mapping(
    {"reporting_floor": FLOORS, "episode": {"washout_days": 0}, "inference": {"bootstrap_draws": 5}}
)


def lines(n_units, n_days, rng, spread=(1.0, 0.5), noise=0.7, patients=None):
    """Balanced ratings: each unit has a line of its own in ``1, day``."""
    day = np.tile(np.arange(n_days, dtype=float), n_units)
    unit = np.repeat(np.arange(n_units), n_days)
    own = rng.normal(0.0, spread, (n_units, 2))
    columns = np.column_stack([np.ones(day.size), day])
    values = 5.0 - 0.4 * day + (columns * own[unit]).sum(axis=1) + rng.normal(0.0, noise, day.size)
    return values, columns, unit, unit if patients is None else patients[unit]


# -- the mixed model --------------------------------------------------------------------------------------------------


def test_orthodont_equals_nlme():
    rows = list(csv.DictReader((REFERENCE / "data" / "orthodont.csv").open()))
    expected = json.loads((REFERENCE / "reference.json").read_text())["orthodont"]
    age, distance = (np.array([float(row[name]) for row in rows]) for name in ("age", "distance"))
    male = np.array([row["sex"] == "Male" for row in rows], dtype=float)
    subject = np.unique([row["subject"] for row in rows], return_inverse=True)[1]
    one = np.ones(age.size)
    fixed = np.column_stack([one, age, male, age * male])
    found = fit_mixed(distance, fixed, np.column_stack([one, age]), subject, subject)
    assert found.coef == pytest.approx(list(expected["fixed"].values()), abs=1e-9)
    assert np.sqrt(np.diag(found.cov_model)) == pytest.approx(expected["se"], abs=1e-5)
    assert found.sd_rating == pytest.approx(expected["sigma"], abs=1e-5)
    assert (found.n, found.n_units, found.n_clusters) == (108, 27, 27)
    assert not found.is_at_edge


def test_balanced_ratings_by_hand():
    # With the same days for all, the mean line is the mean of the lines fitted one by one, and its variance summed by
    # cluster is their covariance over their number.
    values, columns, unit, patient = lines(12, 4, np.random.default_rng(1))
    found = fit_mixed(values, columns, columns, unit, patient)
    own = np.array([np.polyfit(np.arange(4.0), values[unit == i], 1)[::-1] for i in range(12)])
    assert found.coef == pytest.approx(own.mean(axis=0), abs=1e-9)
    assert found.cov_cluster == pytest.approx(np.cov(own.T) / 12, abs=1e-9)


def plain_likelihood(values, columns, unit, parameters):
    """Log-likelihood of each unit at (two coefficients, three elements of Psi, log s2), unit by unit."""
    coef, (a, b, c, log_scale) = parameters[:2], parameters[2:]
    out = []
    for i in np.unique(unit):
        z, rest = columns[unit == i], values[unit == i] - columns[unit == i] @ coef
        v = np.exp(log_scale) * (np.eye(len(z)) + z @ np.array([[a, b], [b, c]]) @ z.T)
        out.append(-0.5 * (np.linalg.slogdet(v)[1] + rest @ np.linalg.solve(v, rest)))
    return np.array(out)


def test_variance_is_summed_by_cluster_as_written():
    rng = np.random.default_rng(2)
    values, columns, unit, patient = lines(20, 5, rng, patients=np.arange(20) // 2)
    keep = rng.random(values.size) < 0.7
    values, columns, unit, patient = values[keep], columns[keep], unit[keep], patient[keep]
    found = fit_mixed(values, columns, columns, unit, patient)
    psi = found.cov_random / found.sd_rating**2
    at = np.array([*found.coef, psi[0, 0], psi[1, 0], psi[1, 1], 2 * np.log(found.sd_rating)])
    step = 1e-4

    def gradient(point):
        moves = step * np.eye(6)
        each = [
            plain_likelihood(values, columns, unit, point + m) - plain_likelihood(values, columns, unit, point - m)
            for m in moves
        ]
        return np.array(each).T / (2 * step)

    observed = -np.array([gradient(at + m).sum(axis=0) - gradient(at - m).sum(axis=0) for m in step * np.eye(6)])
    scores = gradient(at)
    totals = scores[::2] + scores[1::2]
    inverse = np.linalg.inv(observed / (2 * step))
    expected = 10 / 9 * inverse @ totals.T @ totals @ inverse
    assert found.cov_cluster == pytest.approx(expected[:2, :2], rel=1e-3)
    assert found.cov_model == pytest.approx(np.linalg.inv(observed[:2, :2] / (2 * step)), rel=1e-4)
    # the line that shows it could be otherwise: episodes as if they were patients give another variance
    alone = fit_mixed(values, columns, columns, unit, unit)
    assert alone.coef == pytest.approx(found.coef, abs=1e-9)
    assert abs(alone.cov_cluster[0, 0] / found.cov_cluster[0, 0] - 1) > 0.02


def test_row_order_names_and_scale_do_not_matter():
    rng = np.random.default_rng(3)
    values, columns, unit, patient = lines(15, 4, rng)
    found = fit_mixed(values, columns, columns, unit, patient)
    order = rng.permutation(values.size)
    other = fit_mixed(values[order], columns[order], columns[order], 90 - unit[order], 7 * patient[order] + 3)
    assert other.coef == pytest.approx(found.coef, abs=1e-8)
    assert other.cov_cluster == pytest.approx(found.cov_cluster, rel=1e-6)
    scaled = fit_mixed(10 * values, columns, columns, unit, patient)
    assert scaled.coef == pytest.approx(10 * found.coef, rel=1e-6)
    assert scaled.sd_rating == pytest.approx(10 * found.sd_rating, rel=1e-4)


def test_stopping_when_better_misleads_the_average_but_not_the_model():
    rng = np.random.default_rng(4)
    values, columns, unit, patient = lines(400, 8, rng)
    # after a rating below 4 nobody comes again: stopping depends on what was recorded
    low = values.reshape(400, 8) < 4
    gone = np.cumsum(np.column_stack([np.zeros(400, dtype=bool), low[:, :-1]]), axis=1) > 0
    keep = ~gone.ravel()
    found = fit_mixed(values[keep], columns[keep], columns[keep], unit[keep], patient[keep])
    truth, at = 5.0 - 0.4 * 7, np.array([1.0, 7.0])
    assert abs(at @ found.coef - truth) < 4 * np.sqrt(at @ found.cov_cluster @ at)
    assert values[keep & (columns[:, 1] == 7)].mean() - truth > 1.5


def test_no_spread_of_slopes_is_said():
    values, columns, unit, patient = lines(60, 5, np.random.default_rng(5), spread=(0.0, 0.0))
    found = fit_mixed(values, columns, columns, unit, patient)
    assert found.is_at_edge
    ordinary = np.linalg.lstsq(columns, values, rcond=None)[0]
    assert found.coef == pytest.approx(ordinary, abs=0.02)


def test_mixed_model_refuses_by_name(monkeypatch):
    values, columns, unit, patient = lines(10, 4, np.random.default_rng(6))
    usual = {"values": values, "fixed": columns, "random": columns, "unit": unit, "cluster": patient}

    def fit(**new):
        return fit_mixed(**usual | new)

    with pytest.raises(InputRefused, match="E604 values: is not a number"):
        fit(values=np.where(np.arange(40) == 3, np.nan, values))
    with pytest.raises(InputRefused, match="one row for each of the 40 values"):
        fit(fixed=columns[:-1])
    with pytest.raises(InputRefused, match="two clusters for one unit"):
        fit(cluster=np.arange(40))
    with pytest.raises(NotEstimable, match="too few different days"):
        fit(fixed=np.ones((40, 2)))
    with pytest.raises(NotEstimable, match="do not vary"):
        fit(values=columns @ [5.0, -1.0])
    with pytest.raises(NotEstimable, match="too few for 2 coefficients"):
        fit_mixed([5.0, 4.0], [[1, 0], [1, 1]], [[1, 0], [1, 1]], [0, 1], [0, 1])
    with pytest.raises(NotEstimable, match="did not converge; too few episodes"):
        # Every episode on a line of its own, to the last digit: there is no noise to compare them by.
        own = np.random.default_rng(7).integers(-3, 4, (10, 2)).astype(float)
        fit(values=5.0 - columns[:, 1] + (columns * own[unit]).sum(axis=1))

    def stopped_early(*arguments, **options):
        return minimize(*arguments, **(options | {"options": {"gtol": 1e-7, "maxiter": 1}}))

    monkeypatch.setattr("scipy.optimize.minimize", stopped_early)
    with pytest.raises(NotEstimable, match="did not converge; too few episodes"):
        fit()


@pytest.mark.parametrize(("seed", "spread"), [(11, (1.0, 0.5)), (12, (0.6, 0.1)), (13, (2.0, 0.8))])
def test_another_library_finds_no_better_fit(seed, spread):
    """`statsmodels.MixedLM`, from the answer: what it ends with is no likelier, and close by."""
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    rng = np.random.default_rng(seed)
    values, columns, unit, patient = lines(40, 5, rng, spread)
    keep = rng.random(values.size) < 0.7
    values, columns, unit, patient = values[keep], columns[keep], unit[keep], patient[keep]
    found = fit_mixed(values, columns, columns, unit, patient)
    start = MixedLMParams.from_components(np.zeros(2), cov_re=found.cov_random / found.sd_rating**2)
    other = MixedLM(values, columns, groups=unit, exog_re=columns).fit(start_params=start, reml=True)
    assert other.llf <= found.log_likelihood + 1e-9
    assert other.llf == pytest.approx(found.log_likelihood, abs=1e-6)
    assert found.coef == pytest.approx(np.asarray(other.fe_params), abs=1e-6)
    assert found.cov_random == pytest.approx(np.asarray(other.cov_re), rel=1e-3)


def test_no_matrix_is_singular_where_a_spread_is_at_its_edge():
    """Slopes that do not differ, in 60 practices: by `statsmodels.MixedLM` rounding decided whether there was a fit."""
    for seed in range(60):
        values, columns, unit, patient = lines(20, 5, np.random.default_rng(seed), spread=(0.3, 0.0), noise=1.2)
        found = fit_mixed(np.rint(values), columns, columns, unit, patient)
        assert np.isfinite(found.cov_cluster).all()
        assert np.linalg.eigvalsh(found.cov_random)[0] > -1e-12


# -- the curve of time ------------------------------------------------------------------------------------------------


def test_basis_is_smooth_and_straight_after_the_last_knot():
    step = 1e-3
    for knot in (7.0, 21.0, 49.0):
        at = course_basis(knot + step * np.arange(-2, 3), 90)
        left, right = at[0] - 2 * at[1] + at[2], at[2] - 2 * at[3] + at[4]
        assert left == pytest.approx(right, abs=3 * (step / 7.0) ** 3 * 6)
    beyond = course_basis([50.0, 70.0, 90.0], 90)
    assert beyond[2] - beyond[1] == pytest.approx(beyond[1] - beyond[0], abs=1e-12)
    assert course_basis([0.0, 7.0], 90).shape == (2, 5)
    assert course_basis([0.0, 7.0], 21).shape == (2, 3)
    assert course_basis([0.0, 5.0], 5).shape == (2, 2)
    assert slope_columns([0.0, 7.0])[:, 1] == pytest.approx([0.0, np.log(2.0)])


# -- weights of visits ------------------------------------------------------------------------------------------------


def test_visit_weights_by_hand():
    # High pain: two visits in two days at risk, 1 a day. Low pain: one visit in four days, 1/4. All: three in six, 1/2.
    day, rating = [0, 1, 2, 0, 2, 0], [8, 8, 8, 0, 0, 0]
    found = visit_weights(day, rating, [0, 0, 0, 1, 1, 2], [2, 2, 2], [5, 5, 5], cut_quantile=1.0)
    assert found.weights == pytest.approx([1, 0.5, 0.5, 1, 2, 1], rel=1e-6)
    assert (found.n_visits, found.days_at_risk, found.n_cut) == (3, 6.0, 0)
    assert found.effective_share == pytest.approx(3**2 / (3 * (0.25 + 0.25 + 4)))


def test_days_at_risk_are_those_of_a_plain_count():
    rng = np.random.default_rng(7)
    start = rng.integers(0, 30, 60).astype(float)
    stop = start + rng.integers(0, 50, 60)
    event = (rng.random(60) < 0.6) & (stop > start)
    band, site = rng.integers(0, 5, 60), rng.integers(0, 2, 60)
    band[0], site[0] = 4, 1
    exposure, visits = _count_cells(start, stop, event, band, site)
    plain, seen = np.zeros_like(exposure), np.zeros_like(visits)
    for row in range(60):
        for day in range(int(start[row]) + 1, int(stop[row]) + 1):
            cell = (
                np.searchsorted([3, 7, 14, 21, 42], day),
                np.searchsorted([2, 5, 9, 14, 21, 35], day - start[row]),
                band[row],
                site[row],
            )
            plain[cell] += 1
            seen[cell] += event[row] and day == stop[row]
    assert np.array_equal(exposure, plain)
    assert np.array_equal(visits, seen)


def test_visit_weights_refuse_by_name():
    with pytest.raises(NotEstimable, match="nobody was rated a second time"):
        visit_weights([0, 0], [5, 5], [0, 1], [9, 9], [0, 0])
    with pytest.raises(InputRefused, match="not later than the one before"):
        visit_weights([0, 4, 4], [5, 5, 5], [0, 0, 0], [9], [0])
    with pytest.raises(InputRefused, match="end_days: has 1 entries, the others have 2"):
        visit_weights([0, 0], [5, 5], [0, 1], [9], [0, 0])


def test_weighted_mean_is_weighted_least_squares_with_a_sandwich():
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(30), rng.random(30)])
    y, w, cluster = rng.random(30), rng.random(30) + 0.5, np.repeat(np.arange(10), 3)
    coef, cov = fit_weighted_mean(y, x, cluster, w)
    bread = np.linalg.inv(x.T @ (x * w[:, None]))
    assert coef == pytest.approx(bread @ (x.T @ (w * y)))
    score = np.add.reduceat(x * (w * (y - x @ coef))[:, None], np.arange(0, 30, 3))
    assert cov == pytest.approx(bread @ score.T @ score @ bread)
    # equal to rows written twice with half the weight
    again = fit_weighted_mean(np.tile(y, 2), np.tile(x, (2, 1)), np.tile(cluster, 2), np.tile(w / 2, 2))
    assert again[0] == pytest.approx(coef)
    assert again[1] == pytest.approx(cov)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_mean_is_the_gee_with_working_independence(seed):
    from statsmodels.genmod.cov_struct import Independence
    from statsmodels.genmod.generalized_estimating_equations import GEE

    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 60, 400)
    day = rng.integers(0, 90, 400)
    x = np.column_stack([np.ones(400), day, 1e-6 * day**3, rng.random(400) < 0.1])
    y, w = 7 - 0.03 * day + rng.normal(size=400) + rng.normal(size=60)[cluster], rng.random(400) * 3
    coef, cov = fit_weighted_mean(y, x, cluster, w)
    theirs = GEE(y, x, groups=cluster, cov_struct=Independence(), weights=w).fit()
    assert coef == pytest.approx(np.asarray(theirs.params), rel=1e-9)
    np.testing.assert_allclose(cov, np.asarray(theirs.cov_params()), rtol=1e-8)


def test_weighted_mean_of_columns_that_count_for_nothing_is_refused():
    y, x = np.arange(4.0), np.column_stack([np.ones(4), [0, 0, 0, 1.0]])
    for weights in ([1, 1, 1, 0], [1, 0, 0, 0]):
        with pytest.raises(NotEstimable, match="say the same"):
            fit_weighted_mean(y, x, [0, 1, 2, 3], weights)
    with pytest.raises(NotEstimable, match="say the same"):
        fit_weighted_mean(y, np.column_stack([x, x @ [2.0, 3.0]]), [0, 1, 2, 3])


# -- ratings of episodes ----------------------------------------------------------------------------------------------


def episodes_of(courses, protocol=SMALL, extra=None):
    """Episodes of patients written as ``day:pain`` courses; `extra` gives further columns, one value a patient."""
    names = list(extra or {})
    rows = [" | ".join(["patient_id", "visit_day", "pain_pre", *names])]
    for i, course in enumerate(courses):
        for point in course.split():
            day, pain = point.split(":")
            rows.append(" | ".join([f"p{i:03}", day, pain, *(extra[name][i] for name in names)]))
    return build_episodes(build_visits(records("\n".join(rows)), protocol))


def test_ratings_by_hand():
    found = build_pain_course(episodes_of(["0:6 7:3", "2: 3:5 9: 12:4", "0:1 5:1", "0:6 10:1 120:7"]))
    assert found.table[["day", "pain_nrs"]].to_numpy().tolist() == [
        [0, 6],
        [7, 3],
        [1, 5],
        [10, 4],
        [0, 6],
        [10, 1],
        [0, 7],
    ]
    assert found.place.tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert found.last_rated_days.tolist() == [7, 10, 10, 0]
    assert found.open_days.tolist() == [-1] * 4
    eligible, ratings = found.ledger.steps[-2:]
    assert (eligible.n_set_aside, ratings.rows_in, ratings.kept, ratings.n_set_aside) == (1, 9, 7, 2)


def test_an_episode_is_open_to_the_next_one_or_the_data_cut():
    rows = ["patient_id | visit_date | pain_pre"]
    rows += ["p | 2025-01-01 | 6", "p | 2025-01-11 | 5", "p | 2025-06-01 | 7"]
    rows += open_clinic("2025-01-01", "2025-07-01")
    found = build_pain_course(build_episodes(build_visits(records("\n".join(rows)), SMALL)))
    assert found.last_rated_days.tolist() == [10, 0]
    assert found.open_days.tolist() == [150, 30]
    # Somebody else's episode ends none.
    found = build_pain_course(build_episodes(build_visits(records("\n".join([*rows, "q | 2025-06-10 | 6"])), SMALL)))
    assert found.open_days.tolist() == [150, 30, 21]


# -- the question -----------------------------------------------------------------------------------------------------


def noisy_courses(n, seed, fall=0.12, end=45):
    """Courses that come down from about 7, rated at uneven days."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(n):
        days = np.unique(np.r_[0, rng.integers(1, end, 7)])
        level, own = rng.normal(7.0, 0.8), fall * rng.lognormal(0.0, 0.4)
        pain = np.clip(np.rint(level * np.exp(-own / 2 * days) + rng.normal(0, 0.6, days.size)), 0, 10)
        pain[0] = max(pain[0], 3)
        out.append(" ".join(f"{d}:{int(p)}" for d, p in zip(days, pain, strict=True)))
    return out


@pytest.fixture(scope="module")
def two_groups():
    courses = noisy_courses(40, 1) + noisy_courses(40, 2, fall=0.04)
    return courses, {"sex": ["F"] * 40 + ["M"] * 40}


@pytest.fixture(scope="module")
def course_by_sex(two_groups):
    return estimate_pain_course(episodes_of(two_groups[0], extra=two_groups[1]), by="sex")


def test_shape_settings_and_ledger(two_groups):
    episodes = episodes_of([*two_groups[0], "0:1 5:1"])
    found = estimate_pain_course(episodes)
    assert tuple(found.table.columns) == pain_course.TABLE_COLUMNS
    assert tuple(found.curve.columns) == pain_course.CURVE_COLUMNS
    assert tuple(found.check.columns) == pain_course.CHECK_COLUMNS
    assert tuple(found.difference.columns) == pain_course.DIFFERENCE_COLUMNS
    assert found.table["horizon_days"].tolist() == [0, 7, 14, 28, 42]
    assert found.difference.empty
    assert found.summary["n"] == 80
    assert found.ledger.steps[-2].n_set_aside == 1
    assert {"definition", "estimator", "second_line", "not_to_use", "protocol_hash", "seed"} <= set(found.settings)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.table = None


def test_a_mean_is_stated_only_while_enough_are_observed(two_groups):
    found = estimate_pain_course(episodes_of([*noisy_courses(30, 3, end=20), *noisy_courses(2, 4, end=80)]))
    rows = found.table.set_index("horizon_days")
    assert rows["estimate"].notna().tolist() == [True, True, True, False, False]
    assert rows["observed"].is_monotonic_decreasing
    assert found.curve["day"].max() == found.summary["last_day"] < 20
    assert any("No mean is stated for days 28 and 42" in note for note in found.notes)


def test_groups_are_fitted_alone_and_their_difference_is_adjusted(two_groups, course_by_sex):
    courses, extra = two_groups
    alone = estimate_pain_course(episodes_of(courses[:40], extra={"sex": extra["sex"][:40]}), by="sex")
    female = course_by_sex.table[course_by_sex.table["group"] == "female"].reset_index(drop=True)
    pd.testing.assert_frame_equal(female, alone.table, check_exact=True)
    row = course_by_sex.difference.iloc[0]
    assert (row["group"], row["reference"], row["horizon_days"], row["n"], row["n_reference"]) == (
        "male",
        "female",
        28,
        40,
        40,
    )
    assert row["conf_low"] > 0
    means = course_by_sex.table.set_index(["group", "horizon_days"])["estimate"]
    assert row["estimate"] == pytest.approx(means["male", 28] - means["female", 28], abs=0.5)
    assert any("adjusted for the first rating only" in note for note in course_by_sex.notes)


def test_a_difference_at_the_start_is_not_a_difference_in_the_course():
    # One course for all, but the group is formed by the first rating, which has noise: the groups differ at day 0 by
    # selection, and adjusting for the first rating takes it away, where a difference of changes would not.
    rng, courses, high = np.random.default_rng(9), [], []
    for _ in range(120):
        days = np.unique(np.r_[0, rng.integers(1, 45, 5)])
        pain = np.rint(rng.normal(6.0, 0.3) - 0.08 * days + rng.normal(0, 1.2, days.size)).clip(0, 10)
        pain[0] = max(pain[0], 3)
        courses.append(" ".join(f"{d}:{int(p)}" for d, p in zip(days, pain, strict=True)))
        high.append("F" if pain[0] >= 6 else "M")
    found = estimate_pain_course(episodes_of(courses, extra={"sex": high}), by="sex")
    row, means = found.difference.iloc[0], found.table.set_index(["group", "horizon_days"])["estimate"]
    change = (means["male", 28] - means["male", 0]) - (means["female", 28] - means["female", 0])
    assert row["conf_low"] < 0 < row["conf_high"]
    assert change > 1.0


def test_three_groups_are_not_compared_and_a_small_one_has_no_number(two_groups):
    courses, extra = two_groups
    episodes = episodes_of([*courses, "0:6 9:5"], extra={"sex": [*extra["sex"], ""]})
    found = estimate_pain_course(episodes, by="sex")
    small = found.table[found.table["group"] == "not recorded"]
    assert small["estimate"].isna().all()
    assert any("'not recorded': fewer than 5 episodes" in note for note in found.notes)
    assert len(found.difference) == 1, "what is not recorded is no side of a comparison"
    regions = ["lumbar", "cervical", "thoracic"] * 26 + ["lumbar"] * 2
    three = estimate_pain_course(episodes_of(courses, extra={"region": regions}), by="region")
    assert three.difference.empty
    assert any("no pairs are compared" in note for note in three.notes)


def test_without_a_known_end_of_observation_the_check_is_missing_and_said(two_groups):
    found = estimate_pain_course(episodes_of(two_groups[0]))
    lines = found.check.set_index(["line", "horizon_days"])["estimate"]
    assert lines[IIW].isna().all()
    assert lines[MIXED].notna().all()
    assert lines[VISITS].notna().all()
    assert any("weighted visits is missing" in note and "observed_until_day" in note for note in found.notes)


def test_two_lines_that_lie_apart_are_told(monkeypatch):
    """The weighted visits, which need no shape of each course, moved by half a point from day 14 on."""
    rng, courses = np.random.default_rng(5), []
    for _ in range(80):
        days = np.unique(np.r_[0, rng.integers(1, 50, 7)])
        fall = rng.normal(7.0, 0.5) - rng.normal(1.5, 0.3) * np.log1p(days / 7)
        pain = np.clip(np.rint(fall + rng.normal(0, 0.6, days.size)), 0, 10)
        courses.append(" ".join(f"{d}:{int(p)}" for d, p in zip(days, pain, strict=True)))
    episodes = episodes_of(courses)
    assert not any("points apart" in note for note in estimate_pain_course(episodes).notes)
    fit = pain_course.fit_course

    def moved(ratings, protocol):
        course = fit(ratings, protocol)
        main, low, high = course.lines[MIXED]
        other = main + np.where(np.arange(main.size) >= 14, high - main + 0.5, 0.0)
        return dataclasses.replace(course, lines={**course.lines, IIW: (other, low, high)})

    monkeypatch.setattr(pain_course, "fit_course", moved)
    said = [note for note in estimate_pain_course(episodes).notes if "points apart" in note]
    assert len(said) == 1
    assert said[0].startswith("On day 14, 28")
    assert "more than 0.3 points" in said[0]


def test_average_of_visits_by_hand():
    courses = ["0:6 7:3 20:2", "0:8 10:5 21:4", "0:7 3:7 18:5", "0:5 12:2 19:1", "0:9 6:6 20:5", "0:6 8:6 17:6"]
    found = estimate_pain_course(episodes_of(courses)).check
    at = found[found["line"] == VISITS].set_index("horizon_days")["estimate"]
    assert at[0] == pytest.approx(np.mean([6, 8, 7, 5, 9, 6]))
    assert at[7] == pytest.approx(np.mean([3, 5, 6, 6]))


def test_pain_course_refuses_by_name(two_groups, monkeypatch):
    episodes = episodes_of(two_groups[0])
    with pytest.raises(InputRefused, match="Did you mean 'stream'"):
        estimate_pain_course(episodes, by="streem")
    with pytest.raises(NotEstimable, match="records no 'cause'"):
        estimate_pain_course(episodes, by="cause")
    with pytest.raises(NotEstimable, match="none of fewer than 5 episodes is eligible"):
        estimate_pain_course(episodes_of(["0: 7:", "0:1 7:0"]))
    with pytest.raises(NotEstimable, match="ratings after the first day"):
        estimate_pain_course(episodes_of(["0:6"] * 8))

    def refuse(*args):
        raise NotEstimable("The mixed model of the pain course did not converge.")

    monkeypatch.setattr(course_lines, "fit_mixed", refuse)
    with pytest.raises(NotEstimable, match="did not converge"):
        estimate_pain_course(episodes)
    by_stream = estimate_pain_course(episodes, by="stream")
    assert by_stream.table["estimate"].isna().all()
    assert any("did not converge" in note for note in by_stream.notes)


# -- the figure -------------------------------------------------------------------------------------------------------


def written(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("narrow", [False, True])
def test_figure_shows_the_means_and_the_number_observed(two_groups, narrow):
    import matplotlib.pyplot as plt

    found = estimate_pain_course(episodes_of(two_groups[0]))
    _, ax = plt.subplots(figsize=(3.4, 3.1) if narrow else (7.2, 3.7), layout="constrained")
    draw(found, ax, narrow)
    texts = written(ax)
    assert ax.get_ylim() == (0, 10)
    assert "mean pain, points of 0–10" in texts
    assert "number observed" in texts
    assert f"{found.table['estimate'].iloc[-1]:.1f}" in texts
    assert str(found.table["observed"].iloc[0]) in texts
    plt.close("all")


def test_names_of_groups_do_not_touch(course_by_sex):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(3.4, 3.1), layout="constrained")
    draw(course_by_sex, ax, narrow=True)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() in ("male", "female")]
    assert len(boxes) == 4  # at the lines and under the axis
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    plt.close("all")


def test_an_empty_course_and_a_refusal_are_sentences(two_groups):
    import matplotlib.pyplot as plt

    found = estimate_pain_course(episodes_of(["0:6 7:3", "0:6 9:2"]))
    assert written(draw(found)) == ["No pain course: too few episodes to draw one."]
    assert written(draw(NotEstimable("The pain course cannot be estimated: nobody."))) == [
        "The pain course cannot be estimated: nobody."
    ]
    plt.close("all")


COLUMN, TEXT = np.ones((3, 1)), [["a"], ["b"], ["c"]]
THREE_RATINGS = {"day": [0, 3, 0], "rating": [5, 4, 3], "unit": [0, 0, 1], "end_days": [9, 9], "site": [0, 0]}


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"day": [-1, 3, 0]}, "E614 day"),
        ({"end_days": [9, -9]}, "E614 end_days"),
        ({"day": ["0", "3", "0"]}, "E601 day"),
        ({"day": np.array([0, 3, 0], "timedelta64[D]")}, "E617 day"),
        ({"unit": [0, 0.5, 1]}, "E638 unit"),
        ({"unit": [0, 0, 1e300]}, "E638 unit"),
        ({"cut_quantile": None}, "E637 cut_quantile"),
        ({"cut_quantile": 0.3}, "E637 cut_quantile"),
        ({"cut_quantile": 99}, "E637 cut_quantile"),
        ({"cut_quantile": 1}, None),
    ],
)
def test_visits_of_another_kind_are_refused_by_name(changed, refusal):
    if refusal is None:
        assert np.isfinite(visit_weights(**THREE_RATINGS | changed).weights).all()
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        visit_weights(**THREE_RATINGS | changed)


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (lambda: fit_mixed([1, 2, 3], TEXT, COLUMN, [0, 1, 2], [0, 1, 2]), "E601 fixed\\[:, 0\\]"),
        (lambda: fit_mixed([1, 2, 3], COLUMN, TEXT, [0, 1, 2], [0, 1, 2]), "E601 random\\[:, 0\\]"),
        (lambda: fit_mixed([1, 2, 3], [[1], [2, 3], [4]], COLUMN, [0, 1, 2], [0, 1, 2]), "E601 fixed"),
        (lambda: fit_mixed([1, 2, 3], [1, 2, 3], COLUMN, [0, 1, 2], [0, 1, 2]), "E602 fixed"),
        (lambda: fit_weighted_mean([1, 2, 3], TEXT, [0, 1, 2]), "E601 fixed\\[:, 0\\]"),
        (lambda: fit_weighted_mean([1, 2, 3], [1, 2, 3], [0, 1, 2]), "E602 fixed"),
        (lambda: fit_weighted_mean([1, 2, 3], None, [0, 1, 2]), "E602 fixed"),
        (lambda: fit_weighted_mean([1, 2, 3], COLUMN[:2], [0, 1, 2]), "E603 fixed"),
        (lambda: fit_weighted_mean([1, 2, 3], COLUMN * np.nan, [0, 1, 2]), "E604 fixed\\[:, 0\\]"),
        (lambda: fit_weighted_mean([1, 2, 3], COLUMN.tolist(), [0, 1, 2]), None),
    ],
)
def test_columns_of_another_kind_are_refused_by_name(call, refusal):
    if refusal is None:
        call()
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        call()


def test_a_mean_without_columns_is_refused():
    with pytest.raises(NotEstimable, match="no columns"):
        fit_weighted_mean([1, 2, 3], np.zeros((3, 0)), [0, 1, 2])
    with pytest.raises(NotEstimable, match="no columns"):
        fit_mixed(np.arange(9), np.ones((9, 1)), np.zeros((9, 0)), np.arange(9) // 3, np.arange(9) // 3)


def hand_made(*groups, check=True):
    """A course on days 0 to 90 of each group, and its check a point above."""
    days = np.arange(0, 91)
    parts = [
        pd.DataFrame({"group": name, "line": line, "day": days, "estimate": 6.0 - 0.03 * days + i + above,
                      "conf_low": 4.0, "conf_high": 8.0, "at_risk": 90 - days // 2})
        for i, name in enumerate(groups) for line, above in ((MIXED, 0.0), (IIW, 1.0)) if check or line == MIXED
    ]  # fmt: skip
    table = pd.DataFrame({"horizon_days": [0, 28, 30, 90], "estimate": [6.0, 5.2, 5.1, 3.3]})
    return SimpleNamespace(curve=pd.concat(parts, ignore_index=True), table=table, settings={})


def test_the_check_is_dashed_and_named_and_labels_of_days_that_would_touch_are_left_out():
    for check in (True, False):
        ax = draw(hand_made("all", check=check), Figure(figsize=(7.2, 3.7)).subplots())
        assert ("weighted visits, a check" in written(ax)) == check
        dashed = [line for line in ax.lines if line.is_dashed() and len(line.get_xdata()) > 2]
        assert [line.get_ydata()[0] for line in dashed] == [7.0] * check
    # Day 28 is two days from day 30: its mean has a dot and no number.
    assert [text for text in written(ax) if text in ("6.0", "5.2", "5.1", "3.3")] == ["6.0", "5.1", "3.3"]


def test_with_two_groups_the_checks_are_named_once_and_with_three_they_are_not_drawn():
    for groups, n_checks in ((("a", "b"), 2), (("a", "b", "c"), 0)):
        ax = draw(hand_made(*groups), Figure(figsize=(7.2, 3.7)).subplots())
        assert written(ax).count("dashes: weighted visits, a check") == (n_checks > 0)
        assert sum(line.is_dashed() and len(line.get_xdata()) > 2 for line in ax.lines) == n_checks


def test_with_a_known_end_of_observation_the_weighted_visits_stand_beside():
    """Everybody is rated on the same days: weights are nearly alike, and the line is nearly plain least squares."""
    rng = np.random.default_rng(3)
    days, start = np.array([0, 7, 14, 21, 28, 35]), np.datetime64("2025-01-06")
    pain = np.clip(np.rint(7 - 0.1 * days + rng.normal(0, 0.8, (40, days.size))), 2, 10)
    rows = ["patient_id | visit_date | pain_pre", *open_clinic("2025-01-06", "2025-02-24")]
    rows += [f"p{i:02} | {start + d} | {int(pain[i, k])}" for i in range(40) for k, d in enumerate(days)]
    found = estimate_pain_course(build_episodes(build_visits(records("\n".join(rows)), SMALL)))
    assert not any("weighted visits is missing" in note for note in found.notes)
    basis = course_basis(np.tile(days, 40), 35)
    coef = np.linalg.lstsq(basis, pain.ravel(), rcond=None)[0]
    at = found.check[found.check["line"] == IIW].set_index("horizon_days")["estimate"]
    known = at.dropna()
    assert list(known.index) == [day for day in at.index if day <= 35] and len(known) > 2
    assert known.to_numpy() == pytest.approx(course_basis(known.index.to_numpy(), 35) @ coef, abs=2e-3)


def test_a_difference_needs_enough_who_were_rated_again(two_groups, monkeypatch):
    """Of the second group 6 of 40 were rated after the first day, and seven are asked for."""
    courses, extra = two_groups
    seldom = [course if i < 46 else course.split()[0] for i, course in enumerate(courses)]
    strict = Protocol.from_mapping({**SMALL.to_plain(), "reporting_floor": {**FLOORS, "compare_min_episodes": 7}})
    found = estimate_pain_course(episodes_of(seldom, strict, extra), by="sex")
    assert found.difference.empty
    assert any("fewer than 7 episodes of a group were rated again" in note for note in found.notes)

    def refuse(*_):
        raise NotEstimable("The mixed model of the pain course did not converge.")

    monkeypatch.setattr(pain_course, "adjusted_difference", refuse)
    refused = estimate_pain_course(episodes_of(courses, extra=extra), by="sex")
    assert refused.difference.empty
    assert "No difference is given: the mixed model of the pain course did not converge." in refused.notes


# -- ratings on few different days -------------------------------------------------------------------------------------


def ratings_on(days, seed=23):
    """Forty patients, a third of whose pain is the first one, rated on these days and no other."""
    rng = np.random.default_rng(seed)
    return [" ".join(f"{day}:{3 + (day > 5) * rng.integers(0, 3)}" for day in days) for _ in range(40)]


def test_a_line_that_would_leave_the_scale_between_the_days_is_refused():
    """All were rated on the same four days, to which the line has four bends: between them it fell to -10."""
    with pytest.raises(
        NotEstimable, match="would leave the scale of 0 to 10: the ratings lie on too few different days"
    ):
        estimate_pain_course(episodes_of(ratings_on((0, 16, 38, 40)), SMALL))


@pytest.mark.parametrize(("level", "is_stated"), [(-0.6, False), (-0.4, True), (10.4, True), (10.6, False)])
def test_a_mean_a_little_off_the_scale_is_put_on_it(level, is_stated):
    coef = np.linalg.lstsq(course_basis(np.arange(43), 42), np.full(43, level), rcond=None)[0]
    if not is_stated:
        with pytest.raises(NotEstimable, match="leave the scale"):
            course_lines._by_day(coef, 0.01 * np.eye(4), 42, SMALL)
        return
    for line in course_lines._by_day(coef, 0.01 * np.eye(4), 42, SMALL):
        assert ((line >= 0) & (line <= 10)).all()
    mean, low, high = course_lines._by_day(coef, 0.01 * np.eye(4), 42, SMALL)
    assert ((low <= mean) & (mean <= high)).all() and mean[20] == (0.0 if level < 0 else 10.0)


def test_a_variance_below_none_by_rounding_is_none():
    mean, low, high = course_lines._by_day(np.array([3.0, 0.0, 0.0, 0.0]), -1e-13 * np.eye(4), 42, SMALL)
    assert (low == mean).all() and (high == mean).all()
