"""Steps of looking at a whole export: what stops it, what is taken already, what is asked for, totals at its foot."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest

from outcomes.definitions import Codebook
from outcomes.errors import InputRefused
from outcomes.records import Mapping
from outcomes.records.identifier_kinds import DERIVED
from outcomes.records.identifiers import BOTH, CELLS, HEADER, SOME, Likely
from outcomes.records.inspect import Suspect, _match, _not_meant, _taken, _weigh_dates, inspect_export
from outcomes.records.inspect_columns import Match
from outcomes.records.mapping import DateOptions


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return Codebook.load()


def write(folder, *lines, name="visits.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


VISITS = [f"p{i % 9},2024-01-{i + 1:02},{i % 11}" for i in range(28)]


@pytest.mark.parametrize(
    ("field", "kind", "evidence", "stops"),
    [
        ("", "email", BOTH, True),
        ("", "email", CELLS, False),  # a header nobody asked for has to say so too
        ("", "email", HEADER, False),
        ("clinic_id", "email", CELLS, True),
        ("clinic_id", "email", BOTH, True),
        ("clinic_id", "email", SOME, False),
        ("", DERIVED, BOTH, False),
        ("patient_id", DERIVED, CELLS, False),
    ],
)
def test_what_stops_an_export_and_what_to_do_about_it(field, kind, evidence, stops) -> None:
    suspect = Suspect("Contact", "C", field, Likely(kind, "A", evidence, 3, 9))
    assert suspect.stops is stops
    if evidence == SOME:
        assert suspect.remedy == "mend these cells; their rows are set aside until then (E903)"
    elif field:
        assert suspect.remedy == "let keyed pseudonyms take its place ([privacy] pseudonymise)"
    else:
        assert suspect.remedy == "take it out of the export" + (", which is refused with it (E901)" if stops else "")


def test_a_line_of_the_mapping_is_a_certain_match_and_its_column_nothing_else(codebook) -> None:
    top = SimpleNamespace(header=("Age", "Pain"), cells=(["40"], ["7"]))
    found = _match(top, Mapping.from_dict({"columns": {"previous_episodes": "age "}}), codebook)
    assert [(m.field, m.position) for m in found] == [("pain_pre", 1), ("previous_episodes", 0)]
    assert found[-1] == Match(0, "Age", "previous_episodes", 1.0, 1.0, 1.0, is_declared=True)


def test_a_column_called_like_a_field_and_not_proposed_for_it_is_not_read_as_it() -> None:
    top = SimpleNamespace(header=("Age ", "patient_id", "Note", "region"))
    assert _not_meant(top, {"patient_id": "patient_id"}) == {"age": "", "region": ""}


def test_columns_that_are_a_field_a_treatment_or_a_mark_are_taken() -> None:
    top = SimpleNamespace(header=("Patient", "Heat", "Kind", "Area", "Note"))
    mapping = Mapping.from_dict({"modality_columns": {"heat": "heat"}, "non_data": {"kind": ["total"]}})
    matches = [Match(0, "Patient", "patient_id", 0.62, 1.0, 0.0), Match(3, "Area", "region", 0.61, 0.9, 0.1)]
    assert _taken(top, matches, mapping) == {0, 1, 2}


def test_a_file_that_begins_with_values_is_told_as_one(tmp_path, codebook) -> None:
    with pytest.raises(InputRefused) as caught:
        inspect_export(write(tmp_path, "p001,2024-01-05,7", *VISITS), Mapping(), codebook)
    said = str(caught.value)
    assert "E915" in said and "row 1 holds values, no headers" in said and "p001" not in said


@pytest.mark.parametrize(
    ("header", "cells", "said", "not_said"),
    [
        (
            "patient_id,visit days x,pain",
            [line.replace("2024-01", "soon") for line in VISITS],
            (
                "no column looks like visit_date (or visit_day); ",
                "headers in row 1: 'patient_id', 'visit days x', 'pain'.",
                'Perhaps visit_day = "visit days x". Name the column in a mapping',
            ),
            ("patient_id or", "Dates as"),
        ),
        (
            "patient_id,visit_date,pain",
            [line.replace("2024-01", "soon") for line in VISITS],
            (
                'Column "visit_date" (B) is called visit_date',
                "Dates as 2026-03-05, 05.03.2026 or 03/05/2026 are read.",
            ),
            ("Perhaps visit_date",),
        ),
        (
            "u,v,w",
            ["a,b,c"] * 28,
            ("no column looks like patient_id or visit_date (or visit_day)",),
            ("Perhaps", "Dates as"),
        ),
    ],
)
def test_without_a_patient_or_a_day_it_is_said_what_may_be_meant(tmp_path, codebook, header, cells, said, not_said):
    with pytest.raises(InputRefused) as caught:
        inspect_export(write(tmp_path, header, *cells), Mapping(), codebook)
    told = str(caught.value)
    assert all(words in told for words in said), told
    assert not any(words in told for words in not_said), told


@pytest.mark.parametrize("mark", [",", ";"])
def test_totals_below_the_patients_are_proposed_as_no_data_wherever_the_column_stands(tmp_path, codebook, mark) -> None:
    lines = [mark.join(line.split(",")[1:] + line.split(",")[:1]) for line in VISITS]
    header = mark.join(("visit_date", "pain_pre", "patient_id"))
    foot = [mark.join(("2024-02-01", "99", "Grand Total"))]
    found = inspect_export(write(tmp_path, header, *lines, *foot), Mapping(), codebook)
    assert found.proposal.non_data == {"patient_id": ("Grand Total",)}


def test_totals_in_the_first_cell_of_the_foot_are_found_where_no_cell_was_looked_at(tmp_path, codebook) -> None:
    many = [f"p{i % 90},2024-01-{i % 28 + 1:02},{i % 11}" for i in range(9000)]
    path = write(tmp_path, "patient_id;visit_date;pain_pre", *(line.replace(",", ";") for line in many), "Totals;;9")
    assert inspect_export(path, Mapping(), codebook).proposal.non_data == {"patient_id": ("Totals",)}


def test_words_of_ticked_treatments_are_yes_and_no(tmp_path, codebook) -> None:
    lines = [f"{line},{'wahr' if i % 2 else 'falsch'}" for i, line in enumerate(VISITS)]
    path = write(tmp_path, "patient_id,visit_date,pain_pre,Heat pack", *lines)
    mapping = Mapping.from_dict({"modality_columns": {"Heat pack": "heat"}})
    values = inspect_export(path, mapping, codebook).proposal.values
    assert "wahr" in values.true and "falsch" in values.false


TOP = SimpleNamespace(foot="")
MONTHS = ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]
WORDED = {"3 mrt 2024": 5, "4 mei 2024": 5}


@pytest.mark.parametrize(
    ("given", "n_questions"),
    [
        (DateOptions(), 1),
        (DateOptions(order="dmy"), 0),
        (DateOptions(order="dmy", month_names=tuple(MONTHS)), 0),
    ],
)
def test_months_in_words_are_asked_about_until_order_and_names_are_declared(given, n_questions) -> None:
    _, evidence, questions = _weigh_dates({"visit_date": WORDED}, given, TOP)
    assert len(questions) == n_questions
    declared = bool(given.month_names)
    assert evidence["visit_date"].endswith("are declared") is declared


def test_dates_in_two_orders_are_one_question() -> None:
    cells = {"visit_date": {"13/01/2024": 9}, "onset_date": {"01/13/2024": 9}}
    _, _, questions = _weigh_dates(cells, DateOptions(), TOP)
    assert questions == ["[dates] order: the date columns are written in different orders"]
    assert _weigh_dates(cells, DateOptions(order="dmy"), TOP)[2] == []
    options, _, questions = _weigh_dates({**cells, "onset_date": {"2024-01-13": 9}}, DateOptions(), TOP)
    assert (options.order, questions) == ("dmy", [])


@pytest.mark.parametrize(
    ("cells", "given", "pivot", "n_questions"),
    [
        ({"13/01/24": 5}, DateOptions(order="dmy"), None, 1),
        ({"13/01/24": 5, "14/01/2023": 5}, DateOptions(order="dmy"), 23, 0),
        ({"13/01/24": 5}, DateOptions(order="dmy", two_digit_year_pivot=50), 50, 0),
        ({"13/01/2024": 5}, DateOptions(order="dmy"), None, 0),
    ],
)
def test_the_century_of_short_years(cells, given, pivot, n_questions) -> None:
    options, _, questions = _weigh_dates({"visit_date": cells}, given, TOP)
    assert (options.two_digit_year_pivot, len(questions)) == (pivot, n_questions)


def test_of_one_export_what_is_proposed_what_is_asked_and_what_is_left(tmp_path, codebook) -> None:
    """Ids that are e-mail addresses are told, and keep nothing from being looked at."""
    rows = [
        f"a{i % 9}@example.org,2024-01-{i + 1:02},{i % 11},a while,{'x' * (i % 2)},L{i % 2},C{i % 2}" for i in range(28)
    ]
    rows += ["b@example.org,2024-01-31,3,,,L1,C1,too,many"]
    path = write(tmp_path, "patient_id,visit_date,pain_pre,onset_days,Zzz,Locat,sex", *rows)
    found = inspect_export(path, Mapping.from_dict({"pain": {"scale": "0-100"}}), codebook)
    assert (found.name, found.n_rows, found.n_set_aside) == ("visits.csv", 28, 1)
    # a header that is the field's own name is enough, though the codebook knows none of its words
    assert [(m.field, m.score) for m in found.matches if m.field in ("clinic_id", "sex")] == [
        ("clinic_id", 0.84),
        ("sex", 0.62),
    ]
    assert found.others == (("onset_days", "D", "onset", 0.45), ("Zzz", "E", "", 0.0))
    assert found.proposal.columns == {
        **{name: name for name in ("patient_id", "visit_date", "pain_pre", "sex")},
        "clinic_id": "Locat",
        "onset_days": "",  # its cells are no numbers
    }
    assert len(found.open_questions) == 1
    assert found.open_questions[0].startswith('[columns] onset_days: column "onset_days" (D) is called onset_days, but')
    assert found.open_questions[0].endswith(': not read. Export it so, or write onset_days = ""')
    assert [(one.header, one.likely.kind) for one in found.suspects] == [("patient_id", "e-mail address")]
    assert [(one.letter, one.is_known, one.n_yes) for one in found.ticked] == [("E", False, 14)]
    assert [(one.field, one.shown) for one in found.unknown] == [("sex", (("C0", 14), ("C1", 14)))]
    assert found.evidence["scale"] == "declared" and found.proposal.pain.scale == "0-100"
    # what was accepted to look at it is proposed to nobody
    assert (found.proposal.privacy, found.proposal.acknowledge) == (Mapping().privacy, Mapping().acknowledge)
    assert not [note for note in found.notes if "accepted in the mapping" in note]


GERMAN = [
    f"p{i % 9},2024-01-{i + 1:02},{i % 9}.5,Massage|Dehnen,{('wahr', 'falsch')[i % 2]},{('n/a', '40')[i % 2]}"
    for i in range(28)
]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, {"decimal_mark": ".", "separators": ("|",), "missing": ("", "n/a")}),
        ({"decimal_mark": ","}, {"decimal_mark": ",", "separators": ("|",)}),
        ({"separators": ["/"]}, {"separators": ("/",), "decimal_mark": "."}),
        ({"missing": ["-", "N/A "]}, {"missing": ("-", "N/A ", "n/a")}),
        ({"true": ["ja"], "false": ["nein"]}, {"true": ("ja", "wahr"), "false": ("nein", "falsch")}),
        # a word that is declared stays what it is said to be
        ({"true": ["Falsch"], "false": ["nein"]}, {"true": ("Falsch", "wahr"), "false": ("nein",)}),
        ({"true": ["ja"], "false": ["WAHR "]}, {"true": ("ja",), "false": ("WAHR ", "falsch")}),
    ],
)
def test_what_a_mapping_says_of_cells_goes_before_what_they_speak_for(tmp_path, codebook, declared, expected) -> None:
    path = write(tmp_path, "patient_id,visit_date,pain_pre,modalities,paresthesia,age", *GERMAN)
    found = inspect_export(path, Mapping.from_dict({"values": declared}), codebook)
    assert {name: getattr(found.proposal.values, name) for name in expected} == expected
    assert found.evidence["decimal_mark"] == "28 rows have a decimal point, 0 a comma"


def test_where_no_cell_has_two_terms_the_mark_between_them_stays(tmp_path, codebook) -> None:
    path = write(tmp_path, "patient_id,visit_date,pain_pre,modalities", *(f"{line},massage" for line in VISITS))
    assert inspect_export(path, Mapping(), codebook).proposal.values.separators == (";",)


@pytest.mark.parametrize(
    ("ratings", "declared", "scale", "n_asked"),
    [
        ([5, 10, 0], {}, "0-10", 0),
        ([50, 80, 5], {}, "0-100", 0),
        ([50, 80, 5], {"scale": "0-1"}, "0-1", 0),
        ([], {}, "0-10", 0),
        ([5, 11, 0], {}, "0-10", 1),  # the cells do not say it: the common one stays, and it is asked for
    ],
)
def test_the_scale_of_pain_is_what_the_cells_say_unless_a_mapping_does(
    tmp_path, codebook, ratings, declared, scale, n_asked
) -> None:
    lines = [f"p{i % 9},2024-01-{i + 1:02},{ratings[i % 3] if ratings else ''}" for i in range(28)]
    path = write(tmp_path, "patient_id,visit_date,pain_pre", *lines)
    found = inspect_export(path, Mapping.from_dict({"pain": declared}), codebook)
    assert found.proposal.pain.scale == scale
    assert len([asked for asked in found.open_questions if asked.startswith("[pain] scale: ")]) == n_asked


ZONED = {"2024-01-05T10:00:00+01:00": 9, "2024-01-06T10:00:00Z": 9}


@pytest.mark.parametrize(
    ("cells", "given", "n_questions"),
    [
        (ZONED, DateOptions(), 1),
        (ZONED, DateOptions(timezone="Europe/Zurich"), 0),
        ({"2024-01-05T10:00:00": 9}, DateOptions(), 0),
    ],
)
def test_the_zone_of_the_clinic_is_asked_for_where_times_carry_one(cells, given, n_questions) -> None:
    questions = _weigh_dates({"visit_date": cells}, given, TOP)[2]
    assert [question[:18] for question in questions] == ["[dates] timezone: "] * n_questions


SPRING = {f"{day:02}/{month:02}/2024": 20 for month in (1, 2, 3) for day in range(1, 29)}
LATER = datetime.date(2024, 5, 1)


@pytest.mark.parametrize(
    ("cells", "given", "foot", "cut", "why"),
    [
        (SPRING, DateOptions(), "", None, None),
        (SPRING | {"13/09/2024": 1}, DateOptions(), "", datetime.date(2024, 3, 28), "after it only 1 row, more than a"),
        (SPRING | {"13/09/2024": 40}, DateOptions(), "", None, None),  # so many are no slips
        (SPRING | {"13/09/2024": 1}, DateOptions(data_cut=LATER), "", LATER, None),
        (SPRING | {"28/04/2024": 1}, DateOptions(), "", None, None),  # a month after the others, and not more
        (SPRING | {"29/04/2024": 1}, DateOptions(), "", datetime.date(2024, 3, 28), "after it only 1 row, more than a"),
        # read the other way round, most days are none
        (SPRING | {"13/09/2024": 1}, DateOptions(order="mdy"), "", None, None),
        (SPRING, DateOptions(), "Printed 2024-05-01", LATER, "the file says so itself; 0 rows have a later date"),
        (SPRING, DateOptions(data_cut=LATER), "Printed 2024-05-02", LATER, None),
    ],
)
def test_the_last_day_of_an_export_is_told_by_its_visits_or_its_foot(cells, given, foot, cut, why) -> None:
    options, evidence, _ = _weigh_dates({"visit_date": cells}, given, SimpleNamespace(foot=foot))
    assert options.data_cut == cut
    assert evidence.get("data_cut", "").startswith(why or "") and ("data_cut" in evidence) == (why is not None)
    onset, evidence, _ = _weigh_dates({"onset_date": cells}, given, SimpleNamespace(foot=foot))
    assert (onset.data_cut, "data_cut" in evidence) == (given.data_cut, False)  # visits alone tell it
