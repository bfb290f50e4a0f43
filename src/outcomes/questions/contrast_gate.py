"""The gate: a comparison of two arms is shown only if it can carry weight, and otherwise says what is missing.

===================  ================================================================================================
check                what it asks
===================  ================================================================================================
episodes             at least 30 in each arm, among those whose clinician (or clinic) gave both
events               at least 10 relieved by the horizon in each arm
clinicians (clinics) where there are several: at least two who treated some patients so and others not; a code at
                     several clinics counts once
followed             of each arm at least 20 episodes, and a tenth, known to be relieved or not at the horizon, and
                     somebody looked at as late; of both together enough still observed (`results.is_curve_stated`)
fit                  a model of who was treated that can be fitted
support              at least 30 episodes of each arm within the range of propensities of the other
effective size       at least 30 in each arm after weighting
balance              no standardised difference of 0.2 or more after weighting (0.1 or more is said)
===================  ================================================================================================

The checks are made in this order, and those after the first that fails only as far as they can be: one sentence goes to
the owner, the numbers to the researcher. The thresholds are the protocol's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.arm_balance import LARGEST_IMBALANCE, BalanceRow, find_worst
from outcomes.questions.results import Flags, FloatArray, is_curve_stated
from outcomes.questions.treating_units import Units
from outcomes.questions.treatment_arms import Arms

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

GATE_COLUMNS = ("contrast", "label", "check", "with_value", "without_value", "needed", "is_met", "reason")
NAN = float("nan")
_ONE_SIDED = "whoever treated so treated all patients so, and the others none: it cannot be told from the {}"
CLINIC, CLINICIAN = "clinic", "clinician"
_SAME = 1e-9
"""Probabilities of treatment that differ by less are the same; fitted ones of like facts do by 1e-16."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one comparison; `without_value` is NaN where there is one number for both arms."""

    check: str
    with_value: float
    without_value: float
    needed: float
    is_met: bool
    reason: str = ""


def check_before(everybody: Arms, arms: Arms, units: Units, horizon: int, protocol: Protocol) -> list[Check]:
    """Check what is known before anything is fitted.

    Parameters
    ----------
    everybody : Arms
        All eligible episodes.
    arms : Arms
        Of the episodes that `units` keeps.
    """
    floor, rows, arm = protocol.reporting_floor, arms.rows, arms.treated
    with_n, without_n = int(arm.sum()), int((~arm).sum())
    relieved = rows.right_days <= horizon
    with_events, without_events = int((relieved & arm).sum()), int((relieved & ~arm).sum())
    return [
        _two("episodes", with_n, without_n, floor.compare_min_episodes, _few_episodes(everybody, arms, units)),
        _two("events", with_events, without_events, floor.compare_min_events, _few_events(arms, horizon)),
        _clinicians(units),
        check_followed(arms, horizon, protocol),
    ]


def _two(check: str, with_value: float, without_value: float, needed: float, reason: str) -> Check:
    met = min(with_value, without_value) >= needed
    return Check(check, float(with_value), float(without_value), float(needed), met, "" if met else reason)


def _few_episodes(everybody: Arms, arms: Arms, units: Units) -> str:
    if not everybody.treated.any():
        return f"there is no episode {arms.with_words}"
    if everybody.treated.all():
        return f"there is no episode {arms.without_words}"
    if not units.names:
        return _one_sided(units)
    arm = arms.treated
    few = arms.with_words if arm.sum() < (~arm).sum() else arms.without_words
    if units.always + units.never:
        return f"too few episodes {few} at {name_units(units)} that treated some patients so and others not"
    return f"too few episodes {few} to compare"


def _few_events(arms: Arms, horizon: int) -> str:
    seen = arms.rows.right_days <= horizon
    few = arms.with_words if (seen & arms.treated).sum() < (seen & ~arms.treated).sum() else arms.without_words
    return f"too few of the episodes {few} were seen relieved by day {horizon}"


def name_units(units: Units) -> str:
    """What those who treated are called: clinicians, or clinics where an export names no clinicians."""
    return f"{CLINIC}s" if units.what == CLINIC else f"{CLINICIAN}s"


def _one_sided(units: Units) -> str:
    return _ONE_SIDED.format(CLINIC if units.what == CLINIC else CLINICIAN)


