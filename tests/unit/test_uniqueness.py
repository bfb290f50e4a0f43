"""How many episodes single out one patient: by hand on six rows, against plain loops, and through the command."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from faults.exports import clean_rows, write
from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.uniqueness import (
    UNIQUENESS_COLUMNS,
    Uniqueness,
    build_uniqueness_table,
    compute_uniqueness,
    count_uniqueness,
    show_small,
)
from outcomes.cli.uniqueness import describe_uniqueness
from tables import records

SIX = """
patient_id | visit_date | clinic_id | age | sex | pain_pre
a          | 2025-01-10 | n         | 31  | F   | 6
b          | 2025-02-10 | n         | 38  | F   | 6
c          | 2025-03-10 | n         | 42  | F   | 6
d          | 2025-05-10 | n         | 45  | M   | 6
e          | 2025-06-10 | s         | 49  | M   | 6
f          | 2025-06-20 | s         | 99  |     | 6
"""


def episodes_of(text):
    return build_episodes(build_visits(records(text)))


def test_six_rows_by_hand():
    """As they are: a and b are alike, the other four are alone.

    Without sex nobody finds company: c is in the first quarter, d in the second, e in another clinic, f is 90 and over.
    Bands of 20 years: a and b 20-39; c, d, e 40-59, apart by quarter, sex or clinic; f 80 and over.
    The year: c is the only woman of 40 to 49; d and e differ in the clinic. Without clinic: d and e are alike.
    """
    found = {one.change: (one.n_unique, one.smallest_group) for one in count_uniqueness(episodes_of(SIX))}
    assert found == {
        "none": (4, 1),
        "sex dropped": (4, 1),
        "age in bands of 20 years": (4, 1),
        "year instead of quarter": (4, 1),
        "clinic dropped": (2, 1),
    }


def test_episodes_of_one_patient_make_a_class_no_larger():
    patient, alike = np.array([0, 0, 0, 1], np.int32), np.zeros(4, np.int64)
    assert compute_uniqueness(patient, [alike]) == (0, 2)
    assert compute_uniqueness(patient, [np.array([0, 0, 0, 1])]) == (4, 1)
    assert compute_uniqueness(patient, []) == (0, 2)
    assert compute_uniqueness(patient[:0], [alike[:0]]) == (0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_as_a_plain_loop_counts(seed):
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, 150, 400).astype(np.int32)
    classes = [rng.integers(0, k, 400) for k in (3, 9, 4)]
    members = defaultdict(set)
    for i, key in enumerate(zip(*classes, strict=True)):
        members[key].add(patient[i])
    alone = sum(len(members[key]) == 1 for key in zip(*classes, strict=True))
    assert compute_uniqueness(patient, classes) == (alone, min(map(len, members.values())))


def test_a_column_that_is_not_there_is_not_counted_and_not_changed():
    days = "patient_id | visit_day | sex\na | 0 | F\nb | 0 | F"
    assert count_uniqueness(episodes_of(days)) == [
        Uniqueness("none", ("sex",), 2, 0, 2),
        Uniqueness("sex dropped", (), 2, 0, 2),
    ]
    assert describe_uniqueness(episodes_of("patient_id | visit_day\na | 0\nb | 0")) == []


def test_the_bounds():
    assert Uniqueness("none", ("sex",), 100, 20, 11).is_enough
    assert not Uniqueness("none", ("sex",), 100, 21, 11).is_enough
    assert not Uniqueness("none", ("sex",), 100, 0, 10).is_enough
    assert [show_small(n) for n in (0, 1, 4, 5)] == ["0", "under 5", "under 5", "5"]


def test_no_small_count_stands_in_the_table():
    table = build_uniqueness_table(episodes_of(SIX)).to_pandas()
    assert list(table.columns) == [column.name for column in UNIQUENESS_COLUMNS]
    assert set(table["n_unique"]) == set(table["smallest_group"]) == {"under 5"}
    assert table["unique_percent"].isna().all() and not table["is_enough"].any()
    assert table["columns"][0] == "age_band_10;sex;clinic;quarter"


def test_within_the_bounds_nothing_more_is_said():
    rows = "\n".join(f"p{i} | 2025-01-10 | F" for i in range(12))
    said = describe_uniqueness(episodes_of(f"patient_id | visit_date | sex\n{rows}"))
    assert said == [
        "by sex and start quarter, 0 (0.0 %) of 12 episodes are unique: no other patient has one alike; the smallest "
        "group has 12 patients"
    ]


def test_the_command_says_it_and_writes_the_table(tmp_path, capsys):
    path = write(tmp_path, "csv", [{**row, "clinic_id": row["patient_id"]} for row in clean_rows()])
    command = ["clean", str(path), "--out", str(tmp_path / "out"), "--quiet", "--format", "csv"]
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    table = pd.read_csv(tmp_path / "out" / "uniqueness.csv").set_index("change")
    own = table.loc["none"]
    assert own["n_unique"] == "40" and own["unique_percent"] == 100
    assert "start quarter, 40 (100.0 %) of 40 episodes are unique" in said
    assert "E909" in said and "the smallest group has under 5 patients" in said
    assert "for use inside only and must not be handed on as research data" in said
    for change in table.index:
        assert f"  {change} " in said
    assert cli.main([*command, "--tables", "ledger"]) == 0
    assert "E909" not in capsys.readouterr().err


def test_the_change_that_is_enough_is_named():
    """Eleven of each sex in one quarter, and one more woman in the next: the year puts her with the others."""
    rows = [f"p{i} | 2025-01-10 | {'FM'[i % 2]}" for i in range(22)] + ["q | 2025-04-10 | F"]
    said = "\n".join(describe_uniqueness(episodes_of("patient_id | visit_date | sex\n" + "\n".join(rows))))
    assert "E909 by sex and start quarter, under 5 of 23 episodes are unique" in said
    assert "year instead of quarter goes farthest, which is within the bounds" in said
