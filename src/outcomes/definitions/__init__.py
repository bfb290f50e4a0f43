"""What words mean: the protocol (every threshold) and the codebook (every term and code)."""

from __future__ import annotations

from outcomes.definitions.codebook import Codebook, Instrument
from outcomes.definitions.codes import CodeTerms, DiagnosisTerms, drop_named
from outcomes.definitions.concordance import CONCORDANCE_LEVELS, Concordance, compute_concordance
from outcomes.definitions.lookups import ModalityTerms, MuscleTerms
from outcomes.definitions.muscle_groups import compute_muscle_group, list_muscle_groups
from outcomes.definitions.protocol import Protocol
from outcomes.definitions.words import CODE_SPECIFICITY, DIAGNOSIS_TIERS, REGIONS

__all__ = [
    "CODE_SPECIFICITY",
    "CONCORDANCE_LEVELS",
    "DIAGNOSIS_TIERS",
    "REGIONS",
    "CodeTerms",
    "Codebook",
    "Concordance",
    "DiagnosisTerms",
    "Instrument",
    "ModalityTerms",
    "MuscleTerms",
    "Protocol",
    "compute_concordance",
    "compute_muscle_group",
    "drop_named",
    "list_muscle_groups",
]
