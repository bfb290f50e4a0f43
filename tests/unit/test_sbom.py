"""The bill of materials holds the lock, all of it and nothing else; an audit that saw nothing says so."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
audit, sbom = importlib.import_module("audit"), importlib.import_module("sbom")

LOCK = """\
anyio==4.1 \\
    --hash=sha256:DIGEST
    # via x
appnope==1.0 ; sys_platform == 'nowhere' \\
    --hash=sha256:DIGEST \\
    --hash=sha256:DIGEST
Jinja2==3.1.6 \\
    --hash=sha256:DIGEST
""".replace("DIGEST", "ab" * 32)


def component(name, version, licence="MIT"):
    licences = {"licenses": [{"license": {"id": licence}}]} if licence else {}
    return {"bom-ref": f"{name}=={version}", "type": "library", "name": name, "version": version, **licences}


def bill(*components):
    needs = [{"ref": "root-component", "dependsOn": ["Jinja2==3.1.6", "pytest==8"]}, {"ref": "pytest==8"}]
    return {"bomFormat": "CycloneDX", "components": list(components), "dependencies": needs}


def test_the_lock_is_read_with_markers_and_hashes():
    lock = sbom.read_lock(LOCK)
    assert list(lock) == ["anyio", "appnope", "jinja2"]
    assert lock["appnope"]["marker"] == "sys_platform == 'nowhere'" and len(lock["appnope"]["hashes"]) == 2
    assert sbom.read_lock((ROOT / "requirements.lock").read_text("utf-8"))["pandas"]["hashes"]


def test_test_tools_are_left_out_and_other_systems_added():
    made, wrong = sbom.build(
        bill(component("anyio", "4.1"), component("jinja2", "3.1.6"), component("pytest", "8")), sbom.read_lock(LOCK)
    )
    assert [c["name"] for c in made["components"]] == ["anyio", "appnope", "jinja2"] and not wrong
    assert all(c["hashes"] for c in made["components"])
    assert [one["ref"] for one in made["dependencies"]] == ["root-component"]


@pytest.mark.parametrize(
    ("components", "says"),
    [
        ((component("anyio", "4.0"), component("Jinja2", "3.1.6")), "anyio 4.1 is locked, and 4.0 is installed"),
        ((component("Jinja2", "3.1.6"),), "anyio 4.1 is locked, and nothing is installed"),
    ],
)
def test_another_version_than_the_lock_is_said(components, says):
    assert says in sbom.build(bill(*components), sbom.read_lock(LOCK))[1]


def test_a_package_without_a_licence_is_said(monkeypatch):
    monkeypatch.setattr(sbom, "declared", lambda _: "")
    wrong = sbom.build(bill(component("anyio", "4.1", ""), component("Jinja2", "3.1.6")), sbom.read_lock(LOCK))[1]
    assert wrong == ["anyio 4.1 names no licence"]


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], audit.CLEAN, "none has"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}],
            audit.VULNERABLE,
            "mended in 2",
        ),
        ([{"name": "a", "skip_reason": "not found"}], audit.UNKNOWN, "1 of 1 packages could not"),
        ([], audit.UNKNOWN, "1 of 1"),
    ],
)
def test_an_audit_claims_no_more_than_it_saw(packages, code, says):
    found, lines = audit.judge({"dependencies": packages}, 1)
    assert found == code and says in lines[0]


def test_an_audit_without_a_database_ends_with_its_own_code(monkeypatch, capsys):
    class Done:
        stdout = ""

    monkeypatch.setattr(audit, "own_environment", lambda _: Path("/nowhere"))
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: Done())
    assert audit.main() == audit.UNKNOWN and "Nothing was checked" in capsys.readouterr().out
