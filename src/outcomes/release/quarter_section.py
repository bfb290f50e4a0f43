"""Quarter by quarter: what the control charts say, how far the quarter is from earlier ones, and the volume."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from outcomes.questions.quarter_expected import ODDS, WATCHED
from outcomes.questions.quarter_indicators import LAG_DAYS
from outcomes.questions.quarter_verdicts import NO_PAIN
from outcomes.release import quarter_figures, views
from outcomes.release.inputs import ReportInputs
from outcomes.release.marks import HIDDEN
from outcomes.release.model import Block, FigureView, Section, Sentence, TableView, Text, number_columns
from outcomes.release.section_parts import NO_VALUE, draw, files_of, fold, join_alt, list_notes, refused
from outcomes.release.sentences import (
    INTERVAL,
    Tables,
    bind,
    cell,
    format_count,
    format_number,
    format_percent,
    format_signed_points,
    interval_words,
    literal,
    marked,
    say,
)
from outcomes.release.signal_words import NO_SIGNAL, SIGNAL
from outcomes.release.tables import to_numbers
from outcomes.release.tiles import is_never_rated
from outcomes.release.treatment_section import TABLE_QUARTERS
from outcomes.release.words import lower_first, short_quarter

if TYPE_CHECKING:
    import pandas as pd

NAME = "quarter_review"
VERDICTS, CHANGES, CHART = f"{NAME}_verdicts", f"{NAME}_changes", f"{NAME}_chart"
VOLUME, SUMS, CUSUM = f"{NAME}_volume", f"{NAME}_expected", f"{NAME}_cusum"
CHARTED = ("chart", "verdicts", "chart_months", "recording", "breaks")
TITLE = "Quarter by quarter"
COUNT_WORDS = {5: "five", 6: "six"}
"""Indicators: one of them needs treatments on record."""
FALSE_ALARMS = (
    " Where nothing changes, about one report in twenty that watches six has a signal by chance with 12 quarters on "
    "record, and one in four with 20."
)


def quarter_section(inputs: ReportInputs, tables: Tables) -> Section:
    """Return the section; the refusal's reason where the quarters could not be reviewed."""
    review = inputs.answer(NAME)
    if review is None:
        return refused("quarters", TITLE, inputs.refusal(NAME))
    said = tuple(s for s in (say_verdict(tables, name) for name in _indicators(tables)) if s is not None)
    blocks: list[Block] = [*_charts(review, tables, said)]
    sums, calm = _sums(review, tables), not _any_beyond(tables)
    blocks += [*_change_table(tables), *(() if calm else sums)]
    blocks += fold((*(sums if calm else ()), *_indicator_table(tables), _volume_table(inputs, tables)))
    blocks.append(Text(said, "What the control charts say", folded=True))
    n_watched = len(_indicators(tables))
    lead = say(
        "Episodes are counted in the quarter in which they start. Grey quarters are too young to be judged. "
        "Neighbouring quarters always differ a little; only a signal of a control chart is called a change. It is a "
        f"reason to look, first at what was recorded: {COUNT_WORDS.get(n_watched, n_watched)} indicators are watched."
        + (FALSE_ALARMS if _any_limits(tables) else _say_no_limits(tables))
    )
    return Section(
        "quarters", TITLE, (lead,), (*blocks, *list_notes(_without_said(review, tables))), "signal / no signal"
    )


def _any_beyond(tables: Tables) -> bool:
    """Whether a sum left its limits or a CUSUM signals: where none does, their picture is for who reruns this."""
    out = [part["beyond"].astype(bool).any() for _, part in _by_label(tables, SUMS)]
    return any(out) or any(part["word"].astype(bool).any() for _, part in _by_label(tables, CUSUM))


def _any_limits(tables: Tables) -> bool:
    return bool(tables[VERDICTS]["status"].isin(("fixed", "trial")).any())


def _say_no_limits(tables: Tables) -> str:
    """That nothing can signal: limits that are hidden are not limits that are yet to come."""
    if (tables[VERDICTS]["status"] == "hidden").any():
        return " None of them can signal: they have no limits yet, or limits that small numbers hide."
    return " None of them has limits yet, and so none can signal."


def _without_said(review: Any, tables: Tables) -> Any:
    """The notes without what the section begins with, and what a CUSUM would need where no picture could hold one."""
    gone = ("Neighbouring quarters",) if SUMS in tables or CUSUM in tables else ("Neighbouring quarters", "A CUSUM")
    return dataclasses.replace(review, notes=tuple(note for note in review.notes if not note.startswith(gone)))


