"""What curves by day have under and beside them: axes, numbers observed, names of groups at the ends of their lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import LINE_STYLES, quarter_steps, space_out, spread, write_below
from outcomes.release.panels import cut
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import INK, MUTED, SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BOUNDS = ("if_none_of_stopped", "if_all_of_stopped")
BAND = ("band_low", "band_high")


def draw_lines(ax: Axes, groups: Sequence[tuple[str, pd.DataFrame]]) -> None:
    """Draw one step line a group, with its interval tinted."""
    for i, (_, part) in enumerate(groups):
        colour, line = SERIES[i % len(SERIES)], LINE_STYLES[i % len(LINE_STYLES)]
        ax.plot(part["day"], part["estimate"], drawstyle="steps-post", color=colour, linestyle=line, linewidth=1.9)
        ax.fill_between(part["day"], part["conf_low"], part["conf_high"], step="post", color=colour, alpha=0.2, lw=0)


def name_groups(ax: Axes, groups: Sequence[tuple[str, pd.DataFrame]], last: float, top: float) -> None:
    """Write each group's name at the right edge, near the end of its line and clear of the others below `top`."""
    ends = [float(part["estimate"].iloc[-1]) for _, part in groups]
    for i, ((name, _), y) in enumerate(zip(groups, spread([end / top for end in ends], 0.065), strict=True)):
        ax.text(last * 1.012, y * top, cut(name, 24), color=SERIES[i % len(SERIES)], va="center")


def draw_axes(
    ax: Axes,
    ticks: Sequence[int],
    last: float,
    x_label: str,
    parts: dict[str, pd.DataFrame],
    narrow: bool,
    top: float | None = None,
    write: Callable[[float], str] = percent,
    steps: Any = None,
) -> None:
    """Axes and, under them, one row of numbers observed a group; offsets in points, so that they suit any size."""
    from matplotlib.ticker import FuncFormatter

    ax.set_ylim(0, find_top(parts) if top is None else top)
    ax.set_xlim(-last * 0.012, last * (1.16 if len(parts) > 1 else 1.02))
    written = space_out(ticks, last, narrow)
    ax.set_xticks(ticks, [str(t) if t in written else "" for t in ticks])
    ax.yaxis.set_major_locator(steps or quarter_steps())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: write(v)))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_xlabel(x_label, fontsize=7.5, loc="right", labelpad=1)
    write_observed(ax, {name: [_at_risk(part, tick) for tick in written] for name, part in parts.items()}, written)


def write_observed(
    ax: Axes,
    numbers: Mapping[str, Sequence[str]],
    ticks: Sequence[int],
    heading: str = "number observed",
    room: int = 16,
) -> None:
    """Write under the axes one row of numbers a group, one below each tick; a group's name has `room` characters."""
    across = ax.get_xaxis_transform()
    write_below(ax, heading, (0, 0), ax.transAxes, -32, color=MUTED, ha="left")
    for i, (name, row) in enumerate(numbers.items()):
        colour = INK if len(numbers) == 1 else SERIES[i % len(SERIES)]
        for tick, number in zip(ticks, row, strict=True):
            write_below(ax, number, (tick, 0), across, -44 - 11 * i, color=colour, ha="center")
        if len(numbers) > 1:
            write_below(ax, cut(name, room), (1, 0), ax.transAxes, -44 - 11 * i, color=colour, ha="right")


def find_top(parts: dict[str, pd.DataFrame]) -> float:
    """The first quarter step that leaves room above everything drawn."""
    drawn = ["estimate", "conf_high", BAND[1], BOUNDS[1]]
    single = len(parts) == 1
    highest = max(
        float(part[[name for name in (drawn if single else drawn[:2]) if name in part]].max().max())
        for part in parts.values()
    )
    return next((top for top in (0.25, 0.5, 0.75) if highest < 0.9 * top), 1.0)


def _at_risk(part: pd.DataFrame, day: int) -> str:
    """Number observed at a day: that of the first listed day from it on (the curve is a step function)."""
    later = part[part["day"] >= day]
    value = later["at_risk"].iloc[0] if len(later) else float("nan")
    return f"{int(value):,}" if value == value else "–"
