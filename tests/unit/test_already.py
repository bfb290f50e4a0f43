"""What one process has read for those forked from it: handed out for the very same, once, and for nothing else."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_visits, select_clinic
from outcomes.definitions import Codebook, Protocol
from outcomes.files import already
from outcomes.records import Mapping, read_records

HEADER = "patient_id,visit_date,clinic_id,pain_pre"
ROWS = [
    f"P{i:02},2026-0{1 + i % 6}-{day:02},{'North' if i % 2 else 'South'},{pain}"
    for i in range(40)
    for day, pain in ((3, 7), (12, 5), (24, 2))
]
OTHER = dataclasses.replace(Protocol().relief, pct_reduction=30)


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text("\n".join([HEADER, *ROWS]) + "\n")
    return path


@pytest.fixture
def kept(export):
    """Records, visits and episodes as the process has them that kernels are forked from."""
    with already.keeping():
        records = read_records(export)
        visits = build_visits(records)
        found = records, visits, build_episodes(visits)
    yield found
    already.forget()


def same(one, other):
    return one.columns.keys() == other.columns.keys() and all(
        np.array_equal(one.columns[name], other.columns[name]) for name in one.columns
    )


def test_nothing_is_kept_of_itself(export):
    records = read_records(export)
    visits = build_visits(records)
    build_episodes(visits)
    assert not already._kept
    assert read_records(export) is not records and build_visits(records) is not visits


def test_the_same_is_handed_out_once_and_is_what_another_reading_gives(export, kept):
    records, visits, episodes = kept
    assert read_records(str(export)) is records
    assert build_visits(records, Protocol(), Codebook.load()) is visits
    assert build_episodes(visits) is episodes
    again = read_records(export)
    assert again is not records
    other = build_visits(again)
    assert other is not visits and same(other, visits)
    assert same(build_episodes(other), episodes) and build_episodes(visits) is not episodes


def test_a_file_that_was_written_to_is_read_again(export, kept):
    before = export.stat()
    with export.open("r+b") as file:  # the same length, and the time of modification put back
        file.seek(len(HEADER) + 1)
        file.write(b"Q")
    os.utime(export, ns=(before.st_atime_ns, before.st_mtime_ns))
    records = read_records(export)
    assert records is not kept[0] and "Q00" in records.fields["patient_id"].texts()
    assert build_visits(records) is not kept[1]


def test_another_file_of_the_same_bytes_is_read_under_its_own_name(export, kept):
    other = export.with_name("other.csv")
    other.write_bytes(export.read_bytes())
    assert [file.name for file in read_records(other).files] == ["other.csv"]
    assert read_records([export, other]) is not kept[0]


def test_another_mapping_reads_again(export, kept):
    assert read_records(export, Mapping.from_dict({"values": {"missing": ["7"]}})) is not kept[0]


def test_other_definitions_make_other_visits_and_episodes(kept, tmp_path):
    records, visits, episodes = kept
    other = Protocol(relief=OTHER)
    assert build_visits(records, other).protocol == other
    assert build_episodes(visits, other).protocol == other
    assert build_visits(records) is visits and build_episodes(visits) is episodes


def test_a_codebook_of_another_hash_makes_other_visits(kept):
    codebook = dataclasses.replace(Codebook.load(), hash="0" * 12)
    assert build_visits(kept[0], None, codebook).codebook is codebook


def test_one_clinic_has_episodes_of_its_own(kept):
    _, visits, episodes = kept
    assert build_episodes(select_clinic(visits, "North")).n < episodes.n


def test_nothing_of_it_can_be_changed_in_place(kept):
    records, visits, episodes = kept
    columns = [records.source_row, records.fields["pain_pre"].codes, *visits.columns.values()]
    for values in (*columns, *episodes.columns.values(), episodes.starts, episodes.visits.columns["episode"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = values[0]


def test_what_was_put_into_its_place_is_used(kept):
    records, visits, episodes = kept
    pain = records.fields["pain_pre"]
    records.fields["pain_pre"] = dataclasses.replace(pain, codes=pain.codes[::-1])
    changed = build_visits(records)
    assert not same(changed, visits)
    visits.columns["pain_pre"] = changed.columns["pain_pre"]
    assert not same(build_episodes(visits), episodes)


def test_with_another_key_ids_have_other_pseudonyms(export, tmp_path):
    key = tmp_path / "key"
    told = Mapping.from_dict({"privacy": {"pseudonymise": True, "key": str(key)}})
    read_records(export, told)  # makes the key
    with already.keeping():
        first = read_records(export, told)
    mine = key.read_bytes()
    key.write_bytes(bytes(32))
    assert set(read_records(export, told).fields["patient_id"].texts()).isdisjoint(first.fields["patient_id"].texts())
    key.write_bytes(mine)
    assert read_records(export, told) is not first  # the file was written since
    already.forget()
