"""`outcomes diff`: what moved, and through what; the parts add up exactly, and nothing is guessed."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import json
import re
import shutil
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from undrawn import leave_undrawn

from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.as_of import cut_visits
from outcomes.definitions import Codebook, Protocol
from outcomes.errors import InputRefused, NotEstimable, OutcomesError
from outcomes.records import Mapping, read_records
from outcomes.release import diff as module
from outcomes.release import diff_inputs, publish
from outcomes.release import manifest as manifests
from outcomes.release.diff import diff_releases
from outcomes.release.diff_inputs import (
    INPUTS,
    Ingredients,
    Release,
    fill_inputs,
    find_files,
    find_mapping_file,
    gather,
    open_release,
)
from outcomes.release.diff_rows import compare_rows, with_added_rows
from outcomes.release.diff_tables import (
    APPEARED,
    GONE,
    MOVED,
    PARTS,
    UNATTRIBUTED,
    UNSEEN,
    Movement,
    Published,
    Step,
    needs_words,
    read_tables,
    split_movements,
)
from outcomes.release.diff_words import show_diff, summarise, write_csv
from outcomes.release.inputs import ask
from outcomes.release.publish import publish_answers
from outcomes.simulate import write_simulation

ASKED = ("relief", "recurrence")
FEW = {"inference": {"bootstrap_draws": 20}, "reporting_floor": {"suppress_cell_below": 0}}
CUT, EARLIER = datetime.date(2026, 9, 30), datetime.date(2025, 12, 31)


# -- parts, by hand ------------------------------------------------------------------------------------------------


def published(**values):
    return {
        ("t", row): Published(text, Decimal(text) if text not in ("hidden", "") else None)
        for row, text in values.items()
    }


def one(row, movements):
    return next(movement for movement in movements if movement.row == row)


def test_parts_of_a_movement_worked_by_hand():
    old, new = published(a="0.5", b="2", c="1"), published(a="0.625", b="2", d="7")
    steps = [
        Step(("data_added",), published(a="0.75", b="3")),
        Step(("rows_corrected",), published(a="0.7", b="3")),
        Step(("protocol",), new),
    ]
    moved = split_movements(old, new, steps)
    a = one("a", moved)
    assert a.status == MOVED and a.difference == Decimal("0.125") and not a.reason
    told = {name: str(a.parts[name]) for name in ("data_added", "rows_corrected", "protocol", "code", UNATTRIBUTED)}
    assert list(told.values()) == ["0.25", "-0.05", "-0.075", "0", "0"]
    # An estimate that ends where it began still says that data and protocol pulled against each other.
    b = one("b", moved)
    assert b.status == "the same" and (b.parts["data_added"], b.parts["protocol"]) == (1, -1)
    assert one("c", moved).status == "gone" and one("d", moved).status == "appeared"


def test_what_has_no_number_in_between_goes_together():
    old, new = published(a="1"), published(a="4")
    steps = [
        Step(("data_added",), published(a="hidden")),
        Step(("rows_corrected",), published(a="3")),
        Step(("protocol",), new),
    ]
    (a,) = split_movements(old, new, steps)
    assert a.parts["data_added"] is None and a.parts["rows_corrected"] is None
    assert a.parts[UNATTRIBUTED] == 2 and a.parts["protocol"] == 1
    assert a.reason == "data added and rows corrected: no number in between tells them apart"


def test_what_was_not_put_again_says_so_and_how_to_have_it():
    key = ("one_family_balance", "a")
    old, new = ({key: Published(text, Decimal(text))} for text in ("1", "3"))
    steps = [Step(("data_added",), {}), Step(("protocol",), new)]
    (a,) = split_movements(old, new, steps, not_put=("one_family",))
    assert a.parts[UNATTRIBUTED] == 2 and a.reason.startswith("data added and protocol: its question was not put again")
    assert "--all" in a.reason
    (b,) = split_movements(old, new, steps, not_put=("family",))
    assert b.reason == "data added and protocol: no number in between tells them apart"


def test_changes_that_cannot_be_told_apart_are_named_together():
    (a,) = split_movements(published(a="1"), published(a="3"), [Step(("code", "packages"), published(a="3"))])
    assert a.parts[UNATTRIBUTED] == 2 and a.parts["code"] is None is a.parts["packages"]
    assert a.reason.startswith("code and packages")


def test_without_steps_nothing_is_attributed_and_the_reason_is_given():
    (a,) = split_movements(published(a="1"), published(a="3"), [], "the input x.csv is not at hand")
    assert a.parts == {UNATTRIBUTED: 2} and a.reason == "the input x.csv is not at hand"


def test_floats_add_up_to_the_last_digit():
    # As floats these parts lose the second one altogether; as decimals they are what was printed.
    old, new = published(a="0.3"), published(a="0.1234567890123456")
    steps = [Step(("data_added",), published(a="0.30000000000000005568860141518542")), Step(("protocol",), new)]
    (a,) = split_movements(old, new, steps)
    assert sum(a.parts.values()) == a.difference == Decimal("-0.1765432109876544")
    assert a.parts["data_added"] == Decimal("5.568860141518542e-17")


# -- tables --------------------------------------------------------------------------------------------------------


def test_estimates_are_told_apart_by_ids_and_not_by_counts_or_words():
    texts = {
        "relief": "group,horizon_days,estimate,conf_low,conf_high,n\nall,7,0.25,0.2,0.4,40\nall,14,hidden,,,40\n",
        "factors": "factor,factor_label,level,n,unadjusted,estimate\nage,Age,old,30,0.1,0.2\n",
        "curve": "group,day,estimate\nall,0,0.0\n",
        "ledger": "step,n\nread,3\n",
        "definitions": "definition,kind,estimate\nfirst words,event,0.1\nother words,event,0.2\n",
    }
    words = needs_words(texts)
    assert [name for name, needed in words.items() if needed] == ["definitions"]
    found = read_tables(texts, words)
    assert list(found) == [
        ("relief", "group=all horizon_days=7"),
        ("relief", "group=all horizon_days=14"),
        ("factors", "factor=age level=old"),
        ("definitions", "definition=first words kind=event"),
        ("definitions", "definition=other words kind=event"),
    ]
    first = found["relief", "group=all horizon_days=7"]
    assert first.value == Decimal("0.25") and first.half_width == Decimal("0.1")
    assert found["relief", "group=all horizon_days=14"].value is None


def test_rows_that_nothing_tells_apart_are_numbered():
    assert [row for _, row in read_tables({"t": "group,estimate\na,1\na,2\n"})] == ["group=a", "group=a no=2"]


# -- rows ----------------------------------------------------------------------------------------------------------

HEAD = "patient_id,visit_date,pain_pre,region"
BEFORE = """P1,2026-01-05,7,lumbar
P1,2026-01-12,3,lumbar
P2,2026-01-05,6,cervical
P2,2026-02-01,5,cervical
P3,2026-01-07,8,lumbar
P3,2026-01-07,4,lumbar"""
AFTER = """P1,2026-01-05,7,lumbar
P1,2026-01-12,2,lumbar
P1,2026-03-01,1,lumbar
P2,2026-01-05,6,cervical
P3,2026-01-07,8,lumbar
P4,2026-03-02,6,lumbar"""
"""Added: P1 on 1 March, P4. Corrected days: P1 on 12 January (3 to 2), P3 (a row less). Gone: P2 on 1 February."""


def ingredients(tmp_path, rows, name="a.csv", head=HEAD, mapping=None):
    path = tmp_path / name
    path.write_text(f"{head}\n{rows}\n", encoding="utf-8")
    return Ingredients(read_records(path, mapping), Protocol(), Codebook.load(), None, "")


def test_rows_added_corrected_and_gone_counted_by_hand(tmp_path):
    old, new = ingredients(tmp_path, BEFORE), ingredients(tmp_path, AFTER, "b.csv")
    changes = compare_rows(old, new)
    assert changes.is_added.tolist() == [False, False, True, False, False, True]
    assert (changes.n_added, changes.n_corrected_days, changes.n_gone_days) == (2, 2, 1)
    mixed = with_added_rows(old, new, changes).records.table
    expected = [*BEFORE.splitlines(), AFTER.splitlines()[2], AFTER.splitlines()[5]]
    assert [",".join(row) for row in mixed[HEAD.split(",")].to_numpy()] == expected


def test_the_order_of_rows_changes_nothing(tmp_path):
    old = ingredients(tmp_path, BEFORE)
    shuffled = ingredients(tmp_path, "\n".join(reversed(BEFORE.splitlines())), "b.csv")
    changes = compare_rows(old, shuffled)
    assert not changes.is_corrected and not changes.n_added


def test_the_same_row_in_two_files_of_quarters_that_overlap_is_no_other_content(tmp_path):
    old, new = ingredients(tmp_path, BEFORE), ingredients(tmp_path, f"{BEFORE}\n{BEFORE.splitlines()[0]}", "b.csv")
    changes = compare_rows(old, new)
    assert (changes.n_added, changes.n_corrected_days, changes.n_gone_days, changes.n_repeated_days) == (0, 0, 0, 1)
    assert changes.is_corrected  # its step of the diff is taken all the same
    assert compare_rows(new, old).n_repeated_days == 1 and not compare_rows(new, new).is_corrected


def test_dates_are_compared_as_days(tmp_path):
    other = Mapping.from_dict({"dates": {"order": "dmy"}})
    text = re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3.\2.\1", BEFORE)
    changes = compare_rows(ingredients(tmp_path, BEFORE), ingredients(tmp_path, text, "b.csv", mapping=other))
    assert changes.n_added == 0 and changes.n_gone_days == 0 and not changes.same_reading


def test_what_is_acknowledged_and_who_may_see_it_is_no_other_reading(tmp_path):
    """A share acknowledged anew, as in every quarter, left all movements unattributed."""
    given = {"acknowledge": {"rows_set_aside_percent": 8.0, "by": "Jane"}, "privacy": {"dates_allowed": ["public"]}}
    other = Mapping.from_dict(given)
    changes = compare_rows(ingredients(tmp_path, BEFORE), ingredients(tmp_path, BEFORE, "b.csv", mapping=other))
    assert changes.same_reading and not changes.is_corrected
    scaled = Mapping.from_dict({"pain": {"scale": "0-100"}})
    changes = compare_rows(ingredients(tmp_path, BEFORE), ingredients(tmp_path, BEFORE, "c.csv", mapping=scaled))
    assert not changes.same_reading


def test_a_column_the_first_export_lacks_is_a_correction(tmp_path):
    text = "\n".join(f"{row},Y" if i else f"{row}," for i, row in enumerate(BEFORE.splitlines()))
    changes = compare_rows(ingredients(tmp_path, BEFORE), ingredients(tmp_path, text, "b.csv", f"{HEAD},trigger"))
    assert changes.n_added == 0 and changes.n_corrected_days == 4  # all days but the one left empty


# -- whole releases ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A simulated export: as it was at the end of 2025, that with corrections, and the whole with corrections."""
    folder = tmp_path_factory.mktemp("world")
    write_simulation(folder / "sim", patients=150, seed=5, clean=True)
    head, *rows = (folder / "sim" / "visits.csv").read_text("utf-8").splitlines()
    at, pain = head.split(",").index("visit_date"), head.split(",").index("pain_pre")
    early = [row.split(",")[at] <= EARLIER.isoformat() for row in rows]

    def correct(number, row):
        cells = row.split(",")
        if number % 10 == 0 and cells[pain]:
            cells[pain] = "8"
        return ",".join(cells)

    corrected = [correct(*item) for item in enumerate(rows)]
    n_corrected = sum(a != b for a, b, is_early in zip(rows, corrected, early, strict=True) if is_early)
    texts = {
        "first": [row for row, is_early in zip(rows, early, strict=True) if is_early],
        "longer": [row if is_early else other for row, other, is_early in zip(rows, corrected, early, strict=True)],
        "corrected": [row for row, is_early in zip(corrected, early, strict=True) if is_early],
        "whole": corrected,
    }
    for name, lines in texts.items():
        (folder / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    ids = {row.split(",")[head.split(",").index("patient_id")] for row in rows}
    return SimpleNamespace(folder=folder, ids=ids, n_added=len(rows) - len(texts["first"]), n_corrected=n_corrected)


@pytest.fixture(scope="module")
def make(world, tmp_path_factory):
    """Publish the answers of two questions, without pictures; the same release is made once."""
    made = {}
    patch = pytest.MonkeyPatch()
    leave_undrawn(patch)
    patch.setattr(publish, "render_pdf", lambda page: b"%PDF")
    patch.setattr(publish, "render_png", lambda svg: b"PNG")

    def publish_one(export, cut=CUT, gap_days=90, as_of=None, name="visits.csv"):
        key = (export, cut, gap_days, as_of)
        if key not in made:
            folder = tmp_path_factory.mktemp("release")
            path = folder / name
            shutil.copy(world.folder / f"{export}.csv", path)
            mapping = Mapping.from_dict({"dates": {"data_cut": cut}})
            records = read_records(path, mapping)
            visits = build_visits(records, Protocol.from_mapping(FEW | {"episode": {"gap_days": gap_days}}))
            episodes = build_episodes(cut_visits(visits, as_of) if as_of else visits)
            inputs = ask(records, episodes.visits, episodes, only=ASKED).protected()
            asked = as_of.isoformat() if as_of else ""
            beside = {INPUTS: partial(fill_inputs, records, None)}
            page = publish_answers(inputs, folder / "out", notebooks=False, as_of_asked=asked, beside=beside)
            made[key] = page.parent
        return made[key]

    yield publish_one
    patch.undo()


@pytest.fixture(autouse=True)
def few_questions(monkeypatch):
    monkeypatch.setattr(module, "QUESTIONS", ASKED)


@pytest.fixture(scope="module")
def both(make):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "QUESTIONS", ASKED)
        first, second = make("first", EARLIER), make("whole", gap_days=60)
        return first, second, diff_releases(first, second)


