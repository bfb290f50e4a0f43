"""Pictures of a public release, drawn from the published tables and nothing else: no more can be read off them.

A curve has straight lines between its published points, for a step would give away a day.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcomes.release.curve_axes import write_observed
from outcomes.release.drawing import LINE_STYLES, make_axes, space_out, spread, style
from outcomes.release.panels import cut
from outcomes.release.public.frames import TOTAL, read_percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SHADES = (ACCENT, MUTED, RULE)
"""Of the columns of a table, first to last."""
ROW_INCHES = (0.27, 0.38)
HEAD_INCHES = (0.3, 0.6)
LABEL, RIGHT = (0.62, 0.0), (0.17, 0.26)
"""Room for the labels, and for each column at the right, in bars; on a phone labels stand above their bars."""
MOST_LETTERS = (34, 56)
BAR, ABOVE = (0.52, 0.36), 0.36
"""Height of a bar, and how far above its middle a label stands on a phone, in rows."""
LETTER_POINTS = 4.3


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a picture: its label, the percents of the columns (NaN hidden), and what stands at its right.

    `is_second` marks one that only stands beside the row above it.
    """

    label: str
    percents: tuple[float, ...]
    right: tuple[str, ...]
    is_second: bool = False


def read_bars(frame: pd.DataFrame, columns: Sequence[str], words: Mapping[str, str]) -> tuple[Bar, ...]:
    """Return the rows of a published table as bars, totals left out.

    Parameters
    ----------
    frame : DataFrame
        As `frames.to_frames` makes it.
    columns : sequence of str
        In the order they are stacked.
    words : mapping
        Rows in words; a row that is not in it is its own word.
    """
    bars = []
    for row in dict.fromkeys(frame["row"]):
        if row == TOTAL:
            continue
        part = frame[frame["row"] == row].set_index("column")
        known = part["percent"].to_dict()
        percents = tuple(read_percent(known[column]) for column in columns)
        shown = [_write(part, column) for column in columns]
        bars.append(Bar(words.get(row, row), percents, (*shown, number(part.loc[TOTAL, "patients"]))))
    return tuple(bars)


def number(text: object) -> str:
    """Write a published number with a comma at the thousands; a mark stays as it is."""
    return f"{int(str(text)):,}" if str(text).isdigit() else str(text)


def _write(part: pd.DataFrame, column: str) -> str:
    """The percent; the mark of a hidden number; a dash for a number whose row is hidden: it would look like a share."""
    percent, patients = (part[name].to_dict()[column] for name in ("percent", "patients"))
    if not math.isnan(read_percent(percent)):
        return f"{percent} %"
    return "\u2013" if str(patients).isdigit() else str(patients)


def height(n_bars: int, narrow: bool) -> float:
    """Inches of a picture of so many bars."""
    return ROW_INCHES[narrow] * n_bars + HEAD_INCHES[narrow]


def draw_bars(bars: Sequence[Bar], ax: Axes | None = None, narrow: bool = False, names: Sequence[str] = ()) -> Axes:
    """Draw one stacked bar a row, its percents and the rounded number of patients at the right.

    Parameters
    ----------
    bars : sequence of Bar
    ax : Axes, optional
    narrow : bool
        Leave room for a phone.
    names : sequence of str
        What the columns stand for, in the order of their shades.
    """
    size = 7.0 if narrow else 8.0
    ends = 1 + RIGHT[narrow] * (len(names) + 1)
    with style():
        ax = make_axes(ax, (7.2, height(len(bars), narrow)))
        ax.set_axis_off()
        # Labels have the same room in every picture, so that the bars of all stand below one another.
        ax.set_xlim(-LABEL[narrow], ends)
        ax.set_ylim(-len(bars) + 0.5, 0.5 + HEAD_INCHES[narrow] / ROW_INCHES[narrow])
        for y, bar in enumerate(bars):
            _draw_bar(ax, bar, -y - (0.12 if narrow else 0.0), size, narrow)
        _draw_heads(ax, names, size, narrow)
    return ax


def _draw_bar(ax: Axes, bar: Bar, y: float, size: float, narrow: bool) -> None:
    left = 0.0
    colour = MUTED if bar.is_second else INK
    up = ABOVE if narrow else 0.0
    ax.text(-LABEL[narrow], y + up, cut(bar.label, MOST_LETTERS[narrow]), va="center", fontsize=size, color=colour)
    ax.barh(y, 1.0, height=BAR[narrow], color=WASH)
    for percent, shade in zip(bar.percents, SHADES, strict=False):
        width = 0.0 if math.isnan(percent) else min(percent / 100, 1 - left)
        if width > 0:
            ax.barh(y, width, left=left, height=BAR[narrow], color=shade)
            left += width
    for i, text in enumerate(bar.right):
        ax.text(1 + RIGHT[narrow] * (i + 1), y, text, va="center", ha="right", fontsize=size, color=INK)


