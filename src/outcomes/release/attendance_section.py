"""Attendance: how many visits an episode has, how they drop off, how episodes end, and how those who left had fared."""

from __future__ import annotations

import dataclasses
from typing import Any

from outcomes.release import views
from outcomes.release.discharges import NOT_RECORDED, SENT_ON, is_discharge_recorded
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, FigureView, Section, Sentence, TableView, number_columns
from outcomes.release.relief_views import last_score
from outcomes.release.section_parts import draw, explain_dashes, fold, join_alt, list_notes, some
from outcomes.release.sentences import Tables, bind, cell, format_count, format_percent, interval_words, say
from outcomes.release.tables import is_pain_never_rated, say_why_no_ends, to_numbers
from outcomes.release.unit_figures import drop_off

SHOWN_QUARTERS = 6


def attendance_section(inputs: ReportInputs, tables: Tables) -> Section:
    """Bands of visits and ends as before; between them the steps from visit to visit."""
    lead = (*some(_say_ends(inputs, tables)), *_say_steps(inputs, tables))
    result = inputs.answer("attendance")
    if result is None and inputs.refusal("attendance"):
        lead = (*lead, say(inputs.refusal("attendance"), "not estimable"))
    bands = views.counts_table(
        tables["visits_per_episode"],
        "visits_per_episode",
        "Visits in an episode, maintenance left out",
        "visits",
        "Visits",
        "Episodes",
    )
    # The picture is of relief and return: where nobody was rated, the table alone says how many came again.
    drawn = _draw(result, tables) if result is not None and not is_pain_never_rated(inputs.episodes) else ()
    steps = _steps_table(tables) if result is not None else ()
    blocks: tuple[Block, ...] = (
        *drawn,
        *(fold(steps) if drawn else steps),
        *_quarters_table(tables),
        *fold((bands,)),
        _ends_table(inputs, tables),
        *(list_notes(result) if result is not None else ()),
    )
    return Section("attendance", "Attendance", lead, blocks, "descriptive")


