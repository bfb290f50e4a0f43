"""E4: what is the mean pain course? Mean pain by day, as if every episode had been rated on that day.

The main line is a linear mixed model of all ratings (`outcomes.estimators.mixed_course`): a spline of the day for the
mean, and for each episode a level and a slope on log(1 + day / 7) of its own. An episode that stops coming is carried
on by its own course so far and by what those like it did. That is right when visiting and stopping depend on ratings
already recorded, and wrong as far as they depend on how people feel at home.

Beside it stand two other lines. *Weighted visits* weights each rating by the inverse intensity of visits
(`outcomes.estimators.visit_weights`): another way to the same number, with other assumptions. *Average of visits* is
the plain mean of the ratings near a day: it speaks of those who still come, and is shown to be seen as what it is.

Groups are fitted one by one, so that a group does not depend on which others there are. The difference of two groups is
adjusted for the first rating as a covariate, never a difference of changes: patients who start high come down by
chance alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.course_lines import (
    IIW,
    LAST_DAY,
    MIXED,
    VISITS,
    GroupCourse,
    GroupRatings,
    adjusted_difference,
    fit_course,
)
from outcomes.questions.course_ordinal import COLUMNS as ORDINAL_COLUMNS
from outcomes.questions.course_ordinal import compare_steps
from outcomes.questions.one_thread import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.pain_course import CourseRatings
    from outcomes.definitions import Protocol

LARGEST_GAP_NRS = 0.3
"""Points by which the weighted visits may leave the interval of the main line before it is said."""
TABLE_COLUMNS = ("group", "horizon_days", "estimate", "conf_low", "conf_high", "n", "observed")
CURVE_COLUMNS = ("group", "line", "day", "estimate", "conf_low", "conf_high", "at_risk")
CHECK_COLUMNS = ("group", "horizon_days", "line", "estimate", "conf_low", "conf_high")
DIFFERENCE_COLUMNS = ("group", "reference", "horizon_days", "estimate", "conf_low", "conf_high", "n", "n_reference")
ESTIMATOR = (
    "linear mixed model (REML): spline of the day, knots 7, 21 and 49; level and slope on log(1 + day / 7) by episode; "
    "interval from a sandwich variance summed by patient"
)
SECOND_LINE = (
    "weighted visits: GEE with working independence by patient, ratings weighted by the inverse intensity of visits "
    "given day, days since the last rating, last rating and clinic"
)
NOT_TO_USE = "average of visits: mean of the ratings within 3 days; it speaks of those who still come"


@dataclass(frozen=True, repr=False)
class PainCourse(CaseAnswer):
    """The mean pain course, in points of 0-10.

    Attributes
    ----------
    table : DataFrame
        ``group, horizon_days, estimate, conf_low, conf_high, n, observed``: mean pain on each day by the main line; `n`
        episodes of the group, `observed` those whose last rating is on that day or later. NaN past `curve_stop`.
    curve : DataFrame
        ``group, line, day, estimate, conf_low, conf_high, at_risk``: the main line and *weighted visits*, one row a day
        up to the day before `curve_stop`; `at_risk` is `observed` of that day.
    check : DataFrame
        ``group, horizon_days, line, estimate, conf_low, conf_high``: all three lines on the same days.
    difference : DataFrame
        ``group, reference, horizon_days, estimate, conf_low, conf_high, n, n_reference``: mean pain of `group` minus
        that of `reference` on the primary day, adjusted for the first rating. One row where exactly two recorded groups
        are large enough to compare, otherwise none.
    ordinal : DataFrame
        ``group, reference, horizon_days, odds_ratio, ratio_low, ratio_high, n, n_reference``: the same two groups by
        the order of their ratings alone (`course_ordinal`); the counts are NaN where they would tell of a few.
    summary : dict
        Of all groups together: ``n, n_patients, n_ratings`` (up to the last day), ``n_one_rating``, ``last_day,
        share_at_zero`` (of the ratings); of a single group also ``sd_level, sd_slope, sd_rating``,
        ``iiw_largest_weight`` (before the cut), ``iiw_cut_share`` and ``iiw_effective_share`` of follow-up ratings.
        NaN where not known.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    check: pd.DataFrame
    difference: pd.DataFrame
    ordinal: pd.DataFrame


