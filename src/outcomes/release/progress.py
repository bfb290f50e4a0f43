"""What is being done, on the standard error: on a terminal one line with the time it takes, elsewhere a line a step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from outcomes.files.stops import check_stop

if TYPE_CHECKING:
    from tqdm import tqdm


@contextmanager
def telling(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Give what is to be told each step in a few words."""
    if quiet or not sys.stderr.isatty():
        said: set[str] = set()

        def say_steps(step: str) -> None:
            check_stop()
            # The cells of a notebook are one step, and two may run at once: a log needs one line for each.
            if not quiet and (name := step.partition(":")[0]) not in said:
                said.add(name)
                sys.stderr.write(f"{name} ...\n")

        yield say_steps
        return
    with open_bar(bar_format="{elapsed}  {desc}") as line:

        def tell(step: str) -> None:
            check_stop()
            line.set_description_str(step)

        yield tell


def open_bar(**options: Any) -> tqdm[NoReturn]:
    """Open a bar of tqdm without its thread, which watches for bars that stand still.

    Files are parsed and questions put in forked processes; with a second thread here that would not be safe.
    """
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0

    return Bar(file=sys.stderr, leave=False, **options)
