"""Where the answer turns in the look for identifiers: shares, years, lengths and check digits, on both sides of it."""

from __future__ import annotations

import pytest

from outcomes.records import identifiers as ids
from outcomes.records.identifier_kinds import ACCOUNT, BIRTH, NAME
from outcomes.records.identifier_names import has_name
from outcomes.records.person_shapes import Person, describe_people, read_as_person
from outcomes.records.plain_words import mask_person

PHONE = next(kind for kind in ids.KINDS if kind.name == "phone number")
IBAN = ids.KIND_BY_NAME[ACCOUNT]


@pytest.mark.parametrize(
    ("kind", "found", "sound"),
    [
        (PHONE, "1" * 6, False),
        (PHONE, "1" * 7, True),
        (PHONE, "+" + "1" * 15, True),
        (PHONE, "1" * 16, False),
        (PHONE, "１" * 7, False),  # digits of another script are none of a number that is dialled
        (IBAN, "CH93 0076 2011 6238 5295 7", True),
        (IBAN, "DE89370400440532013000", True),
        (IBAN, "GB82 WEST 1234 5698 7654 32", True),
        (IBAN, "GB82 WEST 1234 5698 7654 33", False),
        (IBAN, "GB83 WEST 1234 5698 7654 32", False),
        (IBAN, "DE89370400440532013001", False),
        (IBAN, "4111 1111 1111 1111", True),
        (IBAN, "4111 1111 1111 1112", False),
        (IBAN, "Konto 12", True),  # no digits to check
        (ids.KIND_BY_NAME[NAME], "7", True),
    ],
)
def test_digits_that_hold_together(kind: ids.Kind, found: str, sound: bool) -> None:
    assert ids.is_sound(kind, found) is sound


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("Clinic", True),
        ("Clinic name", True),
        ("nom du cabinet", True),
        ("Clinic doctor", False),
        ("Clinic patient name", False),
        ("Doctor", False),
        ("name", False),
        ("Kliniken", False),
    ],
)
def test_headers_of_places(header: str, place: bool) -> None:
    assert ids.says_place(header) is place


@pytest.mark.parametrize(
    ("dates", "year"),
    [
        ([], 0),
        (["soon", ""], 0),
        (["2024-03-01"], 2024),
        (["01.03.2023", "2024-03-01", "2025-01-01"], 2024),
        (["3/1/2024", "3/1/2023"], 2023),
    ],
)
def test_the_year_of_the_visits(dates: list[str], year: int) -> None:
    assert ids.find_visit_year(dates) == year


@pytest.mark.parametrize(
    ("text", "year", "kind"),
    [
        ("seen since 12.05.2014", 2024, BIRTH),
        ("seen since 12.05.2015", 2024, None),
        ("seen since 2014-05-12 and 2023-05-12", 2024, BIRTH),
        ("seen since 12.05.2014", 0, None),
        ("12.05.2014", 0, None),
    ],
)
def test_a_full_date_of_ten_years_ago_is_a_birth_date(text: str, year: int, kind: str | None) -> None:
    found = ids.find_inside(text, year)
    assert (found.name if found else None) == kind


BORN = [f"{day:02}.05.{1950 + 4 * day}" for day in range(1, 6)]


@pytest.mark.parametrize(
    ("cells", "year", "is_birth"),
    [
        (BORN, 2024, True),
        (BORN[:4], 2024, False),  # too few
        ([*BORN, *["x"] * 5], 2024, True),
        ([*BORN, *["x"] * 6], 2024, False),
        (BORN, 1972, True),  # the middle year is 1962
        (BORN, 1971, False),
        ([f"01.05.{1960 + year}" for year in (0, 1, 2, 3, 10)], 2024, False),  # no lifetime
        ([f"01.05.{1960 + year}" for year in (0, 1, 2, 3, 11)], 2024, True),
        # of two digits: the year up to that of the visits
        ([f"01.05.{year}" for year in (61, 52, 47, 71, 33)], 2024, True),
        ([f"01.05.{year:02}" for year in (4, 10, 16, 20, 24)], 2024, False),
        ([f"01.05.{year}" for year in (25, 30, 35, 40, 45)], 2024, True),
        ([cell[6:] + cell[3:5] + cell[:2] for cell in BORN], 2024, True),  # 19540501
        (BORN, 0, False),
    ],
)
def test_dates_over_a_lifetime_are_of_births(cells: list[str], year: int, is_birth: bool) -> None:
    found = ids.judge_column("Datum", cells, year)
    assert bool(found and (found.kind, found.evidence) == (BIRTH, ids.CELLS)) is is_birth


