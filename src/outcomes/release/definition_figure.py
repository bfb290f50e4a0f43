"""The specification curve: one dot a definition, sorted, and under it which definition each dot is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_sentence
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

THRESHOLD_WORDS = {
    "reduction": "{} % below the first",
    "pct30_and_2": "30 % and 2 points below",
    "resolved": "at the resolved level",
    "zero": "no pain at all",
}
CONFIRM_WORDS = {"any": "any rating", "if_observable": "not contradicted", "strict": "confirmed by a second"}
CUT_WORDS = "gap of {} days"
REPORTED_WORDS, CUT_AS_REPORTED = "as reported", "episodes as reported"


@draws_answer
def specification_curve(definitions: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share under every definition, lowest first; the reported one is marked and named.

    Parameters
    ----------
    definitions : ReliefDefinitions
        Reads ``table`` [threshold, confirmation, episode_rule, gap_days, is_reported, estimate] and the day in
        ``summary``.
    ax : Axes, optional
        Host of two panels, its children: the shares, and the marks that tell the definitions apart.
    narrow : bool

    Returns
    -------
    Axes
        The host.
    """
    table = to_gaps(definitions.table, "estimate")
    if table.empty or not table["estimate"].notna().any():
        return write_sentence(make_axes(ax), "No comparison of definitions: none leaves enough episodes.")
    table = table.dropna(subset=["estimate"]).sort_values("estimate", kind="stable").reset_index(drop=True)
    ax = make_axes(ax, (7.2, 4.2))
    ax.set_axis_off()
    left = 0.40 if narrow else 0.235
    upper, lower = (ax.inset_axes((left, y, 0.985 - left, h)) for y, h in ((0.56, 0.38), (0.02, 0.49)))
    _shares(upper, table, int(definitions.summary["day"]))
    _marks(lower, table, definitions.summary["reduction_pct"], narrow)
    return ax


def _shares(ax: Axes, table: pd.DataFrame, day: int) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    others, reported = table[~table["is_reported"]], table[table["is_reported"]]
    ax.vlines(others.index, 0, others["estimate"], color=RULE, linewidth=1.0)
    ax.plot(others.index, others["estimate"], "o", markersize=3.0, color=MUTED)
    for i, value in zip(reported.index.to_numpy(), reported["estimate"], strict=True):
        ax.vlines([i], 0, value, color=ACCENT, linewidth=1.4)
        ax.plot([i], [value], "D", markersize=5.6, color=ACCENT)
        ax.annotate(
            f"reported: {percent(value)}",
            (i, value),
            # Away from the edge the mark is near.
            xytext=(-7, 5) if i > 0.35 * len(table) else (0, 9),
            textcoords="offset points",
            ha="right" if i > 0.35 * len(table) else "left",
            color=ACCENT,
            fontweight="bold",
        )
    ax.set_ylim(0, 1)
    ax.set_xlim(-1, len(table))
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.yaxis.set_major_locator(MultipleLocator(0.25))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_title(f"Relieved by day {day}", loc="left", fontsize=8, color=INK, pad=4)


def _marks(ax: Axes, table: pd.DataFrame, reduction_pct: float, narrow: bool) -> None:
    """One line of marks a choice, in three blocks."""
    thresholds = {name: words.format(f"{reduction_pct:g}") for name, words in THRESHOLD_WORDS.items()}
    blocks = [
        (table["threshold"].map(thresholds), list(thresholds.values())),
        (table["confirmation"].map(CONFIRM_WORDS), list(CONFIRM_WORDS.values())),
        _ways_to_cut(table),
    ]
    names: list[str] = []
    heights: list[float] = []
    height = 0.0
    for chosen, choices in blocks:
        for choice in choices:
            hit = table.index[chosen == choice]
            reported = hit[table.loc[hit, "is_reported"].to_numpy(dtype=bool)]
            ax.plot(hit, [height] * len(hit), "|", markersize=4.6, markeredgewidth=1.1, color=MUTED)
            ax.plot(reported, [height] * len(reported), "D", markersize=4.0, color=ACCENT)
            names.append(choice)
            heights.append(height)
            height -= 1.0
        height -= 0.6
    ax.set_yticks(heights, names, fontsize=7 if narrow else 7.5)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_xlim(-1, len(table))
    ax.set_ylim(height + 1.1, 0.5)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)


def _ways_to_cut(table: pd.DataFrame) -> tuple[pd.Series[Any], list[str]]:
    """How episodes are cut in each row, and all ways there are."""
    by_gap = table["episode_rule"] != REPORTED_WORDS
    words = table["gap_days"].map(CUT_WORDS.format).where(by_gap, CUT_AS_REPORTED)
    return words, [CUT_AS_REPORTED, *(CUT_WORDS.format(gap) for gap in sorted(set(table.loc[by_gap, "gap_days"])))]
