"""The tables of the section on return as they are shown: each is absent where its numbers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcomes.release import views
from outcomes.release.model import TableView, number_columns
from outcomes.release.section_parts import files_of
from outcomes.release.sentences import (
    NBSP,
    Tables,
    format_count,
    format_mean,
    format_percent,
    format_points,
    format_signed_points,
    interval_words,
)
from outcomes.release.views import DASH, shown, shown_interval
from outcomes.release.words import lower_first

if TYPE_CHECKING:
    import pandas as pd

PER_PATIENT = {"Each patient once": "recurrence_per_patient"}
PER_PATIENT_NOTE = "Each patient once: an episode counts one over the number of the patient's episodes."
OUTCOME_WORDS = {"first_return": "Returned", "mean_returns": "Mean number of returns"}
PARTS = ("outside", "inside")
MAINTENANCE_NOTE = (
    "Outside: from the landmark. In it: from its first visit, the day from which a patient's time counts as such; "
    "nobody is sorted by what came later. Such visits are planned to act on return, and those who come for them differ."
)
ARMS_NOTE = "Difference: adjusted, in points; HR: ratio of hazards. Counts with / without exercise, or of all together."
SAME_NOTE = (
    "By chance: the share there would be if the trigger of the return did not depend on the first. Hidden cells cannot "
    "be worked out from those shown."
)


def return_table(tables: Tables) -> TableView:
    """Shares returned by fixed days, beside each patient counted once."""
    heads = ("Within days", "Returned", "Returns recorded", "Relieved episodes")
    view = views.horizon_table(tables, "recurrence", "Share returned by fixed days", *heads)
    view = views.add_columns(view, tables, PER_PATIENT, PER_PATIENT_NOTE)
    heading = views.by_clinic_words(tables)
    return views.add_interval(view, tables, "recurrence_between_clinics", heading, views.BY_CLINIC_NOTE)


def composite_table(tables: Tables) -> tuple[TableView, ...]:
    """What an episode has to come through to be relieved and not back."""
    heads = ("Of episodes with enough pain", "Estimated", "Known to have", "Episodes")
    return _plain(tables, "recurrence_composite", "Relieved, and not back", heads, format_percent, "label")


def means_table(tables: Tables) -> tuple[TableView, ...]:
    """Mean number of returns of a patient by fixed days."""
    heads = ("Within days", "Returns of a patient, on average", "Returns recorded", "Patients")
    caption = "Mean number of returns by fixed days"
    found = _plain(tables, "recurrence_mean_returns", caption, heads, format_mean, "horizon_days")
    csv = files_of(tables, "recurrence_mean_returns", "recurrence_mean_curve", "recurrence_rates")
    return tuple(replace(view, csv=csv) for view in found)


def maintenance_table(tables: Tables) -> tuple[TableView, ...]:
    """Return outside and inside maintenance care, side by side."""
    table = _there(tables, "recurrence_maintenance")
    if table is None:
        return ()
    rows = []
    for (outcome, day), part in table.groupby(["outcome", "horizon_days"], sort=False):
        both = {row["part"]: row for row in part.to_dict("records")}
        is_share = outcome == "first_return"
        write = format_percent if is_share else format_mean
        values = [
            text for name in PARTS for text in (shown(both[name]["estimate"], write), _interval(both[name], is_share))
        ]
        counts = [" / ".join(shown(both[name][what], format_count) for name in PARTS) for what in ("events", "n")]
        rows.append((f"{OUTCOME_WORDS[str(outcome)]} within {day} days", *values, *counts))
    level = interval_words(tables)
    heads = ("Outside", level, "In it", level, "Returns, outside / in it", "Patients or episodes")
    columns = number_columns("", heads)
    name = "recurrence_maintenance"
    caption = "Outside maintenance care, and in it"
    return (TableView(name, caption, columns, tuple(rows), note=MAINTENANCE_NOTE, csv=name),)


def same_table(tables: Tables) -> tuple[TableView, ...]:
    """The same trigger again, for all and for each."""
    table = _there(tables, "triggers_same")
    if table is None:
        return ()
    rows = tuple(
        (
            views.sentence_case(row["label"]),
            shown(row["estimate"], format_percent),
            shown_interval(row),
            shown(row["expected"], format_percent),
            shown(row["events"], format_count),
            shown(row["n"], format_count),
        )
        for row in table.to_dict("records")
    )
    heads = ("Same again", interval_words(tables), "By chance", "Returns, same again", "Returns")
    columns = number_columns("First set off by", heads)
    csv = "triggers_same triggers"
    return (TableView("triggers_same", "Set off by the same again", columns, rows, note=SAME_NOTE, csv=csv),)


def rehabilitation_table(tables: Tables) -> tuple[TableView, ...]:
    """Every comparison of exercise, with its reason where there is none."""
    table = tables.get("rehabilitation")
    if table is None or table.empty:
        return ()
    rows = tuple(
        (
            views.sentence_case(row["label"]),
            shown(row["risk_with"], format_percent),
            shown(row["risk_without"], format_percent),
            *_contrast(row),
            _arms(row, "n"),
            _arms(row, "events"),
        )
        for row in table.to_dict("records")
    )
    heads = ("Back, with", "Back, without", "Difference", interval_words(tables), "Episodes", "Returns")
    columns = number_columns("Exercise", heads)
    note = " ".join([ARMS_NOTE, *_list_reasons(table)])
    csv = files_of(tables, "rehabilitation", "rehabilitation_balance", "rehabilitation_protocol")
    caption = "Return with and without rehabilitation exercise, every way it was compared"
    return (TableView("rehabilitation", caption, columns, rows, note, csv),)


def _contrast(row: dict[Any, Any]) -> tuple[str, str]:
    """Difference or ratio, and its interval."""
    if row["reason"]:
        return "not estimable", DASH
    if row["scale"] == "difference":
        value = shown(row["estimate"], format_signed_points)
        return value, shown_interval(row, format_signed_points, "")
    value = shown(row["estimate"], format_mean)
    interval = shown_interval(row, format_mean, "")
    return value if value in (DASH, "hidden") else f"HR{NBSP}{value}", interval


def _list_reasons(table: pd.DataFrame) -> list[str]:
    """Each reason once, with what it is the reason of."""
    refused = [row for row in table.to_dict("records") if row["reason"]]
    reasons: dict[str, list[str]] = {}
    for row in refused:
        reasons.setdefault(str(row["reason"]), []).append(str(row["label"]))
    if len(reasons) == 1 and len(refused) == len(table):
        return [f"None is estimable: {next(iter(reasons))}."]
    return [
        f"Not estimable ({lower_first(reason.removesuffix('.'))}): {', '.join(labels)}."
        for reason, labels in reasons.items()
    ]


def _arms(row: dict[Any, Any], what: str) -> str:
    """The numbers of both arms, or of all together where there are no arms."""
    if row[f"{what}_with"] != row[f"{what}_with"]:
        return shown(row[what], format_count)
    return " / ".join(shown(row[f"{what}_{arm}"], format_count) for arm in ("with", "without"))


def _plain(
    tables: Tables, name: str, caption: str, heads: tuple[str, ...], write: Callable[[float], str], key: str
) -> tuple[TableView, ...]:
    """One row a line: its label, estimate, interval, events and number."""
    table = _there(tables, name)
    if table is None:
        return ()
    rows = tuple(
        (
            views.sentence_case(str(row[key])),
            shown(row["estimate"], write),
            _interval(row, write is format_percent),
            shown(row["events"], format_count),
            shown(row["n"], format_count),
        )
        for row in table.to_dict("records")
    )
    first, estimate, events, n = heads
    columns = number_columns(first, (estimate, interval_words(tables), events, n))
    return (TableView(name, caption, columns, rows, csv=name),)


def _interval(row: dict[Any, Any], is_share: bool) -> str:
    write, unit = (format_points, f"{NBSP}%") if is_share else (format_mean, "")
    return shown_interval(row, write, unit)


def _there(tables: Tables, name: str) -> pd.DataFrame | None:
    """The table, unless no number and no mark stands in it: dashes only are no table."""
    table = tables.get(name)
    return None if table is None or table["estimate"].isna().all() else table
