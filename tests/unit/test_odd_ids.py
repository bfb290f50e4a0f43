"""Single ids that are names, addresses or numbers with a label among codes: their rows are set aside."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from outcomes import arrow
from outcomes.records import odd_ids, read_records
from outcomes.records.model import TextColumn
from outcomes.records.odd_ids import find_odd_ids


def read(folder: Path, field: str, odd: list[str], n: int = 100, usual: str = "K{i:04}"):
    other = "clinician_id" if field == "patient_id" else "patient_id"
    ids = [odd[i] if i < len(odd) else usual.format(i=i // 3) for i in range(n)]
    lines = [f"{text},2024-02-{i % 28 + 1:02},T{i % 5}" for i, text in enumerate(ids)]
    (folder / "visits.csv").write_text("\n".join([f"{field},visit_date,{other}", *lines]) + "\n", encoding="utf-8")
    return read_records(folder / "visits.csv")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MRN 7711341", "record number"),
        ("12 Qvist Street", "address or small area"),
        ("dob 07/16/1984 Q", "birth date"),
        ("MRN 20/90716", "record number"),
        ("36654416Y", "social security number"),
        ("DE13346383773216089750", "account number"),
        ("IMG_7214.jpg", "photograph"),
        ("qvist.de/walburga", "web address"),
        ("Walburga Qvistova", "name"),  # "Walburga" is in the longer list
        ("walburga.qvistova", "name"),
        ("Walburga_Qvistova", "name"),
        ("WalburgaQvistova", "name"),
        ("44051401359", "social security number"),  # Poland's own example
        ("7569217076985", "social security number"),
    ],
)
@pytest.mark.parametrize("field", ["patient_id", "clinician_id"])
def test_an_id_of_words_among_codes_sets_its_row_aside(tmp_path: Path, field: str, text: str, kind: str) -> None:
    records = read(tmp_path, field, [text])
    assert records.n == 99 and records.set_aside.row.tolist() == [2]
    assert records.set_aside.code == ("E903",) and any(kind in note for note in records.notes)
    assert "Qvist" not in str(records.set_aside) + str(records.notes)


def test_a_name_that_no_list_knows_is_one_as_a_patient_and_may_be_a_desk_as_a_clinician(tmp_path: Path) -> None:
    assert read(tmp_path, "patient_id", ["Zqista Vzeder"]).set_aside.code == ("E903",)
    assert read(tmp_path, "clinician_id", ["Zqista Vzeder", "Front Desk"]).n == 100


def test_ids_that_say_nobody_stay(tmp_path: Path) -> None:
    assert read(tmp_path, "patient_id", ["K12 4", "481177713", "Vzeder", "K 0007", "AbcDef"]).n == 100
    assert read(tmp_path, "patient_id", ["qVzedEra", "KvzederZqista", "front_desk", "44051401358"]).n == 100


def test_of_ids_written_with_words_all_over_no_row_goes(tmp_path: Path) -> None:
    records = read(tmp_path, "patient_id", [], usual="Patient {i:04}")
    assert records.n == 100 and not any("E90" in note for note in records.notes)
    assert read(tmp_path, "patient_id", ["Zqista Vzeder"] * 5).n == 95  # 5 % are few
    assert read(tmp_path, "patient_id", [f"Patient 00{i:02}" for i in range(6)]).n == 100


def test_a_clinic_may_be_called_like_a_person_or_by_its_street_and_not_by_a_number_of_one(tmp_path: Path) -> None:
    lines = [f"K{i // 3:03},2024-02-{i % 28 + 1:02},C{i % 2}" for i in range(100)]
    for i, text in enumerate(("policy 720031428", "12 Qvist Street", "Zqista Vzeder", "s/n 71:92:05:16:57:ee")):
        lines[i] = lines[i].replace(f"C{i % 2}", text)
    (tmp_path / "v.csv").write_text("\n".join(["patient_id,visit_date,clinic_id", *lines]) + "\n", encoding="utf-8")
    assert read_records(tmp_path / "v.csv").set_aside.row.tolist() == [2, 5]


def test_a_long_number_among_words_is_none_of_them_and_among_numbers_is(tmp_path: Path) -> None:
    def rows_away(cells: list[str]) -> list[int]:
        lines = [f"K{i},2024-02-0{i % 9 + 1},{cell}" for i, cell in enumerate(cells)]
        (tmp_path / "v.csv").write_text("\n".join(["patient_id,visit_date,cause", *lines]) + "\n", encoding="utf-8")
        return list(read_records(tmp_path / "v.csv").set_aside.row)

    words = ["posture", "trauma", "overuse", "stress"]
    assert rows_away([*words, "0770398088", "97110", "1234567", "12345678"]) == [6, 8, 9]
    assert rows_away(["278860009", "185349003", "161891005", "trauma"]) == []  # a terminology


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Krankenblatt 40718", "record number"),
        ("prontuário 40718-B", "record number"),
        ("Faks 31 44 05 72", "fax number"),
        ("szül. 1951. 03. 14.", "birth date"),
        ("walburga at qvist dot net", "e-mail address"),
        ("41 77 20 93", "phone number"),
        ("login: qvist_w", "code of one person"),
        ("5YJSA1E26HF204417", "vehicle number or plate"),
        ("3c6e0b8a9c15224a8228b9a98ca1531d", "derived code"),
        ("Quandel 604418", "code of one person"),
        ("QX-4C1F90D763A1B2E4", "code of one person"),
        ("BV62 KRT", "vehicle number or plate"),
    ],
)
@pytest.mark.parametrize("field", ["patient_id", "clinician_id", "clinic_id"])
def test_an_id_of_another_form_that_says_what_it_is_sets_its_row_aside(
    tmp_path: Path, field: str, text: str, kind: str
) -> None:
    records = read(tmp_path, field, [text])
    assert records.set_aside.row.tolist() == [2] and records.set_aside.code == ("E903",)
    assert any(kind in note for note in records.notes) and text not in str(records.set_aside) + str(records.notes)


def test_a_listed_name_alone_is_no_patient_and_may_be_a_clinician(tmp_path: Path) -> None:
    assert read(tmp_path, "patient_id", ["Walburga"]).set_aside.row.tolist() == [2]
    assert read(tmp_path, "clinician_id", ["Walburga"]).n == 100
    assert read(tmp_path, "patient_id", ["walburga", "WAL", "Massage", "Zqist"]).n == 100


@pytest.mark.parametrize("field", ["patient_id", "clinician_id"])
def test_a_title_says_that_a_name_is_one(tmp_path: Path, field: str) -> None:
    for text in ("Hr. Vzeder", "client: Zqist Vzeder"):
        assert read(tmp_path, field, [text]).set_aside.row.tolist() == [2]
    assert read(tmp_path, "clinic_id", ["Hr. Vzeder"]).n == 100


def test_a_few_ids_of_another_system_stay(tmp_path: Path) -> None:
    for few in (["Alt 604418", "Alt 604423"], ["QX-4C1F90D763A1B2E4", "QX-5D2A91C764B0F3E5"], ["BV62 KRT", "BV63 KRS"]):
        assert read(tmp_path, "patient_id", few).n == 100
    assert read(tmp_path, "patient_id", ["604418", "P604418", "K12-old", "K0012/2", "K0012 (2)", "9f3c2a71"]).n == 100
    assert read(tmp_path, "patient_id", ["3f2a9c11-7d60-4e2b-9a55-0c81d2f4b6e7"]).n == 100


def test_a_locum_of_more_than_a_few_visits_is_called_as_he_likes(tmp_path: Path) -> None:
    assert read(tmp_path, "clinician_id", ["Locum 604418"] * 3).n == 97
    assert read(tmp_path, "clinician_id", ["Locum 604418"] * 4).n == 100
    assert read(tmp_path, "clinic_id", ["12 Qvist Loop", "Hämeenkatu 27", "C1 2AB"]).n == 100


@pytest.mark.parametrize("text", ["x" * 3_000, "9" * 3_000, "a9" * 1_500, "(", "\\", "漢 字", "[a]{9}"])
def test_ids_of_any_length_and_sign_are_compared(text: str) -> None:
    column = TextColumn(pa.array([f"{text}{i}" for i in range(40)] + ["", "Walburga"]), np.arange(42, dtype=np.int32))
    assert set(find_odd_ids("patient_id", column)) <= {41}
    assert find_odd_ids("patient_id", TextColumn(pa.array([""]), np.zeros(9, np.int32))) == {}
    assert find_odd_ids("patient_id", TextColumn(pa.array([], pa.string()), np.zeros(0, np.int32))) == {}


def test_of_thousands_of_ids_without_a_usual_form_only_suspicious_ones_are_read() -> None:
    ids = [f"K{i}" for i in range(50_000)] + [f"K{i}b" for i in range(2_400)] + ["BV62 KRT"]
    found = find_odd_ids("patient_id", TextColumn(pa.array(ids), np.arange(len(ids), dtype=np.int32)))
    assert found == {52_400: "vehicle number or plate"}


def test_how_ids_are_usually_written_does_not_hang_on_the_order_of_rows():
    rng = np.random.default_rng(5)
    ids = [f"P{i:04d}" for i in range(300)] + [f"2024/{i}" for i in range(40)] + ["Müller Q", "MRN 771134", "x-1", "ß9"]
    # A second system of ids has a little more than the twentieth of the rows that makes it usual.
    often, seldom = rng.integers(0, 300, 2800), rng.integers(300, 340, 165)
    codes = np.concatenate([often, seldom, [340, 341, 341, 342, 343]]).astype(np.int32)

    def find(order, names):
        # The same rows in another order, and their ids numbered by another first row.
        place = np.empty(len(ids), np.int32)
        place[names] = np.arange(len(ids))
        column = TextColumn(arrow.from_texts([ids[i] for i in names]), place[codes[order]])
        return {ids[names[code]]: kind for code, kind in find_odd_ids("patient_id", column).items()}

    first = find(np.arange(codes.size), np.arange(len(ids)))
    assert {"Müller Q", "MRN 771134"} <= set(first)
    for _ in range(8):
        assert find(rng.permutation(codes.size), rng.permutation(len(ids))) == first


def test_of_ids_written_in_thousands_of_ways_none_is_unlike_the_others():
    ways = [f"{'a' * (i % 80 + 1)}-{'9' * (i // 80 + 1)}" for i in range(6000)]
    column = TextColumn(arrow.from_texts([*ways, "MRN 771134"]), np.arange(6001, dtype=np.int32))
    assert odd_ids._find_usual(column) is None and odd_ids._count_shapes(column) == {}


def test_parts_of_a_hash_are_one_form_and_words_among_them_are_not():
    rng = np.random.default_rng(6)
    drawn = ["P" + "".join(rng.choice(list("0123456789abcdef"), 8)) for _ in range(900)]
    ids = [*(text for text in drawn if any(map(str.isdigit, text[1:]))), "Walburga Qvist", "P12345678901234567890123"]
    column = TextColumn(arrow.from_texts(ids), np.arange(len(ids), dtype=np.int32))
    usual = odd_ids._find_usual(column)
    assert (usual.longest, usual.has_digits) == (9, True)
    unlike = [ids[code] for code in odd_ids._find_unlike(column, usual).tolist()]
    assert unlike == ids[-2:]
    assert find_odd_ids("patient_id", column) == {len(ids) - 2: "name"}


def test_where_ids_have_no_usual_form_only_what_says_by_itself_what_it_is_counts():
    ways = [f"{'a' * (i % 80 + 1)}-{'9' * (i // 80 + 1)}" for i in range(6000)]
    ids = [*ways, "MRN 771134", "Kowalska x 12"]
    column = TextColumn(arrow.from_texts(ids), np.arange(len(ids), dtype=np.int32))
    assert find_odd_ids("patient_id", column) == {6000: "record number"}


USUAL = [f"K{i // 3:04}" for i in range(600)]
LONGER = [f"K{i // 3:07}" for i in range(600)]
ALL_DIFFERENT = [f"K{i:04}" for i in range(95)]


@pytest.mark.parametrize(
    ("ids", "odd", "kind"),
    [
        (USUAL + ["Quandel 604418"] * 20, "Quandel 604418", "code of one person"),
        (USUAL + ["Quandel 604418"] * 21, "Quandel 604418", ""),
        ([*USUAL, "Mary"], "Mary", "name"),
        ([*USUAL, "Ana"], "Ana", ""),  # three letters may stand for anything
        ([*USUAL, "ABCD12345678"], "ABCD12345678", "code of one person"),
        ([*USUAL, "ABCD1234567"], "ABCD1234567", ""),
        ([*LONGER, "QX4C1F90D763A1B2"], "QX4C1F90D763A1B2", "code of one person"),  # twice as long as the others
        ([*LONGER, "QX4C1F90D763A1B"], "QX4C1F90D763A1B", ""),
        ([*ALL_DIFFERENT, *["Walburga Qvistova"] * 5], "Walburga Qvistova", "name"),  # one row in twenty
        ([*ALL_DIFFERENT[:94], *["Walburga Qvistova"] * 5], "Walburga Qvistova", ""),
        ([*ALL_DIFFERENT[:94], *["Walburga Qvistova"] * 3, *["MRN 7711341"] * 3], "MRN 7711341", ""),
    ],
)
def test_limits_of_what_is_odd(ids: list[str], odd: str, kind: str) -> None:
    texts = list(dict.fromkeys(ids))
    codes = np.array([texts.index(text) for text in ids], np.int32)
    found = find_odd_ids("patient_id", TextColumn(arrow.from_texts(texts), codes))
    assert found == ({texts.index(odd): kind} if kind else {})


def unlike(ids: list[str]) -> list[str] | None:
    """Return the ids written unlike the others, all of them different; None where there is no usual form."""
    column = TextColumn(arrow.from_texts(ids), np.arange(len(ids), dtype=np.int32))
    usual = odd_ids._find_usual(column)
    return [ids[code] for code in odd_ids._find_unlike(column, usual).tolist()] if usual else None


SECOND = [f"2024/{i}" for i in range(10)]
OTHERS = [f"{'x-' * (i + 1)}1" for i in range(11)]
PARTS = [f"b{i}" for i in range(90)] + [f"{i}b" for i in range(90)] + [f"b{i}b" for i in range(90)]


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (ALL_DIFFERENT + SECOND[:5], SECOND[:5]),
        (ALL_DIFFERENT[:94] + SECOND[:6], []),  # more than one in twenty: a system of its own
        (ALL_DIFFERENT[:90] + OTHERS[:10], OTHERS[:10]),
        (ALL_DIFFERENT[:89] + OTHERS, None),  # more than one in ten in ways of their own
        ([*ALL_DIFFERENT, "K000012", "K0000123"], ["K0000123"]),  # two digits longer, three
        ([f"K{i:065}" for i in range(90)] + [f"K{i:067}" for i in range(2)], ["K" + "0" * 67, f"K{1:067}"]),
        (["-" + "a-" * 49 + sign * 2 for sign in "abcdefghij"], []),  # 100 runs
        (["-" + "a-" * 50 for _ in range(1)], None),
        ([*PARTS, "1b1"], ["1b1"]),  # three forms are three forms
        ([*PARTS, *(f"{i}b{i}" for i in range(90)), "b1b1"], []),  # of four, parts of a hash
        ([f"K{i}" for i in range(50_000)] + [f"K{i}b" for i in range(2_000)], [f"K{i}b" for i in range(2_000)]),
        ([f"K{i}" for i in range(50_000)] + [f"K{i}b" for i in range(2_001)], []),  # too many to be read
        ([f"{'a' * (i % 100 + 1)}-{'9' * (i // 100 + 1)}" for i in range(5_000)], []),
        ([f"{'a' * (i % 100 + 1)}-{'9' * (i // 100 + 1)}" for i in range(5_001)], None),
        (["".join(letters) for letters in product("Zz", repeat=13)], []),  # letters are all alike
        ([f"À[{i}" for i in range(90)], []),
        ([f"À{{{i}" for i in range(90)], []),
    ],
    ids=range(17),
)
def test_limits_of_what_is_usual(ids: list[str], found: list[str] | None) -> None:
    assert unlike(ids) == found


@pytest.mark.parametrize(
    ("key", "odd", "found"),
    [
        ("patient_id", ["Hämeenkatu 27", "Qvistkatu 31"], True),
        ("clinic_id", ["Hämeenkatu 27", "Qvistkatu 31"], False),
        ("clinic_id", ["41 77 20 93", "41 77 21 94"], True),
        ("patient_id", ["BV62 KRT", "BV63 KRS"], False),  # a form in which ids may be written
        ("patient_id", ["BV62 KRT", "Quandel 604418"], True),  # each the only one in its form
    ],
)
def test_a_form_in_which_no_id_is_written_says_it_of_several_too(key: str, odd: list[str], found: bool) -> None:
    texts = [*ALL_DIFFERENT, *odd]
    column = TextColumn(arrow.from_texts(texts), np.arange(len(texts), dtype=np.int32))
    assert [texts[code] for code in find_odd_ids(key, column)] == (odd if found else [])
