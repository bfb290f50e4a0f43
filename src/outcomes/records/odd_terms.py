"""Single terms among words that are none: a number behind a label, a code, a plate, a name of which lists know a part.

None of these forms says enough alone: "Logan Basic" is written like a name, "CPT 97110" like a file number. So a term
counts only where it stands in few rows, and where few others are written like it, as those of a terminology are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from outcomes.records.identifier_kinds import CODE, NAME
from outcomes.records.identifier_names import fold, list_names, load_more_names
from outcomes.records.identifier_patterns import UUID
from outcomes.records.labelled import LONGEST, is_day, read_labelled
from outcomes.records.person_shapes import read_as_person

if TYPE_CHECKING:
    import pyarrow as pa

FIELDS = (
    "modalities",
    "muscles_identified",
    "muscles_treated",
    "cause",
    "trigger",
    "region",
    "radiation",
    "payer",
    "diagnoses",
)
"""Fields of words, in which a number or a name is a slip of the pen."""
_SUSPECT = (
    r"\d(?:[ ./-]?\d){3}|\d[A-Z]{2}\b|^\d{3} [A-Z]{3}$|^[A-Z]{1,3}[ -]?\d{2,4}\b|@|[a-z]{2}[._][a-z]|[a-z._]\d{2,4}$"
    r"|^(?:[A-Za-z-]*\d){3}[0-9A-Za-z-]{8,}$|\.(?:com|org|net|info|edu|gov|io|dev|app)\b"
    r"|[\w.:]\s\d{1,3}[a-z]?\b| (?:at|AT) |^[A-Z]\d[A-Z] \d|\s(?:[A-Za-z]*\d){4}|^\d{1,5} .*[a-z]$|\pL: ?[a-z]\S{3,}$"
    r"|/\d{1,3}$|\((?:a|at)\)|[a-z]\.[a-z]$|[a-z]\d?[A-Z][a-zA-Z]*\d"
)
"""What a term must hold before any of `_FORMS` and `read_labelled` fits. For RE2."""
_MOST_SUSPECTS = 2_000
_MOST_ALIKE = 3
_FEW_ROWS, _ROW_SHARE, _ALL_SHARE = 20, 0.005, 0.05
_STREET = (
    r"utca|út|u\.|iela|gatvė|g\.|ulice|ulica|sokak|sok\.|caddesi|cad\.|strada|bulevardul|bul\.|prospekt|pr\.|mnt|pst|tee"
    "|tie|katu|gate|vei|vej|gade|str\\.|straße|strasse|gasse|platz|allee"
)
_STREET_FIRST = (
    r"str\.|av\.|avd?a\.?|avenida|avenue|boul\.|bulevar|blvd\.?|carrera|calle|rua|via|viale|piazza|plaza|paseo|largo"
    r"|ul\."
)
_STREET_LAST = "loop|mews|grove|gardens|pike|crossing|ridge|hollow|alley|parade|terrace|crescent"
_GLUED_STREET = (
    "(?:katu|tie|kuja|polku|gata|gatan|gate|vägen|vegen|veien|vejen|vei|vej|gade|stræde|stigen|stien|gränd|allén"
    "|straat|laan|dijk|singel|steeg|plein|gasse|weg|straße|strasse)"
)
_POSTAL = (
    "Aly|Bch|Bnd|Blf|Byp|Cir|Cor|Crk|Cres|Ct|Cv|Cyn|Dr|Expy|Fwy|Gdns|Gln|Grn|Grv|Hbr|Holw|Hts|Hwy|Jct|Knl|Ln|Lndg|Mdws"
    "|Mnr|Mtn|Orch|Pkwy|Pl|Plz|Rd|Rdg|Smt|Spg|Sq|St|Ter|Tpke|Trce|Trl|Vis|Vlg|Vly|Vw|Way|Xing"
)
"""What ends the name of a street in the United States, as their post abbreviates it (Publication 28)."""
_UNITS = r"(?!.*(?<![A-Z])(?:HZ|KHZ|MHZ|MIN|MINS|SEC|CM|MM|KG|MG|ML|LB|LBS|NM|REP|REPS|SET|ST|ND|RD|TH)\b)"


@dataclass(frozen=True, slots=True)
class Form:
    """A way in which something of a person is written.

    Attributes
    ----------
    kind, paragraph : str
        As of a `Kind`.
    pattern : re.Pattern
        Of a whole text.
    is_weak : bool
        Whether an id may be written so.
    """

    kind: str
    paragraph: str
    pattern: re.Pattern[str]
    is_weak: bool = False


_PLATE, _ADDRESS = ("vehicle number or plate", "L"), ("address or small area", "B")
_FORMS = (
    Form(CODE, "R", re.compile(r"[A-Za-z]{1,4}[-_]?\d{6,12}[A-Za-z]?|\d{6,7}"), is_weak=True),
    Form(CODE, "R", UUID),
    Form(
        CODE,
        "R",
        re.compile(
            r"(?=(?:.*\d){5})(?=(?:.*[A-Za-z]){2})(?!(?:(?:[A-Z]?\d{4,5}[A-Z]?|[A-Z\d]{2})(?:-|$))+$)"
            r"[0-9A-Za-z][0-9A-Za-z-]{11,63}"
        ),
        is_weak=True,
    ),
    Form(CODE, "R", re.compile(r"(?=.*\d)[A-Z\d]{4}(?:-[A-Z\d]{4}){2,5}"), is_weak=True),
    Form(CODE, "R", re.compile(r"(?!(?:\d\d0 ?)+$)\d{3}(?: \d{3}){2}"), is_weak=True),
    *(
        Form(*_PLATE, re.compile(rf"{_UNITS}(?:{plate})"), is_weak=True)
        for plate in (
            r"[A-Z]{2}\d\d ?[A-Z]{3}",
            r"[A-Z]{1,3}[ -]\d{3,4}[ -][A-Z]{2,3}|[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{2}",
            r"[A-Z]{2,3} \d{4}[A-Z]",
            r"[A-Z]{3}-\d{3}|\d{3} [A-Z]{3}",
            r"\d{4} [B-DF-HJ-NP-TV-Z]{3}",
            r"[A-Z]{1,3}-[A-Z]{1,2} \d{1,4}",
        )
    ),
    Form(
        *_ADDRESS, re.compile(rf"{_UNITS}(?:[A-Z]{{1,2}}\d[\dA-Z]? \d[A-Z]{{2}}|[A-Z]\d[A-Z] \d[A-Z]\d)"), is_weak=True
    ),
    Form(
        *_ADDRESS,
        re.compile(
            rf".*[^\W\d_]{{2}}(?:{_GLUED_STREET}| (?:{_STREET})) (?:n[or][.:]? ?)?\d{{1,4}}[a-z]?(?:\W.*)?"
            rf"|(?:{_STREET_FIRST}) (?:[^\W\d_]{{2,25}} ){{1,3}}(?:n[or][.:]? ?)?\d{{1,5}}(?:\W.*)?"
            rf"|\d{{1,5}} (?:[^\W\d_]+ ){{1,3}}(?:{_STREET_LAST})",
            re.IGNORECASE,
        ),
    ),
    Form(
        *_ADDRESS,
        re.compile(
            rf"\d{{2,5}} (?:[A-ZÀ-Þ][^\W\d_]{{2,}} ){{1,3}}(?:{_POSTAL})\.?(?:\W.*)?"
            r"|\d{1,4} (?:bis|ter|quater),? [a-z]{3,12} .*"
        ),
    ),
    Form(
        *_PLATE,
        re.compile(r"(?i:kfz|kennz\.?|plate|tag|rego|reg\.?):? (?=.*\d)[A-ZÄÖÜ\d]{1,7}(?:[ -][A-Z\d]{1,5}){0,2}"),
    ),
    Form(CODE, "R", re.compile(r"\d{7}[A-Z]{1,2}"), is_weak=True),
    Form(CODE, "R", re.compile(r"(?=.*[a-z])(?=.*[A-Z].*[A-Z])(?=.*\d)[A-Za-z0-9+/_-]{14,64}"), is_weak=True),
    Form("phone number", "D", re.compile(r"[2-9]\d(?: \d\d){3}")),
    Form(
        "e-mail address",
        "F",
        re.compile(
            r"(?:.*\s)?[\w.+-]+(?: (?:at|AT) [\w-]+ (?:dot|DOT) [A-Za-z]{2,6}| ?\((?:a|at)\) ?[\w.-]+\.[a-z]{2,6})"
        ),
    ),
    Form(
        "web address",
        "N",
        re.compile(
            r"(?:.*[\s:])?(?:@[A-Za-z]\w{2,30}(?:[._]\w+)*|(?:[a-z0-9-]+\.)+(?:com|org|net|info|edu|gov|io|dev|app)(?:/\S*)?"
            r"|(?:[a-z][\w-]+\.){1,4}[a-z]{2,6}/\S*\d{3}\S*)"
        ),
    ),
)
_USER = re.compile(r"([a-z]{3,20})[._]([a-z]{3,20})\d{0,4}|([a-z]{5,20})[._-]?\d{2,4}|([a-z]{5,20})[._][a-z]\d{0,4}")
_ACCOUNT = re.compile(r"[\w. ]{3,20}?:? (?=\S+$)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_OWNER = "pt|pat|patient|patientin|client|klient|kunde|cliente|paziente|mother|father|wife|husband"
_PATIENT = re.compile(rf"(?:{_OWNER}) *:? (?=\S+ \S)", re.IGNORECASE)
_TITLES = r"Rouva|Herra|Hra|Hr|Fru|Frk|Mevr|Mevrouw|Dhr|Mlle|Sr|Sra|Sig|Signora?|Sig\.ra|Pani"
_TITLE = re.compile(rf"(?:{_TITLES})\.? ([A-ZÀ-Þ]\w{{2,}})\b")
_INITIAL = re.compile(r"(?![ALMNRV])[A-Z]\. ?([A-ZÀ-Þ][^\W\d_]{2,})")
"""An initial before a family name, and none that stands for an artery, a muscle, a nerve, a vein or a side."""
_NAMED = (
    rf"^\s*(?:(?:{_TITLES})\.? |[A-Z]\. ?|(?i:{_OWNER}) *:? |[\pL\pM'’-]{{2,}}(?:, ?|/))"
    r"\p{L}[\pL\pM.'’-]*(?: [\pL\pM.'’-]+){0,3}\s*$"
)
"""What may say that it is a person: a title, "pt", a comma. For RE2."""
_SPLIT = re.compile(r"[\s,]+")


def find_odd_terms(key: str, terms: pa.StringArray, known: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return term -> (kind of identifier, how it is written) of those that are perhaps none of their column's words.

    Parameters
    ----------
    key : str
        Field; only `FIELDS` are looked at.
    terms : pyarrow.StringArray
        Different terms of the column.
    known : collection of str
        Terms that are identifiers for certain, and left out.
    """
    import pyarrow.compute as pc

    if key not in FIELDS:
        return {}
    found = {}
    suspects = terms.filter(pc.match_substring_regex(terms, _SUSPECT))
    if len(suspects) <= _MOST_SUSPECTS:
        read = ((term, _read_form(term.strip())) for term in suspects.to_pylist() if term not in known)
        found = {term: form for term, form in read if form}
    named = terms.filter(pc.match_substring_regex(terms, _NAMED)).to_pylist()
    found |= {term: (NAME, term) for term in named if term not in known and names_person_in_part(term)}
    return found


