"""The wheel: the same bytes from two folders, all of the package, its bill, what it was made of; it works."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

SECONDS = 1_700_000_000
COMMIT = "5e1f" * 10


@pytest.fixture(scope="module")
def tool(repository):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository / "tools"))  # it imports its neighbour
        spec = importlib.util.spec_from_file_location("wheel_tool", repository / "tools" / "wheel.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def built(tool, repository, tmp_path_factory):
    """Two wheels, of copies with other times, permissions and places, and with what was left lying about in one."""
    wheels = []
    for name, mode in (("one", 0o600), ("another/one", 0o666)):
        folder = tmp_path_factory.mktemp("source") / name
        hidden = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / "src", folder / "src", ignore=hidden, copy_function=shutil.copyfile)
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(repository / file, folder / file)
        bill = folder / "outcomes.cdx.json"
        bill.write_text('{"bomFormat": "CycloneDX"}\n')
        for path in folder.rglob("*"):
            if path.is_file():
                path.chmod(mode)
                os.utime(path, (1e9 + mode, 1e9 + mode))
        (folder / "src" / "outcomes" / "__pycache__").mkdir(exist_ok=mode == 0o600)
        (folder / "src" / "outcomes" / "__pycache__" / f"{mode}.pyc").write_bytes(b"left")
        wheels.append(tool.build(folder, bill, SECONDS, folder / "dist", COMMIT))
    return wheels


def test_two_builds_have_the_same_bytes(built):
    assert built[0] != built[1]
    assert built[0].read_bytes() == built[1].read_bytes()


def test_everything_of_the_package_is_in_it_and_nothing_else(built, repository):
    source = repository / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    wanted = {name for name in files if "__pycache__" not in name}
    assert any(name.endswith(".j2") for name in wanted)
    assert "outcomes/py.typed" in wanted  # without it a type checker takes nothing from the package
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        about = {name for name in names if name.split("/")[0].endswith(".dist-info")}
        assert names - about == wanted
        assert wheel.read(next(name for name in about if name.endswith("/sboms/outcomes.cdx.json")))
        assert wheel.read(next(name for name in about if name.endswith("/commit.txt"))).decode() == f"{COMMIT}\n"
        assert {entry.date_time for entry in wheel.infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_its_record_names_every_file(built):
    with zipfile.ZipFile(built[0]) as wheel:
        record = next(name for name in wheel.namelist() if name.endswith("/RECORD"))
        rows = list(csv.reader(io.StringIO(wheel.read(record).decode())))
        assert sorted(row[0] for row in rows) == sorted(wheel.namelist())


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Unpacked as an installer does, away from the sources."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_the_command_runs_from_it(installed, tmp_path):
    out = tmp_path / "made"
    command = [sys.executable, "-m", "outcomes", "simulate", "--patients", "30", "--seed", "1", "--out", str(out)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (out / "visits.csv").stat().st_size > 1000


def test_installed_it_knows_its_commit(installed, tmp_path):
    code = "from outcomes.release.commit import find_commit; print(find_commit())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=installed, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{COMMIT}\n"


def test_without_a_bill_there_is_no_wheel(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "BILL", tmp_path / "none.json")
    monkeypatch.setattr(tool, "OUT", tmp_path / "dist")
    assert tool.main([]) == 1
    assert "make sbom" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


# -- what it was made of -----------------------------------------------------------------------------------------------


def verify(statement, signature, signers, namespace="outcomes-wheel"):
    command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "builder", "-n", namespace, "-s", signature]
    return subprocess.run(command, stdin=statement.open("rb"), capture_output=True, check=False).returncode == 0


@pytest.fixture
def key(tmp_path):
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not there")
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    (tmp_path / "signers").write_text("builder " + path.with_suffix(".pub").read_text())
    return path


def test_beside_it_stands_what_it_was_made_of_the_same_for_two_builds(tool, built, tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("flit-core==1\n")
    one, other = (tool.attest.write_statement(wheel, COMMIT, lock) for wheel in built)
    assert one.read_bytes() == other.read_bytes() and one.name == f"{built[0].name}.intoto.json"
    said = json.loads(one.read_text())
    sha256 = hashlib.sha256(built[0].read_bytes()).hexdigest()
    assert said["subject"] == [{"name": built[0].name, "digest": {"sha256": sha256}}]
    made_of = said["predicate"]["buildDefinition"]
    assert made_of["externalParameters"] == {"commit": COMMIT}
    assert made_of["resolvedDependencies"] == [
        {"name": "source", "digest": {"gitCommit": COMMIT}},
        {"name": "requirements.lock", "digest": {"sha256": hashlib.sha256(b"flit-core==1\n").hexdigest()}},
    ]


def test_a_signature_fits_the_statement_its_key_and_its_purpose_alone(tool, built, key, tmp_path):
    statement = tool.attest.write_statement(built[0], COMMIT, key)
    signature, signers = tool.attest.sign(statement, key), tmp_path / "signers"
    assert verify(statement, signature, signers)
    assert not verify(statement, signature, signers, namespace="git")
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    signers.write_text("builder " + other.with_suffix(".pub").read_text())
    assert not verify(statement, signature, signers)
    signers.write_text("builder " + key.with_suffix(".pub").read_text())
    statement.write_text(statement.read_text().replace(COMMIT, "0" * 40))
    assert not verify(statement, signature, signers)


def test_a_build_that_is_not_signed_keeps_no_signature_of_one_before(tool, built, key):
    signature = tool.attest.sign(tool.attest.write_statement(built[0], COMMIT, key), key)
    tool.attest.write_statement(built[0], COMMIT, key)
    assert not signature.exists()


def test_what_is_no_key_signs_nothing(tool, built, key, tmp_path):
    statement = tool.attest.write_statement(built[0], COMMIT, key)
    with pytest.raises(SystemExit, match="was not signed"):
        tool.attest.sign(statement, tmp_path / "signers")
    assert not statement.with_name(f"{statement.name}.sig").exists()


def test_the_whole_command_builds_the_last_commit_and_signs_it(tool, key, tmp_path, monkeypatch, capsys):
    bill = tmp_path / "outcomes.cdx.json"
    bill.write_text("{}\n")
    monkeypatch.setattr(tool, "BILL", bill)
    monkeypatch.setattr(tool, "OUT", tmp_path / "dist")
    assert tool.main(["--key", str(key)]) == 0
    *made, sha256 = capsys.readouterr().out.split("\n")[:-1]
    wheel, statement, signature = map(type(tmp_path), made)
    assert sha256 == f"sha256 {hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    assert json.loads(statement.read_text())["subject"][0]["digest"]["sha256"] == sha256.split()[1]
    assert verify(statement, signature, tmp_path / "signers")