def used(found):
    """The parts that any movement was credited with."""
    return {name for m in found.moved for name in (*PARTS, UNATTRIBUTED) if m.parts.get(name)}


def test_a_release_can_be_made_again_from_itself(make):
    release = open_release(make("whole", gap_days=60))
    run = module._Run(ASKED, needs_words(release.tables), lambda _: None)
    again = module._estimate(gather(release), ("protocol",), run)
    published = read_tables(release.tables, run.words)
    assert len(published) > 100 and {key: value.text for key, value in again.items()} == {
        key: value.text for key, value in published.items()
    }


def test_the_parts_of_every_movement_add_up_exactly(both):
    *_, found = both
    assert len(found.moved) > 50 and not found.not_attributed
    assert used(found) >= {"data_added", "rows_corrected", "protocol"} and not used(found) & {
        "code",
        "packages",
        "codebook",
    }
    for movement in found.moved:
        assert sum(part for part in movement.parts.values() if part is not None) == movement.difference, movement.row


def test_each_part_is_that_of_a_report_made_by_hand(both, make):
    """What lies between is compared with releases of exports that were put together as text."""
    first, second, found = both
    between = [make("longer"), make("whole"), second]
    words = needs_words(*(open_release(folder).tables for folder in (first, *between)))
    before = read_tables(open_release(first).tables, words)
    for name, folder in zip(("data_added", "rows_corrected", "protocol"), between, strict=True):
        after = read_tables(open_release(folder).tables, words)
        told = [m for m in found.movements if m.parts.get(name) is not None and not m.reason]
        checked = 0
        for at, part in (((m.table, m.row), m.parts[name]) for m in told):
            if at in before and at in after and None not in (before[at].value, after[at].value):
                assert part == after[at].value - before[at].value, (name, at)
                checked += 1
        assert checked > 50
        before = after


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        (("first", EARLIER), ("longer",), "data_added"),
        (("first", EARLIER), ("corrected", EARLIER), "rows_corrected"),
        (("whole",), ("whole", CUT, 60), "protocol"),
    ],
)
def test_a_single_change_is_credited_with_everything(make, old, new, part):
    found = diff_releases(make(*old), make(*new))
    assert found.moved and used(found) == {part} and not found.not_attributed
    assert all(movement.parts[part] == movement.difference for movement in found.moved)