def keep_few(found: Mapping[str, tuple[str, str]], n_rows: Mapping[str, int], n_all: int) -> dict[str, str]:
    """Return term -> kind of those that are slips: in few rows each, few written alike, and few in all.

    Parameters
    ----------
    found : mapping of str to (str, str)
        As `find_odd_terms` returns it.
    n_rows : mapping of str to int
        Term -> rows in which it stands.
    n_all : int
        Rows of the export.
    """
    alike = defaultdict(list)
    for term, (_, form) in found.items():
        alike[form].append(term)
    most = max(_FEW_ROWS, _ROW_SHARE * n_all)
    kept = [t for terms in alike.values() if len(terms) <= _MOST_ALIKE for t in terms if n_rows[t] <= most]
    is_few = sum(n_rows[term] for term in kept) <= max(_MOST_ALIKE, _ALL_SHARE * n_all)
    return {term: found[term][0] for term in kept} if is_few else {}


def _read_form(term: str) -> tuple[str, str] | None:
    """Return the kind of a term by its form, and what those alike have in common; itself where it says enough."""
    if labelled := read_labelled(term):
        return labelled[0], labelled[1] or term
    form = find_form(term)
    if form and not is_day(term):
        return form.kind, form.pattern.pattern if form.is_weak else term
    account = _ACCOUNT.match(term)
    return (CODE, term) if is_user(term[account.end() if account else 0 :]) else None


