"""What whole commands say, in lines that can be kept in the checkout and compared: words, numbers, pictures.

  make kept      write tests/kept anew; look at the difference before it is committed

What is kept cannot tell right from wrong: it tells that something a reader would see has moved. Numbers are compared
to six digits, since the last ones differ between processors; words to the letter.

  page.txt       every text of the page in its order, descriptions of pictures and headers of tables too
  marks.txt      how often each element stands on the page with each class or role
  tables.txt     for each column of each table its blanks, and a hash of its words or two sums of its numbers
  figures.txt    for each drawing, of a phone too, its elements, a hash of its words and two sums of its coordinates
  terminal.txt   what the command said
  mapping.txt    the mapping that was proposed
  shown.txt      what each cell of the notebooks showed (kept_notebooks.py)

Beside them what figures draw of invented answers, drawings.txt (kept_drawings.py), and what pages of them say,
invented.txt (kept_pages.py).
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import html.parser
import importlib
import io
import math
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import pytest
from kept_notebooks import NOTEBOOKS, show_notebook

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "kept"
KEPT_FILES = {
    **dict.fromkeys(("clinic", "public", "practice"), ("page", "marks", "tables", "figures", "terminal")),
    "clean": ("tables", "terminal"),
    "inspect": ("mapping", "terminal"),
    "notebooks": ("shown",),
}
"""Folders below tests/kept, and what is kept in each: releases of the sample for the owner and for the public, and of a
practice too small for many questions; the sample cleaned, and looked at without a mapping; notebooks of a practice."""
_NUMBER = re.compile(r"(?<![A-Za-z0-9_])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![A-Za-z0-9_])")
_COORDINATE = re.compile(r"-?\d+(?:\.\d+)?")
_LETTERS = str.maketrans("0123456789", "ghijklmnop")  # the digits of a colour are none of a coordinate
_SAID = ("alt", "aria-label", "title", "abbr", "href", "id")


def run(folder: Path, name: str) -> dict[str, list[str]]:
    """Run the command in this process, and return the lines of each file that is kept of what it wrote."""
    from outcomes.release import publish
    from outcomes.release.public import publish as public
    from outcomes.simulate import write_simulation

    export, out = ROOT / "data" / "sample", folder / "out"
    if name in ("practice", "notebooks"):
        patients = 300 if name == "practice" else 500
        write_simulation(export := folder / "export", patients=patients, seed=5, profile="physio", clinics=2)
    if name == "notebooks":
        given = {"data": str(export / "visits.csv"), "mapping": str(export / "mapping.toml"), "protocol": None}
        paths = (ROOT / "notebooks" / f"{one}.ipynb" for one in NOTEBOOKS)
        return {
            "shown": [
                line for path in paths for line in show_notebook(path, given, _describe_drawing, _describe_columns)
            ]
        }
    visits, mapping = str(export / "visits.csv"), ["--mapping", str(export / "mapping.toml"), "--out", str(out)]
    if name == "inspect":
        terminal = _call(folder, ["inspect", visits, "--out", str(folder / "mapping.toml")])[0]
        proposed = (folder / "mapping.toml").read_text(encoding="utf-8").splitlines()
        return {"terminal": terminal, "mapping": proposed}
    if name == "clean":
        terminal = _call(folder, ["clean", visits, *mapping, "--format", "csv"])[0]
        return {"terminal": terminal, "tables": _describe_tables(out)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "WORKERS", 1)  # what other processes do is not seen by the measuring of coverage
        for module in (publish, public):  # tests/unit/test_render_pdf.py looks at these
            patch.setattr(module, "render_pdf", lambda page: b"%PDF")
            patch.setattr(module, "render_png", lambda svg: b"PNG")
        audience = ["--audience", "public"] if name == "public" else []
        terminal, printed = _call(folder, ["report", visits, *mapping, *audience, "--no-notebooks"])
    return {**describe(Path(printed.strip()).parent), "terminal": terminal}


def _call(folder: Path, arguments: list[str]) -> tuple[list[str], str]:
    """Return what a command ended with and said, and what it printed."""
    from outcomes import cli

    said, printed = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        code = cli.main(arguments)
    text = (said.getvalue() + printed.getvalue()).replace(str(folder), "FOLDER").replace(str(ROOT), "CHECKOUT")
    told = text.splitlines()
    lines, steps = ([line for line in told if line.endswith("...") is is_step] for is_step in (False, True))
    # Steps side by side are told as they come.
    return [f"ended with {code}", *lines, *sorted(steps)], printed.getvalue()


def describe(release: Path) -> dict[str, list[str]]:
    """Return name of a kept file -> its lines, for a finished release."""
    page, text = _Page(), (release / "index.html").read_text(encoding="utf-8")
    page.feed(text)
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in sorted(release.glob("figures/*.svg"))}
    inside = re.findall(r"<svg.*?</svg>", text, re.S)  # small lines, and those for a phone
    drawn |= {f"on the page, {number}": drawing for number, drawing in enumerate(inside, start=1)}
    return {
        "page": page.lines,
        "marks": [f"{mark} {number}" for mark, number in sorted(page.marks.items())],
        "tables": _describe_tables(release / "tables"),
        "figures": [f"{name}: {_describe_drawing(drawing)}" for name, drawing in drawn.items()],
    }


def find_moved(kept: Sequence[str], now: Sequence[str], part: float = 1e-6) -> list[str]:
    """Return the lines that differ in a word, or in a number by more than a part of it; kept, then now."""
    moved = []
    for number in range(max(len(kept), len(now))):
        before, after = (lines[number] if number < len(lines) else "(no line)" for lines in (kept, now))
        if not _is_same(before, after, part):
            moved.append(f"line {number + 1}\n  kept {before}\n  now  {after}")
    return moved


def _is_same(before: str, after: str, part: float) -> bool:
    if before == after:
        return True
    if _NUMBER.sub("0", before) != _NUMBER.sub("0", after):
        return False
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=part, abs_tol=1e-9) for a, b in pairs)


class _Page(html.parser.HTMLParser):
    """The texts of a page, one a line, and how often its elements stand there; drawings are looked at as files."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.marks: Counter[str] = Counter()
        self._left = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        mark = " ".join([tag, *(f"{name}={said[name]}" for name in ("class", "role", "scope") if said.get(name))])
        self._left += tag in ("svg", "style")
        if self._left <= (tag in ("svg", "style")):
            self.marks[mark] += 1
            self.lines += [f"{tag} {name}: {said[name]}" for name in _SAID if said.get(name)]

    def handle_endtag(self, tag: str) -> None:
        self._left -= tag in ("svg", "style")

    def handle_data(self, data: str) -> None:
        if not self._left and data.strip():
            self.lines.append(" ".join(data.split()))


