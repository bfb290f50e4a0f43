"""Small numbers in comparisons of treatments: hidden, and not to be worked out from what is shown.

====================  ==============================================================================================
table                 what a reader could subtract
====================  ==============================================================================================
lines                 an arm from all eligible episodes; a row from one that looks at a few more, or fewer, episodes
diagnostics, units    both arms and those set aside add up to all eligible episodes, units to the arms
gate                  its numbers of episodes, of those relieved and of those in common support are those of the lines
overlap               bins add up to the arm: neighbouring bins are merged until none of either arm is small
balance               of facts an arm hardly has, and of habits, a full difference tells counts: two decimals are given
levels                the levels of a factor add up to the family, so that a small one takes another with it
classes               they add up to all eligible episodes, some of them to an arm, and the last are parts of others
recording, changed    parts of one number
pairs                 2x2 tables that share their margins, as those of use of treatments (`use_boards`)
====================  ==============================================================================================

What is solved, and not looked up in a rule, is `guarded_sums`. A weighted estimate does not give its arms away: it is
hidden where an arm, those relieved in it or those not are small, and otherwise stays when only a count has to go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.questions.habits import HABIT
from outcomes.release import modality_boards as boards
from outcomes.release.guarded_sums import Flags, hide, is_small
from outcomes.release.marks import HIDDEN, are_marks, level_marks, mark_counts, read_numbers, small_mark, write_mark
from outcomes.release.modality_more import are_classes_hidden, hide_errors, protect_more, protect_summary
from outcomes.release.table_disclosure import find_cover

if TYPE_CHECKING:
    import pandas as pd

Key = tuple[str, ...]
COUNTS = ("n_with", "n_without", "events_with", "events_without")
ESTIMATES = ("estimate", "conf_low", "conf_high", "p_value", "q_value", "with_value", "without_value")
OF_FIT = (
    *("effective_with", "effective_without", "largest_smd", "detectable_low", "detectable_high"),
    *("e_value", "e_value_limit"),
)
ASIDE = ("set_aside_always", "set_aside_never", "set_aside_few")
SMD = ("smd_before", "smd_after")
MAIN = ("adjusted", "joint", "level", "known_mismatch", "clinic_example")
CUTS = ("strict", "lenient")
"""Lines whose arms are other sums of the same classes."""
BY_CLINIC = "without_clinic"
OF_ARMS = {"episodes": "n", "events": "events"}
COUNT_CHECKS = (*OF_ARMS, "support", "events for all families")
CONCORDANT = "concordant"


def protect_comparison(result: Any, floor: int, beside: Any = None) -> Any:
    """Return a result of `compare_modalities` with small counts, and what would give them away, hidden.

    Parameters
    ----------
    result : ModalityComparison
    floor : int
        Smallest count that is shown, besides 0.
    beside : ModalityComparison, optional
        The answer on all families at once where a reader has it too: its arms are those of one family before anybody
        was set aside.
    """
    more = protect_more(result, floor)
    units, wholes = _rows(result.units), _find_wholes(beside if result.question == "one_family" and beside else result)
    marks = {
        key: _hide_sizes(own.iloc[0], units.get(key), wholes.get(key), floor)
        for key, own in _rows(result.diagnostics).items()
    }
    _cover_levels(result, marks, floor)
    # Lines of all families at once count all eligible episodes, those set aside for a single family too.
    hides = {} if result.question == "all_families" else marks
    table = _protect_lines(result.table, hides, floor, are_classes_hidden(more))
    lost = _list_lost(table)
    changes: dict[str, Any] = {
        "table": table,
        "diagnostics": _protect_diagnostics(result.diagnostics, marks, lost, floor),
        "units": _protect_units(result.units, marks, floor),
        "gate": _protect_gate(result.gate, marks, lost, floor),
        "overlap": _protect_overlap(result.overlap, marks, lost, floor),
        "balance": _protect_balance(result.balance, lost),
        "summary": protect_summary(result, floor),
        "more": hide_errors(more, (CONCORDANT,) in lost),
    }
    return dataclasses.replace(result, **changes)


# -- sizes of arms, those set aside, units -----------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class _Sizes:
    """Which sizes of one contrast may be shown, and what they are."""

    shown: dict[str, bool]
    units: Flags
    values: dict[str, float]
    cells: NDArray[np.float64]

    @property
    def whole(self) -> bool:
        """Whether both arms may be shown."""
        return self.shown["n_with"] and self.shown["n_without"]

    def is_told(self, floor: int) -> bool:
        """Whether all that is hidden of it is small, so that the marks may say so."""
        names = [name for name, flag in self.shown.items() if not flag]
        gone = [*(self.values[name] for name in names), *self.cells[~self.units].tolist()]
        return bool(is_small(np.array(gone, dtype=float), floor).all())


def _keys(table: pd.DataFrame) -> list[Key]:
    """Name of the contrast of each row, after factor and level where there are any."""
    names = [name for name in ("factor", "level", "contrast") if name in table]
    return [tuple(str(v) for v in values) for values in zip(*(table[name].tolist() for name in names), strict=True)]


def _places(table: pd.DataFrame) -> dict[Key, NDArray[np.intp]]:
    """Positions of the rows of each contrast, in the order of the table."""
    found: dict[Key, list[int]] = {}
    for i, key in enumerate(_keys(table)):
        found.setdefault(key, []).append(i)
    return {key: np.array(rows, dtype=np.intp) for key, rows in found.items()}


def _rows(table: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    return {key: table.iloc[rows] for key, rows in _places(table).items()}


def _hide_sizes(
    row: pd.Series[Any], units: pd.DataFrame | None, whole: tuple[float, float] | None, floor: int
) -> _Sizes:
    """Solve for what may be shown of both arms, those set aside and the units."""
    names = ("n_with", "n_without", *ASIDE)
    values = {name: float(row[name]) for name in names}
    cells = np.zeros((0, 2)) if units is None else units[["n_with", "n_without"]].to_numpy(dtype=float)
    shown = hide(boards.size_board(values, cells, whole, floor), floor)
    flags = {name: bool(flag) for name, flag in zip(names, shown[: len(names)], strict=True)}
    # A small arm, or one that has to go, is what the other leaves of all eligible episodes.
    if any(is_small(np.array([values[name]]), floor)[0] for name in ("n_with", "n_without")):
        flags |= {"n_with": False, "n_without": False}
    return _Sizes(flags, shown[len(names) :].reshape(cells.shape), values, cells)


def _find_wholes(result: Any) -> dict[Key, tuple[float, float]]:
    """Both arms before anything was set aside, where they are published."""
    if result.question == "identified_muscle":
        return {(CONCORDANT,): (float(result.summary["n_concordant"]), float(result.summary["n_discordant"]))}
    if result.question == "all_families":
        firsts = {key: own.iloc[0] for key, own in _rows(result.table).items()}
        return {key: (float(line["n_with"]), float(line["n_without"])) for key, line in firsts.items()}
    return {}


def _cover_levels(result: Any, marks: dict[Key, _Sizes], floor: int) -> None:
    """Hide the arms of further levels where one has a small arm."""
    if "level" not in result.diagnostics:
        return
    groups: dict[tuple[str, str], list[Key]] = {}
    for key in marks:
        groups.setdefault((key[0], key[-1]), []).append(key)
    for keys in groups.values():
        for arm in ("n_with", "n_without"):
            small, extra = find_cover([int(marks[key].values[arm]) for key in keys], floor)
            for i in (*small, *extra):
                marks[keys[i]].shown |= {"n_with": False, "n_without": False}


# -- the lines ---------------------------------------------------------------------------------------------------------


def _protect_lines(table: pd.DataFrame, marks: dict[Key, _Sizes], floor: int, classes_hidden: bool) -> pd.DataFrame:
    out = table.copy()
    counts = {name: read_numbers(table[name]) for name in COUNTS}
    small = {name: is_small(values, floor) for name, values in counts.items()}
    few_n = small["n_with"] | small["n_without"]
    few = few_n | small["events_with"] | small["events_without"]
    for arm in ("with", "without"):
        few |= is_small(np.nan_to_num(counts[f"n_{arm}"] - counts[f"events_{arm}"]), floor)
    for name in ESTIMATES:
        write_mark(out, name, few & out[name].notna().to_numpy(), HIDDEN)
    gone = {name: few_n if name.startswith("n_") else few for name in COUNTS}
    for name, flags in _hide_more(table, marks, counts, floor, classes_hidden, few).items():
        gone[name] = gone[name] | flags
    for name in COUNTS:
        write_mark(out, name, gone[name] & np.isfinite(counts[name]) & ~small[name], HIDDEN)
        write_mark(out, name, small[name], small_mark(floor))
    # Both arms are a whole that a reader may know: which of them is small is not told.
    level_marks(out, COUNTS)
    return out


def _hide_more(
    table: pd.DataFrame,
    marks: dict[Key, _Sizes],
    counts: dict[str, NDArray[np.float64]],
    floor: int,
    classes_hidden: bool,
    few: Flags,
) -> dict[str, Flags]:
    """Counts to be hidden that are not small: what others would give away."""
    near = _find_near(table, counts, floor, few)
    if classes_hidden:
        near |= table["analysis"].isin(CUTS).to_numpy()
    flags = {name: near.copy() for name in COUNTS}
    places = _places(table)
    for key, sizes in marks.items():
        for name in ("n_with", "n_without"):
            if not sizes.shown[name]:
                # Without one clinic, then another: together such rows give the whole back.
                flags[name][places.get(key, np.zeros(0, dtype=np.intp))] = True
    return flags


def _find_near(table: pd.DataFrame, counts: dict[str, NDArray[np.float64]], floor: int, few: Flags) -> Flags:
    """Rows whose counts are those of an earlier row of the same contrast less, or more, a few.

    Without each clinic in turn, what is left out adds up: there one such row takes the others with it.
    """
    values = np.column_stack([counts[name] for name in COUNTS])
    keys = np.array(["\t".join(key) for key in _keys(table)], dtype=object)
    apart = np.abs(values[:, None, :] - values[None, :, :])
    with np.errstate(invalid="ignore"):
        near = ((apart > 0) & (apart < floor)).any(axis=2)
    found: Flags = np.tril(near & (keys[:, None] == keys[None, :]), -1).any(axis=1)
    clinic = (table["analysis"] == BY_CLINIC).to_numpy()
    for key in set(keys[clinic & (found | few)]):
        found |= clinic & (keys == key)
    return found


def _list_lost(table: pd.DataFrame) -> set[Key]:
    """Contrasts whose main line is hidden."""
    main = (table["analysis"].isin(MAIN) & (table["scale"] == "difference")).to_numpy()
    marked = are_marks(table["events_with"]) | are_marks(table["events_without"]) | are_marks(table["estimate"])
    return {key for key, flag in zip(_keys(table), main & marked, strict=True) if flag}


# -- beside the lines --------------------------------------------------------------------------------------------------


def _protect_diagnostics(table: pd.DataFrame, marks: dict[Key, _Sizes], lost: set[Key], floor: int) -> pd.DataFrame:
    out = table.copy()
    keys = _keys(table)
    for name in ("n_with", "n_without", *ASIDE):
        gone = np.array([not marks[key].shown[name] for key in keys], dtype=np.bool_)
        mark_counts(out, name, gone, floor)
    level_marks(
        out, ("n_with", "n_without", *ASIDE), np.array([not marks[key].is_told(floor) for key in keys], dtype=bool)
    )
    hidden = np.array([key in lost for key in keys], dtype=np.bool_)
    for arm in ("with", "without"):
        # A mean over few is a fraction with few below, and over a hidden number it is a hint at that number.
        gone = hidden | np.array([not marks[key].shown[f"n_{arm}"] for key in keys], dtype=np.bool_)
        for name in (f"ratings_{arm}", f"gap_{arm}_days"):
            if name in out:
                write_mark(out, name, gone & out[name].notna().to_numpy(), HIDDEN)
    for name in OF_FIT:
        write_mark(out, name, hidden & out[name].notna().to_numpy(), HIDDEN)
    for name in ("effective_with", "effective_without"):
        values = read_numbers(table[name])
        write_mark(out, name, np.isfinite(values) & (values < floor), small_mark(floor))
    return out


def _protect_units(table: pd.DataFrame, marks: dict[Key, _Sizes], floor: int) -> pd.DataFrame:
    out = table.copy()
    for key, at in _places(table).items():
        sizes = marks[key]
        for j, name in enumerate(("n_with", "n_without")):
            gone = np.zeros(len(table), dtype=np.bool_)
            # Units add up to their arm: with the arm hidden, they go too.
            gone[at] = ~sizes.units[:, j] | (not sizes.whole)
            if not sizes.is_told(floor):
                write_mark(out, name, gone, HIDDEN)
            elif is_small(np.array([sizes.values[name]]), floor)[0]:
                write_mark(out, name, gone, small_mark(floor))
            mark_counts(out, name, gone & ~are_marks(out[name]), floor)
    return out


def _protect_gate(table: pd.DataFrame, marks: dict[Key, _Sizes], lost: set[Key], floor: int) -> pd.DataFrame:
    """The numbers a contrast was decided on: hidden with the arms, those relieved, or the estimate."""
    out = table.copy()
    apart = {key for key, own in _rows(table).items() if key in marks and _is_apart(own, marks[key], floor)}
    values = {arm: read_numbers(table[f"{arm}_value"]) for arm in ("with", "without")}
    few = is_small(values["with"], floor) | is_small(values["without"], floor)
    counted = table["check"].isin([*COUNT_CHECKS, "effective size"]).to_numpy()
    gone = np.zeros(len(table), dtype=np.bool_)
    for i, (key, check) in enumerate(zip(_keys(table), table["check"].tolist(), strict=True)):
        if not counted[i]:
            continue
        gone[i] = key in lost and check != "episodes"
        gone[i] |= check != "effective size" and not marks[key].whole
        gone[i] |= check == "support" and key in apart
        gone[i] |= check in OF_ARMS and few[i]
    for arm, own in values.items():
        write_mark(out, f"{arm}_value", gone & np.isfinite(own), HIDDEN)
        write_mark(out, f"{arm}_value", counted & (own > 0) & (own < floor), small_mark(floor))
    level_marks(out, ("with_value", "without_value"))
    return out


def _is_apart(own: pd.DataFrame, sizes: _Sizes, floor: int) -> bool:
    """Whether common support, or what lies outside it, is small in one of the arms."""
    rows = own[own["check"] == "support"]
    if rows.empty:
        return False
    inside = rows[["with_value", "without_value"]].to_numpy(dtype=float)[0]
    outside = np.array([sizes.values["n_with"], sizes.values["n_without"]]) - inside
    return bool(is_small(np.concatenate([inside, outside]), floor).any())


def _protect_overlap(table: pd.DataFrame, marks: dict[Key, _Sizes], lost: set[Key], floor: int) -> pd.DataFrame:
    """Merge neighbouring bins, of both arms alike, until none is small."""
    import pandas as pd

    parts = []
    for key, own in _rows(table).items():
        if key in lost or not marks[key].whole:
            # One bin for all: where it begins and ends says nothing.
            merged = _merge(own, [(0, len(own) // 2)])
            write_mark(merged, "n", np.ones(len(merged), dtype=np.bool_), HIDDEN)
        else:
            counts = np.stack([own.loc[own["arm"] == arm, "n"].to_numpy(dtype=float) for arm in ("with", "without")])
            merged = _merge(own, list(find_bins(counts, floor)))
        parts.append(merged)
    return pd.concat(parts, ignore_index=True) if parts else table.copy()


def find_bins(counts: NDArray[np.float64], floor: int) -> Iterator[tuple[int, int]]:
    """Give the first and past-the-last of the bins to be merged.

    Parameters
    ----------
    counts : ndarray, shape (2, bins)
        Of both arms.
    """
    ends: list[int] = []
    first = 0
    for last in range(1, counts.shape[1] + 1):
        if not is_small(counts[:, first:last].sum(axis=1), floor).any():
            ends.append(last)
            first = last
    # What is left over at the far end joins the bins before it.
    while ends and first < counts.shape[1]:
        ends.pop()
        first = ends[-1] if ends else 0
        if not is_small(counts[:, first:].sum(axis=1), floor).any():
            ends.append(counts.shape[1])
            first = counts.shape[1]
    if first < counts.shape[1]:
        ends.append(counts.shape[1])
    yield from zip([0, *ends[:-1]], ends, strict=True)


def _merge(own: pd.DataFrame, bins: list[tuple[int, int]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for _, part in own.groupby("arm", sort=False):
        cells = part.to_dict("records")
        for first, end in bins:
            n = sum(int(cell["n"]) for cell in cells[first:end])
            rows.append(cells[first] | {"to_propensity": cells[end - 1]["to_propensity"], "n": n})
    return pd.DataFrame(rows, columns=list(own.columns))


def _protect_balance(table: pd.DataFrame, lost: set[Key]) -> pd.DataFrame:
    out = table.copy()
    hidden = np.array([key in lost for key in _keys(table)], dtype=np.bool_)
    scarce = (~table["is_adjusted"].to_numpy(dtype=bool)) | (table["column"] == HABIT).to_numpy(dtype=bool)
    for name in SMD:
        out[name] = np.where(scarce, np.round(read_numbers(table[name]), 2), read_numbers(table[name]))
        write_mark(out, name, hidden & out[name].notna().to_numpy(), HIDDEN)
    return out
