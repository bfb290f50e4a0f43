"""Four ways to look at exercise and return in a world whose truth is known, one of them wrong.

The wrong one, ever against never, exists only here: it shows what the others must not do. The hazard ratios are all
fitted with the package's own Cox regression.
"""

from __future__ import annotations

import numpy as np

from outcomes.estimators.clone_weights import clone_censor_weight
from outcomes.estimators.cox import cox
from outcomes.simulate.returns_after_exercise import FOLLOWED_DAYS, simulate_exercise

N = 2_500
LANDMARK = 30
GRACE = 28


def hazard_ratio(column, time, event, entry=None):
    fit = cox(np.asarray(column, dtype=float)[:, None], time, event, entry=entry)
    return float(np.exp(fit.coef[0]))


def naive(time, event, start):
    """Whoever ever started against whoever never did, both from relief on: immortal time."""
    return hazard_ratio(np.isfinite(start), time, event)


def landmark(time, event, start):
    """Started by the landmark against not, among those still watched after it."""
    left = time > LANDMARK
    return hazard_ratio(start[left] <= LANDMARK, time[left] - LANDMARK, event[left])


def time_varying(time, event, start):
    """Every patient counts as not exposed up to the start, and as exposed after it."""
    began = np.isfinite(start)
    stop = np.concatenate([np.where(began, start, time), time[began]])
    entry = np.concatenate([np.zeros(time.size), start[began]])
    happened = np.concatenate([np.where(began, 0, event), event[began]])
    exposed = np.concatenate([np.zeros(time.size), np.ones(int(began.sum()))])
    return hazard_ratio(exposed, stop, happened, entry)


def clone_weight_risks(time, event, start, noise):
    found = clone_censor_weight(time, event, start, noise, GRACE, FOLLOWED_DAYS, draws=2)
    return found.start.risk, found.never.risk


def answers(n_sets, ratio, first_seed=0):
    """Answers of each set, shape (n_sets, 5): naive, landmark and time-varying ratio, risks of start and never."""
    rows = []
    for seed in range(first_seed, first_seed + n_sets):
        world = simulate_exercise(N, seed, ratio)
        time, event, start = world["relief_to_return_days"], world["returned"], world["start_day"]
        # A column that decides nothing: the weights must find that out.
        noise = np.random.default_rng([seed, 1]).normal(size=(N, 1))
        ratios = [look(time, event, start) for look in (naive, landmark, time_varying)]
        rows.append([*ratios, *clone_weight_risks(time, event, start, noise)])
    return np.array(rows)
