"""The visits of all episodes in step: what is done, what the patient rates, who stops and who comes again.

The loop runs over the visit number, never over patients: each turn handles the n-th visit of every episode in care.
"""

from __future__ import annotations

import numpy as np

from outcomes.simulate.cases import days_to_half, shift_tau
from outcomes.simulate.values import FAMILIES
from outcomes.simulate.world import Array, Table, World, expit, spread_logit

CARE, MAINTENANCE, NO_SHOW, CANCELLED = 0, 1, 2, 3
ACTIVE_BIT = 1 << FAMILIES.index("active")
_JOINT_BIT, _MANUAL_BIT = 1 << FAMILIES.index("joint"), 1 << FAMILIES.index("manual")
_INDICATED = (FAMILIES.index("electrical"), FAMILIES.index("thermal"))
# Average of what indication adds to the logit over all visits, and the share of visits at NRS <= 4 (first, later):
# taken off so that the shares of section 4.4 hold over all visits. Tuned.
_INDICATION_MEAN = 0.24
_LOW_PAIN_SHARE = (0.24, 0.60)
_SUNDAY = 3  # 1970-01-01 was a Thursday; days with this remainder of 7 are Sundays
_ROW_FIELDS = ("episode", "offset", "visit", "rating", "families", "clinician", "kind", "better", "pain")


def run_care(rng: np.random.Generator, world: World, eps: Table) -> Table:
    """Run the care of all episodes; adds what came of it to `eps` and returns the rows, one a scheduled visit.

    Row fields: ``episode`` (position in `eps`), ``offset`` (days from the first visit), ``visit`` (1, 2, ...; 0 for a
    missed one), ``rating`` (what the patient would say, 0-10), ``families`` (bits after `FAMILIES`), ``clinician``,
    ``kind``, ``better`` (at least 50 % below the first rating), ``pain`` (latent), and ``is_last``.
    """
    n = len(eps["patient"])
    state = {"offset": np.zeros(n, dtype=np.int64), "exercise_day": np.full(n, np.inf), "tau": np.ones(n)}
    long_gap = np.where(rng.random(n) < world.profile.visits.long_gap, rng.integers(1, 4, n), 0)
    rows: dict[str, list[Array]] = {name: [] for name in _ROW_FIELDS}
    visits = np.zeros(n, dtype=np.int64)
    last_better = np.zeros(n, dtype=bool)
    active = np.arange(n)
    visit = 0
    while active.size:
        visit += 1
        made = _make_visit(rng, world, eps, state, active, visit)
        _append(rows, made)
        visits[active], last_better[active] = visit, made["better"]
        stops = rng.random(active.size) < _stop_chance(world, made, eps["baseline_rating"][active], visit)
        stops |= visit >= world.profile.visits.most_visits
        active = _schedule(rng, world, state, made, active, stops, long_gap[active] == visit, rows)
    _settle(world, eps, state, visits, last_better)
    return _finish(rows, visits)


def _make_visit(rng: np.random.Generator, world: World, eps: Table, state: Table, who: Array, visit: int) -> Table:
    profile, n = world.profile, len(who)
    usual = eps["clinician"][who]
    colleague = eps["clinic"][who] * profile.clinicians + rng.integers(0, profile.clinicians, n)
    clinician = np.where(rng.random(n) < profile.visits.other_clinician, colleague, usual)
    baseline = eps["baseline_rating"][who]
    if visit == 1:
        pain, rating = eps["start_pain"], baseline
    else:
        pain = latent_pain(world, eps, state, who)
        rating = rate_pain(rng, world, pain)
    families = draw_families(rng, world, clinician, rating, eps["radiation"][who] > 0, visit)
    if visit == 1:
        shifted = shift_tau(world, eps, clinician, families & _JOINT_BIT > 0, families & _MANUAL_BIT > 0)
        state["tau"] = np.exp(shifted)
        eps["families_first"] = families
    begins = (families & ACTIVE_BIT > 0) & np.isinf(state["exercise_day"][who])
    state["exercise_day"][who[begins]] = state["offset"][who[begins]]
    return {
        "episode": who,
        "offset": state["offset"][who],
        "visit": np.full(n, visit),
        "rating": rating,
        "families": families,
        "clinician": clinician,
        "kind": np.full(n, CARE),
        "better": rating <= 0.5 * baseline,
        "pain": pain,
    }


def _append(rows: dict[str, list[Array]], made: Table) -> None:
    for name in _ROW_FIELDS:
        rows[name].append(made[name])


def latent_pain(world: World, eps: Table, state: Table, who: Array) -> Array:
    """Pain of episodes `who` at their present day, 0-10 without rating error."""
    day = state["offset"][who].astype(float)
    began = np.minimum(state["exercise_day"][who], day)
    clock = began + (day - began) * np.exp(-world.profile.course.shift_active)
    floor = eps["floor"][who]
    return eps["start_pain"][who] * (floor + (1.0 - floor) * np.exp(-clock / state["tau"][who]))


def rate_pain(rng: np.random.Generator, world: World, pain: Array) -> Array:
    """Rate latent pain: whole points with the error of one rating, some heaped at 0, 5 or 10."""
    course = world.profile.course
    rating = np.rint(np.clip(pain + rng.normal(0.0, course.rating_sd, len(pain)), 0.0, 10.0)).astype(np.int64)
    heaped = np.rint(rating / 5.0).astype(np.int64) * 5
    return np.where(rng.random(len(pain)) < course.heaped, heaped, rating)


