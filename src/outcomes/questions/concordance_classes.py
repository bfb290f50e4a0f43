"""The classes in which an episode's first treatment can stand to the muscle found in spasm, and the arms made of them.

The muscles found are those of the episode's first visit: what is found later answers to how the patient is doing. The
muscles treated are those of the first treatment visit, where the clock starts. Classes: `definitions.concordance`.

=============  =================  =================  ==================  ==============================
class          default            strict             lenient             known mismatch, clinic's example
=============  =================  =================  ==================  ==============================
exact          concordant         concordant         concordant          concordant
group          concordant         discordant         concordant          concordant
umbrella       concordant         discordant         concordant          concordant
adjacent       discordant         discordant         concordant          the mismatch alone
same_region    discordant         discordant         discordant          the mismatch alone
none           discordant         discordant         discordant          the mismatch alone
unspecific     in neither arm     in neither arm     in neither arm      in neither arm
unknown        in neither arm     in neither arm     in neither arm      in neither arm
=============  =================  =================  ==================  ==============================

The deciding sentence: *what was written vaguely, or not at all, is never called discordant.* Those who write little
down may be those whose patients do well, or badly, and an arm they were put in would take that over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.definitions import Codebook
from outcomes.definitions.concordance import ADJACENT, CONCORDANCE_LEVELS, EXACT, NONE, UMBRELLA, UNKNOWN, UNSPECIFIC
from outcomes.errors import NotEstimable
from outcomes.questions.results import Flags, IntArray
from outcomes.questions.treatment_arms import Arms

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

CONCORDANT, MISMATCH, EXAMPLE = "concordant", "known_mismatch", "clinic_example"
DEFAULT, STRICT, LENIENT = UMBRELLA, EXACT, ADJACENT
"""The class from which an episode is concordant."""
CLASS_LABELS = {
    "exact": "the same muscle, on the same side",
    "group": "a muscle of the same group",
    "umbrella": "a collective name and a part of it",
    "adjacent": "a neighbouring muscle group",
    "same_region": "another muscle of the region, or the other side",
    "none": "a muscle elsewhere",
    "unspecific": "named too vaguely to tell",
    "unknown": "muscle found or treated not recorded",
    MISMATCH: "of these: a known mismatch, and nothing concordant",
    EXAMPLE: "of these: hamstrings treated, stretching among the treatments, the erectors found in spasm",
}
"""Class to its words, in the order of the table; the last two are parts of the classes before."""
_FIELDS = (
    ("muscles_identified_left", "muscles found in spasm"),
    ("muscles_treated_left", "muscles treated"),
)
_CANNOT = "Whether the muscle found in spasm was treated cannot be told"


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of n episodes.

    Attributes
    ----------
    level : ndarray of int8, shape (n,)
        Position in `definitions.CONCORDANCE_LEVELS`.
    mismatch : ndarray of bool, shape (n,)
        A known mismatch was treated, and nothing concordant.
    example : ndarray of bool, shape (n,)
        Of these, the clinic's own example: the erectors found in spasm, the hamstrings treated, and stretching among
        what was done. Records do not say which treatment went to which muscle.
    """

    level: np.ndarray
    mismatch: Flags
    example: Flags

    @property
    def known(self) -> Flags:
        """Whether both muscles are recorded by name."""
        known: Flags = self.level >= NONE
        return known

    def find(self, name: str) -> Flags:
        """Return who is in a class of `CLASS_LABELS`."""
        if name == MISMATCH:
            return self.mismatch
        if name == EXAMPLE:
            return self.example
        found: Flags = self.level == CONCORDANCE_LEVELS.index(name)
        return found

    def count(self) -> dict[str, int]:
        """Return the numbers of episodes, all and by what can be told of them."""
        return {
            "n_known": int(self.known.sum()),
            "n_concordant": int((self.level >= DEFAULT).sum()),
            "n_discordant": int((self.known & (self.level < DEFAULT)).sum()),
            "n_unspecific": int((self.level == UNSPECIFIC).sum()),
            "n_unknown": int((self.level == UNKNOWN).sum()),
            "n_known_mismatch": int(self.mismatch.sum()),
            "n_clinic_example": int(self.example.sum()),
        }


def read_classes(episodes: Episodes, rows: TreatmentRows) -> Classes:
    """Return the class of each row.

    Parameters
    ----------
    episodes : Episodes
    rows : TreatmentRows

    Raises
    ------
    NotEstimable
        The export records no muscles found, or none treated, or never both of one episode.
    """
    for name, words in _FIELDS:
        if name not in episodes.visits.columns:
            raise NotEstimable(f"{_CANNOT}: this export records no {words}. Map the column they are in.")
    columns, at = episodes.columns, rows.episode
    mismatch = columns["known_mismatch"][at]
    found = Classes(columns["concordance"][at], mismatch, mismatch & _is_example(episodes, rows))
    if not found.known.any():
        raise NotEstimable(f"{_CANNOT}: no episode has both the muscle found in spasm and the one treated by name.")
    return found


def _is_example(episodes: Episodes, rows: TreatmentRows) -> Flags:
    """Whether hamstrings were treated and stretching given where the erectors were found in spasm."""
    codebook, visits = episodes.visits.codebook, episodes.visits.columns
    stretching = codebook.mask_of("stretching") if "stretching" in codebook.modality_ids else 0
    found, treated = np.zeros(rows.n, dtype=np.uint64), np.zeros(rows.n, dtype=np.uint64)
    for side in ("left", "right"):
        found |= episodes.columns[f"muscles_identified_{side}"][rows.episode]
        treated |= visits[f"muscles_treated_{side}"][rows.row]
    erectors, hamstrings = (np.uint64(_mask_of_group(codebook, name)) for name in ("erector_spinae", "hamstrings"))
    example: Flags = ((found & erectors) != 0) & ((treated & hamstrings) != 0)
    return example & ((rows.given & np.uint64(stretching)) != 0)


def _mask_of_group(codebook: Codebook, group: str) -> int:
    return sum(1 << bit for bit, name in enumerate(codebook.muscle_ids) if codebook.muscle_group[name] == group)


def known_rows(classes: Classes) -> IntArray:
    """Return the positions of the episodes with both muscles by name."""
    return np.flatnonzero(classes.known)


def concordant_arms(rows: TreatmentRows, classes: Classes, least: int = DEFAULT) -> Arms:
    """Episodes whose first treatment met the muscle found, against those in which it did not; no others.

    Parameters
    ----------
    rows : TreatmentRows
    classes : Classes
        Of these rows.
    least : int
        `DEFAULT`, `STRICT` or `LENIENT`.
    """
    part = known_rows(classes)
    return _make_arms(CONCORDANT, "The muscle found treated", rows, part, classes.level[part] >= least)


def mismatch_arms(rows: TreatmentRows, classes: Classes, name: str) -> Arms:
    """Episodes whose first treatment met the muscle found, against `MISMATCH` or `EXAMPLE`; no others."""
    others = {
        MISMATCH: "a known mismatch",
        EXAMPLE: "treatment of the hamstrings, with stretching, while the erectors were in spasm",
    }
    part = np.flatnonzero((classes.level >= DEFAULT) | classes.find(name))
    label = f"The muscle found treated, against {others[name]}"
    return _make_arms(name, label, rows, part, classes.level[part] >= DEFAULT, others[name])


def _make_arms(
    name: str, label: str, rows: TreatmentRows, part: IntArray, concordant: Flags, other: str = "another muscle"
) -> Arms:
    words = "that began with the muscle found in spasm", f"that began with {other}"
    return Arms(name, label, rows.take(part), concordant, (), ("muscle_group",), *words)
