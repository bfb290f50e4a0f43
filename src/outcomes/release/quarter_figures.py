"""The quarters as pictures: control charts, and observed minus expected over time.

A point's shape says what its chart says of it, and its colour says it again: a square is an improvement, a diamond a
concern, a triangle a change where recording changed too. Nothing is computed here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_sentence
from outcomes.release.panels import cut, plain, split_host, spread_ends
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, SERIES, WASH
from outcomes.release.words import short_quarter

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MARKS = {"improvement": ("s", SERIES[2]), "concern": ("D", SERIES[1]), "change": ("^", SERIES[4])}
"""Shape and colour of a point by the word of its signal."""
MARK_WORDS = {
    "improvement": "Square: improvement.",
    "concern": "Diamond: concern.",
    "change": "Triangle: change while recording changed.",
}
OUTSIDE = "o"
"""A sum beyond its limits is neither good nor bad: it is where the line turns that something changed."""
LINES = ("centre", "low", "high")


@draws_answer
def spc(review: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw, one small panel an indicator, its control chart over the quarters, as recorded.

    Parameters
    ----------
    review : QuarterReview
        Reads ``more["chart"]`` (`questions.quarter_charts.COLUMNS`).
    ax : Axes, optional
        Host of the panels; they are its children.
    narrow : bool

    Returns
    -------
    Axes
        The host. Immature quarters are grey and empty, the number of a panel is that of the newest mature one (none
        where it has no value), the centre is a line, limits are dashed, documented breaks are
        upright lines with a letter (`list_breaks`).
    """
    table = to_gaps(review.more["chart"], "estimate", *LINES)
    table = table[table["basis"] == "recorded"]
    if table.empty or not table["estimate"].notna().any():
        return write_sentence(make_axes(ax), "No control charts: no quarter has enough episodes.")
    panels = [(str(label), part.reset_index(drop=True)) for label, part in table.groupby("label", sort=False)]
    ax = make_axes(ax, (7.2, 4.0))
    columns = 1 if narrow else min(3, len(panels))
    for cell, (label, part) in zip(split_host(ax, len(panels), columns), panels, strict=True):
        _chart_panel(cell, label, part, 44 if narrow else 66 // columns)
    return ax


def _chart_panel(ax: Axes, title: str, part: pd.DataFrame, width: int) -> None:
    _set_title(ax, title, width)
    mature = part["mature"].astype(bool)
    value = part["estimate"].where(mature)
    if not value.notna().any():
        ax.set_axis_off()
        why = "Too few to be shown." if mature.any() else "Too early to tell."
        ax.text(0, 0.94, why, va="top", ha="left", fontsize=8, color=MUTED, transform=ax.transAxes)
        return
    if early := [i for i, is_mature in enumerate(mature) if not is_mature]:
        ax.axvspan(early[0] - 0.5, early[-1] + 0.5, color=WASH, lw=0)
    _draw_lines(ax, part)
    ax.plot(range(len(part)), value, color=ACCENT, linewidth=1.4, marker="o", markersize=2.4, zorder=3)
    _draw_signals(ax, part.assign(estimate=value))
    newest = float(value[mature].iloc[-1])
    # The value of an earlier quarter would be read as that of the newest.
    number = percent(newest) if newest == newest else ""
    ax.set_title(number, loc="right", fontsize=8.5, color=INK, pad=6, fontweight="bold")
    _share_axes(ax, [str(q) for q in part["quarter"]], part.assign(estimate=value))
    _draw_breaks(ax, part)


def _set_title(ax: Axes, title: str, width: int) -> None:
    """In two lines at most."""
    lines = textwrap.wrap(title, width)
    head = "\n".join([*lines[:1], cut(" ".join(lines[1:]), width)]) if len(lines) > 1 else title
    ax.set_title(head, loc="left", fontsize=8, color=INK, pad=6, linespacing=1.15)


def _draw_lines(ax: Axes, part: pd.DataFrame) -> None:
    """Centre and limits, each segment between two breaks on its own."""
    at = range(len(part))
    segment = (part["break_reason"].astype(str) != "").cumsum()
    for _, rows in part.groupby(segment):
        x = [at[i] for i in rows.index]
        ax.plot(x, rows["centre"], color=MUTED, linewidth=0.9)
        for name in ("low", "high"):
            ax.plot(x, rows[name], color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)))


def _draw_signals(ax: Axes, part: pd.DataFrame) -> None:
    _mark_signals(ax, part, "estimate", 5.4)


def _draw_breaks(ax: Axes, part: pd.DataFrame) -> None:
    """An upright line at each documented break, with the letter its reason has in `list_breaks`."""
    letters = break_letters(part)
    for i, quarter in enumerate(part["quarter"]):
        if quarter in letters:
            ax.axvline(i - 0.5, color=INK, linewidth=0.9, linestyle=(0, (1.4, 1.4)))
            # Below the axis no line of the chart passes; quarters are named at the two ends only.
            at: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
            looks: dict[str, Any] = {"fontsize": 7.5, "fontweight": "bold", "color": INK, "ha": "center", "va": "top"}
            ax.annotate(letters[quarter], (i - 0.5, 0.0), xytext=(0, -4), **at, **looks)


def break_letters(chart: pd.DataFrame) -> dict[str, str]:
    """Return the letter of each quarter with a documented break, in order of time."""
    quarters = sorted({str(q) for q, why in zip(chart["quarter"], chart["break_reason"], strict=True) if str(why)})
    return {quarter: chr(ord("A") + i % 26) for i, quarter in enumerate(quarters)}


