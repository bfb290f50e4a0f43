"""Steps of a public release that whole releases seldom take, each on the least that leads there."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from outcomes.definitions import Codebook, Protocol
from outcomes.errors import ConservationError, DisclosureError
from outcomes.estimators.proportions import wilson
from outcomes.release.public import protect
from outcomes.release.public.attack_releases import find_sums, was_told
from outcomes.release.public.curve_points import MOST_PATIENTS, STEPS, _count_sizes, round_limits
from outcomes.release.public.curves import find_least
from outcomes.release.public.earlier import EarlierCurve, read_entry, settle, start_from
from outcomes.release.public.figures import draw_curve
from outcomes.release.public.frames import CURVE_COLUMNS, _line, to_frames
from outcomes.release.public.gate import build_gate
from outcomes.release.public.knowledge import UNBOUNDED, _links
from outcomes.release.public.labels import merge_labels
from outcomes.release.public.ledger import NAME, ReleaseLedger
from outcomes.release.public.manifest import describe_rules
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, Cohort, CountTable, ShownCurve, ShownTable
from outcomes.release.public.moves import walk
from outcomes.release.public.numbers import build_numbers
from outcomes.release.public.page import PublicFacts, build_public_page
from outcomes.release.public.protect import protect_release
from outcomes.release.public.published import find_small, hide_with_total
from outcomes.release.public.sign import _check_gate
from outcomes.release.public.system import System
from outcomes.release.svg import INK
from outcomes.release.tables import to_csv

COHORT = Cohort("patients", "patients", "d1")


def table(counts, name="t", definition="d1", rows=(), ordered=False):
    array = np.array(counts, dtype=np.int64)
    rows = rows or tuple(f"{10 * i} to {10 * i + 9} days" for i in range(len(array)))
    cohort = replace(COHORT, definition=definition)
    return CountTable(name, cohort, tuple(rows), tuple("abcdef"[: array.shape[1]]), array, ordered)


def numbers_of(*tables):
    return build_numbers(tables, [tuple((i,) for i in range(len(one.rows))) for one in tables])


def entry_of(*tables, before=()):
    return read_entry(json.loads(json.dumps(protect_release(tables, (), RULES, list(before)).entry)))


# -- numbers and names -------------------------------------------------------------------------------------------------


def test_two_rows_open_at_either_end_are_named_by_both():
    assert merge_labels("under 30", "70 and over") == "under 30 to 70 and over"


def test_a_number_that_is_not_the_same_in_two_tables_is_a_fault_of_the_program():
    """Rows, columns and all together are alike; only the cells of the second are others, under the same name."""
    one, other = table([[40, 60], [55, 70]]), table([[41, 59], [54, 71]])
    with pytest.raises(ConservationError, match=r"E922 .*'patients' do not hold the same patients: table 't'"):
        numbers_of(one, other)
    assert numbers_of(one, replace(other, name="u")).exact.size == 9 + 6


def test_beside_a_hidden_total_of_nobody_there_is_nobody_to_hide():
    """The smallest cell that counts somebody goes with its row's total; a row of zeros has none."""
    numbers = numbers_of(table([[0, 0], [30, 40]]))
    hidden = np.zeros(numbers.exact.size, dtype=np.bool_)
    place = numbers.places[0]
    hidden[place.rows] = True
    found = hide_with_total(numbers, hidden)
    assert found[place.cells].tolist() == [[False, False], [True, False]]


@pytest.mark.parametrize(("patients", "limits"), [(MOST_PATIENTS + 1, (21, 39)), (12, None)])
def test_limits_of_so_many_patients_that_none_is_found_again_are_rounded_least(patients, limits):
    found = round_limits(0.3, 0.211, 0.389, patients, RULES)
    assert found == limits or (limits is None and found[0] < 21 and found[1] > 39)
    assert STEPS[0] == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("events", "patients"), [(4, 12), (20, 50), (50, 120)])
def test_numbers_of_patients_with_the_same_limits_are_those_of_a_plain_count(events, patients, step):
    share = events / patients

    def rounded(n):
        (low,), (high,) = wilson(share * n, n)
        return math.floor(100 * low / step), math.ceil(100 * high / step)

    expected = sum(rounded(n) == rounded(patients) for n in range(1, 3 * patients + 20))
    assert _count_sizes(share, patients, step) == expected


# -- earlier releases --------------------------------------------------------------------------------------------------


BANDS = [[90, 95], [4, 3], [50, 60], [80, 90]]


