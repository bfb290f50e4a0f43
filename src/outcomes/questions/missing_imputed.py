"""Imputed values for facts that were not recorded, by chained equations: which facts, and how.

`statsmodels.imputation.mice.MICEData` (van Buuren and Groothuis-Oudshoorn 2011, doi:10.18637/jss.v045.i03, for the
method): each incomplete fact in turn is regressed on everything else in the model, the outcome included, with
parameters drawn from their distribution, and each gap is filled with the value of one of the 20 recorded episodes whose
prediction is nearest (predictive mean matching). So only values that occur are put in, and nothing is taken to be
normal.

================================================  ============================================================
fact                                              is
================================================  ============================================================
numbers in bands, and levels with an order        imputed as their place in the order (`ORDERS`)
(duration, earlier episodes, radiation, age)
levels of which there are two (sex, tingling)     imputed as 0 or 1
levels without an order (cause, payer, region)    kept with *not recorded* as a level of its own: their place in a
                                                  list is no number, and matching on one would invent an order
any, on record for fewer than ten a column        kept likewise: their model would be one of chance
================================================  ============================================================

The generator is one of its own, seeded by the protocol: the state of numpy's global one is neither read nor moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.orthogonal import weighted_products
from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.covariates import OTHER, Block, Factor, build_factors, choose_columns, coarsen
from outcomes.questions.joint_columns import pool_small
from outcomes.questions.results import NOT_RECORDED, Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

ORDERS = {
    "chronicity": ("acute", "subacute", "chronic"),
    "radiation": ("none", "near", "far"),
    "previous_episodes": ("0", "1-2", "3 or more"),
    "age": ("under 30", "30-49", "50-69", "70 and over"),
}
BURN_IN, APART = 10, 2
"""Rounds of the chain before the first set is taken, and from one set to the next."""
NEIGHBOURS = 20
SAYS_THE_SAME = (
    "What was not recorded cannot be imputed: with the gaps filled, one fact of the model says the same as the others "
    "together."
)


_PIVOT = 1e-7


@dataclass(frozen=True, slots=True)
class Gap:
    """A fact with gaps that can be filled.

    Attributes
    ----------
    factor : Factor
        Without the level of what was not recorded.
    place : ndarray, shape (n,)
        Place of each episode's level in the order; NaN where not recorded.
    """

    factor: Factor
    place: FloatArray

    @property
    def missing(self) -> Flags:
        """Where nothing was recorded, shape (n,)."""
        return np.isnan(self.place)

    def block(self, place: FloatArray) -> Block:
        """Columns of the fact with these places, shape (n,)."""
        return Block.of(replace(self.factor, codes=place.astype(np.intp)))


def find_factors(episodes: Episodes, rows: IntArray, names: Sequence[str]) -> list[Factor]:
    """Return facts as the model of all families takes them: coarse, and small levels pooled."""
    factors = [coarsen(factor) for factor in build_factors(episodes, rows, names, 1)]
    return [factor for factor in (pool_small(f, LEAST_IN_ARM) for f in factors) if factor is not None]


def find_gap(factor: Factor, least: int = 1) -> Gap | None:
    """Return a fact with its gaps; None where it has none, is of a kind that is not imputed, or recorded for few.

    Parameters
    ----------
    factor : Factor
    least : int
        Episodes of which it must be on record.
    """
    recorded = [level for level in factor.levels if level != NOT_RECORDED]
    if NOT_RECORDED not in factor.levels or OTHER in recorded or len(recorded) < 2:
        return None
    order = ORDERS.get(factor.name, tuple(recorded) if len(recorded) == 2 else ())
    if not set(recorded) <= set(order):
        return None
    levels = tuple(level for level in order if level in recorded)
    place_of = np.array([levels.index(level) if level in levels else np.nan for level in factor.levels])
    place = place_of[factor.codes]
    if np.count_nonzero(~np.isnan(place)) < least:
        return None
    labels = tuple(factor.labels[factor.levels.index(level)] for level in levels)
    commonest = int(np.argmax(np.bincount(place[~np.isnan(place)].astype(np.intp), minlength=len(levels))))
    return Gap(replace(factor, levels=levels, labels=labels, codes=np.zeros(0, np.intp), reference=commonest), place)


def impute(gaps: Sequence[Gap], complete: FloatArray, m: int, seed: int) -> Iterator[list[FloatArray]]:
    """Fill the gaps m times.

    Parameters
    ----------
    gaps : sequence of Gap
    complete : ndarray, shape (n, p)
        Everything else of the model, and the outcome.
    m : int
    seed : int

    Yields
    ------
    list of ndarray, shape (n,)
        Places of each fact, whole.
    """
    chain = _make_chain(gaps, complete, seed)
    del complete  # of which the chain has a copy
    for i in range(m):
        chain.update_all(BURN_IN if i == 0 else APART)
        yield [chain.data[f"g{j}"].to_numpy(dtype=np.float64).copy() for j in range(len(gaps))]


@dataclass(frozen=True, slots=True)
class Predictors:
    """Predictors of one fact with gaps: columns that never change, with their products where the fact was recorded.

    Attributes
    ----------
    columns : ndarray, shape (n, p)
        The constant first. One table for all facts: of a large chain it fills 100 MB.
    kept : ndarray of int, shape (k,)
        Columns that those before do not determine among the rows with the fact recorded.
    products : ndarray, shape (k, k)
        Of the columns kept, among these rows.
    n : int
        Of these rows.
    """

    columns: FloatArray
    kept: IntArray
    products: FloatArray
    n: int

    @classmethod
    def of(cls, columns: FloatArray, is_seen: Flags) -> Predictors:
        """Choose the columns and take their products once: the chain asks for them a hundred times."""
        kept = _find_kept(columns, is_seen)
        products = weighted_products(columns, is_seen.astype(np.float64))[np.ix_(kept, kept)]
        return cls(columns, kept, products, int(is_seen.sum()))

    def predict_drawn(self, y: FloatArray, others: FloatArray, is_seen: Flags, rng: np.random.Generator) -> FloatArray:
        """Predictions of all rows by coefficients drawn from their distribution, shape (n,).

        Parameters
        ----------
        y : ndarray, shape (n,)
            The fact; what it is where it was not recorded plays no part.
        others : ndarray, shape (n, q)
            The other facts with gaps, as they are filled now.
        is_seen : ndarray of bool, shape (n,)
        rng : Generator
        """
        # Rows of zeros add nothing to a sum: nothing of the size of the table is copied.
        seen = np.where(is_seen[:, None], np.column_stack([others, y]), 0.0)
        between, own = (self.columns.T @ seen)[self.kept], seen.T @ seen
        products = np.block([[self.products, between[:, :-1]], [between[:, :-1].T, own[:-1, :-1]]])
        with_y = np.concatenate([between[:, -1], own[:-1, -1]])
        drawn = draw_coefficients(products, with_y, float(own[-1, -1]), self.n, rng)
        params = np.zeros(self.columns.shape[1])
        params[self.kept] = drawn[: self.kept.size]
        return np.asarray(self.columns @ params + others @ drawn[self.kept.size :], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the library takes for a fitted model: predictions of all rows, shape (n,), asked for by number."""

    values: FloatArray

    def predict(self, _: Any, rows: IntArray) -> FloatArray:
        """Return the predictions of some rows."""
        return self.values[rows]


