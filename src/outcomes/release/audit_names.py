"""Which count each cell of a published table is: the same count in two tables has the same name.

A reader of the files finds these identities by eye. Here they stand as templates, filled from the cells of the row;
`{*}` stands for all cells of the row that are no numbers. What is not listed is a count of its own. A test holds every
name against whole releases whose numbers are not hidden: cells of one name hold one number.
"""

from __future__ import annotations

from collections.abc import Mapping

Names = Mapping[str, str]

_RELIEF = {"n": "relief/n/{group}", "events": "relief/by {horizon_days}/{group}"}
_BACK = {"n": "back/n/{group}", "events": "back/by {horizon_days}/{group}"}
_REVIEW = {"n": "review/{quarter}/{indicator}/n", "events": "review/{quarter}/{indicator}/events"}
_MONTHS = {"n": "months/{month}/{indicator}/n", "events": "months/{month}/{indicator}/events"}
_USE = {"n": "use/n"}

NAMES: Mapping[str, Names] = {
    "episode_ends": {"n": "episodes", "events": "ends/{end_reason}"},
    "visits_per_episode": {"n": "episodes", "events": "visits/{visits}"},
    "relief": _RELIEF,
    "relief_per_patient": _RELIEF,
    "relief_km_at_visit": _RELIEF,
    "relief_between_clinics": _RELIEF,
    "relief_if_stopped": _RELIEF | {"told": "relief/told/{group}", "stopped": "relief/followed stopped/{group}"},
    "relief_ends": {"n": "relief/told/{group}", "events": "relief end/{end}/{horizon_days}/{group}"},
    "relief_times": {"n": "relief/n/{group}", "events": "relief/times/{group}"},
    "relief_definitions": {"n": "relief/n/all", "events": "relief rule/{rule}"},
    "recurrence": _BACK,
    "recurrence_per_patient": _BACK,
    "recurrence_between_clinics": _BACK,
    "recurrence_mean_returns": {"n": "back/followed/{group}", "events": "returns/by {horizon_days}/{group}"},
    "recurrence_rates": {"n": "back/followed/{group}", "events": "returns/all/{group}"},
    "recurrence_maintenance": {
        "n": "maintenance/{outcome}/{part}/n",
        "events": "maintenance/{outcome}/{part}/by {horizon_days}",
    },
    "return_factors": {"n": "level/{factor}/{level}/n", "events": "level/{factor}/{level}/events"},
    "modality_use": {"n": "visits of/{quarter}", "events": "use/{quarter}/{family}"},
    "modality_use_by_visit": {"n": "visit number/{visit}", "events": "use at/{visit}/{family}"},
    "modality_use_by_clinic": {"n": "visits in/{clinic_id}", "events": "use in/{clinic_id}/{family}"},
    "modality_use_by_clinician": {
        "n": "visits with/{clinic_id}/{clinician_id}",
        "events": "use with/{clinic_id}/{clinician_id}/{family}",
    },
    "modality_use_families": _USE | {"events": "use/family/{family}"},
    "modality_use_modalities": _USE | {"events": "use/modality/{modality}"},
    "modality_use_bundles": _USE | {"events": "bundle/{bundle}"},
    "modality_use_first_treatment": {"n": "first/n", "events": "first/{family}"},
    "modality_use_pathway": {"n": "inception", "events": "path/{path}"},
    "modality_use_stages": {"n": "came to/{visit}/all", "events": "stage/{stage}/{visit}"},
    "modality_use_stage_order": {"n": "order/{earlier}/{later}/n", "events": "order/{earlier}/{later}/events"},
    "modality_use_co_use": {
        "n": "first/n",
        "n_both": "pair/{family}/{other_family}/both",
        "n_one": "pair/{family}/{other_family}/one",
        "n_other": "pair/{family}/{other_family}/other",
        "n_neither": "pair/{family}/{other_family}/neither",
    },
    "same_visit": {
        "n": "use/family/{family}",
        "events": "both ratings/{family}",
        "patients": "both ratings/{family}/patients",
    },
    "clinics": {name: f"clinic/{{unit}}/{name}" for name in ("n", "patients", "events", "visits", "missing")},
    "clinicians": {name: f"clinician/{{unit}}/{name}" for name in ("n", "patients", "events", "visits", "missing")},
    "clinics_patients": {"n": "unit patients", "events": "band/{band}"},
    "clinicians_patients": {"n": "unit patients", "events": "band/{band}"},
    "attendance_left": {"n": "left/{visit}/n", "events": "left/{visit}/{reason}"},
    "attendance_by_quarter": {"events": "quarter reach/{quarter}/{visit}/{within_days}"},
    "completeness_ratings": {"n": "scores", "events": "score/{rating}"},
    "missing": {"n": "missing n/{by}/{group}", "events": "missing/{fact}/{by}/{group}"},
    "missing_covariates_facts": {"n": "compared/n", "events": "missing fact/{fact}"},
    "quarter_review": _REVIEW,
    "quarter_review_chart": _REVIEW,
    "quarter_review_chart_months": _MONTHS,
    "quarter_review_expected": {"n": "expected/{month}/{indicator}/n", "events": "expected/{month}/{indicator}/events"},
    "quarter_review_recording": {
        "n": "record/{quarter}/{clinic_id}/n",
        "events": "record/{quarter}/{clinic_id}/events",
    },
    "quarter_review_volume": {
        "episodes_started": "started/{quarter}",
        "patients": "started/{quarter}/patients",
        "visits": "review/{quarter}/pain_recorded/n",
    },
    "identified_muscle_classes": {"n": "class/{class}/n", "events": "class/{class}/events"},
    "identified_muscle_recording": {"n": "recording/{unit}/n", "n_recorded": "recording/{unit}/known"},
    "all_families_pairs": {
        name: f"family pair/{{family_a}}/{{family_b}}/{name[2:]}"
        for name in ("n_both", "n_a_only", "n_b_only", "n_neither")
    },
    "triggers": {"n": "trigger/{trigger}/n", "events": "trigger/{trigger}/{return_trigger}"},
    "triggers_same": {"n": "trigger/{trigger}/n", "events": "same trigger/{trigger}"},
}

