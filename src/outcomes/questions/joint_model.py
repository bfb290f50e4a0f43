"""The model of all families at once: which of them, asked of the gate, bundled, and fitted. See `joint_families`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.errors import NotEstimable
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.linear import LinearFit, linear_regression
from outcomes.questions import results
from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.contrast_gate import NAN, Check, check_before
from outcomes.questions.contrast_lines import Contrast, first_reason
from outcomes.questions.covariates import Block, choose_columns, stack_blocks
from outcomes.questions.joint_bundles import (
    MOST_INFLATION,
    Given,
    Pair,
    count_pairs,
    find_inflation,
    join_bundles,
    read_families,
    varies,
)
from outcomes.questions.joint_columns import build_covariates, choose_design
from outcomes.questions.results import FloatArray
from outcomes.questions.treatment_arms import Arms, keep_comparable

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

EVENTS_PER_COLUMN = 10
"""Episodes seen relieved, or of the others where these are fewer, for each column of the model."""


@dataclass(frozen=True, slots=True)
class JointModel:
    """The model of all families, or why there is none.

    Attributes
    ----------
    rows : TreatmentRows
    families : list of Given
        One by one.
    pairs : list of Pair
        Of places in `families`.
    given : list of Given
        Families and bundles, in the codebook's order.
    contrasts : list of Contrast
        One for each of `given`, with what the gate said.
    used, left : tuple of Block
        What is adjusted for, and what there was no room for.
    fit : LinearFit or None
    values : ndarray, shape (n,), or None
        Pseudo-observations of being relieved by the day, the outcome of the fit.
    """

    rows: TreatmentRows
    families: list[Given]
    pairs: list[Pair]
    given: list[Given]
    contrasts: list[Contrast]
    used: tuple[Block, ...] = ()
    left: tuple[Block, ...] = ()
    fit: LinearFit | None = None
    values: FloatArray | None = None

    @property
    def mean(self) -> float:
        """Mean of the pseudo-observations: the share relieved by the day."""
        return NAN if self.values is None else float(self.values.mean())

    @property
    def shown(self) -> list[int]:
        """Places in `given` of those that passed the gate, in the order of the model's columns."""
        return [i for i, contrast in enumerate(self.contrasts) if not contrast.reason]


def fit_jointly(episodes: Episodes, rows: TreatmentRows) -> JointModel:
    """Bundle the families, ask the gate, and fit the model of those that passed.

    Parameters
    ----------
    episodes : Episodes
    rows : TreatmentRows
        All eligible episodes.
    """
    least = episodes.protocol.reporting_floor.compare_min_episodes
    families = read_families(rows.given, episodes.visits.codebook)
    pairs = count_pairs(families, least)
    given = join_bundles(families, pairs)
    model = JointModel(rows, families, pairs, given, [_ask_gate(episodes, rows, item) for item in given])
    columns = [item for item in given if varies(item.flags, LEAST_IN_ARM)]
    room = _count_room(episodes, rows)
    covariates, left = choose_columns(build_covariates(episodes, rows), room - len(columns))
    overall = _check_overall(episodes, rows, len(columns), room)
    contrasts = _tell_apart(model, columns, covariates, least, overall)
    model = replace(model, contrasts=contrasts, left=tuple(left))
    return _fit(episodes, model, columns, covariates) if model.shown else model


def give_arms(rows: TreatmentRows, item: Given) -> Arms:
    """Episodes that began with a family, or with at least one of a bundle, against the others."""
    words = item.label[0].lower() + item.label[1:]
    return Arms(
        item.name,
        item.label,
        rows,
        item.flags,
        item.families,
        (),
        f"that began with {words}",
        f"that began without {words}",
    )


def _ask_gate(episodes: Episodes, rows: TreatmentRows, item: Given) -> Contrast:
    """Episodes, events, clinicians and follow-up of both sides, as for one family against not."""
    everybody = give_arms(rows, item)
    arms, units = keep_comparable(episodes, everybody)
    checks = check_before(everybody, arms, units, episodes.protocol.horizons_days.primary, episodes.protocol)
    return Contrast(arms, units, checks, first_reason(checks))


