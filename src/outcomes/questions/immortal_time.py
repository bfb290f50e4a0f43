"""Why "ever exercised" is offered nowhere: the comparison on made-up patients, for whom the truth is known.

Whoever is back early had no time to begin anything. So those who ever exercised are picked from those who stayed well,
and seem to stay well because they exercised (immortal time; Suissa 2008, doi:10.1093/aje/kwm324). This shows how large
that is where exercise does nothing, beside the two comparisons that do not make it. It takes no records: the false
comparison exists for made-up patients only.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.arguments import check_list, check_whole, refused
from outcomes.estimators.cox import cox
from outcomes.questions.answer import Answer

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("truth", "comparison", "label", "hazard_ratio", "conf_low", "conf_high")
LANDMARK_DAYS = 30
LABELS = {
    "ever": "ever exercised, against never (offered nowhere)",
    "landmark": f"exercised by day {LANDMARK_DAYS}, clock starts that day",
    "state": "exercise as a state that begins when it begins",
}


@dataclass(frozen=True, repr=False)
class ImmortalTime(Answer):
    """Three comparisons of made-up patients.

    Attributes
    ----------
    table : DataFrame
        ``truth, comparison, label, hazard_ratio, conf_low, conf_high``: `truth` is the ratio of hazards planted.
    settings : dict
    notes : tuple of str
    """

    table: pd.DataFrame
    settings: dict[str, Any]
    notes: tuple[str, ...]


def show_immortal_time(
    hazard_ratios: tuple[float, ...] = (1.0, 0.6), patients: int = 20_000, seed: int = 1
) -> ImmortalTime:
    """Compare made-up patients by exercise, in the way that is wrong and in two that are not.

    Parameters
    ----------
    hazard_ratios : tuple of float
        What exercise is made to do to the hazard of return; 1 is nothing.
    patients : int
        Patients drawn for each.
    seed : int

    Raises
    ------
    InputRefused
        E659 what is no list of numbers above 0, no number of patients, or no seed.
    """
    import pandas as pd

    ratios = check_list("hazard_ratios", hazard_ratios, "numbers above 0")
    if not ratios or not all(isinstance(ratio, Real) and 0 < float(ratio) < np.inf for ratio in ratios):
        raise refused("hazard_ratios", "must be a list of numbers above 0; 1 is no effect.")
    patients, seed = check_whole("patients", patients, 1), check_whole("seed", seed, 0)
    rows = [
        (truth, name, LABELS[name], *found)
        for truth in ratios
        for name, found in _compare(truth, patients, seed).items()
    ]
    return ImmortalTime(
        table=pd.DataFrame(rows, columns=list(COLUMNS)),
        settings={"patients": patients, "seed": seed, "landmark_days": LANDMARK_DAYS},
        notes=(
            "Made-up patients; no number here speaks of a real one.",
            "The landmark takes late starters for patients without exercise, which pulls it towards 1.",
        ),
    )


def _compare(truth: float, patients: int, seed: int) -> dict[str, tuple[float, float, float]]:
    from outcomes.simulate.returns_after_exercise import simulate_exercise

    world = simulate_exercise(patients, seed, truth)
    days, back = world["relief_to_return_days"].astype(np.float64), world["returned"]
    start = world["start_day"]
    left = days > LANDMARK_DAYS
    began = start < days
    who = np.concatenate([np.arange(days.size), np.flatnonzero(began)])
    state = np.repeat([0, 1], [days.size, int(began.sum())])
    stop = np.where(state > 0, days[who], np.minimum(days, start)[who])
    entry = np.where(state > 0, start[who], -1.0)
    event = back[who] * (stop == days[who])
    return {
        "ever": _ratio(began, days, back),
        "landmark": _ratio(start[left] <= LANDMARK_DAYS, days[left], back[left]),
        "state": _ratio(state > 0, stop, event, entry),
    }


def _ratio(
    exposed: NDArray[np.bool_], stop: NDArray[Any], event: NDArray[Any], entry: NDArray[Any] | None = None
) -> tuple[float, float, float]:
    fit = cox(exposed.astype(np.int8)[:, None], stop, event, entry=entry)
    low, middle, high = (float(np.exp(values[0])) for values in (fit.conf_low, fit.coef, fit.conf_high))
    return middle, low, high
