"""The families of treatments under other definitions: the joint model of `joint_families`, fitted again and again.

What may be compared and what stands as one bundle is decided once (`decide_families`), by the gate of the joint model
under the reported definitions. Under another definition a family needs its least number of episodes and of episodes
seen relieved, with it and without it; the rest of the gate is not asked again, and no number here stands on the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows, build_treatment_rows, keep_known_facts
from outcomes.errors import NotEstimable
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.linear import LinearFit, linear_regression
from outcomes.questions import results
from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.covariates import choose_columns
from outcomes.questions.joint_bundles import Given, read_families, varies
from outcomes.questions.joint_columns import build_covariates, choose_design
from outcomes.questions.joint_model import EVENTS_PER_COLUMN, JointModel, fit_jointly
from outcomes.questions.unknown_treatments import read_treated

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class FamilyLine:
    """The difference that goes with one family under one definition, or why there is none."""

    contrast: str
    label: str
    n: int
    events: int
    reason: str = ""
    estimate: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN


def decide_families(episodes: Episodes, notes: list[str]) -> JointModel | None:
    """Return the joint model under the reported definitions; None, with a note, where none can be made."""
    known = keep_known_facts(episodes)
    try:
        rows = read_treated(known)
    except NotEstimable as refusal:
        notes.append(f"{results.say_refusal(refusal)}.")
        return None
    return fit_jointly(known, rows)


def fit_families(episodes: Episodes, decided: JointModel, is_reported: bool) -> Iterator[FamilyLine]:
    """Give the line of every family or bundle, in the codebook's order.

    Parameters
    ----------
    episodes : Episodes
        Under the definition in question.
    decided : JointModel
        As `decide_families` returns it.
    is_reported : bool
        Whether the definition is the reported one: then `decided` has the fit already.
    """
    known = keep_known_facts(episodes)
    rows = decided.rows if is_reported else build_treatment_rows(known)
    given = [_give(item, rows, known) for item in decided.given]
    refused = [contrast.reason for contrast in decided.contrasts]
    reasons = [reason or _too_few(known, rows, item) for item, reason in zip(given, refused, strict=True)]
    shown = [item for item, reason in zip(given, reasons, strict=True) if not reason]
    fit: LinearFit | None = decided.fit if is_reported else None
    if fit is None and shown:
        try:
            fit = _fit(known, rows, shown, [item for item in given if item not in shown])
        except NotEstimable as refusal:
            reasons = [reason or results.say_refusal(refusal) for reason in reasons]
    events = int((rows.right_days <= known.protocol.horizons_days.primary).sum())
    places = {item.name: place for place, item in enumerate(shown, start=1)}
    for item, reason in zip(given, reasons, strict=True):
        line = FamilyLine(item.name, item.label, rows.n, events, reason)
        if fit is not None and not reason:
            at = places[item.name]
            line = replace(
                line, estimate=float(fit.coef[at]), conf_low=float(fit.low[at]), conf_high=float(fit.high[at])
            )
        yield line


def _give(item: Given, rows: TreatmentRows, episodes: Episodes) -> Given:
    """The same family, or at least one of the same bundle, at these rows."""
    own = [one.flags for one in read_families(rows.given, episodes.visits.codebook) if one.name in item.families]
    return replace(item, flags=np.logical_or.reduce(own))


def _too_few(episodes: Episodes, rows: TreatmentRows, item: Given) -> str:
    floor, day = episodes.protocol.reporting_floor, episodes.protocol.horizons_days.primary
    for with_it, word in ((True, "with"), (False, "without")):
        arm = item.flags == with_it
        if int(arm.sum()) < floor.compare_min_episodes:
            return f"under this definition fewer than {floor.compare_min_episodes} episodes {word} it"
        if int((rows.right_days[arm] <= day).sum()) < floor.compare_min_events:
            return f"under this definition fewer than {floor.compare_min_events} relieved {word} it"
    return ""


def _fit(episodes: Episodes, rows: TreatmentRows, shown: list[Given], hidden: list[Given]) -> LinearFit:
    """The model of `joint_model`: families first, then what there is room for."""
    protocol = episodes.protocol
    day = float(protocol.horizons_days.primary)
    seen = int((rows.right_days <= day).sum())
    beside = [item for item in hidden if varies(item.flags, LEAST_IN_ARM)]
    room = min(seen, rows.n - seen) // EVENTS_PER_COLUMN - len(shown) - len(beside)
    if room < 0:
        raise NotEstimable("under this definition too few episodes were seen relieved for so many families")
    covariates, _ = choose_columns(build_covariates(episodes, rows), room)
    X, _ = choose_design(shown, beside, covariates)
    values = interval_pseudo(rows.left_days, rows.right_days, [day])[:, 0]
    return linear_regression(X, values, cluster=rows.patient, level=protocol.inference.level)
