"""How alike two arms are, as pictures: standardised differences before and after weighting, and propensities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_below, write_sentence
from outcomes.release.modality_figures import MAIN_LINES
from outcomes.release.row_chart import Row, count_lines, draw_rows
from outcomes.release.sentences import format_count
from outcomes.release.svg import ACCENT, INK, MUTED, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SMD = ("smd_before", "smd_after")
LINES = {0.1: "noted", 0.2: "refused"}
"""Differences from which an imbalance is said, and from which arms are not compared."""
ROW_INCHES = (0.25, 0.235)
NOT_ADJUSTED = " (not adjusted for)"
LOVE_LEGEND = "ring: before, dot: after weighting, cross: not adjusted for"
BIN = 0.05
_ROUND = [m * 10**k for k in range(6, -1, -1) for m in (5, 2, 1)]
BY_LEVEL = "No picture of {}: each level has its own; see the table."


@draws_answer
def love_plot(comparison: Any, contrast: str | None = None, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the standardised differences of the arms of one contrast, without their sign, a row a fact.

    Parameters
    ----------
    comparison : ModalityComparison
        Reads ``balance`` [contrast, column, label, smd_before, smd_after, is_adjusted].
    contrast : str, optional
        The first that was fitted when not given.
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
        A fact of several levels has several marks in its row.
    """
    if "level" in comparison.balance:
        return write_sentence(make_axes(ax), BY_LEVEL.format("balance of arms"))
    table = to_gaps(_choose(comparison.balance, contrast), *SMD)
    if not table["smd_before"].notna().any():
        return write_sentence(make_axes(ax), _say_nothing("balance of arms", comparison, contrast))
    facts = [(str(label), part) for label, part in table.groupby("label", sort=False)]
    rows = [_fact_row(label, part) for label, part in facts]
    ax = make_axes(ax, (7.2, love_height(comparison, narrow, contrast)))
    finite = table[list(SMD)].abs().to_numpy(dtype=float)
    top = max(0.25, float(finite[np.isfinite(finite)].max(initial=0.0)) * 1.08)
    heights = draw_rows(ax, rows, (0.0, top), lambda v: f"{v:.1f}", narrow)
    for (_, part), y in zip(facts, heights, strict=True):
        _draw_fact(ax, part, y, top)
    _draw_limits(ax)
    words = "standardised difference between the arms, without its sign"
    ax.set_xlabel(words if not narrow else "standardised difference", fontsize=7.5, labelpad=2)
    write_below(ax, LOVE_LEGEND, (1, 0), ax.transAxes, -28, color=MUTED, ha="right")
    return ax


def love_height(comparison: Any, narrow: bool, contrast: str | None = None) -> float:
    """Inches the picture of balance needs."""
    table = _choose(comparison.balance, contrast)
    rows = [_fact_row(str(label), part) for label, part in table.groupby("label", sort=False)]
    return 0.8 + ROW_INCHES[narrow] * count_lines(rows, narrow)


def _fact_row(label: str, part: pd.DataFrame) -> Row:
    return Row(label if part["is_adjusted"].all() else label + NOT_ADJUSTED)


def _draw_fact(ax: Axes, part: pd.DataFrame, y: float, top: float) -> None:
    for row in part.to_dict("records"):
        # A column that tells the arms apart is infinitely far; it stands at the edge.
        before, after = (min(abs(float(row[name])), top) for name in SMD)
        ax.plot([before], [y], "o", markersize=5.4, markerfacecolor="none", markeredgecolor=MUTED, clip_on=False)
        mark = "o" if row["is_adjusted"] else "x"
        ax.plot([after], [y], mark, markersize=4.4, color=ACCENT if row["is_adjusted"] else INK, clip_on=False)


def _draw_limits(ax: Axes) -> None:
    for at, words in LINES.items():
        ax.axvline(at, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=0.9)
        write_below(ax, words, (at, 1), ax.get_xaxis_transform(), 9, color=MUTED, ha="center")


