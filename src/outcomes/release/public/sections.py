"""The sections of a public page: each made from the published tables and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from outcomes.release.model import (
    Block,
    Cell,
    Column,
    FigureView,
    Scalar,
    Section,
    Sentence,
    TableView,
    Text,
    number_columns,
)
from outcomes.release.public import figures
from outcomes.release.public.counts import AFTER_RELIEF, EVERYBODY, GIVEN, STATE
from outcomes.release.public.frames import CURVE, PREFIX, TIMES, TOTAL, read_percent
from outcomes.release.public.gate import GATE
from outcomes.release.public.words import Words, row_words
from outcomes.release.section_parts import draw, fold
from outcomes.release.sentences import NBSP, NotShowable, Tables, agree, bind, cell, look_up, say
from outcomes.release.unstable import LEAST_N, MARK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SHARES = (
    "Each bar is all patients of its row; at the right the share of each part, and the rounded number of patients. "
    "What is hidden is left blank."
)
HALF_PERCENT, CLEARLY_PERCENT = 50, 56
"""What "at least half" needs of the lower limit, and from which share on "about half" would say too little."""
WHY_HIDDEN = "some of the numbers are too small, or would give one away that is, together with earlier pages too"
"""Why not all can be shown; which of the two it was is not told."""
NO_COMPARISON = (
    "Patients who get one treatment differ from those who get another: the shares side by side are no comparison of "
    "treatments."
)


def make_sections(tables: Tables, words: Words, texts: Mapping[str, Sequence[str]]) -> tuple[Section, ...]:
    """Return the sections about patients, in their order.

    Parameters
    ----------
    tables : Mapping of str to DataFrame
        As `frames.to_frames` makes them, and the gate report (`gate.build_gate`).
    words : Words
    texts : mapping
        ``rules``, ``reasons`` and ``identifiers``: sentences about how the release was made.
    """
    return (
        _relief_section(tables, words),
        _curve_section(tables, words),
        _after_section(tables, words),
        *_treatment_section(tables, words),
        _numbers_section(tables, texts),
        Section("identifiers", "What was looked for", tuple(say(text) for text in texts["identifiers"])),
    )


def state_cells(words: Words) -> dict[str, Cell]:
    """Return the cells of the sentence on all patients: percents of the states, and the number."""
    found = {name: of_table(STATE, EVERYBODY, name, "percent") for name in words.states}
    return found | {"n": of_table(STATE, EVERYBODY, TOTAL, "patients")}


def of_table(name: str, row: str, column: str, what: str) -> Cell:
    """Return the cell of a published table: a percent as it stands, a number of patients with commas."""
    where = (("row", row), ("column", column))
    return Cell(f"{PREFIX}{name}", where, what, "plain" if what == "percent" else "count")


def say_states(tables: Tables, words: Words) -> Sentence | None:
    """Say what is on record of all patients on the primary day."""
    return bind(
        tables,
        f"Of about {{n}} patients, relief by day {words.day} is on record for {{relief}}{NBSP}%; "
        f"{{no_relief}}{NBSP}% were rated later without relief by then, and {{unknown}}{NBSP}% were not rated again.",
        state_cells(words),
        f"How many patients had relief by day {words.day} cannot be shown in full: {WHY_HIDDEN}.",
    )


def say_curve(tables: Tables, words: Words) -> Sentence | None:
    """Say the estimated share with relief by the primary day, where that day is published."""
    columns = {"value": "percent", "low": "low_percent", "high": "high_percent"}
    return bind(
        tables,
        f"Allowing for those who were not rated again, an estimated {{value}}{NBSP}% had relief by day {words.day} "
        f"({words.level} interval {{low}} to {{high}}{NBSP}%).",
        {name: cell(CURVE, column, "plain", group=EVERYBODY, day=words.day) for name, column in columns.items()},
    )


def say_median(tables: Tables) -> Sentence | None:
    """Say by which published day at least half have relief; "about half" where its interval reaches below."""
    when = cell(TIMES, "day", "plain", group=EVERYBODY, measure="median")
    try:
        where: dict[str, Scalar] = {"group": EVERYBODY, "day": int(float(look_up(tables, when)))}
        low, value = (
            float(look_up(tables, cell(CURVE, name, "plain", **where))) for name in ("low_percent", "percent")
        )
    except NotShowable:
        return None
    if low < HALF_PERCENT and value >= CLEARLY_PERCENT:
        return None  # neither "about half" nor "at least half" is what the estimate says
    half = "at least half" if low >= HALF_PERCENT else "about half"
    return bind(tables, f"By day {{day}} {half} of the patients had relief, by that estimate.", {"day": when})


def say_after(tables: Tables, words: Words) -> Sentence | None:
    """Say what is on record after relief."""
    found = {name: of_table(AFTER_RELIEF, EVERYBODY, name, "percent") for name in words.after}
    return bind(
        tables,
        f"Of about {{n}} patients with relief by day {words.day}, {{back}}{NBSP}% had pain back or returned within "
        f"{words.window} days, {{not_back}}{NBSP}% were followed as long without it, and {{too_early}}{NBSP}% have not "
        "been followed so long.",
        found | {"n": of_table(AFTER_RELIEF, EVERYBODY, TOTAL, "patients")},
        f"What came after relief cannot be shown in full: {WHY_HIDDEN}.",
    )


def _relief_section(tables: Tables, words: Words) -> Section:
    lead = [say_states(tables, words)]
    shown = {STATE: "All patients"} | dict(words.facts)
    blocks = [block for name, title in shown.items() for block in _draw_table(tables, name, title, words.states)]
    return Section("relief", f"Relief by day {words.day}", _some(lead), _explain_once(blocks))


def _explain_once(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Pictures one below the other, the first with what all have in common; what lies folded after them, together."""
    pictures = [block for block in blocks if not getattr(block, "folded", False)]
    explained = next((i for i, block in enumerate(pictures) if isinstance(block, FigureView)), 0)
    for i, block in enumerate(pictures[explained + 1 :], start=explained + 1):
        if isinstance(block, FigureView):
            pictures[i] = dataclasses.replace(block, caption=block.caption.replace(SHARES, "").strip())
    return (*pictures, *(block for block in blocks if getattr(block, "folded", False)))


