"""One tile an indicator: its value in the quarter, what its control chart says, the last eight quarters as a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from outcomes.questions.quarter_verdicts import NO_PAIN
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import TILES_NOTE, Cell, Tile
from outcomes.release.sentences import NBSP, NotShowable, Tables, cell, format_percent, is_unstable, look_up, show
from outcomes.release.svg import sparkline
from outcomes.release.unstable import FOOTNOTE, MARK
from outcomes.release.views import sentence_case
from outcomes.release.words import short_quarter

if TYPE_CHECKING:
    import pandas as pd

SPARK_QUARTERS = 8
NoValue = Literal["hidden", "few", "unseen"]
"""Why a quarter old enough has no value: a small number would be told, few episodes, or few watched for so long."""

_WHY_NO_VALUE: dict[NoValue, str] = {
    "hidden": "has a number too small to show",
    "few": "had too few episodes to show",
    "unseen": "had too few episodes left to watch by then",
}


def make_tiles(inputs: ReportInputs, tables: Tables) -> tuple[Tile, ...]:
    """Return one tile an indicator of the chosen quarter; none without a calendar."""
    if not inputs.quarter:
        return ()
    table = tables["quarter_review"]
    return tuple(_tile(inputs, tables, part) for _, part in table.groupby("indicator", sort=False))


def note_tiles(tiles: Iterable[Tile]) -> str:
    """Return what stands under the tiles, with what the mark of unstable ones means where one has it."""
    return f"{TILES_NOTE} {FOOTNOTE}" if any(MARK in tile.interval + tile.reason for tile in tiles) else TILES_NOTE


def why_no_value(inputs: ReportInputs, tables: Tables, indicator: str, quarter: str) -> NoValue:
    """Say which of three reasons leaves an indicator without a value in a quarter old enough to have one."""
    least = inputs.episodes.protocol.reporting_floor.estimate_min_episodes
    try:
        n = float(look_up(tables, of_review(indicator, quarter, "n", "count")))
        if isinstance(look_up(tables, of_review(indicator, quarter, "estimate", "text")), str):
            return "hidden"
    except NotShowable:
        return "hidden"
    return "few" if n < least else "unseen"


def latest_mature(table: pd.DataFrame, indicator: str, quarter: str) -> str:
    """Return the newest quarter up to `quarter` in which an indicator can be judged; empty if there is none."""
    part = table[(table["indicator"] == indicator) & table["mature"].astype(bool) & (table["quarter"] <= quarter)]
    return str(part["quarter"].max()) if len(part) else ""


def of_review(indicator: str, quarter: str, column: str, write: str) -> Cell:
    """The cell of an indicator in a quarter."""
    return cell("quarter_review", column, write, indicator=indicator, quarter=quarter)


def verdict_of(tables: Tables, indicator: str, quarter: str) -> tuple[str, bool]:
    """What the chart says of the newest quarter of an indicator, short enough for a tile; and if that is a signal."""
    where = {"indicator": indicator}
    brief, signal, judged = (
        str(look_up(tables, cell("quarter_review_verdicts", column, "text", **where)))
        for column in ("brief", "signal", "quarter")
    )
    said = f"signal: {brief}" if signal else brief
    # A quarter with too few for a value has no verdict of its own: the one before it has, and is named.
    earlier = judged and judged != latest_mature(tables["quarter_review"], indicator, quarter)
    return f"{short_quarter(judged)}, {said}" if earlier else said, bool(signal)


def is_never_rated(tables: Tables, indicator: str) -> bool:
    """Whether an indicator has no value because no pain score is on record: neither too few nor too early."""
    return bool(look_up(tables, cell("quarter_review_verdicts", "verdict", "text", indicator=indicator)) == NO_PAIN)


def _tile(inputs: ReportInputs, tables: Tables, part: pd.DataFrame) -> Tile:
    quarter = inputs.quarter
    table = part[part["quarter"] <= quarter].sort_values("quarter")
    name, label = (str(part[column].iloc[0]) for column in ("indicator", "label"))
    recent = table.tail(SPARK_QUARTERS)
    values = [_value(row) for row in recent.to_dict("records")]
    words = [
        "too early" if not row["mature"] else "hidden" if value is None else format_percent(value)
        for row, value in zip(recent.to_dict("records"), values, strict=True)
    ]
    looks: dict[str, Any] = {
        "spark": sparkline(values),
        "spark_alt": f"{label}, {recent['quarter'].iloc[0]} to {recent['quarter'].iloc[-1]}: {', '.join(words)}.",
    }
    looks["verdict"], looks["signal"] = verdict_of(tables, name, quarter)
    if is_never_rated(tables, name):
        return Tile(label, "", "", "", "absent", f"{sentence_case(NO_PAIN)}.", **looks)
    row = table[table["quarter"] == quarter]
    if len(row) and not bool(row["mature"].iloc[0]):
        return _early_tile(inputs, tables, part, name, label, looks)
    why = why_no_value(inputs, tables, name, quarter)
    least = inputs.episodes.protocol.reporting_floor.estimate_min_episodes
    said = {"hidden": "Too few", "few": f"Fewer than {least}", "unseen": "Too few were left to watch by then"}[why]
    return _shown_tile(tables, name, label, quarter, "hidden" if why == "hidden" else "few", said, looks)


def _early_tile(
    inputs: ReportInputs, tables: Tables, part: pd.DataFrame, name: str, label: str, looks: Mapping[str, Any]
) -> Tile:
    """Grey and without a value of the quarter; beneath, the newest quarter that can be judged, by its name."""
    quarter = inputs.quarter
    last = latest_mature(part, name, quarter)
    if not last:
        return Tile(label, "", "", "", "immature", "No quarter can be judged yet.", **looks)
    cells = _cells(name, last)
    try:
        said = f"{short_quarter(last)}: {show(tables, cells['value'])}"
        said += f" ({show(tables, cells['low'])} to {show(tables, cells['high'])}{NBSP}%{_mark(tables, cells)})"
    except NotShowable:
        early, old = short_quarter(quarter), short_quarter(last)
        said = _WHY_NO_VALUE[why_no_value(inputs, tables, name, last)]
        why = f"{early} is too recent; {old}, old enough, {said}{_beside_line(looks)}."
        return Tile(label, "", "", "", "immature", why, **looks)
    del cells["n"]
    return Tile(label, "", "", "", "immature", said, cells=cells, **looks)


def _shown_tile(
    tables: Tables,
    name: str,
    label: str,
    quarter: str,
    state: Literal["hidden", "few"],
    why: str,
    looks: Mapping[str, Any],
) -> Tile:
    """The value of the quarter; where there is none, the state and the reason given."""
    cells = _cells(name, quarter)
    try:
        text = show(tables, cells["value"])
    except NotShowable:
        return Tile(label, "", "", "", state, f"{why} in {short_quarter(quarter)}{_beside_line(looks)}.", **looks)
    try:
        interval = f"{show(tables, cells['low'])} to {show(tables, cells['high'])}{NBSP}%"
        interval += _mark(tables, cells)
        basis = f"of {show(tables, cells['n'])}"
    except NotShowable:
        return Tile(label, text, "", "", "shown", cells={"value": cells["value"]}, **looks)
    return Tile(label, text, interval, basis, "shown", cells=cells, **looks)


def _beside_line(looks: Mapping[str, Any]) -> str:
    """What the line shows, where there is one: it takes two quarters with a value."""
    return "; the line shows earlier quarters" if looks["spark"] else ""


def _mark(tables: Tables, cells: Mapping[str, Cell]) -> str:
    return f"{NBSP}{MARK}" if is_unstable(tables, cells["value"]) else ""


def _cells(name: str, quarter: str) -> dict[str, Cell]:
    columns = {"value": ("estimate", "percent"), "low": ("conf_low", "points"), "high": ("conf_high", "points")}
    cells = {key: of_review(name, quarter, *where) for key, where in columns.items()}
    return {**cells, "n": of_review(name, quarter, "n", "count")}


def _value(row: Mapping[Any, Any]) -> float | None:
    value = row["estimate"]
    shown = bool(row["mature"]) and not isinstance(value, str) and value == value
    return float(value) if shown else None
