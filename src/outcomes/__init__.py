"""Time to relief, recurrence and treatment mix from visit records of back-spasm cases.

The public names are imported when they are first used, so that the command line starts fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Codebook": "outcomes.definitions",
    "Protocol": "outcomes.definitions",
    "Mapping": "outcomes.records",
    "read_records": "outcomes.records",
    "build_visits": "outcomes.cases",
    "build_episodes": "outcomes.cases",
    "build_relief_intervals": "outcomes.cases",
    "select_clinic": "outcomes.cases",
    "build_return_rows": "outcomes.cases",
    "Attendance": "outcomes.questions",
    "Completeness": "outcomes.questions",
    "ImmortalTime": "outcomes.questions",
    "Missing": "outcomes.questions",
    "MissingCovariates": "outcomes.questions",
    "ModalityComparison": "outcomes.questions",
    "ModalityUse": "outcomes.questions",
    "Multiverse": "outcomes.questions",
    "PainCourse": "outcomes.questions",
    "QuarterReview": "outcomes.questions",
    "Recurrence": "outcomes.questions",
    "Rehabilitation": "outcomes.questions",
    "Relief": "outcomes.questions",
    "ReliefDefinitions": "outcomes.questions",
    "Response": "outcomes.questions",
    "ReturnFactors": "outcomes.questions",
    "SameVisit": "outcomes.questions",
    "TriggerReturns": "outcomes.questions",
    "UnitComparison": "outcomes.questions",
    "estimate_relief": "outcomes.questions",
    "compare_relief_definitions": "outcomes.questions",
    "estimate_pain_course": "outcomes.questions",
    "estimate_response": "outcomes.questions",
    "estimate_recurrence": "outcomes.questions",
    "compare_triggers": "outcomes.questions",
    "compare_return_factors": "outcomes.questions",
    "compare_rehabilitation": "outcomes.questions",
    "show_immortal_time": "outcomes.questions",
    "describe_modality_use": "outcomes.questions",
    "compare_modalities": "outcomes.questions",
    "describe_same_visit": "outcomes.questions",
    "describe_completeness": "outcomes.questions",
    "describe_attendance": "outcomes.questions",
    "describe_missing": "outcomes.questions",
    "check_missing_covariates": "outcomes.questions",
    "compare_units": "outcomes.questions",
    "explore_definitions": "outcomes.questions",
    "review_quarter": "outcomes.questions",
}
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
    from outcomes.questions import Attendance as Attendance
    from outcomes.questions import Completeness as Completeness
    from outcomes.questions import ImmortalTime as ImmortalTime
    from outcomes.questions import Missing as Missing
    from outcomes.questions import MissingCovariates as MissingCovariates
    from outcomes.questions import ModalityComparison as ModalityComparison
    from outcomes.questions import ModalityUse as ModalityUse
    from outcomes.questions import Multiverse as Multiverse
    from outcomes.questions import PainCourse as PainCourse
    from outcomes.questions import QuarterReview as QuarterReview
    from outcomes.questions import Recurrence as Recurrence
    from outcomes.questions import Rehabilitation as Rehabilitation
    from outcomes.questions import Relief as Relief
    from outcomes.questions import ReliefDefinitions as ReliefDefinitions
    from outcomes.questions import Response as Response
    from outcomes.questions import ReturnFactors as ReturnFactors
    from outcomes.questions import SameVisit as SameVisit
    from outcomes.questions import TriggerReturns as TriggerReturns
    from outcomes.questions import UnitComparison as UnitComparison
    from outcomes.questions import check_missing_covariates as check_missing_covariates
    from outcomes.questions import compare_modalities as compare_modalities
    from outcomes.questions import compare_rehabilitation as compare_rehabilitation
    from outcomes.questions import compare_relief_definitions as compare_relief_definitions
    from outcomes.questions import compare_return_factors as compare_return_factors
    from outcomes.questions import compare_triggers as compare_triggers
    from outcomes.questions import compare_units as compare_units
    from outcomes.questions import describe_attendance as describe_attendance
    from outcomes.questions import describe_completeness as describe_completeness
    from outcomes.questions import describe_missing as describe_missing
    from outcomes.questions import describe_modality_use as describe_modality_use
    from outcomes.questions import describe_same_visit as describe_same_visit
    from outcomes.questions import estimate_pain_course as estimate_pain_course
    from outcomes.questions import estimate_recurrence as estimate_recurrence
    from outcomes.questions import estimate_relief as estimate_relief
    from outcomes.questions import estimate_response as estimate_response
    from outcomes.questions import explore_definitions as explore_definitions
    from outcomes.questions import review_quarter as review_quarter
    from outcomes.questions import show_immortal_time as show_immortal_time
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
