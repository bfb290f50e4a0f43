"""What would be expected of each episode by its case mix, whoever treated it.

A model of the outcome on facts known when the episode starts, without any term for the unit: logistic for a yes or no,
linear for pseudo-observations. Its sum over a unit's episodes is what the clinics together would have had with these
patients. Facts are taken whole, the most important first, while there are ten episodes with the outcome (or without,
where these are fewer) to a column. What is not recorded is a level of its own.

What such a model cannot do: where a unit alone sees a kind of patient, the model takes the unit's own results for what
these patients bring, and finds nothing unexpected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import HUNDREDTHS
from outcomes.errors import NotEstimable
from outcomes.estimators.linear import build_columns, solve_least_squares
from outcomes.estimators.logistic import chances, fit_logistic
from outcomes.estimators.orthogonal import build_design
from outcomes.questions.adjustment import LEAST_IN_ARM, make_numbers
from outcomes.questions.covariates import Block, build_factors, choose_columns, coarsen, stack_blocks
from outcomes.questions.joint_columns import pool_small
from outcomes.questions.results import FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

FACTS = ("chronicity", "previous_episodes", "radiation", "baseline_nrs", "region", "age", "cause", "sex", "paresthesia")
EVENTS_PER_COLUMN = 10


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of n episodes.

    Attributes
    ----------
    values : ndarray, shape (n,)
        Their mean is that of the outcome.
    used, left : tuple of Block
        Facts in the model, and those there was no room for.
    model : str
        ``logistic``, ``linear`` or ``mean``, where no fact varies or there is room for none.
    """

    values: FloatArray
    used: tuple[Block, ...]
    left: tuple[Block, ...]
    model: str


def expect(
    episodes: Episodes, episode: IntArray, values: FloatArray, is_yes_no: bool, n_events: int | None = None
) -> Expected:
    """Fit the model and return what it expects of each episode.

    Parameters
    ----------
    episodes : Episodes
    episode : ndarray of int, shape (n,)
        Rows of the episode table.
    values : ndarray, shape (n,)
        The outcome.
    is_yes_no : bool
    n_events : int, optional
        Episodes seen with the outcome, which the number of columns follows; all of them for a measured outcome.

    Raises
    ------
    NotEstimable
        A level of a fact tells the outcome exactly, or the model does not converge.
    """
    rarer = values.size if n_events is None else min(n_events, values.size - n_events)
    used, left = choose_columns(build_blocks(episodes, episode), rarer // EVENTS_PER_COLUMN)
    if not used:
        return Expected(np.full(values.size, values.mean()), (), tuple(left), "mean")
    X = stack_blocks(used, values.size)
    fitted = _fit_logistic(X, values) if is_yes_no else values - solve_least_squares(build_columns(X), values).residual
    return Expected(fitted, tuple(used), tuple(left), "logistic" if is_yes_no else "linear")


def build_blocks(episodes: Episodes, episode: IntArray) -> list[Block]:
    """Return the facts of case mix, the most important first."""
    nrs = episodes.columns["baseline"][episode] / HUNDREDTHS
    first = [make_numbers("baseline", "First pain rating", baseline=nrs, baseline_squared=nrs**2)]
    factors = [coarsen(factor) for factor in build_factors(episodes, episode, FACTS, 1)]
    pooled = (pool_small(factor, LEAST_IN_ARM) for factor in factors)
    # Where a first rating is missing its bands say so; numbers would take the mark of the missing for a rating.
    return [*(first if (nrs >= 0).all() else []), *(Block.of(factor) for factor in pooled if factor is not None)]


def _fit_logistic(X: FloatArray, yes: FloatArray) -> FloatArray:
    columns = np.column_stack([np.ones(yes.size), X])
    fit = fit_logistic(build_design(columns, np.ones(yes.size), constants=1), yes, np.ones(yes.size))
    if fit.status != "reached":
        why = "a fact tells exactly who had the outcome" if fit.status == "separated" else "it did not converge"
        raise NotEstimable(f"What is to be expected of each episode cannot be estimated: {why}.")
    return chances(fit.log_odds)[0]
