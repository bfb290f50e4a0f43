"""Intervals by drawing patients again, with replacement (Efron and Tibshirani 1993, doi:10.1201/9780429246593).

A patient comes with all of his or her rows, because they resemble each other. Patients with the same rows are
interchangeable, so a draw is not a list of patients but a count for each class of patients, and a fit of a draw is a
fit with other weights on the same table. All draws are made from one seed before anything is fitted: the answer cannot
depend on how, or by how many workers, the fits are done.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    LARGEST_SUM,
    FloatArray,
    check_columns,
    check_counts,
    check_days,
    check_weights,
    check_whole,
    read_number,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import distinct
from outcomes.estimators.limits import bca_limits, interval_limits, percentile_limits, sup_t_band
from outcomes.estimators.npmle import Npmle, Patterns, find_cells, maximise
from outcomes.estimators.refits import Layout, refit

__all__ = [
    "bca_limits",
    "draw_counts",
    "drawn_counts",
    "interval_limits",
    "jackknife_counts",
    "npmle_draws",
    "percentile_limits",
    "sup_t_band",
]

IntArray = NDArray[np.intp]

# A draw moves the curve by whole points; its own fit need not be better than a millionth.
_GAP = 1e-7
# Draws are fitted together as long as a table of them has no more numbers than this: it stays in the cache. The blocks
# depend on nothing else, so the number of workers cannot change a number.
_NUMBERS_AT_ONCE = 60_000
# Draws counted together: enough of them for the product with the rows to run along memory, few enough to fit into it.
_COUNTED_AT_ONCE = 8_000_000
# A class of fewer patients than this is drawn patient by patient: one random number each is then the cheaper way.
_LARGE_CLASS = 16
# Draws are a dense table with a column for every pattern up to the highest: so many columns a row of the data, and so
# many more, are allowed.
_PATTERNS_A_ROW = 128
_PATTERNS_ANYWAY = 100_000


def draw_counts(
    pattern: ArrayLike,
    patient: ArrayLike,
    draws: int,
    seed: int | list[int],
    weights: ArrayLike | None = None,
) -> NDArray[Any]:
    """Draw patients with replacement and count the patterns of their rows.

    Parameters
    ----------
    pattern : array_like of int, shape (n,)
        Pattern of each row, a whole number, 0 or more; may be -1 where the weight is 0. The draws have a column for
        each number up to the highest: number patterns as they are counted (``counting.distinct``).
    patient : array_like of int, shape (n,)
        Patient of each row.
    draws : int
        Number of draws.
    seed : int or list of int
        Entropy of the generator, 0 or more.
    weights : array_like, shape (n,), optional
        Weight of each row, 0 or more; a drawn patient brings the weight of each of his or her rows.

    Returns
    -------
    ndarray, shape (draws, patterns)
        Rows of each pattern in each draw, int, or their weight, float, where weights were given. Every draw has as many
        patients as the data. The order of rows and the names of patients play no part.

    Raises
    ------
    InputRefused
        Unequal lengths, negative patterns or weights, E648 patterns that are not whole, E649 patterns above 100,000
        plus 128 times the rows, E642 fewer than one draw, E647 a seed that is no whole number.
    NotEstimable
        No rows, or every weight is zero.
    """
    blocks = drawn_counts(pattern, patient, draws, seed, weights)
    first = next(blocks)
    if first.shape[0] == draws:
        return first
    out = np.empty((draws, first.shape[1]), dtype=first.dtype)
    out[: first.shape[0]], begin = first, first.shape[0]
    for block in blocks:
        out[begin : begin + block.shape[0]] = block
        begin += block.shape[0]
    return out


def drawn_counts(
    pattern: ArrayLike,
    patient: ArrayLike,
    draws: int,
    seed: int | list[int],
    weights: ArrayLike | None = None,
) -> Iterator[NDArray[Any]]:
    """Yield what `draw_counts` returns some draws at a time, shape (block, patterns): not all need be held at once."""
    draws, entropy = check_whole("draws", draws, "E642", 1), _check_seed(seed)
    classes = _find_classes(pattern, patient, weights)
    order = np.lexsort((classes.of_class, classes.of_pattern))
    of_class, weight = classes.of_class[order], classes.weight[order]
    there, first = np.unique(classes.of_pattern[order], return_index=True)
    generator = np.random.default_rng(np.random.SeedSequence(entropy))
    # A pattern's count is at most the draws of a patient times that patient's rows: far from what 32 bits hold.
    kind: type = np.int32 if weights is None else np.float64
    together = max(1, min(64, _COUNTED_AT_ONCE // classes.patients.size))
    for drawn in _drawn_blocks(classes.patients, draws, together, generator):
        part = drawn.take(of_class, axis=1)
        part = part if weights is None else part * weight
        part = part if first.size == order.size else _sum_runs(part, first, kind)
        if there.size < classes.n_patterns:
            dense: NDArray[Any] = np.zeros((part.shape[0], classes.n_patterns), dtype=kind)
            dense[:, there] = part
            part = dense
        yield part


def _sum_runs(part: NDArray[Any], first: IntArray, kind: type) -> NDArray[Any]:
    """Sum the columns, shape (block, rows), from each first one to the next; what is a column of its own is taken."""
    length = np.diff(first, append=part.shape[1])
    many = np.flatnonzero(length > 1)
    if 4 * many.size > first.size:
        return np.asarray(np.add.reduceat(part, first, axis=1, dtype=kind))
    out = part.take(first, axis=1)
    begin = np.cumsum(length[many]) - length[many]
    columns = np.repeat(first[many] - begin, length[many]) + np.arange(length[many].sum())
    out[:, many] = np.add.reduceat(part.take(columns, axis=1), begin, axis=1, dtype=kind)
    return out


def _check_seed(seed: object) -> int | list[int]:
    """Return the seed, or refuse what is not one whole number, 0 or more, or a list of them."""
    given = seed.tolist() if isinstance(seed, np.ndarray) else seed
    many = given if isinstance(given, list | tuple) else [given]
    whole = [int(one) for one in many if isinstance(one, int | np.integer) and read_number(one) >= 0]
    if not whole or len(whole) < len(many):
        raise refused("E647", "seed", "must be a whole number, 0 or more, or a list of them.")
    return whole if many is given else whole[0]


def jackknife_counts(
    pattern: ArrayLike, patient: ArrayLike, weights: ArrayLike | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Count the patterns of all patients but one, for one patient of each class of patients with the same rows.

    Parameters
    ----------
    pattern, patient, weights
        As in `draw_counts`.

    Returns
    -------
    counts : ndarray, shape (c, patterns)
        A dense table: c is at most the number of patients.
    multiplicity : ndarray of int, shape (c,)
        Patients in each class.

    Raises
    ------
    InputRefused, NotEstimable
        As in `draw_counts`; also where there is one patient only.
    """
    classes = _find_classes(pattern, patient, weights)
    if classes.patients.sum() < 2:
        raise NotEstimable("Nothing is left when the only patient is left out.")
    content = classes.content()
    counts = (classes.patients @ content) - content.toarray()
    # Subtraction leaves dust where a pattern has only this patient's weight.
    return np.where(counts > 1e-12 * np.abs(counts).max(), counts, 0), classes.patients