def test_a_later_as_of_date_of_the_same_file_is_told_by_name(make):
    found = diff_releases(make("whole", as_of=EARLIER), make("whole"))
    assert "as-of date" in found.changes and "inputs" not in found.changes
    assert found.moved and used(found) == {"as_of_date"}


def test_a_release_does_not_differ_from_itself(make):
    found = diff_releases(make("whole"), make("whole"))
    assert not found.moved and found.changes == () and not found.not_attributed
    assert "0 moved" in show_diff(found)


def test_rows_are_counted_as_the_world_was_made(both, world):
    *_, found = both
    assert found.rows.n_added == world.n_added and found.rows.n_corrected_days == world.n_corrected
    assert found.rows.n_gone_days == 0


def test_inputs_that_are_not_at_hand_are_named_and_nothing_is_attributed(make, tmp_path):
    old, new = (
        shutil.copytree(release, tmp_path / name / release.name)
        for release, name in ((make("whole"), "a"), (make("longer"), "b"))
    )
    found = diff_releases(old, new)
    assert found.not_attributed == (f"the input visits.csv of a/{old.name} is not at hand",)
    assert found.moved and all(m.parts == {UNATTRIBUTED: m.difference} for m in found.moved)
    assert "Not attributed: the input visits.csv" in show_diff(found)
    # Named by hand, under another name and in a folder with other files, they are found by their hash.
    places = [make("whole").parents[1], make("longer").parents[1]]
    assert diff_releases(old, new, [places[0]], [places[1] / "visits.csv"]).not_attributed == ()


