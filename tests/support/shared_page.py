"""One drawn page for the whole run of the tests: it takes seconds, and several modules and processes look at it."""

from __future__ import annotations

import fcntl
import pickle
from pathlib import Path

import release_fakes as fakes

from outcomes.release.page import build_page


def page_of_fakes(folder: Path):
    """The page of the invented results, drawn by whoever comes first; `folder` is common to all processes."""
    kept = folder / "page_of_fakes.bin"
    with (folder / "page_of_fakes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(build_page(fakes.inputs())))
    return pickle.loads(kept.read_bytes())