def _clinicians(units: Units) -> Check:
    """At least two who gave both, where there are two."""
    needed = min(2, units.n_treating)
    varied = units.n_varying
    reason = "only one clinician treated some patients so and others not: the comparison would be of one person"
    if len(units.names) > varied == 1:
        reason = "only clinicians of one code treated some patients so and others not: they may be one person"
    if units.what == CLINIC:
        reason = "only one clinic treated some patients so and others not: the comparison would be within one clinic"
    if not varied:
        reason = _one_sided(units)
    return Check(
        name_units(units), float(varied), NAN, float(needed), varied >= needed, "" if varied >= needed else reason
    )


def check_followed(arms: Arms, horizon: int, protocol: Protocol) -> Check:
    """Check that enough of each arm are known to be relieved, or not, by the horizon, and of both together observed.

    Who was relieved before counts: left out, the arm in which more are relieved would be refused more often. Of both
    together it is the rule of a curve that is asked: shares of arms are not stated where that of all is not.
    """
    floor, rows = protocol.reporting_floor, arms.rows
    known = (rows.right_days <= horizon) | (rows.left_days >= horizon)
    last = np.where(rows.seen, rows.right_days, rows.left_days)
    counts, reason = [], ""
    if not is_curve_stated(last, rows.seen, horizon, protocol):
        reason = f"too few of the episodes compared are still observed on day {horizon}"
    # Later ones go first.
    if min(last[side].max(initial=0.0) for side in (arms.treated, ~arms.treated)) < horizon:
        reason = f"of an arm nobody was looked at on day {horizon} or later"
    for side in (arms.treated, ~arms.treated):
        counts.append(int((known & side).sum()))
        if counts[-1] < max(floor.curve_min_observed, floor.curve_min_share * side.sum()):
            reason = f"of an arm too few are known to be relieved or not by day {horizon}"
    return Check("followed", float(counts[0]), float(counts[1]), float(floor.curve_min_observed), not reason, reason)


def check_after(
    arms: Arms, propensity: FloatArray, effective: tuple[float, float], rows: list[BalanceRow], episodes: Episodes
) -> list[Check]:
    """Check what the weights leave: common support, effective sizes, balance."""
    floor = episodes.protocol.reporting_floor
    inside = find_support(propensity, arms.treated)
    support = int((inside & arms.treated).sum()), int((inside & ~arms.treated).sum())
    size = "the arms are too unlike: after weighting an arm counts for fewer than {} episodes"
    worst = find_worst(rows)
    met = worst < LARGEST_IMBALANCE
    return [
        _two("support", *support, floor.compare_min_episodes, "the arms hardly overlap in what is recorded"),
        _two("effective size", *effective, floor.compare_min_effective_n, size.format(floor.compare_min_effective_n)),
        Check("balance", worst, NAN, LARGEST_IMBALANCE, met, "" if met else say_imbalance(arms, rows, episodes)),
    ]


def find_support(propensity: FloatArray, arm: Flags) -> Flags:
    """Return the episodes whose propensity lies within the range of both arms, shape (n,).

    Episodes with like facts have one propensity, in another last digit each; they are inside or outside together.
    """
    low = max(propensity[side].min() for side in (arm, ~arm))
    high = min(propensity[side].max() for side in (arm, ~arm))
    inside: Flags = (propensity >= low - _SAME) & (propensity <= high + _SAME)
    return inside


def say_imbalance(arms: Arms, rows: list[BalanceRow], episodes: Episodes) -> str:
    """Say in what the arms still differ most; for another treatment, which combination is missing, and what follows."""
    worst = max(rows, key=lambda row: abs(row[3]))
    codebook = episodes.visits.codebook
    if worst[0] in codebook.family_masks:
        other = (arms.rows.given & np.uint64(codebook.family_masks[worst[0]])) != 0
        label = worst[1][0].lower() + worst[1][1:]
        if int((arms.treated & ~other).sum()) < LEAST_IN_ARM:
            missing = f"{arms.with_words} were without {label}"
        elif int((~arms.treated & other).sum()) < LEAST_IN_ARM:
            missing = f"{arms.without_words} had {label}"
        elif int((arms.treated & other).sum()) < LEAST_IN_ARM:
            missing = f"{arms.with_words} had {label} too"
        else:
            missing = f"{arms.without_words} were without {label}"
        return f"too few episodes {missing}, so that the two cannot be told apart"
    label = worst[1][0].lower() + worst[1][1:]
    return f"the arms still differ after weighting, most in: {label}"
