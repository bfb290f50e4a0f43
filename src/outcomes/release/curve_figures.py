"""Curves by day: relief, return, and the competing ends of an episode."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from outcomes.errors import Finding, InputRefused
from outcomes.release.curve_axes import BAND, BOUNDS, draw_axes, draw_lines, find_top, name_groups
from outcomes.release.drawing import (
    draws_answer,
    make_axes,
    space_out,
    spread,
    to_gaps,
    write_sentence,
)
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

AT_RISK_CONVENTION = "still under observation without the event just before that day"
END_STYLES = {
    "relief": (ACCENT, 0.85, "Relief\nrecorded"),
    "sent_on": (SERIES[2], 0.45, "Sent on\nwithout it"),
    "stopped": (SERIES[1], 0.45, "Stopped\nwithout it"),
}
"""From the bottom of the stack upwards: colour, opacity, label."""


@draws_answer
def relief_curve(relief: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of episodes relieved by each day, with its interval and the number observed.

    One group is drawn with all there is: the interval at each day tinted, the band that holds the whole curve dotted,
    the curve's two bounds where they part, and in grey how far the share goes if none, or all, of those who stopped
    coming were relieved. Several groups are drawn with their intervals.

    Parameters
    ----------
    relief : Relief
        Reads ``curve`` [group, day, estimate, conf_low, conf_high, at_risk; upper, band_low, band_high,
        if_none_of_stopped, if_all_of_stopped where there are such] and the horizons of ``table``.
    ax : Axes, optional
    narrow : bool
        Leave room for a phone: fewer labels.

    Returns
    -------
    Axes
    """
    _check_question(relief, "time to relief", "estimate_relief")
    return _curve(relief, ax, narrow, "days since the first visit", "No relief curve: too few episodes to draw one.")


