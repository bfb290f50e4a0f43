"""The page of a public release: a small one of its own, made from the published tables only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcomes.release.manifest import package_version
from outcomes.release.model import Link, Page, Section, Sentence, Terms
from outcomes.release.public.counts import EVERYBODY, STATE
from outcomes.release.public.frames import TOTAL
from outcomes.release.public.sections import (
    make_sections,
    of_table,
    say_after,
    say_curve,
    say_median,
    say_states,
)
from outcomes.release.public.words import Words, list_limits, list_readings, list_terms
from outcomes.release.sentences import NBSP, NotShowable, Tables, say, show
from outcomes.release.words import quarter_months

if TYPE_CHECKING:
    from outcomes.definitions import Codebook, Protocol

KICKER, TITLE = "Public report", "Relief from back spasm"


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """What a public page says beside its tables.

    Attributes
    ----------
    protocol, codebook : Protocol, Codebook
    quarter : str
        Last quarter in which a patient may have started; empty without a calendar.
    k : int
        Least number of patients shown.
    base : str
        What numbers are rounded to: ``"5"``, ``"10"``, or ``"5 or 10"``.
    texts : mapping
        As `sections.make_sections` reads them.
    """

    protocol: Protocol
    codebook: Codebook
    quarter: str
    k: int
    base: str
    texts: Mapping[str, Sequence[str]]


def build_public_page(tables: Tables, facts: PublicFacts, links: tuple[Link, ...] = ()) -> Page:
    """Build the page model of a public release.

    Parameters
    ----------
    tables : Mapping of str to DataFrame
        The published tables (`frames.to_frames`); no other number reaches the page.
    facts : PublicFacts
    links : tuple of Link
        Other files of the release.
    """
    words = Words.of(facts.protocol, facts.codebook)
    summary = (say_states(tables, words), say_curve(tables, words), say_median(tables), say_after(tables, words))
    defined = Section("definitions", "Definitions", (), (Terms(list_terms(facts.protocol, words)),))
    return Page(
        title=TITLE,
        kicker=KICKER,
        quarter="",
        facts=_list_facts(tables, facts),
        summary=tuple(sentence for sentence in summary if sentence is not None),
        tiles=(),
        look_into=_say_all(list_readings(words, facts.k, facts.base)),
        look_title="How to read the numbers",
        csv_words="As CSV",
        cannot_say=_say_all(list_limits(words)),
        sections=(*make_sections(tables, words, facts.texts), defined),
        footer=(
            "Descriptive analysis of routinely collected clinic records; not linked to other data.",
            f"Protocol {facts.protocol.hash}, vocabulary {facts.codebook.hash}, outcomes {package_version()}.",
        ),
        links=links,
    )


def _list_facts(tables: Tables, facts: PublicFacts) -> tuple[str, ...]:
    try:
        patients = f"About {show(tables, of_table(STATE, EVERYBODY, TOTAL, 'patients'))} patients"
    except NotShowable:
        patients = "Too few patients to give their number"
    until = quarter_months(facts.quarter).split(" to ")[-1] if facts.quarter else ""
    return (
        *((f"Patients who started care up to {until}",) if until else ()),
        patients,
        f"Rounded to {facts.base}; nothing on 1 to {facts.k - 1}{NBSP}patients",
    )


def _say_all(texts: Sequence[str]) -> tuple[Sentence, ...]:
    return tuple(say(text) for text in texts)
