"""What is odd about whole files, columns and quarters: told when it is there, and only then."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from outcomes.cases import build_visits
from outcomes.cases.acceptance import list_objections
from outcomes.cases.dates import quarter_word
from outcomes.cases.jumps import find_jumps
from outcomes.cases.scales import Groups, find_scale_misfits
from outcomes.cases.schema import MISSING
from outcomes.cases.score_tops import find_moved_tops
from outcomes.cases.suspicions import quarter_of
from outcomes.errors import Finding, InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records.mapping import DateOptions
from tables import records_of

QUARTERS = [
    int(np.datetime64(day, "D").astype(int)) for day in ("2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01")
]


def visits(n_now: int = 200, n_then: int = 200, **now: Any) -> dict[str, np.ndarray]:
    """Columns of visits in two quarters; columns of the later one may be other ones."""
    generator = np.random.default_rng(1)
    quarters = []
    for n, first in ((n_then, QUARTERS[0]), (n_now, QUARTERS[1])):
        quarters.append(
            {
                "patient": generator.integers(0, 60, n).astype(np.int32),
                "day": (first + np.arange(n) % 90).astype(np.int32),
                "pain_pre": generator.integers(3, 8, n).astype(np.int16) * 100,
                "age": np.full(n, 40, np.int32) + generator.integers(0, 2, n).astype(np.int32),
                "cause": np.where(np.arange(n) % 2, 1, MISSING).astype(np.int8),
                "modalities": np.ones(n, np.uint64),
                "is_maintenance": np.zeros(n, bool),
            }
        )
    quarters[1] |= {name: make(quarters[1][name]) for name, make in now.items()}
    columns = {name: np.concatenate([quarter[name] for quarter in quarters]) for name in quarters[0]}
    order = np.lexsort((columns["day"], columns["patient"]))
    return {name: values[order] for name, values in columns.items()}


def found(columns: dict[str, np.ndarray], first: int = QUARTERS[0], last: int = QUARTERS[2] - 1) -> list[str]:
    return [finding.code for finding in find_jumps(columns, first, last)]


def test_two_like_quarters() -> None:
    assert found(visits()) == []


@pytest.mark.parametrize(
    ("n_now", "n_then", "expected"),
    [(119, 200, ["E283"]), (121, 200, []), (279, 200, []), (281, 200, ["E283"]), (0, 200, ["E283"]), (10, 99, [])],
)
def test_the_number_of_visits(n_now: int, n_then: int, expected: list[str]) -> None:
    assert found(visits(n_now, n_then)) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"cause": lambda c: np.full_like(c, MISSING)}, ["E282"]),
        ({"cause": lambda c: np.ones_like(c)}, ["E282"]),
        ({"cause": lambda c: np.where(np.arange(len(c)) % 3, 1, MISSING).astype(c.dtype)}, []),
        ({"modalities": lambda c: c * 0}, ["E282"]),
        ({"pain_pre": lambda c: c + np.int16(310)}, ["E281"]),
        ({"pain_pre": lambda c: c + np.int16(200)}, []),
        ({"pain_pre": lambda c: np.full_like(c, MISSING)}, ["E282"]),
        ({"is_maintenance": lambda c: ~c}, []),
    ],
)
def test_a_column(now: dict[str, Any], expected: list[str]) -> None:
    assert found(visits(**now)) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (QUARTERS[0], QUARTERS[2] - 1, ["E283"]),
        (QUARTERS[0], QUARTERS[2] + 5, ["E283"]),
        (QUARTERS[0] + 4, QUARTERS[2] - 1 - 4, ["E283"]),  # a holiday and a weekend at either edge
        (QUARTERS[0] + 5, QUARTERS[2] - 1, []),  # the first quarter is not whole
        (QUARTERS[0], QUARTERS[2] - 1 - 5, []),  # the last one is not
        (-1, -1, []),  # no calendar
    ],
)
def test_only_whole_quarters_are_compared(first: int, last: int, expected: list[str]) -> None:
    assert found(visits(n_now=60), first, last) == expected


def at_clinics(same: int = 0, n_patients: int = 60) -> dict[str, np.ndarray]:
    """Visits of two clinics; of the later quarter at the second one, the first `same` scores are 5 and no other is."""
    columns = visits(n_now=400, n_then=400)
    columns["clinic"] = (np.arange(800) % 2).astype(np.int16)
    columns["patient"] = columns["patient"] % n_patients
    scores = columns["pain_pre"]
    scores[scores == 500] = 400
    own = np.flatnonzero((columns["clinic"] == 1) & (columns["day"] >= QUARTERS[1]))
    scores[own] = np.where(np.arange(len(own)) % 2, 300, 700)
    scores[own[:same]] = 500
    if same <= 30:
        scores[own[same:]] = MISSING
    return columns


def said_of(columns: dict[str, np.ndarray], clinics: tuple[str, ...] = ("C01", "C02")) -> list[str]:
    odd = find_jumps(columns, QUARTERS[0], QUARTERS[2] - 1, clinics)
    return [one.message for one in odd if one.code == "E273"]


def test_one_score_for_everybody_at_one_clinic_is_told_with_its_quarters() -> None:
    n = int(((at_clinics()["clinic"] == 1) & (at_clinics()["day"] >= QUARTERS[1])).sum())
    assert said_of(at_clinics(same=round(0.94 * n))) == []
    assert len(said_of(at_clinics(same=round(0.96 * n)))) == 1
    assert said_of(at_clinics(same=n)) == [
        "nearly all pain scores before treatment are one number: clinic C02 (2025Q2). A default, or typed in ahead?"
    ]


def test_few_scores_or_few_patients_make_no_default() -> None:
    assert len(said_of(at_clinics(same=30))) == 1
    few = at_clinics(same=30)
    few["pain_pre"][np.flatnonzero(few["pain_pre"] == 500)[0]] = MISSING
    assert said_of(few) == []
    assert said_of(at_clinics(same=30, n_patients=9)) == []


def test_a_practice_of_one_clinic_is_told_the_quarters_alone() -> None:
    columns = visits(pain_pre=lambda scores: np.full_like(scores, 300))
    assert said_of(columns, ()) == [
        "nearly all pain scores before treatment are one number: 2025Q2. A default, or typed in ahead?"
    ]
    assert said_of(columns | {"pain_pre": np.full(400, 300, np.int16)}, ()) == []  # E271 says it of all of them


def test_quarters_in_a_row_are_told_by_their_ends_and_many_clinics_by_their_number() -> None:
    columns = visits()
    columns = {name: np.concatenate([values] * 6) for name, values in columns.items()}
    columns["clinic"] = np.repeat(np.arange(6), 400).astype(np.int16)
    columns["pain_pre"] = np.where(columns["clinic"] == 0, 100 * (np.arange(2400) % 7), 500).astype(np.int16)
    assert said_of(columns, tuple("ABCDEF")) == [
        "nearly all pain scores before treatment are one number: clinic B (2025Q1 to 2025Q2), clinic C (2025Q1 to "
        "2025Q2), clinic D (2025Q1 to 2025Q2), clinic E (2025Q1 to 2025Q2) and 1 more. A default, or typed in ahead?"
    ]


def in_months(*counts: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Visits of clinics, so many in each month from January 2025 on; a clinic is one tuple."""
    first = np.datetime64("2025-01", "M")
    of = [(code, first + i, n) for code, row in enumerate(counts) for i, n in enumerate(row)]
    day = np.concatenate([np.full(n, month.astype("datetime64[D]").astype(int)) for _, month, n in of])
    clinic = np.concatenate([np.full(n, code) for code, _, n in of])
    scores = 100 * (np.arange(day.size) % 7)
    patient = np.arange(day.size) % 50
    columns = {"patient": patient, "day": day, "clinic": clinic, "pain_pre": scores}
    return {name: values.astype(np.int32) for name, values in columns.items()}


