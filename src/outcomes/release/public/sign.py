"""A named person lets a public release go: what is looked at before, and how a draft takes its place.

Whatever is wrong with a draft keeps it where it is. A signed release is a copy of the draft, file by file as it was
checked, with the signature beside the manifest; it takes its place whole, and only then the draft is removed. A run
that ends in between leaves both, and the same command ends well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outcomes.errors import DisclosureError, Finding, InputRefused, OutcomesError
from outcomes.files.lock import only_run
from outcomes.files.whole import remove_whole
from outcomes.records.identifiers import scan_text
from outcomes.release.audit import Audit, audit_releases
from outcomes.release.manifest import PUBLIC, hash_file, hash_files
from outcomes.release.public.gate import GATE, GateReport, build_gate, read_gate
from outcomes.release.public.ledger import NAME, ReleaseLedger
from outcomes.release.public.manifest import describe_rules
from outcomes.release.public.model import RULES
from outcomes.release.public.publish import find_heads, list_public
from outcomes.release.signature import is_in_drafts, write_signature
from outcomes.release.staging import MANIFEST, SIGNATURE, staged, write
from outcomes.release.tables import to_csv
from outcomes.release.verify import read_manifest, verify_release

_NOT_SIGNED = "The draft is not signed and stays where it is."
_AGAIN = "Make the draft again (`outcomes report --audience public`)."
_MOST = 12


@dataclass(frozen=True, slots=True)
class Signed:
    """A release that was let go.

    Attributes
    ----------
    page : Path
        Of ``index.html``, in its place.
    gate : GateReport
    together : tuple of str
        Releases it was attacked together with.
    """

    page: Path
    gate: GateReport
    together: tuple[str, ...]

    def table(self) -> str:
        """Return what was looked at as lines for a terminal."""
        others = f", together with {', '.join(self.together)}" if self.together else ""
        return "\n".join([f"{self.page.parent.name}", *self.gate.lines(), f"  audit  nothing found{others}"])


def sign_draft(draft: str | Path, by: str, on: str = "", progress: Callable[[str], None] = lambda _: None) -> Signed:
    """Check a draft of a public release, sign it, and put it in its place beside the folder of drafts.

    Parameters
    ----------
    draft : path
        ``<out>/draft/<quarter>-public``; ``<out>/<quarter>-public`` is where it goes.
    by : str
        Name of the person who answers for it.
    on : str
        The day, as ``2026-06-30``; no clock is read.
    progress : callable
        Told, in a few words, what is being done.

    Raises
    ------
    InputRefused
        E962 the folder is no draft of a public release; E963 `by` is no name; its place is not free (`staging`).
    DisclosureError
        E964 it is not as it was written; E965 the attack of `audit` found something; E966 its gate report or its rules
        are not those of this version; E967 it changed meanwhile; E926, E927 the ledger does not know it.
    OutcomesError
        E968 it is signed, and the draft could not be removed.
    """
    name = _check_name(by)
    draft = Path(os.path.abspath(draft))
    _check_draft(draft)
    out = draft.parents[1]
    with only_run(out):
        with only_run(draft.parent):
            signed = _sign(draft, out, (name, on), progress)
        with suppress(OSError):
            draft.parent.rmdir()  # only where no other draft is left
    return signed


def _sign(draft: Path, out: Path, who: tuple[str, str], progress: Callable[[str], None]) -> Signed:
    progress("files")
    digest = hash_file(draft / MANIFEST)
    manifest = _check_files(draft)
    ReleaseLedger(out / NAME, find_heads(out))
    gate = _check_gate(draft, manifest)
    progress("numbers, and earlier public releases")
    together = _check_attack(draft, out, str(manifest["quarter"]))
    checked = {
        "files": len(manifest["outputs"]),
        "gate": f"tables/{GATE}.csv",
        "audit": "nothing found",
        "attacked_together_with": list(together),
    }
    target = out / draft.name
    with staged(target) as staging:
        for name in (*manifest["outputs"], MANIFEST):
            write(staging / name, (draft / name).read_bytes())
        if hash_files(staging) != manifest["outputs"] | {MANIFEST: digest}:
            _refuse([Finding("E967", "changed while it was signed.", str(draft), "Run the command again.")])
        write(staging / SIGNATURE, write_signature(draft.name, *who, digest, checked))
    try:
        remove_whole(draft)
    except OSError as error:
        what = f"could not be removed: {error.strerror}. The signed release is in its place."
        raise OutcomesError("Signed.", [Finding("E968", what, str(draft), "Remove it by hand.")]) from error
    return Signed(target / "index.html", gate, together)


def _check_name(by: str) -> str:
    """Return the name with single blanks."""
    name, what = " ".join(by.split()), ""
    if not any(letter.isalpha() for letter in name) or not name.isprintable():
        what = "is no name: letters are needed, and signs that cannot be seen are not allowed."
    elif found := scan_text(name):
        what = f"holds what looks like: {found[0][0]}. It stands in a file that everybody may read."
    if what:
        finding = Finding("E963", what, "--by", 'Give the name of the person who answers for it: --by "Jane Roe".')
        raise InputRefused("A draft is signed by a person.", [finding])
    return name


def _check_draft(draft: Path) -> None:
    """Refuse a folder that is no draft of a public release."""
    manifest, unreadable = read_manifest(draft) if (draft / MANIFEST).is_file() else ({}, "")
    if draft.is_symlink() or not draft.is_dir():
        what = "is not a folder."
    elif not manifest:
        what = f"has a {MANIFEST} that {unreadable}" if unreadable else f"holds no {MANIFEST}."
    elif manifest.get("audience") != PUBLIC:
        what = "is the clinic's own report, which stays inside and needs no signature."
    elif (draft / SIGNATURE).exists():
        what = "is signed already."
    elif not is_in_drafts(draft):
        what = "does not lie in a folder called draft."
    else:
        return
    remedy = "Name the draft that `outcomes report --audience public` wrote, for example reports/draft/2026Q2-public."
    raise InputRefused("There is no draft to sign.", [Finding("E962", what, str(draft), remedy)])


def _check_files(draft: Path) -> dict[str, Any]:
    """Return the manifest of a draft whose every file is as it was written."""
    found = verify_release(draft)
    _refuse(
        Finding("E964", f"{fault.words} ({fault.kind})", f"{draft.name}/{fault.path}", _AGAIN) for fault in found.faults
    )
    return found.manifest


def _check_gate(draft: Path, manifest: dict[str, Any]) -> GateReport:
    """Return the gate report, which says what the tables say, under the rules of this version."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((draft / "tables").glob("*.csv"))}
    place = f"{draft.name}/tables/{GATE}.csv"
    if manifest.get("rules") != describe_rules(RULES):
        _refuse([Finding("E966", "was made under other rules than those of this version.", place, _AGAIN)])
    try:
        made = to_csv(build_gate(texts, manifest["tables"], RULES))
    except (LookupError, ValueError, TypeError, AttributeError):
        made = ""  # a table, or what the manifest says of it, is none of a public release
    if not made or texts.get(GATE) != made:
        _refuse([Finding("E966", "does not say what the tables of the release say.", place, _AGAIN)])
    return read_gate(made)


