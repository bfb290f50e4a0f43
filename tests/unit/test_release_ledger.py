"""What the ledger keeps, what it refuses, and what a later release may print."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from outcomes.errors import DisclosureError
from outcomes.release.public.attack import attack
from outcomes.release.public.attack_board import TOTAL, Board, Reader, lay_release
from outcomes.release.public.attack_releases import find_kept, join_releases, list_prints
from outcomes.release.public.curves import leave_out, protect_family_curves
from outcomes.release.public.earlier import Withheld, _decide, _Print, read_entry
from outcomes.release.public.labels import spread
from outcomes.release.public.ledger import INTENDED, START, ReleaseLedger
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, CountCurve, CountTable, ShownTable
from outcomes.release.public.protect import Protected, protect_release
from outcomes.release.public.rounding import round_counts

COHORT = Cohort("patients", "patients", "d1")


def table(counts: list[list[int]], definition: str = "d1", ordered: bool = False, name: str = "t") -> CountTable:
    array = np.array(counts, dtype=np.int64)
    rows = tuple(f"{10 * i} to {10 * i + 9} days" for i in range(array.shape[0]))
    cohort = replace(COHORT, definition=definition)
    return CountTable(name, cohort, rows, tuple("abcdef"[: array.shape[1]]), array, ordered)


def release(counts: list[list[int]], *before: Protected, definition: str = "d1", ordered: bool = False) -> Protected:
    earlier = [read_entry(json.loads(json.dumps(one.entry))) for one in before]
    return protect_release([table(counts, definition, ordered)], (), RULES, earlier)


def first(protected: Protected) -> ShownTable:
    return protected.tables[0]


def with_cell(count: int) -> list[list[int]]:
    return [[count, 300], [400, 500]]


# -- what a later release may print (D-12) --


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [
        (50, 50, 50),  # nobody: the same
        (50, 53, 50),  # a few: as it was
        (50, 60, 50),  # ten: as it was
        (50, 61, 60),  # eleven: new
        (50, 40, 50),
        (50, 39, 40),
        (12, 8, 10),  # hidden now, were it new; the old number tells nothing
        (8, 12, HIDDEN_CELL),  # was hidden, stays so
        (8, 19, 20),
        (30, 5, HIDDEN_CELL),
        (0, 4, HIDDEN_CELL),  # nobody would be untrue
        (0, 0, 0),
        (4, 0, HIDDEN_CELL),
        (15, 0, 0),
    ],
)
def test_a_number_is_printed_anew_only_when_eleven_have_moved(before: int, now: int, shown: int) -> None:
    later = release(with_cell(now), release(with_cell(before)))
    assert first(later).shown[0, 0] == shown


def test_every_earlier_release_counts_not_only_the_last() -> None:
    one = release(with_cell(50))
    two = release(with_cell(65), one)
    assert first(two).shown[0, 0] == 65
    three = release(with_cell(52), one, two)
    assert first(three).shown[0, 0] == 50  # 2 from the first release, 13 from the second
    four = release(with_cell(58), one, two, three)
    assert first(four).shown[0, 0] == 65  # nearer to the second
    five = release(with_cell(76), one, two, three, four)
    assert first(five).shown[0, 0] == 75


def test_slow_drift_is_printed_when_eleven_have_gathered() -> None:
    before: list[Protected] = []
    shown = []
    for count in range(50, 75, 4):
        before.append(release(with_cell(count), *before))
        shown.append(int(first(before[-1]).shown[0, 0]))
    assert shown == [50, 50, 50, 60, 60, 60, 75]


def test_totals_are_kept_as_cells_are() -> None:
    one = release([[203, 300], [400, 500]])
    two = release([[203, 300], [400, 504]], one)
    assert first(two).total == first(one).total
    assert first(two).column_totals == first(one).column_totals
    three = release([[203, 300], [400, 520]], one, two)
    assert first(three).total == 1425
    assert first(three).column_totals == (605, 820)


def test_the_same_counts_print_the_same_release_with_or_without_a_ledger() -> None:
    counts = [[14, 30, 5], [22, 3, 9], [61, 40, 12]]
    one = release(counts, ordered=True)
    two = release(counts, one, ordered=True)
    three = release(counts, one, two, ordered=True)
    assert repr(one.tables) == repr(two.tables) == repr(three.tables)
    assert one.entry == two.entry == three.entry


def test_bands_put_together_stay_together() -> None:
    one = release([[90, 95], [4, 3], [50, 60], [80, 90]], ordered=True)
    assert "10 to 29 days" in first(one).rows
    two = release([[90, 95], [40, 38], [50, 60], [80, 90]], one, ordered=True)
    assert first(two).rows == first(one).rows


def test_another_definition_is_hidden_where_it_differs_by_a_few() -> None:
    one = release([[50, 300], [400, 500]])
    two = release([[53, 300], [420, 500]], one, definition="d2")
    assert first(two).shown[0, 0] == HIDDEN_CELL
    assert first(two).shown[1, 0] in (420, HIDDEN_CELL)
    # None of these is of few patients; why they are hidden is said.
    assert "as close to a number of an earlier page under other definitions" in first(two).reasons[-1]
    assert not any("other definitions" in reason for reason in first(release([[3, 300], [400, 500]])).reasons)
    same = release([[50, 300], [400, 500]], one, definition="d2")
    assert first(same).shown.tolist() == first(one).shown.tolist()


def test_rows_of_another_definition_are_compared_whatever_they_are_called() -> None:
    one = release([[50, 300], [400, 500]])
    other = replace(table([[53, 340], [420, 560]], "d2"), rows=("0 to 11 days", "12 to 19 days"))
    two = protect_release([other], (), RULES, [read_entry(one.entry)])
    assert first(two).shown[0, 0] == HIDDEN_CELL


# -- rules a reader knows, in one release and over several --


def quarters(counts: list[list[int]], last: int, definition: str = "d1") -> CountTable:
    """Patients by the quarter in which they began; the first row holds all before and says so."""
    names = [f"{2024 + (q - 1) // 4}Q{(q - 1) % 4 + 1}" for q in range(last - len(counts) + 1, last + 1)]
    rows = (f"{names[0]} and earlier", *names[1:])
    return replace(table(counts, definition, ordered=True, name="start_quarter"), rows=rows)


def publish_quarters(counts: list[list[int]], last: int, *before: Protected) -> Protected:
    earlier = [read_entry(json.loads(json.dumps(one.entry))) for one in before]
    return protect_release([quarters(counts, last)], (), RULES, earlier)


@pytest.mark.parametrize(("hidden", "moved"), [(3, 13), (1, 11), (1, 12), (2, 11), (4, 15), (8, 14)])
def test_the_row_of_all_before_is_not_another_set_under_the_same_name(hidden: int, moved: int) -> None:
    """A quarter later it holds one quarter more; less that quarter as it was printed, it tells what was hidden."""
    old, quarter, rest = [60, 55, hidden], [60, 55, moved], [[60, 50, 14], [80, 60, 20], [70, 66, 31]]
    one = publish_quarters([old, quarter, *rest[:2]], 7)
    now = [[a + b for a, b in zip(old, quarter, strict=True)], *rest]
    two = publish_quarters(now, 8, one)
    assert (first(one).rows[0], first(two).rows[0]) == ("2024Q4 and earlier", "2025Q1 and earlier")
    assert first(one).shown[0, 2] == HIDDEN_CELL
    whole, part = (span(first(found), int(first(found).shown[r, 2])) for found, r in ((two, 0), (one, 1)))
    left = min(whole[1] - part[0], 10) - max(whole[0] - part[1], 1) + 1
    assert left >= RULES.least_values
    is_few = bool(first(two).shown[0, 2] != HIDDEN_CELL)  # else it is hidden for its past, and no few patients
    assert all(item.enough for item in attack(two.tables, (), [one.tables], guess=is_few))


def test_the_row_of_all_before_stands_until_eleven_more_are_in_it() -> None:
    """13 of one state, and a quarter later 3 hidden ones more: 15 stands, for 15 and then 20 would tell of them."""
    rest = [[60, 50, 14], [80, 60, 20], [70, 66, 31]]
    one = publish_quarters([[60, 55, 15], [60, 55, 3], *rest[:2]], 7)
    two = publish_quarters([[120, 110, 18], *rest], 8, one)
    assert (first(one).shown[0, 2], first(two).shown[0, 2]) == (15, 15)
    assert first(two).shown[0, :2].tolist() == [120, 110]


def span(shown: ShownTable, number: int) -> tuple[int, int]:
    """Least and greatest count behind a printed number; anything behind a hidden one."""
    half = shown.base // 2
    return (1, 10_000) if number == HIDDEN_CELL else (max(RULES.k, number - half), number - half + shown.base - 1)


def test_the_attack_takes_a_quarter_from_all_before() -> None:
    one = publish_quarters([[60, 55, 3], [60, 55, 13], [60, 50, 14], [80, 60, 20]], 7)
    alone = publish_quarters([[120, 110, 16], [60, 50, 14], [80, 60, 20], [70, 66, 31]], 8)
    found = [item for item in attack(alone.tables, (), [one.tables], guess=True) if not item.enough]
    assert [(item.release, item.cell, item.low, item.high) for item in found] == [(1, "2024Q4 and earlier / c", 1, 4)]


def test_a_row_of_quarters_stays_what_it_was_when_an_older_report_is_made_again() -> None:
    counts = [[60, 55, 30], [60, 55, 31], [60, 50, 14], [80, 60, 20]]
    one = publish_quarters(counts, 8)
    two = publish_quarters([[20, 30, 12], [40, 25, 18], *counts[1:3]], 7, one)
    assert first(two).rows[0] == first(one).rows[0] == "2025Q1 and earlier"
    assert first(two).shown[0].tolist() == first(one).shown[0].tolist()


def test_that_the_rest_of_a_printed_part_is_no_small_number_counts_in_the_proof() -> None:
    """40 printed of the first row leaves 11 or more; 15 less 11 or 12 leaves 1 to 6 of each hidden one, so 5 or 6."""
    shown = first(release([[40, 5, 6], [60, 11, 11]]))
    cells = [[span(shown, n) for n in row] for row in shown.shown.tolist()]
    rows, columns = ([span(shown, n) for n in totals] for totals in (shown.row_totals, shown.column_totals))

    def fits(b: int, c: int) -> bool:
        is_told = shown.shown[0, 0] == HIDDEN_CELL or b + c >= RULES.k
        in_row = rows[0][0] <= cells[0][0][1] + b + c and cells[0][0][0] + b + c <= rows[0][1]
        below = ((b, 1), (c, 2))
        return (
            is_told
            and in_row
            and all(columns[j][0] <= n + cells[1][j][1] and n + cells[1][j][0] <= columns[j][1] for n, j in below)
        )

    assert (shown.shown[0, 1:] == HIDDEN_CELL).all()
    for j in (0, 1):
        left = {(b, c)[j] for b in range(1, 11) for c in range(1, 11) if fits(b, c)}
        assert len(left) >= RULES.least_values
    assert all(one.enough for one in attack([shown], guess=True))


def test_the_attack_knows_that_the_rest_of_a_printed_part_is_no_small_number() -> None:
    counts = table([[40, 8, 3], [60, 44, 13]])
    bare = ShownTable("t", COHORT, counts.rows, counts.columns, np.array([[40, -1, -1], [60, 45, 15]]), (50, 120),
                      (100, 50, 15), 5, (), 170)  # fmt: skip
    found = {one.cell: (one.low, one.high) for one in attack([bare], guess=True) if not one.enough}
    assert found["0 to 9 days / b"] == (7, 9)


def test_the_attack_knows_that_a_number_is_printed_anew_only_when_eleven_have_moved() -> None:
    """1 of the third state hidden, then 12 printed as 10: it moved by 11 or more, and 11 or 12 less 11 is 0 or 1."""

    def shown(third: int, more: int) -> ShownTable:
        cells = np.array([[40, 30, third], [60, 45, 35]])
        totals = ((70 + more, 140), (100, 75, 35 + more))
        return ShownTable("t", COHORT, ("x", "y"), ("a", "b", "c"), cells, *totals, 5, (), 210 + more)

    found = attack([shown(10, 10)], (), [[shown(HIDDEN_CELL, 0)]], guess=True)
    assert [(one.release, one.cell, one.high) for one in found if not one.enough] == [(1, "x / c", 1)]


# -- curves --


def curve(events: list[int], group: str = "all", n: int = 300) -> CountCurve:
    new = np.array(events, dtype=np.int64)
    share = np.cumsum(new) / n
    days = 7 * np.arange(1, new.size + 1)
    return CountCurve("relief", COHORT, group, days, new, n - np.cumsum(new), share, share * 0.9, share, n)


def publish(curves: list[CountCurve], *before: Protected) -> Protected:
    counts = table([[1000, 1200], [1300, 1500]])
    return protect_release([counts], curves, RULES, [read_entry(json.loads(json.dumps(one.entry))) for one in before])


def test_a_curve_is_refreshed_when_every_arm_has_eleven_new_events() -> None:
    one = publish([curve([40, 30, 30]), curve([20, 15, 15], "x", 150), curve([20, 15, 15], "y", 150)])
    few = publish([curve([56, 45, 44], n=400), curve([36, 30, 28], "x", 210), curve([20, 15, 16], "y", 190)], one)
    assert repr(few.curves) == repr(one.curves)
    many = publish([curve([70, 50, 44], n=400), curve([36, 30, 28], "x", 210), curve([34, 20, 16], "y", 190)], one)
    assert many.curves[0].percent.tolist() != one.curves[0].percent.tolist()


def test_a_refreshed_curve_does_not_tell_when_a_few_new_patients_had_their_event() -> None:
    one = publish([curve([40, 30, 30])])
    two = publish([curve([60, 33, 55], n=400)], one)  # 20 new ones by day 7, 3 in the week after, 25 in the third
    assert two.curves[0].days.tolist() == [7, 21]


def near_the_edge(n: int) -> list[CountCurve]:
    """One arm whose curve would appear as soon as its second point has eleven events: 10 of `n` patients and fewer."""
    return [curve([40, n], n=300)]


def test_a_curve_that_was_left_out_appears_only_when_its_arm_has_moved_by_eleven() -> None:
    assert publish(near_the_edge(11)).curves
    one = publish(near_the_edge(10))
    assert not one.curves
    assert one.entry["withheld"] == [["patients", "relief", "all", 50]]
    assert not publish(near_the_edge(11), one).curves  # one patient more would be told
    assert not publish(near_the_edge(20), one).curves
    assert publish(near_the_edge(21), one).curves


def test_slow_growth_of_an_arm_that_was_left_out_counts_from_when_that_was_decided() -> None:
    before: list[Protected] = []
    for n in (10, 14, 18):
        before.append(publish(near_the_edge(n), *before))
        assert not before[-1].curves
        assert before[-1].entry["withheld"][0][3] == 50
    assert publish(near_the_edge(22), *before).curves


def test_an_arm_that_was_left_out_beside_others_does_not_appear_by_one_patient() -> None:
    def family(n: int, more: int) -> list[CountCurve]:
        rest, few = [20 + more, 20 + more, 0], [20, n, 0]
        both = [a + b for a, b in zip(rest, few, strict=True)]
        return [curve(both, n=350), curve(rest, "x", 200), curve(few, "y", 150)]

    def groups(one: Protected) -> list[str]:
        return [shown.group for shown in one.curves]

    one = publish(family(10, 0))
    assert "y" not in groups(one)
    assert [arm[2] for arm in one.entry["withheld"]] == [name for name in ("all", "x", "y") if name not in groups(one)]
    assert "y" in groups(publish(family(11, 12)))
    assert repr(publish(family(11, 12), one).curves) == repr(one.curves)
    assert "y" in groups(publish(family(21, 12), one))


def test_curves_the_proof_left_out_are_kept_in_mind() -> None:
    some = [curve([40, 30, 30]), curve([20, 15, 15], "x", 150), curve([2, 1, 1], "y", 20)]
    found = protect_family_curves(some, RULES, ())
    assert found.shown
    left = leave_out(found)
    assert (left.shown, left.earlier) == ((), ())
    assert left.withheld == tuple(Withheld("patients", "relief", *arm) for arm in (("all", 100), ("x", 50), ("y", 4)))


# -- the file --


def entry(count: int = 50) -> dict[str, object]:
    return release(with_cell(count)).entry


def test_the_ledger_is_private_and_holds_what_was_printed(tmp_path: Path) -> None:
    ledger = ReleaseLedger(tmp_path / "ledger.json")
    assert (ledger.head, ledger.earlier(), ledger.printed()) == (START, (), ())
    shown = release(with_cell(53))
    head = ledger.intend("2026Q1-public", shown.entry)
    ledger.confirm(head)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "ledger.json").stat().st_mode) == 0o600
    again = ReleaseLedger(tmp_path / "ledger.json", [head])
    assert again.head == head
    assert repr(again.printed()[0]) == repr(tuple(replace(one, reasons=()) for one in shown.tables))
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.json"]


def test_a_rerun_adds_nothing(tmp_path: Path) -> None:
    ledger = ReleaseLedger(tmp_path / "ledger.json")
    head = ledger.intend("2026Q1-public", entry())
    before = (tmp_path / "ledger.json").read_bytes()
    assert ReleaseLedger(tmp_path / "ledger.json").intend("2026Q1-public", entry()) == head
    assert (tmp_path / "ledger.json").read_bytes() == before


def test_the_head_tells_nothing_that_is_not_printed(tmp_path: Path) -> None:
    heads = {
        ReleaseLedger(tmp_path / f"{count}.json").intend("2026Q1-public", entry(count))
        for count in (48, 49, 50, 51, 52)
    }
    assert len(heads) == 1
    assert ReleaseLedger(tmp_path / "other.json").intend("2026Q1-public", entry(53)) not in heads


def test_the_head_does_not_tell_that_something_hidden_changed(tmp_path: Path) -> None:
    """Printed again from other counts, a release has the head it had, and so have those after it."""
    counts = {n: [[n, 300], [400, 500]] for n in (4, 6)}
    heads = []
    for name, second in (("same", 4), ("moved", 6)):
        path = tmp_path / f"{name}.json"
        one = release(counts[4])
        two = release(counts[second], one)
        assert repr(one.tables) == repr(two.tables)
        three = release([[70, 400], [500, 600]], one, two)
        ledger = ReleaseLedger(path)
        heads.append([ledger.intend(at, found.entry) for at, found in (("q1", one), ("q1", two), ("q2", three))])
        assert ReleaseLedger(path, heads[-1]).head == heads[-1][-1]
    assert heads[0] == heads[1]
    assert heads[0][0] == heads[0][1] != heads[0][2]


def test_a_release_that_was_only_intended_binds_the_next(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ReleaseLedger(path).intend("2026Q1-public", entry(50))  # the machine stops here
    assert json.loads(path.read_text())["releases"][0]["state"] == INTENDED
    later = protect_release([table(with_cell(53))], (), RULES, ReleaseLedger(path).earlier())
    assert first(later).shown[0, 0] == 50


def test_a_crash_while_writing_leaves_the_old_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.json"
    ReleaseLedger(path).intend("2026Q1-public", entry(50))
    before = path.read_bytes()
    for name in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            target = os if name == "fsync" else Path
            broken.setattr(target, name, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(OSError, match="No space"):
                ReleaseLedger(path).intend("2026Q2-public", entry(80))
        assert path.read_bytes() == before
        assert [found.name for found in tmp_path.iterdir()] == ["ledger.json"]


def damage(path: Path, what: str) -> None:
    content = json.loads(path.read_text())
    if what == "count":
        content["releases"][0]["entry"]["numbers"][0][4] += 1
    elif what == "printed":
        content["releases"][0]["entry"]["printed"][0]["total"] += 5
    elif what == "first removed":
        del content["releases"][0]
    elif what == "order":
        content["releases"].reverse()
    elif what == "format":
        content["format"] = 2
    path.write_text(json.dumps(content)[: 200 if what == "cut off" else None])


@pytest.mark.parametrize("what", ["count", "printed", "first removed", "order", "format", "cut off"])
def test_a_damaged_ledger_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "ledger.json"
    ReleaseLedger(path).intend("2026Q1-public", entry(50))
    ReleaseLedger(path).intend("2026Q2-public", entry(80))
    damage(path, what)
    with pytest.raises(DisclosureError, match=r"E926 ledger\.json.*Put the ledger back"):
        ReleaseLedger(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b'{"format": 1, "releases": [{}]}', b'{"format": 1}'])
def test_what_is_no_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.json"
    path.write_bytes(content)
    with pytest.raises(DisclosureError, match="E926"):
        ReleaseLedger(path)


def test_a_release_that_is_not_in_the_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    one = ReleaseLedger(path).intend("2026Q1-public", entry(50))
    copy = path.read_bytes()
    two = ReleaseLedger(path).intend("2026Q2-public", entry(80))
    path.write_bytes(copy)  # an older copy: its last entry is missing
    assert ReleaseLedger(path, [one]).head == one
    with pytest.raises(DisclosureError, match="E927"):
        ReleaseLedger(path, [one, two])
    path.unlink()
    with pytest.raises(DisclosureError, match="E927"):
        ReleaseLedger(path, [one])


def test_a_ledger_in_a_release_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DisclosureError, match="E928"):
        ReleaseLedger(tmp_path / "ledger.json")


def test_of_two_runs_the_second_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    one, other = ReleaseLedger(path), ReleaseLedger(path)
    one.intend("2026Q1-public", entry(50))
    with pytest.raises(DisclosureError, match="E929"):
        other.intend("2026Q1-public", entry(80))


def test_no_message_holds_a_count(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ReleaseLedger(path).intend("2026Q1-public", entry(7919))
    damage(path, "count")
    with pytest.raises(DisclosureError) as refused:
        ReleaseLedger(path)
    assert "79" not in str(refused.value)


@pytest.mark.parametrize(("first", "then", "shown"), [(1, 12, -1), (5, 17, -1), (1, 18, 20), (8, 24, 25)])
def test_a_hidden_number_is_printed_only_where_that_leaves_each_of_one_to_ten(first, then, shown):
    """Printed anew it is known to have moved by eleven or more: a fresh 10 would tell that 1 was hidden."""
    prints = [_Print(first, HIDDEN_CELL, True)]
    fresh = 5 * round(then / 5)
    assert _decide(then, fresh, prints, 11)[0] == shown


# -- what a reader may take for true of numbers that were kept --


def test_a_total_beside_a_cell_hidden_for_what_it_was_is_the_rounded_total() -> None:
    one = release([[24, 9, 22], [300, 300, 300]])
    two = release([[24, 14, 34], [300, 300, 300]], one)
    assert first(two).shown[0, 1] == HIDDEN_CELL  # 14 could be printed, had it not been hidden
    assert first(two).row_totals[0] == 70  # of 72; 24, 14 and 34 make 75 rounded to 5 each, and 60 to 10


def count_quarters(rng: np.random.Generator, last: int, start: np.ndarray, fact: np.ndarray, state: np.ndarray) -> list:
    """Tables of all who started by a quarter, by quarter and by a fact; few of them are moved to another state."""
    names = [f"{2020 + q // 4}Q{q % 4 + 1}" for q in range(last - 3, last + 1)]
    row = np.clip(start - (last - 4), 0, 4)[start <= last]
    now = np.where(rng.random(state.size) < 0.03, rng.integers(0, 3, state.size), state)[start <= last]
    tables = []
    for name, labels, level, is_ordered in (
        ("state", ("all",), np.zeros_like(row), False),
        ("start_quarter", (f"{2020 + (last - 4) // 4}Q{(last - 4) % 4 + 1} and earlier", *names), row, True),
        ("sex", ("female", "male"), fact[start <= last], False),
    ):
        counts = np.zeros((len(labels), 3), dtype=np.int64)
        np.add.at(counts, (level, now), 1)
        tables.append(CountTable(name, COHORT, labels, ("relief", "no_relief", "unknown"), counts, is_ordered))
    return tables


def true_cells(tables: list[CountTable], one: Protected) -> list[int]:
    """Exact counts of the printed cells, in their order."""
    sources, found = read_entry(json.loads(json.dumps(one.entry))).sources, []
    for counted, shown in zip(tables, one.tables, strict=True):
        at = 0
        for own in sources[shown.name]:
            size = next(n for n in range(1, 9) if spread(tuple(counted.rows[at : at + n])) == spread(own))
            found += counted.counts[at : at + size].sum(axis=0).tolist()
            at += size
    return found


@pytest.mark.parametrize("base", [5, 10])
def test_a_kept_number_may_be_ten_from_any_count_that_is_rounded_to_it(base: int) -> None:
    reader = Reader(RULES, False, kept={("t", "a / b"): 1})
    for basis in range(11, 60):
        low, high = reader.read("t", "a / b", int(round_counts(basis, base)), base)
        assert low <= basis - 10
        assert high >= basis + 10


def test_a_total_may_be_kept_that_was_the_sum_of_printed_cells() -> None:
    """15, 15 and 15 patients are printed as 20 each and 60 together; 60 may stay when one of them is hidden."""

    def shown(cells: list[int]) -> tuple[ShownTable, ...]:
        numbers, columns = np.array([cells, [90, 90, 90]]), ("a", "b", "c")
        return (ShownTable("t", COHORT, ("x", "y"), columns, numbers, (60, 270), (110, 110, 110), 10, (), 330),)

    kept = find_kept(shown([20, HIDDEN_CELL, 20]), [shown([20, 20, 20])])
    low, _ = Reader(RULES, False, kept=kept).read("t", f"x / {TOTAL}", 60, 10)
    assert low <= 45


@pytest.mark.parametrize("seed", range(4))
def test_all_that_the_attack_takes_for_true_is_true(seed: int) -> None:
    """Otherwise it finds what is not there, and a safe release is refused; or contradicts itself, and finds nothing."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([120, 200, 400]))
    patients = rng.integers(0, 12, n), (rng.random(n) < 0.4).astype(int), rng.choice(3, n, p=[0.25, 0.3, 0.45])
    made: list[Protected] = []
    true: list[int] = []
    for last in range(6, 12):
        counted = count_quarters(rng, last, *patients)
        earlier = [read_entry(json.loads(json.dumps(one.entry))) for one in made]
        made.append(protect_release(counted, (), RULES, earlier))
        true = true_cells(counted, made[-1]) + true
    newest_first = [one.tables for one in reversed(made)]
    kept = [find_kept(one, newest_first[i + 1 :]) for i, one in enumerate(newest_first)]
    board = Board([], [], [], [])
    laid = [lay_release(board, one, Reader(RULES, False, kept=kept[i]), i) for i, one in enumerate(newest_first)]
    join_releases(board, laid, [list_prints(one) for one in newest_first], kept, Reader(RULES, False))
    assert len(true) == len(board.low)
    untrue = [i for i, count in enumerate(true) if not board.low[i] <= count <= board.high[i]]
    untrue += [
        one.cells
        for one in board.ranges
        if not one.low <= sum(s * true[i] for i, s in zip(one.cells, one.signs, strict=True)) <= one.high
    ]
    assert untrue == []