def test_where_the_inputs_lay_is_for_the_owner_only_and_not_in_the_release(make):
    release = make("whole")
    memory = release.parent / f"{release.name}-inputs.json"
    assert str(release.parents[1]) in memory.read_text("utf-8") and memory.stat().st_mode & 0o077 == 0
    for path in release.rglob("*"):
        assert not path.is_file() or str(release.parents[1]).encode() not in path.read_bytes()


def test_an_input_that_was_edited_is_not_at_hand(make, tmp_path):
    release = make("corrected", EARLIER)
    copy = tmp_path / "visits.csv"
    copy.write_bytes((release.parents[1] / "visits.csv").read_bytes().replace(b"lumbar", b"Lumbar", 1))
    moved = shutil.copytree(release, tmp_path / "r" / release.name)
    found = diff_releases(moved, make("first", EARLIER), [copy])
    assert "is not at hand" in found.not_attributed[0]


def test_a_release_that_was_edited_is_not_compared(make, tmp_path):
    release = make("whole")
    copy = shutil.copytree(release, tmp_path / release.name)
    (copy / "tables" / "relief.csv").write_text("group,estimate\nall,1\n")
    with pytest.raises(InputRefused, match=r"E885.*tables/relief.csv \(edited\)"):
        diff_releases(copy, release)


