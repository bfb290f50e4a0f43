"""What the benchmarks share: run one process and read what it used, compare two times, describe the machine.

The process that imports this stays small: a child's peak memory is never reported below that of the process that
started it. Standard library only.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "benchmarks"
OURS = "outcomes"
TIE = 1.3
BUSY = 0.5
# With a cap on the processor's seconds, the wall clock may run this much longer before a process is ended.
BUSIEST = 20
STOPPED = "stopped after"
_ASK_VERSIONS = """
import importlib.metadata as m, json, platform, sys
found = {"Python": platform.python_version()}
for name in sys.argv[1:]:
    try: found[name] = m.version(name)
    except m.PackageNotFoundError: pass
print(json.dumps(found))
"""

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Run:
    """One process: seconds of wall clock and of CPU, peak memory in MB, and why it does not count (empty = it does)."""

    wall: float
    cpu: float
    peak_mb: float
    fault: str = ""


def measure(
    command: list[str],
    cap_seconds: float,
    good_exits: tuple[int, ...] = (0,),
    settings: Mapping[str, str] | None = None,
    cap_cpu: bool = False,
) -> Run:
    """Run one process to its end, or kill it at the cap, and read what it used from the kernel.

    With `cap_cpu` the cap counts seconds of the processor, so that a busy machine stops nobody sooner.
    """
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "src")} | dict(settings or {})
    with tempfile.TemporaryFile() as complaints:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=environment,
            preexec_fn=partial(_limit_cpu, math.ceil(cap_seconds)) if cap_cpu else None,
        )
        timer = threading.Timer(cap_seconds * (BUSIEST if cap_cpu else 1), process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        last_words = complaints.read().decode(errors="replace").strip().splitlines()
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    run = Run(wall, usage.ru_utime + usage.ru_stime, kilobytes / 1024)
    # The kernel ends a process at its cap, and counts what it used a little short of it.
    if (cap_cpu and process.returncode == -signal.SIGKILL) or wall >= cap_seconds * (BUSIEST if cap_cpu else 1):
        return Run(wall, run.cpu, run.peak_mb, f"{STOPPED} {cap_seconds:g} s")
    if process.returncode not in good_exits:
        reason = last_words[-1] if last_words else f"exit {process.returncode}"
        return Run(wall, run.cpu, run.peak_mb, f"failed: {reason}")
    return run


def _limit_cpu(seconds: int) -> None:
    """Ask the kernel to end this process after so many seconds of the processor."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def rotate(entries: Sequence[Entry], number: int) -> list[Entry]:
    """The entries in the order of one round: each round starts one further, so that none always follows the same."""
    place = number % len(entries) if entries else 0
    return [*entries[place:], *entries[:place]]


def verdict(ratio: float) -> str:
    """Read a ratio of times, ours over theirs, in words."""
    if 1 / TIE <= ratio <= TIE:
        return "tie"
    return f"outcomes takes {ratio:.2g} of its time" if ratio < 1 else f"outcomes takes {ratio:.1f} times as long"


def describe_machine(packages: Sequence[str]) -> list[str]:
    """The machine and the versions beside this interpreter, as lines of Markdown."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages if is_there(name)]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        f"- {time.strftime('%Y-%m-%d')}, {platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB",
        f"- Python {platform.python_version()}, {', '.join(versions)}",
    ]


def ask_versions(python: str, packages: Sequence[str]) -> dict[str, str]:
    """The versions another interpreter has; empty where it does not start."""
    try:
        asked = subprocess.run([python, "-c", _ASK_VERSIONS, *packages], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return dict(json.loads(asked.stdout))


def read_load() -> float:
    """Load of the last minute; says so on the terminal when something else is running."""
    load = os.getloadavg()[0]
    if load > BUSY:
        print(f"Something else is running here (load {load:.1f}); times will be too long.", file=sys.stderr)
    return load


def keep_report(lines: Sequence[str], name: str) -> None:
    """Write the report's Markdown where git does not look, and say where."""
    place = BUILD / name
    place.write_text("\n".join(lines), encoding="utf-8")
    print(f"\nkept in {place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place}")


def is_there(package: str) -> bool:
    """Whether a package can be imported here; ours is run from this checkout."""
    return package == OURS or importlib.util.find_spec(package) is not None
