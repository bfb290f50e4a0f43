"""Write a public release: count, protect, attack, write all of it or nothing, and remember what was printed.

Nothing but protected numbers (`protect`) reaches a file, a picture or a sentence. The ledger learns of a release
before it takes its place, so that a run that ends in between leaves nothing printed that later runs do not know of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.errors import DisclosureError, Finding
from outcomes.files.lock import only_run
from outcomes.records.full_dates import describe_dates
from outcomes.release.configuration import PROTOCOL
from outcomes.release.manifest import PUBLIC, hash_files, to_json
from outcomes.release.model import Link, Page
from outcomes.release.page import data_cut
from outcomes.release.public.cohorts import find_people
from outcomes.release.public.counts import Counts, count_people
from outcomes.release.public.frames import CURVE, PREFIX, to_frames
from outcomes.release.public.gate import GATE, build_gate
from outcomes.release.public.identifiers import check_texts, describe_search
from outcomes.release.public.ledger import NAME, ReleaseLedger
from outcomes.release.public.manifest import UNIT, build_public_manifest
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, PublicRules, ShownCurve, ShownTable
from outcomes.release.public.page import PublicFacts, build_public_page
from outcomes.release.public.protect import Protected, find_redefined, protect_release
from outcomes.release.public.second_look import find_broken
from outcomes.release.public.words import Words, list_rules
from outcomes.release.render_html import render_html
from outcomes.release.render_pdf import render_pdf, render_png
from outcomes.release.staging import DRAFT, MANIFEST, staged, write
from outcomes.release.tables import to_csv
from outcomes.release.verify import name_release, read_manifest
from outcomes.release.words import day_to_date, lower_first

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases import Episodes
    from outcomes.records import Records

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PublicRelease:
    """What a public release is made of before it is written; nothing in it is exact.

    Attributes
    ----------
    quarter : str
    tables : mapping of str to DataFrame
        The published tables by the names of their files.
    page : Page
    audit : mapping
        As it stands in the manifest.
    handled : mapping
        As it stands in the manifest.
    """

    quarter: str
    tables: Mapping[str, pd.DataFrame]
    page: Page
    audit: Mapping[str, Any]
    handled: Mapping[str, Any]


def publish_public(
    records: Records | None,
    episodes: Episodes,
    out: str | Path,
    quarter: str | None = None,
    progress: Progress = lambda _: None,
    rules: PublicRules = RULES,
    warn: Progress = lambda _: None,
) -> Path:
    """Write the draft ``<out>/draft/<quarter>-public/``, and remember in ``<out>`` what was printed.

    A draft may have been passed on: for the ledger it is published. `sign.sign_draft` puts it beside ``draft``.

    Parameters
    ----------
    records : Records or None
        For what was looked for in the export; None when only cases are at hand.
    episodes : Episodes
    out : path
        Folder of all releases; made if absent.
    quarter : str, optional
        Patients who started after it are left out; the newest quarter that can be judged when not given.
    progress : callable
        Told, in a few words, what is being done.
    rules : PublicRules
    warn : callable
        Told, once the draft is there, that earlier releases of the folder counted by other definitions.

    Returns
    -------
    Path
        Of ``index.html``.

    Raises
    ------
    NotEstimable
        There are no such patients, or no such quarter.
    DisclosureError
        Fewer patients than `rules.k`; a hidden number could be worked out; an identifier stands in a text. Nothing is
        written.
    InputRefused
        `out` is a file, the target is not a release, the ledger cannot be read, or another run writes there.
    """
    folder = Path(out)
    progress("patients")
    people = find_people(episodes, quarter)
    counts = count_people(episodes, people)
    with only_run(folder):
        progress("small numbers")
        ledger = ReleaseLedger(folder / NAME, find_heads(folder))
        is_redefined = find_redefined(counts.tables, ledger.earlier())
        protected = protect(counts, ledger, rules)
        progress("figures and page")
        made = make_release(records, episodes, people.quarter, protected, rules)
        target = folder / DRAFT / name_release(people.quarter, PUBLIC)
        with staged(target) as staging:
            _write(made, episodes, staging)
            head = ledger.intend(target.name, protected.entry)
            manifest = build_public_manifest(
                episodes,
                made.quarter,
                _month(episodes),
                rules,
                {**made.audit, "ledger_head": head},
                made.handled,
                hash_files(staging),
                describe_dates(records, episodes.has_calendar),
            )
            write(staging / MANIFEST, to_json(manifest))
        ledger.confirm(head)
    if is_redefined:
        warn(_REDEFINED.format(most=rules.k - 1))
    return target / "index.html"


def protect(counts: Counts, ledger: ReleaseLedger, rules: PublicRules = RULES) -> Protected:
    """Return what may be published of the counts, after an attack on it.

    The proof (`protect_release`) knows every earlier release. The attack, a second look that takes time with each of
    them, works on the newest `second_look.ATTACKED_EARLIER`; what it names was hidden further where that could be.

    Raises
    ------
    DisclosureError
        E937 the attack gave something away.
    """
    printed = ledger.printed()
    found = protect_release(counts.tables, counts.curves, rules, ledger.earlier(), printed)
    if broken := find_broken(found.tables, found.curves, printed, rules):
        raise _broken(broken, rules)
    return found


def _broken(broken: Sequence[Attacked], rules: PublicRules) -> DisclosureError:
    remedy = "Keep the earlier public reports, and publish again when more patients are on record."
    findings = [
        Finding(
            "E937",
            f"keeps fewer than {rules.least_values} possible values: {one.way}.",
            f"{one.table} › {one.cell}",
            remedy,
        )
        for one in broken
    ]
    return DisclosureError("Nothing is published: hidden numbers could be worked out.", findings)


def make_release(
    records: Records | None, episodes: Episodes, quarter: str, protected: Protected, rules: PublicRules = RULES
) -> PublicRelease:
    """Make tables and page of protected numbers."""
    frames = to_frames(protected.tables, protected.curves, rules)
    handled = list_handled(protected.tables, protected.curves)
    frames[GATE] = build_gate({name: to_csv(frame) for name, frame in frames.items()}, handled, rules)
    base = " or ".join(map(str, sorted({table.base for table in protected.tables})))
    codebook = episodes.visits.codebook
    words = Words.of(episodes.protocol, codebook)
    texts = {
        "rules": list_rules(rules.k, base, rules.least_values),
        "reasons": list_reasons(protected.tables, words),
        "identifiers": describe_search(records, episodes.has_calendar),
    }
    facts = PublicFacts(episodes.protocol, codebook, quarter, rules.k, base, texts)
    page = build_public_page(frames, facts, _LINKS)
    return PublicRelease(quarter, frames, page, describe_audit(protected), handled)


_REDEFINED = (
    "Protocol or vocabulary count other patients than earlier public reports of this folder: numbers within {most} "
    "patients of one printed there are hidden, and no number is carried on. Under the earlier ones the series goes on."
)
_LINKS = (
    Link("This report as PDF", "report.pdf"),
    Link("Definitions (protocol)", PROTOCOL),
    Link("Manifest", MANIFEST),
)


def describe_audit(protected: Protected) -> dict[str, Any]:
    """Return what was proved, for the manifest."""
    audit = protected.audit
    return {
        "passed": True,
        "hidden_numbers": audit.hidden,
        "values_left_at_least": audit.least_values,
        "rows_put_together": audit.together,
        "tables_rounded_coarser": list(audit.coarse),
        "curves_published": audit.has_curves,
    }


def list_reasons(tables: Sequence[ShownTable], words: Words) -> tuple[str, ...]:
    """Return what was done to each table, one line a table; nothing for one that was only rounded."""
    titles = {**words.facts, **words.families, "state": "All patients", "after_relief": "After relief"}
    return tuple(
        f"{titles.get(table.name, table.name)}: {_join_reasons(table.reasons)}." for table in tables if table.reasons
    )


def _join_reasons(reasons: Sequence[str]) -> str:
    """Put sentences together as one; what they begin with alike is said once."""
    parts: list[str] = []
    last = ""
    for reason in reasons:
        head, colon, rest = lower_first(reason.rstrip(".")).partition(": ")
        parts.append(rest if colon and head == last else f"{head}{colon}{rest}")
        last = head
    return "; ".join(parts)


def list_handled(tables: Sequence[ShownTable], curves: Sequence[ShownCurve]) -> dict[str, Any]:
    """Return how each table was made, for the manifest."""
    handled: dict[str, Any] = {
        table.name: {
            "unit": UNIT,
            "base": table.base,
            "cohort": table.cohort.name,
            "parent": table.cohort.parent,
            "column": table.cohort.column,
            "hidden": [number for _, number in table.list_numbers()].count(HIDDEN_CELL),
            "done": list(table.reasons),
        }
        for table in tables
    }
    if curves:
        handled[CURVE.removeprefix(PREFIX)] = {"unit": UNIT, "base": max(curve.base for curve in curves)}
    return handled


def find_heads(out: Path) -> list[str]:
    """Return the ledger's heads that stand in the public releases of a folder of releases, drafts too."""
    folders = (*list_public(out), *list_public(out / DRAFT))
    manifests = [read_manifest(path)[0] for path in folders]
    return [str(manifest["audit"]["ledger_head"]) for manifest in manifests if manifest]


