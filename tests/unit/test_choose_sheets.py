"""Which sheets of a workbook are read and what is said of the others, on a few cells each."""

from __future__ import annotations

import pytest

from outcomes.errors import InputRefused
from outcomes.records.mapping import Mapping
from outcomes.records.sheets import check_no_clinic, check_no_sheets, choose_sheets, is_named_after_person, show_sheet

VISITS = [["patient_id", "visit_date"], ["a", "2026-01-05"]]
NOTES, BLANK, LATE = [["what", "when"], ["x", "y"]], [["", ""]], [["Clinic export"], *VISITS]
PERSON, NO_VISITS = "Maria Keller", "has no patient and day column and was not read."


def given(**sections: dict[str, object]) -> Mapping:
    return Mapping.from_dict(sections)


def book(
    hidden: tuple[str, ...] = (), carried: tuple[str, ...] = (), **top: list[list[str]] | None
) -> dict[str, object]:
    """A workbook as its child tells of it; the top of a sheet that was not asked for is not told."""
    told = {name: rows for name, rows in top.items() if rows is not None}
    return {"visible": list(top), "hidden": dict.fromkeys(hidden, 2), "carried": list(carried), "top": told}


@pytest.mark.parametrize(
    ("sheets", "file", "chosen", "notes"),
    [
        # nothing said: the one with a patient and a day, or the only one with cells
        ({"Data": VISITS}, {}, ["Data"], []),
        ({"Data": VISITS, "Notes": NOTES}, {}, ["Data"], [f'"Notes" {NO_VISITS}']),
        ({"Notes": NOTES, "Data": VISITS}, {}, ["Data"], [f'"Notes" {NO_VISITS}']),
        ({"Blank": BLANK, "Notes": NOTES}, {}, ["Notes"], []),
        ({"Empty": [], "Data": VISITS, "Blank": BLANK}, {}, ["Data"], []),
        ({"A": LATE, "B": NOTES}, {"header_row": 2}, ["A"], [f'"B" {NO_VISITS}']),
        (
            {"A": LATE, "B": NOTES[:1]},
            {"header_row": 2},
            ["A"],
            [f'"B" {NO_VISITS}'],
        ),
        # one: nothing is said of the others
        ({"A": VISITS, "B": VISITS}, {"sheet": "B"}, ["B"], []),
        ({"A": VISITS, "B": None}, {"sheet": "A"}, ["A"], []),
        # several: the others that have cells, or were not looked at, are told
        ({"A": VISITS, "B": VISITS, "C": VISITS}, {"sheet": ["C", "A"]}, ["C", "A"], ['"B" was not read.']),
        ({"A": VISITS, "B": VISITS, "C": None}, {"sheet": ["B", "A"]}, ["B", "A"], ['"C" was not read.']),
        ({"A": VISITS, "B": VISITS, "C": BLANK}, {"sheet": ["A", "B"]}, ["A", "B"], []),
        # all: those with cells
        ({"A": VISITS, "B": BLANK, "C": VISITS}, {"sheet": "*"}, ["A", "C"], ['"B" has no cell.']),
        ({"A": [], "B": BLANK}, {"sheet": "*"}, ["A", "B"], []),
    ],
)
def test_the_sheets_that_are_read_and_what_is_said_of_the_others(sheets, file, chosen, notes) -> None:
    found = choose_sheets(book(**sheets), given(file=file), "v.xlsx")
    assert found == (chosen, [f"v.xlsx: sheet {note}" for note in notes])


@pytest.mark.parametrize(
    ("sheets", "file", "said"),
    [
        (
            {"A": [], "B": BLANK},
            {},
            ['E113 v.xlsx: no visible sheet has any cell (sheets: "A", "B"). Export it again.'],
        ),
        ({}, {}, ["E113 v.xlsx: no visible sheet has any cell (sheets: none). Export it again."]),
        ({"A": VISITS, "B": BLANK}, {"sheet": ["A", "B"]}, ['E113 v.xlsx › sheet "B": the sheet has no cell.']),
        (
            {"A": VISITS, "Old": VISITS},
            {"sheet": ["A", "Old", "Gone"]},
            ['sheet "Old" is hidden.', 'there is no sheet "Gone"; visible: "A".'],
        ),
        (
            {"A": VISITS, "Old": VISITS},
            {"sheet": "Old"},
            ['E110 v.xlsx: sheet "Old" is hidden. Show it in the'],
        ),
        ({"A": VISITS}, {"sheet": "B"}, ['there is no sheet "B"; visible: "A". Correct [file] sheet.']),
        (
            {"A": NOTES, "B": NOTES},
            {},
            ['E110 v.xlsx: No sheet has the required columns (sheets: "A", "B"). Write [file] sheet = "A"'],
        ),
        (
            {"N": NOTES, "A": VISITS, "B": VISITS},
            {},
            [
                'Several sheets have the required columns (sheets: "N", "A", "B"). Write [file] sheet = "A" (or',
                'in the mapping; to read several, sheet = ["A", "B"]; if each is a clinic, sheet_as = "clinic_id"',
            ],
        ),
        ({"A": LATE, "B": LATE}, {"header_row": 1}, ["No sheet has"]),
        ({"A": LATE, "B": LATE}, {"header_row": 2}, ["Several sheets have"]),
        ({"A": LATE[:1], "B": LATE[:1]}, {"header_row": 2}, ["No sheet has"]),
    ],
)
def test_sheets_that_cannot_be_read_and_what_to_write(sheets, file, said) -> None:
    made = book(**{name: rows for name, rows in sheets.items() if name != "Old"}, hidden=("Old",) * ("Old" in sheets))
    with pytest.raises(InputRefused) as caught:
        choose_sheets(made, given(file=file), "v.xlsx")
    assert [words for words in said if words not in str(caught.value)] == []
    assert ("to read several" in str(caught.value)) == ("Several" in said[0])


