"""The gate of a comparison: each check on rows small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.definitions import Protocol
from outcomes.ledger import Ledger
from outcomes.questions.adjustment import LEAST_IN_ARM, pool_factors
from outcomes.questions.contrast_gate import check_before, check_followed, find_support, say_imbalance
from outcomes.questions.covariates import Factor
from outcomes.questions.treating_units import Units
from outcomes.questions.treatment_arms import Arms

INF = float("inf")
SMALL = Protocol.from_mapping(
    {
        "reporting_floor": {
            "compare_min_episodes": 3,
            "compare_min_events": 2,
            "curve_min_observed": 3,
            "curve_min_share": 0.5,
        }
    }
)


def arms_of(with_it, without, given=None):
    """Arms of intervals."""
    left, right = np.array([*with_it, *without], dtype=float).T
    n, ones = left.size, np.ones(left.size, dtype=np.intp)
    rows = TreatmentRows(
        episode=np.arange(n),
        patient=np.arange(n),
        row=np.arange(n),
        baseline=(600 * ones).astype(np.int16),
        given=np.zeros(n, dtype=np.uint64) if given is None else np.array(given, dtype=np.uint64),
        left_days=left,
        right_days=right,
        n_ratings=ones,
        window_days=0,
        ledger=Ledger(()),
    )
    treated = np.arange(n) < len(with_it)
    return Arms("x", "X", rows, treated, ("x",), (), "that began with x", "that began without x")


def units(names=("a", "b"), treating=2, varying=2, what="clinician"):
    return Units(np.zeros(1, dtype=np.intp), names, 0, 0, 0, what, treating, varying, np.zeros(1), False)


def reasons(arms, told, horizon=28):
    return {check.check: check for check in check_before(arms, arms, told, horizon, SMALL)}


def test_counts_of_the_smaller_arm_decide():
    arms = arms_of([(0, 5), (0, 6), (0, INF)], [(0, 30), (0, 9), (0, INF), (0, INF)])
    checks = reasons(arms, units())
    assert (checks["episodes"].with_value, checks["episodes"].without_value, checks["episodes"].is_met) == (3, 4, True)
    # Relief on day 30 comes after the horizon: one event is too few.
    assert (checks["events"].with_value, checks["events"].without_value, checks["events"].is_met) == (2, 1, False)
    assert checks["events"].reason == "too few of the episodes that began without x were seen relieved by day 28"


@pytest.mark.parametrize(("always", "never"), [(4, 4), (0, 2), (3, 0)])
def test_where_units_are_set_aside_the_episodes_of_the_others_are_too_few(always, never):
    few = arms_of([(0, 5)], [(0, 5)] * 4)
    told = replace(units(), always=always, never=never)
    assert reasons(few, told)["episodes"].reason == (
        "too few episodes that began with x at clinicians that treated some patients so and others not"
    )
    assert reasons(few, units())["episodes"].reason == "too few episodes that began with x to compare"


def test_an_arm_is_followed_when_enough_are_known_relieved_or_not():
    relieved_early = [(0, 5), (0, 9), (0, 14), (20, 28)]
    still_seen = [(30, INF), (28, INF), (40, 50), (0, 3)]
    assert check_followed(arms_of(relieved_early, still_seen), 28, SMALL).is_met
    # Out of sight before the day tells nothing: two of five, and two of three wanted.
    gone = [(10, INF), (3, INF), (27, INF), (0, 28), (28, INF)]
    found = check_followed(arms_of(still_seen, gone), 28, SMALL)
    assert (found.with_value, found.without_value, found.is_met) == (4, 2, False)
    # Half of the arm is asked for as well.
    assert not check_followed(arms_of(still_seen, gone + still_seen[:1] + gone[:3]), 28, SMALL).is_met


def test_an_arm_in_which_nobody_was_looked_at_so_late_is_not_followed():
    early = [(0, 5), (0, 9), (0, 14), (0, 20)]
    found = check_followed(arms_of(early, [(30, INF)] * 4), 28, SMALL)
    assert (found.with_value, found.is_met) == (4, False)
    # All four are known to be relieved: that is not what is missing.
    assert found.reason == "of an arm nobody was looked at on day 28 or later"
    few = check_followed(arms_of(early, [(3, INF)] * 4), 28, SMALL)
    assert few.reason == "of an arm too few are known to be relieved or not by day 28"


def test_arms_are_not_compared_on_a_day_on_which_the_share_of_both_together_is_not_stated():
    """Most are known early, and nobody is looked at so late: the curve of all stops before, and so do its parts."""
    known = [(0, 5), (0, 9), (0, 14), (0, 20), (30, INF)]
    arm = known + [(10, INF)] * 2
    found = check_followed(arms_of(arm, arm), 28, SMALL)
    assert (found.with_value, found.without_value, found.is_met) == (5, 5, False)
    assert found.reason == "too few of the episodes compared are still observed on day 28"
    # Where few left unrelieved it is the many relieved that leave few at risk: the share is known.
    assert check_followed(arms_of(known, known), 28, SMALL).reason == ""


@pytest.mark.parametrize(
    ("told", "met", "words"),
    [
        (units(), True, ""),
        (units(("a",), 5, 1), False, "only one clinician"),
        (units((), 5, 0), False, "cannot be told from the clinician"),
        (units(("others at X",), 3, 3), True, ""),
        (units(("a",), 1, 1), True, ""),
        (units(("all",), 1, 1, ""), True, ""),
    ],
)
def test_clinicians_who_vary(told, met, words):
    arms = arms_of([(0, 5), (0, 6), (0, INF)], [(0, 3), (0, 9), (0, INF), (0, INF)])
    check = reasons(arms, told)["clinicians"]
    assert check.is_met == met
    assert words in check.reason


def test_an_export_without_clinicians_is_spoken_of_by_its_clinics():
    few = arms_of([(0, 5)] * 4, [(0, 5)] * 4)
    found = reasons(few, units(treating=3, varying=1, what="clinic"))
    assert "clinicians" not in found and not found["clinics"].is_met
    assert found["clinics"].reason == (
        "only one clinic treated some patients so and others not: the comparison would be within one clinic"
    )
    assert reasons(few, units((), 3, 0, "clinic"))["clinics"].reason.endswith("cannot be told from the clinic")
    assert reasons(few, units((), 3, 0))["clinicians"].reason.endswith("cannot be told from the clinician")


def test_support_is_the_range_both_arms_have():
    propensity = np.array([0.2, 0.5, 0.9, 0.1, 0.5, 0.6])
    arm = np.array([True, True, True, False, False, False])
    assert find_support(propensity, arm).tolist() == [True, True, False, False, True, True]


def test_episodes_alike_but_for_the_last_digit_are_inside_together():
    """Which of two like episodes comes out larger differs between processors; the count of those inside must not."""
    arm = np.array([True, True, True, False, False, False])
    for low, high in ((0.3, 0.6), (0.3 + 5e-17, 0.6), (0.3, 0.6 - 1e-16), (0.3 - 5e-17, 0.6 + 1e-16)):
        propensity = np.array([0.3, 0.5, 0.6, low, 0.5, high])
        assert find_support(propensity, arm).all()
    for low, high in ((0.3 + 1e-6, 0.6), (0.3, 0.6 - 1e-6)):
        assert find_support(np.array([0.3, 0.5, 0.6, low, 0.5, high]), arm).sum() == 5


def test_the_reason_names_the_combination_that_is_missing():
    episodes = SimpleNamespace(visits=SimpleNamespace(codebook=SimpleNamespace(family_masks={"heat": 1})))
    always = arms_of([(0, 5)] * 20, [(0, 5)] * 40, given=[1] * 20 + [0] * 20 + [1] * 20)
    rows = [("heat", "Heat", 2.0, 0.9, False), ("age", "Age", 0.1, 0.0, True)]
    why = ", so that the two cannot be told apart"
    assert say_imbalance(always, rows, episodes) == f"too few episodes that began with x were without heat{why}"
    never = arms_of([(0, 5)] * 20, [(0, 5)] * 40, given=[0] * 20 + [0] * 20 + [1] * 20)
    assert say_imbalance(never, rows, episodes) == f"too few episodes that began with x had heat too{why}"
    other = [("age", "Age", 0.4, 0.3, False)]
    assert say_imbalance(never, other, episodes) == "the arms still differ after weighting, most in: age"


def test_levels_an_arm_hardly_has_are_judged_as_one_flag():
    # none / near / far: 150/30/120 in one arm, 256/30/14 in the other.
    codes = np.repeat([0, 1, 2, 0, 1, 2], [150, 30, 120, 256, 30, LEAST_IN_ARM - 1])
    arm = np.arange(codes.size) < 300
    factor = Factor("radiation", "Radiation", ("none", "near", "far"), ("none", "near", "far"), codes, 0)
    blocks, rare = pool_factors([factor], arm)
    assert [block.names for block in blocks] == [("radiation=near",)]
    assert [block.names for block in rare] == [("radiation=rare",)]
    np.testing.assert_array_equal(rare[0].values[:, 0], codes == 2)
    # With one more, the level is one of its own, and nothing is left to judge.
    codes = np.repeat([0, 1, 2, 0, 1, 2], [150, 30, 120, 256, 30, LEAST_IN_ARM])
    arm = np.arange(codes.size) < 300
    blocks, rare = pool_factors([Factor(*("radiation", "Radiation"), *(("none", "near", "far"),) * 2, codes, 0)], arm)
    assert blocks[0].names == ("radiation=near", "radiation=far")
    assert not rare


@pytest.mark.parametrize(
    ("others", "missing"),
    [
        # Of those with x half had heat; of the others nobody, or one too few, or all.
        ([0] * 80, "that began without x had heat"),
        ([1] * (LEAST_IN_ARM - 1) + [0] * (81 - LEAST_IN_ARM), "that began without x had heat"),
        ([1] * 80, "that began without x were without heat"),
    ],
)
def test_the_reason_names_what_the_other_arm_lacks(others, missing):
    episodes = SimpleNamespace(visits=SimpleNamespace(codebook=SimpleNamespace(family_masks={"heat": 1})))
    arms = arms_of([(0, 5)] * 40, [(0, 5)] * 80, given=[1] * 20 + [0] * 20 + others)
    said = say_imbalance(arms, [("heat", "Heat", 2.0, 0.9, False)], episodes)
    assert said == f"too few episodes {missing}, so that the two cannot be told apart"


@pytest.mark.parametrize(("n_rare", "is_judged"), [(4, False), (5, True)])
def test_levels_too_few_to_stand_alone_are_judged_where_a_tenth_of_an_arm_is_in_them(n_rare, is_judged):
    levels, arm = ("a", "b", "c"), np.repeat([True, False], 50)
    codes = np.repeat([0, 1, 2, 0, 1], [25, 25 - n_rare, n_rare, 25, 25])
    blocks, rare = pool_factors([Factor("f", "F", levels, levels, codes, 0)], arm)
    assert [block.name for block in blocks] == ["f"]
    assert [block.values.sum() for block in rare] == [n_rare] * is_judged
