"""A public release: rounded everywhere, exact nowhere, small numbers the same text in table, picture, prose and CSV."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
import re
import shutil
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from undrawn import leave_undrawn

from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.definitions.sections import ReliefRules
from outcomes.errors import DisclosureError, InputRefused
from outcomes.release.diff_inputs import open_release
from outcomes.release.model import FigureView, TableView
from outcomes.release.public import figures, publish, second_look
from outcomes.release.public.cohorts import find_people
from outcomes.release.public.counts import EVERYBODY, STATE, count_people, define_patients, make_cohort
from outcomes.release.public.frames import CURVE, PREFIX, TOTAL, to_frames
from outcomes.release.public.gate import GATE
from outcomes.release.public.identifiers import check_texts
from outcomes.release.public.model import CountTable
from outcomes.release.public.protect import Audit, Protected, protect_release
from outcomes.release.public.publish import list_reasons, make_release, publish_public
from outcomes.release.public.sections import SHARES, _numbers_section, _table_view
from outcomes.release.public.words import Words
from outcomes.release.render_html import render_html
from outcomes.release.render_pdf import render_pdf
from outcomes.release.sentences import show
from outcomes.release.tables import to_csv
from outcomes.release.verify import verify_release
from outcomes.simulate import simulate
from tables import records_of

FORBIDDEN = re.compile(
    r"anonymous|anonymi[sz]ed|de-?identified|HIPAA compliant|effective|reduces|proves|underperform", re.I
)


def make_episodes(patients, seed):
    """Episodes of the packaged generator under a protocol with few draws: intervals are not looked at here."""
    protocol = Protocol()
    protocol = dataclasses.replace(protocol, inference=dataclasses.replace(protocol.inference, bootstrap_draws=40))
    cells = simulate(patients, seed=seed, clean=True, clinics=3).records
    written = {name: [str(cell) for cell in column] for name, column in cells.items()}
    return build_episodes(build_visits(records_of(written), protocol), protocol)


@pytest.fixture(scope="module")
def episodes():
    return make_episodes(900, seed=4)


@pytest.fixture(scope="module")
def published(episodes, tmp_path_factory):
    """A release in its folder, and what it was made of."""
    found = SimpleNamespace(said=[])

    def keep(name, call):
        def kept(*args):
            result = call(*args)
            setattr(found, name, result)
            return result

        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "make_release", keep("release", make_release))
        patch.setattr(publish, "count_people", keep("counts", count_people))
        found.folder = publish_public(None, episodes, tmp_path_factory.mktemp("out"), warn=found.said.append).parent
    return found


@pytest.fixture(scope="module")
def release(published):
    return published.folder


@pytest.fixture(scope="module")
def made(published):
    return published


class Reader(HTMLParser):
    """The texts a reader (or a screen reader) meets; drawings apart."""

    def __init__(self):
        super().__init__()
        self.texts, self.inside = [], 0

    def handle_starttag(self, tag, attrs):
        self.inside += tag in ("style", "svg")
        self.texts += [value for name, value in attrs if name in ("aria-label", "content", "title") and value]

    def handle_endtag(self, tag):
        self.inside -= tag in ("style", "svg")

    def handle_data(self, data):
        if not self.inside:
            self.texts.append(data)


def texts_of_svg(svg):
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def numbers_in(text):
    return {
        int(found.replace(",", ""))
        for found in re.findall(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+|(?<![\w.,-])\d+(?![\w.])", text)
    }


def test_the_release_is_whole_and_a_draft_until_it_is_signed(release):
    assert release.name.endswith("-public") and release.parent.name == "draft"
    assert verify_release(release).is_whole
    names = {path.relative_to(release).parts[0] for path in release.rglob("*")}
    assert names == {"index.html", "report.pdf", "manifest.json", "tables", "figures", "config"}
    assert [path.name for path in (release / "config").iterdir()] == ["protocol.toml"]
    assert all(path.name.startswith("public_") for path in (release / "tables").iterdir())


def test_verify_sees_an_edited_public_release(release, tmp_path):
    copy = tmp_path / release.name
    shutil.copytree(release, copy)
    (copy / "tables" / "public_state.csv").write_text("table\n", encoding="utf-8")
    assert not verify_release(copy).is_whole


def test_releases_for_everybody_are_not_compared(release):
    with pytest.raises(InputRefused, match=r"E935.*public"):
        open_release(release)


def test_the_manifest_says_by_what_rules_and_holds_nothing_exact(release, episodes):
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["audience"] == "public" and manifest["rules"]["least_patients_shown"] == 11
    assert manifest["audit"]["passed"] is True and len(manifest["audit"]["ledger_head"]) == 64
    assert re.fullmatch(r"\d{4}-\d{2}", manifest["as_of"])
    assert manifest["definitions"]["protocol"] == episodes.protocol.hash
    assert manifest["definitions"]["patients"] == define_patients(episodes.protocol, episodes.visits.codebook)
    said = json.dumps(manifest)
    for word in ("row_accounting", "size_bytes", "inputs", 'rows"', "clinic_id", "unread", "/tmp", "C1"):
        assert f'"{word}' not in said, word
    assert manifest["tables"]["after_relief"]["parent"] == STATE


def test_a_series_under_another_definition_is_told(made, episodes, tmp_path, monkeypatch):
    assert not made.said
    copy, said = shutil.copytree(made.folder.parents[1], tmp_path / "out"), []
    leave_undrawn(monkeypatch)
    protocol = dataclasses.replace(episodes.protocol, relief=ReliefRules(pct_reduction=40))
    publish_public(None, dataclasses.replace(episodes, protocol=protocol), copy, warn=said.append)
    (one,) = said
    assert "within 10 patients of one printed there are hidden" in one


def test_a_break_in_the_charts_leaves_the_patients_the_same_and_another_rule_of_relief_does_not(episodes):
    usual, codebook = Protocol(), episodes.visits.codebook
    charts = Protocol.from_mapping({"spc": {"breaks": ["2025Q3: pain score made mandatory"]}})
    relief = Protocol.from_mapping({"relief": {"pct_reduction": 40}})
    assert charts.hash != usual.hash
    assert define_patients(charts, codebook) == define_patients(usual, codebook)
    assert define_patients(relief, codebook) != define_patients(usual, codebook)


def test_the_ledger_is_private_and_outside_the_release(release):
    ledger = release.parents[1] / ".release-ledger.json"
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    assert not list(release.rglob("*ledger*"))


def test_no_exact_count_stands_anywhere(made, release):
    """Neither in the words of the page, nor in a table, nor in a picture: nothing that is no multiple of 5."""
    exact = {int(n) for table in made.counts.tables for n in (*table.counts.ravel(), *table.counts.sum(axis=1))}
    for curve in made.counts.curves:
        exact |= {int(n) for n in (*curve.new_events, *curve.at_risk, *np.cumsum(curve.new_events))}
    telling = {n for n in exact if n > 100 and n % 5}
    telling -= {182, 212}  # days of the protocol
    assert len(telling) > 30
    reader = Reader()
    reader.feed((release / "index.html").read_text(encoding="utf-8"))
    pictures = [text for path in (release / "figures").glob("*.svg") for text in texts_of_svg(path.read_text("utf-8"))]
    tables = [path.read_text("utf-8") for path in (release / "tables").iterdir()]
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    del manifest["protocol"], manifest["outputs"]
    for text in (*reader.texts, *pictures, *tables, json.dumps(manifest)):
        assert not numbers_in(text) & telling, text


def test_every_number_of_patients_is_a_multiple_of_the_base(release):
    for path in (release / "tables").glob("public_*.csv"):
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8"))):
            for name in ("patients", "new_events", "at_risk"):
                assert name not in row or row[name] == "<11" or int(row[name]) % 5 == 0, (path.name, row)
            if row.get("percent"):
                assert re.fullmatch(r"\d{1,3}|<11", row["percent"])


def test_percents_come_from_the_rounded_numbers(release):
    rows = list(csv.DictReader(io.StringIO((release / "tables" / "public_region.csv").read_text("utf-8"))))
    totals = {row["row"]: row["patients"] for row in rows if row["column"] == TOTAL}
    parts = {
        name: [row["patients"] for row in rows if row["row"] == name and row["column"] != TOTAL] for name in totals
    }
    checked = 0
    for row in rows:
        if row["column"] != TOTAL and row["percent"].isdigit():
            own = parts[row["row"]]
            whole = int(totals[row["row"]]) if "<11" in own else sum(map(int, own))
            assert int(row["percent"]) == np.floor(100 * int(row["patients"]) / whole + 0.5)
            checked += 1
    assert checked > 5


def test_every_sentence_is_bound_to_published_cells(made):
    page, bound = made.release.page, 0
    for sentence in page.sentences():
        values = {name: show(made.release.tables, cell) for name, cell in sentence.cells.items()}
        assert sentence.text == sentence.template.format(**values)
        bound += bool(sentence.cells)
    assert bound >= 4


def test_what_pictures_have_in_common_is_said_once_and_their_tables_lie_together(made):
    relief = next(section for section in made.release.page.sections if section.id == "relief")
    pictures = [block for block in relief.blocks if isinstance(block, FigureView)]
    assert len(pictures) > 2
    assert [SHARES in block.caption for block in pictures] == [True] + [False] * (len(pictures) - 1)
    assert [is_folded for is_folded, _ in relief.runs()] == [False, True]
    assert all(block.csv for block in pictures)


def test_an_interval_is_given_with_its_level(made):
    said = [s.text.replace("\xa0", " ") for s in made.release.page.sentences() if "interval" in s.text and s.cells]
    assert said and all("(95 % interval " in text for text in said)


def test_no_word_claims_more_than_was_seen(release):
    reader = Reader()
    reader.feed((release / "index.html").read_text("utf-8"))
    assert not FORBIDDEN.search(" ".join(reader.texts))


def test_a_picture_holds_no_more_than_its_table(made):
    views = {b.id: b for s in made.release.page.sections for b in s.blocks if isinstance(b, FigureView)}
    frame = made.release.tables[CURVE]
    points = frame[frame["group"] == EVERYBODY]
    line = max(re.findall(r'<path d="M([^"]+)"', views["figure-public-curve"].wide), key=lambda d: d.count("L"))
    assert line.count("L") == len(points)  # from day 0 through the published points, straight
    shown = {f"{int(n):,}" for n in points["at_risk"]} | {str(d) for d in points["day"]} | {"0"}
    shown |= {f"{p} %" for p in [*points["percent"], 0, 25, 50, 75, 100]} | {
        "days since the first visit",
        "still observed, about",
    }
    assert set(texts_of_svg(views["figure-public-curve"].wide)) <= shown | {"\u2013"}


def test_files_hold_no_metadata_and_the_pdf_no_attachment(release):
    pdf = (release / "report.pdf").read_bytes()
    for word in (b"/EmbeddedFile", b"/JavaScript", b"/CreationDate"):
        assert word not in pdf
    for path in (release / "figures").glob("*.svg"):
        assert "<metadata" not in path.read_text("utf-8") and "data-" not in path.read_text("utf-8")


# -- the boundary -------------------------------------------------------------------------------------------------


BOUNDARY = [
    (0, "0 (0 %)", "0 %"),
    *((count, "<11", "<11") for count in (1, 7, 8, 10)),
    (11, "10 (2 %)", "2 %"),
    (12, "10 (2 %)", "2 %"),
    (13, "15 (2 %)", "2 %"),
]


@pytest.mark.parametrize(("count", "cell", "picture"), BOUNDARY)
def test_a_small_number_is_the_same_in_table_picture_prose_and_csv(episodes, count, cell, picture):
    release = release_with(episodes, count)
    views = {getattr(b, "id", ""): b for s in release.page.sections for b in s.blocks}
    female = views["public_sex"].rows[0]
    assert female[1].replace("\xa0", " ") == cell
    drawn = texts_of_svg(views["figure-public-sex"].wide)
    assert picture in [text.replace("\xa0", " ") for text in drawn]
    assert female[1].split("\xa0")[0].split(" ")[0] in to_csv(release.tables["public_sex"])
    prose = release.page.summary[-1].text
    assert ("cannot be shown" in prose) == (cell == "<11")
    assert ("or would give one away" in prose) == (cell == "<11")
    assert not re.search(rf"(?<![\w<]){count}(?![\w ]|\xa0%)", prose) or count in (0, 10)
    whole = html.unescape(render_html(release.page))
    if cell == "<11":
        assert "<11" in whole


@pytest.mark.parametrize(
    ("count", "picture"),
    [pytest.param(n, picture, marks=[pytest.mark.slow] * (n not in (10, 11))) for n, _, picture in BOUNDARY],
)
def test_a_small_number_is_the_same_on_paper(episodes, tmp_path, count, picture):
    """There the picture takes the place of its table."""
    program, path = shutil.which("pdftotext"), tmp_path / "report.pdf"
    if not program:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF was not read")
    path.write_bytes(render_pdf(release_with(episodes, count).page))
    text = subprocess.run([program, "-layout", path, "-"], capture_output=True, check=True).stdout.decode()
    rows = [re.split(r"\s{2,}", line.strip().replace("\xa0", " ")) for line in text.splitlines()]
    assert {row[1].replace(" ", "") for row in rows if row[0] == "female"} == {picture.replace(" ", "")}


def release_with(episodes, count):
    """A release in which so many women have the first of three states."""
    cohort = make_cohort(episodes)
    states = ("relief", "no_relief", "unknown")
    rows = np.array([[count, 300, 340], [290, 310, 330]], dtype=np.int64)
    tables = [
        CountTable(STATE, cohort, (EVERYBODY,), states, rows.sum(axis=0)[None, :]),
        CountTable("sex", cohort, ("female", "male"), states, rows),
        CountTable(
            "after_relief",
            dataclasses.replace(cohort, name="relieved", parent=STATE, column="relief"),
            (EVERYBODY,),
            ("back", "not_back", "too_early"),
            np.array([[count, 200, 90]], dtype=np.int64),
        ),
    ]
    shown = protect_release(tables).tables
    return make_release(None, episodes, "2026Q2", Protected(shown, (), Audit(1, 5, 0, (), False), {}))


def test_the_percent_of_what_is_hidden_and_a_hundred_beside_it_bear_the_mark():
    from outcomes.release.public.model import Cohort, ShownTable

    table = ShownTable(
        "sex", Cohort("patients", "patients", ""), ("female", "male"), ("a", "b"),
        np.array([[-1, 40], [30, 30]]), (40, 60), (40, 70), 5, (), 100,
    )  # fmt: skip
    frame = to_frames([table], [])[f"{PREFIX}sex"]
    female = frame[frame["row"] == "female"].set_index("column")
    assert female.loc["a", "patients"] == "<11" and female["percent"].tolist()[:2] == ["<11", "<11"]
    bars = figures.read_bars(frame, ("a", "b"), {})
    assert bars[0].right == ("<11", "\u2013", "40")


def test_parts_kept_from_an_earlier_release_do_not_all_fall_beside_a_new_total():
    from outcomes.release.public.model import Cohort, ShownTable

    def percents(total):
        cohort, shown = Cohort("patients", "patients", ""), np.array([[40, 90, 40]])
        table = ShownTable("state", cohort, ("all",), ("a", "b", "c"), shown, (total,), (40, 90, 40), 5, (), total)
        return to_frames([table], [])[f"{PREFIX}state"]["percent"].tolist()[:3]

    assert percents(170) == percents(180) == [24, 53, 24]


# -- few patients, refusals, and what is said of it -------------------------------------------------------------------


def test_a_small_practice_says_in_words_what_is_left_out():
    few = make_episodes(60, seed=5)
    people = find_people(few)
    counts = count_people(few, people)
    protected = protect_release(counts.tables, counts.curves)
    release = make_release(None, few, people.quarter, protected)
    assert CURVE not in release.tables
    said = " ".join(sentence.text for sentence in release.page.sentences())
    assert "too small" in said and "No curve" in said and "hidden" in said
    notes = [b.note for s in release.page.sections for b in s.blocks if isinstance(b, TableView) and b.note]
    assert "Too few patients for a share." in notes


def test_fewer_patients_than_eleven_are_refused_and_nothing_is_written(tmp_path):
    few = make_episodes(9, seed=8)
    with pytest.raises((DisclosureError, cli.OutcomesError)):
        publish_public(None, few, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_an_attack_that_succeeds_stops_the_release(episodes, tmp_path, monkeypatch):
    from outcomes.release.public.model import Attacked

    broken = Attacked("sex", "female › relief", 4, 4, False, "total less the others")
    monkeypatch.setattr(second_look, "attack", lambda *_, **__: (broken,))
    with pytest.raises(DisclosureError, match=r"E937 sex › female › relief: keeps fewer than 5.*total less the others"):
        publish_public(None, episodes, tmp_path / "out")
    assert not list(tmp_path.rglob("index.html")) and not list(tmp_path.rglob(".release-ledger.json"))


def test_an_identifier_in_a_text_stops_the_release():
    check_texts({"index.html": "About 480 patients, 62 % with relief by day 28."})
    with pytest.raises(DisclosureError, match=r"E936 tables/x\.csv: holds what looks like: e-mail address") as refused:
        check_texts({"tables/x.csv": "write to mary.jones@example.org"})
    assert "mary" not in str(refused.value)


def test_what_could_tell_too_much_ends_with_code_3(monkeypatch, capsys):
    from outcomes.cli import report

    def withhold(_):
        raise DisclosureError("Nothing is published: fewer than 11 patients.")

    monkeypatch.setattr(report, "run", withhold)
    assert cli.main(["report", "--audience", "public"]) == 3
    assert "withheld: Nothing is published" in capsys.readouterr().err


def test_the_same_records_give_the_same_bytes(release, episodes, tmp_path):
    again = publish_public(None, episodes, tmp_path).parent
    for path in sorted(release.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(release)).read_bytes(), path.name


def test_the_release_again_in_its_place_has_the_same_manifest(made, episodes, monkeypatch):
    before = (made.folder / "manifest.json").read_bytes()
    monkeypatch.setattr(publish, "make_release", lambda *_: made.release)
    assert publish_public(None, episodes, made.folder.parents[1]).parent == made.folder
    assert (made.folder / "manifest.json").read_bytes() == before


def test_reasons_are_said_in_one_line_a_table(episodes):
    words = Words.of(episodes.protocol, episodes.visits.codebook)
    done = ("Rows put together: 2025Q1 to 2025Q2.", "Rows put together: 2025Q3 to 2025Q4.", "Rounded to 10.")
    tables = [SimpleNamespace(name="start_quarter", reasons=done), SimpleNamespace(name="sex", reasons=())]
    said = "rows put together: 2025Q1 to 2025Q2; 2025Q3 to 2025Q4; rounded to 10."
    assert list_reasons(tables, words) == (f"By the quarter in which care began: {said}",)


@pytest.mark.parametrize(("hidden", "said"), [(1, "1 of 235 numbers of patients is hidden."), (2, "are hidden.")])
def test_one_hidden_number_is_and_two_are(hidden, said):
    table = pd.DataFrame({"table": [TOTAL], "numbers": [235], "hidden": [hidden], "base": [11]})
    section = _numbers_section({GATE: table}, {"rules": (), "reasons": ()})
    assert section.lead[0].text.endswith(said)


@pytest.mark.parametrize(("patients", "shown"), [("25", "25\u00a0\u2020"), ("30", "30"), ("0", "0"), ("<11", "<11")])
def test_a_row_of_few_patients_has_the_mark_of_unstable_percents(patients, shown):
    frame = pd.DataFrame(
        [("all", "relief", "15", "60"), ("all", TOTAL, patients, "")], columns=["row", "column", "patients", "percent"]
    )
    view = _table_view(frame, "state", "All patients", {"relief": "relieved"})
    assert view.rows[0][-1] == shown
