"""How differently those who stopped coming would have had to fare for two groups to change places: the tipping point.

In both groups the hazard of relief after a silent stop is taken for a multiple, the same, of that of patients still
seen (`estimators.day_tables.share_if_stopped`). At 1 it is the difference the curves show. Where that is turned round
by a multiple near 1, the difference is as much one of who stops coming as of who is relieved; where none does, from
none of them ever to all of them the next day, it is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators.day_tables import share_if_stopped
from outcomes.questions.results import NOT_RECORDED, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions import Protocol
    from outcomes.questions.relief_fit import GroupFit

COLUMNS = (
    *("group", "other", "horizon_days", "estimate", "if_none_of_stopped", "if_all_of_stopped", "tipping_ratio"),
    *("n", "events"),
)
MOST_GROUPS = 12
_ONCE = 1e-8
"""So near its end a place stands for "all of them": no hazard is small enough for a multiple to lie there."""
_STEPS = 200
"""Places between "none of them" and "all of them" at which the sign is looked at first."""


def tabulate_tipping(fits: Sequence[GroupFit], protocol: Protocol) -> pd.DataFrame:
    """Return one row a pair of groups (`COLUMNS`), by the primary day.

    Compared are groups large enough for a test whose share by that day, and the fate of whose stoppers, can be stated.
    ``estimate`` is the share of the group minus that of the other; ``tipping_ratio`` is NaN where it keeps its sign.
    """
    import pandas as pd

    day = protocol.horizons_days.primary
    fits = [fit for fit in fits if fit.curve.group != NOT_RECORDED and _is_compared(fit, day, protocol)]
    rows: list[tuple[object, ...]] = []
    for one, other in itertools.combinations(fits if len(fits) <= MOST_GROUPS else [], 2):
        none, mean, every = (_differ(one, other, day, ratio) for ratio in (0.0, 1.0, np.inf))
        counts = (one.curve.n + other.curve.n, int(one.curve.events[day] + other.curve.events[day]))
        names = (one.curve.group, other.curve.group, day)
        rows.append((*names, mean, none, every, find_tipping_ratio(one, other, day), *counts))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def find_tipping_ratio(one: GroupFit, other: GroupFit, day: int) -> float:
    """Return the multiple nearest to 1 at which the difference of two groups changes its sign; NaN for none.

    Near is meant by ``ratio / (1 + ratio)``: a half is as far from 1 as a double. It is inf where no multiple is enough
    and all of them the next day are: on days without relief any multiple of the hazard is none.
    """
    from scipy.optimize import brentq

    def differ(place: float) -> float:
        return _differ(one, other, day, place / (1.0 - place) if place < 1.0 else np.inf)

    places = np.linspace(0.0, 1.0, _STEPS + 1)
    sign = np.sign([differ(place) for place in places])
    if sign[_STEPS // 2] == 0:
        return 1.0
    turns = [brentq(differ, places[i], places[i + 1], xtol=1e-9) for i in np.flatnonzero(sign[1:] * sign[:-1] <= 0)]
    if not turns:
        return float("nan")
    nearest = min(turns, key=lambda place: abs(place - 0.5))
    return float(nearest / (1.0 - nearest)) if nearest < 1.0 - _ONCE else float("inf")


def _differ(one: GroupFit, other: GroupFit, day: int, ratio: float) -> float:
    """The share of one group by a day minus that of the other, with this fate of those who stopped."""
    first, second = (_share(fit, day, ratio) for fit in (one, other))
    return first - second


def _share(fit: GroupFit, day: int, ratio: float) -> float:
    share: FloatArray = fit.curve.estimate
    if ratio != 1.0:
        share = np.clip(share_if_stopped(share, fit.fates.stops, np.array(fit.fates.told_weight), ratio), 0.0, 1.0)
    return float(share[day])


def _is_compared(fit: GroupFit, day: int, protocol: Protocol) -> bool:
    """Whether a group is large enough, and its share and the part of its stoppers can be stated.

    Those relieved and those not are no small number either: from a difference and one share a reader has the other.
    """
    floor, events = protocol.reporting_floor, int(fit.curve.events[day])
    is_large = fit.curve.n >= floor.compare_min_episodes and events >= floor.compare_min_events
    few_left = 0 < fit.curve.n - events < floor.suppress_cell_below
    few_stopped = 0 < fit.fates.n_stopped < floor.suppress_cell_below
    is_stated = day <= fit.curve.last_day and fit.fates.told_weight > 0
    return is_large and is_stated and not few_left and not few_stopped