def test_what_a_workbook_carries_is_told_first() -> None:
    made = book(carried=("macros", "pictures"), Data=VISITS, Notes=NOTES)
    notes = choose_sheets(made, Mapping(), "v.xlsx")[1]
    assert notes[0] == "v.xlsx also carries macros, pictures: neither read nor copied." and len(notes) == 2


@pytest.mark.parametrize(
    ("file", "notes"),
    [
        ({"sheet": PERSON}, ['E918 v.xlsx › sheet "no. 2": its name reads like a person']),
        ({"sheet": [PERSON, "A"]}, ['E918 v.xlsx › sheet "no. 2": its name reads', 'v.xlsx: sheet "C" was not read.']),
        ({"sheet": ["A", "C"]}, ['v.xlsx: sheet "no. 2" was not read.']),
        ({"sheet": "*"}, ['E918 v.xlsx › sheet "no. 2": its name reads like a person']),
        ({"sheet": "*", "sheet_as": "clinic_id"}, []),  # said of the column that the names become
    ],
)
def test_a_sheet_named_after_a_person_is_told_by_its_place(file, notes) -> None:
    found = choose_sheets(book(A=VISITS, **{PERSON: VISITS}, C=VISITS), given(file=file), "v.xlsx")[1]
    assert len(found) == len(notes) and all(map(str.startswith, found, notes))
    assert PERSON not in " ".join(found)


def test_which_of_several_such_sheets_is_meant_is_asked_by_number() -> None:
    with pytest.raises(InputRefused) as caught:
        choose_sheets(book(**{PERSON: VISITS}, B=VISITS), Mapping(), "v.xlsx")
    assert '[file] sheet = 1 (or another) in the mapping; to read several, sheet = [1, "B"]' in str(caught.value)
    assert choose_sheets(book(A=NOTES, **{PERSON: VISITS}), Mapping(), "v.xlsx")[0] == [PERSON]
    notes = choose_sheets(book(A=VISITS, **{PERSON: NOTES}), Mapping(), "v.xlsx")[1]
    assert notes == ['v.xlsx: sheet "no. 2" has no patient and day column and was not read.']


KEYED = {"pseudonymise": True, "key": "own.key"}


@pytest.mark.parametrize(
    ("sheet", "sections", "shown"),
    [
        ("North", {}, "North"),
        (PERSON, {}, "no. 2"),
        (PERSON, {"privacy": {"accept": ["Name of the  sheet"]}}, PERSON),
        (PERSON, {"privacy": {"accept": ["visit_date"]}}, "no. 2"),
        ("North", {"file": {"sheet": "*", "sheet_as": "clinic_id"}}, "North"),
        ("North", {"file": {"sheet": "*", "sheet_as": "clinic_id"}, "privacy": KEYED}, "no. 1"),
        ("North", {"privacy": KEYED}, "North"),
    ],
)
def test_what_a_sheet_is_called(sheet: str, sections, shown: str) -> None:
    assert show_sheet(sheet, ["North", PERSON], given(**sections)) == shown


AS_CLINIC = {"sheet": "*", "sheet_as": "clinic_id"}


def test_a_sheet_that_is_a_clinic_may_be_called_by_its_street() -> None:
    assert is_named_after_person("Victoria Lane", Mapping())
    assert not is_named_after_person("Victoria Lane", given(file=AS_CLINIC))
    assert is_named_after_person("Dr Keller", given(file=AS_CLINIC))
    assert is_named_after_person("Walburga Zqist", Mapping())  # a given name of the longer list is enough
    assert not is_named_after_person("Walburga Zqist", given(file=AS_CLINIC))
    assert not is_named_after_person("Zqist Vzeder", Mapping())


@pytest.mark.parametrize(
    ("kind", "file", "is_refused"), [("csv", AS_CLINIC, True), ("xlsx", AS_CLINIC, False), ("csv", {}, False)]
)
def test_a_file_without_sheets_has_none_whose_name_is_the_clinic(kind: str, file, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(InputRefused, match=r"E129 v\.csv: .* this file has no sheets"):
            check_no_sheets(kind, given(file=file), "v.csv")
        return
    check_no_sheets(kind, given(file=file), "v.csv")


@pytest.mark.parametrize(
    ("header", "sections", "is_refused"),
    [
        (["patient_id", "Clinic_ID "], {"file": AS_CLINIC}, True),
        (["patient_id", "Clinic"], {"file": AS_CLINIC}, False),
        (["patient_id", "clinic_id"], {}, False),
        (["patient_id", "clinic_id"], {"file": AS_CLINIC, "columns": {"clinic_id": ""}}, False),
    ],
)
def test_the_clinic_is_named_by_the_sheet_or_by_a_column(header, sections, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(InputRefused, match="E129 v: the sheet has a column clinic_id"):
            check_no_clinic(header, given(**sections), "v")
        return
    check_no_clinic(header, given(**sections), "v")
