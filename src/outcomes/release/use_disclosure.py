"""Small numbers in the tables of use of treatments: hidden, and not to be worked out from what is shown.

What the rows of each table are to each other, all solved by `guarded_sums`:

====================  ==============================================================================================
table                 what a reader could subtract
====================  ==============================================================================================
by quarter            the quarters add up to all treatment visits; a few misdated ones may not be listed
by visit number       they and the maintenance visits add up to all treatment visits
by clinic, clinician  clinicians add up to their clinic, clinics to all treatment visits
families, of each     a visit has at least one family, and none more often than there are visits
co-use                the 2x2 tables of all pairs share their margins, and come from one list of sets of families
bundles               they add up to all treatment visits; families' totals stand in another table
paths, order          paths add up to all inception episodes, and those that left the order are among them
modalities            they add up to no less than their family
====================  ==============================================================================================

A mark `<5` says that the number is small, and stands only where no other of the same board is hidden; `hidden` says
nothing, for where another number has to go with a small one all bear that mark. The rows of `stages` are protected one
by one: those still coming are others at each visit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.release import group_boards, use_boards
from outcomes.release.guarded_sums import Board, Flags, hide, is_small, is_told
from outcomes.release.marks import HIDDEN, are_marks, level_marks, small_mark, write_mark
from outcomes.release.table_disclosure import protect_table

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
LIMITS = ("estimate", "conf_low", "conf_high")
PAIR_CELLS = ("n_both", "n_one", "n_other", "n_neither", "phi", "n_discordant")
SAME_VISIT = ("share", "before", "after", *LIMITS)
COUNTS = ("n", "events")
GROUPS = {"table": ["quarter"], "by_visit": ["visit"]}
MOST_CLINICIANS = 200
"""Clinicians, each once a clinic, whose numbers are looked at together; the work grows by more than the square."""


def protect_use(result: Any, floor: int) -> Any:
    """Return a result of `describe_modality_use` with small counts, and what would give them away, hidden."""
    summary = {key: _protect_count(key, value, floor) for key, value in result.summary.items()}
    changes: dict[str, Any] = {"summary": summary}
    totals = group_boards.Totals.of(result.families, floor)
    for name, keys in GROUPS.items():
        changes[name] = _protect_groups(getattr(result, name), keys, totals, floor)
    changes["by_clinic"], changes["by_clinician"] = _protect_nested(result, totals, floor)
    changes["families"] = _hide_families(protect_table(result.families, floor), totals)
    changes["modalities"] = _protect_modalities(result.modalities, totals, floor)
    changes["co_use"], changes["first_treatment"] = _protect_pairs(result, floor)
    changes["bundles"] = _protect_bundles(result.bundles, totals, floor)
    changes["pathway"], changes["stage_order"] = _protect_paths(result, floor)
    changes["stages"] = protect_table(result.stages, floor)
    return dataclasses.replace(result, **changes)


def protect_same_visit(result: Any, floor: int) -> Any:
    """Return a result of `describe_same_visit` protected: by row, and by what all visits less a family's would give."""
    table = result.table
    out = protect_table(table, floor)
    families = table[table["family"] != ALL]
    kept = group_boards.Totals.of(families.assign(n=table["n"].max(), events=families["n"]), floor).shown
    # Few visits with it, or without it, and what of the others would give such a number away.
    out_of_sight = np.array([not kept.get(str(name), True) for name in table["family"]], dtype=np.bool_)
    events = table["events"].to_numpy(dtype=float)
    few_patients = is_small(table["patients"].to_numpy(dtype=float), floor)
    others = is_small(events[0] - events, floor) if len(table) else out_of_sight
    write_mark(out, "n", out_of_sight & ~are_marks(out["n"]), HIDDEN)
    write_mark(out, "events", (out_of_sight | others) & ~are_marks(out["events"]), HIDDEN)
    lost = are_marks(out["events"]) | are_marks(out["n"]) | few_patients
    for name in SAME_VISIT:
        write_mark(out, name, lost & out[name].notna().to_numpy(), HIDDEN)
    write_mark(out, "patients", lost & ~are_marks(out["patients"]), HIDDEN)
    summary = {key: _protect_count(key, value, floor) for key, value in result.summary.items()}
    return dataclasses.replace(result, table=out, summary=summary)


