"""The numbers of each clinic or clinician: observed, expected, limits, reliability, and whether it may be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.errors import NotEstimable
from outcomes.estimators.counting import sum_by
from outcomes.estimators.funnel import FunnelLimits, OverDispersion, funnel_limits, over_dispersion
from outcomes.estimators.proportions import wilson
from outcomes.estimators.reliability import WANTED, Reliability, estimate_reliability
from outcomes.questions.results import FloatArray, IntArray
from outcomes.questions.units_expected import Expected, expect
from outcomes.questions.units_outcomes import NOT_COMPARED, UnitRows

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

NAN = float("nan")
MOST_MISSING = 0.4
"""Share of visits without a pain score from which a unit is not comparable."""
NOTHING_BESIDE = "nothing to compare it with: no other unit is comparable and has enough episodes"


@dataclass(frozen=True, slots=True)
class Scores:
    """Visits of the units' episodes, and those of them without a pain score; shape (units,)."""

    visits: IntArray
    missing: IntArray

    @property
    def share_missing(self) -> FloatArray:
        """Share of the visits without a score; 1 for a unit without visits."""
        share = np.ones(self.visits.size)
        np.divide(self.missing, self.visits, out=share, where=self.visits > 0)
        return share


@dataclass(frozen=True, slots=True)
class Units:
    """Who treated n episodes: ``code`` (n,) of ``names``, -1 where nobody is recorded."""

    names: tuple[str, ...]
    code: IntArray


@dataclass(frozen=True, slots=True)
class Lines:
    """The numbers of u units; arrays of shape (u,), NaN where a unit is not shown.

    Attributes
    ----------
    n : ndarray of int
        Episodes that play a part; 0 where a unit is not comparable.
    observed, expected : ndarray
        Sums over the unit's episodes.
    estimate, low, high : ndarray
        Standardised share, ``observed / expected * target``, and its interval.
    size : ndarray
        Number of episodes, all with the mean for their chance, whose share would vary by chance as much as the
        standardised share does: ``(1 - target) expected^2 / (target sum p (1 - p))``, p what is expected of one episode
        of the unit. Where all expect the mean it is their number. (``expected / target`` would be too many where less
        than the mean is expected, and the limits too narrow there.)
    limits : FunnelLimits or None
        Of the units shown.
    dispersion : OverDispersion or None
    reliability : Reliability or None
        Of the units shown; None where there are fewer than two.
    shown : ndarray of bool
    target, design_effect : float
    model : Expected
    """

    n: IntArray
    observed: FloatArray
    expected: FloatArray
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    size: FloatArray
    limits: FunnelLimits | None
    dispersion: OverDispersion | None
    reliability: Reliability | None
    shown: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    target: float
    design_effect: float
    model: Expected

    def spread(self, name: str) -> FloatArray:
        """One number of `reliability` or `dispersion` for each unit, NaN for those not shown."""
        source = self.dispersion if name == "z" else self.reliability
        return spread_out(self.shown, getattr(source, name) if source is not None else None)

    @property
    def tau2_used(self) -> float:
        """The variance between units that limits are widened by."""
        return self.dispersion.tau2 if self.dispersion is not None and self.dispersion.is_used else 0.0


def spread_out(shown: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], values: FloatArray | None) -> FloatArray:
    """Give the values of the units shown back to all units, NaN elsewhere."""
    out = np.full(shown.size, NAN)
    if values is not None:
        out[shown] = values
    return out


def find_units(episodes: Episodes, episode: IntArray, by: str) -> Units:
    """Return who treated: the clinic or clinician of the first visit, as pseudonyms of the export in their order.

    Raises
    ------
    NotEstimable
        The export does not record it.
    """
    check_recorded(episodes, by)
    if by == "clinician":
        words, code = list(episodes.visits.clinicians.names), episodes.visits.clinicians.at_episodes(episodes)[episode]
    else:
        words = [str(word) for word in episodes.visits.words.codes[by]]
        code = episodes.columns[by][episode].astype(np.intp)
    used = np.unique(code[code >= 0])
    used = used[np.argsort(np.array([words[i] for i in used], dtype=str), kind="stable")]
    place = np.full(len(words) + 1, MISSING, dtype=np.intp)
    place[used] = np.arange(used.size)
    return Units(tuple(words[i] for i in used), place[code])


def check_recorded(episodes: Episodes, by: str) -> None:
    """Refuse a comparison of units that the export does not record."""
    if by not in episodes.columns:
        raise NotEstimable(f"This export records no {by}; {by}s cannot be compared. Map the column it is in.")


def count_scores(episodes: Episodes, episode: IntArray, units: Units) -> Scores:
    """Count the visits of these episodes, maintenance left out, and those without a pain score."""
    unit = np.full(episodes.n, MISSING, dtype=np.intp)
    unit[episode] = units.code
    of_episode = episodes.visits.columns["episode"]
    counted = (of_episode >= 0) & episodes.course.care
    of = np.where(counted, unit[of_episode], MISSING)
    without = episodes.visits.columns.get("pain_pre", np.full(of.size, MISSING)) < 0
    size = len(units.names)
    return Scores(np.bincount(of[of >= 0], minlength=size), np.bincount(of[(of >= 0) & without], minlength=size))


