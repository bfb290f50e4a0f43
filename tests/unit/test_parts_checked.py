"""What is looked at in a part once it is read, and how bytes of another encoding are told: on a few cells each."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from outcomes.definitions import Codebook
from outcomes.errors import InputRefused
from outcomes.records import Mapping, encodings, read_records
from outcomes.records import part_checks as checks
from outcomes.records.assemble import _check_row_limit
from outcomes.records.columns import BLANK
from outcomes.records.encodings import Undecodable, find_undecodable, refuse_encoding
from outcomes.records.inspect_terms import list_unknown_terms
from tables import column, records_of

HEADER = "patient_id,visit_date,pain_pre"


def read(folder: Path, *lines: str, header: str = HEADER, name: str = "v.csv", **sections: object):
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_records(path, Mapping.from_dict(sections))


def test_rows_of_some_cells_and_cells_of_nothing() -> None:
    cells = column(["a", " ", "b", "", "a", "\u00a0 "])
    texts = cells.values.to_pylist()
    assert {texts[i] for i in checks.blank_values(cells)} == {" ", "", "\u00a0 "}
    chosen = [texts.index("a"), texts.index("")]
    assert checks.rows_with(cells, chosen).tolist() == [True, False, False, True, True, False]
    assert not checks.rows_with(cells, []).any()


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        (["Before", "7", "5 of 10"], "Before"),
        (["Before the visit", "7", ""], "Before the visit"),
        (["Before", "", " "], ""),  # nothing below it
        (["Before", "7", "x"], ""),
        (["Before", "7", "Before"], ""),  # it comes again
        (["B4", "7"], ""),
        (["", "7"], ""),
        (["7", "8"], ""),
    ],
)
def test_a_word_above_numbers(cells: list[str], word: str) -> None:
    assert checks._word_above_numbers(column(cells)) == word


@pytest.mark.parametrize(
    ("n", "more"), [(1, "."), (20, "."), (21, " (1 columns more like the last)."), (23, " (3 columns")]
)
def test_columns_without_a_header_are_refused_with_twenty_of_them(tmp_path, n: int, more: str) -> None:
    row = "a,2025-01-06,5" + ",x" * n
    with pytest.raises(InputRefused) as caught:
        read(tmp_path, row, "b,2025-01-06,5" + "," * n, header=HEADER + "," * n)
    assert f"v.csv cannot be read{more}" in str(caught.value)
    findings = caught.value.findings
    assert len(findings) == min(n, 20) and {finding.code for finding in findings} == {"E119"}
    assert findings[0].message == "column D has no header, but 1 cell that is not empty."
    assert findings[0].remedy == "Give the column a header, or delete it, in the export."


def test_a_column_without_a_header_and_without_cells_is_no_fault(tmp_path) -> None:
    records = read(tmp_path, "a,2025-01-06,5, ", "b,2025-01-06,5,", header=HEADER + ",")
    assert records.n == 2 and BLANK not in "".join(records.fields)


@pytest.mark.parametrize(
    ("lines", "rows", "said"),
    [
        (["a,2025-01-06,5", "Total,,5"], (3,), "totals or footers, no visits: 1 row."),
        (["Total,,5", "a,2025-01-06,5", "Total,,7"], (2, 4), "totals or footers, no visits: 2 rows."),
        (["a,2025-01-06,5", "SUM,,5"], (3,), "1 row."),
        (["a,2025-01-06,5", "SUM,2025-01-07,5"], (), ""),  # initials, with a day
    ],
)
def test_totals_are_told_with_their_rows(tmp_path, lines, rows, said) -> None:
    records = read(tmp_path, *lines)
    assert records.files[0].footer_rows == rows and records.n == len(lines) - len(rows)
    told = [note for note in records.notes if "totals or footers" in note]
    assert bool(told) is bool(said) and all(note.endswith(said) for note in told)


@pytest.mark.parametrize(("stated", "is_refused"), [(0, True), (1, True), (2, False), (3, False), (4, True)])
def test_a_stated_number_of_rows_may_count_what_was_set_aside(tmp_path, stated: int, is_refused: bool) -> None:
    lines = ["a,2025-01-06,5", "b,2025-01-06,5", "c,2025-01-06,5,9,9", f"Records: {stated},,"]
    if not is_refused:
        assert read(tmp_path, *lines).n == 2
        return
    with pytest.raises(InputRefused, match=f"row 5 states {stated} rows, but 3 stand in the file"):
        read(tmp_path, *lines)
    known = read(tmp_path, *lines, acknowledge={"warnings": ["E117"], "by": "desk"})
    assert [note[-15:] for note in known.notes if "E117" in note] == [" (acknowledged)"]


def two(folder: Path, first: str, second: str, **sections: object):
    for name, header in (("a.csv", first), ("b.csv", second)):
        row = ["p1", "2025-01-06", *"567"][: header.count(",") + 1]
        (folder / name).write_text(f"{header}\n{','.join(row)}\n", encoding="utf-8")
    return read_records([folder / "a.csv", folder / "b.csv"], Mapping.from_dict(sections))


def test_a_field_of_some_files_is_told_and_asked_about_where_another_has_a_column_of_its_own(tmp_path) -> None:
    short = HEADER.removesuffix(",pain_pre")
    said = "pain_pre is in other files but not in b.csv; it counts as not recorded there."
    assert said in two(tmp_path, HEADER, short).notes
    assert said in two(tmp_path, f"{HEADER},room", f"{short},Room").notes  # both have it
    with pytest.raises(InputRefused) as caught:
        two(tmp_path, HEADER, f"{short},soreness")
    assert [finding.message for finding in caught.value.findings] == [
        'column "pain_pre" (pain_pre) of a.csv is not there; columns only this file has: "soreness".'
    ]
    assert said in two(tmp_path, HEADER, f"{short},soreness", acknowledge={"warnings": ["E120"], "by": "desk"}).notes
    assert not [note for note in two(tmp_path, HEADER, f"{HEADER},soreness").notes if "other files" in note]


def test_a_column_without_a_header_is_no_field_under_another_name(tmp_path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}\np1,2025-01-06,5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("patient_id,visit_date,\np1,2025-01-07,\n", encoding="utf-8")
    assert read_records([tmp_path / "a.csv", tmp_path / "b.csv"], Mapping()).n == 2


@pytest.mark.parametrize(
    ("cell", "code"),
    [("#REF!", "E147"), (" #N/A ", "E147"), ("#", ""), ("#REF", ""), ("lumbar", "")],
)
def test_error_values_of_spreadsheets_are_set_aside_unless_they_are_declared(tmp_path, cell: str, code: str) -> None:
    lines = [f"a,2025-01-06,5,{cell}", "b,2025-01-06,5,lumbar"]
    found = read(tmp_path, *lines, header=f"{HEADER},region")
    assert (list(found.set_aside.code), found.n) == ([code] if code else [], 1 if code else 2)
    assert found.set_aside.row.tolist() == ([2] if code else [])
    assert read(tmp_path, *lines, header=f"{HEADER},region", values={"missing": ["", cell.strip()]}).n == 2


@pytest.mark.parametrize(
    ("lines", "n", "not_data"),
    [
        (["a,2025-01-06,5", HEADER, "b,2025-01-07,5"], 2, {"repeated header": 1}),
        (["a,2025-01-06,5", " Patient_ID,VISIT_DATE ,pain_pre"], 1, {"repeated header": 1}),
        (["a,2025-01-06,5", f"\ufeff{HEADER}"], 1, {"repeated header": 1}),
        (["a,2025-01-06,5", "pain_pre,2025-01-07,5"], 2, {}),  # an id, if an odd one
        (["a,2025-01-06,5", "patient_id,visit_date,after"], 0, {}),
        (["a,2025-01-06,5", "patient_id,pain_pre,visit_date"], 0, {}),
        (["a,2025-01-06,5", ",,", "b,2025-01-07,5", " , ,"], 2, {"blank line": 2}),
    ],
)
def test_header_lines_that_come_again_and_blank_lines_are_counted_or_refused(tmp_path, lines, n, not_data) -> None:
    if not n:
        with pytest.raises(InputRefused, match="row 3 is a header line with other columns, or in another order"):
            read(tmp_path, *lines)
        return
    records = read(tmp_path, *lines)
    assert (records.n, records.files[0].n_rows) == (n, n)
    assert dict(records.ledger.steps[0].not_data) == {"header": 1, **not_data}


@pytest.mark.parametrize("limit", [65_536, 1_048_576])
@pytest.mark.parametrize(
    ("n_physical", "n_rows", "n_faults", "shown"),
    [
        (0, 0, 0, 0),
        (-1, -10, 0, -1),
        (1, -10, 0, None),
        (-2, -10, 0, None),
        (9, -2, 0, -1),
        (9, -1, 0, 0),
        (9, -3, 2, 0),  # what was set aside is counted
        (9, 0, 0, 0),
        (9, 1, 0, None),
        (9, -3, 0, None),
    ],
)
def test_a_file_as_long_as_a_sheet_can_be_is_refused(limit, n_physical, n_rows, n_faults, shown) -> None:
    """Numbers beside the limit; `shown` is the one that is told."""
    part = SimpleNamespace(
        n_physical=limit + n_physical,
        rows=range(limit + n_rows),
        faults=range(n_faults),
        file=SimpleNamespace(place="v.csv"),
    )
    _check_row_limit(part, Mapping.from_dict({"file": {"accept_row_limit": True}}))
    if shown is None:
        _check_row_limit(part, Mapping())
        return
    with pytest.raises(InputRefused, match=f"the file has {limit + shown:,} rows"):
        _check_row_limit(part, Mapping())


def test_declared_words_and_any_word_at_all_are_no_data(tmp_path) -> None:
    lines = ["a,2025-01-06,5,", "b,2025-01-06,5,Total", "c,2025-01-06,5, total ", "d,2025-01-06,5,x"]
    for words, n in ((["TOTAL"], 2), (["*"], 1), (["none"], 4), (["x", "total"], 1)):
        found = read(tmp_path, *lines, header=f"{HEADER},Kind", non_data={"kind": words})
        assert found.n == n and found.ledger.steps[0].not_data.get("declared non-data", 0) == 4 - n


def test_where_no_row_can_be_read_the_first_fault_is_told(tmp_path) -> None:
    with pytest.raises(InputRefused, match="not one of its 2 rows can be read; the first is row 2") as caught:
        read(tmp_path, "a,1,2,3", "b,1")
    assert caught.value.findings[0].code == "E115"


# -- words nobody knows ------------------------------------------------------------------------------------------------


def unknown(cells: list[str], patients: list[str], field: str = "region", **sections: object):
    records = records_of({"patient_id": patients, field: cells})
    return list_unknown_terms(records, Mapping.from_dict(sections), Codebook.load())


FIVE = [f"p{i}" for i in range(5)]


@pytest.mark.parametrize(
    ("word", "patients", "is_shown"),
    [
        ("attic", FIVE, True),
        ("attic", FIVE[:4], False),  # of so few, a word may be about one person
        ("attic", [*FIVE[:4], *FIVE[:4]], False),
        ("attic 12345", FIVE, False),
        ("attic 1234", FIVE, True),
        ("w" * 60, FIVE, True),
        ("w" * 61, FIVE, False),
        ("a@b.org", FIVE, False),
        ("call a@b.org", FIVE, False),
    ],
)
def test_an_unknown_word_is_shown_from_five_patients_on(word: str, patients: list[str], is_shown: bool) -> None:
    (found,) = unknown([word] * len(patients), patients)
    n = len(patients)
    expected = (((word, n),), 0, 0) if is_shown else ((), 1, n)
    assert (found.shown, found.n_others, found.n_other_rows) == expected and found.field == "region"


def test_unknown_words_stand_commonest_first_and_known_ones_do_not() -> None:
    cells = ["attic;cellar", "attic", "lumbar", "", "zoo;  attic", *["attic"] * 3, *["barn"] * 6, *["den"] * 6]
    (found,) = unknown(cells, [f"p{i}" for i in range(len(cells))])
    assert found.shown == (("attic", 6), ("barn", 6), ("den", 6)) and (found.n_others, found.n_other_rows) == (2, 2)
    assert (
        unknown(["lumbar", "neck"], ["a", "b"]) == []
        and unknown(["", "n/a"], ["a", "b"], values={"missing": ["n/a"]}) == []
    )
    assert unknown(["attic/lumbar"] * 5, FIVE, values={"separators": ["/"]})[0].shown == (("attic", 5),)


@pytest.mark.parametrize(
    ("field", "known", "odd"),
    [
        ("muscles_identified", "piriformis", "attic"),
        ("modalities", "massage", "attic"),
        ("procedure_codes", "97140", "attic"),
        ("diagnoses", "M54.5", "attic"),
        ("visit_purpose", "initial evaluation", "attic"),
        ("paresthesia", "ja", "attic"),
    ],
)
def test_each_field_has_words_of_its_own(field: str, known: str, odd: str) -> None:
    values = {"values": {"true": ["JA"], "false": ["NEIN"]}}
    assert unknown([known] * 5, FIVE, field, **values) == []
    assert [one.shown for one in unknown([odd, odd, odd, odd, odd], FIVE, field, **values)] == [((odd, 5),)]


def test_only_a_field_of_ticks_knows_words_for_yes_and_no() -> None:
    assert unknown(["ja"] * 5, FIVE, "region", values={"true": ["ja"]})[0].shown == (("ja", 5),)


# -- bytes of another encoding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding", "score"),
    [
        ("plain", "cp1252", 0.0),
        ("né", "cp1252", 1.0),
        ("É", "cp1252", 1.0),
        ("nÉ", "cp1252", -1.0),  # a capital within a word
        ("’x", "cp1252", 0.5),
        ("¤x", "cp1252", -1.0),
        ("ð", "cp1252", 0.0),
        ("éé", "cp1252", 2.0),
        ("ééé", "cp1252", 1.0),  # the third in a row
        ("боль", "cp1251", 4.0),
        ("aб", "cp1251", -1.0),  # after a letter of another alphabet
        ("腰", "cp932", 2.0),
        ("a腰", "cp932", -2.0),
        ("ｱ", "cp932", -2.0),  # one byte
        ("カ", "cp932", 2.0),
        ("鷺", "cp932", 2.0),
        ("鼕", "cp932", 0.0),  # a rare sign
    ],
)
def test_how_likely_a_line_is_in_an_encoding(text: str, encoding: str, score: float) -> None:
    assert encodings._score(text.encode(encoding), encoding) == score


def test_bytes_an_encoding_does_not_have_speak_against_it() -> None:
    assert encodings._score(b"\x81", "cp1252") == -100.0


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Muñoz-1961\r", "xxñxx-9999"),
        ("a" * 12 + "é" + "b" * 11, "x" * 12 + "é" + "x" * 11),
        ("a" * 13 + "é" + "b" * 12, "…" + "x" * 12 + "é" + "x" * 11 + "…"),
        ("é;1\t2", "é;9?9".replace("?", "\t")),
        ("é\u00ad", "é?"),
        ("ab", "xx"),
    ],
)
def test_a_line_is_shown_around_its_first_odd_byte(line: str, shown: str) -> None:
    assert encodings._show(line.encode("cp1252"), "cp1252") == shown


def test_lines_that_cannot_be_decoded_are_counted_over_blocks_and_three_are_kept() -> None:
    found = Undecodable(n_other=2)
    found.add(find_undecodable(b"a\xe9\nok\n\xe9\n"), 10)
    found.add(find_undecodable("\u00e9\n".encode() + b"\xe9\nb\xe9\n"), 20)
    assert found.lines == [(10, 2, b"a\xe9"), (12, 1, b"\xe9"), (21, 1, b"\xe9"), (22, 2, b"")]
    assert found.n_other == 3 and found.codes == dict.fromkeys((10, 12, 21, 22), "E150")
    many = find_undecodable(b"\xe9\n" * 5)
    assert [text for _, _, text in many.lines] == [b"\xe9"] * 3 + [b""] * 2
    assert find_undecodable("é\né".encode()).n_other == 1 and find_undecodable(b"a").n_other == 0


@pytest.mark.parametrize(
    ("n", "said"), [(1, "line 7 of it is not UTF-8 text."), (2, "2 lines or more of it are not UTF-8 text.")]
)
def test_a_file_in_another_encoding_is_refused_with_lines_of_it(n: int, said: str) -> None:
    found = Undecodable()
    found.add(find_undecodable(b"n\xe9\n" * n), 7)
    (finding,) = refuse_encoding(found, "v.csv").findings
    assert finding.message.startswith(f'{said} Read as cp1252, letters masked: line 7 "xé"')
    assert finding.message.count("xé") == n and "E111" in finding.code
