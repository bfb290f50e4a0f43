"""Nothing in the package runs text as code, unpickles a file, starts a shell, or writes HTML by hand."""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "outcomes"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted((PACKAGE / "release" / "templates").glob("*.j2"))

BANNED_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "torch"}
BANNED_CALLS = {"eval", "exec", "compile", "__import__"}
BANNED_ATTRIBUTES = {("os", "system"), ("os", "popen"), ("yaml", "load"), ("yaml", "unsafe_load"), ("pd", "eval"),
                     ("jinja2", "Template"), ("string", "Template")}  # fmt: skip
BANNED_METHODS = {
    "read_pickle",
    "to_pickle",
    "read_html",
    "read_sql",
    "query",
    "from_string",
    "to_html",
    "set_table_styles",
}
"""Of whatever object: `DataFrame.query` and `eval` run text, `Styler` and `to_html` write tables that are not ours."""
BANNED_NAMES = {"Template", "Styler", "FunctionLoader", "DictLoader"}
MAY_BE_SAID = {"allow_pickle": False, "shell": False, "autoescape": True, "escape": True, "sanitize_html": True,
               "embed_images": False}  # fmt: skip
"""Keyword -> the only value it may have."""
SENT_BETWEEN_OUR_OWN = {"asking.py": {"ForkingPickler"}}
"""Answers go between a run and the processes it forked, never to a file."""
TRUSTED = {
    "render_html.py": 2,  # the style sheet, and SVG that matplotlib wrote
    "notebook_html.py": 2,  # the style sheet, and HTML that bleach has cleaned
}
"""Module -> how often it marks text as safe."""
TAG = re.compile(r"</?[a-zA-Z][\w-]*(\s[^<>]*)?>")
OWN_MARKUP = {"svg.py"}
"""Writes SVG of numbers only (the sparkline)."""


def find_code_from_text(module: Path, source: str) -> list[str]:
    return look_at(module, source)[0]


def look_at(module: Path, source: str) -> tuple[list[str], int]:
    """What is banned in a module, and how often it marks text as safe: to read it takes longer than to look."""
    found, n_safe = [], 0
    for node in ast.walk(ast.parse(source)):
        found += [f"{module.name}:{getattr(node, 'lineno', 0)} {name}" for name in banned_in(node, module.name)]
        if isinstance(node, ast.Call):
            n_safe += ast.unparse(node.func).split(".")[-1] in ("Markup", "mark_safe")
    return found, n_safe


@functools.cache
def all_modules() -> tuple[list[str], Counter[str]]:
    """The same of all of them."""
    banned, safe = [], Counter()
    for module in MODULES:
        found, n_safe = look_at(module, module.read_text("utf-8"))
        banned += found
        safe[module.name] += n_safe
    return banned, +safe


