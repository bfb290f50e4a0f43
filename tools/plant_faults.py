"""Plant one fault at a time in a module, and see whether the tests of that module notice.

  make faults ARGS='estimators/reliability.py tests/unit/test_reliability.py'
  make faults ARGS='release/public/protect.py tests/unit/test_public_*.py --count 30 --seed 2'
  make faults ARGS='cases/returns.py tests/spec/test_returns.py --lines 120-140'
  make faults ARGS='cases/returns.py --list'        what could be planted; nothing is run

MODULE stands below src/outcomes. Faults: a comparison turned, or its bound on the other side; plus for minus, times for
divided; and for or; a condition turned; a constant one off; a neutral value returned; a statement left out. Docstrings,
texts, messages of errors, types, decorators and imports are left alone. The same seed plants the same faults.

Each fault is one run of the tests (-x -q, nothing slow, no browser) in a process of its own, on a copy of the checkout:
the checkout is never written to, and the copy goes when this ends or is stopped. A run that takes four times the
processor seconds of one without a fault, and 10 more, is ended: its fault was noticed.

A fault that survives either changes nothing that anybody could see, or shows which test is missing: the smallest one
that says what should happen. Ends with 0 if all were noticed, with 1 if one survived, with 2 if nothing was shown.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", "build", "dist", "reports", "lab")
WARM = ("pytest", "numpy", "pandas", "pyarrow", "scipy.optimize", "scipy.sparse", "scipy.stats", "hypothesis")
"""What is imported once, before the runs part from each other; of outcomes itself nothing may be."""
STOPS = (signal.SIGTERM, signal.SIGINT)
MEMORY = 8 << 30
MOST_WAITED = 10
"""Times the processor seconds of a run, where other programs keep it waiting or it waits for nothing."""
SURVIVED, CAUGHT, ENDED, ELSEWHERE, EMPTY = "SURVIVED", "caught", "time out", "elsewhere", "no tests"
_ELSEWHERE, _NOTHING = 77, 5

_TURNED = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",)}
_TURNED |= {"in": ("not in",), "not in": ("in",), "is": ("is not",), "is not": ("is",)}
_SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
_SWAPPED |= {ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
_NEUTRAL = {"bool": ("True", "False"), "int": ("0",), "float": ("0.0",), "str": ("''",), "list": ("[]",)}
_NEUTRAL |= {"tuple": ("()",), "dict": ("{}",), "set": ("set()",), "pd.DataFrame": ("(|).iloc[:0]",)}
_NEUTRAL |= dict.fromkeys(("np.ndarray", "NDArray", "FloatArray", "Floats", "Flags", "Counts"), ("(|) * 0",))


@dataclass(frozen=True, slots=True)
class Fault:
    """A piece of a module (from `start` to `end`, in bytes), and what is put in its place."""

    line: int
    start: int
    end: int
    old: str
    new: str

    def plant(self, source: bytes) -> bytes:
        """Return the module with this fault in it."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def __str__(self) -> str:
        texts = [" ".join(text.split()) for text in (self.old, self.new)]
        return "line {}: {}  ->  {}".format(self.line, *(t if len(t) < 75 else f"{t[:35]}...{t[-35:]}" for t in texts))


def find_faults(source: bytes) -> list[Fault]:
    """Return all faults that can be planted in a module, in its order."""
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    found = set()
    for node, new in _walk(ast.parse(source), ""):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        found.add(Fault(node.lineno, start, end, source[start:end].decode(), new))
    return sorted(found, key=lambda fault: (fault.start, fault.end, fault.new))


