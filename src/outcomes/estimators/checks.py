"""What every estimator asks of its arrays, refused by name and position, never by value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import Finding, InputRefused, NotEstimable

FloatArray = NDArray[np.float64]
_SHOWN = 5


def check_numbers(name: str, values: ArrayLike, length: int | None = None, allow_infinite: bool = False) -> FloatArray:
    """Return `values` as a float array of shape (n,), or refuse.

    Parameters
    ----------
    name : str
        The argument's name, as the message should print it.
    values : array_like, shape (n,)
        Numbers or booleans.
    length : int, optional
        The length the other arguments have.
    allow_infinite : bool
        Whether ``inf`` is a value (a right end that was never seen).

    Raises
    ------
    InputRefused
        Not numbers, not one-dimensional, another length, NaN, or infinite where that means nothing.
    """
    array = check_counts(name, values, length, allow_infinite)
    return array if array.dtype == np.float64 else array.astype(np.float64)


def check_counts(name: str, values: ArrayLike, length: int | None = None, allow_infinite: bool = False) -> NDArray[Any]:
    """Do as `check_numbers`, but leave whole numbers in their own type: counting needs no floats."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "iub":
            array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise _refused("E601", name, "holds something that is not a number.") from None
    if array.ndim != 1:
        raise _refused("E602", name, f"has {array.ndim} dimensions; one is needed.")
    if length is not None and array.size != length:
        raise _refused("E603", name, f"has {array.size} entries, the others have {length}; they must be aligned.")
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    if array.dtype.kind != "f" or _all_finite(array):
        return array
    refuse_where(np.isnan(array), "E604", name, "is not a number (NaN).")
    if not allow_infinite:
        refuse_where(np.isinf(array), "E605", name, "is infinite.")
    return array


def _all_finite(array: FloatArray) -> bool:
    """Whether the sum is finite: one pass without a temporary. False may also mean that the sum is too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()))


def check_weights(weights: ArrayLike | None, length: int) -> FloatArray:
    """Return the weights, ones when none are given.

    Raises
    ------
    InputRefused
        A weight is negative, NaN, infinite, or the lengths differ.
    NotEstimable
        There are no rows, or every weight is zero.
    """
    if length == 0:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    if weights is None:
        return np.ones(length)
    array = check_numbers("weights", weights, length)
    if array.min() < 0:
        refuse_where(array < 0, "E606", "weights", "is negative.")
    if not array.any():
        raise NotEstimable("Nothing to estimate from: every weight is zero.")
    return array


def check_level(level: float) -> float:
    """Return the confidence level, or refuse one outside (0, 1), for example 95 written for 0.95."""
    if not 0.0 < level < 1.0:
        raise _refused("E607", "level", "must lie between 0 and 1, for example 0.95.")
    return float(level)


def refuse_where(faulty: NDArray[Any], code: str, name: str, what: str) -> None:
    """Raise `InputRefused` naming the first positions (0-based) at which `faulty` is true."""
    if not faulty.any():
        return
    positions = np.flatnonzero(faulty)
    shown = ", ".join(str(i) for i in positions[:_SHOWN]) + (", ..." if positions.size > _SHOWN else "")
    raise _refused(code, name, f"{what} Entries at fault: {positions.size}; positions {shown} (counted from 0).")


def _refused(code: str, name: str, what: str) -> InputRefused:
    return InputRefused(f"The argument '{name}' cannot be used.", [Finding(code, f"{name} {what}", name)])
