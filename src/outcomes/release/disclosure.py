"""Small numbers, once, at the exit: what a table may say to the clinic that made the records.

Every table passes here exactly once, before a page, a figure or a CSV file is made from it, so that the picture cannot
carry more than the table. Audience "clinic": the reader already has the records, the rule keeps a page that is shown
around the practice from pointing at one patient.

The rule, row by row (`table_disclosure`), with k = ``protocol.reporting_floor.suppress_cell_below``:

=====================  ==========================  ===============================================
count in the row       shown as                    and
=====================  ==========================  ===============================================
n in 1..k-1            ``<5`` (k = 5)              events ``<5``, estimate and interval ``hidden``
events in 1..k-1       ``<5``                      estimate and interval ``hidden``
n - events in 1..k-1   events ``hidden``           estimate and interval ``hidden``; n is shown
0, or k and more       as it is                    nothing
=====================  ==========================  ===============================================

Zero is shown: it points at nobody. A hidden value looks the same in every table. In a table whose rows split one total
(`protect_parts`) a second row is hidden where one could be worked out from the rest.

Counted are visits, episodes and patients. Counts of rows, cells and terms (the data-quality tables) are left as they
are: the clinic needs them to mend its records and they say nothing about a person's course. Unrecognised terms of fewer
than k patients are counted but not spelt out, because a term that stands with one patient may be a note.

A curve is hidden around a hidden horizon of its table, from the shown horizon before it to the shown one after it.
Where few stopped coming, the bounds of their fate are hidden along the whole curve: their distance is a share of these
few.

Tables whose rows are parts of one another have rules of their own: those about return `return_disclosure`, the two-way
table of triggers `trigger_disclosure`, those of use of treatments `use_disclosure`, and comparisons of treatments
`modality_disclosure`, of the quarters `quarter_disclosure`, of clinics, clinicians and attendance `unit_disclosure`.

What one question hides and another prints is looked after in `across_questions`. `outcomes audit` plays a reader of all
tables together; what that reader would still know is hidden before a report is written (`hide_more`). Not covered: an
earlier release; points of a curve worked back into single events; rounding. A release of this kind is for the clinic,
not for the public.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from outcomes.release import return_disclosure as returns
from outcomes.release import use_disclosure as use
from outcomes.release.marks import HIDDEN, mask_few, write_mark
from outcomes.release.modality_disclosure import protect_comparison
from outcomes.release.quarter_disclosure import hide_lines, protect_review, restate_verdicts
from outcomes.release.table_disclosure import ESTIMATE_COLUMNS, protect_scalar, protect_table
from outcomes.release.trigger_disclosure import protect_triggers
from outcomes.release.unit_disclosure import (
    hide_products,
    hide_reasons,
    protect_attendance,
    protect_missing,
    protect_missing_covariates,
    protect_units,
    recount,
)

if TYPE_CHECKING:
    import pandas as pd
    from _typeshed import DataclassInstance


def _has(name: str) -> Callable[[Any], bool]:
    return lambda result: hasattr(result, name)


def _lists(*columns: str) -> Callable[[Any], bool]:
    return lambda result: set(columns) <= set(getattr(result, "table", ()))


_RULES: tuple[tuple[Callable[[Any], bool], Callable[[Any, int], Any]], ...] = (
    (lambda result: "verdicts" in getattr(result, "more", ()), protect_review),
    (_has("same"), protect_triggers),
    (_has("overlap"), protect_comparison),
    (_has("co_use"), use.protect_use),
    (_lists("before"), use.protect_same_visit),
    (_lists("reliability"), protect_units),
    (_lists("reach"), protect_attendance),
    (_lists("fact", "by"), protect_missing),
    (_lists("category_estimate"), protect_missing_covariates),
)
"""By what a result is known whose tables are parts of one another, and its own rule; all others go row by row."""

CURVES_OF = {"table": "curve", "ends": "ends_curve", "mean_returns": "mean_curve"}
"""Tables by fixed days and the curves that are hidden around their hidden days."""
_AROUND = (*CURVES_OF, *CURVES_OF.values(), "if_stopped")

Result = TypeVar("Result", bound="DataclassInstance")


def protect_result(result: Result, floor: int) -> Result:
    """Return a result whose table, curve and counts in the summary are protected.

    Parameters
    ----------
    result : dataclass instance
        A result of `outcomes.questions`; fields that hold a DataFrame are protected, and whole numbers below the
        floor in ``summary`` whose name speaks of a count (``n``, ``n_...``, ``..._events``) become marks.
    """
    import pandas as pd

    for is_its_own, protect in _RULES:
        if is_its_own(result):
            return protect(result, floor)
    changes: dict[str, Any] = {}
    for item in dataclasses.fields(result):
        value = getattr(result, item.name)
        if isinstance(value, pd.DataFrame):
            changes[item.name] = _protect_by_kind(item.name, value, floor)
        elif item.name == "summary" and isinstance(value, dict):
            marked = {k: protect_scalar(k, v, floor) for k, v in value.items()}
            changes[item.name] = _protect_parts_of_total(value, marked, floor)
    if "balance" in changes:
        changes["balance"] = returns.hide_balance(changes["balance"], changes["table"])
        changes["summary"] = returns.hide_arms(changes["summary"], changes["table"])
    return hide_around(dataclasses.replace(result, **changes) if changes else result)


def mask_notes(result: Result, floor: int) -> Result:
    """Return a result whose notes tell no small count (`marks.mask_few`); refusals of groups stand there."""
    said = getattr(result, "notes", ())
    notes = tuple(mask_few(note, floor) for note in said)
    return result if notes == tuple(said) else dataclasses.replace(result, notes=notes)


def hide_around(result: Result) -> Result:
    """Return a result in which what follows from the numbers that are marks by now is hidden too.

    A curve around its hidden days, the bounds of those who stopped, shares that are products of steps, the lines of a
    control chart, why a clinic or clinician is not compared.
    """
    frames = {name: getattr(result, name) for name in _AROUND if hasattr(getattr(result, name, None), "columns")}
    changes: dict[str, Any] = {}
    for table, curve in CURVES_OF.items():
        if curve in frames and "horizon_days" in frames.get(table, ()):
            changes[curve] = _hide_days(frames[curve], frames[table])
    if "if_stopped" in frames and "curve" in frames:
        changes["curve"] = _hide_bounds(changes.get("curve", frames["curve"]), frames["if_stopped"])
    whole: Any = getattr(result, "table", ())
    if "reach" in whole:
        changes["table"] = hide_products(whole)
    if "reliability" in whole:
        changes["table"] = hide_reasons(whole)
        changes["summary"] = recount(getattr(result, "summary", {}), changes["table"])
    if "verdicts" in getattr(result, "more", ()):
        changes["table"], changes["more"] = hide_lines(result)
        changes["summary"] = restate_verdicts(getattr(result, "summary", {}), changes["more"])
    return dataclasses.replace(result, **changes) if changes else result


def _protect_by_kind(name: str, table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Protect a table by what its rows are to each other (`return_disclosure`)."""
    if "factor" in table and "n" in table:
        return returns.protect_levels(table, floor)
    if "n_with" in table:
        return returns.protect_arms(table, floor)
    if name == "maintenance":
        return returns.hide_partners(protect_table(table, floor, (table["outcome"] == "first_return").to_numpy()))
    if name == "rates":
        return returns.hide_ratios(protect_table(table, floor, parts=False))
    if name == "composite":
        return returns.hide_product(protect_table(table, floor))
    return protect_table(table, floor, parts=not name.startswith("mean_"))