def holes_in(columns: dict[str, np.ndarray], clinics: tuple[str, ...] = ()) -> list[str]:
    days = columns["day"]
    odd = find_jumps(columns, int(days.min()), int(days.max()), clinics)
    return [re.sub(r"^.*?: (.*?)\. Closed.*", r"\1", one.message) for one in odd if one.code == "E284"]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((40, 40, 40, 40, 40, 40, 40, 40), []),
        ((40, 40, 0, 0, 40, 40, 40, 40), ["2025-03 to 2025-04"]),
        ((40, 40, 0, 40, 3, 40, 40, 40), ["2025-03, 2025-05"]),
        ((40, 40, 4, 40, 40, 40, 40, 40), []),  # a tenth is few, and no hole
        ((1, 40, 40, 40, 40, 40, 40, 1), []),  # the records begin and end within a month
        ((1, 0, 0, 40, 40, 40, 40, 40, 0, 0, 2), []),  # a few visits dated long before and after all others
        ((19, 3, 20, 40, 40, 40, 40, 40), []),  # a practice that begins
        ((19, 19, 0, 19, 19, 19, 19, 19), []),  # a small practice may be closed
        ((40, 40, 0, 40, 40, 40), []),  # too short to know what a month holds
    ],
)
def test_a_month_that_is_missing_is_told(counts: tuple[int, ...], said: list[str]) -> None:
    assert holes_in(in_months(counts)) == said


