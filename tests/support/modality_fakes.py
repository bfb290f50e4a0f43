"""Comparisons of treatments in the shape `compare_modalities` gives them, with invented numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from made_once import made_once
from release_fakes import FAMILIES, INTERVAL, FakeResult


@dataclass(frozen=True)
class FakeComparison(FakeResult):
    question: str = "one_family"
    balance: pd.DataFrame | None = None
    overlap: pd.DataFrame | None = None
    units: pd.DataFrame | None = None
    gate: pd.DataFrame | None = None
    diagnostics: pd.DataFrame | None = None
    protocol: pd.DataFrame | None = None
    checklist: pd.DataFrame | None = None
    more: dict[str, pd.DataFrame] = field(default_factory=dict)


CONTRAST_COLUMNS = (
    *("contrast", "label", "analysis", "analysis_label", "scale", "horizon_days"),
    *("estimate", "conf_low", "conf_high", "p_value", "with_value", "without_value"),
    *("n_with", "n_without", "events_with", "events_without", "tag", "reason"),
)
TAGS = ("descriptive", "adjusted association", "signal / no signal", "not estimable")
FEW_WITH = "too few episodes that began with {} to compare"


def _contrast_line(contrast, label, analysis, words, value, n=(600, 900), shares=(0.61, 0.57), **more):
    """One row of a comparison; a text in place of the value is the reason why there is none."""
    row = dict.fromkeys(CONTRAST_COLUMNS, np.nan) | {
        "contrast": contrast,
        "label": label,
        "analysis": analysis,
        "analysis_label": words,
        "scale": "difference",
        "horizon_days": 28,
        "n_with": n[0],
        "n_without": n[1],
        "events_with": int(n[0] * shares[0]),
        "events_without": int(n[1] * shares[1]),
        "tag": TAGS[1],
        "reason": "",
    }
    if isinstance(value, str):
        return row | {"tag": TAGS[3], "reason": value} | more
    numbers = {
        "estimate": value,
        "conf_low": value - 0.06,
        "conf_high": value + 0.06,
        "p_value": 0.21,
        "with_value": shares[0],
        "without_value": shares[1],
    }
    return row | numbers | more


def _family_lines(family, label, value, ring, n):
    few = FEW_WITH.format(label.lower())
    main = _contrast_line(
        family,
        label,
        "adjusted",
        "adjusted: overlap weights, share relieved by the day",
        few if np.isnan(value) else value,
        n,
    )
    if np.isnan(value):
        return [main]
    line = [family, label]
    return [
        main,
        _contrast_line(*line, "unadjusted", "unadjusted: the same episodes", ring, n, tag=TAGS[0]),
        _contrast_line(*line, "adjusted", main["analysis_label"], 1.07, n, scale="ratio"),
        _contrast_line(*line, "adjusted", main["analysis_label"], -0.8, n, scale="days", horizon_days=42),
        _contrast_line(
            *line,
            "adjusted",
            main["analysis_label"],
            "the difference may be none: the number of episodes for one more relieved has no bound",
            n,
            scale="episodes",
        ),
        _contrast_line(
            *line,
            "pain_doubly_robust",
            "doubly robust mean: rating nearest day 28",
            -0.2,
            n,
            scale="points",
            events_with=np.nan,
            events_without=np.nan,
        ),
        _contrast_line(*line, "relief_any", "relief: first rating at half, even if contradicted", value + 0.02, n),
        _contrast_line(*line, "relief_strict", "relief: at half at two visits in a row", value - 0.01, n, (0.41, 0.38)),
        _contrast_line(
            *line,
            "window",
            "given on days 0 to 7, the clock starting on day 7, those at risk then",
            value,
            (n[0] - 90, n[1] - 120),
        ),
        _contrast_line(
            *line,
            "other_region",
            "control: new episode in another region, on which no difference is expected "
            "(above 0: more of those with it came back)",
            0.01,
            n,
            (0.05, 0.04),
            horizon_days=182,
        ),
        *(
            _contrast_line(
                *line,
                "without_clinic",
                f"without clinic {clinic}",
                value + 0.01 * i,
                (n[0] - 150 - 20 * i, n[1] - 200 - 30 * i),
                conf_low=np.nan,
                conf_high=np.nan,
                p_value=np.nan,
            )
            for i, clinic in enumerate(("C01", "C02", "C03"))
        ),
    ]


def _beside_contrasts(names: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Balance, overlap, units, gate and diagnostics of contrasts by name."""
    edges = np.linspace(0, 1, 21)
    counts = {
        "with": [0, 0, 2, 5, 12, 30, 41, 60, 77, 80, 81, 70, 55, 40, 22, 14, 6, 3, 2, 0],
        "without": [0, 3, 9, 22, 48, 80, 101, 120, 130, 118, 98, 70, 50, 26, 14, 7, 3, 1, 0, 0],
    }
    n = {arm: sum(values) for arm, values in counts.items()}
    parts = (*names.items(),)
    balance = [
        (c, column, words, before, after, used)
        for c, _ in parts
        for column, words, before, after, used in (
            ("baseline", "First pain rating", 0.31, 0.0, True),
            ("baseline_squared", "First pain rating", 0.28, 0.0, True),
            ("region_neck", "Region", -0.12, 0.0, True),
            ("sex_male", "Sex", 0.06, 0.01, True),
            ("payer_self", "Payer", 0.17, 0.13, False),
        )
    ]
    checks = (
        ("episodes", n["with"], n["without"], 30.0),
        ("events", 350, 520, 10.0),
        ("clinicians", 6, np.nan, 2.0),
        ("support", n["with"] - 8, n["without"] - 12, 30.0),
        ("effective size", 310.4, 480.2, 30.0),
        ("balance", 0.13, np.nan, 0.2),
    )
    return {
        "balance": pd.DataFrame(
            balance, columns=["contrast", "column", "label", "smd_before", "smd_after", "is_adjusted"]
        ),
        "overlap": pd.DataFrame(
            [
                (c, label, arm, low, high, k)
                for c, label in parts
                for arm, values in counts.items()
                for low, high, k in zip(edges[:-1], edges[1:], values, strict=True)
            ],
            columns=["contrast", "label", "arm", "from_propensity", "to_propensity", "n"],
        ),
        "units": pd.DataFrame(
            [
                (c, label, unit, a, b)
                for c, label in parts
                for unit, a, b in (("K01", 200, 400), ("K02", 250, 300), ("K03", n["with"] - 450, n["without"] - 700))
            ],
            columns=["contrast", "label", "unit", "n_with", "n_without"],
        ),
        "gate": pd.DataFrame(
            [(c, label, check, a, b, need, True, "") for c, label in parts for check, a, b, need in checks],
            columns=["contrast", "label", "check", "with_value", "without_value", "needed", "is_met", "reason"],
        ),
        "diagnostics": pd.DataFrame(
            [
                (
                    c,
                    label,
                    n["with"],
                    n["without"],
                    40,
                    0,
                    12,
                    3,
                    22,
                    310.4,
                    480.2,
                    0.13,
                    -0.09,
                    0.09,
                    1.34,
                    1.0,
                    500,
                    0,
                    "",
                )
                for c, label in parts
            ],
            columns=[
                "contrast",
                "label",
                "n_with",
                "n_without",
                "set_aside_always",
                "set_aside_never",
                "set_aside_few",
                "n_units",
                "n_columns",
                "effective_with",
                "effective_without",
                "largest_smd",
                "detectable_low",
                "detectable_high",
                "e_value",
                "e_value_limit",
                "n_draws",
                "n_failed",
                "reason",
            ],
        ),
    }


