"""The sections of the protocol: one frozen dataclass each, with default, meaning and rule of every value."""

from __future__ import annotations

from dataclasses import dataclass

from outcomes.definitions.settings import setting
from outcomes.definitions.words import DIAGNOSIS_TIERS, REGIONS

RELIEF_CONFIRMATIONS = ("any", "if_observable", "strict")
RELIEF_ALTERNATIVES = ("any", "strict", "pct30_and_2", "resolved", "zero")

_FIXED_EXPOSURE = "Exposure that is only known later turns waiting time into an apparent benefit (immortal time)."


@dataclass(frozen=True, slots=True)
class CaseDefinition:
    """Which records are about back spasm, and which regions share one stream of episodes."""

    core_icd10cm: tuple[str, ...] = setting(
        ("M62.830",),
        "ICD-10-CM codes that make a case by themselves; M62.830 is muscle spasm of the back.",
        pattern=r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?",
    )
    tiers: tuple[str, ...] = setting(
        ("core", "core_if_text", "broad"),
        "Diagnosis tiers that belong to the case definition, as the tier column of icd10cm.csv has them.",
        words=DIAGNOSIS_TIERS,
    )
    keep_undiagnosed: bool = setting(True, "Whether visits without any diagnosis code stay in; many exports have none.")
    upper_regions: tuple[str, ...] = setting(
        ("cervical",), "Regions of the upper stream; episodes of the two streams run side by side.", words=REGIONS
    )
    lower_regions: tuple[str, ...] = setting(
        ("thoracic", "lumbar", "pelvic"), "Regions of the lower stream.", words=REGIONS
    )


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """When a visit opens a new episode of care."""

    gap_days: int = setting(
        90,
        "Rule A: days since the last visit from which the next one opens a new episode. Three months without a "
        "consultation (de Vet 2002). The choice moves the return rate more than anything else.",
        low=1,
    )
    relief_gap_days: int = setting(
        30, "Rule B: days since the last visit, when pain was relieved then and is back now.", low=1
    )
    new_onset_marker_min_gap_days: int = setting(
        14, "Rule C: days since the last visit, with a new onset date or a first-examination marker.", low=1
    )
    washout_days: int = setting(
        90,
        "An episode that starts within so many days of a clinic's first data day is not an inception episode.",
        low=0,
    )
    close_after_days: int = setting(
        90, "An episode is closed once so many observable days have passed since its last visit.", low=1
    )
    relief_rule: bool = setting(True, "Whether rule B is used.")
    new_onset_rule: bool = setting(True, "Whether rule C is used.")
    one_stream: bool = setting(False, "Whether all regions run in one stream; a sensitivity analysis.")
    maintenance_visits: str = setting(
        "observe_only",
        "Maintenance visits never open and never extend an episode; their pain scores still count.",
        words=("observe_only",),
        why="Otherwise episodes under maintenance care never close and their returns are invisible.",
    )
    maintenance_heuristic: bool = setting(
        True, "Whether a visit with little pain, far from both neighbours and without new onset, counts as maintenance."
    )
    maintenance_max_nrs: float = setting(2.0, "The heuristic's highest pain, on 0-10.", low=0, high=10)
    maintenance_min_gap_days: int = setting(
        21, "The heuristic's least distance in days to both neighbours; a patient's last visit has one only.", low=1
    )
    return_min_nrs: float = setting(3.0, "Rule B: least pain at the visit, on 0-10.", low=0, high=10)
    return_min_rise_nrs: float = setting(
        2.0, "Rule B: least rise above the last measured pain, in points.", low=0, high=10
    )


@dataclass(frozen=True, slots=True)
class BaselineRules:
    """The pain an episode starts from: its first pre-treatment score."""

    window_days: int = setting(
        3, "The first score counts as baseline up to this day of the episode; day 0 is the first.", low=0
    )
    eligible_min_nrs: float = setting(
        3.0,
        "Below this baseline, on 0-10, relief cannot be defined; such episodes are counted and left out.",
        low=0,
        high=10,
    )


