"""Return after relief as pictures: mean number of returns, what each definition gives, comparisons of exercise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from outcomes.release.curve_axes import draw_axes, draw_lines, name_groups
from outcomes.release.curve_figures import say_landmark
from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_sentence
from outcomes.release.row_chart import NAN, Row, count_lines, draw_main_line, draw_rows, draw_zero
from outcomes.release.sentences import format_count, format_mean, format_percent, format_signed_points
from outcomes.release.svg import ACCENT, INK, MUTED, SERIES
from outcomes.release.views import sentence_case

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

INTERVAL = ("estimate", "conf_low", "conf_high")
GAP_LABEL = "{} days without a visit"
KIND_WORDS = {
    "reported": "",
    "gap": "Only a new episode counts, after",
    "event": "Another event is a return",
    "who": "Other patients are followed",
}
ROW_INCHES = (0.25, 0.235)


@draws_answer
def mean_returns(recurrence: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the mean number of returns of a patient by each day after the first landmark, with its interval.

    Parameters
    ----------
    recurrence : Recurrence
        Reads ``mean_curve`` [group, day, estimate, conf_low, conf_high, at_risk] and ``mean_returns`` at the horizons.
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
    """
    from matplotlib.ticker import MaxNLocator

    curve = to_gaps(recurrence.mean_curve, *INTERVAL, "at_risk").dropna(subset=["estimate"])
    if curve.empty or curve["day"].max() < 1:
        return write_sentence(make_axes(ax), "No mean number of returns: too few patients to draw it.")
    groups = [(str(name), part) for name, part in curve.groupby("group", sort=False)]
    if len(groups) > len(SERIES):
        return write_sentence(make_axes(ax), f"{len(groups)} groups are too many for one picture; see the table.")
    ax = make_axes(ax, (7.2, 3.7))
    last = float(curve["day"].max()) * 1.02
    highest = float(curve[["estimate", "conf_high"]].max().max())
    top = 1.12 * highest if highest > 0 else 1.0
    draw_lines(ax, groups)
    if len(groups) > 1:
        name_groups(ax, groups, last, top)
    else:
        _mark_means(ax, recurrence.mean_returns, last)
    days = sorted({0, 180, *(int(day) for day in recurrence.mean_returns["horizon_days"])})
    words = f"days since the first landmark, {say_landmark(recurrence)}"
    steps = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10])
    ticks = [day for day in days if day <= last]
    draw_axes(ax, ticks, last, words, dict(groups), narrow, top, format_mean, steps)
    return ax


def _mark_means(ax: Axes, table: pd.DataFrame, last: float) -> None:
    rows = to_gaps(table, "estimate").dropna(subset=["estimate"])
    rows = rows[rows["horizon_days"] <= last]
    ax.plot(rows["horizon_days"], rows["estimate"], "o", markersize=4.2, color=ACCENT)
    for day, value in zip(rows["horizon_days"], rows["estimate"], strict=True):
        place: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "color": INK, "fontweight": "bold"}
        ax.annotate(format_mean(value), (day, value), xytext=(-3, 5), **place)


