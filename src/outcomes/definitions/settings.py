"""How a frozen dataclass of settings is read from TOML, checked and written back; stdlib only.

A field made by `setting` carries its default, its comment and its rule in one place. Checks return findings with the
dotted path of the value; the caller raises them all in one go.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from outcomes.errors import Finding

_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a word in quotes",
    "tuple[str, ...]": "a list of words",
    "tuple[int, ...]": "a list of whole numbers",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting means and which values it may take.

    Attributes
    ----------
    comment : str
        The meaning with its unit; becomes the comment in the TOML file.
    low, high : float or None
        The least and the greatest allowed value.
    strict : bool
        Whether `low` and `high` themselves are excluded.
    words : tuple of str
        The allowed words; empty when any word is.
    increasing : bool
        Whether the entries of a list must rise.
    pattern : str
        What a word must look like, as a regular expression; empty when anything goes.
    form : str
        How a word that must have a pattern is to be written, for the message; that of a code when empty.
    may_be_empty : bool
        Whether a list may have no entry.
    why : str
        Why nothing else is offered; said when another word or number is asked for.
    """

    comment: str
    low: float | None = None
    high: float | None = None
    strict: bool = False
    words: tuple[str, ...] = ()
    increasing: bool = False
    pattern: str = ""
    form: str = ""
    may_be_empty: bool = False
    why: str = ""


def setting(default: object, comment: str, **rule: Any) -> Any:
    """Return a dataclass field with a default, a comment and the keyword rules of `Rule`."""
    return field(default=default, metadata={"rule": Rule(comment, **rule)})


def find_section_faults(section: object, place: str) -> list[Finding]:
    """Return the faults of one section object: wrong types first, impossible values where the type is right."""
    faults: list[Finding] = []
    for item in fields(section):  # type: ignore[arg-type]
        faults += find_value_faults(
            str(item.type), item.metadata["rule"], getattr(section, item.name), place, item.name
        )
    return faults


def find_value_faults(kind: str, rule: Rule, value: object, place: str, name: str) -> list[Finding]:
    """Return the faults of one value of the annotated `kind`; entries of a list are checked one by one."""
    path = f"{place}.{name}"
    if not kind.startswith("tuple"):
        return _find_scalar_faults(kind, rule, value, path)
    if not isinstance(value, tuple):
        return [_type_fault(kind, value, path)]
    inner = kind.removeprefix("tuple[").split(",")[0]
    faults: list[Finding] = []
    for position, entry in enumerate(value):
        faults += _find_scalar_faults(inner, rule, entry, f"{path}[{position}]")
    return faults or _find_list_faults(rule, value, path)


def _find_list_faults(rule: Rule, value: tuple[Any, ...], path: str) -> list[Finding]:
    if not value and rule.may_be_empty:
        return []
    if not value:
        return [Finding("C104", "is empty; at least one entry is needed.", path, "Leave the key out for the default.")]
    if rule.increasing and any(a >= b for a, b in pairwise(value)):
        return [Finding("C104", f"is {list(value)}; the entries must rise.", path, "Put them in order, each once.")]
    if len(set(value)) < len(value):
        return [Finding("C104", f"is {list(value)}; an entry stands there twice.", path, "Keep each entry once.")]
    return []


