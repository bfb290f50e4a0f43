"""Write a release, all of it or nothing (`staging`): page, PDF, tables, figures, notebooks, and the manifest last."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.files.beside import Writer
from outcomes.files.temporary import private_folder
from outcomes.release import checklist
from outcomes.release.asking import put_together
from outcomes.release.configuration import MAPPING, PROTOCOL, copy_tables, to_toml
from outcomes.release.inputs import COMPARISONS, ReportInputs, ask, share
from outcomes.release.manifest import build_manifest, hash_files, to_json
from outcomes.release.model import Link, Page
from outcomes.release.notebooks import (
    NotebookRun,
    check_notebook_packages,
    find_notebooks,
    read_parameters,
    running_notebooks,
)
from outcomes.release.page import build_page, data_cut
from outcomes.release.render_html import render_html
from outcomes.release.render_pdf import render_pdf, render_png
from outcomes.release.shared_answers import FOLDER
from outcomes.release.staging import MANIFEST, check_out, heed_interrupt, staged, write
from outcomes.release.tables import collect_tables, to_csv
from outcomes.release.words import day_to_date

if TYPE_CHECKING:
    from outcomes.cases import Episodes, Visits
    from outcomes.records import Records

Progress = Callable[[str], None]
WITHOUT_CALENDAR = "all"
PDF = "report.pdf"
WORKERS = min(2, os.cpu_count() or 1)
"""Questions, drawings and notebooks at the same time; more would not halve the longest question."""
FOLLOWING = ("outcomes.release.hide_more", "outcomes.release.quick_figure", "matplotlib.backends.backend_svg", "typst")
"""Modules that hide small numbers, draw and make pictures, and the packages they load: over a second of imports."""


def publish_report(
    records: Records | None,
    visits: Visits,
    episodes: Episodes,
    out: str | Path,
    quarter: str | None = None,
    notebooks: bool = True,
    progress: bool | Progress = False,
    sources: Mapping[str, Any] | None = None,
    as_of_asked: str = "",
    beside: Mapping[str, Writer] | None = None,
    warn: Progress = lambda _: None,
) -> Path:
    """Answer the questions and write ``<out>/<quarter>/``.

    Parameters
    ----------
    records, visits, episodes : Records, Visits, Episodes
    out : path
        Folder of all releases; made if absent. Without a calendar the release is called ``all``.
    quarter : str, optional
        ``"2026Q3"``; the last complete one when not given.
    notebooks : bool
        Whether to run the notebooks too. They read the export again.
    progress : bool or callable
        True writes what is being done to the standard error; a callable is told in a few words.
    sources : Mapping, optional
        Paths of ``mapping`` and ``codebook`` as given on the command line, for the notebooks. Without the one that was
        used no notebook is run, and the manifest says so.
    as_of_asked : str
        The as-of date the visits were cut at (`cases.as_of.cut_visits`), as an ISO date; empty for the data cut.
    beside : Mapping[str, Writer], optional
        Private files that go with the release (`staging.staged`).
    warn : callable
        Told, once the release is there, which notebook did not finish, or why none was run; the page says it too.

    Returns
    -------
    Path
        Of ``index.html``.

    Raises
    ------
    NotEstimable
        When a quarter was asked for that cannot be reported.
    InputRefused
        When `out` is a file, or the target a folder that is not a release or holds other files too.
    OutcomesError
        E961 when notebooks are to be run and what shows them is too old.
    """
    check_out(Path(out))
    if notebooks and not _why_no_notebooks(records, sources or {}, as_of_asked):
        check_notebook_packages()  # before the long work of the questions
    tell = progress if callable(progress) else _write_progress if progress else _be_silent
    inputs = ask(records, visits, episodes, quarter, tell, workers=WORKERS, meanwhile=load_what_follows)
    tell("small numbers")
    inputs = inputs.protected(WORKERS)
    return publish_answers(inputs, out, notebooks, tell, sources, as_of_asked, beside, quarter or "", warn)


def load_what_follows() -> None:
    """Import what comes after the questions, while others have them: the processes forked then need not."""
    for name in FOLLOWING:
        importlib.import_module(name)
    from outcomes.release.quick_figure import look_around

    look_around()


def publish_answers(
    inputs: ReportInputs,
    out: str | Path,
    notebooks: bool = True,
    progress: Progress = lambda _: None,
    sources: Mapping[str, Any] | None = None,
    as_of_asked: str = "",
    beside: Mapping[str, Writer] | None = None,
    quarter_asked: str = "",
    warn: Progress = lambda _: None,
) -> Path:
    """Write the release of answers that are there already and protected; otherwise as `publish_report`."""
    load_what_follows()  # before there are notebooks, in threads
    target = Path(out) / (inputs.quarter or WITHOUT_CALENDAR)
    with staged(target, beside) as staging:
        withheld = _write_settings(inputs, staging, sources or {})
        progress("tables")
        tables = collect_tables(inputs)
        with _running(inputs, sources or {}, as_of_asked, progress, notebooks) as (runs, reasons):
            progress("figures and page")
            # Beside the notebooks this process draws by itself: they keep the processors busy.
            workers = 1 if runs else WORKERS
            page = build_page(inputs, tables, workers=workers)
            # Without notebooks nothing more comes on paper: its sheets are set beside the pictures.
            sheets = None if runs else replace(page, footer=(*reasons, *page.footer))
            _write_parts(page, tables, staging, progress, workers, sheets)
            links, notes = _write_notebooks(runs, staging)
        page = replace(page, links=_list_files(inputs, links), footer=(*reasons, *notes, *page.footer))
        if sheets is None:
            write(staging / PDF, render_pdf(page))
        items = _write_page(inputs, page, tables, staging)
        cut = data_cut(inputs.visits)
        manifest = build_manifest(
            inputs.records,
            inputs.visits,
            inputs.episodes,
            inputs.quarter,
            day_to_date(cut).isoformat() if cut is not None else "",
            hash_files(staging),
            (*reasons, *notes),
            withheld,
            as_of_asked,
            items,
            quarter_asked,
        )
        write(staging / MANIFEST, to_json(manifest))
    for said in (*reasons, *notes, *_say_quarter(inputs, quarter_asked)):
        warn(said)
    return target / "index.html"


def _say_quarter(inputs: ReportInputs, asked: str) -> tuple[str, ...]:
    """Say which quarter the report is about where nobody asked for one and there are later ones."""
    if asked or not inputs.quarter:
        return ()
    last = str(max(inputs.quarter_review.table["quarter"]))
    if last <= inputs.quarter:
        return ()
    return (
        f"about {inputs.quarter}, the newest quarter old enough to be judged; "
        f"{last} is not yet (--quarter {last} shows it with what can be said so far)",
    )


def _write_settings(inputs: ReportInputs, staging: Path, sources: Mapping[str, Any]) -> tuple[str, ...]:
    """Write what the release was made with; the keys of the mapping that are withheld are given back."""
    write(staging / PROTOCOL, inputs.episodes.protocol.to_toml())
    folder = sources.get("codebook")
    for name, text in copy_tables(Path(folder) if folder is not None else None).items():
        write(staging / name, text)
    if inputs.records is None:
        return ()
    text, withheld = to_toml(inputs.records.mapping)
    write(staging / MAPPING, text)
    return withheld


def _write_parts(
    page: Page, tables: Mapping[str, Any], staging: Path, progress: Progress, workers: int, sheets: Page | None
) -> None:
    """Write the tables, the figures as drawings and pictures, and what is to be on paper, where that is known."""
    for name, table in tables.items():
        write(staging / "tables" / f"{name}.csv", to_csv(table))
    progress("pictures")
    drawings = {figure.id.removeprefix("figure-"): figure.wide for figure in page.figures()}
    # typst holds the interpreter while it draws: only processes are side by side.
    calls = {name: ("pictures", partial(render_png, svg)) for name, svg in drawings.items()}
    if sheets is not None:
        calls[PDF] = ("pages on paper", partial(render_pdf, sheets))
    pictures = put_together(calls, workers)
    if sheets is not None:
        write(staging / PDF, pictures[PDF])
    for name, svg in drawings.items():
        write(staging / "figures" / f"{name}.svg", svg + "\n")
        write(staging / "figures" / f"{name}.png", pictures[name])


def _write_page(inputs: ReportInputs, page: Page, tables: Mapping[str, Any], staging: Path) -> dict[str, Any]:
    """Write the page and the checklist, which is counted for the manifest."""
    write(staging / "index.html", render_html(page))
    items = _fill_checklist(inputs, page, tables, staging)
    write(staging / "tables" / f"{checklist.NAME}.csv", to_csv(items))
    return checklist.count_items(items)


def _list_files(inputs: ReportInputs, notebooks: tuple[Link, ...]) -> tuple[Link, ...]:
    """What the page links to: every file of the release that a reader may want."""
    return (
        Link("This report as PDF", PDF),
        *notebooks,
        Link("Reporting checklist", f"tables/{checklist.NAME}.csv"),
        Link("Definitions (protocol)", PROTOCOL),
        *((Link("How the export was read (mapping)", MAPPING),) if inputs.records is not None else ()),
        Link("Manifest", MANIFEST),
    )


def _fill_checklist(inputs: ReportInputs, page: Page, tables: Mapping[str, Any], staging: Path) -> Any:
    """Fill the checklist with what was written, and with the manifest, which is written last."""
    anchors = {"main", *(section.id for section in page.sections), *(("cannot",) if page.cannot_say else ())}
    contents = checklist.Contents({*hash_files(staging), MANIFEST}, anchors, tables)
    refusals = [inputs.refusal(name) for name in COMPARISONS if inputs.refusal(name)]
    return checklist.fill_checklist(inputs.episodes, contents, refusals)


@contextmanager
def _running(
    inputs: ReportInputs, sources: Mapping[str, Any], as_of_asked: str, progress: Progress, wanted: bool
) -> Iterator[tuple[Iterator[NotebookRun] | None, tuple[str, ...]]]:
    """Run every notebook while the block goes on: their runs, to wait for, or why there are none."""
    reason = _why_no_notebooks(inputs.records, sources, as_of_asked) if wanted else ""
    if reason or not wanted:
        yield None, (f"Notebooks were not run: {reason}",) if reason else ()
        return
    with private_folder("run") as folder, heed_interrupt():
        share(inputs, folder)
        values = _notebook_values(inputs, sources, folder / "protocol.toml")
        told = {path: {k: v for k, v in values.items() if k in read_parameters(path)} for path in find_notebooks()}
        with running_notebooks(told, progress, {FOLDER: str(folder)}, WORKERS) as runs:
            yield runs, ()


def _write_notebooks(runs: Iterable[NotebookRun] | None, staging: Path) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Write each notebook when it has run; one that fails is written as far as it came and named in the notes."""
    links, notes = [], []
    for run in runs or ():
        write(staging / "notebooks" / f"{run.name}.html", run.html)
        title = f"Notebook: {run.title}" + (" (did not finish)" if run.failure else "")
        links.append(Link(title, f"notebooks/{run.name}.html"))
        if run.failure:
            write(staging / "notebooks" / f"{run.name}.ipynb", run.notebook)
            notes.append(f"Notebook did not finish: {run.failure}")
    return tuple(links), tuple(notes)


