"""Small numbers in comparisons of treatments: hidden, and not to be worked out from what is shown."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, milp

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import modality_fakes as fakes

from outcomes.release.disclosure import protect_result
from outcomes.release.marks import HIDDEN
from outcomes.release.modality_disclosure import find_bins

FLOOR = 5
ASIDE = ("set_aside_always", "set_aside_never", "set_aside_few")


def is_mark(value):
    return isinstance(value, str)


# -- one who solves ----------------------------------------------------------------------------------------------------


class Reader:
    """One who knows that counts are whole, reads every number shown, and the marks of those that are not.

    Unknowns are named; `say` gives the value of a sum of them, or what its mark tells.
    """

    def __init__(self):
        self.names, self.rows = {}, []

    def place(self, name):
        return self.names.setdefault(name, len(self.names))

    def say(self, names, value):
        places = [self.place(name) for name in names]
        if value == f"<{FLOOR}":
            self.rows.append((places, 1, FLOOR - 1))
        elif not is_mark(value):
            self.rows.append((places, float(value), float(value)))

    def range_of(self, names):
        weights = np.zeros(len(self.names))
        weights[[self.place(name) for name in names]] = 1.0
        table = np.zeros((len(self.rows), len(self.names)))
        for i, (places, _, _) in enumerate(self.rows):
            table[i, places] = 1.0
        low, high = (np.array([row[j] for row in self.rows], dtype=float) for j in (1, 2))
        ends = []
        for sign in (1.0, -1.0):
            found = milp(
                sign * weights, constraints=LinearConstraint(table, low, high), integrality=np.ones(weights.size)
            )
            if found.status == 3:  # without bound
                return ends[0], np.inf
            assert found.success, found.message
            ends.append(float(np.rint(weights @ found.x)))
        return ends[0], ends[1]


def random_contrast(seed):
    """Units of two arms, and those set aside; sparse and full."""
    rng = np.random.default_rng(seed)
    n_units = int(rng.integers(1, 5))
    units = rng.poisson(rng.gamma(0.9, 14.0, (n_units, 2))) + rng.integers(0, 3, (n_units, 2))
    return units, rng.poisson(rng.choice([1.0, 3.0, 20.0], 3))


def make_contrast(units, aside):
    """A result of one contrast with these units and these set aside; half of each arm relieved."""
    arms = units.sum(axis=0)
    full = fakes.one_family()
    one = "manual_soft_tissue"
    table = full.table[full.table["contrast"] == one].reset_index(drop=True)
    table = table[table["analysis"].isin(["adjusted", "unadjusted"])].reset_index(drop=True)
    for j, arm in enumerate(("with", "without")):
        table[f"n_{arm}"], table[f"events_{arm}"] = int(arms[j]), int(arms[j] // 2)
    diagnostics = full.diagnostics[full.diagnostics["contrast"] == one].assign(
        n_with=int(arms[0]), n_without=int(arms[1]), **{name: int(n) for name, n in zip(ASIDE, aside, strict=True)}
    )
    label = table["label"].iloc[0]
    named = [(one, label, f"K{i}", int(a), int(b)) for i, (a, b) in enumerate(units)]
    bins = np.linspace(0, 1, 5)
    overlap = [
        (one, label, arm, low, high, int(n))
        for j, arm in enumerate(("with", "without"))
        for low, high, n in zip(bins[:-1], bins[1:], split(arms[j], 4, seed=j), strict=True)
    ]
    gate = full.gate[full.gate["contrast"] == one].copy()
    inside = [max(int(n) - 2, 0) for n in arms]
    for check, values in {"episodes": arms, "events": arms // 2, "support": inside}.items():
        gate.loc[gate["check"] == check, ["with_value", "without_value"]] = [float(v) for v in values]
    return dataclasses.replace(
        full,
        table=table,
        diagnostics=diagnostics,
        units=pd.DataFrame(named, columns=list(full.units.columns)),
        overlap=pd.DataFrame(overlap, columns=list(full.overlap.columns)),
        gate=gate,
        balance=full.balance[full.balance["contrast"] == one],
        summary=full.summary | {"n": int(arms.sum() + aside.sum())},
    )


def split(n, parts, seed):
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, n + 1, parts - 1))
    return np.diff([0, *cuts, n])


def read(found, whole):
    """Tell a reader everything that is published of one contrast."""
    reader = Reader()
    units = found.units.to_dict("records")
    cells = [[f"{row['unit']} {arm}" for arm in ("with", "without")] for row in units]
    arms = {arm: [names[j] for names in cells] for j, arm in enumerate(("with", "without"))}
    aside = list(ASIDE)
    for names in cells:
        for name in names:
            reader.place(name)
    reader.say([*arms["with"], *arms["without"], *aside], whole)
    row = found.diagnostics.iloc[0]
    for arm in ("with", "without"):
        reader.say(arms[arm], row[f"n_{arm}"])
        for line in found.table.to_dict("records"):
            reader.say(arms[arm], line[f"n_{arm}"])
        gate = found.gate[found.gate["check"] == "episodes"].iloc[0]
        reader.say(arms[arm], gate[f"{arm}_value"])
        bins = found.overlap[found.overlap["arm"] == arm]["n"].tolist()
        if not any(is_mark(n) for n in bins):
            reader.say(arms[arm], float(sum(bins)))
    for name in ASIDE:
        reader.say([name], row[name])
    for names, line in zip(cells, units, strict=True):
        for j, arm in enumerate(("with", "without")):
            if row[f"n_{arm}"] != f"<{FLOOR}":  # of a small arm all units bear its mark, which says nothing
                reader.say([names[j]], line[f"n_{arm}"])
    return reader, arms, cells


@pytest.mark.parametrize("seed", range(24))
def test_no_small_size_can_be_worked_out_from_what_is_shown(seed):
    units, aside = random_contrast(seed)
    result = make_contrast(units, aside)
    found = protect_result(result, FLOOR)
    reader, arms, cells = read(found, result.summary["n"])
    sums = [(arms["with"], units[:, 0].sum()), (arms["without"], units[:, 1].sum())]
    sums += [([name], n) for name, n in zip(ASIDE, aside, strict=True)]
    told = [j for j, arm in enumerate(("with", "without")) if found.diagnostics[f"n_{arm}"].iloc[0] != f"<{FLOOR}"]
    sums += [([cells[i][j]], units[i, j]) for i in range(len(units)) for j in told]
    for names, value in sums:
        if 0 < value < FLOOR:
            low, high = reader.range_of(names)
            assert low <= 1 and high >= FLOOR - 1, (names, value, low, high)


def test_hiding_the_small_size_alone_would_not_do():
    units, aside = np.array([[40, 60], [30, 50]]), np.array([3, 0, 20])
    result = make_contrast(units, aside)
    diagnostics = result.diagnostics.astype({ASIDE[0]: object}).assign(**{ASIDE[0]: HIDDEN})
    naive, _, _ = read(dataclasses.replace(result, diagnostics=diagnostics), result.summary["n"])
    assert naive.range_of([ASIDE[0]]) == (3.0, 3.0)
    found = protect_result(result, FLOOR)
    # With another hidden beside it, which of both is small is not told.
    assert found.diagnostics[ASIDE[0]].tolist() == [HIDDEN]
    assert found.diagnostics[[*ASIDE, "n_with", "n_without"]].map(is_mark).to_numpy().sum() == 2
    # What is estimated is no count, and both arms are large.
    assert not found.table["estimate"].map(is_mark).any()


def test_a_contrast_without_small_numbers_is_left_as_it_is():
    units, aside = np.array([[40, 60], [30, 50]]), np.array([0, 0, 20])
    result = make_contrast(units, aside)
    overlap = result.overlap.assign(n=[20, 20, 20, 10, 40, 30, 20, 20])
    gate = result.gate.copy()
    gate.loc[gate["check"] == "support", ["with_value", "without_value"]] = [70.0, 110.0]
    result = dataclasses.replace(result, overlap=overlap, gate=gate)
    found = protect_result(result, FLOOR)
    for name in ("table", "diagnostics", "units", "gate"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(result, name))
    assert found.overlap["n"].tolist() == overlap["n"].tolist()


# -- the lines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "hidden", "shown"),
    [
        ("n_with", 3, ("n_without", "events_without", "estimate", "with_value", "p_value", "conf_low"), ()),
        ("events_with", 2, ("events_without", "estimate", "with_value", "without_value"), ("n_with", "n_without")),
        ("events_without", 897, ("events_with", "estimate", "conf_high"), ("n_with", "n_without")),
    ],
)
def test_a_small_arm_hides_the_other_and_what_follows(column, value, hidden, shown):
    result = fakes.one_family()
    table = result.table.copy()
    own = table["contrast"] == "thermal"
    table.loc[own & table[column].notna(), column] = value
    diagnostics = result.diagnostics.copy()
    if column == "n_with":
        diagnostics.loc[diagnostics["contrast"] == "thermal", "n_with"] = value
        table.loc[own & table["events_with"].notna(), "events_with"] = 1
    found = protect_result(dataclasses.replace(result, table=table, diagnostics=diagnostics), FLOOR)
    main = found.table[(found.table["contrast"] == "thermal") & (found.table["analysis"] == "adjusted")].iloc[0]
    assert all(is_mark(main[name]) for name in hidden)
    assert not any(is_mark(main[name]) for name in shown)
    of_fit = found.diagnostics[found.diagnostics["contrast"] == "thermal"].iloc[0]
    assert of_fit["effective_with"] == of_fit["e_value"] == of_fit["largest_smd"] == HIDDEN
    balance = found.balance.loc[found.balance["contrast"] == "thermal", ["smd_before", "smd_after"]]
    assert (balance == HIDDEN).to_numpy().all()
    assert (found.overlap.loc[found.overlap["contrast"] == "thermal", "n"] == HIDDEN).all()
    events = found.gate[(found.gate["contrast"] == "thermal") & (found.gate["check"] == "events")].iloc[0]
    assert is_mark(events["with_value"]) and is_mark(events["without_value"])
    other = found.table[(found.table["contrast"] == "active") & (found.table["analysis"] == "adjusted")].iloc[0]
    assert not other.map(is_mark)[["estimate", "n_with", "events_with"]].any()


def test_a_line_that_looks_at_a_few_others_hides_its_counts_and_keeps_its_estimate():
    result = fakes.one_family()
    table = result.table.copy()
    row = (table["contrast"] == "thermal") & (table["analysis"] == "relief_any")
    table.loc[row, "events_with"] = int(table.loc[row, "events_with"].iloc[0]) + 2
    found = protect_result(dataclasses.replace(result, table=table), FLOOR).table[row].iloc[0]
    assert found["events_with"] == found["n_with"] == HIDDEN and not is_mark(found["estimate"])


def test_one_clinic_of_few_episodes_hides_the_counts_without_each_clinic():
    result = fakes.one_family()
    table = result.table.copy()
    rows = (table["contrast"] == "thermal") & (table["analysis"] == "without_clinic")
    first = table.index[rows][0]
    table.loc[first, ["n_with", "events_with"]] = [fakes.SIZES[0] - 3, 364]
    found = protect_result(dataclasses.replace(result, table=table), FLOOR).table
    assert found.loc[rows, ["n_with", "events_without"]].map(is_mark).to_numpy().all()
    assert not is_mark(found.loc[(found["contrast"] == "thermal"), "n_with"].iloc[0])


def test_common_support_does_not_tell_how_few_lie_outside():
    result = fakes.one_family()
    gate = result.gate.copy()
    own = (gate["contrast"] == "thermal") & (gate["check"] == "support")
    gate.loc[own, "with_value"] = float(fakes.SIZES[0] - 2)
    found = protect_result(dataclasses.replace(result, gate=gate), FLOOR).gate
    assert found.loc[own, ["with_value", "without_value"]].map(is_mark).to_numpy().all()
    assert not found.loc[found["check"] == "clinicians", "with_value"].map(is_mark).any()


def test_means_of_ratings_are_hidden_with_the_arm_they_are_a_mean_over():
    """A mean of 2.33 ratings is one of three episodes; where the arms are shown, so is the mean."""
    result = fakes.one_family()
    means = {"ratings_with": 2.33, "ratings_without": 3.1, "gap_with_days": 9.67, "gap_without_days": np.nan}
    diagnostics = result.diagnostics.assign(**means)
    own = diagnostics["contrast"] == "thermal"
    diagnostics.loc[own, "n_with"] = 3
    found = protect_result(dataclasses.replace(result, diagnostics=diagnostics), FLOOR).diagnostics
    of_few = found.loc[own].iloc[0]
    assert [of_few[name] for name in list(means)[:3]] == [HIDDEN] * 3
    assert np.isnan(of_few["gap_without_days"])  # there was none to be hidden
    assert found.loc[~own, ["ratings_with", "gap_with_days"]].drop_duplicates().to_numpy().tolist() == [[2.33, 9.67]]


def test_every_unit_of_a_small_arm_bears_its_mark_those_without_episodes_too():
    """With marks of their own, one unit of 3 and one of none would say that the arm is one clinician's."""
    found = protect_result(make_contrast(np.array([[3, 0], [0, 2]]), np.array([40, 50, 60])), FLOOR)
    assert (found.units[["n_with", "n_without"]] == f"<{FLOOR}").to_numpy().all()
    assert found.diagnostics[["n_with", "n_without"]].to_numpy().tolist() == [[f"<{FLOOR}"] * 2]


