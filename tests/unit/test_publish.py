"""Publishing: all of it or nothing, the same bytes every time, and only into a folder of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes
from undrawn import leave_undrawn

from outcomes.errors import InputRefused, NotEstimable, OutcomesError
from outcomes.files import exchange
from outcomes.records import Mapping
from outcomes.release import publish
from outcomes.release.configuration import describe_environment
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.manifest import build_manifest, hash_files, hash_manifest, package_version, to_json
from outcomes.release.notebooks import NotebookRun
from outcomes.release.publish import publish_answers, staged, write


def small_inputs():
    """Without figures, so that a release is made in a moment."""
    refused = {name: NotEstimable("Not asked in this test.") for name in QUESTIONS}
    return ReportInputs(fakes.visits(), fakes.episodes(), **refused, records=fakes.records())


def snapshot(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def release_folder(target, content="old"):
    target.mkdir(parents=True)
    (target / "manifest.json").write_text('{"outputs": {"index.html": ""}}')
    (target / "index.html").write_text(content)
    return target


@pytest.fixture(scope="module", autouse=True)
def _in_this_process():
    """Make releases here: to start others for so little takes longer, and what others are for is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "WORKERS", 1)
        yield


@pytest.fixture(scope="module")
def publish_fakes(drawn_page):
    """Publish invented results; their page is drawn once for all tests (`test_page` draws it again)."""

    def publish_them(inputs, out):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(publish, "build_page", lambda *_, **__: drawn_page)
            return publish_answers(inputs, out, notebooks=False)

    return publish_them


@pytest.fixture(scope="module")
def published(publish_fakes, hidden_fakes, tmp_path_factory):
    return publish_fakes(hidden_fakes, tmp_path_factory.mktemp("reports"))


def test_the_release_is_complete(published):
    folder = published.parent
    assert published.name == "index.html" and folder.name == fakes.CHOSEN
    names = set(snapshot(folder))
    assert {"index.html", "report.pdf", "manifest.json", "tables/relief.csv", "tables/ledger.csv",
            "figures/relief.svg", "config/protocol.toml", "config/mapping.toml",
            "tables/checklist.csv"} <= names  # fmt: skip
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    html = published.read_text(encoding="utf-8")
    for name in names - {"index.html"}:
        if not name.startswith(("tables/run", "tables/ledger", "figures/")) and "_summary" not in name:
            assert f'href="{name}"' in html, name


