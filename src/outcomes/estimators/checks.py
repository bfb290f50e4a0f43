"""What every estimator asks of its arguments, refused by name and position, never by value."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Real
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import Finding, InputRefused, NotEstimable

FloatArray = NDArray[np.float64]
_SHOWN = 5

# Timestamps and time spans of pandas are dates and time spans of Python; NumPy's spans call themselves integers.
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
_NUMBERS = (Real, Decimal, np.bool_)
# Beyond these, squares and products of sums of weights leave the range of doubles.
LARGEST_SUM = 1e100
_SMALLEST_WEIGHT = 1e-100
# The curves take two sums of weights that differ by less than this share of the total for the same sum.
_SMALLEST_SHARE = 1e-12


def open_mask(values: object) -> object:
    """Return a masked array with None where it is masked; `numpy.asarray` would give the number beneath the mask."""
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return values
    opened = np.asarray(values.data, dtype=object).copy()
    opened[np.asarray(values.mask)] = None
    return opened


def check_array(name: str, values: object) -> NDArray[Any]:
    """Return `values` as an array of numbers of any shape, whole numbers in their own type, or refuse.

    Parameters
    ----------
    name : str
        The argument's name, as the message should print it.
    values : array_like
        Numbers or booleans, also as Python objects; None counts as NaN, and so does what is masked.

    Raises
    ------
    InputRefused
        E601 text, complex numbers or anything else that is no number; E617 dates or time spans.
    """
    try:
        array = np.asarray(open_mask(values))
        if array.dtype.kind == "O":
            _refuse_kinds(name, set(map(type, array.ravel().tolist())))
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        what = "holds lists of different lengths, or something that is not a number; give numbers."
        raise refused("E601", name, what) from None
    if array.dtype.kind in "iub":
        return array
    if array.dtype.kind != "f":
        _refuse_kinds(name, {date if array.dtype.kind in "mM" else array.dtype.type})
    return array.astype(np.float64, copy=False)


def _refuse_kinds(name: str, kinds: set[type]) -> None:
    """Refuse an argument that holds a type that is no number; dates and text say what they are."""
    for kind in sorted(kinds, key=lambda kind: not issubclass(kind, (*_DATES, str, bytes))):
        if issubclass(kind, _DATES):
            what = "holds dates or time spans; numbers are needed. Convert to whole days first."
            raise refused("E617", name, what)
        if issubclass(kind, (str, bytes)):
            raise refused("E601", name, "holds text, which is not a number. Convert to numbers first.")
        if not issubclass(kind, (*_NUMBERS, type(None))):
            raise refused("E601", name, "holds something that is not a number; real numbers are needed.")


def check_numbers(
    name: str, values: object, length: int | None = None, allow_infinite: bool = False, allow_scalar: bool = False
) -> FloatArray:
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
    allow_scalar : bool
        Whether one number stands for an array of one.

    Raises
    ------
    InputRefused
        Not numbers, not one-dimensional, another length, NaN, or infinite where that means nothing.
    """
    array = check_counts(name, values, length, allow_infinite, allow_scalar)
    return array if array.dtype == np.float64 else array.astype(np.float64)


def check_counts(
    name: str, values: object, length: int | None = None, allow_infinite: bool = False, allow_scalar: bool = False
) -> NDArray[Any]:
    """Do as `check_numbers`, but leave whole numbers in their own type: counting needs no floats."""
    array = check_array(name, values)
    if allow_scalar:
        array = np.atleast_1d(array)
    if array.ndim != 1:
        raise refused("E602", name, f"has {array.ndim} dimensions; one is needed.")
    if length is not None and array.size != length:
        raise refused("E603", name, f"has {array.size} entries, the others have {length}; they must be aligned.")
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    if array.dtype.kind != "f" or all_finite(array):
        return array
    refuse_where(np.isnan(array), "E604", name, "is not a number (NaN).")
    if not allow_infinite:
        refuse_where(np.isinf(array), "E605", name, "is infinite.")
    return array


def check_days(name: str, days: ArrayLike) -> FloatArray:
    """Return days, shape (k,), from an array or a number, or refuse negative ones (E614) and what is no number."""
    at = check_numbers(name, days, allow_scalar=True)
    refuse_where(at < 0, "E614", name, "is negative.")
    return at