SIZES = (
    sum([0, 0, 2, 5, 12, 30, 41, 60, 77, 80, 81, 70, 55, 40, 22, 14, 6, 3, 2, 0]),
    sum([0, 3, 9, 22, 48, 80, 101, 120, 130, 118, 98, 70, 50, 26, 14, 7, 3, 1, 0, 0]),
)


def _comparison(question: str, rows: list[dict[str, Any]], names: dict[str, str], **more: Any) -> FakeComparison:
    table = pd.DataFrame(rows)
    for name in ("n_with", "n_without", "events_with", "events_without"):
        table[name] = pd.Series([v if v != v else int(v) for v in table[name]], dtype=object)
    trial = pd.DataFrame(
        [
            ("Eligibility", "patients with a new episode", "inception episodes"),
            ("Time zero", "the day of assignment", "the first treatment visit"),
        ],
        columns=["part", "ideal", "emulated"],
    )
    items = pd.DataFrame(
        [("TARGET", "17", "ethics approval", "not in these records: name it")],
        columns=["list", "item", "what", "where"],
    )
    table["q_value"] = table.get("q_value", np.nan)
    return FakeComparison(
        table,
        question=question,
        **_beside_contrasts(names),
        protocol=trial,
        checklist=items,
        **{
            "summary": {
                "n": sum(SIZES) + 52,
                "n_patients": 1300,
                "n_events": 900,
                "n_contrasts": len(names),
                "n_shown": 5,
                "least_q_value": 0.31,
                "is_signal": False,
            },
            "notes": (
                "Patients who get a treatment differ from those who do not; the adjustment covers only what is "
                "recorded.",
            ),
        }
        | more,
    )


