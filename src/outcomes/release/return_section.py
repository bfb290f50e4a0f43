"""Return after relief: how many came back, beside what other definitions give, how often, and the parts that follow."""

from __future__ import annotations

import dataclasses
from typing import Any

from outcomes.release import figures, return_views
from outcomes.release.factor_figure import factor_height, split_factors
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, FigureView, Part, Section, Sentence, Text
from outcomes.release.return_figures import gap_height
from outcomes.release.return_words import (
    say_exercise,
    say_factors,
    say_how_often,
    say_main_trigger,
    say_maintenance,
    say_range_of_factor,
    say_return,
    say_triggers,
)
from outcomes.release.section_parts import (
    draw,
    draw_curve,
    files_of,
    fold,
    join_alt,
    list_notes,
    other_definitions,
    refused,
    say_range,
)
from outcomes.release.sentences import Tables, bind, cell, interval_words, say
from outcomes.release.tables import to_numbers
from outcomes.release.trigger_figure import NO_RIBBONS, has_ribbons
from outcomes.release.words import lower_first

ELSEWHERE = (
    "Elsewhere, of people whose low back pain had ended, 69 % had it again within a year and 41 % sought care for it "
    "(da Silva et al. 2019, doi:10.1016/j.jphys.2019.04.010); in another cohort 33 % had it again and 18 % sought care "
    "(Machado et al. 2017, doi:10.1093/ptj/pzx067). They were asked at home, wherever they went: that stands beside "
    "these records and is no finding of them."
)
"""What published cohorts found: so far apart that no clinic can be held against either."""


def return_section(inputs: ReportInputs, tables: Tables) -> Section:
    """How many returned, how far the definition moves the figure, how often, who, and after what."""
    result = inputs.answer("recurrence")
    if result is None:
        return refused("return", "Return after relief", inputs.refusal("recurrence"))
    protocol = inputs.episodes.protocol
    day = protocol.horizons_days.primary_recurrence
    caption = f"Returned within {day} days under other definitions"
    blocks: tuple[Block, ...] = (
        *_definitions(result, tables, day),
        *_curve(result, tables, protocol),
        return_views.return_table(tables),
        *fold(other_definitions(tables, "recurrence_definitions", caption, "Returned")),
        *fold(return_views.composite_table(tables)),
        Text((say(ELSEWHERE),), "From elsewhere"),
        *list_notes(result),
        *_how_often(result, tables, protocol),
        *_factors(inputs, tables, protocol),
        *_triggers(inputs, tables, protocol),
        *_exercise(inputs, tables, protocol),
    )
    return Section("return", "Return after relief", say_return(protocol, tables), blocks, "descriptive")


def _definitions(result: Any, tables: Tables, day: int) -> tuple[FigureView, ...]:
    """The share under each definition; nothing where fewer than two can be shown."""
    name = "recurrence_definitions"
    if name not in tables or to_numbers(tables[name]["estimate"]).notna().sum() < 2:
        return ()
    alt = join_alt(
        say_range(tables, name, {"value": {"kind": "reported"}}, "As reported: {value}."),
        *(
            say_range(tables, name, {"value": {"kind": "gap", "gap_days": gap}}, f"Gap of {gap} days: {{value}}.")
            for gap in sorted(tables[name].loc[tables[name]["kind"] == "gap", "gap_days"])
        ),
    )
    title = f"Returned within {day} days, as episodes and returns are defined"
    caption = (
        f"Diamond and dotted line: the definition of this report. Bars: {interval_words(tables)}. The joined dots are "
        "the same records cut at longer and longer gaps."
    )
    heights = gap_height(result.definitions, narrow=False), gap_height(result.definitions, narrow=True)
    return (draw("return-definitions", title, alt, caption, figures.gap_sensitivity, result, heights, name),)


def _curve(result: Any, tables: Tables, protocol: Any) -> tuple[FigureView, ...]:
    where = ((d, cell("recurrence", "estimate", "percent", horizon_days=d)) for d in protocol.horizons_days.recurrence)
    said = (bind(tables, f"{{value}} returned within {d} days.", {"value": value}) for d, value in where)
    days = protocol.recurrence.landmark_days
    title = f"Share that returned, by days since the landmark ({days} days after relief)"
    alt = join_alt(*said, empty="No curve can be shown.")
    return draw_curve(tables, "return", title, alt, figures.return_curve, result, "recurrence_curve")