@draws_answer
def gap_sensitivity(recurrence: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share back by the primary day under each definition; the reported one is marked, gaps are in order.

    Parameters
    ----------
    recurrence : Recurrence
        Reads ``definitions`` [definition, kind, gap_days, estimate, conf_low, conf_high, n].
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
    """
    table = to_gaps(recurrence.definitions, *INTERVAL, "n")
    if table.empty or table["estimate"].notna().sum() < 2:
        return write_sentence(make_axes(ax), "No comparison of definitions: fewer than two leave enough episodes.")
    rows = list_definitions(table)
    ax = make_axes(ax, (7.2, gap_height(table, narrow)))
    highest = float(table[list(INTERVAL)].max().max())
    top = min(1.3, max(0.05, highest) * (1.32 if narrow else 1.16))
    reported = next((row.value for row in rows if row.is_main), NAN)
    heights = draw_rows(ax, rows, (0.0, top), format_percent, narrow, "episodes", reported)
    if reported == reported:
        draw_main_line(ax, reported)
    _connect_gaps(ax, table, rows, heights)
    return ax


def gap_height(table: pd.DataFrame, narrow: bool) -> float:
    """Inches the picture of definitions needs."""
    return 0.5 + ROW_INCHES[narrow] * count_lines(list_definitions(to_gaps(table, *INTERVAL, "n")), narrow)


def list_definitions(table: pd.DataFrame) -> list[Row]:
    """The rows of the picture, kind by kind, gaps in order."""
    rows: list[Row] = []
    for kind, heading in KIND_WORDS.items():
        part = table[table["kind"] == kind]
        part = part.sort_values("gap_days", kind="stable") if kind == "gap" else part
        if heading and len(part):
            rows.append(Row(heading, is_heading=True))
        for row in part.to_dict("records"):
            label = GAP_LABEL.format(row["gap_days"]) if kind == "gap" else sentence_case(row["definition"])
            rows.append(_definition_row(row, label, kind == "reported"))
    return rows


def _definition_row(row: dict[Any, Any], label: str, is_main: bool) -> Row:
    value, low, high = (float(row[name]) for name in INTERVAL)
    shown, n = value == value, row["n"]
    right = format_count(n) if n == n else "few"
    words = "" if shown else "cannot be stated: too few"
    share = format_percent(value) if shown else ""
    return Row(label, value, low, high, right, words=words, is_main=is_main, shown=share)


def _connect_gaps(ax: Axes, table: pd.DataFrame, rows: Sequence[Row], heights: Sequence[float]) -> None:
    labels = {GAP_LABEL.format(gap) for gap in table.loc[table["kind"] == "gap", "gap_days"]}
    points = [
        (row.value, y)
        for row, y in zip(rows, heights, strict=True)
        if row.label in labels and row.value == row.value and not row.is_heading
    ]
    ax.plot(*zip(*points, strict=True), color=MUTED, linewidth=1.1, zorder=1.5)


@draws_answer
def rehabilitation(comparison: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the adjusted differences in the share back, one analysis a row; refused ones and ratios stand in words.

    Parameters
    ----------
    comparison : Rehabilitation
        Reads ``table`` [analysis, label, scale, estimate, conf_low, conf_high, n, n_with, n_without, reason].
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
    """
    table = to_gaps(comparison.table, *INTERVAL, "n_with", "n_without", "n")
    differences = table[table["scale"] == "difference"]
    if table.empty or not differences["estimate"].notna().any():
        return write_sentence(make_axes(ax), "No comparison of exercise: too few patients or returns in every one.")
    rows = list_comparisons(table)
    ax = make_axes(ax, (7.2, comparison_height(table, narrow)))
    furthest = max(0.05, float(differences[list(INTERVAL)].abs().max().max()))
    limits = (-furthest * 1.1, furthest * (1.6 if narrow else 1.35))
    draw_rows(ax, rows, limits, format_signed_points, narrow, "with / without", 0.0)
    draw_zero(ax)
    ax.set_xlabel("points more (+) or fewer (\u2212) came back with exercise", fontsize=7.5, loc="right", labelpad=1)
    return ax


def comparison_height(table: pd.DataFrame, narrow: bool) -> float:
    """Inches the picture of comparisons needs."""
    rows = list_comparisons(to_gaps(table, *INTERVAL, "n_with", "n_without", "n"))
    return 0.62 + ROW_INCHES[narrow] * count_lines(rows, narrow)


def list_comparisons(table: pd.DataFrame) -> list[Row]:
    """The rows of the picture: differences first, then the ratios in words."""
    is_difference = table["scale"] == "difference"
    rows = [_difference_row(row, i == 0) for i, row in enumerate(table[is_difference].to_dict("records"))]
    ratios = table[~is_difference].to_dict("records")
    if ratios:
        rows.append(Row("As hazard ratios (1: no difference)", is_heading=True))
    return rows + [Row(sentence_case(row["label"]), right=_arms(row), words=_ratio_words(row)) for row in ratios]


def _difference_row(row: dict[Any, Any], is_main: bool) -> Row:
    value, low, high = (float(row[name]) for name in INTERVAL)
    shown = value == value
    words, said = "" if shown else _why_not(row), format_signed_points(value) if shown else ""
    return Row(sentence_case(row["label"]), value, low, high, _arms(row), words=words, is_main=is_main, shown=said)


def _ratio_words(row: dict[Any, Any]) -> str:
    value, low, high = (float(row[name]) for name in INTERVAL)
    if value != value:
        return _why_not(row)
    return f"{format_mean(value)}" + (f" ({format_mean(low)} to {format_mean(high)})" if low == low else "")


def _why_not(row: dict[Any, Any]) -> str:
    return str(row["reason"]) or "too few to be shown"


def _arms(row: dict[Any, Any]) -> str:
    arms = ("n_with", "n_without") if row["analysis"].startswith("landmark") else ("n",)
    return " / ".join(format_count(row[name]) if row[name] == row[name] else "few" for name in arms)