def _describe_tables(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("*.csv")) for line in _describe_table(path)]


def _describe_table(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        n_rows = sum(1 for _ in csv.reader(file)) - 1
        file.seek(0)
        yield f"{path.stem}: {n_rows} rows"
        yield from _describe_columns(file)


def _describe_columns(file: TextIO) -> Iterator[str]:
    """Return a line for each column of a table."""
    head, *rows = csv.reader(file)
    for name, column in zip(head, zip(*rows, strict=True) if rows else [()] * len(head), strict=True):
        yield f"  {name}: {_describe_cells(column)}"


def _describe_cells(cells: Sequence[str]) -> str:
    """Blanks, a hash of the words with a mark where numbers stand, and two sums of the numbers, beside marks too."""
    is_number = [bool(_NUMBER.fullmatch(cell)) for cell in cells]
    words = _hash(["#" if flag else cell for cell, flag in zip(cells, is_number, strict=True)])
    said = f"{sum(not cell for cell in cells)} blank, words {words}"
    if not any(is_number):
        return said
    numbers = [float(cell) if flag else 0.0 for cell, flag in zip(cells, is_number, strict=True)]
    return f"{said}, sums {_sum_twice(numbers)}"


def _describe_drawing(text: str) -> str:
    text = re.sub(r' (id|[\w:]*href|clip-path)="[^"]*"', "", text)
    text = re.sub(r"#[0-9a-fA-F]+", lambda colour: colour[0].translate(_LETTERS), text)
    tags = Counter(re.findall(r"<([a-zA-Z]+)", text))
    kinds = ", ".join(f"{number} {tag}" for tag, number in sorted(tags.items()))
    numbers = [float(number) for number in _COORDINATE.findall(text)]
    return f"{kinds}; words {_hash([_COORDINATE.sub('0', text)])}, sums {_sum_twice(numbers)}"


def _sum_twice(numbers: Sequence[float]) -> str:
    """The sum, and one in which each place weighs differently, so that numbers cannot change places unseen."""
    places = (1 + (7 * place) % 101 / 101 for place in range(len(numbers)))
    return f"{math.fsum(numbers):.9g} {math.fsum(a * b for a, b in zip(numbers, places, strict=True)):.9g}"


def _hash(words: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def read_kept(name: str, file: str) -> list[str]:
    """Return the lines of a file that is kept."""
    return (KEPT / name / f"{file}.txt").read_text(encoding="utf-8").splitlines()


def main() -> None:
    """Write anew what is kept."""
    for name in KEPT_FILES:
        with tempfile.TemporaryDirectory() as folder:
            made = run(Path(folder), name)
        for file, lines in made.items():
            (KEPT / name).mkdir(parents=True, exist_ok=True)
            (KEPT / name / f"{file}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sys.stdout.write(f"tests/kept/{name}\n")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as pytest has it: the fakes use `tables`
    for name in ("kept_drawings", "kept_pages"):
        importlib.import_module(name).main()


if __name__ == "__main__":
    main()