def as_if_made_elsewhere(release, folder, **environment):
    """The same release with another installation in its manifest, sealed anew."""
    copy = shutil.copytree(release, folder / release.name)
    path = copy / "manifest.json"
    plain = json.loads(path.read_text("utf-8"))
    plain["environment"] |= environment
    path.write_text(manifests.to_json(plain | {manifests.SELF: manifests.hash_manifest(plain)}), "utf-8")
    shutil.copy(release.parent / f"{release.name}-inputs.json", folder)
    return copy


def test_code_alone_is_credited_with_everything_that_moved(make, tmp_path):
    elsewhere = as_if_made_elsewhere(make("whole"), tmp_path, code="0" * 64)
    table = elsewhere / "tables" / "relief.csv"
    table.write_text(table.read_text().replace("all,28,0.", "all,28,0.9", 1))
    plain = json.loads((elsewhere / "manifest.json").read_text("utf-8"))
    plain["outputs"]["tables/relief.csv"] = manifests.hash_file(table)
    (elsewhere / "manifest.json").write_text(
        manifests.to_json(plain | {manifests.SELF: manifests.hash_manifest(plain)})
    )
    found = diff_releases(elsewhere, make("whole"))
    assert found.changes == ("code",) and len(found.moved) == 1 and used(found) == {"code"}


