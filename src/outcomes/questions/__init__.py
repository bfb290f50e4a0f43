"""What the clinic and the researcher want to know: episodes in, one frozen result out."""

from outcomes.questions.attendance import Attendance, describe_attendance
from outcomes.questions.comparisons import compare_modalities
from outcomes.questions.completeness import Completeness, describe_completeness
from outcomes.questions.immortal_time import ImmortalTime, show_immortal_time
from outcomes.questions.missing import Missing, describe_missing
from outcomes.questions.missing_covariates import MissingCovariates, check_missing_covariates
from outcomes.questions.modality import ModalityUse, describe_modality_use
from outcomes.questions.modality_result import ModalityComparison
from outcomes.questions.multiverse import Multiverse, explore_definitions
from outcomes.questions.pain_course import PainCourse, estimate_pain_course
from outcomes.questions.quarter import QuarterReview, review_quarter
from outcomes.questions.recurrence import Recurrence, estimate_recurrence
from outcomes.questions.rehabilitation import Rehabilitation, compare_rehabilitation
from outcomes.questions.relief import Relief, estimate_relief
from outcomes.questions.relief_definitions import ReliefDefinitions, compare_relief_definitions
from outcomes.questions.response import Response, estimate_response
from outcomes.questions.return_factors import ReturnFactors, compare_return_factors
from outcomes.questions.same_visit import SameVisit, describe_same_visit
from outcomes.questions.triggers import TriggerReturns, compare_triggers
from outcomes.questions.units import UnitComparison, compare_units

__all__ = [
    "Attendance",
    "Completeness",
    "ImmortalTime",
    "Missing",
    "MissingCovariates",
    "ModalityComparison",
    "ModalityUse",
    "Multiverse",
    "PainCourse",
    "QuarterReview",
    "Recurrence",
    "Rehabilitation",
    "Relief",
    "ReliefDefinitions",
    "Response",
    "ReturnFactors",
    "SameVisit",
    "TriggerReturns",
    "UnitComparison",
    "check_missing_covariates",
    "compare_modalities",
    "compare_rehabilitation",
    "compare_relief_definitions",
    "compare_return_factors",
    "compare_triggers",
    "compare_units",
    "describe_attendance",
    "describe_completeness",
    "describe_missing",
    "describe_modality_use",
    "describe_same_visit",
    "estimate_pain_course",
    "estimate_recurrence",
    "estimate_relief",
    "estimate_response",
    "explore_definitions",
    "review_quarter",
    "show_immortal_time",
]
