"""The muscle group of an episode, as a table a reader can check."""

from __future__ import annotations

import pytest

from outcomes.cases import build_episodes, build_visits
from tables import records

CASES = [
    ("erector spinae:L", "erector_spinae"),
    ("longissimus:L; iliocostalis:R", "erector_spinae"),
    ("QL", "quadratus_lumborum"),
    ("QL; erector spinae", "several_groups"),
    ("back; QL", "quadratus_lumborum"),
    ("back", "unspecified"),
    ("", None),
]


def test_group_of_the_muscles_identified_at_the_first_visit():
    lines = ["patient_id | visit_day | pain_pre | muscles_identified"]
    lines += [f"p{i} | 0 | 6 | {text}" for i, (text, _) in enumerate(CASES)]
    lines += ["p0 | 7 | 6 | hamstrings"]  # a later finding reacts to how the patient is doing
    found = build_episodes(build_visits(records("\n".join(lines)))).table["muscle_group"]
    assert [None if word != word else word for word in found.astype(object)] == [group for _, group in CASES]


def test_without_the_column_there_is_no_group():
    episodes = build_episodes(build_visits(records("patient_id | visit_day | pain_pre\np | 0 | 6")))
    with pytest.raises(KeyError, match="muscle_group"):
        episodes.table["muscle_group"]
