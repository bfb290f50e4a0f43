"""The same arms judged by other outcomes: what refuses one stops no other, draws are shared, controls speak up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from contrasts import DAY, compare_electrical, write_episodes
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.estimators.overlap_relief import overlap_relief
from outcomes.estimators.weighted_risk import overlap_risk
from outcomes.questions import other_outcomes
from outcomes.questions.contrast_lines import DIFFERENCE, NOT_ESTIMABLE, Line
from outcomes.questions.other_outcomes import build_rule_rows, find_other_region, judge_otherwise, note_controls


@pytest.fixture(scope="module")
def episodes():
    return compare_electrical()[0]


@pytest.fixture(scope="module")
def contrast():
    return compare_electrical()[1]


@pytest.fixture(scope="module")
def head():
    return compare_electrical()[2]


# -- other definitions ------------------------------------------------------------------------------------------------


def test_a_definition_that_cannot_be_fitted_refuses_its_own_line(episodes, contrast, head, monkeypatch):
    rules = build_rule_rows(episodes)
    plain = judge_otherwise(episodes, contrast, head, rules)
    compare, broken = other_outcomes.compare_relief, list(rules).index("any")

    def compare_some(drawn, at, until, level, workers, which):
        if which == broken:
            raise NotEstimable("The arms cannot be compared: X[:, 0] tells who was treated.")
        return compare(drawn, at, until, level, workers, which)

    monkeypatch.setattr(other_outcomes, "compare_relief", compare_some)
    lines = {line.analysis: line for line in judge_otherwise(episodes, contrast, head, rules)}
    refused = lines.pop("relief_any")
    assert refused.tag == NOT_ESTIMABLE
    assert np.isnan(refused.estimate)
    assert "X[" not in refused.reason
    assert "tells who was treated" in refused.reason
    others = [dataclasses.astuple(line) for line in plain if line.analysis != "relief_any"]
    # As tuples: Python 3.13 takes two lines with NaN for different.
    np.testing.assert_equal([dataclasses.astuple(line) for line in lines.values()], others)


def test_a_definition_under_which_too_few_are_known_by_the_day_refuses_its_own_line(episodes, contrast, head):
    rules = build_rule_rows(episodes)
    rows = rules["any"]
    # Whoever was not relieved is lost after the first day: of those not relieved nothing is known on day 28.
    early = np.where(rows.seen & (np.arange(rows.n) % 12 == 0), rows.right_days, np.inf)
    lost = dataclasses.replace(rows, left_days=np.minimum(rows.left_days, 1.0), right_days=early)
    strict, refused, _ = judge_otherwise(episodes, contrast, head, {"strict": rules["strict"], "any": lost})
    assert strict.tag != NOT_ESTIMABLE
    assert refused.tag == NOT_ESTIMABLE
    assert "by day 28" in refused.reason


def test_the_names_of_definitions_have_the_numbers_of_the_protocol(episodes, contrast, head):
    rules = build_rule_rows(episodes)
    usual = {line.analysis: line.analysis_label for line in judge_otherwise(episodes, contrast, head, rules)}
    assert usual["relief_any"] == "relief: first rating at half, even if contradicted"
    assert usual["relief_resolved"] == "resolved: 0 or 1"
    changed = Protocol.from_mapping({"relief": {"pct_reduction": 40}, "resolution": {"max_nrs": 2}})
    lines = judge_otherwise(dataclasses.replace(episodes, protocol=changed), contrast, head, rules)
    said = {line.analysis: line.analysis_label for line in lines}
    assert said["relief_any"] == "relief: first rating 40 % below, even if contradicted"
    assert said["relief_strict"] == "relief: 40 % below at two visits in a row"
    assert said["relief_resolved"] == "resolved: 2 or less"


# -- controls ---------------------------------------------------------------------------------------------------------


def control(analysis, low, high, label="Ultrasound"):
    return Line("ultrasound", label, analysis, "", DIFFERENCE, 182, (low + high) / 2, low, high)


def test_a_control_that_leaves_out_none_is_said_and_no_other():
    lines = [
        control("adjusted", 0.02, 0.08),
        control("other_region", 0.01, 0.05),
        control("other_region", -0.05, -0.01, "Needling"),
        control("other_region", -0.01, 0.05, "Exercise"),
        control("other_region", 0.0, 0.05, "Traction"),
        Line("heat", "Heat", "other_region", "", DIFFERENCE, 182).refuse("too few came for another region"),
        control("control_exposure", 0.01, 0.09, "Tape or brace"),
        control("control_exposure", -0.01, 0.09, "Tape or brace"),
    ]
    first, second, third = note_controls(lines)
    assert first == (
        "Ultrasound: the arms also differ where no difference is expected (new episodes in another region), so that "
        "some of what is seen may be who they are."
    )
    assert second.startswith("Needling: the arms also differ")
    assert third.startswith("Tape or brace: episodes with and without it differ in relief")
    assert note_controls([]) == ()


def test_the_control_says_which_way_it_reads(episodes, contrast, head):
    (line,) = judge_otherwise(episodes, contrast, head, {})
    assert "above 0: more of those with it came back" in line.analysis_label


# -- shared draws ------------------------------------------------------------------------------------------------------


def test_each_line_is_the_estimate_its_outcome_has_alone(contrast, head):
    """Sharing draws moves limits within what drawing again moves them, and no estimate."""
    floor = {"compare_min_events": 1}
    episodes = write_episodes(Protocol.from_mapping({"inference": {"bootstrap_draws": 10}, "reporting_floor": floor}))
    rules = build_rule_rows(episodes)
    *definitions, control = judge_otherwise(episodes, contrast, head, rules)
    rows, treated = contrast.arms.rows, contrast.arms.treated
    for line, other in zip(definitions, rules.values(), strict=True):
        own = other.take(contrast.units.kept)
        alone = overlap_relief(contrast.table, treated, own.left_days, own.right_days, DAY, DAY, rows.patient, draws=2)
        np.testing.assert_allclose(line.estimate, alone.difference[0], rtol=0, atol=1e-12)
        assert line.conf_low < line.estimate < line.conf_high
    time, event = find_other_region(episodes, rows)
    alone = overlap_risk(contrast.table, treated, time, event, 182, rows.patient, draws=2)
    np.testing.assert_allclose(control.estimate, alone.difference[0], rtol=0, atol=1e-12)


def test_arms_that_cannot_be_drawn_refuse_every_outcome_in_words(episodes, contrast, head, monkeypatch):
    def refuse(*_, **__):
        raise NotEstimable("The arms cannot be compared: X[:, 0] tells who was treated.")

    monkeypatch.setattr(other_outcomes, "draw_arms", refuse)
    lines = judge_otherwise(episodes, contrast, head, build_rule_rows(episodes))
    assert len(lines) > 2 and all(line.tag == NOT_ESTIMABLE and np.isnan(line.estimate) for line in lines)
    asked = [line.reason for line in lines if line.analysis != "other_region"]
    assert len(set(asked)) == 1 and "X[" not in asked[0] and asked[0].endswith("tells who was treated")


def test_a_control_whose_arms_are_not_followed_so_long_is_refused(episodes, contrast, head, monkeypatch):
    """All came for another region on the first day: enough events, and nobody left to be watched to day 182."""
    n = contrast.arms.rows.n
    monkeypatch.setattr(other_outcomes, "find_other_region", lambda *_: (np.ones(n), np.ones(n, dtype=bool)))
    (line,) = judge_otherwise(episodes, contrast, head, {})
    assert (line.tag, line.reason) == (NOT_ESTIMABLE, "too few of an arm are followed for 182 days")
    assert line.events_with + line.events_without == n
