"""The first screen: the quarter in about five sentences, the tiles, what cannot be said; `look_into` has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outcomes.release.figures import is_share
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.model import Cell, Sentence, Tile
from outcomes.release.sentences import INTERVAL, NBSP, NotShowable, Tables, bind, cell, look_up, say, show
from outcomes.release.svg import sparkline
from outcomes.release.tables import is_too_early_to_end
from outcomes.release.views import write_indicator
from outcomes.release.words import lower_first, quarter_words, relief_words, short_quarter

if TYPE_CHECKING:
    import pandas as pd

SPARK_QUARTERS = 8
UNDECIDED = (
    "it is too early to tell; more than half of the episodes are still open at the data cut, or their follow-up is "
    "unknown"
)
TOO_EARLY_TO_STOP = f"How many stopped coming while not relieved: {UNDECIDED}."


def summarise(inputs: ReportInputs, tables: Tables) -> tuple[Sentence, ...]:
    """Return the plain sentences that open the page; by quarter where there is a calendar, over all data otherwise."""
    found = _quarter_sentences(inputs, tables) if inputs.quarter else _overall_sentences(inputs, tables)
    return tuple(sentence for sentence in found if sentence is not None)


def make_tiles(inputs: ReportInputs, tables: Tables) -> tuple[Tile, ...]:
    """Return one tile an indicator of the chosen quarter; none without a calendar."""
    if not inputs.quarter:
        return ()
    table = tables["quarter_review"]
    return tuple(_tile(tables, part, inputs.quarter) for _, part in table.groupby("indicator", sort=False))


def list_limits(inputs: ReportInputs, tables: Tables) -> tuple[Sentence, ...]:
    """Return what these records cannot tell, refusals and immature quarters first."""
    out: list[Sentence | None] = [_too_early(inputs, tables)]
    out += [say(inputs.refusal(name), "not estimable") for name in QUESTIONS if inputs.refusal(name)]
    out += [
        _unknown_end(inputs, tables),
        say(
            "Whether pain came back: someone who did not return here may have had pain or gone elsewhere. In cohort "
            "studies about 7 in 10 have pain again within a year and 4 in 10 seek care."
        ),
        say(
            "Which treatment works better: patients who get one treatment differ from those who get another. "
            "Comparisons are adjusted for what is recorded of that, and much is not."
        ),
    ]
    return tuple(sentence for sentence in out if sentence is not None)


def _unknown_end(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if is_too_early_to_end(inputs.episodes):
        return say(TOO_EARLY_TO_STOP, "not estimable")
    where = cell("episode_ends", "estimate", "percent", end_reason="silent_stop")
    try:
        if not look_up(tables, where):
            return None
    except NotShowable:
        return None
    return bind(
        tables,
        "What became of those who stopped coming: {share} of episodes end in a silent stop, and some of these patients "
        "may have got better.",
        {"share": where},
    )


def latest_mature(table: pd.DataFrame, indicator: str, quarter: str) -> str:
    """Return the newest quarter up to `quarter` in which an indicator can be judged; empty if there is none."""
    part = table[(table["indicator"] == indicator) & table["mature"].astype(bool) & (table["quarter"] <= quarter)]
    return str(part["quarter"].max()) if len(part) else ""


def quarter_before(table: pd.DataFrame, quarter: str) -> str:
    """Return the quarter listed before; empty if there is none."""
    earlier = table.loc[table["quarter"] < quarter, "quarter"]
    return str(earlier.max()) if len(earlier) else ""


def _quarter_sentences(inputs: ReportInputs, tables: Tables) -> list[Sentence | None]:
    days = inputs.episodes.protocol.horizons_days
    landmark = inputs.episodes.protocol.recurrence.landmark_days
    return [
        _started(inputs, tables),
        _indicator(
            inputs,
            tables,
            f"relieved_by_{days.primary}",
            "episodes whose first pain score leaves room for relief",
            f"had a pain score {relief_words(inputs.episodes.protocol)} by day {days.primary}",
        ),
        _indicator(
            inputs,
            tables,
            "returned_by_182",
            f"episodes still relieved {landmark} days after relief",
            "returned within 182 days from then",
        ),
        _stopped(inputs, tables),
        _pain_recorded(inputs, tables),
    ]


def _started(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    quarter = inputs.quarter
    before = quarter_before(tables["quarter_review"], quarter)
    cells = {"now": _review("episodes_started", quarter, "estimate", "count")}
    template = f"In the {quarter_words(quarter)}, {{now}} episodes of care started"
    if before:
        more = bind(
            tables,
            template + "; in the quarter before it was {before}.",
            {**cells, "before": _review("episodes_started", before, "estimate", "count")},
        )
        if more is not None:
            return more
    return bind(
        tables, template + ".", cells, "The number of episodes that started in this quarter is too small to show."
    )


def _indicator(
    inputs: ReportInputs, tables: Tables, name: str, of: str, did: str, estimated: str = "an estimated "
) -> Sentence | None:
    """One indicator at the newest quarter that can be judged, with its interval."""
    quarter = latest_mature(tables["quarter_review"], name, inputs.quarter)
    if not quarter:
        return None
    when = f"the {quarter_words(quarter)}" + ("" if quarter == inputs.quarter else " (the newest that can be judged)")
    cells = {
        "value": _review(name, quarter, "estimate", "percent"),
        "n": _review(name, quarter, "n", "count"),
        "low": _review(name, quarter, "conf_low", "points"),
        "high": _review(name, quarter, "conf_high", "points"),
    }
    return bind(
        tables,
        f"Of {{n}} {of} in {when}, {estimated}{{value}} {did} ({INTERVAL}).",
        cells,
        f"How many {of} in {when} {did} cannot be shown: they are too few.",
    )


def _stopped(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if is_too_early_to_end(inputs.episodes):
        return say(TOO_EARLY_TO_STOP, "not estimable")
    days = max(inputs.episodes.protocol.horizons_days.relief)
    return _indicator(
        inputs,
        tables,
        "silent_stop",
        "episodes whose first pain score leaves room for relief",
        f"stopped coming within {days} days while not relieved at the last score",
        "",
    )


def _pain_recorded(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    where = _review("pain_recorded", inputs.quarter, "estimate", "percent")
    return bind(
        tables,
        "A pain score was recorded at {share} of the quarter's visits; every statement about relief rests on these.",
        {"share": where},
    )


def _overall_sentences(inputs: ReportInputs, tables: Tables) -> list[Sentence | None]:
    days = inputs.episodes.protocol.horizons_days
    last = days.recurrence[min(1, len(days.recurrence) - 1)]
    return [
        bind(
            tables,
            "The records hold {episodes} episodes of care of {patients} patients.",
            {"episodes": _run("episodes"), "patients": _run("patients")},
            "The records hold too few episodes or patients to give their number.",
        ),
        bind(
            tables,
            f"By day {days.primary}, an estimated {{value}} of {{n}} episodes had a pain score "
            f"{relief_words(inputs.episodes.protocol)} ({INTERVAL}).",
            _horizon("relief", days.primary),
        ),
        bind(
            tables,
            f"Of {{n}} relieved episodes, an estimated {{value}} had returned within {last} days ({INTERVAL}).",
            _horizon("recurrence", last),
        ),
        say(TOO_EARLY_TO_STOP, "not estimable")
        if is_too_early_to_end(inputs.episodes)
        else bind(
            tables,
            "{share} of episodes stopped while not relieved at the last score, without a discharge and without another "
            "visit.",
            {"share": cell("episode_ends", "estimate", "percent", end_reason="silent_stop")},
        ),
        bind(
            tables,
            "A pain score was recorded at {share} of visits; every statement about relief rests on these.",
            {"share": cell("completeness", "estimate", "percent", field="pain_pre")},
        ),
    ]


def _tile(tables: Tables, part: pd.DataFrame, quarter: str) -> Tile:
    table = part[part["quarter"] <= quarter].sort_values("quarter")
    name, unit, label = (str(part[column].iloc[0]) for column in ("indicator", "unit", "label"))
    recent = table.tail(SPARK_QUARTERS)
    values = [_value(row) for row in recent.to_dict("records")]
    words = [
        "too early" if not row["mature"] else "hidden" if value is None else write_indicator(unit, value)
        for row, value in zip(recent.to_dict("records"), values, strict=True)
    ]
    looks: dict[str, Any] = {
        "spark": sparkline(values),
        "spark_alt": f"{label}, {recent['quarter'].iloc[0]} to {recent['quarter'].iloc[-1]}: {', '.join(words)}.",
    }
    row = table[table["quarter"] == quarter]
    if len(row) and not bool(row["mature"].iloc[0]):
        last = latest_mature(part, name, quarter)
        reason = f"Newest quarter that can be judged: {short_quarter(last) if last else 'none yet'}."
        return Tile(label, "", "", "", "immature", reason, **looks)
    return _shown_tile(tables, name, unit, label, quarter, looks)


def _shown_tile(tables: Tables, name: str, unit: str, label: str, quarter: str, looks: Mapping[str, Any]) -> Tile:
    share = is_share(unit)
    number = "percent" if share else "count" if write_indicator(unit, 1.0) == "1" else "number"
    limit = "points" if share else "number"
    value = _review(name, quarter, "estimate", number)
    low, high = _review(name, quarter, "conf_low", limit), _review(name, quarter, "conf_high", limit)
    n = _review(name, quarter, "n", "count")
    try:
        text = show(tables, value)
    except NotShowable:
        return Tile(label, "", "", "", "hidden", "Too few to be shown.", **looks)
    try:
        interval = f"{show(tables, low)} to {show(tables, high)}" + (f"{NBSP}%" if share else "")
        basis = f"of {show(tables, n)}" if share else f"{show(tables, n)} episodes"
    except NotShowable:
        interval, basis = "", ""
        return Tile(label, text, interval, basis, "shown", cells={"value": value}, **looks)
    cells = {"value": value, "low": low, "high": high, "n": n}
    return Tile(label, text, interval, basis, "shown", cells=cells, **looks)


def _too_early(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if not inputs.quarter:
        return None
    table = tables["quarter_review"]
    now = table[(table["quarter"] == inputs.quarter) & ~table["mature"].astype(bool)]
    if now.empty:
        return None
    labels = [lower_first(str(label)) for label in now["label"]]
    return say(
        f"For episodes of the {quarter_words(inputs.quarter)} it is too early to tell: {'; '.join(labels)}. So far the "
        "quarter would hold mostly those who healed fast.",
        "not estimable",
    )


def _review(indicator: str, quarter: str, column: str, write: str) -> Cell:
    return cell("quarter_review", column, write, indicator=indicator, quarter=quarter)


def _run(fact: str) -> Cell:
    return cell("run", "value", "count", fact=fact)


def _horizon(name: str, days: int) -> dict[str, Cell]:
    columns = {
        "value": ("estimate", "percent"),
        "n": ("n", "count"),
        "low": ("conf_low", "points"),
        "high": ("conf_high", "points"),
    }
    return {key: cell(name, column, write, horizon_days=days) for key, (column, write) in columns.items()}


def _value(row: Mapping[Any, Any]) -> float | None:
    value = row["estimate"]
    shown = bool(row["mature"]) and not isinstance(value, str) and value == value
    return float(value) if shown else None
