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
================================================  ============================================================

The generator is one of its own, seeded by the protocol: the state of numpy's global one is neither read nor moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.covariates import OTHER, Block, Factor, build_factors, choose_columns, coarsen
from outcomes.questions.joint_columns import pool_small
from outcomes.questions.results import NOT_RECORDED, FloatArray, IntArray

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
    def missing(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Where nothing was recorded, shape (n,)."""
        return np.isnan(self.place)

    def block(self, place: FloatArray) -> Block:
        """Columns of the fact with these places, shape (n,)."""
        return Block.of(replace(self.factor, codes=place.astype(np.intp)))


def find_factors(episodes: Episodes, rows: IntArray, names: Sequence[str]) -> list[Factor]:
    """Return facts as the model of all families takes them: coarse, and small levels pooled."""
    factors = [coarsen(factor) for factor in build_factors(episodes, rows, names, 1)]
    return [factor for factor in (pool_small(f, LEAST_IN_ARM) for f in factors) if factor is not None]


def find_gap(factor: Factor) -> Gap | None:
    """Return a fact with its gaps; None where it has none, or is of a kind that is not imputed."""
    recorded = [level for level in factor.levels if level != NOT_RECORDED]
    if NOT_RECORDED not in factor.levels or OTHER in recorded or len(recorded) < 2:
        return None
    order = ORDERS.get(factor.name, tuple(recorded) if len(recorded) == 2 else ())
    if not set(recorded) <= set(order):
        return None
    levels = tuple(level for level in order if level in recorded)
    place_of = np.array([levels.index(level) if level in levels else np.nan for level in factor.levels])
    place = place_of[factor.codes]
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
    for i in range(m):
        chain.update_all(BURN_IN if i == 0 else APART)
        yield [chain.data[f"g{j}"].to_numpy(dtype=np.float64).copy() for j in range(len(gaps))]


@dataclass(frozen=True, slots=True)
class Predictors:
    """Predictors of one fact with gaps: columns that never change, with their products, and where it was recorded.

    Attributes
    ----------
    seen, gone : ndarray, shape (recorded, p), (missing, p)
        Complete columns, the constant first, each divided by its length among the recorded.
    products : ndarray, shape (p, p)
        Of the columns `seen`.
    """

    seen: FloatArray
    gone: FloatArray
    products: FloatArray

    @classmethod
    def of(cls, complete: FloatArray, is_seen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Predictors:
        """Choose the columns and take their products once: the chain asks for them a hundred times."""
        table = _find_predictors(complete, is_seen)
        table = table / np.sqrt((table[is_seen] ** 2).sum(axis=0))
        seen = np.ascontiguousarray(table[is_seen])
        return cls(seen, np.ascontiguousarray(table[~is_seen]), seen.T @ seen)

    def draw(self, y: FloatArray, others: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw coefficients of the columns and of `others` (recorded, q), shape (p + q,)."""
        between = self.seen.T @ others
        products = np.block([[self.products, between], [between.T, others.T @ others]])
        return draw_coefficients(products, np.concatenate([self.seen.T @ y, others.T @ y]), float(y @ y), y.size, rng)

    def predict(self, params: FloatArray, parts: tuple[FloatArray, FloatArray], **_: Any) -> FloatArray:
        """Predictions from complete columns and the other facts, as the library asks a model for them."""
        columns, others = parts
        width = columns.shape[1]
        return np.asarray(columns @ params[:width] + others @ params[width:], dtype=np.float64)


def _make_chain(gaps: Sequence[Gap], complete: FloatArray, seed: int) -> Any:
    import pandas as pd
    from statsmodels.imputation.mice import MICEData

    names = [f"g{j}" for j in range(len(gaps))]
    known = {name: Predictors.of(complete, ~gap.missing) for name, gap in zip(names, gaps, strict=True)}

    class Chain(MICEData):  # type: ignore[misc]
        """The chain of statsmodels; its predictors are arrays, for as a formula sixty of them take minutes."""

        def _others(self, vname: str) -> FloatArray:
            others = [self.data[name].to_numpy(dtype=np.float64) for name in names if name != vname]
            return np.column_stack(others) if others else np.zeros((len(self.data), 0))

        def get_split_data(self, vname: str) -> tuple[Any, Any, Any, dict[str, Any], dict[str, Any]]:
            rows, missing, others = self.ix_obs[vname], self.ix_miss[vname], self._others(vname)
            y = self.data[vname].to_numpy(dtype=np.float64)[rows]
            return y, (known[vname].seen, others[rows]), (known[vname].gone, others[missing]), {}, {}

        def _perturb_gaussian(self, vname: str) -> None:
            y, parts = self.get_split_data(vname)[:2]
            self.models[vname] = known[vname]
            self.params[vname] = known[vname].draw(y, parts[1], self.rng)

        def _get_predicted(self, obj: Any) -> FloatArray:
            # Levels repeat, so that predictions tie; the last digits, which depend on how many cores multiply, must not
            # decide which of them are among the nearest.
            predicted: FloatArray = np.asarray(super()._get_predicted(obj), dtype=np.float64)
            return predicted.round(9)

    # A column without gaps keeps the rows in which all of the facts are missing: the library would leave them out.
    columns = {name: gap.place for name, gap in zip(names, gaps, strict=True)} | {"y": np.zeros(complete.shape[0])}
    return Chain(pd.DataFrame(columns), k_pmm=NEIGHBOURS, rng=np.random.default_rng(seed))


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
    """
    length = np.sqrt(np.diagonal(products))
    factor = np.linalg.cholesky(products / np.outer(length, length))
    coef = np.linalg.solve(factor.T, np.linalg.solve(factor, with_y / length))
    variance = max(y_squared - float(coef @ (with_y / length)), 0.0) / max(n - length.size, 1)
    drawn = np.linalg.solve(factor.T, rng.standard_normal(length.size))
    return np.asarray((coef + np.sqrt(variance) * drawn) / length, dtype=np.float64)


def _find_predictors(complete: FloatArray, seen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> FloatArray:
    """A constant and the complete columns that those before do not determine among the rows with the fact recorded.

    Boxes are left empty together: where one fact is recorded, that another is not may never occur.
    """
    names = tuple(str(j) for j in range(complete.shape[1]))
    blocks = [Block(name, "", (name,), complete[seen, j : j + 1]) for j, name in enumerate(names)]
    taken, _ = choose_columns(blocks, complete.shape[1])
    kept = [int(block.name) for block in taken]
    return np.column_stack([np.ones(complete.shape[0]), complete[:, kept]])
