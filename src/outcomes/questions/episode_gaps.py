"""The same visits cut into episodes by a gap alone: the choice that moves every figure, tried at four lengths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

GAPS_DAYS = (30, 60, 90, 180)


def cut_by_gaps(episodes: Episodes) -> Iterator[tuple[int, Episodes]]:
    """Give each gap in days and the episodes it makes; a gap no longer than the window of the first rating is left out.

    Rules B and C ask for less than the gap; with them on, the gap alone would hardly matter, so both are off.
    """
    from outcomes.cases.episodes import build_episodes

    protocol = episodes.protocol
    for gap in GAPS_DAYS:
        if gap > protocol.baseline.window_days:
            other = replace(protocol.episode, gap_days=gap, relief_rule=False, new_onset_rule=False)
            yield gap, build_episodes(episodes.visits, replace(protocol, episode=other))
