"""Make the rows the regressions of returns are timed on: first returns, and every return of each patient.

Twenty covariates: eight flags of treatment, pain, and dummies of three bands (age, chronicity, muscle group). A patient
comes back at a rate that depends on them and on a frailty of their own; watching ends after at most two years.

``days``    whole days, pain 0 to 10: some hundred distinct times, many rows alike in most columns;
``reals``   returns at any moment, and pain with any value: no row occurs twice.

`first` has one row a patient, with the first return or the end of watching. `returns` has the rows ``(entry, time]``
between returns, sorted by patient; one patient in five comes under observation late, and pain is asked anew at every
return. The last patient's rows may be cut short, so that there are as many as asked for.

===============  =============  ===========================================================================
column           length         what
===============  =============  ===========================================================================
x01 ... x20      rows           flags, pain, bands: two digits, so that every language sorts them alike
entry            rows           when the row came under observation; only in `returns`
time, event      rows           return (1) or end of watching (0)
patient          rows           0 ... patients - 1; only in `returns`
grid             at most 200    times at which curves are compared
===============  =============  ===========================================================================
"""

from __future__ import annotations

import numpy as np

from estimate_job import Columns

FLAGS = (0.5, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05)
BANDS = ((0.15, 0.25, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1), (0.3, 0.25, 0.2, 0.15, 0.1))
COEF = np.array([-0.2, 0.1, 0.0, 0.15, -0.1, 0.2, 0.0, -0.3, *np.tile([0.1, 0.2, 0.3, -0.1], 3)[:11]])
COEF_OF_PAIN = 0.05
RETURNS_A_DAY = 1 / 500
FRAILTY_SHAPE = 2.0
LONGEST_WATCH = 730
LATE = 0.2
SEED = 40_260


def draw_patients(rng: np.random.Generator, n: int) -> np.ndarray:
    """Flags and dummies of the bands, without pain: shape (n, 19)."""
    bands = [rng.choice(len(shares), n, p=shares) for shares in BANDS]
    dummies = [band == k for band, shares in zip(bands, BANDS, strict=True) for k in range(1, len(shares))]
    return np.column_stack([rng.random((n, len(FLAGS))) < FLAGS, *dummies]).astype(float)


def draw_pain(rng: np.random.Generator, n: int, kind: str) -> np.ndarray:
    """Pain 0 to 10, in whole points or with any value."""
    pain = rng.normal(5, 2, n)
    return np.clip(np.rint(pain) if kind == "days" else pain, 0, 10)


def whole(days: np.ndarray, kind: str) -> np.ndarray:
    """The end of the day, where days are whole."""
    return np.ceil(days) if kind == "days" else days


def name_covariates(fixed: np.ndarray, pain: np.ndarray) -> Columns:
    """Name the covariates; pain stands behind the flags."""
    table = np.insert(fixed, len(FLAGS), pain, axis=1)
    return {f"x{place:02d}": column for place, column in enumerate(table.T, start=1)}


def find_rates(fixed: np.ndarray, pain: np.ndarray) -> np.ndarray:
    """Returns a day, without frailty."""
    return RETURNS_A_DAY * np.exp(fixed @ COEF + COEF_OF_PAIN * (pain - 5))


def choose_grid(time: np.ndarray) -> np.ndarray:
    """At most 200 of the times, evenly among the distinct ones."""
    seen = np.unique(time)
    return np.unique(seen[np.linspace(0, seen.size - 1, 200).astype(int)])


def make_first(kind: str, n: int) -> Columns:
    """One row a patient: the first return, or the end of watching."""
    rng = np.random.default_rng([SEED, kind == "reals", n])
    fixed, pain = draw_patients(rng, n), draw_pain(rng, n, kind)
    back = whole(rng.exponential(1 / find_rates(fixed, pain)), kind)
    watched = whole(LONGEST_WATCH * rng.uniform(0.1, 1, n), kind)
    time = np.minimum(back, watched)
    return name_covariates(fixed, pain) | {"time": time, "event": back <= watched, "grid": choose_grid(time)}


def make_returns(kind: str, n: int) -> Columns:
    """The rows between returns of as many patients as it takes."""
    rng = np.random.default_rng([SEED, kind == "reals", n, 1])
    fixed = draw_patients(rng, n)
    frailty = rng.gamma(FRAILTY_SHAPE, 1 / FRAILTY_SHAPE, n)
    begin = np.where(rng.random(n) < LATE, whole(rng.uniform(0, 180, n), kind), 0.0)
    watched = begin + whole((LONGEST_WATCH - begin) * rng.uniform(0.1, 1, n), kind)
    active, parts = np.arange(n), []
    while active.size:
        pain = draw_pain(rng, active.size, kind)
        rate = frailty[active] * find_rates(fixed[active], pain)
        back = begin[active] + whole(rng.exponential(1 / rate), kind)
        event = back <= watched[active]
        time = np.where(event, back, watched[active])
        parts.append((active, begin[active], time, event, pain))
        begin[active] = time
        active = active[event & (time < watched[active])]
    patient, entry, time, event, pain = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = np.lexsort([entry, patient])[:n]
    patient, entry, time, event, pain = (column[kept] for column in (patient, entry, time, event, pain))
    rows = {"patient": patient, "entry": entry, "time": time, "event": event, "grid": choose_grid(time)}
    return name_covariates(fixed[patient], pain) | rows
