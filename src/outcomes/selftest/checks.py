"""One promise, what was measured, and whether it held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Check:
    """One promise that was put to the test.

    Attributes
    ----------
    promise : str
        In one sentence.
    measured, bound : str
        What came out, and what was promised.
    held : bool
    """

    promise: str
    measured: str
    bound: str
    held: bool


Proof = Callable[[], list[Check]]


def near(promise: str, ours: Any, theirs: Any, tolerance: float) -> Check:
    """Hold the largest distance of two arrays of one shape against a tolerance; a NaN on one side only never holds."""
    ours, theirs = (np.asarray(values, dtype=float) for values in (ours, theirs))
    if ours.shape != theirs.shape:
        return Check(promise, f"shapes {ours.shape} and {theirs.shape}", "the same shape", False)
    alike = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        distance = float(np.max(np.where(alike, 0.0, np.abs(ours - theirs)), initial=0.0))
    return Check(promise, f"differs by {distance:.1e}", f"at most {tolerance:.0e}", distance <= tolerance)


def between(promise: str, value: float, low: float, high: float) -> Check:
    """Hold a share, or a difference of shares, against a range."""
    return Check(promise, f"{value:.3f}", f"{low:.3f} to {high:.3f}", low <= value <= high)


def equal(promise: str, found: Any, wanted: Any) -> Check:
    """Hold two small things against each other that must be the same."""
    return Check(promise, f"{found}", f"{wanted}", bool(found == wanted))


def holds(promise: str, held: bool, measured: str) -> Check:
    """State what was looked at, and whether all of it was as promised."""
    return Check(promise, measured, "without exception", held)
