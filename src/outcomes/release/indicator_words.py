"""One indicator of the quarters as a sentence of the first screen: its newest value, or the one over all quarters."""

from __future__ import annotations

from collections.abc import Mapping

from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Cell, Sentence
from outcomes.release.sentences import INTERVAL, Tables, bind, cell, say
from outcomes.release.signal_words import say_why_no_change
from outcomes.release.tiles import NoValue, latest_mature, of_review, why_no_value
from outcomes.release.words import quarter_words

AGAINST = "; against the quarter before {change} points ({change_low} to {change_high})"
NO_SHARE: dict[NoValue, str] = {
    "hidden": "has too few for a share of its own",
    "few": "has too few for a share of its own",
    "unseen": "has no share of its own, for too few were left to watch by then",
}
OLD_ENOUGH = {True: " (the newest that can be judged)", False: " (the newest old enough)"}
"""A quarter with too few is old enough to be judged, and still cannot be."""


def say_indicator(
    inputs: ReportInputs,
    tables: Tables,
    name: str,
    of: str,
    did: str,
    estimated: str = "an estimated ",
    over_all: Mapping[str, Cell] | None = None,
) -> Sentence | None:
    """Say an indicator at the newest quarter old enough, its interval, and how far the quarter before was.

    Parameters
    ----------
    inputs, tables
        What is published.
    name : str
        The indicator.
    of, did : str
        Which episodes are counted, and what those did that count: "Of 80 episodes begun in the quarter `of`, 50 %
        `did`".
    estimated : str
        What stands before the share; empty where it is a plain count.
    over_all : Mapping[str, Cell], optional
        ``value, n, low, high`` over all quarters. Said where the quarter has too few for a share of its own: of a
        practice of two rooms every quarter has, and its first screen would hold no number.

    Returns
    -------
    Sentence or None
        None where no quarter is old enough.
    """
    quarter = latest_mature(tables["quarter_review"], name, inputs.quarter)
    if not quarter:
        return None
    when = {
        can: f"the {quarter_words(quarter)}" + older * (quarter != inputs.quarter) for can, older in OLD_ENOUGH.items()
    }
    cells = {
        "value": of_review(name, quarter, "estimate", "percent"),
        "n": of_review(name, quarter, "n", "count"),
        "low": of_review(name, quarter, "conf_low", "points"),
        "high": of_review(name, quarter, "conf_high", "points"),
    }
    said = f"Of {{n}} episodes begun in {when[True]} {of}, {estimated}{{value}} {did} ({INTERVAL})"
    # Without a value in the quarter before there is nothing to compare with.
    why = say_why_no_change(tables, name)
    none = f"{when[False]} {NO_SHARE[why_no_value(inputs, tables, name, quarter)]}"
    whom = of.removeprefix("and ")  # nothing stands before it here
    over = f"Over all quarters, {estimated}{{value}} of {{n}} episodes {whom} {did} ({INTERVAL}); {none}."
    return (
        bind(tables, f"{said}{AGAINST}.{why}", {**cells, **_against_before(name)})
        or bind(tables, f"{said}.", cells)
        or (bind(tables, over, over_all) if over_all else None)
        or say(f"{_label(tables, name)}: {none}.", "not estimable")
    )


def _label(tables: Tables, name: str) -> str:
    """What the tile of an indicator is called: a sentence without a number need not spell out its definition."""
    table = tables["quarter_review"]
    return str(table.loc[table["indicator"] == name, "label"].iloc[0])


def _against_before(name: str) -> dict[str, Cell]:
    where = {"indicator": name, "against": "quarter before", "basis": "recorded"}
    columns = {"change": "estimate", "change_low": "conf_low", "change_high": "conf_high"}
    return {key: cell("quarter_review_changes", column, "signed", **where) for key, column in columns.items()}
