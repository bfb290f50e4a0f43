"""Clinics and clinicians: each beside what its patients led to expect, in the order of the pseudonyms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from outcomes.questions.response_lines import WINDOW_DAYS
from outcomes.questions.units_lines import NOTHING_BESIDE
from outcomes.release import views
from outcomes.release.inputs import ReportInputs
from outcomes.release.marks import HIDDEN
from outcomes.release.model import Block, Column, FigureView, Part, Section, Sentence, TableView, Text, number_columns
from outcomes.release.section_parts import draw, files_of, fold, join_alt, list_notes, refused, some
from outcomes.release.sentences import (
    NBSP,
    Tables,
    agree,
    bind,
    cell,
    format_count,
    format_percent,
    interval_words,
    literal,
    marked,
    say,
)
from outcomes.release.unit_figures import funnel, place_units

KINDS = {"clinics": "clinic", "clinicians": "clinician"}
"""Tables of the page (and names of the questions) to what is compared."""
MOST_REASONS = 6
MOST_NEEDED = 1000
"""Episodes a comparison takes, up to which their number is said: a larger one is hardly known and says no more."""


def unit_section(inputs: ReportInputs, tables: Tables) -> Section:
    """Clinics, then clinicians; each with its funnel, its table and the sentences of the gate."""
    title = "Clinics and clinicians"
    if all(inputs.answer(name) is None for name in KINDS):
        return refused("units", title, inputs.refusal("clinics"))
    lead: tuple[Sentence, ...] = ()
    blocks: list[Block] = []
    for name, unit in KINDS.items():
        result = inputs.answer(name)
        if result is None:
            blocks.append(Part(f"{unit.capitalize()}s", (say(inputs.refusal(name), "not estimable"),)))
            continue
        said = say_units(name, unit, result, tables)
        lead = lead or said[:1]
        blocks.append(Part(f"{unit.capitalize()}s", said[1:] if said[:1] == lead else said))
        blocks += _blocks(name, unit, result, tables)
    results = [result for name in KINDS if (result := inputs.answer(name)) is not None]
    blocks += fold(_patients(tables, inputs.episodes.protocol.horizons_days.primary))
    return Section("units", title, lead, (*blocks, *list_notes(*results)), "descriptive")


def say_units(name: str, unit: str, result: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how many units could be compared, which are worth a look, and why the others could not."""
    table = result.table
    words = (
        "{compared} of {units} " + unit + "s can be compared, by the share of episodes " + literal(result.label) + "."
    )
    cells = {
        "compared": cell(f"{name}_summary", "value", "count", item="n_compared"),
        "units": cell(f"{name}_summary", "value", "count", item="n_units"),
    }
    flagged = [row for row in table.to_dict("records") if row["is_flagged"] is True or row["is_flagged"] == 1]
    looks = [marked(_say_flag(name, unit, row, tables), "signal") for row in flagged]
    if not flagged and table["position"].ne("").any() and not table["position"].eq(HIDDEN).any():
        calm = say(
            f"No {unit} with enough episodes and pain scores lies beyond the 99.8{NBSP}% limits of chance.",
            "signal / no signal",
        )
        looks = [marked(calm, "no signal")]
    spread = _say_spread(name, unit, result, tables)
    return (*some(bind(tables, words, cells)), *(look for look in (*looks, spread) if look is not None))


def _say_spread(name: str, unit: str, result: Any, tables: Tables) -> Sentence | None:
    """How far units differ, as episodes that a comparison takes; what the records cannot tell where it is not seen."""
    icc, needed = float(result.summary["icc"]), float(result.summary["needed_n"])
    if any(str(reason) == NOTHING_BESIDE for reason in result.table["reason"]):
        return say(f"There is nothing to compare: only one {unit} has enough episodes, and pain scores.")
    if icc != icc:
        return say(f"Too few episodes to tell how far {unit}s differ.", "not estimable")
    if icc <= 0.0:
        return say(
            f"These records do not show that {unit}s differ beyond chance; they cannot show that they do not.",
            "signal / no signal",
        )
    if needed > MOST_NEEDED:
        return say(f"At the spread seen between {unit}s a comparison takes more than {MOST_NEEDED:,} episodes of each.")
    return bind(
        tables,
        f"At the spread seen between {unit}s a comparison takes about {{n}} episodes of each.",
        {"n": cell(f"{name}_summary", "value", "count", item="needed_n")},
    )


