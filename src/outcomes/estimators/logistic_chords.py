"""Logistic fits of many bootstrap draws by chords: every draw steps with one and the same information matrix.

A draw differs from the full data by ``sqrt(p / m)`` or so, and so does its information. With the average draw's in its
place, Newton's step becomes a chord: the score of every draw, which is one product of matrices, through one inverse. It
leaves about ``2 sqrt(p / m)`` of the error standing instead of squaring it, but costs a p-th part (Ortega and
Rheinboldt 2000, doi:10.1137/1.9780898719468).

Digits are paid for once. Chords in single precision lead near each draw's answer, where the score is a straight line
for all that matters; there it is taken once in double precision, and further chords in single precision solve the line,
whose differences from it are small (iterative refinement, Higham 2002, doi:10.1137/1.9780898718027, chapter 12).

The stopping rule needs no knowledge of the draw. Steps that shrink to three quarters or less of the one before add up
to at most three more of the last; a draw is done when that moves no row's log-odds by more than asked. A draw whose
steps do not shrink so is handed back, for Newton's own steps to settle.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_SHRINK = 0.75
_MOST_STEPS = 60
# So near a draw's answer the score is a straight line: what it bends by is below 1e-10.
_ROUGH = 1e-5
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
        Largest error of a log-odds that may be left.
    workers : int
        Threads; they change no bit.

    Returns
    -------
    coef : ndarray, shape (draws, p)
        Of the basis.
    reached : ndarray of bool, shape (draws,)
    """
    draws, p = counts.shape[0], start.size
    short = _Rows(*(table.astype(np.float32) for table in (basis, yes, trials, counts)))
    inverse = _inverse_information(basis, trials * short.counts.mean(axis=0), start)
    longest = float(np.sqrt((basis**2).sum(axis=1).max()))
    parts, b, reached = rows_together(basis.shape[0], draws), np.tile(start, (draws, 1)), np.zeros(draws, dtype=bool)
    with ThreadPoolExecutor(workers) as pool:

        def add_up(work: Callable[[slice], NDArray[Any]], size: int) -> FloatArray:
            total = np.zeros((size, p))
            for found in pool.map(work, parts):
                total += found
            return total

        def score(of: IntArray, at: FloatArray) -> FloatArray:
            return add_up(lambda part: _score(short, part, of, at), of.size)

        near = np.flatnonzero(_walk(score, inverse, longest, b, np.arange(draws), _ROUGH))
        middle, full = b.copy(), _Rows(basis, yes, trials, counts)
        at_middle = add_up(lambda part: _weigh(full, short, part, middle), draws)

        def line(of: IntArray, at: FloatArray) -> FloatArray:
            return at_middle[of] - add_up(lambda part: _loss(short, part, of, at - middle[of]), of.size)

        enough = accuracy * (1.0 - _SHRINK) / _SHRINK
        reached[near] = _walk(line, inverse, longest, b, near, enough)
    return b, reached


@dataclass(frozen=True, slots=True)
class _Rows:
    """``basis`` (m, p), ``yes`` (m,), ``trials`` (m,), ``counts`` (draws, m), in single or double precision."""

    basis: NDArray[Any]
    yes: NDArray[Any]
    trials: NDArray[Any]
    counts: NDArray[Any]

    def counts_of(self, part: slice, of: IntArray) -> NDArray[Any]:
        """Counts of some rows in some draws; a copy only where not all draws are asked for."""
        return self.counts[:, part] if of.size == self.counts.shape[0] else self.counts[of, part]


def _inverse_information(basis: FloatArray, trials: FloatArray, start: FloatArray) -> FloatArray:
    chance = chance_of_yes(basis @ start)
    information = basis.T @ (basis * (trials * chance * (1.0 - chance))[:, None])
    information[np.diag_indices(start.size)] += _RIDGE * trials.sum()
    return np.linalg.inv(information).astype(np.float64, copy=False)


def _walk(
    scores: Callable[[IntArray, FloatArray], FloatArray],
    inverse: FloatArray,
    longest: float,
    b: FloatArray,
    rows: IntArray,
    small: float,
) -> Flags:
    """Step in place until steps are small; returns whether they shrank on all the way there, for each of `rows`."""
    reached, before = np.zeros(b.shape[0], dtype=bool), np.full(b.shape[0], np.inf)
    left = rows
    for _ in range(_MOST_STEPS):
        step = scores(left, b[left]) @ inverse
        # No log-odds moves by more than the longest row times the step.
        size = longest * np.sqrt((step**2).sum(axis=1))
        shrinks = size <= _SHRINK * before[left]
        b[left[shrinks]] += step[shrinks]
        before[left] = size
        reached[left[shrinks & (size <= small)]] = True
        left = left[shrinks & (size > small)]
        if not left.size:
            break
    return reached[rows]


def _score(rows: _Rows, part: slice, of: IntArray, at: FloatArray) -> NDArray[Any]:
    """Return what some rows add to the score of the draws `of` at coefficients `at`, shape (draws, p)."""
    missed = chance_of_yes(at.astype(rows.basis.dtype) @ rows.basis[part].T)
    missed *= rows.trials[part]
    np.subtract(rows.yes[part], missed, out=missed)
    missed *= rows.counts_of(part, of)
    return np.asarray(missed @ rows.basis[part])


def _weigh(full: _Rows, short: _Rows, part: slice, at: FloatArray) -> NDArray[Any]:
    """Return what some rows add to the score of all draws, and turn their short counts into weights of information."""
    chance = chance_of_yes(at @ full.basis[part].T)
    weight = chance.astype(short.basis.dtype)
    weight -= weight**2
    weight *= short.trials[part]
    short.counts[:, part] *= weight
    chance *= full.trials[part]
    missed = np.subtract(full.yes[part], chance, out=chance)
    missed *= full.counts[:, part]
    return np.asarray(missed @ full.basis[part])


def _loss(rows: _Rows, part: slice, of: IntArray, moved: FloatArray) -> NDArray[Any]:
    """Return by how much the score of some rows falls along a short move, where counts are weights of information."""
    change = moved.astype(rows.basis.dtype) @ rows.basis[part].T
    change *= rows.counts_of(part, of)
    return np.asarray(change @ rows.basis[part])
