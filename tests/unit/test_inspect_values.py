"""What the cells of a column say of how it is written: at which share of the rows each answer turns."""

from __future__ import annotations

import datetime

import pytest

from outcomes.records import inspect_values as weigh
from outcomes.records.inspect_values import DateEvidence

JANUARY = datetime.date(2024, 1, 1)
ASK_BOTH = "every date reads both as {} and as {}: ask the clinic"


@pytest.mark.parametrize(
    ("cells", "order", "words"),
    [
        ({"01/02/2024": 9}, "", ASK_BOTH.format("DD/MM/YYYY", "MM/DD/YYYY")),
        ({"12.12.2024": 9}, "", ASK_BOTH.format("DD.MM.YYYY", "MM.DD.YYYY")),
        ({"12-12-2024": 9}, "", ASK_BOTH.format("DD-MM-YYYY", "MM-DD-YYYY")),
        ({"12.12.2024": 2, "11/11/2024": 9, "10/11/2024": 1}, "", ASK_BOTH.format("DD/MM/YYYY", "MM/DD/YYYY")),
        ({"13/01/2024": 1}, "dmy", "dates read as DD/MM/YYYY because 1 row allows only that"),
        ({"01/13/2024": 2}, "mdy", "dates read as MM/DD/YYYY because 2 rows allow only that"),
        (
            {"13/01/2024": 95, "01/13/2024": 5},
            "dmy",
            "dates read as DD/MM/YYYY because 95 rows allow only that; 5 allow only MM/DD/YYYY and will be set aside",
        ),
        (
            {"13/01/2024": 1, "01/13/2024": 19, "01/02/2024": 900},
            "mdy",
            "dates read as MM/DD/YYYY because 19 rows allow only that; 1 allows only DD/MM/YYYY and will be set aside",
        ),
        (
            {"13/01/2024": 94, "01/13/2024": 6},
            "",
            "94 rows allow only DD/MM/YYYY and 6 only MM/DD/YYYY: ask the clinic",
        ),
        ({"13/01/2024": 5, "2024-01-02": 5}, "dmy", "dates read as DD/MM/YYYY because 5 rows allow only that"),
        ({"13/01/2024": 5, "2024-01-02": 6}, "iso", "the year comes first in 6 rows"),
        ({"2024-1-2": 3, "20240102": 3}, "iso", "the year comes first in 6 rows"),
        ({"2024-01-02": 2, "20240102": 3}, "ymd", "the year comes first in 5 rows"),
        ({"2024.01.02": 1}, "ymd", "the year comes first in 1 row"),
        ({"45293": 3, "2024-01-02": 2}, "excel", "3 rows hold serial numbers of a spreadsheet, not dates"),
        ({"45293.5": 1}, "excel", "1 row holds serial numbers of a spreadsheet, not dates"),
        ({"45293": 3, "2024-01-02": 3}, "", "most cells are no dates this tool knows"),
        ({"45293": 3, "2024-01-02": 4}, "iso", "the year comes first in 4 rows"),
        ({"12 March 2024": 2, "soon": 1}, "", weigh.MONTHS_ARE_WORDS),
        ({"12 March 2024": 2, "soon": 2}, "", "most cells are no dates this tool knows"),
        ({"March 12": 1}, "", weigh.MONTHS_ARE_WORDS),
        ({"29999": 1}, "", "most cells are no dates this tool knows"),
    ],
)
def test_most_rows_decide_on_the_order_of_day_and_month(cells: dict[str, int], order: str, words: str) -> None:
    found = weigh.weigh_dates(cells)
    assert (found.order, found.words) == (order, words)


@pytest.mark.parametrize(
    ("cells", "short", "zones", "latest"),
    [
        ({"13/01/24": 1}, True, False, 0),
        ({"13/01/24": 1, "14/01/2023": 1}, True, False, 2023),
        ({"13/01/2024": 1, "13/01/2022": 1}, False, False, 2024),
        ({"2024-01-02": 1, "2025-1-2": 1}, False, False, 2025),
        ({"20240102": 1, "9999-12-31": 1}, False, False, 2024),
        ({"2024-01-02T10:00:00Z": 1}, False, True, 2024),
        ({"2024-01-02T00:00:00Z": 1}, False, False, 2024),
        ({"13/01/2024 10:00:00 +01:00": 1}, False, True, 2024),
        ({"13-01-2024": 1}, False, False, 2024),
        ({"n/a": 5, " ": 5}, False, False, 0),
    ],
)
def test_short_years_zones_and_the_latest_year(cells: dict[str, int], short: bool, zones: bool, latest: int) -> None:
    found = weigh.weigh_dates(cells)
    assert (found.short_years, found.zones, found.latest) == (short, zones, latest)