def test_the_manifest_accounts_for_everything(published):
    text = published.with_name("manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert text == to_json(manifest)
    assert manifest["as_of"] == "2026-09-30" and manifest["quarter"] == fakes.CHOSEN
    for name, digest in manifest["outputs"].items():
        assert hashlib.sha256((published.parent / name).read_bytes()).hexdigest() == digest
    assert set(manifest["outputs"]) == set(snapshot(published.parent)) - {"manifest.json"}
    assert manifest["definitions"] == {
        "codebook": "a17be0442c90",
        "mapping": fakes.records().mapping.hash,
        "mapping_withheld": [],
        "protocol": "0f3c9a77b1de",
    }
    assert manifest["protocol"] == fakes.protocol().to_plain()
    assert manifest["environment"] == describe_environment() and manifest["as_of_asked"] == ""
    assert manifest["manifest_sha256"] == hash_manifest(manifest)
    assert manifest["checklist"]["file"] in manifest["outputs"]
    assert manifest["inputs"][0]["name"] == "visits.csv" and manifest["inputs"][0]["size_bytes"] == 3_912_004
    assert manifest["inputs"][0]["unread_columns"] == ["notes"] and manifest["data_notes"] == []
    assert manifest["row_accounting"] == fakes.episodes().ledger.rows()
    assert manifest["seed"] == 20260101 and manifest["versions"]["numpy"]


def test_a_release_holds_its_own_settings(tmp_path):
    tables = tmp_path / "vocabulary"
    tables.mkdir()
    (tables / "causes.csv").write_bytes(b"\xef\xbb\xbfcause_id,words,synonyms\r\n")
    page = publish_answers(small_inputs(), tmp_path / "out", notebooks=False, sources={"codebook": tables})
    config = {path.relative_to(page.parent).as_posix() for path in (page.parent / "config").rglob("*.csv")}
    assert config == {"config/codebook/causes.csv"}
    assert Mapping.load(page.parent / "config" / "mapping.toml") == fakes.records().mapping
    assert (page.parent / "config" / "protocol.toml").read_text() == fakes.protocol().to_toml()


def test_an_as_of_date_that_was_asked_for_is_in_the_manifest(tmp_path):
    sources = {"mapping": "mapping.toml"}
    page = publish_answers(small_inputs(), tmp_path, notebooks=True, sources=sources, as_of_asked="2026-06-30")
    manifest = json.loads(page.with_name("manifest.json").read_text("utf-8"))
    assert manifest["as_of_asked"] == "2026-06-30"
    # Notebooks read the export themselves: beside numbers of an earlier day theirs would be others.
    assert manifest["notes"] == [
        "Notebooks were not run: they read the whole export, and this report is as of an earlier day."
    ]


def test_the_same_answers_give_the_same_bytes(published, publish_fakes, tmp_path):
    again = publish_fakes(fakes.inputs().protected(), tmp_path)  # hidden anew
    assert snapshot(again.parent) == snapshot(published.parent)


def test_without_a_calendar_the_release_is_called_all(tmp_path):
    page = publish_answers(small_inputs(), tmp_path, notebooks=False)
    assert page == tmp_path / "all" / "index.html"


def test_a_second_release_replaces_the_first(tmp_path):
    target = release_folder(tmp_path / "all")
    publish_answers(small_inputs(), tmp_path, notebooks=False)
    assert (target / "index.html").read_text(encoding="utf-8") != "old"
    assert [p.name for p in tmp_path.iterdir()] == ["all"]


@pytest.mark.parametrize("has_sheets", [True, False])
def test_each_figure_is_written_as_a_drawing_and_as_a_picture(tmp_path, monkeypatch, has_sheets):
    figures = [SimpleNamespace(id=f"figure-{name}", wide=f"<svg>{name}</svg>") for name in ("a", "b")]
    page = SimpleNamespace(figures=lambda: figures)
    monkeypatch.setattr(
        publish, "put_together", lambda calls, workers: {name: f"made {name}".encode() for name in calls}
    )
    publish._write_parts(page, {}, tmp_path, lambda said: None, 1, page if has_sheets else None)
    written = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert written.pop(publish.PDF, None) == (b"made " + publish.PDF.encode() if has_sheets else None)
    assert written == {
        **{f"figures/{name}.svg": f"<svg>{name}</svg>\n".encode() for name in ("a", "b")},
        **{f"figures/{name}.png": f"made {name}".encode() for name in ("a", "b")},
    }


@pytest.mark.parametrize("failing", range(1, 9))
def test_a_failure_at_any_write_leaves_the_old_release_whole(tmp_path, monkeypatch, failing):
    target = release_folder(tmp_path / "all")
    before = snapshot(tmp_path)
    calls = []

    def break_down(path, content):
        calls.append(path)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(publish, "write", break_down)
    monkeypatch.setattr(publish, "render_pdf", lambda page: b"%PDF")
    with pytest.raises(OSError, match="No space"):
        publish_answers(small_inputs(), tmp_path, notebooks=False)
    assert len(calls) == failing
    assert snapshot(tmp_path) == before and target.is_dir()


def test_a_stop_by_hand_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "all") as staging:
        write(staging / "a", "x")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_stop_that_a_library_swallows_still_stops(tmp_path):
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "all"), contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert list(tmp_path.iterdir()) == [] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_failing_last_rename_puts_the_old_release_back(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "exchange", lambda *_: False)  # as where folders cannot change places in one step
    target = release_folder(tmp_path / "all")
    before = snapshot(tmp_path)
    rename = Path.rename

    def refuse(self, other):
        if ".staging-" in self.name:
            raise OSError(5, "Input/output error")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutcomesError, match="could not be put in place"), staged(target) as staging:
        write(staging / "index.html", "new")
    assert snapshot(tmp_path) == before


def test_a_machine_that_stopped_between_the_renames_is_mended(tmp_path):
    release_folder(tmp_path / ".all.previous")
    with pytest.raises(ValueError, match="later"), staged(tmp_path / "all"):
        raise ValueError("later")
    assert (tmp_path / "all" / "index.html").read_text() == "old"


def test_a_folder_that_is_no_release_is_left_alone(tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "thesis.docx").write_text("years of work")
    with pytest.raises(InputRefused, match="not a release"):
        publish_answers(small_inputs(), tmp_path, notebooks=False)
    assert (tmp_path / "all" / "thesis.docx").read_text() == "years of work"


