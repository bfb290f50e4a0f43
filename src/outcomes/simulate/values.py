"""Every number the generator uses, in two profiles: a chiropractic and a physiotherapy practice.

The numbers were given beforehand; those marked "tuned" were chosen so that a
published share comes out, and `tests/simulation` holds them to it. None is a finding: they are plants to test against.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

CLASSES = ("acute", "subacute", "chronic")
REGIONS = ("cervical", "thoracic", "lumbar", "pelvic")
GROUPS = ("erector", "quadratus", "deep", "elevator", "neck", "scapular", "gluteal", "piriformis", "other")
FAMILIES = (
    "joint",
    "manual",
    "electrical",
    "thermal",
    "ultrasound",
    "active",
    "traction",
    "needling",
    "education",
    "device",
)
CAUSES = ("posture", "old_injury", "trauma", "overuse", "underlying_condition", "unknown")
LOAD_TRIGGERS = (0, 1)  # lifting, bending: places in `words.TRIGGERS`
PAYERS = ("private", "self_pay", "medicare", "workers_comp", "auto")

# Joint shares of region and muscle group that give both margins of section 4.1; rows follow REGIONS, columns GROUPS.
REGION_GROUP = (
    (0.00, 0.00, 0.00, 0.15, 0.07, 0.00, 0.00, 0.00, 0.00),
    (0.03, 0.00, 0.00, 0.02, 0.00, 0.08, 0.00, 0.00, 0.00),
    (0.27, 0.16, 0.07, 0.00, 0.00, 0.00, 0.01, 0.01, 0.03),
    (0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.05, 0.05, 0.00),
)
# The neighbour an examiner takes a muscle group for; two columns, each as likely.
NEIGHBOURS = ((1, 2), (0, 2), (0, 1), (4, 5), (3, 3), (3, 3), (7, 7), (6, 6), (0, 1))


@dataclass(frozen=True, slots=True)
class CourseValues:
    """Latent pain ``B* [phi + (1 - phi) exp(-t / tau)]``; tuples follow `CLASSES`; shifts act on log tau."""

    median_tau: tuple[float, ...] = (24.0, 30.0, 45.0)
    sd_log_tau: tuple[float, ...] = (0.9, 0.9, 1.0)
    low_floor: tuple[float, ...] = (0.85, 0.60, 0.25)
    beta_low: tuple[float, float] = (1.0, 9.0)
    beta_high: tuple[float, float] = (4.0, 4.0)
    baseline_mean: tuple[float, ...] = (6.1, 5.6, 5.3)
    baseline_sd: float = 1.9
    baseline_shrink: float = 0.72
    rating_sd: float = 1.0
    heaped: float = 0.08
    post_mean: float = 1.2
    post_sd: float = 0.8
    shift_age_decade: float = 0.05
    shift_far_radiation: float = 0.35
    shift_many_episodes: float = 0.20
    shift_old_injury: float = 0.10
    shift_concordant: float = -0.15
    shift_active: float = -0.05
    shift_manual: float = -0.10
    shift_joint: float = -0.10
    sd_clinician: float = 0.15


@dataclass(frozen=True, slots=True)
class VisitValues:
    """Scheduling and stopping. ``long_gap``: chance of a gap of 25-70 days among the first three, tuned to 6 %."""

    gap_medians: tuple[float, float, float]
    stop_intercept: float
    no_show: float
    discharge_code: float
    maintenance: float
    gap_sd: float = 0.5
    gap_better: float = 1.6
    stop_better: float = 1.5
    stop_resolved: float = 0.9
    stop_stuck: float = 0.7
    long_gap: float = 0.08
    maintenance_days: tuple[float, float] = (35.0, 12.0)
    maintenance_quit: float = 0.12
    maintenance_named: float = 0.85
    other_clinician: float = 0.10
    re_exam_every: int = 6
    most_visits: int = 60


@dataclass(frozen=True, slots=True)
class TreatmentValues:
    """Share of visits with each family (`FAMILIES`); active exercise goes from ``active_first`` to its plateau."""

    shares: tuple[float, ...]
    active_first: float
    active_plateau: float
    joint_manipulation: float
    sd_preference: float = 0.9
    odds_per_point: float = 1.35
    odds_radiation: float = 1.5
    odds_active_low_pain: float = 3.0
    active_low_pain_nrs: int = 4
    active_visits: float = 2.0
    # Chosen group of the first treatment: as identified, beside it, a known mismatch, elsewhere, not named exactly.
    treated: tuple[float, ...] = (0.66, 0.13, 0.09, 0.07, 0.05)
    concordant_expected: float = 0.50


@dataclass(frozen=True, slots=True)
class ReturnValues:
    """Return to the same clinic; ``rate_per_year`` is tuned to a 12-month risk of 26 % over all episodes."""

    rate_per_year: float
    frailty_shape: float = 1.25
    landmark_days: int = 30
    many_episodes: float = 1.8
    active: float = 0.65
    maintenance: float = 0.8
    load_trigger: float = 1.3
    same_trigger: float = 0.60
    same_region: float = 0.92
    elsewhere_per_seen: float = 1.25


@dataclass(frozen=True, slots=True)
class RecordingValues:
    """What is written down, and how often it is not (shares missing)."""

    pain_first: float = 0.10
    pain_later: float = 0.25
    pain_better: float = 1.3
    sd_clinician: float = 0.9
    muscles: float = 0.20
    side: float = 0.30
    trigger: float = 0.25
    onset: float = 0.20
    function_first: float = 0.60
    function_later: float = 0.75
    pain_post: float = 0.85
    mandatory: float = 0.02
    modalities: float = 0.02
    identified_later: float = 0.60
    codes: float = 0.15
    diagnoses: float = 0.03


@dataclass(frozen=True, slots=True)
class DirtValues:
    """Shares of rows (or of filled cells) spoilt, and stray lines per 10,000 rows."""

    duplicate_rows: float = 0.01
    swapped_dates: float = 0.005
    short_years: float = 0.002
    pain_out_of_range: float = 0.005
    pain_vas: float = 0.02
    pain_fraction: float = 0.015
    pain_range: float = 0.005
    pain_arrow: float = 0.005
    pain_word: float = 0.005
    retired_code: float = 0.05
    both_stimulation_codes: float = 0.15
    shared_ids: float = 0.002
    after_cut: float = 0.001
    split_visits: float = 0.02
    terms_spoilt: float = 0.01
    terms_unknown: float = 0.008
    re_exported: float = 0.006
    blank_lines: float = 4.0
    ragged_rows: float = 3.0
    nul_rows: float = 1.0
    open_quotes: float = 1.0


@dataclass(frozen=True, slots=True)
class Plants:
    """Effects planted at single clinics (numbered from 0) from a quarter (numbered from 1) on.

    ``shift_log_tau`` is tuned to +10 points of relief by day 28; a second clinic makes the pain field mandatory.
    """

    shift_clinic: int = 1
    shift_quarter: int = 11
    shift_log_tau: float = -0.33
    shift_relief_by_28_points: float = 10.0
    mandatory_clinic: int = 2
    mandatory_quarter: int = 8


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of practice: its case mix, its visits and its habits."""

    name: str
    clinics: int
    clinicians: int
    age: tuple[float, float, int, int]
    female: float
    classes: tuple[float, ...]
    previous: tuple[float, float, float]
    radiation: tuple[float, ...]
    regions: tuple[float, ...]
    onset_heaped: float
    visits: VisitValues
    treatments: TreatmentValues
    returns: ReturnValues
    course: CourseValues = field(default_factory=CourseValues)
    recording: RecordingValues = field(default_factory=RecordingValues)
    dirt: DirtValues = field(default_factory=DirtValues)
    plants: Plants = field(default_factory=Plants)
    paresthesia: float = 0.30
    identified_right: float = 0.70
    causes: tuple[float, ...] = (0.25, 0.15, 0.12, 0.20, 0.08, 0.20)
    triggers: tuple[float, ...] = (0.18, 0.22, 0.14, 0.06, 0.10, 0.20, 0.10)
    payers: tuple[float, ...] = (0.45, 0.25, 0.15, 0.07, 0.08)
    return_classes: tuple[float, ...] = (0.80, 0.12, 0.08)
    seasonality: float = 0.10
    lead_in_days: int = 120

    @property
    def shift_centre(self) -> float:
        """Expected sum of the shifts of log tau, taken off so that the medians of `CourseValues` hold."""
        course, shares = self.course, self.treatments.shares
        return (
            course.shift_far_radiation * self.radiation[2]
            + course.shift_many_episodes * self.previous[2]
            + course.shift_old_injury * self.causes[1]
            + course.shift_concordant * self.treatments.concordant_expected
            + course.shift_joint * shares[0]
            + course.shift_manual * shares[1]
        )