def check_columns(
    name: str, values: object, rows: int | None = None, columns: int | None = None, code: str = "E602", remedy: str = ""
) -> NDArray[Any]:
    """Return a table of finite numbers, shape (n, p), whole numbers in their own type, or refuse.

    Parameters
    ----------
    name : str
    values : array_like, shape (n, p)
        A column of a mixed table that holds no numbers is named as ``name[:, j]``.
    rows, columns : int, optional
        n and p, where they are known.
    code, remedy : str
        Of the refusal of what has not two dimensions.

    Raises
    ------
    InputRefused
        Not two dimensions, not the rows (E603) or columns (E603) asked for, and what `check_numbers` refuses.
    """
    try:
        array = np.asarray(open_mask(values))
    except ValueError:
        raise refused("E601", name, "holds rows of different lengths; give a table of numbers.") from None
    if array.ndim != 2:
        raise refused(code, name, f"has {array.ndim} dimensions; a table of rows and columns is needed.", remedy)
    if rows is not None and array.shape[0] != rows:
        what = f"has {array.shape[0]} rows; one row for each of the {rows} values is needed: they must be aligned."
        raise refused("E603", name, what)
    if columns is not None and array.shape[1] != columns:
        raise refused("E603", name, f"has {array.shape[1]} columns; {columns} are needed.")
    if array.dtype.kind not in "iubf" or not all_finite(array):
        checked = [check_numbers(f"{name}[:, {j}]", column) for j, column in enumerate(array.T)]
        return np.column_stack(checked) if checked else np.empty(array.shape)
    return array if array.dtype.kind in "iu" else array.astype(np.float64, copy=False)


def all_finite(array: NDArray[Any]) -> bool:
    """Whether the sum is finite: one pass without a temporary. False may also mean that the sum is too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()))


def check_weights(weights: ArrayLike | None, length: int, name: str = "weights") -> FloatArray:
    """Return the weights, ones when none are given.

    Raises
    ------
    InputRefused
        A weight is negative, NaN, infinite, or the lengths differ. E618 weights above 1e100 in sum; E619 a weight above
        0 but below 1e-12 of the sum, or below 1e-100: in sums of doubles it would be lost.
    NotEstimable
        There are no rows, or every weight is zero.
    """
    if length == 0:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    if weights is None:
        return np.ones(length)
    array = check_numbers(name, weights, length)
    lowest = array.min()
    if lowest < 0:
        refuse_where(array < 0, "E606", name, "is negative.")
    with np.errstate(over="ignore"):
        total = array.sum()
    if total == 0:
        raise NotEstimable("Nothing to estimate from: every weight is zero.")
    if total > LARGEST_SUM:
        what = f"is too large: weights may sum to {LARGEST_SUM:g} at most. Divide all of them by one number."
        refuse_where(array > LARGEST_SUM / length, "E618", name, what)
    floor = max(_SMALLEST_WEIGHT, _SMALLEST_SHARE * total)
    if lowest < floor:
        what = f"is above 0 but below {_SMALLEST_SHARE:g} of the sum, or below {_SMALLEST_WEIGHT:g}, and would be lost "
        refuse_where((array > 0) & (array < floor), "E619", name, what + "beside the others. Set it to 0.")
    return array


def read_number(value: object) -> float:
    """Return one number, ``inf`` included; NaN for everything that is not one real number."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_, *_DATES)) or not isinstance(value, _NUMBERS):
        return float("nan")
    try:
        return float(value)
    except (OverflowError, ValueError):
        return float("nan")


def check_number(name: str, value: object) -> float:
    """Return one finite number, or refuse: E620 not one number, and what `check_numbers` refuses."""
    if check_array(name, value).ndim != 0:
        raise refused("E620", name, "must be one number.")
    return float(check_numbers(name, value, allow_scalar=True)[0])


def check_whole(name: str, value: object, code: str, least: int, most: int | None = None) -> int:
    """Return one whole number from `least` to `most`, or refuse anything else."""
    number = read_number(value)
    if not (number >= least and (most is None or number <= most) and number.is_integer()):
        span = f"{least} or more" if most is None else f"{least} to {most}"
        raise refused(code, name, f"must be one whole number, {span}.")
    return int(number)


def check_share(name: str, value: object, code: str, example: float) -> float:
    """Return one number inside (0, 1), or refuse anything else."""
    number = read_number(value)
    if not 0.0 < number < 1.0:
        raise refused(code, name, f"must be one number and lie between 0 and 1, for example {example:g}.")
    return number


def check_level(level: object) -> float:
    """Return the confidence level, or refuse one outside (0, 1), for example 95 written for 0.95."""
    return check_share("level", level, "E607", 0.95)


def normal_quantile(level: float) -> float:
    """Return how many standard errors a two-sided normal interval of this level reaches to each side."""
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def refuse_where(faulty: NDArray[Any] | np.bool_, code: str, name: str, what: str) -> None:
    """Raise `InputRefused` naming the first positions (0-based) at which `faulty` is true."""
    if not faulty.any():
        return
    positions = np.flatnonzero(faulty)
    shown = ", ".join(str(i) for i in positions[:_SHOWN]) + (", ..." if positions.size > _SHOWN else "")
    raise refused(code, name, f"{what} Entries at fault: {positions.size}; positions {shown} (counted from 0).")


def refused(code: str, name: str, what: str, remedy: str = "") -> InputRefused:
    """Return the refusal of an argument, to be raised."""
    return InputRefused(f"The argument '{name}' cannot be used.", [Finding(code, what, name, remedy)])