def test_bands_begin_as_the_last_release_that_had_the_table_left_them():
    first = entry_of(table(BANDS, ordered=True))
    other = entry_of(table([[200, 272]], "u"))
    parts = ((0,), (1, 2), (3,))
    now = table(BANDS, ordered=True)
    assert start_from(now, [first], RULES.base)[0] == parts
    # One that did not have the table says nothing of it, and one under another definition ends the search.
    assert start_from(now, [first, other], RULES.base)[0] == parts
    redefined = replace(now, cohort=replace(COHORT, definition="d2"))
    assert start_from(redefined, [first, other], RULES.base) == (((0,), (1,), (2,), (3,)), RULES.base)


def test_a_number_shared_by_all_tables_that_an_earlier_release_did_not_print_is_new():
    """Column totals of columns that are new have no earlier printing, and no rows to be put together of."""
    before = entry_of(table([[40, 60], [55, 70]]))
    now = table([[40, 60, 31], [55, 70, 44]])
    numbers = numbers_of(now)
    base = np.full(numbers.exact.size, RULES.base)
    alone = protect.publish(numbers, np.zeros(base.size, dtype=np.bool_), base)
    settled = settle(alone, [before], {"patients": "d1"}, RULES, np.zeros(base.size, dtype=np.bool_))
    new = numbers.places[0].columns[2]
    assert settled.shown[new] == alone.shown[new] == 75
    assert settled.basis[new] == 75


@pytest.mark.parametrize(
    ("second", "more", "printed"),
    [
        ((25, 15), (0, 0), (65, 75)),
        ((25, 15), (3, -2), (65, 75)),  # it stands as the sum of what was printed
        ((25, 15), (10, 10), (65, 75)),
        ((25, 15), (11, 11), (75, 85)),  # 76 and 86 anew
        ((3, 32), (5, 3), (50, 95)),  # one part was hidden, and with it the sum: 48, and 95 anew
    ],
)
def test_rows_put_together_now_stand_as_what_was_printed_of_them_until_eleven_more_are_in_it(second, more, printed):
    """40 and 60, 25 and 15 were printed of rows apart; a sum of two printed numbers is one printed number."""
    before = entry_of(table([[40, 60], list(second), [50, 55]]))
    now = table([[40, 60], [second[0] + more[0], second[1] + more[1]], [50, 55]])
    numbers = build_numbers([now], [((0, 1), (2,))])
    never = np.zeros(numbers.exact.size, dtype=np.bool_)
    alone = protect.publish(numbers, never, np.full(numbers.exact.size, RULES.base))
    settled = settle(alone, [before], {"patients": "d1"}, RULES, never)
    assert settled.shown[numbers.places[0].cells].tolist() == [list(printed), [50, 55]]


def shown(cells, rows, totals=None):
    array = np.array(cells, dtype=np.int64)
    seen = np.where(array == HIDDEN_CELL, 0, array)
    own = totals or tuple(seen.sum(axis=1).tolist())
    return ShownTable("t", COHORT, rows, ("a", "b"), array, own, tuple(seen.sum(axis=0).tolist()), 5, (), seen.sum())


def test_a_hidden_total_of_a_part_is_no_part_of_a_sum():
    rows = ("2024Q1 and earlier", "2024Q2")
    now = shown([[95, 130]], ("2024Q2 and earlier",))
    whole = find_sums([now], [[shown([[40, 60], [55, 70]], rows)]])
    assert whole == {("t", f"earlier / {column}") for column in ("a", "b", "total")} & whole and whole
    part = find_sums([now], [[shown([[40, 60], [55, 70]], rows, totals=(HIDDEN_CELL, 125))]])
    assert whole - part <= {("t", "earlier / total")} and ("t", "earlier / total") not in part
    assert ("t", "earlier / a") in part
    # Two rows of two printed cells may each be 2 off, and the new number 2 more: 10 from 225.
    for total, may_be in ((235, True), (240, False)):
        found = find_sums([shown([[95, total - 95]], ("2024Q2 and earlier",))], [[shown([[40, 60], [55, 70]], rows)]])
        assert (("t", "earlier / total") in found) == may_be


def test_nobody_and_everybody_are_hidden_in_a_small_group_of_states_only():
    """Of 12 patients all are in one row: that is no state of theirs. Of 12 in a row, none has the state a: it is."""
    assert not find_small(numbers_of(table([[12], [0]])), RULES).any()
    states = numbers_of(table([[0, 12], [40, 60]]))
    hidden = [key for key, gone in zip(states.keys, find_small(states, RULES), strict=True) if gone]
    assert {(*key.rows, key.column) for key in hidden} == {("0 to 9 days", "a"), ("0 to 9 days", "b")}