def test_a_month_is_missing_at_one_clinic_or_everywhere() -> None:
    whole, gap = (40,) * 8, (40, 40, 0, 40, 40, 40, 40, 40)
    assert holes_in(in_months(whole, gap), ("C01", "C02")) == ["clinic C02 (2025-03)"]
    assert holes_in(in_months(gap, gap), ("C01", "C02")) == ["2025-03"]
    assert holes_in(in_months(whole, (0, 0, 0, 40, 40, 40, 40, 40)), ("C01", "C02")) == []


def test_constant_columns_and_ages() -> None:
    columns = visits()
    assert found(columns | {"pain_pre": np.full(400, 500, np.int16)}) == ["E271"]
    few = np.full(400, MISSING, np.int16)
    few[::9] = 500
    assert found(columns | {"pain_pre": few}) == []  # 45 ratings do not make a default
    assert found(columns | {"age": columns["age"] * 0}) == ["E271", "E247"]
    jumping = columns["age"].copy()
    often = np.bincount(columns["patient"]).argmax()
    jumping[np.flatnonzero(columns["patient"] == often)[1]] += 5
    assert found(columns | {"age": jumping}) == ["E247"]
    own = np.flatnonzero(columns["patient"] == often)
    jumping[own], jumping[own[0]] = 5, 0
    assert found(columns | {"age": jumping}) == ["E247", "E247"]  # somebody of 0, who is 5 within a quarter


def test_what_is_missing_is_told_in_percent_of_both_quarters() -> None:
    columns = visits(cause=lambda c: np.full_like(c, MISSING))
    (finding,) = find_jumps(columns, QUARTERS[0], QUARTERS[2] - 1)
    assert "cause is missing at 100 % of visits, after 50 % in the quarter before" in finding.message


def test_small_numbers_of_patients_are_not_told() -> None:
    columns = visits()
    columns["age"][:2] = 0
    said = " ".join(finding.message for finding in find_jumps(columns, QUARTERS[0], QUARTERS[2] - 1))
    assert "fewer than 5 visits" in said
    assert " 2 " not in said


def test_quarters_are_those_of_the_calendar() -> None:
    days = np.array(["2024-12-31", "2025-01-01", "2025-03-31", "2025-04-01", "1970-01-01"], "datetime64[D]")
    names = [quarter_word(int(q)) for q in quarter_of(days.astype(np.int32))]
    assert names == ["2024Q4", "2025Q1", "2025Q1", "2025Q2", "1970Q1"]


# -- scales -----------------------------------------------------------------------------------------------------------

CLINICS = Groups(["north", "south"], np.arange(200) % 2)


def misfits(ratings: np.ndarray, scale: str) -> list[str]:
    """Ratings as written, on the declared scale; those above it cannot be read."""
    top, unit = (10, 100) if scale == "0-10" else (100, 10)
    outside = ratings > top
    hundredths = np.where(outside, MISSING, ratings * unit).astype(np.int32)
    return [f"{f.code} {f.message}" for f in find_scale_misfits(hundredths, outside, scale, [CLINICS], "pain")]


@pytest.mark.parametrize(
    ("north", "south", "scale", "expected"),
    [
        ((0, 10), (0, 10), "0-10", None),
        ((0, 10), (0, 100), "0-10", "E232 .*of south are outside"),
        ((0, 100), (0, 100), "0-100", None),
        ((0, 10), (0, 10), "0-100", "E234 .*of this column are 10 or less"),
        ((0, 10), (0, 100), "0-100", "E234 .*of north are 10 or less"),
    ],
)
def test_two_scales(north: tuple[int, int], south: tuple[int, int], scale: str, expected: str | None) -> None:
    generator = np.random.default_rng(4)
    ratings = np.where(CLINICS[1] == 0, generator.integers(*north, 200), generator.integers(*south, 200))
    said = misfits(ratings, scale)
    assert len(said) == (expected is not None)
    assert expected is None or re.match(expected, said[0]), said


def test_two_heaps_in_one_clinic() -> None:
    generator = np.random.default_rng(4)
    ratings = np.where(generator.random(200) < 0.4, generator.integers(1, 10, 200), 10 * generator.integers(2, 10, 200))
    assert "two scales are mixed" in misfits(ratings, "0-100")[0]


