"""Comparisons of treatments as pictures: one row a contrast, or one row a way of looking at a single one.

Rows keep the order of the table, which is the codebook's: a picture sorted by size would be a league table, and its
first place goes to luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_below, write_sentence
from outcomes.release.marks import HIDDEN
from outcomes.release.row_chart import NAN, Row, count_lines, draw_rows, draw_zero
from outcomes.release.sentences import MINUS, format_count, format_number, format_signed_points
from outcomes.release.svg import MUTED
from outcomes.release.views import sentence_case

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

INTERVAL = ("estimate", "conf_low", "conf_high")
COUNTS = ("n_with", "n_without", "events_with", "events_without")
MAIN_LINES = ("adjusted", "joint", "level")
"""Analyses of which every contrast has one row: the one that is read."""
BESIDE_LINES = {"adjusted": "unadjusted", "joint": "joint_shrunk"}
"""What the ring stands for."""
RING_WORDS = {"adjusted": "ring: unadjusted", "joint": "ring: shrunk towards none"}
TEST = "interaction"
POINTS_HEADING = "Pain itself, in points: with minus without"
SCALES_HEADING = "The same comparison on other scales"
SCALE_WORDS = {
    "ratio": "ratio of the shares relieved",
    "days": "days longer (+) or shorter until relief, within the horizon",
    "episodes": "episodes for one more (+) or fewer relieved",
}
COUNT_HEADING = "relieved of episodes, with / without"
ROW_INCHES = (0.25, 0.25)
MOST_WORDS = 5


@draws_answer
def forest(comparison: Any, ax: Axes | None = None, narrow: bool = False, contrast: str | None = None) -> Axes:
    """Draw adjusted differences in the share relieved, in points, with their intervals.

    Parameters
    ----------
    comparison : ModalityComparison
        Reads ``table`` [contrast, label, analysis, analysis_label, scale, estimate, conf_low, conf_high, n_with,
        n_without, events_with, events_without, reason].
    ax : Axes, optional
    narrow : bool
    contrast : str, optional
        One contrast, in every way it was looked at; all contrasts, one row each, when not given.

    Returns
    -------
    Axes
        Refused comparisons are rows with their reason.
    """
    rows = list_rows(comparison, contrast)
    if not rows:
        return write_sentence(make_axes(ax), _say_nothing(comparison, contrast))
    return _draw_forest(rows, comparison, ax, narrow, contrast)


def forest_height(comparison: Any, narrow: bool, contrast: str | None = None) -> float:
    """Inches the picture needs."""
    return 0.75 + ROW_INCHES[narrow] * count_lines(_fit(list_rows(comparison, contrast), narrow), narrow)


def list_rows(comparison: Any, contrast: str | None = None) -> list[Row]:
    """The rows of the picture; none where nothing of it was looked at."""
    table = to_gaps(comparison.table, *INTERVAL)
    if contrast is not None:
        table = table[table["contrast"] == contrast]
    if "level_label" in table:
        return _level_rows(table)
    return _line_rows(table) if contrast is not None else _contrast_rows(table)


def _say_nothing(comparison: Any, contrast: str | None) -> str:
    names = ", ".join(dict.fromkeys(str(name) for name in comparison.table["contrast"]))
    if contrast is None or not names:
        return "No comparison of treatments: no episode could be looked at."
    return f"No comparison '{contrast}'. Choose one of: {names}."


def _draw_forest(rows: list[Row], comparison: Any, ax: Axes | None, narrow: bool, contrast: str | None) -> Axes:
    rows = _fit(rows, narrow)
    ax = make_axes(ax, (7.2, forest_height(comparison, narrow, contrast)))
    ends = [abs(v) for row in rows for v in (row.value, row.low, row.high, row.hollow) if v == v]
    furthest = max(0.05, *ends) if ends else 0.1
    limits = (-furthest * 1.1, furthest * (1.6 if narrow else 1.3))
    draw_rows(ax, rows, limits, format_signed_points, narrow, "", 0.0)
    heading, height = ("relieved of\nepisodes, with\nand without it", 34) if narrow else (COUNT_HEADING, 9)
    write_below(ax, heading, (1.02, 1), ax.transAxes, height, color=MUTED, ha="left", linespacing=1.05)
    draw_zero(ax)
    _name_ends(ax, narrow)
    if legend := _name_marks(comparison, contrast):
        text, height = (legend.replace(", ", "\n"), 23) if narrow else (legend, 9)
        write_below(ax, text, (0, 1), ax.transAxes, height, color=MUTED, ha="left", linespacing=1.05)
    return ax


def _name_ends(ax: Axes, narrow: bool) -> None:
    """Say at both ends of the axis what lies there."""
    ax.set_xlabel("more relieved, points", fontsize=7.5, labelpad=12 if narrow else 3)
    write_below(ax, "\u2190 without it", (0, 0), ax.transAxes, -17, color=MUTED, ha="left")
    write_below(ax, "with it \u2192", (1, 0), ax.transAxes, -17, color=MUTED, ha="right")


def _name_marks(comparison: Any, contrast: str | None) -> str:
    """What dot and ring stand for, where there are rings."""
    if contrast is not None:
        return ""
    analyses = set(comparison.table["analysis"])
    return next((f"dot: adjusted, {RING_WORDS[name]}" for name in RING_WORDS if name in analyses), "")


def _contrast_rows(table: pd.DataFrame) -> list[Row]:
    """One row a contrast, in the table's order."""
    main = table[table["analysis"].isin(MAIN_LINES) & (table["scale"] == "difference")]
    rows = []
    for row in main.to_dict("records"):
        beside = table[
            (table["contrast"] == row["contrast"])
            & (table["analysis"] == BESIDE_LINES.get(str(row["analysis"])))
            & (table["scale"] == "difference")
        ]
        ring = float(beside["estimate"].iloc[0]) if len(beside) else NAN
        rows.append(_difference_row(row, str(row["label"]), ring))
    return rows


