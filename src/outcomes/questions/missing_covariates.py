"""Does it matter how gaps in the covariates are taken? The model of all families, twice.

The comparison of all families (`joint_families`) takes what was not recorded for a level of its own. That is right
where, among the unrecorded, the fact decides nothing about the treatment any more, and may be wrong elsewhere. Beside
it stands the same model, with the same episodes, families and facts, after the gaps were filled m = 20 times by chained
equations with the outcome among the predictors (`missing_imputed`), and the answers combined by Rubin's rules. That is
right where what is missing depends on what was recorded. Where the two agree, the answer does not
hang on which of them holds of the facts imputed; facts without an order keep their gaps as a level in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.imputation import Combined, combine_imputations
from outcomes.estimators.linear import LinearFit, linear_regression
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.covariates import Block, Factor, stack_blocks
from outcomes.questions.joint_columns import given_block
from outcomes.questions.joint_model import EVENTS_PER_COLUMN, JointModel, fit_jointly
from outcomes.questions.missing_imputed import BURN_IN, SAYS_THE_SAME, Gap, find_factors, find_gap, impute
from outcomes.questions.one_thread import one_thread
from outcomes.questions.results import NOT_RECORDED, FloatArray
from outcomes.questions.unknown_treatments import read_treated

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

IMPUTATIONS = 20
MOVED = 0.5
"""Standard errors from which a difference counts as moved."""
COLUMNS = (
    *("contrast", "label", "horizon_days", "estimate", "conf_low", "conf_high"),
    *("category_estimate", "category_low", "category_high", "difference", "missing_share", "is_moved", "n"),
)
FACT_COLUMNS = ("fact", "label", "treated_as", "n", "events", "estimate")
_IMPUTED, _KEPT = "imputed", "not recorded is a level of its own"


@dataclass(frozen=True, repr=False)
class MissingCovariates(CaseAnswer):
    """The comparison of all families with gaps as a level of their own, and with gaps imputed.

    Attributes
    ----------
    table : DataFrame
        One row a family, or bundle, in the codebook's order: ``contrast, label, horizon_days``; ``estimate, conf_low,
        conf_high`` the adjusted difference in the share relieved by the day with imputed covariates;
        ``category_estimate, category_low, category_high`` the one with gaps as a level; their ``difference``;
        ``missing_share`` of the variance that is due to what is missing; ``is_moved``; ``n`` episodes.
    summary : dict
        ``n, n_patients, n_contrasts, n_moved, n_incomplete`` (episodes with a gap), ``largest_difference``,
        ``imputations``.
    more : mapping
        ``facts``: ``fact, label, treated_as, n, events, estimate``: of each fact with gaps, the episodes without it.
    """

    table: pd.DataFrame
    more: Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class _Design:
    """The model's columns: families first, then what stays, with the gaps and the facts that keep theirs apart."""

    families: tuple[Block, ...]
    complete: tuple[Block, ...]
    gaps: tuple[Gap, ...]
    kept: tuple[tuple[str, str, int], ...]

    def fill(self, places: list[FloatArray]) -> FloatArray:
        """Columns of the model, shape (n, p), the gaps filled with `places`."""
        filled = [gap.block(place) for gap, place in zip(self.gaps, places, strict=True)]
        return stack_blocks([*self.families, *self.complete, *filled], places[0].size)

    def beside(self, values: FloatArray) -> FloatArray:
        """The outcome and the columns without gaps, shape (n, 1 + p)."""
        outcome = Block("", "", ("outcome",), values[:, None])
        return stack_blocks([outcome, *self.families, *self.complete], values.size)


@one_thread
def check_missing_covariates(episodes: Episodes, imputations: int = IMPUTATIONS) -> MissingCovariates:
    """Compare all families with gaps in the covariates as a level of their own, and with the gaps imputed.

    Parameters
    ----------
    episodes : Episodes
    imputations : int
        Two or more.

    Raises
    ------
    NotEstimable
        The export records no treatments, no family can be compared, there is nothing to impute, or with its gaps
        filled a fact says the same as the others.
    """
    results.check_episodes(episodes)
    rows = read_treated(episodes)
    model = fit_jointly(episodes, rows)
    if model.fit is None or model.values is None:
        raise NotEstimable(
            "No family of treatments can be compared, so that there is no model whose covariates could be imputed. The "
            "comparison of all families says why."
        )
    design = _read_design(episodes, model, model.fit.coef.size)
    if not design.gaps:
        raise NotEstimable(
            "There is nothing to impute: no fact in the model that has a gap has also an order or two levels, two of "
            f"them on record, and {EVENTS_PER_COLUMN} recorded episodes a column of the model; a gap in another one is "
            "a level of its own."
        )
    combined = _fit_imputed(episodes, model, design, model.values, imputations)
    return _make_result(episodes, model, model.fit, design, combined)


def _read_design(episodes: Episodes, model: JointModel, columns: int) -> _Design:
    """Take the model's own columns apart: families, facts with gaps that can be filled, and everything else."""
    names = [block.name for block in model.used]
    known = {factor.name: factor for factor in find_factors(episodes, model.rows.episode, _facts(episodes, names))}
    # A fact on record for few is predicted from their chance: its gaps would move every answer, and by nothing.
    least = EVENTS_PER_COLUMN * columns
    found = {name: find_gap(factor, least) for name, factor in known.items()}
    complete = tuple(block for block in model.used if found.get(block.name) is None)
    kept = tuple(
        (block.name, block.label, missing)
        for block in complete
        if block.name in known and (missing := _count_missing(known[block.name]))
    )
    families = tuple(given_block(model.given[i]) for i in model.shown)
    gaps = tuple(gap for name in names if (gap := found.get(name)) is not None)
    return _Design(families, complete, gaps, kept)