@dataclass(frozen=True, slots=True)
class _Classes:
    """Classes of patients with the same rows: a table of their rows in three columns, and how many patients each has.

    ``of_class`` (rows,), ``of_pattern`` (rows,) and ``weight`` (rows,) hold the rows of one patient of each class.
    """

    of_class: IntArray
    of_pattern: IntArray
    weight: NDArray[Any]
    patients: NDArray[np.int64]
    n_patterns: int

    def content(self) -> Any:
        """Sparse table of classes by patterns."""
        from scipy.sparse import csr_array

        return csr_array((self.weight, (self.of_class, self.of_pattern)), shape=(self.patients.size, self.n_patterns))


def _find_classes(pattern: ArrayLike, patient: ArrayLike, weights: ArrayLike | None) -> _Classes:
    """Check the rows and sort patients into classes.

    The loops run over the number of rows a patient has, not over patients.
    """
    given = check_counts("pattern", pattern)
    who = check_counts("patient", patient, given.size)
    if not given.size:
        raise NotEstimable("Nothing to draw from: no rows were given.")
    weight: NDArray[Any]
    # 32 bits hold any count of rows and halve the memory the products go through.
    weight = np.ones(given.size, dtype=np.int32) if weights is None else check_weights(weights, given.size)
    kind = _check_patterns(given, weight)
    who_place = distinct(who)[1]
    # A patient whose rows all weigh nothing is still drawn, and brings nothing.
    n_rows = np.bincount(who_place[weight > 0], minlength=int(who_place.max()) + 1)
    order = np.lexsort((weight, kind, who_place) if weights is not None else (kind, who_place))
    order = order[weight[order] > 0]
    kind, weight = kind[order], weight[order]
    begin = np.cumsum(n_rows) - n_rows
    of_class, of_pattern, of_weight, patients = [], [], [], []
    made = 0
    for size in np.flatnonzero(np.bincount(n_rows)).tolist():
        rows = begin[n_rows == size][:, None] + np.arange(size)
        kinds, heavy = kind[rows], weight[rows]
        first, count = _same_rows([*kinds.T, *(heavy.T if weights is not None else [])], len(rows))
        of_class.append(np.repeat(np.arange(made, made + first.size), size))
        of_pattern.append(kinds[first].ravel())
        of_weight.append(heavy[first].ravel())
        patients.append(count)
        made += first.size
    return _Classes(
        np.concatenate(of_class),
        np.concatenate(of_pattern),
        np.concatenate(of_weight),
        np.concatenate(patients).astype(np.int64),
        max(int(kind.max()) + 1, 1),
    )


