"""The multiple of the hazard of those who stopped at which two groups change places."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from contrasts import write_episodes
from courses import small
from outcomes.definitions import Protocol
from outcomes.questions import estimate_relief, relief_tipping
from outcomes.questions.relief_fates import Fates
from outcomes.questions.relief_fit import GroupFit
from outcomes.questions.relief_tipping import COLUMNS, MOST_GROUPS, find_tipping_ratio, tabulate_tipping
from outcomes.questions.results import DayCurve

PROTOCOL = small(
    horizons_days={"primary": 1, "relief": [1]},
    reporting_floor={"compare_min_episodes": 40, "compare_min_events": 10, "suppress_cell_below": 5},
)


def group(name, share, stops, n=50, events=20, n_stopped=10):
    """A group with these shares by days 0, 1, ..., and these who stopped on each of ten episodes old enough to tell."""
    nothing = np.full(len(share), np.nan)
    count = np.array([0, *[events] * (len(share) - 1)])
    curve = DayCurve(name, n, np.array(share), nothing, nothing, np.full(len(share), n), count, len(share) - 1, {})
    return GroupFit(curve, (), Fates((), (), n, n_stopped, np.array(stops, dtype=float), 10.0))


STOPPED = group("one", [0.0, 0.4], [2, 0])
"""By hand: .4 + (2 (1 - .4) - 2 (1 - .4 r)) / 10 = .4 + .08 (r - 1) are relieved by day 1, and .52 from r = 2.5 on."""


@pytest.mark.parametrize(
    ("other", "ratio"), [(0.45, 1.625), (0.36, 0.5), (0.32, 0.0), (0.4, 1.0), (0.53, np.nan), (0.31, np.nan)]
)
def test_the_tipping_ratio_by_hand(other, ratio):
    nobody = group("other", [0.0, other], [0, 0])
    for pair in ((STOPPED, nobody), (nobody, STOPPED)):
        assert find_tipping_ratio(*pair, 1) == pytest.approx(ratio, abs=1e-6, nan_ok=True)


def test_a_group_whose_stoppers_are_all_relieved_rises_no_further():
    """.32 + .08 r, .52 from r = 2.5 on; the other .04 + .16 r: equal at 3, and not at 3.5 as if it rose."""
    assert find_tipping_ratio(STOPPED, group("other", [0.0, 0.2], [8, 0]), 1) == pytest.approx(3.0, abs=1e-6)


@pytest.mark.parametrize(("turns", "nearest"), [((0.2, 0.45, 0.9), 0.45), ((0.3, 0.69), 0.69), ((0.1, 0.2), 0.2)])
def test_of_several_turns_the_one_nearest_to_1_is_told(monkeypatch, turns, nearest):
    def differ(one, other, day, ratio):
        place = ratio / (1 + ratio) if np.isfinite(ratio) else 1.0
        return np.prod([place - turn for turn in turns])

    monkeypatch.setattr(relief_tipping, "_differ", differ)
    assert find_tipping_ratio(STOPPED, STOPPED, 1) == pytest.approx(nearest / (1 - nearest), abs=1e-6)


def test_a_turn_where_all_are_relieved_the_next_day_is_told_as_infinite(monkeypatch):
    monkeypatch.setattr(relief_tipping, "_differ", lambda *given: 0.0 if np.isinf(given[3]) else 1.0)
    assert find_tipping_ratio(STOPPED, STOPPED, 1) == np.inf


def test_no_multiple_is_told_where_only_all_of_them_the_next_day_turn_the_difference():
    """Nobody is relieved on day 2: of ten, five stopped on day 1, and no multiple of no hazard relieves them."""
    stopped, nobody = (group(name, [0.0, share, share], [0, n, 0]) for name, share, n in (("a", 0.4, 5), ("b", 0.5, 0)))
    assert find_tipping_ratio(stopped, nobody, 2) == find_tipping_ratio(nobody, stopped, 2) == np.inf


def test_a_pair_is_a_row_and_groups_too_small_have_none():
    fits = [STOPPED, group("b", [0, 0.45], [0, 0]), group("c", [0, 0.36], [0, 0])]
    table = tabulate_tipping(fits, PROTOCOL)
    assert table.columns.tolist() == list(COLUMNS)
    assert table[["group", "other"]].to_numpy().tolist() == [["one", "b"], ["one", "c"], ["b", "c"]]
    assert table["estimate"].tolist() == pytest.approx([-0.05, 0.04, 0.09])
    assert table["if_none_of_stopped"].tolist() == pytest.approx([-0.13, -0.04, 0.09])
    assert table["if_all_of_stopped"].tolist() == pytest.approx([0.07, 0.16, 0.09])
    assert table["tipping_ratio"].tolist() == pytest.approx([1.625, 0.5, np.nan], abs=1e-6, nan_ok=True)
    assert (table["n"] == 100).all() and (table["events"] == 40).all() and (table["horizon_days"] == 1).all()
    for change in ({"n": 39}, {"events": 9}, {"events": 47}, {"n_stopped": 4}):
        assert tabulate_tipping([STOPPED, group("b", [0, 0.45], [0, 0], **change)], PROTOCOL).empty
    for kept in ({"n": 40}, {"events": 10}, {"events": 45}, {"events": 50}, {"n_stopped": 5}, {"n_stopped": 0}):
        assert len(tabulate_tipping([STOPPED, group("b", [0, 0.45], [0, 0], **kept)], PROTOCOL)) == 1
    unstated = dataclasses.replace(fits[1], curve=dataclasses.replace(fits[1].curve, last_day=0))
    untold = dataclasses.replace(fits[1], fates=dataclasses.replace(fits[1].fates, told_weight=0.0))
    unnamed = dataclasses.replace(fits[1], curve=dataclasses.replace(fits[1].curve, group="not recorded"))
    for other in (unstated, untold, unnamed):
        assert tabulate_tipping([STOPPED, other], PROTOCOL).empty
    many = [group(str(i), [0, 0.4], [0, 0]) for i in range(MOST_GROUPS + 1)]
    assert tabulate_tipping(many, PROTOCOL).empty and len(tabulate_tipping(many[1:], PROTOCOL)) == 66


def test_groups_of_a_clinic_are_told_as_their_own_lines_say():
    episodes = write_episodes(Protocol.from_mapping({"inference": {"bootstrap_draws": 5}}), 1200)
    found = estimate_relief(episodes, by="region")
    lines = found.if_stopped[found.if_stopped["horizon_days"] == 28].set_index(["group", "ratio"])["estimate"]
    assert len(found.tipping) > 2
    for row in found.tipping.to_dict("records"):
        for column, ratio in (("if_none_of_stopped", 0), ("estimate", 1), ("if_all_of_stopped", np.inf)):
            assert row[column] == pytest.approx(lines[row["group"], ratio] - lines[row["other"], ratio], abs=1e-12)
        turned = row["if_none_of_stopped"] * row["if_all_of_stopped"] < 0
        assert not (turned and np.isnan(row["tipping_ratio"]))
    assert estimate_relief(episodes).tipping.empty
