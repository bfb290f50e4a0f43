"""Which columns a header line has, which it lacks, and what is said of it: at the bounds, without a file."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.errors import InputRefused
from outcomes.records import Mapping
from outcomes.records import columns as heads
from outcomes.records.busy_days import find_busy_span
from outcomes.records.folding import fold_text
from outcomes.records.remarks import _guess_fields

PLAIN = ("patient_id", "visit_date", "pain_pre")


def choose(*header: str, hint: str = "", **sections: object) -> heads.Wanted:
    return heads.choose_columns(header, Mapping.from_dict(sections), "v.csv", hint)


def refused(*header: str, hint: str = "", **sections: object) -> list[str]:
    with pytest.raises(InputRefused) as caught:
        choose(*header, hint=hint, **sections)
    return [f"{finding.code} {finding.message} {finding.remedy}" for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("", ""),
        ("Ab 1-2", "xx 9-9"),
        ("é７", "x9"),
        ("a" * 20, "x" * 20),
        ("a" * 21, "x" * 20 + "…"),
        ("\x07", "?"),
    ],
)
def test_the_shape_of_a_value(value: str, shape: str) -> None:
    assert heads.mask(value) == shape


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Pain\nnow", "Pain now"),
        ("Room 12", "Room 12"),
        ("Room 123", "xxxx 999"),
        ("Pain (0-10)", "Pain (0-10)"),
        ("a@b", "x@x"),
        ("visit " * 10, "visit " * 10),
        ("visit " * 10 + "s", "xxxxx xxxxx xxxxx xx…"),
        ("Dr. Anna Weber", "xx. xxxx xxxxx"),
        ("Max Pain", "Max Pain"),
        ("Anna Pain", "xxxx Pain"),
        ("Anna Weber id", "xxxx xxxxx xx"),  # so short a word is none that headers are made of
    ],
)
def test_a_header_is_shown_or_its_shape(header: str, shown: str) -> None:
    assert heads.show_header(header) == shown


@pytest.mark.parametrize(
    ("cells", "are_values"),
    [
        ([], False),
        (["7", "a", "b", "c"], False),
        (["7", "a", "b"], True),
        (["7", "", " ", "a", "b"], True),
        (["a"], False),
    ],
)
def test_more_than_a_quarter_of_values_is_no_header(cells: list[str], are_values: bool) -> None:
    assert heads.looks_like_values(cells) is are_values


def test_letters_of_columns() -> None:
    letters = [heads.column_letter(i) for i in (0, 1, 25, 26, 27, 51, 52, 701, 702, 703)]
    assert letters == ["A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA", "AAB"]


@pytest.mark.parametrize(
    ("header", "known", "is_enough"),
    [
        (PLAIN, 3, True),
        (("patient_id", "visit_day"), 2, True),
        (("patient_id",), 1, False),
        (("visit_date", "visit_day", "Patient_ID "), 3, True),
        (("visit_date", "visit_day"), 2, False),
        (("u", ""), 0, False),
    ],
)
def test_a_header_line_needs_a_patient_and_a_day(header: tuple[str, ...], known: int, is_enough: bool) -> None:
    assert (heads.count_known(header, Mapping()), heads.has_required(header, Mapping())) == (known, is_enough)


def test_columns_are_chosen_by_name_and_the_others_are_told() -> None:
    found = choose("Room", "Case", "visit_date", "", "Heat", "Kind", "patient_id", columns={"patient_id": "case"},
                   modality_columns={"heat": "heat"}, non_data={"kind": ["total"]})  # fmt: skip
    assert found.index == {"patient_id": 1, "visit_date": 2, "flag:heat": 4, "row:kind": 5, f"{heads.BLANK}3": 3}
    assert found.positions == [1, 2, 3, 4, 5]
    assert found.places() == {"patient_id": ("Case", "B"), "visit_date": ("visit_date", "C")}
    assert found.places("flag:") == {"heat": ("Heat", "E")}
    assert found.unread == ("Room", "(column D, no header)", "patient_id") and found.notes == ()


def test_what_nobody_sees_in_a_header_is_told_where_the_column_is_read() -> None:
    found = choose("patient_id\u200b", "visit_date", "Note\u200b", "pain_pre\u00a0")
    said = "v.csv: invisible or special characters in the header of column A, D were left out."
    assert found.notes == (said,)
    assert choose(*PLAIN, "Note\u200b").notes == ()


def test_a_header_that_stands_twice_is_told_and_refused_where_it_is_wanted() -> None:
    found = choose(*PLAIN, "Note", "x", "note ", "")
    assert found.notes == ("v.csv: header 'Note' stands in 2 columns (D, F); none is read.",)
    assert refused(*PLAIN, "x", "Pain_pre") == [
        "E122 header 'pain_pre' stands in 2 columns (C, E). Rename or delete one of them in the export."
    ]


@pytest.mark.parametrize(
    ("header", "words", "line"),
    [
        (("Patient", "visit_date"), "patient_id", 'patient_id = "Patient"'),
        (("patient-id2", "visit_day"), "patient_id", 'patient_id = "patient-id2"'),
        (("Case", "visit_day"), "patient_id", 'patient_id = "Case"'),
        (("u", "visit_day"), "patient_id", 'patient_id = "the header in your file"'),
        (("patient_id", "Start"), "visit_date (or visit_day)", 'visit_date = "Start"'),
        (("patient_id", "Day of stay"), "visit_date (or visit_day)", 'visit_day = "Day of stay"'),
        (("patient_id", "Birth date"), "visit_date (or visit_day)", 'visit_date = "the header in your file"'),
        (("u", "w"), "patient_id and visit_date (or visit_day)",
         'patient_id = "the header in your file"; visit_date = "the header in your file"'),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_the_line_that_is_probably_meant(header, words, line) -> None:
    shown = ", ".join(f"'{name}'" for name in header)
    message = f"E121 required column {words} is missing; headers found: {shown}. "
    assert refused(*header) == [f"{message}Write in the mapping, below [columns]: {line}"]
    hinted = f"{message}Look below. Or write in the mapping, below [columns]: {line}"
    assert refused(*header, hint="Look below.") == [hinted]


def test_a_blank_row_and_a_row_of_values_are_no_headers() -> None:
    blank = "E121 row 1 is blank, and headers should stand there."
    assert refused("", " ")[0].startswith(blank) and not refused("", " ", hint="Look.")[0].startswith(blank)
    assert refused("p1", "2024-01-05", "7", "x")[0].startswith(
        "E121 row 1 holds values, no headers: 'x9', '9999-99-99'"
    )
    assert "holds values" not in refused("p1", "2024-01-05", "7", hint="Look.")[0]
    assert "holds values" not in refused("patient_id", "97110", "97140")[0]  # one header is known


def test_columns_a_mapping_names_are_missed_by_their_own_name_with_the_nearest() -> None:
    found = refused(*PLAIN, "Sexx", columns={"sex": "Sex", "region": "Wo"})
    assert [one.partition(". ")[0] for one in found[:2]] == [
        "E123 the mapping names column 'Sex', which is not there",
        "E123 the mapping names column 'Wo', which is not there",
    ]
    assert "The nearest header is 'xxxx' (D)." in found[0] and "nearest" not in found[1]
    assert all(one.endswith(" Correct that line of the mapping, or take it out.") for one in found[:2])
    assert [one[:5] for one in refused("u", "visit_date", columns={"sex": "Sex"})] == ["E121 ", "E123 ", "E123 "]
    assert found[2].startswith("E123 headers found in row 1: 'patient_id', 'visit_date', 'pain_pre', 'xxxx'.")
    hinted = refused("u", "w", columns={"patient_id": "Case", "visit_date": "Day"}, hint="Try row 3.")
    assert hinted == ["E123 the columns the mapping names are not in row 1; headers found there: 'u', 'w'. Try row 3."]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("patient_id,visit_date", "2 names with a comma"),
        ('"patient_id";"visit_date";x', "3 names with a semicolon"),
        ("patient_id\tvisit_date", "2 names with a tab"),
        ("patient_id|pain_pre", "2 names with a bar"),
        ("patient_id,u", ""),
        ("patient_id", ""),
    ],
)
def test_headers_that_stand_in_one_cell(header: str, said: str) -> None:
    keys = heads.wanted_headers(Mapping())
    assert said in heads._show_joined([header, " "], keys) and bool(heads._show_joined([header], keys)) is bool(said)
    assert heads._show_joined([header, "u"], keys) == ""


def test_a_table_that_is_wide_or_stands_in_one_column_is_told_as_that_alone() -> None:
    (wide,) = refused("patient_id", "date1", "pain1", "date2", "pain2")
    (more,) = refused(*PLAIN, "visit_date_2", "pain_pre_2", columns={"sex": "Sex"})[:1]
    (joined,) = refused("patient_id,visit_date")
    assert wide.startswith("E126 ") and more.startswith("E126 ") and joined.startswith("E121 all columns stand in one")
    # where each other field is there, and only the day is not
    everything = [name for name in heads.FIELDS if name not in ("visit_date", "visit_day")]
    assert refused(*everything)[0].startswith("E121 required column visit_date (or visit_day) is missing")
    assert refused(*everything, "date1", "date2")[0].startswith("E126 ")


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (("id", "date1", "date2"), "'date#'; # is"),
        (("id", "pain1", "date2", "pain2", "date1", "pain3"), "'pain#', 'date#'; # is"),
        (("id", "date1", "pain2"), ""),  # no number comes twice
        (("id", "item1", "item2"), ""),
        (("id", "2024-01-02", "2024-01-03", "2024-01-04"), "3 headers are dates; # is"),
        (("id", "2024-01-02", "2024-01-03"), ""),
        (("id", *(f"pain {word}{i}" for word in "abcdef" for i in (1, 2))), "'pain d#', 'pain e#'; # is"),
    ],
)
def test_one_column_a_visit(header: tuple[str, ...], what: str) -> None:
    found = heads._find_wide(header, "v.csv")
    assert bool(found) is bool(what) and (found is None or what in found.message)
    assert found is None or "pain f" not in found.message


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ((*PLAIN, "visit_date_2", "pain_pre_2"), "('visit_date', 'pain_pre' come again with the number 2)"),
        ((*PLAIN, "visit_date_2", "pain_pre_2", "visit_date_3", "pain_pre_3"), "with the number 2, 3)"),
        ((*PLAIN, "score", "visit_date_2", "score_2"), "('visit_date', 'score' come again with the number 2)"),
        ((*PLAIN, "region", "visit_date_2", "region_2"), "'region' come again with the number 2)"),
        (
            (*PLAIN, *(f"{name}_{i}" for i in range(2, 8) for name in ("visit_date", "pain_pre"))),
            "with the number 2, 3, 4, 5, 6)",
        ),
        ((*PLAIN, "visit_date_2"), ""),  # a second date alone may be of something else
        ((*PLAIN, "pain_pre_2"), ""),
        ((*PLAIN, "room", "visit_date_2", "room_2"), ""),
        ((*PLAIN, "visit_date_2", "pain_pre_3"), ""),
        ((*PLAIN, "visit_date_2", "score_2"), ""),  # there is no first score
    ],
)
def test_further_visits_beside_the_first(header: tuple[str, ...], what: str) -> None:
    keys = heads.wanted_headers(Mapping())
    found = heads._find_more_days([heads.normalise_header(name) for name in header], keys, "v.csv")
    assert bool(found) is bool(what) and (found is None or what in found.message)


def test_very_many_headers_are_not_all_listed() -> None:
    most = 40
    many = [f"note {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(most + 1)]
    assert heads.list_headers(many[:most]) == ", ".join(f"'{name}'" for name in many[:most])
    assert heads.list_headers(many).endswith(f"'{many[most - 1]}' and 1 more")
    assert heads.list_headers(["", " "]) == "none" and heads.list_headers(["ab", "c1"], are_values=True) == "'xx', 'x9'"


@pytest.mark.parametrize(
    ("first", "second", "is_two"),
    [
        (("Visit", ""), ("patient", "date", "pain", "area"), True),
        (("Visit", "Day"), ("patient", "date", "pain", "area"), False),  # no gap; those further right are not looked at
        (("Visit", "", "x", "y"), ("patient", "date", "pain", "7"), False),
        (("", ""), ("patient", "date", "pain", "area"), False),
        (("Visit", "", "x"), ("patient", "date"), True),
        (("Visit", "", "x"), ("patient", ""), False),  # one word is none
        (("Visit", "x", ""), ("patient", "date"), False),
    ],
)
def test_a_header_of_two_rows(first, second, is_two) -> None:
    said = heads.show_two_rows(first, second, 3)
    assert bool(said) is is_two
    assert not said or (said.startswith("Rows 3 and 4 look like") and "header_row = 4" in said)


@pytest.mark.parametrize(
    ("visits", "span"),
    [
        ({5: 1}, (5, 5)),  # no day is busy
        ({5: 1, 90: 1}, (5, 90)),
        ({0: 2}, (0, 0)),
        ({0: 1, 29: 1}, (0, 29)),  # within thirty days
        ({0: 1, 29: 1, 100: 1}, (0, 29)),
        ({0: 1, 30: 1, 31: 1}, (30, 31)),
        ({0: 1, 1: 1, 31: 1}, (0, 1)),
        (dict.fromkeys(range(100, 200), 4) | {0: 1, 300: 1}, (100, 199)),
        (dict.fromkeys(range(100, 200), 1) | {0: 2, 300: 2}, (100, 199)),  # two in thirty days are too few then
        (dict.fromkeys(range(100, 200), 1) | {0: 3, 300: 3}, (0, 300)),  # three are a tenth
    ],
)
def test_from_which_day_to_which_an_export_is_busy(visits: dict[int, int], span: tuple[int, int]) -> None:
    counts = np.zeros(max(visits) + 1, np.int64)
    counts[list(visits)] = list(visits.values())
    assert find_busy_span(counts) == span


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("é\u200d\u2060x", "éx"),
        ("“é”", '"é"'),
        ("é²½①", "é²½①"),
        ("ﬁé", "fié"),
        ("é\u2003x", "é x"),
        ("ＡＢ", "AB"),
        ("٣", "3"),
    ],
)
def test_what_nobody_sees_goes_and_other_forms_are_written_plainly(text: str, folded: str) -> None:
    assert fold_text(text) == folded


@pytest.mark.parametrize(
    ("header", "free", "fields"),
    [
        ("Patient", ("patient_id", "sex"), ["patient_id"]),
        ("Visit", ("visit_date", "visit_day", "visit_purpose", "age"), ["visit_date", "visit_day", "visit_purpose"]),
        ("visit purpos", ("visit_date", "visit_purpose"), ["visit_purpose"]),
        ("visit_deta", ("visit_date", "visit_data"), ["visit_data"]),  # the one most like it
        ("zzzz", ("visit_date", "sex"), []),
    ],
)
def test_the_field_a_header_may_have_meant(header: str, free: tuple[str, ...], fields: list[str]) -> None:
    assert _guess_fields(header, free) == fields
