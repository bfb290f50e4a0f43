"""A second look at a release that is proved: what the attack can narrow down, as the numbers they are.

Proof and attack share no line, and where they think of other things the stricter holds: what the attack names is hidden
further, and proved again. A number that an earlier release printed and that is hidden now is known from there, whatever
is done; the attack names it, and it is left out where no more is known than that printing told.
"""

from __future__ import annotations

from collections.abc import Sequence

from outcomes.release.public.attack import attack
from outcomes.release.public.attack_releases import was_told
from outcomes.release.public.earlier import EarlierRelease
from outcomes.release.public.labels import name_source
from outcomes.release.public.model import Attacked, PublicRules, ShownCurve, ShownTable
from outcomes.release.public.numbers import Key
from outcomes.release.public.published import Published

ATTACKED_EARLIER = 3
"""Earlier releases that are attacked together with a new one."""
TOTAL = "total"
Tables = Sequence[ShownTable]


def find_broken(
    tables: Tables,
    curves: Sequence[ShownCurve],
    printed: Sequence[Tables],
    rules: PublicRules,
    most: int | None = ATTACKED_EARLIER,
) -> list[Attacked]:
    """Return what the attack finds too narrow in a release and those printed before it, oldest first.

    Parameters
    ----------
    tables, curves
        Of the newest release.
    printed : sequence of sequences of ShownTable
    rules : PublicRules
    most : int or None
        As in `attack.attack`.
    """
    found = attack(tables, curves, printed, rules, most=most)
    return [one for one in found if not one.enough and not _was_told(one, (*printed, tables), rules)]


def _was_told(item: Attacked, releases: Sequence[Tables], rules: PublicRules) -> bool:
    """Whether a release before that of the number told as much, under the same definitions, by printing it."""
    *older, own = releases[: len(releases) - item.release]
    decided = _list_definitions(own)
    return was_told(item, own, [one for one in older if _list_definitions(one) == decided], rules)


def _list_definitions(tables: Tables) -> set[str]:
    return {table.cohort.definition for table in tables}


def name_broken(
    broken: Sequence[Attacked], published: Published, earlier: Sequence[EarlierRelease], printed: Sequence[Tables]
) -> list[Key]:
    """Return the numbers that an attack names; of the points of curves, none.

    Parameters
    ----------
    broken : sequence of Attacked
    published : Published
        The newest release.
    earlier : sequence of EarlierRelease
        Those before it, oldest first.
    printed : sequence of sequences of ShownTable
        What each of them printed.
    """
    names = [_list_names(published)]
    names += [_list_earlier(*pair) for pair in zip(reversed(earlier), reversed(printed), strict=True)]
    found = [names[one.release].get((one.table, one.cell)) for one in broken]
    return [key for key in found if key is not None]


def _list_names(published: Published) -> dict[tuple[str, str], Key]:
    """The numbers of the newest release, as the attack names them."""
    keys = published.numbers.keys
    found: dict[tuple[str, str], Key] = {}
    for place in published.numbers.places:
        table = place.table
        lines = [*zip(table.rows, place.cells, place.rows, strict=True), (TOTAL, place.columns, place.total)]
        for row, cells, total in lines:
            for column, i in zip((*table.columns, TOTAL), (*cells.tolist(), total), strict=True):
                found[table.name, f"{row} / {column}"] = keys[i]
    return found


def _list_earlier(release: EarlierRelease, printed: Tables) -> dict[tuple[str, str], Key]:
    """The cells of an earlier release, and the totals of their rows."""
    keys = set(release.published.numbers.keys)
    found = {
        (table.name, f"{row} / {column or TOTAL}"): Key(table.cohort.name, table.name, name_source(rows), column)
        for table in printed
        for row, rows in zip(table.rows, release.sources[table.name], strict=True)
        for column in (*table.columns, "")
    }
    return {name: key for name, key in found.items() if key in keys}
