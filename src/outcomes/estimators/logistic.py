r"""Logistic regression of counted rows, once or for many bootstrap draws at the same time.

``logit P(yes) = x'b``, fitted by Newton's steps on the log-likelihood (McCullagh and Nelder 1989,
doi:10.1007/978-1-4899-3242-6, section 4.4). Everything that weights by a chance takes its chance from here: who was
looked at, who was treated, who kept to a strategy.

The columns are first turned into orthogonal ones, so that neither units nor near-copies cost digits, and a fit is done
when its last step moved no row's log-odds. That also tells separation from a fit: where a column parts the yes from the
no, every step moves somebody by about 1 for ever, and there is no finite answer (Albert and Anderson 1984,
doi:10.1093/biomet/71.1.1).

A draw has the rows of the full data with other counts. All draws of a block take their steps together, from the full
data's answer: by chords (`outcomes.estimators.logistic_chords`) where there are many columns and rows; else, and where
chords do not get there, by Newton's steps, of which two or three are enough. A level that no row of a draw has leaves
its coefficient open but no chance in doubt; such a draw counts as fitted. A separated draw does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.logistic_chords import walk_chords
from outcomes.estimators.orthogonal import Design, weighted_products

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

# Newton's steps double the digits: after one this small the next would move nothing that a double can hold.
_SMALL_STEP = 1e-7
# The information changes by about what log-odds have moved since it was taken; within this it does for further steps.
_SAME_INFORMATION = 0.01
# Such a step leaves about its own move times that one. Where this much is left, no digit that matters is.
_LEFT = 1e-12
_MAX_STEPS = 60
_MAX_HALVINGS = 40
_JOINT_STEPS = 8
# Information along a direction, as a share of what it would be with all chances at one half: below this all rows that
# differ along it are decided.
_DECIDED = 1e-11
_FAR = 12.0
# Holds what a draw leaves open where it was; too small to move what it does not.
_RIDGE = 1e-13
# Numbers in a table of rows by draws, and in one of rows by pairs of columns: they stay in the cache.
_NUMBERS_AT_ONCE = 1 << 19
# With so many rows to each column every eighth of them tells nearly where the answer is: drawing rows moves a log-odds
# by about the last step asked for there.
_MANY_ROWS_A_COLUMN = 400
_EVERY = 8
_NEARLY = 0.1
_NEARLY_STEPS = 8
# What chords are asked to leave of the log-odds of the row that is easiest to move; of most rows' it is a
# tenth or less, and single precision can leave ten times as much where a level is very rare.
_CHORD_ACCURACY = 2e-6
# With fewer columns Newton's step costs no more than a chord; with fewer rows to each a draw's information differs too
# much from the average one for chords to be short.
_MANY_COLUMNS = 5
_ROWS_A_COLUMN = 10


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fit.

    Attributes
    ----------
    design : Design
    trials : ndarray, shape (m,)
        Weight of the trials of each row.
    log_odds : ndarray, shape (m,)
    turned : ndarray, shape (p,)
        Coefficients of the orthogonal basis; draws start from them.
    status : str
        ``"reached"``, ``"separated"`` (some coefficient has no finite value) or ``"stuck"``; only the first is a fit.
    steps : int
    """

    design: Design
    trials: FloatArray
    log_odds: FloatArray
    turned: FloatArray
    status: str
    steps: int

    @property
    def coef(self) -> FloatArray:
        """Coefficients of the columns, shape (p,)."""
        return np.asarray(np.linalg.inv(self.design.turn) @ self.turned)

    @property
    def covariance(self) -> FloatArray:
        """Inverse of the information on the columns, shape (p, p): one more pass over the rows when it is asked for."""
        back = np.linalg.inv(self.design.turn)
        chance, other = chances(self.log_odds)
        information = weighted_products(self.design.basis, self.trials * chance * other)
        return np.asarray(back @ np.linalg.pinv(information, hermitian=True) @ back.T)


