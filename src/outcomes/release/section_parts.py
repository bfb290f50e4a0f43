"""What the sections are put together from: drawn figures, refusals, alternative texts, notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from outcomes.release import figures, views
from outcomes.release.model import FigureView, Section, Sentence, TableView, Text
from outcomes.release.sentences import Tables, bind, cell, interval_words, say
from outcomes.release.svg import to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, NARROW = 7.2, 3.7
MOST_NOTES = 8


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
    """
    from outcomes.release.quick_figure import QuickFigure

    drawn = []
    for narrow, width, height in ((False, WIDE, heights[0]), (True, NARROW, heights[1])):
        with figures.style():
            figure = QuickFigure(figsize=(width, height), layout=None if panels else "constrained")
            ax = figure.add_axes((0, 0, 1, 1)) if panels else figure.subplots()
            plot(result, ax=ax, narrow=narrow)
            drawn.append(to_svg(figure, f"{id}-{'narrow' if narrow else 'wide'}"))
    return FigureView(f"figure-{id}", title, alt, caption, drawn[0], drawn[1], csv)


def fold(views: Iterable[FigureView | TableView]) -> tuple[FigureView | TableView, ...]:
    """The same tables and figures, folded: for who wants the detail, and not on paper."""
    return tuple(dataclasses.replace(view, folded=True) for view in views)


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


def list_notes(*results: Any, most: int = MOST_NOTES) -> tuple[Text, ...]:
    """What the questions themselves say about their limits, each sentence once."""
    notes = list(dict.fromkeys(note for result in results for note in result.notes))
    if len(notes) > most:
        notes[most:] = [f"And {len(notes) - most} more of the same kind."]
    return (Text(tuple(say(note) for note in notes), "What limits these numbers"),) if notes else ()


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


def other_definitions(tables: Tables, name: str, caption: str, share: str) -> tuple[TableView, ...]:
    """The table of other definitions, where there is one; it always stands beside the figure it moves."""
    return (views.definitions_table(tables, name, caption, share),) if name in tables else ()


def draw_curve(
    tables: Tables, id: str, title: str, alt: str, plot: Callable[..., Axes], result: Any, csv: str, more: str = ""
) -> tuple[FigureView, ...]:
    """Draw a curve; nothing where no day of it after the first can be shown."""
    later = result.curve.loc[result.curve["day"] >= 1, "estimate"].tolist()
    if not any(isinstance(value, float) and value == value for value in later):
        return ()
    caption = f"Tinted: {interval_words(tables)} at each day. {more}Number observed: {figures.AT_RISK_CONVENTION}."
    return (draw(id, title, alt, caption, plot, result, (2.9, 3.2), csv),)