def test_a_column_of_marks_for_nothing_holds_no_date() -> None:
    assert weigh.weigh_dates({"": 1, " - ": 2, "N/A": 3}) == DateEvidence("", weigh.NO_DATES, False, False, 0)


@pytest.mark.parametrize(
    ("columns", "mark", "words"),
    [
        ([{"5,5": 2}, {"5.5": 1, "6,0": 1}], ",", "3 rows have a decimal comma, 1 a point"),
        ([{"5,5": 1}], ",", "1 row has a decimal comma, 0 a point"),
        ([{"5,5": 2, "5.5": 2}], ".", "2 rows have a decimal point, 2 a comma"),
        ([{"5.5": 1}], ".", "1 row has a decimal point, 0 a comma"),
        ([{"5": 4, "1,2,3": 1, "1.2.3": 1}], ".", "no decimals were seen"),
        ([], ".", "no decimals were seen"),
    ],
)
def test_the_decimal_mark_is_that_of_more_rows(columns: list[dict[str, int]], mark: str, words: str) -> None:
    assert weigh.weigh_decimal_mark(columns) == (mark, words)


@pytest.mark.parametrize(
    ("cells", "scale", "words"),
    [
        ({}, "0-10", "no ratings were seen"),
        ({"severe": 4, "1000": 2, "-3": 1}, "0-10", "no ratings were seen"),
        ({"10": 1}, "0-10", "1 of 1 rating is 10 or less, 0 from 11 to 100"),
        ({"10": 1, "11": 1}, "0-100", "1 of 2 ratings are 10 or less, 1 from 11 to 100"),
        ({"5,5": 2, "10,5": 2}, "0-100", "2 of 4 ratings are 10 or less, 2 from 11 to 100"),
        ({"100": 5, "101": 5}, "0-100", "0 of 10 ratings are 10 or less, 5 from 11 to 100"),
        (
            {"100": 4, "101": 6},
            "",
            "0 of 10 ratings are 10 or less, 4 from 11 to 100: two scales in one column? ask the clinic",
        ),
        (
            {"0.5": 2, "7": 8},
            "",
            "10 of 10 ratings are 10 or less, 0 from 11 to 100, 2 ratings lie between 0 and 1: parts of 1, or percent? "
            '"0-1" reads 0.7 as 7 of 10',
        ),
        (
            {"0.5": 1},
            "",
            "1 of 1 rating is 10 or less, 0 from 11 to 100, 1 rating lies between 0 and 1: parts of 1, or percent? "
            '"0-1" reads 0.7 as 7 of 10',
        ),
        ({"0": 5, "1": 5}, "0-10", "10 of 10 ratings are 10 or less, 0 from 11 to 100"),
        (
            {"0.5": 4, "1": 9, "2": 7},
            "",
            "20 of 20 ratings are 10 or less, 0 from 11 to 100, 4 ratings lie between 0 and 1: parts of 1, or "
            'percent? "0-1" reads 0.7 as 7 of 10',
        ),
        ({"0.5": 4, "1.5": 2, "2": 14}, "0-10", "20 of 20 ratings are 10 or less, 0 from 11 to 100"),
    ],
)
def test_the_scale_of_pain_with_the_ratings_that_speak_for_it(cells: dict[str, int], scale: str, words: str) -> None:
    assert weigh.weigh_pain_scale([cells]) == (scale, words)
    split = [{text: n} for text, n in cells.items()]
    assert weigh.weigh_pain_scale(split) == (scale, words)


def test_marks_for_nothing_are_told_as_they_are_written() -> None:
    columns = [{"N/A": 1, " - ": 2, "": 3}, {"Keine Angabe": 1, "7": 2, "n/a": 1}]
    assert weigh.find_missing_marks(columns) == ["-", "Keine Angabe", "N/A", "n/a"]


