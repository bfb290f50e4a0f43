"""A public release as a user makes it: a draft, refused and then signed, verified and audited where it stands then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outcomes.cli import main
from outcomes.release.public import sign
from outcomes.release.public.publish import publish_public
from outcomes.release.verify import verify_release
from support.small_practices import make_practice


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "outcomes", *arguments]
    return subprocess.run(command, cwd=folder, env=os.environ.copy(), capture_output=True, text=True, timeout=300)


def test_a_public_report_is_a_draft_until_a_named_person_signs_it(tmp_path, monkeypatch, capsys):
    # Practice, draft and signature are made by the command as it stands; the looks between them in this process, for
    # most of what they take is the start of another.
    def look(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return code, *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    assert look("simulate", "--patients", "150", "--seed", "5", "--clean", "--out", "simulated")[0] == 0
    mapping = ("--mapping", "simulated/mapping.toml")
    made = run(tmp_path, "report", "simulated/visits.csv", *mapping, "--audience", "public", "--quiet")
    page = Path(made.stdout.strip())
    draft = page.parent
    assert draft.parent == Path("reports/draft") and not Path("reports", draft.name).exists()
    assert made.stderr.splitlines()[-1] == (
        f'a draft, not to be passed on before it is signed: outcomes sign {draft} --by "Name"'
    )
    code, said, _ = look("verify", "reports/draft")
    assert code == 0 and "an unsigned draft" in said

    code, _, refused = look("sign", str(draft), "--by", " ")
    assert code == 2 and "E963" in refused

    whole = page.read_bytes()
    page.write_bytes(whole + b" ")
    code, _, refused = look("sign", str(draft), "--by", "Jane Roe")
    assert code == 3 and "E964" in refused and not Path("reports", draft.name).exists()
    page.write_bytes(whole)

    signed = run(tmp_path, "sign", str(draft), "--by", "Jane Roe", "--on", "2026-11-26")
    assert signed.returncode == 0, signed.stderr
    assert signed.stdout.splitlines()[-1] == f"reports/{draft.name}/index.html"
    assert "audit  nothing found" in signed.stdout and "  total " in signed.stdout
    assert not draft.exists()

    code, said, _ = look("verify", f"reports/{draft.name}")
    assert code == 0 and "signed by Jane Roe on 2026-11-26." in said
    assert look("audit", f"reports/{draft.name}")[0] == 0


# -- a process that ends at any step -----------------------------------------------------------------------------------

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "ctypes.call_function"}


def sign_until(draft: Path, last: int) -> tuple[int, int]:
    """Sign in a process of its own that ends before its `last` write, rename or removal: exit code and steps."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        done = [0]

        def count(event: str, arguments: tuple[object, ...]) -> None:
            is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if is_write or event in STEPS:
                done[0] += 1
                if done[0] == last:
                    os._exit(9)

        sys.addaudithook(count)
        try:
            sign.sign_draft(draft, "Jane Roe")
            os.write(write, str(done[0]).encode())
            os._exit(0)
        finally:
            os._exit(7)
    os.close(write)
    _, status = os.waitpid(process, 0)
    said = os.read(read, 20)
    os.close(read)
    return os.waitstatus_to_exitcode(status), int(said or 0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.parametrize("before", ["", "John Doe"])
def test_killed_at_any_step_there_is_the_draft_or_the_signed_release_whole(tmp_path, monkeypatch, before):
    monkeypatch.setattr(sign, "_check_attack", lambda *_: ())  # it writes nothing, and takes most of the time
    kept, out = tmp_path / "kept", tmp_path / "reports"
    name = publish_public(None, make_practice(150, seed=4), kept).parent.name
    if before:
        shutil.copytree(kept / "draft", tmp_path / "draft")
        sign.sign_draft(kept / "draft" / name, before)
        shutil.copytree(tmp_path / "draft", kept / "draft")
    shutil.copytree(kept, out)
    code, steps = sign_until(out / "draft" / name, -1)
    assert code == 0 and steps > 50
    for last in range(1, steps + 1):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        assert sign_until(out / "draft" / name, last)[0] == 9
        draft, release = out / "draft" / name, out / name
        assert not draft.exists() or verify_release(draft).is_whole, last
        signer = verify_release(release).signature["signed_by"] if release.exists() else ""
        assert signer in (before, "Jane Roe") and (draft.exists() or signer == "Jane Roe"), last
        assert not release.exists() or verify_release(release).is_whole, last
        if draft.exists():
            sign.sign_draft(draft, "Jane Roe")
        assert verify_release(release).signature["signed_by"] == "Jane Roe" and not draft.exists(), last
