"""The package as one file to install, the same bytes whoever builds it: `make wheel`.

    dist/outcomes-<version>-py3-none-any.whl    what `pip install` takes; its bill of materials (`make sbom`) inside
    dist/<the same>.intoto.json                 what it was made of (tools/attest.py); signed with `make wheel KEY=...`

It is built from the last commit, not from the folder, so that nothing left lying about comes along. Every file in it
carries the time of that commit, whose name lies beside the metadata, for the manifest of a release. The bill lies where
PEP 770 wants it, `<name>.dist-info/sboms/`. Prints the SHA-256 by which two builds are compared. Ends with 1 when there
is no bill.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from flit_core.wheel import WheelBuilder

import attest

ROOT = Path(__file__).resolve().parent.parent
BILL = ROOT / "build" / "sbom" / "outcomes.cdx.json"
LOCK = "requirements.lock"
OUT = ROOT / "dist"
RECORD = "commit.txt"  # the package reads it there (`release/commit.py`)


def build(source: Path, bill: Path, seconds: int, out: Path, commit: str) -> Path:
    """Build a wheel.

    Parameters
    ----------
    source : Path
        Folder with ``pyproject.toml``.
    bill : Path
        Bill of materials to put into it.
    seconds : int
        Since 1970, the time that all of its files carry.
    out : Path
        Folder to write to; made when it is not there.
    commit : str
        Name of the commit the source is.

    Returns
    -------
    Path
        Of the wheel, whole or not there at all.
    """
    os.environ["SOURCE_DATE_EPOCH"] = str(seconds)
    content = io.BytesIO()
    builder = WheelBuilder.from_ini_path(source / "pyproject.toml", content)
    try:
        builder.copy_module()
        builder.write_metadata()
        builder._add_file(bill, f"{builder.dist_info}/sboms/{bill.name}")  # the builder has no door for it yet
        with builder._write_to_zip(f"{builder.dist_info}/{RECORD}") as record:
            record.write(f"{commit}\n")
        builder.write_record()
    finally:
        builder.wheel_zip.close()
    out.mkdir(parents=True, exist_ok=True)
    part, target = out / f".{builder.wheel_filename}.part", out / builder.wheel_filename
    part.write_bytes(content.getvalue())
    part.replace(target)
    return target


def git(*arguments: str) -> bytes:
    """Return what git says."""
    command = [shutil.which("git") or "git", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the last commit, and say what it was made of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", type=Path, help="private SSH key to sign with; without it nothing is signed")
    key = parser.parse_args(arguments).key
    if not BILL.exists():
        print(f"{BILL} is not there: run `make sbom` first.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", "HEAD"))) as files:
            files.extractall(folder, filter="data")
        commit, seconds = git("log", "-1", "--format=%H %ct").decode().split()
        wheel = build(Path(folder), BILL, int(seconds), OUT, commit)
        statement = attest.write_statement(wheel, commit, Path(folder) / LOCK)
    made = [wheel, statement] + ([attest.sign(statement, key)] if key else [])
    print(*made, f"sha256 {attest.hash_of(wheel)['sha256']}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
