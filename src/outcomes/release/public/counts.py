"""Exact counts of distinct patients for a public release: tables that each split one cohort, and curves.

Nothing here may be shown: `protect` makes of it what is published. Every table of the patients has the three states as
its columns, so that a reader who adds tables up meets the same totals everywhere. No two tables share a row: what is
not recorded of a treatment counts as not given, or the same patients would stand in every table of a treatment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.definitions.sections import ChartRules
from outcomes.questions.bands import find_bands
from outcomes.questions.covariates import COARSE
from outcomes.questions.quarters import quarter_number, quarter_word, read_quarter
from outcomes.questions.relief_fit import count_days, fit_line
from outcomes.questions.results import NOT_RECORDED, IntArray
from outcomes.questions.unknown_treatments import is_mostly_unread
from outcomes.release.public.cohorts import AFTER, RELIEF, STATES, People
from outcomes.release.public.labels import name_rest
from outcomes.release.public.model import Cohort, CountCurve, CountTable

if TYPE_CHECKING:
    from outcomes.cases import Episodes
    from outcomes.definitions import Codebook, Protocol

STATE, AFTER_RELIEF, DURATION, FAMILY = "state", "after_relief", "duration", "family_"
EVERYBODY = "all"
GIVEN = ("recorded", "not recorded")
QUARTERS = 8
GRID_DAYS = 7
RADIATION = {
    "none": "none",
    "near": "to buttock, thigh, arm or chest",
    "far": "below the knee or elbow",
}
"""Where pain goes, in few levels fixed in advance."""


@dataclass(frozen=True, slots=True)
class Counts:
    """All exact counts of a release; never leaves the process."""

    tables: tuple[CountTable, ...]
    curves: tuple[CountCurve, ...]


@dataclass(frozen=True, slots=True)
class Levels:
    """One fact about n patients: its levels, whether they stand in an order, and the level of each, shape (n,)."""

    names: tuple[str, ...]
    codes: IntArray
    is_ordered: bool = False


def count_people(episodes: Episodes, people: People) -> Counts:
    """Count the patients of a release in every table and along every curve.

    Parameters
    ----------
    episodes : Episodes
    people : People
        As `find_people` chooses them.

    Returns
    -------
    Counts
        Tables ``state``, ``start_quarter``, ``region``, ``duration``, ``radiation``, ``sex``, ``age``,
        ``after_relief`` and one ``family_*`` a family of treatments; those this export records. Curves of all patients
        and of each level of ``duration``.
    """
    cohort = make_cohort(episodes)
    facts = dict(_facts(episodes, people))
    everybody = Levels((EVERYBODY,), np.zeros(people.n, dtype=np.intp))
    tables = [_count(name, cohort, levels, people.state) for name, levels in ({STATE: everybody} | facts).items()]
    return Counts((*tables, _count_after(cohort, people)), tuple(_curves(episodes, people, cohort, facts)))


def make_cohort(episodes: Episodes) -> Cohort:
    """Return the cohort of all patients; what it is called changes with whatever decides who belongs to it."""
    decided = define_patients(episodes.protocol, episodes.visits.codebook)
    return Cohort("patients", "patients, each with the first episode on record", decided)


def define_patients(protocol: Protocol, codebook: Codebook) -> str:
    """Return what decides who belongs to a cohort, by the hashes of protocol and vocabulary.

    Control charts decide nothing of that: a break written down later leaves every patient where he or she was, and the
    numbers of earlier releases are the same numbers.
    """
    return name_definition(replace(protocol, spc=ChartRules()).hash, codebook.hash)


def name_definition(protocol: str, codebook: str) -> str:
    """Return a definition by the hashes of protocol and vocabulary."""
    return f"protocol {protocol}, vocabulary {codebook}"


def _count(name: str, cohort: Cohort, levels: Levels, state: IntArray) -> CountTable:
    """Cross levels with states; levels nobody has are left out.

    Not those of an order, which are put together with a neighbour like one that few have: otherwise the first patient
    of a level would show by it.
    """
    shape = (len(levels.names), len(STATES))
    counts = np.bincount(levels.codes * shape[1] + state, minlength=shape[0] * shape[1]).reshape(shape)
    is_named = np.array([levels.is_ordered and name != NOT_RECORDED for name in levels.names])
    kept = np.flatnonzero((counts.sum(axis=1) > 0) | is_named)
    names = tuple(levels.names[i] for i in kept)
    return CountTable(name, cohort, names, STATES, counts[kept].astype(np.int64), levels.is_ordered)


def _count_after(cohort: Cohort, people: People) -> CountTable:
    relieved = Cohort("relieved", "patients with relief by the primary day", cohort.definition, STATE, STATES[RELIEF])
    counts = np.bincount(people.after[people.after != MISSING], minlength=len(AFTER))
    return CountTable(AFTER_RELIEF, relieved, (EVERYBODY,), AFTER, counts.astype(np.int64)[None, :])


def _facts(episodes: Episodes, people: People) -> Iterator[tuple[str, Levels]]:
    """Every fact the export records of these patients; one that is not recorded of anybody is none."""
    if people.quarter:
        yield "start_quarter", _start_quarters(episodes, people)
    for name, levels in (
        ("region", _read_words(episodes, people, "region", {})),
        (DURATION, _read_durations(episodes, people)),
        ("radiation", _read_words(episodes, people, "radiation", COARSE["radiation"])),
        ("sex", _read_words(episodes, people, "sex", {})),
        ("age", _read_ages(episodes, people)),
    ):
        if levels is not None and (levels.codes < len(levels.names) - 1).any():
            yield name, levels
    yield from _read_families(episodes, people)


def _start_quarters(episodes: Episodes, people: People) -> Levels:
    """The newest quarters, and one row for all before, which says up to when: a quarter later it is another."""
    last = read_quarter(people.quarter)
    number = quarter_number(episodes.columns["index_day"][people.rows.episode])
    first = last - QUARTERS + 1
    names = (name_rest(quarter_word(first - 1)), *(quarter_word(q) for q in range(first, last + 1)))
    return Levels(names, np.maximum(number - first + 1, 0).astype(np.intp), is_ordered=True)


def _read_words(episodes: Episodes, people: People, name: str, coarse: dict[str, str]) -> Levels | None:
    """A fact that is a word; levels of `coarse` together. None where the export has no such column."""
    if name not in episodes.columns:
        return None
    code = episodes.columns[name][people.rows.episode]
    book = episodes.visits.codebook
    ids = [str(word) for word in book.ids(name)]
    grouped = [coarse.get(word, word) for word in ids]
    distinct = list(dict.fromkeys(grouped))
    place = np.array([*(distinct.index(word) for word in grouped), len(distinct)], dtype=np.intp)
    words = (RADIATION[word] if name == "radiation" else book.label(name, word) for word in distinct)
    return Levels((*words, NOT_RECORDED), place[np.where(code == MISSING, len(ids), code)])


def _read_durations(episodes: Episodes, people: People) -> Levels | None:
    if "chronicity" not in episodes.columns:
        return None
    code = episodes.columns["chronicity"][people.rows.episode].astype(np.intp)
    _, begins = episodes.visits.codebook.duration_classes()
    ends = [f"{low} to {high - 1} days" for low, high in pairwise(begins)]
    names = (*ends, f"{begins[-1]} days or more", NOT_RECORDED)
    return Levels(names, np.where(code == MISSING, len(names) - 1, code), is_ordered=True)


def _read_ages(episodes: Episodes, people: People) -> Levels | None:
    if "age" not in episodes.columns:
        return None
    age = episodes.columns["age"][people.rows.episode].astype(np.float64)
    names, band = find_bands("age", np.where(age == MISSING, np.nan, age), NOT_RECORDED)
    return Levels(tuple(names), band, is_ordered=True)


def _read_families(episodes: Episodes, people: People) -> Iterator[tuple[str, Levels]]:
    """Whether each family is on record at the first visit with a treatment; nothing where many words are unknown."""
    if "modalities_first" not in episodes.columns or is_mostly_unread(episodes):
        return
    given, book = episodes.columns["modalities_first"][people.rows.episode], episodes.visits.codebook
    for family in book.families:
        mask = np.uint64(book.family_masks[family] & book.treatment_mask)
        has = (given & mask) != 0
        if has.any():
            yield f"{FAMILY}{family}", Levels(GIVEN, np.where(has, 0, 1).astype(np.intp))


def _curves(episodes: Episodes, people: People, cohort: Cohort, facts: dict[str, Levels]) -> Iterator[CountCurve]:
    """Time to relief of all, and of each class of duration, at the days of the grid."""
    yield _curve(episodes, people, cohort, EVERYBODY, np.arange(people.n))
    if DURATION in facts:
        for i, name in enumerate(facts[DURATION].names):
            part = np.flatnonzero(facts[DURATION].codes == i)
            if part.size:
                yield _curve(episodes, people, cohort, name, part)


def _curve(episodes: Episodes, people: People, cohort: Cohort, group: str, part: IntArray) -> CountCurve:
    rows = people.rows.take(part)
    fit = fit_line(group, rows, episodes.protocol)
    days = np.arange(GRID_DAYS, count_days(episodes.protocol), GRID_DAYS)
    seen_by = (rows.right_days[:, None] <= days[None, :]).sum(axis=0)
    return CountCurve(
        name="relief",
        cohort=cohort,
        group=group,
        days=days.astype(np.int64),
        new_events=np.diff(seen_by, prepend=0).astype(np.int64),
        at_risk=(rows.last_seen_days[:, None] > days[None, :]).sum(axis=0).astype(np.int64),
        estimate=fit.estimate[days],
        conf_low=fit.conf_low[days],
        conf_high=fit.conf_high[days],
        patients=int(part.size),
    )
