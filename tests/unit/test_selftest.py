"""The self-test: every proof holds here, and one that does not is told."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from outcomes import cli
from outcomes.cli import selftest
from outcomes.selftest import chapters
from outcomes.selftest.chapters import CHAPTERS, Chapter, run_chapters
from outcomes.selftest.checks import between, equal, near

FAST = ("hand", "r", "rows")


def test_the_names_of_the_help_are_the_chapters():
    assert tuple(chapter.name for chapter in CHAPTERS) == selftest._CHAPTERS


@pytest.mark.parametrize("name", FAST)
def test_every_promise_holds(name):
    checks = [check for _, found in run_chapters([name]) for check in found]
    assert checks and not [check for check in checks if not check.held]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(selftest._CHAPTERS) - set(FAST)))
def test_every_promise_holds_in_the_long_chapters(name):
    checks = [check for _, found in run_chapters([name]) for check in found]
    assert checks and not [check for check in checks if not check.held]


def test_checks_can_fail():
    assert not near("a", [1.0, 2.0], [1.0, 2.1], 0.05).held
    assert not near("a", [1.0], [1.0, 2.0], 9.0).held
    assert not near("a", [np.nan, 1.0], [1.0, 1.0], 9.0).held
    assert near("a", [np.nan, np.inf], [np.nan, np.inf], 0.0).held
    assert not between("a", 0.98, 0.93, 0.97).held
    assert not equal("a", [1], [2]).held


def test_what_did_not_hold_is_told_and_what_breaks_hides_nothing(monkeypatch, tmp_path, capsys):
    def broken():
        """A promise."""
        raise ZeroDivisionError("patient 4711")

    proofs = (broken, lambda: [equal("Another promise", 1, 2), equal("A third", 1, 1)])
    monkeypatch.setattr(chapters, "CHAPTERS", (Chapter("hand", "made up", proofs),))
    assert cli.main(["selftest", "--csv", str(tmp_path / "proofs.csv"), "--quiet"]) == 2
    said = capsys.readouterr().out
    assert "FAILED  A promise.: ZeroDivisionError" in said and "FAILED  Another promise" in said
    assert "4711" not in said and "A third" not in said and said.endswith("1 of 3 promises held\n")
    with (tmp_path / "proofs.csv").open(newline="") as stream:
        assert [row["held"] for row in csv.DictReader(stream)] == ["no", "no", "yes"]
