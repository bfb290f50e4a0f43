"""Funnels of clinics and clinicians, and drop-off by visit number, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.questions.units import BEYOND_95, BEYOND_998
from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_sentence
from outcomes.release.label_places import place_labels
from outcomes.release.panels import cut
from outcomes.release.sentences import format_count, format_points
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FLAG = SERIES[1]
MOST_LABELS = 16
"""Units up to which each point has its code beside it."""
MOST_LABELS_NARROW = 8
MOST_LETTERS = (24, 16)
FAR = 20.0
"""Points from a mark at which its name needs a line to it."""
AREA_SHARE = 0.86
"""Share of the axes that is left when ticks and labels have taken theirs."""
_LEVEL_LABELS = {"95": "95 %", "998": "99.8 %"}
_NUMBERS = ("estimate", "size", "shrunken")
FATES = ("came", "relieved", "not_relieved")
FATE_LOOKS = {"came": ACCENT, "relieved": SERIES[5], "not_relieved": WASH}
NOT_RELIEVED_HATCH = "///"
"""One hatching tells the parts apart without colour; more of them would weigh more than the rest of the page."""
FATE_WORDS = {
    "came": "came again",
    "relieved": "did not, relieved",
    "not_relieved": "did not, not relieved or not known",
}


@draws_answer
def funnel(units: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw each unit's standardised share over its number of episodes, between the limits of chance.

    Parameters
    ----------
    units : UnitComparison
        Reads ``table`` [unit, size, estimate, shrunken, position, is_compared, is_flagged], ``more["curve"]`` and the
        target.
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
        Filled: compared, at their share. Hollow: not compared, at the share drawn towards the mean. Diamonds: worth a
        look, the hollow ones because of a share that is not drawn. Units without a value, and hidden ones, are not
        drawn. A unit's place across is its number of equivalent episodes (as many of average case mix as would say as
        much), never a rank. What is drawn beyond the 95 % limits and what is worth a look always has its name.
    """
    table = place_units(units.table)
    if table.empty:
        return write_sentence(make_axes(ax), "No funnel: no unit has enough episodes to be shown.")
    ax = make_axes(ax, (7.2, 3.2))
    curve = units.more["curve"]
    _draw_limits(ax, curve, float(units.summary["target"]), narrow)
    _draw_units(ax, table)
    _set_axes(ax, table, curve)
    _name_units(ax, table, curve, float(units.summary["target"]), narrow)
    return ax


def place_units(table: pd.DataFrame) -> pd.DataFrame:
    """Return the units that can be drawn; `share` is where they stand: drawn towards the mean if not compared."""
    table = to_gaps(table, *_NUMBERS)
    return table.assign(share=table["estimate"].where(table["is_compared"].astype(bool), table["shrunken"])).dropna(
        subset=["share", "size"]
    )


def _draw_limits(ax: Axes, curve: pd.DataFrame, target: float, narrow: bool) -> None:
    size = curve["size"]
    ax.fill_between(size, curve["low_95"], curve["high_95"], color=WASH, linewidth=0, zorder=0.2)
    for name, dashes in (("95", "-"), ("998", (0, (4, 2)))):
        for end in ("low", "high"):
            ax.plot(size, curve[f"{end}_{name}"], color=MUTED, linewidth=0.9, linestyle=dashes, zorder=0.6)
        ax.annotate(
            _LEVEL_LABELS[name],
            (float(size.iloc[-1]), float(curve[f"high_{name}"].iloc[-1])),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.0 if narrow else 7.5,
            color=MUTED,
            annotation_clip=False,
        )
    ax.axhline(target, color=INK, linewidth=0.9, zorder=0.7)


def _draw_units(ax: Axes, table: pd.DataFrame) -> None:
    compared, flagged = table["is_compared"].astype(bool), table["is_flagged"].astype(bool)
    looks: tuple[tuple[Any, dict[str, Any]], ...] = (
        (
            ~compared & ~flagged,
            {"marker": "o", "markerfacecolor": "none", "markeredgecolor": MUTED, "markersize": 5.4},
        ),
        (compared & ~flagged, {"marker": "o", "color": ACCENT, "markersize": 5.0}),
        (compared & flagged, {"marker": "D", "color": FLAG, "markersize": 6.4}),
        (
            ~compared & flagged,
            {"marker": "D", "markerfacecolor": "none", "markeredgecolor": FLAG, "markersize": 6.4},
        ),
    )
    for chosen, look in looks:
        part = table[chosen.astype(bool)]
        ax.plot(part["size"], part["share"], linestyle="none", zorder=3, **look)