def _say_flag(name: str, unit: str, row: Mapping[Any, Any], tables: Tables) -> Sentence | None:
    """One unit beyond the limits; its share, where it is compared, the mean and what to look at first."""
    code = str(row["unit"])
    if not row["is_compared"]:
        side = "below" if row["z"] < 0 else "above"
        return say(
            f"{unit.capitalize()} {code} lies {side} the 99.8{NBSP}% limits of chance, although its share is not "
            "compared: worth a look, its recording first.",
            "signal / no signal",
        )
    where = {"unit": code}
    return bind(
        tables,
        f"{unit.capitalize()} {literal(code)} lies beyond the 99.8{NBSP}% limits of chance ({{share}} after allowing "
        "for case mix, against {mean} over all): worth a look, its recording first.",
        {
            "share": cell(name, "estimate", "percent", **where),
            "mean": cell(f"{name}_summary", "value", "percent", item="target"),
        },
        tag="signal / no signal",
    )


def _blocks(name: str, unit: str, result: Any, tables: Tables) -> list[Block]:
    """Picture, table and reasons; where no unit is compared or worth a look, picture and table lie folded."""
    drawn = (_draw(name, unit, result, tables),) if len(place_units(result.table)) else ()
    shown: tuple[FigureView | TableView, ...] = (*drawn, units_table(name, unit, tables))
    says_more = bool(result.table[["is_compared", "is_flagged"]].astype(bool).to_numpy().any())
    return [*(shown if says_more else fold(shown)), *_list_reasons(result.table, unit)]


def _draw(name: str, unit: str, result: Any, tables: Tables) -> FigureView:
    lie = agree(tables, cell(f"{name}_summary", "value", "count", item="n_flagged"), "lies", "lie")
    mean = bind(
        tables,
        f"Over all {unit}s {{mean}} of episodes {literal(result.label)}.",
        {"mean": cell(f"{name}_summary", "value", "percent", item="target")},
    )
    count = bind(
        tables,
        f"{{compared}} of {{units}} {unit}s can be compared; {{n}} {lie} beyond the 99.8{NBSP}% limits.",
        {
            key: cell(f"{name}_summary", "value", "count", item=item)
            for key, item in (("compared", "n_compared"), ("units", "n_units"), ("n", "n_flagged"))
        },
    )
    drawn = place_units(result.table)
    is_compared, is_flagged = drawn["is_compared"].astype(bool), drawn["is_flagged"].astype(bool)
    drawn_in = say(f"{unit.capitalize()}s that are not compared stand at their share drawn towards the mean.")
    marks = ["Filled dots: compared."] if is_compared.any() else []
    if not is_compared.all():
        marks.append("Hollow, grey: not compared, at the share drawn towards the mean.")
    if (is_compared & is_flagged).any():
        marks.append("Diamonds: worth a look.")
    if (is_flagged & ~is_compared).any():
        marks.append("Hollow diamonds: worth a look, not compared.")
    caption = (
        f"Each mark is a {unit}, placed by its equivalent episodes (as many of average case mix as would say as much, "
        "which the table does not count), not by rank. "
        f"Line: the mean. Tinted: within the 95{NBSP}% limits of chance; dashed: those of 99.8{NBSP}%. "
        + " ".join(marks)
    )
    title = f"Share of episodes {result.label}, by {unit}"
    csv = f"{name} {name}_curve"
    alt = join_alt(mean, count, None if is_compared.all() else drawn_in)
    return draw(f"funnel-{name}", title, alt, caption, funnel, result, (3.0, 3.0), csv)