def test_code_and_data_are_told_apart_where_this_installation_made_the_second(make, tmp_path):
    elsewhere = as_if_made_elsewhere(make("first", EARLIER), tmp_path, code="0" * 64)
    found = diff_releases(elsewhere, make("longer"))
    assert set(found.changes) >= {"inputs", "code"} and not found.not_attributed
    # The code is the same in truth, so that running the first release here moves nothing.
    assert found.moved and used(found) == {"data_added"}
    back = diff_releases(make("longer"), as_if_made_elsewhere(make("whole"), tmp_path / "back", lock="0" * 64))
    assert back.moved and used(back) == {"rows_corrected"}


def test_code_and_packages_are_not_told_apart(make, tmp_path):
    elsewhere = as_if_made_elsewhere(make("first", EARLIER), tmp_path, code="0" * 64, lock="1" * 64)
    found = diff_releases(elsewhere, make("longer"))
    assert found.not_attributed == (
        "code and packages both changed: one installation cannot tell them apart, and they go together",
    )
    assert used(found) == {"data_added"} and all(m.parts["code"] is None for m in found.moved)


def test_two_other_installations_are_refused(make, tmp_path):
    old, new = (
        as_if_made_elsewhere(make(*key), tmp_path / str(i), code=str(i) * 64)
        for i, key in enumerate((("first", EARLIER), ("longer",)))
    )
    found = diff_releases(old, new)
    assert found.moved and used(found) == {UNATTRIBUTED}
    assert "the code or the packages of either release are not those installed here" in found.not_attributed[0]


def test_a_mapping_that_changed_goes_with_the_data(both, make, tmp_path):
    first, *_ = both
    records = read_records(
        make("longer").parents[1] / "visits.csv", Mapping.from_dict({"values": {"missing": ["", "n/a"]}})
    )
    visits = build_visits(records, Protocol.from_mapping(FEW))
    episodes = build_episodes(visits)
    page = publish_answers(ask(records, visits, episodes, only=ASKED).protected(), tmp_path, notebooks=False)
    found = diff_releases(first, page.parent, inputs_new=[make("longer").parents[1]])
    assert used(found) == {UNATTRIBUTED} and "the mapping changed with the data" in found.not_attributed[0]


def publish_read_otherwise(release, folder):
    """Publish what the export of a release says where a rating of 6 is read as missing."""
    mapping = Mapping.from_dict({"dates": {"data_cut": CUT}, "values": {"missing": ["", "6"]}})
    records = read_records(release.parents[1] / "visits.csv", mapping)
    visits = build_visits(records, Protocol.from_mapping(FEW))
    episodes = build_episodes(visits)
    return publish_answers(ask(records, visits, episodes, only=ASKED).protected(), folder, notebooks=False).parent


def test_a_mapping_that_changed_alone_is_told_by_name(make, tmp_path):
    before = make("longer")
    after = publish_read_otherwise(before, tmp_path)
    found = diff_releases(before, after, inputs_new=[before.parents[1]])
    assert found.changes == ("mapping",) and not found.not_attributed
    assert found.moved and used(found) == {"mapping"}
    for movement in found.moved:
        assert movement.parts["mapping"] == movement.difference


