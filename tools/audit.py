"""Does a package of the lock have a known vulnerability? `make audit` asks PyPI, then OSV, through pip-audit.

Ends with 0 when every package was looked up and none has one, with 1 when one has, and with 3 when no database could be
reached or one did not know all packages (a mirror of PyPI knows none): then nothing was shown, and nothing is claimed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from sbom import LOCK, own_environment, read_lock

TOOL = "pip-audit==2.10.1"
SOURCES = ("pypi", "osv")
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3
SECONDS = 300


def judge(found: dict[str, Any], n_locked: int) -> tuple[int, list[str]]:
    """Return the exit code of one answer of pip-audit, and its lines."""
    packages = found.get("dependencies", [])
    bad = [(p, v) for p in packages for v in p.get("vulns", ())]
    if bad:
        mended = [", ".join(v.get("fix_versions", ())) or "no version yet" for _, v in bad]
        lines = [f"{p['name']} {p['version']}: {v['id']}, mended in" for p, v in bad]
        return VULNERABLE, [f"{line} {version}" for line, version in zip(lines, mended, strict=True)]
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    if skipped or not packages:
        return UNKNOWN, [f"{len(skipped) or n_locked} of {n_locked} packages could not be looked up"]
    return CLEAN, [f"{len(packages)} packages for this system were looked up; none has a known vulnerability"]


def main() -> int:
    """Ask one source after the other until one answers for all packages."""
    programs, n_locked = own_environment(TOOL), len(read_lock(LOCK.read_text("utf-8")))
    # The lock holds every hash, so that nothing is downloaded or solved again.
    fixed = [
        "--requirement",
        str(LOCK),
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--format",
        "json",
    ]
    for source in SOURCES:
        command = [str(programs / "pip-audit"), "--vulnerability-service", source, *fixed]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
            code, lines = judge(json.loads(done.stdout), n_locked)
        except (ValueError, subprocess.TimeoutExpired):
            code, lines = UNKNOWN, ["the database could not be reached"]
        print("\n".join(f"{source}: {line}" for line in lines))
        if code != UNKNOWN:
            return code
    print("Nothing was checked: no database was at hand. Run this where pypi.org or api.osv.dev can be reached.")
    return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
