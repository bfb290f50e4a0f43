"""What a release was made with, written so that it can be made again: protocol, mapping, codebook, code and packages.

A release carries its own settings in ``config/``, so that `outcomes diff` can put one release's protocol to another's
data. The hashes in the manifest are those of the settings, not of these files: a comment may change, a value may not.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
import sys
from collections.abc import Mapping as Named
from dataclasses import asdict
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.records.plain_words import mask_person
from outcomes.release.commit import find_commit

if TYPE_CHECKING:
    from outcomes.records import Mapping

CONFIG = "config"
PROTOCOL, MAPPING, CODEBOOK = f"{CONFIG}/protocol.toml", f"{CONFIG}/mapping.toml", f"{CONFIG}/codebook"
LOCK = "requirements.lock"
_PACKAGE = Path(__file__).parents[1]
_COMPILED = frozenset({".pyc", ".pyo"})
_CACHE = "__pycache__"
_WORDS_OF_CELLS = ("values", "non_data")


def to_toml(mapping: Mapping) -> tuple[str, tuple[str, ...]]:
    """Write a mapping as TOML, without its defaults and without what may be a patient's value.

    Returns
    -------
    text : str
        Read back by `Mapping.load`.
    withheld : tuple of str
        Dotted keys that are not written: words of ``non_data.patient_id`` with a digit in them may be the number of a
        (test) patient, words of cells, sheets and headers may name people or hold their numbers, and where the key of
        the pseudonyms lies is nobody's business.
        Such a mapping cannot be made again from the release.
    """
    plain, default = asdict(mapping), asdict(type(mapping)())
    withheld: list[str] = []
    lines = ["# How the export was read; what is not here has its default."]
    for section, values in plain.items():
        kept = {key: value for key, value in values.items() if value != default[section].get(key)}
        if section == "non_data" and any(
            character.isdigit() for word in kept.get("patient_id", ()) for character in word
        ):
            del kept["patient_id"]
            withheld.append("non_data.patient_id")
        if section == "file" and not _are_plain(kept.get("sheet", ())):
            del kept["sheet"]
            withheld.append("file.sheet")
        for header in [key for key in kept if section == "modality_columns" and not _are_plain((key, kept[key]))]:
            del kept[header]
            withheld.append(f"{section}.{_key(mask_person(header))}")
        for key in [key for key in kept if section in _WORDS_OF_CELLS and _name_people(kept[key])]:
            del kept[key]
            withheld.append(f"{section}.{_key(key)}")
        if section == "privacy":
            kept.pop("folder", None)  # where the mapping lay; no setting
            if _name_people(kept.get("accept", ())):
                del kept["accept"]
                withheld.append("privacy.accept")
            if kept.pop("key", None) is not None:
                withheld.append("privacy.key")
        if kept:
            lines += ["", f"[{section}]", *(f"{_key(key)} = {_value(value)}" for key, value in kept.items())]
    lines += [f"# withheld: {key}" for key in withheld]
    return "\n".join(lines) + "\n", tuple(withheld)


def _name_people(words: Any) -> bool:
    from outcomes.records.identifier_names import has_name
    from outcomes.records.person_shapes import names_person

    listed = (words,) if isinstance(words, str) else words if isinstance(words, list | tuple) else ()
    return any(names_person(word) or has_name(word, more=True) for word in listed)


def _are_plain(words: Any) -> bool:
    """Whether names of sheets and columns, and treatments, are of ordinary words; places of sheets are."""
    listed = words if isinstance(words, list | tuple) else (words,)
    return all(mask_person(word) == word for word in listed if isinstance(word, str))


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "a").isalnum() else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    return value.isoformat() if isinstance(value, datetime.date) else repr(value)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the one control character JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def copy_tables(folder: Path | None) -> dict[str, str]:
    """Return the user's own vocabulary tables by their path in a release; nothing when there are none."""
    if folder is None:
        return {}
    return {f"{CODEBOOK}/{path.name}": path.read_text("utf-8-sig") for path in sorted(folder.glob("*.csv"))}


def describe_environment() -> dict[str, Any]:
    """Return what decides the numbers beside the data and the settings.

    Returns
    -------
    dict
        ``code``, the SHA-256 of this package's files; ``commit``, what they were committed as (`commit.find_commit`),
        or nothing; ``lock``, that of the lock file where this is a checkout, else of the names and versions of all
        that is installed; ``lock_of``, which of the two; ``python``, ``platform``.
    """
    lock, lock_of = _hash_lock()
    return {
        "code": _hash_code(),
        "commit": find_commit(),
        "lock": lock,
        "lock_of": lock_of,
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
    }


@cache
def _hash_code() -> str:
    digest = hashlib.sha256()
    # Nothing of a cache: compiled steps kept there differ by machine, and appear when they are first needed.
    files = (path for path in _PACKAGE.rglob("*") if path.is_file() and path.suffix not in _COMPILED)
    own = (path for path in files if _CACHE not in path.relative_to(_PACKAGE).parts)
    for path in sorted(own, key=lambda p: p.relative_to(_PACKAGE).as_posix()):
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()}\n{_hash_bytes(path.read_bytes())}\n".encode())
    return digest.hexdigest()


@cache
def _hash_lock() -> tuple[str, str]:
    checkout = _PACKAGE.parents[1]
    lock = checkout / LOCK
    if lock.is_file() and (checkout / "pyproject.toml").is_file():
        return _hash_bytes(lock.read_bytes()), LOCK
    installed = {f"{found.metadata['Name'].lower()}=={found.version}" for found in distributions()}
    return _hash_bytes("\n".join(sorted(installed)).encode()), "installed packages"


def _hash_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def compare_environments(old: Named[str, Any], new: Named[str, Any]) -> tuple[str, ...]:
    """Return which of ``code`` and ``packages`` differ; Python and the platform count as packages.

    Two commits of the same files (one changed a page of `docs`) are the same code.
    """
    code = ("code",) if old.get("code") != new.get("code") else ()
    packages = any(old.get(key) != new.get(key) for key in ("lock", "lock_of", "python", "platform"))
    return (*code, *(("packages",) if packages else ()))
