"""Charts of one row a line of a table: a label, a mark with its interval, and numbers at the right."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcomes.release.drawing import write_below
from outcomes.release.svg import ACCENT, INK, MUTED, WASH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAN = float("nan")
LINE = 0.56
"""Height of one line of a label, in units of a row with a single line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a chart.

    Attributes
    ----------
    label : str
    value, low, high : float
        NaN for a row without a mark.
    right : str
        Written in the column at the right.
    hollow : float
        A second value, drawn as a ring.
    words : str
        Stand in place of a mark.
    is_heading, is_main : bool
    shown : str
        The value as it is written beside its mark; a row without a mark has none.
    most_lines : int
        Lines `words` may take; with more than two they are short ones, and the row grows with them.
    """

    label: str
    value: float = NAN
    low: float = NAN
    high: float = NAN
    right: str = ""
    hollow: float = NAN
    words: str = ""
    is_heading: bool = False
    is_main: bool = False
    shown: str = ""
    most_lines: int = 2


def count_lines(rows: Sequence[Row], narrow: bool) -> float:
    """Height of all rows in units of a row with a single line; a figure's height follows from it."""
    # Correctly rounded, so that every version of Python draws the same picture.
    return math.fsum(_height(row, narrow) for row in rows)


def draw_rows(
    ax: Axes,
    rows: Sequence[Row],
    limits: tuple[float, float],
    write: Callable[[float], str],
    narrow: bool,
    right_heading: str = "",
    line_at: float = NAN,
) -> list[float]:
    """Draw the rows from the top down and return their heights on the axis.

    Parameters
    ----------
    limits : (float, float)
        Of the axis of values.
    write : callable
        Writes a tick of that axis.
    line_at : float
        Where an upright line stands, which no number may be written on.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    heights = _place(rows, narrow)
    size = 7.0 if narrow else 8.0
    ax.set_xlim(*limits)
    ax.set_ylim(-count_lines(rows, narrow) + 0.1, 0.35)
    for row, y in zip(rows, heights, strict=True):
        _draw_row(ax, row, y, size, limits, line_at)
        if row.right:
            place = ax.get_yaxis_transform()
            ax.text(1.02, y, row.right, transform=place, va="center", fontsize=size, color=INK)
    ax.set_yticks(heights, [_wrap(row.label, narrow) for row in rows], fontsize=size)
    for label, row in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if row.is_heading or row.is_main else "normal")
    ax.tick_params(axis="y", labelcolor=INK)
    ax.xaxis.set_major_locator(MaxNLocator(4 if narrow else 5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write(v)))
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    if right_heading:
        write_below(ax, right_heading, (1.02, 1), ax.transAxes, 9, color=MUTED, ha="left")
    return heights


def _draw_row(ax: Axes, row: Row, y: float, size: float, limits: tuple[float, float], line_at: float) -> None:
    if row.words:
        words = "\n".join(_wrap_words(row, size < 8))
        left = limits[0] + 0.015 * (limits[1] - limits[0])
        backed = {"facecolor": WASH, "edgecolor": "none", "pad": 1.2}
        ax.text(left, y, words, va="center", fontsize=max(size - 0.5, 7.0), color=MUTED, linespacing=1.1, bbox=backed)
    if row.hollow == row.hollow:
        ax.plot([row.hollow], [y], "o", markersize=5.4, markerfacecolor="none", markeredgecolor=MUTED)
    if row.value != row.value:
        return
    colour = ACCENT if row.is_main else INK
    if row.low == row.low:
        ax.plot([row.low, row.high], [y, y], color=colour, linewidth=1.6, alpha=0.55, solid_capstyle="butt")
    ax.plot([row.value], [y], "D" if row.is_main else "o", markersize=5.4 if row.is_main else 4.4, color=colour)
    furthest = max(end for end in (row.value, row.high, row.hollow) if end == end)
    if furthest < line_at < furthest + 0.16 * (limits[1] - limits[0]):
        furthest = line_at
    ax.annotate(
        row.shown,
        (furthest, y),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=size,
        color=colour,
        fontweight="bold" if row.is_main else "normal",
    )


def draw_zero(ax: Axes, value: float = 0.0) -> None:
    """An upright line at the value that means no difference."""
    ax.axvline(value, color=MUTED, linewidth=0.9, zorder=0.9)


def draw_main_line(ax: Axes, value: float) -> None:
    """A dotted upright line at the reported value, for the eye."""
    ax.axvline(value, color=ACCENT, linewidth=0.9, linestyle=(0, (1, 2)), zorder=0.9)


def _place(rows: Sequence[Row], narrow: bool) -> list[float]:
    heights, at = [], 0.0
    for row in rows:
        half = _height(row, narrow) / 2
        at -= half
        heights.append(at + 0.35)
        at -= half
    return heights


def _height(row: Row, narrow: bool) -> float:
    lines = max(_wrap(row.label, narrow), row.right, key=lambda text: text.count("\n")).count("\n") + 1
    if row.most_lines > 2:
        lines = max(lines, len(_wrap_words(row, narrow)))
    return 1.0 - LINE + LINE * lines + (0.25 if row.is_heading else 0.0)


def _wrap_words(row: Row, narrow: bool) -> list[str]:
    widths = (60, 34) if row.most_lines == 2 else (40, 29)
    return textwrap.wrap(row.words, widths[narrow])[: row.most_lines]


def _wrap(text: str, narrow: bool) -> str:
    return "\n".join(textwrap.wrap(text, 24 if narrow else 44)) or text
