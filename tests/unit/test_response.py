"""Response at day 28: the rule and the window by hand, the weights, the bounds, and refusals."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from courses import episodes_of as courses_as_episodes
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import weighted_share as weighting
from outcomes.estimators.proportions import wilson_clustered
from outcomes.estimators.weighted_share import fit_chance, weighted_share
from outcomes.questions import response
from outcomes.questions.response import (
    BOUND_ALL,
    BOUND_NONE,
    COMPLETERS,
    LINES,
    RESPONSE_COLUMNS,
    WEIGHTED,
    estimate_response,
)
from outcomes.questions.response_lines import find_nearest
from tables import open_clinic, records

SMALL = Protocol.from_mapping(
    {
        "reporting_floor": {"estimate_min_episodes": 2, "proportion_min_n": 1, "compare_min_effective_n": 1},
        "episode": {"washout_days": 0},
    }
)


def episodes_of(written, protocol=SMALL, extra=None):
    return courses_as_episodes(written, protocol, extra)


def estimates(found, group="all"):
    return found.table[found.table["group"] == group].set_index("line")["estimate"]


# -- rule and window --------------------------------------------------------------------------------------------------


def test_the_rating_nearest_the_day_and_of_two_the_earlier():
    day = np.array([0, 20, 43, 0, 21, 42, 0, 26, 30, 0, 30, 33, 0, 27, 28])
    place = np.repeat(np.arange(5), 3)
    assert find_nearest(day, place, 5, 28).tolist() == [-1, 4, 7, 10, 14]


@pytest.mark.parametrize(
    ("course", "responded"),
    [
        ("0:6 28:4", True),  # 33 % and 2 points
        ("0:8 28:6", False),  # 2 points, but only 25 %
        ("0:4 28:2.5", False),  # 38 %, but only 1.5 points
        ("0:7 28:4.9", True),  # 30 % exactly
        ("0:7 28:5", False),  # 29 %
        ("0:9 26:8 30:1", False),  # two as near: the earlier
        ("0:9 20:1 42:9", False),  # day 20 is before the window
        ("0:9 21:1 43:9", True),  # day 21 is in it, day 43 is not
    ],
)
def test_response_by_hand(course, responded):
    found = estimates(estimate_response(episodes_of([course, "0:6 28:6"])))
    assert found[COMPLETERS] == responded / 2


def test_completers_and_bounds_by_hand():
    # two respond, one does not, one is never seen in the window
    found = estimate_response(episodes_of(["0:6 28:2", "0:8 30:3", "0:7 25:7", "0:9 7:5"]))
    rows = found.table.set_index("line")
    assert rows.loc[COMPLETERS, "estimate"] == pytest.approx(2 / 3)
    assert rows.loc[BOUND_NONE, "estimate"] == pytest.approx(2 / 4)
    assert rows.loc[BOUND_ALL, "estimate"] == pytest.approx(3 / 4)
    assert rows["n"].tolist() == [3, 4, 4, 4]
    assert (rows["events"] == 2).all()
    assert (rows["completeness"] == 0.75).all()
    assert tuple(rows.loc[COMPLETERS, ["estimate", "conf_low", "conf_high"]]) == wilson_clustered([1, 1, 0], [1, 1, 1])
    assert math.isnan(rows.loc[WEIGHTED, "estimate"])
    assert any("No weighted share is given: weights cannot be estimated" in note for note in found.notes)
    assert (found.summary["n"], found.summary["n_measured"], found.summary["n_events"]) == (4, 3, 2)


def test_where_everybody_was_rated_all_lines_are_one():
    found = estimate_response(episodes_of(["0:6 28:2", "0:8 30:3", "0:7 25:7"]))
    shares = found.table[["estimate", "conf_low", "conf_high"]].to_numpy()
    assert shares[0, 0] == pytest.approx(2 / 3) and (shares == shares[0]).all()
    assert any("Every episode was rated in the window" in note for note in found.notes)
    assert not any("weights cannot be estimated" in note for note in found.notes)


def test_where_nobody_is_rated_between_the_first_and_the_window_the_first_rating_weighs():
    """Visits a month apart: the last rating before the window is the first one, on day 0, of everybody."""
    late = ["" if i % 3 == 0 or i % 7 == 0 else f" 28:{2 + 3 * (i % 5 < 2)}" for i in range(120)]
    courses = [f"0:{6 + i % 4}{late[i]}" for i in range(120)]
    found = estimate_response(episodes_of(courses))
    first = np.array([6.0 + i % 4 for i in range(120)])
    measured = np.array([float(bool(rated)) for rated in late])
    last = np.array([2.0 + 3 * (i % 5 < 2) for i in range(120)])
    responded = (last <= 0.7 * first) & (first - last >= 2) & (measured > 0)
    weight = measured / fit_chance(measured, np.column_stack([np.ones(120), first]))
    assert estimates(found)[WEIGHTED] == pytest.approx(float(weight @ responded / weight.sum()), abs=1e-9)
    assert not any("No weighted share" in note for note in found.notes)


def test_a_patient_with_two_episodes_is_one_cluster():
    rows = ["patient_id | visit_date | pain_pre", "p | 2024-01-01 | 6", "p | 2024-01-29 | 2"]
    rows += ["p | 2024-09-01 | 6", "p | 2024-09-29 | 2", "q | 2024-01-01 | 6", "q | 2024-01-29 | 6"]
    rows += open_clinic("2024-01-01", "2025-01-01")
    found = estimate_response(build_episodes(build_visits(records("\n".join(rows)), SMALL))).table.iloc[0]
    assert tuple(found[["estimate", "conf_low", "conf_high"]]) == wilson_clustered([2, 0], [2, 1])
    assert tuple(found[["conf_low", "conf_high"]]) != wilson_clustered([1, 1, 0], [1, 1, 1])[1:]


def test_too_young_is_set_aside_not_missing():
    rows = ["patient_id | visit_date | pain_pre", "p | 2025-01-01 | 6", "p | 2025-01-29 | 2"]
    rows += ["q | 2025-05-01 | 6", "r | 2025-04-20 | 6", "s | 2025-04-19 | 6"]
    rows += open_clinic("2025-01-01", "2025-05-31")
    found = estimate_response(build_episodes(build_visits(records("\n".join(rows)), SMALL)))
    step = found.ledger.steps[-1]
    # on 31 May q is 30 days old, r 41 and s 42
    assert dict(step.set_aside) == {"day 42 lies after the clinic's data cut": 2}
    assert found.table["n"].tolist() == [1, 2, 2, 2]
    assert found.summary["n_too_young"] == 2


# -- the weights ------------------------------------------------------------------------------------------------------


def two_strata(seed=1, n=600):
    """Half have x = 1: they are measured less often and respond more often; the share of all is 0.5."""
    rng = np.random.default_rng(seed)
    x = (np.arange(n) % 2).astype(float)
    measured = (rng.random(n) < np.where(x == 1, 0.3, 0.9)).astype(float)
    response_ = (rng.random(n) < np.where(x == 1, 0.8, 0.2)).astype(float)
    return response_, measured, np.column_stack([np.ones(n), x])


def test_weights_in_two_strata_by_hand():
    y, m, columns = two_strata()
    found = weighted_share(y * m, m, columns, np.arange(y.size))
    # With one binary column the chance is the stratum's share, and the weighted share the mean of the two strata.
    strata = [y[(columns[:, 1] == k) & (m == 1)].mean() for k in (0, 1)]
    assert found.estimate == pytest.approx(np.mean(strata), abs=1e-8)
    n = [((columns[:, 1] == k) & (m == 1)).sum() for k in (0, 1)]
    # With estimated weights the variance is that of the strata's means, and of how many come from each.
    within = sum(s * (1 - s) / size for s, size in zip(strata, n, strict=True)) / 4
    spread = math.sqrt(within + np.var(strata) / y.size)
    half = (math.log(found.conf_high / (1 - found.conf_high)) - math.log(found.conf_low / (1 - found.conf_low))) / 2
    assert half * found.estimate * (1 - found.estimate) / 1.959964 == pytest.approx(spread, rel=0.002)
    assert abs(y[m == 1].mean() - found.estimate) > 0.1, "the share of completers is another"
    assert found.largest_weight == pytest.approx(300 / n[1])


def test_the_weighted_interval_covers():
    # 0.95 within three standard errors of 400 runs
    runs, covered = 400, 0
    for run in range(runs):
        y, m, columns = two_strata(seed=run, n=200)
        found = weighted_share(y * m, m, columns, np.arange(200) // 2)
        covered += found.conf_low <= 0.5 <= found.conf_high
    assert abs(covered / runs - 0.95) < 3 * math.sqrt(0.95 * 0.05 / runs)


def test_row_order_patients_names_and_unseen_responses_do_not_matter():
    y, m, columns = two_strata()
    patient = np.arange(y.size) // 2
    found = weighted_share(y * m, m, columns, patient)
    order = np.random.default_rng(2).permutation(y.size)
    other = weighted_share(np.where(m == 1, y, 1)[order], m[order], columns[order], 5000 - 3 * patient[order])
    assert dataclasses.astuple(other) == pytest.approx(dataclasses.astuple(found), rel=1e-9)


def test_weights_refuse_by_name():
    y, m, columns = two_strata()
    patient = np.arange(y.size)
    with pytest.raises(InputRefused, match="response: is neither 0 nor 1"):
        weighted_share(y + 1, m, columns, patient)
    with pytest.raises(InputRefused, match="must be aligned"):
        weighted_share(y, m, columns[:-1], patient)
    with pytest.raises(InputRefused, match=r"columns\[:, 1\]: is not a number"):
        weighted_share(y, m, np.where(columns == 0, np.nan, columns), patient)
    with pytest.raises(NotEstimable, match="all were measured, or none"):
        fit_chance(np.ones(50), np.ones((50, 1)))
    with pytest.raises(NotEstimable, match="fewer than 10 measured"):
        fit_chance(m[:20], columns[:20])
    with pytest.raises(NotEstimable, match="say the same"):
        fit_chance(m, np.column_stack([columns, 1 - columns[:, 1]]))
    with pytest.raises(NotEstimable, match="tells exactly who was measured"):
        fit_chance(m, np.column_stack([np.ones(m.size), m + 0.1 * patient / m.size]))
    # measured in one stratum always, in the other by chance: the coefficient has no finite value
    quasi = np.where(columns[:, 1] == 0, 1.0, m)
    with pytest.raises(NotEstimable, match="Weights cannot be estimated"):
        fit_chance(quasi, columns)


# -- the question -----------------------------------------------------------------------------------------------------


def courses_of(n, seed):
    """Most patients with a low second rating stop before the window: who is seen there depends on what was rated."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(n):
        base = int(rng.integers(4, 10))
        level = base * rng.uniform(0.1, 1.0)
        early = int(np.clip(np.rint(level + rng.normal(0, 1)), 0, 10))
        course = f"0:{base} {rng.integers(4, 20)}:{early}"
        if rng.random() < (0.3 if early <= base / 2 else 0.8):
            late = int(np.clip(np.rint(0.9 * level + rng.normal(0, 1)), 0, 10))
            course += f" {rng.integers(21, 43)}:{late}"
        out.append(course)
    return out


