"""An export without a record of discharge: nobody is said not to have been discharged, and no share of it is 0 %."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.questions.missing import describe_missing
from outcomes.release import first_page, relief_section
from outcomes.release.attendance_section import attendance_section
from outcomes.release.discharges import NOT_RECORDED, is_discharge_recorded
from outcomes.release.look_into import find_to_look_into
from outcomes.release.model import TableView
from outcomes.release.sentences import NBSP
from outcomes.release.tables import collect_tables
from tables import records_of

pytestmark = pytest.mark.usefixtures("undrawn")


def unseen(reason=None):
    """Invented inputs in which nobody is on record as discharged or referred; `reason` are codes of a column for it."""
    found = fakes.inputs()
    episodes = found.episodes
    ends = episodes.columns["end_reason"]
    stopped = fakes.END_REASONS.index("silent_stop")
    sent_on = np.isin(ends, [fakes.END_REASONS.index(end) for end in ("discharged", "referred")])
    episodes.columns["end_reason"] = np.where(sent_on, stopped, ends).astype(np.int8)
    if reason is not None:
        episodes.visits.columns["discharge_reason"] = np.array(reason, np.int8)
    return found, collect_tables(found)


def words(inputs, tables):
    said = [*first_page.summarise(inputs, tables), *first_page.list_limits(inputs, tables)]
    said += [*find_to_look_into(inputs, tables), *attendance_section(inputs, tables).lead]
    return {s.text for s in said if "silent stop" in s.text or "stopped coming within" in s.text}


def ends_shown(inputs, tables):
    blocks = attendance_section(inputs, tables).blocks
    return next(block for block in blocks if isinstance(block, TableView) and block.id == "episode_ends")


@pytest.mark.parametrize("reason", [None, [-1, -1]])
def test_stops_are_at_most_the_share_where_no_discharge_is_recorded(reason):
    inputs, tables = unseen(reason)
    assert not is_discharge_recorded(inputs.episodes)
    said = words(inputs, tables)
    assert len(said) == 4
    for sentence in said:
        assert "not discharged" not in sentence
        assert NOT_RECORDED in sentence or "sent on, which this export does not record" in sentence
    view = ends_shown(inputs, tables)
    assert not {"Discharged", "Referred on", "Follow-up unknown"} & {row[0] for row in view.rows}
    assert NOT_RECORDED in view.note


def test_a_reason_on_record_is_enough_and_a_discharge_too():
    for inputs in (unseen([-1, 2])[0], fakes.inputs()):
        tables = collect_tables(inputs)
        assert is_discharge_recorded(inputs.episodes)
        assert not any(NOT_RECORDED in sentence for sentence in words(inputs, tables))
        assert {"Discharged", "Referred on"} <= {row[0] for row in ends_shown(inputs, tables).rows}


def test_nobody_is_said_to_be_sent_on_as_one_of_the_ends():
    found, tables = unseen()
    figure = relief_section._ends(found.relief, tables, 28, is_recorded=False)[0]
    assert "sent on" not in figure.title and NOT_RECORDED in figure.caption and NOT_RECORDED in figure.alt
    assert f"0{NBSP}%" not in figure.alt
    section = relief_section.relief_section(found, tables)
    ends = next(b for b in section.blocks if isinstance(b, TableView) and b.id == "relief_ends")
    assert [row[0] for row in ends.rows] == ["Relief recorded", "Stopped coming without it"]


def test_what_the_export_lacks_is_named_with_discharge_and_the_muscle_treated():
    cells = {"patient_id": ["a", "a"], "visit_date": ["2024-01-01", "2024-01-09"], "pain_pre": ["6", "2"]}
    at_once = Protocol.from_mapping({"episode": {"washout_days": 0}})
    note = next(
        n for n in describe_missing(build_episodes(build_visits(records_of(cells), at_once))).notes if "Not in" in n
    )
    assert "muscle treated" in note and "discharge reason" in note
    cells["discharge_reason"] = ["", "resolved"]
    note = next(
        n for n in describe_missing(build_episodes(build_visits(records_of(cells), at_once))).notes if "Not in" in n
    )
    assert "muscle treated" in note and "discharge" not in note
