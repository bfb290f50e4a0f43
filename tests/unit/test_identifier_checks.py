"""Check digits of the numbers of states: public examples hold, and no digit of them can be another one."""

from __future__ import annotations

import pytest

from outcomes.records import identifier_checks as checks

EXAMPLES = [
    (checks._is_polish, "44051401359"),
    (checks._is_polish, "02070803628"),
    (checks._is_turkish, "10000000146"),
    (checks._is_norwegian, "13097248022"),
    (checks._is_brazilian, "11144477735"),
    (checks._is_romanian, "1800101221144"),
    (checks._is_french, "255081416802538"),
    (checks._is_dutch, "111222333"),
    (checks._is_of_the_nhs, "9434765919"),
    (checks._is_of_the_nhs, "4010232137"),
    (checks._is_portuguese, "123456789"),
    (checks._is_belgian, "85073003328"),
    (checks.has_luhn, "79927398713"),
    (checks.has_luhn, "4111111111111111"),
]


@pytest.mark.parametrize(("check", "number"), EXAMPLES, ids=lambda one: getattr(one, "__name__", one))
def test_the_example_holds_and_one_wrong_digit_does_not(check, number) -> None:
    digits = [int(c) for c in number]
    assert check(digits)
    for place, digit in enumerate(digits):
        wrong = [check([*digits[:place], other, *digits[place + 1 :]]) for other in range(10) if other != digit]
        assert not any(wrong), (place, wrong)


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (checks._is_turkish, "00000000000"),
        (checks._is_brazilian, "11111111111"),
        (checks._is_dutch, "000000000"),
        (checks._is_romanian, "0000000000000"),
        (checks._is_polish, "00000000000"),
        (checks._is_norwegian, "00000000000"),
        (checks._is_greek, "00000000000"),
    ],
)
def test_noughts_and_one_digit_all_along_are_nobodys(check, number) -> None:
    assert not check([int(c) for c in number])


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("12345678Z", True),
        ("12345678-Z", True),
        ("12345678A", False),
        ("131052-308T", True),
        ("131052-308U", False),
        ("321052-308T", False),
        ("11010519491231002X", True),
        ("110105194912310021", False),
        ("85.07.30-033.28", True),
        ("85.13.30-033.28", False),
        ("111.444.777-35", True),
        ("2 55 08 14 168 025 38", True),
        ("44051401359", True),
        ("44051401358", False),
        ("240105-1234", True),
        ("320105-1234", False),
        ("no number", False),
    ],
)
def test_numbers_in_the_form_of_a_country(text, is_one) -> None:
    assert checks.is_national(text) is is_one
