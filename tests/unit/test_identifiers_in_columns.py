"""Which columns of an export are looked at closely for identifiers, and what becomes of what is found in them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records import identifiers_export as export
from outcomes.records import identifiers_unread as unread
from outcomes.records.identifier_checks import has_luhn
from tables import column

HEADER = "patient_id,visit_date,pain_pre"
DAY = "2024-03-04"


def read(folder: Path, *lines: str, header: str = HEADER, **sections: object):
    path = folder / "v.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_records(path, Mapping.from_dict(sections))


def refused(folder: Path, *lines: str, header: str = HEADER, **sections: object) -> list[tuple[str, str, str]]:
    with pytest.raises(InputRefused) as caught:
        read(folder, *lines, header=header, **sections)
    return [(finding.code, finding.message, finding.remedy) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("key", "header", "cells", "close"),
    [
        ("patient_id", "Case", ["12345678", "123"], False),
        ("patient_id", "Case", ["12345678", "x y"], True),
        ("patient_id", "Case", ["12", "12345678"], False),
        ("patient_id", "Case", ["12", "123456789"], True),
        ("patient_id", "Case", ["123", "1234567890123"], True),  # so many digits are no number of a list
        ("patient_id", "Case", ["P-1", "AB12", " ", "P2 "], False),
        ("patient_id", "Case", ["1", "P2", "q"], True),
        ("patient_id", "MRN", ["1", "2"], True),  # by its header
        ("clinic_id", "Clinic", [f"{n}" for n in range(411_111_111_111_111, 411_111_111_111_121)], True),
        ("visit_date", "Day", ["a@b.org", "c@d.org"], False),
        ("region", "Area", ["lumbar", "neck"], False),
        ("region", "Area", [], False),
        ("region", "Area", [" ", ""], False),
        ("region", "Area", ["a@b.org", "1", "2", "3", "4", ""], True),  # one cell in five
        ("region", "Area", ["a@b.org", "1", "2", "3", "4", "5"], False),
        ("region", "Area", ["John Smith", "1", "2", "3"], True),
        ("region", "Area", ["Abiye Acerbi"], True),  # of the longer lists
        ("region", "Area", ["John Smith", "1", "2", "3", "4", "5"], False),
        ("region", "Area", [*["neck"] * 81, *["a@b.org"] * 500], False),  # the first hundred cells
        ("region", "Area", [*["neck"] * 80, *["a@b.org"] * 20, "neck"], True),
    ],
)
def test_columns_that_get_a_close_look(key: str, header: str, cells: list[str], close: bool) -> None:
    assert export._may_be_one(key, header, cells) is close


def test_ten_ids_with_the_check_digits_of_people_get_a_close_look() -> None:
    """Codes of digits alone would be plain ids otherwise."""
    cells = [f"{number}" for number in range(100_000_000, 100_000_220)]
    good = [cell for cell in cells if has_luhn([int(c) for c in cell])]
    assert len(good) >= 10 and export._may_be_one("patient_id", "Case", [*good, " "])
    assert not export._may_be_one("patient_id", "Case", ["12345670", *(str(n) for n in range(20))])


@pytest.mark.parametrize(
    ("kind", "text", "counts"),
    [
        ("e-mail address", "x", True),
        ("birth date", "x", False),
        ("phone number", "555-0142-1", False),  # as an id may be shaped
        ("phone number", "(555) 010-0142", True),
        ("phone number", "tel 555-0142", True),
        ("phone number", " 5 tel 555-0142", False),
        ("name", "x", True),
    ],
)
def test_what_counts_as_an_identifier_in_an_id(kind: str, text: str, counts: bool) -> None:
    assert export._counts_in_id(kind, text) is counts


@pytest.mark.parametrize(("key", "found"), [("region", "phone number"), ("patient_id", ""), ("age", "phone number")])
def test_a_short_number_is_one_of_a_phone_where_no_id_stands(key: str, found: str) -> None:
    assert export._find_in_term(key, "555-0142 a", 2024) == found


@pytest.mark.parametrize(
    ("key", "term", "found"),
    [
        ("region", "seen since 12.05.1961", "birth date"),
        ("visit_date", "since 12.05.1961", ""),
        ("patient_id", "since 12.05.1961", ""),
        ("pain_pre", "since 12.05.1961", ""),
        ("age", "aged 95 years", ""),
        ("region", "neck", ""),
    ],
)
def test_a_date_or_an_age_counts_where_the_field_is_of_neither(key: str, term: str, found: str) -> None:
    assert export._find_in_term(key, term, 2024) == found


def part_of(kind: str, *top: list[str]):
    header = ("patient_id", "Extra", " ", "Last")
    file = SimpleNamespace(kind=kind, header=header, place="v.xlsx",
                           field_columns={"patient_id": ("patient_id", "A")}, modality_columns={})  # fmt: skip
    return SimpleNamespace(file=file, top=list(top), columns={}, notes=[])


def test_cells_of_a_workbook_that_are_not_read_are_those_of_its_first_rows() -> None:
    part = part_of("xlsx", ["p1", "x", "", "y"], ["p2", "z"], ["p3"], ["p4", "w", "", "v", "more"])
    assert unread.sample_unread(part, Mapping()) == {0: ["p1", "p2", "p3", "p4"], 1: ["x", "z", "w"], 3: ["y", "v"]}
    part.file.field_columns |= {"region": ("Extra", "B"), "age": ("Last", "D")}
    assert unread.sample_unread(part, Mapping()) == {}


def test_a_place_is_named_by_header_and_letter_or_by_what_stands_for_them() -> None:
    part = part_of("xlsx")
    assert unread.place_of(part, " Extra ", "B") == 'v.xlsx › column "Extra" (B)'
    assert unread.place_of(part, "name of the sheet", "") == "v.xlsx › name of the sheet"


BORN = [f"0{day}.05.{1950 + 4 * day}" for day in range(1, 7)]
TOWNS = ["San Jose", "Santa Clara", "Saint Paul", "San Diego", "San Antonio"]


@pytest.mark.parametrize(
    ("key", "header", "cells", "code"),
    [
        ("onset_date", "Email date", BORN, ""),  # dates are what the field is for
        ("region", "Email date", BORN, "E902"),
        ("clinic_id", "Site", TOWNS, ""),
        ("clinician_id", "Site", TOWNS, "E902"),
        ("patient_id", "Case", ["17 a", "18 b"], ""),
        ("region", "Area", MAILS_OF_FIVE := [f"m{i}@a.org" for i in range(5)], "E902"),
        ("clinic_id", "Site", MAILS_OF_FIVE, "E902"),
    ],
)
def test_what_a_whole_column_is_refused_for(key: str, header: str, cells: list[str], code: str) -> None:
    found = export._judge_read(part_of("csv"), key, header, column(cells), "there", 2024)
    assert (found.code if found else "") == code


def test_the_article_fits_the_kind() -> None:
    assert [unread.with_article(kind) for kind in ("e-mail address", "age over 89", "name")] == [
        "an e-mail address",
        "an age over 89",
        "a name",
    ]


ROWS = [f"p{i},{DAY},5" for i in range(4)]
MAILS = [f"{row},m{i}@a.org" for i, row in enumerate(ROWS)]


def test_a_column_nobody_asked_for_stops_by_header_and_cells_and_is_noted_by_cells_alone(tmp_path) -> None:
    ((code, message, remedy),) = refused(tmp_path, *MAILS, header=f"{HEADER},E-mail")
    assert code == "E901" and message == (
        "looks like an e-mail address by its header and its cells (4 of 4 different cells looked at, shaped x9@x.xxx)."
    )
    assert remedy.endswith('write in the mapping [privacy] accept = ["E-mail"].')
    notes = read(tmp_path, *MAILS, header=f"{HEADER},Extra").notes
    assert [note for note in notes if "E904" in note] == [
        'E904 v.csv › column "Extra" (D): looks like an e-mail address by its cells; it was not read. '
        "Take the column out of the export."
    ]
    accepted = read(tmp_path, *MAILS, header=f"{HEADER},E-mail", privacy={"accept": ["e-mail"]}).notes
    assert (
        'v.csv › column "E-mail" (D): looks like an e-mail address; accepted in the mapping, and not read.' in accepted
    )
    assert not [note for note in accepted if "E907" in note]


def test_free_text_is_not_looked_at_and_a_name_that_is_no_column_is_told(tmp_path) -> None:
    notes = read(tmp_path, *MAILS, header=f"{HEADER},Notes", privacy={"accept": ["Fax"]}).notes
    assert not [note for note in notes if "E904" in note]
    assert 'E907 [privacy] accept names "Fax", which is no column of these files.' in notes


def test_rows_that_are_too_short_hold_no_cell_of_a_column_further_right(tmp_path) -> None:
    found = read(tmp_path, *MAILS[:3], ROWS[3], "", header=f"{HEADER},Extra")
    assert [note for note in found.notes if "E904" in note] and found.n == 3


@pytest.mark.parametrize(
    ("regions", "is_refused"),
    [(["a@b.org", "a@c.org", "neck", "hip"], True), (["a@b.org", "neck", "hip", "neck", "hip"], False)],
)
def test_a_column_of_terms_is_refused_where_half_of_its_cells_identify(tmp_path, regions, is_refused) -> None:
    lines = [f"p{i},{DAY},5,{region}" for i, region in enumerate(regions)]
    if is_refused:
        ((code, message, remedy),) = refused(tmp_path, *lines, header=f"{HEADER},region")
        assert code == "E902" and "looks like an e-mail address by its cells" in message
        assert (
            remedy
            == 'Map another column to region or leave it out; if it is none, write [privacy] accept = ["region"].'
        )
        accepted = read(tmp_path, *lines, header=f"{HEADER},region", privacy={"accept": ["Region"]})
        assert accepted.n == 4
        assert 'v.csv › column "region" (D): not looked at for identifiers; accepted in the mapping.' in accepted.notes
        return
    found = read(tmp_path, *lines, header=f"{HEADER},region")
    assert list(found.set_aside.code) == ["E903"] and found.set_aside.row.tolist() == [2]
    assert found.n == found.files[0].n_rows == 4
    assert (
        'v.csv › column "region" (D): cells with identifiers (e-mail address) were found; their rows were set aside '
        "(E903)." in found.notes
    )


@pytest.mark.parametrize(("n_hit", "is_refused"), [(5, False), (6, True)])
def test_half_of_the_rows_are_no_slip_also_where_they_hold_one_text(tmp_path, n_hit: int, is_refused: bool) -> None:
    """One of many different cells does not make a column one of addresses."""
    regions = ["call a@b.org now"] * n_hit + [f"area {letter}" for letter in "abcdefg"[: 12 - n_hit]]
    lines = [f"p{i},{DAY},5,{region}" for i, region in enumerate(regions)]
    if is_refused:
        ((code, message, _),) = refused(tmp_path, *lines, header=f"{HEADER},region")
        assert (code, message) == ("E902", "6 of 12 cells hold identifiers (e-mail address).")
        return
    assert list(read(tmp_path, *lines, header=f"{HEADER},region").set_aside.code) == ["E903"] * 5


def test_ids_are_refused_where_one_in_ten_identifies(tmp_path) -> None:
    ids = [f"Case {i}x y" for i in range(20)]
    one = [f"{text},{DAY},5" for text in ["call a@b.org now", *ids]]
    assert list(read(tmp_path, *one).set_aside.code) == ["E903"]
    two = [f"{text},{DAY},5" for text in ["call a@b.org now", "or c@d.org now", *ids[:18]]]
    ((code, message, remedy),) = refused(tmp_path, *two)
    assert (code, message) == ("E902", "2 of 20 cells hold identifiers (e-mail address).")
    assert remedy.startswith("Write [privacy] pseudonymise = true in the mapping, or export a pseudonym;")


def test_record_numbers_are_refused_unless_keyed_pseudonyms_take_their_place(tmp_path) -> None:
    lines = [f"00{i}2345,{DAY},5" for i in range(4)]
    ((code, message, _),) = refused(
        tmp_path, *lines, header=f"MRN,{HEADER.partition(',')[2]}", columns={"patient_id": "MRN"}
    )
    assert code == "E906" and message.startswith("holds record numbers by its header")


def test_hashes_as_ids_are_noted(tmp_path) -> None:
    lines = [f"{i:032x},{DAY},5".replace("0", "a") for i in range(4)]
    (note,) = [note for note in read(tmp_path, *lines).notes if "E905" in note]
    assert note.startswith('E905 v.csv › column "patient_id" (A): holds codes shaped like hashes; ')


@pytest.mark.parametrize(("clinic", "code"), [("Zyxa Qwerb", "E918"), ("Hill Clinic", ""), ("A", "")])
def test_a_clinic_that_may_be_a_person_is_noted(tmp_path, clinic: str, code: str) -> None:
    lines = [f"{row},{clinic}" for row in ROWS]
    notes = read(tmp_path, *lines, header=f"{HEADER},clinic_id").notes
    assert [note[:4] for note in notes if "E918" in note] == ([code] if code else [])


def test_the_year_of_the_visits_is_taken_of_their_dates(tmp_path) -> None:
    """With the year, a date of ten years before is one of birth: below a header that says nothing of it."""
    born = [f"{row},1.5.{1950 + 7 * i}" for i, row in enumerate(ROWS)] + [f"p9,{DAY},5,1.5.1990"]
    assert [note for note in read(tmp_path, *born, header=f"{HEADER},Datum").notes if "birth date by its cells" in note]
    days = [line.replace(DAY, "9") for line in born]
    header = "patient_id,visit_day,pain_pre,Datum"
    assert not [note for note in read(tmp_path, *days, header=header).notes if "birth date" in note]
