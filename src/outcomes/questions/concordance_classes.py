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

An episode is at the best level over all its pairs, so that who has many muscles treated, or many found, is concordant
more often, whatever was chosen. How many of both is therefore a fact that the arms are made alike in. Where of a number
one arm hardly has an episode (of two muscles treated one nearly always is the one found), nobody can stand beside the
others, and all with that number are set aside, as those of a clinician who always treats so. Episodes with one of each,
where no number plays a part, can be looked at alone (`SINGLE`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.definitions import Codebook
from outcomes.definitions.concordance import ADJACENT, CONCORDANCE_LEVELS, EXACT, NONE, UMBRELLA, UNKNOWN, UNSPECIFIC
from outcomes.errors import NotEstimable
from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.covariates import Factor
from outcomes.questions.results import Flags, IntArray
from outcomes.questions.treatment_arms import Arms

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

CONCORDANT, MISMATCH, EXAMPLE = "concordant", "known_mismatch", "clinic_example"
SINGLE = "single"
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
_NUMBERS = ("1", "2", "3 or more")
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
    n_found, n_treated : ndarray of int, shape (n,)
        Muscles by name; one on both sides counts once.
    """

    level: np.ndarray
    mismatch: Flags
    example: Flags
    n_found: IntArray
    n_treated: IntArray

    @property
    def known(self) -> Flags:
        """Whether both muscles are recorded by name."""
        known: Flags = self.level >= NONE
        return known

    @property
    def single(self) -> Flags:
        """Whether one muscle was found and one treated."""
        single: Flags = self.known & (self.n_found == 1) & (self.n_treated == 1)
        return single

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
    mismatch, (found, treated) = columns["known_mismatch"][at], _read_muscles(episodes, rows)
    named = ~np.uint64(episodes.visits.codebook.unspecified_mask)
    classes = Classes(
        level=columns["concordance"][at],
        mismatch=mismatch,
        example=mismatch & _is_example(episodes, rows, found, treated),
        n_found=np.bitwise_count(found & named).astype(np.intp),
        n_treated=np.bitwise_count(treated & named).astype(np.intp),
    )
    if not classes.known.any():
        raise NotEstimable(f"{_CANNOT}: no episode has both the muscle found in spasm and the one treated by name.")
    return classes


def _read_muscles(episodes: Episodes, rows: TreatmentRows) -> tuple[np.ndarray, np.ndarray]:
    """Muscles found at the first visit and treated at the first treatment visit, on either side, as bit masks."""
    found, treated = np.zeros(rows.n, dtype=np.uint64), np.zeros(rows.n, dtype=np.uint64)
    for side in ("left", "right"):
        found |= episodes.columns[f"muscles_identified_{side}"][rows.episode]
        treated |= episodes.visits.columns[f"muscles_treated_{side}"][rows.row]
    return found, treated


def _is_example(episodes: Episodes, rows: TreatmentRows, found: np.ndarray, treated: np.ndarray) -> Flags:
    """Whether hamstrings were treated and stretching given where the erectors were found in spasm."""
    codebook = episodes.visits.codebook
    stretching = codebook.mask_of("stretching") if "stretching" in codebook.modality_ids else 0
    erectors, hamstrings = (np.uint64(_mask_of_group(codebook, name)) for name in ("erector_spinae", "hamstrings"))
    example: Flags = ((found & erectors) != 0) & ((treated & hamstrings) != 0)
    return example & ((rows.given & np.uint64(stretching)) != 0)


def _mask_of_group(codebook: Codebook, group: str) -> int:
    return sum(1 << bit for bit, name in enumerate(codebook.muscle_ids) if codebook.muscle_group[name] == group)


def compared_rows(rows: TreatmentRows, arms: Arms) -> IntArray:
    """Return the positions, among all eligible episodes, of those in two arms."""
    return np.searchsorted(rows.episode, arms.rows.episode)


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
    return _make_arms(CONCORDANT, "The muscle found treated", rows, classes, np.flatnonzero(classes.known), least)


def single_arms(rows: TreatmentRows, classes: Classes) -> Arms:
    """The arms of the main line, of episodes with one muscle found and one treated."""
    return _make_arms(CONCORDANT, "The muscle found treated", rows, classes, np.flatnonzero(classes.single))


def mismatch_arms(rows: TreatmentRows, classes: Classes, name: str) -> Arms:
    """Episodes whose first treatment met the muscle found, against `MISMATCH` or `EXAMPLE`; no others."""
    others = {
        MISMATCH: "a known mismatch",
        EXAMPLE: "treatment of the hamstrings, with stretching, while the erectors were in spasm",
    }
    part = np.flatnonzero((classes.level >= DEFAULT) | classes.find(name))
    label = f"The muscle found treated, against {others[name]}"
    return _make_arms(name, label, rows, classes, part, other=others[name])


def _make_arms(
    name: str,
    label: str,
    rows: TreatmentRows,
    classes: Classes,
    part: IntArray,
    least: int = DEFAULT,
    other: str = "another muscle",
) -> Arms:
    """Arms of some of the episodes, to be made alike in the group of the muscle found and in how many there were."""
    part = part[_find_shared(classes, part, least)]
    words = "that began with the muscle found in spasm", f"that began with {other}"
    numbers = (
        _count_levels("muscles_treated", "Number of muscles treated", classes.n_treated[part]),
        _count_levels("muscles_found", "Number of muscles found", classes.n_found[part]),
    )
    extra = tuple(factor for factor in numbers if len(factor.levels) > 1)
    arm = classes.level[part] >= least
    return Arms(name, label, rows.take(part), arm, (), ("muscle_group",), *words, extra=extra)


def _find_shared(classes: Classes, part: IntArray, least: int) -> Flags:
    """Whether both arms have enough episodes with as many muscles found, and treated."""
    arm, kept = classes.level[part] >= least, np.ones(part.size, dtype=np.bool_)
    numbers = [np.minimum(counts[part], len(_NUMBERS)) for counts in (classes.n_treated, classes.n_found)]
    before = -1
    # Again, as those left out for one number are missing from the other. Where both arms have enough of none, all are
    # kept, so that the gate gives the reason.
    while before != (before := int(kept.sum())):
        for number in numbers:
            sizes = [np.bincount(number[kept & side], minlength=len(_NUMBERS) + 1) for side in (arm, ~arm)]
            enough = np.minimum(*sizes) >= LEAST_IN_ARM
            if enough.any():
                kept &= enough[number]
    return kept


def _count_levels(name: str, label: str, counts: IntArray) -> Factor:
    """Numbers of muscles as levels, those that occur."""
    present, codes = np.unique(np.minimum(counts, len(_NUMBERS)), return_inverse=True)
    levels = tuple(_NUMBERS[number - 1] for number in present)
    commonest = int(np.argmax(np.bincount(codes))) if codes.size else 0
    return Factor(name, label, levels, levels, codes, commonest)
