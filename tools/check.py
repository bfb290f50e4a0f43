"""Run every check of `make test`, each under its heading; all run, and one failure fails the whole.

What takes seconds comes first. Types are checked beside the tests, which leave a core idle now and then.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
NOTEBOOKS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))

# nbstripout leaves these unless it is told.
RUNNER_METADATA = "metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.widgets"


@dataclass(frozen=True)
class Check:
    """One command, and the heading it stands under; `beside` runs it while the others do."""

    title: str
    command: list[str]
    beside: bool = False


CHECKS = [
    Check("types: mypy on src and benchmarks", [PYTHON, "tools/check_types.py"], beside=True),
    Check("lint: ruff check", [PYTHON, "-m", "ruff", "check", "."]),
    Check("format: ruff format --check", [PYTHON, "-m", "ruff", "format", "--check", "."]),
    Check(
        f"notebooks carry no outputs: nbstripout --verify ({len(NOTEBOOKS)} found)",
        [PYTHON, "-m", "nbstripout", "--verify", "--extra-keys", RUNNER_METADATA, *NOTEBOOKS],
    ),
    # A file of tests stays in one process, so that what its tests share is made once; tests/conftest.py puts the
    # longest files first.
    Check(
        "tests: pytest, all but the slow ones",
        [PYTHON, "-m", "pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "not slow"],
    ),
]


def environment() -> dict[str, str]:
    """One thread to each of the processes that share the cores; compiled modules are kept for those they start."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return threads | {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Running:
    """A check that was started."""

    def __init__(self, check: Check, output: IO[bytes] | None = None) -> None:
        self.check, self.output, self.begun = check, output, time.monotonic()
        self.process = subprocess.Popen(check.command, cwd=ROOT, env=environment(), stdout=output, stderr=output)

    def verdict(self) -> tuple[bool, str]:
        """Wait for its end, show what was kept of its output, and say whether it failed."""
        failed = self.process.wait() != 0
        seconds = time.monotonic() - self.begun
        if self.output is not None:
            self.output.seek(0)
            print(self.output.read().decode(errors="replace"), end="", flush=True)
        if "nbstripout" in self.check.command and not NOTEBOOKS:
            print("no notebook was found in notebooks/: the check would pass without having looked")
            failed = True
        return failed, f"{'FAILED' if failed else 'ok':6}  {seconds:5.1f} s  {self.check.title}"


def main() -> int:
    """Run the checks, print a verdict for each, and return 1 if any failed."""
    begun, verdicts = time.monotonic(), []
    # The output of what runs beside the others is shown when they are done, and not among theirs.
    with contextlib.ExitStack() as files:
        beside = [Running(check, files.enter_context(tempfile.TemporaryFile())) for check in CHECKS if check.beside]
        for check in (check for check in CHECKS if not check.beside):
            print(f"\n== {check.title}", flush=True)
            verdicts.append(Running(check).verdict())
        for running in beside:
            print(f"\n== {running.check.title}", flush=True)
            verdicts.append(running.verdict())
    print(f"\n== what ran, in {time.monotonic() - begun:.0f} s")
    print("\n".join(line for _, line in verdicts))
    return int(any(failed for failed, _ in verdicts))


if __name__ == "__main__":
    sys.exit(main())
