"""Columns of yes and no in an export of which nothing is known: each may be a treatment that was given or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from outcomes.definitions import Codebook
from outcomes.records.columns import column_letter, normalise_header, show_header
from outcomes.records.counted import counted
from outcomes.records.identifiers import find_header_kinds, is_free_text
from outcomes.records.inspect_values import count_yes, is_ticked

_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class TickedColumn:
    """A column of yes and no that no field takes.

    Attributes
    ----------
    header, letter : str
    is_known : bool
        Whether the codebook has a treatment for the words of the header.
    n_yes, n_looked_at : int
        Rows with a yes, of the rows that were looked at.
    words : tuple of str
        The words for yes and no as they stand in the cells.
    """

    header: str
    letter: str
    is_known: bool
    n_yes: int
    n_looked_at: int
    words: tuple[str, ...]

    @property
    def seen(self) -> str:
        """The evidence as words."""
        return f"yes in {self.n_yes:,} of {counted(self.n_looked_at, 'row')} looked at"


def find_ticked_columns(
    header: Sequence[str], cells: Sequence[Sequence[str]], taken: Collection[int], codebook: Codebook
) -> tuple[TickedColumn, ...]:
    """Return the columns of yes and no that are not read yet, in the order of the file.

    Parameters
    ----------
    header : sequence of str, length c
    cells : sequence of sequence of str, length c
        Some cells of each column, blank ones among them.
    taken : collection of int
        Positions that are a field, or a treatment already.
    codebook : Codebook
    """
    names = [normalise_header(name) for name in header]
    found = []
    for position, name in enumerate(header):
        alone = bool(names[position]) and names.count(names[position]) == 1
        if not alone or position in taken or not is_ticked(cells[position]):
            continue
        if is_free_text(name) or find_header_kinds(name)[0]:
            continue
        is_known = bool(codebook.find_modalities([name.strip()]).known[0])
        words = tuple(sorted({cell.strip() for cell in cells[position] if cell.strip()}))
        n = count_yes(cells[position])
        found.append(TickedColumn(name.strip(), column_letter(position), is_known, n, len(cells[position]), words))
    return tuple(found)


def hint_at_ticked(columns: Sequence[TickedColumn]) -> str:
    """Return what to do about columns of yes and no the codebook has no word for; empty where there are none."""
    unknown = [column for column in columns if not column.is_known]
    if not unknown:
        return ""
    shown = [f'"{show_header(column.header)}" ({column.letter}, {column.seen})' for column in unknown[:_MOST_NAMED]]
    more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    return (
        f"{counted(len(unknown), 'column')} of yes and no {'is' if len(unknown) == 1 else 'are'} not read, and the "
        f"codebook has no word for {'its header' if len(unknown) == 1 else 'their headers'}: {', '.join(shown)}{more}. "
        'Where one is a treatment, write below [modality_columns]: "its header" = "a word of the codebook"'
    )