def units_table(name: str, unit: str, tables: Tables) -> TableView:
    """One row a unit in the order of the pseudonyms; the share, or the one drawn towards the mean, never both."""
    table = tables[name]
    heads = ["Episodes", "Observed less expected", "Share, case mix allowed for", interval_words(tables)]
    heads += ("Drawn towards the mean", "Reliability", "Visits with a score")
    columns = (*number_columns(unit.capitalize(), heads), Column("Comparison"))
    rows = tuple(_row(row) for row in table.to_dict("records"))
    note = (
        "Expected: by first pain score, duration and the other facts of case mix, whoever treated. "
        "Visits with a score: one of pain, before treatment."
    )
    return TableView(
        name, f"{unit.capitalize()}s, in the order of their codes", columns, rows, note, f"{name} {name}_columns"
    )


def _row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    compared = bool(row["is_compared"])
    blank = views.DASH
    return (
        str(row["unit"]),
        views.shown(row["n"], format_count),
        views.shown(row["difference"], _signed) if compared else blank,
        views.shown(row["estimate"], format_percent) if compared else blank,
        views.shown_interval(row) if compared else blank,
        blank if compared else views.shown(row["shrunken"], format_percent),
        views.shown(row["reliability"], lambda value: f"{value:.2f}"),
        views.shown(row["completeness"], format_percent),
        _say_position(row),
    )


def _say_position(row: Mapping[Any, Any]) -> str:
    if not row["is_compared"] and not row["is_flagged"]:
        reason = str(row["reason"])
        return (
            HIDDEN
            if row["n"] == HIDDEN
            else "Not comparable"
            if reason.startswith("not comparable")
            else "Too few"
            if "not shown" in reason
            else "None"
        )
    if row["position"] == HIDDEN:
        return HIDDEN
    return "Worth a look" if row["is_flagged"] else views.sentence_case(str(row["position"]))


def _signed(value: float) -> str:
    rounded = round(value)
    return "0" if rounded == 0 else f"{rounded:+,}".replace("-", "\u2212")


def _list_reasons(table: Any, unit: str) -> list[Text]:
    """Why units are not compared, each reason once, with the codes it holds for."""
    found: dict[str, list[str]] = {}
    for row in table.to_dict("records"):
        if row["reason"]:
            found.setdefault(str(row["reason"]), []).append(str(row["unit"]))
    n = len(table)
    said = [say(f"{_name(unit, codes, n)}: {reason}.", "not estimable") for reason, codes in found.items()]
    return [Text(tuple(said), f"{unit.capitalize()}s that are not compared, and why")] if said else []


def _name(unit: str, codes: list[str], n: int) -> str:
    """The units by their codes; the first of many, and all `n` of them by their number."""
    if len(codes) == 1:
        return f"{unit.capitalize()} {codes[0]}"
    more = len(codes) - MOST_REASONS
    if more > 0 and len(codes) == n:
        return f"All {n} {unit}s"
    tail = f" and {more} more" if more > 0 else ""
    return f"{unit.capitalize()}s {', '.join(codes[:MOST_REASONS])}{tail}"


def _patients(tables: Tables, day: int) -> tuple[TableView, ...]:
    """Patients by points of pain from what was expected; from the clinics' answer, or else the clinicians'."""
    name = next((f"{kind}_patients" for kind in KINDS if f"{kind}_patients" in tables), "")
    if not name:
        return ()
    caption = f"Patients by pain on day {WINDOW_DAYS[0]} to {WINDOW_DAYS[1]}, observed less expected"
    view = views.counts_table(tables[name], name, caption, "label", "Pain, by case mix", "Patients")
    note = f"The rating nearest day {day} is taken, of those on day {WINDOW_DAYS[0]} to {WINDOW_DAYS[1]}."
    return (replace(view, note=note, csv=files_of(tables, *(f"{kind}_patients" for kind in KINDS))),)
