"""What leaves the building: the page, its PDF, the tables, the notebooks and the manifest."""

from __future__ import annotations

from outcomes.release.disclosure import protect_result
from outcomes.release.inputs import ReportInputs, answer, ask
from outcomes.release.modality_words import (
    say_concordance,
    say_elsewhere,
    say_families,
    say_joint,
    say_overview,
    say_refused,
    say_subgroups,
)
from outcomes.release.page import build_page
from outcomes.release.prose import Prose
from outcomes.release.publish import publish_answers, publish_report
from outcomes.release.relief_section import say_relief
from outcomes.release.return_words import (
    say_exercise,
    say_factors,
    say_how_often,
    say_maintenance,
    say_return,
    say_triggers,
)

__all__ = [
    "Prose",
    "ReportInputs",
    "answer",
    "ask",
    "build_page",
    "protect_result",
    "publish_answers",
    "publish_report",
    "say_concordance",
    "say_elsewhere",
    "say_exercise",
    "say_factors",
    "say_families",
    "say_how_often",
    "say_joint",
    "say_maintenance",
    "say_overview",
    "say_refused",
    "say_relief",
    "say_return",
    "say_subgroups",
    "say_triggers",
]
