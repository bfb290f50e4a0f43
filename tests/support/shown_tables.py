"""Small published tables and curves to be attacked, worked out by hand."""

from __future__ import annotations

import numpy as np

from outcomes.release.public.model import HIDDEN_CELL, Cohort, PublicRules, ShownCurve, ShownTable

COHORT = Cohort("patients", "patients", "d")
EXACT = PublicRules(base=1)


def table(shown, rows=None, base=5, total=None):
    """A published table whose totals are the sums of its cells, hidden ones taken for nobody."""
    array = np.array(shown, dtype=np.int64)
    seen = np.where(array == HIDDEN_CELL, 0, array)
    rows = rows or tuple(f"row {i}" for i in range(len(array)))
    sums = tuple(seen.sum(axis=1).tolist()), tuple(seen.sum(axis=0).tolist())
    return ShownTable("t", COHORT, rows, tuple("abcdef"[: array.shape[1]]), array, *sums, base, (), total or seen.sum())


def curve(group, new_events, base=5, at_risk=None, percent=None, limits=None):
    events = np.array(new_events, dtype=np.int64)
    at_risk = np.array(at_risk or [60] * events.size)
    percent = np.array(percent or [30] * events.size)
    low, high = (np.array(one) for one in (limits or ([0] * events.size, [100] * events.size)))
    days = 7 * np.arange(1, events.size + 1)
    return ShownCurve("relief", group, COHORT, days, events, at_risk, percent, low, high, base)


THEN = table([[40, 60], [55, 70]])