@dataclass(frozen=True, slots=True)
class ReliefRules:
    """What counts as relief at a measured visit."""

    pct_reduction: int = setting(
        50,
        "Percent below baseline. 30 % is the minimal important change at ONE fixed day (Ostelo 2008); as a first "
        "crossing it is reached by rating noise alone.",
        low=0,
        high=100,
        strict=True,
    )
    confirm: str = setting(
        "if_observable",
        "any: the first crossing counts. if_observable: the next measured visit must not contradict; an unconfirmed "
        "last visit counts, flagged. strict: a second visit must confirm.",
        words=RELIEF_CONFIRMATIONS,
    )
    confirm_within_days: int = setting(30, "How many days later a visit can still contradict or confirm.", low=1)
    alternatives: tuple[str, ...] = setting(
        ("pct30_and_2", "any", "strict", "resolved"),
        "Relief rules reported beside the main one; zero is NRS 0.",
        words=RELIEF_ALTERNATIVES,
    )


@dataclass(frozen=True, slots=True)
class ResolutionRules:
    """What counts as resolved."""

    max_nrs: float = setting(1.0, "Highest pain, on 0-10 (0-1 in the PACE trial, 2014).", low=0, high=10)
    confirm_within_days: int = setting(30, "How many days later a visit can still contradict.", low=1)


@dataclass(frozen=True, slots=True)
class Horizons:
    """The days at which curves are read."""

    relief: tuple[int, ...] = setting(
        (7, 14, 28, 42, 90), "Days from the first visit, for relief.", low=1, increasing=True
    )
    primary: int = setting(28, "The day of the headline relief figure; one of the days above.", low=1)
    rmst: int = setting(42, "Restricted mean time to relief is taken up to this day.", low=1)
    recurrence: tuple[int, ...] = setting(
        (90, 182, 365), "Days from the landmark, for returns.", low=1, increasing=True
    )
    primary_recurrence: int = setting(365, "The day of the headline return figure; one of the days above.", low=1)


@dataclass(frozen=True, slots=True)
class RecurrenceRules:
    """The clock of returns; it measures coming back to this clinic, not pain elsewhere."""

    landmark_days: int = setting(
        30, "The clock starts so many days after relief, if relief was not contradicted before.", low=0
    )
    min_nrs: float = setting(3.0, "Least pain of a return that opens no new episode, on 0-10.", low=0, high=10)
    min_rise_nrs: float = setting(2.0, "Least rise of such a return above the relief value, in points.", low=0, high=10)
    earlier_return: str = setting(
        "relapse",
        "Pain that is back before the landmark is a relapse, a separate outcome.",
        words=("relapse",),
        why="Relapse and recurrence are different outcomes.",
    )
    follow_up_end: str = setting(
        "data_cut",
        "Everybody is followed to the clinic's data cut.",
        words=("data_cut",),
        why="Censoring at the last visit would end follow-up at an event or at discharge for everyone.",
    )


@dataclass(frozen=True, slots=True)
class DropoutRules:
    """A silent stop: not relieved at the last measured visit, no discharge code, no visit for a while."""

    no_visit_days: int = setting(90, "Observable days without a visit.", low=1)
    censor_at: str = setting(
        "last_measured_visit",
        "Where a relief interval ends that was not seen to close.",
        words=("last_measured_visit",),
        why="Censoring at the last visit plus a gap invents event-free time and is forbidden.",
    )


@dataclass(frozen=True, slots=True)
class ExposureRules:
    """When treatment is looked at, so that groups are formed before their outcome."""

    modality: str = setting(
        "first_treatment_visit",
        "Where modality groups are formed.",
        words=("first_treatment_visit",),
        why=_FIXED_EXPOSURE,
    )
    concordance: str = setting(
        "first_treatment_visit",
        "Where treated and identified muscles are compared.",
        words=("first_treatment_visit",),
        why=_FIXED_EXPOSURE,
    )
    rehab_before_recurrence: str = setting(
        "episode_start_to_landmark",
        "Window of rehabilitation exercise for the return question.",
        words=("episode_start_to_landmark",),
        why=_FIXED_EXPOSURE,
    )
    sensitivity_window_days: int = setting(
        7, "Sensitivity: modalities of days 0 to this day, with the clock restarted on that day.", low=1
    )


