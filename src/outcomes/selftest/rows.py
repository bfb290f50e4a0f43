"""Nothing is lost: every line of a made-up export is used, merged, set aside or no record, whatever its order."""

from __future__ import annotations

import random
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.cases import build_episodes, build_visits
from outcomes.records import read_records
from outcomes.selftest.checks import Check, equal, holds
from outcomes.simulate import write_simulation

if TYPE_CHECKING:
    from outcomes.cases import Visits

PATIENTS, SEED = 600, 20261126
_BROKEN = {
    "E141": lambda line: line + ",more",
    "E142": lambda line: line.rsplit(",", 1)[0],
    "E146": lambda line: line.replace(",", ",\0", 1),
}
"""What is done to a line, and the rule that must find it."""


def check_dirty_export() -> list[Check]:
    """An export as dirty as real ones: the account of every step, and every line of the file in it."""
    with tempfile.TemporaryDirectory(prefix="outcomes-selftest-") as folder:
        out = Path(folder) / "dirty"
        write_simulation(out, patients=PATIENTS, seed=SEED, profile="chiro")
        n_lines = (out / "visits.csv").read_bytes().count(b"\n")
        visits = _clean(out / "visits.csv", mapping=out / "mapping.toml")
    steps = build_episodes(visits).ledger.steps
    by_unit = [(a, b) for a, b in pairwise(steps) if a.unit == b.unit]
    joined = all(a.kept == b.rows_in for a, b in by_unit)
    pairs = f"{len(by_unit)} {'pair' if len(by_unit) == 1 else 'pairs'} of steps"
    added = all(s.kept + s.n_merged + s.n_set_aside + s.n_not_data == s.rows_in for s in steps)
    n_aside = sum(step.n_set_aside for step in steps if step.unit in ("rows", "records"))
    rows = set(zip(*(visits.quarantine[name].to_pylist() for name in ("source_file", "source_row")), strict=True))
    return [
        equal("Every line of the file is in the account of reading", steps[0].rows_in, n_lines),
        holds("Rows in = used + merged + set aside + no record, at every step", added, f"{len(steps)} steps"),
        holds("What one step keeps is what the next begins with", joined, pairs),
        equal("Every row set aside is listed with its rule", len(rows), n_aside),
    ]


def check_order_and_files() -> list[Check]:
    """The same lines in another order, and in two files, give the same visits; broken lines are found one by one."""
    with tempfile.TemporaryDirectory(prefix="outcomes-selftest-") as folder:
        out = Path(folder) / "clean"
        write_simulation(out, patients=PATIENTS, seed=SEED, profile="physio", clean=True)
        head, *lines = (out / "visits.csv").read_text(encoding="utf-8").splitlines()
        lines = _one_a_day(head, lines)
        first = _clean(_write(out / "first.csv", head, lines))
        shuffled = random.Random(SEED).sample(lines, len(lines))  # noqa: S311 (an order, no secret)
        again = _clean(_write(out / "shuffled.csv", head, shuffled))
        half = len(shuffled) // 2
        parts = [_write(out / f"{i}.csv", head, part) for i, part in enumerate((shuffled[:half], shuffled[half:]))]
        split = _clean(*parts)
        found = {code: _break(out, head, lines, code) for code in _BROKEN}
    return [
        holds(
            "Rows in another order give the same visits (one a patient and day)",
            _same(first, again),
            f"{first.n:,} visits",
        ),
        holds("The same rows in two files give the same visits", _same(first, split), f"{first.n:,} visits"),
        *(
            equal(f"A line broken by hand is set aside under {code}, and no other", listed, [(code, row)])
            for code, (row, listed) in found.items()
        ),
    ]


def _break(out: Path, head: str, lines: list[str], code: str) -> tuple[int, list[tuple[str, int]]]:
    """Break one line in the middle; return its row as an editor shows it, and what was set aside."""
    at = len(lines) // 2
    broken = [*lines[:at], _BROKEN[code](lines[at]), *lines[at + 1 :]]
    aside = _clean(_write(out / f"{code}.csv", head, broken)).quarantine
    return at + 2, list(zip(aside["code"].to_pylist(), aside["source_row"].to_pylist(), strict=True))


def _one_a_day(head: str, lines: list[str]) -> list[str]:
    """Keep the first line of each patient and day: which of two came first is told by their order alone."""
    names = head.split(",")
    at = [names.index(name) for name in ("patient_id", "visit_date")]
    first = {tuple(line.split(",")[i] for i in at): line for line in reversed(lines)}
    return [line for line in lines if first[tuple(line.split(",")[i] for i in at)] == line]


def _same(one: Visits, other: Visits) -> bool:
    """Whether two tables of visits differ in nothing but where the rows stood."""
    return one.table.drop(columns="source_row").equals(other.table.drop(columns="source_row"))


def _write(path: Path, head: str, lines: list[str]) -> Path:
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    return path


def _clean(*paths: Path, mapping: Path | None = None) -> Visits:
    return build_visits(read_records(list(paths), mapping))
