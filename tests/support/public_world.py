"""Random public releases: tables of one cohort, a nested sub-cohort, curves; and the same a few patients later.

A world is a list of patients (arrays of one length); a release counts them. So every release is consistent, and the
next one differs by the patients put in, taken out or moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from outcomes.release.public.model import (
    HIDDEN_CELL,
    Attacked,
    Cohort,
    CountCurve,
    CountTable,
    PublicRules,
    ShownTable,
)

STATES = ("relief", "no_relief", "unknown")
AFTER = ("back", "not_back", "too_early")
DAYS = np.arange(7, 183, 7)
COHORT = Cohort("patients", "patients", "d1")
RELIEVED = Cohort("relieved", "patients with relief", "d1", "state", "relief")


@dataclass(frozen=True)
class World:
    """Patients: state (0-2), state after relief, one level per table, day of relief (-1 never seen), last day seen."""

    state: np.ndarray
    after: np.ndarray
    levels: np.ndarray
    sizes: tuple[int, ...]
    ordered: tuple[bool, ...]
    day: np.ndarray
    last: np.ndarray
    curves: bool

    @property
    def n(self) -> int:
        return self.state.size

    def take(self, rows: np.ndarray) -> World:
        names = ("state", "after", "levels", "day", "last")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def add(self, other: World) -> World:
        names = ("state", "after", "levels", "day", "last")
        return replace(self, **{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names})


def draw_patients(rng: np.random.Generator, n: int, shape: World | None = None) -> World:
    """Draw patients; skewed levels, so that many are rare. With `shape`, more of the same kind."""
    if shape is None:
        n_tables = int(rng.integers(1, 4))
        sizes = tuple(int(rng.integers(2, 8)) for _ in range(n_tables))
        ordered = tuple(bool(rng.random() < 0.5) for _ in range(n_tables))
        curves = bool(rng.random() < 0.6)
    else:
        sizes, ordered, curves = shape.sizes, shape.ordered, shape.curves
    levels = np.column_stack([rng.choice(size, n, p=rng.dirichlet(np.full(size, 0.7))) for size in sizes])
    speed = rng.uniform(0.01, 0.08)
    day = np.ceil(rng.exponential(1 / speed, n)).astype(int)
    last = np.minimum(np.ceil(rng.exponential(rng.uniform(60, 400), n)).astype(int) + 1, 400)
    seen = day <= last
    state = np.where(seen & (day <= 28), 0, np.where(last > 28, 1, 2))
    return World(
        state,
        rng.choice(3, n, p=rng.dirichlet([2, 2, 0.7])),
        levels,
        sizes,
        ordered,
        np.where(seen, day, -1),
        last,
        curves,
    )


def name_row(t: int, i: int) -> str:
    """No two tables have a row of one name, as in a release: a curve's group is a row of the first alone."""
    return f"{1000 * t + 10 * i} to {1000 * t + 10 * i + 9} days"


def count_tables(world: World, definition: str = "d1") -> list[CountTable]:
    cohort, sub = replace(COHORT, definition=definition), replace(RELIEVED, definition=definition)
    state = np.bincount(world.state, minlength=3)[None, :]
    tables = [CountTable("state", cohort, ("all",), STATES, state.astype(np.int64))]
    for t, size in enumerate(world.sizes):
        counts = np.zeros((size, 3), dtype=np.int64)
        np.add.at(counts, (world.levels[:, t], world.state), 1)
        rows = tuple(name_row(t, i) for i in range(size))
        tables.append(CountTable(f"t{t}", cohort, rows, STATES, counts, world.ordered[t]))
    relieved = world.state == 0
    after = np.bincount(world.after[relieved], minlength=3)[None, :]
    tables.append(CountTable("after", sub, ("all",), AFTER, after.astype(np.int64)))
    return tables


def count_curve(world: World, group: str, definition: str = "d1") -> CountCurve:
    """Events and patients at risk on the grid; the estimate is Kaplan-Meier's at the grid, limits of Greenwood."""
    has = world.day > 0
    until = np.where(has, world.day, world.last)
    events = np.array([(has & (world.day <= d)).sum() for d in DAYS])
    at_risk = np.array([(until > d).sum() for d in DAYS])
    share, error = kaplan_meier(until, has, DAYS)
    return CountCurve(
        "relief",
        replace(COHORT, definition=definition),
        group,
        DAYS.astype(np.int64),
        np.diff(events, prepend=0).astype(np.int64),
        at_risk.astype(np.int64),
        share,
        np.clip(share - 1.96 * error, 0, 1),
        np.clip(share + 1.96 * error, 0, 1),
        world.n,
    )


