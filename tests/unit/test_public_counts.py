"""Public counts: distinct patients, each once, against a count in a plain loop."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import date

import numpy as np
import pytest

from courses import dated_episodes, days_after, episodes_of, small
from outcomes.cases.returns import build_return_rows
from outcomes.cases.schema import MISSING
from outcomes.cases.timeline import build_relief_intervals
from outcomes.errors import NotEstimable
from outcomes.questions.quarter_indicators import LAG_DAYS, RETURN_DAYS
from outcomes.questions.quarters import quarter_word
from outcomes.release.public import cohorts
from outcomes.release.public.cohorts import AFTER, STATES, find_people
from outcomes.release.public.counts import AFTER_RELIEF, EVERYBODY, GIVEN, QUARTERS, STATE, count_people
from support.small_practices import make_practice

DAY = 28


@pytest.fixture(scope="module")
def episodes():
    return make_practice(400, seed=11)


@pytest.fixture(scope="module")
def counted(episodes):
    people = find_people(episodes)
    return people, count_people(episodes, people)


@pytest.fixture(scope="module")
def looped(episodes):
    """Patient -> (episode, state, what came after), found one patient at a time."""
    table = build_relief_intervals(episodes).table
    columns, until = episodes.columns, episodes.columns["observable_until_day"]
    last_quarter = max(quarter for quarter in range(400) if _quarter_end(quarter) <= int(until.max()) - DAY - LAG_DAYS)
    first = {}
    for row in table.itertuples():
        start, patient = int(columns["index_day"][row.episode_id]), int(columns["patient"][row.episode_id])
        old = int(until[row.episode_id]) - start >= DAY + LAG_DAYS and start <= _quarter_end(last_quarter)
        if old and (patient not in first or start < first[patient][0]):
            first[patient] = (start, row)
    returns = build_return_rows(episodes)
    at_risk = {int(e): i for i, e in enumerate(returns.episode)}
    found = {}
    for patient, (_, row) in first.items():
        if row.right_days <= DAY:
            state = "relief"
        elif (np.isfinite(row.right_days) and row.right_days > DAY) or row.left_days >= DAY:
            state = "no_relief"
        else:
            state = "unknown"
        after = "" if state != "relief" else _follow(returns, at_risk, int(row.episode_id))
        found[patient] = (int(row.episode_id), state, after)
    return found, quarter_word(last_quarter)


def _quarter_end(number):
    return int(np.datetime64(3 * (number + 1), "M").astype("datetime64[D]").astype(int)) - 1


def _follow(returns, at_risk, episode):
    if episode in set(returns.relapsed_episode.tolist()):
        return "back"
    if episode not in at_risk:
        return "too_early"
    i = at_risk[episode]
    if returns.event[i] and returns.stop_days[i] <= RETURN_DAYS:
        return "back"
    return "not_back" if returns.stop_days[i] >= RETURN_DAYS else "too_early"


def as_dict(table):
    return {
        (row, column): int(n)
        for row, line in zip(table.rows, table.counts, strict=True)
        for column, n in zip(table.columns, line, strict=True)
        if n
    }


def named(counted, name):
    return next(table for table in counted[1].tables if table.name == name)


def test_states_are_those_of_a_plain_loop(counted, looped):
    found, quarter = looped
    assert counted[0].quarter == quarter and counted[0].n == len(found)
    assert as_dict(named(counted, STATE)) == Counter((EVERYBODY, state) for _, state, _ in found.values())


def test_what_came_after_is_that_of_a_plain_loop(counted, looped):
    table = named(counted, AFTER_RELIEF)
    after = Counter((EVERYBODY, word) for _, _, word in looped[0].values() if word)
    assert as_dict(table) == after and len(after) >= 2
    assert (table.cohort.parent, table.cohort.column) == (STATE, "relief")


def test_levels_are_those_of_a_plain_loop(episodes, counted, looped):
    shown = episodes.table
    last = looped[1]
    year, number = map(int, last.split("Q"))
    kept = {quarter_word((year - 1970) * 4 + number - 1 - back) for back in range(QUARTERS)}
    before = f"{quarter_word((year - 1970) * 4 + number - 1 - QUARTERS)} and earlier"
    for name, read in {
        "start_quarter": lambda row: row["index_quarter"] if row["index_quarter"] in kept else before,
        "sex": lambda row: str(row["sex"]).replace("nan", "not recorded"),
    }.items():
        expected = Counter()
        for episode, state, _ in looped[0].values():
            expected[read(shown.iloc[episode]), state] += 1
        assert as_dict(named(counted, name)) == expected


def test_treatments_are_those_on_record_at_the_first_visit_with_any(episodes, counted, looped):
    book, given = episodes.visits.codebook, episodes.columns["modalities_first"]
    families = [table for table in counted[1].tables if table.name.startswith("family_")]
    assert len(families) >= 5
    for table in families:
        mask = book.family_masks[table.name.removeprefix("family_")] & book.treatment_mask
        expected = Counter(
            (GIVEN[0] if int(given[episode]) & mask else GIVEN[1], state) for episode, state, _ in looped[0].values()
        )
        assert as_dict(table) == expected


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_treatments_in_unknown_words_are_not_called_unrecorded(episodes, counted, share):
    visits = episodes.visits
    n = visits.columns["day"].size
    unread = visits.columns | {"modality_unknown": np.arange(n) < share * n}
    found = dataclasses.replace(episodes, visits=dataclasses.replace(visits, columns=unread))
    tables = [table.name for table in count_people(found, counted[0]).tables]
    assert any(name.startswith("family_") for name in tables) == (share == 0.05)


def test_every_table_of_the_patients_splits_the_same_patients(counted):
    people, counts = counted
    for table in counts.tables:
        if table.cohort.name == "patients":
            assert table.counts.sum(axis=0).tolist() == named(counted, STATE).counts[0].tolist(), table.name
            assert table.columns == STATES
    assert named(counted, AFTER_RELIEF).columns == AFTER
    assert int(named(counted, AFTER_RELIEF).counts.sum()) == int((people.state == 0).sum())


def test_curves_count_the_patients_of_the_tables(episodes, counted, looped):
    relief = {row.episode_id: row for row in build_relief_intervals(episodes).table.itertuples()}
    rows = [relief[episode] for episode, _, _ in looped[0].values()]
    curve = next(curve for curve in counted[1].curves if curve.group == EVERYBODY)
    for i, day in enumerate(curve.days.tolist()):
        assert day % 7 == 0
        assert int(curve.new_events[: i + 1].sum()) == sum(row.right_days <= day for row in rows)
        last = [row.right_days if np.isfinite(row.right_days) else row.left_days for row in rows]
        assert int(curve.at_risk[i]) == sum(end > day for end in last)
    groups = [curve for curve in counted[1].curves if curve.group != EVERYBODY]
    assert {curve.group for curve in groups} == set(named(counted, "duration").rows)
    assert sum(curve.new_events for curve in groups).tolist() == curve.new_events.tolist()


def test_an_earlier_quarter_leaves_later_patients_out(episodes):
    newest = find_people(episodes)
    starts = sorted(set(episodes.table["index_quarter"]))
    earlier = find_people(episodes, starts[-4])
    assert earlier.n < newest.n and earlier.quarter == starts[-4]
    assert max(set(episodes.table["index_quarter"].iloc[earlier.rows.episode])) == starts[-4]
    with pytest.raises(NotEstimable, match="newest that can be judged"):
        find_people(episodes, "2099Q1")


def test_without_an_end_of_observation_there_is_no_page(episodes):
    import dataclasses

    blind = dataclasses.replace(
        episodes, columns={**episodes.columns, "observable_until_day": np.full(episodes.n, MISSING, dtype=np.int32)}
    )
    with pytest.raises(NotEstimable, match="observed_until_day"):
        find_people(blind)


def test_rows_of_a_table_do_not_depend_on_the_order_of_the_records(episodes, counted):
    from outcomes.cases import build_episodes

    again = build_episodes(episodes.visits)
    other = count_people(again, find_people(again))
    for one, two in zip(counted[1].tables, other.tables, strict=True):
        assert one.rows == two.rows and (one.counts == two.counts).all()


# -- who cannot be counted ---------------------------------------------------------------------------------------------


def few(*courses, start="2024-01-02", end="2025-01-02"):
    first = date.fromisoformat(start)
    points = [f"p{i} {day}" for i, course in enumerate(courses) for day in course]
    return dated_episodes(days_after(first, *points), small(), end=end)


def test_without_an_end_of_observation_nobody_is_counted():
    with pytest.raises(NotEstimable, match="observed_until_day in the mapping"):
        find_people(episodes_of(["0:6 10:2", "0:6 20:2"]))


def test_without_true_dates_there_is_no_quarter_to_choose(monkeypatch):
    def refuse(_episodes):
        raise NotEstimable("The dates were moved.")

    monkeypatch.setattr(cohorts, "check_dates", refuse)
    assert find_people(few(["0 6", "7 2"])).quarter == ""
    with pytest.raises(NotEstimable, match="Leave --quarter out"):
        find_people(few(["0 6", "7 2"]), "2024Q1")


@pytest.mark.parametrize(("day", "n"), [(320, 2), (324, 2), (325, 1), (350, 1)])
def test_without_true_dates_too_only_those_followed_long_enough_are_counted(monkeypatch, day, n):
    """Records end on day 366: 42 days after day 324, the primary day and the lag of the quarters."""
    monkeypatch.setattr(cohorts, "_has_true_dates", lambda _: False)
    assert LAG_DAYS + DAY == 42
    assert find_people(few(["0 6", "7 2"], [f"{day} 6", f"{day + 7} 2"])).n == n


def test_a_quarter_that_has_not_been_watched_long_enough_is_told():
    with pytest.raises(NotEstimable, match="cannot be made yet"):
        find_people(few(["0 6", "7 2"], end="2024-04-20"))


def test_where_no_pain_was_high_enough_nobody_is_counted():
    with pytest.raises(NotEstimable, match="no patient has an episode"):
        find_people(few(["0 1", "7 0"]))


def test_what_the_export_does_not_record_has_no_table_and_no_curve():
    episodes = few(["0 6", "7 2"], ["0 6", "7 5"])
    found = count_people(episodes, find_people(episodes))
    assert [table.name for table in found.tables] == [STATE, "start_quarter", AFTER_RELIEF]
    assert [(curve.group, curve.patients) for curve in found.curves] == [(EVERYBODY, 2)]


def test_without_true_dates_no_quarter_is_counted(monkeypatch):
    def refuse(_episodes):
        raise NotEstimable("The dates were moved.")

    monkeypatch.setattr(cohorts, "check_dates", refuse)
    episodes = few(["0 6", "7 2"], ["0 6", "7 5"])
    assert [table.name for table in count_people(episodes, find_people(episodes)).tables] == [STATE, AFTER_RELIEF]
