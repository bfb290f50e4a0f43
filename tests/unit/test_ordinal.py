"""Odds of a higher value in ordered steps: by hand, R's answer, invariants; and two groups of a pain course by it."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from courses import SMALL, episodes_of, small
from outcomes.errors import NotEstimable
from outcomes.estimators import ordinal
from outcomes.estimators.ordinal import ordered_odds
from outcomes.questions import estimate_pain_course, pain_course
from outcomes.questions.course_lines import GroupRatings
from outcomes.questions.course_ordinal import COLUMNS, compare_steps
from outcomes.selftest.stored import read_answers, read_table


def test_of_two_values_and_one_flag_it_is_the_odds_ratio_of_the_four_cells():
    a, b, c, d = 12, 30, 25, 9  # low and high without the flag, low and high with it
    flag = np.repeat([0.0, 0.0, 1.0, 1.0], [a, b, c, d])
    y = np.repeat([3.0, 8.0, 3.0, 8.0], [a, b, c, d])
    fit = ordered_odds(y, flag[:, None], np.arange(y.size))
    assert fit.coef[0] == pytest.approx(np.log(d * a / (b * c)), abs=1e-8)
    assert fit.thresholds == pytest.approx([np.log(a / b)], abs=1e-8)
    n, k = y.size, 2
    by_row = np.sqrt((1 / a + 1 / b + 1 / c + 1 / d) * n / (n - 1) * (n - 1) / (n - k))
    assert fit.std_err[0] == pytest.approx(by_row, rel=1e-9)
    assert (fit.n, fit.clusters, fit.levels.tolist()) == (76, 76, [3.0, 8.0])
    assert fit.loglik == pytest.approx(
        sum(m * np.log(m / t) for m, t in ((a, 42), (b, 42), (c, 34), (d, 34))), abs=1e-8
    )


def test_r_gives_the_same():
    table, want = read_table("lung"), read_answers("ordinal")
    known = np.isfinite(table["ecog"]) & np.isfinite(table["age"]) & np.isfinite(table["sex"])
    y, X = table["ecog"][known], np.column_stack([table["age"][known], table["sex"][known]])
    fit = ordered_odds(y, X, np.arange(y.size))
    assert fit.n == want["n"] and fit.loglik == pytest.approx(want["loglik"], abs=1e-8)
    assert fit.coef == pytest.approx(want["coef"], abs=1e-5)
    assert fit.thresholds == pytest.approx(want["thresholds"], abs=1e-4)
    # R's errors are those of the model; the sandwich is near them where it holds.
    assert fit.std_err == pytest.approx(want["std_err"], rel=0.15)


def planted(n, effect, seed, per_patient=1):
    rng = np.random.default_rng(seed)
    patient = np.arange(n) // per_patient
    group, first = rng.integers(0, 2, patient.max() + 1)[patient].astype(float), rng.integers(3, 11, n).astype(float)
    own = rng.normal(0, 0.8, patient.max() + 1)[patient] if per_patient > 1 else 0.0
    latent = effect * group + 0.5 * first + own + rng.logistic(size=n)
    return np.clip(np.rint(latent), 0, 10), np.column_stack([group, first]), patient


def test_only_the_order_counts_and_the_other_way_round_is_the_inverse():
    y, X, patient = planted(800, 0.5, 2)
    fit = ordered_odds(y, X, patient)
    assert ordered_odds(np.exp(y) - 7, X, patient).coef == pytest.approx(fit.coef, abs=1e-10)
    turned = ordered_odds(-y, X, patient)
    assert turned.coef == pytest.approx(-fit.coef, abs=1e-6) and turned.std_err == pytest.approx(fit.std_err, rel=1e-4)
    swapped = ordered_odds(y, np.column_stack([1 - X[:, 0], X[:, 1]]), patient)
    assert swapped.coef == pytest.approx([-fit.coef[0], fit.coef[1]], abs=1e-6)
    order = np.random.default_rng(1).permutation(y.size)
    assert ordered_odds(y[order], X[order], patient[order]).coef == pytest.approx(fit.coef, abs=1e-8)
    scaled = ordered_odds(y, X * [1, 10], patient)
    assert scaled.coef == pytest.approx(fit.coef / [1, 10], abs=1e-7)


def test_the_same_rows_twice_by_one_patient_say_no_more():
    y, X, patient = planted(400, 0.5, 3)
    once = ordered_odds(y, X, patient)
    twice = ordered_odds(np.tile(y, 2), np.tile(X, (2, 1)), np.tile(patient, 2))
    assert twice.coef == pytest.approx(once.coef, abs=1e-6)
    assert twice.std_err == pytest.approx(once.std_err, rel=0.02)
    apart = ordered_odds(np.tile(y, 2), np.tile(X, (2, 1)), np.arange(800))
    assert apart.std_err == pytest.approx(once.std_err / np.sqrt(2), rel=0.02)


def test_a_planted_difference_is_found():
    y, X, patient = planted(8_000, 0.7, 4)
    fit = ordered_odds(y, X, patient)
    # Rounding and the ends of the scale leave the odds as they are.
    assert abs(fit.coef[0] - 0.7) < 4 * fit.std_err[0] and fit.std_err[0] < 0.06


@pytest.mark.slow
def test_intervals_cover():
    """2,000 sets of 150 patients with two ratings each; the truth of all patients together is that of a large set."""
    big = ordered_odds(*planted(100_000, 0.5, 5, per_patient=2))
    held = sum(
        bool(fit.lower[0] <= big.coef[0] <= fit.upper[0])
        for fit in (ordered_odds(*planted(300, 0.5, seed, per_patient=2)) for seed in range(2_000))
    )
    assert 0.935 <= held / 2_000 <= 0.975


@pytest.mark.parametrize(
    ("y", "X", "cluster", "words"),
    [
        ([5, 5, 5], [[0], [1], [0]], [1, 2, 3], "All values are the same"),
        ([1, 2, 3], [[0], [1], [0]], [1, 1, 1], "one cluster"),
        ([1, 2, 3], [[1], [1], [1]], [1, 2, 3], "constant or determined"),
        ([1, 2, 3, 4], [[0, 1], [1, 3], [0, 1], [2, 5]], [1, 2, 3, 4], "constant or determined"),
        ([1] * 9 + [2] * 9, [[0]] * 9 + [[1]] * 9, list(range(18)), "no maximum"),
        # Each of three values has its own place, the longer column too; or one step is never crossed without the flag.
        ([1, 1, 2, 2, 3, 3], [[0], [0], [1], [1], [2], [2]], list(range(6)), "no maximum"),
        ([1] * 10 + [2] * 10 + [3] * 10, [[x] for x in range(30)], list(range(30)), "no maximum"),
        ([1, 1, 2, 1, 3, 3, 3, 2], [[0]] * 4 + [[1]] * 4, list(range(8)), "no maximum"),
    ],
)
def test_what_has_no_answer_is_refused(y, X, cluster, words):
    with pytest.raises(NotEstimable, match=words):
        ordered_odds(y, X, cluster)


def test_one_row_on_the_other_side_makes_an_answer_of_what_had_none():
    y, flag = [1, 1, 2, 1, 3, 3, 3, 2], [[0]] * 4 + [[1]] * 4
    fit = ordered_odds([*y, 3], [*flag, [0]], range(9))
    assert fit.coef[0] > 0 and fit.thresholds[0] < fit.thresholds[1] and np.isfinite(fit.std_err).all()


@pytest.mark.parametrize(("n", "effect", "per_patient"), [(60, 0.5, 2), (300, 3.0, 1), (2_000, -0.5, 2)])
def test_statsmodels_gives_the_same(n, effect, per_patient):
    y, X, patient = planted(n, effect, n, per_patient)
    fit = ordered_odds(y, X, patient)
    model = OrderedModel(np.unique(y, return_inverse=True)[1], X, distr="logit")
    near = model.fit(method="bfgs", disp=0, maxiter=1000)
    by_patient = {"cov_type": "cluster", "cov_kwds": {"groups": patient}}
    other = model.fit(method="newton", start_params=near.params, disp=0, **by_patient)
    assert fit.coef == pytest.approx(other.params[:2], abs=1e-7)
    assert fit.std_err == pytest.approx(other.bse[:2], rel=1e-4)  # theirs differentiates the scores by differences
    assert fit.thresholds == pytest.approx(model.transform_threshold_params(other.params)[1:-1], abs=1e-6)
    assert fit.loglik == pytest.approx(other.llf, abs=1e-9)


def test_scores_and_information_are_the_derivatives_of_the_likelihood():
    rng, count = np.random.default_rng(3), np.arange(1.0, 13.0)
    rows = ordinal._lay_out(rng.integers(0, 4, 12), rng.normal(size=(12, 2)), 4)
    at, h = np.array([0.3, -0.7, -1.1, 0.2, 1.4]), 1e-5
    scores, information = ordinal._differentiate(rows, at, count)
    for j, move in enumerate(h * np.eye(5)):
        there, back = ordinal._log_chances(rows, at + move), ordinal._log_chances(rows, at - move)
        assert scores[:, j] == pytest.approx((there - back) / (2 * h), abs=1e-8)
        slopes = [count @ ordinal._differentiate(rows, near, count)[0] for near in (at - move, at + move)]
        assert information[j] == pytest.approx((slopes[0] - slopes[1]) / (2 * h), rel=1e-6)


def test_thresholds_that_changed_places_have_no_chance():
    rows = ordinal._lay_out(np.array([0, 1, 2]), np.zeros((3, 1)), 3)
    assert np.isneginf(ordinal._log_chances(rows, np.array([0.0, 1.0, 1.0]))).tolist() == [False, True, False]
    assert np.isneginf(ordinal._log_chances(rows, np.array([0.0, 1.0, 0.5]))).tolist() == [False, True, False]


def test_where_a_whole_step_falls_a_part_of_it_is_taken():
    """Columns with long tails: from no effect, Newton's step lands beyond the maximum, where some rows are unlikely."""
    rng = np.random.default_rng(400)
    X = np.exp(2 * rng.normal(size=(80, 2)))
    y = np.clip(np.rint((X - X.mean(axis=0)) / X.std(axis=0) @ [3.0, -2.0] + rng.logistic(size=80) + 1), 0, 4)
    fit = ordered_odds(y, X, np.arange(80))
    rows = ordinal._lay_out(np.unique(y, return_inverse=True)[1], X, fit.levels.size)
    scores, _ = ordinal._differentiate(rows, np.concatenate([fit.coef, fit.thresholds]), np.ones(80))
    assert np.abs(scores.sum(axis=0) / np.abs(scores).sum(axis=0)).max() < 1e-6


