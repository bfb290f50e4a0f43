"""Logistic fits of many bootstrap draws at once, by chords that learn from those before them.

A draw differs from the full data by ``sqrt(p / m)`` or so, and so does its information. With the average draw's in its
place, Newton's step becomes a chord: the score of every draw, which is one product of matrices, through one inverse. It
costs a p-th part, but leaves about ``2 sqrt(p / m)`` of the error standing instead of squaring it (Ortega and
Rheinboldt 2000, doi:10.1137/1.9780898719468), and more where a draw has much of a rare level, or little.

What the score turned out to fall by along each step taken corrects the inverse for the next, of every draw by itself:
Nocedal's recursion (Liu and Nocedal 1989, doi:10.1007/BF01589116) with all steps remembered and the average inverse
inside. A rare level is one direction, and learnt in a step or two.

Nearly all of it is done in single precision, with log-odds counted from the full data's and parts summed in double.
That leaves some 1e-7 of a log-odds, and up to 3e-5 of that of a row with a very rare level, where drawing patients
moves it by 1e-3 even with millions of rows. The few draws in which rounding keeps steps from shrinking go on in double.

Steps that shrink by a share r leave ``r / (1 - r)`` of the last, and less where r falls; that is the stopping rule. The
share is of those directions that are being dealt with: where one step is by luck far shorter than the one before, a
direction of which the draw has little may be all that is left. So r is never taken for less than a tenth. A draw that
does not get there, a separated one above all, is handed back, for Newton's steps to settle.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.orthogonal import weighted_products

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_MOST_STEPS = 20
# Single precision cannot tell a chance from 1 much further out; a draw that went so far is not judged by it.
_FAR = 12.0
# Where a step does not shrink it tells nothing of what is left: then as much as three more.
_LARGEST_SHRINK = 0.75
_LEAST_SHRINK = 0.1
# A shorter step tells more of rounding, in single precision, than of how the score falls.
_TELLING = 1e-4
_RIDGE = 1e-13
# Numbers in a table of draws by rows: it stays in the cache from the log-odds to the score.
_NUMBERS_AT_ONCE = 1 << 17


def chance_of_yes(log_odds: NDArray[Any]) -> NDArray[Any]:
    """Return the chance of yes to full digits, in place of the log-odds given."""
    np.negative(log_odds, out=log_odds)
    with np.errstate(over="ignore", under="ignore"):
        np.exp(log_odds, out=log_odds)
    log_odds += 1.0
    return np.reciprocal(log_odds, out=log_odds)


def rows_together(rows: int, draws: int) -> list[slice]:
    """Cut rows into parts that are worked on together; nothing but the two numbers decides how."""
    length = max(64, _NUMBERS_AT_ONCE // max(draws, 1))
    return [slice(begin, min(begin + length, rows)) for begin in range(0, rows, length)]


def walk_chords(
    basis: FloatArray,
    yes: FloatArray,
    trials: FloatArray,
    counts: NDArray[Any],
    start: FloatArray,
    accuracy: float,
    workers: int,
) -> tuple[FloatArray, Flags]:
    """Fit every draw that chords can fit.

    Parameters
    ----------
    basis : ndarray, shape (m, p)
        Orthogonal columns.
    yes, trials : ndarray, shape (m,)
    counts : ndarray, shape (draws, m)
    start : ndarray, shape (p,)
    accuracy : float
        What may be left of a log-odds, judged from the last two steps of each draw; single precision can leave more
        where a level is very rare.
    workers : int
        Threads; they change no bit.

    Returns
    -------
    coef : ndarray, shape (draws, p)
        Of the basis.
    reached : ndarray of bool, shape (draws,)
    """
    draws, p = counts.shape[0], start.size
    log_odds = basis @ start
    inverse = _inverse_information(basis, trials * counts.mean(axis=0), log_odds)
    walk = _Walk(inverse, float(np.sqrt((basis**2).sum(axis=1).max())), np.zeros((draws, p)))
    rows = _Rows(basis, yes, trials - yes, log_odds)
    parts = rows_together(basis.shape[0], draws)
    with ThreadPoolExecutor(workers) as pool:

        def score_with(rows: _Rows) -> Callable[[IntArray], FloatArray]:
            def scores(of: IntArray) -> FloatArray:
                moved, total = walk.moved[of].astype(rows.basis.dtype), np.zeros((of.size, p))
                for found in pool.map(lambda part: rows.score(part, counts, of, moved), parts):
                    total += found
                return total

            return scores

        left = walk.go(np.arange(draws), score_with(rows.in_single()), accuracy, _TELLING)
        if left.size:
            left = walk.go(left, score_with(rows), accuracy, 0.0)
    reached = walk.longest * np.sqrt((walk.moved**2).sum(axis=1)) <= _FAR
    reached[left] = False
    return start + walk.moved, reached


@dataclass(frozen=True, slots=True)
class _Rows:
    """``basis`` (m, p); weights of ``yes`` and ``no``, and ``log_odds`` at the start (m,)."""

    basis: NDArray[Any]
    yes: NDArray[Any]
    no: NDArray[Any]
    log_odds: NDArray[Any]

    def in_single(self) -> _Rows:
        """Return the same in single precision."""
        return _Rows(*(table.astype(np.float32) for table in (self.basis, self.yes, self.no, self.log_odds)))

    def score(self, part: slice, counts: NDArray[Any], of: IntArray, moved: NDArray[Any]) -> NDArray[Any]:
        """Return what some rows add to the score of the draws `of`, shape (draws, p)."""
        # At the start all draws are at one place, and each chance is worked out once.
        against = moved @ self.basis[part].T if moved.any() else np.zeros((1, 1), dtype=moved.dtype)
        against = against + self.log_odds[part]
        np.negative(against, out=against)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            np.exp(against, out=against)
            # What a row adds is its weight times the chance of the other answer, to full digits however small.
            missed = against * self.yes[part]
            missed -= self.no[part]
            against += 1.0
            missed /= against
        own = counts[:, part] if of.size == counts.shape[0] else counts[of, part]
        weighted = own.astype(missed.dtype)
        weighted *= missed
        return np.asarray(weighted @ self.basis[part])


class _Walk:
    """Where every draw is, (draws, p) from the start, and what its steps have told."""

    def __init__(self, inverse: FloatArray, longest: float, moved: FloatArray) -> None:
        self.inverse, self.longest, self.moved = inverse, longest, moved
        self.size = np.zeros(moved.shape[0])
        self.steps: list[tuple[FloatArray, FloatArray, FloatArray]] = []

    def go(self, left: IntArray, scores: Callable[[IntArray], FloatArray], enough: float, telling: float) -> IntArray:
        """Step until, by the last two steps, no log-odds is further than `enough` from a draw's answer.

        Returns the draws of which that cannot be said.

        Only steps larger than `telling` are learnt from.
        """
        score = scores(left)
        for _ in range(_MOST_STEPS):
            step = self._direct(left, score)
            # No log-odds moves by more than the longest row times the step.
            size = self.longest * np.sqrt((step**2).sum(axis=1))
            longer = np.maximum(self.size[left], size / _LARGEST_SHRINK)
            # A draw that is the data again has no way to go.
            shrink = np.divide(size, longer, out=np.zeros_like(size), where=longer > 0)
            shrink = np.where(longer > 0, np.maximum(shrink, _LEAST_SHRINK), 0.0)
            self.moved[left] += step
            self.size[left] = size
            on = ~(size * shrink / (1.0 - shrink) <= enough)
            left, step, score = left[on], step[on], score[on]
            if not left.size:
                break
            before, score = score, scores(left)
            learn = size[on] > telling
            self._remember(left[learn], step[learn], (before - score)[learn])
        return left

    def _remember(self, of: IntArray, step: FloatArray, fall: FloatArray) -> None:
        steps, falls, curvature = np.zeros_like(self.moved), np.zeros_like(self.moved), np.zeros(self.size.size)
        steps[of], falls[of] = step, fall
        along = (step * fall).sum(axis=1)
        curvature[of] = np.divide(1.0, along, out=np.zeros_like(along), where=along > 0)
        self.steps.append((steps, falls, curvature))

    def _direct(self, of: IntArray, score: FloatArray) -> FloatArray:
        """Return the step of each draw, shape (draws, p), by Nocedal's recursion."""
        step, shares = score.copy(), []
        for taken, fall, curvature in reversed(self.steps):
            shares.append(curvature[of] * (taken[of] * step).sum(axis=1))
            step -= shares[-1][:, None] * fall[of]
        step = step @ self.inverse
        for taken, fall, curvature in self.steps:
            step += (shares.pop() - curvature[of] * (fall[of] * step).sum(axis=1))[:, None] * taken[of]
        return step


def _inverse_information(basis: FloatArray, trials: FloatArray, log_odds: FloatArray) -> FloatArray:
    chance = chance_of_yes(log_odds.copy())
    information = weighted_products(basis, trials * chance * (1.0 - chance))
    information[np.diag_indices_from(information)] += _RIDGE * trials.sum()
    return np.linalg.inv(information).astype(np.float64, copy=False)
