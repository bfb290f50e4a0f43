"""The definition multiverse: every cell is what a run of its own under that definition gives."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from courses import episodes_of
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import ConfigError, InputRefused, NotEstimable
from outcomes.questions import compare_modalities, estimate_recurrence, estimate_relief, multiverse_families
from outcomes.questions import multiverse as multiverse_module
from outcomes.questions.multiverse import explore_definitions
from outcomes.questions.multiverse_families import _too_few, decide_families, fit_families
from outcomes.questions.multiverse_tables import COLUMNS, tabulate_agreement, tabulate_stability
from outcomes.records import read_records
from outcomes.release.inputs import answer
from outcomes.release.multiverse_figure import multiverse
from outcomes.release.tables import name_tables
from outcomes.simulate import write_simulation

FEW = {"inference": {"bootstrap_draws": 20}}


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multiverse")
    write_simulation(folder / "sim", patients=900, seed=11, clean=True)
    return build_visits(read_records(folder / "sim" / "visits.csv"), Protocol.from_mapping(FEW))


@pytest.fixture(scope="module")
def episodes(visits):
    return build_episodes(visits)


@pytest.fixture(scope="module")
def explored(episodes):
    return explore_definitions(episodes)


def cell(table, **where):
    rows = table[np.logical_and.reduce([table[name] == value for name, value in where.items()])]
    assert len(rows) == 1, where
    return rows.iloc[0]


def test_every_combination_has_its_row(explored):
    table = explored.table
    assert list(table.columns) == list(COLUMNS)
    n_families = len(explored.more["agreement"])
    assert n_families > 2
    # 3 relief rules x 3 ways to cut: one share relieved, 3 landmarks x 2 days of returns, the families.
    assert len(table) == 9 * (1 + 3 * 2 + n_families)
    assert explored.summary["n_specifications"] == 27 and explored.summary["n_contrasts"] == n_families
    keys = ["relief_rule", "landmark_days", "episode_rule", "gap_days", "measure", "contrast", "horizon_days"]
    assert not table.duplicated(keys).any()
    assert table.loc[table["is_reported"], "measure"].value_counts().to_dict() == {
        "difference": n_families,
        "returned": 2,
        "relieved": 1,
    }


def test_the_reported_row_is_what_is_reported(explored, episodes):
    table = explored.table[explored.table["is_reported"]]
    relief = estimate_relief(episodes).table
    assert cell(table, measure="relieved")["estimate"] == cell(relief, horizon_days=28)["estimate"]
    back = cell(estimate_recurrence(episodes).table, horizon_days=365)
    own = cell(table, measure="returned", horizon_days=365)
    assert own[["estimate", "conf_low", "conf_high", "n", "events"]].tolist() == (
        back[["estimate", "conf_low", "conf_high", "n", "events"]].tolist()
    )
    joint = compare_modalities(episodes, "all_families").table
    lines = joint[joint["analysis"] == "joint"].set_index("contrast")
    own = table[table["measure"] == "difference"].set_index("contrast")
    assert lines["estimate"].notna().sum() > 2
    for name in ("estimate", "conf_low", "conf_high"):
        pd.testing.assert_series_equal(own[name], lines[name].reindex(own.index), check_exact=True)


def test_another_definition_is_what_a_run_under_it_gives(explored, visits):
    """From the visits on, under a protocol of its own, by the questions themselves."""
    base = Protocol.from_mapping(FEW)
    other = replace(
        base,
        relief=replace(base.relief, pct_reduction=30),
        episode=replace(base.episode, gap_days=180, relief_rule=False, new_onset_rule=False),
        recurrence=replace(base.recurrence, landmark_days=60),
    )
    again = build_episodes(replace(visits, protocol=other))
    where = {"relief_rule": "pct30_if_observable", "gap_days": 180}
    own = cell(explored.table, measure="relieved", **where)
    assert own["estimate"] == cell(estimate_relief(again).table, horizon_days=28)["estimate"]
    own = cell(explored.table, measure="returned", landmark_days=60, horizon_days=365, **where)
    expected = cell(estimate_recurrence(again).table, horizon_days=365)
    assert own[["estimate", "conf_low", "n"]].tolist() == expected[["estimate", "conf_low", "n"]].tolist()
    joint = compare_modalities(again, "all_families").table
    lines = joint[(joint["analysis"] == "joint") & joint["estimate"].notna()].set_index("contrast")
    own = explored.table[(explored.table["measure"] == "difference") & (explored.table["gap_days"] == 180)]
    own = own[own["relief_rule"] == "pct30_if_observable"].set_index("contrast")
    # Here the gate keeps the same families under this definition, so that the two models are the same.
    assert set(lines.index) == set(own.index[own["estimate"].notna()]) and len(lines) > 2
    expected = lines["estimate"].reindex(own.index).dropna().to_numpy()
    assert own["estimate"].dropna().to_numpy() == pytest.approx(expected, abs=1e-9)


def test_definitions_move_the_figures_as_they_must(explored):
    """A lower bar is reached by more; a rating that must be confirmed by fewer; a longer gap hides returns."""
    relieved = explored.table[explored.table["measure"] == "relieved"].set_index(["relief_rule", "gap_days"])[
        "estimate"
    ]
    for gap in (60, 90, 180):
        assert (
            relieved["pct30_if_observable", gap] > relieved["pct50_if_observable", gap] > relieved["pct50_strict", gap]
        )


def test_the_order_of_rows_changes_nothing(visits, explored, tmp_path):
    order = np.random.default_rng(1).permutation(visits.n)
    days = pd.DataFrame({"patient": visits.columns["patient"][order], "stream": visits.columns["stream"][order]})
    days["day"] = visits.columns["day"][order]
    back = days.reset_index(drop=True).sort_values(["patient", "stream", "day"], kind="stable").index.to_numpy()
    columns = {name: values[order][back] for name, values in visits.columns.items()}
    again = explore_definitions(build_episodes(replace(visits, columns=columns)), landmarks_days=(), gaps_days=(60,))
    keys = ["relief_rule", "landmark_days", "episode_rule", "gap_days", "measure", "contrast", "horizon_days"]
    merged = again.table.merge(explored.table, on=keys, suffixes=("", "_before"))
    assert len(merged) == len(again.table)
    for name in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_array_equal(merged[name], merged[f"{name}_before"])


def lines(**differences):
    """Rows of a table of two definitions by hand."""
    rows = []
    for (rule, is_reported), values in zip((("a", True), ("b", False)), differences.values(), strict=True):
        for name, value in zip("xyz", values, strict=True):
            head = (rule, np.nan, "as reported", 90, is_reported, "difference", name, name.upper(), 28)
            rows.append((*head, value, value - 0.05, value + 0.05, 100, 50, ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_stability_worked_by_hand():
    table = lines(reported=(0.1, 0.2, -0.1), other=(0.2, 0.1, 0.3))
    stability = tabulate_stability(table).set_index("relief_rule")
    assert stability.loc["a", ["tau", "sign_agreement"]].tolist() == [1.0, 1.0]
    # Pairs x-y, x-z, y-z: reported up, down, down; other down, up, up: all three reversed. Signs: x and y.
    assert stability.loc["b", "tau"] == -1.0 and stability.loc["b", "sign_agreement"] == pytest.approx(2 / 3)
    agreement = tabulate_agreement(table).set_index("contrast")
    assert agreement["sign_agreement"].tolist() == [1.0, 1.0, 0.0]
    assert agreement.loc["z", ["lowest", "highest"]].tolist() == [-0.1, 0.3]
    assert agreement.loc["z", ["n_above_zero", "n_below_zero"]].tolist() == [1, 1]


def test_one_estimate_in_common_has_no_order():
    stability = tabulate_stability(lines(reported=(0.1, np.nan, -0.1), other=(0.2, 0.1, np.nan)))
    assert stability["n_contrasts"].tolist() == [2, 1] and np.isnan(stability["tau"].iloc[1])


def test_without_treatments_the_shares_are_still_explored(visits):
    columns = {name: values for name, values in visits.columns.items() if name != "modalities"}
    found = explore_definitions(build_episodes(replace(visits, columns=columns)), landmarks_days=())
    assert set(found.table["measure"]) == {"relieved", "returned"} and not found.more
    assert any("no treatment column" in note for note in found.notes)


def test_definitions_no_protocol_may_have_are_refused(episodes):
    with pytest.raises(ConfigError, match="pct_reduction"):
        explore_definitions(episodes, relief_rules=((150, "any"),), families=False)
    with pytest.raises(InputRefused, match="E889"):
        explore_definitions(episodes, gaps_days=(3,), families=False)
    with pytest.raises(InputRefused, match="E657"):
        explore_definitions(pd.DataFrame())
    nobody = replace(episodes, columns={**episodes.columns, "is_eligible": np.zeros(episodes.n, bool)})
    with pytest.raises(NotEstimable, match="eligible"):
        explore_definitions(nobody)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"relief_rules": 30}, "relief_rules"),
        ({"relief_rules": [(30,)]}, "relief_rules"),
        ({"relief_rules": [(30.9, "any")]}, r"relief_rules\[0\]\[0\]"),
        ({"landmarks_days": [14, -3]}, r"landmarks_days\[1\]"),
        ({"landmarks_days": [2.5]}, r"landmarks_days\[0\]"),
        ({"landmarks_days": "14"}, "landmarks_days"),
        ({"gaps_days": ["x"]}, r"gaps_days\[0\]"),
    ],
)
def test_what_is_no_list_of_whole_numbers_is_refused_by_name(episodes, given, place):
    with pytest.raises(InputRefused, match=f"E659 {place}: must be"):
        explore_definitions(episodes, families=False, **given)


def test_what_cannot_be_told_the_progress_is_refused(episodes):
    for ask in (explore_definitions, compare_modalities):
        with pytest.raises(InputRefused, match="E657 progress: is int"):
            ask(episodes, progress=3)


def test_it_is_no_league_table(explored):
    in_order = list(dict.fromkeys(explored.table.loc[explored.table["contrast"] != "", "contrast"]))
    assert explored.more["agreement"]["contrast"].tolist() == in_order
    words = " ".join([*explored.notes, *map(str, explored.settings.values()), *explored.table.columns])
    assert not any(word in words for word in ("best", "worst", "effective", "superior", "rank"))


def test_it_can_be_published_and_drawn(explored, episodes):
    shown = answer(explore_definitions, episodes, landmarks_days=(), gaps_days=(60,))
    assert set(name_tables("multiverse", shown)) == {
        *("multiverse", "multiverse_stability", "multiverse_agreement", "multiverse_summary")
    }
    n_rows = [3, int((explored.more["agreement"]["n_estimated"] > 0).sum())]
    for narrow in (False, True):
        host = multiverse(explored, narrow=narrow)
        assert [len(panel.get_yticks()) for panel in host.child_axes] == n_rows
        marks = [line for panel in host.child_axes for line in panel.lines if line.get_marker() in ("o", "D")]
        assert sum(len(line.get_xdata()) for line in marks) == explored.table["estimate"].notna().sum()
        pyplot.close("all")
    multiverse(NotEstimable("Nothing to draw."))
    pyplot.close("all")


def test_nothing_left_of_any_definition_is_a_sentence_and_differences_have_a_sign(explored):
    gone = replace(explored, table=explored.table.assign(estimate=float("nan")))
    ax = multiverse(gone, ax=Figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["No multiverse: no definition leaves enough episodes."]
    differences = multiverse(explored, ax=Figure().subplots()).child_axes[1]
    write = differences.xaxis.get_major_formatter()
    assert [write(value) for value in (-0.05, 0.0, 0.004, 0.123)] == ["\u22125", "0", "0", "+12"]


# -- what one definition refuses --------------------------------------------------------------------------------------


def test_without_an_end_of_observation_no_return_is_explored_and_it_is_said():
    notes = []
    assert list(multiverse_module._returns(episodes_of(["0:6 7:2 60:6"] * 3), 30, notes)) == []
    assert len(notes) == 1 and notes[0].startswith("Returns: ") and "observed_until_day" in notes[0]


@pytest.mark.parametrize(
    ("n", "relieved", "said"),
    [
        ((29, 60), (20, 20), "fewer than 30 episodes with it"),
        ((60, 29), (20, 20), "fewer than 30 episodes without it"),
        ((60, 60), (9, 20), "fewer than 10 relieved with it"),
        ((60, 60), (20, 9), "fewer than 10 relieved without it"),
        ((30, 30), (10, 10), ""),
    ],
)
def test_a_family_of_few_under_a_definition_says_so(episodes, n, relieved, said):
    flags = np.repeat([True, False], n)
    days = np.concatenate([np.where(np.arange(size) < few, 28.0, 29.0) for size, few in zip(n, relieved, strict=True)])
    found = _too_few(episodes, SimpleNamespace(right_days=days), SimpleNamespace(flags=flags))
    assert found == (f"under this definition {said}" if said else "")


def test_families_that_cannot_be_fitted_under_a_definition_have_a_reason_each(episodes, monkeypatch):
    decided = decide_families(episodes, [])
    plain = list(fit_families(episodes, decided, is_reported=False))
    assert sum(not line.reason for line in plain) > 1
    # With 1,000 events asked for each column there is no room for any family.
    monkeypatch.setattr(multiverse_families, "EVENTS_PER_COLUMN", 1_000)
    found = list(fit_families(episodes, decided, is_reported=False))
    few = "under this definition too few episodes were seen relieved for so many families"
    assert [line.reason for line in found] == [line.reason or few for line in plain]
    assert np.isnan([line.estimate for line in found]).all()