def test_steps_that_end_before_the_maximum_are_no_answer(monkeypatch):
    monkeypatch.setattr(ordinal, "_MOST_STEPS", 1)
    with pytest.raises(NotEstimable, match="still rose"):
        ordered_odds(*planted(300, 0.5, 1))


# -- two groups of a pain course ---------------------------------------------------------------------------------------


def ratings_of(courses, group="a", shift=0):
    """Ratings of episodes written as ``day:pain`` courses, a patient each."""
    points = [[tuple(map(float, point.split(":"))) for point in course.split()] for course in courses]
    place = np.repeat(np.arange(len(points)), [len(own) for own in points])
    day, pain = np.array(list(itertools.chain(*points))).T
    last = np.array([int(own[-1][0]) for own in points])
    return GroupRatings(group, place, day, pain, place + shift, last, np.full(last.size, 90), np.zeros(last.size, int))


def test_the_rating_nearest_the_day_counts_in_whole_points():
    protocol = small(reporting_floor={"compare_min_episodes": 3, "suppress_cell_below": 5})
    # Days 20 and 43 lie outside; 27 is nearer than 30; halves go up.
    one = ratings_of(["0:5 20:9 27:2.5 30:9", "0:5 28:6", "0:5 42:1 43:9", "0:5 21:8"], "a")
    two = ratings_of(["0:5 28:7", "0:5 28:4", "0:5 28:8", "0:5 28:9"], "b", 10)
    row = dict(zip(COLUMNS, compare_steps(one, two, protocol), strict=True))
    want = ordered_odds([3, 6, 1, 8, 7, 4, 8, 9], np.repeat([0.0, 1.0], 4)[:, None], np.arange(8))
    assert (row["group"], row["reference"], row["horizon_days"]) == ("b", "a", 28)
    ratios = [row[name] for name in ("odds_ratio", "ratio_low", "ratio_high")]
    assert ratios == pytest.approx(np.exp([want.coef[0], want.lower[0], want.upper[0]]), rel=1e-6)
    assert (row["n"], row["n_reference"]) == (4, 4)