def _draw_table(tables: Tables, name: str, title: str, columns: Mapping[str, str]) -> tuple[Block, ...]:
    """A picture of a published table and, folded, the table; that alone where no share can be drawn."""
    frame = tables.get(f"{PREFIX}{name}")
    if frame is None:
        return ()
    table = _table_view(frame, name, title, columns)
    bars = figures.read_bars(frame, tuple(columns), _row_words(frame))
    if not any(percent == percent for bar in bars for percent in bar.percents):
        return (dataclasses.replace(table, note="Too few patients for a share."),)
    return (_bars_view(name, title, bars, tuple(columns.values())), *fold([table]))


def _bars_view(name: str, title: str, bars: Sequence[figures.Bar], names: Sequence[str], csv: str = "") -> FigureView:
    def plot(shown: Sequence[figures.Bar], ax: Axes, narrow: bool) -> Axes:
        return figures.draw_bars(shown, ax, narrow, names)

    alt = " ".join(_say_bar(bar, names) for bar in bars)
    heights = (figures.height(len(bars), False), figures.height(len(bars), True))
    return draw(f"public-{name}", title, alt, SHARES, plot, bars, heights, csv or f"{PREFIX}{name}", True)


def _say_bar(bar: figures.Bar, names: Sequence[str]) -> str:
    *shown, patients = bar.right
    parts = ", ".join(f"{text.replace(' ', NBSP)} {name}" for text, name in zip(shown, names, strict=True))
    return f"{bar.label}, about {patients} patients: {parts}."


def _table_view(frame: pd.DataFrame, name: str, caption: str, columns: Mapping[str, str]) -> TableView:
    """A table of rounded numbers with the percent of the row beside each."""
    heads = number_columns("", columns.values())
    spoken = _row_words(frame)
    rows = []
    for row in dict.fromkeys(frame["row"]):
        part = frame[frame["row"] == row].set_index("column")
        shown = (
            _with_percent(part.loc[column, "patients"], read_percent(part.loc[column, "percent"])) for column in columns
        )
        rows.append((spoken[row], *shown, _with_mark(part.loc[TOTAL, "patients"])))
    view = f"{PREFIX}{name}"
    return TableView(view, caption, (*heads, Column("patients", numeric=True)), tuple(rows), "", view)


def _with_percent(patients: object, percent: float) -> str:
    shown = figures.number(patients)
    return f"{shown} ({percent:.0f}{NBSP}%)" if percent == percent else shown


def _with_mark(patients: object) -> str:
    """The patients of a row, as printed; marked where that is too few for its percents to rely on."""
    text = figures.number(patients)
    return f"{text}{NBSP}{MARK}" if text.isdigit() and 0 < int(text) < LEAST_N else text


def _row_words(frame: pd.DataFrame) -> dict[str, str]:
    return {row: "Together" if row == TOTAL else row_words(row) for row in dict.fromkeys(frame["row"])}


