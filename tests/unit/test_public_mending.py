"""What is hidden where a public release would tell too much: what helps, and nothing that was told before."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from outcomes.release.public import mend, second_look
from outcomes.release.public.attack import attack
from outcomes.release.public.attack_board import read_totals
from outcomes.release.public.causes import find_cause
from outcomes.release.public.earlier import EarlierRelease, read_entry, settle
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, Cohort, CountTable, ShownTable
from outcomes.release.public.numbers import Key, build_numbers
from outcomes.release.public.protect import Protected, protect_release
from outcomes.release.public.published import UNTOLD, Published, publish
from outcomes.release.public.system import System

COHORT = Cohort("patients", "patients", "d1")
LARGE = [[200, 300, 250], [400, 500, 350]]


def table(counts: list[list[int]], ordered: bool = False, definition: str = "d1") -> CountTable:
    array = np.array(counts, dtype=np.int64)
    rows = tuple(f"{10 * i} to {10 * i + 9} days" for i in range(len(counts)))
    return CountTable("t", replace(COHORT, definition=definition), rows, tuple("abc"), array, ordered)


def after(counts: list[list[int]], *before: Protected) -> Protected:
    return protect_release([table(counts)], (), RULES, [earlier(one) for one in before])


def earlier(protected: Protected) -> EarlierRelease:
    return read_entry(json.loads(json.dumps(protected.entry)))


def settled(counts: CountTable, *before: Protected) -> Published:
    numbers = build_numbers([counts], [tuple((i,) for i in range(len(counts.rows)))])
    nothing = np.zeros(numbers.exact.size, dtype=np.bool_)
    fresh = publish(numbers, nothing, np.full(numbers.exact.size, 5))
    definitions = {"patients": counts.cohort.definition}
    return settle(fresh, [earlier(one) for one in before], definitions, RULES, nothing)


# -- totals of rows --


def test_a_row_of_kept_parts_has_a_total_of_its_own() -> None:
    """Seven more of each of three states, four times: the parts stand until eleven are new, the total does not."""
    one = after([[22, 23, 31], *LARGE])
    two = after([[29, 30, 38], *LARGE], one)
    assert one.tables[0].shown[0].tolist() == two.tables[0].shown[0].tolist() == [20, 25, 30]
    assert (one.tables[0].row_totals[0], two.tables[0].row_totals[0]) == (75, 95)
    # Of ten more in all the total tells nothing either.
    few = after([[25, 26, 35], *LARGE], one)
    assert few.tables[0].row_totals[0] == 75


def test_the_attack_reads_a_total_that_is_not_the_sum_of_its_row() -> None:
    shown = after([[29, 30, 38], *LARGE], after([[22, 23, 31], *LARGE])).tables[0]
    place = np.arange(shown.shown.size).reshape(shown.shown.shape)
    assert read_totals(shown, place)["0 to 9 days / total"] == ((0, 1, 2), 95)
    assert "10 to 19 days / total" not in read_totals(shown, place)
    assert all(one.enough for one in attack([shown]))


# -- what was told before --


def test_how_far_a_number_is_from_what_was_told_of_it() -> None:
    one = after([[22, 3, 31], *LARGE])
    now = settled(table([[24, 3, 50], *LARGE]), one)
    told = dict(zip(now.numbers.keys, now.told.tolist(), strict=True))
    cells = {key.column: n for key, n in told.items() if key.rows == ("0 to 9 days",) and key.column}
    assert cells == {"a": 2, "b": UNTOLD, "c": 19}  # the second was hidden
    other = settled(table([[24, 3, 50], *LARGE], definition="d2"), one)
    assert set(other.told.tolist()) == {UNTOLD}


def published(*told: int) -> SimpleNamespace:
    """Numbers of 20, 21 and so on, of one column of a table, and how far each is from what was told."""
    exact = np.arange(20, 20 + len(told))
    keys = tuple(Key("patients", "t", (f"r{i}",), "a") for i in range(len(told)))
    numbers = SimpleNamespace(keys=keys, exact=exact, owner=np.zeros(len(told), dtype=int))
    return SimpleNamespace(numbers=numbers, shown=exact, told=np.array(told))


def no_cause(key: Key, places: object) -> None:
    """Nothing makes a number narrow."""


@pytest.mark.parametrize(
    ("told", "hidden"),
    [
        ((0, 3, UNTOLD), 2),  # what nobody told yet, though others are smaller
        ((0, 3, RULES.k), 2),
        ((0, 3, 0), 1),  # of nearly the count that was told, where no other is left
        ((0, 0, 0), None),  # nothing would be gained
    ],
)
def test_what_an_earlier_release_told_is_not_hidden_for_others(told, hidden) -> None:
    numbers, plan = published(*told), mend.Plan([], [mend.COARSE])
    assert mend._mend_shared(plan, numbers, Key("patients", "t", ("q",), "a"), no_cause) == (hidden is not None)
    assert plan.extra == (set() if hidden is None else {numbers.numbers.keys[hidden]})


def test_where_all_are_hidden_those_told_stay() -> None:
    numbers, plan = published(0, 5, UNTOLD), mend.Plan([], [])
    assert mend._hide_all(plan, numbers, np.arange(3))
    assert plan.extra == set(numbers.numbers.keys[1:])
    numbers.shown = np.array([20, HIDDEN_CELL, HIDDEN_CELL])
    assert not mend._hide_all(plan, numbers, np.arange(3))


@pytest.mark.parametrize(("told", "rows"), [((UNTOLD, UNTOLD), 3), ((0, UNTOLD), 3), ((0, 4), 4)])
def test_rows_whose_patients_were_told_apart_are_not_put_together(told, rows) -> None:
    counts = table([[20, 30, 9], [30, 40, 8], *LARGE], ordered=True)
    fresh = settled(counts)
    place = fresh.numbers.places[0]
    fresh.told[place.rows[:2]] = told
    plan = mend.Plan([tuple((r,) for r in range(4))], [5])
    assert mend._mend_table(plan, fresh, 0, int(place.cells[0, 2]), no_cause)
    assert (len(plan.parts[0]), plan.bases) == (rows, [5] if rows == 3 else [mend.COARSE])


# -- what makes a number narrow --


def system(high_of_total: int) -> System:
    """A hidden 5 and a printed 30 of a total of 35; and 40 beside them, as printed twice, which has nothing to say."""
    exact = np.array([5, 30, 35, 40, 42])
    low, high = np.array([1, 28, 33, 38, 0]), np.array([10, 32, high_of_total, 42, 10**9])
    sums = sparse.csr_array(np.array([[1, 1, -1, 0, 0], [0, 0, 0, 1, -1], [0, 1, 0, -1, 0]], dtype=float))
    return System(exact, low, high, sums, np.array([0, -10, -(10**9)]), np.array([0, 10, 10**9]))


def test_the_first_number_whose_hiding_opens_enough_is_the_cause() -> None:
    # 33 to 35 less 28 to 32: from 1 to 7; less a part that is not printed, from 1 to 10.
    assert find_cause(system(35), 0, [1, 2, 3, 4], least=9) == 1
    assert find_cause(system(35), 0, [2, 1, 3, 4], least=9) == 2
    # Where none opens so much, the one that opens most; and none where none holds it.
    assert find_cause(system(35), 0, [2, 1, 3, 4], least=np.inf) == 2
    assert find_cause(system(35), 0, [3, 4], least=9) is None
    assert find_cause(system(50), 0, [1, 2], least=9) is None


def test_a_difference_of_two_printings_goes_with_either() -> None:
    """A hidden 4 and 20 beside it are 24 together, printed as it was when they were 25 at most by another."""
    exact, low, high = np.array([4, 20, 24, 25]), np.array([1, 20, 0, 24]), np.array([10, 20, 10**9, 25])
    rows = np.array([[1, 1, -1, 0], [0, 0, 1, -1]], dtype=float)
    held = System(exact, low, high, sparse.csr_array(rows), np.array([0, -1]), np.array([0, 1]))
    assert find_cause(held, 0, [2], least=5) == 2


def test_the_cause_is_hidden_a_cell_first_and_only_so_often() -> None:
    numbers, asked = published(UNTOLD, 3, UNTOLD), []
    numbers.numbers.owner[0] = -1

    def find(key: Key, places: list[int]) -> int:
        asked.append(places)
        return places[0]

    plan = mend.Plan([], [mend.COARSE])
    assert mend._hide_cause(plan, numbers, numbers.numbers.keys[0], find)
    assert asked == [[2, 0, 1]] and plan.extra == {numbers.numbers.keys[2]}
    plan.extra.update(Key("patients", "u", (f"r{i}",), "") for i in range(mend.MOST_CAUSES))
    assert not mend._hide_cause(plan, numbers, numbers.numbers.keys[0], find)


# -- the second look --


def test_what_the_attack_names_is_found_among_the_numbers_of_its_release() -> None:
    one = after([[22, 3, 31], *LARGE])
    now = settled(table([[24, 3, 50], *LARGE]), one)
    broken = [
        Attacked("t", cell, 1, 2, False, "", release)
        for cell, release in (
            ("0 to 9 days / b", 0),
            ("10 to 19 days / total", 0),
            ("total / a", 0),
            ("total / total", 0),
            ("0 to 9 days / b", 1),
            ("0 to 9 days / total", 1),
            ("all / day 7", 0),  # a point of a curve
        )
    ]
    found = second_look.name_broken(broken, now, [earlier(one)], [one.tables])
    rows = ("0 to 9 days",)
    assert found == [
        Key("patients", "t", rows, "b"),
        Key("patients", "t", ("10 to 19 days",), ""),
        Key("patients", "a|b|c", (), "a"),
        Key("patients", "", (), ""),
        Key("patients", "t", rows, "b"),
        Key("patients", "t", rows, ""),
    ]


def shown(first: int, definition: str = "d1") -> tuple[ShownTable, ...]:
    cells = np.array([[first, 60, 50], [60, 70, 80]])
    cohort = replace(COHORT, definition=definition)
    return (ShownTable("t", cohort, ("x", "y"), tuple("abc"), cells, (120, 210), (70, 130, 130), 10, (), 330),)


def test_a_hidden_number_that_a_release_before_told_is_not_broken(monkeypatch) -> None:
    """10 printed where all is rounded to 10 stands for 11 to 14, four values; hidden later it is known from there."""
    told = Attacked("t", "x / a", 11, 14, False, "all numbers together")
    asked = []

    def find(*arguments: object, most: int | None) -> tuple[Attacked, ...]:
        asked.append(most)
        return (told, replace(told, cell="x / b", enough=True))

    monkeypatch.setattr(second_look, "attack", find)
    now = shown(HIDDEN_CELL)
    assert second_look.find_broken(now, (), [shown(10), shown(10)], RULES) == []
    assert second_look.find_broken(now, (), [shown(HIDDEN_CELL)], RULES, most=None) == [told]
    assert second_look.find_broken(now, (), [shown(10, "d2")], RULES) == [told]
    told = replace(told, high=13)  # more than that printing told
    assert second_look.find_broken(now, (), [shown(10)], RULES) == [told]
    assert asked == [second_look.ATTACKED_EARLIER, None, second_look.ATTACKED_EARLIER, second_look.ATTACKED_EARLIER]


def test_what_the_attack_names_is_hidden_further(monkeypatch) -> None:
    """The attack of the second quarter finds a hidden number once: one more is hidden beside it, and it looks again."""
    one = after([[22, 3, 31], *LARGE])
    looks = []

    def find(tables: tuple[ShownTable, ...], *rest: object, **named: object) -> tuple[Attacked, ...]:
        looks.append(int((tables[0].shown == HIDDEN_CELL).sum()))
        return (Attacked("t", "0 to 9 days / b", 2, 3, False, ""),) if len(looks) == 1 else ()

    monkeypatch.setattr(second_look, "attack", find)
    counts, before = [table([[40, 3, 50], *LARGE])], [earlier(one)]
    alone = protect_release(counts, (), RULES, before)
    assert looks == []
    again = protect_release(counts, (), RULES, before, [one.tables])
    assert len(looks) > 1
    assert (again.tables[0].base, again.audit.hidden) != (alone.tables[0].base, alone.audit.hidden)
