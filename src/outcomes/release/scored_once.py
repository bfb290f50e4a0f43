"""Whether most episodes have a single pain score: their last one is then their first, and says nothing of relief."""

from __future__ import annotations

from outcomes.release.sentences import NotShowable, Tables, cell, look_up


def is_scored_once(tables: Tables) -> bool:
    """Whether more than half of the episodes that leave room for relief have one score; False where it is hidden."""
    try:
        n, once = (
            float(look_up(tables, cell("relief_summary", "value", "count", item=item))) for item in ("n", "n_one_visit")
        )
    except NotShowable:
        return False
    return once > n / 2


def last_score(tables: Tables) -> str:
    """Return "the last score", and that it is the only one of most where it is."""
    return "the last score" + (", which for most episodes is their only one" if is_scored_once(tables) else "")
