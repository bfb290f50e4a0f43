"""E9: all families of treatments in one model. An adjusted association, shrunken, and in no order of size.

Patients get several treatments at a visit. What went with each of them, the others being equal, is asked of one linear
model of all families at the first treatment visit, with what is known of patient and clinician beside them. Its
outcome is whether relief came by the primary day; since relief is only seen at visits, each episode enters with its
pseudo-observation of that (Andersen, Klein and Rosthoj 2003, doi:10.1093/biomet/90.1.15). Coefficients are differences
in the share relieved, and their variance is by patient: generalised estimating equations with identity link and working
independence.

Families that seldom came one without the other stand as one bundle (`joint_bundles`). The model adds up what the
families give: whether two do more together than each alone is not asked, because it was not declared beforehand, and
few clinics have 60 episodes of every combination. And the largest of many differences is large by luck in part, so that
each is also shown shrunk towards none, by as much as their spread says, and the lines keep the codebook's order.

What it rests on beyond E8: when patients are looked at does not depend on the columns, and differences add up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.clinicians import note_shared
from outcomes.estimators.linear import LinearFit
from outcomes.estimators.sensitivity import find_detectable
from outcomes.estimators.shrinkage import ShrunkenEffects, shrink_effects
from outcomes.questions import results
from outcomes.questions.contrast_checks import DRAWS_BESIDE, beside_line
from outcomes.questions.contrast_lines import (
    DESCRIPTIVE,
    DIFFERENCE,
    NAN,
    Line,
    add_q_values,
    count_arms,
    fit_unadjusted,
    tabulate_lines,
)
from outcomes.questions.covariates import tabulate_blocks
from outcomes.questions.joint_bundles import MOST_INFLATION, tabulate_pairs
from outcomes.questions.joint_columns import share_pooled
from outcomes.questions.joint_model import EVENTS_PER_COLUMN, JointModel, fit_jointly, give_arms
from outcomes.questions.modality_families import UNADJUSTED, count_workers
from outcomes.questions.modality_protocol import describe_family_trial, list_reporting_items
from outcomes.questions.modality_result import ModalityComparison, count_rows, find_signal, tabulate_contrasts
from outcomes.questions.unknown_treatments import read_treated

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

JOINT, SHRUNK = "joint", "joint_shrunk"
SHRINKAGE_COLUMNS = ("tau2", "Q", "df", "p_value", "n_contrasts")
_NO_SPREAD = (
    "The differences spread no more than chance makes them, so that each is shrunk to none: these records show no "
    "differences among the families, which is not to say that there are none."
)
_POOLED = (
    "Clinicians of few episodes, or without a name, stand together by clinic in this model: what those who like to "
    "treat so do otherwise may show as a difference here. The comparisons of one family allow for that."
)
MUCH_POOLED = 0.1
"""Share of episodes of such clinicians from which it is said."""
_NO_INTERVAL = "Shrunken differences have no interval of their own: so few families hardly tell how far they spread."


def compare_jointly(episodes: Episodes, progress: Callable[[str], None] = lambda _: None) -> ModalityComparison:
    """Compare all families of treatments in one model of relief by the primary day.

    Parameters
    ----------
    episodes : Episodes
    progress : callable
        Told, in a few words, what is being done.

    Returns
    -------
    ModalityComparison
        Lines ``joint``, ``joint_shrunk`` and ``unadjusted`` of each family or bundle; ``q_value`` over the joint ones.
        In `more`: ``pairs`` (`joint_bundles.PAIR_COLUMNS`), ``shrinkage`` (``tau2, Q, df, p_value, n_contrasts``) and
        ``columns``, what the model is adjusted for.

    Raises
    ------
    NotEstimable
        The export records no treatments or many in unknown words, or no episode is eligible.
    """
    results.check_episodes(episodes)
    rows = read_treated(episodes)
    progress("all families of treatments in one model")
    return _make_result(episodes, fit_jointly(episodes, rows))


def _build_lines(episodes: Episodes, model: JointModel, shrunk: ShrunkenEffects | None) -> list[Line]:
    """The rows of every family or bundle, in the codebook's order."""
    day = episodes.protocol.horizons_days.primary
    words = "all families in one model, adjusted: share relieved by the day"
    lines: list[Line] = []
    for i, item in enumerate(model.given):
        arms = give_arms(model.rows, item)
        head = count_arms(Line(item.name, item.label, JOINT, words, DIFFERENCE, day), arms)
        if model.fit is None or model.contrasts[i].reason:
            lines.append(head.refuse(model.contrasts[i].reason))
            continue
        place = model.shown.index(i)
        own = _joint_line(head, model.fit, place + 1, model.mean, float(item.flags.mean()))
        draws = min(DRAWS_BESIDE, episodes.protocol.inference.bootstrap_draws)
        plain = fit_unadjusted(episodes, arms, day, draws, count_workers())
        beside = replace(head, analysis=UNADJUSTED, analysis_label="unadjusted: the same episodes", tag=DESCRIPTIVE)
        lines += [own, _shrunken_line(head, shrunk, place), beside_line(beside, plain)]
    return lines