@pytest.mark.parametrize(("n_without", "is_told"), [(0, True), (1, False), (4, False), (5, True)])
def test_counts_that_would_tell_of_a_few_who_were_not_rated_are_left_out(n_without, is_told):
    protocol = small(reporting_floor={"compare_min_episodes": 3, "suppress_cell_below": 5})
    rng = np.random.default_rng(8)
    courses = [f"0:{rng.integers(4, 9)} 28:{rng.integers(0, 9)}" for _ in range(40)]
    one, two = ratings_of(courses[:20] + ["0:5 9:4"] * n_without), ratings_of(courses[20:], "b", 99)
    row = dict(zip(COLUMNS, compare_steps(one, two, protocol), strict=True))
    assert [row["n"], row["n_reference"]] == pytest.approx([20, 20] if is_told else [np.nan] * 2, nan_ok=True)


@pytest.mark.parametrize(("rated_in_window", "is_compared"), [(5, False), (6, True)])
def test_each_group_needs_enough_rated_in_the_window(rated_in_window, is_compared):
    protocol = small(reporting_floor={"compare_min_episodes": 6, "suppress_cell_below": 5})
    seen = [f"0:{5 + i % 3} 28:{(3 * i) % 7}" for i in range(12)]
    few = ratings_of(seen[:rated_in_window] + ["0:5 60:4"] * 6), ratings_of(seen, "b", 99)
    for one, two in (few, few[::-1]):
        if is_compared:
            assert len(compare_steps(one, two, protocol)) == len(COLUMNS)
            continue
        with pytest.raises(NotEstimable, match="fewer than 6 episodes of a group were rated from day 21 to day 42"):
            compare_steps(one, two, protocol)


