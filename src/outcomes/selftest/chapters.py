"""The chapters of the self-test, and running them: a proof that breaks has not held, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from outcomes.selftest import against_r, by_hand, coverage, release, rows
from outcomes.selftest.checks import Check, Proof


@dataclass(frozen=True, slots=True)
class Chapter:
    """Some proofs of one kind.

    Attributes
    ----------
    name : str
        As it is asked for on the command line.
    words : str
        What is shown.
    proofs : tuple of callable
        Each returns its checks.
    """

    name: str
    words: str
    proofs: tuple[Proof, ...]


CHAPTERS = (
    Chapter(
        "hand",
        "cases worked on paper, and what must not matter",
        (by_hand.check_small_cases, by_hand.check_what_must_not_matter),
    ),
    Chapter(
        "r",
        "answers of R on public data",
        (
            *(against_r.check_curves, against_r.check_tests, against_r.check_competing_ends),
            *(against_r.check_intervals, against_r.check_regression, against_r.check_returns),
            against_r.check_weights,
        ),
    ),
    Chapter("coverage", "how often intervals hold the truth", (coverage.check_coverage,)),
    Chapter("rows", "every line of an export accounted for", (rows.check_dirty_export, rows.check_order_and_files)),
    Chapter("release", "a release is whole, and its small numbers stay hidden", (release.check_release,)),
)


def run_chapters(
    names: Sequence[str] = (), progress: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[Chapter, list[Check]]]:
    """Run chapters, all when none is named, and give each with its checks as soon as it is through."""
    for chapter in CHAPTERS:
        if names and chapter.name not in names:
            continue
        progress(chapter.words)
        yield chapter, [check for proof in chapter.proofs for check in _put(proof)]


def _put(proof: Proof) -> list[Check]:
    """Run one proof; where it breaks, that is what was measured."""
    try:
        return proof()
    except Exception as fault:  # noqa: BLE001 (a broken proof must not hide the others; its kind is told)
        return [Check((proof.__doc__ or proof.__name__).splitlines()[0], type(fault).__name__, "an answer", False)]
