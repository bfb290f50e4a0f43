"""From paths to records: which reader, which files twice, and what cannot be read at all.

The content of a file decides, not its name. What is not CSV, XLSX or Parquet is refused by name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from outcomes.errors import Finding, InputRefused
from outcomes.files import already
from outcomes.records.assemble import combine_parts, tidy_part
from outcomes.records.file_names import name_files, show_path
from outcomes.records.identifiers_export import guard_parts
from outcomes.records.kinds import find_kind
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part, Records
from outcomes.records.pseudonyms import pseudonymise
from outcomes.records.rules import refuse
from outcomes.records.sheets import check_no_sheets

_HASHED_BYTES = 64 << 20
"""Files up to this size are hashed before and after reading; above, the kernel's time of change has to do."""


def read_records(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    mapping: Mapping | str | os.PathLike[str] | None = None,
) -> Records:
    """Read one or more visit exports, every cell as text.

    Parameters
    ----------
    paths : path or sequence of paths
        CSV, XLSX or Parquet; the content decides. Files are put under each other in the order given; a file given
        twice (the same bytes) is read once and a note says so.
    mapping : Mapping, path of a mapping.toml, or None
        How the export is written; None for canonical headers.

    Returns
    -------
    Records

    Raises
    ------
    ConfigError
        The mapping cannot be used.
    InputRefused
        E657 something else than paths or a mapping; a file cannot be read without guessing: the message names file,
        place and remedy.
    """
    chosen = _load_mapping(mapping)
    listed = _list_paths(paths)
    if not listed:
        raise refuse("E101", "no file was given.", "", "Name at least one export.")
    names = dict(zip(listed, name_files(listed), strict=True))
    check_readable(names)
    made_of = already.describe(lambda: _describe_inputs(listed, chosen))
    if isinstance(known := already.recall("records", made_of), Records):
        return known
    files, notes = _drop_repeats(listed, names)
    parts: list[Part] = []
    for path in files:
        try:
            parts += _read_parts(path, chosen, names[path])
        except InputRefused as refusal:
            raise _name_those_that_fit(refusal, parts) from refusal
    guard_parts(parts, chosen)
    with_rows = [part for part in parts if len(part.rows)]
    if not with_rows:
        raise InputRefused("There is no record to read.", [_no_rows(part) for part in parts])
    notes += [str(_no_rows(part)) for part in parts if not len(part.rows)]
    records = pseudonymise(combine_parts(parts, chosen, notes))
    # What the parser freed stays with Arrow's allocator, a third of the memory at this point, unless it is asked for.
    pa.default_memory_pool().release_unused()
    codes = (column.codes for column in (*records.fields.values(), *records.modality_flags.values()))
    return already.keep("records", made_of, records, [records.source, records.source_row, *codes])


def _load_mapping(given: Any) -> Mapping:
    if given is None or isinstance(given, Mapping):
        return given or Mapping()
    if isinstance(given, (str, os.PathLike)):
        return Mapping.load(Path(given))
    what = f"is {type(given).__name__}, not a mapping or the path of one."
    remedy = "Pass the path of a mapping.toml, or Mapping.from_dict({...}) of outcomes.Mapping."
    raise InputRefused("The input cannot be read.", [Finding("E657", what, "mapping", remedy)])


def _list_paths(given: Any) -> list[Path]:
    if isinstance(given, (str, os.PathLike)):
        return [Path(given)]
    if isinstance(given, Iterable) and not isinstance(given, bytes):
        listed = list(given)
        odd = [type(path).__name__ for path in listed if not isinstance(path, (str, os.PathLike))]
        if not odd:
            return [Path(path) for path in listed]
        what = f"holds {odd[0]}, not only paths."
    else:
        what = f"is {type(given).__name__}, not a path or a list of paths."
    remedy = 'Pass the path of an export, or several: ["q2.csv", "q3.csv"].'
    raise InputRefused("The input cannot be read.", [Finding("E657", what, "paths", remedy)])


def hash_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_readable(names: dict[Path, str]) -> None:
    """Refuse what is not there, is a folder, cannot be opened or is empty; all of them at once."""
    findings = []
    for path, name in names.items():
        shown = partial(_show, path, name)
        try:
            if path.is_dir():
                findings.append(Finding("E102", "this is a folder.", shown(), "Name the files in it."))
            elif not path.exists():
                findings.append(Finding("E101", "there is no such file.", shown(), "Check the path."))
            elif not path.is_file():
                findings.append(Finding("E101", "this is not a plain file.", shown(), "Save it to disk first."))
            elif path.stat().st_size == 0:
                findings.append(Finding("E103", "the file is empty (0 bytes).", name, "Export it again."))
            else:
                path.open("rb").close()
        except OSError as error:
            findings.append(Finding("E101", f"{error.strerror}.", shown(), "Check the file and its permissions."))
    if findings:
        raise InputRefused("The input cannot be read.", findings)


