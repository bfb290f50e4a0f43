"""Two scales in one column of ratings: asked about, for read on the wrong one a rating is ten times what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.typed import ENOUGH_CELLS
from outcomes.errors import Finding

_LOW_SHARE = 0.95
_OUTSIDE_SHARE = 0.2
_HEAP_SHARE, _GAP_SHARE = 0.2, 0.25
_TWO_HEAPS = "{share:.0%} of {n} ratings of {name} are 1 to 9 and few are 11 to 19: two scales are mixed."
_PARTS = "{share:.0%} of {n} ratings of {name} lie between 0 and 1 and few between 1 and 2: parts of 1, or percent?"
_FEWEST_PARTS = 3
"""So many different ratings between 0 and 1 are parts of 1; where 0.5 is written for "hardly any" there is one."""
_TEN, _TWENTY = 100, 200  # 10 and 20 of 100, as hundredths of a point on 0 to 10
_NOT_VAS = 'Take [pain] scale = "0-100" out of the mapping.'
_SHARES = 'If 0.7 stands for 7 of 10, or 70 %, declare [pain] scale = "0-1"; if ratings are so low, '
_KNOWN = 'write below [acknowledge]: warnings = ["E234"] and by = "your name".'
_APART = "Export the two scales apart, each with a mapping of its own, or bring them to one scale in the clinic system."


class Groups(NamedTuple):
    """Clinics, files or the like that may each have a scale of their own.

    Attributes
    ----------
    names : list of str
    codes : ndarray of int, shape (n,)
        Place of each record's own among them; -1 for none.
    least : int
        Ratings from which on a group is asked about.
    """

    names: list[str]
    codes: NDArray[np.signedinteger]
    least: int = ENOUGH_CELLS


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
    scale : {"0-10", "0-100", "0-1"}
        As declared.
    groups : sequence of Groups
    place : str
        For the message.
    """
    is_long = scale == "0-100"
    if not is_long:
        # One clinic on 0 to 100 among others on 0 to 10: its small ratings would pass as severe ones.
        says, rated = "are outside the declared scale.", (ratings >= 0) | outside
        found = [
            finding
            for group in groups
            for finding in _in_groups("E232", rated, outside, _OUTSIDE_SHARE, group, says, place, _APART)
        ]
        if found or scale == "0-1":
            return found
    everybody = Groups(["this column"], np.zeros(len(ratings), dtype=np.int8))
    rated, is_low = ratings >= 0, (ratings >= 0) & (ratings <= _TEN)
    for asked, remedy in ((everybody, _NOT_VAS), *((group, _APART) for group in groups)) if is_long else ():
        says = "are 10 or less, but the declared scale is 0 to 100."
        if found := _in_groups("E234", rated, is_low, _LOW_SHARE, asked, says, place, remedy):
            return found
    words, remedy = (_TWO_HEAPS, _APART) if is_long else (_PARTS, _SHARES + _KNOWN)
    if not is_long and len(np.unique(ratings[(ratings > 0) & (ratings < _TEN)])) < _FEWEST_PARTS:
        return []
    for group in groups:
        found = _two_heaps(ratings, group, words, place, remedy)
        if 0 < len(found) < len(group.names):
            return found  # these, and the others not
    return _two_heaps(ratings, everybody, words, place, remedy)


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
    names, codes, least = group
    known = codes >= 0
    n_rated, n_odd = (np.bincount(codes[rows & known], minlength=len(names)).tolist() for rows in (rated, odd))
    return [
        Finding(code, f"{found / n:.0%} of {n} ratings of {name} {says}", place, remedy)
        for name, n, found in zip(names, n_rated, n_odd, strict=True)
        if n >= least and found >= share * n
    ]


def _two_heaps(ratings: NDArray[np.int32], group: Groups, words: str, place: str, remedy: str) -> list[Finding]:
    """Name the groups with many ratings below a tenth of the scale and next to none above it: no one long tail."""
    names, codes, least = group
    known = codes >= 0
    is_small = (ratings > 0) & (ratings < _TEN)
    is_next = (ratings > _TEN) & (ratings < _TWENTY)
    counts = [np.bincount(codes[rows & known], minlength=len(names)) for rows in (ratings >= 0, is_small, is_next)]
    return [
        Finding("E234", words.format(share=small / n, n=n, name=name), place, remedy)
        for name, n, small, above in zip(names, *(found.tolist() for found in counts), strict=True)
        if n >= least and small >= _HEAP_SHARE * n and above <= _GAP_SHARE * small
    ]