def test_a_file_of_the_user_in_a_release_is_not_lost(tmp_path):
    target = publish_answers(small_inputs(), tmp_path, notebooks=False).parent
    publish_answers(small_inputs(), tmp_path, notebooks=False)
    for i in range(6):
        write(target / "notes" / f"{i}.txt", "mine")
    (target / ".DS_Store").write_text("")
    before = snapshot(tmp_path)
    with pytest.raises(InputRefused, match=r"notes/0.txt.* and 1 more.*Move them away"):
        publish_answers(small_inputs(), tmp_path, notebooks=False)
    assert snapshot(tmp_path) == before


def test_a_file_put_there_during_the_run_is_not_lost(tmp_path):
    target = release_folder(tmp_path / "all")
    with pytest.raises(InputRefused, match=r"mine.txt"), staged(target):
        (target / "mine.txt").write_text("mine")
    assert (target / "mine.txt").exists() and [p.name for p in tmp_path.iterdir()] == ["all"]


def test_a_manifest_that_lists_nothing_protects_the_folder(tmp_path):
    target = release_folder(tmp_path / "all")
    for text in ("{}", "[1]", "not JSON"):
        (target / "manifest.json").write_text(text)
        with pytest.raises(InputRefused, match="cannot be read"), staged(target):
            pass


def test_out_that_is_a_file_is_refused_with_its_path(tmp_path):
    (tmp_path / "report.txt").write_text("mine")
    for out in (tmp_path / "report.txt", tmp_path / "report.txt" / "below"):
        with pytest.raises(InputRefused, match=r"report\.txt is a file"):
            publish_answers(small_inputs(), out, notebooks=False)
    assert (tmp_path / "report.txt").read_text() == "mine"


def test_only_the_staging_folders_of_dead_processes_are_removed(tmp_path):
    with staged(tmp_path / "all") as mine:
        prefix = mine.name.rpartition("-")[0].rpartition("-")[0]
        dead, elsewhere = tmp_path / f"{prefix}-4999999-abc", tmp_path / ".all.staging-otherhost-4999999-abc"
        other_target = tmp_path / dead.name.replace(".all.", ".other.")
        for folder in (dead, elsewhere, other_target):
            folder.mkdir()
        with pytest.raises(ValueError, match="stop"), staged(tmp_path / "all"):
            raise ValueError("stop")
        assert not dead.exists() and mine.exists() and elsewhere.exists() and other_target.exists()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "all").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputRefused, match="link"):
        publish_answers(small_inputs(), tmp_path, notebooks=False)


def test_notebooks_that_cannot_be_run_are_named(tmp_path):
    inputs = dataclasses.replace(small_inputs(), records=None)
    said = []
    page = publish_answers(inputs, tmp_path, notebooks=True, warn=said.append)
    notes = json.loads(page.with_name("manifest.json").read_text(encoding="utf-8"))["notes"]
    assert notes == said == ["Notebooks were not run: the files of the export are not known."]


def test_the_manifest_reads_no_clock():
    first, second = (
        to_json(build_manifest(fakes.records(), fakes.visits(), fakes.episodes(), "2026Q2", "2026-09-30", {}))
        for _ in "ab"
    )
    assert first == second and "P17" not in first


def test_hashes_are_by_name_in_order(tmp_path):
    write(tmp_path / "b" / "x", "1")
    write(tmp_path / "a", "2")
    assert list(hash_files(tmp_path)) == ["a", "b/x"]


def test_a_drawing_beside_notebooks_does_not_ask_a_half_loaded_package_for_its_version(monkeypatch):
    """Threads of the notebooks load IPython while this process draws; matplotlib asks it once, at the first canvas."""
    from matplotlib.backend_bases import FigureCanvasBase
    from matplotlib.figure import Figure

    asked_once = FigureCanvasBase.__dict__["_fix_ipython_backend2gui"].__func__
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    asked_once.cache_clear()
    publish.load_what_follows()
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    Figure().savefig(io.BytesIO(), format="svg")
    asked_once.cache_clear()
    with pytest.raises(AttributeError, match="version_info"):
        Figure()
    asked_once.cache_clear()