def fit_logistic(design: Design, yes: FloatArray, trials: FloatArray, start: FloatArray | None = None) -> Logistic:
    """Fit one model to counted rows.

    Parameters
    ----------
    design : Design
        Its ``same`` must be None.
    yes, trials : ndarray, shape (m,)
        Weight of the trials that came out as yes, and of all trials, of each row.
    start : ndarray, shape (p,), optional
        In terms of the basis; 0 when not given. It decides how soon a fit is reached, not whether: from far off a step
        can pass where all is decided, so that a fit not reached is tried from 0 before it is called separated.
    """
    begin = np.zeros(design.basis.shape[1]) if start is None else start
    fit = _step_up(design, yes, trials, begin)
    if fit.status != "reached" and begin.any():
        return _step_up(design, yes, trials, np.zeros_like(begin))
    return fit


def approach(design: Design, yes: FloatArray, trials: FloatArray, start: FloatArray) -> FloatArray:
    """Return where to begin a fit to very many rows, shape (p,): the answer of every eighth of them.

    It saves half the passes over all rows. What `fit_logistic` then finds is the same. Of fewer rows, and where those
    taken have no answer, it is `start`.
    """
    m, p = design.basis.shape
    if m < _MANY_ROWS_A_COLUMN * p:
        return start
    some = Design(np.ascontiguousarray(design.basis[::_EVERY]), design.turn, None)
    fit = _step_up(some, yes[::_EVERY], trials[::_EVERY], start, _NEARLY, _NEARLY_STEPS)
    return fit.turned if fit.status == "reached" else start


def _step_up(
    design: Design,
    yes: FloatArray,
    trials: FloatArray,
    start: FloatArray,
    small: float = _SMALL_STEP,
    most_steps: int | None = None,
) -> Logistic:
    """Take Newton's steps until one is small; see `fit_logistic`."""
    z, total, b = design.basis, float(trials.sum()), start.copy()
    eta, information = z @ b, np.zeros((b.size, b.size))
    loglik, status, steps, since = _loglik(eta, yes, trials), "stuck", 0, np.inf
    while steps < (_MAX_STEPS if most_steps is None else most_steps):
        chance, other = chances(eta)
        if since > _SAME_INFORMATION:
            information, since = weighted_products(z, trials * chance * other), 0.0
        if np.linalg.eigvalsh(information)[0] < _DECIDED * total and np.abs(eta[trials > 0]).max() > _FAR:
            status = "separated"
            break
        step = np.linalg.solve(information + _RIDGE * total * np.eye(b.size), z.T @ (yes - trials * chance))
        move = z @ step
        share, found = _step_back(eta, move, yes, trials, loglik)
        b, eta, loglik, steps = b + share * step, eta + share * move, found, steps + 1
        longest = np.abs(move)[trials > 0].max()
        if longest <= small and longest * since <= _LEFT:
            status = "reached"
            break
        since += longest
    if status == "stuck" and np.abs(eta[trials > 0]).max() > _FAR:
        status = "separated"
    return Logistic(design, trials, eta, b, status, steps)


