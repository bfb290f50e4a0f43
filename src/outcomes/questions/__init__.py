"""What the clinic and the researcher want to know: episodes in, one frozen result out."""

from outcomes.questions.completeness import Completeness, describe_completeness
from outcomes.questions.modality import ModalityUse, describe_modality_use
from outcomes.questions.quarter import QuarterReview, review_quarter
from outcomes.questions.recurrence import Recurrence, estimate_recurrence
from outcomes.questions.relief import Relief, estimate_relief

__all__ = [
    "Completeness",
    "ModalityUse",
    "QuarterReview",
    "Recurrence",
    "Relief",
    "describe_completeness",
    "describe_modality_use",
    "estimate_recurrence",
    "estimate_relief",
    "review_quarter",
]
