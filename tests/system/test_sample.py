"""``data/sample/`` is what the generator makes, and says that it is synthetic."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from outcomes.definitions import Protocol
from outcomes.records.mapping import Mapping
from outcomes.simulate.sample import SAMPLE_FILES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    command = [sys.executable, "-m", "outcomes.simulate.sample", "--out", str(out)]
    subprocess.run(command, check=True, cwd=ROOT / "src", capture_output=True, timeout=120)
    return out


def test_sample_has_these_files_and_no_others() -> None:
    assert sorted(path.name for path in SAMPLE.iterdir()) == list(SAMPLE_FILES)


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_sample_is_made_by_its_command(made: Path, name: str) -> None:
    # Not ==: a difference of three megabytes is no message.
    same = (made / name).read_bytes() == (SAMPLE / name).read_bytes()
    assert same, f"{name} differs: run python -m outcomes.simulate.sample --out data/sample"


def test_sample_is_small_and_about_25000_records() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    records = int(re.search(r"\((\d+) rows\)", readme.replace("\n", " "))[1])  # type: ignore[index]
    assert 24_000 < records < 26_000
    assert (SAMPLE / "visits.csv").stat().st_size < 4_000_000


def test_readme_says_it_is_synthetic_and_how_it_was_made() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "synthetic" in readme and "python -m outcomes.simulate.sample --out data/sample" in readme


def test_mapping_and_protocol_of_the_sample_load() -> None:
    mapping = Mapping.load(SAMPLE / "mapping.toml")
    assert mapping.dates.data_cut is not None and mapping.dates.data_cut.isoformat() == "2026-09-30"
    assert Protocol.load(SAMPLE / "protocol.toml").hash == Protocol().hash
