"""One drawn page for the whole run of the tests: it takes seconds, and several modules and processes look at it.

Kept with it are the invented results it was drawn from, small numbers hidden: to hide them takes seconds as well.
"""

from __future__ import annotations

import dataclasses
import fcntl
import pickle
from pathlib import Path
from typing import Any

import pytest
import release_fakes as fakes
from made_once import Pickler

from outcomes.release.inputs import ReportInputs
from outcomes.release.page import build_page


def page_of_fakes(folder: Path) -> Any:
    """The page of the invented results, drawn by whoever comes first; `folder` is common to all processes."""
    return _kept(folder, "page")


def hidden_fakes(folder: Path) -> Any:
    """The invented results as they were hidden for that page: never to be changed."""
    return dataclasses.replace(fakes.inputs(), **_kept(folder, "hidden"))


def _kept(folder: Path, name: str) -> Any:
    with (folder / "fakes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "fakes_page.bin").exists():
            for made, value in _draw().items():
                with (folder / f"fakes_{made}.bin").open("wb") as file:
                    Pickler(file).dump(value)
    return pickle.loads((folder / f"fakes_{name}.bin").read_bytes())


def _draw() -> dict[str, Any]:
    """Draw the page of results that are not yet hidden, and keep what hiding makes of them; the page is last."""
    hidden, protect = [], ReportInputs.protected

    def keep(inputs: ReportInputs, *options: Any) -> ReportInputs:
        hidden.append(protect(inputs, *options))
        return hidden[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReportInputs, "protected", keep)
        page = build_page(inputs := fakes.inputs())
    (once,) = hidden
    names = [item.name for item in dataclasses.fields(inputs)]
    others = {name: getattr(once, name) for name in names if getattr(once, name) is not getattr(inputs, name)}
    return {"hidden": others, "page": page}
