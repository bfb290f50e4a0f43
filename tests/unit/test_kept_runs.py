"""What whole commands say is what `tests/kept` holds, word by word and number by number.

Where a change is wanted: `make kept`, look at the difference, commit it with its cause.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import kept_drawings
import kept_pages
import kept_runs as kept
from undrawn import leave_undrawn

from outcomes.release.inputs import ReportInputs


@pytest.mark.parametrize("name", kept.KEPT_FILES)
def test_what_a_run_says_is_what_is_kept(name: str, tmp_path: Path) -> None:
    now = kept.run(tmp_path, name)
    assert now.keys() == set(kept.KEPT_FILES[name])
    moved = {file: kept.find_moved(kept.read_kept(name, file), now[file]) for file in kept.KEPT_FILES[name]}
    said = [f"{len(own)} lines of {file}.txt, and first:\n" + "\n".join(own[:8]) for file, own in moved.items() if own]
    assert not said, f"tests/kept/{name} has moved: " + "\n".join(said)


@pytest.mark.parametrize("name", kept_drawings.GROUPS)
def test_what_figures_draw_of_invented_answers_is_what_is_kept(name: str) -> None:
    moved = kept.find_moved(kept_drawings.read_group(name), kept_drawings.GROUPS[name](), 1e-8)
    assert not moved, f"{len(moved)} lines of tests/kept/drawings.txt have moved, and first:\n" + "\n".join(moved[:8])


def test_what_the_page_of_invented_answers_says_is_what_is_kept(drawn_page: object) -> None:
    moved = kept.find_moved(kept_pages.read_kept("whole"), kept_pages.describe(drawn_page))
    assert not moved, f"{len(moved)} lines of tests/kept/invented.txt have moved, and first:\n" + "\n".join(moved[:8])


@pytest.mark.parametrize("name", kept_pages.HALVES)
def test_what_is_said_where_half_of_the_answers_are_refused_is_what_is_kept(
    name: str, hidden_fakes: ReportInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_undrawn(monkeypatch)
    moved = kept.find_moved(kept_pages.read_kept(name), kept_pages.half_of(hidden_fakes, name))
    assert not moved, f"{len(moved)} lines of tests/kept/invented.txt have moved, and first:\n" + "\n".join(moved[:8])


def write_page(folder: Path, words: str = "Relief", estimate: str = "0.25", place: str = "10.5") -> Path:
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True)
    drawing = f'<svg><path d="M{place} 3L7 4" stroke="#12e405"/><text>{words}</text></svg>'
    (folder / "index.html").write_text(f'<h2 id="relief">{words}</h2><p class="note">of 324</p>{drawing}')
    (folder / "tables" / "relief.csv").write_text(f"group,estimate,n\nall,{estimate},324\nneck,,12\n")
    (folder / "figures" / "relief.svg").write_text(drawing)
    return folder


def test_what_is_described_of_a_release(tmp_path: Path) -> None:
    lines = kept.describe(write_page(tmp_path / "a"))
    assert lines["page"] == ["h2 id: relief", "Relief", "of 324"]
    assert lines["marks"] == ["h2 1", "p class=note 1", "svg 1"]
    assert [line.split(" ")[0] for line in lines["tables"]] == ["relief:", "", "", ""]
    assert lines["figures"][0].startswith("relief: 1 path, 1 svg, 1 text; words ")
    assert lines["figures"][0].endswith("sums 24.5 26.509901")
    assert lines["figures"][1:] == [lines["figures"][0].replace("relief:", "on the page, 1:")]


@pytest.mark.parametrize(
    ("change", "files"),
    [
        ({"words": "Return"}, {"page", "figures"}),
        ({"estimate": "0.2501"}, {"tables"}),
        ({"estimate": ""}, {"tables"}),
        ({"place": "10.51"}, {"figures"}),
        ({"estimate": "0.25000001"}, set()),
    ],
)
def test_a_word_and_a_number_that_move_are_noticed(tmp_path: Path, change: dict[str, str], files: set[str]) -> None:
    before, after = kept.describe(write_page(tmp_path / "a")), kept.describe(write_page(tmp_path / "b", **change))
    assert {file for file in before if kept.find_moved(before[file], after[file])} == files


def test_lines_too_many_are_told() -> None:
    assert kept.find_moved(["a", "b"], ["a"]) == ["line 2\n  kept b\n  now  (no line)"]