def test_a_gate_that_did_not_look_at_common_support_tells_nothing_of_it():
    result = fakes.one_family()
    gate = result.gate[result.gate["check"] != "support"].reset_index(drop=True)
    pd.testing.assert_frame_equal(protect_result(dataclasses.replace(result, gate=gate), FLOOR).gate, gate)


@pytest.mark.parametrize("check", ["effective size", "events for all families"])
def test_a_small_number_of_the_gate_is_hidden_though_no_arm_is(check):
    result = fakes.one_family()
    gate = result.gate.copy()
    own = gate.index[(gate["contrast"] == "thermal") & (gate["check"] == "effective size")][0]
    gate.loc[own, ["check", "with_value"]] = [check, FLOOR - 1.0]
    found = protect_result(dataclasses.replace(result, gate=gate), FLOOR).gate
    assert found.loc[own, "with_value"] == HIDDEN
    assert found[["with_value", "without_value"]].map(is_mark).to_numpy().sum() == 1


# -- bins --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_no_bin_is_small_after_merging_and_nothing_is_lost(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.5, 8.0, (2, 20))).astype(float)
    counts[:, 0] += FLOOR  # an arm of fewer is hidden before
    bins = list(find_bins(counts, FLOOR))
    assert bins[0][0] == 0 and bins[-1][1] == 20 and all(a[1] == b[0] for a, b in itertools.pairwise(bins))
    for first, last in bins:
        merged = counts[:, first:last].sum(axis=1)
        assert ((merged == 0) | (merged >= FLOOR)).all()
    assert any(last - first == 1 for first, last in bins) or len(bins) == 1


