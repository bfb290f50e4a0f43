"""Texts to days and minutes: each style, each fault, as a table."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.cases import build_visits
from outcomes.cases.dates import CLOCK_CHANGE, day_number, find_date_order, parse_dates
from outcomes.cases.values import parse_floats, parse_pain, parse_whole
from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records

NAMES = ["Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sept", "Okt", "Nov", "Dez"]


def read(text: str, order: str = "iso", **dates: Any) -> str:
    """The day as ISO, or the fault."""
    parsed = parse_dates([text], order, Mapping.from_dict({"dates": dates} if dates else {}))
    fault, day = str(parsed.faults[0]), int(parsed.values[0])
    return fault or (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2025-03-01", "iso", "2025-03-01"),
        ("2025-3-1", "iso", "2025-03-01"),
        ("20250301", "ymd", "2025-03-01"),
        ("01/03/2025", "dmy", "2025-03-01"),
        ("01/03/2025", "mdy", "2025-01-03"),
        ("1.3.25", "dmy", "E216"),
        ("2025-03-01", "dmy", "2025-03-01"),
        ("13/13/2025", "dmy", "E213"),
        ("2025-02-30", "iso", "E213"),
        ("0000-00-00", "iso", "E213"),
        ("1900-01-00", "iso", "E213"),
        ("1899-12-30", "iso", "E214"),
        ("9999-12-31", "iso", "E214"),
        ("0001-01-01", "iso", "E214"),
        ("1024-01-05", "iso", "E218"),
        ("2100-01-01", "iso", "E218"),
        ("2099-12-30", "iso", "2099-12-30"),
        ("45717", "iso", "E219"),
        ("45717", "excel", "2025-03-01"),
        ("45717.75", "excel", "2025-03-01"),
        ("44255", "excel-1904", "2025-03-01"),
        ("9999999", "excel", "E218"),
        ("9" * 400, "excel", "E212"),
        ("-45717", "excel", "E212"),
        ("0", "excel", "E214"),
        ("tomorrow", "iso", "E212"),
        ("12-Mar-25", "dmy", "E212"),
        ("2025-03-01T25:00", "iso", "E213"),
        ("2025-03-01 10:30", "iso", "2025-03-01"),
        ("2025-03-01T10:30:00Z", "iso", "E217"),
        ("x" * 5000, "iso", "E212"),
        ("", "iso", "E211"),
    ],
)
def test_one_text(text: str, order: str, expected: str) -> None:
    assert read(text, order) == expected


@pytest.mark.parametrize(
    "day",
    [
        *(
            "0001-01-01",
            "1753-01-01",
            "1899-12-30",
            "1899-12-31",
            "1900-01-01",
            "1901-01-01",
            "1904-01-01",
            "1970-01-01",
        ),
        *("2099-12-31", "2999-12-31", "3000-01-01", "9999-12-31"),
    ],
)
def test_a_day_that_stands_for_unknown_is_none_and_the_day_after_is_one(day: str) -> None:
    assert read(day) == "E214"
    if "1900" < day < "2000":
        after = (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()
        assert read(after) == after


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1899-12-29", "E218"), ("1900-01-02", "1900-01-02"), ("2099-12-30", "2099-12-30"), ("2100-01-02", "E218")],
)
def test_a_visit_lies_in_two_centuries(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00", 0),
        ("23:59", 1439),
        ("24:00", "E213"),
        ("10:60", "E213"),
        ("12:30 AM", 30),
        ("12:30 pm", 750),
        ("1:05 pm", 785),
        ("11:59 pm", 1439),
    ],
)
def test_the_minute_of_a_visit(text: str, expected: int | str) -> None:
    parsed = parse_dates([f"2025-03-01 {text}"], "iso", Mapping.from_dict({}))
    fault, minute = str(parsed.faults[0]), int(parsed.extra[0])
    assert (fault or minute) == expected


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["12/12/2025", "13/12/2025"], "dmy"),
        (["12/12/2025", "12/13/2025"], "mdy"),
        (["20250301"], "ymd"),
        (["2025-03-01"], "iso"),
        (["2025-03-01", "20250301"], "iso"),
    ],
)
def test_the_order_that_values_allow(texts: list[str], order: str) -> None:
    assert find_date_order(texts, Mapping.from_dict({}), "visit_date", "Date").order == order


def test_a_twelfth_day_allows_both_orders() -> None:
    with pytest.raises(InputRefused, match="E210 column 'Date': every date reads both"):
        find_date_order(["12/12/2025", "11/12/2025"], Mapping.from_dict({}), "visit_date", "Date")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12-März-25", "2025-03-12"),
        ("12. Mär 2025", "2025-03-12"),  # three letters of a declared name are enough
        ("12. März 2025", "2025-03-12"),
        ("März 12, 2025", "2025-03-12"),
        ("2025-Okt-12", "2025-10-12"),
        ("12 oktober 2025", "2025-10-12"),
        ("12Okt2025", "E212"),
        ("31-Juni-2025", "E213"),
        ("12 Ju 2025", "E212"),
        ("12 Brumaire 2025", "E212"),
        ("12-Dez-2025 14:30", "2025-12-12"),
        ("2025-03-01", "2025-03-01"),
    ],
)
def test_declared_names_of_months(text: str, expected: str) -> None:
    assert read(text, "iso", month_names=NAMES, two_digit_year_pivot=50) == expected


@pytest.mark.parametrize(
    ("text", "day", "minute"),
    [
        ("2025-04-01T04:30:00Z", "2025-03-31", 23 * 60 + 30),
        ("2025-04-01T06:30:00+02:00", "2025-03-31", 23 * 60 + 30),
        ("2025-03-31 11:30 pm", "2025-03-31", 23 * 60 + 30),
        ("2025-03-09 02:30", "2025-03-09", -1),
        ("2025-03-09 03:30", "2025-03-09", 210),
        ("2025-11-02 01:30", "2025-11-02", -1),
        ("2025-11-02T06:30:00Z", "2025-11-02", -1),
        ("2025-11-02", "2025-11-02", -1),
    ],
)
def test_the_clock_of_the_clinic(text: str, day: str, minute: int) -> None:
    parsed = parse_dates([text], "iso", Mapping.from_dict({"dates": {"timezone": "America/Chicago"}}))
    assert parsed.values[0] == day_number(datetime.date.fromisoformat(day))
    assert parsed.extra[0] == minute
    assert (parsed.fixed[0] == CLOCK_CHANGE) == (minute < 0 and ":" in text)


@pytest.mark.parametrize("offset", ["+99:00", "-24:00", "+23:59", "+00:99"])
def test_an_impossible_zone_is_a_fault(offset: str) -> None:
    assert read(f"2025-03-01T10:00:00{offset}", "iso", timezone="Europe/Zurich") in ("E213", "2025-02-28", "2025-03-01")


@given(st.text(max_size=40), st.sampled_from(["iso", "dmy", "mdy", "ymd", "excel", "excel-1904"]))
def test_any_text_is_a_day_or_a_fault(text: str, order: str) -> None:
    dates = {"month_names": NAMES, "timezone": "Europe/Zurich", "two_digit_year_pivot": 30}
    parsed = parse_dates([text.strip()], order, Mapping.from_dict({"dates": dates}))
    assert (parsed.values[0] == -1) == bool(parsed.faults[0]) or parsed.values[0] == -1


@given(st.one_of(st.text(max_size=40), st.text("0123456789.,-+/eE<>~ ", max_size=500)), st.sampled_from([".", ","]))
def test_any_text_is_a_number_or_a_fault(text: str, mark: str) -> None:
    mapping = Mapping.from_dict({"values": {"decimal_mark": mark}})
    text = text.strip()
    pain = parse_pain([text], mapping)
    assert -1 <= pain.values[0] <= 1000
    assert -1 <= pain.extra[0] <= 1000
    assert -1 <= parse_whole([text], mapping, "E241", 120).values[0] <= 120
    scores, faults = parse_floats([text], mapping, "E251")
    assert bool(faults[0]) or not text or abs(scores[0]) < 1e19


@pytest.mark.parametrize(
    ("text", "mark", "expected"),
    [
        ("1.234", ",", "E253"),
        ("1.234.567", ",", "E253"),
        ("1,234", ",", 1.234),
        ("1.5", ",", 1.5),  # a number cell of a workbook
        ("1,234", ".", "E251"),
        ("1.234", ".", 1.234),
        ("-0", ".", 0.0),
    ],
)
def test_thousands_or_decimals(text: str, mark: str, expected: str | float) -> None:
    scores, faults = parse_floats([text], Mapping.from_dict({"values": {"decimal_mark": mark}}), "E251")
    assert (str(faults[0]) or float(scores[0])) == expected
    assert str(scores[0]) != "-0.0"


def test_without_a_visit_that_can_be_used_records_end_nowhere(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text("patient_id,visit_date,onset_date,clinic_id\np1,2021-03-01,2024-01-05,c1\n")
    visits = build_visits(read_records(path, Mapping.from_dict({"dates": {"data_cut": datetime.date(2025, 6, 30)}})))
    assert visits.n == 0
    assert not [note for note in visits.notes if "data cut" in note]
