"""Results in the shape the questions give them, with invented numbers: 3 clinics, 12 quarters, about 4,000 episodes.

They let the page be tested without reading, cleaning or estimating anything. Nothing here is a patient's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from made_once import made_once
from quarter_fakes import build_more

from outcomes.ledger import Ledger, Step
from outcomes.questions.quarter import COLUMNS as QUARTER_COLUMNS
from outcomes.records import Mapping
from outcomes.release.inputs import ReportInputs

QUARTERS = [f"{2023 + (3 + i) // 4}Q{(3 + i) % 4 + 1}" for i in range(12)]  # 2023Q4 .. 2026Q3
CHOSEN = QUARTERS[-2]
FAMILIES = {
    "manual_soft_tissue": "Manual soft-tissue work",
    "joint_techniques": "Joint techniques",
    "ultrasound": "Therapeutic ultrasound",
    "electrical": "Electrical stimulation",
    "thermal": "Heat and cold",
    "active": "Active exercise",
    "needling": "Needling",
    "education": "Advice and education",
    "other": "Other",
}
SETTINGS = {
    "definition": "half of the first pain score or less, confirmed if observable",
    "estimator": "Kaplan-Meier",
    "landmark_days": 30,
    "level": 0.95,
    "seed": 20260101,
    "protocol_hash": "0f3c9a77b1de",
    "codebook_hash": "a17be0442c90",
    "version": "0.1.0",
}


@dataclass(frozen=True)
class FakeResult:
    table: pd.DataFrame
    curve: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=lambda: dict(SETTINGS))
    ledger: Ledger = field(default_factory=Ledger)
    notes: tuple[str, ...] = (
        "Relief as recorded: a single rating has noise, so early relief is overstated by some points.",
    )
    quarter: str = CHOSEN


@dataclass(frozen=True)
class FakeCompleteness(FakeResult):
    ratings: pd.DataFrame | None = None


@dataclass(frozen=True)
class FakeReview(FakeResult):
    more: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class FakeRelief(FakeResult):
    if_stopped: pd.DataFrame | None = None
    ends: pd.DataFrame | None = None
    ends_curve: pd.DataFrame | None = None
    km_at_visit: pd.DataFrame | None = None
    per_patient: pd.DataFrame | None = None


@dataclass(frozen=True)
class FakeRecurrence(FakeResult):
    per_patient: pd.DataFrame | None = None
    tests: pd.DataFrame | None = None
    mean_returns: pd.DataFrame | None = None
    mean_curve: pd.DataFrame | None = None
    mean_tests: pd.DataFrame | None = None
    rates: pd.DataFrame | None = None
    composite: pd.DataFrame | None = None
    maintenance: pd.DataFrame | None = None
    definitions: pd.DataFrame | None = None


@dataclass(frozen=True)
class FakeTriggers(FakeResult):
    same: pd.DataFrame | None = None


@dataclass(frozen=True)
class FakeRehabilitation(FakeResult):
    balance: pd.DataFrame | None = None
    protocol: pd.DataFrame | None = None


@dataclass(frozen=True)
class FakeFactors(FakeResult):
    proportional: pd.DataFrame | None = None


def protocol() -> SimpleNamespace:
    ns = SimpleNamespace
    return ns(
        hash="0f3c9a77b1de",
        to_plain=lambda: {"episode": {"gap_days": 90}},
        to_toml=lambda: "[episode]\ngap_days = 90\n",
        case_definition=ns(
            core_icd10cm=("M62.830",),
            tiers=("core", "core_if_text", "broad"),
            keep_undiagnosed=True,
            upper_regions=("cervical",),
            lower_regions=("thoracic", "lumbar", "pelvic"),
        ),
        episode=ns(
            gap_days=90,
            relief_gap_days=30,
            new_onset_marker_min_gap_days=14,
            washout_days=90,
            close_after_days=90,
            relief_rule=True,
            new_onset_rule=True,
            one_stream=False,
            maintenance_visits="observe_only",
            maintenance_heuristic=True,
            maintenance_max_nrs=2.0,
            maintenance_min_gap_days=21,
            return_min_nrs=3.0,
            return_min_rise_nrs=2.0,
        ),
        baseline=ns(window_days=3, eligible_min_nrs=3.0),
        relief=ns(pct_reduction=50, confirm="if_observable", confirm_within_days=30, alternatives=("any", "strict")),
        resolution=ns(max_nrs=1.0, confirm_within_days=30),
        horizons_days=ns(
            relief=(7, 14, 28, 42, 90), primary=28, rmst=42, recurrence=(90, 182, 365), primary_recurrence=365
        ),
        recurrence=ns(landmark_days=30, min_nrs=3.0, min_rise_nrs=2.0),
        dropout=ns(no_visit_days=90),
        exposure=ns(modality="first_treatment_visit", concordance="first_treatment_visit", sensitivity_window_days=7),
        inference=ns(
            level=0.95, bootstrap_draws=500, seed=20260101, resample_unit="patient", cluster_report="clinic", bh_q=0.10
        ),
        reporting_floor=ns(
            suppress_cell_below=5,
            estimate_min_episodes=30,
            compare_min_episodes=30,
            compare_min_events=10,
            curve_min_observed=20,
            curve_min_share=0.10,
            proportion_min_n=10,
            spc_points=12,
            spc_trial_points=5,
        ),
    )


def wilson(events: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z, p = 1.959964, events / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def _curve_result(days: np.ndarray, level: float, speed: float, n: int, horizons: list[int]) -> FakeResult:
    value = level * (1 - np.exp(-((days / speed) ** 0.8)))
    half = 1.96 * np.sqrt(value * (1 - value) / n) * (1 + days / days.max())
    at_risk = np.round(n * (1 - value) * np.exp(-days / (2.2 * days.max()))).astype(int)
    curve = pd.DataFrame(
        {
            "group": "all",
            "day": days,
            "estimate": value,
            "conf_low": value - half,
            "conf_high": value + half,
            "at_risk": at_risk,
        }
    )
    rows = curve.set_index("day").loc[horizons].reset_index()
    table = pd.DataFrame(
        {
            "group": "all",
            "horizon_days": horizons,
            "estimate": rows["estimate"],
            "conf_low": rows["conf_low"],
            "conf_high": rows["conf_high"],
            "n": n,
            "events": np.round(n * rows["estimate"] * 0.93).astype(int),
        }
    )
    return FakeResult(table, curve, {"n": n, "n_patients": n - 300, "median_days": 18.0, "rmst_days": 23.4})


@made_once
def relief(n: int = 3214) -> FakeRelief:
    days, horizons = np.arange(0, 121), [7, 14, 28, 42, 90]
    base = _curve_result(days, 0.83, 19.0, n, horizons)
    share = base.curve["estimate"]
    beside = {"upper": share + 0.01, "band_low": share * 0.9, "band_high": share * 1.1}
    bounds = {"if_none_of_stopped": share * 0.75, "if_all_of_stopped": share + 0.8 * (1 - share) * (days > 0)}
    curve = base.curve.assign(**beside, **bounds)
    fates = {0.0: 0.75, 0.5: 0.9, 1.0: 1.0, 2.0: 1.12, float("inf"): 1.18}
    if_stopped = pd.concat(
        [base.table.assign(ratio=r, estimate=base.table["estimate"] * f, stopped=n // 3) for r, f in fates.items()],
        ignore_index=True,
    )
    parts = {"relief": 0.5, "stopped": 0.3, "sent_on": 0.15}
    ends, ends_curve = (
        pd.concat(
            [frame.assign(end=end, estimate=frame["estimate"] * f) for end, f in parts.items()], ignore_index=True
        )
        for frame in (base.table, base.curve)
    )
    ends["events"] = (n * ends["estimate"]).round().astype(int)
    return FakeRelief(
        base.table,
        curve,
        base.summary | {"n_stopped": n // 3},
        if_stopped=if_stopped,
        ends=ends,
        ends_curve=ends_curve,
        km_at_visit=base.table.assign(estimate=base.table["estimate"] * 0.9),
        per_patient=base.table,
    )


@made_once
def relief_grid(n: int = 3214) -> FakeResult:
    rows = [
        (threshold, confirm, "as reported" if gap == 90 else "gap only", gap, 0.8 - 0.15 * i - 0.08 * j + 0.0002 * gap)
        for i, threshold in enumerate(("pct30_and_2", "reduction", "resolved", "zero"))
        for j, confirm in enumerate(("any", "if_observable", "strict"))
        for gap in (90, 30, 180)
    ]
    table = pd.DataFrame(rows, columns=["threshold", "confirmation", "episode_rule", "gap_days", "estimate"])
    reported = (table["threshold"] == "reduction") & (table["confirmation"] == "if_observable")
    table["is_reported"] = reported & (table["episode_rule"] == "as reported")
    table["n"], table["events"] = n, (n * table["estimate"]).astype(int)
    return FakeResult(table, summary={"day": 28, "reduction_pct": 50})


RATE_COLUMNS = (
    *("group", "estimate", "conf_low", "conf_high", "n", "events", "years"),
    *("ratio", "ratio_low", "ratio_high", "reference"),
)
GAP_WORDS = "a new episode after {} days without a visit, and nothing else, is a return"


@made_once
def recurrence(n: int = 1640) -> FakeRecurrence:
    base = _curve_result(np.arange(0, 541), 0.36, 260.0, n, [90, 182, 365])
    mean = _curve_result(np.arange(0, 731), 0.95, 500.0, n - 300, [365, 730])
    factor = {"estimate": 1.4, "conf_low": 1.4, "conf_high": 1.4, "events": 1.5}
    means, mean_curve = (
        frame.assign(**{name: frame[name] * f for name, f in factor.items() if name in frame})
        for frame in (mean.table, mean.curve)
    )
    means["events"] = means["events"].astype(int)
    year = base.table[base.table["horizon_days"] == 365].iloc[0]
    rows = [("as reported", "reported", 90, 1.0, n)]
    rows += [(GAP_WORDS.format(gap), "gap", gap, f, n) for gap, f in ((30, 1.4), (60, 1.2), (90, 0.97), (180, 0.7))]
    rows += [
        ("new episodes only; pain back at a later visit of care still going on is no return", "event", 90, 0.85, n),
        ("any visit that is not maintenance is a return, from 30 days after the landmark on", "event", 90, 1.7, n),
        ("first eligible episode of each patient only", "who", 90, 0.92, n - 300),
    ]
    definitions = pd.DataFrame(
        [(w, kind, gap, *(float(year[c]) * f for c in INTERVAL), m, int(m * year["estimate"] * f * 0.9))
         for w, kind, gap, f, m in rows],
        columns=["definition", "kind", "gap_days", *INTERVAL, "n", "events"],
    )  # fmt: skip
    measures = {
        "relieved": ("relieved by day 90", 0.81), "kept": ("no relapse within 30 days of relief", 0.97),
        "not_back": ("not back within 365 days after that", 0.7),
        "relieved_and_not_back": ("relieved by day 90, no relapse, not back within 365 days", 0.55),
    }  # fmt: skip
    composite = pd.DataFrame(
        [(m, label, 365, v, v - 0.03, v + 0.03, 2 * n, int(1.8 * n * v)) for m, (label, v) in measures.items()],
        columns=["measure", "label", "horizon_days", *INTERVAL, "n", "events"],
    )
    parts = {"outside": "outside maintenance care, from the landmark",
             "inside": "in maintenance care, from its first visit"}  # fmt: skip
    maintenance = pd.concat(
        [
            frame.drop(columns="group").assign(outcome=outcome, part=part, label=label, n=n // (1 + 4 * i))
            for outcome, frame in (("first_return", base.table), ("mean_returns", means))
            for i, (part, label) in enumerate(parts.items())
        ],
        ignore_index=True,
    )
    rates = pd.DataFrame(
        [("all", 0.42, 0.39, 0.45, n - 300, 700, 1690.5, 1.0, np.nan, np.nan, True)], columns=list(RATE_COLUMNS)
    )
    return FakeRecurrence(
        base.table, base.curve, base.summary, per_patient=base.table, mean_returns=means, mean_curve=mean_curve,
        rates=rates, composite=composite, maintenance=maintenance, definitions=definitions,
    )  # fmt: skip


INTERVAL = ["estimate", "conf_low", "conf_high"]
TRIGGERS = {
    "lifting": "Lifting or carrying", "bending_twisting": "Bending or twisting", "sitting": "Sitting",
    "running": "Running", "cough_sneeze": "Coughing or sneezing", "other": "Other triggers",
}  # fmt: skip
PAIRS = np.array(
    [
        [96, 28, 11, 5, 0, 14],
        [25, 88, 19, 3, 6, 21],
        [9, 20, 71, 2, 1, 12],
        [7, 6, 4, 39, 0, 8],
        [2, 6, 1, 0, 5, 3],
        [12, 17, 14, 5, 2, 33],
    ]
)


def triggers(pairs: np.ndarray = PAIRS, again: int = 20) -> FakeTriggers:
    """Pairs of triggers, the last of them pooled; `again` of the pooled pairs have the same trigger twice."""
    from outcomes.questions.triggers import COLUMNS, SAME_COLUMNS

    names = [*list(TRIGGERS)[: len(pairs) - 1], "other"]
    total, share = pairs.sum(), pairs.sum(axis=0) / pairs.sum()
    table = [
        (a, TRIGGERS[a], b, TRIGGERS[b], pairs[i].sum(), pairs[i, j], pairs[i, j] / pairs[i].sum(), share[j])
        for i, a in enumerate(names) for j, b in enumerate(names) if pairs[i].sum() and share[j]
    ]  # fmt: skip
    own = [(a, TRIGGERS[a], pairs[i].sum(), pairs[i, i], share[i]) for i, a in enumerate(names[:-1])]
    n_same = int(sum(row[3] for row in own)) + again
    rows = [("all", "all triggers", total, n_same, float(share @ pairs.sum(axis=1) / total)), *own]
    same = pd.DataFrame(
        [(a, label, n, same, same / n if n else np.nan, *map(float, wilson(np.array(same), np.array(max(n, 1)))), e,
          0.0004 if a == "all" else np.nan) for a, label, n, same, e in rows],
        columns=list(SAME_COLUMNS),
    )  # fmt: skip
    summary = {"n": int(total), "n_same": n_same, "n_returns": int(total) + 40}
    return FakeTriggers(pd.DataFrame(table, columns=list(COLUMNS)), summary=summary, same=same)


REHABILITATION_COLUMNS = (
    *("analysis", "label", "landmark_days", "exercise", "maintenance", "horizon_days", "scale"),
    *("estimate", "conf_low", "conf_high", "risk_with", "risk_without", "n", "events"),
    *("n_with", "n_without", "events_with", "events_without"),
    *("effective_with", "effective_without", "reason"),
)


@made_once
def rehabilitation() -> FakeRehabilitation:
    nan, few = np.nan, "fewer than 10 returns with exercise"
    rows = [
        ("main", "By 30 days after relief, any exercise", 30, "any", "with", "difference", -0.05, -0.11, 0.01),
        ("landmark_14", "By 14 days after relief", 14, "any", "with", "difference", -0.04, -0.10, 0.02),
        ("landmark_60", "By 60 days after relief", 60, "any", "with", "difference", -0.02, -0.09, 0.05),
        ("supervised", "Supervised exercise only", 30, "supervised", "with", "difference", -0.06, -0.14, 0.02),
        ("home", "Home exercise only", 30, "home", "with", "difference", nan, nan, nan),
        ("no_maintenance", "Without maintenance patients", 30, "any", "without", "difference", -0.03, -0.10, 0.04),
        ("clone", "Start within 30 days of relief against never", 30, "any", "with", "difference", 0.01, -0.06, 0.08),
        ("time_varying", "Exercise as it starts (hazard ratio)", 0, "any", "with", "hazard_ratio", 0.93, 0.71, 1.22),
    ]
    table = pd.DataFrame(
        [(a, label, day, exercise, m, 365, scale, e, low, high, 0.21 if e == e else nan, 0.28 if e == e else nan,
          1500, 400, 600, 900, 130, 270, 510.5, 700.5, "" if e == e else few)
         for a, label, day, exercise, m, scale, e, low, high in rows],
        columns=list(REHABILITATION_COLUMNS),
    )  # fmt: skip
    balance = pd.DataFrame(
        [("age", "Age", 0.21, 0.0, True), ("baseline_nrs", "First pain score", -0.18, 0.001, True)],
        columns=["column", "label", "smd_before", "smd_after", "is_adjusted"],
    )
    trial = pd.DataFrame(
        [("Who", "adults relieved of back spasm", "relieved episodes in these records"),
         ("Start", "random, at relief", "30 days after relief")],
        columns=["part", "ideal", "emulated"],
    )  # fmt: skip
    return FakeRehabilitation(table, summary={"n": 1500}, balance=balance, protocol=trial)


FACTOR_COLUMNS = (
    *("factor", "factor_label", "level", "level_label", "n", "events", "unadjusted"),
    *("estimate", "conf_low", "conf_high", "hazard_ratio", "ratio_low", "ratio_high", "reference"),
)


@made_once
def return_factors() -> FakeFactors:
    levels = {
        ("previous_episodes", "Earlier episodes"): (("0", "None", 820, 0.19), ("1", "One", 500, 0.31),
                                                    ("2+", "Two or more", 320, 0.44)),
        ("radiation", "Pain radiates"): (("no", "No", 1100, 0.27), ("yes", "Yes", 420, 0.33),
                                         ("", "Not recorded", 120, 0.3)),
    }  # fmt: skip
    rows = [
        (f, label, level, words, n, int(n * v * 0.93), v + 0.02, v, v - 0.04, v + 0.05, 1 + 2 * (v - 0.2),
         np.nan if i == 0 else 0.9, np.nan if i == 0 else 2.1, i == 0)
        for (f, label), parts in levels.items() for i, (level, words, n, v) in enumerate(parts)
    ]  # fmt: skip
    proportional = pd.DataFrame(
        [("previous_episodes", 1.3, 2, 0.52), ("radiation", 0.8, 1, 0.37)],
        columns=["factor", "statistic", "df", "p_value"],
    )
    table = pd.DataFrame(rows, columns=list(FACTOR_COLUMNS))
    return FakeFactors(table, summary={"n": 1640}, proportional=proportional)


@made_once
def modality_use() -> FakeResult:
    rng = np.random.default_rng(7)
    level = dict(zip(FAMILIES, [0.71, 0.62, 0.18, 0.27, 0.34, 0.41, 0.09, 0.12, 0.004], strict=True))
    rows = []
    for i, quarter in enumerate(QUARTERS):
        for family, label in FAMILIES.items():
            n = int(1850 + 40 * i + rng.integers(-80, 80))
            share = (
                level[family] + (0.012 * i if family == "active" else 0) - (0.008 * i if family == "ultrasound" else 0)
            )
            events = int(rng.binomial(n, min(max(share, 0.001), 1)))
            rows.append((quarter, family, label, events / n, n, events))
    table = pd.DataFrame(rows, columns=["quarter", "family", "label", "estimate", "n", "events"])
    table["conf_low"], table["conf_high"] = wilson(table["events"].to_numpy(), table["n"].to_numpy())
    return FakeResult(table[["quarter", "family", "label", "estimate", "conf_low", "conf_high", "n", "events"]])


INDICATORS = {
    "relieved_by_28": ("Relieved by day 28", 0.61, 1),
    "resolved_by_42": ("Resolved by day 42", 0.34, 1),
    "silent_stop": ("Stopped, not relieved, by day 90", 0.24, 2),
    "returned_by_182": ("Returned within 182 days of the landmark", 0.21, 3),
    "active_before_landmark": ("Active exercise before day 30 after relief", 0.55, 2),
    "pain_recorded": ("Visits with a pain score before treatment", 0.86, 0),
}


@made_once
def quarter_review(quarter: str = CHOSEN) -> FakeResult:
    rng = np.random.default_rng(11)
    rows = []
    for i, q in enumerate(QUARTERS):
        started = int(330 + 5 * i + rng.integers(-25, 25))
        for name, (label, share, late) in INDICATORS.items():
            mature = i < len(QUARTERS) - late
            n = 6 * started if name == "pain_recorded" else int(started * 0.8)
            events = int(rng.binomial(n, share))
            estimate = events / n
            low, high = (float(v) for v in wilson(np.array(events), np.array(n)))
            if not mature:
                estimate = low = high = np.nan
            values = (estimate, low, high, n, events, mature, float(n), estimate, low, high, n * share)
            rows.append((q, name, label, "share", *values, events - n * share, events / (n * share)))
    table = pd.DataFrame(rows, columns=list(QUARTER_COLUMNS))
    return FakeReview(table, quarter=quarter, more=build_more(table, quarter))


@made_once
def completeness() -> FakeCompleteness:
    fields = {
        "visit_date": ("Date of the visit", 1.0),
        "pain_pre": ("Pain before treatment", 0.86),
        "pain_post": ("Pain after treatment", 0.31),
        "region": ("Region", 0.97),
        "diagnoses": ("Diagnosis codes", 0.88),
        "modalities": ("Treatments given", 0.95),
        "muscles_identified": ("Muscles identified", 0.64),
        "muscles_treated": ("Muscles treated", 0.58),
        "cause": ("Cause", 0.52),
        "trigger": ("Trigger", 0.44),
        "onset_days": ("Start of symptoms", 0.39),
        "age": ("Age", 0.99),
        "sex": ("Sex", 0.985),
        "discharge_reason": ("Reason for discharge", 0.12),
    }
    n = 24_118
    rows = [(name, label, n, round(n * share), round(n * share) / n) for name, (label, share) in fields.items()]
    scored = 20_741
    counts = {"zero": 1_244, "five": 4_148, "beside_five": 5_185, "ten": 207, "fraction": 415}
    ratings = [(name, name, scored, events, events / scored) for name, events in counts.items()]
    return FakeCompleteness(
        pd.DataFrame(rows, columns=["field", "label", "n", "recorded", "estimate"]),
        summary={"n": n, "absent_fields": ()},
        ratings=pd.DataFrame(ratings, columns=["rating", "label", "n", "events", "estimate"]),
    )


def records() -> SimpleNamespace:
    file = SimpleNamespace(
        name="visits.csv",
        place="visits.csv",
        sheet="",
        kind="csv",
        size_bytes=3_912_004,
        sha256="ab" * 32,
        n_rows=25_013,
        header=("patient_id", "visit_date"),
        encoding="utf-8",
        unread_columns=("notes",),
    )
    ledger = Ledger(
        (
            Step(
                "read",
                "rows",
                25_020,
                25_013,
                set_aside={"row of another width": 4},
                not_data={"blank line": 3},
                source="visits.csv",
            ),
        )
    )
    set_aside = SimpleNamespace(
        source=np.zeros(4, np.int16),
        row=np.array([17, 210, 999, 12_041], np.int32),
        code=["E105"] * 4,
        rule=["row of another width"] * 4,
        detail=["9 cells, 24 expected"] * 4,
    )
    return SimpleNamespace(
        files=(file,),
        ledger=ledger,
        n=25_013,
        notes=("Read as UTF-8.",),
        set_aside=set_aside,
        mapping=Mapping(columns={"pain_pre": "VAS"}),
    )


END_REASONS = (
    "discharged",
    "referred",
    "silent_stop",
    "stopped_relieved",
    "open_at_data_cut",
    "follow_up_unknown",
    "new_complaint",
)
RULES = {
    "E232": ("pain is outside the declared scale", 61, 'Correct it, or declare [pain] scale = "0-100" in the mapping.'),
    "E212": (
        "visit date cannot be read in the declared order",
        34,
        "Correct it, or declare [dates] order in the mapping.",
    ),
    "E215": ("visit date is after the data cut", 9, "Correct it, or move [dates] data_cut in the mapping."),
    "E201": ("patient id is empty", 3, "Fill it in the clinic system; a visit without a patient cannot be followed."),
}


def visits(calendar: bool = True) -> SimpleNamespace:
    code = [name for name, (_, n, _) in RULES.items() for _ in range(n)]
    quarantine = pa.table(
        {
            "source_file": ["visits.csv"] * len(code),
            "source_sheet": [""] * len(code),
            "source_row": pa.array(range(2, 2 + len(code)), pa.int32()),
            "column": ["pain_pre"] * len(code),
            "letter": ["F"] * len(code),
            "code": code,
            "rule": [RULES[name][0] for name in code],
            "value_masked": [""] * len(code),
            "remedy": [RULES[name][2] for name in code],
        }
    )
    ledger = records().ledger.with_step(
        Step(
            "validate",
            "records",
            25_013,
            24_560,
            set_aside={name: n for name, (_, n, _) in RULES.items()},
            not_data={"visit purpose no_show": 346},
            source="visits.csv",
        ),
        Step(
            "merge",
            "records",
            24_560,
            24_118,
            source="visits.csv",
            merged={"exact duplicate": 212, "same patient, stream and day": 230},
        ),
    )
    return SimpleNamespace(
        n=24_118,
        has_calendar=calendar,
        protocol=protocol(),
        quarantine=quarantine,
        ledger=ledger,
        notes=(),
        codebook=SimpleNamespace(hash="a17be0442c90", labels=dict(FAMILIES)),
        labels={"patient": pa.array([f"P{i}" for i in range(2907)]), "clinic": pa.array(["C01", "C02", "C03"])},
        clinic_first_day=np.full(4, 19_631, np.int32),
        clinic_last_day=np.full(4, np.datetime64("2026-09-30").astype(np.int64) if calendar else -1, np.int32),
        columns={"day": np.array([19_631, 20_725], np.int32), "patient": np.arange(2907, dtype=np.int32)},
        unknown_terms=(
            ("modalities", "theragun", 88, 61),
            ("modalities", "cupping x3", 41, 30),
            ("cause", "gartening", 12, 9),
            ("muscles_treated", "call Mrs Example", 8, 1),
        ),
    )


def episodes(calendar: bool = True) -> SimpleNamespace:
    rng = np.random.default_rng(3)
    n = 4_183
    n_visits = 1 + rng.poisson(5.2, n) * (rng.random(n) > 0.13)
    inception = rng.random(n) > 0.06
    day = rng.integers(19_631, 20_725, n).astype(np.int32)
    v = visits(calendar)
    columns = {
        "n_visits": n_visits.astype(np.int32),
        "is_inception": inception,
        "index_day": day,
        "last_day": day + 20,
        # With a calendar the follow-up of nobody is unknown (the last of six).
        "end_reason": rng.choice(6, n, p=[0.1, 0.02, 0.24, 0.48, 0.16, 0.0]).astype(np.int8),
        "baseline": rng.integers(-1, 11, n).astype(np.int16) * 100,
        "patient": rng.integers(0, 2907, n),
        "is_closed": rng.random(n) > 0.1,
        "n_measured": n_visits,
    }
    ledger = v.ledger.with_step(
        Step("assign to episodes", "visits", 24_118, 23_840, not_data={"maintenance before the first episode": 278})
    )
    return SimpleNamespace(
        n=n,
        columns=columns,
        visits=v,
        labels={"end_reason": END_REASONS},
        protocol=v.protocol,
        codebook=v.codebook,
        ledger=ledger,
        has_calendar=calendar,
        notes=(),
    )


def inputs() -> ReportInputs:
    import modality_fakes as modalities
    import unit_fakes as units
    import use_fakes as use

    return ReportInputs(
        visits=visits(),
        episodes=episodes(),
        relief=relief(),
        relief_grid=relief_grid(),
        recurrence=recurrence(),
        triggers=triggers(),
        rehabilitation=rehabilitation(),
        return_factors=return_factors(),
        modality_use=use.modality_use(),
        same_visit=use.same_visit(),
        one_family=modalities.one_family(),
        all_families=modalities.all_families(),
        identified_muscle=modalities.identified_muscle(),
        subgroups=modalities.subgroups(),
        quarter_review=quarter_review(),
        completeness=completeness(),
        records=records(),
        **units.answers(),
    )
