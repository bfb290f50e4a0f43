"""E7: how often, not only whether. Returns per patient-year, and the mean number of returns by each day.

A patient is followed from the first landmark through all returns (`cases.return_history`), and counts once. The mean
cumulative function says how many returns a patient has had on average by a day; its variance is by patient, because
some return again and again (Lawless and Nadeau 1995). The rate is a negative-binomial one, which has the same patients
in mind: they differ in their own rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators import counts, rates
from outcomes.questions import results
from outcomes.questions.group_tests import Split, Tested, compare_groups
from outcomes.questions.results import DayCurve, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.return_history import ReturnHistory
    from outcomes.definitions import Protocol

HORIZONS_DAYS = (365, 730)
DAYS_PER_YEAR = 365.25
RATE_COLUMNS = (
    *("group", "estimate", "conf_low", "conf_high", "n", "events", "years"),
    *("ratio", "ratio_low", "ratio_high", "reference"),
)
_TOO_FEW = "Numbers of returns not compared with the others', of fewer than {rows} patients or {events} returns"
MEAN_ESTIMATOR = "mean cumulative function from the first landmark, robust variance by patient, log interval"
RATE_ESTIMATOR = "negative-binomial rate with person-time from the first landmark"


@dataclass(frozen=True, slots=True)
class Followed:
    """Rows of patients ``(start_days, stop_days]`` from the first landmark, n rows of m patients.

    Attributes
    ----------
    patient : ndarray of int, shape (n,)
        0..m-1.
    start_days, stop_days : ndarray of float, shape (n,)
    event : ndarray of int, shape (n,)
    """

    patient: IntArray
    start_days: FloatArray
    stop_days: FloatArray
    event: NDArray[np.int64]

    @classmethod
    def of(cls, history: ReturnHistory) -> Followed:
        """Take the rows of the cases."""
        start, stop = history.start_days.astype(np.float64), history.stop_days.astype(np.float64)
        return cls(history.patient, start, stop, history.event.astype(np.int64))

    def of_patients(self, part: IntArray) -> Followed:
        """Return the rows of some patients, who keep their numbers."""
        wanted = np.zeros(int(self.patient.max(initial=-1)) + 1, dtype=np.bool_)
        wanted[part] = True
        return self.take(wanted[self.patient])

    def take(self, rows: results.Flags) -> Followed:
        """Return some of the rows."""
        return Followed(self.patient[rows], self.start_days[rows], self.stop_days[rows], self.event[rows])


def fit_mean(group: str, rows: Followed, protocol: Protocol) -> DayCurve:
    """Fit the mean number of returns by each day of two years; NaN where there are fewer patients than the floor."""
    n_days = max(HORIZONS_DAYS) + 1
    n = int(np.unique(rows.patient).size)
    at_risk, _ = results.count_days(rows.stop_days, rows.event > 0, n_days, rows.start_days)
    events = np.cumsum(_by_day(rows, n_days))
    blank = np.full(n_days, np.nan)
    # One patient has no spread, whatever the floor.
    if n < max(2, protocol.reporting_floor.estimate_min_episodes):
        return DayCurve(group, n, blank, blank, blank, at_risk, events, -1)
    fit = counts.mean_cumulative(
        rows.patient, rows.start_days, rows.stop_days, rows.event, level=protocol.inference.level
    )
    mean, low, high, _ = counts.mean_at(fit, np.arange(n_days))
    return DayCurve(group, n, mean, low, high, at_risk, events, results.find_last_day(at_risk, n, protocol))


def _by_day(rows: Followed, n_days: int) -> NDArray[np.int64]:
    day = np.minimum(rows.stop_days, n_days).astype(np.intp)
    return np.bincount(day, weights=rows.event, minlength=n_days + 1)[:n_days].astype(np.int64)


def compare_mean_returns(
    split: Split, rows: Followed, n_returns: NDArray[np.int64], protocol: Protocol
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Test whether groups of patients return equally often (robust; table and notes as `compare_groups`)."""

    def test(part: IntArray, group: IntArray) -> Tested:
        code = np.full(int(rows.patient.max(initial=-1)) + 1, -1)
        code[part] = group
        used = rows.of_patients(part)
        return counts.compare_means(used.patient, used.start_days, used.stop_days, used.event, code[used.patient])

    return compare_groups(split, n_returns, test, protocol, _TOO_FEW)


def rate_table(
    split: Split, n_returns: NDArray[np.int64], observed_days: NDArray[np.int64], protocol: Protocol
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Returns per patient-year of each group (`RATE_COLUMNS`), and their ratio to the largest recorded group.

    Returns
    -------
    table : DataFrame
        NaN where a group is under the floor or the model refuses.
    notes : tuple of str
        What was refused, and why.
    """
    import pandas as pd

    floor = protocol.reporting_floor.estimate_min_episodes
    years = observed_days / DAYS_PER_YEAR
    shown = [(name, part) for name, part in split if part.size >= floor and n_returns[part].sum() > 0]
    nan = float("nan")
    estimates: dict[str, tuple[float, ...]] = {}
    notes: list[str] = []
    recorded = [name for name, _ in shown if name != results.NOT_RECORDED]
    reference = max(recorded, key=lambda name: dict(shown)[name].size) if len(recorded) > 1 else ""
    if shown:
        names = sorted((name for name, _ in shown), key=lambda name: name != reference)
        parts = [dict(shown)[name] for name in names]
        code = np.repeat(np.arange(len(parts)), [part.size for part in parts])
        used = np.concatenate(parts)
        try:
            fit = rates.negative_binomial_rate(n_returns[used], years[used], code, level=protocol.inference.level)
        except NotEstimable as refusal:
            notes.append(f"Returns per patient-year cannot be given: {refusal}")
        else:
            for i, name in enumerate(names):
                ratios = (fit.ratio[i], fit.ratio_low[i], fit.ratio_high[i]) if name != reference else (nan,) * 3
                found = (fit.rate[i], fit.conf_low[i], fit.conf_high[i], *(ratios if reference else (nan,) * 3))
                estimates[name] = tuple(float(value) for value in found)
    rows = []
    for name, part in split:
        rate, low, high, *ratio = estimates.get(name, (nan,) * 6)
        counted = (part.size, int(n_returns[part].sum()), float(years[part].sum()))
        rows.append((name, rate, low, high, *counted, *ratio, reference))
    return pd.DataFrame(rows, columns=list(RATE_COLUMNS)), tuple(notes)