def test_words_for_yes_and_no_of_several_columns_are_joined() -> None:
    assert weigh.find_flags([{"Ja": 1, " Nein": 1}, {"x": 1, "": 4}]) == (["ja", "x"], ["nein"])
    assert weigh.find_flags([{"maybe": 1}]) == ([], [])


@pytest.mark.parametrize(
    ("cells", "is_yes_no", "is_ticked", "n_yes"),
    [
        (["yes", "no", "YES "], True, True, 2),
        (["yes"], True, False, 1),
        (["no", "no"], True, False, 0),
        (["1", "0"], False, True, 1),
        (["x", ""], False, True, 1),
        (["x", " "], False, True, 1),
        (["x", "x"], False, False, 2),
        (["0", ""], False, False, 0),
        (["yes", "no", "maybe"], False, False, 1),
        (["", " "], False, False, 0),
    ],
)
def test_columns_of_yes_and_no(cells: list[str], is_yes_no: bool, is_ticked: bool, n_yes: int) -> None:
    assert weigh.is_yes_no(cells) is is_yes_no
    assert weigh.is_ticked(cells) is is_ticked
    assert weigh.count_yes(cells) == n_yes


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        ({"heat": 5}, []),
        ({}, []),
        ({"heat;tens": 1}, [";"]),
        ({"heat;tens;ice": 100, "heat|tens": 5}, [";", "|"]),
        ({"heat;tens;ice": 100, "heat|tens": 4}, [";"]),
        ({"heat;tens": 2, "heat|tens": 6, "heat\ntens": 4}, ["|", "\n", ";"]),
    ],
)
def test_marks_between_terms_the_commonest_first_and_none_of_a_slip(cells: dict[str, int], marks: list[str]) -> None:
    assert weigh.find_separators([cells]) == marks


def test_rows_of_totals_are_told_once_each() -> None:
    cells = ["Total", " total ", "Sub-total", "Subtotal:", "Grand Totals", "Totally", "P1", "Total"]
    assert weigh.find_totals(cells) == ["Grand Totals", "Sub-total", "Subtotal:", "Total", "total"]


def days_of(n: int, visits: int, gap: int = 1) -> dict[datetime.date, int]:
    return {JANUARY + datetime.timedelta(days=gap * i): visits for i in range(n)}


def test_no_day_no_cut() -> None:
    assert weigh.find_data_cut({}, "Printed 2024-04-02") == (None, "")


@pytest.mark.parametrize(("late", "is_taken"), [(0, True), (2, True), (3, False)])
def test_the_day_a_file_says_is_taken_up_to_two_rows_in_a_hundred_later(late: int, is_taken: bool) -> None:
    days = {JANUARY + datetime.timedelta(days=i): 1 for i in range(98)}
    printed = max(days)
    found = weigh.find_data_cut(days | {printed + datetime.timedelta(days=1): late}, f"as of {printed}")
    assert (found[0] == printed) is is_taken
    if is_taken:
        rows = "0 rows have" if late == 0 else "2 rows have"
        assert found[1] == f"the file says so itself; {rows} a later date"


@pytest.mark.parametrize(("late", "is_cut"), [(9, True), (10, False)])
def test_what_is_more_than_one_row_in_a_hundred_is_no_slip(late: int, is_cut: bool) -> None:
    """Visits of one date far off; 900 and 9 are 1 % of 909 and less, 10 are more."""
    days = days_of(90, 10)
    found = weigh.find_data_cut(days | {max(days) + datetime.timedelta(days=400): late}, "")
    assert (found[0] is not None) is is_cut
    if is_cut:
        assert found == (max(days), "after it only 9 rows, more than a month later")


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2024-03-05", "dmy", (2024, 3, 5)),
        ("2024-3-5", "", (2024, 3, 5)),
        ("20240305", "mdy", (2024, 3, 5)),
        ("2024/03/05", "mdy", (2024, 3, 5)),
        ("05/03/2024", "dmy", (2024, 3, 5)),
        ("05/03/2024", "mdy", (2024, 5, 3)),
        ("05/03/2024", "iso", None),
        ("05/03/24", "dmy", None),
        ("31/02/2024", "dmy", None),
        ("45293", "excel", None),
        ("", "dmy", None),
    ],
)
def test_a_day_is_read_in_the_order_that_was_found(text: str, order: str, day: tuple[int, int, int] | None) -> None:
    assert weigh.parse_day(text, order) == (datetime.date(*day) if day else None)
