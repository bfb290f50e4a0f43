"""Packages below the version in which a known hole was closed are not given a file to read or to run.

The locks hold newer ones, and an environment made by hand may not. Looked at are the versions that are installed where
this runs, from their metadata: nothing is imported for it.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from outcomes.errors import Finding, OutcomesError

FLOORS = {
    # A Parquet file could run code when it was read (CVE-2023-47248).
    "pyarrow": "14.0.1",
    # A notebook could put scripts into its page (CVE-2021-32862), and write outside its folder (CVE-2026-39378).
    "nbconvert": "7.17.1",
    # The server behind JupyterLab could serve scripts that somebody had stored in a file (CVE-2026-44727).
    "jupyter_server": "2.20.0",
}
"""Package -> first version that is used."""
_RELEASE = re.compile(r"\s*v?(\d+(?:\.\d+)*)([-._]?(?:a|b|c|rc|dev)\d*)?", re.IGNORECASE)


def check_floor(package: str, purpose: str) -> None:
    """Refuse a package that is older than `FLOORS` allows.

    Parameters
    ----------
    package : str
        A name in `FLOORS`.
    purpose : str
        What it is about to do, for the message: ``"read a Parquet file"``.

    Raises
    ------
    OutcomesError
        E961 it is older, not installed, or its version cannot be read.
    """
    floor = FLOORS[package]
    try:
        have = version(package)
    except PackageNotFoundError:
        have = ""
    if have and _parse(have) >= _parse(floor):
        return
    what = f"version {have} is installed here" if have else "it is not installed here"
    finding = Finding(
        "E961",
        f"{what}; {floor} or newer is needed, for older ones have a known security hole.",
        package,
        f'Install the packages of requirements.lock (make), or: python -m pip install "{package}>={floor}".',
    )
    raise OutcomesError(f"{package} is not used to {purpose}.", [finding])


def _parse(text: str) -> tuple[tuple[int, ...], bool]:
    """Return the numbers of a version, without zeros at the end, and whether it is final; without numbers: oldest."""
    found = _RELEASE.match(text)
    if found is None:
        return (), False
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), not found[2]
