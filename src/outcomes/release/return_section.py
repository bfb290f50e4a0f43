"""Return after relief: how many came back, beside what other definitions give."""

from __future__ import annotations

from outcomes.release import figures, views
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, Section
from outcomes.release.section_parts import (
    draw_curve,
    horizon_cells,
    join_alt,
    list_notes,
    other_definitions,
    refused,
    say_range,
    some,
)
from outcomes.release.sentences import INTERVAL, Tables, bind, cell


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
    figure = draw_curve(
        tables,
        "return",
        f"Share that returned, by days since the landmark ({landmark} days after relief)",
        alt,
        figures.return_curve,
        result,
        "recurrence_curve",
    )
    table = views.horizon_table(
        tables,
        "recurrence",
        "Share returned by fixed days",
        "Within days",
        "Returned",
        "Returns recorded",
        "Relieved episodes",
    )
    band = say_range(
        tables,
        "recurrence_definitions",
        {"long": {"gap_days": 180}, "short": {"gap_days": 30}},
        "Where episodes end only by a gap without visits it is {short} with a gap of 30 days and {long} with one of "
        "180: the definition moves the figure this far.",
    )
    caption = f"Returned within {day} days under other definitions"
    other = other_definitions(tables, "recurrence_definitions", caption, "Returned")
    blocks: tuple[Block, ...] = (*figure, table, *other, *list_notes(result))
    return Section("return", "Return after relief", (*some(lead), *some(band)), blocks, "descriptive")