def _how_often(result: Any, tables: Tables, protocol: Any) -> tuple[Block, ...]:
    """Mean number of returns and maintenance care; nothing where neither can be shown."""
    often, apart = say_how_often(protocol, tables), say_maintenance(protocol, tables)
    shown: tuple[Block, ...] = (
        *fold(_means(result, tables, often)),
        *fold(return_views.means_table(tables)),
        *fold(return_views.maintenance_table(tables)),
    )
    said = (*often, *apart)
    if not shown and not said:
        return ()
    if not said:
        said = (say("How often patients return cannot be shown: too few were followed.", "not estimable"),)
    return (Part("How often the same patient returns", said), *shown)


def _means(result: Any, tables: Tables, said: tuple[Sentence, ...]) -> tuple[FigureView, ...]:
    curve = getattr(result, "mean_curve", None)
    if curve is None or not to_numbers(curve.loc[curve["day"] >= 1, "estimate"]).notna().any():
        return ()
    title, name = "Mean number of returns of a patient, by days since the first landmark", "recurrence_mean_curve"
    caption = (
        f"Tinted: {interval_words(tables)} at each day, by patient. Number observed: patients still under observation."
    )
    alt = join_alt(*said)
    return (draw("mean-returns", title, alt, caption, figures.mean_returns, result, (2.7, 3.0), name),)


def _factors(inputs: ReportInputs, tables: Tables, protocol: Any) -> tuple[Block, ...]:
    title = "Who comes back"
    result = inputs.answer("return_factors")
    if result is None:
        return (_refused_part(inputs, "return_factors", title),)
    said, day = say_factors(protocol, tables), protocol.horizons_days.primary_recurrence
    pictures = _draw_factors(result, tables, day)
    return (Part(title, said), *fold(pictures), *list_notes(result))


def _draw_factors(result: Any, tables: Tables, day: int) -> tuple[FigureView, ...]:
    """The shares by level; more than a page holds are drawn in several pictures, no factor cut in two."""
    pictures: list[FigureView] = []
    csv = files_of(tables, "return_factors", "return_factors_proportional")
    for i, table in enumerate(split_factors(result.table)):
        some = dataclasses.replace(result, table=table)
        labels = [str(label) for label in dict.fromkeys(table["factor_label"])]
        title = f"Returned within {day} days, by {', '.join(lower_first(label) for label in labels)}"
        caption = (
            f"Dots: adjusted, with their {interval_words(tables)}: what it would be if all groups had the same mix of "
            "age, sex, first score, duration and earlier episodes. Rings: as observed."
        )
        alt = join_alt(*(say_range_of_factor(tables, str(name)) for name in dict.fromkeys(table["factor"])))
        heights = factor_height(table, narrow=False), factor_height(table, narrow=True)
        name = "return-factors" + (f"-{i + 1}" if i else "")
        picture = draw(name, title, alt, caption, figures.return_factors, some, heights, csv)
        pictures.append(picture)
    return tuple(pictures)


def _triggers(inputs: ReportInputs, tables: Tables, protocol: Any) -> tuple[Block, ...]:
    title = "Set off by the same again?"
    result = inputs.answer("triggers")
    if result is None:
        return (_refused_part(inputs, "triggers", title),)
    said = say_triggers(protocol, tables)
    picture: tuple[FigureView, ...] = ()
    if not has_ribbons(result.table):
        said = (*said, say(NO_RIBBONS, "not estimable"))
    else:
        head = "What set off the first episode (left) and the return (right)"
        caption = (
            "Each ribbon is as wide as its number of returns. Blue and hatched: the same trigger again, with its share "
            "of the first. Short grey ends at the left: returns in cells that are not shown, because a small one could "
            "be worked out from them."
        )
        alt = join_alt(*said, say_main_trigger(tables))
        picture = (draw("triggers", head, alt, caption, figures.trigger_flow, result, (3.5, 4.0), "triggers"),)
    table = return_views.same_table(tables)
    return (Part(title, said), *picture, *(fold(table) if picture else table), *list_notes(result))


def _exercise(inputs: ReportInputs, tables: Tables, protocol: Any) -> tuple[Block, ...]:
    title = "Rehabilitation exercise, and return"
    result = inputs.answer("rehabilitation")
    if result is None:
        return (_refused_part(inputs, "rehabilitation", title),)
    said = say_exercise(protocol, tables)
    return (Part(title, said), *fold(return_views.rehabilitation_table(tables)), *list_notes(result))


def _refused_part(inputs: ReportInputs, name: str, title: str) -> Part:
    return Part(title, (say(inputs.refusal(name), "not estimable"),))
