"""Check digits of the numbers of states: public examples hold, and no digit of them can be another one."""

from __future__ import annotations

import pytest

from outcomes.records import identifier_checks as checks
from outcomes.records.identifier_kinds import NATIONAL

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
    # without a nought, which would hide the weight of its place
    *((checks._is_polish, number) for number in ("73122712315", "19522562637", "62111565467")),
    *((checks._is_turkish, number) for number in ("88532239976", "51547168524", "27154952566")),
    *((checks._is_norwegian, number) for number in ("23124576814", "65128234289", "27113645143")),
    *((checks._is_brazilian, number) for number in ("89413537348", "64235678833", "86528343420")),
    (checks._is_romanian, "5781226311315"),
    (checks._is_romanian, "7771218971493"),
    *((checks._is_french, number) for number in ("185664668327653", "242998472345935", "298485846635346")),
    *((checks._is_dutch, number) for number in ("443111789", "763819876", "186577448")),
    *((checks._is_of_the_nhs, number) for number in ("8295341855", "6357431931", "4761731737")),
    *((checks._is_portuguese, number) for number in ("812156919", "863165842")),
    (checks._is_belgian, "27126212355"),
    (checks._is_swiss, "7569217076985"),
    (checks._is_swiss, "7561234567897"),
    (checks._is_romanian, "1000101221004"),
    *((checks.has_luhn, number) for number in ("3769284279137371", "6589135241347277")),
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
        (checks._is_brazilian, "37221134405"),
        (checks._is_brazilian, "07777777700"),
        (checks._is_romanian, "6771216676141"),
        (checks._is_romanian, "4941215167331"),
        (checks._is_portuguese, "279386320"),
        (checks._is_portuguese, "346852730"),
        (checks._is_belgian, "36122412493"),
    ],
)
def test_a_remainder_of_ten_stands_for_a_digit_too(check, number) -> None:
    """Which one, another remainder has already: two numbers then differ in one digit only. Belgium adds a century."""
    digits = [int(c) for c in number]
    assert [last for last in range(10) if check([*digits[:-1], last])] == digits[-1:]


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (checks._is_turkish, "00000000000"),
        (checks._is_brazilian, "11111111111"),
        (checks._is_dutch, "000000000"),
        (checks._is_romanian, "0000000000000"),
        (checks._is_romanian, "0800101221003"),  # the first digit says man or woman
        (checks._is_polish, "00000000000"),
        (checks._is_norwegian, "00000000000"),
        (checks._is_greek, "00000000000"),
        (checks._is_swiss, "4006381333931"),  # the check digit of an article: so many things have it
    ],
)
def test_noughts_and_one_digit_all_along_are_nobodys(check, number) -> None:
    assert not check([int(c) for c in number])


NO_DAYS = ("0000", "0001", "0100", "0132", "1232", "1301", "9901")
DAYS = ("0101", "0131", "1201", "1231", "0930")


@pytest.mark.parametrize(
    ("check", "shape", "days", "no_days"),
    [
        (checks._is_polish, "97{md}{serial:05}", (*DAYS, "2101", "3231", "8101", "9231"), (*NO_DAYS, "2001", "3301")),
        (checks._is_norwegian, "{dm}97{serial:05}", (*DAYS, "0141", "1271"), (*NO_DAYS, "0140", "0172", "1339")),
        (checks._is_greek, "{dm}97{serial:05}", DAYS, (*NO_DAYS, "0141")),
        (checks._is_romanian, "197{md}{serial:06}", DAYS, NO_DAYS),
        (checks._is_belgian, "97{md}{serial:05}", (*DAYS, "0001"), ("1301", "9901")),
    ],
)
def test_the_day_of_birth_decides_whatever_follows_it(check, shape, days, no_days) -> None:
    """Given as month and day; of a thousand numbers that begin so, some have the right check digits."""
    for day in (*days, *no_days):
        texts = [shape.format(md=day, dm=day[2:] + day[:2], serial=serial) for serial in range(12_000, 13_000)]
        assert any(check([int(c) for c in text]) for text in texts) is (day in days), day


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("{ymd}-1234567", "ymd"),
        ("{dmy}-1234", "dmy"),
        ("{ymd}/123", "ymd"),
        ("{ymd}/1234", "ymd"),
        ("19{ymd}-1234", "ymd"),
        ("20{ymd}+1234", "ymd"),
    ],
)
def test_a_form_with_a_date_needs_one(text, is_one) -> None:
    for month, day, good in (
        *((1, 1, True), (12, 31, True), (1, 31, True), (12, 1, True), (51, 1, True), (62, 31, True)),
        *((0, 1, False), (13, 1, False), (50, 1, False), (63, 1, False), (1, 0, False), (1, 32, False)),
    ):
        given = text.format(ymd=f"78{month:02}{day:02}", dmy=f"{day:02}{month:02}78")
        assert checks.is_national(given) is good, given


