"""Packages with a known hole: refused by the version installed, where they are about to be used, before any work."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from faults.exports import clean_rows, write
from outcomes import cli
from outcomes.errors import OutcomesError
from outcomes.files import floors
from outcomes.files.floors import FLOORS, check_floor
from outcomes.release import lab
from outcomes.release.notebooks import find_notebooks, run_notebook, running_notebooks


def pretend(monkeypatch, package, version):
    true = floors.version
    monkeypatch.setattr(floors, "version", lambda name: version if name == package else true(name))


@pytest.mark.parametrize("package", FLOORS)
def test_what_is_installed_here_passes(package):
    check_floor(package, "do its work")


@pytest.mark.parametrize("have", ["2.20.0", "2.20", "2.20.0.post1", "2.20.1rc1", "2.21.1", "3.0", "10.0.0"])
def test_newer_versions_pass(monkeypatch, have):
    pretend(monkeypatch, "jupyter_server", have)
    check_floor("jupyter_server", "open JupyterLab")


@pytest.mark.parametrize("have", ["2.19.9", "2.9", "1.99.0", "2.20.0rc1", "2.20.0.dev0", "unknown"])
def test_older_versions_are_refused_with_the_remedy(monkeypatch, have):
    pretend(monkeypatch, "jupyter_server", have)
    with pytest.raises(OutcomesError, match=r"jupyter_server is not used to open JupyterLab") as caught:
        check_floor("jupyter_server", "open JupyterLab")
    (finding,) = caught.value.findings
    assert finding.code == "E961" and f"version {have} is installed" in finding.message and "2.20.0" in finding.message
    assert 'pip install "jupyter_server>=2.20.0"' in finding.remedy


def test_a_package_that_is_not_there_is_refused(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(floors, "version", missing)
    with pytest.raises(OutcomesError, match=r"E961 nbconvert: it is not installed here"):
        check_floor("nbconvert", "show notebooks")


@pytest.mark.parametrize("command", ["clean", "inspect"])
def test_no_parquet_is_read_by_an_old_pyarrow_and_nothing_is_written(tmp_path, monkeypatch, capsys, command):
    path = write(tmp_path, "parquet", clean_rows())
    pretend(monkeypatch, "pyarrow", "14.0.0")
    assert cli.main([command, str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "E961 pyarrow: version 14.0.0 is installed here; 14.0.1 or newer is needed" in said
    assert sorted(found.name for found in tmp_path.iterdir()) == [path.name]


def test_a_csv_is_read_all_the_same(tmp_path, monkeypatch):
    pretend(monkeypatch, "pyarrow", "14.0.0")
    path = write(tmp_path, "csv", clean_rows())
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 0


def test_a_report_with_notebooks_is_refused_before_the_work(tmp_path, monkeypatch, capsys):
    pretend(monkeypatch, "nbconvert", "7.16.6")
    monkeypatch.setattr("outcomes.release.publish.ask", lambda *_, **__: pytest.fail("questions were asked"))
    path = write(tmp_path, "csv", clean_rows())
    assert cli.main(["report", str(path), "--out", str(tmp_path / "reports"), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "E961 nbconvert: version 7.16.6" in said and "--no-notebooks" in said
    assert not list(tmp_path.rglob("index.html"))


def test_no_notebook_is_run_by_itself_either(monkeypatch):
    pretend(monkeypatch, "nbconvert", "7.17.0")
    path = find_notebooks()[0]
    with pytest.raises(OutcomesError, match="E961"):
        run_notebook(path, {})
    with pytest.raises(OutcomesError, match="E961"), running_notebooks({path: {}}):
        pytest.fail("a notebook was started")


def test_the_lab_is_not_opened_on_an_old_server(tmp_path, monkeypatch):
    pretend(monkeypatch, "jupyter_server", "2.19.0")
    monkeypatch.setattr(lab.subprocess, "run", lambda *_, **__: pytest.fail("JupyterLab was started"))
    with pytest.raises(OutcomesError, match="E961 jupyter_server"):
        lab.open_lab(tmp_path)


def test_nothing_is_imported_for_it():
    code = (
        "import sys; from outcomes.files.floors import FLOORS, check_floor; "
        "[check_floor(name, 'x') for name in FLOORS]; print([name for name in FLOORS if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


BROUGHT = {"jupyter_server"}
"""What a dependency brings, not asked for by this package itself: JupyterLab brings its server."""


@pytest.mark.parametrize("package", sorted(FLOORS.keys() - BROUGHT))
def test_the_package_asks_for_them_when_it_is_installed(package, repository):
    asked = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (line,) = [line for line in asked if line.split()[0] == package]
    assert floors._parse(line.split(">=")[1]) >= floors._parse(FLOORS[package])


@pytest.mark.parametrize("package", FLOORS)
def test_the_lock_holds_no_older_one(package, repository):
    lock = (repository / "requirements.lock").read_text(encoding="utf-8")
    (held,) = [line.split("==")[1].split()[0] for line in lock.splitlines()
               if line.startswith(f"{package.replace('_', '-')}==")]  # fmt: skip
    assert floors._parse(held) >= floors._parse(FLOORS[package])


def test_there_are_fifteen_direct_dependencies_at_most(repository):
    asked = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert len(asked) <= 15
