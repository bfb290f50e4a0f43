"""What in a column or a text looks like it identifies a person. No answer carries a value, only its shape.

What is found is what the patterns and the lists know; what is not found may still be there (`docs/privacy.md`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from outcomes.records.columns import mask
from outcomes.records.identifier_checks import are_checked_numbers, has_luhn, is_national
from outcomes.records.identifier_kinds import (
    AGES,
    ANSWERS,
    BIRTH,
    CHECKED,
    FREE_TEXT,
    KINDS,
    NAME,
    NATIONAL,
    OLD,
    OTHER_OWNERS,
    PLACES,
    Kind,
)
from outcomes.records.identifier_names import has_name, look_like_names
from outcomes.records.identifier_patterns import DATE_SHAPE, MONTH, OCTET, UUID
from outcomes.records.identifier_patterns import NATIONAL as NATIONAL_NUMBER
from outcomes.records.identifier_places import are_places
from outcomes.records.identifier_words import find_words
from outcomes.records.person_shapes import Person, describe_people, read_as_person

HEADER, CELLS, BOTH, SOME = "its header", "its cells", "its header and its cells", "some of its cells"
KIND_BY_NAME = {kind.name: kind for kind in reversed(KINDS)}
_MOST = 0.5
PEOPLE = ("patient_id", "clinician_id")
"""Fields whose ids stand for people. From this share of them on, shaped like names, they are; by the list two do."""
_MOST_PEOPLE, _FEW_PEOPLE = 0.5, 2
_FITTING = 0.3
_NEARLY_ALL = 0.8
_EXAMPLES = 2
_YEARS_BEFORE = 10
_PLAN = "plan"
_NAMES = frozenset(("name", "nom", "nome", "naam"))
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
"""A year of four digits."""
_COMPACT = re.compile(r"(?:19|20)\d\d(?=\d{4}$)")
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_SHORT_YEAR = re.compile(rf"{_DAY}([./]){_DAY}\1(\d\d)")  # "5-0-30" is how far a joint moves
_VERSION, _OF_FOUR = re.compile(r"v?\d{1,3}\.\d{1,3}(?:\.\d{1,3})?"), re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_BARE_DATE = re.compile(
    r"(?<![\d./-])(?:\d{1,2}(?:[/-]|\. ?)\d{1,2}(?:[/-]|\. ?)((?:19|20)\d\d)"
    r"|((?:19|20)\d\d)(?:[/-]|\. ?)\d{1,2}(?:[/-]|\. ?)\d{1,2})(?!\d|[./-]\d)"
    rf"|\b(?:\d{{1,2}}\.?[ -]?{MONTH}\.?[ -]?|{MONTH}\.? \d{{1,2}},? )((?:19|20)\d\d)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Likely:
    """A column that may identify people.

    Attributes
    ----------
    kind, paragraph : str
        What it looks like, and the letter of 45 CFR 164.514(b)(2)(i).
    evidence : str
        `HEADER`, `CELLS`, `BOTH` or `SOME`.
    n, n_looked_at : int
        Different cells that look so, of those that were looked at.
    examples : tuple of str
        Shapes of a few, without their content.
    """

    kind: str
    paragraph: str
    evidence: str
    n: int
    n_looked_at: int
    examples: tuple[str, ...] = ()


def header_words(header: str) -> str:
    """Return the words of a header in lower case, with a blank around each: ``pt_DOB`` is `` pt dob ``."""
    # A capital I with its dot (Turkish) would fall apart into a letter and a mark.
    return f" {' '.join(_NO_WORD.sub(' ', _CAMEL.sub(' ', header.replace('İ', 'i'))).casefold().split())} "


def is_free_text(header: str) -> bool:
    """Whether a header names running text."""
    words = header_words(header)
    # A plan is text where nobody follows it: "Plan of care", not "Health plan beneficiary".
    is_plan = words.endswith(f" {_PLAN} ") or f" {_PLAN} of " in words
    return is_plan or any(f" {name} " in words for name in FREE_TEXT if name != _PLAN)


def find_header_kinds(header: str) -> tuple[list[Kind], list[Kind]]:
    """Return the kinds a header names for certain, and those it may name; the longest words first."""
    words = header_words(header)
    sure = [(max(map(len, hits)), kind) for kind in KINDS if (hits := find_words(kind.header, header))]
    maybe = [kind for kind in KINDS if find_words(kind.maybe, header)]
    ranked = [kind for _, kind in sorted(sure, key=lambda pair: -pair[0])]
    if OTHER_OWNERS & set(words.split()) and not any(
        len(name.split()) > 1 for k in ranked for name in find_words(k.header, header)
    ):
        return [], ranked + maybe
    return ranked, maybe


def says_place(header: str) -> bool:
    """Whether a header names a clinic or another place, and no person in it: "Clinic name", not "Clinic doctor"."""
    words = header_words(header)
    return bool(PLACES & set(words.split())) and not any(
        set(name.split()) - _NAMES for name in find_words(KIND_BY_NAME[NAME].maybe, header)
    )


def find_whole(text: str) -> Kind | None:
    """Return the kind of identifier a whole cell is, by its shape alone."""
    cell = text.strip()
    return next((kind for kind in KINDS if kind.whole.fullmatch(cell) and is_sound(kind, cell)), None)


def find_inside(text: str, year: int = 0) -> Kind | None:
    """Return the kind of identifier that stands somewhere in a cell.

    Parameters
    ----------
    text : str
    year : int
        Year of the visits; a full date of ten years before is taken for a birth date. 0: not known, or the cell is
        one of dates, and then a plain date is none.
    """
    if UUID.fullmatch(text.strip()) or (not year and DATE_SHAPE.match(text)):
        return None
    for kind in KINDS:
        if any(is_sound(kind, match[0]) for match in kind.inside.finditer(text)):
            return kind
    if has_name(text, more=True):
        return KIND_BY_NAME[NAME]
    years = [int(next(filter(None, found.groups()))) for found in _BARE_DATE.finditer(text)]
    return KIND_BY_NAME[BIRTH] if year and any(y <= year - _YEARS_BEFORE for y in years) else None


def is_sound(kind: Kind, found: str) -> bool:
    """Whether the digits of a find hold together: check digits of accounts and people, the length of a phone number."""
    digits = [int(c) for c in found if c.isascii() and c.isdigit()]
    if kind.name == "phone number":
        return 7 <= len(digits) <= 15
    if kind.name == NATIONAL:
        return NATIONAL_NUMBER.fullmatch(found) is None or is_national(found)
    if kind.name == "account number" and found[:1].isdigit():
        return has_luhn(digits)
    if kind.name == "account number" and re.match(r"[A-Z]{2}\d{2}", found):
        text = found.replace(" ", "")
        return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1
    return True


def find_visit_year(dates: Sequence[str]) -> int:
    """Return the year most of some dates of visits are of; 0 when they do not say."""
    years = [int(found[0]) for text in dates if (found := YEAR.search(text))]
    return int(median(years)) if years else 0


def judge_column(header: str, cells: Sequence[str], year: int = 0) -> Likely | None:
    """Say whether a column looks like it identifies people.

    Parameters
    ----------
    header : str
        As it stands in the file.
    cells : sequence of str
        Different cells of it, or a sample of them; blanks are passed over.
    year : int
        Year of the visits, for telling birth dates from others; 0: not known.

    Returns
    -------
    Likely or None
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if any(map(_VERSION.fullmatch, filled)):  # beside "1.0" and "2.0.1", "10.4.1.2" is a version and no address
        filled = [cell for cell in filled if not _OF_FOUR.fullmatch(cell)]
    return judge_whole(header, filled, year) or _some_cells(filled, year, says_place(header))