@one_thread
def estimate_pain_course(episodes: Episodes, by: str | None = None) -> PainCourse:
    """Estimate mean pain on days 0, 7, 14, 28 and 42 and the course between them.

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them; inception episodes with a high enough first rating are used.
    by : str, optional
        Column of ``episodes.table`` to split by: one of `results.GROUP_COLUMNS`, fixed when an episode starts.

    Returns
    -------
    PainCourse

    Raises
    ------
    InputRefused
        Unknown column, or one that is known only later in an episode.
    NotEstimable
        No eligible episode, a column this export does not have, or, without groups, a mixed model that cannot be fitted
        or did not converge. With groups such a group has a note and no number.
    """
    results.check_episodes(episodes)
    from outcomes.cases.pain_course import build_pain_course

    ratings, protocol = build_pain_course(episodes), episodes.protocol
    if not ratings.eligible.size:
        few = results.say_episodes(episodes.n, protocol.reporting_floor.suppress_cell_below)
        raise NotEstimable(
            f"The pain course cannot be estimated: none of {few} is eligible. Needed are a pain score before treatment "
            "in the first days, and episodes that began after the washout."
        )
    courses = [
        fit_course(_take(group, part, ratings, episodes), protocol)
        for group, part in results.split_groups(episodes, ratings.eligible, by)
    ]
    if by is None and courses[0].refusal is not None:
        raise courses[0].refusal
    horizons = course_days(protocol)
    difference, ordinal, said = _difference(courses, protocol)
    return PainCourse(
        table=_table(courses, horizons),
        curve=_curve(courses),
        check=_check(courses, horizons),
        difference=difference,
        ordinal=ordinal,
        summary=_summarise(ratings, courses, protocol),
        settings=results.make_settings(
            episodes,
            question="mean pain course",
            definition="mean pain before treatment, 0-10, on each day since the first visit, had all been rated then",
            estimator=ESTIMATOR,
            second_line=SECOND_LINE,
            not_to_use=NOT_TO_USE,
            difference="ratings after the first, adjusted for the first rating (level and slope)",
            last_day_fitted=LAST_DAY,
            curve_stop="first day with fewer than "
            f"{protocol.reporting_floor.curve_min_observed} episodes or {protocol.reporting_floor.curve_min_share:.0%} "
            "not past their last rating",
            by=by,
        ),
        ledger=ratings.ledger,
        notes=(
            *_standing_notes(),
            *results.context_notes(by, episodes.has_calendar),
            *(note for course in courses for note in _group_notes(course, horizons, protocol)),
            *said,
        ),
    )


def course_days(protocol: Protocol) -> tuple[int, ...]:
    """Days on which mean pain is stated: 0 and the relief horizons up to the restricted mean's."""
    return (0, *(day for day in protocol.horizons_days.relief if day <= min(protocol.horizons_days.rmst, LAST_DAY)))


def _take(group: str, part: results.IntArray, ratings: CourseRatings, episodes: Episodes) -> GroupRatings:
    """The ratings of one group's episodes, numbered anew."""
    place = np.full(ratings.eligible.size, -1, dtype=np.intp)
    place[np.sort(part)] = np.arange(part.size)
    rows = np.flatnonzero(place[ratings.place] >= 0)
    own = np.sort(part)
    clinic = episodes.columns.get("clinic", np.zeros(episodes.n, dtype=np.intp))
    return GroupRatings(
        group=group,
        place=place[ratings.place[rows]],
        day=ratings.day[rows].astype(np.float64),
        pain=ratings.pain_nrs[rows],
        patient=ratings.patient[rows],
        last_rated_days=ratings.last_rated_days[own],
        open_days=ratings.open_days[own],
        clinic=clinic[ratings.eligible[own]].astype(np.intp),
    )


def _table(courses: Sequence[GroupCourse], horizons: Sequence[int]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (course.group, day, *course.read(MIXED, day), course.n, int(course.observed[day]))
        for course in courses
        for day in horizons
    ]
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS))


def _check(courses: Sequence[GroupCourse], horizons: Sequence[int]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (course.group, day, line, *course.read(line, day))
        for course in courses
        for day in horizons
        for line in (MIXED, IIW, VISITS)
    ]
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _curve(courses: Sequence[GroupCourse]) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for course in courses:
        day = np.arange(course.last_day + 1)
        for line in (MIXED, IIW):
            if line not in course.lines:
                continue
            estimate, low, high = (values[day] for values in course.lines[line])
            columns = (course.group, line, day, estimate, low, high, course.observed[day])
            frames.append(pd.DataFrame(dict(zip(CURVE_COLUMNS, columns, strict=True))))
    empty = pd.DataFrame(
        {name: pd.Series(dtype=object if name in {"group", "line"} else float) for name in CURVE_COLUMNS}
    )
    return pd.concat(frames, ignore_index=True) if frames else empty


