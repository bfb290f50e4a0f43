"""What the clinic and the researcher want to know: episodes in, one frozen result out."""

from outcomes.questions.comparisons import compare_modalities
from outcomes.questions.completeness import Completeness, describe_completeness
from outcomes.questions.immortal_time import ImmortalTime, show_immortal_time
from outcomes.questions.modality import ModalityUse, describe_modality_use
from outcomes.questions.modality_result import ModalityComparison
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

__all__ = [
    "Completeness",
    "ImmortalTime",
    "ModalityComparison",
    "ModalityUse",
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
    "compare_modalities",
    "compare_rehabilitation",
    "compare_relief_definitions",
    "compare_return_factors",
    "compare_triggers",
    "describe_completeness",
    "describe_modality_use",
    "describe_same_visit",
    "estimate_pain_course",
    "estimate_recurrence",
    "estimate_relief",
    "estimate_response",
    "review_quarter",
    "show_immortal_time",
]
