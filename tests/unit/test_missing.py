"""What is missing, and whether it matters: by hand, Rubin's rules, invariants, imputed against complete, refusals."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.imputation import combine_imputations
from outcomes.estimators.linear import linear_regression
from outcomes.questions.covariates import Factor
from outcomes.questions.missing import TOO_FEW, describe_missing
from outcomes.questions.missing_covariates import check_missing_covariates
from outcomes.questions.missing_imputed import Predictors, draw_coefficients, find_gap, impute
from outcomes.questions.results import NOT_RECORDED
from outcomes.simulate import simulate
from tables import records_of

OTHER_GAPS = ("previous_episodes", "onset_date", "onset", "radiation", "paresthesia")
SMALL = Protocol.from_mapping({"episode": {"washout_days": 0}})

# -- Rubin's rules ----------------------------------------------------------------------------------------------------


def test_rubin_by_hand():
    # Q = 2, U = 3, B = 1 (1, 2, 3 about 2, divided by 2); T = 3 + 4/3; lambda = (4/3) / (13/3) = 4/13.
    found = combine_imputations([[1.0], [2], [3]], [[2.0], [3], [4]], df_complete=60)
    assert (found.estimate[0], found.within[0], found.between[0]) == pytest.approx((2, 3, 1), abs=1e-14)
    assert found.std_err[0] ** 2 == pytest.approx(13 / 3, abs=1e-13)
    assert found.missing_share[0] == pytest.approx(4 / 13, abs=1e-14)
    old, seen = 2 / (4 / 13) ** 2, 61 / 63 * 60 * 9 / 13
    df = 1 / (1 / old + 1 / seen)
    assert found.df[0] == pytest.approx(df, rel=1e-12)
    assert found.high[0] - 2 == pytest.approx(t.ppf(0.975, df) * np.sqrt(13 / 3), rel=1e-12)
    assert found.low[0] == pytest.approx(4 - found.high[0], rel=1e-12)


def test_sets_that_agree_are_one_set():
    found = combine_imputations([[1.5]] * 4, [[0.04]] * 4, df_complete=100)
    assert (found.missing_share[0], found.std_err[0]) == pytest.approx((0, 0.2), abs=1e-14)
    # Barnard and Rubin: never more degrees of freedom than complete data.
    assert found.df[0] == pytest.approx(101 / 103 * 100, rel=1e-6)


def test_as_in_statsmodels():
    """The library's own combination, of the sets of one chain."""
    import statsmodels.api as sm
    from statsmodels.imputation.mice import MICE, MICEData

    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 2))
    table = pd.DataFrame({"y": x.sum(axis=1) + rng.normal(size=300), "a": x[:, 0], "b": x[:, 1]})
    table.loc[rng.random(300) < 0.3, "a"] = np.nan
    chain = MICE("y ~ a + b", sm.OLS, MICEData(table, rng=np.random.default_rng(5)))
    theirs = chain.fit(3, 8)
    ours = combine_imputations(
        [fit.params for fit in chain.results_list], [np.diagonal(fit.cov_params()) for fit in chain.results_list], 297
    )
    assert ours.estimate == pytest.approx(np.asarray(theirs.params), rel=1e-10)
    assert ours.std_err == pytest.approx(np.asarray(theirs.bse), rel=1e-10)


@pytest.mark.parametrize(
    ("estimate", "variance", "df", "code"),
    [
        ([[1.0], [2]], [[1.0], [0]], 10, "E871"),
        ([[1.0], [2]], [[1.0], [1]], 0, "E872"),
        ([[1.0], [2]], [[1.0, 1], [1, 1]], 10, "E603"),
        ([[1.0], [np.nan]], [[1.0], [1]], 10, "E604"),
    ],
)
def test_combination_refuses(estimate, variance, df, code):
    with pytest.raises(InputRefused) as refusal:
        combine_imputations(estimate, variance, df)
    assert refusal.value.findings[0].code == code


def test_one_set_is_none():
    with pytest.raises(NotEstimable, match="two or more"):
        combine_imputations([[1.0]], [[1.0]], 10)


