"""Records to cases: visits, episodes, timelines."""

from outcomes.cases.episodes import Episodes, build_episodes
from outcomes.cases.pain_course import build_pain_course
from outcomes.cases.returns import build_return_rows
from outcomes.cases.subset import select_clinic
from outcomes.cases.timeline import build_relief_intervals
from outcomes.cases.visits import Visits, build_visits

__all__ = [
    "Episodes",
    "Visits",
    "build_episodes",
    "build_pain_course",
    "build_relief_intervals",
    "build_return_rows",
    "build_visits",
    "select_clinic",
]
