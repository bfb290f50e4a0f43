"""Families of treatments within muscle groups and durations: shares that can be counted, the test by hand, no hunt."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from courses import small
from outcomes.cases import build_episodes, build_visits
from outcomes.errors import NotEstimable
from outcomes.questions.contrast_lines import ADJUSTED, LINE_COLUMNS, NOT_ESTIMABLE, SIGNAL
from outcomes.questions.covariates import Factor
from outcomes.questions.modality_subgroups import LEVEL_COLUMNS, _Cell, _test_levels, compare_subgroups
from tables import records

LOW = small(
    reporting_floor={"compare_min_episodes": 4, "compare_min_events": 1, "compare_min_effective_n": 2},
)
FAST, SLOW = "7:6 14:6 21:3 35:3 50:3", "7:6 14:6 21:6 35:6 50:6"
ES, QL = ("erector spinae", 5), ("quadratus lumborum", 200)
VAGUE = ("back muscles", "")


def arm(level, done, n_fast, n_slow):
    return [(FAST, *level, done)] * n_fast + [(SLOW, *level, done)] * n_slow


# With ultrasound 8 of 10 and without 4 of 10 where the erectors are found, acute; 3 and 5 of 10 in the other level.
ROWS = [
    *arm(ES, "massage;ultrasound", 8, 2),
    *arm(ES, "massage", 4, 6),
    *arm(QL, "massage;ultrasound", 3, 7),
    *arm(QL, "massage", 5, 5),
    *arm(VAGUE, "massage;ultrasound", 4, 0),
]


def episodes_of(rows, name="p{:03}", protocol=LOW, columns=("muscles_identified", "onset_days")):
    lines = [f"patient_id | visit_day | pain_pre | modalities | {' | '.join(columns)}"]
    for i, (course, muscle, onset, done) in enumerate(rows):
        known = {"muscles_identified": muscle, "onset_days": str(onset)}
        lines.append(f"{name.format(i)} | 0 | 6 | {done} | {' | '.join(known[c] for c in columns)}")
        for point in course.split():
            day, pain = point.split(":")
            lines.append(f"{name.format(i)} | {day} | {pain} | | {' | '.join('' for _ in columns)}")
    return build_episodes(build_visits(records("\n".join(lines)), protocol))


@pytest.fixture(scope="module")
def found():
    return compare_subgroups(episodes_of(ROWS))


def test_differences_of_a_written_table(found):
    table = found.table[found.table["contrast"] == "ultrasound"].set_index(["factor", "level"])
    wanted = {
        ("muscle_group", "erector_spinae"): 0.4,
        ("muscle_group", "quadratus_lumborum"): -0.2,
        ("chronicity", "acute"): 0.4,
        ("chronicity", "chronic"): -0.2,
    }
    shown = table[table["analysis"] == "level"]
    assert shown["estimate"].to_dict() == pytest.approx(wanted)
    assert (shown["tag"] == ADJUSTED).all()
    assert (shown[["n_with", "n_without"]] == 10).all(axis=None)
    # Those of no or a vague record, all relieved here, are in no level.
    assert shown["n_with"].sum() == 40
    assert shown["p_value"].isna().all()


def test_one_test_a_family_and_factor(found):
    tests = found.table[found.table["analysis"] == "interaction"]
    families = found.table["contrast"].unique()
    assert list(zip(tests["contrast"], tests["factor"], strict=True)) == [
        (family, factor) for family in families for factor in ("muscle_group", "chronicity")
    ]
    assert tests["estimate"].isna().all()
    assert (tests["level"] == "all").all()
    ultrasound = tests[tests["contrast"] == "ultrasound"]
    assert (ultrasound["tag"] == SIGNAL).all()
    assert ultrasound["p_value"].between(0, 1).all()
    others = tests[tests["contrast"] != "ultrasound"]
    assert (others["tag"] == NOT_ESTIMABLE).all()
    assert set(others["reason"]) == {"fewer than two levels can be compared"}
    # Of the other families everybody or nobody has one: nothing was asked of them. Both factors cut alike here, so both
    # p-values are the same.
    np.testing.assert_allclose(ultrasound["q_value"], ultrasound["p_value"])
    assert found.table["q_value"].notna().sum() == 2
    assert found.summary["n_tests"] == 2


def test_refused_tests_count_among_those_asked():
    """Heat was given to two episodes of each level: its two tests are refused, and four were asked for all the same."""
    done = ("massage;heat", "massage;ultrasound;heat")
    found = compare_subgroups(
        episodes_of([*ROWS, *((FAST, *level, with_heat) for level in (ES, QL) for with_heat in done)])
    )
    tests = found.table[found.table["analysis"] == "interaction"].set_index("contrast")
    assert (tests.loc["thermal", "tag"] == NOT_ESTIMABLE).all()
    ultrasound = tests.loc["ultrasound"]
    assert ultrasound["p_value"].nunique() == 1 and (ultrasound["p_value"] < 0.5).all()
    np.testing.assert_allclose(ultrasound["q_value"], 2 * ultrasound["p_value"])
    assert found.summary["n_tests"] == 2


def test_the_test_by_hand():
    """Differences .3 and -.1 with standard errors .1: mean .1, Q = 4 + 4 = 8 with one degree of freedom."""
    episodes = episodes_of(ROWS[:2])

    def cell(difference, std_err):
        fit = SimpleNamespace(difference=np.array([difference]), std_err=np.array([std_err]))
        shown = None if difference is None else fit
        return _Cell(("chronicity", "x", "x"), SimpleNamespace(shown=shown), None)

    factor = Factor("chronicity", "Duration when it began", ("a", "b"), ("a", "b"), np.zeros(2, dtype=np.intp), 0)
    line = _test_levels(episodes, "ultrasound", [cell(0.3, 0.1), cell(-0.1, 0.1), cell(None, 0.1)], factor)
    assert line.p_value == pytest.approx(chi2.sf(8.0, 1))
    # Three levels with unequal errors: weights 100, 25, 25; mean (20 + 2.5 - 2.5) / 150.
    line = _test_levels(episodes, "ultrasound", [cell(0.2, 0.1), cell(0.1, 0.2), cell(-0.1, 0.2)], factor)
    mean = 20 / 150
    q = 100 * (0.2 - mean) ** 2 + 25 * (0.1 - mean) ** 2 + 25 * (-0.1 - mean) ** 2
    assert line.p_value == pytest.approx(chi2.sf(q, 2))
    assert np.isnan(line.estimate)
    refused = _test_levels(episodes, "ultrasound", [cell(0.3, 0.1), cell(None, 0.1)], factor)
    assert refused.tag == NOT_ESTIMABLE


def test_levels_that_cannot_carry_weight_say_why(found):
    table = found.table[(found.table["analysis"] == "level") & (found.table["contrast"] != "ultrasound")]
    assert (table["tag"] == NOT_ESTIMABLE).all()
    assert table["estimate"].isna().all()
    reasons = dict(zip(table["contrast"], table["reason"], strict=True))
    assert "that began with needling" in reasons["needling"]
    assert "that began without manual soft tissue work" in reasons["manual_soft_tissue"]


def test_every_table_says_the_level(found):
    assert tuple(found.table.columns) == (*LEVEL_COLUMNS, *LINE_COLUMNS, "q_value")
    for name in ("balance", "overlap", "units", "gate", "diagnostics"):
        assert tuple(getattr(found, name).columns[:3]) == LEVEL_COLUMNS, name
    diagnostics = found.diagnostics[found.diagnostics["contrast"] == "ultrasound"]
    assert list(diagnostics["level"]) == ["erector_spinae", "quadratus_lumborum", "acute", "chronic"]
    # By the standard error: half an interval is 1.96 of them, and 2.8 are told from none in four of five samples.
    lines = found.table[(found.table["contrast"] == "ultrasound") & (found.table["analysis"] == "level")]
    assert (diagnostics["detectable_high"] == -diagnostics["detectable_low"]).all()
    half = (lines["conf_high"] - lines["conf_low"]).to_numpy() / 2
    ratio = diagnostics["detectable_high"].to_numpy() / half
    assert ((ratio > 1.0) & (ratio < 2.5)).all()
    assert "fixed beforehand" in found.settings["factors"]


def test_rows_in_another_order_and_other_names_change_nothing(found):
    order = np.random.default_rng(5).permutation(len(ROWS))
    again = compare_subgroups(episodes_of([ROWS[i] for i in order], name="other{:02}"))
    pd.testing.assert_frame_equal(found.table, again.table)


def test_a_factor_not_recorded_is_named_and_the_other_shown(found):
    alone = compare_subgroups(episodes_of(ROWS, columns=("onset_days",)))
    assert set(alone.table["factor"]) == {"chronicity"}
    assert any("No subgroups by muscle group" in note for note in alone.notes)
    own = found.table[found.table["factor"] == "chronicity"].drop(columns="q_value").reset_index(drop=True)
    pd.testing.assert_frame_equal(own, alone.table.drop(columns="q_value"))


def test_what_cannot_be_asked_is_a_sentence():
    with pytest.raises(NotEstimable, match="records neither muscles found in spasm nor when the complaint began"):
        compare_subgroups(episodes_of(ROWS, columns=()))
    same = [(course, *ES, done) for course, _, _, done in ROWS]
    with pytest.raises(NotEstimable, match="all episodes that record one are of the same"):
        compare_subgroups(episodes_of(same))
    untreated = "patient_id | visit_day | pain_pre\np | 0 | 6\np | 9 | 3"
    with pytest.raises(NotEstimable, match="no treatment column"):
        compare_subgroups(build_episodes(build_visits(records(untreated), LOW)))


def draw_rows(rng, differences, n=120):
    """Two levels of `n` with and `n` without ultrasound; 0.5 relieved without, and so much more with it."""
    rows = []
    for level, difference in zip((ES, QL), differences, strict=True):
        for done, share in (("massage;ultrasound", 0.5 + difference), ("massage", 0.5)):
            relieved = rng.binomial(n, share)
            rows += arm(level, done, relieved, n - relieved)
    return rows


def p_values(differences, runs, seed):
    protocol = small(inference={"bootstrap_draws": 200}, reporting_floor={"compare_min_events": 1})
    rng = np.random.default_rng(seed)
    found = [
        compare_subgroups(episodes_of(draw_rows(rng, differences), protocol=protocol, columns=("onset_days",)))
        for _ in range(runs)
    ]
    tables = [one.table[one.table["contrast"] == "ultrasound"] for one in found]
    return np.array([table.loc[table["analysis"] == "interaction", "p_value"].iloc[0] for table in tables])


@pytest.mark.slow
def test_the_test_keeps_its_level_and_finds_what_is_there():
    runs = 200
    null = p_values((0.15, 0.15), runs, seed=1)
    # Three Monte-Carlo errors of a share of 0.10.
    assert abs((null < 0.10).mean() - 0.10) < 3 * np.sqrt(0.10 * 0.90 / runs)
    # Differences .3 and -.1 with errors of about .062 each: power about 0.99 at 0.05.
    assert (p_values((0.3, -0.1), 40, seed=2) < 0.05).mean() > 0.9