def test_nothing_that_is_shown_or_written_names_a_patient(both, world):
    *_, found = both
    said = show_diff(found, most=10**6) + write_csv(found)
    assert not world.ids & set(re.split(r"[^A-Za-z0-9_-]+", said))


def test_the_csv_holds_every_movement_and_adds_up(both):
    *_, found = both
    rows = list(csv.DictReader(io.StringIO(write_csv(found))))
    assert len(rows) == len(found.movements)
    moved = [row for row in rows if row["status"] == "moved"]
    assert len(moved) == len(found.moved)
    for row in moved:
        assert sum(Decimal(row[name] or 0) for name in (*PARTS, UNATTRIBUTED)) == Decimal(row["difference"])


def test_the_headline_is_said_in_words(both):
    *_, found = both
    (said,) = [line for line in summarise(found) if line.startswith("The share relieved by day 28 went from")]
    assert "data added" in said and "points" in said
    assert not re.search(r"effective|reduces|proves|worse|underperform|rank", show_diff(found))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.6936", "", "The share relieved by day 28 is 69.4 % in the first; the second gives none for that day."),
        ("hidden", "0.61", "The share relieved by day 28 is 61.0 % in the second; the first hides it."),
    ],
)
def test_a_headline_that_only_one_of_the_two_shows_is_said(both, old, new, said):
    *_, found = both
    where = ("relief", "group=all horizon_days=28")
    kept = [one for one in found.movements if (one.table, one.row) != where]
    (one,) = [one for one in found.movements if (one.table, one.row) == where]
    unseen = dataclasses.replace(one, status=UNSEEN, old=old, new=new, difference=None, parts={})
    lines = summarise(dataclasses.replace(found, movements=(*kept, unseen)))
    assert [line for line in lines if line.startswith("The share relieved")] == [said]


@pytest.mark.parametrize(("later", "shown"), [("0.4317", "43.2 %"), ("hidden", "hidden")])
def test_headlines_of_two_days_are_said_side_by_side_and_not_as_a_movement(later, shown):
    def release(day):
        return SimpleNamespace(manifest={"protocol": {"horizons_days": {"primary": day, "primary_recurrence": 365}}})

    def one(day, status, old, new):
        return Movement("relief", f"group=all horizon_days={day}", status, old, new, None, {}, "", 0.0)

    movements = (one(28, GONE, "0.4879", ""), one(21, APPEARED, "", later))
    found = SimpleNamespace(movements=movements, old=release(28), new=release(21), not_attributed=())
    assert [line for line in summarise(found) if line.startswith("The share relieved")] == [
        "The share relieved is read by day 28 in the first (48.8 %) and by day 21 in the second "
        f"({shown}): no movement."
    ]


def test_the_largest_movement_stands_first(both):
    *_, found = both
    sizes = [movement.in_half_widths for movement in found.moved]
    assert sizes == sorted(sizes, reverse=True)


def test_the_command_says_what_moved(make, tmp_path, capsys):
    target = tmp_path / "moved.csv"
    code = cli.main(["diff", str(make("first", EARLIER)), str(make("longer")), "--quiet", "--csv", str(target)])
    assert (
        code == 0
        and "data added" in capsys.readouterr().out
        and target.read_text("utf-8").startswith("table,row,status")
    )
    assert cli.main(["diff", str(make("first", EARLIER)), str(make("longer")), "--no-rerun", "--quiet"]) == 0
    assert "Not attributed: it was not asked for." in capsys.readouterr().out
    assert cli.main(["diff", str(tmp_path), str(make("longer")), "--quiet"]) == 2
    assert dataclasses.is_dataclass(diff_releases(make("longer"), make("longer")))


# -- what is not at hand -------------------------------------------------------------------------------------------


def bare(tmp_path, **manifest):
    """A release with nothing but its manifest."""
    folder = tmp_path / "out" / "2026Q2"
    (folder / "config").mkdir(parents=True)
    return Release(folder, manifest, {})


