"""Groups by the primary day as if they had come with the same first rating, duration, history, region, age and sex.

One regression of the intervals (`estimators.aft`, log-logistic) holds all groups and these facts. The adjusted share of
a group is what it gives if every episode compared were of that group and kept its own facts (g-computation); its
interval holds the fit and the drawing of patients. Ratios of times stand second: above 1 is later.

The regression gives all curves one shape. Where the share it gives a group as it came (``modelled``) lies far from that
of the group's own curve (``unadjusted``), and outside its interval, it does not fit, and that is said. Facts that are
not recorded are not adjusted for: this describes who is relieved when, not why. Clinics, clinicians and quarters have
comparisons of their own (`compare_units`, `review_quarter`) with the gates these need; here they have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.aft import AftFit, aft_interval, time_ratios
from outcomes.estimators.aft_standardise import standardised_cdf
from outcomes.questions.covariates import FACTOR_LABELS, Block, build_factors, choose_columns, stack_blocks
from outcomes.questions.results import NOT_RECORDED, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol
    from outcomes.questions.relief_fit import GroupFit
    from outcomes.questions.relief_rows import ReliefRows

COLUMNS = (
    *("group", "horizon_days", "unadjusted", "modelled", "estimate", "conf_low", "conf_high"),
    *("time_ratio", "ratio_low", "ratio_high", "reference", "n", "events"),
)
CORE = ("baseline_nrs", "chronicity", "previous_episodes", "region", "age", "sex")
"""What groups are made alike in, the most important first: with few relieved there is no room for all."""
ELSEWHERE = ("clinic_id", "clinician_id", "index_quarter")
FAMILIES = ("loglogistic", "weibull")
"""The second is taken where the first does not converge."""
EVENTS_PER_COLUMN = 10
LARGEST_MISFIT = 0.05
ESTIMATOR = "interval-censored log-logistic regression, averaged over all episodes compared (g-computation)"


def tabulate_adjusted(
    episodes: Episodes, rows: ReliefRows, split: Sequence[tuple[str, IntArray]], fits: Sequence[GroupFit], by: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return one row a group (`COLUMNS`), by the primary day, and what to say of it; no rows where none is compared.

    Parameters
    ----------
    episodes : Episodes
    rows : ReliefRows
    split : sequence of (name, positions in `rows`)
    fits : sequence of GroupFit
        Of the same groups in the same order.
    by : str
        Column the groups were formed by; it is not adjusted for.
    """
    import pandas as pd

    protocol, none = episodes.protocol, pd.DataFrame(columns=list(COLUMNS))
    kept = [(part, fit) for (_, part), fit in zip(split, fits, strict=True) if _is_compared(fit, protocol)]
    if len(kept) < 2 or by in ELSEWHERE:
        return none, ()
    place = np.concatenate([part for part, _ in kept])
    group = np.repeat(np.arange(len(kept)), [part.size for part, _ in kept])
    used = rows.take(place)
    try:
        model = _Model.fit(episodes, used, group, by, protocol)
    except NotEstimable as refusal:
        return none, (f"Adjusted shares are not given: {str(refusal)[0].lower()}{str(refusal)[1:]}",)
    lines = [_line(model, code, fit, used, protocol) for code, (_, fit) in enumerate(kept)]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    return table, (model.say(), *_say_misfit(table, [fit for _, fit in kept], protocol.horizons_days.primary))


