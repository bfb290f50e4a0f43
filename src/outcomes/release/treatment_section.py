"""Treatment mix: which families were given, together with which others, in which order; pain before and after.

Use, not benefit: nothing here compares how patients fared.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from outcomes.release import figures, use_views, views
from outcomes.release.inputs import ReportInputs
from outcomes.release.marks import HIDDEN
from outcomes.release.model import Block, FigureView, Part, Section, Sentence
from outcomes.release.pathway_figure import has_orders, pathway_height
from outcomes.release.section_parts import draw, files_of, join_alt, list_notes, refused, some
from outcomes.release.sentences import (
    NBSP,
    NotShowable,
    Tables,
    bind,
    cell,
    interval_words,
    literal,
    look_up,
    say,
)
from outcomes.release.tables import to_numbers
from outcomes.release.use_figures import bundle_height, map_height
from outcomes.release.words import quarter_words, short_quarter

TABLE_QUARTERS = 6
MANY_UNREAD = 0.1


def treatment_section(inputs: ReportInputs, tables: Tables) -> Section:
    """The families by quarter, then the order of the stages, sets and pairs of families, and pain on the same day."""
    result = inputs.answer("modality_use")
    if result is None:
        return refused("treatments", "Treatment mix", inputs.refusal("modality_use"))
    table = tables["modality_use"]
    if inputs.quarter:
        table = table[table["quarter"] <= inputs.quarter]
    if table.empty:
        return refused(
            "treatments", "Treatment mix", f"No treatment was recorded up to {short_quarter(inputs.quarter)}."
        )
    quarters = sorted(set(table["quarter"]))[-TABLE_QUARTERS:]
    lead = _say_mix(table, tables, quarters[-1])
    shown = views.pivot_table(
        table,
        "modality_use",
        "Share of treatment visits" + (", by quarter" if len(quarters) > 1 else ""),
        "label",
        quarters,
    )
    # The panels say the same; without quarters the table is as short as the picture.
    more = (f"modality_use_{n}" for n in ("families", "modalities", "by_visit", "by_clinic", "by_clinician"))
    csv = files_of(tables, "modality_use", *more)
    shown = dataclasses.replace(shown, folded=len(quarters) >= 2, csv=csv)
    blocks: tuple[Block, ...] = (
        *(_draw_mix(dataclasses.replace(result, table=table), tables, join_alt(lead))),
        shown,
        *_order(result, tables),
        *_together(result, tables),
        *list_notes(result),
        *_same_visit(inputs, tables),
    )
    return Section("treatments", "Treatment mix", (*some(lead), *some(_say_unread(tables))), blocks, "descriptive")


def _say_mix(table: Any, tables: Tables, quarter: str) -> Sentence | None:
    newest = [f for f in dict.fromkeys(table["family"]) if _shown_share(table, f, quarter) > 0]
    ranked = sorted(newest, key=lambda f: -float(_row(table, f, quarter)["estimate"]))[:3]
    if not ranked:
        return say("The shares of this quarter rest on too few visits to be shown.", "not estimable")
    named = [f"{literal(_row(table, f, quarter)['label']).lower()} {{{f}}}" for f in ranked]
    when = f"In the {quarter_words(quarter)}" if "Q" in quarter else "Over all visits"
    is_hidden = (table.loc[table["quarter"] == quarter, "estimate"] == HIDDEN).any()
    who = _name_ranked(len(newest), bool(is_hidden))
    more = " Others cannot be shown, and may have been seen more often." if is_hidden else ""
    return bind(
        tables,
        f"{when} {who} {', '.join(named)} of treatment visits.{more} A visit can hold several, so the shares need not "
        f"add up to 100{NBSP}%.",
        {f: cell("modality_use", "estimate", "percent", quarter=quarter, family=f) for f in ranked},
    )


def _say_unread(tables: Tables) -> Sentence | None:
    """Say at how many visits a treatment is in unknown words, where these are so many that shares are too small."""
    where = {name: cell("modality_use_summary", "value", "count", item=name) for name in ("n_unknown_term", "n_visits")}
    try:
        unread, visits = (float(look_up(tables, one)) for one in where.values())
    except NotShowable:
        return None
    if unread <= MANY_UNREAD * visits:
        return None
    return bind(
        tables,
        "At {n_unknown_term} of {n_visits} visits a treatment is in words that no table of the codebook has: it counts "
        "for no family, and the shares of families such words belong to are too small. Say in a codebook what they "
        "mean.",
        where,
    )


def _name_ranked(n_shown: int, is_hidden: bool) -> str:
    """What the families named are: those seen most often only where no other is hidden."""
    if not is_hidden:
        return "the families seen most often were"
    if n_shown == 1:
        return "the only family whose share can be shown was"
    return "of the families whose share can be shown, those seen most often were"


def _draw_mix(result: Any, tables: Tables, alt: str) -> tuple[FigureView, ...]:
    """The panels, or bars; nothing where no share can be shown."""
    if not _any_shown(result.table, "estimate"):
        return ()
    families, quarters = result.table["family"].nunique(), result.table["quarter"].nunique()
    title, caption = "Share of treatment visits with each family", "Only what was recorded is counted."
    if quarters == 1:
        heights = (0.4 + 0.235 * families, 0.4 + 0.25 * families)
        return (draw("treatments", title, alt, caption, figures.modality_mix, result, heights, "modality_use"),)
    caption = (
        "The number is that of the newest quarter, if it can be shown. All panels have the same scale. Upright lines: "
        f"{interval_words(tables)}. {caption}"
    )
    heights = (1.25 * -(-families // 3), 1.0 * families)
    head = f"{title}, by quarter"
    return (draw("treatments", head, alt, caption, figures.modality_mix, result, heights, "modality_use", True),)


def _together(result: Any, tables: Tables) -> tuple[Block, ...]:
    """Sets of families at a visit, and pairs at the first treatment visit."""
    title, said = "What is given together", use_views.say_together(tables)
    blocks: list[Block] = [Part(title, said)]
    alt = join_alt(*said)
    if _any_shown(result.bundles, "estimate"):
        head = "Sets of families at one treatment visit, the commonest first"
        caption = "Each row is one set: its dots are the families given at the same visit, the bar how often."
        heights = bundle_height(result, narrow=False), bundle_height(result, narrow=True)
        picture = draw("bundles", head, alt, caption, figures.bundles, result, heights, "modality_use_bundles")
        blocks.append(dataclasses.replace(picture, folded=True))
    if len(result.co_use):
        head = "Which pairs occur at the first treatment visit of an episode"
        caption = (
            "Number of first visits with both; on the diagonal, with that family at all. Below it the correlation: "
            "blue and + together more often than chance alone would have it, orange and \u2212 less often. Pairs that "
            f"never go apart, or never together, cannot be told apart by any comparison.{_explain_marks(result.co_use)}"
        )
        csv = " ".join(n for n in ("modality_use_co_use", "modality_use_first_treatment") if n in tables)
        heights = map_height(result, narrow=False), map_height(result, narrow=True)
        alt = join_alt(*use_views.say_pairs(tables), empty="No pair of families can be shown with its number.")
        picture = draw("pairs", head, alt, caption, figures.positivity_map, result, heights, csv, on_paper=False)
        blocks.append(dataclasses.replace(picture, folded=True))
    return tuple(blocks)


def _order(result: Any, tables: Tables) -> tuple[Block, ...]:
    """The clinic's stages: identify, relax, circulate, rehabilitate."""
    said = use_views.say_order(tables)
    blocks: list[Block] = [Part("In which order", said)]
    if has_orders(result.pathway):
        head = "The clinic's four stages, in the order in which each was first recorded"
        caption = (
            "Number: the step at which the stage was first recorded; joined numbers on the same day, a small dot "
            "never. Square: before a stage that the clinic puts first. Rehab includes education and advice; "
            "identify is an examination or a muscle found in spasm."
        )
        heights = pathway_height(result), pathway_height(result)
        csv = " ".join(
            f"modality_use_{n}" for n in ("pathway", "stages", "stage_order") if f"modality_use_{n}" in tables
        )
        blocks.append(draw("pathway", head, join_alt(*said), caption, figures.pathway, result, heights, csv))
    return tuple(blocks)