@made_once
def one_family() -> FakeComparison:
    values = (0.04, -0.02, np.nan, 0.01, -0.03, 0.06, np.nan, np.nan, np.nan)
    rings = (0.02, -0.05, np.nan, -0.11, -0.04, 0.03, np.nan, np.nan, np.nan)
    rows = [
        row
        for (family, label), value, ring in zip(FAMILIES.items(), values, rings, strict=True)
        for row in _family_lines(family, label, value, ring, SIZES if value == value else (17, 1500))
    ]
    for row in rows:
        main = row["analysis"] == "adjusted" and row["scale"] == "difference" and row["estimate"] == row["estimate"]
        row["q_value"] = 0.31 if main else np.nan
    rows.append(
        _contrast_line(
            "taping_bracing",
            "Taping or bracing",
            "control_exposure",
            "control: a treatment of which no difference is expected",
            0.02,
            (120, 1380),
        )
    )
    return _comparison("one_family", rows, FAMILIES)


@made_once
def all_families() -> FakeComparison:
    both = {"manual_soft_tissue+joint_techniques": "Manual soft-tissue work and joint techniques (seldom apart)"}
    names = both | {
        name: label for name, label in FAMILIES.items() if name not in "manual_soft_tissue joint_techniques"
    }
    rows: list[dict[str, Any]] = []
    for i, (name, label) in enumerate(names.items()):
        value = (0.03, -0.04, 0.02, np.nan, 0.05, np.nan, np.nan, np.nan)[i]
        words = "all families in one model, adjusted: share relieved by the day"
        if np.isnan(value):
            rows.append(_contrast_line(name, label, "joint", words, FEW_WITH.format(label.lower()), (17, 1500)))
            continue
        rows.append(_contrast_line(name, label, "joint", words, value) | {"q_value": 0.44})
        shrunk = "the same, shrunk towards no difference"
        rows.append(_contrast_line(name, label, "joint_shrunk", shrunk, value / 3, p_value=np.nan))
        rows.append(
            _contrast_line(name, label, "unadjusted", "unadjusted: the same episodes", value + 0.03, tag=TAGS[0])
        )
    more = {
        "pairs": pd.DataFrame(
            [
                ("manual_soft_tissue", "joint_techniques", *list(FAMILIES.values())[:2], 900, 20, 9, 571, 30.5, True),
                ("thermal", "active", "Heat and cold", "Active exercise", 200, 300, 400, 600, 1.01, False),
            ],
            columns=[
                "family_a",
                "family_b",
                "label_a",
                "label_b",
                "n_both",
                "n_a_only",
                "n_b_only",
                "n_neither",
                "variance_inflation",
                "is_bundled",
            ],
        ),
        "shrinkage": pd.DataFrame([(0.0004, 3.2, 3, 0.36, 4)], columns=["tau2", "Q", "df", "p_value", "n_contrasts"]),
    }
    return _comparison("all_families", rows, names, more=more)


CLASSES = {
    "exact": ("the same muscle, on the same side", 410),
    "group": ("a muscle of the same group", 140),
    "umbrella": ("a collective name and a part of it", 48),
    "adjacent": ("a neighbouring muscle group", 260),
    "same_region": ("another muscle of the region, or the other side", 120),
    "none": ("a muscle elsewhere", 75),
    "unspecific": ("named too vaguely to tell", 88),
    "unknown": ("muscle found or treated not recorded", 350),
    "known_mismatch": ("of these: a known mismatch, and nothing concordant", 61),
    "clinic_example": (
        "of these: hamstrings treated, stretching among the treatments, the erectors found in spasm",
        24,
    ),
}


