"""Small panels, one a line, all over the same quarters or visits."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from outcomes.release.drawing import make_axes
from outcomes.release.sentences import format_percent
from outcomes.release.svg import ACCENT, INK, MUTED, WASH
from outcomes.release.words import short_quarter

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Scale = tuple[Callable[[float], str], tuple[float, float]]
_FAR_APART = 4
"""Periods from which a name that begins at the first and one that ends at the last leave room between them."""


def draw_panels(
    ax: Axes | None, height: float, table: pd.DataFrame, narrow: bool, scale: Callable[[pd.DataFrame], Scale]
) -> Axes:
    """Draw one panel a label of `table`, in three columns or, `narrow`, in one; return their host.

    `scale` says of the rows of a panel how a value is written, and what the upright axis reaches from and to.
    """
    host = make_axes(ax, (7.2, height))
    panels = [(str(label), part) for label, part in table.groupby("label", sort=False)]
    for cell, (label, part) in zip(split_host(host, len(panels), 1 if narrow else 3), panels, strict=True):
        quarter_panel(cell, label, part, *scale(part), 44 if narrow else 22)
    return host


def share_scale(table: pd.DataFrame) -> Callable[[pd.DataFrame], Scale]:
    """Return one scale of shares for all panels, so that heights can be compared between them."""
    top = max(0.1, float(table["conf_high"].fillna(table["estimate"]).max()) * 1.12)
    return lambda _: (format_percent, (0.0, min(1.0, top)))


def quarter_panel(
    ax: Axes, title: str, part: pd.DataFrame, write: Callable[[float], str], limits: tuple[float, float], width: int
) -> None:
    """Draw one line over the quarters; the newest one's value stands beside the title, immature quarters are grey.

    Where the newest quarter old enough has no value, no number stands there: an earlier one would be read as its own.

    Where no quarter has a value, a sentence says why in place of empty axes.

    Parameters
    ----------
    part : DataFrame
        ``quarter, estimate, conf_low, conf_high`` and, if quarters can be immature, ``mature``; hidden values are NaN.
    write : callable
        Writes a value.
    limits : (float, float)
        Of the upright axis.
    width : int
        Characters of a line of the title.
    """
    quarters = [str(q) for q in part["quarter"]]
    at = list(range(len(quarters)))
    mature = part["mature"].astype(bool) if "mature" in part else part["estimate"].map(lambda _: True)
    shown = part["estimate"].where(mature)
    ax.set_title(_wrap(title, width), loc="left", fontsize=8, color=INK, pad=6, linespacing=1.15)
    if not shown.notna().any():
        why = "Too few to be shown." if mature.any() else "Too early to tell."
        ax.set_axis_off()
        ax.text(0, 0.94, why, va="top", ha="left", fontsize=8, color=MUTED, transform=ax.transAxes)
        return
    early = [i for i, is_mature in zip(at, mature, strict=True) if not is_mature]
    if early:
        ax.axvspan(early[0] - 0.5, early[-1] + 0.5, color=WASH, lw=0)
    low, high = part["conf_low"].where(mature), part["conf_high"].where(mature)
    ax.vlines(at, low, high, color=ACCENT, alpha=0.3, linewidth=1.4)
    ax.plot(at, shown, color=ACCENT, linewidth=1.5, marker="o", markersize=2.4)
    newest = max(i for i, is_mature in zip(at, mature, strict=True) if is_mature)
    value = float(shown.iloc[newest])
    if value == value:
        ax.plot([newest], [value], "o", color=ACCENT, markersize=4.4)
        ax.set_title(write(value), loc="right", fontsize=8.5, color=INK, pad=6, fontweight="bold")
    _quarter_axes(ax, quarters, write, limits, whole=bool((shown.dropna() % 1 == 0).all()) and limits[1] > 1)


def _quarter_axes(
    ax: Axes, quarters: Sequence[str], write: Callable[[float], str], limits: tuple[float, float], whole: bool
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_xlim(-0.6, len(quarters) - 0.4)
    ax.set_ylim(*limits)
    ends = [0, len(quarters) - 1] if len(quarters) > 1 else [0]
    ax.set_xticks(ends, [short_quarter(quarters[i]) for i in ends], fontsize=7)
    spread_ends(ax, len(quarters))
    ax.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10], integer=whole))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: write(v)))
    ax.tick_params(axis="y", labelsize=7)
    ax.grid(axis="y")
    ax.set_axisbelow(True)


def spread_ends(ax: Axes, n: int) -> None:
    """Keep the names of the first and the last of `n` periods inside the panel, or apart where these are near."""
    if n >= _FAR_APART:
        first, last = ax.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")


def split_host(host: Axes, n: int, columns: int) -> list[Axes]:
    """Split a host into `n` panels, row by row; gaps in shares of the host that suit labels of 7 to 9 points."""
    rows = -(-n // columns)
    host.set_axis_off()
    figure, area = host.get_figure(root=True), host.get_window_extent()
    dpi = figure.dpi if figure is not None else 100.0
    gap_x = min(0.50 * dpi / area.width, 0.5 / columns)
    gap_y = min(0.66 * dpi / area.height, 0.6 / rows)
    width = (1 - gap_x * columns) / columns
    height = (1 - gap_y * rows) / rows
    return [
        host.inset_axes(
            (
                gap_x + (i % columns) * (width + gap_x),
                1 - (i // columns + 1) * (height + gap_y) + gap_y * 0.42,
                width,
                height,
            )
        )
        for i in range(n)
    ]


def plain(value: float) -> str:
    """Write a number: whole from 20 on, else with one decimal where it has one."""
    return f"{value:,.0f}" if value >= 20 or value == int(value) else f"{value:.1f}"


def _wrap(text: str, width: int) -> str:
    """At most three lines, short enough to stand beside a value."""
    lines = textwrap.wrap(text, width) or [""]
    return "\n".join([*lines[:2], cut(" ".join(lines[2:]), width)] if len(lines) > 2 else lines)


def cut(text: object, limit: int) -> str:
    """Shorten a label to a number of characters."""
    words = str(text)
    return words if len(words) <= limit else words[: limit - 1] + "…"
