"""Make the rows the comparisons of treatments are timed on: two arms from a simulated clinic, and what is adjusted for.

The arms are the episodes that began with electrical stimulation and those that began without it, as `compare_families`
forms them: a clean export is simulated, read and cut into episodes, and the episodes of clinicians who always, or
never, treat so are left out. About as many rows as asked for, and some 70 columns; peers get the very columns that ours
chose.

===============  =============  ===========================================================================
column           length         what
===============  =============  ===========================================================================
x01 ... x70      rows           baseline and its square, flags, dummies of bands and of clinicians
treated          rows           1 or 0
left, right      rows           relief in ``(left, right]``, whole days; ``inf`` if never seen
patient          rows           0 ... patients - 1
times_drawn      patients       how often each patient is in the draw that all tools are compared on
grid             distinct       every finite ``left`` and ``right``
===============  =============  ===========================================================================
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from estimate_job import Columns

if TYPE_CHECKING:
    from outcomes.cases import Episodes

FAMILY = "electrical"
PATIENTS_A_ROW = 0.862
SEED = 7


def make_clinic(n: int) -> Episodes:
    """The episodes of a clean export with about so many that can be compared."""
    from outcomes import build_episodes, build_visits, read_records
    from outcomes.simulate import simulate, write_export

    with tempfile.TemporaryDirectory() as place:
        write_export(simulate(round(PATIENTS_A_ROW * n), SEED, clean=True), place)
        return build_episodes(build_visits(read_records(Path(place) / "visits.csv")))


def make_treated(kind: str, n: int) -> Columns:
    """The rows of one family of treatments."""
    from outcomes.cases.first_treatment import build_treatment_rows
    from outcomes.questions.treatment_arms import choose_columns_of, family_arms, keep_comparable

    if kind != "days":
        raise ValueError("relief is only known to the day")
    episodes = make_clinic(n)
    arms, units = keep_comparable(episodes, family_arms(episodes, build_treatment_rows(episodes), FAMILY))
    X = choose_columns_of(episodes, arms, units).table
    names, patient = np.unique(arms.rows.patient, return_inverse=True)
    left, right = arms.rows.left_days, arms.rows.right_days
    drawn = np.random.default_rng([SEED, n]).multinomial(names.size, np.full(names.size, 1 / names.size))
    columns = {f"x{place:02d}": column for place, column in enumerate(X.T, start=1)}
    rows = {"treated": arms.treated, "left": left, "right": right, "patient": patient, "times_drawn": drawn}
    return columns | rows | {"grid": np.unique(np.concatenate([left, right[np.isfinite(right)]]))}
