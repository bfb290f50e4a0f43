"""The form of the catalogue of bad inputs: what is wrong, what must happen, and the run that shows it.

Each module beside this one lists the entries of one chapter as `FAULTS`; `tests/system/test_bad_input.py` runs each of
them through the real command in every format it names, and `tools/bad_input_page.py` writes `docs/bad_input.md` from
them.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outcomes.cli import main

REFUSE, QUAR, MERGE, FIX, ASK, MASK, WARN, KEEP = "REFUSE", "QUAR", "MERGE", "FIX", "ASK", "MASK", "WARN", "KEEP"
WITHHOLD = "WITHHOLD"
EXIT_CODES = {
    REFUSE: (2,),
    ASK: (2,),
    WITHHOLD: (3,),
    QUAR: (1,),
    MERGE: (0, 1),
    FIX: (0,),
    MASK: (0, 1),
    WARN: (0, 1),
    KEEP: (0,),
}
"""Outcome -> exit codes of the command it may end with."""


@dataclass(frozen=True)
class Input:
    """What one entry gives the command: files made in a folder, settings, and what must not come out again.

    Attributes
    ----------
    files : sequence of Path
    mapping, protocol : str
        TOML text; empty for none.
    command : tuple of str
        What stands before the files.
    options : tuple of str
        What stands after them, without ``--out``.
    secrets : tuple of str
        Cells that must appear in no byte of the output folder or the terminal (quarantine included: it masks).
    """

    files: Sequence[Path]
    mapping: str = ""
    protocol: str = ""
    command: tuple[str, ...] = ("clean",)
    options: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What came of it."""

    exit_code: int
    said: str
    out: Path

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a CSV file the command wrote; empty when it is not there."""
        path = self.out / f"{name}.csv"
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


def _nothing_more(_: Run) -> None:
    return


def says(*words: str) -> Callable[[Run], None]:
    """Make a check that each of the words was said on the terminal."""

    def check(run: Run) -> None:
        for word in words:
            assert word in run.said, run.said

    return check


@dataclass(frozen=True)
class Fault:
    """One entry of the catalogue.

    Attributes
    ----------
    number : int
        Of the entry in the catalogue, 1 to 110.
    name : str
        Short name, unique, for the test's id.
    title : str
        What is wrong, as a user would say it; a line of the documentation.
    outcome : str
        One of the words above.
    codes : tuple of str
        Codes that must be said on the terminal, or stand in the quarantine table.
    make : callable
        ``(folder, format) -> Input``; writes the files.
    formats : tuple of str
        Of ``csv``, ``xlsx``, ``parquet``: those in which this can happen.
    remedy : str
        What the user does about it; a line of the documentation.
    check : callable
        More that must hold of the run.
    within : callable
        Makes the context the command runs in: a disk that fails, a file that somebody writes to.
    """

    number: int
    name: str
    title: str
    outcome: str
    codes: tuple[str, ...]
    make: Callable[[Path, str], Input]
    formats: tuple[str, ...] = ("csv",)
    remedy: str = ""
    check: Callable[[Run], None] = field(default=_nothing_more)
    within: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext


def run_fault(fault: Fault, kind: str, folder: Path) -> tuple[Input, Run]:
    """Make the input of one entry and give it to the real command."""
    inputs = folder / "in"
    inputs.mkdir()
    given = fault.make(inputs, kind)
    arguments = [*given.command, *map(str, given.files), *given.options]
    for name in ("mapping", "protocol"):
        if text := getattr(given, name):
            (folder / f"{name}.toml").write_text(text, encoding="utf-8")
            arguments += [f"--{name}", str(folder / f"{name}.toml")]
    out = folder / "out"
    if given.command[0] in ("clean", "report", "inspect"):
        arguments += ["--out", str(out)]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said), fault.within():
        exit_code = main(arguments)
    return given, Run(exit_code, said.getvalue(), out)


def check_fault(fault: Fault, given: Input, run: Run) -> None:
    """Hold one run against what its entry promises."""
    assert run.exit_code in EXIT_CODES[fault.outcome], f"exit code {run.exit_code}, said:\n{run.said}"
    assert "Traceback" not in run.said and "internal error" not in run.said, run.said
    found = run.said + "\n".join(row["code"] for row in run.table("quarantine"))
    for code in fault.codes:
        assert code in found, f"{code} was not said:\n{run.said}"
    if run.exit_code in (2, 3):
        assert not run.out.exists(), "something was written though the command refused"
    for secret in given.secrets:
        assert secret not in run.said, "a cell was said on the terminal"
        for path in sorted(run.out.rglob("*")) if run.out.exists() else ():
            assert path.is_dir() or secret.encode() not in path.read_bytes(), f"a cell stands in {path.name}"
    fault.check(run)