def _name_units(ax: Axes, table: pd.DataFrame, curve: pd.DataFrame, target: float, narrow: bool) -> None:
    """The code beside each mark, where it stands on no line; where there are many, of those beyond the 95 % limits."""
    import numpy as np

    table = table.sort_values(["size", "unit"], kind="stable")
    is_named = np.ones(len(table), dtype=bool)
    if len(table) > (MOST_LABELS_NARROW if narrow else MOST_LABELS):
        compared, flagged = table["is_compared"].astype(bool), table["is_flagged"].astype(bool)
        is_named = (table["position"].isin((BEYOND_95, BEYOND_998)) & compared | flagged).to_numpy()
    area, dpi = ax.get_window_extent(), ax.figure.dpi
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    # The axes shrink a little when their ticks are drawn.
    across = AREA_SHARE * 72.0 * area.width / dpi / (right - left)
    up = AREA_SHARE * 72.0 * area.height / dpi / (top - bottom)
    x = (curve["size"].to_numpy(dtype=float) - left) * across
    heights = [curve[f"{end}_{level}"].to_numpy(dtype=float) for end in ("low", "high") for level in _LEVEL_LABELS]
    lines = [(x, (height - bottom) * up) for height in (*heights, np.full(x.size, target))]
    points = np.column_stack([(table["size"] - left) * across, (table["share"] - bottom) * up]).astype(float)
    named = table[is_named]
    names = [cut(unit, MOST_LETTERS[narrow]) for unit in named["unit"]]
    spots = place_labels(points[is_named], names, lines, (right - left) * across, points[~is_named].tolist())
    for name, row, (dx, dy, align) in zip(names, named.to_dict("records"), spots, strict=True):
        if abs(dx) + abs(dy) > FAR:
            at: dict[str, Any] = {"xytext": (0.8 * dx, 0.8 * dy), "textcoords": "offset points"}
            looks: dict[str, Any] = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 3.0}
            ax.annotate("", (row["size"], row["share"]), arrowprops=looks, **at)
        ax.annotate(
            name,
            (row["size"], row["share"]),
            xytext=(dx, dy),
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=7.0,
            color=INK if row["is_compared"] else MUTED,
            zorder=4,
        )


def _set_axes(ax: Axes, table: pd.DataFrame, curve: pd.DataFrame) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    near = curve[curve["size"] >= 0.8 * float(table["size"].min())]
    low = min(float(table["share"].min()), float(near["low_998"].min()))
    high = max(float(table["share"].max()), float(near["high_998"].max()))
    room = 0.06 * (high - low)
    ax.set_ylim(max(0.0, low - room), min(1.0, high + room))
    ax.set_xlim(0.75 * float(table["size"].min()), float(curve["size"].max()))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: format_count(v)))
    ax.set_xlabel("Equivalent episodes")
    ax.grid(axis="y")
    ax.set_axisbelow(True)


@draws_answer
def drop_off(attendance: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw what became of the episodes at each visit: came again, or did not, and how they had fared.

    Parameters
    ----------
    attendance : Attendance
        Reads ``more["left"]`` [visit, reason, estimate].

    Returns
    -------
    Axes
        One bar a visit; its parts are told apart by shade, by hatching and by their order.
    """
    left = to_gaps(attendance.more["left"], "estimate")
    wide = left.pivot(index="visit", columns="reason", values="estimate") if len(left) else left
    if not len(left) or not wide["came"].notna().any():
        return write_sentence(make_axes(ax), "No drop-off: too few episodes were watched long enough.")
    ax = make_axes(ax, (7.2, 2.8))
    bottom = wide["came"] * 0.0
    for name in FATES:
        part = wide[name].fillna(0.0)
        ax.bar(
            wide.index,
            part,
            bottom=bottom,
            width=0.72,
            color=FATE_LOOKS[name],
            edgecolor=MUTED if name == "not_relieved" else WASH,
            linewidth=0.6,
            hatch=NOT_RELIEVED_HATCH if name == "not_relieved" else "",
            # A name that begins with a line stays out of the legend.
            label=FATE_WORDS[name] if (part > 0).any() else "_",
        )
        bottom = bottom + part
    _label_bars(ax, wide, bottom, narrow)
    return ax


def _label_bars(ax: Axes, wide: pd.DataFrame, top: pd.Series[float], narrow: bool) -> None:
    """The share that came again above what is drawn of its bar."""
    from matplotlib.ticker import FuncFormatter

    for visit, share, height in zip(wide.index, wide["came"], top, strict=True):
        if share == share:
            ax.text(
                float(str(visit)),
                float(height) + 0.015,
                percent(share) if not narrow else format_points(share),
                ha="center",
                va="bottom",
                fontsize=7.0,
                color=INK,
            )
    ax.set_xlabel("Visit number")
    ax.set_xticks(list(wide.index))
    ax.set_xlim(min(wide.index) - 0.6, max(wide.index) + 0.6)
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    ax.spines["bottom"].set_color(RULE)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.06),
        ncols=2,
        frameon=False,
        fontsize=7.0,
        handlelength=1.4,
        labelcolor=INK,
        borderaxespad=0.2,
    )