def say_verdict(tables: Tables, name: str) -> Sentence | None:
    """Say an indicator's newest value, its interval and what its chart says; nothing where there is no chart."""
    row = tables[VERDICTS]
    row = row[row["indicator"] == name]
    if row.empty:
        return None
    quarter, verdict = str(row["quarter"].iloc[0]), cell(VERDICTS, "verdict", "text", indicator=name)
    label = literal(row["label"].iloc[0])
    mark = SIGNAL if row["signal"].iloc[0] else "" if row["status"].iloc[0] == "none" else NO_SIGNAL
    if not quarter:
        return bind(tables, f"{label}: {{verdict}}.", {"verdict": verdict}, tag="signal / no signal")
    where = {"indicator": name, "quarter": quarter}
    cells = {
        "value": cell(NAME, "estimate", "percent", **where),
        "low": cell(NAME, "conf_low", "points", **where),
        "high": cell(NAME, "conf_high", "points", **where),
        "verdict": verdict,
    }
    template = f"{label}: {{value}} in {short_quarter(quarter)} ({INTERVAL}); {{verdict}}."
    hidden = f"{row['label'].iloc[0]}: the value of {short_quarter(quarter)} rests on too few to be shown."
    return marked(bind(tables, template, cells, hidden, "signal / no signal"), mark)


def _indicators(tables: Tables) -> list[str]:
    return [str(name) for name in dict.fromkeys(tables[NAME]["indicator"])]


def _split_charted(tables: Tables) -> tuple[list[str], list[str]]:
    """Labels of the indicators with a quarter that can be shown, and of those without."""
    chart = tables[CHART]
    table = chart[chart["basis"] == "recorded"]
    has_value = to_numbers(table["estimate"]).notna() & table["mature"].astype(bool)
    labels, drawn = [str(label) for label in dict.fromkeys(table["label"])], set(table.loc[has_value, "label"])
    return [label for label in labels if label in drawn], [label for label in labels if label not in drawn]


def _charts(review: Any, tables: Tables, said: tuple[Sentence, ...]) -> tuple[FigureView | Text, ...]:
    """The charts of the indicators with a value; the others are named in a sentence, and have no empty panel."""
    drawn, empty = _split_charted(tables)
    said = tuple(sentence for sentence in said if not sentence.text.startswith(tuple(empty)))
    never_rated = any(is_never_rated(tables, name) for name in _indicators(tables))
    why = f", for {NO_PAIN}" if never_rated else " yet, too early or too few to show"
    words = f"No quarter can be shown{why}: {'; '.join(map(lower_first, empty))}."
    left_out = (Text((say(words, "not estimable"),), "Indicators without a chart"),) if empty else ()
    if not drawn:
        return left_out
    return (_draw_charts(review, tables, said, drawn), *left_out)