def banned_in(node: ast.AST, module: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from {alias.name.split(".")[0] for alias in node.names} & BANNED_IMPORTS
    elif isinstance(node, ast.ImportFrom):
        yield from {(node.module or "").split(".")[0]} & BANNED_IMPORTS
        names = {alias.name for alias in node.names}
        yield from names & (BANNED_NAMES | {"ForkingPickler"} - SENT_BETWEEN_OUR_OWN.get(module, set()))
    elif isinstance(node, ast.Call):
        yield from banned_in_call(node)
    elif isinstance(node, ast.JoinedStr) and module not in OWN_MARKUP and writes_markup(node):
        yield "an f-string that writes HTML"


def banned_in_call(node: ast.Call) -> Iterator[str]:
    function = node.func
    if isinstance(function, ast.Name) and function.id in BANNED_CALLS | BANNED_NAMES:
        yield function.id
    if isinstance(function, ast.Attribute):
        on_whom = ast.unparse(function.value)
        if (on_whom, function.attr) in BANNED_ATTRIBUTES or function.attr == "eval":
            yield f"{on_whom}.{function.attr}"
        if function.attr in BANNED_METHODS:
            yield f".{function.attr}"
        if function.attr == "apply" and "groupby(" in on_whom:
            yield "groupby(...).apply"
        if function.attr == "HTMLExporter" or function.attr.endswith("Environment"):
            yield from missing(node, function.attr)
    if isinstance(function, ast.Name) and function.id in ("Environment", "HTMLExporter"):
        yield from missing(node, function.id)
    for keyword in node.keywords:
        if keyword.arg in MAY_BE_SAID and not (
            isinstance(keyword.value, ast.Constant) and keyword.value.value is MAY_BE_SAID[keyword.arg]
        ):
            yield f"{keyword.arg}="


def missing(node: ast.Call, name: str) -> Iterator[str]:
    """What must be said where its default is unsafe."""
    said = {keyword.arg for keyword in node.keywords}
    wanted = {"Environment": {"autoescape"}, "HTMLExporter": {"sanitize_html", "embed_images"}}.get(name, set())
    yield from (f"{name} without {word}" for word in sorted(wanted - said))


def writes_markup(node: ast.JoinedStr) -> bool:
    """Whether the fixed parts of an f-string hold a tag and it fills something in."""
    parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
    text = "".join(str(part) for part in parts)
    return "\0" in text and bool(TAG.search(text.replace("\0", "x"))) and bool(re.search(r"</?[a-z]", text))


def test_no_text_becomes_code() -> None:
    # One test that names every fault: a test for each of some hundred modules takes longer to be told than to be run.
    assert all_modules()[0] == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "from multiprocessing.reduction import ForkingPickler",
        "eval('1')",
        "compile(text, 'x', 'exec')",
        "subprocess.run('ls', shell=True)",
        "yaml.load(text)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "pandas.read_pickle(path)",
        "frame.query(text)",
        "frame.eval(text)",
        "pd.read_html(text)",
        "frame.to_html()",
        "frame.groupby('a')['b'].apply(f)",
        "jinja2.Template(text)",
        "from string import Template",
        "environment.from_string(text)",
        "Environment(loader=x)",
        "Environment(loader=x, autoescape=False)",
        "HTMLExporter(sanitize_html=True)",
        "page = f'<b>{name}</b>'",
        "page = f'<td class=\"{kind}\">'",
    ],
)
def test_text_that_becomes_code_is_found(line: str) -> None:
    assert find_code_from_text(PACKAGE / "x.py", line)


@pytest.mark.parametrize(
    "line", ["f'{a} < {b} and {c} > {d}'", "f'<{n}'", "f'fewer than <{k}>'", "f'{n} of <5'", "re.compile('a')"]
)
def test_plain_words_are_not(line: str) -> None:
    assert not find_code_from_text(PACKAGE / "x.py", line)


def test_text_is_marked_as_safe_in_these_places_only() -> None:
    assert all_modules()[1] == TRUSTED


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_marks_nothing_as_safe(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|\{%\s*(include|import|extends)\s+[^'\"]", text)
    # Every filter used is one that keeps the escaping, as `part_of` and `unbroken`, which return plain text; `themed`
    # takes drawings, which are fields of the model.
    filters = set(re.findall(r"\|\s*(\w+)", " ".join(re.findall(r"\{[{%].*?[%}]\}", text, re.DOTALL))))
    assert filters <= {"themed", "length", "replace", "join", "upper", "lower", "part_of", "unbroken"}
    for taken in re.findall(r"([\w.]+)\s*\|\s*themed", text):
        assert taken in {"tile.spark", "block.wide", "block.narrow"}
    assert not re.search(r"=\{\{|<script|\son[a-z]+=|javascript:|https?://(?!www\.w3\.org)", text)


def test_the_packages_a_fault_was_found_in_are_newer() -> None:
    """Floors of advisories: PyArrow CVE-2023-47248, nbconvert CVE-2021-32862 and CVE-2026-39378, jupyter_server."""
    from importlib.metadata import version

    floors = {"pyarrow": (14, 0, 1), "nbconvert": (7, 17, 1), "jupyter_server": (2, 20, 0), "Jinja2": (3, 1, 6)}
    for name, floor in floors.items():
        have = tuple(int(part) for part in version(name).split(".")[:3])
        assert have >= floor, f"{name} {have}"
    lock = (PACKAGE.parents[1] / "requirements.lock").read_text("utf-8")
    for name, floor in floors.items():
        locked = re.search(rf"^{name.lower().replace('_', '-')}==([\d.]+)", lock, re.MULTILINE)
        assert locked and tuple(int(part) for part in locked[1].split(".")) >= floor, name