@dataclass(frozen=True, slots=True)
class MissingRules:
    """What is done about values that are not there."""

    pain: str = setting(
        "interval_likelihood",
        "Missing pain is handled by interval and likelihood methods.",
        words=("interval_likelihood",),
        why="The last value is never carried forward.",
    )
    covariates: str = setting(
        "missing_category", "A missing covariate is a category of its own.", words=("missing_category",)
    )
    covariates_sensitivity: str = setting(
        "multiple_imputation", "The sensitivity analysis for missing covariates.", words=("multiple_imputation",)
    )
    unknown_muscle: str = setting(
        "own_category",
        "An unknown muscle is a category of its own.",
        words=("own_category",),
        why="Unknown is never counted as discordant.",
    )


@dataclass(frozen=True, slots=True)
class InferenceRules:
    """Intervals, resampling and multiplicity."""

    level: float = setting(
        0.95,
        "Confidence level.",
        low=0.5,
        high=0.9999,
        why="Write the share that intervals cover, 0.95, not the 0.05 or the 95.",
    )
    bootstrap_draws: int = setting(
        500,
        "Number of bootstrap draws.",
        low=2,
        high=100_000,
        why="500 are usual; one draw has no spread, and more than 100,000 take days and say no more.",
    )
    seed: int = setting(20260101, "Seed of everything random; the same seed gives the same report.", low=0)
    resample_unit: str = setting(
        "patient",
        "What is drawn in the bootstrap.",
        words=("patient",),
        why="A patient's episodes are not independent.",
    )
    cluster_report: str = setting(
        "clinic", "Unit of the second interval of headline shares, which ten units or more have.", words=("clinic",)
    )
    multiplicity: str = setting(
        "benjamini_hochberg", "Correction within one family of contrasts.", words=("benjamini_hochberg",)
    )
    bh_q: float = setting(0.10, "False discovery rate within one family of contrasts.", low=0, high=1, strict=True)


@dataclass(frozen=True, slots=True)
class ReportingFloor:
    """Below these numbers nothing is shown, or shown without a claim."""

    suppress_cell_below: int = setting(
        5, "Counts of 1 up to below this are not shown; 11 for data under CMS rules.", low=0
    )
    estimate_min_episodes: int = setting(30, "Least episodes for a curve or a rate.", low=1)
    compare_min_episodes: int = setting(30, "Least episodes in each arm of a comparison.", low=1)
    compare_min_events: int = setting(10, "Least events in each arm of a comparison.", low=1)
    compare_min_effective_n: int = setting(30, "Least effective sample size in each arm after weighting.", low=1)
    curve_min_observed: int = setting(20, "A curve stops when fewer episodes are still observed.", low=1)
    curve_min_share: float = setting(0.10, "A curve stops when a smaller share is still observed.", low=0, high=1)
    funnel_show_n: int = setting(10, "A unit is drawn in a funnel from this number of episodes.", low=1)
    funnel_flag_n: int = setting(30, "A unit can be flagged in a funnel from this number of episodes.", low=1)
    spc_points: int = setting(12, "Points from which control limits are given.", low=2)
    spc_trial_points: int = setting(5, "Points from which trial limits are given; fewer give no limits.", low=2)
    proportion_min_n: int = setting(10, "Least number for a proportion.", low=1)


@dataclass(frozen=True, slots=True)
class ChartRules:
    """Control charts over the quarters: what is a break in how things were done or recorded."""

    breaks: tuple[str, ...] = setting(
        (),
        "Quarters from which something else was done or recorded, each with its reason, for example "
        '"2025Q3: pain score made mandatory". Limits are computed anew from there on, and the line is drawn. '
        "Only a recorded reason makes a break: a signal is none.",
        pattern=r"\d{4}Q[1-4]: *\S.*",
        form='a quarter, a colon and the reason, as in "2025Q3: pain score made mandatory"',
        may_be_empty=True,
    )
    month_min_n: int = setting(
        20,
        "Least number of a month in a chart by months; with fewer in more than one month of five there is none.",
        low=1,
    )
    check_weekdays: bool = setting(
        True,
        "Whether quarters are refused where visits fall on weekends as often as on other days, as they do when dates "
        "were shifted patient by patient. Off for a practice that works every day alike.",
    )