# -- imputing ---------------------------------------------------------------------------------------------------------


def ordered(codes, name="chronicity", levels=("acute", "chronic", "subacute")):
    return Factor(name, name, (*levels, NOT_RECORDED), (*levels, NOT_RECORDED), np.asarray(codes), 0)


def test_places_follow_the_order_and_not_the_alphabet():
    gap = find_gap(ordered([0, 1, 2, 3]))
    assert gap.factor.levels == ("acute", "subacute", "chronic")
    assert gap.place.tolist()[:3] == [0, 2, 1]
    assert gap.missing.tolist() == [False, False, False, True]
    assert gap.block(np.array([2.0, 0, 1, 2])).names == ("chronicity=subacute", "chronicity=chronic")


def test_levels_without_an_order_and_facts_without_gaps_are_not_imputed():
    assert find_gap(ordered([0, 1, 2, 3], "cause", ("overuse", "posture", "trauma"))) is None
    assert find_gap(ordered([0, 1, 2, 3], "chronicity", ("acute", "chronic", "other"))) is None
    assert find_gap(Factor("sex", "sex", ("female", "male"), ("f", "m"), np.array([0, 1]), 0)) is None
    assert find_gap(ordered([0, 1, 2], "sex", ("female", "male"))) is not None


def test_coefficients_are_drawn_from_their_distribution():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(400), rng.normal(size=400), 100 * rng.random(400)])
    y = X @ [1.0, 2, 0.03] + rng.normal(size=400)
    drawn = np.stack([draw_coefficients(X.T @ X, X.T @ y, float(y @ y), 400, rng) for _ in range(6000)])
    import statsmodels.api as sm

    fit = sm.OLS(y, X).fit()
    assert drawn.mean(axis=0) == pytest.approx(fit.params, abs=4 * np.max(fit.bse) / np.sqrt(6000) + 1e-3)
    assert drawn.std(axis=0) == pytest.approx(fit.bse, rel=0.05)
    assert np.corrcoef(drawn.T)[0, 2] == pytest.approx(fit.cov_params()[0, 2] / fit.bse[0] / fit.bse[2], abs=0.05)


def world(n, seed):
    """An ordered fact that decides both the treatment and the outcome, with 30 % of it missing at random."""
    rng = np.random.default_rng(seed)
    fact = rng.integers(0, 3, n)
    treated = (rng.random(n) < 0.2 + 0.25 * fact).astype(float)
    # Pseudo-observations have a wider spread than a yes or no.
    y = 0.6 - 0.15 * fact + rng.normal(0, 0.8, n)
    other = rng.normal(size=n)
    # Missing the more often the higher the other value, and the outcome.
    missing = rng.random(n) < 1 / (1 + np.exp(1.2 - 0.6 * other - 0.3 * y))
    levels = np.array([0, 2, 1])[fact]  # places in the alphabet
    return fact, treated, y, other, missing, levels


def fit_imputed(treated, y, other, missing, levels, seed=1, m=10):
    gap = find_gap(ordered(np.where(missing, 3, levels)))
    fits = []
    for (place,) in impute([gap], np.column_stack([y, treated, other]), m, seed):
        design = np.column_stack([treated, gap.block(place).values, other])
        fits.append(linear_regression(design, y))
    coef, var = np.stack([f.coef[1:2] for f in fits]), np.stack([f.std_err[1:2] ** 2 for f in fits])
    return combine_imputations(coef, var, fits[0].df)


def test_imputed_sets_keep_what_was_recorded_and_use_only_values_that_occur():
    fact, treated, y, other, missing, levels = world(500, 0)
    gap = find_gap(ordered(np.where(missing, 3, levels)))
    sets = [places[0] for places in impute([gap], np.column_stack([y, treated, other]), 3, 1)]
    for place in sets:
        assert (place[~missing] == fact[~missing]).all()
        assert set(place) == {0, 1, 2}
    assert (sets[0] != sets[1]).any()