def _check_patterns(given: NDArray[Any], weight: NDArray[Any]) -> IntArray:
    """Return the patterns as places in a table, or refuse numbers that are none; rows without weight may be below 0."""
    if given.dtype.kind == "f":
        refuse_where(given != np.floor(given), "E648", "pattern", "is not a whole number.")
    if given.min() < 0:
        refuse_where((given < 0) & (weight != 0), "E641", "pattern", "is negative.")
    most = _PATTERNS_A_ROW * given.size + _PATTERNS_ANYWAY
    if given.max() > most:
        what = f"is too large: draws are a table with a column for each number up to the highest, at most {most} here. "
        refuse_where(given > most, "E649", "pattern", what + "Number the patterns 0, 1, 2, ... without gaps.")
    # Below -1 there are only rows without weight, whose number is never read.
    return np.maximum(given, -1).astype(np.intp) if given.dtype.kind == "f" else given.astype(np.intp)


def _same_rows(columns: list[NDArray[Any]], size: int) -> tuple[IntArray, IntArray]:
    """Return one row of each kind of equal rows, in the order of their content, and how many there are of each."""
    if not columns:
        return np.zeros(1, dtype=np.intp), np.array([size])
    order = np.lexsort(columns[::-1])
    new = np.zeros(size, dtype=bool)
    new[0] = True
    for column in columns:
        new[1:] |= np.diff(column[order]) != 0
    at = np.flatnonzero(new)
    return order[at], np.diff(at, append=size)


def _drawn_blocks(
    patients: NDArray[np.int64], draws: int, together: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int32]]:
    """Draw as many patients as there are; yields how many of each class, shape (block, classes), block by block.

    Large classes come out of one multinomial vector, with all small classes as its last entry; who of those was drawn
    is then settled patient by patient.
    """
    n = int(patients.sum())
    large, small = np.flatnonzero(patients >= _LARGE_CLASS), np.flatnonzero(patients < _LARGE_CLASS)
    chance = np.append(patients[large], patients[small].sum()) / n
    class_of = np.repeat(np.arange(small.size, dtype=np.int32), patients[small])
    for begin in range(0, draws, together):
        block = min(together, draws - begin)
        drawn = np.zeros((block, patients.size), dtype=np.int32)
        many = generator.multinomial(n, chance, size=block)
        drawn[:, large] = many[:, :-1]
        for i in range(block if class_of.size else 0):
            who = generator.integers(0, class_of.size, size=int(many[i, -1]), dtype=np.int32)
            drawn[i, small] = np.bincount(class_of[who], minlength=small.size)
        yield drawn


