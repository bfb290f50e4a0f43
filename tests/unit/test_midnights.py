"""A column of midnights of one offset is one of days; one time among them makes all of them instants again."""

from __future__ import annotations

import pytest

from outcomes.cases import dates
from outcomes.records import Mapping
from outcomes.records import inspect_values as weigh
from outcomes.records.midnights import find_midnight_zone, take_midnight

DENVER = Mapping.from_dict({"dates": {"timezone": "America/Denver"}})
DAYS = ["2026-03-05", "2026-07-06"]


@pytest.mark.parametrize(
    "form",
    [
        *("{}T00:00:00Z", "{}T00:00Z", "{} 00:00:00.000Z", "{} 0:00+00:00", "{}T00:00:00+0100", "{}T00:00:00-05:00"),
        *("{} 12:00 AM Z", "{} 12:00:00 am +00:00", "{}T00:00:00,000Z "),
    ],
)
@pytest.mark.parametrize("mapping", [DENVER, Mapping()])
def test_days_stay_the_days_that_are_written(form, mapping) -> None:
    texts = [form.format(day) for day in DAYS] + ["2026-03-07", ""]
    assert find_midnight_zone(texts)
    parsed = dates.parse_dates(texts, "iso", mapping)
    assert parsed.values.tolist() == dates.parse_dates([*DAYS, "2026-03-07", ""], "iso", mapping).values.tolist()
    assert parsed.faults.tolist() == ["", "", "", "E211"] and parsed.extra.tolist() == [-1] * 4
    assert not weigh.weigh_dates(dict.fromkeys(texts[:3], 9)).zones


@pytest.mark.parametrize(
    "other",
    [
        *("2026-03-06T14:30:00Z", "2026-03-06T00:00:00+01:00", "2026-03-06T00:00:01Z", "2026-03-06T00:00:00"),
        *("2026-03-06T12:00:00Z", "2026-03-06 12:00 PM Z", "2026-03-06T00:30:00Z"),
    ],
)
def test_one_other_time_makes_them_instants(other) -> None:
    texts = [*(f"{day}T00:00:00Z" for day in DAYS), other]
    assert find_midnight_zone(texts) == ""
    first = dates.parse_dates(texts, "iso", DENVER).values[0]
    assert first == dates.parse_dates(["2026-03-04"], "iso", DENVER).values[0]
    assert dates.parse_dates(texts, "iso", Mapping()).faults[0] == "E217"


@pytest.mark.parametrize("text", ["2026-03-05", "05.03.2026", "45000", "12-Mar-2026", "", "00:00Z", "2026-03-05 00:00"])
def test_what_has_no_midnight_with_an_offset_is_left(text) -> None:
    assert find_midnight_zone([text]) == "" and take_midnight(text) == text


def test_every_way_to_write_utc_is_one() -> None:
    assert find_midnight_zone(["2026-03-05T00:00Z", "2026-03-06T00:00+00:00", "2026-03-07T00:00:00-0000"]) == "Z"
