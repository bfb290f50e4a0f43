"""What every test may use: the committed sample, and one fixed seed for generated cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# The same cases on every run and machine; a failing case is then a fault, never luck.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """`data/sample`, the committed synthetic clinic export."""
    return ROOT / "data" / "sample"


@pytest.fixture(scope="session")
def sample_export(sample_dir: Path) -> Path:
    """The sample's visit export."""
    return sample_dir / "visits.csv"


@pytest.fixture(scope="session")
def sample_mapping(sample_dir: Path) -> Path:
    """The mapping that goes with the sample export."""
    return sample_dir / "mapping.toml"


@pytest.fixture(scope="session")
def sample_protocol(sample_dir: Path) -> Path:
    """The protocol that goes with the sample export."""
    return sample_dir / "protocol.toml"
