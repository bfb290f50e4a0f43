"""Patients, their episodes, the latent course of pain and the return: the truth behind the records."""

from __future__ import annotations

import numpy as np

from outcomes.simulate.values import GROUPS, LOAD_TRIGGERS, NEIGHBOURS, REGION_GROUP
from outcomes.simulate.world import Array, Table, World, pick, pick_by_row

# Share by which first visits thin out as returning patients fill the diary, and how fast (years): without it the number
# of episodes would climb through the first years of the window, a trend nobody planted.
_THINNING, _THINNING_YEARS = 0.85, 2.8
_LONGEST_ONSET = 5000


def draw_patients(rng: np.random.Generator, world: World, n: int) -> Table:
    """Draw `n` patients: person, clinic, clinician, frailty and the day their first episode starts."""
    profile = world.profile
    clinic = pick(rng, world.volume, n)
    frailty = rng.gamma(profile.returns.frailty_shape, 1.0 / profile.returns.frailty_shape, n)
    return {
        "clinic": clinic,
        "clinician": clinic * profile.clinicians + rng.integers(0, profile.clinicians, n),
        "age": _truncated_normal(rng, profile.age, n),
        "female": rng.random(n) < profile.female,
        "payer": pick(rng, profile.payers, n),
        "frailty": frailty,
        "plans_maintenance": rng.random(n) < profile.visits.maintenance,
        "previous": _previous_episodes(rng, profile.previous, n),
        "start": _first_days(rng, world, n),
    }


def _truncated_normal(rng: np.random.Generator, age: tuple[float, float, int, int], n: int) -> Array:
    mean, sd, low, high = age
    out = rng.normal(mean, sd, n)
    outside = np.flatnonzero((out < low) | (out > high))
    while outside.size:
        out[outside] = rng.normal(mean, sd, outside.size)
        outside = outside[(out[outside] < low) | (out[outside] > high)]
    return np.floor(out).astype(np.int64)


def _previous_episodes(rng: np.random.Generator, shares: tuple[float, float, float], n: int) -> Array:
    group = pick(rng, shares, n)
    return np.choose(
        group, [np.zeros(n, dtype=np.int64), rng.integers(1, 3, n), np.minimum(2 + rng.geometric(0.4, n), 12)]
    )


def _first_days(rng: np.random.Generator, world: World, n: int) -> Array:
    profile = world.profile
    days = np.arange(world.first_day - profile.lead_in_days, world.cut_day + 1)
    years = (days - days[0]) / 365.25
    density = 1.0 - _THINNING * (1.0 - np.exp(-years / _THINNING_YEARS))
    density *= 1.0 + profile.seasonality * np.cos(2.0 * np.pi * (days / 365.25 - 30.0 / 365.25))
    return days[pick(rng, density, n)]


def open_episodes(rng: np.random.Generator, world: World, patients: Table, who: Array, prior: Table | None) -> Table:
    """Draw the complaint with which patients `who` come, all that is fixed before the first treatment.

    `prior` holds, for returning patients, ``start``, ``previous``, ``trigger``, ``region``, ``since_landmark`` and
    ``number`` of the episode that opens; None for the first.
    """
    profile, n = world.profile, len(who)
    first = prior is None
    kind = pick(rng, profile.classes if first else profile.return_classes, n)
    eps: Table = {name: patients[name][who] for name in ("clinic", "clinician", "age", "payer", "frailty")}
    eps |= {"patient": who, "class": kind, "female": patients["female"][who]}
    eps["radiation"] = pick(rng, profile.radiation, n)
    eps["paresthesia"] = (rng.random(n) < profile.paresthesia) & (eps["radiation"] > 0)
    eps["cause"] = pick(rng, profile.causes, n)
    eps["trigger"] = pick(rng, profile.triggers, n)
    eps["region"] = pick(rng, profile.regions, n)
    onset = _onset_days(rng, world, kind)
    if prior is None:
        eps |= {
            "start": patients["start"][who],
            "previous": patients["previous"][who],
            "number": np.ones(n, dtype=np.int64),
        }
    else:
        eps |= {name: prior[name] for name in ("start", "previous", "number")}
        same_trigger = rng.random(n) < profile.returns.same_trigger
        same_region = rng.random(n) < profile.returns.same_region
        eps["trigger"] = np.where(same_trigger, prior["trigger"], eps["trigger"])
        eps["region"] = np.where(same_region, prior["region"], eps["region"])
        onset = np.minimum(onset, prior["since_landmark"])
    eps["onset_days"] = onset
    eps |= _draw_muscles(rng, world, eps["region"])
    return eps | _draw_pain(rng, world, kind)


