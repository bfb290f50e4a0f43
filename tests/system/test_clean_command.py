"""`outcomes clean` as a user runs it: what comes out, what is refused, and what is left when it breaks half-way."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from outcomes import cli
from outcomes.cases import export
from outcomes.cli import clean
from outcomes.cli.shared import DONE, INTERNAL, REFUSED, ROWS_SET_ASIDE


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory, sample_export, sample_mapping):
    out = tmp_path_factory.mktemp("clean") / "cleaned"
    code = cli.main(["clean", str(sample_export), "--mapping", str(sample_mapping), "--out", str(out), "--quiet"])
    return code, out


def test_every_table_in_both_formats(cleaned):
    code, out = cleaned
    assert code == ROWS_SET_ASIDE
    names = {path.name for path in out.iterdir()} - {"cleaned-by-outcomes"}
    assert names == {f"{table}.{ending}" for table in export.TABLES for ending in ("csv", "parquet")}
    for table in export.TABLES:
        assert len(pd.read_csv(out / f"{table}.csv")) == len(pd.read_parquet(out / f"{table}.parquet"))


def test_no_row_is_lost(cleaned, sample_export):
    _, out = cleaned
    ledger = pd.read_csv(out / "ledger.csv", keep_default_na=False)
    for _, step in ledger.groupby(["step", "source"], sort=False):
        counts = step.groupby("outcome")["n"].sum()
        assert counts["in"] == counts.drop("in").sum()
    n_lines = len(sample_export.read_bytes().splitlines())
    assert ledger["n"].iloc[0] == n_lines
    visits, quarantine = pd.read_parquet(out / "visits.parquet"), pd.read_csv(out / "quarantine.csv")
    of_records = ledger[ledger["unit"].isin(["rows", "records"])].groupby("outcome")["n"].sum()
    aside = quarantine["source_row"].nunique()
    assert aside == of_records["set_aside"]
    assert n_lines == visits["n_records"].sum() + aside + of_records["not_data"]


@pytest.mark.parametrize("table", ["quarantine", "unknown_terms"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_only_the_owner_reads_what_may_point_at_one_person(cleaned, table, ending):
    _, out = cleaned
    assert (out / f"{table}.{ending}").stat().st_mode & 0o077 == 0


def test_a_rare_term_like_a_name_is_masked_in_the_tables(tmp_path):
    rows = [f"P{i},2026-03-{i:02},{'Jazz Bingo' if i % 2 else 'moon dust'},lifting,5" for i in range(2, 20)]
    rows += ["P29,2026-03-20,Dr. Zqui Zquell,Dr X,5", "P30,2026-03-20,Müller Maria,juggling,5"]
    rows += ["P31,2026-03-21,massage,Huber Anna,99"]
    path = tmp_path / "v.csv"
    path.write_text("\n".join(["patient_id,visit_date,modalities,trigger,pain_pre", *rows]) + "\n", encoding="utf-8")
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == ROWS_SET_ASIDE
    for read, ending in ((pd.read_csv, "csv"), (pd.read_parquet, "parquet")):
        found = read(tmp_path / "out" / f"unknown_terms.{ending}")
        terms = dict(zip(found["term"], found["patients"], strict=True))
        assert terms == {
            "Jazz Bingo": 9,
            "moon dust": 9,
            "xx. xxxx xxxxxx": 1,
            "xx X": 1,
            "xxxxxx xxxxx": 1,
            "xxxxxxxx": 1,
        }


def test_no_patient_id_in_quarantine_ledger_or_messages(cleaned, sample_export, sample_mapping, tmp_path, capsys):
    _, out = cleaned
    ids = {line.split(",", 1)[0] for line in sample_export.read_text(encoding="utf-8").splitlines()[1:]}
    ids = {patient for patient in ids if patient.isdigit() and len(patient) >= 6}
    cli.main(["clean", str(sample_export), "--mapping", str(sample_mapping), "--out", str(tmp_path / "again")])
    said = "".join(capsys.readouterr())
    for text in (said, *((out / f"{name}.csv").read_text() for name in ("quarantine", "ledger", "unknown_terms"))):
        words = set(text.replace('"', ",").replace(" ", ",").split(","))
        assert not ids & words


def test_rows_in_another_order_give_the_same_tables(cleaned, sample_export, sample_mapping, tmp_path):
    _, out = cleaned
    visits = pd.read_parquet(out / "visits.parquet").drop(columns="source_row")
    header, *rows = sample_export.read_text(encoding="utf-8").splitlines()
    # The footer states how many rows there were with those that are left out here.
    rows = [row for row in rows if row.count('"') % 2 == 0 and "\0" not in row and not row.startswith("Total")]
    random.Random(8).shuffle(rows)
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    cli.main(["clean", str(shuffled), "--mapping", str(sample_mapping), "--out", str(tmp_path / "out"), "--quiet"])
    again = pd.read_parquet(tmp_path / "out" / "visits.parquet").drop(columns="source_row")
    pd.testing.assert_frame_equal(visits, again, check_categorical=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("patient_id,visit_date\n", "no rows|no records|header"),
        ("name,when\na,2025-01-01\n", "patient_id"),
        ("patient_id,visit_date\np1,03/04/2025\n", 'order = "dmy"'),
        ("<html><table><tr><td>x</td></tr></table></html>", "HTML"),
        ("PK\x03\x04 not a workbook", "workbook|xlsx|zip"),
    ],
)
def test_a_wrong_file_is_refused_in_words_and_nothing_is_written(tmp_path, capsys, text, says):
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode())
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out")]) == REFUSED
    said = capsys.readouterr().err
    assert any(word.lower() in said.lower() for word in says.split("|")), said
    assert "Traceback" not in said
    assert [p.name for p in tmp_path.iterdir()] == ["export.csv"]


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path, sample_export, sample_mapping):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    assert cli.main(["clean", str(sample_export), "--mapping", str(sample_mapping), "--out", str(out), "--quiet"]) == 2
    assert (out / "thesis.txt").read_text() == "years of work"


def test_a_file_put_into_an_earlier_result_is_not_lost(tmp_path):
    path, out = tmp_path / "export.csv", tmp_path / "out"
    path.write_text("patient_id,visit_date,pain_pre\np1,2025-01-01,6\n")
    command = ["clean", str(path), "--out", str(out), "--quiet"]
    assert [cli.main(command), cli.main(command)] == [DONE, DONE]
    (out / "notes.txt").write_text("mine")
    assert cli.main(command) == REFUSED
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("patients", ["0", "-3", "many"])
def test_a_number_of_patients_that_is_none_is_a_usage_error(patients, tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--patients", patients, "--seed", "1", "--out", str(tmp_path / "s")])
    assert "--patients" in capsys.readouterr().err


def test_a_simulation_does_not_replace_an_export(tmp_path):
    (tmp_path / "visits.csv").write_text("mine")
    assert cli.main(["simulate", "--patients", "5", "--seed", "1", "--out", str(tmp_path)]) == REFUSED
    assert (tmp_path / "visits.csv").read_text() == "mine"


def test_no_usable_visit_is_refused_with_the_reasons(tmp_path, capsys):
    path = tmp_path / "export.csv"
    path.write_text("patient_id,visit_date,pain_pre\np1,2025-01-01,hurts\n")
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out")]) == REFUSED
    assert "E231" in capsys.readouterr().err


def test_columns_that_are_not_read_are_named_with_what_they_may_mean(tmp_path, capsys):
    path = tmp_path / "export.csv"
    path.write_text("patient_id,visit_date,pain,diary\np1,2025-01-01,6,x\n")
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out")]) == DONE
    assert "pain (meant as pain_pre?), diary" in capsys.readouterr().err


def test_broken_half_way_the_earlier_result_stays_whole(tmp_path, monkeypatch, capsys):
    path, out = tmp_path / "export.csv", tmp_path / "out"
    path.write_text("patient_id,visit_date,pain_pre\np1,2025-01-01,6\n")
    assert cli.main(["clean", str(path), "--out", str(out), "--quiet"]) == DONE
    before = {p.name: p.read_bytes() for p in out.iterdir()}

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device p1")

    monkeypatch.setattr(export, "_plain", full_disk)
    assert cli.main(["clean", str(path), "--out", str(out), "--quiet"]) == REFUSED
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export.csv", "out"]
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "p1" not in said


def test_an_unforeseen_fault_tells_its_place_and_no_value(tmp_path, monkeypatch, capsys):
    path = tmp_path / "export.csv"
    path.write_text("patient_id,visit_date,pain_pre\np1,2025-01-01,6\n")

    def fault(*_: object) -> None:
        raise ValueError("patient p1 is odd")

    monkeypatch.setattr(export, "_plain", fault)
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == INTERNAL
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "export.py" in said
    assert "p1" not in said


def test_the_table_names_of_the_help_are_those_of_the_export():
    assert clean._TABLES == export.TABLES
    assert clean._FORMATS == export.FORMATS


def test_cleaning_imports_neither_pandas_nor_scipy(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("patient_id,visit_date,pain_pre,modalities\np1,2025-01-01,6,US\n")
    code = (
        "import sys; from outcomes.cli import main; "
        f"main(['clean', {str(path)!r}, '--out', {str(tmp_path / 'out')!r}]); "
        "print([m for m in ('pandas', 'scipy', 'matplotlib', 'statsmodels') if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_episode_table_holds_the_bounds_of_the_protocols_rule(cleaned):
    _, out = cleaned
    episodes, relief = pd.read_parquet(out / "episodes.parquet"), pd.read_parquet(out / "relief.parquet")
    own = relief[relief["rule"] == "confirmed"].set_index("episode_id")
    at_risk = episodes.set_index("episode_id").query("is_eligible")
    assert episodes.loc[~episodes["is_eligible"], "relief_left_days"].isna().all()
    assert at_risk.index.tolist() == own.index.tolist()
    for side in ("left", "right"):
        got, expected = at_risk[f"relief_{side}_days"], own[f"{side}_days"]
        assert got.fillna(-1).tolist() == expected.fillna(-1).tolist()


def test_every_rule_is_told_with_at_most_twenty_rows_and_no_value(sample_export, sample_mapping, tmp_path, capsys):
    out = tmp_path / "out"
    cli.main(["clean", str(sample_export), "--mapping", str(sample_mapping), "--out", str(out), "--quiet"])
    said = capsys.readouterr().err.splitlines()
    examples = [line for line in said if line.startswith("    ")]
    quarantine = pd.read_csv(out / "quarantine.csv", dtype=str, keep_default_na=False)
    assert 10 <= len(examples) <= 20
    assert all(any(f"  {code} " in line for line in said) for code in quarantine["code"].unique())
    rows = set(quarantine["source_row"])
    assert all(line.split(" › row ")[1].split(" ")[0].split(":")[0] in rows for line in examples)
    shapes = [line.rsplit(": ", 1)[1] for line in examples if ": " in line]
    assert shapes and not any(character in "12345678" for shape in shapes for character in shape)
