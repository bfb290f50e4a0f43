"""What a reader of all tables would still work out is hidden before anything is written, and no more than that."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from courses import SMALL
from outcomes.cases import build_episodes, build_visits
from outcomes.errors import ConservationError, NotEstimable
from outcomes.questions import describe_modality_use
from outcomes.release import hide_more
from outcomes.release.audit import find_told
from outcomes.release.audit_book import Book, read_csv
from outcomes.release.audit_relations import relate
from outcomes.release.hide_more import hide_what_is_told
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.marks import HIDDEN
from outcomes.release.tables import name_tables, to_csv
from tables import records

FLOOR = SimpleNamespace(protocol=SimpleNamespace(reporting_floor=SimpleNamespace(suppress_cell_below=5)))


@dataclass(frozen=True)
class Answer:
    table: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)
    composite: pd.DataFrame | None = None
    if_stopped: pd.DataFrame | None = None
    more: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    recurrence: Any = None
    relief: Any = None
    beside: Any = None
    episodes: Any = field(default_factory=lambda: FLOOR)
    withheld: frozenset[str] = frozenset()

    def answer(self, name):
        return getattr(self, name, None)

    def tables(self):
        found = dict(self.beside or {})
        for name in ("recurrence", "relief"):
            if self.answer(name) is not None:
                found |= name_tables(name, self.answer(name))
        return found


def told(inputs):
    book = Book({name: read_csv(to_csv(table)) for name, table in inputs.tables().items()}, 5)
    relate(book)
    return [(found.kind, found.file, found.column) for found in find_told(book).values()]


def returns(kept=40):
    """44 relieved, 40 of them followed; of the others `kept` less 40 came back too soon."""
    table = pd.DataFrame(
        {"group": ["all"] * 2, "horizon_days": [182, 365], "n": [40] * 2, "events": [15, 20], "estimate": [0.4, 0.5]}
    )
    composite = pd.DataFrame(
        {"measure": ["kept"], "horizon_days": [365], "n": [kept], "events": [40], "estimate": [40 / kept]}
    )
    return Answer(table, {"n_relieved": 44, "n_relapsed": HIDDEN, "n_too_young": HIDDEN}, composite)


def stopped(n_told):
    rows = {"group": ["all"], "horizon_days": [28], "n": [67], "events": [30], "estimate": [0.45]}
    return Answer(pd.DataFrame(rows), if_stopped=pd.DataFrame({**rows, "told": [n_told], "stopped": [20]}))


def test_a_count_that_three_tables_give_away_is_covered_by_the_nearest_number():
    inputs = Inputs(recurrence=returns())
    assert told(inputs) == [("recovered", "tables/recurrence_summary.csv", "n_too_young")]
    shown = hide_what_is_told(inputs)
    assert told(shown) == []
    # Of the numbers in that sum the one that stands in fewest places.
    assert set(shown.recurrence.summary.values()) == {HIDDEN}
    assert shown.recurrence.table.equals(inputs.recurrence.table)
    assert inputs.recurrence.summary["n_relieved"] == 44


def test_all_but_one_of_a_whole_are_not_told_and_neither_is_their_share():
    inputs = Inputs(relief=stopped(66))
    assert told(inputs) == [("printed", "tables/relief_if_stopped.csv", "told")]
    shown = hide_what_is_told(inputs)
    assert told(shown) == []
    assert shown.relief.if_stopped.loc[0, ["told", "estimate"]].tolist() == [HIDDEN, HIDDEN]
    assert shown.relief.if_stopped.loc[0, ["n", "stopped"]].tolist() == [67, 20]


@pytest.mark.parametrize("few", [1, 4])
def test_a_small_count_that_is_printed_gets_its_mark(few):
    shown = hide_what_is_told(Inputs(recurrence=Answer(returns().table, {"n_few": few})))
    assert shown.recurrence.summary["n_few"] == "<5"


def test_a_small_count_in_a_table_beside_the_answer_gets_its_mark_and_its_share_is_hidden():
    rows = {"group": ["a", "b"], "n": [40, 40], "events": [2, 20], "estimate": [0.05, 0.5]}
    shown = hide_what_is_told(Inputs(recurrence=Answer(returns().table, more={"beside": pd.DataFrame(rows)})))
    assert shown.recurrence.more["beside"]["events"].tolist() == ["<5", 20]
    assert shown.recurrence.table.equals(returns().table)


def relapsed(n_relapsed, n_too_young):
    """Of those relieved 20 were followed; the others relapsed, or were relieved too late to be followed."""
    summary = {"n_relieved": 20 + n_relapsed + n_too_young, "n_relapsed": n_relapsed, "n_too_young": n_too_young}
    table = returns().table.assign(n=20, events=[8, 10], estimate=[0.4, 0.5])
    return Inputs(recurrence=Answer(table, summary))


@pytest.mark.parametrize("n_relapsed", [5, 30])
def test_a_printed_small_part_is_covered_like_one_that_was_hidden(n_relapsed):
    """What covers it is not said to be small, where it is five neither."""
    inputs = relapsed(n_relapsed, 3)
    shown = hide_what_is_told(inputs)
    assert told(shown) == []
    assert shown.recurrence.summary == {"n_relieved": 23 + n_relapsed, "n_relapsed": HIDDEN, "n_too_young": "<5"}


@pytest.mark.parametrize("n_too_young", [1, 3])
def test_what_did_not_help_is_shown_again(n_too_young):
    # That nobody relapsed is hidden first: the sum is 3 at most, and does not reach to 4. So those relieved must go.
    shown = hide_what_is_told(relapsed(0, n_too_young))
    assert told(shown) == []
    assert shown.recurrence.summary == {"n_relieved": HIDDEN, "n_relapsed": 0, "n_too_young": "<5"}


def test_what_is_needed_for_another_number_stays_hidden():
    """Two answers each tell one number; what was hidden for the first is not shown again with the second."""
    shown = hide_what_is_told(Inputs(recurrence=returns(), relief=stopped(66)))
    assert told(shown) == []
    assert set(shown.recurrence.summary.values()) == {HIDDEN}
    assert shown.relief.if_stopped.loc[0, "told"] == HIDDEN


def test_a_number_that_is_hidden_is_no_small_one_that_is_printed():
    desk = hide_more._Desk(Inputs(recurrence=returns()))
    texts = {name: {cell.text for cell in cells} for name, cells in desk.places.items()}
    hidden = [name for name, own in texts.items() if HIDDEN in own]
    assert hidden and not any(desk.is_small(name) for name in hidden)


def test_after_the_last_round_nothing_is_written(monkeypatch):
    monkeypatch.setattr(hide_more, "MOST_ROUNDS", 1)
    with pytest.raises(ConservationError, match="E980"):
        hide_what_is_told(relapsed(0, 1))


def test_of_many_that_were_hidden_none_is_tried_again(monkeypatch):
    monkeypatch.setattr(hide_more, "MOST_SHOWN_AGAIN", 1)
    shown = hide_what_is_told(relapsed(0, 1))
    assert shown.recurrence.summary == {"n_relieved": HIDDEN, "n_relapsed": HIDDEN, "n_too_young": "<5"}


def test_where_nothing_is_told_nothing_is_hidden():
    for inputs in (Inputs(relief=stopped(50)), Inputs(relief=stopped(67)), Inputs()):
        assert hide_what_is_told(inputs) == inputs


def test_what_was_hidden_once_needs_no_more():
    shown = hide_what_is_told(Inputs(recurrence=returns()))
    again = hide_what_is_told(shown)
    assert again == shown


def test_what_no_answer_can_hide_is_refused():
    ends = pd.DataFrame({"end_reason": ["a", "b"], "n": [40, 40], "events": [37, "<5"], "estimate": ["", ""]})
    with pytest.raises(ConservationError, match="E980"):
        hide_what_is_told(Inputs(beside={"episode_ends": ends}))


def test_a_count_is_hidden_in_the_answers_and_not_where_it_is_counted_from_the_cases():
    ends = pd.DataFrame({"end_reason": ["a", "b"], "n": [60, 60], "events": [40, 20], "estimate": ["", ""]})
    desk = hide_more._Desk(Inputs(Answer(returns().table, {"n_all": 60}), beside={"episode_ends": ends}))
    assert desk.write(["episodes"]).recurrence.summary == {"n_all": HIDDEN}
    laid_out = [(cell.table, cell.text) for cell in desk.lay_out(["episodes"]).cells if cell.column in ("n_all", "n")]
    assert laid_out[:2] == [("episode_ends", "60")] * 2 and ("recurrence_summary", HIDDEN) in laid_out


FOUR = """
patient_id | visit_day | pain_pre | modalities
a          | 0         | 6        | massage; ultrasound
a          | 3         | 3        | massage
b          | 0         | 6        | massage
c          | 0         | 7        | ultrasound
c          | 9         | 6        | ultrasound
d          | 0         | 6        | heat
"""


def test_where_the_marks_of_a_handful_tell_its_numbers_the_question_is_not_answered():
    """Of four patients "<5" had both, one, the other and neither treatment: one each."""
    visits = build_visits(records(FOUR), SMALL)
    episodes = build_episodes(visits)
    refused = dict.fromkeys(QUESTIONS, NotEstimable("Not asked."))
    asked = ReportInputs(visits, episodes, **(refused | {"modality_use": describe_modality_use(episodes)}))
    shown = asked.protected()
    assert told(shown) == []
    assert shown.refusal("modality_use") == f"How often each treatment is given cannot be shown: {hide_more.WITHHELD}."
    assert shown.refusal("relief") == "Not asked."
    for name in shown.withheld:
        assert set(shown.tables()[name]["events"]) == {HIDDEN}


def test_of_several_questions_that_are_withheld_each_is_named():
    """One sentence for all would not say what is missing; every question has words of its own."""
    assert set(hide_more.SUBJECTS) == set(QUESTIONS)
    assert len(set(hide_more.SUBJECTS.values())) == len(QUESTIONS)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 8])
def test_how_a_handful_of_episodes_ended_is_told_by_no_table(n):
    lines = [f"p{i} | {day} | {6 - (i % 3) * day / 10} | massage" for i in range(n) for day in range(0, 10 * i + 1, 10)]
    visits = build_visits(records("\n".join(["patient_id | visit_day | pain_pre | modalities", *lines])), SMALL)
    refused = dict.fromkeys(QUESTIONS, NotEstimable("Not asked."))
    shown = ReportInputs(visits, build_episodes(visits), **refused).protected()
    assert told(shown) == []