def npmle_draws(patterns: Patterns, fit: Npmle, counts: ArrayLike, days: ArrayLike, workers: int = 1) -> FloatArray:
    """Fit the interval-censored curve to every draw and read its lower bound at given times.

    Parameters
    ----------
    patterns : Patterns
        From `npmle.build_patterns` on the full data.
    fit : Npmle
        The full data's fit; every draw starts from it.
    counts : array_like, shape (draws, patterns)
        From `draw_counts` or `jackknife_counts` with ``patterns.row``; whole numbers or weights.
    days : array_like, shape (k,)
        0 or later.
    workers : int
        Threads to fit with; the numbers are the same bit for bit whatever it is.

    Returns
    -------
    ndarray, shape (draws, k)
        Share with the event by each time; mass counted at the end of its interval, as in `npmle.cdf_at`.

    Raises
    ------
    InputRefused
        A table of counts without the patterns' columns or with entries that are negative (E640) or not finite, fewer
        than one worker, bad times.
    NotEstimable
        A draw without any weight, or one whose fit does not reach its optimality condition.
    """
    at = check_days("days", days)
    workers = check_whole("workers", workers, "E644", 1)
    table = _check_table(counts, patterns.left.size)
    together = max(1, _NUMBERS_AT_ONCE // (patterns.left.size + at.size))
    parts = [table[begin : begin + together] for begin in range(0, table.shape[0], together)]
    layout = Layout.of(patterns, fit)
    if workers == 1:
        return np.concatenate([_fit_block(layout, part, at) for part in parts])
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(lambda part: _fit_block(layout, part, at), parts)))


def _check_table(counts: ArrayLike, patterns: int) -> NDArray[Any]:
    """Return the counts, shape (draws, patterns), or refuse them; positions are those of draws."""
    table = check_columns("counts", counts, columns=patterns)
    if not table.shape[0]:
        raise NotEstimable("There are no draws to fit.")
    if table.dtype.kind not in "iu":
        table = table.astype(np.float64, copy=False)
    if table.min() < 0:
        refuse_where((table < 0).any(axis=1), "E640", "counts", "holds a negative count.")
    if table.max() > LARGEST_SUM / patterns:
        what = f"holds counts that are too large: they may sum to {LARGEST_SUM:g} at most."
        refuse_where((table > LARGEST_SUM / patterns).any(axis=1), "E618", "counts", what)
    if not table.any(axis=1).all():
        raise NotEstimable("A draw has no weight: too few patients have rows that count.")
    return table


def _fit_block(layout: Layout, counts: NDArray[Any], at: FloatArray) -> FloatArray:
    """Fit some draws together, shape (block, k)."""
    order = np.argsort(at, kind="stable")
    # The first of the times at which a mass that ends at each value is counted.
    first_day = np.searchsorted(at[order], layout.patterns.values, side="left")
    mass, end, reached = refit(layout, counts, _GAP)
    size = at.size + 1
    slot = np.arange(mass.shape[0])[:, None] * size + first_day[end]
    steps = np.bincount(slot.ravel(), weights=mass.ravel(), minlength=mass.shape[0] * size)
    out = np.empty((counts.shape[0], at.size))
    out[:, order] = np.cumsum(steps.reshape(-1, size)[:, :-1], axis=1)
    for i in np.flatnonzero(~reached):
        out[i] = _fit_alone(layout.patterns, counts[i], at)
    return out


def _fit_alone(patterns: Patterns, count: NDArray[Any], at: FloatArray) -> FloatArray:
    """Fit one draw from the start every fit has: slower, and steadier where the joint steps got stuck."""
    there = np.flatnonzero(count)
    cells = find_cells(patterns.left_place[there], patterns.right_place[there])
    mass = maximise(cells, count[there].astype(np.float64), gap_wanted=_GAP)[0]
    total = np.concatenate([[0.0], np.cumsum(mass)])
    share: FloatArray = total[np.searchsorted(patterns.values[cells.right_place // 3], at, side="right")]
    return share
