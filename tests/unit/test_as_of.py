"""The as-of date: what came later is counted and not used, as if the export had been made that day."""

from __future__ import annotations

import argparse
import datetime

import numpy as np
import pytest

from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.acceptance import list_objections
from outcomes.cases.as_of import cut_visits, describe_as_of
from outcomes.cli.shared import read_cases
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused
from outcomes.questions import estimate_recurrence, estimate_relief
from outcomes.records import Mapping, read_records
from outcomes.release.tables import account
from outcomes.simulate import write_simulation

CUT, EARLIER = datetime.date(2026, 9, 30), datetime.date(2025, 6, 30)
FEW = Protocol.from_mapping({"inference": {"bootstrap_draws": 20}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("as_of")
    write_simulation(folder / "sim", patients=200, seed=3, clean=True)
    head, *rows = (folder / "sim" / "visits.csv").read_text("utf-8").splitlines()
    at = head.split(",").index("visit_date")
    early = [row for row in rows if row.split(",")[at] <= EARLIER.isoformat()]
    (folder / "early.csv").write_text("\n".join([head, *early]) + "\n", "utf-8")
    return folder


def read(path, cut):
    return build_visits(read_records(path, Mapping.from_dict({"dates": {"data_cut": cut}})), FEW)


@pytest.fixture(scope="module")
def whole(folder):
    return read(folder / "sim" / "visits.csv", CUT)


def test_it_is_the_report_of_an_export_made_that_day(folder, whole):
    then, now = build_episodes(read(folder / "early.csv", EARLIER)), build_episodes(cut_visits(whole, EARLIER))
    assert now.n == then.n and (now.visits.clinic_last_day == then.visits.clinic_last_day).all()
    for question in (estimate_relief, estimate_recurrence):
        assert question(now).table.equals(question(then).table)
    assert not estimate_relief(now).table.equals(estimate_relief(build_episodes(whole)).table)


def test_later_visits_are_counted_in_the_ledger(whole):
    cut = cut_visits(whole, EARLIER)
    later = int((whole.columns["day"] > np.datetime64(EARLIER).astype(int)).sum())
    step = cut.ledger.steps[-1]
    assert later and step.not_data == {"after the as-of date": later} and step.kept == cut.n == whole.n - later
    numbers = account(cut.ledger)
    assert numbers["visits"] == cut.n
    assert numbers["rows_in"] == sum(numbers[name] for name in ("merged", "set_aside", "not_data", "visits"))


def test_the_last_day_itself_changes_nothing(whole):
    same = cut_visits(whole, CUT)
    assert same.n == whole.n and all((same.columns[name] == whole.columns[name]).all() for name in ("patient", "day"))


def test_a_clinic_that_opened_later_is_not_there(whole):
    first = int(whole.columns["day"].min())
    day = datetime.date(1970, 1, 1) + datetime.timedelta(first)
    cut = cut_visits(whole, day)
    assert len(cut.labels["clinic"]) == len(np.unique(cut.columns["clinic"])) < len(whole.labels["clinic"])
    names = np.array(cut.labels["clinic"].to_pylist())[cut.columns["clinic"]]
    kept = whole.columns["day"] <= first
    assert names.tolist() == np.array(whole.labels["clinic"].to_pylist())[whole.columns["clinic"][kept]].tolist()
    assert len(cut.clinic_last_day) == len(cut.clinic_first_day) == len(cut.labels["clinic"]) + 1


@pytest.mark.parametrize(("day", "code"), [(datetime.date(2026, 10, 1), "E882"), (datetime.date(1999, 1, 1), "E883")])
def test_a_day_outside_the_records_is_refused(whole, day, code):
    with pytest.raises(InputRefused, match=rf"{code} --as-of {day}"):
        cut_visits(whole, day)


def every_tenth_day(start, ids, n_patients):
    first = np.datetime64(start)
    return [f"{ids}{i},{first + 10 * k + i % 10},{3 + (i + k) % 5}" for i in range(n_patients) for k in range(9)]


def files(folder, **rows_of):
    for name, rows in rows_of.items():
        (folder / f"{name}.csv").write_text("patient_id,visit_date,pain_pre\n" + "\n".join(rows) + "\n")
    return [folder / f"{name}.csv" for name in rows_of]


def test_a_jump_in_a_later_quarter_does_not_stop_an_earlier_report(tmp_path):
    days = {"2025-07-01": 20, "2025-10-01": 20, "2026-01-01": 20, "2026-04-01": 60}
    paths = files(tmp_path, all=[row for day, n in days.items() for row in every_tenth_day(day, "a", n)])
    (tmp_path / "mapping.toml").write_text("[dates]\ndata_cut = 2026-06-30\n")
    records = read_records(paths, tmp_path / "mapping.toml")
    visits = build_visits(records)
    assert [found.message.split(": ")[1][:10] for found in list_objections(records, visits)] == ["540 visits"]
    cut = cut_visits(visits, datetime.date(2025, 12, 31))
    assert list_objections(records, cut) == [] and not cut.warnings
    assert any("2026Q2" in note for note in visits.notes) and not any("2026" in note for note in cut.notes)
    args = argparse.Namespace(
        exports=paths,
        mapping=tmp_path / "mapping.toml",
        protocol=None,
        codebook=None,
        audience="clinic",
        quiet=True,
        as_of=datetime.date(2025, 12, 31),
    )
    assert read_cases(args, for_release=True)[1].visits.n == cut.n


def test_a_jump_in_what_is_now_the_last_quarter_stops_it(tmp_path):
    days = {"2025-07-01": 20, "2025-10-01": 60, "2026-01-01": 60, "2026-04-01": 60}
    paths = files(tmp_path, all=[row for day, n in days.items() for row in every_tenth_day(day, "a", n)])
    records = read_records(paths)
    assert list_objections(records, build_visits(records)) == []
    cut = cut_visits(build_visits(records), datetime.date(2025, 12, 31))
    assert [found.place for found in list_objections(records, cut)] == ["quarter 2025Q4"]
    assert cut.notes[-1].startswith("quarter 2025Q4: 540 visits")


@pytest.mark.parametrize(("day", "codes"), [((2025, 3, 31), []), ((2025, 6, 30), ["E209"])])
def test_a_later_file_with_ids_of_its_own_counts_only_where_it_is_used(tmp_path, day, codes):
    paths = files(tmp_path, q1=every_tenth_day("2025-01-01", "a", 60), q2=every_tenth_day("2025-04-01", "b", 60))
    visits = build_visits(read_records(paths, Mapping.from_dict({"dates": {"data_cut": datetime.date(2025, 6, 30)}})))
    assert [found.code for found in visits.warnings] == ["E209"]
    cut = cut_visits(visits, datetime.date(*day))
    assert [found.code for found in cut.warnings] == codes
    assert sum("numbered anew" in note for note in cut.notes) == len(codes)


def test_day_numbers_have_no_date(tmp_path):
    (tmp_path / "a.csv").write_text("patient_id,visit_day,pain_pre\nP1,0,7\nP1,7,3\n")
    visits = build_visits(read_records(tmp_path / "a.csv"))
    with pytest.raises(InputRefused, match="E881"):
        cut_visits(visits, EARLIER)
    assert describe_as_of(visits, None) == "no date: this export has no calendar"


def test_it_is_said(whole):
    assert describe_as_of(whole, None) == "2026-09-30, the data cut"
    assert describe_as_of(whole, EARLIER).startswith("2025-06-30, as asked")


@pytest.mark.parametrize("word", ["yesterday", "30.06.2025", "2025-13-01"])
def test_a_date_that_is_none_is_refused_with_the_way_to_write_it(word, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["report", "--as-of", word])
    said = " ".join(capsys.readouterr().err.split())
    assert stopped.value.code == 2 and f"'{word}' is no day; write it like 2026-06-30" in said