def compute_lines(episodes: Episodes, rows: UnitRows, units: Units, comparable: IntArray) -> Lines:
    """Compute every number of the units.

    Parameters
    ----------
    episodes : Episodes
    rows : UnitRows
    units : Units
        Of the same episodes.
    comparable : ndarray of int
        Places of the units that may enter the target; the episodes of the others, and of nobody, play no part.

    Raises
    ------
    NotEstimable
        Nothing comparable is left, the outcome has no share between 0 and 1, or its curve is not stated so late.
    """
    kept = np.isin(units.code, comparable)
    part, code, size = rows.take(kept), units.code[kept], len(units.names)
    if not part.n:
        raise NotEstimable(f"{NOT_COMPARED}: in none of them are pain scores complete enough.")
    part.check_stated(episodes.protocol)
    values = part.values()
    target = float(values.mean())
    if not 0.0 < target < 1.0:
        raise NotEstimable(part.say_none() if target <= 0.0 else part.say_all())
    found = expect(episodes, part.episode, values, part.is_yes_no, int(part.event.sum()))
    n = np.bincount(code, minlength=size)
    # A linear model may expect less than nothing, or more than all.
    chance = np.clip(found.values, 0.0, 1.0)
    sums = (sum_by(code, numbers, size) for numbers in (values, found.values, chance * (1.0 - chance)))
    observed, expected, binomial = sums
    within = find_within(values - found.values, code, part.patient)
    shown = (n >= episodes.protocol.reporting_floor.funnel_show_n) & (expected > 0) & (binomial > 0)
    return _standardise(n, observed, expected, binomial, within, target, shown, found, episodes.protocol)


def _standardise(
    n: IntArray,
    observed: FloatArray,
    expected: FloatArray,
    binomial: FloatArray,
    within: float,
    target: float,
    shown: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    model: Expected,
    protocol: Protocol,
) -> Lines:
    """Shares, limits, over-dispersion and reliability of the units shown.

    `binomial` is the variance of each unit's observed sum if its episodes were independent answers of yes and no, and
    the design effect how many times as large it is.
    """
    effect = max(1.0, within * float(n.sum()) / float(binomial.sum()))
    size = (1.0 - target) / target * expected[shown] ** 2 / binomial[shown]
    raw = observed[shown] / expected[shown] * target
    share = np.clip(raw, 0.0, 1.0)
    several = int(shown.sum()) > 1
    dispersion = over_dispersion(share, size / effect, target) if several else None
    tau2 = dispersion.tau2 if dispersion is not None and dispersion.is_used else 0.0
    limits = funnel_limits(size, target, tau2=tau2, design_effect=effect) if shown.any() else None
    low, high = wilson(share * size / effect, size / effect, protocol.inference.level) if shown.any() else (None, None)
    noise = effect * target * (1.0 - target)
    return Lines(
        n=n,
        observed=observed,
        expected=expected,
        estimate=spread_out(shown, share),
        low=spread_out(shown, low),
        high=spread_out(shown, high),
        size=spread_out(shown, size),
        limits=limits,
        dispersion=dispersion,
        reliability=_find_reliability(share, size, noise) if several else None,
        shown=shown,
        target=target,
        design_effect=effect,
        model=model,
    )


def _find_reliability(share: FloatArray, size: FloatArray, noise: float) -> Reliability | None:
    """Spread between the units shown; None where all of their shares are 0, or 1."""
    try:
        return estimate_reliability(share * size, size, within=noise)
    except NotEstimable:
        return None


def find_within(residual: FloatArray, code: IntArray, patient: IntArray) -> float:
    """Variance of one episode about its unit, patients taken together: their episodes resemble each other.

    ``sum of squares of the patients' summed residuals / (n - units)``, so that ``within / n`` is the variance of a
    unit's mean.
    """
    n = np.bincount(code)
    mean = np.bincount(code, weights=residual) / np.maximum(n, 1)
    _, pair = np.unique(np.column_stack([code, patient]), axis=0, return_inverse=True)
    sums = np.bincount(pair.ravel(), weights=residual - mean[code])
    free = residual.size - int((n > 0).sum())
    return float(np.sort(sums**2).sum() / free) if free > 0 else NAN


def find_judged(lines: Lines, protocol: Protocol) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return the units of which it is said where they lie in the funnel: of enough episodes, with others beside them.

    Reliability plays no part. It is a property of units of a size, how much of their seen variance is true, and one far
    out among U that are alike has ``1 - U / z^2``: below `WANTED` at 4 standard errors of 9 units, and at 6.9 of 15.
    """
    enough = lines.n >= protocol.reporting_floor.funnel_flag_n
    return lines.shown & enough & (int(lines.shown.sum()) > 1)


def say_why_not(lines: Lines, scores: Scores, protocol: Protocol) -> list[str]:
    """Return for each unit why it is not compared; empty for one that is."""
    floor = protocol.reporting_floor
    reliability = lines.spread("rho")
    no_spread = lines.reliability is not None and lines.reliability.tau2 <= 0.0
    few = f"fewer than {floor.funnel_flag_n} episodes: no comparison; the share drawn towards the mean stands instead"
    chance = (
        "these records do not show that units differ beyond chance, all taken together: no comparison"
        if no_spread
        else f"reliability below {WANTED:g}, that is, more than {100 * (1 - WANTED):.0f} % of the variance between "
        "units of this size would be chance: by rule no comparison; the share drawn towards the mean stands instead"
    )
    if int(lines.shown.sum()) == 1:
        chance = NOTHING_BESIDE
    elif lines.reliability is None:
        chance = "how far units differ cannot be told from these episodes: no comparison"
    reasons = []
    for i, missing in enumerate(scores.share_missing.tolist()):
        if missing >= MOST_MISSING:
            reasons.append(f"not comparable: {MOST_MISSING:.0%} or more of its visits have no pain score")
        elif not lines.shown[i]:
            reasons.append(f"fewer than {floor.funnel_show_n} episodes: not shown")
        elif lines.n[i] < floor.funnel_flag_n:
            reasons.append(few)
        else:
            reasons.append("" if reliability[i] >= WANTED else chance)
    return reasons
