"""The vectorised episodes, relief intervals and returns against the same rules as plain loops over one patient."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_relief_intervals, build_return_rows, build_visits
from outcomes.definitions import Protocol
from outcomes.ledger import Ledger
from outcomes.records import Mapping, Records, SetAside, SourceFile
from tables import column

PURPOSES = ("", "", "", "", "", "maintenance", "first_exam")
DISCHARGES = ("", "", "", "", "resolved", "referred", "improved")


def random_records(rng: np.random.Generator, n_patients: int) -> tuple[Records, dict[str, list[dict]]]:
    """Visits with gaps around every threshold, and the same visits as plain dicts by patient."""
    visits: dict[str, list[dict]] = {}
    for number in range(n_patients):
        day, own = int(rng.integers(0, 400)), []
        for _ in range(int(rng.integers(1, 14))):
            own.append(
                {
                    "day": day,
                    "pain": float(rng.integers(0, 21)) / 2 if rng.random() < 0.8 else None,
                    "purpose": PURPOSES[rng.integers(len(PURPOSES))],
                    "discharge": DISCHARGES[rng.integers(len(DISCHARGES))],
                    "onset": int(rng.integers(0, 60)) if rng.random() < 0.2 else None,
                }
            )
            day += int(rng.choice([1, 3, 7, 13, 14, 20, 21, 29, 30, 31, 45, 89, 90, 91, 150]))
        visits[f"p{number:03}"] = own
    end = max(visit["day"] for own in visits.values() for visit in own)
    quiet = {"pain": None, "purpose": "", "discharge": "", "onset": None}
    visits["z"] = [{"day": day, **quiet} for day in range(end % 10, end + 1, 10)]
    rows = [(patient, visit) for patient, own in visits.items() for visit in own]
    order = rng.permutation(len(rows))
    rows = [rows[i] for i in order]
    epoch = np.datetime64("2024-01-01")
    fields = {
        "patient_id": column([patient for patient, _ in rows]),
        "visit_date": column([str(epoch + v["day"]) for _, v in rows]),
        "pain_pre": column(["" if v["pain"] is None else str(v["pain"]) for _, v in rows]),
        "visit_purpose": column([v["purpose"] for _, v in rows]),
        "discharge_reason": column([v["discharge"] for _, v in rows]),
        "onset_days": column(["" if v["onset"] is None else str(v["onset"]) for _, v in rows]),
    }
    file = SourceFile("t.csv", "", "csv", 0, len(rows), tuple(fields), {}, {}, ())
    aside = SetAside(np.zeros(0, np.int16), np.zeros(0, np.int32), (), (), (), ())
    n = len(rows)
    made = Records(
        fields, {}, np.zeros(n, np.int16), np.arange(2, n + 2, dtype=np.int32), (file,), aside, Ledger(), Mapping()
    )
    return made, visits


def plain_episodes(own: list[dict], p: Protocol) -> list[list[dict]]:
    """The rules of the docstring, one visit after the other."""
    for i, visit in enumerate(own):
        before = own[i - 1] if i else None
        after = own[i + 1] if i + 1 < len(own) else None
        new_onset = visit["purpose"] == "first_exam" or (
            before is not None and visit["onset"] is not None and visit["day"] - visit["onset"] > before["day"]
        )
        far = before is not None and visit["day"] - before["day"] >= 21
        far = far and (after is None or after["day"] - visit["day"] >= 21)
        quiet = visit["pain"] is not None and visit["pain"] <= 2
        visit["maintenance"] = visit["purpose"] == "maintenance" or (quiet and far and not new_onset)
    episodes: list[list[dict]] = []
    previous = None
    for visit in own:
        if visit["maintenance"]:
            if episodes:
                episodes[-1].append(visit)
            continue
        rule = _rule(visit, previous, episodes, p)
        visit["rule"] = rule
        if rule:
            episodes.append([visit])
        else:
            episodes[-1].append(visit)
        previous = visit
    return episodes


def _rule(visit: dict, previous: dict | None, episodes: list[list[dict]], p: Protocol) -> str:
    if previous is None:
        return "first"
    gap = visit["day"] - previous["day"]
    if gap >= p.episode.gap_days:
        return "A"
    current = episodes[-1]
    last = next((v["pain"] for v in reversed(current) if v["pain"] is not None), None)
    if gap >= 30 and last is not None and visit["pain"] is not None:
        base = plain_baseline(current)
        relieved = last <= 1 or (base is not None and last <= base / 2) or previous["discharge"] == "resolved"
        if relieved and visit["pain"] >= 3 and visit["pain"] - last >= 2:
            return "B"
    onset = visit["onset"] is not None and visit["day"] - visit["onset"] > previous["day"]
    return "C" if gap >= 14 and (onset or visit["purpose"] == "first_exam") else ""


def plain_baseline(episode: list[dict]) -> float | None:
    start = episode[0]["day"]
    return next((v["pain"] for v in episode if v["pain"] is not None and v["day"] - start <= 3), None)


def plain_relief(episode: list[dict], rule: str) -> tuple[float, float]:
    base, start = plain_baseline(episode), episode[0]["day"]
    rated = [v for v in episode if v["pain"] is not None]
    for i, visit in enumerate(rated):
        if visit["pain"] > base / 2:
            continue
        after = rated[i + 1] if i + 1 < len(rated) else None
        contradicted = after is not None and after["pain"] > base / 2
        if rule == "confirmed" and contradicted and after["day"] - visit["day"] <= 30:
            continue
        if rule == "strict" and (after is None or contradicted or after["day"] - visit["day"] > 30):
            continue
        return rated[i - 1]["day"] - start, visit["day"] - start
    return rated[-1]["day"] - start, float("inf")


@pytest.mark.parametrize("seed", range(6))
def test_random_patients(seed):
    records, patients = random_records(np.random.default_rng(seed), 120)
    protocol = Protocol.from_mapping({"episode": {"washout_days": 0}})
    episodes = build_episodes(build_visits(records, protocol))
    plain = {patient: plain_episodes(own, protocol) for patient, own in patients.items()}
    table = episodes.table
    assert table["opened_by"].astype(str).tolist() == [e[0]["rule"] for own in plain.values() for e in own]
    assert table["n_visits"].tolist() == [sum(not v["maintenance"] for v in e) for own in plain.values() for e in own]
    got = [None if np.isnan(x) else x for x in table["baseline_nrs"].tolist()]
    assert got == [plain_baseline(e) for own in plain.values() for e in own]
    for rule in ("any", "confirmed", "strict"):
        found = build_relief_intervals(episodes, rule)
        expected = [plain_relief(e, rule) for own in plain.values() for e in own if (plain_baseline(e) or 0) >= 3]
        assert list(zip(found.left_days.tolist(), found.right_days.tolist(), strict=True)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_returns_of_random_patients(seed):
    records, patients = random_records(np.random.default_rng(100 + seed), 120)
    protocol = Protocol.from_mapping({"episode": {"washout_days": 0}})
    episodes = build_episodes(build_visits(records, protocol))
    cut = max(v["day"] for own in patients.values() for v in own)
    expected = []
    relapsed = 0
    for own in patients.values():
        found = plain_episodes(own, protocol)
        for number, episode in enumerate(found):
            if (plain_baseline(episode) or 0) < 3:
                continue
            outcome = plain_return(found, number, cut)
            relapsed += outcome == "relapse"
            if isinstance(outcome, tuple):
                expected.append(outcome)
    got = build_return_rows(episodes)
    assert list(zip(got.stop_days.tolist(), got.event.tolist(), strict=True)) == expected
    assert got.n_relapsed == relapsed


def plain_return(found: list[list[dict]], number: int, cut: int) -> tuple[int, int] | str | None:
    episode = found[number]
    base, (_, relief_day) = plain_baseline(episode), plain_relief(episode, "confirmed")
    if relief_day == float("inf"):
        return None
    relief = next(v for v in episode if v["pain"] is not None and v["day"] - episode[0]["day"] == relief_day)
    landmark = relief["day"] + 30
    later = [(v, e[0]) for e in found[number:] for v in e if v["day"] > relief["day"]]
    for visit, opener in later:
        opens = visit is opener
        early = visit["day"] < landmark
        if visit["pain"] is None:
            back = opens and visit["rule"] in ("A", "C")
        else:
            above = visit["pain"] > base / 2 if early else visit["pain"] >= 3
            back = (above and visit["pain"] >= relief["pain"] + 2) or (opens and visit["pain"] >= 3)
        if back:
            return "relapse" if early else (visit["day"] - landmark, 1)
    return None if cut < landmark else (cut - landmark, 0)