def _draw_charts(review: Any, tables: Tables, said: tuple[Sentence, ...], drawn: list[str]) -> FigureView:
    n_panels, chart = len(drawn), review.more["chart"]
    review = dataclasses.replace(review, more={**review.more, "chart": chart[chart["label"].isin(drawn)]})
    heights = (1.9 * -(-n_panels // 3), 1.3 * n_panels)
    caption = (
        "Dots: value of each quarter as recorded; the number is that of the newest old enough, if it can be shown. "
        f"{_explain_marks(review.more['chart'])}"
    ).strip()
    if breaks := quarter_figures.list_breaks(tables[CHART]):
        caption += f" Dotted upright lines: documented changes, from which limits begin anew. {breaks}"
    csv = files_of(tables, NAME, *(f"{NAME}_{part}" for part in CHARTED))
    title, alt = "Control charts of the indicators", join_alt(*said)
    return draw("quarters", title, alt, caption, quarter_figures.spc, review, heights, csv, True)


def _explain_marks(chart: Any) -> str:
    """What the marks mean that are there."""
    chart = chart[chart["basis"] == "recorded"]
    words = {str(word) for word in chart["word"]}
    lines = "Straight line: mean; dashed: limits, within which quarters differ by chance alone."
    has_limits = to_numbers(chart["low"]).notna().any() or to_numbers(chart["high"]).notna().any()
    found = [lines] if has_limits else []
    if any(value == HIDDEN for value in chart["centre"]):
        found.append(
            "Where the lines are hidden, a small number could be worked out from them: nothing is judged there."
        )
    found += [said for word, said in quarter_figures.MARK_WORDS.items() if word in words]
    return " ".join([*found, *(() if chart["mature"].astype(bool).all() else ("Grey: too early to tell.",))])


def _indicator_table(tables: Tables) -> tuple[TableView, ...]:
    table = tables[NAME]
    quarters = sorted(set(table["quarter"]))[-TABLE_QUARTERS:]
    caption = "Indicators by starting quarter"
    plain = views.pivot_table(table, NAME, caption, "label", quarters)
    rows = tuple(row for row in plain.rows if any(text not in NO_VALUE for text in row[1:]))
    return (dataclasses.replace(plain, rows=rows or plain.rows),)


def _change_table(tables: Tables) -> tuple[TableView, ...]:
    """The quarter against two earlier ones, a row an indicator; with case mix evened out in the published file."""
    table = tables[CHANGES]
    recorded = table[table["basis"] == "recorded"]
    level = interval_words(tables)
    heads = ("In the quarter", "Against the quarter before", level, "Against a year before", level, "Could be seen")
    columns = number_columns("Indicator, quarter", heads)
    rows = tuple(_change_row(part.to_dict("records")) for _, part in recorded.groupby("indicator", sort=False))
    # Those without a quarter that can be judged are named above the table; one value alone stands in the chart.
    rows = tuple(row for row in rows if any(text != views.DASH for text in row[2:]))
    if not rows:
        return ()
    note = (
        "Differences in points of a hundred. Could be seen: the smallest rise on the quarter before that samples of "
        "these sizes show in four of five cases; a smaller one may well be missed. A difference is no signal; the "
        "charts decide. The file has the differences with case mix evened out."
    )
    return (TableView(CHANGES, "Against earlier quarters", columns, rows, note, CHANGES),)


def _change_row(rows: list[dict[Any, Any]]) -> tuple[str, ...]:
    """An indicator's newest quarter, and its difference from each earlier one."""
    first = rows[0]
    texts = [f"{first['label']}, {short_quarter(first['quarter'])}" if first["quarter"] else str(first["label"])]
    texts.append(views.shown(first["value"], format_percent))
    for row in rows:
        texts.append(views.shown(row["estimate"], format_signed_points))
        texts.append(views.shown_interval(row, format_signed_points, ""))
    return (*texts, views.shown(first["detectable_up"], format_signed_points))


def _sums(review: Any, tables: Tables) -> tuple[FigureView, ...]:
    """Observed minus expected over the months, and the CUSUM; nothing where neither can be shown."""
    parts = [(label, part["beyond"].astype(bool).any()) for label, part in _by_label(tables, SUMS)]
    watched = [(label, list(dict.fromkeys(filter(None, part["word"])))) for label, part in _by_label(tables, CUSUM)]
    if not parts + watched:
        return ()
    said = [f"{label}: the sum {'leaves' if out else 'stays inside'} the limits." for label, out in parts]
    said += [f"CUSUM, {label}: {_say_signals(words)}." for label, words in watched]
    # What the picture shows stands above the explanation, for those too who have no use of the alternative text.
    caption = " ".join(said) + " "
    if parts:
        caption += (
            "Line: events observed less events expected from first pain, duration and region, summed up; it ends at 0, "
            f"so a change in between shows as a hill or a valley. Tinted: where {_level(tables)} of series without a "
            "change stay throughout. "
        )
    if any(out for _, out in parts):
        caption += "Rings: outside. "
    if watched:
        caption += (
            f"CUSUM: the last {WATCHED} quarters with a value against those before. Above 0 what speaks for odds "
            f"{ODDS:g} times as large, below for odds that much smaller; where nothing does, it falls back to 0. "
            "Dashed: limits."
        )
        seen = {word for _, words in watched for word in words}
        caption += "".join(f" {text}" for word, text in quarter_figures.MARK_WORDS.items() if word in seen)
    caption = caption.strip()
    heights, csv = (2.3, 1.7 * len(parts + watched)), files_of(tables, SUMS, CUSUM)
    title = "Observed minus expected, summed over the months"
    draw_it = quarter_figures.observed_expected
    return (draw("observed-expected", title, " ".join(said), caption, draw_it, review, heights, csv, True),)


def _say_signals(words: list[str]) -> str:
    return f"a signal of {' and '.join(words)}" if words else "no signal"


def _by_label(tables: Tables, name: str) -> list[tuple[str, pd.DataFrame]]:
    if name not in tables:
        return []
    return [(str(label), part) for label, part in tables[name].groupby("label", sort=False)]


def _level(tables: Tables) -> str:
    return interval_words(tables).replace(" interval", "")


def _volume_table(inputs: ReportInputs, tables: Tables) -> TableView:
    headings = ("Episodes started", "Visits", "Visits an episode", interval_words(tables))
    columns = number_columns("Quarter", headings)
    rows = []
    for row in tables[VOLUME].tail(TABLE_QUARTERS).to_dict("records"):
        counts = [
            views.shown(row[name], format_count) if row["mature"] else "too early"
            for name in ("episodes_started", "visits")
        ]
        mean = views.shown(row["visits_per_episode"], format_number)
        limits = views.shown_interval(row, format_number, "")
        rows.append((short_quarter(row["quarter"]), *counts, mean, limits))
    within = inputs.episodes.protocol.horizons_days
    note = (
        f"A quarter is counted {LAG_DAYS} days after its last day, when late entries are in; visits an episode once "
        f"all of its episodes were watched for {max(within.relief)} days more."
    )
    return TableView(VOLUME, "Volume by quarter", columns, tuple(rows), note, VOLUME)