def _find_scalar_faults(kind: str, rule: Rule, value: object, path: str) -> list[Finding]:
    if not _has_kind(kind, value):
        return [_type_fault(kind, value, path)]
    if isinstance(value, str):
        return _find_word_faults(rule, value, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    low_fails = rule.low is not None and (value <= rule.low if rule.strict else value < rule.low)
    high_fails = rule.high is not None and (value >= rule.high if rule.strict else value > rule.high)
    remedy = rule.why or "Choose a value in that range."
    if not math.isfinite(value) or low_fails or high_fails:
        return [Finding("C104", f"is {value}; allowed is {_range_words(rule)}.", path, remedy)]
    return []


def _find_word_faults(rule: Rule, value: str, path: str) -> list[Finding]:
    if not value.strip():
        return [Finding("C104", "is an empty word.", path, "Leave the key out for the default.")]
    if rule.pattern and not re.fullmatch(rule.pattern, value) and rule.form:
        return [Finding("C104", f"is '{value}'; it must be {rule.form}.", path, "Write it that way.")]
    if rule.pattern and not re.fullmatch(rule.pattern, value):
        return [Finding("C104", f"is '{value}', which does not have the form of a code.", path, "Correct it.")]
    if not rule.words or value in rule.words:
        return []
    offered = "the only choice is" if len(rule.words) == 1 else "allowed is one of"
    message = f"is '{value}'; {offered} {', '.join(rule.words)}."
    near = get_close_matches(value, rule.words, n=1)
    remedy = f"Did you mean '{near[0]}'?" if near else rule.why
    return [Finding("C104", message, path, remedy)]


def _has_kind(kind: str, value: object) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    accepted = (int, float) if kind == "float" else (int,)
    return isinstance(value, accepted) and not isinstance(value, bool)


def _type_fault(kind: str, value: object, path: str) -> Finding:
    shown = json.dumps(value) if isinstance(value, str | bool | int | float) else f"a {_word_of(value)}"
    return Finding("C103", f"is {shown}; {_KINDS[kind]} is needed.", path, "Correct the value or leave the key out.")


def _word_of(value: object) -> str:
    if isinstance(value, Mapping):
        return "table"
    return "list" if isinstance(value, list | tuple) else type(value).__name__


def _range_words(rule: Rule) -> str:
    if rule.low is None and rule.high is None:
        return "any finite number"
    if rule.high is None:
        return f"above {rule.low:g}" if rule.strict else f"{rule.low:g} or more"
    ends = ", both ends excluded" if rule.strict else ""
    return f"{rule.low:g} to {rule.high:g}{ends}"


def unknown_key(key: str, place: str, offered: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> Finding:
    """Return the finding for a key that does not exist, with the nearest name that does.

    Parameters
    ----------
    key, place : str
        The key and the dotted path of the table it stands in, empty at the top.
    offered : iterable of str
        The keys allowed there.
    elsewhere : mapping of str to str, optional
        Key -> its dotted path, for keys of other tables.
    """
    names = list(offered)
    folded = key.lower().replace("-", "_")
    elsewhere = elsewhere or {}
    near = get_close_matches(folded, names, n=1, cutoff=0.7)
    far = get_close_matches(folded, list(elsewhere), n=1, cutoff=0.8)
    if near:
        remedy = f"Did you mean '{near[0]}'?"
    elif far:
        remedy = f"Did you mean '{elsewhere[far[0]]}'?"
    else:
        remedy = f"Known here: {', '.join(names)}."
    return Finding("C102", "is not a known key.", f"{place}.{key}" if place else key, remedy)


def to_value(kind: str, value: object) -> object:
    """Return a TOML value in the shape its field has: a list as a tuple, a whole number as a decimal where needed."""
    if kind.startswith("tuple") and isinstance(value, list):
        return tuple(value)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def to_plain(section: object) -> dict[str, object]:
    """Return a section as a dict of JSON values; the same settings always give the same dict."""
    out: dict[str, object] = {}
    for item in fields(section):  # type: ignore[arg-type]
        value = to_value(str(item.type), getattr(section, item.name))
        out[item.name] = list(value) if isinstance(value, tuple) else value
    return out


def render_section(name: str, section: object) -> list[str]:
    """Return the lines of one commented TOML table; a value that is not the default says what the default is."""
    title = (type(section).__doc__ or "").strip().splitlines()[0]
    lines = [f"[{name}]", *_comment(title)]
    for item in fields(section):  # type: ignore[arg-type]
        value = to_value(str(item.type), getattr(section, item.name))
        comment = item.metadata["rule"].comment
        if len(item.metadata["rule"].words) > 1:
            comment += f" Words: {', '.join(item.metadata['rule'].words)}."
        if value != item.default:
            comment += f" Default: {_toml(item.default)}."
        lines += ["", *_comment(comment), f"{item.name} = {_toml(value)}"]
    return lines


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else repr(value)
