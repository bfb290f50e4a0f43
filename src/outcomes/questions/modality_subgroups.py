"""Each family of treatments within muscle groups and classes of duration, and a test whether the differences differ.

Two factors, fixed before any data were seen: the group of the muscle found in spasm, and how long the complaint had
lasted. Within each level the comparison is that of `modality_families`, gate included. A level whose interval leaves
out "no difference" while that of its neighbour does not is no difference between the two; so levels have no p-value,
and one test a family and factor asks whether the differences of the levels shown are further apart than chance makes
them: Cochran's Q, ``sum w (d - mean)^2`` with ``w = 1 / se^2``, against chi-square with one degree of freedom fewer
than levels (Cochran 1954, doi:10.2307/3001666). Over all tests that were asked for, those refused too, the false
discovery rate is held.

The test takes levels as independent, and patients with episodes in two of them make them a little alike: where such
patients had the same treatment both times, differences of levels vary together and the test finds too little; where
they had it once, too much. Standard errors are those of the draws, and the chi-square takes them as known: with
effective sizes near the floor it finds too much, and so it does from few draws (100 a level: p below 0.05 in 5.1, 5.3
and 5.7 % with 2, 4 and 8 levels that do not differ). Both together: in 1,000 made-up practices of two levels of 300
episodes, a third of them of patients who came before, where nothing differed, it was below 0.05 in 7.1 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.clinicians import note_shared
from outcomes.cases.first_treatment import TreatmentRows
from outcomes.definitions.codebook import UNSPECIFIED_GROUP
from outcomes.errors import NotEstimable
from outcomes.estimators.shrinkage import benjamini_hochberg, shrink_effects
from outcomes.questions import results
from outcomes.questions.contrast_checks import DRAWS_BESIDE, beside_line
from outcomes.questions.contrast_lines import (
    SIGNAL,
    Contrast,
    Line,
    count_arms,
    fit_contrast,
    tabulate_lines,
)
from outcomes.questions.covariates import FACTOR_LABELS, Factor, build_factors
from outcomes.questions.modality_families import count_workers, head_line
from outcomes.questions.modality_protocol import describe_family_trial, list_reporting_items
from outcomes.questions.modality_result import ModalityComparison, count_rows, find_signal, tabulate_contrasts
from outcomes.questions.results import NOT_RECORDED
from outcomes.questions.treatment_arms import family_arms
from outcomes.questions.unknown_treatments import read_treated

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

FACTORS = ("muscle_group", "chronicity")
LEVEL, INTERACTION = "level", "interaction"
LEVEL_COLUMNS = ("factor", "level", "level_label")
"""Columns that every table of this question has before the others."""
ALL_LEVELS = "all"
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Cell:
    """One family within one level."""

    place: Place
    contrast: Contrast
    line: Line


def compare_subgroups(episodes: Episodes, progress: Callable[[str], None] = lambda _: None) -> ModalityComparison:
    """Compare episodes with and without each family within each level of `FACTORS`, and test whether levels differ.

    Parameters
    ----------
    episodes : Episodes
    progress : callable
        Told, in a few words, what is being done.

    Returns
    -------
    ModalityComparison
        With the question ``subgroups``. All tables begin with `LEVEL_COLUMNS`. In ``table`` rows with the analysis
        ``level`` have an estimate and no p-value, those with ``interaction`` (level ``all``) a p-value and no estimate;
        ``q_value`` is Benjamini-Hochberg over the latter, with those refused.

    Raises
    ------
    NotEstimable
        The export records no treatments, neither muscles found nor durations, or no episode is eligible.
    """
    results.check_episodes(episodes)
    rows = read_treated(episodes)
    factors = _read_factors(episodes, rows)
    cells: list[_Cell] = []
    for family in episodes.visits.codebook.families:
        progress(f"subgroups: {episodes.visits.codebook.label('family', family).lower()}")
        for factor in factors:
            cells += _compare_levels(episodes, rows, family, factor)
    return _make_result(episodes, rows, factors, cells)


def _read_factors(episodes: Episodes, rows: TreatmentRows) -> tuple[Factor, ...]:
    """The factors recorded, with every level; nobody chooses levels by what is found in them."""
    absent = [name for name in FACTORS if name not in episodes.columns]
    if len(absent) == len(FACTORS):
        raise NotEstimable(
            "Treatments cannot be compared by muscle group and duration: this export records neither muscles found in "
            "spasm nor when the complaint began. Map the columns they are in."
        )
    factors = tuple(f for f in build_factors(episodes, rows.episode, FACTORS, 1) if len(_name_levels(f)) > 1)
    if not factors:
        raise NotEstimable(
            "Treatments cannot be compared by muscle group and duration: all episodes that record one are of the same."
        )
    return factors


def _name_levels(factor: Factor) -> dict[int, Place]:
    """Code and place of each level that is one: what was not recorded, or only as "back", is no subgroup."""
    return {
        code: (factor.name, level, words)
        for code, (level, words) in enumerate(zip(factor.levels, factor.labels, strict=True))
        if level not in (NOT_RECORDED, UNSPECIFIED_GROUP)
    }


def _compare_levels(episodes: Episodes, rows: TreatmentRows, family: str, factor: Factor) -> list[_Cell]:
    """One family within each recorded level of a factor."""
    cells = []
    for code, place in _name_levels(factor).items():
        arms = family_arms(episodes, rows.take(factor.codes == code), family)
        arms = replace(arms, label=f"{arms.label}: {place[-1]}")
        head = replace(head_line(episodes, arms), analysis=LEVEL)
        draws = min(DRAWS_BESIDE, episodes.protocol.inference.bootstrap_draws)
        found = fit_contrast(episodes, arms, head.horizon_days, draws, count_workers())
        line = count_arms(head, found.arms)
        # A p-value a level would invite to hunt among them.
        line = beside_line(line, found.shown) if found.shown is not None else line.refuse(found.reason)
        cells.append(_Cell(place, found, line))
    return cells


def _test_levels(episodes: Episodes, family: str, cells: list[_Cell], factor: Factor) -> Line:
    """Whether the differences of the levels shown differ by more than chance; all cells are of one family."""
    label = f"{episodes.visits.codebook.label('family', family)}: {factor.label.lower()}"
    words = "test whether the differences of the levels shown differ (Cochran's Q)"
    horizon = episodes.protocol.horizons_days.primary
    line = Line(family, label, INTERACTION, words, "test", horizon, tag=SIGNAL)
    shown = [cell.contrast.shown for cell in cells]
    fits = [found for found in shown if found is not None and found.std_err[0] > 0]
    if len(fits) < 2:
        return line.refuse("fewer than two levels can be compared")
    found = shrink_effects(np.array([fit.difference[0] for fit in fits]), np.array([fit.std_err[0] for fit in fits]))
    return replace(line, p_value=float(found.p_value))


def _make_result(
    episodes: Episodes, rows: TreatmentRows, factors: tuple[Factor, ...], cells: list[_Cell]
) -> ModalityComparison:
    table = _tabulate(episodes, factors, cells)
    contrasts, places = [cell.contrast for cell in cells], [cell.place for cell in cells]
    return ModalityComparison(
        question="subgroups",
        table=table,
        **tabulate_contrasts(contrasts, episodes.protocol, places, LEVEL_COLUMNS),
        protocol=describe_family_trial(episodes),
        checklist=list_reporting_items(episodes),
        summary=_summarise(episodes, rows, factors, cells, table),
        settings=_settings(episodes, factors),
        ledger=rows.ledger,
        notes=_notes(episodes, factors),
    )


def _tabulate(episodes: Episodes, factors: tuple[Factor, ...], cells: list[_Cell]) -> pd.DataFrame:
    """Levels of each factor and then its test, family by family."""
    lines: list[Line] = []
    places: list[Place] = []
    for family in dict.fromkeys(cell.contrast.arms.name for cell in cells):
        for factor in factors:
            own = [c for c in cells if c.contrast.arms.name == family and c.place[0] == factor.name]
            lines += [*(cell.line for cell in own), _test_levels(episodes, family, own, factor)]
            places += [*(cell.place for cell in own), (factor.name, ALL_LEVELS, "all levels shown")]
    table = _place(tabulate_lines(lines), places)
    table["q_value"] = np.nan
    tests = table["analysis"] == INTERACTION
    p_values = table.loc[tests, "p_value"].to_numpy(dtype=np.float64)
    table.loc[tests, "q_value"] = benjamini_hochberg(p_values, _count_asked(table))
    return table


def _count_asked(table: pd.DataFrame) -> int:
    """Tests that could be asked for: of families some had and others not in two levels, shown or not.

    The gate looks at relief, so that the tests it leaves are no family fixed beforehand (`contrast_lines`).
    """
    levels = table[table["analysis"] == LEVEL]
    both = (levels["n_with"] > 0) & (levels["n_without"] > 0)
    return int((both.groupby([levels["contrast"], levels["factor"]]).sum() >= 2).sum())


def _place(table: pd.DataFrame, places: list[Place]) -> pd.DataFrame:
    """Say before the other columns in which level each row is."""
    for at, name in enumerate(LEVEL_COLUMNS):
        table.insert(at, name, [place[at] for place in places])
    return table


def _summarise(
    episodes: Episodes, rows: TreatmentRows, factors: tuple[Factor, ...], cells: list[_Cell], table: pd.DataFrame
) -> dict[str, Any]:
    return {
        **count_rows(episodes, rows),
        "n_contrasts": len(cells),
        "n_shown": sum(cell.contrast.shown is not None for cell in cells),
        "n_tests": int(table["p_value"].notna().sum()),
        "n_patients_in_two_levels": {factor.name: _count_in_two(rows, factor) for factor in factors},
        **find_signal(episodes, table),
    }


def _count_in_two(rows: TreatmentRows, factor: Factor) -> int:
    """Patients with episodes in more than one level."""
    pairs = np.unique(np.column_stack([rows.patient, factor.codes]), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def _settings(episodes: Episodes, factors: tuple[Factor, ...]) -> dict[str, Any]:
    protocol = episodes.protocol
    return results.make_settings(
        episodes,
        question="each family of treatments within muscle groups and classes of duration",
        definition=f"relief by day {protocol.horizons_days.primary} from the first treatment",
        exposure="families of treatments given at the first treatment visit",
        factors=f"{', '.join(factor.label.lower() for factor in factors)}: fixed beforehand, all levels shown",
        estimand="difference in the share relieved, overlap population of the level",
        estimator="overlap-weighted interval-censored curve of each arm; patients drawn, weights estimated again in "
        "every draw; Cochran's Q over the levels shown",
        bootstrap_draws=f"{min(DRAWS_BESIDE, protocol.inference.bootstrap_draws)} a level",
        multiplicity="Benjamini-Hochberg over all tests of families and factors, refused ones too, "
        f"q = {protocol.inference.bh_q:g}",
        tag="adjusted association; signal / no signal for the tests",
    )


def _notes(episodes: Episodes, factors: tuple[Factor, ...]) -> tuple[str, ...]:
    unused = [name for name in FACTORS if name not in {factor.name for factor in factors}]
    return (
        "Patients who get a treatment differ from those who do not; the adjustment covers only what is recorded.",
        "The factors were fixed before the data were seen. Whether levels differ is what the test of each family says, "
        "not that one interval leaves out 'no difference' and another does not.",
        "With few episodes a level, no signal says little: the diagnostics have, for each level, the smallest "
        "difference it would show in four of five samples.",
        "The test takes levels as independent. Patients with episodes in two levels make it find a little too little "
        "where they had the same treatment both times, a little too much where they had it once. With some 300 "
        "episodes a level it is below 0.05 in 7 of 100 practices in which nothing differs, not in 5.",
        "Episodes whose level was not recorded, or named too vaguely, are in no level.",
        *(f"No subgroups by {FACTOR_LABELS[name].lower()}: not recorded, or the same for all." for name in unused),
        *note_shared(episodes.visits),
        *results.context_notes(None, episodes.has_calendar),
    )
