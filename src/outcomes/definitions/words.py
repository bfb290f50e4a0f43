"""The fixed words of the package; everything else is in the tables beside this module. Stdlib only."""

from __future__ import annotations

REGIONS = ("cervical", "thoracic", "lumbar", "pelvic")
"""The regions an episode can be in; the rest of the body is no region of this package."""

DIAGNOSIS_TIERS = ("core", "core_if_text", "broad", "supportive", "exclude_or_stratify", "exclude")
"""How much a diagnosis code says about back spasm, best first."""

CODE_SPECIFICITY = ("exact", "broad", "ambiguous")
"""How exactly a procedure code names one modality, best first."""

STAGES = ("identify", "relax", "circulate", "rehab", "other")
"""The clinic's own sequence of care."""
