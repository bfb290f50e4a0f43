"""Two scales in one column of ratings: asked about, for read on the wrong one a rating is ten times what it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.typed import ENOUGH_CELLS
from outcomes.errors import Finding

_LOW_SHARE = 0.95
_OUTSIDE_SHARE = 0.2
_HEAP_SHARE, _GAP_SHARE = 0.2, 0.25
_TEN, _TWENTY = 100, 200  # 10 and 20 of 100, as hundredths of a point on 0 to 10
_NOT_VAS = 'Take [pain] scale = "0-100" out of the mapping.'
_APART = "Export the two scales apart, each with a mapping of its own, or bring them to one scale in the clinic system."

Groups = tuple[list[str], NDArray[np.signedinteger]]
"""Names of clinics or files, and the place of each record's own among them."""


def find_scale_misfits(
    ratings: NDArray[np.int32],
    outside: NDArray[np.bool_],
    scale: str,
    groups: Sequence[Groups],
    place: str,
) -> list[Finding]:
    """Find signs that ratings were made on another scale than the declared one.

    Parameters
    ----------
    ratings : ndarray of int, shape (n,)
        Hundredths of a point on 0 to 10, as read on the declared scale; -1 where none could be read.
    outside : ndarray of bool, shape (n,)
        Cells beyond the declared scale.
    scale : {"0-10", "0-100"}
        As declared.
    groups : sequence of (names, codes)
        Clinics, and files: a name each, and which one each record belongs to, shape (n,); -1 for none.
    place : str
        For the message.
    """
    if scale == "0-10":
        # One clinic on 0 to 100 among others on 0 to 10: its small ratings would pass as severe ones.
        says, rated = "are outside the declared scale.", (ratings >= 0) | outside
        return [
            finding
            for group in groups
            for finding in _in_groups("E232", rated, outside, _OUTSIDE_SHARE, group, says, place, _APART)
        ]
    rated, is_low = ratings >= 0, (ratings >= 0) & (ratings <= _TEN)
    everybody = (["this column"], np.zeros(len(ratings), dtype=np.int8))
    for names_and_codes, remedy in ((everybody, _NOT_VAS), *((group, _APART) for group in groups)):
        says = "are 10 or less, but the declared scale is 0 to 100."
        if found := _in_groups("E234", rated, is_low, _LOW_SHARE, names_and_codes, says, place, remedy):
            return found
    return _two_heaps(ratings, place)


def _in_groups(
    code: str,
    rated: NDArray[np.bool_],
    odd: NDArray[np.bool_],
    share: float,
    group: Groups,
    says: str,
    place: str,
    remedy: str,
) -> list[Finding]:
    """Name the groups in which at least this share of the ratings is odd."""
    names, codes = group
    known = codes >= 0
    n_rated, n_odd = (np.bincount(codes[rows & known], minlength=len(names)).tolist() for rows in (rated, odd))
    return [
        Finding(code, f"{found / n:.0%} of {n} ratings of {name} {says}", place, remedy)
        for name, n, found in zip(names, n_rated, n_odd, strict=True)
        if n >= ENOUGH_CELLS and found >= share * n
    ]


def _two_heaps(ratings: NDArray[np.int32], place: str) -> list[Finding]:
    """Many ratings of 1 to 9 and next to none of 11 to 19: two scales, not one long tail."""
    rated = ratings[ratings >= 0]
    n_small = int(((rated > 0) & (rated < _TEN)).sum())
    n_next = int(((rated > _TEN) & (rated < _TWENTY)).sum())
    if len(rated) < ENOUGH_CELLS or n_small < _HEAP_SHARE * len(rated) or n_next > _GAP_SHARE * n_small:
        return []
    words = f"{n_small / len(rated):.0%} of {len(rated)} ratings are 1 to 9 and few are 11 to 19: two scales are mixed."
    return [Finding("E234", words, place, _APART)]