def test_numbers_of_estonia_and_lithuania_have_a_second_sum_where_the_first_is_ten() -> None:
    good = ("37605030299", "33309240064", "47605030054", "47605030910", "17605030295")
    assert all(map(checks.is_national, good[:-1])) and not checks.is_national(good[-1])
    for number in good[:-1]:
        digits = [int(c) for c in number]
        others = [[*digits[:10], other] for other in range(10) if other != digits[10]]
        assert not any(map(checks._is_baltic, others)), number
    assert not any(map(checks._is_baltic, ([7, *digits[1:]], [0, *digits[1:]], [int(c) for c in "37613030290"])))


def test_a_short_number_of_sweden_has_a_check_digit_and_one_of_denmark_a_day_only() -> None:
    assert checks.is_national("811228-9874") and not checks.is_national("811228-9875")
    assert checks.is_national("281281-9875") and not checks.is_national("321281-9870")


@pytest.mark.parametrize(
    ("n", "n_wrong", "is_checked"), [(9, 0, False), (10, 0, True), (10, 1, False), (20, 1, True), (20, 2, False)]
)
def test_a_column_of_checked_numbers(n: int, n_wrong: int, is_checked: bool) -> None:
    """Ten are needed; one in twenty may be wrong."""
    bodies = [f"{body}{check}" for body in range(411_111_111_111_111, 411_111_111_111_131) for check in range(10)]
    good = [text for text in bodies if checks.has_luhn([int(c) for c in text])][:n]
    wrong = [text[:-1] + str((int(text[-1]) + 1) % 10) for text in good[:n_wrong]]
    assert checks.are_checked_numbers([*good[n_wrong:], *wrong]) is is_checked
    spaced = [f"{text[:4]} {text[4:8]}-{text[8:]}" for text in good[n_wrong:]]
    assert checks.are_checked_numbers([*spaced, *wrong]) is is_checked


@pytest.mark.parametrize("n_digits", [9, 15, 16, 19])
def test_columns_of_these_lengths_are_checked_by_luhn(n_digits: int) -> None:
    bodies = [f"{41_111 + i}".ljust(n_digits, "0") for i in range(12)]
    cells = [
        next(str(int(b) + d) for d in range(10) if checks.has_luhn([int(c) for c in str(int(b) + d)])) for b in bodies
    ]
    assert checks.are_checked_numbers(cells)
    assert not checks.are_checked_numbers([f"{cell[:-1]}{(int(cell[-1]) + 1) % 10}" for cell in cells])


def test_a_column_of_numbers_of_the_nhs() -> None:
    """Ten digits, and the remainder by eleven is nought; some of these begin with the same nine as no other."""
    bodies = [f"{943_476_500 + i}" for i in range(30)]
    cells = [b + c for b in bodies for c in "0123456789" if checks._is_of_the_nhs([int(d) for d in b + c])]
    assert checks.are_checked_numbers(cells) and not checks.are_checked_numbers([f"{cell[:-1]}x" for cell in cells])
    assert not checks.are_checked_numbers([str(int(cell) + 1) for cell in cells])


def test_numbers_of_two_lengths_and_texts_are_no_checked_numbers() -> None:
    good = ["79927398713"] * 10
    assert not checks.are_checked_numbers(["4111111111111111"] * 10 + ["111222333"])
    assert not checks.are_checked_numbers(["4111111111111111"] * 10 + ["411111111111111x"])
    assert not checks.are_checked_numbers(["4111111111111111"] * 10 + ["411111111111111²"])
    assert not checks.are_checked_numbers(["4111111111111111"] * 10 + ["0004111111111111111"] * 10)
    assert not checks.are_checked_numbers(good)  # of eleven digits Luhn says nothing by itself


@pytest.mark.parametrize(
    ("n_found", "n_all", "are_left_out"),
    [(1, 9, False), (1, 10, True), (4, 10, True), (5, 10, False), (6, 12, False), (5, 11, True)],
)
def test_numbers_found_among_many_of_their_length_are_found_by_chance(n_found, n_all, are_left_out) -> None:
    terms = [str(10_000_000_000 + i) for i in range(n_all)]
    found = dict.fromkeys(terms[:n_found], NATIONAL)
    others = {"a@b.org": "e-mail address", "1234567890123": NATIONAL, "12345678Z": NATIONAL}
    others |= dict.fromkeys(("41443211234", "41443211235", "41443211236"), "phone number")
    left = checks.leave_out_chance(found | others, [*terms, "1234567890123"])
    assert left == (others if are_left_out else found | others)


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
        ("637129192612194127", True),
        ("637129192612194128", False),
        ("419357193912159325", True),
        ("543425199812285223", True),
        ("131252-635Y", True),
        ("311299-539L", True),
        ("241187-279T", True),
        ("241187-279U", False),
        ("98765432M", True),
        ("54321987-N", True),
        # by their form alone
        ("RSSMRA85T10A562S", True),
        ("AB 12 34 56 C", True),
        ("112-233-445 95", True),
    ],
)
def test_numbers_in_the_form_of_a_country(text, is_one) -> None:
    assert checks.is_national(text) is is_one
