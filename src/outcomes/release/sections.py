"""The parts of the page after the first screen; each degrades to the sentence that says why it is empty."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from outcomes.release import figures, views
from outcomes.release.first_page import latest_mature
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, FigureView, Section, Sentence, Terms, Text
from outcomes.release.sentences import INTERVAL, Tables, bind, cell, format_percent, literal, say
from outcomes.release.svg import to_svg
from outcomes.release.words import glossary, quarter_words, relief_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, NARROW = 7.2, 3.7
TABLE_QUARTERS = 6
ALL_TERMS = 25
MOST_NOTES = 8


def make_sections(inputs: ReportInputs, tables: Tables) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    makers = (_quarters, _relief, _return, _mix, _attendance, _quality, _definitions)
    return tuple(make(inputs, tables) for make in makers)


def draw(
    id: str,
    title: str,
    alt: str,
    caption: str,
    plot: Callable[..., Axes],
    result: Any,
    heights: tuple[float, float],
    csv: str,
    panels: bool = False,
) -> FigureView:
    """Draw a figure twice, for a page and for a phone.

    Parameters
    ----------
    plot : callable
        A function of `figures`: ``plot(result, ax=..., narrow=...)``.
    heights : (float, float)
        Inches of the wide and the narrow drawing.
    panels : bool
        Whether the figure places its own panels and needs the whole area.
    """
    from matplotlib.figure import Figure

    drawn = []
    for narrow, width, height in ((False, WIDE, heights[0]), (True, NARROW, heights[1])):
        with figures.style():
            figure = Figure(figsize=(width, height), layout=None if panels else "constrained")
            ax = figure.add_axes((0, 0, 1, 1)) if panels else figure.subplots()
            plot(result, ax=ax, narrow=narrow)
            drawn.append(to_svg(figure, f"{id}-{'narrow' if narrow else 'wide'}"))
    return FigureView(f"figure-{id}", title, alt, caption, drawn[0], drawn[1], csv)


def _quarters(inputs: ReportInputs, tables: Tables) -> Section:
    review = inputs.answer("quarter_review")
    if review is None:
        return _refused("quarters", "Quarter by quarter", inputs.refusal("quarter_review"))
    table = tables["quarter_review"]
    n_panels = table["indicator"].nunique()
    lead = say(
        "Episodes are counted in the quarter in which they start. Grey quarters are too young to be judged. "
        "Neighbouring "
        "quarters always differ a little; whether a difference is more than chance is not decided here."
    )
    alt = _alt(
        bind(
            tables,
            "Episodes started: {n} in " + inputs.quarter + ".",
            {"n": cell("quarter_review", "estimate", "count", indicator="episodes_started", quarter=inputs.quarter)},
        ),
        *(_alt_indicator(tables, name, inputs.quarter) for name in dict.fromkeys(table["indicator"])),
    )
    figure = draw(
        "quarters",
        "Each indicator over the quarters",
        alt,
        "Line and dots: value of each quarter. Upright lines: 95 % interval. Grey: too early to tell. The number "
        "is that of the "
        "large dot, the newest quarter that can be judged.",
        figures.quarter_lines,
        review,
        (1.7 * -(-n_panels // 3), 1.05 * n_panels),
        "quarter_review",
        panels=True,
    )
    quarters = sorted(set(table["quarter"]))[-TABLE_QUARTERS:]
    shown = views.pivot_table(
        table,
        "quarter_review",
        "Indicators by starting quarter",
        "label",
        quarters,
        lambda row, value: views.write_indicator(row["unit"], value),
    )
    return Section("quarters", "Quarter by quarter", (lead,), (figure, shown, *_notes(review)), "descriptive")


def _relief(inputs: ReportInputs, tables: Tables) -> Section:
    result = inputs.answer("relief")
    if result is None:
        return _refused("relief", "Time to relief", inputs.refusal("relief"))
    protocol = inputs.episodes.protocol
    day = protocol.horizons_days.primary
    lead = bind(
        tables,
        f"An estimated {{value}} of {{n}} episodes had a pain score {relief_words(protocol)} by day {day} "
        f"({INTERVAL}). It is on "
        "record for {events}; those who stopped coming earlier are taken to fare like those who stayed.",
        {**_cells("relief", day), "events": cell("relief", "events", "count", horizon_days=day)},
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
    alt = _alt(
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
    return Section(
        "relief", "Time to relief", (*_some(lead), *_some(median)), (*figure, table, *_notes(result)), "descriptive"
    )


def _return(inputs: ReportInputs, tables: Tables) -> Section:
    result = inputs.answer("recurrence")
    if result is None:
        return _refused("return", "Return after relief", inputs.refusal("recurrence"))
    protocol = inputs.episodes.protocol
    day, landmark = protocol.horizons_days.primary_recurrence, protocol.recurrence.landmark_days
    lead = bind(
        tables,
        f"Of {{n}} episodes that were relieved and stayed so for {landmark} days, an estimated {{value}} had come "
        "back to this "
        f"clinic within {day} days ({INTERVAL}). The others had not returned here; they may have had pain or gone "
        "elsewhere.",
        _cells("recurrence", day),
        f"The share that returned within {day} days cannot be shown: too few episodes were observed that long.",
    )
    alt = _alt(
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
    return Section("return", "Return after relief", _some(lead), (*figure, table, *_notes(result)), "descriptive")


def _draw_curve(
    id: str, title: str, alt: str, plot: Callable[..., Axes], result: Any, csv: str
) -> tuple[FigureView, ...]:
    """Draw a curve; nothing where no day of it can be shown."""
    if not any(isinstance(value, float) and value == value for value in result.curve["estimate"].tolist()):
        return ()
    caption = f"Band: 95 % interval at each day. Number observed: {figures.AT_RISK_CONVENTION}."
    return (draw(id, title, alt, caption, plot, result, (2.9, 3.2), csv),)


def _mix(inputs: ReportInputs, tables: Tables) -> Section:
    result = inputs.answer("modality_use")
    if result is None:
        return _refused("treatments", "Treatment mix", inputs.refusal("modality_use"))
    table = tables["modality_use"]
    if inputs.quarter:
        table = table[table["quarter"] <= inputs.quarter]
        result = dataclasses.replace(result, table=table)
    if table.empty:
        return _refused("treatments", "Treatment mix", f"No treatment was recorded up to {inputs.quarter}.")
    quarters = sorted(set(table["quarter"]))[-TABLE_QUARTERS:]
    newest = [f for f in dict.fromkeys(table["family"]) if _shown_share(table, f, quarters[-1]) > 0]
    ranked = sorted(newest, key=lambda f: -float(_row(table, f, quarters[-1])["estimate"]))[:3]
    named = [f"{literal(_row(table, f, quarters[-1])['label']).lower()} {{{f}}}" for f in ranked]
    when = f"In the {quarter_words(quarters[-1])}" if "Q" in quarters[-1] else "Over all visits"
    lead = bind(
        tables,
        f"{when} the families seen most often were {', '.join(named)} of treatment visits. A visit can hold several, "
        "so the shares need not add up to 100 %.",
        {f: cell("modality_use", "estimate", "percent", quarter=quarters[-1], family=f) for f in ranked},
    )
    if not ranked:
        lead = say("The shares of this quarter rest on too few visits to be shown.", "not estimable")
    shown = views.pivot_table(
        table,
        "modality_use",
        "Share of treatment visits" + (", by quarter" if len(quarters) > 1 else ""),
        "label",
        quarters,
        lambda _, value: format_percent(value),
    )
    figure = _draw_mix(result, _alt(lead))
    return Section("treatments", "Treatment mix", _some(lead), (figure, shown, *_notes(result)), "descriptive")


def _draw_mix(result: Any, alt: str) -> FigureView:
    families, quarters = result.table["family"].nunique(), result.table["quarter"].nunique()
    title, caption = "Share of treatment visits with each family", "Only what was recorded is counted."
    if quarters == 1:
        heights = (0.4 + 0.235 * families, 0.4 + 0.25 * families)
        return draw("treatments", title, alt, caption, figures.modality_mix, result, heights, "modality_use")
    caption = f"All panels have the same scale. Upright lines: 95 % interval. {caption}"
    heights = (1.5 * -(-families // 3), 1.0 * families)
    return draw(
        "treatments",
        f"{title}, by quarter",
        alt,
        caption,
        figures.modality_mix,
        result,
        heights,
        "modality_use",
        panels=True,
    )


def _attendance(inputs: ReportInputs, tables: Tables) -> Section:
    lead = bind(
        tables,
        "{once} of episodes are a single visit, and {silent} end in a silent stop: not relieved at the last score, not "
        "discharged, not seen again. Whether these patients got better is not known.",
        {
            "once": cell("visits_per_episode", "estimate", "percent", visits="1"),
            "silent": cell("episode_ends", "estimate", "percent", end_reason="silent_stop"),
        },
        "Attendance rests on too few episodes to be described in a sentence.",
    )
    bands = views.counts_table(
        tables["visits_per_episode"],
        "visits_per_episode",
        "Visits in an episode, maintenance left out",
        "visits",
        "Visits",
        "Episodes",
    )
    ends = views.counts_table(tables["episode_ends"], "episode_ends", "How episodes ended", "label", "End", "Episodes")
    return Section("attendance", "Attendance", _some(lead), (bands, ends), "descriptive")


def _quality(inputs: ReportInputs, tables: Tables) -> Section:
    facts = ("rows_in", "visits", "merged", "set_aside", "not_data")
    run = {name: cell("run", "value", "count", fact=name) for name in facts}
    lead = [
        bind(
            tables,
            "{rows_in} rows came in: {visits} became visits, {merged} were merged into another row of the same day, "
            "{set_aside} were set aside, and {not_data} are not visits (blank lines, no-shows, totals). The "
            "numbers add up.",
            run,
        )
    ]
    blocks: list[Block] = [views.ledger_table(inputs.episodes.ledger)]
    result = inputs.answer("completeness")
    if result is None:
        lead.append(say(inputs.refusal("completeness"), "not estimable"))
    else:
        n_fields = len(result.table) - len(result.summary.get("absent_fields", ()))
        blocks[:0] = [
            draw(
                "completeness",
                "Share of visits in which each field is filled",
                _completeness_alt(tables),
                "Only fields the export has; fields it lacks switch off the questions that need them.",
                figures.completeness,
                result,
                (0.4 + 0.235 * n_fields, 0.4 + 0.25 * n_fields),
                "completeness",
            )
        ]
    if len(tables["set_aside"]):
        blocks.append(views.set_aside_table(tables["set_aside"]))
    if len(tables["unknown_terms"]):
        blocks.append(views.unknown_table(tables["unknown_terms"].head(ALL_TERMS)))
    return Section("quality", "Data quality", tuple(s for s in lead if s is not None), tuple(blocks), "descriptive")


def _definitions(inputs: ReportInputs, tables: Tables) -> Section:
    lead = say("What the words on this page mean in this run. Other definitions give other numbers.")
    return Section("definitions", "Definitions", (lead,), (Terms(glossary(inputs.episodes.protocol)),), "descriptive")


def _refused(id: str, title: str, reason: str) -> Section:
    return Section(id, title, (say(reason, "not estimable"),), (), "not estimable")


def _cells(name: str, day: int) -> dict[str, Any]:
    where = {"horizon_days": day}
    return {
        "value": cell(name, "estimate", "percent", **where),
        "n": cell(name, "n", "count", **where),
        "low": cell(name, "conf_low", "points", **where),
        "high": cell(name, "conf_high", "points", **where),
    }


def _alt(*sentences: Sentence | None, empty: str = "No value can be shown.") -> str:
    return " ".join(sentence.text for sentence in sentences if sentence is not None) or empty


def _alt_indicator(tables: Tables, name: str, quarter: str) -> Sentence | None:
    table = tables["quarter_review"]
    last = latest_mature(table, name, quarter)
    row = table[(table["indicator"] == name) & (table["quarter"] == last)]
    if row.empty or not figures.is_share(row["unit"].iloc[0]):
        return None
    label = literal(row["label"].iloc[0])
    where = cell("quarter_review", "estimate", "percent", indicator=name, quarter=last)
    return bind(tables, f"{label}: {{value}} in {last}.", {"value": where})


def _completeness_alt(tables: Tables) -> str:
    table = tables["completeness"].sort_values(["estimate", "field"])
    ends = [table.iloc[0], table.iloc[-1]] if len(table) > 1 else [table.iloc[0]] if len(table) else []
    parts = [
        bind(
            tables,
            f"{literal(row['label'])}: {{value}}.",
            {"value": cell("completeness", "estimate", "percent", field=str(row["field"]))},
        )
        for row in ends
    ]
    return "Least and most often filled. " + _alt(*parts)


def _row(table: Any, family: str, quarter: str) -> Any:
    return table[(table["family"] == family) & (table["quarter"] == quarter)].iloc[0]


def _shown_share(table: Any, family: str, quarter: str) -> float:
    rows = table[(table["family"] == family) & (table["quarter"] == quarter)]
    value = rows["estimate"].iloc[0] if len(rows) == 1 else 0.0
    return 0.0 if isinstance(value, str) or value != value else float(value)


def _notes(result: Any) -> tuple[Text, ...]:
    """What the question itself says about its limits."""
    notes = list(result.notes)
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"And {len(notes) - MOST_NOTES} more of the same kind."]
    return (Text(tuple(say(note) for note in notes), "What limits these numbers"),) if notes else ()


def _some(sentence: Sentence | None) -> tuple[Sentence, ...]:
    return () if sentence is None else (sentence,)
