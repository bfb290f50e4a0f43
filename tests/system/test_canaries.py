"""Names and numbers that stand nowhere else, planted in every place of an export: none is in any byte that comes out.

The words are drawn, so that no list knows them. What is searched: both streams, every file that is written and its
name, within archives, and the temporary folder.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment

from outcomes import cli

GIVEN = ("Maria", "Thomas", "Annegret", "Oddvar", "Fatima", "Walburga")
STYLES = ("name", "comma", "titled", "mail", "phone", "record", "birth", "street", "two", "word")
WORDS = ("name", "comma", "mail", "two", "word", "snake", "prose")
TERMS = ("massage", "stretching", "heat", "exercise", "taping")
READ = (
    "modalities",
    "cause",
    "muscles_treated",
    "diagnoses",
    "payer",
    "region",
    "sex",
    "age",
    "pain_pre",
    "visit_date",
)
DATES = '[privacy]\ndates_allowed = ["clinic", "public", "research"]\n'
ACCEPTED = '[acknowledge]\nrows_set_aside_percent = 60\nby = "R. K., manager"\n'


@dataclass
class Planted:
    """Every canary: where it stands -> what of it no honest output holds."""

    draw: random.Random = field(default_factory=lambda: random.Random(20261128))
    marks: dict[str, str] = field(default_factory=dict)

    def stem(self) -> str:
        """Return a word that no list knows and no program writes."""
        return "".join(self.draw.choice("bdfgklmprtvz") + self.draw.choice("aeiou") for _ in range(4)) + "jx"

    def plant(self, where: str, style: str) -> str:
        """Return the text of a new canary."""
        stem, n = self.stem().capitalize(), len(self.marks)
        given = GIVEN[n % len(GIVEN)]
        text = {
            "name": f"{given} {stem}",
            "comma": f"{stem}, {given}",
            "titled": f"Dr. {stem}",
            "mail": f"{stem.lower()}@bluewin.ch",
            "phone": f"+41 79 {200 + n} {11 + n % 80} {37 + n % 60}",
            "record": f"MRN 77{n:03}41",
            "birth": f"dob 0{1 + n % 9}/1{n % 9}/19{30 + n % 60} {stem}",
            "street": f"{10 + n} {stem} Street",
            "two": f"{stem} {self.stem().capitalize()}",
            "word": stem,
            "bare": f"48{n:03}7713",
            "snake": f"{stem.lower()}_{self.stem()}",
            "prose": f"wife of {stem} said so",
        }[style]
        self.marks[f"{where}, {style}, {n}"] = text if style in ("phone", "record", "bare") else stem
        return text

    def find(self, raw: bytes) -> list[str]:
        """Return where those stand that are in some bytes, in letters of either case, of one byte or two."""
        plain = raw.lower().replace(b"\0", b"")
        words = set(re.findall(rb"[a-z]{8}jx", plain))
        return [where for where, mark in self.marks.items() if _is_in(mark.lower().encode(), words, plain)]


def _is_in(mark: bytes, words: set[bytes], plain: bytes) -> bool:
    return mark in words if mark.isalpha() else mark in plain or mark.replace(b" ", b"") in plain


def _table(n: int = 240) -> dict[str, list[str]]:
    """Return the columns of a plain export: four visits a patient."""
    who = [i // 4 for i in range(n)]
    return {
        "patient_id": [f"K{1000 + 7 * w}" for w in who],
        "visit_date": [f"2024-{2 + i % 4 * 2:02}-{1 + w % 28:02}" for i, w in enumerate(who)],
        "clinic_id": [f"C{1 + w % 3}" for w in who],
        "clinician_id": [f"T{1 + i % 6:02}" for i in range(n)],
        "pain_pre": [str(8 - i % 4) for i in range(n)],
        "region": [("lumbar", "cervical", "thoracic")[w % 3] for w in who],
        "modalities": [TERMS[i % 5] for i in range(n)],
        "muscles_treated": [("trapezius", "piriformis", "psoas")[i % 3] for i in range(n)],
        "cause": [("posture", "trauma", "overuse")[w % 3] for w in who],
        "diagnoses": [("M62.830", "M54.50", "M54.2")[w % 3] for w in who],
        "payer": [("private", "workers comp", "medicare")[w % 3] for w in who],
        "age": [str(20 + w % 60) for w in who],
        "sex": ["fm"[w % 2] for w in who],
    }


def _text(table: dict[str, list[str]]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(table)
    rows.writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def _write(folder: Path, table: dict[str, list[str]], name: str = "visits.csv", mapping: str = DATES) -> Path:
    folder.mkdir(parents=True)
    path = folder / name
    path.write_bytes(_text(table).encode())
    (folder / "m.toml").write_text(mapping, encoding="utf-8")
    return path


def _unread(made: Planted, folder: Path) -> Path:
    table = _table()
    notes = [made.plant("note", style) for style in STYLES]
    table["notes"] = [*notes, *[""] * (len(table["age"]) - len(notes))]
    table["Extra 1"] = [made.plant("unread", STYLES[i // 20 % 10]) if i % 20 == 0 else "ok" for i in range(240)]
    return _write(folder, table)


def _cells(made: Planted, folder: Path) -> Path:
    table = _table(600)
    for j, name in enumerate(READ):
        for k, style in enumerate(STYLES):
            table[name][5 + j * 31 + 3 * k] = made.plant(f"cell of {name}", style)
    return _write(folder, table, mapping=DATES + ACCEPTED)


def _ids(made: Planted, folder: Path) -> Path:
    table = _table(600)
    for j, name in enumerate(("patient_id", "clinician_id", "clinic_id")):
        for k, style in enumerate((*STYLES, "bare")):
            table[name][5 + j * 40 + 3 * k] = made.plant(f"id of {name}", style)
    return _write(folder, table, mapping=DATES + ACCEPTED)


def _headers(made: Planted, folder: Path) -> Path:
    table = _table() | {made.plant("header", style): ["x"] * 240 for style in (*STYLES, "snake", "prose")}
    accepted = json.dumps([made.plant("accept", "name"), made.plant("accept", "two")])
    return _write(folder, table, mapping=f"{DATES}accept = {accepted}\n")


def _book(folder: Path, name: str = "visits.xlsx") -> tuple[openpyxl.Workbook, Path]:
    path = _write(folder, _table(90))
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
        book.active.append(row)
    path.unlink()
    return book, folder / name


def _corners(made: Planted, folder: Path) -> Path:
    book, path = _book(folder)
    for style in WORDS:
        hidden = book.create_sheet(made.plant("hidden sheet", style)[:31])
        hidden.sheet_state = "hidden"
        hidden.append([made.plant("hidden header", "name"), "a"])
        hidden.append([made.plant("hidden cell", "mail"), "b"])
    book["Data"]["B3"].comment = Comment(made.plant("comment", "prose"), made.plant("author of a comment", "name"))
    for name in ("creator", "title", "subject", "description", "keywords", "lastModifiedBy"):
        setattr(book.properties, name, made.plant(f"property {name}", "name"))
    book["Data"].oddHeader.center.text = made.plant("print header", "name")
    book["Data"]["C4"].hyperlink = f"http://{made.plant('hyperlink', 'word').lower()}.org"
    book.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"docProps/{made.plant('member', 'word')}.xml", made.plant("text of a member", "mail"))
    return path


def _sheets(made: Planted, folder: Path) -> Path:
    book, path = _book(folder)
    book["Data"].title = made.plant("sheet", "name")
    for style in ("two", "word", "snake"):
        book.copy_worksheet(book.worksheets[0]).title = made.plant("sheet", style)
    book.save(path)
    return path


def _sheets_of_clinics(made: Planted, folder: Path) -> Path:
    path = _sheets(made, folder)
    (folder / "m.toml").write_text(f'{DATES}[file]\nsheet = "*"\nsheet_as = "clinic_id"\n', encoding="utf-8")
    return path


def _sheet_that_is_named(made: Planted, folder: Path) -> Path:
    path = _sheets(made, folder)
    name = openpyxl.load_workbook(path).sheetnames[1]
    (folder / "m.toml").write_text(f"{DATES}[file]\nsheet = {json.dumps(name)}\n", encoding="utf-8")
    return path


def _called(style: str) -> Callable[[Planted, Path], Path]:
    return lambda made, folder: _write(folder, _table(90), f"{made.plant('file', style)}.csv")


def _folder(made: Planted, folder: Path) -> Path:
    return _write(folder / made.plant("folder", "two") / made.plant("folder", "word"), _table(90))


def _zipped(made: Planted, folder: Path) -> Path:
    path = _write(folder, _table(30))
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.write(path, f"{made.plant('file in an archive', 'name')}.csv")
    return path.with_suffix(".zip")


def _settings(made: Planted, folder: Path) -> Path:
    table = _table()
    missing = [made.plant("word for missing", style) for style in STYLES]
    others = [made.plant("word of no visit", style) for style in ("name", "mail", "prose")]
    table["cause"][3 : 3 + len(missing)] = missing
    table["patient_id"][50 : 50 + len(others)] = others
    table["US"] = ["yes"] * 240
    table["Heat"] = ["yes", made.plant("cell of yes and no", "two"), *["no"] * 238]
    words = f"[values]\nmissing = {json.dumps(['', *missing])}\n[non_data]\npatient_id = {json.dumps(others)}\n"
    flags = f'[modality_columns]\nUS = "{made.plant("treatment", "name")}"\nHeat = "{made.plant("treatment", "two")}"\n'
    return _write(folder, table, mapping=f"# {made.plant('remark', 'mail')}\n{DATES}{words}{flags}")


def _setting(text: str) -> Callable[[Planted, Path], Path]:
    return lambda made, folder: _write(folder, _table(90), mapping=text % made.plant("setting", "two"))


def _broken(made: Planted, folder: Path) -> Path:
    lines = _text(_table(120)).splitlines()
    lines[9] += f",{made.plant('a cell too many', 'name')}"
    lines[20] = made.plant("short line", "two")
    lines += [f"Total,{made.plant('footer', 'two')},,,", made.plant("stray line", "prose")]
    path = _write(folder, _table(4))
    path.write_text("\r\n".join([*lines, f'"{made.plant("open quote", "name")}', ""]), encoding="utf-8")
    return path


def _above(made: Planted, folder: Path) -> Path:
    path = _write(folder, _table(120))
    first = f"Report for {made.plant('line above', 'two')}\r\nby {made.plant('line above', 'titled')}\r\n\r\n"
    path.write_text(first + _text(_table(120)), encoding="utf-8")
    return path


def _encoded(made: Planted, folder: Path) -> Path:
    path = _write(folder, _table(120))
    odd = f"lümb {made.plant('other encoding', 'name')}".encode("latin-1")
    path.write_bytes(path.read_bytes().replace(b"lumbar", odd, 1))
    return path


def _refused(made: Planted, folder: Path) -> Path:
    people = [
        f"{GIVEN[i % 6]} {made.stem().capitalize()}" if i > 9 else made.plant("refused", "name") for i in range(240)
    ]
    clinicians = [made.plant("clinicians as names", "two") if i < 6 else f"Anna {GIVEN[i % 6]}son" for i in range(240)]
    return _write(folder, _table() | {"Patient name": people, "clinician_id": clinicians})


QUICK: dict[str, Callable[[Planted, Path], Path]] = {
    "unread": _unread,
    "cells": _cells,
    "ids": _ids,
    "headers": _headers,
    "corners": _corners,
    "sheets": _sheets,
    "clinics": _sheets_of_clinics,
    "named sheet": _sheet_that_is_named,
    **{f"file {style}": _called(style) for style in WORDS},
    "folder": _folder,
    "zip": _zipped,
    "settings": _settings,
    "bad value": _setting('[dates]\norder = "%s"\n'),
    "bad key": _setting('[dates]\n"%s" = 3\n'),
    "broken": _setting('[dates\norder = "%s"\n'),
    "no column": _setting('[columns]\ncause = "%s"\n'),
    "by": _setting(ACCEPTED.replace("R. K., manager", "%s")),
    "lines": _broken,
    "above": _above,
    "encoding": _encoded,
    "refused": _refused,
}
REPORTED = ("unread", "cells", "ids", "headers", "corners", "settings", "folder", "named sheet", "file two")


def _unpack(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name.encode() + archive.read(name)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        yield repr((table.to_pydict(), table.schema)).encode()
    for found in re.finditer(rb"stream\r?\n", raw):
        try:
            yield zlib.decompressobj().decompress(raw[found.end() :])
        except zlib.error:  # no stream that is packed
            continue


def _run(
    made: Planted, folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str], places: list[Path]
) -> set[str]:
    """Run a command, and return the canaries in what it said and wrote."""
    cli.main(arguments)
    said = "".join(capsys.readouterr()).encode()
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    found = {f"{where} is said" for where in made.find(said)}
    for file in files:
        blobs = [file.name.encode(), *(_unpack(file) if file.is_file() else ())]
        found |= {f"{where} is in {file.relative_to(folder)}" for blob in blobs for where in made.find(blob)}
    return found


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for what comes out; its own temporary folder is ``temporary``."""
    out = tmp_path / "out"
    (out / "temporary").mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(out / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return out


def _try(name: str, made: Planted, room: Path, monkeypatch, capsys, is_reported: bool = False) -> set[str]:
    path = QUICK[name](made, room.parent / "in" / name.replace(" ", "_"))
    monkeypatch.chdir(path.parent)
    for key in ("USER", "LOGNAME", "HOSTNAME", "OUTCOMES_SECRET"):
        monkeypatch.setenv(key, made.plant("environment", "two"))
    own = room / name.replace(" ", "_")
    left, mapping = room / "temporary", ["--mapping", "m.toml"]
    proposed, cleaned = Path(f"{own}.toml"), Path(f"{own}_clean")
    found = _run(made, room, ["inspect", path.name, "--out", str(proposed)], capsys, [proposed, left])
    found |= _run(made, room, ["clean", path.name, "--out", str(cleaned), *mapping], capsys, [cleaned, left])
    if is_reported:
        for audience in ("clinic", "public"):
            out = f"{own}_{audience}"
            report = ["report", path.name, "--out", out, "--audience", audience, "--no-notebooks", *mapping]
            found |= _run(made, room, report, capsys, [Path(out), left])
        for release in sorted(file.parent for file in Path(f"{own}_clinic").rglob("manifest.json")):
            found |= _run(made, room, ["diff", str(release), str(release)], capsys, [])
    return found


def test_nothing_that_is_planted_is_seen_by_looking_or_cleaning(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Planted()
    found = set().union(*(_try(name, made, room, monkeypatch, capsys) for name in QUICK))
    assert len(made.marks) > 300 and sorted(found) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", REPORTED)
def test_nothing_that_is_planted_is_seen_in_a_report(
    name: str, room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sorted(_try(name, Planted(), room, monkeypatch, capsys, is_reported=True)) == []


def test_a_canary_that_is_written_is_found(tmp_path: Path) -> None:
    made = Planted()
    text, number = made.plant("here", "two"), made.plant("there", "phone")
    assert made.find(f"x {text.upper()}".encode()) == ["here, two, 0"]
    assert made.find(number.replace(" ", "").encode("utf-16-le")) == ["there, phone, 1"] and not made.find(b"honest")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", text)
    assert any(made.find(blob) for blob in _unpack(tmp_path / "a.zip"))
