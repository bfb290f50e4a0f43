"""Interval-censored data whose true curve is known."""

from __future__ import annotations

import numpy as np


def simulate(n, seed, mean=30.0, step=14, stop=0.1):
    """Exponential times looked at every 1 to `step` - 1 days; after each look without the event some stop coming."""
    rng = np.random.default_rng(seed)
    time, left, right = rng.exponential(mean, n), np.zeros(n), np.full(n, np.inf)
    day, coming = np.zeros(n), np.ones(n, dtype=bool)
    for _ in range(25):
        day = day + rng.integers(1, step, n)
        happened = coming & (time <= day)
        right[happened] = day[happened]
        coming &= ~happened
        left[coming] = day[coming]
        coming &= rng.random(n) >= stop
    return left, right