CHIRO = Profile(
    name="chiro",
    clinics=6,
    clinicians=4,
    age=(45.0, 14.0, 18, 88),
    female=0.50,
    classes=(0.65, 0.13, 0.22),
    previous=(0.17, 0.33, 0.50),
    radiation=(0.62, 0.25, 0.13),
    regions=(0.22, 0.13, 0.55, 0.10),
    onset_heaped=0.0,
    visits=VisitValues((4.5, 8.0, 15.0), stop_intercept=-2.0, no_show=0.08, discharge_code=0.35, maintenance=0.24),
    treatments=TreatmentValues(
        shares=(0.92, 0.75, 0.25, 0.25, 0.12, 0.45, 0.05, 0.04, 0.45, 0.03),
        active_first=0.10,
        active_plateau=0.45,
        joint_manipulation=0.75,
    ),
    returns=ReturnValues(rate_per_year=0.205),
)

PHYSIO = Profile(
    name="physio",
    clinics=8,
    clinicians=5,
    age=(47.0, 16.0, 16, 89),
    female=0.58,
    classes=(0.15, 0.25, 0.60),
    previous=(0.25, 0.35, 0.40),
    radiation=(0.55, 0.27, 0.18),
    regions=(0.20, 0.07, 0.63, 0.10),
    onset_heaped=0.5,
    visits=VisitValues((3.5, 4.5, 8.0), stop_intercept=-3.4, no_show=0.13, discharge_code=0.60, maintenance=0.05),
    treatments=TreatmentValues(
        shares=(0.45, 0.55, 0.30, 0.35, 0.12, 0.90, 0.05, 0.08, 0.60, 0.05),
        active_first=0.45,
        active_plateau=0.90,
        joint_manipulation=0.15,
    ),
    returns=ReturnValues(rate_per_year=0.27),
    plants=Plants(shift_log_tau=-0.38),
)

PROFILES = {profile.name: profile for profile in (CHIRO, PHYSIO)}


def without_noise(profile: Profile) -> Profile:
    """Return a profile whose ratings have no error: the first is the pain at the start, later ones are it rounded."""
    return replace(profile, course=replace(profile.course, rating_sd=0.0, heaped=0.0, baseline_shrink=1.0))