def judge_whole(header: str, cells: Sequence[str], year: int = 0, of_places: bool = False) -> Likely | None:
    """Say whether a column is one of identifiers as a whole, as `judge_column` does but for evidence `SOME`.

    `of_places` says that the column is one of clinics, whatever its header.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if filled and all(cell.casefold() in ANSWERS for cell in filled):
        return None
    sure, maybe = find_header_kinds(header)
    for kind in sure:
        fitting = [cell for cell in filled if _fits(kind, cell)]
        if filled and len(fitting) >= _FITTING * len(filled):
            return make_likely(kind, BOTH, fitting, len(filled))
    if any(kind.name == NAME for kind in maybe) and _are_people(header, filled):
        return make_likely(KIND_BY_NAME[NAME], CELLS, filled, len(filled))
    if found := _judge_cells(filled, header, year, of_places or says_place(header)):
        kind, hits = found
        return make_likely(kind, BOTH if kind in maybe or kind in sure else CELLS, hits, len(filled))
    return make_likely(sure[0], HEADER, [], 0) if sure and not filled else None


def judge_people(ids: Sequence[str]) -> tuple[Likely, str] | None:
    """Say whether ids of patients or clinicians are names, most of them, by list or by shape; and in words."""
    filled = [cell.strip() for cell in ids if cell.strip()]
    share, _, words = describe_people(filled)
    people = [cell for cell in filled if read_as_person(cell)]
    if look_like_names(filled, fewest=_FEW_PEOPLE):
        return make_likely(KIND_BY_NAME[NAME], CELLS, people or filled, len(filled)), "looks like a name by its cells."
    is_most = share >= _MOST_PEOPLE and bool(people)
    return (make_likely(KIND_BY_NAME[NAME], CELLS, people, len(filled)), words) if is_most else None


def _are_people(header: str, filled: Sequence[str]) -> bool:
    """Whether cells below the word for somebody ("signed by") are shaped like names, though no list knows them."""
    is_thing = (
        OTHER_OWNERS & set(header_words(header).split())
        or not set(find_words(KIND_BY_NAME[NAME].maybe, header)) - _NAMES
    )
    people = [cell for cell in filled if read_as_person(cell)]
    return not is_thing and len(people) >= max(_FEW_PEOPLE, _NEARLY_ALL * len(filled))


def _fits(kind: Kind, cell: str) -> bool:
    return bool(kind.fits.search(cell) or kind.whole.fullmatch(cell))


def make_likely(kind: Kind, evidence: str, hits: Sequence[str], n: int) -> Likely:
    """Return what was found of a column of which `n` different cells were looked at, with the shapes of a few."""
    shapes = tuple(dict.fromkeys(mask(hit) for hit in hits[:50]))[:_EXAMPLES]
    return Likely(kind.name, kind.paragraph, evidence, len(hits), n, shapes)


def _judge_cells(filled: list[str], header: str, year: int, of_places: bool) -> tuple[Kind, list[str]] | None:
    """Return the kind that most cells are, whatever the header says."""
    if not filled:
        return None
    kinds = [find_whole(cell) for cell in filled]
    named, n = Counter(kind.name for kind in kinds if kind).most_common(1)[0] if any(kinds) else ("", 0)
    if n >= _MOST * len(filled):
        return KIND_BY_NAME[named], [
            cell for cell, kind in zip(filled, kinds, strict=True) if kind and kind.name == named
        ]
    if look_like_names(filled) and not (of_places and are_places(filled)):
        return KIND_BY_NAME[NAME], filled
    if are_checked_numbers(filled):
        return KIND_BY_NAME[NATIONAL], filled
    if find_words(AGES, header):
        old = [cell for cell in filled if KIND_BY_NAME[OLD].fits.fullmatch(cell)]
        return (KIND_BY_NAME[OLD], old) if old else None
    return (KIND_BY_NAME[BIRTH], filled) if year and _are_birth_dates(filled, year) else None


def _are_birth_dates(filled: list[str], year: int) -> bool:
    """Whether cells are dates spread over a lifetime before the visits."""
    years = sorted(found for cell in filled if DATE_SHAPE.match(cell) and (found := _year_of(cell, year)))
    if len(years) < max(5, _MOST * len(filled)):
        return False
    return median(years) <= year - _YEARS_BEFORE and years[-1] - years[0] > _YEARS_BEFORE


def _year_of(cell: str, year: int) -> int:
    """Return the year of a date, 0 where it has none; of two digits, that up to the year of the visits."""
    if found := YEAR.search(cell) or _COMPACT.match(cell):
        return int(found[0])
    short = _SHORT_YEAR.fullmatch(cell)
    return year - (year - int(short[2])) % 100 if short else 0


def _some_cells(filled: list[str], year: int, of_places: bool) -> Likely | None:
    kinds = [(cell, kind) for cell in filled if (kind := find_whole(cell) or find_inside(cell, year))]
    if of_places:
        kinds = [(cell, kind) for cell, kind in kinds if kind.name != NAME or read_as_person(cell, True) is Person.SURE]
    # A few of many numbers have the check digits of a person's by chance.
    kinds = [(cell, kind) for cell, kind in kinds if not (kind.name in CHECKED and cell.isdigit())]
    if not kinds:
        return None
    named = Counter(kind.name for _, kind in kinds).most_common(1)[0][0]
    return make_likely(KIND_BY_NAME[named], SOME, [cell for cell, kind in kinds if kind.name == named], len(filled))


_KNOWN_HOSTS = ("w3.org", "doi.org", "purl.org", "adobe.com", "openxmlformats.org", "sil.org", "jupyter.org")
_TEXT_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "e-mail address",
        re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+)*\.[A-Za-z]{2,24}\b"),
    ),
    (
        "phone number",
        re.compile(
            r"(?<![\w.,+-])(?:\+?1[-. ])?(?:\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4})"
            r"(?![\w-]|[.,]\d)"
            r"|(?<![\w.,+-])\+[1-9]\d{0,2}(?:[ -]\(?\d{2,4}\)?){3,5}(?![\w-]|[.,]\d)"
            r"|\b(?:[Tt]el|[Pp]hone|[Ff]ax)\.?: ?\+?\d[\d ()-]{5,17}\d"
        ),
    ),
    ("social security number", re.compile(r"(?<![\w.,-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|[.,]\d)")),
    ("record number", re.compile(r"\b(?:MRN|[Mm]edical record(?: (?:no|number)\.?)?)[:# ]{1,3}[A-Z]{0,3}\d{4,12}\b")),
    (
        "web address",
        re.compile(r"\b(?:https?|ftp)://(?:[\w-]{1,63}+@)?[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,6}", re.IGNORECASE),
    ),
    (
        "internet address",
        re.compile(rf"(?<![\w.,-])(?!0\.|127\.0\.0\.1\b){OCTET}(?:\.{OCTET}){{3}}(?![\w.,-])"),
    ),
)


def scan_text(text: str, known_hosts: Sequence[str] = _KNOWN_HOSTS) -> list[tuple[str, str]]:
    """Find in the text of a finished release what can only be an identifier.

    Only classes that a table of numbers, a drawing or a page cannot resemble: e-mail, phone, social security and
    labelled record numbers, web and internet addresses.

    Parameters
    ----------
    text : str
        A whole file, decoded.
    known_hosts : sequence of str
        Hosts (and the hosts below them) that a web address may name: name spaces and sources of methods.

    Returns
    -------
    list of (kind, masked find)
        Each different find once, in the order of the kinds and of the text.
    """
    found: dict[tuple[str, str], None] = {}
    known = tuple(f".{host}" for host in known_hosts)
    for kind, pattern in _TEXT_PATTERNS:
        for match in pattern.finditer(text):
            if (kind == "web address" and _host(match[0]).endswith(known)) or match[0] == mask(match[0]):
                continue  # "+99 99 999 99 99" is what stands for a number in a message
            found.setdefault((kind, match[0]))
    return [(kind, mask(value)) for kind, value in found]


def _host(address: str) -> str:
    return "." + address.partition("://")[2].rpartition("@")[2].casefold()