def test_parts_of_one() -> None:
    """On 0 to 10, tenths up to 1 in one clinic are another scale; 0.5 for "hardly any", or a long tail, is none."""
    generator = np.random.default_rng(4)
    whole, south = generator.integers(0, 11, 200), CLINICS[1] == 1
    for odd, name in ((south, "south"), (south & (np.arange(200) % 3 == 0), "south"), (whole >= 0, "this column")):
        said = misfits(np.where(odd, whole / 10, whole), "0-10")
        assert len(said) == 1 and re.match(rf"E234 .* of {name} lie between 0 and 1", said[0]), said
    assert misfits(np.where(whole < 4, 0.5, whole), "0-10") == []
    assert misfits(np.round(generator.exponential(2, 200).clip(0, 10), 1), "0-10") == []
    assert misfits(whole, "0-10") == []


def test_so_low_ratings_can_be_known() -> None:
    cells = {"patient_id": [f"p{i}" for i in range(60)], "visit_date": ["2025-01-06"] * 60}
    cells["pain_pre"] = [f"0.{1 + i % 9}" for i in range(60)]
    with pytest.raises(InputRefused, match=r"E234 .*0-1.*acknowledge"):
        build_visits(records_of(cells))
    known = Mapping.from_dict({"acknowledge": {"warnings": ["E234"], "by": "R. Keller"}})
    assert build_visits(records_of(cells, known)).columns["pain_pre"].max() == 90
    parts = build_visits(records_of(cells, Mapping.from_dict({"pain": {"scale": "0-1"}})))
    assert sorted(set(parts.columns["pain_pre"].tolist())) == [100 * i for i in range(1, 10)]