def chances(log_odds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the chance of yes and of no, each to its own full digits."""
    from scipy.special import expit

    return expit(log_odds), expit(-log_odds)


def run_off_column(fit: Logistic, columns: FloatArray) -> int:
    """Return the column, shape (m, p), whose coefficient moves the log-odds most: in a separated fit it runs off."""
    return int(np.argmax(np.abs(fit.coef) * columns.std(axis=0)))


def _loglik(eta: FloatArray, yes: FloatArray, trials: FloatArray) -> float:
    return float(yes @ eta - trials @ np.logaddexp(0.0, eta))


def _step_back(
    eta: FloatArray, move: FloatArray, yes: FloatArray, trials: FloatArray, before: float
) -> tuple[float, float]:
    """Return the share of a step after which the likelihood is no lower than before, halved as often as needed."""
    share = 1.0
    for _ in range(_MAX_HALVINGS):
        found = _loglik(eta + share * move, yes, trials)
        if found >= before - 1e-12 * abs(before):
            return share, found
        share /= 2.0
    return 0.0, before


def fit_draws(
    design: Design, yes: FloatArray, trials: FloatArray, counts: NDArray[Any], start: FloatArray, workers: int = 1
) -> tuple[FloatArray, Flags]:
    """Fit the model to every draw of a block.

    Parameters
    ----------
    design : Design
        The full data's.
    yes, trials : ndarray, shape (m,)
        Of one of each row.
    counts : ndarray, shape (draws, m)
        How often each row is in each draw.
    start : ndarray, shape (p,)
        The full data's coefficients of the basis.
    workers : int
        Threads; the numbers are the same bit for bit whatever it is.

    Returns
    -------
    turned : ndarray, shape (draws, p)
        Coefficients of the basis.
    reached : ndarray of bool, shape (draws,)
        False for draws without an answer, whose coefficients are not to be used.
    """
    n, (m, p) = counts.shape[0], design.basis.shape
    b, reached = np.tile(start, (n, 1)), np.zeros(n, dtype=bool)
    if p >= _MANY_COLUMNS and m >= _ROWS_A_COLUMN * p:
        b, reached = walk_chords(design.basis, yes, trials, counts, start, _CHORD_ACCURACY, workers)
    rest = np.flatnonzero(~reached)
    if rest.size:
        b[rest], reached[rest] = _fit_jointly(design, yes, trials, counts[rest], start)
    return b, reached


def _fit_jointly(
    design: Design, yes: FloatArray, trials: FloatArray, counts: NDArray[Any], start: FloatArray
) -> tuple[FloatArray, Flags]:
    """Fit draws by Newton's steps together, and those that do not get there so one by one; see `fit_draws`."""
    n = counts.shape[0]
    b = np.tile(start, (n, 1))
    reached = np.zeros(n, dtype=bool)
    table = np.ascontiguousarray(counts.T, dtype=np.float64)
    both = (table.T @ yes > 0) & (table.T @ (trials - yes) > 0)
    rows = np.flatnonzero(both)
    for _ in range(_JOINT_STEPS):
        if not rows.size:
            break
        step, largest = _joint_step(design.basis, yes, trials, table if rows.size == n else table[:, rows], b[rows])
        b[rows] += step
        done = largest <= _SMALL_STEP
        reached[rows[done]] = True
        rows = rows[~done & np.isfinite(largest) & (largest < 1e3)]
    for i in np.flatnonzero(both & ~reached):
        alone = fit_logistic(design, table[:, i] * yes, table[:, i] * trials, start)
        b[i], reached[i] = alone.turned, alone.status == "reached"
    return b, reached


def _joint_step(
    z: FloatArray, yes: FloatArray, trials: FloatArray, table: FloatArray, b: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return one Newton step of every draw, shape (draws, p), and how far it moves any log-odds.

    The information of all draws is one product of their weights with the products of all pairs of columns.
    """
    p = z.shape[1]
    one, two = np.triu_indices(p)
    score: FloatArray = np.zeros_like(b)
    pairs = np.zeros((b.shape[0], one.size))
    length = max(64, _NUMBERS_AT_ONCE // max(one.size, b.shape[0]))
    for begin in range(0, z.shape[0], length):
        part = z[begin : begin + length]
        chance, other = chances(part @ b.T)
        count = table[begin : begin + length]
        tried = trials[begin : begin + length, None]
        score = score + (count * (yes[begin : begin + length, None] - tried * chance)).T @ part
        pairs += (count * (tried * chance * other)).T @ (part[:, one] * part[:, two])
    information = np.empty((b.shape[0], p, p))
    information[:, one, two] = information[:, two, one] = pairs
    information[:, np.arange(p), np.arange(p)] += _RIDGE * (trials @ table)[:, None]
    step = np.linalg.solve(information, score[:, :, None])[:, :, 0].astype(np.float64, copy=False)
    return step, np.abs(z @ step.T).max(axis=0).astype(np.float64, copy=False)


def draws_together(rows: int) -> int:
    """Return how many draws of so many rows make a block; nothing else decides it."""
    return max(16, _NUMBERS_AT_ONCE // max(rows, 1))
