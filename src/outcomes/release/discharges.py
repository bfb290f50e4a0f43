"""Whether the export records who was discharged or referred; where it does not, they are counted among the stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcomes.cases import Episodes

SENT_ON = ("discharged", "referred")
"""Ends of an episode that cannot be seen without a record of discharge."""
NOT_RECORDED = "Discharge and referral are not recorded in this export"


def is_discharge_recorded(episodes: Episodes) -> bool:
    """Whether a discharge, or its reason, is on record for anybody: 0 of none recorded is no number."""
    import numpy as np

    words = list(map(str, episodes.labels["end_reason"]))
    codes = [words.index(end) for end in SENT_ON if end in words]
    reason = episodes.visits.columns.get("discharge_reason")
    return bool(np.isin(episodes.columns["end_reason"], codes).any() or (reason is not None and (reason >= 0).any()))