def test_a_quarter_nobody_asked_for_is_named_with_the_later_one_it_is_not(tmp_path, monkeypatch):
    """Who gives records to June and reads of March wants to know why."""
    leave_undrawn(monkeypatch)
    review = fakes.quarter_review()
    last = max(review.table["quarter"])
    earlier = dataclasses.replace(small_inputs(), quarter_review=review)
    assert review.quarter < last
    said = []
    publish_answers(earlier, tmp_path, notebooks=False, warn=said.append)
    assert said == [
        f"about {review.quarter}, the newest quarter old enough to be judged; {last} is not yet "
        f"(--quarter {last} shows it with what can be said so far)"
    ]
    said.clear()
    publish_answers(earlier, tmp_path, notebooks=False, warn=said.append, quarter_asked=review.quarter)
    assert said == []


def with_a_file(tmp_path):
    """Without figures, of an export that lies somewhere."""
    records = fakes.records()
    records.files[0].path = tmp_path / "visits.csv"
    return dataclasses.replace(small_inputs(), records=records)


def test_notebooks_stand_beside_the_page_and_one_that_failed_is_kept_and_named(tmp_path, monkeypatch):
    told = {}

    @contextlib.contextmanager
    def running(values, progress, environment, at_once):
        (folder,) = environment.values()
        told.update(
            values={path.stem: found for path, found in values.items()}, n=len(list(Path(folder).glob("*.json")))
        )
        failure = "02_relief.ipynb, cell 3, line 2: ValueError"
        yield iter(
            [
                NotebookRun("01_quality", "Quality", "<p>whole</p>", "", "{}"),
                NotebookRun("02_relief", "Relief", "<p>so far</p>", failure, '{"cells": []}'),
            ]
        )

    monkeypatch.setattr(publish, "running_notebooks", running)
    monkeypatch.setattr(publish, "render_pdf", lambda page: b"%PDF of the whole page")
    said = []
    mapping = tmp_path / "mapping.toml"
    out = tmp_path / "out"
    page = publish_answers(with_a_file(tmp_path), out, True, sources={"mapping": mapping}, warn=said.append)
    files = {path.name: path.read_text("utf-8") for path in (page.parent / "notebooks").iterdir()}
    assert files == {"01_quality.html": "<p>whole</p>", "02_relief.html": "<p>so far</p>",
                     "02_relief.ipynb": '{"cells": []}'}  # fmt: skip
    assert said == ["Notebook did not finish: 02_relief.ipynb, cell 3, line 2: ValueError"]
    html = page.read_text("utf-8")
    assert 'href="notebooks/01_quality.html"' in html and "Notebook: Relief (did not finish)" in html
    assert said[0] in html and (page.parent / "report.pdf").read_bytes() == b"%PDF of the whole page"
    # Every notebook is told where the export lies and how it was read, and finds the answers of the page.
    assert told["n"] == len([name for name in QUESTIONS if name not in ("attendance", "completeness")])
    assert all(found["data"] == str(tmp_path / "visits.csv") for found in told["values"].values())
    assert all(found["mapping"] == str(mapping) for found in told["values"].values() if "mapping" in found)


def test_notebooks_that_would_read_otherwise_or_are_not_there_are_not_run(tmp_path, monkeypatch):
    records = fakes.records()
    assert publish._why_no_notebooks(records, {}, "") == "the path of the mapping was not given."
    assert publish._why_no_notebooks(records, {"mapping": tmp_path}, "") == ""
    records.mapping = Mapping()
    assert publish._why_no_notebooks(records, {}, "") == ""
    assert publish._why_no_notebooks(records, {}, "2026-01-01").startswith("they read the whole export")
    monkeypatch.setattr(publish, "find_notebooks", list)
    assert publish._why_no_notebooks(records, {}, "") == "there is no folder notebooks/ here."


def test_the_newest_quarter_is_no_earlier_one():
    review = fakes.quarter_review()
    last = max(review.table["quarter"])
    inputs = dataclasses.replace(small_inputs(), quarter_review=dataclasses.replace(review, quarter=last))
    assert publish._say_quarter(inputs, "") == ()


def test_progress_is_a_line_on_the_standard_error(capsys):
    publish._write_progress("tables")
    assert capsys.readouterr() == ("", "tables ...\n")


def test_a_package_that_is_not_installed_is_written_down_as_such():
    assert package_version("outcomes-of-nothing") == "not installed"