LUHN = ("0009", "0017", "0025", "0033", "0041", "0058", "0066", "0074", "0082", "0090", "0108", "0116")
"""What follows 10000 in numbers of nine digits with the check digit of cards."""


@pytest.mark.parametrize(
    ("header", "cells", "found"),
    [
        # below a header that names the kind, three cells in ten that fit are enough
        ("E-mail", ["a@b", "c@d", "e@f", *"0123456"], ("e-mail address", ids.BOTH, 3, 10)),
        ("E-mail", ["a@b", "c@d", *"01234567"], None),
        ("E-mail", [], ("e-mail address", ids.HEADER, 0, 0)),
        ("E-mail", ["  ", ""], ("e-mail address", ids.HEADER, 0, 0)),
        ("E-mail", ["yes", "NO"], None),
        # without one, half of them; those of another kind do not count
        ("u", ["a@b.org", "c@d.org", "2", "3"], ("e-mail address", ids.CELLS, 2, 4)),
        ("u", ["a@b.org", "c@d.org", "https://e.org/f", "4"], ("e-mail address", ids.CELLS, 2, 4)),
        ("u", ["a@b.org", "c@d.org", "3", "4", "5"], ("e-mail address", ids.SOME, 2, 5)),
        ("u", ["a@b.org", "https://e.org/f", "http://e.org/g", *"45678"], ("web address", ids.SOME, 2, 8)),
        ("u", ["2", "3"], None),
        # one number in many that has the check digits of a person's has them by chance
        ("u", ["756.9217.0769.85", "3", "4", "5"], ("social security number", ids.SOME, 1, 4)),
        ("u", ["4111111111111111", "3", "4", "5"], None),
        ("u", [f"10000{n}" for n in LUHN], ("social security number", ids.CELLS, 12, 12)),
        # below a header of places, what may be one is none
        ("u", ["Anna Park", "17", "18", "19", "20"], ("name", ids.SOME, 1, 5)),
        ("Clinic name", ["Anna Park", "17", "18", "19", "20"], None),
        ("Clinic name", ["Dr. Weber Clinic", "17", "18", "19", "20"], ("name", ids.SOME, 1, 5)),
        ("age", ["91", "40", "95"], ("age over 89", ids.CELLS, 2, 3)),
        ("age", ["40", "41"], None),
    ],
)
def test_a_column_is_judged_by_its_header_and_its_cells(header, cells, found) -> None:
    likely = ids.judge_column(header, cells, 2024)
    assert (likely and (likely.kind, likely.evidence, likely.n, likely.n_looked_at)) == found


@pytest.mark.parametrize(
    ("cells", "n"),
    [
        (["Anna Keller", "Jonas Weber", "", " "], (2, 2)),  # two of the list, and blanks do not count
        (["Zyxa Qwerb", "Wozz Plarn", "17", "18"], (2, 4)),  # half of them by their shape
        (["Zyxa Qwerb", "16", "17"], None),
        ([], None),
        (["17", "18"], None),
        (["anna weber", "maria smith"], (2, 2)),  # of the list, in small letters
    ],
)
def test_ids_that_are_names_of_people(cells: list[str], n: tuple[int, int] | None) -> None:
    found = ids.judge_people(cells)
    assert (found and (found[0].n, found[0].n_looked_at)) == n
    assert found is None or (found[0].kind, found[0].evidence) == (NAME, ids.CELLS)


def test_examples_are_two_different_shapes() -> None:
    likely = ids.judge_column("E-mail", ["ab@c.de", "xy@z.uv", "a@c.de", "abc@c.de"])
    assert likely is not None and likely.examples == ("xx@x.xx", "x@x.xx")