def _joint_line(head: Line, fit: LinearFit, place: int, mean: float, share: float) -> Line:
    """The row of one column of the model, and the shares it gives if all episodes had it, or none."""
    slope = float(fit.coef[place])
    both = mean + (1.0 - share) * slope, mean - share * slope
    inside = min(both) >= 0.0 and max(both) <= 1.0
    return replace(
        head,
        estimate=slope,
        conf_low=float(fit.low[place]),
        conf_high=float(fit.high[place]),
        p_value=float(fit.p_values[place]),
        with_value=both[0] if inside else NAN,
        without_value=both[1] if inside else NAN,
    )


def _shrink(model: JointModel) -> ShrunkenEffects | None:
    """Shrink the differences shown; None where there are fewer than two."""
    fit, places = model.fit, np.arange(len(model.shown)) + 1
    return shrink_effects(fit.coef[places], fit.std_err[places], fit.level) if fit and places.size > 1 else None


def _shrunken_line(head: Line, shrunk: ShrunkenEffects | None, place: int) -> Line:
    line = replace(head, analysis=SHRUNK, analysis_label="the same, shrunk towards no difference")
    if shrunk is None:
        return line.refuse("one family alone gives no spread to shrink by")
    # Adding 0 makes a plain 0 of -0.
    # No interval: with a handful of families their spread is too uncertain for one.
    return replace(line, estimate=float(shrunk.estimate[place]) + 0.0)


def _tabulate_shrinkage(shrunk: ShrunkenEffects | None, n: int) -> pd.DataFrame:
    import pandas as pd

    told = (NAN, NAN, 0, NAN, n) if shrunk is None else (shrunk.tau2, shrunk.Q, shrunk.df, shrunk.p_value, n)
    return pd.DataFrame([told], columns=list(SHRINKAGE_COLUMNS))


def _make_result(episodes: Episodes, model: JointModel) -> ModalityComparison:
    shrunk = _shrink(model)
    shrinkage = _tabulate_shrinkage(shrunk, len(model.shown))
    table = add_q_values(tabulate_lines(_build_lines(episodes, model, shrunk)), JOINT)
    tables = tabulate_contrasts(model.contrasts, episodes.protocol)
    tables["diagnostics"] = _diagnose(tables["diagnostics"], episodes, model)
    return ModalityComparison(
        question="all_families",
        table=table,
        **tables,
        protocol=_describe_trial(episodes),
        checklist=list_reporting_items(episodes),
        summary=_summarise(episodes, model, table, shrinkage),
        settings=_settings(episodes),
        ledger=model.rows.ledger,
        notes=_notes(episodes, model, shrunk),
        more={
            "pairs": tabulate_pairs(model.families, model.pairs),
            "shrinkage": shrinkage,
            "columns": tabulate_blocks(model.used, model.left),
        },
    )


def _diagnose(table: pd.DataFrame, episodes: Episodes, model: JointModel) -> pd.DataFrame:
    """Put in what belongs to the model: its columns, and the smallest difference it would show."""
    if model.fit is None:
        return table
    table = table.copy()
    reach = find_detectable(model.fit.std_err, episodes.protocol.inference.level)
    for place, i in enumerate(model.shown, start=1):
        table.loc[i, "n_columns"] = model.fit.coef.size - 1
        table.loc[i, ["detectable_low", "detectable_high"]] = [-reach[place], reach[place]]
    return table


