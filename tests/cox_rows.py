"""Rows for the tests of Cox regression: a plain slow likelihood, small random data, and reading of stored answers."""

from __future__ import annotations

import csv
import json

import numpy as np

from outcomes.selftest.stored import REFERENCE


def read_table(name):
    with (REFERENCE / "data" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: np.array([row[column] for row in rows]) for column in rows[0]}


def read_answers():
    return json.loads((REFERENCE / "reference.json").read_text())


def floats(*columns):
    return np.column_stack([np.asarray(column).astype(float) for column in columns])


def mixed(n=240, seed=3, real=False):
    """Rows with ties, late entry, real-valued weights (some 0), strata and clusters, many of them alike."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 2, n), rng.integers(0, 4, n), rng.normal(size=n).round(1)])
    time = rng.exponential(12.0 * np.exp(-X @ [0.5, -0.2, 0.3])) + 0.01
    stop = rng.uniform(1, 25, n)
    event = (time <= stop).astype(int)
    time = np.minimum(time, stop)
    time = time if real else np.ceil(time)
    entry = time * rng.uniform(0, 0.9, n) if real else time - rng.integers(1, 10, n)
    return {
        "X": X,
        "time": time,
        "event": event,
        "entry": entry,
        "weights": rng.choice([0, 0.4, 1, 1.5], n),
        "strata": rng.integers(0, 3, n),
        "cluster": rng.integers(0, 60, n),
    }


def plain_loglik(coef, X, time, event, entry, weights, strata, ties):
    """The partial log-likelihood as it is written down, with a loop over event times and ties."""
    total = 0.0
    risk = weights * np.exp(X @ coef)
    for s in set(strata.tolist()):
        mine = (strata == s) & (weights > 0)
        for t in sorted(set(time[mine & (event == 1)].tolist())):
            dying = mine & (event == 1) & (time == t)
            at_risk = mine & (entry < t) & (t <= time)
            d = int(dying.sum())
            total += weights[dying] @ (X[dying] @ coef)
            for j in range(d):
                share = j / d if ties == "efron" else 0.0
                total -= weights[dying].mean() * np.log(risk[at_risk].sum() - share * risk[dying].sum())
    return total
