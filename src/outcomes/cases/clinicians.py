"""Who is one clinician: a code at a clinic.

Many practices number their clinicians 1, 2, 3 in each clinic. Where a code stands at two clinics, nothing in the
records tells one person who works at both from two people who share a number, and the two mistakes weigh differently:

======================  ============================================================================================
taken for one, are two  what differs between the clinics, skill and habits of treating, stands within one clinician,
                        where comparisons look for what a treatment goes with: a difference out of nothing
taken for two, is one   fewer episodes of each: less can be told, and nothing is moved as long as those with few
                        episodes are compared with themselves too (`questions.habits`)
======================  ============================================================================================

So wherever clinicians are levels, units or groups, a clinician is a code at one clinic:

- a code seen at one clinic keeps its name, and visits that name no clinic are of that clinic;
- a code seen at several is one clinician at each, ``1 at C02``; visits that name none are ``1 at no clinic named``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING, first_known
from outcomes.cases.summary import count_early

if TYPE_CHECKING:
    from outcomes.cases.course import Rows
    from outcomes.cases.episodes import Episodes
    from outcomes.cases.visits import Visits

NO_CLINIC = "no clinic named"


@dataclass(frozen=True, slots=True)
class Clinicians:
    """The clinicians of an export.

    Attributes
    ----------
    names : tuple of str
        Of each clinician, in the order of the codes and then of the clinics.
    clinic : ndarray of int, shape (clinicians,)
        Code of the clinic of each; -1 where none is named.
    number : ndarray of int, shape (clinicians,)
        Which code of the export each has: those of one number may be one person.
    code : ndarray of int, shape (visits,)
        Clinician of each visit, as a place in `names`; -1 for none.
    n_codes, n_shared : int
        Codes in the export, and those of them seen at more than one clinic.
    """

    names: tuple[str, ...]
    clinic: Rows
    number: Rows
    code: Rows
    n_codes: int
    n_shared: int

    def at_episodes(self, episodes: Episodes) -> Rows:
        """Return the clinician of each episode's first visit, shape (episodes,): the first named in its first days."""
        early = count_early(episodes.course, episodes.starts, episodes.sizes, episodes.protocol)
        return first_known(self.code, episodes.starts, early)


def find_clinicians(visits: Visits) -> Clinicians:
    """Tell the clinicians of an export apart (rules: this module's docstring).

    Parameters
    ----------
    visits : Visits
        Of an export that records clinicians.
    """
    words = [str(word) for word in visits.words.codes["clinician"]]
    clinics = [*(str(word) for word in visits.words.codes.get("clinic", ())), NO_CLINIC]
    who = visits.columns["clinician"].astype(np.intp)
    clinic = visits.columns.get("clinic", np.full(who.size, MISSING)).astype(np.intp)
    # The last place of either is that of visits without one.
    seen = np.zeros((len(words) + 1, len(clinics)), dtype=np.bool_)
    seen[who, clinic] = True
    seen = seen[:-1]
    n_clinics = seen[:, :-1].sum(axis=1)
    home = np.where(n_clinics == 1, seen.argmax(axis=1), MISSING)
    seen[n_clinics == 1, -1] = False
    place = np.full((len(words) + 1, len(clinics)), MISSING, dtype=np.intp)
    code, at = np.nonzero(seen)
    place[code, at] = np.arange(code.size)
    alone = n_clinics == 1
    place[:-1][alone, -1] = place[:-1][alone, home[alone]]
    shared = n_clinics > 1
    names = [f"{words[i]} at {clinics[j]}" if shared[i] else words[i] for i, j in zip(code, at, strict=True)]
    return Clinicians(
        names=tuple(names),
        clinic=np.where(at == len(clinics) - 1, MISSING, at),
        number=code,
        code=place[who, clinic],
        n_codes=int(seen.any(axis=1).sum()),
        n_shared=int(shared.sum()),
    )


def note_shared(visits: Visits) -> tuple[str, ...]:
    """Say that some codes stand at several clinics, and how that is taken; nothing where none does."""
    if "clinician" not in visits.columns or not visits.clinicians.n_shared:
        return ()
    clinicians = visits.clinicians
    stand = "stands" if clinicians.n_shared == 1 else "stand"
    return (
        f"{clinicians.n_shared:,} of {clinicians.n_codes:,} clinician codes {stand} at more than one clinic. Each is "
        "taken for a clinician of its own at each clinic: the records cannot tell one person at two clinics from two "
        "people who share a code.",
    )