def test_imputing_is_the_same_each_time_and_leaves_the_callers_generator_alone():
    _, treated, y, other, missing, levels = world(400, 0)
    np.random.seed(12)  # noqa: NPY002 - it is the global state that must not move
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one, two, third = (fit_imputed(treated, y, other, missing, levels, seed, 3) for seed in (1, 1, 2))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert (one.estimate == two.estimate).all()
    assert (one.estimate != third.estimate).all()


def test_predictors_that_are_determined_where_the_fact_is_recorded_do_no_harm():
    _, treated, y, other, missing, levels = world(400, 0)
    gap = find_gap(ordered(np.where(missing, 3, levels)))
    # A flag that is set only where the fact is missing: boxes are left empty together.
    complete = np.column_stack([y, treated, other, missing.astype(float), 2 * treated])
    assert len(list(impute([gap], complete, 2, 1))) == 2


def test_drawn_predictions_are_around_those_of_least_squares_among_the_recorded():
    rng = np.random.default_rng(5)
    columns = np.column_stack([np.ones(300), rng.normal(size=(300, 2)), np.zeros(300)])
    is_seen = rng.random(300) < 0.6
    columns[~is_seen, 3] = 1.0  # set only where the fact was not recorded
    other = rng.integers(0, 3, (300, 1)).astype(float)
    y = columns[:, :3] @ [1.0, 2, -1] + 0.5 * other[:, 0] + rng.normal(size=300)
    known = Predictors.of(columns, is_seen)
    assert known.kept.tolist() == [0, 1, 2]
    drawn = np.stack([known.predict_drawn(y, other, is_seen, rng) for _ in range(4000)])
    design = np.column_stack([columns[:, :3], other])
    coef, rest = np.linalg.lstsq(design[is_seen], y[is_seen], rcond=None)[:2]
    within = rest[0] / (is_seen.sum() - 4) * np.linalg.inv(design[is_seen].T @ design[is_seen])
    spread = np.sqrt(np.einsum("ij,jk,ik->i", design, within, design))
    assert (np.abs(drawn.mean(axis=0) - design @ coef) < 5 * spread / np.sqrt(4000)).all()
    assert drawn.std(axis=0) == pytest.approx(spread, rel=0.08)
    # What stands where nothing was recorded plays no part.
    one, two = (known.predict_drawn(v, other, is_seen, np.random.default_rng(1)) for v in (y, np.where(is_seen, y, 9)))
    assert (one == two).all()


def test_a_chain_keeps_no_table_alive():
    """Of a large chain the predictors fill 100 MB: they go when the last set was taken, not with the rubbish."""
    _, treated, y, other, missing, levels = world(200, 0)
    gap = find_gap(ordered(np.where(missing, 3, levels)))
    complete = np.column_stack([y, treated, other])
    seen, sets = weakref.ref(complete), impute([gap], complete, 2, 1)
    del complete
    gc.disable()
    try:
        next(sets)
        assert seen() is None
        known = weakref.ref(sets.gi_frame.f_locals["chain"])
        assert len(list(sets)) == 1
        assert known() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_imputed_agrees_with_complete_data_where_complete_cases_do_not():
    """Missing at random given outcome and another fact: 60 sets of 1,500, a true difference of 0."""
    naive, category, imputed, complete, held = [], [], [], [], 0
    for seed in range(60):
        fact, treated, y, other, missing, levels = world(1500, seed)
        dummies = (fact[:, None] == [1, 2]).astype(float)
        complete.append(linear_regression(np.column_stack([treated, dummies, other]), y).coef[1])
        naive.append(linear_regression(treated[:, None], y).coef[1])
        known = ~missing
        own = np.column_stack([treated, dummies * known[:, None], missing, other])
        category.append(linear_regression(own, y).coef[1])
        found = fit_imputed(treated, y, other, missing, levels, seed)
        imputed.append(found.estimate[0])
        held += found.low[0] <= 0 <= found.high[0]
    error = np.std(np.subtract(imputed, complete)) / np.sqrt(60)
    assert np.mean(imputed) == pytest.approx(np.mean(complete), abs=4 * error + 0.003)
    assert np.mean(imputed) == pytest.approx(0, abs=4 * np.std(imputed) / np.sqrt(60))
    assert held / 60 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60)
    # Without the fact the difference is -.08; with gaps as a level a part of that is left.
    assert np.mean(naive) < -0.06
    assert np.mean(category) < np.mean(imputed) - 0.01


