"""Small numbers in the two-way table of triggers: hidden so that they cannot be worked out from what is shown.

The table crosses the trigger of a first episode (rows) with that of its return (columns). Beside it stand row totals
(``n``), shares of the columns (``expected``, what chance alone would give) and the diagonal again, with its total (the
returns set off by the same trigger). A cell hidden by itself would often be a row's total less the rest.

The rule, with k the smallest count that is shown:

1. To be guarded are the counts 1..k-1 among: cells, row totals, column totals, a row's total less its diagonal cell,
   the total of the diagonal, and all less that total. A cell is hidden if it is to be guarded; so are all cells of a
   row whose total is, a diagonal cell whose row would give a small rest away, and a column's share.
2. A reader may know everything shown and that counts are whole and not negative, but not which of the hidden cells were
   small: all bear the same mark. For each guarded count the least and the greatest value that fits what is shown is
   found (an integer program). If they do not reach from 1 to k-1 more is hidden: for a small cell off the diagonal the
   cheapest rectangle of cells that could trade with it, else one cell at a time, the smallest of the same row or column
   first, zeros included; when no cell is left, the shares of the columns go, then the total of the diagonal, and last
   the row totals.
3. Where one column's share is hidden the share expected over all triggers is hidden too, because it weighs the columns.
4. Triggers of few pairs stand in the table as one. Of their pairs those with the same trigger again are the total of
   the diagonal less the cells that can be named: a count like the others, though it stands nowhere. The share expected
   over all triggers is then given in whole percents only.

Small means the same as everywhere (`disclosure`); hidden in the result is hidden in the page, picture and CSV file.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.marks import HIDDEN, small_mark, write_mark
from outcomes.release.trigger_cells import Counts, Flags, Shown, hide_cells

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
SHARES = ("estimate", "conf_low", "conf_high", "p_value")


def protect_triggers(result: Any, floor: int) -> Any:
    """Return a result of `compare_triggers` with small counts, and what would give them away, hidden.

    Parameters
    ----------
    result : TriggerReturns
        ``table`` [trigger, return_trigger, n, events, estimate, expected], ``same`` [trigger, n, events, estimate,
        conf_low, conf_high, expected, p_value] with a row for all triggers, ``summary`` with ``n`` and ``n_same``.
    floor : int
        Smallest count that is shown, besides 0.
    """
    if not len(result.table):
        return result
    names, counts, listed = _to_counts(result.table)
    unnamed = [i for i, name in enumerate(names) if name not in set(result.same["trigger"])]
    again = int(result.summary["n_same"]) - sum(int(counts[i, i]) for i in range(len(names)) if i not in unnamed)
    shown = hide_cells(counts, floor, listed, unnamed[0] if unnamed else -1, again if unnamed else 0)
    total_is_small = 0 < int(counts.sum()) < floor
    if total_is_small:
        shown.cells[:], shown.rows[:], shown.columns[:], shown.diagonal = False, False, False, False
    return dataclasses.replace(
        result,
        table=_mark_table(result.table, names, shown, floor),
        same=_mark_same(result.same, names, shown, total_is_small, floor),
        summary=_mark_summary(result.summary, shown.diagonal, total_is_small, floor),
    )


def _to_counts(table: pd.DataFrame) -> tuple[list[str], Counts, Flags]:
    names = list(dict.fromkeys([*table["trigger"].tolist(), *table["return_trigger"].tolist()]))
    at = {name: i for i, name in enumerate(names)}
    row, column = table["trigger"].map(at).to_numpy(), table["return_trigger"].map(at).to_numpy()
    counts = np.zeros((len(names), len(names)), np.int64)
    listed = np.zeros(counts.shape, np.bool_)
    counts[row, column] = table["events"].to_numpy(dtype=np.int64)
    listed[row, column] = True
    return names, counts, listed


def _mark_table(table: pd.DataFrame, names: list[str], shown: Shown, floor: int) -> pd.DataFrame:
    out = table.copy()
    at = {name: i for i, name in enumerate(names)}
    row, column = out["trigger"].map(at).to_numpy(), out["return_trigger"].map(at).to_numpy()
    cell = shown.cells[row * shown.size + column]
    write_mark(out, "events", ~cell, HIDDEN)
    # A share beside its cell would give the row's total.
    write_mark(out, "estimate", ~(cell & shown.rows[row]), HIDDEN)
    write_mark(out, "n", ~shown.rows[row], small_mark(floor) if _small_rows(shown, floor) else HIDDEN)
    write_mark(out, "expected", ~shown.columns[column], HIDDEN)
    return out


def _mark_same(same: pd.DataFrame, names: list[str], shown: Shown, total_is_small: bool, floor: int) -> pd.DataFrame:
    out = same.copy()
    at = {name: i for i, name in enumerate(names)}
    place = out["trigger"].map(at)
    is_all = (out["trigger"] == ALL).to_numpy()
    # A trigger that heads no row of the table is not guarded there, so nothing of it is shown.
    own = place.fillna(-1).to_numpy(dtype=int)
    diagonal = np.append(shown.cells[: shown.size**2 : shown.size + 1], False)[own]
    rows, columns = np.append(shown.rows, False)[own], np.append(shown.columns, False)[own]
    diagonal, rows = np.where(is_all, shown.diagonal, diagonal), np.where(is_all, not total_is_small, rows)
    columns = np.where(is_all, shown.columns.all(), columns)
    write_mark(out, "events", ~diagonal, HIDDEN)
    for name in SHARES:
        write_mark(out, name, ~(diagonal & rows) & out[name].notna().to_numpy(), HIDDEN)
    write_mark(out, "n", ~rows, small_mark(floor) if _small_rows(shown, floor) else HIDDEN)
    write_mark(out, "expected", ~columns & out["expected"].notna().to_numpy(), HIDDEN)
    if shown.pooled >= 0 and shown.columns.all():
        out.loc[is_all, "expected"] = out.loc[is_all, "expected"].astype(float).round(2)
    return out


def _small_rows(shown: Shown, floor: int) -> bool:
    """Whether every hidden row total is a small one, so that the mark may say so."""
    totals = np.array([shown.counts[shown.line(int(i), 0)].sum() for i in np.flatnonzero(~shown.rows)])
    return bool(totals.size and (totals < floor).all())


def _mark_summary(summary: dict[str, Any], diagonal: bool, total_is_small: bool, floor: int) -> dict[str, Any]:
    out = dict(summary)
    if total_is_small:
        out["n"] = small_mark(floor)
    if not diagonal and "n_same" in out:
        out["n_same"] = HIDDEN
    return out