@pytest.mark.parametrize("counts", [[[1, 1], [9, 9]], [[0, 3], [0, 0]]])
def test_arms_of_few_in_all_are_one_bin(counts):
    assert list(find_bins(np.array(counts, dtype=float), FLOOR)) == [(0, 2)]


def test_bins_at_the_far_end_join_those_before():
    counts = np.array([[9, 8, 7, 2, 0], [9, 9, 0, 1, 0]], dtype=float)
    assert list(find_bins(counts, FLOOR)) == [(0, 1), (1, 2), (2, 5)] or list(find_bins(counts, FLOOR))[-1][1] == 5
    found = protect_result(fakes.one_family(), FLOOR).overlap
    assert found["n"].map(lambda n: n == 0 or n >= FLOOR).all()
    sizes = found.groupby(["contrast", "arm"])["n"].sum().unstack()
    assert (sizes["with"] == fakes.SIZES[0]).all() and (sizes["without"] == fakes.SIZES[1]).all()
    both = found[found["contrast"] == "thermal"].groupby("arm")[["from_propensity", "to_propensity"]].agg(list)
    assert both.loc["with"].tolist() == both.loc["without"].tolist()


# -- classes, recording, levels, pairs ---------------------------------------------------------------------------------


CONCORDANT, DISCORDANT = ("exact", "group", "umbrella"), ("adjacent", "same_region", "none")