# -- what is missing where --------------------------------------------------------------------------------------------


def episodes_of(rows):
    table = pd.DataFrame(rows)
    return build_episodes(build_visits(records_of({name: table[name].tolist() for name in table}), SMALL))


def test_gaps_by_hand():
    start = np.datetime64("2024-01-10")
    rows = [
        {
            "patient_id": f"p{i:03}",
            "visit_date": str(start + 90 * (i % 2)),
            "pain_pre": "" if i < 10 else "6",
            "clinic_id": "AB"[i % 2],
            "cause": "" if i % 4 == 0 or i < 10 else "posture",
        }
        for i in range(80)
    ]
    found = describe_missing(episodes_of(rows))
    table = found.table.set_index(["fact", "by", "group"])
    assert table.loc[("baseline_nrs", "all", "all"), ["n", "events"]].tolist() == [80, 10]
    # Of the 10 without a score none has a cause, of the other 70 every fourth has none: 12, 16, ... 76.
    assert table.loc[("cause", "all", "all"), ["n", "events"]].tolist() == [80, 27]
    assert table.loc[("cause", "pain_score", "not recorded"), "estimate"] == 1.0
    assert table.loc[("cause", "pain_score", "recorded"), ["n", "events"]].tolist() == [70, 17]
    assert table.loc[("cause", "clinic", "A"), ["n", "events"]].tolist() == [40, 22]
    assert table.loc[("cause", "quarter", "2024Q2"), ["n", "events"]].tolist() == [40, 5]
    assert ("baseline_nrs", "pain_score", "recorded") not in table.index
    for _, part in found.table.groupby(["fact", "by"]):
        assert part["n"].sum() == 80
    assert found.summary["n_complete"] == 53
    assert found.summary["most_missing"] == "cause"
    where = found.more["where"].set_index(["fact", "clinic", "quarter"])["band"]
    assert where[("cause", "A", "2024Q1")] == "40 % and more"
    assert where[("cause", "B", "2024Q2")] == "10 to under 25 %"
    assert where[("cause", "A", "2024Q2")] == TOO_FEW


# -- the two models ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clinic():
    cells = simulate(1500, seed=7, clean=True, clinics=3).records
    return {name: [str(cell) for cell in column] for name, column in cells.items()}


@pytest.fixture(scope="module")
def checked(clinic):
    return check_missing_covariates(build_episodes(build_visits(records_of(clinic), Protocol())), imputations=5)