class _Model:
    """The regression of some groups: its columns, those of the groups first, and the group of each row."""

    def __init__(self, result: AftFit, columns: FloatArray, group: IntArray, core: Sequence[Block]) -> None:
        self.result, self.columns, self.group, self.core = result, columns, group, core
        self.reference = int(np.argmax(np.bincount(group)))
        self.others = [code for code in range(int(group.max()) + 1) if code != self.reference]

    @classmethod
    def fit(cls, episodes: Episodes, rows: ReliefRows, group: IntArray, by: str, protocol: Protocol) -> _Model:
        """Fit the groups and as many of the facts as there is room for.

        Raises
        ------
        NotEstimable
            Fewer than `EVENTS_PER_COLUMN` relieved for each group, or no regression of `FAMILIES` exists.
        """
        least = protocol.reporting_floor.compare_min_episodes
        factors = build_factors(episodes, rows.episode, [name for name in CORE if name != by], least)
        sizes = np.bincount(group)
        codes = [code for code in range(sizes.size) if code != int(np.argmax(sizes))]
        flags = (group[:, None] == np.array(codes)).astype(np.uint8)
        own = Block(by, by, tuple(f"{by} {code}" for code in codes), flags)
        room = int(rows.seen.sum()) // EVENTS_PER_COLUMN
        taken, _ = choose_columns([own, *map(Block.of, factors)], room)
        if not taken or taken[0].name != by:
            raise NotEstimable(f"fewer than {EVENTS_PER_COLUMN} relieved episodes for each group.")
        columns = stack_blocks(taken, group.size)
        names = [name for block in taken for name in block.names]
        return cls(_fit_one(columns, rows, names, protocol), columns, group, taken[1:])

    def set_to(self, code: int) -> FloatArray:
        """The columns with every row in one group."""
        changed = self.columns.copy()
        changed[:, : len(self.others)] = [other == code for other in self.others]
        return changed

    def say(self) -> str:
        """What was adjusted for."""
        named = [FACTOR_LABELS.get(block.name, block.name).lower() for block in self.core]
        told = f"adjusted for {', '.join(named)}" if named else "adjusted for nothing, since nothing more is recorded"
        other = "" if self.result.family == FAMILIES[0] else f" ({self.result.family}, as the main one does not exist)"
        return f"Descriptive: groups are {told}{other}; they differ in more than this, and some of it is not recorded."


def _fit_one(columns: FloatArray, rows: ReliefRows, names: Sequence[str], protocol: Protocol) -> AftFit:
    level, refusals = protocol.inference.level, []
    for family in FAMILIES:
        try:
            return aft_interval(
                columns, rows.left_days, rows.right_days, family, cluster=rows.patient, level=level, names=names
            )
        except NotEstimable as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _line(model: _Model, code: int, fit: GroupFit, rows: ReliefRows, protocol: Protocol) -> tuple[object, ...]:
    day, level = protocol.horizons_days.primary, protocol.inference.level
    as_it_came = standardised_cdf(model.result, model.columns[model.group == code], day).cdf[0]
    alike = standardised_cdf(model.result, model.set_to(code), day, level=level, cluster=rows.patient)
    ratio = [float("nan")] * 3
    if code != model.reference:
        ratio = [float(values[model.others.index(code)]) for values in time_ratios(model.result)]
    shares = (float(fit.curve.estimate[day]), float(as_it_came))
    limits = (float(alike.cdf[0]), float(alike.lower[0]), float(alike.upper[0]))
    counts = (fit.curve.n, int(fit.curve.events[day]))
    return (fit.curve.group, day, *shares, *limits, *ratio, code == model.reference, *counts)


def _is_compared(fit: GroupFit, protocol: Protocol) -> bool:
    """Whether a group is recorded and large enough, and neither those relieved nor the others are a small number."""
    floor, day = protocol.reporting_floor, protocol.horizons_days.primary
    events = int(fit.curve.events[day])
    few_left = 0 < fit.curve.n - events < floor.suppress_cell_below
    is_large = fit.curve.n >= floor.compare_min_episodes and events >= floor.compare_min_events
    return fit.curve.group != NOT_RECORDED and is_large and day <= fit.curve.last_day and not few_left


def _say_misfit(table: pd.DataFrame, fits: Sequence[GroupFit], day: int) -> list[str]:
    low, high = (np.array([getattr(fit.curve, side)[day] for fit in fits]) for side in ("conf_low", "conf_high"))
    modelled = table["modelled"].to_numpy()
    far = np.abs(modelled - table["unadjusted"].to_numpy()) > LARGEST_MISFIT
    off = far & ((modelled < low) | (modelled > high))
    if not off.any():
        return []
    groups = ", ".join(f"'{group}'" for group in table.loc[off, "group"])
    return [
        f"The regression behind the adjusted shares gives {groups} a share more than {100 * LARGEST_MISFIT:.0f} points "
        "off the group's own curve and outside its interval: its shape does not fit there, and the adjusted share is "
        "not to be relied on."
    ]
