"""The same input, settings and packages give the same bytes: in whatever order rows stand, and on whatever machine.

What may not matter: row order, how the export is cut into files, the number of workers and of threads of the numeric
libraries, time zone, locale, hash seed, working directory, the user, home and mask, a clock three years ahead, and the
version of Python (`OTHER_PYTHON` names a second one). The input hashes in the manifest and the account by file are
about the files themselves, so they are left out where the files are others.

The quick tests use a small clinic, small floors, and hide nothing, for the search for what could be worked out takes
most of a run. No comparison of treatments passes its gate there: those are drawn for in the slow test.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.cli.shared import DONE, ROWS_SET_ASIDE
from outcomes.definitions import Protocol
from outcomes.records import read_records
from outcomes.release.inputs import ask
from outcomes.release.tables import to_csv
from outcomes.simulate import write_simulation

SOURCE = Path(cli.__file__).parents[2]
QUICK = """[inference]
bootstrap_draws = 12
[reporting_floor]
suppress_cell_below = 0
estimate_min_episodes = 12
compare_min_episodes = 12
compare_min_events = 4
compare_min_effective_n = 6
"""
CLOCK = """import time
AHEAD = 3 * 366 * 86400
now, now_ns, local, universal = time.time, time.time_ns, time.localtime, time.gmtime
time.time, time.time_ns = lambda: now() + AHEAD, lambda: now_ns() + AHEAD * 10**9
time.localtime = lambda at=None: local(time.time() if at is None else at)
time.gmtime = lambda at=None: universal(time.time() if at is None else at)
"""
RUN = "import os, sys; os.cpu_count = lambda: {workers}; from outcomes.cli import main; sys.exit(main(sys.argv[1:]))"
HERE = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
ELSEWHERE = {"TZ": "Asia/Kolkata", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "4711", "SOURCE_DATE_EPOCH": "1",
             "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "LANGUAGE": "de",
             "USER": "somebody", "LOGNAME": "somebody"}  # fmt: skip
OTHER_PYTHON = "OUTCOMES_OTHER_PYTHON"
"""Environment variable: an interpreter of another version, with the packages of `requirements.lock`."""
BY_FILE = {"manifest.json", "tables/ledger.csv", "tables/run.csv", "index.html", "report.pdf"}
"""What speaks of the files of the export one by one."""


def report(export, settings, out, workers=1, environment=HERE, cwd=None, umask=0o022, clock="", python=sys.executable):
    """Run the command in a process of its own and return the release, path -> bytes."""
    files = [export] if isinstance(export, Path) else export
    arguments = ["report", *map(str, files), "--no-notebooks", "--quiet", "--out", str(out)]
    arguments += ["--mapping", str(settings / "mapping.toml"), "--protocol", str(settings / "protocol.toml")]
    done = subprocess.run(
        [python, "-c", clock + RUN.format(workers=workers), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(SOURCE)} | environment,
        cwd=cwd,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode in (DONE, ROWS_SET_ASIDE), done.stderr
    (folder,) = (path for path in Path(out).iterdir() if path.is_dir())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def differing(first, second):
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


def make_clinic(folder, patients, protocol):
    write_simulation(folder, patients=patients, seed=7)
    (folder / "protocol.toml").write_text(protocol)
    return folder


def shuffle(export, target, seed=1):
    """Write the rows of an export in another order."""
    head, *rows = export.read_text(encoding="utf-8").splitlines()
    random.Random(seed).shuffle(rows)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    return make_clinic(tmp_path_factory.mktemp("clinic") / "sim", 60, QUICK)


@pytest.fixture(scope="module")
def base(clinic, tmp_path_factory):
    return report(clinic / "visits.csv", clinic, tmp_path_factory.mktemp("base"))


def test_there_is_something_to_compare(base):
    drawn = [line.split(",")[3] for line in base["tables/relief.csv"].decode().splitlines()[1:]]
    assert len(base) > 60 and any(drawn), "nothing was drawn for"


def test_shuffled_rows_on_another_machine_give_the_same_bytes(base, clinic, tmp_path):
    shuffled = shuffle(clinic / "visits.csv", tmp_path / "cwd" / "visits.csv")
    assert shuffled.read_bytes() != (clinic / "visits.csv").read_bytes()
    (home := tmp_path / "home").mkdir()
    elsewhere = ELSEWHERE | {"HOME": str(home)}
    again = report(shuffled, clinic, tmp_path / "out", 8, elsewhere, cwd=tmp_path / "cwd", umask=0o077, clock=CLOCK)
    assert differing(base, again) == {"manifest.json"}
    first, second = (json.loads(release["manifest.json"]) for release in (base, again))
    inputs = [manifest.pop("inputs") for manifest in (first, second)]
    for manifest in (first, second):
        del manifest["manifest_sha256"]
    assert first == second and inputs[0][0].pop("sha256") != inputs[1][0].pop("sha256") and inputs[0] == inputs[1]


def split(export, folder):
    """Write an export as two files, without the footer that states how many rows the one file had."""
    head, *rows = export.read_text(encoding="utf-8").splitlines()
    rows = [row for row in rows if not row.startswith("Total,")]
    half = len(rows) // 2
    paths = [folder / "first.csv", folder / "second.csv"]
    for path, lines in zip(paths, (rows[:half], rows[half:]), strict=True):
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return paths


def answer(files, clinic):
    """The tables of the answers that take no second each, path -> bytes."""
    records = read_records(files, clinic / "mapping.toml")
    visits = build_visits(records, Protocol.load(clinic / "protocol.toml"))
    asked = ("relief", "recurrence", "triggers", "modality_use", "same_visit", "quarter_review", "completeness")
    answers = ask(records, visits, build_episodes(visits), only=asked).protected()
    texts = {f"tables/{name}.csv": to_csv(table).encode() for name, table in answers.tables().items()}
    assert len(texts) > 20
    return texts


def test_an_export_in_two_files_gives_the_same_numbers(base, clinic, tmp_path):
    texts = answer(split(clinic / "visits.csv", tmp_path), clinic)
    assert {name for name, text in texts.items() if base[name] != text} <= BY_FILE


def reorder_columns(export, target, seed):
    """Write the columns of an export in another order; rows that are no row of the table go."""
    with export.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    order = random.Random(seed).sample(range(len(rows[0])), len(rows[0]))
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([row[i] for i in order] for row in rows if len(row) == len(order))
    return target


@pytest.mark.slow
def test_a_hundred_orders_of_rows_twenty_cuts_and_twenty_orders_of_columns_give_the_same_tables(tmp_path):
    write_simulation(tmp_path, patients=60, seed=7, clean=True)
    (tmp_path / "protocol.toml").write_text(QUICK)
    with (tmp_path / "mapping.toml").open("a", encoding="utf-8") as mapping:
        mapping.write("\n[file]\nlater_file_corrects = false\n")  # a day of a patient may be cut in two
    export = tmp_path / "visits.csv"
    first = answer([export], tmp_path)
    head, *rows = export.read_text(encoding="utf-8").splitlines()

    def differing_from(files):
        found = answer(files, tmp_path)
        return {name for name in found.keys() | first.keys() if found.get(name) != first.get(name)}

    for seed in range(100):
        assert differing_from([shuffle(export, tmp_path / "shuffled" / "visits.csv", seed)]) == set(), seed
    for seed in range(20):
        assert differing_from([reorder_columns(export, tmp_path / "visits_again.csv", seed)]) <= BY_FILE, seed
        draw = random.Random(seed)
        part_of = [draw.randrange(2 + seed % 4) for _ in rows]
        files = []
        for part in sorted(set(part_of)):
            files.append(tmp_path / f"part{part}.csv")
            chosen = [row for row, own in zip(rows, part_of, strict=True) if own == part]
            files[-1].write_text("\n".join([head, *chosen]) + "\n", encoding="utf-8")
        assert differing_from(files) <= BY_FILE, seed


@pytest.mark.slow
def test_with_the_defaults_and_comparisons_too(tmp_path):
    clinic = make_clinic(tmp_path / "sim", 1000, "[inference]\nbootstrap_draws = 20\n")
    export = clinic / "visits.csv"
    first = report(export, clinic, tmp_path / "a")
    shown = [line for line in first["tables/one_family.csv"].decode().splitlines() if "not estimable" not in line]
    assert len(shown) > 3, "no comparison was drawn for"
    assert differing(first, report(export, clinic, tmp_path / "b", 8, ELSEWHERE, cwd=tmp_path)) == set()
    shuffled = shuffle(export, tmp_path / "other" / "visits.csv")
    assert differing(first, report(shuffled, clinic, tmp_path / "c", workers=2)) == {"manifest.json"}
    in_two = report(split(export, tmp_path / "other"), clinic, tmp_path / "d")
    assert differing(first, in_two) <= BY_FILE


def version_of(python):
    """Return the version of an interpreter; it has to start."""
    code = "import sys; print(*sys.version_info[:3], sep='.')"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{OTHER_PYTHON} names no working Python: {done.stderr}"
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(
    OTHER_PYTHON not in os.environ, reason=f"{OTHER_PYTHON} names no second Python: one version alone was tried"
)
def test_another_version_of_python_writes_the_same_release_of_the_sample(sample_dir, tmp_path):
    other = os.environ[OTHER_PYTHON]
    pythons = [version_of(sys.executable), version_of(other)]
    assert pythons[0].rpartition(".")[0] != pythons[1].rpartition(".")[0], f"{OTHER_PYTHON} is of the same version"
    shutil.copy(sample_dir / "mapping.toml", tmp_path)
    (tmp_path / "protocol.toml").write_text("")
    export = sample_dir / "visits.csv"
    first = report(export, tmp_path, tmp_path / "first", workers=2)
    second = report(export, tmp_path, tmp_path / "second", workers=2, python=other)
    assert len(first) > 150 and differing(first, second) == {"manifest.json"}
    manifests = [json.loads(release["manifest.json"]) for release in (first, second)]
    for manifest, version in zip(manifests, pythons, strict=True):
        del manifest["manifest_sha256"]
        assert manifest["environment"].pop("python") == manifest["versions"].pop("python") == version
    assert manifests[0] == manifests[1]  # the packages too
