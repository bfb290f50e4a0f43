"""The data dictionary is the column contract, and the contract is what the tables hold."""

from __future__ import annotations

import importlib.util

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.schema import EPISODE_COLUMNS, VISIT_COLUMNS
from tables import records


def test_the_page_is_made_from_the_contract(repository):
    spec = importlib.util.spec_from_file_location("data_dictionary", repository / "tools" / "data_dictionary.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (repository / "docs" / "data_dictionary.md").read_text(encoding="utf-8") == module.page()


def test_every_inside_column_is_in_the_contract():
    text = """
    patient_id | visit_date | clinic_id | region | pain_pre | modalities | muscles_identified | muscles_treated | sex
    p1         | 2025-01-01 | c1        | lumbar | 6        | US         | QL:L               | QL:L            | F
    """
    episodes = build_episodes(build_visits(records(text)))
    assert set(episodes.columns) <= {column.source for column in EPISODE_COLUMNS}
    assert set(episodes.visits.columns) <= {column.source for column in VISIT_COLUMNS} | {"source", "diagnosis_tier"}