def _why_no_notebooks(records: Records | None, sources: Mapping[str, Any], as_of_asked: str) -> str:
    if not find_notebooks():
        return "there is no folder notebooks/ here."
    if records is None:
        return "the files of the export are not known."
    if sources.get("mapping") is None and records.mapping != type(records.mapping)():
        return "the path of the mapping was not given."
    if as_of_asked:
        return "they read the whole export, and this report is as of an earlier day."
    return ""


def _notebook_values(inputs: ReportInputs, sources: Mapping[str, Any], protocol: Path) -> dict[str, Any]:
    """What the notebooks are told: absolute paths, for they run in a folder of their own."""
    protocol.write_text(inputs.episodes.protocol.to_toml(), encoding="utf-8")
    files = inputs.records.files if inputs.records is not None else ()
    paths = list(dict.fromkeys(str(file.path.resolve()) for file in files))
    return {
        "data": paths[0] if len(paths) == 1 else paths,
        "protocol": str(protocol),
        "quarter": inputs.quarter or None,
        **{key: str(Path(path).resolve()) for key, path in sources.items() if path is not None},
        **({} if sources.get("mapping") else {"mapping": None}),
    }


def _write_progress(words: str) -> None:
    sys.stderr.write(f"{words} ...\n")


def _be_silent(_: str) -> None:
    return
