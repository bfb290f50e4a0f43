"""What the Python peers need to compare two treatments in one draw of patients: statsmodels for who was treated.

A loop over draws that somebody would write: rows drawn become weights of the logit, the weights of the distinct
intervals of each arm are added up, and a curve is fitted to them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import statsmodels.api as sm

from estimate_job import DAYS, Columns, PatientDraws, design, rows_drawn

Curve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def fit_propensity(X: np.ndarray, treated: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Chance of being treated of each row, from the rows drawn."""
    table = sm.add_constant(X, has_constant="add")
    rows = np.repeat(np.arange(treated.size), drawn.astype(np.intp))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(sm.Logit(treated[rows], table[rows]).fit(disp=False, tol=1e-10).predict(table))


def prepare(columns: Columns) -> dict[str, Any]:
    """The table, and each arm's distinct intervals with the place of its rows among them."""
    arms = []
    for side in (0, 1):
        own = np.flatnonzero(columns["treated"] == side)
        right = columns["right"][own]
        pairs, place = np.unique(
            columns["left"][own] + 1j * np.where(np.isfinite(right), right, -1), return_inverse=True
        )
        arms.append((own, pairs.real, np.where(pairs.imag < 0, np.inf, pairs.imag), place))
    return {"X": design(columns), "treated": columns["treated"], "arms": arms, "draw": PatientDraws(columns)}


def compare(ready: dict[str, Any], drawn: np.ndarray, curve: Curve) -> list[np.ndarray]:
    """Share with the event by each day, in the control and in the treated."""
    propensity = fit_propensity(ready["X"], ready["treated"], drawn)
    weights = drawn * np.where(ready["treated"] > 0, 1 - propensity, propensity)
    shares = []
    for own, left, right, place in ready["arms"]:
        weight = np.bincount(place, weights=weights[own], minlength=left.size)
        there = weight > 0
        shares.append(curve(left[there], right[there], weight[there]))
    return shares


def read_drawn(columns: Columns, curve: Curve) -> dict[str, Any]:
    """Both curves of the draw every tool is compared on."""
    shares = compare(prepare(columns), rows_drawn(columns), curve)
    return {f"drawn_share_{side}": share for side, share in enumerate(shares, start=1)}


__all__ = ["DAYS", "compare", "fit_propensity", "prepare", "read_drawn"]
