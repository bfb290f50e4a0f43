"""What is said and tabled of use of treatments. Every number is looked up; no sentence says that a treatment worked."""

from __future__ import annotations

from typing import Any

from outcomes.records.counted import joined
from outcomes.release.model import Sentence, TableView, number_columns
from outcomes.release.sentences import (
    MINUS,
    Tables,
    bind,
    cell,
    format_count,
    format_number,
    format_percent,
    interval_words,
    literal,
    say,
)
from outcomes.release.tables import to_numbers
from outcomes.release.views import shown, shown_interval
from outcomes.release.words import lower_first

OTHERS = ("other_bundles", "other_paths")
SAME_NOTE = (
    "Negative: less pain after. Described, not compared: a visit counts in every family given at it, and patient and "
    "clinician choose when the second rating is written down."
)


def say_together(tables: Tables) -> tuple[Sentence, ...]:
    """Say the commonest set, and how much the ten commonest leave out."""
    found = _first_shown(tables.get("modality_use_bundles"), "bundle")
    if found is None:
        return (say("Sets of families cannot be shown: too few treatment visits.", "not estimable"),)
    words = joined([lower_first(literal(part)) for part in str(found["label"]).split(" + ")])
    commonest = bind(
        tables,
        f"The commonest set is {words}, and nothing else: {{value}} of treatment visits.",
        {"value": cell("modality_use_bundles", "estimate", "percent", bundle=str(found["bundle"]))},
    )
    others = bind(
        tables,
        "{value} of treatment visits had a set that is not among the commonest.",
        {"value": cell("modality_use_bundles", "estimate", "percent", bundle="other_bundles")},
    )
    return tuple(sentence for sentence in (commonest, others) if sentence is not None)


def say_pairs(tables: Tables) -> tuple[Sentence, ...]:
    """Say which pair is the most frequent of those shown, and how many pairs have a number."""
    table = tables["modality_use_co_use"]
    pairs = table.assign(number=to_numbers(table["n_both"])).dropna(subset="number")
    if pairs.empty or not pairs["number"].max() > 0:
        return ()
    first = pairs.sort_values(["number", "family", "other_family"], ascending=[False, True, True]).iloc[0]
    both = f"{lower_first(literal(first['label']))} and {lower_first(literal(first['other_label']))}"
    where = {"family": str(first["family"]), "other_family": str(first["other_family"])}
    said = bind(
        tables,
        f"Of the pairs that can be shown, {both} occur most often at one first treatment visit: {{n}} times.",
        {"n": cell("modality_use_co_use", "n_both", "count", **where)},
    )
    return () if said is None else (said,)


def say_order(tables: Tables) -> tuple[Sentence, ...]:
    """Say the commonest order, and in which share of episodes the clinic's own order was kept."""
    found = _first_shown(tables.get("modality_use_pathway"), "path")
    if found is None:
        return (say("The order of the stages cannot be shown: too few episodes.", "not estimable"),)
    commonest = bind(
        tables,
        f"The clinic's stages are identify, relax, circulate and rehab. The commonest order of first recording is "
        f"{_name_order(str(found['path']), str(found['label']))}: {{value}} of new episodes.",
        {"value": cell("modality_use_pathway", "estimate", "percent", path=str(found["path"]))},
    )
    kept = {
        name: cell("modality_use_stage_order", column, write, earlier=earlier, later=later)
        for name, column, write, earlier, later in (
            ("n", "n", "count", "any", "any"),
            ("whole", "estimate", "percent", "any", "any"),
            ("rehab", "estimate", "percent", "relax", "rehab"),
        )
    }
    ordered = bind(
        tables,
        "Of {n} episodes with at least two stages, {whole} have no stage before one the clinic puts first; where both "
        "are recorded, rehab is not before relax in {rehab}. Stages recorded on one day count as in order.",
        kept,
    )
    return tuple(sentence for sentence in (commonest, ordered) if sentence is not None)


def say_same_visit(tables: Tables) -> tuple[Sentence, ...]:
    """Say the mean change on the day, and what it does not mean."""
    row = {"family": "all"}
    cells = {
        name: cell("same_visit", column, write, **row)
        for name, column, write in (
            ("events", "events", "count"),
            ("n", "n", "count"),
            ("share", "share", "percent"),
            ("before", "before", "number"),
            ("after", "after", "number"),
        )
    }
    said = bind(
        tables,
        "At {events} of {n} treatment visits ({share}) pain was rated before and after treatment: on average {before} "
        "before and {after} after. A rating soon after treatment says nothing about relief days later, and relief on "
        "this page never uses it.",
        cells,
        "Pain before and after a visit rests on too few ratings to be shown.",
    )
    return () if said is None else (said,)


def same_visit_table(tables: Tables) -> tuple[TableView, ...]:
    """One row a family: ratings before and after, and their mean difference."""
    table = tables["same_visit"]
    if not to_numbers(table["estimate"]).notna().any():
        return ()
    rows = tuple(
        (
            str(row["label"]),
            shown(row["before"], format_number),
            shown(row["after"], format_number),
            shown(row["estimate"], _signed),
            shown_interval(row, _signed, ""),
            shown(row["share"], format_percent),
            shown(row["events"], format_count),
        )
        for row in table.to_dict("records")
        if row["n"] != 0
    )
    heads = ("Before", "After", "Change", interval_words(tables), "Visits with both", "Number")
    columns = number_columns("", heads)
    caption = "Mean pain before and after treatment on the same day, 0 to 10"
    view = TableView("same_visit", caption, columns, rows, note=SAME_NOTE, csv="same_visit", folded=True)
    return (view,)


def _signed(value: float) -> str:
    """One decimal with its sign."""
    size = f"{abs(value):.1f}"
    return size if float(size) == 0 else f"{'+' if value > 0 else MINUS}{size}"


def _name_order(path: str, label: str) -> str:
    if path == "none":
        return "none of the four"
    words = lower_first(literal(label))
    if " > " in path:
        return words
    return f"{words}, all on one day" if "+" in path else f"{words} and nothing else"


def _first_shown(table: Any, key: str) -> Any | None:
    """The first row that has a share and stands for one set or order."""
    if table is None or not len(table):
        return None
    there = table[to_numbers(table["estimate"]).notna() & ~table[key].isin(OTHERS)]
    return there.iloc[0] if len(there) else None
