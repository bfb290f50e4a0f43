"""`outcomes sign`: a public release leaves the drafts by name, after every check, whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from outcomes import cli
from outcomes.errors import DisclosureError, InputRefused, OutcomesError
from outcomes.files import whole
from outcomes.files.lock import only_run
from outcomes.release import audit
from outcomes.release import signature as signatures
from outcomes.release.diff_inputs import open_release
from outcomes.release.manifest import SELF, hash_file, hash_files, hash_manifest, to_json
from outcomes.release.public import sign
from outcomes.release.public.publish import find_heads, publish_public
from outcomes.release.public.sign import sign_draft
from outcomes.release.signature import list_releases, write_signature
from outcomes.release.verify import verify_release
from support.small_practices import make_practice

NAME = "Jane Roe"


@pytest.fixture(scope="module")
def practice():
    return make_practice(150, seed=4)


@pytest.fixture(scope="module")
def made(practice, tmp_path_factory):
    """A folder of releases with one draft in it, of a practice so small that numbers are hidden."""
    out = tmp_path_factory.mktemp("made") / "reports"
    publish_public(None, practice, out)
    return out


@pytest.fixture
def out(made, tmp_path):
    shutil.copytree(made, tmp_path / "reports")
    return tmp_path / "reports"


@pytest.fixture
def draft(out):
    (found,) = (out / "draft").glob("*-public")
    return found


@pytest.fixture
def unattacked(monkeypatch):
    """For what comes after the attack, which takes most of the time."""
    monkeypatch.setattr(sign, "_check_attack", lambda *_: ())


def place_of(draft):
    return draft.parents[1] / draft.name


def rewrite(draft, **changes):
    """Change the manifest of a draft, and let it fit its files and its own hash again."""
    manifest = json.loads((draft / "manifest.json").read_text("utf-8")) | changes
    files = {name: sha for name, sha in hash_files(draft).items() if name not in ("manifest.json", "signature.json")}
    manifest = {name: value for name, value in manifest.items() if name != SELF} | {"outputs": files}
    (draft / "manifest.json").write_text(to_json(manifest | {SELF: hash_manifest(manifest)}), "utf-8")


def is_still_a_draft(draft):
    return (
        verify_release(draft).is_draft
        and not place_of(draft).exists()
        and not list(place_of(draft).parent.glob(".*.staging*"))
    )


# -- a draft that is signed --------------------------------------------------------------------------------------------


def test_a_signed_release_is_the_draft_with_a_signature_in_the_place_beside_the_drafts(out, draft):
    before = hash_files(draft)
    signed = sign_draft(draft, f"  {NAME} ", "2026-11-26")
    release = place_of(draft)
    assert signed.page == release / "index.html" and not (out / "draft").exists()
    after = hash_files(release)
    assert after.pop("signature.json") and after == before
    said = json.loads((release / "signature.json").read_text("utf-8"))
    assert (said["signed_by"], said["signed_on"], said["release"]) == (NAME, "2026-11-26", release.name)
    assert said["manifest_file_sha256"] == hash_file(release / "manifest.json")
    assert said["checked"]["files"] == len(before) - 1 and said["versions"]["outcomes"]
    assert int(signed.gate.rows[-1]["hidden"]) > 0 and "each hidden number keeps 5" in signed.table()
    assert not [path for path in release.rglob("*") if path.is_file() and path.name != "signature.json"
                and NAME.encode() in path.read_bytes()]  # fmt: skip


def test_a_signed_release_verifies_and_is_audited_and_no_clock_is_read(draft):
    first = sign_draft(draft, NAME)
    found = verify_release(first.page.parent)
    assert found.is_whole and not found.is_draft and found.table().endswith(f", signed by {NAME}.")
    assert not audit.audit_releases([first.page.parent])[0].found
    assert json.loads((first.page.parent / "signature.json").read_text("utf-8"))["signed_on"] == ""


@pytest.mark.slow
def test_a_new_draft_of_the_quarter_is_attacked_with_the_signed_one_and_takes_its_place(out, draft, practice):
    sign_draft(draft, NAME)
    old = hash_file(place_of(draft) / "manifest.json")
    publish_public(None, make_practice(190, seed=4), out, draft.name.removesuffix("-public"))
    assert len(find_heads(out)) == 2
    assert hash_file(place_of(draft) / "manifest.json") == old  # until the new one is signed
    assert sign_draft(draft, "John Doe").together == (draft.name,)
    assert hash_file(place_of(draft) / "manifest.json") != old
    assert verify_release(place_of(draft)).signature["signed_by"] == "John Doe"


@pytest.mark.slow
def test_a_draft_that_was_thrown_away_is_made_again_as_it_was(out, draft, practice):
    before = hash_files(draft)
    shutil.rmtree(draft)
    publish_public(None, practice, out)
    assert hash_files(draft) == before
    assert len(find_heads(out)) == 1


# -- and one that is not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "what"),
    [("", "no name"), (" \t ", "no name"), ("12", "no name"), ("Jane\x1b[2J", "no name"), ("Jane\u202eRoe", "no name"),
     ("Roe, j.roe@example.org", "e-mail")],
)  # fmt: skip
def test_without_a_name_nothing_is_signed(draft, name, what):
    with pytest.raises(InputRefused, match=rf"E963 --by: .*{what}"):
        sign_draft(draft, name)
    assert is_still_a_draft(draft)


def test_what_is_no_draft_is_not_signed(unattacked, out, draft, tmp_path):
    with pytest.raises(InputRefused, match=r"E962.*is not a folder.*reports/draft/2026Q2-public"):
        sign_draft(tmp_path / "nothing", NAME)
    with pytest.raises(InputRefused, match=r"E962.*holds no manifest\.json"):
        sign_draft(out, NAME)
    copy = tmp_path / draft.name
    shutil.copytree(draft, copy)
    with pytest.raises(InputRefused, match=r"E962.*does not lie in a folder called draft"):
        sign_draft(copy, NAME)
    sign_draft(draft, NAME)
    with pytest.raises(InputRefused, match=r"E962.*is signed already"):
        sign_draft(place_of(draft), NAME)


def test_the_clinics_own_report_is_not_signed(draft):
    rewrite(draft, audience="clinic")
    with pytest.raises(InputRefused, match=r"E962.*the clinic's own report"):
        sign_draft(draft, NAME)


def test_a_file_that_is_not_as_it_was_written_is_named(draft):
    (draft / "index.html").write_text("<p>edited</p>", "utf-8")
    with pytest.raises(DisclosureError, match=r"not signed.*\n.*E964 .*index.html: differs from what was published"):
        sign_draft(draft, NAME)
    (draft / "more.txt").write_text("x", "utf-8")
    with pytest.raises(DisclosureError, match=r"E964 .*more.txt"):
        sign_draft(draft, NAME)
    assert not place_of(draft).exists()


def test_what_the_attack_finds_is_named_and_masked(draft):
    page = draft / "index.html"
    page.write_text(page.read_text("utf-8").replace("</body>", "mary.jones@example.org</body>"), "utf-8")
    rewrite(draft)
    with pytest.raises(DisclosureError, match=r"E965 .*index.html: identifier") as refused:
        sign_draft(draft, NAME)
    assert "mary" not in str(refused.value) and is_still_a_draft(draft)


def test_a_later_release_that_the_draft_gives_away_is_named(out, draft):
    """Newer ones in place are attacked together with an older quarter that is signed after them."""
    later = out / "2099Q1-public"
    shutil.copytree(draft, later)
    rewrite(later, quarter="2099Q1")
    (later / "report.txt").write_text("call 212-555-0142", "utf-8")
    with pytest.raises(DisclosureError, match=r"E965 2099Q1-public/report.txt: identifier"):
        sign_draft(draft, NAME)


@pytest.mark.parametrize(
    ("table", "there", "instead"),
    [("gate", r",passed\n", ",none\n"), ("gate", r"\ntotal,.*", ""), ("state", r"total,\d+", "total,9995")],
)
def test_a_gate_report_that_does_not_say_what_the_tables_say_is_refused(draft, table, there, instead):
    path = draft / "tables" / f"public_{table}.csv"
    path.write_text(re.sub(there, instead, path.read_text("utf-8"), count=1), "utf-8")
    rewrite(draft)
    with pytest.raises(DisclosureError, match=r"E966 .*public_gate\.csv: does not say"):
        sign_draft(draft, NAME)


def test_other_rules_than_those_of_this_version_are_refused(draft):
    manifest = json.loads((draft / "manifest.json").read_text("utf-8"))
    rewrite(draft, rules=manifest["rules"] | {"least_patients_shown": 3})
    with pytest.raises(DisclosureError, match=r"E966 .*other rules"):
        sign_draft(draft, NAME)


def test_a_draft_the_ledger_does_not_know_is_refused(out, draft):
    (out / ".release-ledger.json").unlink()
    with pytest.raises(DisclosureError, match="E927"):
        sign_draft(draft, NAME)
    assert is_still_a_draft(draft)


def test_what_changes_while_it_is_signed_is_not_signed(unattacked, draft, monkeypatch):
    def write_other(path, content, write=sign.write):
        write(path, b"other" if path.suffix == ".pdf" else content)

    monkeypatch.setattr(sign, "write", write_other)
    with pytest.raises(DisclosureError, match="E967"):
        sign_draft(draft, NAME)
    assert is_still_a_draft(draft)


def test_a_place_that_holds_other_files_is_left_alone(unattacked, draft):
    place_of(draft).mkdir()
    (place_of(draft) / "mine.txt").write_text("x", "utf-8")
    with pytest.raises(InputRefused, match="is not a release"):
        sign_draft(draft, NAME)
    assert verify_release(draft).is_draft


# -- stopped in between ------------------------------------------------------------------------------------------------


class Stopped(Exception):
    """The machine stops here."""


STEPS = {
    "copy": (sign, "write"),
    "signature": (sign, "write_signature"),
    "flush": (whole, "sync_tree"),
    "taking its place": (whole, "put_in_place"),
    "removing the draft": (sign, "remove_whole"),
}


@pytest.mark.parametrize("is_first", [True, False], ids=["no release before", "a release before"])
@pytest.mark.parametrize("step", STEPS)
def test_after_a_stop_there_is_the_old_or_the_new_one_and_the_same_command_ends_well(
    unattacked, draft, monkeypatch, tmp_path, step, is_first
):
    if not is_first:
        shutil.copytree(draft, tmp_path / "kept")
        sign_draft(draft, "John Doe")
        shutil.copytree(tmp_path / "kept", draft)

    def stop(*_args, **_options):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], stop)
        with pytest.raises((Stopped, OutcomesError)):
            sign_draft(draft, NAME)
    assert verify_release(draft).is_whole and verify_release(draft).is_draft
    signer = NAME if step == "removing the draft" else "" if is_first else "John Doe"
    assert place_of(draft).exists() == bool(signer)
    assert not signer or verify_release(place_of(draft)).signature["signed_by"] == signer
    sign_draft(draft, NAME)
    assert verify_release(place_of(draft)).signature["signed_by"] == NAME and not draft.exists()


def test_a_draft_that_cannot_be_removed_is_said_and_the_release_is_in_place(unattacked, draft, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sign, "remove_whole", refuse)
    with pytest.raises(OutcomesError, match=r"E968 .*could not be removed.*in its place.*by hand"):
        sign_draft(draft, NAME)
    assert verify_release(place_of(draft)).signature


# -- verify, audit and diff with both places ---------------------------------------------------------------------------


def faults_of(release):
    return {fault.path: fault.words for fault in verify_release(release).faults if fault.kind == "signature"}


def test_verify_says_what_a_draft_is_and_names_a_signature_that_does_not_hold(unattacked, draft):
    assert "It is an unsigned draft, not to be passed on: see `outcomes sign`." in verify_release(draft).table()
    sign_draft(draft, NAME)
    release = place_of(draft)
    signature = (release / "signature.json").read_text("utf-8")
    (release / "signature.json").write_text(signature.replace(NAME, "John Doe"), "utf-8")
    assert "was edited" in faults_of(release)["signature.json"]
    (release / "signature.json").write_text("[]", "utf-8")
    assert "cannot be read" in faults_of(release)["signature.json"]
    nobody = write_signature(release.name, " ", "", hash_file(release / "manifest.json"), {})
    (release / "signature.json").write_text(nobody, "utf-8")
    assert "names nobody" in faults_of(release)["signature.json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "FORMAT", 99)
        later = write_signature(release.name, NAME, "", hash_file(release / "manifest.json"), {})
    (release / "signature.json").write_text(later, "utf-8")
    assert "has format 99; this version reads format" in faults_of(release)["signature.json"]
    kept = release.parent / "kept.json"
    kept.write_text(signature, "utf-8")
    (release / "signature.json").unlink()
    (release / "signature.json").symlink_to(kept)
    assert "is a link; a release holds files" in faults_of(release)["signature.json"]
    (release / "signature.json").unlink()
    (release / "signature.json").write_text(signature, "utf-8")
    assert not faults_of(release)
    rewrite(release, as_of="2026-01")
    assert "signs another manifest.json" in faults_of(release)["signature.json"]
    (release / "signature.json").unlink()
    assert "a public release is signed, or a draft" in faults_of(release)["signature.json"]
    with pytest.raises(InputRefused, match="E885"):
        open_release(release)


def test_drafts_and_signed_ones_are_not_compared(unattacked, draft):
    with pytest.raises(InputRefused, match="E935"):
        open_release(draft)
    sign_draft(draft, NAME)
    with pytest.raises(InputRefused, match="E935"):
        open_release(place_of(draft))


def test_all_releases_of_a_folder_means_its_drafts_too(out, draft, capsys):
    shutil.copytree(draft, out / draft.name)
    assert list_releases([out / draft.name, out / "draft"]) == [out / draft.name, draft]
    assert cli.main(["verify", str(out / "draft")]) == 0
    assert "unsigned draft" in capsys.readouterr().out
    shutil.rmtree(draft)
    assert list_releases([out / draft.name, out / "draft"]) == [out / draft.name]
    assert list_releases([out / "draft"]) == [out / "draft"]  # and is refused: nothing was looked at


def test_of_one_quarter_the_draft_is_attacked_with_what_is_published(out, draft, monkeypatch):
    shutil.copytree(draft, out / draft.name)
    seen = []
    monkeypatch.setattr(audit, "attack", lambda _tables, _curves, before: seen.append(len(before)) or ())
    audit.audit_releases([draft, out / draft.name])
    assert seen == [1, 0]


def test_another_run_on_the_folder_keeps_it_from_being_signed(out, draft):
    with only_run(out), ThreadPoolExecutor(1) as other, pytest.raises(InputRefused, match="E951"):
        other.submit(sign_draft, draft, NAME).result()
    assert is_still_a_draft(draft)
