"""Answers in, one page model out.

The model is rendered twice, by `render_html` and `render_pdf`. It holds no patient's value, only cells of tables that
went through `disclosure` once.
"""

from __future__ import annotations

from typing import Any

from outcomes.release.first_page import list_limits, summarise
from outcomes.release.inputs import ReportInputs, ask
from outcomes.release.look_into import find_to_look_into
from outcomes.release.manifest import INTERNAL, package_version
from outcomes.release.model import Link, Page
from outcomes.release.sections import make_sections
from outcomes.release.sentences import NotShowable, Tables, cell, run_cell, show
from outcomes.release.tables import collect_tables
from outcomes.release.tiles import make_tiles, note_tiles
from outcomes.release.words import ORDINALS, date_words, day_to_date, quarter_months

__all__ = ["ReportInputs", "ask", "build_page"]

NATURE = "Descriptive analysis of routinely collected clinic records; not linked to other data"


def build_page(
    inputs: ReportInputs,
    tables: Tables | None = None,
    links: tuple[Link, ...] = (),
    notes: tuple[str, ...] = (),
    workers: int = 1,
) -> Page:
    """Build the page model.

    Parameters
    ----------
    inputs : ReportInputs
        Answers as the questions gave them; small numbers are hidden here unless `tables` is given.
    tables : Mapping[str, DataFrame], optional
        The published tables, when the caller has made them already; `inputs` must then be protected.
    links : tuple of Link
        Other files of the release.
    notes : tuple of str
        What the release lacks, and why.
    workers : int
        Processes that draw; no bit of a drawing depends on it.

    Returns
    -------
    Page
    """
    if tables is None:
        inputs = inputs.protected()
        tables = collect_tables(inputs)
    quarter, tiles = inputs.quarter, make_tiles(inputs, tables)
    year, _, number = quarter.partition("Q")
    return Page(
        title=f"{ORDINALS[int(number) - 1].capitalize()} quarter {year}" if number else "All visits on record",
        kicker="Clinic report",
        quarter=quarter,
        facts=_facts(inputs, tables),
        summary=summarise(inputs, tables),
        tiles=tiles,
        tiles_note=note_tiles(tiles),
        look_into=find_to_look_into(inputs, tables),
        cannot_say=list_limits(inputs, tables),
        sections=make_sections(inputs, tables, workers),
        footer=(*notes, *_footer(inputs)),
        links=links,
        mark=INTERNAL,
    )


def data_cut(visits: Any) -> int | None:
    """Return the last observable day of any clinic (days since 1970-01-01), or None without a calendar."""
    last = int(visits.clinic_last_day.max()) if len(visits.clinic_last_day) else -1
    return last if visits.has_calendar and last >= 0 else None


def _facts(inputs: ReportInputs, tables: Tables) -> tuple[str, ...]:
    names = ("clinics", "visits", "episodes", "patients")
    counts = {name: _count(tables, name) for name in names}
    cut = data_cut(inputs.visits)
    clinics = {"0": "", "1": "1 clinic, "}.get(counts["clinics"], f"{counts['clinics']} clinics, ")
    return (
        *((quarter_months(inputs.quarter),) if inputs.quarter else ()),
        *_volume(inputs, tables),
        f"Data cut {date_words(day_to_date(cut))}" if cut is not None else "Day numbers, no calendar",
        f"{clinics}{_visits_in(tables, counts)}, {counts['patients']} patients",
    )


def _visits_in(tables: Tables, counts: dict[str, str]) -> str:
    """Visits and episodes; those visits that belong to no episode by themselves, so that a mean can be worked out."""
    step = {"step": "episodes", "unit": "visits"}
    try:
        show(tables, run_cell("visits"))  # where they are hidden, so are their parts
        before = show(tables, cell("ledger", "n", "count", **step, outcome="not_data"))
        within = show(tables, cell("ledger", "n", "count", **step, outcome="kept"))
    except NotShowable:
        return f"{counts['visits']} visits, {counts['episodes']} episodes"
    visits = "visit" if before == "1" else "visits"
    return f"{within} visits in {counts['episodes']} episodes, and {before} maintenance {visits} before a first one"


def _volume(inputs: ReportInputs, tables: Tables) -> tuple[str, ...]:
    """Episodes that started in the quarter, and in the one before."""
    table = tables.get("quarter_review_volume")
    if table is None:
        return ()
    earlier = [str(quarter) for quarter in table["quarter"] if quarter < inputs.quarter]
    where = [
        cell("quarter_review_volume", "episodes_started", "count", quarter=q) for q in (inputs.quarter, *earlier[-1:])
    ]
    try:
        now, *before = [show(tables, one) for one in where]
    except NotShowable:
        return ()
    return (f"{now} episodes of care started" + (f" ({before[0]} the quarter before)" if before else ""),)


def _count(tables: Tables, fact: str) -> str:
    """A number of the run, or the mark that stands for it."""
    try:
        return show(tables, run_cell(fact))
    except NotShowable:
        return show(tables, run_cell(fact, "text"))


def _footer(inputs: ReportInputs) -> tuple[str, ...]:
    protocol, codebook = inputs.episodes.protocol, inputs.visits.codebook
    return (
        NATURE + ".",
        f"Protocol {protocol.hash}, vocabulary {codebook.hash}, outcomes {package_version()}, "
        f"seed {protocol.inference.seed}.",
    )