def _check_attack(draft: Path, out: Path, quarter: str) -> tuple[str, ...]:
    """Attack a draft with all public releases in place, and the later ones with it; return the names of all these."""
    there = list_public(out)
    later = [path for path in there if str(read_manifest(path)[0].get("quarter", "")) > quarter]
    audits = audit_releases([draft, *later], beside=[path for path in there if path not in later])
    _refuse(finding for audit in audits for finding in _list_found(audit))
    return tuple(path.name for path in there)


def _list_found(audit: Audit) -> Iterable[Finding]:
    remedy = "Do not pass it on, and make it again; if it is found again, ask for it to be mended (`outcomes audit`)."
    for item in audit.found:
        left = f": {item.possible}" if item.possible else ""
        way = f" · {item.way}" if item.way else ""
        where = " ".join(part for part in (f"{audit.folder.name}/{item.file}", item.row, item.column) if part)
        yield Finding("E965", f"{item.kind} ({item.shown}){left}{way}.", where, remedy)


def _refuse(findings: Iterable[Finding]) -> None:
    """Refuse for what was found, if there is anything."""
    if found := tuple(findings):
        more = f" {len(found) - _MOST} more are not shown." if len(found) > _MOST else ""
        raise DisclosureError(_NOT_SIGNED + more, found[:_MOST])
