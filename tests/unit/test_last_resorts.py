"""Estimators where little is left to estimate from, and where a search ends without an answer."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.genmod.generalized_linear_model import GLM

from interval_data import simulate
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import (
    aft_maximum,
    bootstrap,
    limits,
    logistic,
    mixed_variance,
    npmle_steps,
    orthogonal,
    rates_maximum,
    risk_draws,
    simulated_sums,
    visit_weights,
)
from outcomes.estimators.aft import aft_interval
from outcomes.estimators.clone_arms import Subjects, arm_draws, arm_risk, never_arm
from outcomes.estimators.counts import compare_means
from outcomes.estimators.cox import coded, cox, maximum, patterns, proportional_hazards_test
from outcomes.estimators.curves import kaplan_meier, logrank
from outcomes.estimators.curves import quantile as curve_quantile
from outcomes.estimators.funnel import over_dispersion
from outcomes.estimators.npmle import build_patterns, fit_patterns, npmle
from outcomes.estimators.post_strata import weighted_wilson
from outcomes.estimators.proportions import wilson_clustered
from outcomes.estimators.rates import negative_binomial_rate
from outcomes.estimators.sensitivity import find_detectable
from outcomes.estimators.weighted_share import fit_chance, weighted_share


def codes(excinfo):
    return [finding.code for finding in excinfo.value.findings]


# -- little to estimate from -------------------------------------------------------------------------------------------


def test_a_quantile_on_a_flat_piece_is_its_middle():
    # Survival 3/4, 1/2, 1/4, 0 at days 1, 2, 4, 7: it is exactly 1/2 from day 2 to day 4 (R's quantile.survfit: 3).
    assert curve_quantile(kaplan_meier([1, 2, 4, 7], [1, 1, 1, 1]), 0.5)[0] == 3.0
    # Flat to the end there is no later event, and so no middle.
    assert curve_quantile(kaplan_meier([1, 2, 4, 7], [1, 1, 0, 0]), 0.5)[0] == 2.0


def test_one_cluster_has_a_share_and_no_limits():
    share, low, high = wilson_clustered([3], [4])
    assert share == 0.75
    assert math.isnan(low)
    assert math.isnan(high)
    found = dataclasses.astuple(weighted_wilson([1, 0, 1, 1], [1.0, 2.0, 1.0, 1.0], [5, 5, 5, 5]))
    assert found[0] == pytest.approx(0.6)
    assert np.isnan(found[1:]).all()


def test_a_spread_needs_two_draws():
    with pytest.raises(NotEstimable, match="two draws"):
        limits.interval_limits([0.5], [[0.4]])
    low, high = limits.interval_limits([0.5], [[0.4], [0.6]])
    assert (low[0], high[0]) == (0.4, 0.6)


def test_groups_that_were_never_watched_together_are_not_compared():
    with pytest.raises(NotEstimable, match="never at risk together"):
        compare_means(list("abcd"), [0, 0, 5, 5], [5, 5, 9, 9], [1, 0, 1, 0], list("xxyy"))


def test_without_an_event_a_weighted_risk_is_none():
    nobody = risk_draws.order_times(np.array([3.0, 5.0]), np.zeros(2), None)
    assert risk_draws.weighted_risks(nobody, np.ones((2, 3)), np.array([4.0, 9.0])).tolist() == [[0.0, 0.0]] * 3


def test_where_nobody_departs_a_draw_is_a_plain_curve():
    # Nobody starts, so that "never" censors nobody and needs no model: risks of drawn rows with weight 1.
    subjects = Subjects(
        np.array([10.0, 20.0, 30.0]), np.array([1.0, 1.0, 0.0]), np.full(3, np.inf), np.zeros((3, 1)), np.ones(3)
    )
    arm = never_arm(subjects, 30, 7.0)
    risk, reached = arm_draws(arm, arm_risk(arm, 1.0).fit, np.array([[1, 1, 1], [2, 0, 1], [0, 0, 3]]), np.inf)
    assert risk == pytest.approx([2 / 3, 2 / 3, 0.0])
    assert reached.all()


def test_labels_that_are_numbers_far_apart_are_labels_all_the_same():
    time, event = [2, 1, 5, 1, 2, 9], [1, 1, 0, 0, 1, 0]
    near = logrank(time, event, np.array([1, 0, 0, 1, 0, 1]))
    far = logrank(time, event, np.array([2_000_000_000, -7, -7, 2_000_000_000, -7, 2_000_000_000]))
    assert far.groups == (-7, 2_000_000_000)
    assert far.statistic == near.statistic


def test_an_effective_size_may_be_below_one_but_not_none():
    # After a design effect a unit can count as half a case; z scores 0 and 0, and nothing is over-dispersed.
    assert over_dispersion([0.5, 0.5], [1.0, 0.5], 0.5).phi == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InputRefused) as refusal:
        over_dispersion([0.5, 0.5], [1.0, 0.0], 0.5)
    assert codes(refusal) == ["E851"]


def test_differences_that_can_be_told():
    # Of a difference with standard error 1: z of the level and z of the power.
    assert find_detectable([1.0, 0.5])[0] == pytest.approx(norm.ppf(0.975) + norm.ppf(0.8), abs=1e-12)
    assert find_detectable([1.0, 0.5], 0.9, 0.5)[1] == pytest.approx(norm.ppf(0.95) / 2, abs=1e-12)
    assert find_detectable(0.0).tolist() == [0.0]
    with pytest.raises(InputRefused) as refusal:
        find_detectable([1.0, -0.1])
    assert codes(refusal) == ["E764"]
    for power in (0.4999, 1.0, math.nan):
        with pytest.raises(InputRefused) as refusal:
            find_detectable([1.0], power=power)
        assert codes(refusal) == ["E769"]


# -- the same by another way ------------------------------------------------------------------------------------------


def test_draws_fitted_alone_are_those_fitted_together(monkeypatch):
    left, right = simulate(60, 9)
    rows = build_patterns(left, right)
    layout, counts = (
        bootstrap.Layout.of(rows, fit_patterns(rows)),
        bootstrap.draw_counts(rows.row, np.arange(60), 12, 3),
    )
    at = np.array([21.0, 3.0, 7.0, 14.0])
    together = bootstrap._fit_block(layout, counts, at)
    joint = bootstrap.refit
    monkeypatch.setattr(bootstrap, "refit", lambda *given: (*joint(*given)[:2], np.zeros(12, dtype=bool)))
    alone = bootstrap._fit_block(layout, counts, at)
    assert np.ptp(alone, axis=0).min() > 0.01
    assert alone == pytest.approx(together, abs=1e-4)


def test_series_are_the_same_whatever_is_simulated_at_once(monkeypatch):
    # Groups end at cases 2 and 5: with one case at a time most steps end none.
    rows = simulated_sums.read_cases([0, 1, 0, 1, 0, 0], [0.5] * 6, [1, 1, 1, 4, 4, 4])
    whole = list(simulated_sums.simulate_counts(rows, 4, 1))
    monkeypatch.setattr(simulated_sums, "_CELLS", 4)
    parts = list(simulated_sums.simulate_counts(rows, 4, 1))
    assert [part for part, _ in parts] == [slice(0, 1), slice(1, 2)]
    assert np.concatenate([counts for _, counts in parts]).tolist() == whole[0][1].tolist()


def small_numbers(n=400, seed=2):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (n, 3)).astype(np.int8)
    time = rng.integers(1, 40, n)
    return X, time, (rng.random(n) < 0.6).astype(int)


@pytest.mark.parametrize(
    ("name", "value"),
    [("_LEAST_ROOM", -1_600), ("_SECOND", 1), ("_LARGEST_KEY", 1), ("_LEAST_ROOM", -1_200), ("_FIRST", 3)],
)
def test_whatever_has_no_short_code_is_walked_over(monkeypatch, name, value):
    X, time, event = small_numbers()
    expected = cox(X, time, event)
    assert isinstance(coded.build_codes(X, 40), coded.Codes)
    monkeypatch.setattr(coded, name, value)
    found = cox(X, time, event)
    assert found.coef == pytest.approx(expected.coef, abs=1e-9)
    assert found.covariance == pytest.approx(expected.covariance, rel=1e-7)


def test_tables_of_codes_are_not_made_larger_than_the_rows(monkeypatch):
    X = small_numbers()[0]
    # 27 patterns at most: 2 * slots * 27 cells are not more than there is room for, 8 * slots are.
    for slots, room, is_made in ((40, 8 * 40 - 1, False), (40, 8 * 40, False), (40, 2 * 40 * 27, True)):
        monkeypatch.setattr(coded, "_LEAST_ROOM", room - 4 * len(X))
        assert (coded.build_codes(X, slots) is not None) == is_made
    monkeypatch.undo()
    monkeypatch.setattr(coded, "_SECOND", 26)
    monkeypatch.setattr(coded, "_FIRST", 1)
    assert coded.build_codes(X, 40) is None
    monkeypatch.undo()
    monkeypatch.setattr(coded, "_LARGEST_KEY", 27)
    assert coded.build_codes(X, 40) is None
    monkeypatch.setattr(coded, "_LARGEST_KEY", 28)
    assert coded.build_codes(X, 40) is not None


@pytest.mark.parametrize("pays", [0.0, 1.0])
def test_many_rows_are_counted_where_a_sample_says_that_it_pays(monkeypatch, pays):
    X, time, event = small_numbers()
    expected = cox(X, time, event)
    monkeypatch.setattr(patterns, "_FEW", 10)
    monkeypatch.setattr(patterns, "_PAYS", pays)
    assert cox(X, time, event).coef == pytest.approx(expected.coef, abs=1e-9)


def test_counting_pays_while_rows_repeat(monkeypatch):
    monkeypatch.setattr(patterns, "_FEW", 10)
    assert not patterns._counting_pays([np.arange(320)])
    assert patterns._counting_pays([np.repeat(np.arange(10), 32)])
    assert patterns._counting_pays([np.arange(10)])


# -- searches without an answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), [("_MAX_ITERATIONS", 1), ("_MAX_HALVINGS", 0)])
def test_a_cox_regression_that_does_not_get_there_is_refused(monkeypatch, name, value):
    X, time, event = small_numbers()
    monkeypatch.setattr(maximum, name, value)
    with pytest.raises(NotEstimable) as refusal:
        cox(X, time, event)
    assert codes(refusal) == ["E706"]


def test_proportional_hazards_need_events_at_more_than_one_time():
    # All events of the second column's rows are on one day, and nobody has it at risk on any other.
    X = [[0, 1], [1, 1], [0, 0], [1, 0], [0, 0], [1, 0], [1, 0]]
    entry, time = [3, 3, 0, 0, 0, 0, 0], [4, 4, 4, 6, 7, 2, 9]
    with pytest.raises(NotEstimable) as refusal:
        proportional_hazards_test(cox(X, time, [1, 0, 1, 1, 1, 1, 0], entry=entry))
    assert codes(refusal) == ["E710"]


@pytest.mark.parametrize(("name", "value"), [("_MAX_ITERATIONS", 1), ("_MAX_HALVINGS", 0)])
def test_a_regression_of_intervals_that_does_not_get_there_is_refused(monkeypatch, name, value):
    left, right = simulate(60, 9)
    rows = (np.zeros((60, 0)), left, right, "weibull")
    assert aft_interval(*rows).iterations > 1
    monkeypatch.setattr(aft_maximum, name, value)
    with pytest.raises(NotEstimable, match="did not converge"):
        aft_interval(*rows)


def test_a_likelihood_without_curvature_has_no_step():
    with pytest.raises(NotEstimable, match="flat"):
        aft_maximum._newton_step(np.array([1.0, 0.0]), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("why", "words"), [("TOO_MANY_STEPS", "in 500 steps"), ("NO_RISE", "improved"), ("NO_SOLUTION", "degenerate")]
)
def test_a_curve_that_does_not_get_there_says_why(monkeypatch, why, words):
    def climb(weight, allowed, mass, low, high, gap_wanted, steps):
        steps[0] = getattr(npmle_steps, why)

    monkeypatch.setattr(npmle_steps, "climb", climb)
    with pytest.raises(NotEstimable, match=words):
        npmle([0, 1, 2, 3], [2, 3, 4, 5])


def test_a_step_of_the_logistic_fit_is_halved_until_it_is_no_worse():
    # One trial, yes: eta 0 with a move of -8 is worse whatever is left of it; a move of 8 is taken whole.
    eta, yes, trials = np.zeros(1), np.ones(1), np.ones(1)
    before = -math.log(2)
    assert logistic._step_back(eta, np.array([8.0]), yes, trials, before)[0] == 1.0
    assert logistic._step_back(eta, np.array([-8.0]), yes, trials, before) == (0.0, before)
    # Half yes: the best is at 0, and a step from 1 by -4 overshoots to -3, by half of it reaches -1, no worse than 1.
    half = np.array([0.5])
    share, found = logistic._step_back(np.ones(1), np.array([-4.0]), half, trials, 0.5 - math.log1p(math.e))
    assert (share, found) == (0.5, pytest.approx(0.5 - math.log1p(math.e)))


def test_rates_without_a_maximum_are_refused(monkeypatch):
    events, exposure, group = [0, 9, 1, 0, 7, 0], [1, 2, 2, 1, 2, 2], list("aaabbb")
    assert negative_binomial_rate(events, exposure, group).dispersion > 0
    for name, value in (("_TOLERANCE", -1.0), ("_LARGEST_DISPERSION", 0.0)):
        with monkeypatch.context() as patch:
            patch.setattr(rates_maximum, name, value)
            with pytest.raises(NotEstimable, match="maximum"):
                negative_binomial_rate(events, exposure, group)
    rows = rates_maximum._count_patterns(np.array([3.0]), np.array([1.0]), np.zeros(1, dtype=np.intp))
    # Steps are of length 1 at most: from a rate of exp(-300) a hundred of them do not arrive.
    with pytest.raises(NotEstimable):
        rates_maximum._rates_given(rows, np.array([-300.0]), 0.5)
    assert rates_maximum._rates_given(rows, np.array([-30.0]), 0.5) == pytest.approx([math.log(3)], abs=1e-9)


def test_a_fit_that_ends_far_off_is_called_separated_and_one_nearby_stuck(monkeypatch):
    columns, yes, trials = np.column_stack([np.ones(4), [0, 0, 1, 1]]), np.array([0.0, 0, 1, 1]), np.ones(4)
    design = orthogonal.build_design(columns, trials, constants=1)
    # Nothing counts as decided on the way: the steps go on until there are no more of them.
    monkeypatch.setattr(logistic, "_DECIDED", 0.0)
    monkeypatch.setattr(logistic, "_MAX_STEPS", 3)
    assert logistic.fit_logistic(design, yes, trials).status == "stuck"
    monkeypatch.setattr(logistic, "_FAR", 2.0)
    assert logistic.fit_logistic(design, yes, trials).status == "separated"


def test_a_chance_of_being_measured_is_refused_by_what_is_wrong_with_it(monkeypatch):
    one, x = np.ones(240), np.tile([-1.0, 1.0], 120)
    measured = np.repeat([1.0, 0.0, 1.0, 1.0], 60)
    with pytest.raises(NotEstimable, match="say the same"):
        fit_chance(measured, np.column_stack([one, x, x]))
    with pytest.raises(NotEstimable, match="tells exactly"):
        fit_chance(measured, np.column_stack([one, 2 * measured - 1]))
    # One row far out on the side of those measured: there is a fit, and it is as good as certain of that row.
    far = np.append(np.where(measured > 0, x + 0.5, x), 100.0)
    with pytest.raises(NotEstimable, match="certain to be measured"):
        fit_chance(np.append(measured, 1.0), np.column_stack([np.ones(241), far]))
    with pytest.raises(NotEstimable, match="no column, not even its constant"):
        fit_chance(measured, np.ones((measured.size, 0)))
    monkeypatch.setattr(logistic, "_MAX_STEPS", 1)
    with pytest.raises(NotEstimable, match="did not converge"):
        fit_chance(measured, np.column_stack([one, np.where(measured > 0, x + 0.5, x)]))


@pytest.mark.parametrize("seen", [0.0, 1.0])
def test_a_weighted_share_of_none_or_all_has_no_limits(seen):
    measured = np.tile([1.0, 1.0, 0.0], 20)
    found = dataclasses.astuple(weighted_share(np.full(60, seen), measured, np.ones((60, 1)), np.arange(60)))
    assert found[0] == pytest.approx(seen)
    assert np.isnan(found[1:3]).all()


def test_a_model_of_the_visits_that_does_not_converge_is_refused(monkeypatch):
    unstarted = SimpleNamespace(converged=False, params=np.zeros(2))
    monkeypatch.setattr(GLM, "fit", lambda self, **_: unstarted)
    with pytest.raises(NotEstimable, match="visits did not converge"):
        visit_weights._fit_rates(np.ones((2, 1)), np.ones((2, 1)))


def test_one_patient_has_no_variance_between_patients():
    rng = np.random.default_rng(1)
    x, starts = rng.normal(size=(12, 2)), np.array([0, 4, 8])
    units = mixed_variance.sum_units(x, x, rng.normal(size=12), starts)
    assert np.isnan(mixed_variance.cluster_variance(units, np.eye(2), 1.0, np.zeros(3, dtype=int))).all()
    assert np.isfinite(mixed_variance.cluster_variance(units, np.eye(2), 1.0, np.arange(3))).all()


def test_each_column_has_the_quantile_of_its_own_share():
    drawn, share = np.random.default_rng(4).normal(size=(7, 5)), np.array([0.0, 0.25, 0.4, 0.9, 1.0])
    expected = [np.quantile(column, q) for column, q in zip(drawn.T, share, strict=True)]
    assert limits._column_quantiles(drawn, share) == pytest.approx(expected, abs=1e-14)
