"""`outcomes simulate`: synthetic records whose truth is known."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import DONE, add_command

_HELP = """what is written: visits.csv, the mapping.toml that fits it, and truth.csv and truth.json with what really
happened to the made-up patients. Unless --clean is given the records are as dirty as real exports are.

examples:
  outcomes simulate --patients 500 --seed 1 --out simulated/
  outcomes simulate --patients 20000 --seed 7 --profile physio --clean --out simulated/

exit codes: 0 written · 2 refused, nothing written"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    simulate = add_command(commands, "simulate", "write synthetic records whose truth is known", _HELP)
    simulate.add_argument("--patients", type=_at_least_one, required=True, help="number of patients")
    simulate.add_argument("--seed", type=_from_zero, required=True, help="same seed, same bytes; from 0 on")
    simulate.add_argument("--profile", choices=("chiro", "physio"), default="chiro")
    simulate.add_argument("--clean", action="store_true", help="canonical headers and no dirt")
    simulate.add_argument("--out", type=Path, required=True, help="folder to write")
    simulate.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.progress import open_bar
    from outcomes.simulate import write_simulation

    with open_bar(total=args.patients, unit=" patients", disable=None) as bar:

        def tell(done: int, _: int) -> None:
            bar.update(done - bar.n)

        write_simulation(
            args.out,
            patients=args.patients,
            seed=args.seed,
            profile=args.profile,
            clean=args.clean,
            progress=tell,
        )
    print(args.out)
    return DONE


def _at_least_one(text: str) -> int:
    return _whole(text, 1)


def _from_zero(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.strip().isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"a whole number from {least} on")
    return int(text)
