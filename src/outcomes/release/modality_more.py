"""Small numbers in the tables that belong to one question on treatments (the rule itself: `modality_disclosure`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release import modality_boards as boards
from outcomes.release import use_boards
from outcomes.release.guarded_sums import Flags, hide, is_small, is_told
from outcomes.release.marks import HIDDEN, level_marks, mark_counts, small_mark, write_mark
from outcomes.release.return_disclosure import OF_LEVELS, protect_levels

if TYPE_CHECKING:
    import pandas as pd

LIMITS = ("estimate", "conf_low", "conf_high")
COUNTED = ("n", "n_patients", "n_events", "n_known", "n_unknown_term")
PAIR_CELLS = ("n_both", "n_a_only", "n_b_only", "n_neither")


def protect_more(result: Any, floor: int) -> dict[str, pd.DataFrame]:
    """Return the tables of one question, protected.

    Parameters
    ----------
    result : ModalityComparison
    floor : int
    """
    more = dict(result.more)
    if "classes" in more:
        more["classes"] = _protect_classes(result, floor)
    if "recording" in more and len(more["recording"]):
        more["recording"] = _protect_recording(more["recording"], floor)
    if "changed" in more:
        more["changed"] = _protect_changed(more["changed"], floor)
    if "pairs" in more and len(more["pairs"]):
        more["pairs"] = _protect_pairs(more["pairs"], floor)
    return more


def hide_errors(more: dict[str, pd.DataFrame], is_lost: bool) -> dict[str, pd.DataFrame]:
    """Hide the band of errors where the main comparison is hidden: it is a multiple of it."""
    if "misclassification" not in more or not is_lost:
        return more
    out = more["misclassification"].copy()
    for name in LIMITS:
        write_mark(out, name, out[name].notna().to_numpy(), HIDDEN)
    return more | {"misclassification": out}


def protect_summary(result: Any, floor: int) -> dict[str, Any]:
    """Return the summary without small counts, and without those of classes that are hidden in their table."""
    out = dict(result.summary)
    for name in COUNTED:
        if isinstance(out.get(name), int) and 0 < out[name] < floor:
            out[name] = small_mark(floor)
    if "classes" not in result.more:
        return out
    table = result.more["classes"]
    shown, told = _show_classes(result, floor)
    places = {f"n_{name}": i for i, name in enumerate(table["class"])}
    places |= {name: 2 * len(table) + i for i, name in enumerate(boards.SUMMED)}
    for name, i in places.items():
        if name in out and not shown[i]:
            out[name] = small_mark(floor) if told and 0 < int(result.summary[name]) < floor else HIDDEN
    return out


def are_classes_hidden(more: dict[str, pd.DataFrame]) -> bool:
    """Whether a number of the protected table of classes is hidden, other than of those that are parts of others."""
    if "classes" not in more:
        return False
    whole = more["classes"][~more["classes"]["class"].isin(boards.PARTS_OF_OTHERS)]
    return bool(whole[["n", "events"]].map(lambda value: isinstance(value, str)).to_numpy().any())


def _show_classes(result: Any, floor: int) -> tuple[Flags, bool]:
    """Which numbers of the classes are shown, and whether the marks of the others may say that they are small."""
    board = boards.class_board(result.more["classes"], result.summary, floor)
    shown = hide(board, floor)
    return shown, is_told(board.published.values, shown, floor)


def _protect_classes(result: Any, floor: int) -> pd.DataFrame:
    table = result.more["classes"]
    out, k = table.copy(), len(table)
    shown, told = _show_classes(result, floor)
    n, events = table["n"].to_numpy(dtype=float), table["events"].to_numpy(dtype=float)
    few = is_small(np.stack([n, events, n - events]), floor).any(axis=0) | ~shown[:k] | ~shown[k : 2 * k]
    for name in LIMITS:
        write_mark(out, name, few & out[name].notna().to_numpy(), HIDDEN)
    mark_counts(out, "n", ~shown[:k], floor)
    mark_counts(out, "events", ~shown[k : 2 * k], floor)
    # With a small class the number relieved in it, even 0, would say too much.
    write_mark(out, "events", is_small(n, floor), small_mark(floor))
    if not told:
        level_marks(out, ("n", "events"))
    return out


def _protect_recording(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Units add up to all episodes, and to all with both muscles recorded: by the rule of levels of a factor."""
    named = {"n_recorded": "events", "share": "estimate"}
    laid = table.rename(columns=named).assign(factor="unit", **dict.fromkeys(OF_LEVELS[1:], np.nan))
    out = protect_levels(laid, floor).rename(columns={value: key for key, value in named.items()})
    return out[list(table.columns)]


def _protect_changed(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    out = table.copy()
    n, again, changed = (table[name].to_numpy(dtype=float) for name in ("n", "n_again", "n_changed"))
    few = is_small(np.stack([again, n - again, changed, again - changed]), floor).any(axis=0)
    for name in ("n_again", "n_changed", "share"):
        write_mark(out, name, few & out[name].notna().to_numpy(), HIDDEN)
    write_mark(out, "n", is_small(n, floor), small_mark(floor))
    return out


def _protect_pairs(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Pairs of families: by the board of use of treatments; all four numbers of a pair are shown, or none."""
    out = table.copy()
    named = {"family_a": "family", "family_b": "other_family", "n_a_only": "n_one", "n_b_only": "n_other"}
    laid = table.rename(columns=named)
    laid = laid.assign(n=table[list(PAIR_CELLS)].sum(axis=1))
    pairs = use_boards.Pairs.of(laid)
    shown = hide(use_boards.pair_board(pairs, floor), floor)
    own, both = shown[: len(pairs.names)], shown[len(pairs.names) :]
    gone = ~(both & own[pairs.one] & own[pairs.other])
    for name in (*PAIR_CELLS, "variance_inflation"):
        write_mark(out, name, gone, HIDDEN)
    return out
