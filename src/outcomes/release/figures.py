"""Result in, matplotlib Axes out. Nothing is computed here: every number drawn stands in the result's table.

Each function takes the result and, optionally, Axes to draw on; without Axes it makes a figure with pyplot, which is
what a notebook wants. The page hands in Axes of its own figures. A result without a drawable number, or a refusal,
gives a sentence in place of an empty plot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.release.balance_figures import love_plot, overlap
from outcomes.release.course_figure import pain_course
from outcomes.release.curve_figures import AT_RISK_CONVENTION, competing_ends, relief_curve, return_curve
from outcomes.release.definition_figure import specification_curve
from outcomes.release.drawing import draws_answer, make_axes, style, to_gaps, write_sentence
from outcomes.release.factor_figure import return_factors
from outcomes.release.modality_figures import forest
from outcomes.release.multiverse_figure import multiverse
from outcomes.release.panels import Scale, cut, draw_panels, plain, share_scale
from outcomes.release.pathway_figure import pathway, stages_by_visit
from outcomes.release.quarter_figures import observed_expected, spc
from outcomes.release.return_figures import gap_sensitivity, mean_returns, rehabilitation
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, WASH
from outcomes.release.trigger_figure import trigger_flow
from outcomes.release.unit_figures import drop_off, funnel
from outcomes.release.use_figures import bundles, positivity_map, use_by_visit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "AT_RISK_CONVENTION",
    "bundles",
    "competing_ends",
    "completeness",
    "drop_off",
    "forest",
    "funnel",
    "gap_sensitivity",
    "is_share",
    "love_plot",
    "mean_returns",
    "modality_mix",
    "multiverse",
    "observed_expected",
    "overlap",
    "pain_course",
    "pathway",
    "positivity_map",
    "quarter_lines",
    "rehabilitation",
    "relief_curve",
    "return_curve",
    "return_factors",
    "spc",
    "specification_curve",
    "stages_by_visit",
    "style",
    "trigger_flow",
    "use_by_visit",
]


@draws_answer
def modality_mix(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw, one small panel a treatment family, the share of treatment visits by quarter.

    Parameters
    ----------
    use : ModalityUse
        Reads ``table`` [quarter, family, label, estimate, conf_low, conf_high].
    ax : Axes, optional
        Host of the panels; they are its children.

    Returns
    -------
    Axes
        The host. All panels share one scale, so that heights can be compared between them. Without a calendar, or with
        a single quarter, bars.
    """
    table = to_gaps(use.table, "estimate", "conf_low", "conf_high")
    empty = "No treatment mix: too few treatment visits to show a share."
    if table.empty or not table["estimate"].notna().any():
        return write_sentence(make_axes(ax), empty)
    if table["quarter"].nunique() == 1:
        return _bars(table.dropna(subset=["estimate"]), ax, narrow)
    return draw_panels(ax, 5.4, table, narrow, share_scale(table))


@draws_answer
def quarter_lines(review: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw, one small panel an indicator, its course over the quarters; immature quarters are grey and empty.

    Parameters
    ----------
    review : QuarterReview
        Reads ``table`` [quarter, indicator, label, unit, estimate, conf_low, conf_high, mature].
    ax : Axes, optional
        Host of the panels; they are its children.
    """
    table = to_gaps(review.table, "estimate", "conf_low", "conf_high")
    if table.empty or not table["estimate"].notna().any():
        return write_sentence(make_axes(ax), "No lines by quarter: no quarter has enough episodes.")
    return draw_panels(ax, 3.8, table, narrow, _scale_indicator)


def _scale_indicator(part: pd.DataFrame) -> Scale:
    values = part.loc[part["mature"].astype(bool), ["estimate", "conf_high"]]
    share = is_share(part["unit"].iloc[0])
    top = float(values.max().max()) * 1.15 if values.notna().to_numpy().any() else 0.0
    # Where all values are zero the axis must still have a length.
    return percent if share else plain, (0.0, min(1.0, max(top, 0.1)) if share else max(top, 1.15))


@draws_answer
def completeness(completeness: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of visits in which each field is filled, fullest first.

    Parameters
    ----------
    completeness : Completeness
        Reads ``table`` [field, label, n, recorded, estimate].
    """
    table = to_gaps(completeness.table, "estimate").dropna(subset=["estimate"])
    table = table[~table["field"].isin(completeness.summary.get("absent_fields", ()))]
    if table.empty:
        return write_sentence(make_axes(ax), "No completeness: there are too few visits.")
    return _bars(table, ax, narrow)


def _bars(table: pd.DataFrame, ax: Axes | None, narrow: bool) -> Axes:
    """One bar a row, longest first, its value at the end."""
    table = table.sort_values("estimate", ascending=True, kind="stable")
    ax = make_axes(ax, (7.2, 0.6 + 0.24 * len(table)))
    at = range(len(table))
    ax.barh(at, 1.0, height=0.52, color=WASH)
    ax.barh(at, table["estimate"], height=0.52, color=ACCENT)
    ax.set_yticks(list(at), [cut(label, 26 if narrow else 40) for label in table["label"]])
    for y, value in zip(at, table["estimate"], strict=True):
        ax.text(1.02, y, percent(value), va="center", ha="left", color=INK)
    ax.set_xlim(0, 1.22 if narrow else 1.09)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xticks([])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.spines["bottom"].set_visible(False)
    return ax


def is_share(unit: object) -> bool:
    """Whether an indicator's unit says that its estimate is a share 0..1."""
    return str(unit).lower() in {"share", "percent", "%", "proportion"}
