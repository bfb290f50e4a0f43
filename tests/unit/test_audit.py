"""The reader who wants to know: what it works out by hand, what it must leave open, and what the command says."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from outcomes.cli import audit as command
from outcomes.errors import InputRefused
from outcomes.release import audit
from outcomes.release.audit_book import Book, read_csv
from outcomes.release.audit_relations import relate
from outcomes.release.audit_system import System
from outcomes.release.audit_text import find_few_in_words, read_texts
from outcomes.release.manifest import FORMAT
from outcomes.release.public.attack_releases import was_told
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, Cohort, ShownTable
from outcomes.release.public.words import list_readings
from outcomes.release.tables import to_csv

SUM = "the rows of episode_ends.csv add up"


def lay_out(tables):
    """A book of tables given as rows of texts, with everything they are to each other."""
    book = Book({name: [dict(line) for line in lines] for name, lines in tables.items()}, 5)
    relate(book)
    return book


def ends(*events, n="40"):
    """Ends of episodes: one row each."""
    return [
        {"end_reason": f"end {i}", "label": f"End {i}", "n": n, "events": str(value), "estimate": ""}
        for i, value in enumerate(events)
    ]


def left_of(book):
    """Values left of each hidden count, by the line of its cell."""
    return {cell.line: answer for cell, which, answer in audit.attack_book(book) if which == "count"}


def test_a_lone_hidden_part_is_the_total_less_the_others():
    answer = left_of(lay_out({"episode_ends": ends(20, 17, "<5")}))[4]
    assert answer.small == (3,)
    assert not answer.other
    assert answer.way == SUM


def test_a_part_with_a_cover_may_be_anything_below_the_floor():
    answers = left_of(lay_out({"episode_ends": ends(20, "hidden", "<5")}))
    assert answers[4].small == (1, 2, 3, 4)


def test_the_marks_of_parts_that_are_all_small_can_give_them_away():
    # Four and four of eight, and one and one of two.
    for total, left in (("8", (4,)), ("2", (1,)), ("5", (1, 2, 3, 4))):
        answers = left_of(lay_out({"episode_ends": ends("<5", "<5", n=total)}))
        assert {answers[2].small, answers[3].small} == {left}


def test_a_hidden_part_that_is_not_small_covers_no_small_one_of_a_small_sum():
    # Six in all: the hidden one is 0 or at least 5, the small one is 1 or, beside a 0, would be 6.
    assert left_of(lay_out({"episode_ends": ends(34, "hidden", "<5")}))[4].small == (1,)


def test_a_share_beside_a_hidden_count_gives_it_back():
    rows = ends(20, "hidden", "<5")
    rows[2]["estimate"] = repr(3 / 40)
    assert left_of(lay_out({"episode_ends": rows}))[4].small == (3,)


def test_one_count_hidden_in_one_table_and_printed_in_another_is_known():
    relief = [{"group": "all", "horizon_days": "28", "n": "40", "events": "<5", "estimate": "hidden"}]
    rules = [{"rule": "confirmed", "n": "40", "events": "3", "estimate": "hidden"}]
    day = [{"item": "day", "value": "28"}]
    book = lay_out({"relief": relief, "relief_definitions": rules, "relief_grid_summary": day})
    assert [(c.table, a.small) for c, w, a in audit.attack_book(book) if w == "count"] == [("relief", (3,))]


def test_a_mean_over_a_hidden_arm_is_a_fraction_of_it():
    line = dict.fromkeys(("set_aside_always", "set_aside_never", "set_aside_few"), "hidden")
    line |= {"contrast": "heat", "n_with": "<5", "n_without": "30", "ratings_with": repr(7 / 3)}
    book = lay_out({"one_family_diagnostics": [line], "one_family_summary": [{"item": "n", "value": "50"}]})
    assert left_of(book)[2].small == (3,)


def test_arms_of_one_family_and_of_all_families_give_those_set_aside():
    size = {"contrast": "heat", "n_with": "40", "n_without": "60", "set_aside_always": "<5", "set_aside_never": "9"}
    line = {"contrast": "heat", "analysis": "joint", "analysis_label": "", "scale": "difference", "horizon_days": "28"}
    line |= {"n_with": "44", "n_without": "69", "events_with": "20", "events_without": "30"}
    tables = {
        "one_family_diagnostics": [size | {"set_aside_few": "0"}],
        "all_families": [line],
        "one_family_summary": [{"item": "n", "value": "113"}],
    }
    assert left_of(lay_out(tables))[2].small == (4,)


def test_a_contradiction_is_noted_and_the_search_goes_on():
    system = System(5)
    at = system.count("a")
    system.know(at, 3)
    system.know(at, 4)
    assert len(system.contradictions) == 1
    assert system.look_into([at])[at].small == (3,)


def test_bounds_pass_from_row_to_row():
    system = System(5)
    a, b, c = (system.count(name) for name in "abc")
    system.know(c, 10)
    system.narrow(a, 1, 4)
    system.add_sum([a, b], c, "a and b are c")
    answers = system.look_into([a, b])
    assert answers[a].small == (1, 2, 3, 4)
    assert (answers[b].low, answers[b].high) == (6, 9)


@pytest.fixture
def release(tmp_path):
    """A finished release of one table, and a way to change it."""

    def make(rows, more=()):
        folder = tmp_path / "2026Q2"
        (folder / "tables").mkdir(parents=True)
        pd.DataFrame(rows).to_csv(folder / "tables" / "episode_ends.csv", index=False)
        for name, data in more:
            (folder / name).write_bytes(data)
        protocol = {"reporting_floor": {"suppress_cell_below": 5}}
        manifest = {"manifest_format": FORMAT, "quarter": "2026Q2", "outputs": {"a": "b"}, "protocol": protocol}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


def run(folder, *more):
    import argparse

    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    args = parser.parse_args(["audit", str(folder), *more])
    return args.run(args)


def test_the_command_finds_nothing_in_a_release_that_tells_nothing(release, capsys):
    assert run(release(ends(20, "hidden", "<5"))) == 0
    assert "0  hidden counts worked out exactly" in capsys.readouterr().out


def test_the_command_names_file_line_and_way_and_lists_all_in_a_table(release, capsys, tmp_path):
    listed = tmp_path / "found.csv"
    assert run(release(ends(20, 17, "<5")), "--csv", str(listed)) == 3
    assert "recovered: tables/episode_ends.csv line 4, events (<5): 3 · " + SUM in capsys.readouterr().out
    assert [(row["kind"], row["line"], row["possible"]) for row in read_csv(listed.read_text())] == [
        ("recovered", "4", "3")
    ]


def test_of_many_findings_the_first_are_listed_and_the_others_counted():
    found = tuple(
        audit.Found("printed", "tables/relief.csv", line, "", "events", "4", "", "printed") for line in range(2, 1216)
    )
    lines = audit.Audit(Path("2026Q2"), "clinic", 1, 2000, 0, found).table().splitlines()
    assert sum("tables/relief.csv line" in line for line in lines) == 12
    assert lines[-1].strip() == "and 1,202 more; --csv FILE lists them all"


def test_tables_that_are_no_text_are_refused_without_a_cell_of_them(release):
    folder = release(ends(20, 15, 5))
    folder.joinpath("tables", "episode_ends.csv").write_bytes(b"end_reason,n\nJane,\xff\xfe")
    with pytest.raises(InputRefused, match=r"cannot be read[\s\S]*E972 .*tables: UnicodeDecodeError") as refused:
        audit.audit_releases([folder])
    assert "Jane" not in str(refused.value)


def test_a_release_that_does_not_tell_its_floor_is_read_with_that_of_the_house(release):
    folder = release(ends(20, 15, 5))
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"protocol": {}}))
    assert audit.audit_releases([folder])[0].found == ()
    folder.joinpath("tables", "episode_ends.csv").write_text(to_csv(pd.DataFrame(ends(20, 16, 4))))
    assert [item.shown for item in audit.audit_releases([folder])[0].found] == ["4"]


def test_a_part_of_few_may_be_nobody_whatever_its_mark():
    rows = [{"group": "all", "horizon_days": "28", "n": n, "events": "<5", "estimate": "hidden"} for n in ("<5", "40")]
    of_few, of_many = (left_of(lay_out({"recurrence": [row]}))[2] for row in rows)
    answers = {cell.column: answer for cell, _, answer in audit.attack_book(lay_out({"recurrence": [rows[0]]}))}
    assert answers["events"].other
    assert not of_many.other
    assert of_few.small == (1, 2, 3, 4)


def test_a_small_count_in_a_table_or_in_words_is_found(release):
    page = b"<html><p>Of these <b>3</b> patients came back; 3&nbsp;visits, 12 patients.</p></html>"
    folder = release(ends(20, 16, 4), [("index.html", page)])
    found = {(item.file, item.shown) for item in audit.audit_releases([folder])[0].found}
    assert found == {("tables/episode_ends.csv", "4"), ("index.html", "3 patients")}


def test_identifiers_are_found_where_text_is_packed_and_shown_masked(release):
    text = zlib.compress(b"BT /F1 9 Tf (write to jane.roe@example-clinic.com) Tj ET")
    pdf = b"%PDF-1.7\n1 0 obj\n<</Filter/FlateDecode/Length 9>>\nstream\n" + text + b"\nendstream\nendobj\n"
    found = audit.audit_releases([release(ends(20, 20), [("report.pdf", pdf)])])[0].found
    place = [(item.kind, item.file, item.line, item.way) for item in found]
    assert place == [("identifier", "report.pdf", 0, "e-mail address")]
    assert "jane" not in found[0].shown


def chance_stream():
    """Bytes that a packing program might write, and that spell an address where nobody wrote one."""
    address = b"e8bj5Ir\ne@Oj.be\n"
    header, length = b"\x78\x01\x01", len(address).to_bytes(2, "little")
    inverse = (0xFFFF - len(address)).to_bytes(2, "little")
    return header + length + inverse + address + zlib.adler32(address).to_bytes(4, "big")


def png(*chunks):
    cut = [len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
           for kind, body in (*chunks, (b"IEND", b""))]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(cut)


FLATE = b"%%PDF-1.7\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n%b\nendstream\nendobj\n"


@pytest.mark.parametrize(
    ("name", "data", "is_address"),
    [
        ("a.pdf", FLATE % chance_stream(), False),
        ("a.pdf", FLATE % b"kept as it is: jo@example-clinic.com", True),  # says it is packed, and is not
        ("a.pdf", FLATE % (zlib.compress(b"0 0 m") + b"jo@example-clinic.com"), True),  # stands after what is packed
        ("a.pdf", FLATE % chance_stream() + b"2 0 obj\n(jo@example-clinic.com)\nendobj\n", True),
        ("a.png", png((b"IDAT", chance_stream()[:9]), (b"IDAT", chance_stream()[9:])), False),
        ("a.png", png((b"IDAT", b"jo@example-clinic.com")), True),
        ("a.png", png((b"IDAT", chance_stream()), (b"eXIf", b"MM..jo@example-clinic.com")), True),
        ("a.png", png((b"IDAT", chance_stream())) + b"jo@example-clinic.com", True),
    ],
    ids=["pdf", "pdf-not-packed", "pdf-after", "pdf-beside", "png", "png-not-packed", "png-beside", "png-after"],
)
def test_packed_bytes_spell_no_address_and_what_is_not_packed_is_read(release, name, data, is_address):
    found = audit.audit_releases([release(ends(20, 20), [(name, data)])])[0].found
    assert [item.way for item in found] == ["e-mail address"] * is_address


@pytest.mark.parametrize(
    "note", [(b"tEXt", b"by\0jo@example-clinic.com"), (b"zTXt", b"by\0\0"), (b"iTXt", b"by\0\1\0\0\0")]
)
def test_notes_of_a_picture_are_read_packed_or_not(release, note):
    kind, body = note
    packed = b"" if kind == b"tEXt" else zlib.compress(b"write to jo@example-clinic.com")
    picture = png((b"IDAT", chance_stream()), (kind, body + packed))
    found = audit.audit_releases([release(ends(20, 20), [("a.png", picture)])])[0].found
    assert [item.way for item in found] == ["e-mail address"]


@pytest.mark.parametrize(
    ("shown", "is_packed"), [(b"<00010002>", False), (b"<0001 0002>", True), (rb"(\000\001\000\002)", False)]
)
@pytest.mark.parametrize(
    "letters",
    [
        b"2 beginbfchar\n<0001> <0068>\n<0002> <0069>\nendbfchar",
        b"1 beginbfrange\n<0001> <0002> <0068>\nendbfrange",
    ],
)
def test_glyph_codes_of_a_page_are_read_by_the_fonts_own_table(tmp_path, letters, shown, is_packed):
    def stream(text):
        kind, body = (b"/Filter/FlateDecode", zlib.compress(text)) if is_packed else (b"", text)
        return b"<</Length 1%b>>\nstream\n%b\nendstream" % (kind, body)

    parts = {
        1: b"<</Type/Page/Contents 2 0 R/Resources<</Font<</f0 3 0 R>>>>>>",
        2: stream(b"BT /f0 9 Tf %b Tj ET" % shown),
        3: b"<</Type/Font/ToUnicode 4 0 R>>",
        4: stream(letters),
    }
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % item for item in parts.items()))
    assert any("hi" in text.split() for text in read_texts(path))


@pytest.mark.parametrize(
    ("text", "few"),
    [
        ("3 patients and 14 patients", ["3 patients"]),
        ("1.3 patients, 0.4 people, 3 % of patients, <5 patients, 13 people", []),
        ("<b>2</b> people<script>4 people</script>", ["2 people"]),
        ("4&nbsp;patients", ["4 patients"]),
        ("none of 2 episodes is eligible; at least 3 episodes, fewer than 4 episodes", ["2 episodes"]),
    ],
)
def test_few_people_in_prose(text, few):
    assert find_few_in_words(text, 5) == few


def test_a_folder_that_is_no_release_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(InputRefused, match=r"E971.*Name the folder of one release"):
        audit.audit_releases([tmp_path])
    with pytest.raises(InputRefused, match="is not a folder"):
        audit.audit_releases([tmp_path / "none"])


def public_rows(cells):
    return [
        {"table": "region", "cohort": "patients", "row": row, "column": column, "patients": value, "percent": ""}
        for (row, column), value in cells.items()
    ]


def test_a_public_release_is_attacked_by_its_own_rules(tmp_path):
    cells = {("neck", "relief"): "40", ("neck", "later"): "35", ("neck", "total"): "75",
             ("back", "relief"): "60", ("back", "later"): "<11", ("back", "total"): "65",
             ("total", "relief"): "100", ("total", "later"): "40", ("total", "total"): "140"}  # fmt: skip
    folder = tmp_path / "2026Q2-public"
    (folder / "tables").mkdir(parents=True)
    pd.DataFrame(public_rows(cells)).to_csv(folder / "tables" / "public_region.csv", index=False)
    manifest = {"manifest_format": FORMAT, "quarter": "2026Q2", "audience": "public", "outputs": {"a": "b"}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = audit.audit_releases([folder])[0]
    assert (done.audience, done.n_hidden) == ("public", 1)
    assert done.n_counts == 9  # all that stand in the file, that of everybody too


def public_release(folder, cells, points=(), base=5):
    """A public release of one table, with a curve."""
    (folder / "tables").mkdir(parents=True)
    pd.DataFrame(public_rows(cells)).to_csv(folder / "tables" / "public_region.csv", index=False)
    names = ("cohort", "group", "day", "percent", "low_percent", "high_percent", "new_events", "at_risk")
    curve = pd.DataFrame([("patients", "all", *point) for point in points], columns=names)
    curve.to_csv(folder / "tables" / "public_relief_curve.csv", index=False)
    manifest = {"manifest_format": FORMAT, "quarter": "2026Q2", "audience": "public", "outputs": {"a": "b"}}
    manifest |= {"rules": {"least_patients_shown": 11}, "tables": {"region": {"base": base}}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "index.html").write_text("<p>About 10 patients, and 5 patients.</p>")
    return folder


def test_a_public_ten_stands_for_eleven_and_more_and_is_no_small_number(tmp_path):
    cells = {("neck", "relief"): "10", ("neck", "later"): "40", ("neck", "total"): "50",
             ("back", "relief"): "60", ("back", "later"): "5", ("back", "total"): "65",
             ("total", "relief"): "70", ("total", "later"): "45", ("total", "total"): "115"}  # fmt: skip
    points = [(28, 30, 20, 40, 10, 60), (56, 60, 50, 70, 20, 5)]
    found = audit.audit_releases([public_release(tmp_path / "2026Q2-public", cells, points)])[0].found
    printed = {(item.file, item.row, item.shown) for item in found if item.kind == audit.PRINTED}
    assert {item.line for item in found} == {0}  # these are told by their row
    assert printed == {
        ("tables/public_region.csv", "back, later", "5"),
        ("tables/public_relief_curve.csv", "all, day 56", "5"),
        ("index.html", "", "5 patients"),
    }


@pytest.mark.parametrize(
    ("base", "said"), [("5", "10 stands for 11 or 12 patients"), ("10", "11 to 14"), ("5 or 10", "or for 11 to 14")]
)
def test_a_public_page_says_what_its_least_number_stands_for(base, said):
    words = SimpleNamespace(relief="of 3 or less")
    assert any(said in line for line in list_readings(words, 11, base))


# -- a number that was printed before it was hidden --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "was"),
    [
        (11, 12, True),  # what a printed 10 told
        (10, 12, False),  # other values than were told: of 10 nothing was known
        (12, 12, False),  # more: one value is left of two
        (13, 14, False),  # other: it has moved by a few patients
    ],
)
def test_a_hidden_number_tells_no_more_than_it_told_when_it_was_printed(tmp_path, monkeypatch, low, high, was):
    cells = {("neck", "relief"): "10", ("neck", "later"): "40", ("neck", "total"): "50",
             ("back", "relief"): "60", ("back", "later"): "55", ("back", "total"): "115",
             ("total", "relief"): "70", ("total", "later"): "95", ("total", "total"): "165"}  # fmt: skip
    hidden = cells | {("neck", "relief"): "<11", ("neck", "total"): "<11"}
    item = Attacked("region", "neck / relief", low, high, False, "all numbers together")
    monkeypatch.setattr(audit, "attack", lambda _tables, _curves, earlier: (item,) if earlier else ())
    folders = []
    for quarter, own in (("2026Q1", cells), ("2026Q2", hidden)):
        folders.append(public_release(tmp_path / f"{quarter}-public", own))
        (folders[-1] / "index.html").unlink()
        settle(folders[-1], quarter=quarter)
    assert bool(audit.audit_releases(folders)[1].found) != was
    settle(folders[0], definitions={"protocol": "another"})
    assert audit.audit_releases(folders)[1].found  # then it was another number that was printed


def settle(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes))


def test_numbers_of_other_definitions_are_no_numbers_of_the_attack(tmp_path, monkeypatch):
    """A patient counted as relieved under one rule may not be under another: nothing adds up across the two."""
    seen = []
    cells = {("neck", "relief"): "10", ("neck", "later"): "40", ("neck", "total"): "50"}
    folders = [public_release(tmp_path / f"{quarter}-public", cells) for quarter in ("2026Q1", "2026Q2")]
    for folder, quarter in zip(folders, ("2026Q1", "2026Q2"), strict=True):
        (folder / "index.html").unlink()
        settle(folder, quarter=quarter, definitions={"protocol": "a", "codebook": "b"})
    settle(folders[1], definitions={"protocol": "c", "codebook": "b", "patients": "protocol a, vocabulary b"})
    monkeypatch.setattr(
        audit, "attack", lambda t, _, earlier: seen.append((*t, *(e for o in earlier for e in o))) or ()
    )
    audit.audit_releases(folders)
    # Another protocol as a whole, but nothing else that decides who is counted: the same numbers.
    assert len({table.cohort.definition for table in seen[-1]}) == 1
    settle(folders[1], definitions={"protocol": "c", "codebook": "b"})
    audit.audit_releases(folders)
    assert {table.cohort.definition for table in seen[-1]} == {"protocol a, vocabulary b", "protocol c, vocabulary b"}


def test_a_number_that_was_kept_is_read_as_it_was_first_printed():
    """A 10 printed after a 15 may be a number kept, or one that moved: only the first printing told its range."""
    columns = ("relief", "later")

    def release(n):
        cohort, shown = Cohort("patients", "patients", ""), np.array([[n, 40], [60, 55]])
        return (ShownTable("region", cohort, ("neck", "back"), columns, shown, (90, 115), (70, 95), 5, (), 205),)

    item = Attacked("region", "neck / relief", 11, 12, False, "")
    assert was_told(item, release(HIDDEN_CELL), [release(10)], RULES)
    assert not was_told(item, release(HIDDEN_CELL), [release(15), release(10)], RULES)
    assert not was_told(item, release(10), [release(10)], RULES)  # the difference of two printings is no hidden number


def test_a_printed_nobody_excuses_no_few(tmp_path):
    """Nobody was printed; now the rest of the release leaves 0 to 3, and 0 would stand as it was printed."""

    def release(n):
        cohort, shown = Cohort("patients", "patients", ""), np.array([[n, 50], [60, 55]])
        return (ShownTable("region", cohort, ("neck", "back"), ("relief", "later"), shown, (50, 115), (60, 105), 5),)

    def told(low, high):
        return was_told(Attacked("region", "neck / relief", low, high, False, ""), release(-1), [release(0)], RULES)

    assert told(0, 0)
    assert not told(0, 3)
    assert not told(0, 1)


def test_a_total_is_read_by_the_coarsest_rounding_of_its_release(tmp_path):
    cohort = Cohort("patients", "patients", "")

    def release(total):
        tables = [("region", ("neck", "back"), 5), ("sex", ("female", "male"), 10)]
        return tuple(
            ShownTable(
                name, cohort, rows, ("relief", "later"), np.full((2, 2), HIDDEN_CELL), (50, 50), (total, 80), base
            )
            for name, rows, base in tables
        )

    def told(low, high):
        item = Attacked("region", "total / relief", low, high, False, "")
        return was_told(item, release(HIDDEN_CELL), [release(10)], RULES)

    assert told(11, 14)
    assert not told(11, 12)
