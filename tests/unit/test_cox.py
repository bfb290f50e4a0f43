"""Cox regression: by hand, against R, against a plain likelihood, under what must not matter, and its refusals."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cox_rows import REFERENCE, floats, mixed, plain_loglik, read_answers, read_table
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.cox import cox, maximum, patterns, proportional_hazards_test, walk
from outcomes.estimators.cox.coded import Codes

ANSWERS = read_answers()
RANDOM = json.loads(Path(os.environ.get("COX_SETS", REFERENCE / "cox.json")).read_text())["sets"]


def same(one, other, tolerance=1e-9):
    assert one.coef == pytest.approx(other.coef, rel=0, abs=tolerance)
    assert one.covariance == pytest.approx(other.covariance, rel=1e-7, abs=tolerance)
    if one.robust_covariance is not None:
        assert one.robust_covariance == pytest.approx(other.robust_covariance, rel=1e-7, abs=tolerance)


def fitted(rows, **changes):
    return cox(**{**rows, **changes})


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_six_rows_without_ties_have_a_root_in_closed_form():
    # With r = exp(b): at day 1 one row of each kind is at risk and the treated has the event; at days 2 and 3 one
    # treated and three others are, and the treated has it at day 2, an other at day 3. The score is
    #   2 - r / (r + 1) - 2 r / (r + 3) = 0,  so  2 (r + 1)(r + 3) = r (r + 3) + 2 r (r + 1),
    # which is r^2 - 3 r - 6 = 0, and r = (3 + sqrt(33)) / 2.
    x = [[1], [1], [0], [0], [0], [1]]
    entry, time, event = [0, 1, 0, 1, 1, 2], [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0]
    r = (3 + math.sqrt(33)) / 2
    for ties in ("efron", "breslow"):
        fit = cox(x, time, event, entry, ties=ties)
        assert fit.coef == pytest.approx([math.log(r)], abs=1e-12)
        information = r / (r + 1) ** 2 + 2 * 3 * r / (r + 3) ** 2
        assert fit.std_err == pytest.approx([information**-0.5], abs=1e-12)
        assert fit.loglik == pytest.approx(2 * math.log(r) - math.log(r + 1) - 2 * math.log(r + 3), abs=1e-12)
        assert fit.null_loglik == pytest.approx(-math.log(2) - 2 * math.log(4), abs=1e-12)
        assert (fit.n, fit.n_events, fit.clusters) == (6, 3, None)


def test_two_rows_tied_by_both_rules():
    # Day 1: treated among three and three; day 6: a treated and an other together, among one and three; day 9: alone.
    # Breslow: 2 - r / (r + 1) - 2 r / (r + 3) = 0. Efron: the second of the tied stands among half of the two who have
    # the event, so its sum is r + 3 - (r + 1) / 2 = (r + 5) / 2: 2 - r / (r + 1) - r / (r + 3) - r / (r + 5) = 0,
    # which is r^3 - 23 r - 30 = 0.
    x, time, event = [[1], [1], [1], [0], [0], [0]], [1, 1, 6, 6, 8, 9], [1, 0, 1, 1, 0, 1]
    breslow = cox(x, time, event, ties="breslow")
    assert breslow.coef == pytest.approx([math.log((3 + math.sqrt(33)) / 2)], abs=1e-12)
    r = float(np.exp(cox(x, time, event).coef[0]))
    assert r**3 - 23 * r - 30 == pytest.approx(0, abs=1e-11)


def test_robust_error_of_three_rows():
    # Events at days 1 (treated), 2 (other), 3 (treated); r = exp(b). Risk sets (2, 1), (1, 1), (1, 0):
    #   2 - 2 r / (2 r + 1) - r / (r + 1) - 1 = 0, so (2 r + 1)(r + 1) = 2 r (r + 1) + r (2 r + 1), which is 2 r^2 = 1.
    x, time, event = [[1], [0], [1]], [1, 2, 3], [1, 1, 1]
    r = math.sqrt(0.5)
    fit = cox(x, time, event, cluster=[0, 1, 2])
    assert fit.coef == pytest.approx([math.log(r)], abs=1e-12)
    first, second = 2 * r / (2 * r + 1), r / (r + 1)
    steps = 1 / (2 * r + 1), 1 / (r + 1)
    score = [
        (1 - first) - r * steps[0] * (1 - first),
        -second + steps[0] * first + steps[1] * second,
        -r * (steps[0] * (1 - first) + steps[1] * (1 - second)),
    ]
    assert sum(score) == pytest.approx(0, abs=1e-15)
    information = first * (1 - first) + second * (1 - second)
    assert fit.robust_std_err == pytest.approx([math.sqrt(np.square(score).sum()) / information], abs=1e-12)


# -- against R --------------------------------------------------------------------------------------------------------


def compare(fit, answer, tolerance=1e-8):
    assert fit.coef == pytest.approx(answer["coef"], rel=0, abs=tolerance)
    assert fit.std_err == pytest.approx(answer["se"], rel=1e-8)
    assert [fit.null_loglik, fit.loglik] == pytest.approx(answer["loglik"], rel=1e-12)
    if answer.get("robust_se"):
        assert fit.robust_std_err == pytest.approx(answer["robust_se"], rel=1e-8)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_lung(ties):
    rows = read_table("lung")
    kept = rows["ecog"] != ""
    X = floats(*(rows[name][kept] for name in ("age", "sex", "ecog")))
    fit = cox(X, rows["time"][kept].astype(int), rows["event"][kept].astype(int), ties=ties)
    compare(fit, ANSWERS["lung"][f"cox_{ties}"])


def test_lung_with_weights_and_a_cluster_a_row():
    rows = read_table("lung")
    n = rows["time"].size
    weights = np.where(np.arange(1, n + 1) % 3 == 0, 2.5, 0.75)
    X, time, event = floats(rows["age"], rows["sex"]), rows["time"].astype(int), rows["event"].astype(int)
    compare(cox(X, time, event, weights=weights, cluster=np.arange(n)), ANSWERS["lung"]["cox_weighted_cluster"])


def test_repeated_events_of_cgd_by_calendar_and_by_gap():
    rows = read_table("cgd")
    start, stop, event = (rows[name].astype(float) for name in ("start", "stop", "event"))
    X = floats(rows["treat"] != "placebo", rows["age"])
    compare(cox(X, stop, event, start, cluster=rows["id"]), ANSWERS["cgd"]["andersen_gill"])
    gap = cox(X[:, :1], stop - start, event, strata=rows["enum"], cluster=rows["id"])
    compare(gap, ANSWERS["cgd"]["pwp_gap"])


def test_repeated_events_of_bladder2():
    rows = read_table("bladder2")
    X = floats(rows["rx"], rows["number"], rows["size"])
    start, stop, event = (rows[name].astype(int) for name in ("start", "stop", "event"))
    compare(cox(X, stop, event, start, cluster=rows["id"]), ANSWERS["bladder2"]["andersen_gill"])


def read_set(stored):
    data = {name: np.array(values, dtype=float) for name, values in stored["data"].items()}
    X = np.column_stack([data[f"x{j + 1}"] for j in range(stored["p"][0])])
    optional = {"entry": "entry", "weights": "weight", "strata": "stratum", "cluster": "cluster"}
    given = {ours: data.get(theirs) for ours, theirs in optional.items()}
    return {"X": X, "time": data["time"], "event": data["event"], **given}, stored["answer"]


@pytest.mark.parametrize("stored", RANDOM, ids=lambda stored: str(stored["seed"][0]))
def test_random_rows(stored):
    rows, answer = read_set(stored)
    compare(fitted(rows, ties=answer["ties"][0]), answer)


# -- against the likelihood as it is written --------------------------------------------------------------------------


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("real", [False, True])
def test_likelihood_score_and_information_are_those_of_the_plain_sum(ties, real):
    rows = mixed(real=real)
    fit = fitted(rows, ties=ties)
    plain = [rows[name] for name in ("X", "time", "event", "entry", "weights", "strata")]

    def value(coef):
        return plain_loglik(np.asarray(coef), *plain, ties)

    assert fit.loglik == pytest.approx(value(fit.coef), rel=1e-13)
    assert fit.null_loglik == pytest.approx(value(np.zeros(3)), rel=1e-13)
    h = 1e-4
    eye = np.eye(3) * h
    slope = [(value(fit.coef + e) - value(fit.coef - e)) / (2 * h) for e in eye]
    assert slope == pytest.approx([0, 0, 0], abs=2e-5)
    curved = [
        [
            (value(fit.coef + a + b) - value(fit.coef + a - b) - value(fit.coef - a + b) + value(fit.coef - a - b))
            / (4 * h * h)
            for a in eye
        ]
        for b in eye
    ]
    assert np.linalg.inv(fit.covariance) == pytest.approx(-np.array(curved), rel=1e-4, abs=1e-3)


# -- what must not matter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("real", [False, True])
def test_counted_rows_give_the_fit_of_single_rows(monkeypatch, real):
    rows = mixed(real=real)
    doubled = {name: np.concatenate([values, values]) for name, values in rows.items()}
    counted = fitted(doubled)
    monkeypatch.setattr(patterns, "_counting_pays", lambda columns: False)
    single = fitted(doubled)
    assert counted.patterns < single.patterns
    same(counted, single)


@pytest.mark.parametrize("block", [1, 7, 1 << 13])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_codes_of_covariates_give_the_fit_of_a_walk_over_rows(monkeypatch, ties, block):
    rows = mixed()
    rows["X"] = np.round(3 * rows["X"])
    coded = fitted(rows, ties=ties)
    assert isinstance(coded.model.covariates.X, Codes)
    tested = proportional_hazards_test(coded)
    monkeypatch.setattr(patterns, "build_codes", lambda X, slots: None)
    monkeypatch.setattr(walk, "BLOCK", block)
    walked = fitted(rows, ties=ties)
    assert isinstance(walked.model.covariates.X, walk.Walked)
    same(coded, walked)
    assert proportional_hazards_test(walked).statistic == pytest.approx(tested.statistic, rel=1e-9)


@pytest.mark.parametrize("strata", [3, 60])
@pytest.mark.parametrize("real", [False, True])
def test_the_length_of_a_stretch_does_not_matter(monkeypatch, real, strata):
    rows = mixed(real=real)
    rows["strata"] = np.random.default_rng(8).integers(0, strata, rows["time"].size)
    long = fitted(rows)
    monkeypatch.setattr(walk, "BLOCK", 3)
    same(long, fitted(rows))


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.booleans())
def test_the_order_of_rows_does_not_matter(seed, real):
    rows = mixed(120, seed, real)
    order = np.random.default_rng(seed).permutation(120)
    same(fitted(rows), fitted({name: values[order] for name, values in rows.items()}))


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_a_row_split_in_time_says_the_same(seed):
    rows = mixed(120, seed)
    rng = np.random.default_rng(seed)
    cut = np.maximum(rows["entry"], 0) + rng.integers(1, 10, 120)
    split = cut < rows["time"]
    early = {name: values[split] for name, values in rows.items()}
    late = {name: values.copy() for name, values in rows.items()}
    early["time"], early["event"] = cut[split], np.zeros(int(split.sum()))
    late["entry"][split] = cut[split]
    assert split.any()
    same(fitted(rows), fitted({name: np.concatenate([early[name], late[name]]) for name in rows}))


def test_doubled_weights_halve_the_variance_and_leave_the_robust_one():
    rows = mixed()
    once, twice = fitted(rows), fitted(rows, weights=2 * rows["weights"])
    assert twice.coef == pytest.approx(once.coef, abs=1e-10)
    assert twice.covariance == pytest.approx(once.covariance / 2, rel=1e-9)
    assert twice.robust_covariance == pytest.approx(once.robust_covariance, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_the_unit_of_the_weights_does_not_matter(scale):
    rows = mixed()
    far = fitted(rows, weights=scale * rows["weights"])
    near = fitted(rows)
    assert far.coef == pytest.approx(near.coef, abs=1e-9)
    assert far.robust_std_err == pytest.approx(near.robust_std_err, rel=1e-9)


def test_a_row_twice_is_a_row_of_weight_two_under_breslow():
    rows = {**mixed(), "cluster": None}
    weights = np.random.default_rng(1).integers(0, 3, rows["time"].size)
    repeated = {name: None if values is None else np.repeat(values, weights, axis=0) for name, values in rows.items()}
    repeated["weights"] = None
    same(fitted(rows, weights=weights, ties="breslow"), fitted(repeated, ties="breslow"))


def test_a_constant_and_a_factor_change_only_the_unit():
    rows = mixed()
    near = fitted(rows)
    far = fitted(rows, X=rows["X"] * [1, 1e5, 1e-5] + [1e6, -3, 4])
    assert far.coef == pytest.approx(near.coef / [1, 1e5, 1e-5], rel=1e-7)
    assert far.robust_std_err == pytest.approx(near.robust_std_err / [1, 1e5, 1e-5], rel=1e-7)


def test_rows_of_weight_zero_are_left_out():
    rows = mixed()
    kept = rows["weights"] > 0
    assert not kept.all()
    same(fitted(rows), fitted({name: values[kept] for name, values in rows.items()}))


@pytest.mark.parametrize("kind", [bool, np.int8, np.int16, np.int64, np.float32])
def test_the_type_of_the_columns_does_not_matter(kind):
    rows = mixed()
    X = rows["X"][:, :2] > 0 if kind is bool else rows["X"][:, :2] * 40
    same(fitted(rows, X=X.astype(kind)), fitted(rows, X=np.asfortranarray(X, dtype=float)))


def test_limits_come_from_the_robust_error_where_there_is_one():
    rows = mixed()
    fit = fitted(rows, level=0.9)
    assert fit.conf_high - fit.coef == pytest.approx(1.6448536269514722 * fit.robust_std_err, rel=1e-12)
    alone = fitted(rows, cluster=None)
    assert alone.robust_std_err is None
    assert alone.coef - alone.conf_low == pytest.approx(1.959963984540054 * alone.std_err, rel=1e-12)


def test_a_fit_does_not_change_with_the_array_it_was_given():
    rows = mixed()
    fit = fitted(rows)
    before = proportional_hazards_test(fit).statistic
    rows["X"][:] = 0
    assert proportional_hazards_test(fit).statistic.tolist() == before.tolist()


# -- refusals ---------------------------------------------------------------------------------------------------------


def codes(excinfo):
    return [finding.code for finding in excinfo.value.findings]


def test_a_separating_column_is_named():
    rng = np.random.default_rng(0)
    flag = rng.integers(0, 2, 80)
    # Nobody with the flag has the event.
    event = np.where(flag == 1, 0, rng.integers(0, 2, 80))
    with pytest.raises(NotEstimable, match=r"X\[:, 1\]: the coefficient runs to infinity") as excinfo:
        cox(np.column_stack([rng.normal(size=80), flag]), rng.integers(1, 30, 80), event)
    assert codes(excinfo) == ["E705"]


@pytest.mark.parametrize(
    ("step", "runs"),
    [([0.0, 4.0], True), ([0.0, 0.0005], True), ([0.0, 0.0004], False), ([0.0, -4.0], False), ([0.0, 0.0], False)],
)
def test_a_coefficient_runs_only_where_a_long_step_goes_on_in_its_direction(step, runs):
    model = SimpleNamespace(covariates=SimpleNamespace(spread=np.array([1.0, 2.0])))
    state = SimpleNamespace(coef=np.array([0.1, 5.0]))
    length = float(np.abs(np.array(step) * [1.0, 2.0]).max())  # in columns of spread 1; 0.001 is long there
    if not runs:
        assert maximum._refuse_running(model, np.array(step), state, length) is None
        return
    with pytest.raises(NotEstimable, match=r"X\[:, 1\]: the coefficient runs to infinity"):
        maximum._refuse_running(model, np.array(step), state, length)


def test_a_column_in_the_order_of_many_times_separates():
    # The coefficient has far to run: neighbours lie close together.
    x = np.sort(np.random.default_rng(0).normal(size=300))
    with pytest.raises(NotEstimable, match=r"X\[:, 0\]: the coefficient runs to infinity") as excinfo:
        cox(x.reshape(-1, 1), 100 - x, np.ones(300))
    assert codes(excinfo) == ["E705"]


@pytest.mark.parametrize(("slope", "root"), [(20, 14.070610075193), (80, 64.15003768243)])
def test_hazards_a_hundred_orders_apart(slope, root):
    # The roots are those of R's coxph with eps = 1e-13 on these rows.
    rng = np.random.default_rng(slope)
    x = rng.normal(size=(300, 1))
    fit = cox(x, np.exp(-slope * x[:, 0] + rng.gumbel(size=300)), np.ones(300))
    assert fit.coef == pytest.approx([root], rel=1e-11)


def test_a_column_in_the_order_of_time_separates():
    with pytest.raises(NotEstimable, match=r"X\[:, 0\]"):
        cox([[5], [4], [3], [2], [1]], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1])


def test_two_columns_that_separate_together_are_both_named():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 9, (2, 90))
    with pytest.raises(NotEstimable, match=r"X\[:, 0\] and X\[:, 1\]") as excinfo:
        cox(np.column_stack([a, b, rng.normal(size=90)]), 50 - a - b, np.ones(90))
    assert codes(excinfo) == ["E705"]


def test_a_large_but_finite_coefficient_is_no_separation():
    # All events are among the flagged, but for one that comes first with the weight of a millionth.
    x = np.append(np.ones(20), np.zeros(20)).reshape(-1, 1)
    event = np.append(np.ones(20), np.zeros(20))
    event[-1] = 1
    weights = np.append(np.ones(39), 1e-6)
    fit = cox(x, np.append(np.arange(2, 41), 1), event, weights=weights, ties="breslow")
    assert 12 < fit.coef[0] < 30
    # A step of the estimate away, the likelihood is lower on both sides.
    plain = [x, np.append(np.arange(2, 41), 1), event, np.full(40, -1.0), weights, np.zeros(40), "breslow"]
    top, *sides = (plain_loglik(fit.coef + shift, *plain) for shift in (0.0, -0.5, 0.5))
    assert max(sides) < top


def test_constant_columns_are_named():
    with pytest.raises(NotEstimable, match=r"X\[:, 1\]: the same, to 12 digits, in all rows") as excinfo:
        cox([[1, 7], [0, 7], [1, 7], [0, 7]], [1, 2, 3, 4], [1, 1, 1, 1])
    assert codes(excinfo) == ["E703"]


def test_a_column_that_only_tells_strata_apart_is_named():
    rows = mixed()
    with pytest.raises(NotEstimable, match=r"X\[:, 3\]: the same, to 12 digits, in all rows at risk") as excinfo:
        fitted(rows, X=np.column_stack([rows["X"], rows["strata"]]))
    assert codes(excinfo) == ["E703"]


def test_collinear_columns_are_named():
    rows = mixed()
    X = np.column_stack([rows["X"], 2 * rows["X"][:, 0] - 3 * rows["X"][:, 2] + 5])
    with pytest.raises(NotEstimable, match=r"X\[:, 0\], X\[:, 2\] and X\[:, 3\]: collinear") as excinfo:
        fitted(rows, X=X)
    assert codes(excinfo) == ["E704"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ties": "exact"}, "E701"),
        ({"ties": 1}, "E701"),
        ({"X": [1, 2, 3, 4]}, "E702"),
        ({"X": np.zeros((4, 0))}, "E702"),
        ({"X": [[1], [math.nan], [0], [1]]}, "E604"),
        ({"X": [[1], [math.inf], [0], [1]]}, "E605"),
        ({"X": [["a"], ["b"], ["c"], ["d"]]}, "E601"),
        ({"X": [[1], [0], [1]]}, "E603"),
        ({"X": [[1], [1e101], [1], [0]]}, "E711"),
        ({"time": [1, -2, 3, 4]}, "E611"),
        ({"event": [1, 2, 0, 1]}, "E612"),
        ({"entry": [0, 2, 0, 0]}, "E613"),
        ({"entry": [0, math.nan, 0, 0]}, "E604"),
        ({"weights": [1, -1, 1, 1]}, "E606"),
        ({"strata": ["a", None, "b", "a"]}, "E681"),
        ({"cluster": ["a", None, "b", "a"]}, "E679"),
        ({"level": 95}, "E607"),
    ],
)
def test_unusable_arguments(changes, code):
    rows = {"X": [[1], [0], [1], [0]], "time": [1, 2, 3, 4], "event": [1, 1, 0, 1]}
    with pytest.raises(InputRefused) as excinfo:
        cox(**{**rows, **changes})
    assert codes(excinfo) == [code]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"event": [0, 0, 0, 0]}, "never seen"),
        ({"event": [1, 0, 0, 0], "weights": [0, 1, 1, 1]}, "never seen"),
        ({"weights": [0, 0, 0, 0]}, "every weight is zero"),
        ({"cluster": [1, 1, 1, 1]}, "one cluster"),
        ({"X": np.zeros((0, 1)), "time": [], "event": []}, "no rows"),
        ({"X": [[1]], "time": [3], "event": [1]}, "the same, to 12 digits, in all rows"),
    ],
)
def test_nothing_to_estimate_from(changes, words):
    rows = {"X": [[1], [0], [1], [0]], "time": [1, 2, 3, 4], "event": [1, 1, 0, 1]}
    with pytest.raises(NotEstimable, match=words):
        cox(**{**rows, **changes})
