"""The page before it has a form: sections, sentences, tiles, tables and figures as plain frozen data.

`page.build_page` makes one `Page`; `render_html` and `render_pdf` both read it and nothing else, so that the two
documents cannot say different things. Every number in a sentence or a tile is a `Cell`: the name of a published
table, the row and the column it was taken from. A test (or a reader with the CSV files) can look each one up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Literal

Scalar = str | int | float | bool
TILES_NOTE = (
    "With its interval. Small lines: the last eight quarters, each on its own scale; a hollow dot has no value."
)
LONG_NAME = 24
"""Letters of a name of a row."""
MOST_CANNOT = 4
"""From more than so many on, refused questions lie folded below what cannot be said."""
Tag = Literal["descriptive", "adjusted association", "signal / no signal", "not estimable"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one number comes from.

    Attributes
    ----------
    table : str
        Name of the published table, without ``.csv``.
    where : tuple of (column, value)
        The row; must select exactly one.
    column : str
        The column the number stands in.
    show : str
        How it is written: a key of `sentences.FORMATS`.
    """

    table: str
    where: tuple[tuple[str, Scalar], ...]
    column: str
    show: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A format string, the cells its numbers come from, and the finished words.

    ``text == template.format(**{name: shown value of the cell})`` always; `sentences.bind` makes it so.
    """

    template: str
    cells: Mapping[str, Cell]
    text: str
    tag: Tag = "descriptive"
    mark: str = ""
    """Stands for the tag on the page where it says which of two the tag means (``signal``, ``no signal``)."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Tile:
    """One indicator of the chosen quarter.

    Attributes
    ----------
    label : str
        What is counted, in the owner's words.
    value, interval, basis : str
        As shown; `value` is empty when the quarter is immature or the number cannot be shown.
    state : str
        ``"shown"``, ``"immature"``, ``"few"`` where too few were there or were watched long enough, ``"hidden"``
        where a small number would be told, or ``"absent"`` where the export does not record what it rests on.
    reason : str
        Why there is no value; empty otherwise.
    verdict : str
        What the control chart says of it, in a few words; empty where it says nothing.
    signal : bool
        Whether that is a signal.
    spark : str
        SVG of the last eight quarters, empty if there is nothing to draw.
    spark_alt : str
        The same in words.
    cells : Mapping[str, Cell]
        Where `value`, `low` and `high` come from.
    """

    label: str
    value: str
    interval: str
    basis: str
    state: Literal["shown", "immature", "few", "hidden", "absent"]
    reason: str = ""
    verdict: str = ""
    signal: bool = False
    spark: str = ""
    spark_alt: str = ""
    cells: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a shown table: heading, alignment, and whether it heads its row."""

    heading: str
    numeric: bool = False
    row_header: bool = False


def number_columns(first: str, headings: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns of a table of numbers: the names of its rows, and one a heading."""
    return (Column(first, row_header=True), *(Column(heading, numeric=True) for heading in headings))


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as shown: finished strings, one tuple a row. `csv` names the files with the full numbers, by blanks.

    A `folded` one lies on the page behind a line that opens it, and is not on paper: a picture beside it says the same,
    or it is for who reruns the analysis.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    csv: str = ""
    folded: bool = False
    kind: Literal["table"] = "table"

    def has_long_names(self) -> bool:
        """Whether names of rows are too long to stand beside the rest on a phone: beside two numbers they can."""
        first, *others = self.columns
        is_broad = len(others) > 2 or (len(others) == 2 and not all(column.numeric for column in others))
        return is_broad and first.row_header and any(len(row[0]) > LONG_NAME for row in self.rows)


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure as shown. `wide` and `narrow` are SVG texts of the same data; `alt` states the finding.

    `folded` as for a table: the further pictures of a set of which the first is shown.
    """

    id: str
    title: str
    alt: str
    caption: str
    wide: str
    narrow: str
    csv: str = ""
    folded: bool = False
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True, slots=True)
class Text:
    """Sentences between or after tables and figures, under a small heading; `folded` as for a table.

    Of many the page opens the first `opens`, and the others lie folded below them; 0 opens all.
    """

    sentences: tuple[Sentence, ...]
    title: str
    folded: bool = False
    opens: int = 0
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Part:
    """A question inside a section: its title and its sentences, followed by its own tables and figures."""

    title: str
    sentences: tuple[Sentence, ...]
    kind: Literal["part"] = "part"


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and what they mean."""

    pairs: tuple[tuple[str, str], ...]
    kind: Literal["terms"] = "terms"


Block = TableView | FigureView | Text | Part | Terms


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page. A section that could not be computed has only its lead: the reason."""

    id: str
    title: str
    lead: tuple[Sentence, ...]
    blocks: tuple[Block, ...] = ()
    tag: Tag = "descriptive"

    def sentences(self) -> tuple[Sentence, ...]:
        """Every sentence of the part, in reading order."""
        told = (block.sentences for block in self.blocks if isinstance(block, Text | Part))
        return (*self.lead, *chain.from_iterable(told))

    def runs(self) -> tuple[tuple[bool, tuple[Block, ...]], ...]:
        """The blocks in order, those that lie folded one after another together: (folded, blocks)."""
        found = groupby(self.blocks, key=lambda block: getattr(block, "folded", False))
        return tuple((folded, tuple(blocks)) for folded, blocks in found)


@dataclass(frozen=True, slots=True)
class Link:
    """A file of the same release, by its relative address."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything both documents show, in order."""

    title: str
    kicker: str
    quarter: str
    facts: tuple[str, ...]
    summary: tuple[Sentence, ...]
    tiles: tuple[Tile, ...]
    look_into: tuple[Sentence, ...]
    cannot_say: tuple[Sentence, ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
    links: tuple[Link, ...] = ()
    tiles_note: str = TILES_NOTE
    look_title: str = "What to look into"
    csv_words: str = "Full numbers"
    mark: str = ""
    """Who the page is for, where that is not everybody; on the first screen and on every sheet of paper."""
    lang: str = "en"

    def refused(self) -> tuple[Sentence, ...]:
        """Questions refused among what cannot be said that stand in their sections too; none where the list is short.

        What is said of the quarter itself, and what every reader must know, stands nowhere else.
        """
        below = {sentence.text for section in self.sections for sentence in section.sentences()}
        found = tuple(said for said in self.cannot_say if said.tag == "not estimable" and said.text in below)
        return found if len(self.cannot_say) > MOST_CANNOT and len(found) > 1 else ()

    def figures(self) -> list[FigureView]:
        """Every picture of the page, in reading order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, FigureView)]

    def sentences(self) -> tuple[Sentence, ...]:
        """Every sentence of the page, in reading order."""
        out = [*self.summary, *self.look_into, *self.cannot_say]
        for section in self.sections:
            out.extend(section.sentences())
        return tuple(out)