def test_with_too_few_rated_in_the_window_it_is_said_and_the_difference_stands(monkeypatch):
    rng, courses = np.random.default_rng(9), []
    for _ in range(60):
        days = np.unique(np.r_[0, rng.integers(1, 45, 6), 29])
        pain = np.rint(rng.normal(6, 1) - 0.08 * days + rng.normal(0, 1, days.size)).clip(3, 10)
        courses.append(" ".join(f"{day}:{int(own)}" for day, own in zip(days, pain, strict=True)))
    extra = {"sex": ["F", "M"] * 30}
    found = estimate_pain_course(episodes_of(courses, SMALL, extra), by="sex")
    assert found.ordinal.columns.tolist() == list(COLUMNS) and len(found.ordinal) == len(found.difference) == 1
    # By chance alone: the interval holds no difference.
    assert found.ordinal.loc[0, "ratio_low"] < 1 < found.ordinal.loc[0, "ratio_high"]

    def refuse(*_):
        raise NotEstimable("Fewer than 3 episodes.")

    monkeypatch.setattr(pain_course, "compare_steps", refuse)
    refused = estimate_pain_course(episodes_of(courses, SMALL, extra), by="sex")
    assert refused.ordinal.empty and len(refused.difference) == 1
    assert "The groups are not compared by the order of their ratings: fewer than 3 episodes." in refused.notes
    assert estimate_pain_course(episodes_of(courses, SMALL, extra)).ordinal.empty


@pytest.mark.parametrize(
    ("ratio", "low", "high", "is_said"),
    [(0.5, 0.3, 0.9, True), (0.5, 0.3, 1.1, False), (2.0, 1.2, 3.0, False)],
)
def test_where_order_and_points_disagree_it_is_said(monkeypatch, ratio, low, high, is_said):
    row = ("b", "a", 28, ratio, low, high, 30, 30)
    monkeypatch.setattr(pain_course, "compare_steps", lambda *_: row)
    course = type("Course", (), {"ratings": None})
    table, said = pain_course._by_order(course, course, 0.4, SMALL)
    assert bool(said) is is_said
    pd.testing.assert_frame_equal(table, pd.DataFrame([row], columns=list(COLUMNS)))
    assert bool(pain_course._by_order(course, course, -0.4, SMALL)[1]) is (ratio > 1)