@draws_answer
def return_curve(recurrence: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of relieved episodes that came back to the clinic by each day after the landmark.

    Parameters and value as `relief_curve`.
    """
    _check_question(recurrence, "return after relief", "estimate_recurrence")
    return _curve(
        recurrence,
        ax,
        narrow,
        f"days since the landmark, {say_landmark(recurrence)}",
        "No return curve: too few relieved episodes to draw one.",
    )


def say_landmark(recurrence: Any) -> str:
    """Say when the clock of returns starts, by the protocol an answer was made under: "30 days after relief"."""
    return f"{recurrence.settings['landmark_days']} days after relief"


def _check_question(result: Any, question: str, maker: str) -> None:
    """Refuse the answer to another question (E657): its curve would be drawn under words that are not its own."""
    asked = getattr(result, "settings", {}).get("question", question)
    if not asked.startswith(question):
        finding = Finding("E657", f"answers '{asked}'.", "figure", f"Pass what outcomes.{maker}(episodes) returns.")
        raise InputRefused(f"This figure draws {question}.", [finding])


@draws_answer
def competing_ends(relief: Any, ax: Axes | None = None, narrow: bool = False, group: str | None = None) -> Axes:
    """Draw how episodes end by each day, one share on top of the other; what is left is still coming.

    Parameters
    ----------
    relief : Relief
        Reads ``ends_curve`` [group, day, end, estimate, at_risk] and the horizons of ``table``.
    ax : Axes, optional
    narrow : bool
    group : str, optional
        The group to draw where there are several: the areas of two would hide each other.

    Returns
    -------
    Axes
    """
    import numpy as np

    _check_question(relief, "time to relief", "estimate_relief")
    table = to_gaps(relief.ends_curve, "estimate", "at_risk")
    if table["group"].nunique() > 1 and group is None:
        return write_sentence(make_axes(ax), "Ends are drawn for one group: name it with group=...")
    table = table if group is None else table[table["group"] == group]
    # Without a record of discharge there is no share of those sent on.
    shares = {end: table[table["end"] == end].set_index("day") for end in END_STYLES if (table["end"] == end).any()}
    known = [part["estimate"].dropna().index.max() for part in shares.values()]
    if "relief" not in shares or any(not day >= 1 for day in known):
        return write_sentence(make_axes(ax), "No ends of episodes: too few to draw them.")
    ax = make_axes(ax, (7.2, 3.7))
    days = np.arange(int(min(known)) + 1)
    floor = np.zeros(days.size)
    names, middles = [], []
    for end, part in shares.items():
        colour, opacity, label = END_STYLES[end]
        top = floor + part["estimate"].reindex(days).to_numpy(dtype=float)
        ax.fill_between(days, floor, top, step="post", color=colour, alpha=opacity, lw=0)
        ax.plot(days, top, drawstyle="steps-post", color=colour, linewidth=1.2)
        names.append(f"{label}, {percent(top[-1] - floor[-1])}")
        middles.append((floor[-1] + top[-1]) / 2)
        floor = top
    names.append(f"Still coming,\n{percent(1.0 - floor[-1])}")
    middles.append((floor[-1] + 1.0) / 2)
    last = float(days[-1])
    ticks = [0, *sorted({int(day) for day in relief.table["horizon_days"] if day <= last})]
    part = shares["relief"].reset_index()
    draw_axes(ax, ticks, last, "days since the first visit", {"all": part}, narrow, top=1.0)
    ax.set_xlim(0, last * (1.55 if narrow else 1.24))
    ax.grid(visible=False)
    ax.text(last * 1.015, 1.03, f"By day {int(last)}", va="bottom", fontsize=7 if narrow else 8, color=MUTED)
    # Labels have two lines, and stand clear of the axis and of the day above them.
    for name, y in zip(names, spread([min(max(0.09, y), 0.9) for y in middles], 0.19), strict=True):
        ax.text(last * 1.015, y, name, va="center", fontsize=7 if narrow else 8, color=INK, linespacing=1.15)
    return ax


def _curve(result: Any, ax: Axes | None, narrow: bool, x_label: str, empty: str) -> Axes:
    numbers = ("estimate", "conf_low", "conf_high", "at_risk", "upper", *BAND, *BOUNDS)
    listed = to_gaps(result.curve, *numbers)
    curve = listed.dropna(subset=["estimate"])
    if curve.empty or curve["day"].max() < 1:
        return write_sentence(make_axes(ax), empty)
    groups = [(str(name), part) for name, part in curve.groupby("group", sort=False)]
    if len(groups) > len(SERIES):
        return write_sentence(make_axes(ax), f"{len(groups)} groups are too many for one picture; see the table.")
    ax = make_axes(ax, (7.2, 3.7))
    days = sorted({int(day) for day in result.table["horizon_days"]})
    # No room is left for days past the last one that may be stated.
    last = float(curve["day"].max()) * 1.02
    days = [day for day in days if day <= last]
    draw_lines(ax, groups)
    if len(groups) > 1:
        name_groups(ax, groups, last, find_top(dict(groups)))
    else:
        _mark_horizons(ax, result.table, last, narrow, on_grey=BOUNDS[0] in groups[0][1])
        _draw_beside(ax, groups[0][1], narrow)
    # How many were observed stands also under days whose share is hidden.
    observed = {name: listed[listed["group"].astype(str) == name] for name, _ in groups}
    draw_axes(ax, [0, *days], last, x_label, observed, narrow)
    return ax


def _draw_beside(ax: Axes, part: pd.DataFrame, narrow: bool) -> None:
    """What stands beside a single curve: upper bound, band, and the bounds of those who stopped."""
    day = part["day"]
    if "upper" in part:
        ax.fill_between(day, part["estimate"], part["upper"], step="post", color=ACCENT, alpha=0.35, lw=0)
    for name in BAND:
        if name in part:
            ax.plot(day, part[name], drawstyle="steps-post", color=ACCENT, linestyle=(0, (1, 2)), linewidth=1.0)
    if BOUNDS[0] not in part or not part[BOUNDS[0]].notna().any():
        return
    ax.fill_between(day, part[BOUNDS[0]], part[BOUNDS[1]], step="post", color=WASH, lw=0, zorder=0.5)
    for name, words, above in (
        (BOUNDS[1], "if all who stopped were relieved", True),
        (BOUNDS[0], "if none of them was", False),
    ):
        ax.plot(day, part[name], drawstyle="steps-post", color=MUTED, linewidth=0.9)
        # Clear of the line all along the words, which take up to half of the width.
        along = part.loc[day >= day.iloc[-1] * (0.45 if narrow else 0.7), name]
        gap = (along - part.loc[along.index, "estimate"]).max() if above else along.min()
        if gap < 0.08:
            continue  # there is no room between the line and the curve with its numbers, or the axis
        ax.annotate(
            words,
            (float(day.iloc[-1]), float(along.max() if above else along.min())),
            xytext=(0, 4 if above else -4),
            textcoords="offset points",
            ha="right",
            va="bottom" if above else "top",
            fontsize=7 if narrow else 7.5,
            color=MUTED,
        )


def _mark_horizons(ax: Axes, table: pd.DataFrame, last: float, narrow: bool, on_grey: bool) -> None:
    backed: dict[str, Any] = {"bbox": {"facecolor": WASH, "edgecolor": "none", "pad": 0.8}} if on_grey else {}
    rows = to_gaps(table, "estimate", "conf_high").dropna(subset=["estimate"])
    ax.plot(rows["horizon_days"], rows["estimate"], "o", markersize=4.2, color=ACCENT)
    written = set(space_out([int(day) for day in rows["horizon_days"]], last, narrow))
    texts = [(int(day), percent(v)) for day, v in zip(rows["horizon_days"], rows["estimate"], strict=True)]
    texts = [(day, text) for day, text in texts if day in written]
    # Of a flat stretch the end has the number.
    written -= {day for (day, text), (_, later) in itertools.pairwise(texts) if text == later}
    for day, value in zip(rows["horizon_days"], rows["estimate"], strict=True):
        if int(day) in written:
            ax.annotate(
                percent(value),
                (day, value),
                xytext=(-2, 5),
                textcoords="offset points",
                ha="right",
                color=INK,
                fontweight="bold",
                **backed,
            )
