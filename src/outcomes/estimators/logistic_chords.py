"""Logistic fits of many bootstrap draws by chords: every draw steps with one and the same information matrix.

A draw differs from the full data by ``sqrt(p / m)`` or so, and so does its information. With the average draw's in its
place, Newton's step becomes a chord: the score of every draw, which is one product of matrices, through one inverse. It
leaves about ``2 sqrt(p / m)`` of the error standing instead of squaring it, but costs a p-th part (Ortega and
Rheinboldt 2000, doi:10.1137/1.9780898719468).

Where columns are many beside the rows of the smaller arm, chords shrink too slowly, or not at all. Such a draw takes
Newton's own steps, each solved by conjugate gradients with the same inverse to set out from (Dembo, Eisenstat and
Steihaug 1982, doi:10.1137/0719025): a gradient costs no more than a chord, and gains twice the digits.

Digits are paid for once. Steps in single precision lead near each draw's answer, where the score is a straight line for
all that matters; there it is taken once in double precision, and conjugate gradients in single precision solve the
line, whose differences from it are small (iterative refinement, Higham 2002, doi:10.1137/1.9780898718027, chapter 12).

The stopping rule needs no knowledge of the draw. Chords that shrink to three quarters or less of the one before add up
to at most three more of the last; Newton's steps square what is left. A draw that does not get there so, a separated
one above all, is handed back, for Newton's steps in double precision to settle.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_SHRINK = 0.75
# Chords that shrink less than this cost more than conjugate gradients; the first two steps tell nothing of it.
_SLOW, _TELLING = 0.45, 2
_MOST_STEPS = 60
# So near a draw's answer the score is a straight line: what it bends by is below 1e-8. That is where chords of this
# size, and Newton's steps of the other, leave a draw.
_ROUGH, _ROUGH_NEWTON = 2e-5, 2e-3
_STRAIGHT = 2e-4
_NEWTON_STEPS, _GRADIENTS = 12, 40
# What is left of a step of Newton's, as a share of it; of the last one, as a share of what may be left of a log-odds:
# the gradients are measured by the average draw's information, which a draw's own may fall short of.
_NEWTON_SHARE, _LINE_SHARE = 1e-3, 0.05
_RIDGE = 1e-13
# Numbers in the table of weights of the draws that take Newton's steps together.
_WEIGHTS_AT_ONCE = 1 << 22
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
    parts, b = rows_together(basis.shape[0], draws), np.tile(start, (draws, 1))
    with ThreadPoolExecutor(workers) as pool:

        def add_up(work: Callable[[slice], NDArray[Any]], size: int) -> FloatArray:
            total = np.zeros((size, p))
            for found in pool.map(work, parts):
                total += found
            return total

        def score(of: IntArray, at: FloatArray) -> FloatArray:
            return add_up(lambda part: _score(short, part, of, at), of.size)

        def newton(of: IntArray) -> Flags:
            own = _Rows(short.basis, short.yes, short.trials, np.empty((of.size, basis.shape[0]), dtype=np.float32))
            return _walk_newton(
                lambda left, at: add_up(lambda part: _weigh(short, own, part, at, of[left], left), left.size),
                lambda left, move: add_up(lambda part: _loss(own, part, left, move), left.size),
                inverse,
                longest,
                b,
                of,
            )

        near, slow = _walk(score, inverse, longest, b)
        together = max(16, _WEIGHTS_AT_ONCE // basis.shape[0])
        for begin in range(0, slow.size, together):
            of = slow[begin : begin + together]
            near = np.concatenate([near, of[newton(of)]])
        near.sort()
        middle, full, every = b.copy(), _Rows(basis, yes, trials, counts), np.arange(draws)
        at_middle = add_up(lambda part: _weigh(full, short, part, middle, every, every), draws)
        move, solved = _solve(
            lambda left, step: add_up(lambda part: _loss(short, part, near[left], step), left.size),
            at_middle[near],
            inverse,
            longest,
            np.full(near.size, accuracy * _LINE_SHARE),
        )
    b[near] += move
    reached = np.zeros(draws, dtype=bool)
    reached[near] = solved & (longest * np.sqrt((move**2).sum(axis=1)) <= _STRAIGHT)
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
    scores: Callable[[IntArray, FloatArray], FloatArray], inverse: FloatArray, longest: float, b: FloatArray
) -> tuple[IntArray, IntArray]:
    """Step in place until chords are small; returns the draws that got there, and those whose chords shrink slowly."""
    near, slow = np.zeros(b.shape[0], dtype=bool), np.zeros(b.shape[0], dtype=bool)
    left, before = np.arange(b.shape[0]), np.full(b.shape[0], np.inf)
    for number in range(_MOST_STEPS):
        step = scores(left, b[left]) @ inverse
        # No log-odds moves by more than the longest row times the step.
        size = longest * np.sqrt((step**2).sum(axis=1))
        good = size <= _SHRINK * before[left]
        b[left[good]] += step[good]
        near[left[good & (size <= _ROUGH)]] = True
        is_slow = ~good | ((size > _SLOW * before[left]) & (number > _TELLING) & (size > _ROUGH))
        slow[left[is_slow]] = True
        before[left] = size
        left = left[~is_slow & (size > _ROUGH)]
        if not left.size:
            break
    slow[left] = True
    return np.flatnonzero(near), np.flatnonzero(slow)


def _walk_newton(
    scores: Callable[[IntArray, FloatArray], FloatArray],
    losses: Callable[[IntArray, FloatArray], FloatArray],
    inverse: FloatArray,
    longest: float,
    b: FloatArray,
    of: IntArray,
) -> Flags:
    """Take Newton's steps in place; returns for each of the draws `of` whether the last was small."""
    reached = np.zeros(of.size, dtype=bool)
    left = np.arange(of.size)
    for _ in range(_NEWTON_STEPS):
        score = scores(left, b[of[left]])
        enough = _NEWTON_SHARE * longest * np.sqrt(((score @ inverse) ** 2).sum(axis=1))
        step, solved = _solve(partial(_losses_of, losses, left), score, inverse, longest, enough)
        size = longest * np.sqrt((step**2).sum(axis=1))
        b[of[left[solved]]] += step[solved]
        reached[left[solved & (size <= _ROUGH_NEWTON)]] = True
        left = left[solved & (size > _ROUGH_NEWTON)]
        if not left.size:
            break
    return reached