def _count_events(episodes: Episodes, rows: TreatmentRows) -> int:
    """Episodes seen relieved by the day, or the others where these are fewer."""
    seen = int((rows.right_days <= episodes.protocol.horizons_days.primary).sum())
    return min(seen, rows.n - seen)


def _count_room(episodes: Episodes, rows: TreatmentRows) -> int:
    return _count_events(episodes, rows) // EVENTS_PER_COLUMN


def _check_overall(episodes: Episodes, rows: TreatmentRows, n_columns: int, room: int) -> list[Check]:
    """Whether the model can be fitted at all: one curve to the day, and ten events for each family."""
    day = episodes.protocol.horizons_days.primary
    seen = np.where(rows.seen, rows.right_days, rows.left_days)
    at_risk, events = results.count_days(seen, rows.seen, day + 1)
    last = results.find_last_day(at_risk, rows.n, episodes.protocol, events)
    short, few = last < day, n_columns > room
    needed = float(EVENTS_PER_COLUMN * n_columns)
    return [
        Check(
            "all followed",
            float(last),
            NAN,
            float(day),
            not short,
            f"too few episodes are followed for {day} days" if short else "",
        ),
        Check(
            "events for all families",
            float(_count_events(episodes, rows)),
            NAN,
            needed,
            not few,
            "too few episodes were seen relieved to look at so many families at once" if few else "",
        ),
    ]


def _tell_apart(
    model: JointModel, columns: list[Given], covariates: list[Block], least: int, overall: list[Check]
) -> list[Contrast]:
    """Ask of each family that passed so far whether the model can tell it from everything else in it."""
    others = stack_blocks(covariates, model.rows.n)
    table = np.column_stack([item.flags for item in columns]).astype(np.float64) if columns else others[:, :0]
    inflation = dict(zip([item.name for item in columns], find_inflation(table, others).tolist(), strict=True))
    either = _find_either(model.given, least)
    contrasts = []
    for item, contrast in zip(model.given, model.contrasts, strict=True):
        checks = [*contrast.checks, *overall]
        if item.name in inflation:
            checks.append(_inflation_check(inflation[item.name], either.get(item.name, "")))
        contrasts.append(replace(contrast, checks=checks, reason=first_reason(checks)))
    return contrasts


def _inflation_check(inflation: float, other: str) -> Check:
    reason = ""
    if other:
        reason = f"nearly every episode began with either this or {other}: neither can be compared with doing without"
    elif inflation > MOST_INFLATION:
        reason = "who treated and what else was done nearly tell who had it: it cannot be told from them"
    return Check("told apart", inflation, NAN, MOST_INFLATION, not reason, reason)


def _find_either(given: list[Given], least: int) -> dict[str, str]:
    """Names of those that are another's absence, to the label of that other."""
    found: dict[str, str] = {}
    for pair in count_pairs(given, least):
        if pair.is_either:
            for one, other in ((given[pair.a], given[pair.b]), (given[pair.b], given[pair.a])):
                found.setdefault(one.name, other.label[0].lower() + other.label[1:])
    return found


def _fit(episodes: Episodes, model: JointModel, columns: list[Given], covariates: list[Block]) -> JointModel:
    shown = [model.given[i] for i in model.shown]
    names = {item.name for item in shown}
    X, used = choose_design(shown, [item for item in columns if item.name not in names], covariates)
    rows, protocol = model.rows, episodes.protocol
    day = float(protocol.horizons_days.primary)
    try:
        values = interval_pseudo(rows.left_days, rows.right_days, [day])[:, 0]
        fit = linear_regression(X, values, cluster=rows.patient, level=protocol.inference.level)
    except NotEstimable as refusal:
        said = results.say_refusal(refusal)
        failed = Check("fit", NAN, NAN, NAN, False, said[0].lower() + said[1:])
        contrasts = [
            contrast if contrast.reason else replace(contrast, checks=[*contrast.checks, failed], reason=failed.reason)
            for contrast in model.contrasts
        ]
        return replace(model, contrasts=contrasts)
    return replace(model, used=used, fit=fit, values=values)