@pytest.mark.parametrize(
    ("scale", "change", "says"), [("0-10", 0.1, "between 0 and 1"), ("0-100", 1, "are 10 or less")]
)
@pytest.mark.parametrize(("n", "is_asked"), [(80, True), (79, False)])
def test_another_scale_of_one_clinician_is_asked_about(
    scale: str, change: float, says: str, n: int, is_asked: bool
) -> None:
    """Somebody who rates on a scale of his own all year, at the one clinic; of few ratings nothing is said."""
    days = [str(np.datetime64("2025-01-01") + i % 360) for i in range(1200)]
    of_one = [i % 15 == 7 and i // 15 < n for i in range(1200)]
    ratings = [(1 + i % 7) * (change if own else 10 if scale == "0-100" else 1) for i, own in enumerate(of_one)]
    cells = {"patient_id": [f"p{i % 400}" for i in range(1200)], "visit_date": days, "clinic_id": ["C1"] * 1200}
    cells |= {"clinician_id": ["K2" if own else f"K{i % 2}" for i, own in enumerate(of_one)]}
    cells |= {"pain_pre": [f"{rating:g}" for rating in ratings]}
    mapping = Mapping.from_dict({"pain": {"scale": scale}})
    if is_asked:
        with pytest.raises(InputRefused, match=f"of 80 ratings of clinician K2 .*{says}"):
            build_visits(records_of(cells, mapping))
    else:
        build_visits(records_of(cells, mapping))


def test_another_scale_of_one_quarter_is_asked_about() -> None:
    """A tenth of all ratings is too little to show in the column, and no clinic has them alone."""
    days = [np.datetime64("2025-01-01") + i for i in range(360)]
    ratings = [1 + i % 9 for i in range(360)]
    in_may = [str(day).startswith("2025-05") for day in days]
    for scale, change, says in (("0-10", 0.1, "between 0 and 1"), ("0-10", 10, "outside"), ("0-100", 1, "1 to 9")):
        plain = 10 if scale == "0-100" else 1
        cells = {"patient_id": [f"p{i % 60}" for i in range(360)], "visit_date": [str(day) for day in days]}
        cells["pain_pre"] = [f"{r * (change if may else plain):g}" for r, may in zip(ratings, in_may, strict=True)]
        with pytest.raises(InputRefused, match=f"of 91 ratings of 2025Q2 .*{says}"):
            build_visits(records_of(cells, Mapping.from_dict({"pain": {"scale": scale}})))


# -- files ------------------------------------------------------------------------------------------------------------


def write(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / name
    path.write_text("patient_id,visit_date,pain_pre\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def quarter_rows(first: str, ids: str, n_patients: int = 60) -> list[str]:
    """Each patient every ten days for a quarter."""
    start = np.datetime64(first, "D")
    return [f"{ids}{i},{start + 10 * k + i % 10},{3 + (i + k) % 5}" for i in range(n_patients) for k in range(9)]


def odd(*paths: Path, **dates: Any) -> list[str]:
    mapping = Mapping.from_dict({"dates": {"order": "iso", **dates}})
    records = read_records(list(paths), mapping)
    seen = build_visits(records)
    return [warning.code for warning in seen.warnings] + [found.code for found in list_objections(records, seen)]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (("2025-04-01", "a"), []),
        (("2025-04-01", "b"), ["E209", "E293"]),
        (("2026-01-01", "b"), ["E284"]),  # three quarters later: nobody need be the same, and those between are missing
        (("2025-01-01", "b"), []),  # at the same time: another clinic's file
    ],
)
def test_ids_that_do_not_meet(tmp_path: Path, second: tuple[str, str], expected: list[str]) -> None:
    one = write(tmp_path, "q1.csv", quarter_rows("2025-01-01", "a"))
    other = write(tmp_path, "q2.csv", quarter_rows(*second))
    assert odd(one, other) == expected
    assert odd(other, one) == expected


@pytest.mark.parametrize(("n_patients", "is_told"), [(12, True), (9, False)])
def test_a_small_practice_whose_ids_do_not_meet_is_told_so_too(tmp_path: Path, n_patients: int, is_told: bool) -> None:
    one = write(tmp_path, "q1.csv", quarter_rows("2025-01-01", "a", n_patients))
    assert ("E209" in odd(one, write(tmp_path, "q2.csv", quarter_rows("2025-04-01", "b", n_patients)))) is is_told
    assert "E209" not in odd(one, write(tmp_path, "q3.csv", quarter_rows("2025-04-01", "a", n_patients)))


def test_patients_who_never_come_on_say_nothing_about_ids(tmp_path: Path) -> None:
    rows = [
        [f"{q}{max(i, 1)},{np.datetime64(day) + i},5" for i in range(90)]
        for q, day in (("a", "2025-01-01"), ("b", "2025-04-01"))
    ]
    rows = [[line[:-1] + str(3 + i % 5) for i, line in enumerate(lines)] for lines in rows]
    assert odd(*(write(tmp_path, f"{i}.csv", lines) for i, lines in enumerate(rows))) == []


def test_dates_four_years_early(tmp_path: Path) -> None:
    path = write(tmp_path, "q1.csv", quarter_rows("2021-01-01", "a"))
    assert odd(path, data_cut=datetime.date(2025, 4, 2)) == ["E220"]
    assert odd(path, data_cut=datetime.date(2021, 4, 2)) == []
    other = write(tmp_path, "q2.csv", quarter_rows("2025-01-01", "b"))
    assert odd(path, other) == ["E220", "E284"]
    before = write(tmp_path, "q0.csv", quarter_rows("2024-10-01", "b"))
    assert odd(before, path) == ["E220", "E284"]  # 2025-01-01 and on, counted rightly: the quarter after


def test_an_old_file_of_a_series_is_not_four_years_early(tmp_path: Path) -> None:
    years = range(2021, 2026)
    paths = [write(tmp_path, f"{year}.csv", quarter_rows(f"{year}-01-01", f"y{year}-")) for year in years]
    assert "E220" not in odd(*paths)
    assert "E220" not in odd(*paths, data_cut=datetime.date(2025, 4, 2))
    assert odd(paths[0], paths[-1]).count("E220") == 1


def test_visits_of_another_quarter(tmp_path: Path) -> None:
    rows = quarter_rows("2025-01-01", "a")
    late = [*rows[:-1], "a3,2024-12-30,5"]
    assert odd(write(tmp_path, "q1.csv", rows[:400])) == []
    assert odd(write(tmp_path, "q2.csv", late)) == ["E222"]


SPREAD = [10 * i + i % 10 for i in range(30)]
"""Rows of every clinic and of every clinician, three of each of the latter."""


@pytest.mark.parametrize(
    ("order", "turned", "is_told"),
    [
        ("dmy", SPREAD, True),  # a tenth of the file's days after the 12th
        ("mdy", SPREAD, True),
        ("dmy", SPREAD[1:], False),
        ("dmy", range(0, 250, 25), False),  # slips: ten of them, anywhere
        ("dmy", range(280, 290), True),  # ten of the 30 of one clinic
        ("dmy", range(280, 289), False),
        ("dmy", range(0, 270, 10), True),  # all of one clinician's, at any clinic
    ],
)
def test_dates_of_the_other_order_than_the_declared_one_are_told(order, turned, is_told) -> None:
    """They are set aside, but others of the same hand are days up to the 12th, and go through as another date."""
    styles = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}
    other = styles["mdy" if order == "dmy" else "dmy"]
    days = [datetime.date(2025, 1 + i % 9, 13 + i % 15) for i in range(300)]
    cells = {
        "patient_id": [f"p{i % 50}" for i in range(300)],
        "visit_date": [day.strftime(other if i in turned else styles[order]) for i, day in enumerate(days)],
        "clinic_id": [f"C{1 + i // 90}" if i < 270 else "C9" for i in range(300)],
        "clinician_id": [f"K{i % 10}" for i in range(300)],
    }
    read = records_of(cells, Mapping(dates=DateOptions(order=order)))
    told = build_visits(read)
    (said, *more) = [one.message for one in told.warnings if one.code == "E285"] or [""]
    assert not more and said.startswith(f"{len(turned)} dates are none as" if is_told else "")
    assert bool(said) == is_told
    assert any("E285" in one.remedy for one in list_objections(read, told)) == is_told
    # A year first says its order itself.
    cells["visit_date"] = [day.isoformat() for day in days]
    assert "E285" not in [one.code for one in build_visits(records_of(cells, read.mapping)).warnings]


