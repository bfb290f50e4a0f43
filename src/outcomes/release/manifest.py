"""What went in and what came out: ``manifest.json``, canonical, without the time of day and without a patient's value.

Equal input, configuration and packages give equal bytes. The only date in it is the as-of date, which is the data cut
unless another was asked for. Paths are not in it, for they name people and machines. ``manifest_sha256`` is the hash of
all the rest, so that `outcomes verify` also finds a manifest that was edited.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes import __version__
from outcomes.cases.acceptance import describe_acknowledgement
from outcomes.records import privacy
from outcomes.records.full_dates import describe_dates
from outcomes.release.configuration import describe_environment

if TYPE_CHECKING:
    from outcomes.cases import Episodes, Visits
    from outcomes.records import Records

FORMAT = 2
SELF = "manifest_sha256"
CLINIC, PUBLIC = privacy.CLINIC, privacy.PUBLIC
"""Audiences of a release: a practice's own staff, and everybody."""
INTERNAL = "Internal, not for publication"
"""What a release for a practice's own staff says on its page, notebooks, sheets of the PDF and in its manifest."""
DEPENDENCIES = (
    "Jinja2",
    "jupyterlab",
    "matplotlib",
    "nbclient",
    "nbconvert",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "python-calamine",
    "scipy",
    "statsmodels",
    "threadpoolctl",
    "tqdm",
    "typst",
)


def build_manifest(
    records: Records | None,
    visits: Visits,
    episodes: Episodes,
    quarter: str,
    as_of: str,
    outputs: Mapping[str, str],
    notes: tuple[str, ...] = (),
    withheld: tuple[str, ...] = (),
    as_of_asked: str = "",
    checklist: Mapping[str, Any] | None = None,
    quarter_asked: str = "",
) -> dict[str, Any]:
    """Return the manifest as plain values.

    Parameters
    ----------
    records, visits, episodes : Records, Visits, Episodes
    quarter : str
        The quarter reported; empty without a calendar.
    as_of : str
        The data cut as an ISO date; empty without a calendar. "Today" is never read.
    outputs : Mapping[str, str]
        Relative path -> SHA-256 of every file of the release but the manifest.
    notes : tuple of str
        What the release lacks and why, for example a notebook that failed.
    withheld : tuple of str
        Keys of the mapping that ``config/mapping.toml`` leaves out (`configuration.to_toml`).
    as_of_asked : str
        The as-of date that was asked for; empty when the data cut was taken.
    checklist : Mapping, optional
        Name of the reporting checklist and how many of its items are answered.
    quarter_asked : str
        The quarter that was asked for; empty when the newest that can be judged was taken. Attendance shows it apart.
    """
    protocol = episodes.protocol
    manifest = {
        "manifest_format": FORMAT,
        "audience": CLINIC,
        "mark": INTERNAL,
        "quarter": quarter,
        "quarter_asked": quarter_asked,
        "as_of": as_of,
        "as_of_asked": as_of_asked,
        "inputs": [] if records is None else [_describe_file(file) for file in records.files],
        "row_accounting": episodes.ledger.rows(),
        "dates": describe_dates(records, visits.has_calendar),
        "acknowledged": describe_acknowledgement(records, visits),
        "definitions": {
            "protocol": protocol.hash,
            "mapping": "" if records is None else records.mapping.hash,
            "codebook": visits.codebook.hash,
            "mapping_withheld": list(withheld),
        },
        "protocol": protocol.to_plain(),
        "environment": describe_environment(),
        "checklist": dict(checklist or {}),
        "seed": protocol.inference.seed,
        "versions": {"outcomes": package_version(), "python": platform.python_version(), **_dependency_versions()},
        "outputs": dict(sorted(outputs.items())),
        "notes": list(notes),
        "data_notes": list(visits.notes),
    }
    return manifest | {SELF: hash_manifest(manifest)}


def hash_manifest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its own hash."""
    rest = {key: value for key, value in manifest.items() if key != SELF}
    return hashlib.sha256(to_json(rest).encode()).hexdigest()


def to_json(manifest: Mapping[str, Any]) -> str:
    """Write canonical JSON: sorted keys, two blanks, one line end at the end, no NaN."""
    return json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def hash_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its path with forward slashes, in order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in files}


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def package_version(name: str = "outcomes") -> str:
    """Return the version of this package, or of an installed one."""
    if name == "outcomes":
        return __version__
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _describe_file(file: Any) -> dict[str, Any]:
    return {
        "name": file.name,
        "sheet": file.sheet or "",
        "kind": str(file.kind),
        "size_bytes": file.size_bytes,
        "sha256": file.sha256 or hash_file(file.path),
        "rows": file.n_rows,
        "unread_columns": list(file.unread_columns),
    }


@cache
def _dependency_versions() -> Mapping[str, str]:
    """Read once in a process: a tenth of a second, and a comparison of releases makes several."""
    return {name: package_version(name) for name in DEPENDENCIES}