def test_both_answers_stand_side_by_side(checked):
    table = checked.table
    assert (table["difference"] == table["estimate"] - table["category_estimate"]).all()
    assert (table["conf_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["conf_high"]).all()
    assert table["missing_share"].between(0, 0.5).all()
    spread = (table["category_high"] - table["category_low"]) / 3.92
    assert (table["is_moved"] == (table["difference"].abs() > 0.5 * spread * 1.0)).mean() > 0.8
    facts = checked.more["facts"].set_index("fact")
    assert facts.loc["chronicity", "treated_as"] == "imputed"
    assert (facts["events"] > 0).all()


def test_that_nothing_moved_is_said_of_what_was_imputed_and_no_more(checked):
    assert not checked.table["is_moved"].any()
    assert "more than 0.5 standard errors" in checked.settings.values()
    assert checked.notes[0].startswith("No difference moves by more than half its standard error")
    kept = (checked.more["facts"]["treated_as"] != "imputed").any()
    assert checked.notes[0].endswith("; some facts were not imputed.") == kept
    assert "decides none" not in " ".join(checked.notes)


def test_the_same_bits_in_any_order_of_rows(clinic, checked):
    order = np.random.default_rng(1).permutation(len(clinic["patient_id"]))
    shuffled = {name: [column[i] for i in order] for name, column in clinic.items()}
    other = check_missing_covariates(build_episodes(build_visits(records_of(shuffled), Protocol())), imputations=5)
    pd.testing.assert_frame_equal(checked.table, other.table, check_exact=True)
    assert checked.summary == other.summary


def test_nothing_to_impute_is_said(clinic):
    ordered_facts = ("onset", "previous_episodes", "radiation", "paresthesia", "age", "sex")
    full = {name: cells for name, cells in clinic.items() if not name.startswith(ordered_facts)}
    assert len(full) < len(clinic)
    with pytest.raises(NotEstimable, match=r"nothing to impute: .* a gap in another one is a level of its own"):
        check_missing_covariates(build_episodes(build_visits(records_of(full), Protocol())))


def test_two_facts_that_are_one_once_filled_are_refused_and_end_no_report(clinic):
    """Sex is written down for two in three, and follows from age: the filled column is the double of another."""
    is_old = [int(patient) % 2 == 0 for patient in clinic["patient_id"]]
    sex = [
        "" if int(patient) % 3 == 0 else "female" if old else "male"
        for patient, old in zip(clinic["patient_id"], is_old, strict=True)
    ]
    cells = clinic | {"age": ["60" if old else "25" for old in is_old], "sex": sex}
    alone = {name: column for name, column in cells.items() if name not in OTHER_GAPS}
    for each in (cells, alone):  # beside other facts with gaps the chain meets it, alone the model does
        with pytest.raises(NotEstimable, match=r"cannot be imputed: .* says the same as the others"):
            check_missing_covariates(build_episodes(build_visits(records_of(each), Protocol())), imputations=2)


def test_a_fact_on_record_for_few_keeps_its_gaps(clinic, checked):
    few = [
        cell if int(patient) % 8 == 0 else ""
        for patient, cell in zip(clinic["patient_id"], clinic["previous_episodes"], strict=True)
    ]
    episodes = build_episodes(build_visits(records_of(clinic | {"previous_episodes": few}), Protocol()))
    found = check_missing_covariates(episodes, imputations=2)
    facts = found.more["facts"].set_index("fact")
    assert checked.more["facts"].set_index("fact").loc["previous_episodes", "treated_as"] == "imputed"
    assert facts.loc["previous_episodes", "treated_as"] == "not recorded is a level of its own"
    assert facts.loc["chronicity", "treated_as"] == "imputed"
    assert any("too few values on record: " in note and "earlier episodes" in note for note in found.notes)


def test_without_an_episode_after_the_washout_nothing_is_described():
    cells = {"patient_id": ["a", "a"], "visit_date": ["2024-01-10", "2024-01-20"], "pain_pre": ["6", "2"]}
    late = Protocol.from_mapping({"episode": {"washout_days": 10_000}})
    with pytest.raises(NotEstimable, match="no episode began after the washout"):
        describe_missing(build_episodes(build_visits(records_of(cells), late)))


def test_without_a_model_of_families_there_is_none_to_impute_for():
    """Two episodes: no family has enough of them."""
    cells = {
        "patient_id": ["a", "b"],
        "visit_day": ["0", "0"],
        "pain_pre": ["6", "6"],
        "modalities": ["massage", "heat"],
    }
    with pytest.raises(NotEstimable, match=r"No family of treatments can be compared, so that there is no model"):
        check_missing_covariates(build_episodes(build_visits(records_of(cells), SMALL)))


def test_coefficients_of_columns_that_are_one_are_refused_whatever_rounding_makes_of_them():
    """Twice the same column leaves no second pivot; with a last digit of its own it leaves one that is nothing."""
    rng = np.random.default_rng(3)
    for doubt in (0.0, 1e-15):
        products = np.array([[4.0, 4.0], [4.0, 4.0 * (1 + doubt)]])
        with pytest.raises(NotEstimable, match="says the same as the others"):
            draw_coefficients(products, np.array([2.0, 2.0]), 5.0, 20, rng)
    apart = draw_coefficients(np.diag([4.0, 9.0]), np.array([2.0, 18.0]), 37.0, 20, np.random.default_rng(3))
    # 0.5 and 2, a residual sum of squares of 0: nothing is left to draw.
    np.testing.assert_allclose(apart, [0.5, 2.0], atol=1e-12)
