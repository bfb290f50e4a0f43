"""Who is one clinician: a code at one clinic, everywhere clinicians are told apart."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.clinicians import find_clinicians
from outcomes.definitions import Protocol
from outcomes.questions import compare_units, estimate_relief
from outcomes.questions.concordant_treatment import compare_concordance
from outcomes.questions.covariates import build_factors
from outcomes.questions.joint_columns import find_treating
from tables import records_of

SMALL = Protocol.from_mapping(
    {
        "episode": {"washout_days": 0},
        "inference": {"bootstrap_draws": 20},
        "reporting_floor": {"estimate_min_episodes": 5},
    }
)
START = date(2024, 1, 1)
FOUND, OTHER = "erector spinae", "quadratus lumborum"


def columns_of(clinician, clinic, names=("1", "2", "3"), clinics=("A", "B")):
    words = SimpleNamespace(codes={"clinician": names, "clinic": clinics})
    columns = {"clinician": np.array(clinician), "clinic": np.array(clinic)}
    return SimpleNamespace(columns=columns, words=words)


def practice(parts):
    """Episodes by clinic and code: relieved and not with the muscle found treated, relieved and not with another."""
    rows = []
    for (clinic, who), counts in parts.items():
        kinds = ((FOUND, "2"), (FOUND, "6"), (OTHER, "2"), (OTHER, "6"))
        for (treated, pain), n in zip(kinds, counts, strict=True):
            for i in range(n):
                patient = f"{clinic}{who}{treated[0]}{pain}{i}"
                first = {
                    "pain_pre": "6",
                    "modalities": "massage",
                    "muscles_identified": FOUND,
                    "muscles_treated": treated,
                }
                visits = [(0, first), *((day, {"pain_pre": pain}) for day in (7, 30, 60))]
                rows += [
                    {"patient_id": patient, "visit_date": str(START + timedelta(day)), "clinic_id": clinic}
                    | {"clinician_id": who}
                    | said
                    for day, said in visits
                ]
        # One who is never rated keeps the clinic open.
        rows += [
            {"patient_id": f"open{clinic}", "visit_date": str(START + timedelta(day)), "clinic_id": clinic}
            | {"clinician_id": who}
            for day in range(0, 400, 3)
        ]
    names = ("patient_id", "visit_date", "pain_pre", "modalities", "muscles_identified", "muscles_treated")
    names = (*names, "clinic_id", "clinician_id")
    cells = {name: [row.get(name, "") for row in rows] for name in names}
    return build_episodes(build_visits(records_of(cells), SMALL))


# At A more are relieved, and the muscle found is treated more often; within a clinic neither goes with the other.
SHARED = {("A", "1"): (40, 10, 20, 5), ("B", "1"): (4, 16, 8, 32)}


@pytest.fixture(scope="module")
def shared():
    return practice(SHARED)


def test_a_code_at_two_clinics_is_two_clinicians_by_hand():
    visits = columns_of([0, 0, 0, 1, 1, 2, -1, 2], [0, 1, -1, 1, -1, -1, 0, -1])
    found = find_clinicians(visits)
    assert found.names == ("1 at A", "1 at B", "1 at no clinic named", "2", "3")
    assert found.clinic.tolist() == [0, 1, -1, 1, -1]
    assert found.number.tolist() == [0, 0, 0, 1, 2]
    # Code 2 is at B only: its visit without a clinic is of the same person.
    assert found.code.tolist() == [0, 1, 2, 3, 3, 4, -1, 4]
    assert (found.n_codes, found.n_shared) == (3, 1)


def test_two_people_of_one_number_make_no_difference_out_of_nothing(shared):
    found = compare_concordance(shared, beside=False)
    main = found.table[(found.table["analysis"] == "adjusted") & found.table["q_value"].notna()].iloc[0]
    assert found.units["unit"].tolist()[:2] == ["1 at A", "1 at B"]
    # Taken for one clinician: 44 of 70 against 28 of 65.
    assert main["estimate"] == pytest.approx(0.0, abs=1e-9)
    assert found.more["recording"].iloc[:, :3].to_numpy().tolist() == [["1 at A", 75, 75], ["1 at B", 60, 60]]
    assert any("1 of 1 clinician codes stands at more than one clinic" in note for note in found.notes)


def test_units_groups_and_models_tell_them_apart(shared):
    units = compare_units(shared, "clinician", "silent_stop")
    assert units.table[["unit", "clinic", "n"]].to_numpy().tolist() == [["1 at A", "A", 75], ["1 at B", "B", 60]]
    assert any("stands at more than one clinic" in note for note in units.notes)
    groups = estimate_relief(shared, by="clinician_id").table
    assert groups.groupby("group")["n"].first().to_dict() == {"1 at A": 75, "1 at B": 60}
    rows = np.flatnonzero(shared.columns["is_eligible"])
    (factor,) = build_factors(shared, rows, ("clinician_id",), 1)
    assert factor.levels == ("1 at A", "1 at B")
    assert find_treating(shared, shared.starts[rows]).levels == ("1 at A", "1 at B")


def test_codes_of_one_clinic_each_keep_their_names_and_nothing_is_said():
    episodes = practice({("A", "1"): SHARED["A", "1"], ("B", "2"): SHARED["B", "1"]})
    units = compare_units(episodes, "clinician", "silent_stop")
    assert units.table["unit"].tolist() == ["1", "2"]
    assert not any("more than one clinic" in note for note in units.notes)


def test_clinicians_of_few_episodes_are_compared_each_with_him_or_herself():
    """One clinic, eight clinicians of 18 episodes: half of them treat the muscle found often, and relieve more."""
    often, seldom = (8, 4, 4, 2), (2, 4, 4, 8)
    episodes = practice({("A", f"{i}"): often if i % 2 else seldom for i in range(8)})
    found = compare_concordance(episodes, beside=False)
    table = found.table.set_index(["analysis", "scale"])
    # Within each clinician two of three, or one of three, are relieved, whatever was treated.
    assert table.loc[("unadjusted", "difference"), "estimate"] == pytest.approx(40 / 72 - 32 / 72)
    assert found.units["unit"].tolist() == ["others at A"]
    assert table.loc[("adjusted", "difference"), "estimate"] == pytest.approx(0.0, abs=1e-9)
    assert found.balance.set_index("column").loc["habit", ["smd_after", "is_adjusted"]].tolist() == [
        pytest.approx(0.0, abs=1e-9),
        True,
    ]


def test_a_pool_whose_clinicians_are_nearly_the_arms_is_refused():
    """Two treat the muscle found in 16 of 18, two in 2 of 18: who was treated so is who treated."""
    episodes = practice({("A", f"{i}"): (8, 8, 1, 1) if i % 2 else (1, 1, 8, 8) for i in range(4)})
    found = compare_concordance(episodes, beside=False)
    main = found.table[found.table["analysis"] == "adjusted"].iloc[0]
    assert (main["n_with"], main["n_without"], main["tag"]) == (36, 36, "not estimable")
    assert main["reason"].endswith("most in: how often whoever treated treats so")
