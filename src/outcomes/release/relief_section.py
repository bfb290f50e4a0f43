"""Time to relief: how soon, how far definitions and those who stopped move it, and how episodes end instead."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from outcomes.release import figures, relief_views
from outcomes.release.curve_axes import BAND, BOUNDS
from outcomes.release.discharges import NOT_RECORDED, is_discharge_recorded
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, Cell, FigureView, Section, Sentence, Text
from outcomes.release.relief_views import is_scored_once
from outcomes.release.return_words import show_or_none
from outcomes.release.section_parts import (
    draw,
    draw_curve,
    fold,
    horizon_cells,
    join_alt,
    list_notes,
    other_definitions,
    refused,
    say_range,
    some,
)
from outcomes.release.sentences import INTERVAL, NotShowable, Tables, bind, cell, look_up, say, show
from outcomes.release.tables import to_numbers, with_level
from outcomes.release.words import relief_words

BESIDE_THE_CURVE = {
    BAND[0]: "Dotted: band of the same level for the curve as a whole, from where it begins. ",
    BOUNDS[0]: "Grey: from none to all of those who stopped coming relieved. ",
}
"""What a column of the curve draws beside it, for the caption."""
ELSEWHERE = (
    "Elsewhere, of people with new low back pain in primary care, half had no pain left by day 58 (Henschke et al. "
    "2008, doi:10.1136/bmj.a171), and in a trial of pain tablets half rated it 0 or 1 of 10 for a week by day 16 or "
    "17, in each arm (Williams et al. 2014, doi:10.1016/S0140-6736(14)60805-9). They were asked at home, all of them "
    "and by other rules: that stands beside these records and is no finding of them."
)
"""What published cohorts found. It goes with any definition, for none of them asked as a clinic records."""
GRID_KEYS = ("threshold", "confirmation", "episode_rule", "gap_days")


def relief_section(inputs: ReportInputs, tables: Tables) -> Section:
    """How soon relief was reached, and what moves the figure."""
    result = inputs.answer("relief")
    if result is None:
        return refused("relief", "Time to relief", inputs.refusal("relief"))
    protocol = inputs.episodes.protocol
    day, is_recorded = protocol.horizons_days.primary, is_discharge_recorded(inputs.episodes)
    caption = f"Relieved by day {day} under other definitions"
    blocks: tuple[Block, ...] = (
        *_curve(result, tables, protocol.horizons_days.relief),
        relief_views.relief_table(tables),
        *fold(relief_views.times_table(tables)),
        *fold(relief_views.if_stopped_table(tables)),
        *_ends(result, tables, day, is_recorded),
        *other_definitions(tables, "relief_definitions", caption, "Relieved"),
        *fold(relief_views.ends_table(tables if is_recorded else _without_sent_on(tables))),
        *fold(_grid(inputs, tables, day)),
        Text((say(ELSEWHERE),), "From elsewhere"),
        *list_notes(result),
    )
    return Section("relief", "Time to relief", say_relief(protocol, tables), blocks, "descriptive")


def say_relief(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how soon relief was reached and what moves the figure; every number is looked up in the published tables."""
    day = protocol.horizons_days.primary
    tables = with_level(protocol, tables)
    cells = {**horizon_cells("relief", day), "events": cell("relief", "events", "count", horizon_days=day)}
    lead = bind(
        tables,
        f"An estimated {{value}} of {{n}} episodes had a pain score {relief_words(protocol)} by day {day} "
        f"({INTERVAL}). It is on "
        "record for {events}; those who stopped coming earlier are taken to fare like those who stayed.",
        cells,
        f"The share relieved by day {day} cannot be shown: {_why_not(protocol, tables)}.",
    )
    stopped = say_range(
        tables,
        "relief_if_stopped",
        {"none": {"horizon_days": day, "ratio": 0.0}, "all": {"horizon_days": day, "ratio": float("inf")}},
        "Whether those who stopped coming got better is not recorded: if none did it is {none}, if all did {all}.",
    )
    half = {
        name: cell("relief_times", column, "count", measure="quartile_50")
        for name, column in (("day", "estimate"), ("from", "conf_low"), ("to", "conf_high"))
    }
    such = "such a recorded score" if _is_shown(tables, cells["value"]) else f"a pain score {relief_words(protocol)}"
    came_down = f"An estimated half had {such} by day {{day}}"
    median = bind(tables, f"{came_down} ({{level}} % interval day {{from}} to {{to}}).", half)
    if median is None:
        median = bind(tables, f"{came_down}.", {"day": half["day"]})
    return (*some(lead), *some(stopped), *some(median), *some(_say_confirmed(tables, day)))