def _show(path: Path, name: str) -> str:
    return show_path(path) or name


def _drop_repeats(paths: Sequence[Path], names: dict[Path, str]) -> tuple[list[Path], list[str]]:
    """Leave out files whose bytes came before; a hash is only taken where two sizes agree."""
    kept: list[Path] = []
    notes: list[str] = []
    hashes: dict[Path, str] = {}
    for path in paths:
        rivals = [other for other in kept if other.stat().st_size == path.stat().st_size]
        for file in (path, *rivals) if rivals else ():
            hashes[file] = hashes.get(file) or hash_file(file)
        same = next((other for other in rivals if hashes[other] == hashes[path]), None)
        if same is None:
            kept.append(path)
        else:
            notes.append(f"{names[path]} holds the same bytes as {names[same]} and was read once.")
    return kept, notes


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What is the same before and after a file was read, unless somebody wrote to it.

    Only the kernel sets the time of change (`st_ctime_ns`), so it tells of a write that leaves size and time of
    modification as they were; Windows has no such time, and there a file of any size is hashed.
    """

    size: int
    modified_ns: int
    changed_ns: int
    place: tuple[int, int]
    sha256: str

    @classmethod
    def take(cls, path: Path) -> _Fingerprint:
        """Take it now."""
        stat = path.stat()
        sha256 = hash_file(path) if stat.st_size <= _HASHED_BYTES or os.name == "nt" else ""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, (stat.st_dev, stat.st_ino), sha256)


def _describe_inputs(paths: Sequence[Path], mapping: Mapping) -> tuple[object, ...]:
    """What records depend on: the files as they are now, in their order, the mapping, and the key of pseudonyms."""
    key = mapping.privacy.key_path if mapping.privacy.pseudonymise else None
    of_key = _Fingerprint.take(key) if key is not None and key.is_file() else None
    return tuple((path, _Fingerprint.take(path)) for path in paths), mapping, of_key


def _read_parts(path: Path, mapping: Mapping, name: str) -> list[Part]:
    """Read one file and take out what is no record; one part, or one a sheet."""
    try:
        before = _Fingerprint.take(path)
        parts = _read_kind(find_kind(path, name), path, mapping, name)
        after = _Fingerprint.take(path)
    except OSError as error:
        reason = error.strerror or "read error"
        raise refuse("E101", f"reading failed: {reason}.", name, "Copy it to a local disk.") from error
    if before != after:
        raise refuse("E106", "the file changed while it was read.", name, "Wait for the export to end; run again.")
    for part in parts:
        # The manifest names what was read, not what lies there when it is written.
        part.file = dataclasses.replace(part.file, sha256=before.sha256 or None)
    return parts


def _name_those_that_fit(refusal: InputRefused, parts: Sequence[Part]) -> InputRefused:
    """Say that a mapping which does not fit this file fits the files before it, so that nobody changes it for one."""
    missing = [finding for finding in refusal.findings if finding.code == "E123"]
    if not missing or not parts:
        return refusal
    what = f"{parts[0].file.place} has the columns the mapping names."
    remedy = "One mapping reads all files: give the exports the same headers."
    message = str(refusal.args[0]).splitlines()[0]
    return InputRefused(message, [*refusal.findings, Finding("E123", what, missing[0].place, remedy)])


def _read_kind(kind: str, path: Path, mapping: Mapping, name: str) -> list[Part]:
    if kind == "xlsx":
        from outcomes.records.workbook import read_workbook

        return read_workbook(path, mapping, name)
    check_no_sheets(kind, mapping, name)
    if kind == "csv":
        from outcomes.records.csv import read_csv

        part = read_csv(path, mapping, name)
    else:
        from outcomes.records.parquet import read_parquet

        part = read_parquet(path, mapping, name)
    tidy_part(part, mapping)
    return [part]


def _no_rows(part: Part) -> Finding:
    what = f"the {'sheet' if part.file.sheet else 'file'} has a header line but no rows."
    return Finding("E113", what, part.file.place, "Export it again with its rows.")
