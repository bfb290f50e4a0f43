"""Episodes of small written courses, under floors low enough for tables of a few rows."""

from __future__ import annotations

from datetime import timedelta

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.questions.results import ALL
from tables import open_clinic, records

# Floors low enough for tables of a few rows, and a draw or two.
SMALL = Protocol.from_mapping(
    {
        "reporting_floor": {
            "estimate_min_episodes": 2,
            "curve_min_observed": 1,
            "curve_min_share": 0.01,
            "proportion_min_n": 1,
        },
        "inference": {"bootstrap_draws": 20},
        "episode": {"washout_days": 0},
    }
)


def episodes_of(courses, protocol=SMALL, extra=None):
    """Episodes of patients written as ``day:pain`` courses; `extra` gives further columns, one value a patient."""
    names = list(extra or {})
    lines = [" | ".join(["patient_id", "visit_day", "pain_pre", *names])]
    for i, course in enumerate(courses):
        for point in course.split():
            day, pain = point.split(":")
            lines.append(" | ".join([f"p{i:03}", day, pain, *(extra[name][i] for name in names)]))
    return build_episodes(build_visits(records("\n".join(lines)), protocol))


def dated_episodes(rows, protocol=SMALL, end=None):
    """Episodes of ``(patient, ISO date, pain)`` visits, read in ISO order, at a clinic open to the last visit."""
    dates = sorted(row[1] for row in rows)
    lines = ["patient_id | visit_date | pain_pre"] + [" | ".join(row) for row in rows]
    lines += open_clinic(dates[0], end or dates[-1])
    return build_episodes(build_visits(records("\n".join(lines)), protocol))


def small(**sections):
    """The small protocol with some settings changed, section by section."""
    plain = SMALL.to_plain()
    return Protocol.from_mapping({name: {**plain[name], **sections.get(name, {})} for name in plain})


def days_after(start, *points):
    """Visits ``(patient, ISO date, pain)`` of ``patient day pain`` texts, counted from `start`."""
    split = [point.split() for point in points]
    return [(who, (start + timedelta(int(day))).isoformat(), pain) for who, day, pain in split]


def at(table, day, group=ALL):
    row = table[(table["group"] == group) & (table["horizon_days"] == day)]
    assert len(row) == 1
    return row.iloc[0]
