"""Families of treatments that can be told apart at the first treatment visit, and those that only stand as one.

In one model of all families, a family is judged by the episodes that had it without another, and the other way round.
Two that go together nearly always cannot be told apart by any model: they are one bundle, given where at least one of
them was. Two of which nearly every episode had exactly one cannot be compared with doing without.

With 30 episodes as the protocol's least for a comparison, and for families with and without at least so many:

==========  ======  ======  =======  ===========  =================================================================
n both      a only  b only  neither  they stand   because
==========  ======  ======  =======  ===========  =================================================================
200         40      60      300      apart        100 episodes had one and not the other
200         0       60      300      apart        60 had b alone; a is what it adds to b, b what it adds to nothing
200         10      15      300      as a bundle  25 had one and not the other, fewer than 30
4000        50      50      900      as a bundle  100 had, but the one tells the other: variance inflation 7.9
10          300     290     5        not at all   15 had both or neither: the one is the other's absence
20 (of 25)  5       280     295      not at all   fewer than 30 episodes had a; it takes part in no bundle
==========  ======  ======  =======  ===========  =================================================================

Variance inflation of a pair is ``1 / (1 - phi^2)``, with phi the correlation of the two columns; above 5 they are a
bundle, or, phi being below 0, each other's absence. Bundles are closed: with a and b, and b and c, in a bundle each,
all three are one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.questions.results import Flags, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions.codebook import Codebook

MOST_INFLATION = 5.0
"""Variance inflation above which a column is not told apart from others."""
PAIR_COLUMNS = (
    "family_a",
    "family_b",
    "label_a",
    "label_b",
    "n_both",
    "n_a_only",
    "n_b_only",
    "n_neither",
    "variance_inflation",
    "is_bundled",
)


@dataclass(frozen=True, slots=True)
class Given:
    """One family, or one bundle of them, at the first treatment visit of n episodes.

    Attributes
    ----------
    name : str
        Its families, joined by ``+``, in the codebook's order.
    label : str
        In words.
    families : tuple of str
    flags : ndarray of bool, shape (n,)
        Whether at least one of them was given.
    """

    name: str
    label: str
    families: tuple[str, ...]
    flags: Flags


@dataclass(frozen=True, slots=True)
class Pair:
    """How two families go together: numbers of episodes, and what follows."""

    a: int
    b: int
    n_both: int
    n_a_only: int
    n_b_only: int
    n_neither: int
    least: int

    @property
    def phi(self) -> float:
        """Correlation of the two columns; NaN where one of them does not vary."""
        both, a, b, neither = (float(v) for v in (self.n_both, self.n_a_only, self.n_b_only, self.n_neither))
        spread = (both + a) * (b + neither) * (both + b) * (a + neither)
        return (both * neither - a * b) / math.sqrt(spread) if spread > 0 else float("nan")

    @property
    def inflation(self) -> float:
        """Variance inflation of either column by the other; inf where one determines the other."""
        rest = 1.0 - self.phi**2
        # A correlation of 1 comes out a rounding below it.
        return math.inf if rest < 1e-12 else 1.0 / rest

    @property
    def is_bundle(self) -> bool:
        """Whether too few episodes had one and not the other."""
        return self.n_a_only + self.n_b_only < self.least or (self.phi > 0 and self.inflation > MOST_INFLATION)

    @property
    def is_either(self) -> bool:
        """Whether too few episodes had both or neither."""
        return self.n_both + self.n_neither < self.least or (self.phi < 0 and self.inflation > MOST_INFLATION)


def read_families(given: np.ndarray, codebook: Codebook) -> list[Given]:
    """Return what was given by families, in the codebook's order; `given` (n,) holds bit masks of modalities."""
    return [
        Given(
            family,
            codebook.label("family", family),
            (family,),
            (given & np.uint64(codebook.family_masks[family])) != 0,
        )
        for family in codebook.families
    ]


def varies(flags: Flags, least: int) -> bool:
    """Whether at least so many episodes had it, and had it not."""
    return min(int(flags.sum()), int((~flags).sum())) >= least


def count_pairs(given: Sequence[Given], least: int) -> list[Pair]:
    """Count how families go together, those that vary, pair by pair."""
    places = [i for i, item in enumerate(given) if varies(item.flags, least)]
    found = []
    for at, i in enumerate(places):
        for j in places[at + 1 :]:
            a, b = given[i].flags, given[j].flags
            both, a_only, b_only, neither = (int((x & y).sum()) for x, y in ((a, b), (a, ~b), (~a, b), (~a, ~b)))
            found.append(Pair(i, j, both, a_only, b_only, neither, least))
    return found


def join_bundles(given: Sequence[Given], pairs: Sequence[Pair]) -> list[Given]:
    """Put families that are not told apart into one; each stands where its first family stood.

    Parameters
    ----------
    given : sequence of Given
    pairs : sequence of Pair
        Of places in `given`.
    """
    root = list(range(len(given)))
    for pair in pairs:
        if pair.is_bundle:
            first, second = sorted((root[pair.a], root[pair.b]))
            root = [first if place == second else place for place in root]
    groups = {
        place: [item for item, at in zip(given, root, strict=True) if at == place] for place in dict.fromkeys(root)
    }
    return [items[0] if len(items) == 1 else _join(items) for items in groups.values()]


def _join(items: Sequence[Given]) -> Given:
    words = [items[0].label, *(item.label[0].lower() + item.label[1:] for item in items[1:])]
    label = f"{', '.join(words[:-1])} and {words[-1]} (seldom one without the other)"
    families = tuple(family for item in items for family in item.families)
    return Given("+".join(families), label, families, np.logical_or.reduce([item.flags for item in items]))


def tabulate_pairs(given: Sequence[Given], pairs: Sequence[Pair]) -> pd.DataFrame:
    """One row a pair of families that vary (`PAIR_COLUMNS`)."""
    import pandas as pd

    rows: list[tuple[Any, ...]] = [
        (
            given[p.a].name,
            given[p.b].name,
            given[p.a].label,
            given[p.b].label,
            p.n_both,
            p.n_a_only,
            p.n_b_only,
            p.n_neither,
            p.inflation,
            p.is_bundle,
        )
        for p in pairs
    ]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def find_inflation(columns: FloatArray, others: FloatArray) -> FloatArray:
    """Variance inflation of each column by all the rest together; inf where they determine it.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
        Those asked about.
    others : ndarray, shape (n, p)
        Further columns of the model; none of them determined by the others among them.
    """
    n, k = columns.shape
    basis = np.linalg.qr(np.column_stack([np.ones(n), others]))[0]
    rest = columns - basis @ (basis.T @ columns)
    spread = ((columns - columns.mean(axis=0)) ** 2).sum(axis=0)
    out = np.full(k, np.inf)
    for j in range(k):
        left = rest[:, j] - _project(rest[:, j], np.delete(rest, j, axis=1))
        own = float(left @ left)
        if own > 1e-10 * spread[j]:
            out[j] = spread[j] / own
    return out


def _project(column: FloatArray, others: FloatArray) -> FloatArray:
    """The part of a column that others give; they may depend on each other."""
    if not others.shape[1]:
        return np.zeros_like(column)
    found: FloatArray = others @ np.linalg.lstsq(others, column, rcond=1e-10)[0]
    return found
