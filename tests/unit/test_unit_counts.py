"""Clinics and their clinicians are two tables of one practice: what one hides the other must not tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger
from outcomes.questions.units import UnitComparison, compare_units
from outcomes.release.marks import HIDDEN
from outcomes.release.split_counts import hide_split
from outcomes.release.unit_counts import COUNTS, Gone, _hide_parts, find_gone, write_counts
from outcomes.release.unit_disclosure import AT_HIDDEN_CLINIC, COVERED, UNIT_NUMBERS, protect_units
from support.small_practices import make_practice


def attack(clinics, clinicians, total, whole, part):
    """Whether each number is told: but one value fits both tables; arrays by row, the clinics first.

    The reader knows the rules: ``<5`` is 1 to 4, a hidden whole beside one is 5 or more, parts lie within the whole,
    clinicians add up to their clinic, clinics to all, and every clinician listed has an episode.
    """
    tables = (clinics, clinicians)
    size = len(clinics) + len(clinicians)
    low, high = np.zeros(2 * size), np.full(2 * size, float(total[0]))
    at = 0
    for table in tables:
        for value in table[whole]:
            if not isinstance(value, str):
                low[at] = high[at] = value
            elif value == "<5":
                low[at], high[at] = 1, 4
            else:
                low[at] = 5 if (table[whole] == "<5").any() and table is clinics else 1
            at += 1
        for i, value in enumerate(table[part], start=at - len(table)):
            if not isinstance(value, str):
                low[size + i] = high[size + i] = value
    rows, sums = [], []
    for offset, known in ((0, total[0]), (size, total[1])):
        row = np.zeros(2 * size)
        row[offset : offset + len(clinics)] = 1
        rows, sums = [*rows, row], [*sums, known]
        names = [*clinics["unit"]]
        for name in {*clinicians["clinic"]}:
            row = np.zeros(2 * size)
            places = [i for i, unit in enumerate(names) if unit == name]
            if name == HIDDEN:
                places = [i for i, unit in enumerate(names) if unit not in set(clinicians["clinic"])]
            row[[offset + i for i in places]] = -1
            row[[offset + len(clinics) + i for i in np.flatnonzero(clinicians["clinic"] == name)]] = 1
            rows, sums = [*rows, row], [*sums, 0]
    within = np.hstack([np.eye(size), -np.eye(size)])
    bounds = [LinearConstraint(np.array(rows), sums, sums), LinearConstraint(within, 0, np.inf)]

    def find(i, sign):
        aim = np.zeros(2 * size)
        aim[i] = sign
        found = milp(aim, integrality=np.ones(2 * size), bounds=Bounds(low, high), constraints=bounds)
        assert found.success
        return np.rint(found.x)

    # Numbers found for one place often show of another too that two values fit: only where none do is it solved for.
    told, fitting = low == high, []
    for i in np.flatnonzero(~told):
        for sign in (1, -1):
            if len({numbers[i] for numbers in fitting}) < 2:
                fitting.append(find(i, sign))
        told[i] = len({numbers[i] for numbers in fitting}) < 2
    return told[:size], told[size:]


def find_told(raw, shown, whole, part):
    """Small numbers that the tables give away: `raw` and `shown` are clinics and clinicians."""
    total = raw[0][[whole, part]].sum().tolist()
    known = attack(*shown, total, whole, part)
    true = pd.concat(raw, ignore_index=True)
    wholes, parts = (true[name].to_numpy(dtype=float) for name in (whole, part))
    told = []
    for values, is_told in ((wholes, known[0]), (parts, known[1]), (wholes - parts, known[0] & known[1])):
        told += np.flatnonzero((values > 0) & (values < 5) & is_told).tolist()
    return told


def split_each_alone(table):
    """Hide by the rule of a table that stands alone."""
    return hide_split(table, (), 5, ("estimate",))


SMALL_PRACTICES = [(n, seed) for n in (40, 60, 80, 100, 150) for seed in range(1, 7)]


@pytest.fixture(scope="module")
def small_answers():
    """Clinics and clinicians of thirty small practices by their silent stops; those that can be compared."""
    found = []
    for n, seed in SMALL_PRACTICES:
        episodes = make_practice(n, seed, clinics=6)
        try:
            found.append(tuple(compare_units(episodes, by, "silent_stop") for by in ("clinic", "clinician")))
        except NotEstimable:
            continue
    return found


@pytest.mark.slow
def test_no_hidden_count_comes_back_from_both_tables(small_answers):
    assert len(small_answers) >= 25
    alone = hidden = 0
    for pair in small_answers:
        raw = [result.table for result in pair]
        sums = raw[1].groupby("clinic")[["n", "events"]].sum().reindex(raw[0]["unit"])
        assert sums.to_numpy().tolist() == raw[0][["n", "events"]].to_numpy().tolist()
        shown = [protect_units(result, 5).table for result in pair]
        assert not find_told(raw, shown, "n", "events")
        hidden += sum(isinstance(value, str) for table in shown for value in table["events"])
        if len(raw[1]) <= 14:
            # Visits and those without a score take as long again: in the smallest practices.
            assert not find_told(raw, shown, "visits", "missing")
        alone += len(find_told(raw, [split_each_alone(table) for table in raw], "n", "events"))
    assert hidden > 100
    # Each table hidden by itself gives numbers of the other away.
    assert alone > 0


def base_result():
    """An answer whose tables are filled in by tests."""
    columns = dict.fromkeys((*UNIT_NUMBERS, "z", "shrunken"), 0.5)
    patients = pd.DataFrame([], columns=["band", "label", "n", "events", "estimate"])

    def fill(by, rows):
        table = pd.DataFrame(rows).assign(**{name: value for name, value in columns.items() if name not in rows[0]})
        table = table.assign(visits=table["n"] * 3, missing=table["events"], patients=table["n"], reason="")
        table = table.assign(is_compared=True, is_flagged=False)
        summary = {"n": int(table["n"].sum()), "n_compared": len(table), "n_flagged": 0}
        return UnitComparison(table, by, "", "", summary, {}, Ledger(()), (), {"patients": patients})

    return fill


counts = st.integers(1, 14).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(counts, min_size=1, max_size=3), min_size=2, max_size=4))
def test_made_up_tables_give_no_hidden_count_away(clinics):
    fill = base_result()
    lower = [
        {"unit": f"P{c}{i}", "clinic": f"C{c}", "n": n, "events": events}
        for c, parts in enumerate(clinics)
        for i, (n, events) in enumerate(parts)
    ]
    upper = [
        {"unit": f"C{c}", "clinic": f"C{c}", "n": sum(n for n, _ in parts), "events": sum(e for _, e in parts)}
        for c, parts in enumerate(clinics)
    ]
    results = fill("clinic", upper), fill("clinician", lower)
    shown = [protect_units(result, 5).table for result in results]
    raw = [result.table for result in results]
    if raw[0]["n"].sum() >= 30 and min(raw[0]["events"].sum(), (raw[0]["n"] - raw[0]["events"]).sum()) >= 5:
        assert not find_told(raw, shown, "n", "events")
    for table, true in zip(shown, raw, strict=True):
        for name in ("n", "patients"):
            assert not any(value in (1, 2, 3, 4) for value in table[name])
        seen = np.array([not isinstance(value, str) for value in table["events"]])
        rest = true["n"] - true["events"]
        assert not (seen & (true["events"].between(1, 4) | rest.between(1, 4))).any()


def test_clinicians_of_a_hidden_clinic_are_hidden_and_so_is_the_clinic():
    fill = base_result()
    rows = [("A", 3, 1), ("B", 20, 9), ("B", 12, 6), ("C", 50, 25), ("C", 60, 30)]
    lower = [{"unit": f"P{i}", "clinic": c, "n": n, "events": e} for i, (c, n, e) in enumerate(rows)]
    out = protect_units(fill("clinician", lower), 5)
    # A has 3: it is hidden among the clinics, and B with it. B's clinicians would add up to B.
    assert out.table["n"].tolist() == [HIDDEN, HIDDEN, HIDDEN, 50, 60]
    assert out.table["clinic"].tolist() == [HIDDEN, HIDDEN, HIDDEN, "C", "C"]
    assert out.table["estimate"].tolist()[:3] == [HIDDEN] * 3
    # That a unit of hidden size is compared would say that it has 30 episodes.
    assert out.table["is_compared"].tolist() == [False] * 3 + [True] * 2
    assert out.summary["n_compared"] == 2
    assert set(out.table["reason"][:3]) == {COVERED}


def test_parts_that_are_all_small_bear_one_mark():
    fill = base_result()
    rows = [("A", 4, 0), ("A", 4, 0), ("B", 30, 12), ("B", 40, 20)]
    lower = [{"unit": f"P{i}", "clinic": c, "n": n, "events": e} for i, (c, n, e) in enumerate(rows)]
    # A has 8 in the table of clinics: two parts below 5 would be 4 and 4.
    assert protect_units(fill("clinician", lower), 5).table["n"].tolist() == [HIDDEN, HIDDEN, 30, 40]


def test_a_name_that_tells_a_hidden_clinic_is_hidden_with_it():
    fill = base_result()
    rows = [
        ("1 at A", "A", 3, 1),
        ("1 at B", "B", 20, 9),
        ("1 at C", "C", 50, 25),
        ("2", "B", 12, 6),
        ("4", "C", 60, 30),
    ]
    lower = [{"unit": u, "clinic": c, "n": n, "events": e} for u, c, n, e in rows]
    out = protect_units(fill("clinician", lower), 5).table
    # Not which code they have, nor by their place: the two would stand in the order of their clinics.
    assert out["unit"].tolist() == ["1 at C", "2", "4", f"{AT_HIDDEN_CLINIC} 1", f"{AT_HIDDEN_CLINIC} 2"]
    assert out["n"].tolist() == [50, HIDDEN, 60, HIDDEN, HIDDEN]
    assert out["clinic"].tolist() == ["C", HIDDEN, "C", HIDDEN, HIDDEN]


def gone_of(rows, are_clinicians=False):
    """What is hidden of units: clinic, n, patients, events, missing; all visits are 100."""
    units = pd.DataFrame(rows, columns=["clinic", "n", "patients", "events", "missing"]).assign(visits=100)
    gone = find_gone(units, are_clinicians, 5)
    return {name: (gone.counts[name].tolist(), gone.told[name].tolist()) for name in COUNTS}, gone.clinic.tolist()


def test_a_small_count_or_rest_is_hidden_with_the_smallest_other():
    counts, clinic = gone_of([("A", 40, 30, 12, 20), ("B", 30, 25, 27, 97), ("C", 50, 4, 20, 30)])
    assert counts["n"] == ([False] * 3, [False] * 3)
    # C has four patients, and B, the smaller of the others, goes with it.
    assert counts["patients"] == ([False, True, True], [False, True, True])
    # B has three episodes without the event, and A the fewest of the others; three visits not missing, and C.
    assert counts["events"][0] == [True, True, False]
    assert counts["missing"][0] == [False, True, True] and clinic == [False] * 3


def test_beside_a_hidden_size_all_counts_are_hidden_and_a_small_one_keeps_its_mark_where_the_size_has_one():
    counts, _ = gone_of([("A", 4, 20, 0, 20), ("B", 30, 25, 12, 40), ("C", 50, 40, 20, 30)])
    assert counts["n"] == ([True, True, False], [True, True, False])
    for name in ("patients", "events", "missing"):
        assert counts[name][0] == [True, True, False]


def test_clinicians_go_with_their_clinic():
    rows = [
        ("A", 3, 20, 0, 20),
        ("B", 20, 25, 9, 40),
        ("B", 12, 25, 5, 40),
        ("C", 50, 40, 25, 30),
        ("C", 60, 40, 30, 30),
    ]
    counts, clinic = gone_of(rows, True)
    assert counts["n"] == ([True] * 3 + [False] * 2, [False] * 3 + [False] * 2)
    assert clinic == [True] * 3 + [False] * 2
    alone, none = gone_of(rows)
    assert alone["n"][0] == [True, False, True, False, False] and none == [False] * 5


@pytest.mark.parametrize(
    ("count", "gone", "told", "shown"),
    [(0, True, True, HIDDEN), (1, True, True, "<5"), (4, True, True, "<5"), (5, True, True, HIDDEN),
     (4, True, False, HIDDEN), (4, False, False, 4), (9, False, False, 9)],
)  # fmt: skip
def test_a_hidden_count_bears_the_mark_of_a_small_one_where_it_may(count, gone, told, shown):
    table = pd.DataFrame({name: [count] for name in COUNTS})
    flags = {name: np.array([gone]) for name in COUNTS}, {name: np.array([told]) for name in COUNTS}
    write_counts(table, Gone(*flags, np.array([False])), 5)
    assert table.iloc[0].tolist() == [shown] * 4


@pytest.mark.parametrize(
    ("counts", "hidden", "wholly"),
    [
        ([0, 9, 20], [], []),
        ([4, 9, 20], [0, 1], []),
        ([4, 4, 7], [0, 1, 2], []),  # fifteen of three: each may be five
        ([4, 4, 6], [0, 1, 2], [0, 1, 2]),  # fourteen: one at least is small
        ([4, 0, 30], [0, 2], []),
        ([4], [0], [0]),
        ([5], [], []),
        ([1, 3], [0, 1], [0, 1]),
    ],
)
def test_parts_of_a_sum_that_tells_of_small_ones_are_hidden_all(counts, hidden, wholly):
    gone, all_of = _hide_parts(np.array(counts, dtype=float), np.zeros(len(counts), dtype=np.intp), 5)
    assert (np.flatnonzero(gone).tolist(), np.flatnonzero(all_of).tolist()) == (hidden, wholly)
