"""Small numbers in the tables that stand beside the relief curve: hidden, and not to be worked out from another."""

from __future__ import annotations

import pandas as pd
import pytest

from courses import dated_episodes, days_after, small
from outcomes.questions import compare_relief_definitions, estimate_relief
from outcomes.release import protect_result
from outcomes.release.disclosure import HIDDEN

BOUNDS = ["if_none_of_stopped", "if_all_of_stopped"]


def episodes(n_stopped, n_relieved=20):
    """Patients relieved on day 7, some on day 14, and a few who stop silently after day 7."""
    start = pd.Timestamp("2024-01-02").date()
    points = []
    for i in range(n_relieved):
        points += [f"r{i} 0 6", f"r{i} 7 {5 if i % 2 else 2}", f"r{i} 14 2"]
    for i in range(n_stopped):
        points += [f"s{i} 0 6", f"s{i} 7 5"]
    return dated_episodes(days_after(start, *points), small(), end="2025-01-02")


@pytest.mark.parametrize(("n_stopped", "hidden"), [(2, True), (8, False)])
def test_the_fate_of_few_who_stopped_is_hidden_wherever_it_could_be_read(n_stopped, hidden):
    found = protect_result(estimate_relief(episodes(n_stopped)), 5)
    assert (found.curve[BOUNDS] == HIDDEN).all().all() == hidden
    fates = found.if_stopped[found.if_stopped["horizon_days"] == 7]
    assert (fates["estimate"] == HIDDEN).all() == hidden
    assert (fates["stopped"] == "<5").all() == hidden
    stopped = found.ends[(found.ends["end"] == "stopped") & (found.ends["horizon_days"] == 14)]
    assert (stopped["estimate"].item() == HIDDEN) == hidden
    assert (found.summary["n_stopped"] == "<5") == hidden
    days = found.ends_curve[(found.ends_curve["end"] == "stopped") & (found.ends_curve["day"].between(7, 14))]
    assert (days["estimate"] == HIDDEN).all() == hidden


def test_a_share_hidden_in_the_main_table_is_hidden_in_all_that_would_give_it_away():
    # Of twenty, two are relieved on day 7: that share is hidden, also as the fate "as those still seen" of stoppers.
    start = pd.Timestamp("2024-01-02").date()
    points = [f"r{i} {day} {pain}" for i in range(20) for day, pain in ((0, 6), (7, 2 if i < 2 else 5), (14, 2))]
    points += [f"s{i} {day} {pain}" for i in range(8) for day, pain in ((0, 6), (7, 5))]
    found = protect_result(estimate_relief(dated_episodes(days_after(start, *points), small(), end="2025-01-02")), 5)
    for table in (found.table, found.km_at_visit, found.per_patient, found.if_stopped):
        assert (table.loc[table["horizon_days"] == 7, "estimate"] == HIDDEN).all()
    day_7 = found.curve[found.curve["day"] == 7].iloc[0]
    assert {day_7[name] for name in ("estimate", "conf_low", "upper", *BOUNDS)} == {HIDDEN}
    assert day_7["band_low"] != day_7["band_low"]  # the band has not begun


def test_definitions_with_few_relieved_are_hidden():
    # Three of twenty come down to no pain at all.
    start = pd.Timestamp("2024-01-02").date()
    points = [f"r{i} {day} {pain}" for i in range(20) for day, pain in ((0, 6), (7, 5), (14, 0 if i < 3 else 2))]
    points += [f"s{i} {day} {pain}" for i in range(8) for day, pain in ((0, 6), (7, 5), (40, 5))]
    table = protect_result(
        compare_relief_definitions(dated_episodes(days_after(start, *points), small(), end="2025-01-02")), 5
    ).table
    # With a gap of 30 days the last visit opens an episode of its own, and nobody is observed to day 28.
    zero = table["threshold"].eq("zero") & table["confirmation"].ne("strict") & table["gap_days"].ne(30)
    assert (table.loc[zero, "events"] == "<5").all()
    assert (table.loc[zero, "estimate"] == HIDDEN).all()
    assert (table.loc[table["threshold"] == "reduction", "estimate"] != HIDDEN).any()
