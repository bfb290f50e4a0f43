"""The mean pain course as a picture: the main line with its interval, the check beside it, the number observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from outcomes.release.curve_axes import write_observed
from outcomes.release.drawing import (
    LINE_STYLES,
    draws_answer,
    make_axes,
    space_out,
    to_gaps,
    write_below,
    write_sentence,
)
from outcomes.release.panels import cut
from outcomes.release.svg import ACCENT, INK, MUTED, SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MAIN, CHECK = "mixed model", "weighted visits"
CHECK_STYLE = (0, (4, 1.8))
LEGEND = "dashes: weighted visits, a check"
_CHECKS_UP_TO = 2
"""With more groups than this their checks would hide each other; they stand in the table."""
_PAIN_POINTS = 10
_EMPTY = "No pain course: too few episodes to draw one."
_LABEL_POINTS = 10.0
"""Least distance between two labels, in points: the height of one."""


@draws_answer
def pain_course(course: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw mean pain by day, 0 to 10 points, with its interval, and the check by weighted visits as dashes.

    Parameters
    ----------
    course : PainCourse
        Reads ``curve`` [group, line, day, estimate, conf_low, conf_high, at_risk] and the horizons of ``table``.
    ax : Axes, optional
    narrow : bool
        Leave room for a phone: fewer labels.

    Returns
    -------
    Axes
    """
    curve = to_gaps(course.curve, "estimate", "conf_low", "conf_high", "at_risk").dropna(subset=["estimate"])
    if curve.empty:
        return write_sentence(make_axes(ax), _EMPTY)
    ax = make_axes(ax, (7.2, 3.7))
    last = float(curve["day"].max())
    days = sorted({0, int(last), *(int(day) for day in course.table["horizon_days"] if day <= last)})
    groups = [str(name) for name in curve["group"].unique()]
    parts = {name: curve[(curve["group"] == name) & (curve["line"] == MAIN)] for name in groups}
    checks = {name: curve[(curve["group"] == name) & (curve["line"] == CHECK)] for name in groups}
    _course_axes(ax, days, last, parts, narrow)
    for i, name in enumerate(groups):
        shown = checks[name] if len(groups) <= _CHECKS_UP_TO else checks[name].iloc[:0]
        _draw_group(ax, parts[name], shown, i, len(groups))
    if len(groups) == 1:
        _mark_days(ax, course.table, last, narrow)
        _name_lines(ax, parts[groups[0]], checks[groups[0]], narrow)
    else:
        if len(groups) <= _CHECKS_UP_TO and any(len(check) for check in checks.values()):
            write_below(ax, LEGEND, (1, 1), ax.transAxes, -5, color=MUTED, ha="right")
        _name_groups(ax, parts, last, narrow)
    return ax


def _draw_group(ax: Axes, part: pd.DataFrame, check: pd.DataFrame, i: int, n_groups: int) -> None:
    colour = SERIES[i % len(SERIES)]
    line: Any = LINE_STYLES[i % len(LINE_STYLES)] if n_groups > 4 else "-"
    ax.plot(part["day"], part["estimate"], color=colour, linestyle=line, linewidth=1.9)
    ax.fill_between(part["day"], part["conf_low"], part["conf_high"], color=colour, alpha=0.14, lw=0)
    if len(check):
        shade = INK if n_groups == 1 else colour
        ax.plot(check["day"], check["estimate"], color=shade, linestyle=CHECK_STYLE, linewidth=1.1)


def _mark_days(ax: Axes, table: pd.DataFrame, last: float, narrow: bool) -> None:
    """Write the mean on each day asked for, above the line, where labels do not touch."""
    rows = to_gaps(table, "estimate").dropna(subset=["estimate"])
    ax.plot(rows["horizon_days"], rows["estimate"], "o", markersize=4.2, color=ACCENT)
    written = set(space_out([int(day) for day in rows["horizon_days"]], last, narrow))
    for day, value in zip(rows["horizon_days"], rows["estimate"], strict=True):
        if int(day) in written:
            ax.annotate(
                f"{value:.1f}",
                (day, value),
                xytext=(3, 6),
                textcoords="offset points",
                ha="left",
                color=INK,
                fontweight="bold",
            )


