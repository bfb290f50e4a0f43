"""The command line; each command is a module of its own, with `add` (its options) and `run`.

Exit codes: 0 done; 1 done, rows were set aside; 2 refused, nothing written (`verify`: not as published); 3 withheld, it
could tell too much about few patients, nothing written; 4 internal error. 141, as shells have it, where the reader of
the standard output went away (`outcomes diff A B | head`), or it could not be written.
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from outcomes import __version__
from outcomes.cli import audit, clean, diff, inspect, lab, report, selftest, sign, simulate, verify
from outcomes.cli.shared import INTERNAL, READER_LEFT, REFUSED, TELL_READER_LEFT, WITHHELD, say
from outcomes.cli.streams import WordsLost, guard_streams, is_unread
from outcomes.errors import DisclosureError, OutcomesError
from outcomes.files.stops import stop_on_signals

_COMMANDS = {
    command.__name__.rpartition(".")[2]: command
    for command in (inspect, report, verify, diff, audit, sign, lab, clean, simulate, selftest)
}
_MOST_NAMED = 3
# The threads of a matrix product decide the order of its sums, and so its last digit: one, on every machine.
_RARELY = (50_000, 20, 50)
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_EXAMPLES = (
    """examples:
  outcomes inspect visits.csv --out mapping.toml     what is in an export, and the mapping that reads it
  outcomes report                                    report on the synthetic sample of this checkout (data/sample)
  outcomes report visits.csv --mapping mapping.toml  report on your own export
  outcomes report q2.csv q3.csv --quarter 2026Q2     several files, one quarter
  outcomes report visits.csv --audience public       a small report for everybody: rounded, small numbers hidden
  outcomes verify reports/2026Q2                     is the release still what was published?
  outcomes audit reports/2026Q2                      what could a reader work out about few patients?
  outcomes sign reports/draft/2026Q2-public --by "Jane Roe"    the public report leaves the drafts, by name
  outcomes diff reports/2026Q1 reports/2026Q2        which estimates moved, and through what
  outcomes lab                                       the notebooks, in a working copy of your own
  outcomes clean visits.csv --out cleaned/           visits, episodes, quarantine and ledger as tables
  outcomes simulate --patients 500 --seed 1 --out simulated/
  outcomes selftest                                  the proofs of the package, repeated on this machine

An export with headers of its own needs --mapping mapping.toml with `report` and `clean`.

exit codes: 0 done · 1 done, rows were set aside · 2 refused, nothing written · 3 withheld: could tell too much about
few patients, nothing written · 4 internal error
"""
    + TELL_READER_LEFT
)


def _parser(named: str | None = None) -> argparse.ArgumentParser:
    """Describe all commands, or the one that is named: the other nine take longer than many a check of arguments."""
    parser = argparse.ArgumentParser(
        prog="outcomes",
        description="Clean visit records of back-spasm cases and report time to relief, return and treatment mix.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"outcomes {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in [_COMMANDS[named]] if named in _COMMANDS else _COMMANDS.values():
        command.add(commands)
    return parser


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LITTLE_BYTES = 1 << 22


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process when not given.

    Returns
    -------
    int
        The exit code (this module's docstring).
    """
    if argv is not None:
        return _run(argv)
    # The process is this command's: it soon ends, and need not look for rubbish every 700 objects.
    gc.set_threshold(*_RARELY)
    guard_streams()
    with stop_on_signals():
        return _run(sys.argv[1:])


def _run(given: Sequence[str]) -> int:
    args = _parser(given[0] if given else None).parse_args(given)
    if "numpy" not in sys.modules:  # later it would have no effect here
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        code = int(args.run(args))
        if sys.stdout is not None:
            sys.stdout.flush()  # at the end of the interpreter a reader that left would be a fault nobody handles
        return code
    except DisclosureError as refusal:
        say(f"withheld: {refusal}")
        return WITHHELD
    except OutcomesError as refusal:
        say(f"refused: {refusal}")
        return REFUSED
    except KeyboardInterrupt:
        say("stopped; nothing was written")
        return REFUSED
    except WordsLost as lost:
        say(f"the words on the standard output could not be written: {lost}; what was written to files stands")
        return READER_LEFT
    except OSError as fault:
        if isinstance(fault, BrokenPipeError) and _reader_left():
            return READER_LEFT
        reason = os.strerror(fault.errno) if fault.errno else type(fault).__name__
        place = fault.filename or (_name_full(getattr(args, "out", None)) if fault.errno in _NO_ROOM else None)
        where = f" ({place})" if place else ""
        say(f"refused by the system: {reason}{where}; earlier results are untouched. Make room or give access.")
        return REFUSED
    except Exception as fault:  # noqa: BLE001
        # The text of an unforeseen error may hold a patient's value: only its kind and place are told.
        kind = type(fault).__name__
        where = f"{_place(fault)}{_work(args)}"
        say(f"internal error: {kind} at {where}; earlier results are untouched. Please report it.")
        return INTERNAL


def _reader_left() -> bool:
    """Whether the standard output is what broke; if so, what is left of it goes nowhere."""
    gone = is_unread()
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone


def _name_full(out: object) -> str | None:
    """Name what found no room, for a failed write does not: the result, or the temporary folder where that is full."""
    import shutil
    import tempfile

    folder = tempfile.gettempdir()
    place = None if out is None else str(out)
    beside = next((p for p in Path(place).absolute().parents if p.exists()), None) if place else None
    has_room = beside is None or shutil.disk_usage(beside).free > _LITTLE_BYTES
    return folder if has_room and shutil.disk_usage(folder).free <= _LITTLE_BYTES else place


def _work(args: argparse.Namespace) -> str:
    """Name the exports the command was given; which row it was at, an unforeseen error does not tell."""
    from outcomes.records.file_names import name_files

    names = name_files(getattr(args, "exports", None) or ([args.export] if "export" in args else []))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f", working on {', '.join(names[:_MOST_NAMED])}{more}" if names else ""


def _place(fault: BaseException) -> str:
    """Innermost line of the package that the error passed through."""
    home = str(Path(__file__).parents[1]) + os.sep
    ours = [frame for frame in traceback.extract_tb(fault.__traceback__) if frame.filename.startswith(home)]
    return f"{ours[-1].filename.removeprefix(home)}, line {ours[-1].lineno}"