def test_a_release_without_an_input_is_not_made_again(tmp_path):
    with pytest.raises(OutcomesError, match="out/2026Q2 names no input"):
        find_files(bare(tmp_path, inputs=[]))


def test_a_file_that_cannot_be_read_is_not_the_input(tmp_path, monkeypatch):
    (tmp_path / "visits.csv").write_text("a")
    digest = manifests.hash_file(tmp_path / "visits.csv")
    release = bare(tmp_path, inputs=[{"name": "visits.csv", "sha256": digest, "size_bytes": 1}])
    assert find_files(release, [tmp_path]) == [tmp_path / "visits.csv"]

    def deny(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(diff_inputs, "hash_file", deny)
    with pytest.raises(OutcomesError, match=r"the input visits\.csv of out/2026Q2 is not at hand"):
        find_files(release, [tmp_path])


def test_another_vocabulary_than_that_of_the_release_is_named(make):
    release = open_release(make("whole"))
    said = release.manifest["definitions"] | {"codebook": "0" * 12}
    other = dataclasses.replace(release, manifest=release.manifest | {"definitions": said})
    with pytest.raises(OutcomesError, match=r"the vocabulary of .* is not that of this installation"):
        gather(other)


@pytest.mark.parametrize("text", ["[pain", '[pain]\nscale = "0-100"\n'])
def test_a_mapping_that_cannot_be_used_or_reads_otherwise_is_not_that_of_the_release(tmp_path, text):
    release = bare(tmp_path, definitions={"mapping": Mapping().hash})
    path = release.folder / "config" / "mapping.toml"
    path.write_text("")
    assert find_mapping_file(release) == path
    path.write_text(text)
    with pytest.raises(OutcomesError, match="the mapping of out/2026Q2 is not at hand: words of it are withheld"):
        find_mapping_file(release)


def test_rows_added_with_a_column_the_first_export_lacks_stand_beside_blanks(tmp_path):
    old = ingredients(tmp_path, BEFORE)
    new = ingredients(tmp_path, f"{BEFORE.replace(chr(10), ',' + chr(10))},\nP9,2026-04-01,5,lumbar,lifting", "b.csv",
                      f"{HEAD},trigger")  # fmt: skip
    mixed = with_added_rows(old, new, compare_rows(old, new)).records
    assert mixed.n == 7 and mixed.table["trigger"].fillna("").tolist() == [""] * 6 + ["lifting"]


def test_definitions_change_one_after_the_other():
    settings = SimpleNamespace(hash="a"), SimpleNamespace(hash="b")
    old, new = (Ingredients(None, one, one, None, "") for one in settings)
    assert list(module._change_settings(old, old)) == []
    (first, between), (second, after) = module._change_settings(old, new)
    assert (first, second) == (("protocol",), ("codebook",))
    assert (between.protocol.hash, between.codebook.hash) == ("b", "a") and after is new
    same_rules = dataclasses.replace(old, protocol=new.protocol)
    assert list(module._change_settings(same_rules, new)) == [(("codebook",), new)]


def test_a_quarter_that_a_mixture_cannot_tell_is_not_asked_for(monkeypatch):
    asked = []

    def put(records, visits, episodes, quarter, **_):
        asked.append(quarter)
        if quarter is not None:
            raise NotEstimable("There is no quarter 2026Q2 in these records.")
        tables = {"relief": pd.DataFrame({"group": ["all"], "estimate": [0.5]})}
        return SimpleNamespace(protected=lambda: SimpleNamespace(tables=lambda: tables))

    monkeypatch.setattr(module, "ask", put)
    monkeypatch.setattr(module, "build", lambda parts: SimpleNamespace(visits=None))
    told = []
    parts = Ingredients(None, None, None, None, "2026Q2")
    found = module._estimate(parts, ("protocol",), module._Run(ASKED, {}, told.append))
    assert asked == ["2026Q2", None] and told == ["after protocol"]
    assert [value.text for value in found.values()] == ["0.5"]
