"""What the sections are put together from: drawn figures, refusals, alternative texts, notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from outcomes.release import figures, views
from outcomes.release.marks import HIDDEN
from outcomes.release.model import FigureView, Section, Sentence, TableView, Text
from outcomes.release.sentences import Tables, bind, cell, interval_words, say
from outcomes.release.svg import to_svg
from outcomes.release.tables import to_numbers
from outcomes.release.unstable import FOOTNOTE, MARK
from outcomes.release.words import lower_first

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 7.2, 3.7
CUT_AXIS = {False: "The axis does not start at 0.", True: "Axes fit the values and do not all start at 0."}
"""By whether the picture has panels."""
OPEN_NOTES = 2
"""How many notes of a part stand open on the page; the others lie folded below them, and nothing is lost."""
LEAST_TYPE = 8.3
"""Smallest letters of a wide drawing: where it is smallest on paper (155 of 183 mm) no less than 7 points."""
NO_VALUE = ("", views.DASH, HIDDEN, "too early")
COUNTED = (
    *("Episodes", "Relieved episodes", "Patients", "Returns", "Visits", "Number", "Of", "On record"),
    *("Relief recorded", "Returns recorded", "Seen relieved", "Known to have", "Levels compared"),
    *("Within days", "Episodes, with / without"),
)
"""Headings of columns that say how many there were, not how they fared."""


def draw(
    id: str,
    title: str,
    alt: str,
    caption: str,
    plot: Callable[..., Axes],
    result: Any,
    heights: tuple[float, float],
    csv: str,
    panels: bool = False,
    on_paper: bool = True,
) -> FigureView:
    """Draw a figure twice, for a page and for a phone.

    Parameters
    ----------
    plot : callable
        A function of `figures`: ``plot(result, ax=..., narrow=...)``.
    heights : (float, float)
        Inches of the wide and the narrow drawing.
    panels : bool
        Whether the figure places its own panels and needs the whole area.
    on_paper : bool
        Whether the PDF may have it, for which small letters are enlarged.
    """
    from outcomes.release.quick_figure import QuickFigure

    drawn, is_cut = [], False
    for narrow, width, height in ((False, WIDE, heights[0]), (True, NARROW, heights[1])):
        with figures.style():
            figure = QuickFigure(figsize=(width, height), layout=None if panels else "constrained")
            ax = figure.add_axes((0, 0, 1, 1)) if panels else figure.subplots()
            plot(result, ax=ax, narrow=narrow)
            is_cut = is_cut or has_cut_axis(figure)
            if on_paper and not narrow:
                enlarge_type(figure, LEAST_TYPE)
            drawn.append(to_svg(figure, f"{id}-{'narrow' if narrow else 'wide'}"))
    said = f"{caption} {CUT_AXIS[panels]}" if is_cut else caption
    return FigureView(f"figure-{id}", title, alt, said, drawn[0], drawn[1], csv)


def has_cut_axis(figure: Figure) -> bool:
    """Whether an axis of shares does not start at 0, so that differences look larger than they are."""
    for ax in (found for found in _axes_of(figure) if found.axison):
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            if 0 < low < high and str(axis.get_major_formatter()(low, 0)).endswith("%"):
                return True
    return False


def enlarge_type(figure: Figure, least: float) -> None:
    """Set every text of a figure that is smaller to `least` points; labels of ticks still to be made, too."""
    from matplotlib.text import Text as Words

    for ax in _axes_of(figure):
        for axis in (ax.xaxis, ax.yaxis):
            if float(axis.get_tick_params().get("labelsize", least)) < least:
                axis.set_tick_params(labelsize=least)
    for words in figure.findobj(Words):
        words.set_fontsize(max(words.get_fontsize(), least))


def _axes_of(figure: Figure) -> list[Axes]:
    """Axes of a figure, and those set into others; `findobj` would make every tick of every axis to look into it."""
    found: list[Any] = list(figure.axes)
    for ax in found:  # which grows meanwhile
        found += ax.child_axes
    return found


def fold(views: Iterable[FigureView | TableView]) -> tuple[FigureView | TableView, ...]:
    """The same tables and figures, folded: for who wants the detail, and not on paper."""
    return tuple(dataclasses.replace(view, folded=True) for view in views)


def is_blank(view: TableView) -> bool:
    """Whether a table has rows and none of them has a value; counts of what there is (`COUNTED`) are none."""
    told = [i for i, column in enumerate(view.columns) if not column.row_header and column.heading not in COUNTED]
    cells = [row[i] for row in view.rows for i in told]
    return bool(cells) and all(_is_no_value(text) for text in cells)


def _is_no_value(text: str) -> bool:
    return text.startswith("not estimable") or all(
        part in NO_VALUE or part.startswith("<") for part in text.split(" / ")
    )


def drop_blank(section: Section) -> Section:
    """Say in one sentence which tables have no value, in place of tables of dashes; the files hold their lines."""
    blank = [block for block in section.blocks if isinstance(block, TableView) and is_blank(block)]
    if not blank:
        return section
    kept = tuple(block for block in section.blocks if block not in blank)
    names = [f"{lower_first(block.caption.removesuffix('?'))} (tables/{block.csv.split()[0]}.csv)" for block in blank]
    said = say(f"Too few to show a number of it, or too early: {'; '.join(names)}.", "not estimable")
    return dataclasses.replace(section, blocks=(*kept, Text((said,), "Left out here")))


def files_of(tables: Tables, *names: str) -> str:
    """The published files behind a figure or table: those of the names that there are."""
    return " ".join(name for name in names if name in tables)


def refused(id: str, title: str, reason: str) -> Section:
    """A section that says why its question was refused."""
    return Section(id, title, (say(reason, "not estimable"),), (), "not estimable")


def horizon_cells(name: str, day: int) -> dict[str, Any]:
    """Cells of a share at a day: value, limits and number."""
    where = {"horizon_days": day}
    return {
        "value": cell(name, "estimate", "percent", **where),
        "n": cell(name, "n", "count", **where),
        "low": cell(name, "conf_low", "points", **where),
        "high": cell(name, "conf_high", "points", **where),
    }


def join_alt(*sentences: Sentence | None, empty: str = "No value can be shown.") -> str:
    """Sentences that state the finding of a figure, as its alternative text."""
    return " ".join(sentence.text for sentence in sentences if sentence is not None) or empty


def list_notes(*results: Any) -> tuple[Text, ...]:
    """What the questions themselves say about their limits, each sentence once, the most important first."""
    notes = tuple(say(note) for note in dict.fromkeys(note for result in results for note in result.notes))
    return (Text(notes, "What limits these numbers", opens=OPEN_NOTES),) if notes else ()


def some(sentence: Sentence | None) -> tuple[Sentence, ...]:
    """The sentence as a tuple, or nothing."""
    return () if sentence is None else (sentence,)


def say_range(tables: Tables, name: str, ends: Mapping[str, Mapping[str, Any]], words: str) -> Sentence | None:
    """Say how far other definitions move a share; nothing where one of them cannot be shown.

    Parameters
    ----------
    name : str
        The table with the shares.
    ends : mapping
        The row (column to value) of each name in `words`.
    """
    if name not in tables:
        return None
    return bind(tables, words, {key: cell(name, "estimate", "percent", **where) for key, where in ends.items()})


def explain_dashes(view: TableView, why: str) -> TableView:
    """Return a table whose note says why there are dashes in place of its shares; the table itself without any."""
    shares = [i for i, column in enumerate(view.columns) if not column.heading.endswith("interval")]
    if not any(row[i] == views.DASH for row in view.rows for i in shares):
        return view
    return dataclasses.replace(view, note=" ".join(filter(None, (view.note, f"A dash: {why}."))))


def explain_marks(section: Section) -> Section:
    """Say under each table with the mark of unstable estimates what it means."""
    blocks = tuple(
        dataclasses.replace(block, note=" ".join(filter(None, (block.note, FOOTNOTE))))
        if isinstance(block, TableView) and any(MARK in text for row in block.rows for text in row)
        else block
        for block in section.blocks
    )
    return dataclasses.replace(section, blocks=blocks)


def other_definitions(tables: Tables, name: str, caption: str, share: str) -> tuple[TableView, ...]:
    """The table of other definitions, where there is one; it always stands beside the figure it moves."""
    if name not in tables:
        return ()
    few = "too few were left to watch by then"
    return (explain_dashes(views.definitions_table(tables, name, caption, share), few),)


def draw_curve(
    tables: Tables, id: str, title: str, alt: str, plot: Callable[..., Axes], result: Any, csv: str, more: str = ""
) -> tuple[FigureView, ...]:
    """Draw a curve; nothing where fewer than two days of it after the first can be shown: a dot is no line."""
    later = result.curve.loc[result.curve["day"] >= 1, "estimate"].tolist()
    if sum(isinstance(value, float) and value == value for value in later) < 2:
        return ()
    width = to_numbers(result.curve["conf_high"]) - to_numbers(result.curve["conf_low"])
    tint = f"Tinted: {interval_words(tables)} at each day. " if (width > 0).any() else ""
    caption = f"{tint}{more}Number observed: {figures.AT_RISK_CONVENTION}."
    return (draw(id, title, alt, caption, plot, result, (2.9, 3.2), csv),)
