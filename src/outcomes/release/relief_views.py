"""The tables of the relief section as they are shown: each is absent where its numbers are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcomes.release.model import TableView, number_columns
from outcomes.release.sentences import NotShowable, Tables, cell, format_number, format_percent, interval_words, look_up
from outcomes.release.views import (
    BY_CLINIC_NOTE,
    add_columns,
    add_interval,
    by_clinic_words,
    horizon_table,
    shown,
    shown_interval,
)

if TYPE_CHECKING:
    import pandas as pd

STOP_WORDS = {
    0.0: "None relieved",
    0.5: "Relieved half as often as those still coming",
    1.0: "Relieved as often (the main line)",
    2.0: "Relieved twice as often",
    float("inf"): "All relieved the day after their last rating",
}
END_WORDS = {
    "relief": "Relief recorded",
    "stopped": "Stopped coming without it",
    "sent_on": "Discharged or referred without it",
}
QUARTILE_WORDS = {
    "quartile_25": "A quarter relieved by day",
    "quartile_50": "Half relieved by day",
    "quartile_75": "Three quarters relieved by day",
}
BESIDE_NOTE = (
    "Each patient once: an episode counts one over the number of the patient's episodes. KM at visit: Kaplan-Meier "
    "with relief on the day of the visit, which is late, for readers who will compute it."
)
ENDS_NOTE = (
    "Relief is lower here than in the curve: these are shares of all episodes, while the curve estimates what would be "
    "on record had nobody stopped or been sent on."
)
BESIDE = {"Each patient once": "relief_per_patient", "KM at visit": "relief_km_at_visit"}


def relief_table(tables: Tables) -> TableView:
    """Shares relieved by fixed days, beside each patient counted once and Kaplan-Meier at the visit."""
    caption = "Share relieved by fixed days"
    view = horizon_table(tables, "relief", caption, "By day", "Relieved", "Relief recorded", "Episodes")
    view = add_columns(view, tables, BESIDE, BESIDE_NOTE)
    return add_interval(view, tables, "relief_between_clinics", by_clinic_words(tables), BY_CLINIC_NOTE)


def times_table(tables: Tables) -> tuple[TableView, ...]:
    """Days by which a quarter, half and three quarters had relief, and the mean days without it."""
    table = tables.get("relief_times")
    if table is None or _says_nothing(table):
        return ()
    rows = tuple(
        (_measure_words(row["measure"]), shown(row["estimate"], _days), _interval(row))
        for row in table.to_dict("records")
    )
    columns = number_columns("", ("Days", interval_words(tables)))
    return (TableView("relief_times", "Days to relief", columns, rows, csv="relief_times"),)


def if_stopped_table(tables: Tables) -> tuple[TableView, ...]:
    """One row a supposed fate of those who stopped coming, one column a day."""
    caption, heading = "Relieved, by what became of those who stopped", "Those who stopped coming"
    return _by_day(tables, "relief_if_stopped", "ratio", STOP_WORDS, caption, heading)


def ends_table(tables: Tables) -> tuple[TableView, ...]:
    """One row a way to end, one column a day."""
    found = _by_day(tables, "relief_ends", "end", END_WORDS, "How episodes had ended, as competing ends", "End")
    return tuple(replace(view, note=ENDS_NOTE) for view in found)


def _by_day(
    tables: Tables, name: str, key: str, words: dict[Any, str], caption: str, heading: str
) -> tuple[TableView, ...]:
    table = tables[name]
    if _says_nothing(table):
        return ()
    days, known = list(dict.fromkeys(table["horizon_days"].tolist())), set(table[key])
    rows = tuple(
        (label, *(shown(_at(table, key, value, day), format_percent) for day in days))
        for value, label in words.items()
        if value in known
    )
    columns = number_columns(heading, [f"Day {day}" for day in days])
    return (TableView(name, caption, columns, rows, csv=name),)


def _says_nothing(table: pd.DataFrame) -> bool:
    """Whether no number and no mark stands in the table: dashes only are no table."""
    return bool(table["estimate"].isna().all())


def _at(table: pd.DataFrame, key: str, value: Any, day: int) -> Any:
    return table.loc[(table[key] == value) & (table["horizon_days"] == day), "estimate"].item()


def _measure_words(measure: str) -> str:
    horizon = measure.rpartition("_")[2]
    return QUARTILE_WORDS.get(measure, f"Mean days without relief, of the first {horizon}")


def _days(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else format_number(value)


def _interval(row: dict[Any, Any]) -> str:
    low, high = row["conf_low"], row["conf_high"]
    if not isinstance(high, str) and high != high and not isinstance(low, str) and low == low:
        return f"{_days(low)} or later"
    return shown_interval(row, _days, "")


def is_scored_once(tables: Tables) -> bool:
    """Whether more than half of the episodes that leave room for relief have one score; False where it is hidden."""
    try:
        n, once = (
            float(look_up(tables, cell("relief_summary", "value", "count", item=item))) for item in ("n", "n_one_visit")
        )
    except NotShowable:
        return False
    return once > n / 2


def last_score(tables: Tables) -> str:
    """Return "the last score", and that it is the only one of most where it is."""
    return "the last score" + (", which for most episodes is their only one" if is_scored_once(tables) else "")
