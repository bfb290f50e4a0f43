"""What set off the first episode, and what the return: ribbons from one to the other, as wide as their number."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import (
    draws_answer,
    make_axes,
    spread,
    to_gaps,
    write_below,
    write_sentence,
)
from outcomes.release.sentences import format_percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE, WASH
from outcomes.release.views import sentence_case

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

POOLED = "other"
NO_RIBBONS = "No picture of triggers: too few returns of each pair to be shown."
LEAST_RIBBONS = 3
"""Of named triggers: with fewer the picture is bars and grey ends, and says less than the table beside it."""
GAP = 0.035
"""Between two bars, of the height."""
BAR = 0.018
LEFT, RIGHT = 0.0, 1.0
HATCH = "////"


@dataclass(slots=True)
class _Bar:
    """A trigger on one side: its label, where its bar begins, how far ribbons fill it; shares of the height."""

    label: str
    bottom: float
    size: float
    filled: float = 0.0


@draws_answer
def trigger_flow(triggers: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw ribbons from the trigger of the first episode to that of the return; hidden cells are left out and said so.

    Ribbons to the same trigger are blue, hatched and labelled with their share of the first trigger's pairs; pale ones
    lead to another trigger. What is left of a bar at the left are the pairs in cells too small to be shown. The pooled
    triggers are not one trigger, so that a ribbon between them is pale.

    Parameters
    ----------
    triggers : TriggerReturns
        Reads ``table`` [trigger, label, return_trigger, return_label, n, events].
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
    """
    table = to_gaps(triggers.table, "n", "events", "estimate")
    shown = table.dropna(subset=["n", "events"])
    shown = shown[shown["events"] > 0]
    if not has_ribbons(table):
        return write_sentence(make_axes(ax), NO_RIBBONS)
    ax = make_axes(ax, (7.2, 4.2))
    ax.set_axis_off()
    left, right, one = _place_bars(table, shown)
    for row in shown.to_dict("records"):
        _draw_ribbon(ax, row, left[row["trigger"]], right[row["return_trigger"]], float(row["events"]) * one)
    for bar in left.values():
        _draw_bar(ax, LEFT - BAR, bar)
        if bar.filled < bar.size - 1e-9:
            _draw_rest(ax, bar)
    for bar in right.values():
        _draw_bar(ax, RIGHT, bar)
    _name_bars(ax, left, right, narrow)
    room = 0.62 if narrow else 0.34
    ax.set_xlim(LEFT - room, RIGHT + room)
    ax.set_ylim(-0.02, 1.08)
    return ax


def has_ribbons(table: pd.DataFrame) -> bool:
    """Whether enough ribbons that begin at a named trigger can be shown to draw them."""
    is_drawn = (to_gaps(table, "events")["events"] > 0) & (table["trigger"] != POOLED)
    return int(is_drawn.sum()) >= LEAST_RIBBONS


def _place_bars(table: pd.DataFrame, shown: pd.DataFrame) -> tuple[dict[str, _Bar], dict[str, _Bar], float]:
    """Bars of both sides from the top down, in one order, and the height of one pair."""
    firsts = table.dropna(subset=["n"]).drop_duplicates("trigger")
    totals = {str(row["trigger"]): float(row["n"]) for row in firsts.to_dict("records")}
    labels = {str(row["trigger"]): str(row["label"]) for row in firsts.to_dict("records")}
    arrivals = shown.groupby("return_trigger", sort=False)["events"].sum()
    order = sorted(totals, key=lambda name: (name == POOLED, -totals[name]))
    names = dict(zip(table["return_trigger"], table["return_label"], strict=True))
    order_right = [name for name in order if name in arrivals] + [name for name in arrivals.index if name not in order]
    free = 1.0 - GAP * (max(len(order), len(order_right)) - 1)
    one = free / sum(totals.values())
    left = _stack([(name, sentence_case(labels[name]), totals[name] * one) for name in order])
    right = {name: _Bar(sentence_case(names[name]), 0.0, float(arrivals[name]) * one) for name in order_right}
    _put_opposite(left, right)
    return left, right, one


