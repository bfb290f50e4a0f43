"""The kinds of identifier that are looked for: how headers name them and how cells are written.

The list is that of 45 CFR 164.514(b)(2)(i), paragraphs (A) to (R). Headers are compared as words (``DOB`` in
``pt_dob``, not in ``adobe``); the words are in ``identifier_headers.csv``. A header that names a kind counts once the
cells do not contradict it; a shape counts without a header only where nothing a clinic writes of a visit looks like it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from outcomes.records import identifier_patterns as p
from outcomes.records.identifier_words import find_words


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of identifier.

    Attributes
    ----------
    key : str
        Row of ``identifier_headers.csv``.
    name : str
        For messages.
    paragraph : str
        Letter of the paragraph of 45 CFR 164.514(b)(2)(i).
    fits : re.Pattern
        What a cell must hold below a header that names the kind.
    whole : re.Pattern
        Cells that are one, header or not (`re.Pattern.fullmatch`).
    inside : re.Pattern
        Where one stands within a cell.
    """

    key: str
    name: str
    paragraph: str
    fits: re.Pattern[str]
    whole: re.Pattern[str] = field(default=p.NEVER)
    inside: re.Pattern[str] = field(default=p.NEVER)

    @property
    def header(self) -> tuple[str, ...]:
        """Words, in order, that name it in a header.

        What begins with ``~`` may end a longer word (``~氏名``: 患者氏名), what ends with it begin one (``telefo~``).
        """
        return _load_words()[self.key][0]

    @property
    def maybe(self) -> tuple[str, ...]:
        """Words in a header that count only when the cells show it too."""
        return _load_words()[self.key][1]


@cache
def _load_words() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    text = resources.files("outcomes.records").joinpath("identifier_headers.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["kind"]: (_split(row["says"]), _split(row["may_say"])) for row in rows}


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in words.split("|") if word)


NAME, DERIVED, RECORD, BIRTH, OLD = "name", "derived code", "record number", "birth date", "age over 89"
NATIONAL, ACCOUNT, BIOMETRIC = "social security number", "account number", "biometric record"
CHECKED = frozenset((NATIONAL, ACCOUNT))
"""Kinds that are told from other numbers by their check digits."""
CODE = "code of one person"
_ADDRESS = "address or small area"

KINDS: tuple[Kind, ...] = (
    Kind("email", "e-mail address", "F", re.compile("@"), p.EMAIL, p.EMAIL),
    Kind("ip", "internet address", "O", p.IP, p.IP, p.IP),
    Kind("url", "web address", "N", re.compile(r"[./@:]"), p.URL, p.URL),
    Kind("fax", "fax number", "E", p.HAS_DIGITS, p.FAX, p.FAX),
    Kind("phone", "phone number", "D", p.SEVEN_DIGITS, p.PHONE, p.PHONE_INSIDE),
    Kind("ssn", NATIONAL, "G", p.HAS_DIGITS, p.SSN, p.SSN_INSIDE),
    Kind("record", RECORD, "H", p.THREE_DIGITS, inside=p.RECORD_INSIDE),
    Kind("insurance", "insurance number", "I", p.CODE_OF_FIVE, p.MBI, p.INSURANCE_INSIDE),
    Kind("account", ACCOUNT, "J", p.HAS_DIGITS, p.ACCOUNT, p.ACCOUNT_INSIDE),
    Kind("vehicle", "vehicle number or plate", "L", p.CODE, p.VIN, p.VEHICLE_INSIDE),
    Kind("licence", "licence or certificate number", "K", p.CODE_OF_FIVE, inside=p.LICENCE_INSIDE),
    Kind("device", "device number", "M", p.CODE_OF_FIVE, p.DEVICE, p.DEVICE_INSIDE),
    Kind("biometric", BIOMETRIC, "P", p.NO_MEASURE, p.BIOMETRIC, p.BIOMETRIC),
    Kind("photo", "photograph", "Q", p.PICTURE, p.PHOTO, p.PHOTO),
    Kind("birth", BIRTH, "C", p.DATE_SHAPE, inside=p.BIRTH_INSIDE),
    Kind("old", OLD, "C", p.OLD_NUMBER, inside=p.VERY_OLD),
    Kind("address", _ADDRESS, "B", p.PLACE, p.ADDRESS, p.ADDRESS_INSIDE),
    Kind("zip3", _ADDRESS, "B", p.SMALL_AREA),
    Kind("position", _ADDRESS, "B", re.compile(r"-?\d{1,3}\.\d{2}")),
    Kind("derived", DERIVED, "R", p.DIGEST_LIKE, p.DERIVED, p.DERIVED_INSIDE),
    Kind("code", CODE, "R", p.CODE_OF_FIVE),
    Kind("name", NAME, "A", p.HAS_LETTERS),
)
"""In the order in which a cell is tried; `NAME` has no pattern but a list (`identifier_names`)."""


def may_be_birth(words: str) -> bool:
    """Whether the words of a header, with a blank around each, name a birth or a death: no day of a visit is that."""
    return bool(find_words(next(kind.header for kind in KINDS if kind.name == BIRTH), words))


FREE_TEXT = _split(
    "note|notes|comment|comments|narrative|remark|remarks|memo|free text|freetext|subjective|objective|assessment|plan|"
    "soap|history|description|message|bemerkung|bemerkungen|notiz|notizen"
)
"""Headers of running text; such a column is never read, and no sample of it is looked at."""

OTHER_OWNERS = frozenset(
    _split(
        "clinic|facility|office|practice|business|company|insurer|payer|payor|plan|form|file|sheet|location|organization|"
        "organisation|branch|department|room|muscle|instrument|procedure|diagnosis|code|modality|product|item|drug|"
        "appointment|type|event|reminder|sent|field|column|verified|confirmed|checked|done|size|count|level|status|group|"
        "country|land|pays|país|paese|tongue|language|exam|exercise|exercice|exercices|séance|visite|soins|behandlung|"
        "therapie|termin|schmerz|schmerzen|beschwerden|par|adressé|adressée"
    )
)
"""Words that make a header one of a thing, not of a person: ``clinic name``, ``email reminder sent``."""

AGES = _split(
    "age|alter|âge|edad|wiek|yaş|年齢|leeftijd|возраст|나이|年龄|ηλικία|العمر|età|idade|ålder|věk|életkor|ikä|vârsta"
)
"""Words of headers of ages: an age is no identifier up to 89."""

ANSWERS = frozenset(
    _split(
        "yes|no|y|n|true|false|t|f|ja|nein|j|oui|non|o|si|sí|sì|s|sim|não|nao|nee|tak|nie|evet|hayır|e|h|да|нет|ναι|όχι|نعم|لا"
        "|はい|いいえ|有|無|是|否|无|예|네|아니오|유|무|nej|ano|ne|igen|nem|kyllä|ei|x|-|none|unknown|ok|n/a|na|0|1"
    )
)
"""Words of a column that answers a question: whatever its header names, it holds none of it."""

PLACES = frozenset(
    _split(
        "clinic|clinics|facility|office|practice|location|branch|site|campus|centre|center|praxis|klinik|standort|"
        "filiale|clinique|cabinet|clinica|sede|kliniek|praktijk|locatie|vestiging"
    )
)
"""Words that make a header one of clinics and other places."""
