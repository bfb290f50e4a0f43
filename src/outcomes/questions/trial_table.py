"""The table a comparison writes of itself: the trial one would run, part by part, and what stands in for it.

Hernan and Robins 2016, doi:10.1093/aje/kwv254; reported as TARGET asks (Cashin et al. 2025,
doi:10.1001/jama.2025.13350).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TRIAL_COLUMNS = ("part", "ideal", "emulated")
TRIAL_PARTS = (
    "Eligibility",
    "Strategies",
    "Assignment",
    "Time zero",
    "Follow-up",
    "Outcome",
    "Estimand",
    "Analysis",
)


def tabulate_trial(said: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return one row a part, in the order of `TRIAL_PARTS` (`TRIAL_COLUMNS`).

    Parameters
    ----------
    said : mapping of str to (str, str)
        Part to what it would be in the trial, and what it is in these records; every part.
    """
    import pandas as pd

    return pd.DataFrame([(part, *said[part]) for part in TRIAL_PARTS], columns=list(TRIAL_COLUMNS))
