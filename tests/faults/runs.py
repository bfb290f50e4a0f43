"""Entries 101 to 110: runs that are killed, meet another, lose a part; folders that were edited; texts that would run.

What one run of a command can show stands here; the whole of it (every crash point, kills at random moments, 60 payloads
in every field) is in tests/system: test_crash_points, test_two_runs, test_worker_death, test_payloads.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from faults.catalogue import KEEP, REFUSE, Fault, Input, Run

SUPPORT = Path(__file__).resolve().parents[1] / "support"
SOURCE = Path(__file__).resolve().parents[2] / "src"
GONE = 4_999_999
"""A process number that no system gives."""


def _write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def _export(folder: Path, n_patients: int = 4) -> Path:
    rows = [
        [f"P{i:03}", f"2026-0{month}-{10 + i % 17}", str(8 - 2 * month)] for i in range(n_patients) for month in (1, 2)
    ]
    return _write(folder / "visits.csv", [["patient_id", "visit_date", "pain_pre"], *rows])


def _name(what: str) -> str:
    from outcomes.files.lock import host

    return f".out.{what.replace('HERE', f'{host()}-{GONE}')}"


def killed(folder: Path, _: str) -> Input:
    """A run was killed while it wrote: its half-filled folder and its lock are there."""
    from outcomes.files.lock import host

    half = folder.parent / _name("staging-HERE-abc")
    half.mkdir()
    (half / "visits.csv").write_text("patient_id,visit")
    (folder.parent / ".out.lock").write_text(json.dumps({"process": GONE, "host": host()}))
    return Input([_export(folder)])


def _nothing_left(run: Run) -> None:
    left = sorted(path.name for path in run.out.parent.iterdir())
    assert left == ["in", "out"], left
    assert len(run.table("visits")) == 8


def no_access(folder: Path, _: str) -> Input:
    """A folder in which nobody, not even root, may make another."""
    closed = Path("/sys") if Path("/sys/kernel").is_dir() else Path("/dev")
    return Input([], command=("simulate", "--patients", "3", "--seed", "1", "--out", str(closed / "outcomes" / "out")))


_HOLD = """
import pathlib, sys
from outcomes.files.lock import only_run
with only_run(pathlib.Path(sys.argv[1]), ".out.lock"):
    print("has it", flush=True)
    sys.stdin.read()
"""
_first: list[subprocess.Popen[str]] = []


def two_runs(folder: Path, _: str) -> Input:
    """Another process holds the folder until its input ends: at the latest with the tests."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        text=True,
    )
    _first.append(process)
    assert process.stdout is not None and process.stdout.readline() == "has it\n"
    return Input([_export(folder)])


def _first_is_named(run: Run) -> None:
    process = _first.pop()
    process.communicate()
    assert f"process {process.pid} on " in run.said and str(run.out.parent) in run.said


def two_machines(folder: Path, _: str) -> Input:
    (folder.parent / ".out.lock").write_text('{"process": 4711, "host": "reception_2"}')
    return Input([_export(folder)])


def _machine_is_named(run: Run) -> None:
    assert "process 4711 on reception_2" in run.said and ".out.lock" in run.said


def _strike(seconds: float = 120.0) -> None:
    """Kill the first process that this one forks."""
    before = set(multiprocessing.active_children())
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for child in set(multiprocessing.active_children()) - before:
            if child.pid is not None:
                os.kill(child.pid, signal.SIGKILL)
                return
        time.sleep(0.002)


def worker_killed(folder: Path, _: str) -> Input:
    threading.Thread(target=_strike, daemon=True).start()
    return Input([_export(folder, 20)], command=("report", "--no-notebooks"))


def _part_is_named(run: Run) -> None:
    assert "the process at work on: " in run.said


LIMIT = "OUTCOMES_LIMIT_MINUTES"
_limit_before = os.environ.get(LIMIT, "")


def worker_hangs(folder: Path, _: str) -> Input:
    os.environ[LIMIT] = "0.00001"
    return Input([_export(folder, 20)], command=("report", "--no-notebooks"))


def _limit_is_named(run: Run) -> None:
    os.environ[LIMIT] = _limit_before
    _part_is_named(run)
    assert LIMIT in run.said


def _release(folder: Path) -> Path:
    sys.path.insert(0, str(SUPPORT))
    try:
        import whole_fakes
    finally:
        sys.path.remove(str(SUPPORT))
    whole_fakes.publish(folder / "reports", "old")
    return folder / "reports" / "all"


def edited(folder: Path, _: str) -> Input:
    release = _release(folder)
    (release / "tables" / "relief.csv").write_text("a,b\nnicer,2\n")
    (release / "notes.txt").write_text("mine")
    return Input([release], command=("verify",))


