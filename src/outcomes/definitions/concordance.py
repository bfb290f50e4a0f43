"""Whether the muscle that was treated is the muscle that was found in spasm.

The rule in prose. A visit has a set I of identified and a set T of treated muscles, each with a side. A pair of one
identified and one treated muscle is at the highest of these levels that holds:

=============  =======================================================================================
exact          the same muscle on the same side; a missing side or both sides match any side
group          the same muscle group
umbrella       one names a collective of which the other is a part (trapezius, upper trapezius)
adjacent       neighbouring groups
same_region    a region of the trunk in common, or any of the above on opposite sides
none           nothing of these; known mismatches are always here
=============  =======================================================================================

A visit is at the best level over its pairs. Entries that name no muscle ("back") form no pair: with nothing at least
adjacent beside them the visit is ``unspecific``. The deciding sentence: *a visit is never called discordant because
something was written vaguely or not at all* - an empty I or T is ``unknown``, a class of its own.

Worked table, right answers by hand (ES erector spinae, QL quadratus lumborum):

===========================  ==========================  ===========  ==============
identified                   treated                     level        mismatch only
===========================  ==========================  ===========  ==============
QL:L                         QL:L                        exact        no
QL:L                         QL                          exact        no
QL:L                         QL:R                        same_region  no
longissimus:L                iliocostalis:L              group        no
longissimus:L                iliocostalis:R              same_region  no
upper trapezius:R            trapezius:R                 umbrella     no
multifidus:B                 QL:R                        adjacent     no
upper trapezius              scalenes                    same_region  no
QL                           psoas                       same_region  no
ES                           hamstrings                  none         yes
ES;QL                        hamstrings;QL               exact        no
ES                           hamstrings;latissimus       adjacent     yes
piriformis                   calf                        none         no
back muscles                 QL                          unspecific   no
QL                           hamstrings;back             unspecific   no
QL;back                      QL                          exact        no
(empty)                      QL                          unknown      no
QL                           (empty)                     unknown      no
===========================  ==========================  ===========  ==============

Concordant by default is `exact`, `group` or `umbrella`; strict is `exact` alone; lenient adds `adjacent`. Examiners
agree only moderately on muscle findings (pooled kappa 0.45 for trigger points), so every level contains errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from outcomes.definitions.codebook import UNSPECIFIED_GROUP, Codebook
from outcomes.definitions.words import REGIONS

Masks = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

CONCORDANCE_LEVELS = ("unknown", "unspecific", "none", "same_region", "adjacent", "umbrella", "group", "exact")
"""What `Concordance.level` indexes; from ``none`` on a higher index is a closer match."""

UNKNOWN, UNSPECIFIC, NONE, SAME_REGION, ADJACENT, UMBRELLA, GROUP, EXACT = range(len(CONCORDANCE_LEVELS))
"""The level from which a visit is concordant is `UMBRELLA` by default, `EXACT` strict, `ADJACENT` lenient."""


@dataclass(frozen=True, slots=True)
class Concordance:
    """Level of each visit and whether it shows a known mismatch with nothing concordant beside it.

    Attributes
    ----------
    level : int8 array (n,)
        Index into `CONCORDANCE_LEVELS`.
    known_mismatch_only : bool array (n,)
        A known mismatch (hamstrings treated, erector spinae found) and no pair at umbrella or above; never set for an
        unspecific or unknown visit.
    """

    level: npt.NDArray[np.int8]
    known_mismatch_only: Flags


def compute_concordance(
    codebook: Codebook, identified_left: Masks, identified_right: Masks, treated_left: Masks, treated_right: Masks
) -> Concordance:
    """Return the concordance of n visits from muscle masks, as ``Codebook.find_muscles`` gives them.

    A muscle of unknown side is set in both masks and so matches any side.

    Parameters
    ----------
    codebook : Codebook
        Gives groups, relations and regions.
    identified_left, identified_right, treated_left, treated_right : uint64 array (n,)
        Bit i is ``codebook.muscle_ids[i]``.

    Returns
    -------
    Concordance
        Two arrays of shape (n,).
    """
    masks = (identified_left, identified_right, treated_left, treated_right)
    i_left, i_right, t_left, t_right = (np.asarray(each, dtype=np.uint64) for each in masks)
    vague = np.uint64(codebook.unspecified_mask)
    i_any, t_any = i_left | i_right, t_left | t_right
    level = np.full(len(i_left), NONE, dtype=np.int8)
    # upwards, so that a closer level overwrites a wider one
    for rank in (SAME_REGION, ADJACENT, UMBRELLA, GROUP, EXACT):
        reach = _reach_tables(codebook, _AT_LEAST[rank])
        if rank == SAME_REGION:
            hit = (_reached(reach, i_any) & t_any) != 0
        else:
            hit = ((_reached(reach, i_left) & t_left) | (_reached(reach, i_right) & t_right)) != 0
        level[hit] = rank
    level[(((i_any | t_any) & vague) != 0) & (level < ADJACENT)] = UNSPECIFIC
    level[(i_any == 0) | (t_any == 0)] = UNKNOWN
    mismatch = (_reached(_reach_tables(codebook, _is_mismatch), i_any) & t_any) != 0
    return Concordance(level, mismatch & (level >= NONE) & (level < UMBRELLA))


def _is_same(codebook: Codebook, a: str, b: str) -> bool:
    return a == b


def _is_group(codebook: Codebook, a: str, b: str) -> bool:
    return codebook.muscle_group[a] == codebook.muscle_group[b]


def _relation(codebook: Codebook, a: str, b: str) -> str:
    return codebook.group_relations.get((codebook.muscle_group[a], codebook.muscle_group[b]), "")


def _is_umbrella(codebook: Codebook, a: str, b: str) -> bool:
    return _relation(codebook, a, b) == "umbrella"


def _is_adjacent(codebook: Codebook, a: str, b: str) -> bool:
    return _relation(codebook, a, b) == "adjacent"


def _is_mismatch(codebook: Codebook, a: str, b: str) -> bool:
    return _relation(codebook, a, b) == "known_mismatch"


def _is_near(codebook: Codebook, a: str, b: str) -> bool:
    """Return whether two muscles, on whatever side, share a region of the trunk or are closer than that."""
    if _is_mismatch(codebook, a, b):
        return False
    shared = set(codebook.muscle_regions[a]) & set(codebook.muscle_regions[b]) & set(REGIONS)
    related = _relation(codebook, a, b) in ("same_region", "adjacent", "umbrella")
    return bool(shared) or related or _is_group(codebook, a, b)


Test = Callable[[Codebook, str, str], bool]
_AT_LEAST: dict[int, Test] = {
    SAME_REGION: _is_near,
    ADJACENT: _is_adjacent,
    UMBRELLA: _is_umbrella,
    GROUP: _is_group,
    EXACT: _is_same,
}


def _reach_tables(codebook: Codebook, test: Test) -> Masks:
    """Return masks of shape (8, 256): what byte k of a set reaches for each value of that byte.

    Entries that name no muscle reach nothing and are not reached.
    """
    named = {
        bit: name for bit, name in enumerate(codebook.muscle_ids) if codebook.muscle_group[name] != UNSPECIFIED_GROUP
    }
    tables = np.zeros((8, 256), dtype=np.uint64)
    values = np.arange(256)
    for bit, name in named.items():
        near = sum(1 << other for other, target in named.items() if test(codebook, name, target))
        tables[bit // 8, (values >> (bit % 8) & 1) == 1] |= np.uint64(near)
    return tables


def _reached(tables: Masks, sets: Masks) -> Masks:
    """Return the union of what the muscles of each set reach, one look-up a byte."""
    out = np.zeros(len(sets), dtype=np.uint64)
    for byte in range(8):
        if tables[byte].any():
            out |= tables[byte][(sets >> np.uint64(8 * byte)) & np.uint64(255)]
    return out