SUMMARIES: Mapping[str, Names] = {
    "relief_summary": {"n": "relief/n/all", "n_events": "relief/ever", "n_stopped": "relief/stopped/all"},
    "recurrence_summary": {
        "n": "back/n/all",
        "n_all": "episodes",
        "n_followed": "back/followed/all",
        "n_events": "back/ever",
        "n_returns": "returns/all/all",
    },
    "return_factors_summary": {"n": "back/n/all", "n_events": "back/ever"},
    "rehabilitation_summary": {"n": "back/n/all", "n_events": "back/by 365/all"},
    "modality_use_summary": {"n": "use/n", "n_episodes": "first/n", "n_paths": "inception"},
    "same_visit_summary": {"n": "use/n", "n_both": "both ratings/all"},
    "attendance_summary": {"n": "inception"},
    "missing_summary": {"n": "inception"},
    "completeness_summary": {"n": "visits"},
    "one_family_summary": {"n": "compared/n", "n_events": "compared/events"},
    "all_families_summary": {"n": "compared/n", "n_events": "compared/events"},
    "subgroups_summary": {"n": "compared/n", "n_events": "compared/events"},
    "identified_muscle_summary": {
        "n": "compared/n",
        "n_events": "compared/events",
        "n_unknown": "class/unknown/n",
        "n_unspecific": "class/unspecific/n",
        "n_known_mismatch": "class/known_mismatch/n",
        "n_clinic_example": "class/clinic_example/n",
    },
    "clinics_summary": {"n": "units/n", "n_events": "units/events", "n_patients": "unit patients"},
    "clinicians_summary": {"n": "units/n", "n_events": "units/events", "n_patients": "unit patients"},
    "triggers_summary": {"n": "trigger/all/n", "n_same": "same trigger/all"},
    "run": {
        "visits": "visits",
        "episodes": "episodes",
        "inception_episodes": "inception",
        "patients": "completeness_summary/n_patients",
    },
}