def test_a_number_is_told_by_the_first_release_that_printed_it():
    rows = ("row 0", "row 1")
    hidden = shown([[40, HIDDEN_CELL], [55, 70]], rows)
    printed = shown([[40, 20], [55, 70]], rows)
    later = shown([[40, 35], [55, 70]], rows)
    item = Attacked("t", "row 0 / b", 18, 22, True, "")
    # It was hidden, then 20, then 35: a 20 stands for 18 to 22.
    assert was_told(item, [hidden], [[hidden], [printed], [later]], RULES)
    assert not was_told(item, [hidden], [[hidden], [later]], RULES)
    assert not was_told(item, [hidden], [[hidden]], RULES)
    assert not was_told(item, [printed], [[printed]], RULES)


# -- no way to publish -------------------------------------------------------------------------------------------------


def test_after_the_last_round_nothing_is_published(monkeypatch):
    monkeypatch.setattr(protect, "MOST_ROUNDS", 1)
    counts = [table([[90, 95], [14, 6], [50, 60]])]
    monkeypatch.setattr(protect, "find_weak", lambda system, targets, least, known: [_place(targets)])
    with pytest.raises(DisclosureError, match="could still be worked back"):
        protect_release(counts)


def _place(targets):
    return type("Weak", (), {"place": int(targets[0])})()


def test_what_only_looks_worked_out_does_not_keep_a_release_back(monkeypatch):
    """A reader of one release alone is misled by what was kept: all is done that can be, and then it is published."""
    before = entry_of(table([[90, 95], [54, 66]]))
    misled = Attacked("t", "0 to 9 days / a", 3, 3, False, "total less the others")
    monkeypatch.setattr(protect, "attack", lambda *_: (misled,))
    found = protect_release([table([[93, 120], [70, 66]])], (), RULES, [before]).tables[0]
    assert (found.shown[0] == HIDDEN_CELL).all()
    # Without an earlier release nothing is kept, and nobody is misled.
    assert (protect_release([table([[93, 120], [70, 66]])]).tables[0].shown > 0).all()


# -- what is written ---------------------------------------------------------------------------------------------------


def test_a_ledger_is_kept_where_a_folder_cannot_be_flushed(tmp_path, monkeypatch):
    ledger = ReleaseLedger(tmp_path / NAME)
    monkeypatch.setattr("outcomes.release.public.ledger.os.name", "elsewhere")
    head = ledger.intend("2024Q1", protect_release([table([[40, 60], [55, 70]])]).entry)
    monkeypatch.undo()
    assert [item["head"] for item in json.loads(ledger.path.read_text(encoding="utf-8"))["releases"]] == [head]


def gate_texts(**changed):
    tables = protect_release([table([[40, 60], [55, 70]], "sex")]).tables
    return {name: to_csv(frame) for name, frame in to_frames(tables, ()).items()} | changed


def test_a_table_without_its_total_is_no_table_of_a_public_release():
    texts = gate_texts()
    texts["public_sex"] = texts["public_sex"].rpartition("\n")[0].rpartition("\n")[0] + "\n"
    made = {"sex": {"cohort": "patients", "base": 5, "parent": ""}}
    with pytest.raises(ValueError, match="without its total"):
        build_gate(texts, made, RULES)


@pytest.mark.parametrize("manifest", [{}, {"tables": {}}, {"tables": None}])
def test_a_draft_whose_tables_are_none_of_a_public_release_is_not_signed(tmp_path, manifest):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "public_sex.csv").write_text(gate_texts()["public_sex"], encoding="utf-8")
    with pytest.raises(DisclosureError, match=r"E966 .*does not say what the tables of the release say"):
        _check_gate(tmp_path, {"rules": describe_rules(RULES), **manifest})


@pytest.mark.parametrize(("shown_total", "words"), [(225, "About 225 patients"), (HIDDEN_CELL, "Too few patients")])
def test_the_head_of_the_page_gives_the_number_of_patients_or_says_that_it_may_not(shown_total, words):
    state = ShownTable(
        "state", COHORT, ("all",), ("relief", "no_relief", "unknown"), np.array([[100, 125, 0]]), (shown_total,),
        (100, 125, 0), 5, (), shown_total,
    )  # fmt: skip
    facts = PublicFacts(
        Protocol(), Codebook.load(), "2024Q1", RULES.k, "5", {"rules": [], "reasons": [], "identifiers": []}
    )
    page = build_public_page(to_frames([state], ()), facts)
    assert page.facts[1].replace("\N{NO-BREAK SPACE}", " ").startswith(words)


