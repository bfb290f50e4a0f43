"""Bytes that are no UTF-8: in which lines they stand, and which encoding they probably are; never replaced."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from outcomes.errors import InputRefused
from outcomes.records.rules import refuse

_CANDIDATES = (
    *("cp1252", "iso8859-15", "cp1254", "cp1250", "iso8859-2", "mac_roman", "cp850", "cp1251"),
    *("cp932", "cp949", "gb18030"),
)
_COMMON = {"cp932": range(0x88, 0x98), "cp949": range(0xB0, 0xC9), "gb18030": range(0xB0, 0xD8)}
"""First bytes of the everyday signs of an encoding of two bytes a sign; read wrongly, most signs are rare ones."""
_ICELANDIC = frozenset("ðÐþÞ")
_PUNCTUATION = frozenset("’‘“”„–—…€£°±µ²³½·«»§ß™®©\u00a0")
_MOST_SAMPLES = 3
_AROUND = 12
MOST_LINES = 2_000
"""Lines of another encoding, and none of UTF-8, after which the rest of the file is not waited for."""


@dataclass(slots=True)
class Undecodable:
    """What was met so far.

    Attributes
    ----------
    lines : list of (line, position, bytes)
        Each line that is no UTF-8: its number, the place of its first such byte (from 1), and up to 3 lines' bytes.
    n_other : int
        Lines that are UTF-8 and not only ASCII.
    """

    lines: list[tuple[int, int, bytes]] = field(default_factory=list)
    n_other: int = 0

    def add(self, other: Undecodable, start: int) -> None:
        """Add what was met in a block whose first line has the number `start`."""
        self.lines += [
            (start + line, position, text if len(self.lines) + i < _MOST_SAMPLES else b"")
            for i, (line, position, text) in enumerate(other.lines)
        ]
        self.n_other += other.n_other

    @property
    def codes(self) -> dict[int, str]:
        """Line -> code of the rule."""
        return dict.fromkeys((line for line, _, _ in self.lines), "E150")


def find_undecodable(data: bytes) -> Undecodable:
    """Find the lines of a block that are no UTF-8, counted from 0."""
    found = Undecodable()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        found.n_other = int(not text.isascii())
        return found
    for line, part in enumerate(data.split(b"\n")):
        if part.isascii():
            continue
        try:
            part.decode("utf-8")
        except UnicodeDecodeError as error:
            found.lines.append((line, error.start + 1, part if len(found.lines) < _MOST_SAMPLES else b""))
        else:
            found.n_other += 1
    return found


def refuse_encoding(found: Undecodable, place: str) -> InputRefused:
    """Return the refusal of a file in another encoding, with the guess and up to three masked lines read by it."""
    samples = [(line, text) for line, _, text in found.lines if text][:_MOST_SAMPLES]
    guess = guess_encoding([text for _, text in samples])
    shown = "; ".join(f'line {line} "{_show(text, guess)}"' for line, text in samples)
    n = len(found.lines)
    return refuse(
        "E111",
        f"{f'line {samples[0][0]} of it is' if n == 1 else f'{n:,} lines or more of it are'} not UTF-8 text. "
        f"Read as {guess}, letters masked: {shown}.",
        place,
        f'If that looks right, write [file] encoding = "{guess}" in the mapping; if not, write the encoding of your '
        "system, or save the export as UTF-8.",
    )


def guess_encoding(lines: Sequence[bytes]) -> str:
    """Return the encoding under which the bytes beyond ASCII are most like letters within words."""
    scores = {encoding: sum(_score(line, encoding) for line in lines) for encoding in _CANDIDATES}
    return max(_CANDIDATES, key=lambda encoding: scores[encoding])


def _score(line: bytes, encoding: str) -> float:
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return -100.0
    score = 0.0
    for earlier, before, sign in zip("  " + text, " " + text, text, strict=False):
        if not sign.isascii():
            score += (
                _score_wide(before, sign, encoding) if encoding in _COMMON else _score_letter(earlier, before, sign)
            )
    return score


def _score_letter(earlier: str, before: str, sign: str) -> float:
    """Likely is a letter after one of its own alphabet, not a capital within a word, nor the third accent in a row."""
    alphabet = unicodedata.name(sign, "").split(" ")[0]
    if alphabet not in ("LATIN", "CYRILLIC"):
        return 0.5 if sign in _PUNCTUATION else -1.0
    if sign in _ICELANDIC:  # In a Turkish file these are ğ and ş.
        return 0.0
    is_alone = before.isalpha() and not unicodedata.name(before).startswith(alphabet)
    is_third = alphabet == "LATIN" and all(c.isalpha() and not c.isascii() for c in (earlier, before))
    return -1.0 if is_alone or is_third or (sign.isupper() and before.islower()) else 1.0


def _score_wide(before: str, sign: str, encoding: str) -> float:
    """Two bytes count for two letters: likely is an everyday sign that follows no plain letter."""
    written = sign.encode(encoding)
    if (before.isascii() and before.isalpha()) or len(written) == 1:
        return -2.0
    is_kana = encoding == "cp932" and "KANA" in unicodedata.name(sign, "")
    return 2.0 if is_kana or written[0] in _COMMON[encoding] else 0.0


def _show(line: bytes, encoding: str) -> str:
    """Return a line around its first byte beyond ASCII: plain letters x, digits 9, the others as they would be read."""
    text = line.decode(encoding, "replace").rstrip("\r")
    first = next((i for i, character in enumerate(text) if not character.isascii()), 0)
    part = text[max(0, first - _AROUND) : first + _AROUND]
    shown = "".join(
        ("x" if c.isalpha() else "9" if c.isdigit() else c) if c.isascii() else c if c.isprintable() else "?"
        for c in part
    )
    return ("…" if first > _AROUND else "") + shown + ("…" if first + _AROUND < len(text) else "")
