"""Which estimates moved between two releases, and through what: data added, rows corrected, protocol, code, packages.

The first release is turned into the second one change at a time, and every change is credited with what the estimates
do when it is made (sequential replacement). The order is fixed, because the parts depend on it:

1. ``data_added``: rows of patients and days that were not there before, and the later data cut they come with;
   ``as_of_date``: the data cut alone, where no row was added;
2. ``rows_corrected``: everything else that differs in the records (`diff_rows`);
   ``mapping``, where files and as-of date are the same: no cell is another one, it is read otherwise;
3. ``protocol``, 4. ``codebook``: the second release's definitions and vocabulary, on the second release's records;
5. ``code`` or ``packages``: where this installation is that of the second release they come first instead, being what
   is left when the first release's own records and settings are run here.

The published numbers are the ends of the way; only what lies between is run again, with the same questions under the
same rules for small numbers. So the parts add up to the movement exactly. What cannot be run again is not guessed at:

- inputs, mapping or vocabulary not at hand: nothing is attributed;
- two installations, and this is neither of them: nothing is attributed;
- code and packages both changed, or the mapping beside the data: such changes are credited together, by name;
- an estimate with no number (hidden, or refused) in between: its parts around that are credited together.

A part is what happened under this order, not why: a protocol change may move an estimate through the rows it lets in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from outcomes.errors import NotEstimable, OutcomesError
from outcomes.records.pseudonyms import load_key
from outcomes.release.configuration import compare_environments, describe_environment
from outcomes.release.diff_inputs import Ingredients, Release, build, find_files, gather, open_release
from outcomes.release.diff_rows import RowChanges, compare_rows, with_added_rows
from outcomes.release.diff_tables import (
    MOVED,
    Movement,
    Step,
    Values,
    needs_words,
    read_tables,
    say_part,
    split_movements,
)
from outcomes.release.inputs import COMPARISONS, QUESTIONS, ask
from outcomes.release.tables import to_csv

Progress = Callable[[str], None]
SLOW = (*COMPARISONS, "rehabilitation")
"""Questions that are put again only when asked for: each takes as long as all others together."""
INPUTS, AS_OF, MAPPING = "inputs", "as-of date", "mapping"
Change = tuple[tuple[str, ...], Ingredients]
"""Parts that change together, and what is run after the change."""
_READING = "the mapping changed with the data: rows added, rows corrected and the mapping go together"
_TOGETHER = "code and packages both changed: one installation cannot tell them apart, and they go together"


@dataclass(frozen=True)
class ReleaseDiff:
    """What moved between two releases.

    Attributes
    ----------
    old, new : Release
    movements : tuple of Movement
        Every estimate of both, in the order of the tables.
    changes : tuple of str
        What differs between the releases, in words.
    not_attributed : tuple of str
        What could not be credited, and why.
    rows : RowChanges or None
        Rows added and corrected; None where the inputs are the same or not at hand.
    """

    old: Release
    new: Release
    movements: tuple[Movement, ...]
    changes: tuple[str, ...]
    not_attributed: tuple[str, ...]
    rows: RowChanges | None = None

    @property
    def moved(self) -> list[Movement]:
        """Estimates that moved, the largest movement in half widths of their old interval first."""
        found = [movement for movement in self.movements if movement.status == MOVED]
        return sorted(found, key=lambda movement: (-movement.in_half_widths, movement.table, movement.row))


@dataclass(frozen=True)
class _Way:
    """The steps from one release to the other, what could not be attributed, and the rows that changed."""

    steps: tuple[Step, ...] = ()
    refusals: tuple[str, ...] = ()
    rows: RowChanges | None = None


@dataclass(frozen=True)
class _Run:
    """How a mixture is run: the questions put, how rows of tables are told apart, and who is told."""

    questions: tuple[str, ...]
    words: dict[str, bool]
    progress: Progress


def diff_releases(
    old: str | Path,
    new: str | Path,
    inputs_old: Sequence[Path] = (),
    inputs_new: Sequence[Path] = (),
    include_slow: bool = False,
    attribute: bool = True,
    progress: Progress = lambda _: None,
) -> ReleaseDiff:
    """Compare two releases estimate by estimate.

    Parameters
    ----------
    old, new : path
        Folders of releases; each must be as published.
    inputs_old, inputs_new : sequence of Path
        Files the releases were made from, or folders to look for them in, beside the places they had.
    include_slow : bool
        Whether the questions of `SLOW` are put again too; their movements are not attributed otherwise.
    attribute : bool
        False: only say what moved, run nothing.
    progress : callable
        Told, in a few words, what is being done.

    Returns
    -------
    ReleaseDiff

    Raises
    ------
    InputRefused
        E884, E885: a folder is no release, or not as published.
    """
    first, second = open_release(old), open_release(new)
    words = needs_words(first.tables, second.tables)
    ends = read_tables(first.tables, words), read_tables(second.tables, words)
    changes = _list_changes(first, second)
    way = _Way(refusals=("it was not asked for",) if changes and not attribute else ())
    not_put = () if include_slow else SLOW
    if attribute and changes:
        run = _Run(tuple(name for name in QUESTIONS if name not in not_put), words, progress)
        try:
            way = _walk((first, second), (inputs_old, inputs_new), ends, run)
        except OutcomesError as refusal:
            way = _Way(refusals=(str(refusal).splitlines()[0].rstrip("."),))
    movements = split_movements(*ends, way.steps, "; ".join(way.refusals), not_put)
    return ReleaseDiff(first, second, tuple(movements), changes, way.refusals, way.rows)


def _list_changes(old: Release, new: Release) -> tuple[str, ...]:
    """What the manifests say is different."""
    inputs = [[item["sha256"] for item in release.manifest["inputs"]] for release in (old, new)]
    found = [INPUTS] if inputs[0] != inputs[1] else []
    if any(old.manifest[key] != new.manifest[key] for key in ("as_of", "as_of_asked")):
        found.append(AS_OF)
    said = [release.manifest["definitions"] for release in (old, new)]
    found += [name for name in (MAPPING, "protocol", "codebook") if said[0][name] != said[1][name]]
    return (*found, *_list_installed(old, new))


def _list_installed(old: Release, new: Release) -> tuple[str, ...]:
    return compare_environments(old.manifest["environment"], new.manifest["environment"])


def _walk(
    releases: tuple[Release, Release],
    given: tuple[Sequence[Path], Sequence[Path]],
    ends: tuple[Values, Values],
    run: _Run,
) -> _Way:
    """Return the steps of the way, each with the estimates after it.

    Raises
    ------
    OutcomesError
        What is missing for any of it to be attributed.
    """
    installed, changes = _list_installed(*releases), _list_changes(*releases)
    at_new = _check_installed(releases, bool(installed))
    together = (_TOGETHER,) if len(installed) > 1 else ()
    if changes == installed:
        return _Way((Step(installed, ends[1]),), together)
    for release, places in zip(releases, given, strict=True):
        find_files(release, places)  # both are looked for before either is read
    run.progress("reading the inputs")
    old, new = (gather(release, places) for release, places in zip(releases, given, strict=True))
    _check_keys(old, new)
    rows = compare_rows(old, new) if {INPUTS, AS_OF, MAPPING} & set(changes) else None
    same_files = not {INPUTS, AS_OF} & set(changes)
    made = [*_change_data(old, new, rows, AS_OF in changes, same_files), *_change_settings(old, new)]
    if installed:
        made = [(installed, old), *made] if at_new else [*made, (installed, new)]
    steps = [Step(names, _estimate(parts, names, run)) for names, parts in made[:-1]]
    steps.append(Step(made[-1][0], ends[1]))  # what was published is the end of the way
    reading = (_READING,) if rows is not None and not rows.same_reading and not same_files else ()
    return _Way(tuple(steps), (*reading, *together), rows)


def _check_keys(old: Ingredients, new: Ingredients) -> None:
    """Refuse pseudonyms of two keys: no patient of the one export would be found in the other."""
    said = [parts.records.mapping.privacy for parts in (old, new)]
    if all(privacy.pseudonymise for privacy in said) and len({load_key(privacy.key_path) for privacy in said}) > 1:
        raise OutcomesError("the pseudonyms of the two releases have different keys, so no patient is in both")


def _check_installed(releases: tuple[Release, Release], differ: bool) -> bool:
    """Whether this installation made the second release; refused if it made neither."""
    here = describe_environment()
    at_old, at_new = (not compare_environments(release.manifest["environment"], here) for release in releases)
    if not (at_old or at_new):
        whose = "either release" if differ else "these releases"
        raise OutcomesError(
            f"the code or the packages of {whose} are not those installed here, so nothing can be run again"
        )
    return at_new


def _change_data(
    old: Ingredients, new: Ingredients, rows: RowChanges | None, is_later: bool, same_files: bool
) -> Iterator[Change]:
    """The changes of the records, each with what is to be run after it."""
    if rows is None:
        return
    whole = dataclasses.replace(old, records=new.records, as_of=new.as_of, quarter=new.quarter)
    if not rows.same_reading and same_files:  # no cell is another one: what differs is how it is read
        yield ("mapping",), whole
        return
    if not rows.same_reading:
        yield ("data_added", "rows_corrected"), whole
        return
    is_longer = bool(rows.n_added) or is_later
    if is_longer:
        yield ("data_added" if rows.n_added else "as_of_date",), with_added_rows(old, new, rows)
    if rows.is_corrected or not is_longer:  # the same rows in another order or in other files are no addition
        yield ("rows_corrected",), whole


def _change_settings(old: Ingredients, new: Ingredients) -> Iterator[Change]:
    if old.protocol.hash != new.protocol.hash:
        yield ("protocol",), dataclasses.replace(new, codebook=old.codebook)
    if old.codebook.hash != new.codebook.hash:
        yield ("codebook",), new


def _estimate(parts: Ingredients, names: tuple[str, ...], run: _Run) -> Values:
    """Put the questions to a mixture and publish its tables, to nobody."""
    run.progress(f"after {' and '.join(say_part(name) for name in names)}")
    episodes = build(parts)
    put = partial(ask, parts.records, episodes.visits, episodes, progress=run.progress, only=run.questions)
    try:
        answers = put(quarter=parts.quarter or None)
    except NotEstimable:
        answers = put(quarter=None)  # that quarter cannot be told in this mixture
    texts = {name: to_csv(table) for name, table in answers.protected().tables().items()}
    return read_tables(texts, run.words)