def _onset_days(rng: np.random.Generator, world: World, kind: Array) -> Array:
    n = len(kind)
    acute = np.minimum(np.exp(rng.normal(np.log(3.5), 0.95, n)), 41.0)
    subacute = rng.uniform(42.0, 84.0, n)
    chronic = np.clip(np.exp(rng.normal(np.log(320.0), 1.0, n)), 84.0, _LONGEST_ONSET)
    days = np.floor(np.choose(kind, [acute, subacute, chronic])).astype(np.int64)
    marks = np.array([7, 14, 30, 60, 90, 365])
    heaped = marks[np.abs(days[:, None] - marks).argmin(axis=1)]
    return np.where(rng.random(n) < world.profile.onset_heaped, heaped, days)


def _draw_muscles(rng: np.random.Generator, world: World, region: Array) -> Table:
    """True and identified group, side, and the group of the first treatment."""
    n = len(region)
    true = pick_by_row(rng, np.asarray(REGION_GROUP), region)
    neighbour = np.asarray(NEIGHBOURS)[true, rng.integers(0, 2, n)]
    identified = np.where(rng.random(n) < world.profile.identified_right, true, neighbour)
    return {
        "true_group": true,
        "identified_group": identified,
        "side": pick(rng, (0.4, 0.4, 0.2), n) + 1,
        "treated_kind": pick(rng, world.profile.treatments.treated, n),
        "treated_neighbour": np.asarray(NEIGHBOURS)[identified, rng.integers(0, 2, n)],
        "treated_elsewhere": (identified + rng.integers(2, len(GROUPS) - 1, n)) % len(GROUPS),
    }


def _draw_pain(rng: np.random.Generator, world: World, kind: Array) -> Table:
    course, n = world.profile.course, len(kind)
    mean = np.asarray(course.baseline_mean)[kind]
    rated = np.clip(np.rint(rng.normal(mean, course.baseline_sd)), 1, 10)
    low = rng.random(n) < np.asarray(course.low_floor)[kind]
    floor = np.where(low, rng.beta(*course.beta_low, n), rng.beta(*course.beta_high, n))
    residual = rng.normal(0.0, 1.0, n) * np.asarray(course.sd_log_tau)[kind]
    log_tau = np.log(np.asarray(course.median_tau)[kind]) + residual - world.profile.shift_centre
    return {
        "baseline_rating": rated.astype(np.int64),
        "start_pain": mean + course.baseline_shrink * (rated - mean),
        "floor": floor,
        "log_tau": log_tau,
    }


def first_treated_group(eps: Table) -> Array:
    """Group treated first; -1 for a known mismatch (hamstrings, hip flexors), -2 where only "back" is named."""
    choices = [
        eps["identified_group"],
        eps["treated_neighbour"],
        np.full(len(eps["patient"]), -1),
        eps["treated_elsewhere"],
    ]
    return np.choose(eps["treated_kind"], [*choices, np.full(len(eps["patient"]), -2)])