def _difference(courses: Sequence[GroupCourse], protocol: Protocol) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The adjusted difference, in points and by order, where exactly two recorded groups can be compared; and notes."""
    import pandas as pd

    day, least = protocol.horizons_days.primary, protocol.reporting_floor.compare_min_episodes
    recorded = [course for course in courses if course.group != results.NOT_RECORDED]
    none = pd.DataFrame(columns=list(DIFFERENCE_COLUMNS)), pd.DataFrame(columns=list(ORDINAL_COLUMNS))
    if len(recorded) != 2:
        said = "More than two groups: no pairs are compared." if len(recorded) > 2 else None
        return *none, [said] if said else []
    reference, other = recorded
    followed = min(int((course.ratings.last_rated_days > 0).sum()) for course in recorded)
    last_day = min(course.last_day for course in recorded)
    if followed < least or last_day < day:
        return *none, [
            f"No difference is given: fewer than {least} episodes of a group were rated again, or too few of "
            f"them are observed on day {day}."
        ]
    try:
        values = adjusted_difference(reference.ratings, other.ratings, day, last_day, protocol)
    except NotEstimable as refusal:
        return *none, [f"No difference is given: {str(refusal)[0].lower()}{str(refusal)[1:]}"]
    row = (other.group, reference.group, day, *values, other.n, reference.n)
    said = (
        f"Descriptive: the difference on day {day} is adjusted for the first rating only; the groups differ in more "
        "than this, and some of it is not recorded."
    )
    ordinal, steps_said = _by_order(reference, other, values[0], protocol)
    return pd.DataFrame([row], columns=list(DIFFERENCE_COLUMNS)), ordinal, [said, *steps_said]


def _by_order(
    reference: GroupCourse, other: GroupCourse, difference: float, protocol: Protocol
) -> tuple[pd.DataFrame, list[str]]:
    """The two groups by the order of their ratings, and where it points elsewhere than the difference in points."""
    import pandas as pd

    try:
        row = compare_steps(reference.ratings, other.ratings, protocol)
    except NotEstimable as refusal:
        text = str(refusal)
        return pd.DataFrame(columns=list(ORDINAL_COLUMNS)), [
            f"The groups are not compared by the order of their ratings: {text[0].lower()}{text[1:]}"
        ]
    table = pd.DataFrame([row], columns=list(ORDINAL_COLUMNS))
    ratio, low, high = table[["odds_ratio", "ratio_low", "ratio_high"]].to_numpy(dtype=np.float64)[0]
    if (ratio - 1.0) * difference >= 0 or low <= 1.0 <= high:
        return table, []
    return table, [
        "By the order of the ratings from day 21 to 42 the groups differ the other way than by their means: the "
        "difference in points hangs on what a point is worth, or on who was rated then."
    ]


def _standing_notes() -> tuple[str, ...]:
    return (
        "Mean pain is what the ratings would average had every episode been rated on that day, if those who did not "
        "come fared like those with the same ratings so far; how people felt at home is not recorded.",
        "The average of visits is shown for comparison only: it speaks of those who still come.",
    )


def _group_notes(course: GroupCourse, horizons: Sequence[int], protocol: Protocol) -> list[str]:
    """Say what could not be stated for a group and why; without counts, which the release protects."""
    floor = protocol.reporting_floor
    who = "" if course.group == results.ALL else f"Group '{course.group}': "
    if course.n < floor.estimate_min_episodes:
        return [_begin(f"{who}fewer than {floor.estimate_min_episodes} episodes; no estimate is given.")]
    if course.refusal is not None:
        return [_begin(f"{who}{course.refusal}")]
    notes = []
    beyond = [str(day) for day in horizons if day > course.last_day]
    if beyond:
        notes.append(
            f"{who}no mean is stated for {results.say_days(beyond)}: after day {course.last_day} fewer than "
            f"{floor.curve_min_observed} episodes or {floor.curve_min_share:.0%} are still observed."
        )
    if course.is_at_edge:
        notes.append(
            f"{who}the ratings show no spread of levels or of slopes between episodes; the model holds it at its least."
        )
    if course.check_refusal:
        notes.append(f"{who}the line of weighted visits is missing: {course.check_refusal}")
    if apart := _find_apart(course, horizons):
        notes.append(
            f"{who}on day {', '.join(map(str, apart))} the main line and the weighted visits lie more than "
            f"{LARGEST_GAP_NRS:g} points apart: the main line gives all courses one shape, higher or lower and faster "
            "or slower, and is off where they have others; neither line is to be taken alone."
        )
    return [_begin(note) for note in notes]


def _find_apart(course: GroupCourse, horizons: Sequence[int]) -> list[int]:
    """Days on which the weighted visits lie outside the interval of the main line, and far from it."""
    apart = []
    for day in horizons:
        (value, low, high), (other, _, _) = course.read(MIXED, day), course.read(IIW, day)
        if abs(value - other) > LARGEST_GAP_NRS and not low <= other <= high:
            apart.append(day)
    return apart


def _begin(note: str) -> str:
    return note[0].upper() + note[1:]


def _summarise(ratings: CourseRatings, courses: Sequence[GroupCourse], protocol: Protocol) -> dict[str, Any]:
    used = ratings.day <= LAST_DAY
    at_risk, _ = results.count_days(
        ratings.last_rated_days.astype(np.float64), np.zeros(ratings.eligible.size, dtype=np.bool_), LAST_DAY + 1
    )
    spread = courses[0].spread if len(courses) == 1 else {}
    names = ("sd_level", "sd_slope", "sd_rating", "iiw_largest_weight", "iiw_cut_share", "iiw_effective_share")
    return {
        "n": int(ratings.eligible.size),
        "n_patients": int(np.unique(ratings.patient).size),
        "n_ratings": int(used.sum()),
        "n_one_rating": int((np.bincount(ratings.place, minlength=ratings.eligible.size) == 1).sum()),
        "last_day": results.find_last_day(at_risk, ratings.eligible.size, protocol),
        "share_at_zero": float((ratings.pain_nrs[used] == 0).mean()),
        **{name: spread.get(name, float("nan")) for name in names},
    }
