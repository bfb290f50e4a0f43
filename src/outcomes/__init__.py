"""Time to relief, recurrence and treatment mix from visit records of back-spasm cases.

The public names are imported when they are first used, so that the command line starts fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "outcomes.definitions": ("Codebook", "Protocol"),
    "outcomes.records": ("Mapping", "read_records"),
    "outcomes.cases": (
        "build_visits",
        "build_episodes",
        "build_relief_intervals",
        "select_clinic",
        "build_return_rows",
    ),
    "outcomes.questions": (
        *("Attendance", "Completeness", "ImmortalTime", "Missing", "MissingCovariates", "ModalityComparison"),
        *("ModalityUse", "Multiverse", "PainCourse", "QuarterReview", "Recurrence", "Rehabilitation", "Relief"),
        *("ReliefDefinitions", "Response", "ReturnFactors", "SameVisit", "TriggerReturns", "UnitComparison"),
        *("estimate_relief", "compare_relief_definitions", "estimate_pain_course", "estimate_response"),
        *("estimate_recurrence", "compare_triggers", "compare_return_factors", "compare_rehabilitation"),
        *("show_immortal_time", "describe_modality_use", "compare_modalities", "describe_same_visit"),
        *("describe_completeness", "describe_attendance", "describe_missing", "check_missing_covariates"),
        *("compare_units", "explore_definitions", "review_quarter"),
    ),
}
_HOME = {name: room for room, names in _NAMES.items() for name in names}
_ROOMS = ("definitions", "records", "cases", "estimators", "questions", "release", "simulate")

__all__ = ["__version__", "figures", "tables", *_HOME]

if TYPE_CHECKING:
    from outcomes.cases import build_episodes as build_episodes
    from outcomes.cases import build_relief_intervals as build_relief_intervals
    from outcomes.cases import build_return_rows as build_return_rows
    from outcomes.cases import build_visits as build_visits
    from outcomes.cases import select_clinic as select_clinic
    from outcomes.definitions import Codebook as Codebook
    from outcomes.definitions import Protocol as Protocol
    from outcomes.questions import *  # noqa: F403 - all its public names are ours
    from outcomes.records import Mapping as Mapping
    from outcomes.records import read_records as read_records
    from outcomes.release import figures as figures
    from outcomes.release import tables as tables


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in ("figures", "tables"):
        return importlib.import_module(f"outcomes.release.{name}")
    if name in _ROOMS:
        return importlib.import_module(f"outcomes.{name}")
    raise AttributeError(f"module 'outcomes' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
