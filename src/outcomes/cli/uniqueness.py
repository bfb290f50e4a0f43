"""What `outcomes clean` says of how many episodes of its tables single out one patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outcomes.cases.uniqueness import (
    AS_THEY_ARE,
    FEWEST_PATIENTS,
    MOST_UNIQUE_PERCENT,
    SMALL,
    Uniqueness,
    count_uniqueness,
    show_small,
)
from outcomes.errors import DisclosureError, Finding
from outcomes.records.counted import counted, joined

if TYPE_CHECKING:
    from outcomes.cases import Episodes

INSIDE_ONLY = "E909"
_BOUNDS = f"at most {MOST_UNIQUE_PERCENT:g} % unique, no group under {FEWEST_PATIENTS} patients"
_WORDS = {"age_band_10": "age band of ten years", "sex": "sex", "clinic": "clinic", "quarter": "start quarter"}


def describe_uniqueness(episodes: Episodes) -> list[str]:
    """Return what is unique on which columns; where that is too much, that the tables stay inside, and what helps.

    Empty where the export has none of the columns, or no episode.
    """
    found = count_uniqueness(episodes)
    own = found[0]
    if not own.columns or not own.n_episodes:
        return []
    group = f"the smallest group has {_patients(own.smallest_group)}"
    unique = f"{_share(own)} of {counted(own.n_episodes, 'episode')} are unique"
    said = f"by {_join(own.columns)}, {unique}: no other patient has one"
    if own.is_enough:
        return [f"{said} alike; {group}"]
    inside = "These tables are for use inside only and must not be handed on as research data."
    return [f"{INSIDE_ONLY} {said} alike; {group}. {inside}", *_describe_changes(found)]


def check_uniqueness(episodes: Episodes) -> None:
    """Refuse tables for research whose episodes single people out.

    Raises
    ------
    DisclosureError
        E970 with what was counted, the bounds, and which single change goes farthest.
    """
    found = count_uniqueness(episodes)
    own = found[0]
    if not own.columns or not own.n_episodes or own.is_enough:
        return
    what = f"by {_join(own.columns)}, {_share(own)} of {counted(own.n_episodes, 'episode')} are unique"
    what += f" and the smallest group has {_patients(own.smallest_group)} ({_BOUNDS})."
    remedy = (
        'Leave a column out, for example clinic_id = "" below [columns] in the mapping, or export coarser ages or day '
        "numbers instead of dates."
    )
    table = "\n".join(["Tables for research would single people out.", *_describe_changes(found)])
    raise DisclosureError(table, [Finding("E970", what, "", remedy)])


def _join(columns: Sequence[str]) -> str:
    return joined([_WORDS[name] for name in columns])


def _share(one: Uniqueness) -> str:
    return f"under {SMALL}" if 0 < one.n_unique < SMALL else f"{one.n_unique:,} ({one.unique_percent:.1f} %)"


def _patients(n: int) -> str:
    return f"under {SMALL} patients" if 0 < n < SMALL else counted(n, "patient")


def _describe_changes(found: list[Uniqueness]) -> list[str]:
    """Return which single change goes farthest, and a line for each."""
    changes = [one for one in found if one.change != AS_THEY_ARE]
    if not changes:
        return []
    best = min(changes, key=lambda one: (not one.is_enough, one.n_unique, -one.smallest_group))
    verdict = "which is within the bounds" if best.is_enough else "which is not enough either"
    lines = [
        f"of single changes, {best.change} goes farthest, {verdict} ({_BOUNDS}):",
        f"  {'made coarser':<26} {'unique':>14}   smallest group",
    ]
    return lines + [f"  {one.change:<26} {_share(one):>14}   {show_small(one.smallest_group)}" for one in found]