def _name_lines(ax: Axes, part: pd.DataFrame, check: pd.DataFrame, narrow: bool) -> None:
    """Name the two lines in the free corner at the top right, each beside a piece of it."""
    names: list[tuple[str, str, Any, float, str]] = [(MAIN, ACCENT, "-", 1.9, "with its interval")]
    if len(check):
        names.append((CHECK, INK, CHECK_STYLE, 1.1, "a check"))
    for i, (name, colour, line, width, what) in enumerate(names):
        y = 0.95 - 0.075 * i
        left = 0.52 if narrow else 0.62
        ax.plot([left, left + 0.07], [y, y], transform=ax.transAxes, color=colour, linestyle=line, linewidth=width)
        ax.text(
            left + 0.085,
            y,
            name if narrow else f"{name}, {what}",
            transform=ax.transAxes,
            va="center",
            fontsize=7.5,
            color=INK,
        )


def _name_groups(ax: Axes, parts: dict[str, pd.DataFrame], last: float, narrow: bool) -> None:
    """Name each group at the end of its line; names that would touch are moved apart, in the order of the lines."""
    ends = {name: part.iloc[-1] for name, part in parts.items() if len(part)}
    order = sorted(ends, key=lambda name: float(ends[name]["estimate"]))
    # How high the axes are is settled only when the labels around them have their place.
    root: Any = ax.figure.figure
    root.draw_without_rendering()
    bottom, top = ax.get_ylim()
    height = ax.get_window_extent().height * 72.0 / root.dpi
    least = _LABEL_POINTS * (top - bottom) / height
    places = _spread([float(ends[name]["estimate"]) for name in order], least, bottom + least / 2)
    width = 14 if narrow else 24
    for name, y in zip(order, places, strict=True):
        colour = SERIES[list(parts).index(name) % len(SERIES)]
        ax.text(last * 1.015, y, cut(name, width), color=colour, va="center", fontsize=7.5 if narrow else 8.5)


def _spread(values: Sequence[float], least: float, bottom: float) -> list[float]:
    """Move ascending values apart to at least `least`, upwards from the lowest, then centre the pile they make."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, placed[-1] + least) if placed else max(value, bottom))
    push = sum(p - v for p, v in zip(placed, values, strict=True)) / max(1, len(placed))
    shift = min(push, placed[0] - bottom) if placed else 0.0
    return [p - shift for p in placed]


def _course_axes(ax: Axes, days: Sequence[int], last: float, parts: dict[str, pd.DataFrame], narrow: bool) -> None:
    """Axes and, under them, one row of numbers observed a group; offsets in points, so that they suit any size."""
    from matplotlib.ticker import MultipleLocator

    room = (1.34 if narrow else 1.2) if len(parts) > 1 else 1.02
    ax.set_ylim(0, _PAIN_POINTS)
    ax.set_xlim(-last * 0.012, last * room)
    written = space_out(days, last * room, narrow)
    ax.set_xticks(days, [str(t) if t in written else "" for t in days])
    ax.yaxis.set_major_locator(MultipleLocator(2))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_xlabel("days since the first visit", fontsize=7.5, loc="right", labelpad=1)
    write_below(ax, "mean pain, points of 0–10", (0, 1), ax.transAxes, 10, color=MUTED, ha="left")
    write_observed(ax, {name: [_observed(part, tick) for tick in written] for name, part in parts.items()}, written)


def _observed(part: pd.DataFrame, day: int) -> str:
    """Number observed on a day, a dash where it is hidden or past the group's last day."""
    found = part.loc[part["day"] == day, "at_risk"]
    return f"{int(found.iloc[0]):,}" if len(found) and found.notna().all() else "–"