def _walk(node: ast.AST, returns: str) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Go through a module; leave out what nobody computes with, and what only tells people something."""
    if isinstance(node, ast.Raise):
        yield node, "pass"
    if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Assert)):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.FunctionDef):
        returns = ast.unparse(node.returns) if node.returns else ""
    elif isinstance(node, ast.stmt):
        yield from ((node, new) for new in _spoil_statement(node, returns))
    elif isinstance(node, ast.expr):
        yield from ((node, new) for new in _spoil_expression(node))
    tests = [getattr(node, "test", None), *getattr(node, "ifs", ())]
    yield from ((test, f"(not ({ast.unparse(test)}))") for test in tests if isinstance(test, (ast.Name, ast.Call)))
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or getattr(node, "arg", "") in ("strict", "copy"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, returns)


def _spoil_expression(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare():
            parts = [f"({ast.unparse(one)})" for one in (node.left, *node.comparators)]
            signs = [ast.unparse(ast.Compare(ast.Name("a"), [op], [ast.Name("b")]))[2:-2] for op in node.ops]
            for i, sign in enumerate(signs):
                for other in _TURNED[sign]:
                    rest = zip([*signs[:i], other, *signs[i + 1 :]], parts[1:], strict=True)
                    yield f"({parts[0]} {' '.join(f'{op} {part}' for op, part in rest)})"
        case ast.BinOp(left, op, right) if type(op) in _SWAPPED and not (_is_text(left) or _is_text(right)):
            yield f"({ast.unparse(ast.BinOp(left, _SWAPPED[type(op)](), right))})"
        case ast.BoolOp(op, values):
            yield f"({ast.unparse(ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values))})"
        case ast.UnaryOp(ast.Not() | ast.Invert(), operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(bool() as value):
            yield str(not value)
        case ast.Constant(int() | float() as value):
            yield repr(value + 1)


def _spoil_statement(node: ast.stmt, returns: str) -> Iterator[str]:
    match node:
        case ast.Return(ast.expr() as value):
            known = ("None",) if "| None" in returns else _NEUTRAL.get(returns.split("[")[0], ())
            told = ast.unparse(value)
            yield from (f"return {new.replace('|', told)}" for new in known if new != told)
        case ast.Expr(ast.Call()) | ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.Delete():
            yield "pass"
        case ast.AugAssign() | ast.Continue() | ast.Break():
            yield "pass"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


class Bench:
    """A copy of the checkout, in which one module is spoiled and its tests are run."""

    def __init__(self, root: Path, folder: Path, module: str, tests: list[str]) -> None:
        self.folder, self.copy, self.child = folder, folder / "checkout", 0
        self.plugins: list[object] = []
        shutil.copytree(root, self.copy, ignore=NOT_COPIED, symlinks=True)
        self.module = self.copy / "src" / "outcomes" / module
        quiet = ["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not slow and not browser"]
        self.arguments = [*quiet, "--rootdir", str(self.copy), "--basetemp", str(folder / "base"), *tests]

    def run(self, source: bytes, seconds: float = 600.0) -> tuple[str, float]:
        """Run the tests with the module as it is given; return what became of it, and its processor seconds."""
        self.module.write_bytes(source)
        # What was compiled of it is trusted by whole seconds and size, and a fault may change neither.
        for compiled in self.module.parent.glob(f"__pycache__/{self.module.stem}.*"):
            compiled.unlink()
        self.child = os.fork()
        if not self.child:
            self._test(int(seconds))
        end = time.monotonic() + MOST_WAITED * seconds
        while time.monotonic() < end:
            child, status, used = os.wait4(self.child, os.WNOHANG)
            if child:
                self.child, code = 0, os.waitstatus_to_exitcode(status)
                named = {0: SURVIVED, _ELSEWHERE: ELSEWHERE, _NOTHING: EMPTY, -signal.SIGXCPU: ENDED}
                return named.get(code, CAUGHT), used.ru_utime + used.ru_stime
            time.sleep(0.02)
        self.stop()
        return ENDED, seconds

    def stop(self) -> None:
        """End the run that goes on, with all it has started."""
        if self.child:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            self.child = 0

    def _test(self, seconds: int) -> None:
        """Be the process of one run; never returns."""
        code = 3
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)  # tests of stops by hand must outlive them
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            os.chdir(self.copy)
            os.environ |= {"PYTHONPATH": str(self.copy / "src"), "TMPDIR": str(self.folder)}
            tempfile.tempdir = None
            code = int(importlib.import_module("pytest").main(self.arguments, self.plugins))
            used = getattr(sys.modules.get("outcomes"), "__file__", None) or ""
            if code == 0 and not used.startswith(str(self.copy)):
                code = _ELSEWHERE
        finally:
            os._exit(code)


def choose(faults: list[Fault], count: int, seed: int, lines: str) -> list[Fault]:
    """Return the faults to be planted: `count` of those on the lines that were asked for, in order."""
    first, _, last = lines.partition("-")
    there = [f for f in faults if not lines or int(first) <= f.line <= int(last or first)]
    chosen = random.Random(seed).sample(there, min(count, len(there)))  # noqa: S311 - no secret
    return sorted(chosen, key=lambda fault: (fault.start, fault.new))


def try_faults(bench: Bench, source: bytes, faults: list[Fault]) -> int:
    """Plant one after the other, print what became of each, and return the exit code."""
    plain, seconds = bench.run(source)
    if plain != SURVIVED:
        print(f"The tests do not pass as they are ({plain}); nothing was planted. The end of what they said:")
        print((bench.folder / "log").read_text(errors="replace")[-2000:])
        return 2
    limit, verdicts = 10 + 4 * seconds, []
    for fault in faults:
        verdicts.append(bench.run(fault.plant(source), limit)[0])
        print(f"{verdicts[-1]:8}  {fault}", flush=True)
    noticed = len(verdicts) - verdicts.count(SURVIVED)
    print(f"{noticed} of {len(verdicts)} noticed ({verdicts.count(ENDED)} by taking too long)")
    return int(SURVIVED in verdicts)


def leave(number: int, _frame: object) -> None:
    """Stop, and let nothing cut the clearing away short: who stops a run often does so twice."""
    for other in STOPS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Plant faults as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="the module, as it is called below src/outcomes")
    parser.add_argument("tests", nargs="*", help="files of tests, or FILE::TEST; the quickest first")
    parser.add_argument("--count", type=int, default=12, help="how many are planted (12)")
    parser.add_argument("--seed", type=int, default=1, help="which are taken (1)")
    parser.add_argument("--lines", default="", metavar="A-B", help="only those on these lines")
    parser.add_argument("--list", action="store_true", help="say what could be planted, and run nothing")
    asked = parser.parse_args(arguments)
    path = root / "src" / "outcomes" / asked.module
    if not path.is_file() or not all((root / test.partition("::")[0]).exists() for test in asked.tests):
        parser.error(f"one of these files is not there: {', '.join([str(path), *asked.tests])}")
    source = path.read_bytes()
    faults = find_faults(source)
    if asked.list:
        print("\n".join(map(str, faults)))
        return 0
    chosen = choose(faults, asked.count, asked.seed, asked.lines)
    if not asked.tests or not chosen:
        parser.error("no tests were named" if not asked.tests else "there is nothing to be planted on these lines")
    print(
        f"{len(chosen)} of the {len(faults)} faults that can be planted in {asked.module}, seed {asked.seed}",
        flush=True,
    )
    for name in WARM:
        importlib.import_module(name)
    for number in STOPS:
        signal.signal(number, leave)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = Bench(root, Path(folder).resolve(), asked.module, asked.tests)
        try:
            return try_faults(bench, source, chosen)
        finally:
            bench.stop()


if __name__ == "__main__":
    sys.exit(main())
