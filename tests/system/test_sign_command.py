"""A public release as a user makes it: a draft, refused and then signed, verified and audited where it stands then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def practice(tmp_path_factory):
    """An export, its draft in ``reports/draft/``, and what was said of it."""
    folder = tmp_path_factory.mktemp("practice")
    run(folder, "simulate", "--patients", "200", "--seed", "5", "--clean", "--out", "simulated")
    export = next((folder / "simulated").glob("*.csv"))
    done = run(folder, "report", str(export), "--audience", "public", "--quiet")
    return folder, done


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "outcomes", *arguments]
    return subprocess.run(command, cwd=folder, env=os.environ.copy(), capture_output=True, text=True, timeout=300)


def test_a_public_report_is_a_draft_until_a_named_person_signs_it(practice):
    folder, made = practice
    page = Path(made.stdout.strip())
    draft = page.parent
    assert draft.parent == Path("reports/draft") and not (folder / "reports" / draft.name).exists()
    assert made.stderr.splitlines()[-1] == (
        f'a draft, not to be passed on before it is signed: outcomes sign {draft} --by "Name"'
    )
    seen = run(folder, "verify", "reports/draft")
    assert seen.returncode == 0 and "an unsigned draft" in seen.stdout

    nobody = run(folder, "sign", str(draft), "--by", " ")
    assert nobody.returncode == 2 and "E963" in nobody.stderr

    page = folder / draft / "index.html"
    whole = page.read_bytes()
    page.write_bytes(whole + b" ")
    edited = run(folder, "sign", str(draft), "--by", "Jane Roe")
    assert edited.returncode == 3 and "E964" in edited.stderr and not (folder / "reports" / draft.name).exists()
    page.write_bytes(whole)

    signed = run(folder, "sign", str(draft), "--by", "Jane Roe", "--on", "2026-11-26")
    assert signed.returncode == 0, signed.stderr
    assert signed.stdout.splitlines()[-1] == f"reports/{draft.name}/index.html"
    assert "audit  nothing found" in signed.stdout and "  total " in signed.stdout
    assert not (folder / draft).exists()

    seen = run(folder, "verify", f"reports/{draft.name}")
    assert seen.returncode == 0 and "signed by Jane Roe on 2026-11-26." in seen.stdout
    assert run(folder, "audit", f"reports/{draft.name}").returncode == 0
