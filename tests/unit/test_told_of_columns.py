"""What is told of columns nobody asked for: footers, names, ticks, suspects; each bound on a few cells."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace

import pytest

from outcomes.definitions import Codebook
from outcomes.errors import ConfigError
from outcomes.records import pseudonyms
from outcomes.records.columns import BLANK, choose_columns
from outcomes.records.inspect_columns import Match
from outcomes.records.inspect_flags import find_ticked_columns, hint_at_ticked
from outcomes.records.inspect_people import judge_unread, visit_year
from outcomes.records.inspect_write import _code_point
from outcomes.records.mapping import Mapping
from outcomes.records.remarks import list_remarks


def remarks(footers: tuple[int, ...] = (), unread: tuple[str, ...] = (), *fields: str) -> list[str]:
    file = SimpleNamespace(place="v.csv", footer_rows=footers, unread_columns=unread)
    return list_remarks(SimpleNamespace(fields=dict.fromkeys(fields), notes=("first",), files=(file,)))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((7,), "in row 7."),
        ((7, 9), "in rows 7, 9."),
        (tuple(range(1, 13)), "in rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."),
        (tuple(range(1, 14)), "in rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 1 more."),
    ],
)
def test_rows_of_totals_are_told_up_to_twelve(rows: tuple[int, ...], said: str) -> None:
    assert remarks(rows) == ["first", f"v.csv: totals or footers stand {said}"]


@pytest.mark.parametrize(
    ("unread", "fields", "said"),
    [
        (("Room",), (), "Room;"),
        (("Patient",), (), "Patient (meant as patient_id?);"),
        (("Visit",), ("visit_purpose",), "Visit (meant as visit_date or visit_day?);"),
        (tuple("qwzkvbjgfhyu"), (), "q, w, z, k, v, b, j, g, f, h, y, u;"),
        (tuple("qwzkvbjgfhyux"), (), "q, w, z, k, v, b, j, g, f, h, y, u and 1 more;"),
    ],
)
def test_columns_not_read_are_told_up_to_twelve(unread: tuple[str, ...], fields: tuple[str, ...], said: str) -> None:
    assert remarks((), unread, *fields) == [
        "first",
        f"not read from v.csv: {said} [columns] in the mapping names what is",
    ]


def test_nothing_more_is_told_where_all_is_read() -> None:
    assert remarks() == ["first"]


MAILS = ["a@b.org", "c@d.org", "a@b.org"]
PEOPLE = ["Anna Weber", "Maria Smith", "John Smith"]


@pytest.mark.parametrize(
    ("header", "cells", "match", "found"),
    [
        ("Contact", MAILS, None, ("", "e-mail address", 2)),
        ("Notes", MAILS, None, None),  # running text is not looked at
        ("E-mail notes", MAILS, None, ("", "e-mail address", 2)),
        ("Notes", MAILS, ("clinic_id", 0.62), ("clinic_id", "e-mail address", 2)),
        ("Contact", MAILS, ("region", 0.62), None),  # it is read, and its cells are judged there
        ("Contact", MAILS, ("region", 0.61), ("", "e-mail address", 2)),
        ("Who", PEOPLE, ("patient_id", 0.9), ("patient_id", "name", 3)),
        ("Who", ["17", "18"], ("patient_id", 0.9), None),
        ("Room", ["17", "18"], None, None),
    ],
)
def test_columns_that_are_no_field_or_an_id_are_judged(header, cells, match, found) -> None:
    top = SimpleNamespace(header=(f"{header} ",), cells=(cells,))
    matches = [Match(0, header, match[0], match[1], 1.0, 1.0)] if match else []
    told = [
        (one.header, one.letter, one.field, one.likely.kind, one.likely.n) for one in judge_unread(top, matches, 2024)
    ]
    assert told == ([(header, "A", *found)] if found else [])


@pytest.mark.parametrize(
    ("field", "score", "year"), [("visit_date", 0.62, 2024), ("visit_date", 0.61, 0), ("onset_date", 0.9, 0)]
)
def test_the_year_of_the_visits_is_that_of_a_sure_column(field: str, score: float, year: int) -> None:
    top = SimpleNamespace(header=("x", "Day"), cells=(["1"], ["2024-01-02", "2024-02-03"]))
    assert visit_year(top, [Match(1, "Day", field, score, 1.0, 1.0)]) == year


def test_columns_of_yes_and_no_are_found_but_for_those_taken_named_twice_or_of_people() -> None:
    ticks = ["x", "", "x"]
    header = ["Massage ", "Zorbing", "Notes", "E-mail", "Twice", "twice", "Taken", "", "Area"]
    cells = [*[ticks] * 8, ["neck", "hip", "neck"]]
    found = find_ticked_columns(header, cells, {6}, Codebook.load())
    assert [(one.header, one.letter, one.is_known, one.n_yes, one.n_looked_at) for one in found] == [
        ("Massage", "A", True, 2, 3),
        ("Zorbing", "B", False, 2, 3),
    ]
    assert found[0].seen == "yes in 2 of 3 rows looked at" and hint_at_ticked(found[:1]) == ""
    assert hint_at_ticked(found).startswith(
        "1 column of yes and no is not read, and the codebook has no word for its header: "
        '"xxxxxxx" (B, yes in 2 of 3 rows looked at). '
    )
    assert hint_at_ticked([found[1]] * 2).startswith("2 columns of yes and no are not read")


@pytest.mark.parametrize(
    ("files", "is_refused"),
    [
        (("manifest.json", "config/protocol.toml"), True),
        (("manifest.json",), False),
        (("config/protocol.toml",), False),
        ((), False),
    ],
)
def test_no_key_is_made_inside_a_release(tmp_path, files: tuple[str, ...], is_refused: bool) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "below").mkdir()
    key = tmp_path / "below" / "outcomes.key"
    if is_refused:
        with pytest.raises(ConfigError, match="E913"):
            pseudonyms.load_key(key)
        assert not key.exists()
    else:
        assert len(pseudonyms.load_key(key)) == 32 and pseudonyms.load_key(key) == key.read_bytes()
        assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("n", [0, 31, 33])
def test_a_key_has_its_length_and_is_its_owners_alone(tmp_path, n: int) -> None:
    key = tmp_path / "outcomes.key"
    key.write_bytes(b"k" * n)
    key.chmod(0o600)
    with pytest.raises(ConfigError, match="E912"):
        pseudonyms.load_key(key)
    for mode in (0o610, 0o604):
        key.chmod(mode)
        with pytest.raises(ConfigError, match="E911"):
            pseudonyms.load_key(key)


def test_a_pseudonym_hangs_on_key_kind_and_text() -> None:
    """Kept as it was first written: another one would cut every patient's record in two."""
    made = pseudonyms.make_pseudonym(b"k" * 32, "patient_id", "P1")
    assert made == "HKER25IDDXRA7AFU" and len(made) == 16
    others = [(b"j" * 32, "patient_id", "P1"), (b"k" * 32, "clinic_id", "P1"), (b"k" * 32, "patient_id", "P2")]
    assert made not in {pseudonyms.make_pseudonym(*one) for one in others}


def test_a_column_without_a_header_is_unread_and_looked_at() -> None:
    found = choose_columns(("patient_id", "visit_date", ""), Mapping(), "v.csv")
    assert found.unread == ("(column C, no header)",) and f"{BLANK}2" in found.index


@pytest.mark.parametrize(
    ("character", "written"),
    [("\x07", "\\u0007"), ("\uffff", "\\uffff"), ("\U00010000", "\\U00010000"), ("\U000e0001", "\\U000e0001")],
)
def test_a_character_nobody_sees_is_written_by_its_number_as_toml_has_it(character: str, written: str) -> None:
    assert _code_point(character) == written and tomllib.loads(f'a = "{written}"') == {"a": character}
