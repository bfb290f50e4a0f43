"""The two sections with a curve: time to relief and return after relief, each beside what other definitions give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from outcomes.release import figures, views
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, FigureView, Section, Sentence, TableView
from outcomes.release.section_parts import draw, horizon_cells, join_alt, list_notes, refused, some
from outcomes.release.sentences import INTERVAL, Tables, bind, cell
from outcomes.release.words import relief_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def relief_section(inputs: ReportInputs, tables: Tables) -> Section:
    """How soon relief was reached, and how far the definition of relief moves the figure."""
    result = inputs.answer("relief")
    if result is None:
        return refused("relief", "Time to relief", inputs.refusal("relief"))
    protocol = inputs.episodes.protocol
    day = protocol.horizons_days.primary
    lead = bind(
        tables,
        f"An estimated {{value}} of {{n}} episodes had a pain score {relief_words(protocol)} by day {day} "
        f"({INTERVAL}). It is on "
        "record for {events}; those who stopped coming earlier are taken to fare like those who stayed.",
        {**horizon_cells("relief", day), "events": cell("relief", "events", "count", horizon_days=day)},
        f"The share relieved by day {day} cannot be shown: too few episodes were observed that long.",
    )
    median = bind(
        tables,
        "The estimated median is day {day}: half of the {n} episodes had come down by then.",
        {
            "day": cell("relief_summary", "value", "count", item="median_days"),
            "n": cell("relief_summary", "value", "count", item="n"),
        },
    )
    alt = join_alt(
        *(
            bind(
                tables,
                f"{{value}} relieved by day {d}.",
                {"value": cell("relief", "estimate", "percent", horizon_days=d)},
            )
            for d in protocol.horizons_days.relief
        ),
        empty="No curve can be shown.",
    )
    figure = _draw_curve(
        "relief",
        "Share of episodes relieved, by days since the first visit",
        alt,
        figures.relief_curve,
        result,
        "relief_curve",
    )
    table = views.horizon_table(
        result.table, "relief", "Share relieved by fixed days", "By day", "Relieved", "Relief recorded", "Episodes"
    )
    band = _band(
        tables,
        "relief_definitions",
        {"low": {"rule": "strict"}, "high": {"rule": "any"}},
        f"By day {day} it is {{low}} when a second score must confirm relief and {{high}} when any single score "
        "counts: the definition moves the figure this far.",
    )
    caption = f"Relieved by day {day} under other definitions"
    other = _other_definitions(tables, "relief_definitions", caption, "Relieved")
    lead_sentences = (*some(lead), *some(median), *some(band))
    blocks: tuple[Block, ...] = (*figure, table, *other, *list_notes(result))
    return Section("relief", "Time to relief", lead_sentences, blocks, "descriptive")


def return_section(inputs: ReportInputs, tables: Tables) -> Section:
    """How many came back with pain, and how far the definition of an episode moves the figure."""
    result = inputs.answer("recurrence")
    if result is None:
        return refused("return", "Return after relief", inputs.refusal("recurrence"))
    protocol = inputs.episodes.protocol
    day, landmark = protocol.horizons_days.primary_recurrence, protocol.recurrence.landmark_days
    lead = bind(
        tables,
        f"Of {{n}} episodes that were relieved and stayed so for {landmark} days, an estimated {{value}} had come "
        f"back with pain within {day} days ({INTERVAL}). The others had not returned to a clinic in these records; "
        "they may have had pain or gone elsewhere.",
        horizon_cells("recurrence", day),
        f"The share that returned within {day} days cannot be shown: too few episodes were observed that long.",
    )
    alt = join_alt(
        *(
            bind(
                tables,
                f"{{value}} returned within {d} days.",
                {"value": cell("recurrence", "estimate", "percent", horizon_days=d)},
            )
            for d in protocol.horizons_days.recurrence
        ),
        empty="No curve can be shown.",
    )
    figure = _draw_curve(
        "return",
        f"Share that returned, by days since the landmark ({landmark} days after relief)",
        alt,
        figures.return_curve,
        result,
        "recurrence_curve",
    )
    table = views.horizon_table(
        result.table,
        "recurrence",
        "Share returned by fixed days",
        "Within days",
        "Returned",
        "Returns recorded",
        "Relieved episodes",
    )
    band = _band(
        tables,
        "recurrence_definitions",
        {"long": {"gap_days": 180}, "short": {"gap_days": 30}},
        "Where episodes end only by a gap without visits it is {short} with a gap of 30 days and {long} with one of "
        "180: the definition moves the figure this far.",
    )
    caption = f"Returned within {day} days under other definitions"
    other = _other_definitions(tables, "recurrence_definitions", caption, "Returned")
    blocks: tuple[Block, ...] = (*figure, table, *other, *list_notes(result))
    return Section("return", "Return after relief", (*some(lead), *some(band)), blocks, "descriptive")


def _band(tables: Tables, name: str, ends: Mapping[str, Mapping[str, Any]], words: str) -> Sentence | None:
    """Say how far other definitions move a share; nothing where one of them cannot be shown."""
    if name not in tables:
        return None
    return bind(tables, words, {key: cell(name, "estimate", "percent", **where) for key, where in ends.items()})


def _other_definitions(tables: Tables, name: str, caption: str, share: str) -> tuple[TableView, ...]:
    return (views.definitions_table(tables[name], name, caption, share),) if name in tables else ()


def _draw_curve(
    id: str, title: str, alt: str, plot: Callable[..., Axes], result: Any, csv: str
) -> tuple[FigureView, ...]:
    """Draw a curve; nothing where no day of it can be shown."""
    if not any(isinstance(value, float) and value == value for value in result.curve["estimate"].tolist()):
        return ()
    caption = f"Band: 95 % interval at each day. Number observed: {figures.AT_RISK_CONVENTION}."
    return (draw(id, title, alt, caption, plot, result, (2.9, 3.2), csv),)