def _protect_parts_of_total(summary: dict[str, Any], marked: dict[str, Any], floor: int) -> dict[str, Any]:
    """Two kinds of return add up to the returns, and those not followed to all relieved: both are hidden, or none.

    Both bear one mark: which of them is small is not told. Where both together are so few that their sum would tell,
    all relieved are hidden too.
    """
    out = dict(marked)
    for pair, whole in ((("n_new_episode", "n_pain_back"), ""), (("n_relapsed", "n_too_young"), "n_relieved")):
        if set(pair) <= set(summary) and any(isinstance(marked[key], str) for key in pair):
            out |= dict.fromkeys(pair, HIDDEN)
            if whole in out and sum(int(summary[key]) for key in pair) < floor - 1:
                out[whole] = HIDDEN
    return out


def _hide_days(curve: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Hide a curve around a hidden horizon: from the shown horizon before it to the shown horizon after it."""
    out = curve.copy()
    keys = [name for name in ("group", "end") if name in table and name in curve]
    for values, rows in table.groupby(keys, sort=False):
        is_hidden = [value == HIDDEN for value in rows["estimate"].tolist()]
        days = [int(day) for day in rows["horizon_days"]]
        shown = [-1, *(day for day, hide in zip(days, is_hidden, strict=True) if not hide)]
        own = (out[keys] == list(values)).all(axis=1)
        for day in (day for day, hide in zip(days, is_hidden, strict=True) if hide):
            after = max(before for before in shown if before < day)
            until = min((later for later in shown if later > day), default=None)
            mask = own & (out["day"] > after)
            mask &= True if until is None else out["day"] < until
            for name in ESTIMATE_COLUMNS:
                if name in out:
                    write_mark(out, name, mask.to_numpy() & out[name].notna().to_numpy(), HIDDEN)
    return out


def _hide_bounds(curve: pd.DataFrame, if_stopped: pd.DataFrame) -> pd.DataFrame:
    """Hide the bounds of those who stopped along the curves of groups in which they are few."""
    few = {str(row["group"]) for row in if_stopped.to_dict("records") if isinstance(row["stopped"], str)}
    out = curve.copy()
    for name in ("if_none_of_stopped", "if_all_of_stopped"):
        write_mark(out, name, (out["group"].isin(few) & out[name].notna()).to_numpy(), HIDDEN)
    return out