PLAIN_SHARES = (
    *("episode_ends", "visits_per_episode", "modality_use", "modality_use_by_visit"),
    *("modality_use_by_clinic", "modality_use_by_clinician", "modality_use_families", "modality_use_modalities"),
    *("modality_use_bundles", "modality_use_first_treatment", "modality_use_pathway", "modality_use_stages"),
    *("modality_use_stage_order", "clinics_patients", "clinicians_patients", "attendance_left", "missing"),
    *("missing_covariates_facts", "quarter_review_recording", "triggers", "triggers_same", "attendance_by_quarter"),
    "completeness_ratings",
)
"""Tables whose estimate is ``events / n`` and nothing else."""

NOT_PARTS = ("recurrence_mean_returns", "recurrence_rates", "quarter_review_volume", "quarter_review_changes")
"""Tables whose events are not a part of their n: one patient can return twice."""

OF_RECORDS = (
    *("ledger", "set_aside", "unknown_terms", "completeness", "checklist", "clinics_columns"),
    *("clinicians_columns", "all_families_columns"),
)
"""Tables of rows, cells, terms and columns: they say nothing of a person's course and are not hidden."""

OF_UNITS = (
    *("n_units", "n_compared", "n_flagged", "n_contrasts", "n_moved", "n_columns", "n_draws", "n_failed", "n_shown"),
    *("n_tests", "n_definitions", "n_estimated", "n_bundles", "n_discordant_pairs", "n_without_unit"),
)
"""Numbers whose name begins with n and that count no visits, episodes or patients."""

COUNT_COLUMNS = (
    *("n", "events", "at_risk", "episodes", "patients", "stopped", "told", "measured", "missing"),
    *("n_reference", "episodes_started", "visits", "n_both", "n_one", "n_other", "n_neither", "n_discordant"),
    *("n_a_only", "n_b_only", "n_with", "n_without", "events_with", "events_without", "n_recorded", "n_again"),
    *("n_changed", "set_aside_always", "set_aside_never", "set_aside_few"),
)
"""Columns that count visits, episodes or patients."""

LABELS = (("visits_per_episode", "visits"),)
"""Columns that are named like a count and hold a label."""

RESTS_SHOWN = (("recurrence_composite", "n"),)
RESTS_OF_COLUMNS = ("missing",)
"""Parts whose rest is no count of a person's course: visits without a score."""

GATE_VALUES = ("with_value", "without_value")
COUNT_CHECKS = ("episodes", "events", "support", "events for all families")
"""Rows of a gate in which its values count episodes."""

_ARMS = ("one_family", "all_families", "identified_muscle", "subgroups")
HIDDEN_SAYS_LITTLE = (
    "return_factors",
    *(f"{name}{of}" for name in _ARMS for of in ("", "_diagnostics", "_units", "_gate")),
    *("clinics", "clinicians", "triggers", "triggers_same", "triggers_summary", "all_families_pairs", "rehabilitation"),
    *("identified_muscle_changed", "recurrence_maintenance", "recurrence_summary", "modality_use"),
    *(f"modality_use_{of}" for of in ("by_visit", "by_clinic", "by_clinician", "families", "modalities", "bundles")),
    *(f"modality_use_{of}" for of in ("first_treatment", "co_use", "pathway", "stage_order")),
    *("missing", "attendance_left", "quarter_review_volume", "attendance_by_quarter", "recurrence_composite"),
    *(
        "identified_muscle_classes",
        "identified_muscle_summary",
        "identified_muscle_recording",
        "missing_covariates_facts",
    ),
)
"""Tables in which a cell that is hidden, without the mark of small ones, may be small all the same."""

SMALL_SAYS_LITTLE = ("triggers", "triggers_same", *(f"{name}_units" for name in _ARMS), "clinics", "clinicians")
"""Tables in which a cell with the mark of small ones may be 0."""