@pytest.mark.parametrize(
    ("counts", "total", "percents"),
    [((40, HIDDEN_CELL), 60, [67, "<11"]), ((60, HIDDEN_CELL), 60, ["<11", "<11"]), ((60, 0), 60, [100, 0])],
)
def test_beside_what_is_hidden_no_100_percent_is_said(counts, total, percents):
    found = _line(("a", "b"), counts, total, 100, "<11")
    assert [percent for _, _, percent in found] == [*percents, 60] and [n for _, n, _ in found] == [*counts, total]


def points(*groups):
    rows = [
        ("patients", group, day, share, share - 8, share + 8, 20, 30)
        for group, shares in groups
        for day, share in zip((28, 56), shares, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def test_groups_of_a_curve_are_named_at_their_ends_and_below():
    """One group needs no name and has its values; of several each has one at its line, and one at its numbers."""
    alone = {text.get_text() for text in draw_curve(points(("all", (20, 60)))).texts}
    assert "60 %" in alone and "all" not in alone
    below = [text for text in draw_curve(points(("all", (20, 60)))).texts if text.get_text() == "30"]
    assert {text.get_color() for text in below} == {INK}
    for high, top in ((19, 25), (20, 50), (44, 50), (45, 75), (69, 75), (70, 100), (95, 100)):
        assert draw_curve(points(("all", (10, high - 8)))).get_ylim() == (0, top)  # 6 are left above, or it ends at 100
    ax = draw_curve(points(("0 to 14 days", (20, 60)), ("15 days or more", (10, 35))))
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("0 to 14 days") == texts.count("15 days or more") == 2
    assert "60 %" not in texts and texts.count("30") == 4
    ends = {text.get_text(): text.get_position() for text in ax.texts if text.get_position()[0] > 56}
    assert ends["0 to 14 days"][1] > ends["15 days or more"][1]


@pytest.mark.parametrize(
    ("at_risk", "percent", "least"),
    [
        (40, 40, 58),  # 20 with the event, and 38 are rounded to 40; by the share there are 50 at least
        (15, 19, 103),  # 20 of 102 are 19.6 %, which is 20
        (10, 100, 31),  # 8 to 12, but what is printed has 11 at least
    ],
)
def test_the_fewest_patients_of_a_curve_follow_from_what_is_printed(at_risk, percent, least):
    days, shown = np.array([28]), (np.array([one]) for one in (20, at_risk, percent, 0, 100))
    curve = EarlierCurve(ShownCurve("relief", "all", COHORT, days, *shown, base=5), (20,), 20, 70)
    assert find_least(curve) == least


def test_two_releases_tell_that_a_number_moved_little_or_much():
    counts, places = np.array([30, 40, 60, 19]), {"one number": [0, 1, 2, 3]}
    # The rule prints a number again only while it is 10 away at most; a hidden one is further from what is printed.
    assert list(_links(places, counts, 10, printed={0, 1})) == [
        ((0, 1), (1, -1), -10, 10),
        ((0, 2), (-1, 1), 11, UNBOUNDED),
        ((0, 3), (1, -1), 11, UNBOUNDED),
        ((1, 2), (-1, 1), 11, UNBOUNDED),
        ((1, 3), (1, -1), 11, UNBOUNDED),
    ]
    assert next(iter(_links(places, counts, 10, printed={3}))) == ((0, 3), (1, -1), 11, UNBOUNDED)
    assert list(_links(places, counts, 10, printed=set())) == []


@pytest.mark.parametrize(
    ("high", "first"),
    [(10, [3, 4, 5, 6, 7]), (4, [3, 4, 2, 1, 0]), (3, [3, 2, 1, 0])],  # up first, then down
)
def test_one_patient_at_a_time_is_moved_within_the_bounds(high, first):
    """Of 7 patients 3 and 4 are hidden."""
    one = np.array([7])
    system = System(
        np.array([3, 4]), np.zeros(2, int), np.array([high, 10]), sparse.csr_array(np.ones((1, 2))), one, one
    )
    found = walk(system, [0], 5)
    assert found.tolist() == [[n, 7 - n] for n in first[1:]] and system.holds(found).all()
