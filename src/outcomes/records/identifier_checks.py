"""Numbers that states and banks give to people, told from other numbers by their check digits and dates of birth.

A number of eleven digits may be anything. One that begins with a day and ends in the right check digit is a person's in
all but one of some hundred cases, and a column of which all do so is nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from outcomes.records.identifier_kinds import CHECKED
from outcomes.records.identifier_patterns import NATIONAL

_FEWEST = 10
_SHARE = 0.95
_HALF = 0.5
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CHINESE = "10X98765432"
_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def has_luhn(digits: Sequence[int]) -> bool:
    """Whether the last digit is the check digit of cards, Canadian and Greek numbers and many more."""
    doubled = [d * 2 - 9 * (d > 4) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _weigh(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(d * w for d, w in zip(digits, weights, strict=False))


def _two(d: Sequence[int], place: int) -> int:
    return 10 * d[place] + d[place + 1]


def _is_polish(d: Sequence[int]) -> bool:
    return _is_day(_two(d, 2) % 20, _two(d, 4)) and _weigh(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _is_turkish(d: Sequence[int]) -> bool:
    body = d[:9]
    tenth = (7 * sum(body[::2]) - sum(body[1::2])) % 10
    return d[0] > 0 and d[9] == tenth and d[10] == sum(d[:10]) % 10


def _is_norwegian(d: Sequence[int]) -> bool:
    first = _weigh(d, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = _weigh(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return _is_day(_two(d, 2), _two(d, 0) % 40) and first == second == 0


def _is_baltic(d: Sequence[int]) -> bool:
    """Whether a number is one of Estonia or Lithuania."""
    first, second = (_weigh(d, w) % 11 for w in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)))
    return 1 <= d[0] <= 6 and _is_day(_two(d, 3), _two(d, 5)) and d[10] == (first if first < 10 else second % 10)


def _is_greek(d: Sequence[int]) -> bool:
    return _is_day(_two(d, 2), _two(d, 0)) and has_luhn(d)


def _is_belgian(d: Sequence[int]) -> bool:
    body = int("".join(map(str, d[:9])))
    return _two(d, 2) <= 12 and _two(d, 9) in (97 - body % 97, 97 - (2_000_000_000 + body) % 97)


def _is_brazilian(d: Sequence[int]) -> bool:
    checks = [_weigh(d[:n], range(n + 1, 1, -1)) * 10 % 11 % 10 for n in (9, 10)]
    return len(set(d)) > 1 and checks == list(d[9:])


def _is_romanian(d: Sequence[int]) -> bool:
    check = _weigh(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return d[0] > 0 and _is_day(_two(d, 3), _two(d, 5)) and d[12] == (1 if check == 10 else check)


def _is_swiss(d: Sequence[int]) -> bool:
    return d[:3] == [7, 5, 6] and _weigh(d, (1, 3) * 6 + (1,)) % 10 == 0


def _is_french(d: Sequence[int]) -> bool:
    return d[0] in (1, 2) and _two(d, 13) == 97 - int("".join(map(str, d[:13]))) % 97


def _is_dutch(d: Sequence[int]) -> bool:
    return any(d) and (_weigh(d, (9, 8, 7, 6, 5, 4, 3, 2)) - d[8]) % 11 == 0


def _is_of_the_nhs(d: Sequence[int]) -> bool:
    return _weigh(d, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _is_portuguese(d: Sequence[int]) -> bool:
    check = 11 - _weigh(d, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return d[8] == (0 if check >= 10 else check)


_BARE: dict[int, tuple[Callable[[Sequence[int]], bool], ...]] = {
    11: (_is_polish, _is_turkish, _is_norwegian, _is_greek, _is_brazilian, _is_baltic),
    13: (_is_romanian, _is_swiss),
    15: (_is_french,),
}
"""By number of digits: those of which so few numbers are one by chance that a single cell says it."""

_COLUMNS: dict[int, tuple[Callable[[Sequence[int]], bool], ...]] = {
    9: (_is_dutch, _is_portuguese, has_luhn),
    10: (_is_of_the_nhs,),
    15: (has_luhn,),
    16: (has_luhn,),
    19: (has_luhn,),
}
"""Those of which one in ten or eleven numbers is one by chance: only a column of them says it."""


def is_national(text: str) -> bool:
    """Whether a number in the form of some country is one by its check digits or its date."""
    found = NATIONAL.fullmatch(text.strip())
    if found is None:
        return False
    name, plain = str(found.lastgroup), re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if name == "bare":
        digits = [int(c) for c in plain]
        return any(check(digits) for check in _BARE[len(digits)])
    return _CHECKS[name](plain)


def _is_dated(order: str) -> Callable[[str], bool]:
    """Return the check of a number that begins with a date of six digits, its months as some countries write them."""

    def check(plain: str) -> bool:
        first, month, last = int(plain[0:2]), int(plain[2:4]) % 50, int(plain[4:6])
        return _is_day(month, last if order == "ymd" else first)

    return check


_CHECKS: dict[str, Callable[[str], bool]] = {
    "korean": _is_dated("ymd"),
    "danish": lambda s: _is_dated("dmy")(s) or (_is_dated("ymd")(s) and has_luhn([int(c) for c in s])),
    "czech": _is_dated("ymd"),
    "swedish": lambda s: _is_dated("ymd")(s[-10:]),
    "finnish": lambda s: _is_dated("dmy")(s) and s[-1] == _HETU[int(s[:6] + s[-4:-1]) % 31],
    "chinese": lambda s: s[17] == _CHINESE[_weigh([int(c) for c in s[:17]], _CHINESE_WEIGHTS) % 11],
    "belgian": lambda s: _is_belgian([int(c) for c in s]),
    "brazilian": lambda s: _is_brazilian([int(c) for c in s]),
    "spanish": lambda s: s[-1] == _DNI[int(s[:-1]) % 23],
    "french": lambda s: _is_french([int(c) for c in s]),
    "italian": lambda s: True,
    "british": lambda s: True,
    "russian": lambda s: True,
}


def are_checked_numbers(cells: Sequence[str]) -> bool:
    """Whether the different cells of a column are numbers of one length that all end in the right check digit."""
    plain = [re.sub(r"[ .-]", "", cell) for cell in cells]
    lengths = {len(text) for text in plain}
    if len(plain) < _FEWEST or len(lengths) > 1 or not all(_is_ascii(text) for text in plain):
        return False
    rows = [[int(c) for c in text] for text in plain]
    n = lengths.pop()
    checks = (*_COLUMNS.get(n, ()), *_BARE.get(n, ()))
    return any(sum(map(check, rows)) >= _SHARE * len(rows) for check in checks)


def leave_out_chance(found: Mapping[str, str], terms: Sequence[str]) -> dict[str, str]:
    """Leave out bare numbers among many of their length that are none: of those, some have the digits by chance.

    Parameters
    ----------
    found : mapping of str to str
        Term -> kind of identifier.
    terms : sequence of str
        All bare numbers of the column, those found among them.
    """
    hits = Counter(len(term) for term, kind in found.items() if kind in CHECKED and _is_ascii(term))
    n = Counter(map(len, terms))
    by_chance = {length for length, k in hits.items() if n[length] >= _FEWEST and k < _HALF * n[length]}
    return {t: kind for t, kind in found.items() if not (kind in CHECKED and _is_ascii(t) and len(t) in by_chance)}


def _is_ascii(text: str) -> bool:
    return text.isascii() and text.isdigit()


__all__ = ["are_checked_numbers", "has_luhn", "is_national", "leave_out_chance"]
