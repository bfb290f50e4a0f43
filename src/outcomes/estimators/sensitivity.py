"""What a comparison would have to have missed, mixed up or been too small for.

Three plain calculations beside a comparison of two shares, none of which looks at the data again: how strong a cause
that nobody recorded would have to be (`e_value`), how large the difference would be if the exposure were recorded
without error (`correct_misclassification`), and how large a difference groups of these sizes show at all
(`detectable_difference`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    check_level,
    check_numbers,
    check_share,
    normal_quantile,
    read_number,
    refuse_where,
    refused,
)


@dataclass(frozen=True, slots=True)
class EValue:
    """How strong an unrecorded cause would have to be.

    Attributes
    ----------
    estimate : float
        To explain the ratio away altogether, 1 or more.
    limit : float
        To move the limit nearest 1 to 1; 1 where the interval holds 1 already.
    """

    estimate: float
    limit: float


@dataclass(frozen=True, slots=True)
class DetectableDifference:
    """The smallest differences of two shares that are shown with a given power.

    Attributes
    ----------
    up, down : float
        Above 0 and below 0, from the other group's share; NaN where that would pass 1 or 0.
    power, level : float
    """

    up: float
    down: float
    power: float
    level: float


def e_value(ratio: float, low: float, high: float) -> EValue:
    """Return the E-values of a risk ratio and of its interval (VanderWeele and Ding 2017, doi:10.7326/M16-2607).

    With E = 2, say: something unrecorded that is twice as common (as a ratio) in one group as in the other, and that
    doubles the risk itself, both beyond all that is adjusted for, could make the ratio out of nothing; anything weaker
    could not. ``E = RR + sqrt(RR (RR - 1))``; a ratio below 1 is inverted first.

    Parameters
    ----------
    ratio, low, high : float
        A ratio of risks and its confidence limits, 0 or more; `low` may be 0 and `high` may be ``inf``.

    Raises
    ------
    InputRefused
        E767 a ratio that is not a number above 0, or limits that are not numbers around it.
    """
    estimate, lower, upper = read_number(ratio), read_number(low), read_number(high)
    if not 0 < estimate < np.inf:
        raise refused("E767", "ratio", "must be one number above 0.")
    if not 0 <= lower <= estimate <= upper:
        raise refused("E767", "low and high", "must be numbers around the ratio, 0 or more.")
    nearest = 1.0 if lower <= 1.0 <= upper else (lower if lower > 1.0 else upper)
    return EValue(_e_value(estimate), _e_value(nearest))


def _e_value(ratio: float) -> float:
    above = ratio if ratio >= 1 else 1.0 / ratio
    return float(above + np.sqrt(above) * np.sqrt(above - 1.0))


def correct_misclassification(
    difference: ArrayLike, sensitivity: float, specificity: float, share_exposed: float | None = None
) -> FloatArray:
    """Return differences as they would be, were all recorded as what they are.

    Errors are taken to have nothing to do with what is compared (non-differential). An outcome that is found in
    `sensitivity` of those who have it, and denied in `specificity` of those who have not, shows
    ``sensitivity + specificity - 1`` of every difference of shares, so ``d / (Se + Sp - 1)`` is the true one.

    An error in who was exposed costs more, the rarer the exposure or its absence. With p the share recorded as exposed
    and ``P = (p + Sp - 1) / (Se + Sp - 1)`` the share truly exposed (Rogan and Gladen 1978,
    doi:10.1093/oxfordjournals.aje.a112510), the record shows ``(Se + Sp - 1) P (1 - P) / (p (1 - p))`` of the
    difference. Where p is one half and both errors are equally common the two answers are the same; otherwise give
    `share_exposed`.

    Parameters
    ----------
    difference : array_like, shape (k,) or a number
        Of shares (for an error in the exposure also of means), or its limits.
    sensitivity, specificity : float
        From 0 to 1.
    share_exposed : float, optional
        p, where it is the exposure that is recorded with error; without it the first of the two answers is given.

    Returns
    -------
    ndarray, shape (k,)

    Raises
    ------
    InputRefused
        E768 not numbers from 0 to 1, or a share exposed that is not between.
    NotEstimable
        Sensitivity and specificity sum to 1 or less: such a record says nothing, or the opposite; or the share exposed
        is not possible with them.
    """
    d = check_numbers("difference", difference, allow_scalar=True)
    one, other = _check_rate("sensitivity", sensitivity), _check_rate("specificity", specificity)
    left = one + other - 1.0
    if left <= 0:
        raise NotEstimable(
            "The difference cannot be corrected: with a sensitivity and specificity that sum to 1 or less the record "
            "says nothing of what it is about, or the opposite."
        )
    if share_exposed is None:
        return d / left
    recorded = check_share("share_exposed", share_exposed, "E768", 0.3)
    truly = (recorded + other - 1.0) / left
    if not 0.0 < truly < 1.0:
        raise NotEstimable(
            "The difference cannot be corrected: with this sensitivity and specificity so many, or so few, could not "
            "have been recorded as exposed."
        )
    return d * recorded * (1.0 - recorded) / (left * truly * (1.0 - truly))


def _check_rate(name: str, value: object) -> float:
    number = read_number(value)
    if not 0.0 <= number <= 1.0:
        raise refused("E768", name, "must be one number from 0 to 1.")
    return number


def find_detectable(std_err: ArrayLike, level: float = 0.95, power: float = 0.8) -> FloatArray:
    """Return the smallest differences that are told from none with a given power, by their standard errors.

    ``(z1 + z2) std_err``, z1 of the level and z2 of the power: of an estimate that is normal, whatever it rests on.

    Parameters
    ----------
    std_err : array_like, shape (k,)
    level : float
        One minus the size of the test.
    power : float
        0.5 or more, and below 1.

    Raises
    ------
    InputRefused
        E764 a standard error below 0; E769 a power outside 0.5 to 1.
    """
    from scipy.special import ndtri

    errors, chance = check_numbers("std_err", std_err, allow_scalar=True), read_number(power)
    refuse_where(errors < 0, "E764", "std_err", "is below 0.")
    if not 0.5 <= chance < 1.0:
        raise refused("E769", "power", "must be from 0.5 to below 1.")
    reach: FloatArray = errors * (normal_quantile(check_level(level)) + ndtri(chance))
    return reach


def detectable_difference(
    n_one: float, n_other: float, share_other: float, power: float = 0.8, level: float = 0.95
) -> DetectableDifference:
    """Return the smallest differences of two shares that groups of given sizes show with a given power.

    The normal formula for a two-sided test of two shares p and q of sizes m and n (Fleiss, Levin and Paik 2003,
    doi:10.1002/0471445428, chapter 4), without a correction for continuity::

        |p - q| = z1 sqrt(r (1 - r) (1/m + 1/n)) + z2 sqrt(p (1 - p) / m + q (1 - q) / n),   r = (m p + n q) / (m + n)

    It is R's ``power.prop.test`` where the sizes are equal, and is solved for p on both sides of q.

    Parameters
    ----------
    n_one, n_other : float
        Sizes of the groups, above 0; real numbers are allowed (effective sizes).
    share_other : float
        q, from 0 to 1.
    power : float
        0.5 or more, and below 1.
    level : float
        One minus the size of the test.

    Raises
    ------
    InputRefused
        E769 a size that is not a number above 0, a share outside 0 to 1, or a power outside 0.5 to 1.
    """
    sizes = _check_size("n_one", n_one), _check_size("n_other", n_other)
    share, chance, confidence = read_number(share_other), read_number(power), check_level(level)
    if not 0.0 <= share <= 1.0:
        raise refused("E769", "share_other", "must be one number from 0 to 1.")
    if not 0.5 <= chance < 1.0:
        raise refused("E769", "power", "must be one number from 0.5 to 1, for example 0.8.")
    up = _smallest_step(*sizes, share, chance, confidence)
    # Downwards is upwards for those without the event.
    down = -_smallest_step(*sizes, 1.0 - share, chance, confidence)
    return DetectableDifference(up, down, chance, confidence)


def _check_size(name: str, value: object) -> float:
    number = read_number(value)
    if not 0.0 < number < np.inf:
        raise refused("E769", name, "must be one number above 0.")
    return number


def _smallest_step(m: float, n: float, share: float, power: float, level: float) -> float:
    """Return the smallest detectable step up from a share, NaN if that would pass 1."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z1, z2 = normal_quantile(level), ndtri(power)

    def beyond(step: float) -> float:
        p = min(share + step, 1.0)
        r = (m * p + n * share) / (m + n)
        by_chance = z1 * np.sqrt(r * (1.0 - r) * (1.0 / m + 1.0 / n))
        return float(step - by_chance - z2 * np.sqrt(p * (1.0 - p) / m + share * (1.0 - share) / n))

    # What chance does is concave in the step, so there is one place where the step passes it, if any. From a share of 0
    # a step of 0 is as large as its chance; the search begins above that, and far below any answer.
    least = 1e-9 * min(1.0, 1.0 / m + 1.0 / n)
    if share >= 1.0 or beyond(1.0 - share) < 0.0:
        return float("nan")
    return float(brentq(beyond, least, 1.0 - share, xtol=1e-15, rtol=1e-14))
