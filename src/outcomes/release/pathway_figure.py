"""Who got what in which order: the clinic's stages as columns, one row an order, one line a stage over the visits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from outcomes.questions.care_pathway import OTHER, STAGES, read_path
from outcomes.release.drawing import (
    LINE_STYLES,
    draws_answer,
    make_axes,
    quarter_steps,
    spread,
    to_gaps,
)
from outcomes.release.drawing import write_sentence as say_instead
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HEADING = 1.3
OUT_OF_ORDER = SERIES[1]


@draws_answer
def pathway(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the commonest orders in which stages were first recorded: one row an order, its share as a bar.

    A number in the column of a stage says as which step it came; equal numbers, joined by a line, came on one day, a
    small dot never. A stage that came before one that the clinic puts first is a square, the others are round.

    Parameters
    ----------
    use : ModalityUse
        Reads ``pathway`` [path, estimate].
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
        All other orders together stand below, in words.
    """
    table = to_gaps(use.pathway, "estimate")
    if not has_orders(table):
        return say_instead(make_axes(ax), "No picture of the order of stages: too few episodes to show a share.")
    named = table[table["path"] != OTHER]
    ax = make_axes(ax, (7.2, pathway_height(use)))
    width = 1.0 if narrow else 1.35
    for row, (path, share) in enumerate(zip(named["path"], named["estimate"], strict=True)):
        _draw_steps(ax, -float(row), [step + 1 for step in read_path(str(path))], width)
        _draw_share(ax, -float(row), float(share), float(named["estimate"].max()), width, narrow)
    size = 7.0 if narrow else 8.0
    for x, words in enumerate(STAGES.values()):
        ax.text(x * width, 0.62, words, ha="center", va="bottom", fontsize=size, color=INK)
    ax.text(3.65 * width, 0.62, "share of episodes", ha="left", va="bottom", fontsize=size, color=MUTED)
    _write_others(ax, table, -float(len(named)), size)
    ax.set_xlim(-0.6, 4 * width + (2.6 if narrow else 5.4))
    ax.set_ylim(-float(len(named)) - 0.5, HEADING)
    ax.set_axis_off()
    return ax


def has_orders(table: pd.DataFrame) -> bool:
    """Whether the share of any single order can be shown: that of all others together is no picture."""
    if not len(table) or "path" not in table:
        return False
    return bool(to_gaps(table, "estimate").loc[lambda t: t["path"] != OTHER, "estimate"].notna().any())


def pathway_height(use: Any) -> float:
    """Height in inches that the rows need."""
    return 0.25 * (len(use.pathway) + HEADING) + 0.1


def _draw_steps(ax: Axes, y: float, steps: Sequence[int], width: float) -> None:
    """Write the step of each stage, 1, 2, ...; 0 is never."""
    for step in {step for step in steps if step}:
        places = [x * width for x, own in enumerate(steps) if own == step]
        ax.plot([places[0], places[-1]], [y, y], color=RULE, linewidth=2.4, zorder=1)
    if not any(steps):
        ax.text(1.5 * width, y, "none recorded", ha="center", va="center", fontsize=7.0, color=MUTED)
        return
    for x, step in enumerate(steps):
        if not step:
            ax.plot([x * width], [y], "o", markersize=2.4, color=RULE, zorder=1)
            continue
        # Colour alone would not do: what is out of order is a square.
        is_early = any(step < before for before in steps[:x] if before)
        shape, colour = ("s", OUT_OF_ORDER) if is_early else ("o", ACCENT)
        ax.plot([x * width], [y], shape, markersize=11.0, markerfacecolor=WASH, markeredgecolor=colour, zorder=2)
        looks: dict[str, Any] = {"fontsize": 7.5, "color": INK, "fontweight": "bold", "zorder": 3}
        ax.text(x * width, y, str(step), ha="center", va="center_baseline", **looks)


def _draw_share(ax: Axes, y: float, share: float, most: float, width: float, narrow: bool) -> None:
    size, left, room = (7.0, 3.65 * width, 1.9) if narrow else (8.0, 3.65 * width, 4.6)
    if share != share:
        ax.text(left, y, "not shown", va="center", fontsize=7.0, color=MUTED)
        return
    ax.barh(y, room * share / most, left=left, height=0.5, color=ACCENT)
    ax.text(left + room * share / most + 0.1, y, percent(share), va="center", fontsize=size, color=INK)


def _write_others(ax: Axes, table: pd.DataFrame, y: float, size: float) -> None:
    others = table[table["path"] == OTHER]
    if others.empty:
        return
    share = others["estimate"].iloc[0]
    words = f"All other orders together: {percent(float(share))}" if share == share else "All other orders: not shown"
    ax.text(-0.5, y, words, va="center", ha="left", fontsize=size, color=MUTED)


@draws_answer
def stages_by_visit(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of episodes still coming that have had each stage by each visit, one line a stage.

    Parameters
    ----------
    use : ModalityUse
        Reads ``stages`` [stage, label, visit, estimate].
    ax : Axes, optional
    narrow : bool
    """
    table = to_gaps(use.stages, "estimate")
    shown = table.dropna(subset=["estimate"]) if "stage" in table else table
    if shown.empty:
        return say_instead(make_axes(ax), "No stages by visit: too few episodes to show a share.")
    ax = make_axes(ax, (7.2, 2.8))
    ends: list[tuple[str, float, str]] = []
    last = float(shown["visit"].max())
    for i, (label, part) in enumerate(shown.groupby("label", sort=False)):
        colour = SERIES[i % len(SERIES)]
        style_of = LINE_STYLES[i % len(LINE_STYLES)]
        ax.plot(part["visit"], part["estimate"], color=colour, linestyle=style_of, linewidth=1.6)
        ax.plot(part["visit"], part["estimate"], "osD^"[i % 4], color=colour, markersize=3.6)
        end = float(part["estimate"].iloc[-1])
        ends.append((f"{label}, {percent(end)}", end, colour))
    for (words, _, colour), y in zip(ends, spread([e[1] for e in ends], 0.09), strict=True):
        looks: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7.0 if narrow else 8.0, "color": colour}
        ax.annotate(words, (last, y), xytext=(7, 0), va="center", annotation_clip=False, **looks)
    ax.set_xlim(0.8, last + (last - 0.8) * (0.42 if narrow else 0.22))
    ax.set_ylim(0, 1.02)
    ax.set_xticks(sorted({int(v) for v in shown["visit"]}))
    ax.yaxis.set_major_locator(quarter_steps())
    ax.yaxis.set_major_formatter(lambda v, _: percent(v))
    ax.set_xlabel("visit of the episode, maintenance left out")
    ax.grid(axis="y")
    return ax
