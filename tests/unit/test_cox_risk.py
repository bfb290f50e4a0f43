"""Risk from a Cox regression, and the test of proportional hazards: by hand, against R, under what must not matter."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from cox_rows import REFERENCE, floats, mixed, read_answers, read_table
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.cox import (
    baseline_hazard,
    cox,
    predict_risk,
    proportional_hazards_test,
    standardised_risk,
    standardised_risk_difference,
)
from outcomes.estimators.curves import kaplan_meier

STORED = json.loads(Path(os.environ.get("COX_SETS", REFERENCE / "cox.json")).read_text())
RANDOM = STORED["sets"]
Z = 1.959963984540054


def fit_stored(stored):
    data = {name: np.array(values, dtype=float) for name, values in stored["data"].items()}
    X = np.column_stack([data[f"x{j + 1}"] for j in range(stored["p"][0])])
    optional = (data.get(name) for name in ("entry", "weight", "stratum", "cluster"))
    return cox(X, data["time"], data["event"], *optional, ties=stored["answer"]["ties"][0]), stored["answer"]


def codes(excinfo):
    return [finding.code for finding in excinfo.value.findings]


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_hazard_of_six_rows():
    # The rows of test_cox.py with r^2 - 3 r - 6 = 0: sums at risk r + 1 at day 1, r + 3 at days 2 and 3.
    r = (3 + math.sqrt(33)) / 2
    fit = cox([[1], [1], [0], [0], [0], [1]], [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 1, 2])
    hazard = np.cumsum([1 / (r + 1), 1 / (r + 3), 1 / (r + 3)])
    base = baseline_hazard(fit)
    assert base.time.tolist() == [1, 2, 3]
    assert base.cumulative == pytest.approx(hazard, abs=1e-12)
    assert baseline_hazard(fit, [1]).cumulative == pytest.approx(r * hazard, abs=1e-12)
    risk = predict_risk(fit, [[0], [1]], [0, 1, 2.5, 6, 7])
    assert risk.risk[0, :4] == pytest.approx([0, *(1 - np.exp(-hazard))], abs=1e-12)
    assert risk.risk[1, :4] == pytest.approx([0, *(1 - np.exp(-r * hazard))], abs=1e-12)
    assert risk.conf_low[:, 0].tolist() == risk.conf_high[:, 0].tolist() == risk.std_err[:, 0].tolist() == [0, 0]
    # Nobody was watched after day 6.
    assert np.isnan([risk.risk[:, 4], risk.std_err[:, 4], risk.conf_low[:, 4], risk.conf_high[:, 4]]).all()
    # At day 1: variance 1 / (r + 1)^2 of the step, and of the slope -r / (r + 1)^2 in b with the variance of b.
    spread = math.sqrt(1 / (r + 1) ** 2 + (r / (r + 1) ** 2) ** 2 * fit.covariance[0, 0])
    survival = math.exp(-1 / (r + 1))
    assert risk.std_err[0, 1] == pytest.approx(survival * spread, abs=1e-12)
    reach = Z * spread * (r + 1)
    assert risk.conf_low[0, 1] == pytest.approx(1 - survival ** math.exp(-reach), abs=1e-12)
    assert risk.conf_high[0, 1] == pytest.approx(1 - survival ** math.exp(reach), abs=1e-12)


def test_tied_events_share_the_denominator_as_efron_does():
    # Two others and two treated; a treated and an other have the event together: S = 2 r + 2, D = r + 1, and by
    # symmetry b = 0, so the step is 1/4 + 1/3.
    fit = cox([[0], [0], [1], [1]], [1, 2, 1, 2], [1, 0, 1, 0])
    assert fit.coef == pytest.approx([0], abs=1e-12)
    assert baseline_hazard(fit).cumulative == pytest.approx([1 / 4 + 1 / 3], abs=1e-12)
    breslow = cox([[0], [0], [1], [1]], [1, 2, 1, 2], [1, 0, 1, 0], ties="breslow")
    assert baseline_hazard(breslow).cumulative == pytest.approx([2 / 4], abs=1e-12)


# -- against R --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", RANDOM, ids=lambda stored: str(stored["seed"][0]))
def test_risk_of_random_rows(stored):
    fit, answer = fit_stored(stored)
    stratum = answer["new_stratum"] if fit.strata != (None,) else None
    found = predict_risk(fit, answer["new"], answer["at"], stratum)
    # R goes on after the last observation; here nothing is said there.
    seen = np.array(answer["at"])[None, :] <= np.array(answer["watched"])[:, None]
    assert (np.isnan(found.risk) == ~seen).all()
    mine = {
        "surv": 1 - found.risk,
        "std_err": found.std_err,
        "lower": 1 - found.conf_high,
        "upper": 1 - found.conf_low,
    }
    for name, values in mine.items():
        theirs = np.array(answer[name], dtype=float).reshape(seen.shape)
        # R gives no limits where nothing has happened yet.
        compared = seen & ~np.isnan(theirs)
        assert compared.any()
        assert values[compared] == pytest.approx(theirs[compared], abs=1e-9)
    if answer["base_last"]:
        assert baseline_hazard(fit).cumulative[-1] == pytest.approx(answer["base_last"][0], rel=1e-9)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
@pytest.mark.parametrize("stored", RANDOM, ids=lambda stored: str(stored["seed"][0]))
def test_proportional_hazards_of_random_rows(stored, transform):
    fit, answer = fit_stored(stored)
    found = proportional_hazards_test(fit, transform)
    assert [*found.statistic, found.global_statistic] == pytest.approx(answer["zph"][transform], rel=1e-8, abs=1e-9)


def test_proportional_hazards_of_lung():
    rows = read_table("lung")
    kept = rows["ecog"] != ""
    X = floats(*(rows[name][kept] for name in ("age", "sex", "ecog")))
    found = proportional_hazards_test(cox(X, rows["time"][kept].astype(int), rows["event"][kept].astype(int)))
    answer = read_answers()["lung"]["ph_test"]
    # coxph stopped within 1e-9 of its maximum when these were stored.
    assert [*found.statistic, found.global_statistic] == pytest.approx(answer["chisq"], abs=1e-8)
    assert [*found.p_value, found.global_p_value] == pytest.approx(answer["p"], abs=1e-8)
    assert found.global_df == 3


def fit_trial(name):
    rows = read_table(name)
    if name == "veteran":
        return cox(floats(rows["trt"]), rows["time"].astype(int), rows["event"].astype(int), strata=rows["celltype"])
    start, stop, event = (rows[column].astype(int) for column in ("start", "stop", "event"))
    X = (
        floats(rows["treat"] != "placebo", rows["age"])
        if name == "cgd"
        else floats(rows["rx"], rows["number"], rows["size"])
    )
    return cox(X, stop, event, start, cluster=rows["id"])


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
@pytest.mark.parametrize("name", ["cgd", "bladder2", "veteran"])
def test_proportional_hazards_with_late_entry_clusters_or_strata(name, transform):
    fit, answer = fit_trial(name), STORED["trials"][name]
    assert fit.coef == pytest.approx(answer["coef"], abs=1e-10)
    found = proportional_hazards_test(fit, transform)
    assert [*found.statistic, found.global_statistic] == pytest.approx(answer["zph"][transform], rel=1e-8)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_proportional_hazards_of_a_factor_with_several_columns(transform):
    rows, answer = read_table("veteran"), STORED["trials"]["veteran_terms"]
    cells = [rows["celltype"] == name for name in ("adeno", "large", "smallcell")]
    fit = cox(floats(*cells, rows["trt"]), rows["time"].astype(int), rows["event"].astype(int))
    found = proportional_hazards_test(fit, transform, terms=[range(3), [3]])
    assert [*found.statistic, found.global_statistic] == pytest.approx(answer["zph"][transform], rel=1e-8)
    assert [*found.df, found.global_df] == answer["df"]
    alone = proportional_hazards_test(fit, transform)
    assert found.statistic[1] == alone.statistic[3]


@pytest.mark.parametrize("terms", [[[]], [[4]], [[-1]], [[0.5]]])
def test_terms_that_name_no_column_are_refused(terms):
    with pytest.raises(InputRefused, match="E712"):
        proportional_hazards_test(fit_trial("cgd"), terms=terms)


def test_risk_of_repeated_events_of_cgd_takes_the_variance_by_cluster():
    answer = STORED["trials"]["cgd"]["curve"]
    found = predict_risk(fit_trial("cgd"), [[0, 10], [1, 20]], answer["at"])
    assert pytest.approx(np.array(answer["surv"]), abs=1e-10) == 1 - found.risk.T
    assert pytest.approx(np.array(answer["std_err"]), abs=1e-10) == found.std_err.T


# -- what must not matter ---------------------------------------------------------------------------------------------


def test_the_reference_row_gives_the_risk_from_the_baseline():
    rows = mixed()
    fit = cox(**rows)
    base = baseline_hazard(fit, [1, 2, 0.5])
    for place, label in enumerate(base.strata):
        mine = base.stratum == place
        at = base.time[mine]
        found = predict_risk(fit, [[1, 2, 0.5]], at, label)
        assert found.risk[0] == pytest.approx(1 - np.exp(-base.cumulative[mine]), rel=1e-12)


def test_a_factor_and_a_constant_in_the_columns_do_not_change_a_risk():
    rows = mixed()
    near, new = cox(**rows), rows["X"][:20]
    scale, shift = np.array([1, 1e4, 1e-4]), np.array([1e5, -3, 4])
    far = cox(**{**rows, "X": rows["X"] * scale + shift})
    one, other = predict_risk(near, new, [3, 9], 1), predict_risk(far, new * scale + shift, [3, 9], 1)
    assert other.risk == pytest.approx(one.risk, rel=1e-7)
    assert other.std_err == pytest.approx(one.std_err, rel=1e-6)


def test_rows_of_several_strata_are_those_of_one_at_a_time():
    rows = mixed()
    fit, new = cox(**rows), rows["X"][:6]
    labels = [2, 0, 1, 1, 0, 2]
    together = predict_risk(fit, new, [4, 8], labels)
    for i, label in enumerate(labels):
        alone = predict_risk(fit, new[i : i + 1], [4, 8], label)
        assert together.risk[i] == pytest.approx(alone.risk[0], rel=1e-13)
        assert together.std_err[i] == pytest.approx(alone.std_err[0], rel=1e-12)


def test_without_difference_between_groups_the_hazard_is_that_of_nelson_and_aalen():
    # Every row twice, once with and once without the flag: its coefficient is 0.
    rng = np.random.default_rng(2)
    time, event = rng.permutation(50) + 1, rng.integers(0, 2, 50)
    fit = cox(np.repeat([[0], [1]], 50, axis=0), np.tile(time, 2), np.tile(event, 2), ties="breslow")
    curve = kaplan_meier(time, event)
    assert baseline_hazard(fit).cumulative == pytest.approx(np.cumsum(curve.events / curve.at_risk), rel=1e-12)


# -- averaged over rows -----------------------------------------------------------------------------------------------


def test_the_mean_of_one_row_is_its_risk():
    rows = mixed()
    fit = cox(**rows)
    one = standardised_risk(fit, rows["X"][:1], [4, 9], stratum=1)
    risk = predict_risk(fit, rows["X"][:1], [4, 9], 1)
    assert one.risk == pytest.approx(risk.risk[0], rel=1e-13)
    assert one.std_err == pytest.approx(risk.std_err[0], rel=1e-12)


def test_the_mean_and_its_error_are_those_of_a_finite_difference():
    rows = mixed()
    fit = cox(**rows)
    new, stratum = rows["X"][:30], rows["strata"][:30]
    weights = np.random.default_rng(0).random(30)
    other = new * [0, 1, 1]
    one = new * [0, 1, 1] + [1, 0, 0]
    found = standardised_risk_difference(fit, one, other, 7, weights, stratum)
    share = weights / weights.sum()
    assert found.risk_one == pytest.approx(share @ predict_risk(fit, one, 7, stratum).risk, rel=1e-13)
    assert found.risk_other == pytest.approx(share @ predict_risk(fit, other, 7, stratum).risk, rel=1e-13)
    assert found.difference == pytest.approx(found.risk_one - found.risk_other, rel=1e-12)
    assert standardised_risk(fit, one, 7, weights, stratum).risk == pytest.approx(found.risk_one, rel=1e-13)
    # The difference as a function of the coefficients and of the steps, by plain sums.
    kept = rows["weights"] > 0
    plain = {name: values[kept] for name, values in rows.items()}
    wait, died = plain["time"], plain["event"] == 1

    def difference(coef, extra):
        risk = plain["weights"] * np.exp(plain["X"] @ coef)
        hazard = np.zeros(3)
        for s, t in sorted(set(zip(plain["strata"][died], wait[died], strict=True))):
            if t > 7:
                continue
            dying = died & (wait == t) & (plain["strata"] == s)
            at_risk = (plain["entry"] < t) & (t <= wait) & (plain["strata"] == s)
            d = int(dying.sum())
            for j in range(d):
                u = risk[at_risk].sum() - j / d * risk[dying].sum()
                hazard[s] += plain["weights"][dying].mean() / u
                squares[s] += plain["weights"][dying].mean() / u**2
        hazard += extra
        return share @ (np.exp(-hazard[stratum] * np.exp(other @ coef)) - np.exp(-hazard[stratum] * np.exp(one @ coef)))

    squares = np.zeros(3)
    assert difference(fit.coef, 0.0) == pytest.approx(float(found.difference[0]), rel=1e-9)
    variance = squares.copy()
    h = 1e-5
    slope = np.array([(difference(fit.coef + e, 0) - difference(fit.coef - e, 0)) / (2 * h) for e in np.eye(3) * h])
    steep = np.array([(difference(fit.coef, e) - difference(fit.coef, -e)) / (2 * h) for e in np.eye(3) * h])
    expected = slope @ fit.robust_covariance @ slope + steep**2 @ variance
    assert found.std_err == pytest.approx([math.sqrt(expected)], rel=1e-6)


def test_equal_tables_have_no_difference_and_limits_stay_inside():
    rows = mixed()
    fit = cox(**rows)
    found = standardised_risk_difference(fit, rows["X"], rows["X"], [0, 6], stratum=0)
    assert found.difference.tolist() == found.std_err.tolist() == [0, 0]
    risk = standardised_risk(fit, rows["X"], [0, 6, 1e6], stratum=0)
    assert risk.risk[0] == risk.conf_low[0] == risk.conf_high[0] == 0
    assert 0 < risk.conf_low[1] < risk.risk[1] < risk.conf_high[1] < 1
    assert np.isnan([risk.risk[2], risk.std_err[2], risk.conf_low[2], risk.conf_high[2]]).all()


def test_repeated_rows_are_weights():
    rows = mixed()
    fit, new = cox(**rows), rows["X"][:40]
    weights = np.random.default_rng(5).integers(0, 4, 40)
    one = standardised_risk(fit, new, [5, 10], weights, 2)
    other = standardised_risk(fit, np.repeat(new, weights, axis=0), [5, 10], stratum=2)
    assert one.risk == pytest.approx(other.risk, rel=1e-12)
    assert one.std_err == pytest.approx(other.std_err, rel=1e-12)
    assert one.conf_low == pytest.approx(other.conf_low, rel=1e-12)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stratum": None}, "E709"),
        ({"stratum": "x"}, "E709"),
        ({"stratum": [0, 1]}, "E603"),
        ({"X": np.zeros((1, 2))}, "E603"),
        ({"X": [[1, 2, math.nan]]}, "E604"),
        ({"at": -1}, "E614"),
        ({"level": 2}, "E607"),
    ],
)
@pytest.mark.parametrize("ask", [predict_risk, standardised_risk])
def test_unusable_questions(ask, changes, code):
    arguments = {"X": [[1, 0, 0]], "at": 3, "stratum": 0, **changes}
    with pytest.raises(InputRefused) as excinfo:
        ask(cox(**mixed()), **arguments)
    assert codes(excinfo) == [code]


def test_a_stratum_for_a_fit_without_strata():
    with pytest.raises(InputRefused) as excinfo:
        predict_risk(cox(**{**mixed(), "strata": None}), [[1, 0, 0]], 3, 0)
    assert codes(excinfo) == ["E709"]


def test_a_hazard_beyond_numbers_is_not_given():
    rows = mixed()
    fit = cox(**{**rows, "X": rows["X"] + [1e9, 0, 0]})
    with pytest.raises(NotEstimable, match="nearer x"):
        baseline_hazard(fit)
    assert np.isfinite(baseline_hazard(fit, [1e9, 0, 0]).cumulative).all()


def test_risks_of_rows_far_from_the_fit_are_certain():
    fit = cox(**mixed())
    far = predict_risk(fit, [[1e6, 0, 0], [-1e6, 0, 0]], 9, 0)
    assert sorted(far.risk[:, 0].tolist()) == pytest.approx([0, 1], abs=1e-12)


def test_the_reference_has_one_number_a_column():
    with pytest.raises(InputRefused):
        baseline_hazard(cox(**mixed()), [1, 2])


def test_transforms_of_time_that_cannot_be():
    fit = cox([[0], [1], [0], [1]], [0, 1, 2, 3], [1, 1, 1, 0])
    with pytest.raises(InputRefused) as excinfo:
        proportional_hazards_test(fit, "log")
    assert codes(excinfo) == ["E708"]
    with pytest.raises(InputRefused) as excinfo:
        proportional_hazards_test(fit, "sqrt")
    assert codes(excinfo) == ["E707"]


def test_events_of_one_day_say_nothing_about_change():
    fit = cox([[0], [0], [1], [1]], [1, 2, 1, 2], [1, 0, 1, 0])
    with pytest.raises(NotEstimable) as excinfo:
        proportional_hazards_test(fit)
    assert codes(excinfo) == ["E710"]