def _make_chain(gaps: Sequence[Gap], complete: FloatArray, seed: int) -> Any:
    import pandas as pd

    names = [f"g{j}" for j in range(len(gaps))]
    table = np.column_stack([np.ones(complete.shape[0]), complete])
    known = {name: Predictors.of(table, ~gap.missing) for name, gap in zip(names, gaps, strict=True)}
    # A column without gaps keeps the rows in which all of the facts are missing: the library would leave them out.
    columns = {name: gap.place for name, gap in zip(names, gaps, strict=True)} | {"y": np.zeros(complete.shape[0])}
    return _chain_class()(known, pd.DataFrame(columns), k_pmm=NEIGHBOURS, rng=np.random.default_rng(seed))


@cache
def _chain_class() -> type[Any]:
    """The chain of statsmodels, which is loaded when it is needed.

    Its predictors are arrays, for as a formula sixty of them take minutes.
    """
    from statsmodels.imputation.mice import MICEData

    class Chain(MICEData):  # type: ignore[misc]
        def __init__(self, known: dict[str, Predictors], *arguments: Any, **options: Any) -> None:
            self.known = known
            super().__init__(*arguments, **options)

        def get_split_data(self, vname: str) -> tuple[Any, Any, Any, dict[str, Any], dict[str, Any]]:
            rows = self.ix_obs[vname]
            return self.data[vname].to_numpy(dtype=np.float64)[rows], rows, self.ix_miss[vname], {}, {}

        def _perturb_gaussian(self, vname: str) -> None:
            facts = {name: self.data[name].to_numpy(dtype=np.float64) for name in self.known}
            y, others = facts.pop(vname), list(facts.values())
            is_seen = np.zeros(y.size, dtype=np.bool_)
            is_seen[self.ix_obs[vname]] = True
            beside = np.column_stack(others) if others else np.zeros((y.size, 0))
            self.models[vname] = Predicted(self.known[vname].predict_drawn(y, beside, is_seen, self.rng))
            self.params[vname] = None

        def _get_predicted(self, obj: Any) -> FloatArray:
            # Levels repeat, so that predictions tie; the last digits, which depend on how many cores multiply, must not
            # decide which of them are among the nearest.
            predicted: FloatArray = np.asarray(super()._get_predicted(obj), dtype=np.float64)
            return predicted.round(9)

    return Chain


