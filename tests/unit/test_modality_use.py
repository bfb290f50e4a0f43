"""Use of treatments: families together, by visit number and clinician, and the order of the clinic's stages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses import SMALL, episodes_of, small
from outcomes.cases import build_episodes, build_visits
from outcomes.errors import InputRefused, NotEstimable
from outcomes.questions import care_pathway, describe_modality_use, modality_bundles
from outcomes.questions.modality_shares import FEW, TreatmentVisits, visit_numbers
from outcomes.questions.results import early_note
from tables import records

TEXT = """
patient_id | visit_day | pain_pre | clinic_id | clinician_id | muscles_identified | modalities
a          | 0         | 6        | C1        | P1           | QL                 | massage
a          | 3         | 5        | C1        | P1           |                    | massage; ultrasound
a          | 7         | 4        | C1        | P2           |                    | exercise; massage
b          | 0         | 6        | C2        | P3           | QL                 | massage; ultrasound
b          | 5         | 6        | C2        | P3           |                    | exercise
c          | 0         | 7        | C2        | P3           |                    | exercise
c          | 4         | 6        | C2        |              |                    | massage
d          | 0         | 6        | C1        | P1           |                    | massage
d          | 6         | 6        | C1        | P1           | QL                 | ultrasound
"""


@pytest.fixture(scope="module")
def use():
    return describe_modality_use(build(TEXT))


def build(text, protocol=SMALL):
    return build_episodes(build_visits(records(text), protocol))


def events(table, key, *columns):
    rows = table if key is None else table[(table[list(columns)] == key).all(axis=1)]
    return dict(zip(rows["family"], rows["events"], strict=True))


def test_the_worked_table_of_stages(use):
    # The four episodes of the docstring of `care_pathway`.
    paths = dict(zip(use.pathway["path"], use.pathway["events"], strict=True))
    assert paths == {
        "identify+relax > circulate > rehab": 1,
        "identify+relax+circulate > rehab": 1,
        "rehab > relax": 1,
        "relax > identify+circulate": 1,
    }
    assert (use.pathway["n"] == 4).all()
    order = use.stage_order.set_index(["earlier", "later"])
    assert order.loc[("relax", "rehab"), ["n", "events"]].tolist() == [3, 2]
    assert order.loc[("identify", "relax"), ["n", "events"]].tolist() == [3, 2]
    assert order.loc[("any", "any"), ["n", "events"]].tolist() == [4, 2]
    stages = use.stages.set_index(["stage", "visit"])
    assert stages.loc[("relax", 1), ["n", "events"]].tolist() == [4, 3]
    assert stages.loc[("relax", 2), ["n", "events"]].tolist() == [4, 4]
    assert stages.loc[("rehab", 3), ["n", "events"]].tolist() == [1, 1]
    assert use.stages["visit"].max() == 3
    labels = set(use.pathway["label"])
    assert "Identify and relax, then circulate, then rehab" in labels


def test_an_examination_named_as_the_purpose_of_a_visit_identifies_as_one_among_the_treatments_does():
    by_purpose = """