@pytest.mark.parametrize("order", ["dmy", "mdy", None])
@pytest.mark.parametrize("honest", [False, True])
def test_days_a_spreadsheet_turned_because_it_took_the_month_for_the_day_are_told(order, honest) -> None:
    """Opened in the wrong order, 03/04/2025 becomes a date of its own, 13/04/2025 stays as it was."""
    days = [datetime.date(2025, 1 + i % 9, 1 + i % 28) for i in range(300)]
    style = "%m/%d/%Y" if order == "mdy" else "%d/%m/%Y"
    turned = [day.replace(month=day.day, day=day.month) if day.day <= 12 else None for day in days]
    cells = {
        "patient_id": [f"p{i % 50}" for i in range(300)],
        "visit_date": [new.isoformat() if new else day.strftime(style) for day, new in zip(days, turned, strict=True)],
    }
    if honest:  # two ways of writing, and nothing else
        cells["visit_date"] = [day.isoformat() if i % 2 else day.strftime(style) for i, day in enumerate(days)]
    read = records_of(cells, Mapping(dates=DateOptions(order=order)))
    told = build_visits(read)
    assert [one.code for one in told.warnings if one.code == "E286"] == ([] if honest else ["E286"])
    assert any("E286" in one.remedy for one in list_objections(read, told)) is not honest


@pytest.mark.parametrize(("n_made", "n_text", "is_told"), [(10, 10, True), (9, 20, False), (20, 9, False)])
def test_a_few_days_of_each_kind_are_not_enough_to_say_that_they_were_turned(n_made, n_text, is_told) -> None:
    days = [f"2025-{1 + i % 12:02d}-{1 + i // 12:02d}" for i in range(n_made)]
    days += [f"{13 + i % 15}/{1 + i // 15:02d}/2025" for i in range(n_text)]
    read = records_of({"patient_id": [f"p{i}" for i in range(len(days))], "visit_date": days})
    assert [one.code for one in build_visits(read).warnings if one.code == "E286"] == ["E286"] * is_told


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        (["N1"] * 100 + ["N2"] * 99 + ["N1>"], "fewer than 5 of its codes stand in a single record"),
        (["N1"] * 100 + ["N2"] * 98 + ["n2"] * 2, "fewer than 5 differ from another only in capitals"),
        (["N1"] * 100 + ["N2"] * 98 + ["n2", "\u041d3"], " and fewer than 5 differ"),
        (["N1"] * 100 + ["N2"] * 98 + [""] * 2, ""),
        ([f"N{i % 5}" for i in range(199)] + ["X"], ""),  # a practice of many: one visit is no slip
    ],
)
@pytest.mark.parametrize("name", ["clinic_id", "clinician_id"])
def test_codes_that_may_be_slips_are_told_and_not_shown(name, codes, says) -> None:
    cells = {"patient_id": [f"p{i % 40}" for i in range(200)], name: codes}
    cells["visit_date"] = [f"2025-{1 + i // 28 % 12:02d}-{1 + i % 28:02d}" for i in range(200)]
    found = [one for one in build_visits(records_of(cells)).warnings if one.code == "E225"]
    assert len(found) == bool(says) and all(says in one.message for one in found)
    assert not any(code in one.message for one in found for code in ("N1", "n2"))


