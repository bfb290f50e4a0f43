"""Curves worked row by row and day by day: slow, and plainly right. The estimators must agree with them.

Every curve takes a vector of row weights of any number type, so that complex weights give its exact derivative by a
row's weight.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

TINY = 1e-30


def survival(time, event, weights, day):
    s = 1
    for t in sorted(set(time)):
        if t <= day:
            at_risk = sum(w for w, own in zip(weights, time, strict=True) if own >= t)
            events = sum(w for w, own, e in zip(weights, time, event, strict=True) if own == t and e)
            s = s * (1 - events / at_risk)
    return s


def incidence(time, cause, weights, k, day):
    s, f = 1, 0
    for t in sorted(set(time)):
        if t <= day:
            at_risk = sum(w for w, own in zip(weights, time, strict=True) if own >= t)
            of_k = sum(w for w, own, c in zip(weights, time, cause, strict=True) if own == t and c == k)
            of_any = sum(w for w, own, c in zip(weights, time, cause, strict=True) if own == t and c)
            f = f + s * of_k / at_risk
            s = s * (1 - of_any / at_risk)
    return f


def restricted_mean(time, event, weights, horizon):
    days = sorted({0, horizon, *(t for t in time if t < horizon)})
    return sum(survival(time, event, weights, a) * (b - a) for a, b in pairwise(days))


def influences(curve, weights):
    """Derivative of ``curve(weights)`` by each row's weight, exact to rounding (complex step)."""
    out = []
    for i in range(len(weights)):
        moved = np.array(weights, dtype=complex)
        moved[i] += TINY * 1j
        out.append(np.imag(curve(moved.tolist())) / TINY)
    return np.array(out)