def list_breaks(chart: pd.DataFrame) -> str:
    """Say what the letters stand for; empty without a break."""
    reason = dict(zip(chart["quarter"].astype(str), chart["break_reason"].astype(str), strict=True))
    return " ".join(f"{letter}, {short_quarter(q)}: {reason[q]}." for q, letter in break_letters(chart).items())


def _share_axes(ax: Axes, words: Sequence[str], part: pd.DataFrame) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    seen = part[["estimate", *LINES]]
    low, high = float(seen.min().min()), float(seen.max().max())
    room = max(0.04, 0.12 * (high - low))
    ax.set_ylim(max(0.0, low - room), min(1.0, high + room) if high < 1.0 else 1.02)
    _ends(ax, words)
    ax.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    ax.tick_params(axis="y", labelsize=7)
    ax.grid(axis="y")
    ax.set_axisbelow(True)


def _ends(ax: Axes, words: Sequence[str]) -> None:
    """Name the first and the last period."""
    ax.set_xlim(-0.6, len(words) - 0.4)
    ends = [0, len(words) - 1] if len(words) > 1 else [0]
    names = [short_quarter(words[i]) if "Q" in words[i] else words[i] for i in ends]
    ax.set_xticks(ends, names, fontsize=7)
    spread_ends(ax, len(words))


@draws_answer
def observed_expected(review: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw observed minus expected events, summed over the months, and the CUSUM of the newest, each with its limits.

    Parameters
    ----------
    review : QuarterReview
        Reads ``more["expected"]`` [label, month, difference, low, high, beyond] and ``more["cusum"]`` [label, month,
        up, down, limit_up, limit_down, signal, word]; either may be empty. All panels have one axis of time.
    ax : Axes, optional
        Host of the panels; they are its children.
    narrow : bool
    """
    table = to_gaps(review.more["expected"], "difference", "low", "high")
    watched = to_gaps(review.more["cusum"], "up", "down", "limit_up", "limit_down")
    if table.empty and watched.empty:
        return write_sentence(make_axes(ax), "No sums over the months: too few episodes a month to show them.")
    panels = [(_sum_panel, str(label), part) for label, part in table.groupby("label", sort=False)]
    for label, part in watched.groupby("label", sort=False):
        panels.append((_cusum_panel, f"CUSUM: {label}", part))
    months = sorted({str(month) for _, _, part in panels for month in part["month"]})
    ax = make_axes(ax, (7.2, 2.2))
    cells = split_host(ax, len(panels), 1 if narrow else max(2, min(3, len(panels))))
    for cell, (draw_panel, label, part) in zip(cells, panels, strict=True):
        _set_title(cell, label, 44 if narrow else 24)
        cell.axhline(0.0, color=MUTED, linewidth=0.9)
        draw_panel(cell, part.set_index(part["month"].map(lambda month: months.index(str(month)))))
        _ends(cell, months)
        cell.grid(axis="y")
        cell.set_axisbelow(True)
    return ax


def _sum_panel(ax: Axes, part: pd.DataFrame) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.fill_between(part.index, part["low"], part["high"], color=ACCENT, alpha=0.12, lw=0)
    ax.plot(part.index, part["difference"], color=ACCENT, linewidth=1.6)
    outside = part[part["beyond"].astype(bool)]
    if len(outside):
        looks: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.0}
        ax.plot(outside.index, outside["difference"], linestyle="none", marker=OUTSIDE, markersize=5.4, **looks)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:+.0f}".replace("-", "\u2212") if v else plain(v)))
    ax.tick_params(axis="y", labelsize=7)
    # The sums begin at 0, so that the corner is free.
    unit: dict[str, Any] = {"va": "top", "ha": "left", "fontsize": 7.0, "color": MUTED}
    ax.annotate("episodes", (0, 1), xycoords="axes fraction", xytext=(2, 1), textcoords="offset points", **unit)


def _cusum_panel(ax: Axes, part: pd.DataFrame) -> None:
    """Draw what speaks for a rise above 0 and what speaks for a fall below it; the sums have no unit to read off."""
    part = part.assign(fall=-part["down"])
    for name, limit in (("up", part["limit_up"]), ("fall", -part["limit_down"])):
        ax.plot(part.index, part[name], color=ACCENT, linewidth=1.6)
        ax.plot(part.index, limit, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
        _mark_signals(ax, part[part["signal"] == (1 if name == "up" else -1)], name, 4.6)
    top = float(part[["limit_up", "up"]].max().max())
    bottom = float(part[["limit_down", "down"]].max().max())
    ax.set_ylim(-1.25 * bottom, 1.25 * top)
    ax.set_yticks([-float(part["limit_down"].iloc[0]), 0.0, float(part["limit_up"].iloc[0])], ["fall", "0", "rise"])
    ax.tick_params(axis="y", labelsize=7)


def _mark_signals(ax: Axes, part: pd.DataFrame, name: str, size: float) -> None:
    """Put the mark of each signal's word where its value is shown."""
    if "centre" in part:
        # Nothing is judged by lines that are hidden.
        part = part[part["centre"].notna()]
    for word, (marker, colour) in MARKS.items():
        rows = part[(part["word"] == word) & part[name].notna()]
        looks: dict[str, Any] = {"color": colour, "markeredgecolor": INK, "markeredgewidth": 0.6, "zorder": 4}
        if len(rows):
            ax.plot(rows.index, rows[name], linestyle="none", marker=marker, markersize=size, **looks)
