"""The definition multiverse in one picture: every estimate under every combination of definitions, a row a measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_sentence
from outcomes.release.panels import cut
from outcomes.release.sentences import format_percent as percent
from outcomes.release.sentences import format_signed_points
from outcomes.release.svg import ACCENT, INK, MUTED, RULE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DIFFERENCE = "difference"
_WORDS = {"relieved": "Relieved by day {}", "returned": "Returned within {} days"}
_WIDE, _NARROW = 34, 24


@draws_answer
def multiverse(explored: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw shares above and differences of families below, one faint mark a specification, the reported one marked.

    Parameters
    ----------
    explored : Multiverse or NotEstimable
        Reads ``table`` [measure, label, horizon_days, is_reported, estimate].
    ax : Axes, optional
        Host of the panels, its children.
    narrow : bool

    Returns
    -------
    Axes
        The host. Families stand in the order of the codebook.
    """
    table = to_gaps(explored.table, "estimate")
    table = table.dropna(subset=["estimate"])
    measured = zip(table["measure"], table["label"], table["horizon_days"], strict=True)
    table = table.assign(row=[_name(*one) for one in measured])
    if table.empty:
        return write_sentence(make_axes(ax), "No multiverse: no definition leaves enough episodes.")
    is_difference = table["measure"] == DIFFERENCE
    parts = [part for part in (table[~is_difference], table[is_difference]) if len(part)]
    sizes = [part["row"].nunique() + 1.2 for part in parts]
    ax = make_axes(ax, (7.2, 0.3 * sum(sizes) + 0.5))
    ax.set_axis_off()
    left, top = (0.52 if narrow else 0.34), 1.0
    for part, size in zip(parts, sizes, strict=True):
        height = size / sum(sizes)
        panel = ax.inset_axes((left, top - height + 0.1 * height, 0.98 - left, 0.72 * height))
        _strip(panel, part, bool((part["measure"] == DIFFERENCE).all()), _NARROW if narrow else _WIDE)
        top -= height
    return ax


def _name(measure: str, label: str, day: int) -> str:
    words = _WORDS.get(measure)
    return label if words is None else words.format(day)


def _strip(ax: Axes, table: pd.DataFrame, is_difference: bool, width: int) -> None:
    """One line of marks a row: its range, every specification, and the reported one."""
    from matplotlib.ticker import FuncFormatter

    names = list(dict.fromkeys(table["row"]))
    place = {name: i for i, name in enumerate(names)}
    for name, part in table.groupby("row", sort=False):
        ax.hlines(place[str(name)], part["estimate"].min(), part["estimate"].max(), color=RULE, linewidth=1.0)
    others, reported = table[~table["is_reported"]], table[table["is_reported"]]
    ax.plot(others["estimate"], others["row"].map(place), "o", markersize=3.2, color=MUTED, alpha=0.6)
    ax.plot(reported["estimate"], reported["row"].map(place), "D", markersize=5.0, color=ACCENT)
    ax.set_yticks(range(len(names)), [cut(name, width) for name in names])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(names) - 0.4, -0.6)
    write = format_signed_points if is_difference else percent
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    if is_difference:
        ax.axvline(0, color=INK, linewidth=0.8)
    else:
        ax.set_xlim(0, max(1.02 * float(table["estimate"].max()), 0.1))
    title = "Adjusted difference, points" if is_difference else "Share"
    title += "" if width == _NARROW else " (filled mark: as reported)"
    ax.set_title(title, loc="left", fontsize=8, color=INK, pad=4)