def _line_rows(table: pd.DataFrame) -> list[Row]:
    """Every way one contrast was looked at: differences, then pain in points, then the other scales in words."""
    differences = table[table["scale"] == "difference"].to_dict("records")
    rows = [
        _difference_row(row, sentence_case(row["analysis_label"]), is_main=row["analysis"] in MAIN_LINES)
        for row in differences
    ]
    points = table[table["scale"] == "points"].to_dict("records")
    if points:
        rows.append(Row(POINTS_HEADING, is_heading=True))
        rows += [
            Row(
                sentence_case(row["analysis_label"]),
                right=_arms(row),
                words=_say_value(row),
                most_lines=MOST_WORDS,
            )
            for row in points
        ]
    others = table[table["scale"].isin(list(SCALE_WORDS))].to_dict("records")
    if others:
        rows.append(Row(SCALES_HEADING, is_heading=True))
        rows += [
            Row(sentence_case(SCALE_WORDS[str(row["scale"])]), words=_say_value(row), most_lines=MOST_WORDS)
            for row in others
        ]
    return rows


def _level_rows(table: pd.DataFrame) -> list[Row]:
    """Levels of each factor under the name of the family and factor, and what the test of them says."""
    rows: list[Row] = []
    for _, part in table.groupby(["contrast", "factor"], sort=False):
        tests = part[part["analysis"] == TEST].to_dict("records")
        heading = str(tests[0]["label"]) if tests else str(part["label"].iloc[0])
        rows.append(Row(heading, is_heading=True))
        levels = part[part["analysis"] != TEST].to_dict("records")
        rows += [_difference_row(row, str(row["level_label"])) for row in levels]
        rows += [Row("Do the levels differ?", words=_say_test(row), most_lines=MOST_WORDS) for row in tests]
    return rows


def _difference_row(row: dict[Any, Any], label: str, ring: float = NAN, is_main: bool = False) -> Row:
    value, low, high = (float(row[name]) for name in INTERVAL)
    if value != value:
        return Row(label, right=_arms(row), hollow=ring, words=_why_not(row), is_main=is_main, most_lines=MOST_WORDS)
    shown = format_signed_points(value)
    return Row(label, value, low, high, _arms(row), ring, is_main=is_main, shown=shown)


def _say_value(row: dict[Any, Any]) -> str:
    value, low, high = (float(row[name]) for name in INTERVAL)
    if value != value:
        return _why_not(row)
    write = _write_ratio if row["scale"] == "ratio" else _write_signed
    return write(value) + (f" ({write(low)} to {write(high)})" if low == low and high == high else "")


def _say_test(row: dict[Any, Any]) -> str:
    p, q = row.get("p_value"), row.get("q_value")
    if isinstance(p, str) or p is None or p != p:
        return _why_not(row)
    return f"p {float(p):.2f}" + (f", q {float(q):.2f} over all such tests" if q == q and q is not None else "")


def _why_not(row: dict[Any, Any]) -> str:
    return str(row["reason"]) or ("too few to be shown" if _is_hidden(row) else "not estimable")


def _is_hidden(row: dict[Any, Any]) -> bool:
    return any(isinstance(row.get(name), str) for name in COUNTS) or row.get("estimate") == HIDDEN


def _arms(row: dict[Any, Any]) -> str:
    """Numbers of both arms: relieved of episodes, or episodes alone where nobody was counted as relieved."""
    arms = []
    for arm in ("with", "without"):
        events, n = _count(row[f"events_{arm}"]), _count(row[f"n_{arm}"])
        arms.append(f"{events} of {'a hidden number' if n == HIDDEN else n}" if events and events != n else n)
    return " / ".join(dict.fromkeys(arms) if set(arms) == {HIDDEN} else arms) if any(arms) else ""


def _count(value: Any) -> str:
    if isinstance(value, str):
        return value
    return format_count(float(value)) if value is not None and value == value else ""


def _fit(rows: list[Row], narrow: bool) -> list[Row]:
    """On a phone the numbers of the two arms stand one below the other."""
    from dataclasses import replace

    return [replace(row, right=row.right.replace(" / ", "\n")) for row in rows] if narrow else rows


def _write_ratio(value: float) -> str:
    return f"{value:.2f}"


def _write_signed(value: float) -> str:
    size = format_number(abs(value))
    if size == format_number(0.0):
        return size
    return f"{'+' if value > 0 else MINUS}{size}"
