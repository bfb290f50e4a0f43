"""Who treated: the clinicians, or clinics, within whom a comparison of treatments is made.

A clinician is a code at one clinic (`cases.clinicians`). Habits of treating and skill go together, so that arms are
compared within those who treat. One who nearly always, or nearly never, gives a treatment says next to nothing about
it: hardly anybody of the same hands can stand beside. Such episodes are set aside, and counted.

=====================================================  ========================================================
a clinician with                                       is
=====================================================  ========================================================
20 episodes or more, 8 or more of them in each arm     a unit
20 episodes or more, fewer than 8 in one of the arms   set aside: nearly always, or nearly never
fewer, at least a tenth of them in each arm            one of the remaining clinicians of the clinic
fewer, and less than a tenth in one of the arms        set aside
no name recorded                                       one of the remaining clinicians of the clinic
=====================================================  ========================================================

The remaining clinicians of a clinic are one unit, if they have 8 episodes in each arm; those of all other clinics
together are one more; and where even that one has fewer, its episodes are set aside.

Beside the pools their clinicians' *habits* are adjusted for (`habits`), or their balance is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.questions.adjustment import Blocks
from outcomes.questions.covariates import OTHER, Factor
from outcomes.questions.habits import find_habits, habit_blocks, name_hands
from outcomes.questions.results import Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

OWN_UNIT_EPISODES = 20
LEAST_IN_UNIT = 8
"""Episodes of each arm: with fewer, one draw of patients in a few hundred has none of them."""
LEAST_SHARE = 0.1
"""Share of a small clinician's episodes in each arm: below, what a pool compares is one clinician with another."""


@dataclass(frozen=True, slots=True)
class Units:
    """Units of n episodes.

    Attributes
    ----------
    code : ndarray of int, shape (n,)
        Unit of each episode; -1 for those set aside.
    names : tuple of str
        Pseudonyms as in the export.
    always, never, too_few : int
        Episodes set aside: with the treatment, and without it, of clinicians who nearly always or nearly never give it;
        and those of a unit with too few of either.
    what : str
        ``clinician``, ``clinic`` or, where neither is recorded, empty: then all are one unit.
    n_treating, n_varying : int
        Clinicians (or clinics) by name before anything was set aside, and those of them within a unit. Clinicians of
        one code at several clinics count once: they may be one person.
    habit : ndarray, shape (n,)
        Of those pooled, log-odds of the treatment among the episodes of whoever treated, less the pool's mean; else 0.
    is_habit_told : bool
        Whether enough of those pooled were treated contrary to the habit for arms to be made alike in it.
    """

    code: IntArray
    names: tuple[str, ...]
    always: int
    never: int
    too_few: int
    what: str
    n_treating: int
    n_varying: int
    habit: FloatArray
    is_habit_told: bool

    @property
    def kept(self) -> Flags:
        """Episodes not set aside."""
        kept: Flags = self.code >= 0
        return kept

    def factor(self) -> Factor:
        """Return the units of the episodes kept as a factor."""
        code = self.code[self.kept]
        label = {"clinician": "Clinician", "clinic": "Clinic"}.get(self.what, "Unit")
        commonest = int(np.argmax(np.bincount(code, minlength=len(self.names)))) if code.size else 0
        return Factor("unit", label, self.names, self.names, code, commonest)

    def habit_blocks(self, arm: Flags) -> Blocks:
        """Return the habits of the episodes kept, whose arms are given, to adjust for or to judge."""
        return habit_blocks(self.habit[self.kept], self.is_habit_told, arm)

    def forget(self) -> Units:
        """Return one unit of all episodes kept, of whose hands nothing is known."""
        code = np.minimum(self.code, 0)
        return replace(self, code=code, names=("all",), habit=np.zeros(code.size), is_habit_told=False)


def find_units(episodes: Episodes, row: IntArray, arm: Flags) -> Units:
    """Sort episodes by who treated (rules: this module's docstring).

    Parameters
    ----------
    episodes : Episodes
    row : ndarray of int, shape (n,)
        Visit at which each was treated.
    arm : ndarray of bool, shape (n,)
    """
    columns, words = episodes.visits.columns, episodes.visits.words.codes
    clinic = columns["clinic"][row] if "clinic" in columns else np.full(row.size, MISSING)
    clinics = [str(word) for word in words.get("clinic", ())]
    if "clinician" not in columns:
        code, person = clinic.astype(np.intp), np.arange(len(clinics))
        return _sort(code, code, clinics, clinics, arm, "clinic" if clinics else "", person)
    found = episodes.visits.clinicians
    return _sort(found.code[row], clinic.astype(np.intp), list(found.names), clinics, arm, "clinician", found.number)


def _sort(
    who: IntArray,
    clinic: IntArray,
    who_names: list[str],
    clinic_names: list[str],
    arm: Flags,
    what: str,
    person: IntArray,
) -> Units:
    if not what:
        return Units(np.zeros(arm.size, dtype=np.intp), ("all",), 0, 0, 0, what, 1, 1, np.zeros(arm.size), False)
    n, with_it = _count(who, arm, len(who_names))
    rarer = np.minimum(n - with_it, with_it)
    is_own = (n >= OWN_UNIT_EPISODES) & (rarer >= LEAST_IN_UNIT)
    is_small = (n < OWN_UNIT_EPISODES) & (rarer >= np.maximum(1, LEAST_SHARE * n))
    # The last place is that of episodes without a name.
    is_own[-1], is_small[-1] = False, True
    names = [name for name, own in zip(who_names, is_own[:-1], strict=True) if own]
    place = np.full(is_own.size, MISSING)
    place[is_own] = np.arange(len(names))
    unit, names, few = _pool_rest(place[who], names, is_small[who], clinic, clinic_names, arm)
    aside = ~is_own[who] & ~is_small[who]
    always, never = int((aside & arm).sum()), int((aside & ~arm).sum())
    named, varying = (np.unique(person[who[part]]) for part in (who >= 0, (who >= 0) & (unit >= 0)))
    pool = np.where((unit >= 0) & ~is_own[who], unit, MISSING)
    habit, told = find_habits(name_hands(who, clinic, len(who_names)), pool, arm)
    return Units(unit, tuple(names), always, never, few, what, named.size, varying.size, habit, told)


def _count(code: IntArray, arm: Flags, size: int) -> tuple[IntArray, IntArray]:
    """Episodes and those in the arm by code, the code -1 counted in the last of ``size + 1`` places."""
    place = np.where(code < 0, size, code)
    n = np.bincount(place, minlength=size + 1)
    return n, np.bincount(place[arm], minlength=size + 1)


def _pool_rest(
    unit: IntArray, names: list[str], rest: Flags, clinic: IntArray, clinic_names: list[str], arm: Flags
) -> tuple[IntArray, list[str], int]:
    """Give the remaining clinicians of each clinic one unit, and all other clinics together one more."""
    size = len(clinic_names)
    n, with_it = _count(clinic[rest], arm[rest], size)
    enough = np.minimum(n - with_it, with_it) >= LEAST_IN_UNIT
    place = np.full(size + 1, MISSING)
    place[enough] = len(names) + np.arange(int(enough.sum()))
    labels = [*clinic_names, "not recorded"]
    names = [*names, *(f"others at {labels[i]}" for i in np.flatnonzero(enough))]
    unit = np.where(rest, place[clinic], unit)
    last = rest & (unit < 0)
    if min(int((last & arm).sum()), int((last & ~arm).sum())) >= LEAST_IN_UNIT:
        return np.where(last, len(names), unit), [*names, OTHER], 0
    return unit, names, int(last.sum())