@draws_answer
def overlap(comparison: Any, contrast: str | None = None, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw how likely the episodes of both arms were to be treated, as recorded: with above, without below.

    Parameters
    ----------
    comparison : ModalityComparison
        Reads ``overlap`` [contrast, label, arm, from_propensity, to_propensity, n].
    contrast : str, optional
        The first that was fitted when not given.
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
        Areas are numbers of episodes, each arm on its own scale. A hidden bin is an empty, dashed one.
    """
    if "level" in comparison.overlap:
        return write_sentence(make_axes(ax), BY_LEVEL.format("overlap of arms"))
    table = to_gaps(_choose(comparison.overlap, contrast), "n")
    if not table["n"].notna().any():
        return write_sentence(make_axes(ax), _say_nothing("overlap of arms", comparison, contrast))
    ax = make_axes(ax, (7.2, 2.6))
    looks: dict[str, dict[str, Any]] = {
        "with": {"color": ACCENT, "hatch": None},
        "without": {"color": SERIES[1], "hatch": "////"},
    }
    ticks = {0.0: "0"}
    for (arm, look), sign in zip(looks.items(), (1.0, -1.0), strict=True):
        ticks |= _draw_bins(ax, table[table["arm"] == arm], sign, look)
    ax.axhline(0, color=INK, linewidth=0.9)
    ax.set_xlim(0, 1)
    ax.set_ylim(-1.35, 1.35)
    ax.set_yticks(list(ticks), list(ticks.values()))
    _name_arms(ax, table)
    _write_axes(ax, narrow)
    return ax


def _draw_bins(ax: Axes, part: pd.DataFrame, sign: float, look: dict[str, Any]) -> dict[float, str]:
    """Draw one arm on a scale of its own, its highest bin at 1, and return a tick of that scale."""
    shown = part[part["n"].notna() & (part["n"].astype(float) > 0)]
    left, width = shown["from_propensity"], shown["to_propensity"] - shown["from_propensity"]
    # Bins merged for small numbers are wider: the area is the number of episodes.
    heights = shown["n"].astype(float) * BIN / width
    highest = float(heights.max()) if len(heights) else 1.0
    ax.bar(
        left,
        sign * heights / highest,
        width,
        align="edge",
        facecolor=look["color"] if look["hatch"] is None else WASH,
        edgecolor=look["color"],
        hatch=look["hatch"],
        linewidth=0.8,
    )
    for row in part[part["n"].isna()].to_dict("records"):
        across = row["to_propensity"] - row["from_propensity"]
        ax.bar(row["from_propensity"], sign * 0.12, across, align="edge", fill=False, linestyle="--", edgecolor=MUTED)
    tick = next((n for n in _ROUND if n <= highest), None)
    # None where wide bins hold less than one episode in five hundredths.
    return {} if tick is None else {sign * tick / highest: format_count(tick)}


def _name_arms(ax: Axes, table: pd.DataFrame) -> None:
    for arm, y, va in (("with", 0.98, "top"), ("without", 0.02, "bottom")):
        counts = table.loc[table["arm"] == arm, "n"]
        n = f": {format_count(float(counts.sum()))} episodes" if counts.notna().all() else ""
        ax.text(0.01, y, f"{arm} it{n}", transform=ax.transAxes, va=va, ha="left", fontsize=8, color=INK)


def _write_axes(ax: Axes, narrow: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_ylabel("episodes, a step of 0.05;\neach half on its own scale", fontsize=7.5)
    words = "chance of getting it, going by what is recorded"
    ax.set_xlabel(words if not narrow else "chance of getting it, as recorded", fontsize=7.5)


def _choose(table: pd.DataFrame, contrast: str | None) -> pd.DataFrame:
    """The rows of one contrast; of the first where none is named."""
    if contrast is None:
        names = table["contrast"].tolist()
        contrast = names[0] if names else None
    return table[table["contrast"] == contrast]


def _say_nothing(what: str, comparison: Any, contrast: str | None) -> str:
    table = comparison.table
    # Another scale may have no number for a reason of its own: the arms were fitted all the same.
    main = table["analysis"].isin(MAIN_LINES) & (table["scale"] == "difference")
    reasons = table.loc[main & (table["contrast"] == contrast) & (table["reason"] != ""), "reason"].tolist()
    if contrast is not None and reasons:
        return f"No {what}: {reasons[0]}."
    return f"No {what}: nothing was fitted that can be shown."
