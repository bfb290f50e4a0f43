"""How often whoever treated treats so: what is left to adjust for where several clinicians stand together.

Clinicians of few episodes cannot each have a column: a draw of patients may hold none of one arm. Pooled by clinic, the
arms are of different hands: most of those treated so are of clinicians who like to do it, and where these have another
skill, that is a difference out of nothing. So the habit is adjusted for beside the pools: the log-odds of being treated
so among the episodes of whoever treated. Of a clinician who treated k of m episodes so, each was as likely as the next
to be among the k, all else being equal; so given the habit, who it was says nothing more of the arm (it does for a
linear model what a column for each would: Mundlak 1978, doi:10.2307/1913646).

Made-up practices in which habit and skill go together, and the treatment does nothing, showed a difference of .04
without it, as much as unadjusted, and none with it (``tests/simulation/test_small_clinicians.py``).

Where hardly anybody was treated contrary to the habit, arms cannot be made alike in it. Then their balance is judged,
if a tenth of an arm is in such pools: a smaller share moves no difference far.
"""

from __future__ import annotations

import numpy as np

from outcomes.questions.adjustment import JUDGED_SHARE, Blocks
from outcomes.questions.covariates import Block
from outcomes.questions.results import Flags, FloatArray, IntArray

HABIT = "habit"
"""Name of the column."""
LEAST_CONTRARY = 8
"""Episodes treated contrary to the habit; with fewer, some draws of patients have none of them."""


def name_hands(who: IntArray, clinic: IntArray, n_names: int) -> IntArray:
    """Return a number for whoever treated, shape (n,): those without a name are one more clinician of their clinic.

    Parameters
    ----------
    who, clinic : ndarray of int, shape (n,)
        Places of the clinician, of `n_names`, and of the clinic; -1 for none.
    n_names : int
    """
    return np.where(who >= 0, who, n_names + 1 + clinic)


def find_habits(hands: IntArray, pool: IntArray, arm: Flags) -> tuple[FloatArray, bool]:
    """Return the habit of each episode in a pool, less the pool's mean, and whether arms can be made alike in it.

    It is 0 of clinicians who stand alone. Half an episode is added to either arm, so that the log-odds of those who
    always treat so are finite.

    Arms are told apart by a habit to which nobody in a pool was treated contrary, and in a draw of patients such few
    may be missing. Of a clinician with k and l episodes in the two arms at least the smaller number were, unless the
    line between the arms runs through clinicians of that habit: so the habit with the largest number is left out in
    each pool.

    Parameters
    ----------
    hands : ndarray of int, shape (n,)
        Who treated (`name_hands`).
    pool : ndarray of int, shape (n,)
        The pool of each episode; -1 for a clinician who stands alone.
    arm : ndarray of bool, shape (n,)
    """
    n = np.bincount(hands)
    with_it = np.bincount(hands[arm], minlength=n.size)
    log_odds = np.log((with_it + 0.5) / (n - with_it + 0.5))
    habit, inside = np.zeros(pool.size), np.flatnonzero(pool >= 0)
    if not inside.size:
        return habit, False
    # Sums go through the habits in their order, whatever clinicians are called.
    levels, level = np.unique(np.column_stack([pool, log_odds[hands]])[inside], axis=0, return_inverse=True)
    of, size = levels[:, 0].astype(np.intp), np.bincount(level.ravel())
    mean = np.bincount(of, weights=size * levels[:, 1])[of] / np.bincount(of, weights=size)[of]
    habit[inside] = np.where(np.bincount(of)[of] > 1, levels[:, 1] - mean, 0.0)[level.ravel()]
    with_it = np.bincount(level.ravel()[arm[inside]], minlength=size.size)
    rarer = np.minimum(with_it, size - with_it)
    most = np.zeros(int(of.max()) + 1, dtype=np.intp)
    np.maximum.at(most, of, rarer)
    return habit, bool(rarer.sum() - most.sum() >= LEAST_CONTRARY)


def habit_blocks(habit: FloatArray, is_told: bool, arm: Flags) -> Blocks:
    """Return the habits, shape (n,), as a column to adjust for, or one whose balance is judged, or neither."""
    pooled = habit != 0.0
    block = Block(HABIT, "How often whoever treated treats so", (HABIT,), habit[:, None])
    if is_told:
        return [block], []
    return [], [block] if max(pooled[side].mean() for side in (arm, ~arm)) >= JUDGED_SHARE else []
