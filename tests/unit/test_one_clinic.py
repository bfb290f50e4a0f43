"""One clinic alone: its visits, its days, its account of rows."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_visits, select_clinic
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused
from tables import records_of

ROWS = (
    ("a", "2026-01-05", "C1"), ("a", "2026-01-12", "C2"), ("b", "2026-02-02", "C2"), ("c", "2026-03-02", "C3"),
    ("d", "2026-03-09", ""), ("a", "2026-04-06", "C2"),
)  # fmt: skip


def visits_of(rows=ROWS, **columns):
    names = ("patient_id", "visit_date", "clinic_id")
    written = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return build_visits(records_of({**written, **columns}), Protocol())


def test_only_the_visits_of_the_clinic_are_left_and_the_others_counted():
    one = select_clinic(visits_of(), "C2")
    assert one.n == 3 and one.labels["clinic"].to_pylist() == ["C2"] and set(one.columns["clinic"]) == {0}
    step = one.ledger.steps[-1]
    assert (step.rows_in, step.kept, step.not_data) == (6, 3, {"at another clinic": 3})
    assert "only visits at clinic C2 were used" in one.notes


def test_its_days_are_those_it_had_among_the_others():
    every = visits_of()
    names = every.labels["clinic"].to_pylist()
    for name in names:
        one = select_clinic(every, name)
        place = names.index(name)
        assert one.clinic_first_day[0] == every.clinic_first_day[place]
        assert one.clinic_last_day[0] == every.clinic_last_day[place]
        assert len(one.clinic_first_day) == 2 and one.clinic_first_day[-1] == every.clinic_first_day[-1]


def test_episodes_of_the_clinic_are_those_of_an_export_of_it_alone():
    one = build_episodes(select_clinic(visits_of(), "C2"))
    alone = build_episodes(visits_of([row for row in ROWS if row[2] == "C2"]))
    for name in ("index_day", "n_visits", "last_day", "clinic"):
        assert np.array_equal(one.columns[name], alone.columns[name]), name


def test_a_clinic_that_is_not_there_is_refused_with_the_nearest_name():
    with pytest.raises(InputRefused, match="Did you mean 'C2'") as refused:
        select_clinic(visits_of(), "C22")
    assert refused.value.findings[0].code == "E880"
    without = build_visits(records_of({"patient_id": ["a"], "visit_date": ["2026-01-05"]}), Protocol())
    with pytest.raises(InputRefused, match="no clinic_id"):
        select_clinic(without, "C1")