def find_form(text: str) -> Form | None:
    """Return the form of `_FORMS` in which a whole text is written; a long one is in none."""
    return next((form for form in _FORMS if len(text) <= LONGEST and form.pattern.fullmatch(text)), None)


def is_user(text: str) -> bool:
    """Whether a text is the name of a user: "r.thorne" and "thorne82", a part of it a listed name, none of a visit."""
    user = _USER.fullmatch(text)
    parts = {part for part in user.groups() if part} if user else set()
    return not parts.isdisjoint(list_names()) and parts.isdisjoint(load_vocabulary())


def names_person_in_part(term: str) -> bool:
    """Whether a term says that it is a person, by a comma, a title, an initial or "pt", and has a part that lists know.

    Two words alone do not say it: treatments and diseases are called after people ("Logan Basic", "Arnold Chiari").
    """
    owned = _PATIENT.match(term.strip())
    text = term.strip()[owned.end() if owned else 0 :].replace("/", ", ")
    if titled := _TITLE.match(text) or _INITIAL.fullmatch(text):
        key = fold(titled[1])
        return key not in load_vocabulary() and (text[1] != "." or key in load_more_names()[1])
    keys = [fold(word) for word in _SPLIT.split(text) if len(word) > len("J.")]
    if len(keys) < 2 or not (owned or "," in text) or not read_as_person(text):
        return False
    is_known = keys[0] in list_names() or keys[-1] in list_names() or (owned is not None and ":" in owned[0])
    return is_known and load_vocabulary().isdisjoint(keys)


@cache
def load_vocabulary() -> frozenset[str]:
    """Return the words of the tables of terms, folded."""
    tables = (
        "modalities",
        "muscles",
        "causes",
        "triggers",
        "regions",
        "radiation",
        "purposes",
        "onsets",
        "discharge_reasons",
    )
    folder = resources.files("outcomes.definitions")
    texts = [folder.joinpath(f"{name}.csv").read_text(encoding="utf-8") for name in tables]
    return frozenset(fold(word) for text in texts for word in _WORD.findall(text))


__all__ = [
    "FIELDS",
    "Form",
    "find_form",
    "find_odd_terms",
    "is_user",
    "keep_few",
    "load_vocabulary",
    "names_person_in_part",
]