def _both_are_named(run: Run) -> None:
    assert "edited" in run.said and "tables/relief.csv" in run.said
    assert "extra" in run.said and "notes.txt" in run.said


def between_tables_and_page(folder: Path, _: str) -> Input:
    release = _release(folder)
    half = release.with_name(_name("staging-HERE-abc").replace(".out", ".all")) / "tables"
    half.mkdir(parents=True)
    (half / "relief.csv").write_text("a,b\nnew,1\n")
    return Input([release], command=("verify",))


def newer_than_as_of(folder: Path, _: str) -> Input:
    return Input([_export(folder, 20)], command=("report", "--no-notebooks"), options=("--as-of", "2019-12-31"))


def other_surroundings(folder: Path, _: str) -> Input:
    return Input([_export(folder)])


def _same_elsewhere(run: Run) -> None:
    """The same command in another language, time zone, hash seed and folder."""
    out = run.out.parent / "elsewhere" / "out"
    out.parent.mkdir()
    surroundings = {"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "Asia/Kolkata", "PYTHONHASHSEED": "7"}
    environment = {**os.environ, **surroundings, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "outcomes", "clean", str(run.out.parent / "in" / "visits.csv"), "--out", str(out)]
    subprocess.run(command, cwd=out.parent, env=environment, capture_output=True, check=True)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in run.out.iterdir()}


LABELS = (
    *("=cmd|'/c calc'!A1", "<script>alert(1)</script>", "</title>", r"$\foo$", "{{7*7}}", "@SUM(1+9)", "+1+1", "-x"),
    *("<img src=x onerror=alert(1)>", '#read("a")', "  =1", '"=1'),
)


def labels(folder: Path, _: str) -> Input:
    header = ["patient_id", "visit_date", "pain_pre", "clinic_id", "modalities", "region"]
    rows = [
        [f"P{i:03}{j}", f"2026-01-{10 + j}", "5", label, label, label]
        for i, label in enumerate(LABELS)
        for j in range(6)
    ]
    return Input([_write(folder / "visits.csv", [header, *rows])])


def _nothing_is_run(run: Run) -> None:
    for path in sorted(run.out.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    bare = cell.lstrip(' "“”\t\r\n')
                    assert not bare.startswith(tuple("=+@＝＋＠")), f"{path.name}: {cell!r}"
                    assert not bare.startswith("-") or bare[1:2].isdigit(), f"{path.name}: {cell!r}"
    assert {row["term"].lstrip("'") for row in run.table("unknown_terms")}


FAULTS: tuple[Fault, ...] = (
    Fault(101, "killed", "A run was killed while it wrote", KEEP, (), killed,
          remedy="Run the command again: it removes what the killed one left.", check=_nothing_left),
    Fault(102, "no-access", "Nothing can be written there (full disk, no permission, open in another program)", REFUSE,
          ("refused by the system",), no_access, remedy="Make room, give access, or choose another --out."),
    Fault(103, "two-runs", "Another run writes the same folder", REFUSE, ("E951",), two_runs,
          remedy="Wait for the run that is named or stop it, or choose another --out.", check=_first_is_named),
    Fault(103, "two-machines", "A run of another machine writes the same folder, or was killed there", REFUSE,
          ("E952",), two_machines,
          remedy="Wait for the run that is named; if it is over, remove the lock file.", check=_machine_is_named),
    Fault(104, "worker-killed", "A process of the run was killed, as when memory runs out", REFUSE, ("E955",),
          worker_killed, remedy="Close other programs and run the command again.", check=_part_is_named),
    Fault(105, "worker-hangs", "A process of the run gives no answer", REFUSE, ("E956",), worker_hangs,
          remedy="For a very large export set OUTCOMES_LIMIT_MINUTES; else report the part that is named.",
          check=_limit_is_named),
    Fault(106, "edited", "A release was edited by hand, or holds other files", REFUSE, (), edited,
          remedy="`outcomes verify` names the files: take them away, or make the release again.",
          check=_both_are_named),
    Fault(107, "between", "The machine stopped between tables and page", KEEP, (), between_tables_and_page,
          remedy="None: the release that was there is still there, whole."),
    Fault(108, "as-of", "All visits are later than the as-of date", REFUSE, ("E883",), newer_than_as_of,
          remedy="Give the date the export was made, or leave --as-of out."),
    Fault(109, "surroundings", "Another language, time zone, hash seed or folder", KEEP, (), other_surroundings,
          remedy="None: the bytes are the same.", check=_same_elsewhere),
    Fault(110, "labels", "Labels that are formulas, HTML, template or typst code", KEEP, (), labels,
          remedy="None: they are shown as they are; in CSV a ' keeps a spreadsheet from running them.",
          check=_nothing_is_run),
)  # fmt: skip