def kaplan_meier(days: np.ndarray, event: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 - S and its Greenwood error at the days of a grid."""
    at = np.arange(1, int(grid.max()) + 1)
    risk = days.size - np.searchsorted(np.sort(days), at, side="left")
    died = np.bincount(days[event], minlength=at.size + 1)[1 : at.size + 1]
    safe = np.maximum(risk, 1)
    survival = np.cumprod(1 - died / safe)
    variance = np.cumsum(died / np.maximum(safe * (safe - died), 1))
    return 1 - survival[grid - 1], (survival * np.sqrt(variance))[grid - 1]


def count_curves(world: World, definition: str = "d1") -> list[CountCurve]:
    if not world.curves:
        return []
    groups = [count_curve(world, "all", definition)]
    for level in range(world.sizes[0]):
        part = world.take(np.flatnonzero(world.levels[:, 0] == level))
        if part.n:
            groups.append(count_curve(part, name_row(0, level), definition))
    return groups


def change(rng: np.random.Generator, world: World) -> World:
    """A quarter later: a few or many patients more, a few taken out, a few whose state became known."""
    out = world.take(np.flatnonzero(rng.random(world.n) > rng.choice([0, 0.005, 0.02])))
    if (more := int(rng.choice([0, 1, 2, 3, 5, 10, 12, 30, 100]))) > 0:
        out = out.add(draw_patients(rng, more, world))
    moved = rng.random(out.n) < rng.choice([0, 0.01, 0.05])
    state = np.where(moved, rng.choice(3, out.n), out.state)
    return replace(out, state=state)


def truth(tables: list[CountTable], shown: ShownTable) -> dict[str, int]:
    """True counts of the cells of a published table, by the attacker's names; rows put together are found by sums."""
    own = next(table for table in tables if table.name == shown.name)
    counts = _merge_to(own, shown)
    names = {f"{r} / {c}": int(counts[i, j]) for i, r in enumerate(shown.rows) for j, c in enumerate(shown.columns)}
    names |= {f"{r} / total": int(counts[i].sum()) for i, r in enumerate(shown.rows)}
    names |= {f"total / {c}": int(counts[:, j].sum()) for j, c in enumerate(shown.columns)}
    return names | {"total / total": int(counts.sum())}


def _merge_to(table: CountTable, shown: ShownTable) -> np.ndarray:
    if table.rows == shown.rows:
        return table.counts
    starts = [
        next(i for i, row in enumerate(table.rows) if row.split(" ")[0] == name.split(" ")[0]) for name in shown.rows
    ]
    ends = [*starts[1:], len(table.rows)]
    return np.vstack([table.counts[a:b].sum(axis=0) for a, b in zip(starts, ends, strict=True)])


def unprotected(tables: list[CountTable], rules: PublicRules) -> list[ShownTable]:
    """What is published with protection off: only cells of 1 to k-1 patients hidden, totals exact."""
    out = []
    for table in tables:
        counts = table.counts
        hidden = (counts > 0) & (counts < rules.k)
        out.append(
            ShownTable(
                table.name,
                table.cohort,
                table.rows,
                table.columns,
                np.where(hidden, HIDDEN_CELL, counts),
                tuple(counts.sum(axis=1).tolist()),
                tuple(counts.sum(axis=0).tolist()),
                1,
                (),
                int(counts.sum()),
            )
        )
    return out


def guesses_right(tables: list[CountTable], shown: tuple[ShownTable, ...], rules: PublicRules) -> bool:
    """Whether every hidden cell is of fewer than k patients, as a guessing reader takes it."""
    names = {table.name: truth(tables, table) for table in shown}
    return all(
        names[t.name][f"{r} / {c}"] < rules.k
        for t in shown
        for i, r in enumerate(t.rows)
        for j, c in enumerate(t.columns)
        if t.shown[i, j] == HIDDEN_CELL
    )


def find_leaks(
    found: tuple[Attacked, ...], *releases: tuple[list[CountTable], tuple[ShownTable, ...]]
) -> list[Attacked]:
    """Answers of the attacker that are too narrow and right; releases newest first, exact and as published."""
    names = [{table.name: truth(tables, table) for table in shown} for tables, shown in releases]
    return [
        item
        for item in found
        if not item.enough
        and (
            item.table not in names[item.release]
            or item.cell not in names[item.release][item.table]
            or item.low <= names[item.release][item.table][item.cell] <= item.high
        )
    ]