def draw_families(
    rng: np.random.Generator, world: World, clinician: Array, rating: Array, radiates: Array, visit: int
) -> Array:
    """Draw what is done at the `visit`-th visit: clinician's habit, indication, and exercise once pain is low."""
    values = world.profile.treatments
    need = np.log(values.odds_per_point) * np.maximum(rating - 6, 0) + np.log(values.odds_radiation) * radiates
    need = need - _INDICATION_MEAN
    out = np.zeros(len(clinician), dtype=np.int64)
    for k, share in enumerate(values.shares):
        score = world.preference[clinician, k]
        if 1 << k == ACTIVE_BIT:
            rise = 1.0 - np.exp(-(visit - 1) / values.active_visits)
            share = values.active_first + (values.active_plateau - values.active_first) * rise
            low = (rating <= values.active_low_pain_nrs) - _LOW_PAIN_SHARE[visit > 1]
            score = score + np.log(values.odds_active_low_pain) * low
        elif k in _INDICATED:
            score = score + need
        chance = expit(spread_logit(share, values.sd_preference) + score)
        out |= (rng.random(len(clinician)) < chance).astype(np.int64) << k
    return out


def _stop_chance(world: World, made: Table, baseline: Array, visit: int) -> Array:
    values = world.profile.visits
    stuck = (made["rating"] > 0.8 * baseline) & (visit >= 3)
    score = values.stop_intercept + values.stop_better * made["better"]
    return expit(score + values.stop_resolved * (made["rating"] <= 1) + values.stop_stuck * stuck)


def _schedule(
    rng: np.random.Generator,
    world: World,
    state: Table,
    made: Table,
    who: Array,
    stops: Array,
    has_long_gap: Array,
    rows: dict[str, list[Array]],
) -> Array:
    """Set the day of the next visit of those who go on; adds the rows of missed appointments."""
    values, n = world.profile.visits, len(who)
    day = made["offset"]
    median = np.asarray(values.gap_medians)[np.searchsorted([15, 43], day, side="right")]
    gap = median * np.exp(rng.normal(0.0, values.gap_sd, n)) * np.where(made["rating"] <= 2, values.gap_better, 1.0)
    gap = np.where(has_long_gap, rng.uniform(25.0, 70.0, n), gap)
    due = day + np.maximum(np.rint(gap), 1.0).astype(np.int64)
    # Each kept appointment draws once for the one before it that was not: odds, so that the share is of all scheduled.
    missed = rng.random(n) < values.no_show / (1.0 - values.no_show)
    kind = np.where(rng.random(n) < 0.4, CANCELLED, NO_SHOW)
    again = due + np.maximum(np.rint(4.0 * np.exp(rng.normal(0.0, 0.5, n))), 1.0).astype(np.int64)
    blank = np.zeros(n, dtype=np.int64)
    absent = made | {"offset": due, "visit": blank, "families": blank, "kind": kind}
    _append(rows, {name: absent[name][missed] for name in _ROW_FIELDS})
    state["offset"][who] = np.where(missed, again, due)
    return who[~stops]


def _settle(world: World, eps: Table, state: Table, visits: Array, last_better: Array) -> None:
    speed = float(np.exp(-world.profile.course.shift_active))
    eps["visits"], eps["last_better"] = visits, last_better
    eps["tau"], eps["exercise_day"] = state["tau"], state["exercise_day"]
    eps["half_day"] = days_to_half(state["tau"], eps["floor"], state["exercise_day"], speed)


def _finish(rows: dict[str, list[Array]], visits: Array) -> Table:
    out = {name: np.concatenate(parts) for name, parts in rows.items()}
    out["is_last"] = (out["kind"] == CARE) & (out["visit"] == visits[out["episode"]])
    return out


def last_offsets(rows: Table, n: int) -> Array:
    """Day of the last visit of care of each of `n` episodes, counted from the first."""
    out = np.zeros(n, dtype=np.int64)
    kept = rows["is_last"]
    out[rows["episode"][kept]] = rows["offset"][kept]
    return out


def run_maintenance(rng: np.random.Generator, world: World, eps: Table) -> Table:
    """Planned visits after relief, until the patient gives up, returns with pain, or the export ends."""
    values = world.profile.visits
    rows: dict[str, list[Array]] = {name: [] for name in _ROW_FIELDS}
    until = np.minimum(eps["return_day"], world.cut_day + 1) - eps["start"]
    state = {"offset": eps["last_offset"].copy(), "exercise_day": eps["exercise_day"].copy(), "tau": eps["tau"]}
    active = np.flatnonzero(eps["maintained"])
    while active.size:
        step = np.maximum(np.rint(rng.normal(*values.maintenance_days, active.size)), 14.0).astype(np.int64)
        state["offset"][active] += step
        active = active[state["offset"][active] < until[active]]
        pain = latent_pain(world, eps, state, active)
        rating = rate_pain(rng, world, pain)
        clinician = eps["clinician"][active]
        made = {
            "episode": active,
            "offset": state["offset"][active],
            "visit": np.zeros(active.size, dtype=np.int64),
            "rating": rating,
            "families": draw_families(rng, world, clinician, rating, eps["radiation"][active] > 0, 6),
            "clinician": clinician,
            "kind": np.full(active.size, MAINTENANCE),
            "better": rating <= 0.5 * eps["baseline_rating"][active],
            "pain": pain,
        }
        _append(rows, made)
        active = active[rng.random(active.size) >= values.maintenance_quit]
    out = {name: np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64) for name, parts in rows.items()}
    return out | {
        "is_last": np.zeros(len(out["episode"]), dtype=bool),
        "visit": np.zeros(len(out["episode"]), dtype=np.int64),
    }


def to_working_days(day: Array) -> Array:
    """Move Sundays to the Monday after."""
    return day + (day % 7 == _SUNDAY)