def test_weighting_moves_the_share_towards_those_who_stopped():
    found = estimate_response(episodes_of(courses_of(300, 3)))
    share = estimates(found)
    assert share[BOUND_NONE] < share[COMPLETERS] < share[WEIGHTED] < share[BOUND_ALL]
    assert share[WEIGHTED] - share[COMPLETERS] > 0.05
    assert found.summary["effective_n"] < found.summary["n_measured"]
    assert found.summary["largest_weight"] > 1


def test_shape_settings_and_groups():
    courses = courses_of(60, 4)
    found = estimate_response(episodes_of(courses, extra={"sex": ["F", "M"] * 30}), by="sex")
    assert tuple(found.table.columns) == RESPONSE_COLUMNS
    assert found.table["line"].tolist() == list(LINES) * 2
    assert {"definition", "estimator", "weights", "protocol_hash", "seed"} <= set(found.settings)
    alone = estimate_response(episodes_of(courses[::2], extra={"sex": ["F"] * 30}), by="sex")
    pd.testing.assert_frame_equal(found.table.iloc[:4], alone.table, check_exact=True)
    reverse = estimate_response(episodes_of(courses[::-1]))
    pd.testing.assert_frame_equal(reverse.table, estimate_response(episodes_of(courses)).table, rtol=1e-9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.table = None


def test_small_groups_have_a_note_and_no_number():
    found = estimate_response(episodes_of(["0:6 28:2", "0:6 28:2"], Protocol()))
    assert found.table["estimate"].isna().all()
    assert any("Fewer than 30 episodes" in note for note in found.notes)
    protocol = dataclasses.replace(
        SMALL, reporting_floor=dataclasses.replace(SMALL.reporting_floor, proportion_min_n=3)
    )
    few = estimate_response(episodes_of(["0:6 28:2", "0:6", "0:6", "0:6"], protocol))
    assert estimates(few).isna().tolist() == [True, True, False, False]
    assert any("only the bounds are given" in note for note in few.notes)


def test_weights_that_hang_on_a_few_are_refused(monkeypatch):
    protocol = dataclasses.replace(
        SMALL, reporting_floor=dataclasses.replace(SMALL.reporting_floor, compare_min_effective_n=10_000)
    )
    found = estimate_response(episodes_of(courses_of(300, 3), protocol))
    assert math.isnan(estimates(found)[WEIGHTED])
    assert any("effective number of episodes below 10000" in note for note in found.notes)


def test_a_fit_that_does_not_converge_leaves_the_row_empty_and_says_so(monkeypatch):
    def stuck(*args):
        raise NotEstimable("Weights cannot be estimated: the model of who was measured did not converge.")

    monkeypatch.setattr(weighting, "fit_chance", stuck)
    found = estimate_response(episodes_of(courses_of(300, 3)))
    assert estimates(found).isna().tolist() == [False, True, False, False]
    assert any("did not converge" in note for note in found.notes)


def test_response_refuses_by_name():
    episodes = episodes_of(["0:6 28:3", "0:6 7:5"])
    with pytest.raises(InputRefused, match="Did you mean 'stream'"):
        estimate_response(episodes, by="streem")
    with pytest.raises(NotEstimable, match="no eligible episode"):
        estimate_response(episodes_of(["0:1 7:0", "0: 7:"]))
    late = Protocol.from_mapping({"horizons_days": {"primary": 90}, "episode": {"washout_days": 0}})
    with pytest.raises(NotEstimable, match="of the protocol is 90"):
        estimate_response(episodes_of(["0:6 28:3"], late))


def test_an_unknown_end_of_observation_is_said():
    found = estimate_response(episodes_of(["0:6 28:3", "0:6 7:5"]))
    assert found.summary["n_too_young"] == 0
    assert any("just before the end of the data" in note for note in found.notes)
    assert response.LINES == LINES


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ([["a"]] * 4, "E601 columns\\[:, 0\\]"),
        ([[1], [2, 3], [4], [5]], "E601 columns"),
        ([1, 1, 1, 1], "E602 columns"),
        (None, "E602 columns"),
        ([[1]] * 3, "E603 columns"),
        ([[1]] * 3 + [[math.inf]], "E605 columns\\[:, 0\\]"),
    ],
)
def test_columns_of_another_kind_are_refused_by_name(columns, refusal):
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        weighted_share([1, 0, 1, 1], [1, 1, 0, 1], columns, [0, 1, 2, 3])


def test_columns_in_lists_are_columns():
    y, m, columns = two_strata()
    assert weighted_share(y, m, columns.tolist(), np.arange(y.size)) == weighted_share(y, m, columns, np.arange(y.size))