def draw_coefficients(
    products: FloatArray, with_y: FloatArray, y_squared: float, n: int, rng: np.random.Generator
) -> FloatArray:
    """Draw coefficients of a linear model from their normal distribution, shape (p,).

    As statsmodels' Gaussian perturbation, by a Cholesky factor in place of singular vectors: these turn round where two
    of them are as long, and the same seed would then give other draws on another machine.

    Parameters
    ----------
    products : ndarray, shape (p, p)
        ``X'X``; no column determined by others.
    with_y : ndarray, shape (p,)
        ``X'y``.
    y_squared : float
        ``y'y``.
    n : int
        Rows.
    rng : Generator

    Raises
    ------
    NotEstimable
        A fact as it is filled now is determined by the other columns.
    """
    length = np.sqrt(np.diagonal(products))
    try:
        factor = np.linalg.cholesky(products / np.outer(length, length))
    except np.linalg.LinAlgError as singular:
        raise NotEstimable(SAYS_THE_SAME) from singular
    # Of columns that say the same, rounding may leave a pivot of half the digits or fewer above 0.
    if np.diagonal(factor).min() < _PIVOT:
        raise NotEstimable(SAYS_THE_SAME)
    coef = np.linalg.solve(factor.T, np.linalg.solve(factor, with_y / length))
    variance = max(y_squared - float(coef @ (with_y / length)), 0.0) / max(n - length.size, 1)
    drawn = np.linalg.solve(factor.T, rng.standard_normal(length.size))
    return np.asarray((coef + np.sqrt(variance) * drawn) / length, dtype=np.float64)


def _find_kept(columns: FloatArray, is_seen: Flags) -> IntArray:
    """Numbers of the constant and the columns that those before do not determine among the rows with the fact recorded.

    Boxes are left empty together: where one fact is recorded, that another is not may never occur.
    """
    names = tuple(str(j) for j in range(1, columns.shape[1]))
    blocks = [Block(name, "", (name,), columns[is_seen, j : j + 1]) for j, name in enumerate(names, start=1)]
    taken, _ = choose_columns(blocks, columns.shape[1])
    return np.array([0, *(int(block.name) for block in taken)], dtype=np.intp)