def _say_confirmed(tables: Tables, day: int) -> Sentence | None:
    """How far the share moves with what must confirm relief; of a 0 for want of second scores, say so."""
    rules = {"low": {"rule": "strict"}, "high": {"rule": "any"}}
    words = (
        f"By day {day} it is {{low}} when a second score must confirm relief and {{high}} when any single score counts."
    )
    if show_or_none(tables, cell("relief_definitions", "events", "count", rule="strict")) == "0":
        del rules["low"]
        words = (
            f"By day {day} it is {{high}} when any single score counts; no episode has a second score that confirms it."
        )
    return say_range(tables, "relief_definitions", rules, words)


def _is_shown(tables: Tables, number: Cell) -> bool:
    try:
        show(tables, number)
    except NotShowable:
        return False
    return True


def _why_not(protocol: Any, tables: Tables) -> str:
    """Why there is no share by the primary day, in words."""
    least = protocol.reporting_floor.estimate_min_episodes
    try:
        n = float(look_up(tables, cell("relief_summary", "value", "count", item="n")))
    except NotShowable:
        return "too few episodes have a first score that leaves room for relief"
    if n < least:
        return f"fewer than {least} episodes have a first score that leaves room for relief"
    if is_scored_once(tables):
        return "most episodes have a single score, which says nothing of when relief came"
    return "too few episodes without relief were still seen by then"


def _curve(result: Any, tables: Tables, horizons: tuple[int, ...]) -> tuple[FigureView, ...]:
    where = ((d, {"value": cell("relief", "estimate", "percent", horizon_days=d)}) for d in horizons)
    said = (bind(tables, f"{{value}} relieved by day {d}.", value) for d, value in where)
    title = "Share of episodes relieved, by days since the first visit"
    alt = join_alt(*said, empty="No curve can be shown.")
    beside = "".join(
        words
        for name, words in BESIDE_THE_CURVE.items()
        if name in result.curve and to_numbers(result.curve[name]).notna().any()
    )
    return draw_curve(tables, "relief", title, alt, figures.relief_curve, result, "relief_curve", beside)


def _without_sent_on(tables: Tables) -> Tables:
    """The tables as they are shown where nobody is on record as sent on: a share of 0 would say that nobody was."""
    table = tables["relief_ends"]
    return {**tables, "relief_ends": table[table["end"] != "sent_on"]}


def _ends(result: Any, tables: Tables, day: int, is_recorded: bool = True) -> tuple[FigureView, ...]:
    """The competing ends; nothing where one of them cannot be shown."""
    shares = {
        end: cell("relief_ends", "estimate", "percent", horizon_days=day, end=end)
        for end in ("relief", "stopped", *(("sent_on",) if is_recorded else ()))
    }
    words = (
        f"By day {day}, relief is on record for {{relief}} of episodes, {{stopped}} had stopped coming without it and "
        "{sent_on} had been discharged or referred without it."
        if is_recorded
        else f"By day {day}, relief is on record for {{relief}} of episodes, and {{stopped}} had stopped coming "
        f"without it. {NOT_RECORDED}: who was sent on counts as stopped."
    )
    alt = bind(tables, words, shares)
    if alt is None:
        return ()
    if not is_recorded:
        curve = result.ends_curve
        result = dataclasses.replace(result, ends_curve=curve[curve["end"] != "sent_on"])
    sent_on = (
        "Sent on: discharged or referred." if is_recorded else f"{NOT_RECORDED}: who was sent on counts as stopped."
    )
    caption = (
        f"Shares add up to 100 %; blank: still coming. {sent_on} Only episodes old enough for a "
        f"stop to be known are counted. Number observed: {figures.AT_RISK_CONVENTION}."
    )
    title = "How episodes end: relief recorded, stopped coming, or sent on"
    title = title if is_recorded else "How episodes end: relief recorded, or stopped coming"
    return (draw("ends", title, alt.text, caption, figures.competing_ends, result, (2.7, 3.0), "relief_ends_curve"),)


def _grid(inputs: ReportInputs, tables: Tables, day: int) -> tuple[FigureView, ...]:
    """Every definition at once; nothing where fewer than two can be shown."""
    result = inputs.answer("relief_grid")
    if result is None:
        return ()
    table = tables["relief_grid"]
    shares = to_numbers(table["estimate"]).to_numpy(dtype=float)
    if np.isfinite(shares).sum() < 2:
        return ()
    ends = {"low": int(np.nanargmin(shares)), "high": int(np.nanargmax(shares))}
    where = {key: {name: table[name].tolist()[row] for name in GRID_KEYS} for key, row in ends.items()}
    words = f"Relieved by day {day}: from {{low}} to {{high}}, as relief and episodes are defined."
    alt = join_alt(
        say_range(tables, "relief_grid", where, words),
        say_range(tables, "relief_grid", {"value": {"is_reported": True}}, "As reported: {value}."),
    )
    title = f"Relieved by day {day} under every definition tried"
    caption = "One dot a definition, lowest first; the marks below say which. Diamond: the definition of this report."
    plot, heights = figures.specification_curve, (3.5, 4.0)
    return (draw("definitions", title, alt, caption, plot, result, heights, "relief_grid", panels=True),)
