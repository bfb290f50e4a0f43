"""Clinics and clinicians of few patients bear a number, for what stands there may be a remark on one of them."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases import build_visits, measuring, select_clinic
from outcomes.errors import InputRefused
from tables import records_of


@pytest.mark.parametrize("target", ["clinic", "clinician"])
@pytest.mark.parametrize(
    ("n_odd_patients", "n_records", "is_named"),
    [(1, 150, False), (4, 150, False), (5, 150, True), (4, 149, True)],  # 3 codes: 150 records are 50 a code
)
def test_a_clinic_of_few_patients_among_large_ones_has_no_name(target, n_odd_patients, n_records, is_named):
    """Its name may be a remark on one of them, and stands on the page; nothing else moves."""
    odd = "call back, very anxious"
    codes = ["A", "Z"] * (n_records // 2 + 1)
    codes = codes[: n_records - n_odd_patients] + [odd] * n_odd_patients
    cells = {
        "patient_id": [f"p{i % 60}" for i in range(n_records - n_odd_patients)]
        + [f"q{i}" for i in range(n_odd_patients)],
        "visit_date": [f"2025-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(n_records)],
        f"{target}_id": codes,
    }
    visits = build_visits(records_of(cells))
    labels = visits.labels[target].to_pylist()
    assert labels == ["A", "Z", odd if is_named else f"unnamed {target} 1"]
    assert np.bincount(visits.columns[target])[2] == n_odd_patients
    said = [note for note in visits.notes if note.startswith(f"{target}_id: fewer than 5 of 3 codes stand for")]
    assert len(said) == (not is_named) and odd not in " ".join(visits.notes)
    if target == "clinic" and not is_named:
        with pytest.raises(InputRefused, match=r"E880 .* There are: A, Z, unnamed clinic 1\. One of fewer than 5"):
            select_clinic(visits, odd)


def test_a_name_that_is_taken_is_not_given_and_pairs_are_counted_alike_either_way(monkeypatch):
    codes = ["A", "unnamed clinic 1"] * 100 + ["x", "y"]
    cells = {
        "patient_id": [f"p{i % 40}" for i in range(202)],
        "visit_date": [f"2025-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(202)],
        "clinic_id": codes,
    }
    labels = build_visits(records_of(cells)).labels["clinic"].to_pylist()
    assert labels == ["A", "unnamed clinic 1", "unnamed clinic 2", "unnamed clinic 3"]
    monkeypatch.setattr(measuring, "_MOST_MARKS", 0)
    assert build_visits(records_of(cells)).labels["clinic"].to_pylist() == labels
