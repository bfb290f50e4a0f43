"""Keyed pseudonyms: HMAC-SHA-256 of an id under a key that stays on this machine.

A plain hash of a record number is undone by hashing all record numbers; a keyed one only by who has the key. RFC 2104;
FIPS PUB 198-1. The pseudonym is the first 80 bits in base 32: among a million ids the chance that any two share one is
below 1 in 10^12, and it is checked.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets
import unicodedata
from dataclasses import replace
from pathlib import Path

from outcomes.errors import ConfigError, Finding, InputRefused
from outcomes.records.mapping import Mapping
from outcomes.records.model import Records, TextColumn
from outcomes.records.patient_ids import LOOK_ALIKES, NO_IDS, SCIENTIFIC, WHOLE_DECIMAL
from outcomes.records.privacy import ID_FIELDS
from outcomes.records.text_columns import renumber_values

KEY_BYTES = 32
_SPOILT = {re.compile(SCIENTIFIC): "0E0", re.compile(WHOLE_DECIMAL): "0.0"}
"""What stands for every id a spreadsheet made a number of: the rules that set such rows aside still see it."""
_TABLE = str.maketrans(LOOK_ALIKES)


def make_pseudonym(key: bytes, kind: str, text: str) -> str:
    """Return 16 characters (A-Z, 2-7) for one id; the same id of another kind has another pseudonym.

    Parameters
    ----------
    key : bytes
    kind : str
        Field the id belongs to.
    text : str
        The id.
    """
    digest = hmac.digest(key, f"{kind}\0{text}".encode(), "sha256")
    return base64.b32encode(digest[:10]).decode("ascii")


def load_key(path: Path) -> bytes:
    """Read the key, or make one that only its owner can read.

    Raises
    ------
    ConfigError
        The file is no key, others can read it, or it cannot be made; it would be made inside a release.
    """
    try:
        if not path.exists():
            _check_no_release(path)
            return _make_key(path)
        mode, key = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise _refuse("E910", f"the key cannot be read or made ({error.strerror}).", path, "Check the path.") from error
    if os.name == "posix" and mode & 0o077:
        raise _refuse("E911", "others can read the key.", path, f"Run: chmod 600 {path.name}")
    if len(key) != KEY_BYTES:
        remedy = "Name another file in [privacy] key, or take that line out and a key is made."
        raise _refuse("E912", f"this is no key: it must hold {KEY_BYTES} bytes.", path, remedy)
    return key


def _check_no_release(path: Path) -> None:
    """Refuse to make a key inside a release, as where the mapping of a release is used again."""
    for folder in path.resolve().parents:
        if (folder / "manifest.json").is_file() and (folder / "config" / "protocol.toml").is_file():
            remedy = "Use your own mapping with the key beside it, or name that key in [privacy] key."
            raise _refuse("E913", "the key would be made inside a release, and is another one.", path, remedy)


def _make_key(path: Path) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    # Exclusive: two runs that start together never use two keys.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def check_key_place(mapping: Mapping, out: str | os.PathLike[str] | None) -> None:
    """Refuse a key inside the folder that is written: a release is handed on, a key never.

    Raises
    ------
    ConfigError
    """
    if not mapping.privacy.pseudonymise or out is None:
        return
    path, folder = mapping.privacy.key_path.resolve(), Path(out).resolve()
    if path.is_relative_to(folder):
        remedy = "Name a file elsewhere in [privacy] key, or another --out."
        raise _refuse("E913", "the key lies inside the folder that is written.", path, remedy)


def show_fingerprint(key: bytes) -> str:
    """Return eight hex digits that tell two keys apart and say nothing about either."""
    return hmac.digest(key, b"outcomes key fingerprint", "sha256").hex()[:8]


def pseudonymise(records: Records) -> Records:
    """Replace patient, clinician and clinic ids by pseudonyms, as far as the mapping says so; blanks stay blank.

    Raises
    ------
    ConfigError
        The key cannot be used.
    InputRefused
        Ids that only look alike would become different people for good (E914).
    """
    mapping = records.mapping
    if not mapping.privacy.pseudonymise:
        return records
    key = load_key(mapping.privacy.key_path)
    fields = dict(records.fields)
    done = [name for name in ID_FIELDS if name in fields and name in mapping.privacy.replaced]
    for name in done:
        fields[name] = _replace_ids(fields[name], name, key, mapping)
    were = "was" if len(done) == 1 else "were"
    note = f"{', '.join(done)} {were} replaced by keyed pseudonyms (key {show_fingerprint(key)})."
    return replace(records, fields=fields, notes=(*records.notes, note))


def _replace_ids(column: TextColumn, name: str, key: bytes, mapping: Mapping) -> TextColumn:
    texts = [text.strip() for text in column.values.to_pylist()]
    ids = {text for text in texts if text and text not in mapping.values.missing}
    folded = {text: fold_id(text) for text in ids}
    is_patient = name == "patient_id"
    if is_patient and mapping.values.similar_ids is None and len(set(folded.values())) < len(ids):
        n = len(ids) - len(set(folded.values()))
        words = "1 id differs" if n == 1 else f"{n:,} ids differ"
        raise InputRefused(
            "Ids that look alike must be settled before they are replaced.",
            [
                Finding(
                    "E914",
                    f"{words} from another one only in capitals, blanks, leading zeros, O and 0, or letters "
                    "and dashes that look alike.",
                    "column of patient_id",
                    'Write [values] similar_ids = "same" (or "apart") in the mapping, or mend the ids.',
                )
            ],
        )
    same = is_patient and mapping.values.similar_ids == "same"
    new = {text: make_pseudonym(key, name, folded[text] if same else text) for text in ids}
    if len(set(new.values())) < len(set(folded.values()) if same else ids):
        raise InputRefused("Two ids have the same pseudonym; make a new key.", [])
    if is_patient:
        new |= {text: mark for shape, mark in _SPOILT.items() for text in ids if shape.match(text)}
        new |= {text: text for text in ids if text.lower() in NO_IDS}  # says that there is none, and is still told so
    return renumber_values(column, [new.get(text, text) for text in texts])


def fold_id(text: str) -> str:
    """Return an id without what a reader does not see: capitals, blanks, leading zeros, O for 0, look-alike letters."""
    bare = unicodedata.normalize("NFKC", text.replace('"', "").strip("'"))
    plain = "".join(bare.casefold().split()).translate(_TABLE).replace("o", "0")
    return (plain.lstrip("0") or "0") if plain.isdigit() else plain


def _refuse(code: str, message: str, path: Path, remedy: str) -> ConfigError:
    return ConfigError("The key for pseudonyms cannot be used.", [Finding(code, message, str(path), remedy)])