def _hide_families(out: pd.DataFrame, totals: group_boards.Totals) -> pd.DataFrame:
    """Hide what else of the families' totals is not shown."""
    lost = np.array([not totals.shown[str(name)] for name in out["family"]], dtype=np.bool_)
    for name in ("events", *LIMITS):
        write_mark(out, name, lost & ~are_marks(out[name]) & out[name].notna().to_numpy(), HIDDEN)
    if not totals.told:
        level_marks(out, COUNTS)
    return out


def _protect_groups(table: pd.DataFrame, keys: list[str], totals: group_boards.Totals, floor: int) -> pd.DataFrame:
    if not len(table):
        return table
    grouped = group_boards.Grouped.of(table, keys)
    shown, told = _solve(group_boards.group_board(grouped, None, totals, floor), floor)
    return _mark_groups(table, grouped, shown, told, floor)


def _solve(board: Board, floor: int) -> tuple[Flags, bool]:
    """Return which sums are shown, and whether the mark of those that are not may say that they are small."""
    shown = hide(board, floor)
    return shown, is_told(board.published.values, shown, floor)


def _protect_nested(
    result: Any, totals: group_boards.Totals, floor: int
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Clinics and their clinicians together, because the clinicians of a clinic add up to it."""
    clinics, clinicians = result.by_clinic, result.by_clinician
    if clinicians is None or clinics is None:
        fine, keys = (clinics, ["clinic_id"]) if clinicians is None else (clinicians, ["clinic_id", "clinician_id"])
        done = None if fine is None else _protect_groups(fine, keys, totals, floor)
        return (done, None) if clinicians is None else (None, done)
    fine = group_boards.Grouped.of(clinicians, ["clinic_id", "clinician_id"])
    if fine.n.size > MOST_CLINICIANS:
        # With none of them shown nothing can be worked out of them, and clinics are protected by themselves.
        nothing = np.zeros(fine.n_published, dtype=np.bool_)
        return _protect_groups(clinics, ["clinic_id"], totals, floor), _mark_groups(
            clinicians, fine, nothing, False, floor
        )
    coarse = group_boards.Grouped.of(clinics, ["clinic_id"], fine.families)
    shown, told = _solve(group_boards.group_board(fine, coarse, totals, floor), floor)
    return (
        _mark_groups(clinics, coarse, shown[fine.n_published :], told, floor),
        _mark_groups(clinicians, fine, shown[: fine.n_published], told, floor),
    )


def _mark_groups(
    table: pd.DataFrame, grouped: group_boards.Grouped, shown: Flags, told: bool, floor: int
) -> pd.DataFrame:
    """Write marks: `shown` holds a flag for the size of each group, then one for each group and family."""
    out = table.copy()
    size = shown[: grouped.n.size][grouped.group]
    cell = shown[grouped.n.size : grouped.n_published].reshape(grouped.x.shape)[grouped.group, grouped.family]
    small_n = is_small(grouped.n[grouped.group], floor)
    _mark_counts(out, size, cell, small_n, told, floor)
    return out


def _mark_counts(out: pd.DataFrame, size: Flags, cell: Flags, small_n: Flags, told: bool, floor: int) -> None:
    """Mark `n` and `events` of a table of shares, and the share where one of both is hidden."""
    events = out["events"].to_numpy(dtype=float)
    for name in LIMITS:
        # A share beside one of the two counts would give the other.
        write_mark(out, name, ~(size & cell) & out[name].notna().to_numpy(), HIDDEN)
    few = is_small(events, floor) | small_n
    write_mark(out, "events", ~cell & ~few, HIDDEN)
    write_mark(out, "events", ~cell & few, small_mark(floor))
    write_mark(out, "n", ~size & ~small_n, HIDDEN)
    write_mark(out, "n", ~size & small_n, small_mark(floor))
    if not told:
        level_marks(out, COUNTS)


def _protect_modalities(table: pd.DataFrame, totals: group_boards.Totals, floor: int) -> pd.DataFrame:
    """Each by itself, and the smallest others of a family until a small one is not the family less the others."""
    out = protect_table(table, floor)
    events = table["events"].to_numpy(dtype=float)
    lost = np.array([not totals.shown.get(str(name), True) for name in table["family"]], dtype=np.bool_)
    for name in ("events", *LIMITS):
        write_mark(out, name, lost & ~are_marks(out[name]) & out[name].notna().to_numpy(), HIDDEN)
    for family, rows in table.reset_index(drop=True).groupby("family", sort=False).groups.items():
        at = np.asarray(rows, dtype=np.intp)
        total, hidden = totals.of_family(str(family)), are_marks(out["events"])[at]
        small = is_small(events[at], floor)
        order = at[np.argsort(events[at], kind="stable")]
        # With one of no small number hidden beside it, a small one may be anything.
        if small.any() and not (hidden & ~small).any() and _is_given_away(events[at], small, total, floor):
            rest = [i for i in order if not is_small(events[[i]], floor)[0]][:1]
            for name in ("events", *LIMITS):
                write_mark(out, name, np.isin(np.arange(len(out)), rest), HIDDEN)
        gone = are_marks(out["events"])[at]
        if (gone & ~small).any():
            level_marks(out, COUNTS, np.isin(np.arange(len(out)), at))
    return out


def _is_given_away(events: NDArray[np.float64], small: Flags, total: float, floor: int) -> bool:
    """Whether the family's total less what the others can be at most leaves a small one more than 1."""
    most = np.where(small, floor - 1.0, events)
    return any(total - (most.sum() - most[i]) > 1 for i in np.flatnonzero(small))


def _protect_pairs(result: Any, floor: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pairs of families at the first treatment visit, and the families themselves: the margins of the pairs."""
    table, first = result.co_use, result.first_treatment
    out, alone = table.copy(), protect_table(first, floor)
    if not len(table) or is_small(table["n"].to_numpy(dtype=float)[:1], floor)[0]:
        for name in PAIR_CELLS:
            write_mark(out, name, out[name].notna().to_numpy(), small_mark(floor) if name != "phi" else HIDDEN)
        write_mark(out, "n", np.ones(len(out), dtype=np.bool_), small_mark(floor))
        return out, alone
    pairs = use_boards.Pairs.of(table)
    shown, told = _solve(use_boards.pair_board(pairs, floor), floor)
    margin, cell = shown[: len(pairs.names)], shown[len(pairs.names) :]
    one, other = margin[pairs.one], margin[pairs.other]
    small = is_small(pairs.both, floor)
    write_mark(out, "n_both", ~cell & small, small_mark(floor))
    write_mark(out, "n_both", ~cell & ~small, HIDDEN)
    for name, flags in (("n_one", one), ("n_other", other), *((name, one & other) for name in PAIR_CELLS[3:])):
        write_mark(out, name, ~(cell & flags) & out[name].notna().to_numpy(), HIDDEN)
    in_pairs = {name: bool(flag) for name, flag in zip(pairs.names, margin, strict=True)}
    has_any = first["events"].to_numpy(dtype=float) > 0
    # A family that is counted with others of few visits has no margin of its own.
    kept = np.array([in_pairs.get(str(name), False) for name in first["family"]], dtype=np.bool_) | ~has_any
    for name in ("events", *LIMITS):
        write_mark(alone, name, ~kept & ~are_marks(alone[name]) & alone[name].notna().to_numpy(), HIDDEN)
    if not told:
        level_marks(out, PAIR_CELLS)
        level_marks(alone, COUNTS)
    return out, alone


def _protect_bundles(table: pd.DataFrame, totals: group_boards.Totals, floor: int) -> pd.DataFrame:
    out = table.copy()
    if not len(table):
        return out
    shown, told = _solve(use_boards.bundle_board(table, totals, floor), floor)
    whole = ~is_small(table["n"].to_numpy(dtype=float), floor)
    _mark_counts(out, whole, shown[: len(out)] & whole, ~whole, told, floor)
    return out


def _protect_paths(result: Any, floor: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders of the stages, and how often the clinic's own was kept, together."""
    paths, order = result.pathway, result.stage_order
    out, ordered = paths.copy(), order.copy()
    if not len(paths):
        return out, ordered
    shown, told = _solve(use_boards.path_board(paths, order, floor), floor)
    whole = ~is_small(paths["n"].to_numpy(dtype=float), floor)
    k, m = len(paths), len(order)
    _mark_counts(out, whole, shown[:k] & whole, ~whole, told, floor)
    n = shown[k : k + m]
    small_n = is_small(order["n"].to_numpy(dtype=float), floor)
    _mark_counts(ordered, n, shown[k + m :] & ~small_n, small_n, told, floor)
    return out, ordered


def _protect_count(key: str, value: Any, floor: int) -> Any:
    """A number in the summary, which counts visits, episodes or patients."""
    return small_mark(floor) if isinstance(value, int) and 0 < value < floor else value
