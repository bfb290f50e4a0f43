"""Cox regression of right-censored times, also with late entry, repeated events, weights, strata and clusters."""

from __future__ import annotations

from outcomes.estimators.cox.fit import Cox, cox
from outcomes.estimators.cox.hazard import BaselineHazard, PredictedRisk, baseline_hazard, predict_risk
from outcomes.estimators.cox.proportional import ProportionalHazardsTest, proportional_hazards_test
from outcomes.estimators.cox.standardise import (
    RiskDifference,
    StandardisedRisk,
    standardised_risk,
    standardised_risk_difference,
)

__all__ = [
    "BaselineHazard",
    "Cox",
    "PredictedRisk",
    "ProportionalHazardsTest",
    "RiskDifference",
    "StandardisedRisk",
    "baseline_hazard",
    "cox",
    "predict_risk",
    "proportional_hazards_test",
    "standardised_risk",
    "standardised_risk_difference",
]
