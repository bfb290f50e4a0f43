"""What every test may use: the committed sample, one seed for generated cases; no network, no wait for the disk."""

from __future__ import annotations

import functools
import gc
import os
import runpy
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# The same cases on every run of the same tests in the same order. Of one file alone they are others than of all files:
# Hypothesis draws one in twenty values from constants of the modules loaded by then, and has no setting against it. A
# case that fails is therefore printed as `@reproduce_failure`, which brings it back wherever it is run.
settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("fixed")


# -- no network --------------------------------------------------------------------------------------------------------

NO_NETWORK = ROOT / "tests" / "support" / "no_network"  # nor a wait for the disk, in what is started
_FOR_LOCAL_SERVERS = ("browser", "local_server")
_blocked = {"now": False}


class ReachedForTheNetwork(BaseException):
    """A test opened a connection; no `except Exception` of what is tested may hide it."""


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every connection of this process, and every name that is looked up; files (AF_UNIX) are no network."""
    if not _blocked["now"]:
        return
    if event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        raise ReachedForTheNetwork(f"{event} {arguments[1][0]}")
    if event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        raise ReachedForTheNetwork(f"{event} {arguments[0]}")


def pytest_configure(config: pytest.Config) -> None:
    """Keep this process, and every Python it starts, off the network and from waiting for the disk."""
    config.addinivalue_line("markers", "local_server: talks to a server of its own on this machine")
    os.environ.setdefault("OUTCOMES_LIMIT_MINUTES", "10")  # what hangs fails its test, and not the hour
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in its background so, and no Python below it would hear the Ctrl-C that tests send.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.addaudithook(_refuse)  # it cannot be taken back: a test switches it
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(NO_NETWORK), *([before] if before else [])])
    os.fsync = runpy.run_path(str(NO_NETWORK / "unflushed.py"))["flush_nothing"]
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw1" and [Path(path).name for path in config.args] == ["tests"]:
        # In a fresh checkout every module is compiled. Two processes that begin at both ends meet in the middle, and
        # find the other half done; `pytest_collection_modifyitems` gives both the same order.
        config.args[:] = sorted((str(path) for path in (ROOT / "tests").rglob("test_*.py")), reverse=True)


# What is longest begins first, so that the processes of a run (`--dist loadfile`, a file to each) end together. Before
# it comes what forks for every file it reads: the smaller the process still is, the cheaper is its copy.
FIRST = (
    *("test_bad_input", "test_notebooks", "test_fuzz_readers", "test_reading_workbook", "test_reading_parquet"),
    *("test_crash_points", "test_single_faults", "test_sign_command", "test_sign"),
    *("test_identical_bytes", "test_interrupt", "test_page_in_browser", "test_figures", "test_neck_pain_laser"),
    *("test_disclosure_of_use", "test_publish", "test_diff"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files by how long they take; their tests stay in the order they stand in."""
    place = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: (place.get(item.path.stem, len(place)), item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Leave rubbish alone while tests are read: nearly all that is made then stays, and is searched again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Keep the search for rubbish from going through seven thousand tests and all modules again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that needs a server of its own says so by its mark; its programs still reach this machine only."""
    _blocked["now"] = not any(request.node.get_closest_marker(mark) for mark in _FOR_LOCAL_SERVERS)
    yield
    _blocked["now"] = False


# -- the vocabulary ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _packaged_codebook_is_read_once() -> Iterator[None]:
    """Keep the packaged vocabulary, which nothing changes: a user's process reads it once, that of tests for each test.

    A folder of somebody's own tables is read whenever it is asked for.
    """
    from outcomes.definitions.codebook import Codebook

    read = Codebook.load
    packaged = functools.cache(read)

    def load(folder: str | Path | None = None) -> Codebook:
        return packaged() if folder is None else read(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Codebook, "load", staticmethod(load))
        yield


# -- files of the checkout ---------------------------------------------------------------------------------------------


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
def drawn_page(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The page of the invented results with its pictures, drawn once for all processes of this run."""
    folder = _common_to_all(tmp_path_factory)
    import shared_page

    return shared_page.page_of_fakes(folder)


@pytest.fixture(scope="session")
def hidden_fakes(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The invented results of that page with small numbers hidden; never to be changed."""
    folder = _common_to_all(tmp_path_factory)
    import shared_page

    return shared_page.hidden_fakes(folder)


def _common_to_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes of this run; what makes things for them is found from here on."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures of a page undrawn."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from undrawn import leave_undrawn

    leave_undrawn(monkeypatch)