patient_id | visit_day | pain_pre | visit_purpose | modalities
a          | 0         | 6        | first exam    | massage
a          | 3         | 5        | treatment     | exercise
b          | 0         | 6        | treatment     | massage
b          | 5         | 6        | re-exam       | exercise
c          | 0         | 7        | treatment     | massage
"""
    paths = describe_modality_use(build(by_purpose)).pathway
    assert dict(zip(paths["path"], paths["events"], strict=True)) == {
        "identify+relax > rehab": 1,
        "relax > identify+rehab": 1,
        "relax": 1,
    }
    by_treatment = by_purpose.replace("first exam    | massage", "treatment     | evaluation; massage").replace(
        "re-exam       | exercise", "treatment     | re-evaluation; exercise"
    )
    assert describe_modality_use(build(by_treatment)).pathway.equals(paths)


def test_families_by_visit_clinic_and_clinician_add_up(use):
    whole = events(use.families, None)
    assert (whole["manual_soft_tissue"], whole["ultrasound"], whole["active"]) == (6, 3, 3)
    for table in (use.by_visit, use.by_clinic, use.by_clinician, use.table):
        sums = table.groupby("family")[["n", "events"]].sum()
        assert (sums["n"] == 9).all()
        assert sums["events"].to_dict() == whole
    first = events(use.by_visit, "1", "visit")
    assert (first["manual_soft_tissue"], first["ultrasound"], first["active"]) == (3, 1, 1)
    who = use.by_clinician
    assert set(zip(who["clinic_id"], who["clinician_id"], strict=True)) == {
        ("C1", "P1"), ("C1", "P2"), ("C2", "P3"), ("C2", "not recorded"),
    }  # fmt: skip
    assert use.modalities["modality"].iloc[0] == "massage"
    assert use.modalities.set_index("modality").loc["massage", ["family", "stage"]].tolist() == [
        "manual_soft_tissue", "relax",
    ]  # fmt: skip


def test_pairs_at_the_first_treatment_visit(use):
    row = use.co_use.set_index(["family", "other_family"]).loc[("manual_soft_tissue", "ultrasound")]
    assert row[["n", "n_both", "n_one", "n_other", "n_neither", "n_discordant"]].tolist() == [4, 1, 2, 0, 1, 2]
    assert row["phi"] == pytest.approx((1 * 1 - 2 * 0) / np.sqrt(3 * 1 * 1 * 3))
    assert use.summary["n_episodes"] == 4


def test_the_commonest_sets(use):
    assert use.bundles["events"].sum() == use.bundles["n"].iloc[0] == 9
    assert use.bundles.iloc[0][["bundle", "events"]].tolist() == ["manual_soft_tissue", 3]
    together = use.bundles.set_index("bundle").loc["manual_soft_tissue+ultrasound"]
    assert (together["events"], together["label"]) == (2, "Manual soft tissue work + Ultrasound")


def test_every_row_is_accounted_for(use):
    by_name = {step.name: step for step in use.ledger.steps}
    assert by_name["care pathways"].kept == 4
    assert by_name["first treatment visits"].kept == 4
    assert by_name["treatment visits"].kept == by_name["treatment visits by number"].kept == 9


def test_clinicians_of_few_visits_are_one_row():
    protocol = small(reporting_floor={"proportion_min_n": 4})
    table = describe_modality_use(build(TEXT, protocol)).by_clinician
    assert set(zip(table["clinic_id"], table["clinician_id"], strict=True)) == {("C1", "P1"), ("C1", FEW), ("C2", FEW)}
    assert table.groupby("family")["n"].sum().eq(9).all()
    assert table.loc[table["clinician_id"] == FEW, "n"].max() == 4


def test_a_maintenance_visit_has_no_number():
    rows = (
        "a | 0 | 6 | massage | \na | 5 | 5 | massage | \na | 40 | 1 | massage | maintenance\na | 44 | 2 | exercise | "
    )
    use = describe_modality_use(build("patient_id | visit_day | pain_pre | modalities | visit_purpose\n" + rows))
    assert use.by_visit.groupby("visit")["n"].first().to_dict() == {
        **{str(i): int(i <= 3) for i in range(1, 8)}, "8+": 0,
    }  # fmt: skip
    assert use.by_visit.drop_duplicates("visit")["n"].sum() == 3
    assert dict(use.ledger.steps[-1].set_aside) == {"maintenance visit": 1}


def test_missing_columns_give_fewer_tables_and_a_note():
    use = describe_modality_use(build("patient_id | visit_day | pain_pre | modalities\na | 0 | 6 | massage"))
    assert use.by_clinic is None and use.by_clinician is None
    said = " ".join(use.notes)
    assert "no clinicians" in said and "no clinics" in said and "no muscles" in said
    assert use.pathway["path"].tolist() == ["relax"]
    assert len(use.co_use) == 0


def test_refusals_are_named():
    with pytest.raises(NotEstimable, match="no treatment column"):
        describe_modality_use(episodes_of(["0:6 7:3"]))
    with pytest.raises(NotEstimable, match="no visit has a treatment"):
        describe_modality_use(build("patient_id | visit_day | pain_pre | modalities\na | 0 | 6 | zzz"))
    with pytest.raises(InputRefused, match="episodes"):
        describe_modality_use("episodes")


def test_order_of_rows_and_pseudonyms_change_nothing(use):
    head, *rows = TEXT.strip().splitlines()
    again = describe_modality_use(build("\n".join([head, *reversed(rows)]).replace("a   ", "z   ")))
    for name in ("table", "families", "by_visit", "by_clinic", "co_use", "bundles", "pathway", "stages", "stage_order"):
        assert getattr(again, name).equals(getattr(use, name)), name


def test_many_families_leave_the_rarest_together():
    rng = np.random.default_rng(5)
    has = {f"f{i:02}": rng.random(400) < 0.5 / (i + 1) for i in range(14)}
    visits = TreatmentVisits(np.arange(400), np.arange(400), has, {}, 10, 0.95)
    pooled, labels = modality_bundles.pool_rare(visits)
    assert len(pooled) == modality_bundles.MOST_FAMILIES and modality_bundles.RARE in labels
    rest = [flags for name, flags in has.items() if name not in pooled]
    assert (pooled[modality_bundles.RARE] == np.logical_or.reduce(rest)).all()


numbers = st.lists(st.sampled_from([1, 2, 3, 7, care_pathway.NEVER]), min_size=4, max_size=4)


@given(st.lists(numbers, min_size=1, max_size=6))
def test_ranks_are_the_order_of_the_visits(first):
    ranks = care_pathway._rank(np.array(first, dtype=np.int64))
    for row, rank in zip(first, ranks.tolist(), strict=True):
        steps = sorted({v for v in row if v < care_pathway.NEVER})
        assert rank == [steps.index(v) if v < care_pathway.NEVER else -1 for v in row]


def test_quarters_of_few_visits_are_left_out_at_the_start_and_named_later():
    """One visit in 2024Q1, three in Q2, one in Q3 and three in Q4; three are asked for."""
    dates = [
        "2024-01-10",
        "2024-04-10",
        "2024-04-11",
        "2024-04-12",
        "2024-07-10",
        "2024-10-10",
        "2024-10-11",
        "2024-10-12",
    ]
    rows = [f"p{i} | {day} | 6 | massage" for i, day in enumerate(dates)]
    text = "\n".join(["patient_id | visit_date | pain_pre | modalities", *rows])
    use = describe_modality_use(build(text, small(reporting_floor={"proportion_min_n": 3})))
    assert "Fewer than 3 treatment visits, no share is given: 2024Q3." in use.notes
    assert early_note(3, "2024Q2") in use.notes
    plain = describe_modality_use(build(text, small(reporting_floor={"proportion_min_n": 1})))
    assert not any("Fewer than" in note or "2024Q2" in note for note in plain.notes)


def test_without_an_episode_no_visit_has_a_number():
    """A patient who only came for maintenance has visits and no episode."""
    text = "patient_id | visit_day | pain_pre | modalities | visit_purpose\na | 0 | | massage | maintenance"
    episodes = build(text + "\na | 9 | | massage | maintenance")
    assert episodes.n == 0 and visit_numbers(episodes).tolist() == [0, 0]