def _say_ends(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if why := say_why_no_ends(inputs.episodes):
        return say(f"How episodes end: {why}.", "not estimable")
    if is_pain_never_rated(inputs.episodes):
        return bind(
            tables,
            "{once} of episodes are a single visit. None of those who stopped coming has a pain score before "
            "treatment on record: how many were not relieved cannot be told.",
            {"once": cell("visits_per_episode", "estimate", "percent", visits="1")},
            "None of those who stopped coming has a pain score before treatment on record: how many were not relieved "
            "cannot be told.",
        )
    days, is_recorded = inputs.episodes.protocol.dropout.no_visit_days, is_discharge_recorded(inputs.episodes)
    unseen = (
        "" if is_recorded else f" {NOT_RECORDED}: some of these may have been sent on, so the share is at most this."
    )
    rest = (
        f"{{silent}} end in a silent stop: not relieved at {last_score(tables)}, "
        f"{'not discharged, ' if is_recorded else ''}not seen for {days} days.{unseen} "
        "Whether these patients got better is not known."
    )
    silent = cell("episode_ends", "estimate", "percent", end_reason="silent_stop")
    cells = {
        "once": cell("visits_per_episode", "estimate", "percent", visits="1"),
        "n_once": cell("visits_per_episode", "events", "count", visits="1"),
        "n_all": cell("visits_per_episode", "n", "count", visits="1"),
        "silent": silent,
    }
    # With its count: 55 of 12,877 are 0 % as percent are written here, and not none.
    both = bind(tables, f"{{n_once}} of {{n_all}} episodes ({{once}}) are a single visit, and {rest}", cells)
    return both or bind(
        tables,
        rest.replace("{silent} end", "{silent} of episodes end"),
        {"silent": silent},
        "How many episodes end in a silent stop cannot be told: the number is too small to show, or would give a small "
        "one away.",
    )


def _ends_table(inputs: ReportInputs, tables: Tables) -> TableView:
    """How episodes ended; an end that this export cannot tell is no row of 0, but named below."""
    table = tables["episode_ends"]
    hidden = () if is_discharge_recorded(inputs.episodes) else SENT_ON
    if inputs.episodes.has_calendar:
        hidden = (*hidden, "follow_up_unknown")
    table = table[~(table["end_reason"].isin(hidden) & (table["events"].astype(str) == "0"))]
    view = views.counts_table(table, "episode_ends", "How episodes ended", "label", "End", "Episodes")
    unseen = SENT_ON[0] in hidden
    note = f"{NOT_RECORDED}; those sent on are counted by when they were last seen, as if they had stopped."
    return dataclasses.replace(view, note=note) if unseen else view


def _say_steps(inputs: ReportInputs, tables: Tables) -> tuple[Sentence, ...]:
    """How many come for a second visit, and for a fourth; open episodes counted for as long as they were watched."""
    result = inputs.answer("attendance")
    if result is None:
        return ()
    days = int(result.summary["within_days"])
    second = bind(
        tables,
        "An estimated {second} of episodes come for a second visit and {fourth} for a fourth; episodes that may still "
        "have another are counted for as long as they were watched.",
        {
            "second": cell("attendance", "reach", "percent", group="all", within_days=days, visit=1),
            "fourth": cell("attendance", "reach", "percent", group="all", within_days=days, visit=3),
        },
    )
    return some(second)


def _draw(result: Any, tables: Tables) -> tuple[FigureView, ...]:
    left = result.more["left"]
    if not len(left) or not to_numbers(left.loc[left["reason"] == "came", "estimate"]).notna().any():
        return ()
    said = [
        bind(
            tables,
            f"Of those at visit {visit}, {{came}} came again, {{relieved}} did not and were relieved, {{silent}} did "
            "not and were not, or it is not known.",
            {
                name: cell("attendance_left", "estimate", "percent", visit=visit, reason=reason)
                for name, reason in (("came", "came"), ("relieved", "relieved"), ("silent", "not_relieved"))
            },
        )
        for visit in (1, 2, 3)
    ]
    caption = (
        "One bar a visit: of the episodes that came to it and were watched long enough to tell, those that came for "
        "another, and how the others had fared at their last score. Hidden parts are left blank."
    )
    title = "What became of episodes at each visit"
    return (draw("drop-off", title, join_alt(*said), caption, drop_off, result, (2.8, 3.0), "attendance_left"),)


def _steps_table(tables: Tables) -> tuple[TableView, ...]:
    """The steps of all episodes, one row a visit."""
    table = tables.get("attendance")
    table = None if table is None else table[table["group"] == "all"]
    if table is None or table.empty:
        return ()
    found = {(row["visit"], row["within_days"]): row for row in table.to_dict("records")}
    *sooner, longest = sorted(set(table["within_days"]))
    heads = [f"Came again within {days} days" for days in (*sooner, longest)]
    columns = number_columns("Visit", [*heads, interval_words(tables), "On record", "Of"])
    rows = tuple(
        (
            format_count(visit),
            *(views.shown(found[visit, days]["estimate"], format_percent) for days in (*sooner, longest)),
            views.shown_interval(found[visit, longest]),
            views.shown(found[visit, longest]["events"], format_count),
            views.shown(found[visit, longest]["n"], format_count),
        )
        for visit in dict.fromkeys(table["visit"])
    )
    note = (
        f"Interval and numbers: within {longest} days, the last before a gap opens a new episode. Estimated where not "
        "all were watched that long; a dash where too few were."
    )
    return (TableView("attendance", "From visit to visit", columns, rows, note, "attendance"),)


def _quarters_table(tables: Tables) -> tuple[TableView, ...]:
    """Share that came to some visits, by starting quarter; quarters that are too young have no value."""
    if "attendance_by_quarter" not in tables:
        return ()
    table = tables["attendance_by_quarter"]
    labelled = table.assign(
        label=[
            f"Visit {visit} within {days} days"
            for visit, days in zip(table["visit"], table["within_days"], strict=True)
        ]
    )
    quarters = sorted(set(table["quarter"]))[-SHOWN_QUARTERS:]
    caption = "Share of a starting quarter's episodes that came to a visit"
    view = views.pivot_table(labelled, "attendance_by_quarter", caption, "label", quarters)
    return (explain_dashes(view, "too few episodes began in that quarter for a share"),)