def _describe_trial(episodes: Episodes) -> pd.DataFrame:
    """The target trial of one family against not, with what differs here."""
    table = describe_family_trial(episodes)
    day, end = episodes.protocol.horizons_days.primary, episodes.protocol.horizons_days.rmst
    said = {
        "Strategies": (
            "Begin with every combination of the families that occurs, each assigned by itself (a factorial trial).",
            "The families recorded at the first treatment visit, each given or not. What is given later does not "
            "count. Families seldom recorded one without the other stand as one.",
        ),
        "Assignment": (
            "Each family by a draw of its own; clinician and patient know which.",
            "By whatever clinician and patient decided, for all families at once. All stand in one model, so that each "
            "is looked at with the others as they are, beside what was recorded by then (first rating, the patient and "
            f"the complaint, who treated), as far as there are {EVENTS_PER_COLUMN} events a column; nothing is "
            "weighted, and no arms are made alike. Assumed: nothing else decides both what is given and who is "
            "relieved, and the model of relief holds.",
        ),
        "Follow-up": (
            f"{end} days, with ratings on fixed days from everybody.",
            f"{end} days, to the last rating. Pain is known at visits only, and who stops coming stops being rated; "
            "assumed: when a patient is seen depends neither on the families nor on what is adjusted for.",
        ),
        "Estimand": (
            f"Difference in the share relieved by day {day} that goes with each family, the others as they are.",
            "The same over all eligible episodes, the differences of the families taken to add up.",
        ),
        "Analysis": (
            "Linear model of relief by the day, as randomised.",
            "Linear model of pseudo-observations of relief by the day on all families and what was recorded before; "
            f"variance by patient. At least {EVENTS_PER_COLUMN} episodes seen relieved, and as many not, a column. "
            "Shrunken differences beside, and Benjamini-Hochberg over the families.",
        ),
    }
    for part, cells in said.items():
        table.loc[table["part"] == part, ["ideal", "emulated"]] = cells
    return table


def _summarise(episodes: Episodes, model: JointModel, table: pd.DataFrame, shrinkage: pd.DataFrame) -> dict[str, Any]:
    unknown = episodes.visits.columns.get("modality_unknown", np.zeros(episodes.visits.n, dtype=np.bool_))
    return {
        **count_rows(episodes, model.rows),
        "n_contrasts": len(model.given),
        "n_shown": len(model.shown),
        "n_bundles": sum(len(item.families) > 1 for item in model.given),
        "n_columns": model.fit.coef.size - 1 if model.fit is not None else 0,
        "n_unknown_term": int(unknown[model.rows.row].sum()),
        "tau2": float(shrinkage["tau2"].iloc[0]),
        "heterogeneity_p_value": float(shrinkage["p_value"].iloc[0]),
        **find_signal(episodes, table),
    }


def _settings(episodes: Episodes) -> dict[str, Any]:
    protocol = episodes.protocol
    return results.make_settings(
        episodes,
        question="all families of treatments in one model",
        definition=f"relief by day {protocol.horizons_days.primary} from the first treatment",
        exposure="families of treatments given at the first treatment visit",
        estimand="difference in the share relieved that goes with each family, the others being equal",
        estimator="linear regression of pseudo-observations of the interval-censored curve; variance by patient",
        shrinkage="towards no difference, by the spread of the differences (DerSimonian-Laird)",
        interactions="none: not declared beforehand",
        bundling=f"families with fewer than {protocol.reporting_floor.compare_min_episodes} episodes of one without "
        f"the other, or a variance inflation above {MOST_INFLATION:g}, stand as one",
        multiplicity=f"Benjamini-Hochberg over all families, refused ones too, q = {protocol.inference.bh_q:g}",
        tag="adjusted association",
    )


def _notes(episodes: Episodes, model: JointModel, shrunk: ShrunkenEffects | None) -> tuple[str, ...]:
    bundled = [item.label for item in model.given if len(item.families) > 1]
    left = dict.fromkeys(block.label.lower() for block in model.left)
    return (
        "Patients who get a treatment differ from those who do not; the adjustment covers only what is recorded.",
        "The model takes it that when a patient is seen and rated does not depend on the treatments or on what is "
        "adjusted for, and that the differences of the treatments add up.",
        *((_POOLED,) if share_pooled(episodes, model.rows.row) >= MUCH_POOLED else ()),
        "Whether two treatments do more together than each alone is not asked: such a question has to be declared "
        "beforehand and takes 60 episodes of every combination.",
        "The lines stand in the order of the codebook. The largest of several differences is large by luck in part; "
        "the shrunken lines allow for that.",
        *((_NO_INTERVAL,) if shrunk is not None else ()),
        *((_NO_SPREAD,) if shrunk is not None and shrunk.tau2 <= 0.0 else ()),
        *((f"Not told apart: {'; '.join(bundled)}.",) if bundled else ()),
        *((f"Not adjusted for, too few episodes being seen relieved: {', '.join(left)}.",) if left else ()),
        *note_shared(episodes.visits),
        *results.context_notes(None, episodes.has_calendar),
    )