@pytest.mark.parametrize(
    ("text", "person", "as_clinic"),
    [
        ("Zyxa Qwerb", Person.PERHAPS, Person.PERHAPS),
        ("Anna Qwerb", Person.SURE, Person.SURE),
        ("Zyxa Anna", Person.SURE, Person.SURE),
        ("Dr. Qwerb", Person.SURE, Person.SURE),
        ("Dr. med. Qwerb", Person.SURE, Person.SURE),
        ("Dr.", Person.NO, Person.NO),
        ("Qwerb", Person.NO, Person.NO),
        ("Qwerb Qwerb", Person.NO, Person.NO),
        ("Z. Qwerb", Person.PERHAPS, Person.PERHAPS),
        ("M. Weber", Person.SURE, Person.SURE),
        ("Z. Q.", Person.NO, Person.NO),
        ("z. Qwerb", Person.NO, Person.NO),
        ("Zyxa Qwerb Plarn", Person.PERHAPS, Person.PERHAPS),
        ("Zyxa Qwerb Plarn Wozz", Person.NO, Person.NO),
        ("Zyxa van der Qwerb Plarn", Person.PERHAPS, Person.PERHAPS),
        ("Zyxa Van Qwerb", Person.PERHAPS, Person.PERHAPS),
        ("Zyxa Qwerb, PT, DPT", Person.PERHAPS, Person.PERHAPS),
        ("Zyxa QWE", Person.NO, Person.NO),  # a short code
        ("Zyxa QWER", Person.PERHAPS, Person.PERHAPS),
        ("Zyxa qwerb", Person.NO, Person.NO),
        ("Zyxa Plarn qwerb", Person.NO, Person.NO),
        ("Zyxa Berg", Person.NO, Person.NO),
        ("Zyxa van der Berg", Person.PERHAPS, Person.PERHAPS),  # no mountain
        ("Zyxa Qwerb7", Person.NO, Person.NO),
        ("Zyxa Praxis", Person.NO, Person.NO),
        ("PT", Person.NO, Person.NO),
        ("", Person.NO, Person.NO),
    ],
)
def test_what_reads_like_one_person(text: str, person: Person, as_clinic: Person) -> None:
    assert (read_as_person(text), read_as_person(text, is_clinic=True)) == (person, as_clinic)


def test_people_are_described_by_share_and_shapes() -> None:
    assert describe_people([]) == (0.0, Person.NO, "0 of 0 different cells are shaped like a person's name ().")
    cells = ["Zyxa Qwerb", "Mi Qwerb", "Zyxo Qwerbo", "Abcde Fg", "17", " "]
    share, surest, words = describe_people(cells)
    assert (share, surest) == (0.8, Person.PERHAPS)
    assert words == "4 of 5 different cells are shaped like a person's name (xxxx xxxxx and xx xxxxx)."


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Anna Weber", "xxxx xxxxx"), ("Room 7", "Room 7"), ("a@b.org", "x@x.xxx"), ("Voice print", "Voice print")],
)
def test_a_text_that_names_a_person_is_told_by_its_shape(text: str, shown: str) -> None:
    assert mask_person(text) == shown


@pytest.mark.parametrize(
    ("address", "n"),
    [
        ("https://w3.org/x", 0),
        ("http://www.w3.org/2000/svg", 0),
        ("https://me@doi.org/10.1", 0),
        ("https://notw3.org/x", 1),
        ("https://w3.org.example.com/x", 1),
    ],
)
def test_a_host_is_known_by_its_whole_name_or_as_one_below_it(address: str, n: int) -> None:
    assert [kind for kind, _ in ids.scan_text(f"see {address} for it")].count("web address") == n


@pytest.mark.parametrize(
    ("text", "is_name"),
    [("seen by John Q. Smith", True), ("John Quartz Smith", False), ("John Q. Zzzz", False), ("John, Q. Smith", False)],
)
def test_a_given_and_a_family_name_with_an_initial_between_are_a_person(text: str, is_name: bool) -> None:
    assert has_name(text) is is_name


PEOPLE = ["John Smith", "Mary Johnson", "Robert Brown", "Linda Davis", "Michael Wilson", "Susan Moore"]
TOWNS = ["San Jose", "Santa Clara", "Saint Paul", "San Diego", "San Antonio", "Santa Rosa"]


@pytest.mark.parametrize(
    ("header", "cells", "are_people"),
    [("Site", PEOPLE, True), ("Site", TOWNS, False), ("Zzz", PEOPLE, True), ("Zzz", TOWNS, True)],
)
def test_towns_are_called_like_people_unless_the_header_says_place(header: str, cells: list[str], are_people: bool):
    found = ids.judge_column(header, cells)
    assert (found is not None and (found.kind, found.evidence) == (NAME, ids.CELLS)) == are_people
