"""Treating the muscle found: small written courses whose shares can be counted, and what must not move the answer."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from courses import small
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions.concordance import CONCORDANCE_LEVELS
from outcomes.errors import NotEstimable
from outcomes.questions import concordant_treatment, contrast_checks
from outcomes.questions.concordance_classes import (
    EXAMPLE,
    LENIENT,
    MISMATCH,
    SINGLE,
    STRICT,
    concordant_arms,
    mismatch_arms,
    read_classes,
)
from outcomes.questions.concordance_protocol import describe_concordance_trial
from outcomes.questions.concordance_tables import tabulate_misclassification, tabulate_recording
from outcomes.questions.concordant_treatment import compare_concordance
from outcomes.questions.contrast_lines import ADJUSTED, DESCRIPTIVE, LINE_COLUMNS, NOT_ESTIMABLE, SIGNAL
from outcomes.questions.missing_covariates import check_missing_covariates
from outcomes.questions.modality_families import compare_arms, compare_families, head_line
from outcomes.questions.modality_subgroups import compare_subgroups
from outcomes.questions.multiverse_families import decide_families
from outcomes.questions.results import NOT_RECORDED
from tables import records

LOW = small(
    reporting_floor={"compare_min_episodes": 2, "compare_min_events": 1, "compare_min_effective_n": 2},
)
FAST, SLOW = "7:6 14:6 21:3 35:3 50:3", "7:6 14:6 21:6 35:6 50:6"
ES, QL, HAM, BACK = "erector spinae", "quadratus lumborum", "hamstrings", "back muscles"

# Course after a first rating of 6, found, treated, what was done. All are rated on the same days, so that shares are
# counts, and the muscle found is of one group, so that the arms are alike in it.
ROWS = [
    *[(FAST, ES, ES, "massage")] * 2,  # exact
    *[(FAST, "longissimus", "iliocostalis", "massage")] * 2,  # group
    *[(SLOW, ES, ES, "massage")] * 2,
    *[(FAST, ES, QL, "massage")] * 1,  # adjacent
    *[(FAST, ES, HAM, "massage;stretching")] * 1,  # none, the clinic's example
    *[(SLOW, ES, HAM, "massage")] * 2,  # none, a known mismatch
    *[(SLOW, ES, "psoas", "massage")] * 2,  # same region
    *[(FAST, BACK, QL, "massage")] * 2,  # unspecific
    *[(FAST, "", QL, "massage")] * 2,  # unknown
    *[(FAST, QL, "", "massage")] * 1,
]


def write(rows, name="p{:03}", clinician=None, unit="clinician_id"):
    lines = ["patient_id | visit_day | pain_pre | modalities | muscles_identified | muscles_treated"]
    if clinician is not None:
        lines[0] += f" | {unit}"
    for i, (course, found, treated, done) in enumerate(rows):
        more = "" if clinician is None else f" | {clinician[i]}"
        lines.append(f"{name.format(i)} | 0 | 6 | {done} | {found} | {treated}{more}")
        for point in course.split():
            day, pain = point.split(":")
            lines.append(f"{name.format(i)} | {day} | {pain} |  |  | {more}")
    return "\n".join(lines)


def episodes_of(rows, protocol=LOW, **written):
    return build_episodes(build_visits(records(write(rows, **written)), protocol))


@pytest.fixture(scope="module")
def found():
    return compare_concordance(episodes_of(ROWS))


def line(comparison, analysis, contrast="concordant", scale="difference"):
    table = comparison.table
    row = table[(table["analysis"] == analysis) & (table["contrast"] == contrast) & (table["scale"] == scale)]
    assert len(row) == 1, (analysis, contrast)
    return row.iloc[0]


def test_shares_of_a_written_table(found):
    main = line(found, "adjusted")
    # 4 of 6 with the muscle found, 2 of 6 with another; 5 vague or unrecorded ones are in neither arm.
    assert (main["n_with"], main["events_with"], main["n_without"], main["events_without"]) == (6, 4, 6, 2)
    assert main["with_value"] == pytest.approx(4 / 6)
    assert main["without_value"] == pytest.approx(2 / 6)
    assert main["estimate"] == pytest.approx(1 / 3)
    assert main["q_value"] == main["p_value"]
    assert found.table["q_value"].notna().sum() == 1
    beside = found.table[~found.table["analysis"].isin(["adjusted", "unadjusted"])]
    assert {"strict", "lenient", SINGLE, MISMATCH, "first_episode"} <= set(
        beside.loc[beside["tag"] == ADJUSTED, "analysis"]
    )
    assert beside["p_value"].isna().all()
    assert tuple(found.table.columns) == (*LINE_COLUMNS, "q_value")
    assert set(found.table["tag"]) <= {ADJUSTED, DESCRIPTIVE, SIGNAL, NOT_ESTIMABLE}


def test_strict_and_lenient_cut_the_same_episodes_elsewhere(found):
    # exact: 2 of 4; the others 4 of 8
    strict = line(found, "strict")
    assert (strict["n_with"], strict["n_without"]) == (4, 8)
    assert strict["estimate"] == pytest.approx(2 / 4 - 4 / 8)
    # with the neighbour 5 of 7; the others 1 of 5
    lenient = line(found, "lenient")
    assert (lenient["n_with"], lenient["n_without"]) == (7, 5)
    assert lenient["estimate"] == pytest.approx(5 / 7 - 1 / 5)


def test_unknown_merged_with_discordant_is_another_answer(found):
    """The mistake: those who wrote nothing down, all relieved here, would turn the difference around."""
    episodes = episodes_of(ROWS)
    rows = build_treatment_rows(episodes)
    classes = read_classes(episodes, rows)
    merged = dataclasses.replace(concordant_arms(rows, classes), rows=rows, treated=classes.level >= 5, facts=())
    assert CONCORDANCE_LEVELS[5] == "umbrella"
    wrong = compare_arms(episodes, merged)[1][0]
    assert (wrong.n_with, wrong.n_without) == (6, 11)
    assert wrong.estimate == pytest.approx(4 / 6 - 7 / 11)
    assert line(found, "adjusted")["estimate"] - wrong.estimate > 0.3


def test_a_known_mismatch_and_the_example_of_the_clinic(found):
    mismatch = line(found, MISMATCH, MISMATCH)
    assert (mismatch["n_with"], mismatch["n_without"], mismatch["events_without"]) == (6, 3, 1)
    assert mismatch["estimate"] == pytest.approx(4 / 6 - 1 / 3)
    example = line(found, EXAMPLE, EXAMPLE)
    assert (example["n_with"], example["n_without"], example["events_without"]) == (6, 1, 1)
    assert example["tag"] == NOT_ESTIMABLE
    assert np.isnan(example["estimate"])
    words = "treatment of the hamstrings, with stretching, while the erectors were in spasm"
    assert example["reason"] == f"too few episodes that began with {words} to compare"


def test_classes_are_counted_apart(found):
    classes = found.more["classes"].set_index("class")
    numbers = {
        "exact": (4, 2),
        "group": (2, 2),
        "umbrella": (0, 0),
        "adjacent": (1, 1),
        "same_region": (2, 0),
        "none": (3, 1),
        "unspecific": (2, 2),
        "unknown": (3, 3),
        MISMATCH: (3, 1),
        EXAMPLE: (1, 1),
    }
    assert dict(zip(classes.index, zip(classes["n"], classes["events"], strict=True), strict=True)) == numbers
    assert classes["n"].iloc[:8].sum() == len(ROWS) == found.summary["n"]
    # One episode is below the floor of two; where all are relieved by day 21 nobody has to be seen on day 28.
    shares = classes["events"] / classes["n"]
    shown = classes["n"] >= 2
    assert shown.sum() == 7
    pd.testing.assert_series_equal(classes["estimate"], shares.where(shown), check_names=False)
    assert classes.loc["exact", "conf_low"] < 0.5 < classes.loc["exact", "conf_high"]
    summary = {name: found.summary[f"n_{name}"] for name in ("concordant", "discordant", "unspecific", "unknown")}
    assert summary == {"concordant": 6, "discordant": 6, "unspecific": 2, "unknown": 3}


def test_the_ledger_says_who_is_in_neither_arm(found):
    step, last = found.ledger.steps[-2:]
    assert (step.rows_in, step.kept) == (17, 12)
    assert sorted(step.set_aside.values()) == [2, 3]
    assert (last.rows_in, last.kept) == (12, 12)


def test_muscles_found_count_at_the_first_visit_and_treated_at_the_first_treatment():
    """Time zero may be a later visit; what is found at it, or later, answers to how the patient is doing."""
    text = """
        patient_id | visit_day | pain_pre | modalities  | muscles_identified | muscles_treated
        a          | 0         | 6        | evaluation  | QL                 | hamstrings
        a          | 3         | 6        | massage     | ES                 | QL
        a          | 9         | 3        | massage     | ES                 | ES
        b          | 0         | 6        | evaluation  | QL                 |
        b          | 3         | 6        | massage     | ES                 | ES
        c          | 0         | 6        | evaluation  |                    |
        c          | 3         | 6        | massage     | QL                 | QL
    """
    episodes = build_episodes(build_visits(records(text), LOW))
    rows = build_treatment_rows(episodes)
    levels = [CONCORDANCE_LEVELS[level] for level in read_classes(episodes, rows).level]
    assert levels == ["exact", "adjacent", "unknown"]
    changed = compare_concordance(episodes, beside=False).more["changed"].iloc[0]
    # Found at first in a and b, again and otherwise in both; c had none at first.
    assert (changed["n"], changed["n_again"], changed["n_changed"], changed["share"]) == (2, 2, 2, 1.0)


def test_muscles_named_again_alike_have_not_changed():
    text = """
        patient_id | visit_day | pain_pre | modalities | muscles_identified | muscles_treated
        a          | 0         | 6        | massage    | QL:L               | QL:L
        a          | 3         | 6        | massage    | QL                 | QL
        b          | 0         | 6        | massage    | QL                 | QL
        b          | 3         | 6        | massage    |                    | QL
        c          | 0         | 6        | massage    | QL                 | QL
        c          | 3         | 6        | massage    | QL;ES              | QL
    """
    changed = (
        compare_concordance(build_episodes(build_visits(records(text), LOW)), beside=False).more["changed"].iloc[0]
    )
    assert (changed["n"], changed["n_again"], changed["n_changed"], changed["share"]) == (3, 2, 1, 0.5)


def test_corrected_for_errors_by_hand(found):
    table = found.more["misclassification"].set_index(["reading", "right"])
    main = line(found, "adjusted")
    for right in (0.7, 0.8, 0.9):
        row = table.loc[("of_the_arms", right)]
        assert row["estimate"] == pytest.approx((1 / 3) / (2 * right - 1))
        assert row["conf_low"] == pytest.approx(max(main["conf_low"] / (2 * right - 1), -1.0))
        assert row["conf_high"] == pytest.approx(min(main["conf_high"] / (2 * right - 1), 1.0))
    assert len(table) == 3
    assert "as weighted" in table["label"].iloc[0]


def corrected(recorded):
    """What the table makes of a difference, were eight of ten of either arm in the right one."""
    limits = {"difference_low": np.array([recorded]), "difference_high": np.array([recorded])}
    shown = SimpleNamespace(difference=np.array([recorded]), **limits)
    table = tabulate_misclassification(SimpleNamespace(shown=shown, reason="")).set_index("right")
    return table.loc[0.8]


def test_the_difference_between_true_arms_comes_back_from_recorded_ones():
    """Of those truly concordant 0.7 are relieved, of the others 0.5; of 50 in each recorded arm 40 are right."""
    recorded = (40 * 0.7 + 10 * 0.5) / 50 - (10 * 0.7 + 40 * 0.5) / 50
    assert corrected(recorded)["estimate"] == pytest.approx(0.2)
    impossible = corrected(0.7)
    assert np.isnan(impossible["estimate"])
    assert "could not be this large" in impossible["reason"]


def test_a_difference_without_limits_is_corrected_without_limits():
    """Where everybody of both arms was relieved no draw differs: a difference of 0 that has no interval."""
    nothing = np.array([np.nan])
    shown = SimpleNamespace(difference=np.array([0.0]), difference_low=nothing, difference_high=nothing)
    table = tabulate_misclassification(SimpleNamespace(shown=shown, reason=""))
    assert table["estimate"].tolist() == [0.0] * 3
    assert table[["conf_low", "conf_high"]].isna().all(axis=None) and not table["reason"].any()


def test_sensitivity_and_specificity_are_another_thing_than_the_share_of_an_arm_that_is_right():
    """Of 100, 60 are truly concordant; 0.8 of either kind are recorded so: 48 + 8 as concordant, 12 + 32 as not."""
    recorded = (48 * 0.7 + 8 * 0.5) / 56 - (12 * 0.7 + 32 * 0.5) / 44
    assert recorded / (48 / 56 + 32 / 44 - 1) == pytest.approx(0.2)
    assert corrected(recorded)["estimate"] == pytest.approx(0.2 * (48 / 56 + 32 / 44 - 1) / 0.6)


THREE, OTHER_THREE = f"{ES};{QL};psoas", f"{QL};psoas;piriformis"
NUMBERS = {
    # One muscle found; what is treated when it is met, and when another is, with one and with three.
    "treated": [(ES, ES), (ES, QL), (ES, THREE), (ES, OTHER_THREE)],
    "found": [(ES, ES), (ES, HAM), (THREE, ES), (THREE, HAM)],
}


@pytest.mark.parametrize("what", ["treated", "found"])
def test_the_number_of_muscles_is_no_finding_about_the_muscle_met(what):
    """With three muscles more are relieved, 8 of 10 instead of 4, whether or not one of them is the same."""
    rows = []
    for (one, other), n, relieved in zip(NUMBERS[what], (20, 80, 80, 20), (8, 32, 64, 16), strict=True):
        rows += [(FAST, one, other, "massage")] * relieved + [(SLOW, one, other, "massage")] * (n - relieved)
    episodes = episodes_of(rows)
    found = compare_concordance(episodes)
    assert line(found, "unadjusted")["estimate"] == pytest.approx(72 / 100 - 48 / 100)
    assert line(found, "adjusted")["estimate"] == pytest.approx(0.0, abs=1e-9)
    alone = line(found, "single")
    assert (alone["n_with"], alone["n_without"]) == (20, 80)
    assert alone["estimate"] == pytest.approx(8 / 20 - 32 / 80, abs=1e-9)
    assert f"Number of muscles {what}" in set(found.balance["label"])
    # It is the number that is held alike, not the group that goes with it; left loose, it passes for the muscle met.
    rows_at = build_treatment_rows(episodes)
    held = dataclasses.replace(concordant_arms(rows_at, read_classes(episodes, rows_at)), facts=())
    loose = dataclasses.replace(held, extra=())
    estimates = [compare_arms(episodes, arms)[1][0].estimate for arms in (held, loose)]
    assert estimates == pytest.approx([0.0, 0.24], abs=1e-9)


def test_a_number_that_one_arm_hardly_has_is_set_aside_and_counted():
    """Of three muscles treated one nearly always is the one found: nobody stands beside those 40."""
    parts = [(ES, ES, 30, 12), (ES, QL, 30, 12), (ES, THREE, 40, 32), (ES, OTHER_THREE, 4, 4)]
    rows = []
    for one, other, n, relieved in parts:
        rows += [(FAST, one, other, "massage")] * relieved + [(SLOW, one, other, "massage")] * (n - relieved)
    episodes = episodes_of(rows)
    found = compare_concordance(episodes)
    main = line(found, "adjusted")
    assert (main["n_with"], main["n_without"]) == (30, 30)
    assert main["estimate"] == pytest.approx(0.0, abs=1e-9)
    assert (found.summary["n_concordant"], found.summary["n_discordant"]) == (70, 34)
    last = found.ledger.steps[-1]
    assert (last.rows_in, last.kept) == (104, 60)
    told = found.diagnostics.set_index("contrast").loc["concordant"]
    assert told["set_aside_few"] == 44
    # Other definitions of relief are read for the same episodes.
    assert (line(found, "relief_any")["n_with"], line(found, "relief_any")["events_with"]) == (30, 12)


def test_where_no_number_is_shared_the_gate_gives_the_reason():
    rows = [(FAST, ES, ES, "massage")] * 20 + [(SLOW, ES, OTHER_THREE, "massage")] * 20
    found = compare_concordance(episodes_of(rows))
    main = line(found, "adjusted")
    assert (main["n_with"], main["n_without"]) == (20, 20)
    assert main["tag"] == NOT_ESTIMABLE
    assert main["reason"]


def test_muscles_are_counted_by_name_and_vague_ones_are_not():
    rows = [
        (FAST, "QL:L;QL:R", "QL:B", "massage"),
        (FAST, f"{ES};{QL};{HAM};psoas", f"{QL};{BACK}", "massage"),
        (FAST, "", f"{QL};{HAM}", "massage"),
    ]
    episodes = episodes_of(rows)
    rows_at = build_treatment_rows(episodes)
    classes = read_classes(episodes, rows_at)
    assert classes.n_found.tolist() == [1, 4, 0]
    assert classes.n_treated.tolist() == [1, 1, 2]
    assert classes.single.tolist() == [True, False, False]
    (numbers,) = concordant_arms(rows_at, classes).extra
    assert (numbers.name, numbers.levels, numbers.codes.tolist()) == ("muscles_found", ("1", "3 or more"), [0, 1])


def test_rows_in_another_order_and_other_names_change_nothing(found):
    order = np.random.default_rng(3).permutation(len(ROWS))
    again = compare_concordance(episodes_of([ROWS[i] for i in order], name="other{:02}"))
    pd.testing.assert_frame_equal(found.table, again.table)
    for name in ("classes", "misclassification", "changed"):
        pd.testing.assert_frame_equal(found.more[name], again.more[name])


def test_vague_and_unrecorded_episodes_move_no_line(found):
    known = [row for row in ROWS if BACK not in row and "" not in row]
    assert len(known) == 12
    without = compare_concordance(episodes_of(known))
    pd.testing.assert_frame_equal(found.table, without.table)


def test_within_clinicians_and_without_them():
    """The one of two clinicians who treats what is found has patients who do better: within either, no difference."""
    rows, who = [], []
    for name, counts in {"P1": (40, 10, 20, 5), "P2": (4, 16, 8, 32)}.items():
        # relieved and not, with the muscle found; relieved and not, with another
        parts = ((FAST, ES, ES), (SLOW, ES, ES), (FAST, ES, QL), (SLOW, ES, QL))
        for (course, one, other), n in zip(parts, counts, strict=True):
            rows += [(course, one, other, "massage")] * n
            who += [name] * n
    found = compare_concordance(episodes_of(rows, clinician=who))
    # P1: 40 of 50 and 20 of 25; P2: 4 of 20 and 8 of 40
    assert line(found, "adjusted")["estimate"] == pytest.approx(0.0, abs=1e-9)
    assert line(found, "unadjusted")["estimate"] == pytest.approx(44 / 70 - 28 / 65)
    assert line(found, "without_clinician")["estimate"] == pytest.approx(44 / 70 - 28 / 65)
    assert found.units[["unit", "n_with", "n_without"]].to_numpy().tolist()[:2] == [["P1", 50, 25], ["P2", 20, 40]]
    assert "within clinicians" in found.settings["primary"]
    recording = found.more["recording"]
    assert recording.to_numpy().tolist() == [["P1", 75, 75, 1.0], ["P2", 60, 60, 1.0]]


def test_from_enough_clinics_on_an_interval_takes_them_as_drawn(monkeypatch):
    rows, where = [], []
    for name, counts in {"A": (40, 10, 20, 10), "B": (20, 16, 12, 32), "C": (30, 20, 25, 10)}.items():
        parts = ((FAST, ES, ES), (SLOW, ES, ES), (FAST, ES, QL), (SLOW, ES, QL))
        for (course, one, other), n in zip(parts, counts, strict=True):
            rows += [(course, one, other, "massage")] * n
            where += [name] * n
    episodes = episodes_of(rows, clinician=where, unit="clinic_id")
    few = compare_concordance(episodes)
    assert "clinics_drawn" not in set(few.table["analysis"])
    assert [note for note in few.notes if "these 3 clinics as they are" in note]
    monkeypatch.setattr(contrast_checks, "LEAST_CLINICS", 3)
    found = compare_concordance(episodes)
    main, drawn = line(found, "adjusted"), line(found, "clinics_drawn")
    # An overlap weight is the share of the other arm in the clinic, so that a clinic counts by the product of its arms
    # over its size.
    differences = {"A": 40 / 50 - 20 / 30, "B": 20 / 36 - 12 / 44, "C": 30 / 50 - 25 / 35}
    counts = {"A": 50 * 30 / 80, "B": 36 * 44 / 80, "C": 50 * 35 / 85}

    def mean(names):
        return sum(counts[name] * differences[name] for name in names) / sum(counts[name] for name in names)

    assert main["estimate"] == drawn["estimate"] == pytest.approx(mean("ABC"), abs=1e-8)
    turned = [math.atanh(mean(names)) for names in ("BC", "AC", "AB")]
    center = sum(turned) / 3
    half = 4.302652729911275 * math.sqrt(2 / 3 * sum((z - center) ** 2 for z in turned))  # t, 2 degrees of freedom
    limits = [math.tanh(math.atanh(mean("ABC")) + sign * half) for sign in (-1, 1)]
    assert drawn[["conf_low", "conf_high"]].tolist() == pytest.approx(limits, abs=1e-7)
    assert np.isnan(drawn["p_value"]) and drawn["tag"] == ADJUSTED
    assert [note for note in found.notes if "takes the 3 clinics as drawn" in note]


def test_recording_by_clinician():
    rows = [(FAST, ES, ES, "massage"), (SLOW, ES, QL, "massage"), (FAST, "", ES, "massage"), (FAST, ES, "", "massage")]
    rows += [(SLOW, BACK, ES, "massage")]
    found = compare_concordance(episodes_of(rows, clinician=["P2", "P1", "P1", "", "P2"]), beside=False)
    assert found.more["recording"].to_numpy().tolist() == [
        ["P1", 2, 1, 0.5],
        ["P2", 2, 2, 1.0],
        ["not recorded", 1, 0, 0.0],
    ]


def test_too_few_is_a_sentence_and_no_number():
    episodes = episodes_of(ROWS, protocol=small(reporting_floor={"compare_min_events": 1}))
    found = compare_concordance(episodes)
    assert found.table["estimate"].isna().all()
    assert set(found.table["tag"]) == {NOT_ESTIMABLE}
    assert set(found.table["analysis"]) == {"adjusted", "strict", "lenient", SINGLE, MISMATCH, EXAMPLE}
    assert line(found, "adjusted")["reason"] == "too few episodes that began with another muscle to compare"
    assert found.more["misclassification"]["estimate"].isna().all()
    assert (found.more["misclassification"]["reason"] != "").all()
    assert not found.summary["is_shown"]
    assert found.summary["n_concordant"] == 6
    assert found.more["classes"]["n"].sum() == len(ROWS) + 4


@pytest.mark.parametrize(
    ("dropped", "said"),
    [("muscles_identified", "no muscles found in spasm"), ("muscles_treated", "no muscles treated")],
)
def test_a_missing_field_is_a_sentence(dropped, said):
    text = write(ROWS)
    head, *lines = text.splitlines()
    at = head.split(" | ").index(dropped)
    cut = [" | ".join(c for i, c in enumerate(line.split("|")) if i != at) for line in [head, *lines]]
    episodes = build_episodes(build_visits(records("\n".join(cut)), LOW))
    with pytest.raises(NotEstimable, match=f"{said}. Map the column"):
        compare_concordance(episodes)


def test_fields_that_never_meet_are_a_sentence():
    rows = [(FAST, ES, "", "massage"), (FAST, "", ES, "massage"), (SLOW, BACK, ES, "massage")]
    with pytest.raises(NotEstimable, match="no episode has both"):
        compare_concordance(episodes_of(rows))


def test_no_treatments_are_a_sentence():
    episodes = build_episodes(build_visits(records("patient_id | visit_day | pain_pre\np | 0 | 6\np | 9 | 3"), LOW))
    with pytest.raises(NotEstimable, match="no treatment column"):
        compare_concordance(episodes)


def test_arms_hold_no_vague_or_unrecorded_episode():
    episodes = episodes_of(ROWS)
    rows = build_treatment_rows(episodes)
    classes = read_classes(episodes, rows)
    vague = rows.episode[~classes.known]
    arms = [concordant_arms(rows, classes, least) for least in (STRICT, LENIENT)]
    arms += [concordant_arms(rows, classes), *(mismatch_arms(rows, classes, name) for name in (MISMATCH, EXAMPLE))]
    for each in arms:
        assert not np.isin(each.rows.episode, vague).any()
        assert each.facts == ("muscle_group",)
        assert each.leave_out == ()


def test_the_trial_table_and_the_notes_say_what_they_must(found):
    trial = describe_concordance_trial(episodes_of(ROWS)).set_index("part")
    assert list(trial.columns) == ["ideal", "emulated"]
    assert "nothing published says what treating another muscle does" in trial.loc["Strategies", "emulated"]
    assert "neither arm" in trial.loc["Eligibility", "emulated"]
    notes = " ".join(found.notes)
    assert "Examiners agree only moderately on such findings, so both groups contain errors" in notes
    assert "Nothing published says what treating another muscle" in notes
    assert "never called discordant" in notes
    assert "alike in both numbers (1, 2, 3 or more)" in notes
    assert "how many muscles were found and how many treated" in trial.loc["Assignment", "emulated"]
    assert len(found.checklist)


def test_no_rating_at_the_first_treatment_is_a_sentence():
    text = "patient_id | visit_day | pain_pre | modalities | muscles_identified | muscles_treated"
    episodes = build_episodes(build_visits(records(f"{text}\np | 0 | | massage | {ES} | {ES}\np | 9 | 3 | | |"), LOW))
    with pytest.raises(NotEstimable, match="no episode has a rating at its first treatment"):
        compare_concordance(episodes)
    for ask in (compare_families, compare_subgroups, check_missing_covariates):
        with pytest.raises(NotEstimable, match="no episode has a rating at its first treatment"):
            ask(episodes)
    notes = []
    assert decide_families(episodes, notes) is None
    assert notes == ["Treatments cannot be compared: no episode has a rating at its first treatment."]


def test_who_wrote_muscles_down_is_counted_by_clinic_where_no_clinician_is_named():
    """Of the last nine episodes three lack a muscle; the two that only say "back muscles" count as written down."""
    text = write(ROWS, clinician=["North"] * 8 + [""] * 9).replace("clinician_id", "clinic_id")
    episodes = build_episodes(build_visits(records(text), LOW))
    rows = build_treatment_rows(episodes)
    table = tabulate_recording(episodes, rows, read_classes(episodes, rows))
    counted = dict(zip(table.iloc[:, 0], zip(table["n"], table["n_recorded"], strict=True), strict=True))
    assert counted == {"North": (8, 8), NOT_RECORDED: (9, 6)}


def test_without_clinicians_in_the_columns_a_fit_that_fails_is_a_line_with_its_reason(monkeypatch):
    def refuse(*_):
        raise NotEstimable("The arms cannot be compared: nobody is in both.")

    episodes = episodes_of(ROWS * 2, clinician=["a", "b"] * 17)
    rows = build_treatment_rows(episodes)
    contrast = compare_arms(episodes, concordant_arms(rows, read_classes(episodes, rows)))[0]
    assert contrast.shown is not None
    head = head_line(episodes, contrast.arms)
    monkeypatch.setattr(concordant_treatment, "fit_relief", refuse)
    line = concordant_treatment._without_clinician(episodes, contrast, head)
    assert line.tag == NOT_ESTIMABLE and line.analysis == "without_clinician"
    assert line.reason == "the arms cannot be compared: nobody is in both" and np.isnan(line.estimate)