def _curve_section(tables: Tables, words: Words) -> Section:
    title, frame = "Time to relief", tables.get(CURVE)
    if frame is None:
        reason = "No curve of time to relief can be shown: it would rest on too few patients between two points."
        return Section("curve", title, (say(reason, "not estimable"),), (), "not estimable")
    lead = _some([say_curve(tables, words), say_median(tables)])
    return Section("curve", title, lead or (say(_CURVE_NOTE),), tuple(_curve_blocks(frame)))


_CURVE_NOTE = "The share of patients with relief by each day, estimated from the ratings before and after that day."


def _curve_blocks(frame: pd.DataFrame) -> list[Block]:
    found: list[Block] = []
    last = float(frame["day"].max())
    for name, title, part in (
        ("curve", "Share of all patients with relief by each day", frame[frame["group"] == EVERYBODY]),
        ("curve-duration", "The same by how long it had lasted before", frame[frame["group"] != EVERYBODY]),
    ):
        if part.empty:
            continue
        heights = (3.1, 3.3) if name == "curve" else (3.4, 3.6)
        caption = (
            "Only the points are published, each with its interval (upright line); straight lines join them. "
            "Estimated from the ratings before and after each day; those who stopped coming are taken to fare like "
            "those who stayed."
        )

        def plot(shown: pd.DataFrame, ax: Axes, narrow: bool) -> Axes:
            return figures.draw_curve(shown, ax, narrow, last)

        found.append(draw(f"public-{name}", title, _say_points(part), caption, plot, part, heights, CURVE))
    return [*found, *fold([_curve_table(frame)])]


def _say_points(part: pd.DataFrame) -> str:
    said = []
    for group in dict.fromkeys(part["group"]):
        points = part[part["group"] == group]
        shares = ", ".join(f"{p}{NBSP}% by day {d}" for d, p in zip(points["day"], points["percent"], strict=True))
        said.append(f"{row_words(group)}: {shares}.")
    return " ".join(said)


def _curve_table(frame: pd.DataFrame) -> TableView:
    heads = ("share", "interval", "new with relief", "still observed")
    rows = tuple(
        (
            row_words(str(row["group"])),
            f"{row['day']}",
            f"{row['percent']}{NBSP}%",
            f"{row['low_percent']} to {row['high_percent']}{NBSP}%",
            f"{row['new_events']:,}",
            f"{row['at_risk']:,}",
        )
        for row in frame.to_dict("records")
    )
    columns = number_columns("", ("by day", *heads))
    return TableView(CURVE, "The published points", columns, rows, "", CURVE)


def _after_section(tables: Tables, words: Words) -> Section:
    blocks = _draw_table(tables, AFTER_RELIEF, f"Patients with relief by day {words.day}", words.after)
    return Section("after", "After relief", _some([say_after(tables, words)]), blocks)


def _treatment_section(tables: Tables, words: Words) -> tuple[Section, ...]:
    given = {name: label for name, label in words.families.items() if f"{PREFIX}{name}" in tables}
    if not given:
        return ()
    bars: list[figures.Bar] = []
    views: list[TableView] = []
    for name, label in given.items():
        frame = tables[f"{PREFIX}{name}"]
        spoken = {GIVEN[0]: label, GIVEN[1]: "not on record"}
        given_bars = figures.read_bars(frame, tuple(words.states), spoken)
        bars += [dataclasses.replace(bar, is_second=bar.label == spoken[GIVEN[1]]) for bar in given_bars]
        views.append(_table_view(frame, name, label, words.states))
    lead = [
        say(
            "Whether each kind of treatment is on record at the first visit with any; a patient can have several. "
            + NO_COMPARISON
        ),
    ]
    title = f"First treatment and relief by day {words.day}"
    picture = _bars_view("families", title, bars, tuple(words.states.values()), f"{PREFIX}{next(iter(given))}")
    return (Section("treatment", "First treatment", _some(lead), (picture, *fold(views))),)


def _numbers_section(tables: Tables, texts: Mapping[str, Sequence[str]]) -> Section:
    cells = {name: Cell(GATE, (("table", TOTAL),), name, "plain") for name in ("hidden", "numbers")}
    are = agree(tables, cells["hidden"], "is", "are")
    lead = bind(tables, f"{{hidden}} of {{numbers}} numbers of patients {are} hidden.", cells)
    blocks: list[Block] = [Text(tuple(say(text) for text in texts["rules"]), "The rules")]
    if texts["reasons"]:
        blocks.append(Text(tuple(say(text) for text in texts["reasons"]), "What was done to these tables"))
    return Section("numbers", "How small numbers were handled", _some([lead]), tuple(blocks))


def _some(sentences: Sequence[Sentence | None]) -> tuple[Sentence, ...]:
    return tuple(sentence for sentence in sentences if sentence is not None)
