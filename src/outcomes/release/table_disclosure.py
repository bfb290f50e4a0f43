"""Small numbers in one table, row by row: the rule `disclosure` states, and what else a split total needs hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.marks import HIDDEN, small_mark, write_mark

if TYPE_CHECKING:
    import pandas as pd

COUNT_COLUMNS = (
    *(
        "n",
        "events",
        "at_risk",
        "episodes",
        "patients",
        "stopped",
        "told",
        "observed",
        "measured",
        "missing",
        "n_reference",
    ),
)
ESTIMATE_COLUMNS = (
    *("estimate", "conf_low", "conf_high", "std_err", "upper", "band_low", "band_high", "after_days"),
    *("if_none_of_stopped", "if_all_of_stopped", "statistic", "p_value", "p_holm", "completeness"),
)
"""Columns that would give a hidden count away."""


def protect_table(table: pd.DataFrame, floor: int, parts: bool | np.ndarray[Any, Any] = True) -> pd.DataFrame:
    """Return a copy in which small counts are marks and what follows from them is hidden.

    Parameters
    ----------
    table : DataFrame
        With some of the columns `COUNT_COLUMNS` and `ESTIMATE_COLUMNS`.
    floor : int
        Smallest count that is shown, besides 0.
    parts : bool or ndarray of bool
        Whether (in each row) `events` is a part of `n`. Returns of patients who return again and again are not.

    Returns
    -------
    DataFrame
        Same rows and columns; a column in which something is hidden has ``object`` dtype.
    """
    out = table.copy()
    small = {name: _is_small(out[name], floor) for name in COUNT_COLUMNS if name in out}
    if not small:
        return out
    hide_estimate = _any(small.values(), len(out))
    n_small = small.get("n")
    if "events" in small and "n" in small:
        rest_small = _is_small(out["n"] - out["events"], floor) & ~small["events"] & parts
        write_mark(out, "events", rest_small, HIDDEN)
        hide_estimate |= rest_small
    for name in ESTIMATE_COLUMNS:
        if name in out:
            write_mark(out, name, hide_estimate & out[name].notna().to_numpy(), HIDDEN)
    if n_small is not None:
        write_mark(out, "recorded", n_small, small_mark(floor))
    for name, mask in small.items():
        # With a small denominator the numerator, even 0, would say too much.
        write_mark(out, name, mask | n_small if n_small is not None and name == "events" else mask, small_mark(floor))
    return out


def protect_parts(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Protect a table whose rows split one total into parts (``n`` the total, ``events`` the part, ``estimate``).

    A lone hidden part would be the total less the others. So the smallest other parts are hidden too, until every small
    part could be any number below the floor, even for a reader who knows this rule.
    """
    out = protect_table(table, floor)
    _, extra = find_cover(table["events"].tolist(), floor)
    for name in ("events", "estimate"):
        write_mark(out, name, out.index.isin(out.index[extra]), HIDDEN)
    return out


def find_cover(parts: list[int], floor: int) -> tuple[list[int], list[int]]:
    """Positions of the small parts of a total, and of the others to be hidden with them (rule: `protect_parts`)."""
    small = [i for i, part in enumerate(parts) if 0 < part < floor]
    others = sorted((i for i, part in enumerate(parts) if part >= floor), key=lambda i: parts[i])
    extra: list[int] = []
    while small and others:
        least = (floor - 1) + (len(small) - 1) + floor * len(extra)
        if extra and sum(parts[i] for i in small + extra) >= least:
            break
        extra.append(others.pop(0))
    return small, extra


def protect_scalar(key: str, value: Any, floor: int) -> Any:
    """Return a number of a summary, or the mark of a small one where its name speaks of a count."""
    counts = key == "n" or key.startswith("n_") or key.endswith(("_events", "_episodes", "_patients"))
    if counts and isinstance(value, int) and not isinstance(value, bool) and 0 < value < floor:
        return small_mark(floor)
    return value


def _is_small(column: pd.Series[Any], floor: int) -> np.ndarray[Any, Any]:
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce")
    return ((values > 0) & (values < floor)).to_numpy()


def _any(masks: Any, n: int) -> np.ndarray[Any, Any]:
    out = np.zeros(n, dtype=bool)
    for mask in masks:
        out |= mask
    return out