def read_classes(found):
    """Tell a reader the classes, the summary and the lines of the cuts."""
    reader = Reader()
    whole = [name for name in fakes.CLASSES if name not in ("known_mismatch", "clinic_example")]
    # A class outside the concordant ones holds known mismatches, of which some are the example.
    parts = {
        name: [f"{name} {part} {seen}" for part in (0, 1, 2) if part == 0 or name not in CONCORDANT for seen in "ab"]
        for name in whole
    }
    inside = [cell for name in whole for cell in parts[name]]
    parts["known_mismatch"] = [cell for cell in inside if cell.split()[1] in "12"]
    parts["clinic_example"] = [cell for cell in inside if cell.split()[1] == "2"]
    for cell in inside:
        reader.place(cell)
    for row in found.more["classes"].to_dict("records"):
        cells = parts[row["class"]]
        reader.say(cells, row["n"])
        if row["n"] == f"<{FLOOR}":
            assert row["events"] == f"<{FLOOR}"  # says nothing, not even that there is one
        else:
            reader.say([cell for cell in cells if cell.endswith("b")], row["events"])
        if not is_mark(row["estimate"]) and row["estimate"] == row["estimate"]:
            assert not is_mark(row["n"]) and not is_mark(row["events"])
    summary = found.summary
    reader.say(inside, summary["n"])
    reader.say([cell for cell in inside if cell.endswith("b")], summary["n_events"])
    sums = {"n_concordant": CONCORDANT, "n_discordant": DISCORDANT, "n_known": (*CONCORDANT, *DISCORDANT)}
    sums |= {f"n_{name}": (name,) for name in ("unspecific", "unknown", "known_mismatch", "clinic_example")}
    for item, names in sums.items():
        reader.say([cell for name in names for cell in parts[name]], summary[item])
    cuts = {"strict": ("exact",), "lenient": (*CONCORDANT, "adjacent")}
    for line in found.table.to_dict("records"):
        if line["analysis"] in cuts:
            reader.say([cell for name in cuts[line["analysis"]] for cell in parts[name]], line["n_with"])
    return reader, parts


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 10))])
def test_no_small_class_can_be_worked_out_from_what_is_shown(seed):
    rng = np.random.default_rng(seed)
    sizes = {name: int(n) for name, n in zip(fakes.CLASSES, rng.poisson(rng.gamma(0.6, 25.0, 10)), strict=True)}
    sizes["exact"] += 40
    sizes["adjacent"] += 30
    outside = sum(sizes[name] for name in (*DISCORDANT, "unspecific", "unknown"))
    sizes["known_mismatch"] = min(sizes["known_mismatch"], outside)
    sizes["clinic_example"] = min(sizes["clinic_example"], sizes["known_mismatch"] // 2)
    result = fakes.identified_muscle(sizes)
    found = protect_result(result, FLOOR)
    reader, parts = read_classes(found)
    for row in result.more["classes"].to_dict("records"):
        cells = parts[row["class"]]
        seen = [cell for cell in cells if cell.endswith("b")]
        rest = [cell for cell in cells if cell not in seen]
        sums = [(cells, row["n"])]
        if row["n"] >= FLOOR:
            sums += [(seen, row["events"]), (rest, row["n"] - row["events"])]
        for names, value in sums:
            if 0 < value < FLOOR:
                low, high = reader.range_of(names)
                assert low <= 1 and high >= FLOOR - 1, (row["class"], value, low, high)


def test_the_band_of_errors_is_hidden_with_the_difference_it_is_a_multiple_of():
    result = fakes.identified_muscle()
    table = result.table.copy()
    table.loc[table["contrast"] == "concordant", "events_with"] = 3
    found = protect_result(dataclasses.replace(result, table=table), FLOOR).more["misclassification"]
    assert (found[["estimate", "conf_low", "conf_high"]] == HIDDEN).to_numpy().all()


def test_a_unit_with_few_recorded_hides_another_and_changed_muscles_go_together():
    result = fakes.identified_muscle()
    recording = result.more["recording"].assign(n_recorded=[3, 380, 361])
    changed = result.more["changed"].assign(n_changed=2)
    found = protect_result(
        dataclasses.replace(result, more=result.more | {"recording": recording, "changed": changed}), FLOOR
    ).more
    assert found["recording"]["n_recorded"].map(is_mark).sum() == 2 == found["recording"]["share"].map(is_mark).sum()
    assert list(found["recording"].columns) == list(recording.columns)
    assert found["changed"][["n_again", "n_changed", "share"]].map(is_mark).to_numpy().all()


def test_a_small_level_takes_another_with_it():
    result = fakes.subgroups()
    table = result.table.copy()
    keys = ["factor", "level", "contrast"]
    levels = table[(table["contrast"] == "thermal") & (table["analysis"] == "level")]
    base = result.diagnostics.iloc[0]
    rows = []
    for i, row in enumerate(levels.to_dict("records")):
        size = {"n_with": 3 if i == 0 else row["n_with"], "n_without": row["n_without"]}
        rows.append(base.to_dict() | {key: row[key] for key in keys} | size | dict.fromkeys(ASIDE, 0))
    first = table.index[(table["contrast"] == "thermal") & (table["analysis"] == "level")][0]
    table.loc[first, ["n_with", "events_with"]] = [3, 1]
    empty = {name: getattr(result, name).iloc[:0] for name in ("units", "overlap", "gate", "balance")}
    changed = dataclasses.replace(result, table=table, diagnostics=pd.DataFrame(rows), **empty)
    found = protect_result(changed, FLOOR)
    own = found.table[(found.table["contrast"] == "thermal") & (found.table["factor"] == "muscle_group")]
    own = own[own["analysis"] == "level"]
    assert own["n_with"].map(is_mark).sum() == 2 and own["n_without"].map(is_mark).sum() == 2
    assert own["estimate"].map(is_mark).sum() == 1
    other = found.table[(found.table["contrast"] == "thermal") & (found.table["factor"] == "chronicity")]
    assert not other["n_with"].map(is_mark).any()


def test_pairs_of_families_are_hidden_whole():
    result = fakes.all_families()
    pairs = result.more["pairs"].copy()
    pairs.loc[0, ["n_both", "n_a_only", "n_b_only", "n_neither"]] = [900, 20, 3, 577]
    found = protect_result(dataclasses.replace(result, more=result.more | {"pairs": pairs}), FLOOR).more["pairs"]
    cells = ["n_both", "n_a_only", "n_b_only", "n_neither", "variance_inflation"]
    assert (found.loc[0, cells] == HIDDEN).all() and not found.loc[1, cells].map(is_mark).any()


def test_the_input_is_not_changed():
    result = fakes.identified_muscle({"none": 3, "unspecific": 2})
    before = {name: table.copy() for name, table in result.more.items()} | {"table": result.table.copy()}
    protect_result(result, FLOOR)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, result.table if name == "table" else result.more[name])