def _count_missing(factor: Factor) -> int:
    """Episodes of which a fact is not recorded; it may be the level that the others are compared with."""
    if NOT_RECORDED not in factor.levels:
        return 0
    return int((factor.codes == factor.levels.index(NOT_RECORDED)).sum())


def _facts(episodes: Episodes, names: list[str]) -> list[str]:
    """Names of blocks that are columns of the episode table; bundles of treatments and who treated are not."""
    from outcomes.questions.treatment_arms import FIRST_FACTS, LATER_FACTS

    return [name for name in names if name in (*FIRST_FACTS, *LATER_FACTS)]


def _fit_imputed(
    episodes: Episodes, model: JointModel, design: _Design, values: FloatArray, imputations: int
) -> Combined:
    """Fill the gaps, fit the model to each set, and combine the families' coefficients."""
    protocol = episodes.protocol
    fits: list[LinearFit] = []
    for places in impute(design.gaps, design.beside(values), imputations, protocol.inference.seed):
        X = design.fill(places)
        try:
            fits.append(linear_regression(X, values, cluster=model.rows.patient, level=protocol.inference.level))
        except InputRefused as refusal:  # a filled fact may be the double of another, as the gaps kept it from being
            raise NotEstimable(SAYS_THE_SAME) from refusal
    shown = slice(1, 1 + len(model.shown))
    return combine_imputations(
        np.stack([fit.coef[shown] for fit in fits]),
        np.stack([fit.std_err[shown] ** 2 for fit in fits]),
        fits[0].df,
        protocol.inference.level,
    )


def _make_result(
    episodes: Episodes, model: JointModel, fit: LinearFit, design: _Design, combined: Combined
) -> MissingCovariates:
    import pandas as pd

    rows, shown = [], len(model.shown)
    difference = combined.estimate - fit.coef[1 : shown + 1]
    moved = np.abs(difference) > MOVED * fit.std_err[1 : shown + 1]
    for place, i in enumerate(model.shown):
        item, at = model.given[i], place + 1
        imputed = (combined.estimate[place], combined.low[place], combined.high[place])
        category = (fit.coef[at], fit.low[at], fit.high[at])
        more = (difference[place], combined.missing_share[place], bool(moved[place]), model.rows.n)
        rows.append((item.name, item.label, episodes.protocol.horizons_days.primary, *imputed, *category, *more))
    incomplete = np.any([gap.missing for gap in design.gaps], axis=0)
    return MissingCovariates(
        table=pd.DataFrame(rows, columns=list(COLUMNS)),
        summary={
            "n": model.rows.n,
            "n_patients": int(np.unique(model.rows.patient).size),
            "n_contrasts": shown,
            "n_moved": int(moved.sum()),
            "n_incomplete": int(incomplete.sum()),
            "largest_difference": float(np.abs(difference).max()),
            "imputations": combined.m,
        },
        settings=_settings(episodes, combined.m),
        ledger=model.rows.ledger,
        notes=_notes(design, moved),
        more={"facts": _tabulate_facts(design, model.rows.n)},
    )


def _tabulate_facts(design: _Design, n: int) -> pd.DataFrame:
    """Facts with gaps, and how each is taken."""
    import pandas as pd

    counts = [(gap.factor.name, gap.factor.label, _IMPUTED, int(gap.missing.sum())) for gap in design.gaps]
    counts += [(name, label, _KEPT, missing) for name, label, missing in design.kept]
    return pd.DataFrame([(*row[:3], n, row[3], row[3] / n) for row in counts], columns=list(FACT_COLUMNS))


def _settings(episodes: Episodes, m: int) -> dict[str, Any]:
    day = episodes.protocol.horizons_days.primary
    return results.make_settings(
        episodes,
        question="covariates that were not recorded",
        definition=f"difference in the share relieved by day {day} that goes with each family, the others being equal",
        estimator="linear regression of pseudo-observations, variance by patient; gaps as a level of their own, and "
        "imputed with the answers combined by Rubin's rules, limits by Barnard and Rubin",
        imputation=f"chained equations, predictive mean matching of 20, {m} sets after {BURN_IN} rounds, outcome "
        "included, statsmodels",
        moved=f"more than {MOVED:g} standard errors",
        tag="adjusted association",
    )


def _notes(design: _Design, moved: np.ndarray[Any, Any]) -> tuple[str, ...]:
    kept = "; ".join(label.lower() for _, label, _ in design.kept)
    said = (
        "No difference moves by more than half its standard error" + ("; some facts were not imputed." if kept else ".")
        if not moved.any()
        else "Where a difference moves by more than half its standard error, how gaps are taken is part of the answer."
    )
    return (
        said,
        "Imputed values are right where what is missing depends on what was recorded, gaps as a level where it is no "
        "sign of anything else; neither can be checked in these records.",
        *((f"Not imputed, having no order or too few values on record: {kept}.",) if kept else ()),
    )