@pytest.mark.parametrize(
    ("slips", "says"),
    [
        (["K17l"], "fewer than 5 of its ids stand in a single record and are written unlike the others"),
        (["."], "fewer than 5 of its ids"),
        (["45123.5"], "fewer than 5 of its ids"),
        (["K12345"], ""),  # the next number, it may be
        (["X1X", "X1X"], ""),  # came twice
        (["12a", "a12", "1-2"], ""),  # a practice that writes them in several ways
    ],
)
def test_ids_written_unlike_the_others_are_told_and_not_shown(slips, says) -> None:
    ids = [f"K{100 + i % 120}" for i in range(240)] + slips
    cells = {"patient_id": ids, "visit_date": [f"2025-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(len(ids))]}
    found = [one for one in build_visits(records_of(cells)).warnings if one.code == "E226"]
    assert len(found) == bool(says) and all(one.message.startswith(says) for one in found)
    assert not any(slip in one.message for one in found for slip in slips if len(slip) > 1)


def test_the_slips_of_the_sample_are_no_other_order_and_nothing_of_it_must_be_acknowledged(repository) -> None:
    folder = repository / "data" / "sample"
    read = read_records(folder / "visits.csv", folder / "mapping.toml")
    visits = build_visits(read)
    assert "E285" not in [one.code for one in visits.warnings]
    assert list_objections(read, visits) == []


# -- two exports of the same weeks -------------------------------------------------------------------------------------


def both(folder: Path, older: list[str], newer: list[str], is_named_last: bool = True, **file: Any) -> list[Finding]:
    paths = [write(folder, "older.csv", older), write(folder, "newer.csv", newer)]
    read = read_records(paths if is_named_last else paths[::-1], Mapping.from_dict({"file": file} if file else {}))
    return [one for one in build_visits(read).warnings if one.code in ("E228", "E229")]


@pytest.mark.parametrize(
    ("n_gone", "says"),
    [(0, ""), (1, "fewer than 5 days of patients"), (7, "7 days of patients in weeks")],
)
def test_days_that_only_the_older_of_two_exports_has_are_told(tmp_path: Path, n_gone: int, says: str) -> None:
    rows = [f"a{i % 30},{np.datetime64('2025-01-01') + i},5" for i in range(120)]
    found = both(tmp_path, rows[:90], [line for i, line in enumerate(rows[50:]) if i < 10 or i >= 10 + n_gone])
    assert [one.code for one in found] == ["E228"] * bool(n_gone)
    assert all(says in one.message and one.place == "older.csv" for one in found)


@pytest.mark.parametrize(
    ("n_shared", "gone", "says"),
    [
        (20, [9], "fewer than 5 days"),
        (19, [9], ""),  # of so few the weeks are not known to be the same
        (30, range(30), "30 days"),
        (30, [*range(30), 9], ""),  # most of the days stand in one of them
        (30, range(4), "fewer than 5 days"),
        (30, range(5), "5 days"),
        (101, [1, 99], "fewer than 5 days"),
        (101, [0, 0, 0, 0, 1], "fewer than 5 days"),  # the first and the last in a hundred are strays
        (101, [0, 100], ""),
    ],
)
def test_days_are_missed_in_weeks_of_which_both_exports_tell(
    tmp_path: Path, n_shared: int, gone: Sequence[int], says: str
) -> None:
    rows = [f"a{i % 30},{np.datetime64('2025-01-01') + i},5" for i in range(n_shared + 30)]
    own = [f"b{i},{np.datetime64('2025-01-01') + day},5" for i, day in enumerate(gone)]
    found = both(tmp_path, rows[:n_shared] + own, rows)
    assert [(one.code, one.message.partition(" of patients")[0]) for one in found] == [("E228", says)] * bool(says)


def test_of_two_exports_that_end_on_one_day_the_first_is_the_older_and_an_empty_one_says_nothing(
    tmp_path: Path,
) -> None:
    rows = [f"a{i % 30},{np.datetime64('2025-01-01') + i},5" for i in range(60)]
    gone = ["b1,2025-01-20,5", "b2,2025-01-21,5"]
    assert [(one.code, one.place) for one in both(tmp_path, rows + gone, rows)] == [("E228", "older.csv")]
    assert both(tmp_path, rows, rows + gone) == []
    for undated in (both(tmp_path, ["a1,soon,5"], rows), both(tmp_path, rows, ["a1,soon,5"])):
        assert undated == []


def test_exports_of_other_patients_and_of_other_weeks_say_nothing_of_each_other(tmp_path: Path) -> None:
    rows = [f"a{i % 30},{np.datetime64('2025-01-01') + i},5" for i in range(120)]
    others = [line.replace("a", "b") for line in rows]
    assert both(tmp_path, rows[:60], rows[60:]) == []
    assert both(tmp_path, rows + others[:50], others[40:] + [f"c{line}" for line in rows]) == []  # ten days in common


@pytest.mark.parametrize(("is_named_last", "expected"), [(True, []), (False, ["E229"])])
def test_an_older_export_that_was_named_last_corrects_and_that_is_told(
    tmp_path: Path, is_named_last: bool, expected: list[str]
) -> None:
    rows = [f"a{i % 30},{np.datetime64('2025-01-01') + i},5" for i in range(120)]
    found = both(tmp_path, rows[:60], rows[30:], is_named_last, later_file_corrects=True)
    assert [one.code for one in found] == expected
    assert all(one.place == "older.csv" and "named later than newer.csv" in one.message for one in found)


@pytest.mark.parametrize(("n_later", "expected"), [(7, []), (8, ["E229"])])
def test_an_export_is_older_that_ends_a_week_before_the_other_strays_apart(
    tmp_path: Path, n_later: int, expected: list[str]
) -> None:
    rows = [f"a{i % 30},{np.datetime64('2025-01-01') + i},5" for i in range(140)]
    found = both(tmp_path, [*rows[:120], "a1,2025-12-01,5"], rows[100 : 120 + n_later], False, later_file_corrects=True)
    assert [one.code for one in found] == expected


# -- the highest score of a clinic -------------------------------------------------------------------------------------


def scored(*quarters, clinic=None):
    """Visits of some quarters from 2025Q1 on, each a list of (patient, score)."""
    rows = [(day, who, score) for day, quarter in enumerate(quarters) for who, score in quarter]
    number, patient, score = (np.array(column) for column in zip(*rows, strict=True))
    columns = {"patient": patient.astype(np.int32), "pain_pre": (100 * score).astype(np.int16)}
    if clinic is not None:
        columns["clinic"] = np.full(len(rows), clinic, np.int16)
    return columns, number + 4 * 55


FULL = [(i, 3 + i % 6) for i in range(40)]  # a third of the patients have 7 or 8
HALF = [(i, 1 + i % 4) for i in range(40)]


@pytest.mark.parametrize(
    ("quarters", "said"),
    [
        ((FULL, FULL), ""),
        ((FULL, HALF), "no pain score of 2025Q2 reaches 5, and 3 of 10 patients or more had one in 2025Q1."),
        ((HALF, FULL), "no pain score of 2025Q1 reaches 5, and 3 of 10 patients or more had one in 2025Q2."),
        (
            (FULL, HALF, FULL),
            "of 2025Q2 reaches 5, and 3 of 10 patients or more had one in 2025Q1; no pain score of 2025Q2",
        ),
        ((FULL, [(0, 5)] * 9, HALF), "no pain score of 2025Q3 reaches 5"),  # a quarter of few is passed over
        ((FULL, HALF[:30]), "no pain score of 2025Q2 reaches 5"),
        ((FULL, HALF[:29]), ""),  # of 29 patients
        ((FULL, HALF[:29] * 3), ""),  # who came three times
        ((FULL, [*HALF, (50, 6)]), ""),  # two points lower
        ((FULL, [*HALF, (50, 5)]), "no pain score of 2025Q2 reaches 6"),
        ((FULL, [(i, s + 0.9) for i, s in HALF]), "no pain score of 2025Q2 reaches 5"),
        (([(i, 8 if i < 12 else 4) for i in range(40)], HALF), "no pain score of 2025Q2 reaches 5"),  # 12 of 40
        (([(i, 8 if i < 11 else 4) for i in range(40)], HALF), ""),
        ((FULL, HALF) * 4, "; and 3 more."),
    ],
)
def test_a_clinic_whose_scores_end_elsewhere_than_in_the_quarter_before_is_told(quarters, said) -> None:
    for clinic, clinics in ((None, ()), (0, ("north",))):
        columns, number = scored(*quarters, clinic=clinic)
        messages = [one.message for one in find_moved_tops(columns, number, clinics)]
        assert len(messages) == bool(said)
        assert all(said in message.replace(" at clinic north", "") for message in messages)
        assert all(("clinic north" in message) == bool(clinics) for message in messages)


def test_clinics_are_compared_with_themselves_and_visits_without_scores_count_nowhere() -> None:
    north, number = scored(FULL, FULL, clinic=0)
    south, _ = scored(HALF, HALF, clinic=1)
    both = {name: np.concatenate([north[name], south[name]]) for name in north}
    assert find_moved_tops(both, np.tile(number, 2), ("north", "south")) == []
    no_scores = dict(both, pain_pre=np.full(len(both["pain_pre"]), MISSING, np.int16))
    assert find_moved_tops(no_scores, np.tile(number, 2), ("north", "south")) == []
    del no_scores["pain_pre"]
    assert find_moved_tops(no_scores, np.tile(number, 2), ("north", "south")) == []
    nowhere = dict(
        north, clinic=np.full(80, MISSING, np.int16), pain_pre=np.r_[north["pain_pre"][:40], south["pain_pre"][:40]]
    )
    (one,) = find_moved_tops(nowhere, number, ("north", "south"))
    assert "clinic" not in one.message