def _same_visit(inputs: ReportInputs, tables: Tables) -> tuple[Block, ...]:
    title = "Pain before and after treatment on the same day"
    result = inputs.answer("same_visit")
    if result is None:
        return (Part(title, (say(inputs.refusal("same_visit"), "not estimable"),)),)
    # The sentence and the note under the table say what limits these numbers.
    return (Part(title, use_views.say_same_visit(tables)), *use_views.same_visit_table(tables))


def _any_shown(table: Any, column: str) -> bool:
    return bool(len(table)) and bool(to_numbers(table[column]).notna().any())


def _explain_marks(table: Any) -> str:
    """What a mark in the map means, where one stands there."""
    marks = {value for value in table["n_both"].tolist() if isinstance(value, str)}
    small = sorted(mark for mark in marks if mark.startswith("<"))
    said = [f" {mark}: fewer than {mark.removeprefix('<')}." for mark in small]
    if marks - set(small):
        said.append(" Hidden: a small number could be worked out from it.")
    return "".join(said)


def _row(table: Any, family: str, quarter: str) -> Any:
    return table[(table["family"] == family) & (table["quarter"] == quarter)].iloc[0]


def _shown_share(table: Any, family: str, quarter: str) -> float:
    rows = table[(table["family"] == family) & (table["quarter"] == quarter)]
    value = rows["estimate"].iloc[0] if len(rows) == 1 else 0.0
    return 0.0 if isinstance(value, str) or value != value else float(value)
