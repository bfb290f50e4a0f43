"""A public release whose run is stopped at any step: the next one tells nothing of a few patients, and ends well."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.errors import OutcomesError
from outcomes.files import whole
from outcomes.release.public import publish
from outcomes.release.public.counts import EVERYBODY, STATE, Counts
from outcomes.release.public.ledger import NAME, ReleaseLedger
from outcomes.release.public.model import RULES, Cohort, CountTable
from outcomes.release.verify import verify_release
from support.small_practices import make_practice


class Stopped(Exception):
    """The machine stops here."""


def stop(*_args, **_options):
    raise Stopped


STEPS = {
    "before it is intended": (ReleaseLedger, "intend"),
    "manifest": (publish, "build_public_manifest"),
    "manifest written": (publish, "to_json"),
    "flush": (whole, "sync_tree"),
    "taking its place": (whole, "put_in_place"),
    "confirm": (ReleaseLedger, "confirm"),
}


def counts_of(n):
    """A practice of `n` + 1,240 patients; `n` decides one cell, and with it the totals."""
    cohort = Cohort("patients", "patients", "d")
    rows = np.array([[n, 300, 100], [400, 300, 140]], dtype=np.int64)
    after = np.array([[n, 300, 100]], dtype=np.int64)
    tables = (
        CountTable(STATE, cohort, (EVERYBODY,), ("relief", "no_relief", "unknown"), rows.sum(axis=0)[None, :]),
        CountTable("sex", cohort, ("female", "male"), ("relief", "no_relief", "unknown"), rows),
        CountTable(
            "after_relief",
            Cohort("relieved", "patients with relief", "d", STATE, "relief"),
            (EVERYBODY,),
            ("back", "not_back", "too_early"),
            after,
        ),
    )
    return Counts(tables, ())


def numbers_of(tables):
    """Every printed number by its name."""
    return {
        (one.name, r, c): int(one.shown[i, j])
        for one in tables
        for i, r in enumerate(one.rows)
        for j, c in enumerate(one.columns)
    } | {(one.name, "total", ""): one.total for one in tables}


@pytest.fixture(scope="module")
def episodes():
    return make_practice(40, seed=4)


@pytest.fixture
def bare(episodes, monkeypatch):
    """Publishing without a page: `bare(n, out)` gives the printed numbers; `bare.printed` those of every run."""
    printed = []

    def make(_records, _episodes, quarter, protected, _rules):
        printed.append(numbers_of(protected.tables))
        return SimpleNamespace(quarter=quarter, audit=publish.describe_audit(protected), handled={})

    monkeypatch.setattr(publish, "find_people", lambda *_: SimpleNamespace(quarter="2026Q2"))
    monkeypatch.setattr(publish, "make_release", make)
    monkeypatch.setattr(publish, "_write", lambda _made, _episodes, folder: publish.write(folder / "page.txt", "x"))

    def run(n, out):
        monkeypatch.setattr(publish, "count_people", lambda *_: counts_of(n))
        publish.publish_public(None, episodes, out)
        return printed[-1]

    run.printed = printed
    return run


@pytest.mark.parametrize("step", STEPS)
def test_after_a_run_that_was_stopped_nothing_differs_by_a_few_patients(bare, tmp_path, monkeypatch, step):
    first = bare(400, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], stop)
        with pytest.raises((Stopped, OutcomesError)):
            bare(430, tmp_path)
    may_be_seen = bare.printed[-1]
    assert first != may_be_seen
    seen = [(first, 400)] if step == "before it is intended" else [(first, 400), (may_be_seen, 430)]
    for n in (390, 395, 399, 401, 405, 410, 411, 415, 419, 420, 425, 429, 431, 433, 440, 441):
        later = publish.protect(counts_of(n), ReleaseLedger(tmp_path / NAME, publish.find_heads(tmp_path)))
        now = numbers_of(later.tables)
        for before, was in seen:
            close = [
                abs(now[key] - before[key]) for key in now if 0 < abs(now[key] - before[key]) <= RULES.k - RULES.base
            ]
            assert not close, (n, was)
        nearest = min(seen, key=lambda pair: abs(pair[1] - n))
        if abs(nearest[1] - n) < RULES.k:
            assert now == nearest[0]


@pytest.mark.parametrize("step", STEPS)
def test_after_a_run_that_was_stopped_the_next_ends_well(bare, tmp_path, monkeypatch, step):
    bare(400, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], stop)
        with pytest.raises((Stopped, OutcomesError)):
            bare(430, tmp_path)
    now = bare(433, tmp_path)
    assert (now == bare.printed[1]) == (step != "before it is intended")  # three patients more are not told
    assert not verify_release(tmp_path / "draft" / "2026Q2-public").faults
    heads = publish.find_heads(tmp_path)
    assert ReleaseLedger(tmp_path / NAME, heads).head in heads