def _stack(parts: list[tuple[str, str, float]]) -> dict[str, _Bar]:
    spare = 1.0 - sum(size for _, _, size in parts)
    gap = spare / (len(parts) - 1) if len(parts) > 1 else 0.0
    bars, top = {}, 1.0 if len(parts) > 1 else 1.0 - spare / 2
    for name, label, size in parts:
        bars[name] = _Bar(label, top - size, size)
        top -= size + gap
    return bars


def _put_opposite(left: dict[str, _Bar], right: dict[str, _Bar]) -> None:
    """Put each bar at the right opposite its own at the left, as far as the others leave room."""
    ceiling = 1.0
    for name, bar in right.items():
        wanted = left[name].bottom + left[name].size / 2 + bar.size / 2 if name in left else ceiling
        top = min(ceiling, wanted)
        bar.bottom = top - bar.size
        ceiling = bar.bottom - GAP
    floor = 0.0
    for bar in reversed(right.values()):
        bar.bottom = max(floor, bar.bottom)
        floor = bar.bottom + bar.size + GAP


def _draw_ribbon(ax: Axes, row: dict[Any, Any], start: _Bar, end: _Bar, width: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    top_left, top_right = start.bottom + start.size - start.filled, end.bottom + end.size - end.filled
    start.filled, end.filled = start.filled + width, end.filled + width
    middle = (LEFT + RIGHT) / 2
    upper = [(LEFT, top_left), (middle, top_left), (middle, top_right), (RIGHT, top_right)]
    lower = [(x, y - width) for x, y in reversed(upper)]
    curve = [Path.CURVE4] * 3
    path = Path([*upper, *lower, upper[0]], [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])
    is_same = row["trigger"] == row["return_trigger"] and row["trigger"] != POOLED
    colour, alpha = (ACCENT, 0.32) if is_same else (MUTED, 0.2)
    ax.add_patch(PathPatch(path, facecolor=colour, alpha=alpha, edgecolor="none", linewidth=0.0, zorder=1 + is_same))
    if is_same:
        # A patch of its own: in SVG a hatch is drawn over its patch's fill, in which it would drown.
        ax.add_patch(PathPatch(path, facecolor="none", edgecolor=ACCENT, hatch=HATCH, linewidth=0.6, zorder=2))
        _write_share(ax, row, top_left - width / 2)


def _write_share(ax: Axes, row: dict[Any, Any], y: float) -> None:
    """Write the share with the same trigger again at the beginning of its ribbon."""
    backed = {"facecolor": WASH, "edgecolor": "none", "pad": 1.0}
    looks: dict[str, Any] = {"va": "center", "fontsize": 7.5, "color": INK, "fontweight": "bold", "bbox": backed}
    ax.text(LEFT + 0.03, y, format_percent(float(row["estimate"])), zorder=4, **looks)


def _draw_bar(ax: Axes, x: float, bar: _Bar) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, bar.bottom), BAR, bar.size, facecolor=INK, edgecolor="none", zorder=3))


def _draw_rest(ax: Axes, bar: _Bar) -> None:
    """A short grey stub for the pairs whose second trigger is too rare to be shown."""
    from matplotlib.patches import Rectangle

    height = bar.size - bar.filled
    ax.add_patch(Rectangle((LEFT, bar.bottom), 0.05, height, facecolor=RULE, edgecolor="none", zorder=0.8))


def _name_bars(ax: Axes, left: dict[str, _Bar], right: dict[str, _Bar], narrow: bool) -> None:
    """Name the bars outside of them; names that would touch are moved apart."""
    size = 7.0 if narrow else 8.0
    for bars, x, side in ((left, LEFT - BAR - 0.02, "right"), (right, RIGHT + BAR + 0.02, "left")):
        middles = [bar.bottom + bar.size / 2 for bar in bars.values()]
        for bar, y in zip(bars.values(), spread(middles, 0.05), strict=True):
            text = "\n".join(textwrap.wrap(bar.label, 18 if narrow else 26)[:2])
            ax.text(x, y, text, linespacing=1.05, va="center", ha=side, fontsize=size, color=INK)
    place = ax.get_xaxis_transform()
    for x, side, words in ((LEFT, "right", "first episode"), (RIGHT, "left", "return")):
        write_below(ax, words, (x, 1.0), place, -1, color=MUTED, ha=side)