def shift_tau(world: World, eps: Table, clinician: Array, has_joint: Array, has_manual: Array) -> Array:
    """Log tau after everything known at the first treatment, the planted clinic effect included."""
    course, plants = world.profile.course, world.profile.plants
    concordant = first_treated_group(eps) == eps["true_group"]
    planted = (eps["clinic"] == plants.shift_clinic) & (world.quarter_of(eps["start"]) >= plants.shift_quarter)
    return (
        eps["log_tau"]
        + world.effect[clinician]
        + course.shift_age_decade * (eps["age"] - world.profile.age[0]) / 10.0
        + course.shift_far_radiation * (eps["radiation"] == 2)
        + course.shift_many_episodes * (eps["previous"] >= 3)
        + course.shift_old_injury * (eps["cause"] == 1)
        + course.shift_concordant * concordant
        + course.shift_joint * has_joint
        + course.shift_manual * has_manual
        + plants.shift_log_tau * planted
    )


def days_to_half(tau: Array, floor: Array, exercise_day: Array, speed: float) -> Array:
    """Day the latent pain first is at most half of its start; inf where its floor lies above.

    `exercise_day` (inf = never) is when active exercise began: from then on the course runs `speed` times as fast.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        untouched = np.where(floor < 0.5, -tau * np.log((0.5 - floor) / (1.0 - floor)), np.inf)
        faster = exercise_day + (untouched - exercise_day) / speed
    return np.where(untouched > exercise_day, faster, untouched)


def draw_returns(rng: np.random.Generator, world: World, eps: Table) -> Table:
    """Draw the next episode here and pain elsewhere, on one clock from the landmark.

    The clock starts 30 days after the later of the last visit of care and latent relief (at most 90 days after the last
    visit: who never gets better can still come back).
    """
    values, n = world.profile.returns, len(eps["patient"])
    relieved = np.minimum(eps["half_day"], eps["last_offset"] + 90.0)
    landmark = np.ceil(np.maximum(relieved, eps["last_offset"])).astype(np.int64) + values.landmark_days
    rate = values.rate_per_year / 365.25 * eps["frailty"]
    rate = rate * np.where(eps["previous"] >= 3, values.many_episodes, 1.0)
    rate *= np.where(np.isfinite(eps["exercise_day"]), values.active, 1.0)
    rate *= np.where(eps["maintained"], values.maintenance, 1.0)
    rate *= np.where(np.isin(eps["trigger"], LOAD_TRIGGERS), values.load_trigger, 1.0)
    wait = 1 + np.floor(rng.exponential(1.0, n) / rate)
    wait = np.minimum(wait, 40_000.0).astype(np.int64)
    elsewhere_rate = rate * values.elsewhere_per_seen
    seen_until = np.clip(world.cut_day - eps["start"] - landmark, 0, wait)
    elsewhere = 1 + np.floor(rng.exponential(1.0, n) / elsewhere_rate)
    count = rng.poisson(elsewhere_rate * seen_until)
    return {
        "landmark": landmark,
        "return_wait": wait,
        "return_day": eps["start"] + landmark + wait,
        "elsewhere_count": count,
        # The first of `count` arrivals on (0, seen_until] when there is one, the free waiting time otherwise.
        "elsewhere_day": eps["start"] + landmark + _first_arrival(rng, count, seen_until, elsewhere),
    }


def _first_arrival(rng: np.random.Generator, count: Array, until: Array, beyond: Array) -> Array:
    within = np.ceil(until * (1.0 - rng.random(len(count)) ** (1.0 / np.maximum(count, 1))))
    return np.where(count > 0, within, until + np.minimum(beyond, 40_000.0)).astype(np.int64)


def next_episodes(eps: Table, rows: Array) -> Table:
    """What the return of episodes `rows` inherits."""
    return {
        "start": eps["return_day"][rows],
        "previous": np.minimum(eps["previous"][rows] + 1, 15),
        "number": eps["number"][rows] + 1,
        "trigger": eps["trigger"][rows],
        "region": eps["region"][rows],
        "since_landmark": eps["return_wait"][rows],
    }