def _losses_of(
    losses: Callable[[IntArray, FloatArray], FloatArray], of: IntArray, rows: IntArray, move: FloatArray
) -> FloatArray:
    return losses(of[rows], move)


def _solve(
    losses: Callable[[IntArray, FloatArray], FloatArray],
    score: FloatArray,
    inverse: FloatArray,
    longest: float,
    enough: FloatArray,
) -> tuple[FloatArray, Flags]:
    """Solve for the move of every draw that loses its score, by conjugate gradients.

    `losses` gives the loss of some draws along a move of each; `enough` (draws,) is how far the chord that is left may
    move a log-odds. Returns the moves, shape (draws, p), and whether they are that good.
    """
    move, solved = np.zeros_like(score), np.zeros(score.shape[0], dtype=bool)
    left, rest = np.arange(score.shape[0]), score.copy()
    chord = rest @ inverse
    along, now = chord, (rest * chord).sum(axis=1)
    for _ in range(_GRADIENTS):
        done = longest * np.sqrt((chord**2).sum(axis=1)) <= enough[left]
        solved[left[done]] = True
        if done.any():
            left, rest, along, chord, now = left[~done], rest[~done], along[~done], chord[~done], now[~done]
        if not left.size:
            break
        lost = losses(left, along)
        curvature = (along * lost).sum(axis=1)
        share = np.divide(now, curvature, out=np.zeros_like(now), where=curvature > 0)[:, None]
        move[left] += share * along
        rest -= share * lost
        chord = rest @ inverse
        before, now = now, (rest * chord).sum(axis=1)
        along = chord + np.divide(now, before, out=np.zeros_like(now), where=before > 0)[:, None] * along
    return move, solved


def _score(rows: _Rows, part: slice, of: IntArray, at: FloatArray) -> NDArray[Any]:
    """Return what some rows add to the score of the draws `of` at coefficients `at`, shape (draws, p)."""
    missed = chance_of_yes(at.astype(rows.basis.dtype) @ rows.basis[part].T)
    missed *= rows.trials[part]
    np.subtract(rows.yes[part], missed, out=missed)
    missed *= rows.counts_of(part, of)
    return np.asarray(missed @ rows.basis[part])


def _weigh(full: _Rows, short: _Rows, part: slice, at: FloatArray, of: IntArray, place: IntArray) -> NDArray[Any]:
    """Return what some rows add to the score of the draws `of`, and put their weights of information in `place`.

    `short` may hold the counts of `full` itself; they are read before they are written.
    """
    chance = chance_of_yes(at.astype(full.basis.dtype, copy=False) @ full.basis[part].T)
    weight = chance.astype(short.basis.dtype)
    weight -= weight**2
    weight *= short.trials[part]
    counts = full.counts_of(part, of)
    weight *= counts
    short.counts[place, part] = weight
    chance *= full.trials[part]
    missed = np.subtract(full.yes[part], chance, out=chance)
    missed *= counts
    return np.asarray(missed @ full.basis[part])


def _loss(rows: _Rows, part: slice, of: IntArray, moved: FloatArray) -> NDArray[Any]:
    """Return by how much the score of some rows falls along a short move, where counts are weights of information."""
    change = moved.astype(rows.basis.dtype) @ rows.basis[part].T
    change *= rows.counts_of(part, of)
    return np.asarray(change @ rows.basis[part])