def list_public(out: Path) -> list[Path]:
    """Return the public releases of a folder, by name; one whose manifest cannot be read is among them."""
    named = [path for path in sorted(out.glob(f"*-{PUBLIC}")) if path.is_dir() and (path / MANIFEST).is_file()]
    return [path for path in named if not (found := read_manifest(path)[0]) or found.get("audience") == PUBLIC]


def _write(made: PublicRelease, episodes: Episodes, staging: Path) -> None:
    """Write all files but the manifest; texts are searched for identifiers before any is written."""
    texts = {f"tables/{name}.csv": to_csv(table) for name, table in made.tables.items()}
    figures = {figure.id.removeprefix("figure-"): figure.wide for figure in made.page.figures()}
    texts |= {f"figures/{name}.svg": svg + "\n" for name, svg in figures.items()}
    texts |= {"index.html": render_html(made.page), PROTOCOL: episodes.protocol.to_toml()}
    check_texts(texts)
    for name, text in texts.items():
        write(staging / name, text)
    for name, svg in figures.items():
        write(staging / "figures" / f"{name}.png", render_png(svg))
    write(staging / "report.pdf", render_pdf(made.page))


def _month(episodes: Episodes) -> str:
    cut = data_cut(episodes.visits)
    return f"{day_to_date(cut):%Y-%m}" if cut is not None else ""
