"""Who comes back: adjusted shares by level of each factor, with the share as observed beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_below, write_sentence
from outcomes.release.return_figures import ROW_INCHES
from outcomes.release.row_chart import Row, count_lines, draw_rows
from outcomes.release.sentences import format_count, format_percent
from outcomes.release.svg import MUTED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NUMBERS = ("estimate", "conf_low", "conf_high", "unadjusted", "n")
MOST_ROWS = 27
"""Of one picture, headings included: more do not fit on a sheet of paper."""
LEGEND = "\u25cf adjusted   \u25cb as observed"


@draws_answer
def return_factors(factors: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share back by the primary day of each level: adjusted as a dot with its interval, observed as a ring.

    Parameters
    ----------
    factors : ReturnFactors
        Reads ``table`` [factor, factor_label, level_label, n, unadjusted, estimate, conf_low, conf_high].
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
    """
    table = to_gaps(factors.table, *NUMBERS)
    if table.empty or not table[["estimate", "unadjusted"]].notna().any().any():
        return write_sentence(make_axes(ax), "No shares by factor: too few episodes returned.")
    ax = make_axes(ax, (7.2, factor_height(table, narrow)))
    highest = float(table[list(NUMBERS[:4])].max().max())
    limits = (0.0, min(1.3, max(0.05, highest) * (1.32 if narrow else 1.14)))
    draw_rows(ax, list_levels(table), limits, format_percent, narrow, "episodes")
    write_below(ax, LEGEND, (0, 1), ax.transAxes, 9, color=MUTED, ha="left")
    return ax


def split_factors(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Cut the levels that have a number into parts of at most `MOST_ROWS` rows, no factor in two of them."""
    shown = table[to_gaps(table, *NUMBERS)[["estimate", "unadjusted"]].notna().any(axis=1)]
    parts: list[list[str]] = []
    rows = MOST_ROWS
    for factor, levels in shown.groupby("factor", sort=False):
        needed = len(levels) + 1
        if not parts or rows + needed > MOST_ROWS:
            parts.append([])
            rows = 0
        parts[-1].append(str(factor))
        rows += needed
    return [shown[shown["factor"].isin(names)] for names in parts]


def factor_height(table: pd.DataFrame, narrow: bool) -> float:
    """Inches the picture of factors needs."""
    return 0.5 + ROW_INCHES[narrow] * count_lines(list_levels(to_gaps(table, *NUMBERS)), narrow)


def list_levels(table: pd.DataFrame) -> list[Row]:
    """The rows of the picture: each factor's name, then its levels."""
    rows: list[Row] = []
    for _, part in table.groupby("factor", sort=False):
        rows.append(Row(str(part["factor_label"].iloc[0]), is_heading=True))
        rows += [_level_row(row) for row in part.to_dict("records")]
    return rows


def _level_row(row: dict[Any, Any]) -> Row:
    value = float(row["estimate"])
    n = row["n"]
    return Row(
        label=str(row["level_label"]) + (" (reference)" if row["reference"] else ""),
        value=value,
        low=float(row["conf_low"]),
        high=float(row["conf_high"]),
        right=format_count(n) if n == n else "few",
        hollow=float(row["unadjusted"]),
        words="" if value == value or row["unadjusted"] == row["unadjusted"] else "too few to be shown",
        shown=format_percent(value) if value == value else "",
    )
