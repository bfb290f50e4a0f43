"""Run every check of `make test`, each under its heading; all run, and one failure fails the whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
NOTEBOOKS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))

# nbstripout leaves these unless it is told.
RUNNER_METADATA = "metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.widgets"

CHECKS: list[tuple[str, list[str]]] = [
    ("lint: ruff check", [PYTHON, "-m", "ruff", "check", "."]),
    ("format: ruff format --check", [PYTHON, "-m", "ruff", "format", "--check", "."]),
    ("types: mypy on src", [PYTHON, "-m", "mypy"]),
    (
        f"notebooks carry no outputs: nbstripout --verify ({len(NOTEBOOKS)} found)",
        [PYTHON, "-m", "nbstripout", "--verify", "--extra-keys", RUNNER_METADATA, *NOTEBOOKS],
    ),
    ("tests: pytest, all but the slow ones", [PYTHON, "-m", "pytest", "-n", "auto", "-m", "not slow"]),
]


def main() -> int:
    """Run the checks in order, print a verdict for each, and return 1 if any failed."""
    verdicts = []
    for number, (title, command) in enumerate(CHECKS, start=1):
        print(f"\n== {number}/{len(CHECKS)} {title}", flush=True)
        start = time.monotonic()
        if "nbstripout" in command and not NOTEBOOKS:
            print("no notebook was found in notebooks/: the check would pass without having looked")
            failed = True
        else:
            failed = subprocess.run(command, cwd=ROOT, check=False).returncode != 0
        verdicts.append((failed, f"{'FAILED' if failed else 'ok':6}  {time.monotonic() - start:5.1f} s  {title}"))
    print("\n== what ran")
    print("\n".join(line for _, line in verdicts))
    return int(any(failed for failed, _ in verdicts))


if __name__ == "__main__":
    sys.exit(main())