@made_once
def identified_muscle(sizes: dict[str, int] | None = None) -> FakeComparison:
    label = "Treating the muscle found"
    n = {name: size for name, (_, size) in CLASSES.items()} | (sizes or {})
    arms = n["exact"] + n["group"] + n["umbrella"], n["adjacent"] + n["same_region"] + n["none"]
    rows = _family_lines("concordant", label, 0.05, 0.08, arms)
    rows[0]["q_value"] = 0.12
    rows[2:2] = [
        _contrast_line(
            "concordant",
            label,
            "strict",
            "strict: the same muscle on the same side alone is concordant",
            0.06,
            (n["exact"], sum(arms) - n["exact"]),
        ),
        _contrast_line(
            "concordant",
            label,
            "lenient",
            "lenient: a neighbouring group is concordant too",
            0.03,
            (arms[0] + n["adjacent"], arms[1] - n["adjacent"]),
        ),
    ]
    against = {
        "known_mismatch": "a known mismatch",
        "clinic_example": "stretching and the hamstrings while the erectors were in spasm",
    }
    few = "too few episodes that began with {} to compare"
    rows += [
        _contrast_line(
            "known_mismatch",
            f"{label}, against {against['known_mismatch']}",
            "known_mismatch",
            "adjusted, as the main line",
            0.07,
            (arms[0], n["known_mismatch"]),
        ),
        _contrast_line(
            "clinic_example",
            f"{label}, against {against['clinic_example']}",
            "clinic_example",
            "adjusted, as the main line",
            few.format(against["clinic_example"]),
            (arms[0], n["clinic_example"]),
        ),
    ]
    shares = [0.62, 0.6, 0.58, 0.55, 0.53, 0.52, 0.57, 0.6, 0.5, 0.45]
    classes = pd.DataFrame(
        [
            (
                name,
                CLASSES[name][0],
                n[name],
                round(n[name] * s),
                *((s, s - 0.06, s + 0.06) if n[name] >= 30 else [np.nan] * 3),
            )
            for name, s in zip(CLASSES, shares, strict=True)
        ],
        columns=["class", "label", "n", "events", *INTERVAL],
    )
    errors = pd.DataFrame(
        [
            (
                "of_the_arms",
                "of either arm, as weighted, the share that is in the right one",
                right,
                *(value / (2 * right - 1) for value in (0.05, -0.01, 0.11)),
                "",
            )
            for right in (0.7, 0.8, 0.9)
        ],
        columns=["reading", "label", "right", *INTERVAL, "reason"],
    )
    recording = pd.DataFrame(
        [("K01", 500, 400, 0.8), ("K02", 600, 380, 380 / 600), ("K03", 391, 361, 361 / 391)],
        columns=["unit", "n", "n_recorded", "share"],
    )
    more = {
        "classes": classes,
        "misclassification": errors,
        "recording": recording,
        "changed": pd.DataFrame([(1100, 800, 212, 0.265)], columns=["n", "n_again", "n_changed", "share"]),
    }
    names = {"concordant": label} | {k: f"{label}, against {v}" for k, v in against.items()}
    found = _comparison("identified_muscle", rows, names, more=more)
    counted = {"n": sum(list(n.values())[:8]), "n_events": int(classes["events"][:8].sum()), "n_known": sum(arms)}
    counted |= {"n_concordant": arms[0], "n_discordant": arms[1]}
    counted |= {f"n_{name}": n[name] for name in ("unspecific", "unknown", "known_mismatch", "clinic_example")}
    aside = ("set_aside_always", "set_aside_never", "set_aside_few")
    diagnostics = found.diagnostics.assign(n_with=arms[0], n_without=arms[1], **dict.fromkeys(aside, 0))
    return replace(found, summary=found.summary | counted, diagnostics=diagnostics, units=found.units.iloc[:0])


LEVELS = {
    "muscle_group": (
        "Muscle group found in spasm",
        {"erector_spinae": "Erector spinae", "quadratus_lumborum": "Quadratus lumborum", "trapezius": "Trapezius"},
    ),
    "chronicity": ("Duration of the complaint", {"acute": "Acute", "chronic": "Chronic"}),
}


@made_once
def subgroups() -> FakeComparison:
    rows = []
    for i, (family, label) in enumerate(list(FAMILIES.items())[:6]):
        for factor, (factor_label, levels) in LEVELS.items():
            for j, (level, words) in enumerate(levels.items()):
                few = FEW_WITH.format(label.lower())
                value = few if (i + j) % 4 == 3 else 0.02 * (j - i % 3)
                place = {"factor": factor, "level": level, "level_label": words}
                line = _contrast_line(
                    family, f"{label}: {words}", "level", "adjusted", value, (200 + 9 * j, 300), p_value=np.nan
                )
                rows.append(place | line | {"q_value": np.nan})
            place = {"factor": factor, "level": "all", "level_label": "all levels shown"}
            line = _contrast_line(family, f"{label}: {factor_label.lower()}", "interaction", "test", np.nan)
            rows.append(
                place
                | line
                | {
                    "scale": "test",
                    "n_with": np.nan,
                    "n_without": np.nan,
                    "events_with": np.nan,
                    "events_without": np.nan,
                    "estimate": np.nan,
                    "with_value": np.nan,
                    "without_value": np.nan,
                    "p_value": 0.4,
                    "q_value": 0.8,
                    "tag": TAGS[2],
                }
            )
    found = _comparison("subgroups", rows, dict(list(FAMILIES.items())[:1]))
    beside = {
        name: getattr(found, name).assign(factor="chronicity", level="acute", level_label="Acute")
        for name in ("balance", "overlap", "units", "gate", "diagnostics")
    }
    return replace(found, **beside, summary=found.summary | {"n_tests": 12})