def _draw_heads(ax: Axes, names: Sequence[str], size: float, narrow: bool) -> None:
    """What the shades mean, above the bars, and what stands at the right."""
    from matplotlib.transforms import ScaledTranslation

    points = ax.figure.dpi_scale_trans
    where: dict[str, Any] = {"xycoords": "data", "textcoords": "offset points", "va": "center"}
    left, right = 0.0 if narrow else -LABEL[narrow], 0.0
    for i, (name, shade) in enumerate(zip(names, SHADES, strict=False)):
        up = 10.0 + 11 * (len(names) - 1 - i) if narrow else 10.0
        moved = ax.transData + ScaledTranslation((right + 3) / 72, up / 72, points)
        ax.plot([left], [0.5], "s", markersize=5, color=shade, transform=moved, clip_on=False)
        ax.annotate(name, (left, 0.5), xytext=(right + 9, up), fontsize=size, color=MUTED, **where)
        right += 0.0 if narrow else 24 + LETTER_POINTS * len(name)
    end = 1 + RIGHT[narrow] * (len(names) + 1)
    ax.annotate("patients", (end, 0.5), xytext=(0, 10), fontsize=size, color=MUTED, ha="right", **where)


def draw_curve(curve: pd.DataFrame, ax: Axes | None = None, narrow: bool = False, last: float = 0.0) -> Axes:
    """Draw the published points of every group, joined by straight lines, their intervals, and the numbers observed.

    Parameters
    ----------
    curve : DataFrame
        `frames.CURVE_COLUMNS`; not empty.
    ax : Axes, optional
    narrow : bool
        Leave room for a phone: fewer labels.
    last : float
        Day the axis ends with; the last published one when 0.
    """
    groups = list(dict.fromkeys(curve["group"]))
    end = max(last, float(curve["day"].max()))
    with style():
        ax = make_axes(ax, (7.2, 3.4))
        ends = []
        for i, group in enumerate(groups):
            part = curve[curve["group"] == group]
            written = space_out(part["day"].tolist(), end, narrow) if len(groups) == 1 else []
            _draw_group(ax, part, SERIES[i], LINE_STYLES[i], written)
            ends.append(float(part["percent"].iloc[-1]))
        top = min(100.0, 25 * math.ceil((float(curve["high_percent"].max()) + 6) / 25))
        _draw_axes(ax, curve, groups, end, top, narrow)
        if len(groups) > 1:
            for i, y in enumerate(spread([value / top for value in ends], 0.075)):
                at = float(curve.loc[curve["group"] == groups[i], "day"].max())
                ax.text(at + end * 0.03, y * top, cut(groups[i], 20), color=SERIES[i], va="center", fontsize=7.5)
    return ax


def _draw_group(ax: Axes, part: pd.DataFrame, colour: str, line: Any, written: Sequence[int]) -> None:
    """Points, intervals and line of a group; the days in `written` have their value, above the interval."""
    days, values = [0, *part["day"]], [0, *part["percent"]]
    ax.plot(days, values, color=colour, linestyle=line, linewidth=1.8)
    ax.vlines(part["day"], part["low_percent"], part["high_percent"], color=colour, alpha=0.45, linewidth=1.6)
    ax.plot(part["day"], part["percent"], "o", markersize=4.2, color=colour)
    for row in part[part["day"].isin(written)].to_dict("records"):
        ax.annotate(
            f"{row['percent']} %",
            (row["day"], row["high_percent"]),
            xytext=(4, 2),
            textcoords="offset points",
            ha="right",
            fontsize=7.5,
            color=INK,
        )


def _draw_axes(ax: Axes, curve: pd.DataFrame, groups: Sequence[str], end: float, top: float, narrow: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    days = sorted(set(curve["day"].tolist()))
    written = space_out(days, end, narrow or len(groups) > 1)
    ax.set_ylim(0, top)
    ax.set_xlim(-end * 0.02, end * ((1.5 if narrow else 1.3) if len(groups) > 1 else 1.06))
    ax.set_xticks([0, *written])
    ax.yaxis.set_major_locator(MultipleLocator(25))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_xlabel("days since the first visit", fontsize=7.5, loc="right", labelpad=1)
    numbers = {}
    for group in groups:
        known = curve[curve["group"] == group].set_index("day")["at_risk"]
        numbers[group] = [f"{int(known[day]):,}" if day in known.index else "\u2013" for day in written]
    write_observed(ax, numbers, written, "still observed, about", 20)
